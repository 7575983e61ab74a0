"""Themes: which class each unit of a map is in, and what the legend says about it.

A theme always shows all of its classes with their counts, the empty ones too, and sets apart what has no
value: a unit that was not scored is never drawn as a low one.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from geo_cdei._breaks import natural_breaks
from geo_cdei.errors import OutputError
from geo_cdei.outputs.texts import word, words

__all__ = ["Classing", "LegendClass", "Theme", "categorical", "graduated", "shades", "upper_bounds"]

MANY, MOST = 500, 6000  # values between which natural breaks are found by array algebra: time, then memory

NOT_SCORED_COLOUR = "#f3f3f1"
_APART_COLOURS = {
    "isolate": "#999999",
    "outside": "#fbfbfa",
    "unscored_cluster": "#e3e4e6",
    "present_pole": "#8d949b",
}
_OTHER_APART = "#cfd3d6"


@dataclass(frozen=True, slots=True)
class LegendClass:
    """One line of a legend: its label, its colour, how many units it holds, whether it is hatched."""

    label: str
    colour: str
    count: int
    hatch: bool = False


@dataclass(frozen=True, slots=True)
class Theme:
    """A way to colour the units.

    Parameters
    ----------
    key : str
        ASCII name, unique on the page.
    title : str
        What the reader chooses.
    kind : {"graduated", "categorical"}
        Whether the classes are intervals or names.
    classes : tuple of LegendClass
        In the order of the legend.
    assignment : pandas.Series of shape (n_units,)
        Position in `classes` of every unit, indexed like the units.
    note : str
        How the classes were made.
    """

    key: str
    title: str
    kind: str
    classes: tuple[LegendClass, ...]
    assignment: pd.Series
    note: str = ""


@dataclass(frozen=True, slots=True)
class Classing:
    """How values become classes.

    Parameters
    ----------
    scheme : str
        A classifier of mapclassify that takes `k`, such as "FisherJenks" or "Quantiles"; one that finds its
        own number of classes, such as "HeadTailBreaks". With `bins` it only names them.
    k : int
        Number of classes; fewer are made where there are fewer distinct values.
    palette : str or sequence of str
        Name of a ColorBrewer scheme, or one colour per class from low to high.
    digits : int
        Decimals of the labels.
    bins : tuple of float
        Upper bounds found elsewhere; nothing is classified then.
    """

    scheme: str = "FisherJenks"
    k: int = 5
    palette: str | tuple[str, ...] = "YlGnBu"
    digits: int = 1
    bins: tuple[float, ...] = ()


def graduated(
    values: pd.Series,
    title: str,
    *,
    classing: Classing | None = None,
    apart: pd.Series | None = None,
    lang: str = "zh",
) -> Theme:
    """Colour units by classes of a number.

    Parameters
    ----------
    values : pandas.Series of shape (n_units,)
        Numbers, missing where there is none; its name is the key of the theme.
    title : str
        What the reader chooses.
    classing : Classing, optional
        Scheme, number of classes and palette; Fisher-Jenks with five classes unless told.
    apart : pandas.Series of shape (n_units,), optional
        A name for each unit that belongs to no class whatever its value ("isolate", "outside", ...), missing
        for the others.
    lang : {"zh", "en"}
        Language of the legend.

    Returns
    -------
    Theme
        Intervals from low to high, then the classes apart, then "not scored" where a unit has no value.

    Raises
    ------
    OutputError
        If a value is infinite, the scheme is unknown or the palette has too few colours.

    References
    ----------
    Rey, S. et al. mapclassify: Classification Schemes for Choropleth Maps.

    Examples
    --------
    >>> score = pd.Series([90.0, 40.0, None, 42.0], index=list("abcd"), name="score")
    >>> theme = graduated(score, "Score", classing=Classing(k=2), lang="en")
    >>> [(line.label, line.count) for line in theme.classes]
    [('40.0 – 42.0', 2), ('42.0 – 90.0', 1), ('not scored', 1)]
    """
    how = classing or Classing()
    numbers = values.astype("float64")
    if np.isinf(numbers).any():
        raise OutputError(f"{values.name!r} holds {int(np.isinf(numbers).sum())} infinite values; make them missing.")
    kept = numbers.notna() if apart is None else numbers.notna() & apart.isna()
    bounds = upper_bounds(numbers[kept], how)
    position = pd.Series(-1, index=values.index, dtype="int64")
    position[kept] = np.searchsorted(bounds, numbers[kept].to_numpy(), side="left")
    lower = [numbers[kept].min(), *bounds[:-1]] if len(bounds) else []
    labels = [f"{a:.{how.digits}f} – {b:.{how.digits}f}" for a, b in zip(lower, bounds, strict=True)]
    lines = list(zip(labels, shades(how.palette, len(bounds)), strict=True))
    note = word("scheme", lang, scheme=words([how.scheme], lang)[how.scheme], k=len(bounds)) if labels else ""
    classes, assignment = _classes(lines, position, apart=apart, lang=lang)
    return Theme(str(values.name), title, "graduated", classes, assignment, note)


def categorical(
    values: pd.Series,
    title: str,
    *,
    palette: Mapping[str, str],
    labels: Mapping[str, str] | None = None,
    apart: pd.Series | None = None,
    lang: str = "zh",
) -> Theme:
    """Colour units by the names of their classes.

    Parameters
    ----------
    values : pandas.Series of shape (n_units,)
        Names, missing where there is none; its name is the key of the theme.
    title : str
        What the reader chooses.
    palette : mapping of str to str
        Colour of every class in the order of the legend; all are shown, the empty ones too.
    labels : mapping of str to str, optional
        What the legend calls a class; the name itself where it is not given.
    apart : pandas.Series of shape (n_units,), optional
        As in `graduated`.
    lang : {"zh", "en"}
        Language of the legend.

    Returns
    -------
    Theme
        The classes of the palette, then the classes apart, then "not scored" where a unit has no value.

    Raises
    ------
    OutputError
        If a value has no colour.

    Examples
    --------
    >>> quadrant = pd.Series(["HH", None], index=["110000", "710000"], name="quadrant")
    >>> theme = categorical(quadrant, "LISA", palette={"HH": "#ff0000", "LL": "#0000ff"}, lang="en")
    >>> [(line.label, line.count) for line in theme.classes]
    [('HH', 1), ('LL', 0), ('not scored', 1)]
    """
    names = list(palette)
    kept = values.notna() if apart is None else values.notna() & apart.isna()
    unknown = sorted({str(value) for value in values[kept]} - set(names))
    if unknown:
        raise OutputError(
            f"{values.name!r} holds {len(unknown)} classes without a colour (first: {unknown[:3]}); "
            f"the palette knows {names}. Add them to the palette."
        )
    position = values.where(kept).map({name: i for i, name in enumerate(names)}).fillna(-1).astype("int64")
    lines = [((labels or {}).get(name, name), colour) for name, colour in palette.items()]
    classes, assignment = _classes(lines, position, apart=apart, lang=lang)
    return Theme(str(values.name), title, "categorical", classes, assignment)


def _classes(
    lines: list[tuple[str, str]], position: pd.Series, *, apart: pd.Series | None, lang: str
) -> tuple[tuple[LegendClass, ...], pd.Series]:
    """Put the classes apart and the missing ones behind the others, and count."""
    lines, position, hatched = list(lines), position.copy(), -1
    names = pd.Series(pd.NA, index=position.index, dtype="object") if apart is None else apart
    for name in sorted(names.dropna().unique()):
        position[names.eq(name).fillna(False).astype(bool)] = len(lines)
        lines.append((words([name], lang)[name], _APART_COLOURS.get(name, _OTHER_APART)))
    if position.eq(-1).any():
        hatched = len(lines)
        position[position.eq(-1)] = hatched
        lines.append((word("not_scored", lang), NOT_SCORED_COLOUR))
    counts = np.bincount(position.to_numpy(), minlength=len(lines))
    classes = tuple(
        LegendClass(label, colour, int(count), i == hatched)
        for i, ((label, colour), count) in enumerate(zip(lines, counts, strict=True))
    )
    return classes, position


def upper_bounds(values: pd.Series, classing: Classing) -> tuple[float, ...]:
    """Find the upper bounds of the classes of some numbers.

    Parameters
    ----------
    values : pandas.Series
        Numbers; missing ones are left out.
    classing : Classing
        Scheme and number of classes, or the bounds themselves, to which the maximum is added where they
        stop below it.

    Returns
    -------
    tuple of float
        Ascending, the last one the maximum or above; empty where there is no value.

    Raises
    ------
    OutputError
        If the scheme is unknown.

    Examples
    --------
    >>> upper_bounds(pd.Series([1.0, 2.0, 9.0, 10.0]), Classing(k=2))
    (2.0, 10.0)
    """
    distinct = np.unique(values.dropna().to_numpy(dtype=float))
    if classing.bins and len(distinct):
        return tuple(sorted({*classing.bins, max(distinct[-1], *classing.bins)}))
    k = min(classing.k, len(distinct))
    if k <= 1:
        return tuple(distinct[-1:].tolist())
    bounds = np.unique(_classify(values.dropna().to_numpy(dtype=float), classing.scheme, k))
    return tuple(bounds[np.searchsorted(bounds, distinct[0]) :].tolist())


def _classify(values: np.ndarray, scheme: str, k: int) -> np.ndarray:
    import mapclassify

    classifier = getattr(mapclassify, scheme, None)
    if scheme not in mapclassify.CLASSIFIERS or classifier is None:
        raise OutputError(f"there is no classification scheme {scheme!r}; FisherJenks and Quantiles are two.")
    if scheme == "FisherJenks" and MANY < len(values) <= MOST:
        # the same breaks by array algebra: the library's loop needs a compiler for thousands of values
        classes = natural_breaks(values, k)
        return np.array([values[classes == place].max() for place in np.unique(classes)], dtype=float)
    takes_k = "k" in inspect.signature(classifier.__init__).parameters
    with warnings.catch_warnings():
        # A few hundred values need no compiled loop, and its absence is no concern of a reader.
        warnings.filterwarnings("ignore", "Numba not installed", UserWarning)
        return np.asarray((classifier(values, k=k) if takes_k else classifier(values)).bins, dtype=float)


def shades(palette: str | Sequence[str], n: int) -> list[str]:
    """Spread a palette over `n` classes.

    Parameters
    ----------
    palette : str or sequence of str
        Name of a ColorBrewer scheme, or the colours themselves.
    n : int
        Number of classes.

    Returns
    -------
    list of str
        One colour per class, low to high.

    Raises
    ------
    OutputError
        If there is no such palette or it has too few colours.

    Examples
    --------
    >>> shades("YlGnBu", 1), shades(["#ffffff", "#000000"], 2)
    (['#2c7fb8'], ['#ffffff', '#000000'])
    """
    if not isinstance(palette, str):
        if len(palette) < n:
            raise OutputError(f"{n} classes need {n} colours, the palette has {len(palette)}.")
        return list(palette[:n])
    from branca.utilities import color_brewer

    try:
        shades = list(color_brewer(palette, n=max(n, 3)))
    except ValueError as error:
        raise OutputError(f"there is no palette {palette!r} with {n} colours: {error}") from error
    return shades[len(shades) - n :] if n < 3 else shades
