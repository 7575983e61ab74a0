"""Weighted scores by hand, by identity, and against print."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from geo_cdei import columns
from geo_cdei.analysis.reproduction import reproduce
from geo_cdei.analysis.scoring import (
    assign_tiers,
    compare_weightings,
    contributions,
    national_means,
    score_clusters,
    score_interval,
)
from geo_cdei.errors import StatisticError

CITIES = pd.DataFrame(
    {"city": list("ABCDE"), "score": [90.0, 60.0, 30.0, 70.0, np.nan], "gdp": [2.0, 1.0, np.nan, 5.0, 4.0]},
    index=pd.Index(list("abcde"), name="adcode"),
)
MEMBERS = pd.DataFrame(
    {
        "cluster_id": ["C1", "C1", "C1", "C2", "C2", "C3"],
        "adcode": list("abcdex"),
        "city": list("ABCDEX"),
        "role": ["primary", "primary", "primary", "primary", "unscored", "unscored"],
    }
)


def score(weights="gdp", cities=CITIES, members=MEMBERS, **given):
    return score_clusters(cities, members, weights=weights, **given)


# --- one cluster by hand: A 90 with weight 2, B 60 with 1, C without a weight


def test_the_score_is_the_weighted_mean_of_the_members_that_have_both():
    assert score().loc["C1", ["score", "n_scored", "n_members", "left_out"]].tolist() == [80.0, 2, 3, "C"]


def test_coverage_is_scored_of_all_members():
    assert score()["coverage"].tolist() == [2 / 3, 1 / 2, 0.0]


def test_the_weight_coverage_is_empty_where_a_member_s_weight_is_unknown():
    assert score()["weight_coverage"].fillna(-1).tolist() == [-1.0, 5 / 9, -1.0]


def test_the_spread_is_the_weighted_standard_deviation():
    assert score().loc["C1", "spread"] == pytest.approx(np.sqrt((2 * 10**2 + 20**2) / 3))


def test_leaving_one_out_gives_the_other_and_names_the_one_that_moves_most():
    assert score().loc["C1", ["loo_min", "loo_max", "top_member"]].tolist() == [60.0, 90.0, "A"]


def test_a_single_member_has_no_range_and_is_its_own_top():
    row = score().loc["C2"]
    assert row["score"] == 70.0
    assert np.isnan(row[["loo_min", "loo_max"]].astype(float)).all()
    assert row["top_member"] == "D"


def test_a_cluster_without_a_scored_member_has_no_score_and_is_not_dropped():
    row = score().loc["C3"]
    assert (row["n_scored"], row["n_members"], row["top_member"]) == (0, 1, "")
    assert np.isnan(row["score"])


def test_a_missing_score_is_never_zero():
    members = MEMBERS.assign(role="primary")
    assert score(members=members).loc["C2", ["score", "left_out"]].tolist() == [70.0, "E"]


def test_what_members_contribute_adds_up_to_the_score():
    parts = contributions(CITIES, MEMBERS, weights="gdp")
    sums = parts.groupby("cluster_id")[["share", "contribution"]].sum()
    assert sums["contribution"].tolist() == [80.0, 70.0]
    assert sums["share"].tolist() == [1.0, 1.0]


def test_the_score_without_a_member_is_that_of_the_cluster_without_it(analysis):
    one = analysis.members[analysis.members["cluster_id"] == "C04"].set_index("adcode")
    for adcode in one.index[one["share"].notna()][:5]:
        rest = analysis.members[analysis.members["adcode"] != adcode]
        again = score_clusters(analysis.cities, rest, weights="gdp_2019").loc["C04", "score"]
        assert one.loc[adcode, "score_without"] == pytest.approx(again)


# --- identities


def test_equal_weights_give_the_plain_mean(analysis):
    scored = score_clusters(analysis.cities, analysis.members, weights="equal")["score"]
    primary = analysis.cities.groupby("cluster_id")["score"].mean()
    pd.testing.assert_series_equal(scored.dropna(), primary, check_names=False)


def test_scaling_the_weights_changes_nothing(analysis):
    scaled = analysis.cities.assign(gdp_2019=analysis.cities["gdp_2019"] * 1e4)
    before, after = (score_clusters(cities, analysis.members) for cities in (analysis.cities, scaled))
    pd.testing.assert_frame_equal(before, after)


def test_the_order_of_the_rows_changes_nothing(analysis):
    cities, members = analysis.cities.sample(frac=1, random_state=1), analysis.members.sample(frac=1, random_state=2)
    before, after = score_clusters(analysis.cities, analysis.members), score_clusters(cities, members)
    pd.testing.assert_frame_equal(before.drop(columns="left_out"), after.drop(columns="left_out"))


def test_adding_a_constant_to_the_scores_adds_it_to_the_clusters(analysis):
    moved = analysis.cities.assign(score=analysis.cities["score"] + 7)
    difference = score_clusters(moved, analysis.members)["score"] - analysis.clusters["score"]
    assert difference.dropna().to_numpy() == pytest.approx(7.0)


def test_a_score_lies_between_its_lowest_and_highest_member(analysis):
    scored = analysis.cities.groupby("cluster_id")["score"]
    found = analysis.clusters["score"].dropna()
    assert (found >= scored.min() - 1e-9).all()
    assert (found <= scored.max() + 1e-9).all()


def test_arguments_are_not_changed():
    before = CITIES.copy(), MEMBERS.copy()
    score()
    pd.testing.assert_frame_equal(CITIES, before[0])
    pd.testing.assert_frame_equal(MEMBERS, before[1])


def test_columns_are_those_of_the_lists():
    assert tuple(score().columns) == columns.CLUSTER_SCORES
    assert tuple(contributions(CITIES, MEMBERS, weights="gdp").columns) == columns.CONTRIBUTIONS


# --- interval


def interval(sd, cities=CITIES, seed=1, draws=2000):
    log_sd = pd.Series(sd, index=cities.index)
    return score_interval(cities, MEMBERS, log_sd=log_sd, weights="gdp", draws=draws, seed=seed)


def test_exact_weights_give_an_interval_of_no_width_at_the_score():
    assert interval(0.0).loc[["C1", "C2"]].to_numpy() == pytest.approx(np.array([[80, 80], [70, 70]]))


def test_a_cluster_without_scored_members_has_no_interval():
    assert interval(0.1).loc["C3"].isna().all()


def test_the_interval_is_that_of_the_logit_of_the_share():
    """With two members the log of the ratio of the weights is normal with sd √2·s: its quantiles are exact."""
    low, high = interval(0.3, draws=40_000).loc["C1"]
    share = 1 / (1 + np.exp(-(np.log(2) + np.array([-1, 1]) * 1.959964 * np.sqrt(2) * 0.3)))
    assert [low, high] == pytest.approx((60 + 30 * share).tolist(), abs=0.15)


def test_the_interval_hangs_on_the_seed_alone_and_not_on_the_order_of_the_rows():
    pd.testing.assert_frame_equal(interval(0.2), interval(0.2, CITIES.iloc[::-1]))


# --- tiers and the nation


def test_the_lower_edge_of_a_tier_belongs_to_it_in_any_order_of_the_table():
    tiers = pd.DataFrame({"tier": ["low", "high", "mid"], "lower": [10.0, 85.0, 50.0]})
    found = assign_tiers(pd.Series([85.0, 84.9, 50.0, 10.0, 9.9, np.nan]), tiers)
    assert found.fillna("none").tolist() == ["high", "mid", "mid", "low", "none", "none"]


def test_the_nation_is_weighted_as_the_clusters_are(analysis):
    assert {k: round(v, 1) for k, v in analysis.national.items()} == {"weighted": 66.3, "unweighted": 53.4}


def test_a_city_without_weight_counts_in_the_plain_national_mean_alone():
    means = national_means(CITIES, weights="gdp")
    assert means == {"weighted": pytest.approx((180 + 60 + 350) / 8), "unweighted": 62.5}


# --- against print


def printed(**given):
    row = {"edition": 2021, "quantity": "mean_score", "subject": "全国", "cluster_id": None, "value": 62.5}
    return pd.DataFrame([row | {"printed_unit": 0.1} | given])


TIERED = CITIES.assign(tier="one")


def verdict(cities=TIERED, clusters=None, **given):
    clusters = pd.DataFrame({"score": [72.752]}, index=["C02"]) if clusters is None else clusters
    return reproduce(cities, clusters, printed(**given), edition=2021).iloc[0]


@pytest.mark.parametrize(
    ("value", "said"),
    [(62.5, "yes"), (62.45, "yes"), (62.55, "yes"), (62.44, "no"), (62.56, "no"), (62.0, "no")],
)
def test_within_half_a_printed_unit_is_reproduced_the_edge_included(value, said):
    assert verdict(value=value)["reproduced"] == said


def test_a_whole_printed_unit_is_coarser():
    assert verdict(value=63.0, printed_unit=1.0)["reproduced"] == "yes"


def test_the_difference_is_computed_less_published():
    assert verdict(value=60.0)[["computed", "difference"]].tolist() == [62.5, 2.5]


@pytest.mark.parametrize(
    ("given", "note"),
    [
        ({"edition": 2020}, "the city scores of the 2020 edition are not available"),
        ({"quantity": "dimension_mean"}, "the scores by dimension are not printed city by city"),
        ({"quantity": "tier_mean_scale"}, "the study has no column scale_2020"),
        ({"quantity": "tier_count", "cities": CITIES}, "the study has no table tiers"),
        ({"printed_unit": np.nan}, "its printed_unit is not given"),
    ],
)
def test_what_cannot_be_tested_says_why_and_is_neither_yes_nor_no(given, note):
    row = verdict(**given)
    assert (row["reproduced"], row["note"]) == ("", note)
    assert np.isnan(row["computed"])


def test_a_row_without_a_value_is_no_number_to_test():
    assert len(reproduce(CITIES, CITIES, printed(value=np.nan), edition=2021)) == 0


def test_a_quantity_without_a_rule_is_refused():
    with pytest.raises(StatisticError, match=r"no rule for quantity 'mode_score'\. Known: cluster_weighted_score"):
        verdict(quantity="mode_score")


def test_a_printed_cluster_that_the_study_lacks_is_refused():
    with pytest.raises(StatisticError, match="names the cluster 'C99', which is none of: C02"):
        verdict(quantity="cluster_weighted_score", cluster_id="C99")


def test_weightings_are_ranked_by_their_distance_from_print():
    """Weighted by gdp C1 is 80 and C2 70, as printed: no rival comes as near."""
    given = pd.concat(
        [printed(quantity="cluster_weighted_score", cluster_id=c, value=v) for c, v in [("C1", 80), ("C2", 70)]]
    )
    table = compare_weightings(CITIES, MEMBERS, given, weights="gdp", edition=2021)
    assert table["weights"].drop_duplicates().tolist() == ["gdp", "half max, half mean", "1/rank", "equal"]
    rmse = table.drop_duplicates("weights").set_index("weights")["rmse"]
    assert rmse["gdp"] == 0.0
    assert rmse["equal"] == pytest.approx(np.sqrt(20**2 / 2))  # C1: the mean of 90, 60, 30 is 60
    assert rmse["1/rank"] == pytest.approx((80 - (90 + 60 / 3 + 30 / 4) / (1 + 1 / 3 + 1 / 4)) / np.sqrt(2))
    assert rmse["half max, half mean"] == pytest.approx(np.sqrt(5**2 / 2))


def test_an_edition_without_printed_clusters_compares_nothing():
    table = compare_weightings(CITIES, MEMBERS, printed(), weights="gdp", edition=2021)
    assert (len(table), tuple(table.columns)) == (0, columns.WEIGHTING)


def test_half_max_half_mean_is_not_rounded():
    """Scores of 3 and 6: half of 6 and half of 4.5."""
    cities = pd.DataFrame({"city": ["A", "B"], "score": [3.0, 6.0], "gdp": 1.0}, index=["1", "2"])
    members = pd.DataFrame({"cluster_id": "C1", "adcode": ["1", "2"], "city": ["A", "B"], "role": "primary"})
    printed = pd.DataFrame(
        {"quantity": ["cluster_weighted_score"], "edition": [2021], "cluster_id": ["C1"], "value": [5.25]}
    )
    table = compare_weightings(cities, members, printed, weights="gdp", edition=2021)
    assert table.set_index("weights").loc["half max, half mean", "computed"] == 5.25


def test_the_weights_of_contributions_are_given_by_name():
    """What stands third is no weighting by accident."""
    for function in (contributions, score_clusters):
        with pytest.raises(TypeError, match="positional"):
            function(None, None, "gdp")
