"""Spatial graphs against libpysal, against brute force, and at their edges."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import libpysal
import numpy as np
import pandas as pd
import pytest
import shapely
from libpysal.graph import Graph

from geo_cdei._geodesy import pairwise_km
from geo_cdei.analysis.graphs import (
    build_graph,
    city_points,
    connect_isolates,
    isolates,
    lag,
    sensitivity_graphs,
    transform,
)
from geo_cdei.errors import AlignmentError, BoundaryError, GeoCdeiWarning, GraphError

EXAMPLES = Path(libpysal.__path__[0]) / "examples"


def read_example(name: str) -> gpd.GeoDataFrame:
    layer = gpd.read_file(EXAMPLES / name)
    return layer if layer.crs is not None else layer.set_crs(32650)


def edges(graph: Graph) -> set[tuple[str, str]]:
    adjacency = graph.adjacency
    return set(adjacency[adjacency != 0].index.tolist())


@pytest.mark.parametrize("rook", [False, True])
@pytest.mark.parametrize("name", ["columbus/columbus.shp", "sids2/sids2.shp", "stl/stl_hom.shp", "georgia/G_utm.shp"])
def test_contiguity_has_libpysals_edges(name, rook):
    """Outside witness on four real coverages, queen and rook."""
    layer = read_example(name)
    ours = build_graph(layer, method="rook" if rook else "queen")
    assert edges(ours) == edges(Graph.build_contiguity(layer, rook=rook))


def test_queen_counts_on_a_lattice(lattice):
    """By hand: 10 x 10 cells have 4·3 + 32·5 + 64·8 queen edges and 4·2 + 32·3 + 64·4 rook edges."""
    assert len(edges(build_graph(lattice, method="queen"))) == 684
    assert len(edges(build_graph(lattice, method="rook"))) == 360


def test_polygons_with_holes_and_parts_are_joined_through_every_ring():
    """An enclave touches only the inner ring of the unit around it."""
    ring = shapely.Polygon([(0, 0), (9, 0), (9, 9), (0, 9)], holes=[[(3, 3), (6, 3), (6, 6), (3, 6)]])
    layer = gpd.GeoDataFrame(geometry=[ring, shapely.box(3, 3, 6, 6)], index=["a", "b"], crs=4326)
    assert edges(build_graph(layer, method="rook")) == {("a", "b"), ("b", "a")}


def test_an_invalid_coverage_falls_back_and_says_so():
    """A border with an extra vertex on one side only: vertices do not match, geometry does."""
    layer = gpd.GeoDataFrame(
        geometry=[shapely.box(0, 0, 1, 2), shapely.box(1, 0.5, 2, 1.5)], index=["a", "b"], crs=4326
    )
    with pytest.warns(GeoCdeiWarning, match="not a valid coverage"):
        graph = build_graph(layer, method="queen")
    assert edges(graph) == {("a", "b"), ("b", "a")}


def test_knn_equals_sorting_the_distances(two_blobs):
    """Brute force over all pairs."""
    km = pairwise_km(two_blobs["lon"], two_blobs["lat"])
    np.fill_diagonal(km, np.inf)
    ids = two_blobs.index
    expected = {(ids[i], ids[j]) for i in range(24) for j in np.argsort(km[i])[:5]}
    assert edges(build_graph(two_blobs, method="knn", k=5)) == expected


def test_graph_keeps_the_order_of_the_cities(two_blobs):
    """Positions in the graph are positions in the table."""
    shuffled = two_blobs.sample(frac=1, random_state=1)
    assert build_graph(shuffled, k=3).unique_ids.tolist() == shuffled.index.tolist()


def test_ties_do_not_depend_on_the_order_of_the_rows(line_of_cities):
    """On a line of equal steps the second neighbor is a tie; the smaller id is nearer."""
    forward = edges(build_graph(line_of_cities, k=1))
    assert forward == edges(build_graph(line_of_cities[::-1], k=1))
    assert ("d", "c") in forward


def test_distance_band_keeps_all_and_only_the_near(two_blobs):
    """Threshold in kilometres on the ellipsoid."""
    km = pairwise_km(two_blobs["lon"], two_blobs["lat"])
    ids = two_blobs.index
    expected = {(ids[i], ids[j]) for i, j in np.argwhere((km <= 150) & (km > 0))}
    assert edges(build_graph(two_blobs, method="distance_band", threshold_km=150)) == expected


@pytest.mark.parametrize("kernel", ["triangular", "gaussian"])
def test_kernel_weights_are_libpysals(two_blobs, kernel):
    """Up to the constant of the gaussian, on the same distances."""
    from scipy.sparse import csr_array

    km = pairwise_km(two_blobs["lon"], two_blobs["lat"])
    ours = build_graph(two_blobs, method="kernel", threshold_km=200, kernel=kernel).sparse.toarray()
    near = csr_array(np.where((km <= 200) & (km > 0), km, 0))
    theirs = Graph.build_kernel(near, kernel=kernel, bandwidth=200, metric="precomputed").sparse.toarray()
    scale = np.sqrt(2 * np.pi) if kernel == "gaussian" else 1.0
    assert np.allclose(ours, theirs * scale, atol=1e-12)


def test_inverse_distance_is_one_over_km(line_of_cities):
    """All pairs without a threshold; two steps weigh half of one."""
    weights = build_graph(line_of_cities, method="inverse_distance").sparse.toarray()
    assert np.count_nonzero(weights) == 42
    assert weights[0, 1] == pytest.approx(2 * weights[0, 2])


def test_inverse_distance_refuses_two_cities_on_one_point(line_of_cities):
    """1 / 0 km is no weight."""
    line_of_cities.loc["b", "lon"] = 100.0
    with pytest.raises(GraphError, match=r"1 pairs share one.*a and b"):
        build_graph(line_of_cities, method="inverse_distance")


def test_points_come_from_the_seat_before_the_polygon(lattice):
    """With lon, lat the columns; without, a point inside the cell."""
    lon, lat = city_points(lattice)
    assert shapely.contains_xy(lattice.geometry.to_numpy(), lon, lat).all()
    assert city_points(lattice.assign(lon=100.0, lat=30.0))[0].tolist() == [100.0] * 100


def test_a_projected_layer_gives_the_same_graph(lattice):
    """Points are measured on the ellipsoid whatever the CRS of the layer."""
    assert edges(build_graph(lattice, k=4)) == edges(build_graph(lattice.to_crs(32649), k=4))


def test_a_layer_without_crs_is_refused(lattice):
    """Degrees would be taken for metres."""
    with pytest.raises(BoundaryError, match=r"100 polygons have no CRS"):
        build_graph(lattice.set_crs(None, allow_override=True), method="queen")


def test_a_city_without_polygon_is_named(lattice):
    """Nothing is dropped."""
    lattice.loc["r0c3", "geometry"] = None
    with pytest.raises(BoundaryError, match="1 of 100 cities have no polygon: r0c3"):
        build_graph(lattice, method="queen")


def test_repeated_ids_are_refused(line_of_cities):
    """A graph of doubles has no meaning."""
    with pytest.raises(GraphError, match="1 ids repeat: a"):
        build_graph(pd.concat([line_of_cities, line_of_cities[:1]]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "nearest"}, "method must be one of knn"),
        ({"method": "distance_band"}, "needs threshold_km"),
        ({"method": "kernel", "threshold_km": 200, "kernel": "cosine"}, "triangular"),
        ({"k": 7}, "k=7 with 7 points"),
    ],
)
def test_impossible_requests_are_refused(line_of_cities, options, message):
    """Each with its cure."""
    with pytest.raises(GraphError, match=message):
        build_graph(line_of_cities, **options)


def test_isolates_are_listed_and_joined_both_ways(line_of_cities):
    """The far city is joined to its nearest, by name, and the caller's graph stays as it was."""
    line_of_cities.loc["g", "lon"] = 120.0
    line_of_cities["city"] = list("ABCDEFG")
    band = build_graph(line_of_cities, method="distance_band", threshold_km=150)
    before = band.adjacency.copy()
    with pytest.warns(GeoCdeiWarning, match=r"1 of 7 cities.*G \(g\) to F \(f\)"):
        joined = connect_isolates(band, line_of_cities)
    assert isolates(band).tolist() == ["g"]
    assert edges(joined) - edges(band) == {("g", "f"), ("f", "g")}
    pd.testing.assert_series_equal(band.adjacency, before)


def test_connecting_a_connected_graph_changes_nothing(line_of_cities):
    """And warns of nothing."""
    graph = build_graph(line_of_cities, k=2)
    assert edges(connect_isolates(graph, line_of_cities)) == edges(graph)


def test_weighted_graphs_cannot_be_connected(line_of_cities):
    """Nobody knows which weight the new edge would have."""
    graph = build_graph(line_of_cities, method="kernel", threshold_km=150)
    with pytest.raises(GraphError, match="Connect first"):
        connect_isolates(graph, line_of_cities)


def test_transform_leaves_the_callers_graph(line_of_cities):
    """A new graph, rows of one, and back."""
    graph = build_graph(line_of_cities, k=3)
    rows = transform(graph, "R")
    assert rows.sparse.sum(axis=1).tolist() == pytest.approx([1] * 7)
    assert graph.transformation == "O"
    assert (transform(rows, "B").adjacency == 1).all()


def test_transform_refuses_what_the_statistics_do_not_use(line_of_cities):
    """Only R and B."""
    with pytest.raises(GraphError, match="got 'V'"):
        transform(build_graph(line_of_cities, k=3), "V")


def test_lag_is_the_neighbors_mean(line_of_cities):
    """By hand on the line: inside, the mean of both sides."""
    graph = transform(build_graph(line_of_cities, method="distance_band", threshold_km=150), "R")
    assert lag(graph, line_of_cities["y"]).tolist() == [2, 2, 3, 4, 5, 6, 6]


def test_lag_refuses_another_order(line_of_cities):
    """Graph.lag would answer wrongly without a word."""
    graph = build_graph(line_of_cities, k=2)
    with pytest.raises(AlignmentError, match=r"y has 7 cities.* 0 cities of y"):
        lag(graph, line_of_cities["y"][::-1])


def test_lag_of_an_isolate_and_beside_a_gap_is_missing(line_of_cities):
    """Missing never becomes 0."""
    line_of_cities.loc["g", "lon"] = 120.0
    line_of_cities.loc["a", "y"] = np.nan
    graph = build_graph(line_of_cities, method="distance_band", threshold_km=150)
    assert lag(graph, line_of_cities["y"]).isna().tolist() == [False, True, *[False] * 4, True]


def test_seven_sensitivity_graphs(lattice):
    """The keys of the report, and the nearest k in the first three."""
    graphs = sensitivity_graphs(lattice)
    assert list(graphs) == ["knn4", "knn6", "knn8", "queen", "band200", "band300", "band400"]
    assert [graphs[f"knn{k}"].n_edges for k in (4, 6, 8)] == [400, 600, 800]
