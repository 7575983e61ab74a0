"""A report as one page for the screen and for print: no script, no request, numbers that name their cell."""

from __future__ import annotations

import base64
from functools import singledispatch
from importlib.resources import files
from pathlib import Path

from geo_cdei._atomic import atomic_path
from geo_cdei.outputs._escape import file_name, text
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

__all__ = ["document_html", "write_html"]

_POLICY = (
    "default-src 'none'; script-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'"
)
_DEEPEST = 2  # levels of headings in the table of contents


def write_html(document: Document, path: Path) -> Path:
    """Write a report as a self-contained page.

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
        partial.write_bytes(document_html(document).encode("utf-8"))
    return path


def document_html(document: Document) -> str:
    """Give the page of a report.

    Parameters
    ----------
    document : Document
        The report.

    Returns
    -------
    str
        The page; every text went through the escaping door.
    """
    style = (files("geo_cdei.outputs") / "assets" / "report.css").read_text(encoding="utf-8")
    words = document.words
    lang = "zh-CN" if document.lang == "zh" else "en"
    counted = _Counted(words)
    body = "\n".join(counted.html(block) for block in document.blocks)
    return (
        f'<!DOCTYPE html>\n<html lang="{lang}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{text(document.title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        f'<header>\n<p class="title">{text(document.title)}</p>\n<p class="subtitle">{text(document.subtitle)}</p>\n'
        f'<p class="imprint">{text(document.source)}<br>{text(document.date)}</p>\n</header>\n'
        f"{_contents(document)}\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _contents(document: Document) -> str:
    headings = [block for block in document.blocks if isinstance(block, Heading) and block.level <= _DEEPEST]
    lines = [
        f'<li class="level{heading.level}"><a href="#{heading.anchor}">{text(plain(heading.runs))}</a></li>'
        for heading in headings
    ]
    title = text(document.words["contents"])
    return (
        f'<nav aria-label="{title}">\n<p class="contents">{title}</p>\n<ol>\n' + "\n".join(lines) + "\n</ol>\n</nav>"
    )


class _Counted:
    """Blocks as HTML, with tables and figures numbered in their order."""

    def __init__(self, words: dict[str, str]) -> None:
        self._words = words
        self._tables = self._figures = 0

    def html(self, block: Block) -> str:
        """Write one block."""
        if isinstance(block, TableBlock):
            self._tables += 1
            return _table(block, f"{self._words['table']} {self._tables}")
        if isinstance(block, Figure):
            self._figures += 1
            return _figure(block, f"{self._words['figure']} {self._figures}")
        return _written(block)


@singledispatch
def _written(block: object) -> str:
    raise TypeError(f"a page has no form for {type(block).__name__}")


@_written.register
def _(block: Heading) -> str:
    level = min(block.level, 6)
    return f'<h{level} id="{block.anchor}">{_runs(block.runs)}</h{level}>'


@_written.register
def _(block: Paragraph) -> str:
    return f'<p class="{block.style}">{_runs(block.runs)}</p>'


@_written.register
def _(block: Verbatim) -> str:
    lines = "".join(f"<p>{text(line)}</p>" for line in block.lines)
    return f'<blockquote data-source="{text(block.source)}">{lines}</blockquote>'


@_written.register
def _(block: PageBreak) -> str:  # noqa: ARG001
    return '<div class="page"></div>'


def _table(block: TableBlock, label: str) -> str:
    sides = ['class="number"' if numeric else "" for numeric in block.numeric]
    head = "".join(
        f'<th scope="col" {side}>{text(title)}</th>' for title, side in zip(block.header, sides, strict=True)
    )
    rows = "\n".join(
        "<tr>" + "".join(f"<td {side}>{_runs(cell)}</td>" for cell, side in zip(row, sides, strict=True)) + "</tr>"
        for row in block.rows
    )
    return (
        f'<table>\n<caption><span class="label">{text(label)}</span> {_runs(block.caption)}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>"
    ).replace(" >", ">")


def _figure(block: Figure, label: str) -> str:
    picture = base64.b64encode(block.png).decode()
    return (
        f'<figure style="max-width:{block.width_mm:g}mm"><img alt="{text(block.alt)}" '
        f'src="data:image/png;base64,{picture}">'
        f'<figcaption><span class="label">{text(label)}</span> {_runs(block.caption)}</figcaption></figure>'
    )


def _runs(runs: Cell) -> str:
    return "".join(_number(run) if isinstance(run, Number) else text(run) for run in runs)


def _number(number: Number) -> str:
    return (
        f'<span class="n" data-table="{text(number.table)}" data-row="{text(number.row)}" '
        f'data-column="{text(number.column)}">{text(number.text)}</span>'
    )
