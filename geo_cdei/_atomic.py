"""Files are written beside their place and renamed, so that no half-written file is ever found.

:class:`Batch` does it for a whole run: everything is written into one hidden folder of the study and then
moved into place together; if one file cannot be replaced, the ones already moved are put back. A journal in the
hidden folder says how far it got: after a kill, :func:`recover` ends what was begun, forwards or backwards.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from geo_cdei.errors import OutputError

__all__ = ["Batch", "atomic_path", "recover"]

STAGE = ".geo-cdei-"
_JOURNAL = "journal.json"


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Give a temporary path beside `target`; rename it on success, delete it on failure.

    Parameters
    ----------
    target : pathlib.Path
        The file to write; its folder is made if it is not there.

    Yields
    ------
    pathlib.Path
        A path in the same folder and with the same suffix (some drivers look at it).

    Raises
    ------
    OutputError
        If the folder cannot be written, or another program holds the file.

    Examples
    --------
    >>> folder = Path(tempfile.mkdtemp())
    >>> with atomic_path(folder / "a.txt") as temporary:
    ...     _ = temporary.write_text("whole", encoding="utf-8")
    >>> (folder / "a.txt").read_text(encoding="utf-8"), len(list(folder.iterdir()))
    ('whole', 1)
    """
    with _said(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".tmp-", suffix=target.suffix, dir=target.parent)
        os.close(handle)
    temporary = Path(name)
    temporary.unlink()  # some drivers refuse a file that is there already
    try:
        yield temporary
        with _said(target):
            os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


class Batch:
    """A set of output files that replace the earlier ones together or not at all.

    Parameters
    ----------
    root : pathlib.Path
        Folder below which every target lies.

    Examples
    --------
    >>> folder = Path(tempfile.mkdtemp())
    >>> with Batch(folder) as batch:
    ...     _ = batch.path("data/derived/a.csv").write_text("1", encoding="utf-8")
    ...     written = batch.commit()
    >>> [path.name for path in written], sorted(p.name for p in folder.iterdir())
    (['a.csv'], ['data'])
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        with _said(root):
            self._stage = Path(tempfile.mkdtemp(prefix=STAGE, dir=root))
        self._targets: list[str] = []

    def __enter__(self) -> Batch:
        """Return the batch itself."""
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Remove the hidden folder, whatever happened; a full disk is said as an error of ours."""
        shutil.rmtree(self._stage, ignore_errors=True)
        if isinstance(error, OSError):
            with _said(self.root / Path(error.filename or self.root).name):
                raise error

    def path(self, target: str) -> Path:
        """Where to write the file that will stand at `target`, a path relative to the root."""
        place = self._stage / "new" / target
        if not (self.root / target).resolve().is_relative_to(self.root.resolve()):
            raise OutputError(f"{target!r} would be written outside the study. Give a plain file name.")
        place.parent.mkdir(parents=True, exist_ok=True)
        if target not in self._targets:
            self._targets.append(target)
        return place

    @property
    def targets(self) -> list[str]:
        """The targets asked for so far, in order."""
        return list(self._targets)

    def commit(self) -> list[Path]:
        """Move every file into place; on the first refusal put everything back and say which file it was."""
        earlier = [target for target in self._targets if self._keep_earlier(target)]
        journal = {"targets": self._targets, "earlier": earlier}
        _write_journal(self._stage, "forward", journal)
        try:
            for target in self._targets:
                with _said(self.root / target):
                    _move(self._stage / "new" / target, self.root / target)
        except BaseException:  # also Ctrl-C between two files
            _write_journal(self._stage, "back", journal)
            _put_back(self.root, self._stage, journal)
            raise
        return [self.root / target for target in self._targets]

    def _keep_earlier(self, target: str) -> bool:
        """Keep a second name for the file that stands at `target`; False when there is none."""
        final, backup = self.root / target, self._stage / "old" / target
        with _said(final):
            if not final.exists():
                return False
            backup.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(final, backup)  # no bytes are copied, and at no moment is there no file in its place
            except OSError:  # a file system without links
                shutil.copy2(final, backup)
        return True


def recover(root: Path) -> list[str]:
    """End what a killed run left in a study's folder; only the holder of the study's lock may do this.

    Parameters
    ----------
    root : pathlib.Path
        The study.

    Returns
    -------
    list of str
        One sentence for each thing done: a run that had begun to move its files is ended, so that all of them are
        of one run; one that had not leaves nothing.

    Examples
    --------
    >>> recover(Path(tempfile.mkdtemp()))
    []
    """
    said = []
    for stage in sorted(root.glob(f"{STAGE}*/")):
        with _said(stage):
            said.append(_end_stage(root, stage))
            shutil.rmtree(stage)
    return said


def _end_stage(root: Path, stage: Path) -> str:
    try:
        found = json.loads((stage / _JOURNAL).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return "an earlier run was stopped before it wrote anything: its temporary files are removed"
    if found["direction"] == "back":
        _put_back(root, stage, found)
        return "an earlier run was stopped while it put files back: the results before it are whole again"
    for target in found["targets"]:
        if (stage / "new" / target).exists():  # the others have moved already
            _move(stage / "new" / target, root / target)
    return "an earlier run was stopped while it moved its files: its results are now all in place"


def _write_journal(stage: Path, direction: str, journal: Mapping[str, list[str]]) -> None:
    """Write which way the files go, at one stroke: whoever finds the journal can act on it."""
    with _said(stage / _JOURNAL):
        draft = stage / "journal.new"
        with draft.open("w", encoding="utf-8") as stream:
            json.dump({"direction": direction, **journal}, stream, ensure_ascii=False)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(draft, stage / _JOURNAL)


def _move(new: Path, final: Path) -> None:
    final.parent.mkdir(parents=True, exist_ok=True)
    os.replace(new, final)


def _put_back(root: Path, stage: Path, journal: Mapping[str, list[str]]) -> None:
    """Restore every earlier file, and remove what had none and has moved; to do it twice does no harm."""
    earlier = set(journal["earlier"])
    moved = [target for target in journal["targets"] if not (stage / "new" / target).exists()]
    for target in reversed(moved):
        final, backup = root / target, stage / "old" / target
        if backup.exists():
            os.replace(backup, final)
        elif target not in earlier:
            final.unlink(missing_ok=True)


@contextmanager
def _said(target: Path) -> Iterator[None]:
    """Turn what the operating system refuses into a message that a planner can act on."""
    try:
        yield
    except PermissionError as error:
        raise OutputError(
            f"{target.name} could not be written: close {target.name} in Excel or any other program that has "
            f"it open, or make the folder {target.parent} writable. The earlier result is as it was."
        ) from error
    except OSError as error:
        raise OutputError(
            f"{target} could not be written ({error.strerror or error}). Free space or choose another folder. "
            "The earlier result is as it was."
        ) from error
