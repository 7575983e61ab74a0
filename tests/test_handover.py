"""What goes to a GIS office: styles in the GeoPackage, SLD, GeoParquet, Shapefiles; the same bytes each time."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest

from geo_cdei.outputs import gis_files
from geo_cdei.outputs.gis_styles import layer_styles
from geo_cdei.outputs.legends import Classing, graduated, upper_bounds
from geo_cdei.outputs.lisa_page import LISA_COLOURS
from geo_cdei.outputs.poles_page import SHARE_BOUNDS
from geo_cdei.outputs.publish import publish
from geo_cdei.outputs.style_files import LayerStyle, Look, StyleClass, qml, sld
from geo_cdei.workspace import Workspace

SLD = {"sld": "http://www.opengis.net/sld", "ogc": "http://www.opengis.net/ogc"}
COMPARE = {"PropertyIsGreaterThan": "gt", "PropertyIsGreaterThanOrEqualTo": "ge", "PropertyIsLessThanOrEqualTo": "le"}


def handed_over(analysis, folder, *, crs="EPSG:4326", formats=("gpkg", "parquet", "shp")):
    folder.mkdir(exist_ok=True)
    settings = analysis.settings
    outputs = settings.outputs.model_copy(update={"formats": formats, "crs": crs})
    chosen = replace(analysis, settings=settings.model_copy(update={"outputs": outputs}))
    publish(chosen, Workspace(folder), steps=["scores"], inputs={})
    return folder / "data" / "derived"


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def derived(finished, tmp_path_factory):
    """Write the finished run in every format of the hand-over."""
    return handed_over(finished.analysis, tmp_path_factory.mktemp("handed"))


@pytest.fixture(scope="module")
def rows(derived):
    """Read the styles back from the GeoPackage."""
    return pyogrio.read_dataframe(derived / "geo_cdei.gpkg", layer="layer_styles")


@pytest.fixture(scope="module")
def layers(derived):
    """Read every layer with a geometry back from the GeoPackage."""
    path = derived / "geo_cdei.gpkg"
    shaped = [name for name, kind in pyogrio.list_layers(path) if kind is not None]
    return {name: pyogrio.read_dataframe(path, layer=name) for name in shaped}


def renderer(rows, layer, name=None):
    wanted = rows[
        (rows["f_table_name"] == layer) & (rows["useAsDefault"] if name is None else rows["styleName"] == name)
    ]
    return ElementTree.fromstring(wanted["styleQML"].iloc[0].partition("\n")[2]).find("renderer-v2")


def colours(found):
    symbols = {each.get("name"): each for each in found.find("symbols")}
    fill = {name: each.find(".//Option[@name='color']").get("value") for name, each in symbols.items()}
    return [fill[each.get("symbol")] for each in found.iterfind("*/*[@symbol]")]


def rgba(colour):
    return ",".join(str(int(colour[place : place + 2], 16)) for place in (1, 3, 5)) + ",255"


# --- styles in the GeoPackage


def test_every_layer_with_a_shape_has_one_default_style(rows, layers):
    default = rows[rows["useAsDefault"]]["f_table_name"]
    assert default.is_unique
    assert set(default) == set(layers)


def test_the_table_of_styles_is_what_qgis_looks_for(rows):
    names = ["f_table_catalog", "f_table_schema", "f_table_name", "f_geometry_column", "styleName", "styleQML",
             "styleSLD", "useAsDefault", "description", "owner", "ui", "update_time"]  # fmt: skip
    assert list(rows.columns) == names
    assert set(rows["f_geometry_column"]) == {"geom"}
    assert (rows["f_table_schema"].eq("") & rows["f_table_catalog"].eq("")).all()


def test_a_style_asks_for_a_column_that_the_layer_has(rows, layers):
    for row in rows.itertuples():
        column = ElementTree.fromstring(row.styleQML.partition("\n")[2]).find("renderer-v2").get("attr")
        assert column is None or column in layers[row.f_table_name].columns, row


def test_scores_have_the_classes_and_colours_of_the_page(finished, rows):
    analysis = finished.analysis
    wanted = analysis.settings.map
    how = Classing(wanted.scheme, wanted.classes, wanted.palette)
    theme = graduated(analysis.units["score"], "", classing=how)
    found = renderer(rows, "cities")
    assert found.get("type") == "graduatedSymbol"
    uppers = [float(each.get("upper")) for each in found.find("ranges")]
    assert uppers == pytest.approx(upper_bounds(analysis.units["score"].dropna(), how), rel=2e-5)
    shown = [line for line in theme.classes if not line.hatch]
    assert [each.get("label") for each in found.find("ranges")] == [line.label for line in shown]
    assert colours(found) == [rgba(line.colour) for line in shown]


def test_local_moran_has_the_classes_and_colours_of_the_page(rows):
    found = renderer(rows, "lisa")
    assert (found.get("type"), found.get("attr")) == ("categorizedSymbol", "class")
    assert [each.get("value") for each in found.find("categories")] == list(LISA_COLOURS)
    assert colours(found) == [rgba(colour) for colour in LISA_COLOURS.values()]


def test_the_candidates_have_the_bounds_of_the_page(rows):
    found = renderer(rows, "poles")
    assert [float(each.get("upper")) for each in found.find("ranges")] == pytest.approx(SHARE_BOUNDS, rel=2e-5)


def test_every_row_of_a_layer_falls_into_one_class(rows, layers):
    """QGIS takes the first interval that holds a value, bounds included."""
    for row in rows.itertuples():
        found = ElementTree.fromstring(row.styleQML.partition("\n")[2]).find("renderer-v2")
        values = layers[row.f_table_name].get(found.get("attr"))
        if found.get("type") == "graduatedSymbol":
            ranges = [(float(each.get("lower")), float(each.get("upper"))) for each in found.find("ranges")]
            assert all(any(low <= value <= high for low, high in ranges) for value in values.dropna()), row
        elif found.get("type") == "categorizedSymbol":
            assert set(values.dropna()) <= {each.get("value") for each in found.find("categories")}, row


def test_labels_are_in_the_language_of_the_study(finished):
    settings = finished.analysis.settings
    study = settings.study.model_copy(update={"language": "en"})
    spoken = replace(finished.analysis, settings=settings.model_copy(update={"study": study}))
    said = [text for style in layer_styles(spoken, gis_files.layers_of(spoken))
            for text in (style.title, *(each.label for each in style.classes))]  # fmt: skip
    assert [text for text in said if any(ord(sign) > 0x2E7F for sign in text)] == []


def test_a_run_of_scores_alone_has_the_styles_of_its_layers(analysis):
    layers = gis_files.layers_of(analysis)
    assert {style.layer for style in layer_styles(analysis, layers)} == {
        "cities", "clusters", "units", "provinces", "dash_line",
    }  # fmt: skip


def test_a_partial_run_keeps_the_styles_of_the_layers_it_keeps(finished, tmp_path):
    analysis = finished.analysis
    derived = handed_over(analysis, tmp_path, formats=("gpkg",))
    few = replace(analysis, tables={name: analysis.tables[name] for name in ("cities", "clusters")}, layers={})
    outputs = analysis.settings.outputs.model_copy(update={"formats": ("gpkg",)})
    few = replace(few, settings=analysis.settings.model_copy(update={"outputs": outputs}))
    publish(few, Workspace(tmp_path), steps=["scores"], inputs={}, whole=False)
    kept = pyogrio.read_dataframe(derived / "geo_cdei.gpkg", layer="layer_styles")
    assert {"cities", "lisa", "flow_lines"} <= set(kept["f_table_name"])
    assert not kept.duplicated(["f_table_name", "styleName"]).any()


# --- SLD


def test_each_style_is_a_file_of_valid_structure_beside(derived, rows):
    names = {
        row.f_table_name if row.useAsDefault else f"{row.f_table_name}.{row.styleName}" for row in rows.itertuples()
    }
    files = {path.stem: path for path in (derived / "styles").glob("*.sld")}
    assert set(files) == names
    for path in files.values():
        root = ElementTree.parse(path).getroot()
        assert (root.tag, root.get("version")) == (f"{{{SLD['sld']}}}StyledLayerDescriptor", "1.0.0")
        style = root.find("sld:NamedLayer/sld:UserStyle", SLD)
        assert [child.tag.rpartition("}")[2] for child in style] == ["Name", "Title", "IsDefault", "FeatureTypeStyle"]
        for rule in style.iterfind("sld:FeatureTypeStyle/sld:Rule", SLD):
            tags = [child.tag.rpartition("}")[2] for child in rule]
            assert re.fullmatch(r"Name,Title(,Filter)?,(Polygon|Line)Symbolizer", ",".join(tags)), path.name


@pytest.mark.parametrize("layer", ["cities", "clusters", "poles"])
def test_the_rules_of_a_number_hold_every_row_once(derived, layers, layer):
    """The filters are read as QGIS does, with six digits, and applied."""
    held = pd.Series(0, index=layers[layer].index)
    for found in ElementTree.parse(derived / "styles" / f"{layer}.sld").iterfind(".//ogc:And", SLD):
        inside = pd.Series(True, index=held.index)
        for test in found:
            column, literal = (test.find(f"ogc:{name}", SLD).text for name in ("PropertyName", "Literal"))
            inside &= getattr(layers[layer][column], COMPARE[test.tag.rpartition("}")[2]])(
                float(f"{float(literal):.6g}")
            )
        held += inside
    assert (held == layers[layer][column].notna()).all()


def test_the_rules_of_names_hold_every_row_once(derived, layers):
    for name, column in (
        ("lisa", "class"),
        ("pattern", "role"),
        ("corridor_lines", "class"),
        ("halo_circles", "halo"),
    ):
        tree = ElementTree.parse(derived / "styles" / f"{name}.sld")
        literals = [each.text for each in tree.iterfind(".//ogc:Literal", SLD)]
        assert {each.text for each in tree.iterfind(".//ogc:PropertyName", SLD)} == {column}
        assert len(literals) == len(set(literals))
        assert set(layers[name][column]) <= set(literals)


@pytest.mark.parametrize("write", [qml, sld])
def test_names_that_look_like_markup_stay_text(write):
    hostile = "</Rule><script>\"'&\x00\x0b{{ 1 }}"
    style = LayerStyle("a", "b", hostile, "polygon", "categorized", (StyleClass(hostile, Look(), hostile),), "c")
    written = write(style)
    tree = ElementTree.fromstring(written.removeprefix("<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>"))
    texts = [*tree.itertext(), *(value for element in tree.iter() for value in element.attrib.values())]
    assert "<script" not in written
    assert any("<script>" in text and "{{ 1 }}" in text for text in texts)


# --- GeoParquet


def test_each_layer_is_a_geoparquet_with_its_rows(derived, finished):
    wanted = {n: f for n, f in gis_files.layers_of(finished.analysis).items() if isinstance(f, gpd.GeoDataFrame)}
    assert {path.stem for path in (derived / "geoparquet").iterdir()} == set(wanted)
    for name, layer in wanted.items():
        back = gpd.read_parquet(derived / "geoparquet" / f"{name}.parquet")
        assert back.crs.to_epsg() == 4326
        pd.testing.assert_index_equal(back.index, layer.index)
        assert back.geometry.geom_equals(layer.geometry).all(), name


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:4490"])
def test_every_file_is_in_the_crs_of_the_settings(analysis, tmp_path, crs):
    derived = handed_over(analysis, tmp_path, crs=crs)
    found = {
        pyogrio.read_dataframe(derived / "geo_cdei.gpkg", layer="cities").crs.to_epsg(),
        gpd.read_parquet(derived / "geoparquet" / "cities.parquet").crs.to_epsg(),
        pyogrio.read_dataframe(derived / "shapefile" / "cities.shp").crs.to_epsg(),
    }
    assert found == {int(crs.removeprefix("EPSG:"))}


def test_neither_parquet_nor_shapefile_is_written_unless_asked_for(analysis, tmp_path):
    derived = handed_over(analysis, tmp_path, formats=analysis.settings.outputs.formats)
    assert not (derived / "shapefile").exists()
    assert not (derived / "geoparquet").exists()


# --- Shapefile


def test_each_layer_is_a_shapefile_with_its_rows_and_values(derived, layers):
    fields = pd.read_csv(derived / "shapefile" / "fields.csv", dtype=str).set_index(["layer", "name"])["short"]
    for name, layer in layers.items():
        back = pyogrio.read_dataframe(derived / "shapefile" / f"{name}.shp")
        assert len(back) == len(layer), name
        assert list(back.columns[:-1]) == fields[name].tolist(), name
        for column in layer.columns.drop("geometry"):
            if pd.api.types.is_float_dtype(layer[column]):
                pd.testing.assert_series_equal(
                    back[fields[name, column]].astype(float), layer[column], check_names=False, rtol=1e-12
                )


def test_chinese_comes_back_and_the_encoding_is_told(derived, layers):
    back = pyogrio.read_dataframe(derived / "shapefile" / "cities.shp")
    assert back["city"].tolist() == layers["cities"]["city"].tolist()
    assert (derived / "shapefile" / "cities.cpg").read_text(encoding="ascii").strip() == "UTF-8"


def test_truth_is_one_and_zero(derived, finished):
    back = pyogrio.read_dataframe(derived / "shapefile" / "lisa.shp")
    assert back["signif_fdr"].tolist() == finished.analysis.tables["lisa"]["significant_fdr"].astype(int).tolist()


def test_the_list_of_fields_has_titles_units_and_what_was_cut(derived):
    fields = pd.read_csv(derived / "shapefile" / "fields.csv").set_index(["layer", "name"])
    assert list(fields.columns) == ["short", "title_zh", "title_en", "unit", "n_cut"]
    score = fields.loc[("cities", "score")]
    assert score.tolist()[:4] == ["score", "得分", "Score", "points"]
    assert fields.loc["cities", "n_cut"].sum() == 0


def test_a_shapefile_has_its_style_with_the_short_name(derived):
    text = (derived / "shapefile" / "hinterland_areas.qml").read_text(encoding="utf-8")
    assert 'attr="firs_clust"' in text


def test_short_names_are_ascii_short_and_unlike_in_any_case(finished):
    for name, layer in gis_files.layers_of(finished.analysis).items():
        short = gis_files.short_names([str(column) for column in layer.columns])
        assert len({text.lower() for text in short}) == layer.shape[1], name
        assert all(re.fullmatch(r"[A-Za-z]\w{0,9}", text, re.ASCII) for text in short), name


@pytest.mark.parametrize(
    ("given", "short"),
    [
        (["a" * 12, "a" * 13, "A" * 11], ["a" * 10, "a" * 9 + "2", "A" * 9 + "3"]),
        (["2021_score"], ["f2021_score"[:10]]),
        (["得分", "人口"], ["field", "field2"]),
        (["p_sim"], ["p_sim"]),
    ],
)
def test_a_short_name_is_made_by_rule(given, short):
    assert gis_files.short_names(given) == short


def test_a_text_that_is_too_long_is_cut_between_characters_and_counted(analysis, tmp_path):
    long = analysis.tables["cities"].assign(tier="长" * 100)
    derived = handed_over(replace(analysis, tables={"cities": long}), tmp_path, formats=("shp",))
    assert set(pyogrio.read_dataframe(derived / "shapefile" / "cities.shp")["tier"]) == {"长" * 84}
    fields = pd.read_csv(derived / "shapefile" / "fields.csv").set_index(["layer", "name"])
    assert fields.loc[("cities", "tier"), "n_cut"] == len(long)


# --- the same bytes


def test_two_hand_overs_are_the_same_byte_for_byte(derived, finished, tmp_path):
    again = handed_over(finished.analysis, tmp_path / "again")
    one, two = contents(derived), contents(again)
    assert one.keys() == two.keys()
    assert [name for name in one if one[name] != two[name]] == []
