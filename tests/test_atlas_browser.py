"""The atlas in Chromium with the network off: one selection in four views, two languages, one link."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace

import numpy as np
import pytest

from geo_cdei import pipeline
from geo_cdei.config import read_settings
from geo_cdei.outputs.atlas import build_atlas
from geo_cdei.workspace import Workspace, default_study

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
CASES = [("score", "knn6"), ("ratio", "band300")]
CJK = re.compile("[\u3400-\u9fff]")
SENTENCE = re.compile(r"[A-Za-z]{3,}(?:[ ,;:'’-]+[A-Za-z]{2,}){2,}")
COMMAND = re.compile(r"geo-cdei( [a-z-]+)+|data/raw/?|overrides\.csv")
DOTS = (
    "[...document.querySelectorAll('.at-dot')].map(d => [Atlas.ids[d.dataset.i], "
    "+d.getAttribute('cx'), +d.getAttribute('cy')])"
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no browser: apt-get install chromium fonts-noto-cjk"),
]


@pytest.fixture(scope="module")
def found():
    """Run the default study once."""
    workspace = Workspace(default_study())
    return pipeline.run(workspace, read_settings(workspace.settings))


@pytest.fixture(scope="module")
def file(found, tmp_path_factory):
    return build_atlas(found).save(tmp_path_factory.mktemp("atlas") / "atlas.html")


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def page(file, browser):
    """Open the page once; `requests` and `complaints` are kept on it."""
    opened = browser.new_context(offline=True, viewport={"width": 1440, "height": 900}).new_page()
    opened.requests, opened.complaints = [], []
    opened.on("request", lambda request: opened.requests.append(request.url))
    opened.on("console", lambda m: opened.complaints.append(m.text) if m.type in ("error", "warning") else None)
    opened.on("pageerror", lambda error: opened.complaints.append(str(error)))
    opened.goto(file.as_uri())
    opened.wait_for_function("document.querySelectorAll('.at-bar-all').length > 0")
    return opened


@pytest.fixture
def fresh(page):
    """Put the page back to its first state."""
    page.evaluate("Atlas.restore({})")
    page.evaluate("Atlas.set({lang: 'zh'})")
    return page


def choose(page, variable, graph):
    page.select_option("#at-variable", variable)
    page.select_option("#at-graph", graph)
    page.wait_for_timeout(60)


def selected(page):
    """Give the ids that the state holds."""
    return set(page.evaluate("Atlas.state.selection"))


def in_table(page):
    """Give the ids of the rows that the table shows when it shows the selected ones only."""
    page.evaluate("Atlas.set({table: {only: true}})")
    ids = page.evaluate(
        "[...document.querySelectorAll('.at-table tbody tr:not([hidden])')].map(r => Atlas.ids[r.dataset.i])"
    )
    page.evaluate("Atlas.set({table: {only: false}})")
    return set(ids)


def lit(page, what):
    return set(page.evaluate(f"[...document.querySelectorAll('{what}.at-on')].map(n => Atlas.ids[n.dataset.i])"))


def drag(page, selector, box, *, shift=False):
    """Draw a rectangle given in shares of an element; give it in pixels of the element."""
    frame = page.locator(selector).bounding_box()
    x0, y0, x1, y1 = (
        frame[edge] + share * frame[side]
        for edge, side, share in zip(("x", "y", "x", "y"), ("width", "height") * 2, box, strict=True)
    )
    if shift:
        page.keyboard.down("Shift")
    page.mouse.move(x0, y0)
    page.mouse.down()
    page.mouse.move((x0 + x1) / 2, (y0 + y1) / 2, steps=3)
    page.mouse.move(x1, y1, steps=3)
    page.mouse.up()
    if shift:
        page.keyboard.up("Shift")
    page.wait_for_timeout(40)
    return x0 - frame["x"], y0 - frame["y"], x1 - frame["x"], y1 - frame["y"]


def inside(box, x, y):
    return (x >= box[0]) & (x <= box[2]) & (y >= box[1]) & (y <= box[3])


def test_the_page_is_its_only_request_and_complains_of_nothing(page):
    assert (len(page.requests), page.complaints) == (1, [])


@pytest.mark.parametrize(("variable", "graph"), CASES)
def test_a_rectangle_on_the_scatterplot_selects_the_points_in_it(fresh, variable, graph):
    choose(fresh, variable, graph)
    box = drag(fresh, "#at-scatter svg", (0.45, 0.1, 0.85, 0.6))
    dots = fresh.evaluate(DOTS)
    expected = {code for code, x, y in dots if inside(box, x, y)}
    assert len(expected) > 3
    assert in_table(fresh) == selected(fresh) == expected


@pytest.mark.parametrize(("variable", "graph"), CASES)
def test_the_points_of_the_scatterplot_stand_where_the_table_says(fresh, found, variable, graph):
    choose(fresh, variable, graph)
    dots = fresh.evaluate(DOTS)
    table = found.tables["lisa_all"].query("variable == @variable and graph == @graph").set_index("adcode")
    own = table.loc[[code for code, *_ in dots]]
    assert len(own) == table["lag"].notna().sum()
    for column, at in (("z", 1), ("lag", 2)):
        assert abs(np.corrcoef(own[column], [dot[at] for dot in dots])[0, 1]) > 0.99999


@pytest.mark.parametrize(("variable", "graph"), CASES)
def test_a_rectangle_on_the_histogram_selects_the_values_in_it(fresh, found, variable, graph):
    choose(fresh, variable, graph)
    box = drag(fresh, "#at-histogram svg", (0.4, 0.2, 0.7, 0.7))
    bars = fresh.evaluate(
        "[...document.querySelectorAll('.at-bar-all')].map(b => [+b.getAttribute('x'), +b.getAttribute('width')])"
    )
    values = found.tables["city_measures"][variable].round(4)
    got = values[list(selected(fresh))]
    rest = values.drop(got.index).dropna()
    assert len(got) > 3
    assert in_table(fresh) == selected(fresh)
    assert rest[(rest > got.min()) & (rest < got.max())].empty
    # as many as the bars that lie wholly in it hold at least
    whole = [x for x, width in bars if x >= box[0] and x + width <= box[2]]
    assert len(whole) >= 2


@pytest.mark.parametrize(("variable", "graph"), CASES)
def test_a_rectangle_over_whole_bars_selects_their_cities(fresh, found, variable, graph):
    choose(fresh, variable, graph)
    frame = fresh.locator("#at-histogram svg").bounding_box()
    x, width = fresh.evaluate(
        "(b => [+b.getAttribute('x'), +b.getAttribute('width')])(document.querySelectorAll('.at-bar-all')[1])"
    )
    drag(fresh, "#at-histogram svg", ((x - 0.05) / frame["width"], 0.3, (x + width + 1.45) / frame["width"], 0.6))
    label = fresh.evaluate("document.querySelectorAll('.at-bar-all')[1].getAttribute('aria-label')")
    assert len(selected(fresh)) == int(re.search(r"(\d+) 个城市", label)[1])


@pytest.mark.parametrize(("variable", "graph"), CASES)
def test_a_rectangle_on_the_map_selects_the_cities_with_their_point_in_it(fresh, found, variable, graph):
    choose(fresh, variable, graph)
    box = drag(fresh, ".folium-map", (0.5, 0.3, 0.68, 0.62), shift=True)
    inner = found.units.geometry.loc[found.cities.index].representative_point()
    name = fresh.evaluate("document.querySelector('.folium-map').id")
    at = fresh.evaluate(
        f"p => p.map(q => {{ const m = window['{name}'], o = m.project(m.containerPointToLatLng([0, 0]));"
        "const c = m.project(q).subtract(o); return [c.x, c.y]; })",
        np.column_stack([inner.y.round(3), inner.x.round(3)]).tolist(),
    )
    expected = {code for code, (x, y) in zip(inner.index, at, strict=True) if inside(box, x, y)}
    assert len(expected) > 10
    assert in_table(fresh) == selected(fresh) == expected


@pytest.mark.parametrize(("variable", "graph"), CASES)
def test_what_the_table_selects_is_lit_on_the_map_the_scatterplot_and_the_histogram(fresh, found, variable, graph):
    choose(fresh, variable, graph)
    rows = fresh.locator(".at-table tbody tr")
    rows.nth(2).click()
    rows.nth(9).click(modifiers=["Shift"])
    wanted = selected(fresh)
    drawn = set(fresh.evaluate("[...document.querySelectorAll('.at-dot')].map(n => Atlas.ids[n.dataset.i])"))
    tall = fresh.evaluate(
        "[...document.querySelectorAll('.at-bar-all')].map(b => [+b.getAttribute('height'), "
        "+b.nextSibling.getAttribute('height')])"
    )
    known = found.tables["city_measures"][variable].notna().sum()
    assert len(wanted) == 8
    assert lit(fresh, ".at-unit") == wanted
    assert lit(fresh, ".at-dot") == wanted & drawn
    assert round(known * sum(own for _, own in tall) / sum(every for every, _ in tall)) == 8


def test_a_press_selects_and_a_press_with_shift_adds(fresh):
    fresh.locator(".at-dot").nth(0).click(force=True)
    first = selected(fresh)
    fresh.locator(".at-dot").nth(40).click(force=True, modifiers=["Shift"])
    assert len(first) == 1
    assert selected(fresh) > first


def test_a_press_on_the_map_selects_the_unit_under_it(fresh):
    at = fresh.evaluate(
        "(i => { const b = document.querySelector(`.at-unit[data-i='${i}']`).getBoundingClientRect();"
        "return [b.x + b.width / 2, b.y + b.height / 2]; })(Atlas.index['500000'])"
    )
    fresh.mouse.click(*at)
    assert selected(fresh) == {"500000"}


def test_a_cluster_selects_its_members_and_their_mean_is_its_score(fresh, found):
    fresh.select_option("#at-cluster", "C02")
    members = found.members.query("cluster_id == 'C02' and role == 'primary'")["adcode"]
    assert in_table(fresh) == set(members) & set(found.cities.index)
    assert fresh.locator("#at-fact-mean dd").first.text_content() == f"{found.clusters.loc['C02', 'score']:.1f}"


@pytest.mark.parametrize(("variable", "graph"), CASES)
def test_moran_of_the_selection_is_the_sum_over_its_links(fresh, found, variable, graph):
    choose(fresh, variable, graph)
    fresh.select_option("#at-cluster", "C02")
    z = found.tables["lisa_all"].query("variable == @variable and graph == @graph").set_index("adcode")["z"]
    links = found.tables["graph_links"].query("graph == @graph")
    links = links[links["focal"].map(z).notna() & links["neighbor"].map(z).notna()]
    w = links["weight"] / links.groupby("focal")["weight"].transform("sum")
    zz = w * links["focal"].map(z) * links["neighbor"].map(z)
    ends = links["focal"].isin(selected(fresh)).astype(int) + links["neighbor"].isin(selected(fresh))
    parts = fresh.evaluate("Atlas.moranParts(Atlas.chosen)")
    for part, n in zip(parts, (2, 1, 0), strict=True):
        assert part["I"] == pytest.approx(zz[ends == n].sum() / w[ends == n].sum(), abs=2e-4)
        assert part["share"] == pytest.approx(w[ends == n].sum() / w.sum(), abs=1e-9)


def test_a_province_selects_its_cities(fresh, found):
    fresh.select_option("#at-province", label="江苏")
    assert in_table(fresh) == set(found.cities.index[found.cities["province"] == "江苏"])


def test_a_bar_is_reached_and_chosen_with_the_keyboard(fresh):
    fresh.locator(".at-bar-all").nth(0).focus()
    fresh.keyboard.press("Enter")
    assert len(selected(fresh)) > 5


def test_rows_are_walked_and_chosen_with_the_keyboard(fresh):
    fresh.locator(".at-table tbody tr").nth(0).focus()
    for key in ("ArrowDown", "Space", "ArrowDown", "Space"):
        fresh.keyboard.press(key)
    assert selected(fresh) == set(fresh.evaluate("Atlas.tableRows().slice(1, 3)"))


def test_a_drag_is_one_step_of_undo(fresh):
    fresh.select_option("#at-cluster", "C01")
    before = selected(fresh)
    drag(fresh, "#at-scatter svg", (0.3, 0.2, 0.8, 0.8))
    fresh.locator(".at-actions button").nth(0).click()
    assert selected(fresh) == before


def test_the_table_sorts_and_finds(fresh, found):
    fresh.locator(".at-col-p button").click()
    fresh.fill(".at-rows input[type=search]", "guangdong")
    ids = fresh.evaluate("Atlas.tableRows()")
    p = found.tables["lisa"].loc[ids, "p_sim"]
    assert set(ids) == set(found.cities.index[found.cities["province"] == "广东"])
    assert p.is_monotonic_increasing


@pytest.mark.parametrize("layer", ["scores", "lisa", "clusters", "corridors", "spillovers", "poles"])
def test_the_legend_of_every_layer_counts_every_city(fresh, layer):
    fresh.select_option("#at-layer", layer)
    counts = fresh.evaluate("[...document.querySelectorAll('button.at-line .at-quiet')].map(n => +n.textContent)")
    assert sum(counts) == 242


@pytest.mark.parametrize("layer", ["scores", "lisa", "clusters", "corridors", "spillovers", "poles"])
def test_the_legend_of_every_layer_names_the_units_without_a_score(fresh, found, layer):
    fresh.select_option("#at-layer", layer)
    line = fresh.locator(".at-line", has=fresh.locator(".gc-hatched")).text_content()
    assert line == f"未评分{len(found.units) - len(found.cities)}"


def test_cities_are_named_on_the_map_before_anything_is_pressed(fresh, file):
    other = fresh.context.new_page()
    other.goto(file.as_uri())
    named = other.locator(".at-names span").count()
    other.close()
    assert named > 5


def test_paper_has_a_drawing_of_the_map_with_every_unit(fresh, found):
    count = "document.querySelectorAll('.at-paper path').length"
    fresh.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    drawn = fresh.evaluate(count)
    fresh.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert drawn >= len(found.units)
    assert fresh.evaluate(count) == 0


@pytest.mark.parametrize(("rule", "column"), [("p", "significant"), ("fdr", "significant_fdr")])
def test_the_lisa_layer_shows_the_flags_of_the_table(fresh, found, rule, column):
    fresh.select_option("#at-layer", "lisa")
    fresh.select_option("#at-rule", rule)
    shown = fresh.locator("button.at-line").first.text_content()
    wanted = found.tables["lisa"].query(f"{column} and quadrant == 'HH'")
    assert shown == f"高–高{len(wanted)}"


def test_a_link_restores_the_whole_state(fresh, file):
    choose(fresh, "residual", "queen")
    fresh.select_option("#at-layer", "lisa")
    fresh.select_option("#at-rule", "fdr")
    drag(fresh, "#at-scatter svg", (0.3, 0.2, 0.7, 0.7))
    fresh.evaluate(
        "Atlas.set({lang: 'en', table: {find: 'an', sort: 'city', down: false}, view: [31.2, 110.1, 5.1]})"
    )
    state, link = fresh.evaluate("[Atlas.state, Atlas.link()]")
    other = fresh.context.new_page()
    other.goto(link)
    other.wait_for_function("document.querySelectorAll('.at-bar-all').length > 0")
    again = other.evaluate("Atlas.state")
    other.close()
    assert again == state
    assert len(state["selection"]) > 5


@pytest.mark.parametrize("fragment", ["#s=%%%", "#s=eyJ2YXJpYWJsZSI6IjxpbWc-In0", "#s=W10"])
def test_a_spoilt_link_opens_the_first_state(fresh, file, fragment):
    other = fresh.context.new_page()
    faults = []
    other.on("pageerror", lambda error: faults.append(str(error)))
    other.goto(file.as_uri() + fragment)
    other.wait_for_timeout(300)
    found = other.evaluate("[Atlas.state.variable, Atlas.state.selection]")
    other.close()
    assert (found, faults) == (["score", []], [])


def texts_of(page):
    """Give every text, title, label and placeholder that the page shows or reads out."""
    return page.evaluate("""() => {
        const found = [document.title], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        while (walk.nextNode()) {
            const tag = walk.currentNode.parentNode.tagName;
            if (tag !== 'SCRIPT' && tag !== 'STYLE') { found.push(walk.currentNode.data); }
        }
        document.querySelectorAll('*').forEach(node => ['title', 'aria-label', 'placeholder', 'alt'].forEach(name => {
            if (node.hasAttribute(name)) { found.push(node.getAttribute(name)); }
        }));
        return found;
    }""")


@pytest.mark.parametrize("tab", ["views", "poles", "whatif"])
def test_in_english_only_the_language_button_is_chinese(fresh, tab):
    fresh.evaluate(f"Atlas.set({{lang: 'en', layer: 'lisa', tab: '{tab}'}})")
    fresh.wait_for_timeout(200)
    left = {text.strip() for text in texts_of(fresh) if CJK.search(text)}
    assert left == {"中文"}


@pytest.mark.parametrize("tab", ["views", "poles", "whatif"])
def test_in_chinese_no_english_sentence_is_left(fresh, tab):
    fresh.evaluate(f"Atlas.set({{lang: 'en', tab: '{tab}'}}); Atlas.set({{lang: 'zh', layer: 'lisa'}})")
    fresh.wait_for_timeout(200)
    left = {text.strip() for text in texts_of(fresh) if SENTENCE.search(COMMAND.sub("", text))}
    assert left == set()


def test_the_selection_is_saved_as_a_table_that_is_the_pipelines(fresh, found):
    fresh.select_option("#at-cluster", "C03")
    fresh.locator(".at-menu summary").click()
    with fresh.expect_download() as waiting:
        fresh.locator(".at-menu-list button").first.click()
    lines = waiting.value.path().read_text("utf-8-sig").splitlines()
    head, rows = lines[0].split(","), [line.split(",") for line in lines[1:]]
    lisa = found.tables["lisa"]
    assert {row[0] for row in rows} == selected(fresh)
    for row in rows:
        assert float(row[head.index("p_sim")]) == float(f"{lisa.loc[row[0], 'p_sim']:.4f}")
        assert float(row[head.index("I")]) == float(f"{lisa.loc[row[0], 'I']:.4f}")


@pytest.mark.parametrize("number", range(2, 10))
def test_every_view_is_saved_as_png_and_svg(fresh, number):
    fresh.select_option("#at-cluster", "C03")
    fresh.locator(".at-menu summary").click()
    with fresh.expect_download() as waiting:
        fresh.locator(".at-menu-list button").nth(number).click()
    written = waiting.value.path().read_bytes()
    starts = {"png": b"\x89PNG", "svg": b"<svg"}[waiting.value.suggested_filename[-3:]]
    assert written.startswith(starts)
    assert len(written) > 2000


@pytest.mark.parametrize("width", [1440, 1024, 390])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_nothing_runs_out_of_the_page(fresh, file, width, lang):
    other = fresh.context.new_page()
    other.set_viewport_size({"width": width, "height": 900})
    other.goto(file.as_uri())
    other.evaluate(f"Atlas.set({{lang: '{lang}'}})")
    other.wait_for_timeout(300)
    wide = other.evaluate("document.documentElement.scrollWidth")
    other.close()
    assert wide <= width


def test_hostile_names_stay_text(found, browser, tmp_path):
    bad = "<img src=x onerror=window.hit=1>'\"`${1}</script><script>window.hit=1</script>"
    units, clusters = found.units.copy(), found.clusters.copy()
    cities = found.cities.assign(city=bad)
    units["city"] = units["city_en"] = units["province"] = units["province_en"] = bad
    clusters["cluster"] = clusters["cluster_en"] = bad
    file = build_atlas(replace(found, units=units, cities=cities, clusters=clusters)).save(tmp_path / "bad.html")
    page = browser.new_context(offline=True).new_page()
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(file.as_uri())
    page.wait_for_timeout(400)
    for layer in ("lisa", "clusters", "spillovers", "poles"):
        page.evaluate(f"Atlas.set({{layer: '{layer}', lang: 'en'}}); Atlas.select(Atlas.ids.slice(0, 3))")
    page.locator(".at-dot").nth(0).hover(force=True)
    assert page.evaluate("[window.hit, document.querySelectorAll('img').length]") == [None, 0]
    assert bad in page.locator(".at-table tbody tr").first.text_content()
    assert faults == []


def test_a_panel_paints_the_map_while_its_tab_is_open(fresh):
    fresh.evaluate("Atlas.set({tab: 'poles'})")
    fresh.evaluate("Atlas.colour({C01: '#123456'}, {title: 'T', lines: [['one', '#123456', 13]]})")
    path = f".at-unit[data-i='{fresh.evaluate('Atlas.index[110000]')}']"
    painted = fresh.locator(path).get_attribute("fill")
    fresh.evaluate("Atlas.set({tab: 'views'})")
    assert painted == "#123456"
    assert fresh.locator(path).get_attribute("fill") != "#123456"
    fresh.evaluate("Atlas.set({tab: 'poles'}); Atlas.colour(null); Atlas.set({tab: 'views'})")
