"""Maps that open without a network: themes and layers on one set of units, drawn by folium.

folium makes the Leaflet map; one element of our own carries the units once for all themes and attaches the
scripts of ``assets``, and `page.self_contained` writes the whole as one file. Texts of the data travel as
JSON and are put on the page as text, never as markup.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd

from geo_cdei.errors import AlignmentError, OutputError
from geo_cdei.outputs._escape import script_json, text
from geo_cdei.outputs.layers import (
    COORDINATE_UNIT,
    Field,
    MapMeta,
    Overlay,
    Scatter,
    Style,
    check_degrees,
    packed,
    rows,
    shared_borders,
)
from geo_cdei.outputs.legends import Classing, Theme, categorical, graduated, shades, upper_bounds
from geo_cdei.outputs.page import OWN_ASSET, OfflineMap, self_contained
from geo_cdei.outputs.texts import INTERFACE, word, words

if TYPE_CHECKING:
    import folium
    from shapely import MultiLineString

__all__ = ["build_page", "carried_page", "score_map"]

_PLACE = "data"  # stands in the shell of a page for its numbers and texts
_SCRIPTS = ("dom", "map", "legend", "search", "labels", "chart", "picture", "paper", "start")

CLUSTER_PALETTE = "PuBu"
TIER_COLOURS = ("#54278f", "#756bb1", "#9e9ac8", "#cbc9e2", "#ebe9f5", "#f6f5fa")
CLUSTER_STYLE = Style(colour="#22313f", weight=1.3, halo=True)
PROVINCE_STYLE = Style(colour="#6d7780", weight=0.8)
NAME_STYLE = Style(colour="#1f2a33", weight=1.0)
NAMED_CITIES = 60
DASH_LINE_STYLE = Style(colour="#4a555f", weight=1.8)

_SHELL = """
{% macro html(this, kwargs) %}
<header class="gc-head"><div class="gc-titles"><h1>{{ this.title }}</h1>
{%- if this.subtitle %}<p>{{ this.subtitle }}</p>{% endif %}</div><div class="gc-search"></div></header>
<aside class="gc-side">{% for chart in this.charts %}<figure class="gc-chart">{{ chart }}</figure>{% endfor %}</aside>
<footer class="gc-foot">{% for line in this.lines %}<span>{{ line }}</span>{% endfor %}</footer>
<script type="application/json" id="{{ this.get_name() }}">{{ this.payload }}</script>
{% endmacro %}
{% macro script(this, kwargs) %}
geoCdei.start({{ this._parent.get_name() }}, "{{ this.get_name() }}");
{% endmacro %}
"""


def build_page(
    units: gpd.GeoDataFrame,
    themes: Sequence[Theme],
    overlays: Sequence[Overlay],
    *,
    meta: MapMeta,
    fields: Sequence[Field] = (),
    panels: Sequence[Scatter] = (),
    charts: Sequence[str] = (),
) -> OfflineMap:
    """Make a page with a map of the units, one theme at a time, layers over it and charts beside it.

    Parameters
    ----------
    units : geopandas.GeoDataFrame of shape (n_units,)
        Polygons in EPSG:4326, indexed by ``adcode``, with the columns ``city`` and ``city_en`` by which a
        reader finds them.
    themes : sequence of Theme
        At least one; the first is shown first.
    overlays : sequence of Overlay
        Drawn in this order, the last on top.
    meta : MapMeta
        Title, source, date, language and notices.
    fields : sequence of Field
        Lines of the units' tooltip.
    panels : sequence of Scatter
        Charts, linked with the units.
    charts : sequence of str
        Drawings as SVG, made here with every text escaped; they stand below the legend.

    Returns
    -------
    OfflineMap
        The page; the same arguments give the same bytes.

    Raises
    ------
    OutputError
        If the units are not in degrees, keys are used twice, or a tooltip asks for a column
        that is not there.
    AlignmentError
        If a theme lists other units, or in another order.

    Examples
    --------
    >>> from shapely import box
    >>> units = gpd.GeoDataFrame(
    ...     {"city": ["北京"], "city_en": ["Beijing"], "score": [90.0]},
    ...     geometry=[box(115, 39, 117, 41)], index=["110000"], crs=4326)
    >>> meta = MapMeta("Scores", source="blue book", date="2026-01-31", lang="en")
    >>> build_page(units, [graduated(units["score"], "Score", lang="en")], [], meta=meta).title
    'Scores'
    """
    _check_parts(units, themes, overlays)
    drawn = [overlay.payload() for overlay in overlays]
    payload = {
        "lang": meta.lang,
        "name": themes[0].key,
        "title": meta.title,
        "lines": list(meta.notices()),
        "words": words(INTERFACE, meta.lang),
        "extent": _extent(units, overlays, meta),
        "codes": units.index.tolist(),
        "names": [
            [str(zh), "" if pd.isna(en) else str(en)] for zh, en in zip(units["city"], units["city_en"], strict=True)
        ],
        "fields": [item.label for item in fields],
        "points": _points(units),
        "rows": rows(units, tuple(fields)),
        "themes": [_theme_payload(theme) for theme in themes],
        "overlays": drawn,
        "panels": [panel.payload(units.index) for panel in panels],
        "unit": COORDINATE_UNIT,
        "shapes": packed(units.geometry),
    }
    html = self_contained(_folium_map(meta, charts), title=meta.title, lang=meta.lang)
    return OfflineMap(_filled(html, payload), meta.title)


def _check_parts(units: gpd.GeoDataFrame, themes: Sequence[Theme], overlays: Sequence[Overlay]) -> None:
    if not themes or units.empty:
        raise OutputError(f"a map needs units and a theme, got {len(units)} units and {len(themes)} themes.")
    check_degrees(units, "the layer of units")
    absent = [name for name in ("city", "city_en") if name not in units.columns]
    if absent or not units.index.is_unique:
        raise OutputError(f"units need a unique index and the columns city and city_en; missing: {absent}.")
    keys = [theme.key for theme in themes] + [overlay.key for overlay in overlays]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise OutputError(f"the keys {twice} are used twice among {keys}; give each theme and overlay its own.")
    for theme in themes:
        if not theme.assignment.index.equals(units.index):
            strangers = theme.assignment.index.symmetric_difference(units.index)
            raise AlignmentError(
                f"theme {theme.key!r} lists {len(theme.assignment)} units, the map has {len(units)}; "
                f"{len(strangers)} are in one only (first: {strangers[:3].tolist()}). "
                "Use reindex(units.index) before classing."
            )


def _theme_payload(theme: Theme) -> dict[str, Any]:
    return {
        "key": theme.key,
        "title": theme.title,
        "note": theme.note,
        "classes": [[line.label, line.colour, line.count, int(line.hatch)] for line in theme.classes],
        "of": theme.assignment.tolist(),
    }


def _points(units: gpd.GeoDataFrame) -> list[list[float]]:
    """Give a point inside each unit, where its card opens."""
    inside = units.geometry.representative_point()
    return [[x, y] for x, y in zip(inside.x.round(3).tolist(), inside.y.round(3).tolist(), strict=True)]


def _extent(units: gpd.GeoDataFrame, overlays: Sequence[Overlay], meta: MapMeta) -> list[float]:
    """Give west, south, east, north of the first view."""
    if meta.extent is not None:
        return [float(value) for value in meta.extent]
    bounds = [units.total_bounds, *(overlay.frame.total_bounds for overlay in overlays if len(overlay.frame))]
    table = pd.DataFrame(bounds, columns=["west", "south", "east", "north"])
    low, high = table.min(), table.max()
    return [round(float(v), 3) for v in (low["west"], low["south"], high["east"], high["north"])]


def _folium_map(meta: MapMeta, charts: Sequence[str]) -> folium.Map:
    holds = {
        "title": text(meta.title),
        "subtitle": text(meta.subtitle),
        "lines": [text(line) for line in meta.notices()],
        "charts": list(charts),
    }
    return _carrier(_SHELL, (_SCRIPTS, ("page",)), holds)


def carried_page(
    payload: dict[str, Any], *, title: str, lang: str, shell: str, assets: tuple[Sequence[str], Sequence[str]]
) -> OfflineMap:
    """Put data and scripts of our own on an empty Leaflet map and write it as one page.

    Parameters
    ----------
    payload : dict
        Numbers and texts for the scripts; it passes the escaping door here.
    title, lang : str
        Title and language of the page.
    shell : str
        Template with the macros ``html`` (it must hold ``this.payload``) and ``script``.
    assets : tuple of two sequences of str
        Names of the scripts and of the style sheets among the assets, without endings, in order.

    Returns
    -------
    OfflineMap
        The page.

    Raises
    ------
    OutputError
        If a number is not finite.
    """
    return OfflineMap(_filled(self_contained(_carrier(shell, assets, {}), title=title, lang=lang), payload), title)


def _filled(html: str, payload: dict[str, Any]) -> str:
    """Put the data on a page; as the last, for branca reads whatever it has written as a template once more.

    No text of the data can hold the place for them: a bracket is escaped there.
    """
    return html.replace(f">{_PLACE}</script>", f">{script_json(payload)}</script>")


def _carrier(shell: str, assets: tuple[Sequence[str], Sequence[str]], holds: dict[str, Any]) -> folium.Map:
    """Make the folium map with our element on it; folium is imported here and nowhere else."""
    import folium
    from folium.elements import JSCSSMixin
    from folium.template import Template

    class Atlas(JSCSSMixin):
        _template = Template(shell)
        default_js = [(name, f"{OWN_ASSET}{name}.js") for name in assets[0]]  # noqa: RUF012
        default_css = [(f"atlas_{name}", f"{OWN_ASSET}{name}.css") for name in assets[1]]  # noqa: RUF012

    atlas: Any = Atlas()  # type: ignore[no-untyped-call]
    atlas._name = "Atlas"
    for name, value in holds.items():
        setattr(atlas, name, value)
    atlas.payload = _PLACE
    leaflet_map = folium.Map(
        tiles=None,
        zoom_control=False,
        zoom_snap=0.1,
        zoom_delta=0.5,
        attribution_control=False,
        track_resize=False,
    )
    leaflet_map.add_child(atlas)
    return leaflet_map


def score_map(
    units: gpd.GeoDataFrame,
    clusters: gpd.GeoDataFrame,
    provinces: gpd.GeoDataFrame,
    dash_line: MultiLineString,
    *,
    meta: MapMeta,
    scheme: str = "FisherJenks",
    k: int = 5,
    palette: str = "YlGnBu",
) -> OfflineMap:
    """Map the scores of the cities, their tiers and the weighted scores of the clusters.

    Parameters
    ----------
    units : geopandas.GeoDataFrame of shape (n_units,)
        All prefecture-level units, scored or not, indexed by ``adcode``: city, city_en, province, score,
        rank, tier, scale_2020, gdp_2019, gdp_check, cluster_id, cluster, cluster_en, geometry in EPSG:4326.
    clusters : geopandas.GeoDataFrame of shape (n_clusters,)
        Indexed by ``cluster_id``: cluster, cluster_en, score, n_scored, n_members, geometry.
    provinces : geopandas.GeoDataFrame
        Province polygons.
    dash_line : shapely.MultiLineString
        The dash line in the South China Sea.
    meta : MapMeta
        Title, source, date, language and notices; the page adds its own notes to them.
    scheme, k, palette
        How scores are classed and coloured, as in `Classing`.

    Returns
    -------
    OfflineMap
        The page.

    Raises
    ------
    OutputError, AlignmentError
        As `build_page`.
    """
    lang = meta.lang
    themes = [graduated(units["score"], word("theme_score", lang), classing=Classing(scheme, k, palette), lang=lang)]
    if "tier" in units:
        themes.append(_tier_theme(units, lang))
    if len(clusters):
        themes.append(_cluster_theme(units, clusters["score"], classing=Classing(scheme, k), lang=lang))
    overlays = context_overlays(units, clusters, provinces, dash_line, lang=lang)
    return build_page(units, themes, overlays, meta=meta, fields=unit_fields(units, lang))


def context_overlays(
    units: gpd.GeoDataFrame,
    clusters: gpd.GeoDataFrame,
    provinces: gpd.GeoDataFrame,
    dash_line: MultiLineString,
    *,
    lang: str,
) -> list[Overlay]:
    """Make the layers that every map of the country has: provinces, clusters, dash line, names of cities."""
    outlines = Overlay("clusters", word("clusters", lang), clusters, CLUSTER_STYLE, _cluster_fields(lang))
    return [
        Overlay("provinces", word("provinces", lang), shared_borders(provinces.geometry), PROVINCE_STYLE),
        *([outlines] if len(clusters) else []),
        dash_line_overlay(dash_line, lang),
        city_names_overlay(units, lang),
    ]


def dash_line_overlay(dash_line: MultiLineString, lang: str) -> Overlay:
    """Make the layer of the dash line, which every map of the whole country has."""
    frame = gpd.GeoDataFrame(geometry=[dash_line], crs=4326)
    return Overlay("dash_line", word("dash_line", lang), frame, DASH_LINE_STYLE)


def city_names_overlay(units: gpd.GeoDataFrame, lang: str) -> Overlay:
    """Make the layer that names the best-placed cities at their seats, so that a reader finds the way."""
    best = units.dropna(subset="score").sort_values("score", ascending=False, kind="stable").head(NAMED_CITIES)
    has_seat = {"lon", "lat"} <= set(units.columns)
    points = gpd.points_from_xy(best["lon"], best["lat"]) if has_seat else best.geometry.representative_point()
    names = best["city"].where(best["city_en"].isna() | best["city_en"].eq("") | (lang == "zh"), best["city_en"])
    frame = gpd.GeoDataFrame({"name": names, "radius": 2.2}, geometry=points, crs=4326)
    return Overlay("names", word("names", lang), frame, NAME_STYLE, width="radius", label="name")


def _tier_theme(units: gpd.GeoDataFrame, lang: str) -> Theme:
    """Colour the tiers, the one with the best city first."""
    tiers = units.sort_values("score", ascending=False, kind="stable")["tier"].dropna().unique().tolist()
    if len(tiers) > len(TIER_COLOURS):
        raise OutputError(f"the tier theme has {len(TIER_COLOURS)} colours, the table {len(tiers)} tiers: {tiers}.")
    palette = dict(zip(tiers, TIER_COLOURS, strict=False))
    labels = words(tiers, lang)
    return categorical(units["tier"], word("theme_tier", lang), palette=palette, labels=labels, lang=lang)


def _cluster_theme(units: gpd.GeoDataFrame, cluster_score: pd.Series, *, classing: Classing, lang: str) -> Theme:
    """Colour the units by the score of their cluster, with classes made over the clusters, not the cities."""
    belongs = units["cluster_id"].isin(cluster_score.index)
    values = units["cluster_id"].map(cluster_score).astype("float64").rename("cluster_score")
    apart = pd.Series(pd.NA, index=units.index, dtype="object")
    # an unscored city is "not scored", whatever cluster it may belong to
    apart[~belongs & units["score"].notna()] = "outside"
    apart[belongs & values.isna()] = "unscored_cluster"
    bins = upper_bounds(cluster_score, classing)
    # The palest step is left out: it could be taken for "outside the clusters".
    how = dataclasses.replace(classing, palette=tuple(shades(CLUSTER_PALETTE, len(bins) + 1)[1:]), bins=bins)
    return graduated(values, word("theme_cluster", lang), classing=how, apart=apart, lang=lang)


def unit_fields(units: gpd.GeoDataFrame, lang: str) -> tuple[Field, ...]:
    """Say what the tooltip of a unit shows, in the order of a reader's questions."""
    not_scored = word("not_scored", lang)
    checks, tiers = (_labels_of(units, column, lang) for column in ("gdp_check", "tier"))
    province = "province_en" if lang == "en" and "province_en" in units.columns else "province"
    fields = (
        Field("score", word("score", lang), 1, not_scored),
        Field("rank", word("rank", lang), 0),
        Field("tier", word("tier", lang), labels=tiers),
        Field("cluster" if lang == "zh" else "cluster_en", word("cluster", lang)),
        Field("membership", word("membership", lang), labels=_labels_of(units, "membership", lang)),
        Field(province, word("province", lang)),
        Field("scale_2020", word("scale_2020", lang), 0),
        Field("gdp_2019", word("gdp_2019", lang), 0),
        Field("gdp_check", word("gdp_check", lang), labels=checks),
    )
    return tuple(field for field in fields if field.column in units.columns)


def _labels_of(units: gpd.GeoDataFrame, column: str, lang: str) -> dict[str, str]:
    """Give what a reader sees for each value of a column; nothing where the study has no such column."""
    if column not in units.columns:
        return {}
    return words([str(value) for value in units[column].dropna().unique()], lang)


def _cluster_fields(lang: str) -> tuple[Field, ...]:
    return (
        Field("cluster" if lang == "zh" else "cluster_en", word("cluster", lang)),
        Field("score", word("theme_cluster", lang), 1, word("not_scored", lang)),
        Field("n_scored", word("n_scored", lang), 0),
        Field("n_members", word("n_members", lang), 0),
    )
