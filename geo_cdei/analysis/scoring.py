"""Weighted scores of the clusters, what each member adds to them, and what the book's numbers say of it.

A cluster's score is the weighted mean of its members' scores. The blue book does not say by what it weights;
that 2019 GDP is the weight is inferred from four printed values (:func:`compare_weightings`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from geo_cdei._aligned import numbers
from geo_cdei.analysis.scenarios import membership_matrix, weight_vector, weighted_means
from geo_cdei.columns import CLUSTER_SCORES, CONTRIBUTIONS, WEIGHTING

__all__ = [
    "assign_tiers", "compare_weightings", "contributions", "national_means", "score_clusters", "score_interval",
]  # fmt: skip

RIVALS = ("scale_2020^0.8", "1/rank", "half max, half mean", "scale_2020", "scale_2020^0.5", "equal")


def score_clusters(
    cities: pd.DataFrame,
    members: pd.DataFrame,
    *,
    weights: str = "gdp_2019",
    roles: Sequence[str] = ("primary",),
) -> pd.DataFrame:
    """Weighted mean score of every cluster, with what it rests on.

    Parameters
    ----------
    cities : pandas.DataFrame of shape (n_cities, any)
        Indexed by ``adcode``; ``city``, ``score`` and the weights' column.
    members : pandas.DataFrame
        One row per cluster and member: ``cluster_id``, ``adcode``, ``city``, ``role``.
    weights : str
        A numeric column of `cities`, a power of one (``"scale_2020^0.8"``), or ``"equal"``.
    roles : sequence of str
        Roles of scored members that count; members without a score count in ``n_members`` alone.

    Returns
    -------
    pandas.DataFrame of shape (n_clusters, 11)
        Indexed by ``cluster_id``, columns :data:`geo_cdei.columns.CLUSTER_SCORES`: ``score`` (points),
        ``n_scored`` of ``n_members`` and their ratio ``coverage``, ``weight_coverage`` (share of the weight
        that is scored; empty unless every member's weight is known), ``spread`` (weighted standard deviation,
        points), ``loo_min`` and ``loo_max`` (lowest and highest score when one member is left out),
        ``top_member`` (the one whose absence moves the score most), ``left_out`` (members with a row but
        without score or weight, by name). A cluster without any scored member has NaN.

    Raises
    ------
    StatisticError
        If the weights are no numeric column or negative, or scores or weights are words or infinite.

    Examples
    --------
    >>> cities = pd.DataFrame(
    ...     {"city": ["A", "B", "C"], "score": [90.0, 60.0, 30.0], "gdp": [2.0, 1.0, np.nan]}, index=["1", "2", "3"]
    ... )
    >>> members = pd.DataFrame(
    ...     {"cluster_id": "C1", "adcode": ["1", "2", "3"], "city": ["A", "B", "C"], "role": "primary"}
    ... )
    >>> scored = score_clusters(cities, members, weights="gdp")
    >>> scored[["score", "n_scored", "loo_min", "loo_max"]].to_numpy().tolist()
    [[80.0, 2.0, 60.0, 90.0]]
    >>> scored[["top_member", "left_out"]].to_numpy().tolist()
    [['A', 'C']]
    """
    table = contributions(cities, members, weights=weights, roles=roles)
    counted = members[members["role"].isin([*roles, "unscored"])]
    rows = {
        cluster_id: _one_cluster(table[table["cluster_id"] == cluster_id], int(group.shape[0]))
        for cluster_id, group in counted.groupby("cluster_id", sort=True)
    }
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=list(CLUSTER_SCORES))
    frame.index.name = "cluster_id"
    return frame.assign(weight_coverage=_weight_coverage(cities, counted, weights))


def contributions(
    cities: pd.DataFrame,
    members: pd.DataFrame,
    *,
    weights: str = "gdp_2019",
    roles: Sequence[str] = ("primary",),
) -> pd.DataFrame:
    """Split each cluster's score into what every scored member adds.

    Parameters
    ----------
    cities, members, weights, roles
        As in :func:`score_clusters`.

    Returns
    -------
    pandas.DataFrame
        One row per cluster and member with a row in `cities`, in the order of `members`; columns
        :data:`geo_cdei.columns.CONTRIBUTIONS`: ``weight``, ``share`` (of the cluster's weight),
        ``contribution`` (share × score, points; they add up to the cluster's score) and ``score_without``
        (the cluster's score when this member is left out).

    Examples
    --------
    >>> cities = pd.DataFrame({"city": ["A", "B"], "score": [90.0, 60.0], "gdp": [2.0, 1.0]}, index=["1", "2"])
    >>> members = pd.DataFrame(
    ...     {"cluster_id": "C1", "adcode": ["1", "2"], "city": ["A", "B"], "role": "primary"}
    ... )
    >>> contributions(cities, members, weights="gdp")[["contribution", "score_without"]].to_numpy().tolist()
    [[60.0, 60.0], [20.0, 90.0]]
    """
    weight = weight_vector(cities, weights)
    table = members[members["role"].isin(list(roles)) & members["adcode"].isin(cities.index)]
    table = table[["cluster_id", "adcode", "city"]].reset_index(drop=True)
    score = pd.Series(numbers(cities["score"]), index=cities.index)
    table["score"] = score.reindex(table["adcode"]).to_numpy()
    table["weight"] = weight.reindex(table["adcode"]).to_numpy(dtype=float)
    usable = table["score"].notna() & table["weight"].notna()
    w = table["weight"].where(usable, 0.0)
    product = (w * table["score"]).where(usable, 0.0)
    group = table["cluster_id"]
    total, sums = w.groupby(group).transform("sum"), product.groupby(group).transform("sum")
    table["share"] = (w / total.where(total > 0)).where(usable)
    table["contribution"] = table["share"] * table["score"]
    rest = total - w
    table["score_without"] = ((sums - product) / rest.where(rest > 0)).where(usable)
    return table[list(CONTRIBUTIONS)]


def _one_cluster(table: pd.DataFrame, n_members: int) -> dict[str, object]:
    used = table[table["share"].notna()]
    score = float(used["contribution"].sum()) if len(used) else np.nan
    moved = (used["score_without"] - score).abs()
    return {
        "score": score,
        "n_scored": len(used),
        "n_members": n_members,
        "coverage": len(used) / n_members,
        "weight_coverage": np.nan,
        "spread": float(np.sqrt((used["share"] * (used["score"] - score) ** 2).sum())) if len(used) else np.nan,
        "loo_min": used["score_without"].min(),
        "loo_max": used["score_without"].max(),
        "top_member": str(used.loc[moved == moved.max(), "city"].iloc[0]) if moved.notna().any() else _only(used),
        "left_out": ";".join(table.loc[table["share"].isna(), "city"]),
    }


def _only(used: pd.DataFrame) -> str:
    return str(used["city"].iloc[0]) if len(used) == 1 else ""


def _weight_coverage(cities: pd.DataFrame, counted: pd.DataFrame, weights: str) -> pd.Series:
    """Scored share of each cluster's weight; NaN where a member's weight is unknown or weights are equal."""
    group = counted["cluster_id"]
    if weights == "equal":
        return pd.Series(np.nan, index=sorted(group.unique()))
    weight = pd.Series(weight_vector(cities, weights).reindex(counted["adcode"]).to_numpy(), index=counted.index)
    scored = cities["score"].reindex(counted["adcode"]).notna().to_numpy()
    total = weight.groupby(group).agg(lambda w: w.sum(skipna=False))
    return weight.where(scored, 0.0).groupby(group).sum() / total.where(total > 0)


def score_interval(
    cities: pd.DataFrame,
    members: pd.DataFrame,
    *,
    log_sd: pd.Series,
    weights: str = "gdp_2019",
    draws: int = 4000,
    seed: int,
) -> pd.DataFrame:
    """Interval of every cluster's score when the weights are only known within a log-normal error.

    Parameters
    ----------
    cities, members, weights
        As in :func:`score_clusters` (primary members).
    log_sd : pandas.Series of shape (n_cities,)
        Standard deviation of the logarithm of each city's weight, indexed by ``adcode``; 0 for exact.
    draws : int
        Number of draws.
    seed : int
        Seed of ``numpy.random.default_rng``.

    Returns
    -------
    pandas.DataFrame of shape (n_clusters, 2)
        ``low`` and ``high``: the 2.5th and 97.5th percentile of the drawn scores, points.

    Examples
    --------
    >>> cities = pd.DataFrame({"city": ["A", "B"], "score": [90.0, 60.0], "gdp": [2.0, 1.0]}, index=["1", "2"])
    >>> members = pd.DataFrame(
    ...     {"cluster_id": "C1", "adcode": ["1", "2"], "city": ["A", "B"], "role": "primary"}
    ... )
    >>> exact = pd.Series(0.0, index=cities.index)
    >>> score_interval(cities, members, log_sd=exact, weights="gdp", seed=1).loc["C1"].round(9).tolist()
    [80.0, 80.0]
    """
    matrix = membership_matrix(members, cities.index)
    sd = log_sd.reindex(cities.index).fillna(0.0).to_numpy(dtype=float)
    # one standard normal per city in sorted order: the answer does not hang on the order of the rows
    order = np.argsort(cities.index.to_numpy())
    errors = np.empty((draws, len(cities)))
    errors[:, order] = np.random.default_rng(seed).standard_normal((draws, len(cities)))
    drawn = weight_vector(cities, weights).to_numpy() * np.exp(errors * sd)
    means = weighted_means(numbers(cities["score"]), drawn, matrix.to_numpy())
    empty = np.isnan(means).all(axis=0)
    low, high = np.quantile(np.where(empty, 0.0, means), [0.025, 0.975], axis=0)
    return pd.DataFrame(
        {"low": np.where(empty, np.nan, low), "high": np.where(empty, np.nan, high)}, index=matrix.index
    )


def assign_tiers(score: pd.Series, tiers: pd.DataFrame) -> pd.Series:
    """Name the tier of every score.

    Parameters
    ----------
    score : pandas.Series of shape (n_cities,)
        Points; NaN where missing.
    tiers : pandas.DataFrame
        ``tier`` and its inclusive lower edge ``lower``.

    Returns
    -------
    pandas.Series of shape (n_cities,)
        Name of the tier; NA where the score is missing or below every edge.

    Examples
    --------
    >>> tiers = pd.DataFrame({"tier": ["high", "low"], "lower": [50.0, 0.0]})
    >>> assign_tiers(pd.Series([50.0, 49.9, np.nan]), tiers).tolist()
    ['high', 'low', nan]
    """
    ordered = tiers.sort_values("lower")
    place = np.searchsorted(ordered["lower"].to_numpy(dtype=float), numbers(score), side="right") - 1
    names = ordered["tier"].to_numpy()[np.clip(place, 0, None)]
    found = score.notna().to_numpy() & (place >= 0)
    return pd.Series(names, index=score.index, name="tier", dtype="str").where(found)


def national_means(cities: pd.DataFrame, *, weights: str = "gdp_2019") -> dict[str, float]:
    """Give the nation's mean like for like: weighted as the clusters are, beside the plain one.

    Parameters
    ----------
    cities : pandas.DataFrame
        ``score`` and the weights' column.
    weights : str
        As in :func:`score_clusters`.

    Returns
    -------
    dict
        ``weighted`` and ``unweighted`` mean score, points.

    Examples
    --------
    >>> national_means(pd.DataFrame({"score": [90.0, 60.0], "gdp": [2.0, 1.0]}), weights="gdp")
    {'weighted': 80.0, 'unweighted': 75.0}
    """
    y = numbers(cities["score"])
    everyone = np.ones((1, len(y)), dtype=bool)
    weighted = weighted_means(y, weight_vector(cities, weights).to_numpy(), everyone)[0]
    return {"weighted": float(weighted), "unweighted": float(np.nanmean(y))}


def compare_weightings(
    cities: pd.DataFrame, members: pd.DataFrame, published: pd.DataFrame, *, weights: str, edition: int
) -> pd.DataFrame:
    """How near each weighting comes to the printed cluster scores.

    Parameters
    ----------
    cities, members, weights
        As in :func:`score_clusters`.
    published : pandas.DataFrame
        Printed numbers: ``edition``, ``quantity``, ``cluster_id``, ``value``.
    edition : int
        Edition whose ``cluster_weighted_score`` rows are compared.

    Returns
    -------
    pandas.DataFrame
        One row per weighting and printed cluster, columns :data:`geo_cdei.columns.WEIGHTING`, nearest
        weighting first; ``rmse`` is over the printed clusters. Empty when the edition prints none.
    """
    rows = published["quantity"].eq("cluster_weighted_score") & published["edition"].eq(edition)
    printed = published[rows & published["value"].notna()].set_index("cluster_id")["value"]
    if printed.empty:
        return pd.DataFrame(columns=list(WEIGHTING))
    tables = []
    for name in dict.fromkeys([weights, *RIVALS]):
        computed = _rival_scores(cities, members, name)
        if computed is None:
            continue
        table = pd.DataFrame({"published": printed, "computed": computed.reindex(printed.index)}).reset_index()
        table["difference"] = table["computed"] - table["published"]
        table["rmse"] = float(np.sqrt((table["difference"] ** 2).mean()))
        tables.append(table.assign(weights=name))
    merged = pd.concat(tables, ignore_index=True)
    return merged.sort_values(["rmse", "weights", "cluster_id"], ignore_index=True)[list(WEIGHTING)]


def _rival_scores(cities: pd.DataFrame, members: pd.DataFrame, name: str) -> pd.Series | None:
    """Cluster scores under one rival weighting; None where the study lacks its column."""
    if name == "half max, half mean":
        used = contributions(cities, members, weights="equal").groupby("cluster_id")["score"]
        return (used.max() + used.mean()) / 2
    if name == "1/rank":
        ranked = cities.assign(_inverse=1.0 / cities["score"].rank(ascending=False, method="first"))
        return score_clusters(ranked, members, weights="_inverse")["score"]
    if name != "equal" and name.partition("^")[0] not in cities.columns:
        return None
    return score_clusters(cities, members, weights=name)["score"]
