"""Fonts: the characters of a map decide them before anything is drawn."""

from __future__ import annotations

import pytest

from geo_cdei.errors import GeoCdeiWarning, OutputError
from geo_cdei.outputs import fonts
from geo_cdei.outputs.fonts import choose_fonts, find_family

font_manager = pytest.importorskip("matplotlib.font_manager")

SYSTEM = next((name for name in fonts.CJK_FAMILIES if fonts._entries(name)), None)
with_font = pytest.mark.skipif(SYSTEM is None, reason="no Chinese font: apt-get install fonts-noto-cjk")
TEXTS = {"zh": "城市得分 ≤ 5", "en": "City score ≤ 5"}.get


@pytest.fixture
def bare(monkeypatch):
    """Give a system without a Chinese font and without frykit's."""
    monkeypatch.setattr(fonts, "CJK_FAMILIES", ())
    monkeypatch.setattr(fonts, "_add_new_fonts", lambda: None)
    monkeypatch.setattr(fonts, "_add_frykit", lambda: None)


@with_font
def test_a_system_font_that_has_all_characters_is_taken():
    choice = choose_fonts(TEXTS, lang="zh")
    assert (choice.lang, choice.missing) == ("zh", frozenset())
    assert set("城市得分≤5") <= fonts._charset(choice.families[0])


def test_a_font_without_a_character_is_passed_over():
    """DejaVu Sans has no 城, so it is no font for it; it has all of the other text."""
    assert (find_family("城", ["DejaVu Sans"]) or "") != "DejaVu Sans"
    assert find_family("Score ≤ 5", ["DejaVu Sans"]) == "DejaVu Sans"


@with_font
def test_a_font_that_the_cached_list_lacks_is_found(monkeypatch):
    """After an installation matplotlib's list is older than the font."""
    everything = font_manager.fontManager.ttflist
    files = {entry.fname for entry in everything if entry.name in fonts.CJK_FAMILIES or "CJK" in entry.name}
    old = [entry for entry in everything if entry.fname not in files]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", old)
    assert find_family("城市得分", fonts.CJK_FAMILIES) in fonts.CJK_FAMILIES


@with_font
def test_a_font_whose_file_is_gone_is_not_chosen(monkeypatch):
    monkeypatch.setattr(fonts.Path, "is_file", lambda path: "Noto" not in path.name and "wqy" not in path.name)
    assert fonts._entries("Noto Sans CJK SC") == []


def test_the_subset_of_frykit_serves_where_it_has_every_character(bare, monkeypatch):
    """It has the names of all units, but not 综."""
    monkeypatch.undo()
    monkeypatch.setattr(fonts, "_add_new_fonts", lambda: None)
    assert find_family("北京重庆四川", ()) == fonts._add_frykit()
    assert find_family("综合", ()) is None


def test_without_a_chinese_font_the_map_is_in_english_with_one_warning(bare):
    with pytest.warns(GeoCdeiWarning, match="printed maps are in English") as caught:
        assert choose_fonts(TEXTS, lang="zh").lang == "en"
    assert len(caught) == 1


def test_chinese_that_was_asked_for_is_refused_with_the_line_to_install_a_font(bare):
    with pytest.raises(OutputError, match=r"apt-get install fonts-noto-cjk.*--lang en"):
        choose_fonts(TEXTS, lang="zh", insist=True)


def test_english_asks_for_no_chinese_font(bare):
    assert choose_fonts(TEXTS, lang="en").missing == frozenset()


def test_characters_that_no_font_has_are_named(bare):
    """A city without an English name on an English map."""
    assert choose_fonts({"en": "Score 城"}.get, lang="en").missing == frozenset("城")


@with_font
def test_a_chinese_name_on_an_english_map_finds_its_font():
    choice = choose_fonts({"en": "Score 城"}.get, lang="en")
    assert choice.missing == frozenset()
    assert len(choice.families) >= 2


def test_spaces_and_line_ends_need_no_glyph():
    assert find_family("a b\n\tc\u3000", ["DejaVu Sans"]) == "DejaVu Sans"
