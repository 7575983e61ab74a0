"""The styles of the Word report: fonts for both scripts, headings, captions, cells, and the table itself."""

from __future__ import annotations

from typing import Any

__all__ = ["TABLE_STYLE", "set_up_styles"]

TABLE_STYLE = "ReportTable"
_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_BLUE, _GREY = "16425B", "41525E"

#: Fonts that come with Word: for Latin, for Chinese text, for Chinese headings.
LATIN, CHINESE, CHINESE_HEADING = "Arial", "Microsoft YaHei", "Microsoft YaHei"

# id, name, based on, size in half points, colour, bold, space before and after in twentieths of a point, further XML
_PARAGRAPHS: tuple[tuple[str, str, str, int, str, bool, tuple[int, int], str], ...] = (
    ("ReportLead", "Report Lead", "Normal", 21, "1F2A33", True, (0, 120),
     '<w:pBdr><w:left w:val="single" w:sz="18" w:space="6" w:color="2C7FB8"/></w:pBdr>'),
    ("ReportNote", "Report Note", "Normal", 18, _GREY, False, (0, 100), ""),
    ("ReportReference", "Report Reference", "Normal", 18, "1F2A33", False, (0, 60),
     '<w:ind w:left="360" w:hanging="360"/>'),
    ("ReportQuote", "Report Quote", "Normal", 18, _GREY, False, (0, 20),
     '<w:shd w:val="clear" w:color="auto" w:fill="F4F7F9"/><w:ind w:left="200"/>'),
    ("ReportContents", "Report Contents", "Normal", 24, _BLUE, True, (200, 80), "<w:keepNext/>"),
    ("ReportGap", "Report Gap", "Normal", 8, _GREY, False, (0, 0), ""),
    ("ReportFigure", "Report Figure", "Normal", 20, _GREY, False, (120, 40), '<w:keepNext/><w:jc w:val="center"/>'),
    ("ReportCell", "Report Cell", "Normal", 16, "1F2A33", False, (10, 10), ""),
    ("ReportCellNumber", "Report Cell Number", "ReportCell", 16, "1F2A33", False, (10, 10), '<w:jc w:val="right"/>'),
    ("TOC1", "toc 1", "Normal", 18, "1F2A33", False, (0, 0),
     '<w:tabs><w:tab w:val="right" w:leader="dot" w:pos="9600"/></w:tabs>'),
    ("TOC2", "toc 2", "Normal", 17, _GREY, False, (0, 0),
     '<w:tabs><w:tab w:val="right" w:leader="dot" w:pos="9600"/></w:tabs><w:ind w:left="240"/>'),
)  # fmt: skip
# Line spacing; that of the contents is fixed, since Chinese fonts would take a second page for it.
_CLOSE = 'w:line="224" w:lineRule="exact"'
_LEADING = {"": 'w:line="264" w:lineRule="auto"', "TOC1": _CLOSE, "TOC2": _CLOSE}
# Styles of the template that are given our fonts, sizes and colours.
_KNOWN = {
    "Normal": (10.0, "1F2A33", False), "Title": (20.0, _BLUE, True), "Subtitle": (12.0, _GREY, False),
    "Heading 1": (15.0, _BLUE, True), "Heading 2": (12.5, _BLUE, True), "Heading 3": (11.0, "1F2A33", True),
    "Caption": (9.0, _GREY, False), "List Bullet": (10.0, "1F2A33", False),
    "Header": (8.0, _GREY, False), "Footer": (8.0, _GREY, False),
}  # fmt: skip


def set_up_styles(made: Any, *, lang: str) -> None:
    """Give a new Word document the styles of the report.

    Parameters
    ----------
    made : docx.document.Document
        From python-docx's own template.
    lang : {"zh", "en"}
        Language of the text, for spelling.
    """
    from docx.oxml import parse_xml
    from docx.shared import Pt, RGBColor

    root = made.styles.element
    for name, (size, colour, bold) in _KNOWN.items():
        style = made.styles[name]
        style.font.size, style.font.bold, style.font.italic = Pt(size), bold, False
        style.font.color.rgb = RGBColor.from_string(colour)
        _set_fonts(style.element.get_or_add_rPr(), heading=name.startswith(("Heading", "Title")), lang=lang)
    made.styles["Normal"].paragraph_format.space_after = Pt(6)
    for name in ("Heading 1", "Heading 2", "Heading 3", "Caption"):
        made.styles[name].paragraph_format.keep_with_next = True
    made.styles["Heading 1"].paragraph_format.space_before = Pt(18)
    made.styles["Heading 1"].paragraph_format.space_after = Pt(6)
    for style in _PARAGRAPHS:
        root.append(parse_xml(_paragraph_style(*style)))
    root.append(parse_xml(_table_style()))


def _set_fonts(properties: Any, *, heading: bool, lang: str) -> None:
    """Name the fonts of all scripts, in place of those that the theme would choose by the system's language."""
    from docx.oxml.ns import qn

    fonts = properties.get_or_add_rFonts()
    for name in list(fonts.attrib):
        del fonts.attrib[name]
    chinese = CHINESE_HEADING if heading else CHINESE
    for script, font in (("ascii", LATIN), ("hAnsi", LATIN), ("cs", LATIN), ("eastAsia", chinese)):
        fonts.set(qn(f"w:{script}"), font)
    for old in properties.findall(qn("w:lang")):
        properties.remove(old)
    spoken = properties.makeelement(qn("w:lang"), {qn("w:val"): "en-US", qn("w:eastAsia"): "zh-CN"})
    if lang == "zh":
        spoken.set(qn("w:val"), "zh-CN")
    properties.append(spoken)


def _paragraph_style(
    style_id: str, name: str, base: str, size: int, colour: str, bold: bool, space: tuple[int, int], more: str
) -> str:
    # the order of the elements is the schema's: keepNext, pBdr, shd, tabs, spacing, ind, jc
    early = more if more.startswith(("<w:keepNext/>", "<w:pBdr", "<w:shd", "<w:tabs")) else ""
    late = more.removeprefix(early)
    for mark in ("<w:ind ", "<w:jc "):
        if mark in early:
            early, _, rest = early.partition(mark)
            late = mark + rest
    weight, leading = "<w:b/>" if bold else "", _LEADING.get(style_id, _LEADING[""])
    return (
        f'<w:style xmlns:w="{_W}" w:type="paragraph" w:customStyle="1" w:styleId="{style_id}">'
        f'<w:name w:val="{name}"/><w:basedOn w:val="{base}"/><w:qFormat/><w:pPr>{early}'
        f'<w:spacing w:before="{space[0]}" w:after="{space[1]}" {leading}/>{late}</w:pPr>'
        f'<w:rPr><w:rFonts w:ascii="{LATIN}" w:hAnsi="{LATIN}" w:eastAsia="{CHINESE}" w:cs="{LATIN}"/>{weight}'
        f'<w:color w:val="{colour}"/><w:sz w:val="{size}"/><w:szCs w:val="{size}"/></w:rPr></w:style>'
    )


def _table_style() -> str:
    line = f'w:val="single" w:space="0" w:color="{_BLUE}"'
    thin = 'w:val="single" w:sz="4" w:space="0" w:color="E3E9ED"'
    return (
        f'<w:style xmlns:w="{_W}" w:type="table" w:customStyle="1" w:styleId="{TABLE_STYLE}">'
        '<w:name w:val="Report Table"/><w:basedOn w:val="TableNormal"/><w:qFormat/>'
        f'<w:tblPr><w:tblBorders><w:top {line} w:sz="12"/><w:bottom {line} w:sz="12"/><w:insideH {thin}/>'
        '</w:tblBorders><w:tblCellMar><w:left w:w="100" w:type="dxa"/><w:right w:w="100" w:type="dxa"/>'
        '</w:tblCellMar></w:tblPr><w:tblStylePr w:type="firstRow"><w:rPr><w:b/></w:rPr><w:tcPr><w:tcBorders>'
        f'<w:bottom {line} w:sz="6"/></w:tcBorders><w:shd w:val="clear" w:color="auto" w:fill="E7EEF2"/></w:tcPr>'
        "</w:tblStylePr></w:style>"
    )
