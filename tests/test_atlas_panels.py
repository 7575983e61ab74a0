"""What the panels of the atlas are given: the tables' numbers, and texts in both languages."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from importlib import resources

import pandas as pd
import pytest

from geo_cdei.analysis.scenarios import weight_vector
from geo_cdei.config import Settings
from geo_cdei.errors import OutputError
from geo_cdei.inputs.clusters import build_members
from geo_cdei.inputs.overrides import apply_overrides
from geo_cdei.outputs._escape import script_json
from geo_cdei.outputs.atlas_poles import poles_payload
from geo_cdei.outputs.atlas_whatif import whatif_payload

ASSETS = resources.files("geo_cdei.outputs") / "assets"
PHRASES = resources.files("geo_cdei.outputs") / "phrases"


@pytest.fixture(scope="module")
def measured(analysis):
    """Give the scores of the default study with the weights of the cities."""
    weight = weight_vector(analysis.cities, analysis.weights)
    return replace(analysis, tables={**analysis.tables, "city_measures": pd.DataFrame({"weight": weight})})


@pytest.fixture(scope="module")
def words():
    with (PHRASES / "atlas_panels.csv").open(encoding="utf-8", newline="") as file:
        return {row["key"]: (row["zh"], row["en"]) for row in csv.DictReader(file)}


def overridden(analysis, *rows):
    """Take overrides over into a finished analysis, as the pipeline does."""
    table = pd.DataFrame(rows, columns=["kind", "adcode", "value", "from_cluster", "cluster_id", "role"])
    members = analysis.members.drop(columns="score")
    cities, members, applied = apply_overrides(table.assign(city="", note=""), analysis.cities, members)
    members = build_members(cities, members)
    return replace(analysis, cities=cities, members=members, tables={**analysis.tables, "overrides": applied})


# --- the what-if


def test_the_members_and_scores_of_the_page_are_those_of_the_study(measured):
    payload = whatif_payload(measured)
    scored = dict(zip(payload["ids"], payload["score"], strict=False))
    assert scored == measured.cities["score"].to_dict()
    rows = {(payload["clusters"][c]["id"], payload["ids"][p], role) for c, p, role in payload["members"]}
    members = measured.members
    assert rows == set(zip(members["cluster_id"], members["adcode"], members["role"], strict=True))


def test_the_weights_of_the_page_are_those_of_the_cluster_scores(measured):
    payload = whatif_payload(measured)
    weights = pd.Series(payload["weight"], index=payload["ids"][: len(payload["weight"])])
    pd.testing.assert_series_equal(weights.sort_index(), measured.cities["gdp_2019"].sort_index(), check_names=False)


def test_overrides_of_the_run_are_taken_back_and_given_as_changes(measured):
    rows = [
        ("score", "370200", "85", None, None, None), ("move", "370300", None, "C05", "C06", None),
        ("remove", "130600", None, "C01", None, None), ("add", "370300", None, None, "C01", "secondary"),
    ]  # fmt: skip
    payload, published = whatif_payload(overridden(measured, *rows)), whatif_payload(measured)
    assert payload["score"] == published["score"]
    assert sorted(map(tuple, payload["members"])) == sorted(map(tuple, published["members"]))
    assert payload["start"] == [
        {"kind": "score", "id": "370200", "value": 85.0},
        {"kind": "move", "id": "370300", "from": "C05", "to": "C06", "role": "primary"},
        {"kind": "remove", "id": "130600", "from": "C01"},
        {"kind": "add", "id": "370300", "to": "C01", "role": "secondary"},
    ]
    assert published["start"] == []


def test_a_city_without_a_rival_weight_does_not_count_where_classes_are_made(measured):
    cities = measured.cities.copy()
    cities.loc["370200", "scale_2020"] = float("nan")
    payload = whatif_payload(replace(measured, cities=cities))
    assert [code for code, used in zip(payload["ids"], payload["classed"], strict=False) if not used] == [
        *cities.index[cities["scale_2020"].isna()].sort_values()
    ]


def test_without_weights_there_is_an_error_that_names_the_step(analysis):
    with pytest.raises(OutputError, match=r"city_measures.*Run the step autocorrelation"):
        whatif_payload(analysis)


def test_what_the_page_is_given_has_a_form_in_json(measured):
    assert script_json(whatif_payload(measured)).startswith('{"ids":["110000"')


# --- the fifth pole


def test_a_run_without_poles_has_no_panel_for_them(analysis):
    assert poles_payload(analysis) is None


def pole_tables():
    """Two candidates, two criteria, one value unknown; C2 is never first."""
    poles = pd.DataFrame(
        {"cluster": ["乙", "甲"], "cluster_en": ["B", "A"], "seat": ["2", "1"], "score": [1.0, 2.0],
         "change": [float("nan"), 3.0], "scaled_score": [0.0, 1.0], "scaled_change": [float("nan"), 1.0]},
        index=pd.Index(["C2", "C1"], name="cluster_id"),
    )  # fmt: skip
    criteria = pd.DataFrame(
        {"group": ["level", "dynamics"], "direction": 1, "unit": "points", "low": [1.0, 0.0], "high": [2.0, 3.0],
         "n_missing": [0, 1]},
        index=pd.Index(["score", "change"], name="criterion"),
    )  # fmt: skip
    kinds = {kind: [0.75, 0.25] for kind in ("used", "grouped", "equal", "entropy", "critic")}
    central = pd.DataFrame(
        {"scheme": "grouped", "cluster_id": ["C1", "C1", "C2", "C2"], "criterion": ["score", "change"] * 2,
         "weight": [0.6, 0.4, float("nan"), float("nan")]}
    )  # fmt: skip
    return {
        "poles": poles, "pole_criteria": criteria,
        "pole_weights": pd.DataFrame({"group": criteria["group"], **kinds}, index=criteria.index),
        "pole_central_weights": central,
        "pole_ranks": pd.DataFrame({1: [0.0, 1.0], 2: [1.0, 0.0]}, index=poles.index),
    }  # fmt: skip


@pytest.fixture(scope="module")
def small(analysis):
    return poles_payload(replace(analysis, tables=pole_tables(), settings=Settings()))


def test_candidates_stand_in_the_order_of_their_codes_with_unknown_values_as_none(small):
    assert [candidate["id"] for candidate in small["candidates"]] == ["C1", "C2"]
    assert small["candidates"][1]["scaled"] == [0.0, None]
    assert small["candidates"][1]["acceptability"] == [0.0, 1.0]


def test_presets_are_the_weights_of_the_table(small):
    assert set(small["presets"]) == {"used", "grouped", "equal", "entropy", "critic"}
    assert small["presets"]["entropy"] == [0.75, 0.25]


def test_only_candidates_that_are_ever_first_have_central_weights(small):
    assert small["central"] == {"grouped": {"C1": [0.6, 0.4]}}


def test_criteria_and_groups_are_named_in_both_languages(small):
    assert small["criteria"][0]["name"] == ["加权得分", "Weighted score"]
    assert small["groups"][1] == {"key": "dynamics", "name": ["动态", "Dynamics"]}


# --- texts


def test_every_text_is_there_in_both_languages(words):
    assert [key for key, (zh, en) in words.items() if not zh or re.search(r"[一-鿿]", en) or not en] == []


def test_both_languages_fill_in_the_same_values(words):
    def names(text):
        return set(re.findall(r"\{(\w+)\}", text))

    assert [key for key, (zh, en) in words.items() if names(zh) != names(en)] == []


@pytest.mark.parametrize("name", ["atlas_poles.js", "atlas_whatif.js"])
def test_every_text_that_a_panel_asks_for_is_there(words, name):
    source = (ASSETS / name).read_text(encoding="utf-8")
    asked = set(re.findall(r'"((?:poles|whatif)_[a-z_]+)"', source))
    whole = {key for key in asked if not key.endswith("_")}
    assert whole - set(words) == set()
    assert {start for start in asked - whole if not any(key.startswith(start) for key in words)} == set()


@pytest.mark.parametrize("name", ["atlas_poles.js", "atlas_whatif.js"])
def test_text_of_the_data_never_becomes_markup(name):
    source = (ASSETS / name).read_text(encoding="utf-8")
    assert re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", source) == []
