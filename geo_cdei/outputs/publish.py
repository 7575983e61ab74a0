"""Everything a run writes, in one batch: all files take their places together, or none does."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geo_cdei._atomic import Batch
from geo_cdei.errors import GeoCdeiWarning, own_messages
from geo_cdei.outputs import tables as _tables
from geo_cdei.outputs.manifest import MANIFEST, build_manifest, file_hash, write_manifest
from geo_cdei.outputs.reload import RUN, write_run
from geo_cdei.results import Analysis, Notice
from geo_cdei.workspace import Workspace

if TYPE_CHECKING:
    from geo_cdei.outputs.recipes import Recipe

__all__ = ["publish"]

GEOPACKAGE = "data/derived/geo_cdei.gpkg"


def publish(
    analysis: Analysis,
    workspace: Workspace,
    *,
    steps: Iterable[str],
    inputs: Mapping[str, str],
    whole: bool = True,
    on_step: Callable[[str, str], None] | None = None,
) -> list[Path]:
    """Write the tables, layers, pages and the manifest of a run.

    Parameters
    ----------
    analysis : Analysis
        What was found.
    workspace : Workspace
        The study to write into.
    steps : iterable of str
        Steps that were run; ``maps`` draws the pages.
    inputs : mapping of str to str
        Path of every input to its sha256, for the manifest.
    whole : bool
        Whether every step was run: files of an earlier run that this one does not write are then removed.
        After a partial run they stay, and the manifest tells those of equal inputs from stale ones.
    on_step : callable, optional
        Told of the start and end of ``maps`` and ``write``.

    Returns
    -------
    list of pathlib.Path
        The files written.

    Raises
    ------
    OutputError
        If a file cannot be replaced; the earlier ones are then all as they were.
    """
    tell = on_step or (lambda *_: None)
    formats = analysis.settings.outputs.formats
    earlier = _earlier_manifest(workspace.root / MANIFEST)
    seconds = dict(analysis.seconds)
    with Batch(workspace.root) as batch:
        if "maps" in steps and "html" in formats:
            tell("maps", "start")
            began = time.perf_counter()
            _write_pages(analysis, batch)
            seconds["maps"] = time.perf_counter() - began
            tell("maps", "end")
        notices: list[Notice] = []
        if "figures" in steps and analysis.settings.outputs.maps:
            tell("figures", "start")
            began = time.perf_counter()
            notices = _write_recipes(analysis, workspace, batch)
            seconds["figures"] = time.perf_counter() - began
            tell("figures", "end")
        analysis = replace(analysis, notices=(*analysis.notices, *notices))
        if "report" in steps and analysis.settings.report.formats:
            tell("report", "start")
            began = time.perf_counter()
            _write_report(analysis, batch)
            seconds["report"] = time.perf_counter() - began
            tell("report", "end")
        tell("write", "start")
        if "csv" in formats:
            for name, frame in analysis.tables.items():
                _tables.write_csv(frame, batch.path(f"data/derived/{name}.csv"))
            _write_statements(analysis, batch)
        manifest = build_manifest(analysis, inputs=inputs, outputs={}, steps=steps)
        keep = not whole and _same_origin(earlier, manifest)
        before = workspace.root / RUN if keep and _is_as_written(earlier, RUN, workspace.root) else None
        write_run(analysis, batch.path(RUN), steps=steps, earlier=before)
        if {"gpkg", "parquet", "shp"} & set(formats):
            _write_layers(analysis, batch, workspace.root / GEOPACKAGE, keep=keep)
        outputs = {target: file_hash(batch.path(target)) for target in batch.targets}
        manifest["outputs"] = dict(sorted(outputs.items()))
        manifest["seconds"] = {step: round(value, 2) for step, value in seconds.items()}
        manifest |= _carried_over(earlier, manifest, workspace.root) if not whole else {}
        if manifest.get("stale_outputs"):
            manifest["notices"].append(f"write: {stale_notice(manifest)}")
        write_manifest(manifest, batch.path(MANIFEST))
        written = batch.commit()
    if whole:
        _remove_stale(earlier, outputs, workspace.root)
    tell("write", "end")
    return written


def _write_layers(analysis: Analysis, batch: Batch, before: Path, *, keep: bool) -> None:
    """Write the layers in every format of the settings, with their styles."""
    from geo_cdei.outputs import gis_files
    from geo_cdei.outputs.gis_styles import layer_styles

    wanted, date = analysis.settings.outputs, analysis.settings.study.date
    layers = gis_files.layers_of(analysis)
    styles = layer_styles(analysis, layers)
    if "gpkg" in wanted.formats:
        place = batch.path(GEOPACKAGE)
        _tables.write_geopackage(layers, place, crs=wanted.crs, date=date, earlier=before if keep else None)
        gis_files.write_styles(styles, place, date=date)
        gis_files.write_sld(styles, batch.path)
    if "parquet" in wanted.formats:
        gis_files.write_geoparquet(layers, batch.path, crs=wanted.crs)
    if "shp" in wanted.formats:
        gis_files.write_shapefiles(layers, styles, batch.path, crs=wanted.crs, date=date)


def _write_statements(analysis: Analysis, batch: Batch) -> None:
    """Write what the numbers of the fifth pole say, in both languages."""
    if "poles" not in analysis.facts:
        return
    from geo_cdei.outputs.statements import pole_statement

    for lang in ("zh", "en"):
        said = pole_statement(dict(analysis.facts["poles"]), lang=lang)
        batch.path(f"data/derived/pole_statement.{lang}.txt").write_text(said, encoding="utf-8", newline="\n")


def _write_recipes(analysis: Analysis, workspace: Workspace, batch: Batch) -> list[Notice]:
    """Draw every recipe whose table the run has, as publication maps; what a map had to do without is told."""
    from geo_cdei.outputs.recipe_maps import draw_recipes
    from geo_cdei.outputs.recipes import read_recipes

    recipes = read_recipes(workspace.maps / "recipes")
    known = {name: recipe for name, recipe in recipes.items() if _has_values(recipe, analysis)}
    pages = [target.removeprefix("maps/") for target in batch.targets if target.startswith("maps/")]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", GeoCdeiWarning)
        for name, product in draw_recipes(known, analysis, formats=analysis.settings.outputs.maps, without=pages):
            batch.path(f"maps/{name}").write_bytes(product if isinstance(product, bytes) else product.html.encode())
    return [Notice("figures", message) for message in own_messages(caught)]


def _write_report(analysis: Analysis, batch: Batch) -> None:
    """Write the report with the maps that this run drew."""
    from geo_cdei.outputs.report.files import PLACED, write_report

    drawn = {name: f"maps/{name}.png" for name in PLACED if f"maps/{name}.png" in batch.targets}
    maps = {name: batch.path(target).read_bytes() for name, target in drawn.items()}
    write_report(analysis, batch.path, formats=analysis.settings.report.formats, maps=maps)
    if "xlsx" in analysis.settings.report.formats:
        from geo_cdei.outputs.workbook import write_workbook

        write_workbook(analysis, batch.path("report.xlsx"), lang=analysis.settings.study.language)


def _has_values(recipe: Recipe, analysis: Analysis) -> bool:
    """Whether the run made the table of a recipe, and the table has anything in the recipe's column."""
    table = analysis.units if recipe.table == "units" else analysis.tables.get(recipe.table)
    if table is None or table.empty:
        return False
    return recipe.column not in table.columns or bool(table[recipe.column].notna().any())


def _write_pages(analysis: Analysis, batch: Batch) -> None:
    from geo_cdei.outputs import pages

    for name, page in pages.build_pages(analysis).items():
        page.save(batch.path(f"maps/{name}.html"))


def _earlier_manifest(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError):
        return {}  # none, or a damaged one: nothing is known of the earlier run
    sound = isinstance(found, dict) and all(isinstance(found.get(key, {}), dict) for key in _WRITTEN)
    return found if sound else {}


_WRITTEN = ("outputs", "stale_outputs")


def _earlier_outputs(earlier: Mapping[str, Any]) -> dict[str, str]:
    """All that earlier runs wrote and nobody removed, stale or not."""
    return {target: digest for key in reversed(_WRITTEN) for target, digest in earlier.get(key, {}).items()}


def stale_notice(manifest: Mapping[str, Any]) -> str:
    """Say how many files an earlier run left that no longer fit; empty when there are none."""
    stale = manifest.get("stale_outputs", {})
    if not stale:
        return ""
    return (
        f"of the files of an earlier run {len(stale)} were made from other inputs or settings (stale_outputs in "
        "manifest.json); run without --only to renew them"
    )


def _same_origin(earlier: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    return all(earlier.get(key) == now[key] for key in ("inputs", "settings", "made_by"))


def _is_as_written(earlier: Mapping[str, Any], target: str, root: Path) -> bool:
    path = root / target
    return path.is_file() and earlier.get("outputs", {}).get(target) == file_hash(path)


def _carried_over(earlier: Mapping[str, Any], now: Mapping[str, Any], root: Path) -> dict[str, Any]:
    """List outputs of earlier runs that a partial one leaves in place: valid if made from the same inputs."""
    same = _same_origin(earlier, now)
    kept = {
        target: digest
        for target, digest in _earlier_outputs(earlier).items()
        if target not in now["outputs"] and (root / target).is_file() and file_hash(root / target) == digest
    }
    valid = {target: digest for target, digest in kept.items() if same and target in earlier.get("outputs", {})}
    stale = {target: digest for target, digest in kept.items() if target not in valid}
    return {"outputs": dict(sorted((valid | now["outputs"]).items()))} | (
        {"stale_outputs": dict(sorted(stale.items()))} if stale else {}
    )


def _is_product(path: Path, root: Path) -> bool:
    """Whether a run may have written a file: a manifest that names an input among the outputs must not cost it."""
    if not path.is_relative_to(root):
        return False
    folder = path.relative_to(root).parent.as_posix()
    if folder == ".":
        return path.name.startswith("report.")
    return folder.startswith(("data/derived", "maps")) and not folder.startswith("maps/recipes")


def _remove_stale(earlier: Mapping[str, Any], outputs: Mapping[str, str], root: Path) -> None:
    """Remove what earlier runs wrote and this one did not, unless somebody changed it since."""
    for target, digest in _earlier_outputs(earlier).items():
        path = root / target
        inside = _is_product(path.resolve(), root.resolve())
        if target not in outputs and inside and path.is_file() and file_hash(path) == digest:
            path.unlink()
