"""Numbers read from the tables of a run, each with its trace."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pandas as pd

from geo_cdei.errors import OutputError
from geo_cdei.outputs.report.document import Number
from geo_cdei.outputs.report.verdicts import RULES, SMALLEST_P
from geo_cdei.outputs.statements import share_text
from geo_cdei.results import Analysis

__all__ = ["MISSING", "Numbers"]

#: Printed where a table has no value; never zero.
MISSING = "–"

Row = str | Mapping[str, Any]


class Numbers:
    """The tables of a run as one asks for single numbers of them.

    Parameters
    ----------
    analysis : Analysis
        The run.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> table = pd.DataFrame({"score": [74.7771]}, index=pd.Index(["C01"], name="cluster_id"))
    >>> numbers = Numbers(SimpleNamespace(tables={"clusters": table}, settings=None))
    >>> numbers.value("clusters", "C01", "score", 1)
    Number(value=74.7771, text='74.8', table='clusters', row='cluster_id=C01', column='score')
    """

    def __init__(self, analysis: Analysis) -> None:
        self._frames = analysis.tables
        self._settings = analysis.settings
        self._columns: dict[tuple[str, str], list[Any]] = {}
        self._rows: dict[tuple[str, tuple[str, ...]], dict[tuple[str, ...], list[int]]] = {}

    def has(self, table: str) -> bool:
        """Whether the run made a table, with anything in it."""
        return table in self._frames and not self._frames[table].empty

    def raw(self, table: str, row: Row, column: str) -> Any:
        """Give the cell itself, a text or a number."""
        return self._column(table, column)[self._only(table, self._key(table, row))]

    def text(self, table: str, row: Row, column: str) -> str:
        """Give a cell as text; empty where it is missing."""
        found = self.raw(table, row, column)
        return "" if pd.isna(found) else str(found)

    def value(self, table: str, row: Row, column: str, digits: int = 0) -> Number:
        """Give a number with so many decimals."""
        return self._number(table, row, column, lambda value: f"{value + 0.0:,.{digits}f}")

    def percent(self, table: str, row: Row, column: str, digits: int = 0) -> Number:
        """Give a share as percent; what is not zero is never printed as zero."""
        write = share_text if digits == 0 else lambda value: _fine_share(value, digits)
        return self._number(table, row, column, write)

    def p(self, table: str, row: Row, column: str) -> Number:
        """Give a p-value with three decimals, and the smallest ones as below a thousandth."""
        return self._number(table, row, column, lambda p: f"<{SMALLEST_P}" if p < SMALLEST_P else f"{p:.3f}")

    def count(self, table: str, **where: Any) -> Number:
        """Count the rows of a table with these values."""
        key = {name: _plain(value) for name, value in where.items()}
        found = self._positions(table, key) if where else range(len(self._frames[table]))
        return Number(float(len(found)), f"{len(found):,}", table, urlencode(key), "#")

    def distinct(self, table: str, column: str, **where: Any) -> Number:
        """Count the different values of a column in the rows with these values."""
        key = {name: _plain(value) for name, value in where.items()}
        values = self._column(table, column)
        found = {_plain(values[at]) for at in (self._positions(table, key) if where else range(len(values)))}
        return Number(float(len(found)), f"{len(found):,}", table, urlencode(key), f"distinct({column})")

    def rank(self, table: str, row: Row, column: str) -> Number:
        """Give the place of a row in a column, the greatest value first; equal values share the better place."""
        key, values = self._key(table, row), self._column(table, column)
        own = float(values[self._only(table, key)])
        place = math.nan if math.isnan(own) else 1.0 + sum(value > own for value in values)
        written = MISSING if math.isnan(place) else f"{place:.0f}"
        return Number(place, written, table, urlencode(key), f"rank({column})")

    def setting(self, path: str, digits: int | None = None) -> Number:
        """Give a number of the settings, such as ``"graph.k"``."""
        found: Any = self._settings
        for name in path.split("."):
            found = getattr(found, name)
        section, _, key = path.rpartition(".")
        written = f"{found:g}" if digits is None and isinstance(found, float) else f"{found:,.{digits or 0}f}"
        written = str(found) if path.endswith("seed") else written
        return Number(float(found), written, "settings", section, key)

    def rule(self, name: str) -> Number:
        """Give a number of the rules by which the report speaks."""
        return Number(RULES[name], f"{RULES[name]:g}", "rules", "", name)

    def _number(self, table: str, row: Row, column: str, write: Any) -> Number:
        key = self._key(table, row)
        value = self._column(table, column)[self._only(table, key)]
        missing = value is None or pd.isna(value)
        number = math.nan if missing else float(value)
        return Number(number, MISSING if missing else write(number), table, urlencode(key), column)

    def _key(self, table: str, row: Row) -> dict[str, str]:
        if isinstance(row, str):
            return {str(self._frames[table].index.name): row}
        return {name: _plain(value) for name, value in row.items()}

    def _column(self, table: str, column: str) -> list[Any]:
        if (table, column) not in self._columns:
            frame = self._frames[table]
            values = frame.index if column == frame.index.name else frame[column]
            self._columns[table, column] = values.tolist()
        return self._columns[table, column]

    def _positions(self, table: str, key: Mapping[str, str]) -> list[int]:
        names = tuple(key)
        if (table, names) not in self._rows:
            found: dict[tuple[str, ...], list[int]] = {}
            for at, cells in enumerate(zip(*(self._column(table, name) for name in names), strict=True)):
                found.setdefault(tuple(map(_plain, cells)), []).append(at)
            self._rows[table, names] = found
        return self._rows[table, names].get(tuple(key.values()), [])

    def _only(self, table: str, key: Mapping[str, str]) -> int:
        found = self._positions(table, key)
        if len(found) != 1:
            raise OutputError(
                f"the report asks {table} for one row with {dict(key)} and finds {len(found)}. "
                "The tables of a report come from one run; run the study again."
            )
        return found[0]


def _fine_share(value: float, digits: int) -> str:
    """Write a share with decimals; a small one above zero as below the last of them."""
    least = 10.0**-digits
    return f"<{least:.{digits}f}%" if 0 < value * 100 < least / 2 else f"{value + 0.0:.{digits}%}"


def _plain(value: Any) -> str:
    """Write a key as the trace has it: empty for a missing one, numbers without a needless decimal."""
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)
