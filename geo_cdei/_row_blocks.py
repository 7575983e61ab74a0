"""Blocks of rows of a sparse matrix, to be worked on apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt
    from scipy import sparse

__all__ = ["Rows", "cut_rows"]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Some rows of a matrix of weights, without the others' weights.

    Attributes
    ----------
    start, stop : int
        Which rows.
    data, indices, indptr : numpy.ndarray
        As of a ``scipy.sparse.csr_array`` of these rows alone.

    Examples
    --------
    >>> from scipy import sparse
    >>> weights = sparse.csr_array(np.array([[0.0, 1.0], [1.0, 0.0]]))
    >>> Rows.of(weights, 1, 2).weights(2).toarray().tolist()
    [[0.0, 0.0], [1.0, 0.0]]
    """

    start: int
    stop: int
    data: npt.NDArray[np.float64]
    indices: npt.NDArray[np.integer]
    indptr: npt.NDArray[np.integer]

    @classmethod
    def of(cls, weights: sparse.csr_array, start: int, stop: int) -> Rows:
        """Take the rows from `start` to `stop`."""
        part = slice(weights.indptr[start], weights.indptr[stop])
        indptr = weights.indptr[start : stop + 1] - weights.indptr[start]
        return cls(start, stop, weights.data[part], weights.indices[part], indptr)

    def weights(self, n: int) -> sparse.csr_array:
        """Give a matrix of all `n` rows in which the others are empty."""
        from scipy import sparse

        before = np.zeros(self.start, dtype=self.indptr.dtype)
        after = np.full(n - self.stop, self.indptr[-1], dtype=self.indptr.dtype)
        indptr = np.concatenate([before, self.indptr, after])
        return sparse.csr_array((self.data, self.indices, indptr), shape=(n, n))


def cut_rows(n: int, blocks: int, step: int) -> list[tuple[int, int]]:
    """Cut rows into blocks of nearly the same size.

    Parameters
    ----------
    n : int
        Number of rows, 1 or more.
    blocks : int
        How many blocks; fewer where there are not so many steps.
    step : int
        Blocks are cut at multiples of it only.

    Returns
    -------
    list of (int, int)
        First row of each block, and the one after its last.

    Examples
    --------
    >>> cut_rows(10, 3, 1), cut_rows(10, 3, 4)
    ([(0, 3), (3, 7), (7, 10)], [(0, 4), (4, 8), (8, 10)])
    """
    steps = -(-n // step)
    edges = np.unique(np.linspace(0, steps, min(blocks, steps) + 1).round().astype(np.int64)) * step
    edges[-1] = n
    return list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
