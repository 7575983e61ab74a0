"""Which unit does each point lie in: the kernel, on plain arrays.

Points are sorted by longitude once; each unit then looks only at the points within its bounding box that no earlier
unit has taken, through a prepared polygon and raw coordinates. No point objects are made. Units take points in
ascending order of their codes and a border belongs to the unit, so a point on a border goes to the smallest code
among the units that touch it, whatever the order of points or units is.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from .errors import BoundaryError, InputError

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    Positions = npt.NDArray[np.int32]
    States = npt.NDArray[np.int8]

__all__ = ["STATES", "Locator", "assign", "build_locator", "check_tally", "describe_tally"]

STATES = ("assigned", "outside", "missing", "infinite", "out of range", "swapped")
"""What can become of a point, in the order of the codes 0 to 5."""

_ASSIGNED, _OUTSIDE, _MISSING, _INFINITE, _OUT_OF_RANGE, _SWAPPED = range(6)
# A prepared polygon of GEOS answers one thread at a time, also when its index is built: two at once end the process
# (GEOS 3.14.1, "double free"). Threads that ask different polygons do not wait for each other.
_ASKING = tuple(threading.Lock() for _ in range(64))


@dataclass(frozen=True, slots=True, eq=False)
class Locator:
    """Units in ascending order of their codes, ready to be asked.

    Attributes
    ----------
    codes : numpy.ndarray of str, shape (n_units,)
        Unit codes, ascending.
    shapes : numpy.ndarray of shapely geometries, shape (n_units,)
        Polygons, degrees (EPSG:4326).
    bounds : numpy.ndarray of shape (n_units, 4)
        West, south, east, north of each.
    """

    codes: npt.NDArray[np.str_]
    shapes: npt.NDArray[np.object_]
    bounds: FloatArray

    @property
    def box(self) -> tuple[float, float, float, float]:
        """West, south, east and north of all units."""
        west, south = self.bounds[:, :2].min(axis=0)
        east, north = self.bounds[:, 2:].max(axis=0)
        return float(west), float(south), float(east), float(north)


def build_locator(units: gpd.GeoDataFrame) -> Locator:
    """Check the units and put them in the order of their codes.

    Parameters
    ----------
    units : geopandas.GeoDataFrame of shape (n_units, any)
        Polygons in degrees, indexed by unique codes.

    Returns
    -------
    Locator
        The units.

    Raises
    ------
    BoundaryError
        If there are no units, codes repeat, the CRS is missing or not geographic, or a geometry is no polygon.

    Examples
    --------
    >>> import geopandas as gpd
    >>> squares = [shapely.box(1, 0, 2, 1), shapely.box(0, 0, 1, 1)]
    >>> units = gpd.GeoDataFrame(geometry=squares, index=["b", "a"], crs=4326)
    >>> build_locator(units).codes.tolist()
    ['a', 'b']
    """
    if units.crs is None or not units.crs.is_geographic:
        given = "none" if units.crs is None else units.crs.name
        raise BoundaryError(f"units need a CRS in degrees; it is {given}. Use units.set_crs(4326) or .to_crs(4326).")
    codes = units.index.astype(str)
    if not len(codes) or not codes.is_unique:
        twice = codes[codes.duplicated()].unique().tolist()[:3]
        raise BoundaryError(
            f"{len(codes)} units, {len(codes.unique())} codes (twice: {twice}); each code stands once."
        )
    shapes = np.asarray(units.geometry.array, dtype=object)
    wrong = ~np.isin(shapely.get_type_id(shapes), (3, 6)) | shapely.is_empty(shapes)
    if wrong.any():
        raise BoundaryError(
            f"{int(wrong.sum())} of {len(codes)} units are no polygons or empty (first: {codes[wrong][0]}). "
            "Repair or leave them out."
        )
    order = np.argsort(np.asarray(codes, dtype=str), kind="stable")
    return Locator(np.asarray(codes, dtype=str)[order], shapes[order], shapely.bounds(shapes[order]))


def assign(locator: Locator, lon: FloatArray, lat: FloatArray) -> tuple[Positions, States]:
    """Find the unit of every point.

    Parameters
    ----------
    locator : Locator
        The units.
    lon, lat : numpy.ndarray of shape (n,)
        Degrees; NaN, infinite and impossible ones are told apart, not refused.

    Returns
    -------
    positions : numpy.ndarray of int32, shape (n,)
        Position of the unit in ``locator.codes``, -1 for none.
    states : numpy.ndarray of int8, shape (n,)
        Position in :data:`STATES`. "swapped" is a point that lies outside the box of all units as it stands
        and within it when longitude and latitude change places.

    Examples
    --------
    >>> import geopandas as gpd
    >>> squares = [shapely.box(9, 0, 10, 1), shapely.box(10, 0, 11, 1)]
    >>> units = gpd.GeoDataFrame(geometry=squares, index=["b", "a"], crs=4326)
    >>> lon, lat = np.array([9.5, 10.0, 8.0, np.nan, 0.5, 190]), np.array([0.5, 0.5, 8.0, 0.5, 9.5, 0])
    >>> positions, states = assign(build_locator(units), lon, lat)
    >>> positions.tolist(), [STATES[state] for state in states]
    ([1, 0, -1, -1, -1, -1], ['assigned', 'assigned', 'outside', 'missing', 'swapped', 'out of range'])
    """
    states = _judge(locator.box, lon, lat)
    usable = np.flatnonzero(states == _ASSIGNED)
    order = usable[np.argsort(lon[usable], kind="stable")]
    found = _locate(locator, lon[order], lat[order])
    positions = np.full(len(lon), -1, dtype=np.int32)
    positions[order] = found
    states[order[found < 0]] = _OUTSIDE
    return positions, states


def _judge(box: tuple[float, float, float, float], lon: FloatArray, lat: FloatArray) -> States:
    west, south, east, north = box
    with np.errstate(invalid="ignore"):
        inside = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
        exchanged = (lat >= west) & (lat <= east) & (lon >= south) & (lon <= north)
        possible = (np.abs(lon) <= 180.0) & (np.abs(lat) <= 90.0)
    states = np.where(inside, _ASSIGNED, _OUTSIDE).astype(np.int8)
    states[~possible] = _OUT_OF_RANGE
    states[exchanged & ~inside] = _SWAPPED
    states[np.isinf(lon) | np.isinf(lat)] = _INFINITE
    states[np.isnan(lon) | np.isnan(lat)] = _MISSING
    return states


def _locate(locator: Locator, lon: FloatArray, lat: FloatArray) -> Positions:
    """Ask unit after unit for the points of its box that are still free; longitudes ascend."""
    bounds = locator.bounds
    found = np.full(len(lon), -1, dtype=np.int32)
    first = np.searchsorted(lon, bounds[:, 0], side="left")
    last = np.searchsorted(lon, bounds[:, 2], side="right")
    for unit in np.flatnonzero(last > first):
        part = slice(first[unit], last[unit])
        near = (lat[part] >= bounds[unit, 1]) & (lat[part] <= bounds[unit, 3]) & (found[part] < 0)
        near = np.flatnonzero(near) + first[unit]
        if len(near):
            shape = locator.shapes[unit]
            with _ASKING[id(shape) // 16 % len(_ASKING)]:
                shapely.prepare(shape)
                found[near[shapely.intersects_xy(shape, lon[near], lat[near])]] = unit
    return found


def check_tally(tally: npt.NDArray[np.int64], *, name: str) -> None:
    """Refuse points most of which have longitude and latitude exchanged, or no degrees.

    Parameters
    ----------
    tally : numpy.ndarray of int64, shape (6,)
        Points of each of :data:`STATES`.
    name : str
        What the points are, for the message.

    Raises
    ------
    InputError
        If more points lie in the box of the units when exchanged than as they stand, or more are out of range
        than not.

    Examples
    --------
    >>> check_tally(np.array([90, 5, 2, 1, 1, 1]), name="firms.csv")
    """
    assigned, outside, _, _, out_of_range, swapped = tally.tolist()
    total = int(tally.sum())
    if swapped > assigned:
        raise InputError(
            f"{name}: {swapped:,} of {total:,} points lie in the units only when longitude and latitude change "
            f"places ({assigned:,} do as they stand). Exchange the two columns."
        )
    if out_of_range > assigned + outside:
        raise InputError(
            f"{name}: {out_of_range:,} of {total:,} points are no degrees (longitude within 180, latitude within "
            "90). Give longitude and latitude, or a file that states its CRS."
        )


def describe_tally(tally: npt.NDArray[np.int64]) -> str:
    """Say how many points have no unit, and why.

    Parameters
    ----------
    tally : numpy.ndarray of int64, shape (6,)
        Points of each of :data:`STATES`.

    Returns
    -------
    str
        Empty when all have one.

    Examples
    --------
    >>> describe_tally(np.array([90, 5, 2, 0, 0, 0]))
    '7 of 97 points have no unit: 5 outside, 2 missing'
    """
    total, lost = int(tally.sum()), int(tally[1:].sum())
    reasons = ", ".join(f"{n:,} {STATES[state]}" for state, n in enumerate(tally.tolist()) if n and state)
    return f"{lost:,} of {total:,} points have no unit: {reasons}" if lost else ""
