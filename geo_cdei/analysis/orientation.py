"""Where the middle of the cities lies, and along which axis they are spread."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from pyproj.enums import TransformDirection

from .._polyline import equal_area_plane
from ..columns import ELLIPSES
from ..errors import StatisticError
from .graphs import city_points
from .scenarios import weight_vector

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd
    import numpy.typing as npt
    from pyproj import Transformer

    FloatArray = npt.NDArray[np.float64]

__all__ = ["deviational_ellipses"]

_CORNERS = 180


def deviational_ellipses(
    cities: gpd.GeoDataFrame, *, weights: Sequence[str] = ("equal", "score", "scale_2020", "gdp_2019")
) -> gpd.GeoDataFrame:
    """Find the weighted mean center and the standard deviational ellipse of the cities.

    Parameters
    ----------
    cities : geopandas.GeoDataFrame of shape (n_cities, …)
        With the weight columns and points as for ``build_graph``.
    weights : sequence of str
        Columns, powers of columns, or "equal"; a city without a weight is left out of that row.

    Returns
    -------
    geopandas.GeoDataFrame of shape (n_weights, 10)
        Columns :data:`geo_cdei.columns.ELLIPSES` and the ellipse (EPSG:4326). ``lon`` and ``lat`` are those of the
        mean center, ``bearing_deg`` in [0, 180) is that of the long axis, ``elongation`` is long over short axis
        (NaN where the cities lie on one line).

    Raises
    ------
    StatisticError
        If fewer than three cities have a weight above 0.

    Notes
    -----
    The semi-axes are the square root of 2 times the weighted standard deviations along the principal axes, so that
    the ellipse holds 63 % of a normal distribution (the convention of CrimeStat and, since version 10, of ArcGIS;
    Yuill's own ellipse is smaller by that factor). The plane is Lambert azimuthal equal-area about the middle of the
    cities; CrimeStat's correction for small samples is left out.

    References
    ----------
    Yuill, R. S. (1971). The standard deviational ellipse; an updated tool for spatial description. Geografiska
    Annaler B, 53(1), 28-39.
    Gong, J. (2002). Clarifying the standard deviational ellipse. Geographical Analysis, 34(2), 155-167.

    Examples
    --------
    >>> import geopandas as gpd
    >>> cities = gpd.GeoDataFrame({"lon": [-2.0, 2.0, 0.0, 0.0], "lat": [0.0, 0.0, -1.0, 1.0]}, index=list("abcd"))
    >>> ellipse = deviational_ellipses(cities, weights=["equal"])
    >>> ellipse[["bearing_deg", "elongation"]].round(1).values.tolist()
    [[90.0, 2.0]]
    """
    import geopandas as gpd

    lon, lat = city_points(cities)
    plane = equal_area_plane(lon, lat)
    xy = np.column_stack(plane.transform(lon, lat))
    rows = [_ellipse(xy, weight_vector(cities, name).to_numpy(float), name, plane) for name in weights]
    frame = pd.DataFrame(rows, columns=[*ELLIPSES, "geometry"])
    return gpd.GeoDataFrame(frame, geometry="geometry", crs=4326)


def _ellipse(xy: FloatArray, weight: FloatArray, name: str, plane: Transformer) -> dict[str, object]:
    import shapely

    known = weight > 0
    if int(known.sum()) < 3:
        raise StatisticError(
            f"an ellipse needs at least 3 cities with a weight above 0; {int(known.sum())} have one in {name!r}."
        )
    points, share = xy[known], weight[known] / weight[known].sum()
    center = share @ points
    apart = points - center
    variance, axes = np.linalg.eigh((apart * share[:, None]).T @ apart)
    small, large = np.sqrt(2.0 * np.clip(variance, 0.0, None))
    along, across = axes[:, 1], axes[:, 0]
    turn = np.linspace(0.0, 2.0 * np.pi, _CORNERS, endpoint=False)
    outline = center + large * np.outer(np.cos(turn), along) + small * np.outer(np.sin(turn), across)
    lon, lat = plane.transform(center[0], center[1], direction=TransformDirection.INVERSE)
    bearing = np.degrees(np.arctan2(along[0], along[1])) + _convergence(plane, lon, lat)
    outer = plane.transform(outline[:, 0], outline[:, 1], direction=TransformDirection.INVERSE)
    return {
        "weights": name, "n": int(known.sum()), "lon": lon, "lat": lat, "semi_major_km": large,
        "semi_minor_km": small, "bearing_deg": float(np.round(bearing % 180.0, 9)) % 180.0,
        "elongation": large / small if small > 1e-6 * large else np.nan, "area_km2": np.pi * large * small,
        "geometry": shapely.Polygon(np.column_stack(outer).round(6)),
    }  # fmt: skip


def _convergence(plane: Transformer, lon: float, lat: float) -> float:
    """Degrees from the plane's north to true north at a point."""
    x, y = plane.transform([lon, lon], [lat - 0.05, lat + 0.05])
    return -float(np.degrees(np.arctan2(x[1] - x[0], y[1] - y[0])))
