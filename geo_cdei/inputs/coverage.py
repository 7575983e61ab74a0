"""What is wrong with a layer of polygons, unit by unit, before anything is measured with it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from geo_cdei._geodesy import EQUAL_AREA
from geo_cdei.columns import BOUNDARY_FAULTS
from geo_cdei.errors import BoundaryFaultsError

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy.typing as npt

    Shapes = npt.NDArray[np.object_]

__all__ = ["find_layer_faults", "raise_layer_faults", "repair_shapes"]

SLIVER_M = 200.0  # a gap narrower than this is a border drawn twice; a wider one may be a lake or land left out
OVERLAP_KM2 = 1e-4  # 100 m2: what two drawings of one border differ by after a change of coordinates
SHOWN = 200


def find_layer_faults(layer: gpd.GeoDataFrame) -> pd.DataFrame:
    """List every fault of a layer.

    Parameters
    ----------
    layer : geopandas.GeoDataFrame
        ``adcode`` and ``name`` as columns, polygons in the CRS that they were drawn in: in another one straight
        borders with different vertices would no longer lie on each other.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`geo_cdei.columns.BOUNDARY_FAULTS`, in the order of the units. ``severity`` is ``error`` for
        what makes answers wrong (no code, the same code or polygon twice, no polygon, an invalid one, one across the
        antimeridian, an overlap, a sliver between two units) and ``notice`` for what may be so in truth (a wide hole)
        or costs only the shared border (one that its neighbor draws otherwise).

    Notes
    -----
    Areas are on an equal-area plane. A hole of the union is a ``sliver`` where twice its area by its perimeter is
    below 200 m. Overlaps below 100 m² are passed over.

    Examples
    --------
    >>> import geopandas as gpd
    >>> shapes = shapely.from_wkt(["POLYGON ((105 30, 106 31, 106 30, 105 31, 105 30))", "POLYGON EMPTY"])
    >>> layer = gpd.GeoDataFrame({"adcode": ["a", "b"], "name": ["A", "B"]}, geometry=shapes, crs=4326)
    >>> find_layer_faults(layer)[["adcode", "fault"]].to_numpy().tolist()
    [['a', 'invalid'], ['b', 'empty']]
    """
    shapes = layer.geometry.to_numpy()
    rows = [*_code_faults(layer), *_shape_faults(layer, shapes)]
    broken = {row["place"] for row in rows if row["fault"] in ("empty", "no polygon", "invalid", "antimeridian")}
    sound = np.array([place for place in range(len(layer)) if place not in broken], dtype=np.int64)
    twice = _same_polygons(layer, shapes, sound)
    rows += twice
    alone = np.setdiff1d(sound, [row["place"] for row in twice])
    if len(alone) > 1:
        rows += _coverage_faults(layer, alone)
    table = pd.DataFrame(rows, columns=["place", *BOUNDARY_FAULTS]).sort_values("place", kind="stable")
    return table[list(BOUNDARY_FAULTS)].reset_index(drop=True)


def raise_layer_faults(faults: pd.DataFrame, *, name: str, units: int) -> None:
    """Raise one error that lists every fault that makes answers wrong; return quietly when there is none.

    Parameters
    ----------
    faults : pandas.DataFrame
        From :func:`find_layer_faults`.
    name : str
        Name of the file.
    units : int
        Number of units of the layer.

    Raises
    ------
    BoundaryFaultsError
        With the whole table in ``table``.
    """
    bad = faults[faults["severity"] == "error"]
    if bad.empty:
        return
    lines = [f"  {line}" for line in describe_faults(bad.head(SHOWN))]
    more = [f"  ... and {len(bad) - SHOWN} more"] if len(bad) > SHOWN else []
    raise BoundaryFaultsError(
        "\n".join(
            [
                f"{name}: {len(bad)} fault{'s' * (len(bad) > 1)} in {bad['adcode'].nunique()} of {units} units "
                "(geo-cdei run writes them to data/derived/boundary_faults.csv).",
                *lines,
                *more,
                "Mend them in a GIS. boundaries.repair = true mends invalid polygons, and lets overlaps and slivers "
                "stand with a notice; nothing else is mended.",
            ]
        ),
        table=faults,
    )


def repair_shapes(layer: gpd.GeoDataFrame, faults: pd.DataFrame) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Make invalid polygons valid, and let overlaps and slivers stand; say both in the table.

    Parameters
    ----------
    layer : geopandas.GeoDataFrame
        As for :func:`find_layer_faults`.
    faults : pandas.DataFrame
        Its faults.

    Returns
    -------
    layer : geopandas.GeoDataFrame
        With valid polygons where there were invalid ones.
    faults : pandas.DataFrame
        The faults of the mended layer, with a row ``repaired`` for each polygon and the change of its area.
    """
    shapes = layer.geometry.to_numpy().copy()
    invalid = np.flatnonzero(layer["adcode"].isin(faults.loc[faults["fault"] == "invalid", "adcode"]))
    done = []
    for place in invalid:
        before = shapes[place]
        if before is None or shapely.is_valid(before):
            continue
        shapes[place] = _polygons_of(shapely.make_valid(before, method="structure", keep_collapsed=False))
        before_m2, after_m2 = shapely.area(_on_plane(layer, np.array([before, shapes[place]], dtype=object)))
        done.append(
            _row(
                layer,
                place,
                "repaired",
                area_km2=(after_m2 - before_m2) / 1e6,
                detail=shapely.is_valid_reason(before),
            )
        )
    mended = layer.set_geometry(shapes, crs=layer.crs)
    left = find_layer_faults(mended)
    standing = left["fault"].isin(["overlap", "sliver"])
    left.loc[standing, "severity"] = "notice"
    table = pd.DataFrame(done, columns=["place", *BOUNDARY_FAULTS])[list(BOUNDARY_FAULTS)]
    return mended, pd.concat([table, left], ignore_index=True) if len(table) else left


def describe_faults(faults: pd.DataFrame) -> list[str]:
    """Write each fault as one line.

    Parameters
    ----------
    faults : pandas.DataFrame
        From :func:`find_layer_faults`.

    Returns
    -------
    list of str
        Code, name, fault, the other unit, area, detail.
    """
    lines = []
    for row in faults.to_dict("records"):
        other = f" with {row['other']}" if row["other"] else ""
        area = f" ({row['area_km2']:.4g} km2)" if row["area_km2"] == row["area_km2"] else ""
        detail = f": {row['detail']}" if row["detail"] else ""
        lines.append(f"{row['adcode'] or '(no code)'} {row['name']}: {row['fault']}{other}{area}{detail}")
    return lines


def _row(
    layer: gpd.GeoDataFrame,
    place: int | np.integer[Any],
    fault: str,
    *,
    other: str = "",
    area_km2: float = np.nan,
    detail: str = "",
) -> dict[str, Any]:
    severity = "notice" if fault in ("hole", "border", "repaired") else "error"
    code, name = layer["adcode"].iloc[place], layer["name"].iloc[place]
    return {
        "place": int(place), "adcode": code, "name": name, "fault": fault, "other": other, "area_km2": area_km2,
        "detail": detail, "severity": severity,
    }  # fmt: skip


def _code_faults(layer: gpd.GeoDataFrame) -> list[dict[str, Any]]:
    codes = layer["adcode"]
    rows = [_row(layer, place, "no code") for place in np.flatnonzero(codes == "")]
    for _, places in pd.Series(range(len(layer))).groupby(codes.to_numpy(), sort=False):
        if len(places) > 1 and codes.iloc[places.iloc[0]] != "":
            names = layer["name"].iloc[places].tolist()
            said = f"stands {len(places)} times: {', '.join(map(str, names))}"
            rows.append(_row(layer, places.iloc[0], "code twice", detail=said))
    return rows


def _shape_faults(layer: gpd.GeoDataFrame, shapes: Shapes) -> list[dict[str, Any]]:
    rows = []
    absent = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    polygonal = np.isin(shapely.get_type_id(shapes), (3, 6))
    bounds = shapely.bounds(shapes)
    wide = (bounds[:, 2] - bounds[:, 0] > 180) | (np.abs(bounds[:, [0, 2]]) > 180).any(axis=1)
    wide &= bool(layer.crs.is_geographic) & (np.abs(bounds) <= 360).all(axis=1)
    valid = shapely.is_valid(shapes)
    for place in range(len(layer)):
        if absent[place]:
            rows.append(_row(layer, place, "empty", detail="it has no geometry"))
        elif not polygonal[place]:
            rows.append(_row(layer, place, "no polygon", detail=f"it is a {shapes[place].geom_type}"))
        elif wide[place]:
            west, east = bounds[place, 0], bounds[place, 2]
            said = f"it reaches from {west:g} to {east:g} degrees east; cut it at 180 degrees"
            rows.append(_row(layer, place, "antimeridian", detail=said))
        elif not valid[place]:
            rows.append(_row(layer, place, "invalid", detail=shapely.is_valid_reason(shapes[place])))
    return rows


def _same_polygons(layer: gpd.GeoDataFrame, shapes: Shapes, sound: npt.NDArray[np.int64]) -> list[dict[str, Any]]:
    keys = pd.Series(shapely.to_wkb(shapely.normalize(shapes[sound])), index=sound)
    rows = []
    for _, places in keys.groupby(keys, sort=False).groups.items():
        first, *others = sorted(places)
        rows += [_row(layer, other, "polygon twice", other=_label(layer, [first])) for other in others]
    return rows


def _coverage_faults(layer: gpd.GeoDataFrame, sound: npt.NDArray[np.int64]) -> list[dict[str, Any]]:
    """Overlaps, gaps and borders that do not match, among valid polygons that stand once."""
    plane = layer.geometry.to_numpy()[sound]
    edges = shapely.coverage_invalid_edges(plane)
    odd = np.flatnonzero(~shapely.is_empty(edges))
    overlaps = _overlaps(layer, plane, sound, odd)
    gaps = _gaps(layer, plane, sound)
    told = {row["place"] for row in (*overlaps, *gaps)} | {row["second"] for row in overlaps}
    borders = [
        _row(layer, sound[at], "border", detail="the neighbor draws a part of it otherwise: contiguity may miss it")
        for at in odd if sound[at] not in told
    ]  # fmt: skip
    return [*overlaps, *gaps, *borders]


def _overlaps(
    layer: gpd.GeoDataFrame, plane: Shapes, sound: npt.NDArray[np.int64], odd: npt.NDArray[np.int64]
) -> list[dict[str, Any]]:
    first, second = shapely.STRtree(plane).query(plane[odd], predicate="intersects")
    first = odd[first]
    one = np.minimum(first, second) * len(plane) + np.maximum(first, second)
    pairs = np.unique(one[first != second])
    a, b = pairs // len(plane), pairs % len(plane)
    km2 = shapely.area(_on_plane(layer, shapely.intersection(plane[a], plane[b]))) / 1e6
    return [
        _row(layer, sound[i], "overlap", other=_label(layer, [sound[j]]), area_km2=size) | {"second": int(sound[j])}
        for i, j, size in zip(a, b, km2, strict=True)
        if size > OVERLAP_KM2
    ]


def _gaps(layer: gpd.GeoDataFrame, plane: Shapes, sound: npt.NDArray[np.int64]) -> list[dict[str, Any]]:
    """Find the holes of the union, and the units around each."""
    parts = shapely.get_parts(shapely.union_all(plane))
    rings = [ring for part in parts for ring in part.interiors]
    holes = shapely.polygons(rings) if rings else np.array([], dtype=object)
    rows = []
    tree = shapely.STRtree(plane)
    for hole, real in zip(holes, _on_plane(layer, holes), strict=True):
        near = np.sort(tree.query(hole, predicate="intersects"))
        around = near[shapely.length(shapely.intersection(plane[near], hole)) > 0]  # a corner is no border
        width = 2 * real.area / real.length
        kind = "sliver" if width < SLIVER_M and len(around) > 1 else "hole"
        rows.append(_row(layer, sound[around[0]], kind, other=_label(layer, sound[around[1:]]),
                         area_km2=real.area / 1e6, detail=f"a gap of about {width:.3g} m in width"))  # fmt: skip
    return rows


def _label(layer: gpd.GeoDataFrame, places: Iterable[int]) -> str:
    each = [f"{layer['adcode'].iloc[place]} {layer['name'].iloc[place]}" for place in places]
    return ", ".join(each[:4]) + (f" and {len(each) - 4} more" if len(each) > 4 else "")


def _polygons_of(shape: Any) -> Any:
    """Keep the polygons of a repaired shape; lines and points that a bow-tie left behind have no area."""
    parts = shapely.get_parts(shape)
    kept = parts[shapely.get_type_id(parts) == 3]
    return kept[0] if len(kept) == 1 else shapely.multipolygons(kept)


def _on_plane(layer: gpd.GeoDataFrame, shapes: Shapes) -> Shapes:
    import geopandas as gpd

    return np.asarray(gpd.GeoSeries(shapes, crs=layer.crs).to_crs(EQUAL_AREA).to_numpy(), dtype=object)
