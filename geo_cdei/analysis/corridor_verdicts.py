"""What the tests of claimed corridors come to: the rule that was fixed in advance, controls, and one table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .._aligned import name_some
from .._corridor_nulls import CorridorDesign
from .._geodesy import distance_km
from .._polyline import length_km, line_bearing, unit_vectors
from ..columns import CORRIDORS
from ..errors import StatisticError
from .graphs import city_points

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

__all__ = ["corridor_table", "corridor_verdicts", "inland_control"]


def corridor_verdicts(
    tests: pd.DataFrame, hypotheses: pd.DataFrame, *, design: CorridorDesign | None = None
) -> pd.DataFrame:
    """Apply the rule that was fixed in advance.

    Parameters
    ----------
    tests : pandas.DataFrame
        Result of ``evaluate_corridors``.
    hypotheses : pandas.DataFrame
        The same corridors, with ``corridor_id`` and ``kind``.
    design : CorridorDesign, optional
        The same design; its primary width and level are used.

    Returns
    -------
    pandas.DataFrame of shape (n_corridors, 8)
        Indexed by ``corridor_id``: ``flow_share``, ``score_mean``, ``p_score_rigid``, ``p_score_coast``,
        ``p_flow_anchors``, ``holm_score``, ``holm_flow`` and ``verdict``, all at the primary width and with the
        poles.

    Notes
    -----
    Primary endpoint: mean score under the coast null, Holm over the claims: "high-score band". Secondary: flow,
    Holm over the claims: "connectivity corridor"; its p is the larger one of the nulls "anchors" and "terminals",
    since both must be beaten. Both may hold; neither is "not distinguishable". A control is outside of the family:
    its rigid p says "control found" or "control not found".

    References
    ----------
    Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics,
    6(2), 65-70.

    Examples
    --------
    >>> rows = [("A", null, 100.0, "with", s, 60.0, p) for s, p in (("score_mean", 0.01), ("flow_share", 0.3))
    ...         for null in ("rigid", "coast", "anchors", "terminals")]
    >>> tests = pd.DataFrame(rows, columns=["corridor_id", "null", "width_km", "poles", "statistic", "observed", "p"])
    >>> claims = pd.DataFrame({"corridor_id": ["A"], "kind": ["belt"]})
    >>> corridor_verdicts(tests, claims)["verdict"].tolist()
    ['high-score band']
    """
    design = design or CorridorDesign()
    main = tests[(tests["width_km"] == design.primary_km) & (tests["poles"] == "with")]
    wide = main.pivot(index="corridor_id", columns=["statistic", "null"], values="p")
    seen = main[main["null"] == "rigid"].pivot(index="corridor_id", columns="statistic", values="observed")
    claims = hypotheses.set_index("corridor_id")
    frame = seen[["flow_share", "score_mean"]].reindex(claims.index)
    for name, key in (("p_score_rigid", ("score_mean", "rigid")), ("p_score_coast", ("score_mean", "coast"))):
        frame[name] = wide[key] if key in wide.columns else np.nan
    both = [wide[key] for key in (("flow_share", "anchors"), ("flow_share", "terminals")) if key in wide.columns]
    frame["p_flow_anchors"] = pd.concat(both, axis=1).max(axis=1)
    claimed = claims["kind"] != "control"
    frame["holm_score"] = _holm(frame["p_score_coast"].where(claimed))
    frame["holm_flow"] = _holm(frame["p_flow_anchors"].where(claimed))
    columns = (frame["holm_score"], frame["holm_flow"], frame["p_score_rigid"].where(~claimed), claimed)
    frame["verdict"] = [_verdict(*row, design.level) for row in zip(*columns, strict=True)]
    return frame


def _verdict(score: float, flow: float, control: float, claimed: bool, level: float) -> str:
    if not claimed:
        return "control found" if control <= level else "control not found"
    names = [name for p, name in ((score, "high-score band"), (flow, "connectivity corridor")) if p <= level]
    return " and ".join(names) or "not distinguishable"


def _holm(p: pd.Series[float]) -> pd.Series[float]:
    """Holm's adjusted p, over the values that are not missing."""
    known = p.dropna().sort_values(kind="stable")
    factor = np.arange(len(known), 0, -1)
    adjusted = pd.Series(np.minimum(np.maximum.accumulate(known.to_numpy() * factor), 1.0), index=known.index)
    return adjusted.reindex(p.index)


def inland_control(
    cities: gpd.GeoDataFrame,
    *,
    n_anchors: int = 6,
    min_coast_km: float = 300.0,
    km: FloatArray | None = None,
    seed: int,
) -> pd.DataFrame:
    """Draw a line through inland cities that nobody claims: a test that finds it finds too much.

    Parameters
    ----------
    cities : geopandas.GeoDataFrame of shape (n_cities, …)
        With ``coast_km`` and points as for ``build_graph``.
    n_anchors : int, default 6
        Anchors, at least 2.
    min_coast_km : float, default 300.0
        Every anchor is at least so far from the coast.
    km : numpy.ndarray of shape (n_cities, n_cities), optional
        Kilometres between the cities, where they have been measured before.
    seed : int
        Seed of the choice.

    Returns
    -------
    pandas.DataFrame of one row
        ``corridor_id`` ("K0"), ``kind`` ("control"), ``name_zh``, ``name_en`` and ``anchors``: two random cities
        800 to 1,600 km apart, and between them the city nearest to each of equally spaced points.

    Raises
    ------
    StatisticError
        If there are not enough such cities.

    Examples
    --------
    >>> import geopandas as gpd
    >>> x = np.arange(20.0)
    >>> cities = gpd.GeoDataFrame({"lon": x, "lat": 30.0, "coast_km": 900.0}, index=[f"c{k:02d}" for k in range(20)])
    >>> inland_control(cities, n_anchors=3, seed=1)["anchors"].iloc[0]
    ('c09', 'c14', 'c19')
    """
    lon, lat = city_points(cities)
    inland = np.flatnonzero(cities["coast_km"].to_numpy(float) >= min_coast_km)
    i, j = (inland[part] for part in np.triu_indices(len(inland), k=1))
    apart = distance_km(lon[i], lat[i], lon[j], lat[j]) if km is None else km[i, j]
    fit = np.flatnonzero((apart >= 800.0) & (apart <= 1600.0))
    rng = np.random.default_rng([seed, 0])
    points = unit_vectors(lon, lat)
    for pair in rng.permutation(fit):
        ends = [i[pair], j[pair]]
        share = np.linspace(0.0, 1.0, n_anchors)
        on_way = points[ends[0]] * (1 - share)[:, None] + points[ends[1]] * share[:, None]
        chosen = inland[np.argmax(on_way @ points[inland].T, axis=1)]
        if len(set(chosen.tolist())) == n_anchors:
            anchors = tuple(cities.index[chosen])
            return pd.DataFrame(
                {
                    "corridor_id": ["K0"], "kind": ["control"], "name_zh": ["内陆随机线（对照）"],
                    "name_en": ["Random inland control"], "anchors": [anchors],
                }
            )  # fmt: skip
    raise StatisticError(
        f"an inland control needs {n_anchors} cities in a row, at least {min_coast_km:g} km from the coast and its "
        f"ends 800 to 1600 km apart; {len(inland)} cities are so far inland. Use fewer anchors or a smaller distance."
    )


def corridor_table(
    cities: gpd.GeoDataFrame, detected: pd.DataFrame, hypotheses: pd.DataFrame, verdicts: pd.DataFrame
) -> pd.DataFrame:
    """Put detected, claimed and control corridors into one table.

    Parameters
    ----------
    cities : geopandas.GeoDataFrame of shape (n_cities, …)
        With ``city`` and ``city_en`` if known, and points as for ``build_graph``.
    detected : pandas.DataFrame
        Result of ``detect_corridors``.
    hypotheses : pandas.DataFrame
        ``corridor_id``, ``kind``, ``anchors`` and, if known, ``name_zh`` and ``name_en``.
    verdicts : pandas.DataFrame
        Result of :func:`corridor_verdicts`.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`geo_cdei.columns.CORRIDORS`, indexed by ``corridor_id``. ``kind`` is "detected", "claimed" or
        "control". ``flow_share`` of a detected corridor is that of its own links, of a claimed one that of its belt.
        What was not computed is missing: a detected corridor is not tested, since it was chosen for its flow.

    Raises
    ------
    StatisticError
        If an id stands for a detected and for a claimed corridor.

    Examples
    --------
    >>> import geopandas as gpd
    >>> cities = gpd.GeoDataFrame({"lon": [0.0, 1.0], "lat": 0.0}, index=["a", "b"])
    >>> claims = pd.DataFrame({"corridor_id": ["B"], "kind": ["belt"], "anchors": [("a", "b")]})
    >>> verdicts = pd.DataFrame({"verdict": ["not distinguishable"]}, index=pd.Index(["B"], name="corridor_id"))
    >>> corridor_table(cities, pd.DataFrame({"cities": []}), claims, verdicts)[["kind", "verdict"]].values.tolist()
    [['claimed', 'not distinguishable']]
    """
    both = detected.index.intersection(pd.Index(hypotheses["corridor_id"]))
    if len(both):
        raise StatisticError(
            f"{name_some(both)} is the id of a detected and of a claimed corridor. Rename the claim."
        )
    found = detected.assign(kind="detected", verdict="detected, not tested")
    for column, source in (("name", "city"), ("name_en", "city_en")):
        label = cities[source] if source in cities.columns else cities.index.to_series()
        found[column] = [f"{label[codes[0]]}–{label[codes[-1]]}" for codes in found["cities"]]
    claims = hypotheses.set_index("corridor_id").rename(columns={"anchors": "cities", "name_zh": "name"})
    claims["kind"] = claims["kind"].where(claims["kind"] == "control", "claimed")
    lon, lat = (pd.Series(values, index=cities.index) for values in city_points(cities))
    lines = [(lon[list(codes)], lat[list(codes)]) for codes in claims["cities"]]
    claims["n_cities"] = claims["cities"].map(len)
    claims["length_km"] = [length_km(*line) for line in lines]
    claims["bearing_deg"] = [line_bearing(*line) for line in lines]
    claims = claims.join(verdicts.drop(columns=claims.columns.intersection(verdicts.columns)))
    rows = [part.reindex(columns=list(CORRIDORS)).astype(object) for part in (found, claims) if len(part)]
    return pd.concat(rows).rename_axis("corridor_id").infer_objects()
