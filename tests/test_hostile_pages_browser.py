"""One study with hostile text wherever a table or the settings take text, and every page of it in Chromium."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pandas as pd
import pytest
from finished_run import quick

from geo_cdei.config import read_settings
from geo_cdei.outputs.pages import build_pages
from geo_cdei.outputs.report.files import write_report
from geo_cdei.pipeline import run
from geo_cdei.workspace import create_study

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
PAGES = ("scores", "lisa", "pattern", "corridors", "spillovers", "poles", "editions", "atlas", "report")
EVIL = (
    '<img src=x onerror="window.hit=1">\'`${window.hit=1}`\\u003cu\\u003e{{7*7}}{%if%}{#'
    "</script><script>window.hit=1,alert(1)</script><!--"
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no browser: apt-get install chromium fonts-noto-cjk"),
]


def spoil(workspace):
    """Put the text into every column of names and notes, and into every setting of a text."""

    def change(path, **columns):
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        for name, make in columns.items():
            table[name] = [make(row) for row in table.to_dict("records")]
        table.to_csv(path, index=False)

    raw, codes = workspace.raw, workspace.boundaries
    units = pd.read_csv(codes / "units.csv", dtype=str).set_index("short_name")["adcode"]
    first = pd.read_csv(raw / "scores_2021.csv", dtype=str)["city"].head(40)
    given = {name: f"{EVIL}{name}" for name in first if name in units.index}
    aliases = pd.read_csv(codes / "aliases.csv", dtype=str, keep_default_na=False)
    more = pd.DataFrame({"alias": list(given.values()), "adcode": [units[name] for name in given], "kind": "alias"})
    pd.concat([aliases, more.assign(year="", source=EVIL)]).to_csv(codes / "aliases.csv", index=False)
    change(raw / "scores_2021.csv", city=lambda row: given.get(row["city"], row["city"]))
    english = {"name_en": lambda row: EVIL + row["name_en"], "province_en": lambda row: EVIL + row["province_en"]}
    change(codes / "units.csv", province=lambda row: EVIL + row["province"], name_en_source=lambda _: EVIL, **english)
    named = {name: lambda row, name=name: EVIL + row[name] for name in ("cluster", "cluster_en", "source", "note")}
    cores = {"core": lambda row: ";".join(given.get(name, name) for name in row["core"].split(";"))}
    change(raw / "clusters.csv", **named, **cores)
    named = {name: lambda row, name=name: EVIL + row[name] for name in ("name_zh", "name_en", "source", "status")}
    change(raw / "corridors.csv", **named)
    extra = pd.DataFrame({"city": ["北京", "上海", "苏州"], EVIL: [1.0, 2.0, 3.0]})
    extra.to_csv(raw / "extra.csv", index=False)


def spoiled_settings(settings):
    words = dict.fromkeys(("title", "title_en", "source", "source_en", "approval_number"), EVIL)
    custom = [each.model_copy(update={"name": EVIL, "name_en": EVIL}) for each in settings.poles.custom]
    sections = {
        "study": settings.study.model_copy(update=words),
        "poles": settings.poles.model_copy(update={"custom": tuple(custom)}),
        "data": settings.data.model_copy(update={"attributes": (*settings.data.attributes, "extra")}),
        "spillovers": settings.spillovers.model_copy(update={"left_out": {"654000": EVIL}}),
    }
    return settings.model_copy(update=sections)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Run the study once, and write every page in both languages."""
    workspace = create_study(tmp_path_factory.mktemp("spoiled") / "study")
    spoil(workspace)
    analysis = run(workspace, quick(spoiled_settings(read_settings(workspace.settings))))
    place = tmp_path_factory.mktemp("pages")
    for lang in ("zh", "en"):
        study = analysis.settings.study.model_copy(update={"language": lang})
        spoken = replace(analysis, settings=analysis.settings.model_copy(update={"study": study}))
        for name, page in build_pages(spoken).items():
            page.save(place / f"{name}-{lang}.html")
        write_report(spoken, lambda _, lang=lang: place / f"report-{lang}.html", formats=["html"], maps={})
    return place


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


class Visit:
    """An open page with all that it asked for, complained about, and popped up."""

    def __init__(self, browser, file):
        self.context = browser.new_context(offline=True, viewport={"width": 1440, "height": 900})
        self.page = self.context.new_page()
        self.requests, self.complaints = [], []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda m: self.complaints.append(m.text) if m.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.complaints.append(dialog.message), dialog.dismiss()))
        self.page.goto(file.as_uri())
        self.page.wait_for_timeout(400)

    def touch_everything(self, name):
        """Hover, click, choose, type and press what the page has."""
        self.page.evaluate(
            """() => {
                const kinds = ['mouseover', 'mousemove', 'click', 'focus'];
                const some = name => [...document.querySelectorAll(name)].filter((_, at, all) => at % Math.ceil(
                    all.length / 8) === 0);
                ['path', 'circle', '.at-dot', '.gc-panel *', 'button.at-line'].flatMap(some)
                    .forEach(mark => kinds.forEach(
                    kind => mark.dispatchEvent(new MouseEvent(kind, {bubbles: true, clientX: 700, clientY: 400}))));
                document.querySelectorAll('select').forEach(box => [...box.options].forEach(option => {
                    box.value = option.value;
                    box.dispatchEvent(new Event('change', {bubbles: true}));
                }));
                document.querySelectorAll('details').forEach(each => { each.open = true; });
                document.querySelectorAll('input[type=radio], input[type=checkbox]').forEach(box => box.click());
                document.querySelectorAll('input[type=search], #gc-search').forEach(box => {
                    box.value = 'img';
                    box.dispatchEvent(new Event('input', {bubbles: true}));
                });
            }"""
        )
        if self.page.locator("#gc-search").count():
            self.page.locator("#gc-search").fill("img")
            self.page.keyboard.press("Enter")
        if name == "atlas":
            for tab in ("poles", "whatif", "views"):
                self.page.evaluate(f"Atlas.set({{tab: '{tab}'}}); Atlas.select(Atlas.ids.slice(0, 3))")
        self.page.wait_for_timeout(300)


@pytest.fixture(scope="module")
def visits(folder, browser):
    """Open each page once."""
    opened = {}

    def go(name, lang):
        if (name, lang) not in opened:
            opened[name, lang] = Visit(browser, folder / f"{name}-{lang}.html")
            opened[name, lang].touch_everything(name)
        return opened[name, lang]

    yield go
    for visit in opened.values():
        visit.context.close()


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("name", PAGES)
def test_hostile_text_never_runs_on_a_page(visits, name, lang):
    """No script, no dialog, no element and no request comes of it."""
    visit = visits(name, lang)
    strange = "document.querySelectorAll('img[src=x], [onerror], body u, iframe, object, embed').length"
    assert visit.page.evaluate(f"[window.hit === undefined, {strange}]") == [True, 0]
    assert [url for url in visit.requests[1:] if not url.startswith(("data:", "blob:"))] == []
    assert visit.complaints == []


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("name", PAGES)
def test_hostile_text_is_shown_as_it_was_given(visits, name, lang):
    """Letter by letter, in the text of the page."""
    assert EVIL in visits(name, lang).page.evaluate("document.body.textContent + document.title")


@pytest.mark.parametrize("name", ["scores", "lisa", "corridors", "atlas"])
def test_the_hostile_name_of_a_city_is_found_and_shown(visits, name):
    """The given name of a table, in the card or the table of the page."""
    shown = visits(name, "zh").page.evaluate("document.body.innerText")
    assert "<img src=x" in shown
