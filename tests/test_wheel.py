"""The built wheel: it carries the default study and works in an empty folder."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build the wheel of this checkout without the network."""
    pytest.importorskip("hatchling.build")
    if not (ROOT / "pyproject.toml").is_file():
        pytest.skip("there is no checkout to build from")
    out = tmp_path_factory.mktemp("wheel")
    code = "import sys, hatchling.build as build; build.build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", code, str(out)], cwd=ROOT, check=True, capture_output=True)
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Unpack the wheel where nothing of the checkout is."""
    place = tmp_path_factory.mktemp("site")
    install = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--quiet", "--target", str(place)]
    subprocess.run([*install, str(wheel)], check=True, capture_output=True)
    return place


def run(place, folder, *arguments):
    """Run the installed package in a folder of its own."""
    command = [sys.executable, "-m", "geo_cdei", *arguments]
    environment = os.environ | {"PYTHONPATH": str(place)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def tables(folder):
    return {path.name: path.read_bytes() for path in sorted((folder / "data" / "derived").glob("*.csv"))}


def test_the_wheel_carries_every_input_of_the_default_study(wheel):
    carried = set(zipfile.ZipFile(wheel).namelist())
    for part in ("data/raw", "boundaries", "maps/recipes"):
        inputs = [p for p in (ROOT / part).rglob("*") if p.is_file() and not p.name.startswith(".")]
        assert inputs
        assert {f"geo_cdei/_study/{path.relative_to(ROOT).as_posix()}" for path in inputs} <= carried
    assert {"geo_cdei/_study/geo-cdei.toml", "geo_cdei/_study/data/datapackage.json", "geo_cdei/py.typed"} <= carried


def test_the_wheel_carries_nothing_that_a_run_wrote_and_no_test(wheel):
    carried = zipfile.ZipFile(wheel).namelist()
    wrong = [name for name in carried if "derived" in name or name.endswith((".gpkg", ".parquet", ".pyc"))]
    assert wrong == []
    assert not [name for name in carried if name.startswith("tests")]


def test_the_wheel_is_small(wheel):
    assert wheel.stat().st_size < 2_000_000


def test_the_installed_package_is_not_the_checkout(installed, tmp_path):
    code = "import geo_cdei; print(geo_cdei.__file__)"
    environment = os.environ | {"PYTHONPATH": str(installed)}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert Path(done.stdout.strip()).is_relative_to(installed)


def test_a_study_made_by_the_installed_package_gives_the_tables_of_the_checkout(installed, tmp_path, study):
    run(installed, tmp_path, "init", "other")
    run(installed, tmp_path / "other", "run", "--only", "scores", "--quiet")
    from geo_cdei import studies

    studies.run_study(study, only=["scores"])
    assert tables(tmp_path / "other") == tables(study.root)


def test_the_installed_package_runs_in_an_empty_folder_and_finds_its_inputs_sound(installed, tmp_path):
    assert "81.2" in run(installed, tmp_path, "run", "--only", "scores")
    assert "0 faults" in run(installed, tmp_path, "check", "--strict")


def test_every_page_is_drawn_by_the_installed_package(installed, tmp_path):
    """Templates, styles and scripts are files of the package: a wheel may lack them."""
    run(installed, tmp_path, "run", "--only", "maps", "--quiet", "--lang", "en")
    assert (tmp_path / "maps" / "scores.html").stat().st_size > 100_000
