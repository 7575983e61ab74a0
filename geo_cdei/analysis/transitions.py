"""Moves between classes from one edition to the next: Markov, spatial Markov and LISA transition tables."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from geo_cdei.analysis import graphs
from geo_cdei.columns import EDITION_LISA, EDITION_MARKOV, EDITION_MARKOV_TESTS
from geo_cdei.errors import AlignmentError, StatisticError

if TYPE_CHECKING:
    from libpysal.graph import Graph

__all__ = ["lisa_transitions", "markov", "markov_test", "needed_cities", "quantile_classes", "spatial_markov"]

QUADRANTS = ("HH", "LH", "LL", "HL")
PER_CELL = 5  # moves that a cell of a table needs on average


def needed_cities(k: int, *, spatial: bool = False) -> int:
    """Say how many cities a transition table needs: five moves a cell on average.

    Parameters
    ----------
    k : int
        Number of classes.
    spatial : bool
        Whether there is a table for each of k classes of neighbors.

    Returns
    -------
    int
        ``5 k^2``, spatially ``5 k^3``.

    Examples
    --------
    >>> needed_cities(3), needed_cities(3, spatial=True)
    (45, 135)
    """
    return PER_CELL * k ** (3 if spatial else 2)


def quantile_classes(values: pd.Series, k: int) -> pd.Series:
    """Class values by the quantiles of their own edition: 1 is the lowest of k classes.

    Parameters
    ----------
    values : pandas.Series
        Scores or lags; missing ones have no class.
    k : int
        Number of classes.

    Returns
    -------
    pandas.Series of Int64
        A value on a bound belongs to the class below it.

    Raises
    ------
    StatisticError
        If two bounds coincide, so that a class is empty.

    Examples
    --------
    >>> quantile_classes(pd.Series([1.0, 2.0, 3.0, 4.0]), 2).tolist()
    [1, 1, 2, 2]
    """
    known = values.dropna().astype(float)
    bounds = np.quantile(known, np.arange(1, k) / k) if len(known) else np.array([])
    if len(np.unique(np.append(bounds, known.max() if len(known) else 0.0))) < k:
        raise StatisticError(
            f"{len(known)} values give no {k} classes: bounds coincide. Set a smaller classes under [editions]."
        )
    classes = pd.Series(np.searchsorted(bounds, known, side="left") + 1, index=known.index)
    return classes.reindex(values.index).astype("Int64")


def markov(before: pd.Series, after: pd.Series, *, k: int = 3) -> pd.DataFrame:
    r"""Count the moves between classes from one edition to the next.

    Parameters
    ----------
    before, after : pandas.Series of shape (n_cities,)
        Scores of the same cities in the same order.
    k : int
        Number of quantile classes of each edition.

    Returns
    -------
    pandas.DataFrame of shape (k * k, 5)
        Columns :data:`geo_cdei.columns.EDITION_MARKOV` with ``lag_class`` "all": ``n`` moves :math:`n_{ij}` from
        class i to class j, ``probability`` :math:`n_{ij} / \sum_j n_{ij}`, missing for a class without a city.

    Raises
    ------
    AlignmentError
        If the two list different cities, or in another order.
    StatisticError
        If there are fewer than ``needed_cities(k)`` cities.

    References
    ----------
    Quah, D. (1993). Empirical cross-section dynamics in economic growth. European Economic Review, 37, 426-434.

    Examples
    --------
    >>> before = pd.Series(range(20), dtype=float)
    >>> markov(before, before[::-1].set_axis(before.index), k=2)["n"].tolist()
    [0, 10, 10, 0]
    """
    _check_pair(before, after, needed_cities(k))
    moves = pd.DataFrame({"lag_class": "all", "from": quantile_classes(before, k), "to": quantile_classes(after, k)})
    return _counted(moves, ["all"], k)


def spatial_markov(before: pd.Series, after: pd.Series, lag: pd.Series, *, k: int = 3) -> pd.DataFrame:
    """Count the moves apart for each class of the neighbors at the start.

    Parameters
    ----------
    before, after : pandas.Series of shape (n_cities,)
        Scores of the same cities in the same order.
    lag : pandas.Series of shape (n_cities,)
        Mean of the neighbors in the earlier edition; a city without one (an isolate) is not counted.
    k : int
        Number of quantile classes of the scores and of the lag.

    Returns
    -------
    pandas.DataFrame of shape (k * k * k, 5)
        As :func:`markov`, with ``lag_class`` 1 (low neighbors) to k.

    Raises
    ------
    AlignmentError
        If the three list different cities, or in another order.
    StatisticError
        If there are fewer than ``needed_cities(k, spatial=True)`` cities.

    References
    ----------
    Rey, S. J. (2001). Spatial empirics for economic growth and convergence. Geographical Analysis, 33(3), 195-214.

    Examples
    --------
    >>> before = pd.Series(range(40), dtype=float)
    >>> spatial_markov(before, before, -before, k=2)["n"].tolist()
    [0, 0, 0, 20, 20, 0, 0, 0]
    """
    _check_pair(before, after, needed_cities(k, spatial=True))
    _check_pair(before, lag, 0)
    moves = pd.DataFrame(
        {"lag_class": quantile_classes(lag, k), "from": quantile_classes(before, k), "to": quantile_classes(after, k)}
    ).dropna()
    return _counted(moves, list(range(1, k + 1)), k)


def _counted(moves: pd.DataFrame, lag_classes: list[object], k: int) -> pd.DataFrame:
    classes = range(1, k + 1)
    every = pd.MultiIndex.from_product([lag_classes, classes, classes], names=["lag_class", "class_from", "class_to"])
    n = moves.groupby(["lag_class", "from", "to"], observed=True).size().reindex(every, fill_value=0)
    rows = n.groupby(level=[0, 1]).transform("sum")
    frame = pd.DataFrame({"n": n, "probability": (n / rows.where(rows > 0)).astype(float)}).reset_index()
    return frame.astype({"lag_class": "str"})[list(EDITION_MARKOV)]


def markov_test(classic: pd.DataFrame, spatial: pd.DataFrame | None = None) -> pd.DataFrame:
    r"""Measure mobility, and test whether moves depend on the neighbors.

    Parameters
    ----------
    classic : pandas.DataFrame
        From :func:`markov`.
    spatial : pandas.DataFrame, optional
        From :func:`spatial_markov`.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`geo_cdei.columns.EDITION_MARKOV_TESTS`; one row "classic" and, given *spatial*, one "spatial".
        ``shorrocks`` is :math:`(k - \sum_i p_{ii}) / (k - 1)`: 0 where no city changes its class, 1 where the next
        class has nothing to do with the last. For "spatial", with pooled :math:`p_{ij}` and lag class l,
        ``q`` :math:`= \sum_{l,i,j} n_i^l (p_{ij}^l - p_{ij})^2 / p_{ij}` and
        ``lr`` :math:`= 2 \sum_{l,i,j} n_{ij}^l \ln (p_{ij}^l / p_{ij})`, both chi-squared with ``dof``
        :math:`\sum_i (a_i - 1)(b_i - 1)`, where :math:`a_i` lag classes have cities in i and :math:`b_i` classes are
        reached from i, under the hypothesis that the lag does not matter.

    References
    ----------
    Shorrocks, A. F. (1978). The measurement of mobility. Econometrica, 46(5), 1013-1024.
    Bickenbach, F. and Bode, E. (2003). Evaluating the Markov property in studies of economic convergence.
    International Regional Science Review, 26(3), 363-392.

    Examples
    --------
    >>> before = pd.Series(range(40), dtype=float)
    >>> after = before[::-1].set_axis(before.index)
    >>> markov_test(markov(before, after, k=2))[["k", "n", "shorrocks"]].to_numpy().tolist()
    [[2.0, 40.0, 2.0]]
    """
    rows = [_mobility(classic) | {"kind": "classic"}]
    if spatial is not None:
        k = int(spatial["class_from"].max())
        counts = spatial["n"].to_numpy(dtype=float).reshape(k, k, k)
        pooled = pd.DataFrame({**spatial.iloc[: k * k], "n": counts.sum(axis=0).ravel()})
        rows.append(_mobility(pooled) | {"kind": "spatial"} | _homogeneity(counts))
    return pd.DataFrame(rows).reindex(columns=list(EDITION_MARKOV_TESTS))


def _mobility(table: pd.DataFrame) -> dict[str, object]:
    k = int(table["class_from"].max())
    n = table["n"].to_numpy(dtype=float).reshape(k, k)
    share = n / n.sum(axis=1, keepdims=True)
    return {"k": k, "n": int(n.sum()), "shorrocks": (k - float(np.trace(share))) / (k - 1)}


def _homogeneity(n: np.ndarray) -> dict[str, float]:
    """Q and LR over tables of shape (lag classes, from, to)."""
    from scipy.stats import chi2

    rows = n.sum(axis=2)
    expected = rows[:, :, None] * (n.sum(axis=0) / n.sum(axis=(0, 2))[:, None])
    there = expected > 0
    q = float(((n - expected)[there] ** 2 / expected[there]).sum())
    moved = n > 0
    lr = float(2 * (n[moved] * np.log(n[moved] / expected[moved])).sum())
    dof = int((((rows > 0).sum(axis=0) - 1) * ((n.sum(axis=0) > 0).sum(axis=1) - 1)).sum())
    p_q, p_lr = (float(chi2.sf(value, dof)) if dof else math.nan for value in (q, lr))
    return {"q": q, "p_q": p_q, "lr": lr, "p_lr": p_lr, "dof": dof}


def lisa_transitions(before: pd.Series, after: pd.Series, graph: Graph) -> pd.DataFrame:
    """Count the moves between the quadrants of the Moran scatterplot.

    Parameters
    ----------
    before, after : pandas.Series of shape (n_cities,)
        Scores of the same cities in the order of the graph.
    graph : libpysal.graph.Graph
        Row-standardized here; the same for both editions.

    Returns
    -------
    pandas.DataFrame of shape (16, 5)
        Columns :data:`geo_cdei.columns.EDITION_LISA`. The quadrant is own level first: H where the score, its mean
        taken off, is above 0, and the same for the neighbors' mean. ``move`` says who changed sides: none, own,
        neighbors or both. ``probability`` is of the moves from the quadrant. Isolates are not counted. Quadrants
        are counted whether they are significant or not.

    Raises
    ------
    AlignmentError
        If the two list different cities, or others than the graph.

    References
    ----------
    Rey, S. J. (2001). Spatial empirics for economic growth and convergence. Geographical Analysis, 33(3), 195-214.

    Examples
    --------
    >>> from libpysal.graph import Graph
    >>> graph = Graph.from_arrays(list("abcd"), list("badc"), [1, 1, 1, 1])
    >>> before = pd.Series([4.0, 3.0, 1.0, 0.0], index=list("abcd"))
    >>> found = lisa_transitions(before, -before, graph)
    >>> found[found["n"] > 0][["quadrant_from", "quadrant_to", "n", "move"]].to_numpy().tolist()
    [['HH', 'LL', 2, 'both'], ['LL', 'HH', 2, 'both']]
    """
    _check_pair(before, after, 0)
    standard = graphs.transform(graph, "R")
    start, end = (_quadrants(scores, standard) for scores in (before, after))
    every = pd.MultiIndex.from_product([QUADRANTS, QUADRANTS], names=["quadrant_from", "quadrant_to"])
    moves = pd.DataFrame({"quadrant_from": start, "quadrant_to": end}).dropna()
    n = moves.groupby(["quadrant_from", "quadrant_to"]).size().reindex(every, fill_value=0)
    rows = n.groupby(level=0).transform("sum")
    frame = pd.DataFrame({"n": n, "probability": (n / rows.where(rows > 0)).astype(float)}).reset_index()
    return frame.assign(move=[_move(*pair) for pair in every])[list(EDITION_LISA)]


def _quadrants(scores: pd.Series, graph: Graph) -> pd.Series:
    z = scores - scores.mean()
    lag = graphs.lag(graph, z)
    names = np.char.add(np.where(z > 0, "H", "L"), np.where(lag > 0, "H", "L"))
    return pd.Series(names, index=scores.index, dtype="object").where(lag.notna())


def _move(start: str, end: str) -> str:
    own, around = start[0] != end[0], start[1] != end[1]
    return "both" if own and around else "own" if own else "neighbors" if around else "none"


def _check_pair(before: pd.Series, after: pd.Series, needed: int) -> None:
    if not before.index.equals(after.index):
        strangers = before.index.symmetric_difference(after.index)
        raise AlignmentError(
            f"the editions list {len(before)} and {len(after)} cities, {len(strangers)} of them in one only, or in "
            "another order. Keep the cities of both with after.reindex(before.index)."
        )
    if len(before) < needed:
        raise StatisticError(
            f"{len(before)} cities are too few for this table; {needed} are needed (5 moves a cell on average). Set "
            "smaller classes under [editions], or leave the table out."
        )
