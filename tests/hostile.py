"""Hostile files, made in code: sound files of every kind and seeded mutations of them.

``hostile_worker.py`` reads them, ``test_hostile.py`` has it done.
"""

from __future__ import annotations

import io
import json
import re
import shutil
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo_cdei.workspace import default_study

Files = dict[str, bytes]  # path within the study -> content
CITIES = ["北京", "上海", "苏州", "广州", "深圳", "杭州", "成都", "武汉", "重庆", "西安", "南京", "青岛"]
CODES = ["110000", "310000", "320500", "440100", "440300", "330100", "510100", "420100", "500000", "610100"]
HTML = "<img src=x onerror=window.hit=1>`${window.hit=1}`</script><script>window.hit=1</script>"
TOKENS = [
    b"=cmd|' /C calc'!A0", b"../../../../evil", b"/vsicurl/http://127.0.0.1:9/x", b"http://127.0.0.1:9/x", b"\x00",
    b"file:///etc/passwd", b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>", b"&b;", HTML.encode(),
    b"cos\nsystem\n(S'touch evil'\ntR.",
    b"!!python/object/apply:os.system ['touch evil']", b"\xff\xfe", b"\xef\xbb\xbf",
    "\u202e\u200b\ufeff".encode(),
    b"%s%n{0.__class__}", b'"', b"[" * 500, b"{" * 500, b",", b"\r", b"'); DROP TABLE x;--",
]  # fmt: skip
NUMBERS = [
    b"9" * 400,
    b"-1",
    b"1e309",
    b"nan",
    b"inf",
    b"0" * 5000,
    b"9" * 5000,
    b"2147483648",
    b"18446744073709551616",
]


# --- sound files


def table() -> pd.DataFrame:
    """Twelve cities with scores."""
    return pd.DataFrame({"rank": range(1, 13), "city": CITIES, "score": np.round(np.linspace(95.0, 50.5, 12), 1)})


def layer() -> gpd.GeoDataFrame:
    """Eight squares in a row, with codes and names."""
    west = 112 + 0.5 * np.arange(8)
    shapes = shapely.box(west, 36, west + 0.5, 36.5)
    return gpd.GeoDataFrame({"dm": [f"3701{i:02}" for i in range(8)], "mc": CITIES[:8]}, geometry=shapes, crs=4326)


def zipped(parts: Files, *, packed: bool = True) -> bytes:
    """Pack files, without a time in them."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as archive:
        for name, data in parts.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED)
    return stream.getvalue()


def unzipped(data: bytes) -> Files:
    """Read all parts of an archive that is sound."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@cache
def workbook() -> bytes:
    """Give an XLSX file with shared texts, a merged range and a second sheet."""
    from openpyxl import Workbook

    book, stream = Workbook(), io.BytesIO()
    sheet = book.active
    sheet.append(["rank", "city", "score"])
    for row in table().itertuples(index=False):
        sheet.append([row.rank, row.city, row.score])
    book.create_sheet("说明").append(["note"])
    book.save(stream)
    return stream.getvalue()


ODS_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?><office:document-content '
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" office:version="1.2"><office:body>'
    '<office:spreadsheet><table:table table:name="s">'
)
ODS_TAIL = "</table:table></office:spreadsheet></office:body></office:document-content>"


def ods(rows: str, head: str = ODS_HEAD) -> bytes:
    """Give an OpenDocument sheet of these rows."""
    manifest = (
        '<?xml version="1.0"?><manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        '<manifest:file-entry manifest:full-path="/" manifest:media-type="application/vnd.oasis.opendocument.'
        'spreadsheet"/></manifest:manifest>'
    )
    parts = {"mimetype": b"application/vnd.oasis.opendocument.spreadsheet"}
    parts |= {"content.xml": (head + rows + ODS_TAIL).encode(), "META-INF/manifest.xml": manifest.encode()}
    return zipped(parts)


def ods_rows() -> str:
    """Give the cities as rows of an OpenDocument sheet."""
    lines = [["rank", "city", "score"], *table().astype(str).to_numpy().tolist()]
    cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    return "".join(f"<table:table-row>{''.join(map(cell.format, line))}</table:table-row>" for line in lines)


@cache
def written(ending: str) -> tuple[tuple[str, bytes], ...]:
    """Write the layer in a format, and give its files."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"layer.{ending}"
        if ending == "parquet":
            layer().to_parquet(path)
        else:
            layer().to_file(path, **({"encoding": "UTF-8"} if ending == "shp" else {}))
        return tuple((found.name, found.read_bytes()) for found in sorted(Path(folder).iterdir()))


def _csv() -> Files:
    return {"data/raw/scores_2021.csv": table().to_csv(index=False).encode()}


def _parquet_table() -> Files:
    stream = io.BytesIO()
    table().to_parquet(stream)
    return {"data/raw/scores_2021.parquet": stream.getvalue()}


def _layer(ending: str) -> Callable[[], Files]:
    return lambda: {f"boundaries/{name}": data for name, data in written(ending)}


def _geojson() -> Files:
    return {"boundaries/layer.geojson": layer().to_json(ensure_ascii=False).encode()}


def _points_csv() -> Files:
    rows = "".join(f"{112 + i / 9},{36 + i / 30},{i}\n" for i in range(30))
    return {"points.csv": f"lon,lat,staff\n{rows}".encode()}


def _points(ending: str) -> Callable[[], Files]:
    def make() -> Files:
        spots = gpd.GeoDataFrame(
            {"staff": np.arange(9.0)}, geometry=gpd.points_from_xy(range(112, 121), [36] * 9), crs=4326
        )
        with TemporaryDirectory() as folder:
            path = Path(folder) / f"points.{ending}"
            spots.to_parquet(path) if ending == "parquet" else spots.to_file(path)
            return {path.name: path.read_bytes()}

    return make


def _study_file(name: str) -> Callable[[], Files]:
    return lambda: {name: (default_study() / name).read_bytes()}


def _manifest() -> Files:
    from geo_cdei.config import Settings

    said = {"made_by": "geo_cdei 0", "python": "3.11.0", "libraries": {"pandas": "3.0.0"}, "steps": ["scores"]}
    said |= {"settings": Settings().model_dump(mode="json"), "inputs": {"data/raw/scores_2021.csv": "0" * 64}}
    said |= {"outputs": {"data/derived/cities.csv": "0" * 64}, "seconds": {"scores": 1.0}, "notices": []}
    return {"manifest.json": json.dumps(said, ensure_ascii=False).encode()}


SOUND: dict[str, Callable[[], Files]] = {
    "csv": _csv,
    "xlsx": lambda: {"data/raw/scores_2021.xlsx": workbook()},
    "ods": lambda: {"data/raw/scores_2021.ods": ods(ods_rows())},
    "parquet": _parquet_table,
    "geojson": _geojson,
    "shapefile": _layer("shp"),
    "geopackage": _layer("gpkg"),
    "geoparquet": _layer("parquet"),
    "flatgeobuf": _layer("fgb"),
    "zip": lambda: {"boundaries/layer.zip": zipped(dict(written("shp")))},
    "points csv": _points_csv,
    "points parquet": _points("parquet"),
    "points geopackage": _points("gpkg"),
    "toml": _study_file("geo-cdei.toml"),
    "recipe": _study_file("maps/recipes/scores.toml"),
    "descriptor": _study_file("data/datapackage.json"),
    "manifest": _manifest,
}
ZIPS = {"xlsx", "ods", "zip"}


# --- mutations


def _flip(data: bytes, rng: np.random.Generator) -> bytes:
    out = bytearray(data)
    for place in rng.integers(0, len(out), rng.integers(1, 9)):
        out[place] ^= 1 << int(rng.integers(8))
    return bytes(out)


def _cut(data: bytes, rng: np.random.Generator) -> bytes:
    return data[: rng.integers(0, len(data))]


def _delete(data: bytes, rng: np.random.Generator) -> bytes:
    start, length = rng.integers(0, len(data)), rng.integers(1, 200)
    return data[:start] + data[start + length :]


def _splice(data: bytes, rng: np.random.Generator) -> bytes:
    start, length, place = rng.integers(0, len(data)), rng.integers(1, 500), rng.integers(0, len(data))
    return data[:place] + data[start : start + length] + data[place + length * int(rng.integers(2)) :]


def _repeat(data: bytes, rng: np.random.Generator) -> bytes:
    start, length = rng.integers(0, len(data)), int(rng.integers(1, 300))
    return data[:start] + data[start : start + length] * int(rng.integers(2, 60)) + data[start + length :]


def _number(data: bytes, rng: np.random.Generator) -> bytes:
    """Put a huge or odd number in place of one that is written, or of four or eight bytes."""
    runs = list(re.finditer(rb"\d+(\.\d+)?", data))
    if runs and rng.integers(2):
        run = runs[rng.integers(len(runs))]
        return data[: run.start()] + NUMBERS[rng.integers(len(NUMBERS))] + data[run.end() :]
    odd = [
        b"\xff" * 4,
        b"\x7f\xff\xff\xff",
        b"\xff\xff\xff\x7f",
        b"\x00" * 4,
        b"\xff" * 8,
        b"\x00\x00\x00\x80",
        b"\x00" * 8,
    ]
    chosen, place = odd[rng.integers(len(odd))], rng.integers(0, len(data))
    return data[:place] + chosen + data[place + len(chosen) :]


def _token(data: bytes, rng: np.random.Generator) -> bytes:
    place = rng.integers(0, len(data))
    return data[:place] + TOKENS[rng.integers(len(TOKENS))] + data[place + int(rng.integers(20)) :]


def _recode(data: bytes, rng: np.random.Generator) -> bytes:
    """Write the text in another encoding; of other data, keep a part and mark it as UTF-16."""
    names = [
        "gb18030",
        "utf-16",
        "utf-16-le",
        "utf-16-be",
        "utf-8-sig",
        "big5",
        "utf-7",
        "utf-32",
        "shift_jis",
        "cp1252",
    ]
    try:
        return data.decode().encode(names[rng.integers(len(names))], errors="replace")
    except UnicodeDecodeError:
        return b"\xff\xfe" + data[rng.integers(0, len(data)) :]


MUTATIONS = (_flip, _cut, _delete, _splice, _repeat, _number, _token, _recode)


def mutate(data: bytes, rng: np.random.Generator) -> bytes:
    """Apply one to three mutations."""
    for _ in range(rng.integers(1, 4)):
        data = MUTATIONS[rng.integers(len(MUTATIONS))](data, rng) if data else b"x"
    return data


@cache
def sound(kind: str) -> tuple[tuple[str, bytes], ...]:
    """Give the sound files of a kind."""
    return tuple(SOUND[kind]().items())


def mutant(kind: str, number: int) -> Files:
    """Make case `number` of a kind: one of its files is mutated, of an archive often a part before it is packed.

    Parameters
    ----------
    kind : str
        A key of `SOUND`.
    number : int
        Seed of the case, from 0.

    Returns
    -------
    dict
        Path within a study to content; the same for the same arguments.
    """
    rng = np.random.default_rng([sum(kind.encode()), number])
    files = dict(sound(kind))
    name = list(files)[rng.integers(len(files))]
    if kind in ZIPS and rng.integers(4):
        parts = unzipped(files[name])
        part = list(parts)[rng.integers(len(parts))]
        files[name] = zipped(parts | {part: mutate(parts[part], rng)}, packed=bool(rng.integers(2)))
    else:
        files[name] = mutate(files[name], rng)
    if kind == "shapefile" and rng.integers(6) == 0:
        files.pop(list(files)[rng.integers(len(files))])
    return files


def place(files: Files, root: Path) -> None:
    """Write files into a study, and nothing else of their kind."""
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def clear(root: Path) -> None:
    """Empty a study folder."""
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
