"""Tables as planners have them: titles, notes, odd encodings and cells, and a message for each fault."""

from __future__ import annotations

import datetime as dt
import zipfile

import pandas as pd
import pytest

from geo_cdei import studies
from geo_cdei.config import read_layouts, read_settings
from geo_cdei.errors import InputError, SchemaError, SettingsError
from geo_cdei.inputs import headers, table_files, workbooks
from geo_cdei.inputs.cities import match_cities
from geo_cdei.inputs.sources import describe_reading, read_table, read_units
from geo_cdei.inputs.table_files import read_text_table

TEXT = "排名,城市,得分\n1,苏州,78.8\n2,吐鲁番,45.2\n"
TABLE = {"rank": [1, 2], "city": ["苏州", "吐鲁番"], "score": [78.8, 45.2]}
LIKE = "scores_2021"


def put(study, data, name="mine.csv"):
    (study.raw / name).write_bytes(data.encode() if isinstance(data, str) else data)
    return study


def read(study, data, name="mine.csv", **how):
    return read_table(put(study, data, name), name.partition(".")[0], like=LIKE, **how)


def lay_out(study, lines):
    with study.settings.open("a", encoding="utf-8") as file:
        file.write(f"\n[tables.mine]\n{lines}\n")
    return study


def save(path, sheets, merged=(), hidden=()):
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
        for cells in merged:
            sheet.merge_cells(cells)
        sheet.sheet_state = "hidden" if title in hidden else "visible"
    book.save(path)
    return path.read_bytes()


# --- encodings


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-16", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("text", [TEXT, TEXT.replace(",", "\t").replace("\n", "\r\n")])
def test_every_encoding_gives_the_same_table_without_a_mark_too(study, encoding, text):
    assert read(study, text.encode(encoding)).to_dict("list") == TABLE


def test_the_encoding_that_was_found_is_told(study):
    assert describe_reading(read(study, TEXT.encode("gbk")), "mine") == ["mine was read as gb18030"]
    assert describe_reading(read(study, TEXT), "mine") == []


def test_an_encoding_can_be_set_and_a_wrong_one_is_named(study):
    lay_out(study, 'encoding = "big5"')
    assert read(study, "城市,得分\n蘇州,78.8\n".encode("big5"))["city"].tolist() == ["蘇州"]
    with pytest.raises(
        InputError, match=r"mine\.csv is not big5 \(byte \d+\)\. Mend encoding under \[tables\.mine\]"
    ):
        read(study, "城市,得分\n苏州,1\n".encode())


# --- sheets, titles, notes


@pytest.mark.parametrize("ending", ["xlsx", "csv"])
def test_titles_above_and_notes_below_are_found_and_told(study, tmp_path, ending):
    rows = [
        ["2021 年城市得分"],
        [],
        ["城市", "得分"],
        ["苏州", 78.8],
        ["吐鲁番", 45.2],
        [],
        ["注：满分 100"],
        ["不含港澳台"],
    ]
    data = save(tmp_path / "x.xlsx", {"表": rows})
    if ending == "csv":
        data = "".join(",".join(map(str, row)) + "\n" for row in rows)
    table = read(study, data, f"mine.{ending}")
    assert table.to_dict("list") == {"city": ["苏州", "吐鲁番"], "score": [78.8, 45.2]}
    said = "mine: the header was found in line 3; 2 lines below the table left out: 注:满分 100; geo-cdei check shows"
    assert describe_reading(table, "mine")[0].startswith(said)
    assert table.attrs["settling"] == ["[tables.mine]", "header_row = 3"]


def test_the_line_of_a_fault_counts_the_titles_too(study):
    with pytest.raises(SchemaError, match=r"mine\.csv: line 4 score: 'x' is not a number"):
        read(study, "得分表\n城市,得分\n苏州,78.8\n无锡,x\n")


def test_a_last_city_without_a_score_is_no_note(study):
    with pytest.raises(SchemaError, match="line 4 score: is empty but must have a value"):
        read(study, "城市,得分\n苏州,78.8\n无锡,1\n注州,\n".replace("注州", "扬州"))


def test_a_table_that_ends_with_a_full_row_loses_nothing(study):
    body = pd.DataFrame([["a", "note"]], columns=["注", "note"])
    assert headers.cut_notes(body)[1] == []
    assert len(read_table(study, "clusters")) == 326


def test_the_sheet_of_the_table_is_found_among_others_and_told(study, tmp_path):
    sheets = {
        "说明": [["本表为示例"]],
        "得分": [["城市", "得分"], ["苏州", 78.8]],
        "旧": [["城市", "得分"], ["苏州", 1]],
    }
    table = read(study, save(tmp_path / "x.xlsx", sheets, hidden=["旧"]), "mine.xlsx")
    assert table["score"].tolist() == [78.8]
    assert table.attrs["notes"] == ["the sheet '得分' was read, of 2"]
    assert table.attrs["settling"] == ["[tables.mine]", 'sheet = "得分"']


@pytest.mark.parametrize("sheet", ['"旧"', "3"])
def test_a_sheet_can_be_named_or_numbered_hidden_or_not(study, tmp_path, sheet):
    sheets = {"说明": [["x"]], "得分": [["城市", "得分"], ["苏州", 78.8]], "旧": [["城市", "得分"], ["苏州", 1]]}
    data = save(tmp_path / "x.xlsx", sheets, hidden=["旧"])
    assert read(lay_out(study, f"sheet = {sheet}"), data, "mine.xlsx")["score"].tolist() == [1.0]


def test_a_sheet_that_is_not_there_is_named_with_those_that_are(study, tmp_path):
    data = save(tmp_path / "x.xlsx", {"得分": [["城市", "得分"], ["苏州", 1]]})
    with pytest.raises(
        InputError, match=r"mine\.xlsx has no sheet '分数'; it has '得分'\. Mend sheet under \[tables\.mine\]"
    ):
        read(lay_out(study, 'sheet = "分数"'), data, "mine.xlsx")


def test_a_header_row_can_be_set_and_must_be_there(study):
    text = "城市,得分\n城市名称,综合得分\n苏州,78.8\n"
    lay_out(study, "header_row = 2")
    assert read(study, text)["score"].tolist() == [78.8]
    with pytest.raises(
        InputError, match=r"mine\.csv has no row 2 among its first 1; mend header_row under \[tables\]"
    ):
        read(study, "城市,得分")


def test_merged_cells_stand_in_every_row_and_stacked_headers_are_joined(tmp_path, study):
    rows = [
        ["省", "城市", "得分", None],
        [None, None, 2020, 2021],
        ["江苏", "苏州", 70, 78.8],
        [None, "无锡", 71, 82.2],
    ]
    data = save(tmp_path / "x.xlsx", {"表": rows}, merged=["A1:A2", "B1:B2", "C1:D1", "A3:A4"])
    put(study, data, "mine.xlsx")
    table = read_text_table(study.raw / "mine.xlsx", schema={"fields": [{"name": "city", "title": "城市"}]})
    assert table.columns.tolist() == ["省", "城市", "得分 2020", "得分 2021"]
    assert table["省"].tolist() == ["江苏", "江苏"]


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["xls", "ods"])
def test_other_workbooks_give_the_same_table(study, tmp_path, ending):
    import shutil
    import subprocess

    office = shutil.which("soffice")
    if office is None:
        pytest.skip("LibreOffice, which writes the files of this test, is not installed")
    save(tmp_path / "mine.xlsx", {"表": [["得分表"], ["城市", "得分"], ["苏州", 78.8]]})
    subprocess.run([office, "--headless", "--convert-to", ending, "mine.xlsx"], cwd=tmp_path, check=True, timeout=120)
    assert read(study, (tmp_path / f"mine.{ending}").read_bytes(), f"mine.{ending}")["score"].tolist() == [78.8]


def test_an_open_document_sheet_is_read(study, tmp_path):
    pd.DataFrame({"城市": ["苏州"], "得分": [78.8]}).to_excel(tmp_path / "x.ods", index=False, engine="odf")
    assert read(study, (tmp_path / "x.ods").read_bytes(), "mine.ods")["score"].tolist() == [78.8]


def test_parquet_is_read_and_what_is_no_plain_value_is_told(study, tmp_path):
    frame = pd.DataFrame({"城市": ["苏州", None], "行政区划代码": [320500.0, 650400.0], "得分": [78.8, 45.2]})
    frame.assign(geometry=[b"\x01", b"\x02"], parts=[[1], [2]]).to_parquet(tmp_path / "x.parquet")
    table = read(study, (tmp_path / "x.parquet").read_bytes(), "mine.parquet")
    assert table["adcode"].tolist() == ["320500", "650400"]
    assert table.attrs["notes"] == ["geometry, parts left out: no plain values"]


@pytest.mark.parametrize("data", [b"PAR1", b"", b"a,b\n1,2\n"])
def test_a_broken_parquet_file_says_so(study, data):
    with pytest.raises(InputError, match=r"mine\.parquet cannot be read as Parquet: .*\. Save it again, or use CSV"):
        read(study, data, "mine.parquet")


def test_cells_that_a_reader_passes_over_are_counted(study, tmp_path):
    rows = [["城市", "得分", "a", "b"], ["苏州", 78.8, "#DIV/0!", "=1+1"], ["无锡", 1, "#N/A", 3]]
    table = read(study, save(tmp_path / "x.xlsx", {"表": rows}), "mine.xlsx")
    assert table.attrs["notes"] == [
        "2 cells hold an error such as #DIV/0! and are read as empty",
        "1 cell hold a formula without a result and are read as empty; open and save the file in Excel first",
    ]


# --- limits


def test_a_sheet_of_billions_of_cells_is_refused_before_it_is_opened(study, tmp_path):
    from openpyxl import Workbook

    book = Workbook()
    book.active["A1"], book.active["XFD1048576"] = "城市", "x"
    book.save(tmp_path / "x.xlsx")
    with pytest.raises(
        InputError, match=r"a sheet of 1,048,576 rows and 16,384 columns; a table may have 1,0\d\d,\d{3} cells"
    ):
        read(study, (tmp_path / "x.xlsx").read_bytes(), "mine.xlsx")


def test_repeated_rows_of_an_open_document_are_counted_before_it_is_opened(study, tmp_path):
    pd.DataFrame({"城市": ["苏州"], "得分": [78.8]}).to_excel(tmp_path / "x.ods", index=False, engine="odf")
    with zipfile.ZipFile(tmp_path / "x.ods") as source, zipfile.ZipFile(tmp_path / "bomb.ods", "w") as target:
        for part in source.namelist():
            data = source.read(part)
            if part == "content.xml":
                data = data.replace(b"<table:table-row", b'<table:table-row table:number-rows-repeated="90000000"', 1)
            target.writestr(part, data)
    with pytest.raises(InputError, match=r"of 90,000,001 rows and 2 columns; a table may have 1,0\d\d,\d{3} cells"):
        read(study, (tmp_path / "bomb.ods").read_bytes(), "mine.ods")


def test_a_parquet_file_of_too_many_cells_is_refused_unread(study, tmp_path, monkeypatch):
    pd.DataFrame({"城市": ["苏州"] * 60, "得分": 1.0}).to_parquet(tmp_path / "x.parquet")
    monkeypatch.setattr(workbooks, "MAX_CELLS", 100)
    with pytest.raises(InputError, match="a sheet of 60 rows and 2 columns; a table may have 100 cells"):
        read(study, (tmp_path / "x.parquet").read_bytes(), "mine.parquet")


def test_a_file_above_the_limit_is_refused_unread(study, monkeypatch):
    monkeypatch.setattr(table_files, "MAX_BYTES", 10)
    with pytest.raises(InputError, match=r"mine\.csv has 5\d bytes; a table may have 10"):
        read(study, TEXT)


# --- which column is what


def test_headers_are_taken_from_the_settings(study):
    lay_out(study, 'columns = { city = "地级单元", score = "乙" }')
    table = read(study, "地级单元,甲,乙\n苏州,1,78.8\n")
    assert table[["city", "score"]].to_numpy().tolist() == [["苏州", 78.8]]
    assert table.attrs["settling"] == []


def test_a_header_of_the_settings_that_is_not_there_is_named_with_the_nearest(study):
    lay_out(study, 'columns = { score = "综合得份" }')
    with pytest.raises(
        InputError,
        match=r"mine\.csv has no header '综合得份', which \[tables\.mine\] takes for score; did you mean '综合得分'",
    ):
        read(study, "城市,综合得分\n苏州,1\n")


@pytest.mark.parametrize(
    ("header", "guessed"),
    [
        ("城市,2022年综合得分（分）", {"score": "2022年综合得分(分)"}),
        ("城市（地级及以上）,得分", {"city": "城市(地级及以上)"}),
        ("城市,数字经济总得分", {"score": "数字经济总得分"}),
        ("城市,甲", {"score": "甲"}),
        ("单元,得分", {"city": "单元"}),
        ("City Name,Score 2022", {"city": "City Name", "score": "Score 2022"}),
    ],
)
def test_a_guess_is_made_told_and_can_be_settled(study, header, guessed):
    table = read(study, f"{header}\n苏州市,78.8\n无锡市,82.2\n")
    assert table[["city", "score"]].to_numpy().tolist() == [["苏州市", 78.8], ["无锡市", 82.2]]
    assert set(table.attrs["notes"]) == {f"{old!r} was taken for {new}" for new, old in guessed.items()}
    settled = "\n".join(table.attrs["settling"][1:])
    assert read(lay_out(study, settled), f"{header}\n苏州市,78.8\n").attrs["notes"] == []


def test_codes_are_known_by_their_look(study):
    table = read(study, "甲,得分\n320500.0,78.8\n110100,91\n310000000000,92\n")
    units, aliases = read_units(study)
    assert match_cities(table, units, aliases)["adcode"].tolist() == ["320500", "110000", "310000"]


def test_two_columns_that_may_be_the_score_are_not_guessed_at(study):
    said = (
        r"has no column 'score' .*it has: city, 甲, 乙; say which it is in geo-cdei\.toml: \[tables\.mine\] columns"
    )
    with pytest.raises(SchemaError, match=said):
        read(study, "城市,甲,乙\n苏州,1,2\n")


def test_a_check_prints_the_lines_that_settle_a_guess_though_another_table_has_a_fault(study):
    (study.raw / "scores_2021.csv").unlink()
    put(study, "得分表\n城市,我的得分（分）\n苏州市,78.8\n无锡市,82.2\n", "mine.csv")
    put(study, "city,gdp_2019\n苏州,x\n", "gdp_2019.csv")
    text = study.settings.read_text(encoding="utf-8").replace('scores = "scores_2021"', 'scores = "mine"')
    study.settings.write_text(text, encoding="utf-8")
    report = studies.check(study)
    shown = [line for line in report.lines if line.startswith("  ")]
    assert shown == ["  [tables.mine]", "  header_row = 2", '  columns = { score = "我的得分(分)" }']
    assert any("'x' is not a number" in fault for fault in report.faults)


def test_a_fault_of_a_layout_is_named_with_its_line(study):
    lay_out(study, "header_row = 0")
    with pytest.raises(
        SettingsError, match=r"line \d+: tables\.mine\.header_row: input should be greater than or equal to 1"
    ):
        read_layouts(study.settings)


def test_layouts_are_read_though_another_section_has_a_fault(study):
    lay_out(study, "header_row = 2")
    text = study.settings.read_text(encoding="utf-8").replace("k = 6", 'k = "six"')
    study.settings.write_text(text, encoding="utf-8")
    assert read_layouts(study.settings)["mine"].header_row == 2
    with pytest.raises(SettingsError, match=r"graph\.k"):
        read_settings(study.settings)


# --- cells


def test_numbers_as_planners_type_them_are_read_in_columns_that_no_schema_names(study):
    table = read(
        study,
        '城市,得分,人口\n苏州,78.8,"1,234"\n无锡,82.2,９５．２\n南京,80,—\n扬州,50,暂无\n泰州,50,…\n盐城,50,N/A\n',
    )
    assert table["人口"].tolist()[:2] == [1234.0, 95.2]
    assert table["人口"].isna().sum() == 4


def test_the_bad_cells_of_a_column_of_numbers_are_all_listed(study):
    with pytest.raises(SchemaError) as caught:
        read(study, "城市,得分,人口\n苏州,约80,100\n无锡,82.2,1.2万\n南京,80,90\n扬州,5O,70\n")
    said = str(caught.value)
    assert "mine.csv: 3 faults." in said
    assert "line 2 score: '约80' is not a number" in said
    assert "line 5 score: '5O' is not a number" in said
    assert "line 3 人口: '1.2万' is not a number, as 3 others of this column are" in said


def test_a_column_of_text_with_numbers_can_be_declared(study):
    text = "城市,得分,编号\n苏州,78.8,1\n无锡,82.2,2\n南京,80,3A\n"
    with pytest.raises(SchemaError, match=r'line 4 编号: .*say \[tables\.mine\] text = \["编号"\] in geo-cdei\.toml'):
        read(study, text)
    assert read(lay_out(study, 'text = ["编号"]'), text)["编号"].tolist() == ["1", "2", "3A"]


@pytest.mark.parametrize(("percent", "value"), [("points", 85.0), ("share", 0.85)])
def test_percentages_are_read_as_the_settings_say(study, percent, value):
    table = read(lay_out(study, f'percent = "{percent}"'), "城市,得分,普及率\n苏州,78.8,85%\n无锡,82.2,８５％\n")
    assert table["普及率"].tolist() == [value, value]


def test_a_column_of_percentages_is_read_as_points_and_told(study):
    table = read(study, "城市,得分,普及率\n苏州,78.8,85%\n无锡,82.2,—\n")
    assert table["普及率"].tolist()[0] == 85.0
    assert table.attrs["notes"] == ["85% in the column 普及率 is read as 85"]


def test_a_percentage_where_the_schema_has_points_is_a_fault_with_its_cure(study):
    with pytest.raises(
        SchemaError, match=r"'78%' is a percentage; write the plain number, or say percent = \"points\""
    ):
        read(study, "城市,得分\n苏州,78%\n")


def test_a_date_in_a_workbook_is_text_as_it_is_seen(study, tmp_path):
    rows = [["城市", "得分", "日期"], ["苏州", 78.8, dt.date(2021, 1, 2)]]
    assert read(study, save(tmp_path / "x.xlsx", {"表": rows}), "mine.xlsx")["日期"].tolist() == ["2021-01-02"]
