"""The page of the "4+N" pattern: role of every cluster by evidence, and the role that the book gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from geo_cdei.outputs.layers import Field, Overlay
from geo_cdei.outputs.page_meta import page_meta
from geo_cdei.outputs.texts import word
from geo_cdei.results import Analysis

if TYPE_CHECKING:
    from geo_cdei.outputs.legends import Theme
    from geo_cdei.outputs.page import OfflineMap

__all__ = ["pattern_page"]

ROLE_COLOURS = {
    "pole": "#7f2704", "pole (core-dependent)": "#d94801", "contender": "#fdae6b", "other": "#fff5eb",
    "untested": "#d9d9d9",
}  # fmt: skip
BOOK_COLOURS = {"pole": "#54278f", "named as growing": "#9e9ac8", "none": "#f2f0f7"}


def pattern_page(analysis: Analysis) -> OfflineMap:
    """Draw the clusters by role, weighted and unweighted, beside the roles of the book.

    Parameters
    ----------
    analysis : Analysis
        With the tables ``pattern`` and ``pattern_unweighted``.

    Returns
    -------
    OfflineMap
        The page.
    """
    from geo_cdei.outputs.maps import build_page, context_overlays

    lang, units, pattern = analysis.settings.study.language, analysis.units, analysis.tables["pattern"]
    overlays = context_overlays(units, analysis.clusters, analysis.provinces, analysis.dash_line, lang=lang)
    detailed = analysis.clusters[["cluster_en", "geometry"]].join(_worded(pattern, lang))
    overlays = [_with_numbers(overlay, detailed, lang) for overlay in overlays]
    return build_page(
        units, _themes(analysis, pattern), overlays,
        meta=page_meta(analysis, title=word("page_pattern", lang), notes=_notes(analysis, pattern)),
        fields=(Field("score", word("score", lang), 1, word("not_scored", lang)),),
    )  # fmt: skip


def _themes(analysis: Analysis, pattern: pd.DataFrame) -> list[Theme]:
    from geo_cdei.outputs.legends import categorical

    lang, belongs = analysis.settings.study.language, analysis.units["cluster_id"]
    columns = {
        "role": (pattern["role"], ROLE_COLOURS),
        "role_unweighted": (analysis.tables["pattern_unweighted"]["role"], ROLE_COLOURS),
        "book_role": (pattern["book_role"].fillna("none"), BOOK_COLOURS),
    }
    outside = pd.Series(pd.NA, index=belongs.index, dtype="object")
    outside[analysis.units["score"].notna() & belongs.isna()] = "outside"
    return [
        categorical(
            belongs.map(values).rename(key), word(f"theme_{key}", lang), palette=palette,
            labels={name: word(f"role_{name}", lang) for name in palette}, apart=outside, lang=lang,
        )
        for key, (values, palette) in columns.items()
    ]  # fmt: skip


def _worded(pattern: pd.DataFrame, lang: str) -> pd.DataFrame:
    """Roles and types in the language of the page."""
    table = pattern.copy()
    table["role"] = table["role"].map({name: word(f"role_{name}", lang) for name in ROLE_COLOURS})
    table["book_role"] = table["book_role"].fillna("none").map({k: word(f"role_{k}", lang) for k in BOOK_COLOURS})
    table["type"] = table["type"].map(lambda kind: word(f"type_{kind}", lang) if isinstance(kind, str) else kind)
    return table


def _with_numbers(overlay: Overlay, detailed: pd.DataFrame, lang: str) -> Overlay:
    """Give the outlines of the clusters the numbers that decided their roles."""
    if overlay.key != "clusters":
        return overlay
    from dataclasses import replace

    digits = {"score": 1, "top_share": 2, "removal_share": 2, "bootstrap_top": 2, "p_region": 3, "p_region_fdr": 3}
    fields = (
        Field("cluster" if lang == "zh" else "cluster_en", word("cluster", lang)),
        Field("role", word("theme_role", lang)),
        Field("book_role", word("theme_book_role", lang)),
        Field("type", word("type", lang)),
        *(Field(name, word(f"pattern_{name}", lang), places) for name, places in digits.items()),
    )
    import geopandas as gpd

    return replace(overlay, frame=gpd.GeoDataFrame(detailed, geometry="geometry", crs=4326), fields=fields)


def _notes(analysis: Analysis, pattern: pd.DataFrame) -> tuple[str, ...]:
    lang, gaps = analysis.settings.study.language, analysis.tables["pattern_gap"]
    main = gaps[(gaps["weights"] == analysis.weights) & gaps["chosen"]]
    wanted = analysis.settings.pattern
    return (
        word("note_pattern_rule", lang, k=int(pattern["k"].max())),
        word("note_pattern_gap", lang, k=int(main["k"].iloc[0])),
        word("note_pattern_regions", lang, draws=f"{wanted.region_draws:,}", seed=analysis.settings.inference.seed),
    )
