"""Ridges of the potential surface: belts that show without choosing any anchor city."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from pyproj.enums import TransformDirection

from .._polyline import densify, equal_area_plane, length_km, line_bearing, line_distance_km, unit_vectors
from ..columns import RIDGE_AGREEMENT, RIDGES
from ..errors import StatisticError
from .graphs import city_points
from .scenarios import weight_vector

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    BoolArray = npt.NDArray[np.bool_]
    Cell = tuple[int, int]

__all__ = ["potential_ridges", "ridge_agreement"]

_STEPS = ((0, 1), (1, 0), (0, -1), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1))


def potential_ridges(
    cities: gpd.GeoDataFrame,
    *,
    mass: str = "scale_2020",
    bandwidth_km: float = 100.0,
    cell_km: float = 20.0,
    sharpness: float = 0.15,
    min_km: float = 200.0,
) -> gpd.GeoDataFrame:
    """Find the crest lines of the surface that the cities' masses raise.

    Parameters
    ----------
    cities : geopandas.GeoDataFrame of shape (n_cities, …)
        With the column *mass* and points as for ``build_graph``.
    mass : str, default "scale_2020"
        Column of the masses, or a power of one. A city without one is left out.
    bandwidth_km : float, default 100.0
        Standard deviation of the Gaussian kernel.
    cell_km : float, default 20.0
        Cell of the equal-area grid, at most half the bandwidth.
    sharpness : float, default 0.15
        Least downward curvature across a ridge, as a share of the height (per bandwidth squared).
    min_km : float, default 200.0
        Shorter lines are left out.

    Returns
    -------
    geopandas.GeoDataFrame of shape (n_ridges, 5)
        Columns :data:`geo_cdei.columns.RIDGES` and the line (EPSG:4326), longest first.

    Raises
    ------
    StatisticError
        If a setting is not positive, the cell is too coarse, or fewer than three cities have a mass.

    Notes
    -----
    The plane is Lambert azimuthal equal-area about the middle of the cities; 2,000 km from it, distances are off by
    1.3 %. Curvature is Sato's line filter at one cell; a cell is on a ridge when it is sharp and not lower than
    the lower quartile of the cities. Ridges run on over a fork where they bend by at most 60 degrees.

    References
    ----------
    Sato, Y. et al. (1998). Three-dimensional multi-scale line filter for segmentation and visualization of
    curvilinear structures in medical images. Medical Image Analysis, 2(2), 143-168.

    Examples
    --------
    >>> import geopandas as gpd
    >>> cities = gpd.GeoDataFrame({"lon": np.arange(8.0), "lat": 0.1, "gdp": 1.0}, index=list("abcdefgh"))
    >>> ridges = potential_ridges(cities, mass="gdp")
    >>> len(ridges), ridges["bearing_deg"].round().tolist()
    (1, [90.0])
    """
    import geopandas as gpd
    import shapely

    if not (bandwidth_km > 0 and 0 < cell_km <= bandwidth_km / 2 and sharpness > 0 and min_km >= 0):
        raise StatisticError(
            f"bandwidth_km, cell_km and sharpness must be positive and cell_km at most half of bandwidth_km; got "
            f"{bandwidth_km:g}, {cell_km:g} and {sharpness:g}."
        )
    weight = weight_vector(cities, mass).to_numpy(float)
    known = weight > 0
    if known.sum() < 3:
        raise StatisticError(f"ridges need at least 3 cities with a mass; {int(known.sum())} have one in {mass!r}.")
    lon, lat = (values[known] for values in city_points(cities))
    plane = equal_area_plane(lon, lat)
    x, y = plane.transform(lon, lat)
    surface, left, top = _potential(np.asarray(x), np.asarray(y), weight[known], bandwidth_km, cell_km)
    here = np.rint((np.asarray(y) - top) / cell_km).astype(int), np.rint((np.asarray(x) - left) / cell_km).astype(int)
    floor = float(np.quantile(surface[here], 0.25))
    rows = []
    for cells in _trace(_crest(surface, floor, bandwidth_km / cell_km, sharpness)):
        row, column = np.array(cells).T
        path = shapely.LineString(np.column_stack([left + column * cell_km, top + row * cell_km])).simplify(cell_km)
        east, north = plane.transform(path.xy[0], path.xy[1], direction=TransformDirection.INVERSE)
        km = length_km(east, north)
        if km >= min_km:
            height = float(surface[row, column].mean() / surface.max())
            line = shapely.LineString(np.column_stack([east, north]).round(6))
            rows.append((km, line_bearing(east, north), height, line))
    rows.sort(key=lambda row: (-row[0], row[3].wkt))
    frame = pd.DataFrame(rows, columns=[*RIDGES[1:], "geometry"])
    frame.insert(0, "ridge_id", [f"R{k:02d}" for k in range(1, len(rows) + 1)])
    return gpd.GeoDataFrame(frame, geometry="geometry", crs=4326)


def ridge_agreement(
    cities: gpd.GeoDataFrame, corridors: pd.DataFrame, ridges: gpd.GeoDataFrame, *, within_km: float = 50.0
) -> pd.DataFrame:
    """Measure how much of every corridor runs along a ridge.

    Parameters
    ----------
    cities : geopandas.GeoDataFrame of shape (n_cities, …)
        With points as for ``build_graph``.
    corridors : pandas.DataFrame
        Indexed by ``corridor_id``, with ``cities`` (tuples of codes).
    ridges : geopandas.GeoDataFrame
        Result of :func:`potential_ridges`.
    within_km : float, default 50.0
        How near is near.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`geo_cdei.columns.RIDGE_AGREEMENT`: one row per corridor, then "all corridors" and, the other
        way round, "ridges" (share of their length near a corridor). ``share_by_chance`` is the share of all cities
        that near a ridge, for "ridges" near a corridor: corridors lead through cities, and so do ridges.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> cities = gpd.GeoDataFrame({"lon": [0.0, 2.0, 1.0], "lat": [0.0, 0.0, 5.0]}, index=list("abc"))
    >>> ridge = gpd.GeoDataFrame(geometry=[shapely.LineString([(0, 0), (2, 0)])], crs=4326)
    >>> corridor = pd.DataFrame({"cities": [("a", "b")]}, index=["D01"])
    >>> ridge_agreement(cities, corridor, ridge)[["share", "share_by_chance"]].round(2).values.tolist()
    [[1.0, 0.67], [1.0, 0.67], [1.0, 0.67]]
    """
    lon, lat = city_points(cities)
    places = unit_vectors(lon, lat)
    at = [cities.index.get_indexer(pd.Index(codes)) for codes in corridors["cities"]]
    chains = [unit_vectors(*densify(lon[p], lat[p], 10.0)) for p in at]
    crests = [unit_vectors(*densify(line.xy[0], line.xy[1], 10.0)) for line in ridges.geometry]

    def near(points: FloatArray, lines: list[FloatArray]) -> BoolArray:
        close = np.zeros(len(points), dtype=np.bool_)
        for line in lines:
            close |= line_distance_km(points, line[None])[0] <= within_km
        return close

    by_chance = float(near(places, crests).mean())
    shares = [(name, near(chain, crests)) for name, chain in zip(corridors.index, chains, strict=True)]
    rows = [(name, within_km, float(close.mean()), by_chance) for name, close in shares]
    for name, ours, others in (("all corridors", chains, crests), ("ridges", crests, chains)):
        close = near(np.concatenate(ours), others) if ours else np.array([np.nan])
        rows.append((name, within_km, float(close.mean()), float(near(places, others).mean())))
    return pd.DataFrame(rows, columns=list(RIDGE_AGREEMENT))


def _potential(
    x: FloatArray, y: FloatArray, weight: FloatArray, bandwidth: float, cell: float
) -> tuple[FloatArray, float, float]:
    """Kernel sums on a grid; with the coordinates of its first cell."""
    margin = 3.0 * bandwidth
    left, top = float(x.min() - margin), float(y.min() - margin)
    across = left + cell * np.arange(int((x.max() + margin - left) / cell) + 1)
    down = top + cell * np.arange(int((y.max() + margin - top) / cell) + 1)
    # a Gaussian of two dimensions is a product of two of one: two thin matrices instead of a thick one
    by_x = np.exp(-0.5 * ((across[:, None] - x) / bandwidth) ** 2)
    by_y = np.exp(-0.5 * ((down[:, None] - y) / bandwidth) ** 2)
    return np.asarray((by_y * weight) @ by_x.T), left, top


def _crest(surface: FloatArray, floor: float, cells: float, sharpness: float) -> BoolArray:
    """Skeleton of the cells that are sharp and high."""
    from skimage.filters import sato
    from skimage.morphology import skeletonize

    ridged = sato(surface, sigmas=[1.0], black_ridges=False)  # type: ignore[no-untyped-call]
    curvature = ridged * cells**2  # per bandwidth squared, not per cell
    sharp = (curvature >= sharpness * surface) & (surface >= floor)
    return np.asarray(skeletonize(sharp))  # type: ignore[no-untyped-call]


def _trace(skeleton: BoolArray) -> list[list[Cell]]:
    """Lines of a skeleton, from each end or fork to the next, and closed rings."""
    cells: set[Cell] = {(int(row), int(column)) for row, column in np.argwhere(skeleton)}
    beside = {cell: [other for other in _around(cell) if other in cells] for cell in cells}
    nodes = {cell for cell, others in beside.items() if len(others) != 2}
    lines: list[list[Cell]] = []
    seen: set[tuple[Cell, Cell]] = set()
    for start in [*sorted(nodes), *sorted(cells - nodes)]:
        for second in beside[start]:
            if (start, second) in seen or (start not in nodes and (second, start) in seen):
                continue
            line = [start, second]
            while line[-1] not in nodes and line[-1] != start:
                line.append(next(cell for cell in beside[line[-1]] if cell != line[-2]))
            seen.update(pairwise(line))
            seen.update(pairwise(line[::-1]))
            lines.append(line)
    return _joined(lines)


def _around(cell: Cell) -> list[Cell]:
    return [(cell[0] + down, cell[1] + across) for down, across in _STEPS]


def _joined(lines: list[list[Cell]]) -> list[list[Cell]]:
    """Join lines across forks, the two straightest first, so that a spur does not cut a ridge in two."""
    ends: dict[Cell, list[int]] = {}
    for k, line in enumerate(lines):
        for cell in {line[0], line[-1]}:
            ends.setdefault(cell, []).append(k)
    parts = dict(enumerate(lines))
    for cell in sorted(ends):
        here = sorted({k for k in parts if parts[k][0] != parts[k][-1] and cell in (parts[k][0], parts[k][-1])})
        while len(here) >= 2:
            turn, a, b = min((_turn(parts[a], parts[b], cell), a, b) for a in here for b in here if a < b)
            if turn > 60.0:
                break
            parts[a] = _towards(parts[a], cell) + _towards(parts[b], cell)[::-1][1:]
            del parts[b]
            here = [k for k in here if k not in (a, b)]
    return [parts[k] for k in sorted(parts)]


def _towards(line: list[Cell], cell: Cell) -> list[Cell]:
    return line if line[-1] == cell else line[::-1]


def _turn(a: list[Cell], b: list[Cell], cell: Cell) -> float:
    """Degrees by which the way bends at a cell, seen from five cells away."""
    before, after = (np.array(_towards(line, cell)[max(-6, -len(line))]) - np.array(cell) for line in (a, b))
    cosine = -(before @ after) / (np.linalg.norm(before) * np.linalg.norm(after))
    return float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))
