"""A layer of one's own: every format, every fault, and nothing opened that was not asked for."""

from __future__ import annotations

import json
import zipfile

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo_cdei._datum import gcj02_to_wgs84, wgs84_to_gcj02
from geo_cdei._geodesy import distance_km
from geo_cdei.config import Boundaries
from geo_cdei.errors import BoundaryError, BoundaryFaultsError
from geo_cdei.inputs import layer_files
from geo_cdei.inputs.boundaries import read_boundaries
from geo_cdei.inputs.coverage import find_layer_faults
from geo_cdei.inputs.layers import read_own_layer
from geo_cdei.workspace import Workspace, default_study

NAMES = ["东区", "西区", "南区", "北区"]


def squares(names=NAMES):
    """Four squares of half a degree in a row, from 116 degrees east."""
    west = 116 + 0.5 * np.arange(len(names))
    shapes = shapely.box(west, 36, west + 0.5, 36.5)
    return gpd.GeoDataFrame(
        {"dm": [f"3701{i:02}" for i in range(len(names))], "mc": names}, geometry=shapes, crs=4326
    )


@pytest.fixture
def read(tmp_path):
    """Read a file of the study's folder with the settings given."""

    def of(path, **settings):
        return read_own_layer(Workspace(tmp_path), Boundaries(**{"code": "dm", "name": "mc"} | settings, path=path))

    return of


def changed(layer, place, shape):
    shapes = layer.geometry.to_numpy().copy()
    shapes[place] = shape
    return layer.set_geometry(shapes, crs=layer.crs)


def far_from(units, layer):
    """Largest distance of two layers with equal codes, in degrees."""
    expected = layer.set_index("dm").geometry.reindex(units.index)
    return shapely.hausdorff_distance(units.geometry.to_numpy(), expected.to_numpy()).max()


def faults_of(layer):
    table = find_layer_faults(layer.rename(columns={"dm": "adcode", "mc": "name"}))
    return table[["adcode", "fault", "severity"]].to_numpy().tolist()


# --- formats


@pytest.mark.parametrize("name", ["a.gpkg", "a.geojson", "a.shp", "a.fgb", "a.parquet"])
def test_every_format_gives_the_same_units(read, tmp_path, name):
    layer = squares()
    if name.endswith("parquet"):
        layer.to_parquet(tmp_path / name)
    else:
        layer.to_file(tmp_path / name, encoding="utf-8")
    found = read(name).units.sort_index()
    assert found["name"].tolist() == NAMES
    assert found.index.tolist() == layer["dm"].tolist()
    assert shapely.equals(found.geometry.to_numpy(), layer.geometry.to_numpy()).all()


def zipped(tmp_path, layer, **settings):
    layer.to_file(tmp_path / "in.shp", **settings)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in tmp_path.glob("in.*"):
            archive.write(path, f"folder/{path.name}")


def test_a_zipped_shapefile_is_read(read, tmp_path):
    zipped(tmp_path, squares(), encoding="utf-8")
    assert read("a.zip").units["name"].tolist() == NAMES


def test_gbk_without_cpg_is_read_as_gb18030_and_said(read, tmp_path):
    squares().to_file(tmp_path / "a.shp", encoding="gbk")
    (tmp_path / "a.cpg").unlink()
    found = read("a.shp")
    assert found.units["name"].tolist() == NAMES
    assert "a.shp: its text was read as GB18030 (GBK), because it has no .cpg" in found.notices


def test_a_cpg_that_says_gbk_is_believed_without_a_word(read, tmp_path):
    squares().to_file(tmp_path / "a.shp", encoding="gbk")
    (tmp_path / "a.cpg").write_text("936", encoding="ascii")
    found = read("a.shp")
    assert (found.units["name"].tolist(), found.notices) == (NAMES, ())


def test_a_cpg_that_is_wrong_is_not_believed(read, tmp_path):
    squares().to_file(tmp_path / "a.shp", encoding="gbk")
    (tmp_path / "a.cpg").write_text("UTF-8", encoding="ascii")
    found = read("a.shp")
    assert found.units["name"].tolist() == NAMES
    assert "its .cpg says UTF-8, which its text is not" in found.notices[0]


def test_a_field_name_cut_in_a_character_is_refused_with_the_cure(read, tmp_path):
    squares().rename(columns={"mc": "jianchengqu"[:9] + "x"}).to_file(tmp_path / "a.shp", encoding="utf-8")
    data = (tmp_path / "a.dbf").read_bytes()
    cut = "行政区划名称".encode()[:10]
    (tmp_path / "a.dbf").write_bytes(data.replace(b"jianchengx", cut))
    with pytest.raises(BoundaryError, match=r"a field is cut in the middle of a character .*ten bytes.*GeoPackage"):
        read("a.shp")


def test_a_shapefile_without_its_table_names_what_is_lacking(read, tmp_path):
    squares().to_file(tmp_path / "a.shp", encoding="utf-8")
    (tmp_path / "a.dbf").unlink()
    with pytest.raises(BoundaryError, match=r"several files, and \.dbf is not beside it"):
        read("a.shp")


def test_a_geopackage_with_two_layers_asks_for_one(read, tmp_path):
    squares().to_file(tmp_path / "a.gpkg", layer="one")
    squares().to_file(tmp_path / "a.gpkg", layer="two")
    with pytest.raises(BoundaryError, match=r"2 layers: one, two\. Name one in boundaries\.layer"):
        read("a.gpkg")
    assert len(read("a.gpkg", layer="two").units) == 4
    with pytest.raises(BoundaryError, match="no layer 'three'; it has: one, two"):
        read("a.gpkg", layer="three")


# --- nothing else is opened

VRT = "<OGRVRTDataSource><OGRVRTLayer name='x'><SrcDataSource>b.gpkg</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>"


@pytest.mark.parametrize("name", ["a.geojson", "a.gpkg", "a.shp", "a.fgb", "a.parquet"])
def test_a_virtual_file_under_a_good_ending_is_refused(read, tmp_path, name):
    (tmp_path / name).write_text(VRT, encoding="utf-8")
    with pytest.raises(BoundaryError, match="is XML, which may name other files, inside, and its ending says"):
        read(name)


def test_a_file_of_another_format_than_its_ending_is_refused(read, tmp_path):
    squares().to_file(tmp_path / "a.gpkg")
    (tmp_path / "a.gpkg").rename(tmp_path / "a.geojson")
    with pytest.raises(BoundaryError, match="is GPKG inside, and its ending says GeoJSON"):
        read("a.geojson")


@pytest.mark.parametrize(
    "path", ["/vsicurl/https://example.com/a.gpkg", "http://example.com/a.gpkg", "WFS:example", "//host/share/a.shp",
             "/vsizip/a.zip/a.shp", "postgresql://x/y"],
)  # fmt: skip
def test_an_address_is_refused(read, path):
    with pytest.raises(BoundaryError, match="an address: nothing is read from the network"):
        read(path)


def test_a_file_that_is_not_there_is_named(read):
    with pytest.raises(BoundaryError, match=r"there is no file 'b\.gpkg'"):
        read("b.gpkg")


@pytest.mark.parametrize("name", ["a.kml", "a.vrt", "a.tar", "a.gz"])
def test_other_endings_are_not_read(read, tmp_path, name):
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(BoundaryError, match=r"is not read\. Give one of: GeoPackage"):
        read(name)


@pytest.mark.parametrize("name", ["../a.shp", "/a.shp", "C:/a.shp", "x/../../a.shp", "..\\a.shp"])
def test_an_archive_that_points_outside_is_refused(read, tmp_path, name):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(name, b"x")
    with pytest.raises(BoundaryError, match="1 entries that point outside of it or are links"):
        read("a.zip")


def test_an_archive_that_unpacks_to_a_thousand_times_its_size_is_refused(read, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.shp", bytes(5_000_000))
    with pytest.raises(BoundaryError, match=r"unpacks to 5,000,000 bytes in 1 files, \d+ times its size"):
        read("a.zip")


def test_an_archive_with_two_shapefiles_asks_for_one(read, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.shp", b"x")
        archive.writestr("b.shp", b"x")
    with pytest.raises(BoundaryError, match="holds 2 Shapefiles; one is needed"):
        read("a.zip")


def test_a_file_beyond_the_limit_is_refused(read, tmp_path, monkeypatch):
    squares().to_file(tmp_path / "a.gpkg")
    monkeypatch.setattr(layer_files, "MAX_BYTES", 1000)
    with pytest.raises(BoundaryError, match=r"bytes; 1,000 are allowed"):
        read("a.gpkg")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"type": "Topology"}', "is a 'Topology'; GeoJSON with polygons is a FeatureCollection"),
        ('{"type": "FeatureCollection", "features": []}', "FeatureCollection with features"),
        ("{" * 5000, "is not GeoJSON"),
        ('{"a": ' * 100_000, "is not GeoJSON"),
        ('{"type": "FeatureCollection", "features": [1]}', "features that are not GeoJSON"),
    ],
)
def test_what_is_no_geojson_is_said(read, tmp_path, text, said):
    (tmp_path / "a.geojson").write_text(text, encoding="utf-8")
    with pytest.raises(BoundaryError, match=said):
        read("a.geojson")


@pytest.mark.parametrize("name", ["a.gpkg", "a.parquet", "a.fgb", "a.shp"])
def test_a_damaged_file_is_an_error_of_ours(read, tmp_path, name):
    layer = squares()
    layer.to_parquet(tmp_path / name) if name.endswith("parquet") else layer.to_file(tmp_path / name)
    data = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(data[:100] + bytes(len(data) - 104) + data[-4:])
    with pytest.raises(BoundaryError, match=r"cannot be read|is no|no features|fault|damaged"):
        read(name)


# --- coordinates


def test_a_layer_without_a_crs_is_an_error_until_it_is_stated(read, tmp_path):
    squares().to_file(tmp_path / "a.shp", encoding="utf-8")
    (tmp_path / "a.prj").unlink()
    with pytest.raises(
        BoundaryError, match=r'does not say its CRS\. State it in boundaries\.crs, such as "EPSG:4490"'
    ):
        read("a.shp")
    assert len(read("a.shp", crs="EPSG:4326").units) == 4


def test_a_crs_that_contradicts_the_file_is_an_error(read, tmp_path):
    squares().to_file(tmp_path / "a.gpkg")
    with pytest.raises(
        BoundaryError, match=r"says its CRS is WGS 84, and boundaries\.crs says WGS 84 / UTM zone 50N"
    ):
        read("a.gpkg", crs="EPSG:32650")
    with pytest.raises(BoundaryError, match=r"boundaries\.crs is 'China', no CRS"):
        read("a.gpkg", crs="China")


def test_a_projected_layer_comes_back_in_degrees(read, tmp_path):
    squares().to_crs(32650).to_file(tmp_path / "a.gpkg")
    found = read("a.gpkg").units
    assert found.crs.to_epsg() == 4326
    assert found.pipe(far_from, squares()) < 1e-9


def test_swapped_latitude_and_longitude_are_named(read, tmp_path):
    layer = squares()
    swapped = shapely.transform(layer.geometry.to_numpy(), lambda xy: xy[:, ::-1])
    layer.set_geometry(swapped, crs=4326).to_file(tmp_path / "a.gpkg")
    with pytest.raises(BoundaryError, match=r"latitude and longitude are swapped in 4 of 4 units \(first: 370100\)"):
        read("a.gpkg")


def test_metres_that_say_they_are_degrees_are_named(read, tmp_path):
    squares().to_crs(32650).set_crs(4326, allow_override=True).to_file(tmp_path / "a.gpkg")
    with pytest.raises(BoundaryError, match=r"no degrees\. Its CRS is wrong"):
        read("a.gpkg")


def test_units_far_from_china_are_named(read, tmp_path):
    layer = squares()
    changed(layer, 2, shapely.box(10, 50, 11, 51)).to_file(tmp_path / "a.gpkg")
    with pytest.raises(BoundaryError, match=r"1 of 4 units \(first: 370102\) lie outside of 70 to 140 degrees east"):
        read("a.gpkg")


def test_cgcs2000_is_taken_as_wgs84_and_said(read, tmp_path):
    squares().set_crs(4490, allow_override=True).to_file(tmp_path / "a.gpkg")
    found = read("a.gpkg")
    assert "CGCS2000 is read as WGS84" in found.notices[0]
    assert found.units.pipe(far_from, squares()) < 1e-12


def test_an_old_datum_says_how_sure_it_is(read, tmp_path):
    squares().to_crs(4610).to_file(tmp_path / "a.gpkg")
    said = "a.gpkg: Xian 1980 was brought to WGS84 with an error of an unknown amount, perhaps 100 m"
    assert read("a.gpkg").notices == (said,)


def test_gcj02_is_taken_back_and_said(read, tmp_path):
    layer = squares()
    shifted = shapely.transform(layer.geometry.to_numpy(), lambda xy: np.column_stack(wgs84_to_gcj02(*xy.T)))
    layer.set_geometry(shifted, crs=4326).to_file(tmp_path / "a.gpkg")
    found = read("a.gpkg", datum="gcj02")
    assert found.units.pipe(far_from, layer) < 1e-9
    assert "a.gpkg: coordinates were brought from GCJ-02 to WGS84, as boundaries.datum says" in found.notices
    assert "border" not in found.faults["fault"].tolist()  # shared borders stay shared


def test_the_shift_of_gcj02_is_that_of_the_published_test_point():
    """The test point that the open implementations share."""
    lon, lat = wgs84_to_gcj02(np.array([121.5272106]), np.array([31.1774276]))
    assert (lon.item(), lat.item()) == pytest.approx((121.531541859215, 31.17530398364597), abs=1e-9)


def test_the_inverse_of_gcj02_is_exact_all_over_china():
    lon, lat = (grid.ravel() for grid in np.meshgrid(np.linspace(74, 135, 60), np.linspace(18, 53, 60)))
    there = wgs84_to_gcj02(lon, lat)
    back = gcj02_to_wgs84(*there)
    assert distance_km(lon, lat, *back).max() < 1e-6
    assert 0.6 < distance_km(lon, lat, *there).max() < 1.5


# --- faults, unit by unit

BOW_TIE = shapely.from_wkt("POLYGON ((116 36, 116.5 36.5, 116.5 36, 116 36.5, 116 36))")


def test_a_sound_layer_has_no_fault():
    assert faults_of(squares()) == []


def test_a_bow_tie_is_named():
    assert ["370100", "invalid", "error"] in faults_of(changed(squares(), 0, BOW_TIE))


def test_an_empty_geometry_is_named_and_so_is_a_missing_one():
    found = faults_of(changed(changed(squares(), 0, shapely.Polygon()), 3, None))
    assert found == [["370100", "empty", "error"], ["370103", "empty", "error"]]


def test_a_line_is_no_polygon():
    assert faults_of(changed(squares(), 3, shapely.LineString([(0, 0), (1, 1)])))[0][1] == "no polygon"


def test_a_unit_across_the_antimeridian_is_named(read, tmp_path):
    changed(squares(), 3, shapely.box(-179, 36, 179, 37)).to_file(tmp_path / "a.gpkg")
    with pytest.raises(BoundaryFaultsError, match=r"370103 北区: antimeridian: it reaches from -179 to 179"):
        read("a.gpkg")


def test_a_code_that_stands_twice_and_one_that_is_lacking_are_named():
    assert faults_of(squares().assign(dm=["a", "a", "", "b"])) == [
        ["a", "code twice", "error"], ["", "no code", "error"],
    ]  # fmt: skip


def test_a_polygon_that_stands_twice_is_named_once():
    layer = squares()
    assert faults_of(changed(layer, 3, layer.geometry[0])) == [["370103", "polygon twice", "error"]]


def test_an_overlap_is_measured(read, tmp_path):
    changed(squares(), 1, shapely.box(116.49, 36, 117, 36.5)).to_file(tmp_path / "a.gpkg")
    with pytest.raises(BoundaryFaultsError, match=r"370100 东区: overlap with 370101 西区 \(49\.\d+ km2\)") as caught:
        read("a.gpkg")
    assert caught.value.table["area_km2"].iloc[0] == pytest.approx(
        0.01 * 0.5 * 111.2 * 111.0 * np.cos(0.633), rel=0.01
    )


def ring(gap):
    """Eight cells around a ninth that leaves `gap` degrees free on its western side."""
    cells = [shapely.box(116 + x, 36 + y, 117 + x, 37 + y) for y in range(3) for x in range(3)]
    cells[4] = shapely.box(117 + gap, 37, 118, 38)
    names = [f"u{i}" for i in range(9)]
    return gpd.GeoDataFrame({"dm": names, "mc": names}, geometry=cells, crs=4326)


def test_a_sliver_between_two_units_is_an_error_and_a_wide_hole_a_notice():
    assert ["u1", "sliver", "error"] in faults_of(ring(0.001))
    wide = faults_of(ring(0.3))
    assert ["u1", "hole", "notice"] in wide
    assert {severity for _, _, severity in wide} == {"notice"}


def test_a_border_that_the_neighbor_draws_otherwise_is_told():
    bent = shapely.Polygon([(116.5, 36), (117, 36), (117, 36.5), (116.5, 36.5), (116.5, 36.25)])
    assert ["370100", "border", "notice"] in faults_of(changed(squares(), 1, bent))


def test_every_fault_of_every_unit_is_listed_at_once(read, tmp_path):
    layer = changed(changed(squares(), 0, BOW_TIE), 3, shapely.Polygon())
    layer.to_file(tmp_path / "a.gpkg")
    with pytest.raises(BoundaryFaultsError, match=r"a\.gpkg: 2 faults in 2 of 4 units") as caught:
        read("a.gpkg")
    assert "370100 东区: invalid: Self-intersection" in str(caught.value)
    assert "370103 北区: empty" in str(caught.value)
    assert caught.value.table["fault"].tolist() == ["invalid", "empty"]


def test_repair_mends_validity_and_says_by_how_much(read, tmp_path):
    changed(squares(), 0, BOW_TIE).to_file(tmp_path / "a.gpkg")
    found = read("a.gpkg", repair=True)
    assert found.units.is_valid.all()
    row = found.faults.iloc[0]
    assert (row["adcode"], row["fault"], row["severity"]) == ("370100", "repaired", "notice")
    assert any("1 polygons were repaired (first: 370100 东区" in said for said in found.notices)


def test_repair_lets_an_overlap_stand_and_tells_it(read, tmp_path):
    changed(squares(), 1, shapely.box(116.49, 36, 117, 36.5)).to_file(tmp_path / "a.gpkg")
    found = read("a.gpkg", repair=True)
    assert found.faults[["fault", "severity"]].to_numpy().tolist() == [["overlap", "notice"]]
    assert found.units.geometry.iloc[1].bounds[0] == 116.49


def test_repair_does_not_invent_a_polygon_or_a_code(read, tmp_path):
    changed(squares(), 3, shapely.Polygon()).to_file(tmp_path / "a.gpkg")
    with pytest.raises(BoundaryFaultsError, match="370103 北区: empty"):
        read("a.gpkg", repair=True)


def test_the_known_overlap_and_holes_of_a_published_layer_are_found():
    """The second layer of the package: one overlap of 0.27 km2 (Lianyungang, Rizhao) and three holes."""
    layer = read_boundaries(Workspace(default_study()), source="tianditu", simplify_m=None).reset_index()
    found = find_layer_faults(layer)
    overlap = found[found["fault"] == "overlap"]
    assert len(overlap) == 1
    assert overlap["area_km2"].iloc[0] == pytest.approx(0.27, abs=0.01)
    assert {"320700", "371100"} == {overlap["adcode"].iloc[0], overlap["other"].iloc[0][:6]}


# --- codes and names


def test_codes_that_a_table_made_numbers_or_twelve_digits_are_text_of_six(read, tmp_path):
    squares().assign(dm=[370100.0, 370101.0, 370102.0, 370103.0]).to_file(tmp_path / "a.gpkg")
    assert read("a.gpkg").units.index.tolist() == ["370100", "370101", "370102", "370103"]
    squares().assign(dm=[f"37010{i}000000" for i in range(4)]).to_file(tmp_path / "b.gpkg")
    assert read("b.gpkg").units.index[3] == "370103"


def test_a_column_that_is_not_there_is_named_with_those_that_are(read, tmp_path):
    squares().to_file(tmp_path / "a.gpkg")
    with pytest.raises(BoundaryError, match=r"boundaries\.code is 'adcode', no column of a\.gpkg; it has: dm, mc"):
        read("a.gpkg", code="adcode")


def test_a_layer_needs_its_path_and_its_column_of_codes(tmp_path):
    with pytest.raises(BoundaryError, match=r"needs boundaries\.path, the file, and boundaries\.code"):
        read_own_layer(Workspace(tmp_path), Boundaries(level="own"))


def test_a_geojson_that_links_to_its_crs_is_refused(read, tmp_path):
    squares().to_file(tmp_path / "a.geojson")
    found = json.loads((tmp_path / "a.geojson").read_text(encoding="utf-8"))
    found["crs"] = {"type": "link", "properties": {"href": "http://example.com/crs"}}
    (tmp_path / "a.geojson").write_text(json.dumps(found), encoding="utf-8")
    with pytest.raises(BoundaryError, match="links to a CRS instead of naming it"):
        read("a.geojson")


def test_the_table_of_faults_has_its_columns():
    from geo_cdei.columns import BOUNDARY_FAULTS

    layer = squares().rename(columns={"dm": "adcode", "mc": "name"})
    assert tuple(find_layer_faults(layer).columns) == BOUNDARY_FAULTS
    assert isinstance(find_layer_faults(layer), pd.DataFrame)
