"""Printed maps: true scale, true north, the same bytes, and no text that is not drawn."""

from __future__ import annotations

import dataclasses
import io
import re
import subprocess
import sys

import numpy as np
import pytest
import shapely
from drawn_maps import drawn, recipe, sheet_of
from pyproj import Geod, Proj

from geo_cdei.errors import AlignmentError, OutputError
from geo_cdei.outputs.extents import find_focus
from geo_cdei.outputs.figures import _north, characters, draw, render
from geo_cdei.outputs.fonts import FontChoice
from geo_cdei.outputs.furniture import DPI
from geo_cdei.outputs.plane import ALBERS, build_plane, project_points, scale_factor
from geo_cdei.outputs.recipe_maps import _places, country_plane
from geo_cdei.outputs.sheet import fill_colours

WGS84 = Geod(ellps="WGS84")


@pytest.fixture(scope="module")
def plane(analysis):
    return country_plane(analysis)


@pytest.fixture(scope="module")
def sheet(analysis, plane):
    return sheet_of(analysis, plane=plane)


@pytest.fixture(scope="module")
def country(sheet):
    return drawn(sheet)


@pytest.fixture(scope="module")
def sichuan(analysis):
    focus = find_focus("四川", analysis)
    whole = build_plane(analysis.units, analysis.clusters, analysis.dash_line)
    return drawn(sheet_of(analysis, plane=whole, focus=focus))


def box(drawing, name):
    return next(artist for artist in drawing.figure.get_children() if artist.get_gid() == f"box:{name}")


def texts(axes):
    return [text.get_text() for text in axes.texts]


def bar(drawing):
    """Length of the scale bar on the plane, and what it says, both in metres."""
    axes, main = box(drawing, "scale"), drawing.main
    inches = sum(patch.get_width() for patch in axes.patches)
    per_inch = np.ptp(main.get_xlim()) / (main.get_window_extent().width / DPI)
    said = next(text for text in texts(axes) if text.endswith("km"))
    return inches * per_inch, 1000 * float(said.removesuffix(" km").replace(",", ""))


# The plane


@pytest.mark.parametrize("lat", [25.0, 47.0])
def test_the_plane_is_true_along_its_standard_parallels(lat):
    assert scale_factor(*project_points([120.0], [lat])[0]) == pytest.approx(1, abs=1e-9)


def test_the_plane_keeps_areas(analysis, plane):
    """The ellipsoid is the witness: Qinghai's Haixi on the plane and by geodesics, within a thousandth."""
    shape = shapely.orient_polygons(analysis.units.geometry["632800"])
    flat = build_plane(analysis.units.loc[["632800"]], analysis.clusters[:0], analysis.dash_line).units.area.item()
    assert flat == pytest.approx(abs(WGS84.geometry_area_perimeter(shape)[0]), rel=1e-3)


def test_simplified_neighbours_share_their_borders(plane):
    """No gap and no overlap: the areas of the parts add up to that of the whole."""
    assert plane.units.union_all().area == pytest.approx(plane.units.area.sum(), rel=1e-9)


def test_units_without_a_province_are_refused(analysis):
    with pytest.raises(OutputError, match="province_adcode, got 372"):
        build_plane(analysis.units.drop(columns="province_adcode"), analysis.clusters, analysis.dash_line)


# Scale and north


def test_the_bar_of_the_country_is_true_on_the_standard_parallels(country):
    plane_m, said_m = bar(country)
    assert plane_m == pytest.approx(said_m, rel=1e-6)


def test_the_bar_of_a_province_is_true_at_the_centre_of_the_map(sichuan):
    """Geodesics are the witness."""
    plane_m, said_m = bar(sichuan)
    x, y = (np.mean(limits) for limits in (sichuan.main.get_xlim(), sichuan.main.get_ylim()))
    (lon1, lat1), (lon2, lat2) = (Proj(ALBERS)(x + side * plane_m / 2, y, inverse=True) for side in (-1, 1))
    assert WGS84.inv(lon1, lat1, lon2, lat2)[2] == pytest.approx(said_m, rel=2e-3)


@pytest.mark.parametrize(("lon", "angle"), [(105.0, 0.0), (75.0, 17.31), (135.0, -17.31)])
def test_the_arrow_points_to_the_pole(lon, angle):
    """By hand: meridians meet at 30 degrees times the cone constant, which is 0.577."""
    assert _north(tuple(project_points([lon], [35.0])[0])) == pytest.approx(angle, abs=0.01)


# What stands on it


def test_the_legend_counts_every_unit(country, sheet):
    counts = [int(text) for text in texts(box(country, "legend")) if re.fullmatch(r"\d+", text)]
    assert counts == [line.count for line in sheet.theme.classes]
    assert sum(counts) == 372


def test_the_legend_of_a_province_counts_its_units(sichuan):
    counts = [int(text) for text in texts(box(sichuan, "legend")) if re.fullmatch(r"\d+", text)]
    assert sum(counts) == 21


def test_what_is_not_of_the_province_is_faded(sichuan):
    """Mianyang has the colour of its class, Zunyi on the other side of the border a paler one."""
    sichuan.figure.canvas.draw()
    picture = np.asarray(sichuan.figure.canvas.buffer_rgba())
    fills = fill_colours(sichuan.sheet.theme)
    for code, lon, lat, is_own in [("510700", 104.5, 32.3, True), ("520300", 107.2, 28.2, False)]:
        x, y = sichuan.main.transData.transform(project_points([lon], [lat])[0])
        seen = "#" + bytes(picture[picture.shape[0] - round(y), round(x), :3]).hex()
        assert (seen == fills[code]) == is_own


@pytest.mark.parametrize("name", ["country", "sichuan"])
def test_names_never_overlap_and_stay_on_the_map(request, name):
    drawing = request.getfixturevalue(name)
    renderer = drawing.figure.canvas.get_renderer()
    names = [text for text in drawing.figure.texts if text.get_gid() == "name"]
    boxes = [text.get_window_extent(renderer) for text in names]
    frame = drawing.main.get_window_extent()
    assert len(names) > 20
    assert not any(a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[:k])
    assert all(frame.x0 <= b.x0 and b.x1 <= frame.x1 and frame.y0 <= b.y0 and b.y1 <= frame.y1 for b in boxes)


def test_every_province_is_among_the_names(analysis):
    """The best city of each, beside the best of the country."""
    places = _places(recipe(), analysis, None)
    assert analysis.units.loc[places.index, "province_adcode"].nunique() == 34


def test_title_and_legend_of_a_province_stand_beside_its_map(sichuan):
    frame = sichuan.main.get_window_extent()
    renderer = sichuan.figure.canvas.get_renderer()
    parts = [box(sichuan, name) for name in ("legend", "title", "north", "scale", "notes")]
    assert not any(frame.overlaps(part.get_window_extent(renderer)) for part in parts)


def test_an_approval_number_takes_the_place_of_the_sketch_note(sheet):
    meta = dataclasses.replace(sheet.meta, approval_number="GS(2024)0650")
    notes = [
        a.get_text() for a in drawn(dataclasses.replace(sheet, meta=meta)).figure.texts if a.get_gid() == "box:notes"
    ]
    assert "Map approval number: GS(2024)0650" in " ".join(notes)
    assert "Sketch" not in " ".join(notes)


# Bytes


@pytest.mark.parametrize("fmt", ["png", "pdf", "svg"])
def test_a_sheet_drawn_twice_has_the_same_bytes(country, sheet, fmt):
    """And nothing of the clock or of a program's version."""
    content = render(country, fmt)
    assert content == render(drawn(sheet), fmt)
    assert b"atplotlib v" not in content
    assert b"Matplotlib" not in content[:4000]


@pytest.mark.slow
@pytest.mark.parametrize("fmt", ["png", "pdf", "svg"])
def test_another_process_writes_the_same_bytes(fmt):
    code = (
        "import hashlib, sys; from geo_cdei import pipeline, config, workspace;"
        "from geo_cdei.outputs.recipes import read_recipes; from geo_cdei.outputs.recipe_maps import draw_recipe;"
        "w = workspace.open_study(workspace.default_study());"
        "a = pipeline.run(w, config.read_settings(w.settings), only=['scores']);"
        "r = read_recipes(w.maps / 'recipes')['scores'];"
        f"print(hashlib.sha256(draw_recipe(r, a, lang='en', formats=['{fmt}'])['{fmt}']).hexdigest())"
    )
    found = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=_env(seed)).stdout
        for seed in ("1", "2")
    ]
    assert found[0] == found[1]


def _env(seed):
    import os

    return {**os.environ, "PYTHONHASHSEED": seed, "TZ": "UTC" if seed == "1" else "Asia/Shanghai"}


def test_the_picture_has_300_dots_per_inch(country):
    image = pytest.importorskip("PIL.Image")
    picture = image.open(io.BytesIO(render(country, "png")))
    assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.01)
    assert picture.width == round(7.6 * 300)


def test_pdf_and_svg_have_the_date_of_the_settings(country):
    assert b"/CreationDate (D:20261121000000" in render(country, "pdf")
    assert b"<dc:date>2026-11-21</dc:date>" in render(country, "svg")


@pytest.mark.parametrize("fmt", ["pdf", "svg"])
def test_a_map_without_a_date_has_none(sheet, fmt):
    """Not that of the run either."""
    drawing = drawn(dataclasses.replace(sheet, meta=dataclasses.replace(sheet.meta, date="")))
    content = render(drawing, fmt)
    assert b"CreationDate" not in content
    assert b"<dc:date>" not in content


def test_the_svg_has_every_unit_as_a_path(country):
    """Shapes, not a picture of them."""
    svg = render(country, "svg")
    assert b"<image" not in svg
    assert svg.count(b"<path") > 372


# Text


def test_a_character_without_a_glyph_is_an_error(sheet):
    meta = dataclasses.replace(sheet.meta, title="城")
    with pytest.raises(OutputError, match="a character of the map has no glyph"):
        draw(dataclasses.replace(sheet, meta=meta), FontChoice("en", ("DejaVu Sans",)))


def test_a_glyph_that_is_missed_when_writing_is_an_error(sheet):
    drawing = draw(sheet, FontChoice("en", ("DejaVu Sans",)))
    drawing.figure.text(0.5, 0.99, "城")
    with pytest.raises(OutputError, match="a character of the map has no glyph"):
        render(drawing, "png")


def test_characters_that_no_font_has_are_not_drawn(sheet):
    """A name is left out, a letter of the title is a question mark."""
    places = sheet.places.assign(name=["城", *sheet.places["name"][1:]])
    odd = dataclasses.replace(sheet, meta=dataclasses.replace(sheet.meta, title="A 城"), places=places)
    drawing = draw(odd, FontChoice("en", ("DejaVu Sans",), frozenset("城")))
    shown = [text.get_text() for text in drawing.figure.texts]
    assert "A ?" in shown
    assert not any("城" in text for text in shown)
    assert render(drawing, "svg")


def test_text_of_the_data_is_no_formula_and_no_markup(sheet):
    """Dollars, braces, backslashes, tags and control characters are drawn as they are, or left out."""
    evil = r"$\frac{1}{0}$ <b>`${x}` </svg>" + "\x07"
    meta = dataclasses.replace(sheet.meta, title=evil, source=evil)
    places = sheet.places.assign(name=[evil, *sheet.places["name"][1:]])
    svg = render(drawn(dataclasses.replace(sheet, meta=meta, places=places)), "svg").decode()
    assert svg.count("</svg>") == 1
    assert "<b>" not in svg


def test_all_characters_are_known_beforehand(sheet, country):
    shown = {c for text in country.figure.findobj(match=lambda a: hasattr(a, "get_text")) for c in text.get_text()}
    assert {c for c in shown if not c.isspace()} <= set(characters(sheet))


# Refusals


def test_an_unknown_format_is_refused(country):
    with pytest.raises(OutputError, match="one of png, pdf, svg, got 'gif'"):
        render(country, "gif")


def test_fonts_for_another_language_are_refused(sheet):
    with pytest.raises(OutputError, match="the sheet is in 'en', the fonts are for 'zh'"):
        draw(sheet, FontChoice("zh", ("DejaVu Sans",)))


def test_a_theme_of_other_units_is_refused(sheet):
    with pytest.raises(AlignmentError, match="list 371 units, the plane has 372; 1 are in one only"):
        dataclasses.replace(sheet, keys=sheet.keys[1:])
