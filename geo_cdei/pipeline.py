"""The whole story in one function: read, join, score, test. No arithmetic here, and nothing is written.

A step that the study has no data for is skipped, and the reason is kept as a notice. ``maps`` is drawn from the
finished analysis by :mod:`geo_cdei.outputs.publish`.
"""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from geo_cdei import columns
from geo_cdei.config import Settings
from geo_cdei.errors import SettingsError
from geo_cdei.inputs import cities as _cities
from geo_cdei.inputs import clusters as _clusters
from geo_cdei.inputs import faults as _faults
from geo_cdei.inputs import schema as _schema
from geo_cdei.inputs import sources
from geo_cdei.results import Analysis, Notice
from geo_cdei.workspace import Workspace

if TYPE_CHECKING:
    import geopandas as gpd

__all__ = ["STEPS", "plan_steps", "run"]

STEPS: dict[str, tuple[str, ...]] = {
    "scores": (),
    "inequality": ("scores",),
    "maps": ("scores",),
}
"""Every step in order, and the steps it needs."""

OnStep = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class Joined:
    """The study's tables, joined to the units; what every step starts from."""

    units: gpd.GeoDataFrame
    cities: gpd.GeoDataFrame
    known: pd.DataFrame
    members: pd.DataFrame
    matches: pd.DataFrame
    notices: tuple[Notice, ...]


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
    steps = plan_steps(only)
    seconds: dict[str, float] = {}

    @contextmanager
    def step(name: str) -> Iterator[None]:
        tell = on_step or (lambda *_: None)
        tell(name, "start")
        began = time.perf_counter()
        yield
        seconds[name] = time.perf_counter() - began
        tell(name, "end")

    with step("scores"):
        joined = load(workspace, settings)
        provinces = sources.read_boundaries(
            workspace,
            level="province",
            source=settings.boundaries.source,
            simplify_m=settings.boundaries.simplify_m,
        )
        scored = _score(workspace, settings, joined)
    tables, notices = dict(scored.tables), [*joined.notices, *scored.notices]
    if "inequality" in steps:
        with step("inequality"):
            table, skipped = _inequality(settings, scored.cities)
            tables |= table
            notices += skipped
    return Analysis(
        settings=settings,
        units=_mapped_units(joined, scored.cities),
        provinces=provinces,
        dash_line=sources.read_lines(),
        cities=scored.cities,
        members=scored.members,
        clusters=scored.clusters,
        national=scored.national,
        weights=scored.weights,
        tables=tables,
        seconds=seconds,
        notices=tuple(notices),
    )


def load(workspace: Workspace, settings: Settings) -> Joined:
    """Read the study's tables and join them to the units.

    Parameters
    ----------
    workspace : Workspace
        The study.
    settings : Settings
        Its settings.

    Returns
    -------
    Joined
        Units with polygons, cities with every attribute, memberships, and how each row was matched.
    """
    names, aliases = sources.read_units(workspace)
    layer = sources.read_boundaries(
        workspace, source=settings.boundaries.source, simplify_m=settings.boundaries.simplify_m
    )
    units = layer[["geometry"]].join(names, how="inner").rename_axis("adcode")
    finder = _Finder(names, aliases)
    notices: list[Notice] = []
    scores = _read(workspace, settings.data.scores, notices)
    finder.codes(settings.data.scores, scores)
    cities = _as_printed(_cities.join_cities(scores, units, finder.last))
    faults = sources.read_table(workspace, "faults") if sources.has_table(workspace, "faults") else None
    known = cities.drop(columns="geometry")
    for name in settings.data.attributes:
        if not sources.has_table(workspace, name):
            notices.append(Notice("scores", f"there is no table {name}: its columns are left out"))
            continue
        table = _read(workspace, name, notices)
        table = _faults.resolve_faults(table, faults, name=name) if faults is not None else table
        values = _attribute_columns(table, finder.codes(name, table))
        cities = cities.join(values)
        known = known.join(values, how="outer") if len(values.index.difference(known.index)) else known.join(values)
    members = _members(workspace, cities, finder, notices)
    return Joined(units, cities, known, members, finder.report(), tuple(notices))


def _as_printed(cities: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Call every city as its own table does; one given by code alone has its short name."""
    if "given_city" not in cities:
        return cities
    return cities.assign(city=cities["given_city"].fillna(cities["city"])).drop(columns="given_city")


class _Finder:
    """Matches the rows of table after table and keeps the report of all."""

    def __init__(self, units: pd.DataFrame, aliases: pd.DataFrame) -> None:
        self._units, self._aliases = units, aliases
        self._reports: list[pd.DataFrame] = []
        self.last = pd.DataFrame()

    def match(self, name: str, table: pd.DataFrame) -> pd.DataFrame:
        matches = _cities.match_cities(table, self._units, self._aliases, counties=sources.read_counties)
        given = matches["given_name"].where(matches["given_name"].ne(""), matches["given_code"])
        report = matches.assign(table=name, given=given, unit=matches["official_name"])
        self._reports.append(report[list(columns.MATCH_REPORT)])
        self.last = matches
        return matches

    def codes(self, name: str, table: pd.DataFrame, *, unique: bool = True) -> pd.Series:
        """Codes of a table's rows; a row that fits no unit, or two rows that fit one, is an error."""
        matches = self.match(name, table)
        _cities.check_matches(matches, name=name, unique=unique)
        return matches["adcode"]

    def report(self) -> pd.DataFrame:
        return pd.concat(self._reports, ignore_index=True)


def _read(workspace: Workspace, name: str, notices: list[Notice]) -> pd.DataFrame:
    table = sources.read_table(workspace, name)
    encoding = table.attrs["encoding"]
    if encoding not in ("utf-8", "workbook"):
        notices.append(Notice("scores", f"{name} was read as {encoding}"))
    return table


def _attribute_columns(table: pd.DataFrame, codes: pd.Series) -> pd.DataFrame:
    """Numeric columns of an attribute table, and the check class of a GDP, by code."""
    renamed = table.rename(columns={"check": "gdp_check"})
    numeric = renamed.select_dtypes("number").columns.drop(["rank_printed", "adcode"], errors="ignore")
    keep = [*numeric, *(["gdp_check"] if "gdp_check" in renamed else [])]
    return renamed[keep].set_axis(pd.Index(codes, name="adcode"))


def _members(workspace: Workspace, cities: pd.DataFrame, finder: _Finder, notices: list[Notice]) -> pd.DataFrame:
    if not sources.has_table(workspace, "clusters"):
        notices.append(Notice("scores", "there is no table clusters: no cluster is scored or drawn"))
        empty = pd.DataFrame(columns=["cluster_id", "cluster", "cluster_en", "core", "city", "adcode", "role"])
        return _clusters.build_members(cities, empty)
    membership = _read(workspace, "clusters", notices)
    county = membership.get("adcode", pd.Series(index=membership.index, dtype="str")).map(_is_county)
    codes = finder.codes("clusters", membership[~county.astype(bool)], unique=False)
    given = membership.get("adcode", pd.Series("", index=membership.index)).astype("str")
    coded = membership.assign(adcode=codes.reindex(membership.index).fillna(given))
    return _clusters.build_members(cities, coded)


def _is_county(code: object) -> bool:
    """County-level codes end in neither 00 nor belong to a unit directly under a province (90 in the middle)."""
    text = _schema.normal_text(code)
    return len(text) == 6 and not text.endswith("00") and text[2:4] != "90"


@dataclass(frozen=True, slots=True)
class _Scored:
    cities: gpd.GeoDataFrame
    members: pd.DataFrame
    clusters: gpd.GeoDataFrame
    national: dict[str, float]
    weights: str
    tables: dict[str, pd.DataFrame]
    notices: list[Notice]


def _score(workspace: Workspace, settings: Settings, joined: Joined) -> _Scored:
    from geo_cdei.analysis import scoring

    notices: list[Notice] = []
    weights = _usable_weights(settings, joined, notices)
    cities = _ranked(workspace, joined)
    contributed = scoring.contributions(cities, joined.members, weights=weights, roles=settings.scores.roles)
    members = joined.members.merge(
        contributed.drop(columns="city"), on=["cluster_id", "adcode"], how="left", validate="1:1"
    )
    long = _all_weightings(settings, joined, cities, weights)
    clusters = _cluster_frame(joined, long, weights)
    tables = {
        "cities": _city_table(cities),
        "match_report": joined.matches,
        "clusters": clusters.drop(columns="geometry").rename_axis("cluster_id"),
        "members": members[list(columns.MEMBERS)],
        "cluster_scores": long,
    }
    if sources.has_table(workspace, "published"):
        tables |= _against_print(workspace, settings, joined, cities, clusters, weights)
    else:
        notices.append(Notice("scores", "there is no table published: nothing is compared with print"))
    national = scoring.national_means(cities, weights=weights)
    return _Scored(cities, members, clusters, national, weights, tables, notices)


def _usable_weights(settings: Settings, joined: Joined, notices: list[Notice]) -> str:
    wanted = settings.scores.weights
    if wanted == "equal" or wanted in joined.cities.columns:
        return wanted
    numeric = joined.cities.select_dtypes("number").columns.tolist()
    if any(name.endswith(wanted) for name in settings.data.attributes):
        notices.append(Notice("scores", f"there is no column {wanted}: clusters are scored with equal weights"))
        return "equal"
    near = difflib.get_close_matches(wanted, numeric, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"columns: {', '.join(numeric)}"
    raise SettingsError(f"geo-cdei.toml: scores.weights is {wanted!r}, which is no column of the cities; {hint}")


def _ranked(workspace: Workspace, joined: Joined) -> gpd.GeoDataFrame:
    from geo_cdei.analysis import scoring

    cities = joined.cities
    if "rank" not in cities:
        cities = cities.assign(rank=cities["score"].rank(ascending=False, method="min"))
    if sources.has_table(workspace, "tiers"):
        tiers = sources.read_table(workspace, "tiers")
        cities = cities.assign(tier=scoring.assign_tiers(cities["score"], tiers))
    primary = _clusters.primary_cluster(joined.members)
    return cities.join(primary)


def _all_weightings(settings: Settings, joined: Joined, cities: pd.DataFrame, weights: str) -> pd.DataFrame:
    """Scores of the clusters under the study's weighting and its rivals, with the interval of the first."""
    from geo_cdei.analysis import scoring

    known = joined.known
    tables = []
    rivals = [name for name in settings.scores.rivals if name == "equal" or name in known.columns]
    for name in dict.fromkeys([weights, *rivals]):
        table = scoring.score_clusters(known, joined.members, weights=name, roles=settings.scores.roles)
        tables.append(table.reset_index().assign(weights=name))
    long = pd.concat(tables, ignore_index=True)
    log_sd = cities.get("gdp_check", pd.Series(index=cities.index, dtype="str")).map(settings.scores.gdp_log_sd)
    interval = scoring.score_interval(
        cities, joined.members, log_sd=log_sd, weights=weights, draws=settings.scores.interval_draws,
        seed=settings.inference.seed,
    ).reset_index().assign(weights=weights)  # fmt: skip
    merged = long.merge(interval, on=["cluster_id", "weights"], how="left")
    return merged[["cluster_id", "weights", *columns.CLUSTER_SCORES, "low", "high"]]


def _cluster_frame(joined: Joined, long: pd.DataFrame, weights: str) -> gpd.GeoDataFrame:
    outlines = _clusters.dissolve_clusters(joined.units, joined.members)
    main = long[long["weights"] == weights].set_index("cluster_id")
    rivals = long[long["weights"] != weights].pivot(index="cluster_id", columns="weights", values="score")
    frame = outlines.join(_clusters.cluster_table(joined.members), how="right")
    frame = frame.join(main[["n_members", "n_scored", "score", "loo_min", "loo_max", "top_member"]])
    frame = frame.join(rivals.add_prefix("score_"))
    extra = [name for name in rivals.add_prefix("score_").columns if name not in columns.CLUSTERS]
    return frame.reindex(columns=[*columns.CLUSTERS, *extra, "geometry"]).sort_index()


def _city_table(cities: gpd.GeoDataFrame) -> pd.DataFrame:
    """Cities in the columns of the contract, further numeric columns of the study behind them."""
    extra = [
        name
        for name in cities.select_dtypes("number").columns
        if name not in columns.CITIES and name not in ("lon", "lat")
    ]
    table = pd.DataFrame(cities.drop(columns="geometry")).reindex(columns=[*columns.CITIES, *extra])
    return table.astype({"rank": "Int64"}).rename_axis("adcode")


def _against_print(
    workspace: Workspace,
    settings: Settings,
    joined: Joined,
    cities: pd.DataFrame,
    clusters: pd.DataFrame,
    weights: str,
) -> dict[str, pd.DataFrame]:
    from geo_cdei.analysis import scoring

    published = sources.read_table(workspace, "published")
    dangling = _schema.find_dangling(published, "cluster_id", clusters.index, name="published")
    _schema.raise_faults(dangling, name="published")
    edition = settings.study.edition
    return {
        "reproduction": scoring.reproduce(cities, clusters, published, edition=edition),
        "weighting": scoring.compare_weightings(cities, joined.members, published, weights=weights, edition=edition),
    }


def _inequality(settings: Settings, cities: gpd.GeoDataFrame) -> tuple[dict[str, pd.DataFrame], list[Notice]]:
    """Inequality of the score and of every weight, over the cities that belong to a cluster."""
    from geo_cdei.analysis import inequality, partitions

    grouped = cities[cities["cluster_id"].notna() & cities["score"].notna()]
    if grouped["cluster_id"].nunique() < 2:
        return {}, [Notice("inequality", "fewer than two clusters have scored cities: skipped")]
    drawn = partitions.random_partitions_of(
        grouped, grouped["cluster_id"], draws=settings.inference.partitions, seed=settings.inference.seed
    )
    names = ["score", *(name for name in ("scale_2020", "gdp_2019") if name in grouped)]
    tables = [
        inequality.decompose_inequality(
            grouped[name], grouped["cluster_id"], partitions=drawn, seed=settings.inference.seed
        )
        for name in names
    ]
    return {"inequality": pd.concat(tables, ignore_index=True)}, []


def _mapped_units(joined: Joined, cities: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """All units with what is known of the scored ones; the rest has NA, which is not zero."""
    scored = cities.drop(columns=["geometry", *joined.units.columns], errors="ignore")
    units = joined.units.join(scored.drop(columns="city", errors="ignore"))
    printed = cities["city"].reindex(units.index)
    return units.assign(city=printed.fillna(units["short_name"]), city_en=units["name_en"])
