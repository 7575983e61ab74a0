"""A recipe bound to the tables of a run: the value, class and tooltip of every unit."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from geo_cdei.errors import OutputError
from geo_cdei.outputs.extents import Focus
from geo_cdei.outputs.layers import Field
from geo_cdei.outputs.legends import Classing, Theme, categorical, graduated, upper_bounds
from geo_cdei.outputs.lisa_page import lisa_classes, spot_classes
from geo_cdei.outputs.palettes import class_colours, number_colours
from geo_cdei.outputs.recipes import Recipe, TooltipField, nearest
from geo_cdei.outputs.texts import word, words
from geo_cdei.results import Analysis

if TYPE_CHECKING:
    import geopandas as gpd

__all__ = ["DERIVED", "Bound", "bind"]

#: Columns that a recipe may name though the table holds only what they are made of.
DERIVED: dict[tuple[str, str], Callable[[pd.DataFrame], pd.Series]] = {
    ("lisa", "class"): lambda table: lisa_classes(table, "significant"),
    ("lisa", "class_fdr"): lambda table: lisa_classes(table, "significant_fdr"),
    ("getis", "class"): lambda table: spot_classes(table)["significant"],
    ("getis", "class_fdr"): lambda table: spot_classes(table)["significant_fdr"],
}
_NO_COLOUR = "#cfd3d6"
_LABELLED = {"lisa": "lisa_", "lisa_safe": "lisa_", "spots": "lisa_", "spots_safe": "lisa_", "roles": "role_"}


@dataclass(frozen=True, slots=True)
class Bound:
    """What a recipe says of every unit.

    Parameters
    ----------
    theme : Theme
        Classes, counted in the focus, and the class of each unit.
    keys : pandas.Series of shape (n_units,)
        The value of each unit, or why it has none.
    frame : geopandas.GeoDataFrame of shape (n_units, any)
        The units with the columns of the table.
    fields : tuple of Field
        Lines of the tooltip.
    """

    theme: Theme
    keys: pd.Series
    frame: gpd.GeoDataFrame
    fields: tuple[Field, ...]


def bind(recipe: Recipe, analysis: Analysis, *, lang: str, focus: Focus | None = None) -> Bound:
    """Bind a recipe to the tables of a run.

    Parameters
    ----------
    recipe : Recipe
        What the map shows.
    analysis : Analysis
        The run.
    lang : {"zh", "en"}
        Language of legend and tooltip.
    focus : Focus, optional
        Where units are counted; classes are always those of the whole country.

    Returns
    -------
    Bound
        Theme, keys, frame and fields.

    Raises
    ------
    OutputError
        If table, column, rows or tooltip name something that is not there; with the line and the nearest name.
    """
    table = _table(recipe, analysis)
    if table.index.name == "cluster_id":
        theme, keys = _cluster_theme(recipe, analysis, table, lang)
    else:
        values = table[recipe.column].reindex(analysis.units.index).rename(recipe.name)
        theme = _theme(recipe, values, None, None, lang)
        keys = values.astype("object").where(values.notna(), "not_scored")
    if focus is not None:
        theme = _counted(theme, focus.units)
    frame = _joined(analysis, table)
    return Bound(theme, keys, frame, _fields(recipe, frame, lang))


def _table(recipe: Recipe, analysis: Analysis) -> pd.DataFrame:
    """Find table and column, take the wanted rows, and index them by unit or cluster."""
    known = ["units", *analysis.tables]
    if recipe.table not in known:
        raise OutputError(
            f"{recipe.where('table')}there is no table {recipe.table!r}; {nearest(recipe.table, known)}"
        )
    table = analysis.units if recipe.table == "units" else analysis.tables[recipe.table]
    table = _keyed(recipe, _wanted_rows(recipe, table), analysis)
    derived = {column: make for (name, column), make in DERIVED.items() if name == recipe.table}
    if recipe.column in derived and recipe.column not in table:
        return table.assign(**{recipe.column: derived[recipe.column](table)})
    columns = [str(name) for name in table.columns if name != "geometry"]
    if recipe.column not in columns:
        said = nearest(recipe.column, [*columns, *derived])
        raise OutputError(f"{recipe.where('column')}table {recipe.table!r} has no column {recipe.column!r}; {said}")
    if recipe.kind == "graduated" and not pd.api.types.is_numeric_dtype(table[recipe.column]):
        raise OutputError(
            f"{recipe.where('kind')}a graduated map needs numbers, {recipe.column!r} of {recipe.table!r} holds "
            "texts; use kind = 'categorical'"
        )
    return table


def _wanted_rows(recipe: Recipe, table: pd.DataFrame) -> pd.DataFrame:
    for column, value in recipe.rows.items():
        if column not in table:
            said = nearest(column, [str(name) for name in table.columns])
            raise OutputError(f"{recipe.where('rows')}table {recipe.table!r} has no column {column!r}; {said}")
        found = table[table[column].astype(str) == value]
        if found.empty:
            said = nearest(value, table[column].astype(str).unique())
            raise OutputError(f"{recipe.where('rows')}no row of {recipe.table!r} has {column} = {value!r}; {said}")
        table = found
    return table


def _keyed(recipe: Recipe, table: pd.DataFrame, analysis: Analysis) -> pd.DataFrame:
    """Index a table by ``adcode`` or ``cluster_id``, each once, and all of them known."""
    keys = {"adcode": analysis.units.index, "cluster_id": analysis.clusters.index}
    if table.index.name not in keys:
        key = next((name for name in keys if name in table.columns), None)
        if key is None:
            raise OutputError(
                f"{recipe.where('table')}table {recipe.table!r} has neither adcode nor cluster_id; "
                "it cannot be mapped"
            )
        table = table.set_index(key)
    if not table.index.is_unique:
        twice = table.index[table.index.duplicated()]
        raise OutputError(
            f"{recipe.where('table')}table {recipe.table!r} has {len(twice)} rows more than it has "
            f'{table.index.name}s (first: {twice[0]}); choose with rows = {{ column = "value" }}'
        )
    strangers = table.index.difference(keys[str(table.index.name)])
    if len(strangers):
        raise OutputError(
            f"{recipe.where('table')}{len(strangers)} rows of {recipe.table!r} are no unit of the map "
            f"(first: {strangers[:3].tolist()})"
        )
    return table


def _theme(
    recipe: Recipe, values: pd.Series, apart: pd.Series | None, bins: tuple[float, ...] | None, lang: str
) -> Theme:
    title = recipe.legend[lang]
    if recipe.kind == "graduated":
        bounds = upper_bounds(values, _classing(recipe)) if bins is None else bins
        # the palest step could be taken for what is outside
        skipped = 0 if apart is None else 1
        colours = number_colours(recipe.palette, len(bounds) + skipped)[skipped:]
        how = dataclasses.replace(_classing(recipe), bins=bounds, palette=colours)
        return graduated(values, title, classing=how, apart=apart, lang=lang)
    texts = values.astype("object").where(values.notna()).map(str, na_action="ignore")
    palette, labels = _colours(recipe, texts, lang)
    try:
        return categorical(texts.rename(recipe.name), title, palette=palette, labels=labels, apart=apart, lang=lang)
    except OutputError as error:
        raise OutputError(f"{recipe.where('palette')}{error}") from error


def _classing(recipe: Recipe) -> Classing:
    return Classing("UserDefined" if recipe.bins else recipe.scheme, recipe.k, digits=recipe.digits, bins=recipe.bins)


def _colours(recipe: Recipe, values: pd.Series, lang: str) -> tuple[dict[str, str], dict[str, str]]:
    """Give colour and label of every class; what the recipe says goes before the palette."""
    given = {item.value: item for item in recipe.classes}
    occurring = list(given) or sorted(values.dropna().unique())
    plain = [value for value in occurring if value not in given or given[value].colour is None]
    colours = class_colours(recipe.palette, plain)
    if given:
        colours = {value: item.colour or colours.get(value, _NO_COLOUR) for value, item in given.items()}
    prefix = _LABELLED.get(recipe.palette, "")
    named = words([prefix + value for value in colours], lang)
    labels = {value: named[prefix + value].removeprefix(prefix) for value in colours}
    return colours, labels | {value: item[lang] for value, item in given.items()}


def _cluster_theme(recipe: Recipe, analysis: Analysis, table: pd.DataFrame, lang: str) -> tuple[Theme, pd.Series]:
    """Colour units by their cluster; breaks are sought over the clusters, not over their members."""
    cluster = _clusters_of(analysis)
    belongs = cluster.isin(table.index)
    values = cluster.map(table[recipe.column]).rename(recipe.name)
    apart = pd.Series(pd.NA, index=analysis.units.index, dtype="object")
    apart[~belongs] = "outside"
    apart[belongs & values.isna()] = "unscored_cluster"
    bins = upper_bounds(table[recipe.column], _classing(recipe)) if recipe.kind == "graduated" else None
    theme = _theme(recipe, values, apart, bins, lang)
    return theme, values.astype("object").where(apart.isna(), apart)


def _counted(theme: Theme, units: pd.Index) -> Theme:
    """Count the classes again in a part of the units."""
    counts = np.bincount(theme.assignment.loc[units].to_numpy(), minlength=len(theme.classes))
    classes = (dataclasses.replace(line, count=int(n)) for line, n in zip(theme.classes, counts, strict=True))
    return dataclasses.replace(theme, classes=tuple(classes))


def _joined(analysis: Analysis, table: pd.DataFrame) -> gpd.GeoDataFrame:
    """Give the units the columns of the table, and the basis of their membership."""
    units = analysis.units
    if table is units:
        frame = units
    elif table.index.name == "adcode":
        own = table.drop(columns=["geometry", "city", "city_en"], errors="ignore").reindex(units.index)
        frame = units.assign(**{str(name): own[name] for name in own})
    else:
        own = table.drop(columns="geometry", errors="ignore")
        cluster = _clusters_of(analysis)
        frame = units.assign(**{str(name): cluster.map(own[name]) for name in own})
    return frame.assign(membership=_members(analysis)["confidence"].reindex(units.index))


def _members(analysis: Analysis) -> pd.DataFrame:
    """List the one cluster that each unit is a member of, scored or not."""
    own = analysis.members[analysis.members["role"].ne("secondary")]
    return own.drop_duplicates("adcode").set_index("adcode")


def _clusters_of(analysis: Analysis) -> pd.Series:
    """Give the cluster of each unit: its members without a score belong to it too."""
    return _members(analysis)["cluster_id"].reindex(analysis.units.index)


def _fields(recipe: Recipe, frame: gpd.GeoDataFrame, lang: str) -> tuple[Field, ...]:
    from geo_cdei.outputs.maps import unit_fields

    usual = {"cluster" if field.column == "cluster_en" else field.column: field for field in unit_fields(frame, lang)}
    labels = words([str(value) for value in frame["membership"].dropna().unique()], lang)
    usual["membership"] = Field("membership", word("membership", lang), labels=labels)
    return tuple(_field(item, recipe, frame, usual, lang) for item in recipe.tooltip)


def _field(
    item: str | TooltipField, recipe: Recipe, frame: gpd.GeoDataFrame, usual: dict[str, Field], lang: str
) -> Field:
    column = item if isinstance(item, str) else item.column
    columns = [str(name) for name in frame.columns if name != "geometry"]
    if column not in columns:
        raise OutputError(f"{recipe.where('tooltip')}there is no column {column!r}; {nearest(column, columns)}")
    if isinstance(item, str) and column in usual:
        return usual[column]
    number = pd.api.types.is_float_dtype(frame[column])
    if isinstance(item, str):
        return Field(column, words([column], lang)[column], 2 if number else None)
    digits = item.digits if item.digits is not None else 2 if number else None
    return Field(column, item[lang], digits)
