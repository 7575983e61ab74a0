"""Pattern step ("4+N"): scenarios, roles of the clusters, and what each role rests on."""

from __future__ import annotations

import pandas as pd

from geo_cdei.errors import StatisticError
from geo_cdei.inputs import sources
from geo_cdei.results import Notice
from geo_cdei.steps.context import Context

__all__ = ["add_pattern"]

Reading = dict[str, tuple["pd.Series[float]", pd.DataFrame]]  # weighting to cluster scores and their breaks


def add_pattern(run: Context) -> None:
    """Give every cluster a role by evidence, beside the role that the book gives it."""
    if "lisa" not in run.tables:
        run.skip("pattern", "it needs the step autocorrelation, which gave nothing")
        return
    if run.scored.clusters.empty:
        run.skip("pattern", "the study has no clusters")
        return
    try:
        _add_roles(run)
    except StatisticError as error:
        run.skip("pattern", str(error))


def _add_roles(run: Context) -> None:
    from geo_cdei.analysis import breaks, partitions, patterns, region_tests, roles

    wanted, members = run.settings.pattern, run.scored.members
    cities = run.scored.cities.sort_index()
    weights = _weightings(run)
    main = weights[0]
    scores = roles.base_scores(cities, members, weights=weights)
    table = breaks.break_table(scores)
    k = breaks.chosen_k(table)
    scenarios = roles.classify_scenarios(cities, members, weights=weights, k=k, ks=wanted.ks)
    adjacency, links = partitions.connected_contiguity(cities)
    _tell_links(run, cities, links)
    regions = region_tests.compare_with_regions(
        cities, members, adjacency=adjacency, weights=list(dict.fromkeys([main, "equal"])),
        draws=run.supporting(wanted.region_draws), seed=run.seed,
    )  # fmt: skip
    getis = run.tables["getis"]
    pattern = patterns.four_plus_n(
        run.scored.clusters.drop(columns="geometry"),
        roles.assign_roles(scenarios, weights=main, k=k, ks=wanted.ks),
        bootstrap=roles.bootstrap_classes(
            cities, members, weights=weights, k=k, draws=wanted.bootstrap_draws, seed=run.seed
        ),
        regions=regions[regions["weights"] == main],
        local=patterns.local_picture(members, run.tables["lisa"], getis[getis["statistic"] == "Gi*"]),
        book=_book(run),
    )
    run.tables |= {"pattern": pattern, "scenarios": scenarios, "pattern_regions": regions}
    _add_unweighted(run, cities, k, {main: (scores, table)}, regions)


def _add_unweighted(run: Context, cities: pd.DataFrame, k: int, weighted: Reading, regions: pd.DataFrame) -> None:
    """Read the same clusters with equal weights, at the same k and with the removals of the main weighting."""
    from geo_cdei.analysis import breaks, patterns, roles

    wanted, members, main = run.settings.pattern, run.scored.members, next(iter(weighted))
    scores = roles.base_scores(cities, members, weights=["equal"])
    readings = weighted | {"equal": (scores, breaks.break_table(scores))}
    gaps = {
        name: breaks.gap_statistic(values, references=wanted.gap_references, seed=run.seed)[1]
        for name, (values, _) in readings.items()
    }
    scenarios = roles.classify_scenarios(cities, members, weights=["equal"], k=k, ks=wanted.ks, order_by=main)
    run.tables |= {
        "pattern_unweighted": patterns.unweighted_reading(
            run.tables["pattern"],
            roles.assign_roles(scenarios, weights="equal", k=k, ks=wanted.ks),
            bootstrap=roles.bootstrap_classes(
                cities, members, weights=["equal"], k=k, draws=wanted.bootstrap_draws, seed=run.seed
            ),
            regions=regions[regions["weights"] == "equal"],
        ),
        "scenarios_unweighted": scenarios,
        "pattern_breaks": _stacked({name: table for name, (_, table) in readings.items()}),
        "pattern_gap": _stacked(gaps),
    }


def _weightings(run: Context) -> list[str]:
    """List the study's weighting first, then those of the settings whose column the cities have."""
    known = run.scored.cities.columns
    wanted = [name for name in run.settings.pattern.weights if name.partition("^")[0] in known]
    return list(dict.fromkeys([run.scored.weights, *wanted]))


def _book(run: Context) -> pd.DataFrame | None:
    from geo_cdei.analysis import patterns

    if not sources.has_table(run.workspace, "published"):
        return None
    published = sources.read_table(run.workspace, "published")
    return patterns.book_reading(published, edition=run.settings.study.edition)


def _tell_links(run: Context, cities: pd.DataFrame, links: pd.DataFrame) -> None:
    names = cities["city"]
    listed = ", ".join(f"{names[a]}–{names[b]} ({km:.0f} km)" for a, b, km in links.itertuples(index=False))
    if listed:
        run.notices.append(Notice("pattern", f"queen contiguity was joined by {len(links)} links: {listed}"))


def _stacked(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Put the tables of several weightings under each other, the weighting in front."""
    parts = []
    for name, table in tables.items():
        part = (table.reset_index() if table.index.name else table).copy()
        part.insert(0, "weights", name)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)
