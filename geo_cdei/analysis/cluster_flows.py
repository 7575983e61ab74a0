"""Flows between clusters, and whether the plan's borders fit the interaction of the cities.

Flows are modelled from masses and distances, unless the study brings its own; every table says which.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._aligned import check_index, name_some, numbers
from .._sending import gravity_sent, radiation_sent
from ..columns import CLUSTER_BALANCE, CLUSTER_FIT, CLUSTER_FLOWS
from ..errors import AlignmentError, StatisticError

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]

__all__ = ["OUTSIDE", "city_flows", "cluster_balance", "cluster_fit", "cluster_flows"]

OUTSIDE = "outside"
_BLOCK = 50


def city_flows(
    mass: pd.Series[float], cost: pd.DataFrame, *, model: str = "gravity", beta: float = 2.0
) -> pd.DataFrame:
    """Model what every city sends to every other one.

    Parameters
    ----------
    mass : pandas.Series of shape (n_cities,)
        Positive masses, indexed by ``adcode``; what a city sends in all.
    cost : pandas.DataFrame of shape (n_cities, n_cities)
        Kilometres or travel times, rows and columns as *mass*.
    model : {"gravity", "radiation"}, default "gravity"
        To the others in proportion to mass over distance, or outwards until it is taken up.
    beta : float, default 2.0
        Exponent of the distance of "gravity".

    Returns
    -------
    pandas.DataFrame of shape (n_cities, n_cities)
        From row to column; row sums are the masses. Modelled, not observed.

    Raises
    ------
    AlignmentError
        If the tables list other cities, or another order.
    StatisticError
        If *model* is neither, or a mass or a distance is not positive.

    References
    ----------
    Wilson, A. G. (1971). A family of spatial interaction models. Environment and Planning A, 3(1), 1-32. Simini,
    F. et al. (2012). A universal model for mobility and migration patterns. Nature, 484, 96-100.

    Examples
    --------
    >>> km = pd.DataFrame([[0.0, 5.0], [5.0, 0.0]], index=["a", "b"], columns=["a", "b"])
    >>> city_flows(pd.Series([3.0, 1.0], index=["a", "b"]), km, model="radiation").to_numpy().tolist()
    [[0.0, 3.0], [1.0, 0.0]]
    """
    check_index(cost.index, mass.index, what="cost", whose="mass")
    check_index(cost.columns, mass.index, what="columns of cost", whose="mass")
    m = numbers(mass)
    d: FloatArray = cost.to_numpy(dtype=np.float64)
    light = mass.index[~(np.isfinite(m) & (m > 0))]
    if len(light):
        raise StatisticError(
            f"{len(light)} of {len(m)} cities have no positive {mass.name}: {name_some(light)}. Leave them out, and "
            "say so."
        )
    if model == "gravity":
        flow = gravity_sent(m, d, beta)
    elif model == "radiation":
        flow = radiation_sent(m, d)
    else:
        raise StatisticError(f'model must be "gravity" or "radiation"; got {model!r}.')
    return pd.DataFrame(flow, index=mass.index, columns=mass.index)


def cluster_flows(flows: pd.DataFrame, groups: pd.Series[str], *, model: str) -> pd.DataFrame:
    """Add the flows of cities up to flows between clusters.

    Parameters
    ----------
    flows : pandas.DataFrame of shape (n_cities, n_cities)
        From row to column, such as the result of :func:`city_flows` or a study's own flows.
    groups : pandas.Series of shape (n_cities,)
        Cluster of every city, same index; missing is outside every cluster.
    model : str
        What the flows are, for the table.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`geo_cdei.columns.CLUSTER_FLOWS`, one row per ordered pair of clusters, those within a
        cluster and those of ``outside`` included, so that the total is that of the cities. ``share`` is of it.

    Raises
    ------
    AlignmentError
        If the tables list other cities, or another order.
    StatisticError
        If a flow is missing or negative, or all are 0.

    Examples
    --------
    >>> flows = pd.DataFrame([[0.0, 3.0], [1.0, 0.0]], index=["a", "b"], columns=["a", "b"])
    >>> table = cluster_flows(flows, pd.Series(["C1", None], index=["a", "b"]), model="own")
    >>> table[["origin", "destination", "flow"]].to_numpy().tolist()
    [['C1', 'C1', 0.0], ['C1', 'outside', 3.0], ['outside', 'C1', 1.0], ['outside', 'outside', 0.0]]
    """
    matrix = _checked(flows, groups)
    labels = groups.astype(object).where(groups.notna(), OUTSIDE).astype(str)
    names = sorted(set(labels) - {OUTSIDE}) + ([OUTSIDE] if (labels == OUTSIDE).any() else [])
    part = (labels.to_numpy()[:, None] == np.array(names)[None, :]).astype(np.float64)
    between = part.T @ matrix @ part
    table = pd.DataFrame(
        {
            "model": model,
            "origin": np.repeat(names, len(names)),
            "destination": np.tile(names, len(names)),
            "flow": between.ravel(),
            "share": between.ravel() / matrix.sum(),
        }
    )
    return table[list(CLUSTER_FLOWS)]


def cluster_balance(flows: pd.DataFrame) -> pd.DataFrame:
    """Name the clusters that receive more than they send, and those that send more.

    Parameters
    ----------
    flows : pandas.DataFrame
        Result of :func:`cluster_flows`, of one model or several.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`geo_cdei.columns.CLUSTER_BALANCE`, one row per model and cluster. ``sent`` and ``received``
        leave the cluster or come from elsewhere; ``role`` is "receiver" or "sender" by the sign of ``net``, which
        is received less sent, or "even".

    Examples
    --------
    >>> flows = pd.DataFrame([[0.0, 3.0], [1.0, 0.0]], index=["a", "b"], columns=["a", "b"])
    >>> table = cluster_flows(flows, pd.Series(["C1", "C2"], index=["a", "b"]), model="own")
    >>> cluster_balance(table)[["cluster_id", "net", "role"]].to_numpy().tolist()
    [['C1', -2.0, 'sender'], ['C2', 2.0, 'receiver']]
    """
    same = flows["origin"] == flows["destination"]
    keys = ["model", "cluster_id"]
    within = flows[same].rename(columns={"origin": "cluster_id"}).groupby(keys, sort=False)["flow"].sum()
    away = flows[~same]
    sent = away.rename(columns={"origin": "cluster_id"}).groupby(keys, sort=False)["flow"].sum()
    received = away.rename(columns={"destination": "cluster_id"}).groupby(keys, sort=False)["flow"].sum()
    table = pd.DataFrame({"within": within, "sent": sent, "received": received}).fillna(0.0)
    table["net"] = table["received"] - table["sent"]
    both = table["received"] + table["sent"]
    table["net_share"] = np.where(both > 0, table["net"] / both.where(both > 0, 1.0), 0.0)
    # a difference that rounding alone can make is none
    sign = np.where(np.abs(table["net_share"]) < 1e-12, 0, np.sign(table["net"])).astype(int)
    table["role"] = np.array(["sender", "even", "receiver"])[sign + 1]
    return table.reset_index()[list(CLUSTER_BALANCE)]


def cluster_fit(
    flows: pd.DataFrame, groups: pd.Series[str], *, partitions: pd.DataFrame, model: str, seed: int
) -> pd.DataFrame:
    """Ask whether the plan's borders fit the interaction.

    Parameters
    ----------
    flows : pandas.DataFrame of shape (n_cities, n_cities)
        From row to column; both directions of a pair are added up.
    groups : pandas.Series of shape (n_cities,)
        Planned cluster of every city, same index; cities of no cluster are left out.
    partitions : pandas.DataFrame of shape (n_draws, n_grouped)
        Random contiguous partitions of the same sizes, columns the cities that have a cluster, in any order.
    model : str
        What the flows are, for the table.
    seed : int
        Seed of the search for communities.

    Returns
    -------
    pandas.DataFrame of shape (1, 17)
        Columns :data:`geo_cdei.columns.CLUSTER_FIT`: modularity of the plan, of the communities found (Louvain),
        and of the random partitions with ``p_partitions``, the share (1 + k) / (1 + draws) of them at least as
        modular. ``agreement`` is the adjusted Rand index of plan and communities, with the same p.

    Raises
    ------
    AlignmentError
        If the tables list other cities.
    StatisticError
        If fewer than two clusters have cities, or the flows are unusable.

    Notes
    -----
    Contiguous parts are always modular where flows fall with distance, so only ``p_partitions`` speaks of these
    borders. Communities need not be as many or as large as the clusters.

    References
    ----------
    Newman, M. E. J. and Girvan, M. (2004). Physical Review E, 69, 026113. Blondel, V. D. et al. (2008). Journal of
    Statistical Mechanics, P10008. Hubert, L. and Arabie, P. (1985). Journal of Classification, 2, 193-218.

    Examples
    --------
    >>> ids = list("abcd")
    >>> flows = pd.DataFrame(0.0, index=ids, columns=ids)
    >>> flows.loc["a", "b"] = flows.loc["c", "d"] = 4.0
    >>> flows.loc["b", "c"] = 1.0
    >>> draws = pd.DataFrame([[0, 0, 1, 1], [0, 1, 1, 0], [1, 0, 0, 1]], columns=ids)
    >>> plan = pd.Series(["x", "x", "y", "y"], index=ids)
    >>> fit = cluster_fit(flows, plan, partitions=draws, model="own", seed=1)
    >>> fit[["modularity", "modularity_communities", "agreement", "p_partitions"]].round(3).to_numpy().tolist()
    [[0.389, 0.389, 1.0, 0.5]]
    """
    matrix = _checked(flows, groups)
    grouped = groups[groups.notna()].sort_index()
    if set(partitions.columns) != set(grouped.index):
        raise AlignmentError(
            f"partitions list {partitions.shape[1]} cities, {len(grouped)} have a cluster; both must be the same."
        )
    at = groups.index.get_indexer(grouped.index)
    links = matrix[np.ix_(at, at)] + matrix[np.ix_(at, at)].T
    plan = pd.factorize(grouped, sort=True)[0].astype(np.int64)
    if plan.max(initial=0) < 1 or links.sum() <= 0:
        raise StatisticError("A fit needs flows between the cities of at least two clusters.")
    found = _communities(links, seed)
    drawn = partitions[list(grouped.index)].to_numpy(dtype=np.int64)
    q_plan, q_found = _modularity(links, np.vstack([plan, found]))
    q_drawn, agreement = _modularity(links, drawn), _adjusted_rand(np.vstack([plan, drawn]), found)
    row = {
        "model": model, "n": len(plan), "n_groups": int(plan.max()) + 1,
        "within_share": float(links[plan[:, None] == plan[None, :]].sum() / links.sum()),
        "modularity": float(q_plan), "communities": int(found.max()) + 1,
        "modularity_communities": float(q_found), "agreement": float(agreement[0]),
        "partitions": len(drawn), "partitions_mean": float(q_drawn.mean()),
        "partitions_low": float(np.quantile(q_drawn, 0.025)),
        "partitions_high": float(np.quantile(q_drawn, 0.975)), "p_partitions": _p(q_plan, q_drawn),
        "partitions_agreement": float(agreement[1:].mean()), "p_agreement": _p(agreement[0], agreement[1:]),
        "resolution": 1.0, "seed": seed,
    }  # fmt: skip
    return pd.DataFrame([row])[list(CLUSTER_FIT)]


def _p(observed: float, drawn: FloatArray) -> float:
    return float((1 + np.count_nonzero(drawn >= observed - 1e-12)) / (1 + len(drawn)))


def _checked(flows: pd.DataFrame, groups: pd.Series[str]) -> FloatArray:
    check_index(groups.index, flows.index, what="groups", whose="flows")
    check_index(flows.columns, flows.index, what="columns of flows", whose="its rows")
    matrix = flows.to_numpy(dtype=np.float64, na_value=np.nan)
    bad = flows.index[~(np.isfinite(matrix) & (matrix >= 0)).all(axis=1)]
    if len(bad) or matrix.sum() <= 0:
        raise StatisticError(
            f"Flows must be 0 or more and not all 0; {len(bad)} of {len(matrix)} cities have a missing or negative "
            f"one: {name_some(bad)}. Write 0 only where nothing flows."
        )
    return matrix


def _communities(links: FloatArray, seed: int) -> IntArray:
    """Find communities of a network of weighted links; numbered by their first city."""
    import networkx as nx

    graph = nx.from_numpy_array(links)
    parts = nx.community.louvain_communities(graph, weight="weight", seed=seed)
    labels = np.empty(len(links), dtype=np.int64)
    for number, part in enumerate(sorted(parts, key=min)):
        labels[list(part)] = number
    return labels


def _modularity(links: FloatArray, labels: IntArray) -> FloatArray:
    """Newman's modularity of each of many partitions of one symmetric network."""
    total, strength = links.sum(), links.sum(axis=1)
    result = np.empty(len(labels))
    for start in range(0, len(labels), _BLOCK):
        block = labels[start : start + _BLOCK]
        part = (block[:, :, None] == np.arange(int(block.max()) + 1)).astype(np.float64)
        inside = np.einsum("dnk,dnk->d", part, np.einsum("nm,dmk->dnk", links, part, optimize=True))
        degrees = np.einsum("n,dnk->dk", strength, part)
        result[start : start + _BLOCK] = inside / total - (degrees**2).sum(axis=1) / total**2
    return result


def _adjusted_rand(labels: IntArray, other: IntArray) -> FloatArray:
    """Agreement of each of many partitions with another one, 0 by chance and 1 when they are the same."""
    wide, n = int(other.max()) + 1, len(other)
    pairs_other = _pairs(np.bincount(other))
    result = np.empty(len(labels))
    for place, row in enumerate(labels):
        both = _pairs(np.bincount(row * wide + other))
        own = _pairs(np.bincount(row))
        chance = own * pairs_other / (n * (n - 1) / 2.0)
        most = (own + pairs_other) / 2.0
        result[place] = 1.0 if most == chance else (both - chance) / (most - chance)
    return result


def _pairs(counts: IntArray) -> float:
    return float((counts * (counts - 1)).sum()) / 2.0
