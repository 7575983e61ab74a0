"""Points to counties side by side with geopandas.sjoin: CPU time and peak memory.

Run alone on a quiet machine::

    python tests/benchmarks/bench_assign.py            # 1 million, best of three, and 10 million once
    python tests/benchmarks/bench_assign.py 1000000    # one size only

Both read the same Parquet file of points and count them in the 2,877 counties of the package, unsimplified. Every
measurement is a process of its own. CPU time is user and system time of all threads (``resource``), which other
programs on the machine disturb little: "work" is reading points, assigning and counting, "process" the whole process
with imports and polygons. Memory is the peak resident size of the whole process. The counts must be equal. Nothing
here is collected by pytest.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np

BOX = (80.0, 22.0, 128.0, 48.0)  # west, south, east, north: about three quarters of it is land of China
ENV = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def main() -> None:
    """Print the table."""
    sizes = [int(size) for size in sys.argv[1:]] or [1_000_000, 10_000_000]
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"{machine}, load {os.getloadavg()[0]:.1f}")
    head = f"{'points':>11} {'':>10} {'work CPU s':>11} {'process CPU s':>14} {'peak MiB':>9}"
    print(f"{head}   ratio: work, process, memory", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for n in sizes:
            path = write_points(n, Path(folder))
            compare(n, path, turns=3 if n <= 1_000_000 else 1)
            path.unlink()


def write_points(n: int, folder: Path) -> Path:
    """Write random points, in row groups of a million."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng, path = np.random.default_rng(0), folder / f"{n}.parquet"
    with pq.ParquetWriter(path, pa.schema([("lon", pa.float64()), ("lat", pa.float64())])) as out:
        for start in range(0, n, 1_000_000):
            size = min(1_000_000, n - start)
            lon, lat = rng.uniform(BOX[0], BOX[2], size), rng.uniform(BOX[1], BOX[3], size)
            out.write_table(pa.table({"lon": lon, "lat": lat}))
    return path


def compare(n: int, path: Path, turns: int) -> None:
    """Measure both in turn; print the best of each and their ratios."""
    found: dict[str, list[dict[str, float]]] = {"geo_cdei": [], "sjoin": []}
    for _ in range(turns):
        for who, results in found.items():
            command = [sys.executable, __file__, who, str(path)]
            said = subprocess.run(command, capture_output=True, text=True, env=ENV, check=True).stdout
            results.append(json.loads(said.splitlines()[-1]))
    assert len({result["counts"] for results in found.values() for result in results}) == 1, "the counts differ"
    best = {
        who: {key: min(r[key] for r in results) for key in ("work", "process", "peak")}
        for who, results in found.items()
    }
    ours, theirs = best["geo_cdei"], best["sjoin"]
    ratios = ", ".join(f"{theirs[key] / ours[key]:.1f}x" for key in ("work", "process", "peak"))
    for who, row in best.items():
        print(
            f"{n:>11,} {who:>10} {row['work']:>11.2f} {row['process']:>14.2f} {row['peak']:>9.0f}"
            f"   {ratios if who == 'sjoin' else ''}",
            flush=True,
        )


def cpu_seconds() -> float:
    """User and system time of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def measure(who: str, path: Path) -> None:
    """Count the points of a file in the counties and print what it took."""
    import geopandas as gpd
    import pandas as pd

    from geo_cdei.inputs.boundaries import read_boundaries
    from geo_cdei.inputs.point_files import find_points
    from geo_cdei.inputs.point_sums import assign_files
    from geo_cdei.workspace import Workspace, default_study

    warnings.simplefilter("ignore")
    units = read_boundaries(Workspace(default_study()), level="county", simplify_m=None)
    began = cpu_seconds()
    if who == "geo_cdei":
        counts = assign_files(find_points(path), units, engine="local").table["n_points"]
    else:
        table = pd.read_parquet(path)
        points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(table["lon"], table["lat"]), crs=4326)
        joined = gpd.sjoin(points, units[["geometry"]], predicate="within", how="inner")
        counts = joined.groupby("adcode").size().reindex(units.index.sort_values(), fill_value=0)
    work = cpu_seconds() - began
    digest = hashlib.sha256(np.ascontiguousarray(counts.sort_index().to_numpy(np.int64)).tobytes()).hexdigest()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"work": work, "process": cpu_seconds(), "peak": peak, "counts": digest}))


if __name__ == "__main__":
    if sys.argv[1:2] in (["geo_cdei"], ["sjoin"]):
        measure(sys.argv[1], Path(sys.argv[2]))
    else:
        main()
