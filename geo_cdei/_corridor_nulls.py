"""Random corridors to compare a claimed one with: moved rigidly, or drawn from cities of like mass.

Each proposal uses a fixed count of random numbers, so the accepted draws do not depend on the block size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ._polyline import center_of, lies_within, unit_vectors
from ._rigid import hull_normals, inside_hull, move_line
from .errors import StatisticError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from ._interaction import Interaction

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]
    BoolArray = npt.NDArray[np.bool_]

__all__ = ["CorridorDesign", "Draws", "Stage", "build_stage", "draw_anchors", "draw_rigid", "shortest_path"]

MAX_ANCHORS = 12
"""Beyond it the exact shortest way through the anchors takes too long."""

_SETS = 256  # sets of anchors joined at once


@dataclass(frozen=True, slots=True)
class CorridorDesign:
    """How claimed corridors are tested; fixed before any result is seen.

    Attributes
    ----------
    widths_km : tuple of float
        Distances from the line within which a city belongs to the corridor.
    primary_km : float
        The width of the verdict, one of *widths_km*; random lines are matched at this width.
    draws, max_proposals : int
        Accepted draws of each null, and how many proposals may be made for them.
    count_tolerance : float
        Random lines have the corridor's number of cities, give or take this share.
    coast_tolerance : float
        Largest difference between the two distributions of distance to the coast (Kolmogorov-Smirnov).
    rank_tolerance : float
        Random anchors have the anchor's mass rank, give or take this share of all cities.
    weights : str
        Column that weights ``score_wmean``; "equal" for none.
    poles : tuple of str
        Codes of the cities left out in the rows ``poles == "without"``.
    level : float
        Level of the verdict, after Holm's correction.
    block : int
        Proposals made at once; it changes the memory used, not the result.
    """

    widths_km: tuple[float, ...] = (60.0, 100.0, 150.0)
    primary_km: float = 100.0
    draws: int = 999
    max_proposals: int = 10_000_000
    count_tolerance: float = 0.25
    coast_tolerance: float = 0.25
    rank_tolerance: float = 0.10
    weights: str = "gdp_2019"
    poles: tuple[str, ...] = ()
    level: float = 0.05
    block: int = 8192

    def __post_init__(self) -> None:
        if self.primary_km not in self.widths_km or min(self.widths_km) <= 0:
            raise StatisticError(
                f"primary_km must be one of widths_km, all positive; got {self.primary_km:g} and {self.widths_km}."
            )
        shares = (self.count_tolerance, self.coast_tolerance, self.rank_tolerance, self.level)
        if min(shares) <= 0 or max(shares) > 1:
            raise StatisticError(f"tolerances and level must lie in (0, 1]; got {shares}.")
        if not 19 <= self.draws <= self.max_proposals or self.block < 1:
            raise StatisticError(
                f"draws must be at least 19 (999 for a report) and at most max_proposals; got {self.draws} "
                f"and {self.max_proposals}, in blocks of {self.block}."
            )


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """Where random lines may lie: the cities, and the cap of the sphere around their hull.

    Attributes
    ----------
    points : numpy.ndarray of shape (n, 3)
        Unit vectors of the cities.
    normals : numpy.ndarray of shape (n_edges, 3)
        Their convex hull.
    middle : numpy.ndarray of shape (3,)
        Middle of the cities.
    radius : float
        Radians from the middle to the farthest city.
    """

    points: FloatArray
    normals: FloatArray
    middle: FloatArray
    radius: float


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """Accepted random corridors.

    Attributes
    ----------
    lines : numpy.ndarray of shape (n_draws, n_vertices, 3)
        Unit vectors.
    proposals : int
        Proposals made until the last of them.
    """

    lines: FloatArray
    proposals: int

    @property
    def acceptance(self) -> float:
        """Accepted draws as a share of the proposals."""
        return len(self.lines) / max(self.proposals, 1)


def build_stage(lon: npt.ArrayLike, lat: npt.ArrayLike) -> Stage:
    """Prepare the cities for random lines.

    Parameters
    ----------
    lon, lat : array_like of shape (n,)
        Degrees (EPSG:4326).

    Returns
    -------
    Stage
        Points, hull and cap.

    Examples
    --------
    >>> build_stage([0.0, 10.0, 5.0], [0.0, 0.0, 8.0]).normals.shape
    (3, 3)
    """
    points = unit_vectors(lon, lat)
    middle = center_of(points)
    radius = float(np.arccos(np.clip((points @ middle).min(), -1.0, 1.0)))
    return Stage(points, hull_normals(points), middle, radius)


def draw_rigid(
    stage: Stage, line: FloatArray, *, coast_km: FloatArray | None, design: CorridorDesign, seed: Sequence[int]
) -> tuple[Draws, Draws | None]:
    """Move a line at random, and keep the moves that are like it.

    Parameters
    ----------
    stage : Stage
        The cities and their hull.
    line : numpy.ndarray of shape (n_vertices, 3)
        The corridor.
    coast_km : numpy.ndarray of shape (n,) or None
        Distance of every city to the coast; None leaves the second null out.
    design : CorridorDesign
        Number of draws, tolerances, width.
    seed : sequence of int
        Seed of the draws.

    Returns
    -------
    rigid : Draws
        Moves within the hull with the like number of cities.
    coast : Draws or None
        Of the same moves, those whose cities lie as far from the coast.

    Notes
    -----
    Places are uniform by area, directions uniform on the circle, and half of the lines are reflected.
    The two nulls may hold fewer draws than asked for: the caller decides.

    Examples
    --------
    >>> x, y = np.meshgrid(np.arange(10.0), np.arange(10.0))
    >>> stage = build_stage(x.ravel(), y.ravel())
    >>> line = unit_vectors([2.0, 6.0], [4.0, 4.0])
    >>> rigid, _ = draw_rigid(stage, line, coast_km=None, design=CorridorDesign(draws=19), seed=(1,))
    >>> rigid.lines.shape
    (19, 2, 3)
    """
    rng = np.random.default_rng(list(seed))
    own = lies_within(stage.points, line[None], design.primary_km)[0]
    coast = None if coast_km is None else _CoastMatch(coast_km, own)
    kept: tuple[list[FloatArray], list[FloatArray]] = ([], [])
    proposals, made = [0, 0], 0
    wanted = [design.draws, 0 if coast is None else design.draws]
    while made < design.max_proposals and wanted != [0, 0]:
        size = min(design.block, design.max_proposals - made)
        moved = move_line(line, rng.random((size, 4)), stage.middle, stage.radius)
        where = np.flatnonzero(inside_hull(moved, stage.normals))
        inside = lies_within(stage.points, moved[where], design.primary_km)
        count = inside.sum(axis=1)
        like = np.abs(count - own.sum()) <= design.count_tolerance * own.sum() + 1e-9
        where, inside = where[like], inside[like]
        chosen = [where, where[:0] if coast is None else where[coast(inside) <= design.coast_tolerance + 1e-9]]
        for null, found in enumerate(chosen):
            take = found[: wanted[null]]
            if len(take):
                kept[null].append(moved[take])
                wanted[null] -= len(take)
                proposals[null] = made + int(take[-1]) + 1
        made += size
    draws = [
        _collect(lines, line, made if left else used)
        for lines, left, used in zip(kept, wanted, proposals, strict=True)
    ]
    return draws[0], None if coast is None else draws[1]


def draw_anchors(
    stage: Stage,
    interaction: Interaction,
    anchors: IntArray,
    *,
    keep_ends: bool,
    design: CorridorDesign,
    seed: Sequence[int],
) -> Draws:
    """Draw other anchor cities of like mass, and join them by the shortest way.

    Parameters
    ----------
    stage : Stage
        The cities.
    interaction : Interaction
        Distances and masses of the same cities; a city without a mass (NaN) is never drawn.
    anchors : numpy.ndarray of shape (k,)
        Positions of the corridor's anchors, in order; each has a mass.
    keep_ends : bool
        Whether the first and the last anchor stay, and only those between are drawn.
    design : CorridorDesign
        Number of draws, tolerance of the rank.
    seed : sequence of int
        Seed of the draws.

    Returns
    -------
    Draws
        A proposal that draws a city twice is rejected; that is its acceptance.

    Examples
    --------
    >>> import pandas as pd
    >>> from geo_cdei._geodesy import pairwise_km
    >>> from geo_cdei._interaction import Interaction
    >>> lon, lat = [0.0, 3.0, 6.0, 0.0, 3.0, 6.0], [0.0, 0.0, 0.0, 3.0, 4.0, 3.0]
    >>> stage = build_stage(lon, lat)
    >>> km, mass = pairwise_km(lon, lat), np.arange(1.0, 7.0)
    >>> network = Interaction(pd.RangeIndex(6), km, km, km, mass, "", ())
    >>> design = CorridorDesign(draws=19, rank_tolerance=1.0)
    >>> draws = draw_anchors(stage, network, np.array([0, 1, 2]), keep_ends=True, design=design, seed=(1,))
    >>> draws.lines.shape
    (19, 3, 3)
    """
    rng = np.random.default_rng(list(seed))
    pools = _pools(interaction.mass, anchors, design.rank_tolerance)
    if keep_ends:
        pools[0], pools[-1] = anchors[:1], anchors[-1:]
    sizes = np.array([len(pool) for pool in pools])
    padded = np.array([np.resize(pool, sizes.max()) for pool in pools])
    chosen: list[IntArray] = []
    made, left = 0, design.draws
    size = min(design.block, 1024)
    while left and made < design.max_proposals:
        pick = (rng.random((size, len(pools))) * sizes).astype(np.int64)
        drawn = padded[np.arange(len(pools)), pick]
        ordered = np.sort(drawn, axis=1)
        distinct = np.flatnonzero((np.diff(ordered, axis=1) > 0).all(axis=1))[:left]
        chosen.append(drawn[distinct])
        left -= len(distinct)
        made += int(distinct[-1]) + 1 if not left else size
    cities = np.concatenate(chosen)
    parts = np.split(cities, range(_SETS, len(cities), _SETS))
    ways = [shortest_path(interaction.km[p[:, :, None], p[:, None, :]], keep_ends=keep_ends) for p in parts]
    path = np.concatenate(ways)
    return Draws(stage.points[np.take_along_axis(cities, path, axis=1)], made)


def shortest_path(km: FloatArray, *, keep_ends: bool = False) -> IntArray:
    """Find the shortest way through all points of each of many small sets.

    Parameters
    ----------
    km : numpy.ndarray of shape (n_sets, k, k)
        Distances within each set; k at most 12.
    keep_ends : bool, default False
        Whether the way must begin at the first point and end at the last.

    Returns
    -------
    numpy.ndarray of shape (n_sets, k)
        Positions in the order of the way; exact.

    References
    ----------
    Held, M. and Karp, R. M. (1962). A dynamic programming approach to sequencing problems. Journal of SIAM,
    10(1), 196-210.

    Examples
    --------
    >>> x = np.array([0.0, 2.0, 1.0])
    >>> shortest_path(np.abs(x[:, None] - x)[None]).tolist()
    [[0, 2, 1]]
    """
    sets, k = km.shape[:2]
    if k > MAX_ANCHORS:
        raise StatisticError(f"the shortest way is exact up to {MAX_ANCHORS} points; got {k}.")
    leg = np.ascontiguousarray(km.transpose(1, 2, 0))
    best = np.full((1 << k, k, sets), np.inf)
    came = np.zeros((1 << k, k, sets), dtype=np.int8)
    for start in range(1 if keep_ends else k):
        best[1 << start, start] = 0.0
    for visited in range(1, 1 << k):
        members = [p for p in range(k) if visited >> p & 1]
        if len(members) < 2:
            continue
        for last in members:
            ways = best[visited ^ 1 << last] + leg[:, last]
            came[visited, last] = np.argmin(ways, axis=0)
            best[visited, last] = np.min(ways, axis=0)
    return _walk_back(best, came, keep_ends=keep_ends)


def _walk_back(best: FloatArray, came: npt.NDArray[np.int8], *, keep_ends: bool) -> IntArray:
    k, sets = best.shape[1:]
    rows = np.arange(sets)
    path = np.empty((sets, k), dtype=np.int64)
    here = np.full(sets, k - 1) if keep_ends else np.argmin(best[-1], axis=0)
    visited = np.full(sets, (1 << k) - 1)
    for step in range(k - 1, -1, -1):
        path[:, step] = here
        before = came[visited, here, rows].astype(np.int64)
        visited ^= 1 << here
        here = before
    flip = path[:, 0] > path[:, -1]  # one of the two directions, so that a set has one answer
    if not keep_ends:
        path[flip] = path[flip, ::-1]
    return path


class _CoastMatch:
    """Largest difference between the corridor's distribution of distance to the coast and a random one's."""

    def __init__(self, coast_km: FloatArray, own: BoolArray) -> None:
        self._order = np.argsort(coast_km, kind="stable")
        ordered = coast_km[self._order]
        # the steps are compared where the distance changes: equal distances are one step
        self._steps = np.append(np.flatnonzero(np.diff(ordered) > 0), len(ordered) - 1)
        self._own = self._shares(own[None])

    def __call__(self, inside: BoolArray) -> FloatArray:
        return np.asarray(np.abs(self._shares(inside) - self._own).max(axis=1))

    def _shares(self, inside: BoolArray) -> FloatArray:
        steps = np.cumsum(inside[:, self._order], axis=1)
        return np.asarray(steps[:, self._steps] / np.maximum(steps[:, -1:], 1))


def _collect(lines: list[FloatArray], line: FloatArray, proposals: int) -> Draws:
    return Draws(np.concatenate(lines) if lines else np.empty((0, *line.shape)), proposals)


def _pools(mass: FloatArray, anchors: IntArray, tolerance: float) -> list[IntArray]:
    """Cities whose mass rank is near that of each anchor."""
    known = np.flatnonzero(~np.isnan(mass))
    rank = np.full(len(mass), np.inf)
    rank[known[np.argsort(-mass[known], kind="stable")]] = np.arange(len(known))
    reach = max(1.0, tolerance * len(known))
    return [np.flatnonzero(np.abs(rank - rank[anchor]) <= reach) for anchor in anchors]
