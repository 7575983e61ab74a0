"""Distances, neighbors and bearings on the ellipsoid."""

from __future__ import annotations

import numpy as np
import pytest
from pyproj import Geod

from geo_cdei._geodesy import bearing_deg, check_lonlat, distance_km, nearest, pairwise_km, within_km
from geo_cdei.errors import BoundaryError, GraphError


@pytest.fixture(scope="module")
def points() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    return rng.uniform(75, 135, 150), rng.uniform(18, 53, 150)


def brute_km(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    n = len(lon)
    a, b = np.repeat(np.arange(n), n), np.tile(np.arange(n), n)
    return np.array(Geod(ellps="WGS84").inv(lon[a], lat[a], lon[b], lat[b])[2]).reshape(n, n) / 1000


def test_one_degree_of_the_equator_is_the_equatorial_radius_times_the_angle():
    """By hand: 6378.137 km x pi / 180."""
    assert distance_km([0], [0], [1], [0])[0] == pytest.approx(6378.137 * np.pi / 180, abs=1e-6)


def test_pairwise_equals_geod_for_every_pair(points):
    """Outside witness: pyproj, pair by pair."""
    assert np.allclose(pairwise_km(*points), brute_km(*points), atol=1e-9)


def test_nearest_equals_sorting_all_distances(points):
    """The tree on the sphere loses nobody."""
    km = brute_km(*points)
    np.fill_diagonal(km, np.inf)
    positions, found = nearest(*points, 7)
    assert np.array_equal(positions, np.argsort(km.round(9), axis=1, kind="stable")[:, :7])
    assert np.allclose(found, np.sort(km, axis=1)[:, :7])


def test_nearest_uses_the_ellipsoid_where_the_sphere_would_choose_otherwise():
    """At the equator a degree of longitude is longer than one of latitude, on the sphere it is not."""
    lon, lat = [0.0, 1.0, 0.0], [0.0, 0.0, 1.004]
    assert nearest(lon, lat, 1)[0][0, 0] == 2


def test_nearest_breaks_ties_by_position():
    """East and west at the same distance: the first listed wins."""
    assert nearest([0.0, 1.0, -1.0], [0.0, 0.0, 0.0], 1)[0][0, 0] == 1


def test_nearest_works_across_the_date_line():
    """179.9 and -179.9 are neighbors."""
    assert nearest([179.9, -179.9, 170.0], [0.0, 0.0, 0.0], 1)[0].ravel().tolist() == [1, 0, 0]


def test_nearest_accepts_points_that_coincide():
    """Many cities on one point: each finds others, never itself."""
    positions, km = nearest(np.zeros(30), np.zeros(30), 3)
    assert not (positions == np.arange(30)[:, None]).any()
    assert (km == 0).all()


def test_within_equals_filtering_all_pairs(points):
    """Every pair once, i < j, none lost at the edge of the band."""
    km = np.triu(brute_km(*points), 1)
    expected = np.argwhere((km > 0) & (km <= 400))
    i, j, found = within_km(*points, 400.0)
    assert np.array_equal(np.column_stack([i, j]), expected)
    assert np.allclose(found, km[i, j])


def test_within_half_the_globe_finds_every_pair(points):
    """A threshold longer than any distance keeps all pairs."""
    assert len(within_km(*points, 20_040.0)[0]) == 150 * 149 // 2


@pytest.mark.parametrize(("lon", "lat", "bearing"), [(0, 1, 0), (1, 0, 90), (0, -1, 180), (-1, 0, 270)])
def test_bearing_of_the_four_winds(lon, lat, bearing):
    """Clockwise from north."""
    assert bearing_deg([0], [0], [lon], [lat])[0] == pytest.approx(bearing)


def test_swapped_coordinates_are_recognized():
    """Latitude 116 is impossible; the message says what happened."""
    with pytest.raises(BoundaryError, match=r"1 of 1 points.*look swapped"):
        check_lonlat([39.9], [116.4])


def test_metres_are_not_degrees():
    """Projected coordinates are refused with the cure."""
    with pytest.raises(BoundaryError, match="not metres"):
        check_lonlat([450_000.0], [4_400_000.0])


def test_missing_coordinates_are_refused():
    """NaN is no place."""
    with pytest.raises(BoundaryError, match="position 1"):
        check_lonlat([1.0, np.nan], [1.0, 2.0])


def test_lists_of_different_length_are_refused():
    """Nothing is broadcast."""
    with pytest.raises(BoundaryError, match=r"\(2,\) and \(1,\)"):
        check_lonlat([1.0, 2.0], [1.0])


def test_more_neighbors_than_points_are_refused():
    """With k = n somebody would be his own neighbor."""
    with pytest.raises(GraphError, match="k=3 with 3 points"):
        nearest([0.0, 1.0, 2.0], [0.0, 0.0, 0.0], 3)


def test_a_threshold_must_be_positive():
    """Zero, negative or missing thresholds are refused."""
    with pytest.raises(GraphError, match="positive number of km"):
        within_km([0.0, 1.0], [0.0, 0.0], float("nan"))
