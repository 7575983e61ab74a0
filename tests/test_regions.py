"""Random regions and partitions: connected, of the right size, even, and the same for the same seed."""

from __future__ import annotations

import itertools

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from scipy import sparse, stats
from scipy.sparse.csgraph import connected_components

from geo_cdei import _regions
from geo_cdei._regions import bridge, grow_regions, neighbor_table, random_partitions
from geo_cdei.analysis.partitions import connected_contiguity, random_partitions_of
from geo_cdei.errors import GraphError


def grid(side):
    line = sparse.diags_array([1.0, 1.0], offsets=[-1, 1], shape=(side, side))
    return sparse.csr_array(sparse.kron(line, sparse.eye_array(side)) + sparse.kron(sparse.eye_array(side), line))


def is_contiguous(adjacency, nodes):
    return connected_components(adjacency[np.ix_(nodes, nodes)], directed=False)[0] == 1


GRID = grid(6)
STAR = sparse.csr_array(np.array([[0, 1, 1, 1], [1, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0]]))


# --- regions


def test_every_beginning_of_a_region_is_contiguous_and_without_repeats():
    for region in grow_regions(GRID, 9, draws=40, seed=1):
        assert len(set(region.tolist())) == 9
        assert all(is_contiguous(GRID, region[:k]) for k in range(1, 10))


def test_the_first_city_is_drawn_evenly():
    first = grow_regions(GRID, 2, draws=7200, seed=2)[:, 0]
    assert stats.chisquare(np.bincount(first, minlength=36)).pvalue > 0.01


def test_the_next_city_is_drawn_evenly_from_the_neighbours():
    """From the middle of a star every leaf has the same chance."""
    second = grow_regions(STAR, 2, draws=3000, seed=3, starts=np.array([0]))[:, 1]
    assert stats.chisquare(np.bincount(second, minlength=4)[1:]).pvalue > 0.01


def test_regions_start_where_they_are_told_to():
    assert set(grow_regions(GRID, 3, draws=50, seed=4, starts=np.array([5, 7]))[:, 0].tolist()) == {5, 7}


def test_the_seed_alone_decides_the_regions():
    np.testing.assert_array_equal(*(grow_regions(GRID, 5, draws=20, seed=6) for _ in range(2)))
    assert (grow_regions(GRID, 5, draws=20, seed=6) != grow_regions(GRID, 5, draws=20, seed=7)).any()


def test_a_table_of_neighbours_grows_what_each_region_alone_would():
    table = neighbor_table(GRID, 9)
    for size in (1, 4, 9):
        alone = grow_regions(GRID, size, draws=20, seed=6)
        np.testing.assert_array_equal(grow_regions(table, size, draws=20, seed=6), alone)


def test_a_list_of_the_frontier_takes_neighbours_in_their_order(monkeypatch):
    """As the rule is written down, one neighbor after the other, for a region and its frontier as Python lists."""
    monkeypatch.setattr(_regions, "MANY_CITIES", 0)
    rng, by_hand = np.random.default_rng(6), [[start] for start in np.random.default_rng(6).choice(36, size=5)]
    rng.choice(36, size=5)
    frontiers, seen = [[] for _ in by_hand], [set(region) for region in by_hand]
    for _ in range(8):
        for region, frontier, known in zip(by_hand, frontiers, seen, strict=True):
            new = [city for city in GRID[[region[-1]]].indices.tolist() if city not in known]
            frontier += new
            known |= set(new)
        for region, frontier, key in zip(by_hand, frontiers, rng.random(5), strict=True):
            at = int(key * len(frontier))
            region.append(frontier[at])
            frontier[at] = frontier[-1]
            frontier.pop()
    np.testing.assert_array_equal(grow_regions(GRID, 9, draws=5, seed=6), by_hand)


def test_a_region_larger_than_the_graph_is_refused():
    with pytest.raises(GraphError, match="a region of 37 cities was asked of a graph of 36"):
        grow_regions(GRID, 37, draws=1, seed=1)


def test_a_graph_in_pieces_is_refused():
    with pytest.raises(GraphError, match=r"has 2 components; contiguous regions need one\. Join them with bridge"):
        grow_regions(sparse.block_diag([STAR, STAR], format="csr"), 2, draws=1, seed=1)


# --- partitions


def test_every_part_is_contiguous_and_of_exactly_its_size():
    sizes = [1, 2, 3, 5, 7, 8, 10]
    for labels in random_partitions(GRID, sizes, draws=15, seed=1):
        assert np.bincount(labels).tolist() == sizes
        assert all(is_contiguous(GRID, np.flatnonzero(labels == part)) for part in range(len(sizes)))


def test_on_a_line_every_partition_is_reached():
    """A line of 4 is cut into 1 + 3 or 3 + 1, and both must come."""
    line = sparse.diags_array([1.0, 1.0], offsets=[-1, 1], shape=(4, 4))
    found = {tuple(row) for row in random_partitions(line, [1, 3], draws=60, seed=2).tolist()}
    assert found == {(0, 1, 1, 1), (1, 1, 1, 0)}


def test_a_draw_hangs_on_the_seed_and_its_number_alone():
    few, many = (random_partitions(GRID, [12, 24], draws=draws, seed=3) for draws in (4, 9))
    np.testing.assert_array_equal(few, many[:4])
    assert len(np.unique(many, axis=0)) > 1


def test_a_star_is_cut_only_as_a_star_can_be():
    labels = random_partitions(STAR, [3, 1], draws=20, seed=1)
    assert (labels[:, 0] == 0).all()


def test_what_cannot_be_cut_is_said():
    with pytest.raises(GraphError, match=r"no partition of 4 cities into parts of \[2, 2\] was found"):
        random_partitions(STAR, [2, 2], draws=1, seed=1)


@pytest.mark.parametrize("sizes", [[10, 10], [36, 0], [37, -1]])
def test_sizes_that_do_not_fill_the_graph_are_refused(sizes):
    with pytest.raises(GraphError, match=rf"the sizes add up to {sum(sizes)}; 36 cities need as many"):
        random_partitions(GRID, sizes, draws=1, seed=1)


def test_progress_is_told_draw_by_draw():
    told = []
    random_partitions(GRID, [18, 18], draws=3, seed=1, on_draw=lambda done, wanted: told.append((done, wanted)))
    assert told == [(1, 3), (2, 3), (3, 3)]


# --- bridges


def scattered(seed, n=9):
    rng = np.random.default_rng(seed)
    points = rng.random((n, 2)) * 100
    km = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    links = np.zeros((n, n), dtype=bool)
    links[[0, 1, 4], [1, 2, 5]] = True
    return sparse.csr_array(links | links.T), km


@pytest.mark.parametrize("seed", range(4))
def test_the_links_added_are_the_shortest_that_join_all_pieces(seed):
    """Brute force: of all sets of that many links, the one of least length that connects the graph."""
    adjacency, km = scattered(seed, n=7)
    joined, added = bridge(adjacency, km)
    pieces, label = connected_components(adjacency, directed=False)
    pairs = [(i, j) for i, j in itertools.combinations(range(7), 2) if label[i] != label[j]]
    best = np.inf
    for chosen in itertools.combinations(pairs, pieces - 1):
        rows, cols = np.array(chosen).T
        extra = sparse.coo_array((np.ones(len(rows)), (label[rows], label[cols])), shape=(pieces, pieces))
        if connected_components(extra, directed=False)[0] == 1:
            best = min(best, km[rows, cols].sum())
    assert km[added[:, 0], added[:, 1]].sum() == pytest.approx(best)
    assert connected_components(joined, directed=False)[0] == 1


def test_the_given_links_stay_and_nothing_but_the_bridges_is_added():
    adjacency, km = scattered(9)
    joined, added = bridge(adjacency, km)
    assert (joined != joined.T).nnz == 0
    assert joined.nnz == adjacency.nnz + 2 * len(added)
    assert joined.multiply(adjacency).nnz == adjacency.nnz


def test_a_connected_graph_gets_no_bridge():
    joined, added = bridge(GRID, np.ones((36, 36)))
    assert (len(added), joined.nnz) == (0, GRID.nnz)


def test_pieces_in_one_place_are_joined_all_the_same():
    joined, added = bridge(sparse.csr_array((3, 3)), np.zeros((3, 3)))
    assert len(added) == 2
    assert connected_components(joined, directed=False)[0] == 1


# --- cities


@pytest.fixture(scope="module")
def islands():
    """Two blocks of 2 x 3 cells, six degrees apart, in no order."""
    west = np.tile([100.0, 101.0, 102.0, 108.0, 109.0, 110.0], 2)
    south = np.repeat([30.0, 31.0], 6)
    frame = gpd.GeoDataFrame(
        {"lon": west + 0.5, "lat": south + 0.5},
        geometry=shapely.box(west, south, west + 1, south + 1),
        index=pd.Index([f"{k:06d}" for k in range(12)], name="adcode"),
        crs=4326,
    )
    return frame.sample(frac=1, random_state=3)


def test_pieces_of_the_land_are_joined_between_their_nearest_seats(islands):
    _, added = connected_contiguity(islands.sort_index())
    assert added[["focal", "neighbor"]].to_numpy().tolist() == [["000008", "000009"]]
    assert added["km"].tolist() == [pytest.approx(570, abs=5)]


def test_partitions_of_cities_hang_on_their_codes_not_on_the_order_of_the_rows(islands):
    groups = pd.Series(list("AAABBBCCCDDD"), index=sorted(islands.index))
    orders = islands, islands.sort_index(ascending=False)
    tables = [random_partitions_of(cities, groups, draws=6, seed=1) for cities in orders]
    pd.testing.assert_frame_equal(*tables)
    assert tables[0].columns.tolist() == sorted(islands.index)


def test_partitions_of_cities_have_as_many_parts_of_the_same_sizes(islands):
    groups = pd.Series(list("AAAAAABBBBCC"), index=islands.index)
    table = random_partitions_of(islands, groups, draws=6, seed=1)
    assert [np.bincount(row).tolist() for row in table.to_numpy()] == [[6, 4, 2]] * 6


# --- many cities: other algorithms, the same rules


@pytest.fixture
def ladder():
    """Six cities in a line, the first also beside the fourth."""
    line = sparse.diags_array([1.0, 1.0], offsets=[-1, 1], shape=(6, 6)).tolil()
    line[0, 3] = line[3, 0] = 1.0
    return line.tocsr()


def shares(regions):
    """How often each set of cities was grown."""
    found, counts = np.unique(np.sort(regions, axis=1), axis=0, return_counts=True)
    return pd.Series(counts / len(regions), index=pd.MultiIndex.from_arrays(found.T))


def test_lists_of_the_frontier_grow_regions_by_the_same_chances(ladder, monkeypatch):
    plain = shares(grow_regions(ladder, 3, draws=40_000, seed=3))
    monkeypatch.setattr(_regions, "MANY_CITIES", 1)
    listed = shares(grow_regions(ladder, 3, draws=40_000, seed=3))
    assert listed.index.equals(plain.index)
    assert (listed - plain).abs().max() < 5 * np.sqrt(0.25 * 2 / 40_000)


def test_a_part_of_the_draws_is_that_part_of_all(ladder, monkeypatch):
    monkeypatch.setattr(_regions, "MANY_CITIES", 1)
    whole = grow_regions(ladder, 4, draws=50, seed=3)
    assert (grow_regions(ladder, 4, draws=50, seed=3, part=(20, 35)) == whole[20:35]).all()


def test_the_tree_of_a_library_is_as_random_as_ours(ladder):
    """Each spanning tree of the graph, by how often it is drawn."""
    links, found = _regions._Links.of(ladder), []
    for draw in (_regions._random_tree, _regions._large_tree):
        rng = np.random.default_rng(1)
        trees = []
        for _ in range(6000):
            _, parent = draw(list(range(6)), links, rng)
            trees.append(tuple(sorted(tuple(sorted(pair)) for pair in parent.items() if -1 not in pair)))
        found.append(pd.Series(trees).value_counts(normalize=True))
    assert set(found[0].index) == set(found[1].index)
    assert (found[0] - found[1]).abs().max() < 5 * np.sqrt(0.25 * 2 / 6000)


def test_a_large_tree_stays_among_its_nodes(ladder):
    sequence, parent = _regions._large_tree([1, 2, 3], _regions._Links.of(ladder), np.random.default_rng(1))
    assert (sorted(sequence), sorted(parent)) == ([1, 2, 3], [1, 2, 3])
    assert parent[sequence[0]] == -1
