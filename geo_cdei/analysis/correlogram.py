"""Correlograms: how far, and in which direction, does likeness reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import sparse

from .._aligned import Aligned, check_index, check_once, settle, standardize
from .._geodesy import inverse, within_km
from .._permutation import compare, permuted_values
from .._pvalues import check_inference, fdr_significant, p_value
from ..columns import CORRELOGRAM
from ..errors import StatisticError
from .graphs import city_points

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

__all__ = ["DIRECTIONS", "correlogram"]

DIRECTIONS = ("N-S", "NE-SW", "E-W", "SE-NW")


def correlogram(
    y: pd.Series[float],
    cities: gpd.GeoDataFrame,
    *,
    bands_km: Sequence[float] = (0, 100, 200, 300, 400, 500, 750, 1000),
    permutations: int = 9_999,
    seed: int,
    alternative: str = "two-sided",
) -> pd.DataFrame:
    """Measure Moran's I between cities at growing distances, in all directions and in each of four.

    Parameters
    ----------
    y : pandas.Series of shape (n_cities,)
        Values indexed by ``adcode`` in the order of *cities*.
    cities : geopandas.GeoDataFrame of shape (n_cities, …)
        As for ``build_graph``: columns ``lon`` and ``lat``, or polygons with a CRS.
    bands_km : sequence of float, default (0, 100, 200, 300, 400, 500, 750, 1000)
        Edges of the distance bands, ascending kilometres; a pair at an edge belongs to the nearer band.
    permutations, seed : int
        Number of shuffles of all values, shared by all rows, and the seed of all draws.
    alternative : {"two-sided", "greater", "less"}, default "two-sided"
        "greater" asks for likeness.

    Returns
    -------
    pandas.DataFrame of shape (n_bands * 5, 11)
        Columns :data:`geo_cdei.columns.CORRELOGRAM`. ``direction`` is "all" or the axis the pair lies along,
        within 22.5 degrees ("N-S", "NE-SW", "E-W", "SE-NW"; the mean of the bearings at its two ends). I is
        NaN where a band holds no pair.

    Raises
    ------
    AlignmentError
        If *y* and *cities* list different cities or another order, or a city twice.
    StatisticError
        If the bands do not ascend, or fewer than four cities have a value.

    Warns
    -----
    GeoCdeiWarning
        Names the cities without a value, or with no other city within the last band.

    References
    ----------
    Oden, N. L. and Sokal, R. R. (1986). Directional autocorrelation: an extension of spatial correlograms to
    two dimensions. Systematic Zoology, 35(4), 608-617.

    Examples
    --------
    >>> import geopandas as gpd
    >>> cities = gpd.GeoDataFrame({"lon": np.arange(6.0), "lat": 0.0}, index=list("abcdef"))
    >>> y = pd.Series([1.0, 2, 3, 4, 5, 6], index=cities.index)
    >>> table = correlogram(y, cities, bands_km=(0, 150, 300), permutations=99, seed=1)
    >>> table[["direction", "to_km", "n_pairs", "I"]].round(3).head(2)
      direction  to_km  n_pairs      I
    0       all  150.0        5  0.600
    1       all  300.0        4  0.086
    """
    check_inference(permutations, alternative)
    edges = np.asarray(bands_km, dtype=np.float64)
    if len(edges) < 2 or edges[0] < 0 or not (np.diff(edges) > 0).all():
        raise StatisticError(f"bands_km must be at least two ascending distances from 0 up; got {list(bands_km)}.")
    check_index(y.index, cities.index, what="y", whose="cities")
    check_once(y.index)
    positions, values = settle(y)
    lon, lat = (of_all[positions] for of_all in city_points(cities))
    i, j, km = within_km(lon, lat, float(edges[-1]))
    pairs = sparse.csr_array((km, (i, j)), shape=(len(positions), len(positions)))
    alone = np.bincount(np.append(i, j), minlength=len(positions)) == 0
    z = standardize(values[0])
    Aligned(y.index, positions, values, pairs, alone).warn_untested(constant=bool(np.isnan(z).any()))
    there, back, _ = inverse(lon[i], lat[i], lon[j], lat[j])
    band = np.searchsorted(edges, km, side="left") - 1
    band[km <= edges[0]] = 0 if edges[0] == 0 else -1
    axis = _axis(there, back)
    groups = [
        (direction, b, np.flatnonzero((band == b) & ((axis == d) | (d < 0))))
        for d, direction in enumerate(("all", *DIRECTIONS), start=-1)
        for b in range(len(edges) - 1)
    ]
    rows = pd.DataFrame(
        {
            "direction": [direction for direction, _, _ in groups],
            "from_km": [edges[b] for _, b, _ in groups],
            "to_km": [edges[b + 1] for _, b, _ in groups],
            "mean_km": [km[pairs].mean() if len(pairs) else np.nan for _, _, pairs in groups],
            "n_pairs": [len(pairs) for _, _, pairs in groups],
        }
    )
    inference = _inference(z, [(i[p], j[p]) for _, _, p in groups], permutations, seed, alternative)
    table = pd.concat([rows, inference], axis=1)[list(CORRELOGRAM)]
    table.attrs.update(permutations=permutations, seed=seed, alternative=alternative)
    return table


def _axis(there_deg: FloatArray, back_deg: FloatArray) -> npt.NDArray[np.int64]:
    """Give the axis (0 … 3, clockwise from north-south) along which each pair lies."""
    there, back = np.radians(2.0 * there_deg), np.radians(2.0 * back_deg)
    # the angle is doubled, so that a line has one bearing and not two
    double = np.arctan2(np.sin(there) + np.sin(back), np.cos(there) + np.cos(back))
    axis: npt.NDArray[np.int64] = np.rint(np.degrees(double) / 90.0).astype(np.int64) % len(DIRECTIONS)
    return axis


def _inference(
    z: FloatArray,
    groups: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]],
    permutations: int,
    seed: int,
    alternative: str,
) -> pd.DataFrame:
    n = len(z)
    some = [g for g, (i, _) in enumerate(groups) if len(i) and not np.isnan(z).any()]
    frame = pd.DataFrame(np.nan, index=range(len(groups)), columns=["I", "EI", "EI_sim", "z_sim", "p_sim"])
    frame["EI"] = -1.0 / (n - 1)
    if some:
        pairs = [sparse.csr_array((np.full(len(i), 1.0 / len(i)), (i, j)), shape=(n, n)) for i, j in groups if len(i)]
        rng = np.random.default_rng(seed)
        blocks = [
            np.array([np.einsum("ij,ji->i", rows, weights @ rows.T) for weights in pairs])
            for rows in permuted_values(z, permutations, rng)
        ]
        observed = np.array([z @ (weights @ z) for weights in pairs])
        counts = compare(np.concatenate(blocks, axis=1), observed)
        with np.errstate(divide="ignore", invalid="ignore"):
            z_sim = np.where(counts.sd > 1e-12, (observed - counts.mean) / counts.sd, np.nan)
        p = p_value(counts.ge, counts.le, permutations, alternative)
        frame.loc[some, ["I", "EI_sim", "z_sim", "p_sim"]] = np.column_stack([observed, counts.mean, z_sim, p])
    frame["significant"] = frame["p_sim"] <= 0.05
    frame["significant_fdr"] = fdr_significant(frame["p_sim"])
    return frame
