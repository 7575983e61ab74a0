"""What a map page is made of: fields of a tooltip, layers over the units, charts beside them, its notices.

Each part turns itself into plain numbers and texts for the scripts of the page. Coordinates are whole
thousandths of a degree, tables are lists without repeated keys: this is what keeps a page small.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo_cdei.errors import OutputError
from geo_cdei.outputs.texts import word

__all__ = [
    "Field",
    "MapMeta",
    "Overlay",
    "Scatter",
    "Style",
    "check_degrees",
    "packed",
    "rows",
    "shared_borders",
]

#: Coordinates of a page are whole thousandths of a degree (at most 111 m).
COORDINATE_UNIT = 1000
_FEWEST_VERTICES = 4


@dataclass(frozen=True, slots=True)
class Field:
    """One line of a tooltip.

    Parameters
    ----------
    column : str
        Where the value stands.
    label : str
        What the reader sees before it.
    digits : int, optional
        Decimals of a number.
    missing : str
        What stands for a missing value.
    labels : mapping of str to str
        What the reader sees instead of a key such as "confirmed".
    """

    column: str
    label: str
    digits: int | None = None
    missing: str = "—"
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Style:
    """How a layer is drawn: colour, width in pixels, dash pattern, opacity, and the halo that lifts it."""

    colour: str = "#5b6670"
    weight: float = 1.0
    dash: str = ""
    opacity: float = 1.0
    halo: bool = False


@dataclass(frozen=True, slots=True)
class Overlay:
    """A layer of lines or points over the units; of polygons only the outline is drawn.

    Parameters
    ----------
    key : str
        ASCII name, unique on the page.
    title : str
        What the reader ticks.
    frame : geopandas.GeoDataFrame of shape (n,)
        Lines, polygons or points in EPSG:4326.
    style : Style
        How it is drawn.
    fields : tuple of Field
        Lines of the tooltip, the first one its heading; without fields the layer does not answer.
    width : str, optional
        Column with the width of each line, or the radius of each point, in pixels.
    label : str, optional
        Column with a name to write beside each point; earlier rows win where names would overlap.
    show : bool
        Whether it is ticked at first.
    """

    key: str
    title: str
    frame: gpd.GeoDataFrame
    style: Style = Style()
    fields: tuple[Field, ...] = ()
    width: str | None = None
    label: str | None = None
    show: bool = True

    def payload(self) -> dict[str, Any]:
        """Give the layer as plain numbers and texts."""
        check_degrees(self.frame, f"overlay {self.key!r}")
        return {
            "key": self.key,
            "title": self.title,
            "style": {name: getattr(self.style, name) for name in self.style.__slots__},
            "fields": [item.label for item in self.fields],
            "rows": rows(self.frame, self.fields),
            "widths": None if self.width is None else self.frame[self.width].astype(float).round(2).tolist(),
            "labels": None if self.label is None else self.frame[self.label].astype(str).tolist(),
            "show": self.show,
            "shapes": packed(_outlines(self.frame.geometry)),
        }


@dataclass(frozen=True, slots=True)
class Scatter:
    """A chart of two numbers per unit beside the map, linked with it.

    Parameters
    ----------
    title : str
        Heading of the chart.
    x, y : pandas.Series of shape (n,)
        Numbers indexed by unit; units with a missing value have no point.
    x_label, y_label : str
        Names of the axes.
    line : tuple of float, optional
        Slope and intercept of a line through the cloud.
    note : str
        What stands under the chart, such as a statistic with its p-value.
    """

    title: str
    x: pd.Series
    y: pd.Series
    x_label: str
    y_label: str
    line: tuple[float, float] | None = None
    note: str = ""

    def payload(self, units: pd.Index) -> dict[str, Any]:
        """Give the chart as plain numbers and texts, its points as positions in the units."""
        table = pd.DataFrame({"x": self.x, "y": self.y}).dropna()
        strangers = table.index.difference(units)
        if len(strangers):
            raise OutputError(
                f"the chart {self.title!r} has {len(strangers)} points that are no unit of the map "
                f"(first: {strangers[:3].tolist()}). Index both by adcode."
            )
        return {
            "title": self.title,
            "at": units.get_indexer(table.index).tolist(),
            "x": table["x"].round(4).tolist(),
            "y": table["y"].round(4).tolist(),
            "x_label": self.x_label,
            "y_label": self.y_label,
            "line": None if self.line is None else [float(value) for value in self.line],
            "note": self.note,
        }


@dataclass(frozen=True, slots=True)
class MapMeta:
    """What a page says about itself.

    Parameters
    ----------
    title, subtitle : str
        Its heading.
    source : str
        Where the data come from; never empty.
    date : str
        Date of the study's settings, not of the run.
    lang : {"zh", "en"}
        Language of the page.
    approval_number : str, optional
        The reader's own map approval number (审图号); without one the page says that it is a sketch.
    notes : tuple of str
        Further lines under the map.
    extent : tuple of float, optional
        West, south, east, north of the first view; all that is drawn unless told.
    """

    title: str
    source: str
    date: str
    lang: str = "zh"
    subtitle: str = ""
    approval_number: str | None = None
    notes: tuple[str, ...] = ()
    extent: tuple[float, float, float, float] | None = None

    def __post_init__(self) -> None:
        if not self.source.strip():
            raise OutputError("a map names its source; give MapMeta(source=...) a text.")

    def notices(self) -> tuple[str, ...]:
        """Give the lines that stand under every map, in its language."""
        status = (
            word("approval", self.lang, number=self.approval_number)
            if self.approval_number
            else word("sketch", self.lang)
        )
        date = (word("date", self.lang, date=self.date),) if self.date else ()
        # what the dash line lacks and what the projection does stands under every map
        always = (word("nine_of_ten", self.lang), word("mercator", self.lang))
        return (word("source", self.lang, source=self.source), *date, status, *self.notes, *always)


def check_degrees(frame: gpd.GeoDataFrame, name: str) -> None:
    """Raise where a layer is not in degrees or holds a shape that cannot be drawn."""
    if frame.crs is None or not frame.crs.equals(4326):
        raise OutputError(f"{name} must be in EPSG:4326, its CRS is {frame.crs}. Use to_crs(4326) or set_crs(4326).")
    bad = frame.index[frame.geometry.isna() | frame.geometry.is_empty]
    if len(bad):
        raise OutputError(f"{name} has {len(bad)} rows without a geometry (first: {bad[:3].tolist()}).")
    west, south, east, north = frame.total_bounds if len(frame) else (0, 0, 0, 0)
    if not (west >= -180 and east <= 180 and south >= -90 and north <= 90):
        raise OutputError(f"{name} reaches {west, south, east, north}, which are not degrees of longitude, latitude.")


def packed(shapes: gpd.GeoSeries) -> list[list[Any]]:
    """Write geometries with rounded coordinates in as few bytes as plain JSON allows.

    Parameters
    ----------
    shapes : geopandas.GeoSeries of shape (n,)
        Geometries in EPSG:4326.

    Returns
    -------
    list of list
        Per geometry its GeoJSON type and its coordinates, nested as in GeoJSON; but a ring or line is one
        flat list of whole thousandths of a degree, each vertex the step from the one before. Equal vertices
        stay equal, so that neighbours go on sharing their border.

    Examples
    --------
    >>> packed(gpd.GeoSeries([shapely.LineString([(116.4, 39.9), (116.41, 39.8)])]))
    [['LineString', [116400, 39900, 10, -100]]]
    """
    parts, shape_of_part = shapely.get_parts(shapes.to_numpy(), return_index=True)
    areas = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    rings, part_of_ring = shapely.get_rings(parts[areas], return_index=True)
    part_of_line = np.concatenate([np.flatnonzero(areas)[part_of_ring], np.flatnonzero(~areas)])
    found = _steps(np.concatenate([rings, parts[~areas]]))
    of_part: list[list[Any]] = [[] for _ in parts]
    for part, steps in zip(part_of_line.tolist(), found, strict=True):
        of_part[part].append(steps)
    of_shape: list[list[Any]] = [[] for _ in shapes]
    for shape, area, lines in zip(shape_of_part.tolist(), areas.tolist(), of_part, strict=True):
        of_shape[shape].append(lines if area else lines[0])
    kinds = shapes.geom_type.tolist()
    return [[kind, held if kind.startswith("Multi") else held[0]] for kind, held in zip(kinds, of_shape, strict=True)]


def _steps(lines: np.ndarray) -> list[list[int]]:
    """Give the steps from vertex to vertex of every line, without the empty ones that rounding left.

    An island smaller than the rounding keeps all its vertices: it is still there, as a dot.
    """
    degrees, line = shapely.get_coordinates(lines, return_index=True)
    xy = np.round(degrees * COORDINATE_UNIT).astype("int64")
    first = np.diff(line, prepend=-1) > 0
    steps = np.diff(xy, axis=0, prepend=np.zeros((1, 2), dtype="int64"))
    steps[first] = xy[first]
    kept = first | steps.any(axis=1)
    kept |= (np.bincount(line, weights=kept) < _FEWEST_VERTICES)[line]
    ends = 2 * np.bincount(line[kept], minlength=len(lines)).cumsum()
    flat = steps[kept].ravel().tolist()
    return [flat[begin:end] for begin, end in itertools.pairwise([0, *ends.tolist()])]


def _outlines(shapes: gpd.GeoSeries) -> gpd.GeoSeries:
    """Keep points and lines, and of polygons the boundary."""
    polygons = shapes.geom_type.isin(["Polygon", "MultiPolygon"])
    return shapes.where(~polygons, shapes.boundary)


def shared_borders(shapes: gpd.GeoSeries) -> gpd.GeoDataFrame:
    """Draw the borders of neighbouring polygons once instead of twice, as one row."""
    lines = shapely.line_merge(shapely.union_all(shapes.boundary.to_numpy()))
    return gpd.GeoDataFrame(geometry=[lines], crs=shapes.crs)


def rows(frame: pd.DataFrame, fields: tuple[Field, ...]) -> list[list[str]]:
    """Write the values of a table's fields as the texts that a tooltip shows.

    Parameters
    ----------
    frame : pandas.DataFrame of shape (n, any)
        The table.
    fields : tuple of Field
        Which columns, and how.

    Returns
    -------
    list of list of str
        One list per row, in the order of the fields; a missing value is the field's own word for it.

    Raises
    ------
    OutputError
        If a column is not there.

    Examples
    --------
    >>> table = pd.DataFrame({"score": [91.6, None]})
    >>> rows(table, (Field("score", "Score", digits=1, missing="not scored"),))
    [['91.6'], ['not scored']]
    """
    absent = [item.column for item in fields if item.column not in frame.columns]
    if absent:
        raise OutputError(f"the tooltip asks for {absent}, the table has {frame.columns.tolist()}.")
    columns = [[_shown(value, item) for value in frame[item.column]] for item in fields]
    return [list(row) for row in zip(*columns, strict=True)]


def _shown(value: Any, item: Field) -> str:
    if pd.isna(value) or value == "":
        return item.missing
    if item.digits is not None:
        return f"{float(value):,.{item.digits}f}"
    return item.labels.get(str(value), str(value))
