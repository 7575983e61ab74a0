"""Hinterlands: which core a city would turn to by mass and distance, where two cores balance, who is contested.

Probabilities are modelled, not observed: they follow from the masses of the cores, the distances and one
exponent, and are given over several of each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._aligned import check_index, name_some, numbers
from .._geodesy import distance_km
from ..columns import BREAK_POINTS, HINTERLAND_CITIES, HINTERLANDS
from ..errors import StatisticError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

__all__ = ["break_points", "hinterland_cities", "hinterlands", "huff_probabilities"]

CONTESTED = 0.10
LEAST = 0.01


def huff_probabilities(mass: pd.Series[float], cost: pd.DataFrame, *, decay: float = 2.0) -> pd.DataFrame:
    """Share every city among the cores by their mass over a power of the distance.

    Parameters
    ----------
    mass : pandas.Series of shape (n_cores,)
        Positive mass of every core, indexed by its ``adcode``.
    cost : pandas.DataFrame of shape (n_cities, n_cores)
        Kilometres or travel times from cities (rows) to cores (columns, as the index of *mass*).
    decay : float, default 2.0
        Positive exponent of the distance.

    Returns
    -------
    pandas.DataFrame of shape (n_cities, n_cores)
        ``A_j d_ij^-λ / Σ_k A_k d_ik^-λ``; rows add up to 1. A core belongs to itself, with 1.

    Raises
    ------
    AlignmentError
        If the columns of *cost* are not the cores of *mass*.
    StatisticError
        If a mass or *decay* is not positive, a distance is negative or missing, or two cores share a city's place.

    References
    ----------
    Huff, D. L. (1964). Defining and estimating a trading area. Journal of Marketing, 28(3), 34-38.

    Examples
    --------
    >>> mass = pd.Series([4.0, 1.0], index=["a", "b"])
    >>> km = pd.DataFrame([[10.0, 10.0], [20.0, 10.0], [0.0, 30.0]], index=["x", "y", "a"], columns=["a", "b"])
    >>> huff_probabilities(mass, km).round(6).to_numpy().tolist()
    [[0.8, 0.2], [0.5, 0.5], [1.0, 0.0]]
    """
    check_index(cost.columns, mass.index, what="cost", whose="mass")
    if not (np.isfinite(decay) and decay > 0):
        raise StatisticError(f"decay, the exponent of the distance, must be positive; got {decay!r}.")
    m, d = numbers(mass), cost.to_numpy(dtype=np.float64)
    light = mass.index[~(np.isfinite(m) & (m > 0))]
    if len(light):
        raise StatisticError(
            f"{len(light)} of {len(m)} cores have no positive mass: {name_some(light)}. Leave them out, and say so."
        )
    odd = cost.index[~(np.isfinite(d) & (d >= 0)).all(axis=1) | ((d == 0).sum(axis=1) > 1)]
    if len(odd):
        raise StatisticError(
            f"{len(odd)} of {len(d)} cities have a missing or negative distance, or two cores at their place: "
            f"{name_some(odd)}."
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        pull = np.log(m)[None, :] - decay * np.log(d)
        share = np.exp(pull - pull.max(axis=1, keepdims=True))
        share /= share.sum(axis=1, keepdims=True)
    at_core = (d == 0).any(axis=1)
    share[at_core] = d[at_core] == 0
    return pd.DataFrame(share, index=cost.index, columns=cost.columns)


def hinterlands(probabilities: pd.DataFrame, cores: pd.DataFrame) -> pd.DataFrame:
    """List the cores every city turns to, the likeliest first.

    Parameters
    ----------
    probabilities : pandas.DataFrame of shape (n_cities, n_cores)
        Result of :func:`huff_probabilities`.
    cores : pandas.DataFrame
        Columns :data:`geo_cdei.columns.CORES`.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`geo_cdei.columns.HINTERLANDS`: one row per city and core above 1 %; ``rank`` is 1 for the
        likeliest core, of equal ones the one listed first.

    Examples
    --------
    >>> table = pd.DataFrame([[0.995, 0.005]], index=["x"], columns=["a", "b"])
    >>> cores = pd.DataFrame({"cluster_id": ["C1", "C2"], "cluster": "", "core": ["A", "B"], "adcode": ["a", "b"]})
    >>> hinterlands(table, cores)[["adcode", "core", "rank", "probability"]].to_numpy().tolist()
    [['x', 'a', 1, 0.995]]
    """
    share = probabilities.to_numpy()
    order = np.argsort(-share, axis=1, kind="stable")
    row = np.repeat(np.arange(len(share)), share.shape[1])
    column = order.ravel()
    values = share[row, column]
    kept = values > LEAST
    core = probabilities.columns[column[kept]]
    known = cores.dropna(subset="adcode").drop_duplicates("adcode").set_index("adcode")
    table = pd.DataFrame(
        {
            "adcode": probabilities.index[row[kept]],
            "core": core,
            "core_city": known["core"].reindex(core).to_numpy(),
            "cluster_id": known["cluster_id"].reindex(core).to_numpy(),
            "rank": np.tile(np.arange(1, share.shape[1] + 1), len(share))[kept],
            "probability": values[kept],
        }
    )
    return table[list(HINTERLANDS)]


def hinterland_cities(
    probabilities: pd.DataFrame,
    cores: pd.DataFrame,
    members: pd.DataFrame,
    *,
    variants: Mapping[str, pd.DataFrame] | None = None,
) -> pd.DataFrame:
    """Name every city's first and second core, whether they contest it, and whether the plan agrees.

    Parameters
    ----------
    probabilities : pandas.DataFrame of shape (n_cities, n_cores)
        Result of :func:`huff_probabilities` for two cores or more.
    cores : pandas.DataFrame
        Columns :data:`geo_cdei.columns.CORES`.
    members : pandas.DataFrame
        Every membership: ``cluster_id`` and ``adcode``.
    variants : mapping of str to pandas.DataFrame, optional
        The same for other masses, exponents or distances.

    Returns
    -------
    pandas.DataFrame of shape (n_cities, 11)
        Columns :data:`geo_cdei.columns.HINTERLAND_CITIES`, indexed by ``adcode``. ``contested``: the two
        probabilities are within .10; ``contested_clusters``: and the cores are of different clusters.
        ``outside_plan``: the city has planned clusters and its first core is of none of them. ``stability`` is
        the share of the variants in which the first core is the same, missing without variants.

    Raises
    ------
    AlignmentError
        If a variant lists other cities, or another order.
    StatisticError
        If there is only one core.

    Examples
    --------
    >>> table = pd.DataFrame([[0.52, 0.48]], index=pd.Index(["x"], name="adcode"), columns=["a", "b"])
    >>> cores = pd.DataFrame({"cluster_id": ["C1", "C2"], "cluster": "", "core": ["A", "B"], "adcode": ["a", "b"]})
    >>> members = pd.DataFrame({"cluster_id": ["C2"], "adcode": ["x"]})
    >>> row = hinterland_cities(table, cores, members).loc["x"]
    >>> row["first"], row["second"], bool(row["contested"]), bool(row["outside_plan"])
    ('a', 'b', True, True)
    """
    if probabilities.shape[1] < 2:
        raise StatisticError("Hinterlands need two cores or more; one core has everything.")
    share = probabilities.to_numpy()
    order = np.argsort(-share, axis=1, kind="stable")
    rows = np.arange(len(share))
    known = cores.dropna(subset="adcode").drop_duplicates("adcode").set_index("adcode")["cluster_id"]
    table = pd.DataFrame(index=probabilities.index)
    for place, name in ((0, "first"), (1, "second")):
        core = probabilities.columns[order[:, place]]
        table[name] = core
        table[f"{name}_probability"] = share[rows, order[:, place]]
        table[f"{name}_cluster"] = known.reindex(core).to_numpy()
    # a difference of exactly 10 points is within 10 points, whatever the rounding of its parts
    table["contested"] = (table["first_probability"] - table["second_probability"]) <= CONTESTED + 1e-12
    table["contested_clusters"] = table["contested"] & (table["first_cluster"] != table["second_cluster"])
    planned = members.groupby("adcode")["cluster_id"].agg(lambda ids: ";".join(sorted(set(ids))))
    table["planned"] = planned.reindex(table.index)
    table["outside_plan"] = [
        isinstance(plan, str) and first not in plan.split(";")
        for plan, first in zip(table["planned"], table["first_cluster"], strict=True)
    ]
    table["stability"] = _stability(probabilities, variants or {})
    return table[list(HINTERLAND_CITIES)]


def _stability(base: pd.DataFrame, variants: Mapping[str, pd.DataFrame]) -> FloatArray:
    if not variants:
        return np.full(len(base), np.nan)
    first = base.columns.to_numpy()[np.argmax(base.to_numpy(), axis=1)]
    same = []
    for name, other in variants.items():
        check_index(other.index, base.index, what=name, whose="probabilities")
        same.append(other.columns.to_numpy()[np.argmax(other.to_numpy(), axis=1)] == first)
    return np.asarray(np.mean(same, axis=0), dtype=np.float64)


def break_points(mass: pd.Series[float], points: pd.DataFrame, *, decay: float = 2.0) -> pd.DataFrame:
    """Find where two cores pull equally, on the line between them.

    Parameters
    ----------
    mass : pandas.Series of shape (n_cores,)
        Positive mass of every core, indexed by its ``adcode``.
    points : pandas.DataFrame
        ``lon`` and ``lat`` of the cores in degrees (EPSG:4326), indexed by ``adcode``.
    decay : float, default 2.0
        Exponent of the distance; 2 is Converse's formula.

    Returns
    -------
    pandas.DataFrame of shape (n_pairs, 8)
        Columns :data:`geo_cdei.columns.BREAK_POINTS`; one row per pair of cores. ``border`` is True where no third
        core pulls stronger at that place: only there do the two hinterlands meet.

    Raises
    ------
    StatisticError
        If a mass or *decay* is not positive, or two cores share a place.

    References
    ----------
    Converse, P. D. (1949). New laws of retail gravitation. Journal of Marketing, 14(3), 379-384.

    Examples
    --------
    >>> points = pd.DataFrame({"lon": [100.0, 103.0], "lat": [0.0, 0.0]}, index=["a", "b"])
    >>> found = break_points(pd.Series([4.0, 1.0], index=["a", "b"]), points)
    >>> found[["km", "from_a_km", "lon"]].round(2).to_numpy().tolist()
    [[333.96, 222.64, 102.0]]
    """
    m = numbers(mass)
    if not (np.isfinite(m).all() and (m > 0).all() and np.isfinite(decay) and decay > 0):
        raise StatisticError("Break points need positive masses and a positive exponent; leave other cores out.")
    lon, lat = (points.loc[mass.index, name].to_numpy(dtype=np.float64) for name in ("lon", "lat"))
    a, b = np.triu_indices(len(m), k=1)
    km = distance_km(lon[a], lat[a], lon[b], lat[b])
    if (km == 0).any():
        raise StatisticError(f"{int((km == 0).sum())} pairs of cores share one place; correct their points.")
    from_a = km / (1.0 + (m[b] / m[a]) ** (1.0 / decay))
    x, y = _on_line((lon[a], lat[a]), (lon[b], lat[b]), from_a)
    away = distance_km(np.repeat(x, len(m)), np.repeat(y, len(m)), np.tile(lon, len(x)), np.tile(lat, len(x)))
    with np.errstate(divide="ignore"):
        pull = np.log(m)[None, :] - decay * np.log(away.reshape(len(x), len(m)))
    both = pull[np.arange(len(x)), a]
    pull[np.arange(len(x)), a] = pull[np.arange(len(x)), b] = -np.inf
    codes = mass.index
    columns = [codes[a], codes[b], km, from_a, km - from_a, x, y, both > pull.max(axis=1)]
    return pd.DataFrame(dict(zip(BREAK_POINTS, columns, strict=True)))


def _on_line(
    start: tuple[FloatArray, FloatArray], end: tuple[FloatArray, FloatArray], km: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Go some way along each geodesic."""
    from pyproj import Geod

    earth = Geod(ellps="WGS84")
    azimuth = earth.inv(*start, *end)[0]
    x, y, _ = earth.fwd(*start, azimuth, km * 1000.0)
    return np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
