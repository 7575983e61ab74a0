"""The only module that opens the study's files in ``data/`` or ``boundaries/``.

Tables are read as text first and then checked against the study's descriptor; polygons are read by
:mod:`geo_cdei.inputs.boundaries`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from geo_cdei._atomic import atomic_path
from geo_cdei.config import Data, TableLayout, read_layouts
from geo_cdei.errors import InputError, StudyError
from geo_cdei.inputs import headers
from geo_cdei.inputs import schema as _schema
from geo_cdei.inputs.table_files import read_text_table, readable
from geo_cdei.workspace import Workspace, default_study

__all__ = ["accept", "describe_reading", "has_table", "read_table", "read_units", "sha256", "verify"]

MAX_RESOURCES = 1_000
ENDINGS = (".csv", ".tsv", ".txt", ".xlsx", ".xls", ".ods", ".parquet")


def has_table(workspace: Workspace, name: str) -> bool:
    """Whether the study has a table of this name in ``data/raw``.

    Parameters
    ----------
    workspace : Workspace
        The study.
    name : str
        Name without ending, such as ``"gdp_2019"``.

    Returns
    -------
    bool
        True if one of the known endings is there.
    """
    return bool(_find(workspace.raw, name))


def read_table(
    workspace: Workspace,
    name: str,
    *,
    like: str | None = None,
    layouts: Mapping[str, TableLayout] | None = None,
) -> pd.DataFrame:
    """Read one table of ``data/raw``, in any known encoding and format, and check it.

    Parameters
    ----------
    workspace : Workspace
        The study.
    name : str
        Name without ending. CSV, TSV, XLSX, XLS, ODS and Parquet are read; headers may be Chinese, titles may
        stand above them and notes below the table.
    like : str, optional
        Table whose schema holds where no descriptor names this one, such as a planner's own scores.
    layouts : mapping of str to TableLayout, optional
        Sheet, header row and columns of each table; those of the study's ``geo-cdei.toml`` unless given.

    Returns
    -------
    pandas.DataFrame
        Rows as in the file; ``attrs`` says the ``path``, the ``encoding`` used, in ``notes`` what was found or
        guessed, and in ``settling`` the lines of TOML that settle a guess.

    Raises
    ------
    InputError
        If the file is not there, stands twice, or cannot be read.
    SchemaError
        If it breaks its schema; all faults at once.

    Examples
    --------
    >>> from geo_cdei.workspace import open_study
    >>> from geo_cdei.workspace import default_study
    >>> scores = read_table(open_study(default_study()), "scores_2021")
    >>> len(scores), scores.columns.tolist()
    (242, ['rank', 'city', 'score'])
    """
    path = _one_path(workspace.raw, name)
    schema = table_schema(workspace, name, like=like)
    layout = (read_layouts(workspace.settings) if layouts is None else layouts).get(name, TableLayout())
    return _read_checked(path, schema, layout)


def _read_checked(path: Path, schema: Mapping[str, Any], layout: TableLayout) -> pd.DataFrame:
    text = read_text_table(path, layout=layout, schema=schema)
    text, guessed = _named(text, schema, layout, path.name)
    kept = [{"name": column, "type": "string"} for column in layout.text]
    schema = {**schema, "fields": [*(each for each in schema["fields"] if each["name"] not in layout.text), *kept]}
    text, percents = _schema.plain_percents(text, schema, percent=layout.percent)
    _schema.check(text, schema, name=path.name)
    frame = _schema.read_cells(text, schema)
    frame.attrs = _told(text.attrs, guessed, percents)
    return frame


def _named(
    text: pd.DataFrame, schema: Mapping[str, Any], layout: TableLayout, name: str
) -> tuple[pd.DataFrame, dict[str, str]]:
    renamed, guessed = headers.map_columns(text, schema, given=layout.columns, name=name)
    renamed.attrs = dict(text.attrs)
    return renamed, guessed


def _told(attrs: Mapping[Any, Any], guessed: Mapping[str, str], percents: list[str]) -> dict[Any, Any]:
    """Put what was found and guessed into words, and into lines that settle it."""
    found = attrs["found"]
    told = [f"the header was found in line {found['header_row']}"] if found.get("header_row") else []
    told += [f"the sheet {found['sheet']!r} was read, of {found['sheets']}"] if found.get("sheet") else []
    told += [f"{header!r} was taken for {column}" for column, header in guessed.items()]
    lines = headers.settling_lines(
        Path(attrs["path"]).name, sheet=found.get("sheet", ""), header_row=found.get("header_row", 0), columns=guessed
    )
    rest = {key: value for key, value in attrs.items() if key != "found"}
    return {**rest, "notes": [*told, *attrs["notes"], *percents], "settling": lines if told else []}


def describe_reading(table: pd.DataFrame, name: str) -> list[str]:
    """Say what was found, guessed or left out when a table was read; nothing where all was as expected.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`read_table`.
    name : str
        Its name.

    Returns
    -------
    list of str
        One sentence for the encoding, one for each finding.
    """
    encoding = table.attrs["encoding"]
    said = [] if encoding in ("utf-8", "workbook", "parquet") else [f"{name} was read as {encoding}"]
    cure = "; geo-cdei check shows the lines that settle it" if table.attrs["settling"] else ""
    notes = table.attrs["notes"]
    return said + ([f"{name}: {'; '.join(notes)}{cure}"] if notes else [])


def read_units(workspace: Workspace) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the code list and the aliases of ``boundaries/``.

    Parameters
    ----------
    workspace : Workspace
        The study.

    Returns
    -------
    units : pandas.DataFrame
        Indexed by ``adcode``: official, short and English name, province, ``lon``, ``lat`` (degrees, WGS84).
    aliases : pandas.DataFrame
        ``adcode``, ``alias``, ``kind``, ``year``, ``source``; one row per other name.
    """
    frames = []
    for name in ("units", "aliases"):
        path = _one_path(workspace.boundaries, name)
        schema = table_schema(workspace, name)
        frames.append(_read_checked(path, schema, TableLayout()))
    units, aliases = frames
    return units.set_index("adcode"), aliases


def verify(workspace: Workspace) -> pd.DataFrame:
    """Compare every input file with its descriptor.

    Parameters
    ----------
    workspace : Workspace
        The study.

    Returns
    -------
    pandas.DataFrame
        ``path``, ``status`` (same, changed, absent, undescribed), ``sha256``, ``expected``, ``bytes``; one row
        for every file that is described or there.
    """
    rows = []
    for descriptor in workspace.descriptors:
        package = read_descriptor(descriptor)
        folder = descriptor.parent
        described = {entry["path"]: entry for entry in package.get("resources", []) if "path" in entry}
        there = {
            path.relative_to(folder).as_posix()
            for ending in ENDINGS
            for path in (folder / "raw" if folder.name == "data" else folder).glob(f"*{ending}")
            if not path.name.startswith((".", "~$"))  # what macOS and an open Excel leave beside a file
        }
        for name in sorted(described | dict.fromkeys(there)):
            rows.append(_verify_one(workspace, folder / name, described.get(name)))
    return pd.DataFrame(rows, columns=["path", "status", "sha256", "expected", "bytes"])


def accept(workspace: Workspace) -> list[str]:
    """Write the present hashes and sizes into the descriptors.

    Parameters
    ----------
    workspace : Workspace
        The study.

    Returns
    -------
    list of str
        Paths whose entry was changed.
    """
    changed: list[str] = []
    for descriptor in workspace.descriptors:
        package, before = read_descriptor(descriptor), len(changed)
        for entry in package.get("resources", []):
            path = descriptor.parent / entry.get("path", "")
            if not path.is_file():
                continue
            now = {"hash": f"sha256:{sha256(path)}", "bytes": path.stat().st_size}
            if any(entry.get(key) != value for key, value in now.items()):
                entry.update(now)
                changed.append(workspace.relative(path))
        if len(changed) == before:
            continue
        with atomic_path(descriptor) as temporary:
            text = json.dumps(package, ensure_ascii=False, indent=2) + "\n"
            temporary.write_text(text, encoding="utf-8", newline="\n")
    return changed


def sha256(path: Path) -> str:
    """Hash of a file's bytes, as hexadecimal digits."""
    with readable(path), path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_descriptor(path: Path) -> dict[str, Any]:
    """Read a Frictionless descriptor; an absent one is empty, a broken one an error."""
    if not path.is_file():
        return {}
    try:
        package: dict[str, Any] = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:  # also numbers and nesting beyond what Python reads
        raise InputError(f"{path.name} is not valid JSON in UTF-8: {error}. Restore it, or delete it.") from error
    if not isinstance(package, dict) or not isinstance(package.get("resources", []), list):
        raise InputError(f"{path.name} is not a Frictionless descriptor: it needs a list 'resources'.")
    listed = package.get("resources", [])
    if len(listed) > MAX_RESOURCES or not all(_is_resource(entry) for entry in listed):
        raise InputError(
            f"{path.name}: every resource is an object with a path inside its folder, whose schema has 'fields', "
            "each with 'name' and 'type', and constraints of the right kind; there are at most "
            f"{MAX_RESOURCES:,}. Restore the file, or delete it."
        )
    return package


def _is_resource(entry: object) -> bool:
    if not isinstance(entry, dict):
        return False
    if not all(isinstance(entry.get(key, ""), str) for key in ("name", "hash", "path")):
        return False
    parts = PurePosixPath(entry.get("path", "").replace("\\", "/"))
    schema = entry.get("schema", {"fields": []})
    fields = schema.get("fields") if isinstance(schema, dict) else None
    return (
        not (parts.is_absolute() or ".." in parts.parts or ":" in str(parts) or "\0" in str(parts))
        and isinstance(fields, list)
        and all(map(_is_field, fields))
        and all(isinstance(key, str) for key in _listed(schema.get("primaryKey", [])))
    )


def _is_field(field: object) -> bool:
    if not isinstance(field, dict) or not all(isinstance(field.get(key), str) for key in ("name", "type")):
        return False
    rules = field.get("constraints", {})
    return (
        isinstance(field.get("title", ""), str)
        and all(isinstance(header, str) for header in _listed(field.get("headers", [])))
        and isinstance(rules, dict)
        and all(isinstance(each, str) for each in _listed(rules.get("enum", [])))
        and isinstance(rules.get("pattern", ""), str)
        and all(isinstance(rules.get(key, 0), int | float) for key in ("minimum", "maximum"))
    )


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def table_schema(workspace: Workspace, name: str, *, like: str | None = None) -> Mapping[str, Any]:
    """Find the schema of a table: in the study's own descriptors, else in the default study's.

    A table that none of them names has the schema of the table `like`; without that, only its columns of codes
    and names of cities are known.
    """
    schemas: dict[str, Mapping[str, Any]] = {}
    for descriptor in (*Workspace(default_study()).descriptors, *workspace.descriptors):
        for entry in read_descriptor(descriptor).get("resources", []):
            if "name" in entry and "schema" in entry:
                schemas[entry["name"]] = entry["schema"]
    if name in schemas:
        return schemas[name]
    if like in schemas:
        return schemas[like]
    fields = schemas.get(Data().scores, {"fields": []})["fields"]
    return {"fields": [field for field in fields if field["name"] in ("adcode", "city")]}


def _find(folder: Path, name: str) -> list[Path]:
    return [path for ending in ENDINGS if (path := folder / f"{name}{ending}").is_file()]


def _one_path(folder: Path, name: str) -> Path:
    found = _find(folder, name)
    if not found:
        raise StudyError(
            f"{folder.parent.name}/{folder.name} has no table {name!r}. Put {name}.csv or {name}.xlsx there, or name "
            "another table under [data] in geo-cdei.toml."
        )
    if len(found) > 1:
        raise StudyError(f"{name!r} stands twice: {' and '.join(p.name for p in found)}. Delete or rename one.")
    return found[0]


def _verify_one(workspace: Workspace, path: Path, entry: Mapping[str, Any] | None) -> dict[str, object]:
    expected = str(entry.get("hash", "")).removeprefix("sha256:") if entry else ""
    row: dict[str, object] = {"path": workspace.relative(path), "expected": expected}
    if not path.is_file():
        return row | {"status": "absent", "sha256": "", "bytes": 0}
    digest = sha256(path)
    status = "undescribed" if entry is None else "same" if digest == expected else "changed"
    return row | {"status": status, "sha256": digest, "bytes": path.stat().st_size}
