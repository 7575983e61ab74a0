"""The matrix of a regression, checked: who is in it, which columns, and whether they can be told apart."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ._aligned import check_index, check_order, name_some
from .errors import GeoCdeiWarning, GraphError, StatisticError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt
    from libpysal.graph import Graph
    from scipy import sparse

    FloatArray = npt.NDArray[np.float64]
    BoolArray = npt.NDArray[np.bool_]

__all__ = ["COLLINEAR", "ILL_CONDITIONED", "Design", "add_lags", "build_design", "check_columns", "condition_number"]

COLLINEAR = 0.95
ILL_CONDITIONED = 30.0
_DEPENDENT = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """A regression as arrays, in the order of the sorted ids.

    Attributes
    ----------
    ids : pandas.Index of shape (n,)
        Cities in the regression.
    y : numpy.ndarray of shape (n,)
        Explained variable.
    x : pandas.DataFrame of shape (n, n_columns)
        Explaining columns; lags are called ``"W …"``.
    dummies : numpy.ndarray of shape (n, n_groups - 1)
        Group effects; no column where there are no groups.
    weights : scipy.sparse.csr_array of shape (n, n)
        Row-standardized graph among the cities; every row has a neighbor.
    left_out : dict of str to str
        Code and reason of the others.
    """

    ids: pd.Index[str]
    y: FloatArray
    x: pd.DataFrame
    dummies: FloatArray
    weights: sparse.csr_array
    left_out: dict[str, str]


def build_design(
    y: pd.Series[float],
    x: pd.DataFrame,
    graph: Graph,
    *,
    groups: pd.Series[Any] | None,
    left_out: Mapping[str, str],
) -> Design:
    """Bring a regression into arrays and refuse what cannot be estimated.

    Parameters
    ----------
    y, x, graph, groups, left_out
        As for :func:`geo_cdei.analysis.spatial_models.spatial_model`.

    Returns
    -------
    Design
        Without lags.

    Raises
    ------
    AlignmentError, StatisticError, GraphError
        If tables do not fit each other, or values are missing, infinite, constant or collinear.
    """
    check_order(y.index, graph, what="y")
    check_index(x.index, y.index, what="x", whose="y")
    reasons = dict(left_out)
    kept = ~np.asarray(y.index.isin(list(reasons)))
    values = _numbers(pd.concat([y.rename("y" if y.name is None else str(y.name)), x], axis=1), kept)
    weights, alone = _neighbors(graph, kept)
    reasons |= {str(code): "no neighbor in the graph" for code in y.index[kept & alone]}
    ids = y.index[kept & ~alone].sort_values()
    at = y.index.get_indexer(ids)
    labels = None if groups is None else groups.reindex(ids)
    columns = values.iloc[at, 1:]
    _check_size(len(ids), columns.shape[1] + 2, len(reasons))
    _check_varying(values.iloc[at])
    check_columns(columns)
    return Design(
        ids=ids,
        y=values.iloc[at, 0].to_numpy(),
        x=columns,
        dummies=_dummies(labels, len(ids)),
        weights=_standardized(weights[at][:, at]),
        left_out={code: reasons[code] for code in sorted(reasons) if code in y.index},
    )


def check_columns(x: pd.DataFrame) -> None:
    """Refuse two columns that say the same.

    Parameters
    ----------
    x : pandas.DataFrame of shape (n, n_columns)
        Explaining columns.

    Raises
    ------
    StatisticError
        If two columns correlate by .95 or more; the message names them.

    Examples
    --------
    >>> check_columns(pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [1.0, 3.0, 1.0]}))
    """
    r = np.atleast_2d(np.corrcoef(x.to_numpy(), rowvar=False))
    twins = [
        f"{x.columns[a]} and {x.columns[b]} (r = {r[a, b]:.2f})"
        for a in range(len(r))
        for b in range(a)
        if abs(r[a, b]) >= COLLINEAR
    ]
    if twins:
        raise StatisticError(
            f"{len(twins)} pairs of columns are collinear: {name_some(twins)}. Their effects cannot be told apart "
            f"at a correlation of {COLLINEAR} or more; keep one of each pair, or use a ratio."
        )


def add_lags(design: Design) -> tuple[Design, tuple[str, ...]]:
    """Put the neighbors' mean of every column beside it, where it is more than the column again.

    Parameters
    ----------
    design : Design
        Without lags.

    Returns
    -------
    design : Design
        With columns ``"W …"``.
    lagged : tuple of str
        Which columns have their lag in it.

    Warns
    -----
    GeoCdeiWarning
        Names the columns whose lag correlates with them by .95 or more.
    """
    lags = design.weights @ design.x.to_numpy()
    frame = pd.DataFrame(lags, index=design.ids, columns=design.x.columns)
    same = [abs(float(frame[name].corr(design.x[name]))) >= COLLINEAR for name in frame]
    repeated = [str(name) for name, alike in zip(frame, same, strict=True) if alike]
    if repeated:
        warnings.warn(
            f"The neighbors' mean of {name_some(repeated)} only repeats the city's own value "
            f"(r of {COLLINEAR} or more): it is not in the model.",
            GeoCdeiWarning,
            stacklevel=4,
        )
    lagged = tuple(str(name) for name in frame if str(name) not in repeated)
    wide = pd.concat([design.x, frame[list(lagged)].add_prefix("W ")], axis=1)
    return Design(design.ids, design.y, wide, design.dummies, design.weights, design.left_out), lagged


def condition_number(design: Design, *, spatial: int) -> float:
    """Check that the columns can be told apart, and say how well.

    Parameters
    ----------
    design : Design
        With its lags.
    spatial : int
        Number of spatial parameters, which need degrees of freedom too.

    Returns
    -------
    float
        Condition number of the constant and the columns, each scaled to length 1; over 30 is a bad sign.

    Raises
    ------
    StatisticError
        If there are fewer cities than parameters, or columns depend on each other.

    References
    ----------
    Belsley, D. A., Kuh, E. and Welsch, R. E. (1980). Regression Diagnostics. Wiley.
    """
    n, wanted = len(design.ids), design.x.shape[1] + design.dummies.shape[1] + 2 + spatial
    _check_size(n, wanted, len(design.left_out))
    names = ["constant", *map(str, design.x.columns)]
    plain = np.column_stack([np.ones(n), design.x.to_numpy()])
    whole = np.column_stack([plain, design.dummies])
    _, size, axes = np.linalg.svd(whole / np.linalg.norm(whole, axis=0), full_matrices=False)
    if size[-1] < _DEPENDENT * size[0]:
        part = np.abs(axes[-1])
        guilty = [name for name, share in zip(names, part, strict=False) if share > 0.05]
        groups = " and the groups" if (part[len(names) :] > 0.05).any() else ""
        raise StatisticError(
            f"Columns depend on each other exactly: {name_some(guilty)}{groups}. Leave one of them out."
        )
    scaled = np.linalg.svd(plain / np.linalg.norm(plain, axis=0), compute_uv=False)
    return float(scaled[0] / scaled[-1])


def _numbers(table: pd.DataFrame, kept: BoolArray) -> pd.DataFrame:
    if table.columns.has_duplicates or table.shape[1] < 2:
        raise StatisticError(
            f"A model needs at least one explaining column, and every name once; got {list(table.columns)}."
        )
    words = [str(name) for name in table if not pd.api.types.is_numeric_dtype(table[name].dtype)]
    if words:
        raise StatisticError(
            f"Columns must be numeric; {name_some(words)} are not. Convert them with pandas.to_numeric."
        )
    values = table.astype(np.float64)
    bad = ~np.isfinite(values.to_numpy()) & kept[:, None]
    faults = [
        f"{name} in {count} cities ({name_some(values.index[bad[:, place]], limit=5)})"
        for place, name in enumerate(values)
        if (count := int(bad[:, place].sum()))
    ]
    if faults:
        raise StatisticError(
            f"Values are missing or infinite: {'; '.join(faults)}. Fill them in, or name these cities in left_out "
            "with the reason."
        )
    return values


def _check_size(n: int, wanted: int, left_out: int) -> None:
    if n <= wanted:
        raise StatisticError(
            f"The model has {wanted} parameters or more and {n} cities with a neighbor; more cities than parameters "
            f"are needed ({left_out} were left out). Use fewer columns, no groups, or a denser graph."
        )


def _check_varying(values: pd.DataFrame) -> None:
    spread = values.std(ddof=0)
    flat = spread.index[spread <= 1e-12 * values.abs().max()].astype(str)
    if len(flat):
        raise StatisticError(
            f"{len(flat)} columns are constant over the {len(values)} cities: {name_some(flat)}. They explain "
            "nothing; leave them out."
        )


def _neighbors(graph: Graph, kept: BoolArray) -> tuple[sparse.csr_array, BoolArray]:
    """Give the weights, and who has no neighbor among those kept; leaving one out can leave another alone."""
    weights = graph.sparse.tocsr().copy()
    if weights.diagonal().any():
        own = graph.unique_ids[weights.diagonal() != 0]
        raise GraphError(f"{len(own)} cities are their own neighbors ({name_some(own)}). Remove the self-weights.")
    weights.eliminate_zeros()
    alone = np.zeros(len(kept), dtype=bool)
    while True:
        present = kept & ~alone
        found = present & ~(((weights != 0) @ present.astype(np.float64)) > 0)
        if not found.any():
            return weights, alone
        alone |= found


def _standardized(weights: sparse.csr_array) -> sparse.csr_array:
    from scipy import sparse

    result = weights.copy()
    result.sort_indices()
    sums = np.asarray(result.sum(axis=1)).ravel()
    if (sums <= 0).any() or (result.data < 0).any():
        raise GraphError("A spatial model needs a graph of positive weights.")
    result.data = result.data / np.repeat(sums, np.diff(result.indptr))
    return sparse.csr_array(result)


def _dummies(labels: pd.Series[Any] | None, n: int) -> FloatArray:
    if labels is None:
        return np.empty((n, 0))
    codes = pd.factorize(labels, sort=True, use_na_sentinel=False)[0]
    return np.asarray(codes[:, None] == np.arange(1, codes.max() + 1), dtype=np.float64)
