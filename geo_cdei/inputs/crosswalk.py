"""Codes and names of earlier years: rows of an old table brought to the units of today.

``boundaries/crosswalk.csv`` says which old unit is, became part of, or was divided among which new ones, with year
and source. Where one old unit is one new one, its row simply takes the new code. Where two rows
come to fall on one unit, the sums are added and the means are weighted; a column of which nobody said which it is, or
a mean without weights, is an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from geo_cdei.config import Vintage
from geo_cdei.errors import MatchError
from geo_cdei.inputs import schema as _schema
from geo_cdei.inputs import sources
from geo_cdei.inputs.names import cell_text, normalize_name
from geo_cdei.inputs.table_files import read_text_table
from geo_cdei.workspace import Workspace, default_study

__all__ = ["COLUMNS", "Parts", "bring_to_date", "current_parts", "read_crosswalk"]

COLUMNS = ("old_code", "old_name", "new_code", "new_name", "year", "kind", "share", "source")
"""``boundaries/crosswalk.csv``; ``kind`` is rename, upgrade, merge or split, ``share`` the part of a split."""

Parts = list[tuple[str, float]]  # codes of today, and the share of the old unit that each has
_ENDING = re.compile("(地区|盟|市|县|区)$")
_DROPPED = ("rank", "rank_printed")  # of another set of cities


@dataclass(frozen=True, slots=True, eq=False)
class _Old:
    """An old unit: what it was called, until when, what it is now, and whether it is all of that."""

    code: str
    name: str
    year: str
    parts: Parts
    whole: bool


def read_crosswalk(workspace: Workspace) -> pd.DataFrame:
    """Read the crosswalk of a study; the default study's where it has none.

    Parameters
    ----------
    workspace : Workspace
        The study.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`COLUMNS`, one row per old unit and part.

    Raises
    ------
    SchemaError
        If it breaks its schema, or the shares of a split do not add up to 1.
    """
    path = workspace.boundaries / "crosswalk.csv"
    if not path.is_file():
        path = default_study() / "boundaries" / "crosswalk.csv"
    schema = sources.table_schema(workspace, "crosswalk")
    text = read_text_table(path)
    _schema.check(text, schema, name=path.name)
    table = _schema.read_cells(text, schema)
    shares = table[table["kind"] == "split"].groupby("old_code")["share"].sum(min_count=1)
    wrong = shares[(shares - 1.0).abs() > 1e-6]
    if len(wrong):
        faults = [
            _schema.Fault(path.name, "", "share", str(code), f"the shares add up to {total:g}, not to 1")
            for code, total in wrong.items()
        ]
        _schema.raise_faults(faults, name=path.name)
    return table


def current_parts(crosswalk: pd.DataFrame, known: pd.Index[str]) -> dict[str, Parts]:
    """Follow every old code to the codes of today.

    Parameters
    ----------
    crosswalk : pandas.DataFrame
        From :func:`read_crosswalk`.
    known : pandas.Index of str
        Codes of the units of the study's level.

    Returns
    -------
    dict of str to list of (str, float)
        Codes of today and shares for each old code that ends among them; one that leads elsewhere is not in it.

    Examples
    --------
    >>> steps = pd.DataFrame({"old_code": ["1", "2"], "new_code": ["2", "3"], "share": [None, None]})
    >>> current_parts(steps, pd.Index(["3"]))
    {'1': [('3', 1.0)], '2': [('3', 1.0)]}
    """
    steps: dict[str, Parts] = {}
    for old, new, share in zip(crosswalk["old_code"], crosswalk["new_code"], crosswalk["share"], strict=True):
        steps.setdefault(str(old), []).append((str(new), 1.0 if pd.isna(share) else float(share)))
    found, units = {}, set(known)
    for old in steps:
        if old not in units:
            parts = _follow(old, steps, units, seen=())
            if parts:
                found[old] = parts
    return found


def _follow(code: str, steps: dict[str, Parts], known: set[str], *, seen: tuple[str, ...]) -> Parts:
    if code in known:
        return [(code, 1.0)]
    if code in seen or code not in steps:
        return []
    parts: dict[str, float] = {}
    for new, share in steps[code]:
        further = _follow(new, steps, known, seen=(*seen, code))
        if not further:
            return []  # a part that is no unit of this level: the old unit is not wholly known
        for end, part in further:
            parts[end] = parts.get(end, 0.0) + share * part
    return list(parts.items())


def bring_to_date(
    table: pd.DataFrame, crosswalk: pd.DataFrame, units: pd.DataFrame, *, rule: Vintage, name: str
) -> tuple[pd.DataFrame, list[str]]:
    """Bring the rows of earlier units to the units of today.

    Parameters
    ----------
    table : pandas.DataFrame
        With ``adcode``, ``city`` or both.
    crosswalk : pandas.DataFrame
        From :func:`read_crosswalk`.
    units : pandas.DataFrame
        The names of the level, indexed by ``adcode``.
    rule : Vintage
        Which columns are sums (``extensive``), which are means (``intensive``), and the weights of these.
    name : str
        Name of the table, for messages.

    Returns
    -------
    table : pandas.DataFrame
        Itself, where no row is of an earlier unit; otherwise one row per unit that any row of it falls on.
    notes : list of str
        What was joined, with its year.

    Raises
    ------
    MatchError
        If two rows fall on one unit and a column cannot be added or averaged by the rule.

    Examples
    --------
    >>> row = ["371200", "莱芜市", "370100", "济南市", 2019, "merge", None, ""]
    >>> walk = pd.DataFrame([row], columns=list(COLUMNS))
    >>> units = pd.DataFrame({"official_name": ["济南市"], "short_name": ["济南"]}, index=["370100"])
    >>> table = pd.DataFrame({"city": ["济南市", "莱芜市"], "gdp_2019": [7000.0, 1000.0]})
    >>> now, notes = bring_to_date(table, walk, units, rule=Vintage(), name="gdp")
    >>> now[["city", "gdp_2019"]].to_numpy().tolist(), notes
    ([['济南市', 8000.0]], ['gdp: 莱芜市 (371200, until 2019) is joined to 济南市'])
    """
    old = _old_rows(table, crosswalk, units)
    if not old:
        return table, []
    here = _present(table, units)
    rows = _expanded(table, old, here, units)
    notes = [f"{name}: {_said(unit, units)}" for unit in {each.code: each for each in old.values()}.values()]
    meeting = rows["_unit"].duplicated(keep=False) & rows["_unit"].ne("")
    meeting &= rows.groupby("_unit")["_old"].transform("any")
    rows, meeting, said = _without_lone_parts(rows, meeting, units, name)
    notes += said
    if not meeting.any():
        return rows[list(table.columns)].reset_index(drop=True), notes
    dropped = [column for column in _DROPPED if column in table.columns]
    if dropped:
        notes.append(f"{name}: the column {', '.join(dropped)} is left out, because units were joined")
    _check_rule(rows[meeting], table, rule, name)
    merged = [_merged(part, table, rule, name) for _, part in rows[meeting].groupby("_unit", sort=False)]
    return pd.concat([rows[~meeting], *merged])[list(table.columns.drop(dropped))].reset_index(drop=True), notes


def _without_lone_parts(
    rows: pd.DataFrame, meeting: pd.Series[bool], units: pd.DataFrame, name: str
) -> tuple[pd.DataFrame, pd.Series[bool], list[str]]:
    """Leave out units of which the table has only a part that they took over: their own row is not there."""
    alone = rows["_unit"].ne("") & rows.groupby("_unit")["_part"].transform("all")
    names = units["official_name"].reindex(rows.loc[alone, "_unit"].unique()).tolist()
    said = [f"{name}: {each} is left out: the table has only what became part of it" for each in names]
    return rows[~alone], meeting[~alone], said


def _old_rows(table: pd.DataFrame, crosswalk: pd.DataFrame, units: pd.DataFrame) -> dict[int, _Old]:
    """Find the rows that stand for an earlier unit: by code, else by its whole name if no unit has it today."""
    parts = current_parts(crosswalk, units.index)
    first = crosswalk.drop_duplicates("old_code").set_index("old_code")
    names: dict[str, list[str]] = {}
    for code in parts:
        whole = normalize_name(first.at[code, "old_name"])
        short = _ENDING.sub("", whole)
        for key in {whole, short if len(short) > 1 else whole}:
            names.setdefault(key, []).append(code)
    for column in ("official_name", "short_name"):
        for taken in units[column]:
            names.pop(normalize_name(taken), None)
    codes = table["adcode"].map(cell_text) if "adcode" in table else pd.Series("", index=table.index)
    cities = table["city"].map(normalize_name) if "city" in table else pd.Series("", index=table.index)
    found = {}
    for place, (code, city) in enumerate(zip(codes, cities, strict=True)):
        digits = code[:6] if code[6:].strip("0.") == "" else code
        named = names.get(city, [])
        at = digits if digits in parts else named[0] if not code and len(named) == 1 else ""
        if at:
            year, entire = cell_text(first.at[at, "year"]), _is_whole(at, first, units.index)
            found[place] = _Old(at, str(first.at[at, "old_name"]), year, parts[at], entire)
    return found


def _is_whole(code: str, first: pd.DataFrame, known: pd.Index[str]) -> bool:
    """Whether the old unit is all of the new one, by every step on the way."""
    while code not in known:
        if first.at[code, "kind"] in ("merge", "split"):
            return False
        code = str(first.at[code, "new_code"])
    return True


def _present(table: pd.DataFrame, units: pd.DataFrame) -> list[str]:
    """Code of each row that names a unit of today by its code or whole name; empty where matching must decide."""
    names: dict[str, str] = {}
    for column in ("official_name", "short_name"):
        for code, each in units[column].items():
            key = normalize_name(each)
            names[key] = str(code) if names.get(key, str(code)) == str(code) else ""
    codes = table["adcode"].map(cell_text) if "adcode" in table else pd.Series("", index=table.index)
    cities = table["city"].map(normalize_name) if "city" in table else pd.Series("", index=table.index)
    return [
        code[:6] if code[:6] in units.index else names.get(city, "") for code, city in zip(codes, cities, strict=True)
    ]


def _expanded(table: pd.DataFrame, old: dict[int, _Old], here: list[str], units: pd.DataFrame) -> pd.DataFrame:
    """Give every old row a row per part, under the code of today and with its share."""
    records = []
    for place in range(len(table)):
        row: dict[str, Any] = {str(key): value for key, value in table.iloc[place].items()}
        unit = old.get(place)
        if unit is None:
            records.append(row | {"_unit": here[place], "_share": 1.0, "_old": False, "_part": False})
            continue
        for code, share in unit.parts:
            new: dict[str, Any] = {"adcode": code} if "adcode" in table else {}
            new |= {"city": units.at[code, "official_name"]} if "city" in table else {}
            records.append(row | new | {"_unit": code, "_share": share, "_old": True, "_part": not unit.whole})
    return pd.DataFrame(records)


def _said(unit: _Old, units: pd.DataFrame) -> str:
    until = f", until {unit.year}" if unit.year else ""
    names = units["official_name"].astype(str).to_dict()
    ends = [f"{names[code]}{f' ({share:.1%})' if share < 1 else ''}" for code, share in unit.parts]
    verb = "is divided among" if len(ends) > 1 else "is joined to"
    return f"{unit.name} ({unit.code}{until}) {verb} {', '.join(ends)}"


def _numeric(table: pd.DataFrame) -> list[str]:
    return [column for column in table.select_dtypes("number").columns if column not in ("adcode", *_DROPPED)]


def _check_rule(rows: pd.DataFrame, table: pd.DataFrame, rule: Vintage, name: str) -> None:
    """Refuse a column that is neither sum nor mean, and a mean without its weights."""
    known = {*rule.extensive, *rule.intensive}
    unsaid = [column for column in _numeric(table) if column not in known]
    means = [column for column in _numeric(table) if column in rule.intensive]
    named = ", ".join(dict.fromkeys(rows.loc[rows["_old"], "_unit"]))
    if unsaid:
        raise MatchError(
            f"{name}: rows of earlier units fall on {named}, and nobody says whether {', '.join(unsaid)} is a sum or "
            "a mean. Name the columns in vintage.extensive or vintage.intensive, or join the rows in the table."
        )
    if means and (rule.weights not in table.columns or rows[rule.weights].isna().any()):
        raise MatchError(
            f"{name}: several rows fall on {named}, and the mean of {', '.join(means)} needs weights: the column "
            f"{rule.weights!r} (vintage.weights) is not in the table, or empty there. Add it, or join the rows."
        )


def _merged(part: pd.DataFrame, table: pd.DataFrame, rule: Vintage, name: str) -> pd.DataFrame:
    """Make one row of those that fall on a unit: sums of shares, weighted means, text of the unit's own row."""
    if int((~part["_old"]).sum()) > 1:
        raise MatchError(f"{name}: {part['_unit'].iloc[0]} has several rows of today beside an earlier one.")
    out = part.sort_values("_old", kind="stable").head(1).copy()
    share = part["_share"].to_numpy(dtype=float)
    for column in _numeric(table):
        values = part[column].to_numpy(dtype=float)
        if column in rule.extensive:
            out[column] = float(np.sum(values * share))  # one unknown part makes the sum unknown
        else:
            weights = part[rule.weights].to_numpy(dtype=float) * share
            out[column] = float(np.average(values, weights=weights)) if weights.sum() > 0 else np.nan
    return out
