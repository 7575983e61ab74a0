"""Traces that the information matrix of a spatial model is made of, without a product of squares of all cities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt
    from scipy import sparse

    FloatArray = npt.NDArray[np.float64]

__all__ = ["information_traces"]

_COLUMNS = 128  # solved for at a time


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
    g, parts = np.empty((n, n)), [slice(start, min(start + _COLUMNS, n)) for start in range(0, n, _COLUMNS)]
    for part in parts:
        unit = np.eye(n, part.stop - part.start, -part.start)
        g[part] = (weights @ factors.solve(unit)).T  # G itself transposed: none of the traces minds
    square = sum(float((g[part] * g[:, part].T).sum()) for part in parts)
    cross = sum(float((g[part] ** 2).sum()) for part in parts)  # sums of BLAS would depend on its threads
    return float(np.trace(g)), square, cross
