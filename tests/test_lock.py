"""One writer at a time, and a killed one holds nobody up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from geo_cdei import studies
from geo_cdei._atomic import Batch
from geo_cdei._lock import LOCK, study_lock
from geo_cdei.errors import OutputError

HOLD = """
import sys, time
from pathlib import Path
from geo_cdei._lock import study_lock
with study_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Hold the study in another process."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_second_writer_is_told_who_the_first_is(tmp_path, holder):
    said = rf"process {holder.pid} on .*, since 20\d\d-.*working in this study"
    with pytest.raises(OutputError, match=said), study_lock(tmp_path):
        pass


def test_a_killed_holder_holds_nobody_up(tmp_path, holder):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with study_lock(tmp_path) as mended:
        assert mended == []


def test_the_note_of_an_owner_that_is_no_more_holds_nobody_up(tmp_path):
    (tmp_path / LOCK).touch()
    (tmp_path / f"{LOCK}.json").write_text(json.dumps({"process": 1, "machine": "", "since": ""}), encoding="utf-8")
    with study_lock(tmp_path):
        assert json.loads((tmp_path / f"{LOCK}.json").read_text(encoding="utf-8"))["process"] == os.getpid()


@pytest.mark.parametrize("note", ["", "{", "[]", '{"process": 1}'])
def test_a_damaged_note_is_no_reason_to_fail(tmp_path, holder, note):
    (tmp_path / f"{LOCK}.json").write_text(note, encoding="utf-8")
    with pytest.raises(OutputError, match="another process, is working"), study_lock(tmp_path):
        pass


def test_the_holder_of_the_lock_ends_what_a_killed_run_left(tmp_path):
    Batch(tmp_path).path("a.csv").write_text("new", encoding="utf-8")
    with study_lock(tmp_path) as mended:
        assert [said.split(":")[0] for said in mended] == ["an earlier run was stopped before it wrote anything"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [LOCK]


def test_a_clock_set_back_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 0.0)
    with study_lock(tmp_path):
        assert (tmp_path / LOCK).is_file()


def test_two_runs_at_once_in_one_study_are_refused_before_any_work(study, monkeypatch):
    monkeypatch.setattr(studies.pipeline, "run", lambda *_, **__: pytest.fail("the second run began to work"))
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(study.root)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(OutputError, match=f"process {holder.pid}"):
            studies.run_study(study, only=["scores"])
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()


def test_an_input_saved_during_the_run_is_an_error_and_nothing_is_written(study, monkeypatch):
    run = studies.pipeline.run

    def run_and_save(*given, **kept):
        found = run(*given, **kept)
        path = study.raw / "scores_2021.csv"
        path.write_bytes(path.read_bytes() + b"\n")
        return found

    monkeypatch.setattr(studies.pipeline, "run", run_and_save)
    with pytest.raises(studies.InputError, match=r"1 input changed during the run: data/raw/scores_2021\.csv"):
        studies.run_study(study, only=["scores"])
    assert not study.derived.exists()
