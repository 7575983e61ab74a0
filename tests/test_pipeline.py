"""The whole story on the real data, and on a study that has next to nothing."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from geo_cdei import columns, pipeline
from geo_cdei._geodesy import pairwise_km
from geo_cdei.config import Settings, read_settings
from geo_cdei.errors import GeoCdeiError, InputError, MatchError, SchemaError, SettingsError
from geo_cdei.steps.context import Context
from geo_cdei.steps.joining import join_study

SIXTEEN = [
    "上海", "南京", "无锡", "常州", "苏州", "南通", "杭州", "宁波",
    "嘉兴", "湖州", "绍兴", "合肥", "芜湖", "广州", "深圳", "北京",
]  # fmt: skip


def run(study, **given):
    return pipeline.run(study, read_settings(study.settings), only=["scores"], **given)


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert text.count(old) >= 1
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_kilometres_are_measured_once_in_a_run():
    cities = pd.DataFrame({"lon": [100.0, 101.0], "lat": 30.0}, index=["a", "b"])
    context = Context(None, Settings(), None, SimpleNamespace(cities=cities))
    np.testing.assert_array_equal(context.city_km(), pairwise_km(cities["lon"], cities["lat"]))
    assert context.city_km() is context.city_km()


# --- the printed numbers


def test_the_four_printed_scores_are_reproduced_to_the_digit(analysis):
    scores = analysis.clusters["score"].loc[["C03", "C01", "C02", "C04"]]
    assert [f"{score:.1f}" for score in scores] == ["81.2", "74.8", "72.8", "69.9"]


def test_every_printed_number_that_can_be_tested_is_reproduced(analysis):
    counts = analysis.tables["reproduction"]["reproduced"].value_counts().to_dict()
    assert set(counts) == {"yes", ""}
    assert counts["yes"] == 19


def test_what_of_2020_is_printed_cannot_be_tested_and_says_so(analysis):
    table = analysis.tables["reproduction"]
    past = table[table["edition"] == 2020]
    assert (past["reproduced"] == "").all()
    assert past["note"].str.contains("2020 edition are not available").all()


def test_gdp_comes_nearest_of_all_weightings(analysis):
    rmse = analysis.tables["weighting"].drop_duplicates("weights").set_index("weights")["rmse"]
    assert rmse.idxmin() == "gdp_2019"
    assert rmse["gdp_2019"] < 0.05 < rmse.drop("gdp_2019").min()


def test_the_national_mean_is_given_like_for_like(analysis):
    assert {k: f"{v:.1f}" for k, v in analysis.national.items()} == {"weighted": "66.3", "unweighted": "53.4"}


# --- the contract


def test_there_are_242_cities_and_30_clusters(analysis):
    assert (len(analysis.tables["cities"]), len(analysis.tables["clusters"])) == (242, 30)
    assert analysis.tables["clusters"].index.tolist() == [f"C{k:02d}" for k in range(1, 31)]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("cities", columns.CITIES), ("clusters", columns.CLUSTERS), ("members", columns.MEMBERS),
        ("match_report", columns.MATCH_REPORT), ("reproduction", columns.REPRODUCTION),
        ("weighting", columns.WEIGHTING),
        ("cluster_scores", ("cluster_id", "weights", *columns.CLUSTER_SCORES, "low", "high")),
    ],
)  # fmt: skip
def test_tables_have_the_columns_of_their_lists(analysis, name, wanted):
    assert tuple(analysis.tables[name].columns) == tuple(wanted)


def test_lanzhou_has_its_first_size_and_suqian_none(analysis):
    size = analysis.tables["cities"].set_index("city")["scale_2020"]
    assert size["兰州"] == 1256.0
    assert size.index[size.isna()].tolist() == ["宿迁"]


def test_the_cities_outside_have_no_cluster_and_stay(analysis):
    cities = analysis.tables["cities"]
    assert cities["cluster_id"].isna().sum() == 14
    assert cities["cluster"].isna().equals(cities["cluster_id"].isna())


def test_every_row_of_every_table_was_matched(analysis):
    report = analysis.tables["match_report"]
    assert report["adcode"].notna().all()
    assert report.groupby("table").size()["scores_2021"] == 242


def test_units_without_a_score_have_no_score_not_zero(analysis):
    assert len(analysis.units) == 372
    assert analysis.units["score"].isna().sum() == 372 - 242


def test_outlines_contain_the_seats_of_their_primary_members(analysis):
    cities = analysis.cities[analysis.cities["cluster_id"].notna()]
    outlines = analysis.clusters.geometry.reindex(cities["cluster_id"])
    assert outlines.reset_index(drop=True).covers(cities.representative_point().reset_index(drop=True)).all()


def test_the_interval_contains_the_score(analysis):
    long = analysis.tables["cluster_scores"].dropna(subset=["low", "score"])
    assert ((long["low"] <= long["score"] + 1e-9) & (long["score"] <= long["high"] + 1e-9)).all()
    assert len(long) == analysis.clusters["score"].notna().sum()


# --- steps


def test_steps_are_planned_with_what_they_need():
    assert pipeline.plan_steps(["maps"]) == ("scores", "maps")
    assert pipeline.plan_steps() == tuple(pipeline.STEPS)


def test_an_unknown_step_names_the_nearest():
    with pytest.raises(SettingsError, match=r"There is no step 'score'\. Steps: scores, .*Did you mean 'scores'"):
        pipeline.plan_steps(["score"])


def test_every_step_is_told_and_timed(study):
    told = []
    analysis = run(study, on_step=lambda *what: told.append(what))
    assert told == [("scores", "start"), ("scores", "end")]
    assert list(analysis.seconds) == ["scores"]


# --- a study with next to nothing


@pytest.fixture
def bare(study):
    """Build a study of sixteen cities: names and scores, no GDP, no clusters, nothing printed."""
    for path in study.raw.glob("*.csv"):
        path.unlink()
    rows = "".join(f"{city},{90 - 2 * k}\n" for k, city in enumerate(SIXTEEN))
    (study.raw / "scores_2021.csv").write_text("城市,得分\n" + rows, encoding="utf-8")
    return study


def test_sixteen_names_and_scores_are_a_study(bare):
    analysis = run(bare)
    assert analysis.tables["cities"]["city"].tolist() == SIXTEEN
    assert analysis.tables["cities"]["rank"].tolist() == list(range(1, 17))
    assert len(analysis.clusters) == 0


def test_all_that_is_left_out_says_why(bare):
    notices = [notice.message for notice in run(bare).notices]
    for part in (
        "no table digital_economy_scale_2020", "no table gdp_2019", "no table clusters", "no table published",
        "no column gdp_2019: clusters are scored with equal weights",
    ):  # fmt: skip
        assert [message for message in notices if part in message], part


def test_every_step_runs_or_is_skipped_with_a_reason(bare):
    analysis = pipeline.run(bare, read_settings(bare.settings))
    assert "inequality" not in analysis.tables
    assert [notice for notice in analysis.notices if notice.step == "inequality" and "skipped" in notice.message]


def test_clusters_without_gdp_have_equal_weights(study):
    (study.raw / "gdp_2019.csv").unlink()
    (study.raw / "published.csv").unlink()
    analysis = run(study)
    assert analysis.weights == "equal"
    primary = analysis.cities.groupby("cluster_id")["score"].mean()
    pd.testing.assert_series_equal(analysis.clusters["score"].dropna(), primary, check_names=False)


def test_printed_tiers_without_a_table_of_tiers_cannot_be_tested(study):
    (study.raw / "tiers.csv").unlink()
    table = run(study).tables["reproduction"].set_index("quantity")
    assert set(table.loc["tier_count", "note"]) == {"the study has no table tiers"}


def test_scores_in_a_table_of_another_name_with_chinese_headers(bare):
    (bare.raw / "scores_2021.csv").rename(bare.raw / "mine.csv")
    edit(bare.settings, 'scores = "scores_2021"', 'scores = "mine"')
    assert run(bare).tables["cities"]["city"].tolist() == SIXTEEN


def test_a_further_table_of_numbers_becomes_columns_and_may_weight(bare):
    rows = "".join(f"{city},{k + 1}\n" for k, city in enumerate(SIXTEEN))
    (bare.raw / "population.csv").write_text("城市,people\n" + rows, encoding="utf-8")
    edit(bare.settings, '["digital_economy_scale_2020", "gdp_2019"]', '["population"]')
    edit(bare.settings, 'weights = "gdp_2019"', 'weights = "people"')
    analysis = run(bare)
    assert analysis.weights == "people"
    assert analysis.tables["cities"]["people"].tolist() == list(range(1, 17))


def test_two_tables_with_the_same_column_are_an_error_that_names_it(bare):
    rows = "".join(f"{city},{k + 1}\n" for k, city in enumerate(SIXTEEN))
    for name in ("gdp_2019", "digital_economy_scale_2020"):
        header = {"gdp_2019": "city,gdp_2019,rank\n", "digital_economy_scale_2020": "city,scale_2020,rank\n"}[name]
        (bare.raw / f"{name}.csv").write_text(header + rows.replace("\n", ",1\n"), encoding="utf-8")
    with pytest.raises(GeoCdeiError, match="'rank'"):
        run(bare)


# --- faults of the inputs


@pytest.mark.parametrize(
    ("name", "old", "new", "error", "said"),
    [
        ("scores_2021", "苏州", "苏洲", MatchError, "苏洲.*苏州"),
        ("scores_2021", "苏州", "无锡", MatchError, "无锡"),
        ("scores_2021", "score", "points", SchemaError, "has no column 'score'"),
        ("gdp_2019", "苏州", "西安区", MatchError, "西安区"),
        ("clusters", "C01,京津冀", "C0 1,京津冀", SchemaError, "C0 1"),
        ("clusters", ",primary,", ",first,", SchemaError, "'first' is not one of: primary, secondary"),
        ("published", "C03,81.2", "C99,81.2", SchemaError, "'C99' is not one of the 30 known values"),
        ("gdp_2019", ",confirmed", ",sure", SchemaError, "'sure' is not one of: confirmed"),
    ],
)
def test_a_fault_in_a_table_is_said_with_its_cell(study, name, old, new, error, said):
    edit(study.raw / f"{name}.csv", old, new)
    with pytest.raises(error, match=said):
        run(study)


def test_weights_that_are_no_column_name_the_line_and_the_nearest(study):
    edit(study.settings, 'weights = "gdp_2019"', 'weights = "gdp_2091"')
    lines = study.settings.read_text(encoding="utf-8").splitlines()
    line = 1 + next(number for number, text in enumerate(lines) if "gdp_2091" in text)
    with pytest.raises(SettingsError, match=rf"line {line}: .*'gdp_2091'.*did you mean 'gdp_2019'"):
        run(study)


def test_a_rival_weighting_that_is_no_column_is_not_passed_over_in_silence(study):
    edit(study.settings, 'rivals = ["scale_2020", "equal"]', 'rivals = ["scale_2O2O", "equal"]')
    try:
        said = [notice.message for notice in run(study).notices]
    except SettingsError as error:
        said = [str(error)]
    assert [message for message in said if "scale_2O2O" in message]


def test_a_power_may_be_a_rival_weighting(study):
    edit(study.settings, 'rivals = ["scale_2020", "equal"]', 'rivals = ["scale_2020^0.8"]')
    assert "scale_2020^0.8" in set(run(study).tables["cluster_scores"]["weights"])


def test_the_uncertainty_of_gdp_is_not_laid_on_other_weights(study):
    """Only GDP has check classes; the interval of a score by size or by equal weights would be made up."""
    edit(study.settings, 'weights = "gdp_2019"', 'weights = "equal"')
    long = run(study).tables["cluster_scores"].set_index(["weights", "cluster_id"]).loc["equal"]
    width = (long["high"] - long["low"]).dropna()
    assert (width.abs() < 1e-9).all()


def test_secondary_members_count_when_asked_for(study, analysis):
    edit(study.settings, 'roles = ["primary"]', 'roles = ["primary", "secondary"]')
    more = run(study).clusters["n_scored"]
    assert (more >= analysis.clusters["n_scored"]).all()
    assert more.sum() > analysis.clusters["n_scored"].sum()


def test_the_order_of_the_rows_changes_no_score(study, analysis):
    lines = (study.raw / "scores_2021.csv").read_text(encoding="utf-8").splitlines()
    (study.raw / "scores_2021.csv").write_text("\n".join([lines[0], *lines[:0:-1]]) + "\n", encoding="utf-8")
    again = run(study)
    pd.testing.assert_frame_equal(again.tables["clusters"], analysis.tables["clusters"])
    pd.testing.assert_frame_equal(again.tables["cities"], analysis.tables["cities"])


def test_settings_given_by_hand_need_no_file(study):
    assert len(pipeline.run(study, Settings(), only=["scores"]).cities) == 242


def test_flows_of_the_study_take_the_place_of_the_modelled_ones(study):
    names = ["上海", "北京", "深圳"]
    rows = [f"{a},{b},{len(a) + i}" for i, a in enumerate(names) for b in names if a != b]
    (study.raw / "flows.csv").write_text("origin,destination,value\n" + "\n".join(rows) + "\n", encoding="utf-8")
    joined = join_study(study, read_settings(study.settings))
    assert set(joined.flows["origin"]) == {"310000", "110000", "440300"}
    assert any("flows as given" in notice.message for notice in joined.notices)


def test_flows_without_numbers_are_refused(study):
    (study.raw / "flows.csv").write_text("origin,destination,value\n上海,北京,many\n", encoding="utf-8")
    with pytest.raises(InputError, match="flows needs the columns origin, destination and value"):
        join_study(study, read_settings(study.settings))
