"""Palettes by name: ColorBrewer for numbers, fixed colours for named classes, and colour-blind-safe ones."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from geo_cdei.errors import OutputError
from geo_cdei.outputs.legends import shades
from geo_cdei.outputs.lisa_page import LISA_COLOURS, SPOT_COLOURS
from geo_cdei.outputs.pattern_page import ROLE_COLOURS

__all__ = ["NAMED", "SEQUENTIAL", "class_colours", "number_colours", "palette_names"]

#: Colours of named classes. ``lisa`` and ``spots`` are GeoDa's; the ``_safe`` ones are told apart by readers with
#: red-green blindness (orange against purple, darker for the stronger class).
NAMED: dict[str, dict[str, str]] = {
    "lisa": LISA_COLOURS,
    "lisa_safe": LISA_COLOURS | {"HH": "#E66101", "LL": "#5E3C99", "LH": "#B2ABD2", "HL": "#FDB863"},
    "spots": SPOT_COLOURS,
    "spots_safe": SPOT_COLOURS | {"hot": "#E66101", "cold": "#5E3C99"},
    "roles": ROLE_COLOURS,
    "tiers": {"一线": "#54278f", "新一线": "#756bb1", "二线": "#9e9ac8", "三线": "#cbc9e2", "四线": "#ebe9f5"},
    "tiers_safe": {"一线": "#00204d", "新一线": "#414d6b", "二线": "#7c7b78", "三线": "#bcae6c", "四线": "#ffea46"},
}

#: Colour-blind-safe steps from low to high (cividis, light end first, so that high is dark as elsewhere).
_CIVIDIS = ("#fee838", "#e1cc55", "#c3b369", "#a59c74", "#8a8678", "#707173", "#575d6d", "#3b496c", "#123570")

#: Schemes of ColorBrewer for numbers; all of them are safe for readers with red-green blindness.
SEQUENTIAL = (
    "Blues", "BuGn", "BuPu", "GnBu", "Greens", "Greys", "OrRd", "Oranges", "PuBu", "PuBuGn", "PuRd", "Purples",
    "RdPu", "Reds", "YlGn", "YlGnBu", "YlOrBr", "YlOrRd", "BrBG", "PRGn", "PiYG", "PuOr", "RdBu", "RdYlBu",
)  # fmt: skip
_QUALITATIVE = ("Set1", "Set2", "Set3", "Dark2", "Paired", "Accent", "Pastel1", "Pastel2")


def palette_names(kind: str) -> tuple[str, ...]:
    """List the palettes of a kind of map.

    Parameters
    ----------
    kind : {"graduated", "categorical"}
        The kind.

    Returns
    -------
    tuple of str
        Names that a recipe may use.

    Examples
    --------
    >>> "cividis" in palette_names("graduated"), "lisa_safe" in palette_names("categorical")
    (True, True)
    """
    return (*SEQUENTIAL, "cividis") if kind == "graduated" else (*NAMED, *_QUALITATIVE)


def number_colours(name: str, n: int) -> tuple[str, ...]:
    """Give the colours of `n` classes of numbers, low to high.

    Parameters
    ----------
    name : str
        One of ``palette_names("graduated")``.
    n : int
        Number of classes.

    Returns
    -------
    tuple of str
        Colours.

    Raises
    ------
    OutputError
        If there is no such palette.

    Examples
    --------
    >>> number_colours("cividis", 2)
    ('#fee838', '#123570')
    """
    _check(name, "graduated")
    if name != "cividis":
        return tuple(shades(name, n)) if n else ()
    last = len(_CIVIDIS) - 1
    return tuple(_CIVIDIS[round(i * last / max(n - 1, 1))] for i in range(n))


def class_colours(name: str, values: Sequence[str]) -> dict[str, str]:
    """Give the colour of every class in the order of the legend.

    Parameters
    ----------
    name : str
        One of ``palette_names("categorical")``.
    values : sequence of str
        The classes that occur; a palette with fixed classes shows all of its own.

    Returns
    -------
    dict of str to str
        Class to colour.

    Raises
    ------
    OutputError
        If there is no such palette, or it has fewer colours than there are classes.

    Examples
    --------
    >>> list(class_colours("spots", ["hot"]))
    ['hot', 'cold', 'ns', 'undefined']
    """
    _check(name, "categorical")
    if name in NAMED:
        return dict(NAMED[name])
    return dict(zip(values, shades(name, len(values)), strict=True)) if values else {}


def _check(name: str, kind: str) -> None:
    known = palette_names(kind)
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
        raise OutputError(f"there is no {kind} palette {name!r}; {hint}")
