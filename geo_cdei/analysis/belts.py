"""Corridors as areas: the belt around a line, and how far cities lie from the coast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pyproj import Geod
from scipy.spatial import cKDTree

from .._aligned import name_some
from .._geodesy import check_lonlat
from .._polyline import densify, line_distance_km, unit_vectors
from ..columns import BELTS
from ..errors import BoundaryError, StatisticError
from .graphs import city_points

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy.typing as npt
    from shapely import MultiPolygon, Polygon
    from shapely.geometry.base import BaseGeometry

    FloatArray = npt.NDArray[np.float64]

__all__ = ["coast_distance", "corridor_belts", "corridor_lines", "link_lines"]

_GEOD = Geod(ellps="WGS84")
_STEP_KM = 20.0
_CORNERS = 120  # of the polygon that stands for a circle: it is 0.07 % too narrow at the middle of a side


def corridor_belts(cities: gpd.GeoDataFrame, corridors: pd.DataFrame, *, width_km: float = 100.0) -> gpd.GeoDataFrame:
    """Turn corridors into belts, with the cities and clusters that each contains.

    Parameters
    ----------
    cities : geopandas.GeoDataFrame of shape (n_cities, …)
        Indexed by ``adcode``, with points as for ``build_graph``; ``cluster_id`` if clusters are wanted.
    corridors : pandas.DataFrame of shape (n_corridors, …)
        Indexed by ``corridor_id``, with ``cities`` (a tuple of codes in order) and ``kind`` if known.
    width_km : float, default 100.0
        Distance on either side of the line; the belt is twice as wide.

    Returns
    -------
    geopandas.GeoDataFrame of shape (n_corridors, 8)
        Columns :data:`geo_cdei.columns.BELTS` and the polygon (EPSG:4326). ``cities`` and ``clusters`` are tuples
        of codes: cities whose point lies in the belt, and clusters with at least one of them.

    Raises
    ------
    StatisticError
        If *width_km* is not positive, or a corridor names fewer than two cities or unknown ones.

    Notes
    -----
    Geodesic circles every 20 km along the line, joined by their convex hulls: within 0.1 % of the geodesic buffer.

    Examples
    --------
    >>> import geopandas as gpd
    >>> cities = gpd.GeoDataFrame({"lon": [0.0, 2.0, 1.0], "lat": [0.0, 0.0, 0.5]}, index=["a", "b", "c"])
    >>> claims = pd.DataFrame({"cities": [("a", "b")]}, index=pd.Index(["B1"], name="corridor_id"))
    >>> belts = corridor_belts(cities, claims, width_km=60.0)
    >>> belts["cities"].iloc[0], belts["area_km2"].round(-2).tolist()
    (('a', 'b', 'c'), [38000.0])
    """
    import geopandas as gpd

    if not (np.isfinite(width_km) and width_km > 0):
        raise StatisticError(f"width_km must be a positive number of kilometres; got {width_km!r}.")
    lon, lat = city_points(cities)
    points = unit_vectors(lon, lat)
    rows: list[dict[str, Any]] = []
    for positions in _positions(cities, corridors):
        inside = line_distance_km(points, points[positions][None])[0] <= width_km
        held = cities.loc[inside]
        clusters = tuple(sorted(held["cluster_id"].dropna().unique())) if "cluster_id" in held else ()
        shape = _belt(lon[positions], lat[positions], width_km)
        rows.append(
            {
                "width_km": width_km, "n_cities": len(held), "cities": tuple(held.index),
                "n_clusters": len(clusters), "clusters": clusters,
                "area_km2": abs(_GEOD.geometry_area_perimeter(shape)[0]) / 1e6, "geometry": shape,
            }
        )  # fmt: skip
    kind = corridors["kind"].tolist() if "kind" in corridors.columns else "corridor"
    frame = pd.DataFrame(rows, index=corridors.index, columns=[*BELTS[1:], "geometry"]).assign(kind=kind)
    return gpd.GeoDataFrame(frame[[*BELTS, "geometry"]], geometry="geometry", crs=4326)


def corridor_lines(cities: gpd.GeoDataFrame, corridors: pd.DataFrame) -> gpd.GeoDataFrame:
    """Draw corridors as lines through their cities.

    Parameters
    ----------
    cities, corridors
        As for :func:`corridor_belts`.

    Returns
    -------
    geopandas.GeoDataFrame of shape (n_corridors, …)
        *corridors* with the line (EPSG:4326), a point at least every 20 km of the great circle.

    Raises
    ------
    StatisticError
        If a corridor names fewer than two cities, or unknown ones.

    Examples
    --------
    >>> import geopandas as gpd
    >>> cities = gpd.GeoDataFrame({"lon": [0.0, 0.3], "lat": [0.0, 0.0]}, index=["a", "b"])
    >>> lines = corridor_lines(cities, pd.DataFrame({"cities": [("a", "b")]}, index=["B1"]))
    >>> lines.geometry.iloc[0].wkt
    'LINESTRING (0 0, 0.15 0, 0.3 0)'
    """
    import geopandas as gpd
    import shapely

    lon, lat = city_points(cities)
    shapes = []
    for positions in _positions(cities, corridors):
        x, y = densify(lon[positions], lat[positions], _STEP_KM)
        shapes.append(shapely.LineString(np.column_stack([x, y]).round(9)))
    return gpd.GeoDataFrame(corridors.copy(), geometry=shapes, crs=4326)


def link_lines(cities: gpd.GeoDataFrame, links: pd.DataFrame) -> gpd.GeoDataFrame:
    """Draw the links that carry flow as straight lines, strongest first.

    Parameters
    ----------
    cities : geopandas.GeoDataFrame of shape (n_cities, …)
        With points as for ``build_graph``.
    links : pandas.DataFrame
        Result of ``extract_backbone``.

    Returns
    -------
    geopandas.GeoDataFrame
        The links with ``carried`` above 0, and their lines (EPSG:4326).

    Examples
    --------
    >>> import geopandas as gpd
    >>> cities = gpd.GeoDataFrame({"lon": [0.0, 1.0], "lat": [0.0, 2.0]}, index=["a", "b"])
    >>> links = pd.DataFrame({"origin": ["a"], "destination": ["b"], "carried": [1.0]})
    >>> link_lines(cities, links).geometry.iloc[0].wkt
    'LINESTRING (0 0, 1 2)'
    """
    import geopandas as gpd
    import shapely

    used = links[links["carried"] > 0].reset_index(drop=True)
    points = np.column_stack(city_points(cities))
    ends = [points[cities.index.get_indexer(pd.Index(used[end]))] for end in ("origin", "destination")]
    return gpd.GeoDataFrame(used, geometry=shapely.linestrings(np.stack(ends, axis=1)), crs=4326)


def coast_distance(cities: gpd.GeoDataFrame, ocean: MultiPolygon | Polygon) -> pd.Series[float]:
    """Measure how far every city lies from the sea.

    Parameters
    ----------
    cities : geopandas.GeoDataFrame of shape (n_cities, …)
        With points as for ``build_graph``.
    ocean : shapely.MultiPolygon or shapely.Polygon
        The sea, degrees (EPSG:4326). Edges along ±180 degrees are no coast.

    Returns
    -------
    pandas.Series of shape (n_cities,)
        ``coast_km``, kilometres to the nearest point of the coast, within 0.6 % of the geodesic; 0 for a point
        that the polygon puts into the sea.

    Raises
    ------
    BoundaryError
        If *ocean* has no coast.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> cities = gpd.GeoDataFrame({"lon": [1.0, 4.0], "lat": [0.5, 0.5]}, index=["a", "b"])
    >>> coast_distance(cities, shapely.box(2, 0, 5, 1)).round(1).tolist()
    [111.2, 0.0]
    """
    import shapely

    lon, lat = city_points(cities)
    points, arcs = unit_vectors(lon, lat), _coast_arcs(ocean)
    middle = arcs.sum(axis=1)
    middle /= np.linalg.norm(middle, axis=1, keepdims=True)
    half = float(np.linalg.norm(arcs[:, 0] - middle, axis=1).max())
    tree = cKDTree(middle)
    reach = np.asarray(tree.query(points)[0]) + half
    near = tree.query_ball_point(points, reach + 1e-12)
    km = np.array([line_distance_km(p[None], arcs[found]).min() for p, found in zip(points, near, strict=True)])
    km[shapely.contains_xy(ocean, lon, lat)] = 0.0
    return pd.Series(km, index=cities.index, name="coast_km")


def _coast_arcs(ocean: MultiPolygon | Polygon) -> FloatArray:
    """Edges of the sea as pairs of unit vectors, long ones in pieces."""
    import shapely

    edges = [np.empty((0, 2, 2))]
    for ring in shapely.get_parts(shapely.boundary(shapely.segmentize(ocean, 0.5))):
        xy = shapely.get_coordinates(ring)
        edges.append(np.stack([xy[:-1], xy[1:]], axis=1))
    edge = np.concatenate(edges)
    coast = edge[~(np.abs(edge[:, :, 0]) >= 180.0 - 1e-9).all(axis=1) & (edge[:, 0] != edge[:, 1]).any(axis=1)]
    if not len(coast):
        raise BoundaryError("the polygon of the sea has no coast: it is empty, or its edges are all at ±180 degrees.")
    x, y = check_lonlat(coast[:, :, 0].ravel(), coast[:, :, 1].ravel())
    return unit_vectors(x, y).reshape(-1, 2, 3)


def _belt(lon: FloatArray, lat: FloatArray, width_km: float) -> BaseGeometry:
    import shapely

    x, y = densify(lon, lat, min(_STEP_KM, width_km))
    azimuth = np.linspace(0.0, 360.0, _CORNERS, endpoint=False)
    n = len(x)
    xs, ys, _ = _GEOD.fwd(
        np.repeat(x, _CORNERS), np.repeat(y, _CORNERS), np.tile(azimuth, n), np.full(n * _CORNERS, width_km * 1e3)
    )
    circles = np.stack([np.asarray(xs), np.asarray(ys)], axis=1).reshape(n, _CORNERS, 2)
    pairs = np.concatenate([circles[:-1], circles[1:]], axis=1)
    # a line through all corners has their hull, and is made at once
    return shapely.union_all(shapely.convex_hull(shapely.linestrings(pairs)))


def _positions(cities: pd.DataFrame, corridors: pd.DataFrame) -> list[npt.NDArray[np.int64]]:
    result = []
    for name, codes in corridors["cities"].items():
        found = cities.index.get_indexer(pd.Index(codes)).astype(np.int64)
        if (found < 0).any() or len(found) < 2:
            unknown = [str(code) for code, at in zip(codes, found, strict=True) if at < 0]
            raise StatisticError(
                f"corridor {name} needs at least two cities of the study; got {len(found)}"
                f"{', of which ' + name_some(unknown) + ' are unknown' if unknown else ''}."
            )
        result.append(found)
    return result
