"""The atlas: map, Moran scatterplot, histogram and table with one selection, and panels beside them.

One page in two languages. The data are those of the tables (:mod:`geo_cdei.outputs.atlas_data`); the scripts of
``assets/atlas_*.js`` show and select, and test nothing.
"""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from geo_cdei.outputs.atlas_data import atlas_payload
from geo_cdei.results import Analysis

if TYPE_CHECKING:
    from geo_cdei.outputs.page import OfflineMap

__all__ = ["build_atlas"]

# in the order in which they are read; a panel's scripts stand before the start
SCRIPTS = (
    "dom",
    "atlas_core",
    "atlas_draw",
    "atlas_numbers",
    "atlas_map",
    "atlas_charts",
    "atlas_table",
    "atlas_frame",
)
STYLES = ("page", "atlas")

_SHELL = """
{% macro html(this, kwargs) %}
<script type="application/json" id="{{ this.get_name() }}">{{ this.payload }}</script>
{% endmacro %}
{% macro script(this, kwargs) %}
Atlas.start({{ this._parent.get_name() }}, "{{ this.get_name() }}");
{% endmacro %}
"""


def build_atlas(analysis: Analysis) -> OfflineMap:
    """Draw the page of linked views.

    Parameters
    ----------
    analysis : Analysis
        With the tables of the step ``autocorrelation``; layers and panels whose steps did not run are not on it.

    Returns
    -------
    OfflineMap
        The page; the same analysis gives the same bytes.

    Raises
    ------
    OutputError
        If a number is not finite or a text is missing.
    """
    from geo_cdei.outputs.maps import carried_page

    study = analysis.settings.study
    return carried_page(
        atlas_payload(analysis), title=study.title if study.language == "zh" else study.title_en,
        lang=study.language, shell=_SHELL, assets=((*SCRIPTS, *panel_files(".js")), (*STYLES, *panel_files(".css"))),
    )  # fmt: skip


def panel_files(ending: str) -> list[str]:
    """Name the scripts or style sheets of the panels, in the order of their tabs.

    Parameters
    ----------
    ending : {".js", ".css"}
        Which.

    Returns
    -------
    list of str
        Names of assets, without ending.
    """
    folder = resources.files("geo_cdei.outputs") / "assets"
    names = sorted(item.name.removesuffix(ending) for item in folder.iterdir() if item.name.endswith(ending))
    return [name for name in names if name.startswith("atlas_") and name not in SCRIPTS]
