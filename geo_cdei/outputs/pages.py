"""Which pages a run draws, and what each says about itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from geo_cdei.outputs.page_meta import page_meta
from geo_cdei.outputs.texts import weighting, word
from geo_cdei.results import Analysis

if TYPE_CHECKING:
    from geo_cdei.outputs.page import OfflineMap

__all__ = ["build_pages"]


def build_pages(analysis: Analysis) -> dict[str, OfflineMap]:
    """Draw every page that the analysis has the data for.

    Parameters
    ----------
    analysis : Analysis
        What was found.

    Returns
    -------
    dict of str to OfflineMap
        Name of the page (without ending) to the page.
    """
    return {name: draw(analysis) for name, (needed, draw) in _PAGES.items() if needed in analysis.tables}


def _scores_page(analysis: Analysis) -> OfflineMap:
    from geo_cdei.outputs.maps import score_map

    lang = analysis.settings.study.language
    meta = page_meta(analysis, title=word("page_scores", lang), notes=weighting_notes(analysis))
    return score_map(
        analysis.units, analysis.clusters, analysis.provinces, analysis.dash_line, meta=meta,
        scheme=analysis.settings.map.scheme, k=analysis.settings.map.classes, palette=analysis.settings.map.palette,
    )  # fmt: skip


def weighting_notes(analysis: Analysis) -> tuple[str, ...]:
    """Say where the weighting comes from, how its rivals do, and what the nation's like-for-like mean is.

    Parameters
    ----------
    analysis : Analysis
        What was found.

    Returns
    -------
    tuple of str
        Sentences in the language of the settings; the numbers are those of ``weighting.csv``,
        ``cluster_scores.csv`` and the national means.
    """
    lang = analysis.settings.study.language
    national = word(
        "note_national", lang, weighted=f"{analysis.national['weighted']:.1f}",
        unweighted=f"{analysis.national['unweighted']:.1f}", weights=weighting(analysis.weights, lang),
    )  # fmt: skip
    table = analysis.tables.get("weighting")
    if table is None or table.empty or not _reproduces(analysis):
        return (national,)
    rmse = table.drop_duplicates("weights").set_index("weights")["rmse"]
    others = [(str(name), value) for name, value in rmse.items() if name != analysis.weights]
    rivals = "; ".join(f"{weighting(name, lang)} {value:.2f}" for name, value in others)
    long = analysis.tables["cluster_scores"]
    printed = long[(long["weights"] == analysis.weights) & long["cluster_id"].isin(table["cluster_id"])]
    names = analysis.clusters["cluster" if lang == "zh" else "cluster_en"]
    interval = "; ".join(f"{names[row.cluster_id]} {row.low:.1f}–{row.high:.1f}" for row in printed.itertuples())
    inferred = word(
        "note_weighting", lang, weights=weighting(analysis.weights, lang), n=len(printed),
        rmse=f"{rmse.get(analysis.weights):.2f}",
        rivals=rivals, interval=interval,
    )  # fmt: skip
    return inferred, national


def _reproduces(analysis: Analysis) -> bool:
    """Whether the printed cluster scores come out: only then can a weighting be inferred from them."""
    printed = analysis.tables["reproduction"]
    verdicts = printed.loc[printed["quantity"] == "cluster_weighted_score", "reproduced"]
    return bool((verdicts == "yes").any() and (verdicts != "no").all())


def _editions(analysis: Analysis) -> OfflineMap:
    from geo_cdei.outputs.editions_page import editions_page

    return editions_page(analysis)


def _lisa(analysis: Analysis) -> OfflineMap:
    from geo_cdei.outputs.lisa_page import lisa_page

    return lisa_page(analysis)


def _pattern(analysis: Analysis) -> OfflineMap:
    from geo_cdei.outputs.pattern_page import pattern_page

    return pattern_page(analysis)


def _corridors(analysis: Analysis) -> OfflineMap:
    from geo_cdei.outputs.corridors_page import corridors_page

    return corridors_page(analysis)


def _spillovers(analysis: Analysis) -> OfflineMap:
    from geo_cdei.outputs.spillovers_page import spillovers_page

    return spillovers_page(analysis)


def _poles(analysis: Analysis) -> OfflineMap:
    from geo_cdei.outputs.poles_page import poles_page

    return poles_page(analysis)


def _atlas(analysis: Analysis) -> OfflineMap:
    from geo_cdei.outputs.atlas import build_atlas

    return build_atlas(analysis)


_PAGES: dict[str, tuple[str, Callable[[Analysis], OfflineMap]]] = {
    "scores": ("cities", _scores_page),
    "editions": ("edition_scores", _editions),
    "lisa": ("lisa", _lisa),
    "pattern": ("pattern", _pattern),
    "corridors": ("corridors", _corridors),
    "spillovers": ("hinterland_cities", _spillovers),
    "poles": ("poles", _poles),
    "atlas": ("lisa_all", _atlas),
}
"""Pages, each with the table it cannot be drawn without."""
