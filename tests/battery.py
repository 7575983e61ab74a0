"""One battery of properties that every statistic must have; a new statistic is one line in ``STATISTICS``.

``check_statistic(statistic)`` runs all of it: order of rows, relabelling, affine y, sign flip, ties,
n = 1, 2, 3, isolate, NaN, constant, input not mutated, same seed same answer for any block size.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
import pytest
from libpysal.graph import Graph

from geo_cdei import _permutation
from geo_cdei.errors import AlignmentError, GeoCdeiWarning, StatisticError

Call = Callable[..., object]


@dataclass(frozen=True)
class Statistic:
    """A statistic under test: ``call(y, graph, permutations=, seed=)`` gives a frame or a frozen answer."""

    name: str
    call: Call
    observed: str
    sign: int = 0  # of the observed value under y → -y: +1 even, 0 undefined for negative y
    affine: bool = True  # the observed value is the same for a + b y
    local: bool = True

    def frame(self, y: pd.Series, graph: Graph, *, seed: int = 1, permutations: int = 499) -> pd.DataFrame:
        """Run the statistic with warnings of our own allowed; a single answer becomes a row."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GeoCdeiWarning)
            answer = self.call(y, graph, permutations=permutations, seed=seed)
        if isinstance(answer, pd.DataFrame):
            return answer
        return pd.DataFrame([{field.name: getattr(answer, field.name) for field in fields(answer)}])


def random_graph(ids: list[str], *, seed: int = 0, weighted: bool = False, isolate: str | None = None) -> Graph:
    """Two to five neighbors per city in random places, one city left alone on request."""
    rng = np.random.default_rng(seed)
    focal, neighbor, weight = [], [], []
    for own in ids:
        others = [i for i in ids if i not in (own, isolate)]
        chosen = [] if own == isolate else rng.choice(others, size=int(rng.integers(2, 6)), replace=False).tolist()
        focal += [own] * max(len(chosen), 1)
        neighbor += chosen or [own]
        weight += (rng.uniform(0.2, 1, len(chosen)) if weighted else np.ones(len(chosen))).tolist() or [0.0]
    return Graph.from_arrays(focal, neighbor, weight)


def reorder(graph: Graph, ids: list[str], rename: dict[str, str] | None = None) -> Graph:
    """Write the same edges in another order of cities, with other names on request."""
    position = {own: k for k, own in enumerate(ids)}
    table = graph.adjacency.reset_index()
    table = table.sort_values(["focal", "neighbor"], key=lambda column: column.map(position))
    if rename:
        table[["focal", "neighbor"]] = table[["focal", "neighbor"]].apply(lambda column: column.map(rename))
    return Graph.from_arrays(table["focal"].to_numpy(), table["neighbor"].to_numpy(), table["weight"].to_numpy())


IDS = [f"{k:06d}" for k in range(110000, 110040)]


def sample_y(seed: int = 5) -> pd.Series:
    return pd.Series(np.random.default_rng(seed).lognormal(size=len(IDS)).round(1), index=IDS, name="y")


def check_statistic(statistic: Statistic) -> None:
    """Run every property on equal and on unequal weights."""
    for weighted in (False, True):
        graph = random_graph(IDS, weighted=weighted)
        check_row_order(statistic, graph)
        check_relabelling(statistic, graph)
        check_affine(statistic, graph)
        check_sign_flip(statistic, graph)
        check_ties(statistic, graph)
        check_not_mutated(statistic, graph)
        check_blocks_and_seed(statistic, graph)
    check_small_n(statistic)
    check_isolate(statistic)
    check_missing(statistic)
    check_constant(statistic)
    check_alignment(statistic)


def same(a: pd.DataFrame, b: pd.DataFrame, *, exact: tuple[str, ...] = ("p_sim",)) -> None:
    for column in exact:
        np.testing.assert_array_equal(a[column].to_numpy(), b[column].to_numpy(), err_msg=column)
    for column in a.select_dtypes("number"):
        np.testing.assert_allclose(a[column], b[column], rtol=1e-9, atol=1e-9, err_msg=column)


def check_row_order(statistic: Statistic, graph: Graph) -> None:
    """Give the same city the same numbers whatever the order of the rows."""
    y = sample_y()
    ids = list(np.random.default_rng(3).permutation(IDS))
    first = statistic.frame(y, graph)
    second = statistic.frame(y.loc[ids], reorder(graph, ids))
    same(first, second.loc[IDS] if statistic.local else second)


def check_relabelling(statistic: Statistic, graph: Graph) -> None:
    """Other names: the same observed values exactly, the same p within Monte-Carlo error."""
    y = sample_y()
    rename = dict(zip(IDS, np.random.default_rng(4).permutation(IDS).tolist(), strict=True))
    first = statistic.frame(y, graph, permutations=4_999)
    second = statistic.frame(y.rename(rename), reorder(graph, IDS, rename), permutations=4_999)
    np.testing.assert_allclose(first[statistic.observed], second[statistic.observed], rtol=1e-9, atol=1e-12)
    assert np.abs(first["p_sim"].to_numpy() - second["p_sim"].to_numpy()).max() < 5 * np.sqrt(2 / 4_999)


def check_affine(statistic: Statistic, graph: Graph) -> None:
    """Another unit: the same p exactly; the same value where the statistic is standardized."""
    first, second = statistic.frame(sample_y(), graph), statistic.frame(10 * sample_y() + 3, graph)
    scaled = statistic.frame(10 * sample_y(), graph)
    np.testing.assert_array_equal(first["p_sim"], scaled["p_sim"])
    if statistic.affine:
        np.testing.assert_array_equal(first["p_sim"], second["p_sim"])
        np.testing.assert_allclose(first[statistic.observed], second[statistic.observed], rtol=1e-9, atol=1e-9)


def check_sign_flip(statistic: Statistic, graph: Graph) -> None:
    """High and low change places: the two-sided p stays."""
    if statistic.sign:
        first, second = statistic.frame(sample_y(), graph), statistic.frame(-sample_y(), graph)
        np.testing.assert_array_equal(first["p_sim"], second["p_sim"])
        np.testing.assert_allclose(first[statistic.observed], second[statistic.observed] * statistic.sign, atol=1e-9)


def check_ties(statistic: Statistic, graph: Graph) -> None:
    """Two values only: p is the same in a unit in which sums round differently."""
    y = pd.Series(np.where(np.arange(len(IDS)) % 3 == 0, 1.0, 0.0), index=IDS)
    first, second = statistic.frame(y, graph), statistic.frame(y * 0.1, graph)
    np.testing.assert_array_equal(first["p_sim"], second["p_sim"])


def check_not_mutated(statistic: Statistic, graph: Graph) -> None:
    """Neither y nor the graph is touched."""
    y, before = sample_y(), sample_y()
    adjacency, matrix, transformation = graph.adjacency.copy(), graph.sparse.copy(), graph.transformation
    statistic.frame(y, graph)
    pd.testing.assert_series_equal(y, before)
    pd.testing.assert_series_equal(graph.adjacency, adjacency)
    assert (graph.sparse != matrix).nnz == 0
    assert graph.transformation == transformation


def check_blocks_and_seed(statistic: Statistic, graph: Graph) -> None:
    """Ask for the same answer from the same seed and any block size, another from another seed."""
    first = statistic.frame(sample_y(), graph)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_permutation, "_BLOCK_CELLS", 777)
        same(first, statistic.frame(sample_y(), graph))
    same(first, statistic.frame(sample_y(), graph), exact=tuple(first.select_dtypes("number")))
    assert (first["p_sim"].to_numpy() != statistic.frame(sample_y(), graph, seed=2)["p_sim"].to_numpy()).any()


def check_small_n(statistic: Statistic) -> None:
    """One, two or three cities are no map."""
    for n in (2, 3):
        graph = Graph.from_arrays(IDS[:n], [*IDS[1:n], IDS[0]], np.ones(n))
        with pytest.raises(StatisticError, match=f"At least 4 cities.*{n} of {n}"):
            statistic.frame(sample_y()[:n], graph)
    with pytest.raises(StatisticError, match="1 of 1"):
        statistic.frame(sample_y()[:1], Graph.from_arrays(IDS[:1], IDS[:1], [0.0]))


def check_isolate(statistic: Statistic) -> None:
    """Name a city without a neighbor; its p is NaN and it is never significant."""
    lone = IDS[7]
    graph = random_graph(IDS, isolate=lone)
    with pytest.warns(GeoCdeiWarning, match=f"1 have no neighbor.*{lone}"):
        statistic.call(sample_y(), graph, permutations=99, seed=1)
    frame = statistic.frame(sample_y(), graph)
    if statistic.local:
        assert frame.loc[[lone], ["p_sim", statistic.observed]].isna().all(axis=None)
        assert not frame.loc[lone, ["significant", "significant_fdr"]].any()
        assert frame["p_sim"].drop(lone).notna().all()


def check_missing(statistic: Statistic) -> None:
    """Answer NaN for a city without a value, and for the others as if it were not there."""
    gone = IDS[11]
    y = sample_y()
    y[gone] = np.nan
    graph = random_graph(IDS)
    with pytest.warns(GeoCdeiWarning, match=f"1 of 40 cities have no value.*{gone}"):
        statistic.call(y, graph, permutations=99, seed=1)
    rest = [own for own in IDS if own != gone]
    smaller = statistic.frame(y[rest], graph.subgraph(rest))
    frame = statistic.frame(y, graph)
    if statistic.local:
        assert np.isnan(frame.loc[gone, "p_sim"])
        frame = frame.loc[rest]
    same(frame, smaller)


def check_constant(statistic: Statistic) -> None:
    """Equal values: NaN everywhere, and one warning that says so."""
    y = pd.Series(0.1, index=IDS)
    with pytest.warns(GeoCdeiWarning, match="all 40 values are the same"):
        statistic.call(y, random_graph(IDS), permutations=99, seed=1)
    assert statistic.frame(y, random_graph(IDS))["p_sim"].isna().all()


def check_alignment(statistic: Statistic) -> None:
    """Another order of cities is an error."""
    with pytest.raises(AlignmentError, match="0 cities of y are not in"):
        statistic.frame(sample_y()[::-1], random_graph(IDS))
