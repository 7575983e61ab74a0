"""CSV and TSV as they come: the encoding found, never guessed at in silence, and titles above the header allowed."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
from collections.abc import Callable, Iterator, Sequence

import pandas as pd

from geo_cdei.errors import InputError

__all__ = ["find_encoding", "read_delimited"]

MAX_COLUMNS = 2_000
PREVIEW = 40  # rows looked at for the header
_CHUNK = 1 << 20
_SIGNED = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_TEXT_CONTROLS = set("\t\n\r\f\x0b\x1a")
Rows = list[list[str]]


def read_delimited(
    data: bytes, name: str, *, encoding: str, find_header: Callable[[Rows], int], tabs: bool = False
) -> tuple[pd.DataFrame, int]:
    """Read delimited text from its header row on.

    Parameters
    ----------
    data : bytes
        The file.
    name : str
        Its name, for messages.
    encoding : str
        From :func:`find_encoding`.
    find_header : callable
        Given the first rows, says which of them (from 0) is the header.
    tabs : bool
        Whether the ending promises tabs; they are found in the first lines too.

    Returns
    -------
    cells : pandas.DataFrame
        Text cells without column names; the first row is the header.
    header : int
        How many lines stand above it.

    Raises
    ------
    InputError
        If the rows do not have the header's number of cells, or there are none.
    """
    with _text(data, encoding) as stream:
        head = list(itertools.islice(stream, PREVIEW))
    separator = "\t" if tabs or any("\t" in line for line in head[:5]) else ","
    first = _preview(head, separator)
    _check_width(max(map(len, first), default=0), name)
    header = find_header(first)
    _check_width(_title_count(data, encoding, separator, header), name)
    try:
        with _text(data, encoding) as stream:
            frame = pd.read_csv(
                stream, sep=separator, header=None, dtype=str, keep_default_na=False, skip_blank_lines=False,
                skiprows=header,
            )  # fmt: skip
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError, MemoryError) as error:
        said = str(error).strip().rstrip(".")
        raise InputError(
            f"{name} is not a table: {said}. Quote cells that hold a comma, or save it as XLSX."
        ) from error
    return frame.fillna(""), header


def find_encoding(data: bytes, name: str) -> str:
    r"""Find the encoding in which all of a text can be read.

    Parameters
    ----------
    data : bytes
        The file.
    name : str
        Its name, for the message.

    Returns
    -------
    str
        ``utf-8-sig``, ``gb18030``, ``utf-16``, or without a mark of its order of bytes ``utf-16-le`` or
        ``utf-16-be``: then only where it gives text of lines and cells without unknown characters.

    Raises
    ------
    InputError
        If there is none.

    Examples
    --------
    >>> text = "城市,得分\n"
    >>> find_encoding(text.encode("gbk"), "x.csv"), find_encoding(text.encode("utf-16-le"), "x.csv")
    ('gb18030', 'utf-16-le')
    """
    signed = _SIGNED.get(data[:2])
    candidates = [signed] if signed else ["utf-8-sig", "gb18030"]
    if b"\x00" in data[:_CHUNK] and not signed:
        unsigned = [each for each in ("utf-16-le", "utf-16-be") if _is_clear(data, each)]
        if len(unsigned) == 1:
            return unsigned[0]
    for encoding in candidates:
        if _reads(data, encoding):
            return encoding
    raise InputError(f"{name} is text in none of: {', '.join(candidates)}. Save it again as UTF-8 CSV or as XLSX.")


def _check_width(columns: int, name: str) -> None:
    """Refuse a table with more columns than any has: each of them costs as much as thousands of cells."""
    if columns > MAX_COLUMNS:
        raise InputError(f"{name} has {columns:,} columns; a table may have {MAX_COLUMNS:,}.")


def _title_count(data: bytes, encoding: str, separator: str, header: int) -> int:
    with _text(data, encoding) as stream:
        try:
            return len(next(csv.reader(itertools.islice(stream, header, None), delimiter=separator), []))
        except csv.Error:  # a cell beyond all measure; the whole is read by another parser
            return 0


def _reads(data: bytes, encoding: str) -> bool:
    """Whether all bytes are text in the encoding; piece by piece, so that no copy of a large file is made."""
    try:
        return all("\x00" not in text for text in _decoded(data, encoding))
    except UnicodeDecodeError:
        return False


def _decoded(data: bytes, encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)()
    for start in range(0, len(data), _CHUNK):
        yield decoder.decode(data[start : start + _CHUNK])
    yield decoder.decode(b"", final=True)


def _is_clear(data: bytes, encoding: str) -> bool:
    """Whether bytes without a mark are lines of cells in this UTF-16 and of nothing but known characters."""
    if len(data) % 2 or not _reads(data, encoding):
        return False
    text = data[:_CHUNK].decode(encoding, errors="ignore")
    strange = sum(not (char.isprintable() or char in _TEXT_CONTROLS or char in "\ufeff\u3000\xa0") for char in text)
    return strange == 0 and "\n" in text.replace("\r", "\n") and ("," in text or "\t" in text)


def _text(data: bytes, encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(data), encoding=encoding, newline="")


def _preview(lines: Sequence[str], separator: str) -> Rows:
    """First rows, one for each line: what is quoted over several lines stands in none of the titles above."""
    rows: Rows = []
    for line in lines:
        try:
            rows.append(next(csv.reader([line], delimiter=separator), []))
        except csv.Error:  # a stray quotation mark; the whole is read by another parser, which says so
            rows.append(line.split(separator))
    return rows
