"""Hinterlands and flows: by hand, by brute force, against networkx and scikit-learn, and what must add up."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo_cdei import _sending, columns
from geo_cdei._geodesy import distance_km, pairwise_km
from geo_cdei._interaction import radiation_flow
from geo_cdei._sending import gravity_sent, radiation_sent
from geo_cdei.analysis.cluster_flows import city_flows, cluster_balance, cluster_fit, cluster_flows
from geo_cdei.analysis.hinterlands import break_points, hinterland_cities, hinterlands, huff_probabilities
from geo_cdei.analysis.spillover_layers import flow_lines, halo_circles, hinterland_polygons
from geo_cdei.errors import AlignmentError, StatisticError

CORES = pd.DataFrame(
    {"cluster_id": ["C1", "C1", "C2"], "cluster": "x", "core": ["A", "B", "C"], "adcode": ["a", "b", "c"]}
)


@pytest.fixture
def network():
    """40 cities with masses, distances and four planned clusters by quarter of the square; two are in none."""
    rng = np.random.default_rng(0)
    ids = pd.Index([f"{i:06d}" for i in range(40)], name="adcode")
    lon, lat = rng.uniform(100, 110, 40), rng.uniform(25, 35, 40)
    km = pd.DataFrame(pairwise_km(lon, lat), index=ids, columns=ids)
    groups = pd.Series([f"C{2 * (a > 105) + (b > 30)}" for a, b in zip(lon, lat, strict=True)], index=ids)
    groups.iloc[[5, 17]] = None
    return pd.Series(rng.uniform(1, 20, 40), index=ids, name="gdp"), km, groups


def huff(rows, **mass):
    table = pd.DataFrame(rows, columns=list(mass), dtype=float)
    table.index = pd.Index([f"{i}" for i in range(len(rows))], name="adcode")
    return huff_probabilities(pd.Series(mass), table)


def test_huff_rows_add_up_to_one():
    rng = np.random.default_rng(1)
    found = huff(rng.uniform(1, 4000, (500, 40)), **{f"k{i}": float(m) for i, m in enumerate(rng.uniform(1, 9, 40))})
    np.testing.assert_allclose(found.sum(axis=1), 1.0, rtol=1e-12)


def test_huff_by_hand():
    """4 / 10² against 1 / 5²: even; and 4 / 10² against 1 / 10²: 4 to 1."""
    np.testing.assert_allclose(huff([[10, 5], [10, 10]], a=4.0, b=1.0), [[0.5, 0.5], [0.8, 0.2]])


def test_a_core_belongs_to_itself():
    assert huff([[0, 30]], a=1.0, b=9e9).to_numpy().tolist() == [[1.0, 0.0]]


def test_huff_is_even_at_the_break_point():
    points = pd.DataFrame({"lon": [104.0, 114.0], "lat": [30.6, 30.5]}, index=["a", "b"])
    mass = pd.Series([9.0, 4.0], index=["a", "b"])
    row = break_points(mass, points).iloc[0]
    km = distance_km([row["lon"]] * 2, [row["lat"]] * 2, points["lon"], points["lat"])
    np.testing.assert_allclose(km, [row["from_a_km"], row["from_b_km"]], atol=1e-6)
    np.testing.assert_allclose(huff([km], a=9.0, b=4.0), [[0.5, 0.5]], atol=1e-9)
    assert row["from_a_km"] == pytest.approx(row["km"] / (1 + np.sqrt(4 / 9)))


def test_break_point_behind_a_stronger_third_is_no_border():
    points = pd.DataFrame({"lon": [100.0, 104.0, 102.0], "lat": 30.0}, index=["a", "b", "c"])
    found = break_points(pd.Series([1.0, 1.0, 5.0], index=["a", "b", "c"]), points)
    assert found["border"].tolist() == [False, True, True]
    assert tuple(found.columns) == columns.BREAK_POINTS


def test_hinterlands_list_every_core_above_one_percent():
    found = hinterlands(huff([[10, 20, 300], [10, 10, 10]], a=1.0, b=1.0, c=1.0), CORES)
    assert tuple(found.columns) == columns.HINTERLANDS
    assert found.groupby("adcode")["core"].agg("".join).tolist() == ["ab", "abc"]
    assert found["rank"].tolist() == [1, 2, 1, 2, 3]


def test_contested_within_ten_points():
    table = pd.DataFrame([[0.55, 0.45, 0.0], [0.56, 0.44, 0.0], [0.1, 0.47, 0.43]], columns=list("abc"))
    found = hinterland_cities(table.set_axis(list("xyz")), CORES, pd.DataFrame(columns=["cluster_id", "adcode"]))
    assert tuple(found.columns) == columns.HINTERLAND_CITIES
    assert found["contested"].tolist() == [True, False, True]
    assert found["contested_clusters"].tolist() == [False, False, True]


def test_city_outside_its_plan_has_its_first_core_in_none_of_its_clusters():
    table = pd.DataFrame([[0.9, 0.0, 0.1]] * 3, columns=list("abc"), index=list("xyz"))
    members = pd.DataFrame({"cluster_id": ["C2", "C1", "C2"], "adcode": ["x", "y", "y"]})
    found = hinterland_cities(table, CORES, members)
    assert found["outside_plan"].tolist() == [True, False, False]
    assert found["planned"].fillna("none").tolist() == ["C2", "C1;C2", "none"]


def test_stability_is_the_share_of_variants_with_the_same_first_core():
    base = pd.DataFrame([[0.6, 0.4, 0.0]], columns=list("abc"), index=["x"])
    variants = {"same": base, "other": base[["b", "a", "c"]].set_axis(list("abc"), axis=1)}
    empty = pd.DataFrame(columns=["cluster_id", "adcode"])
    assert hinterland_cities(base, CORES, empty, variants=variants)["stability"].tolist() == [0.5]


def test_huff_refuses_what_has_no_meaning():
    with pytest.raises(StatisticError, match="1 of 2 cores have no positive mass: b"):
        huff([[1, 2]], a=1.0, b=np.nan)
    with pytest.raises(StatisticError, match=r"2 cities have a missing or negative distance.*: 0, 1"):
        huff([[1, -2], [0, 0]], a=1.0, b=1.0)
    with pytest.raises(StatisticError, match="decay, the exponent of the distance, must be positive; got 0"):
        huff_probabilities(pd.Series({"a": 1.0}), pd.DataFrame({"a": [1.0]}), decay=0)
    with pytest.raises(AlignmentError, match="cost has 1 cities"):
        huff_probabilities(pd.Series({"a": 1.0}), pd.DataFrame({"b": [1.0]}))
    with pytest.raises(StatisticError, match="two cores or more"):
        hinterland_cities(pd.DataFrame({"a": [1.0]}), CORES, pd.DataFrame(columns=["cluster_id", "adcode"]))


@pytest.mark.parametrize("model", ["gravity", "radiation"])
def test_every_city_sends_its_mass(network, model):
    mass, km, _ = network
    flows = city_flows(mass, km, model=model)
    np.testing.assert_allclose(flows.sum(axis=1), mass)
    assert (np.diagonal(flows) == 0).all()


def test_radiation_is_the_formula_pair_by_pair(network):
    mass, km, _ = network
    m, d, total = mass.to_numpy(), km.to_numpy(), mass.sum()
    found = radiation_sent(m, d)
    for i, j in [(0, 1), (7, 30), (39, 2)]:
        s = m[(d[i] < d[i, j]) & (np.arange(40) != i)].sum()
        by_hand = m[i] / (1 - m[i] / total) * m[i] * m[j] / ((m[i] + s) * (m[i] + m[j] + s))
        assert found[i, j] == pytest.approx(by_hand)


def test_radiation_is_the_same_a_few_cities_at_a_time(network, monkeypatch):
    mass, km = network[0].to_numpy(), network[1].to_numpy()
    whole = radiation_sent(mass, km)
    monkeypatch.setattr(_sending, "_ROWS", 7)
    np.testing.assert_array_equal(radiation_sent(mass, km), whole)


def test_both_directions_of_radiation_are_those_of_the_corridors(network):
    mass, km, _ = network
    sent = radiation_sent(mass.to_numpy(), km.to_numpy()) * (1 - mass.to_numpy() / mass.sum())[:, None]
    np.testing.assert_allclose(sent + sent.T, radiation_flow(mass.to_numpy(), km.to_numpy()))


def test_gravity_shares_follow_mass_over_squared_distance(network):
    mass, km, _ = network
    found = gravity_sent(mass.to_numpy(), km.to_numpy(), 2.0)
    ratio = (mass.iloc[3] / km.iloc[0, 3] ** 2) / (mass.iloc[9] / km.iloc[0, 9] ** 2)
    assert found[0, 3] / found[0, 9] == pytest.approx(ratio)


def test_flows_between_clusters_conserve_the_totals(network):
    mass, km, groups = network
    flows = city_flows(mass, km, model="radiation")
    table = cluster_flows(flows, groups, model="radiation")
    assert tuple(table.columns) == columns.CLUSTER_FLOWS
    assert len(table) == 5 * 5
    assert table["flow"].sum() == pytest.approx(mass.sum())
    assert table["share"].sum() == pytest.approx(1.0)
    sent = table.groupby("origin")["flow"].sum()
    np.testing.assert_allclose(sent, mass.groupby(groups.fillna("outside")).sum()[sent.index])


def test_flow_between_two_clusters_is_the_sum_over_their_cities(network):
    mass, km, groups = network
    flows = city_flows(mass, km)
    table = cluster_flows(flows, groups, model="gravity").set_index(["origin", "destination"])
    by_hand = sum(flows.loc[a, b] for a in groups.index[groups == "C0"] for b in groups.index[groups == "C3"])
    assert table.loc[("C0", "C3"), "flow"] == pytest.approx(by_hand)


def test_balances_cancel(network):
    mass, km, groups = network
    balance = cluster_balance(cluster_flows(city_flows(mass, km), groups, model="gravity"))
    assert tuple(balance.columns) == columns.CLUSTER_BALANCE
    assert balance["net"].sum() == pytest.approx(0.0, abs=1e-9)
    assert ((balance["role"] == "receiver") == (balance["net"] > 0)).all()


def test_flow_the_same_both_ways_has_neither_sender_nor_receiver():
    flows = pd.DataFrame([[0.0, 0.3], [0.1 + 0.2, 0.0]], index=["a", "b"], columns=["a", "b"])
    table = cluster_flows(flows, pd.Series(["C1", "C2"], index=["a", "b"]), model="own")
    assert cluster_balance(table)["role"].tolist() == ["even", "even"]


def fit_of(network, draws=50):
    mass, km, groups = network
    grouped = groups.dropna()
    rng = np.random.default_rng(3)
    labels = pd.factorize(grouped)[0]
    partitions = pd.DataFrame([rng.permutation(labels) for _ in range(draws)], columns=grouped.index)
    flows = city_flows(mass, km)
    return flows, grouped, partitions, cluster_fit(flows, groups, partitions=partitions, model="gravity", seed=1)


def test_modularity_is_that_of_networkx(network):
    import networkx as nx

    flows, grouped, partitions, fit = fit_of(network)
    inner = flows.loc[grouped.index, grouped.index].to_numpy()
    graph = nx.from_numpy_array(inner + inner.T)

    def theirs(labels):
        return nx.community.modularity(graph, [set(np.flatnonzero(labels == part)) for part in np.unique(labels)])

    drawn = np.array([theirs(row) for row in partitions.to_numpy()])
    assert tuple(fit.columns) == columns.CLUSTER_FIT
    assert fit["modularity"].iloc[0] == pytest.approx(theirs(grouped.to_numpy()))
    assert fit["partitions_mean"].iloc[0] == pytest.approx(drawn.mean())
    assert fit["p_partitions"].iloc[0] == pytest.approx((1 + (drawn >= fit["modularity"].iloc[0]).sum()) / 51)


def test_agreement_is_the_adjusted_rand_index(network):
    import networkx as nx

    metrics = pytest.importorskip("sklearn.metrics")
    flows, grouped, _, fit = fit_of(network)
    inner = flows.loc[grouped.index, grouped.index].to_numpy()
    parts = nx.community.louvain_communities(nx.from_numpy_array(inner + inner.T), weight="weight", seed=1)
    labels = [next(k for k, part in enumerate(parts) if i in part) for i in range(len(grouped))]
    assert fit["agreement"].iloc[0] == pytest.approx(metrics.adjusted_rand_score(grouped, labels))


def test_fit_follows_no_row_order(network):
    mass, km, groups = network
    flows, _, partitions, fit = fit_of(network)
    turned = flows.iloc[::-1, ::-1]
    again = cluster_fit(turned, groups[::-1], partitions=partitions, model="gravity", seed=1)
    pd.testing.assert_frame_equal(again, fit)
    assert mass.index.equals(km.index)


def test_flows_refuse_what_has_no_meaning(network):
    mass, km, groups = network
    with pytest.raises(StatisticError, match="1 of 40 cities have no positive gdp: 000003"):
        city_flows(mass.where(mass.index != "000003"), km)
    with pytest.raises(StatisticError, match="got 'spatial'"):
        city_flows(mass, km, model="spatial")
    with pytest.raises(StatisticError, match="Distances between different cities must be positive; 1560 of 1560"):
        city_flows(mass, km * 0)
    with pytest.raises(StatisticError, match="1 of 40 cities have a missing or negative one: 000000"):
        cluster_flows(km.drop(index="000000").reindex(km.index), groups, model="own")
    with pytest.raises(AlignmentError, match="groups has 40 cities"):
        cluster_flows(km, groups[::-1], model="own")
    with pytest.raises(AlignmentError, match="partitions list 1 cities, 38 have a cluster"):
        cluster_fit(km, groups, partitions=pd.DataFrame({"x": [0]}), model="own", seed=1)


def test_circle_has_its_radius_on_the_ellipsoid():
    cities = gpd.GeoDataFrame({"lon": [120.0], "lat": [45.0]}, index=["a"])
    cores = pd.DataFrame({name: ["a"] for name in columns.HALO_CORES}).assign(to_km=[np.nan])
    corners = shapely.get_coordinates(halo_circles(cores, cities).geometry.iloc[0])
    km = distance_km(np.full(len(corners), 120.0), np.full(len(corners), 45.0), corners[:, 0], corners[:, 1])
    np.testing.assert_allclose(km, 100.0, atol=1e-6)


def test_lines_are_the_strongest_pairs_that_carry_the_share():
    names = ["C1", "C2", "C3", "outside"]
    flow = np.array([[9, 5, 1, 7], [4, 9, 2, 7], [0, 0, 9, 7], [7, 7, 7, 7.0]])
    table = pd.DataFrame(
        {"model": "own", "origin": np.repeat(names, 4), "destination": np.tile(names, 4), "flow": flow.ravel()}
    )
    places = pd.DataFrame({"lon": [100.0, 110.0, 120.0], "lat": [30.0, 35.0, 40.0]}, index=names[:3])
    lines = flow_lines(table, places, share=0.8)
    assert lines[list(columns.FLOW_LINES)].to_numpy().tolist() == [
        ["own", "C1", "C2", 9.0, 1.0, 0.75],
        ["own", "C2", "C3", 2.0, 2.0, 2 / 12],
    ]
    assert shapely.get_coordinates(lines.geometry.iloc[0])[[0, -1]].tolist() == [[100.0, 30.0], [110.0, 35.0]]
    assert lines.crs.to_epsg() == 4326


def test_lines_are_of_one_model():
    table = pd.DataFrame({"model": ["a", "b"], "origin": "C1", "destination": "C2", "flow": 1.0})
    with pytest.raises(StatisticError, match="one model at a time; got 2"):
        flow_lines(table, pd.DataFrame({"lon": [1.0, 2.0], "lat": 0.0}, index=["C1", "C2"]))


def test_hinterland_polygons_keep_every_city():
    cities = gpd.GeoDataFrame({"city": ["x", "y"]}, geometry=[shapely.box(i, 0, i + 1, 1) for i in (0, 1)], crs=4326)
    table = hinterland_cities(
        pd.DataFrame([[0.9, 0.1, 0.0]] * 2, columns=list("abc")),
        CORES,
        pd.DataFrame(columns=["cluster_id", "adcode"]),
    )
    found = hinterland_polygons(table, cities)
    assert found["first"].tolist() == ["a", "a"]
    assert found.geometry.geom_equals(cities.geometry).all()
