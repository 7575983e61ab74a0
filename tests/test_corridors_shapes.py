"""Belts, lines, the coast, ridges and ellipses."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo_cdei import columns
from geo_cdei.analysis.belts import coast_distance, corridor_belts, corridor_lines
from geo_cdei.analysis.orientation import deviational_ellipses
from geo_cdei.analysis.ridges import potential_ridges, ridge_agreement
from geo_cdei.errors import BoundaryError, StatisticError


def places(lon, lat, **values):
    index = pd.Index([f"c{k:02d}" for k in range(len(lon))], name="adcode")
    return gpd.GeoDataFrame({"lon": np.asarray(lon, float), "lat": np.asarray(lat, float), **values}, index=index)


def corridor(*codes):
    return pd.DataFrame({"cities": [codes], "kind": ["claimed"]}, index=pd.Index(["B1"], name="corridor_id"))


# --- belts


def test_a_straight_belt_is_a_rectangle_and_two_half_circles():
    belts = corridor_belts(places([0, 4], [0, 0]), corridor("c00", "c01"), width_km=60)
    length = 4 * 111.3195
    assert belts["area_km2"].iloc[0] == pytest.approx(2 * 60 * length + np.pi * 60**2, rel=2e-3)


def test_a_belt_names_its_cities_and_clusters():
    cities = places([0, 4, 2, 2, 9], [0, 0, 0.5, 0.8, 0], cluster_id=["A", None, "B", "C", "D"])
    belts = corridor_belts(cities, corridor("c00", "c01"), width_km=60)
    assert tuple(belts.columns) == (*columns.BELTS, "geometry")
    assert belts["cities"].iloc[0] == ("c00", "c01", "c02")
    assert belts["clusters"].iloc[0] == ("A", "B")
    assert belts.crs == "EPSG:4326"


def test_a_belt_holds_the_cities_that_it_names():
    rng = np.random.default_rng(0)
    cities = places(rng.uniform(100, 110, 80), rng.uniform(25, 40, 80))
    belts = corridor_belts(cities, corridor("c00", "c01", "c02"), width_km=100)
    drawn = shapely.contains_xy(belts.geometry.iloc[0], cities["lon"], cities["lat"])
    assert tuple(cities.index[drawn]) == belts["cities"].iloc[0]


def test_a_line_has_a_point_every_20_km():
    line = corridor_lines(places([0, 4], [50, 50]), corridor("c00", "c01")).geometry.iloc[0]
    steps = np.diff(shapely.get_coordinates(line)[:, 0])
    assert len(line.coords) >= 16
    assert shapely.get_coordinates(line)[:, 1].max() > 50.01  # the great circle bulges north
    assert steps.max() * 111.3 * np.cos(np.radians(50)) <= 20.1


@pytest.mark.parametrize("width", [0.0, -5.0, np.inf])
def test_a_belt_needs_a_width(width):
    with pytest.raises(StatisticError, match="width_km must be a positive number"):
        corridor_belts(places([0, 4], [0, 0]), corridor("c00", "c01"), width_km=width)


def test_a_belt_needs_known_cities():
    with pytest.raises(
        StatisticError, match="B1 needs at least two cities of the study; got 2, of which zz are unknown"
    ):
        corridor_belts(places([0, 4], [0, 0]), corridor("c00", "zz"))


# --- coast


def test_distance_to_the_coast_by_hand():
    sea = shapely.MultiPolygon([shapely.box(10, -5, 12, 5), shapely.box(-8, 20, -5, 30)])
    km = coast_distance(places([9, 11, 11.9], [0, 0, 0]), sea)
    assert km.tolist() == pytest.approx([111.19, 0, 0], abs=0.01)


def test_the_edge_of_the_world_is_no_coast():
    sea = shapely.box(-180, -10, -170, 10)
    km = coast_distance(places([-179.9 + 359, 0.0], [0, 0]), sea)
    assert km.iloc[0] > 900


def test_a_sea_without_a_coast_is_refused():
    with pytest.raises(BoundaryError, match="the sea has no coast"):
        coast_distance(places([0], [0]), shapely.MultiPolygon())


# --- ridges


@pytest.fixture(scope="module")
def row_of_cities():
    rng = np.random.default_rng(1)
    return places(
        np.append(np.linspace(100, 112, 14), rng.uniform(99, 113, 20)),
        np.append(np.full(14, 30.0), rng.uniform(24, 36, 20)),
        gdp=np.append(np.full(14, 20.0), np.full(20, 0.5)),
    )


def test_a_row_of_large_cities_is_the_first_ridge(row_of_cities):
    ridges = potential_ridges(row_of_cities, mass="gdp")
    assert tuple(ridges.columns) == (*columns.RIDGES, "geometry")
    assert ridges["bearing_deg"].iloc[0] == pytest.approx(90, abs=5)
    assert np.abs(shapely.get_coordinates(ridges.geometry.iloc[0])[:, 1] - 30).max() < 0.5
    assert ridges["length_km"].iloc[0] > 900


def test_masses_scaled_give_the_same_ridges(row_of_cities):
    other = potential_ridges(row_of_cities.assign(gdp=1000 * row_of_cities["gdp"]), mass="gdp")
    assert other.geometry.to_wkt().tolist() == potential_ridges(row_of_cities, mass="gdp").geometry.to_wkt().tolist()


def test_a_corridor_on_a_ridge_agrees_with_it(row_of_cities):
    table = ridge_agreement(row_of_cities, corridor("c02", "c06", "c11"), potential_ridges(row_of_cities, mass="gdp"))
    assert tuple(table.columns) == columns.RIDGE_AGREEMENT
    assert table["corridor_id"].tolist() == ["B1", "all corridors", "ridges"]
    assert table["share"].iloc[0] == 1.0
    assert table["share_by_chance"].iloc[0] < 0.8


@pytest.mark.parametrize("values", [{"bandwidth_km": 0.0}, {"cell_km": 80.0}, {"sharpness": 0.0}])
def test_impossible_ridges_are_refused(row_of_cities, values):
    with pytest.raises(StatisticError, match="must be positive and cell_km at most half"):
        potential_ridges(row_of_cities, mass="gdp", **values)


# --- ellipses


def test_an_ellipse_by_hand():
    # four points at (+-2, 0) and (0, +-1): variances 2 and 0.5 along the axes, times 2
    cities = places([-0.02, 0.02, 0, 0], [0, 0, -0.01, 0.01])
    row = deviational_ellipses(cities, weights=["equal"]).iloc[0]
    east, north = 0.01 * 111.3195, 0.01 * 110.574
    assert row["semi_major_km"] == pytest.approx(np.sqrt(2 * 8 / 4) * east, rel=1e-3)
    assert row["semi_minor_km"] == pytest.approx(np.sqrt(2 * 2 / 4) * north, rel=1e-3)
    assert (row["lon"], row["lat"], row["bearing_deg"]) == pytest.approx((0, 0, 90), abs=1e-6)


def test_an_ellipse_holds_63_percent_of_a_normal_cloud():
    x, y = np.random.default_rng(0).normal(size=(2, 4000))
    cities = places(100 + 0.1 * (x + y), 30 + 0.1 * y)
    ellipse = deviational_ellipses(cities, weights=["equal"])
    inside = shapely.contains_xy(ellipse.geometry.iloc[0], cities["lon"], cities["lat"])
    assert inside.mean() == pytest.approx(1 - np.exp(-1), abs=0.02)


def test_the_weight_pulls_the_center():
    cities = places([0, 1, 0.5], [0, 0, 0.1], gdp=[1.0, 3.0, np.nan], score=1.0)
    with pytest.raises(StatisticError, match="at least 3 cities with a weight above 0; 2 have one in 'gdp'"):
        deviational_ellipses(cities, weights=["gdp"])
    rows = deviational_ellipses(cities.assign(gdp=[1.0, 3.0, 1e-9]), weights=["score", "gdp"])
    assert rows["lon"].tolist() == pytest.approx([0.5, 0.75], abs=1e-4)
    assert tuple(rows.columns) == (*columns.ELLIPSES, "geometry")


def test_weights_scaled_give_the_same_ellipse():
    rng = np.random.default_rng(2)
    cities = places(rng.uniform(100, 110, 30), rng.uniform(20, 30, 30), gdp=rng.random(30) + 0.1)
    a, b = (deviational_ellipses(cities.assign(gdp=cities["gdp"] * f), weights=["gdp"]) for f in (1, 1e6))
    assert a["area_km2"].tolist() == pytest.approx(b["area_km2"].tolist())


def test_the_longitude_of_the_study_does_not_matter():
    rng = np.random.default_rng(2)
    cities = places(rng.uniform(100, 110, 30), rng.uniform(20, 30, 30))
    a, b = (deviational_ellipses(cities.assign(lon=cities["lon"] - s), weights=["equal"]).iloc[0] for s in (0, 150))
    assert a[["semi_major_km", "bearing_deg"]].tolist() == pytest.approx(b[["semi_major_km", "bearing_deg"]].tolist())
