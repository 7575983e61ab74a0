"""Which unit a row means: codes, whole names, refusals, and the join."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_cdei import columns
from geo_cdei.errors import AlignmentError, MatchError, SchemaError
from geo_cdei.inputs.cities import check_matches, join_cities, match_cities
from geo_cdei.inputs.names import build_book, normalize_name

ROOT = Path(__file__).parents[1]
UNITS = pd.read_csv(ROOT / "boundaries" / "units.csv", dtype={"adcode": "str", "province_adcode": "str"})
ALIASES = pd.read_csv(ROOT / "boundaries" / "aliases.csv", dtype="str", keep_default_na=False)
COUNTIES = pd.DataFrame(
    [
        ("西安区", "辽源市", "吉林省"), ("西安区", "牡丹江市", "黑龙江省"), ("中山区", "大连市", "辽宁省"),
        ("阿克苏市", "阿克苏地区", "新疆维吾尔自治区"), ("甘南县", "齐齐哈尔市", "黑龙江省"),
        ("大同区", "大庆市", "黑龙江省"), ("昆山市", "苏州市", "江苏省"),
    ],
    columns=["name", "city", "province"],
)  # fmt: skip
BOOK = build_book(UNITS.set_index("adcode"), ALIASES)


def match(names=None, codes=None, counties=COUNTIES):
    table = {} if names is None else {"city": names}
    if codes is not None:
        table["adcode"] = codes
    return match_cities(pd.DataFrame(table), UNITS, ALIASES, counties=counties)


def one(name=None, code=None, counties=COUNTIES):
    return match(None if name is None else [name], None if code is None else [code], counties).iloc[0]


# --- the data


@pytest.fixture(scope="module")
def scores():
    return pd.read_csv(ROOT / "data" / "raw" / "scores_2021.csv")


def test_all_242_cities_match_one_unit_each(scores):
    matches = match_cities(scores, UNITS, ALIASES)
    check_matches(matches)
    assert matches["adcode"].nunique() == 242
    assert matches["how"].value_counts().to_dict() == {"short name": 241, "alias": 1}


def test_the_columns_are_those_of_the_column_list(scores):
    matches = match_cities(scores, UNITS, ALIASES)
    assert tuple(matches.columns) == columns.MATCHES
    assert matches.index.equals(scores.index)
    assert matches["row"].tolist() == list(range(1, 243))


def test_a_table_is_matched_whatever_its_row_labels():
    table = pd.DataFrame({"city": ["苏州", "苏洲"]}, index=["b", "a"])
    matches = match_cities(table, UNITS, ALIASES)
    assert matches.index.tolist() == ["b", "a"]
    assert matches.loc["b", "adcode"] == "320500"
    assert matches.loc["a", "row"] == 2


def test_arguments_are_not_changed(scores):
    before = scores.copy(), UNITS.copy(), ALIASES.copy()
    match_cities(scores, UNITS, ALIASES)
    for old, new in zip(before, (scores, UNITS, ALIASES), strict=True):
        pd.testing.assert_frame_equal(old, new)


# --- names


@pytest.mark.parametrize(
    ("name", "adcode", "how"),
    [
        ("苏州市", "320500", "official name"), ("苏州", "320500", "short name"),
        ("吉林", "220200", "short name"),
        ("黔西南州", "522300", "alias"), ("恩施州", "422800", "alias"), ("凉山自治州", "513400", "alias"),
        ("巴州", "652800", "alias"), ("克孜勒", "653000", "alias"), ("伊犁州", "654000", "alias"),
        ("襄樊", "420600", "former name"), ("思茅市", "530800", "former name"),
        ("徽州地区", "341000", "former name"),
        ("荆沙市", "421000", "former name"), ("呼伦贝尔盟", "150700", "former name"),
        ("黔西南布依族苗族自治州", "522300", "official name"), ("石河子", "659001", "short name"),
    ],
)  # fmt: skip
def test_each_kind_of_name_finds_its_unit(name, adcode, how):
    found = one(name)
    assert (found["adcode"], found["how"]) == (adcode, how)


def test_a_former_name_says_until_when_it_was_used():
    assert one("襄樊")["note"] == "in use until 2010"


@pytest.mark.parametrize(
    "name", ["　苏州　", "苏 州 市", "蘇州", "蘇州市", "苏州\u200b市", "\ufeff苏州", "'苏州", "苏州\xa0"]
)
def test_width_spaces_and_traditional_characters_do_not_matter(name):
    assert one(name)["adcode"] == "320500"


def test_a_former_name_in_traditional_characters_is_found():
    assert one("達川地區")["adcode"] == "511700"


def test_the_wrong_characters_are_answered_with_the_right_name_first():
    found = one("苏洲")
    assert found[["how", "note"]].tolist() == ["", "not a prefecture-level unit"]
    assert pd.isna(found["adcode"])
    assert found["suggestions"].split("; ")[0] == "苏州市"


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("乌鲁木其", "乌鲁木齐市"),
        ("黔西南周", "黔西南布依族苗族自治州"),
        ("Suzhou", "苏州市"),
        ("Xian", "西安市"),
    ],
)
def test_suggestions_are_at_most_three_and_hold_the_likely_one(name, near):
    suggested = one(name)["suggestions"].split("; ")
    assert len(suggested) <= 3
    assert near in suggested


@pytest.mark.parametrize("name", ["西安区", "中山区", "阿克苏市", "甘南县", "大同区", "昆山", "昆山市"])
def test_a_county_level_name_is_refused_and_placed(name):
    found = one(name)
    assert pd.isna(found["adcode"])
    assert found["note"].startswith("a county-level name (")


def test_all_the_places_of_a_county_name_are_told():
    assert "西安区 of 辽源市, 西安区 of 牡丹江市" in one("西安区")["note"]
    assert one("西安区")["suggestions"].startswith("西安市")


def test_without_a_list_of_counties_the_reason_is_plain():
    assert one("西安区", counties=None)["note"] == "not a prefecture-level unit"


def test_counties_are_read_only_when_a_name_is_unknown():
    def fail():
        raise AssertionError("read without need")

    assert one("苏州", counties=fail)["adcode"] == "320500"
    assert one("西安区", counties=lambda: COUNTIES)["note"].startswith("a county-level name")


@pytest.mark.parametrize("name", ["吉林省", "海南省", "河北", "内蒙古自治区", "广东"])
def test_a_province_is_refused(name):
    found = one(name)
    assert pd.isna(found["adcode"])
    assert found["note"] == "a province, not a prefecture-level unit"


@pytest.mark.parametrize(("name", "adcode"), [("吉林", "220200"), ("海南", "632500")])
def test_a_unit_called_as_a_province_is_matched_and_noted(name, adcode):
    found = one(name)
    assert found["adcode"] == adcode
    assert "also a province" in found["note"]


def test_an_abolished_unit_is_never_taken_for_its_heir():
    found = one("莱芜")
    assert pd.isna(found["adcode"])
    assert found["note"] == "abolished as a prefecture-level unit in 2019; its area went to 济南市 (370100)"
    assert "马鞍山市" in one("巢湖市")["note"]


@pytest.mark.parametrize("name", ["鞍", "鞍山市区", "马鞍", "鞍山 马鞍山", "大连苏州", "凉山市", "市", "州"])
def test_a_part_of_a_name_matches_nothing(name):
    assert pd.isna(one(name)["adcode"])


def test_one_name_inside_another_keeps_both_apart():
    assert match(["鞍山", "马鞍山"])["adcode"].tolist() == ["210300", "340500"]


def test_a_name_of_two_units_lists_both():
    extra = pd.DataFrame({"adcode": ["320500", "341300"], "alias": "Suzhou", "kind": "alias", "year": ""})
    found = match_cities(pd.DataFrame({"city": ["suzhou"]}), UNITS, extra).iloc[0]
    assert pd.isna(found["adcode"])
    assert found["note"] == "the name of several units: 苏州市 (320500), 宿州市 (341300)"
    assert found["suggestions"] == "苏州市; 宿州市"


def test_a_stronger_kind_of_name_goes_before_a_weaker_one():
    extra = pd.DataFrame({"adcode": ["341300"], "alias": ["苏州"], "kind": "alias", "year": ""})
    found = match_cities(pd.DataFrame({"city": ["苏州"]}), UNITS, extra).iloc[0]
    assert (found["adcode"], found["how"]) == ("320500", "short name")


# --- codes


@pytest.mark.parametrize(
    "code",
    ["320500", 320500, 320500.0, "320500.0", "320500.", "320500000000", 320500000000, 3.205e11, "'320500",
     " 320500 ", "３２０５００", "3.205e5", "3.205E+05", "3.205E+11"],
)  # fmt: skip
def test_a_damaged_code_is_repaired(code):
    found = one(code=code)
    assert (found["adcode"], found["how"]) == ("320500", "code")


def test_a_code_in_powers_of_ten_is_noted():
    assert one(code="3.205E+05")["note"] == "the code was written as 3.205E+05, which may have lost digits"


@pytest.mark.parametrize(
    ("code", "adcode"),
    [("110100", "110000"), ("1.101e5", "110000"), ("310100", "310000"), ("500100", "500000")],
)
def test_the_districts_of_a_municipality_are_the_municipality(code, adcode):
    found = one(code=code)
    assert found["adcode"] == adcode
    assert "stands for the districts of" in found["note"]


@pytest.mark.parametrize("code", ["710100", "500200", "320100000001", "999999", "12345", "abc", "1e99999999"])
def test_a_code_that_is_no_unit_is_refused(code):
    assert pd.isna(one(code=code)["adcode"])


def test_a_county_code_says_where_it_lies():
    assert one(code="220403")["note"].endswith("; it lies in 辽源市 (220400)")


def test_code_and_name_that_agree_are_matched_by_the_code():
    assert one("姑苏", "320500")["how"] == "code"
    assert one("苏州", "320500")[["how", "note"]].tolist() == ["code", ""]
    assert one("北京", "110100")["adcode"] == "110000"


def test_code_and_name_that_disagree_name_both_units():
    found = one("天津", "110000")
    assert pd.isna(found["adcode"])
    assert found["note"] == "the code is 北京市 (110000), the name 天津 is 天津市 (120000)"
    assert found["suggestions"] == "北京市; 天津市"


@pytest.mark.parametrize("name", ["西安区", "莱芜", "吉林省"])
def test_a_good_code_does_not_carry_a_name_of_another_kind(name):
    found = one(name, "220400")
    assert pd.isna(found["adcode"])
    assert found["note"].startswith(f"the code is 辽源市 (220400), the name {name} is a")


def test_a_bad_code_beside_a_good_name_is_a_fault_with_its_cure():
    found = one("苏州", "320599")
    assert pd.isna(found["adcode"])
    assert found["note"].endswith("the name 苏州 is 苏州市 (320500): correct the code or leave it empty")


@pytest.mark.parametrize("empty", [None, float("nan"), "", " ", pd.NA])
def test_an_empty_code_leaves_the_name_to_decide(empty):
    assert one("苏州", empty)["how"] == "short name"


def test_a_row_with_nothing_says_so():
    assert one("", None)["note"] == "neither a name nor a code"


def test_a_table_with_neither_column_is_refused():
    with pytest.raises(SchemaError, match=r"needs a column 'city' of names or 'adcode'.*\['town'\]"):
        match_cities(pd.DataFrame({"town": ["苏州"]}), UNITS, ALIASES)


def test_a_traditional_name_of_another_length_is_refused():
    wrong = pd.DataFrame({"adcode": ["320500"], "alias": ["蘇州"], "kind": "traditional", "year": ""})
    with pytest.raises(SchemaError, match=r"蘇州 of 320500 needs one character for each of the official name"):
        match_cities(pd.DataFrame({"city": ["苏州"]}), UNITS, wrong)


# --- all faults at once


def test_all_faults_of_a_table_stand_in_one_error():
    matches = match(["苏州", "苏洲", "西安区", "苏州市", ""], ["", "", "", "", "110101"])
    with pytest.raises(MatchError, match=r"^scores: 4 faults in the cities of 5 rows") as caught:
        check_matches(matches, name="scores")
    text = str(caught.value)
    assert "row 2 苏洲: not a prefecture-level unit; did you mean 苏州市" in text
    assert "row 5 110101: the code 110101 is not that of a prefecture-level unit" in text
    assert "rows 1 (苏州), 4 (苏州市) are the same unit, 苏州市 (320500)" in text


def test_two_rows_of_one_unit_may_be_allowed():
    assert check_matches(match(["苏州", "苏州市"]), unique=False) is None


def test_a_long_list_of_faults_is_counted_and_cut():
    with pytest.raises(MatchError, match=r"(?s)30 faults.*row 20 .*\.\.\. and 10 more") as caught:
        check_matches(match([f"无名{number}" for number in range(30)]))
    assert "row 21 " not in str(caught.value)


# --- the join


def test_the_join_keeps_rows_order_and_columns(scores):
    cities = join_cities(scores, UNITS, match_cities(scores, UNITS, ALIASES))
    assert len(cities) == 242
    assert cities["score"].tolist() == scores["score"].tolist()
    assert cities.index.name == "adcode"
    assert tuple(cities.columns[:6]) == columns.CITY_UNIT
    assert cities.loc["522300", ["city", "given_city", "city_en"]].tolist() == [
        "黔西南",
        "黔西南州",
        "Qianxinan",
    ]


def test_the_join_takes_points_where_there_are_no_polygons():
    scores = pd.DataFrame({"city": ["苏州"]})
    cities = join_cities(scores, UNITS, match_cities(scores, UNITS, ALIASES))
    assert cities.crs == "EPSG:4326"
    assert (cities.geometry.x.item(), cities.geometry.y.item()) == tuple(cities[["lon", "lat"]].iloc[0])


def test_the_join_takes_polygons_and_their_crs():
    import geopandas as gpd
    from shapely import box

    units = gpd.GeoDataFrame(UNITS.set_index("adcode"), geometry=[box(0, 0, 1, 1)] * 372, crs="EPSG:3857")
    scores = pd.DataFrame({"city": ["苏州"], "province": ["江苏省"]})
    cities = join_cities(scores, units, match_cities(scores, units, ALIASES))
    assert cities.crs == "EPSG:3857"
    assert cities.geometry.area.tolist() == [1.0]
    assert cities.loc["320500", ["province", "given_province"]].tolist() == ["江苏", "江苏省"]


def test_an_unmatched_row_is_an_error_and_never_dropped():
    scores = pd.DataFrame({"city": ["苏州", "苏洲"]})
    with pytest.raises(MatchError, match=r"1 fault in the cities of 2 rows"):
        join_cities(scores, UNITS, match_cities(scores, UNITS, ALIASES))


def test_matches_of_another_table_are_refused():
    scores = pd.DataFrame({"city": ["苏州", "无锡"]})
    with pytest.raises(AlignmentError, match=r"2 rows and its matches 1"):
        join_cities(scores, UNITS, match_cities(scores.head(1), UNITS, ALIASES))


def test_a_unit_that_is_not_in_the_layer_is_named():
    scores = pd.DataFrame({"city": ["苏州"]})
    with pytest.raises(MatchError, match=r"1 matched units are not in the layer \(first: \['320500'\]\)"):
        join_cities(scores, UNITS[UNITS["adcode"] != "320500"], match_cities(scores, UNITS, ALIASES))


def test_units_without_a_column_are_refused():
    scores = pd.DataFrame({"city": ["苏州"]})
    with pytest.raises(SchemaError, match=r"lack the columns \['lon', 'lat'\]"):
        join_cities(scores, UNITS.drop(columns=["lon", "lat"]), match_cities(scores, UNITS, ALIASES))


# --- whatever is typed

WIDE = str.maketrans({chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)})


def _loosen(name, gap):
    return gap + gap.join(name) + gap


@settings(max_examples=300, deadline=None)
@given(st.text())
def test_normalizing_twice_changes_nothing(text):
    once = normalize_name(text, BOOK.simplified)
    assert normalize_name(once, BOOK.simplified) == once


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(UNITS.to_dict("records")),
    st.sampled_from(["", " ", "　", "\u200b", "\xa0", "\t"]),
    st.booleans(),
)
def test_any_spacing_of_a_units_name_finds_that_unit(unit, gap, short):
    name = unit["short_name" if short else "official_name"]
    assert BOOK.names[normalize_name(_loosen(name, gap), BOOK.simplified)].adcodes == (unit["adcode"],)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(ALIASES[ALIASES["kind"].isin(["alias", "former", "traditional"])].to_dict("records")))
def test_any_other_name_finds_exactly_its_unit(row):
    assert BOOK.names[normalize_name(row["alias"], BOOK.simplified)].adcodes == (row["adcode"],)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(UNITS["adcode"].tolist()),
    st.sampled_from(["{}", "{}.0", "{}000000", "'{}", " {} "]),
    st.booleans(),
)
def test_any_writing_of_a_code_finds_that_unit(adcode, form, wide):
    code = form.format(adcode).translate(WIDE) if wide else form.format(adcode)
    assert BOOK.official.get(match(codes=[code])["adcode"].item()) == BOOK.official[adcode]


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(max_size=6), st.text(alphabet=sorted(set("".join(UNITS["official_name"]))), max_size=4)))
def test_no_text_ever_means_two_units_or_a_part_of_a_name(text):
    found = one(text)
    key = normalize_name(text, BOOK.simplified)
    assert pd.isna(found["adcode"]) == (key not in BOOK.names)


def test_units_in_several_rows_are_listed_in_the_order_of_the_rows():
    """The first fault of the message is the first in the table, whatever its code."""
    matches = match(["上海市", "北京市", "北京", "上海"])
    with pytest.raises(MatchError, match=r"(?s)rows 1 \(上海市\), 4 \(上海\).*rows 2 \(北京市\), 3 \(北京\)"):
        check_matches(matches)


def test_every_text_of_the_matches_is_text():
    """Codes and names given are never read as numbers or objects."""
    matches = match(["北京市"], ["110000"])
    assert {str(matches[column].dtype) for column in columns.MATCHES[1:]} == {"str"}
