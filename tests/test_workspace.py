"""A study is a folder of a known shape."""

from __future__ import annotations

import pytest

from geo_cdei.errors import StudyError
from geo_cdei.workspace import INPUTS, SETTINGS_NAME, create_study, default_study, open_study


def files_below(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_new_study_has_every_input_of_the_default_one_byte_for_byte(study):
    for name in (*INPUTS, SETTINGS_NAME):
        origin, copy = default_study() / name, study.root / name
        pairs = [(origin, copy)] if origin.is_file() else [(origin / n, copy / n) for n in files_below(copy)]
        assert pairs
        assert all(a.read_bytes() == b.read_bytes() for a, b in pairs)


def test_a_new_study_has_the_tables_and_nothing_derived(study):
    names = files_below(study.root)
    assert {"data/raw/scores_2021.csv", "boundaries/units.csv", "maps/recipes/README.md"} <= names
    assert not [name for name in names if "derived" in name or name.endswith(".html")]


def test_an_empty_folder_may_become_a_study(tmp_path):
    assert create_study(tmp_path).settings.is_file()


def test_a_folder_that_holds_something_is_left_alone(tmp_path):
    (tmp_path / "letter.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(StudyError, match=r"is not empty.*nothing was written"):
        create_study(tmp_path)
    assert files_below(tmp_path) == {"letter.txt"}


def test_a_file_of_that_name_is_left_alone(tmp_path):
    (tmp_path / "other").write_text("mine", encoding="utf-8")
    with pytest.raises(StudyError, match="is not empty"):
        create_study(tmp_path / "other")


def test_a_folder_that_is_not_there_says_how_to_make_it(tmp_path):
    with pytest.raises(StudyError, match="geo-cdei init nowhere"):
        open_study(tmp_path / "nowhere")


def test_a_folder_without_settings_is_no_study(tmp_path):
    with pytest.raises(StudyError, match=r"has no geo-cdei\.toml"):
        open_study(tmp_path)


def test_the_current_folder_is_opened_when_none_is_given(study, monkeypatch):
    monkeypatch.chdir(study.root)
    assert open_study().root.samefile(study.root)


def test_paths_are_named_with_forward_slashes(study):
    assert study.relative(study.raw / "clusters.csv") == "data/raw/clusters.csv"


def test_a_name_in_chinese_with_spaces_is_a_good_folder(tmp_path):
    assert open_study(create_study(tmp_path / "我的 研究").root).settings.is_file()
