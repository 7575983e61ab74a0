"""The one rule by which a p-value becomes a word.

A result is called distinguishable where its p is at most `LEVEL`; of several tests made together the p is the
corrected one (Holm or Benjamini-Hochberg). Anything else is not distinguishable from the stated null. A p that is
missing was not tested. Nothing is called "nearly" or "marginally" anything.
"""

from __future__ import annotations

import math

__all__ = [
    "DISTINGUISHABLE", "LEVEL", "NOT_DISTINGUISHABLE", "NOT_TESTED", "RULES", "SMALLEST_P", "verdict",
    "verdict_of_interval",
]  # fmt: skip

LEVEL = 0.05
DISTINGUISHABLE, NOT_DISTINGUISHABLE, NOT_TESTED = "distinguishable", "not distinguishable", "not tested"

#: A smaller p is printed as "<" and this number.
SMALLEST_P = 0.001

#: What a printed number with the table name "rules" is traced to.
RULES = {"level": LEVEL, "fewest_members": 3.0, "dashes": 9.0}


def verdict(p: float) -> str:
    """Say what a p-value allows to say.

    Parameters
    ----------
    p : float
        A p-value, corrected where several tests were made together; NaN where nothing was tested.

    Returns
    -------
    str
        "distinguishable", "not distinguishable" or "not tested".

    Examples
    --------
    >>> verdict(0.05), verdict(0.0501), verdict(float("nan"))
    ('distinguishable', 'not distinguishable', 'not tested')
    """
    if math.isnan(p):
        return NOT_TESTED
    return DISTINGUISHABLE if p <= LEVEL else NOT_DISTINGUISHABLE


def verdict_of_interval(low: float, high: float) -> str:
    """Say what an interval allows to say about a difference from zero.

    Parameters
    ----------
    low, high : float
        Ends of the interval; NaN where nothing was estimated.

    Returns
    -------
    str
        "distinguishable" where zero lies outside, "not distinguishable" where it lies within or on an end.

    Examples
    --------
    >>> verdict_of_interval(-1.2, 0.4), verdict_of_interval(0.1, 0.4)
    ('not distinguishable', 'distinguishable')
    """
    if math.isnan(low) or math.isnan(high):
        return NOT_TESTED
    return NOT_DISTINGUISHABLE if low <= 0 <= high else DISTINGUISHABLE
