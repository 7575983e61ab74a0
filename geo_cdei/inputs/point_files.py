"""Files of points, read a bounded number of rows at a time.

CSV (UTF-8, gb18030, UTF-16), Parquet and GeoParquet (one file, or many by a pattern), and GeoPackage. A file is cut
into chunks that can be read on their own: row groups of Parquet, ranges of features of a GeoPackage. Rows of a CSV
can only be read one after the other, so its chunks carry their rows.
"""

from __future__ import annotations

import codecs
import glob
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from geo_cdei.errors import GeoCdeiError, InputError
from geo_cdei.inputs.hostile_shapes import check_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

__all__ = [
    "DATUMS",
    "Block",
    "Chunk",
    "PointFiles",
    "check_datum",
    "find_points",
    "fingerprint",
    "iter_chunks",
    "read_blocks",
]

ENDINGS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".geoparquet": "parquet",
    ".gpkg": "gpkg",
}
DATUMS = ("wgs84", "cgcs2000", "gcj02")
MISSING = ["", "-", "—", "–", "NA", "N/A", "NaN", "nan", "null", "NULL", "None"]
_LONGEST_POINT = 41  # bytes of a WKB point with a CRS and four coordinates
_HEAD = 1 << 20  # bytes from which the encoding of a CSV is told


@dataclass(frozen=True, slots=True)
class PointFiles:
    """Which files, and which of their columns.

    Attributes
    ----------
    paths : tuple of pathlib.Path
        Files of one kind, sorted by name.
    kind : {"csv", "parquet", "gpkg"}
        How they are read.
    lon, lat : str
        Columns of the coordinates; not looked at where the files have a geometry and not these columns.
    values : tuple of str
        Columns to be summed.
    datum : {"wgs84", "cgcs2000", "gcj02"}
        Datum of the coordinates.
    chunksize : int
        Rows read at once.
    """

    paths: tuple[Path, ...]
    kind: str
    lon: str = "lon"
    lat: str = "lat"
    values: tuple[str, ...] = ()
    datum: str = "wgs84"
    chunksize: int = 500_000


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Some rows as arrays.

    Attributes
    ----------
    row : int
        Number of the first row in its file, from 0.
    lon, lat : numpy.ndarray of shape (n,)
        Degrees, as given.
    values : numpy.ndarray of shape (n_values, n)
        NaN where a value is missing.
    """

    row: int
    lon: FloatArray
    lat: FloatArray
    values: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """A part of one file.

    Attributes
    ----------
    number : int
        Running number over all files.
    file : int
        Position of the file in ``PointFiles.paths``.
    row, rows : int
        First row in the file, and how many.
    groups : tuple of int
        Row groups of a Parquet file.
    block : Block or None
        The rows themselves, of a CSV.
    share : float
        How much of all files has been read when this chunk is done, 0 to 1.
    """

    number: int
    file: int
    row: int
    rows: int
    groups: tuple[int, ...] = ()
    block: Block | None = None
    share: float = 0.0


def check_datum(datum: str) -> None:
    """Refuse a datum that is not known.

    Parameters
    ----------
    datum : str
        One of :data:`DATUMS`.

    Raises
    ------
    InputError
        If it is none of them.

    Examples
    --------
    >>> check_datum("gcj02")
    """
    if datum not in DATUMS:
        raise InputError(f"datum is {datum!r}; it is one of {', '.join(DATUMS)}.")


def find_points(source: str | Path, **columns: Any) -> PointFiles:
    """Find the files that a name or a pattern means.

    Parameters
    ----------
    source : str or pathlib.Path
        A file, or a pattern such as ``firms/*.parquet``.
    **columns
        ``lon``, ``lat``, ``values``, ``datum``, ``chunksize`` of :class:`PointFiles`.

    Returns
    -------
    PointFiles
        The files, sorted by name.

    Raises
    ------
    InputError
        If nothing is found, kinds are mixed, a kind is unknown, or a column is named twice.
    """
    given = str(source)
    paths = [Path(given)] if Path(given).is_file() else [Path(name) for name in sorted(glob.glob(given))]
    paths = [path for path in paths if path.is_file()]
    if not paths:
        raise InputError(f"there is no file {given}. Give a local file, or a pattern in quotes: 'points/*.parquet'.")
    kinds = {ENDINGS.get(path.suffix.lower(), path.suffix) for path in paths}
    if len(kinds) > 1 or not kinds <= set(ENDINGS.values()):
        raise InputError(
            f"{given}: files of the kinds {', '.join(sorted(kinds))}. Give files of one kind: {', '.join(ENDINGS)}."
        )
    files = PointFiles(tuple(paths), kinds.pop(), **columns)
    check_datum(files.datum)
    names = [files.lon, files.lat, *files.values]
    if len(set(names)) < len(names) or files.chunksize < 1:
        raise InputError(f"each column is named once, chunksize is 1 or more; got {names}, {files.chunksize}.")
    return files


def fingerprint(files: PointFiles) -> list[dict[str, object]]:
    """Name, size and SHA-256 of every file.

    Parameters
    ----------
    files : PointFiles
        The files.

    Returns
    -------
    list of dict
        ``name``, ``bytes``, ``sha256``, in the order of the files.
    """
    found: list[dict[str, object]] = []
    for path in files.paths:
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        found.append({"name": path.name, "bytes": path.stat().st_size, "sha256": digest})
    return found


def iter_chunks(files: PointFiles) -> Iterator[Chunk]:
    """Cut the files into chunks.

    Parameters
    ----------
    files : PointFiles
        The files.

    Yields
    ------
    Chunk
        In the order of files and rows.

    Raises
    ------
    InputError
        If a file cannot be read, or lacks a column.
    """
    number, done = 0, 0
    sizes = [max(path.stat().st_size, 1) for path in files.paths]
    cut = {"csv": _cut_csv, "parquet": _cut_parquet, "gpkg": _cut_gpkg}[files.kind]
    for file, path in enumerate(files.paths):
        try:
            for row, rows, groups, block, part in cut(files, path):
                share = (done + sizes[file] * min(part, 1.0)) / sum(sizes)
                yield Chunk(number, file, row, rows, groups, block, share)
                number += 1
        except GeoCdeiError:
            raise
        except Exception as error:  # pyarrow, pandas, GDAL and GEOS have types of their own for a damaged file
            raise _unreadable(path, error) from error
        done += sizes[file]


def read_blocks(files: PointFiles, chunk: Chunk) -> Iterator[Block]:
    """Read a chunk, at most ``files.chunksize`` rows at a time.

    Parameters
    ----------
    files : PointFiles
        The files.
    chunk : Chunk
        One of :func:`iter_chunks`.

    Yields
    ------
    Block
        The rows in order.

    Raises
    ------
    InputError
        If a cell is no number, a value is infinite, or a geometry is no point.
    """
    path = files.paths[chunk.file]
    try:
        if chunk.block is not None:
            blocks: Iterator[Block] = iter([chunk.block])
        else:
            blocks = _read_parquet(files, path, chunk) if files.kind == "parquet" else _read_gpkg(files, path, chunk)
        for block in blocks:
            _check_finite(files, path, block)
            yield block
    except GeoCdeiError:
        raise
    except Exception as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> InputError:
    return InputError(f"{path.name} cannot be read: {str(error).strip().rstrip('.')}. Correct or save it again.")


def _check_finite(files: PointFiles, path: Path, block: Block) -> None:
    for name, values in zip(files.values, block.values, strict=True):
        infinite = np.flatnonzero(np.isinf(values))
        if len(infinite):
            raise InputError(
                f"{path.name}: {name} is infinite in {len(infinite)} rows (first: {block.row + infinite[0] + 1}); "
                "correct them, or leave the cells empty."
            )


def _check_columns(files: PointFiles, path: Path, have: list[str], *, points: bool) -> None:
    needed = list(files.values) if points else [files.lon, files.lat, *files.values]
    absent = [name for name in needed if name not in have]
    if absent:
        raise InputError(
            f"{path.name} has no column {', '.join(map(repr, absent))}; it has {', '.join(map(repr, have[:20]))}. "
            "Name them with --lon, --lat and --value."
        )


# CSV ---------------------------------------------------------------------------------------------------------------


def _cut_csv(files: PointFiles, path: Path) -> Iterator[tuple[int, int, tuple[int, ...], Block | None, float]]:
    encoding, separator = _manner(path)
    have = pd.read_csv(path, sep=separator, encoding=encoding, nrows=0).columns.astype(str).tolist()
    _check_columns(files, path, have, points=False)
    wanted = [files.lon, files.lat, *files.values]
    size, row = max(path.stat().st_size, 1), 0
    with (
        path.open("rb") as stream,
        pd.read_csv(
            stream, sep=separator, encoding=encoding, encoding_errors="replace", usecols=wanted, dtype=np.float64,
            chunksize=files.chunksize, keep_default_na=False, na_values=MISSING, engine="c",
        ) as reader,
    ):  # fmt: skip
        for frame in reader:
            numbers = frame[wanted].to_numpy(np.float64).T
            block = Block(row, *(np.ascontiguousarray(part) for part in (numbers[0], numbers[1], numbers[2:])))
            yield row, len(frame), (), block, stream.tell() / size
            row += len(frame)


def _manner(path: Path) -> tuple[str, str]:
    """Tell encoding and separator of a CSV from its beginning."""
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    else:
        try:
            codecs.getincrementaldecoder("utf-8")().decode(head)
            encoding = "utf-8-sig"
        except UnicodeDecodeError:
            encoding = "gb18030"
    first = head.decode(encoding, errors="replace").split("\n", 1)[0]
    return encoding, "\t" if "\t" in first else ";" if ";" in first and "," not in first else ","


# Parquet -----------------------------------------------------------------------------------------------------------


def _cut_parquet(files: PointFiles, path: Path) -> Iterator[tuple[int, int, tuple[int, ...], Block | None, float]]:
    """Join consecutive row groups up to the size of a chunk; a larger row group is a chunk of its own."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as opened:
        geometry = _geometry_column(opened, files)
        _check_columns(files, path, opened.schema_arrow.names, points=geometry is not None)
        sizes = [opened.metadata.row_group(group).num_rows for group in range(opened.num_row_groups)]
    total, row, start = max(sum(sizes), 1), 0, 0
    while start < len(sizes):
        end = start + 1
        while end < len(sizes) and sum(sizes[start : end + 1]) <= files.chunksize:
            end += 1
        rows = sum(sizes[start:end])
        yield row, rows, tuple(range(start, end)), None, (row + rows) / total
        row, start = row + rows, end


def _geometry_column(opened: Any, files: PointFiles) -> str | None:
    """Name of the geometry, where the file has one and not the two columns of coordinates."""
    import json

    names = opened.schema_arrow.names
    if files.lon in names and files.lat in names:
        return None
    meta = (opened.schema_arrow.metadata or {}).get(b"geo")
    return str(json.loads(meta)["primary_column"]) if meta else None


def _read_parquet(files: PointFiles, path: Path, chunk: Chunk) -> Iterator[Block]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as opened:
        geometry = _geometry_column(opened, files)
        crs = _parquet_crs(opened, geometry)
        wanted = ([files.lon, files.lat] if geometry is None else [geometry]) + list(files.values)
        row = chunk.row
        for batch in opened.iter_batches(files.chunksize, row_groups=list(chunk.groups), columns=wanted):
            if geometry is None:
                lon, lat = (_numbers(batch.column(name)) for name in (files.lon, files.lat))
            else:
                lon, lat = _from_geometry(batch.column(geometry), crs)
            yield Block(row, lon, lat, _stack([_numbers(batch.column(name)) for name in files.values], len(lon)))
            row += len(lon)


def _parquet_crs(opened: Any, geometry: str | None) -> Any:
    """CRS of a GeoParquet; a file that states none is in longitude and latitude by the format's definition."""
    import json

    if geometry is None:
        return None
    stated = json.loads(opened.schema_arrow.metadata[b"geo"])["columns"][geometry]
    return stated.get("crs", "OGC:CRS84")


def _numbers(column: Any) -> FloatArray:
    import pyarrow as pa

    if not (
        pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_decimal(column.type)
    ):
        raise InputError(f"a column of coordinates or values holds {column.type}, not numbers. Convert it first.")
    result: FloatArray = column.cast(pa.float64()).to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
    return result


def _stack(columns: list[FloatArray], n: int) -> FloatArray:
    return np.stack(columns) if columns else np.empty((0, n))


# GeoPackage and geometries -----------------------------------------------------------------------------------------


def _cut_gpkg(files: PointFiles, path: Path) -> Iterator[tuple[int, int, tuple[int, ...], Block | None, float]]:
    import pyogrio

    with path.open("rb") as stream:
        if stream.read(16) != b"SQLite format 3\x00":  # another format under this name could open other files
            raise InputError(f"{path.name} is no GeoPackage. Save it again as one.")
    check_database(path)
    if len(pyogrio.list_layers(path)) != 1:
        names = ", ".join(map(str, pyogrio.list_layers(path)[:, 0]))
        raise InputError(f"{path.name} has the layers {names}; one layer of points is needed.")
    info = pyogrio.read_info(path)
    _check_columns(files, path, list(info["fields"]), points=True)
    if info["crs"] is None:
        raise InputError(f"{path.name} states no CRS. Set it in a GIS and save it again.")
    total = int(info["features"])
    for row in range(0, total, files.chunksize):
        rows = min(files.chunksize, total - row)
        yield row, rows, (), None, (row + rows) / total


def _read_gpkg(files: PointFiles, path: Path, chunk: Chunk) -> Iterator[Block]:
    import pyogrio

    meta, _, shapes, fields = pyogrio.raw.read(
        path, columns=list(files.values), skip_features=chunk.row, max_features=chunk.rows
    )
    order = [list(meta["fields"]).index(name) for name in files.values]
    lon, lat = _from_geometry(shapes, meta["crs"])
    yield Block(chunk.row, lon, lat, _stack([np.asarray(fields[k], dtype=np.float64) for k in order], len(lon)))


def _from_geometry(column: Any, crs: Any) -> tuple[FloatArray, FloatArray]:
    """Degrees of a column of WKB points, brought to WGS84 where their CRS is another one."""
    import shapely
    from pyproj import CRS, Transformer

    found = np.asarray(column, dtype=object)
    long = any(shape is not None and len(shape) > _LONGEST_POINT for shape in found)  # perhaps nested without end
    shapes = np.empty(0) if long else shapely.from_wkb(found)
    if long or (~np.isin(shapely.get_type_id(shapes), (-1, 0))).any():
        raise InputError("the geometries are no points. Save points, such as the centroids, first.")
    lon, lat = shapely.get_x(shapes), shapely.get_y(shapes)
    given = CRS.from_user_input(crs)
    if given.to_epsg() in (4326, 4490) or given == CRS.from_user_input("OGC:CRS84"):
        return lon, lat
    missing = np.isnan(lon) | np.isnan(lat)
    turned = Transformer.from_crs(given, 4326, always_xy=True).transform(lon, lat)
    return np.where(missing, np.nan, turned[0]), np.where(missing, np.nan, turned[1])
