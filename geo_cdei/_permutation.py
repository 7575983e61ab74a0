"""Permutation inference with one shared table of random ids (NumPy only).

One table of ``permutations`` columns of distinct random ids serves every city. Where the weights of a row
are equal, the simulated neighbor sum depends only on the number of neighbors k, so column sums over the
first k ids, sorted once, answer every city with k neighbors by binary search. Conditioning stays exact: in
the few columns that drew the city itself among its k, that id is replaced by the (k+1)-th and the counts are
corrected. Rows of unequal weights, and statistics that are not a sum, go through products of bounded blocks.

The caller lists its cities in the order of their sorted ids, so a city gets the same p whatever the order of
the rows was. Sums that differ by less than rounding count as ties, in both directions.

Blocks of cities may be counted apart: each draws the same table again from the seed and does for its cities what is
done for them in the whole, so every number is the same whatever the blocks are.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from ._parallel import LOCAL, THREADS, Engine
from ._row_blocks import Rows, cut_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt
    from scipy import sparse

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]
    BoolArray = npt.NDArray[np.bool_]

__all__ = ["Counts", "compare", "conditional_counts", "draw_ids", "permuted_products", "permuted_values"]

# Cells of the random table drawn at a time. Part of the definition of the draws: another number, other draws.
_DRAW_CELLS = 2_000_000
# Cells of a block of simulated values; bounds the memory and never changes an answer.
_BLOCK_CELLS = 2_000_000
_RELATIVE_TIE = 1e-10


@dataclass(frozen=True, slots=True)
class Counts:
    """What the simulations say of each observed value.

    Attributes
    ----------
    ge, le : numpy.ndarray of shape (n,)
        How many simulated values are at least, at most the observed one; a tie counts in both.
    mean, sd : numpy.ndarray of shape (n,)
        Mean and standard deviation (divisor: permutations) of the simulated values.
    """

    ge: IntArray
    le: IntArray
    mean: FloatArray
    sd: FloatArray


def draw_ids(n: int, size: int, permutations: int, rng: np.random.Generator) -> npt.NDArray[np.int32]:
    """Draw columns of distinct random ids.

    Parameters
    ----------
    n : int
        Ids are 0 … n - 1.
    size : int
        Ids per column, at most n.
    permutations : int
        Number of columns.
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    numpy.ndarray of int32, shape (size, permutations)
        Every ordered selection of *size* different ids is equally likely in every column.

    Examples
    --------
    >>> sorted(draw_ids(3, 3, 1, np.random.default_rng(0)).ravel().tolist())
    [0, 1, 2]
    """
    if 2 * size > n:
        rows = np.tile(np.arange(n, dtype=np.int32), (permutations, 1))
        return np.ascontiguousarray(rng.permuted(rows, axis=1, out=rows)[:, :size].T)
    table = rng.integers(0, n, size=(size, permutations), dtype=np.int32)
    again = np.flatnonzero(_has_repeat(table))
    while len(again):
        # what is redrawn depends only on which ids are equal, not on which ids they are, so no id is favored
        columns = table[:, again]
        order = np.argsort(columns, axis=0, kind="stable")
        ordered = np.take_along_axis(columns, order, axis=0)
        rank, column = np.nonzero(ordered[1:] == ordered[:-1])
        columns[order[rank + 1, column], column] = rng.integers(0, n, size=len(rank), dtype=np.int32)
        table[:, again] = columns
        again = again[_has_repeat(columns)]
    return table


def _has_repeat(table: npt.NDArray[np.int32]) -> BoolArray:
    repeat = np.zeros(table.shape[1], dtype=np.bool_)
    if len(table) <= 24:
        for apart in range(1, len(table)):
            repeat |= (table[apart:] == table[:-apart]).any(axis=0)
        return repeat
    ordered = np.sort(table, axis=0)
    np.any(ordered[1:] == ordered[:-1], axis=0, out=repeat)
    return repeat


def permuted_values(values: FloatArray, permutations: int, rng: np.random.Generator) -> Iterator[FloatArray]:
    """Shuffle all values among all cities, a bounded block at a time.

    Parameters
    ----------
    values : numpy.ndarray of shape (n,)
        Values in the order of the sorted ids.
    permutations : int
        Number of shuffles.
    rng : numpy.random.Generator
        Source of the draws; they do not depend on the size of the blocks.

    Yields
    ------
    numpy.ndarray of shape (n_block, n)
        One shuffle per row.

    Examples
    --------
    >>> blocks = permuted_values(np.arange(3.0), 5, np.random.default_rng(0))
    >>> [block.shape for block in blocks]
    [(5, 3)]
    """
    step = max(1, _BLOCK_CELLS // max(len(values), 1))
    for start in range(0, permutations, step):
        rows = np.tile(values, (min(step, permutations - start), 1))
        yield rng.permuted(rows, axis=1, out=rows)


def permuted_products(
    values: FloatArray, weights: Sequence[sparse.csr_array], *, permutations: int, seed: int
) -> tuple[FloatArray, FloatArray]:
    """Shuffle all values and sum the products, and the squares, over all edges of one or more graphs.

    Parameters
    ----------
    values : numpy.ndarray of shape (n,)
        Values in the order of the sorted ids.
    weights : sequence of scipy.sparse.csr_array of shape (n, n)
        Edge weights of every graph, in the same order.
    permutations, seed : int
        Number of shuffles, and the seed of all draws; a graph has the same numbers alone as among others.

    Returns
    -------
    products, squares : numpy.ndarray of shape (n_graphs, permutations)
        ``sum_ij w_ij v_i v_j`` and ``sum_ij w_ij (v_i**2 + v_j**2)`` of every shuffle.

    Examples
    --------
    >>> from scipy import sparse
    >>> pair = sparse.csr_array(np.array([[0.0, 1.0], [1.0, 0.0]]))
    >>> products, squares = permuted_products(np.array([2.0, 3.0]), [pair], permutations=2, seed=0)
    >>> products.tolist(), squares.tolist()
    ([[12.0, 12.0]], [[26.0, 26.0]])
    """
    rng = np.random.default_rng(seed)
    ends = [np.asarray(w.sum(axis=0)) + np.asarray(w.sum(axis=1)) for w in weights]
    products, squares = [], []
    for rows in permuted_values(values, permutations, rng):
        columns = np.ascontiguousarray(rows.T)
        products.append(list(LOCAL.map(_products, weights, rows, columns, threads=min(THREADS, len(weights)))))
        squares.append([rows**2 @ both for both in ends])
    return np.concatenate(products, axis=1), np.concatenate(squares, axis=1)


def _products(rows: FloatArray, columns: FloatArray, weights: sparse.csr_array) -> FloatArray:
    return np.asarray(np.einsum("ij,ji->i", rows, weights @ columns))


def compare(simulated: FloatArray, observed: npt.ArrayLike) -> Counts:
    """Count the simulated values on either side of the observed ones.

    Parameters
    ----------
    simulated : numpy.ndarray of shape (n, permutations)
        One row per observed value.
    observed : array_like of shape (n,)
        The observed values; a single number for one row.

    Returns
    -------
    Counts
        Values closer than rounding can tell count as ties, on both sides.

    Examples
    --------
    >>> counts = compare(np.array([[1.0, 2.0, 3.0]]), [2.0])
    >>> counts.ge.tolist(), counts.le.tolist(), counts.mean.tolist()
    ([2], [2], [2.0])
    """
    value = np.atleast_1d(np.asarray(observed, dtype=np.float64))[:, None]
    slack = _RELATIVE_TIE * np.maximum(np.abs(simulated).max(axis=1, keepdims=True), np.abs(value))
    return Counts(
        ge=np.count_nonzero(simulated >= value - slack, axis=1).astype(np.int64),
        le=np.count_nonzero(simulated <= value + slack, axis=1).astype(np.int64),
        mean=simulated.mean(axis=1),
        sd=simulated.std(axis=1),
    )


def conditional_counts(
    values: FloatArray,
    weights: sparse.csr_array,
    *,
    permutations: int,
    seed: int,
    kind: Literal["sum", "squared difference"] = "sum",
    engine: Engine = LOCAL,
) -> Counts:
    """Hold each city in place, shuffle the others, and count where the observed neighbor sum falls.

    Parameters
    ----------
    values : numpy.ndarray of shape (n,)
        Values in the order of the sorted ids, centered near 0.
    weights : scipy.sparse.csr_array of shape (n, n)
        Edge weights in the same order, no diagonal, columns of a row in ascending order.
    permutations, seed : int
        Number of simulated values per city, and the seed of all draws.
    kind : {"sum", "squared difference"}, default "sum"
        ``sum_j w_ij values_j`` or ``sum_j w_ij (values_i - values_j)**2``.
    engine : Engine, default LOCAL
        Where the blocks of cities are counted; no number depends on it.

    Returns
    -------
    Counts
        Of the weighted sums; 0, 0, NaN, NaN for a city without neighbors.

    References
    ----------
    Anselin, L. (1995). Local indicators of spatial association - LISA. Geographical Analysis, 27(2), 93-115.

    Examples
    --------
    >>> from scipy import sparse
    >>> line = sparse.csr_array(np.diag(np.ones(4), 1) + np.diag(np.ones(4), -1))
    >>> counts = conditional_counts(np.arange(5.0) - 2, line, permutations=99, seed=1)
    >>> counts.ge.tolist() + counts.le.tolist()
    [99, 99, 66, 16, 23, 34, 16, 62, 99, 99]
    """
    n = len(values)
    cardinality = np.diff(weights.indptr).astype(np.int64)
    largest = int(cardinality.max(initial=0))
    if largest == 0:
        zero, missing = np.zeros(n, dtype=np.int64), np.full(n, np.nan)
        return Counts(ge=zero, le=zero.copy(), mean=missing, sd=missing.copy())
    equal = kind == "sum" and _rows_are_equal(weights, cardinality)
    plan = _Plan(values, permutations, seed, kind, largest + 1, equal)
    blocks = (Rows.of(weights, start, stop) for start, stop in cut_rows(n, engine.blocks, plan.row_step))
    parts = list(engine.map(_count_rows, blocks, plan))
    ge, le, mean, sd = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Counts(ge=ge, le=le, mean=mean, sd=sd)


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """What every block of cities must know of the whole."""

    values: FloatArray
    permutations: int
    seed: int
    kind: str
    size: int  # ids per column of the table: the most neighbors, and the one that stands in for the city itself
    equal: bool

    @property
    def draw_step(self) -> int:
        return max(1, _DRAW_CELLS // self.size)

    @property
    def row_step(self) -> int:
        """Rows of one matrix product: one of another shape may round otherwise, so blocks are cut between them."""
        return 1 if self.equal else max(1, _BLOCK_CELLS // max(self.size, min(self.draw_step, self.permutations)))


def _count_rows(plan: _Plan, rows: Rows) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
    """Count for one block of cities, against the table of the whole."""
    weights = rows.weights(len(plan.values))
    cardinality = np.diff(weights.indptr).astype(np.int64)
    own = slice(rows.start, rows.stop)
    counter: _Tally
    if plan.equal:
        counter = _EqualWeights(plan.values, weights, cardinality, squared=False)
    else:
        counter = _AnyWeights(plan.values, weights, cardinality, squared=plan.kind != "sum")
        counter.rows = range(rows.start, rows.stop, plan.row_step)
    rng = np.random.default_rng(plan.seed)
    for start in range(0, plan.permutations, plan.draw_step):
        drawn = draw_ids(len(plan.values), plan.size, min(plan.draw_step, plan.permutations - start), rng)
        counter.add(drawn)
    counts = counter.counts(plan.permutations)
    return counts.ge[own], counts.le[own], counts.mean[own], counts.sd[own]


def _rows_are_equal(weights: sparse.csr_array, cardinality: IntArray) -> bool:
    data = weights.data
    if (data == data[0]).all():
        return bool(data[0] > 0)
    first = data[np.minimum(weights.indptr[:-1], len(data) - 1)]
    return bool((first[cardinality > 0] > 0).all() and (data == np.repeat(first, cardinality)).all())


class _Tally(ABC):
    """Running counts and moments of the simulated values of every city."""

    def __init__(self, values: FloatArray, weights: sparse.csr_array, cardinality: IntArray, *, squared: bool):
        n = len(values)
        self.values, self.weights, self.cardinality, self.squared = values, weights, cardinality, squared
        self.ge, self.le = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
        self.total, self.squares = np.zeros(n), np.zeros(n)
        self.scale = np.ones(n)

    @abstractmethod
    def add(self, table: npt.NDArray[np.int32]) -> None:
        """Count the sums that a table of drawn ids gives."""

    def counts(self, permutations: int) -> Counts:
        some = self.cardinality > 0
        mean = np.where(some, self.total / permutations, np.nan)
        variance = np.maximum(self.squares / permutations - mean**2, 0.0)
        # a spread that rounding alone can make is none
        variance[variance <= 1e-20 * np.maximum(mean**2, 1.0)] = 0.0
        ge, le = np.where(some, self.ge, 0), np.where(some, self.le, 0)
        return Counts(ge=ge, le=le, mean=mean * self.scale, sd=np.sqrt(variance) * self.scale)


class _EqualWeights(_Tally):
    """Rows of equal weights: simulated sums depend on the number of neighbors alone."""

    def __init__(self, values: FloatArray, weights: sparse.csr_array, cardinality: IntArray, *, squared: bool):
        super().__init__(values, weights, cardinality, squared=squared)
        some = np.flatnonzero(cardinality)
        self.scale[some] = weights.data[weights.indptr[some]]
        observed = (weights @ values) / self.scale
        slack = _RELATIVE_TIE * np.abs(values).max() * cardinality
        self.low, self.high = observed - slack, observed + slack
        self.groups = [(k, np.flatnonzero(cardinality == k)) for k in np.flatnonzero(np.bincount(cardinality)) if k]

    def add(self, table: npt.NDArray[np.int32]) -> None:
        sums = self.values[table]
        for j in range(1, len(sums)):
            sums[j] += sums[j - 1]
        self._count(np.sort(sums[:-1], axis=1))
        row = self.cardinality - 1  # of a city without neighbors: the last, never read
        self.total += sums.sum(axis=1)[row]
        self.squares += np.einsum("ij,ij->i", sums, sums)[row]
        self._condition(table, sums)

    def _count(self, ordered: FloatArray) -> None:
        columns = ordered.shape[1]
        below = np.zeros(len(self.values), dtype=np.int64)
        for k, who in self.groups:
            below[who] = _count_below(ordered[k - 1], self.low[who])
        # ties are rare, so the upper tolerance is searched only where the next sum lies within it
        some = np.flatnonzero(self.cardinality)
        next_sum = ordered[self.cardinality[some] - 1, np.minimum(below[some], columns - 1)]
        tied = np.zeros(len(below), dtype=np.bool_)
        tied[some] = (below[some] < columns) & (next_sum <= self.high[some])
        upto = below.copy()
        if tied.any():
            for k, who in self.groups:
                both = who[tied[who]]
                upto[both] = np.searchsorted(ordered[k - 1], self.high[both], side="right")
        self.ge[some] += columns - below[some]
        self.le[some] += upto[some]

    def _condition(self, table: npt.NDArray[np.int32], sums: FloatArray) -> None:
        """Where a column drew the city itself among its k ids, put the (k+1)-th in its place."""
        drawn = table[:-1]
        place, column = np.nonzero(self.cardinality[drawn] > np.arange(len(drawn))[:, None])
        own = drawn[place, column]
        k = self.cardinality[own]
        old = sums[k - 1, column]
        new = sums[k, column] - self.values[own]
        low, high = self.low[own], self.high[own]
        np.add.at(self.ge, own, (new >= low).astype(np.int64) - (old >= low))
        np.add.at(self.le, own, (new <= high).astype(np.int64) - (old <= high))
        np.add.at(self.total, own, new - old)
        np.add.at(self.squares, own, new**2 - old**2)


def _count_below(ordered: FloatArray, needles: FloatArray) -> IntArray:
    """Count the ordered values below each needle: ``searchsorted``, with most answers read from a grid.

    Values and needles go through one rounding, so a cell of the grid that holds no value answers exactly;
    only needles in a cell that holds some are searched. Worth it where needles outnumber the values.
    """
    first, last = ordered[0], ordered[-1]
    cells = 16 * len(ordered)
    if len(needles) < cells or not last > first:
        return np.asarray(np.searchsorted(ordered, needles, side="left"), dtype=np.int64)
    scale = cells / (last - first)
    held = ((ordered - first) * scale).astype(np.int64)
    starts = np.searchsorted(held, np.arange(cells + 3))
    where = np.clip((needles - first) * scale, -1, cells + 1).astype(np.int64)
    where[needles < first] = 0
    below: IntArray = starts[where].astype(np.int64)
    unsure = np.flatnonzero(starts[where + 1] > below)
    below[unsure] = np.searchsorted(ordered, needles[unsure], side="left")
    return below


class _AnyWeights(_Tally):
    """Rows of any weights: products of bounded blocks of rows with the gathered table."""

    def __init__(self, values: FloatArray, weights: sparse.csr_array, cardinality: IntArray, *, squared: bool):
        super().__init__(values, weights, cardinality, squared=squared)
        lag = weights @ values
        sums, spread = weights.sum(axis=1), abs(weights).sum(axis=1)
        peak = np.abs(values).max()
        self.offset = values**2 * sums if squared else np.zeros(len(values))
        observed = weights @ values**2 - 2.0 * values * lag + self.offset if squared else lag
        slack = _RELATIVE_TIE * spread * (4.0 * peak**2 if squared else peak)
        self.rows = range(0, len(values), 1)  # starts of the blocks of rows; set by the caller
        self.low, self.high = observed - slack, observed + slack

    def add(self, table: npt.NDArray[np.int32]) -> None:
        from scipy import sparse

        size, columns = table.shape
        drawn = self.values[table]
        # where was each id drawn: row = id, column = permutation, value = place in the column
        place = np.repeat(np.arange(size, dtype=np.int32), columns)
        column = np.tile(np.arange(columns, dtype=np.int32), size)
        shape = (len(self.values), columns)
        where = sparse.csr_array(sparse.coo_array((place, (table.ravel(), column)), shape=shape))
        for start in self.rows:
            self._add_block(slice(start, min(start + self.rows.step, self.rows.stop)), drawn, where)

    def _add_block(self, rows: slice, drawn: FloatArray, where: sparse.csr_array) -> None:
        own = np.arange(rows.start, rows.stop)
        padded = self._padded(rows)
        near = drawn[: padded.shape[1]]
        block = padded @ near
        if self.squared:
            block = padded @ near**2 - 2.0 * self.values[own, None] * block + self.offset[own, None]
        part = slice(where.indptr[rows.start], where.indptr[rows.stop])
        i = np.repeat(own, np.diff(where.indptr[rows.start : rows.stop + 1]))
        place, column = where.data[part], where.indices[part]
        hit = place < self.cardinality[i]
        i, place, column = i[hit], place[hit], column[hit]
        block[i - rows.start, column] += padded[i - rows.start, place] * self._gain(
            drawn[self.cardinality[i], column], i
        )
        self.ge[rows] += np.count_nonzero(block >= self.low[own, None], axis=1)
        self.le[rows] += np.count_nonzero(block <= self.high[own, None], axis=1)
        self.total[rows] += block.sum(axis=1)
        self.squares[rows] += np.einsum("ij,ij->i", block, block)

    def _gain(self, stand_in: FloatArray, i: IntArray) -> FloatArray:
        """Change of a city's term when the id drawn last stands in for the city itself."""
        if self.squared:
            return (self.values[i] - stand_in) ** 2
        return stand_in - self.values[i]

    def _padded(self, rows: slice) -> FloatArray:
        """Write the weights of some rows as a dense array, one place per neighbor."""
        k = self.cardinality[rows]
        padded = np.zeros((len(k), max(int(k.max(initial=0)), 1)))
        part = slice(self.weights.indptr[rows.start], self.weights.indptr[rows.stop])
        place = np.arange(part.stop - part.start) - np.repeat(self.weights.indptr[rows] - part.start, k)
        padded[np.repeat(np.arange(len(k)), k), place] = self.weights.data[part]
        return padded
