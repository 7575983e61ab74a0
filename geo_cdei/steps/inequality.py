"""Inequality step: how much lies between the clusters, and whether these borders matter."""

from __future__ import annotations

import pandas as pd

from geo_cdei.steps.context import VARIABLES, Context

__all__ = ["add_inequality"]


def add_inequality(run: Context) -> None:
    """Split the inequality of the score and of the weights into parts within and between clusters."""
    from geo_cdei.analysis import inequality, partitions

    cities = run.scored.cities
    grouped = cities[cities["cluster_id"].notna() & cities["score"].notna()]
    if grouped["cluster_id"].nunique() < 2:
        run.skip("inequality", "fewer than two clusters have scored cities")
        return
    drawn = partitions.random_partitions_of(
        grouped, grouped["cluster_id"], draws=run.settings.inference.partitions, seed=run.seed
    )
    tables = [
        inequality.decompose_inequality(grouped[name], grouped["cluster_id"], partitions=drawn, seed=run.seed)
        for name in VARIABLES
        if name in grouped
    ]
    run.tables["inequality"] = pd.concat(tables, ignore_index=True)
