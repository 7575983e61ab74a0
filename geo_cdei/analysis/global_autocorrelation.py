"""Global Moran, Geary and Getis-Ord: is the score of a city like the scores around it, over the whole map.

esda gives Moran's I and its analytic moments; inference by permutation is ours
(:mod:`geo_cdei._permutation`). Geary's C and General G are computed here, equal to esda's, because esda stops
at an isolate in the one and needs n × n memory for the other. How the conventions relate to other software
is in the table of :mod:`geo_cdei.analysis.autocorrelation`.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._aligned import Aligned, align, standardize
from .._permutation import Counts, compare, permuted_products
from .._pvalues import check_inference, normal_p, p_value
from ..errors import StatisticError
from ..results import GlobalGeary, GlobalGetis, GlobalMoran

if TYPE_CHECKING:
    from typing import Any

    import numpy.typing as npt
    from libpysal.graph import Graph

    FloatArray = npt.NDArray[np.float64]

__all__ = ["global_geary", "global_getis", "global_moran"]


def global_moran(
    y: pd.Series[float],
    graph: Graph,
    *,
    permutations: int = 9_999,
    seed: int,
    alternative: str = "two-sided",
    transform: str = "R",
) -> GlobalMoran:
    """Test whether cities are like their neighbors.

    Parameters
    ----------
    y : pandas.Series of shape (n_cities,)
        Values indexed by ``adcode`` in the order of *graph*.
    graph : libpysal.graph.Graph
        The graph; it is not changed.
    permutations, seed : int
        Number of shuffles, and the seed of all draws.
    alternative : {"two-sided", "greater", "less"}, default "two-sided"
        "greater" asks for likeness.
    transform : {"R", "B"}, default "R"
        Row-standardized or binary weights.

    Returns
    -------
    GlobalMoran
        I, its analytic and its simulated inference. NaN where all values are the same.

    Raises
    ------
    AlignmentError
        If *y* lists other cities than the graph, or another order.
    StatisticError
        If fewer than four cities have a value, or an argument is impossible.

    Warns
    -----
    GeoCdeiWarning
        Names the cities without a value or without a neighbor.

    References
    ----------
    Cliff, A. D. and Ord, J. K. (1981). Spatial Processes. Pion, London.

    Examples
    --------
    >>> from libpysal.graph import Graph
    >>> ids = list("abcdef")
    >>> line = Graph.from_arrays(list("abcdebcdef"), list("bcdefabcde"), [1] * 10)
    >>> y = pd.Series([1.0, 2, 3, 4, 5, 6], index=ids)
    >>> print(global_moran(y, line, permutations=999, seed=1))
    Moran's I = 0.714, p = 0.032 (two-sided, 999 permutations, n = 6)
    """
    import esda

    data, z, scope = _prepare_global(y, graph, transform, permutations, seed, alternative)
    if np.isnan(z).any():
        return GlobalMoran(**_undefined(GlobalMoran, scope))
    peer = esda.Moran(z, _subgraph(data), transformation=transform, permutations=0)
    products, _ = permuted_products(z, data.weights, permutations=permutations, seed=seed)
    counts = compare(products[None] / data.weights.sum(), peer.I)
    return GlobalMoran(
        float(peer.I),
        float(peer.EI),
        float(peer.z_norm),
        normal_p(peer.z_norm, alternative),
        float(peer.z_rand),
        normal_p(peer.z_rand, alternative),
        *_simulated(peer.I, counts, permutations, alternative),
        **scope,
    )


def global_geary(
    y: pd.Series[float],
    graph: Graph,
    *,
    permutations: int = 9_999,
    seed: int,
    alternative: str = "two-sided",
    transform: str = "R",
) -> GlobalGeary:
    """Test whether neighbors differ less, or more, than any two cities.

    Parameters
    ----------
    y, graph, permutations, seed, transform
        As for :func:`global_moran`.
    alternative : {"two-sided", "greater", "less"}, default "two-sided"
        Of C itself: "less" asks for likeness.

    Returns
    -------
    GlobalGeary
        C, its analytic and its simulated inference. NaN where all values are the same.

    Raises
    ------
    AlignmentError, StatisticError
        As for :func:`global_moran`.

    Warns
    -----
    GeoCdeiWarning
        Names the cities without a value or without a neighbor.

    References
    ----------
    Geary, R. C. (1954). The contiguity ratio and statistical mapping. The Incorporated Statistician, 5(3),
    115-145.

    Examples
    --------
    >>> from libpysal.graph import Graph
    >>> line = Graph.from_arrays(list("abcdebcdef"), list("bcdefabcde"), [1] * 10)
    >>> y = pd.Series([1.0, 2, 3, 4, 5, 6], index=list("abcdef"))
    >>> print(global_geary(y, line, permutations=999, seed=1))
    Geary's C = 0.143, p = 0.006 (two-sided, 999 permutations, n = 6)
    """
    data, z, scope = _prepare_global(y, graph, transform, permutations, seed, alternative)
    if np.isnan(z).any():
        return GlobalGeary(**_undefined(GlobalGeary, scope))
    w = data.weights
    scale = (data.n - 1) / (2.0 * data.n * w.sum())
    ends = w.sum(axis=0) + w.sum(axis=1)
    observed = float(scale * (z**2 @ ends - 2.0 * z @ (w @ z)))
    products, squares = permuted_products(z, w, permutations=permutations, seed=seed)
    counts = compare(scale * (squares - 2.0 * products)[None], observed)
    norm, rand = ((observed - 1.0) / np.sqrt(variance) for variance in _geary_variances(z, data))
    return GlobalGeary(
        observed,
        1.0,
        float(norm),
        normal_p(norm, alternative),
        float(rand),
        normal_p(rand, alternative),
        *_simulated(observed, counts, permutations, alternative),
        **scope,
    )


def global_getis(
    y: pd.Series[float],
    graph: Graph,
    *,
    permutations: int = 9_999,
    seed: int,
    alternative: str = "two-sided",
) -> GlobalGetis:
    """Test whether high values, rather than low ones, stand together.

    Parameters
    ----------
    y : pandas.Series of shape (n_cities,)
        Values with a natural zero, not negative, indexed as the graph.
    graph, permutations, seed, alternative
        As for :func:`global_moran`; weights are taken as binary.

    Returns
    -------
    GlobalGetis
        General G, its analytic and its simulated inference. NaN where all values are the same.

    Raises
    ------
    AlignmentError, StatisticError
        As for :func:`global_moran`, and if a value is negative.

    Warns
    -----
    GeoCdeiWarning
        Names the cities without a value or without a neighbor.

    References
    ----------
    Getis, A. and Ord, J. K. (1992). The analysis of spatial association by use of distance statistics.
    Geographical Analysis, 24(3), 189-206.

    Examples
    --------
    >>> from libpysal.graph import Graph
    >>> line = Graph.from_arrays(list("abcdebcdef"), list("bcdefabcde"), [1] * 10)
    >>> y = pd.Series([1.0, 1, 1, 1, 8, 9], index=list("abcdef"))
    >>> print(global_getis(y, line, permutations=999, seed=1))
    General G = 0.568, p = 0.64 (two-sided, 999 permutations, n = 6)
    """
    data, z, scope = _prepare_global(y, graph, "B", permutations, seed, alternative)
    x = data.values[0]
    if (x < 0).any():
        raise StatisticError(f"General G needs values of at least 0; {int((x < 0).sum())} cities are below 0.")
    if np.isnan(z).any():
        return GlobalGetis(**_undefined(GlobalGetis, scope))
    pairs = float(x.sum() ** 2 - x @ x)
    observed = float(x @ (data.weights @ x)) / pairs
    mean, variance = _getis_moments(x, data)
    products, _ = permuted_products(x, data.weights, permutations=permutations, seed=seed)
    counts = compare(products[None] / pairs, observed)
    z_norm = (observed - mean) / np.sqrt(variance)
    simulated = _simulated(observed, counts, permutations, alternative)
    return GlobalGetis(observed, mean, float(z_norm), normal_p(z_norm, alternative), *simulated, **scope)


def _prepare_global(
    y: pd.Series[float], graph: Graph, transform: str, permutations: int, seed: int, alternative: str
) -> tuple[Aligned, FloatArray, dict[str, Any]]:
    check_inference(permutations, alternative)
    data = align(graph, y, transform=transform)
    z = standardize(data.values[0])
    data.warn_untested(constant=bool(np.isnan(z).any()), stacklevel=4)
    if data.alone.all():
        raise StatisticError(f"None of the {data.n} cities has a neighbor; use another graph.")
    scope = {
        "permutations": int(permutations),
        "seed": int(seed),
        "alternative": alternative,
        "n": data.n,
        "n_isolates": int(data.alone.sum()),
    }
    return data, z, scope


def _undefined(answer: type, scope: dict[str, Any]) -> dict[str, Any]:
    """Fill an answer with NaN and its circumstances: all values are the same, so nothing is defined."""
    return dict.fromkeys((field.name for field in fields(answer)), np.nan) | scope


def _subgraph(data: Aligned) -> Graph:
    from libpysal.graph import Graph

    return Graph.from_sparse(data.weights, ids=np.arange(data.n))


def _simulated(observed: float, counts: Counts, permutations: int, alternative: str) -> tuple[float, float, float]:
    mean, sd = float(counts.mean[0]), float(counts.sd[0])
    p = float(p_value(counts.ge, counts.le, permutations, alternative)[0])
    # a spread that rounding alone can make is none
    z = float(observed - mean) / sd if sd > 1e-12 * max(abs(mean), 1e-300) else float("nan")
    return mean, z, p


def _edge_sums(data: Aligned) -> tuple[float, float, float]:
    """S0, S1 and S2 of Cliff and Ord: sums of the weights, of their symmetric squares, of squared degrees."""
    w = data.weights
    both = w + w.T
    ends = w.sum(axis=0) + w.sum(axis=1)
    return float(w.sum()), float((both.data**2).sum()) / 2.0, float(ends @ ends)


def _geary_variances(z: FloatArray, data: Aligned) -> tuple[float, float]:
    """Variance of C under normality and under randomization (Cliff and Ord, 1981)."""
    n = data.n
    s0, s1, s2 = _edge_sums(data)
    normal = ((2.0 * s1 + s2) * (n - 1) - 4.0 * s0**2) / (2.0 * (n + 1) * s0**2)
    k = float((z**4).mean() / (z**2).mean() ** 2)
    random = (n - 1) * s1 * (n**2 - 3 * n + 3 - (n - 1) * k)
    random -= (n - 1) * s2 * (n**2 + 3 * n - 6 - (n**2 - n + 2) * k) / 4.0
    random += s0**2 * (n**2 - 3 - (n - 1) ** 2 * k)
    return normal, random / (n * (n - 2) * (n - 3) * s0**2)


def _getis_moments(x: FloatArray, data: Aligned) -> tuple[float, float]:
    """Mean and variance of General G under randomization (Getis and Ord 1992, with the 1993 erratum)."""
    n = data.n
    s0, s1, s2 = _edge_sums(data)
    m1, m2, m3, m4 = (float((x**power).sum()) for power in (1, 2, 3, 4))
    b0 = (n**2 - 3 * n + 3) * s1 - n * s2 + 3 * s0**2
    b1 = -((n**2 - n) * s1 - 2 * n * s2 + 6 * s0**2)
    b2 = -(2 * n * s1 - (n + 3) * s2 + 6 * s0**2)
    b3 = 4 * (n - 1) * s1 - 2 * (n + 1) * s2 + 8 * s0**2
    b4 = s1 - s2 + s0**2
    square = b0 * m2**2 + b1 * m4 + b2 * m1**2 * m2 + b3 * m1 * m3 + b4 * m1**4
    square /= (m1**2 - m2) ** 2 * n * (n - 1) * (n - 2) * (n - 3)
    mean = s0 / (n * (n - 1))
    return mean, square - mean**2
