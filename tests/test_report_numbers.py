"""Every number of the report stands in a table, and every sentence follows from the tables."""

from __future__ import annotations

import dataclasses
import re

import pandas as pd
import pytest
from report_reader import Page, Tables, fits, word_numbers

from geo_cdei import pipeline
from geo_cdei.config import read_settings
from geo_cdei.outputs.publish import publish
from geo_cdei.outputs.report.build import build_report
from geo_cdei.outputs.report.document import Figure, Heading, Paragraph, TableBlock, numbers_of
from geo_cdei.outputs.report.html import document_html
from geo_cdei.outputs.report.verdicts import verdict
from geo_cdei.outputs.report.word import document_docx
from geo_cdei.workspace import Workspace, create_study

#: What may hold a digit without a trace: years, dates, codes of clusters, names of patterns, columns, rules, graphs.
ALLOWED = re.compile(
    r"\b(19|20)\d\d\b|C\d\d|4\+N|\w+_\d{4}|\^\d(\.\d)?|1/rank|(knn|band)\d+|\d{4}-\d\d-\d\d"
)  # fmt: skip
LANGUAGES = ("zh", "en")


@pytest.fixture(scope="module")
def documents(finished):
    return {lang: build_report(finished.analysis, lang=lang) for lang in LANGUAGES}


@pytest.fixture(scope="module")
def tables(finished, finished_study):
    return Tables(finished_study.root, finished.analysis.settings)


def wrong(numbers, tables):
    return [(*trace, text) for *trace, text in numbers if not fits(text, tables.value(*trace))]


# --- back to the tables


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_number_of_the_page_is_that_of_its_table(documents, tables, lang):
    numbers = Page(document_html(documents[lang])).numbers
    assert len(numbers) > 2500
    assert wrong(numbers, tables) == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_number_of_the_word_file_is_that_of_its_table(documents, tables, lang):
    numbers = word_numbers(document_docx(documents[lang]))
    assert len(numbers) == len(list(numbers_of(documents[lang])))
    assert wrong(numbers, tables) == []


def test_the_step_of_a_run_writes_the_numbers_of_its_document(analysis, tmp_path):
    given = {"report": {"formats": ("html", "docx")}, "outputs": {"formats": (), "maps": ()}}
    sections = {name: getattr(analysis.settings, name).model_copy(update=keys) for name, keys in given.items()}
    run = dataclasses.replace(analysis, settings=analysis.settings.model_copy(update=sections))
    publish(run, Workspace(tmp_path), steps=("scores", "report"), inputs={})
    expected = [(n.table, n.row, n.column, n.text) for n in numbers_of(build_report(run, lang="zh"))]
    assert Page((tmp_path / "report.html").read_text(encoding="utf-8")).numbers == expected
    assert word_numbers((tmp_path / "report.docx").read_bytes()) == expected


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_digit_of_a_sentence_is_without_a_trace(documents, lang):
    said = [run for block in documents[lang].blocks if not is_reference(block) for run in texts(block)]
    assert [text for text in said if re.search(r"\d", ALLOWED.sub("", text))] == []


def is_reference(block):
    return isinstance(block, Paragraph) and block.style == "reference"


def texts(block):
    """List the texts of a block that are no numbers; words taken over from files are not ours."""
    if isinstance(block, Heading | Paragraph):
        cells = [block.runs]
    elif isinstance(block, Figure):
        cells = [block.caption]
    elif isinstance(block, TableBlock):
        cells = [block.caption, block.header, *(cell for row in block.rows for cell in row)]
    else:
        cells = []
    return [run for cell in cells for run in cell if isinstance(run, str)]


# --- what a change of the input changes


def scores_only(study):
    return pipeline.run(study, read_settings(study.settings), only=["scores"])


def with_score(study, city, gain):
    path = study.root / "data" / "raw" / "scores_2021.csv"
    table = pd.read_csv(path, encoding="utf-8-sig")
    table.loc[table["city"] == city, "score"] += gain
    table.to_csv(path, index=False, encoding="utf-8")
    return study


@pytest.fixture(scope="module")
def changed(analysis, tmp_path_factory):
    """Give the blocks of the report before and after one score rose by 5, with the heading they stand under."""
    study = with_score(create_study(tmp_path_factory.mktemp("risen") / "study"), "青岛", 5)
    before, after = (build_report(run, lang="zh").blocks for run in (analysis, scores_only(study)))
    assert len(before) == len(after)
    under, differing = "", []
    for old, new in zip(before, after, strict=True):
        under = old.runs[0] if isinstance(old, Heading) else under
        if old != new:
            differing.append((under, old, new))
    return differing


def test_a_changed_score_changes_the_sheet_of_its_cluster_and_no_other(changed):
    sheets = {under for under, *_ in changed if re.match(r"C\d\d", under)}
    assert sheets == {"C05"}


def test_a_changed_score_changes_only_the_sections_that_hold_it(changed):
    """The nation's means, the printed tier means, the rule 1/rank, the table of clusters, and the sheet."""
    assert {under for under, *_ in changed} == {"摘要", "数字的重算", "加权方式是推断的", "城市群", "C05"}


def test_a_changed_score_changes_no_word_of_the_sentences_only_their_numbers(changed):
    paragraphs = [(old, new) for _, old, new in changed if isinstance(old, Paragraph)]
    assert paragraphs
    assert [(old, new) for old, new in paragraphs if texts(old) != texts(new)] == []


def test_a_changed_score_changes_one_row_of_the_table_of_clusters(changed):
    old, new = next((a, b) for _, a, b in changed if isinstance(a, TableBlock) and a.header[0] == "编号")
    rows = [a[0] for a, b in zip(old.rows, new.rows, strict=True) if a != b]
    assert rows == [("C05",)]


# --- words follow the p-values


@pytest.mark.parametrize(
    ("p", "word"), [(0.0, "distinguishable"), (0.05, "distinguishable"), (0.050001, "not distinguishable"),
                    (1.0, "not distinguishable"), (float("nan"), "not tested")]
)  # fmt: skip
def test_a_verdict_follows_its_p(p, word):
    assert verdict(p) == word


def test_the_verdict_of_a_row_is_that_of_its_corrected_p(documents):
    roles = next(b for b in documents["en"].blocks if isinstance(b, TableBlock) and "Verdict" in b.header
                 and "Bootstrap" in b.header)  # fmt: skip
    said = [row[-1][0] for row in roles.rows]
    assert said == [verdict(row[-2][0].value) for row in roles.rows]


def test_the_verdicts_of_the_corridors_agree_with_their_p_values(finished):
    frame = finished.analysis.tables["corridors"].query("kind == 'claimed'")
    found = frame["holm_score"].le(0.05) | frame["holm_flow"].le(0.05)
    assert (frame["verdict"].ne("not distinguishable") == found).all()
