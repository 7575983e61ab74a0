"""Weights and memberships as arrays: the one place where a cluster's weighted mean is computed.

A scenario is a weighting (a column, a power of a column, or equal weights), a membership (which roles count)
and possibly a removal. All of them are the same product of a clusters × cities matrix with the scores.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo_cdei._aligned import numbers
from geo_cdei.errors import StatisticError

__all__ = ["membership_matrix", "weight_vector", "weighted_means"]

Floats = npt.NDArray[np.float64]


def weight_vector(cities: pd.DataFrame, weights: str) -> pd.Series:
    """Weights of the cities by name of a column, a power of one, or ``"equal"``.

    Parameters
    ----------
    cities : pandas.DataFrame of shape (n_cities, any)
        Indexed by ``adcode``.
    weights : str
        A numeric column (``"gdp_2019"``), a power of one (``"scale_2020^0.8"``), or ``"equal"``.

    Returns
    -------
    pandas.Series of shape (n_cities,)
        Weights; NaN where the column is missing.

    Raises
    ------
    StatisticError
        If there is no such numeric column, or a weight is negative.

    Examples
    --------
    >>> cities = pd.DataFrame({"gdp": [4.0, 9.0]}, index=["110000", "120000"])
    >>> weight_vector(cities, "gdp^0.5").tolist(), weight_vector(cities, "equal").tolist()
    ([2.0, 3.0], [1.0, 1.0])
    """
    if weights == "equal":
        return pd.Series(1.0, index=cities.index, name=weights)
    column, _, power = weights.partition("^")
    if column not in cities.columns or not pd.api.types.is_numeric_dtype(cities[column]):
        numeric = cities.select_dtypes("number").columns.tolist()
        raise StatisticError(
            f"weights {weights!r}: there is no numeric column {column!r}. Numeric columns: "
            f"{', '.join(numeric)}; or use 'equal'."
        )
    values = pd.Series(numbers(cities[column]), index=cities.index)
    negative = values.index[values < 0].tolist()
    if negative:
        raise StatisticError(
            f"weights {weights!r}: {len(negative)} negative (first: {negative[:3]}). Weights are 0 or more; "
            "leave a cell empty where nothing is known."
        )
    try:
        exponent = float(power) if power else 1.0
    except ValueError:
        raise StatisticError(f"weights {weights!r}: {power!r} is no number. Write it as {column}^0.5.") from None
    return (values**exponent).rename(weights)


def membership_matrix(
    members: pd.DataFrame, cities: pd.Index, *, roles: Sequence[str] = ("primary",)
) -> pd.DataFrame:
    """Which city belongs to which cluster.

    Parameters
    ----------
    members : pandas.DataFrame
        One row per cluster and member: ``cluster_id``, ``adcode``, ``role``.
    cities : pandas.Index of shape (n_cities,)
        The ``adcode`` of the cities, in the order wanted.
    roles : sequence of str
        Roles that count.

    Returns
    -------
    pandas.DataFrame of bool, shape (n_clusters, n_cities)
        Rows sorted by ``cluster_id``, also those without a scored member; columns as `cities`.

    Examples
    --------
    >>> members = pd.DataFrame(
    ...     {"cluster_id": ["C1", "C1", "C2"], "adcode": ["a", "b", "b"], "role": ["primary"] * 2 + ["secondary"]}
    ... )
    >>> membership_matrix(members, pd.Index(["a", "b"])).to_numpy().tolist()
    [[True, True], [False, False]]
    """
    rows = sorted(members["cluster_id"].unique())
    index = pd.Index(rows, name="cluster_id")
    at = cities.get_indexer(pd.Index(members["adcode"]))
    counted = members["role"].isin(list(roles)).to_numpy() & (at >= 0)
    values = np.zeros((len(index), len(cities)), dtype=bool)
    values[index.get_indexer(pd.Index(members["cluster_id"][counted])), at[counted]] = True
    return pd.DataFrame(values, index=index, columns=cities)


def weighted_means(y: Floats, weights: Floats, membership: npt.NDArray[np.bool_]) -> Floats:
    """Weighted mean of every row of a membership matrix; missing scores or weights count for nothing.

    Parameters
    ----------
    y : array of shape (n_cities,)
        Scores; NaN where missing.
    weights : array of shape (n_cities,) or (n_draws, n_cities)
        Weights, 0 or more; NaN where missing.
    membership : array of bool, shape (n_clusters, n_cities)
        Which cities each mean is over.

    Returns
    -------
    array of shape (n_clusters,) or (n_draws, n_clusters)
        NaN where no member has both a score and a positive weight.

    Examples
    --------
    >>> weighted_means(np.array([60.0, 90.0]), np.array([1.0, 2.0]), np.array([[True, True], [True, False]]))
    array([80., 60.])
    """
    usable = np.isfinite(y) & np.isfinite(weights)
    w = np.where(usable, weights, 0.0)
    total = w @ membership.T
    with np.errstate(invalid="ignore", divide="ignore"):
        means = (w * np.where(np.isfinite(y), y, 0.0)) @ membership.T / total
    return np.asarray(np.where(total > 0, means, np.nan))
