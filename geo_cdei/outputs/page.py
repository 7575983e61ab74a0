"""A folium map as one file that opens without a network, the same bytes at every run.

folium links eleven files on public servers; on a closed network its page stays white. Here the rendered page
is read once and written anew: Leaflet comes from the installed ``XStatic-Leaflet``, our own scripts from this
package, pictures in style sheets become ``data:`` addresses, what nothing on the page needs is left out, and
an address that is not known is an error. The policy in the head names every script by its hash, so that a
text which slipped through could still not run.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import html
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geo_cdei._atomic import atomic_path
from geo_cdei.errors import OutputError
from geo_cdei.outputs._escape import file_name, text

if TYPE_CHECKING:
    import folium

__all__ = ["OWN_ASSET", "OfflineMap", "self_contained"]

#: Links that begin so are files of ``geo_cdei/outputs/assets``.
OWN_ASSET = "asset:"

# Looks and widgets that folium always links and that a map made here does not use.
_NOT_NEEDED = re.compile(r"jquery|bootstrap|awesome|glyphicons", re.IGNORECASE)
_LEAFLET = re.compile(r"/leaflet@1\.9\.\d/dist/(leaflet\.(?:js|css))$")
_NEEDS_DROPPED = re.compile(r"\$\(|L\.AwesomeMarkers|bootstrap\.")
_ADDRESS = re.compile(r"(?:https?:|wss?:|ftp:)//(?!www\.w3\.org/)|[\"'`]//\w", re.IGNORECASE)
_CSS_URL = re.compile(r"url\(\s*(['\"]?)([^'\")]*)\1\s*\)")
_SOURCE_MAP = re.compile(r"^//[#@]\s*sourceMappingURL=.*$", re.MULTILINE)
_LOADING = {"src", "href", "xlink:href", "srcset", "action", "formaction", "data", "poster", "background"}
_PICTURES = {".png": "image/png", ".svg": "image/svg+xml", ".gif": "image/gif"}


@dataclass(frozen=True, slots=True)
class OfflineMap:
    """A finished page.

    Parameters
    ----------
    html : str
        The whole page; it asks nothing of any server.
    title : str
        What the page is called.

    Examples
    --------
    >>> OfflineMap("<!DOCTYPE html>", "Scores")
    OfflineMap(title='Scores', bytes=15)
    """

    html: str
    title: str

    def __repr__(self) -> str:
        return f"OfflineMap(title={self.title!r}, bytes={len(self.html.encode())})"

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page; an earlier file stays whole until the new one is complete.

        Parameters
        ----------
        path : path-like
            Where to; a missing folder is made.

        Returns
        -------
        pathlib.Path
            The file written.

        Raises
        ------
        OutputError
            If the name is not plain, or the file is held open by another program.
        """
        target = Path(path)
        file_name(target.name)
        with atomic_path(target) as partial:
            partial.write_bytes(self.html.encode())
        return target

    def _repr_html_(self) -> str:
        """Show the page in a notebook, in a frame of its own and without any server."""
        return (
            f'<iframe title="{text(self.title)}" srcdoc="{html.escape(self.html, quote=True)}"'
            ' sandbox="allow-scripts allow-downloads" allow="fullscreen"'
            ' style="width:100%;height:640px;border:1px solid #d9dee3;border-radius:6px"></iframe>'
        )


def self_contained(folium_map: folium.Map, *, title: str, lang: str) -> str:
    """Render a folium map as a page that carries everything it needs.

    Parameters
    ----------
    folium_map : folium.Map
        A map without tile layers; it is left as it was.
    title : str
        Title of the page.
    lang : str
        Language of the page, such as "zh" or "en".

    Returns
    -------
    str
        The page. The same map gives the same text in every run and process.

    Raises
    ------
    OutputError
        If the map needs something that is not carried: a tile server, a plug-in, an address of any kind.

    Examples
    --------
    >>> import folium
    >>> page = self_contained(folium.Map(tiles=None), title="Empty", lang="en")
    >>> "https://" in page.split("</title>")[0]
    False
    """
    with _numbered(folium_map):
        reader = _Reader()
        reader.feed(folium_map.get_root().render())
        reader.close()
    scripts = "".join(f"<script>{script}</script>\n" for script in reader.scripts)
    language = text("zh-CN" if lang == "zh" else lang)
    return (
        f'<!DOCTYPE html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(reader.scripts)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{text(title)}</title>\n<style>\n{''.join(reader.styles)}</style>\n</head>\n"
        f"<body>\n{''.join(reader.body).strip()}\n{scripts}</body>\n</html>\n"
    )


def _policy(scripts: list[str]) -> str:
    """Allow exactly these scripts, and no loading from anywhere."""
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    hashes = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {hashes or repr('none')}; style-src 'unsafe-inline'; "
        "img-src data: blob:; font-src data:; base-uri 'none'; form-action 'none'"
    )


@contextlib.contextmanager
def _numbered(folium_map: folium.Map) -> Iterator[None]:
    """Give every element of a map a number for an id while it is rendered, then put all back.

    branca draws its ids from the system's random source, so that no two pages are alike. Rendering also
    leaves its results in the figure; an earlier rendering under other ids must not be written a second time.
    """
    figure: Any = folium_map.get_root()
    elements = list(_walk(figure))
    parts = [figure.header, figure.html, figure.script]
    found = [(element, element._id) for element in elements]
    contents = [part._children.copy() for part in parts]
    rendered = {element.get_name() for element in elements}
    try:
        for number, element in enumerate(elements):
            element._id = str(number)
        for part in parts:
            for name in rendered & part._children.keys():
                del part._children[name]
        yield
    finally:
        for element, identity in found:
            element._id = identity
        for part, content in zip(parts, contents, strict=True):
            part._children = content


def _walk(element: Any) -> Iterator[Any]:
    yield element
    for child in element._children.values():
        yield from _walk(child)


class _Reader(HTMLParser):
    """Sort a rendered page into styles, scripts and body, with every link replaced by its content."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.styles: list[str] = []
        self.scripts: list[str] = []
        self.body: list[str] = []
        self._finish: Callable[[str], None] | None = None
        self._pieces: list[str] = []
        self._in_body = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "script" and "src" in given:
            self.scripts.extend(_linked(given["src"], _script))
            self._finish = self._take_script
        elif tag == "script" and given.get("type", "text/javascript") == "text/javascript":
            self._finish = self._take_script
        elif tag == "link" and given.get("rel") == "stylesheet":
            self.styles.extend(_linked(given["href"], _style))
        elif tag == "style":
            self._finish = self._take_style
        elif tag == "body":
            self._in_body = True
        elif self._in_body:
            _check_attributes(tag, given)
            self.body.append(self.get_starttag_text() or "")
        elif tag not in {"html", "head", "meta", "title"}:
            raise OutputError(f"the head of the map holds <{tag}>, which an offline page does not carry.")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if self._finish is not None:
            self._finish("".join(self._pieces))
            self._finish, self._pieces = None, []
        elif tag == "body":
            self._in_body = False
        elif self._in_body:
            self.body.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if self._finish is not None:
            self._pieces.append(data)
        elif self._in_body:
            self.body.append(data)

    def handle_entityref(self, name: str) -> None:
        self.handle_data(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.handle_data(f"&#{name};")

    def _take_script(self, data: str) -> None:
        needed = _NEEDS_DROPPED.search(data)
        if needed:
            raise OutputError(f"a script of the map uses {needed.group()!r}, which an offline page does not carry.")
        _check_addresses(data, "a script of the map")
        if data.strip():
            self.scripts.append(_one_line_end(data).strip())

    def _take_style(self, data: str) -> None:
        self.styles.append(_inline_pictures(data.strip(), None) + "\n")


def _check_attributes(tag: str, given: dict[str, str]) -> None:
    """Refuse what would load something or run a script from an attribute."""
    for name, value in given.items():
        loads = name in _LOADING and value and not value.startswith(("#", "data:"))
        if loads or name.startswith("on") or (name == "style" and "url(" in value):
            raise OutputError(f"<{tag} {name}={value!r}> is not possible on a page that opens without a network.")


def _check_addresses(code: str, where: str) -> None:
    found = _ADDRESS.search(code)
    if found:
        excerpt = code[found.start() : found.start() + 60].split("\n")[0]
        raise OutputError(
            f"{where} names an address outside of the page: {excerpt!r}. An offline page has no tile "
            "layer and no plug-in from a server; make the map with tiles=None."
        )


def _linked(address: str, read: Callable[[Any, str], str]) -> list[str]:
    """Answer a link: the content as a list of one, or an empty list for what nothing here needs."""
    leaflet = _LEAFLET.search(address)
    if address.startswith(OWN_ASSET):
        return [read(files("geo_cdei.outputs") / "assets", address.removeprefix(OWN_ASSET))]
    if leaflet:
        return [read(_leaflet_folder(), leaflet.group(1))]
    if _NOT_NEEDED.search(address):
        return []
    raise OutputError(f"the map links {address!r}, which an offline page does not carry.")


def _leaflet_folder() -> Path:
    from xstatic.pkg import leaflet

    return Path(leaflet.BASE_DIR)


@cache
def _script(folder: Any, name: str) -> str:
    code = _one_line_end((folder / name).read_text(encoding="utf-8"))
    if "</script" in code.lower() or "<!--" in code:
        raise OutputError(f"{name} cannot stand inside a page: it holds '</script' or '<!--'.")
    return _SOURCE_MAP.sub("", code).strip()


@cache
def _style(folder: Any, name: str) -> str:
    css = _one_line_end((folder / name).read_text(encoding="utf-8"))
    return _inline_pictures(css, folder).strip() + "\n"


def _inline_pictures(css: str, folder: Any) -> str:
    """Turn the pictures of a style sheet into ``data:`` addresses."""

    def replace(match: re.Match[str]) -> str:
        address = match.group(2)
        if address.startswith(("data:", "#")):
            return match.group()
        kind = _PICTURES.get(Path(address).suffix)
        if folder is None or kind is None or ":" in address or ".." in address:
            raise OutputError(f"a style sheet of the map links {address!r}, which an offline page does not carry.")
        picture = base64.b64encode((folder / address).read_bytes()).decode()
        return f"url(data:{kind};base64,{picture})"

    if "@import" in css:
        raise OutputError("a style sheet of the map imports another one, which an offline page does not carry.")
    return _CSS_URL.sub(replace, css)


def _one_line_end(code: str) -> str:
    """Write line ends as the browser will read them, since the policy's hash is over what it reads."""
    return code.replace("\r\n", "\n").replace("\r", "\n")
