"""Reports of a run that exists: nothing is computed, a stale run and a wrong wish are refused before any work."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from typer.testing import CliRunner

from geo_cdei import pipeline
from geo_cdei.cli import app
from geo_cdei.errors import OutputError, StudyError
from geo_cdei.outputs.manifest import file_hash
from geo_cdei.outputs.reload import check_fresh, read_manifest
from geo_cdei.reports import write_report
from geo_cdei.studies import present_inputs


@pytest.fixture(autouse=True)
def nothing_is_computed(request, monkeypatch):
    """Let no report run the pipeline; the shared run is made before."""
    request.getfixturevalue("finished")
    monkeypatch.setattr(pipeline, "run", lambda *_, **__: pytest.fail("a report computed the study again"))


def names(paths):
    return [path.name for path in paths]


def test_a_report_has_the_formats_that_are_asked_for(own_copy):
    written = write_report(own_copy, cluster="C05", formats=["xlsx", "docx"])
    assert names(written) == ["report.C05.docx", "report.C05.xlsx"]


def test_a_report_of_the_whole_study_has_no_cluster_in_its_name(own_copy):
    (page,) = write_report(own_copy, formats=["html"])
    assert page == own_copy.root / "report.html"
    assert "山东半岛" in page.read_text(encoding="utf-8")


def test_a_report_is_in_the_language_that_is_asked_for(own_copy):
    page, book = write_report(own_copy, lang="en", cluster="C05", formats=["html", "xlsx"])
    assert '<html lang="en"' in page.read_text(encoding="utf-8")
    assert "Contents" in pd.read_excel(book, sheet_name=None, nrows=1, engine="calamine")


def test_the_manifest_names_the_report_and_stays_fresh(own_copy):
    (book,) = write_report(own_copy, cluster="C05", formats=["xlsx"])
    manifest = read_manifest(own_copy)
    assert manifest["outputs"]["report.C05.xlsx"] == file_hash(book)
    check_fresh(own_copy, manifest, inputs=present_inputs(own_copy))


def test_the_same_report_may_be_written_twice_and_is_the_same(own_copy):
    first = write_report(own_copy, cluster="C05", formats=["xlsx"])[0].read_bytes()
    assert write_report(own_copy, cluster="C05", formats=["xlsx"])[0].read_bytes() == first


def test_the_steps_are_told(own_copy):
    told = []
    write_report(own_copy, cluster="C05", formats=["xlsx"], on_step=lambda *step: told.append(step))
    assert told == [("read", "start"), ("read", "end"), ("xlsx", "start"), ("xlsx", "end")]


def test_a_report_that_somebody_worked_on_is_not_written_over(own_copy):
    book = own_copy.root / "report.xlsx"
    book.write_bytes(b"my notes")
    with pytest.raises(OutputError, match=r"report\.xlsx was changed .* another name"):
        write_report(own_copy, formats=["xlsx"])
    assert book.read_bytes() == b"my notes"


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"formats": ["pdf"]}, r"no format of a report 'pdf'; there are html, docx, xlsx"),
        ({"formats": []}, r"no format of a report ''"),
        ({"lang": "fr"}, r"no language 'fr'; there are zh, en"),
        ({"cluster": "C99"}, r"no cluster 'C99'; there are C01, C02"),
        ({"cluster": "../C05"}, r"no cluster '\.\./C05'"),
    ],
)
def test_a_wrong_wish_is_an_error_with_the_valid_ones(own_copy, wish, said):
    before = sorted(path.name for path in own_copy.root.iterdir())
    with pytest.raises(OutputError, match=said):
        write_report(own_copy, **wish)
    assert sorted(path.name for path in own_copy.root.iterdir() if "lock" not in path.name) == [
        name for name in before if "lock" not in name
    ]


def test_a_stale_run_is_refused_with_the_reason(own_copy):
    path = own_copy.raw / "scores_2021.csv"
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(StudyError, match=r"out of date(.|\n)*scores_2021\.csv(.|\n)*geo-cdei run"):
        write_report(own_copy, formats=["xlsx"])
    assert not (own_copy.root / "report.xlsx").exists()


def test_a_study_without_a_run_is_refused(study):
    with pytest.raises(StudyError, match=r"no finished run"):
        write_report(study)


def test_the_command_writes_and_names_the_files(own_copy):
    done = CliRunner().invoke(
        app, ["report", str(own_copy.root), "--format", "xlsx", "--cluster", "C05", "--lang", "en"]
    )
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[-1].endswith("report.C05.xlsx")


def test_the_command_refuses_what_the_function_refuses(own_copy):
    done = CliRunner().invoke(app, ["report", str(own_copy.root), "--format", "pdf"])
    assert isinstance(done.exception, OutputError)


def test_maps_of_the_run_are_used_and_others_drawn_again(own_copy, monkeypatch):
    """Drawing is stood in for: which maps are drawn is the claim."""
    from geo_cdei.outputs import recipe_maps
    from geo_cdei.outputs.report import files

    manifest = read_manifest(own_copy)
    for name in ("scores", "lisa"):
        (own_copy.maps / f"{name}.png").write_bytes(name.encode())
        manifest["outputs"][f"maps/{name}.png"] = file_hash(own_copy.maps / f"{name}.png")
    (own_copy.root / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (own_copy.maps / "lisa.png").write_bytes(b"drawn by hand since")
    drawn, given = [], {}
    monkeypatch.setattr(
        recipe_maps, "draw_recipe", lambda recipe, *_, **__: drawn.append(recipe.name) or {"png": b"1"}
    )
    monkeypatch.setattr(files, "write_report", lambda *_, maps, **__: given.update(maps))
    write_report(own_copy, formats=["html"])
    assert (drawn, given) == (["lisa"], {"scores": b"scores", "lisa": b"1"})
    write_report(own_copy, formats=["html"], lang="en")
    assert drawn == ["lisa", "scores", "lisa"]
