"""The files of a report: which ones the settings ask for, and what each holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from geo_cdei.outputs.report.build import build_report, report_name
from geo_cdei.outputs.report.document import Document
from geo_cdei.outputs.report.html import write_html
from geo_cdei.outputs.report.pictures import PLACED, fit_pictures
from geo_cdei.outputs.report.word import write_docx
from geo_cdei.results import Analysis

__all__ = ["PLACED", "WRITERS", "find_maps", "write_report"]

#: Endings of the reports that are made of blocks; a workbook is not.
WRITERS: dict[str, Callable[[Document, Path], Path]] = {"html": write_html, "docx": write_docx}


def write_report(
    analysis: Analysis,
    place: Callable[[str], Path],
    *,
    formats: Iterable[str],
    maps: Mapping[str, bytes],
    lang: str | None = None,
    cluster: str | None = None,
) -> list[str]:
    """Write the report of a run, or the sheet of one cluster, in each format that is made of blocks.

    Parameters
    ----------
    analysis : Analysis
        The run.
    place : callable
        Gives the path to write to for a file's name, such as ``Batch.path``.
    formats : iterable of str
        Among "html" and "docx"; others are passed over.
    maps : mapping of str to bytes
        Maps of the recipes as PNG by name, in the language of the report; from `find_maps`.
    lang : {"zh", "en"}, optional
        That of the settings if omitted.
    cluster : str, optional
        ``cluster_id`` of a sheet.

    Returns
    -------
    list of str
        Names of the files written.

    Raises
    ------
    OutputError
        If there is no such cluster, or a file cannot be written.
    """
    wanted = [name for name in WRITERS if name in set(formats)]
    if not wanted:
        return []
    language = lang or analysis.settings.study.language
    document = build_report(analysis, lang=language, cluster=cluster, figures=fit_pictures(maps))
    names = [report_name(name, cluster) for name in wanted]
    for fmt, name in zip(wanted, names, strict=True):
        WRITERS[fmt](document, place(name))
    return names


def find_maps(folder: Path) -> dict[str, bytes]:
    """Read the maps that a report places, as far as they were drawn.

    Parameters
    ----------
    folder : pathlib.Path
        ``maps`` of the study.

    Returns
    -------
    dict of str to bytes
        PNG by the name of the recipe.
    """
    paths = {name: folder / f"{name}.png" for name in PLACED}
    return {name: path.read_bytes() for name, path in paths.items() if path.is_file()}
