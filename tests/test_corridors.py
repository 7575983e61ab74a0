"""The network of interaction and the corridors that it shows."""

from __future__ import annotations

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest

from geo_cdei import _interaction, columns
from geo_cdei._geodesy import pairwise_km
from geo_cdei._interaction import disparity_p, gravity_flow, radiation_flow, route_flow, spanning_tree
from geo_cdei._polyline import line_distance_km, unit_vectors
from geo_cdei.analysis.corridors import ChainRule, detect_corridors
from geo_cdei.analysis.interaction import build_interaction, extract_backbone, vary_interaction
from geo_cdei.errors import AlignmentError, StatisticError

COAST = ["大连", "天津", "青岛", "连云港", "上海", "宁波", "温州", "福州", "厦门", "深圳"]


def places(lon, lat, **values):
    index = pd.Index([f"c{k:03d}" for k in range(len(lon))], name="adcode")
    return gpd.GeoDataFrame({"lon": np.asarray(lon, float), "lat": np.asarray(lat, float), **values}, index=index)


def random_places(n=60, seed=0):
    rng = np.random.default_rng(seed)
    return places(rng.uniform(100, 115, n), rng.uniform(25, 38, n), gdp=rng.lognormal(0, 1, n), city="x")


def links_of(pairs, lon, carried=None):
    carried = carried or [1.0] * len(pairs)
    names = [(f"c{i:03d}", f"c{j:03d}") for i, j in pairs]
    return pd.DataFrame(names, columns=["origin", "destination"]).assign(carried=carried, traffic_share=carried)


# --- models of flow


def test_gravity_by_hand():
    flow = gravity_flow(np.array([2.0, 3.0, np.nan]), np.array([[0, 10, 1], [10, 0, 1], [1, 1, 0.0]]), 1.0)
    assert flow.tolist() == [[0, 0.6, 0], [0.6, 0, 0], [0, 0, 0]]


def test_radiation_by_hand():
    # masses 1, 2, 4 at 0, 1, 3: from 0 to 3 the city at 1 intervenes with mass 2
    km = np.abs(np.subtract.outer([0.0, 1.0, 3.0], [0.0, 1.0, 3.0]))
    flow = radiation_flow(np.array([1.0, 2.0, 4.0]), km)
    there, back = 1 * 1 * 4 / ((1 + 2) * (1 + 4 + 2)), 4 * 4 * 1 / ((4 + 2) * (4 + 1 + 2))
    assert flow[0, 2] == pytest.approx(there + back)


def test_the_mass_left_out_takes_no_part_in_radiation():
    km = pairwise_km([0.0, 1.0, 2.0, 5.0], [0.0] * 4)
    whole = radiation_flow(np.array([1.0, np.nan, 2.0, 3.0]), km)
    without = radiation_flow(np.array([1.0, 2.0, 3.0]), km[np.ix_([0, 2, 3], [0, 2, 3])])
    assert whole[np.ix_([0, 2, 3], [0, 2, 3])] == pytest.approx(without)


def test_disparity_filter_on_a_worked_example():
    # Serrano's hub: degree 3, shares .8 .1 .1, so (1 - .8)**2 = .04 and (1 - .1)**2 = .81
    flow = np.zeros((4, 4))
    flow[0, 1:] = flow[1:, 0] = [8, 1, 1]
    assert disparity_p(flow)[0, 1:] == pytest.approx([0.04, 0.81, 0.81])


def test_disparity_of_a_link_is_the_smaller_of_its_two_ends():
    flow = np.array([[0, 1, 1, 1], [1, 0, 9, 0], [1, 9, 0, 0], [1, 0, 0, 0.0]])
    assert disparity_p(flow)[0, 1] == pytest.approx(min((1 - 1 / 3) ** 2, (1 - 0.1) ** 1))


def test_maximum_spanning_tree_as_networkx():
    cities = random_places()
    flow = build_interaction(cities, mass="gdp").flow
    expected = nx.maximum_spanning_tree(nx.from_numpy_array(flow))
    found = {(int(i), int(j)) for i, j in zip(*np.nonzero(np.triu(spanning_tree(flow))), strict=True)}
    assert found == {tuple(sorted(edge)) for edge in expected.edges}


def test_betweenness_as_networkx():
    cities = random_places()
    network = build_interaction(cities, mass="gdp")
    links = extract_backbone(network, cities)
    graph = nx.Graph()
    for link in links.itertuples():
        graph.add_edge(link.origin, link.destination, weight=link.km**1.13)
    expected = nx.edge_betweenness_centrality(graph, weight="weight")
    for link in links.itertuples():
        pair = (link.origin, link.destination)
        assert link.betweenness == pytest.approx(expected.get(pair, expected.get(pair[::-1])))


def test_a_city_is_on_the_way_up_to_a_turn_of_45_degrees():
    half = 1 / (2 * np.cos(np.radians([22.3, 22.8])))
    assert (2 * half**1.13 < 1).tolist() == [True, False]


def test_what_enters_a_star_leaves_by_its_center():
    star = np.zeros((4, 4), dtype=bool)
    star[0, 1:] = star[1:, 0] = True
    demand = np.ones((4, 4)) - np.eye(4)
    assert route_flow(demand[None], star, np.ones((4, 4)))[0, 0].tolist() == [0, 3, 3, 3]


def test_the_same_flow_whatever_the_block_of_sources(monkeypatch):
    """Not one bit differs, so a larger machine may take larger blocks."""
    cities = random_places()
    whole = extract_backbone(build_interaction(cities, mass="gdp"), cities)
    monkeypatch.setattr(_interaction, "_SOURCES", 7)
    pd.testing.assert_frame_equal(
        extract_backbone(build_interaction(cities, mass="gdp"), cities), whole, check_exact=True
    )


def test_without_betweenness_all_else_is_the_same():
    cities = random_places()
    network = build_interaction(cities, mass="gdp")
    less = extract_backbone(network, cities, betweenness=False)
    assert less["betweenness"].isna().all()
    pd.testing.assert_frame_equal(
        less.drop(columns="betweenness"), extract_backbone(network, cities).drop(columns="betweenness")
    )


def test_distances_that_are_known_are_not_measured_again():
    cities = random_places()
    known = build_interaction(cities, mass="gdp", km=build_interaction(cities, mass="gdp").km * 2)
    assert np.allclose(known.km, build_interaction(cities, mass="gdp").km * 2)


# --- the network of a study


def test_a_city_without_mass_is_named_and_has_no_link():
    cities = random_places().assign(city=[f"city {k}" for k in range(60)])
    cities.loc["c007", "gdp"] = np.nan
    network = build_interaction(cities, mass="gdp")
    links = extract_backbone(network, cities)
    assert network.missing == ("city 7",)
    assert not (links[["origin", "destination"]] == "c007").any(axis=None)


def test_masses_scaled_give_the_same_backbone():
    cities = random_places()
    a, b = (
        extract_backbone(build_interaction(cities.assign(gdp=cities["gdp"] * factor), mass="gdp"), cities)
        for factor in (1.0, 1000.0)
    )
    pd.testing.assert_frame_equal(a, b)


def test_links_have_their_columns():
    cities = random_places()
    links = extract_backbone(build_interaction(cities, mass="gdp"), cities)
    assert tuple(links.columns) == columns.LINKS
    assert links["traffic_share"].sum() == pytest.approx(1.0)
    assert links["tree"].sum() == 59


def test_flows_of_the_study_replace_the_model():
    cities = places([0, 1, 2], [0, 0, 0])
    table = pd.DataFrame([("c000", "c001", 3.0), ("c001", "c000", 1.0), ("c001", "c002", 2.0)])
    table.columns = ["origin", "destination", "value"]
    network = build_interaction(cities, flows=table)
    assert network.flow.tolist() == [[0, 4, 0], [4, 0, 2], [0, 2, 0]]
    assert network.basis == "flows of the study, distance on the ellipsoid"


def test_travel_times_replace_the_distance_and_fill_by_the_fastest_way():
    cities = places([0, 1, 2], [0, 0, 0], gdp=1.0)
    table = pd.DataFrame({"origin": ["c000", "c001"], "destination": ["c001", "c002"], "value": [2.0, 3.0]})
    network = build_interaction(cities, mass="gdp", beta=1, travel_time=table)
    assert network.cost[0].tolist() == [0, 2, 5]
    assert network.flow[0, 2] == pytest.approx(0.2)
    assert network.basis == "gravity, mass gdp, beta 1, travel times of the study"


def pairs(*rows):
    return pd.DataFrame(rows, columns=["origin", "destination", "value"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"beta": 0.0}, "beta.* must be a positive number; got 0.0"),
        ({"beta": float("nan")}, "beta.* must be a positive number; got nan"),
        ({"mass": "none"}, "at least 3 cities with a mass; 0 of 3 have a value above 0 in 'none'"),
        ({"mass": "no_column"}, "no numeric column 'no_column'"),
        ({"model": "newton"}, "model must be one of gravity, radiation; got 'newton'"),
        ({"flows": pairs(("c000", "zzz", 1.0))}, "flows names 1 codes that are no city of the study: zzz"),
        ({"flows": pairs(("c000", "c001", -1.0))}, "flows: 1 of 1 values are missing, negative"),
        ({"flows": pairs(("c000", "c001", 1.0)).drop(columns="value")}, "value is missing"),
        ({"flows": pairs(("c000", "c001", 1.0), ("c000", "c001", 2.0))}, "flows lists 1 pairs twice"),
        ({"travel_time": pairs(("c000", "c001", 1.0))}, "without a way between them; 1 cities have no row: c002"),
        ({"travel_time": pairs(("c000", "c001", 0.0))}, "travel_time: 1 of 1 values"),
    ],
)
def test_impossible_networks_are_refused(arguments, message):
    cities = places([0, 1, 2], [0, 0, 0], gdp=1.0, none=np.nan)
    with pytest.raises(StatisticError, match=message):
        build_interaction(cities, **({"mass": "gdp"} | arguments))


def test_two_cities_at_one_point_are_refused():
    with pytest.raises(StatisticError, match=r"1 pairs of cities are at distance 0 \(first: c001 and c002"):
        build_interaction(places([0, 1, 1], [0, 0, 0], gdp=1.0), mass="gdp")


# --- chains


def test_a_row_of_cities_is_one_corridor():
    cities = places(range(6), [0] * 6)
    found = detect_corridors(links_of([(k, k + 1) for k in range(5)], 6), cities, rule=ChainRule(strong=0.0))
    assert found["cities"].tolist() == [tuple(cities.index)]
    assert found["length_km"].tolist() == pytest.approx([556.6], abs=0.1)
    assert found["bearing_deg"].tolist() == pytest.approx([90.0])
    assert tuple(found.columns) == columns.DETECTED


def test_a_right_angle_ends_a_corridor():
    cities = places([0, 1, 2, 3, 3, 3, 3], [0, 0, 0, 0, 1, 2, 3])
    found = detect_corridors(links_of([(k, k + 1) for k in range(6)], 7), cities, rule=ChainRule(strong=0.0))
    assert sorted(found["cities"]) == [tuple(cities.index[:4]), tuple(cities.index[3:])]


def test_many_small_turns_end_a_corridor_too():
    angle = np.radians(np.arange(0, 360, 30))
    ring = places(5 * np.cos(angle), 5 * np.sin(angle))
    found = detect_corridors(links_of([(k, k + 1) for k in range(11)], 12), ring, rule=ChainRule(strong=0.0))
    assert found["n_cities"].max() <= 8  # the first link, and three turns of 30 degrees on either side


def test_corridors_beside_each_other_are_one():
    cities = places([*range(5), *range(5)], [0] * 5 + [0.3] * 5)
    links = links_of([(k, k + 1) for k in range(4)] + [(k, k + 1) for k in range(5, 9)], 10, [0.2] * 4 + [0.05] * 4)
    found = detect_corridors(links, cities, rule=ChainRule(strong=0.0))
    assert found["cities"].tolist() == [tuple(cities.index[:5])]
    assert found["flow_share"].tolist() == pytest.approx([1.0])


def test_stability_is_the_share_of_settings_with_the_corridor():
    cities = places(range(10), [*[0] * 5, *[9] * 5])
    here, there = (links_of([(k, k + 1) for k in range(start, start + 4)], 10) for start in (0, 5))
    found = detect_corridors(here, cities, rule=ChainRule(strong=0.0), alternatives=[here, there, here, there])
    assert found[["stability", "stable", "n_settings"]].values.tolist() == [[0.5, False, 4]]


def test_stability_is_missing_without_alternatives():
    cities = places(range(5), [0] * 5)
    found = detect_corridors(links_of([(k, k + 1) for k in range(4)], 5), cities, rule=ChainRule(strong=0.0))
    assert found["stability"].isna().all()
    assert found["stable"].isna().all()


def test_shifting_all_longitudes_finds_the_same_corridors():
    cities = random_places(120)
    found = [
        detect_corridors(extract_backbone(build_interaction(here, mass="gdp"), here), here)
        for here in (cities, cities.assign(lon=cities["lon"] + 31.7))
    ]
    assert found[0]["cities"].tolist() == found[1]["cities"].tolist()
    assert found[0]["length_km"].tolist() == pytest.approx(found[1]["length_km"].tolist())


def test_no_corridor_is_an_empty_table():
    cities = places([0, 1, 5], [0, 0, 5])
    found = detect_corridors(links_of([(0, 1)], 3), cities)
    assert len(found) == 0
    assert tuple(found.columns) == columns.DETECTED


def test_a_backbone_of_other_cities_is_refused():
    with pytest.raises(AlignmentError, match=r"backbone names 1 cities that are not in cities .*c001"):
        detect_corridors(links_of([(0, 1)], 2), places([0], [0]))


@pytest.mark.parametrize("values", [{"strong": 1.0}, {"max_turn_deg": 120.0}, {"min_cities": 1}, {"merge_share": 0}])
def test_an_impossible_rule_is_refused(values):
    with pytest.raises(StatisticError, match=r"must|min_cities"):
        ChainRule(**values)


# --- the default study


@pytest.fixture(scope="module")
def detected(analysis):
    cities = analysis.cities
    grid = [("scale_2020", 1.0), ("gdp_2019", 2.0), ("score", 2.0)]
    others = [extract_backbone(build_interaction(cities, mass=mass, beta=beta), cities) for mass, beta in grid]
    return detect_corridors(extract_backbone(build_interaction(cities), cities), cities, alternatives=others)


def test_default_study_has_at_most_twelve_long_corridors(detected):
    assert 4 <= len(detected) <= 12
    assert (detected["n_cities"] >= 4).all()
    assert (detected["length_km"] >= 300).all()
    assert detected["stability"].between(0, 1).all()
    assert detected["flow_share"].is_monotonic_decreasing


def test_the_coastal_chain_is_found_in_at_least_two_pieces(analysis, detected):
    cities = analysis.cities
    points = pd.DataFrame(unit_vectors(cities["lon"], cities["lat"]), index=cities.index)
    coast = points.loc[cities.reset_index().set_index("city").loc[COAST, "adcode"]].to_numpy()
    near = [
        line_distance_km(points.loc[list(codes)].to_numpy(), coast[None])[0] <= 100 for codes in detected["cities"]
    ]
    assert sum(close.mean() >= 0.75 and close.sum() >= 4 for close in near) >= 2


@pytest.mark.slow
def test_planted_corridors_are_found_in_95_of_100_seeds():
    found = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        start, bearing = rng.uniform((102, 27), (108, 33)), rng.uniform(0, np.pi)
        steps = np.arange(8)[:, None] * [np.cos(bearing), np.sin(bearing)] + rng.normal(0, 0.1, (8, 2))
        lon, lat = np.vstack([start + steps - steps.mean(axis=0), rng.uniform((95, 20), (115, 40), (150, 2))]).T
        cities = places(lon, lat, gdp=np.append(np.full(8, 20.0), rng.lognormal(0, 0.5, 150)))
        result = detect_corridors(extract_backbone(build_interaction(cities, mass="gdp"), cities), cities)
        points = unit_vectors(lon, lat)
        near = [
            (line_distance_km(points[:8], points[cities.index.get_indexer(list(codes))][None])[0] <= 50).sum()
            for codes in result["cities"]
        ]
        found += max(near, default=0) >= 6
    assert found >= 95


@pytest.mark.parametrize(("model", "beta"), [("gravity", 1.0), ("gravity", 2.0), ("radiation", 2.0)])
def test_another_mass_over_the_same_cost_is_what_is_built_anew(model, beta):
    frame = {
        "lon": [100.0, 101, 103, 107],
        "lat": [30.0, 31, 30, 33],
        "gdp": [4.0, 2, 1, 9],
        "people": [1.0, 7, 3, 2],
    }
    cities = gpd.GeoDataFrame(frame, index=list("abcd"))
    varied = vary_interaction(build_interaction(cities, mass="gdp"), cities, mass="people", model=model, beta=beta)
    anew = build_interaction(cities, mass="people", model=model, beta=beta)
    np.testing.assert_array_equal(varied.flow, anew.flow)
    assert varied.basis == anew.basis
