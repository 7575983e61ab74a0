"""Where a fifth pole would shorten the way to the nearest one, exactly and for every city."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._aligned import numbers
from .._geodesy import distance_km, pairwise_km
from ..columns import POLE_CATCHMENTS, POLE_SITES
from ..errors import StatisticError
from .graphs import city_points

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

__all__ = ["catchment_table", "cluster_seats", "fifth_sites", "nearest_pole"]


def cluster_seats(cities: pd.DataFrame, members: pd.DataFrame, *, size: str = "scale_2020") -> pd.Series[str]:
    """Name the seat of every cluster: its scored primary member with the largest size.

    Parameters
    ----------
    cities : pandas.DataFrame of shape (n_cities, any)
        Indexed by ``adcode``; the column *size*.
    members : pandas.DataFrame
        ``cluster_id``, ``adcode``, ``role``.
    size : str, default "scale_2020"
        Column of the sizes; a member without one cannot be the seat, the lower ``adcode`` wins a tie.

    Returns
    -------
    pandas.Series
        Code of the seat, indexed by ``cluster_id``; clusters without a member of known size are not in it.

    Examples
    --------
    >>> cities = pd.DataFrame({"scale_2020": [5.0, 9.0]}, index=["a", "b"])
    >>> members = pd.DataFrame({"cluster_id": "C1", "adcode": ["a", "b"], "role": "primary"})
    >>> cluster_seats(cities, members).to_dict()
    {'C1': 'b'}
    """
    held = members.loc[members["role"] == "primary", ["cluster_id", "adcode"]]
    held = held.assign(size=cities[size].reindex(held["adcode"]).to_numpy(dtype=float)).dropna(subset="size")
    held = held.sort_values(["cluster_id", "size", "adcode"], ascending=[True, False, True])
    return held.drop_duplicates("cluster_id").set_index("cluster_id")["adcode"].rename("seat")


def fifth_sites(
    cities: gpd.GeoDataFrame, seats: pd.Series[str], *, size: str = "scale_2020", km: FloatArray | None = None
) -> pd.DataFrame:
    """Measure how much the size-weighted distance to the nearest pole falls, for every city as one more pole.

    Parameters
    ----------
    cities : geopandas.GeoDataFrame of shape (n_cities, any)
        Indexed by ``adcode``, with points as for ``build_graph`` and the column *size*.
    seats : pandas.Series
        Codes of the present poles' seats, indexed by ``cluster_id``.
    size : str, default "scale_2020"
        Column that weights the cities; a city without one is not weighted, and counted in ``attrs["n_unknown"]``.
    km : numpy.ndarray of shape (n_cities, n_cities), optional
        Kilometres between the cities, where they have been measured before.

    Returns
    -------
    pandas.DataFrame of shape (n_cities, 3)
        Columns :data:`geo_cdei.columns.POLE_SITES`: ``saved_km`` (fall of the mean distance), ``saved_share``
        (of the present mean) and ``rank``. Rank 1 is the exact optimum of the p-median problem in which the
        present poles are fixed and one site is free. ``attrs["mean_km"]`` is the present mean.

    Raises
    ------
    StatisticError
        If there are no seats, a seat is no city, or no city has a positive size.

    References
    ----------
    Hakimi, S. L. (1964). Optimum locations of switching centers and the absolute centers and medians of a graph.
    Operations Research, 12(3), 450-459.

    Examples
    --------
    >>> import geopandas as gpd
    >>> cities = gpd.GeoDataFrame(
    ...     {"lon": [0.0, 1.0, 3.0], "lat": 0.0, "scale_2020": [1.0, 1.0, 1.0]}, index=["a", "b", "c"]
    ... )
    >>> fifth_sites(cities, pd.Series({"P": "a"}))["saved_share"].round(3).tolist()
    [0.0, 0.5, 0.75]
    """
    _check_seats(cities, seats)
    known = numbers(cities[size])
    mass = np.where(np.isfinite(known), known, 0.0)  # an unknown weight weighs nothing, and is counted
    if not (mass.sum() > 0 and (mass >= 0).all()):
        raise StatisticError(f"{size} must be 0 or more and positive somewhere, to weight {len(cities)} distances.")
    km = pairwise_km(*city_points(cities)) if km is None else km
    present = km[:, cities.index.get_indexer(pd.Index(seats))].min(axis=1)
    mean_km = float(mass @ present / mass.sum())
    saved = np.maximum(present[:, None] - km, 0.0).T @ mass / mass.sum()
    share = saved / mean_km if mean_km > 0 else np.zeros_like(saved)
    frame = pd.DataFrame({"saved_km": saved, "saved_share": share}, index=cities.index)
    frame["rank"] = frame["saved_km"].round(9).rank(ascending=False, method="min").astype(int)
    frame.attrs.update(mean_km=mean_km, n_unknown=int((~np.isfinite(known)).sum()), size=size)
    return frame[list(POLE_SITES)]


def nearest_pole(cities: gpd.GeoDataFrame, seats: pd.Series[str], *, fifth: str, fifth_seat: str) -> pd.DataFrame:
    """Give every city to the nearest pole, before and after a fifth one.

    Parameters
    ----------
    cities : geopandas.GeoDataFrame of shape (n_cities, any)
        Indexed by ``adcode``, with points.
    seats : pandas.Series
        Codes of the present poles' seats, indexed by ``cluster_id``.
    fifth, fifth_seat : str
        ``cluster_id`` of the new pole, and the code of its seat.

    Returns
    -------
    pandas.DataFrame of shape (n_cities, 4)
        Columns :data:`geo_cdei.columns.POLE_CATCHMENTS`; the earlier pole keeps a city at equal distance.

    Raises
    ------
    StatisticError
        If a seat is no city.

    Examples
    --------
    >>> import geopandas as gpd
    >>> cities = gpd.GeoDataFrame({"lon": [0.0, 1.0, 3.0], "lat": 0.0}, index=["a", "b", "c"])
    >>> found = nearest_pole(cities, pd.Series({"P": "a"}), fifth="Q", fifth_seat="c")
    >>> found[["pole_before", "pole_after"]].to_numpy().tolist()
    [['P', 'P'], ['P', 'P'], ['P', 'Q']]
    """
    after = pd.concat([seats, pd.Series({fifth: fifth_seat})])
    _check_seats(cities, after)
    lon, lat = city_points(cities)
    at = cities.index.get_indexer(pd.Index(after))
    columns = [distance_km(lon, lat, np.full(len(lon), lon[i]), np.full(len(lat), lat[i])) for i in at]
    km = np.column_stack(columns)
    before, now = km[:, :-1].argmin(axis=1), km.argmin(axis=1)
    rows = np.arange(len(km))
    frame = pd.DataFrame(
        {
            "pole_before": after.index.to_numpy()[before], "km_before": km[rows, before],
            "pole_after": after.index.to_numpy()[now], "km_after": km[rows, now],
        },
        index=cities.index,
    )  # fmt: skip
    return frame[list(POLE_CATCHMENTS)]


def catchment_table(catchments: pd.DataFrame, size: pd.Series[float]) -> pd.DataFrame:
    """Add up what every pole holds, before and after the fifth.

    Parameters
    ----------
    catchments : pandas.DataFrame of shape (n_cities, 4)
        From :func:`nearest_pole`.
    size : pandas.Series of shape (n_cities,)
        Size of every city; cities without one count in ``n_…`` alone.

    Returns
    -------
    pandas.DataFrame
        Indexed by ``cluster_id``: ``n_before``, ``n_after`` (cities), ``size_before``, ``size_after``.

    Examples
    --------
    >>> catchments = pd.DataFrame({"pole_before": ["P", "P"], "pole_after": ["P", "Q"]}, index=["a", "b"])
    >>> catchment_table(catchments, pd.Series({"a": 1.0, "b": 2.0})).loc["P"].tolist()
    [2.0, 1.0, 3.0, 1.0]
    """
    poles = sorted({*catchments["pole_before"], *catchments["pole_after"]})
    held = size.reindex(catchments.index)
    columns: dict[str, pd.Series] = {}
    for when in ("before", "after"):
        pole = catchments[f"pole_{when}"]
        columns[f"n_{when}"] = pole.value_counts().reindex(poles, fill_value=0)
        columns[f"size_{when}"] = held.groupby(pole).sum().reindex(poles, fill_value=0.0)
    frame = pd.DataFrame(columns).rename_axis("cluster_id")
    return frame[["n_before", "n_after", "size_before", "size_after"]]


def _check_seats(cities: pd.DataFrame, seats: pd.Series[str]) -> None:
    absent = [f"{pole}: {code}" for pole, code in seats.items() if code not in cities.index]
    if absent or not len(seats):
        raise StatisticError(
            f"every pole needs a seat among the {len(cities)} cities; {len(seats)} were given, "
            f"{len(absent)} are no city ({', '.join(absent) or 'none'})."
        )
