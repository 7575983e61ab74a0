"""Geometry of the spillovers for maps and GeoPackages: hinterlands, halos, lines of flow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._aligned import check_index
from ..columns import FLOW_LINES, HALO_CORES, HINTERLAND_CITIES
from ..errors import StatisticError
from .graphs import city_points

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy.typing as npt
    from pyproj import Geod

    FloatArray = npt.NDArray[np.float64]

__all__ = ["flow_lines", "halo_circles", "hinterland_polygons"]

_CIRCLE_POINTS = 72
_STEP_KM = 50.0


def hinterland_polygons(table: pd.DataFrame, cities: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Put the hinterlands on the polygons of the cities.

    Parameters
    ----------
    table : pandas.DataFrame of shape (n_cities, …)
        Result of ``hinterland_cities``.
    cities : geopandas.GeoDataFrame of shape (n_cities, …)
        Polygons and ``city``, indexed as *table*.

    Returns
    -------
    geopandas.GeoDataFrame
        ``city``, :data:`geo_cdei.columns.HINTERLAND_CITIES` and the polygon, in the CRS of *cities*.

    Raises
    ------
    AlignmentError
        If the two list different cities or another order.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> cities = gpd.GeoDataFrame({"city": ["x"]}, geometry=[shapely.box(0, 0, 1, 1)], index=["a"], crs=4326)
    >>> table = pd.DataFrame("", columns=list(HINTERLAND_CITIES), index=["a"])
    >>> hinterland_polygons(table, cities).crs.to_epsg()
    4326
    """
    check_index(table.index, cities.index, what="table", whose="cities")
    return cities[["city", "geometry"]].join(table[list(HINTERLAND_CITIES)])


def halo_circles(cores: pd.DataFrame, cities: gpd.GeoDataFrame, *, plain_km: float = 100.0) -> gpd.GeoDataFrame:
    """Draw a circle around every core: its deciding ring, or a plain one.

    Parameters
    ----------
    cores : pandas.DataFrame of shape (n_cores, …)
        Result of ``halo_classes``.
    cities : geopandas.GeoDataFrame
        With ``lon`` and ``lat`` in degrees, or polygons with a CRS, indexed by ``adcode``.
    plain_km : float, default 100
        Radius of the circle of a core that is neutral or not tested.

    Returns
    -------
    geopandas.GeoDataFrame
        :data:`geo_cdei.columns.HALO_CORES`, ``radius_km`` (the outer edge of the part that decided) and a
        polygon whose corners are at that distance on the ellipsoid; EPSG:4326.

    Raises
    ------
    StatisticError
        If a core is not among the cities.

    Examples
    --------
    >>> import geopandas as gpd
    >>> cities = gpd.GeoDataFrame({"lon": [105.0], "lat": [35.0]}, index=["a"])
    >>> cores = pd.DataFrame({name: ["a"] for name in HALO_CORES}).assign(to_km=[200.0])
    >>> halo_circles(cores, cities).total_bounds.round(1).tolist()
    [102.8, 33.2, 107.2, 36.8]
    """
    import geopandas as gpd
    import shapely
    from pyproj import Geod

    absent = sorted(set(cores["core"]) - set(cities.index))
    if absent:
        raise StatisticError(f"{len(absent)} cores are not among the cities: {', '.join(absent[:5])}.")
    lon, lat = (part[cities.index.get_indexer(cores["core"])] for part in city_points(cities))
    radius = cores["to_km"].to_numpy(dtype=np.float64, na_value=np.nan)
    radius = np.where(np.isfinite(radius), radius, plain_km)
    azimuth = np.tile(np.linspace(0.0, 360.0, _CIRCLE_POINTS, endpoint=False), len(cores))
    each = [np.repeat(part, _CIRCLE_POINTS) for part in (lon, lat, radius * 1000.0)]
    x, y, _ = Geod(ellps="WGS84").fwd(each[0], each[1], azimuth, each[2])
    corners = np.column_stack([x, y]).reshape(len(cores), _CIRCLE_POINTS, 2)
    frame = cores[list(HALO_CORES)].assign(radius_km=radius)
    return gpd.GeoDataFrame(frame, geometry=shapely.polygons(corners), crs=4326)


def flow_lines(flows: pd.DataFrame, places: pd.DataFrame, *, share: float = 0.8) -> gpd.GeoDataFrame:
    """Draw the strongest flows between clusters as lines.

    Parameters
    ----------
    flows : pandas.DataFrame
        Result of ``cluster_flows`` for one model.
    places : pandas.DataFrame
        ``lon`` and ``lat`` in degrees (EPSG:4326) of each cluster, indexed by ``cluster_id``; a cluster that is
        not listed, such as ``outside``, has no line.
    share : float, default 0.8
        The lines are the strongest pairs that together carry this share of the flow between listed clusters.

    Returns
    -------
    geopandas.GeoDataFrame
        Columns :data:`geo_cdei.columns.FLOW_LINES` and the geodesic; one row per pair, strongest first, from the
        cluster that sends more to the other. ``flow`` is both directions together, ``net`` what is sent more.

    Raises
    ------
    StatisticError
        If the flows are of several models.

    Examples
    --------
    >>> flows = pd.DataFrame({"origin": ["C1", "C2"], "destination": ["C2", "C1"], "flow": [1.0, 3.0]})
    >>> flows = flows.assign(model="own")
    >>> places = pd.DataFrame({"lon": [100.0, 101.0], "lat": [30.0, 30.0]}, index=["C1", "C2"])
    >>> flow_lines(flows, places)[["origin", "destination", "flow", "net"]].to_numpy().tolist()
    [['C2', 'C1', 4.0, 2.0]]
    """
    import geopandas as gpd
    import shapely
    from pyproj import Geod

    if flows["model"].nunique() > 1:
        raise StatisticError(f"Lines are drawn of one model at a time; got {flows['model'].nunique()}.")
    listed = flows[flows["origin"].isin(places.index) & flows["destination"].isin(places.index)]
    wide = listed.pivot(index="origin", columns="destination", values="flow").fillna(0.0)
    names = wide.index.union(wide.columns)
    matrix = wide.reindex(index=names, columns=names, fill_value=0.0).to_numpy()
    a, b = np.triu_indices(len(names), k=1)
    a, b = np.where(matrix[a, b] >= matrix[b, a], a, b), np.where(matrix[a, b] >= matrix[b, a], b, a)
    both = matrix[a, b] + matrix[b, a]
    order = np.argsort(-both, kind="stable")
    before = np.cumsum(both[order]) - both[order]
    kept = order[(before < share * both.sum()) & (both[order] > 0)]
    a, b = a[kept], b[kept]
    frame = pd.DataFrame(
        {
            "model": listed["model"].iloc[0] if len(listed) else "", "origin": names[a], "destination": names[b],
            "flow": both[kept], "net": matrix[a, b] - matrix[b, a],
            "share": both[kept] / both.sum() if both.sum() > 0 else both[kept],
        }
    )[list(FLOW_LINES)]  # fmt: skip
    earth = Geod(ellps="WGS84")
    at = places.loc[names, ["lon", "lat"]].to_numpy(dtype=np.float64)
    lines = [_geodesic(earth, at[i], at[j]) for i, j in zip(a, b, strict=True)]
    return gpd.GeoDataFrame(frame, geometry=[shapely.linestrings(line) for line in lines], crs=4326)


def _geodesic(earth: Geod, start: FloatArray, end: FloatArray) -> FloatArray:
    """Give the corners of a geodesic, about every 50 km."""
    km = earth.inv(*start, *end)[2] / 1000.0
    between = earth.npts(start[0], start[1], end[0], end[1], max(1, int(km / _STEP_KM)))
    return np.vstack([start, np.array(between), end])
