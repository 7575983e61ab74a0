"""The README's five lines in a notebook, with the network off."""

from __future__ import annotations

import dataclasses

import pytest

from geo_cdei.outputs.notebook import summary_html
from geo_cdei.results import Notice

FIVE_LINES = """\
import geo_cdei
study = geo_cdei.init("my-study")
outcome = geo_cdei.run_study(study, only=["scores"])
pages = geo_cdei.build_pages(outcome.analysis)
pages["scores"]
"""
# The kernel talks to its client through the machine itself; every other connection is an error.
NO_NETWORK = """\
import socket
connect = socket.socket.connect
def local(self, address):
    if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
        raise OSError(f"no network: {address}")
    return connect(self, address)
socket.socket.connect = local
"""


@pytest.mark.filterwarnings("ignore::DeprecationWarning:jupyter_client", "ignore::DeprecationWarning:zmq")
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_five_lines_give_a_map_without_a_network(tmp_path):
    """The map is in the notebook's own output: a frame that asks nothing of any server."""
    nbclient = pytest.importorskip("nbclient", reason="pip install 'geo-cdei[test]' brings nbclient")
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    cells = [nbformat.v4.new_code_cell(source) for source in (NO_NETWORK, FIVE_LINES)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    client = nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    (shown,) = [out for out in notebook.cells[1].outputs if out.output_type == "execute_result"]
    html = shown["data"]["text/html"]
    assert html.startswith("<iframe")
    assert "srcdoc=" in html
    assert "https://" not in html.split("srcdoc=")[0]
    assert (tmp_path / "my-study" / "maps").is_dir()


@pytest.mark.parametrize(("lang", "label"), [("zh", "城市群"), ("en", "Clusters")])
def test_a_summary_is_in_the_language_of_the_study(analysis, lang, label):
    study = analysis.settings.study.model_copy(update={"language": lang})
    settings = analysis.settings.model_copy(update={"study": study})
    html = summary_html(dataclasses.replace(analysis, settings=settings), seconds=1.25)
    assert f">{label}</th>" in html
    assert "242 / 372" in html
    assert ">1.2</td>" in html


def test_a_summary_escapes_what_comes_from_the_data(analysis):
    evil = Notice("x", "<img src=x onerror=alert(1)>`${1}`")
    html = summary_html(dataclasses.replace(analysis, notices=(evil,)))
    assert "<img" not in html
    assert "&lt;img" in html


def test_a_summary_of_a_study_without_clusters_has_no_best_ones(analysis):
    html = summary_html(dataclasses.replace(analysis, clusters=analysis.clusters[:0]))
    assert ">–</td>" in html
