"""Every page of the default study in Chromium with the network off."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from geo_cdei.config import read_settings
from geo_cdei.outputs.pages import build_pages
from geo_cdei.pipeline import run
from geo_cdei.workspace import Workspace, default_study

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PAGES = ("scores", "editions", "lisa", "pattern", "corridors", "spillovers", "poles", "atlas")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no browser: apt-get install chromium fonts-noto-cjk"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Write every page in both languages."""
    workspace = Workspace(default_study())
    analysis = run(workspace, read_settings(workspace.settings))
    place = tmp_path_factory.mktemp("pages")
    for lang in ("zh", "en"):
        study = analysis.settings.study.model_copy(update={"language": lang})
        spoken = replace(analysis, settings=analysis.settings.model_copy(update={"study": study}))
        for name, page in build_pages(spoken).items():
            page.save(place / f"{name}-{lang}.html")
    return place


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_its_only_request_draws_every_unit_and_complains_of_nothing(folder, browser, name, lang):
    page = browser.new_context(offline=True).new_page()
    requests, complaints = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto((folder / f"{name}-{lang}.html").as_uri())
    page.wait_for_timeout(500)
    assert (len(requests), complaints) == (1, [])
    assert page.locator("path").count() >= 372


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_under_two_megabytes(folder, name):
    assert (folder / f"{name}-zh.html").stat().st_size < 2_000_000


def test_the_page_of_the_poles_shows_the_chart_of_ranks(folder, browser):
    page = browser.new_context(offline=True).new_page()
    page.goto((folder / "poles-en.html").as_uri())
    assert "Shandong Peninsula" in (page.locator(".gc-chart svg").text_content() or "")


@pytest.mark.parametrize("name", PAGES)
def test_paper_has_the_whole_map(folder, browser, name):
    """The drawing that is printed has the view of the screen, every unit, and the scale."""
    page = browser.new_context(offline=True).new_page()
    page.goto((folder / f"{name}-zh.html").as_uri())
    page.wait_for_timeout(500)
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    sheet = page.locator(".gc-paper, .at-paper")
    map_box = page.locator(".folium-map").bounding_box()
    view = [float(part) for part in sheet.locator("> svg").get_attribute("viewBox").split()]
    assert view == pytest.approx([0, 0, map_box["width"], map_box["height"]], abs=1)
    assert sheet.locator("path").count() >= 372
    assert "km" in sheet.text_content()
