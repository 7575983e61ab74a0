"""A folium map as one file: nothing is fetched, nothing is random, nothing unknown gets in."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys

import folium
import pytest
from branca.element import Element

from geo_cdei.errors import OutputError
from geo_cdei.outputs import page as page_module
from geo_cdei.outputs.page import OfflineMap, self_contained


def plain_map() -> folium.Map:
    return folium.Map(tiles=None)


def render(folium_map: folium.Map, title: str = "t") -> str:
    return self_contained(folium_map, title=title, lang="zh")


def test_two_maps_give_the_same_bytes():
    """The random ids are gone."""
    assert render(plain_map()) == render(plain_map())


def test_another_process_gives_the_same_bytes():
    """Nothing hangs on the hash seed or on what ran before."""
    code = (
        "import folium, hashlib\nfrom geo_cdei.outputs.page import self_contained\n"
        "page = self_contained(folium.Map(tiles=None), title='t', lang='zh')\n"
        "print(hashlib.sha256(page.encode()).hexdigest())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == hashlib.sha256(render(plain_map()).encode()).hexdigest()


def test_an_earlier_rendering_is_not_written_twice():
    """A map that a notebook has shown before gives the same page."""
    shown = plain_map()
    shown.get_root().render()
    assert render(shown) == render(plain_map())


def test_the_map_is_left_as_it_was():
    """Ids and contents of the caller's map are put back."""
    given = plain_map()
    before = given.get_name(), list(given.get_root().script._children)
    render(given)
    assert (given.get_name(), list(given.get_root().script._children)) == before


def test_no_element_of_the_page_loads_anything():
    """No link, no source, no style sheet address but data."""
    page = render(plain_map())
    markup = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert not re.findall(r"<link|\ssrc=|@import", markup)
    assert set(re.findall(r"url\((?!data:)([^)]*)\)", markup)) == {"#default#VML"}


def test_the_policy_names_the_hash_of_every_script_and_no_other():
    """A script that slipped in could not run."""
    page = render(plain_map())
    scripts = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    wanted = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    assert re.findall(r"'sha256-([^']+)'", page) == wanted
    assert "default-src 'none'" in page
    assert "'unsafe-inline'; img-src data: blob:; font-src data:; base-uri 'none'; form-action 'none'" in page


def test_what_no_map_here_needs_is_left_out():
    """jQuery, Bootstrap and Font Awesome alone would double the page."""
    page = render(plain_map())
    assert len(page.encode()) < 180_000
    assert not re.search(r"jquery|bootstrap|fontawesome|glyphicon", page, re.IGNORECASE)


def test_title_and_language_are_in_the_head():
    """The title passes the door like every text."""
    page = render(plain_map(), title="</title><b>`")
    assert '<html lang="zh-CN">' in page
    assert "<title>&lt;/title&gt;&lt;b&gt;&#96;</title>" in page


def test_a_tile_layer_is_refused():
    """Tiles come from a server, which a closed network has not."""
    with pytest.raises(OutputError, match="names an address outside of the page"):
        render(folium.Map(tiles="OpenStreetMap"))


def test_a_plug_in_from_a_server_is_refused():
    """A link that is not known is an error, not a page that half works."""
    from folium.plugins import Fullscreen

    given = plain_map()
    Fullscreen().add_to(given)
    with pytest.raises(OutputError, match=r"links 'https://.*fullscreen"):
        render(given)


def test_a_popup_of_folium_is_refused_because_it_needs_jquery():
    """What was left out must not be missed at run time."""
    given = plain_map()
    folium.Marker([39.9, 116.4], popup="x").add_to(given)
    with pytest.raises(OutputError, match="which an offline page does not carry"):
        render(given)


@pytest.mark.parametrize(
    "markup",
    ["<img src='http://x/a.png'>", "<p onclick='x()'>a</p>", "<p style='background:url(//x/a)'>a</p>"],
)
def test_markup_that_loads_or_runs_is_refused(markup):
    """Attributes are a way in, too."""
    given = plain_map()
    given.get_root().html.add_child(Element(markup))
    with pytest.raises(OutputError, match="not possible on a page that opens without a network"):
        render(given)


@pytest.mark.parametrize("css", ["@import 'x.css';", "p {background: url(https://x/a.png)}"])
def test_a_style_that_loads_is_refused(css):
    """Style sheets can fetch as well."""
    given = plain_map()
    given.get_root().header.add_child(Element(f"<style>{css}</style>"))
    with pytest.raises(OutputError, match="a style sheet of the map"):
        render(given)


def test_save_writes_the_page_and_leaves_nothing_beside_it(tmp_path):
    """Bytes are UTF-8 with plain line ends on every system."""
    target = OfflineMap("<p>北京</p>\n", "t").save(tmp_path / "scores.html")
    assert target.read_bytes() == "<p>北京</p>\n".encode()
    assert [path.name for path in tmp_path.iterdir()] == ["scores.html"]


def test_a_page_held_open_is_named_and_the_earlier_one_stays(tmp_path, monkeypatch):
    """What Windows does when a program holds the file."""
    (tmp_path / "scores.html").write_text("old", encoding="utf-8")

    def held(*_: object) -> None:
        raise PermissionError(13, "held")

    monkeypatch.setattr("os.replace", held)
    with pytest.raises(OutputError, match=r"close scores\.html"):
        OfflineMap("new", "t").save(tmp_path / "scores.html")
    assert [path.read_text(encoding="utf-8") for path in tmp_path.iterdir()] == ["old"]


def test_save_refuses_a_name_that_windows_keeps(tmp_path):
    """The name passes the same door as every other output."""
    with pytest.raises(OutputError, match="device"):
        OfflineMap("x", "t").save(tmp_path / "con.html")


def test_the_notebook_form_carries_the_whole_page():
    """The frame needs no server and may not touch the notebook around it."""
    shown = OfflineMap('<p title="a">x & y</p>', "T")._repr_html_()
    assert 'srcdoc="&lt;p title=&quot;a&quot;&gt;x &amp; y&lt;/p&gt;"' in shown
    assert 'sandbox="allow-scripts allow-downloads"' in shown
    assert "src=" not in shown.replace("srcdoc=", "")


def test_line_ends_of_scripts_are_what_a_browser_hashes():
    """With CRLF in a script the policy would block it."""
    assert page_module._one_line_end("a\r\nb\rc") == "a\nb\nc"
