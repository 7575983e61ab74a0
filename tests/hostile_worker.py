"""The process in which hostile files are read: memory limited, every access watched, one line of JSON at the end."""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from contextlib import suppress
from itertools import islice
from pathlib import Path

import hostile
import hostile_built

from geo_cdei.config import Boundaries, read_layouts, read_settings
from geo_cdei.errors import GeoCdeiError
from geo_cdei.workspace import SETTINGS_NAME, Workspace

SECONDS, MEMORY = 5.0, 1 << 30
NEVER = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "socket.connect", "socket.bind",
         "socket.getaddrinfo", "urllib.Request", "pickle.find_class", "ctypes.dlopen", "os.startfile")  # fmt: skip
WRITING = ("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.symlink", "os.link", "os.truncate", "shutil.move")


class TooSlow(BaseException):
    """A case took longer than it may."""


class Watch:
    """Says what was opened for writing outside of two folders, executed, unpickled or asked of the network."""

    def __init__(self, *allowed: Path) -> None:
        self.allowed = tuple(str(folder) + os.sep for folder in allowed)
        self.seen: list[str] = []
        self.start = os.getcwd()
        self.on = False
        sys.addaudithook(self._hook)

    def _hook(self, event: str, args: tuple[object, ...]) -> None:
        if not self.on:
            return
        if event in NEVER or (event == "import" and args[0] in {"pickle5", "yaml", "dill", "cloudpickle"}):
            self.seen.append(f"{event} {args!r:.200}")
        elif event == "open" and _writes(args):
            self._check(event, args[0])
        elif event in WRITING:
            for path in args[:2] if event in {"os.rename", "os.link"} else args[:1]:
                self._check(event, path, args[-1])

    def _check(self, event: str, path: object, place: object = -1) -> None:
        if isinstance(path, int):
            return
        start = os.readlink(f"/proc/self/fd/{place}") if isinstance(place, int) and place >= 0 else self.start
        named = os.path.normpath(os.path.join(start, os.fsdecode(path)))
        if not f"{named}{os.sep}".startswith(self.allowed):
            self.seen.append(f"{event} {named}")


def _writes(args: tuple[object, ...]) -> bool:
    mode, flags = args[1], args[2]
    if isinstance(mode, str):
        return any(letter in mode for letter in "wax+")
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC))


def read(root: Path) -> None:
    """Read all that stands in a study, as the commands do; every kind of file has its reader."""
    workspace = Workspace(root)
    for path in sorted(found for found in root.rglob("*") if found.is_file()):
        name = path.relative_to(root).as_posix()
        for reader in _readers(workspace, name):
            reader()


def _readers(workspace: Workspace, name: str):
    from geo_cdei.inputs import sources
    from geo_cdei.inputs.layers import read_own_layer
    from geo_cdei.inputs.point_files import find_points
    from geo_cdei.outputs.recipes import read_recipe

    root, path = workspace.root, workspace.root / name
    if name.startswith("data/raw/"):
        yield lambda: _sound_table(sources.read_table(workspace, path.stem))
        yield lambda: sources.verify(workspace)
    elif name.startswith("boundaries/layer") and path.suffix in {
        ".gpkg",
        ".geojson",
        ".shp",
        ".fgb",
        ".parquet",
        ".zip",
    }:
        yield lambda: _sound_layer(
            read_own_layer(workspace, Boundaries(path=name, code="dm", name="mc", level="own"))
        )
    elif name.startswith("points"):
        yield lambda: _points(find_points(path, values=("staff",) if path.suffix != ".parquet" else ()))
    elif name == SETTINGS_NAME:
        yield lambda: read_settings(path)
        yield lambda: read_layouts(path)
    elif name.startswith("maps/recipes"):
        yield lambda: read_recipe(path)
    elif name.endswith("datapackage.json"):
        hostile.place(dict(hostile.sound("csv")), root)
        yield lambda: sources.verify(workspace)
        yield lambda: sources.read_table(workspace, "scores_2021")
        yield lambda: sources.accept(workspace)
    elif name == "manifest.json":
        yield lambda: _report(workspace)
        yield lambda: _again(workspace)


def _sound_table(table) -> None:
    """Demand that every number is finite and every text is text."""
    for column in table.columns:
        cells = table[column].dropna()
        if table[column].dtype.kind == "f":
            assert abs(cells).max() < float("inf") or len(cells) == 0, f"{column} is infinite"
        else:
            assert all(isinstance(cell, str) for cell in cells), f"{column} is no text"


def _sound_layer(layer) -> None:
    units = layer.units
    assert units.index.map(type).nunique() <= 1
    assert units.crs == 4326
    assert units.geometry.is_valid.all()


def _points(files) -> None:
    from geo_cdei.inputs.point_files import iter_chunks, read_blocks

    for chunk in iter_chunks(files):
        for block in read_blocks(files, chunk):
            assert len(block.lon) == len(block.lat)


def _report(workspace: Workspace) -> None:
    from geo_cdei.outputs.reload import check_fresh, read_manifest, read_run

    manifest = read_manifest(workspace)
    if (workspace.root / "data/derived/run.zip").is_file():
        read_run(workspace)
    check_fresh(workspace, manifest, inputs={})


def _again(workspace: Workspace) -> None:
    from geo_cdei import repeat
    from geo_cdei.pipeline import plan_steps

    first = repeat._read_manifest(workspace.root / "manifest.json")
    repeat._settings_of(first)
    list(repeat._circumstances(first))
    plan_steps(first["steps"])
    repeat._check_inputs(workspace, first["inputs"])


def judge(root: Path, watch: Watch) -> tuple[str, str]:
    """Read one case: "refused", "read" or "failed", and why."""
    signal.setitimer(signal.ITIMER_PROF, SECONDS)  # of work: others may keep the machine busy
    watch.seen.clear()
    watch.on = True
    try:
        read(root)
        verdict, why = "read", ""
    except GeoCdeiError as error:
        verdict, why = (
            ("refused", "") if len(str(error)) < 20_000 else ("failed", f"a message of {len(str(error))} signs")
        )
    except BaseException as error:  # also the panics of Rust, which are no Exception
        where = traceback.extract_tb(error.__traceback__)
        ours = [f"{Path(step.filename).name}:{step.lineno}" for step in where if "geo_cdei" in step.filename]
        verdict, why = "failed", f"{type(error).__name__}: {str(error)[:160]} at {' '.join(ours[-3:])}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        watch.on = False
    return (verdict, why) if not watch.seen else ("failed", "; ".join(watch.seen[:3]))


def _stop(*_: object) -> None:
    raise TooSlow(f"more than {SECONDS:g} s")


def cases(kind: str, first: int, last: int):
    """Give number, name and files of every case of a kind; "built" are those made to do harm."""
    if kind == "built":
        for number, (label, files) in islice(enumerate(hostile_built.built()), first, last):
            yield number, label, files
    else:
        for number in range(first, last):
            yield number, str(number), hostile.mutant(kind, number)


def main(folder: str, *wanted: str) -> None:
    """Read the cases of each ``kind:first:last``; the one at work stands in a file, should the process die."""
    here = Path(folder)
    study, spare, start = here / "study", here / "tmp", here / "start"
    for made in (study, spare, start):
        made.mkdir(parents=True, exist_ok=True)
    os.environ["TMPDIR"] = tempfile.tempdir = str(spare)
    os.chdir(start)
    warnings.simplefilter("ignore")
    for known in hostile.SOUND:  # everything is imported and cached before the memory is counted
        hostile.clear(study)
        hostile.place(dict(hostile.sound(known)), study)
        with suppress(*([GeoCdeiError] if known == "manifest" else [])):  # there is no run that it is of
            read(study)
    watch = Watch(study, spare)
    base = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (base + MEMORY, base + MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGPROF, _stop)
    for each in wanted:
        kind, first, last = each.split(":")
        print(json.dumps(_all_of(kind, int(first), int(last), here, watch), ensure_ascii=False), flush=True)


def _all_of(kind: str, first: int, last: int, here: Path, watch: Watch) -> dict[str, object]:
    """Read all cases of a kind, and count the verdicts."""
    counts: Counter[str] = Counter()
    failures, slowest, study = [], (0.0, ""), here / "study"
    for number, label, files in cases(kind, first, last):
        (here / "at").write_text(f"{kind} {number} {label}")
        hostile.clear(study)
        hostile.place(files, study)
        began = time.process_time()
        verdict, why = judge(study, watch)
        slowest = max(slowest, (round(time.process_time() - began, 2), label))
        left = [str(path) for folder in (here / "tmp", here / "start") for path in folder.iterdir()]
        if left:
            verdict, why = "failed", f"left behind: {left}"
        counts[verdict] += 1
        if verdict == "read" and os.environ.get("TELL"):
            print(kind, label, file=sys.stderr)
        if verdict == "failed":
            failures.append([label, why])
    return {"kind": kind, **counts, "failures": failures, "slowest": slowest}


if __name__ == "__main__":
    main(*sys.argv[1:])
