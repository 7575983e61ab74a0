"""Styles of layers as files of other programs: QML for QGIS, SLD 1.0 for QGIS, GeoServer and others."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Literal

from geo_cdei.outputs._escape import text

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["LayerStyle", "Look", "StyleClass", "qml", "sld"]

MM_PER_PIXEL = 0.26
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Look:
    """Colour of the area (empty for none), colour, width in pixels and dashes of the line, and opacity."""

    fill: str = ""
    line: str = "#8a949c"
    width_px: float = 0.5
    dash: str = ""
    opacity: float = 1.0

    @property
    def width_mm(self) -> float:
        """Width of the line on paper."""
        return round(self.width_px * MM_PER_PIXEL, 3)


@dataclass(frozen=True, slots=True)
class StyleClass:
    """One class: its label and look, and its value, or its bounds, of which the upper one is included."""

    label: str
    look: Look
    value: str = ""
    lower: float = 0.0
    upper: float = 0.0


@dataclass(frozen=True, slots=True)
class LayerStyle:
    """A way to draw a layer.

    Parameters
    ----------
    layer, name : str
        ASCII names of the layer and of the style.
    title : str
        What a reader sees.
    kind : {"polygon", "line"}
        Geometry of the layer.
    renderer : {"single", "categorized", "graduated"}
        Whether all rows look alike, or by names, or by intervals of a number.
    classes : tuple of StyleClass
        In the order of the legend.
    column : str
        The column that decides; empty where all rows look alike.
    is_default : bool
        Whether the layer is drawn so unless told.
    """

    layer: str
    name: str
    title: str
    kind: Literal["polygon", "line"]
    renderer: Literal["single", "categorized", "graduated"]
    classes: tuple[StyleClass, ...]
    column: str = ""
    is_default: bool = True

    def with_column(self, column: str) -> LayerStyle:
        """Give the same style for a file in which the column has another name."""
        return replace(self, column=column)


def qml(style: LayerStyle) -> str:
    """Write a style as QGIS reads it.

    Parameters
    ----------
    style : LayerStyle
        The style.

    Returns
    -------
    str
        XML with the symbology of one layer, QGIS 3.22 or later.

    Examples
    --------
    >>> style = LayerStyle("provinces", "outline", "Provinces", "line", "single", (StyleClass("", Look()),))
    >>> 'type="singleSymbol"' in qml(style)
    True
    """
    return _written("style.qml.jinja", style)


def sld(style: LayerStyle) -> str:
    """Write a style as SLD 1.0.

    Parameters
    ----------
    style : LayerStyle
        The style.

    Returns
    -------
    str
        XML with one named layer, one user style and one rule per class.

    References
    ----------
    Open Geospatial Consortium (2002). Styled Layer Descriptor Implementation Specification, 02-070.

    Examples
    --------
    >>> style = LayerStyle("provinces", "outline", "Provinces", "line", "single", (StyleClass("", Look()),))
    >>> "<LineSymbolizer>" in sld(style)
    True
    """
    return _written("style.sld.jinja", style)


def _written(template: str, style: LayerStyle) -> str:
    fields = {name: getattr(style, name) for name in LayerStyle.__slots__}
    return _environment().get_template(template).render(fields)


@cache
def _environment() -> Environment:
    from jinja2 import DictLoader, Environment, StrictUndefined
    from markupsafe import Markup

    def finish(value: object) -> object:
        """Pass every text through the one door, without what XML cannot hold; macros have passed it."""
        return value if hasattr(value, "__html__") else Markup(text(_NOT_XML.sub("", str(value))))

    folder = resources.files("geo_cdei.outputs") / "assets"
    names = ("style.qml.jinja", "style.sld.jinja")
    sources = {name: (folder / name).read_text(encoding="utf-8") for name in names}
    made = Environment(
        loader=DictLoader(sources), undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True,
        finalize=finish,
    )  # fmt: skip
    made.filters["rgba"] = _rgba
    return made


def _rgba(colour: str) -> str:
    """Write ``#rrggbb`` as QGIS does; no colour is white."""
    digits = (colour or "#ffffff").lstrip("#")
    return ",".join(str(int(digits[place : place + 2], 16)) for place in (0, 2, 4)) + ",255"
