"""What every part of the fifth-pole analysis shares: the criteria, their scale, and weights by group.

A criterion is scaled over the stated set of candidates: 0 is the worst value observed, 1 the best. A value that is
not known stands in the middle of the scale where one number is asked for, anywhere on it where draws are asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .errors import StatisticError

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    BoolArray = npt.NDArray[np.bool_]

__all__ = [
    "CRITERIA", "GROUPS", "Criterion", "PoleCriteria", "check_weights", "group_weights", "observed_range", "ranks",
    "scale_values", "subset", "without_criteria",
]  # fmt: skip

GROUPS = ("level", "breadth", "connection", "location", "dynamics")
MIDDLE = 0.5  # where an unknown value stands on the scale


@dataclass(frozen=True, slots=True)
class Criterion:
    """One criterion: its group, whether more is better (+1) or worse (-1), its unit and the step it comes from."""

    key: str
    group: str
    direction: int
    unit: str
    step: str


CRITERIA = (
    Criterion("score", "level", 1, "points", "scores"),
    Criterion("top_city", "level", 1, "points", "scores"),
    Criterion("scale_2020", "breadth", 1, "100 million yuan", "scores"),
    Criterion("n_strong", "breadth", 1, "cities", "scores"),
    Criterion("evenness", "breadth", 1, "1 - Gini", "scores"),
    Criterion("primacy", "breadth", -1, "first city / second city", "scores"),
    Criterion("share_HH", "breadth", 1, "share of members", "autocorrelation"),
    Criterion("share_hot", "breadth", 1, "share of members", "autocorrelation"),
    Criterion("backbone_flow", "connection", 1, "share of all flow", "corridors"),
    Criterion("n_corridors", "connection", 1, "corridors", "corridors"),
    Criterion("market_potential", "connection", 1, "100 million yuan per km", "scores"),
    Criterion("complementarity", "location", 1, "share of the distance saved", "poles"),
    Criterion("free_hinterland", "location", 1, "share of the size of all cities", "spillovers"),
    Criterion("change", "dynamics", 1, "points", "patterns"),
)
"""Every criterion, in the order of the tables; the names of the size criteria follow the study's column."""


@dataclass(frozen=True, slots=True, eq=False)
class PoleCriteria:
    """Candidates, their criteria, and what the criteria were computed from.

    Attributes
    ----------
    candidates : pandas.DataFrame of shape (n, any)
        Indexed by ``cluster_id``: ``cluster``, ``cluster_en``, ``seat`` (code), ``seat_city``, ``n_scored``.
    raw : pandas.DataFrame of shape (n, m)
        Criteria under the primary memberships; NaN is unknown.
    others : tuple of pandas.DataFrame
        The same under each other membership scenario.
    table : pandas.DataFrame of shape (m, any)
        Indexed by ``criterion``: ``group``, ``direction``, ``unit``, ``step``, ``low`` and ``high`` (ends of the
        scale, as numbers of the criterion), ``n_missing``.
    elsewhere : pandas.DataFrame
        ``low`` and ``high`` of what was observed outside the candidates, by ``criterion``; part of the scale.
    left_out : tuple of str
        Criteria for which the study has no source.
    score, weight : numpy.ndarray of shape (n_cities,)
        Scores and weights of the cities.
    memberships : numpy.ndarray of bool, shape (n_scenarios, n, n_cities)
        Scored members, primary first.
    adcodes : pandas.Index of shape (n_cities,)
        Codes of the cities.
    strong_city : float
        Score from which a city counts as strong.
    """

    candidates: pd.DataFrame
    raw: pd.DataFrame
    others: tuple[pd.DataFrame, ...]
    table: pd.DataFrame
    elsewhere: pd.DataFrame
    left_out: tuple[str, ...]
    score: FloatArray
    weight: FloatArray
    memberships: BoolArray
    adcodes: pd.Index[str]
    strong_city: float

    @property
    def groups(self) -> pd.Series[str]:
        """Group of every criterion."""
        return self.table["group"]


def observed_range(raw: pd.DataFrame, elsewhere: pd.DataFrame) -> pd.DataFrame:
    """Find the ends of every scale: the lowest and highest value observed.

    Parameters
    ----------
    raw : pandas.DataFrame of shape (n, m)
        Criteria of the candidates.
    elsewhere : pandas.DataFrame
        Indexed by criterion: ``low`` and ``high`` of what was observed outside the candidates.

    Returns
    -------
    pandas.DataFrame of shape (m, 2)
        ``low``, ``high``.

    Raises
    ------
    StatisticError
        If a criterion was observed nowhere.

    Examples
    --------
    >>> none = pd.DataFrame(columns=["low", "high"], dtype=float)
    >>> observed_range(pd.DataFrame({"score": [3.0, 5.0, np.nan]}), none).to_numpy().tolist()
    [[3.0, 5.0]]
    """
    outside = elsewhere.reindex(raw.columns)
    ends = pd.DataFrame(
        {
            "low": np.fmin(raw.min().to_numpy(dtype=float), outside["low"].to_numpy(dtype=float)),
            "high": np.fmax(raw.max().to_numpy(dtype=float), outside["high"].to_numpy(dtype=float)),
        },
        index=pd.Index(raw.columns, name="criterion"),
    )
    unseen = ends.index[ends["low"].isna()].tolist()
    if unseen:
        raise StatisticError(
            f"{len(unseen)} of {raw.shape[1]} criteria are missing for all {len(raw)} candidates and were observed "
            f"nowhere else: {', '.join(unseen)}. Supply their data, or leave the criterion out."
        )
    return ends


def scale_values(raw: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Put every criterion on a scale from 0 (worst observed) to 1 (best observed).

    Parameters
    ----------
    raw : pandas.DataFrame of shape (n, m)
        Criteria.
    table : pandas.DataFrame of shape (m, any)
        Indexed by criterion: ``low``, ``high``, ``direction``.

    Returns
    -------
    pandas.DataFrame of shape (n, m)
        NaN stays NaN; a criterion that is the same for all is 1 for all, so that it favours nobody.

    Examples
    --------
    >>> table = pd.DataFrame({"low": [1.0], "high": [3.0], "direction": [-1]}, index=["primacy"])
    >>> scale_values(pd.DataFrame({"primacy": [1.0, 1.5, 3.0]}), table)["primacy"].tolist()
    [1.0, 0.75, 0.0]
    """
    table = table.loc[list(raw.columns)]
    low, high = table["low"].to_numpy(dtype=float), table["high"].to_numpy(dtype=float)
    width = np.where(high > low, high - low, 1.0)
    values = raw.to_numpy(dtype=float)
    scaled = np.where(table["direction"].to_numpy() > 0, values - low, high - values) / width
    scaled = np.where((high > low) | np.isnan(values), scaled, 1.0)
    return pd.DataFrame(scaled, index=raw.index, columns=raw.columns)


def group_weights(
    groups: pd.Series[str],
    *,
    between: Mapping[str, float] | None = None,
    within: Mapping[str, float] | None = None,
) -> pd.Series[float]:
    """Weights in two levels: of the groups, and of the criteria inside their group.

    Parameters
    ----------
    groups : pandas.Series of shape (m,)
        Group of every criterion.
    between : mapping of str to float, optional
        Weight of groups; 1 where not named.
    within : mapping of str to float, optional
        Weight of criteria inside their group; 1 where not named.

    Returns
    -------
    pandas.Series of shape (m,)
        Weights that sum to 1, indexed by criterion.

    Raises
    ------
    StatisticError
        If a name is unknown, a weight is negative or not finite, or all are 0.

    Examples
    --------
    >>> groups = pd.Series(["level", "level", "location"], index=["score", "top_city", "complementarity"])
    >>> group_weights(groups).tolist()
    [0.25, 0.25, 0.5]
    >>> group_weights(groups, between={"location": 3}, within={"score": 4}).round(2).tolist()
    [0.2, 0.05, 0.75]
    """
    outer = _named_weights(between, sorted(set(groups), key=_group_order), of="groups", also=GROUPS)
    inner = _named_weights(within, list(groups.index), of="criteria", also=[c.key for c in CRITERIA])
    sums = inner.groupby(groups).sum()
    held = groups.map(sums.where(sums > 0))
    weights = (inner / held).fillna(0.0) * groups.map(outer)
    return check_weights(weights, groups.index)


def _named_weights(
    given: Mapping[str, float] | None, known: Sequence[str], *, of: str, also: Sequence[str]
) -> pd.Series[float]:
    weights = pd.Series(1.0, index=pd.Index(list(known)))
    wrong = [name for name in given or {} if name not in known and name not in also]
    if wrong:
        raise StatisticError(
            f"weights of {of}: {len(wrong)} unknown ({', '.join(map(repr, wrong))}). Known: {', '.join(known)}."
        )
    for name, value in (given or {}).items():
        _check_number(name, value)
        if name in weights.index:  # a group or criterion that the study has no source for has nothing to weight
            weights[name] = float(value)
    return weights


def _check_number(name: str, value: float) -> None:
    if not (np.isfinite(value) and value >= 0):
        raise StatisticError(
            f"weight of {name!r} is {value!r}; weights are finite and 0 or more. Use 0 to leave it out."
        )


def _group_order(name: str) -> int:
    return GROUPS.index(name) if name in GROUPS else len(GROUPS)


def check_weights(weights: pd.Series[float], criteria: pd.Index[str]) -> pd.Series[float]:
    """Check weights of criteria and bring them to the sum 1.

    Parameters
    ----------
    weights : pandas.Series of shape (m,)
        Weights indexed by criterion, in any order.
    criteria : pandas.Index of shape (m,)
        The criteria.

    Returns
    -------
    pandas.Series of shape (m,)
        In the order of *criteria*, with the sum 1.

    Raises
    ------
    StatisticError
        If a criterion has no weight, a weight is negative or not finite, or all are 0.

    Examples
    --------
    >>> check_weights(pd.Series({"b": 3.0, "a": 1.0}), pd.Index(["a", "b"])).tolist()
    [0.25, 0.75]
    """
    lacking = [name for name in criteria if name not in weights.index]
    unknown = [str(name) for name in weights.index if name not in criteria]
    if lacking or unknown:
        raise StatisticError(
            f"weights need one number for each of the {len(criteria)} criteria; missing: "
            f"{', '.join(lacking) or 'none'}; unknown: {', '.join(unknown) or 'none'}."
        )
    for name, value in weights.items():
        _check_number(str(name), float(value))
    total = float(weights.sum())
    if total <= 0:
        raise StatisticError(f"all {len(weights)} weights are 0; give at least one criterion a positive weight.")
    return weights.reindex(criteria).astype(float) / total


def ranks(values: pd.Series[float]) -> pd.Series[int]:
    """Rank from the best down; what differs by less than 1e-12 shares the better rank.

    Parameters
    ----------
    values : pandas.Series of shape (n,)
        More is better.

    Returns
    -------
    pandas.Series of int, shape (n,)
        1 is the best.

    Examples
    --------
    >>> ranks(pd.Series([0.2, 0.9, 0.9])).tolist()
    [3, 1, 1]
    """
    return values.round(12).rank(ascending=False, method="min").astype(int)


def subset(criteria: PoleCriteria, keep: Sequence[str]) -> PoleCriteria:
    """Keep some candidates on the scale of all.

    Parameters
    ----------
    criteria : PoleCriteria
        All candidates.
    keep : sequence of str
        ``cluster_id`` of those to keep.

    Returns
    -------
    PoleCriteria
        With the same ends of the scales.
    """
    places = criteria.raw.index.get_indexer(pd.Index(list(keep)))
    return replace(
        criteria,
        candidates=criteria.candidates.loc[list(keep)],
        raw=criteria.raw.loc[list(keep)],
        others=tuple(other.loc[list(keep)] for other in criteria.others),
        memberships=criteria.memberships[:, places],
    )


def without_criteria(criteria: PoleCriteria, drop: Sequence[str]) -> PoleCriteria:
    """Leave some criteria out.

    Parameters
    ----------
    criteria : PoleCriteria
        All criteria.
    drop : sequence of str
        Those to leave out.

    Returns
    -------
    PoleCriteria
        The others, unchanged.

    Raises
    ------
    StatisticError
        If none would be left.
    """
    kept = [name for name in criteria.raw.columns if name not in drop]
    if not kept:
        raise StatisticError(f"all {criteria.raw.shape[1]} criteria would be left out; keep at least one.")
    return replace(
        criteria,
        raw=criteria.raw[kept],
        others=tuple(other[kept] for other in criteria.others),
        table=criteria.table.loc[kept],
    )
