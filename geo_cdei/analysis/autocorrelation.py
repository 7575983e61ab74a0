"""Local Moran statistics: where is a city like the cities around it, and where not.

Inference is by permutation (:mod:`geo_cdei._permutation`), two-sided unless asked otherwise. The global
statistics are in :mod:`geo_cdei.analysis.global_autocorrelation`, Gi, Gi* and the local Geary in
:mod:`geo_cdei.analysis.hotspots`, join counts in :mod:`geo_cdei.analysis.joins`, distance and direction in
:mod:`geo_cdei.analysis.correlogram`.

How the conventions relate, for the same graph (n cities with a value):

==================  =======================  ======================  =================  ====================
what                geo_cdei                 esda                    GeoDa / pygeoda    spdep
==================  =======================  ======================  =================  ====================
z                   divisor n                divisor n               divisor n - 1      divisor n
local I             (n-1)/n z lag            the same                the same           n/(n-1) times ours
local Geary C       sum w (z_i - z_j)^2      the same                (n-1)/n times      (n-1)/n times ours
                                                                     ours
local Gi, Gi* z     same for any row scale   right for binary        permutation only   as ours
                                             weights only
own weight of Gi*   largest of the row       largest of the row      1 before           as given
                                                                     standardizing
tail of p_sim       two-sided; asked for     directed (the smaller   directed           two-sided by default
                    by ``alternative``       tail, up to 2.9)
smallest p_sim      2 / (P + 1)              1 / (P + 1)             1 / (P + 1)        2 / (P + 1)
quadrants           HH LH LL HL, own level   1 HH 2 LH 3 LL 4 HL     1 HH 2 LL 3 LH     High-High …
                    first                                            4 HL
z or lag equal 0    low                      low                     -                  -
isolates            NaN, named               p is the smallest       flagged isolate    zero.policy
missing values      left out, named          NaN spreads             flagged undefined  na.action
same p in any row   yes                      no                      no                 no
order
==================  =======================  ======================  =================  ====================

A city without a value is neither tested nor anyone's neighbor: row-standardized weights are shared among
the neighbors that have one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._aligned import Aligned, align, check_index, standardize
from .._parallel import LOCAL, Engine, choose_engine, collect
from .._permutation import Counts, conditional_counts
from .._pvalues import check_inference, default_permutations, fdr_significant, p_value
from ..errors import StatisticError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt
    from libpysal.graph import Graph
    from pandas.api.extensions import ExtensionArray

    FloatArray = npt.NDArray[np.float64]

__all__ = ["lisa_stability", "local_moran", "local_moran_bv", "moran_quadrant"]

_WORDS = pd.array(["LL", "LH", "HL", "HH"], dtype="str")


def local_moran(
    y: pd.Series[float],
    graph: Graph,
    *,
    permutations: int | None = None,
    seed: int,
    alternative: str = "two-sided",
    transform: str = "R",
    engine: str = "auto",
    client: Any = None,
) -> pd.DataFrame:
    """Find where cities are like, or unlike, their neighbors (LISA).

    Parameters
    ----------
    y : pandas.Series of shape (n_cities,)
        Values indexed by ``adcode`` in the order of *graph*; a column of a Dask frame is put in that order.
    graph : libpysal.graph.Graph
        The graph; it is not changed.
    permutations : int, optional
        Simulated values per city; :func:`geo_cdei._pvalues.default_permutations` when not given. Which
        number was used is in ``.attrs["permutations"]``.
    seed : int
        Seed of all draws.
    alternative : {"two-sided", "greater", "less"}, default "two-sided"
        "greater" asks for likeness.
    transform : {"R", "B", "O"}, default "R"
        Row-standardized weights, binary ones, or as they are.
    engine : {"auto", "local", "dask"}, default "auto"
        "auto" counts on Dask where *client* is given or a client is active. The result is the same.
    client : distributed.Client, optional
        The cluster.

    Returns
    -------
    pandas.DataFrame of shape (n_cities, 9)
        Columns :data:`geo_cdei.columns.LISA`, indexed as *y*. ``z`` and ``lag`` are in standard deviations.
        The quadrant says on which sides of the mean a city and its neighbors lie; ``significant`` (p ≤ .05)
        and ``significant_fdr`` (Benjamini-Hochberg) say whether that is more than chance. NaN for a city
        without a value or without a neighbor, and for all when the values are the same.

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
    Anselin, L. (1995). Local indicators of spatial association - LISA. Geographical Analysis, 27(2), 93-115.

    Examples
    --------
    >>> from libpysal.graph import Graph
    >>> line = Graph.from_arrays(list("abcdebcdef"), list("bcdefabcde"), [1] * 10)
    >>> y = pd.Series([1.0, 2, 3, 4, 5, 6], index=list("abcdef"))
    >>> local_moran(y, line, permutations=999, seed=1)[["I", "quadrant", "p_sim"]].round(3)
           I quadrant  p_sim
    a  1.071       LL  0.364
    b  0.643       LL  0.190
    c  0.071       LL  0.752
    d  0.071       HH  0.860
    e  0.643       HH  0.212
    f  1.071       HH  0.412
    """
    where = choose_engine(engine, client)
    data = align(graph, collect(y, where, order=graph.unique_ids), transform=transform)
    z = standardize(data.values[0])
    data.warn_untested(constant=bool(np.isnan(z).any()))
    return _lisa(data, z, z, permutations=permutations, seed=seed, alternative=alternative, engine=where)


def local_moran_bv(
    x: pd.Series[float],
    y: pd.Series[float],
    graph: Graph,
    *,
    permutations: int | None = None,
    seed: int,
    alternative: str = "two-sided",
) -> pd.DataFrame:
    """Find where one variable goes with another one around it.

    Parameters
    ----------
    x, y : pandas.Series of shape (n_cities,)
        The city's own variable and its neighbors' variable, indexed as the graph.
    graph : libpysal.graph.Graph
        The graph; weights are row-standardized.
    permutations, seed, alternative
        As for :func:`local_moran`.

    Returns
    -------
    pandas.DataFrame of shape (n_cities, 9)
        Columns :data:`geo_cdei.columns.LISA`: ``z`` of *x*, ``lag`` of *y*. The correlation of the two
        variables in the city itself is not taken out.

    Raises
    ------
    AlignmentError, StatisticError
        As for :func:`local_moran`.

    Warns
    -----
    GeoCdeiWarning
        Names the cities that were not tested.

    References
    ----------
    Anselin, L., Syabri, I. and Smirnov, O. (2002). Visualizing multivariate spatial correlation with
    dynamically linked windows. CSISS, Santa Barbara.

    Examples
    --------
    >>> from libpysal.graph import Graph
    >>> line = Graph.from_arrays(list("abcdebcdef"), list("bcdefabcde"), [1] * 10)
    >>> x = pd.Series([1.0, 2, 3, 4, 5, 6], index=list("abcdef"))
    >>> local_moran_bv(x, -x, line, permutations=99, seed=1)["quadrant"].tolist()
    ['LH', 'LH', 'LH', 'HL', 'HL', 'HL']
    """
    data = align(graph, x, y, transform="R")
    own, around = (standardize(values) for values in data.values)
    data.warn_untested(constant=bool(np.isnan(own).any() or np.isnan(around).any()))
    return _lisa(data, own, around, permutations=permutations, seed=seed, alternative=alternative)


def lisa_stability(
    y: pd.Series[float],
    graphs: Mapping[str, Graph],
    *,
    base: str = "knn6",
    permutations: int | None = None,
    seed: int,
) -> pd.Series[float]:
    """Say in how many graphs a city keeps the class it has in the base graph.

    Parameters
    ----------
    y : pandas.Series of shape (n_cities,)
        Values indexed by ``adcode`` in the order of every graph.
    graphs : mapping of str to libpysal.graph.Graph
        For instance :func:`geo_cdei.analysis.graphs.sensitivity_graphs`.
    base : str, default "knn6"
        The graph whose class is to be kept.
    permutations, seed
        As for :func:`local_moran`.

    Returns
    -------
    pandas.Series of shape (n_cities,)
        Share of all graphs, the base one included, 0 to 1. The class is the quadrant where p ≤ .05, else
        "not significant"; a city without a neighbor in a graph has no class there, so it does not keep it.
        NaN for a city that has no class in the base graph.

    Raises
    ------
    AlignmentError, StatisticError
        As for :func:`local_moran`, and if *base* is not among the graphs.

    Warns
    -----
    GeoCdeiWarning
        Names the cities that were not tested in the base graph.

    Examples
    --------
    >>> from libpysal.graph import Graph
    >>> line = Graph.from_arrays(list("abcdebcdef"), list("bcdefabcde"), [1] * 10)
    >>> y = pd.Series([1.0, 2, 3, 4, 5, 6], index=list("abcdef"))
    >>> lisa_stability(y, {"knn6": line, "same": line}, permutations=99, seed=1).tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    """
    if base not in graphs:
        raise StatisticError(f"The base graph {base!r} is not among the {len(graphs)} graphs: {', '.join(graphs)}.")
    classes = {}
    for name, graph in graphs.items():
        data = align(graph, y, transform="R")
        z = standardize(data.values[0])
        if name == base:
            data.warn_untested(constant=bool(np.isnan(z).any()))
        lisa = _lisa(data, z, z, permutations=permutations, seed=seed, alternative="two-sided")
        classes[name] = lisa["quadrant"].where(lisa["significant"], "not significant").where(lisa["p_sim"].notna())
    first = classes[base]
    kept = sum((other == first).to_numpy(dtype=float, na_value=0.0) for other in classes.values())
    return pd.Series(kept / len(graphs), index=y.index, name="stability").where(first.notna())


def moran_quadrant(z: pd.Series[float], lag: pd.Series[float]) -> pd.Series[str]:
    """Name the Moran-scatterplot quadrant of every city.

    Parameters
    ----------
    z, lag : pandas.Series of shape (n_cities,)
        Score and its spatial lag, in standard deviations, indexed by ``adcode``.

    Returns
    -------
    pandas.Series of shape (n_cities,)
        "HH", "LH", "LL" or "HL", own level first; 0 is low; NA where one is missing.

    Raises
    ------
    AlignmentError
        If the two indexes differ in content or in order.

    References
    ----------
    Anselin, L. (1995). Local indicators of spatial association - LISA. Geographical Analysis, 27(2), 93-115.

    Examples
    --------
    >>> z = pd.Series([1.2, -0.4, np.nan], index=["110000", "130100", "130200"])
    >>> moran_quadrant(z, -z).tolist()
    ['HL', 'LH', nan]
    """
    check_index(z.index, lag.index, what="lag", whose="z")
    words = _quadrant(np.asarray(z, dtype=np.float64), np.asarray(lag, dtype=np.float64))
    return pd.Series(words, index=z.index, name="quadrant")


def _quadrant(z: FloatArray, lag: FloatArray) -> ExtensionArray:
    code = (lag > 0).astype(np.int8) + 2 * (z > 0).astype(np.int8)
    code[np.isnan(z) | np.isnan(lag)] = -1
    return _WORDS.take(code, allow_fill=True)


def _lisa(
    data: Aligned,
    own: FloatArray,
    around: FloatArray,
    *,
    permutations: int | None,
    seed: int,
    alternative: str,
    engine: Engine = LOCAL,
) -> pd.DataFrame:
    """Do the arithmetic of the local Moran statistics; warnings are the caller's."""
    P = default_permutations(data.n) if permutations is None else permutations
    check_inference(P, alternative)
    if np.isnan(own).any() or np.isnan(around).any():
        return _lisa_frame(data, [np.full(data.n, np.nan)] * 6, (P, seed, alternative))
    lagged = data.weights @ around
    factor = own * (data.n - 1) / data.n
    counts = conditional_counts(around, data.weights, permutations=P, seed=seed, engine=engine)
    p = p_value(*_turned(counts, own, P), P, alternative)
    with np.errstate(divide="ignore", invalid="ignore"):
        z_sim = np.sign(own) * (lagged - counts.mean) / counts.sd
    z_sim[(counts.sd == 0) | (own == 0)] = np.nan
    columns = [own, lagged, factor * lagged, factor * counts.mean, z_sim, p]
    return _lisa_frame(data, columns, (P, seed, alternative))


def _turned(counts: Counts, own: FloatArray, P: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Turn counts of the lag into counts of I: below the mean they swap, at the mean all tie."""
    low, level = own < 0, np.abs(own) <= 1e-12
    ge, le = np.where(low, counts.le, counts.ge), np.where(low, counts.ge, counts.le)
    return np.where(level, P, ge), np.where(level, P, le)


def _lisa_frame(data: Aligned, columns: list[FloatArray], circumstances: tuple[int, int, str]) -> pd.DataFrame:
    z, lagged, moran, mean, z_sim, p = columns
    tested = ~data.alone
    values = {"z": data.spread(z)}
    for name, column in (("lag", lagged), ("I", moran)):
        values[name] = data.spread(column, keep=tested)
    frame: dict[str, Any] = dict(values)
    frame["quadrant"] = _quadrant(values["z"], values["lag"])
    for name, column in (("EI_sim", mean), ("z_sim", z_sim), ("p_sim", p)):
        frame[name] = data.spread(column, keep=tested)
    frame["significant"] = frame["p_sim"] <= 0.05
    frame["significant_fdr"] = fdr_significant(frame["p_sim"])
    result = pd.DataFrame(frame, index=data.ids)
    result.attrs.update(zip(("permutations", "seed", "alternative"), circumstances, strict=True))
    return result
