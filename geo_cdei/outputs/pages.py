"""Which pages a run draws, and what each says about itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pandas as pd

from geo_cdei.outputs.layers import Field, MapMeta, Scatter
from geo_cdei.outputs.texts import word
from geo_cdei.results import Analysis

if TYPE_CHECKING:
    from geo_cdei.outputs.legends import Theme
    from geo_cdei.outputs.page import OfflineMap

__all__ = ["build_pages", "page_meta"]


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


def page_meta(analysis: Analysis, *, title: str = "", notes: tuple[str, ...] = ()) -> MapMeta:
    """Say what every page of a study says: its title, source, date, language and approval number.

    Parameters
    ----------
    analysis : Analysis
        What was found.
    title : str
        What the page shows, put behind the study's title.
    notes : tuple of str
        Further lines.

    Returns
    -------
    MapMeta
        In the language of the settings.
    """
    study = analysis.settings.study
    chinese = study.language == "zh"
    return MapMeta(
        title=study.title if chinese else study.title_en,
        subtitle=title,
        source=study.source if chinese else study.source_en,
        date=study.date.isoformat(),
        lang=study.language,
        approval_number=study.approval_number or None,
        notes=notes,
    )


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
        unweighted=f"{analysis.national['unweighted']:.1f}", weights=analysis.weights,
    )  # fmt: skip
    table = analysis.tables.get("weighting")
    if table is None or table.empty:
        return (national,)
    rmse = table.drop_duplicates("weights").set_index("weights")["rmse"]
    rivals = "; ".join(f"{name} {value:.2f}" for name, value in rmse.items() if name != analysis.weights)
    long = analysis.tables["cluster_scores"]
    printed = long[(long["weights"] == analysis.weights) & long["cluster_id"].isin(table["cluster_id"])]
    names = analysis.clusters["cluster" if lang == "zh" else "cluster_en"]
    interval = "; ".join(f"{names[row.cluster_id]} {row.low:.1f}–{row.high:.1f}" for row in printed.itertuples())
    inferred = word(
        "note_weighting", lang, weights=analysis.weights, n=len(printed), rmse=f"{rmse.get(analysis.weights):.2f}",
        rivals=rivals, interval=interval,
    )  # fmt: skip
    return inferred, national


STABLE_GRAPHS = 5 / 7  # a class is called stable when at least five of the seven graphs give it

# GeoDa's colours
LISA_COLOURS = {
    "HH": "#FF0000", "LL": "#0000FF", "LH": "#A7ADF9", "HL": "#F4ADA8", "unstable": "#C9B8CF", "ns": "#EEEEEE",
    "undefined": "#464646", "isolate": "#999999",
}  # fmt: skip
SPOT_COLOURS = {"hot": "#FF0000", "cold": "#0000FF", "ns": "#EEEEEE", "undefined": "#464646"}


def _lisa_page(analysis: Analysis) -> OfflineMap:
    """Local Moran at p ≤ .05 and after FDR, hot spots, and the Moran scatterplot."""
    from geo_cdei.outputs.maps import build_page, context_overlays, unit_fields

    lang, units, lisa = analysis.settings.study.language, analysis.units, analysis.tables["lisa"]
    note = word(
        "note_lisa", lang, graph=analysis.base_graph, share="5/7", permutations=f"{_permutations(analysis):,}",
        seed=analysis.settings.inference.seed,
    )  # fmt: skip
    return build_page(
        units.join(lisa.add_prefix("lisa_").drop(columns="lisa_city")),
        _lisa_themes(analysis, lisa),
        context_overlays(units, analysis.clusters, analysis.provinces, analysis.dash_line, lang=lang),
        meta=page_meta(analysis, title=word("page_lisa", lang), notes=(note,)),
        fields=(*unit_fields(units, lang)[:2], *_lisa_fields(lang)),
        panels=[_moran_scatter(analysis, lisa)],
    )


def _lisa_themes(analysis: Analysis, lisa: pd.DataFrame) -> list[Theme]:
    from geo_cdei.outputs.legends import categorical

    lang, units = analysis.settings.study.language, analysis.units.index
    getis = analysis.tables["getis"]
    spots = spot_classes(getis[getis["statistic"] == "Gi*"])
    labels = {name: word(f"lisa_{name}", lang) for name in (*LISA_COLOURS, *SPOT_COLOURS)}
    rules = ("significant", "significant_fdr")
    columns = {f"lisa_{rule}": (lisa_classes(lisa, rule), LISA_COLOURS) for rule in rules}
    columns |= {f"spot_{rule}": (spots[rule], SPOT_COLOURS) for rule in rules}
    return [
        categorical(
            classes.reindex(units).rename(key), word(f"theme_{key}", lang), palette=palette, labels=labels, lang=lang
        )
        for key, (classes, palette) in columns.items()
    ]


def lisa_classes(lisa: pd.DataFrame, rule: str) -> pd.Series:
    """Class of every city on the map: its quadrant where it is significant and stable, else why not.

    Parameters
    ----------
    lisa : pandas.DataFrame
        ``lisa.csv``: ``quadrant``, ``stability`` and the column named by `rule`.
    rule : {"significant", "significant_fdr"}
        Which flag decides.

    Returns
    -------
    pandas.Series
        HH, LL, LH, HL, unstable (significant, but the class of fewer than five of the seven graphs), ns,
        isolate (no neighbor) or undefined (no p-value for another reason).
    """
    classes = lisa["quadrant"].astype("object").where(lisa[rule].astype(bool), "ns")
    shaky = lisa[rule].astype(bool) & (lisa["stability"] < STABLE_GRAPHS - 1e-9)
    classes = classes.mask(shaky, "unstable")
    classes = classes.mask(lisa["p_sim"].isna(), "undefined")
    return classes.mask(lisa["lag"].isna() & lisa["z"].notna(), "isolate")


def spot_classes(getis: pd.DataFrame) -> pd.DataFrame:
    """Class of every city by Gi*: hot, cold, not significant or undefined, under both rules.

    Parameters
    ----------
    getis : pandas.DataFrame
        Rows of one statistic of ``getis.csv``.

    Returns
    -------
    pandas.DataFrame
        Columns ``significant`` and ``significant_fdr``.
    """
    rules = ("significant", "significant_fdr")
    table = {rule: getis["spot"].astype("object").where(getis[rule].astype(bool), "ns") for rule in rules}
    return pd.DataFrame(table).mask(getis["p_sim"].isna(), "undefined")


def _permutations(analysis: Analysis) -> int:
    return int(analysis.tables["lisa"].attrs.get("permutations", 0))


def _lisa_fields(lang: str) -> tuple[Field, ...]:
    return (
        Field("lisa_quadrant", word("quadrant", lang)),
        Field("lisa_z", "z", 2),
        Field("lisa_lag", word("lag", lang), 2),
        Field("lisa_I", "I", 2),
        Field("lisa_p_sim", "p", 4),
        Field("lisa_stability", word("stability", lang), 2),
    )


def _moran_scatter(analysis: Analysis, lisa: pd.DataFrame) -> Scatter:
    lang, moran = analysis.settings.study.language, analysis.tables["moran"]
    row = moran[
        (moran["statistic"] == "moran") & (moran["variable"] == "score") & (moran["graph"] == analysis.base_graph)
    ].iloc[0]
    return Scatter(
        word("moran_scatter", lang), lisa["z"], lisa["lag"], word("z_score", lang), word("lag", lang),
        line=(float(row["value"]), 0.0),
        note=f"I = {row['value']:.3f}, p = {row['p_sim']:.4f} ({row['alternative']}, {row['permutations']:,})",
    )  # fmt: skip


_PAGES: dict[str, tuple[str, Callable[[Analysis], OfflineMap]]] = {
    "scores": ("cities", _scores_page),
    "lisa": ("lisa", _lisa_page),
}
"""Pages, each with the table it cannot be drawn without."""
