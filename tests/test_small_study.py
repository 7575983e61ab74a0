"""Sixteen cities and their scores, and nothing else: what a province has, and what happens then."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from geo_cdei import studies
from geo_cdei.config import Corridors, Data, Scores, Settings, Spillovers
from geo_cdei.errors import InputError
from geo_cdei.steps.pairs import check_pairs
from geo_cdei.workspace import create_study

SHANDONG = [
    "济南", "青岛", "淄博", "枣庄", "东营", "烟台", "潍坊", "济宁", "泰安", "威海", "日照", "临沂", "德州",
    "聊城", "滨州", "菏泽",
]  # fmt: skip
SCORES = [82.1, 85.3, 68.0, 55.2, 63.1, 74.5, 71.9, 62.3, 61.0, 69.4, 58.8, 60.2, 57.7, 52.4, 56.6, 51.3]
LIGHT = {
    "data": Data(scores="shandong", attributes=()),
    "scores": Scores(interval_draws=200),
    "spillovers": Spillovers(draws=100, peers=19),
    "corridors": Corridors(draws=19),
}


def provincial(tmp_path, **columns):
    """Make a study of which only the settings and one table are left."""
    study = create_study(tmp_path / "study")
    for path in study.raw.glob("*.csv"):
        path.unlink()
    table = pd.DataFrame({"城市": SHANDONG, "得分": SCORES} | columns)
    table.to_csv(study.raw / "shandong.csv", index=False)
    text = study.settings.read_text(encoding="utf-8")
    text = text.replace('scores = "scores_2021"', 'scores = "shandong"')
    text = text.replace('attributes = ["digital_economy_scale_2020", "gdp_2019"]', "attributes = []")
    study.settings.write_text(text, encoding="utf-8")
    return study


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    """Run such a study once, whole."""
    study = provincial(tmp_path_factory.mktemp("small"))
    return studies.run_study(study, Settings(**LIGHT))


def test_the_sixteen_cities_are_scored(outcome):
    assert outcome.analysis.cities["city"].tolist()[:3] == ["青岛", "济南", "烟台"]
    assert len(outcome.analysis.cities) == 16


def test_maps_and_the_local_picture_are_written(outcome):
    names = {path.name for path in outcome.written}
    assert {"scores.html", "lisa.html", "cities.csv", "lisa.csv", "moran.csv", "geo_cdei.gpkg"} <= names


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("inequality", "skipped: fewer than two clusters"),
        ("pattern", "skipped: the study has no clusters"),
        ("corridors", "skipped: 16 scored cities are too few; 20 are needed"),
        ("spillovers", "skipped: it needs clusters"),
        ("poles", "skipped: it needs the step pattern"),
        ("scores", "there is no column gdp_2019: clusters are scored with equal weights"),
        ("scores", "there is no table clusters"),
        ("scores", "there is no table published"),
    ],
)
def test_every_part_that_is_lacking_is_told_with_the_reason(outcome, step, said):
    assert any(notice.step == step and said in notice.message for notice in outcome.analysis.notices)


def test_a_part_that_is_not_there_is_no_fault(tmp_path):
    report = studies.check(provincial(tmp_path))
    assert report.faults == ()
    assert any("gdp_2019" in line and "absent" in line for line in report.lines)


# --- flows and travel times


def pairs(*rows):
    return pd.DataFrame(rows, columns=["origin", "destination", "value"])


CITIES = pd.DataFrame({"city": list("ABC")}, index=list("abc"))
WHOLE = [(i, j, 1.0) for i in "abc" for j in "abc" if i != j]


def said(table, name):
    return [notice.message for notice in check_pairs(table, CITIES, name=name)[1]]


def test_a_whole_and_even_table_needs_no_word():
    found, notices = check_pairs(pairs(*WHOLE), CITIES, name="travel_time")
    assert len(found) == 6
    assert notices == []


def test_missing_pairs_of_flows_are_counted():
    assert said(pairs(("a", "b", 1.0), ("b", "a", 1.0)), "flows") == [
        "flows lacks 2 of 3 pairs: no flow is listed, so none is counted"
    ]


def test_flows_of_one_direction_are_counted():
    assert "flows lists 3 of 3 pairs in one direction only: the flow back counts as none" in said(
        pairs(("a", "b", 1.0), ("a", "c", 1.0), ("b", "c", 2.0)), "flows"
    )


def test_a_travel_time_that_is_not_listed_is_the_way_back_or_the_fastest_way():
    found, notices = check_pairs(pairs(("a", "b", 1.0), ("b", "c", 2.0)), CITIES, name="travel_time")
    times = found.set_index(["origin", "destination"])["value"]
    assert (times["b", "a"], times["c", "b"], times["a", "c"], times["c", "a"]) == (1.0, 2.0, 3.0, 3.0)
    assert [notice.message for notice in notices] == [
        "travel_time lacks 1 of 3 pairs: the fastest way over listed ones is taken",
        "travel_time lists 2 of 3 pairs in one direction only: the time back is taken to be the same",
    ]


def test_pairs_that_differ_by_direction_are_counted():
    uneven = [*WHOLE[1:], ("a", "b", 5.0)]
    assert said(pairs(*uneven), "travel_time") == ["travel_time: 1 of 3 pairs differ between the two directions"]


def test_cities_without_a_way_between_them_are_an_error():
    with pytest.raises(
        InputError, match=r"leaves 2 pairs of cities without a way between them; 1 cities have no row: C"
    ):
        check_pairs(pairs(("a", "b", 1.0)), CITIES, name="travel_time")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("a", "b", -1.0)], "1 rows have no value above 0"),
        ([("a", "b", 0.0)], "1 rows have no value above 0"),
        ([("a", "b", np.nan)], r"1 rows have no value above 0 \(first: A-B\)"),
        ([("a", "b", 1.0), ("a", "b", 2.0)], "2 rows stand twice"),
    ],
)
def test_a_value_that_cannot_be_is_an_error(rows, message):
    with pytest.raises(InputError, match=message):
        check_pairs(pairs(*rows), CITIES, name="travel_time")


def test_rows_that_say_nothing_of_the_study_are_left_out_and_counted():
    rows = pairs(*WHOLE, ("a", "a", 0.0), ("a", "z", 1.0))
    assert said(rows, "flows") == [
        "flows: 1 rows from a city to itself are left out",
        "flows: 1 rows with a city that has no score are left out",
    ]


# --- population in the place of GDP


@pytest.fixture(scope="module")
def peopled(tmp_path_factory):
    """Run a study whose only further column is population, with clusters by a column and its own travel times."""
    rng = np.random.default_rng(1)
    study = create_study(tmp_path_factory.mktemp("people") / "study")
    table = pd.read_csv(study.raw / "scores_2021.csv")
    members = pd.read_csv(study.raw / "clusters.csv", dtype=str)
    group = members[members["role"] == "primary"].drop_duplicates("city").set_index("city")["cluster"]
    for path in study.raw.glob("*.csv"):
        path.unlink()
    table = table.assign(population=rng.lognormal(5, 0.6, len(table)).round(1), group=table["city"].map(group))
    table.to_csv(study.raw / "people.csv", index=False)
    text = study.settings.read_text(encoding="utf-8").replace('scores = "scores_2021"', 'scores = "people"')
    text = text.replace('attributes = ["digital_economy_scale_2020", "gdp_2019"]', "attributes = []")
    text = text.replace('weights = "gdp_2019"', 'weights = "population"', 1)
    text = text.replace('column = ""  ', 'column = "group"  ', 1).replace("draws = 999 ", "draws = 19 ", 1)
    text = text.replace("draws = 1000 ", "draws = 100 ", 1).replace("peers = 99", "peers = 19")
    text = text.replace('partitions = "auto"', "partitions = 99")
    study.settings.write_text(text, encoding="utf-8")
    from geo_cdei import pipeline
    from geo_cdei.config import read_settings

    return pipeline.run(study, read_settings(study.settings), only=["spillovers", "corridors", "inequality"])


def test_population_weights_the_clusters(peopled):
    assert peopled.weights == "population"
    top = peopled.members[peopled.members["scored"]].groupby("cluster_id")["share"].sum()
    assert top.tolist() == pytest.approx([1.0] * len(top))


def test_population_is_the_mass_and_the_model_where_there_is_no_gdp(peopled):
    assert peopled.facts["corridors"]["mass"] == "population"
    assert peopled.facts["spillovers"]["mass"] == "population"
    assert set(peopled.tables["spillover_models"]["x"]) >= {"log(population)"}
    message = next(n.message for n in peopled.notices if n.step == "spillovers" and "the study has no" in n.message)
    assert "masses are population, the model is of log(population)" in message


def test_inequality_of_population_is_parted_too(peopled):
    assert "population" in set(peopled.tables["inequality"]["variable"])
