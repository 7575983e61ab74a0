"""The same table in any encoding and format, and a message for each way a file can be wrong."""

from __future__ import annotations

import json
import re
import zipfile

import pytest

from geo_cdei.errors import InputError, SchemaError, StudyError
from geo_cdei.inputs import sources, table_files
from geo_cdei.inputs.sources import has_table, read_table, read_units, verify
from geo_cdei.inputs.table_files import read_text_table

TEXT = "排名,城市,得分\n1,苏州,78.8\n2,吐鲁番,４５．２\n"


@pytest.fixture
def put(study):
    """Replace the scores of a fresh study by a file of the given name and bytes."""

    def write(data, name="scores_2021.csv"):
        (study.raw / "scores_2021.csv").unlink(missing_ok=True)
        (study.raw / name).write_bytes(data.encode() if isinstance(data, str) else data)
        return study

    return write


def workbook(rows, path, *, blank_sheet=False):
    from openpyxl import Workbook

    book = Workbook()
    for row in rows:
        book.active.append(row)
    if blank_sheet:
        book.create_sheet("说明")
    book.save(path)


@pytest.mark.parametrize(
    ("encoding", "said"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("gb18030", "gb18030"), ("gbk", "gb18030"), ("utf-16", "utf-16")],
)
def test_every_encoding_gives_the_same_table_and_is_named(put, encoding, said):
    table = read_table(put(TEXT.encode(encoding)), "scores_2021")
    assert table.to_dict("list") == {"rank": [1, 2], "city": ["苏州", "吐鲁番"], "score": [78.8, 45.2]}
    assert table.attrs["encoding"] == said


def test_a_workbook_gives_the_same_table(put, tmp_path):
    workbook(
        [["排名", "城市", "得分"], [1, "苏州", 78.8], [2, "吐鲁番", "４５．２"]],
        tmp_path / "x.xlsx",
        blank_sheet=True,
    )
    table = read_table(put((tmp_path / "x.xlsx").read_bytes(), "scores_2021.xlsx"), "scores_2021")
    assert table.to_dict("list") == {"rank": [1, 2], "city": ["苏州", "吐鲁番"], "score": [78.8, 45.2]}


@pytest.mark.parametrize("name", ["scores_2021.tsv", "scores_2021.csv", "scores_2021.txt"])
def test_tabs_are_found_whatever_the_ending(put, name):
    assert read_table(put(TEXT.replace(",", "\t"), name), "scores_2021")["score"].tolist() == [78.8, 45.2]


LAYOUTS = [TEXT.replace("\n", "\r\n"), TEXT.rstrip("\n"), TEXT + "\n,,\n", TEXT.replace("\n", ",\n")]


@pytest.mark.parametrize("text", LAYOUTS)
def test_line_ends_blank_lines_and_blank_columns_change_nothing(put, text):
    table = read_table(put(text), "scores_2021")
    assert table["city"].tolist() == ["苏州", "吐鲁番"]
    assert table.columns.tolist() == ["rank", "city", "score"]


def test_the_line_of_a_fault_is_that_of_the_file_even_behind_blank_lines(put):
    with pytest.raises(SchemaError, match=r"line 5 score: 'x' is not a number"):
        read_table(put("城市,得分\n苏州,78.8\n\n\n无锡,x\n"), "scores_2021")


def test_codes_that_a_workbook_holds_as_numbers_have_no_decimals(put, tmp_path):
    workbook([["城市", "行政区划代码", "得分"], ["苏州", 320500.0, 78.8]], tmp_path / "x.xlsx")
    table = read_table(put((tmp_path / "x.xlsx").read_bytes(), "scores_2021.xlsx"), "scores_2021")
    assert table["adcode"].tolist() == ["320500"]


def test_quoted_cells_keep_their_commas_and_lines(put):
    table = read_table(put('city,score,note\n苏州,78.8,"a, ""b""\nc"\n'), "scores_2021")
    assert table["note"].tolist() == ['a, "b" c']


@pytest.mark.parametrize("header", ["City,SCORE", "城市名称,综合得分", "地市 ,　得分", "\ufeffname,总分"])
def test_headers_are_known_by_their_other_names(put, header):
    assert read_table(put(header + "\n苏州,78.8\n"), "scores_2021").columns.tolist() == ["city", "score"]


def test_a_table_of_a_name_that_no_descriptor_has_may_be_read_like_another(put):
    study = put(TEXT, "mine.csv")
    assert read_table(study, "mine", like="scores_2021").columns.tolist() == ["rank", "city", "score"]
    assert read_table(study, "mine").columns.tolist() == ["排名", "city", "得分"]


def test_two_columns_of_one_name_are_refused(put):
    with pytest.raises(InputError, match=r"has the column 'score' twice\. Rename or delete one"):
        read_table(put("city,score,score\n苏州,78.8,1\n"), "scores_2021")


def test_two_headers_of_one_meaning_are_refused(put):
    with pytest.raises(InputError, match=r"the columns '得分' and '总分' both mean 'score'"):
        read_table(put("city,得分,总分\n苏州,78.8,1\n"), "scores_2021")


def test_cells_below_no_header_are_refused(put):
    with pytest.raises(InputError, match="has cells in column 3, which has no header"):
        read_table(put("city,score,\n苏州,78.8,1\n"), "scores_2021")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("", "is not a table: No columns to parse"),
        ("city,score\n苏州,78,8\n", r"Expected 2 fields in line 2, saw 3\. Quote cells that hold a comma"),
        (b"\x00\x01city", r"is text in none of: utf-8-sig, gb18030\. Save it again as UTF-8 CSV or as XLSX"),
        (b"city,score\n\xff\xff,1\n", "is text in none of"),
        (b"\xff\xfea", "is text in none of: utf-16"),
        ("city,score\n", "has no rows"),
    ],
)
def test_a_file_that_is_no_table_says_why(put, data, said):
    with pytest.raises((InputError, SchemaError), match=said):
        read_table(put(data), "scores_2021")


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 no", b"<html>", TEXT.encode()])
def test_a_broken_workbook_says_how_to_mend_it(put, data):
    with pytest.raises(
        InputError, match=r"scores_2021\.xlsx cannot be read as a workbook: .*Save it again from Excel"
    ):
        read_table(put(data, "scores_2021.xlsx"), "scores_2021")


def test_an_empty_workbook_is_said_to_be_empty(put, tmp_path):
    workbook([], tmp_path / "x.xlsx")
    with pytest.raises(InputError, match="is empty"):
        read_table(put((tmp_path / "x.xlsx").read_bytes(), "scores_2021.xlsx"), "scores_2021")


def test_a_workbook_that_unpacks_to_a_flood_is_refused_unread(put, tmp_path, monkeypatch):
    monkeypatch.setattr(table_files, "MAX_BYTES", 100_000)
    with zipfile.ZipFile(tmp_path / "x.xlsx", "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("xl/worksheets/sheet1.xml", b"0" * 1_000_000)
    with pytest.raises(InputError, match=r"unpacks to 1,000,000 bytes; a table may have 100,000"):
        read_table(put((tmp_path / "x.xlsx").read_bytes(), "scores_2021.xlsx"), "scores_2021")


def test_a_huge_file_is_refused_unread(put, monkeypatch):
    study = put(TEXT)
    monkeypatch.setattr(table_files, "MAX_BYTES", 10)
    with pytest.raises(InputError, match=r"has \d+ bytes; a table may have 10"):
        read_table(study, "scores_2021")


def test_a_file_that_excel_holds_says_to_close_it(put, monkeypatch):
    study = put(TEXT)

    def locked(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("pathlib.Path.read_bytes", locked)
    with pytest.raises(
        InputError, match=r"scores_2021\.csv cannot be read \(Permission denied\)\. Close it in Excel"
    ):
        read_text_table(study.raw / "scores_2021.csv")


def test_a_table_that_is_not_there_says_where_to_put_it(study):
    with pytest.raises(StudyError, match=r"data/raw has no table 'population'\. Put population\.csv or"):
        read_table(study, "population")


def test_a_table_that_stands_twice_is_refused(study):
    (study.raw / "gdp_2019.xlsx").write_bytes(b"")
    with pytest.raises(StudyError, match=r"'gdp_2019' stands twice: gdp_2019\.csv and gdp_2019\.xlsx"):
        read_table(study, "gdp_2019")


def test_a_study_says_which_tables_it_has(study):
    assert (has_table(study, "clusters"), has_table(study, "population")) == (True, False)


def test_the_code_list_is_indexed_by_code_with_points_in_degrees(study):
    units, aliases = read_units(study)
    assert (len(units), units.index.name) == (372, "adcode")
    assert units.loc["110000", ["lon", "lat"]].round(1).tolist() == [116.4, 39.9]
    assert set(aliases.loc[aliases["kind"] != "province", "adcode"]) <= set(units.index)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not valid JSON"),
        ("[]", "needs a list 'resources'"),
        ('{"resources": [7]}', "every resource is an object"),
        ('{"resources": [{"name": "a", "schema": {}}]}', "whose schema has 'fields'"),
        ('{"resources": [{"name": "a", "schema": {"fields": [{"name": "b"}]}}]}', "each with 'name' and 'type'"),
    ],
)
def test_a_damaged_descriptor_says_what_it_lacks(study, text, said):
    study.descriptors[0].write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=re.escape("datapackage.json") + ".*" + said):
        read_table(study, "scores_2021")


def test_a_study_without_descriptors_is_read_by_those_of_the_default_one(study):
    study.descriptors[0].unlink()
    assert len(read_table(study, "scores_2021")) == 242


# --- hashes


def status(study):
    return verify(study).set_index("path")["status"].to_dict()


def test_every_file_of_the_default_study_is_as_described(study):
    assert set(status(study).values()) == {"same"}


def test_a_changed_a_lost_and_a_new_file_are_told_apart(study):
    (study.raw / "gdp_2019.csv").write_text("x", encoding="utf-8")
    (study.raw / "tiers.csv").unlink()
    (study.raw / "population.csv").write_text("x", encoding="utf-8")
    found = status(study)
    assert [found[f"data/raw/{name}.csv"] for name in ("gdp_2019", "tiers", "population")] == [
        "changed", "absent", "undescribed",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["~$scores_2021.xlsx", "._scores_2021.csv"])
def test_what_excel_and_macos_leave_beside_a_file_is_not_an_input(study, name):
    (study.raw / name).write_bytes(b"\x00")
    assert f"data/raw/{name}" not in status(study)


def test_accepting_writes_the_new_hash_and_nothing_else(study):
    before = json.loads(study.descriptors[0].read_text(encoding="utf-8"))
    (study.raw / "gdp_2019.csv").write_text("x", encoding="utf-8")
    assert sources.accept(study) == ["data/raw/gdp_2019.csv"]
    after = json.loads(study.descriptors[0].read_text(encoding="utf-8"))
    differs = [a["name"] for a, b in zip(after["resources"], before["resources"], strict=True) if a != b]
    assert (differs, status(study)["data/raw/gdp_2019.csv"]) == (["gdp_2019"], "same")


def test_accepting_what_is_unchanged_touches_no_file(study):
    before = [path.read_bytes() for path in study.descriptors]
    assert sources.accept(study) == []
    assert [path.read_bytes() for path in study.descriptors] == before


def test_accepting_in_a_study_without_descriptors_makes_none(study):
    study.descriptors[0].unlink()
    sources.accept(study)
    assert not study.descriptors[0].exists()
