"""Corridors that the network itself shows, without being told where to look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._aligned import settled_order
from .._geodesy import bearing_deg
from .._polyline import length_km, line_bearing, line_distance_km, unit_vectors
from ..columns import DETECTED
from ..errors import AlignmentError, StatisticError
from .graphs import city_points

if TYPE_CHECKING:
    from collections.abc import Iterable

    import geopandas as gpd
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]
    BoolArray = npt.NDArray[np.bool_]
    Corridor = tuple[list[int], float, BoolArray]
    """Positions of its cities, share of the traffic, and which cities are near it."""

__all__ = ["ChainRule", "detect_corridors"]


@dataclass(frozen=True, slots=True)
class ChainRule:
    """What makes a chain of links a corridor.

    Attributes
    ----------
    strong : float
        Links count that carry at least this quantile of what the used links carry.
    max_turn_deg, max_bend_deg : float
        Largest turn at a city, and largest sum of turns on either side of the chain's strongest link.
    min_cities, min_km, max_corridors : int, float, int
        A shorter chain is no corridor; only the strongest corridors are kept.
    merge_km, merge_share : float
        Two corridors are one when this share of the cities of one lies within this distance of the other. The
        same rule says whether a corridor reappears under another setting.
    stable_from : float
        Smallest stability of a stable corridor.
    """

    strong: float = 0.5
    max_turn_deg: float = 45.0
    max_bend_deg: float = 90.0
    min_cities: int = 4
    min_km: float = 300.0
    max_corridors: int = 12
    merge_km: float = 50.0
    merge_share: float = 2 / 3
    stable_from: float = 0.6

    def __post_init__(self) -> None:
        if not (0 <= self.strong < 1 and 0 < self.max_turn_deg < 90 and self.max_bend_deg > 0):
            raise StatisticError(
                f"strong must lie in [0, 1), max_turn_deg in (0, 90) and max_bend_deg be positive; got "
                f"{self.strong:g}, {self.max_turn_deg:g} and {self.max_bend_deg:g}."
            )
        if self.min_cities < 2 or self.max_corridors < 1 or not 0 < self.merge_share <= 1 or self.merge_km < 0:
            raise StatisticError(
                f"min_cities must be at least 2, max_corridors at least 1, merge_share in (0, 1] and merge_km "
                f"not negative; got {self.min_cities}, {self.max_corridors}, {self.merge_share:g}, {self.merge_km:g}."
            )


def detect_corridors(
    backbone: pd.DataFrame,
    cities: gpd.GeoDataFrame,
    *,
    rule: ChainRule | None = None,
    alternatives: Iterable[pd.DataFrame] = (),
) -> pd.DataFrame:
    """Join strong links into chains that keep their direction, and rank these by the flow they carry.

    Parameters
    ----------
    backbone : pandas.DataFrame of shape (n_links, …)
        Result of ``extract_backbone``.
    cities : geopandas.GeoDataFrame of shape (n_cities, …)
        The same cities, with points as for ``build_graph``.
    rule : ChainRule, optional
        What makes a corridor; the defaults of :class:`ChainRule` when omitted.
    alternatives : iterable of pandas.DataFrame, optional
        Backbones of the same cities under other settings, for the stability.

    Returns
    -------
    pandas.DataFrame of shape (n_corridors, 9)
        Columns :data:`geo_cdei.columns.DETECTED`, indexed by ``corridor_id`` ("D01" is the strongest).
        ``flow_share`` is the share of all flow x km that runs on the corridor's own links. ``stability`` is the
        share of the alternatives in which it reappears, NaN without alternatives.

    Raises
    ------
    AlignmentError
        If the backbone names cities that are not in *cities*.

    Notes
    -----
    The strongest unused link begins a chain; at either end it goes on with the unused strong link that carries
    most, times the cosine of twice the turn. A chain near a stronger one is merged into it: its flow is added
    and its line is dropped. Chains of good continuation are the strokes of Thomson and Richardson (1999).

    References
    ----------
    Thomson, R. C. and Richardson, D. E. (1999). The 'good continuation' principle of perceptual organization
    applied to the generalization of road networks. Proceedings of the 19th ICC, Ottawa, 1215-1223.

    Examples
    --------
    >>> import geopandas as gpd
    >>> cities = gpd.GeoDataFrame({"lon": np.arange(5.0), "lat": 0.0}, index=list("abcde"))
    >>> links = pd.DataFrame(
    ...     {"origin": list("abcd"), "destination": list("bcde"), "carried": [0.4, 0.6, 0.6, 0.4],
    ...      "traffic_share": [0.2, 0.3, 0.3, 0.2]}
    ... )
    >>> found = detect_corridors(links, cities, rule=ChainRule(strong=0.0))
    >>> found[["names", "length_km", "flow_share"]].round(1).reset_index().values.tolist()
    [['D01', 'a - b - c - d - e', 445.3, 1.0]]
    """
    rule = rule or ChainRule()
    # no tie, and no end of a chain, hangs on the order of the rows
    cities = cities.iloc[settled_order(cities)]
    place = _Places(cities)
    found = place.merged(place.chains(backbone, rule), rule)
    kept = [place.merged(place.chains(other, rule), rule) for other in alternatives]
    names = (cities["city"] if "city" in cities.columns else cities.index.to_series()).astype("str")
    rows = []
    for chain, share, _ in found:
        codes = cities.index[chain]
        again = [any(_is_beside(chain, near, rule) for _, _, near in others) for others in kept]
        rows.append(
            {
                "cities": tuple(codes), "names": " - ".join(names.loc[codes]), "n_cities": len(chain),
                "length_km": place.length(chain), "bearing_deg": line_bearing(place.lon[chain], place.lat[chain]),
                "flow_share": share, "stability": float(np.mean(again)) if kept else np.nan, "n_settings": len(kept),
            }
        )  # fmt: skip
    index = pd.Index([f"D{k:02d}" for k in range(1, len(rows) + 1)], name="corridor_id", dtype="str")
    frame = pd.DataFrame(rows, index=index, columns=[name for name in DETECTED if name != "stable"])
    frame["stable"] = frame["stability"].map(lambda value: pd.NA if pd.isna(value) else value >= rule.stable_from)
    frame["stable"] = frame["stable"].astype("boolean")
    frame.attrs.update(backbone.attrs)
    return frame[list(DETECTED)]


def _is_beside(chain: list[int], near: BoolArray, rule: ChainRule) -> BoolArray:
    """Whether enough of the cities of a chain are near another one; a row of cities for each of several others."""
    return np.asarray(near[..., chain].mean(axis=-1) >= rule.merge_share - 1e-9)


class _Places:
    """The cities' points, with the bearings between them on demand."""

    def __init__(self, cities: gpd.GeoDataFrame) -> None:
        self.ids = cities.index
        self.lon, self.lat = city_points(cities)
        self.vectors = unit_vectors(self.lon, self.lat)

    def length(self, chain: list[int]) -> float:
        return length_km(self.lon[chain], self.lat[chain])

    def chains(self, backbone: pd.DataFrame, rule: ChainRule) -> list[tuple[list[int], float]]:
        """All chains of strong links, each link in one chain, with their share of the traffic."""
        i, j = self._positions(backbone, "origin"), self._positions(backbone, "destination")
        carried = backbone["carried"].to_numpy(float)
        used = carried > 0
        least = np.quantile(carried[used], rule.strong) if used.any() else np.inf
        strong = np.flatnonzero(used & (carried >= least * (1 - 1e-9)))
        strong = strong[np.lexsort((j[strong], i[strong], -carried[strong]))]
        network = _Strong(i[strong], j[strong], carried[strong], self._bearings(i[strong], j[strong]))
        traffic = backbone["traffic_share"].to_numpy(float)[strong]
        result = []
        for start in range(len(strong)):
            if start in network.taken:
                continue
            chain, links = network.grow(start, rule)
            result.append((chain, float(traffic[links].sum())))
        return result

    def merged(self, chains: list[tuple[list[int], float]], rule: ChainRule) -> list[Corridor]:
        """Corridors among the chains: long enough, and no two beside each other."""
        long = [c for c in chains if len(c[0]) >= rule.min_cities and self.length(c[0]) >= rule.min_km]
        long.sort(key=lambda c: (-c[1], c[0]))
        kept: list[Corridor] = []
        near = np.empty((len(long), len(self.ids)), dtype=np.bool_)  # a row for each one kept
        for chain, share in long:
            beside = np.flatnonzero(_is_beside(chain, near[: len(kept)], rule))
            if not len(beside):
                row = near[len(kept)]
                row[:] = line_distance_km(self.vectors, self.vectors[chain][None])[0] <= rule.merge_km
                kept.append((chain, share, row))
            else:
                first = int(beside[0])
                kept[first] = (kept[first][0], kept[first][1] + share, kept[first][2])
        kept.sort(key=lambda c: (-c[1], c[0]))
        return kept[: rule.max_corridors]

    def _positions(self, backbone: pd.DataFrame, column: str) -> IntArray:
        positions: IntArray = self.ids.get_indexer(pd.Index(backbone[column])).astype(np.int64)
        if (positions < 0).any():
            unknown = pd.unique(backbone[column][positions < 0])
            raise AlignmentError(
                f"the backbone names {len(unknown)} cities that are not in cities (first: {list(unknown[:3])}). "
                "Build both from the same table."
            )
        return positions

    def _bearings(self, i: IntArray, j: IntArray) -> dict[tuple[int, int], float]:
        there = bearing_deg(self.lon[i], self.lat[i], self.lon[j], self.lat[j])
        back = bearing_deg(self.lon[j], self.lat[j], self.lon[i], self.lat[i])
        pairs = zip(i.tolist(), j.tolist(), there.tolist(), back.tolist(), strict=True)
        return {key: value for a, b, ab, ba in pairs for key, value in (((a, b), ab), ((b, a), ba))}


class _Strong:
    """Strong links, strongest first, and those that a chain has taken."""

    def __init__(self, i: IntArray, j: IntArray, carried: FloatArray, bearing: dict[tuple[int, int], float]) -> None:
        self.ends = list(zip(i.tolist(), j.tolist(), strict=True))
        self.carried = carried.tolist()
        self.bearing = bearing
        self.at: dict[int, list[int]] = {}
        for link, pair in enumerate(self.ends):
            for city in pair:
                self.at.setdefault(city, []).append(link)
        self.taken: set[int] = set()

    def grow(self, start: int, rule: ChainRule) -> tuple[list[int], list[int]]:
        """Lengthen a link at both ends as far as the rule allows."""
        self.taken.add(start)
        chain, links = list(self.ends[start]), [start]
        for _ in range(2):
            bend = 0.0
            while (step := self._next(chain, bend, rule)) is not None:
                link, city, bend = step
                self.taken.add(link)
                chain.append(city)
                links.append(link)
            chain.reverse()
        return (chain if chain[0] < chain[-1] else chain[::-1]), links

    def _next(self, chain: list[int], bend: float, rule: ChainRule) -> tuple[int, int, float] | None:
        before, here = chain[-2:]
        best: tuple[float, int, int, float] | None = None
        for link in self.at[here]:
            if link in self.taken:
                continue
            a, b = self.ends[link]
            city = b if a == here else a
            # straight on is the way opposite to where the chain came from
            turn = (self.bearing[here, city] - self.bearing[here, before]) % 360.0 - 180.0
            if city in chain or abs(turn) > rule.max_turn_deg or abs(bend + turn) > rule.max_bend_deg:
                continue
            worth = self.carried[link] * np.cos(np.radians(2.0 * turn))
            if best is None or worth > best[0]:
                best = (worth, link, city, bend + turn)
        return None if best is None else best[1:]
