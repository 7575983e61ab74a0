"""Each fault of the settings file gives a message that names the line and the cure."""

from __future__ import annotations

import pytest

from geo_cdei.config import Settings, read_settings
from geo_cdei.errors import SettingsError
from geo_cdei.workspace import default_study


@pytest.fixture
def read(tmp_path):
    def from_text(text):
        path = tmp_path / "geo-cdei.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_settings(path)

    return from_text


def test_the_default_study_names_every_key_and_leaves_no_default_unsaid():
    import tomllib

    said = tomllib.loads((default_study() / "geo-cdei.toml").read_text(encoding="utf-8"))
    assert {(s, key) for s, keys in said.items() for key in keys} == {
        (s, key) for s, keys in Settings().model_dump().items() for key in keys
    }


def test_the_file_of_the_default_study_says_the_defaults():
    """A key taken out must not change a result; titles, a city left out and a candidate are the study's own."""
    settings, bare = read_settings(default_study() / "geo-cdei.toml"), Settings()
    own = {"study": bare.study}
    own["spillovers"] = settings.spillovers.model_copy(update={"left_out": bare.spillovers.left_out})
    own["poles"] = settings.poles.model_copy(update={"custom": bare.poles.custom})
    assert settings.model_copy(update=own) == bare


def test_an_empty_file_gives_the_defaults(read):
    assert read("") == Settings()


def test_a_byte_order_mark_is_no_fault(read):
    assert read(b"\xef\xbb\xbf[scores]\nweights = 'equal'\n").scores.weights == "equal"


def test_an_unknown_key_is_named_with_its_line_and_the_nearest_valid_one(read):
    with pytest.raises(SettingsError, match=r"line 3: unknown key 'scores\.wieghts'; did you mean 'weights'\?"):
        read("[scores]\nroles = ['primary']\nwieghts = 'gdp_2019'\n")


def test_an_unknown_section_is_named_with_its_line(read):
    with pytest.raises(SettingsError, match=r"line 2: unknown key 'graphs'; did you mean 'graph'\?"):
        read("\n[graphs]\nk = 6\n")


def test_a_key_that_resembles_none_gets_the_list(read):
    with pytest.raises(SettingsError, match=r"line 2: unknown key 'graph\.qqqq'; valid: method, k, threshold_km"):
        read("[graph]\nqqqq = 6\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[graph]\nk = 'six'\n", r"line 2: graph\.k: input should be a valid integer \(given: 'six'\)"),
        ("[graph]\nk = 6.0\n", r"line 2: graph\.k: .*integer \(given: 6\.0\)"),
        ("[graph]\nk = true\n", r"line 2: graph\.k: .*integer \(given: True\)"),
        ("[graph]\nk = 0\n", r"line 2: graph\.k: .*greater than or equal to 1 \(given: 0\)"),
        ("[graph]\nmethod = 'quen'\n", r"line 2: graph\.method: input should be 'knn', 'queen'"),
        ("[study]\nlanguage = 'fr'\n", r"line 2: study\.language: input should be 'zh' or 'en' \(given: 'fr'\)"),
        ("[study]\ndate = '2026-11-21'\n", r"line 2: study\.date: .*valid date"),
        ("[inference]\npermutations = 'many'\n", r"line 2: inference\.permutations: .*'auto'"),
        ("[inference]\npermutations = 9\n", r"line 2: inference\.permutations: .*99 \(given: 9\)"),
        ("[scores]\n\nroles = []\n", r"line 3: scores\.roles: "),
        ("[scores]\nroles = ['outside']\n", r"line 2: scores\.roles\.0: input should be 'primary' or 'secondary'"),
        ("[scores]\nweights = '../gdp'\n", r"line 2: scores\.weights: .*pattern"),
        ("[data]\nscores = '../../secret'\n", r"line 2: data\.scores: .*pattern"),
        ("[boundaries]\nsimplify_m = nan\n", r"line 2: boundaries\.simplify_m: .*finite"),
        ("[scores.gdp_log_sd]\nconfirmed = -1\n", r"line 2: scores\.gdp_log_sd\.confirmed: .*(given: -1)"),
    ],
)
def test_a_wrong_value_is_named_with_its_line(read, text, said):
    with pytest.raises(SettingsError, match=said):
        read(text)


def test_every_fault_is_listed_at_once(read):
    with pytest.raises(SettingsError, match=r"has 3 faults:\n.*line 2.*\n.*line 3.*\n.*line 5"):
        read("[graph]\nk = 'six'\nqueen = 1\n[map]\nclasses = 1\n")


def test_a_dotted_key_is_found_on_its_line(read):
    with pytest.raises(SettingsError, match=r"line 2: unknown key 'graph\.kk'"):
        read("[study]\n[graph] # who is near\nkk = 2\n".replace("[study]\n[graph] # who is near\n", "\ngraph."))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[graph\nk = 6\n", r"is not valid TOML: .*line 1"),
        ("[study]\ntitle = 城市\n", r"is not valid TOML: .*line 2.*Text needs quotes"),
        ("[graph]\nk = 5\nk = 6\n", r"is not valid TOML: .*line 3.*every key stands once"),
        ("[study]\ntitle = '城市'\n".encode("gb18030"), r"is not UTF-8 \(byte 17\)\. Save it again as UTF-8"),
    ],
)
def test_a_file_that_is_no_toml_says_where(read, text, said):
    with pytest.raises(SettingsError, match=said):
        read(text)


def test_a_file_that_cannot_be_opened_is_an_error_of_ours(tmp_path):
    with pytest.raises(SettingsError, match="cannot be read"):
        read_settings(tmp_path)


def test_settings_cannot_be_changed():
    from pydantic import ValidationError

    with pytest.raises(ValidationError, match="frozen"):
        Settings().graph.k = 7
