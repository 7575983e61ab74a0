"""What a candidate would need to be first: the smallest gain in score or in size."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._poles import MIDDLE, PoleCriteria, check_weights, group_weights, observed_range, ranks, scale_values
from ..columns import POLE_GOALS
from ..errors import StatisticError
from .scenarios import weighted_means

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

__all__ = ["pole_goals"]

FULL_SCORE = 100.0
LARGEST_GAIN = 9.0  # ten times the size
TIE = 1e-12


def pole_goals(
    criteria: PoleCriteria,
    *,
    weights: pd.Series[float] | None = None,
    first: int = 5,
    tolerance: float = 1e-6,
) -> pd.DataFrame:
    """Find the smallest gain at which each of the first candidates takes the first place.

    Parameters
    ----------
    criteria : PoleCriteria
        Candidates and criteria.
    weights : pandas.Series of shape (m,), optional
        By criterion; when omitted, equal between the groups and equal inside each.
    first : int, default 5
        How many candidates of the additive ranking are asked.
    tolerance : float, default 1e-6
        Of the gain: points of score, and share of the size.

    Returns
    -------
    pandas.DataFrame
        Indexed by ``cluster_id`` in the order of the ranking, columns :data:`geo_cdei.columns.POLE_GOALS`.
        ``score_gain``: points that every scored primary member must gain (a city stops at 100); ``score_needed``:
        the weighted score it then has. ``size_gain``: share by which the sizes of all members must grow;
        ``size_needed``: their sum. At most *tolerance* above the exact threshold; 0 for the present first; NaN if it
        is not reached within ``score_limit`` (all at 100) or ``size_limit`` (nine times the size on top).

    Raises
    ------
    StatisticError
        If *first* or *tolerance* is not positive, or the weights are wrong.

    Notes
    -----
    The gain of score moves ``score``, ``top_city`` and ``n_strong``, that of size moves ``scale_2020``; everything
    else, and everybody else, stays. The scale is taken anew over the candidates with the gain in it. Against every
    rival the lead of a gaining candidate never falls, so bisection finds the only crossing.
    """
    if first < 1 or not tolerance > 0:
        raise StatisticError(f"first and tolerance must be positive; got {first} and {tolerance}.")
    used = group_weights(criteria.groups) if weights is None else check_weights(weights, criteria.raw.columns)
    value = _values(criteria, criteria.raw, used)
    order = ranks(value).sort_values(kind="stable")
    rows = {}
    for cluster_id in order.index[:first]:
        place = int(criteria.raw.index.get_indexer(pd.Index([cluster_id]))[0])
        held = criteria.memberships[0, place]
        limit = FULL_SCORE - float(np.min(criteria.score[held]))
        score_gain = _smallest(partial(_leads_scored, criteria, used, place), limit, tolerance)
        size_gain = _smallest(partial(_leads_sized, criteria, used, place), LARGEST_GAIN, tolerance)
        rows[cluster_id] = {
            "cluster": criteria.candidates.at[cluster_id, "cluster"], "rank_additive": order[cluster_id],
            "score_gain": score_gain, "score_needed": _scored(criteria, place, score_gain).get("score", np.nan),
            "size_gain": size_gain, "size_needed": _sized(criteria, place, size_gain).get("scale_2020", np.nan),
            "score_limit": limit, "size_limit": LARGEST_GAIN,
        }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(POLE_GOALS)).rename_axis("cluster_id")


def _values(criteria: PoleCriteria, raw: pd.DataFrame, weights: pd.Series[float]) -> pd.Series[float]:
    ends = observed_range(raw, criteria.elsewhere)
    table = criteria.table.assign(low=ends["low"], high=ends["high"])
    return (scale_values(raw, table).fillna(MIDDLE) @ weights).rename("value")


def _leads(criteria: PoleCriteria, weights: pd.Series[float], place: int, moved: dict[str, float]) -> bool:
    raw = criteria.raw.copy()
    for name, value in moved.items():
        raw.iat[place, list(raw.columns).index(name)] = value
    values = _values(criteria, raw, weights).to_numpy()
    return bool(values[place] >= values.max() - TIE)


def _leads_scored(criteria: PoleCriteria, weights: pd.Series[float], place: int, gain: float) -> bool:
    return _leads(criteria, weights, place, _scored(criteria, place, gain))


def _leads_sized(criteria: PoleCriteria, weights: pd.Series[float], place: int, gain: float) -> bool:
    return _leads(criteria, weights, place, _sized(criteria, place, gain))


def _scored(criteria: PoleCriteria, place: int, gain: float) -> dict[str, float]:
    """Criteria of level and number of strong cities after a gain of every member."""
    held = criteria.memberships[0, place]
    score = np.minimum(criteria.score + gain, np.maximum(criteria.score, FULL_SCORE))
    found = {
        "score": float(weighted_means(score, criteria.weight, held[None, :])[0]),
        "top_city": float(score[held].max()),
        # the gain is added in floating point: 64.9 + 0.1 must reach 65
        "n_strong": float((score[held] >= criteria.strong_city - TIE * FULL_SCORE).sum()),
    }
    return {name: value for name, value in found.items() if name in criteria.raw}


def _sized(criteria: PoleCriteria, place: int, gain: float) -> dict[str, float]:
    """Size after a gain of every member by the same share."""
    if "scale_2020" not in criteria.raw:
        return {}
    return {"scale_2020": float(criteria.raw["scale_2020"].iloc[place]) * (1.0 + gain)}


def _smallest(leads: Callable[[float], bool], limit: float, tolerance: float) -> float:
    """Smallest gain that leads, never below it and at most `tolerance` above; NaN if none does."""
    if leads(0.0):
        return 0.0
    if not leads(limit):
        return float("nan")
    low, high = 0.0, limit
    while high - low > tolerance:
        middle = (low + high) / 2.0
        if leads(middle):
            high = middle
        else:
            low = middle
    return high
