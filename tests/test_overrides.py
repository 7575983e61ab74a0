"""Overrides: applied as they say, told as they are, refused in one message where they do not fit."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from geo_cdei import columns, studies
from geo_cdei.analysis.scoring import score_clusters
from geo_cdei.errors import SchemaError
from geo_cdei.inputs.overrides import apply_overrides, describe_overrides, find_override_faults
from geo_cdei.outputs.page_meta import page_meta
from geo_cdei.outputs.texts import word
from geo_cdei.workspace import create_study

CITIES = pd.DataFrame(
    {"city": list("ABCD"), "score": [90.0, 60.0, 30.0, 70.0], "rank": [1.0, 3, 4, 2]},
    index=pd.Index(["110000", "120000", "130000", "140000"], name="adcode"),
)
MEMBERS = pd.DataFrame(
    {
        "cluster_id": ["C1", "C1", "C2", "C2"], "cluster": ["P", "P", "Q", "Q"],
        "adcode": ["110000", "120000", "130000", "120000"], "city": list("ABCB"),
        "role": ["primary", "primary", "primary", "secondary"],
    }
)  # fmt: skip
CODES = dict(zip("ABCD", CITIES.index, strict=True))


def table(*rows):
    """Write overrides as (kind, city, value, from, to, role)."""
    frame = pd.DataFrame(rows, columns=["kind", "city", "value", "from_cluster", "cluster_id", "role"])
    return frame.assign(adcode=frame["city"].map(CODES), note="not a unit")


def applied(*rows):
    return apply_overrides(table(*rows), CITIES, MEMBERS)


def faults(*rows):
    found = find_override_faults(table(*rows), CITIES, MEMBERS, limits=(0, 100))
    return [str(fault).removeprefix("overrides: ") for fault in found]


def held(members):
    return set(zip(members["city"], members["cluster_id"], members["role"], strict=True))


# --- what is applied


def test_a_score_is_put_in_place_and_the_ranks_go():
    cities, members, _ = applied(("score", "B", "65.5", None, None, None))
    assert cities["score"].tolist() == [90.0, 65.5, 30.0, 70.0]
    assert "rank" not in cities
    assert held(members) == held(MEMBERS)


def test_ranks_stay_where_no_score_changes():
    cities, _, _ = applied(("remove", "B", None, "C1", None, None))
    assert cities["rank"].tolist() == [1.0, 3, 4, 2]


def test_a_city_that_moves_keeps_its_role():
    members = applied(("move", "A", None, "C1", "C2", None))[1]
    assert held(members) == held(MEMBERS) - {("A", "C1", "primary")} | {("A", "C2", "primary")}


def test_a_lesser_role_is_removed_in_a_row_of_its_own():
    rows = [("move", "B", None, "C1", "C2", None), ("remove", "B", None, "C2", None, None)]
    members = applied(*rows)[1]
    assert held(members) == {("A", "C1", "primary"), ("C", "C2", "primary"), ("B", "C2", "primary")}


def test_a_city_that_is_added_is_primary_and_has_the_name_of_its_cluster():
    members = applied(("add", "D", None, None, "C2", None))[1]
    assert members.iloc[-1][["cluster", "city", "role"]].tolist() == ["Q", "D", "primary"]


def test_removals_come_before_additions_in_whatever_order_they_stand():
    rows = [("add", "A", None, None, "C2", None), ("remove", "A", None, "C1", None, None)]
    assert held(applied(*rows)[1]) == held(applied(*rows[::-1])[1])
    assert ("A", "C2", "primary") in held(applied(*rows)[1])


def test_nothing_is_changed_in_place():
    before = (CITIES.copy(), MEMBERS.copy())
    applied(("score", "A", "1", None, None, None), ("move", "A", None, "C1", "C2", None))
    pd.testing.assert_frame_equal(CITIES, before[0])
    pd.testing.assert_frame_equal(MEMBERS, before[1])


def test_every_row_is_a_row_of_the_answer_with_before_and_after():
    found = applied(("score", "A", "80", None, None, None), ("move", "A", None, "C1", "C2", None))[2]
    assert tuple(found.columns) == columns.OVERRIDES
    assert found["row"].tolist() == [1, 2]
    assert found.loc[0, ["score_before", "score_after", "role_before"]].tolist() == [90.0, 80.0, ""]
    assert found.loc[1, ["from_cluster", "cluster_id", "role_before", "role_after"]].tolist() == [
        "C1", "C2", "primary", "primary",
    ]  # fmt: skip


def test_the_sentence_says_every_change_up_to_six_and_counts_all():
    rows = [("score", name, "50", None, None, None) for name in "ABCD"]
    assert "by 4 rows of overrides: A 90 → 50; B 60 → 50" in describe_overrides(applied(*rows)[2])
    seven = pd.concat([applied(*rows)[2]] * 2).head(7)
    assert "; and 1 more; ranks are computed anew" in describe_overrides(seven)


# --- what is refused

REFUSED = {
    "an unknown kind": (("swap", "A", None, None, None, None), "line 2 kind: 'swap' is not one of"),
    "an unknown city": (("score", "Z", "50", None, None, None), "line 2 city: 'Z' not a unit"),
    "an unknown cluster": (("add", "D", None, None, "C9", None), "cluster_id: 'C9' is no cluster; there are C1, C2"),
    "a score above the limit": (("score", "A", "101", None, None, None), "value: '101' is outside of 0 to 100"),
    "a score below the limit": (("score", "A", "-1", None, None, None), "value: '-1' is outside of 0 to 100"),
    "a score that is no number": (("score", "A", "high", None, None, None), "value: 'high' is not a number"),
    "no score": (("score", "A", "", None, None, None), "value: is empty, but score needs it"),
    "a city not in the cluster left": (("move", "A", None, "C2", "C1", None), "'C2' does not have A; it is in C1"),
    "a city in no cluster": (("remove", "D", None, "C2", None, None), "does not have D; it is in no cluster"),
    "a city that is there": (("add", "B", None, None, "C2", None), "'C2' has B already (secondary); to change"),
    "a second primary": (("add", "A", None, None, "C2", None), "would make A primary in C1, C2"),
    "a cell without use": (("add", "D", "50", None, "C2", None), "value: '50' must be empty: add makes no use of it"),
    "an unknown role": (("add", "D", None, None, "C2", "guest"), "role: 'guest' is not one of"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_row_that_does_not_fit_is_refused(case):
    row, said = REFUSED[case]
    assert said in faults(row)[0]


def test_the_same_change_twice_is_refused():
    row = ("score", "A", "50", None, None, None)
    assert faults(row, row) == ["line 3: A is changed in line 2 already; once is needed"]


def test_a_cluster_is_never_emptied():
    rows = [("remove", name, None, "C2", None, None) for name in "BC"]
    assert faults(*rows) == ["line 2, 3 from_cluster: 'C2' would have no member left"]


def test_all_that_is_wrong_is_one_error():
    rows = table(*(row for row, _ in REFUSED.values()))
    with pytest.raises(
        SchemaError, match=r"(?s)overrides: 1\d faults.*no cluster.*outside of 0 to 100.*not a number"
    ):
        apply_overrides(rows, CITIES, MEMBERS)


def test_an_empty_table_is_refused():
    with pytest.raises(SchemaError, match=r"has no rows\. Delete the file"):
        apply_overrides(table(), CITIES, MEMBERS)


def test_a_table_without_kinds_is_refused():
    with pytest.raises(SchemaError, match=r"no column 'kind'; .*score, move, add, remove"):
        apply_overrides(table(("score", "A", "1", None, None, None)).drop(columns="kind"), CITIES, MEMBERS)


# --- in a study

CHANGES = """kind,城市,value,from_cluster,cluster_id,role
score,青岛,80,,,
move,淄博,,C05,C06,
remove,保定,,C01,,
"""


@pytest.fixture(scope="module")
def changed(tmp_path_factory):
    """Run and check the default study with three overrides, once."""
    study = create_study(tmp_path_factory.mktemp("overrides") / "study")
    (study.raw / "overrides.csv").write_text(CHANGES, encoding="utf-8")
    return study, studies.run_study(study, only=["scores"]).analysis


def test_a_study_is_scored_with_its_overrides(changed, analysis):
    found = changed[1]
    cities = pd.DataFrame(analysis.cities.drop(columns="geometry"))
    cities.loc["370200", "score"] = 80.0
    members = analysis.members.copy()
    members.loc[(members["city"] == "淄博") & (members["cluster_id"] == "C05"), "cluster_id"] = "C06"
    members = members[(members["city"] != "保定") | (members["cluster_id"] != "C01")]
    expected = score_clusters(cities, members)["score"]
    pd.testing.assert_series_equal(found.clusters["score"], expected, check_names=False)
    assert found.cities.loc["370200", ["score", "rank"]].tolist() == [80.0, (cities["score"] > 80).sum() + 1]


def test_overrides_are_a_table_and_a_notice(changed):
    found = changed[1]
    assert found.tables["overrides"]["city"].tolist() == ["青岛", "淄博", "保定"]
    assert sum("overridden by 3 rows" in notice.message for notice in found.notices) == 1


def test_a_city_without_a_row_of_its_own_in_a_cluster_is_outside(changed):
    found = changed[1]
    assert found.cities.loc[found.cities["city"] == "保定", "cluster_id"].isna().all()


def test_printed_numbers_are_neither_reproduced_nor_missed(changed, analysis):
    printed = changed[1].tables["reproduction"]
    assert set(printed["reproduced"]) == {""}
    said = printed.loc[analysis.tables["reproduction"]["reproduced"] != "", "note"]
    assert set(said) == {"scores or memberships are overridden (data/raw/overrides)"}


def test_the_weighting_of_the_book_is_asked_of_the_book_s_scores(changed, analysis):
    pd.testing.assert_frame_equal(changed[1].tables["weighting"], analysis.tables["weighting"])


def test_check_passes_sound_overrides_and_tells_of_them(changed):
    report = studies.check(changed[0])
    assert report.faults == ()
    assert any("overridden by 3 rows" in line for line in report.lines)


def test_check_lists_the_faults_of_overrides_beside_those_of_other_tables(study):
    (study.raw / "overrides.csv").write_text("kind,city,value\nscore,青道,50\nscore,北京,500\n", encoding="utf-8")
    published = study.raw / "published.csv"
    published.write_text(published.read_text(encoding="utf-8").replace("C03", "C93"), encoding="utf-8")
    said = "\n".join(studies.check(study).faults)
    assert "'青道' not a prefecture-level unit; did you mean 青岛市?" in said
    assert "value: '500' is outside of 0 to 100" in said
    assert "C93" in said


def test_the_file_is_an_input_of_the_manifest_and_its_table_is_written(changed):
    study = changed[0]
    manifest = json.loads((study.root / "manifest.json").read_text(encoding="utf-8"))
    assert "data/raw/overrides.csv" in manifest["inputs"]
    written = pd.read_csv(study.derived / "overrides.csv", encoding="utf-8-sig")
    assert written["score_after"].iloc[0] == 80.0
    assert np.isnan(written["score_after"].iloc[1])


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_map_says_that_its_data_are_overridden(changed, lang):
    found = changed[1]
    study = found.settings.study.model_copy(update={"language": lang})
    spoken = replace(found, settings=found.settings.model_copy(update={"study": study}))
    assert word("note_overridden", lang, n=3) in page_meta(spoken).notices()
