"""The map itself on a printed sheet: units, borders, lines, graticule, and the veil around a focus."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely

from geo_cdei.outputs.extents import Focus
from geo_cdei.outputs.furniture import INK, Paper, hatched
from geo_cdei.outputs.labels import Box
from geo_cdei.outputs.layers import Style
from geo_cdei.outputs.sheet import CODES, Sheet, fill_colours

__all__ = ["draw_layers", "fade_around", "map_axes"]

_BORDER, _UNIT_EDGE = Style("#6d7780", 0.4), "#9aa5ad"
_OUTLINE = Style("#3d4850", 0.42)
_DASHES = Style("#3d4850", 1.1)
_BEYOND_M = 1e5  # lines as far outside of a view are not drawn; half of the widest covers a few kilometres


def map_axes(paper: Paper, gid: str, frame: Box, view: Box) -> Any:
    """Lay an empty map on the paper.

    Parameters
    ----------
    paper : Paper
        What to draw on.
    gid : str
        Its name.
    frame : tuple of float
        Left, bottom, right, top in inches.
    view : tuple of float
        West, south, east, north in metres of the plane; of the same shape as the frame.

    Returns
    -------
    cartopy.mpl.geoaxes.GeoAxes
        The map.
    """
    import cartopy.crs as ccrs

    albers = ccrs.AlbersEqualArea(central_longitude=105, central_latitude=0, standard_parallels=(25, 47))
    box = (frame[0], frame[1], frame[2] - frame[0], frame[3] - frame[1])
    axes: Any = paper.figure.add_axes(paper.place(box), projection=albers, gid=gid)
    axes.set(xlim=(view[0], view[2]), ylim=(view[1], view[3]), facecolor="#fcfdfd")
    axes.spines["geo"].set(linewidth=0.6, edgecolor=INK)
    return axes


def draw_layers(axes: Any, sheet: Sheet, view: Box) -> None:
    """Draw units, borders, further lines and the dash line, as far as the view goes.

    Parameters
    ----------
    axes : cartopy.mpl.geoaxes.GeoAxes
        From `map_axes`.
    sheet : Sheet
        The map.
    view : tuple of float
        West, south, east, north in metres.
    """
    from matplotlib.collections import PathCollection

    frame, units = shapely.box(*view), sheet.plane.units
    seen = units.index[shapely.intersects(units.to_numpy(), frame)]
    _graticule(axes, view)
    fills = fill_colours(sheet.theme).loc[seen]
    paths = _paths(units.loc[seen].to_numpy())
    drawn = PathCollection(
        paths, facecolors=fills.tolist(), edgecolors=_UNIT_EDGE, linewidths=0.16, gid="units", zorder=1
    )
    setattr(drawn, CODES, seen.tolist())
    axes.add_collection(drawn, autolim=False)
    empty = {i for i, line in enumerate(sheet.theme.classes) if line.hatch}
    blank = [path for path, place in zip(paths, sheet.theme.assignment.loc[seen], strict=True) if place in empty]
    hatch = PathCollection(blank, facecolors="none", edgecolors="none", linewidths=0, gid="hatch", zorder=1.1)
    axes.add_collection(hatched(hatch), autolim=False)
    lines = {"borders": (sheet.plane.borders, _BORDER), "outline": (sheet.plane.outline, _OUTLINE)}
    around = frame.buffer(_BEYOND_M)
    for number, (gid, (shape, style)) in enumerate((lines | dict(sheet.lines)).items()):
        parts = shapely.get_parts(shape)
        _draw_lines(axes, parts[shapely.intersects(parts, around)], style, gid=gid, zorder=2 + number / 100)
    _draw_lines(axes, shapely.line_merge(sheet.plane.dash_line), _DASHES, gid="dash_line", zorder=2.9)


def _draw_lines(axes: Any, shape: Any, style: Style, *, gid: str, zorder: float) -> None:
    from matplotlib.collections import LineCollection

    parts = [shapely.get_coordinates(part) for part in shapely.get_parts(shape)]
    for extra, colour, opacity in ((1.1, "white", 0.75), (0.0, style.colour, style.opacity))[
        0 if style.halo else 1 :
    ]:
        lines = LineCollection(
            parts, colors=colour, linewidths=style.weight + extra, alpha=opacity, capstyle="round", joinstyle="round",
            gid=gid, zorder=zorder,
        )  # fmt: skip
        axes.add_collection(lines, autolim=False)


def _paths(shapes: Any) -> list[Any]:
    """Turn each polygon with its holes and parts into one path."""
    from matplotlib.path import Path

    parts, shape_of_part = shapely.get_parts(shapes, return_index=True)
    rings, part_of_ring = shapely.get_rings(parts, return_index=True)
    vertices, ring_of_vertex = shapely.get_coordinates(rings, return_index=True)
    turns = np.flatnonzero(np.diff(ring_of_vertex)) + 1
    codes = np.full(len(vertices), Path.LINETO, dtype=Path.code_type)
    codes[np.r_[0, turns]] = Path.MOVETO
    codes[np.r_[turns, len(vertices)] - 1] = Path.CLOSEPOLY
    cuts = np.flatnonzero(np.diff(shape_of_part[part_of_ring][ring_of_vertex])) + 1
    return [Path(xy, code) for xy, code in zip(np.split(vertices, cuts), np.split(codes, cuts), strict=True)]


def _graticule(axes: Any, view: Box) -> None:
    step = 10 if view[2] - view[0] > 3e6 else 5 if view[2] - view[0] > 1.2e6 else 1
    lines = axes.gridlines(
        xlocs=np.arange(60, 161, step), ylocs=np.arange(0, 71, step), linewidth=0.25, color="#d5dbdf", linestyle="-"
    )
    lines.set_zorder(0.5)


def fade_around(axes: Any, sheet: Sheet, focus: Focus, view: Box) -> None:
    """Veil what is not of the focus, and draw the border of the focus.

    Parameters
    ----------
    axes : cartopy.mpl.geoaxes.GeoAxes
        From `map_axes`.
    sheet : Sheet
        The map.
    focus : Focus
        The province or cluster that it is of.
    view : tuple of float
        West, south, east, north in metres.
    """
    from matplotlib.collections import PathCollection

    own = shapely.union_all(sheet.plane.units.loc[focus.units].to_numpy())
    around = shapely.difference(shapely.box(*view).buffer(1e5), own)
    paths = _paths(shapely.orient_polygons(shapely.get_parts(around)))
    veil = PathCollection(paths, facecolors="white", alpha=0.62, linewidths=0, zorder=2.5, gid="veil")
    axes.add_collection(veil, autolim=False)
    _draw_lines(axes, shapely.line_merge(own.boundary), Style(INK, 1.1), gid="focus", zorder=2.6)
