"""Files are written beside their place and renamed, so that no half-written file is ever found.

:class:`Batch` does it for a whole run: everything is written into one hidden folder of the study and then
moved into place together; if one file cannot be replaced, the ones already moved are put back.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from geo_cdei.errors import OutputError

__all__ = ["Batch", "atomic_path"]


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
            self._stage = Path(tempfile.mkdtemp(prefix=".geo-cdei-", dir=root))
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
        moved: list[str] = []
        try:
            for target in self._targets:
                with _said(self.root / target):
                    self._exchange(target)
                moved.append(target)
        except BaseException:  # also Ctrl-C between two files
            for target in reversed(moved):
                self._restore(target)
            raise
        return [self.root / target for target in self._targets]

    def _exchange(self, target: str) -> None:
        final, backup = self.root / target, self._stage / "old" / target
        final.parent.mkdir(parents=True, exist_ok=True)
        if final.exists():
            backup.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(final, backup)  # a copy: at no moment is there no file in its place
        os.replace(self._stage / "new" / target, final)

    def _restore(self, target: str) -> None:
        final, backup = self.root / target, self._stage / "old" / target
        if backup.exists():
            os.replace(backup, final)
        else:
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
