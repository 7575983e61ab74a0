"""Halos of the cores: are the cities around a core above or below what their own columns lead to expect.

A core's curve (mean residual by ring, and members of its cluster against others) stands against the curves of
other cities of about its rank, in the same field of residuals: the field stays as it is, with all its spatial
autocorrelation, and only the choice of the center is at random. Nothing is drawn, so there is no seed. An
association is no cause: a hollow around a core can have made the core, not the core the hollow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._aligned import check_index, name_some, numbers
from .._envelopes import Envelope, global_envelope
from .._geodesy import pairwise_km
from .._pvalues import fdr_significant
from ..columns import HALO_CORES, HALOS
from ..errors import StatisticError
from .graphs import city_points

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]

__all__ = ["RINGS_KM", "core_halos", "halo_classes"]

RINGS_KM = (0.0, 100.0, 200.0, 300.0, 400.0, 500.0)
_FEWEST = 3  # cities in a ring, below which its mean is not looked at
_LEAST_PEERS = 19  # fewer, and no curve can be among the most extreme 5 %


def core_halos(
    residual: pd.Series[float],
    cities: gpd.GeoDataFrame,
    cores: pd.DataFrame,
    *,
    mass: pd.Series[float],
    rings_km: Sequence[float] = RINGS_KM,
    km: FloatArray | None = None,
    peers: int = 99,
) -> pd.DataFrame:
    """Hold the surroundings of every core against those of cities of about its rank.

    Parameters
    ----------
    residual : pandas.Series of shape (n_cities,)
        What a model without spatial terms leaves of the score, indexed by ``adcode`` in the order of *cities*;
        missing for a city that was not in the model.
    cities : geopandas.GeoDataFrame of shape (n_cities, …)
        With ``city``, ``cluster_id`` and points (``lon``, ``lat`` in degrees, or polygons with a CRS).
    cores : pandas.DataFrame of shape (n_cores, …)
        Columns :data:`geo_cdei.columns.CORES`; a core without ``adcode`` has no score and is not tested.
    mass : pandas.Series of shape (n_cities,)
        By which cities are ranked, same index as *cities*.
    rings_km : sequence of float
        Edges of the rings, ascending kilometres; a city at an edge belongs to the nearer ring.
    km : numpy.ndarray of shape (n_cities, n_cities), optional
        Kilometres between the cities, where they have been measured before.
    peers : int, default 99
        How many cities, nearest in rank, make the null. A city around which a part of the core's cannot be
        measured is none. Cities near the core are: without them likeness of neighbors would pass for a halo.

    Returns
    -------
    pandas.DataFrame of shape (n_cores * n_parts, 16)
        Columns :data:`geo_cdei.columns.HALOS`: for each core one row per ring, and one for its cluster's members
        against the others within the outermost ring. ``low`` and ``high`` are the global envelope over all of a
        core's parts, ``p`` its one p. ``halo`` is decided by the first part, in this order, that leaves the
        envelope: "radiating" above, "siphoning" below, "neutral" if none does, "not tested" if no part has
        three cities. ``significant_fdr`` holds the cores' p against a false discovery rate of 5 %.

    Raises
    ------
    AlignmentError
        If the tables list other cities, or another order.
    StatisticError
        If rings do not ascend, all residuals are the same, a core is not among the cities or has no mass, or fewer
        than 19 cities are left to stand for it.

    Notes
    -----
    Means of few cities stray farther than means of many. Before curves are compared, each mean is divided by the
    spread that its number of cities gives it (with the design effect of their likeness); ``low`` and ``high`` are
    brought back to the core's own numbers. The smallest possible p is 1 / (peers + 1).

    References
    ----------
    Myllymäki, M., Mrkvička, T., Grabarnik, P., Seijo, H. and Hahn, U. (2017). Global envelope tests for spatial
    processes. Journal of the Royal Statistical Society B, 79(2), 381-404. Besag, J. and Diggle, P. J. (1977).
    Simple Monte Carlo tests for spatial pattern. Applied Statistics, 26(3), 327-333.

    Examples
    --------
    >>> import geopandas as gpd
    >>> lon, lat = (part.ravel() for part in np.meshgrid(np.arange(100.0, 108), np.arange(30.0, 38)))
    >>> ids = [f"{i:02d}" for i in range(64)]
    >>> cities = gpd.GeoDataFrame({"lon": lon, "lat": lat, "city": ids, "cluster_id": None}, index=ids)
    >>> cores = pd.DataFrame({"cluster_id": ["C1"], "cluster": ["x"], "core": ["27"], "adcode": ["27"]})
    >>> near = np.hypot(lon - lon[27], lat - lat[27]) < 1.6
    >>> residual = pd.Series(np.where(near, -3.0, np.random.default_rng(0).normal(size=64)), index=ids)
    >>> table = core_halos(residual, cities, cores, mass=residual.abs(), rings_km=(0, 200, 400), peers=39)
    >>> table[["part", "halo", "p"]].drop_duplicates("halo").to_numpy().tolist()
    [['ring', 'siphoning', 0.025]]
    """
    for table, what in ((residual, "residual"), (mass, "mass")):
        check_index(table.index, cities.index, what=what, whose="cities")
    edges = np.asarray(rings_km, dtype=np.float64)
    if len(edges) < 2 or edges[0] < 0 or not (np.diff(edges) > 0).all():
        raise StatisticError(f"rings_km must be ascending distances from 0 up; got {list(rings_km)}.")
    known = cores[cores["adcode"].notna()]
    _check_cores(known, cities, mass)
    field = numbers(residual)
    if not np.nanstd(field) > 1e-12 * np.nanmax(np.abs(field)):
        raise StatisticError(
            f"All values of {residual.name} are the same, or missing; there is nothing to hold apart."
        )
    estimate, spread, counts = _curves(field, cities, edges, km)
    scaled = estimate / spread
    tested = []
    for core in known.to_dict("records"):
        at = int(cities.index.get_indexer([core["adcode"]])[0])
        parts, others = _peers(at, scaled, mass, peers)
        found = global_envelope(np.where(parts, scaled[at], np.nan), np.where(parts, scaled[others], np.nan))
        envelope = Envelope(low=found.low * spread[at], high=found.high * spread[at], p=found.p)
        rows = _rows(envelope, estimate[at], counts[at], edges)
        tested.append(
            rows.assign(
                cluster_id=core["cluster_id"], cluster=core["cluster"], core=core["adcode"],
                city=cities["city"].iloc[at], halo=_name(envelope, estimate[at]), p=envelope.p, peers=len(others),
            )
        )  # fmt: skip
    result = pd.concat(tested, ignore_index=True) if tested else pd.DataFrame(columns=list(HALOS))
    first = result.drop_duplicates(["cluster_id", "core"])
    flags = dict(zip(first["core"], fdr_significant(first["p"].to_numpy(dtype=float)), strict=True))
    return result.assign(significant_fdr=result["core"].map(flags).astype(bool))[list(HALOS)]


def halo_classes(halos: pd.DataFrame) -> pd.DataFrame:
    """Give one row per core: its class, its p, and the part that decided.

    Parameters
    ----------
    halos : pandas.DataFrame
        Result of :func:`core_halos`.

    Returns
    -------
    pandas.DataFrame of shape (n_cores, 11)
        Columns :data:`geo_cdei.columns.HALO_CORES`; ``part``, ``from_km``, ``to_km`` and ``estimate`` are those of
        the part that decided, missing for a core that is neutral or not tested.

    Examples
    --------
    >>> halo_classes(pd.DataFrame(columns=list(HALOS))).shape
    (0, 11)
    """
    first = halos.drop_duplicates(["cluster_id", "core"]).set_index(["cluster_id", "core"])
    decided = halos[halos["outside"].astype(bool)].drop_duplicates(["cluster_id", "core"])
    decided = decided.set_index(["cluster_id", "core"])[["part", "from_km", "to_km", "estimate"]]
    plain = first.drop(columns=["part", "from_km", "to_km", "estimate"])
    return plain.join(decided).reset_index()[list(HALO_CORES)]


def _check_cores(cores: pd.DataFrame, cities: pd.DataFrame, mass: pd.Series[float]) -> None:
    absent = [code for code in cores["adcode"] if code not in cities.index]
    if absent:
        raise StatisticError(
            f"{len(absent)} of {len(cores)} cores are not among the cities: {name_some(absent)}. Leave their adcode "
            "empty if they have no score."
        )
    light = [code for code in cores["adcode"] if not np.isfinite(mass[code])]
    if light:
        raise StatisticError(
            f"{len(light)} of {len(cores)} cores have no {mass.name}, so no rank: {name_some(light)}. Rank by a "
            "column that they have."
        )


def _curves(
    residual: FloatArray, cities: gpd.GeoDataFrame, edges: FloatArray, km: FloatArray | None
) -> tuple[FloatArray, FloatArray, IntArray]:
    """Mean residual by ring around every city, and members of its cluster less others; their spread; cities."""
    km = pairwise_km(*city_points(cities)) if km is None else km
    valued = np.isfinite(residual)
    labels = pd.factorize(cities["cluster_id"])[0]
    same = (labels[:, None] == labels[None, :]) & (labels[:, None] >= 0)
    other = ~np.eye(len(km), dtype=bool) & valued[None, :]
    band = np.searchsorted(edges[1:], km, side="left")
    rings = [other & (band == place) & ((km > edges[0]) | (edges[0] == 0)) for place in range(len(edges) - 1)]
    inside, outside = other & same, other & ~same & (km <= edges[-1])
    z = np.where(valued, residual - residual[valued].mean(), 0.0)
    means, variances, counts = zip(*(_means(part, residual, z) for part in (*rings, inside, outside)), strict=True)
    return (
        np.column_stack([*means[:-2], means[-2] - means[-1]]),
        np.sqrt(np.column_stack([*variances[:-2], variances[-2] + variances[-1]])),
        np.column_stack([*counts[:-2], counts[-2]]),
    )


def _means(
    part: npt.NDArray[np.bool_], residual: FloatArray, z: FloatArray
) -> tuple[FloatArray, FloatArray, IntArray]:
    """Mean over a part around every city, and how far such a mean strays for its number of cities.

    Cities of a part are alike, so a mean of many strays farther than for independent ones: their mean
    correlation, over the parts around all cities, gives the design effect 1 + (n - 1) r.
    """
    count, held = part.sum(axis=1), part.astype(np.float64)  # once, not in every product
    pairs = float((count * (count - 1)).sum())
    squares = held @ z**2
    alike = float(((held @ z) ** 2).sum() - squares.sum())
    variance = float(squares.sum()) / max(float(count.sum()), 1.0)
    r = min(max(alike / pairs / variance, 0.0), 1.0) if pairs and variance else 0.0
    mean, spread = np.full(len(count), np.nan), np.full(len(count), np.nan)
    enough = count >= _FEWEST
    n = count[enough]
    mean[enough] = (held @ np.nan_to_num(residual))[enough] / n
    spread[enough] = variance * (1.0 + (n - 1) * r) / n
    return mean, spread, count


def _peers(
    at: int, scaled: FloatArray, mass: pd.Series[float], wanted: int
) -> tuple[npt.NDArray[np.bool_], IntArray]:
    """Find the parts to test, and the cities nearest in rank that have all of them.

    A city that has fewer parts has fewer places to be extreme at, so it cannot stand for the core. Where too few
    cities have every part, the part that fewest have is given up. Of two equally near in rank the smaller code.
    """
    usable = np.isfinite(mass.to_numpy(dtype=np.float64))
    usable[at] = False
    if usable.sum() < _LEAST_PEERS or wanted < _LEAST_PEERS:
        raise StatisticError(
            f"At least {_LEAST_PEERS} other cities are needed to stand for a core; there are {int(usable.sum())}, "
            f"and {wanted} were asked for."
        )
    has = np.isfinite(scaled)
    parts = has[at].copy()
    while (complete := usable & has[:, parts].all(axis=1)).sum() < _LEAST_PEERS:
        parts[np.where(parts, has[usable].sum(axis=0), len(has) + 1).argmin()] = False
    rank = mass.rank(ascending=False).to_numpy()
    order = np.lexsort((mass.index.to_numpy(dtype=str), np.abs(rank - rank[at])))
    return parts, np.asarray(order[complete[order]][:wanted], dtype=np.int64)


def _rows(envelope: Envelope, curve: FloatArray, counts: IntArray, edges: FloatArray) -> pd.DataFrame:
    rings = len(edges) - 1
    with np.errstate(invalid="ignore"):
        outside = (curve < envelope.low) | (curve > envelope.high)
    return pd.DataFrame(
        {
            "part": ["ring"] * rings + ["inside-outside"],
            "from_km": [*edges[:-1], edges[0]],
            "to_km": [*edges[1:], edges[-1]],
            "n_cities": counts,
            "estimate": curve,
            "low": envelope.low,
            "high": envelope.high,
            "outside": outside,
        }
    )


def _name(envelope: Envelope, curve: FloatArray) -> str:
    if np.isnan(envelope.p):
        return "not tested"
    with np.errstate(invalid="ignore"):
        above, below = curve > envelope.high, curve < envelope.low
    left = np.flatnonzero(above | below)
    if not len(left):
        return "neutral"
    return "radiating" if above[left[0]] else "siphoning"
