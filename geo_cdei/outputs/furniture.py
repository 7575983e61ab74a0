"""What stands on a printed map beside the map itself: heading, legend, scale bar, north arrow, names, notes.

Everything is placed in inches of the paper. What covers a part of the paper has a ``gid`` that begins with
``box:``, by which `standard_map.check_standard_map` finds it again.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geo_cdei.outputs.fonts import FontChoice
from geo_cdei.outputs.labels import Box, place_labels
from geo_cdei.outputs.texts import word

if TYPE_CHECKING:
    import pandas as pd

    from geo_cdei.outputs.layers import Style
    from geo_cdei.outputs.legends import LegendClass, Theme

__all__ = [
    "BOX",
    "DPI",
    "INK",
    "LegendPlan",
    "Paper",
    "add_legend",
    "add_names",
    "add_north_arrow",
    "add_scale_bar",
    "plan_legend",
]

DPI = 300
BOX = "box:"
INK, QUIET, RULE = "#1f2a33", "#4f5a63", "#8a949b"
ROW, _SWATCH, _PAD = 0.158, (0.26, 0.105), 0.09
_NICE = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


class Paper:
    """A sheet of paper in inches, with the fonts of its language.

    Parameters
    ----------
    width, height : float
        Inches.
    fonts : FontChoice
        Language and fonts.
    """

    def __init__(self, width: float, height: float, fonts: FontChoice) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self.width, self.height, self.fonts = width, height, fonts
        self.figure: Any = Figure(figsize=(width, height), dpi=DPI, facecolor="white")
        self.renderer: Any = FigureCanvasAgg(self.figure).get_renderer()  # type: ignore[no-untyped-call]

    def place(self, box: Box) -> tuple[float, float, float, float]:
        """Turn left, bottom, width, height in inches into shares of the paper."""
        x, y, w, h = box
        return x / self.width, y / self.height, w / self.width, h / self.height

    def axes(self, name: str, box: Box, *, ground: bool) -> Any:
        """Lay an empty box on the paper, measured in inches from its lower left corner."""
        axes = self.figure.add_axes(self.place(box), gid=BOX + name, zorder=5)
        axes.set(xlim=(0, box[2]), ylim=(0, box[3]), xticks=[], yticks=[], facecolor="white")
        axes.patch.set_alpha(0.92 if ground else 0.0)
        for spine in axes.spines.values():
            spine.set(visible=ground, linewidth=0.4, edgecolor=RULE)
        return axes

    def font(self, size: float, *, bold: bool = False) -> Any:
        """Give the font of this paper in a size."""
        from matplotlib.font_manager import FontProperties

        return FontProperties(family=list(self.fonts.families), size=size, weight="bold" if bold else "normal")

    def readable(self, text: object) -> str:
        """Leave out what no font draws: control characters, and characters that no font of this system has."""
        missing = self.fonts.missing
        return "".join("?" if c in missing else c if c.isprintable() or c == "\n" else " " for c in str(text))

    def measure(self, text: str, size: float, *, bold: bool = False) -> tuple[float, float]:
        """Give width and height of a text in inches."""
        font, lines = self.font(size, bold=bold), self.readable(text).split("\n")
        sizes = [self.renderer.get_text_width_height_descent(line, font, ismath=False)[:2] for line in lines]
        return max(w for w, _ in sizes) / DPI, sum(h for _, h in sizes) / DPI

    def write(self, axes: Any, at: tuple[float, float], text: object, size: float, **how: Any) -> Any:
        """Write a line; without axes, in inches of the paper. Nothing in it is read as a formula."""
        font = self.font(size, bold=how.pop("bold", False))
        how = {"color": INK, "va": "baseline", "parse_math": False, "fontproperties": font, **how}
        if axes is None:
            return self.figure.text(at[0] / self.width, at[1] / self.height, self.readable(text), **how)
        return axes.text(*at, self.readable(text), **how)

    def fold(self, text: str, size: float, width: float) -> list[str]:
        """Break a text into lines of at most `width` inches; Chinese breaks anywhere, English between words."""
        pieces = list(text) if self.fonts.lang == "zh" else text.replace(" ", " \0").split("\0")
        wide = {piece: self.measure(piece, size)[0] for piece in set(pieces)}
        lines, used = [""], 0.0
        for piece in pieces:
            if lines[-1] and used + wide[piece] > width:
                lines.append("")
                used = 0.0
            lines[-1] += piece
            used += wide[piece]
        return [line.rstrip() for line in lines]


@dataclass(frozen=True, slots=True)
class LegendPlan:
    """Size of a legend in inches, distance of its lines, and its note folded to that size."""

    width: float
    height: float
    row: float
    notes: tuple[str, ...]


def plan_legend(
    paper: Paper, theme: Theme, lines: Mapping[str, Style], *, width: float, row: float = ROW
) -> LegendPlan:
    """Find the room that a legend needs.

    Parameters
    ----------
    paper : Paper
        Whose fonts it is written in.
    theme : Theme
        Its classes.
    lines : mapping of str to Style
        Further lines of the map by their names.
    width : float
        Inches it may be wide.
    row : float
        Distance of its lines in inches.

    Returns
    -------
    LegendPlan
        For `add_legend`.
    """
    lang, texts = paper.fonts.lang, [*(line.label for line in theme.classes), *lines]
    label = max(paper.measure(text, 6.6)[0] for text in texts)
    head = paper.measure(theme.title, 7.4, bold=True)[0] + paper.measure(word("n_units", lang), 5.8)[0]
    found = min(width, max(_SWATCH[0] + label + 0.62, head + 0.25, 1.4) + 2 * _PAD)
    notes = tuple(paper.fold(theme.note, 5.4, found - 2 * _PAD)) if theme.note else ()
    height = 0.26 + row * len(texts) + 0.095 * len(notes) + (0.075 if notes else 0.03)
    return LegendPlan(found, height, row, notes)


def add_legend(
    paper: Paper, theme: Theme, lines: Mapping[str, Style], *, at: tuple[float, float], plan: LegendPlan
) -> Any:
    """Draw the legend: every class with its colour, label and count, and how the classes were made.

    Parameters
    ----------
    paper : Paper
        What to draw on.
    theme : Theme
        The classes.
    lines : mapping of str to Style
        Further lines of the map by their names.
    at : tuple of float
        Left and bottom in inches.
    plan : LegendPlan
        Its size.

    Returns
    -------
    matplotlib.axes.Axes
        The legend, with the ``gid`` ``box:legend``.
    """
    axes = paper.axes("legend", (*at, plan.width, plan.height), ground=True)
    top, right, text = plan.height - 0.17, plan.width - _PAD, _PAD + _SWATCH[0] + 0.09
    paper.write(axes, (_PAD, top), theme.title, 7.4, bold=True)
    paper.write(axes, (right, top), word("n_units", paper.fonts.lang), 5.8, ha="right", color=QUIET)
    bottoms = (top - 0.017 - plan.row * number for number in itertools.count(1))
    middle = {"va": "center_baseline"}
    for line, y in zip(theme.classes, bottoms, strict=False):
        _swatch(axes, (_PAD, y), line)
        paper.write(axes, (text, y + _SWATCH[1] / 2), line.label, 6.6, **middle)
        paper.write(axes, (right, y + _SWATCH[1] / 2), f"{line.count:,}", 6.6, ha="right", color=QUIET, **middle)
    below = top - 0.017 - plan.row * (len(theme.classes) + 1)
    for number, (name, style) in enumerate(lines.items()):
        y = below - plan.row * number + _SWATCH[1] / 2
        axes.plot([_PAD, _PAD + _SWATCH[0]], [y, y], color=style.colour, linewidth=style.weight * 1.3)
        paper.write(axes, (text, y), name, 6.6, **middle)
    below -= plan.row * len(lines)
    for number, note in enumerate(plan.notes):
        paper.write(axes, (_PAD, below + 0.02 - 0.095 * number), note, 5.4, color=QUIET)
    return axes


def _swatch(axes: Any, at: tuple[float, float], line: LegendClass) -> None:
    from matplotlib.patches import Rectangle

    frame: dict[str, Any] = {"edgecolor": RULE, "linewidth": 0.35}
    axes.add_patch(Rectangle(at, *_SWATCH, facecolor=line.colour, **frame))
    if line.hatch:
        axes.add_patch(hatched(Rectangle(at, *_SWATCH, facecolor="none", **frame)))


def hatched(artist: Any) -> Any:
    """Draw the pattern of units without a value."""
    artist.set(hatch="//////", hatchcolor="#d6d9db", hatch_linewidth=0.35)
    return artist


def add_scale_bar(paper: Paper, *, at: tuple[float, float], room: float, metres_per_inch: float, note: str) -> Any:
    """Draw a bar of a round number of kilometres.

    Parameters
    ----------
    paper : Paper
        What to draw on.
    at : tuple of float
        Left and bottom in inches.
    room : float
        Inches it may take.
    metres_per_inch : float
        Metres on the ground under an inch of the paper, where the bar is true.
    note : str
        Where it is true.

    Returns
    -------
    matplotlib.axes.Axes
        The bar, with the ``gid`` ``box:scale``.
    """
    from matplotlib.patches import Rectangle

    km = max(k for k in _NICE if k * 1000 / metres_per_inch <= room * 0.8 or k == 1)
    length = km * 1000 / metres_per_inch
    lang = paper.fonts.lang
    end = word("km", lang, n=f"{km:,}")
    width = max(length + paper.measure(end, 5.8)[0] / 2 + 0.12, paper.measure(note, 5.2)[0] + 0.1)
    axes = paper.axes("scale", (*at, width, 0.36), ground=False)
    for part, colour in enumerate((INK, "white", INK, "white")):
        left = 0.05 + part * length / 4
        axes.add_patch(Rectangle((left, 0.15), length / 4, 0.045, facecolor=colour, edgecolor=INK, linewidth=0.45))
    for share, text in ((0, "0"), (0.5, f"{km / 2:g}"), (1, end)):
        paper.write(axes, (0.05 + share * length, 0.23), text, 5.8, ha="center" if share else "left")
    paper.write(axes, (0.05, 0.03), note, 5.2, color=QUIET)
    return axes


def add_north_arrow(paper: Paper, *, at: tuple[float, float], angle: float) -> Any:
    """Draw an arrow to the north of the place where it stands.

    Parameters
    ----------
    paper : Paper
        What to draw on.
    at : tuple of float
        Middle, in inches.
    angle : float
        Degrees clockwise from the upper edge of the paper.

    Returns
    -------
    matplotlib.axes.Axes
        The arrow, with the ``gid`` ``box:north``.
    """
    from matplotlib.patches import Polygon
    from matplotlib.transforms import Affine2D

    size = 0.56
    axes = paper.axes("north", (at[0] - size / 2, at[1] - size / 2, size, size), ground=False)
    turn = Affine2D().rotate_deg_around(size / 2, size / 2, -angle) + axes.transData
    middle, foot, tip = size / 2, 0.07, 0.38
    for side, colour in ((-1, INK), (1, "white")):
        half = [(middle, tip), (middle + side * 0.085, foot), (middle, foot + 0.07)]
        axes.add_patch(Polygon(half, facecolor=colour, edgecolor=INK, linewidth=0.5, transform=turn))
    radius = 0.2
    x, y = middle + radius * np.sin(np.radians(angle)), middle + radius * np.cos(np.radians(angle))
    paper.write(axes, (x, y), word("north", paper.fonts.lang), 7.5, bold=True, ha="center", va="center")
    return axes


def add_names(paper: Paper, axes: Any, places: pd.DataFrame, *, frame: Box, taken: Sequence[Box]) -> int:
    """Mark places and write their names where there is room, the first ones first.

    Parameters
    ----------
    paper : Paper
        What to draw on.
    axes : matplotlib.axes.Axes
        The map.
    places : pandas.DataFrame
        Columns `sheet.PLACES`.
    frame : tuple of float
        Left, bottom, right, top of the map in inches.
    taken : sequence of tuple of float
        Boxes that stay free, likewise.

    Returns
    -------
    int
        How many names found room.
    """
    from matplotlib.patheffects import withStroke

    has_glyphs = [not set(name) & paper.fonts.missing for name in places["name"]]
    known = places[np.array(has_glyphs, dtype=bool)]
    pixels = axes.transData.transform(known[["x", "y"]].to_numpy()) / DPI
    sizes = np.array([paper.measure(name, 5.6) for name in known["name"]]).reshape(-1, 2)
    dots = known["dot"].to_numpy(dtype=bool)
    placed = place_labels(pixels, sizes, dots=dots, frame=frame, taken=taken)
    rows = known.iloc[[i for i, _, _ in placed]]
    marked = rows[rows["dot"].astype(bool)]
    axes.plot(
        marked["x"], marked["y"], "o", markersize=1.7, color=INK, markeredgecolor="white", markeredgewidth=0.35,
        zorder=4, gid="places", linestyle="none",
    )  # fmt: skip
    for (i, left, bottom), name, near in zip(placed, rows["name"], rows["near"], strict=True):
        at = (left + sizes[i, 0] / 2, bottom + sizes[i, 1] / 2)
        middle = {"ha": "center", "va": "center", "linespacing": 1.08}
        written = paper.write(None, at, name, 5.6, gid="name", zorder=6, color=INK if near else QUIET, **middle)
        written.set_path_effects([withStroke(linewidth=1.3, foreground="white", alpha=0.85)])
    return len(placed)
