"""The layers of the atlas: how each colours the cities, and what it draws over them, in both languages at once.

A line or point is written once; only its tooltip stands there in Chinese and in English.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from geo_cdei.outputs.corridors_page import STYLES
from geo_cdei.outputs.layers import Field, Overlay, Style, rows, shared_borders
from geo_cdei.outputs.legends import Classing, shades, upper_bounds
from geo_cdei.outputs.maps import CLUSTER_STYLE, DASH_LINE_STYLE, PROVINCE_STYLE
from geo_cdei.outputs.poles_page import SEAT_STYLE, SHARE_BOUNDS
from geo_cdei.outputs.spillovers_page import FLOW_STYLE, HUES
from geo_cdei.outputs.texts import LANGUAGES, word
from geo_cdei.results import Analysis

__all__ = ["atlas_layers", "atlas_overlays", "classes_of"]

LAYERS = ("scores", "lisa", "clusters", "corridors", "spillovers", "poles")
_CLUSTER_PALETTE, _SHARE_PALETTE, _QUIET_PALETTE = "PuBu", "YlGnBu", "Greys"


def atlas_layers(analysis: Analysis) -> dict[str, dict[str, Any]]:
    """Say which layers the study has, and the colours of those that colour by cluster.

    Parameters
    ----------
    analysis : Analysis
        What was found.

    Returns
    -------
    dict of str to dict
        Name of the layer to its classes. ``clusters`` and ``poles`` hold ``bins``, ``colours`` and one value per
        cluster; ``spillovers`` the position of each city's first cluster (-1 for none) and one colour per
        cluster; the others nothing, since the variable colours them.
    """
    found: dict[str, dict[str, Any]] = {"scores": {}}
    if "lisa_all" in analysis.tables:
        found["lisa"] = {}
    if len(analysis.clusters):
        score = analysis.clusters["score"]
        how = Classing(analysis.settings.map.scheme, analysis.settings.map.classes, _CLUSTER_PALETTE)
        bins = upper_bounds(score, how)
        # the palest step could be taken for "outside the clusters"
        found["clusters"] = _classed(score, bins, shades(_CLUSTER_PALETTE, len(bins) + 1)[1:])
    if "corridor_lines" in analysis.layers:
        found["corridors"] = {}
    if "hinterland_cities" in analysis.tables:
        first = analysis.tables["hinterland_cities"]["first_cluster"].reindex(analysis.cities.index)
        used = sorted(first.dropna().unique())
        colours = dict(zip(used, HUES, strict=False))
        found["spillovers"] = {
            "of": analysis.clusters.index.get_indexer(pd.Index(first)).tolist(),
            "colours": [colours.get(cluster, HUES[-1]) for cluster in analysis.clusters.index],
        }
    if "poles" in analysis.tables:
        share = analysis.tables["poles"]["p_first"].reindex(analysis.clusters.index)
        found["poles"] = _classed(share, SHARE_BOUNDS, shades(_SHARE_PALETTE, len(SHARE_BOUNDS)))
    return found


def _classed(values: pd.Series, bins: tuple[float, ...], colours: list[str]) -> dict[str, Any]:
    return {
        "bins": [round(bound, 4) for bound in bins],
        "colours": colours,
        "values": [None if pd.isna(value) else round(float(value), 4) for value in values],
    }


def classes_of(values: pd.Series, analysis: Analysis) -> dict[str, Any]:
    """Find the classes of a variable as the settings of the maps want them.

    Parameters
    ----------
    values : pandas.Series
        One number per city, as written in the table (four decimals).
    analysis : Analysis
        For the settings.

    Returns
    -------
    dict
        ``bins`` (upper bounds, included), ``colours`` and ``greys``, low to high.
    """
    wanted = analysis.settings.map
    bins = upper_bounds(values.round(4), Classing(wanted.scheme, wanted.classes))
    n = len(bins)
    return {
        "bins": [round(bound, 4) for bound in bins],
        "colours": shades(wanted.palette, n),
        "greys": shades(_QUIET_PALETTE, n + 2)[:n],
    }


def atlas_overlays(analysis: Analysis) -> list[dict[str, Any]]:
    """Give all that is drawn over the units, each with the layers that it belongs to.

    Parameters
    ----------
    analysis : Analysis
        What was found.

    Returns
    -------
    list of dict
        ``key``, ``layers`` (all when empty), ``title`` and ``fields`` and ``rows`` per language, ``style``,
        ``widths``, and ``shapes`` once.
    """
    provinces = shared_borders(analysis.provinces.geometry)
    dash = gpd.GeoDataFrame(geometry=[analysis.dash_line], crs=4326)
    found = [
        _both("provinces", "provinces", provinces, PROVINCE_STYLE),
        _both("dash_line", "dash_line", dash, DASH_LINE_STYLE),
    ]
    if len(analysis.clusters):
        outlines = Style(
            CLUSTER_STYLE.colour, 0.9, opacity=0.65
        )  # thinner than alone on a page: names stand here too
        where = ("clusters", "poles", "spillovers")
        found.append(_both("clusters", "clusters", analysis.clusters, outlines, layers=where))
    if "corridor_lines" in analysis.layers:
        found += _corridors(analysis)
    if "flow_lines" in analysis.layers:
        found.append(_flows(analysis))
    if "poles" in analysis.tables:
        found.append(_seats(analysis))
    return found


def _both(
    key: str,
    title: str,
    frame: gpd.GeoDataFrame,
    style: Style,
    *,
    layers: tuple[str, ...] = (),
    fields: Callable[[str], tuple[Field, ...]] = lambda _: (),
    width: str | None = None,
) -> dict[str, Any]:
    """Write a layer once, with what its tooltip and its title say in either language."""
    payload = Overlay(key, "", frame, style, width=width).payload()
    in_both = {lang: fields(lang) for lang in LANGUAGES}
    return {
        "key": key,
        "layers": list(layers),
        "style": payload["style"],
        "widths": payload["widths"],
        "shapes": payload["shapes"],
        "title": [word(title, lang, n=len(frame)) for lang in LANGUAGES],
        "fields": [[item.label for item in in_both[lang]] for lang in LANGUAGES],
        "rows": [rows(frame, in_both[lang]) for lang in LANGUAGES],
    }


def _corridors(analysis: Analysis) -> list[dict[str, Any]]:
    lines, belts = analysis.layers["corridor_lines"], analysis.layers["corridor_belts"]
    numbers = pd.DataFrame(lines.drop(columns=["geometry", "kind", "cities", "n_cities"]))
    tested = belts[belts["kind"] != "detected"].join(numbers)
    for lang in LANGUAGES:
        said = tested["verdict"].map(lambda said, lang=lang: _verdict(said, lang), na_action="ignore")
        tested = tested.assign(**{f"verdict_{lang}": said})
    detected = lines[lines["kind"] == "detected"]
    stable = detected["stable"].fillna(False).astype(bool)
    frames = {
        "claimed": tested[tested["kind"] == "claimed"],
        "control": tested[tested["kind"] == "control"],
        "unstable": detected[~stable],
        "stable": detected[stable],
    }
    return [
        _both(
            kind, f"corridors_{kind}", frame, STYLES[kind], layers=("corridors",),
            fields=_claim_fields if kind in ("claimed", "control") else _found_fields,
        )
        for kind, frame in frames.items()
        if len(frame)
    ]  # fmt: skip


def _verdict(said: str, lang: str) -> str:
    return ", ".join(word(f"verdict_{part.strip()}", lang) for part in said.replace(" and ", ",").split(","))


def _claim_fields(lang: str) -> tuple[Field, ...]:
    digits = {"n_cities": 0, "score_mean": 1, "holm_score": 3, "holm_flow": 3}
    return (
        Field("name" if lang == "zh" else "name_en", word("corridor", lang)),
        Field(f"verdict_{lang}", word("verdict", lang)),
        *(Field(name, word(f"corridor_{name}", lang), places) for name, places in digits.items()),
    )


def _found_fields(lang: str) -> tuple[Field, ...]:
    digits = {"n_cities": 0, "length_km": 0, "flow_share": 3, "stability": 2}
    return (
        Field("name" if lang == "zh" else "name_en", word("corridor", lang)),
        *(Field(name, word(f"corridor_{name}", lang), places) for name, places in digits.items()),
    )


def _flows(analysis: Analysis) -> dict[str, Any]:
    lines = analysis.layers["flow_lines"]
    ends: dict[str, pd.Series] = {}
    for lang, column in zip(LANGUAGES, ("cluster", "cluster_en"), strict=True):
        names = analysis.clusters[column]
        ends |= {f"sender_{lang}": lines["origin"].map(names), f"receiver_{lang}": lines["destination"].map(names)}
    drawn = lines.assign(pixels=0.4 + 4.5 * np.sqrt(lines["flow"] / lines["flow"].max()), **ends)

    def fields(lang: str) -> tuple[Field, ...]:
        return (
            Field(f"sender_{lang}", word("from", lang)), Field(f"receiver_{lang}", word("to", lang)),
            Field("flow", word("flow", lang), 0), Field("share", word("flow_share", lang), 3),
        )  # fmt: skip

    style = Style(FLOW_STYLE.colour, FLOW_STYLE.weight, opacity=0.5)
    return _both("flows", "flows", drawn, style, layers=("spillovers",), fields=fields, width="pixels")


def _seats(analysis: Analysis) -> dict[str, Any]:
    poles = analysis.tables["poles"]
    seats = analysis.cities.loc[poles["seat"], ["lon", "lat"]].set_axis(poles.index)
    frame = gpd.GeoDataFrame(
        poles.assign(radius=3.0 + 9.0 * np.sqrt(poles["p_first"])),
        geometry=gpd.points_from_xy(seats["lon"], seats["lat"]),
        crs=4326,
    )

    def fields(lang: str) -> tuple[Field, ...]:
        digits = {"p_first": 3, "p_top3": 3, "rank_additive": 0, "rank_expected": 1}
        return (
            Field("cluster" if lang == "zh" else "cluster_en", word("cluster", lang)),
            *(Field(name, word(f"pole_{name}", lang), places) for name, places in digits.items()),
        )

    return _both("seats", "pole_candidates", frame, SEAT_STYLE, layers=("poles",), fields=fields, width="radius")
