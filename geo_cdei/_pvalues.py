"""From counts of simulated values to p-values, and from p-values to a false discovery rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .errors import StatisticError

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    BoolArray = npt.NDArray[np.bool_]

__all__ = [
    "ALTERNATIVES",
    "check_inference",
    "default_permutations",
    "fdr_significant",
    "normal_p",
    "p_value",
]

ALTERNATIVES = ("two-sided", "greater", "less")


def default_permutations(n: int, *, cap: int = 999_999) -> int:
    """Choose enough permutations for the false discovery rate to be able to reject.

    The smallest two-sided p is 2 / (P + 1); the first step of Benjamini-Hochberg at .05 asks for .05 / n.

    Parameters
    ----------
    n : int
        Number of cities tested.
    cap : int, default 999_999
        Never more than this.

    Returns
    -------
    int
        9,999 up to 249 cities, then the first of 99,999 and 999,999 that suffices, at most *cap*.

    Examples
    --------
    >>> default_permutations(242), default_permutations(372), default_permutations(2877)
    (9999, 99999, 999999)
    """
    for permutations in (9_999, 99_999, 999_999):
        if permutations >= 2 * n / 0.05:
            break
    return min(permutations, cap)


def check_inference(permutations: int, alternative: str) -> None:
    """Refuse a number of permutations or an alternative that has no meaning.

    Parameters
    ----------
    permutations : int
        At least 1.
    alternative : str
        "two-sided", "greater" or "less".

    Raises
    ------
    StatisticError
        If either is something else.

    Examples
    --------
    >>> check_inference(9999, "two-sided")
    """
    if isinstance(permutations, bool) or not isinstance(permutations, int | np.integer) or permutations < 1:
        raise StatisticError(f"permutations must be a whole number of at least 1; got {permutations!r}.")
    if alternative not in ALTERNATIVES:
        raise StatisticError(f"alternative must be one of {', '.join(ALTERNATIVES)}; got {alternative!r}.")


def p_value(ge: npt.ArrayLike, le: npt.ArrayLike, permutations: int, alternative: str = "two-sided") -> FloatArray:
    """Turn counts of simulated values into pseudo p-values.

    Parameters
    ----------
    ge, le : array_like of shape (n,)
        Simulated values at least, at most the observed one.
    permutations : int
        Number of simulated values.
    alternative : {"two-sided", "greater", "less"}, default "two-sided"
        Two-sided is ``min(1, 2 (min(ge, le) + 1) / (P + 1))``.

    Returns
    -------
    numpy.ndarray of shape (n,)
        Pseudo p-values, never 0.

    References
    ----------
    North, B. V., Curtis, D. and Sham, P. C. (2002). A note on the calculation of empirical P values from
    Monte Carlo procedures. American Journal of Human Genetics, 71(2), 439-441.

    Examples
    --------
    >>> p_value([4], [96], 99).tolist(), p_value([4], [96], 99, "greater").tolist()
    ([0.1], [0.05])
    """
    check_inference(permutations, alternative)
    above, below = np.asarray(ge, dtype=np.float64), np.asarray(le, dtype=np.float64)
    if alternative == "greater":
        return (above + 1.0) / (permutations + 1.0)
    if alternative == "less":
        return (below + 1.0) / (permutations + 1.0)
    return np.minimum(1.0, 2.0 * (np.minimum(above, below) + 1.0) / (permutations + 1.0))


def normal_p(z: float, alternative: str = "two-sided") -> float:
    """Turn a standard normal deviate into a p-value.

    Parameters
    ----------
    z : float
        The deviate.
    alternative : {"two-sided", "greater", "less"}, default "two-sided"
        Which tail.

    Returns
    -------
    float
        The p-value; NaN for NaN.

    Examples
    --------
    >>> round(normal_p(1.96), 3), round(normal_p(1.96, "greater"), 3)
    (0.05, 0.025)
    """
    from scipy.special import ndtr

    if alternative == "two-sided":
        return float(2.0 * ndtr(-abs(z)))
    return float(ndtr(-z if alternative == "greater" else z))


def fdr_significant(p: npt.ArrayLike, *, alpha: float = 0.05) -> BoolArray:
    """Say which p-values a false discovery rate of *alpha* lets stand.

    Parameters
    ----------
    p : array_like of shape (n,)
        p-values; NaN is no test and counts nowhere.
    alpha : float, default 0.05
        Expected share of false discoveries among the discoveries.

    Returns
    -------
    numpy.ndarray of bool, shape (n,)
        True where the test stands; False where p is NaN.

    References
    ----------
    Benjamini, Y. and Hochberg, Y. (1995). Journal of the Royal Statistical Society B, 57(1), 289-300.

    Examples
    --------
    >>> fdr_significant([0.001, 0.03, 0.04, float("nan")]).tolist()
    [True, True, True, False]
    """
    values = np.asarray(p, dtype=np.float64)
    ordered = np.sort(values[~np.isnan(values)])
    steps = np.arange(1, len(ordered) + 1) * (alpha / max(len(ordered), 1))
    passed = np.flatnonzero(ordered <= steps)
    threshold = ordered[passed[-1]] if len(passed) else -1.0
    flags: BoolArray = values <= threshold
    return flags
