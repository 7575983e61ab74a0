"""Local Getis-Ord and local Geary statistics: hot spots, cold spots, and where neighbors differ.

How the conventions relate to esda, GeoDa and spdep is in the table of
:mod:`geo_cdei.analysis.autocorrelation`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._aligned import Aligned, align, standardize
from .._parallel import choose_engine, collect
from .._permutation import conditional_counts
from .._pvalues import check_inference, default_permutations, fdr_significant, normal_p, p_value
from ..columns import GETIS, LOCAL_GEARY

if TYPE_CHECKING:
    import numpy.typing as npt
    from libpysal.graph import Graph

    FloatArray = npt.NDArray[np.float64]
    BoolArray = npt.NDArray[np.bool_]

__all__ = ["getis_ord", "local_geary"]


def getis_ord(
    y: pd.Series[float],
    graph: Graph,
    *,
    star: bool = True,
    permutations: int | None = None,
    seed: int,
    alternative: str = "two-sided",
    engine: str = "auto",
    client: Any = None,
) -> pd.DataFrame:
    """Find hot and cold spots: cities whose surroundings are high or low.

    Parameters
    ----------
    y : pandas.Series of shape (n_cities,)
        Values with a natural zero, indexed by ``adcode`` in the order of *graph*; a column of a Dask frame is put
        in that order.
    graph : libpysal.graph.Graph
        The graph, weights as they are; it is not changed.
    star : bool, default True
        Gi* counts the city itself among its surroundings, with the largest weight of its row; Gi does not.
    permutations : int, optional
        As for ``local_moran``; which number was used is in ``.attrs["permutations"]``.
    seed : int
        Seed of all draws.
    alternative : {"two-sided", "greater", "less"}, default "two-sided"
        "greater" asks for hot spots.
    engine : {"auto", "local", "dask"}, default "auto"
        "auto" counts on Dask where *client* is given or a client is active. The result is the same.
    client : distributed.Client, optional
        The cluster.

    Returns
    -------
    pandas.DataFrame of shape (n_cities, 10)
        Columns :data:`geo_cdei.columns.GETIS`, indexed as *y*. ``z`` is the analytic standard deviate, the
        same for binary and row-standardized weights; ``p_norm`` its normal p. The permutations hold the city
        itself in place, so ``p_sim`` is the same for Gi and Gi*. NaN for a city without a value or without a
        neighbor, and for all when the values are the same.

    Raises
    ------
    AlignmentError
        If *y* lists other cities than the graph, or another order.
    StatisticError
        If fewer than four cities have a value, or an argument is impossible.

    Warns
    -----
    GeoCdeiWarning
        Names the cities that were not tested.

    References
    ----------
    Ord, J. K. and Getis, A. (1995). Local spatial autocorrelation statistics: distributional issues and an
    application. Geographical Analysis, 27(4), 286-306.

    Examples
    --------
    >>> from libpysal.graph import Graph
    >>> line = Graph.from_arrays(list("abcdebcdef"), list("bcdefabcde"), [1] * 10)
    >>> y = pd.Series([1.0, 1, 1, 1, 8, 9], index=list("abcdef"))
    >>> getis_ord(y, line, permutations=99, seed=1)[["G", "z", "spot"]].round(3)
           G      z  spot
    a  0.095 -1.114  cold
    b  0.143 -1.576  cold
    c  0.143 -1.576  cold
    d  0.476 -0.105  cold
    e  0.857  1.576   hot
    f  0.810  2.229   hot
    """
    where = choose_engine(engine, client)
    data = align(graph, collect(y, where, order=graph.unique_ids))
    x = data.values[0]
    z = standardize(x)
    P = default_permutations(data.n) if permutations is None else permutations
    check_inference(P, alternative)
    constant = bool(np.isnan(z).any())
    data.warn_untested(constant=constant)
    own = _largest_weight(data) if star else np.zeros(data.n)
    total = x.sum() - (0.0 if star else 1.0) * x
    with np.errstate(divide="ignore", invalid="ignore"):
        observed = (data.weights @ x + own * x) / total
        expected = (data.weights.sum(axis=1) + own) / (data.n - (not star))
        columns = {"G": observed, "EG": expected, "z": _analytic_z(data, z, own, star=star)}
        columns["p_norm"] = np.array([normal_p(value, alternative) for value in columns["z"]])
        if constant:
            columns.update(dict.fromkeys(("EG_sim", "z_sim", "p_sim"), np.full(data.n, np.nan)))
        else:
            counts = conditional_counts(z, data.weights, permutations=P, seed=seed, engine=where)
            raw_mean = x.mean() * data.weights.sum(axis=1) + x.std() * counts.mean
            columns["EG_sim"] = (raw_mean + own * x) / total
            columns["z_sim"] = _simulated_z(data.weights @ z, counts.mean, counts.sd)
            columns["p_sim"] = p_value(counts.ge, counts.le, P, alternative)
    frame = _tested(data, columns)
    frame["spot"] = _word(frame["z"], 0.0, below="cold", above="hot")
    return _finished(frame, data, GETIS, (P, seed, alternative))


def local_geary(
    y: pd.Series[float],
    graph: Graph,
    *,
    permutations: int | None = None,
    seed: int,
    alternative: str = "two-sided",
    transform: str = "R",
) -> pd.DataFrame:
    """Find where a city differs little, or much, from its neighbors.

    Parameters
    ----------
    y, graph, permutations, seed, transform
        As for ``local_moran``.
    alternative : {"two-sided", "greater", "less"}, default "two-sided"
        Of C itself: "less" asks for likeness.

    Returns
    -------
    pandas.DataFrame of shape (n_cities, 8)
        Columns :data:`geo_cdei.columns.LOCAL_GEARY`, indexed as *y*. ``association`` is "positive" where C
        lies below its simulated mean. NaN for a city without a value or without a neighbor, and for all when
        the values are the same.

    Raises
    ------
    AlignmentError, StatisticError
        As for ``local_moran``.

    Warns
    -----
    GeoCdeiWarning
        Names the cities that were not tested.

    Notes
    -----
    Simulated values depend on the city's own value, so every city is compared with every permutation:
    time grows with n times permutations.

    References
    ----------
    Anselin, L. (2019). A local indicator of multivariate spatial association: extending Geary's c.
    Geographical Analysis, 51(2), 133-150.

    Examples
    --------
    >>> from libpysal.graph import Graph
    >>> line = Graph.from_arrays(list("abcdebcdef"), list("bcdefabcde"), [1] * 10)
    >>> y = pd.Series([1.0, 1, 1, 1, 8, 9], index=list("abcdef"))
    >>> local_geary(y, line, permutations=99, seed=1)[["C", "association"]].round(3)
           C association
    a  0.000    positive
    b  0.000    positive
    c  0.000    positive
    d  1.947    positive
    e  1.987    positive
    f  0.079    positive
    """
    data = align(graph, y, transform=transform)
    z = standardize(data.values[0])
    P = default_permutations(data.n) if permutations is None else permutations
    check_inference(P, alternative)
    constant = bool(np.isnan(z).any())
    data.warn_untested(constant=constant)
    w = data.weights
    observed = w @ z**2 - 2.0 * z * (w @ z) + z**2 * w.sum(axis=1)
    columns = {"z": z, "C": np.maximum(observed, 0.0)}
    if constant:
        columns.update(dict.fromkeys(("EC_sim", "z_sim", "p_sim"), np.full(data.n, np.nan)))
    else:
        counts = conditional_counts(z, w, permutations=P, seed=seed, kind="squared difference")
        columns["EC_sim"] = counts.mean
        columns["z_sim"] = _simulated_z(columns["C"], counts.mean, counts.sd)
        columns["p_sim"] = p_value(counts.ge, counts.le, P, alternative)
    frame = _tested(data, columns)
    frame["z"] = data.spread(z)
    frame["association"] = _word(frame["C"], frame["EC_sim"], below="positive", above="negative")
    return _finished(frame, data, LOCAL_GEARY, (P, seed, alternative))


def _largest_weight(data: Aligned) -> FloatArray:
    return np.asarray(data.weights.max(axis=1).toarray(), dtype=np.float64).ravel()


def _analytic_z(data: Aligned, z: FloatArray, own: FloatArray, *, star: bool) -> FloatArray:
    """Standardize the weighted sum by its mean and variance under randomization (Ord and Getis, 1995)."""
    w = data.weights
    m = data.n if star else data.n - 1
    left_out = np.zeros(data.n) if star else z
    mean = (z.sum() - left_out) / m
    variance = (z @ z - left_out**2) / m - mean**2
    total = w.sum(axis=1) + own
    squares = w.multiply(w).sum(axis=1) + own**2
    spread = variance * (m * squares - total**2) / (m - 1)
    # all neighbors of everyone: the sum cannot vary
    spread[spread <= 1e-12 * variance * total**2] = np.nan
    result: FloatArray = (w @ z + own * z - total * mean) / np.sqrt(spread)
    return result


def _simulated_z(observed: FloatArray, mean: FloatArray, sd: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(sd > 0, (observed - mean) / sd, np.nan)


def _tested(data: Aligned, columns: dict[str, FloatArray]) -> dict[str, Any]:
    return {name: data.spread(column, keep=~data.alone) for name, column in columns.items()}


def _word(value: FloatArray, middle: FloatArray | float, *, below: str, above: str) -> Any:
    code = np.where(value > middle, 1, 0)
    code[np.isnan(value) | np.isnan(middle)] = -1
    return pd.array([below, above], dtype="str").take(code, allow_fill=True)


def _finished(
    frame: dict[str, Any], data: Aligned, columns: tuple[str, ...], circumstances: tuple[int, int, str]
) -> pd.DataFrame:
    frame["significant"] = frame["p_sim"] <= 0.05
    frame["significant_fdr"] = fdr_significant(frame["p_sim"])
    result = pd.DataFrame(frame, index=data.ids, columns=list(columns))
    result.attrs.update(zip(("permutations", "seed", "alternative"), circumstances, strict=True))
    return result
