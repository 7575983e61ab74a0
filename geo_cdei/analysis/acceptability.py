"""How sure a rank is: every value system and everything uncertain drawn at once (SMAA)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._pole_draws import PoleDraws, count_ranks
from .._poles import PoleCriteria, without_criteria
from ..columns import POLE_CENTRAL_WEIGHTS, POLE_PAIRS, POLE_VARIANTS
from ..errors import StatisticError

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]

__all__ = ["Acceptability", "acceptability_variants", "central_weights", "pair_table", "rank_acceptability"]

FEWEST_DRAWS = 10_000
BLOCK = 4096
SCHEMES = ("grouped", "flat")


@dataclass(frozen=True, slots=True, eq=False)
class Acceptability:
    """Shares of the draws.

    Attributes
    ----------
    ranks : pandas.DataFrame of shape (n, n)
        Share of draws in which a candidate (row) has a rank (column, from 1); rows and columns sum to 1.
    pairs : pandas.DataFrame of shape (n, n)
        Share of draws in which the row stands before the column; NaN on the diagonal.
    central : pandas.DataFrame of shape (n, m)
        Mean weights of the draws in which a candidate is first; NaN where it never is.
    mean : pandas.Series of shape (m,)
        Mean weights of all draws.
    scheme : str
        "grouped" or "flat".
    draws, seed : int
        Circumstances.
    """

    ranks: pd.DataFrame
    pairs: pd.DataFrame
    central: pd.DataFrame
    mean: pd.Series[float]
    scheme: str
    draws: int
    seed: int

    @property
    def first(self) -> pd.Series[float]:
        """Share of draws in which each candidate is first."""
        return self.ranks[1]

    @property
    def top3(self) -> pd.Series[float]:
        """Share of draws in which each candidate is among the first three."""
        return self.ranks.iloc[:, :3].sum(axis=1).clip(upper=1.0)

    def __str__(self) -> str:
        """Name the likeliest first candidate, its share and the circumstances in one line."""
        return f"{self.first.idxmax()} is first in {self.first.max():.1%} of {self.draws} {self.scheme} draws"


def rank_acceptability(
    criteria: PoleCriteria,
    *,
    scheme: str = "grouped",
    log_sd: pd.Series[float] | None = None,
    draws: int = 20_000,
    seed: int,
    block: int = BLOCK,
) -> Acceptability:
    """Draw weights and everything uncertain, and count the ranks of the additive value model.

    Parameters
    ----------
    criteria : PoleCriteria
        Candidates and criteria.
    scheme : {"grouped", "flat"}, default "grouped"
        Weights uniform over the groups, and inside each group uniform over its criteria (two Dirichlet draws with all
        parameters 1); or uniform over all criteria.
    log_sd : pandas.Series, optional
        Standard deviation of the logarithm of every city's weight in the cluster scores, by ``adcode``; the weights
        are taken as exact when omitted.
    draws : int, default 20000
        At least 10,000.
    seed : int
        Seed; weights, city weights, memberships, unknown values and ties have generators of their own.
    block : int, default 4096
        Draws held in memory at once; the answer is the same for any.

    Returns
    -------
    Acceptability
        Rank acceptabilities, pairwise winning probabilities and central weights.

    Raises
    ------
    StatisticError
        If there are fewer than two candidates or 10,000 draws, or *scheme* is unknown.

    Notes
    -----
    In each draw a candidate has the memberships with or without its secondary cities, each with probability one half
    and independent of the others; its ``score`` follows the drawn city weights; a value that is not known is uniform
    over the observed range. The ends of the scales stay those of the observed values.

    References
    ----------
    Lahdelma, R., Hokkanen, J. and Salminen, P. (1998). SMAA: stochastic multiobjective acceptability analysis.
    European Journal of Operational Research, 106(1), 137-143. Tervonen, T. and Figueira, J. R. (2008). A survey on
    stochastic multicriteria acceptability analysis methods. Journal of Multi-Criteria Decision Analysis, 15, 1-14.
    """
    _check_request(criteria, scheme, draws, block)
    drawn = PoleDraws(criteria, scheme=scheme, log_sd=log_sd, seed=seed)
    n, m = criteria.raw.shape
    ranks, pairs = np.zeros((n, n), dtype=np.int64), np.zeros((n, n), dtype=np.int64)
    central, mean = np.zeros((n, m)), np.zeros(m)
    for size in _sizes(draws, block):
        weights, values = drawn.draw(size)
        place, before = count_ranks(values)
        ranks += np.stack([np.bincount(row, minlength=n) for row in place])
        pairs += before
        winner = values.argmax(axis=0)
        central += np.stack([np.bincount(winner, weight, minlength=n) for weight in weights], axis=1)
        mean += weights.sum(axis=1)
    return _shares(criteria, ranks, pairs, (central, mean), (scheme, draws, seed))


def _check_request(criteria: PoleCriteria, scheme: str, draws: int, block: int) -> None:
    if len(criteria.raw) < 2:
        raise StatisticError(f"a ranking needs two candidates; got {len(criteria.raw)}.")
    if scheme not in SCHEMES:
        raise StatisticError(f"scheme must be one of {', '.join(SCHEMES)}; got {scheme!r}.")
    if draws < FEWEST_DRAWS or block < 1:
        raise StatisticError(
            f"rank acceptabilities need at least {FEWEST_DRAWS:,} draws, in blocks of at least 1; got "
            f"draws={draws} and block={block}."
        )


def _sizes(draws: int, block: int) -> Iterator[int]:
    for start in range(0, draws, block):
        yield min(block, draws - start)


def _shares(
    criteria: PoleCriteria,
    counts: IntArray,
    pairs: IntArray,
    sums: tuple[FloatArray, FloatArray],
    made: tuple[str, int, int],
) -> Acceptability:
    index, names = criteria.raw.index, criteria.raw.columns
    scheme, draws, seed = made
    central, mean = sums
    first = counts[:, :1]
    share = pairs / draws
    np.fill_diagonal(share, np.nan)
    return Acceptability(
        ranks=pd.DataFrame(counts / draws, index=index, columns=pd.RangeIndex(1, len(index) + 1, name="rank")),
        pairs=pd.DataFrame(share, index=index, columns=index.rename("other_id")),
        central=pd.DataFrame(
            np.divide(central, first, out=np.full_like(central, np.nan), where=first > 0), index=index, columns=names
        ),
        mean=pd.Series(mean / draws, index=names),
        scheme=scheme,
        draws=draws,
        seed=seed,
    )


def central_weights(criteria: PoleCriteria, found: Mapping[str, Acceptability]) -> pd.DataFrame:
    """List what one must believe for each candidate to be first.

    Parameters
    ----------
    criteria : PoleCriteria
        Candidates and criteria.
    found : mapping of str to Acceptability
        By scheme.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`geo_cdei.columns.POLE_CENTRAL_WEIGHTS`, one row per scheme, candidate and criterion: ``weight``
        is the central weight (NaN if never first), ``group_weight`` that of the criterion's group, ``mean`` the
        mean over all draws.
    """
    tables = []
    for scheme, answer in found.items():
        long = _long(answer.central, "criterion", "weight")
        long["group"] = long["criterion"].map(criteria.groups)
        together = long.groupby(["cluster_id", "group"])["weight"]
        long["group_weight"] = together.transform(lambda w: w.sum(skipna=False))
        long["mean"] = long["criterion"].map(answer.mean)
        long["p_first"] = long["cluster_id"].map(answer.first)
        long["cluster"] = long["cluster_id"].map(criteria.candidates["cluster"])
        tables.append(long.assign(scheme=scheme)[list(POLE_CENTRAL_WEIGHTS)])
    return pd.concat(tables, ignore_index=True)


def _long(wide: pd.DataFrame, columns: str, values: str) -> pd.DataFrame:
    """One row per cell, row by row."""
    n, m = wide.shape
    return pd.DataFrame(
        {
            "cluster_id": np.repeat(wide.index.to_numpy(), m), columns: np.tile(wide.columns.to_numpy(), n),
            values: wide.to_numpy(dtype=float).ravel(),
        }
    )  # fmt: skip


def pair_table(criteria: PoleCriteria, found: Mapping[str, Acceptability]) -> pd.DataFrame:
    """List the probability that one candidate stands before another.

    Parameters
    ----------
    criteria : PoleCriteria
        Candidates and criteria.
    found : mapping of str to Acceptability
        By scheme.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`geo_cdei.columns.POLE_PAIRS`, one row per scheme and ordered pair.
    """
    names = criteria.candidates["cluster"]
    tables = []
    for scheme, answer in found.items():
        long = _long(answer.pairs, "other_id", "p_before").dropna()
        long = long.assign(scheme=scheme, cluster=long["cluster_id"].map(names), other=long["other_id"].map(names))
        tables.append(long[list(POLE_PAIRS)])
    return pd.concat(tables, ignore_index=True)


def acceptability_variants(
    criteria: PoleCriteria,
    *,
    log_sd: pd.Series[float] | None = None,
    draws: int = 20_000,
    seed: int,
) -> pd.DataFrame:
    """Repeat the draws with one assumption changed at a time.

    Parameters
    ----------
    criteria : PoleCriteria
        Candidates and criteria.
    log_sd, draws, seed
        As in :func:`rank_acceptability`.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`geo_cdei.columns.POLE_VARIANTS`, one row per variant: ``grouped``, ``flat``, ``exact weights``
        (no error of the city weights), ``primary members`` (no wider memberships), ``known criteria`` (without those
        unknown for some candidate), ``without …`` for every criterion that is not alone in its group, and for each
        group that is not unknown ``without …`` and ``only …``; the first and the second candidate with their shares
        of first ranks. ``p_leader`` is the share of the first candidate of the grouped draws.
    """
    rows: list[tuple[Any, ...]] = []
    for name, changed, how in _variants(criteria, log_sd):
        answer = rank_acceptability(changed, draws=draws, seed=seed, **how)
        ordered = answer.first.sort_values(ascending=False, kind="stable")
        first, second = ordered.index[:2]
        leader = rows[0][1] if rows else first
        named = (name, first, criteria.candidates.at[first, "cluster"], ordered.iloc[0], second, ordered.iloc[1])
        rows.append((*named, answer.first[leader], changed.raw.shape[1]))
    return pd.DataFrame(rows, columns=list(POLE_VARIANTS))


def _variants(criteria: PoleCriteria, log_sd: pd.Series[float] | None) -> Iterator[tuple[str, PoleCriteria, Any]]:
    usual = {"scheme": "grouped", "log_sd": log_sd}
    yield "grouped", criteria, usual
    yield "flat", criteria, usual | {"scheme": "flat"}
    yield "exact weights", criteria, usual | {"log_sd": None}
    yield "primary members", replace(criteria, others=(), memberships=criteria.memberships[:1]), usual
    unknown = criteria.raw.columns[criteria.raw.isna().any()].tolist()
    if 0 < len(unknown) < criteria.raw.shape[1]:
        known = without_criteria(criteria, unknown)
        yield "known criteria", known, usual
        yield "known criteria, flat", known, usual | {"scheme": "flat"}
    size = criteria.groups.map(criteria.groups.value_counts())
    for name in criteria.groups.index[(size > 1) & ~criteria.groups.index.isin(unknown)]:
        yield f"without {name}", without_criteria(criteria, [name]), usual
    for group in dict.fromkeys(criteria.groups):
        inside = criteria.groups.index[criteria.groups == group].tolist()
        outside = criteria.groups.index[criteria.groups != group].tolist()
        if not outside or set(inside) <= set(unknown):
            continue  # the only group, or one of which nothing is known for all: no variant of its own
        yield f"without {group}", without_criteria(criteria, inside), usual
        yield f"only {group}", without_criteria(criteria, outside), usual
