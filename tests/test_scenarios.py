"""Weights and memberships as arrays."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from geo_cdei.analysis.scenarios import membership_matrix, weight_vector, weighted_means
from geo_cdei.errors import StatisticError

CITIES = pd.DataFrame({"gdp": [4.0, 9.0, np.nan], "city": list("ABC")}, index=["a", "b", "c"])


def test_a_column_gives_its_values_and_keeps_what_is_missing():
    assert weight_vector(CITIES, "gdp").fillna(-1).tolist() == [4.0, 9.0, -1.0]


def test_a_power_is_taken_of_the_column():
    assert weight_vector(CITIES, "gdp^1.5").tolist()[:2] == [8.0, 27.0]


def test_equal_weights_need_no_column():
    assert weight_vector(CITIES, "equal").tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ("size", "there is no numeric column 'size'. Numeric columns: gdp; or use 'equal'"),
        ("city", "there is no numeric column 'city'"),
        ("gdp^x", r"'x' is no number\. Write it as gdp\^0\.5"),
    ],
)
def test_weights_that_are_not_there_are_said(weights, said):
    with pytest.raises(StatisticError, match=said):
        weight_vector(CITIES, weights)


def test_negative_weights_are_refused_by_code():
    with pytest.raises(StatisticError, match=r"1 negative \(first: \['b'\]\)"):
        weight_vector(CITIES.assign(gdp=[1.0, -1.0, 0.0]), "gdp")


def test_the_matrix_follows_the_order_of_the_cities_and_counts_the_roles_asked_for():
    members = pd.DataFrame(
        {"cluster_id": ["C2", "C1", "C1"], "adcode": ["a", "b", "c"], "role": ["primary", "secondary", "primary"]}
    )
    matrix = membership_matrix(members, pd.Index(["c", "b", "a"]), roles=("primary", "secondary"))
    assert matrix.index.tolist() == ["C1", "C2"]
    assert matrix.to_numpy().tolist() == [[True, True, False], [False, False, True]]


def test_a_member_that_is_no_city_of_the_study_is_in_no_row():
    members = pd.DataFrame({"cluster_id": ["C1"], "adcode": ["x"], "role": ["primary"]})
    assert not membership_matrix(members, CITIES.index).to_numpy().any()


def test_missing_scores_and_weights_count_for_nothing_and_none_at_all_gives_nan():
    y, w = np.array([60.0, 90.0, np.nan, 30.0]), np.array([1.0, 2.0, 5.0, np.nan])
    matrix = np.array([[1, 1, 1, 1], [0, 0, 1, 1], [0, 0, 0, 0]], dtype=bool)
    np.testing.assert_array_equal(weighted_means(y, w, matrix), [80.0, np.nan, np.nan])


def test_many_draws_of_weights_give_the_mean_of_each():
    rng = np.random.default_rng(1)
    y, draws, matrix = rng.random(6), rng.random((4, 6)), rng.random((3, 6)) < 0.6
    expected = [[np.average(y[row], weights=w[row]) for row in matrix] for w in draws]
    np.testing.assert_allclose(weighted_means(y, draws, matrix), expected)
