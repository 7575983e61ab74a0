"""Tables of other years: one unit for one, joined, divided; and an error where the rule does not say how."""

from __future__ import annotations

import pandas as pd
import pytest

from geo_cdei.config import Vintage
from geo_cdei.errors import MatchError, SchemaError
from geo_cdei.inputs import boundaries, sources
from geo_cdei.inputs.crosswalk import COLUMNS, bring_to_date, current_parts, read_crosswalk
from geo_cdei.workspace import default_study, open_study

STUDY = open_study(default_study())
RULE = Vintage()


@pytest.fixture(scope="module")
def walk():
    return read_crosswalk(STUDY)


@pytest.fixture(scope="module")
def units():
    return sources.read_units(STUDY)[0]


def dated(table, walk, units, **rule):
    return bring_to_date(pd.DataFrame(table), walk, units, rule=Vintage(**rule), name="t")


# --- the table


def test_the_crosswalk_has_its_columns_and_a_source_for_every_row(walk):
    assert tuple(walk.columns) == COLUMNS
    assert walk["source"].notna().all()
    assert walk.loc[walk["year"].isna(), "source"].str.startswith("unverified").all()


def test_every_old_code_ends_at_units_of_today(walk, units):
    counties = boundaries.read_unit_table("county")
    level = units.index.union(counties.index)
    parts = current_parts(walk, level)
    still = set(walk["old_code"]) & set(level)
    assert set(walk["old_code"]) - still <= set(parts)
    assert still == set()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("371200", "370100"), ("542200", "540500"), ("542400", "540600"), ("652100", "650400"), ("652200", "650500"),
        ("522400", "520500"), ("632100", "630200"), ("532700", "530800"), ("469003", "460400"),
    ],
)  # fmt: skip
def test_known_changes_of_prefectures_are_in_it(walk, units, old, new):
    assert current_parts(walk, units.index)[old] == [(new, 1.0)]


def test_a_county_is_followed_over_two_changes(walk):
    counties = boundaries.read_unit_table("county").index
    assert current_parts(walk, counties)["341422"] == [("340281", 1.0)]  # 无为: county of Chaohu, of Wuhu, city


def test_chaohu_is_divided_among_three_and_the_shares_are_whole(walk, units):
    parts = dict(current_parts(walk, units.index)["341400"])
    assert set(parts) == {"340100", "340200", "340500"}
    assert sum(parts.values()) == pytest.approx(1)


def test_shares_that_do_not_add_up_are_refused(study):
    path = study.boundaries / "crosswalk.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",0.5033,", ",0.6,"), encoding="utf-8")
    with pytest.raises(SchemaError, match=r"341400.*the shares add up to 1\.09"):
        read_crosswalk(study)


def test_a_circle_leads_nowhere():
    steps = pd.DataFrame({"old_code": ["1", "2"], "new_code": ["2", "1"], "share": [None, None]})
    assert current_parts(steps, pd.Index(["3"])) == {}


# --- tables


def test_a_table_of_today_is_given_back_as_it_is(walk, units):
    table = pd.DataFrame({"city": ["济南", "上海"], "score": [1.0, 2.0]})
    now, notes = bring_to_date(table, walk, units, rule=RULE, name="t")
    assert now is table
    assert notes == []


@pytest.mark.parametrize(
    "given", [{"adcode": "652200"}, {"city": "哈密地区"}, {"adcode": "652200", "city": "哈密地区"}]
)
def test_a_prefecture_that_became_a_city_takes_the_new_code(walk, units, given):
    now, notes = dated([given | {"score": 50.0}], walk, units)
    found = now.iloc[0]
    assert found.get("adcode", "650500") == "650500"
    assert found.get("city", "哈密市") == "哈密市"
    assert notes == ["t: 哈密地区 (652200, until 2016) is joined to 哈密市"]


def test_a_code_that_a_spreadsheet_made_a_number_is_followed(walk, units):
    now, _ = dated({"adcode": [652200.0, 370100.0], "score": [1.0, 2.0]}, walk, units)
    assert str(now["adcode"].iloc[0]) == "650500"


def test_a_unit_that_went_into_another_never_stands_for_the_whole_of_it(walk, units):
    now, notes = dated({"city": ["莱芜", "上海"], "score": [40.0, 90.0]}, walk, units)
    assert now["city"].tolist() == ["上海"]
    assert notes[1] == "t: 济南市 is left out: the table has only what became part of it"


def test_sums_are_added_and_means_weighted_when_two_rows_fall_on_one_unit(walk, units):
    table = {"city": ["济南", "莱芜", "上海"], "score": [60.0, 40.0, 90.0], "population": [700.0, 100.0, 2400.0]}
    now, _ = dated(table, walk, units)
    assert now.sort_values("score")[["city", "score", "population"]].to_numpy().tolist() == [
        ["济南", 57.5, 800.0], ["上海", 90.0, 2400.0],
    ]  # fmt: skip


def test_a_mean_without_weights_is_an_error(walk, units):
    with pytest.raises(
        MatchError, match=r"several rows fall on 370100, and the mean of score needs weights: .*'population'"
    ):
        dated({"city": ["济南", "莱芜"], "score": [60.0, 40.0]}, walk, units)


def test_a_column_of_which_nobody_says_what_it_is_is_an_error(walk, units):
    with pytest.raises(
        MatchError, match=r"nobody says whether firms is a sum or a mean\. Name the columns in vintage"
    ):
        dated({"city": ["济南", "莱芜"], "firms": [6.0, 4.0]}, walk, units)
    now, _ = dated({"city": ["济南", "莱芜"], "firms": [6.0, 4.0]}, walk, units, extensive=("firms",))
    assert now["firms"].tolist() == [10.0]


def test_a_divided_unit_gives_each_part_its_share(walk, units):
    table = {"city": ["合肥", "芜湖", "马鞍山", "巢湖市"], "gdp_2019": [1000.0, 500.0, 300.0, 100.0]}
    now, notes = dated(table, walk, units)
    found = now.set_index("city")["gdp_2019"]
    assert found["合肥"] == pytest.approx(1050.33)
    assert found["马鞍山"] == pytest.approx(326.77)
    assert found.sum() == pytest.approx(1900)
    assert (
        notes[0] == "t: 巢湖市 (341400, until 2011) is divided among 合肥市 (50.3%), 芜湖市 (22.9%), 马鞍山市 (26.8%)"
    )


def test_an_unknown_part_makes_the_sum_unknown(walk, units):
    now, _ = dated({"city": ["济南", "莱芜"], "gdp_2019": [7000.0, None]}, walk, units)
    assert now["gdp_2019"].isna().tolist() == [True]


def test_ranks_of_another_set_of_cities_are_left_out_and_that_is_said(walk, units):
    table = {"city": ["济南", "莱芜"], "rank": [1.0, 2.0], "gdp_2019": [7.0, 1.0]}
    now, notes = dated(table, walk, units)
    assert "rank" not in now
    assert "t: the column rank is left out, because units were joined" in notes


def test_a_table_of_an_earlier_year_runs_through_a_study(study):
    from geo_cdei import pipeline
    from geo_cdei.config import read_settings

    path = study.raw / "scores_2021.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",拉萨,", ",那曲地区,"), encoding="utf-8")
    found = pipeline.run(study, read_settings(study.settings), only=["scores"])
    assert found.cities.loc["540600", "city"] == "那曲市"
    assert any("那曲地区 (542400, until 2017) is joined to 那曲市" in notice.message for notice in found.notices)
