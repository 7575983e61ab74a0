"""Memberships that contradict themselves are refused; outlines are unions."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from geo_cdei.errors import InputError
from geo_cdei.inputs.clusters import build_members, cluster_table, dissolve_clusters, primary_cluster

CITIES = pd.DataFrame({"score": [90.0, 60.0, None]}, index=pd.Index(["a", "b", "c"], name="adcode"))


def rows(*given):
    """Build memberships of (cluster, code, role)."""
    table = pd.DataFrame(given, columns=["cluster_id", "adcode", "role"])
    return table.assign(city=table["adcode"].str.upper(), cluster=table["cluster_id"], confidence="official")


def build(*given):
    return build_members(CITIES, rows(*given))


def test_a_member_without_a_score_is_unscored_and_stays():
    members = build(("C1", "a", "primary"), ("C1", "c", "primary"), ("C1", "x", "secondary"))
    assert members["role"].tolist() == ["primary", "unscored", "unscored"]
    assert members["scored"].tolist() == [True, False, False]


def test_an_unscored_member_that_has_a_score_counts():
    assert build(("C1", "a", "unscored"))["role"].tolist() == ["primary"]


def test_a_city_outside_is_no_member():
    assert build(("C1", "a", "primary"), (None, "b", "outside"))["adcode"].tolist() == ["a"]


def test_a_role_left_empty_is_primary():
    assert build(("C1", "a", None))["role"].tolist() == ["primary"]


def test_members_are_sorted_by_cluster_and_keep_their_order_within():
    members = build(("C2", "b", "primary"), ("C1", "x", "unscored"), ("C1", "a", "primary"))
    assert members["adcode"].tolist() == ["x", "a", "b"]


def test_overlap_is_allowed_when_one_membership_is_secondary():
    members = build(("C1", "a", "primary"), ("C2", "a", "secondary"))
    assert primary_cluster(members)["cluster_id"].to_dict() == {"a": "C1"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            [("C1", "a", "primary"), ("C2", "a", "primary")],
            r"2 rows .*primary in two clusters: A \(C1\); A \(C2\)",
        ),
        ([("C1", "a", "primary"), ("C1", "a", "secondary")], "2 rows .*stands twice in one cluster"),
        ([(None, "a", "primary")], "1 rows .*has a role but no cluster_id"),
    ],
)
def test_contradictions_are_refused_by_name(given, said):
    with pytest.raises(InputError, match=said):
        build(*given)


def test_a_cluster_of_two_names_is_refused():
    table = rows(("C1", "a", "primary"), ("C1", "b", "primary")).assign(cluster=["one", "other"])
    with pytest.raises(InputError, match="C1 have more than one name"):
        build_members(CITIES, table)


def test_memberships_are_not_changed_by_reading_them():
    table = rows(("C1", "c", "primary"))
    before = table.copy()
    build_members(CITIES, table)
    pd.testing.assert_frame_equal(table, before)


def test_the_confidence_of_a_cluster_is_that_of_its_least_certain_member():
    table = rows(("C1", "a", "primary"), ("C1", "b", "primary"), ("C2", "c", "primary"))
    table["confidence"] = ["official", "our reconstruction", "widely used"]
    confidence = cluster_table(build_members(CITIES, table))["confidence"]
    assert confidence["C1"] == "our reconstruction"
    assert pd.isna(confidence["C2"])  # no scored member


@pytest.fixture
def units():
    shapes = [shapely.box(west, 0, west + 1, 1) for west in range(3)]
    return gpd.GeoDataFrame({"n": 1}, geometry=shapes, index=pd.Index(list("abc"), name="adcode"), crs=3857)


def test_an_outline_is_the_union_of_its_members_also_of_the_unscored(units):
    outlines = dissolve_clusters(units, build(("C1", "a", "primary"), ("C1", "b", "primary"), ("C1", "c", "primary")))
    assert outlines.loc["C1", "geometry"].equals(shapely.box(0, 0, 3, 1))
    assert outlines.crs == units.crs


def test_outlines_may_overlap_when_secondary_members_are_asked_for(units):
    members = build(("C1", "a", "primary"), ("C2", "b", "primary"), ("C2", "a", "secondary"))
    assert dissolve_clusters(units, members).area.tolist() == [1.0, 1.0]
    assert dissolve_clusters(units, members, roles=("primary", "secondary")).area.tolist() == [1.0, 2.0]


def test_a_member_without_a_polygon_changes_no_outline(units):
    members = build(("C1", "a", "primary"), ("C1", "610403", "unscored"))
    assert dissolve_clusters(units, members).area.tolist() == [1.0]


def test_no_memberships_give_no_outlines(units):
    assert len(dissolve_clusters(units, build())) == 0
