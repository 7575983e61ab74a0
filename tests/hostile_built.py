"""Files built to do harm: bombs, entities, paths that climb, schemas that compute, nesting without end."""

from __future__ import annotations

import io
import json
import re
import sqlite3
import struct
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hostile import HTML, ODS_HEAD, SOUND, Files, ods, ods_rows, unzipped, workbook, written, zipped

from geo_cdei.workspace import default_study


def _sheet(xml: str, **others: bytes) -> Files:
    """Give a workbook whose first sheet is this XML."""
    head = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    parts = unzipped(workbook()) | {"xl/worksheets/sheet1.xml": (head + xml + "</worksheet>").encode()} | others
    return {"data/raw/scores_2021.xlsx": zipped(parts)}


def _text_cell(reference: str = "") -> str:
    return f'<c {reference} t="inlineStr"><is><t>x</t></is></c>'


FIRST = _text_cell('r="A1"')
FAR = {
    "": 'r="XFD1048576"',
    "in lower case": 'r="xfd1048576"',
    "with spaces": 'r = "XFD1048576"',
    "in other quotes": "r='XFD1048576'",
    "behind an attribute with >": 'foo="/>" r="XFD900000"',
    "as an entity": 'r="&#88;FD1048576"',
}
LAUGHS = "<!DOCTYPE l [<!ENTITY a0 'ha'>" + "".join(f"<!ENTITY a{k} '{f'&a{k - 1};' * 10}'>" for k in range(1, 10))
ENTITIES = {
    "laughs": LAUGHS + "]>",
    "outside": "<!DOCTYPE l [<!ENTITY a9 SYSTEM 'file:///etc/passwd'>]>",
    "network": "<!DOCTYPE l SYSTEM 'http://127.0.0.1:9/x.dtd' [<!ENTITY a9 'x'>]>",
}


def _workbooks() -> Iterator[tuple[str, Files]]:
    row = "<sheetData>{}</sheetData>".format
    for label, reference in FAR.items():
        yield f"a cell far away {label}", _sheet(row(f"<row>{FIRST}{_text_cell(reference)}</row>"))
    yield "a row far away", _sheet(row(f'<row>{FIRST}</row><row r="1048576">{"".join([_text_cell()] * 99)}</row>'))
    wide, tall = "".join([_text_cell()] * 16_000), f"<row>{_text_cell()}</row>" * 50_000
    yield "wide and tall without references", _sheet(row(f"<row>{wide}</row>{tall}"))
    merged = "".join('<mergeCell ref="A1:A50000"/>' for _ in range(50_000))
    yield "merged over and over", _sheet(row(tall) + f"<mergeCells>{merged}</mergeCells>")
    yield (
        "a dimension of everything",
        _sheet('<dimension ref="A1:XFD1048576"/>' + row(f'<row r="1">{FIRST}</row>')),
    )
    yield "a bomb of spaces", _sheet(row(" " * 150_000_000))
    parts = unzipped(workbook())
    yield (
        "a bomb in the shared texts",
        {"data/raw/scores_2021.xlsx": zipped(parts | {"xl/sharedStrings.xml": b"<sst>" + b" " * 190_000_000})},
    )
    for label, entity in ENTITIES.items():
        for part in ("xl/sharedStrings.xml", "xl/workbook.xml", "xl/worksheets/sheet1.xml"):
            old = parts.get(part, b"<sst><si><t>&a9;</t></si></sst>")
            body = re.sub(rb"<t>[^<]*</t>", b"<t>&a9;</t>", re.sub(rb"^<\?xml[^>]*\?>", b"", old))
            yield (
                f"entities: {label} in {part}",
                {"data/raw/scores_2021.xlsx": zipped(parts | {part: entity.encode() + body})},
            )
        yield (
            f"entities: {label} in ods",
            {
                "data/raw/scores_2021.ods": ods(
                    ods_rows().replace("北京", "&a9;"), ODS_HEAD.replace("?>", f"?>{entity}", 1)
                )
            },
        )
    wide_utf16 = (LAUGHS + "]>" + "<worksheet><sheetData/></worksheet>").encode("utf-16")
    yield (
        "entities in utf-16",
        {"data/raw/scores_2021.xlsx": zipped(parts | {"xl/worksheets/sheet1.xml": wide_utf16})},
    )
    yield (
        "a path that climbs",
        {"data/raw/scores_2021.xlsx": zipped(parts | {"../../../evil": b"x", "/tmp/evil": b"x"})},
    )
    yield (
        "a lie about a size",
        {
            "data/raw/scores_2021.xlsx": _lying(
                parts | {"xl/sharedStrings.xml": b" " * 60_000_000}, "xl/sharedStrings.xml"
            )
        },
    )
    yield "parts that overlap", {"data/raw/scores_2021.xlsx": _overlapping(parts)}
    yield (
        "an archive in an archive",
        {"data/raw/scores_2021.xlsx": zipped({"xl/workbook.xml": workbook(), "a.xlsx": workbook()})},
    )
    cell = '<table:table-cell office:value-type="float" office:value="1" table:number-columns-repeated="{}"/>'
    yield (
        "an ods row of a million values",
        {
            "data/raw/scores_2021.ods": ods(
                f'<table:table-row table:number-rows-repeated="1000000">{cell.format(16000)}</table:table-row>'
            )
        },
    )
    gap = '<table:table-row table:number-rows-repeated="1048570"><table:table-cell/></table:table-row>'
    yield (
        "an ods row below a gap",
        {"data/raw/scores_2021.ods": ods(f"{ods_rows()}{gap}<table:table-row>{cell.format(1000)}</table:table-row>")},
    )
    yield (
        "an ods with a count of 5000 digits",
        {
            "data/raw/scores_2021.ods": ods(
                f'<table:table-row table:number-rows-repeated="{"9" * 5000}">{cell.format(2)}</table:table-row>'
            )
        },
    )
    yield (
        "an xls that is text",
        {"data/raw/scores_2021.xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(range(256)) * 20},
    )
    yield "an xls that is a page", {"data/raw/scores_2021.xls": b"<html><table><tr><td>city</td></tr></table></html>"}


def _lying(parts: Files, name: str) -> bytes:
    """Pack, and write that `name` unpacks to ten bytes."""
    data = bytearray(zipped(parts))
    place = data.rindex(name.encode())
    data[place - 46 + 24 : place - 46 + 28] = struct.pack("<I", 10)
    place = data.index(name.encode())
    data[place - 30 + 22 : place - 30 + 26] = struct.pack("<I", 10)
    return bytes(data)


def _overlapping(parts: Files) -> bytes:
    """Pack a bomb once and list it a hundred times."""
    data = zipped({"bomb": b" " * 20_000_000})
    end = data.rindex(b"PK\x05\x06")
    start = struct.unpack("<I", data[end + 16 : end + 20])[0]
    entry = data[start:end]
    many = b"".join(entry.replace(b"bomb", f"b{k:03}".encode()) for k in range(100))
    tail = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 100, 100, len(many), start, 0)
    return data[:start] + many + tail


def _tables() -> Iterator[tuple[str, Files]]:
    name = "data/raw/scores_2021.csv"
    yield "a row of a million cells", {name: b"city,score" + b"," * 1_000_000}
    yield "a row of a million titles", {name: ",".join(f"c{k}" for k in range(200_000)).encode() + b"\n1"}
    yield "a second row of a million cells", {name: b"city,score\n" + b"1," * 1_000_000}
    yield "a cell of ten million signs", {name: b"city,score\n" + "北".encode() * 3_000_000 + b",1"}
    yield "a quotation that never ends", {name: b'city,score\n"' + b"a\n" * 1_000_000}
    yield "a million quotations", {name: b"city,score\n" + b'"' * 1_000_001}
    yield "numbers without end", {name: b"city,score\n" + "北京,".encode() + b"9" * 2_000_000}
    yield "an infinite column", {name: "city,score,more\n北京,90,1e999\n上海,80,2\n".encode()}
    yield "digits of every script", {name: "city,score\n北京,९५\n上海,٩٥\n苏州,𝟗𝟓\n".encode()}
    yield "nothing", {name: b""}
    yield "only ends of lines", {name: b"\n" * 1_000_000}
    yield "nul", {name: b"\x00" * 1_000_000}
    yield "an address", {name: b"http://127.0.0.1:9/x.csv"}
    yield "a pickle under the name of a table", {name: b"\x80\x04cos\nsystem\n(S'touch evil'\ntR."}
    yield (
        "a pickle under the name of parquet",
        {"data/raw/scores_2021.parquet": b"PAR1\x80\x04cos\nsystem\n(S'touch evil'\ntR.PAR1"},
    )
    yield "two hundred thousand rows of one city", {name: b"city,score\n" + "北京,90\n".encode() * 200_000}
    for label, rows, columns in (("long", 30_000_000, 1), ("wide", 1, 20_000), ("both", 200_000, 90)):
        yield f"a {label} parquet of one value", {"data/raw/scores_2021.parquet": _constant_parquet(rows, columns)}


@cache
def _constant_parquet(rows: int, columns: int) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    stream = io.BytesIO()
    column = pa.array(np.zeros(rows, dtype="i1"))
    pq.write_table(
        pa.table({f"c{k}": column for k in range(columns)}), stream, compression="zstd", row_group_size=rows
    )
    return stream.getvalue()


def _geojson_of(features: str, **more: object) -> Files:
    extra = "".join(f', "{key}": {json.dumps(value)}' for key, value in more.items())
    return {"boundaries/layer.geojson": f'{{"type": "FeatureCollection"{extra}, "features": [{features}]}}'.encode()}


def _feature(geometry: str, properties: str = '{"dm": "370100", "mc": "a"}') -> str:
    return f'{{"type": "Feature", "properties": {properties}, "geometry": {geometry}}}'


BOX = '{"type": "Polygon", "coordinates": [[[112,36],[113,36],[113,37],[112,37],[112,36]]]}'


def _layers() -> Iterator[tuple[str, Files]]:
    path = "boundaries/layer.geojson"
    vrt = '<OGRVRTDataSource><OGRVRTLayer name="x"><SrcDataSource>{}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>'
    for place in ("/etc/passwd", "/vsicurl/http://127.0.0.1:9/x", "http://127.0.0.1:9/x.geojson"):
        yield f"a VRT of {place}", {path: vrt.format(place).encode()}
    yield "a service description", {path: b'{"type": "Topology", "url": "http://127.0.0.1:9/arcgis/rest"}'}
    yield "json without an end", {path: b'{"type": "FeatureCollection", "features": ' + b"[" * 1_000_000}
    nest = '{"type":"GeometryCollection","geometries":[' * 300 + BOX + "]}" * 300
    yield "collections within collections", _geojson_of(_feature(nest))
    yield "coordinates of 5000 digits", _geojson_of(_feature(BOX.replace("113", "9" * 5000)))
    yield "coordinates beyond all", _geojson_of(_feature(BOX.replace("113", "1e999")))
    yield "coordinates that are no numbers", _geojson_of(_feature(BOX.replace("113", "NaN")))
    yield "coordinates of text", _geojson_of(_feature(BOX.replace("113", '"a"')))
    yield "coordinates as an object", _geojson_of(_feature('{"type": "Polygon", "coordinates": {"a": 1}}'))
    yield "a feature that is none", _geojson_of("1, null, [], true")
    yield "properties that are none", _geojson_of(_feature(BOX, "[1, 2]"))
    yield "a property called geometry", _geojson_of(_feature(BOX, '{"dm": "1", "mc": "a", "geometry": "b"}'))
    many = ",".join(_feature(BOX, f'{{"dm": "{k}", "k{k}": 1}}') for k in range(20_000))
    yield "a column for each of 20,000 features", _geojson_of(many)
    for label, crs in {
        "a file": "+init=/etc/passwd:1",
        "an address": "http://127.0.0.1:9/crs",
        "a grid": "+proj=longlat +nadgrids=/etc/passwd",
        "nonsense": "x" * 100_000,
        "a text of WKT": 'GEOGCS["' + "[" * 10_000,
    }.items():
        yield f"a CRS from {label}", _geojson_of(_feature(BOX), crs={"type": "name", "properties": {"name": crs}})
    yield (
        "a link to a CRS",
        _geojson_of(_feature(BOX), crs={"type": "link", "properties": {"href": "http://127.0.0.1:9"}}),
    )
    yield "hostile names", _geojson_of(_feature(BOX, json.dumps({"dm": HTML, "mc": "=cmd|' /C calc'!A0"})))
    yield "a GeoPackage called GeoJSON", {path: dict(written("gpkg"))["layer.gpkg"]}
    for ending in ("shp", "shx", "dbf"):
        files = {f"boundaries/{name}": data for name, data in written("shp")}
        yield (
            f"a Shapefile without {ending}",
            {name: data for name, data in files.items() if not name.endswith(ending)},
        )
        yield f"a Shapefile with an empty {ending}", {n: b"" if n.endswith(ending) else d for n, d in files.items()}
        yield (
            f"a Shapefile with half a {ending}",
            {n: d[: len(d) // 2] if n.endswith(ending) else d for n, d in files.items()},
        )
        stuffed = {n: d[:4] + b"\xff" * 40 + d[44:] if n.endswith(ending) else d for n, d in files.items()}
        yield f"a Shapefile with a stuffed {ending}", stuffed
    yield (
        "a CRS file of a million brackets",
        {f"boundaries/{n}": b"GEOGCS[" * 200_000 if n.endswith("prj") else d for n, d in written("shp")},
    )
    yield from _databases()
    yield from _nested_wkb()
    yield from _zips()


def _databases() -> Iterator[tuple[str, Files]]:
    """GeoPackages whose schema does something, or whose names are hostile."""
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
    statements = {
        "a view without end": "DROP TABLE layer; CREATE VIEW layer AS "
        f"{endless} SELECT i AS fid, NULL AS geom, i AS dm FROM n",
        "contents without end": (
            "ALTER TABLE gpkg_contents RENAME TO old; CREATE VIEW gpkg_contents AS "
            f"{endless} SELECT old.* FROM old, n"
        ),
        "triggers": (
            "CREATE TRIGGER t AFTER INSERT ON layer BEGIN SELECT load_extension('/tmp/evil.so'); END; "
            "CREATE TRIGGER u AFTER UPDATE ON layer BEGIN DELETE FROM layer; END"
        ),
        "a view that calls": (
            "ALTER TABLE layer RENAME TO old; CREATE VIEW layer AS SELECT fid, geom, dm, "
            "load_extension('/tmp/evil.so') AS mc FROM old"
        ),
        "a column that computes": "ALTER TABLE layer ADD COLUMN g TEXT "
        "GENERATED ALWAYS AS (printf('%.*c', 900000000, 'x'))",
        "an attached file": "CREATE TABLE a (b); INSERT INTO a VALUES ('ATTACH DATABASE ''/tmp/evil'' AS e')",
        "another CRS text": "UPDATE gpkg_spatial_ref_sys SET definition = '+init=/etc/passwd:1'",
        "a name with everything": (
            "UPDATE gpkg_contents SET table_name = '\"; DROP TABLE x; --../../evil<b>', identifier = '../../evil'"
        ),
        "a layer that is not there": "DROP TABLE layer",
        "a layer of the bookkeeping": "UPDATE gpkg_contents SET table_name = 'sqlite_master'",
        "a shape in 200,000 shapes": "UPDATE layer SET geom = (SELECT x FROM nested)",
        "shapes of a gigabyte": "UPDATE layer SET geom = zeroblob(900000000)",
        "names of a gigabyte": "DROP TRIGGER IF EXISTS x; UPDATE layer SET mc = CAST(zeroblob(100000000) AS TEXT)",
        "a virtual table": "DROP TABLE layer; CREATE VIRTUAL TABLE layer USING fts5(geom, dm, mc)",
        "an application of another": "PRAGMA application_id = 1",
        "a log beside it": "PRAGMA journal_mode = WAL",
    }
    for label, statement in statements.items():
        yield f"a GeoPackage with {label}", {"boundaries/layer.gpkg": _altered(statement)}
    whole = dict(written("gpkg"))["layer.gpkg"]
    journal = b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + b"\xff" * 600
    yield (
        "a GeoPackage with a journal beside it",
        {"boundaries/layer.gpkg": whole, "boundaries/layer.gpkg-journal": journal},
    )
    yield (
        "a GeoPackage with a log of rubbish",
        {"boundaries/layer.gpkg": whole, "boundaries/layer.gpkg-wal": b"\x37\x7f\x06\x82" * 50},
    )


def _altered(statement: str) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.gpkg"
        path.write_bytes(dict(written("gpkg"))["layer.gpkg"])
        connection = sqlite3.connect(path)
        for trigger in ("ST_IsEmpty", "ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY"):
            connection.create_function(trigger, 1, lambda _: 1.0)
        if "nested" in statement:
            head = b"GP\x00\x01" + struct.pack("<i", 4326) + COLLECTION * 200_000
            connection.execute("CREATE TABLE nested (x)")
            connection.execute("INSERT INTO nested VALUES (?)", [head + POINT])
            connection.commit()
        if "zeroblob" in statement:  # as small a file as such a thing can be
            statement = re.sub(r"00000\)", ")", statement)
        try:
            connection.executescript(statement)
        except sqlite3.Error as error:  # what this SQLite refuses to make cannot be sent either
            path.write_bytes(f"SQLite: {error}".encode())
        connection.close()
        return path.read_bytes()


POINT = b"\x01\x01\x00\x00\x00" + struct.pack("<dd", 112, 36)
COLLECTION, POLYGONS = (b"\x01" + kind + b"\x00\x00\x00\x01\x00\x00\x00" for kind in (b"\x07", b"\x06"))
HEADS = {
    "collections": COLLECTION,
    "polygons": POLYGONS,
    "either order": COLLECTION + b"\x00\x00\x00\x00\x06\x00\x00\x00\x01",
    "a point beside each": b"\x01\x07\x00\x00\x00\x02\x00\x00\x00" + POINT,
}


def _nested_wkb() -> Iterator[tuple[str, Files]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    geo = pq.read_schema(io.BytesIO(dict(written("parquet"))["layer.parquet"])).metadata
    shapes = {
        f"{label} in {depth:,} layers": head * depth + POINT
        for label, head in HEADS.items()
        for depth in (200, 200_000)
    }
    shapes |= {
        "a shape that says it is huge": b"\x01\x03\x00\x00\x00\xff\xff\xff\xff",
        "a shape of nothing": b"",
        "one byte": b"\x01",
    }
    shapes |= {"a ring that says it is huge": b"\x01\x03\x00\x00\x00\x01\x00\x00\x00\xff\xff\xff\x7f"}
    for label, shape in shapes.items():
        columns = pa.table({"dm": ["1"], "mc": ["a"], "geometry": pa.array([shape], pa.binary())})
        for name in ("boundaries/layer.parquet", "points.parquet"):
            stream = io.BytesIO()
            pq.write_table(columns.replace_schema_metadata(geo), stream)
            yield f"GeoParquet ({name}) with {label}", {name: stream.getvalue()}


def _zips() -> Iterator[tuple[str, Files]]:
    parts = dict(written("shp"))
    path = "boundaries/layer.zip"
    for name in (
        "../layer.shp",
        "../../evil.shp",
        "/tmp/evil.shp",
        "C:\\evil.shp",
        "..\\..\\evil.shp",
        "a/../../evil.shp",
    ):
        yield f"a zip with {name}", {path: zipped({(name if n.endswith("shp") else n): d for n, d in parts.items()})}
    yield "a zip of bombs", {path: zipped(parts | {"layer.dbf": parts["layer.dbf"] + b" " * 100_000_000})}
    yield "a zip that lies about a size", {path: _lying(parts | {"layer.dbf": b" " * 60_000_000}, "layer.dbf")}
    yield "a zip of parts that overlap", {path: _overlapping(parts)}
    yield "a zip in a zip", {path: zipped({"layer.zip": zipped(parts)})}
    yield "a zip of a thousand files", {path: zipped(parts | {f"f{k}": b"" for k in range(1000)})}
    yield "a zip with a name twice", {path: zipped(parts)[:-22] + zipped(parts)}
    link = zipfile.ZipInfo("layer.shp")
    link.external_attr = 0o120777 << 16
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(link, "/etc/passwd")
        archive.writestr("layer.dbf", parts["layer.dbf"])
        archive.writestr("layer.shx", parts["layer.shx"])
    yield "a zip with a link", {path: stream.getvalue()}
    yield "a zip with a secret", {path: _encrypted(parts)}


def _encrypted(parts: Files) -> bytes:
    data = bytearray(zipped(parts))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        for found in re.finditer(re.escape(mark), bytes(data)):
            data[found.start() + offset] |= 1
    return bytes(data)


def _texts() -> Iterator[tuple[str, Files]]:
    """Give settings, recipes, descriptors and manifests."""
    for kind, name in (("settings", "geo-cdei.toml"), ("a recipe", "maps/recipes/scores.toml")):
        settings = (default_study() / name).read_text(encoding="utf-8")
        top = settings if kind == "settings" else ""
        deep = {
            "arrays within arrays": "x = " + "[" * 100_000,
            "tables within tables": "x = " + "{a=" * 100_000,
            "a name of 50,000 parts": ".".join(["a"] * 50_000) + " = 1",
            "a header of 50,000 parts": "[" + ".".join(["a"] * 50_000) + "]",
            "a number of 5000 digits": "x = " + "9" * 5000,
            "a hexadecimal of 50,000 digits": f"x = 0x{'f' * 50_000}",
            "a text of five million signs": f'x = "{"a" * 5_000_000}"',
            "100,000 keys": "\n".join(f"k{k} = 1" for k in range(100_000)),
            "100,000 tables": "\n".join(f"[t{k}]" for k in range(100_000)),
            "a date that is none": "x = 9999-99-99",
            "a control sign": "x = '\x1b[2J'",
            "an empty name": '"" = 1',
            "a name of HTML": f'"{HTML}" = 1',
        }
        for label, text in deep.items():
            yield f"{kind} with {label}", {name: (text + "\n" + top).encode()}
    values = {
        "[study]\nedition": f"0x{'f' * 50_000}",
        "[study]\ntitle": f'"{HTML}"',
        "[boundaries]\npath": '"/vsicurl/http://127.0.0.1:9/x"',
        "[data]\nscores": '"../../../../etc/passwd"',
        "[map]\npalette": '"__import__"',
        "[scores]\nweights": '"a^9999999999999999999"',
        '[tables."../x"]\nsheet': '"a"',
        "[inference]\npermutations": "[" * 400 + "]" * 400,
    }
    for key, value in values.items():
        yield f"settings with {key.splitlines()[1]} = {value[:20]}", {"geo-cdei.toml": f"{key} = {value}\n".encode()}
    yield from _descriptors()
    yield from _manifests()


def _descriptors() -> Iterator[tuple[str, Files]]:
    base = json.loads((default_study() / "data/datapackage.json").read_text(encoding="utf-8"))
    entry = next(each for each in base["resources"] if each["name"] == "scores_2021")
    fields = entry["schema"]["fields"]
    city = next(field for field in fields if field["name"] == "city")
    score = next(field for field in fields if field["name"] == "score")
    changes: dict[str, Callable[[], object]] = {
        "a path that climbs": lambda: entry.update(path="../../../../etc/passwd"),
        "an absolute path": lambda: entry.update(path="/etc/passwd"),
        "an address": lambda: entry.update(path="http://127.0.0.1:9/x.csv"),
        "a path of numbers": lambda: entry.update(path=5),
        "a path of nul": lambda: entry.update(path="a\x00b"),
        "a path of a device": lambda: entry.update(path="raw/../../../../../../../../dev/zero"),
        "a name that is a list": lambda: entry.update(name=["a"]),
        "a pattern without end": lambda: city.update(constraints={"pattern": "(.*.*.*.*.*.*.*)*x"}),
        "a pattern that is none": lambda: city.update(constraints={"pattern": "(["}),
        "a pattern of a number": lambda: city.update(constraints={"pattern": 5}),
        "a largest value of text": lambda: score.update(constraints={"maximum": "x"}),
        "an enumeration of a number": lambda: city.update(constraints={"enum": 5}),
        "an enumeration of lists": lambda: city.update(constraints={"enum": [["a"], {}]}),
        "constraints that are a list": lambda: city.update(constraints=[1]),
        "a type of a list": lambda: city.update(type=["a"]),
        "a type that is unknown": lambda: city.update(type="python/object"),
        "a field name of a number": lambda: city.update(name=5),
        "headers of a number": lambda: city.update(headers=5),
        "headers of lists": lambda: city.update(headers=[["a"], None]),
        "a title of a list": lambda: city.update(title=["a"]),
        "a key of a number": lambda: entry["schema"].update(primaryKey=5),
        "a key of lists": lambda: entry["schema"].update(primaryKey=[["a"]]),
        "a hash of a number": lambda: entry.update(hash=5),
    }
    whole = json.dumps(base)
    for label, change in changes.items():
        entry, saved = json.loads(json.dumps(entry)), entry
        fields = entry["schema"]["fields"]
        city = next(field for field in fields if field["name"] == "city")
        score = next(field for field in fields if field["name"] == "score")
        change()
        package = json.loads(whole)
        package["resources"] = [entry if each.get("name") == "scores_2021" else each for each in package["resources"]]
        yield f"a descriptor with {label}", {"data/datapackage.json": json.dumps(package).encode()}
        entry = saved
    name = "data/datapackage.json"
    yield "a descriptor without an end", {name: b'{"resources": ' + b"[" * 1_000_000}
    yield "a descriptor with a number of 5000 digits", {name: b'{"resources": [], "x": ' + b"9" * 5000 + b"}"}
    yield (
        "a descriptor of 100,000 resources",
        {name: json.dumps({"resources": [{"path": f"raw/{k}.csv"} for k in range(100_000)]}).encode()},
    )


def _manifests() -> Iterator[tuple[str, Files]]:
    base = json.loads(SOUND["manifest"]()["manifest.json"])
    changes: dict[str, object] = {
        "steps": [["scores"]],
        "steps ": [5, None],
        "libraries": {"": "1", "../../x": "2", "\x00": "3"},
        "libraries ": {"pandas": [1]},
        "outputs": {"data/../../../../etc/passwd": "0", "/etc/passwd": "0", "data/\x00": "0"},
        "outputs ": {"data/x": 5},
        "stale_outputs": [1],
        "stale_outputs ": {"data/../../x": "0"},
        "inputs": {"../../x": 5},
        "made_by": {"a": 1},
        "seconds": [1],
        "settings": {"study": {"edition": 10**20}},
        "settings ": {"study": 5},
        "python": [1],
        "notices": 5,
    }
    for key, value in changes.items():
        yield (
            f"a manifest with {key.strip()} = {value!r}"[:80],
            {"manifest.json": json.dumps(base | {key.strip(): value}).encode()},
        )
    yield "a manifest without an end", {"manifest.json": b'{"inputs": ' + b"[" * 1_000_000}
    yield "a manifest with a number of 5000 digits", {"manifest.json": b'{"inputs": ' + b"9" * 5000 + b"}"}
    deep = "[" * 900 + "]" * 900
    yield (
        "a manifest 900 deep",
        {"manifest.json": json.dumps(base)[:-1].encode() + f', "x": {deep}, "settings": {{"a": {deep}}}}}'.encode()},
    )
    for label, run in _runs():
        yield f"a kept run: {label}", {"manifest.json": json.dumps(base).encode(), "data/derived/run.zip": run}


def _runs() -> Iterator[tuple[str, bytes]]:
    plain = json.dumps(
        {
            "frames": ["cities"],
            "settings": {},
            "facts": {},
            "notices": [],
            "national": {},
            "weights": "a",
            "base_graph": "",
        }
    )
    pickled = b"\x80\x04cos\nsystem\n(S'touch evil'\ntR."
    names = ("units", "provinces", "cities", "members", "clusters", "dash_line")
    frame = SOUND["parquet"]()["data/raw/scores_2021.parquet"]
    yield "frames that are pickles", zipped({"run.json": plain.encode(), "cities.parquet": pickled})
    yield "a bomb", zipped({"run.json": b" " * 150_000_000 + plain.encode(), "cities.parquet": pickled})
    whole = {f"{name}.parquet": frame for name in names}
    listed = plain.replace('["cities"]', json.dumps(names))
    yield "frames of something else", zipped({"run.json": listed.encode()} | whole)
    yield (
        "names that climb",
        zipped({"run.json": plain.replace("cities", "../../evil").encode(), "../../evil.parquet": frame}),
    )
    constant = _constant_parquet(30_000_000, 1)
    yield (
        "frames without end",
        zipped({"run.json": listed.encode()} | {f"{name}.parquet": constant for name in names}),
    )
    yield "facts without an end", zipped({"run.json": b'{"facts":' + b"[" * 500_000})


def built() -> Iterator[tuple[str, Files]]:
    """Give every file that was built to do harm, with what it is."""
    for make in (_tables, _workbooks, _layers, _texts):
        yield from make()
