"""Global Moran, Geary and Getis-Ord: is the score of a city like the scores around it, over the whole map.

esda gives Moran's I and its analytic moments; inference by permutation is ours
(:mod:`geo_cdei._permutation`). Geary's C and General G are computed here, equal to esda's, because esda stops
at an isolate in the one and needs n × n memory for the other. How the conventions relate to other software
is in the table of :mod:`geo_cdei.analysis.autocorrelation`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._aligned import Aligned, align, standardize
from .._permutation import Counts, compare, permuted_products
from .._pvalues import check_inference, normal_p, p_value
from ..errors import StatisticError
from ..results import GlobalGeary, GlobalGetis, GlobalMoran

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    import numpy.typing as npt
    from libpysal.graph import Graph

    FloatArray = npt.NDArray[np.float64]

__all__ = ["global_geary", "global_getis", "global_moran", "global_tests"]


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
    return _moran(_cases(y, [graph], transform, _scope(permutations, seed, alternative))[0])


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
    return _geary(_cases(y, [graph], transform, _scope(permutations, seed, alternative))[0])


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
    return _getis(_cases(y, [graph], "B", _scope(permutations, seed, alternative), raw=True)[0])


def global_tests(
    y: pd.Series[float], graphs: Mapping[str, Graph], *, permutations: int, seed: int, alternative: str = "two-sided"
) -> dict[str, tuple[GlobalMoran, GlobalGeary, GlobalGetis]]:
    """Test one variable over several graphs by all three statistics, with shuffles that are drawn once.

    Parameters
    ----------
    y : pandas.Series of shape (n_cities,)
        Values of at least 0, indexed by ``adcode`` in the order of every graph.
    graphs : mapping of str to libpysal.graph.Graph
        The graphs by name.
    permutations, seed, alternative
        As for :func:`global_moran`.

    Returns
    -------
    dict of str to (GlobalMoran, GlobalGeary, GlobalGetis)
        For every graph what the three functions give for it alone.

    Raises
    ------
    AlignmentError, StatisticError
        As for the three functions.

    Warns
    -----
    GeoCdeiWarning
        Names the cities without a value or without a neighbor, for every graph.

    Examples
    --------
    >>> from libpysal.graph import Graph
    >>> line = Graph.from_arrays(list("abcdebcdef"), list("bcdefabcde"), [1] * 10)
    >>> y = pd.Series([1.0, 1, 1, 1, 8, 9], index=list("abcdef"))
    >>> for found in global_tests(y, {"line": line}, permutations=999, seed=1)["line"]:
    ...     print(found)
    Moran's I = 0.632, p = 0.118 (two-sided, 999 permutations, n = 6)
    Geary's C = 0.279, p = 0.118 (two-sided, 999 permutations, n = 6)
    General G = 0.568, p = 0.64 (two-sided, 999 permutations, n = 6)
    """
    scope = _scope(permutations, seed, alternative)
    standard = _cases(y, list(graphs.values()), "R", scope)
    binary = _cases(y, list(graphs.values()), "B", scope, raw=True)
    return {
        name: (_moran(case), _geary(case), _getis(plain))
        for name, case, plain in zip(graphs, standard, binary, strict=True)
    }


@dataclass(frozen=True, slots=True, eq=False)
class _Case:
    """A variable over one graph, with the sums of its shuffles."""

    data: Aligned
    z: FloatArray  # NaN where all values are the same
    scope: dict[str, Any]
    products: FloatArray  # of shape (1, permutations), as are the squares
    squares: FloatArray


def _scope(permutations: int, seed: int, alternative: str) -> dict[str, Any]:
    check_inference(permutations, alternative)
    return {"permutations": int(permutations), "seed": int(seed), "alternative": alternative}


def _cases(
    y: pd.Series[float], graphs: Sequence[Graph], transform: str, scope: dict[str, Any], *, raw: bool = False
) -> list[_Case]:
    """Align the variable with every graph, and shuffle its z-values (`raw`: its values) once for all of them."""
    found = []
    for graph in graphs:
        data = align(graph, y, transform=transform)
        z = standardize(data.values[0])
        data.warn_untested(constant=bool(np.isnan(z).any()), stacklevel=4)
        if data.alone.all():
            raise StatisticError(f"None of the {data.n} cities has a neighbor; use another graph.")
        found.append((data, z, scope | {"n": data.n, "n_isolates": int(data.alone.sum())}))
    if not found:
        return []
    data, z, _ = found[0]  # the same cities in the same order as for every other graph
    products, squares = permuted_products(
        data.values[0] if raw else z,
        [data.weights for data, _, _ in found],
        permutations=scope["permutations"],
        seed=scope["seed"],
    )
    return [_Case(*case, products[g : g + 1], squares[g : g + 1]) for g, case in enumerate(found)]


class _Described:
    """What esda asks of a graph for Moran's I, without the description of all else in it.

    That description (``Graph.summary``) takes a quarter of a second for 2,877 counties; only three sums are used.
    """

    def __init__(self, data: Aligned) -> None:
        self._data = data

    def transform(self, transformation: str) -> _Described:  # noqa: ARG002 - the weights are as they shall be
        return self

    def summary(self) -> SimpleNamespace:
        return SimpleNamespace(**dict(zip(("s0", "s1", "s2"), _edge_sums(self._data), strict=True)))

    def lag(self, y: FloatArray) -> FloatArray:
        return np.asarray(self._data.weights @ y)


def _moran(case: _Case) -> GlobalMoran:
    import esda

    data, z, alternative = case.data, case.z, case.scope["alternative"]
    if np.isnan(z).any():
        return GlobalMoran(**_undefined(GlobalMoran, case.scope))
    peer = esda.Moran(z, _Described(data), transformation="O", permutations=0)
    counts = compare(case.products / data.weights.sum(), peer.I)
    return GlobalMoran(
        float(peer.I),
        float(peer.EI),
        float(peer.z_norm),
        normal_p(peer.z_norm, alternative),
        float(peer.z_rand),
        normal_p(peer.z_rand, alternative),
        *_simulated(peer.I, counts, case.scope),
        **case.scope,
    )


def _geary(case: _Case) -> GlobalGeary:
    data, z, alternative = case.data, case.z, case.scope["alternative"]
    if np.isnan(z).any():
        return GlobalGeary(**_undefined(GlobalGeary, case.scope))
    w = data.weights
    scale = (data.n - 1) / (2.0 * data.n * w.sum())
    ends = w.sum(axis=0) + w.sum(axis=1)
    observed = float(scale * (z**2 @ ends - 2.0 * z @ (w @ z)))
    counts = compare(scale * (case.squares - 2.0 * case.products), observed)
    norm, rand = ((observed - 1.0) / np.sqrt(variance) for variance in _geary_variances(z, data))
    return GlobalGeary(
        observed,
        1.0,
        float(norm),
        normal_p(norm, alternative),
        float(rand),
        normal_p(rand, alternative),
        *_simulated(observed, counts, case.scope),
        **case.scope,
    )


def _getis(case: _Case) -> GlobalGetis:
    data, x, alternative = case.data, case.data.values[0], case.scope["alternative"]
    if (x < 0).any():
        raise StatisticError(f"General G needs values of at least 0; {int((x < 0).sum())} cities are below 0.")
    if np.isnan(case.z).any():
        return GlobalGetis(**_undefined(GlobalGetis, case.scope))
    pairs = float(x.sum() ** 2 - x @ x)
    observed = float(x @ (data.weights @ x)) / pairs
    mean, variance = _getis_moments(x, data)
    counts = compare(case.products / pairs, observed)
    z_norm = (observed - mean) / np.sqrt(variance)
    simulated = _simulated(observed, counts, case.scope)
    return GlobalGetis(observed, mean, float(z_norm), normal_p(z_norm, alternative), *simulated, **case.scope)


def _undefined(answer: type, scope: dict[str, Any]) -> dict[str, Any]:
    """Fill an answer with NaN and its circumstances: all values are the same, so nothing is defined."""
    return dict.fromkeys((field.name for field in fields(answer)), np.nan) | scope


def _simulated(observed: float, counts: Counts, scope: dict[str, Any]) -> tuple[float, float, float]:
    mean, sd = float(counts.mean[0]), float(counts.sd[0])
    p = float(p_value(counts.ge, counts.le, scope["permutations"], scope["alternative"])[0])
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
