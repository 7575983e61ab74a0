"""Text in a cell that a spreadsheet may open: marked when it is written, plain again when it is read."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["cell", "uncell"]

# Spreadsheets skip what they cannot see, so the formula sign may stand behind a byte-order mark, spaces,
# zero-width or control characters; East Asian editions also read the full-width signs.
_FORMULA = re.compile(r"'*[\s\x00-\x1f\u200b-\u200f\u2060\ufeff]*[=+\-@\t\r＝＋－＠﹢﹣﹦﹫]")


def cell(value: Any) -> Any:
    """Keep a text from becoming a live formula in a CSV or XLSX cell.

    Parameters
    ----------
    value : object
        A cell; only texts are changed, numbers pass untouched.

    Returns
    -------
    object
        The cell, with a leading apostrophe where a spreadsheet would have computed it. `uncell` takes it off.

    Examples
    --------
    >>> cell("=1+1"), cell("北京"), cell(-3.5)
    ("'=1+1", '北京', -3.5)
    """
    if isinstance(value, str) and _FORMULA.match(value):
        return "'" + value
    return value


def uncell(value: Any) -> Any:
    """Take off the apostrophe that `cell` put on, and no other.

    Parameters
    ----------
    value : object
        A cell as `cell` returned it.

    Returns
    -------
    object
        The cell as it was before.

    Examples
    --------
    >>> uncell(cell("=1+1")), uncell("'s-Hertogenbosch")
    ('=1+1', "'s-Hertogenbosch")
    """
    if isinstance(value, str) and value.startswith("'") and _FORMULA.match(value[1:]):
        return value[1:]
    return value
