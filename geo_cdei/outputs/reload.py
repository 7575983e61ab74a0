"""A finished run, kept whole: written beside its tables, read back without computing anything again.

``data/derived/run.zip`` holds every frame of the analysis as Parquet (types, index and geometry as they were) and
what is no frame as ``run.json``. It does not depend on ``outputs.formats`` nor on ``outputs.crs``.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import pandas as pd

from geo_cdei.config import Settings, read_settings
from geo_cdei.errors import StudyError
from geo_cdei.outputs.manifest import MANIFEST, file_hash, made_by
from geo_cdei.results import Analysis, Notice
from geo_cdei.workspace import SETTINGS_NAME, Workspace

if TYPE_CHECKING:
    import geopandas as gpd

__all__ = ["RUN", "check_fresh", "read_manifest", "read_run", "write_run"]

RUN = "data/derived/run.zip"
WATCHED = "data/"  # what later outputs are made from; maps and reports are made from it and may be made again
_CURE = "Run the study again: geo-cdei run"
_WHOLE = ("units", "provinces", "cities", "members", "clusters")  # frames with a field of their own
_FIXED = (2026, 1, 1, 0, 0, 0)  # the time of every part, so that equal runs give equal files
_SHOWN = 5
MAX_MANIFEST, MAX_RUN, MAX_CELLS = 20_000_000, 500_000_000, 50_000_000  # bytes, bytes unpacked, cells of a frame


@dataclass
class _Parts:
    """The content of a run file: frames by place (``tables/lisa``), and plain values."""

    frames: dict[str, pd.DataFrame | gpd.GeoDataFrame]
    plain: dict[str, Any] = field(default_factory=dict)


def write_run(analysis: Analysis, path: Path, *, steps: Iterable[str] = (), earlier: Path | None = None) -> None:
    """Write all of an analysis to one file, byte-equal from equal input.

    Parameters
    ----------
    analysis : Analysis
        What was found; its wall times stand in the manifest, not here.
    path : pathlib.Path
        The ``.zip`` file.
    steps : iterable of str
        Steps that were run; notices of other steps are kept from `earlier`.
    earlier : pathlib.Path, optional
        A file of an earlier run from the same inputs: what this run did not make again is kept from it. An absent
        or damaged one has nothing to keep.
    """
    parts = _taken_apart(analysis)
    if earlier is not None and earlier.is_file():
        parts = _joined(_read_parts(earlier), parts, steps=set(steps))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        plain = json.dumps(parts.plain | {"frames": list(parts.frames)}, ensure_ascii=False, indent=1)
        archive.writestr(zipfile.ZipInfo("run.json", _FIXED), plain)
        for place, frame in parts.frames.items():
            archive.writestr(zipfile.ZipInfo(f"{place}.parquet", _FIXED), _as_parquet(frame))


def _taken_apart(analysis: Analysis) -> _Parts:
    import geopandas as gpd

    line = gpd.GeoDataFrame(geometry=[analysis.dash_line], crs=4326)
    frames = {name: getattr(analysis, name) for name in _WHOLE} | {"dash_line": line}
    frames |= {f"tables/{name}": frame for name, frame in analysis.tables.items()}
    frames |= {f"layers/{name}": frame for name, frame in analysis.layers.items()}
    plain = {
        "settings": analysis.settings.model_dump(mode="json"),
        "national": dict(analysis.national),
        "weights": analysis.weights,
        "base_graph": analysis.base_graph,
        "facts": _tagged({name: dict(facts) for name, facts in analysis.facts.items()}),
        "notices": [[notice.step, notice.message] for notice in analysis.notices],
    }
    return _Parts(frames, plain)


def _joined(before: _Parts | None, now: _Parts, *, steps: set[str]) -> _Parts:
    """Lay a partial run over an earlier one of equal inputs."""
    if before is None:
        return now
    notices = [notice for notice in before.plain["notices"] if notice[0] not in steps] + now.plain["notices"]
    plain = now.plain | {
        "facts": before.plain["facts"] | now.plain["facts"],
        "base_graph": now.plain["base_graph"] or before.plain["base_graph"],
        "notices": [list(notice) for notice in dict.fromkeys(map(tuple, notices))],
    }
    return _Parts(before.frames | now.frames, plain)


def _as_parquet(frame: pd.DataFrame) -> bytes:
    stream = io.BytesIO()
    told = frame.copy(deep=False)
    told.attrs = {key: value for key, value in frame.attrs.items() if key != "path"}  # a folder of this machine
    told.to_parquet(stream, compression="zstd")
    return stream.getvalue()


def _from_parquet(data: bytes) -> pd.DataFrame | gpd.GeoDataFrame:
    import geopandas as gpd
    import pyarrow.parquet as pq

    stream = io.BytesIO(data)
    size = pq.read_metadata(stream)
    if size.num_rows * size.num_columns > min(MAX_CELLS, 1_000_000 + 100 * len(data)):
        raise ValueError(f"{size.num_rows} rows in {len(data)} bytes")
    if b"geo" not in (pq.read_schema(stream).metadata or {}):
        frame = pd.read_parquet(stream)
    else:
        frame = gpd.read_parquet(stream)
        # the file spells the same CRS out in full: give it back as it went in
        frame = frame.set_crs(frame.crs.to_epsg(), allow_override=True)
    for name in frame.columns[frame.dtypes == "object"]:
        frame[name] = frame[name].where(frame[name].notna(), float("nan"))  # Parquet knows null alone
    return frame


def _tagged(value: Any) -> Any:
    """Write tuples so that JSON does not turn them into lists."""
    if isinstance(value, tuple):
        return {"tuple": [_tagged(item) for item in value]}
    if isinstance(value, list):
        return [_tagged(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _tagged(item) for key, item in value.items()}
    return value.item() if hasattr(value, "item") else value


def _untagged(value: Any) -> Any:
    if isinstance(value, list):
        return [_untagged(item) for item in value]
    if isinstance(value, dict):
        if value.keys() == {"tuple"}:
            return tuple(_untagged(item) for item in value["tuple"])
        return {key: _untagged(item) for key, item in value.items()}
    return value


def _read_parts(path: Path) -> _Parts | None:
    """Read a run file; None when it is damaged, whatever a damaged file makes the reader raise."""
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(part.file_size for part in archive.infolist()) > MAX_RUN:
                return None
            plain = json.loads(archive.read("run.json").decode("utf-8"))
            frames = {place: _from_parquet(archive.read(f"{place}.parquet")) for place in plain.pop("frames")}
    except Exception:
        return None
    return _Parts(frames, plain) if {*_WHOLE, "dash_line"} <= frames.keys() else None


def read_run(workspace: Workspace) -> Analysis:
    """Read back all that a finished run found.

    Parameters
    ----------
    workspace : Workspace
        The study.

    Returns
    -------
    Analysis
        Equal to that of the run: settings, frames with index, types and geometry (EPSG:4326), facts and notices;
        ``seconds`` from the manifest. After a partial run, with what earlier runs of the same inputs made.

    Raises
    ------
    StudyError
        If the study has no finished run, or its files are damaged.
    """
    manifest = read_manifest(workspace)
    path = workspace.root / RUN
    if not path.is_file():
        raise StudyError(f"{workspace.root} has a manifest.json but no {RUN}. {_CURE}.")
    parts = _read_parts(path)
    if parts is None:
        raise StudyError(f"{RUN} of {workspace.root} is damaged and cannot be read. {_CURE}.")
    try:
        return _put_together(parts, manifest)
    except Exception as error:  # a sound archive of something else
        raise StudyError(f"{RUN} of {workspace.root} is of no run ({error!r:.200}). {_CURE}.") from error


def _put_together(parts: _Parts, manifest: Mapping[str, Any]) -> Analysis:
    frames, plain = parts.frames, parts.plain
    return Analysis(
        settings=Settings.model_validate_json(json.dumps(plain["settings"])),
        **{name: frames[name] for name in _WHOLE},
        dash_line=frames["dash_line"].geometry.iloc[0],
        national=plain["national"],
        weights=plain["weights"],
        tables=_below("tables/", frames),
        layers=_below("layers/", frames),
        base_graph=plain["base_graph"],
        facts=_untagged(plain["facts"]),
        seconds=manifest.get("seconds", {}),
        notices=tuple(Notice(step, message) for step, message in plain["notices"]),
    )


def _below(folder: str, frames: Mapping[str, Any]) -> dict[str, Any]:
    return {place.removeprefix(folder): frame for place, frame in frames.items() if place.startswith(folder)}


def read_manifest(workspace: Workspace) -> dict[str, Any]:
    """Read what the last run says of itself.

    Parameters
    ----------
    workspace : Workspace
        The study.

    Returns
    -------
    dict
        The content of ``manifest.json``.

    Raises
    ------
    StudyError
        If there is none, or it is damaged.
    """
    path = workspace.root / MANIFEST
    if not path.is_file() or path.stat().st_size > MAX_MANIFEST:
        raise StudyError(f"{workspace.root} has no finished run (no {MANIFEST}). Run it first: geo-cdei run")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        hashes = (found["inputs"], found["outputs"], found.get("stale_outputs", {}))
        sound = isinstance(found["settings"], dict) and all(map(_are_hashes, hashes))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        sound = False
    if not sound:
        raise StudyError(f"{MANIFEST} of {workspace.root} is damaged and cannot be read. {_CURE}.")
    return dict(found)


def _are_hashes(given: object) -> bool:
    """Whether these are paths inside the study, each with a hash."""
    if not isinstance(given, dict) or not all(isinstance(digest, str) for digest in given.values()):
        return False
    paths = [PurePosixPath(path.replace("\\", "/")) for path in given]
    return not any(".." in path.parts or "\0" in str(path) for path in paths)


def check_fresh(workspace: Workspace, manifest: Mapping[str, Any], *, inputs: Mapping[str, str]) -> None:
    """Refuse a run that no longer is what its inputs, settings and files say.

    Parameters
    ----------
    workspace : Workspace
        The study.
    manifest : mapping
        From :func:`read_manifest`.
    inputs : mapping of str to str
        Path of every present input, the settings file among them, to its sha256.

    Raises
    ------
    StudyError
        If an input was changed, added or removed, a setting has another value, a file below ``data/`` that the run
        wrote was changed or removed, the program has another version, or a partial run left results of other
        inputs. All of it is named.

    Notes
    -----
    Maps and reports are not looked at: they are made from the files below ``data/``. A comment in the settings
    file and the language of the pages change no result.
    """
    before = dict(manifest["inputs"])
    changed = [
        *_differences("input", _without(before, SETTINGS_NAME), _without(inputs, SETTINGS_NAME)),
        *(_settings_changed(workspace, manifest) if before.get(SETTINGS_NAME) != inputs.get(SETTINGS_NAME) else []),
        *_differences("result", *_results(workspace, manifest["outputs"])),
    ]
    if manifest.get("made_by") != made_by():
        changed.append(f"program: made by {manifest.get('made_by')}, this is {made_by()}")
    stale = sorted(target for target in manifest.get("stale_outputs", {}) if target.startswith(WATCHED))
    if stale:
        changed.append(f"results of other inputs left by a partial run: {_named(stale)}")
    if changed:
        raise StudyError(
            f"The last run of {workspace.root} is out of date; nothing was written.\n  "
            + "\n  ".join(changed)
            + f"\n{_CURE}."
        )


def _without(hashes: Mapping[str, str], name: str) -> dict[str, str]:
    return {path: digest for path, digest in hashes.items() if path != name}


def _results(workspace: Workspace, outputs: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Hashes of the watched outputs as the manifest has them, and as they are."""
    before = {target: digest for target, digest in outputs.items() if target.startswith(WATCHED)}
    there = {target: workspace.root / target for target in before}
    return before, {target: file_hash(path) for target, path in there.items() if path.is_file()}


def _differences(kind: str, before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """One line each for what was changed, added and removed."""
    found = {
        "changed": [path for path in before if path in now and now[path] != before[path]],
        "added": [path for path in now if path not in before],
        "removed": [path for path in before if path not in now],
    }
    return [f"{kind} {what} since: {_named(sorted(paths))}" for what, paths in found.items() if paths]


def _named(paths: list[str]) -> str:
    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return ", ".join(paths[:_SHOWN]) + more


def _settings_changed(workspace: Workspace, manifest: Mapping[str, Any]) -> list[str]:
    """Name every setting with another value, the language of the pages apart."""
    now = _flat(read_settings(workspace.settings).model_dump(mode="json"))
    before = _flat(manifest["settings"])
    keys = [key for key in (before | now) if before.get(key) != now.get(key) and key != "study.language"]
    return [f"setting {key}: was {before.get(key)!r}, is {now.get(key)!r}" for key in keys]


def _flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {
        f"{section}.{key}": value
        for section, values in settings.items()
        if isinstance(values, Mapping)
        for key, value in values.items()
    }
