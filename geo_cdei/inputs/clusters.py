"""Memberships of the clusters, and their outlines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from geo_cdei.errors import InputError

if TYPE_CHECKING:
    import geopandas as gpd

__all__ = ["build_members", "cluster_table", "dissolve_clusters", "primary_cluster"]

CONFIDENCE = ("official", "widely used", "our reconstruction")  # best first
_TEXT = ["cluster_id", "cluster", "cluster_en", "core", "city", "role", "source", "confidence", "note"]


def build_members(cities: pd.DataFrame, membership: pd.DataFrame) -> pd.DataFrame:
    """Check the memberships against the cities and say which are scored.

    Parameters
    ----------
    cities : pandas.DataFrame of shape (n_cities, any)
        Indexed by ``adcode``; ``score``.
    membership : pandas.DataFrame
        One row per cluster and member, with ``adcode`` found beforehand; ``role`` is primary, secondary,
        unscored or outside. A city may stand in several clusters, but be primary in one only.

    Returns
    -------
    pandas.DataFrame
        The rows that belong to a cluster, sorted by cluster, with ``scored``; a primary or secondary member
        without a score is called unscored, and an unscored one that has a score is primary.

    Raises
    ------
    InputError
        If a city is primary twice, stands twice in one cluster, or a cluster has two names.

    Examples
    --------
    >>> cities = pd.DataFrame({"score": [90.0]}, index=["110000"])
    >>> rows = pd.DataFrame({"cluster_id": ["C1", "C1"], "city": ["A", "B"], "role": ["primary"] * 2,
    ...                      "adcode": ["110000", "120000"]})
    >>> build_members(cities, rows)[["city", "role", "scored"]].to_numpy().tolist()
    [['A', 'primary', True], ['B', 'unscored', False]]
    """
    table = membership.reindex(columns=["adcode", *_TEXT]).copy()
    table["role"] = table["role"].fillna("primary")
    table = table[table["role"] != "outside"]
    _refuse(table[table["cluster_id"].isna()], "has a role but no cluster_id")
    scored_codes = cities.index[cities["score"].notna()]
    table["scored"] = table["adcode"].isin(scored_codes)
    table.loc[~table["scored"], "role"] = "unscored"
    table.loc[table["scored"] & (table["role"] == "unscored"), "role"] = "primary"
    _refuse(table[table.duplicated(["cluster_id", "adcode"], keep=False)], "stands twice in one cluster")
    primary = table[table["role"] == "primary"]
    _refuse(primary[primary.duplicated("adcode", keep=False)], "is primary in two clusters")
    names = table.groupby("cluster_id")["cluster"].nunique()
    if (names > 1).any():
        doubled = names.index[names > 1].tolist()
        raise InputError(f"clusters: {', '.join(doubled)} have more than one name. Give each cluster_id one name.")
    return table.sort_values("cluster_id", kind="stable", ignore_index=True)


def _refuse(bad: pd.DataFrame, problem: str) -> None:
    if len(bad):
        listed = "; ".join(f"{row.city} ({row.cluster_id})" for row in bad.head(10).itertuples())
        raise InputError(
            f"clusters: {len(bad)} rows with a city that {problem}: {listed}. Correct data/raw/clusters."
        )


def primary_cluster(members: pd.DataFrame) -> pd.DataFrame:
    """Cluster of every city that is a primary member of one.

    Parameters
    ----------
    members : pandas.DataFrame
        From :func:`build_members`.

    Returns
    -------
    pandas.DataFrame
        Indexed by ``adcode``: ``cluster_id``, ``cluster``, ``cluster_en`` and ``membership``, the confidence of
        the membership. A city outside is not in it.
    """
    primary = members[members["role"] == "primary"]
    named = primary.rename(columns={"confidence": "membership"}).set_index("adcode")
    return named[["cluster_id", "cluster", "cluster_en", "membership"]]


def cluster_table(members: pd.DataFrame) -> pd.DataFrame:
    """Names, cores and confidence of the clusters.

    Parameters
    ----------
    members : pandas.DataFrame
        From :func:`build_members`.

    Returns
    -------
    pandas.DataFrame
        Indexed by ``cluster_id``: ``cluster``, ``cluster_en``, ``core``, ``confidence`` (that of the least
        certain primary member).
    """
    table = members.groupby("cluster_id")[["cluster", "cluster_en", "core"]].first()
    primary = members[members["role"] == "primary"]
    rank = primary["confidence"].map({name: place for place, name in enumerate(CONFIDENCE)})
    worst = rank.groupby(primary["cluster_id"]).max()
    names = dict(enumerate(CONFIDENCE))
    return table.assign(confidence=worst.map(names).reindex(table.index))


def dissolve_clusters(
    units: gpd.GeoDataFrame, members: pd.DataFrame, *, roles: Sequence[str] = ("primary", "unscored")
) -> gpd.GeoDataFrame:
    """Outline of every cluster: the union of its members' polygons.

    Parameters
    ----------
    units : geopandas.GeoDataFrame
        Prefecture polygons indexed by ``adcode``, a valid coverage.
    members : pandas.DataFrame
        From :func:`build_members`.
    roles : sequence of str
        Roles whose polygons belong to the outline; county-level members have no polygon here.

    Returns
    -------
    geopandas.GeoDataFrame
        Indexed by ``cluster_id``; ``geometry`` in the CRS of `units`. Outlines may overlap.
    """
    counted = members[members["role"].isin(list(roles)) & members["adcode"].isin(units.index)]
    shapes = units[["geometry"]].loc[counted["adcode"]].reset_index(drop=True)
    shapes["cluster_id"] = counted["cluster_id"].to_numpy()
    return shapes.dissolve("cluster_id", method="coverage")
