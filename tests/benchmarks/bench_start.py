"""How long a planner waits: the whole command beside the imports it cannot do without, in one run.

Run with ``python tests/benchmarks/bench_start.py``; every figure is the median of five fresh processes, taken in
turns, with compiled bytecode. Asked for: scores within 3 times the imports, the first run at most 5 s more, under
700 MB, ``--help`` within 0.3 s of ``import typer``.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 5
PEAK = (
    "import resource, runpy, sys; sys.argv = ['geo-cdei', 'run', '--only', 'scores', '--quiet']\n"
    "try: runpy.run_module('geo_cdei', run_name='__main__')\n"
    "except SystemExit: pass\n"
    "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
)


def seconds(command: list[str], folder: Path, cache: Path) -> float:
    """Wall time of one process."""
    env = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    env["GEO_CDEI_CACHE"] = str(cache)
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, env=env, check=True, capture_output=True)
    return time.perf_counter() - began


def main() -> None:
    """Print the table."""
    python = sys.executable
    jobs = {
        "import geopandas, libpysal.graph, esda, folium": [
            python, "-c", "import geopandas, libpysal.graph, esda, folium",
        ],
        "geo-cdei run --only scores (warm)": [python, "-m", "geo_cdei", "run", "--only", "scores", "--quiet"],
        "import typer": [python, "-c", "import typer"],
        "geo-cdei --help": [python, "-m", "geo_cdei", "--help"],
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as scratch:
        study, cache = Path(scratch) / "study", Path(scratch) / "cache"
        seconds([python, "-m", "geo_cdei", "init", str(study)], Path(scratch), cache)
        seconds([python, "-c", "import geo_cdei.studies"], study, cache)  # compiles the bytecode
        first = seconds(jobs["geo-cdei run --only scores (warm)"], study, cache)
        taken: dict[str, list[float]] = {name: [] for name in jobs}
        for _ in range(ROUNDS):
            for name, command in jobs.items():
                taken[name].append(seconds(command, study, cache))
        peak = subprocess.run(
            [python, "-c", PEAK],
            cwd=study,
            env=os.environ | {"GEO_CDEI_CACHE": str(cache)},
            capture_output=True,
            text=True,
        )
    middle = {name: statistics.median(values) for name, values in taken.items()}
    imports, scores, bare, helped = middle.values()
    for name, value in middle.items():
        print(f"{name:50} {value:6.2f} s")
    print(f"{'first run, cache empty':50} {first:6.2f} s")
    print(f"scores : imports = {scores / imports:.2f} (asked: at most 3)")
    print(f"first run adds {first - scores:.2f} s (asked: at most 5)")
    print(f"--help adds {helped - bare:.2f} s to import typer (asked: at most 0.3)")
    print(f"peak memory of the scores run: {float(peak.stdout.split()[-1]):.0f} MB (asked: under 700)")


if __name__ == "__main__":
    main()
