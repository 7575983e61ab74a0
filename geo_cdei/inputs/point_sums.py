"""Files of points to counts, sums and means by unit: chunk by chunk, stopped and resumed at will.

Every finished chunk is a file in a work folder, so that a run that was stopped goes on where it was. The folder knows
the hash of every input and all settings; where one has changed it starts afresh and says so. Sums are exact before
they are rounded once, so an interrupted run, another engine or other chunks give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from geo_cdei._assignment import STATES, Locator, assign, build_locator, check_tally
from geo_cdei._atomic import atomic_path
from geo_cdei._datum import gcj02_to_wgs84
from geo_cdei._exact_sums import ExactSums
from geo_cdei._parallel import choose_engine
from geo_cdei.errors import GeoCdeiWarning, InputError
from geo_cdei.inputs.point_files import Chunk, PointFiles, fingerprint, iter_chunks, read_blocks

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy.typing as npt

    IntArray = npt.NDArray[np.int64]

__all__ = ["PointSummary", "assign_files", "iter_apart"]

FORM = 1  # of the chunk files
_PLAN, _CHUNKS = "plan.json", "chunk-*.npz"
Arrays = dict[str, "npt.NDArray[Any]"]


@dataclass(frozen=True, slots=True, eq=False)
class PointSummary:
    """What the points of some files add up to.

    Attributes
    ----------
    table : pandas.DataFrame of shape (n_units, 1 + 4 n_values)
        Indexed by code: ``n_points``, and of every value ``<v>_n`` (points that have one), ``<v>_missing``,
        ``<v>_sum`` and ``<v>_mean`` (NaN where no point has one).
    tally : dict of str to int
        Points of each of :data:`geo_cdei._assignment.STATES`.
    n_points, n_chunks, n_kept : int
        All points; chunks; chunks that an earlier run had finished.
    """

    table: pd.DataFrame
    tally: dict[str, int]
    n_points: int
    n_chunks: int
    n_kept: int


def assign_files(
    files: PointFiles,
    units: gpd.GeoDataFrame,
    *,
    engine: str = "auto",
    client: Any = None,
    work: Path | None = None,
    on_chunk: Callable[[int, float], None] | None = None,
) -> PointSummary:
    r"""Count, sum and average the points of files by unit.

    Parameters
    ----------
    files : PointFiles
        Result of :func:`geo_cdei.inputs.point_files.find_points`.
    units : geopandas.GeoDataFrame of shape (n_units, any)
        Polygons in degrees, indexed by unique codes.
    engine : {"auto", "local", "dask"}, default "auto"
        As for :func:`geo_cdei.assign_points`. Every machine of a cluster must see the files under the same path.
    client : distributed.Client, optional
        The cluster.
    work : pathlib.Path, optional
        Folder of the finished chunks; a temporary one that is removed when not given.
    on_chunk : callable, optional
        Called with the points done and the share of all files done, after every chunk.

    Returns
    -------
    PointSummary
        Table and counts. The points without a unit can be had from :func:`iter_apart` while *work* is there.

    Raises
    ------
    InputError
        If a file cannot be read, a column is absent, longitude and latitude are exchanged, or points are no degrees.
    BoundaryError
        If the units are no polygons in degrees, or their codes repeat.

    Warns
    -----
    GeoCdeiWarning
        If the work folder belongs to other inputs or settings and is started afresh.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> from geo_cdei.inputs.point_files import find_points
    >>> squares = [shapely.box(9, 0, 10, 1), shapely.box(10, 0, 11, 1)]
    >>> units = gpd.GeoDataFrame(geometry=squares, index=["a", "b"], crs=4326)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "firms.csv"
    ...     _ = path.write_text("lon,lat,staff\n9.5,0.5,10\n9.6,0.5,\n30,30,1\n", encoding="utf-8")
    ...     found = assign_files(find_points(path, values=("staff",)), units)
    >>> found.table.loc["a"].tolist(), found.tally["outside"]
    ([2.0, 1.0, 1.0, 10.0, 10.0], 1)
    """
    where = choose_engine(engine, client)
    locator = build_locator(units)
    with ExitStack() as stack:
        folder = work or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="geo-cdei-")))
        kept = _open_work(folder, files, locator)
        chunks: list[Chunk] = []
        for number, arrays in where.map(_sum_chunk, _to_do(files, kept, chunks), locator, files):
            if number == 0:  # exchanged columns are said at once, not after an hour
                check_tally(arrays["tally"], name=files.paths[0].name)
            _write_chunk(_chunk_path(folder, number), arrays)
            _tell(chunks[: number + 1], on_chunk)
        if len(chunks) - 1 in kept:
            _tell(chunks, on_chunk)
        return _combine(folder, files, locator, n_chunks=len(chunks), n_kept=len(kept))


def iter_apart(work: Path, files: PointFiles) -> Iterator[pd.DataFrame]:
    """Give the points without a unit, chunk after chunk.

    Parameters
    ----------
    work : pathlib.Path
        Work folder of a finished :func:`assign_files`.
    files : PointFiles
        The same files.

    Yields
    ------
    pandas.DataFrame
        ``file``, ``row`` (from 1), ``lon``, ``lat`` as given, ``reason``.
    """
    for path in sorted(work.glob(_CHUNKS)):
        arrays = _read_chunk(path)
        yield pd.DataFrame(
            {
                "file": files.paths[int(arrays["path"][0])].name,
                "row": arrays["apart_row"] + 1,
                "lon": arrays["apart_lon"],
                "lat": arrays["apart_lat"],
                "reason": pd.array(STATES, dtype="str").take(arrays["apart_state"]),
            }
        )


def _to_do(files: PointFiles, kept: set[int], chunks: list[Chunk]) -> Iterator[Chunk]:
    """Give the chunks that are not kept; list all of them, without their rows."""
    for chunk in iter_chunks(files):
        chunks.append(replace(chunk, block=None))
        if chunk.number not in kept:
            yield chunk


def _tell(chunks: list[Chunk], on_chunk: Callable[[int, float], None] | None) -> None:
    if on_chunk is not None and chunks:
        on_chunk(sum(chunk.rows for chunk in chunks), chunks[-1].share)


def _sum_chunk(locator: Locator, files: PointFiles, chunk: Chunk) -> tuple[int, Arrays]:
    """Add up one chunk; the part of the work that goes to a cluster."""
    n, tally = len(locator.codes), np.zeros(len(STATES), dtype=np.int64)
    n_points, value_n = np.zeros(n, dtype=np.int64), np.zeros((len(files.values), n), dtype=np.int64)
    sums = [ExactSums(n) for _ in files.values]
    apart: list[tuple[npt.NDArray[Any], ...]] = []
    for block in read_blocks(files, chunk):
        lon, lat = gcj02_to_wgs84(block.lon, block.lat) if files.datum == "gcj02" else (block.lon, block.lat)
        positions, states = assign(locator, lon, lat)
        tally += np.bincount(states, minlength=len(STATES))
        within = positions >= 0
        n_points += np.bincount(positions[within], minlength=n)
        for k, values in enumerate(block.values):
            use = within & ~np.isnan(values)
            value_n[k] += np.bincount(positions[use], minlength=n)
            sums[k].add(positions[use], values[use])
        lost = np.flatnonzero(~within)
        apart.append((lost + block.row, block.lon[lost], block.lat[lost], states[lost]))
    row, lon, lat, state = (np.concatenate(column) for column in zip(*apart, strict=True))
    arrays: Arrays = {"path": np.array([chunk.file]), "tally": tally, "n_points": n_points, "value_n": value_n}
    arrays |= {"apart_row": row, "apart_lon": lon, "apart_lat": lat, "apart_state": state}
    for k, total in enumerate(sums):
        arrays[f"powers_{k}"], arrays[f"parts_{k}"] = total.parts()
    return chunk.number, arrays


def _combine(folder: Path, files: PointFiles, locator: Locator, *, n_chunks: int, n_kept: int) -> PointSummary:
    n, tally = len(locator.codes), np.zeros(len(STATES), dtype=np.int64)
    n_points, value_n = np.zeros(n, dtype=np.int64), np.zeros((len(files.values), n), dtype=np.int64)
    sums = [ExactSums(n) for _ in files.values]
    for number in range(n_chunks):
        arrays = _read_chunk(_chunk_path(folder, number))
        tally += arrays["tally"]
        n_points += arrays["n_points"]
        value_n += arrays["value_n"]
        for k, total in enumerate(sums):
            total.merge(arrays[f"powers_{k}"], arrays[f"parts_{k}"])
    check_tally(tally, name=files.paths[0].name if len(files.paths) == 1 else f"{len(files.paths)} files")
    table = pd.DataFrame({"n_points": n_points}, index=pd.Index(locator.codes, dtype="str", name="adcode"))
    for k, name in enumerate(files.values):
        total_of = np.where(value_n[k] > 0, sums[k].totals(), np.nan)
        table[f"{name}_n"], table[f"{name}_missing"] = value_n[k], n_points - value_n[k]
        table[f"{name}_sum"] = total_of
        table[f"{name}_mean"] = total_of / np.maximum(value_n[k], 1)
    counts = dict(zip(STATES, tally.tolist(), strict=True))
    return PointSummary(table, counts, int(tally.sum()), n_chunks, n_kept)


# The work folder ---------------------------------------------------------------------------------------------------


def _open_work(folder: Path, files: PointFiles, locator: Locator) -> set[int]:
    """Say which chunks are there already; a folder of other inputs or settings is emptied of its chunks."""
    folder.mkdir(parents=True, exist_ok=True)
    plan, path = _plan(files, locator), folder / _PLAN
    if not path.is_file():
        if any(folder.iterdir()):
            raise InputError(f"the work folder {folder} holds other files. Name a new or empty folder.")
        _write_plan(path, plan)
        return set()
    earlier = _read_plan(path)
    if earlier != plan:
        changed = [name for name in plan if earlier.get(name) != plan[name]]
        warnings.warn(
            f"{folder.name} belongs to another run ({', '.join(changed)} changed): its chunks are not used, and "
            "the points are read from the beginning.",
            GeoCdeiWarning,
            stacklevel=3,
        )
        for chunk in folder.glob(_CHUNKS):
            chunk.unlink()
        _write_plan(path, plan)
    return {int(chunk.stem.removeprefix("chunk-")) for chunk in sorted(folder.glob(_CHUNKS)) if _is_whole(chunk)}


def _plan(files: PointFiles, locator: Locator) -> dict[str, Any]:
    import shapely

    digest = hashlib.sha256("\n".join(locator.codes.tolist()).encode())
    for shape in locator.shapes:
        digest.update(shapely.to_wkb(shape))
    settings = {name: getattr(files, name) for name in ("lon", "lat", "datum", "chunksize")}
    return {
        "form": FORM, "input": fingerprint(files), "units": digest.hexdigest(),
        "settings": settings | {"values": list(files.values)},
    }  # fmt: skip


def _read_plan(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _write_plan(path: Path, plan: dict[str, Any]) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(plan, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _chunk_path(folder: Path, number: int) -> Path:
    return folder / f"chunk-{number:06d}.npz"


def _write_chunk(path: Path, arrays: Arrays) -> None:
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **arrays)


def _read_chunk(path: Path) -> Arrays:
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as found:
        return {name: found[name] for name in found.files}


def _is_whole(path: Path) -> bool:
    """Whether a chunk can be read to its end; what a full disk or a crash has damaged is done again."""
    try:
        return bool(_read_chunk(path))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return False
