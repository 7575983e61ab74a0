"""Whatever ends a run, the results that stand are whole and of one run, and the next run succeeds."""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time

import pytest

from geo_cdei._atomic import recover
from geo_cdei.outputs.manifest import file_hash
from geo_cdei.workspace import create_study

pytestmark = pytest.mark.slow

COMMAND = [sys.executable, "-m", "geo_cdei", "run", "--only", "scores,maps"]
KILLS = 30


def start(root, lang="zh", **options):
    return subprocess.Popen(
        [*COMMAND, str(root), "--lang", lang],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        **options,
    )


def finish(root, lang="zh", **options):
    process = start(root, lang, **options)
    _, said = process.communicate(timeout=120)
    return process.returncode, said


def manifest_of(root):
    return json.loads((root / "manifest.json").read_text(encoding="utf-8"))


def broken_outputs(root):
    """List outputs that are not what the manifest of the last whole run says."""
    wanted = manifest_of(root)["outputs"]
    return [path for path, digest in wanted.items() if file_hash(root / path) != digest]


def hidden(root):
    return sorted(path.name for path in root.iterdir() if path.name.startswith(".geo-cdei-"))


@pytest.fixture
def finished(tmp_path):
    """Run a study once, so that there are earlier results to lose."""
    study = create_study(tmp_path / "study")
    assert finish(study.root) == (0, "")
    return study.root


def test_a_run_killed_at_thirty_random_moments_leaves_the_results_of_one_run(finished):
    seconds, draw, languages = _seconds_of_a_run(finished), random.Random(20211), ("en", "zh")
    for number in range(KILLS):
        process = start(finished, languages[number % 2])
        time.sleep(draw.uniform(0.1, seconds))
        process.kill()
        process.communicate()
        recover(finished)  # what the next run does first
        assert broken_outputs(finished) == [], f"after kill {number}"
    assert finish(finished) == (0, "")
    assert (broken_outputs(finished), hidden(finished)) == ([], [])


def _seconds_of_a_run(root):
    began = time.perf_counter()
    finish(root)
    return time.perf_counter() - began


def test_ctrl_c_says_so_and_leaves_the_earlier_results(finished):
    # a shell starts what runs in the background deaf to Ctrl-C
    process = start(finished, "en", preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    assert process.returncode != 0
    assert "stopped; the earlier results are as they were" in said
    assert (broken_outputs(finished), hidden(finished)) == ([], [])


@pytest.mark.parametrize("limit", [0, 1_000, 30_000, 200_000, 900_000])
def test_a_file_that_cannot_grow_is_said_and_the_earlier_results_stay(finished, limit):
    """A limit on the size of a file refuses writes in every library alike, as a full disk does."""

    def refuse_larger():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    before = manifest_of(finished)
    code, said = finish(finished, "en", preexec_fn=refuse_larger)
    assert (code, "Traceback" in said, "could not be written" in said) == (2, False, True), said
    assert manifest_of(finished) == before
    assert (broken_outputs(finished), hidden(finished)) == ([], [])


@pytest.mark.parametrize("size", ["300k", "3m", "9m"])
def test_a_full_disk_is_said_and_the_earlier_results_stay(finished, tmp_path, size):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", disk], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this system gives no right to mount a small disk; the limit on file sizes is tried above")
    try:
        shutil.copytree(finished, disk / "study")
        free = {"300k": 300_000, "3m": 3_000_000, "9m": 9_000_000}[size]
        (disk / "ballast").write_bytes(b"\0" * max(0, shutil.disk_usage(disk).free - free))
        before = manifest_of(disk / "study")
        code, said = finish(disk / "study", "en")
        if code == 0:
            assert size == "9m"
        else:
            assert (code, "Traceback" in said, "could not be written" in said) == (2, False, True), said
            assert manifest_of(disk / "study") == before
        assert (broken_outputs(disk / "study"), hidden(disk / "study")) == ([], [])
        (disk / "ballast").unlink()
        assert finish(disk / "study") == (0, "")
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_folder_that_may_not_be_written_is_said_at_once(finished):
    for path in (finished, *finished.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    # the superuser may write anywhere, unless this right is taken from the process
    plain = ["setpriv", "--bounding-set=-dac_override"] if os.getuid() == 0 else []
    process = subprocess.run(
        [*plain, *COMMAND, str(finished)], capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert (process.returncode, "Make the folder writable" in process.stderr) == (2, True), process.stderr


def test_a_damaged_cache_is_built_again_and_the_results_are_the_same(finished, tmp_path):
    before, cache = manifest_of(finished)["outputs"], tmp_path / "cache"
    shutil.copytree(os.environ["GEO_CDEI_CACHE"], cache)
    for path in cache.glob("*.parquet"):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert finish(finished, env={**os.environ, "GEO_CDEI_CACHE": str(cache)}) == (0, "")
    assert manifest_of(finished)["outputs"] == before


def test_a_clock_set_back_gives_the_same_results(finished):
    before = manifest_of(finished)["outputs"]
    for path in finished.rglob("*"):
        os.utime(path, (time.time() + 9e8, time.time() + 9e8))
    back = "import time; now = time.time; time.time = lambda: now() - 9e8; "
    program = back + "from geo_cdei.cli import main; import sys; sys.argv[0] = 'geo-cdei'; main()"
    subprocess.run([sys.executable, "-c", program, *COMMAND[3:], str(finished)], check=True, capture_output=True)
    assert manifest_of(finished)["outputs"] == before


def test_two_runs_at_once_end_with_one_refused_and_whole_results(finished):
    first, second = start(finished, "en"), start(finished, "en")
    said = [process.communicate(timeout=120)[1] for process in (first, second)]
    codes = sorted([first.returncode, second.returncode])
    assert codes == [0, 2], said
    assert "is working in this study" in "".join(said)
    assert (broken_outputs(finished), hidden(finished)) == ([], [])
