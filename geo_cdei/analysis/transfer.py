"""Values of one layer carried over to another by shared area."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from importlib import util
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from .._geodesy import EQUAL_AREA
from ..errors import GeoCdeiWarning, StatisticError

if TYPE_CHECKING:
    import geopandas as gpd

__all__ = ["transfer_areas"]

WHOLE = 1e-6  # share of a unit that rounding may leave uncovered


def transfer_areas(
    source: gpd.GeoDataFrame,
    target: gpd.GeoDataFrame,
    *,
    extensive: Sequence[str] = (),
    intensive: Sequence[str] = (),
    min_covered: float = 0.99,
) -> pd.DataFrame:
    """Carry columns from one layer of polygons to another, in proportion to shared area.

    Parameters
    ----------
    source : geopandas.GeoDataFrame of shape (n_source,)
        Polygons with a CRS and the columns.
    target : geopandas.GeoDataFrame of shape (n_target,)
        Polygons with a CRS, indexed by what the result is to be indexed by.
    extensive : sequence of str
        Columns that are sums (persons, money): divided among the targets by area.
    intensive : sequence of str
        Columns that are means (points, shares): averaged with the shared areas as weights.
    min_covered : float, default 0.99
        Share of a target's area that sources with a value must cover; below it the target has no value.

    Returns
    -------
    pandas.DataFrame of shape (n_target, any)
        Indexed as `target`: the columns, and ``covered``, the share of its area that sources cover.

    Raises
    ------
    StatisticError
        If the library is not installed, a layer has no CRS, an invalid or empty polygon or overlaps itself, a column
        is not there or not numeric, or stands in both lists.

    Warns
    -----
    GeoCdeiWarning
        If a part of the sources lies outside every target, so that sums do not come over whole.

    Notes
    -----
    Areas are on an equal-area plane. A source without a value is no area with the value 0: the targets that it covers
    lose that coverage. The values are assumed to be spread evenly inside each source.

    References
    ----------
    Goodchild, M. F. and Lam, N. S.-N. (1980). Geo-Processing, 1, 297-312. Computed by tobler (PySAL).

    Examples
    --------
    >>> import geopandas as gpd
    >>> new = gpd.GeoDataFrame(geometry=shapely.box([105, 106], 30, [106, 108], 31), index=["x", "y"], crs=4326)
    >>> old = gpd.GeoDataFrame({"people": [90.0]}, geometry=[new.union_all()], index=["a"], crs=4326)
    >>> transfer_areas(old, new, extensive=["people"])["people"].round(0).tolist()
    [30.0, 60.0]
    """
    _check(source, target, extensive, intensive)
    origin, goal = source.to_crs(EQUAL_AREA), target.to_crs(EQUAL_AREA)
    _check_shapes(origin, "source")
    _check_shapes(goal, "target")
    whole = _shared(origin, goal)
    out = pd.DataFrame(index=target.index)
    for column in (*extensive, *intensive):
        known = origin[column].notna().to_numpy()
        covered = _shared(origin[known], goal) if not known.all() else whole
        enough = covered >= min_covered
        out[column] = _carried(origin[known], goal, column, sums=column in extensive) if known.any() else np.nan
        out[column] = out[column].where(enough)
    _tell_lost(origin, goal)
    return out.assign(covered=whole)


def _check(
    source: gpd.GeoDataFrame, target: gpd.GeoDataFrame, extensive: Sequence[str], intensive: Sequence[str]
) -> None:
    if util.find_spec("tobler") is None:
        raise StatisticError(
            "areas are carried over by the library tobler, which is not installed. Install the extra: "
            'pip install "geo-cdei[transfer]".'
        )
    for layer, what in ((source, "source"), (target, "target")):
        if layer.crs is None:
            raise StatisticError(f"the {what} layer has no CRS. Set it: without it areas mean nothing.")
    columns = [*extensive, *intensive]
    if not columns:
        raise StatisticError("no column was named. Give extensive or intensive columns.")
    doubled = sorted(set(extensive) & set(intensive))
    if doubled:
        raise StatisticError(f"{', '.join(doubled)} cannot be both a sum and a mean. Keep it in one list.")
    for column in columns:
        if column not in source.columns or not pd.api.types.is_numeric_dtype(source[column]):
            raise StatisticError(
                f"the source has no numeric column {column!r}; it has: {', '.join(map(str, source.columns))}."
            )


def _check_shapes(layer: gpd.GeoDataFrame, what: str) -> None:
    shapes = layer.geometry.to_numpy()
    bad = ~shapely.is_valid(shapes) | shapely.is_empty(shapes) | ~np.isin(shapely.get_type_id(shapes), (3, 6))
    if bad.any():
        first = layer.index[bad][0]
        raise StatisticError(
            f"{int(bad.sum())} of {len(layer)} shapes of the {what} are no valid polygons (first: {first})."
        )
    union = shapely.area(shapely.union_all(shapes))
    double = shapely.area(shapes).sum() / union - 1.0
    if double > WHOLE:
        raise StatisticError(
            f"the polygons of the {what} overlap: together they have {double:.3%} more area than their union. "
            "Values there would be counted twice. Mend the layer."
        )


def _shared(origin: gpd.GeoDataFrame, goal: gpd.GeoDataFrame) -> pd.Series[float]:
    """Share of each target's area that the sources cover."""
    shapes, own = goal.geometry.to_numpy(), origin.geometry.to_numpy()
    i, j = shapely.STRtree(own).query(shapes, predicate="intersects") if len(own) else (np.array([], int),) * 2
    area = shapely.area(shapely.intersection(shapes[i], own[j]))
    return pd.Series(np.bincount(i, area, minlength=len(goal)) / shapely.area(shapes), index=goal.index)


def _carried(origin: gpd.GeoDataFrame, goal: gpd.GeoDataFrame, column: str, *, sums: bool) -> pd.Series[float]:
    from tobler.area_weighted import area_interpolate

    found = area_interpolate(
        origin[[column, origin.geometry.name]].reset_index(drop=True),
        goal[[goal.geometry.name]].reset_index(drop=True),
        extensive_variables=[column] if sums else None,
        intensive_variables=None if sums else [column],
        allocate_total=False,
    )
    return pd.Series(found[column].to_numpy(dtype=float), index=goal.index)


def _tell_lost(origin: gpd.GeoDataFrame, goal: gpd.GeoDataFrame) -> None:
    inside = _shared(goal, origin)
    lost = inside < 1.0 - WHOLE
    if lost.any():
        warnings.warn(
            f"{int(lost.sum())} of {len(origin)} source units lie partly outside of every target (first: "
            f"{lost.index[lost.to_numpy()][0]}, {1 - inside[lost].iloc[0]:.2%} of it): what they hold there is not "
            "carried over",
            GeoCdeiWarning,
            stacklevel=3,
        )
