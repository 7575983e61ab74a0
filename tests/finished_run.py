"""A whole run of the default study, quick: every step and table, few draws, no pages, maps or reports."""

from __future__ import annotations

from pathlib import Path

from geo_cdei import studies
from geo_cdei.config import Settings, read_settings
from geo_cdei.workspace import create_study

FEW = {
    "scores": {"interval_draws": 100},
    "inference": {"permutations": 99, "partitions": 99},
    "pattern": {"region_draws": 99, "bootstrap_draws": 99, "gap_references": 99},
    "corridors": {"draws": 19, "grid_mass": ("scale_2020",), "grid_beta": (2.0,), "widths_km": (100.0,)},
    "spillovers": {"draws": 100, "peers": 19, "kinds": ("ols", "lag"), "huff_decay": (2.0,), "gravity_beta": (2.0,)},
    "poles": {"draws": 10_000},
    "outputs": {"formats": ("csv", "gpkg"), "maps": ()},
    "report": {"formats": ()},
}


def quick(settings: Settings, **outputs) -> Settings:
    """Give the settings with few draws and without pages and reports."""
    few = FEW | {"outputs": FEW["outputs"] | outputs}
    return settings.model_copy(
        update={name: getattr(settings, name).model_copy(update=keys) for name, keys in few.items()}
    )


def finish(folder: Path, **outputs) -> studies.Outcome:
    """Make the default study in a folder and run all of it."""
    study = create_study(folder)
    return studies.run_study(study, quick(read_settings(study.settings), **outputs))
