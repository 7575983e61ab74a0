"""Properties that hold for any input, tried on many; outside witnesses on random graphs.

``HYPOTHESIS_PROFILE=nightly`` tries 5,000 inputs instead of 100 (tests/conftest.py).
"""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from libpysal.graph import Graph
from pole_frames import criteria_of
from scipy import sparse
from scipy.special import comb
from test_cities import ALIASES, BOOK, UNITS

from geo_cdei import _polyline as polyline
from geo_cdei._geodesy import bearing_deg, distance_km, nearest, pairwise_km, within_km
from geo_cdei._permutation import conditional_counts
from geo_cdei._rigid import hull_normals, inside_hull, move_line
from geo_cdei.analysis.acceptability import rank_acceptability
from geo_cdei.analysis.autocorrelation import local_moran
from geo_cdei.analysis.global_autocorrelation import global_geary, global_getis, global_moran
from geo_cdei.analysis.hotspots import getis_ord
from geo_cdei.analysis.pole_ranking import rank_poles
from geo_cdei.analysis.scoring import contributions, score_clusters
from geo_cdei.analysis.spatial_models import spatial_model
from geo_cdei.errors import GeoCdeiWarning, StatisticError
from geo_cdei.inputs.cities import _match_row, match_cities
from geo_cdei.inputs.names import normalize_name

SEEDS = st.integers(0, 2**32 - 1)
SPACES = st.sampled_from(["", " ", "\u3000", "\u200b", "\ufeff", "\t", "'", "\u00a0"])
FULL_WIDTH = {k: k + 0xFEE0 for k in range(0x21, 0x7F)}
POSITIVE = st.floats(0.01, 1e6)
SCORE = st.floats(-1e3, 1e3, allow_subnormal=False)


# ---- names -----------------------------------------------------------------------------------------------


@given(st.sampled_from(UNITS["official_name"].tolist()), st.data())
def test_a_name_written_in_any_spacing_is_the_same_unit(name, data):
    """Spaces of any kind, quotes and zero-width characters between any two characters."""
    written = "".join(data.draw(SPACES) + character for character in name)
    assert _match_row(BOOK, "", written).adcodes == _match_row(BOOK, "", name).adcodes


@given(st.sampled_from(UNITS["adcode"].tolist()), st.booleans(), st.sampled_from(["", ".0", ".00", "000000"]))
def test_a_code_in_any_dress_is_the_same_unit(code, wide, tail):
    """Full-width digits, decimals of a spreadsheet, twelve digits."""
    written = code.translate(FULL_WIDTH) + tail if wide else code + tail
    assert _match_row(BOOK, written, "").adcodes == (code,)


@given(st.text(max_size=8))
def test_a_text_is_a_unit_only_if_it_is_one_of_its_names(text):
    """Never by a part of a name: what is found stands in the book under exactly this writing."""
    found = _match_row(BOOK, "", text)
    assert len(found.adcodes) <= 1
    if found.adcodes:
        assert found == BOOK.names[normalize_name(text, BOOK.simplified)]
    else:
        assert found.note


@given(st.lists(st.sampled_from(UNITS["short_name"].tolist()) | st.text(max_size=4), max_size=8), SEEDS)
def test_matches_follow_their_rows(names, seed):
    """Rows in another order have their matches in that order: no row looks at another."""
    frame = pd.DataFrame({"city": names}, dtype="str")
    order = np.random.default_rng(seed).permutation(len(frame))
    small = UNITS[UNITS["short_name"].isin(names)]
    aliases = ALIASES[ALIASES["adcode"].isin(small["adcode"])]
    first = match_cities(frame, small, aliases).drop(columns="row")
    second = match_cities(frame.iloc[order], small, aliases).drop(columns="row")
    pd.testing.assert_frame_equal(first.iloc[order], second)


# ---- weighted scores -------------------------------------------------------------------------------------


@st.composite
def scored(draw):
    """Up to eight cities in up to three clusters, some without a score or a weight."""
    n = draw(st.integers(1, 8))
    maybe = st.one_of(st.just(np.nan), SCORE)
    score = draw(st.lists(maybe, min_size=n, max_size=n))
    weight = draw(st.lists(st.one_of(st.just(np.nan), st.just(0.0), POSITIVE), min_size=n, max_size=n))
    ids = [f"{k:06d}" for k in range(n)]
    cities = pd.DataFrame({"city": ids, "score": score, "gdp": weight}, index=ids, dtype=float).assign(city=ids)
    cluster = draw(st.lists(st.sampled_from(["C1", "C2", "C3"]), min_size=n, max_size=n))
    return cities, pd.DataFrame({"cluster_id": cluster, "adcode": ids, "city": ids, "role": "primary"})


@given(scored())
def test_a_cluster_scores_as_the_weighted_mean_of_its_known_members(country):
    """Against numpy, member by member; without one, NaN."""
    cities, members = country
    found = score_clusters(cities, members, weights="gdp")
    for cluster, own in members.groupby("cluster_id"):
        part = cities.loc[own["adcode"]].dropna(subset=["score", "gdp"])
        score = found.loc[cluster, "score"]
        if part["gdp"].sum() > 0:
            assert score == pytest.approx(np.average(part["score"], weights=part["gdp"]), rel=1e-9, abs=1e-9)
            used = part[part["gdp"] > 0]["score"]
            assert used.min() - 1e-9 <= score <= used.max() + 1e-9
        else:
            assert np.isnan(score)


@given(scored())
def test_contributions_add_up_and_leaving_one_out_is_leaving_it_out(country):
    """Contributions sum to the score; the score without a member is that of the cluster without it."""
    cities, members = country
    table, scores = contributions(cities, members, weights="gdp"), score_clusters(cities, members, weights="gdp")
    added = table.groupby("cluster_id")["contribution"].sum(min_count=1)
    np.testing.assert_allclose(added, scores["score"], rtol=1e-9, atol=1e-9)
    for row in table.dropna(subset="score_without").itertuples():
        rest = members[~((members["adcode"] == row.adcode) & (members["cluster_id"] == row.cluster_id))]
        without = score_clusters(cities, rest, weights="gdp").loc[row.cluster_id, "score"]
        share = table.loc[row.Index, "share"]
        assert row.score_without == pytest.approx(without, rel=1e-6, abs=1e-6 / max(1.0 - share, 1e-9))


@given(scored(), POSITIVE)
def test_the_unit_of_the_weights_is_no_matter(country, unit):
    """Billions or millions: the same scores."""
    cities, members = country
    first = score_clusters(cities, members, weights="gdp")["score"]
    second = score_clusters(cities.assign(gdp=cities["gdp"] * unit), members, weights="gdp")["score"]
    np.testing.assert_allclose(first, second, rtol=1e-9, atol=1e-9)


# ---- permutation counts ----------------------------------------------------------------------------------


@st.composite
def small_graphs(draw):
    """Four to six cities with values of few kinds (so that sums tie) and random edges."""
    n = draw(st.integers(4, 6))
    values = np.array(draw(st.lists(st.integers(-3, 3), min_size=n, max_size=n)), dtype=float)
    equal = draw(st.booleans())
    weight = st.just(1.0) if equal else st.sampled_from([0.25, 0.5, 1.0, 2.0])
    dense = np.zeros((n, n))
    for i, j in itertools.permutations(range(n), 2):
        if draw(st.booleans()):
            dense[i, j] = draw(weight)
    return values, sparse.csr_array(dense), draw(st.sampled_from(["sum", "squared difference"]))


@given(small_graphs(), SEEDS)
def test_counts_agree_with_every_arrangement(case, seed):
    """Against brute force: the exact share of arrangements of the others, within six standard errors."""
    values, weights, kind = case
    counts = conditional_counts(values, weights, permutations=3_000, seed=seed, kind=kind)
    for i, row in enumerate(weights.toarray()):
        near = np.flatnonzero(row)
        if not len(near):
            assert (counts.ge[i], counts.le[i]) == (0, 0)
            continue
        term = (lambda v, i=i: (values[i] - v) ** 2) if kind != "sum" else (lambda v: v)
        others = np.delete(values, i)
        null = np.array([row[near] @ term(np.array(t)) for t in itertools.permutations(others, len(near))])
        observed = row[near] @ term(values[near])
        exact_ge, exact_le = (null >= observed - 1e-9).mean(), (null <= observed + 1e-9).mean()
        for count, exact in ((counts.ge[i], exact_ge), (counts.le[i], exact_le)):
            assert abs(count / 3_000 - exact) <= 6 * np.sqrt(max(exact * (1 - exact), 1e-9) / 3_000)


@given(small_graphs(), SEEDS)
def test_counts_turn_with_the_sign_and_cover_all_permutations(case, seed):
    """Sums of −y: at least and at most change places; every permutation is on one side or both."""
    values, weights, kind = case
    first = conditional_counts(values, weights, permutations=200, seed=seed, kind=kind)
    second = conditional_counts(-values, weights, permutations=200, seed=seed, kind=kind)
    some = np.diff(weights.indptr) > 0
    assert (first.ge + first.le >= np.where(some, 200, 0)).all()
    turned = (second.le, second.ge) if kind == "sum" else (second.ge, second.le)
    assert np.array_equal(first.ge, turned[0])
    assert np.array_equal(first.le, turned[1])


# ---- geodesy ---------------------------------------------------------------------------------------------

PLACE = st.tuples(st.floats(-180, 180), st.floats(-89, 89))


@given(PLACE, PLACE, PLACE)
def test_distances_are_distances(a, b, c):
    """As far back as there, no way around is shorter, nearly the great circle's length."""
    (ab, ba, bc, ac) = (
        float(distance_km([p[0]], [p[1]], [q[0]], [q[1]])[0]) for p, q in ((a, b), (b, a), (b, c), (a, c))
    )
    assert ab == pytest.approx(ba, abs=1e-6)
    assert ac <= ab + bc + 1e-6
    u, v = polyline.unit_vectors([a[0], b[0]], [a[1], b[1]])
    circle = 6371.0088 * np.arctan2(np.linalg.norm(np.cross(u, v)), u @ v)
    assert abs(ab - circle) <= 0.006 * circle + 1e-6


@given(st.tuples(st.floats(-170, 170), st.floats(-80, 80)), st.floats(0, 359.9), st.floats(1, 5_000))
def test_going_there_by_bearing_and_distance_arrives(start, azimuth, km):
    """The direct problem undoes the inverse one."""
    from pyproj import Geod

    lon, lat, _ = Geod(ellps="WGS84").fwd(*start, azimuth, km * 1e3)
    assert float(distance_km([start[0]], [start[1]], [lon], [lat])[0]) == pytest.approx(km, abs=1e-6)
    back = float(bearing_deg([start[0]], [start[1]], [lon], [lat])[0])
    assert abs((back - azimuth + 180) % 360 - 180) < 1e-6 * 5_000 / km + 1e-7


@given(st.lists(PLACE, min_size=3, max_size=14, unique=True), st.integers(1, 2), st.floats(1, 9_000))
def test_neighbors_are_those_of_all_pairs(places, k, threshold):
    """Trees and candidates find what comparing every pair finds."""
    lon, lat = np.array(places).T
    km = pairwise_km(lon, lat)
    np.fill_diagonal(km, np.inf)
    _, found = nearest(lon, lat, k)
    np.testing.assert_allclose(found, np.sort(km, axis=1)[:, :k], rtol=1e-9, atol=1e-9)
    i, j, _ = within_km(lon, lat, threshold)
    pairs = {(min(a, b), max(a, b)) for a, b in zip(i.tolist(), j.tolist(), strict=True)}
    clear = np.abs(km - threshold) > 1e-9 * threshold
    expected = {(a, b) for a in range(len(km)) for b in range(a + 1, len(km)) if km[a, b] <= threshold}
    assert {p for p in pairs ^ expected if clear[p]} == set()


# ---- corridors -------------------------------------------------------------------------------------------

HERE = st.tuples(st.floats(80, 130), st.floats(20, 50))
LINE = st.lists(HERE, min_size=2, max_size=5, unique_by=lambda p: (round(p[0], 2), round(p[1], 2)))


def line_of(places) -> np.ndarray:
    return polyline.unit_vectors(*np.array(places).T)


@given(LINE, st.lists(HERE, min_size=1, max_size=9))
def test_a_line_is_as_near_from_either_end_and_touches_its_vertices(places, cities):
    """Distances do not depend on the direction; a vertex is at 0, no city is farther than the nearest vertex."""
    line, points = line_of(places), line_of(cities)
    forth = polyline.line_distance_km(points, line[None])[0]
    back = polyline.line_distance_km(points, line[None, ::-1])[0]
    np.testing.assert_allclose(forth, back, atol=1e-5)
    assert polyline.line_distance_km(line, line[None])[0].max() < 1e-3
    to_vertices = polyline.EARTH_KM * np.arccos(np.clip(points @ line.T, -1, 1)).min(axis=1)
    assert (forth <= to_vertices + 1e-3).all()


@given(LINE, st.lists(HERE, min_size=1, max_size=9), st.floats(10, 800))
def test_within_is_where_the_distance_is_at_most_the_width(places, cities, width):
    """The quick answer for random lines is the exact one, but for points on the very edge."""
    line, points = line_of(places), line_of(cities)
    km = polyline.line_distance_km(points, line[None])[0]
    quick = polyline.lies_within(points, line[None], width)[0]
    clear = np.abs(km - width) > 1e-4
    assert np.array_equal(quick[clear], (km <= width)[clear])


@given(LINE, st.lists(HERE, min_size=1, max_size=9))
def test_positions_lie_on_the_line_and_turn_with_it(places, cities):
    """From 0 to the number of arcs; the other way round, the rest of it."""
    line, points = line_of(places), line_of(cities)
    lines = np.repeat(line[None], len(points), axis=0)
    along = polyline.line_position(points, lines)
    assert ((along >= 0) & (along <= len(line) - 1)).all()
    own = polyline.line_position(line, np.repeat(line[None], len(line), axis=0))
    np.testing.assert_allclose(own, np.arange(len(line)), atol=1e-4)


@given(LINE, st.floats(20, 2_000))
def test_a_dense_line_keeps_its_points_and_its_length(places, step):
    """Steps no longer than asked, the same vertices, the same way."""
    lon, lat = np.array(places).T
    dense = polyline.unit_vectors(*polyline.densify(lon, lat, step))
    arcs = polyline.EARTH_KM * np.arctan2(
        np.linalg.norm(np.cross(dense[:-1], dense[1:]), axis=1), np.einsum("ij,ij->i", dense[:-1], dense[1:])
    )
    assert arcs.max() <= step * (1 + 1e-9)
    line = line_of(places)
    whole = polyline.EARTH_KM * np.arccos(np.clip(np.einsum("ij,ij->i", line[:-1], line[1:]), -1, 1)).sum()
    assert arcs.sum() == pytest.approx(whole, abs=1e-3)
    assert (np.linalg.norm(line[:, None] - dense[None], axis=2).min(axis=1) < 1e-9).all()


def test_a_point_that_stands_twice_does_not_break_a_line():
    """There is no arc between a point and itself."""
    lon, lat = polyline.densify([100.0, 100.0, 101.0], [30.0, 30.0, 30.0], 50.0)
    assert np.isfinite(lon).all()
    assert lat[:2].round(9).tolist() == [30.0, 30.0]


@given(
    LINE, st.lists(st.tuples(*[st.floats(0, 1, exclude_max=True)] * 4), min_size=1, max_size=6), st.floats(0.01, 0.5)
)
def test_moved_lines_keep_their_shape_and_stay_in_the_cap(places, uniform, radius):
    """Every distance within the line stays; its middle lies in the cap."""
    line, middle = line_of(places), polyline.unit_vectors([105.0], [35.0])[0]
    moved = move_line(line, np.array(uniform), middle, radius)
    gram = line @ line.T
    for other in moved:
        np.testing.assert_allclose(other @ other.T, gram, atol=1e-12)
        center = polyline.center_of(other)
        assert center @ middle >= np.cos(radius) - 1e-9


@given(st.lists(HERE, min_size=4, max_size=12, unique_by=lambda p: (round(p[0]), round(p[1]))), st.data())
def test_the_hull_holds_its_points_and_what_lies_between_them(places, data):
    """Every given point, and any mean of them, is inside."""
    points = line_of(places)
    assume(np.linalg.svd(points)[1][2] > 0.005)  # on one great circle they have no hull
    normals = hull_normals(points)
    share = np.array(data.draw(st.lists(st.floats(0.01, 1), min_size=len(points), max_size=len(points))))
    mean = share @ points
    assert inside_hull(np.stack([points])[:, :, :], normals).all()
    assert inside_hull((mean / np.linalg.norm(mean))[None, None], normals)[0]


# ---- acceptability ---------------------------------------------------------------------------------------


@st.composite
def candidates(draw):
    """Three to five candidates on two to four criteria of two groups."""
    n, m = draw(st.integers(3, 5)), draw(st.integers(2, 4))
    raw = [[draw(st.integers(0, 20)) for _ in range(m)] for _ in range(n)]
    columns = np.array(raw, dtype=float).T
    assume(all(len(set(column)) > 1 for column in columns.tolist()))
    return np.array(raw, dtype=float), ["level", "breadth", "level", "location"][:m]


@given(candidates(), SEEDS)
def test_shares_of_ranks_are_shares(case, seed):
    """Rows and columns add up to 1; of every pair one stands before the other; ranks follow the pairs."""
    raw, groups = case
    found = rank_acceptability(criteria_of(raw, groups), draws=10_000, seed=seed % 1000)
    np.testing.assert_allclose(found.ranks.sum(axis=0), 1)
    np.testing.assert_allclose(found.ranks.sum(axis=1), 1)
    pairs = found.pairs.to_numpy()
    both = pairs + pairs.T
    np.testing.assert_allclose(both[~np.eye(len(raw), dtype=bool)], 1)
    expected = 1 + np.nansum(pairs.T, axis=1)
    np.testing.assert_allclose(found.ranks.to_numpy() @ np.arange(1, len(raw) + 1), expected, atol=1e-9)


@given(candidates(), SEEDS)
def test_who_is_better_in_everything_is_first_in_every_draw(case, seed):
    """Dominance: rank 1 with probability 1, and first under both methods."""
    raw, groups = case
    raw = np.vstack([raw, raw.max(axis=0) + 1])
    criteria = criteria_of(raw, groups)
    assert rank_acceptability(criteria, draws=10_000, seed=seed % 1000).first.iloc[-1] == 1
    assert rank_poles(criteria)[["rank_additive", "rank_topsis"]].iloc[-1].tolist() == [1, 1]


# ---- outside witnesses -----------------------------------------------------------------------------------


@st.composite
def random_graphs(draw):
    """Eight to thirty cities, one to five neighbors each, weights equal or not, skewed values."""
    rng = np.random.default_rng(draw(SEEDS))
    n = draw(st.integers(8, 30))
    ids = [f"{k:03d}" for k in range(n)]
    focal, near, weight = [], [], []
    for own in range(n):
        chosen = rng.choice(np.delete(np.arange(n), own), size=int(rng.integers(1, 6)), replace=False)
        focal += [ids[own]] * len(chosen)
        near += [ids[k] for k in sorted(chosen)]
        weight += (rng.uniform(0.1, 2, len(chosen)) if draw(st.booleans()) else np.ones(len(chosen))).tolist()
    y = pd.Series(rng.lognormal(size=n), index=ids, name="y")
    return y, Graph.from_arrays(focal, near, weight), rng


@given(random_graphs())
def test_global_statistics_are_those_of_esda(case):
    """I, C and G, with the moments and p under normality and randomization."""
    import esda

    y, graph, _ = case
    ours, theirs = global_moran(y, graph, permutations=9, seed=1), esda.Moran(y, graph, permutations=0)
    for name in ("I", "EI", "z_norm", "p_norm", "z_rand", "p_rand"):
        assert getattr(ours, name) == pytest.approx(getattr(theirs, name), rel=1e-8, abs=1e-10), name
    geary, geary_esda = global_geary(y, graph, permutations=9, seed=1), esda.Geary(y, graph, permutations=0)
    for name in ("C", "z_norm", "z_rand"):
        assert getattr(geary, name) == pytest.approx(getattr(geary_esda, name), rel=1e-8, abs=1e-10), name
    assert (
        pytest.approx(esda.G(y, graph.transform("B"), permutations=0).G, rel=1e-8)
        == global_getis(y, graph, permutations=9, seed=1).G
    )


@given(random_graphs())
def test_local_statistics_are_those_of_esda(case):
    """Local I and its quadrant, and Gi with binary neighbors."""
    import esda

    y, graph, _ = case
    ours = local_moran(y, graph, permutations=9, seed=1)
    theirs = esda.Moran_Local(y, graph, permutations=0)
    np.testing.assert_allclose(ours["I"], theirs.Is, rtol=1e-8, atol=1e-10)
    assert ours["quadrant"].tolist() == [{1: "HH", 2: "LH", 3: "LL", 4: "HL"}[q] for q in theirs.q]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gi = esda.G_Local(y, graph.transform("B"), transform="B", permutations=0, star=False)
    np.testing.assert_allclose(
        getis_ord(y, graph.transform("B"), star=False, permutations=9, seed=1)["z"], gi.Zs, rtol=1e-6, atol=1e-8
    )


@settings(max_examples=max(20, settings.default.max_examples // 5))
@given(random_graphs())
def test_least_squares_are_those_of_scipy_and_the_lag_model_that_of_spreg(case):
    """Coefficients against linalg.lstsq and spreg.ML_Lag."""
    import spreg
    from scipy.linalg import lstsq

    y, graph, rng = case
    x = pd.DataFrame({"a": rng.normal(size=len(y)), "b": rng.normal(size=len(y))}, index=y.index)
    assume(abs(np.corrcoef(x.T)[0, 1]) < 0.9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GeoCdeiWarning)
        try:
            plain, ours = (spatial_model(y, x, graph, kind=kind).coefficients["estimate"] for kind in ("ols", "lag"))
        except StatisticError:  # eight cities and five parameters: some cannot be estimated, and say so
            assume(False)
    design = np.column_stack([np.ones(len(y)), x])
    np.testing.assert_allclose(plain, lstsq(design, y)[0], rtol=1e-6, atol=1e-8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = spreg.ML_Lag(y.to_numpy()[:, None], x.to_numpy(), w=graph.transform("R").to_W(), method="full")
    np.testing.assert_allclose(ours, theirs.betas.ravel(), rtol=1e-3, atol=1e-4)


@given(st.integers(1, 4), st.integers(6, 12))
def test_a_lone_high_city_is_drawn_as_often_as_the_hypergeometric_says(k, n):
    """One city of value 1 among zeros: a neighbor sum of 1 has probability k / (n - 1), exactly."""
    values = np.zeros(n)
    values[-1] = 1.0
    dense = np.zeros((n, n))
    dense[0, 1 : k + 1] = 1.0
    counts = conditional_counts(values, sparse.csr_array(dense), permutations=4_000, seed=n)
    probability = 1 - comb(n - 2, k) / comb(n - 1, k)
    assert abs(counts.mean[0] - probability) <= 6 * np.sqrt(probability * (1 - probability) / 4_000) + 1e-12
