"""Opening a vector file of one's own: which format it truly is, its text encoding, its archive.

A file is what its first bytes say, and its ending must agree. GeoJSON and GeoParquet never reach GDAL; GDAL is given
the path of an existing local file whose driver is known beforehand, so that no virtual file, archive or address in
disguise can make it open something else.
"""

from __future__ import annotations

import codecs
import json
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from geo_cdei.errors import BoundaryError
from geo_cdei.inputs.hostile_shapes import check_database, check_wkb

if TYPE_CHECKING:
    import geopandas as gpd

__all__ = ["ENDINGS", "LayerFile", "open_layer_file", "read_frame"]

ENDINGS = {
    ".gpkg": "GPKG", ".geojson": "GeoJSON", ".json": "GeoJSON", ".shp": "ESRI Shapefile", ".fgb": "FlatGeobuf",
    ".parquet": "GeoParquet", ".geoparquet": "GeoParquet", ".zip": "zip",
}  # fmt: skip
"""The endings that are read, and the format that each stands for."""

MAX_BYTES = 2_000_000_000
MAX_TEXT = 500_000_000  # GeoJSON is held in memory several times over
MAX_COLUMNS = 2_000
MAX_ENTRIES, MAX_RATIO = 100, 100  # of a zipped Shapefile: real ones pack to a tenth at best
_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
_KNOWN = "GeoPackage (.gpkg), GeoJSON, Shapefile (.shp, or zipped), GeoParquet (.parquet) and FlatGeobuf (.fgb)"


@dataclass(frozen=True, slots=True)
class LayerFile:
    """A vector file that may be read.

    Parameters
    ----------
    path : pathlib.Path
        An existing local file.
    driver : str
        Its format, by content.
    name : str
        What messages call it.
    encoding : str
        Of the text of a Shapefile; empty elsewhere.
    notices : tuple of str
        What was found out on the way.
    """

    path: Path
    driver: str
    name: str
    encoding: str = ""
    notices: tuple[str, ...] = field(default=())


@contextmanager
def open_layer_file(root: Path, given: str) -> Iterator[LayerFile]:
    """Find a vector file, and unpack it where it is a zipped Shapefile.

    Parameters
    ----------
    root : pathlib.Path
        Folder that a relative path starts from.
    given : str
        The path in the settings.

    Yields
    ------
    LayerFile
        To be read while the context lasts.

    Raises
    ------
    BoundaryError
        If it is an address, no file, too large, of another format than its ending says, or a hostile archive.
    """
    path = _local_path(root, given)
    if path.suffix.lower() != ".zip":
        yield _known_file(path, path.name)
        return
    with TemporaryDirectory() as folder:
        inner = _unpack(path, Path(folder))
        yield _known_file(inner, f"{path.name}/{inner.name}")


def read_frame(file: LayerFile, *, layer: str = "") -> gpd.GeoDataFrame:
    """Read the features of a file that was opened.

    Parameters
    ----------
    file : LayerFile
        From :func:`open_layer_file`.
    layer : str
        Name of a layer of a GeoPackage with several.

    Returns
    -------
    geopandas.GeoDataFrame
        As the file has it; the CRS may be missing.

    Raises
    ------
    BoundaryError
        If it cannot be read, or has several layers of polygons and none is named.
    """
    if file.driver == "GeoJSON":
        return _read_geojson(file)
    if file.driver == "GeoParquet":
        return _read_parquet(file)
    return _read_gdal(file, layer)


def _local_path(root: Path, given: str) -> Path:
    text = given.strip()
    if re.match(r"^[A-Za-z][A-Za-z0-9+.\-]+:", text) or text.lower().startswith(("/vsi", "\\\\", "//")):
        raise BoundaryError(
            f"boundaries.path is {given!r}, an address: nothing is read from the network or through a virtual "
            "file system. Put the file into the study's folder boundaries/ and name it there."
        )
    path = Path(text) if Path(text).is_absolute() else root / text
    if not path.is_file():
        raise BoundaryError(f"boundaries.path: there is no file {given!r} in {root.name}. Name one of: {_KNOWN}.")
    return path


def _known_file(path: Path, name: str) -> LayerFile:
    wanted = ENDINGS.get(path.suffix.lower())
    if wanted is None:
        raise BoundaryError(f"{name}: the ending {path.suffix!r} is not read. Give one of: {_KNOWN}.")
    limit = MAX_TEXT if wanted == "GeoJSON" else MAX_BYTES
    size = path.stat().st_size
    if size > limit:
        raise BoundaryError(f"{name} has {size:,} bytes; {limit:,} are allowed. Simplify it, or save GeoPackage.")
    found = _content(path)
    if found != wanted:
        raise BoundaryError(
            f"{name} is {found or 'no format that is known'} inside, and its ending says {wanted}. Only what both "
            f"agree on is read: {_KNOWN}."
        )
    if wanted != "ESRI Shapefile":
        return LayerFile(path, wanted, name)
    _need_parts(path, name)
    encoding, notices = _shapefile_encoding(path, name)
    return LayerFile(path, wanted, name, encoding, notices)


def _content(path: Path) -> str:
    """Name the format that the bytes of a file show; empty when it is none of ours."""
    with path.open("rb") as stream:
        head = stream.read(1024)
        stream.seek(max(0, path.stat().st_size - 4))
        tail = stream.read(4)
    if head.startswith(b"SQLite format 3\x00"):
        return "GPKG" if head[68:72] in (b"GPKG", b"GP10", b"GP11") else "an SQLite database"
    if head.startswith(b"fgb\x03"):
        return "FlatGeobuf"
    if head[:4] == b"PAR1" == tail:
        return "GeoParquet"
    if head[:4] == struct.pack(">i", 9994):
        return "ESRI Shapefile"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    text = head.removeprefix(codecs.BOM_UTF8).lstrip()
    if text.startswith(b"{"):
        return "GeoJSON"
    return "XML, which may name other files," if text.startswith(b"<") else ""


def _need_parts(path: Path, name: str) -> None:
    there = {other.suffix.lower() for other in path.parent.glob(f"{glob_safe(path.stem)}.*")}
    lacking = [ending for ending in (".shx", ".dbf") if ending not in there]
    if lacking:
        raise BoundaryError(
            f"{name}: a Shapefile is several files, and {' and '.join(lacking)} is not beside it. Copy all of "
            "them (.shp .shx .dbf .prj), or save the layer as GeoPackage."
        )


def glob_safe(stem: str) -> str:
    """Escape what a pattern of file names would read as a wildcard."""
    return re.sub(r"([*?[])", r"[\1]", stem)


# --- text of Shapefiles


def _part(path: Path, ending: str) -> Path | None:
    found = [other for other in path.parent.glob(f"{glob_safe(path.stem)}.*") if other.suffix.lower() == ending]
    return found[0] if found else None


def _shapefile_encoding(path: Path, name: str) -> tuple[str, tuple[str, ...]]:
    """Find the encoding that every text of the table can be read in; the .cpg first, then UTF-8, then GB18030."""
    cells, fields = _table_bytes(path, name)
    beside = _part(path, ".cpg")
    said = beside.read_text(encoding="ascii", errors="replace").strip() if beside else ""
    declared = _codec(said)
    for encoding in dict.fromkeys(filter(None, (declared, "utf-8", "gb18030"))):
        if all(_reads(cell, encoding) for cell in cells):
            break
    else:
        raise BoundaryError(
            f"{name}: its text is neither {said or 'UTF-8'} nor GB18030. Save the layer as GeoPackage, which is "
            "always UTF-8."
        )
    for raw in fields:
        _whole_name(raw, encoding, name)
    if all(cell.isascii() for cell in (*cells, *fields)) or encoding == declared:
        return encoding, ()
    if encoding == "gb18030":
        why = f"its .cpg says {said}, which its text is not" if said else "it has no .cpg"
        return encoding, (f"{name}: its text was read as GB18030 (GBK), because {why}",)
    return encoding, ((f"{name}: its text is UTF-8, though its .cpg says {said}",) if said else ())


def _codec(said: str) -> str:
    """Python's name for what a .cpg says: UTF-8, a code page by number, or GBK by any of its names."""
    text = said.lower().replace("ansi ", "").replace("cp", "") if re.fullmatch(r"(?i)(ansi |cp)?\d+", said) else said
    names = {"936": "gb18030", "54936": "gb18030", "gbk": "gb18030", "gb2312": "gb18030", "65001": "utf-8"}
    wanted = names.get(text.lower(), f"cp{text}" if text.isdigit() else text)
    try:
        found = codecs.lookup(wanted) if wanted else None
        # codecs that unpack or decipher are no encodings of text
        return found.name if found is not None and found._is_text_encoding else ""
    except (LookupError, ValueError):
        return ""


def _reads(cell: bytes, encoding: str) -> bool:
    try:  # a cell that is full may end in the middle of a character
        codecs.getincrementaldecoder(encoding)().decode(cell, final=False)
    except UnicodeError:
        return False
    return True


def _whole_name(raw: bytes, encoding: str, name: str) -> None:
    try:
        raw.decode(encoding)
    except UnicodeError as error:
        raise BoundaryError(
            f"{name}: the name of a field is cut in the middle of a character "
            f"({raw.decode(encoding, errors='replace')!r}): a Shapefile keeps ten bytes, three Chinese characters of "
            "UTF-8. Save the layer as GeoPackage."
        ) from error


def _table_bytes(path: Path, name: str) -> tuple[list[bytes], list[bytes]]:
    """Text cells and field names of the table of a Shapefile, as bytes: GDAL would guess their encoding."""
    beside = _part(path, ".dbf")
    data = beside.read_bytes() if beside else b""
    try:
        count, head, width = struct.unpack("<IHH", data[4:12])
        fields, texts, place = [], [], 1
        for start in range(32, head - 1, 32):
            if data[start : start + 1] == b"\r":
                break
            fields.append(data[start : start + 11].split(b"\x00", 1)[0])
            length = data[start + 16]
            if data[start + 11 : start + 12] == b"C":
                texts.append((place, place + length))
            place += length
    except (struct.error, IndexError) as error:
        raise BoundaryError(f"{name}: its table (.dbf) is damaged. Save the layer again.") from error
    count = min(count, len(data) // max(width, 1))
    rows = (data[head + width * row : head + width * (row + 1)] for row in range(count))
    cells = {row[start:end].strip(b" \x00") for row in rows for start, end in texts}
    return sorted(cells - {b""}), fields


# --- archives


def _unpack(path: Path, folder: Path) -> Path:
    """Unpack the one Shapefile of a zip into a folder, under names of our own, counting every byte."""
    if path.stat().st_size > MAX_BYTES:
        raise BoundaryError(f"{path.name} has {path.stat().st_size:,} bytes; a layer may have {MAX_BYTES:,}.")
    try:
        with zipfile.ZipFile(path) as archive:
            return _unpack_parts(archive, path, folder)
    except (zipfile.BadZipFile, RuntimeError, EOFError, OSError, ValueError, zlib.error) as error:
        raise BoundaryError(f"{path.name} cannot be unpacked: {error}. Pack the Shapefile again.") from error


def _unpack_parts(archive: zipfile.ZipFile, path: Path, folder: Path) -> Path:
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    bad = [entry.filename for entry in entries if _is_hostile(entry)]
    if bad:
        raise BoundaryError(
            f"{path.name} has {len(bad)} entries that point outside of it or are links (first: {bad[0]!r}). "
            "It is not read. Pack the Shapefile again."
        )
    size, packed = sum(entry.file_size for entry in entries), max(1, path.stat().st_size)
    if len(entries) > MAX_ENTRIES or size > MAX_BYTES or size > packed * MAX_RATIO:
        raise BoundaryError(
            f"{path.name} unpacks to {size:,} bytes in {len(entries)} files, {size / packed:.0f} times its size; "
            f"{MAX_BYTES:,} bytes, {MAX_ENTRIES} files and {MAX_RATIO} times are the limits."
        )
    shapes = [entry for entry in entries if _ending(entry) == ".shp" and "__MACOSX" not in entry.filename]
    if len(shapes) != 1:
        raise BoundaryError(
            f"{path.name} holds {len(shapes)} Shapefiles; one is needed. Unpack it, and name the file in "
            "boundaries.path."
        )
    stem = PurePosixPath(shapes[0].filename).with_suffix("")
    for entry in entries:
        if PurePosixPath(entry.filename).with_suffix("") == stem and _ending(entry) in _PARTS:
            # what unpacks to more than the archive declares ends with its checksum
            Path(archive.extract(entry, folder)).rename(folder / f"layer{_ending(entry)}")
    return folder / "layer.shp"


def _is_hostile(entry: zipfile.ZipInfo) -> bool:
    name = entry.filename.replace("\\", "/")
    outside = name.startswith("/") or ".." in name.split("/") or bool(re.match(r"^[A-Za-z]:", name))
    return outside or stat.S_ISLNK(entry.external_attr >> 16)


def _ending(entry: zipfile.ZipInfo) -> str:
    return PurePosixPath(entry.filename).suffix.lower()


# --- reading


def _read_geojson(file: LayerFile) -> gpd.GeoDataFrame:
    import geopandas as gpd

    try:
        found: Any = json.loads(file.path.read_bytes().decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:  # also a number of more digits than Python reads
        raise BoundaryError(f"{file.name} is not GeoJSON in UTF-8: {error}. Save it again.") from error
    features = found.get("features") if isinstance(found, dict) else None
    if not isinstance(features, list) or found.get("type") != "FeatureCollection" or not features:
        kind = found.get("type", "no type") if isinstance(found, dict) else type(found).__name__
        raise BoundaryError(f"{file.name} is a {kind!r}; GeoJSON with polygons is a FeatureCollection with features.")
    columns = {key for one in features if isinstance(one, dict) for key in one.get("properties") or ()}
    if len(columns) > MAX_COLUMNS:
        raise BoundaryError(f"{file.name} has {len(columns):,} properties; a layer may have {MAX_COLUMNS:,}.")
    try:
        return gpd.GeoDataFrame.from_features(features, crs=_geojson_crs(found, file.name))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise BoundaryError(f"{file.name} has features that are not GeoJSON: {error!r}. Save it again.") from error
    except Exception as error:  # GEOS has its own type for each ring that cannot be
        raise BoundaryError(f"{file.name} has a geometry that cannot be: {error}. Mend it.") from error


def _geojson_crs(found: dict[str, Any], name: str) -> str:
    """CRS of a GeoJSON file: WGS84 by its standard, unless the file names another in the older form."""
    member = found.get("crs")
    if member is None:
        return "EPSG:4326"
    code = member.get("properties", {}).get("name") if isinstance(member, dict) else None
    if not isinstance(code, str):
        raise BoundaryError(f"{name} links to a CRS instead of naming it. Save it again in EPSG:4326.")
    # a path, an address or a grid is no name
    if not re.fullmatch(r"(?i)(urn:ogc:def:crs:)?[a-z]+:[\w.]*:?\w+", code):
        raise BoundaryError(f"{name} names the CRS {code[:60]!r}, which is no code. Save it again in EPSG:4326.")
    return "EPSG:4326" if code.upper().endswith("CRS84") else code


def _read_parquet(file: LayerFile) -> gpd.GeoDataFrame:
    import geopandas as gpd
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file.path) as opened:
            rows, columns = opened.metadata.num_rows, opened.metadata.num_columns
            if rows > 1_000_000 + 10 * file.path.stat().st_size or columns > MAX_COLUMNS:
                raise ValueError(f"it says that it has {rows:,} rows and {columns:,} columns")
            check_wkb(opened)
        return gpd.read_parquet(file.path)
    except Exception as error:  # each library below has its own type for a damaged file
        raise BoundaryError(f"{file.name} cannot be read as GeoParquet: {error}. Save it again.") from error


def _read_gdal(file: LayerFile, layer: str) -> gpd.GeoDataFrame:
    import pyogrio

    try:
        if file.driver == "GPKG":
            check_database(file.path)
        known = [str(name) for name, kind in pyogrio.list_layers(file.path) if kind is not None]
        chosen = _chosen_layer(known, layer, file)
        options = {"encoding": file.encoding} if file.encoding else {}
        info = pyogrio.read_info(file.path, layer=chosen, **options)
        if info["driver"] != file.driver:
            raise BoundaryError(f"{file.name} would be opened as {info['driver']}, not as {file.driver}.")
        return pyogrio.read_dataframe(file.path, layer=chosen, **options)
    except BoundaryError:
        raise
    except Exception as error:  # GDAL, GEOS, SQLite and what binds them have types of their own for a damaged file
        raise BoundaryError(f"{file.name} cannot be read: {error}. Save it again as GeoPackage.") from error


def _chosen_layer(known: list[str], layer: str, file: LayerFile) -> str:
    if layer and file.driver == "GPKG" and layer not in known:
        raise BoundaryError(f"{file.name} has no layer {layer!r}; it has: {', '.join(known) or 'none'}.")
    if not known:
        raise BoundaryError(f"{file.name} cannot be read: it has no layer with geometry. Save it as GeoPackage.")
    if len(known) == 1:
        return known[0]
    if not layer:
        raise BoundaryError(f"{file.name} has {len(known)} layers: {', '.join(known)}. Name one in boundaries.layer.")
    return layer
