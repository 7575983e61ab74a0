"""Autocorrelation step: graphs, global and local statistics, hot spots, correlogram."""

from __future__ import annotations

import warnings
from dataclasses import asdict
from typing import Any

import pandas as pd

from geo_cdei import columns
from geo_cdei.errors import GeoCdeiWarning
from geo_cdei.results import GlobalGeary, GlobalGetis, GlobalMoran
from geo_cdei.steps.context import VARIABLES, Context
from geo_cdei.steps.measures import add_measures

__all__ = ["add_autocorrelation"]


def add_autocorrelation(run: Context) -> None:
    """Test the scores for spatial autocorrelation, globally, city by city and by distance and direction."""
    from geo_cdei.analysis import autocorrelation, correlogram, hotspots, joins

    cities = run.scored.cities
    if len(cities) < 10:
        run.skip("autocorrelation", f"{len(cities)} scored cities are too few; 10 are needed")
        return
    build_graphs(run)
    y, graph = cities["score"], run.graphs[run.base_graph]
    how = _inference(run)
    run.tables["moran"] = _global_table(run)
    lisa = autocorrelation.local_moran(y, graph, seed=run.seed, **how)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GeoCdeiWarning)  # isolates of the bands count as a changed class
        stability = autocorrelation.lisa_stability(
            y, run.graphs, base=run.base_graph, permutations=run.supporting(how["permutations"]), seed=run.seed
        )
    lisa.insert(0, "city", cities["city"])
    run.tables["lisa"] = lisa.assign(stability=stability).rename_axis("adcode")
    run.tables["getis"] = _hot_spots(
        cities, [hotspots.getis_ord(y, graph, star=star, seed=run.seed, **how) for star in (True, False)]
    )
    run.tables["correlogram"] = correlogram.correlogram(
        y, cities, permutations=run.supporting(9999), seed=run.seed, alternative=how["alternative"]
    )
    if "tier" in cities and cities["tier"].nunique() > 1:
        run.tables["join_counts"] = joins.join_counts(
            cities["tier"], graph, permutations=run.supporting(9999), seed=run.seed
        )
    add_measures(run, how=how)


def build_graphs(run: Context) -> None:
    """Build the seven graphs of the sensitivity test, and the study's own where it is none of them."""
    from geo_cdei.analysis import graphs

    cities, wanted = run.scored.cities, run.settings.graph
    run.graphs = graphs.sensitivity_graphs(cities)
    own = {"knn": f"knn{wanted.k}", "queen": "queen", "distance_band": f"band{wanted.threshold_km:g}"}.get(
        wanted.method, wanted.method
    )
    if own not in run.graphs:
        run.graphs[own] = graphs.build_graph(
            cities, method=wanted.method, k=wanted.k,
            threshold_km=wanted.threshold_km if wanted.method not in ("knn", "queen", "rook") else None,
        )  # fmt: skip
    run.base_graph = own


def _inference(run: Context) -> dict[str, Any]:
    from geo_cdei._pvalues import default_permutations

    wanted, number = run.settings.inference, run.settings.inference.permutations
    if number == "auto":
        number = default_permutations(len(run.scored.cities), cap=wanted.max_permutations)
    return {"permutations": number, "alternative": wanted.alternative}


def _global_table(run: Context) -> pd.DataFrame:
    """Moran's I, Geary's C and Getis-Ord's G of the score and the weights over all graphs."""
    from geo_cdei.analysis import global_autocorrelation as statistics

    cities, alternative = run.scored.cities, run.settings.inference.alternative
    how: dict[str, Any] = {"permutations": run.supporting(9999), "seed": run.seed, "alternative": alternative}
    rows: list[dict[str, object]] = []
    with warnings.catch_warnings():
        # who was left out of which test stands in the columns n and n_isolates
        warnings.simplefilter("ignore", GeoCdeiWarning)
        main = statistics.global_moran(cities["score"], run.graphs[run.base_graph], **how | {"permutations": 9999})
        for variable in (name for name in VARIABLES if name in cities):
            for graph, found in statistics.global_tests(cities[variable], run.graphs, **how).items():
                moran = main if (variable, graph) == ("score", run.base_graph) else found[0]
                rows += [_global_row(variable, graph, one) for one in (moran, *found[1:])]
    return pd.DataFrame(rows).reindex(columns=list(columns.MORAN))


def _global_row(variable: str, graph: str, found: GlobalMoran | GlobalGeary | GlobalGetis) -> dict[str, object]:
    statistic, letter = {GlobalMoran: ("moran", "I"), GlobalGeary: ("geary", "C"), GlobalGetis: ("getis", "G")}[
        type(found)
    ]
    names = {letter: "value", f"E{letter}": "expected", f"E{letter}_sim": "expected_sim"}
    renamed = {names.get(key, key): value for key, value in asdict(found).items()}
    return {"statistic": statistic, "variable": variable, "graph": graph, **renamed}


def _hot_spots(cities: pd.DataFrame, tables: list[pd.DataFrame]) -> pd.DataFrame:
    starred = [table.assign(statistic=name) for table, name in zip(tables, ("Gi*", "Gi"), strict=True)]
    merged = pd.concat(starred)
    merged.insert(0, "city", cities["city"].reindex(merged.index))
    return merged[["city", "statistic", *columns.GETIS]].rename_axis("adcode")
