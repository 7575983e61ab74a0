"""Hostile files: refused in our own words or read well, and nothing written, executed or asked for beside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hostile import SOUND

HERE = Path(__file__).parent
CASES = {
    "csv": 1400, "xlsx": 1000, "ods": 300, "parquet": 900, "geojson": 1100, "shapefile": 1200, "geopackage": 1000,
    "geoparquet": 300, "flatgeobuf": 200, "zip": 900, "points csv": 200, "points parquet": 200,
    "points geopackage": 200, "toml": 1000, "recipe": 200, "descriptor": 400, "manifest": 300,
}  # fmt: skip
BUILT = 400  # more than there are

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is limited as Linux does it"),
]


def environment(cache: Path) -> dict[str, str]:
    """Give few threads, no compilation, and Arrow's plain allocator, whose memory can be counted."""
    paths = os.pathsep.join([str(HERE), str(HERE.parent)])
    few = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}
    return os.environ | few | {"PYTHONPATH": paths, "GEO_CDEI_CACHE": str(cache)}


def ran(script: str, *arguments: str, cache: Path, folder: Path) -> list[dict]:
    """Run a script, and read its lines of JSON; a process that dies is said with the case it was at."""
    line = [sys.executable, str(HERE / script), str(folder), *arguments]
    done = subprocess.run(line, capture_output=True, text=True, env=environment(cache), timeout=1200, cwd=HERE.parent)
    at = (folder / "at").read_text() if (folder / "at").exists() else "the start"
    assert done.returncode == 0, f"{script} ended with {done.returncode} at {at}: {done.stderr[-2000:]}"
    return [json.loads(each) for each in done.stdout.splitlines() if each.startswith("{")]


@pytest.fixture(scope="module")
def readings(polygon_cache, tmp_path_factory):
    """Read every mutated file and every built one, in two processes."""
    wanted = [f"{kind}:0:{count}" for kind, count in CASES.items()] + [f"built:0:{BUILT}"]
    folder = tmp_path_factory.mktemp("readings")
    halves = [wanted[0::2], wanted[1::2]]
    with ThreadPoolExecutor(2) as pool:
        jobs = [
            pool.submit(ran, "hostile_worker.py", *half, cache=polygon_cache, folder=folder / str(k))
            for k, half in enumerate(halves)
        ]
        return {report["kind"]: report for job in jobs for report in job.result()}


@pytest.mark.parametrize("kind", [*CASES, "built"])
def test_a_hostile_file_is_refused_in_our_words_or_read_well(readings, kind):
    assert readings[kind]["failures"] == []


def test_more_than_ten_thousand_files_were_read(readings):
    assert sum(report.get("refused", 0) + report.get("read", 0) for report in readings.values()) > 10_000


@pytest.mark.parametrize("kind", sorted(set(SOUND) - {"manifest"}))
def test_the_mutations_of_a_kind_are_neither_all_refused_nor_all_read(readings, kind):
    """Else the corpus would test nothing; of a manifest without its run there is no good reading."""
    assert readings[kind]["refused"] > 0
    assert readings[kind]["read"] > 0


def commands(count: int, *argv: str, cache: Path, folder: Path) -> dict[str, int]:
    """Run a command on hostile studies, half of them in each of two processes; no failure may remain."""
    half = count // 2
    ranges = [("0", str(half)), (str(half), str(count))]
    with ThreadPoolExecutor(2) as pool:
        jobs = [
            pool.submit(ran, "hostile_commands.py", *each, *argv, cache=cache, folder=folder / each[0])
            for each in ranges
        ]
        reports = [report for job in jobs for report in job.result()]
    assert [report["failures"] for report in reports] == [[], []]
    return {code: sum(report["counts"][code] for report in reports) for code in ("0", "2")}


@pytest.mark.nightly  # minutes of processes
def test_200_hostile_studies_are_checked(polygon_cache, tmp_path):
    """Each by a process of its own: exit code 0 or 2, a sentence, and nothing left."""
    counts = commands(200, "check", cache=polygon_cache, folder=tmp_path)
    assert min(counts.values()) > 10
    assert sum(counts.values()) == 200


@pytest.mark.nightly  # minutes of processes
def test_50_hostile_studies_are_run(polygon_cache, tmp_path):
    """A refused one leaves no results."""
    counts = commands(50, "run", "--only", "scores", "--quiet", cache=polygon_cache, folder=tmp_path)
    assert min(counts.values()) > 5
    assert sum(counts.values()) == 50
