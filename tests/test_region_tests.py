"""Clusters against random contiguous regions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pattern_study import make_study, rook
from scipy import sparse, stats

from geo_cdei._pvalues import fdr_significant
from geo_cdei._regions import grow_regions
from geo_cdei.analysis.region_tests import compare_with_regions
from geo_cdei.columns import REGION_TEST
from geo_cdei.errors import AlignmentError, GraphError, StatisticError


def line(n: int) -> sparse.csr_array:
    return rook(1, n)


def one_cluster(codes) -> pd.DataFrame:
    return pd.DataFrame({"cluster_id": "C1", "adcode": list(codes), "role": "primary"})


@pytest.fixture(scope="module")
def tested():
    cities, members = make_study([80, 60, 55, 50, 45, 40], size=6, spread=8)
    frame = compare_with_regions(cities, members, adjacency=rook(6, 6), weights=["gdp", "equal"], draws=499, seed=3)
    return cities, members, frame


def test_p_of_a_line_of_five_by_hand():
    """Regions of three on a line: the two ends have chance .4 each, the middle .2; the cluster is one end."""
    cities = pd.DataFrame({"score": [9.0, 8, 7, 2, 1]}, index=list("abcde"))
    found = compare_with_regions(
        cities, one_cluster("abc"), adjacency=line(5), weights=["equal"], draws=9999, seed=1
    ).iloc[0]
    assert found["p_region"] == pytest.approx(0.4, abs=4 * np.sqrt(0.24 / 9999))
    assert found["null_mean"] == pytest.approx(0.4 * 8 + 0.2 * 17 / 3 + 0.4 * 10 / 3, abs=0.1)


def test_p_with_the_core_by_hand():
    """Starts b and c (9 and 8): abc comes with .75 and .25, bcd with .25 and .5, cde with 0 and .25."""
    cities = pd.DataFrame({"score": [1.0, 9, 8, 7, 2]}, index=list("abcde"))
    found = compare_with_regions(
        cities, one_cluster("cde"), adjacency=line(5), weights=["equal"], draws=9999, seed=1
    ).iloc[0]
    assert (found["core"], found["n_starts"]) == ("c", 2)
    # cde has mean 17/3, bcd 8, abc 6: every region is at least as high
    assert found["p_region_core"] == 1.0
    higher = compare_with_regions(
        cities, one_cluster("bcd"), adjacency=line(5), weights=["equal"], draws=9999, seed=1
    ).iloc[0]
    assert higher["n_starts"] == 1
    assert higher["p_region_core"] == pytest.approx(0.25, abs=4 * np.sqrt(0.19 / 9999))


def test_columns_are_those_named(tested):
    assert tuple(tested[2].columns) == REGION_TEST


def test_score_is_the_weighted_mean_of_the_members(tested):
    cities, members, frame = tested
    own = cities.loc[members.loc[members["cluster_id"] == "C02", "adcode"]]
    row = frame[(frame["cluster_id"] == "C02") & (frame["weights"] == "gdp")].iloc[0]
    assert row["score"] == pytest.approx(np.average(own["score"], weights=own["gdp"]))


def test_p_is_counted_as_by_a_plain_loop(tested):
    cities, _, frame = tested
    row = frame[(frame["cluster_id"] == "C03") & (frame["weights"] == "gdp")].iloc[0]
    regions = grow_regions(rook(6, 6), 6, draws=499, seed=3)
    means = [np.average(cities["score"].iloc[r], weights=cities["gdp"].iloc[r]) for r in regions]
    assert row["p_region"] == (1 + sum(mean >= row["score"] for mean in means)) / 500
    assert row["null_sd"] == pytest.approx(np.std(means))


def test_adjusted_p_agrees_with_the_false_discovery_rate(tested):
    for _, part in tested[2].groupby("weights"):
        for name in ("p_region", "p_region_core"):
            assert ((part[f"{name}_fdr"] <= 0.05) == fdr_significant(part[name])).all()


def test_an_affine_change_of_scores_leaves_p_alone(tested):
    cities, members, frame = tested
    scaled = cities.assign(score=cities["score"] * 2 + 9)
    again = compare_with_regions(scaled, members, adjacency=rook(6, 6), weights=["gdp", "equal"], draws=499, seed=3)
    assert again["p_region"].tolist() == frame["p_region"].tolist()


def test_constant_scores_are_never_remarkable(tested):
    cities, members, _ = tested
    flat = cities.assign(score=5.0)
    found = compare_with_regions(flat, members, adjacency=rook(6, 6), weights=["gdp"], draws=99, seed=3)
    assert (found[["p_region", "p_region_core"]] == 1.0).all(axis=None)


def test_the_whole_country_is_never_remarkable():
    cities = pd.DataFrame({"score": [9.0, 8, 7, 2, 1]}, index=list("abcde"))
    found = compare_with_regions(cities, one_cluster("abcde"), adjacency=line(5), weights=["equal"], draws=99, seed=1)
    assert found["p_region"].item() == 1.0


def test_a_scattered_cluster_is_called_so():
    cities = pd.DataFrame({"score": [9.0, 8, 7, 2, 1]}, index=list("abcde"))
    found = compare_with_regions(cities, one_cluster("abe"), adjacency=line(5), weights=["equal"], draws=99, seed=1)
    assert not found["is_contiguous"].item()


def test_unscored_and_small_clusters_are_left_out():
    cities = pd.DataFrame({"score": [9.0, 8, np.nan, 2, 1, 3]}, index=list("abcdef"))
    members = pd.DataFrame({"cluster_id": ["C1"] * 3 + ["C2"] * 3, "adcode": list("abcdef"), "role": "primary"})
    found = compare_with_regions(cities, members, adjacency=line(6), weights=["equal"], draws=99, seed=1)
    assert found["cluster_id"].tolist() == ["C2"]


def test_nothing_to_test_is_an_error():
    cities = pd.DataFrame({"score": [9.0, 8, 7]}, index=list("abc"))
    with pytest.raises(StatisticError, match=r"no cluster has 3 members .*1 clusters, 3 cities"):
        compare_with_regions(cities, one_cluster("ab"), adjacency=line(3), weights=["equal"], seed=1)


def test_unsorted_cities_are_refused():
    cities = pd.DataFrame({"score": [9.0, 8, 7]}, index=list("bac"))
    with pytest.raises(AlignmentError, match=r"the 3 cities must be sorted by adcode"):
        compare_with_regions(cities, one_cluster("abc"), adjacency=line(3), weights=["equal"], seed=1)


def test_an_adjacency_of_other_cities_is_refused():
    cities = pd.DataFrame({"score": [9.0, 8, 7]}, index=list("abc"))
    with pytest.raises(AlignmentError, match=r"4 × 4, the cities are 3"):
        compare_with_regions(cities, one_cluster("abc"), adjacency=line(4), weights=["equal"], seed=1)


def test_a_graph_in_two_pieces_is_refused():
    cities = pd.DataFrame({"score": [9.0, 8, 7]}, index=list("abc"))
    with pytest.raises(GraphError, match="components"):
        compare_with_regions(
            cities, one_cluster("abc"), adjacency=sparse.csr_array((3, 3)), weights=["equal"], seed=1
        )


def test_p_is_even_on_noise():
    """A region drawn by the growth rule itself, on noise: every p is as likely as every other."""
    adjacency, codes = rook(9, 9), pd.Index([f"{i:03d}" for i in range(81)])
    own = grow_regions(adjacency, 7, draws=300, seed=99)
    found = []
    for draw, region in enumerate(own):
        rng = np.random.default_rng([7, draw])
        cities = pd.DataFrame({"score": rng.normal(size=81), "gdp": rng.lognormal(size=81)}, index=codes)
        frame = compare_with_regions(
            cities, one_cluster(codes[region]), adjacency=adjacency, weights=["gdp"], draws=199, seed=draw
        )
        found.append((frame["p_region"].item(), frame["p_region_core"].item()))
    free, core = np.array(found).T
    assert stats.kstest(free, "uniform").pvalue > 0.01
    assert 0.02 <= (free <= 0.05).mean() <= 0.09
    assert (core <= 0.05).mean() <= 0.09
