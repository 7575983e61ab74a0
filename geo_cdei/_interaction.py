"""Interaction between cities as arrays: gravity, radiation, the disparity filter, and flow along routes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import StatisticError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    import pandas as pd

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]
    BoolArray = npt.NDArray[np.bool_]

__all__ = [
    "Interaction", "disparity_p", "gravity_flow", "radiation_flow", "route_flow", "spanning_tree",
]  # fmt: skip


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
    Kruskal, J. B. (1956). On the shortest spanning subtree of a graph. Proceedings of the AMS, 7(1), 48-50.

    Examples
    --------
    >>> tree = spanning_tree(np.array([[0.0, 5.0, 2.0], [5.0, 0.0, 3.0], [2.0, 3.0, 0.0]]))
    >>> [(int(i), int(j)) for i, j in zip(*np.nonzero(np.triu(tree)))]
    [(0, 1), (1, 2)]
    """
    from scipy import sparse
    from scipy.sparse.csgraph import minimum_spanning_tree

    i, j = np.nonzero(np.triu(flow))
    # ranks instead of flows: the tree depends on their order alone, and no flow is too small to tell from 0
    rank = np.empty(len(i))
    rank[np.argsort(-flow[i, j], kind="stable")] = np.arange(1.0, len(i) + 1.0)
    found = minimum_spanning_tree(sparse.csr_array((rank, (i, j)), shape=flow.shape)).toarray() > 0
    return np.asarray(found | found.T)


def _useful_links(network: BoolArray, resistance: FloatArray) -> BoolArray:
    """Links that no route over one other city undercuts: only these can be a part of a least route."""
    far, kept = np.where(network, resistance, np.inf), np.zeros_like(network)
    for city, row in enumerate(network):
        near = np.flatnonzero(row)
        detour = (far[city, near][:, None] + far[np.ix_(near, near)]).min(axis=0, initial=np.inf)
        kept[city, near[detour >= far[city, near] * (1 - 1e-12)]] = True
    return kept


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
    from scipy.sparse.csgraph import dijkstra

    n = len(network)
    i, j = np.nonzero(_useful_links(network, resistance))
    graph = sparse.csr_array((resistance[i, j], (i, j)), shape=(n, n))
    before = dijkstra(graph, directed=False, return_predecessors=True)[1]
    reached = before >= 0  # two cities in separate parts exchange nothing
    before = np.where(reached, before, np.arange(n)[:, None]).astype(np.int32)
    levels = _by_depth(before)
    kind_of = np.int32 if n * n < 2**31 else np.int64  # half the memory where it suffices
    place: npt.NDArray[Any] = np.arange(n, dtype=kind_of)
    link = (before * kind_of(n) + place).ravel()
    joins = (before + (place * kind_of(n))[:, None]).ravel()  # the cell of the city before, in the row of the source
    out = np.empty((len(demand), n, n))
    for kind, flow in enumerate(demand):
        load = np.where(reached, np.triu(flow), 0.0).ravel()  # each pair once, from its first city
        for cells in levels:  # from the farthest level inwards, every load joins that of the city before
            np.add.at(load, joins[cells], load[cells])
        load[:: n + 1] = 0.0  # what has come home
        square = np.bincount(link, load, n * n).reshape(n, n)
        np.add(square, square.T, out=out[kind])
    return out


def _by_depth(before: npt.NDArray[np.int32]) -> list[IntArray]:
    """Cells of the tree of every source by number of links from it, the deepest first; sources themselves are out."""
    n = len(before)
    depth = (before != np.arange(n)).astype(np.int16)
    np.fill_diagonal(depth, 0)
    above = before.copy()
    above[np.arange(n), np.arange(n)] = np.arange(n)
    depth[above == np.arange(n)] = 0  # a city that is not reached stands alone
    while True:  # double the number of links looked over, until every way ends at its source
        further = np.take_along_axis(depth, above, axis=1)
        if not further.any():
            break
        depth += further
        above = np.take_along_axis(above, above, axis=1)
    order = np.argsort(depth.ravel(), kind="stable").astype(np.int32 if n * n < 2**31 else np.int64)
    cuts = np.flatnonzero(np.diff(depth.ravel()[order])) + 1
    return np.split(order, cuts)[:0:-1]
