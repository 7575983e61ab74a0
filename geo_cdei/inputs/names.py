"""The book of names: every writing that stands for a unit, and the reason for each that does not.

Nothing is ever looked up by a part of a name: one city's name is the end of another's, and 31 county-level
units share a stem with a city of the index. Any writing that is accepted beyond the official and the short
name is a row of ``boundaries/aliases.csv``, to be read and corrected there.
"""

from __future__ import annotations

import difflib
import functools
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pandas as pd

from geo_cdei.errors import SchemaError

__all__ = [
    "Book",
    "Counties",
    "Found",
    "build_book",
    "cell_text",
    "join_notes",
    "normalize_name",
    "read_code",
    "suggest",
]

Counties = pd.DataFrame | Callable[[], pd.DataFrame] | None
_IGNORED = re.compile("[\\s'\"`\u2018\u2019\u201c\u201d\u200b-\u200f\u2060\ufeff]+")
KIND = "prefecture-level unit"
LIKE = 0.5  # half of the characters in place; below that a suggestion only misleads
_POWER = re.compile(r"\d+(\.\d+)?e\+?\d{1,2}")


def normalize_name(name: object, traditional: Mapping[int, int] | None = None) -> str:
    """Bring a name to the one form in which names are compared.

    Parameters
    ----------
    name : object
        A cell; a missing one gives the empty string.
    traditional : mapping of code point to code point, optional
        Traditional characters and their simplified forms.

    Returns
    -------
    str
        Half-width (NFKC), simplified, lower case, without spaces, quotes and zero-width characters.

    Examples
    --------
    >>> normalize_name(" 廣州 市", {ord("廣"): ord("广")})
    '广州市'
    """
    text = unicodedata.normalize("NFKC", cell_text(name)).translate(dict(traditional or {}))
    text = _IGNORED.sub("", unicodedata.normalize("NFKC", text.lower()))
    return unicodedata.normalize("NFKC", text)  # what was taken out may have kept two characters apart


@dataclass(frozen=True, slots=True)
class Found:
    """What a name, or a code and a name, come to: one unit, several or none, and why.

    Parameters
    ----------
    adcodes : tuple of str
        The units; more than one for an ambiguous name.
    how, note, suggestions : str
        Kind of name (or ``code``), remark or reason, and the nearest official names.
    """

    adcodes: tuple[str, ...] = ()
    how: str = ""
    note: str = ""
    suggestions: str = ""


@dataclass(frozen=True, slots=True)
class Book:
    """All names, ready to be looked up; counties are read only when a name is in no other list.

    Parameters
    ----------
    official : dict of str to str
        Official name of each unit, by ``adcode``.
    simplified : dict of int to int
        Traditional code points and their simplified forms.
    counties : callable
        Gives the county-level names and where each is.
    names, refused : dict
        What each normalized name stands for, or why it is refused.
    spellings : list of (str, str)
        Normalized names and units, for suggestions.
    kind : str
        What a unit is called in messages.
    """

    official: dict[str, str]
    simplified: dict[int, int]
    counties: Callable[[], dict[str, list[str]]]
    names: dict[str, Found] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    spellings: list[tuple[str, str]] = field(default_factory=list)
    kind: str = KIND

    def label(self, adcodes: Iterable[str]) -> str:
        """Official names with their codes, for a message."""
        return ", ".join(f"{self.official[adcode]} ({adcode})" for adcode in adcodes)

    def refusal(self, key: str) -> str:
        """Why a name is no unit; empty if nothing is known of it."""
        if key in self.refused:
            return self.refused[key]
        places = self.counties().get(key, [])
        more = f" and {len(places) - 3} more" if len(places) > 3 else ""
        named = ", ".join(places[:3]) + more
        return f"a county-level name ({named}), not a {self.kind}" if places else ""


def build_book(units: pd.DataFrame, aliases: pd.DataFrame, counties: Counties = None) -> Book:
    """Enter all names of the code list and the aliases, the stronger kind of name first.

    Parameters
    ----------
    units : pandas.DataFrame
        Indexed by ``adcode``: ``official_name``, ``short_name``, ``name_en``; ``attrs["kind"]`` may say what a
        unit is called.
    aliases : pandas.DataFrame
        ``adcode``, ``alias``, ``kind``, ``year``.
    counties : pandas.DataFrame or callable, optional
        ``name`` and ``city`` of the county-level units.

    Returns
    -------
    Book
        The names.

    Raises
    ------
    SchemaError
        If a traditional name does not have the characters of the official name one for one.
    """
    official = {str(adcode): str(name) for adcode, name in units["official_name"].items()}
    simplified = _read_traditional(official, aliases)
    places = functools.cache(lambda: _county_places(counties, simplified))
    book = Book(official, simplified, places, kind=units.attrs.get("kind", KIND))
    for column in ("official_name", "short_name"):
        for adcode, name in units[column].items():
            _enter(book, name, Found((str(adcode),), column.replace("_", " ")))
    rows = list(aliases[["adcode", "alias", "kind", "year"]].itertuples(index=False, name=None))
    for wanted, how in (("alias", "alias"), ("former", "former name")):
        for adcode, alias, kind, year in rows:
            if kind == wanted and adcode in official:
                note = f"in use until {cell_text(year) or 'an unknown year'}" if wanted == "former" else ""
                _enter(book, alias, Found((str(adcode),), how, note))
    for adcode, name in units["name_en"].items():
        bare = str(name).partition(" (")[0]  # "Suzhou (Jiangsu)" is typed as Suzhou
        book.spellings.append((normalize_name(bare), str(adcode)))
    _enter_refusals(book, rows)
    return book


def _enter(book: Book, name: object, entry: Found) -> None:
    """Enter a name; an earlier kind of name goes before a later one, the same kind twice is ambiguous."""
    key = normalize_name(name, book.simplified)
    before = book.names.setdefault(key, entry)
    if before.how == entry.how and entry.adcodes[0] not in before.adcodes:
        book.names[key] = replace(before, adcodes=before.adcodes + entry.adcodes)
    book.spellings.append((key, entry.adcodes[0]))


def _enter_refusals(book: Book, rows: Iterable[tuple[Any, ...]]) -> None:
    heirs: dict[tuple[str, str], list[str]] = {}
    for adcode, alias, kind, year in rows:
        key = normalize_name(alias, book.simplified)
        if kind == "province":
            book.refused[key] = "a province, not a prefecture-level unit"
            if key in book.names:
                both = "also a province; read as the prefecture-level unit"
                book.names[key] = replace(book.names[key], note=both)
        elif kind == "abolished" and adcode in book.official:
            heirs.setdefault((key, cell_text(year)), []).append(adcode)
    for (key, year), adcodes in heirs.items():
        area = f"its area went to {book.label(adcodes)}"
        book.refused[key] = f"abolished as a prefecture-level unit in {year}; {area}"


def _county_places(counties: Counties, simplified: Mapping[int, int]) -> dict[str, list[str]]:
    frame = counties() if callable(counties) else counties
    places: dict[str, list[str]] = {}
    if frame is not None:
        for name, city in zip(frame["name"], frame["city"], strict=True):
            key = normalize_name(name, simplified)
            # Counties are often called by their name without its last character (city, county, district).
            for spelling in (key, key[:-1]) if len(key) > 2 else (key,):
                places.setdefault(spelling, []).append(f"{name} of {city}")
    return places


def _read_traditional(official: Mapping[str, str], aliases: pd.DataFrame) -> dict[int, int]:
    """Read the characters off the traditional official names, which stand in the same order."""
    table: dict[int, int] = {}
    rows = aliases[aliases["kind"] == "traditional"]
    # at another level than that of the code list the names stand beside their traditional forms
    names = rows.get("official_name", rows["adcode"].map(official).fillna(""))
    for adcode, alias, name in zip(rows["adcode"], rows["alias"], names, strict=True):
        if len(name) != len(alias):
            raise SchemaError(
                f"aliases: the traditional name {alias} of {adcode} needs one character for each of the "
                f"official name {name or '(no such unit)'}. Correct the row, or give it the kind alias."
            )
        table.update({ord(old): ord(new) for old, new in zip(alias, name, strict=True) if old != new})
    return table


def read_code(text: str, official: Mapping[str, str], *, kind: str = KIND) -> tuple[str, str, str]:
    """Repair a code that a spreadsheet has damaged.

    Parameters
    ----------
    text : str
        Six or twelve digits, perhaps with ``.0``, in powers of ten, quoted, or full-width.
    official : mapping of str to str
        The units by ``adcode``.
    kind : str
        What a unit is called.

    Returns
    -------
    adcode, note, fault : str
        The unit's code, a remark, and what is wrong; each may be empty.

    Examples
    --------
    >>> read_code("'110100.0", {"110000": "北京市"})
    ('110000', '110100 stands for the districts of 北京市', '')
    """
    digits, note = normalize_name(text), ""
    if not digits:
        return "", "", ""
    if text.strip() in official:  # a layer of one's own may have codes of letters
        return text.strip(), "", ""
    if _POWER.fullmatch(digits):
        note = f"the code was written as {text}, which may have lost digits"
        digits = f"{Decimal(digits):f}"
    digits = re.sub(r"\.0*$", "", digits)
    if re.fullmatch(r"\d{6}0{6}", digits):
        digits = digits[:6]
    whole = digits[:2] + "0000"
    if digits in official:
        return digits, note, ""
    # The municipalities; for the special regions and Taiwan xx0100 is one city of several.
    if digits == digits[:2] + "0100" and whole in official and whole < "700000":
        return whole, join_notes(note, f"{digits} stands for the districts of {official[whole]}"), ""
    if kind == KIND and not re.fullmatch(r"\d{6}|\d{12}", digits):
        return "", "", f"the code {text} is not six or twelve digits"
    parent = next((unit for unit in (digits[:4] + "00", whole) if unit in official), "")
    inside = f"; it lies in {official[parent]} ({parent})" if parent else ""
    return "", "", f"the code {text} is not that of a {kind}{inside}"


def suggest(book: Book, key: str, limit: int = 3) -> str:
    """Name the units whose names are nearest, those with the same first character before others.

    Parameters
    ----------
    book : Book
        The names.
    key : str
        A normalized name.
    limit : int
        How many at most.

    Returns
    -------
    str
        Official names, nearest first, separated by ``"; "``.
    """
    best: dict[str, float] = {}
    letters, matcher = set(key), difflib.SequenceMatcher(b=key, autojunk=False)
    for spelling, adcode in book.spellings:
        if letters.isdisjoint(spelling):
            continue
        bonus = 0.2 * (key[0] == spelling[0]) + 0.1 * (key[-1] == spelling[-1])
        matcher.set_seq1(spelling)
        if matcher.real_quick_ratio() + bonus >= LIKE and matcher.quick_ratio() + bonus >= LIKE:
            best[adcode] = max(best.get(adcode, 0.0), matcher.ratio() + bonus)
    near = sorted((-likeness, adcode) for adcode, likeness in best.items() if likeness >= LIKE)
    return "; ".join(book.official[adcode] for _, adcode in near[:limit])


def join_notes(*notes: str) -> str:
    """Put notes into one, without the empty ones.

    Parameters
    ----------
    *notes : str
        The notes.

    Returns
    -------
    str
        Separated by ``"; "``.
    """
    return "; ".join(filter(None, notes))


def cell_text(value: object) -> str:
    """Write a cell as text; a whole number without its decimals, a missing one empty.

    Parameters
    ----------
    value : object
        A cell.

    Returns
    -------
    str
        Its text.
    """
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value):
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()
