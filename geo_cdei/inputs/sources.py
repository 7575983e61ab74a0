"""The only module that opens the study's files in ``data/`` or ``boundaries/``.

Tables are read as text first and then checked against the study's descriptor; polygons are read by
:mod:`geo_cdei.inputs.boundaries`.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from geo_cdei._atomic import atomic_path
from geo_cdei.config import Data
from geo_cdei.errors import InputError, StudyError
from geo_cdei.inputs import schema as _schema
from geo_cdei.workspace import Workspace, default_study

__all__ = ["accept", "has_table", "read_table", "read_units", "sha256", "verify"]

ENDINGS = (".csv", ".tsv", ".txt", ".xlsx", ".xls", ".ods")
MAX_BYTES = 200_000_000  # a table of cities is small: a larger file is a mistake or an attack


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


def read_table(workspace: Workspace, name: str, *, like: str | None = None) -> pd.DataFrame:
    """Read one table of ``data/raw``, in any known encoding and format, and check it.

    Parameters
    ----------
    workspace : Workspace
        The study.
    name : str
        Name without ending. CSV, TSV, XLSX, XLS and ODS are read; headers may be Chinese.
    like : str, optional
        Table whose schema holds where no descriptor names this one, such as a planner's own scores.

    Returns
    -------
    pandas.DataFrame
        Rows as in the file; ``attrs`` says the ``path`` and the ``encoding`` used.

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
    text = _name_columns(read_text_table(path), schema)
    _schema.check(text, schema, name=path.name)
    frame = _schema.read_cells(text, schema)
    frame.attrs = dict(text.attrs)
    return frame


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
        text = _name_columns(read_text_table(path), schema)
        _schema.check(text, schema, name=path.name)
        frames.append(_schema.read_cells(text, schema))
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
    with _readable(path), path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn what the operating system refuses into a message; Excel locks what it has open."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{path.name} cannot be read ({error.strerror or error}). Close it in Excel or any other program."
        ) from error


def read_descriptor(path: Path) -> dict[str, Any]:
    """Read a Frictionless descriptor; an absent one is empty, a broken one an error."""
    if not path.is_file():
        return {}
    try:
        package: dict[str, Any] = json.loads(path.read_text(encoding="utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path.name} is not valid JSON in UTF-8: {error}. Restore it, or delete it.") from error
    if not isinstance(package, dict) or not isinstance(package.get("resources", []), list):
        raise InputError(f"{path.name} is not a Frictionless descriptor: it needs a list 'resources'.")
    if not all(_is_resource(entry) for entry in package.get("resources", [])):
        raise InputError(
            f"{path.name}: every resource is an object whose schema has 'fields', each with 'name' and 'type'. "
            "Restore the file, or delete it."
        )
    return package


def _is_resource(entry: object) -> bool:
    schema = entry.get("schema", {"fields": []}) if isinstance(entry, dict) else None
    fields = schema.get("fields") if isinstance(schema, dict) else None
    return isinstance(fields, list) and all(
        isinstance(field, dict) and {"name", "type"} <= set(field) for field in fields
    )


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


def read_text_table(path: Path) -> pd.DataFrame:
    """Read every cell of a table as text; ``attrs`` says the path and the encoding used.

    Parameters
    ----------
    path : pathlib.Path
        CSV, TSV, TXT, XLSX, XLS or ODS.

    Returns
    -------
    pandas.DataFrame
        Text cells, empty where the file has nothing; row 0 is line 2 of the file.

    Raises
    ------
    InputError
        If the file cannot be read as a table.
    """
    with _readable(path):
        data = path.read_bytes() if path.stat().st_size <= MAX_BYTES else None
    if data is None:
        raise InputError(f"{path.name} has {path.stat().st_size:,} bytes; a table may have {MAX_BYTES:,}.")
    if path.suffix.lower() in {".xlsx", ".xls", ".ods"}:
        cells, encoding = _read_workbook(data, path.name), "workbook"
    else:
        text, encoding = _decode(data, path.name)
        cells = _parse_csv(text, path)
    frame = _under_header(cells, path.name)
    doubled = frame.columns[frame.columns.duplicated()].unique().tolist()
    if doubled:
        raise InputError(f"{path.name} has the column {', '.join(map(repr, doubled))} twice. Rename or delete one.")
    frame.attrs = {"path": str(path), "encoding": encoding}
    return frame


def _parse_csv(text: str, path: Path) -> pd.DataFrame:
    separator = "\t" if path.suffix.lower() == ".tsv" or "\t" in text.split("\n", 1)[0] else ","
    try:
        frame = pd.read_csv(
            io.StringIO(text), sep=separator, header=None, dtype=str, keep_default_na=False, skip_blank_lines=False
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
        said = str(error).strip().rstrip(".")
        raise InputError(
            f"{path.name} is not a table: {said}. Quote cells that hold a comma, or save it as XLSX."
        ) from error
    return frame.fillna("")


def _under_header(cells: pd.DataFrame, name: str) -> pd.DataFrame:
    """Take the first row as the header, and drop blank rows and nameless blank columns; keep the line numbers."""
    if len(cells) == 0:
        raise InputError(f"{name} is empty. It needs a row of headers and a row for each city.")
    headers = [_schema.normal_text(header) for header in cells.iloc[0]]
    body = cells.iloc[1:].set_axis(pd.RangeIndex(len(cells) - 1))
    used = (body != "").any(axis=0).to_numpy() | (np.array(headers) != "")
    frame: pd.DataFrame = body.loc[(body != "").any(axis=1), used]
    kept = [header for header, keep in zip(headers, used, strict=True) if keep]
    if "" in kept:
        raise InputError(f"{name} has cells in column {headers.index('') + 1}, which has no header. Give it one.")
    frame.columns = pd.Index(kept)
    return frame


def _decode(data: bytes, name: str) -> tuple[str, str]:
    encodings = ["utf-16"] if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ["utf-8-sig", "gb18030"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            break
        return text, "utf-8" if encoding == "utf-8-sig" else encoding
    raise InputError(f"{name} is text in none of: {', '.join(encodings)}. Save it again as UTF-8 CSV or as XLSX.")


def _read_workbook(data: bytes, name: str) -> pd.DataFrame:
    stream = io.BytesIO(data)
    if zipfile.is_zipfile(stream):  # a small file can unpack to one that fills the memory
        unpacked = sum(part.file_size for part in zipfile.ZipFile(stream).infolist())
        if unpacked > MAX_BYTES:
            raise InputError(f"{name} unpacks to {unpacked:,} bytes; a table may have {MAX_BYTES:,}.")
    try:
        frame = pd.read_excel(stream, engine="calamine", header=None, dtype=object, keep_default_na=False)
    except Exception as error:  # calamine raises its own types for each way a file can be broken
        raise InputError(f"{name} cannot be read as a workbook: {error}. Save it again from Excel.") from error
    return frame.map(_cell_text)


def _cell_text(value: object) -> str:
    # a workbook stores 440300 as 440300.0; the text a planner sees has no ".0"
    if isinstance(value, float):
        return "" if value != value else repr(int(value)) if value.is_integer() else repr(value)
    return "" if value is None else str(value)


def _name_columns(frame: pd.DataFrame, schema: Mapping[str, Any]) -> pd.DataFrame:
    """Give columns with Chinese or other accepted headers the names of the schema."""
    wanted: dict[str, str] = {}
    for field in schema["fields"]:
        for header in (field["name"], field.get("title"), *field.get("headers", [])):
            if header:
                wanted.setdefault(_schema.normal_text(header).lower(), field["name"])
    names = {
        column: wanted[column.lower()]
        for column in frame.columns
        if wanted.get(column.lower(), column) not in frame.columns
    }
    renamed = frame.rename(columns=names)
    doubled = renamed.columns[renamed.columns.duplicated()].unique()
    if len(doubled):
        both = [old for old, new in names.items() if new == doubled[0]]
        raise InputError(
            f"{Path(frame.attrs['path']).name}: the columns {' and '.join(map(repr, both))} both mean "
            f"{doubled[0]!r}. Delete one."
        )
    renamed.attrs = dict(frame.attrs)
    return renamed


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
