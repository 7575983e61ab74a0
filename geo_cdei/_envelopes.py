"""Global rank envelopes: is a whole curve extreme among simulated curves, with one p for the curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

__all__ = ["Envelope", "global_envelope"]

_RELATIVE_TIE = 1e-10


@dataclass(frozen=True, slots=True)
class Envelope:
    """A curve against simulated ones.

    Attributes
    ----------
    low, high : numpy.ndarray of shape (d,)
        The envelope; NaN where no simulated curve has a value.
    p : float
        Of the whole curve, two-sided, never 0; NaN when the curve has no value at all.
    """

    low: FloatArray
    high: FloatArray
    p: float


def global_envelope(observed: FloatArray, simulated: FloatArray, *, alpha: float = 0.05) -> Envelope:
    """Draw the global extreme rank length envelope of a curve.

    Parameters
    ----------
    observed : numpy.ndarray of shape (d,)
        The curve; NaN where it has no value.
    simulated : numpy.ndarray of shape (n_simulations, d)
        Curves that are as likely as the observed one under the null hypothesis.
    alpha : float, default 0.05
        Level of the envelope: without ties the observed curve leaves it somewhere exactly when p ≤ alpha.

    Returns
    -------
    Envelope
        With ``p = (1 + #{simulated curves at least as extreme}) / (1 + n_simulations)``.

    Notes
    -----
    Every curve gets, at every place, its rank from the nearer end among all curves (ties the larger one, a missing
    value the largest). Curves are ordered by their smallest rank, then by how often it occurs, then by the next.
    The envelope spans the curves that are not among the alpha most extreme. A curve with a value where others have
    none has more places to be extreme at: give curves that are missing at the same places.

    References
    ----------
    Myllymäki, M., Mrkvička, T., Grabarnik, P., Seijo, H. and Hahn, U. (2017). Global envelope tests for spatial
    processes. Journal of the Royal Statistical Society B, 79(2), 381-404.

    Examples
    --------
    >>> curves = np.column_stack([np.arange(39.0), np.zeros(39)])
    >>> result = global_envelope(np.array([19.5, 5.0]), curves)
    >>> result.p, result.low.tolist(), result.high.tolist()
    (0.025, [0.0, 0.0], [38.0, 0.0])
    """
    curves = np.vstack([observed, simulated])
    if np.isnan(observed).all():
        missing = np.full(len(observed), np.nan)
        return Envelope(low=missing, high=missing.copy(), p=float("nan"))
    order = _extremeness(_ranks(curves))
    total = len(curves)
    p = float(np.count_nonzero(order <= order[0])) / total
    # the most extreme alpha of the curves, whole groups of ties only, are outside
    sizes = np.cumsum(np.bincount(order))
    cut = int(np.searchsorted(sizes, alpha * total + 1e-9, side="right"))
    kept = curves[order >= cut]
    low, high = _extent(kept)
    return Envelope(low=low, high=high, p=p)


def _ranks(curves: FloatArray) -> FloatArray:
    """Rank every value from the nearer end of its column, small the most extreme; missing values never are."""
    total, width = curves.shape
    ranks = np.empty((total, width))
    for place in range(width):
        column = curves[:, place]
        known = np.sort(column[~np.isnan(column)])
        # values that differ by rounding alone are ties, so that another unit gives the same ranks
        slack = _RELATIVE_TIE * np.abs(known).max(initial=0.0)
        below = np.searchsorted(known, column + slack, side="right")
        above = len(known) - np.searchsorted(known, column - slack, side="left")
        ranks[:, place] = np.where(np.isnan(column), total, np.minimum(below, above))
    return ranks


def _extremeness(ranks: FloatArray) -> npt.NDArray[np.int64]:
    """Give every curve a number, 0 the most extreme; curves with the same ranks share a number."""
    ordered = np.sort(ranks, axis=1)
    _, number = np.unique(ordered, axis=0, return_inverse=True)
    return np.asarray(number.ravel(), dtype=np.int64)


def _extent(kept: FloatArray) -> tuple[FloatArray, FloatArray]:
    known = ~np.isnan(kept)
    some = known.any(axis=0)
    low = np.where(known, kept, np.inf).min(axis=0)
    high = np.where(known, kept, -np.inf).max(axis=0)
    return np.where(some, low, np.nan), np.where(some, high, np.nan)
