"""What a library must not be given: databases whose schema computes, shapes nested beyond any stack.

A GeoPackage is an SQLite database, and a table of it may be a view that never ends. GEOS reads a shape within a shape
by calling itself, and ends the whole process when the stack is full.
"""

from __future__ import annotations

import sqlite3
import struct
import time
from pathlib import Path
from typing import Any

__all__ = ["check_database", "check_wkb"]

SECONDS = 2.0
MAX_DEPTH = 8  # a MultiPolygon has two
_POINT, _POLYGON = 1, 3
_HOLDERS = {4, 5, 6, 7, 9, 10, 11, 12}  # multiple ones, collections, and the curved forms of them
_Z, _M, _SRID = 0x80000000, 0x40000000, 0x20000000
_BOOKS = ("gpkg_contents", "gpkg_geometry_columns", "gpkg_spatial_ref_sys")


def check_database(path: Path) -> None:
    """Refuse a GeoPackage with anything in place of a plain table.

    Parameters
    ----------
    path : pathlib.Path
        The file; it is opened read-only and without its journals.

    Raises
    ------
    ValueError
        If a table that GDAL would read is a view, virtual or computed, or a text is larger than a layer's can be.
    sqlite3.Error
        If it is no database, or looking at its schema does not end.
    """
    end = time.monotonic() + SECONDS
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
    try:
        connection.set_progress_handler(lambda: time.monotonic() > end, 10_000)
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
        kinds = {str(name): (kind, str(sql)) for name, kind, sql in connection.execute(_SCHEMA)}
        _need_tables(_BOOKS, kinds)
        listed = [str(name) for (name,) in connection.execute("SELECT table_name FROM gpkg_contents")]
        _need_tables(listed, kinds)
    finally:
        connection.close()


_SCHEMA = "SELECT name, type, sql FROM sqlite_master WHERE type IN ('table', 'view')"


def _need_tables(names: tuple[str, ...] | list[str], kinds: dict[str, tuple[str, str]]) -> None:
    for name in names:
        kind, sql = kinds.get(name, ("missing table", ""))
        if kind == "table" and sql.lstrip().upper().startswith("CREATE VIRTUAL"):
            kind = "virtual table"
        if kind == "table" and "GENERATED ALWAYS" in sql.upper():
            kind = "table with columns that are computed"
        if kind != "table":
            raise ValueError(f"{name[:60]!r} is a {kind}, and only plain tables are read")


def check_wkb(opened: Any) -> None:
    """Refuse shapes of a GeoParquet file that are nested deeper than any real one.

    Parameters
    ----------
    opened : pyarrow.parquet.ParquetFile
        The file.

    Raises
    ------
    ValueError
        If one is.
    """
    schema = opened.schema_arrow
    for name, kind in zip(schema.names, schema.types, strict=True):
        if "binary" not in str(kind) or str(kind).startswith(("list", "struct", "map", "large_list")):
            continue
        for batch in opened.iter_batches(1000, columns=[name]):
            for shape in batch.column(0).to_pylist():
                if shape is not None and depth(shape) > MAX_DEPTH:
                    raise ValueError(f"{name} has a shape within more than {MAX_DEPTH} others")


def depth(shape: bytes) -> int:
    """Count how many shapes stand one within the other, without calling itself.

    Parameters
    ----------
    shape : bytes
        Well-known binary, of the standard or extended form.

    Returns
    -------
    int
        1 for a plain shape, 0 for nothing; beyond `MAX_DEPTH` it is not counted on.

    Examples
    --------
    >>> import shapely
    >>> depth(shapely.to_wkb(shapely.Point(1, 2))), depth(shapely.to_wkb(shapely.MultiPoint([(1, 2)])))
    (1, 2)
    """
    place, deepest, order = 0, 0, "<"
    left: list[int] = []  # how many shapes each holder around this one still has
    while place + 5 <= len(shape) and deepest <= MAX_DEPTH:
        order = {0: ">", 1: "<"}.get(shape[place], order)
        code = struct.unpack_from(f"{order}I", shape, place + 1)[0]
        place += 9 if code & _SRID else 5
        deepest = max(deepest, len(left) + 1)
        kind, place, held = _content(shape, place, code, order)
        if kind in _HOLDERS and held:
            left.append(held)
            continue
        while left and left[-1] == 1:
            left.pop()
        if not left:
            break
        left[-1] -= 1
    return deepest


def _content(shape: bytes, place: int, code: int, order: str) -> tuple[int, int, int]:
    """Kind of a shape, the place behind what it says of itself, and how many shapes follow as its parts."""
    kind, dialect = (code & 0xFFFF) % 1000, (code & 0xFFFF) // 1000
    width = 8 * (2 + bool(code & _Z or dialect in (1, 3)) + bool(code & _M or dialect in (2, 3)))
    if kind == _POINT or place + 4 > len(shape):
        return kind, place + width, 0
    count = struct.unpack_from(f"{order}I", shape, place)[0]
    place += 4
    if kind in _HOLDERS:
        return kind, place, count
    if kind != _POLYGON:
        return kind, place + count * width, 0
    for _ in range(count):
        if place + 4 > len(shape):
            break
        place += 4 + width * struct.unpack_from(f"{order}I", shape, place)[0]
    return kind, place, 0
