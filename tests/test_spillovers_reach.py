"""Rank envelopes, distance decay and halos: by hand, by brute force, against esda, and with planted patterns."""

from __future__ import annotations

from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from libpysal.graph import Graph
from scipy import sparse

from geo_cdei import columns
from geo_cdei._envelopes import global_envelope
from geo_cdei._geodesy import distance_km, pairwise_km
from geo_cdei._pvalues import p_value
from geo_cdei.analysis import decay
from geo_cdei.analysis.decay import indirect_decay, similarity_decay
from geo_cdei.analysis.halos import core_halos, halo_classes
from geo_cdei.errors import AlignmentError, StatisticError


def scattered(n: int, seed: int) -> gpd.GeoDataFrame:
    """Cities at random points of a square of about 1,500 km."""
    rng = np.random.default_rng(seed)
    ids = pd.Index([f"{i:06d}" for i in range(n)], name="adcode")
    points = {"lon": rng.uniform(102, 118, n), "lat": rng.uniform(24, 38, n)}
    return gpd.GeoDataFrame({**points, "city": list(ids), "cluster_id": None}, index=ids)


def one_core(cities: gpd.GeoDataFrame) -> tuple[str, np.ndarray, pd.DataFrame]:
    """Name the city nearest the middle a core; give its distances too."""
    km = pairwise_km(cities["lon"], cities["lat"])
    at = int(np.argmin(np.hypot(cities["lon"] - 110, cities["lat"] - 31)))
    core = pd.DataFrame({"cluster_id": ["C1"], "cluster": ["x"], "core": ["x"], "adcode": [cities.index[at]]})
    return str(cities.index[at]), km[at], core


def planted(seed: int, shift: float) -> str:
    """Class of a core around which residuals are shifted by so many standard deviations within 200 km."""
    cities = scattered(240, seed)
    _, km, core = one_core(cities)
    noise = np.random.default_rng(seed + 10_000)
    residual = noise.normal(size=240) + shift * ((km <= 200) & (km > 0))
    mass = pd.Series(noise.normal(size=240), index=cities.index)
    cell = np.floor(cities["lon"] / 4).astype(int).astype(str) + np.floor(cities["lat"] / 4).astype(int).astype(str)
    cities["cluster_id"] = np.where(km <= 200, "C1", cell)
    halos = core_halos(pd.Series(residual, index=cities.index), cities, core, mass=mass)
    return str(halos["halo"].iloc[0])


def test_envelope_of_one_place_is_the_two_sided_p():
    rng = np.random.default_rng(0)
    for value in rng.normal(size=20):
        drawn = rng.normal(size=199)
        ge, le = [(drawn >= value).sum()], [(drawn <= value).sum()]
        assert global_envelope(np.array([value]), drawn[:, None]).p == pytest.approx(p_value(ge, le, 199)[0])


def test_envelope_orders_curves_as_python_orders_their_ranks():
    rng = np.random.default_rng(1)
    curves = rng.normal(size=(60, 4))
    ranks = [
        sorted(min((curves[:, j] <= row[j]).sum(), (curves[:, j] >= row[j]).sum()) for j in range(4))
        for row in curves
    ]
    p = sum(other <= ranks[0] for other in ranks) / 60
    assert global_envelope(curves[0], curves[1:]).p == pytest.approx(p)


def test_curve_leaves_the_envelope_exactly_when_its_p_is_small():
    rng = np.random.default_rng(2)
    for _ in range(200):
        curves = rng.normal(size=(100, 5))
        curves[0] *= 1.5
        found = global_envelope(curves[0], curves[1:])
        assert bool(((curves[0] < found.low) | (curves[0] > found.high)).any()) == (found.p <= 0.05)


def test_missing_place_is_never_extreme():
    curves = np.random.default_rng(3).normal(size=(40, 2))
    observed = np.array([np.nan, curves[:, 1].mean()])
    assert global_envelope(observed, curves).p > 0.3
    assert np.isnan(global_envelope(np.array([np.nan, np.nan]), curves).p)


def test_likeness_of_a_band_is_esdas_moran():
    import esda

    cities = scattered(60, 4)
    y = pd.Series(np.random.default_rng(5).normal(size=60), index=cities.index, name="score")
    km = pairwise_km(cities["lon"], cities["lat"])
    found = similarity_decay(y, cities, bands_km=(0, 250, 500), permutations=99, seed=1)
    for row, (low, high) in zip(found.itertuples(), [(0, 250), (250, 500)], strict=True):
        near = (km > low) & (km <= high)
        graph = Graph.from_sparse(sparse.csr_array(near.astype(float)), ids=y.index)
        assert row.estimate == pytest.approx(esda.Moran(y, graph, transformation="B", permutations=0).I)
        assert row.n_pairs == near.sum() // 2


def test_resampled_likeness_is_that_of_the_repeated_cities():
    """A city drawn three times stands three times, and is no neighbor of itself."""
    cities, rng = scattered(25, 6), np.random.default_rng(7)
    values, counts = rng.normal(size=25), rng.multinomial(25, np.full(25, 0.04))
    bands = decay._bands(cities, np.arange(25), (0, 400, 800), None)
    rows = np.repeat(np.arange(25), counts)
    z = values[rows] - values[rows].mean()
    for place, links in enumerate(bands.links):
        near = links.toarray()[np.ix_(rows, rows)]
        by_hand = (z @ near @ z) / near.sum() / z.var()
        assert decay._moran(bands, values[None], counts[None].astype(float))[0, place] == pytest.approx(by_hand)


def test_indirect_association_is_a_regression_coefficient():
    cities, rng = scattered(60, 8), np.random.default_rng(9)
    x = pd.DataFrame(rng.normal(size=(60, 2)), index=cities.index, columns=["gdp", "share"])
    y = pd.Series(rng.normal(size=60), index=cities.index, name="score")
    found = indirect_decay(y, x, cities, bands_km=(0, 150, 300), permutations=99, seed=1)
    km = pairwise_km(cities["lon"], cities["lat"])
    near = (km > 0) & (km <= 150)
    some = near.any(axis=1)
    ring = near[some] @ x["gdp"].to_numpy() / near[some].sum(axis=1)
    matrix = np.column_stack([np.ones(some.sum()), x[some], ring])
    assert found["estimate"].iloc[0] == pytest.approx(np.linalg.lstsq(matrix, y[some], rcond=None)[0][-1])


def test_resampled_slope_is_the_regression_on_repeated_rows():
    rng = np.random.default_rng(10)
    own, ring, y = np.column_stack([np.ones(30), rng.normal(size=30)]), rng.normal(size=30), rng.normal(size=30)
    counts = rng.multinomial(30, np.full(30, 1 / 30))
    rows = np.repeat(np.arange(30), counts)
    by_hand = np.linalg.lstsq(np.column_stack([own, ring])[rows], y[rows], rcond=None)[0][-1]
    assert decay._weighted_slope(y, own, ring, counts[None].astype(float))[0] == pytest.approx(by_hand)


def test_radius_is_where_the_curve_enters_the_envelope():
    """.3, .2 and .0 against a bound of .1: half way between the second and the third distance."""
    bands = decay._Bands(np.array([0.0, 100, 200, 300]), (), np.array([60.0, 160, 260]))
    low, high = np.full(3, -0.1), np.full(3, 0.1)
    assert decay._radius(bands, np.array([0.3, 0.2, 0.0]), low, high) == (210.0, False)
    assert decay._radius(bands, np.array([-0.3, 0.2, 0.0]), low, high)[0] == pytest.approx(60 + 100 * 0.2 / 0.5)
    assert decay._radius(bands, np.array([0.0, 0.2, 0.0]), low, high) == (0.0, False)
    assert decay._radius(bands, np.array([0.3, 0.2, 0.2]), low, high) == (300.0, True)


def test_planted_reach_is_recovered():
    """Values that are means of noise within 200 km: alike up to 400 km, and no farther."""
    cities = scattered(400, 11)
    km = pairwise_km(cities["lon"], cities["lat"])
    noise = np.random.default_rng(12).normal(size=400)
    y = pd.Series(((km <= 200) @ noise) / (km <= 200).sum(axis=1), index=cities.index, name="smooth")
    row = similarity_decay(y, cities, seed=1).iloc[0]
    assert 150 < row["radius_km"] < 450
    assert row["radius_low_km"] <= row["radius_km"] <= row["radius_high_km"]
    assert row["p_curve"] == pytest.approx(0.001)


def test_noise_has_no_reach():
    cities = scattered(200, 13)
    y = pd.Series(np.random.default_rng(14).normal(size=200), index=cities.index, name="noise")
    found = similarity_decay(y, cities, seed=1)
    assert not found["outside"].any()
    assert found["radius_km"].eq(0).all()


def test_radius_is_missing_where_only_a_farther_band_is_outside():
    """Stripes 300 km wide that alternate: unlike at 300 km, noise nearby."""
    cities = scattered(300, 15)
    stripe = np.floor(cities["lat"] / 2.7) % 2
    y = stripe + np.random.default_rng(16).normal(size=300)
    found = similarity_decay(y.rename("y"), cities, bands_km=(0, 20, 350, 500), seed=1)
    assert found["outside"].tolist()[0] is False
    assert found["outside"].any()
    assert found["radius_km"].isna().all()


def test_decay_table_has_its_columns_and_follows_no_row_order():
    cities = scattered(50, 17)
    y = pd.Series(np.random.default_rng(18).normal(size=50), index=cities.index, name="y")
    found = similarity_decay(y, cities, permutations=99, seed=1)
    assert tuple(found.columns) == columns.DECAY
    pd.testing.assert_frame_equal(similarity_decay(y[::-1], cities[::-1], permutations=99, seed=1), found)


def test_decay_is_the_same_with_kilometres_measured_before():
    cities, noise = scattered(50, 17)[::-1], np.random.default_rng(18).normal(size=(50, 2))
    km = pairwise_km(cities["lon"], cities["lat"])
    y, x = pd.Series(noise[:, 0], index=cities.index, name="y"), pd.DataFrame(noise, index=cities.index)
    for measured, given in (
        (similarity_decay(y, cities, seed=1), similarity_decay(y, cities, km=km, seed=1)),
        (indirect_decay(y, x[[1]], cities, seed=1), indirect_decay(y, x[[1]], cities, km=km, seed=1)),
    ):
        pd.testing.assert_frame_equal(given, measured, check_exact=True)


def test_resampled_likeness_is_the_same_in_small_blocks(monkeypatch):
    cities = scattered(50, 17)
    y = pd.Series(np.random.default_rng(18).normal(size=50), index=cities.index, name="y")
    whole = similarity_decay(y, cities, permutations=99, seed=1)
    monkeypatch.setattr(decay, "_CELLS", 350)
    pd.testing.assert_frame_equal(similarity_decay(y, cities, permutations=99, seed=1), whole, check_exact=True)


def test_decay_refuses_missing_values_and_odd_bands():
    cities = scattered(20, 19)
    y = pd.Series(np.arange(20.0), index=cities.index, name="score")
    with pytest.raises(StatisticError, match="score is missing or infinite in 1 of 20 cities: 000003"):
        similarity_decay(y.where(y != 3), cities, seed=1)
    with pytest.raises(StatisticError, match="at least three ascending distances"):
        similarity_decay(y, cities, bands_km=(0, 200, 100), seed=1)
    with pytest.raises(StatisticError, match="No two of 20 cities are within 2 km"):
        similarity_decay(y, cities, bands_km=(0, 1, 2), seed=1)
    with pytest.raises(AlignmentError, match="values has 20 cities"):
        similarity_decay(y[::-1], cities, seed=1)


def halo_study():
    cities = scattered(240, 20)
    rng = np.random.default_rng(21)
    cities["cluster_id"] = np.where(cities["lon"] < 110, "C1", "C2")
    residual = pd.Series(rng.normal(size=240), index=cities.index)
    mass = pd.Series(rng.uniform(1, 9, 240), index=cities.index, name="gdp")
    middle = [np.hypot(cities["lon"] - lon, cities["lat"] - 31).idxmin() for lon in (109, 111)]
    cores = pd.DataFrame(
        {
            "cluster_id": ["C1", "C1", "C2"],
            "cluster": "x",
            "core": list("abc"),
            "adcode": [middle[0], None, middle[1]],
        }
    )
    return residual, cities, cores, mass


def parts_around(code, cities, edges):
    """Codes of the cities of every ring, of the same cluster, and of the others within the last ring."""
    lon, lat = cities.loc[code, ["lon", "lat"]]
    others = cities.drop(index=code)
    km = distance_km(np.full(len(others), lon), np.full(len(others), lat), others["lon"], others["lat"])
    same = (others["cluster_id"] == cities.loc[code, "cluster_id"]).to_numpy()
    chosen = [(km > a) & (km <= b) for a, b in pairwise(edges)] + [same, ~same & (km <= edges[-1])]
    return [others.index[some] for some in chosen]


def scaled_curve(parts, residual, effects):
    """Means over the standard deviation that the number of cities gives them, with the design effect."""
    means = [residual[part].mean() if len(part) >= 3 else np.nan for part in parts]
    spread = [v * (1 + (len(part) - 1) * r) / max(len(part), 1) for part, (v, r) in zip(parts, effects, strict=True)]
    means, spread = [*means[:-2], means[-2] - means[-1]], [*spread[:-2], spread[-2] + spread[-1]]
    return np.array(means), np.sqrt(spread)


def test_halo_is_the_mean_residual_by_ring():
    residual, cities, cores, mass = halo_study()
    found = core_halos(residual, cities, cores, mass=mass, rings_km=(0, 150, 300), peers=40)
    for code, rows in found.groupby("core"):
        parts = parts_around(code, cities, [0, 150, 300])
        means = [residual[part].mean() for part in parts]
        np.testing.assert_allclose(rows["estimate"], [means[0], means[1], means[2] - means[3]])
        assert rows["n_cities"].tolist() == [len(part) for part in parts[:3]]


def test_halo_stands_against_the_cities_nearest_in_rank():
    """Everything again, city by city: design effects, peers that have every part, envelope, p."""
    residual, cities, cores, mass = halo_study()
    found = core_halos(residual, cities, cores, mass=mass, rings_km=(0, 150, 300), peers=40)
    around = {code: parts_around(code, cities, [0, 150, 300]) for code in cities.index}
    z, effects = residual - residual.mean(), []
    for k in range(4):
        groups = [z[parts[k]].to_numpy() for parts in around.values()]
        variance = np.mean(np.concatenate(groups) ** 2)
        alike = sum(np.outer(g, g).sum() - (g**2).sum() for g in groups) / sum(len(g) * (len(g) - 1) for g in groups)
        effects.append((variance, max(alike / variance, 0.0)))
    curves = {code: scaled_curve(parts, residual, effects) for code, parts in around.items()}
    rank = mass.rank(ascending=False)
    for code, rows in found.groupby("core"):
        order = (rank.drop(code) - rank[code]).abs().sort_values(kind="stable").index
        peers = [peer for peer in order if np.isfinite(curves[peer][0]).all()][:40]
        (mean, spread), drawn = curves[code], np.array([curves[peer][0] / curves[peer][1] for peer in peers])
        envelope = global_envelope(mean / spread, drawn)
        assert rows["p"].iloc[0] == pytest.approx(envelope.p)
        np.testing.assert_allclose(rows["high"], envelope.high * spread)


def test_halo_tables_have_their_columns_and_a_core_without_score_is_no_row():
    residual, cities, cores, mass = halo_study()
    found = core_halos(residual, cities, cores, mass=mass)
    assert tuple(found.columns) == columns.HALOS
    assert len(found) == 2 * 6
    classes = halo_classes(found)
    assert tuple(classes.columns) == columns.HALO_CORES
    assert classes["core"].tolist() == cores["adcode"].dropna().tolist()


def test_halo_follows_no_row_order():
    residual, cities, cores, mass = halo_study()
    found = core_halos(residual, cities, cores, mass=mass)
    again = core_halos(residual[::-1], cities[::-1], cores, mass=mass[::-1])
    pd.testing.assert_frame_equal(again, found)


def test_halo_is_the_same_with_kilometres_measured_before():
    residual, cities, cores, mass = halo_study()
    found = core_halos(residual, cities, cores, mass=mass, km=pairwise_km(cities["lon"], cities["lat"]))
    pd.testing.assert_frame_equal(found, core_halos(residual, cities, cores, mass=mass), check_exact=True)


def test_city_without_residual_is_in_no_ring():
    residual, cities, cores, mass = halo_study()
    before = core_halos(residual, cities, cores, mass=mass)["n_cities"].iloc[:5].sum()
    lost = cities.index.difference(cores["adcode"].dropna())[::7]
    after = core_halos(residual.drop(lost).reindex(cities.index), cities, cores, mass=mass)["n_cities"].iloc[:5]
    assert after.sum() < before
    assert np.isfinite(after).all()


def test_lonely_core_is_not_tested():
    residual, cities, cores, mass = halo_study()
    far = cores["adcode"].iloc[0]
    cities.loc[far, ["lon", "lat", "cluster_id"]] = [80.0, 45.0, "C9"]
    found = halo_classes(core_halos(residual, cities, cores, mass=mass))
    assert found.set_index("core").loc[far, "halo"] == "not tested"
    assert np.isnan(found.set_index("core").loc[far, "p"])
    assert not found.set_index("core").loc[far, "significant_fdr"]


@pytest.mark.parametrize(("shift", "name"), [(-2.5, "siphoning"), (2.5, "radiating")])
def test_planted_halo_has_its_class(shift, name):
    assert planted(1, shift) == name


def test_halo_refuses_a_core_without_rank_and_too_few_peers():
    residual, cities, cores, mass = halo_study()
    code = cores["adcode"].iloc[0]
    with pytest.raises(StatisticError, match=f"1 of 2 cores have no gdp, so no rank: {code}"):
        core_halos(residual, cities, cores, mass=mass.where(mass.index != code))
    with pytest.raises(StatisticError, match=r"At least 19 other cities are needed.*18 were asked for"):
        core_halos(residual, cities, cores, mass=mass, peers=18)
    with pytest.raises(StatisticError, match="1 of 2 cores are not among the cities: zz"):
        core_halos(residual, cities, cores.replace({code: "zz"}), mass=mass)
    with pytest.raises(StatisticError, match="rings_km must be ascending"):
        core_halos(residual, cities, cores, mass=mass, rings_km=(200, 100))


@pytest.mark.slow
@pytest.mark.parametrize(("shift", "name"), [(-2.5, "siphoning"), (2.5, "radiating")])
def test_planted_halo_is_recovered_in_95_of_100_seeds(shift, name):
    assert sum(planted(seed, shift) == name for seed in range(100)) >= 95


@pytest.mark.slow
def test_noise_is_called_a_halo_in_at_most_8_of_100():
    called = sum(planted(seed, 0.0) in ("siphoning", "radiating") for seed in range(400))
    assert called <= 32


@pytest.mark.slow
def test_smooth_noise_is_called_a_halo_in_at_most_8_of_100():
    """Residuals that are alike within 150 km, any city for a core: likeness alone makes no halo."""
    called = 0
    for seed in range(400):
        cities = scattered(160, seed)
        core = one_core(cities)[2].assign(adcode=cities.index[seed % 160])
        rng = np.random.default_rng(seed + 20_000)
        km = pairwise_km(cities["lon"], cities["lat"])
        residual = np.exp(-km / 150) @ rng.normal(size=160)
        mass = pd.Series(rng.normal(size=160), index=cities.index)
        halos = core_halos(pd.Series(residual, index=cities.index), cities, core, mass=mass)
        called += halos["halo"].iloc[0] in ("siphoning", "radiating")
    assert called <= 32


@pytest.mark.slow
def test_noise_is_given_a_reach_in_at_most_8_of_100():
    called = 0
    for seed in range(400):
        cities = scattered(100, seed)
        y = pd.Series(np.random.default_rng(seed + 30_000).normal(size=100), index=cities.index, name="y")
        called += similarity_decay(y, cities, permutations=199, seed=seed)["outside"].any()
    assert called <= 32
