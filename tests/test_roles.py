"""Scenarios, roles read from their table, and the bootstrap."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pattern_study import make_study

from geo_cdei._breaks import natural_breaks
from geo_cdei.analysis.roles import (
    MEMBERSHIPS,
    REMOVALS,
    assign_roles,
    base_scores,
    bootstrap_classes,
    classify_scenarios,
)
from geo_cdei.columns import SCENARIOS
from geo_cdei.errors import StatisticError

WEIGHTS = ["gdp", "scale", "scale^0.8"]
FOUR = [82, 80, 79, 78, 61, 60, 59, 58, 45, 44, 43, 42, 30, 29, 28]


@pytest.fixture(scope="module")
def planted():
    return make_study(FOUR)


@pytest.fixture(scope="module")
def scenarios(planted):
    return classify_scenarios(*planted, weights=WEIGHTS, k=4)


def table_of(**classes: list[int]) -> pd.DataFrame:
    """Scenarios of one cluster at k = 4: classes by removal, one for each of six weighting × membership."""
    rows = [
        ("C1", weights, membership, removal.replace("_", " "), 4, 1.0, label)
        for removal, labels in classes.items()
        for (weights, membership), label in zip([(w, m) for w in WEIGHTS for m in MEMBERSHIPS], labels, strict=True)
    ]
    return pd.DataFrame(rows, columns=list(SCENARIOS))


def role_of(table: pd.DataFrame) -> str:
    return assign_roles(table, weights="gdp", k=4, ks=[4]).loc["C1", "role"]


def test_every_scenario_is_there_once(scenarios):
    assert tuple(scenarios.columns) == SCENARIOS
    assert len(scenarios) == 15 * 3 * 2 * 4 * 3
    assert not scenarios.duplicated(list(SCENARIOS[:5])).any()


def test_a_fixed_k_beside_the_others_is_added(planted):
    table = classify_scenarios(*planted, weights=["gdp"], k=6)
    assert sorted(table["k"].unique()) == [3, 4, 5, 6]


def test_removals_by_hand():
    """C01: scores 9, 6, 3 and 0 with weights 1, 4, 2 and 3: each removal leaves a mean worked by hand."""
    cities, members = make_study(range(8), size=4)
    cities.iloc[:4, 0], cities.iloc[:4, 1] = [9.0, 6, 3, 0], [1.0, 4, 2, 3]
    table = classify_scenarios(cities, members, weights=["gdp"], k=3, ks=[3])
    own = table[(table["cluster_id"] == "C01") & (table["membership"] == "primary")].set_index("removal")["score"]
    assert own[list(REMOVALS)].tolist() == pytest.approx([39 / 10, 15 / 6, 39 / 7, 39 / 7])


def test_equal_weights_remove_by_the_order_given():
    cities, members = make_study(range(8), size=4)
    cities.iloc[:4, 0], cities.iloc[:4, 1] = [9.0, 6, 3, 0], [1.0, 4, 2, 3]
    table = classify_scenarios(cities, members, weights=["equal"], k=3, ks=[3], order_by="gdp")
    own = table[(table["cluster_id"] == "C01") & (table["membership"] == "primary")].set_index("removal")["score"]
    assert own[list(REMOVALS)].tolist() == pytest.approx([4.5, 4.0, 6.0, 6.0])


def test_removal_ties_go_to_the_lower_adcode():
    cities, members = make_study(range(8), size=4)
    cities.iloc[:4, 0], cities.iloc[:4, 1] = [9.0, 6, 3, 0], [2.0, 2, 2, 2]
    shuffled = cities.sample(frac=1, random_state=1)
    table = classify_scenarios(shuffled, members, weights=["gdp"], k=3, ks=[3])
    own = table[(table["cluster_id"] == "C01") & (table["membership"] == "primary")].set_index("removal")["score"]
    assert own[list(REMOVALS)].tolist() == pytest.approx([4.5, 3.0, 4.0, 6.0])


def test_a_removal_leaves_the_other_clusters_whole(scenarios):
    """The class of each row follows from the written scores: own score in the row, the others without removal."""
    keys = ["weights", "membership", "k"]
    for (weights, membership, k), part in scenarios.groupby(keys):
        whole = part[part["removal"] == "none"].set_index("cluster_id")["score"]
        for row in part.itertuples():
            scores = whole.copy()
            scores[row.cluster_id] = row.score
            label = natural_breaks(scores, k)[whole.index.get_loc(row.cluster_id)]
            assert label == row[7], (weights, membership)


def test_secondary_members_count_in_their_membership(planted):
    cities, members = planted
    extra = pd.DataFrame({"cluster_id": "C15", "adcode": cities.index[:6], "role": "secondary"})
    table = classify_scenarios(cities, pd.concat([members, extra]), weights=["equal"], k=4)
    own = table.query("cluster_id == 'C15' and removal == 'none' and k == 4").set_index("membership")["score"]
    assert own["with secondary"] == pytest.approx(cities["score"].iloc[[*range(6), *range(84, 90)]].mean())


def test_four_planted_poles_are_found_and_no_fifth(scenarios):
    roles = assign_roles(scenarios, weights="gdp", k=4)["role"]
    assert roles[roles == "pole"].index.tolist() == ["C01", "C02", "C03", "C04"]
    assert (roles.iloc[4:8] == "contender").all()
    assert (roles.iloc[8:] == "other").all()


def test_a_pole_needs_every_scenario_without_removal():
    rest = {"largest": [1] * 6, "second_largest": [1] * 6, "lowest_score": [1] * 6}
    assert role_of(table_of(none=[1] * 6, **rest)) == "pole"
    assert role_of(table_of(none=[1] * 5 + [2], **rest)) == "contender"


def test_fifteen_of_eighteen_removals_make_a_pole_and_fourteen_do_not():
    rest = {"none": [1] * 6, "second_largest": [1] * 6, "lowest_score": [1] * 6}
    assert role_of(table_of(**rest, largest=[1] * 3 + [2] * 3)) == "pole"
    assert role_of(table_of(**rest, largest=[1] * 2 + [2] * 4)) == "pole (core-dependent)"


def test_a_pole_lost_without_another_member_is_no_core_dependent_one():
    table = table_of(none=[1] * 6, largest=[2] * 6, second_largest=[2] * 6, lowest_score=[1] * 6)
    assert role_of(table) == "contender"


def test_half_in_the_upper_two_classes_make_a_contender():
    low = {"second_largest": [3] * 6, "lowest_score": [3] * 6}
    assert role_of(table_of(none=[2] * 6, largest=[2] * 6, **low)) == "contender"
    assert role_of(table_of(none=[2] * 6, largest=[2] * 5 + [3], **low)) == "other"


def test_roles_survive_the_way_through_a_csv(scenarios, tmp_path):
    scenarios.to_csv(tmp_path / "scenarios.csv", index=False)
    read = pd.read_csv(tmp_path / "scenarios.csv")
    pd.testing.assert_frame_equal(
        assign_roles(read, weights="gdp", k=4), assign_roles(scenarios, weights="gdp", k=4), check_dtype=False
    )


def test_shares_over_all_are_the_mean_of_those_per_k(scenarios):
    roles = assign_roles(scenarios, weights="gdp", k=4)
    for share in ("top_share", "second_share"):
        per_k = roles[[f"{share}_k{k}" for k in (3, 4, 5)]].mean(axis=1)
        np.testing.assert_allclose(roles[share], per_k)


def test_a_cluster_with_two_scored_members_is_not_tested(planted):
    cities, members = planted
    cities = cities.copy()
    cities.iloc[:4, 0] = np.nan
    assert "C01" not in base_scores(cities, members, weights=WEIGHTS).index


def test_a_member_without_one_of_the_weights_does_not_count_as_tested(planted):
    cities, members = planted
    cities = cities.copy()
    cities.iloc[:4, 2] = np.nan
    assert "C01" not in base_scores(cities, members, weights=WEIGHTS).index
    assert "C01" in base_scores(cities, members, weights=["gdp"]).index


def test_more_classes_than_clusters_are_refused():
    study = make_study([1, 2, 3, 4])
    with pytest.raises(StatisticError, match=r"5 classes need as many clusters with 3 scored members; there are 4"):
        classify_scenarios(*study, weights=["gdp"], k=4)


def test_scenarios_do_not_hang_on_the_order_of_the_rows(planted, scenarios):
    cities, members = planted
    turned = classify_scenarios(
        cities.sample(frac=1, random_state=2), members.sample(frac=1, random_state=3), weights=WEIGHTS, k=4
    )
    pd.testing.assert_frame_equal(turned, scenarios)


def test_classes_do_not_change_with_the_unit_of_scores_and_weights(planted, scenarios):
    cities, members = planted
    scaled = cities.assign(score=cities["score"] * 3 + 7, gdp=cities["gdp"] * 1e4)
    turned = classify_scenarios(scaled, members, weights=WEIGHTS, k=4)
    assert (turned["class"] == scenarios["class"]).all()


def test_bootstrap_does_not_hang_on_the_order_of_the_rows(planted):
    cities, members = planted
    one = bootstrap_classes(cities, members, weights=WEIGHTS, k=4, draws=99, seed=5)
    two = bootstrap_classes(cities[::-1], members[::-1], weights=WEIGHTS, k=4, draws=99, seed=5)
    pd.testing.assert_frame_equal(one, two)


def test_bootstrap_share_of_a_single_peak_is_the_chance_that_it_is_drawn():
    """Three members, of which one lifts the cluster to the top: it is drawn with chance 1 − (2/3)³."""
    cities, members = make_study([10.0] * 8 + [50.0] * 8 + [80.0], size=3, spread=0.0)
    cities = cities.assign(gdp=1.0)
    cities.iloc[0, :2] = [80.0, 1e9]
    found = bootstrap_classes(cities, members, weights=["gdp"], k=3, draws=4000, seed=1)
    assert found.loc["C01", "bootstrap_top"] == pytest.approx(1 - (2 / 3) ** 3, abs=4 * np.sqrt(0.21 / 4000))
    assert found.loc["C17", "bootstrap_top"] == 1.0
