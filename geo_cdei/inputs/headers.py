"""Where a table begins and ends on its sheet, and which of its columns is what: by setting, else found and told.

What is found is a guess, so it is never silent: it is put into words for a notice, and into lines of TOML that
settle it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from geo_cdei.errors import InputError
from geo_cdei.inputs import schema as _schema

__all__ = [
    "count_known",
    "cut_notes",
    "find_header_row",
    "guess_columns",
    "known_headers",
    "map_columns",
    "settling_lines",
    "stacked_labels",
]

_NOTE = re.compile(
    r"^[\s(（【*※①]*(注|备注|说明|附注|表注|资料来源|数据来源|来源|单位|填表|制表|审核|note|source|remark|unit)",
    re.IGNORECASE,
)
_BRACKETS = re.compile(r"[(（\[【〔].*?[)）\]】〕]")
_YEAR = re.compile(r"(?<!\d)(19|20)\d{2}(?!\d)年?(度|版)?")
_CODE = re.compile(r"[1-8]\d{5}(0{6})?(\.0+)?")
_CITY = re.compile(r"[\u4e00-\u9fff]{1,}(市|州|盟|地区)")
ROWS = 40  # looked at for the header
MOSTLY = 0.9  # of the filled cells of a column


def known_headers(schema: Mapping[str, Any]) -> dict[str, str]:
    """List every header that a schema knows, in the form in which headers are compared.

    Parameters
    ----------
    schema : mapping
        A Frictionless table schema; a field may have a ``title`` and a list of ``headers``.

    Returns
    -------
    dict of str to str
        Header to the name of its field.

    Examples
    --------
    >>> known_headers({"fields": [{"name": "score", "title": "得分", "headers": ["总 分"]}]})
    {'score': 'score', '得分': 'score', '总 分': 'score'}
    """
    known: dict[str, str] = {}
    for field in schema["fields"]:
        for header in (field["name"], field.get("title"), *field.get("headers", [])):
            if header:
                known.setdefault(_schema.normal_text(header).lower(), field["name"])
    return known


def find_header_row(rows: Sequence[Sequence[str]], known: Mapping[str, str], wanted: Sequence[str] = ()) -> int:
    """Find the row of headers below titles and blank lines.

    Parameters
    ----------
    rows : sequence of rows
        The first rows of the table.
    known : mapping of str to str
        From :func:`known_headers`.
    wanted : sequence of str
        Headers that the settings name.

    Returns
    -------
    int
        The first of the rows that hold the most known headers; where none holds any, the first that fills at
        least half of the widest row.

    Examples
    --------
    >>> find_header_row([["2021 年得分"], [""], ["城市", "得分"], ["苏州", "78.8"]], {"城市": "city"})
    2
    """
    filled = [sum(bool(_schema.normal_text(cell)) for cell in row) for row in rows]
    widest = max(filled, default=0)
    asked = {_schema.normal_text(header).lower() for header in wanted}
    hits = [
        len(_named(row, known, asked)) if count >= min(2, widest) and count else 0
        for row, count in zip(rows, filled, strict=True)
    ]
    if max(hits, default=0):
        return hits.index(max(hits))
    return next((at for at, count in enumerate(filled) if count and count >= widest / 2), 0)


def count_known(rows: Sequence[Sequence[str]], known: Mapping[str, str], wanted: Sequence[str] = ()) -> int:
    """Count the known headers in the row that has the most, to tell the sheet of the table from the others.

    Parameters
    ----------
    rows : sequence of rows
        A sheet.
    known : mapping of str to str
        From :func:`known_headers`.
    wanted : sequence of str
        Headers that the settings name.

    Returns
    -------
    int
        0 where no row holds any.
    """
    asked = {_schema.normal_text(header).lower() for header in wanted}
    return max((len(_named(row, known, asked)) for row in rows[:ROWS]), default=0)


def stacked_labels(
    cells: Sequence[Sequence[str]], merged: Sequence[tuple[int, int, int, int]], header: int
) -> tuple[list[str], int]:
    """Join header cells that stand above one another: 得分 over 2020 and 2021 gives "得分 2020", "得分 2021".

    Parameters
    ----------
    cells : sequence of rows
        The sheet, with the cells that were merged downwards filled.
    merged : sequence of (int, int, int, int)
        First row, first column, last row, last column of its merged ranges.
    header : int
        Row of the headers, or the first of several that merged cells hold together.

    Returns
    -------
    labels : list of str
        One per column.
    depth : int
        How many rows they were made of.

    Examples
    --------
    >>> stacked_labels([["城市", "得分", ""], ["城市", "2020", "2021"]], [(0, 0, 1, 0), (0, 1, 0, 2)], 0)
    (['城市', '得分 2020', '得分 2021'], 2)
    """
    last = max((bottom for top, _, bottom, _ in merged if top == header), default=header)
    block = [list(row) for row in cells[header : last + 1]]
    for top, left, bottom, right in merged:
        if header <= top <= last and right > left:
            for row in block[top - header : bottom - header + 1]:
                row[left : right + 1] = [cells[top][left]] * len(row[left : right + 1])
    labels = [
        " ".join(dict.fromkeys(text.strip() for text in column if text.strip()))
        for column in zip(*block, strict=True)
    ]
    return labels, len(block)


def _named(row: Sequence[str], known: Mapping[str, str], asked: set[str]) -> set[str]:
    """Fields that the cells of a row are called by, directly or but for brackets, years and spaces."""
    loose = {_compact(header): field for header, field in known.items()}
    names = set()
    for cell in row:
        text = _schema.normal_text(cell).lower()
        if text in asked:
            names.add(text)
        elif found := known.get(text) or loose.get(_compact(text)):
            names.add(found)
    return names


def cut_notes(body: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Cut the notes off that stand below a table: lines of one cell, from the first that begins like a note.

    Parameters
    ----------
    body : pandas.DataFrame
        Text cells below the header.

    Returns
    -------
    body : pandas.DataFrame
        Without the notes.
    notes : list of str
        Their texts.

    Examples
    --------
    >>> body = pd.DataFrame([["苏州", "78.8"], ["注：按 2021 年区划", ""], ["不含港澳台", ""]])
    >>> [len(part) for part in cut_notes(body)]
    [1, 2]
    """
    if body.shape[1] < 2 or body.empty:
        return body, []
    single = (body != "").sum(axis=1).to_numpy() <= 1
    start = len(body)
    while start and single[start - 1]:
        start -= 1
    tail = ["".join(row) for row in body.iloc[start:].itertuples(index=False)]
    begins = [at for at, text in enumerate(tail) if _NOTE.match(_schema.normal_text(text))]
    if not begins:
        return body, []
    cut = start + begins[0]
    return body.iloc[:cut], [_schema.normal_text(text) for text in tail[begins[0] :] if text]


def map_columns(
    frame: pd.DataFrame, schema: Mapping[str, Any], *, given: Mapping[str, str], name: str
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Give columns the names of the schema: by setting, then by known headers, then by likeness.

    Parameters
    ----------
    frame : pandas.DataFrame
        Text cells.
    schema : mapping
        A Frictionless table schema.
    given : mapping of str to str
        Column to header, from the settings.
    name : str
        Name of the file, for messages.

    Returns
    -------
    frame : pandas.DataFrame
        With the columns renamed.
    guessed : dict of str to str
        Column to header, for those found by likeness alone.

    Raises
    ------
    InputError
        If a header of the settings is not there, or two columns come to mean the same.
    """
    names = _given_names(frame, given, name)
    known = known_headers(schema)
    taken = set(names.values())
    exact = {
        header: known[header.lower()]
        for header in frame.columns
        if header not in names and known.get(header.lower(), header) not in {*frame.columns, *taken}
        and header.lower() in known
    }  # fmt: skip
    guessed = guess_columns(
        frame.drop(columns=[*names, *exact]), schema, taken={*taken, *exact.values(), *frame.columns}
    )
    names = {**names, **exact, **{header: field for field, header in guessed.items()}}
    renamed = frame.rename(columns=names)
    doubled = renamed.columns[renamed.columns.duplicated()].unique()
    if len(doubled):
        both = [old for old in frame.columns if names.get(old, old) == doubled[0]]
        raise InputError(
            f"{name}: the columns {' and '.join(map(repr, both))} both mean {doubled[0]!r}. Delete one, or say "
            f"which it is: {settling_lines(name, columns={doubled[0]: both[0]})[1]} under "
            f"[tables.{_stem(name)}] in geo-cdei.toml."
        )
    return renamed, guessed


def _given_names(frame: pd.DataFrame, given: Mapping[str, str], name: str) -> dict[str, str]:
    headers = {_schema.normal_text(header).lower(): str(header) for header in frame.columns}
    names: dict[str, str] = {}
    for column, header in given.items():
        found = headers.get(_schema.normal_text(header).lower())
        if found is None:
            near = difflib.get_close_matches(header, list(frame.columns), n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"it has: {', '.join(frame.columns)}"
            raise InputError(
                f"{name} has no header {header!r}, which [tables.{_stem(name)}] takes for {column}; {hint}"
            )
        names[found] = column
    return names


def guess_columns(frame: pd.DataFrame, schema: Mapping[str, Any], *, taken: set[str]) -> dict[str, str]:
    """Guess which header is which column: by likeness, then by what its cells look like.

    Parameters
    ----------
    frame : pandas.DataFrame
        Text cells of the columns that are not known yet.
    schema : mapping
        A Frictionless table schema.
    taken : set of str
        Columns that are known already.

    Returns
    -------
    dict of str to str
        Column to header; only where one header alone fits, and one column alone fits the header.

    Examples
    --------
    >>> fields = [{"name": "city", "type": "string"}, {"name": "score", "type": "number", "headers": ["得分"]}]
    >>> table = pd.DataFrame({"地名": ["苏州市", "无锡市"], "2022年综合得分（分）": ["78.8", "70"]})
    >>> guess_columns(table, {"fields": fields}, taken=set())
    {'score': '2022年综合得分（分）', 'city': '地名'}
    """
    guessed: dict[str, str] = {}
    missing = {field["name"]: field for field in schema["fields"] if field["name"] not in taken}
    for alike in (_same, _ends_with):
        free = [header for header in frame.columns if header not in guessed.values()]
        fits = {name: [h for h in free if alike(h, field)] for name, field in missing.items() if name not in guessed}
        for name, headers in fits.items():
            rivals = [other for other, theirs in fits.items() if other != name and set(headers) & set(theirs)]
            if len(headers) == 1 and not rivals:
                guessed[name] = headers[0]
    known = {*taken, *guessed}
    free = [header for header in frame.columns if header not in guessed.values()]
    if not {"adcode", "city"} & known:
        _guess_by_cells(frame[free], [name for name in ("adcode", "city") if name in missing], guessed)
    if "score" in missing and "score" not in guessed:
        numeric = [h for h in free if h not in guessed.values() and _share(frame[h], _is_number) >= MOSTLY]
        if len(numeric) == 1:
            guessed["score"] = numeric[0]
    return guessed


def _guess_by_cells(frame: pd.DataFrame, names: list[str], guessed: dict[str, str]) -> None:
    looks = {"adcode": _CODE, "city": _CITY}
    for name in names:
        like = [str(header) for header in frame if _share(frame[header], looks[name].fullmatch) >= MOSTLY]
        if len(like) == 1 and frame[like[0]].nunique() > 1:
            guessed[name] = like[0]


def _share(cells: pd.Series, test: Any) -> float:
    texts = [text for text in map(_schema.normal_text, cells.iloc[:500]) if not _schema.is_missing(text)]
    return sum(bool(test(text)) for text in texts) / len(texts) if texts else 0.0


def _is_number(text: str) -> bool:
    return bool(_schema.parse_numbers(pd.Series([text], dtype="object")).notna().iloc[0])


def _same(header: str, field: Mapping[str, Any]) -> bool:
    return _compact(header) in _names_of(field)


def _ends_with(header: str, field: Mapping[str, Any]) -> bool:
    text = _compact(header)
    return any(len(name) >= 2 and text.endswith(name) for name in _names_of(field) if not name.isascii())


def _names_of(field: Mapping[str, Any]) -> set[str]:
    return {_compact(each) for each in (field["name"], field.get("title") or "", *field.get("headers", []))} - {""}


def _compact(header: object) -> str:
    """Write a header without brackets, years, spaces and marks, in lower case."""
    text = _YEAR.sub("", _BRACKETS.sub("", _schema.normal_text(header).lower()))
    return re.sub(r"[\s_\-:：、.·/]+", "", text)


def settling_lines(
    name: str, *, sheet: str = "", header_row: int = 0, columns: Mapping[str, str] | None = None
) -> list[str]:
    """Write what was found as lines of ``geo-cdei.toml``.

    Parameters
    ----------
    name : str
        Name of the file.
    sheet : str
        Its sheet; empty where it has one only.
    header_row : int
        Row of the headers, from 1; 0 where it is the first.
    columns : mapping of str to str, optional
        Column to header.

    Returns
    -------
    list of str
        The table's section and its keys.

    Examples
    --------
    >>> settling_lines("scores.xlsx", header_row=3, columns={"city": "地名"})
    ['[tables.scores]', 'header_row = 3', 'columns = { city = "地名" }']
    """
    lines = [f"[tables.{_stem(name)}]"]
    lines += [f"sheet = {_quoted(sheet)}"] if sheet else []
    lines += [f"header_row = {header_row}"] if header_row else []
    if columns:
        pairs = ", ".join(f"{column} = {_quoted(header)}" for column, header in columns.items())
        lines.append(f"columns = {{ {pairs} }}")
    return lines


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _stem(name: str) -> str:
    return name.rpartition(".")[0] or name
