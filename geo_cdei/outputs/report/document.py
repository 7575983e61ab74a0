"""What a report is made of: blocks that know nothing of HTML or Word, and numbers that know where they come from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

__all__ = [
    "Block", "Cell", "Document", "Figure", "Heading", "Number", "PageBreak", "Paragraph", "Run", "TableBlock",
    "Verbatim", "numbers_of", "plain",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Number:
    """A printed number with the cell of the derived table that it was read from.

    Parameters
    ----------
    value : float
        The value as the table has it; NaN where it is missing.
    text : str
        What is printed.
    table : str
        Name of the derived table, or ``settings`` and ``rules``.
    row : str
        The row as a query string over the table's columns, such as ``"cluster_id=C05"``.
    column : str
        The column; ``"#"`` is the number of rows that fit, ``"distinct(x)"`` that of the values of x in
        them, ``"rank(x)"`` the place from the top in column x.
    """

    value: float
    text: str
    table: str
    row: str
    column: str


Run = str | Number
Cell = tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; ``anchor`` is its name inside the document."""

    level: int
    runs: Cell
    anchor: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Text with numbers in it; ``style`` is body, lead, item, note or reference."""

    runs: Cell
    style: str = "body"


@dataclass(frozen=True, slots=True)
class TableBlock:
    """A table with a caption, one row of titles, and the columns that hold numbers."""

    caption: Cell
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    numeric: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture as PNG, with its caption and what it shows for a reader who cannot see it."""

    caption: Cell
    alt: str
    png: bytes
    width_mm: float


@dataclass(frozen=True, slots=True)
class Verbatim:
    """Lines that stand elsewhere word for word: a file of the study, or messages of the program."""

    lines: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class PageBreak:
    """What follows begins on a new page."""


Block = Heading | Paragraph | TableBlock | Figure | Verbatim | PageBreak


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report.

    Parameters
    ----------
    title, subtitle : str
        What it is called, and of which part of the study it is.
    lang : {"zh", "en"}
        Its language.
    date : str
        The study's date, ISO 8601.
    source : str
        Where the data come from.
    words : dict of str to str
        Words of the frame around the blocks: contents, page, table, figure, source.
    blocks : tuple of Block
        In order.
    """

    title: str
    subtitle: str
    lang: str
    date: str
    source: str
    words: dict[str, str]
    blocks: tuple[Block, ...]


def plain(runs: Cell) -> str:
    """Write runs as plain text.

    Parameters
    ----------
    runs : tuple of str and Number
        The runs.

    Returns
    -------
    str
        The text as it is printed.

    Examples
    --------
    >>> plain(("score ", Number(74.7771, "74.8", "clusters", "cluster_id=C01", "score")))
    'score 74.8'
    """
    return "".join(run.text if isinstance(run, Number) else run for run in runs)


def numbers_of(document: Document) -> Iterator[Number]:
    """Go through all numbers of a report in the order in which they are printed.

    Parameters
    ----------
    document : Document
        The report.

    Yields
    ------
    Number
        Of captions, paragraphs, headings and cells.
    """
    for block in document.blocks:
        for cell in _cells(block):
            yield from (run for run in cell if isinstance(run, Number))


def _cells(block: Block) -> Iterator[Cell]:
    if isinstance(block, Heading | Paragraph):
        yield block.runs
    elif isinstance(block, Figure):
        yield block.caption
    elif isinstance(block, TableBlock):
        yield block.caption
        for row in block.rows:
            yield from row
