"""What a spatial model is given: columns named by a planner, core cities, distances to them, who is left out."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._aligned import name_some
from .._geodesy import distance_km
from ..columns import CORES
from ..errors import StatisticError
from .graphs import city_points

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

__all__ = ["core_cities", "core_km", "missing_reasons", "model_columns", "nearest_core_km"]

_TERM = re.compile(r"^(?P<log>log\()?\s*(?P<top>\w+)\s*(?:/\s*(?P<bottom>\w+)\s*)?(?(log)\)|)$")


def model_columns(cities: pd.DataFrame, terms: Sequence[str]) -> pd.DataFrame:
    """Make the explaining columns of a model from the names a planner wrote.

    Parameters
    ----------
    cities : pandas.DataFrame of shape (n_cities, …)
        Indexed by ``adcode``.
    terms : sequence of str
        Each a numeric column, a ratio of two ("scale_2020/gdp_2019"), or the natural logarithm of either
        ("log(gdp_2019)").

    Returns
    -------
    pandas.DataFrame of shape (n_cities, n_terms)
        One column per term, named by it; NaN where a part is missing.

    Raises
    ------
    StatisticError
        If a term cannot be read, names no numeric column, or needs the logarithm or the inverse of a number
        that is not positive.

    Examples
    --------
    >>> cities = pd.DataFrame({"size": [2.0, 6.0], "gdp": [4.0, 8.0]}, index=["110000", "120000"])
    >>> model_columns(cities, ["size/gdp", "log(gdp)"]).round(2).to_numpy().tolist()
    [[0.5, 1.39], [0.75, 2.08]]
    """
    if not terms or len(set(terms)) < len(terms):
        raise StatisticError(f"A model needs at least one column, each named once; got {list(terms)}.")
    return pd.DataFrame({term: _term(cities, term) for term in terms}, index=cities.index)


def _term(cities: pd.DataFrame, term: str) -> FloatArray:
    parts = _TERM.match(term.strip())
    if parts is None:
        raise StatisticError(f"{term!r} is no term of a model. Write a column, a ratio a/b, or log(…) of either.")
    values = _numeric(cities, parts["top"], term)
    if parts["bottom"]:
        below = _numeric(cities, parts["bottom"], term)
        _check_positive(cities, below, f"{parts['bottom']} in {term!r}")
        values = values / below
    if parts["log"]:
        _check_positive(cities, values, f"what stands in {term!r}")
        values = np.log(values)
    return values


def _numeric(cities: pd.DataFrame, name: str, term: str) -> FloatArray:
    numeric = cities.select_dtypes("number").columns.astype(str).tolist()
    if name not in numeric:
        near = difflib.get_close_matches(name, numeric, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"Numeric columns: {', '.join(numeric)}."
        raise StatisticError(f"Term {term!r}: there is no numeric column {name!r}. {hint}")
    return cities[name].to_numpy(dtype=np.float64, na_value=np.nan)


def _check_positive(cities: pd.DataFrame, values: FloatArray, what: str) -> None:
    bad = cities.index[values <= 0]
    if len(bad):
        raise StatisticError(
            f"{what} must be positive; {len(bad)} of {len(cities)} cities have 0 or less: {name_some(bad)}. "
            "Leave an unknown value empty, never 0."
        )


def missing_reasons(columns: pd.DataFrame) -> dict[str, str]:
    """Say which cities cannot be in a model, and why.

    Parameters
    ----------
    columns : pandas.DataFrame of shape (n_cities, n_columns)
        The model's columns.

    Returns
    -------
    dict of str to str
        Code of each city with a missing value, and the columns that miss it.

    Examples
    --------
    >>> missing_reasons(pd.DataFrame({"size": [1.0, None], "gdp": [1.0, 2.0]}, index=["a", "b"]))
    {'b': 'no value of size'}
    """
    absent = columns.isna()
    return {
        str(code): "no value of " + ", ".join(columns.columns[row].astype(str))
        for code, row in zip(columns.index, absent.to_numpy(), strict=True)
        if row.any()
    }


def core_cities(clusters: pd.DataFrame, cities: pd.DataFrame) -> pd.DataFrame:
    """Find the core cities of every cluster among the scored cities.

    Parameters
    ----------
    clusters : pandas.DataFrame of shape (n_clusters, …)
        Indexed by ``cluster_id``, with ``cluster`` and ``core``: names of cities, parted by semicolons.
    cities : pandas.DataFrame of shape (n_cities, …)
        Indexed by ``adcode``, with ``city`` and ``cluster_id``.

    Returns
    -------
    pandas.DataFrame of shape (n_cores, 4)
        Columns :data:`geo_cdei.columns.CORES`, in the order of the clusters; ``adcode`` is missing for a core
        that is not among the cities.

    Examples
    --------
    >>> clusters = pd.DataFrame({"cluster": ["Delta"], "core": ["b;z"]}, index=["C03"])
    >>> cities = pd.DataFrame({"city": ["a", "b"], "cluster_id": ["C03", "C03"]}, index=["440100", "440300"])
    >>> core_cities(clusters, cities)["adcode"].fillna("").tolist()
    ['440300', '']
    """
    rows: list[tuple[str, object, str, str | None]] = []
    for cluster_id, cluster, named in zip(clusters.index, clusters["cluster"], clusters["core"], strict=True):
        names = [] if pd.isna(named) else [part.strip() for part in str(named).split(";")]
        for name in filter(None, names):
            found = cities.index[(cities["city"] == name).to_numpy()]
            own = found[(cities.loc[found, "cluster_id"] == cluster_id).to_numpy()]
            codes = own if len(own) else found
            rows.append((str(cluster_id), cluster, name, str(codes[0]) if len(codes) else None))
    return pd.DataFrame(rows, columns=list(CORES))


def core_km(cities: gpd.GeoDataFrame, codes: Sequence[str]) -> pd.DataFrame:
    """Measure the distance from every city to every core.

    Parameters
    ----------
    cities : geopandas.GeoDataFrame of shape (n_cities, …)
        Indexed by ``adcode``; ``lon`` and ``lat`` in degrees, or polygons with a CRS.
    codes : sequence of str
        Codes of the cores, all among the cities.

    Returns
    -------
    pandas.DataFrame of shape (n_cities, n_cores)
        Kilometres on the WGS84 ellipsoid; 0 from a core to itself.

    Raises
    ------
    StatisticError
        If a core is not among the cities, or none is given.

    Examples
    --------
    >>> import geopandas as gpd
    >>> cities = gpd.GeoDataFrame({"lon": [116.4, 117.2], "lat": [39.9, 39.1]}, index=["110000", "120000"])
    >>> core_km(cities, ["110000"]).round(0)["110000"].tolist()
    [0.0, 112.0]
    """
    absent = [code for code in codes if code not in cities.index]
    if absent or not len(codes):
        raise StatisticError(
            f"{len(absent)} of {len(codes)} cores are not among the {len(cities)} cities: {name_some(absent)}. "
            "Give at least one core, by its code."
        )
    lon, lat = city_points(cities)
    at = cities.index.get_indexer(pd.Index(codes))
    km = distance_km(
        np.repeat(lon, len(at)), np.repeat(lat, len(at)), np.tile(lon[at], len(lon)), np.tile(lat[at], len(lat))
    )
    return pd.DataFrame(km.reshape(len(lon), len(at)), index=cities.index, columns=list(codes))


def nearest_core_km(cities: gpd.GeoDataFrame, codes: Sequence[str]) -> pd.Series[float]:
    """Measure the distance from every city to the nearest of some cores.

    Parameters
    ----------
    cities, codes
        As for :func:`core_km`.

    Returns
    -------
    pandas.Series of shape (n_cities,)
        Kilometres, named ``pole_km``; 0 for the cores themselves.

    Examples
    --------
    >>> import geopandas as gpd
    >>> cities = gpd.GeoDataFrame({"lon": [116.4, 117.2], "lat": [39.9, 39.1]}, index=["110000", "120000"])
    >>> nearest_core_km(cities, ["110000", "120000"]).tolist()
    [0.0, 0.0]
    """
    return core_km(cities, codes).min(axis=1).rename("pole_km")
