"""The same numbers on Dask: any engine, any number of blocks, any order of partitions, and with a worker lost."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import warnings

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from libpysal.graph import Graph

from geo_cdei._parallel import LOCAL, Engine, choose_engine
from geo_cdei._permutation import conditional_counts
from geo_cdei._regions import grow_regions
from geo_cdei._row_blocks import cut_rows
from geo_cdei.analysis.autocorrelation import local_moran
from geo_cdei.analysis.corridor_tests import CorridorDesign, evaluate_corridors
from geo_cdei.analysis.hotspots import getis_ord
from geo_cdei.analysis.interaction import build_interaction, extract_backbone
from geo_cdei.analysis.region_tests import compare_with_regions
from geo_cdei.errors import GeoCdeiWarning, InputError, SettingsError
from geo_cdei.inputs.point_files import find_points
from geo_cdei.inputs.point_sums import assign_files
from geo_cdei.inputs.points import assign_points

dask = pytest.importorskip("dask")

pytestmark = [
    # dask.dataframe and dask_geopandas of the installed versions call what pandas and geopandas deprecate
    pytest.mark.filterwarnings("ignore::DeprecationWarning:dask"),
    pytest.mark.filterwarnings("ignore::FutureWarning:dask"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:distributed"),
    # a socket of a worker that was killed on purpose is closed by the collector
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
]
BLOCKS = [1, 2, 7]


def _after_a_while(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


@pytest.fixture
def scheduled():
    """Dask's own graphs, run one task after the other."""
    with dask.config.set(scheduler="synchronous"):
        yield


@pytest.fixture(scope="session")
def cluster():
    """One cluster of two processes for the whole test run."""
    from distributed import LocalCluster

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, memory_limit=0, silence_logs=50
        ) as made:
            yield made


@pytest.fixture
def client(cluster):
    """Join the cluster without becoming the active client."""
    from distributed import Client

    with Client(cluster, set_as_default=False) as made:
        yield made


@pytest.fixture
def units(lattice):
    return lattice[["geometry"]]


@pytest.fixture
def points():
    rng = np.random.default_rng(4)
    lon, lat = rng.uniform(105, 110, 3000), rng.uniform(28, 33, 3000)
    return gpd.GeoDataFrame({"staff": rng.lognormal(size=3000)}, geometry=gpd.points_from_xy(lon, lat), crs=4326)


@pytest.fixture
def graph(lattice):
    return Graph.build_contiguity(lattice, rook=False)


def partitioned(frame, npartitions, *, seed=None):
    """Cut a frame into partitions; with a seed, shuffle them."""
    import dask.dataframe as dd
    import dask_geopandas

    made = dask_geopandas.from_geopandas if isinstance(frame, gpd.GeoDataFrame) else dd.from_pandas
    cut = made(frame, npartitions=npartitions, sort=False)
    if seed is None:
        return cut
    order = np.random.default_rng(seed).permutation(cut.npartitions)
    return dd.concat([cut.partitions[int(k)] for k in order])


# which engine ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_of_threads_come_in_the_order_of_the_items(threads):
    assert list(LOCAL.map(_after_a_while, [0.03, 0.0, 0.01], threads=threads)) == [0.03, 0.0, 0.01]


def test_an_error_in_a_thread_is_the_same_error():
    with pytest.raises(ValueError, match="non-negative"):
        list(LOCAL.map(_after_a_while, [0.0, -1.0], threads=2))


def test_nothing_is_started_where_no_client_is_active():
    assert choose_engine("auto") == choose_engine("local")
    with pytest.raises(SettingsError, match="found no cluster, and none is started unasked"):
        choose_engine("dask")


@pytest.mark.parametrize(("engine", "client"), [("spark", None), ("local", object())])
def test_an_engine_that_is_not_known_or_contradicts_itself_is_an_error(engine, client):
    with pytest.raises(SettingsError, match='engine is "auto", "local" or "dask"'):
        choose_engine(engine, client)


def test_auto_takes_the_client_that_is_given_or_active(client):
    assert choose_engine("auto", client).client is client
    with client.as_current():
        assert choose_engine("auto").client is client
        assert choose_engine("local").client is None
    assert choose_engine("auto", client).blocks == 2


def test_a_scheduler_that_does_not_answer_is_an_error():
    from geo_cdei._parallel import connect

    impatient = dask.config.set({"distributed.comm.timeouts.connect": "0.2s"})
    with impatient, pytest.raises(SettingsError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        connect("tcp://127.0.0.1:9")


def test_the_package_works_without_dask():
    code = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"dask", "distributed", "dask_geopandas"}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
import geopandas, pandas, shapely
from libpysal.graph import Graph
import geo_cdei
units = geopandas.GeoDataFrame(geometry=[shapely.box(9, 0, 10, 1)], index=["a"], crs=4326)
print(geo_cdei.assign_points(pandas.DataFrame({"lon": [9.5], "lat": [0.5]}), units).tolist())
line = Graph.from_arrays(list("abcdebcdef"), list("bcdefabcde"), [1] * 10)
y = pandas.Series([1.0, 2, 3, 4, 5, 6], index=list("abcdef"))
print(geo_cdei.local_moran(y, line, permutations=99, seed=1)["quadrant"].tolist())
assert not {"dask", "distributed"} & set(sys.modules)
"""
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert done.stdout.split("\n")[0] == "['a']", done.stderr


def test_asking_for_dask_where_it_is_absent_names_the_cure(monkeypatch):
    monkeypatch.setattr("geo_cdei._parallel.find_spec", lambda _: None)
    with pytest.raises(SettingsError, match=r'pip install "geo-cdei\[dask\]"'):
        choose_engine("dask")


# blocks ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("blocks", BLOCKS)
@pytest.mark.parametrize("kind", ["sum", "squared difference"])
@pytest.mark.parametrize("equal", [True, False])
def test_counts_do_not_depend_on_the_blocks_of_cities(graph, lattice, blocks, kind, equal, monkeypatch):
    """Small steps, so that the hundred cells are really cut."""
    monkeypatch.setattr("geo_cdei._permutation._BLOCK_CELLS", 2000)
    monkeypatch.setattr("geo_cdei._permutation._DRAW_CELLS", 1500)
    weights = graph.sparse.astype(float)
    if not equal:
        weights.data *= np.random.default_rng(0).uniform(0.5, 2, weights.nnz)
    z = lattice["y"].to_numpy() - lattice["y"].mean()
    whole = conditional_counts(z, weights, permutations=499, seed=3, kind=kind)
    parted = conditional_counts(z, weights, permutations=499, seed=3, kind=kind, engine=Engine(blocks=blocks))
    for name in ("ge", "le", "mean", "sd"):
        np.testing.assert_array_equal(getattr(parted, name), getattr(whole, name))


def test_cities_without_neighbors_are_the_same_in_every_block(lattice):
    weights = Graph.from_arrays(["r0c0", "r0c1"], ["r0c1", "r0c0"], [1, 1]).sparse.astype(float)
    weights.resize((6, 6))
    z = np.array([1.0, -1.0, 2.0, -2.0, 0.5, -0.5])
    whole = conditional_counts(z, weights, permutations=99, seed=1)
    parted = conditional_counts(z, weights, permutations=99, seed=1, engine=Engine(blocks=6))
    assert parted.ge.tolist() == whole.ge.tolist()
    np.testing.assert_array_equal(parted.sd, whole.sd)


@pytest.mark.parametrize("blocks", BLOCKS)
@pytest.mark.parametrize("draws", [50, 51])
def test_a_block_of_regions_is_the_same_as_in_the_whole(graph, blocks, draws):
    adjacency = graph.sparse
    whole = grow_regions(adjacency, 9, draws=draws, seed=5)
    parts = [grow_regions(adjacency, 9, draws=draws, seed=5, part=part) for part in cut_rows(draws, blocks, 1)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


# engines -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("npartitions", BLOCKS)
@pytest.mark.parametrize("seed", [None, 0])
def test_points_of_a_dask_frame_go_to_the_same_units(scheduled, units, points, npartitions, seed):
    here = assign_points(points, units)
    there = assign_points(partitioned(points, npartitions, seed=seed), units, engine="dask", chunksize=500)
    pd.testing.assert_series_equal(there.sort_index(), here)


def test_a_dask_frame_is_worked_on_here_where_no_client_is_active(units, points):
    pd.testing.assert_series_equal(assign_points(partitioned(points, 3), units), assign_points(points, units))


def test_a_dask_frame_of_columns_is_as_good_as_one_of_points(scheduled, units, points):
    columns = pd.DataFrame({"lon": points.geometry.x, "lat": points.geometry.y})
    there = assign_points(partitioned(columns, 2), units, engine="dask")
    assert there.tolist() == assign_points(points, units).tolist()


def test_an_empty_and_an_all_missing_partition_lose_nothing(scheduled, units, points):
    import dask.dataframe as dd

    few = points.head(20)
    missing = gpd.GeoDataFrame({"staff": [1.0] * 5}, geometry=[None] * 5, crs=4326, index=range(100, 105))
    frame = dd.concat([partitioned(few.head(0), 1), partitioned(missing, 1), partitioned(few, 2)])
    with pytest.warns(GeoCdeiWarning, match="5 of 25 points have no unit: 5 missing"):
        found = assign_points(frame, units, engine="dask")
    assert found.iloc[:5].isna().all()
    assert found.iloc[5:].tolist() == assign_points(few, units).tolist()


def test_an_error_of_a_block_is_the_same_error(client, units, points):
    with pytest.raises(InputError, match="the CRS of the points is none"):
        assign_points(partitioned(points.set_crs(None, allow_override=True), 2), units, client=client)


def test_points_go_to_the_same_units_on_a_cluster(client, units, points):
    here = assign_points(points, units)
    pd.testing.assert_series_equal(assign_points(points, units, client=client, chunksize=400), here)
    frame = partitioned(points, 7, seed=1)
    pd.testing.assert_series_equal(assign_points(frame, units, client=client).sort_index(), here)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_files_give_the_same_table_on_a_cluster(client, units, points, tmp_path, kind):
    frame = pd.DataFrame({"lon": points.geometry.x, "lat": points.geometry.y, "staff": points["staff"]})
    if kind == "csv":
        frame.to_csv(tmp_path / "a.csv", index=False)
    else:
        frame.to_parquet(tmp_path / "a.parquet", row_group_size=400)
    files = find_points(tmp_path / f"a.{kind}", values=("staff",), chunksize=400)
    here, there = assign_files(files, units), assign_files(files, units, client=client)
    pd.testing.assert_frame_equal(there.table, here.table, check_exact=True)
    assert there.tally == here.tally


@pytest.mark.slow
def test_the_command_works_on_a_cluster_that_is_running(cluster, points, tmp_path, monkeypatch):
    from typer.testing import CliRunner

    from geo_cdei.cli import app

    monkeypatch.chdir(tmp_path)
    pd.DataFrame({"lon": points.geometry.x, "lat": points.geometry.y}).to_csv("a.csv", index=False)
    ask = ["assign", "a.csv", "--level", "prefecture", "--chunksize", "900"]
    written = []
    for where in ([], ["--scheduler", cluster.scheduler_address]):
        result = CliRunner().invoke(app, [*ask, *where])
        assert result.exit_code == 0, result.output
        written.append((tmp_path / "points_by_prefecture.csv").read_bytes())
    assert written[0] == written[1]


@pytest.mark.parametrize("statistic", [local_moran, getis_ord])
@pytest.mark.parametrize("weights", ["equal", "kernel"])
def test_local_statistics_are_the_same_on_a_cluster(client, lattice, graph, statistic, weights):
    if weights == "kernel":
        points = lattice.set_geometry(lattice.to_crs(3857).centroid)
        graph = Graph.build_kernel(points, kernel="gaussian", k=9)
    here = statistic(lattice["y"], graph, permutations=999, seed=1)
    there = statistic(lattice["y"], graph, permutations=999, seed=1, client=client)
    pd.testing.assert_frame_equal(there, here, check_exact=True)


def test_a_column_of_a_dask_frame_is_put_in_the_order_of_the_graph(scheduled, lattice, graph):
    shuffled = partitioned(lattice, 7, seed=2)["y"]
    here = local_moran(lattice["y"], graph, permutations=99, seed=1)
    there = local_moran(shuffled, graph, permutations=99, seed=1, engine="dask")
    pd.testing.assert_frame_equal(there, here, check_exact=True)


def test_random_regions_are_the_same_on_a_cluster(client, lattice, graph):
    cities = pd.DataFrame({"score": lattice["y"]}).sort_index()
    members = pd.DataFrame({"cluster_id": "C1", "adcode": ["r0c0", "r0c1", "r1c0", "r1c1"], "role": "primary"})
    ask = {"adjacency": graph.sparse, "weights": ["equal"], "draws": 101, "seed": 1}
    here = compare_with_regions(cities, members, **ask)
    there = compare_with_regions(partitioned(cities, 3, seed=1), members, **ask, client=client)
    pd.testing.assert_frame_equal(there, here, check_exact=True)


def test_random_corridors_are_the_same_on_a_cluster(client):
    x, y = (values.ravel().astype(float) for values in np.meshgrid(range(8), range(8)))
    cities = gpd.GeoDataFrame(
        {"lon": x, "lat": y, "score": 50 + 20 * (y == 3), "gdp": 1 + (x + 3 * y) % 7, "coast_km": 100 * x},
        index=[f"c{k:02d}" for k in range(64)],
    )
    claims = pd.DataFrame(
        {
            "corridor_id": ["row", "hook"],
            "kind": ["belt", "control"],
            "anchors": [("c25", "c28", "c30"), ("c01", "c22")],
        }
    )
    network = build_interaction(cities, mass="gdp")
    design = CorridorDesign(widths_km=(60.0,), primary_km=60.0, draws=99, weights="gdp")
    ask = {"interaction": network, "backbone": extract_backbone(network, cities), "design": design, "seed": 1}
    here = evaluate_corridors(cities, claims, **ask)
    there = evaluate_corridors(cities, claims, **ask, client=client)
    pd.testing.assert_frame_equal(there, here, check_exact=True)


# a worker is lost --------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_worker_that_is_lost_changes_nothing(client, tmp_path):
    marker = str(tmp_path / "left")

    def leave_once(process):  # within the test, so that it is sent whole: workers need not find the tests
        if process == 3 and not os.path.exists(marker):
            with open(marker, "w", encoding="utf-8"):
                pass
            os._exit(1)
        return process**2

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = list(Engine(client, blocks=2).map(leave_once, range(8)))
    assert found == [k**2 for k in range(8)]
    assert os.path.exists(marker)


@pytest.mark.slow
def test_points_are_assigned_rightly_while_a_worker_is_killed(client, cluster, units, points):
    import signal
    import threading

    frame = partitioned(points, 40, seed=3)
    here = assign_points(points, units)
    victim = next(iter(cluster.workers.values()))
    threading.Timer(0.2, os.kill, (victim.pid, signal.SIGKILL)).start()
    there = assign_points(frame, units, client=client)
    pd.testing.assert_series_equal(there.sort_index(), here)


def test_units_are_the_same_for_threads_that_ask_at_once(units, points):
    """A prepared polygon that two threads ask at once ends the process: each is asked by one at a time."""
    from concurrent.futures import ThreadPoolExecutor

    from geo_cdei._assignment import assign, build_locator

    locator = build_locator(units.set_geometry(shapely.segmentize(units.geometry, 0.001)))
    lon, lat = points.geometry.x.to_numpy(), points.geometry.y.to_numpy()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda k: assign(locator, lon[k::4], lat[k::4])[0], range(4)))
    expected = assign(build_locator(units), lon, lat)[0]
    assert [part.tolist() for part in found] == [expected[k::4].tolist() for k in range(4)]
