"""Every error a user can meet, in one family.

Each message says what was needed, what was given, how many, and the cure. The command line turns any of
them into one message on stderr and exit code 2.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "AlignmentError",
    "BoundaryError",
    "BoundaryFaultsError",
    "GeoCdeiError",
    "GeoCdeiWarning",
    "GraphError",
    "InputError",
    "MatchError",
    "OutputError",
    "SchemaError",
    "SettingsError",
    "StatisticError",
    "StudyError",
    "own_messages",
]


class GeoCdeiError(Exception):
    """Root of the family; catch this one to catch them all."""


class GeoCdeiWarning(UserWarning):
    """Something was answered in a way the reader should know of; the message names what and why."""


class StudyError(GeoCdeiError):
    """The folder is not a study, or a part of it is missing."""


class SettingsError(GeoCdeiError):
    """``geo-cdei.toml`` has an unknown key, a wrong type or an impossible value."""


class InputError(GeoCdeiError):
    """A file could not be read as what it should be."""


class SchemaError(GeoCdeiError):
    """A table has missing columns, bad cells, repeated keys or dangling references; all are listed."""


class MatchError(GeoCdeiError):
    """City names or codes that fit no unit, or more than one."""


class BoundaryError(GeoCdeiError):
    """Polygons, points or lines that cannot be used as boundaries."""


class BoundaryFaultsError(BoundaryError):
    """A layer of one's own has faults, unit by unit; ``table`` has them all.

    Parameters
    ----------
    message : str
        Every fault in a line of its own.
    table : pandas.DataFrame
        Columns :data:`geo_cdei.columns.BOUNDARY_FAULTS`.
    """

    def __init__(self, message: str, *, table: pd.DataFrame) -> None:
        super().__init__(message)
        self.table = table


class AlignmentError(GeoCdeiError):
    """Two tables do not list the same things in the same order."""


class GraphError(GeoCdeiError):
    """A spatial graph cannot be built or does not fit the data."""


class StatisticError(GeoCdeiError):
    """A statistic is not defined for what it was given."""


class OutputError(GeoCdeiError):
    """A result could not be written; what was there before is left as it was."""


def own_messages(caught: Iterable[warnings.WarningMessage]) -> list[str]:
    """Give the texts of our own warnings, once each; everybody else's are let through.

    Parameters
    ----------
    caught : iterable of warnings.WarningMessage
        Recorded by ``warnings.catch_warnings(record=True)``, which has ended.

    Returns
    -------
    list of str
        In the order of their first appearance.
    """
    said: dict[str, None] = {}
    for warning in caught:
        if issubclass(warning.category, GeoCdeiWarning):
            said.setdefault(str(warning.message))
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    return list(said)
