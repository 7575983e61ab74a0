"""Size and load time of the score map beside the page that folium itself writes from the same frames."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

RUNS = 7
#: Bytes and seconds that a page may take.
MOST_BYTES, MOST_SECONDS = 2_000_000, 1.5


def stock_folium(units, provinces) -> str:
    """Write what a script of five lines gives: a choropleth, a tooltip and the provinces."""
    import folium

    page = folium.Map(tiles=None)
    table = units.reset_index()[["adcode", "city", "score", "geometry"]]
    folium.Choropleth(
        table.to_json(), data=table, columns=["adcode", "score"], key_on="feature.properties.adcode"
    ).add_to(page)
    folium.GeoJson(table.to_json(), tooltip=folium.GeoJsonTooltip(["city", "score"])).add_to(page)
    folium.GeoJson(provinces.to_json()).add_to(page)
    return page.get_root().render()


def loaded(browser, path: Path) -> tuple[float, int, int]:
    """Open a page without a network: seconds until its shapes are painted, number of shapes, errors."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, offline=True)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("requestfailed", lambda request: errors.append(request.url))
    start = time.perf_counter()
    page.goto(path.as_uri())
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    seconds = time.perf_counter() - start
    shapes = page.locator("path.leaflet-interactive").count()
    context.close()
    return seconds, shapes, len(errors)


def main() -> None:
    """Print a table: page, bytes, seconds to make, median seconds to load, shapes, errors."""
    from map_frames import national_frames
    from playwright.sync_api import sync_playwright

    from geo_cdei.outputs.maps import MapMeta, score_map

    frames = national_frames(tolerance_m=2000)
    meta = MapMeta("Scores", source="made-up scores on real units", date="2026-01-31", lang="en")
    makers = {
        "geo_cdei": lambda: score_map(*frames, meta=meta).html,
        "stock folium": lambda: stock_folium(frames[0], frames[2]),
    }
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        print(f"{'page':14}{'bytes':>12}{'make s':>9}{'load s':>9}{'shapes':>8}{'errors':>8}")
        for name, make in makers.items():
            make()
            start = time.perf_counter()
            html = make()
            made = time.perf_counter() - start
            path = Path(folder) / "page.html"
            path.write_text(html, encoding="utf-8", newline="\n")
            runs = [loaded(browser, path) for _ in range(RUNS)]
            seconds = median(run[0] for run in runs)
            print(f"{name:14}{path.stat().st_size:12,}{made:9.2f}{seconds:9.2f}{runs[0][1]:8}{runs[0][2]:8}")
            if name == "geo_cdei":
                kept = path.stat().st_size < MOST_BYTES and seconds < MOST_SECONDS
                print(f"   limits {MOST_BYTES:,} bytes, {MOST_SECONDS} s: {'kept' if kept else 'MISSED'}")
        browser.close()


if __name__ == "__main__":
    main()
