"""The page of the local statistics: LISA, hot spots, and the Moran scatterplot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from geo_cdei.outputs.layers import Field, Scatter
from geo_cdei.outputs.page_meta import page_meta
from geo_cdei.outputs.texts import word
from geo_cdei.results import Analysis

if TYPE_CHECKING:
    from geo_cdei.outputs.legends import Theme
    from geo_cdei.outputs.page import OfflineMap

__all__ = ["lisa_classes", "lisa_page", "spot_classes"]

STABLE_GRAPHS = 5 / 7  # a class is called stable when at least five of the seven graphs give it

# GeoDa's colours
LISA_COLOURS = {
    "HH": "#FF0000", "LL": "#0000FF", "LH": "#A7ADF9", "HL": "#F4ADA8", "unstable": "#C9B8CF", "ns": "#EEEEEE",
    "undefined": "#464646", "isolate": "#999999",
}  # fmt: skip
SPOT_COLOURS = {"hot": "#FF0000", "cold": "#0000FF", "ns": "#EEEEEE", "undefined": "#464646"}


def lisa_page(analysis: Analysis) -> OfflineMap:
    """Draw local Moran at p ≤ .05 and after FDR, hot spots, and the Moran scatterplot.

    Parameters
    ----------
    analysis : Analysis
        With the tables ``lisa``, ``getis`` and ``moran``.

    Returns
    -------
    OfflineMap
        The page.
    """
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
    sides = word(f"alternative_{row['alternative']}", lang)
    return Scatter(
        word("moran_scatter", lang), lisa["z"], lisa["lag"], word("z_score", lang), word("lag", lang),
        line=(float(row["value"]), 0.0),
        note=f"I = {row['value']:.3f}, p = {row['p_sim']:.4f} ({sides}, {row['permutations']:,})",
    )  # fmt: skip
