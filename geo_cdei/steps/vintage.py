"""Tables of another year: their rows are brought to the units of today before they are matched."""

from __future__ import annotations

import pandas as pd

from geo_cdei.config import Settings
from geo_cdei.inputs import crosswalk as _crosswalk
from geo_cdei.results import Notice
from geo_cdei.workspace import Workspace

__all__ = ["bring_table_to_date"]


def bring_table_to_date(
    workspace: Workspace,
    settings: Settings,
    names: pd.DataFrame,
    *,
    table: pd.DataFrame,
    name: str,
    notices: list[Notice],
    step: str = "scores",
) -> pd.DataFrame:
    """Bring a table of the study to the units of today; a layer of one's own has no earlier units.

    Parameters
    ----------
    workspace : Workspace
        The study.
    settings : Settings
        Its settings; ``vintage`` says what is added and what is averaged.
    names : pandas.DataFrame
        The names of the level, indexed by ``adcode``.
    table : pandas.DataFrame
        With ``adcode``, ``city`` or both.
    name : str
        Its name.
    notices : list of Notice
        What was joined is added to it.
    step : str, default "scores"
        The step that the notices name.

    Returns
    -------
    pandas.DataFrame
        The table, with rows of today.
    """
    if settings.boundaries.level == "own" or not {"adcode", "city"} & set(table.columns):
        return table
    walk = _crosswalk.read_crosswalk(workspace)
    now, notes = _crosswalk.bring_to_date(table, walk, names, rule=settings.vintage, name=name)
    notices += [Notice(step, said) for said in notes]
    now.attrs = dict(table.attrs)
    return now
