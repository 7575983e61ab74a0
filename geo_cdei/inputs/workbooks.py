"""XLSX, XLS, ODS and Parquet as rows of text, with what the file hides said in notes.

A few bytes can stand for a sheet of 17 billion cells, and the reader takes the memory for all of them at once;
so the extent of a sheet is read off its XML before it is opened. The reader is given none but the parts that were
looked at, packed anew: whatever else an archive says of itself does not reach it.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from xml.etree import ElementTree
from xml.parsers import expat

import pandas as pd

from geo_cdei.errors import InputError
from geo_cdei.inputs.delimited import MAX_COLUMNS
from geo_cdei.inputs.xls_extent import check_xls

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

__all__ = ["MAX_CELLS", "Sheet", "cell_text", "read_parquet_cells", "read_sheets"]

MAX_CELLS = 20_000_000
FREE_CELLS, CELLS_PER_BYTE = 1_000_000, 10  # a small file may have a million; beyond that it must have bytes for them
FREE_BYTES, MAX_RATIO = 20_000_000, 100  # the same of what an archive unpacks to
_REFERENCE = re.compile(r"([A-Za-z]{1,7})(\d{1,10})")
_ERROR_CELL = re.compile(rb"<(?:\w+:)?c\b[^>]*?\bt=[\"']e[\"']")
_NO_RESULT = re.compile(rb"</(?:\w+:)?f>(?:<(?:\w+:)?v>\s*</(?:\w+:)?v>|<(?:\w+:)?v\s*/>)?\s*</(?:\w+:)?c>")
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
    checked, notes = _checked(data, name, max_bytes)
    book = _open(checked, name)
    chosen = _choose(book, name, wanted)
    sheets = []
    for each in chosen:
        with _guarded(name):
            sheet = _sheet(book.get_sheet_by_name(each), each, name)
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
        _check_extent(file.metadata.num_rows, len(plain), name, size=len(data))
        table = file.read(columns=plain)
        columns = {each: pd.Series(map(cell_text, table[each].to_pylist()), dtype="str") for each in plain}
    except InputError:
        raise
    except Exception as error:  # each part of a damaged file is told by another type
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
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":  # what Rust panics with
            raise
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


def _sheet(found: CalamineSheet, name: str, file: str) -> Sheet:
    cells = [[cell_text(value) for value in row] for row in found.to_python(skip_empty_area=False)]
    merged = [(*first, *last) for first, last in found.merged_cell_ranges or []]
    if sum(min(bottom, len(cells)) - top for top, _, bottom, _ in merged) > sum(map(len, cells)) + len(merged):
        raise InputError(f"{file} has merged ranges that overlap. Undo them in Excel.")
    for top, left, bottom, right in merged:
        if left == right and top < len(cells) and left < len(cells[top]):
            for row in cells[top + 1 : bottom + 1]:
                row[left] = cells[top][left]
    return Sheet(name, cells, merged)


def _checked(data: bytes, name: str, max_bytes: int) -> tuple[bytes, list[str]]:
    """Refuse what would fill the memory, count what the reader passes over in silence, and pack what is sound."""
    stream, packed = io.BytesIO(data), io.BytesIO()
    if not zipfile.is_zipfile(stream):
        check_xls(data, name, check=partial(_check_extent, size=len(data)))
        return data, []
    counts = [(0, 0)]
    with _guarded(name), zipfile.ZipFile(stream) as archive, zipfile.ZipFile(packed, "w") as clean:
        for part in _sound_parts(archive, name, min(max_bytes, FREE_BYTES + MAX_RATIO * len(data))):
            text = archive.read(part)  # what unpacks to more than it declares ends with its checksum
            if b"<!DOCTYPE" in text or b"<!ENTITY" in text or b"\x00" in text:
                raise InputError(f"{name} declares entities, or is not UTF-8, in {part}. Save it again from Excel.")
            if part == "content.xml":
                _check_ods(text, name, size=len(data))
            if b"sheetData" in text:
                counts.append(_scan_sheet(text, name, size=len(data)))
            clean.writestr(part, text)
    errors, unknown = map(sum, zip(*counts, strict=True))
    said = [
        (errors, "hold an error such as #DIV/0! and are read as empty"),
        (unknown, "hold a formula without a result and are read as empty; open and save the file in Excel first"),
    ]
    return packed.getvalue(), [f"{count} cell{'s' if count > 1 else ''} {text}" for count, text in said if count]


def _sound_parts(archive: zipfile.ZipFile, name: str, limit: int) -> list[str]:
    """Names of the parts that make a workbook: no pictures, no macros, nothing binary."""
    unpacked = sum(part.file_size for part in archive.infolist())
    if unpacked > limit:
        raise InputError(f"{name} unpacks to {unpacked:,} bytes; a table may have {limit:,} (by its size).")
    parts = archive.namelist()
    if len(set(parts)) < len(parts):
        raise InputError(f"{name} has a part twice. Save it again from Excel.")
    return [part for part in parts if part == "mimetype" or part.lower().endswith((".xml", ".rels"))]


def _scan_sheet(text: bytes, name: str, *, size: int) -> tuple[int, int]:
    """Cells with an error and formulas without a result; raises where the sheet is too large."""
    extent, parser = _Extent(), expat.ParserCreate()
    parser.StartElementHandler = extent.start
    parser.Parse(text, True)
    _check_extent(extent.rows, extent.columns, name, size=size)
    return len(_ERROR_CELL.findall(text)), len(_NO_RESULT.findall(text))


class _Extent:
    """Follows the cells of a sheet as the reader does: by their reference, or one after the other."""

    def __init__(self) -> None:
        self.rows = self.columns = self._row = self._column = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        kind = tag.rpartition(":")[2]
        if kind == "row":
            self._row = int(attributes["r"]) if "r" in attributes else self._row + 1
            self._column = 0
        elif kind == "c":
            self._column += 1
            if "r" in attributes:
                letters, digits = _REFERENCE.fullmatch(attributes["r"]).groups()  # type: ignore[union-attr]
                self._column, self._row = _column_number(letters.upper().encode()), int(digits)
        elif kind in {"v", "is", "f"}:  # a cell without any of these is only formatted: no cell to the reader
            self.rows, self.columns = max(self.rows, self._row), max(self.columns, self._column)


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _check_ods(text: bytes, name: str, *, size: int) -> None:
    """Count the cells of each sheet of an OpenDocument file, where one row can stand for a million."""
    rows = gap = width = 0
    for _, element in ElementTree.iterparse(io.BytesIO(text)):
        if element.tag == f"{_ODS}table-row":
            filled, times = _filled_width(element), int(element.get(f"{_ODS}number-rows-repeated", 1))
            rows, gap = (rows + gap + times, 0) if filled else (rows, gap + times)  # a gap at the end is nothing
            width = max(width, filled)
            element.clear()
        elif element.tag == f"{_ODS}table":
            _check_extent(rows, width, name, size=size)
            rows = gap = width = 0


def _filled_width(row: ElementTree.Element) -> int:
    at = last = 0
    for cell in row:
        at += int(cell.get(f"{_ODS}number-columns-repeated", 1))
        last = at if len(cell) or any("value" in key for key in cell.keys()) else last  # noqa: SIM118
    return last


def _check_extent(rows: int, columns: int, name: str, *, size: int) -> None:
    limit = min(MAX_CELLS, FREE_CELLS + CELLS_PER_BYTE * size)
    if rows * columns > limit or columns > MAX_COLUMNS:
        raise InputError(
            f"{name} has a sheet of {rows:,} rows and {columns:,} columns; a table may have {limit:,} "
            f"cells (by the size of the file) in {MAX_COLUMNS:,} columns. Delete what stands far outside the table."
        )
