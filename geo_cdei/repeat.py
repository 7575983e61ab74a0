"""A run repeated from its manifest: same inputs, same settings, same bytes, or a word on what differs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from geo_cdei import studies
from geo_cdei.config import Settings
from geo_cdei.errors import InputError, SettingsError
from geo_cdei.inputs import sources
from geo_cdei.workspace import SETTINGS_NAME, Workspace, open_study

__all__ = ["Repetition", "repeat_run"]

MAX_BYTES = 20_000_000


@dataclass(frozen=True, slots=True)
class Repetition:
    """A repeated run, held against the first.

    Parameters
    ----------
    outcome : studies.Outcome
        What the repeated run found and wrote.
    equal : tuple of str
        Outputs that are the same byte for byte.
    differing : tuple of str
        Outputs that are not, or that this run did not write.
    circumstances : tuple of str
        What is not as it was: the Python, the libraries. Empty when all is.
    """

    outcome: studies.Outcome
    equal: tuple[str, ...]
    differing: tuple[str, ...]
    circumstances: tuple[str, ...]


def repeat_run(
    folder: Workspace | Path | str, manifest: Path | str, *, on_step: Callable[[str, str], None] | None = None
) -> Repetition:
    """Run a study again as a manifest says it was run, and compare every output by its hash.

    Parameters
    ----------
    folder : Workspace or path
        A study with the inputs of the first run.
    manifest : path
        The ``manifest.json`` of the first run; its settings take the place of the study's ``geo-cdei.toml``.
    on_step : callable, optional
        Called with the name of a step and ``"start"`` or ``"end"``.

    Returns
    -------
    Repetition
        The outcome, and which outputs are equal.

    Raises
    ------
    InputError
        If the manifest cannot be read, or the inputs are not those it names: each is listed, nothing is run.
    SettingsError
        If its settings are not settings of this version.

    Examples
    --------
    >>> import geo_cdei
    >>> geo_cdei.repeat_run("my-study", "my-study/manifest.json").differing  # doctest: +SKIP
    ()
    """
    workspace = folder if isinstance(folder, Workspace) else open_study(folder)
    first = _read_manifest(Path(manifest))
    settings = _settings_of(first)
    _check_inputs(workspace, first["inputs"])
    outcome = studies.run_study(workspace, settings, only=first["steps"], on_step=on_step)
    written = {workspace.relative(path): sources.sha256(path) for path in outcome.written}
    wanted = {path: digest for path, digest in first["outputs"].items() if _is_product(path)}
    equal = tuple(path for path, digest in wanted.items() if written.get(path) == digest)
    differing = tuple(path for path in wanted if path not in equal)
    return Repetition(outcome, equal, differing, tuple(_circumstances(first)))


def _is_product(path: str) -> bool:
    return not path.endswith("manifest.json")


def _read_manifest(path: Path) -> dict[str, Any]:
    try:
        data = path.read_bytes() if path.stat().st_size <= MAX_BYTES else b""
        found = json.loads(data)
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror or error}). Give the manifest.json of a run."
        ) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path.name} is not JSON. Give the manifest.json that a run wrote.") from error
    kinds: dict[str, type] = {"settings": dict, "inputs": dict, "outputs": dict, "steps": list, "libraries": dict}
    lacking = [
        name for name, kind in kinds.items() if not isinstance(found, dict) or not isinstance(found.get(name), kind)
    ]
    lacking += [] if lacking or _all_texts(found) else ["texts in steps, inputs, outputs and libraries"]
    if lacking:
        raise InputError(
            f"{path.name} is not the manifest of a run: it lacks {', '.join(lacking)}. Give the manifest.json that a "
            "run wrote."
        )
    return dict(found)


def _all_texts(found: Mapping[str, Any]) -> bool:
    held = (found[key].values() for key in ("inputs", "outputs", "libraries"))
    names = all(name and name.isprintable() for name in found["libraries"])
    return names and all(isinstance(text, str) for part in (found["steps"], *held) for text in part)


def _settings_of(manifest: Mapping[str, Any]) -> Settings:
    try:
        return Settings.model_validate_json(json.dumps(manifest["settings"]))
    except (ValueError, RecursionError) as error:
        faults = error.errors() if isinstance(error, ValidationError) else ()
        keys = sorted({".".join(map(str, fault["loc"])) for fault in faults})
        raise SettingsError(
            f"the settings of the manifest do not fit this version ({len(keys)}: {', '.join(keys)}); it was "
            f"{manifest.get('made_by', 'another version')}. Install that version, or run without --from."
        ) from error


def _check_inputs(workspace: Workspace, wanted: Mapping[str, str]) -> None:
    """Hold the study's files against those of the first run, all at once."""
    files = sources.verify(workspace)
    there = files[files["status"] != "absent"]
    now = dict(zip(there["path"], there["sha256"], strict=True))
    wanted = {path: digest for path, digest in wanted.items() if path != SETTINGS_NAME}
    faults = [f"{path}: not there" for path in wanted if path not in now]
    faults += [f"{path}: other content" for path, digest in wanted.items() if now.get(path, digest) != digest]
    faults += [f"{path}: the first run had no such file" for path in now if path not in wanted]
    if faults:
        raise InputError(
            f"the run cannot be repeated: {len(faults)} inputs are not those of the manifest:\n  "
            + "\n  ".join(sorted(faults))
            + "\nPut these files back as they were, or run without --from."
        )


def _circumstances(manifest: Mapping[str, Any]) -> Iterator[str]:
    import platform

    if manifest.get("python") not in (None, platform.python_version()):
        yield f"Python {platform.python_version()} in place of {manifest['python']}"
    for name, version in manifest["libraries"].items():
        try:
            installed = metadata.version(name)
        except metadata.PackageNotFoundError:
            installed = "none"
        if installed != version:
            yield f"{name} {installed} in place of {version}"
    own = f"geo_cdei {metadata.version('geo-cdei')}"
    if manifest.get("made_by") != own:
        yield f"{own} in place of {manifest.get('made_by')}"
