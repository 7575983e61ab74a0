"""What if: scores and memberships that a planner puts in place of the published ones, listed in ``overrides.csv``.

Every row is held against the study as published, whatever its place in the table: first all removals, then all
additions. A row that does not fit is an error; the published tables themselves are never edited.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from geo_cdei.columns import OVERRIDES
from geo_cdei.errors import SchemaError
from geo_cdei.inputs.schema import Fault, is_missing, normal_text, parse_numbers, raise_faults

__all__ = ["KINDS", "apply_overrides", "describe_overrides", "find_override_faults"]

NAME = "overrides"
ROLES = ("primary", "secondary")
_NEEDS = {
    "score": {"value"},
    "move": {"from_cluster", "cluster_id"},
    "add": {"cluster_id"},
    "remove": {"from_cluster"},
}
KINDS = tuple(_NEEDS)
_CELLS = ("value", "from_cluster", "cluster_id")
SHOWN = 6

Frame = TypeVar("Frame", bound=pd.DataFrame)


def find_override_faults(
    overrides: pd.DataFrame, cities: pd.DataFrame, members: pd.DataFrame, *, limits: tuple[float, float]
) -> list[Fault]:
    """List everything that keeps overrides from being applied.

    Parameters
    ----------
    overrides : pandas.DataFrame
        Rows as read, with ``adcode`` matched beforehand (missing where no unit was found) and the reason in
        ``note``. ``kind`` is score, move, add or remove; ``value`` a score, ``from_cluster`` and ``cluster_id``
        the clusters left and entered, ``role`` (of move and add) primary or secondary.
    cities : pandas.DataFrame
        Scored cities, indexed by ``adcode``.
    members : pandas.DataFrame
        From :func:`geo_cdei.inputs.clusters.build_members`, as published.
    limits : tuple of float
        Lowest and highest score allowed.

    Returns
    -------
    list of Fault
        In the order of the rows; empty when all can be applied.
    """
    if "kind" not in overrides:
        return [Fault(NAME, "", "", "", f"has no column 'kind'; it says what a row does: {', '.join(KINDS)}")]
    faults: list[Fault] = []
    held = _held(members)
    rows = list(_rows(overrides))
    for row in rows:
        faults += _own_faults(row, limits) or _place_faults(row, cities, held)
    faults += _doubled(rows)
    return faults or _joint_faults(rows, cities, held)


def apply_overrides(
    overrides: pd.DataFrame, cities: Frame, members: pd.DataFrame, *, limits: tuple[float, float] = (0.0, 100.0)
) -> tuple[Frame, pd.DataFrame, pd.DataFrame]:
    """Put overrides in place of the published scores and memberships.

    Parameters
    ----------
    overrides, cities, members, limits
        As in :func:`find_override_faults`; nothing is changed in place.

    Returns
    -------
    cities : pandas.DataFrame
        With the new scores; without ``rank``, if a score was changed, since printed ranks hold no longer.
    members : pandas.DataFrame
        With the new memberships; to be checked again by :func:`geo_cdei.inputs.clusters.build_members`.
    applied : pandas.DataFrame
        One row per override, columns :data:`geo_cdei.columns.OVERRIDES`.

    Raises
    ------
    SchemaError
        If a row cannot be applied; one message with all of them.

    Examples
    --------
    >>> cities = pd.DataFrame({"city": ["A", "B"], "score": [90.0, 60.0]}, index=["110000", "120000"])
    >>> members = pd.DataFrame({"cluster_id": "C1", "cluster": "P", "adcode": ["110000", "120000"],
    ...                         "city": ["A", "B"], "role": "primary"})
    >>> overrides = pd.DataFrame({"kind": ["score", "remove"], "adcode": ["110000", "120000"], "city": ["A", "B"],
    ...                           "value": [80.0, None], "from_cluster": [None, "C1"], "note": ""})
    >>> changed, kept, applied = apply_overrides(overrides, cities, members)
    >>> changed["score"].tolist(), kept["city"].tolist()
    ([80.0, 60.0], ['A'])
    >>> applied["kind"].tolist(), applied["score_before"].tolist(), applied["score_after"].tolist()
    (['score', 'remove'], [90.0, nan], [80.0, nan])
    """
    if overrides.empty:
        raise SchemaError(f"{NAME}: it has no rows. Delete the file, or give it a row for each change.")
    raise_faults(find_override_faults(overrides, cities, members, limits=limits), name=NAME)
    rows, held = list(_rows(overrides)), _held(members)
    names = dict(zip(members["adcode"].astype(str), members["city"], strict=True))
    names |= dict(zip(cities.index.astype(str), cities["city"], strict=True))
    applied = pd.DataFrame([_before_after(row, cities, held, names) for row in rows], columns=list(OVERRIDES))
    scored = cities
    changes = {row["adcode"]: row["value"] for row in rows if row["kind"] == "score"}
    if changes:
        new = pd.Series(cities.index.map(changes), index=cities.index, dtype=float)
        scored = cities.assign(score=new.fillna(cities["score"])).drop(columns="rank", errors="ignore")
    return scored, _moved(rows, members, held, names), applied


def describe_overrides(applied: pd.DataFrame) -> str:
    """Say in one sentence what was put in place of what.

    Parameters
    ----------
    applied : pandas.DataFrame
        From :func:`apply_overrides`.

    Returns
    -------
    str
        The number of rows, and the first of them with the values before and after.
    """
    said = [_sentence(row) for row in applied.head(SHOWN).to_dict("records")]
    more = f"; and {len(applied) - SHOWN} more" if len(applied) > SHOWN else ""
    ranks = "; ranks are computed anew" if applied["kind"].eq("score").any() else ""
    count = f"{len(applied)} row{'s' if len(applied) != 1 else ''}"
    return (
        f"the study as published is overridden by {count} of overrides: {'; '.join(said)}{more}{ranks} "
        "(data/derived/overrides.csv)"
    )


def _sentence(row: dict[Any, Any]) -> str:
    if row["kind"] == "score":
        return f"{row['city']} {row['score_before']:g} → {row['score_after']:g}"
    left = f"{row['role_before']} in {row['from_cluster']}" if row["from_cluster"] else "outside"
    entered = f"{row['role_after']} in {row['cluster_id']}" if row["cluster_id"] else "outside"
    return f"{row['city']} {left} → {entered}"


def _rows(overrides: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Give every row with its line, its cells as text, and its number."""
    table = overrides.reindex(columns=["kind", "adcode", "city", *_CELLS, "role", "note"])
    numbers = parse_numbers(table["value"]).to_numpy()
    for place, cells in enumerate(table.to_dict("records")):
        text = {str(key): "" if is_missing(cell) else normal_text(cell) for key, cell in cells.items()}
        value = float(numbers[place])
        given = text["value"] if np.isnan(value) else f"{value:g}"
        yield text | {"line": str(table.index[place] + 2), "given": given, "value": value}


def _held(members: pd.DataFrame) -> dict[tuple[str, str], str]:
    """Role of every city in every cluster that it is a member of."""
    pairs = zip(members["adcode"].astype(str), members["cluster_id"].astype(str), strict=True)
    return dict(zip(pairs, members["role"], strict=True))


def _own_faults(row: dict[str, Any], limits: tuple[float, float]) -> list[Fault]:
    """List what is wrong with a row by itself."""

    def fault(column: str, value: str, problem: str) -> Fault:
        return Fault(NAME, row["line"], column, value, problem)

    kind = row["kind"]
    if kind not in _NEEDS:
        return [fault("kind", kind, f"is not one of: {', '.join(KINDS)}")]
    faults = []
    if not row["adcode"]:
        faults.append(fault("city", row["city"], row["note"] or "no prefecture-level unit is named"))
    for column in _CELLS:
        cell = row["given"] if column == "value" else row[column]
        if column in _NEEDS[kind] and not cell:
            faults.append(fault(column, "", f"is empty, but {kind} needs it"))
        elif column not in _NEEDS[kind] and cell:
            faults.append(fault(column, cell, f"must be empty: {kind} makes no use of it"))
    if kind == "score" and row["given"]:
        if np.isnan(row["value"]):
            faults.append(fault("value", row["given"], "is not a number"))
        elif not limits[0] <= row["value"] <= limits[1]:
            faults.append(fault("value", row["given"], f"is outside of {limits[0]:g} to {limits[1]:g}"))
    if row["role"] and (kind not in ("move", "add") or row["role"] not in ROLES):
        faults.append(fault("role", row["role"], f"is not one of: {', '.join(ROLES)} (of move and add alone)"))
    return faults


def _place_faults(row: dict[str, Any], cities: pd.DataFrame, held: dict[tuple[str, str], str]) -> list[Fault]:
    """List what the published tables say against a row."""
    adcode, known, faults = row["adcode"], sorted({cluster for _, cluster in held}), []
    for column in ("from_cluster", "cluster_id"):
        if row[column] and row[column] not in known:
            faults.append(Fault(NAME, row["line"], column, row[column], f"is no cluster; there are {_few(known)}"))
    if row["kind"] == "score" and adcode not in cities.index:
        faults.append(
            Fault(NAME, row["line"], "city", row["city"] or adcode, "has no score to override; add it to the scores")
        )
    if row["from_cluster"] and not faults and (adcode, row["from_cluster"]) not in held:
        where = [cluster for code, cluster in held if code == adcode]
        said = f"it is in {_few(where)}" if where else "it is in no cluster"
        faults.append(
            Fault(NAME, row["line"], "from_cluster", row["from_cluster"], f"does not have {_called(row)}; {said}")
        )
    return faults


def _joint_faults(
    rows: Sequence[dict[str, Any]], cities: pd.DataFrame, held: dict[tuple[str, str], str]
) -> list[Fault]:
    """List what rows say against each other, and against what the others leave."""
    faults: list[Fault] = []
    left = {(row["adcode"], row["from_cluster"]) for row in rows if row["from_cluster"]}
    now = {pair: role for pair, role in held.items() if pair not in left}
    for row in rows:
        if not row["cluster_id"]:
            continue
        pair, role = (row["adcode"], row["cluster_id"]), _role(row, held)
        if pair in now:
            problem = (
                f"has {_called(row)} already ({now[pair]}); to change its role, remove it there in a row of its own"
            )
            faults.append(Fault(NAME, row["line"], "cluster_id", row["cluster_id"], problem))
        now[pair] = role
        first = [c for (code, c), r in now.items() if code == row["adcode"] and r == "primary"]
        if len(first) > 1 and row["adcode"] in cities.index:
            problem = f"would make {_called(row)} primary in {_few(first)}: move it, or give it the role secondary"
            faults.append(Fault(NAME, row["line"], "cluster_id", row["cluster_id"], problem))
    emptied = {cluster for _, cluster in held} - {cluster for _, cluster in now}
    for cluster in sorted(emptied):
        lines = ", ".join(row["line"] for row in rows if row["from_cluster"] == cluster)
        faults.append(Fault(NAME, lines, "from_cluster", cluster, "would have no member left"))
    return faults


def _doubled(rows: Sequence[dict[str, Any]]) -> list[Fault]:
    """Rows that change the same score, or touch the same membership, twice."""
    seen: dict[tuple[str, str, str], str] = {}
    faults = []
    for row in rows:
        if not row["adcode"]:
            continue
        touched = [("score", row["adcode"], "")] if row["kind"] == "score" else []
        touched += [("left", row["adcode"], row["from_cluster"])] if row["from_cluster"] else []
        touched += [("entered", row["adcode"], row["cluster_id"])] if row["cluster_id"] else []
        for key in touched:
            if key in seen:
                problem = f"{_called(row)} is changed in line {seen[key]} already; once is needed"
                faults.append(Fault(NAME, row["line"], "", "", problem))
            seen.setdefault(key, row["line"])
    return faults


def _role(row: dict[str, Any], held: dict[tuple[str, str], str]) -> str:
    """Role in the cluster entered: as given, else as in the cluster left, else primary."""
    return row["role"] or held.get((row["adcode"], row["from_cluster"]), "primary")


def _before_after(
    row: dict[str, Any], cities: pd.DataFrame, held: dict[tuple[str, str], str], names: dict[str, str]
) -> tuple[object, ...]:
    is_score = row["kind"] == "score"
    before = cities["score"].to_dict()[row["adcode"]] if is_score else np.nan
    roles = (held.get((row["adcode"], row["from_cluster"]), ""), _role(row, held) if row["cluster_id"] else "")
    name = names.get(row["adcode"], row["city"])
    return (int(row["line"]) - 1, row["kind"], row["adcode"], name, row["from_cluster"], row["cluster_id"],
            before, row["value"] if is_score else np.nan, *(("", "") if is_score else roles))  # fmt: skip


def _moved(
    rows: Sequence[dict[str, Any]], members: pd.DataFrame, held: dict[tuple[str, str], str], names: dict[str, str]
) -> pd.DataFrame:
    """Memberships without those left, and with those entered."""
    gone = {(row["adcode"], row["from_cluster"]) for row in rows if row["from_cluster"]}
    pairs = zip(members["adcode"].astype(str), members["cluster_id"].astype(str), strict=True)
    kept = members[[pair not in gone for pair in pairs]]
    about = members.drop_duplicates("cluster_id").set_index("cluster_id")
    entered = [
        about.loc[row["cluster_id"]].to_dict() | {
            "cluster_id": row["cluster_id"], "adcode": row["adcode"],
            "city": names.get(row["adcode"], row["city"]), "role": _role(row, held),
            "source": f"overrides, line {row['line']}", "confidence": "our reconstruction", "note": None,
        }
        for row in rows if row["cluster_id"]
    ]  # fmt: skip
    if not entered:
        return kept.reset_index(drop=True)
    return pd.concat([kept, pd.DataFrame(entered).reindex(columns=kept.columns)], ignore_index=True)


def _called(row: dict[str, Any]) -> str:
    return str(row["city"] or row["adcode"])


def _few(names: Sequence[str]) -> str:
    listed = ", ".join(names[:SHOWN])
    return f"{listed} … ({len(names)})" if len(names) > SHOWN else listed
