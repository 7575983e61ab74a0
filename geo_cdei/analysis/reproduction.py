"""The printed numbers, each beside the one computed here, or the reason why it cannot be computed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from geo_cdei.columns import REPRODUCTION
from geo_cdei.errors import StatisticError

__all__ = ["reproduce"]


def reproduce(cities: pd.DataFrame, clusters: pd.DataFrame, published: pd.DataFrame, *, edition: int) -> pd.DataFrame:
    """Set every printed number beside the one computed here.

    Parameters
    ----------
    cities : pandas.DataFrame
        ``score``, ``tier``, and ``scale_2020`` where the study has it.
    clusters : pandas.DataFrame
        Indexed by ``cluster_id``; ``score``.
    published : pandas.DataFrame
        ``edition``, ``quantity``, ``subject``, ``cluster_id``, ``value``, ``printed_unit``.
    edition : int
        The edition that the study's scores are of; numbers of another cannot be reproduced.

    Returns
    -------
    pandas.DataFrame
        One row per printed number, columns :data:`geo_cdei.columns.REPRODUCTION`. ``reproduced`` is "yes" when
        the two are within half a printed unit, "no" when they are not, empty when it cannot be tested;
        ``note`` then says why.
    """
    numbers = published[published["value"].notna()]
    rows = [_reproduce_one(row, cities, clusters, edition) for _, row in numbers.iterrows()]
    return pd.DataFrame(rows, columns=list(REPRODUCTION)).astype({"edition": int})


_UNTESTABLE = {
    "mean_score_panel": "which cities these are is not printed",
    "dimension_mean": "the scores by dimension are not printed city by city",
    "tier_scale_share_of_gdp": "needs the GDP of 2020; the study has that of 2019",
}


def _reproduce_one(row: pd.Series, cities: pd.DataFrame, clusters: pd.DataFrame, edition: int) -> dict[str, object]:
    computed, note = _computed(row, cities, clusters, edition)
    difference = computed - float(str(row["value"]))
    half = float(str(row["printed_unit"])) / 2 + 1e-9
    if np.isnan(half):
        computed, difference, note = np.nan, np.nan, "its printed_unit is not given"
    verdict = "" if np.isnan(computed) else "yes" if abs(difference) <= half else "no"
    return {
        "edition": row["edition"],
        "quantity": row["quantity"],
        "subject": row["subject"],
        "cluster_id": row["cluster_id"],
        "published": row["value"],
        "computed": computed,
        "difference": difference,
        "reproduced": verdict,
        "note": note,
    }


def _computed(row: pd.Series, cities: pd.DataFrame, clusters: pd.DataFrame, edition: int) -> tuple[float, str]:
    """Value of one printed quantity and a note, or NaN and the reason why it cannot be computed."""
    quantity, subject = str(row["quantity"]), str(row["subject"])
    if row["edition"] != edition:
        return np.nan, f"the city scores of the {int(float(str(row['edition'])))} edition are not available"
    if quantity in _UNTESTABLE:
        return np.nan, _UNTESTABLE[quantity]
    if quantity == "cluster_weighted_score":
        return _lookup(clusters["score"], str(row["cluster_id"])), "the weighting is inferred, not documented"
    if quantity == "n_cities":
        return float(cities["score"].notna().sum()), ""
    if quantity == "n_clusters":
        return float(len(clusters)), "the number is given; most memberships are reconstructed"
    if quantity == "mean_score":
        return float(cities["score"].mean()), "unweighted"
    if quantity not in ("tier_count", "tier_mean_score", "tier_mean_scale"):
        raise StatisticError(
            f"published.csv: there is no rule for quantity {quantity!r}. Known: cluster_weighted_score, mean_score, "
            "n_cities, n_clusters, tier_count, tier_mean_score, tier_mean_scale, " + ", ".join(_UNTESTABLE) + "."
        )
    if "tier" not in cities:
        return np.nan, "the study has no table tiers"
    tier = cities[cities["tier"] == subject]
    if quantity == "tier_count":
        return float(len(tier)), ""
    if quantity == "tier_mean_score":
        return float(tier["score"].mean()), ""
    if "scale_2020" not in cities:
        return np.nan, "the study has no column scale_2020"
    return float(tier["scale_2020"].mean()), "over the cities whose size is known"


def _lookup(scores: pd.Series, cluster_id: str) -> float:
    if cluster_id not in scores.index:
        raise StatisticError(
            f"published.csv names the cluster {cluster_id!r}, which is none of: {', '.join(scores.index)}."
        )
    return float(scores[cluster_id])
