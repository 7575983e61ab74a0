"""Flows and travel times of the study's own: what is lacking, one-way or doubled, before they replace the model."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse.csgraph import shortest_path

from geo_cdei.errors import InputError
from geo_cdei.results import Notice

__all__ = ["check_pairs"]

ALIKE = 1e-9
SHOWN = 3


def check_pairs(table: pd.DataFrame, cities: pd.DataFrame, *, name: str) -> tuple[pd.DataFrame, list[Notice]]:
    """Check a table of pairs against the cities of the study.

    Parameters
    ----------
    table : pandas.DataFrame
        ``origin`` and ``destination`` as codes, and ``value``.
    cities : pandas.DataFrame
        The scored cities, indexed by ``adcode``, with ``city``.
    name : {"flows", "travel_time"}
        Flows of a pair that is not listed are none. A travel time that is not listed is that of the way
        back, else that of the fastest way over listed ones.

    Returns
    -------
    table : pandas.DataFrame
        Pairs between different cities of the study; travel times of every pair, in both directions.
    notices : list of Notice
        Counts of what was left out, of pairs that are not listed, and of pairs whose two directions differ.

    Raises
    ------
    InputError
        If a value is missing, negative or (a time) zero, a pair stands twice, or two cities have no way between them.

    Examples
    --------
    >>> cities = pd.DataFrame({"city": ["A", "B"]}, index=["a", "b"])
    >>> table = pd.DataFrame({"origin": ["a"], "destination": ["b"], "value": [2.0]})
    >>> both, notices = check_pairs(table, cities, name="travel_time")
    >>> len(both), notices[0].message
    (2, 'travel_time lists 1 of 1 pairs in one direction only: the time back is taken to be the same')
    """
    times = name == "travel_time"
    kept = table[table["origin"] != table["destination"]]
    inside = kept["origin"].isin(cities.index) & kept["destination"].isin(cities.index)
    said = []
    if len(kept) < len(table):
        said.append(f"{name}: {len(table) - len(kept)} rows from a city to itself are left out")
    if not inside.all():
        said.append(f"{name}: {int((~inside).sum())} rows with a city that has no score are left out")
    kept = kept[inside]
    _refuse(kept, cities, name, times=times)
    square = kept.pivot(index="origin", columns="destination", values="value")
    square = square.reindex(index=cities.index, columns=cities.index)
    given = square.notna().to_numpy()
    n = len(cities)
    pairs = n * (n - 1) // 2
    upper = np.triu_indices(n, 1)
    neither = ~given[upper] & ~given.T[upper]
    one_way = given[upper] ^ given.T[upper]
    if neither.any():
        how = "the fastest way over listed ones is taken" if times else "no flow is listed, so none is counted"
        said.append(f"{name} lacks {int(neither.sum())} of {pairs} pairs: {how}")
    if one_way.any():
        back = "the time back is taken to be the same" if times else "the flow back counts as none"
        said.append(f"{name} lists {int(one_way.sum())} of {pairs} pairs in one direction only: {back}")
    values = square.to_numpy(dtype=float)
    there, back_again = values[upper], values.T[upper]
    unlike = ~np.isclose(there, back_again, rtol=ALIKE, atol=0.0) & ~np.isnan(there) & ~np.isnan(back_again)
    if unlike.any():
        said.append(f"{name}: {int(unlike.sum())} of {pairs} pairs differ between the two directions")
    if times and given.sum() != n * (n - 1):
        kept = _completed(square, cities)
    return kept.reset_index(drop=True), [Notice("corridors", each) for each in said]


def _completed(square: pd.DataFrame, cities: pd.DataFrame) -> pd.DataFrame:
    """Fill the times that are not listed: by the way back, else by the fastest way over listed ones."""
    listed = square.fillna(square.T)
    links = np.fmax(listed.to_numpy(dtype=float), listed.to_numpy(dtype=float).T)
    fastest = shortest_path(np.where(np.isnan(links), 0.0, links), method="D", directed=False)
    cut = int((~np.isfinite(fastest)).sum() // 2)
    if cut:
        alone = cities["city"].to_numpy()[square.isna().all(axis=0).to_numpy() & square.isna().all(axis=1).to_numpy()]
        shown = f"; {len(alone)} cities have no row: {'; '.join(alone[:SHOWN])}" if len(alone) else ""
        raise InputError(
            f"travel_time leaves {cut} pairs of cities without a way between them{shown}. Add the rows that join "
            "them, or take the table out: distances are then measured."
        )
    full = listed.where(listed.notna(), pd.DataFrame(fastest, index=listed.index, columns=listed.columns))
    long = full.rename_axis(index="origin").reset_index().melt("origin", var_name="destination")
    return long[long["origin"] != long["destination"]]


def _refuse(table: pd.DataFrame, cities: pd.DataFrame, name: str, *, times: bool) -> None:
    value = table["value"]
    bad = value.isna() | ~np.isfinite(value) | (value < 0) | ((value == 0) & times)
    twice = table.duplicated(["origin", "destination"], keep=False)
    least = "above 0" if times else "of 0 or more"
    cures = ((bad, f"have no value {least}", "Mend them"), (twice, "stand twice", "Keep one for each direction"))
    for wrong, problem, cure in cures:
        if wrong.any():
            names = cities["city"]
            rows = table[wrong].head(SHOWN)
            shown = "; ".join(
                f"{names[a]}-{names[b]}" for a, b in zip(rows["origin"], rows["destination"], strict=True)
            )
            raise InputError(f"{name}: {int(wrong.sum())} rows {problem} (first: {shown}). {cure} in data/raw.")
