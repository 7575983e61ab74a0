"""Ranks of the candidates: the additive value model and TOPSIS, under weights of several origins."""

from __future__ import annotations

import warnings
from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._poles import MIDDLE, PoleCriteria, check_weights, group_weights, observed_range, ranks, scale_values
from ..columns import POLE_DECIDING, POLE_RANKS, POLE_REVERSALS
from ..errors import StatisticError

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

__all__ = [
    "criteria_correlations", "deciding_criteria", "objective_weights", "rank_poles", "rank_reversals",
]  # fmt: skip

KINDS = ("equal", "entropy", "critic")


def objective_weights(criteria: PoleCriteria, kind: str) -> pd.Series[float]:
    """Weights that need no opinion: equal, by entropy or by CRITIC.

    Parameters
    ----------
    criteria : PoleCriteria
        Candidates and criteria.
    kind : {"equal", "entropy", "critic"}
        "equal" gives every criterion the same weight, whatever its group. "entropy" rewards criteria whose shares of
        their sum differ most between the candidates, "critic" those that vary much and repeat no other.

    Returns
    -------
    pandas.Series of shape (m,)
        Weights that sum to 1. By entropy and CRITIC a criterion weighs 0 if it is unknown for a candidate or the
        same for all: data cannot say what was not observed.

    Raises
    ------
    StatisticError
        If *kind* is unknown, a criterion is negative (entropy), or none is known for all candidates and varies.

    Notes
    -----
    The entropy takes 0 ln 0 as 0. CRITIC is that of pymcdm, on the scaled criteria, so that a criterion of which
    less is better correlates with the right sign.

    References
    ----------
    Shannon, C. E. (1948). A mathematical theory of communication. Bell System Technical Journal, 27(3), 379-423.
    Diakoulaki, D., Mavrotas, G. and Papayannakis, L. (1995). Determining objective weights in multiple criteria
    problems: the CRITIC method. Computers & Operations Research, 22(7), 763-770.
    """
    if kind not in KINDS:
        raise StatisticError(f"weights must be one of {', '.join(KINDS)}; got {kind!r}.")
    names = criteria.raw.columns
    if kind == "equal":
        return pd.Series(1.0 / len(names), index=names)
    usable = [n for n in names if criteria.raw[n].notna().all() and criteria.raw[n].nunique() > 1]
    if not usable:
        raise StatisticError(
            f"{kind} weights need a criterion that is known for all {len(criteria.raw)} candidates and varies; none "
            f"of {len(names)} is. Use equal or grouped weights."
        )
    if kind == "entropy":
        found = _entropy(criteria.raw[usable])
    else:
        found = _critic(scale_values(criteria.raw[usable], criteria.table))
    return pd.Series(found, index=pd.Index(usable)).reindex(names, fill_value=0.0)


def _entropy(raw: pd.DataFrame) -> FloatArray:
    values = raw.to_numpy(dtype=float)
    if (values < 0).any():
        below = [str(name) for name in raw.columns if (raw[name] < 0).any()]
        raise StatisticError(f"entropy weights need values of 0 or more; negative in {', '.join(below)}. Use CRITIC.")
    share = values / values.sum(axis=0)
    terms = share * np.log(share, where=share > 0, out=np.zeros_like(share))
    spread = 1.0 + terms.sum(axis=0) / np.log(len(values))
    return np.asarray(spread / spread.sum())


def _critic(scaled: pd.DataFrame) -> FloatArray:
    from pymcdm.weights import critic_weights

    if scaled.shape[1] == 1:
        return np.ones(1)
    with warnings.catch_warnings(), redirect_stdout(StringIO()):
        warnings.simplefilter("ignore")
        found = np.asarray(critic_weights(scaled.to_numpy(dtype=float)), dtype=float)
    # criteria that repeat each other exactly hold nothing of their own
    return found if np.isfinite(found).all() else np.full(len(found), 1.0 / len(found))


def rank_poles(criteria: PoleCriteria, *, weights: pd.Series[float] | None = None) -> pd.DataFrame:
    """Rank the candidates by the additive value model and by TOPSIS.

    Parameters
    ----------
    criteria : PoleCriteria
        Candidates and criteria.
    weights : pandas.Series of shape (m,), optional
        By criterion; when omitted, equal between the groups and equal inside each.

    Returns
    -------
    pandas.DataFrame of shape (n, 4 + m)
        Indexed by ``cluster_id``, columns :data:`geo_cdei.columns.POLE_RANKS` (``value_additive``,
        ``rank_additive``, ``value_topsis``, ``rank_topsis``) and ``scaled_…`` for every criterion.
        ``attrs["weights"]`` holds the weights.

    Raises
    ------
    StatisticError
        If there are fewer than two candidates, or weights are negative, lacking or all 0.

    Notes
    -----
    Both methods see the same scale (0 worst, 1 best observed), so that their ranks differ by method alone. A value
    that is not known counts as the middle of the scale and stays NaN in its ``scaled_…`` column. TOPSIS is that of
    pymcdm.

    References
    ----------
    Keeney, R. L. and Raiffa, H. (1976). Decisions with Multiple Objectives. Wiley. Hwang, C. L. and Yoon, K. (1981).
    Multiple Attribute Decision Making. Springer.
    """
    if len(criteria.raw) < 2:
        raise StatisticError(f"a ranking needs two candidates; got {len(criteria.raw)}.")
    used = group_weights(criteria.groups) if weights is None else check_weights(weights, criteria.raw.columns)
    scaled = scale_values(criteria.raw, criteria.table)
    filled = scaled.fillna(MIDDLE)
    frame = pd.DataFrame(
        {"value_additive": filled.to_numpy() @ used.to_numpy(), "value_topsis": _topsis(filled, used)},
        index=criteria.raw.index,
    )
    frame["rank_additive"], frame["rank_topsis"] = ranks(frame["value_additive"]), ranks(frame["value_topsis"])
    frame = frame[list(POLE_RANKS)].join(scaled.add_prefix("scaled_"))
    frame.attrs["weights"] = used
    return frame


def _topsis(filled: pd.DataFrame, weights: pd.Series[float]) -> FloatArray:
    from pymcdm.methods import TOPSIS

    matrix = filled.to_numpy(dtype=float)
    if np.ptp(matrix * weights.to_numpy(), axis=0).max() == 0:
        return np.full(len(matrix), 0.5)  # all alike: as far from the best as from the worst
    # the scale is the study's own: a subset of candidates, or a range observed elsewhere, must not stretch it
    with warnings.catch_warnings(), redirect_stdout(StringIO()):
        warnings.simplefilter("ignore")
        method = TOPSIS(normalization_function=_as_it_is)
        found = method(matrix, weights.to_numpy(), np.ones(len(weights)), validation=False)
    return np.asarray(found, dtype=float)


def _as_it_is(x: FloatArray, cost: bool = False) -> FloatArray:  # noqa: ARG001 (pymcdm calls it so)
    return x


def criteria_correlations(criteria: PoleCriteria) -> pd.DataFrame:
    """Rank correlation of every two criteria over the candidates, after turning all so that more is better.

    Parameters
    ----------
    criteria : PoleCriteria
        Candidates and criteria.

    Returns
    -------
    pandas.DataFrame of shape (m, m)
        Spearman's rho over the candidates for which both are known; NaN where one does not vary.

    References
    ----------
    Spearman, C. (1904). The proof and measurement of association between two things. American Journal of
    Psychology, 15(1), 72-101.
    """
    return scale_values(criteria.raw, criteria.table).rank().corr(min_periods=3).rename_axis("criterion")


def rank_reversals(criteria: PoleCriteria, *, weights: pd.Series[float] | None = None) -> pd.DataFrame:
    """Drop each candidate but the first and see whether the order of the others changes.

    Parameters
    ----------
    criteria : PoleCriteria
        Candidates and criteria; the scale is taken anew over those left.
    weights : pandas.Series of shape (m,), optional
        As in :func:`rank_poles`.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`geo_cdei.columns.POLE_REVERSALS`: one row per dropped candidate and method; ``first`` is the
        first of those left, ``first_changes`` whether that is another than before, ``n_reversed`` how many pairs of
        those left stand the other way round, of ``n_pairs``.

    References
    ----------
    Belton, V. and Gear, T. (1983). On a short-coming of Saaty's method of analytic hierarchies. Omega, 11(3),
    228-230.
    """
    whole = rank_poles(criteria, weights=weights)
    rows: list[tuple[object, ...]] = []
    for method in ("additive", "topsis"):
        values = whole[f"value_{method}"]
        first = str(values.idxmax())
        for dropped in whole.index[whole.index != first]:
            left = rank_poles(_rescaled(criteria, str(dropped)), weights=weights)[f"value_{method}"]
            before, after = values[left.index].to_numpy(), left.to_numpy()
            upper = np.triu_indices(len(left), 1)
            turned = np.subtract.outer(before, before)[upper] * np.subtract.outer(after, after)[upper] < 0
            rows.append((dropped, method, left.idxmax(), left.idxmax() != first, int(turned.sum()), len(turned)))
    return pd.DataFrame(rows, columns=list(POLE_REVERSALS))


def _rescaled(criteria: PoleCriteria, dropped: str) -> PoleCriteria:
    raw = criteria.raw.drop(index=dropped)
    outside = criteria.elsewhere
    unseen = raw.columns[raw.isna().all()].difference(outside.index)
    if len(unseen):  # only the dropped one knew them: what it had stays the scale
        outside = pd.concat([outside, criteria.table.loc[unseen, ["low", "high"]]])
    ends = observed_range(raw, outside)
    table = criteria.table.assign(low=ends["low"], high=ends["high"])
    return replace(criteria, raw=raw, candidates=criteria.candidates.drop(index=dropped), table=table)


def deciding_criteria(
    criteria: PoleCriteria, first: str, second: str, *, weights: pd.Series[float] | None = None
) -> pd.DataFrame:
    """Split the lead of one candidate over another by criterion and by group.

    Parameters
    ----------
    criteria : PoleCriteria
        Candidates and criteria.
    first, second : str
        Two ``cluster_id``.
    weights : pandas.Series of shape (m,), optional
        As in :func:`rank_poles`.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`geo_cdei.columns.POLE_DECIDING`: rows for every criterion (``level`` "criterion") and group.
        ``contribution`` is the weighted difference of the scaled values; over the criteria, and over the groups, it
        adds up to the lead. ``decides`` is true if without the criterion (its weight given to the others of its
        group) or the group (its weight given to the other groups) the order of the two turns or is lost.

    Raises
    ------
    StatisticError
        If one of the two is no candidate.

    Examples
    --------
    The lead of a over b, 0.3, comes from the first criterion alone: it decides.

    >>> import geo_cdei._poles as shared
    >>> table = pd.DataFrame(
    ...     {"group": ["level", "location"], "direction": 1, "low": 0.0, "high": 1.0}, index=["x", "y"]
    ... )
    >>> raw = pd.DataFrame({"x": [1.0, 0.0], "y": [0.2, 0.6]}, index=["a", "b"])
    >>> parts = shared.PoleCriteria(raw, raw, (), table, table.iloc[:0], (), *[raw.to_numpy()] * 3, raw.index, 65.0)
    >>> found = deciding_criteria(parts, "a", "b")
    >>> found[found["level"] == "criterion"][["name", "contribution", "decides"]].round(2).to_numpy().tolist()
    [['x', 0.5, True], ['y', -0.2, False]]
    """
    absent = [name for name in (first, second) if name not in criteria.raw.index]
    if absent:
        raise StatisticError(f"{', '.join(absent)}: no candidate. Candidates: {', '.join(criteria.raw.index)}.")
    used = group_weights(criteria.groups) if weights is None else check_weights(weights, criteria.raw.columns)
    scaled = scale_values(criteria.raw, criteria.table).fillna(MIDDLE)
    at = scaled.index.get_indexer(pd.Index([first, second]))
    gap = pd.Series(scaled.to_numpy()[at[0]] - scaled.to_numpy()[at[1]], index=scaled.columns)
    parts = gap * used
    rows: list[tuple[object, ...]] = []
    for name, group in zip(criteria.raw.columns, criteria.groups, strict=True):
        lead = _lead(_reweighted(used, criteria.groups, name), gap)
        rows.append(("criterion", name, group, gap[name], used[name], parts[name], lead <= 0))
    for group in dict.fromkeys(criteria.groups):
        inside = (criteria.groups == group).to_numpy()
        weight, total = used.to_numpy()[inside].sum(), parts.to_numpy()[inside].sum()
        share = total / weight if weight > 0 else np.nan
        rows.append(("group", group, group, share, weight, total, _lead(used.where(~inside, 0.0), gap) <= 0))
    frame = pd.DataFrame(rows, columns=["level", "name", "group", "difference", "weight", "contribution", "decides"])
    return frame.assign(first=first, second=second)[list(POLE_DECIDING)]


def _lead(weights: pd.Series[float], gap: pd.Series[float]) -> float:
    return float(weights.to_numpy() @ gap.to_numpy())


def _reweighted(weights: pd.Series[float], groups: pd.Series[str], name: str) -> pd.Series[float]:
    """Weights without one criterion; its weight goes to the others of its group, or of all where it is alone."""
    left = weights.copy()
    left[name] = 0.0
    peers = ((groups == groups[name]) & (left > 0)).to_numpy()
    if not peers.any():
        peers = (left > 0).to_numpy()
    if not peers.any():
        return left
    total = float(left[peers].sum())
    return left.where(~peers, left * (total + float(weights[name])) / total)
