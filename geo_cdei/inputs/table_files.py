"""A file of any kind as a table of text: encoding, sheet and header found, or taken from the settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from geo_cdei._cells import uncell
from geo_cdei.config import TableLayout
from geo_cdei.errors import InputError
from geo_cdei.inputs import delimited, headers, workbooks
from geo_cdei.inputs import schema as _schema

__all__ = ["MAX_BYTES", "read_text_table", "readable"]

LONGEST = 32_767  # characters of a cell
MAX_BYTES = 200_000_000  # a table of cities is small: a larger file is a mistake or an attack


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn what the operating system refuses into a message; Excel locks what it has open."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{path.name} cannot be read ({error.strerror or error}). Close it in Excel or any other program."
        ) from error


def read_text_table(
    path: Path, *, layout: TableLayout | None = None, schema: Mapping[str, Any] | None = None
) -> pd.DataFrame:
    """Read every cell of a table as text; ``attrs`` says the path, the encoding and what was found.

    Parameters
    ----------
    path : pathlib.Path
        CSV, TSV, TXT, XLSX, XLS, ODS or Parquet.
    layout : TableLayout, optional
        Sheet, header row and encoding; what it leaves open is found.
    schema : mapping, optional
        A Frictionless table schema; its headers tell the header row from a title.

    Returns
    -------
    pandas.DataFrame
        Text cells, empty where the file has nothing; row 0 is line 2 of the file.

    Raises
    ------
    InputError
        If the file cannot be read as a table.
    """
    layout, known = layout or TableLayout(), headers.known_headers(schema or {"fields": []})
    with readable(path):
        data = path.read_bytes() if path.stat().st_size <= MAX_BYTES else None
    if data is None:
        raise InputError(f"{path.name} has {path.stat().st_size:,} bytes; a table may have {MAX_BYTES:,}.")
    found: dict[str, Any] = {}
    notes: list[str] = []
    if path.suffix.lower() == ".parquet":
        frame, notes = workbooks.read_parquet_cells(data, path.name)
        encoding = "parquet"
    elif path.suffix.lower() in {".xlsx", ".xls", ".ods"}:
        frame, found, notes = _from_workbook(data, path.name, layout, known)
        encoding = "workbook"
    else:
        frame, found, encoding = _from_text(data, path, layout, known)
    doubled = frame.columns[frame.columns.duplicated()].unique().tolist()
    if doubled:
        raise InputError(f"{path.name} has the column {', '.join(map(repr, doubled))} twice. Rename or delete one.")
    for column in frame:
        longest = frame[column].str.len().max()
        if longest > LONGEST:  # what Excel can hold
            raise InputError(f"{path.name} has a cell of {longest:,} characters; {LONGEST:,} are possible.")
        if frame[column].str.startswith("'").any():  # what was written so that no spreadsheet computes it
            frame[column] = frame[column].map(uncell)
    frame, below = headers.cut_notes(frame)
    if below:
        shown = below[0] if len(below[0]) <= 60 else f"{below[0][:60]}…"
        notes.append(f"{len(below)} line{'s' if len(below) > 1 else ''} below the table left out: {shown}")
    frame.attrs = {"path": str(path), "encoding": encoding, "found": found, "notes": notes}
    return frame


def _from_text(
    data: bytes, path: Path, layout: TableLayout, known: Mapping[str, str]
) -> tuple[pd.DataFrame, dict[str, Any], str]:
    encoding = delimited.find_encoding(data, path.name) if layout.encoding == "auto" else layout.encoding
    try:
        cells, header = delimited.read_delimited(
            data, path.name, encoding=encoding, tabs=path.suffix.lower() == ".tsv",
            find_header=lambda rows: _header_row(rows, layout, known, path.name),
        )  # fmt: skip
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path.name} is not {encoding} (byte {error.start}). Mend encoding under [tables.{path.stem}]."
        ) from error
    found = {"header_row": header + 1} if header and layout.header_row is None else {}
    said = "utf-8" if encoding == "utf-8-sig" else encoding
    return _under_header(cells, path.name, above=header), found, said


def _from_workbook(
    data: bytes, name: str, layout: TableLayout, known: Mapping[str, str]
) -> tuple[pd.DataFrame, dict[str, Any], list[str]]:
    sheets, notes = workbooks.read_sheets(data, name, wanted=layout.sheet, max_bytes=MAX_BYTES)
    if not sheets:
        raise InputError(f"{name} is empty. It needs a row of headers and a row for each city.")
    asked = layout.columns.values()
    best = max(sheets, key=lambda sheet: headers.count_known(sheet.cells, known, list(asked)))
    header = _header_row(best.cells[: delimited.PREVIEW], layout, known, name)
    labels, depth = headers.stacked_labels(best.cells, best.merged, header)
    cells = pd.DataFrame([labels, *best.cells[header + depth :]], dtype="str").fillna("")
    found: dict[str, Any] = {"header_row": header + 1} if header and layout.header_row is None else {}
    if len(sheets) > 1 and layout.sheet == "":
        found |= {"sheet": best.name, "sheets": len(sheets)}
    return _under_header(cells, name, above=header + depth - 1), found, notes


def _header_row(rows: list[list[str]], layout: TableLayout, known: Mapping[str, str], name: str) -> int:
    if layout.header_row is None:
        return headers.find_header_row(rows, known, list(layout.columns.values()))
    if layout.header_row > len(rows):
        raise InputError(
            f"{name} has no row {layout.header_row} among its first {len(rows)}; mend header_row under [tables]."
        )
    return layout.header_row - 1


def _under_header(cells: pd.DataFrame, name: str, *, above: int) -> pd.DataFrame:
    """Take the first row as the header, and drop blank rows and nameless blank columns; keep the line numbers."""
    titles = [uncell(_schema.normal_text(header)) for header in cells.iloc[0]]
    body = cells.iloc[1:].set_axis(pd.RangeIndex(above, above + len(cells) - 1))
    used = (body != "").any(axis=0).to_numpy() | np.array([bool(title) for title in titles])
    frame: pd.DataFrame = body.loc[(body != "").any(axis=1), used]
    kept = [title for title, keep in zip(titles, used, strict=True) if keep]
    if "" in kept:
        raise InputError(f"{name} has cells in column {titles.index('') + 1}, which has no header. Give it one.")
    frame.columns = pd.Index(kept)
    return frame
