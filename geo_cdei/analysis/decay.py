"""How far it reaches: likeness of cities, and what goes with their neighbors' size, by distance band.

Both curves stand against permutations, under one global envelope each, so that "the radius at which it vanishes"
does not come from looking at many bands. Its interval comes from resampled cities. Associations, not causes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import sparse

from .._aligned import MINIMUM, check_index, name_some, numbers
from .._envelopes import global_envelope
from .._geodesy import within_km
from .._parallel import LOCAL, THREADS
from .._permutation import permuted_values
from .._pvalues import check_inference
from ..columns import DECAY
from ..errors import StatisticError
from .graphs import city_points

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import geopandas as gpd
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    IntArray = npt.NDArray[np.int64]

__all__ = ["BANDS_KM", "indirect_decay", "similarity_decay"]

BANDS_KM = (0.0, 100.0, 200.0, 300.0, 400.0, 500.0, 600.0, 800.0, 1000.0)
_RESAMPLES = 999
_CELLS = 400_000  # of resampled cities in a block: its part of the matrices then stays near the processor


@dataclass(frozen=True, slots=True, eq=False)
class _Bands:
    """Pairs of cities by distance band, both directions."""

    edges: FloatArray
    links: tuple[sparse.csr_array, ...]
    mean_km: FloatArray


def similarity_decay(
    values: pd.Series[float],
    cities: gpd.GeoDataFrame,
    *,
    bands_km: Sequence[float] = BANDS_KM,
    km: FloatArray | None = None,
    permutations: int = 999,
    seed: int,
) -> pd.DataFrame:
    """Measure how alike cities are at growing distances, and where the likeness ends.

    Parameters
    ----------
    values : pandas.Series of shape (n_cities,)
        A score or a residual, indexed by ``adcode`` in the order of *cities*.
    cities : geopandas.GeoDataFrame of shape (n_cities, …)
        With ``lon`` and ``lat`` in degrees, or polygons with a CRS.
    bands_km : sequence of float
        Edges of the distance bands, ascending kilometres; a pair at an edge belongs to the nearer band.
    km : numpy.ndarray of shape (n_cities, n_cities), optional
        Kilometres between the cities, where they have been measured before.
    permutations, seed : int
        Number of shuffles of the values among the cities; seed of all draws.

    Returns
    -------
    pandas.DataFrame of shape (n_bands, 18)
        Columns :data:`geo_cdei.columns.DECAY`. ``estimate`` is Moran's I of the band, ``low`` and ``high`` the
        global envelope, ``p_curve`` the p of the whole curve. ``radius_km`` is where the curve, followed from
        the first band, enters the envelope (between the mean distances of two bands, linearly); 0 if it is
        inside everywhere, missing if the nearest band is inside and a farther one is not, the last edge with
        ``beyond`` True if it never enters. ``radius_low_km`` and
        ``radius_high_km`` are the 2.5 and 97.5 % quantiles over 999 resamples of the cities.

    Raises
    ------
    AlignmentError
        If *values* and *cities* list different cities or another order.
    StatisticError
        If a value is missing, fewer than four are given, all are the same, bands do not ascend, or the first two
        hold no pair.

    References
    ----------
    Myllymäki, M. et al. (2017). Global envelope tests for spatial processes. JRSS B, 79(2), 381-404. Snijders,
    T. A. B. and Borgatti, S. P. (1999). Non-parametric standard errors and tests for network statistics.
    Connections, 22(2), 61-70.

    Examples
    --------
    >>> import geopandas as gpd
    >>> lon, lat = (part.ravel() for part in np.meshgrid(np.arange(100.0, 108), np.arange(30.0, 38)))
    >>> cities = gpd.GeoDataFrame({"lon": lon, "lat": lat}, index=[f"{i:02d}" for i in range(64)])
    >>> table = similarity_decay(cities["lon"].rename("lon"), cities, bands_km=(0, 120, 240, 480), seed=1)
    >>> table[["to_km", "estimate", "outside", "beyond"]].round(2).to_numpy().tolist()
    [[120.0, 0.86, True, True], [240.0, 0.61, True, True], [480.0, 0.16, True, True]]
    """
    check_inference(permutations, "two-sided")
    check_index(values.index, cities.index, what="values", whose="cities")
    order = _sorted(values.index)
    z = _checked(values)[order]
    z = z - z.mean()
    bands = _bands(cities, order, bands_km, km)
    rng = np.random.default_rng(seed)
    drawn = np.concatenate([_moran(bands, rows) for rows in permuted_values(z, permutations, rng)])
    observed = _moran(bands, z[None, :])[0]
    resampled = np.concatenate(list(LOCAL.map(_moran, _resamples(len(z), rng), bands, z[None, :], threads=THREADS)))
    n_pairs = [links.nnz // 2 for links in bands.links]
    return _table(bands, observed, drawn, resampled).assign(
        measure="similarity", variable=str(values.name), n_pairs=n_pairs, n=len(z), permutations=permutations,
        seed=seed,
    )[list(DECAY)]  # fmt: skip


def indirect_decay(
    y: pd.Series[float],
    x: pd.DataFrame,
    cities: gpd.GeoDataFrame,
    *,
    bands_km: Sequence[float] = BANDS_KM,
    km: FloatArray | None = None,
    permutations: int = 999,
    seed: int,
) -> pd.DataFrame:
    """Measure what goes with the size of the cities at growing distances, given a city's own columns.

    Parameters
    ----------
    y : pandas.Series of shape (n_cities,)
        Explained variable, indexed by ``adcode`` in the order of *cities*.
    x : pandas.DataFrame of shape (n_cities, n_columns)
        The city's own columns; the neighbors' mean is taken of the first.
    cities, bands_km, km, permutations, seed
        As for :func:`similarity_decay`.

    Returns
    -------
    pandas.DataFrame of shape (n_bands, 18)
        As for :func:`similarity_decay`. ``estimate`` is the coefficient of the mean of the first column over the
        cities in the band, in a regression of *y* on it and on *x*, over the cities that have others there.
        Bands in which fewer cities than 2 (k + 2) have others have NaN.

    Raises
    ------
    AlignmentError, StatisticError
        As for :func:`similarity_decay`.

    Notes
    -----
    Permutations shuffle the residuals of *y* on *x* (Freedman and Lane), the same shuffle in all bands. Under
    the null the residuals are exchangeable: likeness of neighboring residuals that has another origin than
    the neighbors' size counts against the null too.

    References
    ----------
    Freedman, D. and Lane, D. (1983). A nonstochastic interpretation of reported significance levels. Journal of
    Business & Economic Statistics, 1(4), 292-298.

    Examples
    --------
    >>> import geopandas as gpd
    >>> lon, lat = (part.ravel() for part in np.meshgrid(np.arange(100.0, 108), np.arange(30.0, 38)))
    >>> cities = gpd.GeoDataFrame({"lon": lon, "lat": lat}, index=[f"{i:02d}" for i in range(64)])
    >>> noise = np.random.default_rng(0).normal(size=(64, 2))
    >>> x = pd.DataFrame({"size": noise[:, 0]}, index=cities.index)
    >>> y = pd.Series(noise[:, 1], index=cities.index, name="score")
    >>> indirect_decay(y, x, cities, bands_km=(0, 120, 240), seed=1)["radius_km"].tolist()
    [0.0, 0.0]
    """
    check_inference(permutations, "two-sided")
    for table, what in ((y, "y"), (x, "x")):
        check_index(table.index, cities.index, what=what, whose="cities")
    order = _sorted(y.index)
    values = _checked(y)[order]
    own = np.column_stack([np.ones(len(y)), *(_checked(x[name])[order] for name in x)])
    bands = _bands(cities, order, bands_km, km)
    rings = [_ring_mean(links, own[:, 1]) for links in bands.links]
    directions = np.array([_direction(own, ring) for ring in rings])
    residuals = values - own @ np.linalg.lstsq(own, values, rcond=None)[0]
    rng = np.random.default_rng(seed)
    drawn = np.concatenate([rows @ directions.T for rows in permuted_values(residuals, permutations, rng)])
    resampled = np.concatenate(
        [np.column_stack([_weighted_slope(values, own, ring, counts) for ring in rings])
         for counts in _resamples(len(values), rng)]
    )  # fmt: skip
    n_pairs = [links.nnz // 2 for links in bands.links]
    return _table(bands, directions @ values, drawn, resampled).assign(
        measure="indirect", variable=f"{y.name} on neighbors' {x.columns[0]}", n_pairs=n_pairs, n=len(values),
        permutations=permutations, seed=seed,
    )[list(DECAY)]  # fmt: skip


def _sorted(index: pd.Index[str]) -> IntArray:
    return np.asarray(index.argsort(), dtype=np.int64)


def _checked(values: pd.Series[float]) -> FloatArray:
    found = numbers(values)
    bad = values.index[np.isnan(found)]
    if len(bad):
        raise StatisticError(
            f"{values.name} is missing or infinite in {len(bad)} of {len(values)} cities: {name_some(bad)}. Leave "
            "these cities out of every table first."
        )
    if len(found) < MINIMUM:
        raise StatisticError(
            f"At least {MINIMUM} cities are needed for a curve over distance; there are {len(found)}."
        )
    if np.ptp(found) <= 1e-12 * np.abs(found).max():
        raise StatisticError(f"All {len(found)} values of {values.name} are the same.")
    return found


def _bands(cities: gpd.GeoDataFrame, order: IntArray, bands_km: Sequence[float], km: FloatArray | None) -> _Bands:
    edges = np.asarray(bands_km, dtype=np.float64)
    if len(edges) < 3 or edges[0] < 0 or not (np.diff(edges) > 0).all():
        raise StatisticError(f"bands_km must be at least three ascending distances from 0 up; got {list(bands_km)}.")
    n = len(order)
    i, j, apart = _pairs(cities, order, float(edges[-1]), km)
    band = np.searchsorted(edges[1:], apart, side="left")
    links, means = [], []
    for place in range(len(edges) - 1):
        some = (band == place) & (apart > edges[0])
        a, b = np.append(i[some], j[some]), np.append(j[some], i[some])
        links.append(sparse.csr_array((np.ones(len(a)), (a, b)), shape=(n, n)))
        means.append(apart[some].mean() if some.any() else np.nan)
    if np.isnan(means[0]) and np.isnan(means[1]):
        raise StatisticError(f"No two of {n} cities are within {edges[2]:g} km of each other. Use wider bands.")
    return _Bands(edges, tuple(links), np.array(means))


def _pairs(
    cities: gpd.GeoDataFrame, order: IntArray, farthest: float, km: FloatArray | None
) -> tuple[IntArray, IntArray, FloatArray]:
    """Every pair of cities up to a distance, as places in the order; a geodesic is as long from either end."""
    if km is None:
        lon, lat = (part[order] for part in city_points(cities))
        return within_km(lon, lat, farthest)
    ordered = km[np.ix_(order, order)]
    i, j = np.nonzero(np.triu(ordered <= farthest, k=1))
    return i, j, ordered[i, j]


def _moran(bands: _Bands, rows: FloatArray, counts: FloatArray | None = None) -> FloatArray:
    """Moran's I of every band, for rows of values, or for one row of values and rows of counts of cities."""
    weight = np.ones((1, rows.shape[1])) if counts is None else counts
    centered = rows - (weight * rows).sum(axis=1, keepdims=True) / weight.sum(axis=1, keepdims=True)
    held = weight * centered
    variance = (held * centered).sum(axis=1) / weight.sum(axis=1)
    result = np.full((len(held), len(bands.links)), np.nan)
    for place, links in enumerate(bands.links):
        near = (links @ held.T).T
        # who is drawn twice is no neighbor of itself: the graph has no such link
        pairs = np.broadcast_to((weight * (links @ weight.T).T).sum(axis=1), len(held))
        some = pairs > 0
        result[some, place] = (held * near).sum(axis=1)[some] / pairs[some] / variance[some]
    return result


def _resamples(n: int, rng: np.random.Generator) -> Iterator[FloatArray]:
    """Draw cities with replacement: how often each one is drawn, a bounded block at a time."""
    step = max(1, _CELLS // n)
    for start in range(0, _RESAMPLES, step):
        size = min(step, _RESAMPLES - start)
        yield rng.multinomial(n, np.full(n, 1.0 / n), size=size).astype(np.float64)


def _ring_mean(links: sparse.csr_array, values: FloatArray) -> FloatArray:
    """Mean over the others in the band; NaN for a city that has none there."""
    number = np.diff(links.indptr)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(number > 0, (links @ values) / number, np.nan))


def _direction(own: FloatArray, ring: FloatArray) -> FloatArray:
    """Give the vector whose product with y is the coefficient of the ring's mean."""
    some = np.isfinite(ring)
    result = np.zeros(len(ring))
    if some.sum() < 2 * (own.shape[1] + 1):
        return np.full(len(ring), np.nan)
    part = own[some]
    rest = ring[some] - part @ np.linalg.lstsq(part, ring[some], rcond=None)[0]
    if rest @ rest <= 1e-12 * (ring[some] @ ring[some]):
        return np.full(len(ring), np.nan)
    result[some] = rest / (rest @ rest)
    return result


def _weighted_slope(y: FloatArray, own: FloatArray, ring: FloatArray, counts: FloatArray) -> FloatArray:
    """Coefficient of the ring's mean in each of many weighted regressions."""
    some = np.isfinite(ring)
    if some.sum() < 2 * (own.shape[1] + 1):
        return np.full(len(counts), np.nan)
    columns = np.column_stack([own[some], ring[some]])
    k = columns.shape[1]
    squares = (columns[:, :, None] * columns[:, None, :]).reshape(len(columns), k * k)
    normal = (counts[:, some] @ squares).reshape(-1, k, k)
    right = counts[:, some] @ (columns * y[some, None])
    return np.asarray((np.linalg.pinv(normal, hermitian=True) @ right[:, :, None])[:, -1, 0])


def _table(bands: _Bands, observed: FloatArray, drawn: FloatArray, resampled: FloatArray) -> pd.DataFrame:
    envelope = global_envelope(observed, drawn)
    radius, beyond = _radius(bands, observed, envelope.low, envelope.high)
    again = [_radius(bands, curve, envelope.low, envelope.high)[0] for curve in resampled]
    low, high = np.quantile(again, [0.025, 0.975])
    with np.errstate(invalid="ignore"):
        outside = (observed < envelope.low) | (observed > envelope.high)
    if radius == 0.0 and outside.any():
        # the nearest band is inside and a farther one is not: no distance to vanish at, and none is made up
        radius = low = high = np.nan
    return pd.DataFrame(
        {
            "from_km": bands.edges[:-1], "to_km": bands.edges[1:], "mean_km": bands.mean_km, "estimate": observed,
            "low": envelope.low, "high": envelope.high, "outside": outside, "p_curve": envelope.p,
            "radius_km": radius, "radius_low_km": float(low), "radius_high_km": float(high), "beyond": beyond,
        }
    )  # fmt: skip


def _radius(bands: _Bands, curve: FloatArray, low: FloatArray, high: FloatArray) -> tuple[float, bool]:
    """Follow the curve from the nearest band until it enters the envelope."""
    known = np.flatnonzero(np.isfinite(curve) & np.isfinite(high) & np.isfinite(bands.mean_km))
    if not len(known):
        return 0.0, False
    first = known[0]
    excess = curve[known] - high[known] if curve[first] > high[first] else low[known] - curve[known]
    if excess[0] <= 0:
        return 0.0, False
    inside = np.flatnonzero(excess <= 0)
    if not len(inside):
        return float(bands.edges[-1]), True
    after = int(inside[0])
    before = after - 1
    share = excess[before] / (excess[before] - excess[after])
    start, end = bands.mean_km[known[before]], bands.mean_km[known[after]]
    return float(start + share * (end - start)), False
