"""Cells as planners type them, and every fault of a table at once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_cdei.errors import SchemaError
from geo_cdei.inputs.schema import (
    PERCENT_CURE,
    SHOWN,
    check,
    find_dangling,
    find_faults,
    is_missing,
    parse_numbers,
    raise_faults,
    read_cells,
)

SCORES = {
    "fields": [
        {"name": "rank", "type": "integer", "constraints": {"minimum": 1}},
        {"name": "city", "type": "string", "title": "城市", "headers": ["地市"], "constraints": {"required": True}},
        {"name": "score", "type": "number", "constraints": {"required": True, "minimum": 0, "maximum": 100}},
        {"name": "kind", "type": "string", "constraints": {"enum": ["new", "old"]}},
        {"name": "code", "type": "string", "constraints": {"pattern": "[0-9]{6}"}},
    ],
    "primaryKey": "city",
}


def parse(text):
    return parse_numbers(pd.Series([text], dtype="object")).iloc[0]


def table(**cells):
    return pd.DataFrame({"city": ["苏州"], "score": ["78.8"]} | {name: [cell] for name, cell in cells.items()})


def faults(frame):
    return [str(fault) for fault in find_faults(frame, SCORES, name="scores.csv")]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("78.8", 78.8), (" 78.8\u00a0", 78.8), ("1,234", 1234.0), ("1,234,567.5", 1234567.5), ("９５．２", 95.2),
        ("１，２３４", 1234.0), ("−3.5", -3.5), ("－3.5", -3.5),
        ("+4", 4.0), ("1e3", 1000.0), ("\ufeff7", 7.0), (".5", 0.5),
        (78.8, 78.8), (5, 5.0),
    ],
)  # fmt: skip
def test_numbers_are_read_as_planners_type_them(text, value):
    assert parse(text) == value


@pytest.mark.parametrize(
    "text", ["12,34", "1,2345", "8 5", "85%", "8５％", "abc", "e5", ".", "1.2.3", "0x10", "1_000", "٣"]
)
def test_what_is_no_number_is_not_guessed(text):
    assert np.isnan(parse(text))
    assert faults(table(score=text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "-",
        "--",
        "—",
        "——",
        "–",
        "―",
        "…",
        "……",
        "－",
        "−",
        "NA",
        "n/a",
        "NaN",
        "null",
        "#N/A",
        "缺",
        "无",
        None,
        np.nan,
    ],
)
def test_a_dash_and_its_like_say_nothing_and_are_never_zero(text):
    assert is_missing(text)
    assert np.isnan(parse(text))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_is_read_back_as_it_was_written(number):
    assert parse(repr(number)) == number


@given(st.integers(-(10**12), 10**12))
def test_thousands_separators_change_no_number(number):
    assert parse(f"{number:,}") == number


@given(st.text(max_size=12))
def test_any_text_is_a_number_or_missing_or_a_fault(text):
    value, found = parse(text), find_faults(table(score=text), SCORES, name="t")
    assert (np.isfinite(value) and 0 <= value <= 100) or len(found) == 1


@given(st.lists(st.one_of(st.none(), st.floats(0, 100).map(repr), st.sampled_from(["-", "x", "９"])), min_size=1))
def test_reading_keeps_every_row_in_its_place(cells):
    numbers = parse_numbers(pd.Series(cells, dtype="object", index=range(5, 5 + len(cells))))
    assert numbers.index.tolist() == list(range(5, 5 + len(cells)))
    assert numbers.dtype == float


def test_a_sound_table_passes():
    assert check(table(rank="1", kind="new", code="320500"), SCORES, name="scores.csv") is None


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"score": "-"}, "scores.csv: line 2 score: '-' is empty but must have a value"),
        (
            {"score": "78.8%"},
            "scores.csv: line 2 score: '78.8%' is a percentage; write the plain number" + PERCENT_CURE,
        ),
        ({"score": "788"}, "scores.csv: line 2 score: '788' is above the largest value allowed, 100"),
        ({"score": "-1"}, "scores.csv: line 2 score: '-1' is below the smallest value allowed, 0"),
        ({"score": "1e999"}, "scores.csv: line 2 score: '1e999' is not a finite number"),
        ({"rank": "1.5"}, "scores.csv: line 2 rank: '1.5' is not a whole number"),
        ({"city": " "}, "scores.csv: line 2 city: is empty but must have a value"),
        ({"kind": "odd"}, "scores.csv: line 2 kind: 'odd' is not one of: new, old"),
        ({"code": "3205"}, "scores.csv: line 2 code: '3205' does not fit [0-9]{6}"),
    ],
)
def test_a_bad_cell_is_named_with_its_line_and_its_cure(cells, said):
    assert faults(table(**cells)) == [said]


def test_empty_optional_cells_break_no_list_and_no_pattern():
    assert faults(table(rank="-", kind="", code="—")) == []


def test_all_faults_are_told_at_once():
    frame = pd.DataFrame({"city": ["苏州", "苏州", ""], "score": ["x", "101", "5"]})
    with pytest.raises(SchemaError, match=r"(?s)scores: 4 faults.*line 4 city.*line 2 score.*line 3 score.*lin"):
        check(frame, SCORES, name="scores")


def test_many_faults_are_counted_and_the_first_are_shown():
    frame = pd.DataFrame({"city": [f"c{i}" for i in range(50)], "score": "x"})
    with pytest.raises(SchemaError, match=rf"(?s)scores: 50 faults.*and {50 - SHOWN} more"):
        check(frame, SCORES, name="scores")


def test_a_doubled_key_names_all_its_lines_even_when_typed_differently():
    frame = pd.DataFrame({"city": ["苏州", "无锡", "　苏州 "], "score": "5"})
    assert faults(frame) == ["scores.csv: line 2, 4 city: '苏州' stands 2 times; once is needed"]


def test_a_missing_column_names_what_it_may_be_called_and_what_is_there():
    said = "scores.csv: has no column 'city' (read as: city, 城市, 地市); it has: town, score; "
    said += 'say which it is in geo-cdei.toml: [tables.scores] columns = { city = "its header" }'
    assert faults(pd.DataFrame({"town": ["a"], "score": ["5"]})) == [said]


def test_a_table_without_rows_is_a_fault():
    assert faults(pd.DataFrame({"city": [], "score": []}, dtype="str")) == ["scores.csv: has no rows"]


def test_a_name_that_is_nowhere_is_dangling_and_an_empty_cell_is_not():
    frame = pd.DataFrame({"cluster_id": ["C01", "", None, "C99"]})
    found = find_dangling(frame, "cluster_id", ["C01", "C02"], name="published")
    assert [str(f) for f in found] == ["published: line 5 cluster_id: 'C99' is not one of the 2 known values"]


def test_no_fault_raises_nothing():
    assert raise_faults([], name="scores") is None


def test_cells_become_numbers_and_text_with_na_where_nothing_is_said():
    frame = read_cells(pd.DataFrame({"city": [" 苏州 ", "—"], "score": ["９", "-"]}), SCORES)
    assert frame["city"].isna().tolist() == [False, True]
    assert frame["city"][0] == "苏州"
    assert frame["score"][0] == 9.0
    assert np.isnan(frame["score"][1])


def test_an_unknown_column_is_numeric_only_if_every_filled_cell_is():
    frame = read_cells(pd.DataFrame({"pop": ["1,000", "-"], "mix": ["1", "a"], "void": ["", "-"]}), {"fields": []})
    assert [pd.api.types.is_numeric_dtype(frame[column]) for column in frame] == [True, False, False]
