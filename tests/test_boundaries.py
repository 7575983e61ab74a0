"""Polygons from the installed package, and a cache that may be lost, damaged or forbidden at any time."""

from __future__ import annotations

import geopandas as gpd
import geopandas.testing
import pandas as pd
import pytest
import shapely

from geo_cdei.errors import BoundaryError
from geo_cdei.inputs import boundaries
from geo_cdei.inputs.boundaries import cache_folder, read_boundaries, read_counties, read_lines
from geo_cdei.workspace import default_study, open_study

STUDY = open_study(default_study())


@pytest.fixture(scope="module")
def prefectures():
    return read_boundaries(STUDY)


@pytest.fixture
def built(monkeypatch, tmp_path, prefectures):
    """Cache three units in a folder of their own, and list every time they are built."""
    calls = []
    few = prefectures.head(3)
    monkeypatch.setattr(boundaries, "_build_boundaries", lambda *given: calls.append(given[1:]) or few)
    monkeypatch.setenv("GEO_CDEI_CACHE", str(tmp_path / "cache"))
    return calls


def cached():
    return next(cache_folder().iterdir())


# --- the layers


def test_every_prefecture_has_a_valid_polygon_in_degrees(prefectures):
    assert (len(prefectures), prefectures.crs.to_epsg(), prefectures.index.name) == (372, 4326, "adcode")
    assert prefectures.is_valid.all()
    assert not prefectures.is_empty.any()


def test_simplified_neighbours_keep_their_shared_borders(prefectures):
    assert shapely.coverage_is_valid(prefectures.to_crs(boundaries.EQUAL_AREA).geometry.to_numpy(), gap_width=0)


def test_simplification_keeps_the_area_of_the_land(prefectures):
    whole = boundaries._build_boundaries(STUDY, "prefecture", "amap", 0.0)
    areas = [frame.to_crs(boundaries.EQUAL_AREA).area.sum() for frame in (prefectures, whole)]
    assert areas[0] == pytest.approx(areas[1], rel=1e-3)
    assert prefectures.count_coordinates().sum() < whole.count_coordinates().sum() / 15


def test_provinces_are_the_unions_of_their_prefectures(prefectures):
    provinces = read_boundaries(STUDY, level="province")
    assert len(provinces) == 34
    hebei = prefectures[prefectures["province_adcode"] == "130000"].union_all()
    assert provinces.loc["130000", "geometry"].symmetric_difference(hebei).area < 1e-9


def test_the_nine_dash_line_has_nine_parts():
    assert len(shapely.get_parts(read_lines())) == 9


def test_county_names_come_with_their_city():
    counties = read_counties().set_index("name")
    assert counties.loc["昆山市", "city"] == "苏州市"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"level": "town"}, "level 'town' of source 'amap' is not there. Levels: province"),
        ({"source": "osm"}, "source 'osm' is not there.*sources: amap, tianditu"),
        ({"simplify_m": -1.0}, r"simplify_m is -1\.0; it needs metres, 0 or more"),
    ],
)
def test_what_is_not_there_is_said(wrong, said):
    with pytest.raises(BoundaryError, match=said):
        read_boundaries(STUDY, **wrong)


# --- the cache


def test_the_second_reading_is_the_first_without_the_building(built):
    first, second = read_boundaries(STUDY), read_boundaries(STUDY)
    geopandas.testing.assert_geodataframe_equal(first, second)
    assert first.crs == second.crs
    assert len(built) == 1


def test_the_cache_is_keyed_by_all_that_the_polygons_hang_on(built):
    read_boundaries(STUDY)
    read_boundaries(STUDY, simplify_m=2000.0001)
    read_boundaries(STUDY, simplify_m=None)
    read_boundaries(STUDY, source="tianditu")
    read_boundaries(STUDY, level="county")
    assert len(built) == 5
    assert len(list(cache_folder().iterdir())) == 5


def test_the_cache_is_keyed_by_the_version_of_the_package(built, monkeypatch):
    read_boundaries(STUDY)
    monkeypatch.setattr(boundaries.metadata, "version", lambda _: "9.9")
    read_boundaries(STUDY)
    assert len(built) == 2


@pytest.mark.parametrize("keep", [0, 4, 1000, -1])
def test_a_cut_off_cache_file_is_built_again(built, keep):
    expected = read_boundaries(STUDY)
    cached().write_bytes(cached().read_bytes()[:keep])
    geopandas.testing.assert_geodataframe_equal(read_boundaries(STUDY), expected)
    assert len(built) == 2
    read_boundaries(STUDY)
    assert len(built) == 2


@pytest.mark.parametrize("place", [5, 100, 700, 1500, -3000, -100, -7])
def test_a_flipped_bit_in_the_cache_changes_no_polygon(built, place):
    expected = read_boundaries(STUDY)
    data = bytearray(cached().read_bytes())
    data[place] ^= 1
    cached().write_bytes(bytes(data))
    geopandas.testing.assert_geodataframe_equal(read_boundaries(STUDY), expected)


@pytest.mark.parametrize(
    "foreign", [pd.DataFrame({"a": [1]}), gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.Point(0, 0)], crs=4326)]
)
def test_a_sound_file_of_something_else_is_built_again(built, foreign):
    read_boundaries(STUDY)
    foreign.to_parquet(cached())
    assert len(read_boundaries(STUDY)) == 3
    assert len(built) == 2


def test_a_cache_folder_that_cannot_be_written_stops_nothing(built, monkeypatch, tmp_path):
    (tmp_path / "taken").write_text("a file", encoding="utf-8")
    monkeypatch.setenv("GEO_CDEI_CACHE", str(tmp_path / "taken"))
    assert len(read_boundaries(STUDY)) == 3


def test_a_full_disk_stops_nothing_and_leaves_nothing(built, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(gpd.GeoDataFrame, "to_parquet", full)
    assert len(read_boundaries(STUDY)) == 3
    assert list(cache_folder().iterdir()) == []


def test_the_cache_lies_in_the_user_s_own_folder_unless_said(monkeypatch):
    monkeypatch.delenv("GEO_CDEI_CACHE")
    assert cache_folder().name == "geo_cdei"
