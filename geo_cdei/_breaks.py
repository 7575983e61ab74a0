"""Exact natural breaks of many short rows of numbers at once.

A library classifies one row in about a millisecond; the pattern of the clusters asks for thousands of rows (one per
scenario, bootstrap draw and reference draw), so the dynamic programme runs over all rows together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .errors import StatisticError

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]

__all__ = ["MIN_MEMBERS", "absolute_fit", "natural_breaks", "within_sums"]

MIN_MEMBERS = 3  # scored members a cluster needs to be classed and tested
MAX_CELLS = 4_000_000  # of the table of costs held at once
ENDS = 32  # positions of a row that are looked at together


def natural_breaks(values: npt.ArrayLike, k: int) -> Ints:
    """Class every row of numbers by the breaks of Fisher and Jenks.

    Parameters
    ----------
    values : array_like of shape (n_rows, n) or (n,)
        Finite numbers.
    k : int
        Number of classes, 1 to n.

    Returns
    -------
    numpy.ndarray of int, shape of *values*
        Class of every number; 1 is the highest. Equal numbers share the lower of the classes they would fall in,
        so a row with fewer than *k* different numbers has fewer classes.

    Raises
    ------
    StatisticError
        If a number is missing or *k* is impossible.

    Notes
    -----
    The classes minimise the sum of squared deviations from the class means, exactly.

    References
    ----------
    Fisher, W. D. (1958). On grouping for maximum homogeneity. Journal of the American Statistical Association,
    53(284), 789-798.

    Examples
    --------
    >>> natural_breaks([1.0, 2.0, 9.0, 10.0, 30.0], 3).tolist()
    [3, 3, 2, 2, 1]
    """
    rows, shape = _as_rows(values, k)
    classes = np.empty(rows.shape, dtype=np.int64)
    for part in _blocks(rows):
        order = np.argsort(rows[part], axis=1, kind="stable")
        ordered = np.take_along_axis(rows[part], order, axis=1)
        _, starts = _programme(ordered, k)
        place = np.arange(rows.shape[1])
        label = 1 + (place[None, :, None] < starts[:, None, :]).sum(axis=2)
        for i in range(1, rows.shape[1]):
            tied = ordered[:, i] == ordered[:, i - 1]
            label[tied, i] = label[tied, i - 1]
        np.put_along_axis(classes[part], order, label, axis=1)
    return classes.reshape(shape)


def within_sums(values: npt.ArrayLike, k_max: int) -> Floats:
    """Least sums of squared deviations within 1, 2, …, *k_max* classes.

    Parameters
    ----------
    values : array_like of shape (n_rows, n) or (n,)
        Finite numbers.
    k_max : int
        Largest number of classes, 1 to n.

    Returns
    -------
    numpy.ndarray of shape (n_rows, k_max)
        One column per number of classes.

    Raises
    ------
    StatisticError
        If a number is missing or *k_max* is impossible.

    Examples
    --------
    >>> within_sums([1.0, 2.0, 9.0, 10.0], 3).tolist()
    [[65.0, 1.0, 0.5]]
    """
    rows, _ = _as_rows(values, k_max)
    sums = np.empty((len(rows), k_max))
    for part in _blocks(rows):
        sums[part], _ = _programme(np.sort(rows[part], axis=1), k_max)
    return sums


def absolute_fit(values: npt.ArrayLike, classes: npt.ArrayLike) -> float:
    """Goodness of absolute deviation fit (GADF) of a classing.

    Parameters
    ----------
    values : array_like of shape (n,)
        Numbers.
    classes : array_like of shape (n,)
        Class of each.

    Returns
    -------
    float
        1 − (absolute deviations from class medians) / (absolute deviations from the median of all); 1 where
        every class is one number over and over, NaN where all numbers are equal.

    Examples
    --------
    >>> absolute_fit([1.0, 2.0, 9.0, 10.0], [2, 2, 1, 1])
    0.875
    """
    y, label = np.asarray(values, dtype=np.float64), np.asarray(classes)
    total = float(np.abs(y - np.median(y)).sum())
    if total == 0.0:
        return float("nan")
    within = sum(float(np.abs(y[label == c] - np.median(y[label == c])).sum()) for c in np.unique(label))
    return 1.0 - within / total


def _as_rows(values: npt.ArrayLike, k: int) -> tuple[Floats, tuple[int, ...]]:
    given = np.asarray(values, dtype=np.float64)
    rows = np.atleast_2d(given)
    if not np.isfinite(rows).all():
        raise StatisticError(
            f"natural breaks need numbers; {int((~np.isfinite(rows)).sum())} of {rows.size} are missing or "
            "infinite. Leave them out first."
        )
    if not 1 <= k <= rows.shape[1]:
        raise StatisticError(f"{k} classes were asked of {rows.shape[1]} numbers; choose 1 to {rows.shape[1]}.")
    return rows, given.shape


def _blocks(rows: Floats) -> list[slice]:
    step = max(1, MAX_CELLS // rows.shape[1] ** 2)
    return [slice(start, start + step) for start in range(0, len(rows), step)]


def _programme(ordered: Floats, k: int) -> tuple[Floats, Ints]:
    """Least sums for 1…k classes, and for k classes the position where each class but the lowest starts."""
    rows, n = ordered.shape
    best, choice = np.empty((k, rows, n)), np.empty((k, rows, n), dtype=np.int64)
    sums = _running_sums(ordered)
    # a class that ends here needs only the best classings that end before: a few ends at a time stay in the cache
    for begin in range(0, n, ENDS):
        ends = slice(begin, min(begin + ENDS, n))
        cost = _costs(*sums, ends)
        best[0, :, ends] = cost[:, :, 0]
        for level in range(1, k):
            total = best[level - 1, :, None, : ends.stop - 1] + cost[:, :, 1:]  # the last class starts at 1…
            found = np.argmin(total, axis=2)
            best[level, :, ends] = np.take_along_axis(total, found[:, :, None], axis=2)[:, :, 0]
            choice[level, :, ends] = found + 1
    starts, end = np.empty((rows, k - 1), dtype=np.int64), np.full(rows, n - 1)
    for place, level in enumerate(range(k - 1, 0, -1)):
        starts[:, place] = choice[level, np.arange(rows), end]
        end = starts[:, place] - 1
    return best[:, :, -1].T, starts


def _running_sums(ordered: Floats) -> tuple[Floats, Floats]:
    """Sum the numbers before every position, and their squares."""
    centred = ordered - ordered.mean(axis=1, keepdims=True)  # keeps the differences of sums exact enough
    pad = ((0, 0), (1, 0))
    return np.pad(np.cumsum(centred, axis=1), pad), np.pad(np.cumsum(centred**2, axis=1), pad)


def _costs(first: Floats, second: Floats, ends: slice) -> Floats:
    """Sum of squared deviations of the numbers from position i to j, for every j of *ends*; infinite for i > j."""
    after, starts = slice(ends.start + 1, ends.stop + 1), slice(0, ends.stop)
    count = np.arange(after.start, after.stop)[:, None] - np.arange(ends.stop)[None, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        square = (first[:, after, None] - first[:, None, starts]) ** 2 / count
    cost: Floats = np.maximum(second[:, after, None] - second[:, None, starts] - square, 0.0)
    cost[:, count <= 0] = np.inf
    return cost
