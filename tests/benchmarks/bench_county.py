"""The default study at county level: 2,877 units with a synthetic column, through every step, pages and figures.

Run: python tests/benchmarks/bench_county.py. The run is a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from geo_cdei.inputs.boundaries import read_boundaries, read_unit_table
from geo_cdei.workspace import Workspace, create_study

SECONDS, GIGABYTES = 90.0, 1.5
ANCHORS = (
    "220102;210102;110101;130102;410105;420102;430102;440104"  # the seat's district of eight cities, north to south
)


def county_study(folder: Path) -> Workspace:
    """Make the default study at county level: a smooth surface with noise, sizes beside it, provinces as clusters."""
    study = create_study(folder)
    for path in study.raw.glob("*.csv"):
        if path.stem not in ("tiers", "corridors"):
            path.unlink()
    units, rng = read_unit_table("county"), np.random.default_rng(1)
    east, north = (units["lon"] - 70) / 65, (units["lat"] - 18) / 35
    score = (40 + 20 * np.sin(6 * east) + 10 * np.cos(5 * north) + rng.normal(0, 6, len(units))).clip(5, 98).round(1)
    gdp = np.exp(3 + 0.03 * score + rng.normal(0, 0.8, len(units))).round(2)
    table = pd.DataFrame({"city": units["official_name"], "score": score, "gdp_2019": gdp})
    table = table.assign(scale_2020=(gdp * rng.uniform(0.2, 0.5, len(units))).round(2), group=units["province"])
    table.to_csv(study.raw / "scores_county.csv", index_label="adcode")
    claims = pd.read_csv(study.raw / "corridors.csv").head(1).assign(anchors=ANCHORS)
    claims.to_csv(study.raw / "corridors.csv", index=False)
    text = study.settings.read_text(encoding="utf-8")
    for old, new in (
        ('scores = "scores_2021"', 'scores = "scores_county"'),
        ('attributes = ["digital_economy_scale_2020", "gdp_2019"]', "attributes = []"),
        ('level = "prefecture"', 'level = "county"'),
        ('column = "" ', 'column = "group" '),
    ):
        if old not in text:
            raise SystemExit(f"geo-cdei.toml no longer says {old}")
        text = text.replace(old, new, 1)
    text = re.sub(r"(?ms)^\[\[poles\.custom\]\].*?(?=^\[)", "", text)  # a candidate of the default study's clusters
    study.settings.write_text(text, encoding="utf-8")
    return study


def run(folder: str) -> None:
    """Run the study in this process, and print its steps, times and peak memory as JSON."""
    from geo_cdei.studies import run_study

    began, cpu = time.perf_counter(), time.process_time()
    outcome = run_study(folder)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(json.dumps({
        "wall": time.perf_counter() - began, "cpu": time.process_time() - cpu, "peak_gb": peak,
        "units": len(outcome.analysis.cities), "files": len(outcome.written),
        "steps": json.loads((Path(folder) / "manifest.json").read_text(encoding="utf-8"))["seconds"],
    }))  # fmt: skip


def main() -> None:
    """Time one whole run."""
    with tempfile.TemporaryDirectory() as folder:
        study = county_study(Path(folder) / "county")
        read_boundaries(study, level="county")  # the polygons are simplified once, and kept
        done = subprocess.run(
            [sys.executable, __file__, str(study.root)], capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    found = json.loads(re.findall(r"^\{.*\}$", done.stdout, re.MULTILINE)[-1])
    for step, seconds in found["steps"].items():
        print(f"{step:16}{seconds:8.1f} s")
    print(f"{found['units']} units, {found['files']} files: {found['wall']:.1f} s (CPU {found['cpu']:.1f} s), "
          f"peak {found['peak_gb']:.2f} GB; asked for: {SECONDS:g} s and {GIGABYTES} GB")  # fmt: skip


if __name__ == "__main__":
    run(sys.argv[1]) if len(sys.argv) > 1 else main()
