"""Maps for print: the country, a province or a cluster on the Albers equal-area plane, as PNG, PDF or SVG.

A sheet is drawn once and written in any format; the same sheet gives the same bytes. A map of the country is
checked against the rules of standard maps before it is written.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import io
import re
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import shapely

from geo_cdei.errors import OutputError
from geo_cdei.outputs.extents import Focus
from geo_cdei.outputs.fonts import FontChoice
from geo_cdei.outputs.furniture import (
    BOX,
    DPI,
    QUIET,
    ROW,
    LegendPlan,
    Paper,
    add_legend,
    add_names,
    add_north_arrow,
    add_scale_bar,
    plan_legend,
)
from geo_cdei.outputs.ground import draw_layers, fade_around, map_axes
from geo_cdei.outputs.labels import Box
from geo_cdei.outputs.layers import Style
from geo_cdei.outputs.plane import ALBERS, project_points, scale_factor
from geo_cdei.outputs.sheet import DrawnMap, Sheet, printed_notices
from geo_cdei.outputs.standard_map import check_standard_map
from geo_cdei.outputs.texts import word

__all__ = ["FORMATS", "characters", "draw", "render"]

FORMATS = ("png", "pdf", "svg")
_WIDTH, _EDGE, _SIDE, _GAP, _INNER = 7.6, 0.13, 1.95, 0.12, 0.06
# West, south, east, north in metres: the mainland down to the southern tip of Hainan, and room for the inset.
_COUNTRY = (-2_800_000, 1_700_000, 2_760_000, 6_080_000)
_INSET = (110_000, 330_000, 1_860_000, 2_640_000)
_INSET_SHARE = 0.45
_ISLANDS = {"dongsha": (116.8, 20.1), "xisha": (112.0, 18.0), "zhongsha": (114.7, 14.8), "nansha": (111.3, 10.6)}
_NEAR_TAIWAN = {"diaoyu": (123.1, 25.6), "chiwei": (125.1, 26.65)}
_SVG_PATH, _DECIMALS = re.compile(rb' d="[^"]*"'), re.compile(rb"(\.\d\d)\d+")
_PNG_LEVEL = 3  # of 9: beyond it much time saves few bytes
_FIXED: Any = {
    "svg.hashsalt": "geo_cdei", "svg.fonttype": "path", "pdf.fonttype": 42, "pdf.compression": 6,
    "path.simplify": True, "savefig.bbox": None, "savefig.pad_inches": 0.0, "text.usetex": False,
    "figure.constrained_layout.use": False, "figure.autolayout": False,
}  # fmt: skip


def characters(sheet: Sheet) -> str:
    """Give all text that a printed map shows, by which its fonts are chosen.

    Parameters
    ----------
    sheet : Sheet
        The map.

    Returns
    -------
    str
        Every character at least once.
    """
    lang, meta, theme = sheet.meta.lang, sheet.meta, sheet.theme
    own = ("n_units", "north", "km", "scale_standard", "scale_centre", "south_china_sea", *_ISLANDS, *_NEAR_TAIWAN)
    texts = [meta.title, meta.subtitle, *printed_notices(meta), theme.title, theme.note, "0123456789,.…?"]
    texts += [line.label for line in theme.classes] + [word(key, lang, n="") for key in own]
    return "".join([*texts, *sheet.lines, *sheet.places["name"]])


def draw(sheet: Sheet, fonts: FontChoice) -> DrawnMap:
    """Draw a printed map.

    Parameters
    ----------
    sheet : Sheet
        What it shows.
    fonts : FontChoice
        From `fonts.choose_fonts` with the `characters` of the sheet; its language is the sheet's.

    Returns
    -------
    DrawnMap
        The figure, not yet written.

    Raises
    ------
    OutputError
        If the fonts are for another language, or a character has no glyph in them.
    """
    import matplotlib as mpl

    if fonts.lang != sheet.meta.lang:
        raise OutputError(
            f"the sheet is in {sheet.meta.lang!r}, the fonts are for {fonts.lang!r}; build the other sheet."
        )
    with mpl.rc_context(_FIXED), _no_glyph_missing():
        return _draw_country(sheet, fonts) if sheet.focus is None else _draw_focus(sheet, fonts, sheet.focus)


def render(drawn: DrawnMap, fmt: str) -> bytes:
    """Write a printed map; a map of the country only if it keeps the rules of standard maps.

    Parameters
    ----------
    drawn : DrawnMap
        From `draw`.
    fmt : {"png", "pdf", "svg"}
        The format; PNG has 300 dots per inch.

    Returns
    -------
    bytes
        The file. It holds the date of the settings, never that of the run.

    Raises
    ------
    OutputError
        If the format is unknown, a rule is broken, or a character has no glyph.
    """
    import matplotlib as mpl

    if fmt not in FORMATS:
        raise OutputError(f"a printed map is written as one of {', '.join(FORMATS)}, got {fmt!r}.")
    if drawn.sheet.focus is None:
        check_standard_map(drawn)
    buffer = io.BytesIO()
    with mpl.rc_context(_FIXED), _no_glyph_missing():
        if fmt == "png":
            _write_png(drawn, buffer)
            return buffer.getvalue()
        drawn.figure.savefig(buffer, format=fmt, dpi=DPI, metadata=_metadata(drawn.sheet, fmt))
    content = buffer.getvalue()
    return _SVG_PATH.sub(_shorten, content) if fmt == "svg" else content


def _write_png(drawn: DrawnMap, buffer: io.BytesIO) -> None:
    """Write the dots without the opacity that all of them have: fewer bytes in half the time."""
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    said, canvas = PngInfo(), drawn.figure.canvas
    said.add_text("Title", drawn.sheet.meta.title.encode("ascii", "replace").decode())
    canvas.draw()
    dots = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    dots.save(buffer, "PNG", pnginfo=said, dpi=(DPI, DPI), compress_level=_PNG_LEVEL)


@contextlib.contextmanager
def _no_glyph_missing() -> Iterator[None]:
    """Make an error of what matplotlib only warns of: a box in the place of a character."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Glyph")
        try:
            yield
        except UserWarning as error:
            raise OutputError(f"a character of the map has no glyph: {error} Install a font that has it.") from error


def _shorten(match: re.Match[bytes]) -> bytes:
    """Round the coordinates of a path to hundredths of a point: a third of the bytes, nothing to be seen."""
    return _DECIMALS.sub(rb"\1", match.group())


def _metadata(sheet: Sheet, fmt: str) -> dict[str, Any]:
    """Put the settings' date in the place of the clock's, and no version of a program."""
    date, title = sheet.meta.date or None, sheet.meta.title
    if fmt == "svg":
        return {"Date": date, "Creator": None, "Title": title}
    # in UTC: without a zone the file would hold that of the machine
    created = dt.datetime.fromisoformat(date).replace(tzinfo=dt.UTC) if date else None
    return {"CreationDate": created, "Title": title, "Producer": None, "Creator": None}


def _draw_country(sheet: Sheet, fonts: FontChoice) -> DrawnMap:
    """Lay out the country: legend and scale on the left below, inset on the right below, notes under the map."""
    width = _WIDTH - 2 * _EDGE
    mpi = (_COUNTRY[2] - _COUNTRY[0]) / width
    height = (_COUNTRY[3] - _COUNTRY[1]) / mpi
    lines = {name: style for name, (_, style) in sheet.lines.items()}
    plan = _legend_over_the_sea(sheet, fonts, lines, mpi)
    column = 0.0 if plan else _SIDE + _GAP
    paper, bottom = _paper(sheet, fonts, height, width=_WIDTH + column)
    frame = (_EDGE, bottom, _EDGE + width, bottom + height)
    main = map_axes(paper, "main", frame, _COUNTRY)
    draw_layers(main, sheet, _COUNTRY)
    inset = _add_inset(paper, sheet, frame, mpi)
    beside = frame[0] + _GAP
    if plan is None:
        plan = plan_legend(paper, sheet.theme, lines, width=_SIDE)
        add_legend(paper, sheet.theme, lines, at=(frame[2] + _GAP, frame[3] - plan.height), plan=plan)
    else:
        add_legend(paper, sheet.theme, lines, at=(frame[0] + _INNER, frame[1] + _INNER), plan=plan)
        beside += _INNER + plan.width
    note = word("scale_standard", fonts.lang)
    add_scale_bar(paper, at=(beside, frame[1] + 0.07), room=1.6, metres_per_inch=mpi, note=note)
    corner = (frame[0] + 0.42, frame[3] - 0.42)
    add_north_arrow(paper, at=corner, angle=_north(_ground(corner, frame, _COUNTRY)))
    islands = _name_islands(paper, main, _NEAR_TAIWAN, 4.6)
    add_names(paper, main, sheet.places, frame=frame, taken=[*_taken(paper), *islands])
    return DrawnMap(paper.figure, main, inset, sheet)


def _legend_over_the_sea(
    sheet: Sheet, fonts: FontChoice, lines: dict[str, Style], metres_per_inch: float
) -> LegendPlan | None:
    """Plan a legend for the lower left corner that covers no territory; None if there is none of that size."""
    probe = Paper(1, 1, fonts)
    for tightness in (1.0, 0.92, 0.84):
        plan = plan_legend(probe, sheet.theme, lines, width=2.5, row=ROW * tightness)
        east, north = (
            _COUNTRY[i] + (_INNER * 1.5 + size) * metres_per_inch for i, size in enumerate((plan.width, plan.height))
        )
        if not shapely.intersects(sheet.plane.units.to_numpy(), shapely.box(*_COUNTRY[:2], east, north)).any():
            return plan
    return None


def _draw_focus(sheet: Sheet, fonts: FontChoice, focus: Focus) -> DrawnMap:
    """Lay out a province or cluster: the map with its surroundings faded, all else in a column beside it."""
    width = _WIDTH - 2 * _EDGE - _SIDE - _GAP
    view = _view_around(sheet.plane.units.loc[focus.units].total_bounds)
    mpi = (view[2] - view[0]) / width
    height = (view[3] - view[1]) / mpi
    paper, bottom = _paper(sheet, fonts, height)
    frame = (_EDGE, bottom, _EDGE + width, bottom + height)
    main = map_axes(paper, "main", frame, view)
    draw_layers(main, sheet, view)
    fade_around(main, sheet, focus, view)
    left, top = frame[2] + _GAP, frame[3]
    lines = {name: style for name, (_, style) in sheet.lines.items()}
    plan = dataclasses.replace(plan_legend(paper, sheet.theme, lines, width=_SIDE), width=_SIDE)
    add_legend(paper, sheet.theme, lines, at=(left, top - plan.height), plan=plan)
    middle = ((view[0] + view[2]) / 2, (view[1] + view[3]) / 2)
    add_north_arrow(paper, at=(left + 0.3, frame[1] + 0.78), angle=_north(middle))
    add_scale_bar(
        paper, at=(left, frame[1]), room=_SIDE, metres_per_inch=mpi / scale_factor(*middle),
        note=word("scale_centre", fonts.lang),
    )  # fmt: skip
    add_names(paper, main, sheet.places, frame=frame, taken=_taken(paper))
    return DrawnMap(paper.figure, main, None, sheet)


def _paper(sheet: Sheet, fonts: FontChoice, map_height: float, *, width: float = _WIDTH) -> tuple[Paper, float]:
    """Cut the paper to the map, its heading and its notes, and write these; give the bottom of the map."""
    probe = Paper(1, 1, fonts)
    room = width - 2 * _EDGE
    title = probe.fold(sheet.meta.title, 12.5, room * 0.92)
    subtitle = probe.fold(sheet.meta.subtitle, 8.5, room) if sheet.meta.subtitle else []
    notes = _flow(probe, printed_notices(sheet.meta), room)
    bottom = _EDGE + 0.112 * len(notes)
    head = 0.2 * len(title) + 0.15 * len(subtitle) + 0.14
    paper = Paper(width, bottom + map_height + head + _EDGE * 0.7, fonts)
    y = paper.height - _EDGE - 0.14
    for line in title:
        paper.write(None, (_EDGE, y), line, 12.5, bold=True, gid=BOX + "title")
        y -= 0.2
    for line in subtitle:
        paper.write(None, (_EDGE, y + 0.03), line, 8.5, color=QUIET, gid=BOX + "title")
        y -= 0.15
    for number, line in enumerate(notes):
        paper.write(None, (_EDGE, bottom - 0.115 - 0.112 * number), line, 5.6, color=QUIET, gid=BOX + "notes")
    return paper, bottom


def _flow(paper: Paper, texts: tuple[str, ...], width: float) -> list[str]:
    """Put short notes on one line and break long ones."""
    lines: list[str] = []
    for text in texts:
        joined = f"{lines[-1]}   {text}" if lines else text
        if lines and paper.measure(joined, 5.6)[0] <= width:
            lines[-1] = joined
        else:
            lines += paper.fold(text, 5.6, width)
    return lines


def _add_inset(paper: Paper, sheet: Sheet, frame: Box, mpi: float) -> Any:
    """Draw the South China Sea in the lower right corner, down to Zengmu Shoal."""
    width, height = ((_INSET[k + 2] - _INSET[k]) * _INSET_SHARE / mpi for k in (0, 1))
    right, bottom = frame[2] - 0.04, frame[1] + 0.04
    axes = map_axes(paper, BOX + "inset", (right - width, bottom, right, bottom + height), _INSET)
    axes.set_zorder(5)
    draw_layers(axes, sheet, _INSET)
    x, y = project_points([112.9], [12.7])[0]
    title = "\n".join(paper.fold(word("south_china_sea", paper.fonts.lang), 5.2, width * 0.55))
    paper.write(axes, (x, y), title, 5.2, ha="center", va="center", bold=True, linespacing=1.05)
    _name_islands(paper, axes, _ISLANDS, 3.6)
    return axes


def _name_islands(paper: Paper, axes: Any, islands: dict[str, tuple[float, float]], size: float) -> list[Box]:
    """Name islands that are too small to be found by their fill; give the boxes of the names in inches."""
    boxes: list[Box] = []
    for key, (lon, lat) in islands.items():
        x, y = project_points([lon], [lat])[0]
        name = paper.write(axes, (x, y), word(key, paper.fonts.lang), size, ha="center", va="top", color=QUIET)
        boxes.append(_inches(name, paper))
    return boxes


def _view_around(bounds: np.ndarray) -> Box:
    """Give the bounds a margin, and a shape that fits the paper."""
    west, south, east, north = bounds.tolist()
    x, y = (west + east) / 2, (south + north) / 2
    width, height = (east - west) * 1.16, (north - south) * 1.16
    width = max(width, height / 1.2)
    height = max(height, width * 0.78)
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def _ground(at: tuple[float, float], frame: Box, view: Box) -> tuple[float, float]:
    """Give the place on the plane under a place on the paper."""
    share = (view[2] - view[0]) / (frame[2] - frame[0])
    return view[0] + (at[0] - frame[0]) * share, view[1] + (at[1] - frame[1]) * share


def _north(place: tuple[float, float]) -> float:
    """Give the bearing of true north on the paper at a place of the plane, in degrees clockwise from up."""
    from pyproj import Proj

    lon, lat = Proj(ALBERS)(*place, inverse=True)
    (x, y), (x2, y2) = project_points([lon, lon], [lat, lat + 0.1])
    return float(np.degrees(np.arctan2(x2 - x, y2 - y)))


def _inches(artist: Any, paper: Paper) -> Box:
    left, bottom, right, top = (value / DPI for value in artist.get_window_extent(paper.renderer).extents)
    return left, bottom, right, top


def _taken(paper: Paper) -> list[Box]:
    """List the boxes on the paper, in inches."""
    children = paper.figure.get_children()
    return [_inches(artist, paper) for artist in children if (artist.get_gid() or "").startswith(BOX)]
