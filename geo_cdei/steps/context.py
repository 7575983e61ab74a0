"""What the steps of one run share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from geo_cdei.config import Settings
from geo_cdei.results import Notice
from geo_cdei.steps.joining import Joined
from geo_cdei.steps.scores import Scored
from geo_cdei.workspace import Workspace

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy as np
    import numpy.typing as npt
    from libpysal.graph import Graph

__all__ = ["VARIABLES", "Context"]

VARIABLES = ("score", "scale_2020", "gdp_2019", "population")
LARGE = 1000  # cities beyond which what only supports a result is drawn less often; the tables say how often


@dataclass(slots=True)
class Context:
    """What a run knows so far; it lives for one run and is never shared."""

    workspace: Workspace
    settings: Settings
    joined: Joined
    scored: Scored
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    layers: dict[str, gpd.GeoDataFrame] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)
    graphs: dict[str, Graph] = field(default_factory=dict)
    base_graph: str = ""
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    partitions: pd.DataFrame | None = None
    distances: npt.NDArray[np.float64] | None = None

    @property
    def seed(self) -> int:
        """Where every random draw of the run starts."""
        return self.settings.inference.seed

    @property
    def is_large(self) -> bool:
        """Whether the study has so many cities that supporting draws are fewer."""
        return len(self.scored.cities) > LARGE

    def city_km(self) -> npt.NDArray[np.float64]:
        """Distances between every two scored cities, measured once for all steps."""
        from geo_cdei._geodesy import pairwise_km
        from geo_cdei.analysis.graphs import city_points

        if self.distances is None:
            self.distances = pairwise_km(*city_points(self.scored.cities))
            self.distances.flags.writeable = False  # several steps look at it
        return self.distances

    def supporting(self, draws: int) -> int:
        """Say how many draws a test has that only supports the main one: fewer in a large study."""
        return min(draws, 999) if self.is_large else draws

    def skip(self, step: str, reason: str) -> None:
        """Keep the reason why a step gives nothing."""
        self.notices.append(Notice(step, f"skipped: {reason}"))
