"""Inequality step: how much lies between the clusters, and whether these borders matter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from geo_cdei.steps.context import VARIABLES, Context

if TYPE_CHECKING:
    import geopandas as gpd

__all__ = ["add_inequality", "partitions_of"]


def add_inequality(run: Context) -> None:
    """Split the inequality of the score and of the weights into parts within and between clusters."""
    from geo_cdei.analysis import inequality

    grouped = _grouped(run)
    if grouped["cluster_id"].nunique() < 2:
        run.skip("inequality", "fewer than two clusters have scored cities")
        return
    drawn = partitions_of(run)
    tables = [
        inequality.decompose_inequality(
            grouped[name], grouped["cluster_id"], partitions=drawn, permutations=run.supporting(9999), seed=run.seed
        )
        for name in VARIABLES
        if name in grouped
    ]
    run.tables["inequality"] = pd.concat(tables, ignore_index=True)


def partitions_of(run: Context) -> pd.DataFrame:
    """Random contiguous partitions of the cities in clusters: drawn once, used by two steps.

    Parameters
    ----------
    run : Context
        The run, with scored cities.

    Returns
    -------
    pandas.DataFrame of int, shape (n_draws, n_cities)
        From :func:`geo_cdei.analysis.partitions.random_partitions_of`.
    """
    from geo_cdei.analysis import partitions

    if run.partitions is None:
        grouped = _grouped(run)
        wanted = run.settings.inference.partitions
        draws = (99 if run.is_large else 999) if wanted == "auto" else wanted
        run.partitions = partitions.random_partitions_of(grouped, grouped["cluster_id"], draws=draws, seed=run.seed)
    return run.partitions


def _grouped(run: Context) -> gpd.GeoDataFrame:
    cities = run.scored.cities
    grouped: gpd.GeoDataFrame = cities[cities["cluster_id"].notna() & cities["score"].notna()]
    return grouped
