"""What the atlas carries is what the tables say."""

from __future__ import annotations

import json
import re
from importlib import resources

import numpy as np
import pandas as pd
import pytest
from libpysal.graph import Graph

from geo_cdei import columns
from geo_cdei.analysis.measures import city_measures, graph_links
from geo_cdei.config import read_settings
from geo_cdei.errors import StatisticError
from geo_cdei.outputs.atlas import build_atlas
from geo_cdei.outputs.atlas_data import atlas_payload, atlas_words
from geo_cdei.pipeline import run
from geo_cdei.workspace import Workspace, default_study

ASSETS = resources.files("geo_cdei.outputs") / "assets"


@pytest.fixture(scope="module")
def found():
    """Run the default study up to the local statistics."""
    workspace = Workspace(default_study())
    return run(workspace, read_settings(workspace.settings), only=["autocorrelation"])


@pytest.fixture(scope="module")
def payload(found):
    return atlas_payload(found)


@pytest.fixture
def cities():
    """Five cities: on a line of the log of output but for the third; the last one has no size."""
    gdp = np.exp([0.0, 1, 2, 3, 4])
    size = [0.5, 1.0, 2.0, 4.0, np.nan]
    score = [10.0, 20, 36, 40, 50]
    return pd.DataFrame({"score": score, "gdp_2019": gdp, "scale_2020": size}, index=list("abcde"))


def part(found, variable, graph):
    table = found.tables["lisa_all"]
    return table[(table["variable"] == variable) & (table["graph"] == graph)].set_index("adcode")


# measures


def test_the_residual_is_what_a_line_on_the_log_of_output_leaves(cities):
    slope, intercept = np.polyfit(np.log(cities["gdp_2019"]), cities["score"], 1)
    wanted = cities["score"] - intercept - slope * np.log(cities["gdp_2019"])
    assert city_measures(cities)["residual"].to_numpy() == pytest.approx(wanted.to_numpy(), abs=1e-12)


def test_the_ratio_of_a_city_without_a_size_is_missing(cities):
    assert city_measures(cities)["ratio"].round(3).tolist()[:2] == [0.5, 0.368]
    assert np.isnan(city_measures(cities)["ratio"]["e"])


def test_a_city_without_output_has_neither_residual_nor_ratio(cities):
    cities.loc["a", "gdp_2019"] = 0.0
    assert city_measures(cities).loc["a", ["residual", "ratio"]].isna().all()


def test_a_study_of_scores_alone_has_the_score_alone(cities):
    assert city_measures(cities[["score"]]).columns.tolist() == ["score"]


def test_measures_are_those_of_the_contract(cities):
    assert city_measures(cities).columns.tolist() == list(columns.CITY_MEASURES)


def test_measures_without_a_score_are_refused(cities):
    with pytest.raises(StatisticError, match="need the column score, the cities have: gdp_2019, scale_2020"):
        city_measures(cities.drop(columns="score"))


def test_links_name_their_graph_and_leave_an_isolate_out():
    line = Graph.from_arrays(["a", "b", "c"], ["b", "a", "c"], [1, 1, 0])
    links = graph_links({"one": line, "two": line})
    assert links.columns.tolist() == list(columns.GRAPH_LINKS)
    assert links["graph"].tolist() == ["one", "one", "two", "two"]
    assert "c" not in set(links["focal"])


# the table of every variable and graph


def test_every_measure_is_tested_over_every_graph(found):
    table = found.tables["lisa_all"]
    assert table.columns.tolist() == list(columns.LISA_ALL)
    assert len(table) == 5 * 7 * 242


def test_the_rows_of_the_score_and_the_studys_graph_are_those_of_lisa(found):
    own = found.tables["lisa"]
    pd.testing.assert_frame_equal(
        part(found, "score", "knn6")[["z", "lag", "I", "p_sim"]], own[["z", "lag", "I", "p_sim"]], check_names=False
    )


@pytest.mark.parametrize(("variable", "graph"), [("residual", "queen"), ("ratio", "band300"), ("gdp_2019", "knn8")])
def test_local_moran_adds_up_to_the_global_one(found, variable, graph):
    local, moran = part(found, variable, graph), found.tables["moran"]
    whole = moran.query("statistic == 'moran' and variable == @variable and graph == @graph").iloc[0]
    tested = local["lag"].notna().sum()
    n = local["z"].notna().sum()
    assert local["I"].sum() * n / (n - 1) / tested == pytest.approx(whole["value"], abs=1e-10)


def test_moran_of_the_made_measures_stands_in_the_table_of_the_globals(found):
    moran = found.tables["moran"]
    made = moran[moran["variable"].isin(["residual", "ratio"])]
    assert (len(made), set(made["statistic"])) == (14, {"moran"})
    assert made["p_sim"].between(0, 1).all()


def test_the_weight_is_that_of_the_cluster_means(found):
    counted = found.members.query("role == 'primary' and scored")
    weight = found.tables["city_measures"]["weight"]
    assert counted["weight"].to_numpy() == pytest.approx(weight[counted["adcode"]].to_numpy())


# the payload


def test_every_local_number_is_as_the_table_prints_it(found, payload):
    for variable, graph in (("score", "knn6"), ("ratio", "band200"), ("residual", "queen")):
        table, carried = part(found, variable, graph).loc[payload["ids"]], payload["local"][variable][graph]
        for column, key in (("lag", "lag"), ("I", "I"), ("p_sim", "p")):
            printed = [None if pd.isna(value) else round(float(f"{value:.4f}") * 1e4) for value in table[column]]
            assert carried[key] == printed


@pytest.mark.parametrize(("key", "column"), [("s", "significant"), ("f", "significant_fdr")])
def test_the_flags_are_those_of_the_table(found, payload, key, column):
    table = part(found, "gdp_2019", "knn4").loc[payload["ids"]]
    assert [flag == "1" for flag in payload["local"]["gdp_2019"]["knn4"][key]] == table[column].tolist()


def test_quadrants_are_those_of_the_table_and_an_isolate_has_none(found, payload):
    table = part(found, "score", "band200").loc[payload["ids"]]
    names = dict(zip("0123-", ["HH", "LH", "LL", "HL", None], strict=True))
    assert [names[sign] for sign in payload["local"]["score"]["band200"]["q"]] == [
        None if pd.isna(value) else value for value in table["quadrant"]
    ]


def test_the_global_values_are_those_of_the_table(found, payload):
    for row in found.tables["moran"].query("statistic == 'moran'").itertuples():
        assert payload["moran"][row.variable][row.graph][:2] == [round(row.value, 4), round(row.p_sim, 4)]


def test_the_links_are_those_of_the_table(found, payload):
    links = found.tables["graph_links"]
    for graph in payload["graphs"]:
        near = {(payload["ids"][i], payload["ids"][j]) for i, ids in enumerate(graph["near"]) for j in ids}
        own = links[links["graph"] == graph["key"]]
        assert near == set(zip(own["focal"], own["neighbor"], strict=True))


def test_the_members_of_a_cluster_give_its_score(found, payload):
    values = np.array(payload["variables"][0]["values"], dtype=float)
    weight = np.array(payload["weight"], dtype=float)
    for cluster, places in zip(payload["clusters"]["ids"], payload["clusters"]["members"], strict=True):
        if places:
            mean = (weight[places] * values[places]).sum() / weight[places].sum()
            assert mean == pytest.approx(found.clusters.loc[cluster, "score"], abs=1e-4)


def moran_parts(payload, variable, graph, chosen):
    """Do what the page does: share of the weight and I of the links by how many of their ends are chosen."""
    z = [None if value is None else value / 1e4 for value in payload["local"][variable]["z"]]
    entry = next(item for item in payload["graphs"] if item["key"] == graph)
    rows = []
    for i, near in enumerate(entry["near"]):
        known = [j for j in near if z[j] is not None]
        if z[i] is not None:
            rows += [((i not in chosen) + (j not in chosen), 1 / len(known), z[i] * z[j]) for j in known]
    table = pd.DataFrame(rows, columns=["outside", "w", "zz"])
    table["wzz"] = table["w"] * table["zz"]
    sums = table.groupby("outside")[["w", "wzz"]].sum()
    return sums["w"] / sums["w"].sum(), sums["wzz"] / sums["w"]


@pytest.mark.parametrize(("variable", "graph"), [("score", "knn6"), ("ratio", "band300"), ("scale_2020", "queen")])
def test_the_parts_of_a_selection_add_up_to_moran(payload, variable, graph):
    share, value = moran_parts(payload, variable, graph, set(range(40)))
    assert (share * value).sum() == pytest.approx(payload["moran"][variable][graph][0], abs=2e-4)


# the page


def test_every_text_that_a_script_asks_for_is_there_in_both_languages():
    words = atlas_words()
    for item in ASSETS.iterdir():
        if item.name.startswith("atlas_") and item.name.endswith(".js"):
            asked = re.findall(r'(?:A|Atlas)\.t\("([a-z_]+)"[,)]', item.read_text(encoding="utf-8"))
            asked += re.findall(r'\bt(?:itleKey)?: "([a-z_]+)"', item.read_text(encoding="utf-8"))
            # a key that ends with a line is the first half of several
            assert {key for key in asked if key not in words and not key.endswith("_")} == set(), item.name


def test_a_text_holds_the_same_gaps_in_both_languages():
    for key, (zh, en) in atlas_words().items():
        assert sorted(re.findall(r"\{\w+\}", zh)) == sorted(re.findall(r"\{\w+\}", en)), key


def test_the_page_is_one_file_under_three_megabytes_and_the_same_at_every_run(found):
    page = build_atlas(found)
    assert len(page.html.encode()) < 3_000_000
    assert page.html == build_atlas(found).html
    assert "unsafe-inline" not in page.html.split("style-src")[0]


def test_polygons_are_carried_once(found, payload):
    assert len(payload["units"]["shapes"]) == len(found.units)
    everything = json.dumps(payload)
    longest = max((json.dumps(shape) for shape in payload["units"]["shapes"]), key=len)
    assert everything.count(longest) == 1


def test_a_study_without_corridors_and_poles_offers_the_layers_it_has(payload):
    assert payload["layers"] == ["scores", "lisa", "clusters"]
    assert payload["poles"] is None
