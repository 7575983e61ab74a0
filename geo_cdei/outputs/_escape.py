r"""The one door for text that reaches a page, a cell or a file name.

Everything that came from a table, a settings file or the command line passes one of these functions before
it is written where a program will read it: a browser, a spreadsheet, a file system. Nothing here guesses what
the text meant; it only makes sure that it stays text.
"""

from __future__ import annotations

import html
import json
import re
import unicodedata
from typing import Any

from geo_cdei._cells import cell, uncell
from geo_cdei.errors import OutputError

__all__ = ["cell", "file_name", "script_json", "text", "uncell"]

# What branca has rendered it renders again, as a Jinja template of its own: {{ }} in a city's name would be executed
# by Python. Outside of texts JSON has a quotation mark or the other brace behind this one.
_TEMPLATE = re.compile(r"\{(?=[{%#]|$)")
_SURROGATE = re.compile("[\ud800-\udfff]")
_JSON_ESCAPES = {c: f"\\u{ord(c):04x}" for c in "<>&`\u2028\u2029"}
_WINDOWS_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\..*)?", re.IGNORECASE)
_LONGEST_NAME = 255


def text(value: object) -> str:
    r"""Make a value safe in HTML text, in a quoted attribute and in a JavaScript template literal.

    Parameters
    ----------
    value : object
        Anything; it is shown as ``str(value)``.

    Returns
    -------
    str
        The text with ``& < > " '``, backtick, ``${`` and backslash as character references. Escaping twice
        shows the references: pass a text through this door once.

    Examples
    --------
    >>> text("<b>`${x}`")
    '&lt;b&gt;&#96;&#36;{x}&#96;'
    """
    escaped = html.escape(_SURROGATE.sub("\ufffd", str(value)), quote=True)
    escaped = _TEMPLATE.sub("&#123;", escaped)
    return escaped.replace("`", "&#96;").replace("${", "&#36;{").replace("\\", "&#92;")


def script_json(value: Any) -> str:
    r"""Write a value as JSON that cannot end, comment out or extend the ``<script>`` it stands in.

    Parameters
    ----------
    value : object
        Dictionaries, lists, texts, finite numbers, booleans and None; NumPy scalars are read as numbers.

    Returns
    -------
    str
        Compact JSON that parses to the same value.

    Raises
    ------
    OutputError
        If a number is not finite or a value has no JSON form.

    Examples
    --------
    >>> script_json({"city": "</script>"})
    '{"city":"\\u003c/script\\u003e"}'
    """
    try:
        plain = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_scalar)
    except (TypeError, ValueError) as error:
        raise OutputError(
            f"a page needs finite numbers and texts, got a value without a JSON form: {error}"
        ) from error
    # Outside of texts JSON has none of these characters, so plain replacing is exact.
    safe = plain.replace("${", "\\u0024{")
    for sign, escaped in _JSON_ESCAPES.items():  # str.translate looks at each character
        safe = safe.replace(sign, escaped)
    safe = _TEMPLATE.sub(r"\\u007b", safe)
    return _SURROGATE.sub(lambda match: f"\\u{ord(match.group()):04x}", safe)


def _scalar(value: Any) -> Any:
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{type(value).__name__} {value!r}")


def file_name(name: str) -> str:
    """Check that a name is one plain path component on every system.

    Parameters
    ----------
    name : str
        The wanted name of a file or folder, with its suffix.

    Returns
    -------
    str
        The same name.

    Raises
    ------
    OutputError
        If the name is empty, too long, leaves its folder, names a drive or a Windows device, or holds a
        character that some system does not take.

    Examples
    --------
    >>> file_name("scores.html")
    'scores.html'
    """
    fault = _name_fault(name)
    if fault:
        raise OutputError(
            f"{name!r} cannot be a file name: {fault}. Give one plain name such as 'scores.html', without a folder."
        )
    return name


def _name_fault(name: str) -> str | None:
    """Say what is wrong with a file name, or None."""
    forbidden = sorted({c for c in name if c in '/\\:*?"<>|' or unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl"}})
    if not name.strip():
        return "it is empty"
    if name in {".", ".."}:
        return "it is a folder"
    if forbidden:
        return f"it holds {', '.join(ascii(c) for c in forbidden)}"
    if name != name.strip() or name.endswith("."):
        return "it begins or ends with a space or ends with a dot"
    if _WINDOWS_DEVICE.fullmatch(name):
        return "Windows keeps this name for a device"
    if len(name.encode()) > _LONGEST_NAME:
        return f"it has {len(name.encode())} bytes, {_LONGEST_NAME} are possible"
    return None
