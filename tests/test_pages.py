"""What the pages of a run say, and that it is what the tables say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from geo_cdei.config import Settings
from geo_cdei.outputs.lisa_page import lisa_classes, spot_classes
from geo_cdei.outputs.page_meta import page_meta
from geo_cdei.outputs.pages import build_pages, weighting_notes
from geo_cdei.pipeline import run
from geo_cdei.results import Analysis
from geo_cdei.workspace import Workspace, default_study


@pytest.fixture(scope="module")
def patterned() -> Analysis:
    """Run the default study up to the roles of the clusters."""
    return run(Workspace(default_study()), Settings(), only=["pattern"])


@pytest.fixture
def lisa() -> pd.DataFrame:
    """Five cities: stable, unstable, not significant, isolate, without a value."""
    nan = np.nan
    return pd.DataFrame(
        {
            "z": [1.0, 1.0, 1.0, 1.0, nan],
            "lag": [1.0, -1.0, 1.0, nan, 1.0],
            "quadrant": ["HH", "HL", "HH", None, None],
            "p_sim": [0.01, 0.01, 0.5, nan, nan],
            "significant": [True, True, False, False, False],
            "stability": [5 / 7, 4 / 7, 1.0, nan, nan],
        },
        index=list("abcde"),
    )


def test_a_significant_city_shows_its_quadrant_when_five_of_seven_graphs_agree(lisa):
    assert lisa_classes(lisa, "significant")["a"] == "HH"


def test_a_significant_city_that_four_of_seven_graphs_give_is_shown_apart(lisa):
    assert lisa_classes(lisa, "significant")["b"] == "unstable"


def test_a_city_that_is_not_significant_has_no_quadrant_on_the_map(lisa):
    assert lisa_classes(lisa, "significant")["c"] == "ns"


def test_an_isolate_and_an_untested_city_are_never_called_not_significant(lisa):
    assert lisa_classes(lisa, "significant")[["d", "e"]].tolist() == ["isolate", "undefined"]


def test_a_hot_spot_is_hot_only_where_its_flag_says_so():
    getis = pd.DataFrame(
        {"spot": ["hot", "cold", "hot"], "p_sim": [0.01, 0.01, np.nan], "significant": [True, False, False],
         "significant_fdr": [False, False, False]}, index=list("abc"),
    )  # fmt: skip
    assert spot_classes(getis)["significant"].tolist() == ["hot", "ns", "undefined"]


def test_the_classes_of_the_map_add_up_to_the_scored_cities(patterned):
    counts = lisa_classes(patterned.tables["lisa"], "significant").value_counts()
    assert counts.sum() == 242


def test_every_page_of_the_default_study_is_drawn_from_its_table(patterned):
    assert list(build_pages(patterned)) == ["scores", "lisa", "pattern", "atlas"]


def test_the_page_gives_the_moran_of_the_table(patterned):
    moran = patterned.tables["moran"].query("statistic == 'moran' and variable == 'score' and graph == 'knn6'")
    assert f"I = {moran['value'].iloc[0]:.3f}" in build_pages(patterned)["lisa"].html


def test_the_notes_give_the_error_of_the_inferred_weighting(patterned):
    rmse = patterned.tables["weighting"].query("weights == 'gdp_2019'")["rmse"].iloc[0]
    assert f"{rmse:.2f}" in weighting_notes(patterned)[0]


def test_the_notes_compare_a_weighted_nation_with_weighted_clusters(patterned):
    assert "66.3" in weighting_notes(patterned)[1]
    assert "53.4" in weighting_notes(patterned)[1]


def test_a_page_without_an_approval_number_says_that_it_is_a_sketch(patterned):
    assert "示意图（未送审）" in page_meta(patterned).notices()


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_pages_are_drawn_in_both_languages(patterned, lang):
    from dataclasses import replace

    study = patterned.settings.study.model_copy(update={"language": lang})
    spoken = replace(patterned, settings=patterned.settings.model_copy(update={"study": study}))
    assert f'<html lang="{"zh-CN" if lang == "zh" else "en"}"' in build_pages(spoken)["pattern"].html
