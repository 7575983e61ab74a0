"""Claimed corridors against random ones: geometry of the draws, the tests, and the verdict."""

from __future__ import annotations

from itertools import permutations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from pyproj import Geod

from geo_cdei import columns
from geo_cdei._corridor_nulls import CorridorDesign, build_stage, draw_anchors, draw_rigid, shortest_path
from geo_cdei._geodesy import pairwise_km
from geo_cdei._polyline import (
    EARTH_KM,
    densify,
    length_km,
    lies_within,
    line_bearing,
    line_distance_km,
    line_position,
    unit_vectors,
)
from geo_cdei._rigid import hull_normals, inside_hull, move_line
from geo_cdei.analysis.corridor_tests import evaluate_corridors
from geo_cdei.analysis.corridor_verdicts import corridor_table, corridor_verdicts, inland_control
from geo_cdei.analysis.interaction import build_interaction, extract_backbone
from geo_cdei.errors import AlignmentError, BoundaryError, StatisticError

SMALL = CorridorDesign(widths_km=(60.0, 100.0), draws=99, weights="gdp", coast_tolerance=0.5, count_tolerance=0.5)


def places(n=120, seed=0):
    rng = np.random.default_rng(seed)
    lon, lat = rng.uniform(100, 115, n), rng.uniform(25, 38, n)
    index = pd.Index([f"c{k:03d}" for k in range(n)], name="adcode")
    values = {"score": rng.normal(50, 10, n), "gdp": rng.lognormal(0, 1, n), "coast_km": 90.0 * (115 - lon)}
    return gpd.GeoDataFrame({"lon": lon, "lat": lat, **values}, index=index)


def claim(cities, *corridors, kind="belt"):
    names = [f"B{k}" for k in range(1, len(corridors) + 1)]
    return pd.DataFrame({"corridor_id": names, "kind": kind, "anchors": [tuple(c) for c in corridors]})


def along(cities, n=4):
    """Anchors of a line from west to east through the middle of the cities."""
    middle = cities[cities["lat"].between(30, 33)].sort_values("lon")
    return tuple(middle.index[np.linspace(2, len(middle) - 3, n).astype(int)])


def evaluate(cities, hypotheses, design=SMALL, seed=1):
    network = build_interaction(cities, mass="gdp")
    backbone = extract_backbone(network, cities)
    return evaluate_corridors(cities, hypotheses, interaction=network, backbone=backbone, design=design, seed=seed)


# --- lines on the sphere


def test_distances_hold_against_the_geodesic_to_six_in_a_thousand():
    cities = places()
    anchors = [3, 40, 77, 110]
    lon, lat = cities["lon"].to_numpy(), cities["lat"].to_numpy()
    x, y = densify(lon[anchors], lat[anchors], 1.0)
    grid = [np.repeat(lon, len(x)), np.repeat(lat, len(x)), np.tile(x, len(lon)), np.tile(y, len(lon))]
    exact = Geod(ellps="WGS84").inv(*grid)[2].reshape(len(lon), -1).min(axis=1) / 1000
    found = line_distance_km(unit_vectors(lon, lat), unit_vectors(lon, lat)[anchors][None])[0]
    assert np.abs(found - exact).max() <= 0.006 * exact.max()
    assert (np.abs(found - exact) <= 0.006 * exact + 0.01).all()


def test_lies_within_is_the_distance_compared():
    stage = build_stage(*places()[["lon", "lat"]].to_numpy().T)
    lines = move_line(stage.points[:5], np.random.default_rng(3).random((300, 4)), stage.middle, stage.radius)
    for width in (1.0, 60.0, 900.0):
        expected = line_distance_km(stage.points, lines) <= width
        assert np.array_equal(lies_within(stage.points, lines, width), expected)


def test_a_point_beyond_the_end_is_measured_from_the_end():
    line = unit_vectors([0, 10], [0, 0])[None]
    assert line_distance_km(unit_vectors([13], [4]), line)[0, 0] == pytest.approx(
        EARTH_KM * np.radians(5.0), rel=1e-3
    )


def test_position_along_a_line_grows_with_it():
    lines = np.repeat(unit_vectors([0, 4, 4], [0, 0, 4])[None], 4, axis=0)
    position = line_position(unit_vectors([-1, 2, 5, 4], [0, 0.1, 2, 9]), lines)
    assert position == pytest.approx([0, 0.5, 1.5, 2], abs=1e-3)


def test_a_meridian_has_bearing_0_and_its_length():
    assert line_bearing([7, 7], [0, 3]) == 0.0
    assert length_km([7, 7], [0, 1]) == pytest.approx(110.574, abs=1e-3)


def test_a_move_keeps_every_length():
    line = unit_vectors([100, 104, 107], [30, 33, 31])
    moved = move_line(line, np.random.default_rng(0).random((50, 4)), line[0], 0.3)
    assert np.einsum("mik,mjk->mij", moved, moved) == pytest.approx(np.repeat((line @ line.T)[None], 50, axis=0))


def test_half_of_the_moves_are_mirror_images():
    line = unit_vectors([100, 104, 107], [30, 33, 31])
    moved = move_line(line, np.random.default_rng(0).random((2000, 4)), line[0], 0.3)
    assert (np.linalg.det(moved) * np.linalg.det(line) < 0).mean() == pytest.approx(0.5, abs=0.04)


def test_moves_are_uniform_by_area():
    line = unit_vectors([100, 104], [30, 33])
    moved = move_line(line, np.random.default_rng(0).random((4000, 4)), line[0], 0.4).mean(axis=1)
    height = moved @ line[0] / np.linalg.norm(moved, axis=1)
    share = (1 - height) / (1 - np.cos(0.4))
    assert np.quantile(share, [0.25, 0.5, 0.75]) == pytest.approx([0.25, 0.5, 0.75], abs=0.03)


def test_the_hull_holds_all_points_and_none_outside():
    points = unit_vectors(*places()[["lon", "lat"]].to_numpy().T)
    normals = hull_normals(points)
    assert inside_hull(points[:, None], normals).all()
    assert not inside_hull(unit_vectors([99, 116], [30, 30])[:, None], normals).any()


def test_points_around_the_whole_earth_have_no_hull():
    with pytest.raises(BoundaryError, match="3 points must lie within 80 degrees"):
        hull_normals(unit_vectors([0, 120, -120], [0, 0, 0]))


def test_points_in_a_row_have_no_hull():
    with pytest.raises(BoundaryError, match="3 points have no convex hull"):
        hull_normals(unit_vectors([0, 1, 2], [0, 0, 0]))


@pytest.mark.parametrize("keep_ends", [False, True])
def test_shortest_path_is_that_of_all_permutations(keep_ends):
    rng = np.random.default_rng(5)
    for _ in range(20):
        xy = rng.random((6, 2))
        km = np.hypot(*(xy[:, None] - xy).T)
        ways = [p for p in permutations(range(6)) if not keep_ends or (p[0], p[-1]) == (0, 5)]
        best = min(km[list(p[:-1]), list(p[1:])].sum() for p in ways)
        path = shortest_path(km[None], keep_ends=keep_ends)[0]
        assert km[path[:-1], path[1:]].sum() == pytest.approx(best)


# --- draws


def test_accepted_lines_are_like_the_corridor():
    cities = places()
    stage = build_stage(cities["lon"], cities["lat"])
    line = stage.points[cities.index.get_indexer(along(cities))]
    coast = cities["coast_km"].to_numpy()
    rigid, by_coast = draw_rigid(stage, line, coast_km=coast, design=SMALL, seed=(1,))
    own = line_distance_km(stage.points, line[None])[0] <= 100
    inside = line_distance_km(stage.points, by_coast.lines) <= 100
    assert inside_hull(rigid.lines, stage.normals).all()
    assert (np.abs(inside.sum(axis=1) - own.sum()) <= 0.5 * own.sum()).all()
    steps = np.sort(coast)
    shares = [np.searchsorted(np.sort(coast[held]), steps, side="right") / held.sum() for held in [own, *inside]]
    assert np.abs(np.array(shares[1:]) - shares[0]).max() <= 0.5
    assert rigid.acceptance > by_coast.acceptance


def test_drawn_anchors_have_like_mass_ranks():
    cities = places()
    network = build_interaction(cities, mass="gdp")
    stage = build_stage(cities["lon"], cities["lat"])
    anchors = np.array([5, 50, 90])
    draws = draw_anchors(stage, network, anchors, keep_ends=False, design=SMALL, seed=(1,))
    found = np.argmax(draws.lines @ stage.points.T, axis=2)
    rank = (-cities["gdp"]).rank().to_numpy()
    gap = np.array([min(np.abs(rank[list(p)] - rank[anchors]).max() for p in permutations(row)) for row in found])
    assert gap.max() <= 12  # a tenth of 120
    assert all(len(set(row)) == 3 for row in found.tolist())


def test_terminals_stay_in_their_place():
    cities = places()
    stage = build_stage(cities["lon"], cities["lat"])
    network = build_interaction(cities, mass="gdp")
    draws = draw_anchors(stage, network, np.array([5, 50, 70, 90]), keep_ends=True, design=SMALL, seed=(1,))
    found = np.argmax(draws.lines @ stage.points.T, axis=2)
    assert np.unique(found[:, [0, -1]], axis=0).tolist() == [[5, 90]]


# --- tests


@pytest.fixture(scope="module")
def tested():
    cities = places()
    return cities, claim(cities, along(cities)), evaluate(cities, claim(cities, along(cities)))


def row(tests, statistic, null, width=100.0, poles="with"):
    keys = {"statistic": statistic, "null": null, "width_km": width, "poles": poles}
    found = tests[np.logical_and.reduce([tests[name] == value for name, value in keys.items()])]
    assert len(found) == 1
    return found.iloc[0]


def test_statistics_of_the_claim_by_hand(tested):
    cities, hypotheses, tests = tested
    points = unit_vectors(cities["lon"], cities["lat"])
    line = points[cities.index.get_indexer(hypotheses["anchors"][0])]
    held = cities[line_distance_km(points, line[None])[0] <= 100]
    links = extract_backbone(build_interaction(cities, mass="gdp"), cities)
    within = links["origin"].isin(held.index) & links["destination"].isin(held.index)
    assert row(tests, "n_cities", "rigid")["observed"] == len(held)
    assert row(tests, "score_mean", "rigid")["observed"] == pytest.approx(held["score"].mean())
    weighted = np.average(held["score"], weights=held["gdp"])
    assert row(tests, "score_wmean", "rigid")["observed"] == pytest.approx(weighted)
    share = links.loc[within, "traffic_share"].sum()
    assert row(tests, "flow_share", "rigid")["observed"] == pytest.approx(share)


def test_the_weakest_link_by_hand(tested):
    cities, hypotheses, tests = tested
    points = unit_vectors(cities["lon"], cities["lat"])
    line = points[cities.index.get_indexer(hypotheses["anchors"][0])]
    held = np.flatnonzero(line_distance_km(points, line[None])[0] <= 100)
    order = held[np.argsort(line_position(points[held], np.repeat(line[None], len(held), axis=0)))]
    flow = build_interaction(cities, mass="gdp").flow
    weakest = flow[order[:-1], order[1:]].min() / np.triu(flow).sum()
    assert row(tests, "weakest_link", "rigid")["observed"] == pytest.approx(weakest)


def test_the_table_has_its_columns_and_all_draws(tested):
    tests = tested[2]
    assert tuple(tests.columns) == columns.CORRIDOR_TESTS
    assert len(tests) == 4 * 2 * 8
    assert (tests["draws"] == 99).all()
    assert tests["p"].between(0.01, 1).all()


def test_the_same_results_for_any_block_size(tested):
    cities, hypotheses, tests = tested
    small = CorridorDesign(
        widths_km=(60.0, 100.0), draws=99, weights="gdp", coast_tolerance=0.5, count_tolerance=0.5, block=37
    )
    pd.testing.assert_frame_equal(evaluate(cities, hypotheses, small), tests, rtol=1e-9)


def test_a_corridor_has_the_same_draws_whatever_stands_beside_it(tested):
    cities, hypotheses, tests = tested
    two = pd.concat([claim(cities, ("c001", "c050")).assign(corridor_id="X"), hypotheses], ignore_index=True)
    both = evaluate(cities, two)
    again = both[both["corridor_id"] == "B1"].reset_index(drop=True)
    pd.testing.assert_frame_equal(again, tests, check_exact=True)


def test_shifting_all_longitudes_gives_the_same_p(tested):
    cities, hypotheses, tests = tested
    moved = evaluate(cities.assign(lon=cities["lon"] - 160), hypotheses)
    assert moved["p"].tolist() == tests["p"].tolist()
    assert moved["acceptance"].tolist() == tests["acceptance"].tolist()


def test_scores_shifted_and_scaled_give_the_same_p(tested):
    cities, hypotheses, tests = tested
    other = evaluate(cities.assign(score=1000 + 7 * cities["score"]), hypotheses)
    assert other["p"].tolist() == tests["p"].tolist()


def test_equal_scores_are_never_remarkable(tested):
    cities, hypotheses, _ = tested
    tests = evaluate(cities.assign(score=50.0), hypotheses)
    assert tests.loc[tests["statistic"] == "score_mean", "p"].unique().tolist() == [1.0]


def test_without_the_poles_they_are_not_counted(tested):
    cities, hypotheses, tests = tested
    design = CorridorDesign(
        draws=99, weights="gdp", coast_tolerance=0.5, count_tolerance=0.5, poles=hypotheses["anchors"][0]
    )
    other = evaluate(cities, hypotheses, design)
    with_poles, without = (row(other, "n_cities", "rigid", poles=poles)["observed"] for poles in ("with", "without"))
    assert with_poles - without == 4
    assert row(other, "score_mean", "rigid")["p"] == row(tests, "score_mean", "rigid")["p"]


def test_a_city_without_mass_counts_for_the_score_and_not_for_the_flow(tested):
    cities, hypotheses, tests = tested
    points = unit_vectors(cities["lon"], cities["lat"])
    line = points[cities.index.get_indexer(hypotheses["anchors"][0])]
    held = cities.index[line_distance_km(points, line[None])[0] <= 100].difference(hypotheses["anchors"][0])
    poorer = cities.copy()
    poorer.loc[held[0], "gdp"] = np.nan
    other = evaluate(poorer, hypotheses)
    assert row(other, "score_mean", "rigid")["observed"] == row(tests, "score_mean", "rigid")["observed"]
    assert row(other, "weakest_link", "rigid")["observed"] > 0


def test_a_control_has_no_coast_null_and_two_anchors_no_terminals():
    cities = places()
    tests = evaluate(cities, claim(cities, ("c001", "c050"), kind="control"))
    assert tests["null"].unique().tolist() == ["rigid", "anchors"]


@pytest.mark.parametrize(
    ("anchors", "message"),
    [
        (("c001", "999999"), "B1: 999999 is no city of the study"),
        (("c001",), "B1: at least two different anchors are needed, each once; got 1"),
        (("c001", "c002", "c001"), "B1: at least two different anchors are needed, each once; got 3"),
        (tuple(f"c{k:03d}" for k in range(13)), "B1: at most 12 anchors; got 13"),
        (("c001", "c119"), r"B1: c119 has no mass \(gravity, mass gdp"),
    ],
)
def test_impossible_corridors_are_refused(anchors, message):
    cities = places()
    cities.loc["c119", "gdp"] = np.nan
    with pytest.raises(StatisticError, match="1 of 1 corridors cannot be tested: " + message):
        evaluate(cities, claim(cities, anchors))


def test_all_impossible_corridors_are_named_at_once():
    cities = places()
    with pytest.raises(StatisticError, match=r"2 of 2 corridors .*B1: zz .*B2: at least two"):
        evaluate(cities, claim(cities, ("c001", "zz"), ("c001",)))


def test_too_few_accepted_draws_say_where_and_what_to_do():
    cities = places()
    design = CorridorDesign(draws=99, weights="gdp", coast_tolerance=0.01, max_proposals=2000)
    with pytest.raises(StatisticError, match=r"B1 under the coast null: \d+ of 2000 proposals.*Raise max_proposals"):
        evaluate(cities, claim(cities, along(cities)), design)


def test_a_missing_coast_is_named():
    cities = places()
    with pytest.raises(StatisticError, match="every city needs coast_km"):
        evaluate(cities.drop(columns="coast_km"), claim(cities, along(cities)))


def test_a_network_of_other_cities_is_refused():
    cities = places()
    network = build_interaction(cities, mass="gdp")
    links = extract_backbone(network, cities)
    with pytest.raises(AlignmentError, match="interaction has 120 cities, cities has 119"):
        evaluate_corridors(
            cities.iloc[1:], claim(cities, ("c001", "c002")), interaction=network, backbone=links, seed=1
        )


@pytest.mark.parametrize(
    "values", [{"primary_km": 80.0}, {"draws": 5}, {"rank_tolerance": 0.0}, {"widths_km": (-1.0, 100.0)}]
)
def test_an_impossible_design_is_refused(values):
    with pytest.raises(StatisticError, match="must"):
        CorridorDesign(**values)


# --- verdicts


def results(**p):
    """Make tests of corridors: p under the coast null, of the flow, and under the rigid null."""
    rows = []
    for name, (score, flow, rigid) in p.items():
        for null, statistic, value in (
            ("rigid", "score_mean", rigid),
            ("coast", "score_mean", score),
            ("anchors", "flow_share", flow),
            ("terminals", "flow_share", flow / 2),
            ("rigid", "flow_share", 0.001),
        ):
            rows.append((name, null, 100.0, "with", statistic, 1.0, value))
    names = ["corridor_id", "null", "width_km", "poles", "statistic", "observed", "p"]
    kinds = ["control" if name.startswith("K") else "belt" for name in p]
    return pd.DataFrame(rows, columns=names), pd.DataFrame({"corridor_id": list(p), "kind": kinds})


def test_holm_by_hand():
    verdicts = corridor_verdicts(*results(A=(0.01, 1, 1), B=(0.04, 1, 1), C=(0.03, 1, 1)))
    assert verdicts["holm_score"].tolist() == pytest.approx([0.03, 0.06, 0.06])
    assert verdicts["verdict"].tolist() == ["high-score band", "not distinguishable", "not distinguishable"]


def test_both_endpoints_may_hold():
    verdicts = corridor_verdicts(*results(A=(0.01, 0.02, 1)))
    assert verdicts["verdict"].tolist() == ["high-score band and connectivity corridor"]


def test_flow_must_beat_both_nulls():
    assert corridor_verdicts(*results(A=(1, 0.08, 1)))["p_flow_anchors"].tolist() == [0.08]
    assert corridor_verdicts(*results(A=(1, 0.08, 1)))["verdict"].tolist() == ["not distinguishable"]


def test_a_rigid_p_alone_is_no_verdict():
    assert corridor_verdicts(*results(A=(0.2, 0.2, 0.001)))["verdict"].tolist() == ["not distinguishable"]


def test_a_control_is_outside_of_the_family():
    verdicts = corridor_verdicts(*results(A=(0.04, 1, 1), K1=(0.001, 0.001, 0.01), K2=(1, 1, 0.5)))
    assert verdicts["verdict"].tolist() == ["high-score band", "control found", "control not found"]
    assert verdicts["holm_score"].isna().tolist() == [False, True, True]


def test_one_table_of_all_corridors():
    cities = places().assign(city="x", city_en="y")
    detected = pd.DataFrame({"cities": [("c001", "c002")], "n_cities": 2}, index=["D01"])
    hypotheses = claim(cities, ("c003", "c004", "c005"))
    table = corridor_table(cities, detected, hypotheses, corridor_verdicts(*results(B1=(0.5, 0.5, 0.5))))
    assert tuple(table.columns) == columns.CORRIDORS
    assert table["kind"].tolist() == ["detected", "claimed"]
    assert table["verdict"].tolist() == ["detected, not tested", "not distinguishable"]
    assert table["n_cities"].tolist() == [2, 3]


def test_a_claim_may_not_take_the_id_of_a_detected_corridor():
    cities = places()
    detected = pd.DataFrame({"cities": [("c001", "c002")]}, index=["B1"])
    with pytest.raises(StatisticError, match="B1 is the id of a detected and of a claimed corridor"):
        corridor_table(cities, detected, claim(cities, ("c003", "c004")), pd.DataFrame())


def test_the_inland_control_keeps_away_from_the_coast():
    cities = places()
    row_ = inland_control(cities, n_anchors=4, seed=2).iloc[0]
    km = pairwise_km(cities["lon"], cities["lat"])[
        tuple(cities.index.get_indexer([row_.anchors[0], row_.anchors[-1]]))
    ]
    assert (cities.loc[list(row_.anchors), "coast_km"] >= 300).all()
    assert 800 <= km <= 1600


def test_too_few_inland_cities_are_an_error():
    with pytest.raises(
        StatisticError, match=r"an inland control needs 6 cities in a row.*0 cities are so far inland"
    ):
        inland_control(places(), min_coast_km=9000, seed=1)


# --- size and power


@pytest.mark.slow
def test_what_decides_calls_no_more_than_five_in_a_hundred_random_studies_significant():
    """A study each time: the null draws lines, so against one line with few cities most noise may look high."""
    p = []
    for seed in range(400):
        cities = places(100, seed=seed)
        tests = evaluate(cities, claim(cities, along(cities)), seed=seed)
        flow = max(row(tests, "flow_share", null)["p"] for null in ("anchors", "terminals"))
        p.append([row(tests, "score_mean", "coast")["p"], flow])
    share = (np.array(p) <= 0.05).mean(axis=0)
    assert (share <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 400)).all(), share


@pytest.mark.slow
def test_a_planted_band_of_high_scores_is_found():
    found = 0
    for seed in range(40):
        cities = places(200, seed=seed)
        anchors = along(cities)
        points = unit_vectors(cities["lon"], cities["lat"])
        line = points[cities.index.get_indexer(anchors)]
        band = line_distance_km(points, line[None])[0] <= 100
        tests = evaluate(cities.assign(score=cities["score"] + 15 * band), claim(cities, anchors), seed=seed)
        found += row(tests, "score_mean", "rigid")["p"] <= 0.05
    assert found >= 38


def test_the_coastal_control_is_found_and_a_random_inland_line_is_not(analysis):
    from geo_cdei.analysis.belts import coast_distance
    from geo_cdei.inputs.boundaries import read_ocean

    names = ["大连", "天津", "青岛", "连云港", "上海", "宁波", "温州", "福州", "厦门", "深圳"]
    cities = analysis.cities.assign(coast_km=coast_distance(analysis.cities, read_ocean()))
    code = cities.reset_index().set_index("city")["adcode"]
    coast = claim(cities, code.loc[names], kind="control")
    both = pd.concat([coast, inland_control(cities, seed=20211)], ignore_index=True)
    network = build_interaction(cities)
    backbone = extract_backbone(network, cities)
    tests = evaluate_corridors(cities, both, interaction=network, backbone=backbone, seed=20211)
    assert corridor_verdicts(tests, both)["verdict"].tolist() == ["control found", "control not found"]
