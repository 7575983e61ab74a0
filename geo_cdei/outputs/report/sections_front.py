"""The first sections: summary, what was reproduced, and the clusters."""

from __future__ import annotations

from geo_cdei.outputs.report.context import Context
from geo_cdei.outputs.report.document import Block, Cell, Number, TableBlock
from geo_cdei.outputs.report.numbers import MISSING
from geo_cdei.outputs.report.templates import Section

__all__ = ["clusters", "reproduction", "summary"]


def summary(context: Context) -> Section:
    """Say on one page what was found, each point with its verdict."""
    tables = context.tables
    order = tables["clusters"]["score"].sort_values(ascending=False, kind="stable").index.tolist()
    poles = tables["poles"] if context.has("poles") else None
    first = poles["p_first"].astype(float).idxmax() if poles is not None else ""
    claimed = context.claimed()
    return Section("summary", {
        "top": [name for name in order if context.text("clusters", name, "score")][:4],
        "first": first, "claimed": claimed, "graph": context.analysis.base_graph,
        "weights": context.weights_word(), "weights_key": context.analysis.weights,
        "same": context.same_verdict(claimed),
        "found": [c for c in claimed if context.text("corridors", c, "verdict") != "not distinguishable"],
        "roles": context.roles(),
    })  # fmt: skip


def reproduction(context: Context) -> Section:
    """Hold every printed number against the computed one, and say how the weighting was inferred."""
    parts: dict[str, Block] = {}
    if context.has("reproduction"):
        frame = context.tables["reproduction"]
        rows = []
        for edition, quantity, subject, cluster_id, result in zip(
            frame["edition"],
            frame["quantity"],
            frame["subject"],
            frame["cluster_id"],
            frame["reproduced"],
            strict=True,
        ):
            key = {"edition": edition, "quantity": quantity, "subject": subject}
            digits = context.digits("reproduction", key, "published")
            finer = 0 if context.numbers.value("reproduction", key, "difference").value == 0 == digits else digits + 2
            rows.append((
                (context.numbers.value("reproduction", key, "edition").text.replace(",", ""),),
                (context.word("quantity", quantity),), (context.subject(subject, cluster_id),),
                (context.numbers.value("reproduction", key, "published", digits),),
                (context.numbers.value("reproduction", key, "computed", finer),),
                (context.numbers.value("reproduction", key, "difference", finer),),
                (context.word("reproduced", result),),
            ))  # fmt: skip
        names = ("edition", "quantity", "subject", "published", "computed", "difference", "reproduced")
        parts["printed"] = context.table(names, rows, text=(1, 2, 6))
    rivals = context.rivals()
    if rivals:
        keys = [{"weights": name, "cluster_id": cluster} for name, cluster in rivals]
        rivalling: list[tuple[Cell, ...]] = [
            ((context.weighting(name),), (context.numbers.value("weighting", key, "rmse", 2),))
            for (name, _), key in zip(rivals, keys, strict=True)
        ]
        parts["weighting"] = context.table(("weights", "rmse"), rivalling, text=(0,))
    values = {"rivals": rivals, "weights": context.weights_word(), "column": context.analysis.weights,
              "tested": context.printed_clusters()}  # fmt: skip
    return Section("reproduction", values, parts)


def clusters(context: Context) -> Section:
    """List the clusters with their scores, intervals and what one city does to them."""
    n, base = context.numbers, context.analysis.weights
    rows = []
    for cluster_id in context.by_score():
        key = {"cluster_id": cluster_id, "weights": base}
        interval = (
            _span(n.value("cluster_scores", key, "low", 1), n.value("cluster_scores", key, "high", 1))
            if context.has_columns("cluster_scores", "low", "high")
            else ("",)
        )
        rows.append((
            (cluster_id,), (context.cluster(cluster_id),),
            (n.value("clusters", cluster_id, "n_scored"), "/", n.value("clusters", cluster_id, "n_members")),
            (n.value("clusters", cluster_id, "score", 1),), interval,
            (n.value("cluster_scores", {"cluster_id": cluster_id, "weights": "equal"}, "score", 1),)
            if context.row_exists("cluster_scores", {"cluster_id": cluster_id, "weights": "equal"}) else ("–",),
            _span(n.value("clusters", cluster_id, "loo_min", 1), n.value("clusters", cluster_id, "loo_max", 1)),
            (context.city_named(context.text("clusters", cluster_id, "top_member")),),
        ))  # fmt: skip
    names = ("code", "cluster", "members", "score", "interval", "score_equal", "loo", "top")
    parts: dict[str, Block] = {"clusters": context.table(names, rows, text=(0, 1, 7))}
    parts |= context.figure("clusters") | context.figure("scores")
    if context.has("inequality"):
        parts["inequality"] = _inequality(context)
    best = context.by_score()
    return Section("clusters", {
        "best": best[0] if best else "", "weights": context.weights_word(), "base": base,
        "few": context.few_scored(),
    }, parts)  # fmt: skip


def _span(low: Number, high: Number) -> Cell:
    """Write two ends of a range; one dash where there is none."""
    return (low,) if low.text == MISSING else (low, "–", high)


def _inequality(context: Context) -> TableBlock:
    frame, n = context.tables["inequality"], context.numbers
    rows = []
    for variable, measure in zip(frame["variable"], frame["measure"], strict=True):
        key = {"variable": variable, "measure": measure}
        p = n.p("inequality", key, "p_partitions")
        rows.append((
            (context.word("variable", variable),), (context.word("measure", measure),),
            (n.value("inequality", key, "total", 3),), (n.percent("inequality", key, "between_share"),),
            (n.percent("inequality", key, "partitions_share"),), (p,), (context.said(p),),
        ))  # fmt: skip
    return context.table(("variable", "measure", "value", "between", "null", "p", "verdict"), rows, text=(0, 1, 6))
