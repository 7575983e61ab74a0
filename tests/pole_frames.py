"""Small candidates for the tests of the fifth pole, worked out by hand."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

from geo_cdei._poles import PoleCriteria, observed_range


def criteria_of(raw, groups, directions=None, *, change=None):
    """Criteria from plain numbers: a frame, the group of each column, and which way is better."""
    raw = pd.DataFrame(raw).astype(float)
    raw.index = pd.Index([f"C{i}" for i in range(1, len(raw) + 1)], name="cluster_id")
    elsewhere = pd.DataFrame({"low": [], "high": []}, dtype=float)
    if change is not None:
        elsewhere = pd.DataFrame({"low": [change[0]], "high": [change[1]]}, index=["change"])
    ends = observed_range(raw, elsewhere)
    table = ends.assign(
        group=groups, direction=directions or [1] * raw.shape[1], unit="", step="", n_missing=raw.isna().sum()
    )
    names = pd.DataFrame(
        {"cluster": raw.index, "cluster_en": raw.index, "seat": "a", "seat_city": "A"}, index=raw.index
    )
    n = len(raw)
    return PoleCriteria(
        candidates=names.assign(n_scored=1), raw=raw, others=(), table=table, elsewhere=elsewhere, left_out=(),
        score=np.full(n, 50.0), weight=np.ones(n), memberships=np.eye(n, dtype=bool)[None],
        adcodes=pd.Index([f"{i:06d}" for i in range(n)]), strong_city=65.0,
    )  # fmt: skip


def small_country():
    """Nine cities on a line: a pole of three, and two candidates of three."""
    codes = [f"{i:06d}" for i in range(1, 10)]
    cities = gpd.GeoDataFrame(
        {
            "city": list("PQRABCXYZ"), "city_en": list("PQRABCXYZ"), "lon": np.arange(9.0), "lat": 30.0,
            "score": [90.0, 80, 70, 66, 60, 54, 64, 50, 40], "gdp_2019": [9.0, 3, 3, 2, 1, 1, 4, 1, 1],
            "scale_2020": [9.0, 3, 3, 4, 2, 2, 6, 1, 1],
        },
        index=codes,
    )  # fmt: skip
    members = pd.DataFrame(
        {
            "cluster_id": np.repeat(["C1", "C2", "C3"], 3), "cluster": np.repeat(["P", "A", "X"], 3),
            "cluster_en": np.repeat(["P", "A", "X"], 3), "adcode": codes, "city": cities["city"].to_numpy(),
            "role": "primary",
        }
    )  # fmt: skip
    clusters = members.groupby("cluster_id")[["cluster", "cluster_en"]].first().assign(n_scored=3)
    return cities, members, clusters
