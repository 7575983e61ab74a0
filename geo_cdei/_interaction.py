"""Interaction between cities as arrays: gravity, radiation, the disparity filter, and flow along routes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ._parallel import LOCAL, THREADS
from .errors import StatisticError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    import pandas as pd
    from scipy import sparse

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]
    BoolArray = npt.NDArray[np.bool_]

__all__ = [
    "Interaction", "disparity_p", "gravity_flow", "radiation_flow", "route_flow", "spanning_tree",
]  # fmt: skip

_SOURCES = 96  # cities whose routes are looked at together
_NEAREST = 20  # cities over which a detour is likely


@dataclass(frozen=True, slots=True, eq=False)
class Interaction:
    """How strongly every two cities interact, and where that comes from.

    Attributes
    ----------
    ids : pandas.Index of shape (n_cities,)
        Codes, in the order of the cities.
    flow : numpy.ndarray of shape (n_cities, n_cities)
        Flow in both directions together; symmetric, no diagonal. A city of *missing* has none.
    cost : numpy.ndarray of shape (n_cities, n_cities)
        What a route adds up: kilometres on the ellipsoid, or the study's travel times.
    km : numpy.ndarray of shape (n_cities, n_cities)
        Kilometres on the ellipsoid.
    mass : numpy.ndarray of shape (n_cities,)
        Mass of every city; of the study's own flows, the flow of the city. NaN where missing.
    basis : str
        In words: the model and its settings, or the study's own flows; the cost.
    missing : tuple of str
        Cities without a mass, left out of the network.
    """

    ids: pd.Index[str]
    flow: FloatArray
    cost: FloatArray
    km: FloatArray
    mass: FloatArray
    basis: str
    missing: tuple[str, ...]


def gravity_flow(mass: FloatArray, cost: FloatArray, beta: float) -> FloatArray:
    """Model flow as the product of the masses over a power of the distance.

    Parameters
    ----------
    mass : numpy.ndarray of shape (n,)
        Masses; NaN is a city left out.
    cost : numpy.ndarray of shape (n, n)
        Distances or travel times, positive off the diagonal.
    beta : float
        Positive exponent of the distance.

    Returns
    -------
    numpy.ndarray of shape (n, n)
        Symmetric; the unit is that of mass squared over cost to the power *beta*.

    Raises
    ------
    StatisticError
        If *beta* is not positive.

    References
    ----------
    Isard, W. (1960). Methods of Regional Analysis. MIT Press, chapter 11.

    Examples
    --------
    >>> gravity_flow(np.array([2.0, 3.0]), np.array([[0.0, 10.0], [10.0, 0.0]]), 2.0)
    array([[0.  , 0.06],
           [0.06, 0.  ]])
    """
    if not (np.isfinite(beta) and beta > 0):
        raise StatisticError(
            f"beta, the exponent of the distance, must be a positive number; got {beta!r}. Usual are 1 to 2."
        )
    known = np.nan_to_num(mass)
    apart = cost + np.eye(len(mass))
    flow = np.outer(known, known) / apart**beta
    np.fill_diagonal(flow, 0.0)
    return np.asarray(flow)


def radiation_flow(mass: FloatArray, cost: FloatArray) -> FloatArray:
    """Model flow by the opportunities that lie nearer than the destination.

    Parameters
    ----------
    mass : numpy.ndarray of shape (n,)
        Masses; NaN is a city left out.
    cost : numpy.ndarray of shape (n, n)
        Distances or travel times.

    Returns
    -------
    numpy.ndarray of shape (n, n)
        Both directions together. What leaves a city is taken as its mass, so the unit is that of mass.

    Notes
    -----
    ``T_ij = m_i m_i m_j / ((m_i + s_ij) (m_i + m_j + s_ij))``, where ``s_ij`` is the mass of the other cities
    nearer to i than j is.

    References
    ----------
    Simini, F., González, M. C., Maritan, A. and Barabási, A.-L. (2012). A universal model for mobility and
    migration patterns. Nature, 484, 96-100.

    Examples
    --------
    >>> km = np.array([[0.0, 1.0, 2.0], [1.0, 0.0, 1.5], [2.0, 1.5, 0.0]])
    >>> radiation_flow(np.array([1.0, 1.0, 1.0]), km).round(3)
    array([[0.   , 1.   , 0.333],
           [1.   , 0.   , 0.667],
           [0.333, 0.667, 0.   ]])
    """
    known = np.nan_to_num(mass)
    n = len(known)
    rows = np.arange(n)[:, None]
    distance = cost.copy()
    np.fill_diagonal(distance, -1.0)  # the city itself stands first
    order = np.argsort(distance, axis=1, kind="stable")
    reached = np.cumsum(known[order], axis=1)
    nearer = np.empty((n, n))
    nearer[rows, order] = reached - known[order]
    nearer -= known[:, None]
    own, other = known[:, None], known[None, :]
    below = (own + nearer) * (own + other + nearer)
    sent = np.divide(own * own * other, below, out=np.zeros((n, n)), where=below > 0)
    np.fill_diagonal(sent, 0.0)
    return np.asarray(sent + sent.T)


def disparity_p(flow: FloatArray) -> FloatArray:
    """Test of every link whether it is more than an equal share of its city's flow.

    Parameters
    ----------
    flow : numpy.ndarray of shape (n, n)
        Symmetric, no diagonal.

    Returns
    -------
    numpy.ndarray of shape (n, n)
        The smaller p of the two ends, ``(1 - flow / strength) ** (degree - 1)``; 1 where there is no flow.

    References
    ----------
    Serrano, M. Á., Boguñá, M. and Vespignani, A. (2009). Extracting the multiscale backbone of complex
    weighted networks. PNAS, 106(16), 6483-6488.

    Examples
    --------
    >>> flow = np.array([[0.0, 8.0, 1.0, 1.0], [8.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 1.0], [1.0, 0.0, 1.0, 0.0]])
    >>> disparity_p(flow).round(2)
    array([[1.  , 0.04, 0.5 , 0.5 ],
           [0.04, 1.  , 1.  , 1.  ],
           [0.5 , 1.  , 1.  , 0.5 ],
           [0.5 , 1.  , 0.5 , 1.  ]])
    """
    strength = flow.sum(axis=1, keepdims=True)
    degree = (flow > 0).sum(axis=1, keepdims=True)
    share = np.divide(flow, strength, out=np.zeros_like(flow), where=strength > 0)
    p = np.where(flow > 0, np.clip(1.0 - share, 0.0, 1.0) ** np.maximum(degree - 1, 0), 1.0)
    return np.asarray(np.minimum(p, p.T))


def spanning_tree(flow: FloatArray) -> BoolArray:
    """Find the maximum spanning tree: the strongest links that hold all cities together.

    Parameters
    ----------
    flow : numpy.ndarray of shape (n, n)
        Symmetric, no diagonal; 0 is no link.

    Returns
    -------
    numpy.ndarray of bool, shape (n, n)
        Symmetric; one tree per connected part.

    References
    ----------
    Prim, R. C. (1957). Shortest connection networks and some generalizations. Bell System Technical Journal, 36(6),
    1389-1401.

    Examples
    --------
    >>> tree = spanning_tree(np.array([[0.0, 5.0, 2.0], [5.0, 0.0, 3.0], [2.0, 3.0, 0.0]]))
    >>> [(int(i), int(j)) for i, j in zip(*np.nonzero(np.triu(tree)))]
    [(0, 1), (1, 2)]
    """
    n = len(flow)
    place = np.arange(n)
    outside, tree = np.ones(n, dtype=np.bool_), np.zeros((n, n), dtype=np.bool_)
    strongest, partner = np.zeros(n), np.zeros(n, dtype=np.int64)
    for _ in range(n):  # Prim: city after city joins by its strongest link, of equal ones by that listed first
        best = np.max(strongest, where=outside, initial=0.0)
        ready = np.flatnonzero(outside & (strongest == best))
        listed = np.minimum(ready, partner[ready]) * n + np.maximum(ready, partner[ready])
        city = ready[np.argmin(listed)] if best > 0 else ready[0]  # without a link a new part begins
        if best > 0:
            tree[city, partner[city]] = tree[partner[city], city] = True
        outside[city] = False
        row = flow[city]
        before = np.minimum(place, partner) * n + np.maximum(place, partner)
        now = np.minimum(place, city) * n + np.maximum(place, city)
        better = (row > strongest) | ((row == strongest) & (row > 0) & (now < before))
        strongest, partner = np.where(better, row, strongest), np.where(better, city, partner)
    return tree


def _useful_links(network: BoolArray, resistance: FloatArray) -> BoolArray:
    """Links that no route over one other city undercuts: only these can be a part of a least route."""
    far, kept = np.where(network, resistance, np.inf), np.zeros_like(network)
    for city, row in enumerate(network):
        near = np.flatnonzero(row)
        near = near[np.argsort(far[city, near], kind="stable")]
        ends = near[near > city]  # each link once
        for others in (near[:_NEAREST], near):  # most links fail at the first few cities, and the rest is soon done
            detour = (far[city, others][:, None] + far[np.ix_(others, ends)]).min(axis=0, initial=np.inf)
            ends = ends[detour >= far[city, ends] * (1 - 1e-12)]
        kept[city, ends] = True
    return np.asarray(kept | kept.T)


def route_flow(
    demand: Sequence[npt.NDArray[Any]] | FloatArray, network: BoolArray, resistance: FloatArray
) -> FloatArray:
    """Send what every two cities exchange along the route of least resistance.

    Parameters
    ----------
    demand : numpy.ndarray of shape (n_kinds, n, n), or sequence of (n, n)
        Symmetric flows of one or more kinds; ones give edge betweenness.
    network : numpy.ndarray of bool, shape (n, n)
        Which links exist; symmetric.
    resistance : numpy.ndarray of shape (n, n)
        Positive resistance of each link.

    Returns
    -------
    numpy.ndarray of shape (n_kinds, n, n)
        What every link carries, each pair of cities counted once; symmetric.

    References
    ----------
    Freeman, L. C. (1977). A set of measures of centrality based on betweenness. Sociometry, 40(1), 35-41.

    Examples
    --------
    >>> line = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], dtype=bool)
    >>> route_flow(1.0 - np.eye(3)[None], line, np.ones((3, 3)))[0]
    array([[0., 2., 0.],
           [2., 0., 2.],
           [0., 2., 0.]])
    """
    from scipy import sparse

    n = len(network)
    i, j = np.nonzero(_useful_links(network, resistance))
    graph = sparse.csr_array((resistance[i, j], (i, j)), shape=(n, n))
    out = np.zeros((len(demand), n, n))
    blocks = [np.arange(start, min(start + _SOURCES, n)) for start in range(0, n, _SOURCES)]
    # two blocks at a time: while one searches its ways, which holds Python's lock, the other adds its loads up
    for link, loads in LOCAL.map(_route_block, blocks, demand, graph, threads=THREADS):
        for carried, load in zip(out, loads, strict=True):
            np.add.at(carried.reshape(-1), link, load)
    for carried in out:
        carried += carried.T
    return out


def _route_block(
    demand: Sequence[npt.NDArray[Any]] | FloatArray, graph: sparse.csr_array, sources: IntArray
) -> tuple[IntArray, list[FloatArray]]:
    """Send what some cities exchange with those after them: cells of links, and the load of each kind on them."""
    from scipy.sparse.csgraph import dijkstra

    n, own = graph.shape[0], np.arange(len(sources))
    before = dijkstra(graph, indices=sources, return_predecessors=True)[1]
    reached = before >= 0  # two cities in separate parts exchange nothing
    before = np.where(reached, before, sources[:, None]).astype(np.int64)
    levels = _by_depth(before, sources)
    joins = (before + (own * n)[:, None]).ravel()  # the cell of the city before, same source
    first = reached & (sources[:, None] < np.arange(n))  # each pair once, from its first city
    loads = []
    for flow in demand:
        load = np.where(first, flow[sources], 0.0).ravel()
        for cells in levels:  # from the farthest level inwards, every load joins that of the city before
            np.add.at(load, joins[cells], load[cells])
        load[own * n + sources] = 0.0  # what has come home
        loads.append(load)
    return (before * n + np.arange(n)).ravel(), loads


def _by_depth(before: IntArray, sources: IntArray) -> list[IntArray]:
    """Cells of the tree of every source by number of links from it, the deepest first; sources themselves are out."""
    rows = (np.arange(len(sources)) * before.shape[1])[:, None]
    depth, above = np.ones(before.shape, dtype=np.int16), before + rows
    depth[np.arange(len(sources)), sources] = 0
    while True:  # double the number of links looked over, until every way ends at its source
        further = depth.take(above)
        if not further.any():
            break
        depth += further
        above = above.take(above)
    order = np.argsort(depth.ravel(), kind="stable")
    cuts = np.flatnonzero(np.diff(depth.ravel()[order])) + 1
    return np.split(order, cuts)[:0:-1]
