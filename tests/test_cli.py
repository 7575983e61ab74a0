"""What a planner types, and what comes back: text, exit code, files."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from geo_cdei import cli
from geo_cdei.inputs.boundaries import cache_folder


@pytest.fixture
def call(monkeypatch, capfd):
    """Run the command line in this process as the installed script does."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["geo-cdei", *map(str, arguments)])
        try:
            cli.main()
            code = 0
        except SystemExit as end:
            code = end.code
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err
        return code, out, err

    return run


def shell(*arguments, **environment):
    """Run the command line in a process of its own."""
    command = [sys.executable, "-m", "geo_cdei", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, env=os.environ | environment, timeout=120, check=False)
    return done.returncode, done.stdout, done.stderr


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.fixture
def quick(study):
    """Make a study that writes tables alone."""
    edit(study.settings, 'formats = ["csv", "gpkg", "html"]', 'formats = ["csv"]')
    return study


@pytest.fixture
def bare(quick):
    """Leave three cities and their scores of it."""
    for path in quick.raw.glob("*.csv"):
        path.unlink()
    (quick.raw / "scores_2021.csv").write_text("city,score\n苏州,78.8\n无锡,74.5\n常州,67.9\n", encoding="utf-8")
    return quick


def outputs(study):
    return {path.name: path.read_bytes() for path in study.derived.glob("*")}


# --- the commands


def test_help_names_every_command_in_both_languages():
    shown = CliRunner().invoke(cli.app, ["--help"])
    assert shown.exit_code == 0
    assert all(word in shown.output for word in ("init", "check", "run", "新建研究", "检查全部输入", "运行研究"))


def test_the_version_is_that_of_the_package():
    from importlib.metadata import version

    assert CliRunner().invoke(cli.app, ["--version"]).output.strip() == f"geo-cdei {version('geo-cdei')}"


def test_init_makes_a_study_and_says_what_comes_next(call, tmp_path):
    code, out, _ = call("init", tmp_path / "mine")
    assert code == 0
    assert (tmp_path / "mine" / "geo-cdei.toml").is_file()
    assert "geo-cdei run" in out


def test_init_leaves_a_full_folder_alone(call, study):
    code, _, err = call("init", study.root)
    assert (code, "nothing was written" in err) == (2, True)


def test_check_of_a_sound_study_lists_its_files_and_ends_well(call, study):
    code, out, err = call("check", study.root)
    assert (code, err) == (0, "")
    assert "same        data/raw/scores_2021.csv" in out
    assert "19 reproduced" in out


def test_check_ends_with_code_2_when_strict_finds_a_change_and_accept_takes_it_over(call, study):
    edit(study.raw / "corridors.csv", "B1a,belt,", "B1a,belt, ")
    code, _, err = call("check", study.root, "--strict")
    assert (code, "its hash differs" in err) == (2, True)
    assert call("check", study.root, "--accept", "--strict")[0] == 0


def test_run_prints_the_scores_and_the_paths(call, quick):
    code, out, err = call("run", quick.root, "--only", "scores", "--lang", "en")
    assert (code, err) == (0, "")
    assert all(part in out for part in ("81.2", "69.9", "Beijing-Tianjin-Hebei", "cities.csv", "scores: "))


def test_run_speaks_the_language_asked_for(call, quick):
    assert "京津冀城市群" in call("run", quick.root, "--only", "scores", "--lang", "zh")[1]


def test_quiet_says_nothing_and_writes_the_files(call, bare):
    assert call("run", bare.root, "--only", "scores", "--quiet") == (0, "", "")
    assert "cities.csv" in outputs(bare)


def test_run_works_in_the_current_folder(call, bare, monkeypatch):
    monkeypatch.chdir(bare.root)
    assert call("run", "--only", "scores", "-q")[0] == 0
    assert (bare.derived / "cities.csv").is_file()


def test_run_in_an_empty_folder_first_makes_the_default_study(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, _ = call("run", "--only", "scores")
    assert (code, "This folder is empty" in out) == (0, True)
    assert (tmp_path / "data" / "derived" / "geo_cdei.gpkg").is_file()


def test_only_runs_what_is_named_and_what_it_needs(call, study):
    edit(study.settings, 'formats = ["csv", "gpkg", "html"]', 'formats = ["html"]')
    assert call("run", study.root, "--only", "maps", "-q")[0] == 0
    assert json.loads((study.root / "manifest.json").read_text(encoding="utf-8"))["steps"] == ["scores", "maps"]
    assert (study.maps / "scores.html").is_file()


# --- one message and exit code 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--only", "score"], "There is no step 'score'"),
        (["--only", ","], "No step was named"),
        (["--lang", "fr"], "--lang is 'fr'; it is zh or en"),
    ],
)
def test_a_wrong_option_says_what_is_right(call, study, arguments, said):
    code, _, err = call("run", study.root, *arguments)
    assert (code, said in err) == (2, True)


def test_a_folder_that_is_not_there_is_said(call, tmp_path):
    code, _, err = call("run", tmp_path / "nowhere")
    assert (code, "There is no folder" in err) == (2, True)


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("data/raw/scores_2021.csv", "苏州", "苏洲", "苏州"),
        ("data/raw/scores_2021.csv", "苏州", "无锡", "无锡"),
        ("data/raw/scores_2021.csv", "rank,city,score", "rank,city,points", "has no column 'score'"),
        ("data/raw/scores_2021.csv", "rank,city,score", "rank,town,score", "city"),
        ("data/raw/published.csv", "C03,81.2", "C99,81.2", "'C99' is not one of the 30 known values"),
        (
            "geo-cdei.toml",
            'weights = "gdp',
            'wieghts = "gdp',
            ": unknown key 'scores.wieghts'; did you mean 'weights'?",
        ),
        ("data/datapackage.json", "{", "", "is not valid JSON"),
    ],
)
def test_a_fault_is_one_message_with_code_2_and_the_earlier_outputs_stay(call, quick, file, old, new, said):
    quick.derived.mkdir()
    (quick.derived / "cities.csv").write_text("of an earlier run", encoding="utf-8")
    before = outputs(quick)
    edit(quick.root / file, old, new)
    code, out, err = call("run", quick.root, "--only", "scores", "-q")
    assert (code, out) == (2, "")
    assert err.startswith("geo-cdei: ")
    assert said in err
    assert outputs(quick) == before


def test_a_damaged_cache_is_built_again_without_a_word(call, bare, monkeypatch, tmp_path):
    call("run", bare.root, "--only", "scores", "-q")
    before = outputs(bare)
    (tmp_path / "cache").mkdir()
    for path in cache_folder().iterdir():
        (tmp_path / "cache" / path.name).write_bytes(path.read_bytes()[:-100])
    monkeypatch.setenv("GEO_CDEI_CACHE", str(tmp_path / "cache"))
    assert call("run", bare.root, "--only", "scores", "-q") == (0, "", "")
    assert outputs(bare) == before
    assert all(path.stat().st_size > 1000 for path in cache_folder().iterdir())


def test_ctrl_c_is_no_traceback(call, study, monkeypatch):
    from geo_cdei import studies

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(studies, "run_study", interrupted)
    code, _, err = call("run", study.root)
    assert (code, "the earlier results are as they were" in err) == (130, True)


# --- in a process of its own


def test_a_console_that_cannot_print_chinese_does_not_end_a_run(quick):
    code, out, err = shell("run", quick.root, "--only", "scores", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (code, err) == (0, b"")
    assert b"81.2" in out
    assert (quick.derived / "cities.csv").is_file()


def test_an_error_in_a_process_of_its_own_is_one_message(study):
    edit(study.raw / "scores_2021.csv", "苏州", "苏洲")
    code, out, err = shell("run", study.root, "--only", "scores", PYTHONIOENCODING="gbk")
    assert code == 2
    assert b"Traceback" not in out + err
    assert "苏洲" in err.decode("gbk")
