"""The units on the plane of a printed map: Albers equal-area, borders once, ready to be drawn many times."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import ArrayLike

from geo_cdei.errors import OutputError
from geo_cdei.outputs.layers import check_degrees

__all__ = ["ALBERS", "Plane", "build_plane", "project_points", "scale_factor"]

#: Standard parallels 25 and 47 degrees north, central meridian 105 degrees east; it has no EPSG code.
ALBERS = "+proj=aea +lat_1=25 +lat_2=47 +lon_0=105 +datum=WGS84"


@dataclass(frozen=True, slots=True)
class Plane:
    """What a printed map is drawn from, in metres of `ALBERS`.

    Parameters
    ----------
    units : geopandas.GeoSeries of shape (n_units,)
        Polygons of all units, indexed by ``adcode``.
    borders : shapely.Geometry
        Borders between provinces, each once, in lines as long as can be.
    outline : shapely.Geometry
        Coast and outer border, likewise.
    clusters : geopandas.GeoSeries of shape (n_clusters,)
        Outlines of the clusters, indexed by ``cluster_id``.
    dash_line : shapely.MultiLineString
        The dash line in the South China Sea.
    """

    units: gpd.GeoSeries
    borders: shapely.Geometry
    outline: shapely.Geometry
    clusters: gpd.GeoSeries
    dash_line: shapely.MultiLineString


def build_plane(
    units: gpd.GeoDataFrame,
    clusters: gpd.GeoDataFrame,
    dash_line: shapely.MultiLineString,
    *,
    simplify_m: float = 0.0,
) -> Plane:
    """Project the layers of a study once for all of its printed maps.

    Parameters
    ----------
    units : geopandas.GeoDataFrame
        Polygons in EPSG:4326 with ``province_adcode``.
    clusters : geopandas.GeoDataFrame
        Polygons in EPSG:4326, or none.
    dash_line : shapely.MultiLineString
        The dash line, in degrees.
    simplify_m : float
        Tolerance in metres of a simplification that keeps shared borders; 0 for none. On a map of the country
        a dot of 300 to the inch is 2.4 km wide.

    Returns
    -------
    Plane
        The layers in metres; the borders of provinces are those of their units.

    Raises
    ------
    OutputError
        If a layer is not in degrees, or the units do not say their province.

    Examples
    --------
    >>> square = gpd.GeoDataFrame({"province_adcode": ["510000"]}, geometry=[shapely.box(104, 30, 106, 31)],
    ...     index=["510100"], crs=4326)
    >>> build_plane(square, square[:0], shapely.MultiLineString()).units.total_bounds.round(-4).tolist()
    [-100000.0, 3170000.0, 100000.0, 3280000.0]
    """
    if units.empty or "province_adcode" not in units:
        raise OutputError(f"a printed map needs units with province_adcode, got {len(units)} with {list(units)}.")
    check_degrees(units, "the layer of units")
    shapes = units.geometry.to_crs(ALBERS).to_numpy()
    if simplify_m:
        shapes = shapely.coverage_simplify(shapes, simplify_m)
    shapes = shapely.orient_polygons(shapes)
    groups = units.groupby("province_adcode", sort=True).indices
    provinces = [shapely.union_all(shapes[rows]) for rows in groups.values()]
    outline = shapely.union_all(provinces).boundary
    between = shapely.difference(shapely.union_all(shapely.boundary(provinces)), outline)
    dashes = gpd.GeoSeries([dash_line], crs=4326).to_crs(ALBERS).item()
    flat = gpd.GeoSeries(shapes, index=units.index, crs=ALBERS)
    merged = shapely.line_merge(between), shapely.line_merge(outline)
    return Plane(flat, *merged, _projected(clusters, simplify_m), dashes)


def _projected(clusters: gpd.GeoDataFrame, simplify_m: float) -> gpd.GeoSeries:
    if clusters.empty:
        return gpd.GeoSeries([], crs=ALBERS)
    check_degrees(clusters, "the layer of clusters")
    shapes = clusters.geometry.to_crs(ALBERS)
    if not simplify_m:
        return shapes
    return gpd.GeoSeries(shapely.coverage_simplify(shapes.to_numpy(), simplify_m), index=shapes.index, crs=ALBERS)


def project_points(lon: ArrayLike, lat: ArrayLike) -> np.ndarray:
    """Give the places of points on the plane.

    Parameters
    ----------
    lon, lat : array of shape (n,)
        Degrees, WGS84.

    Returns
    -------
    numpy.ndarray of shape (n, 2)
        Metres to the east and to the north.

    Examples
    --------
    >>> project_points([105.0], [30.0]).round().tolist()
    [[0.0, 3171640.0]]
    """
    from pyproj import Proj

    return np.column_stack(Proj(ALBERS)(np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)))


def scale_factor(x: float, y: float) -> float:
    """Give how many metres of the plane one metre along the parallel has at a place.

    Parameters
    ----------
    x, y : float
        Metres on the plane.

    Returns
    -------
    float
        1 on the standard parallels, below 1 between them.

    References
    ----------
    Snyder, J. P. (1987). Map Projections: A Working Manual. USGS Professional Paper 1395, section 14.

    Examples
    --------
    >>> x, y = project_points([105.0], [47.0])[0]
    >>> round(scale_factor(x, y), 6)
    1.0
    """
    from pyproj import Proj

    projection = Proj(ALBERS)
    return float(projection.get_factors(*projection(x, y, inverse=True)).parallel_scale)
