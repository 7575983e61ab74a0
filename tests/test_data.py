"""The tables as published: against their descriptors, and against what the source prints of itself."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from geo_cdei.inputs import sources
from geo_cdei.workspace import default_study, open_study

STUDY = open_study(default_study())
RAW = sorted(path.stem for path in STUDY.raw.glob("*.csv"))
PACKAGES = [json.loads(path.read_text(encoding="utf-8")) for path in STUDY.descriptors]
RESOURCES = [entry for package in PACKAGES for entry in package["resources"] if "schema" in entry]


def table(name):
    return sources.read_table(STUDY, name)


@pytest.mark.parametrize("name", RAW)
def test_every_table_fits_its_schema_and_has_no_column_beside_it(name):
    schema = next(entry["schema"] for entry in RESOURCES if entry["name"] == name)
    assert set(table(name).columns) <= {field["name"] for field in schema["fields"]}


@pytest.mark.parametrize("entry", RESOURCES, ids=lambda entry: entry["name"])
def test_every_resource_says_where_it_comes_from_and_what_its_columns_are(entry):
    assert entry["sources"]
    assert entry["hash"].startswith("sha256:")
    assert all(field["type"] in {"string", "number", "integer"} for field in entry["schema"]["fields"])


def test_the_names_of_the_resources_are_those_of_the_files():
    described = {entry["name"] for entry in PACKAGES[0]["resources"]}
    assert set(RAW) <= described
    for entry in RESOURCES:
        assert Path(entry["path"]).stem == entry["name"]


def test_every_hash_and_size_is_that_of_the_file():
    files = sources.verify(STUDY)
    assert set(files["status"]) == {"same"}


def test_foreign_keys_lead_somewhere():
    clusters = set(table("clusters")["cluster_id"].dropna())
    assert set(table("published")["cluster_id"].dropna()) <= clusters


def test_no_line_has_a_byte_that_git_would_change():
    for path in STUDY.raw.glob("*.csv"):
        data = path.read_bytes()
        assert b"\r" not in data, path.name
        assert data.endswith(b"\n"), path.name
        assert data.decode("utf-8")[0] != "\ufeff", path.name


def test_ranks_run_from_1_to_242_and_scores_never_rise():
    scores = table("scores_2021")
    assert scores["rank"].tolist() == list(range(1, 243))
    assert scores["score"].is_monotonic_decreasing
    assert scores["city"].is_unique


def test_scores_are_printed_with_one_decimal():
    cells = pd.read_csv(STUDY.raw / "scores_2021.csv", dtype=str)["score"]
    assert cells.str.fullmatch(r"\d\d\.\d").all()


def test_the_means_and_counts_of_the_tiers_are_the_printed_ones():
    score = table("scores_2021")["score"]
    tier = pd.cut(score, [0, 40, 50, 65, 85, 101], right=False)
    assert score.groupby(tier, observed=True).size().tolist()[::-1] == [6, 47, 71, 88, 30]
    assert score.groupby(tier, observed=True).mean().round(1).tolist()[::-1] == [90.3, 70.6, 56.8, 44.1, 38.4]
    assert round(score.mean(), 1) == 53.4


def test_the_members_and_the_cities_outside_are_the_242_each_once():
    clusters = table("clusters")
    primary, outside = (clusters[clusters["role"] == role]["city"] for role in ("primary", "outside"))
    assert (len(primary), len(outside)) == (228, 14)
    assert sorted([*primary, *outside]) == sorted(table("scores_2021")["city"])


def test_there_are_30_clusters_with_one_name_each():
    members = table("clusters").dropna(subset=["cluster_id"])
    names = members.groupby("cluster_id")[["cluster", "cluster_en"]].nunique()
    assert names.index.tolist() == [f"C{k:02d}" for k in range(1, 31)]
    assert (names == 1).all(axis=None)


def test_every_membership_says_its_source_and_how_sure_it_is():
    members = table("clusters")
    members = members[members["role"] != "outside"]
    assert members["source"].notna().all()
    assert members["confidence"].notna().all()


def test_the_size_table_is_kept_as_printed_with_its_faults():
    size = table("digital_economy_scale_2020")
    assert size.set_index("city").loc["兰州", "scale_2020"].tolist() == [1256.0, 662.0]
    assert "宿迁" not in set(size["city"])
    assert 81 not in set(size["rank_printed"])


def test_every_listed_fault_is_in_the_table_and_has_its_reason():
    faults = table("faults").set_index("key")
    assert faults["action"].to_dict() == {"兰州": "drop", "宿迁": "missing"}
    assert faults.loc["宿迁", ["low", "high"]].tolist() == [1123, 1162]
    assert faults["reason"].notna().all()


def test_the_new_first_tier_has_the_printed_mean_size_only_with_the_first_size_of_lanzhou():
    scores = table("scores_2021").set_index("city")["score"]
    size = table("digital_economy_scale_2020").drop_duplicates("city", keep="first").set_index("city")["scale_2020"]
    cities = scores.index[(scores >= 65) & (scores < 85)]
    assert round(size.reindex(cities).mean()) == 3718
    assert round((size.reindex(cities).sum() - 1256 + 662) / size.reindex(cities).count()) != 3718


def test_every_city_has_a_gdp_and_says_how_it_was_checked():
    gdp = table("gdp_2019")
    assert sorted(gdp["city"]) == sorted(table("scores_2021")["city"])
    assert gdp["check"].value_counts().to_dict() == {
        "sum confirmed": 91, "confirmed": 90, "unconfirmed": 45, "related figure agrees": 16,
    }  # fmt: skip


def test_the_anchors_of_every_corridor_are_scored_cities():
    anchors = {city for cell in table("corridors")["anchors"] for city in cell.split(";")}
    assert anchors <= set(table("scores_2021")["city"])


def test_the_ten_cities_of_2020_stand_in_the_list_of_2021():
    top = table("scores_2020_top10")
    assert (len(top), top["score"].is_monotonic_decreasing) == (10, True)
    assert set(top["city"]) <= set(table("scores_2021")["city"])


def test_no_polygon_is_part_of_the_study():
    endings = {
        path.suffix for folder in (STUDY.boundaries, STUDY.raw) for path in folder.rglob("*") if path.is_file()
    }
    assert endings <= {".csv", ".json", ".md", "", ".gitattributes"}
