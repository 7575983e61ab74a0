"""The report as a page and as a Word file: whole, in one language, readable for all, equal at every run."""

from __future__ import annotations

import dataclasses
import io
import re
import zipfile
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
import shapely
from PIL import Image, ImageDraw
from report_reader import Page, W

from geo_cdei.errors import OutputError
from geo_cdei.outputs.report import locator
from geo_cdei.outputs.report.build import build_report, report_name
from geo_cdei.outputs.report.document import Figure, Heading, Number, Paragraph, TableBlock, Verbatim, plain
from geo_cdei.outputs.report.files import write_report
from geo_cdei.outputs.report.html import document_html
from geo_cdei.outputs.report.locator import check_ground, prepare_ground
from geo_cdei.outputs.report.numbers import Numbers
from geo_cdei.outputs.report.templates import Section, Writer, report_word
from geo_cdei.outputs.report.word import document_docx

HAN = re.compile(r"[\u4e00-\u9fff]")
EVIL = '</title><script>alert("1")</script># @page {{ 7*7 }}`${x}'


@pytest.fixture(scope="module")
def sheets(analysis):
    """Write the sheet of one cluster in both languages."""
    return {lang: build_report(analysis, lang=lang, cluster="C05") for lang in ("zh", "en")}


@pytest.fixture(scope="module")
def documents(finished):
    return {lang: build_report(finished.analysis, lang=lang) for lang in ("zh", "en")}


@pytest.fixture(scope="module")
def evil(analysis):
    """Give the sheet of a cluster whose name and a city's name are attacks."""
    named = {"cluster": EVIL, "cluster_en": EVIL}
    clusters = analysis.tables["clusters"].assign(**named)
    members = analysis.tables["members"].assign(city=lambda frame: frame["city"].replace("聊城", EVIL))
    units = analysis.units.assign(city=lambda frame: frame["city"].replace("聊城", EVIL))
    tables = {**analysis.tables, "clusters": clusters, "members": members}
    run = dataclasses.replace(analysis, tables=tables, units=units)
    return build_report(run, lang="zh", cluster="C05")


def headings(document):
    return [plain(block.runs) for block in document.blocks if isinstance(block, Heading)]


def docx_part(content, name):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return ElementTree.fromstring(archive.read(name))


# --- what it says


def test_the_whole_report_has_its_sections_and_a_sheet_for_each_cluster(documents):
    found = headings(documents["en"])
    sections = ["Summary", "What was reproduced", "The clusters", "The 4+N pattern", "Axis and belts", "Spillovers",
                "The fifth pole", "Methods", "Data, notes and faults", "Limits", "How to repeat this run",
                ]  # fmt: skip
    assert [name for name in found if name in sections] == sections
    assert len([name for name in found if re.match(r"C\d\d ", name)]) == 30


def test_a_section_without_its_tables_says_so_in_one_line(analysis):
    blocks = build_report(analysis, lang="en").blocks
    at = next(i for i, b in enumerate(blocks) if getattr(b, "runs", ()) == ("Axis and belts",))
    assert blocks[at + 1] == Paragraph(("Corridors were not part of this run.",))
    assert isinstance(blocks[at + 2], Heading)


def test_the_statement_on_the_fifth_pole_is_that_of_the_derived_file(documents, finished_study):
    for lang in ("zh", "en"):
        said = next(b for b in documents[lang].blocks if isinstance(b, Verbatim) and "pole_statement" in b.source)
        written = (finished_study.root / said.source).read_text(encoding="utf-8").splitlines()
        assert list(said.lines) == [line for line in written[1:] if line]


def test_a_sheet_names_every_member_of_its_cluster(sheets, analysis):
    table = next(b for b in sheets["zh"].blocks if isinstance(b, TableBlock) and "贡献（分）" in b.header)
    own = analysis.tables["members"].query("cluster_id == 'C05'")
    assert sorted(plain(row[0]) for row in table.rows) == sorted(own["city"])


def test_a_sheet_of_no_cluster_is_refused(analysis):
    with pytest.raises(OutputError, match=r"no cluster 'C99'; the study has C01"):
        build_report(analysis, lang="zh", cluster="C99")


def test_a_report_in_no_language_is_refused(analysis):
    with pytest.raises(OutputError, match=r"one of .* got 'fr'"):
        build_report(analysis, lang="fr", cluster="C05")


# --- languages


def test_an_english_report_has_no_chinese_but_names_without_an_english_one(documents, finished):
    members = set(finished.analysis.tables["members"]["city"])
    said = [plain(cell) for block in documents["en"].blocks for cell in cells(block)]
    assert {text for text in said if HAN.search(text)} <= members


def test_a_chinese_report_has_no_english_sentence(documents):
    said = [plain(cell) for block in documents["zh"].blocks for cell in cells(block)]
    assert [text for text in said if re.search(r"(?:\b[a-z]{2,}\b[ ,.]+){3}", text)] == []


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_frame_of_the_page_and_its_titles_are_in_the_language(sheets, lang):
    titles = {title for b in sheets[lang].blocks if isinstance(b, TableBlock) for title in b.header}
    assert all(bool(HAN.search(title)) == (lang == "zh") for title in titles if title.lower() not in {"p", "topsis"})


def cells(block):
    if isinstance(block, Heading) or (isinstance(block, Paragraph) and block.style != "reference"):
        return [block.runs]
    if isinstance(block, TableBlock):
        return [block.caption, *((title,) for title in block.header), *(cell for row in block.rows for cell in row)]
    return [block.caption] if isinstance(block, Figure) else []


# --- text stays text


def test_a_hostile_name_stays_text_in_the_page(evil):
    page = Page(document_html(evil))
    assert [tag for tag, _ in page.tags if tag in {"script", "iframe"}] == []
    assert EVIL in "".join(page.text)


def test_a_hostile_name_stays_text_in_the_word_file(evil):
    body = docx_part(document_docx(evil), "word/document.xml")
    assert any(EVIL in (text.text or "") for text in body.iter(f"{W}t"))


def test_a_name_of_the_data_opens_no_block(evil, sheets):
    assert [type(block) for block in evil.blocks] == [type(block) for block in sheets["zh"].blocks]


def test_a_character_that_xml_cannot_hold_is_shown_as_a_mark(sheets):
    broken = dataclasses.replace(sheets["zh"], title="a\x00b\ud800c")
    assert "a\ufffdb\ufffdc" in [t.text for t in docx_part(document_docx(broken), "word/document.xml").iter(f"{W}t")]


# --- the page


def test_the_page_asks_nothing_of_any_server_and_runs_nothing(sheets):
    page = Page(document_html(sheets["zh"]))
    policy = next(given["content"] for tag, given in page.tags if tag == "meta" and "http-equiv" in given)
    assert "default-src 'none'; script-src 'none'" in policy
    loaded = [given.get("src", given.get("href", "#")) for _, given in page.tags]
    assert all(address.startswith(("data:image/png", "#")) for address in loaded)


def test_every_picture_of_the_page_says_what_it_shows(sheets):
    shown = [given["alt"] for tag, given in Page(document_html(sheets["en"])).tags if tag == "img"]
    assert shown
    assert all("Shandong Peninsula" in alt for alt in shown)


def test_every_entry_of_the_contents_leads_to_a_heading(sheets):
    tags = Page(document_html(sheets["en"])).tags
    anchors = {given.get("id") for tag, given in tags if tag.startswith("h")}
    assert {given["href"].removeprefix("#") for tag, given in tags if tag == "a"} <= anchors


# --- the Word file


@pytest.fixture(scope="module")
def word_file(sheets):
    return document_docx(sheets["zh"])


def test_the_word_file_has_real_headings_and_captions(word_file, sheets):
    import docx

    made = docx.Document(io.BytesIO(word_file))
    styles = [(p.style.name, p.text) for p in made.paragraphs]
    assert [text for style, text in styles if style.startswith("Heading")] == headings(sheets["zh"])
    captions = [text for style, text in styles if style == "Caption"]
    assert len(captions) == len(made.tables) + len(made.inline_shapes)


def test_the_head_of_every_table_is_repeated_on_the_next_page(word_file):
    body = docx_part(word_file, "word/document.xml")
    rows = [table.find(f"{W}tr") for table in body.iter(f"{W}tbl")]
    assert rows
    assert all(row.find(f"{W}trPr/{W}tblHeader") is not None for row in rows)


def test_every_style_names_a_font_for_chinese(word_file):
    styles = docx_part(word_file, "word/styles.xml")
    named = {s.get(f"{W}styleId"): s.find(f"{W}rPr/{W}rFonts") for s in styles.iter(f"{W}style")}
    for name in ("Normal", "Heading1", "Heading2", "Title", "Caption", "ReportCell", "ReportLead"):
        assert named[name].get(f"{W}eastAsia"), name


def test_the_contents_are_a_field_that_is_filled_and_asks_for_nothing(word_file):
    body = docx_part(word_file, "word/document.xml")
    codes = [code.text.strip() for code in body.iter(f"{W}instrText")]
    assert codes[0].startswith("TOC ")
    kinds = [char.get(f"{W}fldCharType") for char in body.iter(f"{W}fldChar")]
    assert kinds.count("begin") == kinds.count("end") == kinds.count("separate")
    assert docx_part(word_file, "word/settings.xml").find(f"{W}updateFields") is None


def test_every_picture_of_the_word_file_has_an_alternative_text(word_file):
    body = docx_part(word_file, "word/document.xml")
    found = [el.get("descr") for el in body.iter() if el.tag.endswith("}docPr")]
    assert found
    assert all(found)


def test_bookmarks_have_names_and_ids_of_their_own(word_file):
    marks = list(docx_part(word_file, "word/document.xml").iter(f"{W}bookmarkStart"))
    assert len({m.get(f"{W}id") for m in marks}) == len({m.get(f"{W}name") for m in marks}) == len(marks)


# --- the same at every run


def test_two_reports_are_equal_byte_for_byte(analysis, sheets, word_file):
    again = build_report(analysis, lang="zh", cluster="C05")
    assert document_html(again) == document_html(sheets["zh"])
    assert document_docx(again) == word_file


# --- templates and small maps


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_missing_word_is_a_fault_and_says_where_it_belongs(lang):
    with pytest.raises(OutputError, match=r"no word 'frame:none'. Add it to words.csv"):
        report_word("frame:none", lang)


def test_every_word_is_there_in_both_languages():
    from geo_cdei.outputs.report.templates import _words

    assert [key for key, row in _words().items() if not row["zh"] or not row["en"]] == []


def test_a_number_keeps_its_trace_through_a_template(analysis):
    from geo_cdei.outputs.report.numbers import Numbers

    numbers = Numbers(analysis)
    blocks = Writer(numbers, "en", {"cluster": str, "clusters": str}).write(
        Section("limits", {"few": [], "weights": ""})
    )
    assert blocks[0] == Heading(1, ("Limits",), "s1")
    number = numbers.value("clusters", "C03", "score", 1)
    assert number == Number(pytest.approx(81.19, abs=0.01), "81.2", "clusters", "cluster_id=C03", "score")


def test_a_small_map_without_taiwan_or_a_dash_is_refused(analysis):
    ground = prepare_ground(analysis)
    units = ground.plane.units
    without = dataclasses.replace(ground.plane, units=units[~units.index.str.startswith("71")])
    with pytest.raises(OutputError, match=r"Taiwan \(71...\) is not drawn"):
        check_ground(without, ground.view)
    undashed = dataclasses.replace(ground.plane, dash_line=shapely.MultiLineString())
    with pytest.raises(OutputError, match="0 of 1 dashes"):
        check_ground(undashed, ground.view)


def test_a_small_map_whose_frame_cuts_the_south_china_sea_is_refused(analysis):
    ground = prepare_ground(analysis)
    west, _, east, north = ground.view
    with pytest.raises(OutputError, match=r"lie outside the frame; .* of 9 dashes"):
        check_ground(ground.plane, (west, 2_000_000.0, east, north))


@pytest.mark.parametrize("seed", range(5))
def test_an_area_on_a_strip_has_the_dots_of_one_on_the_whole_picture(seed):
    strip, whole = (Image.new("RGB", (300, 200), "#fbfcfd") for _ in range(2))
    for corners in np.random.default_rng(seed).uniform((-80, -60), (380, 260), (20, 7, 2)).astype(int):
        locator._draw_bordered(strip, corners, "#eef1f3", "#b4bec6")
        ImageDraw.Draw(whole).polygon(corners.ravel().tolist(), fill="#eef1f3", outline="#b4bec6", width=2)
        assert strip.tobytes() == whole.tobytes()


# --- files


def test_only_the_wanted_formats_are_written(analysis, tmp_path):
    names = write_report(analysis, tmp_path.joinpath, formats=["docx", "xlsx"], maps={}, cluster="C05")
    assert names == ["report.C05.docx"] == [path.name for path in tmp_path.iterdir()]


def test_a_sheet_has_a_file_of_its_own():
    assert report_name("html", "C05") == "report.C05.html"


@pytest.mark.parametrize(
    ("share", "digits", "written"), [(0.0, 2, "0.00%"), (4e-5, 2, "<0.01%"), (5.1e-5, 2, "0.01%")]
)
def test_a_share_above_zero_is_never_printed_as_zero(share, digits, written):
    table = pd.DataFrame({"share": [share]}, index=pd.Index(["C01"], name="cluster_id"))
    numbers = Numbers(SimpleNamespace(tables={"flows": table}, settings=None))
    assert numbers.percent("flows", "C01", "share", digits).text == written


def test_a_cluster_of_one_scored_city_is_not_said_to_lie_between_anything(finished):
    blocks = build_report(finished.analysis, lang="en", cluster="C27").blocks
    said = " ".join(plain(block.runs) for block in blocks if isinstance(block, Paragraph))
    assert "The score is that of one city, Lhasa" in said
    assert "With one city left out" not in said
