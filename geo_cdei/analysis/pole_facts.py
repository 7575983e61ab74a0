"""What the fifth-pole analysis found, put together as tables and as the numbers of a statement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from .._poles import PoleCriteria
from ..columns import POLE_SENSITIVITY, POLES
from ..errors import StatisticError

if TYPE_CHECKING:
    from .acceptability import Acceptability

__all__ = ["pole_facts", "pole_sensitivity", "pole_table"]

SHORTLIST = 0.05
CLEAR = 0.9
LIKELY = 0.5
CLOSE = 0.7


def pole_table(criteria: PoleCriteria, ranking: pd.DataFrame, found: Mapping[str, Acceptability]) -> pd.DataFrame:
    """Set ranks, probabilities and every component side by side.

    Parameters
    ----------
    criteria : PoleCriteria
        Candidates and criteria.
    ranking : pandas.DataFrame
        From ``rank_poles``.
    found : mapping of str to Acceptability
        "grouped" and "flat".

    Returns
    -------
    pandas.DataFrame of shape (n, 15 + 2 m)
        Indexed by ``cluster_id``, columns :data:`geo_cdei.columns.POLES`, then every criterion as measured and as
        ``scaled_…``; likeliest first place first. ``rank_expected`` is the mean rank over the grouped draws.
    """
    grouped, flat = found["grouped"], found["flat"]
    frame = criteria.candidates.join(ranking).assign(
        p_first=grouped.first, p_top3=grouped.top3, p_first_flat=flat.first, p_top3_flat=flat.top3,
        rank_expected=grouped.ranks.to_numpy() @ grouped.ranks.columns.to_numpy(dtype=float),
        n_missing=criteria.raw.isna().sum(axis=1),
    )  # fmt: skip
    scaled = [f"scaled_{name}" for name in criteria.raw.columns]
    frame = frame[list(POLES)].join(criteria.raw).join(ranking[scaled])
    return frame.sort_values(["p_first", "rank_additive"], ascending=[False, True], kind="stable")


def pole_sensitivity(
    criteria: PoleCriteria,
    rankings: Mapping[str, pd.DataFrame],
    *,
    reversals: pd.DataFrame,
    variants: pd.DataFrame,
) -> pd.DataFrame:
    """List what another choice would have put first.

    Parameters
    ----------
    criteria : PoleCriteria
        Candidates and criteria.
    rankings : mapping of str to pandas.DataFrame
        From ``rank_poles``, by the name of the weights; the first is the one the others are compared with.
    reversals : pandas.DataFrame
        From ``rank_reversals``.
    variants : pandas.DataFrame
        From ``acceptability_variants``.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`geo_cdei.columns.POLE_SENSITIVITY`. ``kind`` is "weights" (one row per weighting and method),
        "acceptability" (one row per variant of the draws) or "candidate dropped".
    """
    names = criteria.candidates["cluster"]
    base = next(iter(rankings.values()))
    rows: list[dict[str, object]] = []
    for subject, ranking in rankings.items():
        for method in ("additive", "topsis"):
            order = ranking[f"value_{method}"].sort_values(ascending=False, kind="stable").index
            turned, pairs = _turned(base[f"value_{method}"], ranking[f"value_{method}"])
            rows.append(
                {
                    "kind": "weights", "subject": subject, "method": method, "first": order[0], "second": order[1],
                    "first_changes": order[0] != base[f"value_{method}"].idxmax(), "n_reversed": turned,
                    "n_pairs": pairs,
                }
            )  # fmt: skip
    for row in variants.to_dict("records"):
        kept = {key: row[key] for key in ("first", "second", "p_first", "p_leader")}
        changes = row["first"] != variants["first"].iloc[0]
        rows.append(
            {"kind": "acceptability", "subject": row["variant"], "method": "additive", "first_changes": changes}
            | kept
        )
    for row in reversals.to_dict("records"):
        rows.append({"kind": "candidate dropped", "subject": row["dropped"]} | {str(k): v for k, v in row.items()})
    frame = pd.DataFrame(rows)
    frame["cluster"] = frame["first"].map(names)
    frame = frame.reindex(columns=list(POLE_SENSITIVITY))
    return frame.astype({"n_reversed": "Int64", "n_pairs": "Int64"})


def _turned(before: pd.Series[float], after: pd.Series[float]) -> tuple[int, int]:
    """Pairs that two rankings order the other way round, and all pairs."""
    x, y = before.to_numpy(dtype=float), after.reindex(before.index).to_numpy(dtype=float)
    n = len(x)
    turned = sum(int(((x[i] - x[i + 1 :]) * (y[i] - y[i + 1 :]) < 0).sum()) for i in range(n - 1))
    return turned, n * (n - 1) // 2


def pole_facts(
    criteria: PoleCriteria,
    poles: pd.DataFrame,
    *,
    tables: Mapping[str, pd.DataFrame],
    held: pd.DataFrame,
    draws: int,
    seed: int,
) -> dict[str, Any]:
    """Gather the names and numbers that a statement needs, and its verdict by rules fixed beforehand.

    Parameters
    ----------
    criteria : PoleCriteria
        Candidates and criteria.
    poles : pandas.DataFrame
        From :func:`pole_table`.
    tables : mapping of str to pandas.DataFrame
        ``sensitivity``, ``deciding``, ``goals``, ``pairs``, ``correlations``, ``sites`` (with ``city`` and
        ``city_en``), and optionally ``runs``: tables of further runs under each other, with ``run``, ``run_en`` and
        ``is_custom`` in front.
    held : pandas.DataFrame
        The present poles: ``cluster``, ``cluster_en``.
    draws, seed : int
        Of the acceptabilities.

    Returns
    -------
    dict
        Plain numbers, texts and lists; names come in pairs ``cluster`` and ``cluster_en``. ``verdict`` is "clear" if
        the likeliest first has p_first ≥ 0.9 both grouped and flat; "likely" if ≥ 0.5 grouped; else "open".
        ``shortlist`` has every candidate with p_first ≥ 0.05, grouped. ``methods_agree`` says whether the additive
        model and TOPSIS put the same one first; ``grouping_matters`` whether the verdict by the flat weights alone
        would have been another.

    Raises
    ------
    StatisticError
        If a table is lacking.
    """
    lacking = [n for n in ("sensitivity", "deciding", "goals", "pairs", "correlations", "sites") if n not in tables]
    if lacking:
        raise StatisticError(f"a statement needs the tables {', '.join(lacking)}, which were not given.")
    ordered = poles.sort_values("p_first", ascending=False, kind="stable")
    first, second = str(ordered.index[0]), str(ordered.index[1])
    flat_first = str(poles["p_first_flat"].idxmax())
    best = _one(poles, first)
    verdict = _verdict(best["p_first"], best["p_first_flat"])
    flat_verdict = _verdict(float(poles["p_first_flat"].max()), float(poles["p_first_flat"].max()))
    pairs = tables["pairs"]
    before = pairs[(pairs["scheme"] == "grouped") & (pairs["cluster_id"] == first) & (pairs["other_id"] == second)]
    return {
        "n_candidates": len(poles), "n_criteria": criteria.raw.shape[1], "draws": draws, "seed": seed,
        "n_groups": int(criteria.groups.nunique()), "poles": held[["cluster", "cluster_en"]].to_dict("records"),
        "verdict": verdict, "flat_verdict": flat_verdict,
        "grouping_matters": flat_verdict != verdict or flat_first != first,
        "methods_agree": best["rank_topsis"] == 1 and best["rank_additive"] == 1,
        "first": best, "second": _one(poles, second),
        "additive_first": _one(poles, str(poles["rank_additive"].idxmin())),
        "topsis_first": _one(poles, str(poles["rank_topsis"].idxmin())), "flat_first": _one(poles, flat_first),
        "shortlist": [_one(poles, str(name)) for name in ordered.index[ordered["p_first"] >= SHORTLIST]],
        "p_before": float(before["p_before"].iloc[0]), "is_close": float(before["p_before"].iloc[0]) < CLOSE,
        "deciding": _deciding(tables["deciding"]), "goals": _goals(poles, tables["goals"]),
        "changes": _changes(criteria, tables["sensitivity"]),
        "leaning": _leaning(criteria, tables["sensitivity"]),
        "correlated": _correlated(tables["correlations"]), "site": _site(poles, tables["sites"]),
        "unknown": criteria.table.index[criteria.table["n_missing"] > 0].tolist(),
        "unknown_for_all": criteria.table.index[criteria.table["n_missing"] == len(poles)].tolist(),
        "left_out": list(criteria.left_out), "criteria": list(criteria.raw.columns),
        "runs": _runs(tables["runs"]) if "runs" in tables else [],
    }  # fmt: skip


def _verdict(grouped: float, flat: float) -> str:
    if grouped >= CLEAR and flat >= CLEAR:
        return "clear"
    return "likely" if grouped >= LIKELY else "open"


def _one(poles: pd.DataFrame, cluster_id: str) -> dict[str, Any]:
    row: dict[Any, Any] = poles.loc[cluster_id].to_dict()
    numbers = {name: float(row[name]) for name in ("p_first", "p_top3", "p_first_flat")}
    whole = {name: int(row[name]) for name in ("rank_additive", "rank_topsis")}
    return {"cluster_id": cluster_id, "cluster": row["cluster"], "cluster_en": row["cluster_en"]} | numbers | whole


def _deciding(table: pd.DataFrame) -> dict[str, list[str]]:
    """Names of the groups and criteria without which the order of first and second turns."""
    decides = table[table["decides"].astype(bool)]
    return {level: decides.loc[decides["level"] == level, "name"].tolist() for level in ("group", "criterion")}


def _goals(poles: pd.DataFrame, goals: pd.DataFrame) -> list[dict[str, Any]]:
    others = goals[(goals["score_gain"] != 0) | (goals["size_gain"] != 0)]
    return [
        {
            "cluster": row["cluster"], "cluster_en": poles.at[cluster_id, "cluster_en"],
            "score_gain": None if pd.isna(row["score_gain"]) else float(row["score_gain"]),
            "size_gain": None if pd.isna(row["size_gain"]) else float(row["size_gain"]),
        }
        for cluster_id, row in others.iterrows()
    ]  # fmt: skip


def _changes(criteria: PoleCriteria, sensitivity: pd.DataFrame) -> list[dict[str, Any]]:
    """Assumptions under which another candidate comes first."""
    turned = sensitivity[sensitivity["first_changes"].astype(bool)]
    english = criteria.candidates["cluster_en"]
    return [
        {
            "kind": row["kind"], "subject": row["subject"], "method": row["method"], "cluster": row["cluster"],
            "cluster_en": english[row["first"]],
            "p_first": None if pd.isna(row["p_first"]) else float(row["p_first"]),
        }
        for row in turned.to_dict("records")
    ]  # fmt: skip


def _leaning(criteria: PoleCriteria, sensitivity: pd.DataFrame) -> dict[str, Any] | None:
    """Range of the leader's probability when one criterion at a time is left out."""
    variants = [f"without {name}" for name in criteria.raw.columns]
    rows = sensitivity[(sensitivity["kind"] == "acceptability") & sensitivity["subject"].isin(variants)]
    if rows.empty:
        return None
    share = rows.set_index("subject")["p_leader"].astype(float)
    found: dict[str, Any] = {"least": float(share.min()), "most": float(share.max())}
    for end, variant in {"least": share.idxmin(), "most": share.idxmax()}.items():
        found[f"{end}_without"] = str(variant).removeprefix("without ")
    return found


def _correlated(correlations: pd.DataFrame) -> dict[str, Any]:
    """How many criteria go along with size, and how many pairs are known."""
    if "scale_2020" not in correlations:
        return {"n_with_size": 0, "names": []}
    with_size = correlations["scale_2020"].drop("scale_2020")
    names = with_size.index[with_size >= 0.5].tolist()
    return {"n_with_size": len(names), "names": names}


def _runs(runs: pd.DataFrame) -> list[dict[str, Any]]:
    """Name the likeliest first of each further run, and the custom candidate that it was made for."""
    found = []
    for (run, run_en), table in runs.groupby(["run", "run_en"], sort=False):
        first = str(table["p_first"].idxmax())
        custom = table.index[table["is_custom"].astype(bool)]
        entry: dict[str, Any] = {"run": run, "run_en": run_en, "first": _one(table, first), "custom": None}
        if len(custom):
            entry["custom"] = _one(table, str(custom[0]))
        found.append(entry)
    return found


def _site(poles: pd.DataFrame, sites: pd.DataFrame) -> dict[str, Any]:
    """Name the best site among the candidates' seats, beside the best of all cities."""
    best = sites.sort_values(["rank", "saved_km"], ascending=[True, False], kind="stable").iloc[0]
    own = poles.get("complementarity")
    found: dict[str, Any] = {"city": best["city"], "city_en": best["city_en"], "share": float(best["saved_share"])}
    if own is not None and own.notna().any():
        found |= {"candidate": _one(poles, str(own.idxmax())), "candidate_share": float(own.max())}
    return found
