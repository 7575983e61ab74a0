"""Themes, layers and pages: nothing is dropped, nothing missing is drawn as low."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from map_frames import score_frames
from shapely import LineString, MultiPolygon, Point, box

from geo_cdei.errors import AlignmentError, OutputError
from geo_cdei.outputs.layers import Field, MapMeta, Overlay, Scatter, packed, rows, shared_borders
from geo_cdei.outputs.legends import Classing, categorical, graduated, shades, upper_bounds
from geo_cdei.outputs.maps import build_page, score_map
from geo_cdei.outputs.texts import _WORDS, word, words

META = MapMeta("Scores", source="blue book", date="2026-01-31", lang="en")


@pytest.fixture
def values() -> pd.Series:
    return pd.Series([1.0, 2.0, 9.0, 10.0, np.nan], index=list("abcde"), name="score")


@pytest.fixture
def frames():
    return score_frames()


def payload_of(page: str) -> dict:
    return json.loads(re.search(r'<script type="application/json"[^>]*>(.*?)</script>', page, re.DOTALL).group(1))


def labels_and_counts(theme) -> list[tuple[str, int]]:
    return [(line.label, line.count) for line in theme.classes]


# Themes


def test_two_clumps_are_two_classes(values):
    """1, 2 and 9, 10 by hand: the break is at 2."""
    assert upper_bounds(values, Classing(k=2)) == (2.0, 10.0)


def test_a_unit_without_a_value_is_not_scored_and_hatched(values):
    """Missing is a class of its own, the only hatched one."""
    theme = graduated(values, "S", classing=Classing(k=2), lang="en")
    assert labels_and_counts(theme)[-1] == ("not scored", 1)
    assert [line.hatch for line in theme.classes] == [False, False, True]


def test_every_unit_is_in_exactly_one_class(values):
    """Counts of the legend add up to the units."""
    theme = graduated(values, "S", lang="en")
    assert sum(line.count for line in theme.classes) == len(values)
    assert theme.assignment.value_counts().to_dict() == {
        i: line.count for i, line in enumerate(theme.classes) if line.count
    }


def test_an_isolate_is_apart_from_low_values(values):
    """A unit set apart is in no interval even if it has a value."""
    apart = pd.Series([None, None, None, "isolate", None], index=values.index, dtype="object")
    theme = graduated(values, "S", classing=Classing(k=2), apart=apart, lang="en")
    assert labels_and_counts(theme) == [("1.0 – 2.0", 2), ("2.0 – 9.0", 1), ("isolate", 1), ("not scored", 1)]
    assert theme.classes[2].colour == "#999999"


def test_the_upper_bound_belongs_to_its_class():
    """A value on the break is in the lower class, as the legend says."""
    theme = graduated(pd.Series([1.0, 5.0, 6.0], name="v"), "S", classing=Classing(bins=(5.0, 6.0)), lang="en")
    assert theme.assignment.tolist() == [0, 0, 1]


def test_classes_agree_with_mapclassify(values):
    """The witness puts each value into the same class."""
    mapclassify = pytest.importorskip("mapclassify")
    numbers = pd.Series(np.random.default_rng(7).normal(50, 10, 60), name="v")
    theme = graduated(numbers, "S", classing=Classing("Quantiles", 4), lang="en")
    assert theme.assignment.tolist() == mapclassify.Quantiles(numbers, k=4).yb.tolist()


@pytest.mark.parametrize("scheme", ["FisherJenks", "Quantiles", "EqualInterval", "NaturalBreaks", "StdMean"])
def test_every_scheme_of_the_settings_classes_all_scores(scheme):
    """No scheme loses a value at its ends, and the legend names the scheme."""
    numbers = pd.Series(np.random.default_rng(3).normal(53, 12, 80), name="score")
    theme = graduated(numbers, "S", classing=Classing(scheme, 5), lang="en")
    assert sum(line.count for line in theme.classes) == 80
    assert word(scheme, "en") in theme.note


def test_a_constant_is_one_class():
    """There is nothing to break."""
    theme = graduated(pd.Series([5.0, 5.0], name="v"), "S", lang="en")
    assert labels_and_counts(theme) == [("5.0 – 5.0", 2)]


def test_no_value_at_all_is_one_class_of_not_scored():
    """A study without scores still has a map."""
    theme = graduated(pd.Series([np.nan, np.nan], name="v"), "S", lang="en")
    assert labels_and_counts(theme) == [("not scored", 2)]


def test_an_infinite_value_is_refused():
    """It would take a class for itself."""
    with pytest.raises(OutputError, match="1 infinite values"):
        graduated(pd.Series([1.0, np.inf], name="v"), "S")


def test_an_unknown_scheme_is_refused(values):
    """The message names two that exist."""
    with pytest.raises(OutputError, match="no classification scheme 'Jenk'"):
        graduated(values, "S", classing=Classing("Jenk"))


def test_a_short_palette_is_refused():
    """Two classes in one colour would be one class."""
    with pytest.raises(OutputError, match="3 classes need 3 colours, the palette has 1"):
        shades(["#fff"], 3)


def test_an_empty_class_stays_in_the_legend():
    """A reader sees that there is none, and the colours do not slip."""
    theme = categorical(pd.Series(["HH"], name="q"), "Q", palette={"LL": "#00f", "HH": "#f00"}, lang="en")
    assert [(c.label, c.colour, c.count) for c in theme.classes] == [("LL", "#00f", 0), ("HH", "#f00", 1)]


def test_a_class_without_a_colour_is_refused():
    """It would not be drawn at all."""
    with pytest.raises(OutputError, match=r"1 classes without a colour \(first: \['XX'\]\)"):
        categorical(pd.Series(["HH", "XX"], name="q"), "Q", palette={"HH": "#f00"})


def test_arguments_are_not_changed(values):
    """The caller's table is the caller's."""
    before = values.copy()
    graduated(values, "S")
    pd.testing.assert_series_equal(values, before)


# Layers


def test_packed_coordinates_read_back_within_half_a_step():
    """Steps of thousandths add up again, in rings, holes and parts."""
    shape = MultiPolygon([box(73.1234, 3.4, 75, 5), Point(110, 20).buffer(1).difference(Point(110, 20).buffer(0.3))])
    ((kind, parts),) = packed(gpd.GeoSeries([shape]))
    rings = [np.reshape(ring, (-1, 2)).cumsum(axis=0) / 1000 for part in parts for ring in part]
    given = [np.asarray(r.coords) for p in shape.geoms for r in (p.exterior, *p.interiors)]
    assert kind == "MultiPolygon"
    assert all(np.abs(a - b).max() <= 0.0005 + 1e-9 for a, b in zip(rings, given, strict=True))


def test_neighbours_share_their_border_after_packing():
    """Equal vertices are rounded equally, so no gap opens."""
    left = box(100.00049, 30, 101.00051, 31)
    right = box(101.00051, 30, 102, 31)
    a, b = (np.reshape(shape[1][0], (-1, 2)).cumsum(axis=0) for shape in packed(gpd.GeoSeries([left, right])))
    assert a[:, 0].max() == b[:, 0].min()


def test_a_speck_is_kept():
    """An island smaller than the step is still drawn."""
    ((kind, rings),) = packed(gpd.GeoSeries([box(112.3, 16.8, 112.30001, 16.80001)]))
    assert kind == "Polygon"
    assert len(rings[0]) >= 8


def test_a_shared_border_is_drawn_once():
    """Two unit squares side by side: seven sides, not eight."""
    borders = shared_borders(gpd.GeoSeries([box(0, 0, 1, 1), box(1, 0, 2, 1)], crs=4326))
    assert borders.geometry.item().length == pytest.approx(7)


def test_a_tooltip_writes_missing_values_in_words():
    """Never 0, never nan."""
    table = pd.DataFrame({"n": [1234.5, np.nan], "check": ["confirmed", None]})
    fields = (Field("n", "N", 0, "not scored"), Field("check", "C", labels={"confirmed": "已核实"}))
    assert rows(table, fields) == [["1,234", "已核实"], ["not scored", "—"]]


def test_a_tooltip_without_its_column_is_refused():
    """A blank line would look like a missing value."""
    with pytest.raises(OutputError, match=r"asks for \['b'\]"):
        rows(pd.DataFrame({"a": [1]}), (Field("b", "B"),))


@pytest.mark.parametrize(
    ("crs", "shape", "message"),
    [
        (None, box(0, 0, 1, 1), "its CRS is None"),
        (3857, box(0, 0, 1, 1), "must be in EPSG:4326"),
        (4326, box(100, 30, 400000, 31), "not degrees"),
        (4326, MultiPolygon(), "1 rows without a geometry"),
    ],
)
def test_a_layer_that_is_not_in_degrees_is_refused(crs, shape, message):
    """It would be drawn in the Gulf of Guinea, or nowhere."""
    with pytest.raises(OutputError, match=message):
        Overlay("x", "X", gpd.GeoDataFrame(geometry=[shape], crs=crs)).payload()


def test_a_chart_with_a_stranger_is_refused():
    """A point that is no unit cannot be linked."""
    chart = Scatter("M", pd.Series({"z": 1.0}), pd.Series({"z": 2.0}), "x", "y")
    with pytest.raises(OutputError, match="1 points that are no unit"):
        chart.payload(pd.Index(["a"]))


def test_a_map_without_a_source_is_refused():
    """The source line is always there."""
    with pytest.raises(OutputError, match="names its source"):
        MapMeta("t", source=" ", date="")


@pytest.mark.parametrize(("lang", "line"), [("zh", "示意图（未送审）"), ("en", "Sketch map, not reviewed")])
def test_a_map_without_an_approval_number_says_that_it_is_a_sketch(lang, line):
    """No number of our own is ever printed."""
    assert line in replace(META, lang=lang).notices()


def test_an_approval_number_of_the_user_takes_the_place_of_the_sketch_line():
    """Only the user's own."""
    notices = replace(META, lang="zh", approval_number="GS(2024)0650号").notices()
    assert "审图号：GS(2024)0650号" in notices
    assert not any("示意图" in line for line in notices)


# Words


def test_every_word_is_in_both_languages():
    """An empty word would be an empty button."""
    assert all(zh.strip() and en.strip() for zh, en in _WORDS.values())


def test_the_two_languages_of_a_line_leave_the_same_things_open():
    """A number must not be lost in translation."""
    opens = [tuple(set(re.findall(r"{\w+}", line)) for line in pair) for pair in _WORDS.values()]
    assert all(zh == en for zh, en in opens)


def test_an_unknown_language_is_refused():
    """The message says which there are."""
    with pytest.raises(OutputError, match="got 'fr'"):
        word("score", "fr")


def test_a_key_without_a_word_stands_for_itself():
    """A planner's own class names pass."""
    assert words(["own class"], "zh") == {"own class": "own class"}


# Pages


def test_a_theme_of_other_units_is_refused(frames):
    """Alignment is by code, never by position."""
    units = frames[0]
    theme = graduated(units["score"][::-1], "S")
    with pytest.raises(AlignmentError, match="0 are in one only"):
        build_page(units, [theme], [], meta=META)


def test_a_key_used_twice_is_refused(frames):
    """Keys name the picture files."""
    theme = graduated(frames[0]["score"], "S")
    with pytest.raises(OutputError, match=r"\['score'\] are used twice"):
        build_page(frames[0], [theme, theme], [], meta=META)


def test_units_without_names_are_refused(frames):
    """The search would find nothing."""
    theme = graduated(frames[0]["score"], "S")
    with pytest.raises(OutputError, match=r"missing: \['city_en'\]"):
        build_page(frames[0].drop(columns="city_en"), [theme], [], meta=META)


def test_the_score_map_is_the_same_at_every_run(frames):
    """Byte for byte."""
    assert score_map(*frames, meta=META).html == score_map(*frames, meta=META).html


def test_the_score_map_holds_every_unit_once(frames):
    """One set of shapes serves all themes."""
    data = payload_of(score_map(*frames, meta=META).html)
    assert data["codes"] == frames[0].index.tolist()
    assert len(data["shapes"]) == len(data["points"]) == len(data["rows"]) == 12


def test_the_score_map_sets_clusters_without_score_apart(frames):
    """By hand: 4 units in the scored cluster, 2 in the unscored one, 4 scored in none, 2 without a score."""
    classes = payload_of(score_map(*frames, meta=META).html)["themes"][2]["classes"]
    assert [(line[0], line[2]) for line in classes] == [
        ("80.0 – 80.0", 4),
        ("outside the clusters", 4),
        ("cluster without a scored member", 2),
        ("not scored", 2),
    ]


def test_cluster_classes_are_made_over_clusters_not_over_cities(frames):
    """A cluster of forty cities counts once when breaks are sought."""
    units, clusters, provinces, line = frames
    clusters = clusters.assign(score=[80.0, 50.0])
    classes = payload_of(score_map(units, clusters, provinces, line, meta=META).html)["themes"][2]["classes"]
    assert [(c[0], c[2]) for c in classes[:2]] == [("50.0 – 50.0", 2), ("50.0 – 80.0", 4)]


@pytest.mark.parametrize(
    ("lang", "labels"),
    [("zh", ["一线", "二线", "未评分"]), ("en", ["First tier", "Second tier", "not scored"])],
)
def test_tiers_stand_in_the_order_of_their_scores(frames, lang, labels):
    """The best tier first, in the words of the language."""
    classes = payload_of(score_map(*frames, meta=replace(META, lang=lang)).html)["themes"][1]["classes"]
    assert [line[0] for line in classes] == labels


def test_the_first_view_holds_units_and_dash_line(frames):
    """West, south, east, north of everything that is drawn."""
    assert payload_of(score_map(*frames, meta=META).html)["extent"] == [100, 5, 112, 31]


def test_an_extent_of_the_settings_is_the_first_view(frames):
    """A map of one province begins there."""
    meta = replace(META, extent=(101.0, 30.0, 103.0, 31.0))
    assert payload_of(score_map(*frames, meta=meta).html)["extent"] == [101, 30, 103, 31]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_score_map_says_that_the_line_has_nine_of_ten_dashes(frames, lang):
    """The data lack the tenth."""
    assert word("nine_of_ten", lang) in score_map(*frames, meta=replace(META, lang=lang)).html


def test_widths_and_labels_of_a_layer_reach_the_page(frames):
    """Flows are drawn by their volume."""
    flows = gpd.GeoDataFrame({"flow": [4.126]}, geometry=[LineString([(100, 30), (105, 31)])], crs=4326)
    theme = graduated(frames[0]["score"], "S")
    overlay = Overlay("flows", "Flows", flows, fields=(Field("flow", "Flow", 1),), width="flow")
    (layer,) = payload_of(build_page(frames[0], [theme], [overlay], meta=META).html)["overlays"]
    assert (layer["widths"], layer["rows"], layer["fields"]) == ([4.13], [["4.1"]], ["Flow"])
