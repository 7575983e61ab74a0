"""The page of axes and belts: corridors that were found, corridors that are claimed, and the verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from geo_cdei.outputs.layers import Field, Overlay, Style
from geo_cdei.outputs.page_meta import page_meta
from geo_cdei.outputs.texts import interaction, word
from geo_cdei.results import Analysis

if TYPE_CHECKING:
    import geopandas as gpd

    from geo_cdei.outputs.page import OfflineMap

__all__ = ["corridors_page"]

MOST_LINKS = 300
RIDGE_DIGITS = {"length_km": 0, "height": 2}
STYLES = {
    "claimed": Style("#b10026", 1.8),
    "control": Style("#b10026", 1.4, dash="5 4"),
    "ridges": Style("#f4a582", 5.0, opacity=0.55),
    "links": Style("#4a6fa5", 1.0, opacity=0.7),
    "stable": Style("#0b3c5d", 3.0, halo=True),
    "unstable": Style("#0b3c5d", 1.6, dash="6 4"),
    "ellipse": Style("#5b6670", 1.2, dash="2 3"),
}


def corridors_page(analysis: Analysis) -> OfflineMap:
    """Draw the backbone, the corridors found, the claimed belts with their verdicts, ridges and ellipses.

    Parameters
    ----------
    analysis : Analysis
        With the tables and layers of the step ``corridors``.

    Returns
    -------
    OfflineMap
        The page.
    """
    from geo_cdei.outputs.legends import Classing, graduated
    from geo_cdei.outputs.maps import build_page, context_overlays, unit_fields

    lang, units, wanted = analysis.settings.study.language, analysis.units, analysis.settings.map
    theme = graduated(
        units["score"],
        word("theme_score", lang),
        classing=Classing(wanted.scheme, wanted.classes, "Greys"),
        lang=lang,
    )
    context = context_overlays(units, analysis.clusters.iloc[:0], analysis.provinces, analysis.dash_line, lang=lang)
    return build_page(
        units, [theme], [*context, *_network(analysis, lang), *_corridors(analysis, lang)],
        meta=page_meta(analysis, title=word("page_corridors", lang), notes=_notes(analysis, lang)),
        fields=unit_fields(units, lang),
    )  # fmt: skip


def _network(analysis: Analysis, lang: str) -> list[Overlay]:
    """Ridges, the strongest links of the backbone, and the ellipse of the scores."""
    links = analysis.layers["corridor_links"].head(MOST_LINKS)
    links = links.assign(pixels=0.6 + 7.0 * (links["carried"] / links["carried"].max()) ** 0.5)
    ellipse = analysis.layers["corridor_ellipses"]
    ellipse = ellipse[ellipse["weights"] == "score"]
    ridge = tuple(Field(name, word(f"corridor_{name}", lang), places) for name, places in RIDGE_DIGITS.items())
    link = (
        Field("origin_city", word("from", lang)),
        Field("destination_city", word("to", lang)),
        Field("km", "km", 0),
        Field("carried", word("corridor_carried", lang), 3),
    )
    axes = (
        Field("weights", word("ellipse", lang)),
        Field("bearing_deg", word("corridor_bearing_deg", lang), 0),
        Field("elongation", word("elongation", lang), 2),
    )
    crest = analysis.layers["corridor_ridges"]
    return [
        Overlay("ridges", word("ridges", lang), crest, STYLES["ridges"], ridge, show=False),
        Overlay("links", word("backbone", lang, n=len(links)), links, STYLES["links"], link, width="pixels"),
        Overlay("ellipse", word("ellipse", lang), ellipse, STYLES["ellipse"], axes, show=False),
    ]


def _corridors(analysis: Analysis, lang: str) -> list[Overlay]:
    lines, belts = analysis.layers["corridor_lines"], analysis.layers["corridor_belts"]
    numbers = lines.drop(columns=["geometry", "kind", "cities", "n_cities"])
    tested = belts[belts["kind"] != "detected"].join(pd.DataFrame(numbers))
    tested = tested.assign(verdict=tested["verdict"].map(lambda said: _verdict(said, lang), na_action="ignore"))
    found = lines[lines["kind"] == "detected"]
    stable = found["stable"].fillna(False).astype(bool)
    layers = {
        "claimed": tested[tested["kind"] == "claimed"],
        "control": tested[tested["kind"] == "control"],
    }
    overlays = [
        Overlay(
            kind, word(f"corridors_{kind}", lang), frame, STYLES[kind], _claim_fields(lang), show=kind == "claimed"
        )
        for kind, frame in layers.items()
        if len(frame)
    ]
    for kind, frame in (("unstable", found[~stable]), ("stable", found[stable])):
        if len(frame):
            overlays.append(
                Overlay(
                    kind,
                    word(f"corridors_{kind}", lang),
                    frame,
                    STYLES[kind],
                    _found_fields(lang),
                    show=kind == "stable",
                )
            )
    return overlays


def _verdict(said: str, lang: str) -> str:
    return ", ".join(word(f"verdict_{part.strip()}", lang) for part in said.replace(" and ", ",").split(","))


def _claim_fields(lang: str) -> tuple[Field, ...]:
    tests = ("p_score_coast", "holm_score", "p_flow_anchors", "holm_flow", "p_score_rigid")
    digits = {"n_cities": 0, "score_mean": 1} | dict.fromkeys(tests, 3)
    return (
        Field(_name(lang), word("corridor", lang)),
        Field("verdict", word("verdict", lang)),
        *(Field(name, word(f"corridor_{name}", lang), places) for name, places in digits.items()),
        Field("clusters", word("clusters", lang)),
    )


def _found_fields(lang: str) -> tuple[Field, ...]:
    digits = {"n_cities": 0, "length_km": 0, "bearing_deg": 0, "flow_share": 3, "stability": 2}
    return (
        Field(_name(lang), word("corridor", lang)),
        *(Field(name, word(f"corridor_{name}", lang), places) for name, places in digits.items()),
    )


def _name(lang: str) -> str:
    return "name" if lang == "zh" else "name_en"


def _names(analysis: Analysis, lang: str) -> list[str]:
    """Cities without a mass, in the language of the page."""
    cities = analysis.cities.drop_duplicates("city").set_index("city")["city_en"]
    missing = [str(name) for name in analysis.facts["corridors"]["missing"]]
    return missing if lang == "zh" else [str(cities.get(name, name)) for name in missing]


def _notes(analysis: Analysis, lang: str) -> tuple[str, ...]:
    facts, wanted = analysis.facts["corridors"], analysis.settings.corridors
    seed = analysis.settings.inference.seed
    said = [
        word("note_network", lang, basis=interaction(facts, lang), missing=", ".join(_names(analysis, lang)) or "–")
    ]
    table: gpd.GeoDataFrame | pd.DataFrame = analysis.tables["corridors"]
    if (table["kind"] == "claimed").any():
        said.append(word("note_verdict", lang, km=f"{wanted.primary_km:g}", draws=f"{wanted.draws:,}", seed=seed))
    said.append(word("note_found", lang))
    return tuple(said)
