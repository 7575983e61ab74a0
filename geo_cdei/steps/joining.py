"""Tables of a study, joined to the units: what every step starts from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import pandas as pd

from geo_cdei import columns
from geo_cdei.config import Data, Settings
from geo_cdei.errors import GeoCdeiError, InputError
from geo_cdei.inputs import boundaries as _boundaries
from geo_cdei.inputs import cities as _cities
from geo_cdei.inputs import clusters as _clusters
from geo_cdei.inputs import faults as _faults
from geo_cdei.inputs import levels as _levels
from geo_cdei.inputs import overrides as _overrides
from geo_cdei.inputs import schema as _schema
from geo_cdei.inputs import sources
from geo_cdei.inputs.names import cell_text
from geo_cdei.results import Notice
from geo_cdei.steps.composite import read_scores
from geo_cdei.steps.grouping import group_members, is_grouped
from geo_cdei.steps.pairs import check_pairs
from geo_cdei.steps.vintage import bring_table_to_date
from geo_cdei.workspace import Workspace

if TYPE_CHECKING:
    import geopandas as gpd

__all__ = ["Joined", "find_join_faults", "join_study"]

Frame = TypeVar("Frame", bound=pd.DataFrame)


@dataclass(frozen=True, slots=True)
class Joined:
    """The study's tables, joined to the units; what every step starts from.

    ``cities`` and ``members`` are those that count; ``published`` holds both as they are without overrides;
    ``tables`` says how a composite score was made.
    """

    units: gpd.GeoDataFrame
    cities: gpd.GeoDataFrame
    known: pd.DataFrame
    members: pd.DataFrame
    matches: pd.DataFrame
    corridors: pd.DataFrame | None
    flows: pd.DataFrame | None
    travel_time: pd.DataFrame | None
    notices: tuple[Notice, ...]
    published: tuple[gpd.GeoDataFrame, pd.DataFrame]
    overrides: pd.DataFrame | None
    tables: Mapping[str, pd.DataFrame]


def join_study(workspace: Workspace, settings: Settings) -> Joined:
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
    level = _levels.read_level(workspace, settings.boundaries)
    units, finder = level.units, _Finder(level.names, level.aliases)
    notices = [Notice("scores", said) for said in level.notices]
    name, scores, made = read_scores(workspace, settings, finder.codes, notices)
    if not made:
        scores = bring_table_to_date(workspace, settings, level.names, table=scores, name=name, notices=notices)
    matches = finder.checked(name, scores)
    # one order of cities, members, claims and flows, so that the rows of a file may stand in any
    cities = _as_printed(_cities.join_cities(scores, units, matches)).rename_axis("adcode")
    cities = cities.sort_values(["score", "adcode"], ascending=[False, True])
    faults = sources.read_table(workspace, "faults") if sources.has_table(workspace, "faults") else None
    known = cities.drop(columns="geometry")
    for name in settings.data.attributes:
        if not sources.has_table(workspace, name):
            notices.append(Notice("scores", f"there is no table {name}: its columns are left out"))
            continue
        table = _read(workspace, name, notices)
        table = _faults.resolve_faults(table, faults, name=name) if faults is not None else table
        table = bring_table_to_date(workspace, settings, level.names, table=table, name=name, notices=notices)
        values = _attribute_columns(table, finder.codes(name, table))
        twice = values.columns.intersection(cities.columns).tolist()
        if twice:
            raise InputError(
                f"{name}: the column {', '.join(map(repr, twice))} stands in another table too. Rename it."
            )
        cities = cities.join(values)
        known = known.join(values, how="outer") if len(values.index.difference(known.index)) else known.join(values)
    members = _members(workspace, settings, cities, finder, notices)
    published, overrides = (cities, members), None
    if sources.has_table(workspace, "overrides"):
        cities, members, overrides = _overridden(workspace, settings, finder, published)
        known = known.assign(score=cities["score"].reindex(known.index))
        notices.append(Notice("scores", _overrides.describe_overrides(overrides)))
    corridors = _corridors(workspace, finder, notices)
    flows, times = (_pairs(workspace, name, finder, cities, notices) for name in ("flows", "travel_time"))
    if level.faults is not None and len(level.faults):
        made = {**made, "boundary_faults": level.faults}
    return Joined(
        units, cities, known, members, finder.report(), corridors, flows, times, tuple(notices), published, overrides,
        made,
    )  # fmt: skip


def _as_printed(cities: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Call every city as its own table does; one given by code alone has its short name."""
    if "given_city" not in cities:
        return cities
    return cities.assign(city=cities["given_city"].fillna(cities["city"])).drop(columns="given_city")


def find_join_faults(workspace: Workspace, settings: Settings) -> list[str]:
    """List what keeps the tables of a study from being joined, table by table; nothing is raised.

    Parameters
    ----------
    workspace : Workspace
        The study.
    settings : Settings
        Its settings.

    Returns
    -------
    list of str
        One message per table with rows that fit no unit or cluster; tables that cannot be read are passed over.
    """
    try:
        names, aliases = _levels.read_names(workspace, settings.boundaries)
    except GeoCdeiError as error:
        return [str(error)]  # without units nothing can be joined
    finder = _Finder(names, aliases)
    faults: list[str] = []
    tables: dict[str, pd.DataFrame] = {}
    scores = [] if settings.score.indicators else [settings.data.scores]
    for name in dict.fromkeys([*scores, *settings.data.attributes, "clusters", "corridors", "published"]):
        try:
            if sources.has_table(workspace, name):
                like = Data().scores if name == settings.data.scores else None
                read = sources.read_table(workspace, name, like=like)
                tables[name] = bring_table_to_date(workspace, settings, names, table=read, name=name, notices=[])
            if name == "corridors":
                _corridors(workspace, finder, [])
            elif name == "clusters" and name in tables:
                _prefecture_codes(finder, tables[name])
            elif name in tables and "city" in tables[name] and name == settings.data.scores:
                finder.codes(name, tables[name])
        except GeoCdeiError as error:
            faults.append(str(error))
    if {"clusters", "published"} <= set(tables):
        known = tables["clusters"]["cluster_id"].dropna()
        dangling = _schema.find_dangling(tables["published"], "cluster_id", known, name="published")
        faults += [str(fault) for fault in dangling]
    return faults + _override_faults(workspace, settings, finder, tables)


def _override_faults(
    workspace: Workspace, settings: Settings, finder: _Finder, tables: dict[str, pd.DataFrame]
) -> list[str]:
    """List what is wrong with the overrides, as far as the tables that they override are sound."""
    if not sources.has_table(workspace, "overrides") or settings.data.scores not in tables:
        return []
    try:
        scores = tables[settings.data.scores]
        cities = scores.set_index(pd.Index(finder.codes(settings.data.scores, scores), name="adcode"))
        members = _members(workspace, settings, cities, finder, [])
    except GeoCdeiError:
        return []  # told already, of the table itself
    try:
        _overridden(workspace, settings, finder, (cities, members))
    except GeoCdeiError as error:
        return [str(error)]
    return []


class _Finder:
    """Matches the rows of table after table and keeps the report of all."""

    def __init__(self, units: pd.DataFrame, aliases: pd.DataFrame) -> None:
        self._units, self._aliases = units, aliases
        self._reports: list[pd.DataFrame] = []

    @property
    def counties_are_apart(self) -> bool:
        """Whether a county-level code in a table of clusters is no unit of the study."""
        return bool(self._units.attrs.get("kind", "") == "prefecture-level unit")

    def match(self, name: str, table: pd.DataFrame) -> pd.DataFrame:
        matches = _cities.match_cities(table, self._units, self._aliases, counties=_boundaries.read_counties)
        given = matches["given_name"].where(matches["given_name"].ne(""), matches["given_code"])
        report = matches.assign(table=name, given=given, unit=matches["official_name"])
        self._reports.append(report[list(columns.MATCH_REPORT)])
        return matches

    def checked(self, name: str, table: pd.DataFrame, *, unique: bool = True) -> pd.DataFrame:
        """Match a table's rows; a row that fits no unit, or two rows that fit one, is an error."""
        matches = self.match(name, table)
        _cities.check_matches(matches, name=name, unique=unique)
        return matches

    def codes(self, name: str, table: pd.DataFrame, *, unique: bool = True) -> pd.Series:
        """Codes of a table's rows, checked."""
        return self.checked(name, table, unique=unique)["adcode"]

    def report(self) -> pd.DataFrame:
        return pd.concat(self._reports, ignore_index=True)


def _read(workspace: Workspace, name: str, notices: list[Notice]) -> pd.DataFrame:
    table = sources.read_table(workspace, name)
    notices += [Notice("scores", said) for said in sources.describe_reading(table, name)]
    return table


def _attribute_columns(table: pd.DataFrame, codes: pd.Series) -> pd.DataFrame:
    """Numeric columns of an attribute table, and the check class of a GDP, by code."""
    renamed = table.rename(columns={"check": "gdp_check"})
    numeric = renamed.select_dtypes("number").columns.drop(["rank_printed", "adcode"], errors="ignore")
    keep = [*numeric, *(["gdp_check"] if "gdp_check" in renamed else [])]
    return renamed[keep].set_axis(pd.Index(codes, name="adcode"))


def _members(
    workspace: Workspace, settings: Settings, cities: gpd.GeoDataFrame, finder: _Finder, notices: list[Notice]
) -> pd.DataFrame:
    if is_grouped(settings):
        members, said = group_members(cities, settings)
        notices.append(Notice("scores", said))
        return members
    if not sources.has_table(workspace, "clusters"):
        notices.append(Notice("scores", "there is no table clusters: no cluster is scored or drawn"))
        empty = pd.DataFrame(columns=["cluster_id", "cluster", "cluster_en", "core", "city", "adcode", "role"])
        return _clusters.build_members(cities, empty)
    membership = _read(workspace, "clusters", notices)
    codes = _prefecture_codes(finder, membership)
    given = membership.get("adcode", pd.Series("", index=membership.index)).astype("str")
    coded = membership.assign(adcode=codes.reindex(membership.index).fillna(given))
    return _clusters.build_members(cities, coded.sort_values(["cluster_id", "role", "adcode"]))


def _overridden(
    workspace: Workspace, settings: Settings, finder: _Finder, published: tuple[Frame, pd.DataFrame]
) -> tuple[Frame, pd.DataFrame, pd.DataFrame]:
    """Put the planner's overrides in place of what is published; all that does not fit is one error."""
    cities, members, applied = _overrides.apply_overrides(
        _coded_overrides(workspace, finder), *published, limits=_score_limits(workspace, settings)
    )
    return cities, _clusters.build_members(cities, members), applied


def _coded_overrides(workspace: Workspace, finder: _Finder) -> pd.DataFrame:
    """Give every override its code, or the reason why it has none; counties have a code of their own."""
    table = sources.read_table(workspace, "overrides")
    matches = finder.match("overrides", table)
    own = matches["given_code"].where(matches["given_code"].map(_is_county))
    asked = matches["suggestions"].map(lambda names: f"; did you mean {names}?" if names else "")
    city = matches["given_name"].where(matches["given_name"].ne(""), matches["official_name"])
    return table.assign(adcode=matches["adcode"].fillna(own), city=city, note=matches["note"] + asked)


def _score_limits(workspace: Workspace, settings: Settings) -> tuple[float, float]:
    fields = sources.table_schema(workspace, settings.data.scores, like=Data().scores)["fields"]
    rules: dict[str, float] = next((field.get("constraints", {}) for field in fields if field["name"] == "score"), {})
    return float(rules.get("minimum", "-inf")), float(rules.get("maximum", "inf"))


def _prefecture_codes(finder: _Finder, membership: pd.DataFrame) -> pd.Series:
    """Codes of the members that are no county: a county is given by its code and has no row in the code list."""
    if not finder.counties_are_apart:
        return finder.codes("clusters", membership, unique=False)
    county = membership.get("adcode", pd.Series(index=membership.index, dtype="str")).map(_is_county)
    return finder.codes("clusters", membership[~county.astype(bool)], unique=False)


def _corridors(workspace: Workspace, finder: _Finder, notices: list[Notice]) -> pd.DataFrame | None:
    """Claimed corridors with their anchors as codes; None where the study claims none."""
    if not sources.has_table(workspace, "corridors"):
        return None
    claims = _read(workspace, "corridors", notices)
    anchors = claims["anchors"].str.split("[;；]").explode().str.strip()
    codes = finder.codes("corridors", _names_or_codes(anchors).reset_index(drop=True), unique=False)
    coded = pd.Series(codes.to_numpy(), index=anchors.index)
    claims = claims.assign(anchors=coded.groupby(level=0, sort=False).agg(tuple))
    return claims.sort_values("corridor_id", ignore_index=True)


def _pairs(
    workspace: Workspace, name: str, finder: _Finder, cities: pd.DataFrame, notices: list[Notice]
) -> pd.DataFrame | None:
    """Flows or travel times between cities, by code; None where the study has none."""
    if not sources.has_table(workspace, name):
        return None
    table = _read(workspace, name, notices)
    ends, lacking = ["origin", "destination"], {"origin", "destination", "value"} - set(table.columns)
    if lacking or not pd.api.types.is_numeric_dtype(table["value"]):
        raise InputError(
            f"{name} needs the columns origin, destination and value, the last one of numbers; it has "
            f"{', '.join(map(str, table.columns))}. Rename or mend them."
        )
    # every city is matched once, however many rows name it
    given = pd.Series(pd.unique(table[ends].to_numpy().ravel()))
    code = dict(zip(given, finder.codes(name, _names_or_codes(given)), strict=True))
    notices.append(Notice("corridors", f"{name} as given in data/raw takes the place of the modelled one"))
    coded = table.assign(**{end: table[end].map(code) for end in ends}).sort_values(ends, ignore_index=True)
    pairs, said = check_pairs(coded, cities, name=name)
    notices += said
    return pairs


def _names_or_codes(cells: pd.Series) -> pd.DataFrame:
    """Put cells that are whole numbers of six digits or more into the column of codes, others into that of names."""
    text = cells.map(cell_text)
    is_code = text.str.fullmatch(r"\d{6,12}")
    return pd.DataFrame({"city": text.where(~is_code, ""), "adcode": text.where(is_code, "")})


def _is_county(code: object) -> bool:
    """County-level codes end in neither 00 nor belong to a unit directly under a province (90 in the middle)."""
    text = _schema.normal_text(code)
    return len(text) == 6 and not text.endswith("00") and text[2:4] != "90"
