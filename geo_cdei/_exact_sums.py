"""Sums by group that do not depend on the order in which numbers are added.

A float is a whole number of 53 bits times a power of two. The whole numbers of one power are added as integers, in
two halves, so that nothing is rounded before the end: any order, any number of blocks, the same sum to the last bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]

__all__ = ["ExactSums"]

_BITS, _LOW = 53, 26
_STEP = 1 << 22  # numbers added at once: 2**22 halves of 27 bits stay below 2**53


class ExactSums:
    """Running sums of *n* groups.

    Parameters
    ----------
    n : int
        Number of groups.

    Examples
    --------
    >>> sums = ExactSums(2)
    >>> sums.add(np.array([0, 0, 0, 1]), np.array([1e16, 1.0, -1e16, 0.1]))
    >>> sums.totals().tolist()
    [1.0, 0.1]
    """

    def __init__(self, n: int) -> None:
        self.n = n
        self._parts: dict[int, IntArray] = {}  # power of two -> (high halves, low halves) of every group

    def add(self, group: npt.NDArray[np.integer], values: FloatArray) -> None:
        """Add finite numbers to their groups.

        Parameters
        ----------
        group : numpy.ndarray of int, shape (m,)
            0 … n - 1.
        values : numpy.ndarray of shape (m,)
            Finite.
        """
        for start in range(0, len(values), _STEP):
            part = slice(start, start + _STEP)
            self._add(group[part].astype(np.int64), values[part])

    def _add(self, group: IntArray, values: FloatArray) -> None:
        mantissa, power = np.frexp(values)
        powers, place = np.unique(power, return_inverse=True)
        whole = np.ldexp(mantissa, _BITS)
        high = np.floor(np.ldexp(whole, -_LOW))
        low = whole - np.ldexp(high, _LOW)
        key = place * self.n + group
        cells = len(powers) * self.n
        both = [np.bincount(key, weights=half, minlength=cells).astype(np.int64) for half in (high, low)]
        self.merge(powers.astype(np.int64), np.stack(both).reshape(2, len(powers), self.n).transpose(1, 0, 2))

    def merge(self, powers: IntArray, parts: IntArray) -> None:
        """Add what another one gave by :meth:`parts`.

        Parameters
        ----------
        powers : numpy.ndarray of int64, shape (k,)
            Powers of two.
        parts : numpy.ndarray of int64, shape (k, 2, n)
            High and low halves.
        """
        for power, part in zip(powers.tolist(), parts, strict=True):
            held = self._parts.get(power)
            self._parts[power] = part.copy() if held is None else held + part

    def parts(self) -> tuple[IntArray, IntArray]:
        """Everything that was added, as arrays.

        Returns
        -------
        powers : numpy.ndarray of int64, shape (k,)
            In ascending order.
        parts : numpy.ndarray of int64, shape (k, 2, n)
            High and low halves.
        """
        powers = sorted(self._parts)
        if not powers:
            return np.empty(0, dtype=np.int64), np.empty((0, 2, self.n), dtype=np.int64)
        return np.array(powers, dtype=np.int64), np.stack([self._parts[power] for power in powers])

    def totals(self) -> FloatArray:
        """Round every exact sum once.

        Returns
        -------
        numpy.ndarray of shape (n,)
            Nearest floats; infinite where a sum is too large for one, 0 where nothing was added.
        """
        powers, parts = self.parts()
        lowest = int(powers[0]) if len(powers) else 0
        exact = [0] * self.n
        for power, (high, low) in zip(powers.tolist(), parts, strict=True):
            some = np.flatnonzero(high | low)
            for i, h, lo in zip(some.tolist(), high[some].tolist(), low[some].tolist(), strict=True):
                exact[i] += ((h << _LOW) + lo) << (power - lowest)
        return np.array([_rounded(number, lowest - _BITS) for number in exact])


def _rounded(number: int, power: int) -> float:
    """Round ``number * 2**power``; division of whole numbers rounds once, to the nearest."""
    try:
        return number / (1 << -power) if power < 0 else float(number << power)
    except OverflowError:
        return float("inf") if number > 0 else float("-inf")
