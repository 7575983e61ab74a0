"""Contiguous regions found in the data, as another definition of the clusters."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from importlib import util
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import sparse

from .._geodesy import pairwise_km
from .._regions import bridge
from ..errors import GeoCdeiWarning, StatisticError
from .graphs import build_graph, city_points

if TYPE_CHECKING:
    import geopandas as gpd
    from libpysal.graph import Graph

__all__ = ["find_regions"]

METHODS = ("skater", "ward")
MAX_SKATER = 600  # the library's SKATER tries every edge of the tree for every cut: minutes beyond this


def find_regions(
    cities: gpd.GeoDataFrame,
    *,
    columns: Sequence[str] = ("score",),
    method: str = "skater",
    n: int = 30,
    floor: int = 1,
) -> pd.Series[str]:
    """Divide the cities into contiguous regions whose members are alike.

    Parameters
    ----------
    cities : geopandas.GeoDataFrame of shape (n_cities,)
        Polygons indexed by ``adcode``, with `columns`. Components of their contiguity are joined by the
        shortest links.
    columns : sequence of str
        Numeric columns, complete; each is standardized.
    method : {"skater", "ward"}
        SKATER prunes the minimum spanning tree; Ward joins neighbors. Both are deterministic.
    n : int
        Number of regions.
    floor : int
        Smallest number of cities in a region, for SKATER only.

    Returns
    -------
    pandas.Series of str, shape (n_cities,)
        Region of every city, ``R01`` being the largest; ties by the lowest code of a member.

    Raises
    ------
    StatisticError
        If the library is not installed, a value is missing, or so many regions of that size cannot be made.

    References
    ----------
    Assunção, R. M. et al. (2006). IJGIS, 20(7), 797-811 (SKATER). Ward, J. H. (1963). JASA, 58, 236-244.
    Computed by spopt (Feng, X. et al. 2022, JOSS 7(74), 3330).

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> cells = gpd.GeoDataFrame(
    ...     {"score": [1.0, 1.1, 9.0, 9.2]}, geometry=shapely.box(range(4), 0, range(1, 5), 1),
    ...     index=pd.Index(list("abcd"), name="adcode"), crs=4326,
    ... )
    >>> find_regions(cells, method="ward", n=2).tolist()
    ['R01', 'R01', 'R02', 'R02']
    """
    _check(cities, columns, method, n, floor)
    ordered = cities.sort_index()
    values = ordered[list(columns)].to_numpy(dtype=float)
    spread = values.std(axis=0)
    standard = (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    frame = pd.DataFrame(standard, index=ordered.index, columns=list(columns))
    graph = _connected(ordered)
    found = _skater(frame, graph, n, floor) if method == "skater" else _ward(frame, graph, n)
    return _named(found).reindex(cities.index)


def _check(cities: gpd.GeoDataFrame, columns: Sequence[str], method: str, n: int, floor: int) -> None:
    if method not in METHODS:
        raise StatisticError(f"method {method!r} is not there; regions are found by: {', '.join(METHODS)}.")
    if util.find_spec("spopt") is None:
        raise StatisticError(
            "regions are found by the library spopt, which is not installed. Install the extra: "
            'pip install "geo-cdei[regions]", or name a column or a table of clusters.'
        )
    absent = [name for name in columns if name not in cities.columns]
    if absent:
        raise StatisticError(f"the cities have no column {', '.join(absent)}. Correct clusters.regions.columns.")
    gaps = cities[list(columns)].isna().any(axis=1)
    if gaps.any():
        raise StatisticError(
            f"{int(gaps.sum())} of {len(cities)} cities have no value in {', '.join(columns)} (first: "
            f"{cities.index[gaps.to_numpy()][0]}). Regions need complete columns."
        )
    if n * floor > len(cities):
        raise StatisticError(f"{n} regions of at least {floor} need {n * floor} cities; there are {len(cities)}.")
    if method == "skater" and len(cities) > MAX_SKATER:
        raise StatisticError(
            f'SKATER is offered for up to {MAX_SKATER} units; there are {len(cities)}. Use method = "ward".'
        )


def _connected(cities: gpd.GeoDataFrame) -> Graph:
    """Queen contiguity whose components are joined by the shortest links; the links are told."""
    graph = build_graph(cities, method="queen")
    joined, links = bridge(graph.sparse, pairwise_km(*city_points(cities)))
    if len(links):
        warnings.warn(
            f"contiguity was joined by {len(links)} shortest links, so that every region can be reached",
            GeoCdeiWarning,
            stacklevel=3,
        )
    from libpysal.graph import Graph

    return Graph.from_sparse(sparse.csr_array(joined, dtype=float), ids=cities.index)


def _skater(values: pd.DataFrame, graph: Graph, n: int, floor: int) -> pd.Series[int]:
    from sklearn.metrics.pairwise import manhattan_distances
    from spopt.region import Skater

    # two neighbors with equal values have distance 0, which the library's sparse tree takes for no link
    kinds = {"dissimilarity": lambda x, y: manhattan_distances(x, y) + 1e-9}
    settings = {**kinds, "affinity": None, "reduction": np.sum, "center": np.mean, "verbose": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the library: that it stopped early is told below
        model = Skater(values, graph.to_W(), list(values.columns), n_clusters=n, floor=floor,
                       spanning_forest_kwds=settings)  # fmt: skip
        model.solve()
    labels = pd.Series(np.asarray(model.labels_, dtype=int), index=values.index)
    if labels.nunique() != n:
        raise StatisticError(
            f"SKATER found {labels.nunique()} regions of at least {floor} cities, not {n}. Lower n or floor."
        )
    return labels


def _ward(values: pd.DataFrame, graph: Graph, n: int) -> pd.Series[int]:
    from spopt.region import WardSpatial

    model = WardSpatial(values, graph.to_W(), list(values.columns), n_clusters=n)
    model.solve()
    return pd.Series(np.asarray(model.labels_, dtype=int), index=values.index)


def _named(labels: pd.Series[int]) -> pd.Series[str]:
    """Give numbers to the regions by size, then by the lowest code in them."""
    table = pd.DataFrame({"label": labels, "code": labels.index.astype(str)})
    order = table.groupby("label")["code"].agg(["size", "min"]).sort_values(["size", "min"], ascending=[False, True])
    width = max(2, len(str(len(order))))
    names = {label: f"R{place:0{width}d}" for place, label in enumerate(order.index, 1)}
    return labels.map(names).rename("region")
