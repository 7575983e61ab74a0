"""The made-up country on which every statistic is tried, and what the battery must be told of a statistic.

The checks are in tests/battery_checks.py, the statistics in tests/battery_statistics.py: a new one is one entry.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from libpysal.graph import Graph
from scipy import sparse

from geo_cdei.errors import GeoCdeiWarning

IDS = [f"{k:06d}" for k in range(110000, 110048)]
LONE, GONE = IDS[7], IDS[2]


@dataclass(frozen=True)
class World:
    """A country of 48 cities in a grid of cells, eight clusters of six, and a graph.

    ``y`` is the column under test: a statistic reads it, and the checks rewrite it.
    """

    cities: gpd.GeoDataFrame
    members: pd.DataFrame
    graph: Graph
    column: str = "score"
    draws: int = 199

    @property
    def y(self) -> pd.Series:
        """Return the column under test."""
        return self.cities[self.column]

    @property
    def groups(self) -> pd.Series:
        """Return the cluster of every city."""
        return self.cities["cluster_id"]

    def change(self, how: Callable[[pd.Series], pd.Series]) -> World:
        """Rewrite the column under test."""
        return replace(self, cities=self.cities.assign(**{self.column: how(self.y)}))

    def reorder(self, order: list[str]) -> World:
        """List the cities, and the rows of the memberships, in another order."""
        members = self.members.iloc[np.random.default_rng(1).permutation(len(self.members))]
        return replace(
            self, cities=self.cities.loc[order], members=members.reset_index(drop=True),
            graph=reorder(self.graph, order),
        )  # fmt: skip

    def rename(self, names: Mapping[str, str]) -> World:
        """Give every city another code, rows where they were."""
        cities = self.cities.rename(index=dict(names))
        members = self.members.assign(adcode=self.members["adcode"].map(names))
        return replace(
            self, cities=cities, members=members, graph=reorder(self.graph, list(self.cities.index), names)
        )

    def keep(self, ids: list[str]) -> World:
        """Leave the other cities out, everywhere."""
        members = self.members[self.members["adcode"].isin(ids)].reset_index(drop=True)
        if len(ids) < 4:
            near = [*ids[1:], ids[0]]
            graph = Graph.from_arrays(ids, near, np.ones(len(ids)) * (len(ids) > 1))
        else:
            graph = self.graph.subgraph(ids)
        return replace(self, cities=self.cities.loc[ids], members=members, graph=graph)


def make_world(*, weighted: bool = False, column: str = "score", lone: str | None = None) -> World:
    """Give the country; the same one every time."""
    return _built(weighted, column, lone)


@functools.cache
def _built(weighted: bool, column: str, lone: str | None) -> World:
    rng = np.random.default_rng(5)
    row, place = np.divmod(np.arange(48), 8)
    west, south = 104.0 + 1.2 * place, 26.0 + 1.2 * row
    lon, lat = west + rng.uniform(0.2, 1.0, 48), south + rng.uniform(0.2, 1.0, 48)
    polygons = shapely.box(west, south, west + 1.2, south + 1.2)
    if lone is not None:
        k = IDS.index(lone)
        lon[k], lat[k] = 88.0, 45.0
        polygons[k] = shapely.box(87.5, 44.5, 88.5, 45.5)
    cluster = np.array([f"C{1 + b:02d}" for b in (row // 3) * 4 + place // 2])
    cities = gpd.GeoDataFrame(
        {
            "city": [f"N{k}" for k in range(48)], "city_en": [f"N{k}" for k in range(48)], "lon": lon, "lat": lat,
            "score": (40 + 12 * rng.lognormal(size=48)).round(1), "gdp_2019": rng.lognormal(7, 0.8, 48).round(2),
            "scale_2020": rng.lognormal(6, 0.8, 48).round(2), "coast_km": 110 * (116 - lon), "cluster_id": cluster,
        },
        geometry=polygons, index=pd.Index(IDS, name="adcode"), crs=4326,
    )  # fmt: skip
    members = pd.DataFrame(
        {"cluster_id": cluster, "cluster": cluster, "cluster_en": cluster, "adcode": IDS, "role": "primary",
         "city": cities["city"].to_numpy()}
    )  # fmt: skip
    return World(cities, members, random_graph(IDS, weighted=weighted, isolate=lone), column=column)


def random_graph(ids: list[str], *, seed: int = 0, weighted: bool = False, isolate: str | None = None) -> Graph:
    """Two to five neighbors per city in random places, one city left alone on request."""
    rng = np.random.default_rng(seed)
    focal, neighbor, weight = [], [], []
    for own in ids:
        others = [i for i in ids if i not in (own, isolate)]
        chosen = [] if own == isolate else rng.choice(others, size=int(rng.integers(2, 6)), replace=False).tolist()
        focal += [own] * max(len(chosen), 1)
        neighbor += chosen or [own]
        weight += (rng.uniform(0.2, 1, len(chosen)) if weighted else np.ones(len(chosen))).tolist() or [0.0]
    return Graph.from_arrays(focal, neighbor, weight)


def reorder(graph: Graph, ids: list[str], names: Mapping[str, str] | None = None) -> Graph:
    """Write the same edges in another order of cities, with other names on request."""
    position = {own: k for k, own in enumerate(ids)}
    table = graph.adjacency.reset_index()
    table = table.sort_values(["focal", "neighbor"], key=lambda column: column.map(position))
    if names:
        table[["focal", "neighbor"]] = table[["focal", "neighbor"]].apply(lambda column: column.map(names))
    return Graph.from_arrays(table["focal"].to_numpy(), table["neighbor"].to_numpy(), table["weight"].to_numpy())


NO_DRAWS = "nothing is drawn: there is no seed"
NO_GRAPH = "takes no graph"


@dataclass(frozen=True)
class Statistic:
    """A function under test: ``call(world, seed)`` gives a frame, a series, a frozen answer or several of these.

    ``observed`` names the columns that do not depend on draws ("*" for all). ``scale`` says by which power of b a
    column follows y → b y, ``shift`` which columns stay for y → y + a, ``sign`` which follow y → −y by +1 or −1.
    ``least`` is the fewest cities; ``missing`` and ``constant`` say what must become of a missing value and of
    equal values: an answer, or an error that matches.
    """

    name: str
    call: Callable[[World, int], object]
    observed: tuple[str, ...] = ("*",)
    keys: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    column: str = "score"
    index: str = ""  # "cities": one row per city, in the caller's order
    draws: bool = True
    graph: bool = False
    scale: Mapping[str, int] = field(default_factory=dict)
    shift: tuple[str, ...] = ()
    sign: Mapping[str, int] = field(default_factory=dict)
    least: int = 4
    few: str = "."
    missing: str = "left out"  # or a pattern of the error, or "counted" where the others' numbers change
    constant: str = "answer"  # or "nan", or a pattern of the error
    infinite: str = "."
    tolerance: float = 1e-9  # of what an iteration finds
    skips: Mapping[str, str] = field(default_factory=dict)

    def reasons(self) -> dict[str, str]:
        """Every check that does not apply, with the reason."""
        automatic = {} if self.draws else dict.fromkeys(("other_seed", "block_size", "engine"), NO_DRAWS)
        if not self.graph:
            automatic |= dict.fromkeys(
                ("binary_and_row_standardized", "engine", "unequal_weights", "other_order"), NO_GRAPH
            )
        for check, told in (("scale", self.scale), ("shift", self.shift), ("sign", self.sign)):
            if not told and check not in self.skips:
                raise ValueError(f"{self.name}: say what {check} does, or why it makes no sense")
        return automatic | dict(self.skips)

    def run(self, world: World, seed: int = 1) -> dict[str, pd.DataFrame]:
        """Every part of the answer as a frame, warnings of our own allowed and no other."""
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", GeoCdeiWarning)
            return {part: self.sorted(frame) for part, frame in frames(self.call(world, seed)).items()}

    def main(self, world: World, seed: int = 1) -> pd.DataFrame:
        """Return the first part of the answer."""
        return next(iter(self.run(world, seed).values()))

    def usual(self) -> tuple[World, dict[str, pd.DataFrame], pd.DataFrame]:
        """Return the usual world and the answer for it, worked out once."""
        return _usual(self)

    def sorted(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Put rows that have keys, and those of clusters, into one order."""
        keys = [key for key in self.keys if key in frame]
        if keys:
            return frame.sort_values(keys, ignore_index=True)
        return frame if isinstance(frame.index, pd.RangeIndex) or self.index else frame.sort_index()

    def seen(self, frame: pd.DataFrame) -> list[str]:
        """List the columns that do not depend on draws."""
        return list(frame.columns) if self.observed == ("*",) else [c for c in self.observed if c in frame]


_ANSWERS: dict[str, tuple[World, dict[str, pd.DataFrame], pd.DataFrame]] = {}


def _usual(statistic: Statistic) -> tuple[World, dict[str, pd.DataFrame], pd.DataFrame]:
    if statistic.name not in _ANSWERS:
        world = make_world(column=statistic.column)
        parts = statistic.run(world)
        _ANSWERS[statistic.name] = world, parts, next(iter(parts.values()))
    return _ANSWERS[statistic.name]


def frames(answer: object, name: str = "answer") -> dict[str, pd.DataFrame]:
    """Take an answer of any kind apart into frames."""
    if isinstance(answer, gpd.GeoDataFrame):
        shapes = answer.geometry.to_numpy()
        middle = shapely.get_coordinates(shapely.centroid(shapes))
        plain = pd.DataFrame(answer.drop(columns="geometry"))
        return {name: plain.assign(_lon=middle[:, 0], _lat=middle[:, 1], _length=shapely.length(shapes))}
    if isinstance(answer, pd.DataFrame):
        return {name: answer}
    if isinstance(answer, pd.Series):
        return {name: answer.to_frame(str(answer.name or name))}
    if sparse.issparse(answer):
        return {name: pd.DataFrame(answer.toarray())}
    if isinstance(answer, np.ndarray):
        return {name: pd.DataFrame(answer.reshape(len(answer), -1) if answer.ndim else [[answer]])}
    if is_dataclass(answer):
        return frames({f.name: getattr(answer, f.name) for f in fields(answer)}, name)
    if isinstance(answer, tuple) and any(isinstance(part, pd.DataFrame) or is_dataclass(part) for part in answer):
        return {k: v for i, part in enumerate(answer) for k, v in frames(part, f"{name}{i}").items()}
    if isinstance(answer, dict):
        parts = {key: frames(value, f"{name}.{key}") for key, value in answer.items() if _is_table(value)}
        plain = {key: value for key, value in answer.items() if not _is_table(value)}
        single = {name: pd.DataFrame([{str(k): _plain(v) for k, v in plain.items()}])} if plain else {}
        return single | {k: v for part in parts.values() for k, v in part.items()}
    return {name: pd.DataFrame([{name: answer}])}


def _is_table(value: object) -> bool:
    return isinstance(value, (pd.DataFrame, pd.Series, np.ndarray)) or is_dataclass(value) or sparse.issparse(value)


def _missing(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and value != value)


def _plain(value: object) -> object:
    return value if isinstance(value, (int, float, str, bool, np.number)) else str(value)


def same(first: pd.DataFrame, second: pd.DataFrame, *, exact: tuple[str, ...] = (), tolerance: float = 1e-9) -> None:
    """Hold two frames of the same rows against each other: numbers to rounding, everything else exactly."""
    assert list(first.columns) == list(second.columns)
    assert len(first) == len(second)
    for column in first.columns:
        a, b = first[column], second[column]
        if pd.api.types.is_float_dtype(a) and pd.api.types.is_numeric_dtype(b) and column not in exact:
            size = float(np.nanmax(np.abs(a.to_numpy(dtype=float)), initial=0.0))
            np.testing.assert_allclose(
                a.to_numpy(dtype=float), b.to_numpy(dtype=float), rtol=tolerance, atol=tolerance * max(size, 1e-12),
                err_msg=str(column),
            )  # fmt: skip
        else:
            pairs = [(x, y) for x, y in zip(a, b, strict=True) if not (_missing(x) and _missing(y))]
            apart = [pair for pair in pairs if _missing(pair[0]) or _missing(pair[1]) or pair[0] != pair[1]]
            assert not apart, f"{column}: {apart[:3]}"
