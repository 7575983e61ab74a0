"""Ranks, weights, acceptabilities and goals of the candidates for a fifth pole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from pole_frames import criteria_of

from geo_cdei import columns
from geo_cdei._poles import group_weights, subset
from geo_cdei.analysis import acceptability as ac
from geo_cdei.analysis import pole_goals as pg
from geo_cdei.analysis import pole_ranking as pr
from geo_cdei.errors import StatisticError

GROUPS = ["level", "level", "location"]


@pytest.fixture
def three():
    """Return three candidates by three criteria."""
    return criteria_of({"a": [3, 1, 2], "b": [1, 4, 3], "c": [5, 9, 6]}, GROUPS, [1, 1, -1])


@pytest.fixture
def many():
    """Return twelve candidates by five criteria in two groups."""
    raw = np.random.default_rng(3).random((12, 5))
    return criteria_of(dict(zip("abcde", raw.T, strict=True)), ["level"] * 3 + ["location"] * 2)


def test_the_additive_value_is_as_worked_by_hand(three):
    found = pr.rank_poles(three)
    # scaled: C1 (1, 0, 1), C2 (0, 1, 0), C3 (.5, 2/3, .75); weights 1/4, 1/4, 1/2
    assert found["value_additive"].tolist() == pytest.approx([0.75, 0.25, 0.125 + 1 / 6 + 0.375])
    assert found["rank_additive"].tolist() == [1, 3, 2]


def test_topsis_is_that_of_pymcdm_on_the_raw_values(three):
    from pymcdm.methods import TOPSIS

    expected = TOPSIS()(three.raw.to_numpy(), np.array([0.25, 0.25, 0.5]), np.array([1, 1, -1]))
    assert pr.rank_poles(three)["value_topsis"].to_numpy() == pytest.approx(expected)


def test_topsis_is_as_worked_by_hand():
    made = criteria_of({"a": [1, 0, 0.5], "b": [0, 1, 1]}, ["level", "location"])
    # weighted: (.5, 0), (0, .5), (.25, .5); best (.5, .5), worst (0, 0)
    expected = [0.5, 0.5, np.hypot(0.25, 0.5) / (np.hypot(0.25, 0.5) + 0.25)]
    assert pr.rank_poles(made)["value_topsis"].tolist() == pytest.approx(expected)


def test_ranks_do_not_change_when_a_criterion_is_rescaled(three):
    other = criteria_of(three.raw.assign(a=three.raw["a"] * 7 - 2), GROUPS, [1, 1, -1])
    pd.testing.assert_frame_equal(pr.rank_poles(other), pr.rank_poles(three))


def test_the_ranking_names_its_columns(three):
    found = pr.rank_poles(three)
    assert tuple(found.columns) == (*columns.POLE_RANKS, "scaled_a", "scaled_b", "scaled_c")


def test_an_unknown_value_stands_in_the_middle_and_stays_unknown(three):
    made = criteria_of(three.raw.assign(b=[1, 4, np.nan]), GROUPS, [1, 1, -1])
    found = pr.rank_poles(made)
    assert found.at["C3", "value_additive"] == pytest.approx(0.125 + 0.125 + 0.375)
    assert np.isnan(found.at["C3", "scaled_b"])


def test_candidates_that_are_all_alike_share_the_first_rank():
    found = pr.rank_poles(criteria_of({"a": [2, 2], "b": [1, 1]}, ["level", "location"]))
    assert found[["rank_additive", "rank_topsis"]].to_numpy().tolist() == [[1, 1], [1, 1]]


def test_one_candidate_cannot_be_ranked(three):
    with pytest.raises(StatisticError, match="needs two candidates; got 1"):
        pr.rank_poles(subset(three, ["C1"]))


def test_negative_weights_are_an_error(three):
    with pytest.raises(StatisticError, match="weight of 'b' is -1"):
        pr.rank_poles(three, weights=pd.Series({"a": 1.0, "b": -1.0, "c": 1.0}))


def test_weights_that_lack_a_criterion_are_an_error(three):
    with pytest.raises(StatisticError, match="missing: c; unknown: z"):
        pr.rank_poles(three, weights=pd.Series({"a": 1.0, "b": 1.0, "z": 1.0}))


def test_entropy_weights_are_those_of_pymcdm_where_all_is_positive(three):
    from pymcdm.weights import entropy_weights

    found = pr.objective_weights(three, "entropy").to_numpy()
    assert found == pytest.approx(entropy_weights(three.raw.to_numpy()))


def test_one_zero_does_not_take_the_entropy_of_a_criterion():
    made = criteria_of({"a": [0.0, 1, 1], "b": [1.0, 1, 2]}, ["level", "location"])
    a, b = 1 - np.log(2) / np.log(3), 1 - 1.5 * np.log(2) / np.log(3)
    assert pr.objective_weights(made, "entropy").tolist() == pytest.approx([a / (a + b), b / (a + b)])


def test_critic_weights_are_those_of_pymcdm_on_the_turned_scale(three):
    from pymcdm.weights import critic_weights

    turned = three.raw.assign(c=-three.raw["c"]).to_numpy()
    assert pr.objective_weights(three, "critic").to_numpy() == pytest.approx(critic_weights(turned))


@pytest.mark.parametrize("kind", ["entropy", "critic"])
def test_data_give_no_weight_to_what_is_unknown_or_constant(kind):
    made = criteria_of({"a": [1, 2, 3], "b": [5, 5, 5], "change": [np.nan] * 3}, GROUPS, change=(1, 2))
    assert pr.objective_weights(made, kind).tolist() == [1, 0, 0]


def test_weights_from_nothing_are_an_error():
    made = criteria_of({"a": [5, 5]}, ["level"])
    with pytest.raises(StatisticError, match="none of 1 is"):
        pr.objective_weights(made, "entropy")


def test_the_correlation_of_criteria_is_that_of_scipy(many):
    from scipy.stats import spearmanr

    found = pr.criteria_correlations(many)
    assert found.to_numpy() == pytest.approx(spearmanr(many.raw).statistic)


def test_dropping_a_weak_candidate_can_turn_the_order_of_two_others():
    # with C4, a of C1 and C3 differs by .02 and b by 1/6: C3 first; without it a differs by 2/9: C1 first
    made = criteria_of({"a": [9, 0, 7, -91], "b": [5, 0, 6, 0]}, ["level", "location"])
    turned = pr.rank_reversals(made).query("method == 'additive' and dropped == 'C4'").iloc[0]
    assert pr.rank_poles(made)["value_additive"].idxmax() == "C3"
    assert (turned["first"], turned["first_changes"], turned["n_reversed"]) == ("C1", True, 1)


def test_the_first_is_never_the_one_dropped(many):
    found = pr.rank_reversals(many)
    assert len(found) == 22
    assert tuple(found.columns) == columns.POLE_REVERSALS


def test_the_lead_is_the_sum_of_its_parts(many):
    value = pr.rank_poles(many)["value_additive"]
    found = pr.deciding_criteria(many, "C1", "C2")
    for _, part in found.groupby("level"):
        assert part["contribution"].sum() == pytest.approx(value["C1"] - value["C2"])
    assert tuple(found.columns) == columns.POLE_DECIDING


def test_two_criteria_give_the_share_of_the_weights_that_prefer_one():
    # values w and .75 (1 - w): C1 is first for w > 3/7, C2 for the rest, by hand
    made = criteria_of({"a": [1, 0, 0], "b": [0, 0.75, 1]}, ["level", "level"])
    made = subset(made, ["C1", "C2"])
    found = ac.rank_acceptability(made, scheme="flat", draws=100_000, seed=1)
    assert found.first.tolist() == pytest.approx([4 / 7, 3 / 7], abs=0.006)


def test_central_weights_are_as_worked_by_hand():
    # C1 wins for w in (1/2, 1): the mean weight is 3/4
    found = ac.rank_acceptability(
        criteria_of({"a": [1, 0], "b": [0, 1]}, ["level", "level"]), scheme="flat", draws=100_000, seed=1
    )
    assert found.central.to_numpy() == pytest.approx(np.array([[0.75, 0.25], [0.25, 0.75]]), abs=0.003)


def test_three_criteria_give_a_third_each():
    made = criteria_of({"a": [1, 0, 0], "b": [0, 1, 0], "c": [0, 0, 1]}, ["level"] * 3)
    found = ac.rank_acceptability(made, scheme="flat", draws=100_000, seed=1)
    assert found.first.tolist() == pytest.approx([1 / 3] * 3, abs=0.006)


def test_grouping_keeps_a_group_from_counting_twice():
    # C1 is best in two criteria of one group, C2 in one of another: 3/4 of the flat weights, 1/2 of the grouped
    made = criteria_of({"a": [1, 0], "b": [1, 0], "c": [0, 1]}, GROUPS)
    flat = ac.rank_acceptability(made, scheme="flat", draws=100_000, seed=1).first["C1"]
    grouped = ac.rank_acceptability(made, draws=100_000, seed=1).first["C1"]
    assert (flat, grouped) == (pytest.approx(0.75, abs=0.006), pytest.approx(0.5, abs=0.006))


def test_mean_weights_are_equal_by_group_or_by_criterion(three):
    grouped = ac.rank_acceptability(three, draws=50_000, seed=1).mean.tolist()
    flat = ac.rank_acceptability(three, scheme="flat", draws=50_000, seed=1).mean.tolist()
    assert grouped == pytest.approx([0.25, 0.25, 0.5], abs=0.005)
    assert flat == pytest.approx([1 / 3] * 3, abs=0.005)


def test_acceptabilities_sum_to_one_by_rank_and_by_candidate(many):
    found = ac.rank_acceptability(many, draws=10_000, seed=2).ranks
    assert found.sum(axis=0).tolist() == pytest.approx([1] * 12)
    assert found.sum(axis=1).tolist() == pytest.approx([1] * 12)


def test_each_pair_has_one_winner_in_every_draw(many):
    pairs = ac.rank_acceptability(many, draws=10_000, seed=2).pairs.to_numpy()
    upper = np.triu_indices(12, 1)
    assert (pairs + pairs.T)[upper].tolist() == pytest.approx([1] * 66)


def test_winning_probabilities_agree_with_the_expected_rank(many):
    found = ac.rank_acceptability(many, draws=10_000, seed=2)
    expected = found.ranks @ np.arange(1, 13)
    assert (12 - found.pairs.sum(axis=1)).to_numpy() == pytest.approx(expected.to_numpy())


@pytest.mark.parametrize("scheme", ac.SCHEMES)
def test_a_dominated_candidate_is_never_first(many, scheme):
    raw = pd.concat([many.raw, many.raw.iloc[[0]] - 0.01], ignore_index=True)
    made = criteria_of(raw, many.groups.tolist())
    found = ac.rank_acceptability(made, scheme=scheme, draws=20_000, seed=1)
    assert found.first["C13"] == 0
    assert found.central.loc["C13"].isna().all()


def test_candidates_that_are_alike_share_the_first_place():
    made = criteria_of({"a": [1, 1, 0], "b": [1, 1, 0]}, ["level", "location"])
    found = ac.rank_acceptability(made, draws=50_000, seed=1)
    assert found.first.tolist() == pytest.approx([0.5, 0.5, 0], abs=0.01)


def uncertain(many):
    """Unknown values, a wider membership and uncertain weights at once."""
    rng = np.random.default_rng(5)
    raw = many.raw.rename(columns={"a": "score"})
    raw.iloc[2, 3] = np.nan
    made = criteria_of(raw, many.groups.tolist())
    wider = made.memberships[0] | (rng.random((12, 12)) < 0.1)
    return replace(
        made, others=(made.raw + 0.1,), memberships=np.stack([made.memberships[0], wider]),
        score=rng.uniform(40, 90, 12), weight=rng.uniform(1, 9, 12),
    ), pd.Series(0.1, index=made.adcodes)  # fmt: skip


@pytest.mark.parametrize("block", [1, 777, 4096, 50_000])
def test_the_size_of_the_blocks_changes_nothing(many, block):
    made, log_sd = uncertain(many)
    if block == 1:
        made = subset(made, ["C1", "C2", "C3"])
    one, other = (
        ac.rank_acceptability(made, log_sd=log_sd, draws=10_000, seed=9, block=size) for size in (block, 10_000)
    )
    for part in ("ranks", "pairs", "central"):
        pd.testing.assert_frame_equal(getattr(one, part), getattr(other, part), check_exact=True)


def test_the_same_seed_gives_the_same_table_and_another_seed_another(many):
    one, two, other = (ac.rank_acceptability(many, draws=10_000, seed=s).ranks for s in (1, 1, 2))
    pd.testing.assert_frame_equal(one, two, check_exact=True)
    assert not one.equals(other)


def test_an_unknown_value_is_drawn_over_the_whole_range():
    # one criterion, C1 known to stand at .3 of it, C2 unknown: C2 is above in 70 % of the draws
    made = subset(criteria_of({"a": [0.3, np.nan, 0.0, 1.0]}, ["level"]), ["C1", "C2"])
    assert ac.rank_acceptability(made, draws=100_000, seed=1).first["C2"] == pytest.approx(0.7, abs=0.006)


def test_a_criterion_unknown_for_all_lets_chance_decide_its_part():
    made = criteria_of({"change": [np.nan, np.nan]}, ["dynamics"], change=(1.8, 2.8))
    assert ac.rank_acceptability(made, draws=100_000, seed=1).first["C1"] == pytest.approx(0.5, abs=0.006)


def test_exact_weights_move_no_score(many):
    made, log_sd = uncertain(many)
    still = ac.rank_acceptability(made, log_sd=log_sd * 0, draws=10_000, seed=1).ranks
    pd.testing.assert_frame_equal(still, ac.rank_acceptability(made, draws=10_000, seed=1).ranks, check_exact=True)


def test_scores_are_drawn_as_their_log_normal_weights_say():
    # C1 holds two cities, 80 and 60 points, equal weights, log sd 1: it beats 70.5 if w1/w2 > 10.5/9.5,
    # that is if a normal with sd sqrt(2) is above log(10.5/9.5)
    from scipy.stats import norm

    made = criteria_of({"score": [70, 70.5, 60, 80]}, ["level"])
    held = np.array([[1, 1, 0], [0, 0, 1], [0, 0, 1], [0, 0, 1]], dtype=bool)
    made = replace(
        made, score=np.array([80.0, 60, 70.5]), weight=np.ones(3), memberships=held[None],
        adcodes=pd.Index(["1", "2", "3"]),
    )  # fmt: skip
    made = subset(made, ["C1", "C2"])
    found = ac.rank_acceptability(made, log_sd=pd.Series({"1": 1.0, "2": 1.0, "3": 1.0}), draws=100_000, seed=1)
    assert found.first["C1"] == pytest.approx(norm.sf(np.log(10.5 / 9.5) / np.sqrt(2)), abs=0.006)


def test_each_membership_is_drawn_half_the_time():
    made = criteria_of({"a": [0.5, 0.4, 0.0, 1.0]}, ["level"])
    wider = made.raw.copy()
    wider.loc["C2", "a"] = 0.6
    held = np.stack([made.memberships[0]] * 2)
    held[1, 1, 0] = True
    made = subset(replace(made, others=(wider,), memberships=held), ["C1", "C2"])
    assert ac.rank_acceptability(made, draws=100_000, seed=1).first["C2"] == pytest.approx(0.5, abs=0.006)


def test_an_error_of_the_weights_is_needed_for_every_member(many):
    made, log_sd = uncertain(many)
    with pytest.raises(StatisticError, match="12 members; 1 have none"):
        ac.rank_acceptability(made, log_sd=log_sd.iloc[1:], draws=10_000, seed=1)


def test_too_few_draws_are_an_error(many):
    with pytest.raises(StatisticError, match="at least 10,000 draws"):
        ac.rank_acceptability(many, draws=9_999, seed=1)


def test_an_unknown_scheme_is_an_error(many):
    with pytest.raises(StatisticError, match="scheme must be one of grouped, flat"):
        ac.rank_acceptability(many, scheme="wild", seed=1)


def test_tables_of_weights_and_pairs_name_their_columns(many):
    found = {"grouped": ac.rank_acceptability(many, draws=10_000, seed=1)}
    weights, pairs = ac.central_weights(many, found), ac.pair_table(many, found)
    assert tuple(weights.columns) == columns.POLE_CENTRAL_WEIGHTS
    assert tuple(pairs.columns) == columns.POLE_PAIRS
    assert (len(weights), len(pairs)) == (12 * 5, 12 * 11)


def test_variants_change_one_assumption_each():
    raw = {"a": [1, 2, 3], "b": [3, 1, 2], "change": [np.nan] * 3}
    found = ac.acceptability_variants(
        criteria_of(raw, ["level", "location", "dynamics"], change=(1, 2)), draws=10_000, seed=1
    )
    assert tuple(found.columns) == columns.POLE_VARIANTS
    assert found["variant"].tolist() == [
        "grouped", "flat", "exact weights", "primary members", "known criteria", "known criteria, flat",
        "without level", "only level", "without location", "only location",
    ]  # fmt: skip


def test_a_criterion_that_is_not_alone_in_its_group_is_left_out_in_turn(many):
    found = ac.acceptability_variants(many, draws=10_000, seed=1).set_index("variant")
    assert [name for name in found.index if name[-2:-1] == " "] == [f"without {name}" for name in "abcde"]
    assert found["p_leader"].to_numpy()[0] == found["p_first"].to_numpy()[0]


def goals_of(raw, groups, score, held):
    made = criteria_of(raw, groups)
    return replace(
        made, score=np.array(score, dtype=float), weight=np.ones(len(score)), memberships=np.array([held], bool)
    )


def test_the_gain_of_score_is_as_worked_by_hand():
    # C2 trails by 1/2 in b; its score must lead by as much on the scale taken anew:
    # (60 + g - 70) / (60 + g - 40) = 1/2 gives g = 40
    made = goals_of({"score": [70, 60, 40], "b": [1, 0.5, 0]}, ["level", "location"], [70, 60, 40], np.eye(3))
    found = pg.pole_goals(made, first=2)
    assert found.at["C2", "score_gain"] == pytest.approx(40.0, abs=1e-5)
    assert found.at["C1", "score_gain"] == 0


def test_a_gain_counts_the_cities_that_become_strong():
    # only the number of strong cities counts: C2 needs two cities at 65, its second is at 61.5
    made = goals_of(
        {"n_strong": [1, 0, 0]}, ["breadth"], [70, 64, 61.5, 40], [[1, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 1]]
    )
    assert pg.pole_goals(made, first=2).at["C2", "score_gain"] == pytest.approx(1.0, abs=1e-5)  # a tie is first
    more = replace(made, raw=made.raw.assign(n_strong=[2.0, 0, 0]))
    assert pg.pole_goals(more, first=2).at["C2", "score_gain"] == pytest.approx(3.5, abs=1e-5)


def test_the_gain_of_size_is_as_worked_by_hand():
    # (s - 8) / (s - 2) = 1/2 gives s = 14, that is 2.5 times as much on top of 4
    made = goals_of({"scale_2020": [8, 4, 2], "b": [1, 0.5, 0]}, ["breadth", "location"], [1, 1, 1], np.eye(3))
    found = pg.pole_goals(made, first=2).loc["C2"]
    assert found[["size_gain", "size_needed"]].tolist() == pytest.approx([2.5, 14.0], abs=1e-4)


def test_a_goal_out_of_reach_is_empty_and_says_how_far_was_looked():
    made = goals_of({"score": [70, 60], "b": [1, 0]}, ["level", "location"], [70, 60], np.eye(2))
    found = pg.pole_goals(made, weights=pd.Series({"score": 0.1, "b": 0.9}), first=2).loc["C2"]
    assert np.isnan(found["score_gain"])
    assert found["score_limit"] == 40


def test_the_goal_is_first_and_a_little_less_is_not(many):
    raw = many.raw.rename(columns={"a": "scale_2020"}) * 10 + 1
    made = goals_of(raw, many.groups.tolist(), np.full(12, 50.0), np.eye(12))
    weights = group_weights(made.groups, within={"scale_2020": 5.0})
    goals = pg.pole_goals(made, weights=weights)["size_gain"]
    name = goals[(goals > 0)].index[0]
    for gain, is_first in ((goals[name], True), (goals[name] - 1e-4, False)):
        moved = raw.copy()
        moved.loc[name, "scale_2020"] *= 1 + gain
        made_anew = criteria_of(moved, many.groups.tolist())
        assert (pr.rank_poles(made_anew, weights=weights)["value_additive"].idxmax() == name) is is_first


def test_goals_name_their_columns(many):
    assert tuple(pg.pole_goals(many).columns) == columns.POLE_GOALS
    assert len(pg.pole_goals(many, first=3)) == 3


def test_no_goals_for_nobody(many):
    with pytest.raises(StatisticError, match="first and tolerance must be positive"):
        pg.pole_goals(many, first=0)
