"""The workbook of a run: everything is in it, typed and titled, and nothing in it can run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import openpyxl
import pandas as pd
import pytest

from geo_cdei import columns
from geo_cdei.errors import OutputError
from geo_cdei.outputs import workbook
from geo_cdei.outputs.catalogue import column_title, read_phrases, table_title
from geo_cdei.outputs.workbook import write_workbook

LANGUAGES = ("zh", "en")
NAMES = {"zh": ("目录", "说明"), "en": ("Contents", "Notes")}


def with_index(frame):
    return frame.reset_index() if frame.index.name else frame


@pytest.fixture(scope="module")
def books(finished, tmp_path_factory):
    """Write the workbook of the finished run in both languages."""
    folder = tmp_path_factory.mktemp("books")
    for lang in LANGUAGES:
        write_workbook(finished.analysis, folder / f"{lang}.xlsx", lang=lang)
    return {lang: folder / f"{lang}.xlsx" for lang in LANGUAGES}


@pytest.fixture(scope="module")
def opened(books):
    """Open the Chinese workbook with openpyxl, once."""
    return openpyxl.load_workbook(books["zh"])


@pytest.fixture(scope="module")
def read(books):
    """Read every sheet of both workbooks with calamine, once."""
    return {
        lang: pd.read_excel(
            path, sheet_name=None, header=None, engine="calamine", dtype=object, keep_default_na=False, na_values=[""]
        )
        for lang, path in books.items()
    }


def sheet_of(sheets, lang, table):
    """Find the sheet of a table by the contents."""
    contents = sheets[NAMES[lang][0]]
    return sheets[contents.loc[contents[1] == table, 0].iloc[0]]


def small(analysis, **tables):
    return replace(analysis, tables={name: pd.DataFrame(table) for name, table in tables.items()})


def written(analysis, tmp_path, *, lang="en", **tables):
    write_workbook(small(analysis, **tables), tmp_path / "a.xlsx", lang=lang)
    return openpyxl.load_workbook(tmp_path / "a.xlsx")


# --- titles


def test_every_column_of_every_table_of_a_run_has_a_title(finished):
    analysis = finished.analysis
    frames = analysis.tables | analysis.layers | {"units": analysis.units, "provinces": analysis.provinces}
    lacking = [
        f"{name}.{column}"
        for name, frame in frames.items()
        for column in with_index(frame).columns
        if not column_title(name, str(column), "en").kind
    ]
    assert lacking == []


def test_every_column_of_the_contract_has_a_title():
    named = {name: value for name, value in vars(columns).items() if name.isupper() and isinstance(value, tuple)}
    lacking = [f"{n}.{c}" for n, names in named.items() for c in names if not column_title(n.lower(), c, "zh").kind]
    assert lacking == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_table_has_one_title_twice(finished, lang):
    for name, frame in finished.analysis.tables.items():
        titles = [column_title(name, str(column), lang).header for column in with_index(frame).columns]
        assert len(titles) == len(set(titles)), name


def test_every_table_has_a_name_and_a_line_in_both_languages(finished):
    for name in finished.analysis.tables | finished.analysis.layers:
        assert all(table_title(name, lang).says for lang in LANGUAGES), name


@pytest.mark.parametrize("name", ["columns", "tables", "units", "workbook"])
def test_a_catalogue_has_every_key_once_and_no_chinese_in_english(name):
    rows = read_phrases(f"{name}.csv")
    keys = [next(iter(row.values())) for row in rows]
    assert len(keys) == len(set(keys))
    assert all(None not in row and None not in row.values() for row in rows)
    assert [key for key, row in zip(keys, rows, strict=True) if any(ord(sign) > 0x2E7F for sign in row["en"])] == []


def test_a_column_that_nobody_knows_keeps_its_name():
    assert column_title("cities", "my_index", "zh").header == "my_index"


def test_a_column_of_one_table_may_mean_something_else(finished):
    assert column_title("cities", "score", "en").header == "Score (points)"
    assert column_title("pole_correlations", "score", "en").header == "Correlation with Score"


def test_a_pattern_names_what_its_star_stands_for():
    assert column_title("poles", "scaled_evenness", "zh").header.startswith("均衡度")
    assert column_title("pattern", "role_k4", "en").header == "Role (4 classes)"


# --- everything is in it


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_table_is_a_sheet_behind_contents_and_notes(finished, read, lang):
    contents = read[lang][NAMES[lang][0]]
    assert list(read[lang])[:2] == list(NAMES[lang])
    assert contents[1].tolist()[1:] == list(finished.analysis.tables)
    assert contents[0].tolist()[1:] == list(read[lang])[2:]
    assert contents[2].tolist()[1:] == [len(frame) for frame in finished.analysis.tables.values()]


def test_the_second_row_has_the_names_of_the_columns(finished, read):
    for name, frame in finished.analysis.tables.items():
        sheet = sheet_of(read["zh"], "zh", name)
        assert sheet.loc[1].tolist() == [str(column) for column in with_index(frame).columns], name


def test_numbers_have_sixteen_digits(finished, read):
    for name, frame in finished.analysis.tables.items():
        whole, sheet = with_index(frame), sheet_of(read["en"], "en", name).loc[2:]
        assert len(sheet) == len(whole), name
        for place, (_, column) in enumerate(whole.items()):
            if pd.api.types.is_float_dtype(column):
                got = pd.to_numeric(sheet[place]).to_numpy(dtype=float)
                np.testing.assert_allclose(got, column.to_numpy(dtype=float), rtol=1e-15, err_msg=name)


def test_texts_and_codes_are_texts(finished, read):
    for name in ("cities", "members", "pattern", "links"):
        whole, sheet = with_index(finished.analysis.tables[name]), sheet_of(read["en"], "en", name).loc[2:]
        for place, (_, column) in enumerate(whole.items()):
            if pd.api.types.is_string_dtype(column):
                assert sheet[place].fillna("").tolist() == column.fillna("").tolist(), name


def test_what_is_missing_is_an_empty_cell(opened):
    sheet = opened[table_title("cities", "zh").title]
    places = {cell.value: cell.column for cell in sheet[2]}
    row = next(row for row in sheet.iter_rows(min_row=3) if row[places["city"] - 1].value == "宿迁")
    assert row[places["scale_2020"] - 1].value is None


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_titles_are_of_one_language(read, lang):
    heads = [text for name, sheet in list(read[lang].items())[2:] for text in (name, *sheet.loc[0].dropna())]
    chinese = [any(ord(sign) > 0x2E7F for sign in text) for text in heads]
    if lang == "en":
        assert not any(chinese)
    else:
        assert {text for text, is_zh in zip(heads, chinese, strict=True) if not is_zh} == {"AIC", "Moran I"}


def test_the_notes_say_source_date_seed_settings_and_notices(finished, read):
    notes = read["en"]["Notes"].set_index(0)[1]
    settings = finished.analysis.settings
    assert notes["Seed"] == settings.inference.seed
    assert notes["Date"] == settings.study.date.isoformat()
    assert notes["Source"] == settings.study.source_en
    assert notes["inference.permutations"] == "99"
    said = read["en"]["Notes"][1].tolist()
    assert all(notice.message in said for notice in finished.analysis.notices)


def test_the_method_is_said_for_what_was_run(analysis, finished, read, tmp_path):
    write_workbook(analysis, tmp_path / "a.xlsx", lang="en")
    few = pd.read_excel(tmp_path / "a.xlsx", sheet_name="Notes", header=None, engine="calamine")[1].dropna()
    assert few.str.startswith("Cluster score:").any()
    assert not few.str.startswith("Corridors:").any()
    assert read["en"]["Notes"][1].dropna().astype(str).str.startswith("Corridors:").any()


# --- how it looks


def test_both_header_rows_stay_in_sight(opened):
    assert {sheet.freeze_panes for sheet in opened.worksheets[2:]} == {"B3"}


def test_the_contents_lead_to_every_sheet(opened):
    page = opened["目录"]
    links = {row[0].value: row[0].hyperlink.location for row in page.iter_rows(min_row=2)}
    assert links == {name: f"'{name}'!A1" for name in opened.sheetnames[2:]}


def test_numbers_are_shown_by_their_kind(opened):
    sheet = opened[table_title("clusters", "zh").title]
    shown = {head.value: cell.number_format for head, cell in zip(sheet[2], sheet[3], strict=True)}
    assert (shown["score"], shown["n_members"], shown["cluster_id"]) == ("0.00", "#,##0", "@")


def test_a_share_that_a_table_counts_in_whole_numbers_has_no_decimals(analysis, tmp_path):
    book = written(analysis, tmp_path, cities={"score": [80, 90]})
    assert book["Cities"]["A3"].number_format == "0"


def test_columns_are_wide_enough_for_their_names_and_never_very_wide(opened):
    for sheet in opened.worksheets[2:]:
        for head in sheet[2]:
            width = sheet.column_dimensions[head.column_letter].width
            assert min(len(head.value) + 2, 44) <= width <= 44, (sheet.title, head.value)


def test_a_sheet_is_printed_as_wide_as_the_page_with_its_titles(opened):
    for sheet in opened.worksheets[2:]:
        assert (sheet.page_setup.orientation, sheet.page_setup.fitToWidth) == ("landscape", 1)
        assert sheet.print_title_rows == "$1:$2"


# --- nothing in it can run


@pytest.mark.parametrize("text", ["=1+1", "+86", "-2+3", "@SUM(A1)", "\t=1", "＝1+1", '=HYPERLINK("http://x")'])
def test_a_text_that_looks_like_a_formula_is_a_text(analysis, tmp_path, text):
    cell = written(analysis, tmp_path, cities={"city": [text]})["Cities"]["A3"]
    assert cell.data_type == "s"
    assert cell.value == "'" + text


def test_no_cell_of_a_whole_workbook_is_a_formula(opened):
    kinds = {
        cell.data_type for sheet in opened for row in sheet.iter_rows() for cell in row if cell.value is not None
    }
    assert kinds == {"s", "n", "b"}


@pytest.mark.parametrize("text", ["#N/A", "#REF!", "12e5", "2021-01-01", "TRUE"])
def test_a_text_that_looks_like_a_value_or_an_error_is_a_text(analysis, tmp_path, text):
    cell = written(analysis, tmp_path, cities={"city": [text]})["Cities"]["A3"]
    assert (cell.data_type, cell.value) == ("s", text)


def test_a_title_that_looks_like_a_formula_is_a_text(analysis, tmp_path):
    sheet = written(analysis, tmp_path, cities={"=cmd|x": [1]})["Cities"]
    assert [(sheet[place].data_type, sheet[place].value) for place in ("A1", "A2")] == [("s", "'=cmd|x")] * 2


def test_a_sign_that_no_sheet_can_hold_is_shown_as_replaced(analysis, tmp_path):
    assert written(analysis, tmp_path, cities={"city": ["a\x00b\x1bc"]})["Cities"]["A3"].value == "a\ufffdb\ufffdc"


def test_a_text_that_is_too_long_says_where_all_of_it_is(analysis, tmp_path):
    value = written(analysis, tmp_path, cities={"city": ["x" * 40_000]})["Cities"]["A3"].value
    assert len(value) == workbook.LONGEST
    assert value.endswith("(data/derived/cities.csv)")


def test_a_number_that_is_not_finite_is_a_text(analysis, tmp_path):
    sheet = written(analysis, tmp_path, cities={"score": [np.inf, -np.inf, np.nan]})["Cities"]
    assert [sheet[f"A{row}"].value for row in (3, 4, 5)] == ["inf", "-inf", None]


def test_truth_stays_truth_and_tuples_are_texts(analysis, tmp_path):
    sheet = written(analysis, tmp_path, cities={"scored": [True, False], "cities": [("a", "b"), ()]})["Cities"]
    assert [sheet["A3"].value, sheet["A4"].value, sheet["B3"].value] == [True, False, "('a', 'b')"]


# --- names of sheets


def test_names_of_sheets_are_short_plain_and_unique(analysis, tmp_path):
    names = ["x" * 40, "x" * 35, "a/b:c", "A/B:C", "History"]
    book = written(analysis, tmp_path, **{name: {"a": [1]} for name in names})
    assert book.sheetnames[2:] == ["x" * 31, "x" * 29 + " 2", "a_b_c", "A_B_C 2", "History 2"]


def test_a_table_that_no_sheet_can_hold_is_refused_before_anything_is_written(analysis, tmp_path, monkeypatch):
    monkeypatch.setattr(workbook, "MOST_COLUMNS", 1)
    with pytest.raises(OutputError, match=r"table cities has 2 columns; a sheet holds 1.*cities\.csv"):
        written(analysis, tmp_path, cities={"city": ["a"], "score": [1]})
    assert list(tmp_path.iterdir()) == []


def test_a_table_for_programs_has_no_sheet_and_the_contents_name_its_file(analysis, tmp_path, monkeypatch):
    monkeypatch.setattr(workbook, "FOR_PROGRAMS", 2)
    book = written(analysis, tmp_path, cities={"score": [1, 2, 3]}, clusters={"score": [1, 2]})
    assert book.sheetnames == ["Contents", "Notes", "Clusters"]
    told = [[cell.value for cell in row] for row in book["Contents"].iter_rows(min_row=2)]
    assert [row[2] for row in told] == [3, 2]
    assert told[0][3].startswith("No sheet, since it has so many rows: data/derived/cities.csv. ")


# --- one cluster, and the same bytes


def test_the_workbook_of_one_cluster_has_its_rows_alone(finished, tmp_path):
    write_workbook(finished.analysis, tmp_path / "a.xlsx", lang="en", cluster="C05")
    sheets = pd.read_excel(tmp_path / "a.xlsx", sheet_name=None, header=1, engine="calamine", dtype={"adcode": str})
    members = finished.analysis.members.query("cluster_id == 'C05'")
    assert sheets["Clusters"]["cluster_id"].tolist() == ["C05"]
    assert set(sheets["Cities"]["adcode"]) <= set(members["adcode"])
    assert len(sheets["Cities"]) == members["scored"].sum()
    flows = sheets["Flows between clusters"]
    assert (flows["origin"].eq("C05") | flows["destination"].eq("C05")).all()
    assert "National mean" not in sheets


def test_the_same_run_gives_the_same_bytes(analysis, tmp_path):
    for name in ("a", "b"):
        write_workbook(analysis, tmp_path / f"{name}.xlsx", lang="zh")
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
