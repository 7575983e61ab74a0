"""The last sections: methods, data and their faults, limits, and how the run can be repeated."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import Any

from geo_cdei.outputs.manifest import LIBRARIES
from geo_cdei.outputs.report.context import Context
from geo_cdei.outputs.report.document import Block, Cell, Run, Verbatim
from geo_cdei.outputs.report.templates import Section

__all__ = ["data", "limits", "manifest", "methods"]


def methods(context: Context) -> Section:
    """Say how each number was made, with the references."""
    settings = context.analysis.settings
    return Section("methods", {
        "weights": context.weights_word(), "graph": context.analysis.base_graph,
        "knn": settings.graph.method == "knn", "draws_auto": settings.inference.permutations == "auto",
    })  # fmt: skip


def data(context: Context) -> Section:
    """Say what the data are, which faults of the source were found, and what the run had to tell."""
    parts: dict[str, Block] = {}
    n = context.numbers
    if context.has_columns("cities", "gdp_check"):
        checks = context.tables["cities"]["gdp_check"].dropna().unique().tolist()
        rows: list[tuple[Cell, ...]] = [
            ((context.word("check", c),), (n.count("cities", gdp_check=c),)) for c in checks
        ]
        parts["checks"] = context.table(("items", "count"), rows, text=(0,))
    basis = context.tables["members"]["confidence"].dropna().unique().tolist() if context.has("members") else []
    if basis:
        rows = [((context.word("confidence", b),), (n.count("members", confidence=b),)) for b in basis]
        parts["basis"] = context.table(("items", "count"), rows, text=(0,))
    if context.has("faults"):
        rows = []
        for row in context.tables["faults"].itertuples():
            key = {"table": row.table, "key": row.key, "action": row.action}
            rows.append((
                (context.word("variable", str(row.table).replace("digital_economy_", "").replace("_economy", "")),),
                (context.city_named(str(row.key)),), (_as_printed(context, key),),
                (context.word("action", row.action),), (n.value("faults", key, "low"),),
                (n.value("faults", key, "high"),),
            ))  # fmt: skip
        parts["faults"] = context.table(
            ("table", "key", "as_printed", "treatment", "low", "high"), rows, text=(0, 1, 3)
        )
    if context.analysis.notices:
        lines = tuple(f"{notice.step}: {notice.message}" for notice in context.analysis.notices)
        parts["notices"] = Verbatim(lines, "manifest.json")
    return Section("data", {"missing": _without_size(context), "notices": "notices" in parts}, parts)


def _as_printed(context: Context, key: dict[str, Any]) -> Run:
    """Give a faulty entry as a number where it is one, and word for word where it is not."""
    try:
        return context.numbers.value("faults", key, "value")
    except ValueError:
        return context.text("faults", key, "value")


def _without_size(context: Context) -> list[str]:
    """Cities that have a score and no size."""
    if not context.has_columns("cities", "scale_2020"):
        return []
    sizes = context.tables["cities"]["scale_2020"]
    return [str(code) for code in sizes.index[sizes.isna()]]


def limits(context: Context) -> Section:
    """Say what the data cannot say."""
    return Section("limits", {"few": context.few_scored(), "weights": context.weights_word()})


def manifest(_: Context) -> Section:
    """Say with which settings, seed and versions the run can be repeated."""
    made = [f"geo_cdei {metadata.version('geo-cdei')}", f"Python {platform.python_version()}"]
    made += [f"{name} {metadata.version(name)}" for name in LIBRARIES]
    return Section("manifest", {}, {"versions": Verbatim((", ".join(made),), "manifest.json")})
