"""From GCJ-02, the shifted datum of Chinese web maps, to WGS84.

Chinese map services publish coordinates that are moved by 100 to 700 metres. CGCS2000 and WGS84 differ by
centimetres and are taken as equal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

__all__ = ["gcj02_to_wgs84", "wgs84_to_gcj02"]

# the shift is made on the Krasovsky ellipsoid and only within this box
_AXIS, _ECCENTRICITY2 = 6378245.0, 0.00669342162296594323
_WEST, _EAST, _SOUTH, _NORTH = 72.004, 137.8347, 0.8293, 55.8271
_ROUNDS = 6  # each makes the error about 200 times smaller: from 700 m to far below a micrometre


def wgs84_to_gcj02(lon: npt.ArrayLike, lat: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Shift WGS84 degrees as Chinese web maps do.

    Parameters
    ----------
    lon, lat : array_like of shape (n,)
        Degrees, WGS84.

    Returns
    -------
    lon, lat : numpy.ndarray of shape (n,)
        Degrees, GCJ-02; as given outside the box within which maps are shifted.

    Examples
    --------
    >>> lon, lat = wgs84_to_gcj02([116.404], [39.915])
    >>> lon.round(6).tolist(), lat.round(6).tolist()
    ([116.410244], [39.916404])
    """
    x, y = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    east, north = _shift(x, y)
    return x + east, y + north


def gcj02_to_wgs84(lon: npt.ArrayLike, lat: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Take the shift of Chinese web maps back.

    Parameters
    ----------
    lon, lat : array_like of shape (n,)
        Degrees, GCJ-02.

    Returns
    -------
    lon, lat : numpy.ndarray of shape (n,)
        Degrees, WGS84, by fixed-point iteration on the forward shift.

    Examples
    --------
    >>> lon, lat = gcj02_to_wgs84(*wgs84_to_gcj02([116.404], [39.915]))
    >>> lon.round(9).tolist(), lat.round(9).tolist()
    ([116.404], [39.915])
    """
    x, y = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    east, north = _shift(x, y)
    for _ in range(_ROUNDS):
        east, north = _shift(x - east, y - north)
    return x - east, y - north


def _shift(lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]:
    with np.errstate(invalid="ignore"):  # what is not finite stays as it is
        inside = (lon >= _WEST) & (lon <= _EAST) & (lat >= _SOUTH) & (lat <= _NORTH)
    x, y = np.where(inside, lon - 105.0, 0.0), np.where(inside, lat - 35.0, 0.0)
    root = np.sqrt(np.abs(x))
    waves = 20.0 * np.sin(6.0 * np.pi * x) + 20.0 * np.sin(2.0 * np.pi * x)
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root
    east += (waves + _waves(x, 20.0, 1.0) + _waves(x, 40.0, 3.0) + _waves(x, 150.0, 12.0)) * 2.0 / 3.0
    east += _waves(x, 300.0, 30.0) * 2.0 / 3.0
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root
    north += (waves + _waves(y, 20.0, 1.0) + _waves(y, 40.0, 3.0) + _waves(y, 160.0, 12.0)) * 2.0 / 3.0
    north += _waves(y, 320.0, 30.0) * 2.0 / 3.0
    latitude = np.radians(np.where(inside, lat, 0.0))
    bend = 1.0 - _ECCENTRICITY2 * np.sin(latitude) ** 2
    east = np.degrees(east / (_AXIS / np.sqrt(bend) * np.cos(latitude)))
    north = np.degrees(north / (_AXIS * (1.0 - _ECCENTRICITY2) / (bend * np.sqrt(bend))))
    return np.where(inside, east, 0.0), np.where(inside, north, 0.0)


def _waves(x: FloatArray, height: float, length: float) -> FloatArray:
    result: FloatArray = height * np.sin(x * np.pi / length)
    return result
