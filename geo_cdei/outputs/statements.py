"""Sentences from numbers: the statement on the fifth pole, and the words for its criteria.

The words stand in ``phrases/``; the rules that choose between them are those of the analysis, stated where the facts
are made. What comes out is plain text: whoever puts it on a page passes it through the escaping door, once.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from geo_cdei.errors import OutputError
from geo_cdei.outputs.texts import LANGUAGES

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["criterion_words", "pole_notes", "pole_statement", "pole_word", "share_text"]


def share_text(value: float) -> str:
    """Write a share as whole percent, without rounding to impossible or certain.

    Parameters
    ----------
    value : float
        Share, 0 or more.

    Returns
    -------
    str
        Percent; "0%" and "100%" only where they are exact.

    Examples
    --------
    >>> share_text(0.562), share_text(0.004), share_text(0.997), share_text(1.0), share_text(0.0)
    ('56%', '<1%', '>99%', '100%', '0%')
    """
    if 0 < value < 0.01:
        return "<1%"
    if 0.99 < value < 1:
        return ">99%"
    return f"{value:.0%}"


@cache
def _words() -> dict[tuple[str, str], dict[str, str]]:
    with (_folder() / "pole_words.csv").open(encoding="utf-8", newline="") as file:
        return {(row["kind"], row["key"]): row for row in csv.DictReader(file)}


def _folder() -> Any:
    return resources.files("geo_cdei.outputs") / "phrases"


def pole_word(kind: str, key: str, *, lang: str) -> str:
    """Name a group, criterion, weighting, method or variant in a language.

    Parameters
    ----------
    kind : {"group", "criterion", "weights", "method", "variant"}
        What it is.
    key : str
        Its key in the tables; one that has no word stands for itself.
    lang : {"zh", "en"}
        The language.

    Returns
    -------
    str
        The word, not yet escaped.

    Raises
    ------
    OutputError
        If there are no words in that language.

    Examples
    --------
    >>> pole_word("criterion", "primacy", lang="zh"), pole_word("variant", "without breadth", lang="en")
    ('首位度', 'without Breadth')
    """
    _check_language(lang)
    found = _words().get((kind, key))
    if found is not None:
        return found[f"label_{lang}"]
    act, _, part = key.partition(" ")
    row = _words().get(("group", part)) or _words().get(("criterion", part))
    if kind == "variant" and row is not None and act in ("without", "only"):
        name = row[f"label_{lang}"]
        return f"{act} {name}" if lang == "en" else f"{'去掉' if act == 'without' else '只看'}{name}"
    return key


def criterion_words(keys: Sequence[str], *, lang: str) -> list[tuple[str, str]]:
    """Give the name and the plain sentence of every criterion.

    Parameters
    ----------
    keys : sequence of str
        Criteria.
    lang : {"zh", "en"}
        The language.

    Returns
    -------
    list of tuple of str
        Name and sentence, not yet escaped.

    Raises
    ------
    OutputError
        If there are no words in that language, or a criterion has no sentence.

    Examples
    --------
    >>> criterion_words(["n_corridors"], lang="en")
    [('Corridors', 'Stable corridors through at least one member; more is better.')]
    """
    _check_language(lang)
    lacking = [key for key in keys if ("criterion", key) not in _words()]
    if lacking:
        raise OutputError(f"{len(lacking)} criteria have no words: {', '.join(lacking)}. Add them to pole_words.csv.")
    rows = [_words()["criterion", key] for key in keys]
    return [(row[f"label_{lang}"], row[f"sentence_{lang}"]) for row in rows]


def pole_statement(facts: Mapping[str, Any], *, lang: str) -> str:
    """Write the statement on the fifth pole.

    Parameters
    ----------
    facts : mapping
        From ``pole_facts``.
    lang : {"zh", "en"}
        The language.

    Returns
    -------
    str
        Plain text in paragraphs and lists (lines that begin with "- "), not yet escaped.

    Raises
    ------
    OutputError
        If there is no template in that language, or a fact is lacking.
    """
    from jinja2 import UndefinedError

    _check_language(lang)
    source = (_folder() / f"pole_statement.{lang}.txt").read_text(encoding="utf-8")
    try:
        written = _environment(lang).from_string(source).render(**facts)
    except UndefinedError as error:
        raise OutputError(f"the statement lacks a fact: {error}. Give it all that pole_facts returns.") from error
    lines = [line.rstrip() for line in written.splitlines()]
    # one empty line between paragraphs, none between the items of a list
    kept = [line for i, line in enumerate(lines) if line or (i and lines[i - 1] and not _between_items(lines, i))]
    return "\n".join(kept).strip() + "\n"


def pole_notes(facts: Mapping[str, Any], *, lang: str) -> tuple[str, ...]:
    """Give the few lines of the statement that stand under a map.

    Parameters
    ----------
    facts : mapping
        From ``pole_facts``.
    lang : {"zh", "en"}
        The language.

    Returns
    -------
    tuple of str
        Who the candidates are, the verdict, what grouping does, whether the methods agree, and the first thing that
        the data cannot say; not yet escaped.

    Raises
    ------
    OutputError
        As :func:`pole_statement`.
    """
    paragraphs = [part.splitlines() for part in pole_statement(facts, lang=lang).split("\n\n")]
    _, opening, _, grouping, methods, *_, limits = paragraphs
    return (*opening, *grouping, *methods, limits[1].removeprefix("- "))


def _between_items(lines: list[str], at: int) -> bool:
    rest = next((line for line in lines[at:] if line), "")
    return lines[at - 1].startswith("- ") and rest.startswith("- ")


def _environment(lang: str) -> Environment:
    from jinja2 import Environment, StrictUndefined

    comma = "、" if lang == "zh" else ", "
    made = Environment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)
    made.filters["share"] = share_text
    made.filters["percent1"] = lambda value: f"{value:.1%}"
    made.filters["whole"] = lambda value: f"{value:,}"
    made.filters["label"] = lambda key, kind: pole_word(kind, key, lang=lang)
    made.filters["labels"] = lambda keys, kind, after="": comma.join(
        pole_word(kind, key, lang=lang) + after for key in keys
    )
    return made


def _check_language(lang: str) -> None:
    if lang not in LANGUAGES:
        raise OutputError(
            f"a statement is written in one of {LANGUAGES}, got {lang!r}. Set the language to zh or en."
        )
