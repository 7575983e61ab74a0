"""Time and size of every map of the default study; the printed country beside plain geopandas and matplotlib."""

from __future__ import annotations

import io
import time
import warnings
from statistics import median

RUNS = 5
#: Seconds for all maps, seconds for one printed map of the country, bytes of a page.
MOST_ALL, MOST_ONE, MOST_BYTES = 20.0, 2.5, 2_000_000


def analysed():
    """Run the default study as far as the shipped recipes need it."""
    from geo_cdei import pipeline
    from geo_cdei.config import read_settings
    from geo_cdei.workspace import default_study, open_study

    workspace = open_study(default_study())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return workspace, pipeline.run(workspace, read_settings(workspace.settings), only=["pattern"])


def plain_plot(units) -> bytes:
    """Write what a script of five lines gives: a choropleth without inset, scale, labels or notes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.6, 6.7))
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    flat = units.to_crs("+proj=aea +lat_1=25 +lat_2=47 +lon_0=105 +datum=WGS84")
    flat.plot("score", ax=axes, legend=True, missing_kwds={"color": "lightgrey"})
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=300)
    return buffer.getvalue()


def timed(make) -> tuple[float, int]:
    """Median seconds and the bytes of what is made."""
    made, seconds = make(), []
    for _ in range(RUNS):
        start = time.perf_counter()
        made = make()
        seconds.append(time.perf_counter() - start)
    return median(seconds), len(made)


def main() -> None:
    """Print a table: map, seconds, bytes."""
    from geo_cdei.outputs.recipe_maps import country_plane, draw_recipe, draw_recipes
    from geo_cdei.outputs.recipes import read_recipes

    workspace, analysis = analysed()
    recipes = read_recipes(workspace.maps / "recipes")
    print(f"{'map':34}{'seconds':>9}{'bytes':>12}")
    plane, scores = country_plane(analysis), recipes["scores"]
    for fmt in ("png", "pdf", "svg"):
        seconds, size = timed(
            lambda fmt=fmt: draw_recipe(scores, analysis, lang="en", formats=[fmt], plane=plane)[fmt]
        )
        print(f"{'printed country, ' + fmt:34}{seconds:9.2f}{size:12,}  {'kept' if seconds < MOST_ONE else 'MISSED'}")
    seconds, size = timed(lambda: plain_plot(analysis.units))
    print(f"{'geopandas and matplotlib, png':34}{seconds:9.2f}{size:12,}")
    seconds, size = timed(lambda: draw_recipe(scores, analysis, lang="en", formats=["png"], extent="四川")["png"])
    print(f"{'printed province, png':34}{seconds:9.2f}{size:12,}")
    start = last = time.perf_counter()
    for name, made in draw_recipes(recipes, analysis):
        if isinstance(made, bytes):
            continue  # both files of a recipe are made when the page, its first one, arrives
        page, now = len(made.html.encode()), time.perf_counter()
        print(
            f"{'run: ' + name + ', png':34}{now - last:9.2f}{page:12,}  {'kept' if page < MOST_BYTES else 'MISSED'}"
        )
        last = now
    total = time.perf_counter() - start
    print(f"{'all recipes of the study':34}{total:9.2f}{'':12}  {'kept' if total < MOST_ALL else 'MISSED'}")


if __name__ == "__main__":
    main()
