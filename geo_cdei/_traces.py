"""Traces that the information matrix of a spatial model is made of, without a product of squares of all cities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ._parallel import LOCAL

if TYPE_CHECKING:
    import numpy.typing as npt
    from scipy import sparse
    from scipy.sparse.linalg import SuperLU

    FloatArray = npt.NDArray[np.float64]

__all__ = ["information_traces"]

_COLUMNS = 128  # solved for at a time
_THREADS = 2


def information_traces(weights: sparse.csr_array, rho: float) -> tuple[float, float, float]:
    """Give the traces of G, GG and GᵀG, where G = W (I − ρW)⁻¹.

    Parameters
    ----------
    weights : scipy.sparse.csr_array of shape (n, n)
        Row-standardized weights W, no diagonal.
    rho : float
        Between -1 and 1.

    Returns
    -------
    tuple of float
        The three traces.

    References
    ----------
    Anselin, L. (1988). Spatial Econometrics: Methods and Models. Kluwer, chapter 6.

    Examples
    --------
    >>> from scipy import sparse
    >>> pair = sparse.csr_array(np.array([[0.0, 1.0], [1.0, 0.0]]))
    >>> [round(trace, 6) for trace in information_traces(pair, 0.5)]
    [1.333333, 4.444444, 4.444444]
    """
    from scipy import sparse
    from scipy.sparse.linalg import splu

    n = weights.shape[0]
    factors = splu((sparse.eye_array(n, format="csc") - rho * weights.tocsc()).tocsc())
    g, starts = np.empty((n, n)), range(0, n, _COLUMNS)
    for start, columns in zip(starts, LOCAL.map(_columns, starts, weights, factors, threads=_THREADS), strict=True):
        g[start : start + _COLUMNS] = columns.T  # G itself transposed: none of the traces minds
    parts = [slice(start, start + _COLUMNS) for start in starts]
    square = sum(float((g[part] * g[:, part].T).sum()) for part in parts)
    cross = sum(float((g[part] ** 2).sum()) for part in parts)  # sums of BLAS would depend on its threads
    return float(np.trace(g)), square, cross


def _columns(weights: sparse.csr_array, factors: SuperLU, start: int) -> FloatArray:
    """Solve for some columns of G."""
    n = weights.shape[0]
    unit = np.eye(n, min(_COLUMNS, n - start), -start)
    return np.asarray(weights @ factors.solve(unit))
