"""Distances, neighbors and bearings on the WGS84 ellipsoid.

Candidates come from a tree of unit vectors on the sphere; whatever decides (who is nearest, who is inside
a band) is measured by :class:`pyproj.Geod`. A spherical and an ellipsoidal distance differ by less than
0.6 %, so every search on the sphere is widened by 1.2 % before the exact measure is taken.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from .errors import BoundaryError, GraphError

if TYPE_CHECKING:
    import numpy.typing as npt
    from pyproj import Geod

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]

__all__ = [
    "EQUAL_AREA", "bearing_deg", "check_lonlat", "distance_km", "inverse", "nearest", "pairwise_km", "within_km",
]  # fmt: skip

EQUAL_AREA = "+proj=aea +lat_1=25 +lat_2=47 +lat_0=0 +lon_0=105 +datum=WGS84 +units=m"
"""Plane on which polygons of China are measured and simplified; it has no EPSG code."""

_MEAN_RADIUS_KM = 6371.0088
_WIDEN = 1.012
_PART = 200_000  # pairs measured at once by one thread
_TIE_DECIMALS = 9  # of a km, so a micrometre: below it two distances are one


@cache
def _wgs84() -> Geod:
    from pyproj import Geod

    return Geod(ellps="WGS84")


def check_lonlat(lon: npt.ArrayLike, lat: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return longitudes and latitudes as arrays, or say which are impossible.

    Parameters
    ----------
    lon, lat : array_like of shape (n,)
        Degrees east and north (EPSG:4326).

    Returns
    -------
    tuple of numpy.ndarray
        The same numbers as ``float64``.

    Raises
    ------
    BoundaryError
        If the lengths differ, a value is missing or infinite, a longitude is outside [-180, 180] or a
        latitude outside [-90, 90].

    Examples
    --------
    >>> check_lonlat([116.4], [39.9])
    (array([116.4]), array([39.9]))
    """
    x, y = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape:
        raise BoundaryError(f"lon and lat must be two lists of one length; got shapes {x.shape} and {y.shape}.")
    bad = ~(np.isfinite(x) & np.isfinite(y) & (np.abs(x) <= 180) & (np.abs(y) <= 90))
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        swapped = bool(np.all(np.abs(x[bad]) <= 90) and np.all(np.abs(y[bad]) <= 180))
        cure = "lon and lat look swapped." if swapped else "Give degrees (EPSG:4326), not metres."
        raise BoundaryError(
            f"lon must lie in [-180, 180] and lat in [-90, 90]; {int(bad.sum())} of {len(x)} points do not "
            f"(first: position {first}, lon={x[first]:g}, lat={y[first]:g}). {cure}"
        )
    return x, y


def distance_km(lon1: npt.ArrayLike, lat1: npt.ArrayLike, lon2: npt.ArrayLike, lat2: npt.ArrayLike) -> FloatArray:
    """Measure the geodesic between points, pair by pair.

    Parameters
    ----------
    lon1, lat1, lon2, lat2 : array_like of shape (n,)
        Ends of each line, degrees (EPSG:4326).

    Returns
    -------
    numpy.ndarray of shape (n,)
        Kilometres on the WGS84 ellipsoid.

    References
    ----------
    Karney, C. F. F. (2013). Algorithms for geodesics. Journal of Geodesy, 87(1), 43-55.

    Examples
    --------
    >>> distance_km([0.0], [0.0], [1.0], [0.0]).round(3)
    array([111.319])
    """
    return inverse(lon1, lat1, lon2, lat2)[2]


def inverse(
    lon1: npt.ArrayLike, lat1: npt.ArrayLike, lon2: npt.ArrayLike, lat2: npt.ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Measure the geodesic between points, pair by pair, with the bearings at both ends.

    Parameters
    ----------
    lon1, lat1, lon2, lat2 : array_like of shape (n,)
        Ends of each line, degrees (EPSG:4326).

    Returns
    -------
    there, back : numpy.ndarray of shape (n,)
        Bearing from the first point to the second, and from the second to the first; clockwise from north, in
        [0, 360).
    km : numpy.ndarray of shape (n,)
        Kilometres on the WGS84 ellipsoid.

    Examples
    --------
    >>> [part.round(1).tolist() for part in inverse([0.0], [0.0], [1.0], [0.0])]
    [[90.0], [270.0], [111.3]]
    """
    x1, y1 = check_lonlat(lon1, lat1)
    x2, y2 = check_lonlat(lon2, lat2)
    starts = range(0, max(len(x1), 1), _PART)

    def measure(start: int) -> tuple[FloatArray, ...]:
        part = slice(start, start + _PART)
        return tuple(map(np.atleast_1d, _wgs84().inv(x1[part], y1[part], x2[part], y2[part])))

    if len(starts) == 1:
        parts = [measure(0)]
    else:  # each pair is measured alone and outside of Python's lock, so threads change no bit
        with ThreadPoolExecutor(min(os.cpu_count() or 1, len(starts))) as pool:
            parts = list(pool.map(measure, starts))
    there, back, metres = (np.concatenate(part) for part in zip(*parts, strict=True))
    return there % 360.0, back % 360.0, metres / 1000.0


def bearing_deg(lon1: npt.ArrayLike, lat1: npt.ArrayLike, lon2: npt.ArrayLike, lat2: npt.ArrayLike) -> FloatArray:
    """Measure the initial bearing of the geodesic from the first points to the second.

    Parameters
    ----------
    lon1, lat1, lon2, lat2 : array_like of shape (n,)
        Ends of each line, degrees (EPSG:4326).

    Returns
    -------
    numpy.ndarray of shape (n,)
        Degrees clockwise from north in [0, 360).

    Examples
    --------
    >>> bearing_deg([0.0, 0.0], [0.0, 0.0], [1.0, 0.0], [0.0, -1.0])
    array([ 90., 180.])
    """
    return inverse(lon1, lat1, lon2, lat2)[0]


def pairwise_km(lon: npt.ArrayLike, lat: npt.ArrayLike) -> FloatArray:
    """Measure the distance between every two points.

    Parameters
    ----------
    lon, lat : array_like of shape (n,)
        Degrees (EPSG:4326).

    Returns
    -------
    numpy.ndarray of shape (n, n)
        Kilometres on the WGS84 ellipsoid; symmetric, zero on the diagonal.

    Examples
    --------
    >>> pairwise_km([0.0, 1.0], [0.0, 0.0]).round(1)
    array([[  0. , 111.3],
           [111.3,   0. ]])
    """
    x, y = check_lonlat(lon, lat)
    i, j = np.triu_indices(len(x), k=1)
    km = np.zeros((len(x), len(x)))
    km[i, j] = distance_km(x[i], y[i], x[j], y[j])
    return km + km.T


def nearest(lon: npt.ArrayLike, lat: npt.ArrayLike, k: int) -> tuple[IntArray, FloatArray]:
    """Find the k nearest other points of each point, nearest first.

    Parameters
    ----------
    lon, lat : array_like of shape (n,)
        Degrees (EPSG:4326).
    k : int
        How many neighbors, at least 1 and less than n.

    Returns
    -------
    positions : numpy.ndarray of shape (n, k)
        Positions of the neighbors; of two at the same distance the one listed first comes first.
    km : numpy.ndarray of shape (n, k)
        Their distances in kilometres on the WGS84 ellipsoid.

    Raises
    ------
    GraphError
        If *k* is not in 1 … n - 1.

    Examples
    --------
    >>> nearest([0.0, 1.0, 3.0], [0.0, 0.0, 0.0], 1)[0].ravel()
    array([1, 0, 1])
    """
    x, y = check_lonlat(lon, lat)
    n = len(x)
    if not 1 <= k < n:
        raise GraphError(f"k must lie between 1 and n - 1; got k={k} with {n} points. Choose a smaller k.")
    vectors = _unit_vectors(x, y)
    tree = cKDTree(vectors)
    positions, km = np.empty((n, k), dtype=np.int64), np.empty((n, k))
    rows, size = np.arange(n), min(n, k + 5)
    while len(rows):
        found = tree.query(vectors[rows], k=size)
        chord, candidates = np.asarray(found[0]), np.asarray(found[1], dtype=np.int64)
        arc = _arc_km(chord)
        done = (arc[:, -1] > arc[:, k] * _WIDEN + 1e-6) | (size == n)
        where = rows[done]
        positions[where], km[where] = _order_exactly(x, y, where, candidates[done], k)
        rows, size = rows[~done], min(n, 2 * size)
    return positions, km


def within_km(lon: npt.ArrayLike, lat: npt.ArrayLike, threshold_km: float) -> tuple[IntArray, IntArray, FloatArray]:
    """Find every pair of points not farther apart than a threshold.

    Parameters
    ----------
    lon, lat : array_like of shape (n,)
        Degrees (EPSG:4326).
    threshold_km : float
        Largest distance, kilometres.

    Returns
    -------
    i, j : numpy.ndarray of shape (n_pairs,)
        Positions, each pair once with i < j, in ascending order.
    km : numpy.ndarray of shape (n_pairs,)
        Distances on the WGS84 ellipsoid.

    Raises
    ------
    GraphError
        If *threshold_km* is not a positive finite number.

    Examples
    --------
    >>> i, j, km = within_km([0.0, 1.0, 3.0], [0.0, 0.0, 0.0], 150.0)
    >>> i.tolist(), j.tolist(), km.round(1).tolist()
    ([0], [1], [111.3])
    """
    x, y = check_lonlat(lon, lat)
    if not (np.isfinite(threshold_km) and threshold_km > 0):
        raise GraphError(f"A distance threshold must be a positive number of km; got {threshold_km!r}.")
    half_angle = min(threshold_km * _WIDEN / (2 * _MEAN_RADIUS_KM), np.pi / 2)
    radius = 2.0 * np.sin(half_angle) + 1e-12
    pairs = cKDTree(_unit_vectors(x, y)).query_pairs(radius, output_type="ndarray")
    i, j = pairs.min(axis=1).astype(np.int64), pairs.max(axis=1).astype(np.int64)
    order = np.lexsort((j, i))
    i, j = i[order], j[order]
    km = distance_km(x[i], y[i], x[j], y[j])
    keep = km <= threshold_km
    return i[keep], j[keep], km[keep]


def _unit_vectors(lon: FloatArray, lat: FloatArray) -> FloatArray:
    lam, phi = np.radians(lon), np.radians(lat)
    return np.column_stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)])


def _arc_km(chord: FloatArray) -> FloatArray:
    return 2.0 * _MEAN_RADIUS_KM * np.arcsin(np.clip(chord / 2.0, 0.0, 1.0))


def _order_exactly(
    lon: FloatArray, lat: FloatArray, rows: IntArray, candidates: IntArray, k: int
) -> tuple[IntArray, FloatArray]:
    """Order the candidates by ellipsoidal distance, then by position, and keep the first k others."""
    own = np.repeat(rows, candidates.shape[1])
    other = candidates.ravel()
    km = distance_km(lon[own], lat[own], lon[other], lat[other]).reshape(candidates.shape)
    key = np.where(candidates == rows[:, None], np.inf, km.round(_TIE_DECIMALS))
    order = np.lexsort((candidates, key), axis=1)[:, :k]
    return np.take_along_axis(candidates, order, axis=1), np.take_along_axis(km, order, axis=1)
