"""Measures of a city beside its score, and the links of the graphs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from libpysal.graph import Graph
from scipy.stats import linregress

from geo_cdei.analysis.measures import city_measures, graph_links
from geo_cdei.columns import GRAPH_LINKS
from geo_cdei.errors import StatisticError


@pytest.fixture
def cities():
    rng = np.random.default_rng(3)
    score, output, size = rng.normal(60, 9, 30), rng.lognormal(8, 1, 30), rng.lognormal(6, 1, 30)
    codes = pd.Index([f"{i:06}" for i in range(30)], name="adcode")
    return pd.DataFrame({"score": score, "gdp_2019": output, "scale_2020": size}, index=codes)


def test_the_residual_is_what_a_line_on_the_log_of_output_leaves(cities):
    x = np.log(cities["gdp_2019"])
    line = linregress(x, cities["score"])
    expected = cities["score"] - line.intercept - line.slope * x
    np.testing.assert_allclose(city_measures(cities)["residual"], expected, atol=1e-9)


def test_the_ratio_is_size_over_output(cities):
    assert city_measures(cities.assign(scale_2020=3.0, gdp_2019=12.0).iloc[:2])["ratio"].tolist() == [0.25, 0.25]


def test_a_city_without_output_has_neither_and_moves_nobody_else(cities):
    lacking = cities.assign(gdp_2019=cities["gdp_2019"].where(cities.index != "000004"))
    found = city_measures(lacking)
    assert found.loc["000004", ["residual", "ratio"]].isna().all()
    pd.testing.assert_frame_equal(found.drop("000004"), city_measures(cities.drop("000004")))


def test_output_that_never_varies_explains_nothing_and_leaves_no_residual(cities):
    assert city_measures(cities.assign(gdp_2019=5.0))["residual"].isna().all()


def test_two_cities_have_no_residual(cities):
    assert "residual" not in city_measures(cities.iloc[:2])


def test_cities_without_a_score_are_an_error(cities):
    with pytest.raises(StatisticError, match=r"need the column score, the cities have: gdp_2019, scale_2020"):
        city_measures(cities.drop(columns="score"))


def test_every_link_of_every_graph_has_a_row_and_an_isolate_has_none():
    line = Graph.from_arrays(["a", "b", "c"], ["b", "a", "c"], [1, 1, 0])
    links = graph_links({"one": line, "two": line})
    assert list(links.columns) == list(GRAPH_LINKS)
    assert links["graph"].tolist() == ["one", "one", "two", "two"]
    assert set(links["focal"]) == {"a", "b"}
