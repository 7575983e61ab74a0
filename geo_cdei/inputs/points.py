"""Points in memory, or in a Dask frame, to the units they lie in."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from geo_cdei._assignment import STATES, Locator, assign, build_locator, check_tally, describe_tally
from geo_cdei._datum import gcj02_to_wgs84
from geo_cdei._parallel import choose_engine, is_dask
from geo_cdei.errors import GeoCdeiWarning, InputError
from geo_cdei.inputs.point_files import check_datum

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

__all__ = ["assign_points", "coordinates"]


def assign_points(
    points: Any,
    units: gpd.GeoDataFrame,
    *,
    engine: str = "auto",
    client: Any = None,
    chunksize: int = 500_000,
    datum: str = "wgs84",
) -> pd.Series[str]:
    """Find the unit in which each point lies.

    Parameters
    ----------
    points : geopandas.GeoDataFrame, pandas.DataFrame, dask_geopandas.GeoDataFrame or dask.dataframe.DataFrame
        Points in the CRS of *units*, or columns ``lon`` and ``lat`` in degrees.
    units : geopandas.GeoDataFrame of shape (n_units, any)
        Polygons in degrees, indexed by unique codes such as ``adcode``.
    engine : {"auto", "local", "dask"}, default "auto"
        "auto" uses Dask where *client* is given or a client is active. The answer is the same.
    client : distributed.Client, optional
        The cluster.
    chunksize : int, default 500_000
        Points worked on at once; it never changes the answer.
    datum : {"wgs84", "cgcs2000", "gcj02"}, default "wgs84"
        Datum of the points; GCJ-02 is taken back to WGS84 first.

    Returns
    -------
    pandas.Series of shape (n_points,)
        Codes as ``str``, named ``adcode``, indexed as *points* (of a Dask frame: partition after partition); NA
        for a point without a unit. ``.attrs["tally"]`` counts the points of each of
        :data:`geo_cdei._assignment.STATES`.

    Raises
    ------
    BoundaryError
        If the units are no polygons in degrees, or their codes repeat.
    InputError
        If the points have no coordinates, no CRS or another one, or longitude and latitude are exchanged.
    SettingsError
        If the engine is unknown or not there.

    Warns
    -----
    GeoCdeiWarning
        Counts the points without a unit, by reason.

    Notes
    -----
    A border belongs to the units on both sides; a point on it goes to the smallest code among them.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> squares = [shapely.box(9, 0, 10, 1), shapely.box(10, 0, 11, 1)]
    >>> units = gpd.GeoDataFrame(geometry=squares, index=["a", "b"], crs=4326)
    >>> points = pd.DataFrame({"lon": [9.5, 10.0, 10.5], "lat": 0.5})
    >>> assign_points(points, units).tolist()
    ['a', 'a', 'b']
    """
    check_datum(datum)
    if chunksize < 1:
        raise InputError(f"chunksize is {chunksize}; it is a number of points, 1 or more.")
    where = choose_engine(engine, client)
    locator = build_locator(units)
    if is_dask(points):
        found = list(where.map_partitions(_assign_frame, points, locator, units.crs, chunksize, datum))
        index = found[0][0].append([part[0] for part in found[1:]]) if found else pd.Index([])
        parts = [part[1:] for part in found]
    else:
        index = points.index
        lon, lat = coordinates(points, units.crs)
        chunks = ((lon[k : k + chunksize], lat[k : k + chunksize]) for k in range(0, len(lon), chunksize))
        parts = list(where.map(_assign_chunk, chunks, locator, datum))
    return _series(parts, index, locator)


def coordinates(points: pd.DataFrame, crs: Any) -> tuple[FloatArray, FloatArray]:
    """Longitudes and latitudes of a frame.

    Parameters
    ----------
    points : geopandas.GeoDataFrame or pandas.DataFrame
        Points, or columns ``lon`` and ``lat``.
    crs : pyproj.CRS
        The CRS that points must have.

    Returns
    -------
    lon, lat : numpy.ndarray of shape (n_points,)
        NaN for a missing or empty point.

    Raises
    ------
    InputError
        If there are neither points nor the two columns, the CRS differs, or a geometry is no point.

    Examples
    --------
    >>> coordinates(pd.DataFrame({"lon": [1], "lat": [2]}), None)
    (array([1.]), array([2.]))
    """
    if hasattr(points, "geometry"):
        return _of_geometry(points, crs)
    absent = [name for name in ("lon", "lat") if name not in points.columns]
    if absent:
        raise InputError(
            f"points need columns lon and lat, or a geometry; {' and '.join(absent)} absent among "
            f"{points.columns.tolist()[:10]}. Rename the columns."
        )
    try:
        lon, lat = (np.asarray(points[name].to_numpy(np.float64, na_value=np.nan)) for name in ("lon", "lat"))
    except (TypeError, ValueError) as error:
        raise InputError(f"lon and lat must be numbers: {error}. Convert them with pandas.to_numeric.") from error
    return lon, lat


def _of_geometry(points: Any, crs: Any) -> tuple[FloatArray, FloatArray]:
    import shapely

    if points.crs is None or points.crs != crs:
        given = "none" if points.crs is None else points.crs.name
        raise InputError(
            f"the CRS of the points is {given}, that of the units {crs.name}. Use points.set_crs(…) where it is "
            "missing, points.to_crs(units.crs) where it differs."
        )
    shapes = np.asarray(points.geometry.array, dtype=object)
    other = ~np.isin(shapely.get_type_id(shapes), (-1, 0))
    if other.any():
        raise InputError(f"{int(other.sum())} of {len(shapes)} geometries are no points. Take their centroids first.")
    return shapely.get_x(shapes), shapely.get_y(shapes)


def _assign_chunk(
    locator: Locator, datum: str, chunk: tuple[FloatArray, FloatArray]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    lon, lat = gcj02_to_wgs84(*chunk) if datum == "gcj02" else chunk
    positions, states = assign(locator, lon, lat)
    return positions, np.bincount(states, minlength=len(STATES))


def _assign_frame(
    locator: Locator, crs: Any, chunksize: int, datum: str, frame: pd.DataFrame
) -> tuple[pd.Index[Any], npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Do one partition, a chunk at a time."""
    lon, lat = coordinates(frame, crs)
    parts = [
        _assign_chunk(locator, datum, (lon[k : k + chunksize], lat[k : k + chunksize]))
        for k in range(0, max(len(lon), 1), chunksize)
    ]
    return frame.index, np.concatenate([part[0] for part in parts]), np.sum([part[1] for part in parts], axis=0)


def _series(parts: list[Any], index: pd.Index[Any], locator: Locator) -> pd.Series[str]:
    tally = sum((part[1] for part in parts), np.zeros(len(STATES), dtype=np.int64))
    check_tally(tally, name="points")
    said = describe_tally(tally)
    if said:
        warnings.warn(f"{said}.", GeoCdeiWarning, stacklevel=3)
    positions = np.concatenate([part[0] for part in parts]) if parts else np.empty(0, dtype=np.int32)
    codes = pd.array(locator.codes, dtype="str").take(positions, allow_fill=True)
    result = pd.Series(codes, index=index, name="adcode")
    result.attrs["tally"] = dict(zip(STATES, tally.tolist(), strict=True))
    return result
