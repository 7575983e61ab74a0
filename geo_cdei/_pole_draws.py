"""Draws of value systems and of everything uncertain, and their ranks, as arrays with one row per candidate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import sparse

from ._poles import PoleCriteria, scale_values
from .errors import StatisticError

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]

__all__ = ["PoleDraws", "count_ranks"]

WEIGHT_STEP = 2.0**30  # weights are whole steps: their sums are exact, whatever is added first
VALUE_STEP = 2.0**40  # values nearer than a step are equal, and then a coin decides


def count_ranks(values: FloatArray) -> tuple[IntArray, IntArray]:
    """Rank the candidates in every draw, and count who stands before whom.

    Parameters
    ----------
    values : numpy.ndarray of shape (n, n_draws)
        More is better; no ties.

    Returns
    -------
    place : numpy.ndarray of int, shape (n, n_draws)
        0 is the first.
    before : numpy.ndarray of int, shape (n, n)
        Number of draws in which the row stands before the column.

    Examples
    --------
    >>> place, before = count_ranks(np.array([[3.0, 1.0], [2.0, 2.0]]))
    >>> place.tolist(), before.tolist()
    ([[0, 1], [1, 0]], [[0, 1], [1, 0]])
    """
    n, size = values.shape
    place = np.zeros((n, size), dtype=np.uint8 if n < 256 else np.uint16)
    before = np.zeros((n, n), dtype=np.int64)
    for i in range(n - 1):
        wins = values[i] > values[i + 1 :]
        place[i + 1 :] += wins
        place[i] += np.uint8(n - 1 - i) if n < 256 else np.uint16(n - 1 - i)
        place[i] -= wins.sum(axis=0, dtype=place.dtype)
        counted = [np.count_nonzero(row) for row in wins]
        before[i, i + 1 :] = counted
        before[i + 1 :, i] = size - np.array(counted)
    return place.astype(np.int64), before


def _weighted_sums(rows: FloatArray, columns: FloatArray) -> FloatArray:
    """Matrix product, added up in one order: the same for any number of columns, and without threads."""
    total = rows[:, :1] * columns[0]
    part = np.empty_like(total)
    for k in range(1, len(columns)):
        np.multiply(rows[:, k : k + 1], columns[k], out=part)
        total += part
    return np.asarray(total)


class PoleDraws:
    """Everything that is drawn, with one stream of random numbers for each part.

    Parameters
    ----------
    criteria : PoleCriteria
        Candidates and criteria.
    scheme : {"grouped", "flat"}
        Weights in two levels, or in one.
    log_sd : pandas.Series, optional
        Error of every city's weight, by ``adcode``.
    seed : int
        Seed.

    Raises
    ------
    StatisticError
        If a member has no error of its weight, or a negative one.
    """

    def __init__(self, criteria: PoleCriteria, *, scheme: str, log_sd: pd.Series[float] | None, seed: int) -> None:
        self._scheme = scheme
        self._groups = np.unique(criteria.groups.to_numpy(dtype=str), return_inverse=True)[1].astype(np.int64)
        self._outer, self._inner, self._error, self._scenario, self._unknown, self._coin = (
            np.random.default_rng([seed, stream]) for stream in range(6)
        )
        base = scale_values(criteria.raw, criteria.table)
        self._missing = np.nonzero(base.isna().to_numpy())
        scenarios = [base]
        for other in criteria.others:
            # what is unknown under the primary memberships is drawn; what only a wider one does not know stays
            scaled = scale_values(other, criteria.table).where(base.notna())
            scenarios.append(scaled.fillna(base))
        self._known = [part.fillna(0.0).to_numpy(dtype=float) for part in scenarios]
        self._varies = np.flatnonzero((criteria.memberships != criteria.memberships[:1]).any(axis=(0, 2)))
        self._score = None
        if log_sd is not None and "score" in criteria.raw:
            self._score = _Score.of(criteria, log_sd, self._varies)

    def draw(self, size: int) -> tuple[FloatArray, FloatArray]:
        """Draw the next values; the same ones come in whatever portions they are drawn.

        Parameters
        ----------
        size : int
            Number of draws.

        Returns
        -------
        weights : numpy.ndarray of shape (m, size)
            In whole steps of 2**-30.
        values : numpy.ndarray of shape (n, size)
            Additive values in steps of 2**-40, as whole numbers, with ties parted by chance.
        """
        weights = self._draw_weights(size)
        values = _weighted_sums(self._known[0], weights)
        n, v = len(values), len(self._varies)
        shift = np.zeros((n + v * (len(self._known) - 1), 1))
        if self._score is not None:
            shift = self._score.shift(self._error, size) * weights[self._score.column]
            values += shift[:n]
        chosen = (self._scenario.random((size, v)).T * len(self._known)).astype(np.int64)
        for number, known in enumerate(self._known[1:], 1):
            here = _weighted_sums(known[self._varies], weights)
            here += shift[n + v * (number - 1) : n + v * number]
            values[self._varies] = np.where(chosen == number, here, values[self._varies])
        rows, columns = self._missing
        drawn = self._unknown.random((size, len(rows))).T
        for place, (row, column) in enumerate(zip(rows, columns, strict=True)):
            values[row] += drawn[place] * weights[column]
        values *= VALUE_STEP
        np.rint(values, out=values)
        values += self._coin.random((size, n), dtype=np.float32).T * np.float32(0.5)
        return weights, values

    def _draw_weights(self, size: int) -> FloatArray:
        """Exponentials over their sum are a Dirichlet draw with all parameters 1."""
        inner = np.ascontiguousarray(self._inner.standard_exponential((size, len(self._groups))).T)
        if self._scheme == "flat":
            weights = inner / inner.sum(axis=0)
        else:
            outer = self._outer.standard_exponential((size, int(self._groups.max()) + 1)).T
            outer = outer / outer.sum(axis=0)
            member = np.eye(len(outer))[self._groups]
            weights = inner * (outer / _weighted_sums(member.T, inner))[self._groups]
        return np.asarray(np.rint(weights * WEIGHT_STEP) / WEIGHT_STEP)


@dataclass(frozen=True, slots=True, eq=False)
class _Score:
    """Drawn cluster scores, as shifts on the scale against the scores as they are.

    Its rows are all candidates under the primary memberships, then those that vary under each other scenario.
    """

    weight: FloatArray
    log_sd: npt.NDArray[np.float32]
    sums: sparse.csr_array  # (2 x rows) x cities: distance of the score from the cluster's, and 1, for every member
    total: FloatArray
    width: float
    column: int

    @classmethod
    def of(cls, criteria: PoleCriteria, log_sd: pd.Series[float], varies: IntArray) -> _Score:
        """Keep the cities that are a member of some candidate, smallest code first."""
        usable = np.isfinite(criteria.score) & (criteria.weight > 0)
        parts = [criteria.memberships[0], *(part[varies] for part in criteria.memberships[1:])]
        held = np.concatenate(parts) & usable
        cities = np.flatnonzero(held.any(axis=0))
        cities = cities[np.argsort(criteria.adcodes.to_numpy()[cities])]
        sd = np.asarray(log_sd.reindex(criteria.adcodes[cities]), dtype=np.float64)
        _check_log_sd(sd, criteria.adcodes[cities])
        member, score, weight = held[:, cities].astype(float), criteria.score[cities], criteria.weight[cities]
        total = member @ weight
        base = np.divide(member @ (weight * score), total, out=np.zeros_like(total), where=total > 0)
        low, high = criteria.table.loc["score", ["low", "high"]].to_numpy(dtype=float)
        return cls(
            weight=weight,
            log_sd=sd.astype(np.float32),
            sums=sparse.csr_array(np.concatenate([member * (score - base[:, None]), member])),
            total=np.where(total > 0, total, np.inf)[:, None],  # an unknown score does not move
            width=float(high - low) if high > low else np.inf,
            column=list(criteria.raw.columns).index("score"),
        )

    def shift(self, rng: np.random.Generator, size: int) -> FloatArray:
        """How far every score moves in each draw, on the scale; (n_rows, size)."""
        # the errors in single precision, their sums in double: an exact weight moves nothing at all
        error = rng.standard_normal((size, len(self.weight)), dtype=np.float32)
        error *= self.log_sd
        np.exp(error, out=error)
        error -= 1.0
        sums = self.sums @ (np.ascontiguousarray(error.T) * self.weight[:, None])
        half = len(self.total)
        return np.asarray(sums[:half] / (self.total + sums[half:]) / self.width)


def _check_log_sd(sd: FloatArray, adcodes: pd.Index[str]) -> None:
    bad = ~(np.isfinite(sd) & (sd >= 0))
    if bad.any():
        raise StatisticError(
            f"log_sd needs a number of 0 or more for each of {len(sd)} members; {int(bad.sum())} have none (first: "
            f"{adcodes[bad][0]}). Give 0 for a weight that is exact."
        )
