"""The rows of a table as a sheet of a workbook holds them, written a column at a time.

openpyxl makes an object of every cell, which for half a million cells takes longer than all maps together. What it
writes of a cell is one short element, and that is written here; all else of a workbook is left to openpyxl.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

__all__ = ["rows_xml"]

_END = {"\r": "&#13;"}  # a reader of XML would take it for an end of line


def rows_xml(columns: Sequence[Sequence[Any]], letters: Sequence[str], styles: Sequence[int], *, first: int) -> bytes:
    r"""Write rows of cells in the markup of a sheet, as openpyxl would.

    Parameters
    ----------
    columns : sequence of sequence
        Values of each column: texts, finite numbers, booleans, and None for no cell. A text is written as it is; it
        holds no sign that XML cannot, and never becomes a formula.
    letters : sequence of str
        Name of each column, such as "A".
    styles : sequence of int
        Number of the style of each column's cells.
    first : int
        Number of the first row.

    Returns
    -------
    bytes
        One element for each row.

    Examples
    --------
    >>> rows_xml([["a<b"], [None], [1.5]], "ABC", [7, 8, 9], first=3).decode()
    '<row r="3"><c r="A3" s="7" t="inlineStr"><is><t>a&lt;b</t></is></c><c r="C3" s="9" t="n"><v>1.5</v></c></row>'
    """
    cells = [
        [
            "" if value is None else f'<c r="{letter}{row}" s="{style}" t="{_content(value)}</c>'
            for row, value in enumerate(values, first)
        ]
        for values, letter, style in zip(columns, letters, styles, strict=True)
    ]
    rows = [f'<row r="{row}">{"".join(each)}</row>' for row, each in enumerate(zip(*cells, strict=True), first)]
    return "".join(rows).encode("ascii", "xmlcharrefreplace")


def _content(value: Any) -> str:
    """Write the type of a cell and what it holds."""
    if isinstance(value, str):
        if not value:
            return 'inlineStr">'
        kept = "" if value == value.strip() else ' xml:space="preserve"'
        return f'inlineStr"><is><t{kept}>{escape(value, _END)}</t></is>'
    return f'{"b" if isinstance(value, bool) else "n"}"><v>{value:.16g}</v>'
