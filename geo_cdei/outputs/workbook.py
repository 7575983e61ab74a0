"""``report.xlsx``: every table of a run on a sheet of its own, with titles and units for a reader."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from geo_cdei.errors import OutputError
from geo_cdei.outputs._escape import cell
from geo_cdei.outputs.catalogue import ColumnTitle, column_title, read_phrases, table_title
from geo_cdei.outputs.manifest import made_by
from geo_cdei.outputs.tables import save_workbook
from geo_cdei.results import Analysis

if TYPE_CHECKING:
    from openpyxl import Workbook

__all__ = ["write_workbook"]

MOST_COLUMNS, LONGEST = 16_384, 32_767  # what one sheet and one cell can hold
HEADER_ROWS = 2
FOR_PROGRAMS = 20_000  # rows beyond which a table is for programs: the contents name its file
LINE = 15.0  # points
YES_NO = '"TRUE";"TRUE";"FALSE"'  # some programs show 1 and 0 without it
LONGEST_NAME = 31
NARROW, WIDE = 8.0, 44.0
_LOOKED_AT = 200  # cells that decide the width of a column
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NO_SHEET_NAME = re.compile(r"[\[\]:*?/\\']")


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A table with the name of its sheet."""

    name: str
    table: str
    frame: pd.DataFrame

    @property
    def is_left_out(self) -> bool:
        return len(self.frame) > FOR_PROGRAMS


def write_workbook(analysis: Analysis, path: Path, *, lang: str, cluster: str | None = None) -> None:
    """Write every table of a run into one workbook, byte-equal from equal input.

    Parameters
    ----------
    analysis : Analysis
        The run.
    path : pathlib.Path
        The ``.xlsx`` file.
    lang : {"zh", "en"}
        Language of titles and notes; names of columns and values stay as the tables have them.
    cluster : str, optional
        Id of a cluster: only its rows and those of its member cities are written.

    Raises
    ------
    OutputError
        If a table has more columns than a sheet can hold; nothing is written then.

    Notes
    -----
    Sheets: contents with links, notes (source, method, date, seed, settings, notices), then the tables. A table of
    more than 20,000 rows stands in the contents with the name of its CSV file, and has no sheet. Row 1 has
    titles with units, row 2 the names of the columns. Numbers are written with 16 digits. A text that a
    spreadsheet would compute gets a leading apostrophe (:func:`geo_cdei.outputs._escape.cell`); a text longer than
    a cell can hold is cut and says so.
    """
    from openpyxl import Workbook

    tables = analysis.tables if cluster is None else _of_cluster(analysis, cluster)
    sheets = _named_sheets(tables, lang)
    book = Workbook(write_only=True)
    _write_contents(book, sheets, lang)
    _write_lines(book, _say("notes", lang), list(_notes(analysis, lang, cluster)), widths=(34, 110))
    for sheet in sheets:
        if not sheet.is_left_out:
            _write_table(book, sheet, lang)
    save_workbook(book, path)


def _of_cluster(analysis: Analysis, cluster: str) -> dict[str, pd.DataFrame]:
    """Rows of every table that are of a cluster or of its member cities; tables without any are left out."""
    members = analysis.members
    codes = {cluster, *members.loc[members["cluster_id"] == cluster, "adcode"]}
    found = {}
    for name, frame in analysis.tables.items():
        whole = _with_index(frame)
        keys = next((k for k in (["cluster_id"], ["adcode"], ["origin", "destination"]) if set(k) <= set(whole)), [])
        kept = whole[whole[keys].isin(codes).any(axis=1)] if keys else whole.iloc[:0]
        if len(kept):
            found[name] = kept
    return found


def _with_index(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.reset_index() if frame.index.name else frame


def _named_sheets(tables: Mapping[str, pd.DataFrame], lang: str) -> list[_Sheet]:
    """Give every table a sheet's name that no other sheet has; refuse a table that is too wide for one."""
    taken = {_say("contents", lang).lower(), _say("notes", lang).lower()}
    sheets = []
    for table, frame in tables.items():
        whole = _with_index(frame)
        if whole.shape[1] > MOST_COLUMNS:
            raise OutputError(
                f"the table {table} has {whole.shape[1]} columns; a sheet holds {MOST_COLUMNS}. Use "
                f"data/derived/{table}.csv or the GeoPackage."
            )
        name = _sheet_name(table_title(table, lang).title, taken)
        taken.add(name.lower())
        sheets.append(_Sheet(name, table, whole))
    return sheets


def _sheet_name(wanted: str, taken: set[str]) -> str:
    """Make a name that spreadsheets take: no forbidden sign, at most 31 characters, unique in any case."""
    plain = _NO_SHEET_NAME.sub("_", _UNWRITABLE.sub("_", wanted))[:LONGEST_NAME].strip() or "_"
    name, number = plain, 2
    while name.lower() in taken or name.lower() == "history":
        suffix = f" {number}"
        name, number = plain[: LONGEST_NAME - len(suffix)] + suffix, number + 1
    return name


def _write_contents(book: Workbook, sheets: list[_Sheet], lang: str) -> None:
    from openpyxl.styles import Alignment
    from openpyxl.worksheet.hyperlink import Hyperlink

    page = book.create_sheet(_say("contents", lang))
    _lay_out(page, (32, 26, 10, 90))
    page.freeze_panes = "A2"
    page.append(_styled(page, [_say(key, lang) for key in ("sheet", "table", "rows", "says")], bold=True))
    for row, sheet in enumerate(sheets, start=2):
        says = table_title(sheet.table, lang).says
        if sheet.is_left_out:
            says = _say("left_out", lang).format(table=sheet.table) + says
        cells = _styled(page, [sheet.name, sheet.table, len(sheet.frame), says])
        if not sheet.is_left_out:
            cells[0].hyperlink = Hyperlink(ref=f"A{row}", location=f"'{sheet.name}'!A1")
            cells[0].style = "Hyperlink"
        cells[3].alignment = Alignment(horizontal="left", vertical="top", indent=1)
        page.append(cells)


def _write_lines(book: Workbook, name: str, lines: list[tuple[str, Any]], *, widths: tuple[int, int]) -> None:
    """Write pairs of a label and a value under each other; a label alone is a heading."""
    from openpyxl.styles import Alignment

    page = book.create_sheet(name)
    _lay_out(page, widths)
    for row, (label, value) in enumerate(lines, start=1):
        cells = _styled(page, [label, value], bold=value is None)
        cells[1].alignment = Alignment(wrap_text=True, vertical="top", horizontal="left")
        lines_needed = math.ceil(
            max(_breadth(str(value or "")) / (widths[1] - 6), _breadth(label) / (widths[0] - 2), 1)
        )
        page.row_dimensions[row].height = LINE * lines_needed  # not every program fits it by itself
        page.append(cells)


def _notes(analysis: Analysis, lang: str, cluster: str | None) -> Iterator[tuple[str, Any]]:
    """Say where the numbers come from and how they were made."""
    study, chinese = analysis.settings.study, lang == "zh"
    yield _say("title", lang), study.title if chinese else study.title_en
    if cluster is not None:
        yield (
            _say("one_cluster", lang),
            f"{cluster} {analysis.clusters.at[cluster, 'cluster' if chinese else 'cluster_en']}",
        )
    yield _say("edition", lang), study.edition
    yield _say("date", lang), study.date.isoformat()
    yield _say("source", lang), study.source if chinese else study.source_en
    yield _say("seed", lang), analysis.settings.inference.seed
    yield _say("weights", lang), analysis.weights
    yield _say("graph", lang), analysis.base_graph
    yield _say("made_by", lang), made_by()
    yield _say("manifest", lang), _say("manifest_value", lang)
    yield _say("reading", lang), None
    for key in ("reading_header", "reading_text", "reading_sketch"):
        yield "", _say(key, lang)
    yield _say("method", lang), None
    for table in analysis.tables:
        if f"method_{table}" in _phrases():
            yield "", _say(f"method_{table}", lang)
    yield _say("settings", lang), None
    for section, values in analysis.settings.model_dump(mode="json").items():
        for key, value in values.items() if isinstance(values, dict) else ():
            yield f"{section}.{key}", str(value)
    yield _say("notices", lang), None
    for notice in analysis.notices:
        yield notice.step, notice.message


def _write_table(book: Workbook, sheet: _Sheet, lang: str) -> None:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.utils import get_column_letter

    page, frame = book.create_sheet(sheet.name), sheet.frame
    names = [str(name) for name in frame.columns]
    titles = [column_title(sheet.table, name, lang) for name in names]
    columns = [_values(column, sheet.table) for _, column in frame.items()]
    _lay_out(page, [_width(*each) for each in zip(titles, names, columns, strict=True)])
    page.freeze_panes = f"B{HEADER_ROWS + 1}"
    page.auto_filter.ref = f"A{HEADER_ROWS}:{get_column_letter(max(len(names), 1))}{len(frame) + HEADER_ROWS}"
    page.print_title_rows = f"1:{HEADER_ROWS}"
    page.row_dimensions[1].height = 48
    heads = (_styled(page, [title.header for title in titles], bold=True), _styled(page, names, small=True))
    cells = [WriteOnlyCell(page) for _ in names]
    for number, (title, (_, column)) in enumerate(zip(titles, frame.items(), strict=True)):
        cells[number].number_format = _format(title, column)
        _align((heads[0][number], heads[1][number], cells[number]), column)
    for head in heads:
        page.append(head)
    for row in zip(*columns, strict=True):
        # written at once, so that the same cells serve the next row; what is missing needs none
        page.append([None if value is None else _filled(each, value) for each, value in zip(cells, row, strict=True)])


def _align(cells: Iterable[Any], column: pd.Series[Any]) -> None:
    """Put numbers with their titles to the right, and texts a little away from the numbers before them."""
    from openpyxl.styles import Alignment

    numeric = pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype)
    for each in cells:
        wrap = bool(each.font.bold)
        each.alignment = Alignment(
            horizontal="right" if numeric else "left", vertical="top", wrap_text=wrap, indent=0 if numeric else 1
        )


def _values(column: pd.Series[Any], table: str) -> list[Any]:
    """Plain values of a column, in which missing is None and no text can become a formula."""
    if isinstance(column.dtype, pd.StringDtype):  # a text that comes often is looked at once
        texts = {value: _text(value, table) for value in column.dropna().unique()}
        return [texts.get(value) for value in column.tolist()]
    plain: list[Any] = column.astype(object).where(column.notna(), None).tolist()
    if pd.api.types.is_numeric_dtype(column.dtype):  # booleans too
        return [str(value) if value in _INFINITE else value for value in plain]
    return [value if value is None or isinstance(value, bool | int) else _text(value, table) for value in plain]


_INFINITE = (float("inf"), float("-inf"))


def _text(value: object, table: str) -> str:
    said = str(cell(_UNWRITABLE.sub("\ufffd", str(value))))
    if len(said) <= LONGEST:
        return said
    more = f" … (data/derived/{table}.csv)"
    return said[: LONGEST - len(more)] + more


def _filled(each: Any, value: Any) -> Any:
    each.value = value
    if isinstance(value, str):
        each.data_type = "s"  # a text stays a text, whatever it looks like
    return each


def _format(title: ColumnTitle, column: pd.Series[Any]) -> str:
    """Give the number format of a column: that of its unit, without decimals where its numbers are whole."""
    if title.kind == "yesno":
        return YES_NO
    if not pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype):
        return "@" if title.kind in ("text", "code") else "General"
    if pd.api.types.is_integer_dtype(column.dtype) and "." in title.number_format:
        return title.number_format.partition(".")[0]
    return title.number_format if title.number_format != "@" else "General"


def _styled(page: Any, values: Iterable[Any], *, bold: bool = False, small: bool = False) -> list[Any]:
    """Make the cells of a header or of a note."""
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Alignment, Font, PatternFill

    cells = []
    for value in values:
        each = WriteOnlyCell(page)
        _filled(each, _text(value, "") if isinstance(value, str) else value)
        each.alignment = Alignment(vertical="top", wrap_text=bold)
        if bold:
            each.font, each.fill = Font(name="Calibri", bold=True), PatternFill("solid", fgColor="DDE7F0")
        elif small:
            each.font = Font(name="Calibri", size=9, color="5F6B76")
        cells.append(each)
    return cells


def _lay_out(page: Any, widths: Iterable[float]) -> None:
    """Set the widths of the columns, and a printed page that is as wide as the sheet."""
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.properties import PageSetupProperties

    page.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    page.page_setup.orientation, page.page_setup.paperSize = "landscape", 9  # A4
    page.page_setup.fitToWidth, page.page_setup.fitToHeight = 1, 0

    for number, width in enumerate(widths, start=1):
        page.column_dimensions[get_column_letter(number)].width = width


def _width(title: ColumnTitle, name: str, values: list[Any]) -> float:
    """Give a width in characters: the name and the values on one line, the title on up to three."""
    shown = max((_breadth(_shown(value, title)) for value in values[:_LOOKED_AT]), default=0)
    longest = max(map(_breadth, title.header.split())) if title.header.isascii() else 0
    return min(max(NARROW, _breadth(name) + 4, shown + 3, longest + 4, _breadth(title.header) / 2 + 4), WIDE)


def _shown(value: Any, title: ColumnTitle) -> str:
    if isinstance(value, float):
        decimals = len(title.number_format.partition(".")[2])
        return f"{value:,.{decimals}f}"
    return "" if value is None else str(value)


def _breadth(text: str) -> float:
    return sum(2 if ord(character) > 0x2E7F else 1 for character in text)


@cache
def _phrases() -> dict[str, dict[str, str]]:
    return {row["key"]: row for row in read_phrases("workbook.csv")}


def _say(key: str, lang: str) -> str:
    return _phrases()[key][lang]
