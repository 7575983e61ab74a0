"""A layer of one's own as boundaries: read, brought to WGS84, checked unit by unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from geo_cdei._datum import gcj02_to_wgs84
from geo_cdei.config import Boundaries
from geo_cdei.errors import BoundaryError
from geo_cdei.inputs.coverage import describe_faults, find_layer_faults, raise_layer_faults, repair_shapes
from geo_cdei.inputs.layer_files import open_layer_file, read_frame
from geo_cdei.inputs.names import cell_text
from geo_cdei.workspace import Workspace

if TYPE_CHECKING:
    import geopandas as gpd
    from pyproj import CRS

__all__ = ["OwnLayer", "read_own_layer"]

LON, LAT = (70.0, 140.0), (0.0, 60.0)  # China and the sea around it
EXACT_M = 1.0  # a change of coordinates that is said to be better than this needs no notice


@dataclass(frozen=True, slots=True, eq=False)
class OwnLayer:
    """A layer that may be used.

    Parameters
    ----------
    units : geopandas.GeoDataFrame
        ``name`` and ``geometry`` (EPSG:4326), indexed by ``adcode``.
    notices : tuple of str
        Encoding, datum, change of coordinates, what was repaired and what stands.
    faults : pandas.DataFrame
        Columns :data:`geo_cdei.columns.BOUNDARY_FAULTS`; notices only.
    """

    units: gpd.GeoDataFrame
    notices: tuple[str, ...]
    faults: pd.DataFrame


def read_own_layer(workspace: Workspace, wanted: Boundaries) -> OwnLayer:
    """Read the layer that ``[boundaries]`` names, and check it.

    Parameters
    ----------
    workspace : Workspace
        The study; a relative path starts from its folder.
    wanted : Boundaries
        ``path``, ``layer``, ``code``, ``name``, ``crs``, ``datum``, ``repair``.

    Returns
    -------
    OwnLayer
        Units in the order of the file.

    Raises
    ------
    BoundaryError
        If the file cannot be read, has no CRS and none is given, or its coordinates cannot be those of China.
    BoundaryFaultsError
        If units have faults that make answers wrong; all are listed.
    """
    if not wanted.path or not wanted.code:
        raise BoundaryError(
            "a layer of one's own needs boundaries.path, the file, and boundaries.code, its column of codes; "
            f"given: path {wanted.path!r}, code {wanted.code!r}."
        )
    with open_layer_file(workspace.root, wanted.path) as file:
        frame, notices, name = read_frame(file, layer=wanted.layer), list(file.notices), file.name
    if len(frame) == 0:
        raise BoundaryError(f"{name} has no features. Name a layer that has polygons.")
    layer = _coded(frame, wanted, name)
    crs = _crs_of(layer, wanted, name)
    layer = layer.set_crs(crs, allow_override=True)
    if crs.is_geographic:
        _check_degrees(layer, name)
    faults = find_layer_faults(layer)
    if wanted.repair and (faults["severity"] == "error").any():
        layer, faults = repair_shapes(layer, faults)
    raise_layer_faults(faults, name=name, units=len(layer))
    layer, said = _to_wgs84(layer, crs, wanted.datum, name)
    notices += [*said, *_tell(faults, name)]
    units = layer.set_index("adcode")[["name", "geometry"]]
    return OwnLayer(units, tuple(notices), faults)


def _coded(frame: gpd.GeoDataFrame, wanted: Boundaries, name: str) -> gpd.GeoDataFrame:
    """Keep codes, names and shapes; codes are text, and a code of twelve digits that ends in zeros has six."""
    import geopandas as gpd

    columns = [column for column in frame.columns if column != frame.geometry.name]
    for key, column in (("code", wanted.code), ("name", wanted.name)):
        if column and column not in columns:
            raise BoundaryError(
                f"boundaries.{key} is {column!r}, no column of {name}; it has: {', '.join(map(str, columns))}."
            )
    codes = frame[wanted.code].map(cell_text).str.replace(r"^(\d{6})0{6}$", r"\1", regex=True)
    names = frame[wanted.name].map(cell_text) if wanted.name else codes
    return gpd.GeoDataFrame(
        {"adcode": codes.to_numpy(), "name": names.where(names != "", codes).to_numpy()},
        geometry=shapely.force_2d(frame.geometry.to_numpy()),
        crs=frame.crs,
    )


def _to_wgs84(layer: gpd.GeoDataFrame, crs: CRS, datum: str, name: str) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Bring a layer to degrees on WGS84, and say what was done to its coordinates."""
    back = layer.to_crs(4326)
    _check_degrees(back, name)
    notices = list(filter(None, [_crs_notice(crs, name)]))
    if datum == "gcj02":
        back = _unshifted(back)
        notices.append(f"{name}: coordinates were brought from GCJ-02 to WGS84, as boundaries.datum says")
    elif datum == "cgcs2000" and "CGCS2000" not in "".join(notices):
        notices.append(f"{name}: {_CGCS2000}")
    return back, notices


_CGCS2000 = "CGCS2000 is read as WGS84: the two differ by less than a metre, which no result here can show"


def _crs_of(layer: gpd.GeoDataFrame, wanted: Boundaries, name: str) -> Any:
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    given = None
    if wanted.crs:
        try:
            given = CRS.from_user_input(wanted.crs)
        except CRSError as error:
            raise BoundaryError(f"boundaries.crs is {wanted.crs!r}, no CRS. Write it as EPSG:4326.") from error
    found = layer.crs
    if found is None and given is None:
        raise BoundaryError(
            f'{name} does not say its CRS. State it in boundaries.crs, such as "EPSG:4490" for CGCS2000 in degrees; '
            "it is never guessed."
        )
    if found is not None and given is not None and not found.equals(given, ignore_axis_order=True):
        raise BoundaryError(
            f"{name} says its CRS is {found.name}, and boundaries.crs says {given.name}. Leave boundaries.crs empty, "
            "or mend the file."
        )
    crs = given if found is None else found
    _need_way_to_wgs84(crs, name)
    return crs


def _need_way_to_wgs84(crs: Any, name: str) -> None:
    """Refuse a CRS of another planet, or of no place at all."""
    from pyproj import Transformer
    from pyproj.exceptions import ProjError

    try:
        Transformer.from_crs(crs, 4326, always_xy=True)
    except ProjError as error:
        raise BoundaryError(
            f"{name}: there is no way from its CRS ({crs.name:.60}) to WGS84. Mend it, or save it in EPSG:4326."
        ) from error


def _crs_notice(crs: CRS, name: str) -> str:
    """Say how well the coordinates are known on WGS84; nothing for WGS84 itself."""
    from pyproj.transformer import TransformerGroup

    datum = str(getattr(crs.datum, "name", ""))
    if "China 2000" in datum or "CGCS" in datum or "China_2000" in datum:
        return f"{name}: {_CGCS2000}"
    if "World Geodetic System 1984" in datum or "WGS_1984" in datum or "WGS 84" in datum:
        return ""
    best = next(iter(TransformerGroup(crs, 4326, always_xy=True).transformers), None)
    metres = -1.0 if best is None else best.accuracy
    if 0 <= metres <= EXACT_M:
        return ""
    sure = f"about {metres:g} m" if metres > 0 else "an unknown amount, perhaps 100 m"
    return f"{name}: {crs.name} was brought to WGS84 with an error of {sure}"


def _check_degrees(layer: gpd.GeoDataFrame, name: str) -> None:
    """Refuse coordinates that cannot be longitude and latitude in or near China; empty shapes are told elsewhere."""
    bounds = layer.geometry.bounds.to_numpy()
    known = ~np.isnan(bounds).any(axis=1)
    west, south, east, north = bounds[known].T
    wide = (east - west > 180) & (np.abs(bounds[known]) <= 360).all(
        axis=1
    )  # across the antimeridian: a fault of that unit
    fits = (west >= LON[0]) & (east <= LON[1]) & (south >= LAT[0]) & (north <= LAT[1])
    wrong = ~(fits | wide)
    if not wrong.any():
        return
    swapped = (south >= LON[0]) & (north <= LON[1]) & (west >= LAT[0]) & (east <= LAT[1])
    first = layer["adcode"][known].iloc[int(np.flatnonzero(wrong)[0])]
    at = f"{int(wrong.sum())} of {len(layer)} units (first: {first})"
    if swapped[wrong].all():
        raise BoundaryError(
            f"{name}: latitude and longitude are swapped in {at}. Exchange the coordinates: longitude comes first."
        )
    if not np.isfinite(bounds[known]).all() or np.abs(bounds[known]).max() > 360:
        raise BoundaryError(
            f"{name}: the coordinates of {at} reach {np.abs(bounds[known]).max():g}, no degrees. Its CRS is wrong: "
            "state the one that the coordinates are in."
        )
    raise BoundaryError(
        f"{name}: {at} lie outside of {LON[0]:g} to {LON[1]:g} degrees east and {LAT[0]:g} to {LAT[1]:g} north. "
        "Mend the CRS or the coordinates."
    )


def _unshifted(layer: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    shapes = shapely.transform(layer.geometry.to_numpy(), lambda xy: np.column_stack(gcj02_to_wgs84(*xy.T)))
    return layer.set_geometry(shapes, crs=4326)


def _tell(faults: pd.DataFrame, name: str) -> list[str]:
    """Say what was repaired and what stands, each kind in one sentence with its first unit."""
    said = []
    for kind, rows in faults.groupby("fault", sort=False):
        first = describe_faults(rows.head(1))[0]
        done = "polygons were repaired" if kind == "repaired" else f"faults of the kind {kind} stand as they are"
        said.append(f"{name}: {len(rows)} {done} (first: {first}); all are in boundary_faults.csv")
    return said
