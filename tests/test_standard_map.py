"""A printed map of the country keeps the rules of standard maps, or is not written."""

from __future__ import annotations

import dataclasses

import pytest
from drawn_maps import drawn, sheet_of

from geo_cdei.errors import OutputError
from geo_cdei.outputs.figures import render
from geo_cdei.outputs.plane import project_points
from geo_cdei.outputs.recipe_maps import country_plane
from geo_cdei.outputs.sheet import CODES
from geo_cdei.outputs.standard_map import check_standard_map, find_faults

TAIWAN = "710000"


@pytest.fixture(scope="module")
def plane(analysis):
    return country_plane(analysis)


@pytest.fixture
def good(analysis, plane):
    return drawn(sheet_of(analysis, plane=plane))


def part(axes_or_figure, gid):
    return next(artist for artist in axes_or_figure.get_children() if artist.get_gid() == gid)


def both(drawing, gid):
    return [part(axes, gid) for axes in (drawing.main, drawing.inset)]


def lay_over(drawing, box, lon, lat):
    """Move a box to a place on the ground, small enough to cover nothing else."""
    ground = project_points([lon], [lat])[0]
    x, y = drawing.figure.transFigure.inverted().transform(drawing.main.transData.transform(ground))
    box.set_position([x - 0.01, y - 0.01, 0.02, 0.02])


def refused(drawing, message):
    """Assert that the check names the fault and nothing is written."""
    with pytest.raises(OutputError, match=message):
        render(drawing, "png")


def test_a_sound_map_passes(good):
    assert find_faults(good) == []
    check_standard_map(good)


def test_a_map_without_taiwan_is_refused(analysis):
    units = analysis.units.drop(TAIWAN)
    refused(drawn(sheet_of(dataclasses.replace(analysis, units=units))), r"Taiwan \(71\.\.\.\) is not drawn")


def test_a_unit_that_is_there_but_not_drawn_is_found(good):
    """The polygons are complete, the figure is not."""
    for units in both(good, "units"):
        codes = getattr(units, CODES)
        if TAIWAN in codes:
            colours = units.get_facecolors().copy()
            colours[codes.index(TAIWAN), 3] = 0
            units.set_facecolors(colours)
    refused(good, r"Taiwan \(71\.\.\.\) is not drawn")


def test_another_fill_is_refused(good):
    units = part(good.main, "units")
    colours = units.get_facecolors().copy()
    colours[getattr(units, CODES).index(TAIWAN)] = (1, 1, 1, 1)
    units.set_facecolors(colours)
    refused(good, r"1 units of the map have another fill than their class \(first: \['710000'\]\)")


def test_a_rule_of_its_own_for_one_unit_is_refused(good):
    """The fill is a class of the legend, but others without a score have another."""
    theme = good.sheet.theme
    assignment = theme.assignment.copy()
    assignment[TAIWAN] = 0
    sheet = dataclasses.replace(good.sheet, theme=dataclasses.replace(theme, assignment=assignment))
    refused(drawn(sheet), "units with the same value are in different classes")


def test_an_inset_over_fujian_is_refused(good):
    lay_over(good, good.inset, 118.0, 26.0)
    refused(good, r"the inset covers \d+ units \(first: \['35")


def test_a_map_without_the_dash_line_is_refused(good):
    for lines in both(good, "dash_line"):
        lines.remove()
    refused(good, "0 of the 9 dashes")


def test_a_map_that_lost_one_dash_is_refused(good):
    lines = part(good.inset, "dash_line")
    lines.set_segments(lines.get_segments()[1:])
    refused(good, "8 of the 9 dashes")


def test_a_legend_over_heilongjiang_is_refused(good):
    lay_over(good, part(good.figure, "box:legend"), 128.5, 48.0)
    refused(good, r"the legend covers \d+ units \(first: \['23")


def test_a_title_over_the_land_is_refused(good):
    part(good.figure, "box:title").set_position((0.4, 0.5))
    refused(good, "the title covers")


def test_a_box_over_a_dash_is_refused(good):
    lay_over(good, part(good.figure, "box:scale"), 121.6, 21.25)
    refused(good, "the scale covers the dash line")


def test_a_map_without_the_inset_is_refused(good):
    good.inset.set_visible(False)
    refused(good, "there is no inset of the South China Sea")


def test_a_map_that_cuts_off_the_north_is_refused(good):
    good.main.set_ylim(1.7e6, 5.5e6)
    refused(good, r"units are not wholly on the map or its inset")


@pytest.mark.parametrize("gid", ["box:legend", "box:title", "box:notes"])
def test_legend_title_and_notes_have_to_be_there(good, gid):
    for artist in [a for a in good.figure.get_children() if a.get_gid() == gid]:
        artist.remove()
    refused(good, f"there is no {gid[4:]}")


@pytest.mark.parametrize(
    ("hidden", "fault"),
    [("Source", "the source is not"), ("Sketch", "the standing"), ("nine", "the note on the nine")],
)
def test_source_standing_and_dashes_are_printed(good, hidden, fault):
    for note in [a for a in good.figure.get_children() if a.get_gid() == "box:notes"]:
        note.set_text(note.get_text().replace(hidden, ""))
    refused(good, fault)


def test_all_faults_are_listed_at_once(good):
    good.inset.set_visible(False)
    part(good.figure, "box:legend").set_position([0.75, 0.72, 0.15, 0.2])
    with pytest.raises(OutputError, match=r"breaks \d rules(?s:.*)legend covers"):
        check_standard_map(good)


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("overlays", [["provinces", "names"], ["provinces", "clusters", "cluster_names"]])
def test_maps_in_both_languages_with_and_without_clusters_pass(analysis, plane, lang, overlays):
    assert find_faults(drawn(sheet_of(analysis, plane=plane, lang=lang, overlays=overlays))) == []


def test_a_long_legend_stands_beside_the_map(analysis, plane):
    """Eleven lines would reach Xizang."""
    labels = {"zh": "很长的类别名称" * 3, "en": "a very long name of a class"}
    tiers = analysis.tables["cities"]["tier"].unique()
    classes = [{"value": tier, **labels} for tier in tiers]
    classes += [{"value": f"none {i}", "colour": "#cccccc", **labels} for i in range(9)]
    sheet = sheet_of(
        analysis, plane=plane, kind="categorical", column="tier", palette="Set3", classes=classes,
        overlays=["clusters"],
    )  # fmt: skip
    drawing = drawn(sheet)
    assert part(drawing.figure, "box:legend").get_position().x0 > drawing.main.get_position().x1
    assert find_faults(drawing) == []
