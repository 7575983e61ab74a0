"""How each layer of the hand-over is drawn: the classes and colours of the pages."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, localcontext
from typing import TYPE_CHECKING, Literal

import pandas as pd

from geo_cdei.outputs.catalogue import column_title, table_title
from geo_cdei.outputs.style_files import LayerStyle, Look, StyleClass
from geo_cdei.outputs.texts import word
from geo_cdei.results import Analysis

if TYPE_CHECKING:
    import geopandas as gpd

    from geo_cdei.outputs.layers import Style
    from geo_cdei.outputs.legends import Classing

__all__ = ["layer_styles", "shown_classes"]

BORDER = "#ffffff"
DIGITS = 6  # QGIS reads six digits of a number in an SLD
CORRIDORS = ("claimed", "control", "stable", "unstable")


def shown_classes(name: str, layer: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Add to a layer what a map shows of it where no single column says so.

    Parameters
    ----------
    name : str
        Name of the layer.
    layer : geopandas.GeoDataFrame
        The layer.

    Returns
    -------
    geopandas.GeoDataFrame
        ``lisa`` with ``class`` and ``class_fdr`` (quadrant, ns, unstable, isolate, undefined), ``corridor_lines``
        with ``class`` (claimed, control, stable, unstable), ``pattern`` with a ``book_role`` of "none" where the book
        names none; another layer as it was.
    """
    from geo_cdei.outputs.lisa_page import lisa_classes

    if name == "lisa":
        plain = pd.DataFrame(layer)
        return layer.assign(
            **{"class": lisa_classes(plain, "significant"), "class_fdr": lisa_classes(plain, "significant_fdr")}
        )
    if name == "corridor_lines":
        steady = layer["stable"].fillna(False).astype(bool).map({True: "stable", False: "unstable"})
        return layer.assign(**{"class": layer["kind"].mask(layer["kind"] == "detected", steady)})
    if name == "pattern":
        return layer.assign(book_role=layer["book_role"].fillna("none"))
    return layer


def layer_styles(analysis: Analysis, layers: Mapping[str, pd.DataFrame]) -> list[LayerStyle]:
    """Give the styles of the layers that a run has, the default one of each layer first.

    Parameters
    ----------
    analysis : Analysis
        The run.
    layers : mapping of str to DataFrame
        Layers by name; those without a style of ours have none.

    Returns
    -------
    list of LayerStyle
        Titles and labels in the language of the settings.
    """
    found = [*_scores(analysis), *_tests(analysis), *_corridors(analysis), *_spillovers(analysis), *_poles(analysis)]
    found += _ground(analysis.settings.study.language)
    return [style for style in found if style.layer in layers]


def _named(
    layer: str, column: str, lang: str, *, palette: Mapping[str, str], labels: Mapping[str, str], default: bool = True
) -> LayerStyle:
    """Colour areas by the names of their classes; every class is there, the empty ones too."""
    classes = tuple(
        StyleClass(labels.get(value, value), Look(colour, BORDER), value=value) for value, colour in palette.items()
    )
    return LayerStyle(
        layer, column, _title(layer, column, lang), "polygon", "categorized", classes, column, is_default=default
    )


def _numbered(
    layer: str, column: str, lang: str, *, values: pd.Series, classing: Classing, default: bool = True
) -> LayerStyle:
    """Colour areas by intervals of a number, with the bounds that the pages have."""
    from geo_cdei.outputs.legends import shades, upper_bounds

    bounds = upper_bounds(values.dropna(), classing)
    colours = shades(classing.palette, len(bounds)) if bounds else []
    lower = [min(float(values.min()), bounds[0]), *bounds[:-1]] if bounds else []
    classes = tuple(
        StyleClass(
            f"{low:.{classing.digits}f} – {high:.{classing.digits}f}", Look(colour, BORDER),
            lower=_nearby(low, values, up=number > 0), upper=_nearby(high, values, up=True),
        )
        for number, (low, high, colour) in enumerate(zip(lower, bounds, colours, strict=False))
    )  # fmt: skip
    return LayerStyle(
        layer, column, _title(layer, column, lang), "polygon", "graduated", classes, column, is_default=default
    )


def _nearby(bound: float, values: pd.Series, *, up: bool) -> float:
    """Round a bound away from its class to the six digits that some programs read of it, if no value is between."""
    with localcontext(prec=DIGITS, rounding=ROUND_CEILING if up else ROUND_FLOOR) as context:
        near = float(context.create_decimal_from_float(float(bound)))
    between = values[(values > bound) & (values <= near)] if up else values[(values < bound) & (values >= near)]
    return float(bound) if len(between) else near


def _title(layer: str, column: str, lang: str) -> str:
    comma = "：" if lang == "zh" else ": "
    return f"{table_title(layer, lang).title}{comma}{column_title(layer, column, lang).header}"


def _lines(
    layer: str, lang: str, looks: Mapping[str, Style], *, column: str = "", labels: Mapping[str, str] | None = None
) -> LayerStyle:
    """Draw lines, or outlines of areas, alike or by the names of their classes."""
    areas = layer in ("corridor_belts", "corridor_ellipses", "halo_circles", "provinces")
    known = labels or {}
    classes = tuple(StyleClass(known.get(value, value), _look(look), value=value) for value, look in looks.items())
    title = _title(layer, column, lang) if column else table_title(layer, lang).title
    return LayerStyle(
        layer, column or "outline", title, "polygon" if areas else "line", "categorized" if column else "single",
        classes, column,
    )  # fmt: skip


def _look(style: Style) -> Look:
    return Look("", style.colour, style.weight, style.dash, style.opacity)


def _scores(analysis: Analysis) -> list[LayerStyle]:
    from dataclasses import replace

    from geo_cdei.outputs.legends import Classing, shades, upper_bounds
    from geo_cdei.outputs.maps import CLUSTER_PALETTE, TIER_COLOURS

    lang, wanted = analysis.settings.study.language, analysis.settings.map
    how = Classing(wanted.scheme, wanted.classes, wanted.palette)
    styles = [_numbered("cities", "score", lang, values=analysis.units["score"], classing=how)]
    if "tier" in analysis.units:
        best = analysis.units.groupby("tier")["score"].max().sort_values(ascending=False)
        palette = dict(zip(map(str, best.index), TIER_COLOURS, strict=False))
        labels = {tier: _worded(tier, lang) for tier in palette}
        styles.append(_named("cities", "tier", lang, palette=palette, labels=labels, default=False))
    if len(analysis.clusters) and analysis.clusters["score"].notna().any():
        score = analysis.clusters["score"]
        bounds = upper_bounds(score, how)
        # the pages leave the palest step to what is outside the clusters
        blue = replace(how, palette=tuple(shades(CLUSTER_PALETTE, len(bounds) + 1)[1:]), bins=tuple(bounds))
        styles.append(_numbered("clusters", "score", lang, values=score, classing=blue))
    return styles


def _worded(key: str, lang: str) -> str:
    """Give the word of the pages for a key that a study may have made up."""
    try:
        return word(key, lang)
    except KeyError:
        return key


def _tests(analysis: Analysis) -> list[LayerStyle]:
    from geo_cdei.outputs.lisa_page import LISA_COLOURS
    from geo_cdei.outputs.pattern_page import BOOK_COLOURS, ROLE_COLOURS

    lang = analysis.settings.study.language
    quadrants = {name: word(f"lisa_{name}", lang) for name in LISA_COLOURS}
    roles = {name: word(f"role_{name}", lang) for name in (*ROLE_COLOURS, *BOOK_COLOURS)}
    return [
        _named("lisa", "class", lang, palette=LISA_COLOURS, labels=quadrants),
        _named("lisa", "class_fdr", lang, palette=LISA_COLOURS, labels=quadrants, default=False),
        _named("pattern", "role", lang, palette=ROLE_COLOURS, labels=roles),
        _named("pattern", "book_role", lang, palette=BOOK_COLOURS, labels=roles, default=False),
    ]


def _corridors(analysis: Analysis) -> list[LayerStyle]:
    from geo_cdei.outputs.corridors_page import STYLES

    lang = analysis.settings.study.language
    kinds = {name: STYLES[name] for name in CORRIDORS}
    labels = {name: word(f"corridors_{name}", lang) for name in (*CORRIDORS, "detected")}
    belts = {"claimed": STYLES["claimed"], "control": STYLES["control"], "detected": STYLES["stable"]}
    return [
        _lines("corridor_lines", lang, kinds, column="class", labels=labels),
        _lines("corridor_belts", lang, belts, column="kind", labels=labels),
        _lines("corridor_links", lang, {"": STYLES["links"]}),
        _lines("corridor_ridges", lang, {"": STYLES["ridges"]}),
        _lines("corridor_ellipses", lang, {"": STYLES["ellipse"]}),
    ]


def _spillovers(analysis: Analysis) -> list[LayerStyle]:
    from geo_cdei.outputs.spillovers_page import FLOW_STYLE, HALO_STYLES, HUES

    lang = analysis.settings.study.language
    circles = analysis.layers.get("halo_circles")
    count = {} if circles is None else circles["halo"].value_counts().to_dict()
    halos = {name: word(f"halo_{name}", lang, n=count.get(name, 0)) for name in HALO_STYLES}
    styles = [
        _lines("halo_circles", lang, HALO_STYLES, column="halo", labels=halos),
        _lines("flow_lines", lang, {"": FLOW_STYLE}),
    ]
    table = analysis.tables.get("hinterland_cities")
    if table is not None:
        used = sorted(table["first_cluster"].dropna().unique())
        hues = dict(zip(used, HUES, strict=False))
        styles.append(_named("hinterland_areas", "first_cluster", lang, palette=hues, labels=_names(analysis, lang)))
    return styles


def _poles(analysis: Analysis) -> list[LayerStyle]:
    from geo_cdei.outputs.legends import Classing
    from geo_cdei.outputs.poles_page import POLE_COLOURS, SHARE_BOUNDS

    lang, poles = analysis.settings.study.language, analysis.tables.get("poles")
    if poles is None:
        return []
    share = Classing("UserDefined", k=len(SHARE_BOUNDS), palette="YlGnBu", digits=2, bins=SHARE_BOUNDS)
    styles = [
        _numbered("poles", column, lang, values=poles[column], classing=share, default=column == "p_first")
        for column in ("p_first", "p_first_flat", "p_top3")
    ]
    catchments = analysis.tables["pole_catchments"]
    known = sorted({*catchments["pole_before"].dropna(), *catchments["pole_after"].dropna()})
    palette = dict(zip(known, POLE_COLOURS, strict=False))
    return styles + [
        _named(
            "pole_catchments", f"pole_{when}", lang, palette=palette, labels=_names(analysis, lang),
            default=when == "before",
        )
        for when in ("before", "after")
    ]  # fmt: skip


def _names(analysis: Analysis, lang: str) -> dict[str, str]:
    names = analysis.clusters["cluster" if lang == "zh" else "cluster_en"]
    return {str(key): str(name) for key, name in names.items()}


def _ground(lang: str) -> list[LayerStyle]:
    from geo_cdei.outputs.legends import NOT_SCORED_COLOUR
    from geo_cdei.outputs.maps import DASH_LINE_STYLE, PROVINCE_STYLE

    def single(layer: str, look: Look) -> LayerStyle:
        title = table_title(layer, lang).title
        kind: Literal["polygon", "line"] = "line" if layer == "dash_line" else "polygon"
        return LayerStyle(layer, "outline", title, kind, "single", (StyleClass("", look),))

    return [
        single("units", Look(NOT_SCORED_COLOUR, "#c9ced2", 0.4)),
        single("provinces", _look(PROVINCE_STYLE)),
        single("dash_line", _look(DASH_LINE_STYLE)),
    ]
