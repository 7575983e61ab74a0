"""A report as a Word file with real styles, equal byte for byte from equal input.

The body is written as WordprocessingML at once, since python-docx fills a table cell by cell. Each number stands in a
bookmark ``n1``, ``n2`` ...; a custom XML part of the file says which cell of which table each of them is.
"""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from geo_cdei._atomic import atomic_path
from geo_cdei.outputs._escape import file_name
from geo_cdei.outputs.report.document import (
    Block,
    Cell,
    Document,
    Figure,
    Heading,
    Number,
    PageBreak,
    Paragraph,
    TableBlock,
    Verbatim,
    plain,
)  # fmt: skip
from geo_cdei.outputs.report.word_styles import TABLE_STYLE, set_up_styles

__all__ = ["NUMBERS_XML", "document_docx", "write_docx"]

#: Namespace of the part that says where every number comes from.
NUMBERS_XML = "urn:geo-cdei:report:numbers"
_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_NS = f'xmlns:w="{_W}"'
_STYLE_IDS = {"body": "Normal", "lead": "ReportLead", "item": "ListBullet", "note": "ReportNote",
              "reference": "ReportReference"}  # fmt: skip
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_EARLIEST = (1980, 1, 1, 0, 0, 0)  # what a zip file can say of a time that means nothing
_DEEPEST = 2
_SHORT = 16  # rows of a table that is kept on one page
_TEXT_WIDTH = 9638  # of A4 within its margins, in twentieths of a point


def write_docx(document: Document, path: Path) -> Path:
    """Write a report as a Word file.

    Parameters
    ----------
    document : Document
        The report.
    path : pathlib.Path
        The file; an earlier one stays whole until the new one is complete.

    Returns
    -------
    pathlib.Path
        The file written.

    Raises
    ------
    OutputError
        If the name is not plain, or the file is held open by another program.
    """
    file_name(path.name)
    with atomic_path(path) as partial:
        partial.write_bytes(document_docx(document))
    return path


def document_docx(document: Document) -> bytes:
    """Give the Word file of a report.

    Parameters
    ----------
    document : Document
        The report.

    Returns
    -------
    bytes
        The file; equal for equal reports.
    """
    import docx

    made: Any = docx.Document()
    set_up_styles(made, lang=document.lang)
    _set_properties(made, document)
    _Body(made, document).write()
    stream = io.BytesIO()
    made.save(stream)
    return _packed(stream.getvalue())


class _Body:
    """Write the blocks one after the other into an empty Word document."""

    def __init__(self, made: Any, document: Document) -> None:
        self._made, self._document = made, document
        self._body = made.element.body
        self._end = self._body.sectPr
        self._numbers: list[Number] = []
        self._counts = {"table": 0, "figure": 0}

    def write(self) -> None:
        """Write title, contents and all blocks, then the list of where the numbers come from."""
        document = self._document
        self._add(_paragraph(_run(document.title), "Title"))
        self._add(_paragraph(_run(document.subtitle), "Subtitle"))
        self._add(_paragraph(_run(f"{document.source}  {document.date}"), "ReportNote"))
        self._contents()
        for block in document.blocks:
            self._write(block)
        _frame_pages(self._made, document)
        _add_trace(self._made, self._numbers)

    def _add(self, xml: str) -> Any:
        from docx.oxml import parse_xml

        element = parse_xml(xml)
        self._end.addprevious(element)
        return element

    def _contents(self) -> None:
        """Write a field that already holds its entries, as links.

        Page numbers are Word's own and come when the field is updated; a setting that updates all fields at opening
        would greet the reader with a question, so there is none.
        """
        headings = [
            block for block in self._document.blocks if isinstance(block, Heading) and block.level <= _DEEPEST
        ]
        self._add(_paragraph(_run(self._document.words["contents"]), "ReportContents"))
        for at, heading in enumerate(headings):
            before = _field_begin(f'TOC \\o "1-{_DEEPEST}" \\h \\z \\u') if at == 0 else ""
            after = _field_char("end") if at == len(headings) - 1 else ""
            link = (
                f'<w:hyperlink w:anchor="_{heading.anchor}" w:history="1">{_run(plain(heading.runs))}</w:hyperlink>'
            )
            self._add(_paragraph(before + link + after, f"TOC{heading.level}"))
        self._write(PageBreak())

    def _write(self, block: Block) -> None:
        if isinstance(block, Heading):
            inner = self._bookmarked(f"_{block.anchor}", self._runs(block.runs))
            self._add(_paragraph(inner, f"Heading{min(block.level, 3)}"))
        elif isinstance(block, Paragraph):
            self._add(_paragraph(self._runs(block.runs), _STYLE_IDS[block.style]))
        elif isinstance(block, TableBlock):
            self._caption("table", block.caption)
            self._add(self._table(block))
            self._add(_paragraph("", "ReportGap"))
        elif isinstance(block, Figure):
            self._figure(block)
        elif isinstance(block, Verbatim):
            for line in block.lines:
                self._add(_paragraph(_run(line), "ReportQuote"))
        elif isinstance(block, PageBreak):
            self._add(_paragraph('<w:r><w:br w:type="page"/></w:r>', "ReportGap"))

    def _caption(self, kind: str, runs: Cell) -> None:
        """Write a caption with its number as a field, the present value inside."""
        self._counts[kind] += 1
        word = self._document.words[kind]
        field = _field_begin(f"SEQ {kind.title()} \\* ARABIC") + _run(str(self._counts[kind])) + _field_char("end")
        self._add(_paragraph(f"{_run(word + ' ')}{field}{_run('  ')}{self._runs(runs)}", "Caption"))

    def _table(self, block: TableBlock) -> str:
        head = "".join(
            _cell(_run(title), numeric, stay=True) for title, numeric in zip(block.header, block.numeric, strict=True)
        )
        # a short table is kept on one page: each of its rows with the next
        last = len(block.rows) - 1 if len(block.rows) <= _SHORT else 0
        rows = "".join(
            "<w:tr><w:trPr><w:cantSplit/></w:trPr>"
            + "".join(
                _cell(self._runs(cell), numeric, stay=at < last)
                for cell, numeric in zip(row, block.numeric, strict=True)
            )
            + "</w:tr>"
            for at, row in enumerate(block.rows)
        )
        grid = "".join(f'<w:gridCol w:w="{width}"/>' for width in _widths(block))
        title = quoteattr(_legal(plain(block.caption)))
        return (
            f'<w:tbl {_NS}><w:tblPr><w:tblStyle w:val="{TABLE_STYLE}"/><w:tblW w:w="5000" w:type="pct"/>'
            f'<w:tblLook w:firstRow="1" w:noVBand="1"/><w:tblCaption w:val={title}/></w:tblPr>'
            f"<w:tblGrid>{grid}</w:tblGrid>"
            f"<w:tr><w:trPr><w:cantSplit/><w:tblHeader/></w:trPr>{head}</w:tr>{rows}</w:tbl>"
        )

    def _figure(self, block: Figure) -> None:
        from docx.shared import Mm

        paragraph = self._add(_paragraph("<w:r></w:r>", "ReportFigure"))
        inline = self._made.part.new_pic_inline(io.BytesIO(block.png), Mm(block.width_mm))
        inline.docPr.set("descr", _legal(block.alt))
        inline.docPr.set("name", f"Figure {self._counts['figure'] + 1}")
        paragraph.r_lst[0].add_drawing(inline)
        self._caption("figure", block.caption)

    def _runs(self, runs: Cell) -> str:
        return "".join(self._number(run) if isinstance(run, Number) else _run(run) for run in runs)

    def _number(self, number: Number) -> str:
        self._numbers.append(number)
        return self._bookmarked(f"n{len(self._numbers)}", _run(number.text))

    def _bookmarked(self, name: str, inner: str) -> str:
        number = _bookmark_id(name)
        return f'<w:bookmarkStart w:id="{number}" w:name="{name}"/>{inner}<w:bookmarkEnd w:id="{number}"/>'


def _widths(block: TableBlock) -> list[int]:
    """Share the width of the page among the columns by their longest texts; a Chinese character counts twice."""
    columns = zip(block.header, *([plain(cell) for cell in row] for row in block.rows), strict=True)
    longest = [max(sum(1 + (ord(c) > 0x2E7F) for c in text) for text in texts) for texts in columns]
    shares = [min(max(length + 3, 10), 28) for length in longest]
    return [round(_TEXT_WIDTH * share / sum(shares)) for share in shares]


def _bookmark_id(name: str) -> int:
    """Give headings and numbers ids apart from each other."""
    return int(re.sub(r"\D", "", name)) * 2 + (not name.startswith("n"))


def _legal(value: str) -> str:
    """Leave out characters that XML cannot hold."""
    return _ILLEGAL.sub("\ufffd", value)


def _run(value: str) -> str:
    return f'<w:r><w:t xml:space="preserve">{escape(_legal(value))}</w:t></w:r>' if value else ""


def _paragraph(inner: str, style: str) -> str:
    return f'<w:p {_NS}><w:pPr><w:pStyle w:val="{style}"/></w:pPr>{inner}</w:p>'


def _cell(inner: str, numeric: bool, *, stay: bool) -> str:
    style = "ReportCellNumber" if numeric else "ReportCell"
    keep = "<w:keepNext/>" if stay else ""
    return f'<w:tc><w:tcPr/><w:p><w:pPr><w:pStyle w:val="{style}"/>{keep}</w:pPr>{inner}</w:p></w:tc>'


def _field_char(kind: str) -> str:
    return f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>'


def _field_begin(code: str) -> str:
    asked = f'<w:r><w:instrText xml:space="preserve"> {escape(code)} </w:instrText></w:r>'
    return _field_char("begin") + asked + _field_char("separate")


def _frame_pages(made: Any, document: Document) -> None:
    """A4, the title above every page, the page number below."""
    from docx.oxml import parse_xml
    from docx.shared import Mm

    section = made.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.left_margin = section.right_margin = Mm(20)
    section.top_margin, section.bottom_margin = Mm(20), Mm(18)
    page = _field_begin("PAGE") + _run("1") + _field_char("end")
    for part, inner, style in (
        (section.header, _run(document.title), "Header"),
        (section.footer, page, "Footer"),
    ):
        old = part.paragraphs[0]._p
        old.getparent().replace(old, parse_xml(_paragraph(inner, style)))


def _add_trace(made: Any, numbers: list[Number]) -> None:
    """Add the part that says of which table, row and column every number is."""
    from docx.opc.constants import RELATIONSHIP_TYPE
    from docx.opc.packuri import PackURI
    from docx.opc.part import Part

    rows = "".join(
        f'<number id="n{at}" table={quoteattr(number.table)} row={quoteattr(_legal(number.row))} '
        f"column={quoteattr(_legal(number.column))}/>"
        for at, number in enumerate(numbers, 1)
    )
    xml = f'<?xml version="1.0" encoding="UTF-8"?>\n<numbers xmlns="{NUMBERS_XML}">{rows}</numbers>'
    part = Part(PackURI("/customXml/numbers.xml"), "application/xml", xml.encode("utf-8"), made.part.package)
    made.part.relate_to(part, RELATIONSHIP_TYPE.CUSTOM_XML)


def _set_properties(made: Any, document: Document) -> None:
    day = dt.datetime.fromisoformat(document.date)
    properties = made.core_properties
    properties.title, properties.subject = _legal(document.title)[:255], _legal(document.subtitle)[:255]
    properties.author = properties.last_modified_by = "geo_cdei"
    properties.comments, properties.keywords = "", ""
    properties.created = properties.modified = day
    properties.revision, properties.language = 1, "zh-CN" if document.lang == "zh" else "en-US"


def _packed(raw: bytes) -> bytes:
    """Write the parts anew with one time for all: the zip file would hold the hour at which it was made."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as given, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        names = sorted(given.namelist(), key=lambda name: (name != "[Content_Types].xml", name))
        for name in names:
            entry = zipfile.ZipInfo(name, _EARLIEST)
            entry.external_attr, entry.create_system = 0o600 << 16, 3
            entry.compress_type = zipfile.ZIP_STORED if name.endswith(".png") else zipfile.ZIP_DEFLATED
            packed.writestr(entry, given.read(name))
    return stream.getvalue()
