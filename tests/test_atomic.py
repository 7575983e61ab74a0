"""Files take their places whole, together, or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil

import pytest

from geo_cdei._atomic import Batch, atomic_path, recover
from geo_cdei.errors import OutputError


def write(path, text):
    path.write_text(text, encoding="utf-8")


def read(path):
    return path.read_text(encoding="utf-8")


def publish(root, *names):
    with Batch(root) as batch:
        for name in names:
            write(batch.path(name), "new")
        batch.commit()


@pytest.fixture
def refuse(monkeypatch):
    """Make os.replace fail for the target of one name, as a program that holds it open does."""

    def arm(name, error):
        replace = os.replace

        def fail(source, target):
            if os.fspath(target).endswith(name):
                raise error
            replace(source, target)

        monkeypatch.setattr(os, "replace", fail)

    return arm


def test_a_written_file_takes_its_place_and_leaves_nothing_beside_it(tmp_path):
    with atomic_path(tmp_path / "deep" / "a.csv") as temporary:
        assert (temporary.parent, temporary.suffix) == (tmp_path / "deep", ".csv")
        write(temporary, "new")
    assert [read(path) for path in (tmp_path / "deep").iterdir()] == ["new"]


def test_a_failure_while_writing_leaves_the_earlier_file(tmp_path):
    write(tmp_path / "a.csv", "old")
    with pytest.raises(TypeError, match="write_text"), atomic_path(tmp_path / "a.csv") as temporary:
        temporary.write_text("half", encoding="utf-8") and temporary.write_text()
    assert [read(path) for path in tmp_path.iterdir()] == ["old"]


def test_a_file_held_open_says_which_one_to_close(tmp_path, refuse):
    write(tmp_path / "cities.xlsx", "old")
    refuse("cities.xlsx", PermissionError(13, "in use"))
    with (
        pytest.raises(OutputError, match=r"close cities\.xlsx in Excel"),
        atomic_path(tmp_path / "cities.xlsx") as temporary,
    ):
        write(temporary, "new")
    assert [read(path) for path in tmp_path.iterdir()] == ["old"]


def test_a_folder_that_is_a_file_is_said(tmp_path):
    write(tmp_path / "data", "a file")
    with pytest.raises(OutputError, match="could not be written"), atomic_path(tmp_path / "data" / "a.csv"):
        pass


def test_a_batch_replaces_all_its_files(tmp_path):
    write(tmp_path / "a.csv", "old a")
    with Batch(tmp_path) as batch:
        write(batch.path("a.csv"), "new a")
        write(batch.path("maps/b.html"), "new b")
        written = batch.commit()
    assert [read(path) for path in written] == ["new a", "new b"]


def test_a_batch_that_is_not_committed_changes_nothing(tmp_path):
    write(tmp_path / "a.csv", "old")
    with Batch(tmp_path) as batch:
        write(batch.path("a.csv"), "new")
    assert {path.name: read(path) for path in tmp_path.iterdir()} == {"a.csv": "old"}


@pytest.mark.parametrize("error", [PermissionError(13, "in use"), OSError(28, "No space left on device")])
def test_one_refused_file_puts_the_others_back(tmp_path, refuse, error):
    for name in ("a.csv", "b.csv"):
        write(tmp_path / name, "old")
    refuse("b.csv", error)
    with pytest.raises(OutputError, match=r"b\.csv"):
        publish(tmp_path, "a.csv", "new.csv", "b.csv", "c.csv")
    assert {path.name: read(path) for path in tmp_path.iterdir()} == {"a.csv": "old", "b.csv": "old"}


def test_an_interrupt_between_two_files_puts_the_first_back(tmp_path, refuse):
    write(tmp_path / "a.csv", "old")
    refuse("b.csv", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        publish(tmp_path, "a.csv", "b.csv")
    assert {path.name: read(path) for path in tmp_path.iterdir()} == {"a.csv": "old"}


def test_an_earlier_file_is_in_its_place_at_every_moment(tmp_path, monkeypatch):
    write(tmp_path / "a.csv", "old")
    seen, replace = [], os.replace

    def look(source, target):
        seen.append((tmp_path / "a.csv").is_file())
        replace(source, target)

    monkeypatch.setattr(os, "replace", look)
    publish(tmp_path, "a.csv")
    assert seen == [True, True]  # when the journal is written, and when the file moves


class Killed(BaseException):
    """Stands for the end of the process: nothing of ours runs after it."""


@pytest.fixture
def kill(monkeypatch):
    """End the process at the n-th rename, before or after it: no clean-up of ours runs then."""

    def arm(at, *, after=False):
        replace, count = os.replace, [0]

        def fail(source, target):
            count[0] += 1
            if count[0] > at or (count[0] == at and not after):
                raise Killed
            replace(source, target)
            if count[0] == at:
                raise Killed

        monkeypatch.setattr(os, "replace", fail)
        monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)
        return monkeypatch

    return arm


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(1, 12))
def test_a_killed_batch_is_ended_to_all_old_or_all_new(tmp_path, kill, at, after):
    for name in ("a.csv", "c.csv"):
        write(tmp_path / name, "old")
    armed = kill(at, after=after)
    with contextlib.suppress(Killed):
        publish(tmp_path, "a.csv", "b.csv", "c.csv")
    armed.undo()
    recover(tmp_path)
    found = {path.name: read(path) for path in tmp_path.iterdir()}
    assert found in ({"a.csv": "old", "c.csv": "old"}, dict.fromkeys(("a.csv", "b.csv", "c.csv"), "new"))


@pytest.mark.parametrize("at", range(3, 9))
def test_a_batch_killed_while_it_puts_back_is_ended_to_all_old(tmp_path, refuse, kill, at):
    for name in ("a.csv", "c.csv"):
        write(tmp_path / name, "old")
    refuse("c.csv", OSError(28, "No space left on device"))  # the third move
    armed = kill(at)
    with contextlib.suppress(Killed, OutputError):
        publish(tmp_path, "a.csv", "b.csv", "c.csv")
    armed.undo()
    recover(tmp_path)
    found = {path.name: read(path) for path in tmp_path.iterdir()}
    assert found == (
        {"a.csv": "old", "c.csv": "old"} if at > 5 else dict.fromkeys(("a.csv", "b.csv", "c.csv"), "new")
    )


def test_a_batch_killed_before_its_journal_leaves_the_earlier_files(tmp_path):
    write(tmp_path / "a.csv", "old")
    write(Batch(tmp_path).path("a.csv"), "new")
    assert recover(tmp_path) == [
        "an earlier run was stopped before it wrote anything: its temporary files are removed"
    ]
    assert {path.name: read(path) for path in tmp_path.iterdir()} == {"a.csv": "old"}


def test_a_file_system_without_links_keeps_a_copy(tmp_path, monkeypatch, refuse):
    write(tmp_path / "a.csv", "old")
    monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError(95, "not supported")))
    refuse("b.csv", OSError(28, "No space left on device"))
    with pytest.raises(OutputError, match=r"b\.csv"):
        publish(tmp_path, "a.csv", "b.csv")
    assert {path.name: read(path) for path in tmp_path.iterdir()} == {"a.csv": "old"}


def test_a_full_disk_while_writing_is_an_error_of_ours(tmp_path):
    with pytest.raises(OutputError, match=r"a\.csv could not be written \(No space"), Batch(tmp_path):
        raise OSError(28, "No space left on device", "a.csv")


@pytest.mark.parametrize("target", ["../x.csv", "data/../../x.csv", "/x.csv"])
def test_a_target_outside_the_study_is_refused(tmp_path, target):
    (tmp_path / "study").mkdir()
    with Batch(tmp_path / "study") as batch, pytest.raises(OutputError, match="outside the study"):
        batch.path(target)
    assert [path.name for path in tmp_path.iterdir()] == ["study"]


def test_a_link_that_leads_out_of_the_study_is_refused(tmp_path):
    (tmp_path / "study").mkdir()
    try:
        (tmp_path / "study" / "maps").symlink_to(tmp_path, target_is_directory=True)
    except OSError:
        pytest.skip("this system gives no right to make links")
    with Batch(tmp_path / "study") as batch, pytest.raises(OutputError, match="outside the study"):
        batch.path("maps/x.html")
