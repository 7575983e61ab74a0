"""City scores, city clusters and growth poles of China: tested patterns, offline maps and tables.

Everything is imported when it is first used, so that ``import geo_cdei`` costs nothing.

Examples
--------
>>> import geo_cdei
>>> settings = geo_cdei.Settings()
>>> settings.scores.weights
'gdp_2019'
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "Analysis": "results",
    "GeoCdeiError": "errors",
    "GlobalMoran": "results",
    "Settings": "config",
    "Workspace": "workspace",
    "apply_overrides": "inputs.overrides",
    "assign_files": "inputs.point_sums",
    "assign_points": "inputs.points",
    "build_graph": "analysis.graphs",
    "build_members": "inputs.clusters",
    "build_pages": "outputs.pages",
    "build_report": "outputs.report.build",
    "check": "studies",
    "compare_editions": "analysis.editions",
    "connect_isolates": "analysis.graphs",
    "decompose_inequality": "analysis.inequality",
    "dissolve_clusters": "inputs.clusters",
    "draw_map": "studies",
    "find_layer_faults": "inputs.coverage",
    "find_points": "inputs.point_files",
    "find_regions": "analysis.regionalisation",
    "getis_ord": "analysis.hotspots",
    "global_moran": "analysis.global_autocorrelation",
    "indicator_weights": "analysis.composite",
    "init": "studies",
    "join_cities": "inputs.cities",
    "lisa_transitions": "analysis.transitions",
    "local_moran": "analysis.autocorrelation",
    "markov": "analysis.transitions",
    "match_cities": "inputs.cities",
    "open_study": "workspace",
    "rank_mobility": "analysis.editions",
    "read_boundaries": "inputs.boundaries",
    "read_run": "outputs.reload",
    "read_settings": "config",
    "read_table": "inputs.sources",
    "repeat_run": "repeat",
    "reproduce": "analysis.reproduction",
    "run_study": "studies",
    "scale_indicators": "analysis.composite",
    "score_clusters": "analysis.scoring",
    "spatial_markov": "analysis.transitions",
    "transfer_areas": "analysis.transfer",
}

__all__ = [
    "Analysis",
    "GeoCdeiError",
    "GlobalMoran",
    "Settings",
    "Workspace",
    "__version__",
    "apply_overrides",
    "assign_files",
    "assign_points",
    "build_graph",
    "build_members",
    "build_pages",
    "build_report",
    "check",
    "compare_editions",
    "connect_isolates",
    "decompose_inequality",
    "dissolve_clusters",
    "draw_map",
    "find_layer_faults",
    "find_points",
    "find_regions",
    "getis_ord",
    "global_moran",
    "indicator_weights",
    "init",
    "join_cities",
    "lisa_transitions",
    "local_moran",
    "markov",
    "match_cities",
    "open_study",
    "rank_mobility",
    "read_boundaries",
    "read_run",
    "read_settings",
    "read_table",
    "repeat_run",
    "reproduce",
    "run_study",
    "scale_indicators",
    "score_clusters",
    "spatial_markov",
    "transfer_areas",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'geo_cdei' has no attribute {name!r}")
    found = getattr(importlib.import_module(f"geo_cdei.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
