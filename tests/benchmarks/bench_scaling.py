"""What grows how: CPU time against n, and local Moran over a million cells here and on Dask.

Run alone on a quiet machine::

    python tests/benchmarks/bench_scaling.py --figure scaling.png

Points are assigned to the 2,877 counties, whose indexes are built beforehand; local Moran is the inference by 999
permutations on a square lattice (rook). Sizes are 1,000 to 10,000,000; the time is CPU time of this process
(``time.process_time``), best of three, because fresh memory costs system time that depends on what else the machine
does. The slope of log time on log n is fitted over all sizes and from 100,000 on, where what does not grow (2,877
polygons to be asked, 999 columns to be sorted) counts for less. Nothing here is collected by pytest.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

from geo_cdei._assignment import assign, build_locator
from geo_cdei._permutation import conditional_counts

SIZES = [10**k for k in range(3, 8)]
LARGE = 100_000
PERMUTATIONS = 999


def main() -> None:
    """Print the tables and draw the figure."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--figure", type=Path)
    asked.add_argument("--largest", type=int, default=SIZES[-1])
    asked = asked.parse_args()
    warnings.simplefilter("ignore")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    sizes = [n for n in SIZES if n <= asked.largest]
    curves = {
        "points to 2,877 counties": measure_points(sizes),
        "local Moran, 999 permutations": measure_moran(sizes),
    }
    print(f"{'n':>12} " + " ".join(f"{name:>30}" for name in curves))
    for k, n in enumerate(sizes):
        print(f"{n:>12,} " + " ".join(f"{seconds[k]:>28.4f} s" for seconds in curves.values()))
    slopes = {name: (fit(sizes, seconds, 0), fit(sizes, seconds, LARGE)) for name, seconds in curves.items()}
    for name, (whole, large) in slopes.items():
        print(f"{name}: slope {whole:.2f} over all, {large:.2f} from {LARGE:,}")
    if asked.figure:
        draw(asked.figure, sizes, curves, slopes)
    compare_engines()


def best(call: Callable[[], object]) -> float:
    """Time a call: the best of three."""
    seconds = []
    for _ in range(3):
        start = time.process_time()
        call()
        seconds.append(time.process_time() - start)
    return min(seconds)


def measure_points(sizes: list[int]) -> list[float]:
    """Assign points in chunks of 500,000, as the package does."""
    from geo_cdei.inputs.boundaries import read_boundaries
    from geo_cdei.workspace import Workspace, default_study

    locator = build_locator(read_boundaries(Workspace(default_study()), level="county", simplify_m=None))
    rng = np.random.default_rng(0)
    lon, lat = rng.uniform(80, 128, max(sizes)), rng.uniform(22, 48, max(sizes))
    assign(locator, lon[:200_000], lat[:200_000])

    def whole(n: int) -> None:
        for start in range(0, n, 500_000):
            part = slice(start, min(start + 500_000, n))
            assign(locator, lon[part], lat[part])

    return [best(lambda n=n: whole(n)) for n in sizes]


def lattice(n: int) -> tuple[np.ndarray, sparse.csr_array]:
    """Values and row-standardized rook weights of about n cells."""
    side = round(n**0.5)
    line = sparse.diags_array([np.ones(side - 1)] * 2, offsets=[-1, 1], shape=(side, side))
    both = sparse.kron(line, sparse.eye_array(side)) + sparse.kron(sparse.eye_array(side), line)
    weights = sparse.csr_array(both)
    degree = np.diff(weights.indptr)
    weights.data = np.repeat(1.0 / degree, degree)
    weights.sort_indices()
    y = np.random.default_rng(1).normal(size=side * side)
    return (y - y.mean()) / y.std(), weights


def measure_moran(sizes: list[int]) -> list[float]:
    """Count the permutations for every cell."""
    seconds = []
    for n in sizes:
        z, weights = lattice(n)
        seconds.append(best(lambda z=z, w=weights: conditional_counts(z, w, permutations=PERMUTATIONS, seed=1)))
    return seconds


def fit(sizes: list[int], seconds: list[float], smallest: int) -> float:
    """Fit the slope of log seconds on log n."""
    use = [k for k, n in enumerate(sizes) if n >= smallest]
    if len(use) < 2:
        return float("nan")
    return float(np.polyfit(np.log([sizes[k] for k in use]), np.log([seconds[k] for k in use]), 1)[0])


def draw(
    path: Path, sizes: list[int], curves: dict[str, list[float]], slopes: dict[str, tuple[float, float]]
) -> None:
    """Draw both curves on logarithmic axes."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 5), layout="constrained")
    for (name, seconds), marker in zip(curves.items(), "os", strict=True):
        axes.loglog(sizes, seconds, marker=marker, label=f"{name}: slope {slopes[name][1]:.2f} from {LARGE:,}")
    last = [seconds[-1] for seconds in curves.values()]
    axes.loglog(sizes, [max(last) * n / sizes[-1] for n in sizes], color="0.7", ls="--", label="slope 1")
    axes.set(xlabel="points or cells", ylabel="CPU seconds")
    axes.legend(frameon=False)
    figure.savefig(path, dpi=150)
    print(f"figure: {path}")


def compare_engines() -> None:
    """Run local Moran over a million cells here and on a cluster of two processes; the frames must be equal."""
    from distributed import Client, LocalCluster
    from libpysal.graph import Graph

    from geo_cdei.analysis.autocorrelation import local_moran

    z, weights = lattice(1_000_000)
    ids = pd.Index(np.char.zfill(np.arange(len(z)).astype(str), 7), dtype="str")
    graph, y = Graph.from_sparse(weights, ids=ids), pd.Series(z, index=ids)
    assert graph.sparse.shape[0] == len(graph.unique_ids)  # both are made at the first question, and kept
    start, used = time.perf_counter(), time.process_time()
    here = local_moran(y, graph, permutations=PERMUTATIONS, seed=1, engine="local")
    print(f"local Moran, {len(z):,} cells: here {time.perf_counter() - start:.2f} s wall, "
          f"{time.process_time() - used:.2f} s CPU")  # fmt: skip
    workers_of = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "memory_limit": 0}
    with LocalCluster(**workers_of) as cluster, Client(cluster, set_as_default=False) as client:
        start, used = time.perf_counter(), time.process_time()
        there = local_moran(y, graph, permutations=PERMUTATIONS, seed=1, client=client)
        wall, own = time.perf_counter() - start, time.process_time() - used
    workers = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"on Dask, 2 processes: {wall:.2f} s wall, {own:.2f} s CPU here, "
          f"{workers.ru_utime + workers.ru_stime:.2f} s in the workers with their start")  # fmt: skip
    pd.testing.assert_frame_equal(there, here, check_exact=True)
    print("the two frames are equal to the last bit")


if __name__ == "__main__":
    main()
