"""One sheet per cluster: who belongs to it, what each adds, its role, its ranks, its flows, where it lies."""

from __future__ import annotations

from typing import Any

import pandas as pd

from geo_cdei.outputs.report.context import Context
from geo_cdei.outputs.report.document import Block, Cell, Figure, TableBlock
from geo_cdei.outputs.report.numbers import MISSING
from geo_cdei.outputs.report.templates import Section
from geo_cdei.outputs.statements import pole_word

__all__ = ["sheet"]

_LARGEST_FLOWS = 6
_LOCATOR_MM = 120.0
# Decimals of the criteria whose values are not shares.
_DIGITS = {"score": 1, "top_city": 1, "scale_2020": 0, "n_strong": 0, "primacy": 2, "n_corridors": 0,
           "market_potential": 1, "change": 1, "evenness": 2}  # fmt: skip


def sheet(context: Context, cluster_id: str, *, picture: bytes | None) -> Section:
    """Write what an office of one cluster hands in.

    Parameters
    ----------
    context : Context
        The report.
    cluster_id : str
        The cluster.
    picture : bytes or None
        Its small map.

    Returns
    -------
    Section
        The sheet.
    """
    members = context.where("members", cluster_id=cluster_id)
    counted = members[members["contribution"].notna()]
    largest = counted.sort_values("contribution", ascending=False, kind="stable")["city"].astype(str).tolist()
    parts: dict[str, Block] = {"members": _members(context, members)}
    if picture is not None:
        parts["locator"] = Figure((), "", picture, _LOCATOR_MM)
    candidate = context.has("poles") and cluster_id in context.tables["poles"].index
    if candidate:
        parts["criteria"] = _criteria(context, cluster_id)
    flows = _flows(context, cluster_id)
    if flows is not None:
        parts["flows"] = flows
    halos = _cores(context, cluster_id)
    if halos is not None:
        parts["cores"] = halos
    return Section("sheet", {
        "c": cluster_id, "base": context.analysis.weights, "weights": context.weights_word(),
        "largest": largest[0] if largest else "", "candidate": candidate,
        "role": context.text("pattern", cluster_id, "role") if context.has("pattern") else "",
        "plain_role": context.text("pattern_unweighted", cluster_id, "role")
        if context.has("pattern_unweighted") else "",
        "book": (context.text("pattern", cluster_id, "book_role") or "none") if context.has("pattern") else "",
        "kind": context.text("pattern", cluster_id, "type") if context.has("pattern") else "",
        "interval": context.has_columns("cluster_scores", "low", "high"),
        "balance": _balance(context, cluster_id), "several": len(counted) > 1,
        "secondary": bool(members["role"].eq("secondary").any() and "secondary" not in counted["role"].tolist()),
        "few": cluster_id in context.few_scored(),
    }, parts)  # fmt: skip


def _members(context: Context, members: pd.DataFrame) -> TableBlock:
    n, rows = context.numbers, []
    ordered = members.sort_values("contribution", ascending=False, kind="stable", na_position="last")
    shared = set(members["city"][members["city"].duplicated()])  # counties of one name
    for city, role, adcode, confidence in zip(
        ordered["city"], ordered["role"], ordered["adcode"], ordered["confidence"], strict=True
    ):
        key = {"cluster_id": members["cluster_id"].iloc[0], "city": city, "role": role}
        key |= {"adcode": str(adcode)} if city in shared else {}
        name = context.city(adcode) if adcode in context.analysis.units.index else context.city_named(str(city))
        rows.append((
            (name,), (context.word("member", role),), (n.value("members", key, "score", 1),),
            (n.percent("members", key, "share", 1),), (n.value("members", key, "contribution", 2),),
            (n.value("members", key, "score_without", 1),), (context.word("confidence", confidence),),
        ))  # fmt: skip
    names = ("city", "member_role", "score_plain", "share", "contribution", "without", "confidence")
    return context.table(names, rows, text=(0, 1, 6))


def _criteria(context: Context, cluster_id: str) -> TableBlock:
    n, rows = context.numbers, []
    for criterion in context.tables["pole_criteria"].index.astype(str):
        if not context.has_columns("poles", criterion, f"scaled_{criterion}"):
            continue
        digits = _DIGITS.get(criterion)
        value = (
            n.percent("poles", cluster_id, criterion, 1)
            if digits is None
            else n.value("poles", cluster_id, criterion, digits)
        )
        name = pole_word("criterion", criterion, lang=context.lang)
        rows.append(((name,), (value,), (n.rank("poles", cluster_id, f"scaled_{criterion}"),)))
    return context.table(("criterion", "value", "rank"), rows, text=(0,))


def _flow_model(context: Context) -> str:
    return str(context.tables["cluster_flows"]["model"].iloc[0])


def _flows(context: Context, cluster_id: str) -> TableBlock | None:
    """List the clusters with which most is exchanged, by both directions together."""
    if not context.has("cluster_flows"):
        return None
    model, known = _flow_model(context), context.tables["clusters"].index
    flows = context.where("cluster_flows", model=model)
    out = flows[flows["origin"] == cluster_id].set_index("destination")["flow"]
    back = flows[flows["destination"] == cluster_id].set_index("origin")["flow"]
    both = out.add(back, fill_value=0.0)
    both = both[both.index.isin(known) & (both.index != cluster_id)].sort_values(ascending=False, kind="stable")
    rows: list[tuple[Cell, ...]] = []
    for other in both.index[:_LARGEST_FLOWS].astype(str):
        pairs = ({"origin": cluster_id, "destination": other}, {"origin": other, "destination": cluster_id})
        shares = tuple(
            (context.numbers.percent("cluster_flows", {"model": model} | pair, "share", 2),)
            if context.row_exists("cluster_flows", {"model": model} | pair)
            else ("–",)
            for pair in pairs
        )
        rows.append(((context.cluster(other),), *shares))
    return context.table(("other", "outflow", "inflow"), rows, text=(0,)) if rows else None


def _balance(context: Context, cluster_id: str) -> dict[str, Any] | None:
    """Find the row of the cluster in the balance of the flows."""
    if not context.has("cluster_balance") or not context.has("cluster_flows"):
        return None
    key = {"model": _flow_model(context), "cluster_id": cluster_id}
    return key if context.row_exists("cluster_balance", key) else None


def _cores(context: Context, cluster_id: str) -> TableBlock | None:
    if not context.has("halo_cores"):
        return None
    own = context.where("halo_cores", cluster_id=cluster_id).drop_duplicates("core")
    rows = []
    for row in own.itertuples():
        key = {"cluster_id": cluster_id, "core": str(row.core), "part": row.part, "from_km": row.from_km}
        p = context.numbers.p("halo_cores", key, "p")
        rows.append((
            (context.city(str(row.core)),), (context.word("halo", row.halo),), (p,),
            (MISSING if p.text == MISSING else context.plain_word("yes" if row.significant_fdr is True else "no"),),
        ))  # fmt: skip
    return context.table(("core", "halo", "p", "significant_fdr"), rows, text=(0, 1, 3)) if rows else None
