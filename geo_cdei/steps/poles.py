"""Fifth pole: candidates, ranks, how sure they are, and what would change them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from geo_cdei._poles import group_weights
from geo_cdei.analysis import (
    acceptability,
    pole_criteria,
    pole_facts,
    pole_goals,
    pole_location,
    pole_ranking,
    poles,
)
from geo_cdei.columns import POLE_WEIGHTS
from geo_cdei.errors import StatisticError
from geo_cdei.steps.context import Context

__all__ = ["add_poles"]


@dataclass(frozen=True, slots=True, eq=False)
class PoleRun:
    """One ranking: its candidates, table and draws."""

    criteria: Any
    table: pd.DataFrame
    ranking: pd.DataFrame
    found: dict[str, Any]


def add_poles(run: Context) -> None:
    """Rank the clusters that hold no seat, with custom candidates in runs of their own."""
    pattern = run.tables.get("pattern")
    if pattern is None:
        run.skip("poles", "it needs the step pattern, which gave nothing")
        return
    want, cities, members = run.settings.poles, run.scored.cities, run.scored.members
    if "scale_2020" not in cities:
        run.skip("poles", "it needs the size of the cities (scale_2020)")
        return
    try:
        held = poles.seat_holders(pattern, seats=want.seats)
        poles.pole_candidates(run.scored.clusters[["cluster", "cluster_en", "n_scored"]], held)
    except StatisticError as error:  # nobody holds a seat, or fewer than two may want one
        run.skip("poles", str(error))
        return
    seats = pole_location.cluster_seats(cities, members).reindex(held)
    sites = pole_location.fifth_sites(cities, seats, km=run.city_km())
    main = _rank(run, members, held, sites)
    weights = _weights(run, main.criteria)
    likely = main.table.index  # likeliest first place first
    log_sd = _log_sd(run)
    rankings = {"planner" if _is_planned(want) else "grouped": main.ranking}
    if _is_planned(want):
        rankings["grouped"] = pole_ranking.rank_poles(main.criteria)
    for kind in ("equal", "entropy", "critic"):
        rankings[kind] = pole_ranking.rank_poles(
            main.criteria, weights=pole_ranking.objective_weights(main.criteria, kind)
        )
    run.tables["poles"] = main.table
    run.tables["pole_criteria"] = main.criteria.table.assign(weight=weights)
    run.tables["pole_weights"] = _weight_table(main.criteria, weights, rankings)
    run.tables["pole_correlations"] = pole_ranking.criteria_correlations(main.criteria)
    run.tables["pole_central_weights"] = acceptability.central_weights(main.criteria, main.found)
    run.tables["pole_pairs"] = acceptability.pair_table(main.criteria, main.found)
    run.tables["pole_ranks"] = main.found["grouped"].ranks.rename_axis("cluster_id")
    run.tables["pole_deciding"] = pole_ranking.deciding_criteria(main.criteria, likely[0], likely[1], weights=weights)
    run.tables["pole_goals"] = pole_goals.pole_goals(main.criteria, weights=weights)
    run.tables["pole_sensitivity"] = pole_facts.pole_sensitivity(
        main.criteria,
        rankings,
        reversals=pole_ranking.rank_reversals(main.criteria, weights=weights),
        variants=acceptability.acceptability_variants(main.criteria, log_sd=log_sd, draws=want.draws, seed=run.seed),
    )
    named = sites.copy()
    named.insert(0, "city_en", cities["city_en"])
    named.insert(0, "city", cities["city"])
    run.tables["pole_sites"] = named.rename_axis("adcode")
    first = main.criteria.candidates.loc[likely[0]]
    catchments = pole_location.nearest_pole(cities, seats, fifth=str(likely[0]), fifth_seat=first["seat"])
    run.tables["pole_catchments"] = catchments.assign(city=cities["city"]).rename_axis("adcode")
    run.tables["pole_catchment_sizes"] = pole_location.catchment_table(catchments, cities["scale_2020"])
    further = _further_runs(run, held, sites)
    if len(further):
        run.tables["pole_runs"] = further
    short = {name.removeprefix("pole_"): table for name, table in run.tables.items() if name.startswith("pole_")}
    run.facts["poles"] = pole_facts.pole_facts(
        main.criteria, main.table, tables=short, held=run.scored.clusters.loc[held], draws=want.draws, seed=run.seed
    )


def _weight_table(criteria: Any, weights: pd.Series, rankings: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Weights of the criteria that every ranking was made with, and those that the study uses."""
    kinds = {kind: rankings[kind].attrs["weights"] for kind in POLE_WEIGHTS[2:]}
    return pd.DataFrame({"group": criteria.groups, "used": weights, **kinds}).rename_axis("criterion")


def _further_runs(run: Context, held: Sequence[str], sites: pd.DataFrame) -> pd.DataFrame:
    """Rank every custom candidate, and once more with the seats of the tested roles alone."""
    cities, members, want = run.scored.cities, run.scored.members, run.settings.poles
    tables = []
    for number, custom in enumerate(want.custom, 1):
        cluster_id = f"X{number}"
        wider, withdrawn = poles.add_custom_candidate(
            members, cities, custom.model_dump(), cluster_id=cluster_id, poles=held
        )
        own = _rank(run, wider, held, sites, withdrawn=withdrawn, custom=cluster_id).table
        tables.append(_named(own, custom.name, custom.name_en, own.index == cluster_id))
    tested = poles.seat_holders(run.tables["pattern"], seats="role")
    if set(tested) != set(held):
        seats = pole_location.cluster_seats(cities, members).reindex(tested)
        own = _rank(run, members, tested, pole_location.fifth_sites(cities, seats, km=run.city_km())).table
        tables.append(_named(own, "tested roles", "tested roles", False))
    return pd.concat(tables) if tables else pd.DataFrame()


def _named(table: pd.DataFrame, run: str, run_en: str, is_custom: Any) -> pd.DataFrame:
    table = table.assign(run=run, run_en=run_en, is_custom=is_custom)
    return table[["run", "run_en", "is_custom", *(c for c in table if c not in ("run", "run_en", "is_custom"))]]


def _rank(
    run: Context,
    members: pd.DataFrame,
    held: Sequence[str],
    sites: pd.DataFrame,
    *,
    withdrawn: Sequence[str] = (),
    custom: str = "",
) -> PoleRun:
    """Criteria, ranks and draws of one set of candidates."""
    clusters = run.scored.clusters[["cluster", "cluster_en", "n_scored"]]
    if custom:
        own = members[(members["cluster_id"] == custom) & (members["role"] == "primary")]
        row = {"cluster": own["cluster"].iloc[0], "cluster_en": own["cluster_en"].iloc[0], "n_scored": len(own)}
        clusters = pd.concat([pd.DataFrame(clusters), pd.DataFrame([row], index=[custom])])
    candidates = poles.pole_candidates(clusters, held, withdrawn=withdrawn)
    criteria = pole_criteria.pole_criteria(
        candidates,
        run.scored.cities,
        members,
        evidence=_evidence(run, held, sites),
        columns=(run.scored.weights, "scale_2020"),
        strong_city=run.settings.poles.strong_city,
    )
    ranking = pole_ranking.rank_poles(criteria, weights=_weights(run, criteria))
    found = {
        scheme: acceptability.rank_acceptability(
            criteria, scheme=scheme, log_sd=_log_sd(run), draws=run.settings.poles.draws, seed=run.seed
        )
        for scheme in ("grouped", "flat")
    }
    return PoleRun(criteria, pole_facts.pole_table(criteria, ranking, found), ranking, found)


def _evidence(run: Context, held: Sequence[str], sites: pd.DataFrame) -> Any:
    tables = run.tables
    lisa, getis = tables.get("lisa"), tables.get("getis")
    local = None
    if lisa is not None and getis is not None:
        spots = getis[getis["statistic"] == "Gi*"]
        local = pd.DataFrame(
            {
                "HH": (lisa["quadrant"] == "HH") & lisa["significant"],
                "hot": (spots["spot"] == "hot") & spots["significant"],
            }
        )
    corridors = tables.get("corridors")
    if corridors is not None:
        corridors = corridors[(corridors["kind"] == "detected") & corridors["stable"].fillna(False).astype(bool)]
    change = tables["pattern"].get("change")
    return pole_criteria.PoleEvidence(
        local=local,
        links=tables.get("links"),
        corridors=corridors,
        sites=sites["saved_share"],
        hinterlands=tables.get("hinterlands"),
        change=change if change is not None and change.notna().any() else None,
        poles=held,
    )


def _is_planned(want: Any) -> bool:
    return bool(want.groups or want.criteria)


def _weights(run: Context, criteria: Any) -> pd.Series:
    want = run.settings.poles
    return group_weights(criteria.groups, between=want.groups, within=want.criteria)


def _log_sd(run: Context) -> pd.Series | None:
    """Error of the GDP by its check class; other weights, or a study without the classes, count as exact."""
    cities = run.scored.cities
    if run.scored.weights != "gdp_2019" or "gdp_check" not in cities:
        return None
    known: pd.Series = cities["gdp_check"].map(run.settings.scores.gdp_log_sd).fillna(0.0)
    return known
