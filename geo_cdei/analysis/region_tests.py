"""Whether a cluster is stronger than any group of as many neighboring cities would be.

Natural breaks say that a score is high among the planned clusters. Whether it is high for a region of that size is
another question: random contiguous regions answer it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.stats import false_discovery_control

from .._aligned import numbers
from .._breaks import MIN_MEMBERS
from .._parallel import Engine, choose_engine, collect
from .._pvalues import p_value
from .._regions import grow_regions, neighbor_table
from .._row_blocks import cut_rows
from ..columns import REGION_TEST
from ..errors import AlignmentError, StatisticError
from .scenarios import membership_matrix, weight_vector

__all__ = ["compare_with_regions"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
TIE = 1e-9  # points; the same cities added up in another order count as equal


def compare_with_regions(
    cities: pd.DataFrame,
    members: pd.DataFrame,
    *,
    adjacency: sparse.sparray,
    weights: Sequence[str] = ("gdp_2019",),
    draws: int = 9999,
    seed: int,
    engine: str = "auto",
    client: Any = None,
) -> pd.DataFrame:
    """Hold the weighted mean of every cluster against random contiguous regions of as many cities.

    Parameters
    ----------
    cities : pandas.DataFrame of shape (n_cities, any)
        Indexed by ``adcode`` and sorted by it; ``score`` and the weights' columns. A Dask frame is sorted first.
    members : pandas.DataFrame
        ``cluster_id``, ``adcode``, ``role``; the primary members with a score and a weight are the region.
    adjacency : sparse array of shape (n_cities, n_cities)
        Connected and symmetric, in the order of *cities*.
    weights : sequence of str
        Weightings of the mean, as in :func:`geo_cdei.analysis.scenarios.weight_vector`.
    draws : int, default 9999
        Random regions for each of the two tests.
    seed : int
        Seed of the growth.
    engine : {"auto", "local", "dask"}, default "auto"
        "auto" grows on Dask where *client* is given or a client is active. The regions are the same.
    client : distributed.Client, optional
        The cluster.

    Returns
    -------
    pandas.DataFrame
        One row per weighting and cluster with at least three such members, columns
        :data:`geo_cdei.columns.REGION_TEST`. ``p_region``: share of regions, grown from any city, whose mean is
        at least the cluster's. ``p_region_core``: the same for regions grown from one of the ``n_starts``
        cities that score at least as much as the ``core``, the cluster's best-scoring member. Both are
        one-sided, (1 + number of regions) / (1 + *draws*). ``…_fdr`` are the p-values adjusted over the
        clusters of a weighting (Benjamini-Hochberg). ``is_contiguous`` says whether the cluster itself is in
        one piece on this graph; the regions are.

    Raises
    ------
    AlignmentError
        If the cities are not sorted, or the adjacency has another size.
    StatisticError
        If no cluster has three members.
    GraphError
        If the adjacency is not connected.

    Notes
    -----
    Growth rule: :func:`geo_cdei._regions.grow_regions`. One set of regions is grown to the largest size; its first
    n cities serve a cluster of n. The second test asks for more than that the cluster has a large city: without
    it, whatever holds a megacity looks strong.

    Examples
    --------
    >>> cities = pd.DataFrame({"score": [9.0, 8, 7, 1, 1, 1, 1, 1]}, index=list("abcdefgh"))
    >>> members = pd.DataFrame({"cluster_id": "C1", "adcode": list("abc"), "role": "primary"})
    >>> line = sparse.diags_array([1, 1], offsets=[-1, 1], shape=(8, 8), dtype=float)
    >>> tested = compare_with_regions(cities, members, adjacency=line, weights=["equal"], draws=999, seed=1)
    >>> tested[["n_scored", "score", "core", "n_starts", "p_region_core"]].to_numpy().tolist()
    [[3, 8.0, 'a', 1, 1.0]]
    """
    where = choose_engine(engine, client)
    cities = collect(cities, where)
    _check_order(cities, adjacency)
    y = numbers(cities["score"])
    matrix = membership_matrix(members, cities.index)
    parts = {name: weight_vector(cities, name).to_numpy(dtype=float) for name in weights}
    sets = {name: _usable_sets(matrix, y, w) for name, w in parts.items()}
    largest = max((len(own) for found in sets.values() for own in found.values()), default=0)
    if not all(sets.values()) or largest == 0:
        raise StatisticError(
            f"no cluster has {MIN_MEMBERS} members with a score and a weight under some weighting "
            f"({len(matrix)} clusters, {len(cities)} cities); there is nothing to test."
        )
    keys = sorted({(_core(own, y), len(own)) for found in sets.values() for own in found.values()})
    wanted: list[_Growth] = [(largest, None), *((size, np.flatnonzero(y >= y[core])) for core, size in keys)]
    anywhere, *grown = _grow_all(adjacency, wanted, draws=draws, seed=seed, engine=where)
    with_core = dict(zip(keys, grown, strict=True))
    frames = []
    for name, w in parts.items():
        free = _prefix_means(anywhere, y, w)
        rows = [
            {"cluster_id": cluster_id, "weights": name, **_one_cluster(own, y, w, free=free, with_core=with_core)}
            for cluster_id, own in sets[name].items()
        ]
        frame = pd.DataFrame(rows)
        for column in ("p_region", "p_region_core"):
            frame[f"{column}_fdr"] = false_discovery_control(frame[column], method="bh")
        frame["is_contiguous"] = [_is_contiguous(adjacency, own) for own in sets[name].values()]
        frames.append(frame.assign(core=cities.index[frame["core"]])[list(REGION_TEST)])
    return pd.concat(frames, ignore_index=True)


def _core(own: Ints, y: Floats) -> int:
    """Position of the best-scoring member; the first of equals."""
    return int(own[np.argmax(y[own])])


_Growth = tuple[int, Ints | None]  # size, and where to start: anywhere, or from cities that score at least as much


def _grow_all(
    adjacency: sparse.sparray, wanted: list[_Growth], *, draws: int, seed: int, engine: Engine
) -> list[Ints]:
    """Grow a set of regions for each size and start, a block of draws at a time."""
    parts = cut_rows(draws, engine.blocks, 1)
    pieces = [(size, starts, part) for size, starts in wanted for part in parts]
    neighbors = neighbor_table(adjacency, max(size for size, _ in wanted))
    grown = list(engine.map(_grow_part, pieces, neighbors, draws, seed))
    return [np.concatenate(grown[k : k + len(parts)]) for k in range(0, len(grown), len(parts))]


def _grow_part(neighbors: Ints, draws: int, seed: int, piece: tuple[int, Ints | None, tuple[int, int]]) -> Ints:
    size, starts, part = piece
    return grow_regions(neighbors, size, draws=draws, seed=seed, starts=starts, part=part)


def _one_cluster(
    own: Ints, y: Floats, w: Floats, *, free: Floats, with_core: dict[tuple[int, int], Ints]
) -> dict[str, float]:
    core, n = _core(own, y), len(own)
    score = float(np.average(y[own], weights=w[own]))
    held = _prefix_means(with_core[core, n], y, w)[:, -1]
    null_mean, null_sd, p_region = _against(score, free[:, n - 1])
    core_mean, core_sd, p_core = _against(score, held)
    return {
        "n_scored": n,
        "score": score,
        "null_mean": null_mean,
        "null_sd": null_sd,
        "p_region": p_region,
        "core": core,
        "n_starts": int((y >= y[core]).sum()),
        "null_core_mean": core_mean,
        "null_core_sd": core_sd,
        "p_region_core": p_core,
    }


def _check_order(cities: pd.DataFrame, adjacency: sparse.sparray) -> None:
    if not (cities.index.is_monotonic_increasing and cities.index.is_unique):
        raise AlignmentError(
            f"the {len(cities)} cities must be sorted by adcode, each once, so that a seed gives the same regions "
            "whatever the order of the table. Pass cities.sort_index() and the adjacency of that order."
        )
    if adjacency.shape != (len(cities), len(cities)):
        raise AlignmentError(
            f"the adjacency is {adjacency.shape[0]} × {adjacency.shape[1]}, the cities are {len(cities)}. "
            "Build it from the same cities in the same order."
        )


def _usable_sets(matrix: pd.DataFrame, y: Floats, w: Floats) -> dict[str, Ints]:
    usable = np.isfinite(y) & np.isfinite(w) & (np.nan_to_num(w) > 0)
    sets = {
        str(row): np.flatnonzero(held & usable) for row, held in zip(matrix.index, matrix.to_numpy(), strict=True)
    }
    return {row: own for row, own in sets.items() if len(own) >= MIN_MEMBERS}


def _prefix_means(regions: Ints, y: Floats, w: Floats) -> Floats:
    """Weighted mean of the first 1, 2, … cities of every region; missing scores or weights count for nothing."""
    usable = np.isfinite(y) & np.isfinite(w)
    weight = np.where(usable, w, 0.0)
    product = weight * np.where(usable, y, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.cumsum(product[regions], axis=1) / np.cumsum(weight[regions], axis=1))


def _against(score: float, simulated: Floats) -> tuple[float, float, float]:
    at_least = int((simulated >= score - TIE).sum())
    p = float(p_value(at_least, len(simulated) - at_least, len(simulated), "greater"))
    return float(np.nanmean(simulated)), float(np.nanstd(simulated)), p


def _is_contiguous(adjacency: sparse.sparray, own: Ints) -> bool:
    inside = sparse.csr_array(adjacency)[own][:, own]
    return bool(connected_components(inside, directed=False)[0] == 1)
