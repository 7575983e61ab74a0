"""The same inputs give the same bytes, whatever the machine's zone, language, hash seed, threads and row order."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys

import pytest

from geo_cdei.outputs.manifest import file_hash
from geo_cdei.workspace import create_study

pytestmark = pytest.mark.slow

STEPS = "scores,autocorrelation,maps"
NAMES_LINES = ("data/derived/match_report.csv", "data/derived/geo_cdei.gpkg", "data/derived/run.zip")
"""Outputs that tell on which line of its file a row stands: the only ones that know the order of rows."""


def outputs(root, **environment):
    """Run a study in a process of its own, and give the hash of every file that it wrote."""
    subprocess.run(
        [sys.executable, "-m", "geo_cdei", "run", str(root), "--only", STEPS, "--quiet"],
        env={**os.environ, **environment},
        check=True,
        capture_output=True,
        timeout=300,
    )
    named = json.loads((root / "manifest.json").read_text(encoding="utf-8"))["outputs"]
    assert {path: file_hash(root / path) for path in named} == named
    return named


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return create_study(tmp_path_factory.mktemp("reproducible") / "study")


@pytest.fixture(scope="module")
def first(study):
    return outputs(study.root)


@pytest.fixture(scope="module")
def locales(tmp_path_factory):
    """Compile the two locales where the system has their sources, so that a process can really be in them."""
    folder = tmp_path_factory.mktemp("locales")
    for name in ("zh_CN", "tr_TR"):
        made = shutil.which("localedef") and subprocess.run(
            ["localedef", "-i", name, "-f", "UTF-8", folder / f"{name}.UTF-8"], capture_output=True, check=False
        )
        if not made or not (folder / f"{name}.UTF-8").is_dir():
            pytest.skip("this system has no sources of locales (Debian: the package locales)")
    return folder


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"TZ": "Asia/Urumqi"},
        {"TZ": "America/St_Johns"},
        {"LC_ALL": "C", "PYTHONUTF8": "0"},
        {"PYTHONHASHSEED": "1"},
        {"PYTHONHASHSEED": "4294967295"},
        {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "GDAL_NUM_THREADS": "1"},
        {"OMP_NUM_THREADS": "7", "OPENBLAS_NUM_THREADS": "7", "GDAL_NUM_THREADS": "ALL_CPUS"},
    ],
    ids=lambda environment: " ".join(f"{key}={value}" for key, value in environment.items()) or "again",
)
def test_another_environment_gives_the_same_bytes(study, first, environment):
    assert outputs(study.root, **environment) == first


@pytest.mark.parametrize("name", ["zh_CN.UTF-8", "tr_TR.UTF-8"])
def test_another_locale_gives_the_same_bytes(study, first, locales, name):
    environment = {"LC_ALL": name, "LOCPATH": str(locales)}
    probe = "import locale; print(locale.setlocale(locale.LC_ALL, ''))"
    said = subprocess.run(
        [sys.executable, "-c", probe], env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == name
    assert outputs(study.root, **environment) == first


def test_another_folder_gives_the_same_bytes(first, tmp_path):
    assert outputs(create_study(tmp_path / "另一个 study").root) == first


@pytest.mark.parametrize("seed", [1, 2])
def test_another_order_of_rows_gives_the_same_bytes(first, tmp_path, seed):
    moved = create_study(tmp_path / "study")
    for path in sorted(moved.raw.glob("*.csv")):
        header, *rows = path.read_bytes().decode("utf-8-sig").splitlines()
        random.Random(seed).shuffle(rows)
        path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8-sig")
    found = outputs(moved.root)
    assert [path for path in first if found[path] != first[path] and path not in NAMES_LINES] == []
