"""What each statistic of the battery is called with, out of the made-up country of tests/battery.py."""

# ruff: noqa: ARG005
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from battery import IDS, World
from pole_frames import criteria_of
from scipy import sparse

from geo_cdei._corridor_nulls import CorridorDesign
from geo_cdei._geodesy import pairwise_km
from geo_cdei.analysis import (
    acceptability,
    cluster_flows,
    corridor_tests,
    halos,
    hinterlands,
    inequality,
    interaction,
    pole_criteria,
    pole_location,
    pole_ranking,
    region_tests,
    scoring,
    spatial_models,
)


def graph_call(function, **given):
    return lambda w, s: function(w.y, w.graph, permutations=w.draws, seed=s, **given)


def other(w: World) -> pd.Series:
    return pd.to_numeric(w.y) ** 2


def columns_of(w: World, *names: str) -> pd.DataFrame:
    return np.log(w.cities[list(names)])


def model(kind: str):
    return lambda w, s: spatial_models.spatial_model(w.y, columns_of(w, "gdp_2019", "scale_2020"), w.graph, kind=kind)


def estimates(kind: str):
    def call(w: World, s: int) -> pd.DataFrame:
        fitted = model(kind)(w, s)
        return fitted.coefficients.assign(left_out=";".join(fitted.left_out))

    return call


def effects(w: World, s: int) -> pd.DataFrame:
    fitted = model("durbin")(w, s)
    found = spatial_models.spatial_effects(fitted, draws=w.draws, seed=s)
    return found.assign(left_out=";".join(fitted.left_out))


def table_of_models(w: World, s: int) -> pd.DataFrame:
    fitted = spatial_models.fit_models(
        w.y, columns_of(w, "gdp_2019", "scale_2020"), {"own": w.graph}, kinds=["ols", "durbin"]
    )
    return spatial_models.model_table(fitted, draws=w.draws, seed=s)


def partitions(w: World, seed: int) -> pd.DataFrame:
    """Draw shuffled labels in the order of the codes; contiguity is no matter here."""
    ids = sorted(w.cities.index)
    labels = np.repeat(np.arange(8), 6)[: len(ids)]
    return pd.DataFrame(np.random.default_rng(seed).permuted(np.tile(labels, (99, 1)), axis=1), columns=ids)


def inequality_of(w: World, s: int) -> pd.DataFrame:
    return inequality.decompose_inequality(w.y, w.groups, partitions=partitions(w, s), permutations=w.draws, seed=s)


def lattice(w: World) -> sparse.csr_array:
    """Rook contiguity of the grid of 8 by 6 cells, in the order of the codes."""
    place = np.arange(48).reshape(6, 8)
    pairs = np.concatenate([np.c_[place[:, :-1].ravel(), place[:, 1:].ravel()],
                            np.c_[place[:-1].ravel(), place[1:].ravel()]])  # fmt: skip
    i, j = np.concatenate([pairs, pairs[:, ::-1]]).T
    known = [IDS.index(code) for code in sorted(w.cities.index)] if set(w.cities.index) <= set(IDS) else range(48)
    whole = sparse.csr_array((np.ones(len(i)), (i, j)), shape=(48, 48))
    return sparse.csr_array(whole[list(known)][:, list(known)])


def regions_of(w: World, s: int) -> pd.DataFrame:
    return region_tests.compare_with_regions(
        w.cities.sort_index(), w.members, adjacency=lattice(w), weights=["gdp_2019"], draws=w.draws, seed=s
    )


def cores_of(w: World) -> pd.DataFrame:
    """Name the city with the largest GDP in every cluster that is there."""
    first = w.cities.sort_values("gdp_2019").groupby("cluster_id").tail(1).sort_values("cluster_id")
    return pd.DataFrame(
        {"cluster_id": first["cluster_id"], "cluster": first["cluster_id"], "core": first["city"],
         "adcode": first.index}
    ).reset_index(drop=True)  # fmt: skip


def halos_of(w: World, s: int) -> pd.DataFrame:
    return halos.core_halos(
        w.y, w.cities, cores_of(w), mass=w.cities["gdp_2019"], peers=30, rings_km=(0, 150, 300, 450)
    )


def km_of(w: World) -> pd.DataFrame:
    km = pairwise_km(w.cities["lon"].to_numpy(), w.cities["lat"].to_numpy())
    return pd.DataFrame(km, index=w.cities.index, columns=w.cities.index)


def huff(w: World, decay: float = 2.0) -> pd.DataFrame:
    codes = cores_of(w)["adcode"].tolist()
    return hinterlands.huff_probabilities(w.y[codes], km_of(w)[codes], decay=decay)


def hinterland_cities(w: World, s: int) -> pd.DataFrame:
    return hinterlands.hinterland_cities(huff(w), cores_of(w), w.members, variants={"steep": huff(w, 3.0)})


def break_points(w: World, s: int) -> pd.DataFrame:
    codes = cores_of(w)["adcode"].tolist()
    return hinterlands.break_points(w.y[codes], w.cities[["lon", "lat"]])


def flows_of(w: World, kind: str = "gravity") -> pd.DataFrame:
    return cluster_flows.city_flows(w.y, km_of(w), model=kind)


def in_rows(square: pd.DataFrame, value: str) -> pd.DataFrame:
    """Write a square table with one row per pair."""
    return square.rename_axis("origin").reset_index().melt("origin", var_name="destination", value_name=value)


def flows_between(w: World, s: int) -> pd.DataFrame:
    return cluster_flows.cluster_flows(flows_of(w), w.groups, model="gravity")


def fit_of(w: World, s: int) -> pd.DataFrame:
    return cluster_flows.cluster_fit(flows_of(w), w.groups, partitions=partitions(w, s), model="gravity", seed=s)


def tiers_of(w: World) -> pd.Series:
    """High, middle and low by two edges; no value, no tier."""
    low, high = w.y.quantile([0.3, 0.7])
    names = np.select([w.y > high, w.y > low], ["high", "middle"], "low")
    return pd.Series(names, index=w.y.index, dtype="str").where(w.y.notna())


def strength_of(w: World, s: int) -> pd.DataFrame:
    found = network(w)
    strength = np.where(np.isnan(found.mass), np.nan, found.flow.sum(axis=1))
    return pd.DataFrame({"mass": found.mass, "strength": strength}, index=found.ids)


def network(w: World, kind: str = "gravity") -> interaction.Interaction:
    return interaction.build_interaction(w.cities, mass=w.column, model=kind)


def backbone(w: World, s: int) -> pd.DataFrame:
    return interaction.extract_backbone(network(w), w.cities)


def claims_of(w: World) -> pd.DataFrame:
    row = w.cities[w.cities["lat"].between(29.6, 30.8)].sort_values("lon").index
    anchors = tuple(row[[0, 3, -1]]) if len(row) > 3 else tuple(sorted(w.cities.index))
    return pd.DataFrame({"corridor_id": ["R1"], "kind": ["control"], "anchors": [anchors]})


def corridors_of(w: World, s: int) -> pd.DataFrame:
    made = replace(w, column="scale_2020")
    design = CorridorDesign(widths_km=(80.0,), primary_km=80.0, draws=59, count_tolerance=0.5, rank_tolerance=0.3,
                            max_proposals=20_000)  # fmt: skip
    return corridor_tests.evaluate_corridors(
        w.cities, claims_of(w), interaction=network(made), backbone=backbone(made, s), design=design, seed=s
    )


def lines_of(w: World) -> pd.DataFrame:
    claim = claims_of(w).set_index("corridor_id")
    return claim.assign(cities=claim["anchors"])


def evidence(w: World, s: int):
    """Candidates out of the clusters, with the first as the pole."""
    clusters = w.members.groupby("cluster_id")[["cluster", "cluster_en"]].first()
    seats = pole_location.cluster_seats(w.cities, w.members, size="scale_2020")
    sites = pole_location.fifth_sites(w.cities, seats[["C01"]], size="scale_2020")["saved_share"]
    held = pole_criteria.PoleEvidence(sites=sites, poles=("C01",))
    counts = w.members.groupby("cluster_id").size()
    candidates = clusters.assign(n_scored=counts).drop(index="C01")
    return pole_criteria.pole_criteria(candidates, w.cities, w.members, evidence=held)


def criteria_frame(w: World):
    """Criteria of eight candidates read off the column under test."""
    means = w.y.groupby(w.groups).agg(["mean", "max", "min"])
    return criteria_of(means.to_numpy(), ["level", "breadth", "location"])


def weights_of(kind: str):
    return lambda w, s: pole_ranking.objective_weights(criteria_frame(w), kind).rename("weight")


def ranks_of(w: World, s: int) -> pd.DataFrame:
    return pole_ranking.rank_poles(criteria_frame(w))


def acceptability_of(w: World, s: int) -> pd.DataFrame:
    found = acceptability.rank_acceptability(criteria_frame(w), draws=10_000, seed=s)
    return found.ranks.rename(columns=str)


def sites_of(w: World, s: int) -> pd.DataFrame:
    seats = pd.Series({"P": sorted(w.cities.index)[0]})
    return pole_location.fifth_sites(w.cities, seats, size=w.column)


def nearest_of(w: World, s: int) -> pd.DataFrame:
    codes = sorted(w.cities.index)
    return pole_location.nearest_pole(w.cities, pd.Series({"P": codes[0]}), fifth="Q", fifth_seat=codes[-1])


def cluster_means(w: World) -> pd.Series:
    return scoring.score_clusters(w.cities, w.members)["score"]
