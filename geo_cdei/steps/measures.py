"""Local statistics of every measure over every graph: what the linked page shows without computing anything."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import pandas as pd

from geo_cdei import columns
from geo_cdei.errors import GeoCdeiWarning
from geo_cdei.results import Notice
from geo_cdei.steps.context import Context

if TYPE_CHECKING:
    from libpysal.graph import Graph

__all__ = ["add_measures"]

DENSE = 30  # neighbors a city
_FEWEST = 10  # values of a measure; the autocorrelation step asks for as many cities


def add_measures(run: Context, *, how: dict[str, Any]) -> None:
    """Add the measures, the links of the graphs, and local and global Moran of each measure over each graph.

    Parameters
    ----------
    run : Context
        With the tables ``lisa`` and ``moran`` and the graphs.
    how : dict
        ``permutations`` and ``alternative`` of the local tests, the same as for ``lisa``.
    """
    from geo_cdei.analysis import measures, scenarios

    table = measures.city_measures(run.scored.cities)
    tested = [name for name in table if table[name].notna().sum() >= _FEWEST and table[name].nunique() > 1]
    left = [str(name) for name in table if name not in tested]
    if left:
        run.notices.append(Notice("autocorrelation", f"too few values for local statistics: {', '.join(left)}"))
    weight = scenarios.weight_vector(run.scored.cities, run.scored.weights)
    run.tables["city_measures"] = table.assign(weight=weight).rename_axis("adcode")
    graphs = _shown(run)
    run.tables["graph_links"] = measures.graph_links(graphs)
    with warnings.catch_warnings():
        # a city without a value or a neighbor stands in the table with empty cells
        warnings.simplefilter("ignore", GeoCdeiWarning)
        run.tables["lisa_all"] = _local_table(run, graphs, table[tested], how)
        run.tables["moran"] = _with_made(
            run, graphs, table[[name for name in tested if name not in run.scored.cities]]
        )


def _shown(run: Context) -> dict[str, Graph]:
    """Graphs whose links a reader can follow: in a large study not the dense ones, which have a million."""
    few = {name: graph for name, graph in run.graphs.items() if graph.n_edges < DENSE * graph.n}
    if not run.is_large or len(few) == len(run.graphs):
        return run.graphs
    left = ", ".join(name for name in run.graphs if name not in few)
    run.notices.append(
        Notice("autocorrelation", f"so many cities: local statistics and links of {left} are left out")
    )
    return few | {run.base_graph: run.graphs[run.base_graph]}


def _local_table(run: Context, graphs: dict[str, Graph], table: pd.DataFrame, how: dict[str, Any]) -> pd.DataFrame:
    from geo_cdei.analysis import autocorrelation

    parts, beside = [], how | {"permutations": run.supporting(how["permutations"])}
    for variable in table.columns.astype("str"):
        for graph in graphs:
            if (variable, graph) == ("score", run.base_graph):
                found = run.tables["lisa"]  # the same draws: it need not be found twice
            else:
                found = autocorrelation.local_moran(table[variable], run.graphs[graph], seed=run.seed, **beside)
            part = found.rename_axis("adcode").reset_index().assign(variable=variable, graph=graph)
            parts.append(part[list(columns.LISA_ALL)])
    result = pd.concat(parts, ignore_index=True)
    result.attrs.update(how | {"seed": run.seed})
    return result


def _with_made(run: Context, graphs: dict[str, Graph], made: pd.DataFrame) -> pd.DataFrame:
    """Add global Moran of the measures that no table of the study holds."""
    from geo_cdei.analysis import global_autocorrelation

    rows = []
    for variable in made:
        for name, graph in graphs.items():
            found = global_autocorrelation.global_moran(
                made[variable],
                graph,
                permutations=run.supporting(9999),
                seed=run.seed,
                alternative=run.settings.inference.alternative,
            )
            rows.append(
                {"statistic": "moran", "variable": variable, "graph": name, "value": found.I, "expected": found.EI}
                | {"expected_sim": found.EI_sim}
                | {key: getattr(found, key) for key in columns.MORAN if hasattr(found, key)}
            )
    return pd.concat([run.tables["moran"], pd.DataFrame(rows, columns=list(columns.MORAN))], ignore_index=True)
