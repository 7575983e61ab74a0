"""How many classes the scores of the clusters fall in, and whether they fall in any.

Natural breaks always give classes, also to noise; the gap statistic may answer "no groups".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from .._aligned import numbers
from .._breaks import absolute_fit, natural_breaks, within_sums
from ..columns import PATTERN_BREAKS, PATTERN_GAP
from ..errors import StatisticError

__all__ = ["GapStatistic", "break_table", "chosen_k", "gap_statistic"]

CANDIDATES = (3, 4, 5, 6)
GAP_CLASSES = 7


@dataclass(frozen=True, slots=True)
class GapStatistic:
    """The number of groups that the gap statistic sees, with its circumstances.

    Parameters
    ----------
    k : int
        Number of groups by the rule of the first k that is enough; 1 means that there are none.
    k_largest : int
        The k with the largest gap, for comparison: the rule can stop at 1 before steps of equal width.
    k_max : int
        Largest number that could be answered.
    references, seed : int
        Reference draws and their seed.
    n : int
        Numbers that were grouped.
    """

    k: int
    k_largest: int
    k_max: int
    references: int
    seed: int
    n: int

    def __str__(self) -> str:
        """Write the answer and its circumstances in one line."""
        answer = f"{self.k} groups" if self.k > 1 else "no groups"
        largest = "" if self.k_largest == self.k else f", largest gap at {self.k_largest}"
        return f"{answer} (gap statistic{largest}, up to {self.k_max}, {self.references} references, n = {self.n})"


def break_table(scores: pd.Series, *, candidates: Sequence[int] = CANDIDATES) -> pd.DataFrame:
    """Natural breaks for every number of classes, the number that the rule chooses, and head/tail breaks.

    Parameters
    ----------
    scores : pandas.Series of shape (n_clusters,)
        Scores indexed by ``cluster_id``, none missing.
    candidates : sequence of int, default (3, 4, 5, 6)
        Numbers of classes among which the rule chooses.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`geo_cdei.columns.PATTERN_BREAKS`; one row of method "Fisher-Jenks" for each number of
        classes from one below the lowest candidate to one above the highest, and one of "head/tail".
        ``gadf`` is the goodness of fit, ``gain`` its rise over one class less, ``drop`` the fall of the gain
        after it; ``chosen`` marks the candidate with the largest drop (the lowest of equals). ``sizes`` counts
        the classes from the top, ``top_class`` names the clusters in the highest.

    Raises
    ------
    StatisticError
        If there are fewer different scores than the highest candidate plus one.

    Notes
    -----
    The rule is GADF(k) − GADF(k−1) − (GADF(k+1) − GADF(k)), fixed before any result was seen. Head/tail breaks
    split at the mean, and again the part above it, until one number is left.

    References
    ----------
    Jiang, B. (2013). Head/tail breaks: a new classification scheme for data with a heavy-tailed distribution.
    The Professional Geographer, 65(3), 482-494.

    Examples
    --------
    >>> scores = pd.Series([80.0, 79, 78, 50, 49, 48, 20, 19, 18], index=list("ABCDEFGHI"))
    >>> table = break_table(scores)
    >>> table.loc[table["chosen"], ["k", "sizes", "top_class"]].to_numpy().tolist()
    [[3, '3;3;3', 'A;B;C']]
    """
    first, last = min(candidates) - 1, max(candidates) + 1
    _check_scores(scores, last)
    values = scores.to_numpy(dtype=float)
    classes = {k: natural_breaks(values, k) for k in range(first, last + 1)}
    gadf = pd.Series({k: absolute_fit(values, label) for k, label in classes.items()})
    gain = gadf.diff()
    drop = (gain - gain.shift(-1)).reindex(list(candidates))
    best = list(candidates)[int(np.argmax(drop.to_numpy()))]
    rows = [
        ("Fisher-Jenks", k, gadf[k], gain[k], drop.get(k, np.nan), k == best, *_describe(scores, label))
        for k, label in classes.items()
    ]
    levels = _head_tail(values)
    rows.append(
        ("head/tail", int(levels.max()), absolute_fit(values, levels), np.nan, np.nan, False,
         *_describe(scores, levels))
    )  # fmt: skip
    return pd.DataFrame(rows, columns=list(PATTERN_BREAKS))


def chosen_k(table: pd.DataFrame) -> int:
    """Read the chosen number of classes from a table of breaks.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`break_table`.

    Returns
    -------
    int
        The ``k`` of the row that is ``chosen``.

    Examples
    --------
    >>> chosen_k(pd.DataFrame({"k": [3, 4], "chosen": [False, True]}))
    4
    """
    return int(table.loc[table["chosen"], "k"].iloc[0])


def gap_statistic(
    scores: pd.Series, *, k_max: int = GAP_CLASSES, references: int = 999, seed: int
) -> tuple[GapStatistic, pd.DataFrame]:
    """Say how many groups the scores form, or that they form none.

    Parameters
    ----------
    scores : pandas.Series of shape (n_clusters,)
        Scores, none missing.
    k_max : int, default 7
        Largest number of groups that can be answered; fewer where there are too few different scores.
    references : int, default 999
        Reference draws: as many numbers, even over the range of the scores.
    seed : int
        Seed of ``numpy.random.default_rng``.

    Returns
    -------
    answer : GapStatistic
        Smallest k with Gap(k) ≥ Gap(k+1) − s(k+1); *k_max* when there is none.
    table : pandas.DataFrame
        Columns :data:`geo_cdei.columns.PATTERN_GAP`, one row for each k from 1 to *k_max* + 1: ``log_within``
        (logarithm of the sum of squares within the classes), its mean ``log_reference`` over the references,
        ``gap``, ``se`` = s(k), ``enough`` (the inequality holds) and ``chosen``.

    Raises
    ------
    StatisticError
        If there are fewer than three different scores, or no reference draw.

    Notes
    -----
    "No groups" is no proof that there are none. The rule looks from below, and three groups at equal distances
    hardly gain by a cut in two, so it stops at 1 although the largest gap is at 3: ``k_largest`` tells.

    References
    ----------
    Tibshirani, R., Walther, G. and Hastie, T. (2001). Estimating the number of clusters in a data set via the
    gap statistic. Journal of the Royal Statistical Society B, 63(2), 411-423.

    Examples
    --------
    >>> even = pd.Series(np.linspace(40.0, 80.0, 26))
    >>> print(gap_statistic(even, seed=1)[0])
    no groups (gap statistic, up to 7, 999 references, n = 26)
    """
    _check_scores(scores, 3)
    if references < 1:
        raise StatisticError(f"references must be at least 1; got {references}.")
    values = scores.to_numpy(dtype=float)
    top = min(k_max, scores.nunique() - 2)
    drawn = np.random.default_rng(seed).uniform(values.min(), values.max(), size=(references, len(values)))
    log_within = np.log(within_sums(values, top + 1)[0])
    log_drawn = np.log(within_sums(drawn, top + 1))
    gap = log_drawn.mean(axis=0) - log_within
    se = log_drawn.std(axis=0) * np.sqrt(1 + 1 / references)
    enough = np.append(gap[:-1] >= gap[1:] - se[1:], False)
    k = int(np.argmax(enough)) + 1 if enough.any() else top
    ks = np.arange(1, top + 2)
    table = pd.DataFrame(
        dict(zip(PATTERN_GAP, (ks, log_within, log_drawn.mean(axis=0), gap, se, enough, ks == k), strict=True))
    )
    return GapStatistic(k, int(np.argmax(gap)) + 1, top, references, seed, len(values)), table


def _check_scores(scores: pd.Series, needed: int) -> None:
    missing = scores.index[np.isnan(numbers(scores))].tolist()
    if missing:
        raise StatisticError(f"{len(missing)} of {len(scores)} scores are missing (first: {missing[:3]}); drop them.")
    if scores.nunique() < needed:
        raise StatisticError(
            f"classing needs at least {needed} clusters with different scores; there are {scores.nunique()} "
            f"among {len(scores)}. Add clusters, or leave this step out."
        )


def _describe(scores: pd.Series, classes: npt.NDArray[np.int64]) -> tuple[str, str]:
    counts = np.bincount(classes)[1:]
    top = scores[classes == classes.min()].sort_values(ascending=False, kind="stable")
    return ";".join(map(str, counts)), ";".join(map(str, top.index))


def _head_tail(values: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Levels of the head/tail breaks; 1 is the highest."""
    from mapclassify import HeadTailBreaks

    lowest_first = np.asarray(HeadTailBreaks(values).yb, dtype=np.int64)
    return np.asarray(lowest_first.max() + 1 - lowest_first)
