"""Spillovers step: models, decay, halos, hinterlands and flows between the clusters; associations, not causes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from geo_cdei.results import Notice
from geo_cdei.steps.context import Context
from geo_cdei.steps.inequality import partitions_of
from geo_cdei.steps.substitutes import SIZES, adapt_spillovers, size_column

if TYPE_CHECKING:
    from libpysal.graph import Graph

__all__ = ["add_spillovers"]


def add_spillovers(run: Context) -> None:
    """Measure what goes along with being near: models, distance, cores, hinterlands, flows."""
    from geo_cdei.analysis import model_inputs

    cities = run.scored.cities
    if "lisa" not in run.tables or run.scored.clusters.empty:
        run.skip("spillovers", "it needs clusters and the step autocorrelation")
        return
    cores = model_inputs.core_cities(run.scored.clusters, cities)
    known = cores.dropna(subset="adcode")
    adapted = adapt_spillovers(run, poles=bool(known["cluster_id"].isin(run.settings.spillovers.poles).any()))
    if adapted is None or known.empty:
        run.skip("spillovers", f"the cities have none of the columns {', '.join(SIZES)}, or no core has a score")
        return
    run.settings = run.settings.model_copy(update={"spillovers": adapted})
    unknown = cores[cores["adcode"].isna()]["core"].tolist()
    if unknown:
        run.notices.append(
            Notice("spillovers", f"cores without a score take no part: {', '.join(map(str, unknown))}")
        )
    residuals = _add_models(run, cores.dropna(subset="adcode"))
    _add_reach(run, cores, residuals)
    _add_bivariate(run)
    cost = _cost(run)
    _add_hinterlands(run, cores, cost)
    _add_flows(run, cores, cost)


def _graphs(run: Context) -> dict[str, Graph]:
    """Give the study's own graph first: its errors stop the step, those of the others are told."""
    own = {run.base_graph: run.graphs[run.base_graph]}
    if not run.is_large:
        return own | run.graphs
    run.notices.append(
        Notice("spillovers", f"so many cities: models are fitted over {run.base_graph} alone, without groups")
    )
    return own


def _add_models(run: Context, known: pd.DataFrame) -> pd.Series:
    """Fit every model over every graph; return the residual of the plain one, which the halos are made of."""
    from geo_cdei.analysis import model_inputs, spatial_models

    wanted, cities = run.settings.spillovers, run.scored.cities
    poles = known.loc[known["cluster_id"].isin(wanted.poles), "adcode"].tolist()
    if poles:
        cities = cities.assign(pole_km=model_inputs.nearest_core_km(cities, poles))
    sets = [terms for terms in (wanted.x, wanted.x_rival) if terms]
    columns = [model_inputs.model_columns(cities, terms) for terms in sets]
    left = {code: reason for x in columns for code, reason in model_inputs.missing_reasons(x).items()}
    left |= {code: reason for code, reason in wanted.left_out.items() if code in cities.index}
    tables, graphs = [], _graphs(run)
    for x, grouped in product(columns, (False,) if run.is_large else (False, True)):
        models = spatial_models.fit_models(
            cities[wanted.y], x, graphs, kinds=wanted.kinds, left_out=left,
            groups=cities["cluster_id"] if grouped else None,
        )  # fmt: skip
        tables.append(spatial_models.model_table(models, draws=wanted.draws, seed=run.seed))
    run.tables["spillover_models"] = pd.concat(tables, ignore_index=True)
    # the halo looks for what the distance to the pole would take out
    plain = columns[0].drop(columns="pole_km", errors="ignore")
    ols = spatial_models.spatial_model(cities[wanted.y], plain, run.graphs[run.base_graph], kind="ols", left_out=left)
    run.facts["spillovers"] = {"left_out": left, "x": tuple(plain.columns)}
    _add_decay(run, plain, ols.residuals)
    return ols.residuals


def _add_decay(run: Context, x: pd.DataFrame, residuals: pd.Series) -> None:
    from geo_cdei.analysis import decay

    wanted, cities = run.settings.spillovers, run.scored.cities
    kept = residuals.dropna().index
    bands, y = wanted.bands_km, cities[wanted.y]
    how: dict[str, Any] = {"bands_km": bands, "permutations": 199 if run.is_large else 999, "seed": run.seed}
    km, at = run.city_km(), cities.index.get_indexer(kept)
    among = km if len(kept) == len(cities) else km[np.ix_(at, at)]
    tables = [
        decay.similarity_decay(y, cities, km=km, **how),
        decay.similarity_decay(residuals[kept], cities.loc[kept], km=among, **how),
        decay.indirect_decay(y[kept], x.loc[kept], cities.loc[kept], km=among, **how),
    ]
    run.tables["decay"] = pd.concat(tables, ignore_index=True)


def _add_reach(run: Context, cores: pd.DataFrame, residuals: pd.Series) -> None:
    from geo_cdei.analysis import halos, spillover_layers

    wanted, cities = run.settings.spillovers, run.scored.cities
    found = halos.core_halos(
        residuals, cities, cores, mass=cities[wanted.masses[0]], rings_km=wanted.rings_km, km=run.city_km(),
        peers=wanted.peers,
    )  # fmt: skip
    classes = halos.halo_classes(found)
    run.tables |= {"halos": found, "halo_cores": classes}
    run.layers["halo_circles"] = spillover_layers.halo_circles(classes, cities)


def _add_bivariate(run: Context) -> None:
    """Hold a city's own size against the residual of its neighbors, given their own size."""
    from geo_cdei.analysis import autocorrelation, model_inputs, spatial_models

    wanted, cities, graph = run.settings.spillovers, run.scored.cities, run.graphs[run.base_graph]
    size = model_inputs.model_columns(cities, [f"log({size_column(run)})"])
    left = dict(run.facts["spillovers"]["left_out"])
    own = spatial_models.spatial_model(cities[wanted.y], size, graph, kind="ols", left_out=left)
    kept = size.iloc[:, 0].where(own.residuals.notna())
    lisa = autocorrelation.local_moran_bv(kept, own.residuals, graph, seed=run.seed)
    lisa.insert(0, "city", cities["city"])
    run.tables["size_lisa"] = lisa.rename_axis("adcode")


def _cost(run: Context) -> pd.DataFrame:
    """Give kilometres between all cities, or the study's own travel times."""
    cities, given = run.scored.cities, run.joined.travel_time
    if given is None:
        # column after column: a table is read by its columns, and symmetric numbers can lie either way
        return pd.DataFrame(run.city_km().T, index=cities.index, columns=list(cities.index), copy=False)
    square = given.pivot(index="origin", columns="destination", values="value")
    return square.reindex(index=cities.index, columns=cities.index)


def _add_hinterlands(run: Context, cores: pd.DataFrame, cost: pd.DataFrame) -> None:
    from geo_cdei.analysis import hinterlands, spillover_layers

    wanted, cities = run.settings.spillovers, run.scored.cities
    codes = cores["adcode"].dropna().tolist()
    variants = {
        f"{mass} {decay:g}": hinterlands.huff_probabilities(cities.loc[codes, mass], cost[codes], decay=decay)
        for mass, decay in product(wanted.masses, wanted.huff_decay)
    }
    main = next(iter(variants.values()))
    table = hinterlands.hinterland_cities(main, cores, run.scored.members, variants=variants)
    run.tables |= {
        "hinterlands": hinterlands.hinterlands(main, cores),
        "hinterland_cities": table,
        "break_points": hinterlands.break_points(cities.loc[codes, wanted.masses[0]], cities),
    }
    run.layers["hinterland_areas"] = spillover_layers.hinterland_polygons(table, cities)


def _add_flows(run: Context, cores: pd.DataFrame, cost: pd.DataFrame) -> None:
    """Sum the flows between cities to flows between clusters, under every mass and model."""
    from geo_cdei.analysis import cluster_flows, spillover_layers

    cities = run.scored.cities
    tables, fits = [], []
    if run.is_large:
        said = (
            "so many cities: the fit of the clusters' borders is not tested, communities of all pairs take too long"
        )
        run.notices.append(Notice("spillovers", said))
    for name, flows in _city_flows(run, cost):
        groups = cities.loc[flows.index, "cluster_id"]
        tables.append(cluster_flows.cluster_flows(flows, groups, model=name))
        whole = set(cities.index[cities["cluster_id"].notna()]) <= set(flows.index)
        if whole and not run.is_large:
            fits.append(
                cluster_flows.cluster_fit(flows, groups, partitions=partitions_of(run), model=name, seed=run.seed)
            )
    every = pd.concat(tables, ignore_index=True)
    run.tables |= {"cluster_flows": every, "cluster_balance": cluster_flows.cluster_balance(every)}
    if fits:
        run.tables["cluster_fit"] = pd.concat(fits, ignore_index=True)
    seats = cores.dropna(subset="adcode").drop_duplicates("cluster_id").set_index("cluster_id")["adcode"]
    places = cities.loc[seats, ["lon", "lat"]].set_axis(seats.index)
    first = every["model"].iloc[0]
    run.facts["spillovers"] |= {
        "model": "flows" if run.joined.flows is not None else "gravity",
        "mass": run.settings.spillovers.masses[0],
        "beta": run.settings.spillovers.gravity_beta[0],
        "distance": "km" if run.joined.travel_time is None else "time",
    }
    run.layers["flow_lines"] = spillover_layers.flow_lines(every[every["model"] == first], places)


def _city_flows(run: Context, cost: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Give flows between cities with the name of the model, one at a time; the study's own stand alone."""
    from geo_cdei.analysis import cluster_flows

    wanted, cities, given = run.settings.spillovers, run.scored.cities, run.joined.flows
    if given is not None:
        square = given.pivot(index="origin", columns="destination", values="value").fillna(0.0)
        yield "flows", square.reindex(index=cities.index, columns=cities.index).fillna(0.0)
        return
    for mass in wanted.masses:
        known = cities[mass].dropna().index
        part = cost if len(known) == len(cities) else cost.loc[known, known]
        for beta in wanted.gravity_beta:
            flows = cluster_flows.city_flows(cities.loc[known, mass], part, model="gravity", beta=beta)
            yield f"gravity {beta:g} {mass}", flows
        yield f"radiation {mass}", cluster_flows.city_flows(cities.loc[known, mass], part, model="radiation")
