"""What a city may be measured by beside its score: size, output, and the score and size that output does not explain.

One definition of each, for every map and table:

========== =================================================================================================
score      points of the index
scale_2020 size of the digital economy, 100 million yuan
gdp_2019   output, 100 million yuan
residual   score less what an ordinary least-squares line of the scores on the natural log of output gives
ratio      scale_2020 / gdp_2019: how much of a city's output its digital economy amounts to
========== =================================================================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from geo_cdei.columns import CITY_MEASURES, GRAPH_LINKS
from geo_cdei.errors import StatisticError

if TYPE_CHECKING:
    from libpysal.graph import Graph

__all__ = ["city_measures", "graph_links"]

_FEWEST = 3  # a line through two points leaves nothing over


def city_measures(cities: pd.DataFrame) -> pd.DataFrame:
    """Give every measure of the cities that their columns allow.

    Parameters
    ----------
    cities : pandas.DataFrame of shape (n_cities, any)
        Indexed by ``adcode``: score, and where the study has them scale_2020 and gdp_2019.

    Returns
    -------
    pandas.DataFrame of shape (n_cities, n_measures)
        Those of the columns :data:`geo_cdei.columns.CITY_MEASURES` that can be made, indexed as `cities`. A
        city without the figures that a measure needs, or without output above 0, has NaN there.

    Raises
    ------
    StatisticError
        If there is no score.

    Examples
    --------
    >>> cities = pd.DataFrame({"score": [50.0, 60, 65], "gdp_2019": [1.0, np.e, np.e**2], "scale_2020": [0.2, 1, 2]},
    ...                       index=["110000", "120000", "130100"])
    >>> city_measures(cities)["residual"].round(2).tolist()
    [-0.83, 1.67, -0.83]
    """
    if "score" not in cities:
        raise StatisticError(f"measures need the column score, the cities have: {', '.join(map(str, cities))}.")
    table = cities[[name for name in CITY_MEASURES if name in cities]].astype("float64")
    if "gdp_2019" in table:
        output = table["gdp_2019"].where(table["gdp_2019"] > 0)
        if (output.notna() & table["score"].notna()).sum() >= _FEWEST:
            table["residual"] = _residual(table["score"], np.log(output))
        if "scale_2020" in table:
            table["ratio"] = table["scale_2020"] / output
    return table[[name for name in CITY_MEASURES if name in table]]


def _residual(y: pd.Series, x: pd.Series) -> pd.Series:
    """Take out the least-squares line of *y* on *x*; NaN where one is missing or *x* never varies."""
    known = x.notna() & y.notna()
    if x[known].min() == x[known].max():  # rounding would give a slope of its own
        return y * np.nan
    spread = x[known] - x[known].mean()
    slope = (spread * y[known]).sum() / (spread**2).sum()
    return (y - y[known].mean() - slope * (x - x[known].mean())).where(known)


def graph_links(graphs: dict[str, Graph]) -> pd.DataFrame:
    """List the links of several graphs in one table.

    Parameters
    ----------
    graphs : dict of str to libpysal.graph.Graph
        At least one; for instance :func:`geo_cdei.analysis.graphs.sensitivity_graphs`.

    Returns
    -------
    pandas.DataFrame of shape (n_links, 4)
        Columns :data:`geo_cdei.columns.GRAPH_LINKS`, the weight as the graph has it. A city without a neighbor
        has no row.

    Examples
    --------
    >>> from libpysal.graph import Graph
    >>> graph_links({"line": Graph.from_arrays(["a", "b", "c"], ["b", "a", "c"], [1, 1, 0])})
      graph focal neighbor  weight
    0  line     a        b       1
    1  line     b        a       1
    """
    parts = []
    for name, graph in graphs.items():
        links = graph.adjacency[graph.adjacency != 0].rename("weight").reset_index()
        links.insert(0, "graph", name)
        parts.append(links)
    return (
        pd.concat(parts, ignore_index=True)[list(GRAPH_LINKS)] if parts else pd.DataFrame(columns=list(GRAPH_LINKS))
    )
