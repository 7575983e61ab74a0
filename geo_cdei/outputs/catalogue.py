"""What tables and columns are called, in Chinese and in English, with their units: read from ``phrases/``."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources

__all__ = ["ColumnTitle", "TableTitle", "column_title", "read_phrases", "table_title"]


@dataclass(frozen=True, slots=True)
class ColumnTitle:
    """A column for a reader.

    Parameters
    ----------
    title : str
        In the language asked for; the column's own name where the catalogue does not have it.
    unit : str
        Empty where there is none.
    kind : str
        Key of the unit in ``phrases/units.csv``: text, code, number, points, km ...; empty if not known.
    number_format : str
        Of a spreadsheet's cell.
    header : str
        The title with its unit behind it.
    """

    title: str
    unit: str
    kind: str
    number_format: str
    header: str


@dataclass(frozen=True, slots=True)
class TableTitle:
    """A table for a reader.

    Parameters
    ----------
    title : str
        At most 31 characters, as the name of a sheet.
    says : str
        One line on what it holds; empty where the catalogue does not have it.
    """

    title: str
    says: str


def column_title(table: str, column: str, lang: str) -> ColumnTitle:
    """Name a column of a table for a reader.

    Parameters
    ----------
    table, column : str
        Their ASCII names; a column may mean another thing in another table.
    lang : {"zh", "en"}
        Language.

    Returns
    -------
    ColumnTitle
        Title, unit and number format.

    Examples
    --------
    >>> column_title("clusters", "score", "en").header, column_title("pole_ranks", "2", "zh").header
    ('Score (points)', '居第 2 位的概率（0–1）')
    """
    row, part = _find(table, column)
    if row is None:
        return ColumnTitle(column, "", "", "General", column)
    inner = _find("", part)[0] if part else None
    title = row[lang].format(inner[lang] if inner else part)
    unit = _units()[row["unit"]]
    said = unit[lang] and ("（{}）" if lang == "zh" else " ({})").format(unit[lang])
    return ColumnTitle(title, unit[lang], row["unit"], unit["format"], title + said)


def _find(table: str, column: str) -> tuple[dict[str, str] | None, str]:
    """Find the row of a column, first of this table, then of any; and what the star of a pattern stands for."""
    for owner in (f"{table}.", ""):
        if owner + column in _columns():
            return _columns()[owner + column], ""
        for head, tail, row in _patterns().get(owner, ()):
            if column.startswith(head) and column.endswith(tail):
                return row, column[len(head) : len(column) - len(tail)]
    return None, ""


def table_title(table: str, lang: str) -> TableTitle:
    """Name a table or layer for a reader.

    Parameters
    ----------
    table : str
        Its ASCII name.
    lang : {"zh", "en"}
        Language.

    Returns
    -------
    TableTitle
        Title and one line; the name itself where the catalogue does not have it.

    Examples
    --------
    >>> table_title("lisa", "zh").title
    '局部 Moran'
    """
    row = _tables().get(table)
    return TableTitle(row[lang], row[f"says_{lang}"]) if row else TableTitle(table, "")


def read_phrases(name: str) -> list[dict[str, str]]:
    """Read a table of words that this package carries.

    Parameters
    ----------
    name : str
        Name of a CSV file in ``phrases/``.

    Returns
    -------
    list of dict
        One mapping of column to text per row.
    """
    source = resources.files("geo_cdei.outputs") / "phrases" / name
    return list(csv.DictReader(source.read_text(encoding="utf-8").splitlines()))


@cache
def _columns() -> dict[str, dict[str, str]]:
    return {row["column"]: row for row in read_phrases("columns.csv")}


@cache
def _patterns() -> dict[str, list[tuple[str, str, dict[str, str]]]]:
    """Group the rows with a star by their table: what stands before and behind the star."""
    found: dict[str, list[tuple[str, str, dict[str, str]]]] = {}
    for key, row in _columns().items():
        head, star, tail = key.partition("*")
        owner, dot, name = head.rpartition(".")
        if star:
            found.setdefault(owner + dot, []).append((name, tail, row))
    return found


@cache
def _tables() -> dict[str, dict[str, str]]:
    return {row["table"]: row for row in read_phrases("tables.csv")}


@cache
def _units() -> dict[str, dict[str, str]]:
    return {row["unit"]: row for row in read_phrases("units.csv")}
