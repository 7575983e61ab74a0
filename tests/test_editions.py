"""Editions side by side: values by hand, identities, witnesses (SciPy, brute force), edges, and the default study."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from geo_cdei import columns, pipeline
from geo_cdei.analysis.editions import compare_editions, rank_mobility
from geo_cdei.analysis.graphs import build_graph, lag, transform
from geo_cdei.analysis.transitions import (
    lisa_transitions,
    markov,
    markov_test,
    needed_cities,
    quantile_classes,
    spatial_markov,
)
from geo_cdei.config import Settings, read_settings
from geo_cdei.errors import AlignmentError, MatchError, SettingsError, StatisticError
from geo_cdei.steps.context import Context
from geo_cdei.steps.editions import _editions, add_editions

BEFORE = pd.Series({"a": 90.0, "b": 80.0, "c": 70.0, "d": 60.0})
AFTER = pd.Series({"a": 85.0, "b": 88.0, "d": 60.0, "e": 75.0})


def noise(n, seed=0):
    rng = np.random.default_rng(seed)
    before = pd.Series(rng.normal(60, 10, n), index=[f"{i:06d}" for i in range(n)])
    return before, before + rng.normal(0, 8, n)


def mobility(before, after, **how):
    return rank_mobility(compare_editions(before, after), **({"seed": 1, "permutations": 99} | how)).iloc[0]


# --- change


def test_changes_and_ranks_by_hand():
    found = compare_editions(BEFORE, AFTER)
    assert found.index.tolist() == ["b", "a", "e", "d", "c"]
    assert found["change"].fillna(-99).tolist() == [8, -5, -99, 0, -99]
    assert found["rank_change"].fillna(-99).tolist() == [1, -1, -99, 0, -99]
    assert found["rank_common_to"].fillna(-99).tolist() == [1, 2, -99, 3, -99]
    assert found["status"].tolist() == ["both", "both", "entered", "both", "left"]
    assert tuple(found.columns) == columns.EDITION_CHANGES


def test_on_a_top_list_nothing_is_said_of_the_others():
    found = compare_editions(BEFORE.head(2), AFTER, top_list=True)
    assert found["status"].to_dict() == {"b": "both", "a": "both"}
    lower = compare_editions(pd.Series({"a": 90.0, "d": 80.0}), AFTER, top_list=True)
    assert lower["status"].to_dict() == {"b": "entered", "a": "both", "d": "left"}
    assert lower.loc["d", "change"] == -20


def test_the_way_back_is_the_negative():
    there, back = compare_editions(BEFORE, AFTER), compare_editions(AFTER, BEFORE)
    np.testing.assert_allclose(there["change"].dropna(), -back["change"].reindex(there.index).dropna())
    swapped = {"entered": "left", "left": "entered", "both": "both"}
    assert there["status"].map(swapped).to_dict() == back["status"].to_dict()


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        (pd.Series([1.0, 2.0], index=["a", "a"]), r"it has 2 scores, 1 cities twice \(first: \['a'\]\)"),
        (pd.Series([np.nan], index=["a"]), "it has 0 scores"),
        (pd.Series([np.inf], index=["a"]), "and 1 infinite values"),
    ],
)
def test_an_edition_that_is_none_is_refused(scores, said):
    with pytest.raises(StatisticError, match=said):
        compare_editions(scores, AFTER)


# --- mobility


def test_mobility_by_hand():
    before = pd.Series([5.0, 4, 3, 2, 1], index=list("abcde"))
    found = mobility(before, pd.Series([4.0, 5, 3, 1, 2], index=list("abcde")))
    assert found[["spearman", "kendall", "reversed_share"]].tolist() == pytest.approx([0.8, 0.6, 0.2])
    assert found["rank_mobility"] == pytest.approx(4 / 8)  # four ranks moved, (25 - 1) / 3 expected


def test_scipy_gives_the_same_correlations_with_ties():
    from scipy.stats import kendalltau, spearmanr

    before, after = (series.round(-1) for series in noise(40))
    found = mobility(before, after)
    assert found["spearman"] == pytest.approx(spearmanr(before, after).statistic)
    assert found["kendall"] == pytest.approx(kendalltau(before, after).statistic)


def test_reversed_pairs_are_those_counted_one_by_one():
    before, after = (series.round(-1) for series in noise(30, seed=4))
    signs = [
        np.sign(before[i] - before[j]) * np.sign(after[i] - after[j])
        for i, j in itertools.combinations(before.index, 2)
    ]
    untied = [sign for sign in signs if sign]
    assert mobility(before, after)["reversed_share"] == pytest.approx(sum(s < 0 for s in untied) / len(untied))


def test_the_permutation_p_is_that_of_scipy():
    from scipy.stats import spearmanr

    before, after = noise(12, seed=2)
    after = after.sample(frac=1, random_state=5).set_axis(after.index) + 0.4 * before
    p = mobility(before, after, permutations=9999)["p_spearman"]
    assert p == pytest.approx(spearmanr(before, after, alternative="greater").pvalue, abs=0.02)


def test_ranks_that_have_nothing_to_do_with_the_earlier_ones_have_mobility_one():
    rng = np.random.default_rng(6)
    before, _ = noise(30)
    drawn = [
        mobility(before, pd.Series(rng.permutation(before), index=before.index), permutations=1) for _ in range(60)
    ]
    assert np.mean([row["rank_mobility"] for row in drawn]) == pytest.approx(1, abs=0.05)


def test_four_common_cities_are_too_few_for_a_correlation():
    found = mobility(BEFORE, AFTER)
    assert found["n"] == 3
    assert found[["spearman", "kendall", "rank_mobility"]].isna().all()
    assert tuple(found.index) == columns.EDITION_MOBILITY


# --- Markov


def test_moves_between_halves_by_hand():
    before = pd.Series(np.arange(20.0))
    after = before.copy()
    after.iloc[[0, 19]] = [19.0, 0.0]
    found = markov(before, after, k=2)
    assert found["n"].tolist() == [9, 1, 1, 9]
    assert found["probability"].tolist() == [0.9, 0.1, 0.1, 0.9]
    assert markov_test(found)["shorrocks"].tolist() == [pytest.approx(0.2)]
    assert tuple(found.columns) == columns.EDITION_MARKOV


def test_mapclassify_gives_the_same_quantile_classes():
    import mapclassify

    values, _ = noise(53)
    assert quantile_classes(values, 4).tolist() == (mapclassify.Quantiles(values, k=4).yb + 1).tolist()


def test_spatial_tables_add_up_to_the_classic_one():
    before, after = noise(200)
    near = pd.Series(np.random.default_rng(8).normal(size=200), index=before.index)
    spatial = spatial_markov(before, after, near)
    pooled = spatial.groupby(["class_from", "class_to"])["n"].sum()
    assert pooled.tolist() == markov(before, after)["n"].tolist()


def test_homogeneity_is_tested_as_scipy_would_row_by_row():
    from scipy.stats import chi2_contingency

    before, after = noise(300)
    near = before + np.random.default_rng(9).normal(0, 15, 300)
    spatial = spatial_markov(before, after, near)
    found = markov_test(markov(before, after), spatial).iloc[1]
    counts = spatial["n"].to_numpy().reshape(3, 3, 3)
    for column, power in (("q", "pearson"), ("lr", "log-likelihood")):
        rows = [counts[:, i][counts[:, i].sum(axis=1) > 0][:, counts[:, i].sum(axis=0) > 0] for i in range(3)]
        tests = [chi2_contingency(row, correction=False, lambda_=power) for row in rows]
        assert found[column] == pytest.approx(sum(test.statistic for test in tests))
        assert found["dof"] == sum(test.dof for test in tests)


def test_moves_that_do_not_look_at_the_neighbors_are_seldom_said_to():
    rejected = 0
    for seed in range(60):
        before, after = noise(200, seed=seed)
        near = pd.Series(np.random.default_rng(1000 + seed).normal(size=200), index=before.index)
        rejected += markov_test(markov(before, after), spatial_markov(before, after, near))["p_lr"].iloc[1] < 0.05
    assert rejected <= 9  # 3 expected; more than 9 has a chance of 0.1 %


def test_a_table_needs_five_moves_a_cell():
    before, after = noise(44)
    assert needed_cities(3) == 45
    with pytest.raises(StatisticError, match=r"44 cities are too few for this table; 45 are needed \(5 moves a cell"):
        markov(before, after)
    with pytest.raises(StatisticError, match="44 cities are too few for this table; 135 are needed"):
        spatial_markov(before, after, before)


def test_classes_that_ties_leave_empty_are_an_error():
    with pytest.raises(StatisticError, match=r"50 values give no 3 classes: bounds coincide\. Set a smaller classes"):
        markov(pd.Series(np.ones(50)), pd.Series(np.arange(50.0)))


def test_another_order_of_the_cities_is_an_error():
    before, after = noise(50)
    with pytest.raises(
        AlignmentError, match="the editions list 50 and 50 cities, 0 of them in one only, or in another"
    ):
        markov(before, after[::-1])


# --- LISA


def test_quadrant_moves_by_hand(line_of_cities):
    graph = build_graph(line_of_cities, method="distance_band", threshold_km=120)
    before = line_of_cities["y"]  # 1 to 7: below the mean of 4, then above
    after = before.replace({7.0: -7.0})  # the last one falls; the mean is 2
    found = lisa_transitions(before, after, graph)
    moved = found[found["n"] > 0].set_index(["quadrant_from", "quadrant_to"])
    assert moved["n"].to_dict() == {
        ("HH", "HH"): 1, ("HH", "LH"): 1, ("HH", "HL"): 1, ("LL", "HH"): 2, ("LL", "LL"): 2,
    }  # fmt: skip
    assert moved["move"].tolist() == ["none", "own", "neighbors", "both", "none"]


def test_quadrants_are_those_of_esda_and_isolates_are_not_counted(lattice):
    import esda

    y = lattice["y"]
    graph = build_graph(lattice, method="queen")
    found = lisa_transitions(y, y, graph)
    q = esda.Moran_Local(y, transform(graph, "R"), permutations=0).q
    counts = pd.Series(q).map({1: "HH", 2: "LH", 3: "LL", 4: "HL"}).value_counts()
    same = found[found["move"] == "none"].set_index("quadrant_from")["n"]
    assert same.to_dict() == counts.reindex(same.index).to_dict()
    assert found["n"].sum() == 100
    assert tuple(found.columns) == columns.EDITION_LISA


def test_cities_that_do_not_move_are_on_the_diagonal(lattice):
    found = lisa_transitions(lattice["y"], 3 * lattice["y"] + 7, build_graph(lattice, method="queen"))
    assert found.loc[found["move"] != "none", "n"].sum() == 0


# --- a study


@pytest.fixture(scope="module")
def default():
    from geo_cdei.workspace import default_study, open_study

    workspace = open_study(default_study())
    return pipeline.run(workspace, read_settings(workspace.settings), only=["editions"])


def test_the_default_study_compares_the_top_ten_of_2020(default):
    changes = default.tables["edition_changes"].set_index("city")
    assert changes["status"].value_counts().to_dict() == {"both": 8, "entered": 2, "left": 2}
    assert changes.index[changes["status"] == "entered"].tolist() == ["南京", "苏州"]
    assert changes.index[changes["status"] == "left"].tolist() == ["宁波", "武汉"]
    assert changes.loc["武汉", ["change", "rank_change"]].round(1).tolist() == [-2.7, -6]


def test_the_four_poles_stand_beside_what_2020_prints(default):
    table = default.tables["edition_clusters"].set_index("cluster_id")
    assert table.loc[["C01", "C02", "C03", "C04"], "change"].round(1).tolist() == [2.8, 2.2, 1.8, 2.2]
    assert table[["basis_from", "basis_to"]].drop_duplicates().to_numpy().tolist() == [["printed", "computed"]]


def test_ten_cities_give_no_transition_table_and_the_reason_is_told(default):
    assert not [name for name in default.tables if name.startswith(("edition_markov", "edition_lisa"))]
    said = [notice.message for notice in default.notices if notice.step == "editions"]
    assert "2020 to 2021: no Markov table: 10 cities are in both editions, 45 are needed" in said
    assert "2020 to 2021: no LISA transitions: 10 cities are in both editions, 30 are needed" in said


@pytest.mark.parametrize(("lang", "said"), [("zh", "进入 2，退出 2"), ("en", "2 entered, 2 left")])
def test_the_page_switches_years_that_are_classed_alike(default, lang, said):
    from dataclasses import replace

    from geo_cdei.outputs.editions_page import editions_page

    study = default.settings.study.model_copy(update={"language": lang})
    page = editions_page(replace(default, settings=default.settings.model_copy(update={"study": study}))).html
    assert said in page
    assert all(f'"edition_{year}"' in page for year in (2020, 2021))
    assert page.count('"35.1 – 45.8"') == 2


@pytest.fixture
def whole(study):
    """Give a study a whole earlier edition: every city a little lower, the order shuffled among near ones."""
    table = pd.read_csv(study.raw / "scores_2021.csv")
    drift = np.random.default_rng(11).normal(-2, 3, len(table)).round(1)
    table.assign(score=(table["score"] + drift).clip(1, 99))[["city", "score"]].iloc[:-2].to_csv(
        study.raw / "scores_2019.csv", index=False
    )
    editions = Settings().editions.model_copy(update={"tables": {"2019": "scores_2019"}, "top_lists": ()})
    return study, read_settings(study.settings).model_copy(update={"editions": editions})


def test_two_whole_editions_give_every_table(whole):
    analysis = pipeline.run(*whole, only=["editions"])
    tables = {name: table for name, table in analysis.tables.items() if name.startswith("edition_")}
    assert tables["edition_mobility"][["from", "to", "n", "n_entered"]].to_numpy().tolist() == [[2019, 2021, 240, 2]]
    assert tables["edition_markov"]["lag_class"].value_counts().to_dict() == {"all": 9, "1": 9, "2": 9, "3": 9}
    assert tables["edition_lisa"]["n"].sum() == 240
    assert tables["edition_markov_tests"]["n"].tolist() == [240, 240]
    assert set(tables["edition_clusters"]["basis_from"]) == {"computed"}
    graph = transform(build_graph(analysis.cities.loc[tables["edition_scores"].dropna().index]), "R")
    assert len(lag(graph, tables["edition_scores"].dropna()["score_2019"])) == 240


def bare(workspace, editions):
    """Make a run that has scores and nothing else."""
    scored = SimpleNamespace(cities=pd.DataFrame({"score": [1.0]}, index=["110000"]))
    return Context(workspace, Settings().model_copy(update={"editions": editions}), None, scored)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"tables": {"2021": "scores_2019"}},
            r"\[editions\] 2021 is the study's own edition: name other years under",
        ),
        ({"tables": {}, "top_lists": ("2018",)}, r"\[editions\] top_lists has \['2018'\]"),
    ],
)
def test_settings_of_editions_that_cannot_be_are_refused(study, change, said):
    with pytest.raises(SettingsError, match=said):
        add_editions(bare(study, Settings().editions.model_copy(update=change)))


def test_a_study_of_one_edition_skips_the_step_with_the_reason(study):
    (study.raw / "scores_2020_top10.csv").unlink()
    run = bare(study, Settings().editions)
    add_editions(run)
    assert [notice.message for notice in run.notices] == [
        "there is no table scores_2020_top10: the edition 2020 is left out",
        "skipped: the study has one edition only; name others under [editions]",
    ]
    assert run.tables == {}


def test_a_city_of_an_edition_that_is_no_unit_is_an_error(study):
    (study.raw / "scores_2020_top10.csv").write_text("city,score\n苏洲,80\n", encoding="utf-8")
    with pytest.raises(MatchError, match="scores_2020_top10: 1 fault in the cities of 1 rows"):
        add_editions(bare(study, Settings().editions))


def test_an_edition_of_earlier_units_is_brought_to_those_of_today(study):
    table = "city,score,population\n济南,70,8000\n莱芜,50,2000\n北京,90,30000\n"
    (study.raw / "scores_2020_top10.csv").write_text(table, encoding="utf-8")
    run = bare(study, Settings().editions)
    found = _editions(run)[2020]
    assert found.to_dict() == {"370100": 66.0, "110000": 90.0}  # (8 x 70 + 2 x 50) / 10
    assert any(notice.step == "editions" and "371200" in notice.message for notice in run.notices)
