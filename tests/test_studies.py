"""Make a study, check it, run it: the commands as functions."""

from __future__ import annotations

import json
import time

import pandas as pd
import pytest

from geo_cdei import studies
from geo_cdei._lock import LOCK
from geo_cdei.config import read_settings
from geo_cdei.errors import GeoCdeiError, OutputError, StudyError
from geo_cdei.outputs.manifest import file_hash
from geo_cdei.workspace import create_study


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def light(study):
    """Give settings that write tables alone."""
    settings = read_settings(study.settings)
    outputs = settings.outputs.model_copy(update={"formats": ("csv",)})
    return settings.model_copy(update={"outputs": outputs})


def run(study):
    return studies.run_study(study, light(study), only=["scores"])


def tables(study):
    return {path.name: path.read_bytes() for path in sorted(study.derived.glob("*.csv"))}


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """Write the tables of the default study once."""
    study = create_study(tmp_path_factory.mktemp("default") / "study")
    run(study)
    return tables(study)


# --- init


def test_a_new_study_has_a_workbook_with_every_name_that_is_allowed(tmp_path):
    study = studies.init(tmp_path / "new")
    names = pd.read_excel(study.root / studies.TEMPLATE, sheet_name="可用名称", engine="calamine", dtype=str)
    assert len(names) == 372
    assert "苏州" in set(names["简称"])


def test_two_new_studies_are_equal_byte_for_byte_at_any_hour(tmp_path, monkeypatch):
    one, clock = studies.init(tmp_path / "one"), time.time()
    monkeypatch.setattr(time, "time", lambda: clock + 7200)
    two = studies.init(tmp_path / "two")
    files = [path.relative_to(one.root) for path in one.root.rglob("*") if path.is_file()]
    assert [name for name in files if (one.root / name).read_bytes() != (two.root / name).read_bytes()] == []


def test_the_filled_in_workbook_runs_under_a_name_of_its_own(study):
    sheet = pd.read_csv(study.raw / "scores_2021.csv").rename(columns={"city": "城市", "score": "得分"})
    sheet.assign(行政区划代码="")[["城市", "行政区划代码", "得分"]].to_excel(study.raw / "mine.xlsx", index=False)
    edit(study.settings, 'scores = "scores_2021"', 'scores = "mine"')
    clusters = run(study).analysis.clusters["score"]
    assert clusters.loc[["C03", "C01", "C02", "C04"]].round(1).tolist() == [81.2, 74.8, 72.8, 69.9]


# --- check


def test_the_default_study_has_no_fault(study):
    report = studies.check(study, strict=True)
    assert report.faults == ()
    assert any("19 reproduced" in line for line in report.lines)


def test_a_changed_file_is_a_notice_and_a_fault_only_when_strict(study):
    edit(study.raw / "corridors.csv", "B1a,belt,", "B1a,belt, ")
    plain = studies.check(study)
    assert plain.faults == ()
    assert [line for line in plain.lines if "corridors.csv: changed by you" in line]
    strict = studies.check(study, strict=True)
    assert [fault for fault in strict.faults if "corridors.csv: its hash differs" in fault]
    assert any("19 reproduced" in line for line in strict.lines)  # a changed hash hides nothing else


def test_accepting_a_change_makes_it_the_described_one(study):
    edit(study.raw / "corridors.csv", "B1a,belt,", "B1a,belt, ")
    report = studies.check(study, accept=True, strict=True)
    assert "accepted: data/raw/corridors.csv" in report.lines
    assert report.faults == ()


def test_faults_of_several_files_are_listed_at_once(study):
    edit(study.raw / "gdp_2019.csv", "38155.32", "much")
    edit(study.raw / "tiers.csv", "一线,first tier,85", "一线,first tier,850")
    edit(study.settings, "k = 6", "k = 0")
    (study.raw / "scores_2021.xlsx").write_bytes(b"no workbook")
    faults = "\n".join(studies.check(study).faults)
    for part in ("'much' is not a number", "'850' is above", "graph.k", "'scores_2021' stands twice"):
        assert part in faults
    assert faults.count("stands twice") == 1


def test_a_printed_number_that_is_not_reproduced_is_a_fault(study):
    edit(study.raw / "published.csv", "C03,81.2", "C03,81.3")
    faults = studies.check(study).faults
    assert faults == ("cluster_weighted_score of 粤港澳 (2021): printed 81.3, computed 81.1937",)


def test_printed_numbers_without_their_precision_are_a_fault(study):
    edit(study.raw / "published.csv", "printed_unit", "unit_as_printed")
    assert any("published has no column printed_unit" in fault for fault in studies.check(study).faults)


def test_a_score_that_is_mistyped_breaks_the_printed_totals(study):
    edit(study.raw / "scores_2021.csv", "1,上海,91.6", "1,上海,19.6")
    quantities = [fault.split(" of ")[0] for fault in studies.check(study, strict=True).faults]
    assert {"tier_count", "cluster_weighted_score"} <= set(quantities)


def test_scores_of_ones_own_need_not_give_the_printed_totals_but_each_miss_is_told(study):
    edit(study.raw / "scores_2021.csv", "1,上海,91.6", "1,上海,19.6")
    report = studies.check(study)
    assert report.faults == ()
    assert any(line.startswith("notice: cluster_weighted_score of 长三角") for line in report.lines)


def test_a_check_lists_the_faults_of_settings_names_and_clusters_at_once(study):
    edit(study.settings, "k = 6", 'k = "six"')
    edit(study.raw / "scores_2021.csv", "苏州", "苏洲")
    edit(study.raw / "published.csv", "山东半岛城市群,C05", "山东半岛城市群,C77")
    said = "\n".join(studies.check(study).faults)
    assert all(part in said for part in ("graph.k", "苏洲", "C77"))


def test_a_check_tells_a_recipe_with_an_unknown_column(study):
    edit(study.maps / "recipes" / "scores.toml", 'column = "score"', 'column = "skore"')
    assert any("skore" in fault for fault in studies.check(study).faults)


# --- run


def test_a_run_gives_what_it_found_and_what_it_wrote(study):
    outcome = run(study)
    names = {path.relative_to(study.root).as_posix() for path in outcome.written}
    assert {"data/derived/cities.csv", "manifest.json"} <= names
    assert all(path.is_file() for path in outcome.written)
    assert outcome.seconds > 0


def test_the_manifest_names_the_hash_of_every_input(study):
    run(study)
    inputs = json.loads((study.root / "manifest.json").read_text(encoding="utf-8"))["inputs"]
    assert {"geo-cdei.toml", "data/raw/scores_2021.csv", "boundaries/units.csv"} <= inputs.keys()
    assert inputs == {name: file_hash(study.root / name) for name in inputs}


def test_a_changed_input_is_named_in_the_notices_and_by_its_hash(study):
    edit(study.raw / "corridors.csv", "B1a,belt,", "B1a,belt, ")
    messages = [notice.message for notice in run(study).analysis.notices]
    assert "data/raw/corridors.csv: changed by you; the new hash is in the manifest" in messages


@pytest.mark.parametrize("form", ["gb18030", "utf-16", "xlsx"])
def test_scores_in_any_encoding_and_format_give_the_same_tables(study, expected, form):
    path = study.raw / "scores_2021.csv"
    if form == "xlsx":
        pd.read_csv(path).to_excel(path.with_suffix(".xlsx"), index=False)
        path.unlink()
    else:
        path.write_bytes(path.read_text(encoding="utf-8").encode(form))
    outcome = run(study)
    assert tables(study) == expected
    said = [notice.message for notice in outcome.analysis.notices if "was read as" in notice.message]
    assert said == ([] if form == "xlsx" else [f"scores_2021 was read as {form}"])


def test_a_run_that_fails_leaves_every_earlier_output(study):
    run(study)
    before = tables(study)
    edit(study.raw / "scores_2021.csv", "苏州", "苏洲")
    with pytest.raises(GeoCdeiError, match="苏洲"):
        run(study)
    assert tables(study) == before


def test_a_study_whose_outputs_cannot_be_written_says_so(study):
    (study.root / "data" / "derived").write_text("a file, no folder", encoding="utf-8")
    with pytest.raises(OutputError, match="could not be written"):
        run(study)
    assert (study.root / "data" / "derived").read_text(encoding="utf-8") == "a file, no folder"


def test_nothing_hidden_is_left_in_the_study(study):
    run(study)
    assert [path.name for path in study.root.iterdir() if path.name.startswith(".")] == [LOCK]


def test_a_folder_that_is_no_study_cannot_be_run(tmp_path):
    with pytest.raises(StudyError, match=r"has no geo-cdei\.toml"):
        studies.run_study(tmp_path)


def test_a_study_of_sixteen_names_and_scores_gets_its_pages_and_printed_maps(study):
    scores = (study.raw / "scores_2021.csv").read_text(encoding="utf-8").splitlines()
    for path in study.raw.glob("*.csv"):
        path.unlink()
    (study.raw / "scores_2021.csv").write_text("\n".join(scores[:17]) + "\n", encoding="utf-8")
    studies.run_study(study, only=["maps", "figures"])
    assert {path.name for path in study.maps.glob("*.*")} == {"scores.html", "scores.png"}


def test_a_partial_run_from_other_scores_says_that_the_earlier_files_are_stale(study):
    studies.run_study(study, only=["inequality"])
    edit(study.raw / "scores_2021.csv", "1,上海,91.6", "1,上海,61.6")
    notices = studies.run_study(study, only=["scores"]).analysis.notices
    assert any("of the files of an earlier run 1 " in notice.message for notice in notices)
