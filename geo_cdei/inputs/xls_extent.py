"""How large the sheets of an XLS file are, before a reader takes the memory for them.

The format (MS-CFB, MS-XLS) keeps the workbook as a chain of sectors inside a small file system of its own, and every
cell as a record that begins with its row and column.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from geo_cdei.errors import InputError

__all__ = ["check_xls"]

_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LAST = 0xFFFFFFFA  # sector numbers from here on are marks
_BOF = 0x0809
_SEVERAL = {0x00BD, 0x00BE}  # cells of one row: the last column stands at the end
_CELLS = {0x0006, 0x007E, *_SEVERAL, 0x00D6, 0x00FD, 0x0201, 0x0203, 0x0204, 0x0205, 0x0206, 0x027E, 0x0406}


def check_xls(data: bytes, name: str, *, check: Callable[[int, int, str], None]) -> None:
    """Look at the extent of every sheet of an XLS file.

    Parameters
    ----------
    data : bytes
        The file.
    name : str
        Its name, for messages.
    check : callable
        Called with rows, columns and `name` for each sheet; raises where they are too many.

    Raises
    ------
    InputError
        If it is no XLS file.
    """
    if not data.startswith(_MAGIC):
        raise InputError(
            f"{name} cannot be read as a workbook: its bytes are of no such file. Save it again from Excel."
        )
    try:
        stream = _workbook(data)
        rows = columns = 0
        for kind, content in _records(stream):
            if kind == _BOF:
                check(rows, columns, name)
                rows = columns = 0
            elif kind in _CELLS:
                row, column = struct.unpack_from("<HH", content)
                last = struct.unpack_from("<H", content, len(content) - 2)[0] if kind in _SEVERAL else column
                rows, columns = max(rows, row + 1), max(columns, column + 1, last + 1)
        check(rows, columns, name)
    except (struct.error, LookupError, ValueError) as error:
        raise InputError(f"{name} cannot be read as a workbook: it is damaged. Save it again from Excel.") from error


def _records(stream: bytes) -> Iterator[tuple[int, bytes]]:
    place = 0
    while place + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, place)
        yield kind, stream[place + 4 : place + 4 + length]
        place += 4 + length


def _workbook(data: bytes) -> bytes:
    """Put the stream of the workbook together from its sectors."""
    size = 1 << struct.unpack_from("<H", data, 30)[0]
    if size not in (512, 4096):
        raise ValueError
    sectors = [data[start : start + size] for start in range(size, len(data), size)]
    table = _table(data, sectors, size)
    folder = _chain(sectors, table, struct.unpack_from("<I", data, 48)[0])
    entries = [folder[start : start + 128] for start in range(0, len(folder) - 127, 128)]
    names = [entry[: max(0, struct.unpack_from("<H", entry, 64)[0] - 2)].decode("utf-16-le") for entry in entries]
    found = {each.lower(): entry for each, entry in zip(names, entries, strict=True)}
    start, length = struct.unpack_from("<II", found["workbook"] if "workbook" in found else found["book"], 116)
    if length >= 4096:
        return _chain(sectors, table, start)[:length]
    small = _chain(sectors, table, struct.unpack_from("<I", entries[0], 116)[0])
    pieces = [small[k : k + 64] for k in range(0, len(small), 64)]
    chain = _chain(sectors, table, struct.unpack_from("<I", data, 60)[0])
    return _chain(pieces, struct.unpack(f"<{len(chain) // 4}I", chain), start)[:length]


def _table(data: bytes, sectors: list[bytes], size: int) -> tuple[int, ...]:
    """Which sector follows which."""
    places = list(struct.unpack_from("<109I", data, 76))
    more = struct.unpack_from("<I", data, 68)[0]
    for _ in range(len(sectors)):
        if more >= _LAST:
            break
        *found, more = struct.unpack(f"<{size // 4}I", sectors[more])
        places += found
    joined = b"".join(sectors[place] for place in places if place < _LAST)
    return struct.unpack(f"<{len(joined) // 4}I", joined)


def _chain(sectors: list[bytes], table: tuple[int, ...], start: int) -> bytes:
    found = []
    while start < _LAST:
        found.append(sectors[start])
        if len(found) > len(sectors):
            raise ValueError  # a ring
        start = table[start]
    return b"".join(found)
