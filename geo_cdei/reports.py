"""Reports from a run that exists: nothing is computed again, and a run that is out of date is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from geo_cdei._atomic import Batch
from geo_cdei._lock import study_lock
from geo_cdei.errors import OutputError
from geo_cdei.outputs.manifest import MANIFEST, file_hash, write_manifest
from geo_cdei.outputs.reload import check_fresh, read_manifest, read_run
from geo_cdei.results import Analysis
from geo_cdei.studies import present_inputs
from geo_cdei.workspace import Workspace, open_study

__all__ = ["FORMATS", "write_report"]

FORMATS = ("html", "docx", "xlsx")
LANGUAGES = ("zh", "en")
OnStep = Callable[[str, str], None]


def write_report(
    folder: Workspace | Path | str,
    *,
    lang: str | None = None,
    cluster: str | None = None,
    formats: Iterable[str] | None = None,
    on_step: OnStep | None = None,
) -> list[Path]:
    """Write the report of the last run of a study, or the sheet of one cluster, without computing anything again.

    Parameters
    ----------
    folder : Workspace or path
        The study.
    lang : {"zh", "en"}, optional
        In place of the run's language.
    cluster : str, optional
        ``cluster_id``: ``report.C05.html`` and so on, with what concerns that cluster.
    formats : iterable of str, optional
        Among html, docx and xlsx; those of the settings unless told.
    on_step : callable, optional
        Called with ``read``, ``figures`` (maps drawn in another language) and the formats, and ``"start"`` or
        ``"end"``.

    Returns
    -------
    list of pathlib.Path
        The files written, in the study's root; the manifest names them with their hashes.

    Raises
    ------
    OutputError
        If there is no such format, language or cluster, or a file that would be replaced was changed by somebody.
    StudyError
        If the study has no finished run, or it is out of date: all that changed since is named.
    """
    workspace = folder if isinstance(folder, Workspace) else open_study(folder)
    _check_choice("language", [] if lang is None else [lang], LANGUAGES)
    given = None if formats is None else list(dict.fromkeys(formats))
    if given is not None:
        _check_choice("format of a report", given or [""], FORMATS)
    tell = on_step or (lambda *_: None)
    with study_lock(workspace.root):
        manifest = read_manifest(workspace)
        with _told(tell, "read"):
            check_fresh(workspace, manifest, inputs=present_inputs(workspace))
            analysis = read_run(workspace)
        if cluster is not None:
            _check_choice("cluster", [cluster], [str(name) for name in analysis.clusters.index])
        wanted: list[str] = given if given is not None else [*analysis.settings.report.formats]
        return _write(workspace, analysis, manifest, wanted, language=lang, cluster=cluster, tell=tell)


@contextmanager
def _told(on_step: OnStep, step: str) -> Iterator[None]:
    on_step(step, "start")
    yield
    on_step(step, "end")


def _check_choice(what: str, given: Iterable[str], known: Iterable[str]) -> None:
    strange = [name for name in given if name not in set(known)]
    if strange:
        raise OutputError(
            f"there is no {what} {', '.join(map(repr, strange))}; there are {', '.join(known)}. Nothing was written."
        )


def _write(
    workspace: Workspace,
    analysis: Analysis,
    manifest: dict[str, Any],
    wanted: list[str],
    *,
    language: str | None,
    cluster: str | None,
    tell: OnStep,
) -> list[Path]:
    from geo_cdei.outputs.report.build import report_name
    from geo_cdei.outputs.report.files import write_report as write_blocks
    from geo_cdei.outputs.workbook import write_workbook

    lang = language or analysis.settings.study.language
    _check_own(workspace, manifest, [report_name(name, cluster) for name in wanted])
    blocks = [name for name in wanted if name != "xlsx"]
    maps = _maps(workspace, analysis, manifest, lang=lang, tell=tell) if blocks and cluster is None else {}
    with Batch(workspace.root) as batch:
        if blocks:
            with _told(tell, ", ".join(blocks)):
                write_blocks(analysis, batch.path, formats=blocks, maps=maps, lang=lang, cluster=cluster)
        if "xlsx" in wanted:
            with _told(tell, "xlsx"):
                write_workbook(analysis, batch.path(report_name("xlsx", cluster)), lang=lang, cluster=cluster)
        made = {target: file_hash(batch.path(target)) for target in batch.targets}
        manifest["outputs"] = dict(sorted((manifest["outputs"] | made).items()))
        write_manifest(manifest, batch.path(MANIFEST))
        return [path for path in batch.commit() if path.name != MANIFEST]


def _check_own(workspace: Workspace, manifest: Mapping[str, Any], names: Iterable[str]) -> None:
    """Refuse to write over a report that somebody has worked on."""
    known = manifest["outputs"] | manifest.get("stale_outputs", {})
    paths = {name: workspace.root / name for name in names}
    edited = [name for name, path in paths.items() if path.is_file() and file_hash(path) != known.get(name)]
    if edited:
        raise OutputError(
            f"{', '.join(edited)} was changed since it was written. Give it another name, or delete it, and write "
            "the report again; nothing was written."
        )


def _maps(
    workspace: Workspace, analysis: Analysis, manifest: Mapping[str, Any], *, lang: str, tell: OnStep
) -> dict[str, bytes]:
    """Take the maps that the run drew, or draw them again in another language or where they were changed."""
    from geo_cdei.outputs.recipe_maps import draw_recipe
    from geo_cdei.outputs.recipes import read_recipes
    from geo_cdei.outputs.report.files import PLACED, find_maps

    outputs = manifest["outputs"]
    drawn = [name for name in PLACED if f"maps/{name}.png" in outputs]
    found: dict[str, bytes] = {}
    if lang == analysis.settings.study.language:
        there = find_maps(workspace.maps)
        hashes = {name: file_hash(workspace.maps / f"{name}.png") for name in there}
        found = {name: png for name, png in there.items() if hashes[name] == outputs.get(f"maps/{name}.png")}
    lacking = [name for name in drawn if name not in found]
    if not lacking:
        return found
    with _told(tell, "figures"):
        recipes = read_recipes(workspace.maps / "recipes")
        for name in lacking:
            product = (
                draw_recipe(recipes[name], analysis, lang=lang, formats=["png"])["png"] if name in recipes else 0
            )
            found |= {name: product} if isinstance(product, bytes) else {}
    return found
