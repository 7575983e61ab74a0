"""The page of the fifth pole: candidates by the probability of being first, the poles, and what each would hold."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from geo_cdei.outputs.layers import Field, Overlay, Style
from geo_cdei.outputs.page_meta import page_meta
from geo_cdei.outputs.texts import word
from geo_cdei.results import Analysis

if TYPE_CHECKING:
    from geo_cdei.outputs.legends import Theme
    from geo_cdei.outputs.page import OfflineMap

__all__ = ["poles_page"]

# ColorBrewer Set2: told apart by readers who confuse red and green
POLE_COLOURS = ("#66c2a5", "#fc8d62", "#8da0cb", "#e78ac3", "#a6d854", "#ffd92f", "#e5c494", "#b3b3b3")
SEAT_STYLE = Style(colour="#b10026", weight=2.0, halo=True)
SHARE_BOUNDS = (0.01, 0.05, 0.10, 0.25, 0.50, 1.0)  # p_first: the shortlist begins at 5 %


def poles_page(analysis: Analysis) -> OfflineMap:
    """Draw the candidates by the probability of being first, and what each pole would hold.

    Parameters
    ----------
    analysis : Analysis
        With the tables of the step ``poles``.

    Returns
    -------
    OfflineMap
        The page, with the chart of rank acceptabilities.
    """
    from geo_cdei.outputs.maps import build_page, context_overlays

    lang, units = analysis.settings.study.language, analysis.units
    overlays = context_overlays(units, analysis.clusters, analysis.provinces, analysis.dash_line, lang=lang)
    overlays = [_with_numbers(overlay, analysis, lang) for overlay in overlays]
    overlays.insert(-1, _seats(analysis, lang))
    tooltip = units.join(_catchments(analysis, lang)).join(analysis.tables["pole_sites"][["saved_share"]])
    return build_page(
        tooltip, _themes(analysis, lang), overlays,
        meta=page_meta(analysis, title=word("page_poles", lang), notes=_notes(analysis, lang)),
        fields=(
            Field("score", word("score", lang), 1, word("not_scored", lang)),
            Field("scale_2020", word("scale_2020", lang), 0),
            Field("before", word("pole_before", lang)),
            Field("after", word("pole_after", lang)),
            Field("saved_share", word("pole_saved", lang), 3),
        ),
        charts=[_chart(analysis, lang)],
    )  # fmt: skip


def _themes(analysis: Analysis, lang: str) -> list[Theme]:
    from geo_cdei.outputs.legends import Classing, categorical, graduated

    belongs, poles = analysis.units["cluster_id"], analysis.tables["poles"]
    held = analysis.tables["pole_catchments"]["pole_before"].unique()
    apart = pd.Series(pd.NA, index=belongs.index, dtype="object")
    apart[belongs.notna() & ~belongs.isin(poles.index)] = "not_a_candidate"
    apart[belongs.isin(held)] = "present_pole"
    apart[analysis.units["score"].notna() & belongs.isna()] = "outside"
    share = Classing("UserDefined", k=len(SHARE_BOUNDS), palette="YlGnBu", digits=2, bins=SHARE_BOUNDS)
    themes = [
        graduated(
            belongs.map(poles[column]).rename(column), word(f"theme_{column}", lang), classing=share, apart=apart,
            lang=lang,
        )
        for column in ("p_first", "p_first_flat", "p_top3")
    ]  # fmt: skip
    names = _names(analysis, lang)
    catchments = analysis.tables["pole_catchments"].reindex(analysis.units.index)
    known = sorted({*catchments["pole_before"].dropna(), *catchments["pole_after"].dropna()})
    palette = dict(zip(known, POLE_COLOURS, strict=False))
    themes += [
        categorical(
            catchments[f"pole_{when}"].rename(f"pole_{when}"), word(f"theme_pole_{when}", lang), palette=palette,
            labels=names, lang=lang,
        )
        for when in ("before", "after")
    ]  # fmt: skip
    return themes


def _names(analysis: Analysis, lang: str) -> dict[str, str]:
    names = analysis.clusters["cluster" if lang == "zh" else "cluster_en"]
    return {str(key): str(name) for key, name in names.items()}


def _catchments(analysis: Analysis, lang: str) -> pd.DataFrame:
    names, table = _names(analysis, lang), analysis.tables["pole_catchments"]
    return pd.DataFrame({"before": table["pole_before"].map(names), "after": table["pole_after"].map(names)})


def _seats(analysis: Analysis, lang: str) -> Overlay:
    """Seats of the candidates, the larger the likelier first."""
    import geopandas as gpd

    poles, cities = analysis.tables["poles"], analysis.cities
    seats = cities.loc[poles["seat"], ["lon", "lat"]].set_axis(poles.index)
    frame = gpd.GeoDataFrame(
        poles.assign(radius=3.0 + 9.0 * poles["p_first"] ** 0.5),
        geometry=gpd.points_from_xy(seats["lon"], seats["lat"]),
        crs=4326,
    )
    return Overlay("candidates", word("pole_candidates", lang), frame, SEAT_STYLE, _numbers(lang), width="radius")


def _numbers(lang: str) -> tuple[Field, ...]:
    digits = {"p_first": 3, "p_top3": 3, "p_first_flat": 3, "rank_additive": 0, "rank_topsis": 0, "rank_expected": 1}
    return (
        Field("cluster" if lang == "zh" else "cluster_en", word("cluster", lang)),
        *(Field(name, word(f"pole_{name}", lang), places) for name, places in digits.items()),
    )


def _with_numbers(overlay: Overlay, analysis: Analysis, lang: str) -> Overlay:
    if overlay.key != "clusters":
        return overlay
    numbers = analysis.tables["poles"].drop(columns=["cluster", "cluster_en"])
    detailed = analysis.clusters[["cluster", "cluster_en", "geometry"]].join(numbers)
    return replace(overlay, frame=detailed, fields=_numbers(lang))


def _notes(analysis: Analysis, lang: str) -> tuple[str, ...]:
    """Few lines; the page passes each through the escaping door once."""
    from geo_cdei.outputs.statements import pole_notes

    return pole_notes(analysis.facts["poles"], lang=lang)


def _chart(analysis: Analysis, lang: str) -> str:
    from geo_cdei.outputs.charts import acceptability_chart

    settings = analysis.settings
    note = word("pole_chart_note", lang, draws=f"{settings.poles.draws:,}", seed=settings.inference.seed)
    return acceptability_chart(
        analysis.tables["pole_ranks"], _names(analysis, lang),
        words=[word("pole_chart", lang), word("rank", lang), word("below", lang)], note=note,
    )  # fmt: skip
