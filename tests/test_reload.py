"""A finished run is read back whole, and one that is out of date is refused by name."""

from __future__ import annotations

import json
import zipfile
from dataclasses import fields, replace

import pandas as pd
import pytest
import shapely
from finished_run import quick
from pandas.testing import assert_frame_equal

from geo_cdei import studies
from geo_cdei.config import read_settings
from geo_cdei.errors import StudyError
from geo_cdei.outputs.publish import publish
from geo_cdei.outputs.reload import RUN, check_fresh, read_manifest, read_run, write_run
from geo_cdei.workspace import Workspace

FRAMES = ("units", "provinces", "cities", "members", "clusters")


@pytest.fixture(scope="module")
def again(finished_study):
    """Read the finished run back, once."""
    return read_run(finished_study)


def inputs(study):
    return studies.present_inputs(study)


def refused(study, match):
    with pytest.raises(StudyError, match=match):
        check_fresh(study, read_manifest(study), inputs=inputs(study))


def rewrite(path, old, new):
    text = path.read_text(encoding="utf-8-sig")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


# --- nothing is lost


def test_every_table_comes_back_with_its_index_and_types(finished, again):
    tables = finished.analysis.tables
    assert list(again.tables) == list(tables)
    assert len(tables) > 45
    for name, frame in tables.items():
        assert_frame_equal(again.tables[name], frame, obj=name)


def test_every_layer_comes_back_with_its_shapes(finished, again):
    assert list(again.layers) == list(finished.analysis.layers)
    for name, layer in finished.analysis.layers.items():
        assert_frame_equal(pd.DataFrame(again.layers[name]), pd.DataFrame(layer), obj=name)
        assert again.layers[name].crs == layer.crs, name


@pytest.mark.parametrize("name", FRAMES)
def test_every_frame_comes_back(finished, again, name):
    frame, back = getattr(finished.analysis, name), getattr(again, name)
    assert type(back) is type(frame)
    assert_frame_equal(pd.DataFrame(back), pd.DataFrame(frame))


def test_what_is_no_frame_comes_back(finished, again):
    plain = ("settings", "national", "weights", "base_graph", "facts")
    for name in plain:
        assert getattr(again, name) == getattr(finished.analysis, name), name
    assert shapely.equals_exact(again.dash_line, finished.analysis.dash_line)
    rest = {field.name for field in fields(again)} - {*FRAMES, *plain, "dash_line", "tables", "layers"}
    assert rest == {"seconds", "notices"}


def test_the_notices_come_back_in_order(finished, again):
    assert len(again.notices) > 3
    assert again.notices == finished.analysis.notices


def test_the_wall_times_are_those_of_the_manifest(finished_study, again):
    assert again.seconds == read_manifest(finished_study)["seconds"]


def test_what_a_table_says_of_its_circumstances_comes_back_without_a_folder(finished, again):
    assert again.tables["lisa"].attrs == finished.analysis.tables["lisa"].attrs
    assert "path" in finished.analysis.tables["members"].attrs
    assert "path" not in again.tables["members"].attrs


def test_a_run_in_the_coordinates_of_cgcs2000_comes_back_as_it_was(analysis, tmp_path):
    outputs = analysis.settings.outputs.model_copy(update={"crs": "EPSG:4490", "formats": ()})
    chosen = replace(analysis, settings=analysis.settings.model_copy(update={"outputs": outputs}))
    publish(chosen, Workspace(tmp_path), steps=["scores"], inputs={})
    back = read_run(Workspace(tmp_path))
    assert back.settings.outputs.crs == "EPSG:4490"
    assert_frame_equal(pd.DataFrame(back.units), pd.DataFrame(analysis.units))
    assert back.units.crs == analysis.units.crs


def test_the_same_run_gives_the_same_file(analysis, tmp_path):
    write_run(analysis, tmp_path / "a.zip")
    write_run(analysis, tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


# --- partial runs


def test_a_partial_run_of_the_same_inputs_keeps_what_it_did_not_make(finished, own_copy):
    settings = quick(read_settings(own_copy.settings))
    studies.run_study(own_copy, settings, only=["inequality"])
    back = read_run(own_copy)
    assert list(back.tables) == list(finished.analysis.tables)
    assert back.facts == finished.analysis.facts
    assert set(back.notices) == set(finished.analysis.notices)


def test_a_partial_run_of_other_settings_keeps_nothing(own_copy):
    studies.run_study(own_copy, only=["scores"])
    assert "lisa" not in read_run(own_copy).tables


def test_a_run_file_that_somebody_changed_is_not_built_upon(own_copy):
    (own_copy.root / RUN).write_bytes(b"PK")
    studies.run_study(own_copy, quick(read_settings(own_copy.settings)), only=["scores"])
    assert "lisa" not in read_run(own_copy).tables


# --- a run that is not there


def test_a_study_without_a_run_says_how_to_make_one(study):
    with pytest.raises(StudyError, match=r"no finished run .*geo-cdei run"):
        read_run(study)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"not a zip"])
def test_a_damaged_run_file_is_an_error_with_the_cure(own_copy, content):
    (own_copy.root / RUN).write_bytes(content)
    with pytest.raises(StudyError, match=r"run\.zip .*damaged .*geo-cdei run"):
        read_run(own_copy)


def test_a_run_file_with_a_damaged_table_is_an_error_with_the_cure(own_copy):
    with zipfile.ZipFile(own_copy.root / RUN, "w") as archive:
        archive.writestr("run.json", json.dumps({"frames": ["units"]}))
        archive.writestr("units.parquet", b"PAR1")
    with pytest.raises(StudyError, match=r"damaged"):
        read_run(own_copy)


@pytest.mark.parametrize("content", ["", "[]", '{"inputs": {}}', '{"inputs": [], "outputs": {}, "settings": {}}'])
def test_a_damaged_manifest_is_an_error_with_the_cure(own_copy, content):
    (own_copy.root / "manifest.json").write_text(content, encoding="utf-8")
    with pytest.raises(StudyError, match=r"manifest\.json .*damaged .*geo-cdei run"):
        read_run(own_copy)


def test_a_manifest_without_a_run_file_is_an_error_with_the_cure(own_copy):
    (own_copy.root / RUN).unlink()
    with pytest.raises(StudyError, match=r"no data/derived/run\.zip.*geo-cdei run"):
        read_run(own_copy)


# --- a run that is out of date


def test_a_run_that_nobody_touched_is_fresh(finished_study):
    assert check_fresh(finished_study, read_manifest(finished_study), inputs=inputs(finished_study)) is None


def test_a_changed_score_makes_a_run_stale(own_copy):
    path = own_copy.raw / "scores_2021.csv"
    path.write_bytes(path.read_bytes() + b"\n")
    refused(own_copy, r"input changed since: data/raw/scores_2021\.csv(.|\n)*geo-cdei run")


def test_a_new_table_makes_a_run_stale(own_copy):
    (own_copy.raw / "flows.csv").write_text("origin,destination,value\n", encoding="utf-8")
    refused(own_copy, r"input added since: data/raw/flows\.csv")


def test_a_removed_table_makes_a_run_stale(own_copy):
    (own_copy.raw / "tiers.csv").unlink()
    refused(own_copy, r"input removed since: data/raw/tiers\.csv")


def test_a_changed_setting_is_named_with_both_values(own_copy):
    before = read_settings(own_copy.settings)
    manifest = read_manifest(own_copy) | {"settings": before.model_dump(mode="json")}
    rewrite(own_copy.settings, "seed = 20211", "seed = 5")
    with pytest.raises(StudyError, match=r"setting inference\.seed: was 20211, is 5") as caught:
        check_fresh(own_copy, manifest, inputs=inputs(own_copy))
    assert str(caught.value).count("setting ") == 1


def test_a_comment_in_the_settings_or_another_language_makes_no_run_stale(own_copy):
    manifest = read_manifest(own_copy) | {"settings": read_settings(own_copy.settings).model_dump(mode="json")}
    rewrite(own_copy.settings, 'language = "zh"', 'language = "en" # for the meeting')
    assert check_fresh(own_copy, manifest, inputs=inputs(own_copy)) is None


def test_a_result_that_was_edited_makes_a_run_stale(own_copy):
    path = own_copy.derived / "cities.csv"
    path.write_bytes(path.read_bytes() + b"\n")
    refused(own_copy, r"result changed since: data/derived/cities\.csv")


def test_a_result_that_is_gone_makes_a_run_stale(own_copy):
    (own_copy.derived / "lisa.csv").unlink()
    refused(own_copy, r"result removed since: data/derived/lisa\.csv")


def test_a_map_drawn_anew_makes_no_run_stale(own_copy):
    manifest = read_manifest(own_copy)
    manifest["outputs"]["maps/lisa.png"] = "0"
    assert check_fresh(own_copy, manifest, inputs=inputs(own_copy)) is None


def test_another_version_of_the_program_makes_a_run_stale(own_copy):
    manifest = read_manifest(own_copy) | {"made_by": "geo_cdei 0.0.1"}
    with pytest.raises(StudyError, match=r"made by geo_cdei 0\.0\.1, this is geo_cdei"):
        check_fresh(own_copy, manifest, inputs=inputs(own_copy))


def test_results_of_other_inputs_make_a_run_stale(own_copy):
    studies.run_study(own_copy, only=["scores"])
    refused(own_copy, r"results of other inputs left by a partial run: data/derived/")


def test_all_that_changed_is_said_at_once(own_copy):
    (own_copy.raw / "tiers.csv").unlink()
    (own_copy.derived / "lisa.csv").unlink()
    refused(own_copy, r"tiers\.csv(.|\n)*lisa\.csv")
