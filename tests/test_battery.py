"""Every statistic runs the battery of tests/battery_checks.py; a new one is an entry in battery_statistics.py."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from battery_checks import CHECKS, check_statistic, checks_of
from battery_statistics import STATISTICS

PLACES_ONLY = {"nearest pole", "corridor lines", "distance to the nearest core"}  # no value enters
HERE = Path(__file__).parent
NO_STATISTICS = {
    "composite": "indexes of indicators: tests/test_composite.py",
    "editions": "differences of two tables: tests/test_editions.py",
    "transfer": "moves values between areas: tests/test_transfer.py",
    "transitions": "counts of classes: tests/test_editions.py",
    "regionalisation": "regions by another library: tests/test_levels.py",
    "measures": "the statistics of the battery over many columns: tests/test_measures.py",
    "belts": "polygons around lines, and the distance to the sea: tests/test_corridors_shapes.py",
    "corridor_verdicts": "a rule applied to a table of tests: tests/test_corridors_claims.py",
    "graphs": "makes the graphs that the statistics read: tests/test_graphs.py",
    "partitions": "makes the random partitions that the statistics read: tests/test_regions.py",
    "patterns": "sets tables of other steps side by side: tests/test_patterns.py",
    "pole_facts": "gathers tables for a text: tests/test_poles_statement.py",
    "poles": "lists who may be a candidate: tests/test_poles.py",
    "reproduction": "sets printed numbers beside computed ones: tests/test_scoring.py",
    "scenarios": "names weights and memberships: tests/test_scenarios.py",
    "spillover_layers": "geometry of results for maps: tests/test_spillovers_reach.py",
}
FUNCTIONS = {
    "global_tests": "the three global tests, as each alone: tests/test_autocorrelation.py",
    "vary_interaction": "build_interaction several times: tests/test_corridors.py",
    "compare_weightings": "sets printed scores beside computed ones: tests/test_scoring.py",
    "moran_quadrant": "names signs: tests/test_autocorrelation.py",
    "theil_parts": "arrays inside decompose_inequality", "dagum_parts": "arrays inside decompose_inequality",
    "chosen_k": "reads a cell of break_table", "halo_classes": "picks rows of core_halos",
    "model_columns": "takes columns by name: tests/test_spillovers_models.py",
    "missing_reasons": "words: tests/test_spillovers_models.py",
    "core_cities": "words: tests/test_spillovers_models.py",
    "core_km": "distances: inside nearest_core_km", "central_weights": "picks columns of rank_acceptability",
    "pair_table": "picks columns of rank_acceptability", "catchment_table": "sums of nearest_pole",
    "acceptability_variants": "rank_acceptability several times: tests/test_poles_ranking.py",
    "criteria_correlations": "rank correlations: tests/test_poles_ranking.py",
    "deciding_criteria": "differences of rank_poles: tests/test_poles_ranking.py",
    "ridge_agreement": "lengths of lines near lines: tests/test_corridors_shapes.py",
}  # fmt: skip
PAIRS = [(statistic, check) for statistic in STATISTICS for check in checks_of(statistic)]


@pytest.mark.parametrize(("statistic", "check"), PAIRS, ids=[f"{s.name}: {check}" for s, check in PAIRS])
def test_battery(statistic, check):
    """Every check on every statistic."""
    CHECKS[check](statistic)


def test_every_statistic_has_fourteen_checks_or_says_why_not():
    """What is run and what is skipped make up all checks; few are skipped."""
    few = {statistic.name: len(checks_of(statistic)) for statistic in STATISTICS if len(checks_of(statistic)) < 14}
    assert not few or set(few) <= PLACES_ONLY, few


def test_a_skip_needs_a_reason_and_the_name_of_a_check():
    """A skip in silence, and one of a check that does not exist, are errors."""
    for skips in ({"scale": ""}, {"scales": "a reason that is long enough"}):
        with pytest.raises(ValueError, match="are no checks, or a reason is missing"):
            checks_of(replace(STATISTICS[0], skips=skips))


def test_the_battery_finds_a_statistic_that_follows_the_order_of_rows():
    """A planted fault: the first row counts double."""
    planted = replace(
        STATISTICS[0], name="planted", call=lambda w, _: pd.DataFrame({"I": [w.y.iloc[0] + w.y.mean()]})
    )
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        check_statistic(planted)


def test_every_public_function_of_the_analyses_is_in_the_battery_or_says_why_not():
    """A statistic that is added and not registered fails here."""
    used = (HERE / "battery_statistics.py").read_text() + (HERE / "battery_calls.py").read_text()
    forgotten = []
    for path in sorted((HERE.parent / "geo_cdei" / "analysis").glob("*.py")):
        names = [node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)]
        public = [name for name in names if not name.startswith("_")] if path.stem not in NO_STATISTICS else []
        forgotten += [f"{path.stem}.{name}" for name in public if name not in FUNCTIONS and f"{name}" not in used]
    assert not forgotten
