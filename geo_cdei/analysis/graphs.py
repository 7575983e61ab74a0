"""Spatial graphs: who is whose neighbor, and with what weight.

Thin over :class:`libpysal.graph.Graph`. Distances are geodesics on WGS84 between the cities' points
(:mod:`geo_cdei._geodesy`), contiguity of a valid coverage is a sparse product (:mod:`geo_cdei._contiguity`).
A city's point is its ``lon, lat`` (the seat); without these columns a representative point of its polygon,
taken on an equal-area plane.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._aligned import check_once, check_order, name_some, numbers
from .._contiguity import coverage_contiguity
from .._geodesy import EQUAL_AREA, check_lonlat, nearest, within_km
from ..errors import BoundaryError, GeoCdeiWarning, GraphError

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy.typing as npt
    from libpysal.graph import Graph

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]
    Edges = tuple[IntArray, IntArray, FloatArray]

__all__ = [
    "build_graph",
    "city_points",
    "connect_isolates",
    "isolates",
    "lag",
    "sensitivity_graphs",
    "transform",
]

METHODS = ("knn", "queen", "rook", "distance_band", "kernel", "inverse_distance")


def build_graph(
    cities: gpd.GeoDataFrame,
    *,
    method: str = "knn",
    k: int = 6,
    threshold_km: float | None = None,
    kernel: str = "triangular",
    coverage: bool | None = None,
) -> Graph:
    """Build the graph of neighboring cities.

    Parameters
    ----------
    cities : geopandas.GeoDataFrame of shape (n_cities, …)
        Indexed by ``adcode``. Distance methods read ``lon`` and ``lat`` (degrees, EPSG:4326) when present,
        else the polygons; contiguity reads the polygons. Polygons need a CRS.
    method : {"knn", "queen", "rook", "distance_band", "kernel", "inverse_distance"}, default "knn"
        The k nearest; a shared vertex; a shared segment; all within *threshold_km*; all within it, weight
        falling with distance; weight 1 / km, within *threshold_km* or without limit.
    k : int, default 6
        Number of neighbors for "knn".
    threshold_km : float, optional
        Largest distance, kilometres: the radius of "distance_band", the bandwidth of "kernel".
    kernel : {"triangular", "gaussian"}, default "triangular"
        ``1 - d / b`` or ``exp(-(d / b)**2 / 2)``, both cut at the bandwidth b. No weight on the city itself.
    coverage : bool, optional
        Whether the polygons are a valid coverage (neighbors share vertices). Tested when not given; the
        test costs more than the contiguity, so say True for a layer that was checked before.

    Returns
    -------
    libpysal.graph.Graph
        In the order of *cities*; a city without neighbors is an isolate. Weights are 1 but for "kernel" and
        "inverse_distance". Of two cities at the same distance the one with the smaller id is nearer.

    Raises
    ------
    GraphError
        If an argument is missing or impossible, ids repeat, or two cities share one point.
    BoundaryError
        If the CRS is missing, a geometry is missing or no polygon, or coordinates are out of range.

    Warns
    -----
    GeoCdeiWarning
        If the polygons are no valid coverage: libpysal's geometric predicates are used instead.

    References
    ----------
    Getis, A. (2009). Spatial weights matrices. Geographical Analysis, 41(4), 404-410.

    Examples
    --------
    >>> import geopandas as gpd
    >>> cities = gpd.GeoDataFrame(
    ...     {"lon": [116.4, 117.2, 114.5], "lat": [39.9, 39.1, 38.0]}, index=["110000", "120000", "130100"]
    ... )
    >>> build_graph(cities, method="knn", k=1).adjacency.index.tolist()
    [('110000', '120000'), ('120000', '110000'), ('130100', '120000')]
    """
    _check_ids(cities)
    if method in ("queen", "rook"):
        return _contiguity_graph(cities, rook=method == "rook", coverage=coverage)
    if method == "knn":
        return _graph(cities.index, _knn_edges(cities, k))
    if method not in METHODS:
        raise GraphError(f"method must be one of {', '.join(METHODS)}; got {method!r}.")
    if threshold_km is None and method != "inverse_distance":
        raise GraphError(f"method {method!r} needs threshold_km, a distance in kilometres; none was given.")
    lon, lat = city_points(cities)
    i, j, km = within_km(lon, lat, 20_040.0 if threshold_km is None else threshold_km)
    if method == "distance_band":
        weight = np.ones(len(km))
    elif method == "kernel":
        weight = _kernel_weight(km, float(threshold_km or 0.0), kernel)
    else:
        weight = _inverse_weight(cities.index, i, j, km)
    return _graph(cities.index, (np.append(i, j), np.append(j, i), np.append(weight, weight)))


def sensitivity_graphs(cities: gpd.GeoDataFrame, *, coverage: bool | None = None) -> dict[str, Graph]:
    """Build the seven graphs over which a result must hold to be called stable.

    Parameters
    ----------
    cities : geopandas.GeoDataFrame of shape (n_cities, …)
        As for :func:`build_graph`, with polygons.
    coverage : bool, optional
        As for :func:`build_graph`.

    Returns
    -------
    dict of str to libpysal.graph.Graph
        ``knn4 knn6 knn8 queen band200 band300 band400``. Isolates of "queen" are joined to their nearest
        city, with a warning; isolates of the bands stay isolates: a city with nobody within 200 km has no
        neighbors at 200 km, and its statistics are NaN there.

    Warns
    -----
    GeoCdeiWarning
        Names the isolates of "queen" that were joined.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> x = np.arange(9.0) + 100
    >>> cities = gpd.GeoDataFrame(geometry=shapely.box(x, 30, x + 1, 31), index=list("abcdefghi"), crs=4326)
    >>> {name: graph.n_edges for name, graph in sensitivity_graphs(cities).items()}
    {'knn4': 36, 'knn6': 54, 'knn8': 72, 'queen': 16, 'band200': 30, 'band300': 42, 'band400': 52}
    """
    graphs = {f"knn{k}": build_graph(cities, method="knn", k=k) for k in (4, 6, 8)}
    graphs["queen"] = connect_isolates(build_graph(cities, method="queen", coverage=coverage), cities)
    for km in (200, 300, 400):
        graphs[f"band{km}"] = build_graph(cities, method="distance_band", threshold_km=km)
    return graphs


def isolates(graph: Graph) -> pd.Index[str]:
    """List the cities without a neighbor.

    Parameters
    ----------
    graph : libpysal.graph.Graph
        Any graph.

    Returns
    -------
    pandas.Index
        Their ids, in the order of the graph.

    Examples
    --------
    >>> from libpysal.graph import Graph
    >>> isolates(Graph.from_arrays(["a", "b", "c"], ["b", "a", "c"], [1, 1, 0])).tolist()
    ['c']
    """
    alone: pd.Index[str] = pd.Index(graph.isolates, name=graph.unique_ids.name)
    return alone


def connect_isolates(graph: Graph, cities: gpd.GeoDataFrame, *, k: int = 1) -> Graph:
    """Join every isolate to its nearest cities, in both directions.

    Parameters
    ----------
    graph : libpysal.graph.Graph
        Binary graph of *cities*, in their order; it is not changed.
    cities : geopandas.GeoDataFrame
        As for :func:`build_graph`.
    k : int, default 1
        How many nearest cities an isolate is joined to.

    Returns
    -------
    libpysal.graph.Graph
        With the new edges of weight 1; ``isolates(graph)`` names the cities that were joined.

    Raises
    ------
    AlignmentError
        If *graph* and *cities* list different cities or another order.
    GraphError
        If the weights are not 0 or 1: connect first, transform afterwards.

    Warns
    -----
    GeoCdeiWarning
        Names the cities that were joined, and to whom.

    Examples
    --------
    >>> import geopandas as gpd
    >>> cities = gpd.GeoDataFrame({"lon": [0.0, 1.0, 5.0], "lat": 0.0}, index=["a", "b", "c"])
    >>> band = build_graph(cities, method="distance_band", threshold_km=200)
    >>> with warnings.catch_warnings(record=True):
    ...     warnings.simplefilter("always")
    ...     connect_isolates(band, cities).adjacency.index.tolist()
    [('a', 'b'), ('b', 'a'), ('b', 'c'), ('c', 'b')]
    """
    check_order(cities.index, graph, what="cities")
    weights = graph.sparse.tocoo()
    some = weights.data != 0
    if not (weights.data[some] == 1).all():
        raise GraphError("connect_isolates needs a graph of weights 0 and 1. Connect first, transform afterwards.")
    alone = np.flatnonzero(cities.index.isin(isolates(graph)))
    if not len(alone):
        return graph.copy()
    focal, neighbor, _ = _knn_edges(cities, k)
    new = np.isin(focal, alone)
    focal, neighbor = focal[new], neighbor[new]
    names = _city_names(cities)
    joined = [f"{names[a]} to {names[b]}" for a, b in zip(focal, neighbor, strict=True)]
    warnings.warn(
        f"{len(alone)} of {len(cities)} cities had no neighbor and were joined to their nearest: "
        f"{name_some(joined)}.",
        GeoCdeiWarning,
        stacklevel=2,
    )
    rows, columns = weights.coords
    both = np.column_stack(
        [np.concatenate([rows[some], focal, neighbor]), np.concatenate([columns[some], neighbor, focal])]
    )
    both = np.unique(both.astype(np.int64), axis=0)
    return _graph(cities.index, (both[:, 0], both[:, 1], np.ones(len(both))))


def transform(graph: Graph, transformation: str) -> Graph:
    """Row-standardize a graph or make it binary, leaving the caller's graph as it is.

    Parameters
    ----------
    graph : libpysal.graph.Graph
        Any graph.
    transformation : {"R", "B"}
        Rows that sum to 1, or weights of 1.

    Returns
    -------
    libpysal.graph.Graph
        A new graph.

    Raises
    ------
    GraphError
        If *transformation* is neither.

    Examples
    --------
    >>> from libpysal.graph import Graph
    >>> graph = Graph.from_arrays(["a", "a", "b", "c"], ["b", "c", "a", "a"], [1, 1, 1, 1])
    >>> transform(graph, "R").adjacency.tolist()
    [0.5, 0.5, 1.0, 1.0]
    """
    if transformation not in ("R", "B"):
        raise GraphError(f'transformation must be "R" (rows sum to 1) or "B" (binary); got {transformation!r}.')
    return graph.copy() if graph.transformation == transformation else graph.transform(transformation)


def lag(graph: Graph, y: pd.Series[float]) -> pd.Series[float]:
    """Sum the neighbors' values of every city, with the graph's weights.

    Parameters
    ----------
    graph : libpysal.graph.Graph
        With rows that sum to 1 the lag is the neighbors' mean.
    y : pandas.Series of shape (n_cities,)
        Indexed by ``adcode`` in the order of the graph.

    Returns
    -------
    pandas.Series of shape (n_cities,)
        The lag; NA for an isolate and where a neighbor's value is missing.

    Raises
    ------
    AlignmentError
        If *y* lists other cities than the graph, or another order.

    Examples
    --------
    >>> from libpysal.graph import Graph
    >>> graph = Graph.from_arrays(["a", "a", "b", "c"], ["b", "c", "a", "c"], [0.5, 0.5, 1, 0])
    >>> lag(graph, pd.Series([1.0, 2.0, 4.0], index=["a", "b", "c"])).tolist()
    [3.0, 1.0, nan]
    """
    check_order(y.index, graph, what="y")
    weights = graph.sparse.copy()
    weights.eliminate_zeros()
    values = weights @ numbers(y)
    values[np.diff(weights.indptr) == 0] = np.nan
    return pd.Series(values, index=y.index, name="lag")


def city_points(cities: gpd.GeoDataFrame) -> tuple[FloatArray, FloatArray]:
    """Find the point at which every city is measured.

    Parameters
    ----------
    cities : geopandas.GeoDataFrame of shape (n_cities, …)
        With columns ``lon`` and ``lat`` (degrees, EPSG:4326), or with polygons and a CRS.

    Returns
    -------
    lon, lat : numpy.ndarray of shape (n_cities,)
        Degrees (EPSG:4326): the columns, else a representative point taken on an equal-area plane.

    Raises
    ------
    BoundaryError
        If the CRS or a geometry is missing, or a coordinate is out of range.

    Examples
    --------
    >>> import geopandas as gpd
    >>> city_points(gpd.GeoDataFrame({"lon": [116.4], "lat": [39.9]}, index=["110000"]))
    (array([116.4]), array([39.9]))
    """
    if {"lon", "lat"} <= set(cities.columns):
        return check_lonlat(cities["lon"].to_numpy(float), cities["lat"].to_numpy(float))
    _check_polygons(cities)
    point = cities.geometry.to_crs(EQUAL_AREA).representative_point().to_crs(4326)
    return check_lonlat(point.x.to_numpy(), point.y.to_numpy())


def _graph(ids: pd.Index[str], edges: Edges) -> Graph:
    from libpysal.graph import Graph
    from scipy import sparse

    focal, neighbor, weight = edges
    some = weight != 0
    matrix = sparse.csr_array((weight[some], (focal[some], neighbor[some])), shape=(len(ids), len(ids)))
    matrix.sort_indices()
    return Graph.from_sparse(matrix, ids=ids)


def _knn_edges(cities: gpd.GeoDataFrame, k: int) -> Edges:
    lon, lat = city_points(cities)
    # in the order of the ids, so that ties do not depend on the order of the rows
    order = np.asarray(cities.index.argsort(), dtype=np.int64)
    positions, _ = nearest(lon[order], lat[order], k)
    focal = np.repeat(order, k)
    return focal, order[positions.ravel()], np.ones(len(focal))


def _contiguity_graph(cities: gpd.GeoDataFrame, *, rook: bool, coverage: bool | None) -> Graph:
    import shapely
    from libpysal.graph import Graph

    _check_polygons(cities)
    geometry = np.asarray(cities.geometry.array, dtype=object)
    if coverage is None:
        coverage = bool(shapely.coverage_is_valid(geometry))
    if coverage:
        return Graph.from_sparse(coverage_contiguity(geometry, rook=rook), ids=cities.index)
    warnings.warn(
        f"The {len(cities)} polygons are not a valid coverage (shared borders differ, or polygons overlap): "
        "neighbors were found by libpysal's geometric predicates, which miss pairs parted by a sliver.",
        GeoCdeiWarning,
        stacklevel=3,
    )
    return Graph.build_contiguity(cities.geometry, rook=rook, strict=True)


def _kernel_weight(km: FloatArray, bandwidth: float, kernel: str) -> FloatArray:
    if kernel == "triangular":
        return np.maximum(1.0 - km / bandwidth, 0.0)
    if kernel == "gaussian":
        return np.asarray(np.exp(-0.5 * (km / bandwidth) ** 2))
    raise GraphError(f'kernel must be "triangular" or "gaussian"; got {kernel!r}.')


def _inverse_weight(ids: pd.Index[str], i: IntArray, j: IntArray, km: FloatArray) -> FloatArray:
    same = np.flatnonzero(km == 0)
    if len(same):
        first = f"{ids[i[same[0]]]} and {ids[j[same[0]]]}"
        raise GraphError(
            f"Inverse distance needs cities at different points; {len(same)} pairs share one "
            f"(first: {first}). Correct the points or use a kernel."
        )
    return 1.0 / km


def _check_ids(cities: gpd.GeoDataFrame) -> None:
    check_once(cities.index, GraphError)
    if len(cities) < 2:
        raise GraphError(f"A graph needs at least 2 cities; got {len(cities)}.")


def _check_polygons(cities: gpd.GeoDataFrame) -> None:
    if getattr(cities, "crs", None) is None:
        raise BoundaryError(
            f"The {len(cities)} polygons have no CRS, so nothing can be measured. Set it with cities.set_crs(…)."
        )
    bad = cities.geometry.isna() | cities.geometry.is_empty | ~cities.geom_type.isin(["Polygon", "MultiPolygon"])
    if bad.any():
        raise BoundaryError(
            f"{int(bad.sum())} of {len(cities)} cities have no polygon: {name_some(cities.index[bad])}. "
            "Give each city a polygon, or columns lon and lat for a distance method."
        )


def _city_names(cities: gpd.GeoDataFrame) -> list[str]:
    if "city" in cities.columns:
        return [f"{city} ({code})" for code, city in cities["city"].items()]
    return [str(code) for code in cities.index]
