"""Role of every cluster: its class under many weightings, memberships, removals and numbers of classes.

The rules were fixed before any result was seen:

=========================  ============================================================================
role                       rule
=========================  ============================================================================
``pole``                   top class at the fixed k in every weighting × membership without removal, and
                           in at least 80 % of the scenarios with a removal (same k)
``pole (core-dependent)``  top class without removal as above; at least 80 % when another member than the
                           core is removed, but not when the removals of the core are counted too
``contender``              top or second class in at least half of all scenarios
``other``                  neither
``untested``               fewer than three members with a score and every weight
=========================  ============================================================================

A removal takes one member out of the cluster in question; all other clusters stay whole and the classes are drawn
anew. So there is one classing per cluster and removal: it asks whether *this* cluster would still be on top without
that city, not what a country without its largest cities would look like.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from .._aligned import numbers
from .._breaks import MIN_MEMBERS, natural_breaks
from .._parallel import LOCAL, THREADS
from ..columns import SCENARIOS
from ..errors import StatisticError
from .scenarios import membership_matrix, weight_vector, weighted_means

__all__ = ["MEMBERSHIPS", "REMOVALS", "assign_roles", "base_scores", "bootstrap_classes", "classify_scenarios"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

KS = (3, 4, 5)
MEMBERSHIPS = {"primary": ("primary",), "with secondary": ("primary", "secondary")}
REMOVALS = ("none", "largest", "second largest", "lowest score")
POLE_SHARE = 0.8
CONTENDER_SHARE = 0.5


def base_scores(cities: pd.DataFrame, members: pd.DataFrame, *, weights: Sequence[str]) -> pd.Series:
    """Scores of the tested clusters in the base scenario: first weighting, primary members, none removed.

    Parameters
    ----------
    cities : pandas.DataFrame of shape (n_cities, any)
        Indexed by ``adcode``; ``score`` and the weights' columns.
    members : pandas.DataFrame
        ``cluster_id``, ``adcode``, ``role``.
    weights : sequence of str
        Weightings of the scenarios; the first is the base.

    Returns
    -------
    pandas.Series of shape (n_tested,)
        Points, indexed by ``cluster_id``; a cluster is tested if at least three primary members have a score and
        every weight above 0.

    Examples
    --------
    >>> cities = pd.DataFrame({"score": [90.0, 60, 30, 50]}, index=list("abcd"))
    >>> members = pd.DataFrame({"cluster_id": ["C1"] * 3 + ["C2"], "adcode": list("abcd"), "role": "primary"})
    >>> base_scores(cities, members, weights=["equal"]).to_dict()
    {'C1': 60.0}
    """
    matrix = _tested(cities, members, weights)
    y, w = cities["score"].to_numpy(dtype=float), weight_vector(cities, weights[0]).to_numpy(dtype=float)
    return pd.Series(weighted_means(y, w, matrix.to_numpy()), index=matrix.index, name="score")


def classify_scenarios(
    cities: pd.DataFrame,
    members: pd.DataFrame,
    *,
    weights: Sequence[str],
    k: int,
    ks: Sequence[int] = KS,
    order_by: str | None = None,
) -> pd.DataFrame:
    """Class every tested cluster in every scenario.

    Parameters
    ----------
    cities, members, weights
        As in :func:`base_scores`.
    k : int
        The fixed number of classes; added to *ks* where it is not among them.
    ks : sequence of int, default (3, 4, 5)
        Numbers of classes.
    order_by : str, optional
        Weighting that says which member is the largest where a scenario's own weights are equal; the lower
        ``adcode`` goes first among equals.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`geo_cdei.columns.SCENARIOS`, sorted by cluster: every weighting × membership (primary;
        with secondary members) × removal (none; the largest member by weight; the second largest; the lowest
        score) × k. ``score`` is the cluster's own in that scenario; the scores it was classed with are those of
        the other clusters without removal.

    Raises
    ------
    StatisticError
        If fewer clusters can be tested than the largest k.

    Examples
    --------
    >>> cities = pd.DataFrame({"score": [90.0, 80, 70, 60, 50, 40, 30, 20, 10]}, index=list("abcdefghi"))
    >>> members = pd.DataFrame(
    ...     {"cluster_id": ["C1"] * 3 + ["C2"] * 3 + ["C3"] * 3, "adcode": list("abcdefghi"), "role": "primary"}
    ... )
    >>> table = classify_scenarios(cities, members, weights=["equal"], k=3, ks=[3])
    >>> table[table["membership"] == "primary"].head(4)[["removal", "score", "class"]].to_numpy().tolist()
    [['none', 80.0, 1], ['largest', 75.0, 1], ['second largest', 80.0, 1], ['lowest score', 85.0, 1]]
    """
    matrix = _tested(cities, members, weights)
    every_k = sorted({*ks, k})
    if len(matrix) < every_k[-1]:
        raise StatisticError(
            f"{every_k[-1]} classes need as many clusters with {MIN_MEMBERS} scored members; there are "
            f"{len(matrix)}. Add clusters or members, or leave this step out."
        )
    tables = []
    for name in weights:
        for membership, roles in MEMBERSHIPS.items():
            held = membership_matrix(members, cities.index, roles=roles).loc[matrix.index]
            order = weight_vector(cities, order_by if name == "equal" and order_by else name)
            scores = _scenario_scores(cities, held.to_numpy(), weight_vector(cities, name), order)
            tables.append(_classed(scores, matrix.index, every_k).assign(weights=name, membership=membership))
    table = pd.concat(tables, ignore_index=True)[list(SCENARIOS)]
    return table.sort_values("cluster_id", kind="stable", ignore_index=True)


def assign_roles(scenarios: pd.DataFrame, *, weights: str, k: int, ks: Sequence[int] = KS) -> pd.DataFrame:
    """Read the role of every cluster from the table of scenarios, and from nothing else.

    Parameters
    ----------
    scenarios : pandas.DataFrame
        Columns :data:`geo_cdei.columns.SCENARIOS`.
    weights : str
        The base weighting, for ``score`` and ``class``.
    k : int
        The fixed number of classes.
    ks : sequence of int, default (3, 4, 5)
        Numbers of classes over which the shares are taken; a fixed k beside them counts for the poles alone.

    Returns
    -------
    pandas.DataFrame of shape (n_tested, 9 + 3 n_ks)
        Indexed by ``cluster_id``: ``role``, ``score`` and ``class`` of the base scenario, ``k``; ``top_share``
        and ``second_share`` (top, second class, of all scenarios); at the fixed k the shares of the top class
        without removal (``base_share``), with any removal (``removal_share``), with the core's
        (``core_removal_share``) and with another member's (``other_removal_share``); for every k ``role_k…``
        (the role had that k been fixed), ``top_share_k…``, ``second_share_k…``.

    Examples
    --------
    >>> rows = [("C1", "gdp", "primary", removal, 3, 80.0, 1) for removal in REMOVALS]
    >>> assign_roles(pd.DataFrame(rows, columns=list(SCENARIOS)), weights="gdp", k=3, ks=[3])["role"].to_dict()
    {'C1': 'pole'}
    """
    counted = scenarios[scenarios["k"].isin(list(ks))]
    is_base = (scenarios["weights"] == weights) & (scenarios["membership"] == "primary")
    base = scenarios[is_base & (scenarios["removal"] == "none") & (scenarios["k"] == k)].set_index("cluster_id")
    frame = _roles_at(scenarios, counted, k)
    frame = frame.assign(score=base["score"], **{"class": base["class"]}, k=k)
    for each in ks:
        frame[f"role_k{each}"] = _roles_at(scenarios, counted, each)["role"]
        frame[f"top_share_k{each}"] = _share(counted[counted["k"] == each], 1)
        frame[f"second_share_k{each}"] = _share(counted[counted["k"] == each], 2)
    return frame


def bootstrap_classes(
    cities: pd.DataFrame,
    members: pd.DataFrame,
    *,
    weights: Sequence[str],
    k: int,
    draws: int = 4999,
    seed: int,
) -> pd.DataFrame:
    """Share of draws in the top and second class when the members of every cluster are drawn anew.

    Parameters
    ----------
    cities, members, weights
        As in :func:`base_scores`; the scores are those of the base scenario.
    k : int
        Number of classes.
    draws : int, default 4999
        Number of draws.
    seed : int
        Seed; the cluster in place i has the generator of ``[seed, i]``.

    Returns
    -------
    pandas.DataFrame of shape (n_tested, 2)
        ``bootstrap_top``, ``bootstrap_second``, indexed by ``cluster_id``.

    Notes
    -----
    In each draw every tested cluster gets as many members as it has, with replacement, and all are classed
    together. Members of a plan are not a sample, so this is no confidence level: it says how far a class hangs on
    a few cities. It is harsher than removing one, because a core is absent from about a third of the draws.

    References
    ----------
    Efron, B. (1979). Bootstrap methods: another look at the jackknife. Annals of Statistics, 7(1), 1-26.

    Examples
    --------
    >>> cities = pd.DataFrame({"score": [90.0] * 3 + [50.0] * 3 + [10.0] * 3}, index=list("abcdefghi"))
    >>> members = pd.DataFrame(
    ...     {"cluster_id": ["C1"] * 3 + ["C2"] * 3 + ["C3"] * 3, "adcode": list("abcdefghi"), "role": "primary"}
    ... )
    >>> bootstrap_classes(cities, members, weights=["equal"], k=3, draws=99, seed=1)["bootstrap_top"].tolist()
    [1.0, 0.0, 0.0]
    """
    ordered = cities.sort_index()
    matrix = _tested(ordered, members, weights)
    y, w = ordered["score"].to_numpy(dtype=float), weight_vector(ordered, weights[0]).to_numpy(dtype=float)
    clusters = [(place, y[held], w[held]) for place, held in enumerate(matrix.to_numpy())]
    drawn = np.empty((draws, len(clusters)))
    for column, means in zip(drawn.T, LOCAL.map(_redraw, clusters, draws, seed, threads=THREADS), strict=True):
        column[:] = means
    classes = natural_breaks(drawn, k)
    shares = {"bootstrap_top": (classes == 1).mean(axis=0), "bootstrap_second": (classes == 2).mean(axis=0)}
    return pd.DataFrame(shares, index=matrix.index)


def _redraw(draws: int, seed: int, cluster: tuple[int, Floats, Floats]) -> Floats:
    """Weighted mean of the members of one cluster in every draw."""
    place, y, w = cluster
    weight = np.random.default_rng([seed, place]).multinomial(len(y), np.full(len(y), 1 / len(y)), size=draws) * w
    return np.asarray(weight @ y / weight.sum(axis=1))


def _tested(cities: pd.DataFrame, members: pd.DataFrame, weights: Sequence[str]) -> pd.DataFrame:
    """Primary membership of the tested clusters, members without a score or some weight taken out."""
    usable = ~np.isnan(numbers(cities["score"]))
    for name in weights:
        usable = usable & (weight_vector(cities, name) > 0).to_numpy()
    matrix = membership_matrix(members, cities.index) & usable
    return matrix[matrix.sum(axis=1) >= MIN_MEMBERS]


def _scenario_scores(cities: pd.DataFrame, held: Bools, weight: pd.Series, order: pd.Series) -> dict[str, Floats]:
    """Scores of all clusters whole, and of each cluster without the member that a removal names."""
    y, w = cities["score"].to_numpy(dtype=float), weight.to_numpy(dtype=float)
    usable = held & (np.isfinite(y) & (np.nan_to_num(w) > 0))
    by_code = np.argsort(np.argsort(cities.index.to_numpy()))
    by_size = np.lexsort((by_code, -np.nan_to_num(order.to_numpy(dtype=float))))
    by_score = np.lexsort((by_code, y))
    scores = {"none": weighted_means(y, w, usable)}
    for removal, ranking, place in zip(REMOVALS[1:], (by_size, by_size, by_score), (0, 1, 0), strict=True):
        left = usable.copy()
        for row, mine in enumerate(usable):
            left[row, ranking[mine[ranking]][place]] = False
        scores[removal] = weighted_means(y, w, left)
    return scores


def _classed(scores: dict[str, Floats], clusters: pd.Index, ks: Sequence[int]) -> pd.DataFrame:
    """Class each cluster among the others whole; one row per cluster, removal and k."""
    whole, n = scores["none"], len(clusters)
    tables = []
    for removal, own in scores.items():
        rows = np.repeat(whole[None, :], n, axis=0)
        np.fill_diagonal(rows, own)
        for k in ks:
            label = np.diagonal(natural_breaks(rows, k))
            tables.append(
                pd.DataFrame({"cluster_id": clusters, "removal": removal, "k": k, "score": own, "class": label})
            )
    return pd.concat(tables, ignore_index=True)


def _roles_at(scenarios: pd.DataFrame, counted: pd.DataFrame, k: int) -> pd.DataFrame:
    at_k = scenarios[scenarios["k"] == k]
    removed = at_k[at_k["removal"] != "none"]
    is_core = removed["removal"] == "largest"
    frame = pd.DataFrame(
        {
            "top_share": _share(counted, 1),
            "second_share": _share(counted, 2),
            "base_share": _share(at_k[at_k["removal"] == "none"], 1),
            "removal_share": _share(removed, 1),
            "core_removal_share": _share(removed[is_core], 1),
            "other_removal_share": _share(removed[~is_core], 1),
        }
    )
    always = frame["base_share"] == 1
    upper = (counted["class"] <= 2).groupby(counted["cluster_id"]).mean()
    rules = [
        always & (frame["removal_share"] >= POLE_SHARE),
        always & (frame["other_removal_share"] >= POLE_SHARE),
        upper >= CONTENDER_SHARE,
    ]
    names = ["pole", "pole (core-dependent)", "contender"]
    frame.insert(0, "role", np.select([rule.to_numpy() for rule in rules], names, "other"))
    return frame


def _share(scenarios: pd.DataFrame, label: int) -> pd.Series:
    return (scenarios["class"] == label).groupby(scenarios["cluster_id"]).mean()
