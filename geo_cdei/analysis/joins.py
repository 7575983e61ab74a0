"""Join counts: do cities of one tier stand beside each other more often than chance would have it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._aligned import Aligned, align
from .._permutation import compare, permuted_values
from .._pvalues import check_inference, fdr_significant, p_value
from ..columns import JOINS
from ..errors import StatisticError

if TYPE_CHECKING:
    import numpy.typing as npt
    from libpysal.graph import Graph

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]

__all__ = ["join_counts"]


def join_counts(
    tiers: pd.Series[str],
    graph: Graph,
    *,
    permutations: int = 9_999,
    seed: int,
    alternative: str = "two-sided",
) -> pd.DataFrame:
    """Count the edges between every two tiers and compare with shuffled tiers.

    Parameters
    ----------
    tiers : pandas.Series of shape (n_cities,)
        A category per city, indexed by ``adcode`` in the order of *graph*; a categorical keeps its order.
    graph : libpysal.graph.Graph
        The graph; weights are taken as binary. An edge that runs one way only counts as half a join.
    permutations, seed : int
        Number of shuffles of all tiers, and the seed of all draws.
    alternative : {"two-sided", "greater", "less"}, default "two-sided"
        "greater" asks for more joins than chance.

    Returns
    -------
    pandas.DataFrame of shape (n_pairs, 9)
        Columns :data:`geo_cdei.columns.JOINS`, one row per pair of tiers, equal pairs included. ``EJ`` is
        the analytic expectation (non-free sampling).

    Raises
    ------
    AlignmentError
        If *tiers* lists other cities than the graph, or another order.
    StatisticError
        If fewer than four cities or fewer than two tiers are given, or no city has a neighbor.

    Warns
    -----
    GeoCdeiWarning
        Names the cities without a tier or without a neighbor.

    References
    ----------
    Cliff, A. D. and Ord, J. K. (1981). Spatial Processes. Pion, London.

    Examples
    --------
    >>> from libpysal.graph import Graph
    >>> line = Graph.from_arrays(list("abcdebcdef"), list("bcdefabcde"), [1] * 10)
    >>> tiers = pd.Series(list("xxxyyy"), index=list("abcdef"))
    >>> table = join_counts(tiers, line, permutations=99, seed=1)
    >>> table[["category_a", "category_b", "joins", "EJ"]]
      category_a category_b  joins   EJ
    0          x          x    2.0  1.0
    1          x          y    1.0  3.0
    2          y          y    2.0  1.0
    """
    check_inference(permutations, alternative)
    category = tiers.astype("category").cat.remove_unused_categories()
    names = category.cat.categories
    codes = pd.Series(category.cat.codes, index=tiers.index, dtype=float).where(category.notna())
    data = align(graph, codes, transform="B")
    data.warn_untested()
    m = len(names)
    if m < 2 or data.alone.all():
        raise StatisticError(
            f"Join counts need at least 2 tiers and one edge; got {m} tiers, {data.weights.nnz} edges."
        )
    a, b = np.triu_indices(m)
    observed = _count(data.values[0][None], data, m)[a, b, 0]
    rng = np.random.default_rng(seed)
    blocks = [_count(rows, data, m)[a, b] for rows in permuted_values(data.values[0], permutations, rng)]
    counts = compare(np.concatenate(blocks, axis=1), observed)
    with np.errstate(divide="ignore", invalid="ignore"):
        z_sim = np.where(counts.sd > 0, (observed - counts.mean) / counts.sd, np.nan)
    p = p_value(counts.ge, counts.le, permutations, alternative)
    frame = pd.DataFrame(
        {
            "category_a": names[a],
            "category_b": names[b],
            "joins": observed,
            "EJ": _expected(data, a, b, m),
            "EJ_sim": counts.mean,
            "z_sim": z_sim,
            "p_sim": p,
            "significant": p <= 0.05,
            "significant_fdr": fdr_significant(p),
        },
        columns=list(JOINS),
    )
    frame.attrs.update(permutations=permutations, seed=seed, alternative=alternative)
    return frame


def _count(rows: FloatArray, data: Aligned, m: int) -> FloatArray:
    """Count the joins of every pair of tiers in every row: shape (m, m, n_rows), upper triangle filled."""
    codes = rows.astype(np.int64)
    focal = np.repeat(np.arange(data.n), np.diff(data.weights.indptr))
    neighbor = data.weights.indices
    result = np.zeros((m * m, len(codes)))
    for i, row in enumerate(codes):
        own, other = row[focal], row[neighbor]
        result[:, i] = np.bincount(np.minimum(own, other) * m + np.maximum(own, other), minlength=m * m)
    return (result / 2.0).reshape(m, m, len(codes))


def _expected(data: Aligned, a: IntArray, b: IntArray, m: int) -> FloatArray:
    size = np.bincount(data.values[0].astype(np.int64), minlength=m).astype(np.float64)
    pairs = np.where(a == b, size[a] * (size[a] - 1), 2.0 * size[a] * size[b])
    result: FloatArray = data.weights.sum() / 2.0 * pairs / (data.n * (data.n - 1))
    return result
