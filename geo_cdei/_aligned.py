"""A graph and its cities' values as arrays, ready for a statistic.

What every statistic needs before it may begin: the same cities in the same order, no city counted that has
no value, no neighbor that has none, and an order of calculation that does not depend on the order of rows.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .errors import AlignmentError, GeoCdeiError, GeoCdeiWarning, GraphError, StatisticError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from libpysal.graph import Graph
    from scipy import sparse

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]
    BoolArray = npt.NDArray[np.bool_]

__all__ = [
    "MINIMUM",
    "Aligned",
    "align",
    "check_index",
    "check_once",
    "check_order",
    "name_some",
    "numbers",
    "settle",
    "settled_order",
    "standardize",
]

MINIMUM = 4


@dataclass(frozen=True, slots=True)
class Aligned:
    """The cities that have a value, in the order of their sorted ids.

    Attributes
    ----------
    ids : pandas.Index of shape (n_cities,)
        All cities of the caller, in the caller's order.
    positions : numpy.ndarray of shape (n,)
        Where the cities with a value stand in *ids*, smallest id first.
    values : tuple of numpy.ndarray of shape (n,)
        Their values, one array per variable.
    weights : scipy.sparse.csr_array of shape (n, n)
        Edges among them; no diagonal, no zeros, columns in ascending order.
    alone : numpy.ndarray of bool, shape (n,)
        True for a city none of whose neighbors has a value.
    """

    ids: pd.Index[str]
    positions: IntArray
    values: tuple[FloatArray, ...]
    weights: sparse.csr_array
    alone: BoolArray

    @property
    def n(self) -> int:
        """Number of cities with a value."""
        return len(self.positions)

    def spread(self, values: FloatArray, *, keep: BoolArray | None = None) -> FloatArray:
        """Put results back into the caller's order.

        Parameters
        ----------
        values : numpy.ndarray of shape (n,)
            One result per city with a value.
        keep : numpy.ndarray of bool, shape (n,), optional
            Where False, the result is withheld.

        Returns
        -------
        numpy.ndarray of shape (n_cities,)
            NaN for a city without a value and where a result is withheld.
        """
        result = np.full(len(self.ids), np.nan)
        result[self.positions] = values if keep is None else np.where(keep, values, np.nan)
        return result

    def warn_untested(self, *, constant: bool = False, stacklevel: int = 3) -> None:
        """Name the cities that were not tested, in one warning.

        Parameters
        ----------
        constant : bool, default False
            Whether all values are the same, so that nothing could be tested.
        stacklevel : int, default 3
            As for :func:`warnings.warn`.
        """
        tested = np.zeros(len(self.ids), dtype=np.bool_)
        tested[self.positions] = True
        reasons = []
        if not tested.all():
            absent = self.ids[~tested]
            reasons.append(f"{len(absent)} of {len(self.ids)} cities have no value ({name_some(absent)})")
        if self.alone.any():
            alone = self.ids[np.sort(self.positions[self.alone])]
            reasons.append(f"{len(alone)} have no neighbor with a value ({name_some(alone)})")
        if constant:
            reasons.append(f"all {self.n} values are the same")
        if reasons:
            message = f"Not tested, p is NaN: {'; '.join(reasons)}."
            warnings.warn(message, GeoCdeiWarning, stacklevel=stacklevel)


def align(graph: Graph, *columns: pd.Series[float], transform: str = "O") -> Aligned:
    """Bring a graph and one or more variables into arrays.

    Parameters
    ----------
    graph : libpysal.graph.Graph
        Any graph without self-weights; it is not changed.
    *columns : pandas.Series of shape (n_cities,)
        Variables indexed as the graph. A city is kept that has a value in all of them.
    transform : {"O", "B", "R"}, default "O"
        Weights as they are, 1, or row-standardized over the neighbors that have a value.

    Returns
    -------
    Aligned
        The arrays.

    Raises
    ------
    AlignmentError
        If a variable lists other cities than the graph, or another order.
    GraphError
        If the graph has self-weights or *transform* is unknown.
    StatisticError
        If a variable is not numeric or infinite, or fewer than four cities have a value.

    Examples
    --------
    >>> from libpysal.graph import Graph
    >>> ids = ["d", "c", "b", "a", "e"]
    >>> graph = Graph.from_arrays(ids, ["c", "d", "c", "b", "a"], [1, 1, 1, 1, 1])
    >>> data = align(graph, pd.Series([4.0, 3.0, 2.0, 1.0, np.nan], index=ids))
    >>> data.positions.tolist(), data.values[0].tolist()
    ([3, 2, 1, 0], [1.0, 2.0, 3.0, 4.0])
    """
    for column in columns:
        check_order(column.index, graph, what="y")
    if transform not in ("O", "B", "R"):
        raise GraphError(f'transform must be "O", "B" or "R"; got {transform!r}.')
    positions, values = settle(*columns)
    ids = columns[0].index
    weights = _clean(graph)
    if not ids.is_monotonic_increasing or len(positions) < len(ids):
        weights = weights[positions][:, positions]
    if not weights.has_sorted_indices:
        weights.sort_indices()
    cardinality = np.diff(weights.indptr)
    return Aligned(ids, positions, values, _transformed(weights, cardinality, transform), cardinality == 0)


def settle(*columns: pd.Series[float]) -> tuple[IntArray, tuple[FloatArray, ...]]:
    """Find the cities that have a value in every column, in the order of their sorted ids.

    Parameters
    ----------
    *columns : pandas.Series of shape (n_cities,)
        Variables of one index.

    Returns
    -------
    positions : numpy.ndarray of shape (n,)
        Where these cities stand, smallest id first.
    values : tuple of numpy.ndarray of shape (n,)
        Their values, one array per variable.

    Raises
    ------
    StatisticError
        If a variable is not numeric or infinite, or fewer than four cities have a value.

    Examples
    --------
    >>> positions, values = settle(pd.Series([4.0, np.nan, 3.0, 2.0, 1.0], index=list("edcba")))
    >>> positions.tolist(), values[0].tolist()
    ([4, 3, 2, 0], [1.0, 2.0, 3.0, 4.0])
    """
    found = [numbers(column) for column in columns]
    present = np.logical_and.reduce([~np.isnan(values) for values in found])
    if int(present.sum()) < MINIMUM:
        raise StatisticError(
            f"At least {MINIMUM} cities with a value are needed; {int(present.sum())} of {len(present)} have one."
        )
    ids = columns[0].index
    order = np.arange(len(ids)) if ids.is_monotonic_increasing else np.asarray(ids.argsort(), dtype=np.int64)
    positions = order[present[order]]
    return positions, tuple(of_all[positions] for of_all in found)


def standardize(values: FloatArray) -> FloatArray:
    """Express values in standard deviations (divisor n) from their mean.

    Parameters
    ----------
    values : numpy.ndarray of shape (n,)
        Values without gaps.

    Returns
    -------
    numpy.ndarray of shape (n,)
        z-values; all NaN where the values are the same but for rounding.

    Examples
    --------
    >>> standardize(np.array([1.0, 3.0])).tolist(), standardize(np.array([2.0, 2.0])).tolist()
    ([-1.0, 1.0], [nan, nan])
    """
    centered = values - values.mean()
    sd = float(np.sqrt(centered @ centered / len(values)))
    if sd <= 1e-12 * float(np.abs(values).max()):
        return np.full(len(values), np.nan)
    result: FloatArray = centered / sd
    return result


def settled_order(cities: pd.DataFrame) -> IntArray:
    """Order the cities by what they are, not by where they stand in a file: the best score first, then the code.

    Parameters
    ----------
    cities : pandas.DataFrame of shape (n_cities, …)
        Indexed by ``adcode``; where there is no column ``score``, the codes alone decide.

    Returns
    -------
    numpy.ndarray of int, shape (n_cities,)
        Positions in that order; cities without a score come last.

    Examples
    --------
    >>> settled_order(pd.DataFrame({"score": [1.0, 3.0, 1.0]}, index=["c", "b", "a"])).tolist()
    [1, 2, 0]
    """
    score = numbers(cities["score"]) if "score" in cities.columns else np.zeros(len(cities))
    code = np.argsort(np.asarray(cities.index.argsort(), dtype=np.int64))
    return np.asarray(np.lexsort((code, -score)), dtype=np.int64)


def check_order(index: pd.Index[str], graph: Graph, *, what: str) -> None:
    """Refuse a table that does not list the graph's cities in the graph's order.

    Parameters
    ----------
    index : pandas.Index
        Ids of the table.
    graph : libpysal.graph.Graph
        The graph.
    what : str
        Name of the table in the message.

    Raises
    ------
    AlignmentError
        If ids or their order differ.

    Examples
    --------
    >>> from libpysal.graph import Graph
    >>> check_order(pd.Index(["a", "b"]), Graph.from_arrays(["a", "b"], ["b", "a"], [1, 1]), what="y")
    """
    check_index(index, graph.unique_ids, what=what, whose="the graph")


def check_index(index: pd.Index[str], ids: pd.Index[str], *, what: str, whose: str) -> None:
    """Refuse an index that does not list the same cities in the same order as another one.

    Parameters
    ----------
    index, ids : pandas.Index
        What was given, and what it must equal.
    what, whose : str
        Names of the two in the message.

    Raises
    ------
    AlignmentError
        If ids or their order differ.

    Examples
    --------
    >>> check_index(pd.Index(["a", "b"]), pd.Index(["a", "b"]), what="lag", whose="z")
    """
    if index.equals(ids):
        return
    extra, absent = index.difference(ids), ids.difference(index)
    raise AlignmentError(
        f"{what} has {len(index)} cities, {whose} has {len(ids)}; {len(extra)} cities of {what} are not in "
        f"{whose} (first: {extra[:3].tolist()}), {len(absent)} cities of {whose} are not in {what} "
        f"(first: {absent[:3].tolist()}). Build both from the same table, or put {what} in order with "
        f"{what}.reindex(…)."
    )


def check_once(ids: pd.Index[str], error: type[GeoCdeiError] = AlignmentError) -> None:
    """Refuse cities that are listed more than once.

    Parameters
    ----------
    ids : pandas.Index
        Codes of the cities.
    error : type, default AlignmentError
        What to raise.

    Raises
    ------
    GeoCdeiError
        Of that type, if a city is listed twice.

    Examples
    --------
    >>> check_once(pd.Index(["a", "b"]))
    """
    if not ids.is_unique:
        twice = ids[ids.duplicated()].unique()
        raise error(f"Every city must be listed once; {len(twice)} ids repeat: {name_some(twice)}.")


def name_some(names: Sequence[str] | pd.Index[str], *, limit: int = 10) -> str:
    """Write a list of names for a message, shortened where it is long.

    Parameters
    ----------
    names : sequence of str
        The names.
    limit : int, default 10
        How many to write out.

    Returns
    -------
    str
        The first names, and how many more there are.

    Examples
    --------
    >>> name_some(["a", "b", "c"], limit=2)
    'a, b and 1 more'
    """
    text = ", ".join(str(name) for name in names[:limit])
    return text if len(names) <= limit else f"{text} and {len(names) - limit} more"


def numbers(column: pd.Series[float]) -> FloatArray:
    """Read a column as numbers; a missing one stays missing, words and infinities are refused.

    Parameters
    ----------
    column : pandas.Series of shape (n,)
        Numbers, some perhaps missing.

    Returns
    -------
    numpy.ndarray of shape (n,)
        The numbers, NaN where missing.

    Raises
    ------
    StatisticError
        If the column is not numeric or has an infinite value.

    Examples
    --------
    >>> numbers(pd.Series([1, None], dtype="Int64")).tolist()
    [1.0, nan]
    """
    if not pd.api.types.is_numeric_dtype(column.dtype):
        raise StatisticError(
            f"Values must be numeric; {column.name!r} is {column.dtype}. Convert it with pandas.to_numeric."
        )
    values = np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64)
    infinite = np.isinf(values)
    if infinite.any():
        where = column.index[infinite]
        raise StatisticError(
            f"Values must be finite; of {column.name!r} {len(where)} cities are infinite: {name_some(where)}."
        )
    return values


def _clean(graph: Graph) -> sparse.csr_array:
    """Give the weights without explicit zeros; never the array the graph itself holds if it must change."""
    weights: sparse.csr_array = graph.sparse
    if weights.diagonal().any():
        own = graph.unique_ids[weights.diagonal() != 0]
        raise GraphError(
            f"{len(own)} cities are their own neighbors ({name_some(own)}). Remove the self-weights; "
            "Gi* adds the city itself."
        )
    if (weights.data == 0).any():
        weights = weights.copy()
        weights.eliminate_zeros()
    return weights if weights.has_sorted_indices else weights.copy()


def _transformed(weights: sparse.csr_array, cardinality: npt.NDArray[np.integer], transform: str) -> sparse.csr_array:
    from scipy import sparse

    if transform == "O":
        return weights
    binary = transform == "B" or bool((weights.data == 1).all())
    data = np.ones(len(weights.data))
    if transform == "R" and binary:
        data = np.repeat(1.0 / np.maximum(cardinality, 1), cardinality)
    elif transform == "R":
        sums = weights.sum(axis=1)
        if (sums[cardinality > 0] <= 0).any():
            raise GraphError("Row-standardizing needs rows of positive sum; use positive weights or transform='O'.")
        data = weights.data / np.repeat(sums, cardinality)
    return sparse.csr_array((data, weights.indices, weights.indptr), shape=weights.shape)
