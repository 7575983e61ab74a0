"""Candidates, criteria and location of a fifth pole."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pole_frames import criteria_of, small_country

from geo_cdei import columns
from geo_cdei._geodesy import pairwise_km
from geo_cdei._poles import check_weights, group_weights, scale_values
from geo_cdei.analysis import pole_criteria as pc
from geo_cdei.analysis import pole_location, poles
from geo_cdei.errors import AlignmentError, StatisticError


def criteria(evidence=None, *, members=None, cities=None):
    own_cities, own_members, clusters = small_country()
    candidates = poles.pole_candidates(clusters, ["C1"])
    return pc.pole_criteria(
        candidates,
        own_cities if cities is None else cities,
        own_members if members is None else members,
        evidence=evidence or pc.PoleEvidence(poles=["C1"]),
    )


def test_a_pole_of_the_book_holds_a_seat_whatever_its_tested_role():
    pattern = pd.DataFrame(
        {"role": ["pole (core-dependent)", "contender"], "book_role": ["none", "pole"]}, index=list("ab")
    )
    assert poles.seat_holders(pattern) == ["a", "b"]
    assert poles.seat_holders(pattern, seats="role") == ["a"]
    assert poles.seat_holders(pattern, seats="book") == ["b"]


def test_no_pole_is_an_error():
    with pytest.raises(StatisticError, match="none of the 1 clusters holds a seat"):
        poles.seat_holders(pd.DataFrame({"role": ["other"]}, index=["a"]))


def test_an_unknown_rule_for_seats_is_an_error():
    with pytest.raises(StatisticError, match="seats must be one of either, role, book"):
        poles.seat_holders(pd.DataFrame({"role": ["pole"]}), seats="mine")


def test_candidates_hold_no_seat_and_have_three_scored_members():
    _, _, clusters = small_country()
    more = pd.concat([clusters, pd.DataFrame({"cluster": "T", "cluster_en": "T", "n_scored": 2}, index=["C4"])])
    assert poles.pole_candidates(more, ["C1"]).index.tolist() == ["C2", "C3"]


def test_one_candidate_is_an_error():
    _, _, clusters = small_country()
    with pytest.raises(StatisticError, match="needs two candidates; 1 of 3"):
        poles.pole_candidates(clusters, ["C1", "C2"])


def test_a_custom_candidate_withdraws_every_cluster_it_touches():
    cities, members, _ = small_country()
    wider, withdrawn = poles.add_custom_candidate(
        members, cities, {"name": "N", "clusters": ["C2"], "cities": ["X"]}, cluster_id="X1", poles=["C1"]
    )
    assert withdrawn == ["C2", "C3"]
    assert wider.loc[wider["cluster_id"] == "X1", "city"].tolist() == ["A", "B", "C", "X"]


def test_a_custom_candidate_leaves_the_members_given_as_they_were():
    cities, members, _ = small_country()
    before = members.copy()
    poles.add_custom_candidate(members, cities, {"name": "N", "clusters": ["C2"]}, cluster_id="X1", poles=["C1"])
    pd.testing.assert_frame_equal(members, before)


def test_a_custom_candidate_that_overlaps_a_pole_is_an_error():
    cities, members, _ = small_country()
    with pytest.raises(StatisticError, match="'N' shares 1 cities with a pole"):
        poles.add_custom_candidate(
            members, cities, {"name": "N", "clusters": ["C2"], "cities": ["R"]}, cluster_id="X1", poles=["C1"]
        )


@pytest.mark.parametrize("named", [{"clusters": ["C9"]}, {"cities": ["Nowhere"]}, {}])
def test_a_custom_candidate_of_unknown_places_is_an_error(named):
    cities, members, _ = small_country()
    with pytest.raises(StatisticError, match="of which unknown"):
        poles.add_custom_candidate(members, cities, {"name": "N"} | named, cluster_id="X1", poles=["C1"])


def test_a_custom_candidate_of_two_cities_is_an_error():
    cities, members, _ = small_country()
    with pytest.raises(StatisticError, match="has 2 scored cities; 3 are needed"):
        poles.add_custom_candidate(
            members, cities, {"name": "N", "cities": ["A", "X"]}, cluster_id="X1", poles=["C1"]
        )


def test_level_and_breadth_are_as_worked_by_hand():
    raw = criteria().raw.loc["C2"]
    assert raw["score"] == pytest.approx((2 * 66 + 60 + 54) / 4)
    assert raw[["top_city", "scale_2020", "n_strong", "primacy"]].tolist() == [66, 8, 1, 2]
    assert raw["evenness"] == pytest.approx(1 - (2 + 2 + 0) / 3 / (2 * 8 / 3))  # mean difference over twice the mean


def test_market_potential_counts_the_cities_outside_over_their_distance():
    cities, _, _ = small_country()
    km = pairwise_km(cities["lon"], cities["lat"])
    outside = [0, 1, 2, 6, 7, 8]
    expected = (cities["scale_2020"].to_numpy()[outside] / km[3, outside]).sum()
    assert criteria().raw.at["C2", "market_potential"] == pytest.approx(expected)


def test_backbone_flow_is_what_crosses_the_border():
    links = pd.DataFrame(
        {"origin": ["000004", "000004"], "destination": ["000005", "000007"], "carried": [0.5, 0.25]}
    )
    found = criteria(pc.PoleEvidence(links=links, poles=["C1"])).raw["backbone_flow"]
    assert found.to_dict() == {"C2": 0.25, "C3": 0.25}


def test_corridors_are_read_from_tuples_and_from_text_alike():
    ways = (("000001", "000004"), ("000005", "000007")), ("000001;000004", "000005;000007")
    found = [
        criteria(pc.PoleEvidence(corridors=pd.DataFrame({"cities": list(way)}), poles=["C1"]))
        .raw["n_corridors"]
        .tolist()
        for way in ways
    ]
    assert found == [[2.0, 1.0]] * 2


def test_shares_are_of_the_members_that_were_tested():
    cities, _, _ = small_country()
    local = pd.DataFrame({"HH": True, "hot": False}, index=cities.index).drop(index="000005")
    local.loc["000004", "HH"] = False
    assert criteria(pc.PoleEvidence(local=local, poles=["C1"])).raw.at["C2", "share_HH"] == 0.5


def test_free_hinterland_is_the_size_that_no_pole_draws_more():
    cities, _, _ = small_country()
    own = np.linspace(0, 1, 9)
    table = pd.DataFrame(
        {
            "adcode": np.tile(cities.index, 2),
            "core": np.repeat(["000001", "000007"], 9),
            "probability": [*(1 - own), *own],
        }
    )
    # cities 6 to 9 (probability above one half) turn to X: sizes 2, 6, 1, 1 of 31
    found = criteria(pc.PoleEvidence(hinterlands=table, poles=["C1"])).raw["free_hinterland"]
    assert found["C3"] == pytest.approx(10 / 31)
    assert np.isnan(found["C2"])  # none of its cities is a core: unknown, not 0


def test_an_unknown_size_makes_sums_unknown_and_never_zero():
    cities, _, _ = small_country()
    cities.loc["000005", "scale_2020"] = np.nan
    raw = criteria(cities=cities).raw
    assert raw.loc["C2", ["scale_2020", "evenness", "primacy"]].isna().all()
    assert raw.loc["C3"].notna().all()


def test_a_criterion_without_a_source_is_left_out_and_named():
    found = criteria()
    assert "complementarity" in found.left_out
    assert "complementarity" not in found.raw


def test_a_criterion_missing_for_all_is_an_error():
    nowhere = pc.PoleEvidence(change=pd.Series({"C1": np.nan}), poles=["C1"])
    with pytest.raises(StatisticError, match="missing for all 2 candidates and were observed nowhere else: change"):
        criteria(nowhere)


def test_a_change_known_for_poles_alone_gives_the_range_and_stays_unknown():
    found = criteria(pc.PoleEvidence(change=pd.Series({"C1": 1.8, "C9": 2.8}), poles=["C1"]))
    assert found.raw["change"].isna().all()
    assert found.table.loc["change", ["low", "high", "n_missing"]].tolist() == [1.8, 2.8, 2]


def test_links_of_unknown_cities_are_an_error():
    links = pd.DataFrame({"origin": ["999999"], "destination": ["000001"], "carried": [1.0]})
    with pytest.raises(AlignmentError, match="links has 1 codes that are none of the 9 cities"):
        criteria(pc.PoleEvidence(links=links, poles=["C1"]))


def test_secondary_members_count_in_the_wider_scenario_alone():
    _, members, _ = small_country()
    wider = pd.concat([members, members.iloc[[6]].assign(cluster_id="C2", role="secondary")], ignore_index=True)
    found = criteria(members=wider)
    assert found.raw.at["C2", "scale_2020"] == 8
    assert found.others[0].at["C2", "scale_2020"] == 14


def test_criteria_do_not_hang_on_the_order_of_the_cities():
    cities, _, _ = small_country()
    pd.testing.assert_frame_equal(criteria(cities=cities.iloc[::-1]).raw, criteria().raw)


def test_the_scale_runs_from_worst_to_best_in_either_direction():
    made = criteria_of({"a": [1, 2, 3], "b": [1, 2, 3]}, ["level", "breadth"], [1, -1])
    assert scale_values(made.raw, made.table).to_numpy().tolist() == [[0, 1], [0.5, 0.5], [1, 0]]


def test_group_weights_share_out_each_group():
    groups = pd.Series(["level", "level", "location"], index=["score", "top_city", "complementarity"])
    assert group_weights(groups, between={"level": 3}).tolist() == [0.375, 0.375, 0.25]


@pytest.mark.parametrize("value", [-1.0, np.nan, np.inf])
def test_a_negative_or_infinite_weight_is_an_error(value):
    with pytest.raises(StatisticError, match="weights are finite and 0 or more"):
        group_weights(pd.Series(["level"], index=["score"]), between={"level": value})


def test_weights_that_are_all_zero_are_an_error():
    with pytest.raises(StatisticError, match="all 2 weights are 0"):
        check_weights(pd.Series({"a": 0.0, "b": 0.0}), pd.Index(["a", "b"]))


def test_a_misspelt_group_is_an_error():
    with pytest.raises(StatisticError, match="1 unknown \\('levle'\\)"):
        group_weights(pd.Series(["level"], index=["score"]), between={"levle": 1.0})


def test_complementarity_is_that_of_brute_force():
    rng = np.random.default_rng(1)
    cities, _, _ = small_country()
    cities["lon"], cities["lat"] = rng.uniform(90, 120, 9), rng.uniform(20, 45, 9)
    found = pole_location.fifth_sites(cities, pd.Series({"P": "000001", "Q": "000005"}))
    km, size = pairwise_km(cities["lon"], cities["lat"]), cities["scale_2020"].to_numpy()

    def mean(sites):
        return sum(size[i] * min(km[i, j] for j in sites) for i in range(9)) / size.sum()

    for i, code in enumerate(cities.index):
        assert found.at[code, "saved_km"] == pytest.approx(mean([0, 4]) - mean([0, 4, i]), abs=1e-9)


def test_the_best_site_solves_the_p_median_problem():
    from scipy.optimize import Bounds, LinearConstraint, milp

    cities, _, _ = small_country()
    cities["lat"] = [30.0, 33, 31, 28, 40, 35, 29, 37, 32]
    km, size, n = pairwise_km(cities["lon"], cities["lat"]), cities["scale_2020"].to_numpy(), 9
    # x[i, j]: city i goes to site j; y[j]: j is a site, the first two fixed
    cost = np.concatenate([(size[:, None] * km).ravel(), np.zeros(n)])
    goes = np.hstack([np.kron(np.eye(n), np.ones(n)), np.zeros((n, n))])
    opened = np.hstack([np.eye(n * n), -np.tile(np.eye(n), (n, 1))])
    three = np.concatenate([np.zeros(n * n), np.ones(n)])[None, :]
    low = np.concatenate([np.zeros(n * n), [1, 1], np.zeros(n - 2)])
    solved = milp(
        cost, integrality=np.ones(len(cost)), bounds=Bounds(low, 1),
        constraints=[LinearConstraint(goes, 1, 1), LinearConstraint(opened, -np.inf, 0),
                     LinearConstraint(three, 3, 3)],
    )  # fmt: skip
    found = pole_location.fifth_sites(cities, pd.Series({"P": "000001", "Q": "000002"}))
    best = found["saved_km"].max()
    assert found.attrs["mean_km"] - best == pytest.approx(solved.fun / size.sum())


def test_a_site_at_a_pole_saves_nothing():
    cities, _, _ = small_country()
    assert pole_location.fifth_sites(cities, pd.Series({"P": "000001"})).at["000001", "saved_km"] == 0


def test_sites_are_the_same_with_kilometres_measured_before():
    cities, _, _ = small_country()
    found = pole_location.fifth_sites(cities, seats := pd.Series({"P": "000001"}))
    given = pole_location.fifth_sites(cities, seats, km=pairwise_km(cities["lon"], cities["lat"]))
    pd.testing.assert_frame_equal(given, found, check_exact=True)


def test_sites_name_their_columns_and_count_what_is_unknown():
    cities, _, _ = small_country()
    cities.loc["000005", "scale_2020"] = np.nan
    found = pole_location.fifth_sites(cities, pd.Series({"P": "000001"}))
    assert tuple(found.columns) == columns.POLE_SITES
    assert found.attrs["n_unknown"] == 1


def test_a_seat_that_is_no_city_is_an_error():
    cities, _, _ = small_country()
    with pytest.raises(StatisticError, match="1 are no city \\(P: 999999\\)"):
        pole_location.fifth_sites(cities, pd.Series({"P": "999999"}))


def test_the_seat_is_the_largest_member_and_the_lower_code_among_equals():
    cities, members, _ = small_country()
    cities.loc["000005", "scale_2020"] = 4.0
    assert pole_location.cluster_seats(cities, members).to_dict() == {"C1": "000001", "C2": "000004", "C3": "000007"}


def test_the_fifth_pole_takes_the_cities_that_are_nearer_to_it():
    cities, _, _ = small_country()
    found = pole_location.nearest_pole(cities, pd.Series({"C1": "000001"}), fifth="C3", fifth_seat="000007")
    assert found["pole_after"].tolist() == ["C1"] * 4 + ["C3"] * 5  # the fourth is as near to either, and stays
    assert tuple(found.columns) == columns.POLE_CATCHMENTS


def test_catchments_lose_no_city_and_no_size():
    cities, _, _ = small_country()
    found = pole_location.nearest_pole(cities, pd.Series({"C1": "000001"}), fifth="C3", fifth_seat="000007")
    table = pole_location.catchment_table(found, cities["scale_2020"])
    assert table.sum().tolist() == [9, 9, 31, 31]
