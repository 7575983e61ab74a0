"""Points to units: which unit, which sums, and what happens to a run that is stopped."""

from __future__ import annotations

import math
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from typer.testing import CliRunner

from geo_cdei import assigning
from geo_cdei._assignment import STATES, assign, build_locator
from geo_cdei._datum import gcj02_to_wgs84, wgs84_to_gcj02
from geo_cdei._exact_sums import ExactSums
from geo_cdei.cli import app
from geo_cdei.errors import BoundaryError, GeoCdeiWarning, InputError, OutputError
from geo_cdei.inputs import point_sums
from geo_cdei.inputs.point_files import find_points, iter_chunks
from geo_cdei.inputs.point_sums import assign_files, iter_apart
from geo_cdei.inputs.points import assign_points


@pytest.fixture
def units(lattice):
    """Ten by ten cells, 105 to 110 degrees east and 28 to 33 north."""
    return lattice[["geometry"]]


@pytest.fixture
def points():
    """Five thousand points in and around the cells, a tenth of the values missing."""
    rng = np.random.default_rng(1)
    staff = rng.lognormal(3, 2, 5000)
    staff[::10] = np.nan
    return pd.DataFrame({"lon": rng.uniform(104, 111, 5000), "lat": rng.uniform(27, 34, 5000), "staff": staff})


def inside(points):
    """Keep the points that lie in the cells."""
    return points[points["lon"].between(105, 110) & points["lat"].between(28, 33)]


# which unit --------------------------------------------------------------------------------------------------------


def test_points_go_to_the_units_that_geopandas_finds(units, points):
    shapes = gpd.GeoDataFrame(points, geometry=gpd.points_from_xy(points["lon"], points["lat"]), crs=4326)
    with pytest.warns(GeoCdeiWarning, match="points have no unit"):
        ours = assign_points(shapes, units)
    theirs = gpd.sjoin(shapes, units, predicate="within", how="left")["adcode"]
    assert ours.dropna().to_dict() == theirs.dropna().to_dict()
    assert len(ours.dropna()) > 2000


def test_holes_and_parts_of_a_unit_are_kept_apart():
    ring = shapely.box(0, 0, 4, 4).difference(shapely.box(1, 1, 3, 3))
    two = shapely.MultiPolygon([shapely.box(1.5, 1.5, 2.5, 2.5), shapely.box(8, 0, 9, 1)])
    layer = gpd.GeoDataFrame(geometry=[ring, two], index=["ring", "two"], crs=4326)
    frame = pd.DataFrame({"lon": [0.5, 2.0, 1.2, 8.5], "lat": [0.5, 2.0, 1.2, 0.5]})
    with pytest.warns(GeoCdeiWarning, match="1 of 4 points have no unit: 1 outside"):
        found = assign_points(frame, layer)
    assert found.fillna("-").tolist() == ["ring", "two", "-", "two"]


def test_a_point_on_a_border_goes_to_the_smallest_code_that_touches_it(units):
    corner = pd.DataFrame({"lon": [105.5, 105.5, 105.25], "lat": [28.5, 28.25, 28.5]})
    assert assign_points(corner, units).tolist() == ["r0c0", "r0c0", "r0c0"]


@pytest.mark.parametrize("seed", [0, 1])
def test_the_order_of_points_and_units_changes_nothing(units, seed):
    x, y = (values.ravel() for values in np.meshgrid(np.arange(105, 110.1, 0.25), np.arange(28, 33.1, 0.25)))
    frame = pd.DataFrame({"lon": x, "lat": y})
    straight = assign_points(frame, units)
    mixed = assign_points(frame.sample(frac=1, random_state=seed), units.sample(frac=1, random_state=seed))
    pd.testing.assert_series_equal(mixed.sort_index(), straight)


@pytest.mark.parametrize("chunksize", [1, 7, 441, 10_000])
def test_the_size_of_the_chunks_changes_nothing(units, points, chunksize):
    few = inside(points).head(300)
    assert assign_points(few, units, chunksize=chunksize).equals(assign_points(few, units))


def test_every_state_of_a_point_is_told_apart(units):
    lon = np.array([105.1, 90.0, np.nan, np.inf, 181.0, 28.1])
    lat = np.array([28.1, 20.0, 28.0, 28.0, 28.0, 105.1])
    _, states = assign(build_locator(units), lon, lat)
    assert [STATES[state] for state in states] == list(STATES)


def test_lost_points_are_counted_by_reason_in_one_warning(units):
    frame = pd.DataFrame({"lon": [105.1, 105.2, np.nan, 28.1], "lat": [28.1, 28.1, 28.0, 105.1]})
    with pytest.warns(GeoCdeiWarning, match="2 of 4 points have no unit: 1 missing, 1 swapped"):
        found = assign_points(frame, units)
    assert found.attrs["tally"]["swapped"] == 1


def test_exchanged_columns_are_an_error(units, points):
    exchanged = points.rename(columns={"lon": "lat", "lat": "lon"})
    with pytest.raises(InputError, match="only when longitude and latitude change places"):
        assign_points(exchanged, units)


def test_metres_in_place_of_degrees_are_an_error(units):
    with pytest.raises(InputError, match="2 of 2 points are no degrees"):
        assign_points(pd.DataFrame({"lon": [5e5, 6e5], "lat": [3e6, 3e6]}), units)


def test_points_of_another_crs_or_none_are_an_error(units):
    shapes = gpd.GeoDataFrame(geometry=[shapely.Point(105, 28)])
    with pytest.raises(InputError, match="the CRS of the points is none"):
        assign_points(shapes, units)
    with pytest.raises(InputError, match=r"points.to_crs\(units.crs\)"):
        assign_points(shapes.set_crs(32648), units)


def test_geometries_that_are_no_points_are_an_error(units):
    with pytest.raises(InputError, match="100 of 100 geometries are no points"):
        assign_points(units, units)


def test_columns_that_are_absent_or_text_are_an_error(units):
    with pytest.raises(InputError, match="lat absent among"):
        assign_points(pd.DataFrame({"lon": [1.0]}), units)
    with pytest.raises(InputError, match="lon and lat must be numbers"):
        assign_points(pd.DataFrame({"lon": ["x"], "lat": [1.0]}), units)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda units: units.to_crs(32648), "need a CRS in degrees; it is WGS 84 / UTM zone 48N"),
        (lambda units: units.set_axis(["a"] * 100), "100 units, 1 codes"),
        (lambda units: units.set_geometry(units.boundary), "100 of 100 units are no polygons"),
    ],
)
def test_units_that_cannot_be_asked_are_an_error(units, change, message):
    with pytest.raises(BoundaryError, match=message):
        assign_points(pd.DataFrame({"lon": [105.0], "lat": [28.0]}), change(units))


def test_no_points_at_all_give_an_empty_series(units):
    assert assign_points(pd.DataFrame({"lon": [], "lat": []}), units).tolist() == []


def test_an_unknown_datum_is_an_error(units):
    with pytest.raises(InputError, match="datum is 'bd09'"):
        assign_points(pd.DataFrame({"lon": [105.0], "lat": [28.0]}), units, datum="bd09")


# the datum ---------------------------------------------------------------------------------------------------------


def test_the_shift_of_web_maps_is_the_published_one():
    """The pair that open implementations of the shift give as their example."""
    lon, lat = wgs84_to_gcj02([116.404], [39.915])
    assert (lon[0], lat[0]) == pytest.approx((116.41024449916938, 39.91640428150164), abs=1e-9)


def test_the_shift_is_taken_back_to_less_than_a_millimetre():
    lon, lat = (values.ravel() for values in np.meshgrid(np.linspace(73, 135, 63), np.linspace(4, 53, 50)))
    back = gcj02_to_wgs84(*wgs84_to_gcj02(lon, lat))
    assert max(np.abs(back[0] - lon).max(), np.abs(back[1] - lat).max()) < 1e-9


def test_nothing_is_shifted_outside_the_box_and_gaps_stay_gaps():
    lon, lat = gcj02_to_wgs84([2.35, np.nan], [48.85, 30.0])
    assert (lon[0], lat[0]) == (2.35, 48.85)
    assert np.isnan(lon[1])


def test_points_of_a_web_map_are_moved_before_they_are_assigned(units):
    """At the west of the cell the shift is wider than the 300 metres to its border."""
    lon, lat = wgs84_to_gcj02([105.4985], [28.25])
    shifted = pd.DataFrame({"lon": lon, "lat": lat})
    assert assign_points(shifted, units).tolist() == ["r0c1"]
    assert assign_points(shifted, units, datum="gcj02").tolist() == ["r0c0"]


# exact sums --------------------------------------------------------------------------------------------------------


def test_sums_are_those_of_fsum_for_every_order_and_block():
    rng = np.random.default_rng(2)
    values = rng.normal(size=3000) * 10.0 ** rng.integers(-200, 200, 3000)
    group = rng.integers(0, 5, 3000)
    whole, parted = ExactSums(5), ExactSums(5)
    whole.add(group, values)
    for part in np.array_split(rng.permutation(3000), 7):
        one = ExactSums(5)
        one.add(group[part], values[part])
        parted.merge(*one.parts())
    assert whole.totals().tolist() == [math.fsum(values[group == k]) for k in range(5)]
    assert parted.totals().tolist() == whole.totals().tolist()


def test_the_smallest_and_the_largest_floats_are_added_exactly():
    sums = ExactSums(3)
    sums.add(np.array([0, 0, 1, 1, 2]), np.array([5e-324, -1e-323, 1e308, 1e308, -0.0]))
    assert sums.totals().tolist() == [-5e-324, math.inf, 0.0]


# files -------------------------------------------------------------------------------------------------------------


def expected(points, units):
    """Count and add up with pandas, exactly."""
    with pytest.warns(GeoCdeiWarning, match="points have no unit"):
        code = assign_points(points, units)
    grouped = points.groupby(code)["staff"]
    return pd.DataFrame(
        {
            "n_points": grouped.size(),
            "staff_n": grouped.count(),
            "staff_sum": grouped.agg(lambda v: math.fsum(v.dropna())),
        }
    ).reindex(units.index.sort_values())


def write(points, folder, kind):
    """Write the points as one kind of file; give the name or pattern that finds them."""
    path = folder / f"points.{kind}"
    if kind == "csv":
        points.to_csv(path, index=False)
    elif kind == "tsv":
        points.to_csv(path, index=False, sep="\t", encoding="utf-16")
    elif kind == "parquet":
        points.to_parquet(path, row_group_size=700)
    else:
        shapes = gpd.GeoDataFrame(
            points[["staff"]], geometry=gpd.points_from_xy(points["lon"], points["lat"]), crs=4326
        )
        if kind == "gpkg":
            shapes.to_file(path)
        else:
            shapes.to_parquet(path, row_group_size=700)
    return path


@pytest.mark.parametrize("kind", ["csv", "tsv", "parquet", "gpkg", "geoparquet"])
def test_every_kind_of_file_gives_the_same_table(units, points, tmp_path, kind):
    files = find_points(write(points, tmp_path, kind), values=("staff",), chunksize=999)
    found = assign_files(files, units)
    ours, theirs = found.table[["n_points", "staff_n", "staff_sum"]], expected(points, units)
    np.testing.assert_array_equal(ours.to_numpy(), theirs.to_numpy())
    assert found.n_chunks > 1


def test_many_files_are_one_set_of_points(units, points, tmp_path):
    for k, part in enumerate(np.array_split(np.arange(5000), 3)):
        points.iloc[part].to_parquet(tmp_path / f"part{k}.parquet")
    one = assign_files(find_points(write(points, tmp_path, "csv"), values=("staff",)), units)
    many = assign_files(find_points(str(tmp_path / "part*.parquet"), values=("staff",)), units)
    pd.testing.assert_frame_equal(many.table, one.table)
    assert many.tally == one.tally


def test_a_missing_value_is_counted_and_never_zero(units, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("lon,lat,v\n105.1,28.1,\n105.1,28.1,—\n105.6,28.1,-4\n105.6,28.1,\n", encoding="utf-8")
    table = assign_files(find_points(path, values=("v",)), units).table
    assert table.loc["r0c0"].fillna(-1).tolist() == [2, 0, 2, -1, -1]
    assert table.loc["r0c1"].tolist() == [2, 1, 1, -4, -4]
    assert table["n_points"].tolist()[2:] == [0] * 98


def test_chinese_headers_of_a_gb18030_file_are_found(units, tmp_path):
    path = tmp_path / "企业.csv"
    path.write_bytes("经度,纬度,人数,名称\n105.1,28.1,3,甲\n".encode("gb18030"))
    found = assign_files(find_points(path, lon="经度", lat="纬度", values=("人数",)), units)
    assert found.table.loc["r0c0", "人数_sum"] == 3


def test_a_file_in_metres_is_brought_to_degrees(units, points, tmp_path):
    shapes = gpd.GeoDataFrame(geometry=gpd.points_from_xy(points["lon"], points["lat"]), crs=4326)
    shapes.to_crs(32648).to_file(tmp_path / "m.gpkg")
    found = assign_files(find_points(tmp_path / "m.gpkg"), units)
    assert found.table["n_points"].tolist() == expected(points, units)["n_points"].tolist()


def test_what_is_apart_is_listed_with_its_row_and_reason(units, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("lon,lat\n105.1,28.1\n,28\n20,20\n105.1,28.1\n", encoding="utf-8")
    files = find_points(path, chunksize=2)
    assign_files(files, units, work=tmp_path / "work")
    apart = pd.concat(iter_apart(tmp_path / "work", files))
    assert apart[["row", "reason"]].to_numpy().tolist() == [[2, "missing"], [3, "outside"]]


@pytest.mark.parametrize(
    ("text", "values", "message"),
    [
        ("lon,lat\n1,2\n", ("v",), r"a.csv has no column 'v'; it has 'lon', 'lat'"),
        ("lon,lat,v\n105.1,28.1,many\n", ("v",), "a.csv cannot be read: .*many"),
        ("lon,lat,v\n105.1,28.1,1\n105.1,28.1,inf\n", ("v",), r"v is infinite in 1 rows \(first: 2\)"),
        ("lon,lat\n28.1,105.1\n", (), "Exchange the two columns"),
        ("", (), "a.csv cannot be read: No columns to parse"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_message(units, tmp_path, text, values, message):
    path = tmp_path / "a.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        assign_files(find_points(path, values=values), units)


def test_files_that_are_absent_mixed_or_unknown_are_one_message(tmp_path):
    for name in ("a.csv", "b.parquet", "c.vrt"):
        (tmp_path / name).write_text("x", encoding="utf-8")
    with pytest.raises(InputError, match="there is no file"):
        find_points(tmp_path / "none.csv")
    with pytest.raises(InputError, match=r"kinds csv, parquet"):
        find_points(str(tmp_path / "[ab].*"))
    with pytest.raises(InputError, match=r"kinds .vrt"):
        find_points(tmp_path / "c.vrt")


def test_another_format_under_the_name_of_a_geopackage_is_refused(tmp_path, units):
    path = tmp_path / "a.gpkg"
    path.write_text('<OGRVRTDataSource><OGRVRTLayer name="a"/></OGRVRTDataSource>', encoding="utf-8")
    with pytest.raises(InputError, match=r"a.gpkg is no GeoPackage"):
        assign_files(find_points(path), units)


def test_a_large_file_is_read_in_bounded_blocks(points, tmp_path):
    points.to_parquet(tmp_path / "a.parquet", row_group_size=5000)
    files = find_points(tmp_path / "a.parquet", chunksize=300)
    chunks = list(iter_chunks(files))
    sizes = [len(block.lon) for block in point_sums.read_blocks(files, chunks[0])]
    assert (len(chunks), max(sizes), sum(sizes)) == (1, 300, 5000)


# stopped and resumed -----------------------------------------------------------------------------------------------


class Stop(KeyboardInterrupt):
    """Ctrl-C, in a test."""


def stop_after(chunks):
    """Make a callback that stops the run after some chunks."""
    seen = []

    def on_chunk(*done):
        seen.append(done)
        if len(seen) == chunks:
            raise Stop

    return on_chunk


@pytest.mark.parametrize("kind", ["csv", "parquet", "gpkg"])
@pytest.mark.parametrize("after", [1, 3])
def test_a_stopped_run_goes_on_and_ends_with_the_same_bytes(units, points, tmp_path, kind, after):
    path, units = write(points, tmp_path, kind), units
    files = find_points(path, values=("staff",), chunksize=800)
    whole = assign_files(files, units)
    with pytest.raises(Stop):
        assign_files(files, units, work=tmp_path / "work", on_chunk=stop_after(after))
    resumed = assign_files(files, units, work=tmp_path / "work")
    assert (resumed.n_kept, resumed.n_chunks) == (after, whole.n_chunks)
    assert resumed.table.to_csv() == whole.table.to_csv()
    assert resumed.tally == whole.tally


def test_a_finished_chunk_is_not_done_again(units, points, tmp_path, monkeypatch):
    files = find_points(write(points, tmp_path, "parquet"), chunksize=800)
    assign_files(files, units, work=tmp_path / "work")
    monkeypatch.setattr(point_sums, "assign", None)
    again = assign_files(files, units, work=tmp_path / "work")
    assert again.n_kept == again.n_chunks


def test_a_changed_input_starts_afresh_and_says_so(units, points, tmp_path):
    files = find_points(write(points, tmp_path, "csv"), chunksize=800)
    with pytest.raises(Stop):
        assign_files(files, units, work=tmp_path / "work", on_chunk=stop_after(2))
    write(points.head(1000), tmp_path, "csv")
    with pytest.warns(GeoCdeiWarning, match=r"work belongs to another run \(input changed\)"):
        found = assign_files(files, units, work=tmp_path / "work")
    assert (found.n_points, found.n_kept) == (1000, 0)


def test_changed_units_or_settings_start_afresh(units, points, tmp_path):
    files = find_points(write(points, tmp_path, "csv"))
    assign_files(files, units, work=tmp_path / "work")
    with pytest.warns(GeoCdeiWarning, match="units changed"):
        assign_files(files, units.iloc[:50], work=tmp_path / "work")
    other = find_points(tmp_path / "points.csv", values=("staff",))
    with pytest.warns(GeoCdeiWarning, match="settings changed"):
        assign_files(other, units.iloc[:50], work=tmp_path / "work")


def test_a_damaged_chunk_is_done_again(units, points, tmp_path):
    files = find_points(write(points, tmp_path, "parquet"), values=("staff",), chunksize=800)
    whole = assign_files(files, units, work=tmp_path / "work")
    first = tmp_path / "work" / "chunk-000000.npz"
    first.write_bytes(first.read_bytes()[:-100])
    again = assign_files(files, units, work=tmp_path / "work")
    assert (again.n_kept, again.table.equals(whole.table)) == (whole.n_chunks - 1, True)


def test_a_folder_of_other_files_is_not_taken_for_a_work_folder(units, points, tmp_path):
    with pytest.raises(InputError, match="holds other files"):
        assign_files(find_points(write(points, tmp_path, "csv")), units, work=tmp_path)


# the command -------------------------------------------------------------------------------------------------------


@pytest.fixture
def firms(tmp_path, monkeypatch):
    """Three thousand firms of two provinces' width, in a folder of their own."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"x": rng.uniform(113, 118, 3000), "y": rng.uniform(36, 41, 3000), "staff": 1.5})
    frame.to_csv("firms.csv", index=False)
    return frame


ASK = ["assign", "firms.csv", "--lon", "x", "--lat", "y", "--value", "staff", "--level", "prefecture"]


def test_the_command_writes_both_tables_and_no_more(firms, tmp_path):
    result = CliRunner().invoke(app, ASK)
    assert result.exit_code == 0, result.output
    table = pd.read_csv("points_by_prefecture.csv", dtype={"adcode": str})
    apart = pd.read_csv("points_by_prefecture_without_unit.csv")
    assert table["n_points"].sum() + len(apart) == 3000
    assert table["staff_sum"].sum() == 1.5 * table["n_points"].sum()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "firms.csv", "points_by_prefecture.csv", "points_by_prefecture_without_unit.csv",
    ]  # fmt: skip


def test_the_command_names_the_units_and_tells_the_rate_and_the_lost(firms):
    result = CliRunner().invoke(app, [*ASK, "--chunksize", "1000"])
    lines = Path("points_by_prefecture.csv").read_text(encoding="utf-8-sig")
    assert "北京市" in lines
    assert lines.startswith("adcode,name,n_points,staff_n,staff_missing,staff_sum,staff_mean\n")
    assert "a second, 0 s left" in result.output
    assert "points have no unit" in result.output


def test_the_command_goes_on_after_ctrl_c_with_the_same_bytes(firms, tmp_path, monkeypatch):
    chunked = [*ASK, "--chunksize", "500"]
    assert CliRunner().invoke(app, chunked).exit_code == 0
    whole = [path.read_bytes() for path in sorted(tmp_path.glob("points*"))]
    write_chunk = point_sums._write_chunk
    calls = []

    def stopping(path, arrays):
        write_chunk(path, arrays)
        calls.append(path)
        if len(calls) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(point_sums, "_write_chunk", stopping)
    stopped = CliRunner().invoke(app, chunked)
    assert "the same command goes on from there" in stopped.output
    monkeypatch.setattr(point_sums, "_write_chunk", write_chunk)
    again = CliRunner().invoke(app, chunked)
    assert "2 of 6 chunks were kept" in again.output
    assert [path.read_bytes() for path in sorted(tmp_path.glob("points*"))] == whole


def test_an_output_that_would_overwrite_an_input_is_refused(firms, tmp_path):
    files = find_points("firms.csv", lon="x", lat="y")
    with pytest.raises(OutputError, match=r"firms.csv is one of the inputs"):
        assigning.assign(files, None, level="prefecture", output=tmp_path / "firms.csv")
    with pytest.raises(OutputError, match="it is a CSV"):
        assigning.assign(files, None, level="prefecture", output=tmp_path / "a.xlsx")
