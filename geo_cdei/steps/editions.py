"""Editions step: earlier and later years of the scores side by side, and how the cities moved between them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from geo_cdei import columns
from geo_cdei.config import Data
from geo_cdei.errors import SettingsError, StatisticError
from geo_cdei.inputs import boundaries as _boundaries
from geo_cdei.inputs import cities as _cities
from geo_cdei.inputs import levels as _levels
from geo_cdei.inputs import sources
from geo_cdei.results import Notice
from geo_cdei.steps.context import Context
from geo_cdei.steps.vintage import bring_table_to_date

if TYPE_CHECKING:
    import geopandas as gpd

__all__ = ["add_editions"]

FEWEST_LISA = 30  # cities of both editions


def add_editions(run: Context) -> None:
    """Compare every edition with the next one: change, mobility, transitions, clusters."""
    scores = _editions(run)
    if len(scores) < 2:
        run.skip("editions", "the study has one edition only; name others under [editions]")
        return
    years = sorted(scores)
    found: dict[str, list[pd.DataFrame]] = {}
    left_out: list[dict[str, Any]] = []
    for before, after in itertools.pairwise(years):
        made = _compare(run, scores, before, after, left_out)
        for name, table in made.items():
            table.insert(0, "to", after)
            table.insert(0, "from", before)
            found.setdefault(name, []).append(table)
    run.tables |= {name: pd.concat(tables, ignore_index=True) for name, tables in found.items()}
    run.tables["edition_scores"] = _side_by_side(run, scores)
    run.facts["editions"] = {"years": years, "left_out": left_out}
    for each in left_out:
        run.notices.append(Notice("editions", f"{each['from']} to {each['to']}: no {each['what']}: {each['why']}"))


def _editions(run: Context) -> dict[int, pd.Series]:
    """Scores of every edition by year: the study's own, and those of the tables that are there."""
    wanted = run.settings.editions
    own = run.settings.study.edition
    strangers = sorted(set(wanted.top_lists) - set(wanted.tables))
    if str(own) in wanted.tables or strangers:
        what = f"{own} is the study's own edition" if str(own) in wanted.tables else f"top_lists has {strangers}"
        raise SettingsError(f"[editions] {what}: name other years under tables, and only these under top_lists.")
    found = {own: run.scored.cities["score"]}
    names: tuple[pd.DataFrame, pd.DataFrame] | None = None
    for year, name in wanted.tables.items():
        if not sources.has_table(run.workspace, name):
            run.notices.append(Notice("editions", f"there is no table {name}: the edition {year} is left out"))
            continue
        names = names or _levels.read_names(run.workspace, run.settings.boundaries)
        table = sources.read_table(run.workspace, name, like=Data().scores)
        run.notices += [Notice("editions", said) for said in sources.describe_reading(table, name)]
        table = bring_table_to_date(
            run.workspace, run.settings, names[0], table=table, name=name, notices=run.notices, step="editions"
        )
        matches = _cities.match_cities(table, *names, counties=_boundaries.read_counties)
        _cities.check_matches(matches, name=name)
        found[int(year)] = table["score"].set_axis(pd.Index(matches["adcode"], name="adcode"))
    return found


def _compare(
    run: Context, scores: Mapping[int, pd.Series], before: int, after: int, left_out: list[dict[str, Any]]
) -> dict[str, pd.DataFrame]:
    from geo_cdei.analysis import editions

    top = str(before) in run.settings.editions.top_lists
    changes = editions.compare_editions(scores[before], scores[after], top_list=top)
    mobility = editions.rank_mobility(changes, seed=run.seed)
    both = changes.dropna(subset=["score_from", "score_to"]).index
    tables = {
        "edition_changes": changes.assign(city=_names(run).reindex(changes.index)).reset_index(),
        "edition_mobility": mobility,
    }
    tables["edition_changes"] = tables["edition_changes"][["adcode", "city", *columns.EDITION_CHANGES]]
    clusters = _clusters(run, scores, before, after)
    if len(clusters):
        tables["edition_clusters"] = clusters
    a, b = (scores[year].reindex(both) for year in (before, after))
    told = {"from": before, "to": after}
    try:
        tables |= _transitions(run, a, b, left_out, told)
    except StatisticError as error:
        left_out.append(told | {"what": "transitions", "why": str(error), "n": len(both)})
    return tables


def _transitions(
    run: Context, before: pd.Series, after: pd.Series, left_out: list[dict[str, Any]], told: Mapping[str, int]
) -> dict[str, pd.DataFrame]:
    """Markov tables where there are enough moves, spatial ones where there are enough for these too."""
    from geo_cdei.analysis import graphs, transitions

    k, n = run.settings.editions.classes, len(before)
    needed = {"Markov table": transitions.needed_cities(k), "LISA transitions": FEWEST_LISA,
              "spatial Markov table": transitions.needed_cities(k, spatial=True)}  # fmt: skip
    for what, least in needed.items():
        if n < least:
            why = f"{n} cities are in both editions, {least} are needed"
            left_out.append({**told, "what": what, "why": why, "n": n, "needed": least})
    tables: dict[str, pd.DataFrame] = {}
    if n < min(needed.values()):
        return tables
    graph = graphs.transform(_graph(run, _points(run, before.index)), "R")
    if n >= FEWEST_LISA:
        tables["edition_lisa"] = transitions.lisa_transitions(before, after, graph)
    if n >= needed["Markov table"]:
        classic, spatial = transitions.markov(before, after, k=k), None
        if n >= needed["spatial Markov table"]:
            spatial = transitions.spatial_markov(before, after, graphs.lag(graph, before), k=k)
        tables["edition_markov"] = pd.concat([table for table in (classic, spatial) if table is not None])
        tables["edition_markov_tests"] = transitions.markov_test(classic, spatial)
    return tables


def _points(run: Context, index: pd.Index) -> gpd.GeoDataFrame:
    return run.joined.units.loc[index]


def _graph(run: Context, cities: gpd.GeoDataFrame) -> Any:
    from geo_cdei.analysis import graphs

    wanted = run.settings.graph
    threshold = wanted.threshold_km if wanted.method not in ("knn", "queen", "rook") else None
    return graphs.build_graph(cities, method=wanted.method, k=wanted.k, threshold_km=threshold)


def _names(run: Context) -> pd.Series:
    """Name of every unit: as printed where it is scored, else its short name."""
    units = run.joined.units
    names: pd.Series = run.scored.cities["city"].reindex(units.index).fillna(units["short_name"])
    return names


def _side_by_side(run: Context, scores: Mapping[int, pd.Series]) -> pd.DataFrame:
    """One row per city, one column per year."""
    table = pd.concat({f"score_{year}": scores[year] for year in sorted(scores)}, axis=1).sort_index()
    table.insert(0, "city", _names(run).reindex(table.index))
    return table.rename_axis("adcode")


def _clusters(run: Context, scores: Mapping[int, pd.Series], before: int, after: int) -> pd.DataFrame:
    """Scores of the clusters in both editions, printed or computed alike; only those that have both."""
    bases = {year: _cluster_scores(run, scores[year], year) for year in (before, after)}
    joined = bases[before].merge(bases[after], left_index=True, right_index=True, suffixes=("_from", "_to"))
    joined = joined.dropna(subset=["score_from", "score_to"])
    joined = joined.assign(
        change=joined["score_to"] - joined["score_from"], cluster=run.scored.clusters["cluster"].reindex(joined.index)
    )
    ordered = joined.sort_values("score_to", ascending=False, kind="stable").rename_axis("cluster_id").reset_index()
    return ordered[["cluster_id", *columns.EDITION_CLUSTERS]]


def _cluster_scores(run: Context, scores: pd.Series, year: int) -> pd.DataFrame:
    """Score and basis of every cluster: computed where all members that are scored now were, else as printed."""
    from geo_cdei.analysis import scoring

    clusters = run.scored.clusters
    if clusters.empty:
        return pd.DataFrame({"score": [], "basis": []}, dtype="object")
    if year == run.settings.study.edition:
        return pd.DataFrame({"score": clusters["score"], "basis": "computed"})
    roles = run.settings.scores.roles
    known = run.joined.known.assign(score=scores.reindex(run.joined.known.index))
    computed = scoring.score_clusters(known, run.joined.members, weights=run.scored.weights, roles=roles)
    whole = computed["n_scored"].eq(clusters["n_scored"].reindex(computed.index)) & computed["score"].notna()
    frame = pd.DataFrame({"score": computed["score"].where(whole), "basis": "computed"})
    if sources.has_table(run.workspace, "published"):
        printed = sources.read_table(run.workspace, "published")
        rows = printed[(printed["quantity"] == "cluster_weighted_score") & (printed["edition"] == year)]
        values = rows.dropna(subset=["cluster_id", "value"]).drop_duplicates("cluster_id").set_index("cluster_id")
        lacking = frame["score"].isna() & frame.index.isin(values.index)
        frame.loc[lacking, "score"] = values["value"].reindex(frame.index[lacking])
        frame.loc[lacking, "basis"] = "printed"
    return frame
