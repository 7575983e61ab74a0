"""The criteria that candidates for a fifth pole are held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._aligned import name_some, numbers
from .._geodesy import distance_km
from .._poles import CRITERIA, PoleCriteria, observed_range
from ..errors import AlignmentError, StatisticError
from .graphs import city_points
from .scenarios import membership_matrix, weight_vector, weighted_means

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    BoolArray = npt.NDArray[np.bool_]

__all__ = ["PoleEvidence", "pole_criteria"]

MEMBERSHIPS = (("primary",), ("primary", "secondary"))


@dataclass(frozen=True, slots=True, eq=False)
class PoleEvidence:
    """What the other steps found, city by city; a part that a study lacks is None, and its criteria are left out.

    Attributes
    ----------
    local : pandas.DataFrame, optional
        Indexed by ``adcode``: ``HH`` (significant HH of the local Moran) and ``hot`` (significant hot spot), bool.
    links : pandas.DataFrame, optional
        The backbone: ``origin``, ``destination``, ``carried``.
    corridors : pandas.DataFrame, optional
        ``cities`` (tuple of codes, or codes parted by semicolons), one row for each corridor that counts.
    sites : pandas.Series, optional
        Share of the national distance saved, indexed by ``adcode`` (``saved_share`` of ``fifth_sites``).
    hinterlands : pandas.DataFrame, optional
        ``adcode``, ``core`` (codes) and ``probability`` that the city turns to the core; the least may be left out.
    change : pandas.Series, optional
        Change of the score between two editions, indexed by ``cluster_id``, poles included.
    poles : sequence of str
        ``cluster_id`` of the present poles.
    """

    local: pd.DataFrame | None = None
    links: pd.DataFrame | None = None
    corridors: pd.DataFrame | None = None
    sites: pd.Series[float] | None = None
    hinterlands: pd.DataFrame | None = None
    change: pd.Series[float] | None = None
    poles: Sequence[str] = ()


def pole_criteria(
    candidates: pd.DataFrame,
    cities: gpd.GeoDataFrame,
    members: pd.DataFrame,
    *,
    evidence: PoleEvidence,
    columns: tuple[str, str] = ("gdp_2019", "scale_2020"),
    strong_city: float = 65.0,
) -> PoleCriteria:
    """Compute every criterion of every candidate, under each membership scenario.

    Parameters
    ----------
    candidates : pandas.DataFrame
        From :func:`pole_candidates`, custom ones included.
    cities : geopandas.GeoDataFrame of shape (n_cities, any)
        Indexed by ``adcode``: ``city``, ``score``, points, and the two columns.
    members : pandas.DataFrame
        ``cluster_id``, ``adcode``, ``role``.
    evidence : PoleEvidence
        What the other steps found.
    columns : tuple of str, default ("gdp_2019", "scale_2020")
        Weights of a cluster's score, and size of a city. Without the second, criteria of size are left out.
    strong_city : float, default 65.0
        Score from which a city counts as strong, points.

    Returns
    -------
    PoleCriteria
        Level: ``score`` (weighted mean), ``top_city``. Breadth: ``scale_2020`` (sum of the sizes; unknown if one
        is), ``n_strong``, ``evenness`` (1 − Gini of the sizes, corrected for the number of members), ``primacy``
        (largest over second largest size), ``share_HH``, ``share_hot``. Connection: ``backbone_flow`` (what the
        links across the candidate's border carry, through traffic at both ends), ``n_corridors`` (through at least
        one member), ``market_potential`` (sizes of the cities outside, each over its distance to the seat).
        Location: ``complementarity`` (at the seat), ``free_hinterland`` (share of the nation's size in cities that
        turn to a member more probably than to any member of a pole). Dynamics: ``change``.

    Raises
    ------
    StatisticError
        If a criterion is missing for all candidates and observed nowhere else, or a candidate has no scored member.
    AlignmentError
        If the evidence lists codes that are no city.

    References
    ----------
    Harris, C. D. (1954). The market as a factor in the localization of industry in the United States. Annals of the
    AAG, 44(4), 315-348. Jefferson, M. (1939). The law of the primate city. Geographical Review, 29(2), 226-232.
    """
    measures = _Measures(cities, members, evidence, columns, strong_city)
    tables, held = [], []
    for roles in MEMBERSHIPS:
        matrix = _scored_members(members, candidates, cities, roles)
        rows = {str(name): measures.of(str(name), row) for name, row in zip(candidates.index, matrix, strict=True)}
        tables.append(pd.DataFrame.from_dict(rows, orient="index").rename_axis("cluster_id"))
        held.append(matrix)
    seats = [measures.seat(row) for row in held[0]]
    names = pd.Series(cities["city"].to_numpy() if "city" in cities else cities.index, index=cities.index)
    kept = [name for name in tables[0].columns if name != "seat"]
    raw = tables[0][kept].astype(float)
    change = evidence.change.dropna() if evidence.change is not None else pd.Series(dtype=float)
    elsewhere = pd.DataFrame({"low": [change.min()], "high": [change.max()]}, index=["change"], dtype=float)
    ends = observed_range(raw, elsewhere)
    described = {c.key: c for c in CRITERIA}
    table = pd.DataFrame(
        {key: [getattr(described[name], key) for name in kept] for key in ("group", "direction", "unit", "step")},
        index=ends.index,
    )
    return PoleCriteria(
        candidates=candidates.assign(seat=seats, seat_city=names.reindex(seats).to_numpy()),
        raw=raw,
        others=tuple(other[kept].astype(float) for other in tables[1:]),
        table=table.assign(low=ends["low"], high=ends["high"], n_missing=raw.isna().sum()),
        elsewhere=elsewhere,
        left_out=tuple(c.key for c in CRITERIA if c.key not in kept),
        score=cities["score"].to_numpy(dtype=float),
        weight=weight_vector(cities, columns[0]).to_numpy(dtype=float),
        memberships=np.stack(held),
        adcodes=cities.index,
        strong_city=strong_city,
    )


def _scored_members(
    members: pd.DataFrame, candidates: pd.DataFrame, cities: pd.DataFrame, roles: Sequence[str]
) -> BoolArray:
    matrix = membership_matrix(members, cities.index, roles=roles).reindex(candidates.index, fill_value=False)
    held = matrix.to_numpy(dtype=bool) & cities["score"].notna().to_numpy()
    empty = [str(name) for name, row in zip(candidates.index, held, strict=True) if not row.any()]
    if empty:
        raise StatisticError(f"{len(empty)} candidates have no scored member: {', '.join(empty)}. Remove them.")
    return np.asarray(held)


class _Measures:
    """The evidence as arrays in the order of the cities, ready to be summed over a set of members."""

    def __init__(
        self,
        cities: gpd.GeoDataFrame,
        members: pd.DataFrame,
        evidence: PoleEvidence,
        columns: tuple[str, str],
        strong_city: float,
    ) -> None:
        self._index, self._evidence, self._strong = cities.index, evidence, strong_city
        self._score = numbers(cities["score"])
        self._weight = weight_vector(cities, columns[0]).to_numpy(dtype=float)
        self._is_sized = columns[1] in cities
        self._size = cities[columns[1]].to_numpy(dtype=float) if self._is_sized else np.full(len(cities), np.nan)
        self._points: tuple[FloatArray, FloatArray] = (self._size, self._size)
        if self._is_sized:
            self._points = city_points(cities)
        poles = members[members["cluster_id"].isin(list(evidence.poles)) & (members["role"] == "primary")]
        self._of_poles = cities.index.isin(poles["adcode"])
        self._ends = _positions(evidence.links, ("origin", "destination"), cities.index, "links")
        self._turns = self._probabilities()
        self._corridors = [cities.index.isin(codes) for codes in _corridor_cities(evidence.corridors)]

    def seat(self, held: BoolArray) -> str:
        """Member with the largest size, or the best score where no size is known."""
        size = self._size if np.isfinite(self._size[held]).any() else self._score
        rows = sorted(
            (-value, code) for value, code in zip(size[held], self._index[held], strict=True) if value == value
        )
        return str(rows[0][1])

    def of(self, cluster_id: str, held: BoolArray) -> dict[str, float]:
        """Every criterion that the study has a source for."""
        score = self._score[held]
        found = {
            "score": float(weighted_means(self._score, self._weight, held[None, :])[0]),
            "top_city": float(score.max()),
        }
        if self._is_sized:
            found["scale_2020"] = float(self._size[held].sum())
        found["n_strong"] = float((score >= self._strong).sum())
        if self._is_sized:
            found |= _unevenness(self._size[held])
        found |= self._linked(cluster_id, held)
        return {c.key: found[c.key] for c in CRITERIA if c.key in found}

    def _linked(self, cluster_id: str, held: BoolArray) -> dict[str, float]:
        """Criteria that rest on the evidence of other steps."""
        found: dict[str, float] = {}
        evidence, seat = self._evidence, self.seat(held)
        if evidence.local is not None:
            local = evidence.local.reindex(self._index[held])
            tested = local.notna().all(axis=1)
            found |= {
                f"share_{name}": float(local.loc[tested, name].astype(bool).mean()) if tested.any() else np.nan
                for name in ("HH", "hot")
            }
        if evidence.links is not None:
            origin, destination = self._ends
            crosses = held[origin] != held[destination]
            found["backbone_flow"] = float(evidence.links["carried"].to_numpy(dtype=float)[crosses].sum())
        if evidence.corridors is not None:
            found["n_corridors"] = float(sum(bool((on & held).any()) for on in self._corridors))
        if self._is_sized:
            found["market_potential"] = self._potential(held, seat)
        if evidence.sites is not None:
            found["complementarity"] = float(evidence.sites.get(seat, np.nan))
        if self._turns is not None:
            found["free_hinterland"] = self._free(held, self._turns)
        if evidence.change is not None:
            found["change"] = float(evidence.change.get(cluster_id, np.nan))
        return found

    def _potential(self, held: BoolArray, seat: str) -> float:
        lon, lat = self._points
        at = self._index.get_loc(seat)
        outside = ~held & np.isfinite(self._size)
        n = int(outside.sum())
        km = distance_km(np.full(n, lon[at]), np.full(n, lat[at]), lon[outside], lat[outside])
        return float((self._size[outside] / km).sum())

    def _probabilities(self) -> pd.DataFrame | None:
        """Probability of every city (row) for every core (column)."""
        table = self._evidence.hinterlands
        if table is None or not self._is_sized:
            return None
        _positions(table, ("adcode", "core"), self._index, "hinterlands")
        # a core that the table does not list for a city draws it least: at most 1 %, and nothing hangs on how much
        wide = table.pivot_table(index="adcode", columns="core", values="probability", aggfunc="sum", fill_value=0.0)
        return wide.reindex(self._index)

    def _free(self, held: BoolArray, turns: pd.DataFrame) -> float:
        cores = self._index.get_indexer(turns.columns)
        own, poles = held[cores], self._of_poles[cores]
        if not own.any() or not poles.any():
            return np.nan
        values = turns.to_numpy(dtype=float)
        known = np.isfinite(self._size) & np.isfinite(values).all(axis=1)
        free = values[:, own].max(axis=1) > values[:, poles].max(axis=1)
        return float(self._size[known & free].sum() / self._size[known].sum())


def _unevenness(size: FloatArray) -> dict[str, float]:
    """Evenness and primacy of the members' sizes; unknown if one of them is, or there are fewer than two."""
    n, largest = len(size), np.sort(size)[::-1]
    if n < 2 or not np.isfinite(size).all() or largest[1] <= 0:
        return {"evenness": np.nan, "primacy": np.nan}
    # mean difference over n (n - 1) pairs: small clusters are not called even for being small
    gini = np.abs(size[:, None] - size[None, :]).sum() / (2 * n * (n - 1) * size.mean())
    return {"evenness": float(1 - gini), "primacy": float(largest[0] / largest[1])}


def _positions(
    table: pd.DataFrame | None, columns: Sequence[str], index: pd.Index[str], name: str
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    if table is None:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    first, second = (index.get_indexer(pd.Index(table[column])) for column in columns)
    unknown = [*table[columns[0]].to_numpy()[first < 0], *table[columns[1]].to_numpy()[second < 0]]
    if unknown:
        raise AlignmentError(
            f"{name} has {len(unknown)} codes that are none of the {len(index)} cities: {name_some(unknown)}. "
            "Compute it from the same cities."
        )
    return first.astype(np.int64), second.astype(np.int64)


def _corridor_cities(corridors: pd.DataFrame | None) -> list[list[str]]:
    if corridors is None:
        return []
    return [list(c.split(";")) if isinstance(c, str) else list(c) for c in corridors["cities"]]
