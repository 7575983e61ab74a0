"""Statistics against esda on five real data sets, by hand, on noise, and on planted patterns."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import esda
import geopandas as gpd
import libpysal
import numpy as np
import pandas as pd
import pytest
from libpysal.graph import Graph

from geo_cdei import columns
from geo_cdei.analysis.autocorrelation import lisa_stability, local_moran, local_moran_bv, moran_quadrant
from geo_cdei.analysis.correlogram import correlogram
from geo_cdei.analysis.global_autocorrelation import global_geary, global_getis, global_moran, global_tests
from geo_cdei.analysis.graphs import build_graph, sensitivity_graphs
from geo_cdei.analysis.hotspots import getis_ord, local_geary
from geo_cdei.analysis.joins import join_counts
from geo_cdei.errors import AlignmentError, GeoCdeiWarning, StatisticError

EXAMPLES = Path(libpysal.__path__[0]) / "examples"
DATA = {
    "columbus": ("columbus/columbus.shp", "CRIME", "INC"),
    "sids2": ("sids2/sids2.shp", "SIDR79", "NWR79"),
    "stl": ("stl/stl_hom.shp", "HR8893", "RDAC90"),
    "baltim": ("baltim/baltim.shp", "PRICE", "AGE"),
    "georgia": ("georgia/G_utm.shp", "PctBach", "PctRural"),
}
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
QUADRANT = {1: "HH", 2: "LH", 3: "LL", 4: "HL"}


@cache
def load(name: str) -> tuple[pd.Series, pd.Series, Graph]:
    """Two variables and a graph: queen for polygons, five nearest for the points of baltim."""
    path, y, x = DATA[name]
    layer = gpd.read_file(EXAMPLES / path)
    points = name == "baltim"
    graph = Graph.build_knn(layer, k=5) if points else Graph.build_contiguity(layer, rook=False)
    return layer[y].astype(float), layer[x].astype(float), graph


@pytest.fixture(params=DATA)
def example(request) -> tuple[pd.Series, pd.Series, Graph]:
    return load(request.param)


def line(n: int) -> Graph:
    return Graph.from_arrays([*range(n - 1), *range(1, n)], [*range(1, n), *range(n - 1)], np.ones(2 * n - 2))


class TestAgainstEsda:
    """Observed values to 1e-10 on data that ships with libpysal."""

    def test_global_moran(self, example):
        """I, its expectation and both analytic deviates."""
        y, _, graph = example
        ours, theirs = global_moran(y, graph, permutations=99, seed=1), esda.Moran(y, graph, permutations=0)
        for name in ("I", "EI", "z_norm", "p_norm", "z_rand", "p_rand"):
            assert getattr(ours, name) == pytest.approx(getattr(theirs, name), abs=1e-10)

    def test_global_geary(self, example):
        """C and both analytic deviates."""
        y, _, graph = example
        ours, theirs = global_geary(y, graph, permutations=99, seed=1), esda.Geary(y, graph, permutations=0)
        for name in ("C", "EC", "z_norm", "z_rand"):
            assert getattr(ours, name) == pytest.approx(getattr(theirs, name), abs=1e-10)

    def test_global_getis(self, example):
        """G, its expectation and its deviate."""
        y, _, graph = example
        ours, theirs = global_getis(y, graph, permutations=99, seed=1), esda.G(y, graph, permutations=0)
        for name, peer in (("G", "G"), ("EG", "EG"), ("z_norm", "z_norm")):
            assert getattr(ours, name) == pytest.approx(getattr(theirs, peer), abs=1e-10)

    def test_local_moran(self, example):
        """Local I, z and quadrants."""
        y, _, graph = example
        ours = local_moran(y, graph, permutations=99, seed=1)
        theirs = esda.Moran_Local(y, graph, permutations=0)
        assert np.abs(ours["I"] - theirs.Is).max() < 1e-10
        assert np.abs(ours["z"] - theirs.z).max() < 1e-10
        assert ours["quadrant"].tolist() == [QUADRANT[q] for q in theirs.q]

    def test_local_moran_bv(self, example):
        """Bivariate local I."""
        y, x, graph = example
        ours = local_moran_bv(x, y, graph, permutations=99, seed=1)
        theirs = esda.Moran_Local_BV(x, y, graph, permutations=0)
        assert np.abs(ours["I"] - theirs.Is).max() < 1e-10

    @pytest.mark.parametrize("star", [False, True])
    def test_getis_ord(self, example, star):
        """G, its expectation and its deviate, for binary weights, where esda is right."""
        y, _, graph = example
        ours = getis_ord(y, graph, star=star, permutations=99, seed=1)
        theirs = esda.G_Local(y, graph, transform="B", star=star, permutations=0)
        for name, peer in (("G", "Gs"), ("EG", "EGs"), ("z", "Zs")):
            assert np.abs(ours[name] - getattr(theirs, peer)).max() < 1e-10

    def test_local_geary(self, example):
        """Local C."""
        y, _, graph = example
        ours = local_geary(y, graph, permutations=99, seed=1)
        theirs = esda.Geary_Local(connectivity=graph, permutations=0)
        assert np.abs(ours["C"] - theirs._statistic(y.to_numpy(), graph.transform("R"), True)).max() < 1e-10

    @pytest.mark.filterwarnings("ignore:The inplace keyword")  # esda's own call of pandas
    @pytest.mark.parametrize("name", ["columbus", "sids2", "stl", "georgia"])
    def test_join_counts(self, name):
        """Two colors on symmetric graphs."""
        y, _, graph = load(name)
        high = y > y.median()
        ours = join_counts(high.map({True: "B", False: "W"}), graph, permutations=99, seed=1)
        theirs = esda.Join_Counts(high.astype(int), graph, permutations=0)
        assert ours["joins"].tolist() == [theirs.bb, theirs.bw, theirs.ww]

    def test_global_p_within_monte_carlo_error(self, example):
        """The directed p of esda, doubled, on its own shuffles."""
        y, _, graph = example
        ours = global_moran(y, graph, permutations=4_999, seed=1, transform="B")
        z = ((y - y.mean()) / y.std(ddof=0)).to_numpy()
        rng, w = np.random.default_rng(77), graph.transform("B").sparse
        sims = np.array([v @ (w @ v) for v in (rng.permutation(z) for _ in range(2_000))]) / w.sum()
        p = min(1, 2 * (min((sims >= ours.I).sum(), (sims <= ours.I).sum()) + 1) / 2_001)
        assert abs(ours.p_sim - p) < 5 * 2 * np.sqrt(0.25 / 2_000)


class TestByHand:
    """Values worked out on a few cells."""

    def test_global_moran_of_a_line(self):
        """1 … 5, binary: I = 5/8 · 2·(2 + 0 + 0 + 2)/10 = .5."""
        y = pd.Series([1.0, 2, 3, 4, 5])
        assert pytest.approx(0.5) == global_moran(y, line(5), permutations=9, seed=1, transform="B").I

    def test_global_geary_of_a_line(self):
        """C = (n - 1) sum (steps of 1)² / (2 S0 sum z²) = 4 · 8 / (2 · 8 · 10) = .2."""
        y = pd.Series([1.0, 2, 3, 4, 5])
        assert pytest.approx(0.2) == global_geary(y, line(5), permutations=9, seed=1, transform="B").C

    def test_general_g_of_a_line(self):
        """Joined products 2 (2 + 6 + 12 + 20) over all pairs 15² - 55."""
        y = pd.Series([1.0, 2, 3, 4, 5])
        assert pytest.approx(80 / 170) == global_getis(y, line(5), permutations=9, seed=1).G

    def test_local_moran_of_a_line(self):
        """At the end: z = -√2, lag = -1/√2, I = 4/5 · 1."""
        lisa = local_moran(pd.Series([1.0, 2, 3, 4, 5]), line(5), permutations=9, seed=1)
        assert lisa.loc[0, ["z", "lag", "I"]].tolist() == pytest.approx([-np.sqrt(2), -np.sqrt(0.5), 0.8])
        assert lisa.loc[2, "p_sim"] == 1  # a city at the mean: every I is 0

    def test_local_geary_of_a_line(self):
        """Inside: both steps are 1 / √2 standard deviations, so C = ½."""
        frame = local_geary(pd.Series([1.0, 2, 3, 4, 5]), line(5), permutations=9, seed=1)
        assert frame["C"].tolist() == pytest.approx([0.5] * 5)

    def test_exact_p_of_local_moran_on_a_line(self):
        """End city, one neighbor: of four others one is as low, so p → 2/4; of the second, 1 pair of 6."""
        lisa = local_moran(pd.Series([1.0, 2, 3, 4, 5]), line(5), permutations=99_999, seed=1)
        assert lisa["p_sim"].to_numpy()[[0, 4]] == pytest.approx([0.5, 0.5], abs=0.01)

    def test_getis_ord_of_the_published_example(self):
        """Six points of the esda documentation, binary weights within 15 units: Gi and Gi*."""
        x, y = np.array([10, 20, 40, 15, 30, 30.0]), np.array([10, 10, 10, 20, 20, 30.0])
        near = np.hypot(x[:, None] - x, y[:, None] - y) <= 15
        focal, neighbor = np.nonzero(near & ~np.eye(6, dtype=bool))
        graph, values = (
            Graph.from_arrays(focal, neighbor, np.ones(len(focal))),
            pd.Series([2, 3, 3.2, 5, 8, 7]),
        )
        gi = [-1.0136729, -0.04361589, 1.31558703, -0.31412676, 1.15373986, 1.77833941]
        star = [-1.39727626, -0.28917762, 0.65064964, -0.28917762, 1.23452088, 2.02424331]
        assert getis_ord(values, graph, star=False, permutations=9, seed=1)["z"].tolist() == pytest.approx(gi)
        assert getis_ord(values, graph, permutations=9, seed=1)["z"].tolist() == pytest.approx(star)

    def test_join_counts_of_a_line(self):
        """X x x y y y: 2, 1 and 2 joins; 5 edges, so 1, 3 and 1 expected."""
        table = join_counts(pd.Series(list("xxxyyy")), line(6), permutations=9, seed=1)
        assert table["joins"].tolist() == [2, 1, 2]
        assert table["EJ"].tolist() == pytest.approx([1, 3, 1])

    def test_correlogram_of_a_line(self, line_of_cities):
        """1 … 7 at one step: mean product of neighbors, (6 + 2 + 0 + 0 + 2 + 6) / 6 / 4."""
        table = correlogram(line_of_cities["y"], line_of_cities, bands_km=(0, 150), permutations=9, seed=1)
        assert table.loc[0, "I"] == pytest.approx(16 / 6 / 4)
        assert table.loc[0, "n_pairs"] == 6
        assert table.set_index("direction")["n_pairs"].to_dict() == {
            "all": 6, "N-S": 0, "NE-SW": 0, "E-W": 6, "SE-NW": 0,
        }  # fmt: skip


class TestIdentities:
    """What must hold whatever the data."""

    @pytest.mark.parametrize("star", [False, True])
    def test_getis_z_is_the_same_for_binary_and_row_standardized(self, example, star):
        """And so is p."""
        y, _, graph = example
        binary = getis_ord(y, graph, star=star, permutations=199, seed=1)
        rows = getis_ord(y, graph.transform("R"), star=star, permutations=199, seed=1)
        assert np.allclose(binary["z"], rows["z"], atol=1e-10)
        assert np.array_equal(binary["p_sim"], rows["p_sim"])

    def test_local_moran_adds_up_to_the_global_one(self, example):
        """The sum of local I over n - 1 is I, for row-standardized weights."""
        y, _, graph = example
        local, whole = (f(y, graph, permutations=9, seed=1) for f in (local_moran, global_moran))
        assert local["I"].sum() / (len(y) - 1) == pytest.approx(whole.I, abs=1e-12)

    def test_local_geary_adds_up_to_the_global_one(self, example):
        """The sum of local C times (n - 1) / (2 n²) is C."""
        y, _, graph = example
        local, whole = (f(y, graph, permutations=9, seed=1) for f in (local_geary, global_geary))
        n = len(y)
        assert local["C"].sum() * (n - 1) / (2 * n * n) == pytest.approx(whole.C, abs=1e-12)

    def test_joins_add_up_to_the_edges(self, example):
        """Every edge joins some pair of tiers, observed, expected and in every shuffle."""
        y, _, graph = example
        table = join_counts(pd.qcut(y, 4, labels=list("abcd"), duplicates="drop"), graph, permutations=19, seed=1)
        half = (graph.adjacency != 0).sum() / 2
        assert table[["joins", "EJ", "EJ_sim"]].sum().tolist() == pytest.approx([half] * 3)

    def test_bivariate_with_itself_is_univariate(self, example):
        """Same table, same p."""
        y, _, graph = example
        one, two = (
            local_moran(y, graph, permutations=99, seed=1),
            local_moran_bv(y, y, graph, permutations=99, seed=1),
        )
        pd.testing.assert_frame_equal(one, two)

    def test_likeness_is_greater_for_moran_and_less_for_geary(self):
        """One-sided tests of one pattern agree."""
        y, _, graph = load("columbus")
        assert global_moran(y, graph, permutations=499, seed=1, alternative="greater").p_sim == 0.002
        assert global_geary(y, graph, permutations=499, seed=1, alternative="less").p_sim == 0.002

    @pytest.mark.parametrize("test", [global_moran, global_geary, global_getis])
    def test_several_graphs_at_once_give_what_each_gives_alone(self, two_blobs, test):
        """Shuffles that are drawn once are the same shuffles."""
        graphs = {f"knn{k}": build_graph(two_blobs, k=k) for k in (2, 5)}
        y = two_blobs["y"] - two_blobs["y"].min()
        place = [global_moran, global_geary, global_getis].index(test)
        together = global_tests(y, graphs, permutations=99, seed=3)
        assert [together[name][place] for name in graphs] == [
            test(y, graph, permutations=99, seed=3) for graph in graphs.values()
        ]

    def test_correlogram_of_all_pairs_is_minus_one_over_n_minus_one(self, two_blobs):
        """One band that holds every pair: I is its expectation, whatever y."""
        table = correlogram(two_blobs["y"], two_blobs, bands_km=(0, 5000), permutations=19, seed=1)
        assert table.loc[0, "I"] == pytest.approx(-1 / 23)
        assert table.loc[0, "n_pairs"] == 24 * 23 / 2
        assert table.loc[0, "p_sim"] == 1

    def test_bands_and_directions_share_out_the_pairs(self, two_blobs):
        """Each pair in one band, and in one direction of it."""
        table = correlogram(two_blobs["y"], two_blobs, bands_km=(0, 100, 300, 2500), permutations=9, seed=1)
        counts = table.pivot_table(index="to_km", columns="direction", values="n_pairs", sort=False)
        assert counts["all"].sum() == 24 * 23 / 2
        assert (counts.drop(columns="all").sum(axis=1) == counts["all"]).all()

    def test_correlogram_sees_the_direction_of_a_trend(self, lattice):
        """Stripes from west to east: alike along N-S, unlike along E-W."""
        y = pd.Series([float(code[-1]) for code in lattice.index], index=lattice.index)
        table = correlogram(y, lattice, bands_km=(0, 60, 200), permutations=99, seed=1).set_index("direction")
        last = table[table["to_km"] == 200]
        assert table[table["to_km"] == 60].loc["N-S", "I"] == pytest.approx(1)  # one column, one value
        assert last.loc["E-W", "I"] < last.loc["NE-SW", "I"] < last.loc["N-S", "I"]

    def test_correlogram_does_not_depend_on_the_order_of_rows(self, two_blobs):
        """Same p, same I."""
        mixed = two_blobs.sample(frac=1, random_state=2)
        first, second = (
            correlogram(c["y"], c, bands_km=(0, 200, 2500), permutations=99, seed=1) for c in (two_blobs, mixed)
        )
        pd.testing.assert_frame_equal(first, second)


class TestErrorRates:
    """Pure noise stays noise, a planted pattern is found."""

    @pytest.mark.parametrize(
        "statistic",
        [local_moran, getis_ord, local_geary],
        ids=lambda f: f.__name__,
    )
    def test_size_on_noise(self, lattice, statistic):
        """Share of p ≤ .05 over 40 seeds of noise lies in [.04, .06]."""
        graph = build_graph(lattice, method="queen", coverage=True)
        found = 0.0
        for seed in range(40):
            y = pd.Series(np.random.default_rng(1000 + seed).normal(size=100), index=lattice.index)
            found += statistic(y, graph, permutations=999, seed=seed)["significant"].mean() / 40
        assert 0.04 <= found <= 0.06

    def test_size_of_the_global_test(self, lattice):
        """400 maps of noise: five standard errors around .05."""
        graph = build_graph(lattice, method="knn", k=6)
        noise = np.random.default_rng(11).normal(size=(400, 100))
        p = [
            global_moran(pd.Series(y, index=lattice.index), graph, permutations=199, seed=i).p_sim
            for i, y in enumerate(noise)
        ]
        assert abs(np.mean(np.array(p) <= 0.05) - 0.05) < 5 * np.sqrt(0.05 * 0.95 / 400)

    def test_two_blobs_are_found(self, two_blobs):
        """High in the north, low in the south, every city, also under the false discovery rate."""
        lisa = local_moran(two_blobs["y"], build_graph(two_blobs, k=5), seed=1)
        assert lisa["quadrant"].tolist() == ["HH"] * 12 + ["LL"] * 12
        assert lisa["significant_fdr"].all()
        spots = getis_ord(two_blobs["y"], build_graph(two_blobs, k=5), seed=1)
        assert spots["spot"].tolist() == ["hot"] * 12 + ["cold"] * 12


class TestStability:
    """Share of graphs in which a city keeps its class."""

    def test_a_clear_pattern_is_stable(self, two_blobs):
        """Three graphs, one picture."""
        graphs = {f"knn{k}": build_graph(two_blobs, k=k) for k in (5, 6, 8)}
        assert (lisa_stability(two_blobs["y"], graphs, permutations=999, seed=1) == 1).all()

    def test_share_equals_counting_by_hand(self, lattice):
        """Classes from local_moran, counted one by one, over the seven graphs."""
        graphs = sensitivity_graphs(lattice)
        y = lattice["y"].rolling(3, min_periods=1).mean()
        classes = pd.DataFrame(
            {
                name: lisa["quadrant"].where(lisa["significant"], "ns")
                for name, graph in graphs.items()
                for lisa in [local_moran(y, graph, permutations=499, seed=4)]
            }
        )
        expected = classes.eq(classes["knn6"], axis=0).mean(axis=1)
        found = lisa_stability(y, graphs, permutations=499, seed=4)
        assert found.tolist() == pytest.approx(expected.tolist())
        assert 0 < (found < 1).sum() < 100

    def test_a_city_alone_in_a_graph_does_not_keep_its_class_there(self, line_of_cities):
        """No neighbors, no class; alone in the base graph: no answer, and a warning."""
        line_of_cities.loc["g", "lon"] = 120.0
        y, near = line_of_cities["y"], build_graph(line_of_cities, k=2)
        band = build_graph(line_of_cities, method="distance_band", threshold_km=150)
        assert lisa_stability(y, {"knn6": near, "band": band}, permutations=99, seed=1)["g"] == 0.5
        with pytest.warns(GeoCdeiWarning, match=r"1 have no neighbor.*g"):
            assert np.isnan(lisa_stability(y, {"band": band}, base="band", permutations=99, seed=1)["g"])

    def test_the_base_graph_must_be_given(self, line_of_cities):
        """Say which are there."""
        with pytest.raises(StatisticError, match="'knn6' is not among the 1 graphs: knn2"):
            lisa_stability(line_of_cities["y"], {"knn2": build_graph(line_of_cities, k=2)}, seed=1)


class TestEdges:
    """Refusals, columns and circumstances."""

    def test_quadrant_refuses_a_shuffled_lag(self, lattice):
        """A lag in another order is an error, never a silent re-alignment."""
        with pytest.raises(AlignmentError, match=r"100 cities.* 0 cities of lag"):
            moran_quadrant(lattice["y"], lattice["y"][::-1])

    def test_zero_is_low(self):
        """At the mean a city is not high."""
        zero = pd.Series([0.0, 1.0])
        assert moran_quadrant(zero, zero[::-1].set_axis([0, 1])).tolist() == ["LH", "HL"]

    @pytest.mark.parametrize("statistic", [local_moran, getis_ord, local_geary, global_moran])
    def test_self_weights_are_refused(self, statistic):
        """A city is not its own neighbor."""
        graph = line(5).assign_self_weight(1)
        with pytest.raises(Exception, match="5 cities are their own neighbors"):
            statistic(pd.Series(np.arange(5.0)), graph, permutations=9, seed=1)

    def test_infinite_values_are_refused(self):
        """By name."""
        with pytest.raises(StatisticError, match="1 cities are infinite: 2"):
            local_moran(pd.Series([1, 2, np.inf, 4, 5.0]), line(5), seed=1)

    def test_text_is_refused(self):
        """With the cure."""
        with pytest.raises(StatisticError, match=r"pandas\.to_numeric"):
            local_moran(pd.Series(list("abcde")), line(5), seed=1)

    def test_general_g_refuses_negative_values(self):
        """It needs a natural zero."""
        with pytest.raises(StatisticError, match="1 cities are below 0"):
            global_getis(pd.Series([-1.0, 2, 3, 4, 5]), line(5), permutations=9, seed=1)

    def test_one_tier_is_no_pattern(self):
        """Join counts need two."""
        with pytest.raises(StatisticError, match="got 1 tiers"):
            join_counts(pd.Series(list("xxxxx")), line(5), permutations=9, seed=1)

    def test_a_city_listed_twice_is_refused(self, line_of_cities):
        """Two rows of one id cannot be told apart."""
        twice = pd.concat([line_of_cities, line_of_cities.tail(1)])
        with pytest.raises(AlignmentError, match="1 ids repeat"):
            correlogram(twice["y"], twice, permutations=9, seed=1)

    def test_bands_must_ascend(self, line_of_cities):
        """Or a pair would stand in two."""
        with pytest.raises(StatisticError, match="ascending"):
            correlogram(line_of_cities["y"], line_of_cities, bands_km=(0, 200, 100), seed=1)

    def test_columns_are_those_of_the_list(self, line_of_cities):
        """One list, one frame."""
        y, graph = line_of_cities["y"], build_graph(line_of_cities, k=2)
        frames = {
            columns.LISA: local_moran(y, graph, permutations=9, seed=1),
            columns.GETIS: getis_ord(y, graph, permutations=9, seed=1),
            columns.LOCAL_GEARY: local_geary(y, graph, permutations=9, seed=1),
            columns.JOINS: join_counts(y.gt(3).astype(str), graph, permutations=9, seed=1),
            columns.CORRELOGRAM: correlogram(y, line_of_cities, bands_km=(0, 300), permutations=9, seed=1),
        }
        assert {names: tuple(frame.columns) for names, frame in frames.items()} == {names: names for names in frames}

    def test_the_number_of_permutations_is_told(self):
        """Default and given."""
        y, _, graph = load("columbus")
        assert local_moran(y, graph, seed=3).attrs == {
            "permutations": 9_999,
            "seed": 3,
            "alternative": "two-sided",
        }
        assert getis_ord(y, graph, permutations=99, seed=3).attrs["permutations"] == 99

    def test_threads_of_the_product_change_no_p(self):
        """One BLAS thread or two: the same p for every city."""
        code = (
            "import numpy as np, pandas as pd; from libpysal.graph import Graph;"
            "from geo_cdei.analysis.autocorrelation import local_moran;"
            "n=300; r=np.random.default_rng(0); f=np.repeat(np.arange(n),5);"
            "t=(f+np.tile([1,2,5,9,40],n))%n; g=Graph.from_arrays(f,t,r.uniform(.1,1,5*n));"
            "print(local_moran(pd.Series(r.normal(size=n)),g,permutations=999,seed=1,transform='O')['p_sim'].sum().hex())"
        )
        results = {
            subprocess.run(
                [sys.executable, "-c", code], env={**ENVIRONMENT, "OPENBLAS_NUM_THREADS": threads},
                capture_output=True, text=True, check=True,
            ).stdout
            for threads in ("1", "2")
        }  # fmt: skip
        assert len(results) == 1
