"""XLSX, XLS, ODS and Parquet as rows of text, with what the file hides said in notes.

A few bytes can stand for a sheet of 17 billion cells, and the reader takes the memory for all of them at once;
so the extent of a sheet is read off its XML before it is opened.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pandas as pd

from geo_cdei.errors import InputError

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

__all__ = ["MAX_CELLS", "Sheet", "cell_text", "read_parquet_cells", "read_sheets"]

MAX_CELLS = 20_000_000
_FILLED_CELL = re.compile(rb"<(?:\w+:)?c\b[^>]*?\br=[\"']([A-Z]{1,3})\d{1,7}[\"'][^>]*(?<!/)>")
_ROW = re.compile(rb"<(?:\w+:)?row\b[^>]*?\br=[\"'](\d{1,9})[\"'][^>]*(?<!/)>")
_ERROR_CELL = re.compile(rb"<(?:\w+:)?c\b[^>]*?\bt=[\"']e[\"']")
_NO_RESULT = re.compile(rb"</(?:\w+:)?f>(?:<(?:\w+:)?v>\s*</(?:\w+:)?v>|<(?:\w+:)?v\s*/>)?\s*</(?:\w+:)?c>")
_WORKSHEET = re.compile(r"xl/worksheets/[^/]+\.xml")
_ODS = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet of a workbook as text.

    Parameters
    ----------
    name : str
        Its name.
    cells : list of list of str
        Rows from the first of the sheet on, all of one length; a cell that was merged downwards has its text in
        every row.
    merged : list of (int, int, int, int)
        First row, first column, last row, last column of each merged range.
    """

    name: str
    cells: list[list[str]]
    merged: list[tuple[int, int, int, int]]


def read_sheets(data: bytes, name: str, *, wanted: str | int = "", max_bytes: int) -> tuple[list[Sheet], list[str]]:
    """Read the sheets of a workbook.

    Parameters
    ----------
    data : bytes
        The file.
    name : str
        Its name, for messages.
    wanted : str or int
        Name or number (from 1) of the one sheet to read; empty for all that are visible.
    max_bytes : int
        How much the file may unpack to.

    Returns
    -------
    sheets : list of Sheet
        Those with any content, in the order of the workbook.
    notes : list of str
        Cells that hold an error or a formula without a result: these are read as empty.

    Raises
    ------
    InputError
        If it is no workbook, unpacks to too much, or has no such sheet.
    """
    notes = _check_packed(data, name, max_bytes)
    book = _open(data, name)
    chosen = _choose(book, name, wanted)
    sheets = []
    for each in chosen:
        with _guarded(name):
            sheet = _sheet(book.get_sheet_by_name(each), each)
        if any(any(row) for row in sheet.cells):
            sheets.append(sheet)
    return sheets, notes


def read_parquet_cells(data: bytes, name: str) -> tuple[pd.DataFrame, list[str]]:
    """Read a Parquet table as text.

    Parameters
    ----------
    data : bytes
        The file.
    name : str
        Its name, for messages.

    Returns
    -------
    cells : pandas.DataFrame
        Text, with the columns of the file that hold plain values.
    notes : list of str
        Columns of bytes, lists or structures (such as a geometry), which are left out.

    Raises
    ------
    InputError
        If it is no Parquet file, has too many cells, or no column of plain values.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(io.BytesIO(data))
        fields = {field.name: field.type for field in file.schema_arrow}
        other = [each for each, kind in fields.items() if pa.types.is_nested(kind) or _is_binary(kind)]
        plain = [each for each in file.schema_arrow.names if each not in other]
        _check_extent(file.metadata.num_rows, len(plain), name)
        table = file.read(columns=plain)
        columns = {each: pd.Series(map(cell_text, table[each].to_pylist()), dtype="str") for each in plain}
    except (pa.ArrowException, OSError, KeyError, UnicodeDecodeError) as error:
        said = str(error).strip().rstrip(".")
        raise InputError(f"{name} cannot be read as Parquet: {said}. Save it again, or use CSV.") from error
    if not plain:
        raise InputError(f"{name} has no column of plain values: {', '.join(other) or 'none at all'}.")
    return pd.DataFrame(columns), [f"{', '.join(other)} left out: no plain values"] if other else []


def _is_binary(kind: object) -> bool:
    return str(kind).rstrip("]0123456789[").endswith("binary") or str(kind).startswith("fixed_size_binary")


def cell_text(value: object) -> str:
    """Write a cell as a planner sees it: a workbook stores 440300 as 440300.0, the text has no ".0".

    Parameters
    ----------
    value : object
        A cell.

    Returns
    -------
    str
        Its text; empty for a missing one.
    """
    if isinstance(value, float):
        return "" if value != value else repr(int(value)) if value.is_integer() else repr(value)
    return "" if value is None else str(value)


def _open(data: bytes, name: str) -> CalamineWorkbook:
    from python_calamine import CalamineWorkbook

    with _guarded(name):
        return CalamineWorkbook.from_filelike(io.BytesIO(data))


@contextmanager
def _guarded(name: str) -> Iterator[None]:
    """Put what the readers raise, each with types of its own for a broken file, into a message of ours."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{name} cannot be read as a workbook: {error}. Save it again from Excel.") from error


def _choose(book: CalamineWorkbook, name: str, wanted: str | int) -> list[str]:
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    kept = [each for each in book.sheets_metadata if each.typ == SheetTypeEnum.WorkSheet]
    names = [each.name for each in kept]
    if wanted == "":
        visible = [each.name for each in kept if each.visible == SheetVisibleEnum.Visible]
        return visible or names
    if isinstance(wanted, int) and 1 <= wanted <= len(names):
        return [names[wanted - 1]]
    if wanted in names:
        return [str(wanted)]
    raise InputError(
        f"{name} has no sheet {wanted!r}; it has {', '.join(map(repr, names)) or 'none'}. Mend sheet under "
        f"[tables.{name.rpartition('.')[0]}] in geo-cdei.toml."
    )


def _sheet(found: CalamineSheet, name: str) -> Sheet:
    cells = [[cell_text(value) for value in row] for row in found.to_python(skip_empty_area=False)]
    merged = [(*first, *last) for first, last in found.merged_cell_ranges or []]
    for top, left, bottom, right in merged:
        if left == right and top < len(cells) and left < len(cells[top]):
            for row in cells[top + 1 : bottom + 1]:
                row[left] = cells[top][left]
    return Sheet(name, cells, merged)


def _check_packed(data: bytes, name: str, max_bytes: int) -> list[str]:
    """Refuse what would fill the memory, and count what the reader passes over in silence."""
    stream = io.BytesIO(data)
    if not zipfile.is_zipfile(stream):
        return []  # XLS: at most 65,536 rows and 256 columns
    with _guarded(name), zipfile.ZipFile(stream) as archive:
        unpacked = sum(part.file_size for part in archive.infolist())
        if unpacked > max_bytes:
            raise InputError(f"{name} unpacks to {unpacked:,} bytes; a table may have {max_bytes:,}.")
        parts = archive.namelist()
        if "content.xml" in parts:
            _check_ods(archive, name)
        scanned = [_scan_sheet(archive, part, name) for part in parts if _WORKSHEET.fullmatch(part)]
    errors, unknown = (sum(counts) for counts in zip((0, 0), *scanned, strict=True))
    said = [
        (errors, "hold an error such as #DIV/0! and are read as empty"),
        (unknown, "hold a formula without a result and are read as empty; open and save the file in Excel first"),
    ]
    return [f"{count} cell{'s' if count > 1 else ''} {text}" for count, text in said if count]


def _scan_sheet(archive: zipfile.ZipFile, part: str, name: str) -> tuple[int, int]:
    """Cells with an error and formulas without a result; raises where the sheet is too large."""
    text = archive.read(part)
    columns = {found[1] for found in _FILLED_CELL.finditer(text)}
    rows = max((int(found[1]) for found in _ROW.finditer(text)), default=0)
    _check_extent(rows, max(map(_column_number, columns), default=0), name)
    return len(_ERROR_CELL.findall(text)), len(_NO_RESULT.findall(text))


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _check_ods(archive: zipfile.ZipFile, name: str) -> None:
    """Count the cells of each sheet of an OpenDocument file, where one row can stand for a million."""
    rows = width = 0
    for _, element in ElementTree.iterparse(io.BytesIO(archive.read("content.xml"))):
        if element.tag == f"{_ODS}table-row":
            filled = _filled_width(element)
            rows += int(element.get(f"{_ODS}number-rows-repeated", 1)) if filled else 1
            width = max(width, filled)
            element.clear()
        elif element.tag == f"{_ODS}table":
            _check_extent(rows, width, name)
            rows = width = 0


def _filled_width(row: ElementTree.Element) -> int:
    at = last = 0
    for cell in row:
        at += int(cell.get(f"{_ODS}number-columns-repeated", 1))
        last = at if len(cell) else last
    return last


def _check_extent(rows: int, columns: int, name: str) -> None:
    if rows * columns > MAX_CELLS:
        raise InputError(
            f"{name} has a sheet of {rows:,} rows and {columns:,} columns; a table may have {MAX_CELLS:,} cells. "
            "Delete what stands far outside the table."
        )
