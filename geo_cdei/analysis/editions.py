"""Two editions side by side: who rose and fell, who came and went, and whether ranks stayed in order."""

from __future__ import annotations

import numpy as np
import pandas as pd

from geo_cdei._pvalues import p_value
from geo_cdei.columns import EDITION_CHANGES, EDITION_MOBILITY
from geo_cdei.errors import StatisticError

__all__ = ["compare_editions", "rank_mobility"]

FEWEST = 5  # common cities for a correlation of ranks


def compare_editions(before: pd.Series, after: pd.Series, *, top_list: bool = False) -> pd.DataFrame:
    """Set the scores of two editions side by side, city by city.

    Parameters
    ----------
    before, after : pandas.Series
        Scores, indexed by ``adcode``; a city without one is not in the edition.
    top_list : bool
        Whether *before* has its best cities only. Those of *after* that are on neither top list are then left out:
        nothing is known of their change. Who entered or left is said of the best n, n being the length of the list.

    Returns
    -------
    pandas.DataFrame
        Indexed by ``adcode``, the best of *after* first, columns :data:`geo_cdei.columns.EDITION_CHANGES`: ``change``
        in points; ranks from 1 in each whole edition and, as ``rank_common_…``, among the cities of both;
        ``rank_change`` is positive for a rise; ``status`` is both, entered or left.

    Raises
    ------
    StatisticError
        If a city stands twice in an edition, or an edition is empty.

    Examples
    --------
    >>> before = pd.Series({"a": 90.0, "b": 80.0, "c": 70.0})
    >>> after = pd.Series({"a": 85.0, "b": 88.0, "d": 60.0})
    >>> compare_editions(before, after)[["change", "rank_change", "status"]].to_numpy().tolist()
    [[8.0, 1.0, 'both'], [-5.0, -1.0, 'both'], [nan, nan, 'entered'], [nan, nan, 'left']]
    """
    before, after = (_checked(series, name) for series, name in ((before, "before"), (after, "after")))
    frame = pd.DataFrame({"score_from": before, "score_to": after}).rename_axis("adcode")
    frame["rank_from"] = before.rank(ascending=False, method="min")
    frame["rank_to"] = after.rank(ascending=False, method="min")
    common = frame.dropna().index
    frame["rank_common_from"] = before[common].rank(ascending=False, method="min")
    frame["rank_common_to"] = after[common].rank(ascending=False, method="min")
    limit = len(before) if top_list else np.inf
    listed_from = frame["rank_from"].notna()
    listed_to = frame["rank_to"] <= limit
    frame = frame[listed_from | listed_to]
    frame["change"] = frame["score_to"] - frame["score_from"]
    frame["rank_change"] = frame["rank_from"] - frame["rank_to"]
    frame["rank_common_change"] = frame["rank_common_from"] - frame["rank_common_to"]
    frame["status"] = np.select([~listed_from[frame.index], ~listed_to[frame.index]], ["entered", "left"], "both")
    ordered = frame.assign(key=frame.index).sort_values(["rank_to", "rank_from", "key"], na_position="last")
    return ordered[list(EDITION_CHANGES)]


def _checked(scores: pd.Series, name: str) -> pd.Series:
    kept = scores.dropna().astype(float)
    twice = kept.index[kept.index.duplicated()].unique().tolist()
    if twice or kept.empty or np.isinf(kept).any():
        raise StatisticError(
            f"the edition {name!r} needs one finite score a city; it has {len(kept)} scores, {len(twice)} cities "
            f"twice (first: {twice[:3]}) and {int(np.isinf(kept).sum())} infinite values."
        )
    return kept


def rank_mobility(changes: pd.DataFrame, *, seed: int, permutations: int = 9999) -> pd.DataFrame:
    r"""Say how far the order of the cities stayed.

    Parameters
    ----------
    changes : pandas.DataFrame
        From :func:`compare_editions`.
    seed : int
        Of the permutations.
    permutations : int
        How often the later scores are shuffled among the cities.

    Returns
    -------
    pandas.DataFrame of one row
        Columns :data:`geo_cdei.columns.EDITION_MOBILITY`. Over the n cities of both editions: Spearman's ``spearman``
        with a p-value against shuffled scores, and Kendall's tau-b ``kendall`` with that of SciPy, both one-sided
        (the order is kept better than by chance); ``reversed_share``, pairs of cities whose order turned, of those
        without a tie; and ``rank_mobility`` :math:`\sum_i |r_i - s_i| / ((n^2 - 1) / 3)`, which is 0 where no rank
        moved and 1 on average where the later ranks have nothing to do with the earlier ones. All missing below
        5 cities.

    References
    ----------
    Kendall, M. G. (1970). Rank Correlation Methods, 4th ed. Griffin, London.
    Diaconis, P. and Graham, R. L. (1977). Spearman's footrule as a measure of disarray. Journal of the Royal
    Statistical Society B, 39(2), 262-268.

    Examples
    --------
    >>> scores = pd.Series([9.0, 8, 7, 6, 5], index=list("abcde"))
    >>> found = rank_mobility(compare_editions(scores, scores + 1), seed=1, permutations=99)
    >>> found[["n", "mean_change", "spearman", "kendall", "rank_mobility"]].round(6).to_numpy().tolist()
    [[5.0, 1.0, 1.0, 1.0, 0.0]]
    """
    both = changes.dropna(subset=["score_from", "score_to"])
    x, y = both["score_from"].to_numpy(), both["score_to"].to_numpy()
    row: dict[str, object] = {
        "n": len(both), "n_entered": int((changes["status"] == "entered").sum()),
        "n_left": int((changes["status"] == "left").sum()), "mean_change": both["change"].mean(),
        "n_rose": int((both["change"] > 0).sum()), "n_fell": int((both["change"] < 0).sum()),
    }  # fmt: skip
    if len(both) >= FEWEST and len(set(x)) > 1 and len(set(y)) > 1:
        row |= _order_statistics(x, y, permutations, np.random.default_rng(seed))
    frame = pd.DataFrame([row | {"permutations": permutations, "seed": seed}])
    return frame.reindex(columns=list(EDITION_MOBILITY))


def _order_statistics(x: np.ndarray, y: np.ndarray, permutations: int, rng: np.random.Generator) -> dict[str, float]:
    from scipy.stats import kendalltau, rankdata

    n = len(x)
    r, s = rankdata(-x), rankdata(-y)
    a, b = (ranks - ranks.mean() for ranks in (r, s))
    drawn = np.array([float(a @ rng.permutation(b)) for _ in range(permutations)])
    close = 1e-9 * float(a @ a)
    above, below = (drawn >= a @ b - close).sum(), (drawn <= a @ b + close).sum()
    tau = kendalltau(x, y, alternative="greater")
    return {
        "spearman": float(a @ b / np.sqrt((a @ a) * (b @ b))),
        "p_spearman": float(p_value([above], [below], permutations, "greater")[0]),
        "kendall": float(tau.statistic), "p_kendall": float(tau.pvalue),
        "reversed_share": _reversed_share(float(tau.statistic), r, s),
        "rank_mobility": float(np.abs(r - s).sum() / ((n**2 - 1) / 3)),
    }  # fmt: skip


def _reversed_share(tau: float, r: np.ndarray, s: np.ndarray) -> float:
    """Share of the pairs without a tie whose order turned, from tau-b, without looking at every pair."""
    pairs = len(r) * (len(r) - 1) / 2
    tied_r, tied_s = _tied_pairs(r), _tied_pairs(s)
    untied = pairs - tied_r - tied_s + _tied_pairs(np.column_stack([r, s]))
    balance = tau * np.sqrt((pairs - tied_r) * (pairs - tied_s))
    return float((untied - balance) / 2 / untied) if untied else float("nan")


def _tied_pairs(ranks: np.ndarray) -> float:
    counts = np.unique(ranks, axis=0, return_counts=True)[1].astype(float)
    return float((counts * (counts - 1) / 2).sum())
