"""Style and types, by the tools that own them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(tool, *arguments):
    """Run a tool of this environment in the checkout; its complaints are the message."""
    found = shutil.which(tool, path=str(Path(sys.executable).parent)) or shutil.which(tool)
    if found is None or not (ROOT / "pyproject.toml").is_file():
        pytest.skip(f"{tool} or the checkout is not here; pip install '.[test]' in a checkout has both")
    done = subprocess.run([found, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""


def test_ruff_finds_nothing_to_mend():
    assert run("ruff", "check", "--no-cache", "geo_cdei", "tests") == ""


def test_ruff_finds_nothing_to_format():
    assert run("ruff", "format", "--no-cache", "--check", "geo_cdei", "tests") == ""


def test_mypy_finds_every_type_right():
    assert run("mypy", "--strict", "-p", "geo_cdei") == ""
