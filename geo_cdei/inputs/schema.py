"""What a table must look like, taken from its Frictionless descriptor, and every fault of it at once.

The descriptors are small and their rules few (types, ranges, lists, patterns, keys, references), so they are
checked here, on cells that are still text: that way a message can show the cell as the planner typed it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from geo_cdei.errors import SchemaError

__all__ = ["Fault", "check", "find_faults", "read_cells"]

MISSING = {
    "",
    "-",
    "--",
    "—",
    "——",
    "–",
    "―",
    "─",
    "...",
    "......",
    "na",
    "n/a",
    "nan",
    "null",
    "none",
    "#n/a",
    "缺",
    "无",
    "/",
    "暂无",
    "暂缺",
    "缺失",
    "未公布",
    "不详",
}
_NUMBER = re.compile(r"^[+-]?(\d{1,3}(,\d{3})+|\d+)?(\.\d+)?([eE][+-]?\d+)?$")
SHOWN, LONGEST = 20, 200  # faults in a message; characters of a cell in it
PERCENT_CURE = ', or say percent = "points" or "share" under [tables] in geo-cdei.toml'


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with one table.

    Parameters
    ----------
    table, row, column, value, problem : str
        Where it is (``row`` is the line of the file, the header being line 1), what stands there, and why
        that cannot be.
    """

    table: str
    row: str
    column: str
    value: str
    problem: str

    def __str__(self) -> str:
        """One line: place, cell, problem."""
        place = " ".join(part for part in (f"line {self.row}" if self.row else "", self.column) if part)
        given = self.value if len(self.value) <= LONGEST else f"{self.value[:LONGEST]}…"
        value = f" {given!r}" if self.value else ""
        return f"{self.table}: {place + ':' if place else ''}{value} {self.problem}".replace(":  ", ": ")


def check(frame: pd.DataFrame, schema: Mapping[str, Any], *, name: str) -> None:
    """Raise if a table of text cells breaks its schema.

    Parameters
    ----------
    frame : pandas.DataFrame
        Text cells with the columns named as in the schema (see :func:`read_cells` for the conversion).
    schema : mapping
        A Frictionless table schema: ``fields`` with ``name``, ``type`` and ``constraints``; ``primaryKey``.
    name : str
        Name of the table, for the message.

    Raises
    ------
    SchemaError
        One message with all faults, each with its line.

    Examples
    --------
    >>> schema = {"fields": [{"name": "score", "type": "number", "constraints": {"maximum": 100}}]}
    >>> check(pd.DataFrame({"score": ["91.6", "９５．２"]}), schema, name="scores")
    >>> check(pd.DataFrame({"score": ["916", "a"]}), schema, name="scores")
    Traceback (most recent call last):
    geo_cdei.errors.SchemaError: scores: 2 faults.
      scores: line 2 score: '916' is above the largest value allowed, 100
      scores: line 3 score: 'a' is not a number
    Mend them in the file, or leave a cell empty where nothing is known.
    """
    raise_faults(find_faults(frame, schema, name=name), name=name)


def raise_faults(faults: Iterable[Fault], *, name: str) -> None:
    """Raise one SchemaError for all of `faults`; return quietly when there are none."""
    found = list(faults)
    if not found:
        return
    lines = [f"  {fault}" for fault in found[:SHOWN]]
    if len(found) > SHOWN:
        lines.append(f"  ... and {len(found) - SHOWN} more")
    raise SchemaError(
        f"{name}: {len(found)} fault{'s' if len(found) > 1 else ''}.\n" + "\n".join(lines) + "\n"
        "Mend them in the file, or leave a cell empty where nothing is known."
    )


def find_faults(frame: pd.DataFrame, schema: Mapping[str, Any], *, name: str) -> list[Fault]:
    """List every fault of a table of text cells.

    Parameters
    ----------
    frame : pandas.DataFrame
        Text cells.
    schema : mapping
        A Frictionless table schema.
    name : str
        Name of the table.

    Returns
    -------
    list of Fault
        In the order of the columns, then of the lines; empty when the table is sound.
    """
    faults: list[Fault] = []
    for field in schema["fields"]:
        column = field["name"]
        if column not in frame.columns:
            if field.get("constraints", {}).get("required"):
                faults.append(_missing_column(field, frame, name))
        elif len(frame):
            faults += _cell_faults(frame[column], field, name)
    for column in frame.columns.difference([field["name"] for field in schema["fields"]], sort=False):
        faults += _odd_ones_out(frame[column], name)
    if len(frame) == 0:
        return [*faults, Fault(name, "", "", "", "has no rows")]
    key = _as_list(schema.get("primaryKey", []))
    if key and set(key) <= set(frame.columns):
        faults += _key_faults(frame, key, name)
    return faults


def find_dangling(frame: pd.DataFrame, column: str, allowed: Iterable[str], *, name: str) -> list[Fault]:
    """List the cells of `column` that name nothing in `allowed`; empty cells name nothing and are fine."""
    known = set(allowed)
    cells = frame[column].fillna("").astype(str).str.strip()
    bad = cells[(cells != "") & ~cells.isin(known)]
    return [
        Fault(name, _line(row), column, value, f"is not one of the {len(known)} known values")
        for row, value in bad.items()
    ]


def read_cells(frame: pd.DataFrame, schema: Mapping[str, Any]) -> pd.DataFrame:
    """Turn text cells into numbers and text, with NA where a cell says "nothing".

    Parameters
    ----------
    frame : pandas.DataFrame
        A table that :func:`check` has passed.
    schema : mapping
        Its schema. Columns that it does not name become numbers if every cell is one.

    Returns
    -------
    pandas.DataFrame
        Same rows and columns; float columns for numbers and integers (so that NA has a place), text otherwise.
    """
    types = {field["name"]: field["type"] for field in schema["fields"]}
    out = {}
    for column in frame.columns:
        kind = types.get(column, "guess")
        numbers = parse_numbers(frame[column]) if kind != "string" else None
        if numbers is not None and (kind != "guess" or _all_numbers(frame[column], numbers)):
            out[column] = numbers
        else:
            out[column] = _clean_text(frame[column])
    return pd.DataFrame(out, index=frame.index)


def parse_numbers(cells: pd.Series) -> pd.Series:
    """Read numbers as planners type them: full-width digits, thousands separators, dashes for missing.

    Parameters
    ----------
    cells : pandas.Series
        Text.

    Returns
    -------
    pandas.Series
        Float; NaN where the cell says "nothing" **or** is no number (:func:`find_faults` tells them apart).

    Examples
    --------
    >>> parse_numbers(pd.Series(["1,234", "９５．２", "—", "85%", "12,34"])).tolist()
    [1234.0, 95.2, nan, nan, nan]
    """
    plain = _is_plain(cells)
    if plain.any():  # most cells of a large table: no need to look at each by itself
        numbers = pd.to_numeric(cells.where(plain), errors="coerce").astype(float)
        numbers[~plain] = parse_numbers(cells[~plain].astype(object)).to_numpy()
        return numbers
    text = cells.map(normal_text)
    good = text.where(text.str.match(_NUMBER) & text.str.contains(r"\d"))
    return pd.to_numeric(good.str.replace(",", "", regex=False), errors="coerce").astype(float)


def _is_plain(cells: pd.Series) -> pd.Series:
    """Say which cells are numbers in plain digits; none where the cells are not all text."""
    if not isinstance(cells.dtype, pd.StringDtype):
        return pd.Series(False, index=cells.index)
    return cells.str.fullmatch(r"-?[0-9]+(\.[0-9]+)?").astype(bool)


def _missing(cells: pd.Series) -> pd.Series:
    """Say which cells say "nothing"; a plain number never does."""
    plain = _is_plain(cells)
    missing = pd.Series(False, index=cells.index)
    missing[~plain] = cells[~plain].map(is_missing).astype(bool).to_numpy()
    return missing


def normal_text(value: object) -> str:
    """Full-width forms to plain ones, no spaces at the ends or of the non-breaking kind.

    Parameters
    ----------
    value : object
        A cell; None and NaN count as empty.

    Returns
    -------
    str
        The cell's text.

    Examples
    --------
    >>> normal_text("　９５．２ ")
    '95.2'
    """
    if value is None or (isinstance(value, float) and np.isnan(value)) or value is pd.NA:
        return ""
    text = unicodedata.normalize("NFKC", str(value)).replace("﻿", "")
    return re.sub(r"\s+", " ", text).strip().replace("−", "-")


def is_missing(value: object) -> bool:
    """Whether a cell says "nothing": empty, a dash, NA and the like.

    Parameters
    ----------
    value : object
        A cell.

    Returns
    -------
    bool
        True for a cell that stands for a missing value.
    """
    return normal_text(value).lower() in MISSING


def plain_percents(
    frame: pd.DataFrame, schema: Mapping[str, Any], *, percent: str = ""
) -> tuple[pd.DataFrame, list[str]]:
    """Write percentages as plain numbers where it is clear what they mean.

    Parameters
    ----------
    frame : pandas.DataFrame
        Text cells.
    schema : mapping
        Its schema; a field whose ``unit`` is "percent" or "share" says what a percentage is.
    percent : {"", "points", "share"}
        What the settings say: 85% is 85, or 0.85.

    Returns
    -------
    frame : pandas.DataFrame
        With the percentages written as numbers; those that remain are faults of :func:`check`.
    notes : list of str
        Columns that no schema and no setting speaks of, all of percentages: these are read as points.

    Examples
    --------
    >>> table, notes = plain_percents(pd.DataFrame({"x": ["85%", "７.5％"]}), {"fields": []})
    >>> table["x"].tolist(), notes
    (['85', '7.5'], ['85% in the column x is read as 85'])
    """
    fields, notes = {field["name"]: field for field in schema["fields"]}, []
    out = frame.copy()
    for column in frame.columns:
        if not frame[column].astype("str").str.contains("[%％﹪]").any():
            continue
        text = frame[column].map(normal_text)
        has = text.str.fullmatch(r"[+-]?[\d.,]+ ?%")
        if not has.any():
            continue
        field = fields.get(column)
        unit = field.get("unit") if field else None
        meant = percent or {"percent": "points", "share": "share"}.get(str(unit), "")
        if not meant and field is None and has[~_missing(frame[column])].all():
            meant = "points"
            first = text[has].iloc[0]
            notes.append(f"{first} in the column {column} is read as {first.rstrip('% ')}")
        if meant:
            out.loc[has, column] = [_plain_percent(cell, share=meant == "share") for cell in text[has]]
    out.attrs = dict(frame.attrs)
    return out, notes


def _plain_percent(text: str, *, share: bool) -> str:
    number = text.rstrip("% ")
    return str(Decimal(number.replace(",", "")) / 100) if share and re.fullmatch(_NUMBER, number) else number


def _cell_faults(cells: pd.Series, field: Mapping[str, Any], name: str) -> list[Fault]:
    rules = field.get("constraints", {})
    missing = _missing(cells)
    problems = pd.Series("", index=cells.index, dtype=object)
    if rules.get("required"):
        problems[missing] = "is empty but must have a value"
    if field["type"] in {"number", "integer"}:
        _number_problems(problems, cells, missing, field)
    else:
        _text_problems(problems, cells, missing, rules)
    bad = problems != ""
    given = cells[bad].astype(str).str.strip()
    return [
        Fault(name, _line(row), field["name"], value, problem)
        for row, value, problem in zip(given.index, given, problems[bad], strict=True)
    ]


def _odd_ones_out(cells: pd.Series, name: str) -> list[Fault]:
    """Find the cells that keep a column of numbers, of which no schema speaks, from being one."""
    filled = cells[~_missing(cells)]
    numbers = parse_numbers(filled)
    bad = filled[numbers.isna()]
    if len(bad) * 2 >= len(filled):  # a column of text
        return []
    where = f'[tables.{_stem(name)}] text = ["{cells.name}"] in geo-cdei.toml'
    said = f"is not a number, as {len(filled) - len(bad)} others of this column are (all text? say {where})"
    endless = filled[np.isinf(numbers)]
    problems = [(bad, said), (endless, "is not a finite number")]
    return [
        Fault(name, _line(row), str(cells.name), str(value).strip(), problem)
        for found, problem in problems
        for row, value in found.items()
    ]


def _number_problems(problems: pd.Series, cells: pd.Series, missing: pd.Series, field: Mapping[str, Any]) -> None:
    rules, numbers = field.get("constraints", {}), parse_numbers(cells)
    no_number = numbers.isna() & ~missing
    percent = cells.astype(str).str.contains("[%％]", regex=True)
    problems[no_number] = "is not a number"
    problems[no_number & percent] = f"is a percentage; write the plain number{PERCENT_CURE}"
    if field["type"] == "integer":
        problems[numbers.notna() & (numbers % 1 != 0)] = "is not a whole number"
    if "minimum" in rules:
        problems[numbers < rules["minimum"]] = f"is below the smallest value allowed, {rules['minimum']}"
    if "maximum" in rules:
        problems[numbers > rules["maximum"]] = f"is above the largest value allowed, {rules['maximum']}"
    problems[np.isinf(numbers)] = "is not a finite number"


def _text_problems(problems: pd.Series, cells: pd.Series, missing: pd.Series, rules: Mapping[str, Any]) -> None:
    text = cells.map(normal_text)
    if "enum" in rules:
        allowed = rules["enum"]
        problems[~missing & ~text.isin(allowed)] = f"is not one of: {', '.join(allowed)}"
    if "pattern" in rules:
        problems[~missing & ~_fits(text, rules["pattern"])] = f"does not fit {rules['pattern']}"


def _fits(text: pd.Series, pattern: str) -> pd.Series:
    """Say which texts are of a pattern; by RE2, which no pattern can keep busy without end."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        found = pc.match_substring_regex(pa.array(text, pa.string()), rf"\A(?:{pattern})\z")
    except (pa.ArrowInvalid, UnicodeEncodeError) as error:
        said = f"the pattern {pattern[:LONGEST]!r} cannot be used: {error}"
        raise SchemaError(f"{said}. Mend the descriptor.") from error
    return pd.Series(found.to_numpy(zero_copy_only=False), index=text.index)


def _key_faults(frame: pd.DataFrame, key: list[str], name: str) -> list[Fault]:
    text = frame[key].map(normal_text).agg(" / ".join, axis=1)
    doubled = text[text.duplicated(keep=False) & (text.str.strip(" /") != "")]
    faults = []
    for value, rows in doubled.groupby(doubled, sort=False):
        lines = ", ".join(_line(row) for row in rows.index)
        faults.append(Fault(name, lines, " + ".join(key), str(value), f"stands {len(rows)} times; once is needed"))
    return faults


def _missing_column(field: Mapping[str, Any], frame: pd.DataFrame, name: str) -> Fault:
    headers = [field["name"], *([field["title"]] if "title" in field else []), *field.get("headers", [])]
    given = ", ".join(map(str, frame.columns)) or "none"
    cure = f'say which it is in geo-cdei.toml: [tables.{_stem(name)}] columns = {{ {field["name"]} = "its header" }}'
    read_as = ", ".join(headers)
    return Fault(name, "", "", "", f"has no column {field['name']!r} (read as: {read_as}); it has: {given}; {cure}")


def _stem(name: str) -> str:
    return name.rpartition(".")[0] or name


def _line(row: object) -> str:
    return str(int(row) + 2) if isinstance(row, int | np.integer) else str(row)


def _as_list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _clean_text(cells: pd.Series) -> pd.Series:
    text = cells.map(normal_text)
    return text.where(~_missing(cells), None).astype("str")


def _all_numbers(cells: pd.Series, numbers: pd.Series) -> bool:
    filled = ~_missing(cells)
    return bool(filled.any() and numbers[filled].notna().all())
