"""Two maps in one page, moving together.

Each map stays a page of its own, in a frame, so that nothing of it has to be written twice; what the two pages
have in common (Leaflet, our scripts, the units) is carried once. The page is put together in the browser from
pieces of text that are already on it, under the policy of both: only their scripts and this one may run.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from importlib.resources import files

from geo_cdei.errors import OutputError
from geo_cdei.outputs._escape import script_json, text
from geo_cdei.outputs.layers import MapMeta
from geo_cdei.outputs.page import OfflineMap
from geo_cdei.outputs.texts import word

__all__ = ["build_side_by_side"]

_POLICY = re.compile(r'http-equiv="Content-Security-Policy" content="([^"]*)"')
_HASH = re.compile(r"'sha256-[A-Za-z0-9+/=]+'")
_CUTS = re.compile(r"(?=<script|<style)|(?<=</script>)|(?<=</style>)")
_DATA = re.compile(r'(<script type="application/json" id="\w+">)(.*)(</script>)', re.DOTALL)

_STYLE = """
html, body { margin: 0; height: 100%; }
body { display: flex; flex-direction: column; background: #fff; color: #1f2a33; font: 14px/1.5 system-ui; }
header { padding: 10px 20px; border-bottom: 1px solid #e1e6ea; overflow-wrap: anywhere; }
h1 { margin: 0; font-size: 18px; font-weight: 600; }
header p { margin: 0; color: #5b6670; font-size: 13px; }
main { display: grid; grid-template-columns: 1fr 1fr; flex: 1; min-height: 0; }
iframe { width: 100%; height: 100%; border: 0; }
iframe + iframe { border-left: 1px solid #cfd7dc; }
@media (max-width: 760px) {
  html, body { height: auto; }
  main { display: block; }
  iframe { display: block; height: 92vh; }
  iframe + iframe { border-left: 0; border-top: 6px solid #cfd7dc; }
}
"""


def build_side_by_side(left: OfflineMap, right: OfflineMap, *, meta: MapMeta) -> OfflineMap:
    """Put two maps side by side, so that both show the same place.

    Parameters
    ----------
    left, right : OfflineMap
        Pages of `maps.build_page`; moving or zooming one moves the other, and the unit under the pointer lights
        up on both where both have it.
    meta : MapMeta
        Title and language of the page; source and notices stand under each of the maps.

    Returns
    -------
    OfflineMap
        One page that asks nothing of any server; the same maps give the same bytes.

    Raises
    ------
    OutputError
        If one of the two is no page of this package.
    """
    pieces: dict[str, int] = {}
    plan = [[pieces.setdefault(piece, len(pieces)) for piece in _cut(page)] for page in (left, right)]
    script = (
        (files("geo_cdei.outputs") / "assets" / "pair.js").read_text(encoding="utf-8").replace("\r\n", "\n").strip()
    )
    data = script_json({"pieces": list(pieces), "pages": plan, "titles": [left.title, right.title]})
    subtitle = meta.subtitle or word("side_by_side", meta.lang)
    language = "zh-CN" if meta.lang == "zh" else meta.lang
    html = (
        f'<!DOCTYPE html>\n<html lang="{text(language)}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(left, right, script)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{text(meta.title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<header><h1>{text(meta.title)}</h1><p>{text(subtitle)}</p></header>\n<main></main>\n"
        f'<script type="application/json" id="pair">{data}</script>\n<script>{script}</script>\n</body>\n</html>\n'
    )
    return OfflineMap(html, meta.title)


def _policy(left: OfflineMap, right: OfflineMap, script: str) -> str:
    """Allow the scripts of both pages and the one that joins them; a frame has the policy of its page too."""
    hashes: list[str] = []
    for page in (left, right):
        found = _POLICY.search(page.html)
        if found is None:
            raise OutputError(f"{page.title!r} is no page with a map; build it with build_page.")
        hashes += _HASH.findall(found.group(1))
    own = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    allowed = " ".join(dict.fromkeys([*hashes, f"'sha256-{own}'"]))
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; font-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _cut(page: OfflineMap) -> list[str]:
    """Cut a page where another may have the same: before and after scripts and styles, and between its data."""
    found: list[str] = []
    for piece in _CUTS.split(page.html):
        data = _DATA.fullmatch(piece)
        if data is None:
            found.append(piece)
            continue
        values = json.loads(data.group(2))
        written = [f'"{key}":{script_json(value)}' for key, value in values.items()]
        found += [data.group(1) + "{", *(part for item in written for part in (item, ","))][:-1]
        found += ["}" + data.group(3)]
    return found
