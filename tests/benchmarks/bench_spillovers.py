"""Effects of a spatial lag model for many simulated ρ, beside spreg's full method (one dense inverse per ρ)."""

from __future__ import annotations

import sys
import time
import warnings
from statistics import median

import geopandas as gpd
import numpy as np
import pandas as pd

UNITS = (242, 1000, 3000)
DRAWS = 1000
RUNS = 3
#: Seconds that the effects of 3,000 units may take, all draws together.
MOST_SECONDS = 5.0


def made(n: int):
    """Give *n* cities at random points with a column, a score and a graph of six neighbors."""
    from geo_cdei.analysis.graphs import build_graph

    rng = np.random.default_rng(n)
    ids = pd.Index([f"{i:06d}" for i in range(n)], name="adcode")
    side = np.sqrt(n)
    cities = gpd.GeoDataFrame(
        {"lon": 90 + rng.uniform(0, side, n) / 2, "lat": rng.uniform(0, side, n) / 2}, index=ids
    )
    x = pd.DataFrame({"gdp": rng.normal(size=n)}, index=ids)
    return (2 * x["gdp"] + rng.normal(size=n)).rename("score"), x, build_graph(cities)


def seconds(work) -> float:
    """Median wall time of a few runs."""
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return median(times)


def main() -> None:
    """Print a table: units, seconds of all draws, of one draw by spreg, what spreg would take for all, ratio."""
    from scipy import sparse
    from spreg import spmultiplier

    from geo_cdei._multipliers import mean_diagonal
    from geo_cdei.analysis.graphs import transform
    from geo_cdei.analysis.spatial_models import fit_models, model_table

    warnings.simplefilter("ignore")
    print(f"{DRAWS} draws of ρ around 0.5")
    print(f"{'units':>6}{'ours s':>9}{'spreg s, 1 draw':>17}{'spreg s, all':>14}{'ratio':>10}{'difference':>12}")
    rho = np.clip(np.random.default_rng(0).normal(0.5, 0.05, DRAWS), -0.99, 0.99)
    for n in UNITS:
        graph = transform(made(n)[2], "R")
        weights, w = sparse.csr_array(graph.sparse), graph.to_W()
        ours = seconds(lambda weights=weights: mean_diagonal(weights, rho))
        theirs = seconds(lambda w=w: spmultiplier(w, rho[0], method="full"))
        direct = 1 + rho[0] * mean_diagonal(weights, rho)[0]
        away = abs(direct - spmultiplier(w, rho[0], method="full")["adi"])
        print(f"{n:6}{ours:9.3f}{theirs:17.3f}{theirs * DRAWS:14.0f}{theirs * DRAWS / ours:10.0f}{away:12.1e}")
    print(f"   limit {MOST_SECONDS} s for {UNITS[-1]} units: {'kept' if ours < MOST_SECONDS else 'MISSED'}")
    y, x, graph = made(242)
    graphs = dict.fromkeys("abcdefg", graph)
    spent = seconds(lambda: model_table(fit_models(y, x, graphs), draws=DRAWS, seed=1))
    print(f"seven graphs, five kinds, 242 units, with effects: {spent:.2f} s")


if __name__ == "__main__":
    sys.exit(main())
