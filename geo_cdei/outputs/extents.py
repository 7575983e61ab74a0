"""What a map is of: the country, one province, or one cluster with its surroundings."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

import pandas as pd

from geo_cdei.errors import OutputError
from geo_cdei.results import Analysis

__all__ = ["COUNTRY", "PROVINCES_EN", "Focus", "find_focus"]

COUNTRY = "country"
_MARGIN = 0.12

#: English names by the first two digits of the code.
PROVINCES_EN = {
    "11": "Beijing", "12": "Tianjin", "13": "Hebei", "14": "Shanxi", "15": "Inner Mongolia", "21": "Liaoning",
    "22": "Jilin", "23": "Heilongjiang", "31": "Shanghai", "32": "Jiangsu", "33": "Zhejiang", "34": "Anhui",
    "35": "Fujian", "36": "Jiangxi", "37": "Shandong", "41": "Henan", "42": "Hubei", "43": "Hunan",
    "44": "Guangdong", "45": "Guangxi", "46": "Hainan", "50": "Chongqing", "51": "Sichuan", "52": "Guizhou",
    "53": "Yunnan", "54": "Xizang", "61": "Shaanxi", "62": "Gansu", "63": "Qinghai", "64": "Ningxia",
    "65": "Xinjiang", "71": "Taiwan", "81": "Hong Kong", "82": "Macao",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Focus:
    """The part of the country that a map is of.

    Parameters
    ----------
    key : str
        Code of the province, or ``cluster_id``.
    zh, en : str
        Its names.
    units : pandas.Index
        ``adcode`` of its units.
    bounds : tuple of float
        West, south, east, north of the view, with a margin.
    """

    key: str
    zh: str
    en: str
    units: pd.Index
    bounds: tuple[float, float, float, float]

    def name(self, lang: str) -> str:
        """Give its name in a language."""
        return self.zh if lang == "zh" else self.en


def find_focus(extent: str, analysis: Analysis) -> Focus | None:
    """Find what an extent names.

    Parameters
    ----------
    extent : str
        "country"; code, Chinese or English name of a province; ``cluster_id`` or name of a cluster.
    analysis : Analysis
        Where provinces and clusters are.

    Returns
    -------
    Focus or None
        None for the whole country.

    Raises
    ------
    OutputError
        If there is no such province or cluster; the message has the nearest names.
    """
    wanted = extent.strip()
    if wanted.lower() in (COUNTRY, "全国", ""):
        return None
    known = _known(analysis)
    found = known.get(wanted.lower())
    if found is None:
        near = difflib.get_close_matches(wanted.lower(), known, n=3, cutoff=0.4)
        raise OutputError(
            f"there is no province or cluster {extent!r}"
            + (f"; the nearest names are {', '.join(near)}" if near else "")
            + ". Give country, a province (510000, 四川, Sichuan) or a cluster (C04)."
        )
    return _cluster(found, analysis) if found in analysis.clusters.index else _province(found, analysis)


def _known(analysis: Analysis) -> dict[str, str]:
    """All accepted names, in lower case, and what each stands for."""
    names: dict[str, str] = {}
    for row in analysis.clusters.itertuples():
        names |= {str(key).lower(): str(row.Index) for key in (row.Index, row.cluster, row.cluster_en)}
    shorts = analysis.units.drop_duplicates("province_adcode").set_index("province_adcode")["province"]
    for code, official in analysis.provinces["name"].items():
        keys = [code, code[:2], official, shorts.get(code, official), PROVINCES_EN.get(code[:2], code)]
        names |= {str(key).lower(): str(code) for key in keys}
    return names


def _cluster(key: str, analysis: Analysis) -> Focus:
    row, members = analysis.clusters.loc[key], analysis.members
    own = members[(members["cluster_id"] == key) & members["role"].ne("secondary")]["adcode"]
    units = analysis.units.index[analysis.units.index.isin(own)]
    return Focus(key, str(row["cluster"]), str(row["cluster_en"]), units, _around(analysis, units))


def _province(code: str, analysis: Analysis) -> Focus:
    inside = analysis.units[analysis.units["province_adcode"] == code]
    zh = str(inside["province"].iloc[0]) if len(inside) else str(analysis.provinces["name"][code])
    return Focus(code, zh, PROVINCES_EN.get(code[:2], zh), inside.index, _around(analysis, inside.index))


def _around(analysis: Analysis, units: pd.Index) -> tuple[float, float, float, float]:
    west, south, east, north = analysis.units.loc[units].total_bounds.tolist()
    dx, dy = (east - west) * _MARGIN, (north - south) * _MARGIN
    return west - dx, south - dy, east + dx, north + dy
