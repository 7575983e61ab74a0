"""The maps of the recipes as a report carries them: no larger than paper needs."""

from __future__ import annotations

import io
from collections.abc import Mapping

__all__ = ["PLACED", "fit_pictures"]

#: Recipes whose maps have a place in the report, where the study has them.
PLACED = ("clusters", "scores", "lisa", "pattern")
_WIDTH, _COLOURS = 1700, 200  # some 260 dots to the inch on a page


def fit_pictures(drawn: Mapping[str, bytes]) -> dict[str, bytes]:
    """Reduce the maps that the report places.

    Parameters
    ----------
    drawn : mapping of str to bytes
        PNG by the name of the recipe.

    Returns
    -------
    dict of str to bytes
        PNG of the same maps; equal for equal input.
    """
    return {name: _fitted(drawn[name]) for name in PLACED if name in drawn}


def _fitted(png: bytes) -> bytes:
    from PIL import Image
    from PIL.PngImagePlugin import PngImageFile

    with PngImageFile(io.BytesIO(png)) as picture:
        whole = picture.convert("RGB")
    if whole.width > _WIDTH:
        size = (_WIDTH, round(whole.height * _WIDTH / whole.width))
        whole = whole.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    stream = io.BytesIO()
    whole.quantize(_COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(stream, "PNG")
    return stream.getvalue()
