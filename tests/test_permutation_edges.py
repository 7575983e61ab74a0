"""The edges of the shared table: no neighbor at all, no tie at all, more needles than values, exact small cases."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from test_permutation import random_graph

from geo_cdei import _permutation
from geo_cdei._permutation import compare, conditional_counts, draw_ids, permuted_values


def test_a_graph_without_any_neighbor_has_no_counts():
    """Nothing is drawn; counts are 0 and moments NaN."""
    counts = conditional_counts(np.array([1.0, -1.0, 0.0]), sparse.csr_array((3, 3)), permutations=9, seed=1)
    assert counts.ge.tolist() == counts.le.tolist() == [0, 0, 0]
    assert np.isnan([counts.mean, counts.sd]).all()


def test_ge_and_le_share_the_permutations_where_nothing_ties():
    """Values without ties among their sums: every simulated value is on one side, none on both."""
    values = np.random.default_rng(1).normal(size=60)
    for equal in (True, False):
        weights = random_graph(60, 3, equal=equal, k=(3, 3))
        counts = conditional_counts(values, weights, permutations=500, seed=2)
        assert np.abs(counts.ge + counts.le - 500).max() <= 2  # the observed arrangement itself may be drawn
        assert (counts.ge + counts.le == 500).mean() > 0.9


def test_neighbors_with_one_value_tie_with_every_draw():
    """All others are equal: every draw ties with the observed sum, on both sides."""
    values = np.array([3.0, -1.0, -1.0, -1.0])
    star = sparse.csr_array(np.array([[0, 1.0, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]))
    counts = conditional_counts(values, star, permutations=37, seed=0)
    assert (counts.ge[0], counts.le[0], counts.mean[0], counts.sd[0]) == (37, 37, -2.0, 0.0)


@pytest.mark.parametrize("weight", [0.25, 1.0, 3.0])
def test_the_weight_of_a_row_scales_the_moments_and_leaves_the_counts(weight):
    """Mean and sd are those of the weighted sums."""
    values, ones = np.random.default_rng(4).normal(size=30), random_graph(30, 5, k=(2, 2))
    plain = conditional_counts(values, ones, permutations=300, seed=7)
    scaled = conditional_counts(values, sparse.csr_array(ones * weight), permutations=300, seed=7)
    assert np.array_equal(plain.ge, scaled.ge)
    assert np.allclose(plain.mean * weight, scaled.mean)
    assert np.allclose(plain.sd * weight, scaled.sd)


def test_moments_are_those_of_the_simulated_sums():
    """One neighbor: the simulated sums are the values drawn, so mean and sd are those of a plain loop."""
    values = np.array([0.0, 1.0, 2.0, 4.0, 8.0])
    ring = sparse.csr_array(np.roll(np.eye(5), 1, axis=1))
    counts = conditional_counts(values, ring, permutations=4_000, seed=3)
    table = draw_ids(5, 2, 4_000, np.random.default_rng(3))
    for own in range(5):
        drawn = values[np.where(table[0] == own, table[1], table[0])]
        assert counts.mean[own] == pytest.approx(drawn.mean())
        assert counts.sd[own] == pytest.approx(drawn.std())
        assert counts.ge[own] == (drawn >= values[(own + 1) % 5]).sum()
        assert counts.le[own] == (drawn <= values[(own + 1) % 5]).sum()


def test_squared_differences_are_those_of_a_plain_loop():
    """Two neighbors of unequal weight, the stand-in for the city itself included."""
    values = np.array([0.0, 1.0, 2.0, 4.0, 8.0, -3.0])
    dense = np.zeros((6, 6))
    for own in range(6):
        dense[own, (own + 1) % 6], dense[own, (own + 2) % 6] = 0.3, 0.7
    counts = conditional_counts(values, sparse.csr_array(dense), permutations=900, seed=5, kind="squared difference")
    table = draw_ids(6, 3, 900, np.random.default_rng(5))
    for own in range(6):
        drawn = np.where(table[:2] == own, table[2], table[:2])
        near = np.flatnonzero(dense[own])
        simulated = dense[own, near] @ (values[own] - values[drawn]) ** 2
        observed = dense[own, near] @ (values[own] - values[near]) ** 2
        assert counts.mean[own] == pytest.approx(simulated.mean())
        assert counts.sd[own] == pytest.approx(simulated.std())
        assert counts.ge[own] == (simulated >= observed - 1e-9).sum()
        assert counts.le[own] == (simulated <= observed + 1e-9).sum()


@pytest.mark.parametrize("seed", range(6))
def test_the_grid_counts_as_searchsorted_does(seed):
    """More needles than values, on them, between them and outside; some values twice."""
    rng = np.random.default_rng(seed)
    ordered = np.sort(np.round(rng.normal(size=9), 1))
    needles = np.concatenate([ordered, ordered + 1e-12, ordered - 1e-12, rng.uniform(-9, 9, 16 * 9)])
    found = _permutation._count_below(ordered, needles)
    assert found.tolist() == np.searchsorted(ordered, needles, side="left").tolist()


def test_the_grid_answers_where_all_values_are_the_same():
    """A grid of no width is not used."""
    needles = np.linspace(-1, 3, 100)
    assert _permutation._count_below(np.ones(3), needles).tolist() == np.where(needles <= 1, 0, 3).tolist()


def test_more_needles_than_values_count_the_same_as_few(monkeypatch):
    """Cities in great number: the grid and the plain search agree, city for city."""
    values, weights = np.random.default_rng(2).normal(size=400), random_graph(400, 6, k=(2, 2))
    whole = conditional_counts(values, weights, permutations=19, seed=4)
    monkeypatch.setattr(
        _permutation, "_count_below", lambda ordered, needles: np.searchsorted(ordered, needles, side="left")
    )
    plain = conditional_counts(values, weights, permutations=19, seed=4)
    assert np.array_equal(whole.ge, plain.ge)
    assert np.array_equal(whole.le, plain.le)


def test_rows_are_equal_only_where_every_row_is_of_one_positive_weight():
    """Zero, negative and mixed weights go to the engine for any weights."""

    def equal(dense):
        weights = sparse.csr_array(np.array(dense, dtype=float))
        return _permutation._rows_are_equal(weights, np.diff(weights.indptr).astype(np.int64))

    assert equal([[0, 2, 2], [1, 0, 1], [0, 0, 0]])
    assert equal([[0, 2, 2], [2, 0, 2], [2, 2, 0]])
    assert not equal([[0, 2, 1], [1, 0, 1], [0, 0, 0]])
    assert not equal([[0, -1, -1], [-1, 0, -1], [-1, -1, 0]])
    assert not equal([[0, 2, 2], [-1, 0, -1], [1, 1, 0]])


def test_the_number_of_permutations_is_kept_whatever_is_drawn_at_a_time(monkeypatch):
    """Draws in several tables: the counts still add up to all of them."""
    monkeypatch.setattr(_permutation, "_DRAW_CELLS", 50)
    values, weights = np.random.default_rng(9).normal(size=30), random_graph(30, 9, k=(2, 4))
    counts = conditional_counts(values, weights, permutations=101, seed=1)
    assert (counts.ge + counts.le).min() == 101


def test_shuffles_keep_every_value_and_their_number():
    """Each row holds all values once; the blocks add up to the permutations asked for."""
    rows = np.concatenate(list(permuted_values(np.array([3.0, 1.0, 2.0]), 50, np.random.default_rng(0))))
    assert rows.shape == (50, 3)
    assert (np.sort(rows, axis=1) == [1.0, 2.0, 3.0]).all()


def test_compare_gives_mean_and_spread_with_the_number_of_permutations_as_divisor():
    """By hand: 1, 2, 3, 6 against 3."""
    counts = compare(np.array([[1.0, 2.0, 3.0, 6.0]]), [3.0])
    assert (counts.ge[0], counts.le[0], counts.mean[0]) == (2, 3, 3.0)
    assert counts.sd[0] == pytest.approx(np.sqrt(14 / 4))


def test_compare_holds_every_row_against_its_own_value():
    """The tolerance of a row of large numbers does not reach a row of small ones."""
    counts = compare(np.array([[1e12, 2e12], [1e-12, 3e-12]]), [1.5e12, 2e-12])
    assert counts.ge.tolist() == [1, 1]
    assert counts.le.tolist() == [1, 1]


def test_the_draws_of_a_seed_are_part_of_the_definition():
    """Another table of random ids would change every p of a study: the first draws are written down."""
    assert draw_ids(10, 2, 4, np.random.default_rng(1)).tolist() == [[4, 5, 7, 9], [0, 1, 8, 2]]
    shuffled = next(permuted_values(np.arange(6.0), 1, np.random.default_rng(1)))
    assert shuffled[0].tolist() == [4.0, 0.0, 2.0, 1.0, 5.0, 3.0]


def test_a_city_without_neighbors_has_no_counts_beside_unequal_weights():
    """The engine for any weights says the same of it as the other one: nothing."""
    weights = sparse.csr_array(np.array([[0, 1, 2], [1, 0, 3], [0, 0, 0.0]]))
    for kind in ("sum", "squared difference"):
        counts = conditional_counts(np.array([1.0, 0, -1]), weights, permutations=99, seed=1, kind=kind)
        assert counts.ge[2] == counts.le[2] == 0
        assert np.isnan([counts.mean[2], counts.sd[2]]).all()


@pytest.mark.parametrize("last", [1.0, 2.0])
def test_a_spread_that_rounding_makes_is_none(last):
    """Sums of equal tenths differ in their last bit; their standard deviation is 0, and all tie."""
    dense = np.zeros((7, 7))
    dense[0, 1:4] = [1.0, 1.0, last]
    values = np.array([3.0, *[0.1] * 6])
    counts = conditional_counts(values, sparse.csr_array(dense), permutations=499, seed=3)
    assert (counts.sd[0], counts.ge[0], counts.le[0]) == (0.0, 499, 499)
