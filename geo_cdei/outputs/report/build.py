"""Put the sections of a report together, and write what the settings ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from geo_cdei.errors import OutputError
from geo_cdei.outputs.report import sections_back, sections_front, sections_sheets, sections_tests
from geo_cdei.outputs.report.context import Context
from geo_cdei.outputs.report.document import Block, Document, PageBreak
from geo_cdei.outputs.report.html import write_html
from geo_cdei.outputs.report.templates import Section, Writer, report_word
from geo_cdei.outputs.report.word import write_docx
from geo_cdei.results import Analysis

__all__ = ["build_report", "report_name", "write_docx", "write_html"]

_FRONT: tuple[Callable[[Context], Section], ...] = (
    sections_front.reproduction, sections_front.clusters, sections_tests.pattern, sections_tests.corridors,
    sections_tests.spillovers, sections_tests.poles,
)  # fmt: skip
_BACK: tuple[Callable[[Context], Section], ...] = (
    sections_back.methods, sections_back.data, sections_back.limits, sections_back.manifest,
)  # fmt: skip


def build_report(
    analysis: Analysis,
    *,
    lang: str,
    cluster: str | None = None,
    figures: Mapping[str, bytes] | None = None,
) -> Document:
    """Write the report of a run, or the sheet of one of its clusters.

    Parameters
    ----------
    analysis : Analysis
        The run; sections whose tables it did not make say so in one line.
    lang : {"zh", "en"}
        The language.
    cluster : str, optional
        ``cluster_id``: only the sheet of that cluster, with methods, limits and manifest.
    figures : mapping of str to bytes, optional
        Maps of the recipes as PNG, by the name of the recipe.

    Returns
    -------
    Document
        Blocks with traced numbers, for `write_html` and `write_docx`.

    Raises
    ------
    OutputError
        If there is no such cluster or language, or the tables do not belong together.

    Examples
    --------
    >>> from geo_cdei import Settings, Workspace, pipeline
    >>> from geo_cdei.workspace import default_study
    >>> analysis = pipeline.run(Workspace(default_study()), Settings(), only=["scores"])
    >>> document = build_report(analysis, lang="en", cluster="C05")
    >>> document.subtitle
    'Cluster report: Shandong Peninsula'
    """
    if not analysis.tables:
        raise OutputError("a report needs the tables of a run, and this one has none. Run the study first.")
    context = Context(analysis, lang, figures or {})
    writer = Writer(context.numbers, lang, _asked(context))
    words = {name: report_word(f"frame:{name}", lang) for name in ("contents", "table", "figure")}
    wanted = sorted(map(str, analysis.clusters.index)) if cluster is None else [context.checked_cluster(cluster)]
    pictures = _small_maps(context, wanted)
    blocks: list[Block] = []
    if cluster is None:
        blocks += writer.write(sections_front.summary(context)) + [PageBreak()]
        blocks += [block for section in _FRONT for block in writer.write(section(context))]
    for cluster_id in wanted:
        blocks += writer.write(sections_sheets.sheet(context, cluster_id, picture=pictures.get(cluster_id)))
    blocks += [block for section in _BACK for block in writer.write(section(context))]
    study = analysis.settings.study
    source = study.source if lang == "zh" else study.source_en
    named = report_word("frame:report", lang)
    if cluster is not None:
        named = report_word("frame:sheet", lang) + context.cluster(cluster)
    return Document(
        title=study.title if lang == "zh" else study.title_en, subtitle=named, lang=lang,
        date=study.date.isoformat(), source=report_word("frame:source", lang) + source, words=words,
        blocks=tuple(blocks),
    )  # fmt: skip


def report_name(ending: str, cluster: str | None = None) -> str:
    """Name the file of a report.

    Parameters
    ----------
    ending : str
        Such as "html".
    cluster : str, optional
        ``cluster_id`` of a sheet.

    Returns
    -------
    str
        The name, in the study's root.

    Examples
    --------
    >>> report_name("docx"), report_name("html", "C05")
    ('report.docx', 'report.C05.html')
    """
    return f"report.{ending}" if cluster is None else f"report.{cluster}.{ending}"


def _asked(context: Context) -> dict[str, Any]:
    """Name what every template may ask for beside the numbers."""
    comma = report_word("frame:comma", context.lang)
    return {
        "cluster": context.cluster, "city": context.city, "city_named": context.city_named,
        "corridor": context.corridor, "weighting": context.weighting,
        "clusters": lambda keys: comma.join(context.cluster(key) for key in keys),
        "corridors": lambda keys: comma.join(context.corridor(key) for key in keys),
        "cities": lambda keys: comma.join(context.city(key) for key in keys),
    }  # fmt: skip


def _small_maps(context: Context, wanted: list[str]) -> dict[str, bytes]:
    """Draw the small maps of the sheets over one projected country."""
    from geo_cdei.outputs.report.locator import draw_locator, find_font, locate, prepare_ground

    if not wanted:
        return {}
    ground = prepare_ground(context.analysis)
    found = {name: locate(context.analysis, ground, name, lang=context.lang) for name in wanted}
    font = find_font("".join(place[0] for locator in found.values() for place in locator.places))
    return {name: draw_locator(locator, ground, font=font) for name, locator in found.items()}
