"""The commands as functions: make a study, check it, run it. The command line and notebooks call these."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import pandas as pd

from geo_cdei import pipeline
from geo_cdei._atomic import Batch, atomic_path
from geo_cdei._lock import study_lock
from geo_cdei.config import Data, Settings, read_settings
from geo_cdei.errors import GeoCdeiError, InputError, SettingsError
from geo_cdei.inputs import sources
from geo_cdei.outputs import tables as _tables
from geo_cdei.outputs.layer_faults import kept_layer_faults
from geo_cdei.outputs.manifest import MANIFEST
from geo_cdei.outputs.publish import publish, stale_notice
from geo_cdei.outputs.recipes import Recipe, read_recipes
from geo_cdei.results import Analysis, Notice
from geo_cdei.workspace import SETTINGS_NAME, Workspace, create_study, open_study

__all__ = ["TEMPLATE", "CheckReport", "Outcome", "check", "draw_map", "init", "present_inputs", "run_study"]

TEMPLATE = "data/scores-template.xlsx"
_CHANGED = "changed by you; the new hash is in the manifest"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run found, what it wrote, and how long it took.

    Parameters
    ----------
    analysis : Analysis
        Everything found.
    written : tuple of pathlib.Path
        The files.
    seconds : float
        Wall time.
    """

    analysis: Analysis
    written: tuple[Path, ...]
    seconds: float

    def _repr_html_(self) -> str:
        """Show a summary in a notebook."""
        from geo_cdei.outputs.notebook import summary_html

        return summary_html(self.analysis, written=self.written, seconds=self.seconds)


@dataclass(frozen=True, slots=True)
class CheckReport:
    """Result of :func:`check`.

    Parameters
    ----------
    lines : tuple of str
        What was looked at, with notices.
    faults : tuple of str
        What must be mended; empty for a sound study.
    """

    lines: tuple[str, ...]
    faults: tuple[str, ...]


def init(folder: Path | str) -> Workspace:
    """Make a study with the default inputs and a workbook to fill in.

    Parameters
    ----------
    folder : path
        A new or empty folder.

    Returns
    -------
    Workspace
        The study.

    Raises
    ------
    StudyError
        If the folder holds something already.
    """
    workspace = create_study(folder)
    units, _ = sources.read_units(workspace)
    with atomic_path(workspace.root / TEMPLATE) as temporary:
        _tables.write_template(temporary, names=units)
    return workspace


def check(folder: Workspace | Path | str, *, strict: bool = False, accept: bool = False) -> CheckReport:
    """Verify every input of a study and list all faults at once.

    Parameters
    ----------
    folder : Workspace or path
        The study.
    strict : bool
        Whether a file that differs from its descriptor is a fault; otherwise it is a notice.
    accept : bool
        Whether to write the present hashes into the descriptors first.

    Returns
    -------
    CheckReport
        Lines to show, and the faults.
    """
    workspace = folder if isinstance(folder, Workspace) else open_study(folder)
    lines: list[str] = []
    faults: list[str] = []
    if accept:
        with study_lock(workspace.root):
            lines += [f"accepted: {path}" for path in sources.accept(workspace)]
    files = sources.verify(workspace)
    for row in files.itertuples():
        lines.append(f"{row.status:11} {row.path}")
    changed = files[files["status"] == "changed"]["path"].tolist()
    lines += [] if strict else [f"{path}: {_CHANGED}" for path in changed]
    settings = _collect(faults, lambda: read_settings(workspace.settings)) or Settings()
    there = [Path(path) for path in files[files["status"] != "absent"]["path"]]
    for name in dict.fromkeys(path.stem for path in there if path.parent.as_posix() == "data/raw"):
        like = Data().scores if name in (settings.data.scores, *settings.editions.tables.values()) else None
        read = partial(sources.read_table, workspace, name, like=like, layouts=settings.tables)
        table = _collect(faults, read)
        lines += [f"  {line}" for line in table.attrs["settling"]] if table is not None else []
    units_read = _collect(faults, lambda: sources.read_units(workspace))
    if units_read is not None:
        for fault in pipeline.find_join_faults(workspace, settings):
            if fault not in faults:
                faults.append(fault)
    recipes = _collect(faults, lambda: read_recipes(workspace.maps / "recipes")) or {}
    if not faults:
        own = Path(str(files.loc[files["path"].str.contains(f"/{settings.data.scores}."), "path"].max())).as_posix()
        analysis = _check_totals(workspace, settings, lines, faults, own=strict or own not in changed)
        if analysis is not None:
            _check_recipes(recipes, analysis, faults)
    if strict:
        faults += [f"{path}: its hash differs from the descriptor; check --accept takes it over" for path in changed]
    lines.append(f"{len(files)} files, {_number(len(faults), 'fault')}")
    return CheckReport(tuple(lines), tuple(faults))


def _check_totals(
    workspace: Workspace, settings: Settings, lines: list[str], faults: list[str], *, own: bool
) -> Analysis | None:
    """Join everything once and re-compute every printed number that can be re-computed.

    A number that does not come out is a fault of the data as published (`own` is True); of scores that the planner
    has put in, it only says that the printed numbers are of other scores.
    """
    analysis = _collect(faults, lambda: pipeline.run(workspace, settings, only=["scores"]))
    if analysis is None:
        return None
    report = analysis.tables["match_report"]
    lines.append(f"{len(report)} rows matched to units: " + _counts(report["how"]))
    lines += [f"notice: {notice.message}" for notice in analysis.notices]
    printed = analysis.tables.get("reproduction")
    if printed is None:
        return analysis
    lines.append(
        "printed numbers: " + _counts(printed["reproduced"].replace({"": "cannot be tested", "yes": "reproduced"}))
    )
    missed = [
        f"{row.quantity} of {row.subject} ({row.edition:.0f}): printed {row.published:g}, computed {row.computed:.4f}"
        for row in printed[printed["reproduced"] == "no"].itertuples()
    ]
    if own:
        faults += missed
    elif missed:
        lines += [f"notice: {said}" for said in missed]
        lines.append(
            f"notice: {_number(len(missed), 'printed number')} not reproduced, as is to be expected of scores "
            "of your own: delete data/raw/published.csv, or put your printed numbers there"
        )
    return analysis


def _check_recipes(recipes: Mapping[str, Recipe], analysis: Analysis, faults: list[str]) -> None:
    """Bind every recipe whose table is made by the scores; the others are bound when they are drawn."""
    from geo_cdei.outputs.recipe_themes import bind

    for recipe in recipes.values():
        table = analysis.tables.get(recipe.table)
        if table is not None and not table.empty:
            _collect(faults, partial(bind, recipe, analysis, lang=analysis.settings.study.language))


def _number(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def _counts(values: pd.Series) -> str:
    return ", ".join(f"{count} {value}" for value, count in values.value_counts().items())


def _collect(faults: list[str], read: Callable[[], T]) -> T | None:
    try:
        return read()
    except GeoCdeiError as error:
        faults.append(str(error))
        return None


def run_study(
    folder: Workspace | Path | str,
    settings: Settings | None = None,
    *,
    only: Iterable[str] | None = None,
    on_step: Callable[[str, str], None] | None = None,
) -> Outcome:
    """Run a study and write its tables, pages and manifest.

    Parameters
    ----------
    folder : Workspace or path
        The study.
    settings : Settings, optional
        In place of the study's own ``geo-cdei.toml``.
    only : iterable of str, optional
        Steps to run; all when omitted.
    on_step : callable, optional
        Called with the name of a step and ``"start"`` or ``"end"``.

    Returns
    -------
    Outcome
        The analysis, the files written and the time.

    Raises
    ------
    GeoCdeiError
        If an input is not what it should be or a file cannot be written; earlier outputs are then as they were.
    """
    began = time.perf_counter()
    workspace = folder if isinstance(folder, Workspace) else open_study(folder)
    with study_lock(workspace.root) as mended:
        analysis, written = _run_alone(workspace, settings or read_settings(workspace.settings), only, on_step)
    manifest = json.loads((workspace.root / MANIFEST).read_text(encoding="utf-8"))
    said = [*mended, *filter(None, [stale_notice(manifest)])]
    analysis = replace(analysis, notices=(*analysis.notices, *(Notice("write", sentence) for sentence in said)))
    return Outcome(analysis, tuple(written), time.perf_counter() - began)


def _run_alone(
    workspace: Workspace,
    settings: Settings,
    only: Iterable[str] | None,
    on_step: Callable[[str, str], None] | None,
) -> tuple[Analysis, list[Path]]:
    """Run and write a study that nobody else is working in."""
    wanted = None if only is None else list(only)
    steps = pipeline.plan_steps(wanted)
    files = _input_files(workspace)
    with kept_layer_faults(workspace):
        analysis = pipeline.run(workspace, settings, only=wanted, on_step=on_step)
    _check_unchanged(files, _input_files(workspace))
    analysis = _with_changes(analysis, files)
    inputs = dict(zip(files["path"], files["sha256"], strict=True))
    inputs[SETTINGS_NAME] = sources.sha256(workspace.settings)
    if settings.boundaries.path:
        inputs[settings.boundaries.path] = sources.sha256(workspace.root / settings.boundaries.path)
    written = publish(
        analysis,
        workspace,
        steps=steps,
        inputs=inputs,
        whole=len(steps) == len(pipeline.STEPS),
        on_step=on_step,
    )
    return analysis, written


def _input_files(workspace: Workspace) -> pd.DataFrame:
    files = sources.verify(workspace)
    return files[files["status"] != "absent"].reset_index(drop=True)


def _check_unchanged(before: pd.DataFrame, after: pd.DataFrame) -> None:
    """Refuse a result of inputs that somebody saved while they were read: its hashes would not be those in use."""
    hashes = [dict(zip(files["path"], files["sha256"], strict=True)) for files in (before, after)]
    moved = sorted({path for path, digest in hashes[0].items() ^ hashes[1].items()})
    if moved:
        raise InputError(
            f"{_number(len(moved), 'input')} changed during the run: {', '.join(moved)}. Run again; the earlier "
            "results are as they were."
        )


def present_inputs(workspace: Workspace) -> dict[str, str]:
    """Hash every input that is there, the settings file among them.

    Parameters
    ----------
    workspace : Workspace
        The study.

    Returns
    -------
    dict
        Path within the study to sha256, as a run's manifest has them.
    """
    files = _input_files(workspace)
    inputs = dict(zip(files["path"], files["sha256"], strict=True))
    return inputs | {SETTINGS_NAME: sources.sha256(workspace.settings)}


STEP_OF = {"units": "scores", "cities": "scores", "clusters": "scores", "members": "scores",
           "cluster_scores": "scores", "lisa": "autocorrelation", "getis": "autocorrelation",
           "pattern": "pattern", "corridors": "corridors", "poles": "poles"}  # fmt: skip
"""The step that makes the table of a recipe; another table needs the whole run."""


def draw_map(
    folder: Workspace | Path | str,
    recipe: str,
    *,
    extent: str | None = None,
    formats: tuple[str, ...] | None = None,
    lang: str | None = None,
    on_step: Callable[[str, str], None] | None = None,
) -> list[Path]:
    """Draw one map recipe of a study into ``maps/``.

    Parameters
    ----------
    folder : Workspace or path
        The study.
    recipe : str
        Name of a file in ``maps/recipes`` without ending, or the path of a TOML file.
    extent : str, optional
        ``"country"``, a province (四川) or a cluster (C04), in place of the recipe's.
    formats : tuple of str, optional
        Among html, png, pdf and svg, in place of the recipe's.
    lang : {"zh", "en"}, optional
        In place of the settings'.
    on_step : callable, optional
        Called with the name of a step and ``"start"`` or ``"end"``.

    Returns
    -------
    list of pathlib.Path
        The files written.

    Raises
    ------
    GeoCdeiError
        If there is no such recipe, table or extent, or the map breaks a rule of standard maps.
    """
    from geo_cdei.outputs.extents import find_focus
    from geo_cdei.outputs.recipe_maps import draw_recipe
    from geo_cdei.outputs.recipes import nearest, read_recipe, read_recipes

    workspace = folder if isinstance(folder, Workspace) else open_study(folder)
    settings = read_settings(workspace.settings)
    if recipe.endswith(".toml"):
        wanted = read_recipe(Path(recipe))
    else:
        known = read_recipes(workspace.maps / "recipes")
        if recipe not in known:
            raise SettingsError(f"there is no recipe {recipe!r} in maps/recipes; {nearest(recipe, known)}")
        wanted = known[recipe]
    step = STEP_OF.get(wanted.table)
    analysis = pipeline.run(workspace, settings, only=[step] if step else None, on_step=on_step)
    made = draw_recipe(wanted, analysis, lang=lang, formats=formats, extent=extent)
    focus = find_focus(extent if extent is not None else wanted.extent, analysis)
    name = wanted.name if focus is None else f"{wanted.name}-{focus.key}"
    with study_lock(workspace.root), Batch(workspace.root) as batch:
        for ending, product in made.items():
            # the page of a run has several themes: that of one recipe has a name of its own
            target = f"maps/map-{name}.html" if ending == "html" else f"maps/{name}.{ending}"
            batch.path(target).write_bytes(product if isinstance(product, bytes) else product.html.encode())
        return batch.commit()


def _with_changes(analysis: Analysis, files: pd.DataFrame) -> Analysis:
    changed = files[files["status"] == "changed"]["path"]
    said = tuple(Notice("inputs", f"{path}: {_CHANGED}") for path in changed)
    return replace(analysis, notices=(*said, *analysis.notices))
