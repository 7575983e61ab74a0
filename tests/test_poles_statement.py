"""The table of the fifth pole, its statement in two languages and its chart."""

from __future__ import annotations

import re
from functools import cache
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from pole_frames import criteria_of

from geo_cdei import columns
from geo_cdei._poles import CRITERIA
from geo_cdei.analysis import acceptability as ac
from geo_cdei.analysis import pole_facts as pf
from geo_cdei.analysis import pole_goals as pg
from geo_cdei.analysis import pole_ranking as pr
from geo_cdei.errors import OutputError, StatisticError
from geo_cdei.outputs import statements
from geo_cdei.outputs.charts import acceptability_chart

OPEN, CLEAR, GROUPED, UNKNOWN = "open", "clear", "grouped", "unknown"
CASES = {
    OPEN: (
        {"score": [3, 2, 1], "scale_2020": [3, 2, 1], "complementarity": [0, 1, 5]},
        ["level", "breadth", "location"],
    ),
    CLEAR: ({"score": [9, 5, 1], "complementarity": [8, 3, 2]}, ["level", "location"]),
    GROUPED: (
        {
            "score": [9, 5, 1], "scale_2020": [9, 3, 1], "n_strong": [5, 1, 0], "n_corridors": [3, 1, 0],
            "complementarity": [0, 1, 5],
        },
        ["breadth"] * 4 + ["location"],
    ),
    UNKNOWN: ({"score": [3, 2, 1], "change": [np.nan] * 3}, ["level", "dynamics"], None, (1, 2)),
}  # fmt: skip


@cache
def found_of(case):
    """Run everything on one case: criteria, table, acceptabilities and the tables of a statement."""
    raw, groups, directions, change = (*CASES[case], None, None)[:4]
    made = criteria_of(raw, groups, directions, change=change)
    ranking = pr.rank_poles(made)
    found = {scheme: ac.rank_acceptability(made, scheme=scheme, draws=10_000, seed=1) for scheme in ac.SCHEMES}
    table = pf.pole_table(made, ranking, found)
    sites = pd.DataFrame({"saved_km": [3.0], "saved_share": [0.2], "rank": [1], "city": ["甲"], "city_en": ["Jia"]})
    sensitivity = pf.pole_sensitivity(
        made, {"grouped": ranking, "equal": pr.rank_poles(made, weights=pr.objective_weights(made, "equal"))},
        reversals=pr.rank_reversals(made), variants=ac.acceptability_variants(made, draws=10_000, seed=1),
    )  # fmt: skip
    tables = {
        "sensitivity": sensitivity, "deciding": pr.deciding_criteria(made, *table.index[:2]),
        "goals": pg.pole_goals(made), "pairs": ac.pair_table(made, found), "sites": sites,
        "correlations": pr.criteria_correlations(made),
    }  # fmt: skip
    return made, table, found, tables


@cache
def facts_of(case):
    made, table, _, tables = found_of(case)
    held = pd.DataFrame({"cluster": ["极"], "cluster_en": ["Pole"]}, index=["P"])
    return pf.pole_facts(made, table, tables=tables, held=held, draws=10_000, seed=1)


def test_the_table_has_every_component_beside_the_rank():
    made, table, _, _ = found_of(OPEN)
    assert tuple(table.columns) == (*columns.POLES, *made.raw, *(f"scaled_{name}" for name in made.raw))


def test_the_first_shares_of_the_table_sum_to_one():
    _, table, _, _ = found_of(OPEN)
    assert table[["p_first", "p_first_flat"]].sum().tolist() == pytest.approx([1, 1])


def test_the_expected_rank_is_the_mean_rank():
    _, table, found, _ = found_of(OPEN)
    ranks = found["grouped"].ranks
    assert table["rank_expected"].to_dict() == pytest.approx((ranks * ranks.columns).sum(axis=1).to_dict())


def test_sensitivity_names_its_columns_and_kinds():
    _, _, _, tables = found_of(OPEN)
    assert tuple(tables["sensitivity"].columns) == columns.POLE_SENSITIVITY
    assert set(tables["sensitivity"]["kind"]) == {"weights", "acceptability", "candidate dropped"}


def test_the_base_weights_turn_no_pair_against_themselves():
    _, _, _, tables = found_of(OPEN)
    base = tables["sensitivity"].query("kind == 'weights' and subject == 'grouped'")
    assert base["n_reversed"].tolist() == [0, 0]
    assert not base["first_changes"].any()


def test_a_candidate_that_is_best_in_everything_is_clear():
    facts = facts_of(CLEAR)
    assert (facts["verdict"], facts["methods_agree"], facts["grouping_matters"]) == ("clear", True, False)


def test_a_lead_by_repeated_size_is_not_clear_once_grouped():
    facts = facts_of(GROUPED)
    assert (facts["flat_verdict"], facts["verdict"]) == ("clear", "likely")
    assert facts["grouping_matters"]
    assert facts["correlated"]["n_with_size"] == 3


@pytest.mark.parametrize(
    ("grouped", "flat", "verdict"),
    [(0.9, 0.9, "clear"), (0.95, 0.89, "likely"), (0.5, 0.1, "likely"), (0.49, 0.99, "open")],
)
def test_the_verdict_follows_its_stated_rule(grouped, flat, verdict):
    assert pf._verdict(grouped, flat) == verdict


def test_the_leader_is_followed_while_criteria_are_left_out():
    facts, table = facts_of(GROUPED), found_of(GROUPED)[3]["sensitivity"]
    without = table[
        table["subject"].isin(["without score", "without scale_2020", "without n_strong", "without n_corridors"])
    ]
    assert facts["leaning"]["least"] == without["p_leader"].min()
    assert facts["leaning"]["most"] == without["p_leader"].max()


def test_facts_need_their_tables():
    made, table, _, tables = found_of(CLEAR)
    tables = {name: frame for name, frame in tables.items() if name != "goals"}
    with pytest.raises(StatisticError, match="needs the tables goals"):
        pf.pole_facts(made, table, tables=tables, held=table, draws=10_000, seed=1)


@pytest.mark.parametrize(
    ("lang", "said"), [("zh", "在至少九成的价值取向下居首"), ("en", "at least nine of ten value systems")]
)
def test_a_clear_verdict_is_said(lang, said):
    assert said in statements.pole_statement(facts_of(CLEAR), lang=lang)


@pytest.mark.parametrize(("lang", "said"), [("zh", "但这不是定论"), ("en", "which is not certain")])
def test_a_likely_verdict_is_not_called_certain(lang, said):
    assert said in statements.pole_statement(facts_of(GROUPED), lang=lang)


@pytest.mark.parametrize(
    ("lang", "said"), [("zh", "没有一个候选在半数以上"), ("en", "no candidate is first in half")]
)
def test_an_open_verdict_is_said(lang, said):
    facts = facts_of(GROUPED) | {"verdict": "open"}
    assert said in statements.pole_statement(facts, lang=lang)


@pytest.mark.parametrize(
    ("lang", "said"), [("zh", "对全部候选未知：两版变化"), ("en", "every candidate: Change between editions")]
)
def test_what_is_unknown_is_said(lang, said):
    assert said in statements.pole_statement(facts_of(UNKNOWN), lang=lang)


def test_both_languages_give_the_same_numbers():
    facts = facts_of(GROUPED)
    zh, en = (sorted(re.findall(r"\d+\.?\d*%", statements.pole_statement(facts, lang=lang))) for lang in ("zh", "en"))
    assert zh == en


def test_the_english_statement_has_no_chinese():
    written = statements.pole_statement(facts_of(GROUPED), lang="en")
    assert not [c for c in written if "\u4e00" <= c <= "\u9fff"]


@pytest.mark.parametrize(("lang", "begins"), [
    ("zh", ["候选：", "结论：", "分组的作用：", "方法：", "概率是"]),
    ("en", ["Candidates:", "Verdict:", "What grouping does:", "Methods:", "The probabilities are"]),
])  # fmt: skip
@pytest.mark.parametrize("case", [CLEAR, GROUPED, OPEN, UNKNOWN])
def test_the_notes_are_five_lines_of_the_statement(case, lang, begins):
    notes = statements.pole_notes(facts_of(case), lang=lang)
    assert [note[: len(start)] for note, start in zip(notes, begins, strict=True)] == begins


def test_names_from_data_are_never_read_as_a_template():
    facts = facts_of(CLEAR)
    facts = facts | {"first": facts["first"] | {"cluster_en": "{{ seed }}"}}
    assert "{{ seed }}" in statements.pole_statement(facts, lang="en")


def test_a_statement_without_its_facts_is_an_error():
    with pytest.raises(OutputError, match="the statement lacks a fact: 'poles' is undefined"):
        statements.pole_statement({}, lang="en")


def test_a_statement_in_a_third_language_is_an_error():
    with pytest.raises(OutputError, match="got 'fr'"):
        statements.pole_statement({}, lang="fr")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_criterion_has_a_sentence(lang):
    rows = statements.criterion_words([c.key for c in CRITERIA], lang=lang)
    assert all(name and sentence for name, sentence in rows)


def test_a_criterion_without_words_is_an_error():
    with pytest.raises(OutputError, match="1 criteria have no words: luck"):
        statements.criterion_words(["luck"], lang="zh")


def chart_of(ranks, names=None):
    return acceptability_chart(ranks, names or {}, words=["Ranks", "rank", "below"])


def test_the_bars_of_the_chart_are_as_long_as_the_shares():
    ranks = pd.DataFrame([[0.75, 0.25], [0.25, 0.75]], index=["C1", "C2"], columns=[1, 2])
    space = "{http://www.w3.org/2000/svg}"
    bars = [r for r in ElementTree.fromstring(chart_of(ranks)).iter(f"{space}rect") if r.get("height") == "15"]
    width = np.array([float(bar.get("width")) for bar in bars]).reshape(2, -1)
    assert (width / width.sum(axis=1, keepdims=True)).tolist() == [[0.75, 0.25], [0.25, 0.75]]


def test_the_chart_shows_the_likeliest_first():
    ranks = pd.DataFrame([[0.25, 0.75], [0.75, 0.25]], index=["C1", "C2"], columns=[1, 2])
    svg = chart_of(ranks)
    assert svg.index(">C2<") < svg.index(">C1<")


def test_a_name_in_the_chart_stays_text():
    ranks = pd.DataFrame([[1.0]], index=["C1"], columns=[1])
    svg = chart_of(ranks, {"C1": '</svg><script>alert("1")</script>'})
    assert "<script" not in svg
    assert ElementTree.fromstring(svg).tag.endswith("svg")


def test_a_missing_share_is_no_chart():
    with pytest.raises(OutputError, match="1 of 1 shares are not"):
        chart_of(pd.DataFrame([[np.nan]], index=["C1"], columns=[1]))
