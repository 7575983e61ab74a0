"""Pages of recipes and two maps side by side in a real browser, with the network off."""

from __future__ import annotations

import dataclasses
import os
import shutil

import pytest
from drawn_maps import recipe, with_tests
from map_frames import score_frames

from geo_cdei.errors import OutputError
from geo_cdei.outputs.layers import MapMeta
from geo_cdei.outputs.legends import graduated
from geo_cdei.outputs.maps import build_page
from geo_cdei.outputs.page import OfflineMap
from geo_cdei.outputs.recipe_maps import draw_recipe
from geo_cdei.outputs.recipe_themes import bind
from geo_cdei.outputs.recipes import read_recipes
from geo_cdei.outputs.side_by_side import build_side_by_side
from geo_cdei.workspace import default_study

META = MapMeta("Two maps", source="blue book", date="2026-01-31", lang="en")
EVIL = '<img src=x onerror="window.hacked=1">`${window.hacked=1}`</script><script>window.hacked=1</script><!--'
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


def small(title, column="score", **changes):
    units = score_frames()[0].assign(**changes)
    return build_page(
        units, [graduated(units[column], title, lang="en")], [], meta=dataclasses.replace(META, title=title)
    )


# Without a browser


def test_what_two_maps_share_is_carried_once():
    """The second map adds less than a tenth."""
    left, right = small("Score"), small("Size", "scale_2020")
    pair = build_side_by_side(left, right, meta=META)
    assert len(pair.html) < 1.1 * len(left.html)
    assert pair.html == build_side_by_side(left, right, meta=META).html


def test_what_is_no_page_is_refused():
    with pytest.raises(OutputError, match="'x' is no page with a map"):
        build_side_by_side(OfflineMap("<p>", "x"), small("Score"), meta=META)


# With one


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api", reason="pip install 'geo-cdei[test]' brings playwright")
    if CHROMIUM is None:
        pytest.skip("no Chromium: apt-get install -y chromium")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield started
        started.close()


@pytest.fixture
def visit(browser, tmp_path):
    contexts = []

    def go(page_map, *, width=1280, ready="() => geoCdei.state"):
        context = browser.new_context(viewport={"width": width, "height": 800}, offline=True)
        contexts.append(context)
        page = context.new_page()
        page.requests, page.complaints = [], []
        page.on("request", lambda request: page.requests.append(request.url))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("console", lambda m: page.complaints.append(m.text) if m.type in {"error", "warning"} else None)
        page.goto(page_map.save(tmp_path / "page.html").as_uri())
        page.wait_for_function(ready)
        return page

    yield go
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def tested(analysis):
    return with_tests(analysis)


def open_pair(visit, left, right, **how):
    return visit(build_side_by_side(left, right, meta=META), ready="() => window.pair", **how)


def views(page):
    return page.evaluate("() => pair.map(s => [s.map.getCenter().lat, s.map.getCenter().lng, s.map.getZoom()])")


def same(left, right):
    """Whether two views agree within a dot of the screen."""
    dot = 360 / 256 / 2 ** left[2]
    return left == pytest.approx(right, abs=dot)


@pytest.mark.parametrize("mover", [0, 1])
def test_two_maps_move_together(visit, mover):
    """Whichever is moved, both show the same place."""
    page = open_pair(visit, small("Score"), small("Size", "scale_2020"))
    before = views(page)
    page.evaluate("k => pair[k].map.setView([30.5, 103], 8, { animate: false })", mover)
    after = views(page)
    assert same(before[0], before[1])
    assert same(after[0], after[1])
    assert after[mover] == pytest.approx([30.5, 103, 8], abs=0.01)


def test_a_drag_moves_both_maps(visit):
    page = open_pair(visit, small("Score"), small("Size", "scale_2020"))
    before = views(page)
    page.mouse.move(300, 400)
    page.mouse.down()
    page.mouse.move(200, 350, steps=4)
    page.mouse.up()
    page.wait_for_timeout(400)
    after = views(page)
    assert same(after[0], after[1])
    assert not same(after[1], before[1])


def test_a_unit_lights_up_on_both_maps(visit):
    page = open_pair(visit, small("Score"), small("Size", "scale_2020"))
    page.evaluate("() => pair[0].focus(3)")
    assert page.evaluate("() => pair.map(s => s.units[3].options.weight > 2)") == [True, True]
    page.evaluate("() => pair[0].focus(-1)")
    assert page.evaluate("() => pair.map(s => s.units[3].options.weight > 2)") == [False, False]


def test_two_maps_ask_for_one_file_and_complain_of_nothing(visit):
    page = open_pair(visit, small("Score"), small("Size", "scale_2020"))
    files = [url for url in page.requests if not url.startswith(("about:", "data:", "blob:"))]
    assert (len(files), page.complaints) == (1, [])
    assert [frame.title() for frame in page.frames[1:]] == ["Score", "Size"]


def test_on_a_phone_one_map_stands_below_the_other(visit):
    page = open_pair(visit, small("Score"), small("Size", "scale_2020"), width=390)
    tops = page.locator("iframe").evaluate_all("all => all.map(f => f.getBoundingClientRect().top)")
    assert tops[1] > tops[0] + 300
    assert page.evaluate("() => document.documentElement.scrollWidth") == 390


def test_hostile_text_on_two_maps_is_text(visit):
    evil = small(EVIL, city=EVIL, city_en=EVIL)
    page = visit(
        build_side_by_side(evil, evil, meta=dataclasses.replace(META, title=EVIL, subtitle=EVIL)),
        ready="() => window.pair",
    )
    assert page.evaluate("() => [window, ...Array.from(frames)].every(w => w.hacked === undefined)")
    assert (page.locator("h1").inner_text(), page.locator("img").count()) == (EVIL, 0)
    assert page.frames[1].locator("h1").inner_text() == EVIL
    assert page.complaints == []


@pytest.mark.parametrize("name", ["scores", "clusters", "lisa"])
def test_the_page_of_a_recipe_opens_alone_and_counts_its_table(visit, tested, name):
    """372 shapes, the legend of the theme, no other request, no complaint."""
    chosen = read_recipes(default_study() / "maps" / "recipes")[name]
    page = visit(draw_recipe(chosen, tested, lang="en", formats=["html"])["html"])
    labels, counts = (
        page.locator(f"#gc-legend {part}").all_inner_texts() for part in (".gc-label-text", ".gc-count")
    )
    classes = bind(chosen, tested, lang="en").theme.classes
    assert list(zip(labels, counts, strict=True)) == [(line.label, str(line.count)) for line in classes]
    assert page.evaluate("() => geoCdei.state.units.length") == 372
    assert (len(page.requests), page.complaints) == (1, [])


def test_the_tooltip_has_the_gdp_check_and_the_basis_of_the_membership(visit, analysis):
    chosen = recipe(tooltip=["score", "gdp_check", "membership"])
    page = visit(draw_recipe(chosen, analysis, lang="zh", formats=["html"])["html"])
    page.locator("#gc-search").fill("北京")
    page.keyboard.press("Enter")
    rows = page.locator(".leaflet-popup-content tr").all_inner_texts()
    assert [row.split("\t") for row in rows] == [
        ["得分", "90.5"],
        ["GDP 核对", "已核实"],
        ["成员归属依据", "官方规划"],
    ]


@pytest.mark.parametrize("width", [1280, 390])
def test_a_map_of_a_province_begins_there(visit, analysis, width):
    """The view holds the province and not the country, which is still there to be seen."""
    page = visit(draw_recipe(recipe(), analysis, lang="en", formats=["html"], extent="四川")["html"], width=width)
    inside, outside = page.evaluate(
        """() => ['510100', '230100'].map(code => {
            const s = geoCdei.state;
            return s.map.getBounds().contains(s.units[s.data.codes.indexOf(code)].getBounds());
        })"""
    )
    assert (inside, outside) == (True, False)
    assert "Sichuan and surroundings" in page.locator(".gc-head p").inner_text()
    assert "Units are counted in Sichuan only (21)" in page.locator(".gc-foot").inner_text()
