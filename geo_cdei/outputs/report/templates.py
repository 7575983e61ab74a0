"""Text files become blocks: Jinja2 fills them in, and every filled place stays a run of its own.

A line of a template is one block. It begins with ``#`` (heading), ``- `` (item), ``! `` (the point of a section),
``> `` (note), ``~ `` (reference), or names a part that the section has ready: ``@table x``, ``@figure x``,
``@text x``, ``@page``. What the data put into a line cannot begin a block: the marks are read in the template's own
text only.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from geo_cdei.errors import OutputError
from geo_cdei.outputs.report.document import (
    Block,
    Cell,
    Figure,
    Heading,
    Number,
    PageBreak,
    Paragraph,
    Run,
    TableBlock,
    Verbatim,
    plain,
)  # fmt: skip
from geo_cdei.outputs.report.numbers import Numbers
from geo_cdei.outputs.report.verdicts import verdict
from geo_cdei.outputs.texts import LANGUAGES

if TYPE_CHECKING:
    from jinja2 import Environment, Template

__all__ = ["Section", "Writer", "report_word"]

# A filled place is its position between two characters that no text holds after `_clean`.
_OPEN, _CLOSE = "\ue000", "\ue001"
_PLACE = re.compile(f"{_OPEN}(\\d+){_CLOSE}")
_SEAM = re.compile("[\u4e00-\u9fff][0-9A-Za-z]|[0-9A-Za-z][\u4e00-\u9fff]")
_STYLES = {"- ": "item", "! ": "lead", "> ": "note", "~ ": "reference"}


@dataclass(frozen=True, slots=True)
class Section:
    """One part of a report: its template, what the template asks for, and the parts that it places.

    Parameters
    ----------
    template : str
        Name of the text file, without language and ending.
    values : mapping
        What the template may ask for beside the numbers.
    parts : mapping of str to Block
        Tables, figures and texts by the name that the template places them with; an absent one is left out.
    """

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    parts: Mapping[str, Block] = field(default_factory=dict)


@cache
def _words() -> dict[str, dict[str, str]]:
    with (_folder() / "words.csv").open(encoding="utf-8", newline="") as file:
        return {row["key"]: row for row in csv.DictReader(file)}


def _folder() -> Any:
    return files("geo_cdei.outputs") / "phrases" / "report"


def report_word(key: str, lang: str, default: str | None = None) -> str:
    """Give a word of the report in a language.

    Parameters
    ----------
    key : str
        Its key in ``words.csv``.
    lang : {"zh", "en"}
        The language.
    default : str, optional
        What stands for a key that has no word, such as a name that only the data know.

    Returns
    -------
    str
        The word, not yet escaped.

    Raises
    ------
    OutputError
        If there are no words in that language, or no such word and no default.

    Examples
    --------
    >>> report_word("verdict:not distinguishable", "en")
    'not distinguishable'
    """
    if lang not in LANGUAGES:
        raise OutputError(f"a report is written in one of {LANGUAGES}, got {lang!r}. Set the language to zh or en.")
    found = _words().get(key)
    if found is None and default is None:
        raise OutputError(f"the report has no word {key!r}. Add it to words.csv, in both languages.")
    return found[lang] if found is not None else str(default)


class Writer:
    """Write sections in one language from the numbers of one run.

    Parameters
    ----------
    numbers : Numbers
        The numbers.
    lang : {"zh", "en"}
        The language.
    asked : mapping
        Further names for every template, such as functions that name a cluster or a city.
    """

    def __init__(self, numbers: Numbers, lang: str, asked: Mapping[str, Any]) -> None:
        self._lang = lang
        self._runs: list[Run] = []
        self._anchors = 0
        self._templates: dict[str, Template] = {}
        self._environment = self._make(numbers, asked)

    def write(self, section: Section) -> list[Block]:
        """Fill in the template of a section and read its lines as blocks."""
        from jinja2 import UndefinedError

        if section.template not in self._templates:
            source = (_folder() / f"{section.template}.{self._lang}.txt").read_text(encoding="utf-8")
            self._templates[section.template] = self._environment.from_string(source)
        self._runs.clear()
        try:
            filled = self._templates[section.template].render(**section.values)
        except UndefinedError as error:
            raise OutputError(f"the section {section.template!r} lacks a value: {error}.") from error
        blocks = [self._block(line.strip(), section) for line in filled.split("\n") if line.strip()]
        return [block for block in blocks if block is not None]

    def _make(self, numbers: Numbers, asked: Mapping[str, Any]) -> Environment:
        from jinja2 import Environment, StrictUndefined

        made = Environment(
            undefined=StrictUndefined, autoescape=False, finalize=self._keep, trim_blocks=True, lstrip_blocks=True
        )
        made.globals |= {
            "n": numbers.value, "pct": numbers.percent, "p": numbers.p, "count": numbers.count,
            "distinct": numbers.distinct, "rank": numbers.rank, "setting": numbers.setting, "rule": numbers.rule,
            "has": numbers.has, "raw": numbers.text,
            "w": lambda key, default=None: report_word(key, self._lang, default),
            "verdict": lambda number: verdict(number.value),
            "said": lambda number: report_word(f"verdict:{verdict(number.value)}", self._lang),
        }  # fmt: skip
        made.globals |= asked
        return made

    def _keep(self, value: Any) -> str:
        """Put a filled place aside and leave its position, so that no text of the data is read as a mark."""
        if isinstance(value, str) and not value:
            return ""
        self._runs.append(value if isinstance(value, Number) else _clean(str(value)))
        return f"{_OPEN}{len(self._runs) - 1}{_CLOSE}"

    def _block(self, line: str, section: Section) -> Block | None:
        if line == "@page":
            return PageBreak()
        if line.startswith("@"):
            _, _, name = line.partition(" ")
            return self._captioned(section.parts.get(name.strip().partition(" ")[0]), name.strip().partition(" ")[2])
        level = len(line) - len(line.lstrip("#"))
        if level:
            self._anchors += 1
            return Heading(level, self._split(line[level:].strip()), f"s{self._anchors}")
        style = _STYLES.get(line[:2])
        return Paragraph(self._split(line[2:]), style) if style else Paragraph(self._split(line))

    def _captioned(self, part: Block | None, caption: str) -> Block | None:
        """Give a table or figure the caption that stands behind its name in the template."""
        runs = self._split(caption)
        if isinstance(part, TableBlock):
            return TableBlock(runs, part.header, part.rows, part.numeric)
        if isinstance(part, Figure):
            return Figure(runs, part.alt or plain(runs), part.png, part.width_mm)
        if isinstance(part, Verbatim) or part is None:
            return part
        raise OutputError(f"a section can place tables, figures and texts, got {type(part).__name__}.")

    def _split(self, text: str) -> Cell:
        pieces = _PLACE.split(text)
        runs: list[Run] = [self._runs[int(piece)] if i % 2 else piece for i, piece in enumerate(pieces)]
        runs = [run for run in runs if run != ""]
        return tuple(_apart(runs)) if self._lang == "zh" else tuple(runs)


def _apart(runs: list[Run]) -> list[Run]:
    """Put the space between Chinese and Latin that a template cannot: it does not know how a name begins or ends."""
    apart = runs[:1]
    for run in runs[1:]:
        seam = f"{apart[-1]}"[-1:] + f"{run}"[:1] if isinstance(run, str) and isinstance(apart[-1], str) else ""
        apart.append(f" {run}" if _SEAM.fullmatch(seam) else run)
    return apart


def _clean(text: str) -> str:
    """One line without control characters or the two marks of a filled place."""
    return re.sub(f"[\x00-\x1f\x7f\u2028\u2029{_OPEN}{_CLOSE}]+", " ", text)
