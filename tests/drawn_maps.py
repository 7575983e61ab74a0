"""Tables, recipes and drawn maps for the tests of printed maps."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd

from geo_cdei.outputs.fonts import choose_fonts
from geo_cdei.outputs.recipe_maps import country_plane
from geo_cdei.outputs.recipes import Recipe

SCORES = {
    "name": "scores", "title": {"zh": "城市得分", "en": "Scores"}, "legend": {"zh": "得分", "en": "Score"},
    "table": "cities", "column": "score", "kind": "graduated",
}  # fmt: skip


def recipe(**changes) -> Recipe:
    """Give the recipe of the scores with some keys changed."""
    return Recipe.model_validate(SCORES | changes)


def with_tests(analysis):
    """Add made-up tables of local statistics: every class of the legend occurs but the two rare ones."""
    cities = analysis.tables["cities"]
    n = np.arange(len(cities))
    flags = {"significant": n % 3 == 0, "significant_fdr": n % 9 == 0}
    lisa = pd.DataFrame(
        {"z": n / 100, "lag": 0.5, "quadrant": np.array(["HH", "LL", "LH", "HL"])[n % 4], "p_sim": 0.04, **flags}
        | {"stability": np.where(n % 27 == 0, 0.2, 1.0)},
        index=cities.index,
    )
    getis = pd.DataFrame(
        {"z": 1.0, "spot": np.where(n % 2, "hot", "cold"), "p_sim": 0.03, **flags}, index=cities.index
    )
    starred = pd.concat([getis.assign(statistic="Gi*"), getis.assign(statistic="Gi", spot="hot")])
    return dataclasses.replace(analysis, tables={**analysis.tables, "lisa": lisa, "getis": starred})


def sheet_of(analysis, *, plane=None, lang="en", focus=None, **changes):
    """Give the sheet of a recipe, not yet drawn."""
    from geo_cdei.outputs.recipe_maps import _in_language, _sheet

    ground = plane or country_plane(analysis)
    return _sheet(recipe(**changes), _in_language(analysis, lang), focus, ground)


def drawn(sheet):
    """Draw a sheet with the fonts of this system."""
    from geo_cdei.outputs.figures import characters, draw

    lang = sheet.meta.lang
    return draw(sheet, choose_fonts({lang: characters(sheet)}.get, lang=lang, insist=True))
