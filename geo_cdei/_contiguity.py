"""Contiguity of a polygon coverage as a sparse product.

In a valid coverage neighbors share their vertices exactly. Number the distinct vertices (queen) or the
distinct segments (rook), write the unit-by-feature incidence A, and the pattern of A·Aᵀ off the diagonal is
the contiguity.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from scipy import sparse

if TYPE_CHECKING:
    import numpy.typing as npt

    IntArray = npt.NDArray[np.int64]

__all__ = ["coverage_contiguity"]


def coverage_contiguity(geometry: npt.NDArray[np.object_], *, rook: bool = False) -> sparse.csr_array:
    """Find which polygons of a valid coverage touch.

    Parameters
    ----------
    geometry : numpy.ndarray of shapely geometries, shape (n,)
        Polygons or multipolygons whose shared borders have the same vertices on both sides.
    rook : bool, default False
        Ask for a shared segment; a shared vertex is enough otherwise.

    Returns
    -------
    scipy.sparse.csr_array of shape (n, n)
        1.0 where two polygons touch; empty diagonal; column indices sorted.

    Examples
    --------
    >>> squares = shapely.box([0, 1, 1], [0, 0, 1], [1, 2, 2], [1, 1, 2])
    >>> coverage_contiguity(squares).toarray().astype(int).tolist()
    [[0, 1, 1], [1, 0, 1], [1, 1, 0]]
    >>> coverage_contiguity(squares, rook=True).toarray().astype(int).tolist()
    [[0, 1, 0], [1, 0, 1], [0, 1, 0]]
    """
    unit, feature = _segments(geometry) if rook else _vertices(geometry)
    # what only one unit has can join nothing; leaving it out keeps the product small
    seen = np.bincount(feature)
    shared = seen[feature] > 1
    unit, feature = unit[shared], feature[shared]
    shape = (len(geometry), len(seen))
    incidence = sparse.csr_array((np.ones(len(unit), dtype=np.int32), (unit, feature)), shape=shape)
    product = sparse.coo_array(incidence @ incidence.T)
    row, column = product.coords
    off = row != column
    ones = np.ones(int(off.sum()))
    result = sparse.csr_array((ones, (row[off], column[off])), shape=product.shape)
    result.sort_indices()
    return result


def _vertices(geometry: npt.NDArray[np.object_]) -> tuple[IntArray, IntArray]:
    xy, unit = shapely.get_coordinates(geometry, return_index=True)
    return unit.astype(np.int64), _number(xy[:, 0], xy[:, 1])


def _segments(geometry: npt.NDArray[np.object_]) -> tuple[IntArray, IntArray]:
    parts, unit_of_part = shapely.get_parts(geometry, return_index=True)
    rings, part_of_ring = shapely.get_rings(parts, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    vertex = _number(xy[:, 0], xy[:, 1])
    inside = ring[1:] == ring[:-1]
    start, end = vertex[:-1][inside], vertex[1:][inside]
    unit = unit_of_part[part_of_ring[ring[1:][inside]]]
    return unit.astype(np.int64), _number(np.minimum(start, end), np.maximum(start, end))


def _number(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> IntArray:
    """Give every distinct pair a number; equal means equal to the last bit, as in the coverage test."""
    a, _ = pd.factorize(first)
    b, distinct = pd.factorize(second)
    pair, _ = pd.factorize(a.astype(np.int64) * len(distinct) + b)
    return pair.astype(np.int64)
