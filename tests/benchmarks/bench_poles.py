"""Rank acceptabilities beside a loop over pymcdm, in one run.

Run ``python tests/benchmarks/bench_poles.py``. The peer draws the same weights, calls the weighted sum model of
pymcdm as its manual shows (min-max scaling, checks on) once for each draw, ranks with its helper, and counts what
ours counts: ranks, pairs and central weights. A second, lean peer gets criteria scaled beforehand, makes no checks,
and counts ranks alone. Both are timed on fewer draws and scaled up.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from pymcdm.helpers import rrankdata
from pymcdm.methods import WSM
from pymcdm.normalizations import minmax_normalization

sys.path.insert(0, str(Path(__file__).parents[1]))

from pole_frames import criteria_of

from geo_cdei._poles import PoleCriteria, scale_values
from geo_cdei.analysis.acceptability import rank_acceptability

CANDIDATES, CRITERIA, DRAWS, PEER_DRAWS = 30, 14, 100_000, 2_000


def country() -> tuple[PoleCriteria, pd.Series[float]]:
    """Thirty candidates of eight cities each; a criterion is unknown for all, a tenth of them have wider members."""
    from dataclasses import replace

    rng = np.random.default_rng(1)
    names = ["score", *(f"x{i}" for i in range(CRITERIA - 2)), "change"]
    raw = pd.DataFrame(rng.random((CANDIDATES, CRITERIA)), columns=names)
    raw["change"] = np.nan
    made = criteria_of(raw, [f"group {i % 5}" for i in range(CRITERIA)], change=(1.8, 2.8))
    held = np.repeat(np.eye(CANDIDATES, dtype=bool), 8, axis=1)
    wider = held.copy()
    wider[:3, :9] = True
    cities = pd.Index([f"{i:06d}" for i in range(held.shape[1])])
    made = replace(
        made, others=(made.raw * 1.01,), memberships=np.stack([held, wider]), adcodes=cities,
        score=rng.uniform(40, 90, len(cities)), weight=rng.uniform(1, 9, len(cities)),
    )  # fmt: skip
    return made, pd.Series(0.06, index=cities)


def peer(made: PoleCriteria, draws: int, log_sd: float = 0.0, *, lean: bool = False) -> np.ndarray:
    """Count by one call of pymcdm per draw; with an error of the city weights, memberships are drawn too."""
    model = WSM(normalization_function=_as_it_is if lean else minmax_normalization)
    parts = [scale_values(part, made.table).to_numpy() for part in (made.raw, *made.others)]
    low, high = made.table.loc["score", ["low", "high"]]
    groups = np.unique(made.groups, return_inverse=True)[1]
    rng, types, rows = np.random.default_rng(1), np.ones(len(groups)), np.arange(len(made.raw))
    counts, pairs = np.zeros((2, len(rows), len(rows)), dtype=int)
    central = np.zeros((len(rows), len(groups)))
    for _ in range(draws):
        outer = rng.dirichlet(np.ones(groups.max() + 1))
        inner = rng.standard_exponential(len(groups))
        weights = outer[groups] * inner / np.bincount(groups, inner)[groups]
        weights /= weights.sum()
        chosen = rng.integers(len(parts), size=len(rows))
        matrix = np.stack(parts)[chosen, rows] if log_sd else parts[0].copy()
        if log_sd:
            error = np.exp(log_sd * rng.standard_normal(len(made.weight)))
            drawn = made.memberships[chosen, rows] * made.weight * error
            matrix[:, 0] = (drawn @ made.score / drawn.sum(axis=1) - low) / (high - low)
        unknown = np.isnan(matrix)
        matrix[unknown] = rng.random(unknown.sum())
        value = model(matrix, weights, types, validation=not lean)
        if lean:
            counts[np.argsort(-value), rows] += 1
            continue
        place = rrankdata(value).astype(int) - 1
        counts[rows, place] += 1
        pairs += value[:, None] > value
        central[place.argmin()] += weights
    return counts


def _as_it_is(x: np.ndarray, cost: bool = False) -> np.ndarray:
    return x


def seconds(call: Callable[[], object], repeat: int = 3) -> float:
    """Shortest of some runs."""
    best = np.inf
    for _ in range(repeat):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best


def main() -> None:
    """Print the table."""
    made, log_sd = country()
    weights_only = made.__class__(
        **{name: getattr(made, name) for name in made.__slots__} | {"others": (), "memberships": made.memberships[:1]}
    )
    sd = float(log_sd.iloc[0])
    cases = {
        "weights and unknown values": (weights_only, None, 0.0),
        "and memberships and city weights": (made, log_sd, sd),
    }
    print(f"{DRAWS:,} draws x {CANDIDATES} candidates x {CRITERIA} criteria; loops are scaled up from {PEER_DRAWS:,}")
    for name, (what, error, number) in cases.items():
        mine = seconds(lambda a=what, b=error: rank_acceptability(a, log_sd=b, draws=DRAWS, seed=1))
        print(f"  {name:34} ours {mine:6.2f} s")
        for lean in (False, True):
            loop = seconds(lambda a=what, b=number, c=lean: peer(a, PEER_DRAWS, b, lean=c)) * DRAWS / PEER_DRAWS
            print(f"    {'lean loop' if lean else 'loop'} over pymcdm {loop:7.1f} s {loop / mine:6.0f} x")


if __name__ == "__main__":
    main()
