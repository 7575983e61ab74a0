"""The shared table: exact conditioning, ties, independence of blocks, and p-values."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import sparse
from scipy.stats import false_discovery_control

from geo_cdei import _permutation
from geo_cdei._permutation import compare, conditional_counts, draw_ids, permuted_products, permuted_values
from geo_cdei._pvalues import default_permutations, fdr_significant, normal_p, p_value
from geo_cdei.errors import StatisticError


def random_graph(n: int, seed: int, *, equal: bool = True, k: tuple[int, int] = (1, 6)) -> sparse.csr_array:
    rng = np.random.default_rng(seed)
    dense = np.zeros((n, n))
    for i in range(n):
        others = np.delete(np.arange(n), i)
        chosen = rng.choice(others, size=rng.integers(k[0], k[1] + 1), replace=False)
        dense[i, chosen] = 1.0 if equal else rng.uniform(0.1, 1, len(chosen))
    return sparse.csr_array(dense)


def enumerate_tails(values: np.ndarray, weights: sparse.csr_array, *, squared: bool) -> np.ndarray:
    """Exact shares of arrangements of the others that reach at least, at most the observed value."""
    dense, shares = weights.toarray(), []
    for i, row in enumerate(dense):
        w, others = row[row != 0], np.delete(values, i)
        f = (lambda v, i=i: (values[i] - v) ** 2) if squared else (lambda v: v)
        observed = float(w @ f(values[row != 0]))
        null = np.array([w @ f(np.array(t)) for t in itertools.permutations(others, len(w))])
        shares.append([(null >= observed - 1e-9).mean(), (null <= observed + 1e-9).mean()])
    return np.array(shares)


def brute_force(values, weights, permutations, seed, *, squared=False) -> np.ndarray:
    """Fresh draws for every city, as the textbook has it."""
    rng, shares = np.random.default_rng(seed), []
    for i, row in enumerate(weights.toarray()):
        w, others = row[row != 0], np.delete(values, i)
        drawn = rng.permuted(np.tile(others, (permutations, 1)), axis=1)[:, : len(w)]
        f = (lambda v, i=i: (values[i] - v) ** 2) if squared else (lambda v: v)
        observed, null = w @ f(values[row != 0]), f(drawn) @ w
        shares.append([(null >= observed - 1e-9).mean(), (null <= observed + 1e-9).mean()])
    return np.array(shares)


@pytest.mark.parametrize("equal", [True, False])
@pytest.mark.parametrize("kind", ["sum", "squared difference"])
def test_counts_converge_to_exact_enumeration_on_tiny_graphs(equal, kind):
    """Six cities, every arrangement of the others: five standard errors at 200,000 permutations."""
    values = np.array([-1.5, -0.5, 0.0, 0.0, 0.5, 1.5])
    weights = random_graph(6, 2, equal=equal, k=(1, 4))
    counts = conditional_counts(values, weights, permutations=200_000, seed=5, kind=kind)
    exact = enumerate_tails(values, weights, squared=kind != "sum")
    found = np.column_stack([counts.ge, counts.le]) / 200_000
    assert np.abs(found - exact).max() < 5 * 0.5 / np.sqrt(200_000)


@pytest.mark.parametrize("equal", [True, False])
@pytest.mark.parametrize("kind", ["sum", "squared difference"])
def test_counts_agree_with_fresh_draws_for_every_city(equal, kind):
    """Within Monte-Carlo error of a brute-force conditional permutation on a skewed variable."""
    values = np.random.default_rng(1).lognormal(size=60)
    values = (values - values.mean()) / values.std()
    weights = random_graph(60, 4, equal=equal)
    counts = conditional_counts(values, weights, permutations=20_000, seed=9, kind=kind)
    brute = brute_force(values, weights, 20_000, 10, squared=kind != "sum")
    found = np.column_stack([counts.ge, counts.le]) / 20_000
    assert np.abs(found - brute).max() < 5 * np.sqrt(2 * 0.25 / 20_000)


def test_the_city_itself_never_enters_its_own_null():
    """One giant among zeros: its neighbors' sums may hold the giant, its own may not."""
    values = np.array([9.0, 0, 0, 0, 0])
    weights = sparse.csr_array(np.ones((5, 5)) - np.eye(5))[:, :]
    weights = sparse.csr_array(weights.multiply(np.array([[0, 1, 1, 0, 0]] + [[1, 1, 0, 0, 0]] * 4)))
    weights.eliminate_zeros()
    counts = conditional_counts(values, weights, permutations=5_000, seed=0)
    assert counts.mean[0] == 0
    assert counts.sd[0] == 0
    assert (counts.ge[0], counts.le[0]) == (5_000, 5_000)


def test_simulated_mean_is_the_conditional_mean():
    """E of the sum over k of the others is k times their mean."""
    values = np.random.default_rng(3).normal(size=40)
    weights = random_graph(40, 5)
    counts = conditional_counts(values, weights, permutations=50_000, seed=1)
    k = np.diff(weights.indptr)
    expected = k * (values.sum() - values) / 39
    assert np.abs((counts.mean - expected) / (counts.sd / np.sqrt(50_000))).max() < 5


def test_equal_weights_and_products_count_the_same():
    """The fast path and the blocked product read one table: equal counts, tie for tie."""
    values = np.random.default_rng(6).integers(-2, 3, 50).astype(float)
    weights = random_graph(50, 7)
    fast = conditional_counts(values, weights, permutations=2_000, seed=3)
    nudged = weights.copy()
    nudged.data[0] *= 1 + 1e-13
    slow = conditional_counts(values, nudged, permutations=2_000, seed=3)
    assert np.array_equal(fast.ge, slow.ge)
    assert np.array_equal(fast.le, slow.le)
    assert np.allclose(fast.sd, slow.sd)


@pytest.mark.parametrize("equal", [True, False])
def test_the_size_of_a_block_changes_nothing(monkeypatch, equal):
    """Blocks bound the memory, not the answer."""
    values, weights = np.random.default_rng(8).normal(size=80), random_graph(80, 9, equal=equal)
    kind = "sum" if equal else "squared difference"
    whole = conditional_counts(values, weights, permutations=3_000, seed=2, kind=kind)
    monkeypatch.setattr(_permutation, "_BLOCK_CELLS", 4_001)
    parts = conditional_counts(values, weights, permutations=3_000, seed=2, kind=kind)
    assert np.array_equal(whole.ge, parts.ge)
    assert np.array_equal(whole.le, parts.le)


def test_shuffles_do_not_depend_on_the_size_of_a_block(monkeypatch):
    """The same rows, however they are cut."""
    whole = np.concatenate(list(permuted_values(np.arange(9.0), 50, np.random.default_rng(1))))
    monkeypatch.setattr(_permutation, "_BLOCK_CELLS", 30)
    parts = np.concatenate(list(permuted_values(np.arange(9.0), 50, np.random.default_rng(1))))
    assert np.array_equal(whole, parts)


def test_a_city_without_neighbors_has_no_counts():
    """Not the smallest p: nothing."""
    weights = sparse.csr_array(np.array([[0, 1, 0], [1, 0, 0], [0, 0, 0.0]]))
    counts = conditional_counts(np.array([1.0, 0, -1]), weights, permutations=99, seed=1)
    assert counts.ge[2] == counts.le[2] == 0
    assert np.isnan(counts.mean[2])
    assert np.isnan(counts.sd[2])


@pytest.mark.parametrize(("n", "size"), [(4, 4), (5, 3), (6, 2), (7, 3)])
def test_every_selection_is_equally_likely(n, size):
    """Chi-square over all ordered selections, whichever way they are drawn."""
    table = draw_ids(n, size, 60_000, np.random.default_rng(4))
    code = (table * n ** np.arange(size)[:, None]).sum(axis=0)
    _, seen = np.unique(code, return_counts=True)
    cells = np.prod(np.arange(n - size + 1, n + 1))
    chi = ((seen - 60_000 / cells) ** 2).sum() / (60_000 / cells)
    assert len(seen) == cells
    assert abs(chi - (cells - 1)) < 5 * np.sqrt(2 * (cells - 1))


def test_no_column_repeats_an_id():
    """Few ids out of few: repeats are common in the raw draw, none is left."""
    table = np.sort(draw_ids(60, 25, 2_000, np.random.default_rng(0)), axis=0)
    assert (np.diff(table, axis=0) > 0).all()


def test_products_and_squares_match_a_plain_loop():
    """Global statistics are sums over edges."""
    values, weights = np.random.default_rng(2).normal(size=12), random_graph(12, 1, equal=False)
    (products,), (squares,) = permuted_products(values, [weights], permutations=20, seed=6)
    rows = np.concatenate(list(permuted_values(values, 20, np.random.default_rng(6))))
    dense = weights.toarray()
    assert np.allclose(products, [v @ dense @ v for v in rows])
    assert np.allclose(squares, [(dense * (v[:, None] ** 2 + v[None] ** 2)).sum() for v in rows])


def test_ties_count_on_both_sides():
    """A value that rounding alone parts from the observed one is a tie."""
    counts = compare(np.array([[0.1 + 0.2, 0.3, 0.4]]), 0.3)
    assert (counts.ge[0], counts.le[0]) == (3, 2)


@pytest.mark.parametrize(("alternative", "p"), [("two-sided", 0.06), ("greater", 0.03), ("less", 0.98)])
def test_p_by_hand(alternative, p):
    """Ge = 2, le = 97 of 99."""
    assert p_value([2], [97], 99, alternative)[0] == pytest.approx(p)


def test_two_sided_p_never_exceeds_one():
    """Everything tied."""
    assert p_value([99], [99], 99)[0] == 1


def test_tails_add_up_without_ties():
    """Greater + less = 1 + 1 / (P + 1)."""
    assert p_value([30], [69], 99, "greater") + p_value([30], [69], 99, "less") == pytest.approx(1.01)


@pytest.mark.parametrize("bad", [0, -1, 9.5, True])
def test_permutations_must_be_a_count(bad):
    """No silent rounding."""
    with pytest.raises(StatisticError, match="at least 1"):
        p_value([1], [1], bad)


def test_an_unknown_alternative_is_refused():
    """No default is guessed."""
    with pytest.raises(StatisticError, match="two-sided, greater, less; got 'directed'"):
        p_value([1], [1], 99, "directed")


def test_fdr_equals_scipy():
    """Outside witness on 500 p-values with many ties."""
    p = np.round(np.random.default_rng(5).beta(0.4, 2, 500), 3)
    assert np.array_equal(fdr_significant(p), false_discovery_control(p) <= 0.05)


def test_fdr_goes_past_a_failure():
    """The last success decides, not the first failure: .04 fails its step, .045 does not."""
    assert fdr_significant([0.030, 0.040, 0.045]).tolist() == [True, True, True]


def test_fdr_of_nothing_is_nothing():
    """All NaN."""
    assert not fdr_significant([np.nan, np.nan]).any()


@pytest.mark.parametrize(("n", "permutations"), [(10, 9_999), (249, 9_999), (250, 99_999), (2_499, 99_999)])
def test_default_permutations_let_the_first_fdr_step_reject(n, permutations):
    """2 / (P + 1) ≤ .05 / n."""
    assert default_permutations(n) == permutations
    assert 2 / (permutations + 1) <= 0.05 / n


def test_default_permutations_respect_the_cap():
    """A planner's laptop may set it."""
    assert default_permutations(2_877, cap=99_999) == 99_999


def test_normal_p_tails():
    """Two-sided is twice the smaller tail."""
    assert normal_p(-1.0) == pytest.approx(2 * normal_p(-1.0, "less"))
    assert normal_p(-1.0, "greater") == pytest.approx(1 - normal_p(-1.0, "less"))
