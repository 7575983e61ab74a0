"""The whole story in one function: join, score, test. No arithmetic here, and nothing is written.

A step that the study has no data for is skipped, and the reason is kept as a notice. ``maps`` is drawn from the
finished analysis by :mod:`geo_cdei.outputs.publish`.
"""

from __future__ import annotations

import difflib
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from geo_cdei.config import Settings
from geo_cdei.errors import GeoCdeiWarning, SettingsError, own_messages
from geo_cdei.inputs import boundaries as _boundaries
from geo_cdei.results import Analysis, Notice
from geo_cdei.steps.autocorrelation import add_autocorrelation
from geo_cdei.steps.context import Context
from geo_cdei.steps.corridors import add_corridors
from geo_cdei.steps.editions import add_editions
from geo_cdei.steps.inequality import add_inequality
from geo_cdei.steps.joining import Joined, find_join_faults, join_study
from geo_cdei.steps.pattern import add_pattern
from geo_cdei.steps.poles import add_poles
from geo_cdei.steps.scores import Scored, score_study
from geo_cdei.steps.spillovers import add_spillovers
from geo_cdei.workspace import Workspace

if TYPE_CHECKING:
    import geopandas as gpd

__all__ = ["STEPS", "find_join_faults", "plan_steps", "run"]

STEPS: dict[str, tuple[str, ...]] = {
    "scores": (),
    "editions": ("scores",),
    "inequality": ("scores",),
    "autocorrelation": ("scores",),
    "pattern": ("scores", "autocorrelation"),
    "corridors": ("scores",),
    "spillovers": ("scores", "autocorrelation"),
    "poles": ("scores", "autocorrelation", "pattern", "corridors", "spillovers"),
    "maps": ("scores",),
    "figures": ("scores",),
    "report": ("scores",),
}
"""Every step in order, and the steps it needs."""

_ADD: dict[str, Callable[[Context], None]] = {
    "editions": add_editions,
    "inequality": add_inequality,
    "autocorrelation": add_autocorrelation,
    "pattern": add_pattern,
    "corridors": add_corridors,
    "spillovers": add_spillovers,
    "poles": add_poles,
}

OnStep = Callable[[str, str], None]


def plan_steps(only: Iterable[str] | None = None) -> tuple[str, ...]:
    """List the steps to run, with those that they need.

    Parameters
    ----------
    only : iterable of str, optional
        Names of steps; all of them when omitted.

    Returns
    -------
    tuple of str
        In running order.

    Raises
    ------
    SettingsError
        If a name is no step.

    Examples
    --------
    >>> plan_steps(["inequality"])
    ('scores', 'inequality')
    """
    wanted = list(STEPS) if only is None else list(only)
    if not wanted:
        raise SettingsError(f"No step was named. Steps: {', '.join(STEPS)}.")
    for name in wanted:
        if name not in STEPS:
            near = difflib.get_close_matches(name, STEPS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise SettingsError(f"There is no step {name!r}. Steps: {', '.join(STEPS)}.{hint}")
    needed = {need for name in wanted for need in STEPS[name]}
    return tuple(step for step in STEPS if step in needed or step in wanted)


def run(
    workspace: Workspace,
    settings: Settings,
    *,
    only: Iterable[str] | None = None,
    on_step: OnStep | None = None,
) -> Analysis:
    """Run the analysis of a study.

    Parameters
    ----------
    workspace : Workspace
        The study.
    settings : Settings
        Its settings.
    only : iterable of str, optional
        Steps to run; all when omitted.
    on_step : callable, optional
        Called with the name of a step and ``"start"`` or ``"end"``.

    Returns
    -------
    Analysis
        Everything found; :func:`geo_cdei.outputs.publish.publish` writes it.

    Raises
    ------
    GeoCdeiError
        If an input is not what it should be.

    Examples
    --------
    >>> from geo_cdei.workspace import Workspace, default_study
    >>> analysis = run(Workspace(default_study()), Settings(), only=["scores"])
    >>> analysis.clusters["score"].loc[["C03", "C01", "C02", "C04"]].round(1).tolist()
    [81.2, 74.8, 72.8, 69.9]
    """
    clock = _Clock(on_step)
    polygons = settings.boundaries
    with clock.step("scores"):
        joined = join_study(workspace, settings)
        provinces = _boundaries.read_boundaries(
            workspace, level="province", source=polygons.source, simplify_m=polygons.simplify_m
        )
        dash_line = _boundaries.read_lines()
        scored = score_study(workspace, settings, joined)
    context = Context(workspace, settings, joined, scored, tables=dict(scored.tables))
    context.notices += [*joined.notices, *scored.notices]
    for name in plan_steps(only):
        if name in _ADD:
            with clock.step(name):
                _ADD[name](context)
    return Analysis(
        settings=settings,
        units=_mapped_units(joined, scored),
        provinces=provinces,
        dash_line=dash_line,
        cities=scored.cities,
        members=scored.members,
        clusters=scored.clusters,
        national=scored.national,
        weights=scored.weights,
        tables=context.tables,
        layers=context.layers,
        base_graph=context.base_graph,
        facts=context.facts,
        seconds=clock.seconds,
        notices=(*context.notices, *clock.notices),
    )


class _Clock:
    """Tells of each step, times it, and turns its warnings into notices."""

    def __init__(self, on_step: OnStep | None) -> None:
        self._tell = on_step or (lambda *_: None)
        self.seconds: dict[str, float] = {}
        self.notices: list[Notice] = []

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        self._tell(name, "start")
        began = time.perf_counter()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", GeoCdeiWarning)
            yield
        self._sort_out(name, caught)
        self.seconds[name] = time.perf_counter() - began
        self._tell(name, "end")

    def _sort_out(self, name: str, caught: list[warnings.WarningMessage]) -> None:
        """Keep our own warnings as notices, once each; let everybody else's through."""
        self.notices += [Notice(name, message) for message in own_messages(caught)]


def _mapped_units(joined: Joined, scored: Scored) -> gpd.GeoDataFrame:
    """All units with what is known of the scored ones; the rest has NA, which is not zero."""
    known = scored.cities.drop(columns=["geometry", "city", *joined.units.columns], errors="ignore")
    units = joined.units.join(known)
    printed = scored.cities["city"].reindex(units.index)
    return units.assign(city=printed.fillna(units["short_name"]), city_en=units["name_en"])
