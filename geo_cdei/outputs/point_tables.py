"""Points added up by unit, and the points that have none, as CSV."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from geo_cdei._atomic import atomic_path
from geo_cdei.outputs._escape import cell

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["write_frames"]


def write_frames(frames: Iterable[pd.DataFrame], path: Path) -> int:
    """Write frames of the same columns under each other, one at a time.

    Parameters
    ----------
    frames : iterable of pandas.DataFrame
        Their indexes are left out.
    path : pathlib.Path
        The file: CSV in UTF-8 with BOM, every float with as many digits as it takes to read it back the same. A text
        that a spreadsheet would compute is written as text.

    Returns
    -------
    int
        Rows written.

    Raises
    ------
    OutputError
        If the file cannot be written; an earlier one is as it was.

    Examples
    --------
    >>> import tempfile
    >>> import pandas as pd
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "a.csv"
    ...     rows = write_frames([pd.DataFrame({"x": [0.1]}), pd.DataFrame({"x": [2.0]})], path)
    ...     rows, path.read_text(encoding="utf-8-sig").split()
    (2, ['x', '0.1', '2.0'])
    """
    rows = 0
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        for number, frame in enumerate(frames):
            safe = frame.copy(deep=False)
            for name in frame.select_dtypes(["object", "str"]):
                safe[name] = _texts(frame[name])
            safe.columns = [cell(str(name)) for name in safe.columns]
            text = safe.to_csv(index=False, header=number == 0, lineterminator="\n")
            stream.write(text.encode("utf-8-sig" if number == 0 else "utf-8"))
            rows += len(frame)
    return rows


def _texts(column: pd.Series[str]) -> pd.Series[str]:
    """Pass every different text once through the door."""
    return column.map({text: cell(text) for text in column.dropna().unique()})
