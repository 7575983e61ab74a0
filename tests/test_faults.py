"""Printing faults are resolved as the list says, and not otherwise."""

from __future__ import annotations

import pandas as pd
import pytest

from geo_cdei.errors import InputError
from geo_cdei.inputs.faults import resolve_faults

FAULTS = pd.DataFrame(
    {
        "table": ["size", "size", "other"],
        "key": ["兰州", "宿迁", "兰州"],
        "value": ["662", None, "1256"],
        "action": ["drop", "missing", "drop"],
    }
)


def resolve(cities, sizes, name="size"):
    table = pd.DataFrame({"city": cities, "size": sizes}, index=range(3, 3 + len(cities)))
    return resolve_faults(table, FAULTS, name=name)


def test_the_stray_row_goes_and_every_other_stays_as_it_was():
    table = resolve(["兰州", "兰州", "西安"], [1256.0, 662.0, 662.0])
    assert table["size"].tolist() == [1256.0, 662.0]
    assert table.index.tolist() == [3, 5]


def test_a_city_that_stands_once_keeps_its_row_whatever_its_value():
    assert resolve(["兰州"], [662.0])["size"].tolist() == [662.0]


def test_a_city_that_is_not_printed_is_not_filled_in():
    assert resolve(["西安"], [5.0])["city"].tolist() == ["西安"]


def test_faults_of_another_table_are_passed_over():
    assert len(resolve(["兰州", "兰州"], [1256.0, 662.0], name="gdp")) == 2


@pytest.mark.parametrize(("sizes", "count"), [([1.0, 2.0], 0), ([662.0, 662.0], 2)])
def test_a_list_that_does_not_fit_the_table_is_an_error(sizes, count):
    with pytest.raises(InputError, match=f"drops the row of 兰州 with 662 from size, which has {count} such rows"):
        resolve(["兰州", "兰州"], sizes)


def test_a_value_is_compared_as_a_number_not_as_text():
    faults = FAULTS.assign(value=["1,662.0", None, ""])
    table = pd.DataFrame({"city": ["兰州", "兰州"], "size": [1662.0, 5.0]})
    assert resolve_faults(table, faults, name="size")["size"].tolist() == [5.0]
