"""Composite scores: values by hand, identities, witnesses (scikit-learn, SciPy, pymcdm), edges, and a whole study."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from geo_cdei import pipeline
from geo_cdei.analysis.composite import add_up, indicator_weights, leave_out, scale_indicators
from geo_cdei.columns import COMPOSITE, COMPOSITE_LEFT_OUT, COMPOSITE_WEIGHTS
from geo_cdei.config import read_settings
from geo_cdei.errors import InputError, SettingsError, StatisticError
from geo_cdei.steps.composite import read_scores

UP = {"gdp": "up", "smog": "down"}


@pytest.fixture
def by_hand():
    """Four cities, two indicators."""
    codes = pd.Index(["110000", "120000", "130100", "130200"], name="adcode")
    return pd.DataFrame({"gdp": [10.0, 20.0, 30.0, 50.0], "smog": [5.0, 1.0, 3.0, 1.0]}, index=codes)


@pytest.fixture
def noise():
    """Sixty cities, five indicators, none missing."""
    values = np.random.default_rng(3).lognormal(size=(60, 5))
    return pd.DataFrame(values, columns=list("abcde"), index=[f"{i:06d}" for i in range(60)])


def directions(table, down=()):
    return {name: "down" if name in down else "up" for name in table.columns}


# --- by hand


def test_min_max_by_hand(by_hand):
    scaled = scale_indicators(by_hand, directions=UP)
    assert scaled.to_numpy().tolist() == [[0, 0], [25, 100], [50, 50], [100, 100]]


def test_rank_by_hand_shares_the_mean_of_ties(by_hand):
    scaled = scale_indicators(by_hand, directions=UP, method="rank")
    assert scaled["smog"].tolist() == [
        0.0,
        pytest.approx(100 - 50 / 3),
        pytest.approx(100 / 3),
        pytest.approx(100 - 50 / 3),
    ]


def test_z_by_hand(by_hand):
    z = scale_indicators(by_hand[["gdp"]], directions=UP, method="z")["gdp"]
    assert z.iloc[0] == pytest.approx(50 - 10 * 17.5 / np.sqrt((17.5**2 + 7.5**2 + 2.5**2 + 22.5**2) / 4))


def test_a_score_by_hand_and_its_contributions(by_hand):
    scaled = scale_indicators(by_hand, directions=UP)
    steps = add_up(by_hand, scaled, pd.Series({"gdp": 0.75, "smog": 0.25}))
    assert steps.iloc[2].tolist() == ["120000", "gdp", 20.0, 25.0, 0.75, 18.75]
    assert steps.groupby("adcode")["contribution"].sum().tolist() == [0.0, 43.75, 50.0, 100.0]


def test_entropy_weights_by_hand():
    table = pd.DataFrame({"a": [0.0, 1, 2], "b": [0.0, 0, 9]})
    found = indicator_weights(table, directions=directions(table), method="entropy")
    e = -(np.log(1 / 3) / 3 + 2 * np.log(2 / 3) / 3) / np.log(3)
    assert found["entropy"].tolist() == [pytest.approx(e), 0.0]
    assert found["weight"].tolist() == [pytest.approx((1 - e) / (2 - e)), pytest.approx(1 / (2 - e))]


def test_a_city_that_lacks_one_is_scored_by_the_others_with_their_weights_raised(by_hand):
    by_hand.loc["120000", "smog"] = np.nan
    scaled = scale_indicators(by_hand, directions=UP)
    steps = add_up(by_hand, scaled, pd.Series({"gdp": 0.75, "smog": 0.25}))
    assert steps[steps["adcode"] == "120000"][["weight", "contribution"]].to_numpy().tolist() == [[1.0, 25.0]]


# --- identities


@pytest.mark.parametrize("method", ["min-max", "z", "rank"])
def test_another_unit_changes_no_scale(noise, method):
    other = scale_indicators(7 * noise + 3, directions=directions(noise), method=method)
    pd.testing.assert_frame_equal(other, scale_indicators(noise, directions=directions(noise), method=method))


@pytest.mark.parametrize("method", ["min-max", "z", "rank"])
def test_down_is_up_of_the_negative(noise, method):
    down = scale_indicators(noise, directions=directions(noise, down="abcde"), method=method)
    pd.testing.assert_frame_equal(down, scale_indicators(-noise, directions=directions(noise), method=method))


@pytest.mark.parametrize("weights", ["equal", "entropy"])
def test_contributions_add_up_to_the_weighted_mean_of_the_scales(noise, weights):
    scaled = scale_indicators(noise, directions=directions(noise))
    found = indicator_weights(noise, directions=directions(noise), method=weights)["weight"]
    score = add_up(noise, scaled, found).groupby("adcode")["contribution"].sum()
    np.testing.assert_allclose(score, (scaled * found).sum(axis=1))
    assert found.sum() == pytest.approx(1)


def test_given_weights_count_in_proportion(noise):
    found = indicator_weights(
        noise, directions=directions(noise), method="given", given=dict(zip("abcde", [2, 2, 4, 0, 8], strict=True))
    )
    assert found["weight"].tolist() == [0.125, 0.125, 0.25, 0, 0.5]


# --- witnesses


def test_scikit_learn_scales_alike(noise):
    from sklearn.preprocessing import MinMaxScaler, StandardScaler

    ours = {
        method: scale_indicators(noise, directions=directions(noise), method=method) for method in ("min-max", "z")
    }
    np.testing.assert_allclose(ours["min-max"], 100 * MinMaxScaler().fit_transform(noise.to_numpy()), atol=1e-9)
    np.testing.assert_allclose(ours["z"], 50 + 10 * StandardScaler().fit_transform(noise.to_numpy()))


def test_scipy_ranks_alike(noise):
    from scipy.stats import rankdata

    noise.iloc[::3, 0] = 1.0
    ours = scale_indicators(noise, directions=directions(noise), method="rank")
    np.testing.assert_allclose(ours, 100 * (rankdata(noise, axis=0) - 1) / 59)


def test_pymcdm_gives_the_same_entropy_weights(noise):
    from pymcdm.weights import entropy_weights

    scaled = scale_indicators(noise, directions=directions(noise, down="b"))
    ours = indicator_weights(noise, directions=directions(noise, down="b"), method="entropy")["weight"]
    np.testing.assert_allclose(ours, entropy_weights(scaled.to_numpy() + 1e-300), rtol=1e-9)


# --- edges


def test_dropped_cities_are_named_with_their_reason(by_hand):
    by_hand.loc["130100"] = np.nan
    by_hand.loc["120000", "smog"] = np.nan
    out = leave_out(by_hand)
    assert out.columns.tolist() == list(COMPOSITE_LEFT_OUT)
    assert out["reason"].to_dict() == {"120000": "lacks smog", "130100": "lacks gdp, smog"}


@pytest.mark.parametrize(("share", "out"), [(0.5, []), (0.51, ["120000"])])
def test_the_minimum_share_counts_indicators(by_hand, share, out):
    by_hand.loc["120000", "smog"] = np.nan
    assert leave_out(by_hand, missing="mean", minimum_share=share).index.tolist() == out


def test_missing_cells_can_be_an_error_that_lists_them(by_hand):
    by_hand.loc["120000", "smog"] = np.nan
    with pytest.raises(StatisticError, match=r"1 of 4 cities lack indicators \(120000: smog\)\. Fill the cells, or"):
        leave_out(by_hand, missing="error")


def test_too_few_cities_are_an_error(by_hand):
    by_hand.loc[by_hand.index[:3], "gdp"] = np.nan
    with pytest.raises(StatisticError, match=r"1 of 4 cities have enough indicators for a score; two are needed"):
        leave_out(by_hand)


def test_an_indicator_that_tells_no_city_from_another_is_refused(by_hand):
    with pytest.raises(StatisticError, match=r"the indicators \['gdp'\] are the same for all 4 cities"):
        scale_indicators(by_hand.assign(gdp=1.0), directions=UP)


def test_infinite_values_are_refused(by_hand):
    with pytest.raises(StatisticError, match=r"the indicators \['smog'\] hold infinite values"):
        scale_indicators(by_hand.assign(smog=np.inf), directions=UP)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"gdp": 1.0}, r"1 of 2 indicators have no weight \(smog\)"),
        ({"gdp": 1.0, "smog": -1.0}, "weights are 0 or more"),
        ({"gdp": 0.0, "smog": 0.0}, "and not all 0"),
    ],
)
def test_impossible_weights_are_refused(by_hand, given, said):
    with pytest.raises(StatisticError, match=said):
        indicator_weights(by_hand, directions=UP, method="given", given=given)


def test_a_city_with_nothing_that_counts_is_refused(by_hand):
    scaled = scale_indicators(by_hand, directions=UP)
    scaled.loc["120000", "gdp"] = np.nan
    with pytest.raises(StatisticError, match=r"1 cities have only indicators of weight 0 \(first: \['120000'\]\)"):
        add_up(by_hand, scaled, pd.Series({"gdp": 1.0, "smog": 0.0}))


# --- a study


SECTION = """[score]
indicators = [
  { table = "indicators", column = "宽带", weight = 3 },
  { table = "indicators", column = "投诉", direction = "down", weight = 1 },
]
weights = "given"
"""


@pytest.fixture
def made(study):
    """Give a study two indicators of five cities in place of its scores."""
    rows = ["城市,宽带,投诉", "北京,90,5%", "上海市,80,1%", "苏州,70,—", "310000x,,", "320200,50,9%"]
    rows = [row.replace("310000x,,", "杭州,60,5%").replace("320200", "无锡") for row in rows]
    (study.raw / "indicators.csv").write_text("\n".join(rows), encoding="gb18030")
    text = study.settings.read_text(encoding="utf-8")
    before, _, rest = text.partition("[score] ")
    study.settings.write_text(before + SECTION + rest[rest.index("\n[editions]") :], encoding="utf-8")
    return study


def test_indicators_make_the_scores_of_a_study_with_every_step_in_a_table(made):
    (made.raw / "published.csv").unlink()
    analysis = pipeline.run(made, read_settings(made.settings), only=["scores"])
    assert analysis.cities.set_index("city")["score"].round(2).to_dict() == {
        "北京": 87.5, "上海市": 81.25, "杭州": 31.25, "无锡": 0.0,
    }  # fmt: skip
    steps, weights = analysis.tables["composite"], analysis.tables["composite_weights"]
    assert steps.columns.tolist() == ["adcode", "city", *COMPOSITE[1:]]
    assert weights.columns.tolist() == list(COMPOSITE_WEIGHTS)
    assert weights["weight"].to_dict() == {"宽带": 0.75, "投诉": 0.25}
    assert analysis.tables["composite_left_out"]["reason"].to_dict() == {"320500": "lacks 投诉"}
    said = " ".join(notice.message for notice in analysis.notices)
    assert "1 cities have no composite score: 苏州 lacks 投诉" in said
    assert "indicators was read as gb18030" in said
    assert "5% in the column 投诉 is read as 5" in said


@pytest.mark.parametrize(
    ("old", "new", "error", "said"),
    [
        (
            "宽带",
            "网速",
            InputError,
            r"indicators has no column '网速', which \[score\] asks for; it has: city, 宽带, 投诉",
        ),
        ("投诉", "city", InputError, "the column 'city' of indicators is no column of numbers"),
        ("投诉", "宽带", SettingsError, r"\[score\] has the indicator '宽带' twice; give one of them another name"),
    ],
)
def test_an_indicator_that_cannot_be_had_is_named(made, old, new, error, said):
    text = made.settings.read_text(encoding="utf-8")
    made.settings.write_text(text.replace(f'column = "{old}"', f'column = "{new}"'), encoding="utf-8")
    with pytest.raises(error, match=said):
        read_scores(made, read_settings(made.settings), lambda _, table: table["city"], [])
