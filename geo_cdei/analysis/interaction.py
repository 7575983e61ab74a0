"""The network of interaction between cities, and the few links that carry it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._aligned import name_some, settled_order
from .._geodesy import pairwise_km
from .._interaction import Interaction, disparity_p, gravity_flow, radiation_flow, route_flow, spanning_tree
from ..columns import LINKS
from ..errors import StatisticError
from .graphs import city_points
from .scenarios import weight_vector

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

__all__ = ["build_interaction", "extract_backbone", "vary_interaction"]

MODELS = ("gravity", "radiation")


def build_interaction(
    cities: gpd.GeoDataFrame,
    *,
    mass: str = "scale_2020",
    model: str = "gravity",
    beta: float = 2.0,
    flows: pd.DataFrame | None = None,
    travel_time: pd.DataFrame | None = None,
    km: FloatArray | None = None,
) -> Interaction:
    """Say how strongly every two cities interact: by a model, or by the study's own flows.

    Parameters
    ----------
    cities : geopandas.GeoDataFrame of shape (n_cities, …)
        Indexed by ``adcode``, with the column *mass* and points as for ``build_graph``.
    mass : str, default "scale_2020"
        Column of the masses, or a power of one ("gdp_2019^0.5"). A city without one is left out, and named.
    model : {"gravity", "radiation"}, default "gravity"
        Product of the masses over a power of the distance, or intervening opportunities.
    beta : float, default 2.0
        Exponent of the distance; gravity only.
    flows : pandas.DataFrame, optional
        ``origin``, ``destination`` (codes) and ``value``: replaces the model and the masses. Both directions
        are added up; a pair that is not listed has no flow.
    travel_time : pandas.DataFrame, optional
        ``origin``, ``destination``, ``value``: replaces the distance. The longer of the two directions; a pair
        that is not listed takes the fastest way over listed ones.
    km : numpy.ndarray of shape (n_cities, n_cities), optional
        Distances between the cities where they are known already: :func:`geo_cdei._geodesy.pairwise_km`.

    Returns
    -------
    Interaction
        Flow, cost, distances and masses as arrays, and in words what they rest on.

    Raises
    ------
    StatisticError
        If *beta* is not positive, *model* is unknown, fewer than three cities have a mass, two cities share
        one point, or a table of pairs has unknown codes, missing or impossible values or unreachable cities.

    References
    ----------
    Isard, W. (1960). Methods of Regional Analysis. MIT Press, chapter 11.

    Examples
    --------
    >>> import geopandas as gpd
    >>> cities = gpd.GeoDataFrame(
    ...     {"lon": [0.0, 1.0, 3.0], "lat": 0.0, "gdp": [4.0, 2.0, 1.0]}, index=["a", "b", "c"]
    ... )
    >>> network = build_interaction(cities, mass="gdp", beta=1)
    >>> network.basis
    'gravity, mass gdp, beta 1, distance on the ellipsoid'
    >>> (network.flow * 1000).round(1).tolist()
    [[0.0, 71.9, 12.0], [71.9, 0.0, 9.0], [12.0, 9.0, 0.0]]
    """
    if model not in MODELS:
        raise StatisticError(f"model must be one of {', '.join(MODELS)}; got {model!r}.")
    km = pairwise_km(*city_points(cities)) if km is None else km
    cost, measured = km, "distance on the ellipsoid"
    if travel_time is not None:
        cost, measured = _times(travel_time, cities), "travel times of the study"
    _check_apart(cost, cities)
    if flows is not None:
        flow = _pair_matrix(flows, cities, name="flows", both=np.add)
        strength = flow.sum(axis=1)
        values = np.where(strength > 0, strength, np.nan)
        basis = f"flows of the study, {measured}"
    else:
        values = weight_vector(cities, mass).replace(0.0, np.nan).to_numpy(float)
        basis = f"{model}, mass {mass}" + (f", beta {beta:g}" if model == "gravity" else "") + f", {measured}"
    _check_masses(values, cities, "flow" if flows is not None else mass)
    if flows is None:
        flow = gravity_flow(values, cost, beta) if model == "gravity" else radiation_flow(values, cost)
    return Interaction(cities.index, flow, cost, km, values, basis, tuple(_names(cities)[np.isnan(values)]))


def vary_interaction(
    interaction: Interaction, cities: gpd.GeoDataFrame, *, mass: str, model: str = "gravity", beta: float = 2.0
) -> Interaction:
    """Model the interaction of the same cities, over the same cost, with another mass or exponent.

    Parameters
    ----------
    interaction : Interaction
        Result of :func:`build_interaction`.
    cities : geopandas.GeoDataFrame of shape (n_cities, …)
        The same cities, in the same order.
    mass, model, beta
        As for :func:`build_interaction`.

    Returns
    -------
    Interaction
        What :func:`build_interaction` gives, without measuring the distances again.

    Raises
    ------
    StatisticError
        As for :func:`build_interaction`.

    Examples
    --------
    >>> import geopandas as gpd
    >>> data = {"lon": [0.0, 1.0, 3.0], "lat": 0.0, "gdp": [4.0, 2.0, 1.0], "people": [1.0, 1.0, 1.0]}
    >>> cities = gpd.GeoDataFrame(data, index=["a", "b", "c"])
    >>> by_gdp = build_interaction(cities, mass="gdp")
    >>> vary_interaction(by_gdp, cities, mass="people", beta=1.0).basis
    'gravity, mass people, beta 1, distance on the ellipsoid'
    """
    if model not in MODELS:
        raise StatisticError(f"model must be one of {', '.join(MODELS)}; got {model!r}.")
    values = weight_vector(cities, mass).replace(0.0, np.nan).to_numpy(float)
    _check_masses(values, cities, mass)
    cost, measured = interaction.cost, interaction.basis.rpartition(", ")[2]
    flow = gravity_flow(values, cost, beta) if model == "gravity" else radiation_flow(values, cost)
    basis = f"{model}, mass {mass}" + (f", beta {beta:g}" if model == "gravity" else "") + f", {measured}"
    missing = tuple(_names(cities)[np.isnan(values)])
    return Interaction(interaction.ids, flow, cost, interaction.km, values, basis, missing)


def extract_backbone(
    interaction: Interaction,
    cities: pd.DataFrame,
    *,
    significance: float = 0.05,
    detour: float = 1.13,
    betweenness: bool = True,
) -> pd.DataFrame:
    """Keep the links that carry the system, and route all flow over them.

    Parameters
    ----------
    interaction : Interaction
        Result of :func:`build_interaction`.
    cities : pandas.DataFrame of shape (n_cities, …)
        The same cities, with ``city`` if names are wanted.
    significance : float, default 0.05
        A link stays whose disparity p is below it at either end; the maximum spanning tree always stays.
    detour : float, default 1.13
        Flow takes the route with the least sum of cost to this power. With 1 every link is used, and with 2 a city
        anywhere in the circle over a link draws its flow; with 1.13 a city halfway is on the way as long as the
        turn there is at most 45 degrees: ``2 * (1 / (2 * cos(22.5 deg))) ** 1.13 = 1``.
    betweenness : bool, default True
        Whether to count the pairs of cities over each link too; the column is missing if not.

    Returns
    -------
    pandas.DataFrame of shape (n_links, 10)
        Columns :data:`geo_cdei.columns.LINKS`, strongest ``carried`` first. ``carried`` is the share of all flow
        whose route uses the link, ``betweenness`` the share of all pairs of cities, ``traffic_share`` its part
        in all flow x km. ``attrs`` holds the ``basis``, the settings and the cities left out.

    Raises
    ------
    StatisticError
        If *significance* is not in (0, 1), *detour* is below 1, or no two cities interact.

    References
    ----------
    Serrano, M. Á., Boguñá, M. and Vespignani, A. (2009). Extracting the multiscale backbone of complex weighted
    networks. PNAS, 106(16), 6483-6488.

    Examples
    --------
    >>> import geopandas as gpd
    >>> cities = gpd.GeoDataFrame({"lon": [0.0, 1.0, 2.0], "lat": 0.0, "gdp": 1.0}, index=["a", "b", "c"])
    >>> links = extract_backbone(build_interaction(cities, mass="gdp"), cities)
    >>> links[["origin", "destination", "carried", "betweenness"]].round(3)
      origin destination  carried  betweenness
    0      a           b    0.556        0.667
    1      b           c    0.556        0.667
    """
    if not 0 < significance < 1 or not detour >= 1:
        raise StatisticError(
            f"significance must lie in (0, 1) and detour be at least 1; got {significance!r} and {detour!r}."
        )
    flow = interaction.flow
    if not flow.any():
        raise StatisticError(
            f"no two of the {len(flow)} cities interact: every flow is 0. Check the masses or flows."
        )
    p, tree = disparity_p(flow), spanning_tree(flow)
    kept = (p < significance) | tree
    rank = np.argsort(settled_order(cities))  # which end is the origin does not hang on the order of the rows
    i, j = np.nonzero(kept & (rank[:, None] < rank[None, :]))
    p = p[i, j]  # of the links alone: a large study has no room for every square at once
    known = ~np.isnan(interaction.mass)
    everyone = (known[:, None] & known[None, :]) & ~np.eye(len(flow), dtype=np.bool_)
    routed = route_flow([flow, everyone] if betweenness else [flow], kept, interaction.cost**detour)
    carried, pairs = routed[0][i, j], routed[-1][i, j] if betweenness else np.nan
    codes, names = interaction.ids.to_numpy(), _names(cities)
    traffic = carried * interaction.km[i, j]
    links = pd.DataFrame(
        {
            "origin": codes[i], "destination": codes[j], "origin_city": names[i], "destination_city": names[j],
            "km": interaction.km[i, j], "flow_share": flow[i, j] / np.triu(flow).sum(), "p_disparity": p,
            "tree": tree[i, j], "carried": carried / np.triu(flow).sum(),
            "betweenness": pairs / np.triu(everyone).sum(), "traffic_share": traffic / traffic.sum(),
        }
    )[list(LINKS)]  # fmt: skip
    links = links.sort_values(["carried", "origin", "destination"], ascending=[False, True, True], ignore_index=True)
    links.attrs.update(
        basis=interaction.basis, missing=list(interaction.missing), significance=significance, detour=detour
    )
    return links


def _names(cities: pd.DataFrame) -> npt.NDArray[np.object_]:
    names = cities["city"] if "city" in cities.columns else cities.index.to_series()
    return names.astype("str").to_numpy(dtype=object)


def _check_apart(cost: FloatArray, cities: pd.DataFrame) -> None:
    i, j = np.nonzero(np.triu(cost <= 0, k=1))
    if len(i):
        names = _names(cities)
        raise StatisticError(
            f"{len(i)} pairs of cities are at distance 0 (first: {names[i[0]]} and {names[j[0]]}), where their flow "
            "is not defined. Correct their points or their travel time."
        )


def _check_masses(values: FloatArray, cities: pd.DataFrame, name: str) -> None:
    known = ~np.isnan(values)
    if int(known.sum()) < 3:
        raise StatisticError(
            f"a network needs at least 3 cities with a mass; {int(known.sum())} of {len(cities)} have a value "
            f"above 0 in {name!r}. Choose another mass, or fill the column."
        )


def _times(table: pd.DataFrame, cities: pd.DataFrame) -> FloatArray:
    """Travel times of all pairs; those that are not listed by the fastest way over listed ones."""
    from scipy.sparse.csgraph import shortest_path

    listed = _pair_matrix(table, cities, name="travel_time", both=np.fmax)
    fastest = shortest_path(listed, method="D", directed=False)
    cut = int((~np.isfinite(fastest)).sum() // 2)
    if cut:
        without = _names(cities)[(listed == 0).all(axis=1)].tolist()
        raise StatisticError(
            f"travel_time leaves {cut} pairs of cities without a way between them; {len(without)} cities have no row"
            f"{': ' + name_some(without) if without else ''}. Add the rows that join them."
        )
    return np.asarray(np.where(listed > 0, listed, fastest))


def _pair_matrix(table: pd.DataFrame, cities: pd.DataFrame, *, name: str, both: np.ufunc) -> FloatArray:
    """Square, symmetric matrix of a table of pairs."""
    absent = [column for column in ("origin", "destination", "value") if column not in table.columns]
    if absent:
        raise StatisticError(f"{name} needs the columns origin, destination, value; {', '.join(absent)} is missing.")
    i, j = (cities.index.get_indexer(pd.Index(table[column])) for column in ("origin", "destination"))
    unknown = pd.unique(np.append(table["origin"].to_numpy()[i < 0], table["destination"].to_numpy()[j < 0]))
    if len(unknown):
        raise StatisticError(
            f"{name} names {len(unknown)} codes that are no city of the study: {name_some(list(unknown))}. "
            "Correct or remove these rows."
        )
    value = pd.to_numeric(table["value"], errors="coerce").to_numpy(float)
    bad = ~np.isfinite(value) | (value < 0) | ((value == 0) & (name == "travel_time"))
    if bad.any():
        raise StatisticError(
            f"{name}: {int(bad.sum())} of {len(table)} values are missing, negative or not finite "
            f"(first: row {int(np.flatnonzero(bad)[0]) + 1}). Correct them, or remove the rows."
        )
    twice = table.duplicated(["origin", "destination"])
    if twice.any():
        raise StatisticError(f"{name} lists {int(twice.sum())} pairs twice. Keep one row for each direction.")
    matrix = np.zeros((len(cities), len(cities)))
    matrix[i, j] = value
    np.fill_diagonal(matrix, 0.0)
    return np.asarray(both(matrix, matrix.T))
