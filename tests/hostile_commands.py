"""Runs commands of ``geo-cdei`` on hostile studies, each in a process of its own that is forked ready to start."""

from __future__ import annotations

import csv
import io
import json
import os
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path

import hostile
import numpy as np
from hostile_worker import MEMORY, Watch

from geo_cdei.workspace import create_study, open_study

SECONDS = 60.0  # for a whole run; a busy machine is no fault of the file


def mutant(template: Path, number: int) -> hostile.Files:
    """Mutate one input file of the default study, or put a mutated file of another kind in its place."""
    rng = np.random.default_rng([4, number])
    tables = sorted((template / "data/raw").glob("*.csv"))
    if number % 2 == 0:
        chosen = tables[rng.integers(len(tables))]
        return {f"data/raw/{chosen.name}": _with_cell(chosen.read_text(encoding="utf-8-sig"), rng)}
    if number % 8 == 7:
        kind = ["csv", "xlsx", "ods", "parquet"][rng.integers(4)]
        return {name: data or b"x" for name, data in hostile.mutant(kind, number).items()}
    names = [path.relative_to(template).as_posix() for path in sorted(template.rglob("*")) if path.is_file()]
    inputs = [name for name in names if name.endswith((".csv", ".toml", ".json"))]
    name = inputs[rng.integers(len(inputs))]
    return {name: hostile.mutate((template / name).read_bytes(), rng)}


TEXTS = [
    hostile.HTML,
    "=1+1",
    "@SUM(A1)",
    "../../evil",
    "'",
    "",
    "0",
    "-1",
    "99999",
    "北京",
    "\u202e\ufeff",
    "$(touch evil)",
]


def _with_cell(text: str, rng: np.random.Generator) -> bytes:
    """Put a hostile text into one cell of a table."""
    rows = list(csv.reader(io.StringIO(text)))
    row = rows[rng.integers(len(rows))]
    row[rng.integers(len(row))] = TEXTS[rng.integers(len(TEXTS))]
    stream = io.StringIO()
    csv.writer(stream).writerows(rows)
    return stream.getvalue().encode()


def command(study: Path, argv: list[str], log: Path, allowed: list[Path]) -> dict[str, object]:
    """Run one command in a child process, with its memory limited and every access watched."""
    began = time.perf_counter()
    child = os.fork()
    if child == 0:
        os._exit(_child(study, argv, log, allowed))
    while True:
        done, status, used = os.wait4(child, os.WNOHANG)
        if done:
            break
        if time.perf_counter() - began > SECONDS:
            os.kill(child, 9)
        time.sleep(0.005)
    code = os.waitstatus_to_exitcode(status)
    seen = log.with_suffix(".seen")
    return {
        "code": code, "seconds": round(used.ru_utime + used.ru_stime, 2),
        "said": log.read_text(errors="replace")[-3000:],
        "seen": seen.read_text() if seen.exists() else "the process ended without a word",
    }  # fmt: skip


def _child(study: Path, argv: list[str], log: Path, allowed: list[Path]) -> int:
    from geo_cdei.cli import main

    stream = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(stream, 1)
    os.dup2(stream, 2)
    base = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (base + MEMORY, base + MEMORY))
    sys.argv = ["geo-cdei", argv[0], str(study), *argv[1:]]
    watch = Watch(study, *allowed)
    watch.on, code = True, 0
    try:
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException as error:
        import traceback

        traceback.print_exception(error)
        code = 99
    watch.on = False
    sys.stdout.flush()
    log.with_suffix(".seen").write_text("\n".join(watch.seen[:5]))
    return code


def main(folder: str, first: str, last: str, *argv: str) -> None:
    """Run a command on cases `first` to `last`, and write one line of JSON for each that went wrong and a count."""
    here = Path(folder)
    template, study, spare = here / "template", here / "study", here / "tmp"
    spare.mkdir(parents=True)
    os.environ["TMPDIR"] = tempfile.tempdir = str(spare)
    create_study(template)
    _warm_up(template, here)
    counts, failures = {"0": 0, "2": 0}, []
    cache = Path(os.environ["GEO_CDEI_CACHE"])
    for number in range(int(first), int(last)):
        shutil.rmtree(study, ignore_errors=True)
        shutil.copytree(template, study)
        files = mutant(template, number)
        if any(name.startswith("data/raw/scores_2021.") for name in files):
            (study / "data/raw/scores_2021.csv").unlink()
        hostile.place(files, study)
        done = command(study, list(argv), here / "log", [spare, cache])
        why = _fault(done, study, spare)
        if why:
            failures.append([number, list(files), why])
        else:
            counts[str(done["code"])] += 1
    print(json.dumps({"counts": counts, "failures": failures}, ensure_ascii=False))


def _warm_up(template: Path, here: Path) -> None:
    """Import all that a command needs, and fill the cache of polygons, once for all children."""
    from geo_cdei import studies

    scrap = open_study(shutil.copytree(template, here / "scrap"))
    studies.check(scrap)
    studies.run_study(scrap, only=["scores"])


def _fault(done: dict[str, object], study: Path, spare: Path) -> str:
    """Say what a run did that it must not; empty for a clear refusal or a result."""
    said = str(done["said"])
    if done["code"] not in (0, 2):
        return f"ended with {done['code']}: {said[-400:]}"
    if done["seen"]:
        return f"did {done['seen']}"
    if done["code"] == 2 and "geo-cdei: " not in said:
        return f"refused without a word: {said[-300:]}"
    left = [path.name for path in (*study.glob(".geo-cdei-*"), *spare.iterdir())]
    half = done["code"] == 2 and (study / "data/derived").exists()
    return f"left {left}" if left else "left results of a refused study" if half else ""


if __name__ == "__main__":
    main(*sys.argv[1:])
