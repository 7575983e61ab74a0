"""The small map of a cluster sheet: the cluster in its surroundings, and where in the country that is.

It is a picture of the country too, so it keeps the rules of public maps: the small country shows every unit and every
dash of the dash line in the South China Sea in one frame, without an inset to forget, and `check_ground` refuses one
that does not. The part around the cluster shows its own surroundings only.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from geo_cdei.errors import OutputError
from geo_cdei.outputs.fonts import CJK_FAMILIES, LATIN_FAMILIES, find_family
from geo_cdei.outputs.labels import place_labels
from geo_cdei.outputs.plane import Plane, build_plane, project_points
from geo_cdei.outputs.standard_map import REQUIRED_UNITS

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

    from geo_cdei.results import Analysis

__all__ = ["Ground", "Locator", "check_ground", "draw_locator", "find_font", "locate", "prepare_ground"]

Box = tuple[float, float, float, float]

# The picture in pixels, drawn twice as large so that edges are smooth when it is reduced.
WIDTH, HEIGHT, LARGER = 1000, 560, 2
COUNTRY = (20, 20, 320, 320)  # left, top, right, bottom of the small country
_MARGIN, _LEAST_M, _SMALL_PX, _SIMPLIFY_M = 0.14, 260_000.0, 2.2, 4000.0
LAND, MEMBER, UNSCORED, EDGE, OUTER, SEA = "#eef1f3", "#2c7fb8", "#a6cee3", "#b4bec6", "#3d4850", "#fbfcfd"


@dataclass(frozen=True, slots=True)
class Ground:
    """The country under all small maps.

    Parameters
    ----------
    plane : Plane
        All units, borders and the dash line, in metres.
    view : tuple of float
        West, south, east, north of the small country.
    country : PIL.Image.Image
        The small country without a cluster, at the larger size.
    """

    plane: Plane
    view: Box
    country: Image


@dataclass(frozen=True, slots=True)
class Locator:
    """What the small map of a cluster is drawn from, in metres of the plane.

    Parameters
    ----------
    scored, unscored : pandas.Index
        ``adcode`` of the members with a score and of those without.
    view : tuple of float
        West, south, east, north around the cluster.
    places : tuple of (str, float, float)
        Names and places of the members, the most important first.
    """

    scored: pd.Index
    unscored: pd.Index
    view: Box
    places: tuple[tuple[str, float, float], ...]


def locate(analysis: Analysis, ground: Ground, cluster_id: str, *, lang: str) -> Locator:
    """Choose what the small map of a cluster shows.

    Parameters
    ----------
    analysis : Analysis
        The run.
    ground : Ground
        From `prepare_ground`.
    cluster_id : str
        The cluster.
    lang : {"zh", "en"}
        Language of the names.

    Returns
    -------
    Locator
        Members, names and the view around them.
    """
    members = analysis.members
    own = members[(members["cluster_id"] == cluster_id) & members["role"].ne("secondary")]
    inside = analysis.units.index[analysis.units.index.isin(own["adcode"])]
    scored = inside[analysis.units.loc[inside, "score"].notna()]
    units = ground.plane.units
    around = shapely.total_bounds((units.loc[inside] if len(inside) else units).to_numpy())
    ranked = analysis.units.loc[inside].sort_values("score", ascending=False, kind="stable", na_position="last")
    names = ranked["city"] if lang == "zh" else ranked["city_en"].where(ranked["city_en"].ne(""), ranked["city"])
    points = project_points(ranked["lon"], ranked["lat"])
    places = tuple((str(name), float(x), float(y)) for name, (x, y) in zip(names, points, strict=True))
    view = _fitted(around, (WIDTH, HEIGHT), _LEAST_M, beside=True)
    return Locator(scored, inside.difference(scored), view, places)


def check_ground(plane: Plane, view: Box) -> None:
    """Refuse a small country that is not whole.

    Parameters
    ----------
    plane : Plane
        What would be drawn.
    view : tuple of float
        West, south, east, north of the frame.

    Raises
    ------
    OutputError
        If Taiwan, Hong Kong, Macao or Sansha is not among the units, a dash is lacking, or a part of either lies
        outside the frame.
    """
    faults = list(_faults(plane, shapely.box(*view)))
    if faults:
        raise OutputError("a small map breaks the rules of standard maps and is not drawn: " + "; ".join(faults))


def _faults(plane: Plane, frame: shapely.Polygon) -> Iterator[str]:
    units = plane.units
    for beginning, name in REQUIRED_UNITS.items():
        if not units.index.str.startswith(beginning).any():
            yield f"{name} ({beginning}...) is not drawn"
    empty = int(shapely.is_empty(units.to_numpy()).sum())
    if empty:
        yield f"{empty} units have lost their outline"
    outside = int((~shapely.covers(frame, units.to_numpy())).sum())
    if outside:
        yield f"{outside} units lie outside the frame"
    dashes = shapely.get_parts(plane.dash_line)
    if not len(dashes) or not shapely.covers(frame, dashes).all():
        yield f"{int(shapely.covers(frame, dashes).sum())} of {max(len(dashes), 1)} dashes are in the frame"


def find_font(names: str) -> tuple[str, int] | None:
    """Find a font file that has the characters of some names.

    Parameters
    ----------
    names : str
        All that will be written.

    Returns
    -------
    tuple of (str, int) or None
        File and face; None where no font has all of them.
    """
    from matplotlib import font_manager

    family = find_family(names, (*LATIN_FAMILIES, *CJK_FAMILIES))
    if family is None:
        return None
    known = [entry for entry in font_manager.fontManager.ttflist if entry.name == family and entry.style == "normal"]
    best = min(known, key=lambda entry: abs(int(entry.weight) - 400) if str(entry.weight).isdigit() else 0)
    return str(best.fname), int(getattr(best, "index", 0))


def prepare_ground(analysis: Analysis) -> Ground:
    """Project and draw the country once for all small maps.

    Parameters
    ----------
    analysis : Analysis
        The run.

    Returns
    -------
    Ground
        Checked by `check_ground`.
    """
    plane = build_plane(analysis.units, analysis.clusters[:0], analysis.dash_line, simplify_m=_SIMPLIFY_M)
    whole = shapely.total_bounds([*plane.units.to_numpy(), plane.dash_line])
    view = _fitted(whole, (COUNTRY[2] - COUNTRY[0], COUNTRY[3] - COUNTRY[1]), 0.0)
    check_ground(plane, view)
    return Ground(plane, view, _draw_country(plane, view))


def _draw_country(plane: Plane, view: Box) -> Image:
    from PIL import Image, ImageDraw

    frame = (0, 0, COUNTRY[2] - COUNTRY[0], COUNTRY[3] - COUNTRY[1])
    picture = Image.new("RGB", (frame[2] * LARGER, frame[3] * LARGER), SEA)
    pen = ImageDraw.Draw(picture)
    for corners in _outlines(picture, plane.units, view, frame):
        pen.polygon(corners.ravel().tolist(), fill=LAND)
    _draw_lines(pen, plane.borders, view, frame, ("#8a959e", 1))
    _draw_lines(pen, plane.outline, view, frame, (OUTER, 2))
    _draw_lines(pen, plane.dash_line, view, frame, (OUTER, 4))
    return picture


def draw_locator(locator: Locator, ground: Ground, *, font: tuple[str, int] | None) -> bytes:
    """Draw the small map of a cluster.

    Parameters
    ----------
    locator : Locator
        From `locate`.
    ground : Ground
        The country that it was located in.
    font : tuple of (str, int) or None
        From `find_font`; without one no names are written.

    Returns
    -------
    bytes
        PNG, equal for equal input.
    """
    from PIL import Image, ImageDraw

    picture = Image.new("RGB", (WIDTH * LARGER, HEIGHT * LARGER), SEA)
    pen = ImageDraw.Draw(picture)
    _draw_surroundings(picture, locator, ground.plane)
    _draw_names(pen, locator, font)
    left, top, right, bottom = (value * LARGER for value in COUNTRY)
    pen.rectangle((left - 8, top - 8, right + 8, bottom + 8), fill="#ffffff", outline=OUTER, width=2)
    picture.paste(ground.country, (left, top))
    for codes, colour in ((locator.unscored, UNSCORED), (locator.scored, MEMBER)):
        for corners in _outlines(picture, ground.plane.units.loc[codes], ground.view, COUNTRY):
            pen.polygon(corners.ravel().tolist(), fill=colour)
    pen.rectangle((0, 0, WIDTH * LARGER - 1, HEIGHT * LARGER - 1), outline=OUTER, width=3)
    small = picture.reduce(LARGER)
    stream = io.BytesIO()
    small.quantize(64, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(stream, "PNG")
    return stream.getvalue()


def _draw_surroundings(picture: Image, locator: Locator, plane: Plane) -> None:
    """Fill the units in view, members above the others, then the borders and the dash line."""
    from PIL import ImageDraw

    pen, view, frame = ImageDraw.Draw(picture), locator.view, (0, 0, WIDTH, HEIGHT)
    window = shapely.box(*view)
    near = plane.units[shapely.intersects(plane.units.to_numpy(), window)]
    colour = pd.Series(LAND, near.index)
    colour[near.index.isin(locator.unscored)], colour[near.index.isin(locator.scored)] = UNSCORED, MEMBER
    for own, edge in ((LAND, EDGE), (UNSCORED, "#ffffff"), (MEMBER, "#ffffff")):
        for corners in _outlines(picture, near[colour == own], view, frame):
            _draw_bordered(picture, corners, own, edge)
    for lines, look in ((plane.borders, ("#8a959e", 3)), (plane.outline, (OUTER, 3)), (plane.dash_line, (OUTER, 5))):
        parts = shapely.get_parts(lines)
        _draw_lines(pen, parts[shapely.intersects(parts, window)], view, frame, look)


def _pixels(xy: np.ndarray, view: Box, frame: tuple[int, ...]) -> np.ndarray:
    scale = (frame[2] - frame[0]) * LARGER / (view[2] - view[0])
    across = frame[0] * LARGER + (xy[:, 0] - view[0]) * scale
    return np.column_stack([across, frame[1] * LARGER + (view[3] - xy[:, 1]) * scale])


def _outlines(picture: Image, shapes: pd.Series, view: Box, frame: tuple[int, ...]) -> Iterator[np.ndarray]:
    """Give the corners of every part in sight, in pixels; an island too small to see becomes a dot at once."""
    from PIL import ImageDraw

    parts = shapely.get_parts(shapes.to_numpy())
    if not len(parts):
        return
    vertices, part = shapely.get_coordinates(shapely.get_exterior_ring(parts), return_index=True)
    spots, starts = _pixels(vertices, view, frame), np.flatnonzero(np.diff(part, prepend=-1))
    low, high = np.minimum.reduceat(spots, starts), np.maximum.reduceat(spots, starts)
    small = np.ptp([low, high], axis=0).max(axis=1) < _SMALL_PX
    seen = (high > -_SMALL_PX).all(axis=1) & (low < np.add(picture.size, _SMALL_PX)).all(axis=1)
    pen, ends, dots = ImageDraw.Draw(picture), [*starts[1:], len(spots)], spots.astype(int)  # whole, as Pillow does
    for place in np.flatnonzero(seen).tolist():
        if small[place]:
            x, y = spots[starts[place]].tolist()
            pen.ellipse((x - 1.5, y - 1.5, x + 1.5, y + 1.5), fill=OUTER)
        else:
            yield dots[starts[place] : ends[place]]


def _draw_bordered(picture: Image, corners: np.ndarray, colour: str, edge: str) -> None:
    """Fill an area and draw its border within it.

    Pillow makes masks as large as what it draws on for that, so it draws on a strip of the picture that just holds
    the area. The strip begins at the left edge: Pillow reckons across in single precision, and would round to other
    dots in another place.
    """
    from PIL import ImageDraw

    (_, low), (right, high) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    top, right, bottom = max(low, 0), min(right + 1, picture.width), min(high + 1, picture.height)
    if top >= bottom or right <= 0:
        return
    strip = picture.crop((0, top, right, bottom))
    ImageDraw.Draw(strip).polygon((corners - (0, top)).ravel().tolist(), fill=colour, outline=edge, width=2)
    picture.paste(strip, (0, top))


def _draw_lines(pen: ImageDraw, lines: Any, view: Box, frame: tuple[int, ...], look: tuple[str, int]) -> None:
    for part in shapely.get_parts(lines):
        pen.line(_pixels(shapely.get_coordinates(part), view, frame).ravel().tolist(), fill=look[0], width=look[1])


def _draw_names(pen: ImageDraw, locator: Locator, font: tuple[str, int] | None) -> None:
    """Mark every member and name as many as there is room for."""
    spots = _pixels(np.array([place[1:] for place in locator.places]).reshape(-1, 2), locator.view, (0, 0, WIDTH, 0))
    for x, y in spots:
        pen.ellipse((x - 7, y - 7, x + 7, y + 7), fill="#ffffff", outline=OUTER, width=3)
    if font is None or not len(spots):
        return
    face = _face(font)
    boxes = [pen.textbbox((0, 0), name, font=face, stroke_width=4) for name, *_ in locator.places]
    unit = 150.0 * LARGER  # the labels module measures in inches, upwards
    sizes = np.array([(box[2] - box[0], box[3] - box[1]) for box in boxes]) / unit
    points = np.array([(x, HEIGHT * LARGER - y) for x, y in spots]) / unit
    taken = (0.0, HEIGHT / 150.0 - (COUNTRY[3] + 12) / 150.0, (COUNTRY[2] + 12) / 150.0, HEIGHT / 150.0)
    placed = place_labels(
        points, sizes, dots=np.ones(len(points), dtype=bool), frame=(0.03, 0.03, WIDTH / 150 - 0.03, HEIGHT / 150),
        taken=[taken],
    )  # fmt: skip
    for i, left, bottom in placed:
        box, top = boxes[i], HEIGHT * LARGER - (bottom + sizes[i][1]) * unit
        at = (left * unit - box[0], top - box[1])
        pen.text(at, locator.places[i][0], font=face, fill="#1f2a33", stroke_width=4, stroke_fill="#ffffff")


@cache
def _face(font: tuple[str, int]) -> Any:
    from PIL import ImageFont

    return ImageFont.truetype(font[0], 22 * LARGER, index=font[1])


def _fitted(bounds: Any, shape: tuple[int, int], least: float, *, beside: bool = False) -> Box:
    """Widen bounds by a margin to the shape of a frame; ``beside`` keeps room for the small country on the left."""
    west, south, east, north = (float(value) for value in bounds)
    width, height = max(east - west, least) * (1 + 2 * _MARGIN), max(north - south, least) * (1 + 2 * _MARGIN)
    free = (COUNTRY[2] + 30) / WIDTH if beside else 0.0
    width = max(width / (1 - free), height * shape[0] / shape[1])
    height = width * shape[1] / shape[0]
    x, y = (west + east) / 2 - width * free / 2, (south + north) / 2
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2
