"""Spatial multipliers for many values of ρ at once, without an inverse.

An effect of a spatial lag model needs tr(W (I − ρW)⁻¹) / n for every simulated ρ. That trace is the derivative of
−log|I − ρW| / n, a smooth function of ρ: sparse LU factors give the determinant at a few Chebyshev points, their
polynomial gives the derivative everywhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .errors import StatisticError

if TYPE_CHECKING:
    import numpy.typing as npt
    from scipy import sparse

    FloatArray = npt.NDArray[np.float64]

__all__ = ["mean_diagonal"]

_DEGREES = (12, 24, 48, 96)
_TOLERANCE = 1e-9
_NARROW = 0.02


def mean_diagonal(weights: sparse.csr_array, rho: npt.ArrayLike) -> FloatArray:
    """Average the diagonal of W (I − ρW)⁻¹ for each of many ρ.

    Parameters
    ----------
    weights : scipy.sparse.csr_array of shape (n, n)
        Row-standardized weights, no diagonal, every row with a neighbor.
    rho : array_like of shape (n_draws,)
        Values strictly between -1 and 1.

    Returns
    -------
    numpy.ndarray of shape (n_draws,)
        The mean; 1 + ρ times it is the mean diagonal of (I − ρW)⁻¹. Row sums of (I − ρW)⁻¹ are 1 / (1 − ρ).

    Raises
    ------
    StatisticError
        If a ρ is not between -1 and 1.

    References
    ----------
    Pace, R. K. and Barry, R. (1997). Quick computation of spatial autoregressive estimators. Geographical
    Analysis, 29(3), 232-247. LeSage, J. and Pace, R. K. (2009). Introduction to Spatial Econometrics. CRC Press.

    Examples
    --------
    >>> from scipy import sparse
    >>> pair = sparse.csr_array(np.array([[0.0, 1.0], [1.0, 0.0]]))
    >>> mean_diagonal(pair, [0.3, 0.5]).round(6).tolist()
    [0.32967, 0.666667]
    """
    values = np.asarray(rho, dtype=np.float64)
    if not (np.abs(values) < 1).all():
        raise StatisticError(
            f"ρ must lie between -1 and 1; {int((~(np.abs(values) < 1)).sum())} of {values.size} do not."
        )
    if not values.size:
        return values.copy()
    low, high = float(values.min()), float(values.max())
    spare = max(0.0, _NARROW - (high - low)) / 2.0
    domain = [max(low - spare, -0.9999), min(high + spare, 0.9999)]
    domain = [min(domain[0], low), max(domain[1], high)]
    # λ = 1 is known to be an eigenvalue; its part is taken out because it is singular at ρ = 1
    slope = _smooth_log_determinant(weights, domain).deriv()
    return np.asarray((1.0 / (1.0 - values) - slope(values)) / weights.shape[0])


def _smooth_log_determinant(weights: sparse.csr_array, domain: list[float]) -> np.polynomial.chebyshev.Chebyshev:
    """Interpolate log|I − ρW| − log(1 − ρ), with more points until the last coefficients vanish."""
    from numpy.polynomial.chebyshev import Chebyshev

    def at(points: FloatArray) -> FloatArray:
        return np.array([_log_determinant(weights, point) - np.log1p(-point) for point in points])

    for degree in _DEGREES:
        found = Chebyshev.interpolate(at, degree, domain=domain)
        rest = float(np.abs(found.coef[-3:]).max()) * degree**2 / (domain[1] - domain[0])
        if rest < _TOLERANCE * weights.shape[0]:
            break
    return found


def _log_determinant(weights: sparse.csr_array, rho: float) -> float:
    from scipy import sparse
    from scipy.sparse.linalg import splu

    matrix = (sparse.eye_array(weights.shape[0], format="csc") - rho * weights.tocsc()).tocsc()
    # rows are diagonally dominant, so the diagonal is a safe pivot and the pattern stays sparse
    factors = splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    return float(np.log(np.abs(factors.U.diagonal())).sum())
