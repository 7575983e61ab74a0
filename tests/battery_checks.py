"""The checks of the battery: ``check_statistic(statistic)`` runs every one of ``CHECKS`` that applies.

A check that makes no sense for a function is named in its ``skips`` with the reason. Nothing is left out in silence:
:func:`checks_of` refuses a name that is no check, and a reason that is none.
"""

from __future__ import annotations

import contextlib
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from battery import GONE, IDS, LONE, Statistic, World, frames, make_world, same
from libpysal.graph import Graph

from geo_cdei import _breaks, _permutation, _polyline
from geo_cdei.analysis import cluster_flows, decay
from geo_cdei.errors import GeoCdeiError, GeoCdeiWarning

Check = Callable[[Statistic], None]
CHECKS: dict[str, Check] = {}


def check(function: Check) -> Check:
    """Enter a check under its name."""
    CHECKS[function.__name__.removeprefix("check_")] = function
    return function


def checks_of(statistic: Statistic) -> list[str]:
    """Name the checks that apply; what is skipped must be a check and have a reason."""
    reasons = statistic.reasons()
    unknown = set(reasons) - set(CHECKS)
    if unknown or not all(len(reason) > 10 for reason in reasons.values()):
        raise ValueError(f"{statistic.name}: {sorted(unknown)} are no checks, or a reason is missing")
    return [name for name in CHECKS if name not in reasons]


def check_statistic(statistic: Statistic) -> None:
    """Run every check that applies."""
    for name in checks_of(statistic):
        CHECKS[name](statistic)


def p_columns(frame: pd.DataFrame) -> tuple[str, ...]:
    """List the columns of p-values that come from counts, so that they are exact."""
    return tuple(
        c for c in frame if re.fullmatch(r"p_(sim|region|region_core|labels|partitions|curve|agreement)", str(c))
    )


def in_order(statistic: Statistic, world: World, first: dict[str, pd.DataFrame] | None = None) -> None:
    """Compare the answer for rows in order with that for shuffled rows."""
    order = np.random.default_rng(3).permutation(IDS).tolist()
    first, second = first or statistic.run(world), statistic.run(world.reorder(order))
    for part, frame in first.items():
        other = second[part]
        if statistic.index == "cities" and len(other) == len(IDS):
            assert list(other.index) == order
            other = other.loc[list(frame.index)]
        same(frame, other, exact=p_columns(frame), tolerance=statistic.tolerance)


@check
def check_row_order(statistic: Statistic) -> None:
    """Give the same city the same numbers whatever the order of the rows."""
    world, answer, _ = statistic.usual()
    in_order(statistic, world, answer)


@check
def check_unequal_weights(statistic: Statistic) -> None:
    """Answer the same for rows in any order where the weights of the edges differ too."""
    in_order(statistic, make_world(weighted=True, column=statistic.column))


@check
def check_renaming_in_order(statistic: Statistic) -> None:
    """Other codes in the same order: every number stays, draws included."""
    names = {own: f"{int(own) * 2 + 7}" for own in IDS}
    back = {new: own for own, new in names.items()}
    world, first, _ = statistic.usual()
    second = statistic.run(world.rename(names))
    for part, frame in first.items():
        given = second[part].rename(index=lambda k: back.get(k, k), columns=lambda c: back.get(c, c))
        for column in given.select_dtypes(["str", "object"]):
            given[column] = [_translated(value, back) for value in given[column]]
        same(frame, given, exact=p_columns(frame), tolerance=statistic.tolerance)


def _translated(value: object, back: Mapping[str, str]) -> object:
    if isinstance(value, tuple):
        return tuple(_translated(part, back) for part in value)
    return re.sub(r"\d{6}", lambda m: back.get(m.group(), m.group()), value) if isinstance(value, str) else value


@check
def check_relabelling(statistic: Statistic) -> None:
    """Other codes in another order: the same observed values, the same p within Monte-Carlo error."""
    world = replace(make_world(column=statistic.column), draws=1_999)
    names = dict(zip(IDS, np.random.default_rng(4).permutation(IDS).tolist(), strict=True))
    back = {new: own for own, new in names.items()}
    first, second = statistic.main(world), statistic.main(world.rename(names))
    second = second.rename(index=lambda k: back.get(k, k), columns=lambda c: back.get(c, c))
    for column in second.select_dtypes(["str", "object"]):
        second[column] = [_translated(value, back) for value in second[column]]
    second = second.loc[first.index] if set(second.index) == set(IDS) else statistic.sorted(second)
    numbers = [c for c in statistic.seen(first) if pd.api.types.is_float_dtype(first[c])]
    same(first[numbers], second[numbers], tolerance=statistic.tolerance)
    for column in p_columns(first):
        gap = np.abs(first[column].to_numpy(dtype=float) - second[column].to_numpy(dtype=float))
        assert not (gap >= 5 * np.sqrt(2 * 0.25 / 199)).any(), column


@check
def check_scale(statistic: Statistic) -> None:
    """Another unit of y: every column follows as it should, and p is exactly the same."""
    world, _, first = statistic.usual()
    second = statistic.main(world.change(lambda y: 8 * y))
    for column, power in statistic.scale.items():
        expected = first[[column]] * 8.0**power if power else first[[column]]
        same(expected, second[[column]], tolerance=statistic.tolerance)
    for column in p_columns(first):
        np.testing.assert_array_equal(first[column], second[column], err_msg=column)


@check
def check_shift(statistic: Statistic) -> None:
    """Give everyone a constant more: what is about differences stays."""
    world, _, first = statistic.usual()
    second = statistic.main(world.change(lambda y: y + 64))
    same(first[list(statistic.shift)], second[list(statistic.shift)], tolerance=statistic.tolerance)


@check
def check_sign(statistic: Statistic) -> None:
    """High and low change places: every column keeps or turns its sign as it should."""
    world, _, first = statistic.usual()
    second = statistic.main(world.change(lambda y: -y))
    for column, turn in statistic.sign.items():
        same(first[[column]] * turn, second[[column]], tolerance=statistic.tolerance)


@check
def check_ties(statistic: Statistic) -> None:
    """Few different values: the same p in a unit in which sums round differently, and for rows in another order."""
    tied = make_world(column=statistic.column).change(lambda y: 1.0 + (np.arange(len(y)) % 3 == 0))
    first, second = statistic.main(tied), statistic.main(tied.change(lambda y: y * 0.1))
    for column in p_columns(first):
        np.testing.assert_array_equal(first[column], second[column], err_msg=column)
    in_order(statistic, tied)


def few(statistic: Statistic, n: int) -> None:
    world = make_world(column=statistic.column).keep(IDS[:n])
    if n < statistic.least:
        with pytest.raises(GeoCdeiError, match=statistic.few):
            statistic.run(world)
    else:
        for frame in statistic.run(world).values():
            assert len(frame) == n or statistic.index != "cities"
            assert not np.isinf(frame.select_dtypes("number").to_numpy(dtype=float)).any()


@check
def check_one_city(statistic: Statistic) -> None:
    """One city: an error that says what is needed, or an answer without a warning."""
    few(statistic, 1)


@check
def check_two_cities(statistic: Statistic) -> None:
    """Two cities: the same."""
    few(statistic, 2)


@check
def check_three_cities(statistic: Statistic) -> None:
    """Three cities: the same."""
    few(statistic, 3)


@check
def check_isolate(statistic: Statistic) -> None:
    """Move a city away from all others: it is named where a graph is read, never in the way of the others."""
    world = make_world(column=statistic.column, lone=LONE)
    if not statistic.graph:
        for frame in statistic.run(world).values():
            assert not np.isinf(frame.select_dtypes("number").to_numpy(dtype=float)).any()
        return
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        answer = frames(statistic.call(world, 1))
    assert LONE in " ".join([*(str(w.message) for w in caught), *(str(f.to_dict()) for f in answer.values())])
    frame = next(iter(answer.values()))
    if statistic.index == "cities":
        numbers = [c for c in statistic.seen(frame) if c != "z" or frame[c].isna().any()]
        assert frame.loc[[LONE], numbers].isna().all(axis=None)
        assert frame[numbers].drop(LONE).notna().all(axis=None)
        assert not frame.loc[LONE, [c for c in frame if c.startswith("significant")]].any()


@check
def check_missing(statistic: Statistic) -> None:
    """Take a value away: the city is left out as if it were not there, refused, or counted; never 0."""
    world = make_world(column=statistic.column)
    gap = world.change(lambda y: y.where(y.index != GONE))
    if statistic.missing not in ("left out", "counted"):
        with pytest.raises(GeoCdeiError, match=statistic.missing):
            statistic.run(gap)
        return
    first, zero = statistic.main(gap), None
    if statistic.index == "cities":
        assert first.loc[GONE, statistic.seen(first)].isna().all()
    if statistic.missing == "left out":
        rest = [own for own in IDS if own != GONE]
        second = statistic.main(world.keep(rest))
        told = [
            c
            for c in first
            if not re.fullmatch(
                r"coverage|n_members|left_out|.*_coverage|partitions_share|p_partitions|n_left_out", str(c)
            )
        ]
        same(
            (first.loc[rest] if statistic.index == "cities" else first)[told],
            second[told],
            tolerance=statistic.tolerance,
        )
    else:
        with contextlib.suppress(GeoCdeiError):
            zero = statistic.main(world.change(lambda y: y.where(y.index != GONE, 0.0)))
        assert zero is None or not first.equals(zero)


@check
def check_constant(statistic: Statistic) -> None:
    """Equal values: an answer, NaN or an error, as declared; never a division by zero."""
    world = make_world(column=statistic.column).change(lambda y: y * 0 + 50.1)
    if statistic.constant not in ("answer", "nan"):
        with pytest.raises(GeoCdeiError, match=statistic.constant):
            statistic.run(world)
        return
    frame = statistic.main(world)
    assert not np.isinf(frame.select_dtypes("number").to_numpy(dtype=float)).any()
    if statistic.constant == "nan":
        assert frame[list(p_columns(frame))].isna().all(axis=None)
        with pytest.warns(GeoCdeiWarning, match="all 48 values are the same"):
            statistic.call(world, 1)


@check
def check_not_mutated(statistic: Statistic) -> None:
    """Leave every table and the graph of the caller as they were."""
    world = make_world(column=statistic.column)
    cities, members, adjacency = pd.DataFrame(world.cities).copy(), world.members.copy(), world.graph.adjacency.copy()
    matrix, transformation = world.graph.sparse.copy(), world.graph.transformation
    statistic.run(world)
    pd.testing.assert_frame_equal(pd.DataFrame(world.cities), cities)
    pd.testing.assert_frame_equal(world.members, members)
    pd.testing.assert_series_equal(world.graph.adjacency, adjacency)
    assert (world.graph.sparse != matrix).nnz == 0
    assert world.graph.transformation == transformation


@check
def check_same_seed(statistic: Statistic) -> None:
    """Ask twice: the same to the last bit, and nothing taken from or left in the global generator."""
    world, first, _ = statistic.usual()
    before = np.random.get_state()[1].copy()
    second = statistic.run(world)
    assert (np.random.get_state()[1] == before).all()
    for part, frame in first.items():
        same(frame, second[part], exact=tuple(frame.columns))


@check
def check_other_seed(statistic: Statistic) -> None:
    """Ask with another seed: the observed values stay, what is drawn changes."""
    world, _, first = statistic.usual()
    second = statistic.main(world, seed=2)
    seen = [c for c in statistic.seen(first) if c != "seed"]
    same(first[seen], second[seen], exact=p_columns(first[seen]))
    drawn = [c for c in first.select_dtypes("number") if c not in (*seen, "seed")]
    assert drawn
    assert any(not first[c].equals(second[c]) for c in drawn)


@contextlib.contextmanager
def small_blocks() -> Iterator[None]:
    """Hold everything that is worked on in blocks in blocks of another size."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_permutation, "_BLOCK_CELLS", 777)
        patch.setattr(_polyline, "_CELLS", 999)
        patch.setattr(_breaks, "MAX_CELLS", 5_000)
        patch.setattr(decay, "_CELLS", 1_111)
        patch.setattr(cluster_flows, "_BLOCK", 7)
        yield


@check
def check_block_size(statistic: Statistic) -> None:
    """Ask for the same answer whatever is held in memory at once."""
    world, first, _ = statistic.usual()
    with small_blocks():
        second = statistic.run(world)
    for part, frame in first.items():
        same(frame, second[part], exact=p_columns(frame))


@check
def check_engine(statistic: Statistic) -> None:
    """Count with the engine for any weights what the engine for equal weights counted: the same p."""
    world, _, first = statistic.usual()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_permutation, "_rows_are_equal", lambda *_: False)
        second = statistic.main(world)
    same(first, second, exact=p_columns(first))


@check
def check_binary_and_row_standardized(statistic: Statistic) -> None:
    """Where every city has as many neighbors, z and p are the same for weights of 1 and for shares."""
    world = make_world(column=statistic.column)
    focal = np.repeat(IDS, 3)
    near = np.array(IDS)[(np.arange(48)[:, None] + np.array([1, 5, 11])).ravel() % 48]
    binary = replace(world, graph=Graph.from_arrays(focal, near, np.ones(144)))
    shares = replace(world, graph=binary.graph.transform("R"))
    first, second = statistic.main(binary), statistic.main(shares)
    told = [
        c
        for c in first
        if c in (*p_columns(first), "z", "z_sim", "z_norm", "z_rand", "estimate", "joins", "total", "coefficient")
    ]
    assert told
    same(first[told], second[told], exact=p_columns(first))


@check
def check_index_kept(statistic: Statistic) -> None:
    """One row per city in the caller's order; otherwise keys that are unique, and no row lost."""
    order = np.random.default_rng(8).permutation(IDS).tolist()
    world = make_world(column=statistic.column).reorder(order)
    frame = statistic.main(world)
    if statistic.index == "cities":
        assert frame.index.tolist() == order
    elif statistic.keys:
        assert not frame.duplicated([key for key in statistic.keys if key in frame]).any()
    else:
        assert frame.index.is_unique


NEVER_NEGATIVE = re.compile(
    r"n_.*|.*_km2?|km|.*_sd|sd|joins|coverage|(?!net).*_share|share|p|p_.*|spread|.*probability|flow"
)
AT_MOST_ONE = re.compile(r"coverage|(?!net).*_share|share|p|p_.*|.*probability")


@check
def check_columns_and_units(statistic: Statistic) -> None:
    """Hold the columns against the documented ones, the dtypes against plain ones, every unit against its range."""
    for part, frame in statistic.usual()[1].items():
        if part == "answer" and statistic.columns:
            assert [c for c in frame if not str(c).startswith("_")] == list(statistic.columns)
        for column in frame:
            kind = frame[column].dtype
            assert kind.kind in "fibOTM" or kind == "str" or isinstance(kind, pd.CategoricalDtype), (column, kind)
            if kind.kind == "f":
                assert kind == np.float64, column
                assert not np.isinf(frame[column]).any(), column
            name = str(column)
            if kind.kind in "fi":
                assert not (NEVER_NEGATIVE.fullmatch(name) and (frame[column] < -1e-9).any()), column
                assert not (AT_MOST_ONE.fullmatch(name) and (frame[column] > 1 + 1e-9).any()), column
        for column in p_columns(frame):
            assert not (frame[column] <= 0).any(), column


@check
def check_infinite(statistic: Statistic) -> None:
    """Refuse an infinite value with an error of ours."""
    world = make_world(column=statistic.column).change(lambda y: y.where(y.index != GONE, np.inf))
    with pytest.raises(GeoCdeiError, match=statistic.infinite):
        statistic.run(world)


@check
def check_text(statistic: Statistic) -> None:
    """Words where numbers are needed are refused with an error of ours."""
    world = make_world(column=statistic.column).change(lambda y: y.astype("str"))
    with pytest.raises(GeoCdeiError, match=r"."):
        statistic.run(world)


@check
def check_other_order(statistic: Statistic) -> None:
    """Refuse a graph that lists the cities in another order; never read it by position."""
    world = make_world(column=statistic.column)
    with pytest.raises(GeoCdeiError, match=r"0 cities of .* are not in"):
        statistic.run(replace(world, cities=world.cities[::-1]))
