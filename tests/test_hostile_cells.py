"""Cells that begin like a formula: text in every sheet that is written, and the same text when it is read again."""

from __future__ import annotations

import csv
import io

import openpyxl
import pandas as pd
import pytest

from geo_cdei.inputs.table_files import read_text_table
from geo_cdei.outputs.tables import write_csv, write_template
from geo_cdei.outputs.workbook import write_workbook

FORMULAS = [
    "=1+1", "+1+1", "-1+1", "@SUM(A1)", "=cmd|' /C calc'!A0", "\t=1", "\ufeff=1", "＝1+1", "'=1+1", "''=1", "-", "@",
    '=HYPERLINK("http://127.0.0.1","x")', "=1,2",
]  # fmt: skip
PLAIN = ["北京", "'s-Hertogenbosch", "1=1", "a@b", "'", "x-1", ""]
FIRST = "=+-@\t\r＝＋－＠﹢﹣﹦﹫"


@pytest.fixture
def frame():
    return pd.DataFrame({"city": FORMULAS + PLAIN, "=score": range(len(FORMULAS + PLAIN))})


def read_csv_cells(path):
    return list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"))))


def test_no_cell_of_a_csv_begins_like_a_formula(frame, tmp_path):
    write_csv(frame, tmp_path / "a.csv")
    cells = [cell for row in read_csv_cells(tmp_path / "a.csv") for cell in row if cell]
    assert [cell for cell in cells if cell[0] in FIRST] == []


def test_what_is_written_as_csv_is_read_as_it_was(frame, tmp_path):
    write_csv(frame, tmp_path / "a.csv")
    again = read_text_table(tmp_path / "a.csv")
    assert again["city"].tolist() == frame["city"].tolist()
    assert again.columns.tolist() == frame.columns.tolist()


def workbook_cells(path):
    return [cell for sheet in openpyxl.load_workbook(path) for row in sheet.iter_rows() for cell in row]


def with_table(analysis, frame):
    from dataclasses import replace

    return replace(analysis, tables={"cities": frame})


def test_no_cell_of_the_workbook_is_a_formula(frame, analysis, tmp_path):
    write_workbook(with_table(analysis, frame), tmp_path / "a.xlsx", lang="en")
    cells = [
        cell for sheet in openpyxl.load_workbook(tmp_path / "a.xlsx") for row in sheet.iter_rows() for cell in row
    ]
    texts = [cell.value for cell in cells if isinstance(cell.value, str) and cell.value]
    assert {cell.data_type for cell in cells} <= {"s", "n", "b", "inlineStr"}
    assert [text for text in texts if text[0] in FIRST] == []


def test_what_is_written_as_xlsx_is_read_as_it_was(frame, analysis, tmp_path):
    """The second row of a sheet has the names of the columns."""
    from geo_cdei.config import TableLayout

    write_workbook(with_table(analysis, frame), tmp_path / "a.xlsx", lang="en")
    again = read_text_table(tmp_path / "a.xlsx", layout=TableLayout(sheet=3, header_row=2))
    assert again["city"].tolist() == frame["city"].tolist()
    assert again.columns.tolist() == frame.columns.tolist()


def test_no_cell_of_the_template_is_a_formula(tmp_path):
    names = pd.DataFrame({"short_name": FORMULAS, "official_name": FORMULAS, "province": FORMULAS}, index=FORMULAS)
    write_template(tmp_path / "a.xlsx", names=names)
    cells = [
        cell for sheet in openpyxl.load_workbook(tmp_path / "a.xlsx") for row in sheet.iter_rows() for cell in row
    ]
    assert "f" not in {cell.data_type for cell in cells}
    assert [cell.value for cell in cells if isinstance(cell.value, str) and cell.value[0] in FIRST] == []


def test_every_csv_of_a_run_is_free_of_formulas(finished_study):
    """All tables in data/derived of a whole run; a number may be negative."""
    found = []
    for path in sorted(finished_study.derived.glob("*.csv")):
        for row in read_csv_cells(path):
            found += [(path.name, cell) for cell in row if cell and cell[0] in FIRST and not is_number(cell)]
    assert found == []


def is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True
