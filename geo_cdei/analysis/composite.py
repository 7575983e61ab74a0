"""A composite score of several indicators: scaled, weighted and added up, every step in a table.

What is missing is decided first, so that scales and weights are those of the cities that have a score.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd

from geo_cdei.columns import COMPOSITE, COMPOSITE_LEFT_OUT
from geo_cdei.errors import StatisticError

__all__ = ["add_up", "indicator_weights", "leave_out", "scale_indicators"]

SCALE = 100.0  # points of the best city, under min-max and rank
MEAN, SPREAD = 50.0, 10.0  # of the standard scores
Scaling = Literal["min-max", "z", "rank"]
Weighting = Literal["equal", "entropy", "given"]


def leave_out(
    table: pd.DataFrame, *, missing: Literal["drop", "mean", "error"] = "drop", minimum_share: float = 0.75
) -> pd.DataFrame:
    """Say which cities have too few indicators for a score, and why.

    Parameters
    ----------
    table : pandas.DataFrame of shape (n_cities, n_indicators)
        Indicators, indexed by ``adcode``.
    missing : {"drop", "mean", "error"}
        Leave a city out that lacks any; score it by what it has; or refuse the table.
    minimum_share : float
        Under "mean", the share of the indicators that a city must have.

    Returns
    -------
    pandas.DataFrame
        One row per city left out, with the columns :data:`geo_cdei.columns.COMPOSITE_LEFT_OUT`.

    Raises
    ------
    StatisticError
        Under "error", if anything is missing; or if fewer than two cities remain.

    Examples
    --------
    >>> table = pd.DataFrame({"a": [1.0, 2, None], "b": [5.0, 6, 7]}, index=["x", "y", "z"])
    >>> leave_out(table)["reason"].to_dict()
    {'z': 'lacks a'}
    """
    there = table.notna()
    if missing == "error" and not there.to_numpy().all():
        gaps = [f"{city}: {', '.join(table.columns[~row])}" for city, row in there.iterrows() if not row.all()]
        more = f"; and {len(gaps) - 10} more" if len(gaps) > 10 else ""
        raise StatisticError(
            f"{len(gaps)} of {len(table)} cities lack indicators ({'; '.join(gaps[:10])}{more}). Fill the cells, or "
            'set missing = "drop" or "mean" under [score].'
        )
    needed = minimum_share if missing == "mean" else 1.0
    out = there[there.mean(axis=1) < needed - 1e-9]
    if len(table) - len(out) < 2:
        raise StatisticError(
            f"{len(table) - len(out)} of {len(table)} cities have enough indicators for a score; two are needed. "
            "Leave the emptiest indicator out, or lower minimum_share under [score]."
        )
    reasons = [f"lacks {', '.join(table.columns[~row.to_numpy(bool)])}" for _, row in out.iterrows()]
    frame = pd.DataFrame({"n_available": out.sum(axis=1), "n_indicators": table.shape[1]}, index=out.index)
    return frame.assign(reason=reasons)[list(COMPOSITE_LEFT_OUT)]


def scale_indicators(
    table: pd.DataFrame, *, directions: Mapping[str, str], method: Scaling = "min-max"
) -> pd.DataFrame:
    r"""Bring indicators to one scale on which more is better.

    Parameters
    ----------
    table : pandas.DataFrame of shape (n_cities, n_indicators)
        Indicators; missing cells stay missing.
    directions : mapping of str to {"up", "down"}
        Whether much of an indicator is good.
    method : {"min-max", "z", "rank"}
        With :math:`r` the rank from 1 (lowest; ties share their mean) of the :math:`n` values there are:
        min-max :math:`100 (x - \min) / (\max - \min)`, z :math:`50 + 10 (x - \bar x) / s` with :math:`s` the
        standard deviation of all cities (divisor n), rank :math:`100 (r - 1) / (n - 1)`.
        Downwards: 100 minus that, for z :math:`50 - 10 z`.

    Returns
    -------
    pandas.DataFrame of the same shape
        Points.

    Raises
    ------
    StatisticError
        If an indicator is infinite somewhere, or is the same for all cities, and so tells none apart.

    References
    ----------
    OECD and JRC (2008). Handbook on Constructing Composite Indicators. Paris, chapters 5 and 6.

    Examples
    --------
    >>> table = pd.DataFrame({"gdp": [10.0, 20, 30], "smog": [5.0, 1, 3]})
    >>> scale_indicators(table, directions={"gdp": "up", "smog": "down"}).to_numpy().tolist()
    [[0.0, 0.0], [50.0, 100.0], [100.0, 50.0]]
    """
    if np.isinf(table.to_numpy(dtype=float)).any():
        bad = table.columns[np.isinf(table.to_numpy(dtype=float)).any(axis=0)].tolist()
        raise StatisticError(f"the indicators {bad} hold infinite values. Make them missing, or mend them.")
    flat = [name for name in table.columns if table[name].nunique() < 2]
    if flat:
        raise StatisticError(
            f"the indicators {flat} are the same for all {len(table)} cities and tell none from another. Leave them "
            "out."
        )
    if method == "min-max":
        low, high = table.min(), table.max()
        scaled = SCALE * (table - low) / (high - low)
    elif method == "z":
        scaled = MEAN + SPREAD * (table - table.mean()) / table.std(ddof=0)
    else:
        scaled = SCALE * (table.rank() - 1) / (table.notna().sum() - 1)
    down = [name for name in table.columns if directions[name] == "down"]
    scaled[down] = (2 * MEAN if method == "z" else SCALE) - scaled[down]
    return scaled


def indicator_weights(
    table: pd.DataFrame,
    *,
    directions: Mapping[str, str],
    method: Weighting = "equal",
    given: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    r"""Weigh the indicators; the weights add up to 1.

    Parameters
    ----------
    table : pandas.DataFrame of shape (n_cities, n_indicators)
        Indicators as measured.
    directions : mapping of str to {"up", "down"}
        Whether much of an indicator is good.
    method : {"equal", "entropy", "given"}
        Under "entropy" the min-max scaled values :math:`y_{ij}` are made shares
        :math:`p_{ij} = y_{ij} / \sum_i y_{ij}`, their entropy is
        :math:`e_j = -\sum_i p_{ij} \ln p_{ij} / \ln n_j` (an empty share counts 0), and the weight is
        :math:`(1 - e_j) / \sum_k (1 - e_k)`: the more an indicator tells cities apart, the more it counts.
    given : mapping of str to float, optional
        Weights, in any unit; all of them under "given".

    Returns
    -------
    pandas.DataFrame
        Indexed by indicator: ``weight`` and ``entropy`` (missing but under "entropy").

    Raises
    ------
    StatisticError
        If a given weight is missing or negative, all are 0, or no entropy is defined.

    References
    ----------
    Shannon, C. E. (1948). A mathematical theory of communication. Bell System Technical Journal, 27, 379-423.
    Zeleny, M. (1982). Multiple Criteria Decision Making. McGraw-Hill, New York.

    Examples
    --------
    >>> table = pd.DataFrame({"a": [1.0, 2, 3], "b": [0.0, 0, 9]})
    >>> indicator_weights(table, directions={"a": "up", "b": "up"}, method="entropy")["weight"].round(3).to_dict()
    {'a': 0.296, 'b': 0.704}
    """
    names = table.columns
    entropy = pd.Series(np.nan, index=names)
    if method == "given":
        weights = _given_weights(names, given or {})
    elif method == "entropy":
        entropy = _entropies(scale_indicators(table, directions=directions))
        weights = (1.0 - entropy).clip(lower=0.0)
        if not weights.sum() > 0:
            raise StatisticError("no indicator has less than the full entropy: no weights. Use equal or given ones.")
    else:
        weights = pd.Series(1.0, index=names)
    return pd.DataFrame({"weight": weights / weights.sum(), "entropy": entropy}).rename_axis("indicator")


def _given_weights(names: pd.Index, given: Mapping[str, float]) -> pd.Series:
    lacking = [name for name in names if given.get(name) is None]
    if lacking:
        raise StatisticError(
            f"{len(lacking)} of {len(names)} indicators have no weight ({', '.join(lacking)}). Give each indicator a "
            'weight under [score], or set weights = "equal" or "entropy".'
        )
    weights = pd.Series({name: float(given[name]) for name in names})
    if (weights < 0).any() or not weights.sum() > 0:
        raise StatisticError(f"weights are 0 or more, and not all 0; given: {weights.to_dict()}.")
    return weights


def _entropies(scaled: pd.DataFrame) -> pd.Series:
    shares = scaled / scaled.sum()
    terms = shares * np.log(shares.where(shares > 0, 1.0))
    entropies: pd.Series = -terms.sum() / np.log(scaled.notna().sum())
    return entropies


def add_up(raw: pd.DataFrame, scaled: pd.DataFrame, weights: pd.Series) -> pd.DataFrame:
    """Weigh and add the indicators of every city.

    Parameters
    ----------
    raw, scaled : pandas.DataFrame of shape (n_cities, n_indicators)
        Indicators as measured and in points, indexed by ``adcode``.
    weights : pandas.Series of shape (n_indicators,)
        Their weights, adding up to 1.

    Returns
    -------
    pandas.DataFrame
        One row per city and indicator that it has, columns :data:`geo_cdei.columns.COMPOSITE`: where a city lacks
        some, the weights of the others are raised in proportion, so that they add up to 1 again. The
        ``contribution`` is ``weight`` times ``scaled``; those of a city add up to its score.

    Raises
    ------
    StatisticError
        If a city has only indicators of weight 0.

    Examples
    --------
    >>> scaled = pd.DataFrame({"a": [0.0, 100], "b": [60.0, None]}, index=pd.Index(["x", "y"], name="adcode"))
    >>> steps = add_up(scaled, scaled, pd.Series({"a": 0.75, "b": 0.25}))
    >>> steps.groupby("adcode")["contribution"].sum().to_dict()
    {'x': 15.0, 'y': 100.0}
    """
    there = scaled.notna()
    total = (there * weights).sum(axis=1)
    if (total <= 0).any():
        bare = total.index[total <= 0].tolist()
        raise StatisticError(
            f"{len(bare)} cities have only indicators of weight 0 (first: {bare[:3]}). Leave them out."
        )
    own = (there * weights).div(total, axis=0)
    parts = {"raw": raw, "scaled": scaled, "weight": own, "contribution": own * scaled}
    long = {name: part.rename_axis(columns="indicator").stack() for name, part in parts.items()}
    kept = there.rename_axis(columns="indicator").stack()
    frame = pd.DataFrame(long)[kept].rename_axis(["adcode", "indicator"])
    return frame.reset_index()[list(COMPOSITE)]
