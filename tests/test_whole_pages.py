"""Whatever a table lists, the page made of it shows: pages of a finished run, in both languages."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace

import pytest

from geo_cdei.outputs.pages import build_pages


@pytest.fixture(scope="module", params=["zh", "en"])
def pages(request, finished):
    """Give the analysis in a language, and the text of each of its pages."""
    settings = finished.analysis.settings
    study = settings.study.model_copy(update={"language": request.param})
    analysis = replace(finished.analysis, settings=settings.model_copy(update={"study": study}))
    return analysis, {name: said(page.html) for name, page in build_pages(analysis).items()}


def said(code: str) -> str:
    """Text of a page, with what its scripts hold as data."""
    return html.unescape(re.sub(r"\\u[0-9a-f]{4}", lambda found: json.loads(f'"{found.group()}"'), code))


def missing(names, text):
    return [name for name in names if name not in text]


def test_every_step_of_the_run_has_its_page(pages):
    wanted = {"atlas", "corridors", "editions", "lisa", "pattern", "poles", "scores", "spillovers"}
    assert set(pages[1]) == wanted


def test_every_corridor_stands_on_the_page_of_corridors(pages):
    analysis, texts = pages
    chinese = analysis.settings.study.language == "zh"
    assert missing(analysis.tables["corridors"]["name" if chinese else "name_en"], texts["corridors"]) == []


def test_every_core_stands_on_the_page_of_spillovers(pages):
    analysis, texts = pages
    assert missing(analysis.tables["halo_cores"]["city"].dropna(), texts["spillovers"]) == []


def test_every_candidate_and_its_seat_stand_on_the_page_of_poles(pages):
    analysis, texts = pages
    poles = analysis.tables["poles"]
    chinese = analysis.settings.study.language == "zh"
    assert missing([*poles["cluster" if chinese else "cluster_en"], *poles["seat_city"]], texts["poles"]) == []


def test_no_place_of_a_template_is_left_empty(pages):
    bare = {name: re.sub(r"(?s)<script.*?</script>", "", text) for name, text in pages[1].items()}
    holes = {name: re.findall(r">[^<]*\{[a-z_]+\}[^<]*<", text) for name, text in bare.items()}
    assert {name: found for name, found in holes.items() if found} == {}
