"""Read the numbers of a report back: from the page, from the Word file, and from the tables they name."""

from __future__ import annotations

import io
import math
import re
import zipfile
from html.parser import HTMLParser
from urllib.parse import parse_qsl
from xml.etree import ElementTree

import pandas as pd

from geo_cdei.outputs._escape import uncell
from geo_cdei.outputs.report.numbers import MISSING
from geo_cdei.outputs.report.verdicts import RULES
from geo_cdei.outputs.report.word import NUMBERS_XML

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


class Page(HTMLParser):
    """Collect the traced numbers of a page, its visible text, and every tag with its attributes."""

    def __init__(self, html):
        super().__init__()
        self.numbers, self.tags, self.text = [], [], []
        self._now, self._hidden = None, False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        """Note a tag, and whether it opens a number."""
        given = dict(attrs)
        self.tags.append((tag, given))
        self._hidden = tag == "style"
        if given.get("class") == "n":
            self._now = (given["data-table"], given["data-row"], given["data-column"])

    def handle_data(self, data):
        """Note a text."""
        if self._now is not None:
            self.numbers.append((*self._now, data))
            self._now = None
        if not self._hidden:
            self.text.append(data)

    def handle_endtag(self, _):
        """Leave the style sheet."""
        self._hidden = False


def word_numbers(content):
    """List table, row, column and printed text of every number of a Word file."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        body = ElementTree.fromstring(archive.read("word/document.xml"))
        trace = ElementTree.fromstring(archive.read("customXml/numbers.xml"))
    where = {
        n.get("id"): (n.get("table"), n.get("row"), n.get("column")) for n in trace.iter(f"{{{NUMBERS_XML}}}number")
    }
    found, now = {}, None
    for element in body.iter():
        if element.tag == f"{W}bookmarkStart" and element.get(f"{W}name") in where:
            now = element.get(f"{W}name")
        elif element.tag == f"{W}bookmarkEnd":
            now = None
        elif element.tag == f"{W}t" and now is not None:
            found[now] = found.get(now, "") + element.text
    assert found.keys() == where.keys()
    return [(*where[name], text) for name, text in found.items()]


class Tables:
    """The derived tables of a study as they stand on disk, asked by the trace of a number."""

    def __init__(self, folder, settings):
        self._folder, self._settings, self._read, self._found = folder, settings, {}, {}

    def value(self, table, row, column):
        """Compute what a trace stands for, from the file."""
        if table == "rules":
            return RULES[column]
        if table == "settings":
            found = self._settings
            for name in [*row.split("."), column]:
                found = getattr(found, name)
            return float(found)
        frame, key = self._frame(table), dict(parse_qsl(row, keep_blank_values=True))
        return self._of(frame, self._rows(table, frame, key), column)

    def _rows(self, table, frame, key):
        """List the rows with these values, found once for all keys of the same columns."""
        names = tuple(key)
        if (table, names) not in self._found:
            found = self._found[table, names] = {}
            for at, cells in enumerate(zip(*(frame[name] for name in names), strict=True)):
                found.setdefault(tuple(plain(uncell(cell)) for cell in cells), []).append(at)
        return self._found[table, names].get(tuple(key.values()), []) if names else list(range(len(frame)))

    def _of(self, frame, rows, column):
        asked = re.fullmatch(r"(distinct|rank)\((.+)\)", column)
        if column == "#":
            return float(len(rows))
        if asked and asked[1] == "distinct":
            return float(frame[asked[2]].iloc[rows].nunique())
        assert len(rows) == 1
        values = frame[asked[2] if asked else column]
        own = values.iloc[rows[0]]
        if own == "":
            return math.nan
        if asked:
            return 1.0 + float((pd.to_numeric(values) > float(own)).sum())
        return float(own)

    def _frame(self, table):
        if table not in self._read:
            path = self._folder / "data" / "derived" / f"{table}.csv"
            self._read[table] = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        return self._read[table]


def plain(cell):
    """Write a cell as a trace does: numbers without needless decimals."""
    return f"{float(cell):g}" if re.fullmatch(r"-?\d+\.\d+", cell) else cell


def fits(text, value):
    """Whether a printed text is the value of the table, within its printed precision and the four decimals of CSV."""
    if text == MISSING or math.isnan(value):
        return text == MISSING and math.isnan(value)
    scale = 100 if text.endswith("%") else 1
    bare = text.rstrip("%").replace(",", "")
    if bare[0] in "<>":
        edge = float(bare[1:])
        return (value * scale < edge + 0.005) if bare[0] == "<" else (value * scale > edge - 0.005)
    decimals = len(bare.partition(".")[2])
    return abs(float(bare) - value * scale) <= 0.5 * 10**-decimals + 0.5e-4 * scale + 1e-9
