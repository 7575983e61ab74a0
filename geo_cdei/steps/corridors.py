"""Corridors step: the network, the corridors found in it, and the test of those that are claimed."""

from __future__ import annotations

from itertools import product
from typing import TypeVar

import geopandas as gpd
import pandas as pd

from geo_cdei._interaction import Interaction
from geo_cdei.errors import StatisticError
from geo_cdei.inputs import boundaries
from geo_cdei.results import Notice
from geo_cdei.steps.context import Context
from geo_cdei.steps.substitutes import size_column

__all__ = ["add_corridors"]

MIN_CITIES = 20
Frame = TypeVar("Frame", bound=pd.DataFrame)


def add_corridors(run: Context) -> None:
    """Find corridors without being told, and test the claimed ones by the rule that was fixed beforehand."""
    from geo_cdei.analysis import belts, corridor_verdicts, corridors, interaction

    wanted, cities = run.settings.corridors, run.scored.cities
    if len(cities) < MIN_CITIES:
        run.skip("corridors", f"{len(cities)} scored cities are too few; {MIN_CITIES} are needed")
        return
    cities = cities.assign(coast_km=belts.coast_distance(cities, boundaries.read_ocean()))
    mass = _mass(run, cities)
    network = _network(run, cities, mass=mass, beta=wanted.beta)
    links = interaction.extract_backbone(network, cities, significance=wanted.significance)
    detected = corridors.detect_corridors(links, cities, alternatives=_alternatives(run, cities, network, links))
    hypotheses = _hypotheses(run, cities)
    verdicts = pd.DataFrame({"verdict": pd.Series(dtype="str")})
    if len(hypotheses):
        verdicts = _tested(run, cities, hypotheses, network, links)
    table = corridor_verdicts.corridor_table(cities, detected, hypotheses, verdicts)
    run.tables["corridors"] = _joined_text(table)
    run.tables["links"] = links
    _add_surface(run, cities, detected, mass)
    run.layers |= {
        "corridor_belts": _joined_text(belts.corridor_belts(cities, table, width_km=wanted.primary_km)),
        "corridor_lines": _joined_text(belts.corridor_lines(cities, table)),
        "corridor_links": _joined_text(belts.link_lines(cities, links)),
    }
    given = run.joined
    run.facts["corridors"] = {
        "model": "flows" if given.flows is not None else run.settings.corridors.model,
        "mass": mass,
        "beta": run.settings.corridors.beta,
        "distance": "km" if given.travel_time is None else "time",
        "missing": network.missing,
    }


def _mass(run: Context, cities: pd.DataFrame) -> str:
    wanted = run.settings.corridors.mass
    if wanted in cities.columns:
        return wanted
    found = size_column(run) or "score"
    run.notices.append(Notice("corridors", f"there is no column {wanted}: the mass is {found}"))
    return found


def _network(run: Context, cities: gpd.GeoDataFrame, *, mass: str, beta: float) -> Interaction:
    from geo_cdei.analysis import interaction

    return interaction.build_interaction(
        cities, mass=mass, model=run.settings.corridors.model, beta=beta, flows=run.joined.flows,
        travel_time=run.joined.travel_time, km=run.city_km(),
    )  # fmt: skip


def _alternatives(
    run: Context, cities: gpd.GeoDataFrame, network: Interaction, links: pd.DataFrame
) -> list[pd.DataFrame]:
    """Backbones under the other settings, over which a corridor must reappear to be called stable."""
    from geo_cdei.analysis import interaction

    wanted = run.settings.corridors
    if run.joined.flows is not None:  # flows as given have neither mass nor exponent
        return [
            interaction.extract_backbone(network, cities, significance=level, betweenness=False)
            for level in wanted.grid_significance
        ]
    found = []
    for mass, beta, levels in _grid(run, cities):
        varied = interaction.vary_interaction(network, cities, mass=mass, model=wanted.model, beta=beta)
        same = varied.basis == network.basis
        found += [
            links if same and level == wanted.significance
            else interaction.extract_backbone(varied, cities, significance=level, betweenness=False)
            for level in levels
        ]  # fmt: skip
    return found


def _grid(run: Context, cities: pd.DataFrame) -> list[tuple[str, float, tuple[float, ...]]]:
    """List the settings of the alternatives: all combinations; in a large study mass or beta is another."""
    wanted = run.settings.corridors
    main = wanted.mass if wanted.mass in cities.columns else size_column(run) or "score"
    masses = [name for name in wanted.grid_mass if name in cities.columns] or [main]
    if not run.is_large:
        return [(mass, beta, wanted.grid_significance) for mass, beta in product(masses, wanted.grid_beta)]
    run.notices.append(
        Notice(
            "corridors",
            "so many cities: a corridor must reappear with another mass or another beta, not with all at once",
        )
    )
    return [
        (main, wanted.beta, (wanted.significance,)),
        *((mass, wanted.beta, (wanted.significance,)) for mass in masses if mass != main),
        *((main, beta, (wanted.significance,)) for beta in wanted.grid_beta if beta != wanted.beta),
    ]


def _hypotheses(run: Context, cities: gpd.GeoDataFrame) -> pd.DataFrame:
    """Claims of the study and, where the study is large enough, a random inland line as a control."""
    from geo_cdei.analysis import corridor_verdicts

    claims = run.joined.corridors
    if claims is None:
        run.notices.append(Notice("corridors", "there is no table corridors: no claim is tested"))
        return pd.DataFrame(columns=["corridor_id", "kind", "anchors"])
    if not run.settings.corridors.inland_control:
        return claims
    try:
        control = corridor_verdicts.inland_control(cities, km=run.city_km(), seed=run.seed)
    except StatisticError as error:
        run.notices.append(Notice("corridors", f"no inland control: {error}"))
        return claims
    return pd.concat([claims, control], ignore_index=True)


def _tested(
    run: Context, cities: gpd.GeoDataFrame, hypotheses: pd.DataFrame, network: Interaction, links: pd.DataFrame
) -> pd.DataFrame:
    from geo_cdei.analysis import corridor_tests, corridor_verdicts

    wanted = run.settings.corridors
    best = cities["tier"].eq(cities.sort_values("score")["tier"].iloc[-1]) if "tier" in cities else None
    design = corridor_tests.CorridorDesign(
        widths_km=wanted.widths_km, primary_km=wanted.primary_km, draws=wanted.draws,
        max_proposals=wanted.max_proposals, count_tolerance=wanted.count_tolerance,
        coast_tolerance=wanted.coast_tolerance, rank_tolerance=wanted.rank_tolerance, weights=run.scored.weights,
        poles=tuple(cities.index[best]) if best is not None else (),
    )  # fmt: skip
    tests = corridor_tests.evaluate_corridors(
        cities, hypotheses, interaction=network, backbone=links, design=design, seed=run.seed
    )
    run.tables["corridor_tests"] = tests
    return corridor_verdicts.corridor_verdicts(tests, hypotheses, design=design)


def _add_surface(run: Context, cities: gpd.GeoDataFrame, detected: pd.DataFrame, mass: str) -> None:
    """Ridges of the potential surface, how far the corridors follow them, and the ellipses."""
    from geo_cdei.analysis import orientation, ridges

    crest = ridges.potential_ridges(cities, mass=mass, bandwidth_km=run.settings.corridors.bandwidth_km)
    weights = [name for name in ("equal", "score", "scale_2020", "gdp_2019") if name == "equal" or name in cities]
    ellipses = orientation.deviational_ellipses(cities, weights=weights)
    run.tables["ridge_agreement"] = ridges.ridge_agreement(cities, detected, crest)
    run.tables["ellipses"] = pd.DataFrame(ellipses.drop(columns="geometry"))
    run.layers |= {"corridor_ridges": crest, "corridor_ellipses": ellipses}


def _joined_text(frame: Frame) -> Frame:
    """Write lists of codes or names as text, joined by semicolons, as files need it."""
    lists = {
        name: frame[name].map(lambda cell: ";".join(map(str, cell)) if isinstance(cell, tuple | list) else cell)
        for name in ("cities", "clusters", "names", "anchors")
        if name in frame
    }
    return frame.assign(**lists)
