"""Recipes: read with line numbers, bound to the tables of a run, drawn both ways."""

from __future__ import annotations

import dataclasses
import json
import re
import warnings

import numpy as np
import pytest
from drawn_maps import recipe, with_tests

from geo_cdei.errors import GeoCdeiWarning, OutputError, SettingsError
from geo_cdei.outputs import fonts
from geo_cdei.outputs.extents import find_focus
from geo_cdei.outputs.page import OfflineMap
from geo_cdei.outputs.palettes import NAMED, class_colours, number_colours
from geo_cdei.outputs.recipe_maps import draw_recipe, draw_recipes
from geo_cdei.outputs.recipe_themes import bind
from geo_cdei.outputs.recipes import read_recipe, read_recipes
from geo_cdei.workspace import default_study

GOOD = """title = { zh = "得分", en = "Scores" }
table = "cities"
column = "score"
kind = "graduated"
legend = { zh = "得分", en = "Score" }
"""
SHIPPED = read_recipes(default_study() / "maps" / "recipes")


@pytest.fixture
def write(tmp_path):
    def made(text, name="own.toml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return made


@pytest.fixture(scope="module")
def tested(analysis):
    return with_tests(analysis)


def payload_of(page):
    found = re.search(r'<script type="application/json"[^>]*>(.*?)</script>', page.html, re.DOTALL)
    return json.loads(found.group(1))


def counts_of(page):
    return {line[0]: line[2] for line in payload_of(page)["themes"][0]["classes"]}


# Reading


def test_a_recipe_is_named_after_its_file(write):
    assert read_recipe(write(GOOD)).name == "own"


def test_the_shipped_recipes_are_sound():
    wanted = {"scores", "tiers", "clusters", "lisa", "lisa_fdr", "hot_spots", "gdp", "digital_economy"}
    assert wanted <= set(SHIPPED)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD + 'palete = "Blues"\n', r"line 6: unknown key 'palete'; did you mean 'palette'\?"),
        (GOOD + 'palette = "YlGnBo"\n', r"line 6: palette: .*did you mean 'YlGnBu'\?"),
        (GOOD + 'palette = "lisa"\n', r"line 6: palette: there is no graduated palette 'lisa'"),
        (GOOD + "k = 1\n", r"line 6: k: input should be greater than or equal to 2 \(given: 1\)"),
        (GOOD + 'scheme = "Jenks"\n', "line 6: scheme: input should be 'FisherJenks'"),
        (GOOD + 'formats = ["gif"]\n', r"line 6: formats\.0: input should be 'html'"),
        (GOOD.replace('en = "Score" }', '}').replace(', }', ' }'), r"line 5: legend\.en is missing"),
        (GOOD.replace('column = "score"\n', ""), "column is missing"),
        (GOOD + '[[classes]]\nvalue = "a"\nzh = "a"\nen = "a"\ncolour = "red"\n', r"classes\.0\.colour: str"),
        (GOOD + '[[classes]]\nvalue = "a"\nzh = "a"\nen = "a"\n', "classes are for a categorical map"),
        (GOOD + "k =\n", "is not valid TOML"),
        (GOOD + 'name = "../x"\n', "line 6: name: string should match"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_line_and_the_nearest_name(write, text, message):
    with pytest.raises(SettingsError, match=message):
        read_recipe(write(text))


def test_all_faults_of_a_recipe_are_listed_at_once(write):
    with pytest.raises(SettingsError, match=r"own\.toml has 2 faults(?s:.*)line 6(?s:.*)line 7"):
        read_recipe(write(GOOD + "k = 1\ndigits = 99\n"))


def test_a_recipe_in_another_encoding_is_refused(tmp_path):
    path = tmp_path / "own.toml"
    path.write_bytes(GOOD.encode("gb18030"))
    with pytest.raises(SettingsError, match=r"own\.toml is not UTF-8"):
        read_recipe(path)


def test_a_recipe_with_a_byte_order_mark_is_read(tmp_path):
    """Some editors write one."""
    path = tmp_path / "own.toml"
    path.write_bytes(GOOD.encode("utf-8-sig"))
    assert read_recipe(path).column == "score"


def test_two_recipes_of_one_name_are_refused(write):
    write(GOOD)
    write(GOOD + 'name = "own"\n', "other.toml")
    with pytest.raises(SettingsError, match=r"two recipes are named 'own': other\.toml and own"):
        read_recipes(write(GOOD).parent)


# Tables


@pytest.mark.parametrize(
    ("line", "change", "message"),
    [
        (2, ('"cities"', '"citeis"'), r"own\.toml, line 2: there is no table 'citeis'; did you mean 'cities'\?"),
        (
            3,
            ('"score"\nkind', '"scroe"\nkind'),
            r"line 3: table 'cities' has no column 'scroe'; did you mean 'score'",
        ),
        (
            4,
            ('column = "score"', 'column = "tier"'),
            "line 4: a graduated map needs numbers, 'tier' of 'cities'",
        ),
        (2, ('"cities"', '"weighting"'), "line 2: table 'weighting' has .* rows more than it has cluster_ids"),
        (2, ('"cities"', '"members"'), "line 2: table 'members' has .* rows more than it has adcodes"),
    ],
)
def test_what_the_run_does_not_have_is_told_with_its_line(analysis, write, line, change, message):
    with pytest.raises(OutputError, match=message):
        draw_recipe(read_recipe(write(GOOD.replace(*change))), analysis, formats=["html"])


@pytest.mark.parametrize(
    ("added", "message"),
    [
        ('rows = { statistc = "Gi*" }\n', "line 6: table 'cities' has no column 'statistc'"),
        ('rows = { tier = "一 线" }\n', r"line 6: no row of 'cities' has tier = '一 线'; did you mean '一线'\?"),
        ('tooltip = ["scor"]\n', r"line 6: there is no column 'scor'; did you mean 'score'\?"),
        ('overlays = ["province"]\n', r"line 6: there is no overlay 'province'; did you mean 'provinces'\?"),
    ],
)
def test_rows_tooltip_and_overlays_are_checked(analysis, write, added, message):
    with pytest.raises(OutputError, match=message):
        draw_recipe(read_recipe(write(GOOD + added)), analysis, formats=["html"])


def test_a_table_with_a_stranger_is_refused(analysis):
    """A row that is on no map would be lost."""
    strange = analysis.tables["cities"].rename(index={"110000": "999999"})
    changed = dataclasses.replace(analysis, tables={**analysis.tables, "cities": strange})
    with pytest.raises(OutputError, match=r"1 rows of 'cities' are no unit of the map \(first: \['999999'\]\)"):
        bind(recipe(), changed, lang="en")


def test_the_rows_of_a_long_table_are_chosen(tested):
    """Gi calls every city hot, Gi* every second one: by hand 121 of 242."""
    chosen = recipe(table="getis", column="spot", kind="categorical", palette="spots", rows={"statistic": "Gi*"})
    classes = bind(chosen, tested, lang="en").theme.classes
    assert [(line.label, line.count) for line in classes][:2] == [("hot spot", 121), ("cold spot", 121)]


# Themes


def test_a_unit_without_a_value_is_not_scored_on_every_shipped_map(tested):
    """130 units have no score; none of them is drawn as low."""
    for name in ("scores", "tiers", "lisa", "lisa_fdr", "hot_spots", "gdp"):
        *_, last = bind(SHIPPED[name], tested, lang="en").theme.classes
        assert (last.label, last.count, last.hatch) == ("not scored", 130, True)


def test_lisa_shows_all_its_classes_with_the_counts_of_the_table(tested):
    """By hand: every third city is significant, every 27th of all is so over too few graphs."""
    classes = {line.label: line.count for line in bind(SHIPPED["lisa"], tested, lang="en").theme.classes}
    table = tested.tables["lisa"]
    stable = table["significant"] & (table["stability"] > 0.7)
    assert classes["high-high"] == int((stable & table["quadrant"].eq("HH")).sum())
    assert classes["not significant"] == int((~table["significant"]).sum())
    assert classes["significant, but not over most graphs"] == 9
    assert {"isolate", "not tested"} <= set(classes)


def test_members_without_a_score_belong_to_their_cluster(analysis):
    """Every unit of a cluster is in a class of the map, scored or not."""
    theme = bind(SHIPPED["clusters"], analysis, lang="en").theme
    own = analysis.members[analysis.members["role"].ne("secondary")]["adcode"]
    members = own[own.isin(analysis.units.index)].nunique()  # three members are counties of a unit
    outside = next(line.count for line in theme.classes if line.label == "outside the clusters")
    assert outside == 372 - members


def test_cluster_classes_are_made_over_clusters(analysis):
    """Thirty scores, however many members each has."""
    theme = bind(recipe(table="clusters", scheme="Quantiles", k=3), analysis, lang="en").theme
    upper = [float(line.label.split(" – ")[1]) for line in theme.classes[:3]]
    assert upper == pytest.approx(np.quantile(analysis.clusters["score"], [1 / 3, 2 / 3, 1]), abs=0.06)


def test_own_breaks_are_kept(analysis):
    theme = bind(recipe(bins=[50, 70]), analysis, lang="en").theme
    assert [line.label for line in theme.classes[:3]] == ["35.1 – 50.0", "50.0 – 70.0", "70.0 – 91.6"]
    assert "Given breaks" in theme.note


def test_classes_of_a_part_are_those_of_the_country(analysis):
    """Only the counts are the province's."""
    whole = bind(recipe(), analysis, lang="en").theme
    part = bind(recipe(), analysis, lang="en", focus=find_focus("Sichuan", analysis)).theme
    assert [line.label for line in part.classes] == [line.label for line in whole.classes]
    assert sum(line.count for line in part.classes) == 21
    assert part.assignment.equals(whole.assignment)


def test_own_classes_have_their_order_colours_and_labels(analysis):
    classes = [
        {"value": v, "zh": v, "en": f"tier {k}", "colour": f"#00000{k}"}
        for k, v in enumerate(["四线", "三线", "二线", "新一线", "一线"])
    ]
    theme = bind(
        recipe(column="tier", kind="categorical", palette="tiers", classes=classes), analysis, lang="en"
    ).theme
    assert next((line.label, line.colour) for line in theme.classes) == ("tier 0", "#000000")
    assert [line.label for line in theme.classes][4] == "tier 4"


def test_a_value_without_a_class_is_refused(analysis):
    classes = [{"value": "一线", "zh": "一线", "en": "first"}]
    with pytest.raises(OutputError, match="classes without a colour"):
        bind(recipe(column="tier", kind="categorical", palette="Set2", classes=classes), analysis, lang="en")


# Palettes


def luminance(colour):
    """Relative luminance, by WCAG 2."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def deuteranope(colour):
    """How a reader without green cones sees a colour (Vienot, Brettel and Mollon 1999, linear approximation)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    matrix = [[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]]
    return np.asarray(matrix) @ [c**2.2 for c in channels]


@pytest.mark.parametrize("n", [3, 5, 7, 9])
def test_cividis_grows_darker_at_every_step(n):
    light = [luminance(colour) for colour in number_colours("cividis", n)]
    assert light == sorted(light, reverse=True)
    assert min(-np.diff(light)) > 0.01


def test_opposite_classes_of_the_safe_palette_stay_apart_without_green_cones():
    safe = class_colours("lisa_safe", [])
    pairs = [("HH", "LL"), ("HH", "LH"), ("LL", "HL"), ("HL", "LH")]
    assert min(np.linalg.norm(deuteranope(safe[a]) - deuteranope(safe[b])) for a, b in pairs) > 0.2


def test_every_class_of_a_named_palette_has_its_own_colour():
    assert all(len(set(colours.values())) == len(colours) for colours in NAMED.values())


# Drawing


@pytest.mark.parametrize("name", ["scores", "tiers", "clusters", "lisa", "hot_spots", "digital_economy"])
def test_the_page_of_a_recipe_counts_what_its_theme_counts(tested, name):
    page = draw_recipe(SHIPPED[name], tested, lang="en", formats=["html"])["html"]
    assert counts_of(page) == {
        line.label: line.count for line in bind(SHIPPED[name], tested, lang="en").theme.classes
    }
    assert len(page.html.encode()) < 2_000_000


def test_one_call_gives_a_page_and_a_print(analysis):
    made = draw_recipe(recipe(), analysis, lang="en", formats=["png", "html"])
    assert list(made) == ["png", "html"]
    assert isinstance(made["html"], OfflineMap)
    assert made["png"].startswith(b"\x89PNG")


def test_an_extent_goes_before_that_of_the_recipe(analysis):
    page = draw_recipe(recipe(extent="四川"), analysis, lang="en", formats=["html"], extent="C04")["html"]
    data = payload_of(page)
    assert data["overlays"][0]["title"] == "Chengdu-Chongqing"
    assert sum(line[2] for line in data["themes"][0]["classes"]) == 16
    assert len(data["codes"]) == 372


@pytest.mark.parametrize(
    ("extent", "key", "n"),
    [("四川", "510000", 21), ("四川省", "510000", 21), ("sichuan", "510000", 21), ("51", "510000", 21),
     ("510000", "510000", 21), ("c04", "C04", 16), ("成渝城市群", "C04", 16), ("Taiwan", "710000", 1)],
)  # fmt: skip
def test_provinces_and_clusters_are_found_by_code_and_name(analysis, extent, key, n):
    focus = find_focus(extent, analysis)
    assert (focus.key, len(focus.units)) == (key, n)


def test_the_focus_of_a_cluster_holds_its_members_without_a_score(analysis):
    assert len(find_focus("C14", analysis).units) == int(analysis.clusters["n_members"]["C14"])


def test_an_unknown_extent_names_the_nearest(analysis):
    with pytest.raises(OutputError, match="there is no province or cluster 'Sichaun'; the nearest names are sichuan"):
        draw_recipe(recipe(), analysis, extent="Sichaun")


def test_an_unknown_format_is_refused(analysis):
    with pytest.raises(OutputError, match=r"no map format \['gif'\]; give some of html, png, pdf, svg"):
        draw_recipe(recipe(), analysis, formats=["gif"])


def test_a_map_whose_table_was_not_made_is_left_out_of_a_run(analysis):
    recipes = {"lisa": SHIPPED["lisa"], "scores": recipe(formats=["html"])}
    with pytest.warns(GeoCdeiWarning, match="map lisa is left out: this run made no table 'lisa'"):
        names = [name for name, _ in draw_recipes(recipes, analysis)]
    assert names == ["scores.html"]


def test_a_file_that_is_drawn_elsewhere_is_not_drawn_again(analysis):
    recipes = {"scores": recipe(), "gdp": recipe(name="gdp", column="gdp_2019", formats=["html"])}
    names = [name for name, _ in draw_recipes(recipes, analysis, formats=["html"], without=["scores.html"])]
    assert names == ["gdp.html"]


def test_a_run_without_a_chinese_font_prints_in_english_and_keeps_its_pages_in_chinese(analysis, monkeypatch):
    monkeypatch.setattr(fonts, "find_family", lambda *_: None)
    with pytest.warns(GeoCdeiWarning, match="printed maps are in English"):
        made = draw_recipe(recipe(), analysis, formats=["svg", "html"])
    assert "未评分" in made["html"].html
    assert b"Scores" in made["svg"]


def test_a_map_asked_for_in_chinese_is_refused_without_a_font(analysis, monkeypatch):
    monkeypatch.setattr(fonts, "find_family", lambda *_: None)
    with pytest.raises(OutputError, match="Install one: apt-get install fonts-noto-cjk"):
        draw_recipe(recipe(), analysis, lang="zh", formats=["png"])


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_shipped_recipe_is_printed_without_a_warning(tested, lang):
    """Fonts, glyphs and the rules of standard maps; a map of a cluster for the two ways to lay out."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = draw_recipe(SHIPPED["lisa"], tested, lang=lang, formats=["png"])
        made |= {"part": draw_recipe(SHIPPED["clusters"], tested, lang=lang, formats=["png"], extent="C02")["png"]}
    assert all(len(content) > 50_000 for content in made.values())


def test_a_hostile_recipe_is_text(analysis):
    evil = "</script><img src=x onerror=alert(1)>`${1}`"
    words = {"zh": evil, "en": evil}
    page = draw_recipe(recipe(title=words, legend=words, note=words), analysis, lang="en", formats=["html"])["html"]
    assert "<img" not in page.html
