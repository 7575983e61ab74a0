"""Random corridors as arrays side by side with a loop of shapely buffers.

Run alone on a quiet machine::

    python tests/benchmarks/bench_corridors.py

The same random moves of a line of seven anchors: which of 242 cities lie within 100 km.
"move and belt" is the work of one draw, "belt" leaves out the moving. The loop works on an
equal-area plane, with the cities and, in the second part, the lines projected beforehand; its moves are the plane's
counterparts of ours. Nothing here is collected by pytest.
"""

from __future__ import annotations

import time
from functools import partial

import numpy as np
import shapely
from shapely import affinity

from geo_cdei._corridor_nulls import build_stage
from geo_cdei._polyline import equal_area_plane, lies_within, unit_vectors
from geo_cdei._rigid import inside_hull, move_line

WIDTH_KM = 100.0


def arrays(stage, anchors, uniform):
    """Move and find the cities, all draws at once."""
    lines = move_line(anchors, uniform, stage.middle, stage.radius)
    return lies_within(stage.points, lines, WIDTH_KM)


def belts_only(stage, lines):
    """Do the same with lines that are moved already."""
    return lies_within(stage.points, lines, WIDTH_KM)


def buffers(xy, base, moves):
    """Do the same one polygon after the other, with shapely's own moves."""
    inside = np.empty((len(moves), len(xy)), dtype=bool)
    for k, (angle, east, north) in enumerate(moves):
        line = affinity.translate(affinity.rotate(base, angle, origin=(0, 0)), east, north)
        belt = line.buffer(WIDTH_KM)
        shapely.prepare(belt)
        inside[k] = shapely.contains_xy(belt, xy)
    return inside


def buffers_only(xy, lines):
    """Do the same with lines that are moved and projected already."""
    inside = np.empty((len(lines), len(xy)), dtype=bool)
    for k, line in enumerate(lines):
        belt = line.buffer(WIDTH_KM)
        shapely.prepare(belt)
        inside[k] = shapely.contains_xy(belt, xy)
    return inside


def seconds(*calls):
    """Median time of each call, five alternating runs."""
    times = [[] for _ in calls]
    for _ in range(5):
        for store, call in zip(times, calls, strict=True):
            began = time.perf_counter()
            call()
            store.append(time.perf_counter() - began)
    return [float(np.median(store)) for store in times]


def main() -> None:
    """Print one row per number of draws and per part of the work."""
    rng = np.random.default_rng(1)
    lon, lat = rng.uniform(100, 125, 242), rng.uniform(20, 45, 242)
    stage = build_stage(lon, lat)
    anchors = unit_vectors([104, 107, 110, 112, 114, 117, 120], [30, 31, 30, 31, 30.5, 32, 31.5])
    plane = equal_area_plane(lon, lat)
    xy = np.column_stack(plane.transform(lon, lat))
    print(f"{'draws':>8} {'part':>22} {'arrays s':>10} {'buffers s':>10} {'ratio':>7} {'cities that differ':>20}")
    for draws in (1_000, 10_000):
        uniform = rng.random((40 * draws, 4))
        uniform = uniform[inside_hull(move_line(anchors, uniform, stage.middle, stage.radius), stage.normals)][:draws]
        lines = move_line(anchors, uniform, stage.middle, stage.radius)
        degrees = np.degrees(np.arctan2(lines[..., 1], lines[..., 0])), np.degrees(np.arcsin(lines[..., 2]))
        flat = shapely.linestrings(np.stack(plane.transform(*degrees), axis=-1))
        base = affinity.translate(flat[0], -flat[0].centroid.x, -flat[0].centroid.y)
        moves = np.column_stack([360 * uniform[:, 2], *shapely.get_coordinates(shapely.centroid(flat)).T])
        results = {
            "move and belt": seconds(partial(arrays, stage, anchors, uniform), partial(buffers, xy, base, moves)),
            "belt": seconds(partial(belts_only, stage, lines), partial(buffers_only, xy, flat)),
        }
        differ = (belts_only(stage, lines) != buffers_only(xy, flat)).mean()
        for part, (ours, theirs) in results.items():
            print(f"{draws:>8} {part:>22} {ours:>10.4f} {theirs:>10.4f} {theirs / ours:>7.1f} {differ:>20.5f}")


if __name__ == "__main__":
    main()
