"""The pages in a real browser without a network: what a planner sees, does, and must never run."""

from __future__ import annotations

import dataclasses
import io
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from map_frames import national_frames, score_frames
from shapely import LineString, Point

from geo_cdei.outputs.layers import Field, MapMeta, Overlay, Scatter
from geo_cdei.outputs.legends import categorical, graduated
from geo_cdei.outputs.maps import build_page, score_map

sync_api = pytest.importorskip("playwright.sync_api", reason="pip install 'geo-cdei[test]' brings playwright")

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install -y chromium")

META = MapMeta("城市得分", source="蓝皮书", date="2026-01-31", lang="zh")
EVIL = (
    '<img src=x onerror="window.hacked=1">`${window.hacked=1}`\\u003cb\\u003e'
    "</script><script>window.hacked=1</script><!--"
)


class Visit:
    """A page that is open, with all that it asked for and complained about."""

    def __init__(self, page: sync_api.Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda m: self.complaints.append(m.text) if m.type in {"error", "warning"} else None)

    def legend(self) -> list[tuple[str, int]]:
        """Read labels and counts of the legend."""
        items = self.page.locator("#gc-legend li")
        names = items.locator(".gc-label-text").all_inner_texts()
        return list(zip(names, map(int, items.locator(".gc-count").all_inner_texts()), strict=True))

    def card(self) -> dict[str, str]:
        """Read the table of the open card."""
        rows = self.page.locator(".leaflet-popup-content tr, .gc-tip tr")
        return {row.locator("th").inner_text(): row.locator("td").inner_text() for row in rows.all()}

    def find(self, query: str) -> None:
        """Type into the search and press Enter."""
        self.page.locator("#gc-search").fill(query)
        self.page.keyboard.press("Enter")


@pytest.fixture(scope="module")
def browser() -> Iterator[sync_api.Browser]:
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*flags, "--disable-sync", "--no-first-run"]
        )
        yield started
        started.close()


@pytest.fixture
def visit(browser, tmp_path):
    """Open a page with the network off and close it afterwards."""
    contexts = []

    def go(page_map, *, width: int = 1280, height: int = 800) -> Visit:
        context = browser.new_context(viewport={"width": width, "height": height}, offline=True)
        contexts.append(context)
        opened = Visit(context.new_page())
        opened.page.goto(page_map.save(tmp_path / "page.html").as_uri())
        opened.page.wait_for_selector("path.leaflet-interactive", state="attached")
        return opened

    yield go
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def country():
    return national_frames()


@pytest.fixture(scope="module")
def country_page(country):
    return score_map(*country, meta=META)


@pytest.fixture(scope="module")
def small_page():
    return score_map(*score_frames(), meta=META)


@pytest.fixture(scope="module")
def country_seen(browser, country_page, tmp_path_factory):
    """One visit to the whole country for all that only look or search."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, offline=True)
    opened = Visit(context.new_page())
    opened.page.goto(country_page.save(tmp_path_factory.mktemp("country") / "page.html").as_uri())
    opened.page.wait_for_selector("path.leaflet-interactive", state="attached")
    yield opened
    context.close()


# The whole country


def test_the_page_is_the_only_request_and_nothing_complains(country_seen):
    """A closed network sees one file opened."""
    country_seen.page.wait_for_timeout(100)
    assert (len(country_seen.requests), country_seen.complaints) == (1, [])


def test_every_unit_and_every_cluster_has_its_shape(country_seen):
    """All 372 units and 30 outlines answer the mouse."""
    assert country_seen.page.locator("path.leaflet-interactive").count() == 372 + 30


def test_the_legend_counts_the_units_of_the_frame(country_seen, country):
    """Each class by hand from its bounds; the rest is not scored."""
    score = country[0]["score"]
    *scored, missing = country_seen.legend()
    bounds = [float(label.split(" – ")[1]) for label, _ in scored]
    expected = pd.cut(score.dropna(), [-np.inf, *bounds]).value_counts(sort=False).tolist()
    assert [count for _, count in scored] == expected
    assert missing == ("未评分", int(score.isna().sum()))


@pytest.mark.parametrize("code", ["710000", "810000", "820000", "460300"])
def test_taiwan_hong_kong_macao_and_sansha_are_drawn_by_the_rule_of_all(country_seen, code):
    """Present, in view, and filled as every unit without a score."""
    page = country_seen.page
    fill, inside = page.evaluate(
        """code => {
            const state = geoCdei.state, layer = state.units[state.data.codes.indexOf(code)];
            const inside = state.map.getBounds().contains(layer.getBounds());
            return [layer.getElement().getAttribute('fill'), inside];
        }""",
        code,
    )
    assert (fill, inside) == ("url(#gc-hatch)", True)


@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_the_first_view_holds_the_south_china_sea(country_seen, width):
    """The dash line is whole on every screen, and stays so when the window changes."""
    page = country_seen.page
    page.locator(".gc-home").click()
    page.set_viewport_size({"width": width, "height": 844})
    assert page.evaluate(
        """() => new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(() => {
            const state = geoCdei.state, at = state.data.overlays.findIndex(o => o.key === 'dash_line');
            const fits = state.map.getBounds().contains(state.overlays[at].getBounds());
            resolve(fits && state.map.getSize().x === state.map.getContainer().clientWidth);
        })))"""
    )


@pytest.mark.parametrize("query", ["重庆", "Chongqing", "chong qing", "500000"])
def test_the_search_finds_chongqing(country_seen, query):
    """By Chinese or English name, or by code."""
    country_seen.find(query)
    assert country_seen.page.locator(".leaflet-popup .gc-card-head").inner_text().split() == [
        "重庆",
        "Chongqing",
    ]


@pytest.mark.parametrize(("query", "name"), [("urumqi", "乌鲁木齐"), ("xian", "西安"), ("XI'AN", "西安")])
def test_the_search_forgives_accents_case_and_apostrophes(country_seen, query, name):
    """As people type them."""
    country_seen.find(query)
    assert country_seen.page.locator(".leaflet-popup strong").inner_text() == name


def test_the_picture_shows_the_map(country_seen):
    """Not empty: larger than the view, with the colours of the legend in it."""
    image = pytest.importorskip("PIL.Image")
    country_seen.page.set_viewport_size({"width": 1280, "height": 800})
    country_seen.page.locator(".gc-home").click()
    with country_seen.page.expect_download() as download:
        country_seen.page.locator(".gc-png").click()
    content = Path(download.value.path()).read_bytes()
    picture = image.open(io.BytesIO(content)).convert("RGB")
    common = {colour for _, colour in picture.getcolors(1 << 24)}
    assert download.value.suggested_filename == "score.png"
    assert picture.width > 1280
    assert {(255, 255, 204), (37, 52, 148)} <= common
    assert country_seen.complaints == []


# What a reader does


def test_a_tooltip_shows_the_fields_of_the_unit(visit, small_page):
    """The values of the frame in the words of the language."""
    seen = visit(small_page)
    seen.page.locator("path.leaflet-interactive").first.hover()
    card = seen.card()
    assert (card["得分"], card["位次"], card["等级"], card["城市群"]) == ("91.5", "1", "一线", "甲群")


def test_a_unit_without_score_says_so(visit, small_page):
    """In words, not as 0."""
    seen = visit(small_page)
    seen.find("城11")
    assert seen.card()["得分"] == "未评分"


def test_a_theme_changes_the_legend_and_the_fill(visit, small_page):
    """The legend follows the map."""
    seen = visit(small_page)
    seen.page.get_by_label("城市等级").check()
    assert [name for name, _ in seen.legend()] == ["一线", "二线", "未评分"]
    assert seen.page.locator("path.leaflet-interactive").first.get_attribute("fill") == "#54278f"


def test_a_layer_can_be_taken_off_and_put_back(visit, small_page):
    """The checkbox does what it says."""
    seen = visit(small_page)
    paths = seen.page.locator("path.leaflet-interactive")
    before = paths.count()
    seen.page.get_by_label("城市群边界").uncheck()
    assert paths.count() == before - 2
    seen.page.get_by_label("城市群边界").check()
    assert paths.count() == before


def test_arrow_keys_choose_and_escape_clears(visit, small_page):
    """The search works without a mouse."""
    seen = visit(small_page)
    box = seen.page.locator("#gc-search")
    box.fill("城1")
    seen.page.keyboard.press("ArrowDown")
    assert box.get_attribute("aria-activedescendant") == "gc-hit-1"
    seen.page.keyboard.press("Enter")
    assert seen.page.locator(".leaflet-popup strong").inner_text() == "城10"
    box.focus()
    seen.page.keyboard.press("Escape")
    assert (box.input_value(), box.get_attribute("aria-expanded")) == ("", "false")


def test_a_name_that_is_not_there_is_answered(visit, small_page):
    """Silence would look like a broken page."""
    seen = visit(small_page)
    seen.page.locator("#gc-search").fill("纽约")
    assert seen.page.locator(".gc-none").inner_text() == "没有找到"


def test_every_control_is_reached_by_the_tab_key_in_reading_order(visit, small_page):
    """Search, map, buttons, theme, layers."""
    seen = visit(small_page).page
    reached = []
    name = "() => { const a = document.activeElement; return (a.id || a.className || a.name).split(' ')[0]; }"
    for _ in range(9):
        seen.keyboard.press("Tab")
        reached.append(seen.evaluate(name))
    assert reached[0] == "gc-search"
    assert reached[2:7] == ["gc-zoom_in", "gc-zoom_out", "gc-home", "gc-fullscreen", "gc-png"]
    assert reached[7:] == ["gc-theme", "gc-overlay"]


def test_every_control_has_a_name(visit, small_page):
    """A reader who cannot see the icons hears them."""
    names = visit(small_page).page.locator(".gc-bar button").evaluate_all("all => all.map(b => b.ariaLabel)")
    assert names == ["放大", "缩小", "回到初始范围", "全屏", "导出 PNG 图片"]


def test_full_screen_hides_the_heading_and_comes_back(visit, small_page):
    """The notices stay."""
    seen = visit(small_page).page
    seen.locator(".gc-fullscreen").click()
    assert not seen.locator(".gc-head").is_visible()
    assert seen.locator(".gc-foot").is_visible()
    seen.locator(".gc-fullscreen").click()
    assert seen.locator(".gc-head").is_visible()


def test_home_brings_the_first_view_back(visit, small_page):
    """After a search the reader is not lost."""
    seen = visit(small_page)
    zoom = "() => geoCdei.state.map.getZoom()"
    first = seen.page.evaluate(zoom)
    seen.find("城3")
    assert seen.page.evaluate(zoom) > first
    seen.page.locator(".gc-home").click()
    seen.page.wait_for_selector(".leaflet-popup", state="detached")
    assert seen.page.evaluate(zoom) == pytest.approx(first)
    assert seen.page.locator(".leaflet-popup").count() == 0


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_phone_scrolls_only_downwards(visit, lang):
    """Nothing is wider than 390 pixels."""
    page_map = score_map(*score_frames(), meta=dataclasses.replace(META, lang=lang))
    assert visit(page_map, width=390, height=844).page.evaluate("() => document.documentElement.scrollWidth") == 390


def test_notices_stand_under_the_map(visit, small_page):
    """Source, date, sketch, and the dashes that the data have."""
    lines = visit(small_page).page.locator(".gc-foot span").all_inner_texts()
    assert lines[:4] == ["来源：蓝皮书", "日期：2026-01-31", "示意图（未送审）", "断续线数据含十段中的九段"]


def test_the_notebook_form_works_in_its_frame(browser, small_page):
    """In a sandbox, without a network, nothing complains."""
    context = browser.new_context(offline=True)
    seen = Visit(context.new_page())
    seen.page.set_content(small_page._repr_html_())
    frame = seen.page.frame_locator("iframe")
    frame.locator("path.leaflet-interactive").first.wait_for(state="attached")
    assert frame.locator("path.leaflet-interactive").count() == 12 + 2
    assert seen.complaints == []
    context.close()


# Charts and layers that later pages bring


def linked_page():
    units = score_frames()[0]
    z = units["score"].dropna()
    flows = gpd.GeoDataFrame(
        {"flow": [2.0, 6.0]}, geometry=[LineString([(100, 30), (k, 31)]) for k in (105, 109)], crs=4326
    )
    points = gpd.GeoDataFrame({"name": ["甲", "乙"]}, geometry=[Point(101, 30.5), Point(108, 30.5)], crs=4326)
    layers = [
        Overlay("flows", "流", flows, fields=(Field("flow", "流量", 1),), width="flow"),
        Overlay("points", "点", points, label="name"),
    ]
    chart = Scatter("Moran", z, z[::-1].set_axis(z.index), "z", "lag", line=(0.5, 20.0), note="I = 0.5, p = 0.01")
    return build_page(units, [graduated(units["score"], "得分")], layers, meta=META, panels=[chart])


def test_the_chart_has_a_point_for_every_unit_with_both_numbers(visit):
    """Ten of twelve units are scored."""
    seen = visit(linked_page())
    assert seen.page.locator(".gc-panel circle").count() == 10
    assert seen.complaints == []


def test_a_point_of_the_chart_lights_up_its_unit(visit):
    """The link is by code: the first point is unit 100000."""
    seen = visit(linked_page()).page
    seen.locator(".gc-panel circle").first.hover()
    assert seen.evaluate("() => geoCdei.state.units[0].options.weight") > 2


def test_flow_lines_have_the_width_of_their_column(visit):
    """Two lines, 2 and 6 pixels."""
    seen = visit(linked_page()).page
    widths = seen.locator(".leaflet-gc-layer-0-pane path").evaluate_all(
        "all => all.map(p => Number(p.getAttribute('stroke-width')))"
    )
    assert widths == [2, 6]


def test_labels_are_the_names_of_their_points(visit):
    """Both have room."""
    assert visit(linked_page()).page.locator(".gc-name span").all_inner_texts() == ["甲", "乙"]


# Hostile text


def hostile_page():
    units, clusters, provinces, dashes = score_frames()
    units = units.assign(
        city=EVIL, city_en=EVIL, province=EVIL, cluster=EVIL, tier=units["tier"].notna().map({True: EVIL})
    )
    clusters = clusters.assign(cluster=EVIL, cluster_en=EVIL)
    meta = MapMeta(EVIL, source=EVIL, date=EVIL, lang="zh", subtitle=EVIL, approval_number=EVIL, notes=(EVIL,))
    return score_map(units, clusters, provinces, dashes, meta=meta)


def hostile_parts():
    units = score_frames()[0].assign(city=EVIL, evil=EVIL)
    score = units["score"]
    theme = categorical(units["evil"], EVIL, palette={EVIL: "#08519c"})
    points = gpd.GeoDataFrame({"evil": [EVIL]}, geometry=[Point(101, 30.5)], crs=4326)
    layer = Overlay("p", EVIL, points, fields=(Field("evil", EVIL), Field("evil", EVIL)), label="evil")
    chart = Scatter(EVIL, score, score, EVIL, EVIL, note=EVIL)
    return build_page(units, [theme], [layer], meta=META, fields=(Field("evil", EVIL),), panels=[chart])


@pytest.mark.parametrize("make", [hostile_page, hostile_parts])
def test_hostile_text_is_shown_and_never_runs(visit, make):
    """Names, titles, labels, fields, notices: opened, searched, exported, and still text."""
    seen = visit(make())
    page = seen.page
    scripts = page.locator("script").count()
    for path in page.locator("path.leaflet-interactive").all()[-3:]:
        path.dispatch_event("mouseover")
    page.locator("path.leaflet-interactive").first.hover()
    seen.find("img")
    with page.expect_download():
        page.locator(".gc-png").click()
    assert page.evaluate("() => window.hacked === undefined")
    assert page.locator("img, b, iframe").count() == 0
    assert page.locator("script").count() == scripts
    assert page.locator(".leaflet-popup strong").inner_text() == EVIL
    assert (
        len(seen.requests) - sum(r.startswith(("data:", "blob:")) for r in seen.requests),
        seen.complaints,
    ) == (1, [])


def test_hostile_notices_read_as_they_were_given(visit):
    """Heading, window title and source line."""
    page = visit(hostile_page()).page
    assert (page.locator("h1").inner_text(), page.title()) == (EVIL, EVIL)
    assert page.locator(".gc-foot span").first.inner_text() == f"来源：{EVIL}"


def test_a_script_that_slipped_in_is_blocked_by_the_policy(visit, small_page):
    """The second wall: even markup written into the page does not run."""
    page = visit(small_page).page
    page.evaluate(
        "() => { document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.hacked=1\">'); }"
    )
    page.wait_for_timeout(100)
    assert page.evaluate("() => window.hacked === undefined")
