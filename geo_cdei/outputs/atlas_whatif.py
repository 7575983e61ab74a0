"""What the atlas needs to score the clusters anew when a score or a membership changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from geo_cdei.errors import OutputError
from geo_cdei.results import Analysis

__all__ = ["whatif_payload"]

LIMITS = (0.0, 100.0)  # scores are points of 100
ROLES = ("primary", "secondary")


def whatif_payload(analysis: Analysis) -> dict[str, Any]:
    """Collect scores, weights and memberships as published, and the changes that the run was made with.

    Parameters
    ----------
    analysis : Analysis
        What was found, with the tables ``city_measures`` and, for the classes, ``pattern``.

    Returns
    -------
    dict
        Plain values for JSON: ``ids`` and ``names`` of all places (scored cities first), ``score``, ``weight`` and
        ``classed`` (1 if the city counts where clusters are classed) of the scored ones, ``clusters``, ``members``
        as (cluster, place, role), the ``roles`` that count, the number of classes ``k`` (None without the step
        ``pattern``), the changes of ``overrides.csv`` as ``start``, and ``held``: statistics of the run that only
        another run can renew.

    Raises
    ------
    OutputError
        If the weights of the cities are not among the tables.

    Notes
    -----
    What is overridden in the run is taken back here and given as a change, so that the page shows the published study
    with these changes, and what it exports takes the place of the study's ``overrides.csv``.
    """
    measures = analysis.tables.get("city_measures")
    if measures is None:
        raise OutputError(
            "the what-if needs the table city_measures, which the run did not make. Run the step autocorrelation."
        )
    cities, members, start = _published(analysis)
    places = [*cities.index, *(code for code in _others(analysis, members) if code not in cities.index)]
    at = {code: place for place, code in enumerate(places)}
    groups = list(analysis.clusters.index)
    return {
        "ids": places,
        "names": _names(analysis, places),
        "score": [_number(value) for value in cities["score"]],
        "weight": [_number(value) for value in measures["weight"].reindex(cities.index)],
        "classed": _classed(analysis, cities, measures["weight"]),
        "clusters": [
            {"id": str(key), "name": [str(row["cluster"]), str(row["cluster_en"])]}
            for key, row in analysis.clusters[["cluster", "cluster_en"]].iterrows()
        ],
        "members": [
            [groups.index(row.cluster_id), at[row.adcode], row.role] for row in members.itertuples(index=False)
        ],
        "weights": analysis.weights,
        "roles": list(analysis.settings.scores.roles),
        "limits": list(LIMITS),
        "k": _classes(analysis),
        "start": start,
        "held": _held(analysis),
    }


def _published(analysis: Analysis) -> tuple[pd.DataFrame, pd.DataFrame, list[dict[str, Any]]]:
    """Cities and memberships before overrides, and these as changes."""
    cities = pd.DataFrame(analysis.cities.drop(columns="geometry")).sort_index()
    members = analysis.members[["cluster_id", "adcode", "role"]]
    applied = analysis.tables.get("overrides")
    if applied is None:
        return cities, members, []
    scores = applied[applied["kind"] == "score"].set_index("adcode")["score_before"]
    cities = cities.assign(score=scores.reindex(cities.index).fillna(cities["score"]))
    entered = set(zip(applied["adcode"], applied["cluster_id"], strict=True))
    pairs = zip(members["adcode"], members["cluster_id"], strict=True)
    kept = members[[pair not in entered for pair in pairs]]
    left = applied.loc[applied["from_cluster"] != "", ["from_cluster", "adcode", "role_before"]]
    back = pd.concat([kept, left.set_axis(kept.columns, axis=1)]).sort_values("cluster_id", kind="stable")
    return cities, back, [_change(row) for row in applied.to_dict("records")]


def _change(row: dict[Any, Any]) -> dict[str, Any]:
    if row["kind"] == "score":
        return {"kind": "score", "id": row["adcode"], "value": float(row["score_after"])}
    ends = {"from": row["from_cluster"], "to": row["cluster_id"], "role": row["role_after"]}
    change = {"kind": row["kind"], "id": row["adcode"]} | {key: value for key, value in ends.items() if value}
    if change.get("role") not in ROLES:  # a member that has no score counts as such by itself
        change.pop("role", None)
    return change


def _others(analysis: Analysis, members: pd.DataFrame) -> list[str]:
    """Members without a score, as published or as overridden."""
    return sorted({*analysis.members["adcode"].astype(str), *members["adcode"].astype(str)})


def _names(analysis: Analysis, places: list[str]) -> list[list[str]]:
    units = analysis.units
    zh = dict(zip(analysis.members["adcode"], analysis.members["city"], strict=True))
    zh |= dict(zip(units.index, units["city"], strict=True))
    en = dict(zip(units.index, units["city_en"], strict=True))
    return [[str(zh.get(code, code)), str(en.get(code, zh.get(code, code)))] for code in places]


def _classed(analysis: Analysis, cities: pd.DataFrame, weight: pd.Series) -> list[int]:
    """Cities with a score and with every weight that the scenarios ask for: those that the classes rest on."""
    usable = cities["score"].notna() & (weight.reindex(cities.index) > 0)
    for name in analysis.settings.pattern.weights:
        column = name.partition("^")[0]
        if column in cities:
            usable &= cities[column] > 0
    return [int(value) for value in usable]


def _classes(analysis: Analysis) -> int | None:
    pattern = analysis.tables.get("pattern")
    known = [] if pattern is None else pattern["k"].dropna().tolist()
    return int(known[0]) if known else None


def _held(analysis: Analysis) -> dict[str, list[float]]:
    """Few numbers of the run that rest on permutations or draws."""
    tables, held = analysis.tables, {}
    if "moran" in tables:
        moran = tables["moran"]
        mine = moran[(moran["statistic"] == "moran") & (moran["variable"] == "score")]
        mine = mine[mine["graph"] == analysis.base_graph]
        if len(mine):
            held["moran"] = [round(float(mine["value"].iloc[0]), 4), round(float(mine["p_sim"].iloc[0]), 4)]
    if "lisa" in tables:
        held["lisa"] = [int(np.count_nonzero(tables["lisa"]["significant"])), len(tables["lisa"])]
    if "pattern" in tables:
        held["roles"] = [int(tables["pattern"]["role"].astype(str).str.startswith("pole").sum())]
    if "corridors" in tables:
        held["corridors"] = [int((tables["corridors"]["kind"] == "detected").sum())]
    if "poles" in tables and len(tables["poles"]):
        held["poles"] = [round(float(tables["poles"]["p_first"].max()), 4)]
    return held


def _number(value: Any) -> float | None:
    number = float(value)
    return number if np.isfinite(number) else None
