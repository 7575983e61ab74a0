"""Clusters that the settings define: by a column of the scores, or as regions that are found in the data."""

from __future__ import annotations

import re

import geopandas as gpd
import pandas as pd

from geo_cdei.config import Settings
from geo_cdei.errors import InputError, SettingsError, StatisticError
from geo_cdei.inputs import clusters as _clusters

__all__ = ["group_members", "is_grouped"]

_ID = re.compile(r"[A-Za-z0-9_-]{1,12}")


def is_grouped(settings: Settings) -> bool:
    """Whether the settings define the clusters themselves, so that the table ``clusters`` is not read."""
    return bool(settings.clusters.column or settings.clusters.regions.method)


def group_members(cities: gpd.GeoDataFrame, settings: Settings) -> tuple[pd.DataFrame, str]:
    """Make the memberships that the settings ask for.

    Parameters
    ----------
    cities : geopandas.GeoDataFrame
        Indexed by ``adcode``; ``city``, ``score``, the column of the groups or of the regions.
    settings : Settings
        With ``clusters.column`` or ``clusters.regions.method``.

    Returns
    -------
    members : pandas.DataFrame
        As :func:`geo_cdei.inputs.clusters.build_members` gives them. The core of a cluster is its member with the
        largest weight, or score where there is no such column.
    said : str
        What was done, as a notice.

    Raises
    ------
    SettingsError
        If there is no such column, or both ways are asked for.
    InputError
        If the column is empty, or no regions can be found.
    """
    wanted = settings.clusters
    if wanted.column and wanted.regions.method:
        raise SettingsError("clusters.column and clusters.regions are both set. Keep one of them.")
    if wanted.column:
        names, how = _by_column(cities, wanted.column), f"the column {wanted.column}"
    else:
        names, how = _by_regions(cities, settings)
    table = _membership(cities, names.dropna(), settings.scores.weights)
    outside = int(names.isna().sum())
    more = f"; {outside} units are in none" if outside else ""
    return _clusters.build_members(cities, table), f"{table['cluster_id'].nunique()} clusters by {how}{more}"


def _by_column(cities: pd.DataFrame, column: str) -> pd.Series[str]:
    if column not in cities.columns:
        raise SettingsError(
            f"clusters.column is {column!r}, which is no column of the scores; columns: "
            f"{', '.join(name for name in cities.columns if name != 'geometry')}."
        )
    cells = cities[column]
    if pd.api.types.is_numeric_dtype(cells):
        cells = cells.map(lambda value: f"{value:g}", na_action="ignore")
    if cells.notna().sum() == 0:
        raise InputError(f"the column {column} names no cluster in any of {len(cities)} rows. Fill it in.")
    return cells


def _by_regions(cities: gpd.GeoDataFrame, settings: Settings) -> tuple[pd.Series[str], str]:
    from geo_cdei.analysis.regionalisation import find_regions

    wanted = settings.clusters.regions
    try:
        found = find_regions(cities, columns=wanted.columns, method=wanted.method, n=wanted.n, floor=wanted.floor)
    except StatisticError as error:
        raise InputError(f"clusters.regions: {error}") from error
    return found, f"regions found in {', '.join(wanted.columns)} ({wanted.method})"


def _membership(cities: pd.DataFrame, names: pd.Series[str], weights: str) -> pd.DataFrame:
    distinct = sorted(names.unique())
    plain = all(_ID.fullmatch(name) for name in distinct)
    width = max(2, len(str(len(distinct))))
    ids = {name: name if plain else f"K{place:0{width}d}" for place, name in enumerate(distinct, 1)}
    table = pd.DataFrame(
        {
            "cluster_id": names.map(ids),
            "cluster": names,
            "cluster_en": names,
            "city": cities["city"].reindex(names.index),
            "role": "primary",
            "source": "the settings of the study",
            "confidence": "our reconstruction",
        }
    )
    column = weights.partition("^")[0]
    size = cities[column if column in cities.columns else "score"].reindex(names.index)
    top = size.sort_index().groupby(names.sort_index()).idxmax().dropna()
    core = names.map(top).map(cities["city"])
    return table.assign(core=core).reset_index(names="adcode")
