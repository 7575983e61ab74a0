"""The public names: sorted, importable, and free until they are used."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

import geo_cdei

HEAVY = {"numpy", "pandas", "geopandas", "shapely", "scipy", "libpysal", "esda", "folium", "pydantic", "pyproj"}


def imported_by(code):
    """List the top-level modules that a fresh interpreter has after running `code`."""
    command = [sys.executable, "-c", code + "; import sys; print(*{name.split('.')[0] for name in sys.modules})"]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def test_the_names_are_sorted_and_stand_once():
    assert geo_cdei.__all__ == sorted(set(geo_cdei.__all__))


def test_what_is_named_is_what_is_offered():
    assert set(geo_cdei.__all__) - {"__version__"} == set(geo_cdei._HOMES)
    assert dir(geo_cdei) == geo_cdei.__all__


@pytest.mark.parametrize("name", geo_cdei.__all__)
def test_every_name_can_be_had(name):
    assert getattr(geo_cdei, name) is not None


@pytest.mark.parametrize("name", geo_cdei._HOMES)
def test_every_name_is_public_where_it_lives(name):
    assert name in importlib.import_module(f"geo_cdei.{geo_cdei._HOMES[name]}").__all__


def test_a_name_that_is_not_offered_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'geo_cdei' has no attribute 'score_citys'"):
        _ = geo_cdei.score_citys


def test_the_version_is_that_of_the_package():
    from importlib.metadata import version

    assert geo_cdei.__version__ == version("geo-cdei")


@pytest.mark.parametrize("code", ["import geo_cdei", "import geo_cdei.errors, geo_cdei.columns"])
def test_importing_the_package_imports_nothing_heavy(code):
    assert imported_by(code) & (HEAVY | {"typer", "rich"}) == set()


def test_the_command_line_imports_nothing_heavy_until_a_command_needs_it():
    assert imported_by("import geo_cdei.cli") & HEAVY == set()
