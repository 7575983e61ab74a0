"""The faults of a layer of one's own, as a table, although the run that met them wrote nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from geo_cdei._atomic import atomic_path
from geo_cdei.errors import BoundaryFaultsError
from geo_cdei.outputs import tables as _tables
from geo_cdei.workspace import Workspace

__all__ = ["kept_layer_faults"]


@contextmanager
def kept_layer_faults(workspace: Workspace) -> Iterator[None]:
    """Write ``data/derived/boundary_faults.csv`` when a layer has faults, and let the error go on.

    Parameters
    ----------
    workspace : Workspace
        The study.

    Yields
    ------
    None
        While the layer is read.
    """
    try:
        yield
    except BoundaryFaultsError as error:
        with atomic_path(workspace.derived / "boundary_faults.csv") as temporary:
            _tables.write_csv(error.table, temporary)
        raise
