"""How much of the inequality between cities lies between the clusters, and whether that is more than geography.

Two measures (Theil's T, Dagum's Gini), two nulls. Shuffled labels only find again that neighbors are alike;
random contiguous partitions of the same sizes ask whether *these* borders matter. Only the second supports a
sentence about the clusters.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo_cdei._aligned import numbers
from geo_cdei.columns import INEQUALITY
from geo_cdei.errors import AlignmentError, StatisticError

__all__ = ["dagum_parts", "decompose_inequality", "theil_parts"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def theil_parts(y: Floats, labels: Ints) -> tuple[Floats, Floats]:
    """Theil's T and its part between groups.

    Parameters
    ----------
    y : array of shape (n,)
        Positive values.
    labels : array of int, shape (n,) or (n_draws, n)
        Group of every value, 0…K−1; several rows for several groupings of the same values.

    Returns
    -------
    total, between : array of shape () or (n_draws,)
        T = Σ s ln(n s) over the shares s of the total, and the same over the groups; the rest is within.

    References
    ----------
    Theil, H. (1967). Economics and Information Theory. Amsterdam: North-Holland.

    Examples
    --------
    >>> total, between = theil_parts(np.array([1.0, 1.0, 3.0, 3.0]), np.array([0, 0, 1, 1]))
    >>> bool(np.isclose(total, between)), round(float(total), 6)
    (True, 0.130812)
    """
    share = y / y.sum()
    total = np.sum(share * np.log(len(y) * share))
    sums, counts = _group_sums(share, labels)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = sums * np.log(sums / (counts / len(y)))
    between = np.nansum(terms, axis=-1)
    return np.broadcast_to(total, between.shape), between


def dagum_parts(y: Floats, labels: Ints) -> tuple[Floats, Floats, Floats]:
    """Gini coefficient and Dagum's parts within and net between groups.

    Parameters
    ----------
    y : array of shape (n,)
        Positive values.
    labels : array of int, shape (n,) or (n_draws, n)
        Group of every value, 0…K−1.

    Returns
    -------
    total, within, net_between : array of shape () or (n_draws,)
        What is left, total − within − net_between, is the intensity of transvariation (overlap of the groups).

    Notes
    -----
    Dagum's net between part, Σ G_jh (p_j s_h + p_h s_j) D_jh, is the Gini of the group means, each taken as often
    as its group has members: Σ n_j n_h |m_j − m_h| / (2 n² m).

    References
    ----------
    Dagum, C. (1997). Empirical Economics, 22(4), 515-531.

    Examples
    --------
    >>> total, within, net = dagum_parts(np.array([1.0, 2.0, 3.0, 4.0]), np.array([0, 0, 1, 1]))
    >>> round(float(total), 6), round(float(within), 6), round(float(net), 6)
    (0.25, 0.05, 0.2)
    """
    scale = 2 * len(y) ** 2 * y.mean()
    total = np.abs(y[:, None] - y[None, :]).sum() / scale
    net = _net_between(y, labels)
    return np.broadcast_to(total, net.shape), _pairs_within(y, labels) * 2 / scale, net


def _net_between(y: Floats, labels: Ints) -> Floats:
    sums, counts = _group_sums(y, labels)
    means = np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0)
    gaps = np.abs(means[..., :, None] - means[..., None, :])
    pairs = counts[..., :, None] * counts[..., None, :]
    return np.asarray((pairs * gaps).sum(axis=(-2, -1)) / (2 * len(y) ** 2 * y.mean()))


def decompose_inequality(
    y: pd.Series,
    groups: pd.Series,
    *,
    partitions: pd.DataFrame,
    permutations: int = 9999,
    seed: int,
) -> pd.DataFrame:
    """Split the inequality of `y` into parts within and between groups, and test the share between.

    Parameters
    ----------
    y : pandas.Series of shape (n_cities,)
        Positive values, indexed by ``adcode``; a missing one is left out and named.
    groups : pandas.Series of shape (n_cities,)
        Cluster of every city, same index; cities outside every cluster do not belong here.
    partitions : pandas.DataFrame of shape (n_draws, n_cities)
        Random contiguous partitions of the same sizes, columns in any order of the same cities.
    permutations : int
        Number of shuffles of the labels.
    seed : int
        Seed of the shuffles.

    Returns
    -------
    pandas.DataFrame
        A row for ``theil`` and one for ``dagum``, columns :data:`geo_cdei.columns.INEQUALITY`. ``p_labels`` and
        ``p_partitions`` are the shares (1 + k) / (1 + draws) of draws whose part between is at least the
        observed one; ``labels_share`` and ``partitions_share`` are the means of ``between_share`` under each null.

    Raises
    ------
    AlignmentError
        If the three do not list the same cities.
    StatisticError
        If a value is not positive or infinite, all are the same, or fewer than two groups are left.
    """
    if not y.index.equals(groups.index) or set(partitions.columns) != set(y.index):
        raise AlignmentError(
            f"y has {len(y)} cities, groups {len(groups)}, partitions {partitions.shape[1]}; all three must list the "
            "same cities, y and groups in the same order."
        )
    known = ~np.isnan(numbers(y))
    # sorted by code, so that the answer does not hang on the order of the rows
    codes = y.index[known].sort_values()
    values = y[codes].to_numpy(dtype=float)
    if len(values) and values.min() <= 0:
        raise StatisticError(f"{(values <= 0).sum()} values of {y.name!r} are not positive; inequality needs shares.")
    labels = pd.factorize(groups[codes], sort=True)[0]
    if (labels < 0).any():
        raise StatisticError(f"{(labels < 0).sum()} cities have no group. Leave out those outside every cluster.")
    if len(values) and np.ptp(values) <= 1e-12 * values.max():
        raise StatisticError(f"All {len(values)} values of {y.name!r} are the same; there is no inequality to split.")
    if labels.max(initial=-1) < 1:
        raise StatisticError(f"{y.name!r} has values in fewer than two groups; there is nothing to compare.")
    rng = np.random.default_rng(seed)
    shuffled = rng.permuted(np.broadcast_to(labels, (permutations, len(labels))), axis=1)
    nulls = {"labels": shuffled, "partitions": partitions[codes].to_numpy(dtype=np.int64)}
    rows = [_test(measure, values, labels, nulls) for measure in ("theil", "dagum")]
    frame = pd.DataFrame(rows).assign(
        variable=str(y.name), n=len(values), n_groups=int(labels.max()) + 1, permutations=permutations,
        partitions=len(partitions), seed=seed, left_out=";".join(y.index[~known]),
    )  # fmt: skip
    return frame[list(INEQUALITY)]


def _test(measure: str, values: Floats, labels: Ints, nulls: dict[str, Ints]) -> dict[str, object]:
    if measure == "theil":
        total, between = theil_parts(values, labels)
        within, overlap = total - between, np.full((), np.nan)
    else:
        total, within, between = dagum_parts(values, labels)
        overlap = total - within - between
    row: dict[str, object] = {
        "measure": measure, "total": float(total), "within": float(within), "between": float(between),
        "transvariation": float(overlap), "between_share": float(between / total),
    }  # fmt: skip
    for name, draws in nulls.items():
        drawn = _between(measure, values, draws)
        at_least = int((drawn >= float(between) - 1e-12).sum())
        row[f"{name}_share"] = float(drawn.mean() / total)
        row[f"p_{name}"] = (1 + at_least) / (1 + len(drawn))
    return row


def _between(measure: str, values: Floats, draws: Ints) -> Floats:
    """Part between groups for every draw, in blocks that keep memory small."""
    parts = []
    for block in np.array_split(draws, max(1, len(draws) // 500)):
        parts.append(theil_parts(values, block)[1] if measure == "theil" else _net_between(values, block))
    return np.concatenate(parts)


def _group_sums(y: Floats, labels: Ints) -> tuple[Floats, Floats]:
    """Sum and size of every group, for one grouping or for many."""
    rows = np.atleast_2d(labels)
    groups = int(rows.max()) + 1
    place = (rows + groups * np.arange(len(rows))[:, None]).ravel()
    shape = (len(rows), groups)
    sums = np.bincount(place, np.tile(y, len(rows)), minlength=len(rows) * groups).reshape(shape)
    counts = np.bincount(place, minlength=len(rows) * groups).reshape(shape).astype(float)
    if labels.ndim == 1:
        return np.asarray(sums[0]), np.asarray(counts[0])
    return np.asarray(sums), np.asarray(counts)


def _pairs_within(y: Floats, labels: Ints) -> Floats:
    """Sum of |y_i − y_j| over the unordered pairs of a group: after sorting, Σ y_(i) (2i − m − 1)."""
    rows = np.atleast_2d(labels)
    order = np.argsort(y, kind="stable")
    answers = np.empty(len(rows))
    for number, row in enumerate(rows[:, order]):
        sizes = np.bincount(row)
        place = pd.Series(row).groupby(row).cumcount().to_numpy() + 1
        answers[number] = np.sum(y[order] * (2 * place - sizes[row] - 1))
    return answers[0] if labels.ndim == 1 else answers
