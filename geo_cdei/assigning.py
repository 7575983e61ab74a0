"""What ``geo-cdei assign`` does: points of files to the units of a level, and two tables."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geo_cdei._assignment import describe_tally
from geo_cdei.config import Settings, read_settings
from geo_cdei.errors import GeoCdeiWarning, OutputError, own_messages
from geo_cdei.inputs import levels
from geo_cdei.inputs.point_sums import PointSummary, assign_files, iter_apart
from geo_cdei.outputs.point_tables import write_frames
from geo_cdei.workspace import SETTINGS_NAME, Workspace, default_study

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from geo_cdei.inputs.point_files import PointFiles

__all__ = ["Assigned", "assign", "work_folder"]


@dataclass(frozen=True, slots=True, eq=False)
class Assigned:
    """What was written.

    Attributes
    ----------
    summary : PointSummary
        Table and counts.
    written : tuple of pathlib.Path
        The table by unit and, where there are any, the points without a unit.
    notices : tuple of str
        What the reader should know.
    """

    summary: PointSummary
    written: tuple[Path, ...]
    notices: tuple[str, ...]


def assign(
    files: PointFiles,
    folder: Path | None,
    *,
    level: str | None = None,
    output: Path | None = None,
    client: Any = None,
    on_chunk: Callable[[int, float], None] | None = None,
) -> Assigned:
    """Add points up by unit and write the tables; a run that was stopped is taken up where it was.

    Parameters
    ----------
    files : PointFiles
        The points.
    folder : pathlib.Path or None
        A study, whose source of boundaries or own layer is used; without one, the default study's.
    level : {"province", "prefecture", "county", "own"}, optional
        Level of the units; the study's when not given.
    output : pathlib.Path, optional
        CSV by unit; ``points_by_<level>.csv`` in the current folder when not given. The points without a unit go
        beside it, to ``…_without_unit.csv``.
    client : distributed.Client, optional
        A cluster to work on.
    on_chunk : callable, optional
        As for :func:`geo_cdei.inputs.point_sums.assign_files`.

    Returns
    -------
    Assigned
        The paths, the counts and what to know of them.

    Raises
    ------
    OutputError
        If the output is no CSV, or one of the inputs.
    GeoCdeiError
        As :func:`geo_cdei.inputs.point_sums.assign_files`.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", GeoCdeiWarning)
        wanted, units = _units(folder, level)
        target = output or Path(f"points_by_{wanted}.csv")
        _check_target(target, files)
        work = work_folder(target)
        engine = "auto" if client is None else "dask"
        summary = assign_files(files, units, engine=engine, client=client, work=work, on_chunk=on_chunk)
    written = [target]
    apart = target.with_name(f"{target.stem}_without_unit.csv")
    if summary.n_points > summary.tally["assigned"]:
        write_frames((part for part in iter_apart(work, files) if len(part)), apart)
        written.append(apart)
    else:
        apart.unlink(missing_ok=True)  # of an earlier run, it would be taken for this one's
    write_frames(_named(summary.table, units), target)
    shutil.rmtree(work, ignore_errors=True)
    return Assigned(summary, tuple(written), tuple(own_messages(caught) + _notices(summary, files)))


def work_folder(output: Path) -> Path:
    """Where the finished chunks of an output are kept until it is written.

    Parameters
    ----------
    output : pathlib.Path
        The table by unit.

    Returns
    -------
    pathlib.Path
        A hidden folder beside it.

    Examples
    --------
    >>> work_folder(Path("out/by_county.csv")).as_posix()
    'out/.by_county.csv.work'
    """
    return output.with_name(f".{output.name}.work")


def _units(folder: Path | None, level: str | None) -> tuple[str, gpd.GeoDataFrame]:
    """Level and polygons, as exact as the source has them."""
    root = folder if folder is not None else Path.cwd()
    if folder is None and not (root / SETTINGS_NAME).is_file():
        workspace, settings = Workspace(default_study()), Settings()
    else:
        workspace = Workspace(root)
        settings = read_settings(workspace.settings)
    wanted = settings.boundaries.model_copy(update={"simplify_m": 0.0})
    if level is not None and level != wanted.level:
        own = {"level": level} | ({} if level == "own" else {"path": ""})
        wanted = wanted.model_copy(update=own)
    return wanted.level, levels.read_level(workspace, wanted).units


def _check_target(target: Path, files: PointFiles) -> None:
    if target.suffix.lower() != ".csv":
        raise OutputError(f"the output is {target.name}; it is a CSV. Give a name that ends in .csv.")
    if target.resolve() in {path.resolve() for path in files.paths}:
        raise OutputError(f"{target.name} is one of the inputs. Give another --output.")


def _named(table: pd.DataFrame, units: gpd.GeoDataFrame) -> Iterator[pd.DataFrame]:
    name = next((column for column in ("official_name", "name") if column in units), None)
    named = table.reset_index()
    if name is not None:
        named.insert(1, "name", units[name].set_axis(units.index.astype(str)).reindex(table.index).to_numpy())
    yield named


def _notices(summary: PointSummary, files: PointFiles) -> list[str]:
    import numpy as np

    notices = []
    if summary.n_kept:
        notices.append(f"{summary.n_kept} of {summary.n_chunks} chunks were kept from the run that was stopped")
    if files.datum == "gcj02":
        notices.append("the points were taken from GCJ-02 to WGS84 before they were assigned")
    lost = describe_tally(np.array(list(summary.tally.values())))
    return [*notices, lost] if lost else notices
