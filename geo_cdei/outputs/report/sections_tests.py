"""The sections of the tests: pattern, corridors, spillovers, fifth pole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from geo_cdei.outputs.report.context import Context
from geo_cdei.outputs.report.document import Block, Cell, TableBlock, Verbatim
from geo_cdei.outputs.report.templates import Section, report_word
from geo_cdei.outputs.report.verdicts import DISTINGUISHABLE, verdict, verdict_of_interval
from geo_cdei.outputs.statements import pole_statement

__all__ = ["corridors", "pattern", "poles", "spillovers"]

_SHORTLIST = 8


def pattern(context: Context) -> Section:
    """Say which cluster has which role by evidence, weighted and unweighted, and what the tests allow."""
    parts: dict[str, Block] = {}
    chosen: list[dict[str, Any]] = []
    if context.has("pattern"):
        parts["roles"] = _roles(context)
        parts |= context.figure("pattern")
        gap = context.where("pattern_gap", chosen=True)
        chosen = [{"weights": w, "k": k} for w, k in zip(gap["weights"], gap["k"], strict=True)]
    parts |= context.figure("lisa")
    return Section("pattern", {
        "roles": context.roles(), "gap": chosen, "graph": context.analysis.base_graph,
        "weights": context.weights_word(), "unweighted": _unweighted_poles(context),
        "above": _better_than_random(context),
    }, parts)  # fmt: skip


def _roles(context: Context) -> TableBlock:
    n, rows = context.numbers, []
    for cluster_id in context.by_score():
        read = context.text("pattern", cluster_id, "role")
        plain = context.text("pattern_unweighted", cluster_id, "role") if context.has("pattern_unweighted") else ""
        corrected = n.p("pattern", cluster_id, "p_region_fdr")
        rows.append((
            (context.cluster(cluster_id),), (context.word("role", read),), (context.word("role", plain),),
            (context.word("book", context.text("pattern", cluster_id, "book_role") or "none"),),
            (n.percent("pattern", cluster_id, "top_share"),), (n.percent("pattern", cluster_id, "removal_share"),),
            (n.percent("pattern", cluster_id, "bootstrap_top"),), (n.p("pattern", cluster_id, "p_region"),),
            (corrected,), (context.said(corrected),),
        ))  # fmt: skip
    names = (
        "cluster",
        "role",
        "role_unweighted",
        "book",
        "top_share",
        "removal",
        "bootstrap",
        "p",
        "p_fdr",
        "verdict",
    )
    return context.table(names, rows, text=(0, 1, 2, 3, 9))


def _unweighted_poles(context: Context) -> list[str]:
    if not context.has("pattern_unweighted"):
        return []
    roles = context.tables["pattern_unweighted"]["role"].astype(str)
    return [str(name) for name in roles.index[roles.str.startswith("pole")]]


def _better_than_random(context: Context) -> list[str]:
    """Clusters that the corrected region test tells from random contiguous ones."""
    if not context.has("pattern"):
        return []
    p = context.numbers.p
    return [
        name for name in context.by_score() if verdict(p("pattern", name, "p_region_fdr").value) == DISTINGUISHABLE
    ]


def corridors(context: Context) -> Section:
    """Say what the tests found of the axis and the belts, and which corridors the network shows."""
    parts: dict[str, Block] = {}
    if context.has("corridors"):
        frame = context.tables["corridors"]
        tested = [str(name) for name in frame.index[frame["kind"].ne("detected")]]
        parts["tested"] = context.table(
            ("corridor", "kind", "n_cities", "length", "score_mean", "holm_score", "holm_flow", "verdict"),
            [_tested_row(context, name) for name in tested], text=(0, 1, 7),
        )  # fmt: skip
        found = [str(name) for name in frame.index[frame["kind"].eq("detected")]]
        parts["found"] = context.table(
            ("corridor", "n_cities", "length", "flow_share", "stability"),
            [_found_row(context, name) for name in found], text=(0,),
        )  # fmt: skip
    claimed = context.claimed()
    named = [name for name in claimed if context.text("corridors", name, "verdict") != "not distinguishable"]
    return Section("corridors", {"claimed": claimed, "same": context.same_verdict(claimed), "named": named}, parts)


def _tested_row(context: Context, name: str) -> tuple[Cell, ...]:
    n = context.numbers
    return (
        (context.corridor(name),), (context.word("corridor_kind", context.text("corridors", name, "kind")),),
        (n.value("corridors", name, "n_cities"),), (n.value("corridors", name, "length_km"),),
        (n.value("corridors", name, "score_mean", 1),), (n.p("corridors", name, "holm_score"),),
        (n.p("corridors", name, "holm_flow"),),
        (context.word("corridor", context.text("corridors", name, "verdict")),),
    )  # fmt: skip


def _found_row(context: Context, name: str) -> tuple[Cell, ...]:
    n = context.numbers
    return (
        (context.corridor(name),), (n.value("corridors", name, "n_cities"),),
        (n.value("corridors", name, "length_km"),), (n.percent("corridors", name, "flow_share", 1),),
        (n.percent("corridors", name, "stability"),),
    )  # fmt: skip


def spillovers(context: Context) -> Section:
    """Say how far neighbors' sizes go with a city's score, how far likeness reaches, and what the halos are."""
    parts: dict[str, Block] = {}
    values: dict[str, Any] = {"graph": context.analysis.base_graph, "main": None, "indirect": "", "halos": []}
    if context.has("spillover_models"):
        keys = _model_keys(context)
        parts["models"] = context.table(
            ("model", "direct", "indirect", "interval", "total", "aic", "moran_p"),
            [_model_row(context, key) for key in keys], text=(0,),
        )  # fmt: skip
        main = next((key for key in keys if key["kind"] == "durbin"), keys[-1])
        low, high = (
            context.numbers.value("spillover_models", main, f"indirect_{end}").value for end in ("low", "high")
        )
        values |= {"main": main, "indirect": verdict_of_interval(low, high), "variable": main["x"]}
    if context.has("halo_cores"):
        values["halos"] = _halos(context, parts)
    if context.has("decay"):
        frame = context.tables["decay"]
        row = frame.iloc[0]
        values["decay"] = {"measure": row["measure"], "variable": row["variable"], "from_km": row["from_km"]}
    if context.has("cluster_fit"):
        values["fit"] = str(context.tables["cluster_fit"]["model"].iloc[0])
    return Section("spillovers", values, parts)


def _model_keys(context: Context) -> list[dict[str, Any]]:
    """Models of the study's graph and first columns without group effects, by the first column's row."""
    frame = context.tables["spillover_models"]
    first = frame.iloc[0]
    own = frame[
        (frame["graph"] == context.analysis.base_graph)
        & (frame["columns"] == first["columns"]) & (frame["groups"].fillna("") == "") & (frame["x"] == first["x"])
    ]  # fmt: skip
    own = own if len(own) else frame.iloc[:1]
    names = ("y", "x", "columns", "graph", "kind", "groups")
    return [dict(zip(names, row, strict=True)) for row in own[list(names)].itertuples(index=False)]


def _model_row(context: Context, key: Mapping[str, Any]) -> tuple[Cell, ...]:
    n = context.numbers
    return (
        (context.word("kind", key["kind"]),), (n.value("spillover_models", key, "direct", 2),),
        (n.value("spillover_models", key, "indirect", 2),),
        (n.value("spillover_models", key, "indirect_low", 2), " … ",
         n.value("spillover_models", key, "indirect_high", 2)),
        (n.value("spillover_models", key, "total", 2),), (n.value("spillover_models", key, "aic", 1),),
        (n.p("spillover_models", key, "moran_p"),),
    )  # fmt: skip


def _halos(context: Context, parts: dict[str, Block]) -> list[str]:
    """List the cores that leave their envelope before correction; give the words of halos that occur."""
    frame = context.tables["halo_cores"]
    left = frame[frame["halo"].isin(["radiating", "siphoning"])].drop_duplicates("core")
    rows = []
    for row in left.itertuples():
        key = {"cluster_id": str(row.cluster_id), "core": str(row.core), "part": row.part, "from_km": row.from_km}
        after = report_word("yes" if row.significant_fdr else "no", context.lang)
        rows.append((
            (context.city(str(row.core)),), (context.cluster(row.cluster_id),), (context.word("halo", row.halo),),
            (context.numbers.p("halo_cores", key, "p"),), (after,),
        ))  # fmt: skip
    if rows:
        parts["halos"] = context.table(("core", "cluster", "halo", "p", "significant_fdr"), rows, text=(0, 1, 2, 4))
    return sorted(set(frame["halo"].astype(str)))


def poles(context: Context) -> Section:
    """Rank the candidates for a further pole, with the statement."""
    parts: dict[str, Block] = {}
    first = second = ""
    if context.has("poles"):
        order = context.tables["poles"]["p_first"].astype(float).sort_values(ascending=False, kind="stable").index
        first, second = str(order[0]), str(order[min(1, len(order) - 1)])
        rows = [_candidate(context, str(name)) for name in order[:_SHORTLIST]]
        names = ("cluster", "first", "top3", "first_flat", "rank_additive", "rank_topsis")
        parts["candidates"] = context.table(names, rows, text=(0,))
    facts = context.analysis.facts.get("poles")
    if facts:
        said = pole_statement(dict(facts), lang=context.lang).splitlines()
        lines = tuple(line for line in said[1:] if line.strip())
        parts["statement"] = Verbatim(lines, f"data/derived/pole_statement.{context.lang}.txt")
    return Section("poles", {"first": first, "second": second}, parts)


def _candidate(context: Context, name: str) -> tuple[Cell, ...]:
    shares = tuple((context.numbers.percent("poles", name, c),) for c in ("p_first", "p_top3", "p_first_flat"))
    ranks = tuple((context.numbers.value("poles", name, c),) for c in ("rank_additive", "rank_topsis"))
    return ((context.cluster(name),), *shares, *ranks)
