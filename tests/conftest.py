"""Fixtures that every test file may use."""

from __future__ import annotations

import os
import shutil

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import settings

from geo_cdei.workspace import create_study, default_study, open_study

# 100 examples, the same in every run; HYPOTHESIS_PROFILE=nightly draws 5,000 new ones.
settings.register_profile("ci", max_examples=100, derandomize=True, deadline=None, database=None)
settings.register_profile("nightly", max_examples=5_000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(scope="session", autouse=True)
def polygon_cache(tmp_path_factory):
    """Keep the simplified polygons of this test run in a folder of its own."""
    before = os.environ.get("GEO_CDEI_CACHE")
    folder = tmp_path_factory.mktemp("cache")
    os.environ["GEO_CDEI_CACHE"] = str(folder)
    yield folder
    if before is None:
        del os.environ["GEO_CDEI_CACHE"]
    else:
        os.environ["GEO_CDEI_CACHE"] = before


@pytest.fixture
def study(tmp_path):
    """Make a fresh copy of the default study."""
    return create_study(tmp_path / "study")


@pytest.fixture(scope="session")
def analysis():
    """Run the scores of the default study once."""
    from geo_cdei import pipeline
    from geo_cdei.config import read_settings

    workspace = open_study(default_study())
    return pipeline.run(workspace, read_settings(workspace.settings), only=["scores"])


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """Run every step of the default study once, with few draws; leave its folder as it is."""
    from finished_run import finish

    return finish(tmp_path_factory.mktemp("finished") / "study")


@pytest.fixture(scope="session")
def finished_study(finished):
    """Give the folder of the finished run, to be read only."""
    return open_study(finished.written[-1].parent)


@pytest.fixture
def own_copy(finished_study, tmp_path):
    """Give a copy of the finished run, to be changed."""
    return open_study(shutil.copytree(finished_study.root, tmp_path / "copy"))


@pytest.fixture
def lattice() -> gpd.GeoDataFrame:
    """10 x 10 cells of half a degree, codes r0c0 … r9c9, with a column ``y`` of noise."""
    row, column = np.divmod(np.arange(100), 10)
    west, south = 105 + column * 0.5, 28 + row * 0.5
    return gpd.GeoDataFrame(
        {"y": np.random.default_rng(0).normal(size=100)},
        geometry=shapely.box(west, south, west + 0.5, south + 0.5),
        index=pd.Index([f"r{r}c{c}" for r, c in zip(row, column, strict=True)], name="adcode"),
        crs=4326,
    )


@pytest.fixture
def line_of_cities() -> gpd.GeoDataFrame:
    """Seven cities one degree apart on the equator, with ``y`` = 1 … 7."""
    lon = np.arange(100.0, 107.0)
    return gpd.GeoDataFrame(
        {"lon": lon, "lat": 0.0, "y": np.arange(1.0, 8.0)},
        geometry=gpd.points_from_xy(lon, np.zeros(7)),
        index=pd.Index(list("abcdefg"), name="adcode"),
        crs=4326,
    )


@pytest.fixture
def two_blobs() -> gpd.GeoDataFrame:
    """Build a high group of 12 cities around Beijing and a low one of 12 around Guangzhou."""
    rng = np.random.default_rng(7)
    lon = np.concatenate([116.4 + rng.normal(0, 0.8, 12), 113.3 + rng.normal(0, 0.8, 12)])
    lat = np.concatenate([39.9 + rng.normal(0, 0.8, 12), 23.1 + rng.normal(0, 0.8, 12)])
    y = np.concatenate([80 + rng.normal(0, 2, 12), 55 + rng.normal(0, 2, 12)])
    return gpd.GeoDataFrame(
        {"lon": lon, "lat": lat, "y": y},
        geometry=gpd.points_from_xy(lon, lat),
        index=pd.Index([f"{100000 + i}" for i in range(24)], name="adcode"),
        crs=4326,
    )
