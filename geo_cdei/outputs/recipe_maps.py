"""A recipe drawn from the tables of a run, both ways: as a page that opens offline, and for print."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from geo_cdei.errors import GeoCdeiWarning, OutputError
from geo_cdei.outputs.extents import Focus, find_focus
from geo_cdei.outputs.layers import Overlay, Style
from geo_cdei.outputs.page_meta import page_meta
from geo_cdei.outputs.plane import Plane, build_plane, project_points
from geo_cdei.outputs.recipe_themes import bind
from geo_cdei.outputs.recipes import FORMATS, Recipe, nearest
from geo_cdei.outputs.sheet import PLACES, Sheet
from geo_cdei.outputs.texts import word, words
from geo_cdei.results import Analysis

if TYPE_CHECKING:
    import geopandas as gpd

    from geo_cdei.outputs.page import OfflineMap

__all__ = ["country_plane", "draw_recipe", "draw_recipes"]

#: Tolerance of the polygons on a printed map of the country; a dot is 2.4 km wide there.
COUNTRY_SIMPLIFY_M = 3000.0
_FOCUS_STYLE = Style(colour="#1f2a33", weight=2.4)
_PRINTED_CLUSTERS = Style(colour="#22313f", weight=0.65, halo=True)
_PRINTED_LAYER = Style(colour="#7a1f3d", weight=0.9, halo=True)
_OWN_OVERLAYS = ("provinces", "clusters", "names", "cluster_names", "dash_line")
_NAMES, _FIRST, _LONGEST_LINE = 75, 20, 13


def draw_recipe(
    recipe: Recipe,
    analysis: Analysis,
    *,
    lang: str | None = None,
    formats: Iterable[str] | None = None,
    extent: str | None = None,
    plane: Plane | None = None,
) -> dict[str, OfflineMap | bytes]:
    """Draw the map of a recipe in each of its formats.

    Parameters
    ----------
    recipe : Recipe
        What the map shows.
    analysis : Analysis
        The run that has its table.
    lang : {"zh", "en"}, optional
        The language. Without it that of the settings, and a printed map in English with a warning where no font
        has Chinese; Chinese that is asked for here is drawn in Chinese or not at all.
    formats : iterable of {"html", "png", "pdf", "svg"}, optional
        In place of the recipe's.
    extent : str, optional
        In place of the recipe's: country, a province, or a cluster.
    plane : Plane, optional
        From `country_plane`, where several maps of the country are drawn.

    Returns
    -------
    dict of str to OfflineMap or bytes
        By format, in the order of the formats.

    Raises
    ------
    OutputError
        If the table, column, extent or format is not there, a printed map of the country breaks a rule of
        standard maps, or Chinese was asked for without a font.
    """
    wanted = tuple(formats) if formats is not None else recipe.formats
    unknown = [fmt for fmt in wanted if fmt not in FORMATS]
    if unknown or not wanted:
        raise OutputError(f"there is no map format {unknown[:1]}; give some of {', '.join(FORMATS)}.")
    focus = find_focus(extent if extent is not None else recipe.extent, analysis)
    language = lang or analysis.settings.study.language
    products: dict[str, OfflineMap | bytes] = {}
    if any(fmt != "html" for fmt in wanted):
        products |= _print(recipe, analysis, focus, (language, lang is not None), wanted, plane)
    if "html" in wanted:
        products["html"] = _page(recipe, _in_language(analysis, language), focus)
    return {fmt: products[fmt] for fmt in wanted}


def draw_recipes(
    recipes: Mapping[str, Recipe],
    analysis: Analysis,
    *,
    formats: Iterable[str] = FORMATS,
    without: Iterable[str] = (),
) -> Iterator[tuple[str, OfflineMap | bytes]]:
    """Draw all recipes of a study, one file after the other; the country is projected once.

    Parameters
    ----------
    recipes : mapping of str to Recipe
        By name.
    analysis : Analysis
        The run.
    formats : iterable of str
        Which formats of the recipes are wanted.
    without : iterable of str
        Names of files that are drawn elsewhere, such as "scores.html".

    Yields
    ------
    tuple of (str, OfflineMap or bytes)
        Name of the file, such as "scores.png", and what it holds.

    Warns
    -----
    GeoCdeiWarning
        For a recipe whose table this run did not make: it is left out. Where no font has Chinese, the same
        warning comes with every printed map.
    """
    plane: Plane | None = None
    kept, elsewhere = set(formats), set(without)
    for name, recipe in recipes.items():
        wanted = [fmt for fmt in recipe.formats if fmt in kept and f"{name}.{fmt}" not in elsewhere]
        known = ["units", *analysis.tables]
        if recipe.table not in known:
            said = f"map {name} is left out: this run made no table {recipe.table!r}; {nearest(recipe.table, known)}"
            warnings.warn(GeoCdeiWarning(said), stacklevel=2)
        elif wanted:
            printed = any(fmt != "html" for fmt in wanted)
            plane = plane if plane is not None or not printed else country_plane(analysis)
            for fmt, product in draw_recipe(recipe, analysis, formats=wanted, plane=plane).items():
                yield f"{name}.{fmt}", product


def country_plane(analysis: Analysis) -> Plane:
    """Project the layers of a run for printed maps of the country.

    Parameters
    ----------
    analysis : Analysis
        The run.

    Returns
    -------
    Plane
        Simplified to about a dot of the printed map; neighbours keep shared borders.
    """
    return build_plane(analysis.units, analysis.clusters, analysis.dash_line, simplify_m=COUNTRY_SIMPLIFY_M)


def _in_language(analysis: Analysis, lang: str) -> Analysis:
    settings = analysis.settings
    study = settings.study.model_copy(update={"language": lang})
    return dataclasses.replace(analysis, settings=settings.model_copy(update={"study": study}))


def _heading(recipe: Recipe, focus: Focus | None, lang: str) -> str:
    if focus is None:
        return recipe.title[lang]
    mark = "：" if lang == "zh" else ": "
    return recipe.title[lang] + mark + word("surroundings", lang, name=focus.name(lang))


def _notes(recipe: Recipe, focus: Focus | None, lang: str) -> tuple[str, ...]:
    own = (recipe.note[lang],) if recipe.note else ()
    if focus is None:
        return own
    return (*own, word("counted_in", lang, name=focus.name(lang), n=len(focus.units)))


# Pages


def _page(recipe: Recipe, analysis: Analysis, focus: Focus | None) -> OfflineMap:
    from geo_cdei.outputs.maps import build_page

    lang = analysis.settings.study.language
    bound = bind(recipe, analysis, lang=lang, focus=focus)
    meta = page_meta(analysis, title=_heading(recipe, focus, lang), notes=_notes(recipe, focus, lang))
    if focus is not None:
        meta = dataclasses.replace(meta, extent=focus.bounds)
    return build_page(bound.frame, [bound.theme], _overlays(recipe, analysis, focus), meta=meta, fields=bound.fields)


def _overlays(recipe: Recipe, analysis: Analysis, focus: Focus | None) -> list[Overlay]:
    from geo_cdei.outputs.maps import city_names_overlay, context_overlays

    lang = analysis.settings.study.language
    wanted = {*_checked_overlays(recipe, analysis), "dash_line"}
    layers = context_overlays(analysis.units, analysis.clusters, analysis.provinces, analysis.dash_line, lang=lang)
    found = {layer.key: layer for layer in layers}
    if focus is not None:
        west, south, east, north = focus.bounds
        near = analysis.units["lon"].between(west, east) & analysis.units["lat"].between(south, north)
        found["names"] = city_names_overlay(analysis.units[near], lang)
    for name in wanted - set(found) - {"cluster_names"}:
        if name in analysis.layers:
            frame = analysis.layers[name].to_crs(4326)
            found[name] = Overlay(name, words([name], lang)[name], frame, Style("#7a1f3d", 1.6, halo=True))
    if "cluster_names" in wanted and len(analysis.clusters):
        found["cluster_names"] = _cluster_names(analysis, lang)
    kept = [layer for key, layer in found.items() if key in wanted]
    # the theme is called after the recipe, and so is the picture that a reader saves
    kept = [
        dataclasses.replace(layer, key=f"{layer.key}_layer") if layer.key == recipe.name else layer for layer in kept
    ]
    if focus is None:
        return kept
    return [Overlay("focus", focus.name(lang), _focus_outline(analysis, focus), _FOCUS_STYLE), *kept]


def _checked_overlays(recipe: Recipe, analysis: Analysis) -> tuple[str, ...]:
    known = [*_OWN_OVERLAYS, *analysis.layers]
    for name in recipe.overlays:
        if name not in known:
            raise OutputError(f"{recipe.where('overlays')}there is no overlay {name!r}; {nearest(name, known)}")
    return recipe.overlays


def _cluster_names(analysis: Analysis, lang: str) -> Overlay:
    import geopandas as gpd

    clusters = analysis.clusters
    names = clusters["cluster" if lang == "zh" else "cluster_en"].astype(str)
    inside = clusters.geometry.representative_point()
    frame = gpd.GeoDataFrame({"name": names, "radius": 1.8}, geometry=inside, crs=4326)
    return Overlay("cluster_names", word("cluster_names", lang), frame, width="radius", label="name")


def _focus_outline(analysis: Analysis, focus: Focus) -> gpd.GeoDataFrame:
    import geopandas as gpd

    whole = shapely.union_all(analysis.units.geometry.loc[focus.units].to_numpy())
    return gpd.GeoDataFrame(geometry=[whole], crs=4326)


# Print


def _print(
    recipe: Recipe,
    analysis: Analysis,
    focus: Focus | None,
    language: tuple[str, bool],
    formats: tuple[str, ...],
    plane: Plane | None,
) -> dict[str, OfflineMap | bytes]:
    """Choose fonts and language by the characters of the map, draw it once, write each format."""
    from geo_cdei.outputs.figures import characters, draw, render
    from geo_cdei.outputs.fonts import choose_fonts

    if focus is not None:
        ground = build_plane(analysis.units, analysis.clusters, analysis.dash_line)
    else:
        ground = plane or country_plane(analysis)
    sheets: dict[str, Sheet] = {}

    def text(lang: str) -> str:
        sheets[lang] = _sheet(recipe, _in_language(analysis, lang), focus, ground)
        return characters(sheets[lang])

    fonts = choose_fonts(text, lang=language[0], insist=language[1])
    drawn = draw(sheets[fonts.lang], fonts)
    return {fmt: render(drawn, fmt) for fmt in formats if fmt != "html"}


def _sheet(recipe: Recipe, analysis: Analysis, focus: Focus | None, plane: Plane) -> Sheet:
    lang = analysis.settings.study.language
    bound = bind(recipe, analysis, lang=lang, focus=focus)
    study = page_meta(analysis, notes=_notes(recipe, focus, lang))
    meta = dataclasses.replace(study, title=_heading(recipe, focus, lang), subtitle=study.title)
    return Sheet(
        plane, bound.theme, bound.keys, meta, _places(recipe, analysis, focus), focus=focus,
        lines=_printed_lines(recipe, analysis, plane),
    )  # fmt: skip


def _printed_lines(recipe: Recipe, analysis: Analysis, plane: Plane) -> dict[str, tuple[Any, Style]]:
    """Give the further lines of a printed map by the names that its legend shows."""
    lang = analysis.settings.study.language
    lines: dict[str, tuple[Any, Style]] = {}
    for name in _checked_overlays(recipe, analysis):
        if name == "clusters" and len(plane.clusters):
            edges = shapely.union_all(plane.clusters.boundary.to_numpy())
            lines[word("clusters", lang)] = (shapely.line_merge(edges), _PRINTED_CLUSTERS)
        elif name in analysis.layers:
            flat = analysis.layers[name].geometry.to_crs(plane.units.crs).to_numpy()
            areas = np.isin(shapely.get_type_id(flat), [3, 6])
            shapes = np.where(areas, shapely.boundary(flat), flat)
            lines[words([name], lang)[name]] = (shapely.line_merge(shapely.union_all(shapes)), _PRINTED_LAYER)
    return lines


def _places(recipe: Recipe, analysis: Analysis, focus: Focus | None) -> pd.DataFrame:
    """List what is named on a printed map, the most important first."""
    lang = analysis.settings.study.language
    overlays = _checked_overlays(recipe, analysis)
    if "cluster_names" in overlays and len(analysis.clusters):
        names = analysis.clusters["cluster" if lang == "zh" else "cluster_en"].astype(str).map(_in_two_lines)
        inside = analysis.clusters.geometry.representative_point()
        order = analysis.clusters["n_members"].sort_values(ascending=False, kind="stable").index
        xy = pd.DataFrame(project_points(inside.x, inside.y), index=names.index, columns=["x", "y"])
        named: pd.DataFrame = xy.assign(name=names, near=True, dot=False).loc[order, list(PLACES)]
        return named
    if "names" not in overlays:
        return pd.DataFrame({name: [] for name in PLACES})
    units = _by_weight(analysis.units, focus)
    names = units["city"] if lang == "zh" else units["city_en"].where(units["city_en"].ne(""), units["city"])
    # a name in brackets tells namesakes apart in a list; on a map their place does
    names = names.fillna(units["city"]).astype(str).str.replace(r"\s*\(.*\)$", "", regex=True)
    places = project_points(units["lon"], units["lat"])
    near = True if focus is None else units.index.isin(focus.units)
    return pd.DataFrame(
        {"name": names, "x": places[:, 0], "y": places[:, 1], "near": near, "dot": True}, index=units.index
    )


def _in_two_lines(name: str) -> str:
    """Break a long name at the space or hyphen nearest to its middle."""
    gaps = [i for i, character in enumerate(name) if character in " -"]
    if len(name) <= _LONGEST_LINE or not gaps:
        return name
    middle = min(gaps, key=lambda i: abs(i - len(name) / 2))
    return name[: middle + 1].rstrip() + "\n" + name[middle + 1 :]


def _by_weight(units: gpd.GeoDataFrame, focus: Focus | None) -> gpd.GeoDataFrame:
    """Order units as a reader misses them: the best of the country, the best of each province, then the others."""
    ranked = units.dropna(subset=["lon", "lat"]).sort_values("score", ascending=False, kind="stable")
    if focus is not None:
        inside = ranked.index.isin(focus.units)
        return ranked.loc[[*ranked.index[inside], *ranked.index[~inside]]]
    first = ranked.index[:_FIRST]
    best = ranked.drop_duplicates("province_adcode").index.difference(first, sort=False)
    rest = ranked.index.difference([*first, *best], sort=False)
    scored = ranked.loc[rest].dropna(subset="score").index
    return ranked.loc[[*first, *best, *scored]].head(_NAMES)
