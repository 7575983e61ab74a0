"""The page of spillovers: hinterlands, contested cities, halos of the cores, flows between the clusters."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd

from geo_cdei.outputs.layers import Field, Overlay, Style
from geo_cdei.outputs.lisa_page import LISA_COLOURS
from geo_cdei.outputs.page_meta import page_meta
from geo_cdei.outputs.texts import interaction, word
from geo_cdei.results import Analysis

if TYPE_CHECKING:
    from geo_cdei.outputs.legends import Theme
    from geo_cdei.outputs.page import OfflineMap

__all__ = ["spillovers_page"]

# ColorBrewer Paired and Set3 without their greys: neighbors among 30 clusters need many hues
HUES = (
    "#a6cee3", "#1f78b4", "#b2df8a", "#33a02c", "#fb9a99", "#e31a1c", "#fdbf6f", "#ff7f00", "#cab2d6", "#6a3d9a",
    "#ffff99", "#b15928", "#8dd3c7", "#bebada", "#fb8072", "#80b1d3", "#fdb462", "#b3de69", "#fccde5", "#bc80bd",
    "#ccebc5", "#ffed6f", "#7fc97f", "#beaed4", "#fdc086", "#386cb0", "#f0027f", "#bf5b17", "#66a61e", "#e6ab02",
)  # fmt: skip
CONTESTED = {"clusters": "#d94801", "within": "#fdd0a2", "no": "#f7f7f7"}
OUTSIDE = {"yes": "#6a51a3", "no": "#f7f7f7"}
HALO_STYLES = {
    "radiating": Style("#1a9850", 2.2), "siphoning": Style("#d73027", 2.2),
    "neutral": Style("#8c96a0", 1.0), "not tested": Style("#bdbdbd", 1.0, dash="2 3"),
}  # fmt: skip
FLOW_STYLE = Style("#0b5c8a", 1.0, opacity=0.75)


def spillovers_page(analysis: Analysis) -> OfflineMap:
    """Draw hinterlands, contested cities, halos and flows; every page says that these are associations.

    Parameters
    ----------
    analysis : Analysis
        With the tables and layers of the step ``spillovers``.

    Returns
    -------
    OfflineMap
        The page.
    """
    from geo_cdei.outputs.maps import build_page, context_overlays

    lang, units = analysis.settings.study.language, analysis.units
    named = _named(analysis, lang)
    context = context_overlays(units, analysis.clusters, analysis.provinces, analysis.dash_line, lang=lang)
    overlays = [*context[:-1], *_halos(analysis, lang), _flows(analysis, lang), context[-1]]
    fields = (
        Field("score", word("score", lang), 1, word("not_scored", lang)),
        Field("first_city", word("first_core", lang)),
        Field("first_probability", word("probability", lang), 2),
        Field("second_city", word("second_core", lang)),
        Field("second_probability", word("probability", lang), 2),
        Field("planned_names", word("planned", lang)),
        Field("hinterland_stability", word("variants_share", lang), 2),
    )
    meta = page_meta(analysis, title=word("page_spillovers", lang), notes=_notes(analysis, lang))
    return build_page(units.join(named), _themes(analysis, lang), overlays, meta=meta, fields=fields)


def _named(analysis: Analysis, lang: str) -> pd.DataFrame:
    """First and second core and planned clusters of every city, by name."""
    table, cities = analysis.tables["hinterland_cities"], analysis.cities
    city = cities["city" if lang == "zh" else "city_en"]
    clusters = analysis.clusters["cluster" if lang == "zh" else "cluster_en"]
    planned = table["planned"].fillna("").map(lambda ids: ", ".join(clusters.get(i, i) for i in ids.split(";") if i))
    return pd.DataFrame(
        {
            "first_city": table["first"].map(city), "first_probability": table["first_probability"],
            "second_city": table["second"].map(city), "second_probability": table["second_probability"],
            "planned_names": planned, "hinterland_stability": table["stability"],
        }
    )  # fmt: skip


def _themes(analysis: Analysis, lang: str) -> list[Theme]:
    from geo_cdei.outputs.legends import categorical

    table, units = analysis.tables["hinterland_cities"], analysis.units.index
    names = analysis.clusters["cluster" if lang == "zh" else "cluster_en"]
    used = sorted(table["first_cluster"].dropna().unique())
    contested = pd.Series("no", index=table.index).mask(table["contested"].astype(bool), "within")
    contested = contested.mask(table["contested_clusters"].astype(bool), "clusters")
    outside = table["outside_plan"].astype(bool).map({True: "yes", False: "no"})
    size = analysis.tables["size_lisa"]
    quadrant = size["quadrant"].astype("object").where(size["significant"].astype(bool), "ns")
    quadrant = quadrant.mask(size["p_sim"].isna(), "undefined")
    lisa = {key: colour for key, colour in LISA_COLOURS.items() if key not in ("unstable", "isolate")}
    columns = {
        "hinterland": (table["first_cluster"], dict(zip(used, cycle(HUES), strict=False)), names.to_dict()),
        "contested": (contested, CONTESTED, {key: word(f"contested_{key}", lang) for key in CONTESTED}),
        "outside_plan": (outside, OUTSIDE, {key: word(f"outside_plan_{key}", lang) for key in OUTSIDE}),
        "size_lisa": (quadrant, lisa, {key: word(f"size_{key}", lang) for key in lisa}),
    }
    return [
        categorical(
            values.reindex(units).rename(key), word(f"theme_{key}", lang), palette=palette, labels=labels, lang=lang
        )
        for key, (values, palette, labels) in columns.items()
    ]


def _halos(analysis: Analysis, lang: str) -> list[Overlay]:
    """One layer per class, so that a reader sees at once how few cores leave the envelope."""
    circles = analysis.layers["halo_circles"]
    fdr = circles["significant_fdr"].map({True: word("yes", lang), False: word("no", lang)})
    cities = analysis.cities["city" if lang == "zh" else "city_en"]
    circles = circles.assign(fdr=fdr, core_name=circles["core"].map(cities))
    fields = (
        Field("core_name", word("core", lang)), Field("p", "p", 3), Field("fdr", word("after_fdr", lang)),
        Field("part", word("halo_part", lang)), Field("estimate", word("halo_estimate", lang), 2),
    )  # fmt: skip
    overlays = []
    for kind, style in HALO_STYLES.items():
        frame = circles[circles["halo"] == kind]
        if len(frame):
            key = f"halo_{kind.replace(' ', '_')}"
            show = kind in ("radiating", "siphoning")
            overlays.append(Overlay(key, word(f"halo_{kind}", lang, n=len(frame)), frame, style, fields, show=show))
    return overlays


def _flows(analysis: Analysis, lang: str) -> Overlay:
    lines: gpd.GeoDataFrame = analysis.layers["flow_lines"]
    names = analysis.clusters["cluster" if lang == "zh" else "cluster_en"]
    drawn = lines.assign(
        pixels=0.6 + 6.0 * (lines["flow"] / lines["flow"].max()) ** 0.5,
        sender=lines["origin"].map(names), receiver=lines["destination"].map(names),
    )  # fmt: skip
    fields = (
        Field("sender", word("from", lang)), Field("receiver", word("to", lang)),
        Field("flow", word("flow", lang), 0), Field("net", word("net_flow", lang), 0),
        Field("share", word("flow_share", lang), 3),
    )  # fmt: skip
    return Overlay("flows", word("flows", lang, n=len(drawn)), drawn, FLOW_STYLE, fields, width="pixels", show=False)


def _notes(analysis: Analysis, lang: str) -> tuple[str, ...]:
    cores, facts = analysis.tables["halo_cores"], analysis.facts["spillovers"]
    tested = cores["p"].notna()
    left = analysis.cities["city" if lang == "zh" else "city_en"].reindex(list(facts["left_out"]))
    return (
        word("note_associations", lang, graph=analysis.base_graph),
        word("note_flows", lang, model=interaction(facts, lang)),
        word(
            "note_halos", lang, tested=int(tested.sum()), left=int((tested & cores["halo"].ne("neutral")).sum()),
            expected=f"{0.05 * tested.sum():.0f}", fdr=int(cores["significant_fdr"].fillna(False).astype(bool).sum()),
        ),
        word("note_left_out", lang, cities=", ".join(left.dropna())),
    )  # fmt: skip
