"""The manifest is enough to repeat a run, and says why when it is not."""

from __future__ import annotations

import json
import shutil

import pytest
from typer.testing import CliRunner

from geo_cdei import repeat_run, run_study
from geo_cdei.cli import app
from geo_cdei.config import Scores, Settings
from geo_cdei.errors import GeoCdeiError, InputError, SettingsError
from geo_cdei.workspace import Workspace, create_study


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """Run the scores under settings that the file of the study does not have."""
    study = create_study(tmp_path_factory.mktemp("first") / "study")
    run_study(study, Settings(scores=Scores(weights="equal")), only=["scores"])
    return study


@pytest.fixture
def copy(first, tmp_path):
    """Copy the inputs and nothing that the first run wrote."""
    shutil.copytree(first.root, tmp_path / "copy", ignore=shutil.ignore_patterns("derived", "manifest.json"))
    return Workspace(tmp_path / "copy")


def manifest_with(first, tmp_path, **changes):
    found = json.loads((first.root / "manifest.json").read_text(encoding="utf-8")) | changes
    (tmp_path / "changed.json").write_text(json.dumps(found), encoding="utf-8")
    return tmp_path / "changed.json"


def test_a_repeated_run_gives_every_file_byte_for_byte(first, copy):
    repetition = repeat_run(copy, first.root / "manifest.json")
    assert "data/derived/clusters.csv" in repetition.equal
    assert (repetition.differing, repetition.circumstances) == ((), ())


def test_the_settings_of_the_manifest_take_the_place_of_the_file(first, copy):
    assert repeat_run(copy, first.root / "manifest.json").outcome.analysis.weights == "equal"


def test_an_output_that_is_not_the_same_is_named(first, copy, tmp_path):
    outputs = {"data/derived/cities.csv": "0" * 64}
    repetition = repeat_run(copy, manifest_with(first, tmp_path, outputs=outputs))
    assert (repetition.equal, repetition.differing) == ((), ("data/derived/cities.csv",))


def test_another_library_is_named(first, copy, tmp_path):
    repetition = repeat_run(copy, manifest_with(first, tmp_path, libraries={"numpy": "0.1", "nosuch": "9"}))
    assert repetition.circumstances[0].endswith("in place of 0.1")
    assert repetition.circumstances[1] == "nosuch none in place of 9"


def test_every_input_that_is_not_as_it_was_is_listed_and_nothing_runs(first, copy):
    (copy.raw / "scores_2021.csv").write_bytes(b"city,score\n")
    (copy.raw / "clusters.csv").unlink()
    (copy.raw / "extra.csv").write_bytes(b"city\n")
    with pytest.raises(InputError, match="3 inputs") as caught:
        repeat_run(copy, first.root / "manifest.json")
    assert [line.strip() for line in str(caught.value).splitlines()[1:4]] == [
        "data/raw/clusters.csv: not there",
        "data/raw/extra.csv: the first run had no such file",
        "data/raw/scores_2021.csv: other content",
    ]
    assert not copy.derived.exists()


def test_settings_of_another_version_are_named(first, copy, tmp_path):
    changed = manifest_with(first, tmp_path, settings={"graph": {"k": 0}, "moon": {}})
    with pytest.raises(SettingsError, match=r"2: graph\.k, moon"):
        repeat_run(copy, changed)


@pytest.mark.parametrize(
    ("text", "said"),
    [(b"", "is not JSON"), (b"\xff", "is not JSON"), (b"[1]", "it lacks settings"), (b"[" * 9999, "is not JSON"),
     (b'{"settings": 1, "inputs": {}, "outputs": {}, "steps": [], "libraries": {}}', "it lacks settings")],
)  # fmt: skip
def test_what_is_no_manifest_is_said(copy, tmp_path, text, said):
    (tmp_path / "m.json").write_bytes(text)
    with pytest.raises(InputError, match=said):
        repeat_run(copy, tmp_path / "m.json")


def test_a_manifest_that_is_not_there_is_said(copy, tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        repeat_run(copy, tmp_path / "none.json")


@pytest.mark.parametrize(("outputs", "code"), [({}, 0), ({"data/derived/cities.csv": "0"}, 1)])
def test_the_command_ends_with_1_when_an_output_differs(first, copy, tmp_path, outputs, code):
    changed = manifest_with(first, tmp_path, outputs=outputs)
    assert CliRunner().invoke(app, ["run", str(copy.root), "--from", str(changed)]).exit_code == code


def test_the_command_takes_the_steps_from_the_manifest_alone(first, copy):
    path = str(first.root / "manifest.json")
    given = ["run", str(copy.root), "--from", path, "--only", "scores"]
    with pytest.raises(GeoCdeiError, match="leave --only and --lang out"):
        CliRunner().invoke(app, given, catch_exceptions=False)
