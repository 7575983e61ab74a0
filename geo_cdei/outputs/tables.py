"""Tables and layers as files: CSV, GeoPackage, and the XLSX template of a new study."""

from __future__ import annotations

import datetime as dt
import io
import re
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from geo_cdei.outputs._escape import cell

if TYPE_CHECKING:
    import geopandas as gpd
    from openpyxl import Workbook

__all__ = ["read_layer_names", "save_workbook", "write_csv", "write_geopackage", "write_template"]


_PLAIN = {"str", "bool", "boolean", "int64", "Int64", "float64", "geometry"}


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV that Excel opens rightly: UTF-8 with BOM, floats with four decimals.

    Parameters
    ----------
    frame : pandas.DataFrame
        A named index is the first column; an unnamed one is left out.
    path : pathlib.Path
        The file.

    Notes
    -----
    A cell that a spreadsheet would compute is written as text (:func:`geo_cdei.outputs._escape.cell`).
    """
    table = frame.reset_index() if frame.index.name else frame
    safe = table.copy(deep=False)
    for column in safe.columns:
        if pd.api.types.is_float_dtype(safe[column]):
            safe[column] = _decimals(safe[column])
        elif isinstance(safe[column].dtype, pd.StringDtype):
            marked = {value: cell(value) for value in safe[column].dropna().unique()}
            if any(value != said for value, said in marked.items()):
                safe[column] = safe[column].map(marked)
        elif not pd.api.types.is_numeric_dtype(safe[column]):
            safe[column] = safe[column].map(cell, na_action="ignore")
    safe.columns = [cell(str(column)) for column in safe.columns]
    text = safe.to_csv(index=False, lineterminator="\n")
    path.write_bytes(text.encode("utf-8-sig"))


def _decimals(column: pd.Series) -> pd.Series:
    """Write numbers with four decimals; what is missing stays so."""
    rounded = column.round(4) + 0.0  # no "-0.0000"
    said = [None if value != value else f"{value:.4f}" for value in rounded.to_numpy(float, na_value=np.nan).tolist()]
    return pd.Series(said, index=column.index, dtype=object)


def write_geopackage(
    layers: Mapping[str, gpd.GeoDataFrame | pd.DataFrame],
    path: Path,
    *,
    crs: str,
    date: dt.date,
    earlier: Path | None = None,
) -> None:
    """Write layers and plain tables to one GeoPackage, byte-equal from equal input.

    Parameters
    ----------
    layers : mapping of str to GeoDataFrame or DataFrame
        Written in this order; a plain frame becomes a table without geometry.
    path : pathlib.Path
        A file that is not there yet.
    crs : str
        CRS of the written layers, such as ``"EPSG:4490"``.
    date : datetime.date
        Stands for "now" in the file's own bookkeeping.
    earlier : pathlib.Path, optional
        A GeoPackage whose other layers are kept; an absent or damaged one has none.
    """
    import geopandas as gpd
    import pyogrio

    # the same layers again make the same bytes only in a new file: an old one keeps the gaps of what was replaced
    if earlier is not None and set(read_layer_names(earlier)) - set(layers) - {"layer_styles"}:
        shutil.copyfile(earlier, path)
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": f"{date.isoformat()}T00:00:00.000Z"})
    try:
        for name, frame in layers.items():
            table = frame.reset_index() if frame.index.name else frame
            if isinstance(frame, gpd.GeoDataFrame):
                table = gpd.GeoDataFrame(table, geometry=frame.geometry.name, crs=frame.crs).to_crs(crs)
            table = table.rename(columns=str)  # a table of ranks has numbers for names
            # without append a layer of this name is replaced, and the other layers of the file stay; Arrow hands over
            # whole columns, and would find kinds of its own in columns of Python objects
            plain = len(table) > 0 and {str(dtype) for dtype in table.dtypes} <= _PLAIN
            pyogrio.write_dataframe(table, path, layer=name, driver="GPKG", append=False, use_arrow=plain)
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})


def read_layer_names(path: Path) -> list[str]:
    """List the layers of a GeoPackage.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    list of str
        Names in the order of the file; none of an absent or damaged one.
    """
    import pyogrio

    if not path.is_file():
        return []
    try:
        return [str(name) for name, _ in pyogrio.list_layers(path)]
    except pyogrio.errors.DataSourceError:
        return []


def write_template(path: Path, *, names: pd.DataFrame) -> None:
    """Write the workbook that a planner fills in: scores on the first sheet, allowed names on the last.

    Parameters
    ----------
    path : pathlib.Path
        The ``.xlsx`` file.
    names : pandas.DataFrame
        Indexed by ``adcode``: ``short_name``, ``official_name``, ``province`` of every unit.
    """
    from openpyxl import Workbook
    from openpyxl.styles import Font, PatternFill

    book = Workbook()
    sheet = book.active
    sheet.title = "得分"
    sheet.append(["城市", "行政区划代码", "得分"])
    sheet.append(["苏州", "320500", 78.8])
    guide = book.create_sheet("说明")
    for line in _GUIDE:
        guide.append([line])
    allowed = book.create_sheet("可用名称")
    allowed.append(["行政区划代码", "简称", "全称", "省级行政区"])
    for adcode, row in names.iterrows():
        allowed.append([cell(adcode), *(cell(row[column]) for column in ("short_name", "official_name", "province"))])
    for each, widths in ((sheet, (18, 16, 10)), (guide, (100,)), (allowed, (16, 16, 30, 18))):
        for letter, width in zip("ABCD", widths, strict=False):
            each.column_dimensions[letter].width = width
    for each in (sheet, allowed):
        each.freeze_panes = "A2"
        for head in each[1]:
            head.font, head.fill = Font(bold=True), PatternFill("solid", fgColor="DDE7F0")
    for row in sheet.iter_rows(min_row=2, max_row=400, min_col=2, max_col=2):
        row[0].number_format = "@"  # a code is text: no lost zeros, no 3.205E+05
    save_workbook(book, path)


def save_workbook(book: Workbook, path: Path) -> None:
    """Save a workbook with fixed times, so that two equal workbooks are equal byte for byte.

    Parameters
    ----------
    book : openpyxl.Workbook
        The workbook.
    path : pathlib.Path
        The ``.xlsx`` file.
    """
    book.properties.created = dt.datetime(2026, 1, 1)
    stream = io.BytesIO()
    book.save(stream)
    with zipfile.ZipFile(stream) as parts, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as fixed:
        for name in parts.namelist():
            data = parts.read(name)
            if name == "docProps/core.xml":  # saving writes the hour into it
                data = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>2026-01-01T00:00:00Z", data)
            fixed.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)


_GUIDE = (
    "在“得分”表中每个城市填一行；第二行是示例，请改写或删除。",
    "城市可写简称、全称或旧称；行政区划代码可留空，填写时以代码为准。可用名称见“可用名称”表。",
    "没有数据的单元格请留空，不要填 0。",
    "填好后另存到 data/raw，并删除同名的 CSV；或换个名字，在 geo-cdei.toml 的 [data] scores 中写上该名字。",
    "One row per city on the sheet 得分; its second row is an example: overwrite or delete it.",
    "Leave unknown cells empty.",
    "Save it in data/raw under a name of its own and put that name into [data] scores of geo-cdei.toml.",
)
