"""What a printed map of the country must show, checked on the figure as it is drawn.

The rules are those of public maps of China: Taiwan, Hong Kong, Macao and Sansha are there and filled as all
others are; the dash line and the islands of the South China Sea are shown; nothing covers territory; the
source and the standing of the map are printed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import shapely

from geo_cdei.errors import OutputError
from geo_cdei.outputs.sheet import CODES, DrawnMap, fill_colours
from geo_cdei.outputs.texts import word

__all__ = ["REQUIRED_UNITS", "check_standard_map", "find_faults"]

#: Beginnings of the codes that every map of the country has.
REQUIRED_UNITS = {"71": "Taiwan", "81": "Hong Kong", "82": "Macao", "4603": "Sansha"}
_BOX, _TOLERANCE_M = "box:", 1.0
_MOST_NAMED = 3


def check_standard_map(drawn: DrawnMap) -> None:
    """Refuse a printed map of the country that breaks a rule of standard maps.

    Parameters
    ----------
    drawn : DrawnMap
        A map of the whole country, from `figures.draw`.

    Raises
    ------
    OutputError
        If a rule is broken; all faults are listed.

    References
    ----------
    Ministry of Natural Resources (2023). Specification for the content of public maps (公开地图内容表示规范).
    """
    faults = find_faults(drawn)
    if faults:
        raise OutputError(
            f"the map {drawn.sheet.meta.title!r} breaks {len(faults)} rules of standard maps and is not written:\n  "
            + "\n  ".join(faults)
        )


def find_faults(drawn: DrawnMap) -> list[str]:
    """List what is wrong with a printed map of the country.

    Parameters
    ----------
    drawn : DrawnMap
        The map.

    Returns
    -------
    list of str
        One line per broken rule; empty for a sound map.
    """
    fills = {"map": _filled(drawn.main), "inset": _filled(drawn.inset)}
    return [
        *_units(drawn, fills),
        *_fills(drawn, fills),
        *_dash_line(drawn),
        *_reach(drawn),
        *_covers(drawn),
        *_texts(drawn),
    ]


def _parts(axes: Any, gid: str) -> list[Any]:
    """Find the visible parts of a map by their name."""
    if axes is None or not axes.get_visible():
        return []
    return [artist for artist in axes.get_children() if artist.get_gid() == gid and artist.get_visible()]


def _filled(axes: Any) -> dict[str, str]:
    """Give code and fill of every unit on a map, as its collection has it."""
    from matplotlib.colors import to_hex

    found: dict[str, str] = {}
    for part in _parts(axes, "units"):
        codes = getattr(part, CODES)
        colours, which = np.unique(part.get_facecolors(), axis=0, return_inverse=True)
        names = [to_hex(colour) if colour[3] > 0 else "" for colour in colours] or [""]
        drawn = zip(codes, np.resize(which, len(codes)).tolist(), part.get_paths(), strict=True)
        found |= {code: names[place] for code, place, path in drawn if names[place] and len(path.vertices)}
    return found


def _units(drawn: DrawnMap, fills: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    shown = {code for shown in fills.values() for code in shown}
    for beginning, name in REQUIRED_UNITS.items():
        if not any(code.startswith(beginning) for code in shown):
            yield f"{name} ({beginning}...) is not drawn"
    absent = drawn.sheet.plane.units.index.difference(list(shown))
    if len(absent):
        yield f"{len(absent)} units are not drawn (first: {absent[:_MOST_NAMED].tolist()})"


def _fills(drawn: DrawnMap, fills: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """Each unit has the fill of its class, and units of which the rule saw the same are in the same class."""
    from matplotlib.colors import to_hex

    asked = fill_colours(drawn.sheet.theme)
    rule = asked.map({colour: to_hex(colour) for colour in asked.unique()}).to_dict()
    for place, shown in fills.items():
        odd = [code for code, colour in shown.items() if rule.get(code) != colour]
        if odd:
            yield f"{len(odd)} units of the {place} have another fill than their class (first: {odd[:_MOST_NAMED]})"
    keys = drawn.sheet.keys.astype("object")
    classes = drawn.sheet.theme.assignment.groupby(keys.where(keys.notna(), "no value")).nunique()
    if (classes > 1).any():
        several = classes.index[classes > 1][:_MOST_NAMED].tolist()
        yield f"units with the same value are in different classes (first values: {several})"


def _dash_line(drawn: DrawnMap) -> Iterator[str]:
    wanted = len(shapely.get_parts(drawn.sheet.plane.dash_line))
    axes = drawn.inset if drawn.inset is not None else drawn.main
    seen = shapely.box(*_view(axes)) if axes is not None else shapely.Polygon()
    lines = [
        shapely.LineString(path.vertices)
        for part in _parts(axes, "dash_line")
        if np.all(np.asarray(part.get_linewidths()) > 0)
        for path in part.get_paths()
    ]
    whole = [line for line in lines if seen.covers(line)]
    if not wanted or len(whole) < wanted:
        yield f"{len(whole)} of the {max(wanted, 1)} dashes of the dash line in the South China Sea are drawn"
    if not _parts(drawn.main, "dash_line"):
        yield "the dash line is not drawn on the main map"


def _reach(drawn: DrawnMap) -> Iterator[str]:
    """All territory is on the map or, in the South China Sea, on the inset."""
    if drawn.inset is None or not drawn.inset.get_visible():
        if not _holds(_view(drawn.main), drawn.sheet.plane.dash_line):
            yield "there is no inset of the South China Sea, and the map does not reach there"
        views = [shapely.box(*_view(drawn.main))]
    else:
        views = [shapely.box(*_view(axes)) for axes in (drawn.main, drawn.inset)]
    units, whole = drawn.sheet.plane.units, shapely.union_all(views)
    shapely.prepare(whole)
    outside = units.index[~shapely.covers(whole, units.to_numpy())]
    if len(outside):
        yield f"{len(outside)} units are not wholly on the map or its inset (first: {outside[:_MOST_NAMED].tolist()})"


def _holds(view: tuple[float, float, float, float], shape: Any) -> bool:
    return bool(shapely.box(*view).covers(shape)) and not shape.is_empty


def _view(axes: Any) -> tuple[float, float, float, float]:
    (west, east), (south, north) = axes.get_xlim(), axes.get_ylim()
    return west, south, east, north


def _covers(drawn: DrawnMap) -> Iterator[str]:
    """Nothing that stands on the paper lies over a unit or a dash of the main map."""
    figure, units = drawn.figure, drawn.sheet.plane.units
    frame = shapely.box(*_view(drawn.main))
    for artist in figure.get_children():
        gid = artist.get_gid() or ""
        if not gid.startswith(_BOX) or not artist.get_visible():
            continue
        corners = artist.get_window_extent(figure.canvas.get_renderer()).corners()
        ground = shapely.MultiPoint(drawn.main.transData.inverted().transform(corners)).envelope
        box = shapely.intersection(ground, frame).buffer(_TOLERANCE_M)
        hit = units.index[shapely.intersects(units.to_numpy(), box)]
        if len(hit) and ground.intersects(frame):
            yield f"the {gid.removeprefix(_BOX)} covers {len(hit)} units (first: {hit[:_MOST_NAMED].tolist()})"
        if ground.intersects(frame) and shapely.intersects(drawn.sheet.plane.dash_line, ground):
            yield f"the {gid.removeprefix(_BOX)} covers the dash line"


def _texts(drawn: DrawnMap) -> Iterator[str]:
    """Legend, source, standing and the note on the dashes are printed."""
    children = [artist for artist in drawn.figure.get_children() if artist.get_visible()]
    gids = {artist.get_gid() for artist in children}
    notes = " ".join(a.get_text() for a in children if a.get_gid() == _BOX + "notes").replace(" ", "")
    meta = drawn.sheet.meta
    standing = (
        word("approval", meta.lang, number=meta.approval_number)
        if meta.approval_number
        else word("sketch", meta.lang)
    )
    for name in ("legend", "title", "notes"):
        if _BOX + name not in gids:
            yield f"there is no {name}"
    for name, begin in {"source": word("source", meta.lang, source=""), "standing of the map": standing}.items():
        if begin.strip().replace(" ", "") not in notes:
            yield f"the {name} is not printed"
    if word("nine_of_ten", meta.lang).replace(" ", "") not in notes:
        yield "the note on the nine of ten dashes is not printed"
