"""Printing faults of the source: listed in ``faults.csv``, resolved by rule, never silently."""

from __future__ import annotations

import pandas as pd

from geo_cdei.errors import InputError
from geo_cdei.inputs.schema import parse_numbers

__all__ = ["resolve_faults"]


def resolve_faults(table: pd.DataFrame, faults: pd.DataFrame, *, name: str) -> pd.DataFrame:
    """Drop the stray rows of a table as ``faults.csv`` says.

    Parameters
    ----------
    table : pandas.DataFrame
        A raw table with a column ``city``.
    faults : pandas.DataFrame
        ``table``, ``key`` (a city), ``value``, ``action``: ``drop`` takes out the row of that city with that
        value; ``missing`` states that a city is not printed, and changes nothing.
    name : str
        Name of the table; faults of others are passed over.

    Returns
    -------
    pandas.DataFrame
        The table without the stray rows; every other row is as it was.

    Raises
    ------
    InputError
        If a stray row is no longer there, so that the list and the table disagree.

    Examples
    --------
    >>> table = pd.DataFrame({"city": ["A", "A"], "size": [9.0, 5.0]})
    >>> faults = pd.DataFrame({"table": ["t"], "key": ["A"], "value": ["5"], "action": ["drop"]})
    >>> resolve_faults(table, faults, name="t")["size"].tolist()
    [9.0]
    """
    lacking = [column for column in ("table", "key", "value", "action") if column not in faults]
    if lacking:
        raise InputError(f"faults.csv has no column {', '.join(lacking)}. Restore it, or delete the file.")
    mine = faults[(faults["table"] == name) & (faults["action"] == "drop")]
    numbers = table.select_dtypes("number")
    for fault in mine.to_dict("records"):
        value = parse_numbers(pd.Series([fault["value"]])).iloc[0]
        stray = (table["city"] == fault["key"]) & numbers.eq(value).any(axis=1).reindex(table.index)
        twice = (table["city"] == fault["key"]).sum() > 1
        if twice and stray.sum() != 1:
            raise InputError(
                f"faults.csv drops the row of {fault['key']} with {fault['value']} from {name}, which has "
                f"{int(stray.sum())} such rows. Correct faults.csv or the table."
            )
        if twice:  # a study whose table names the city once has no such fault
            table = table[~stray]
    return table
