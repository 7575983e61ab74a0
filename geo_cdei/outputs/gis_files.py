"""Layers for other programs: GeoPackage styles, SLD, GeoParquet, and Shapefiles for offices that need them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import geopandas as gpd
import pandas as pd

from geo_cdei.outputs.catalogue import column_title
from geo_cdei.outputs.gis_styles import shown_classes
from geo_cdei.outputs.style_files import LayerStyle, qml, sld
from geo_cdei.outputs.tables import write_csv
from geo_cdei.results import Analysis

__all__ = ["layers_of", "short_names", "write_geoparquet", "write_shapefiles", "write_sld", "write_styles"]

STYLES, SLD, PARQUET, SHAPEFILE = (
    "layer_styles",
    "data/derived/styles",
    "data/derived/geoparquet",
    "data/derived/shapefile",
)
LONGEST_FIELD, LONGEST_CELL = 10, 254  # characters of a name and bytes of a text in a dBase file
Place = Callable[[str], Path]


def layers_of(analysis: Analysis) -> dict[str, gpd.GeoDataFrame | pd.DataFrame]:
    """Gather the layers of a run: tables with their geometry where they have one, in a fixed order.

    Parameters
    ----------
    analysis : Analysis
        The run.

    Returns
    -------
    dict of str to GeoDataFrame or DataFrame
        EPSG:4326; a frame without geometry is a plain table. A layer may have a column more than its table: what
        the map shows (:func:`geo_cdei.outputs.gis_styles.shown_classes`).
    """
    cities, clusters = analysis.cities.geometry, analysis.clusters.geometry
    shapes = {
        "cities": cities,
        "clusters": clusters,
        "lisa": cities,
        "pattern": clusters,
        "poles": clusters,
        "pole_catchments": cities,
    }
    layers: dict[str, gpd.GeoDataFrame | pd.DataFrame] = {}
    for name, frame in analysis.tables.items():
        if name in shapes:
            shaped = gpd.GeoDataFrame(frame, geometry=shapes[name].reindex(frame.index), crs=4326)
            layers[name] = shown_classes(name, shaped)
        else:
            layers[name] = frame
    layers |= {name: shown_classes(name, layer) for name, layer in analysis.layers.items()}
    units = analysis.units[["official_name", "name_en", "province", "lon", "lat", "geometry"]]
    layers["units"] = units
    layers["provinces"] = analysis.provinces
    layers["dash_line"] = gpd.GeoDataFrame({"name": ["九段线"]}, geometry=[analysis.dash_line], crs=4326)
    return layers


def write_styles(styles: Iterable[LayerStyle], path: Path, *, date: dt.date) -> None:
    """Write styles into a GeoPackage, in the table ``layer_styles`` in which QGIS keeps and finds them.

    Parameters
    ----------
    styles : iterable of LayerStyle
        Styles of layers of the file.
    path : pathlib.Path
        The GeoPackage; styles of other layers that it has are kept.
    date : datetime.date
        Stands for "now".
    """
    import pyogrio

    from geo_cdei.outputs.tables import read_layer_names

    rows = pd.DataFrame(
        [
            {
                "f_table_catalog": "", "f_table_schema": "", "f_table_name": style.layer, "f_geometry_column": "geom",
                "styleName": style.name, "styleQML": qml(style), "styleSLD": sld(style),
                "useAsDefault": style.is_default, "description": style.title, "owner": "", "ui": "",
                "update_time": pd.Timestamp(date),
            }
            for style in styles
        ]
    )  # fmt: skip
    if rows.empty:
        return
    if STYLES in read_layer_names(path):
        before = pyogrio.read_dataframe(path, layer=STYLES)
        kept = before[~before["f_table_name"].isin(rows["f_table_name"])]
        rows = pd.concat([kept, rows], ignore_index=True).astype({"useAsDefault": bool}) if len(kept) else rows
    rows["update_time"] = pd.to_datetime(rows["update_time"]).dt.tz_localize(None).astype("datetime64[ms]")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": f"{date.isoformat()}T00:00:00.000Z"})
    try:
        pyogrio.write_dataframe(rows, path, layer=STYLES, driver="GPKG", layer_options={"FID": "id"}, append=False)
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})


def write_sld(styles: Iterable[LayerStyle], place: Place) -> None:
    """Write each style as a file: ``lisa.sld`` the default of a layer, ``lisa.class_fdr.sld`` another.

    Parameters
    ----------
    styles : iterable of LayerStyle
        The styles.
    place : callable
        Gives the path to write to for a path within the study, such as ``Batch.path``.
    """
    for style in styles:
        name = style.layer if style.is_default else f"{style.layer}.{style.name}"
        place(f"{SLD}/{name}.sld").write_text(sld(style), encoding="utf-8", newline="\n")


def write_geoparquet(layers: Mapping[str, pd.DataFrame], place: Place, *, crs: str) -> None:
    """Write each layer with a geometry as GeoParquet, byte-equal from equal input.

    Parameters
    ----------
    layers : mapping of str to DataFrame
        From :func:`layers_of`.
    place : callable
        As in :func:`write_sld`.
    crs : str
        CRS of the files.
    """
    for name, layer in layers.items():
        if isinstance(layer, gpd.GeoDataFrame):
            told = layer.to_crs(crs)
            told.attrs = {}
            told.to_parquet(place(f"{PARQUET}/{name}.parquet"), compression="zstd")


def write_shapefiles(
    layers: Mapping[str, pd.DataFrame], styles: Iterable[LayerStyle], place: Place, *, crs: str, date: dt.date
) -> None:
    """Write each layer with a geometry as a Shapefile in UTF-8, with QGIS styles and a list of the fields.

    Parameters
    ----------
    layers : mapping of str to DataFrame
        From :func:`layers_of`.
    styles : iterable of LayerStyle
        The default one of a layer is written beside it as ``.qml``.
    place : callable
        As in :func:`write_sld`.
    crs : str
        CRS of the files.
    date : datetime.date
        Stands for the day of writing.

    Notes
    -----
    ``fields.csv`` has for every field its short name, the column, titles in Chinese and English, the unit, and how
    many texts were cut: a dBase field holds 254 bytes.
    """
    defaults = {style.layer: style for style in styles if style.is_default}
    listed = []
    for name, layer in layers.items():
        if not isinstance(layer, gpd.GeoDataFrame):
            continue
        table = layer.reset_index() if layer.index.name else layer
        columns = [str(column) for column in table.columns if column != layer.geometry.name]
        short = dict(zip(columns, short_names(columns), strict=True))
        cut = _write_shapefile(gpd.GeoDataFrame(table, crs=layer.crs).to_crs(crs), short, place, name=name, date=date)
        listed += [_field(name, column, short[column], cut[column]) for column in columns]
        if name in defaults:
            style = defaults[name].with_column(short.get(defaults[name].column, ""))
            place(f"{SHAPEFILE}/{name}.qml").write_text(qml(style), encoding="utf-8", newline="\n")
    write_csv(pd.DataFrame(listed), place(f"{SHAPEFILE}/fields.csv"))


def _write_shapefile(
    table: gpd.GeoDataFrame, short: Mapping[str, str], place: Place, *, name: str, date: dt.date
) -> dict[str, int]:
    """Write one Shapefile with its four companions; give the number of texts cut in each column."""
    import pyogrio

    cut = {}
    plain = table.rename(columns=lambda column: short.get(str(column), column))
    for column, field in short.items():
        cells = plain[field]
        cut[column] = 0
        if pd.api.types.is_bool_dtype(cells.dtype):
            plain[field] = cells.astype("Int32")
        elif not pd.api.types.is_numeric_dtype(cells.dtype):
            texts = cells.map(str, na_action="ignore").astype("str")
            plain[field] = texts.map(_fitting, na_action="ignore")
            cut[column] = int((plain[field].fillna("") != texts.fillna("")).sum())
    for ending in ("dbf", "shx", "prj", "cpg"):
        place(f"{SHAPEFILE}/{name}.{ending}")
    pyogrio.write_dataframe(
        plain, place(f"{SHAPEFILE}/{name}.shp"), driver="ESRI Shapefile", encoding="UTF-8",
        layer_options={"DBF_DATE_LAST_UPDATE": date.isoformat()},
    )  # fmt: skip
    return cut


def _fitting(text: str) -> str:
    """Cut a text to what a field holds, never inside a character."""
    data = text.encode("utf-8")
    return text if len(data) <= LONGEST_CELL else data[:LONGEST_CELL].decode("utf-8", errors="ignore")


def _field(layer: str, column: str, short: str, cut: int) -> dict[str, object]:
    chinese, english = (column_title(layer, column, lang) for lang in ("zh", "en"))
    return {
        "layer": layer, "short": short, "name": column, "title_zh": chinese.title, "title_en": english.title,
        "unit": english.unit, "n_cut": cut,
    }  # fmt: skip


def short_names(columns: Iterable[str]) -> list[str]:
    """Shorten names to what a dBase file takes: ASCII, at most ten characters, no two alike in any case.

    Parameters
    ----------
    columns : iterable of str
        Names of columns.

    Returns
    -------
    list of str
        One name each, in the same order.

    Examples
    --------
    >>> short_names(["score", "significant_fdr", "score_scale_2020", "人口", "score_scale_2021"])
    ['score', 'signif_fdr', 'sc_sc_2020', 'field', 'sc_sc_2021']
    """
    taken: dict[str, None] = {}
    for column in columns:
        plain = _shortened(column)
        name, number = plain, 2
        while name.lower() in {other.lower() for other in taken}:
            name, number = f"{plain[: LONGEST_FIELD - len(str(number))]}{number}", number + 1
        taken[name] = None
    return list(taken)


def _shortened(column: str) -> str:
    """Take letters from the longest word until the name fits; a year keeps its digits."""
    parts = [part for part in re.sub(r"[^A-Za-z0-9_]", "", column).split("_") if part]
    while len("_".join(parts)) > LONGEST_FIELD:
        words = [part for part in parts if not part.isdigit() and len(part) > 1]
        if not words:
            break
        longest = max(words, key=len)
        parts[parts.index(longest)] = longest[:-1]
    name = "_".join(parts)[:LONGEST_FIELD] or "field"
    return f"f{name}"[:LONGEST_FIELD] if name[0].isdigit() else name
