"""Inequality within and between groups: by hand, by definition, by an outside witness, and under two nulls."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse, stats

from geo_cdei import columns
from geo_cdei._regions import random_partitions
from geo_cdei.analysis.inequality import dagum_parts, decompose_inequality, theil_parts
from geo_cdei.errors import AlignmentError, StatisticError

RNG = np.random.default_rng(11)
Y = RNG.lognormal(size=40)
LABELS = RNG.integers(0, 5, size=40)


def gini(y):
    return np.abs(y[:, None] - y).sum() / (2 * len(y) ** 2 * y.mean())


def theil(y):
    return np.mean(y / y.mean() * np.log(y / y.mean()))


def dagum_by_definition(y, labels):
    """Dagum (1997), pair of groups by pair of groups: within, net between, transvariation."""
    groups = [y[labels == k] for k in np.unique(labels)]
    n, total = len(y), y.sum()
    within = sum(gini(g) * len(g) / n * g.sum() / total for g in groups)
    net = overlap = 0.0
    for j, a in enumerate(groups):
        for b in groups[:j]:
            high, low = (a, b) if a.mean() >= b.mean() else (b, a)
            gaps = high[:, None] - low[None, :]
            d, p = np.maximum(gaps, 0).mean(), np.maximum(-gaps, 0).mean()
            between = (d + p) / (a.mean() + b.mean())
            share = len(a) / n * b.sum() / total + len(b) / n * a.sum() / total
            net += between * share * (d - p) / (d + p)
            overlap += between * share * (1 - (d - p) / (d + p))
    return within, net, overlap


# --- by hand


def test_theil_of_two_equal_pairs_is_all_between():
    """Shares 1/8, 1/8, 3/8, 3/8: T = ¼ ln ½ + ¾ ln 3/2."""
    total, between = theil_parts(np.array([1.0, 1.0, 3.0, 3.0]), np.array([0, 0, 1, 1]))
    assert [total, between] == pytest.approx([0.25 * np.log(0.5) + 0.75 * np.log(1.5)] * 2)


def test_theil_of_two_like_pairs_is_all_within():
    _, between = theil_parts(np.array([1.0, 3.0, 1.0, 3.0]), np.array([0, 0, 1, 1]))
    assert between == pytest.approx(0.0, abs=1e-15)


def test_dagum_of_one_to_four_by_hand():
    """Gini 10·2/(2·16·2.5) = .25; within 2·2/80 = .05; the pairs do not overlap, so the rest is net between."""
    total, within, net = dagum_parts(np.array([1.0, 2.0, 3.0, 4.0]), np.array([0, 0, 1, 1]))
    assert [total, within, net] == pytest.approx([0.25, 0.05, 0.20])


# --- identities and definitions


def test_theil_is_the_weighted_theil_of_the_groups_and_the_part_between():
    total, between = theil_parts(Y, LABELS)
    groups = [Y[k == LABELS] for k in range(5)]
    within = sum(group.sum() / Y.sum() * theil(group) for group in groups)
    assert total == pytest.approx(theil(Y))
    assert within + between == pytest.approx(total)


def test_dagum_s_parts_are_those_of_the_definition_and_add_up():
    total, within, net = dagum_parts(Y, LABELS)
    expected = dagum_by_definition(Y, LABELS)
    assert [within, net, total - within - net] == pytest.approx(list(expected))
    assert total == pytest.approx(gini(Y))


def test_many_groupings_at_once_are_each_as_alone():
    draws = RNG.integers(0, 5, size=(7, 40))
    together = [*theil_parts(Y, draws), *dagum_parts(Y, draws)]
    for number, row in enumerate(draws):
        alone = [*theil_parts(Y, row), *dagum_parts(Y, row)]
        assert [part[number] for part in together] == pytest.approx([float(part) for part in alone])


@pytest.mark.parametrize("parts", [theil_parts, dagum_parts])
def test_neither_the_unit_nor_the_names_of_the_groups_matter(parts):
    renamed = np.array([3, 0, 4, 1, 2])[LABELS]
    assert np.array(parts(Y * 1000, renamed)) == pytest.approx(np.array(parts(Y, LABELS)))


@pytest.mark.parametrize("parts", [theil_parts, dagum_parts])
def test_one_group_has_nothing_between_and_equal_values_nothing_at_all(parts):
    assert parts(Y, np.zeros(40, dtype=int))[-1] == pytest.approx(0.0, abs=1e-12)
    assert np.array(parts(np.full(40, 3.0), LABELS)) == pytest.approx(0.0, abs=1e-12)


# --- an outside witness


def test_pysal_s_inequality_finds_the_same():
    theils, ginis = pytest.importorskip("inequality.theil"), pytest.importorskip("inequality.gini")
    witness = theils.TheilD(Y, LABELS)
    assert [float(part) for part in theil_parts(Y, LABELS)] == pytest.approx([float(witness.T), float(witness.bg[0])])
    assert float(dagum_parts(Y, LABELS)[0]) == pytest.approx(ginis.Gini(Y).g)


# --- the test of the part between


def row_of(cities, sizes):
    """Partitions of a line of cities into parts of the given sizes."""
    line = sparse.diags_array([1.0, 1.0], offsets=[-1, 1], shape=(cities, cities))
    codes = pd.Index([f"{i:03d}" for i in range(cities)], name="adcode")
    return pd.DataFrame(random_partitions(line, sizes, draws=199, seed=3), columns=codes)


DRAWN = row_of(40, [4, 6, 8, 10, 12])
GROUPS = pd.Series(np.repeat(list("ABCDE"), [12, 4, 10, 6, 8]), index=DRAWN.columns)


def decompose(y, groups=GROUPS, partitions=DRAWN, *, permutations=199):
    series = pd.Series(y, index=groups.index, name="score")
    return decompose_inequality(series, groups, partitions=partitions, permutations=permutations, seed=5)


def test_the_table_has_the_columns_of_the_list_and_a_row_for_each_measure():
    table = decompose(Y)
    assert tuple(table.columns) == columns.INEQUALITY
    assert table["measure"].tolist() == ["theil", "dagum"]


def test_the_parts_add_up_to_the_total():
    table = decompose(Y).fillna({"transvariation": 0.0})
    assert (table["within"] + table["between"] + table["transvariation"]).to_numpy() == pytest.approx(table["total"])


def test_a_planted_difference_between_groups_is_found_under_both_nulls():
    y = GROUPS.map({"A": 10.0, "B": 30.0, "C": 12.0, "D": 40.0, "E": 20.0}).to_numpy() + RNG.random(40)
    table = decompose(y)
    assert (table["p_labels"] == 1 / 200).all()
    assert (table["p_partitions"] < 0.05).all()


def test_a_gradient_is_between_any_labels_but_not_more_than_between_any_borders():
    """A smooth slope is the case that shuffled labels mistake for a finding about the clusters."""
    table = decompose(np.linspace(10, 50, 40))
    assert (table["p_labels"] == 1 / 200).all()
    assert (table["p_partitions"] > 0.05).all()


def test_under_noise_the_p_of_shuffled_labels_is_uniform():
    rng = np.random.default_rng(2)
    found = [decompose(rng.lognormal(size=40), permutations=99).loc[0, "p_labels"] for _ in range(120)]
    assert stats.kstest(np.array(found) - rng.random(120) / 100, "uniform").pvalue > 0.01


def test_the_order_of_the_rows_changes_nothing():
    shuffled = GROUPS.sample(frac=1, random_state=4)
    y = pd.Series(Y, index=GROUPS.index)
    again = decompose(y[shuffled.index].to_numpy(), shuffled, DRAWN.sample(frac=1, axis=1, random_state=5))
    pd.testing.assert_frame_equal(decompose(Y), again)


def test_a_missing_value_is_left_out_and_named():
    y = Y.copy()
    y[3] = np.nan
    table = decompose(y)
    assert (table["left_out"] == "003").all()
    assert (table["n"] == 39).all()


@pytest.mark.parametrize(
    ("y", "groups", "said"),
    [
        (np.append(Y[1:], 0.0), GROUPS, "1 values of 'score' are not positive; inequality needs shares"),
        (Y, GROUPS.map(lambda _: "A"), "'score' has values in fewer than two groups"),
        (np.full(40, np.nan), GROUPS, "fewer than two groups"),
        (Y, GROUPS.where(GROUPS != "A"), "12 cities have no group. Leave out those outside every cluster"),
    ],
)
def test_what_has_no_inequality_is_said(y, groups, said):
    with pytest.raises(StatisticError, match=said):
        decompose(y, groups)


def test_three_tables_of_different_cities_are_refused():
    with pytest.raises(AlignmentError, match="y has 40 cities, groups 40, partitions 39"):
        decompose(Y, partitions=DRAWN.iloc[:, 1:])
