"""Contiguity of the scored cities as one connected graph, and random partitions and regions on it.

Many scored cities have only unscored neighbors, so queen contiguity falls apart; the pieces are joined by the
shortest links between their seats (:func:`geo_cdei._regions.bridge`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from geo_cdei._geodesy import distance_km
from geo_cdei._regions import bridge, random_partitions
from geo_cdei.analysis.graphs import build_graph, city_points

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

__all__ = ["connected_contiguity", "random_partitions_of"]


def connected_contiguity(cities: gpd.GeoDataFrame) -> tuple[sparse.csr_array, pd.DataFrame]:
    """Queen contiguity of the cities, its components joined by the shortest links.

    Parameters
    ----------
    cities : geopandas.GeoDataFrame of shape (n_cities,)
        Polygons indexed by ``adcode``, sorted by it; ``lon``, ``lat`` in degrees.

    Returns
    -------
    adjacency : sparse array of shape (n_cities, n_cities)
        Connected and symmetric, in the order of `cities`.
    added : pandas.DataFrame
        The links that join components: ``focal``, ``neighbor``, ``km``.
    """
    graph = build_graph(cities, method="queen")
    lon, lat = city_points(cities)
    km = _between_components(graph.sparse, lon, lat)
    joined, links = bridge(graph.sparse, km)
    added = pd.DataFrame(
        {
            "focal": cities.index[links[:, 0]],
            "neighbor": cities.index[links[:, 1]],
            "km": km[links[:, 0], links[:, 1]],
        }
    )
    return joined, added


def _between_components(adjacency: sparse.csr_array, lon: FloatArray, lat: FloatArray) -> FloatArray:
    """Distances that a bridge can need: of the cities outside the largest component to all; 0 elsewhere."""
    _, label = connected_components(adjacency, directed=False)
    apart = np.flatnonzero(label != np.bincount(label).argmax())
    n, km = len(label), np.zeros((len(label), len(label)))
    if len(apart):
        there = np.tile(np.arange(n), len(apart))
        here = np.repeat(apart, n)
        km[apart] = distance_km(lon[here], lat[here], lon[there], lat[there]).reshape(len(apart), n)
        km[:, apart] = km[apart].T
    return km


def random_partitions_of(cities: gpd.GeoDataFrame, groups: pd.Series, *, draws: int, seed: int) -> pd.DataFrame:
    """Random contiguous partitions with as many parts, and parts as large, as the groups.

    Parameters
    ----------
    cities : geopandas.GeoDataFrame of shape (n_cities,)
        Polygons indexed by ``adcode``.
    groups : pandas.Series of shape (n_cities,)
        Group of every city, indexed by ``adcode``.
    draws : int
        Number of partitions.
    seed : int
        Seed; see :func:`geo_cdei._regions.random_partitions`.

    Returns
    -------
    pandas.DataFrame of int, shape (n_draws, n_cities)
        Columns are the cities sorted by ``adcode``; part 0 is the largest.
    """
    ordered = cities.sort_index()
    adjacency, _ = connected_contiguity(ordered)
    sizes = sorted(groups.value_counts().tolist(), reverse=True)
    labels = random_partitions(adjacency, sizes, draws=draws, seed=seed)
    return pd.DataFrame(labels, columns=ordered.index)
