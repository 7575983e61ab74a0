"""The panels of the atlas in Chromium with the network off, against the functions of the analysis."""

from __future__ import annotations

import re
import shutil
from importlib import resources

import numpy as np
import pandas as pd
import pytest
from finished_run import quick

from geo_cdei import pipeline, studies
from geo_cdei._breaks import natural_breaks
from geo_cdei._poles import PoleCriteria, group_weights
from geo_cdei.analysis.pole_ranking import objective_weights, rank_poles
from geo_cdei.analysis.roles import base_scores
from geo_cdei.analysis.scoring import score_clusters
from geo_cdei.columns import POLE_WEIGHTS
from geo_cdei.config import read_settings
from geo_cdei.inputs.clusters import build_members
from geo_cdei.inputs.overrides import apply_overrides, find_override_faults
from geo_cdei.outputs.atlas import build_atlas
from geo_cdei.workspace import Workspace, create_study, default_study

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
ASSETS = resources.files("geo_cdei.outputs") / "assets"
CELLS = ["kind", "adcode", "city", "value", "from_cluster", "cluster_id", "role"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no browser: apt-get install chromium fonts-noto-cjk"),
]


@pytest.fixture(scope="module")
def found():
    """Run every step of the default study once, with few draws."""
    workspace = Workspace(default_study())
    return pipeline.run(workspace, quick(read_settings(workspace.settings)))


@pytest.fixture(scope="module")
def file(found, tmp_path_factory):
    path = tmp_path_factory.mktemp("atlas") / "atlas.html"
    build_atlas(found).save(path)
    return path


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


def opened(browser, address, **context):
    page = browser.new_context(offline=True, **context).new_page()
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.goto(address)
    page.wait_for_function("() => document.querySelector('#at-panel-whatif tbody tr')", polling=100)
    return page


@pytest.fixture(scope="module")
def page(file, browser):
    """Open the page once; every test sets the state that it needs."""
    opened_page = opened(browser, file.as_uri(), accept_downloads=True)
    yield opened_page
    assert opened_page.complaints == []


@pytest.fixture(scope="module")
def blank(browser):
    """Load the arithmetic alone, without a page around it."""
    bare = browser.new_context(offline=True).new_page()
    bare.set_content("<p></p>")
    for name in ("atlas_poles", "atlas_whatif"):
        bare.add_script_tag(content=(ASSETS / f"{name}.js").read_text(encoding="utf-8"))
    return bare


def show(page, **state):
    page.evaluate("(state) => Atlas.set(state)", state)


# --- fifth pole


@pytest.fixture(scope="module")
def criteria(found):
    """Candidates and criteria as the tables hold them."""
    table, poles = found.tables["pole_criteria"], found.tables["poles"].sort_index()
    n = len(poles)
    return PoleCriteria(
        candidates=poles[["cluster"]], raw=poles[list(table.index)], others=(), table=table, elsewhere=table.iloc[:0],
        left_out=(), score=np.zeros(n), weight=np.ones(n), memberships=np.eye(n, dtype=bool)[None],
        adcodes=poles.index, strong_city=65.0,
    )  # fmt: skip


def shown_ranking(page):
    rows = page.eval_on_selector_all(
        ".ap-poles tr[data-rank]", "rows => rows.map(r => [r.dataset.id, +r.dataset.rank, +r.dataset.value])"
    )
    return pd.DataFrame(rows, columns=["id", "rank", "value"]).set_index("id").sort_index()


def assert_same_ranking(page, wanted):
    shown = shown_ranking(page)
    assert shown["rank"].tolist() == wanted["rank_additive"].tolist()
    np.testing.assert_allclose(shown["value"], wanted["value_additive"], rtol=0, atol=1e-12)


SLIDE = """(weights) => {
  for (const [kind, all] of Object.entries(weights)) for (const [key, value] of Object.entries(all)) {
    const slider = document.getElementById(`ap-${kind}-${key}`);
    slider.value = value;
    slider.dispatchEvent(new Event("input"));
    slider.dispatchEvent(new Event("change"));
  }
}"""


@pytest.mark.parametrize("seed", range(20))
def test_sliders_rank_as_rank_poles_does(page, criteria, seed):
    rng = np.random.default_rng(seed)
    show(page, lang="en", tab="poles", poles={"preset": "used", "groups": None, "criteria": None})
    between = {name: int(rng.integers(0, 101)) for name in dict.fromkeys(criteria.groups)}
    within = {name: int(rng.integers(0, 101)) for name in criteria.raw.columns}
    page.evaluate(SLIDE, {"groups": between, "criteria": within})
    weights = group_weights(criteria.groups, between=between, within=within)
    assert_same_ranking(page, rank_poles(criteria, weights=weights))


@pytest.mark.parametrize("kind", ["equal", "entropy", "critic"])
def test_presets_rank_as_the_weights_that_need_no_opinion(page, criteria, kind):
    show(page, tab="poles", poles={"preset": kind, "groups": None, "criteria": None})
    assert_same_ranking(page, rank_poles(criteria, weights=objective_weights(criteria, kind)))


def test_the_table_of_weights_has_its_columns_and_every_origin_sums_to_one(found):
    table = found.tables["pole_weights"]
    assert tuple(table.columns) == POLE_WEIGHTS
    np.testing.assert_allclose(table[list(POLE_WEIGHTS[1:])].sum(), 1.0)


def test_the_first_ranking_is_that_of_the_table(page, found):
    show(page, tab="poles", poles={"preset": "used", "groups": None, "criteria": None})
    assert_same_ranking(page, found.tables["poles"].sort_index())


def test_central_weights_rank_as_the_table_s_weights(page, criteria, found):
    table = found.tables["pole_central_weights"]
    mine = table[(table["scheme"] == "grouped") & (table["cluster_id"] == "C07")].set_index("criterion")["weight"]
    show(page, tab="poles", poles={"preset": "central:grouped:C07", "groups": None, "criteria": None})
    assert_same_ranking(page, rank_poles(criteria, weights=mine))


def test_the_chart_marks_the_present_rank_of_every_candidate(page):
    show(page, tab="poles", poles={"preset": "entropy", "groups": None, "criteria": None})
    marks = page.eval_on_selector_all(".ap-chart [data-mark]", "all => all.map(r => [r.dataset.id, +r.dataset.mark])")
    assert dict(marks) == shown_ranking(page)["rank"].to_dict()


def test_contributions_of_two_candidates_add_up_to_their_values(page):
    show(page, tab="poles", poles={"preset": "used", "groups": None, "criteria": None, "a": "C06", "b": "C10"})
    cells = page.eval_on_selector_all(".ap-why tbody tr", "rows => rows.map(r => [+r.dataset.a, +r.dataset.b])")
    *parts, total = np.array(cells)
    np.testing.assert_allclose(np.sum(parts, axis=0), total)
    np.testing.assert_allclose(total, shown_ranking(page).loc[["C06", "C10"], "value"])


def test_candidates_are_painted_by_rank(page):
    show(page, tab="poles", poles={"preset": "used", "groups": None, "criteria": None})
    colours = page.evaluate("Atlas.paint().colours")
    ranking = shown_ranking(page)
    assert set(colours) == set(ranking.index)
    assert [key for key, colour in colours.items() if colour == "#0c2c84"] == [*ranking.index[ranking["rank"] == 1]]


def test_without_any_weight_the_panel_says_so(page):
    zero = dict.fromkeys(["level", "breadth", "connection", "location", "dynamics"], 0)
    show(page, lang="en", tab="poles", poles={"preset": "own", "groups": zero, "criteria": {}})
    assert page.get_by_text("All weights are zero").is_visible()


def test_unknown_values_count_as_the_middle_and_ties_share_the_better_rank(blank):
    model = {
        "criteria": [{"key": "x", "group": "level"}, {"key": "y", "group": "location"}],
        "groups": [{"key": "level"}, {"key": "location"}], "presets": {}, "central": {},
        "candidates": [
            {"id": "a", "scaled": [1, 0]}, {"id": "b", "scaled": [None, 0.5]}, {"id": "c", "scaled": [0, 0]},
        ],
    }  # fmt: skip
    found = blank.evaluate("(m) => AtlasPoles.rank(m, AtlasPoles.weights(m, {preset: 'own'}))", model)
    assert [(row["value"], row["rank"]) for row in found] == [(0.5, 1), (0.5, 1), (0.0, 3)]


# --- what if


def model_of(cities, members, *, weights="gdp", roles=("primary",), k=None):
    """Put small tables into the form of the page."""
    places = [*cities.index, *(code for code in members["adcode"].unique() if code not in cities.index)]
    groups = sorted(members["cluster_id"].unique())
    names = dict(zip(members["adcode"], members["city"], strict=True)) | cities["city"].to_dict()

    def numbers(values):
        return [None if value != value else float(value) for value in values]

    return {
        "ids": places, "names": [[names[code]] * 2 for code in places], "score": numbers(cities["score"]),
        "weight": numbers(cities[weights]), "classed": [1] * len(cities), "roles": list(roles), "weights": weights,
        "clusters": [{"id": key, "name": [key, key]} for key in groups], "limits": [0, 100], "k": k,
        "members": [[groups.index(r.cluster_id), places.index(r.adcode), r.role] for r in members.itertuples()],
    }  # fmt: skip


def assert_same_scores(rows, wanted):
    shown = pd.DataFrame([row for row in rows if row]).set_index("id")
    numbers = ["score", "coverage", "weight_coverage", "spread", "loo_min", "loo_max"]
    np.testing.assert_allclose(
        shown[numbers].astype(float), wanted[numbers].astype(float), rtol=0, atol=1e-9, equal_nan=True
    )
    exact = ["n_scored", "n_members", "top_member", "left_out"]
    assert shown[exact].to_numpy().tolist() == wanted[exact].to_numpy().tolist()


@pytest.mark.parametrize("seed", range(8))
def test_cluster_scores_are_those_of_score_clusters_with_gaps_of_every_kind(blank, seed):
    """Missing scores, missing and zero weights, members without a row, secondary and unscored members."""
    rng = np.random.default_rng(seed)
    codes = [f"{i:06d}" for i in range(30)]
    cities = pd.DataFrame(
        {"city": codes, "score": rng.uniform(20, 95, 30), "gdp": rng.choice([0.0, np.nan, 1, 2, 5], 30)},
        index=pd.Index(codes, name="adcode"),
    )
    cities.loc[rng.choice(codes, 4), "score"] = np.nan
    members = pd.DataFrame({"adcode": [*codes, "x1", "x2"], "cluster_id": [f"C{i % 8}" for i in range(32)]})
    members = members.assign(city=members["adcode"], role=rng.choice(["primary", "secondary"], 32, p=[0.8, 0.2]))
    members = build_members(cities, members.assign(cluster=members["cluster_id"]))
    roles = ("primary",) if seed % 2 else ("primary", "secondary")
    model = model_of(cities, members, roles=roles)
    found = blank.evaluate("(model) => AtlasWhatIf.answer(model, []).rows", model)
    assert_same_scores(found, score_clusters(cities, members, weights="gdp", roles=roles))


EDITS = {
    "a score": [{"kind": "score", "id": "370200", "value": 85.0}],
    "many scores": [{"kind": "score", "id": code, "value": 40.5} for code in ("110000", "310000", "440300")],
    "a move": [{"kind": "move", "id": "370300", "from": "C05", "to": "C06"}],
    "a city taken out": [{"kind": "remove", "id": "110000", "from": "C01"}],
    "a move in a lesser role": [{"kind": "move", "id": "370300", "from": "C05", "to": "C06", "role": "secondary"}],
    "a cluster left with few": [{"kind": "move", "id": code, "from": "C28", "to": "C29"} for code in ("@0", "@1")],
    "all at once": [
        {"kind": "score", "id": "370200", "value": 30.0},
        {"kind": "move", "id": "370300", "from": "C05", "to": "C01"},
        {"kind": "remove", "id": "130600", "from": "C01"}, {"kind": "score", "id": "420100", "value": 99.0},
    ],
}  # fmt: skip


def edits_of(case, members):
    """Fill in members of C28 that the cases leave open."""
    open_codes = members.loc[(members["cluster_id"] == "C28") & (members["role"] == "primary"), "adcode"].tolist()
    return [
        edit | {"id": open_codes[int(edit["id"][1:])] if edit["id"].startswith("@") else edit["id"]}
        for edit in EDITS[case]
    ]


def as_table(edits):
    rows = [[e["kind"], e["id"], e["id"], e.get("value"), e.get("from"), e.get("to"), e.get("role")] for e in edits]
    return pd.DataFrame(rows, columns=CELLS).assign(note="")


def changed(found, edits):
    cities, members, _ = apply_overrides(as_table(edits), found.cities, found.members.drop(columns="score"))
    return cities, build_members(cities, members)


@pytest.mark.parametrize("case", EDITS)
def test_what_if_scores_and_ranks_are_those_of_score_clusters(page, found, case):
    edits = edits_of(case, found.members)
    show(page, tab="whatif", whatif={"edits": edits})
    cities, members = changed(found, edits)
    wanted = score_clusters(cities, members)
    assert_same_scores(page.evaluate("(e) => AtlasWhatIf.answer(Atlas.data.whatif, e).rows", edits), wanted)
    shown = page.eval_on_selector_all(
        ".ap-whatif tr[data-score]", "rows => rows.map(r => [r.dataset.id, +r.dataset.score, +r.dataset.rank])"
    )
    ranks = wanted["score"].rank(ascending=False, method="min")
    assert {key: rank for key, _, rank in shown} == ranks.to_dict()
    assert {key: value for key, value, _ in shown} == pytest.approx(wanted["score"].to_dict(), abs=1e-9)


@pytest.mark.parametrize("case", EDITS)
def test_what_if_classes_are_the_natural_breaks_of_the_base_scenario(page, found, case):
    edits = edits_of(case, found.members)
    cities, members = changed(found, edits)
    weights = [found.weights, *found.settings.pattern.weights]
    scores = base_scores(cities.sort_index(), members, weights=weights)
    k = int(found.tables["pattern"]["k"].dropna().iloc[0])
    wanted = dict(zip(scores.index, natural_breaks(scores, k).tolist(), strict=True))
    classes = page.evaluate("(e) => AtlasWhatIf.answer(Atlas.data.whatif, e).classes", edits)
    names = [cluster["id"] for cluster in page.evaluate("Atlas.data.whatif.clusters")]
    assert {key: label for key, label in zip(names, classes, strict=True) if label} == wanted


def test_without_changes_the_classes_are_those_of_the_run(page, found):
    classes = page.evaluate("AtlasWhatIf.answer(Atlas.data.whatif, []).classes")
    assert classes == found.tables["pattern"]["class"].astype(object).where(lambda c: c.notna(), None).tolist()


@pytest.mark.parametrize("seed", range(10))
def test_natural_breaks_are_those_of_the_analysis(blank, seed):
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 12, 20).astype(float) if seed % 2 else rng.normal(60, 12, 26)
    found = blank.evaluate("([v, k]) => AtlasWhatIf.naturalBreaks(v, k)", [values.tolist(), 2 + seed % 4])
    assert found == natural_breaks(values, 2 + seed % 4).tolist()


def random_edits(rng, cities, members):
    """Draw changes of every kind, sound or not."""
    codes, groups = [*cities.index[:12], *members["adcode"].unique()[:8]], ["C01", "C02", "C03", "C99"]
    edits = []
    for kind in rng.choice(["score", "move", "add", "remove"], rng.integers(1, 4)):
        edit = {"kind": str(kind), "id": str(rng.choice(codes))}
        if kind == "score":
            edit["value"] = float(rng.choice([-1, 0, 50, 100, 101]))
        if kind in ("move", "remove"):
            edit["from"] = str(rng.choice(groups[: 3 + int(rng.random() < 0.1)]))
        if kind in ("move", "add"):
            edit["to"] = str(rng.choice(groups[: 3 + int(rng.random() < 0.1)]))
        if kind in ("move", "add") and rng.random() < 0.5:
            edit["role"] = str(rng.choice(["primary", "secondary"]))
        edits.append(edit)
    return edits


def test_the_page_takes_the_changes_that_the_pipeline_takes_and_no_other(page, found):
    rng = np.random.default_rng(1)
    cases = [random_edits(rng, found.cities, found.members) for _ in range(300)]
    members = found.members.drop(columns="score")
    wanted = [not find_override_faults(as_table(case), found.cities, members, limits=(0, 100)) for case in cases]
    taken = page.evaluate("(all) => all.map(e => !AtlasWhatIf.faults(Atlas.data.whatif, e).length)", cases)
    assert taken == wanted
    assert 10 < sum(wanted) < 290


def test_buttons_raise_move_and_take_out_the_chosen_cities(page):
    show(page, lang="en", tab="whatif", whatif={"edits": []}, selection=["370200", "370300"])
    page.locator("#ap-points").fill("2.5")
    page.get_by_role("button", name="Raise").click()
    page.locator("#ap-target").select_option("C06")
    page.get_by_role("button", name="Move in").click()
    show(page, selection=["130600"])
    page.get_by_role("button", name="Take out", exact=True).click()
    score = page.evaluate("Atlas.data.whatif.score[Atlas.data.whatif.ids.indexOf('370200')]")
    edits = page.evaluate("Atlas.state.whatif.edits")
    assert edits[0] == {"kind": "score", "id": "370200", "value": pytest.approx(score + 2.5)}
    assert edits[2:] == [
        {"kind": "move", "id": "370200", "from": "C05", "to": "C06"},
        {"kind": "move", "id": "370300", "from": "C05", "to": "C06"},
        {"kind": "remove", "id": "130600", "from": "C01"},
    ]


def test_a_city_moved_back_is_no_change(page):
    show(page, tab="whatif", whatif={"edits": []}, selection=["370300"])
    for target in ("C06", "C05"):
        page.locator("#ap-target").select_option(target)
        page.get_by_role("button", name=re.compile("Move in|移入")).click()
    assert page.evaluate("Atlas.state.whatif.edits") == []


def test_what_needs_a_run_is_grey_as_soon_as_something_changes(page):
    show(page, lang="en", tab="whatif", whatif={"edits": []})
    assert page.locator(".ap-held .ap-stale").count() == 0
    show(page, whatif={"edits": EDITS["a score"]})
    assert page.locator(".ap-held .ap-stale").count() == page.locator(".ap-held li").count() == 5
    assert page.locator(".ap-whatif code").inner_text() == "geo-cdei run"


def test_the_downloaded_file_gives_the_same_scores_through_a_run(page, tmp_path):
    edits = [*EDITS["all at once"], {"kind": "add", "id": "370300", "to": "C06", "role": "secondary"}]
    show(page, lang="en", tab="whatif", whatif={"edits": edits})
    with page.expect_download() as download:
        page.locator("#ap-save").click()
    study = create_study(tmp_path / "study")
    download.value.save_as(study.raw / download.value.suggested_filename)
    outcome = studies.run_study(study, only=["scores"])
    rows = page.evaluate("(e) => AtlasWhatIf.answer(Atlas.data.whatif, e).rows", edits)
    wanted = {row["id"]: row["score"] for row in rows}
    assert outcome.analysis.clusters["score"].to_dict() == pytest.approx(wanted, abs=1e-9)
    assert len(outcome.analysis.tables["overrides"]) == 5


# --- state and languages


def test_a_link_restores_weights_and_changes(page, file, browser):
    show(page, lang="en", tab="poles", poles={"preset": "used", "groups": None, "criteria": None})
    page.evaluate(SLIDE, {"groups": {"level": 77, "location": 3}, "criteria": {"score": 10}})
    show(page, whatif={"edits": EDITS["all at once"]})
    other = opened(browser, file.as_uri() + page.evaluate("Atlas.fragment()"))
    assert other.evaluate("Atlas.state") == page.evaluate("Atlas.state")
    pd.testing.assert_frame_equal(shown_ranking(other), shown_ranking(page))


def test_a_hostile_link_changes_nothing_that_cannot_be(page, file, browser):
    hostile = {
        "poles": {"preset": "__proto__", "groups": "x", "criteria": {"score": -5}, "a": "<img src=x>", "b": 7},
        "whatif": {"edits": [None, 5, {"kind": "score", "id": "110000", "value": "9"}, *EDITS["a score"]]},
    }
    show(page, **hostile)
    other = opened(browser, file.as_uri() + page.evaluate("Atlas.fragment()"))
    show(other, tab="poles")
    assert len(shown_ranking(other)) == len(shown_ranking(page)) > 0
    show(other, tab="whatif")
    assert other.locator(".ap-changes li").count() == 1
    assert other.complaints == []
    show(page, poles={"preset": "used", "groups": None, "criteria": None, "a": None, "b": None}, whatif={"edits": []})


def test_undo_takes_a_change_back(page):
    show(page, tab="whatif", whatif={"edits": []})
    show(page, whatif={"edits": EDITS["a move"]})
    page.evaluate("Atlas.undo()")
    assert page.evaluate("Atlas.state.whatif.edits") == []
    assert page.locator(".ap-changes li").count() == 0


@pytest.mark.parametrize("tab", ["poles", "whatif"])
def test_no_text_is_left_in_the_other_language(page, tab):
    everything = {"whatif": {"edits": EDITS["all at once"]}, "selection": ["110000", "370200"]}
    show(page, lang="en", tab=tab, **everything)
    panel = page.locator(f"#at-panel-{tab}")
    assert re.findall(r"[一-鿿]+", panel.inner_text()) == []
    assert re.findall(r"[一-鿿]+", " ".join(panel.locator("svg text, option").all_text_contents())) == []
    show(page, lang="zh")
    said = panel.inner_text().replace("geo-cdei run", "").replace("data/raw/", "")
    assert re.findall(r"[A-Za-z]+ [A-Za-z]+ [A-Za-z]+", said) == []


@pytest.mark.parametrize("width", [1440, 1024, 390])
@pytest.mark.parametrize("tab", ["poles", "whatif"])
def test_a_panel_is_never_wider_than_its_window(file, browser, width, tab):
    page = opened(browser, file.as_uri(), viewport={"width": width, "height": 800})
    show(page, lang="en", tab=tab, whatif={"edits": EDITS["all at once"]}, selection=["110000", "370200"])
    assert page.evaluate("document.documentElement.scrollWidth") <= width
