"""What a printed map is made of, before and after it is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import shapely

from geo_cdei.errors import AlignmentError
from geo_cdei.outputs.extents import Focus
from geo_cdei.outputs.layers import MapMeta, Style
from geo_cdei.outputs.legends import Theme
from geo_cdei.outputs.plane import Plane
from geo_cdei.outputs.texts import word

__all__ = ["CODES", "PLACES", "DrawnMap", "Sheet", "fill_colours", "printed_notices"]

CODES = "geo_cdei_codes"
"""Attribute of the drawn units with the code of each of their paths."""

PLACES = ("name", "x", "y", "near", "dot")
"""Columns of the places: what to write, where in metres of the plane, inside the focus or not, with a dot or not."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A printed map, as it is to be drawn.

    Parameters
    ----------
    plane : Plane
        The units and lines in metres.
    theme : Theme
        Classes, and the class of each unit.
    keys : pandas.Series of shape (n_units,)
        What the rule of the theme saw of each unit: its value, or why it has none. Units with one key have
        one fill.
    meta : MapMeta
        Title, source, date, language and notices.
    places : pandas.DataFrame of shape (n_places, 5)
        Columns `PLACES`, the most important first.
    focus : Focus, optional
        A province or a cluster; the whole country without one.
    lines : mapping of str to tuple of (geometry, Style)
        Further layers on the plane, by name, in the order of drawing.
    """

    plane: Plane
    theme: Theme
    keys: pd.Series
    meta: MapMeta
    places: pd.DataFrame
    focus: Focus | None = None
    lines: Mapping[str, tuple[shapely.Geometry, Style]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        units = self.plane.units.index
        for name, series in {"theme": self.theme.assignment, "keys": self.keys}.items():
            if not series.index.equals(units):
                strangers = series.index.symmetric_difference(units)
                raise AlignmentError(
                    f"the {name} of a printed map list {len(series)} units, the plane has {len(units)}; "
                    f"{len(strangers)} are in one only (first: {strangers[:3].tolist()}). "
                    "Use reindex(plane.units.index)."
                )


@dataclass(frozen=True, slots=True)
class DrawnMap:
    """A printed map that is drawn but not written: the figure, its parts, and what it was drawn from.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure. Its parts have a ``gid``: ``units``, ``hatch``, ``dash_line``; what stands on the paper
        begins with ``box:`` (``box:legend``, ``box:inset``, ``box:title``, ...).
    main : cartopy.mpl.geoaxes.GeoAxes
        The map.
    inset : cartopy.mpl.geoaxes.GeoAxes or None
        The South China Sea; None where the map is not of the country.
    sheet : Sheet
        What it shows.
    """

    figure: Any
    main: Any
    inset: Any
    sheet: Sheet


def fill_colours(theme: Theme) -> pd.Series:
    """Give the fill of every unit by the rule of the legend.

    Parameters
    ----------
    theme : Theme
        Classes, and the class of each unit.

    Returns
    -------
    pandas.Series of shape (n_units,)
        Colours as written in the legend.

    Examples
    --------
    >>> from geo_cdei.outputs.legends import LegendClass
    >>> theme = Theme("s", "S", "categorical", (LegendClass("a", "#ff0000", 1),), pd.Series([0], ["510000"]))
    >>> fill_colours(theme).to_dict()
    {'510000': '#ff0000'}
    """
    return theme.assignment.map(dict(enumerate(line.colour for line in theme.classes)))


def printed_notices(meta: MapMeta) -> tuple[str, ...]:
    """Give the lines under a printed map: those of every page, with the projection that it has.

    Parameters
    ----------
    meta : MapMeta
        What the map says about itself.

    Returns
    -------
    tuple of str
        Source, date, approval number or sketch note, notes, the dashes, the projection.

    Examples
    --------
    >>> printed_notices(MapMeta("t", source="blue book", date="", lang="en"))[:2]
    ('Source: blue book', 'Sketch map, not reviewed')
    """
    return (*(line for line in meta.notices() if line != word("mercator", meta.lang)), word("albers", meta.lang))
