"""What the atlas carries: every number is one of the tables', as it is written there, and none is made here.

Local statistics are whole ten-thousandths, as the tables print them. Two things are found in the page, since they
follow the reader's selection S; both are plain arithmetic of what stands here:

* the weighted mean, sum(w x) / sum(w) over the cities of S that have a value x and a weight w (the weights of the
  cluster means: for the members of a cluster and the score it is the cluster's score);
* Moran's I of the selection against the rest. With z standardized over all cities that have a value and w the
  weights, row-standardized over the neighbors that have one, the links (i, j) fall into three classes: both
  ends in S, one end, none. Of each class c the page shows its share of the weight, W_c / W, and
  I_c = (sum of w_ij z_i z_j over c) / W_c. The shares times the I_c add up to Moran's I of all cities.

No permutations are drawn in the page.
"""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from importlib import resources
from typing import Any

import pandas as pd

from geo_cdei.errors import OutputError
from geo_cdei.outputs.atlas_layers import LAYERS, atlas_layers, atlas_overlays, classes_of
from geo_cdei.outputs.layers import COORDINATE_UNIT, packed
from geo_cdei.outputs.lisa_page import LISA_COLOURS
from geo_cdei.outputs.page_meta import page_meta
from geo_cdei.outputs.texts import LANGUAGES, weighting, word
from geo_cdei.results import Analysis

__all__ = ["atlas_payload", "atlas_words"]

_TABLES = ("atlas_words.csv", "atlas_panels.csv")
_DIGITS = {"score": 1, "scale_2020": 0, "gdp_2019": 0, "residual": 2, "ratio": 3}
_GRAPH = re.compile(r"(knn|band)([\d.]+)")
_QUADRANTS = {"HH": "0", "LH": "1", "LL": "2", "HL": "3"}


def atlas_words() -> dict[str, list[str]]:
    """Read the texts of the atlas.

    Returns
    -------
    dict of str to list of str
        Key to its text in Chinese and in English.

    Raises
    ------
    OutputError
        If a key stands twice or lacks a language.

    Examples
    --------
    >>> atlas_words()["undo"]
    ['撤销', 'Undo']
    """
    found: dict[str, list[str]] = {}
    for name in _TABLES:
        file = resources.files("geo_cdei.outputs") / "phrases" / name
        if not file.is_file():
            continue
        for row in csv.DictReader(file.read_text(encoding="utf-8").splitlines()):
            if row["key"] in found or not row["zh"] or not row["en"]:
                raise OutputError(f"{name}: {row['key']!r} stands twice or lacks a language. Mend the row.")
            found[row["key"]] = [row["zh"], row["en"]]
    return found


def atlas_payload(analysis: Analysis) -> dict[str, Any]:
    """Give all that the atlas shows as plain numbers and texts.

    Parameters
    ----------
    analysis : Analysis
        With the tables ``city_measures``, ``lisa_all``, ``graph_links`` and ``moran``.

    Returns
    -------
    dict
        Texts in both languages; cities in the order of ``cities.csv``, everything of a city by its position;
        the units with their shapes once; variables, graphs and local statistics; layers and overlays. The
        panels' own parts stand at ``poles`` and ``whatif``.
    """
    from geo_cdei.outputs.atlas_poles import poles_payload
    from geo_cdei.outputs.atlas_whatif import whatif_payload

    study, layers = analysis.settings.study, atlas_layers(analysis)
    payload = {
        "words": atlas_words(),
        "title": [study.title, study.title_en],
        "lines": [_lines(analysis, lang) for lang in LANGUAGES],
        "layers": [name for name in LAYERS if name in layers],
        "looks": layers,
        "lisa_colours": {name: colour for name, colour in LISA_COLOURS.items() if name != "unstable"},
        "start": {
            "lang": study.language, "variable": "score", "graph": analysis.base_graph, "rule": "p",
            "layer": "scores", "view": None,
        },
        **_cities(analysis),
        "clusters": _clusters(analysis),
        "units": _units(analysis),
        "extent": _extent(analysis),
        "overlays": atlas_overlays(analysis),
        "unit": COORDINATE_UNIT,
        "weights": [weighting(analysis.weights, lang) for lang in LANGUAGES],
        "variables": _variables(analysis),
        "graphs": _graphs(analysis),
        "local": _local(analysis),
        "moran": _moran(analysis),
        "poles": poles_payload(analysis),
        "whatif": whatif_payload(analysis),
    }  # fmt: skip
    return payload


def _lines(analysis: Analysis, lang: str) -> list[str]:
    """Give what stands under the page: source, date, status, how the local tests were made, what a residual is."""
    study = analysis.settings.study.model_copy(update={"language": lang})
    spoken = replace(analysis, settings=analysis.settings.model_copy(update={"study": study}))
    how = analysis.tables["lisa_all"].attrs
    words, at = atlas_words(), LANGUAGES.index(lang)
    test = words["note_tests"][at].format(
        permutations=f"{how.get('permutations', 0):,}", seed=analysis.settings.inference.seed
    )
    return [*page_meta(spoken, notes=(test, words["note_measures"][at])).notices()]


def _cities(analysis: Analysis) -> dict[str, Any]:
    """Give names, place in the units, point, province, clusters and weight of every city."""
    cities, units = analysis.cities, analysis.units
    place = units.index.get_indexer(cities.index)
    own = units.iloc[place]
    english = own["province_en"] if "province_en" in own else own["province"]
    provinces = pd.DataFrame({"zh": own["province"], "en": english}).astype("str")
    listed = provinces.drop_duplicates("zh")
    inside = own.geometry.representative_point()
    cluster = pd.Index(cities["cluster_id"]) if "cluster_id" in cities else pd.Index([None] * len(cities))
    weight = analysis.tables["city_measures"]["weight"].reindex(cities.index)
    return {
        "ids": cities.index.tolist(),
        "names": _pairs(cities["city"], own["city_en"]),
        "at": place.tolist(),
        "points": [[x, y] for x, y in zip(inside.x.round(3).tolist(), inside.y.round(3).tolist(), strict=True)],
        "provinces": listed[["zh", "en"]].to_numpy().tolist(),
        "province": pd.Index(listed["zh"]).get_indexer(pd.Index(provinces["zh"])).tolist(),
        "cluster": analysis.clusters.index.get_indexer(cluster).tolist(),
        "weight": _rounded(weight, 4),
    }


def _pairs(zh: pd.Series, en: pd.Series) -> list[list[str]]:
    return [
        [str(a), "" if pd.isna(b) or str(b) == str(a) else str(b)]
        for a, b in zip(zh.tolist(), en.tolist(), strict=True)
    ]


def _rounded(values: pd.Series, digits: int) -> list[float | None]:
    return [None if pd.isna(value) else round(float(value), digits) for value in values]


def _whole(values: pd.Series) -> list[int | None]:
    """Ten-thousandths, rounded as the tables print them."""
    return [None if pd.isna(value) else round(float(f"{value:.4f}") * 10_000) for value in values]


def _clusters(analysis: Analysis) -> dict[str, Any]:
    """Give names and scored members, those whose role counts in the cluster's mean."""
    members, index = analysis.members, analysis.cities.index
    counted = members[members["role"].isin(analysis.settings.scores.roles) & members["adcode"].isin(index)]
    of = counted.groupby("cluster_id")["adcode"].agg(
        lambda codes: sorted(index.get_indexer(pd.Index(codes)).tolist())
    )
    table = analysis.clusters
    return {
        "ids": table.index.tolist(),
        "names": _pairs(table["cluster"], table["cluster_en"]),
        "members": [of.get(cluster, []) for cluster in table.index],
    }


def _units(analysis: Analysis) -> dict[str, Any]:
    units = analysis.units
    return {"names": _pairs(units["city"], units["city_en"]), "shapes": packed(units.geometry)}


def _extent(analysis: Analysis) -> list[list[float]]:
    """South-west and north-east corner of all that every layer shows, latitude first as the map wants it."""
    bounds = [analysis.units.total_bounds, analysis.dash_line.bounds]
    west, south, east, north = (pick(box[side] for box in bounds) for side, pick in enumerate((min, min, max, max)))
    return [[round(float(south), 3), round(float(west), 3)], [round(float(north), 3), round(float(east), 3)]]


def _variables(analysis: Analysis) -> list[dict[str, Any]]:
    table, words = analysis.tables["city_measures"].reindex(analysis.cities.index), atlas_words()
    tested = set(analysis.tables["lisa_all"]["variable"])
    return [
        {
            "key": name,
            "title": words[f"variable_{name}"],
            "digits": _DIGITS[name],
            "values": _rounded(table[name], 4),
            **classes_of(table[name], analysis),
        }
        for name in _DIGITS
        if name in table and name in tested
    ]


def _graphs(analysis: Analysis) -> list[dict[str, Any]]:
    """Give the graphs as neighbors of every city, with weights where they are not all the same."""
    links, index = analysis.tables["graph_links"], analysis.cities.index
    found = []
    for name, part in links.groupby("graph", sort=False):
        focal, neighbor = (pd.Series(index.get_indexer(pd.Index(part[end]))) for end in ("focal", "neighbor"))
        weight = pd.Series(part["weight"].to_numpy())
        near = neighbor.groupby(focal).agg(list).reindex(range(len(index)))
        entry = {
            "key": name,
            "title": _graph_title(str(name)),
            "near": [ids if isinstance(ids, list) else [] for ids in near],
        }
        if weight.nunique() > 1:
            heavy = weight.round(6).groupby(focal).agg(list).reindex(range(len(index)))
            entry["weights"] = [values if isinstance(values, list) else [] for values in heavy]
        found.append(entry)
    return found


def _graph_title(name: str) -> list[str]:
    words, numbered = atlas_words(), _GRAPH.fullmatch(name)
    if numbered:
        return [said.format(n=numbered[2]) for said in words[f"graph_{numbered[1]}"]]
    return words.get(f"graph_{name}", [name, name])


def _local(analysis: Analysis) -> dict[str, Any]:
    """Give z by variable, and lag, I, p, quadrant and both flags by variable and graph."""
    table, index = analysis.tables["lisa_all"], analysis.cities.index
    found: dict[str, Any] = {}
    for (variable, graph), rows in table.groupby(["variable", "graph"], sort=False):
        part = rows.set_index("adcode").reindex(index)
        own = found.setdefault(str(variable), {"z": _whole(part["z"])})
        own[str(graph)] = {
            "lag": _whole(part["lag"]),
            "I": _whole(part["I"]),
            "p": _whole(part["p_sim"]),
            "q": "".join(part["quadrant"].map(_QUADRANTS).fillna("-")),
            "s": _flags(part["significant"]),
            "f": _flags(part["significant_fdr"]),
        }
    return found


def _flags(values: pd.Series) -> str:
    return "".join("1" if value else "0" for value in values.fillna(False).astype(bool))


def _moran(analysis: Analysis) -> dict[str, Any]:
    table = analysis.tables["moran"]
    table = table[table["statistic"] == "moran"]
    found: dict[str, Any] = {}
    for row in table.to_dict("records"):
        found.setdefault(row["variable"], {})[row["graph"]] = [
            round(row["value"], 4), round(row["p_sim"], 4), row["permutations"], row["n"],
            *(word(f"alternative_{row['alternative']}", lang) for lang in LANGUAGES),
        ]  # fmt: skip
    return found
