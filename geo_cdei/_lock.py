"""One writer at a time in a study: a lock that ends with its process, and a note of who holds it."""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from geo_cdei._atomic import recover
from geo_cdei.errors import OutputError

__all__ = ["LOCK", "study_lock"]

LOCK = ".geo-cdei.lock"
_OWNER = ".geo-cdei.lock.json"


@contextmanager
def study_lock(root: Path) -> Iterator[list[str]]:
    """Hold a study alone, and first end what a killed run left in it.

    Parameters
    ----------
    root : pathlib.Path
        The study's folder.

    Yields
    ------
    list of str
        What was found of a killed run and mended (:func:`geo_cdei._atomic.recover`), a sentence each.

    Raises
    ------
    OutputError
        If another process holds the study (its number, machine and start are said), or the folder cannot be written.

    Notes
    -----
    The operating system frees the lock when its process ends, however it ends: a lock file alone, or the note of an
    owner that is no more, holds nobody up.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(root / LOCK, timeout=0)  # its file stays: to remove it would let two processes hold one each
    try:
        lock.acquire()
    except Timeout:
        raise OutputError(_busy(root)) from None
    except OSError as error:
        raise OutputError(
            f"nothing can be written into {root} ({error.strerror or error}). Make the folder writable, or work in a "
            "copy of it. The earlier results are as they were."
        ) from error
    try:
        said = recover(root)
        _sign(root)
        yield said
    finally:
        (root / _OWNER).unlink(missing_ok=True)
        lock.release()


def _sign(root: Path) -> None:
    now = dt.datetime.now().astimezone().isoformat(timespec="seconds")
    owner = {"process": os.getpid(), "machine": platform.node(), "since": now}
    try:
        (root / _OWNER).write_text(json.dumps(owner), encoding="utf-8")
    except OSError as error:  # the note helps people; a full disk is said by what writes the results
        if not isinstance(error, PermissionError) and error.errno not in (27, 28, 122):
            raise


def _busy(root: Path) -> str:
    try:
        owner = json.loads((root / _OWNER).read_text(encoding="utf-8"))
        who = f"process {owner['process']} on {owner['machine']}, since {owner['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        who = "another process"
    return (
        f"{who}, is working in this study ({root}). Wait until it has ended, or end it; two runs at once would mix "
        "their results."
    )
