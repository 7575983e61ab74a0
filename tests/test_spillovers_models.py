"""Spatial regressions: spreg's published numbers, a dense likelihood, dense inverses, and what is refused."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import libpysal
import numpy as np
import pandas as pd
import pytest
import spreg
from libpysal.graph import Graph, read_gal
from scipy import optimize, sparse

from geo_cdei import _spreg, _traces, columns
from geo_cdei._multipliers import mean_diagonal
from geo_cdei._traces import information_traces
from geo_cdei.analysis.graphs import build_graph, transform
from geo_cdei.analysis.model_inputs import (
    core_cities,
    core_km,
    missing_reasons,
    model_columns,
    nearest_core_km,
)
from geo_cdei.analysis.spatial_models import KINDS, fit_models, model_table, spatial_effects, spatial_model
from geo_cdei.errors import AlignmentError, GeoCdeiWarning, GraphError, StatisticError

BALTIM = Path(libpysal.__path__[0]) / "examples" / "baltim"
X = ["NROOM", "AGE", "SQFT"]


QUIET = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def baltim():
    """House prices in Baltimore with the weights of spreg's own test."""
    table = pd.DataFrame(gpd.read_file(BALTIM / "baltim.shp").drop(columns="geometry")).set_index("STATION")
    return table["PRICE"], table[X], read_gal(BALTIM / "baltim_q.gal")


@pytest.fixture(scope="module")
def made():
    """120 cities with two unrelated columns, a graph of six neighbors, and a score made by a Durbin process."""
    rng = np.random.default_rng(3)
    ids = pd.Index([f"{i:06d}" for i in range(120)], name="adcode")
    cities = gpd.GeoDataFrame({"lon": rng.uniform(100, 112, 120), "lat": rng.uniform(25, 37, 120)}, index=ids)
    graph = build_graph(cities)
    W = transform(graph, "R").sparse.toarray()
    x = pd.DataFrame(rng.normal(size=(120, 2)), index=ids, columns=["gdp", "share"])
    mean = 2 * x["gdp"] - x["share"] + 1.5 * (W @ x["gdp"].to_numpy())
    y = np.linalg.solve(np.eye(120) - 0.4 * W, mean + rng.normal(size=120))
    return pd.Series(y, index=ids, name="score"), x, graph


def dense_effects(model, rho, own, around):
    """Direct, indirect and total effect by the inverse that the package avoids."""
    W = model.weights.toarray()
    S = np.linalg.inv(np.eye(model.n) - rho * W) @ (np.eye(model.n) * own + W * around)
    direct, total = np.trace(S) / model.n, S.sum() / model.n
    return [direct, total - direct, total]


def test_lag_model_has_spregs_published_numbers(baltim):
    model = spatial_model(*baltim, kind="lag")
    published = [-6.04040164, 3.48995114, -0.20103955, 0.65462382, 0.62351143]
    np.testing.assert_allclose(model.coefficients["estimate"], published, rtol=1e-5)
    assert model.diagnostics["loglik"] == pytest.approx(-875.92771143484833, rel=1e-9)
    assert model.coefficients.loc["rho", "se"] == pytest.approx(0.05763147, rel=1e-5)


def test_error_model_maximizes_the_dense_likelihood(baltim):
    y, x, graph = baltim
    W = transform(graph, "R").sparse.toarray()
    matrix, values = np.column_stack([np.ones(len(y)), x]), y.to_numpy()

    def minus_loglik(lam):
        A = np.eye(len(y)) - lam * W
        e = A @ values - A @ matrix @ np.linalg.lstsq(A @ matrix, A @ values, rcond=None)[0]
        return len(y) / 2 * (np.log(2 * np.pi * (e @ e) / len(y)) + 1) - np.linalg.slogdet(A)[1]

    best = optimize.minimize_scalar(minus_loglik, bounds=(-0.99, 0.99), method="bounded", options={"xatol": 1e-9})
    model = spatial_model(y, x, graph, kind="error")
    assert model.coefficients.loc["lam", "estimate"] == pytest.approx(best.x, abs=1e-5)
    assert model.diagnostics["loglik"] == pytest.approx(-best.fun, abs=1e-6)


@QUIET
def test_durbin_model_is_spregs_own(made):
    y, x, graph = made
    w = transform(graph, "R").to_W()
    theirs = spreg.ML_Lag(y.to_numpy()[:, None], x.to_numpy(), w, slx_lags=1, spat_impacts=None)
    ours = spatial_model(y, x, graph, kind="durbin").coefficients["estimate"]
    np.testing.assert_allclose(ours, theirs.betas.ravel(), atol=1e-6)


@pytest.mark.parametrize("fit", [_spreg.fit_lag, _spreg.fit_error])
def test_many_cities_have_the_estimates_that_spregs_classes_give(made, monkeypatch, fit):
    y, x, graph = made
    given = y.to_numpy(), x.to_numpy(), sparse.csr_array(transform(graph, "R").sparse)
    theirs = fit(*given)
    monkeypatch.setattr(_spreg, "_MANY", 0)
    ours = fit(*given)
    for part in ("estimate", "residuals", "loglik"):
        np.testing.assert_allclose(getattr(ours, part), getattr(theirs, part), rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(ours.covariance, theirs.covariance, rtol=1e-8, atol=1e-13)


def test_traces_are_those_of_the_dense_inverse(made, monkeypatch):
    weights = sparse.csr_array(transform(made[2], "R").sparse)
    g = weights @ np.linalg.inv(np.eye(120) - 0.6 * weights.toarray())
    monkeypatch.setattr(_traces, "_COLUMNS", 50)
    dense = np.trace(g), np.trace(g @ g), np.trace(g.T @ g)
    np.testing.assert_allclose(information_traces(weights, 0.6), dense, rtol=1e-12)


def test_nothing_is_printed(made, capsys):
    for kind in KINDS:
        spatial_model(*made, kind=kind)
    assert capsys.readouterr() == ("", "")


@QUIET
def test_lagrange_multipliers_are_spregs_of_the_same_residuals(baltim):
    y, x, graph = baltim
    ols = spreg.OLS(y.to_numpy()[:, None], x.to_numpy(), nonspat_diag=False, spat_diag=False)
    tests = spreg.LMtests(ols, transform(graph, "R").to_W(), tests=["lme", "rlml"])
    ours = spatial_model(y, x, graph, kind="ols").diagnostics
    assert (ours["lm_error"], ours["lm_error_p"]) == pytest.approx(tests.lme)
    assert (ours["rlm_lag"], ours["rlm_lag_p"]) == pytest.approx(tests.rlml)


@QUIET
def test_condition_number_is_spregs(baltim):
    y, x, graph = baltim
    ols = spreg.OLS(y.to_numpy()[:, None], x.to_numpy(), nonspat_diag=False, spat_diag=False)
    assert spatial_model(y, x, graph, kind="ols").diagnostics["condition"] == pytest.approx(
        spreg.condition_index(ols)
    )


@QUIET
def test_aic_counts_the_variance_in_every_kind(baltim):
    for kind, parameters in (("ols", 5), ("error", 6), ("lag", 6), ("slx", 8), ("durbin", 9)):
        model = spatial_model(*baltim, kind=kind)
        assert model.n_parameters == parameters
        assert model.diagnostics["aic"] == pytest.approx(2 * parameters - 2 * model.diagnostics["loglik"])


def test_moran_of_innovations_is_that_of_esda(made):
    import esda

    y, x, graph = made
    model = spatial_model(y, x, graph, kind="error")
    theirs = esda.Moran(model.residuals, transform(graph, "R"), permutations=0)
    assert model.diagnostics["moran_I"] == pytest.approx(theirs.I, abs=1e-3)
    assert model.diagnostics["moran_p"] == pytest.approx(theirs.p_norm, abs=2e-2)


def test_order_of_the_rows_changes_nothing(made):
    y, x, graph = made
    turned = y.index[::-1]
    mirrored = Graph.from_sparse(graph.sparse.tocsr()[::-1][:, ::-1], ids=turned)
    again = spatial_model(y[turned], x.loc[turned], mirrored, kind="durbin")
    pd.testing.assert_frame_equal(again.coefficients, spatial_model(*made, kind="durbin").coefficients)


def test_group_effects_are_dummy_columns(made):
    y, x, graph = made
    groups = pd.Series(np.arange(120) % 4, index=y.index, name="cluster_id")
    by_hand = np.column_stack([np.ones(120), x, groups.to_numpy()[:, None] == [1, 2, 3]]).astype(float)
    slope = np.linalg.lstsq(by_hand, y.to_numpy(), rcond=None)[0][1]
    model = spatial_model(y, x, graph, kind="ols", groups=groups)
    assert model.coefficients.loc["gdp", "estimate"] == pytest.approx(slope)
    assert model.n_parameters == 7


@pytest.mark.parametrize("rho", [-0.7, 0.0, 0.35, 0.9, 0.99])
def test_mean_diagonal_is_that_of_the_dense_inverse(made, rho):
    W = transform(made[2], "R").sparse.toarray()
    dense = np.trace(W @ np.linalg.inv(np.eye(120) - rho * W)) / 120
    assert mean_diagonal(sparse.csr_array(W), [rho])[0] == pytest.approx(dense, abs=1e-8)


def test_mean_diagonal_of_many_rho_is_that_of_each(made):
    W = sparse.csr_array(transform(made[2], "R").sparse)
    rho = np.linspace(-0.95, 0.95, 41)
    alone = np.concatenate([mean_diagonal(W, [value]) for value in rho])
    np.testing.assert_allclose(mean_diagonal(W, rho), alone, atol=1e-8)


def test_effects_are_those_of_the_dense_inverse(made):
    model = spatial_model(*made, kind="durbin")
    terms, found = model.coefficients["estimate"], spatial_effects(model, seed=1)
    for name in ("gdp", "share"):
        dense = dense_effects(model, terms["rho"], terms[name], terms[f"W {name}"])
        np.testing.assert_allclose(found.loc[name, ["direct", "indirect", "total"]], dense, atol=1e-8)


def test_simulated_interval_is_that_of_the_same_draws_by_eigenvalues(made):
    """The trace of an inverse is the sum of the inverse eigenvalues: another way to every draw's effect."""
    model = spatial_model(*made, kind="lag")
    values = np.linalg.eigvals(model.weights.toarray())
    terms = model.coefficients["estimate"]
    drawn = np.random.default_rng(5).multivariate_normal(terms, model.covariance, size=200, method="eigh")
    own, rho = drawn[:, 1], drawn[:, 3]
    indirect = own / (1 - rho) - own * (1 / (1 - rho[:, None] * values)).mean(axis=1).real
    found = spatial_effects(model, draws=200, seed=5).loc["gdp", ["indirect_low", "indirect_high"]]
    np.testing.assert_allclose(found, np.quantile(indirect, [0.025, 0.975]), atol=1e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_direct_and_indirect_add_up(made, kind):
    found = spatial_effects(spatial_model(*made, kind=kind), seed=1)
    np.testing.assert_allclose(found["direct"] + found["indirect"], found["total"])
    assert (found["indirect"] == 0).all() == (kind in ("ols", "error"))


def test_durbin_feedback_of_a_lagged_column_is_direct():
    """Two cities that are each other's neighbor, by hand: S = [[1, r], [r, 1]] / (1 - r²)."""
    W = sparse.csr_array(np.array([[0.0, 1.0], [1.0, 0.0]]))
    rho, theta = 0.5, 3.0
    assert theta * mean_diagonal(W, [rho])[0] == pytest.approx(theta * rho / (1 - rho**2), abs=1e-9)


def test_durbin_process_is_recovered(made):
    model = spatial_model(*made, kind="durbin")
    truth = pd.Series({"gdp": 2.0, "share": -1.0, "W gdp": 1.5, "W share": 0.0, "rho": 0.4})
    away = (model.coefficients["estimate"] - truth).dropna() / model.coefficients["se"][truth.index]
    assert (away.abs() < 3).all()


def test_table_has_its_columns_and_a_row_per_column_and_model(made):
    y, x, graph = made
    models = fit_models(y, x, {"knn6": graph, "again": graph})
    table = model_table(models, draws=50, seed=1)
    assert tuple(table.columns) == columns.SPILLOVER_MODELS
    assert len(table) == 2 * len(KINDS) * 2
    assert set(table["columns"]) == {"gdp;share"}


def test_isolate_is_left_out_and_named(made):
    y, x, graph = made
    adjacency = graph.adjacency.copy()
    adjacency[adjacency.index.get_level_values("focal") == "000007"] = 0.0
    alone = Graph.from_sparse(adjacency_matrix(adjacency, y.index), ids=y.index)
    model = spatial_model(y, x, alone, kind="lag")
    assert model.left_out == {"000007": "no neighbor in the graph"}
    assert model.n == 119
    assert np.isnan(model.residuals["000007"])


def adjacency_matrix(adjacency, ids):
    rows, at = (ids.get_indexer(adjacency.index.get_level_values(name)) for name in ("focal", "neighbor"))
    matrix = sparse.csr_array((adjacency.to_numpy(), (rows, at)), shape=(len(ids), len(ids)))
    matrix.eliminate_zeros()
    return matrix


def test_city_left_alone_by_another_left_out_is_left_out_too():
    """A – b – c … : c's only neighbor is b; without b it has none."""
    ids = [f"{i:02d}" for i in range(20)]
    focal = ids[:-1] + ids[1:] + ["x", "x"][:1]
    graph = Graph.from_arrays(focal, ids[1:] + ids[:-1] + ["05"], [1] * 39)
    rng = np.random.default_rng(0)
    x = pd.DataFrame({"a": rng.normal(size=21)}, index=graph.unique_ids)
    y = pd.Series(rng.normal(size=21), index=graph.unique_ids, name="y")
    model = spatial_model(y, x, graph, kind="ols", left_out={"05": "its size is of another area"})
    assert model.left_out == {"05": "its size is of another area", "x": "no neighbor in the graph"}


def test_lag_that_only_repeats_the_column_is_not_put_in(made):
    y = made[0]
    smooth = pd.DataFrame({"noise": y.to_numpy()[::-1], "far": np.arange(120.0)}, index=y.index)
    ring = Graph.from_arrays(list(y.index[:-1]) + [y.index[-1]], list(y.index[1:]) + [y.index[-2]], [1] * 120)
    with pytest.warns(GeoCdeiWarning, match=r"mean of far only repeats"):
        model = spatial_model(y, smooth, ring, kind="slx")
    assert model.lagged == ("noise",)


def test_collinear_columns_are_named(made):
    y, x, graph = made
    twin = x.assign(size=x["gdp"] + 0.05 * x["share"])
    with pytest.raises(StatisticError, match=r"size and gdp \(r = 1\.00\)"):
        spatial_model(y, twin, graph)


def test_columns_that_add_up_are_named(made):
    y, x, graph = made
    third = x.assign(both=x["gdp"] - 3 * x["share"]).drop(columns="share").assign(share=x["share"])
    with pytest.raises(StatisticError, match=r"depend on each other exactly: gdp, both, share\."):
        spatial_model(y, third, graph, kind="ols")


def test_column_constant_within_groups_is_named(made):
    y, x, graph = made
    groups = pd.Series(np.arange(120) % 3, index=y.index)
    with pytest.raises(StatisticError, match=r"tier and the groups"):
        spatial_model(y, x.assign(tier=(groups == 1).astype(float)), graph, kind="ols", groups=groups)


def test_constant_column_is_named(made):
    y, x, graph = made
    with pytest.raises(StatisticError, match=r"1 columns are constant over the 120 cities: year"):
        spatial_model(y, x.assign(year=2021.0), graph)


def test_missing_values_name_columns_and_cities(made):
    y, x, graph = made
    holes = x.copy()
    holes.loc["000003", "share"] = np.nan
    holes.loc["000004", "gdp"] = np.inf
    with pytest.raises(StatisticError, match=r"gdp in 1 cities \(000004\); share in 1 cities \(000003\)"):
        spatial_model(y, holes, graph)
    reasons = {"000003": "no share", "000004": "no gdp"}
    assert spatial_model(y, holes, graph, left_out=reasons).n == 118


def test_fewer_cities_than_parameters_is_an_error(made):
    y, x, graph = made
    kept = ["000000", *graph["000000"].index[:3]]
    with pytest.raises(StatisticError, match=r"4 parameters or more and [34] cities.*\(11[67] were left out\)"):
        spatial_model(y, x, graph, left_out=dict.fromkeys(y.index.difference(kept), "not asked for"))


def test_groups_count_as_parameters(made):
    y, x, graph = made
    groups = pd.Series(np.arange(120), index=y.index)
    with pytest.raises(StatisticError, match=r"has 124 parameters or more and 120 cities"):
        spatial_model(y, x, graph, groups=groups)


def test_words_are_no_numbers(made):
    y, x, graph = made
    with pytest.raises(StatisticError, match="city are not"):
        spatial_model(y, x.assign(city="a"), graph)


def test_other_order_is_refused(made):
    y, x, graph = made
    with pytest.raises(AlignmentError, match="x has 120 cities"):
        spatial_model(y, x[::-1], graph)


def test_unknown_kind_is_refused(made):
    with pytest.raises(StatisticError, match="ols, slx, lag, error, durbin; got 'sar'"):
        spatial_model(*made, kind="sar")


def test_negative_weights_are_refused(made):
    y, x, graph = made
    with pytest.raises(GraphError, match="positive weights"):
        spatial_model(y, x, Graph.from_sparse(-graph.sparse, ids=y.index))


def test_ill_conditioned_columns_warn(made):
    y, x, graph = made
    with pytest.warns(GeoCdeiWarning, match=r"condition number is \d+, over 30"):
        spatial_model(y, x.assign(year=2021 + x["share"]).drop(columns="share"), graph)


def test_graph_that_allows_no_model_is_named_and_the_others_stand(made):
    y, x, graph = made
    ids = list(y.index)
    pair = Graph.from_arrays(ids, [ids[1], ids[0], *ids[2:]], [1, 1, *([0] * 118)])
    with pytest.warns(
        GeoCdeiWarning, match=r"\[pair lag\] not fitted: The model has 4 parameters or more and 2 cities"
    ):
        models = fit_models(y, x, {"knn6": graph, "pair": pair}, kinds=["lag"])
    assert list(models) == [("knn6", "lag", "")]


def test_terms_are_columns_ratios_and_logarithms():
    cities = pd.DataFrame({"size": [1.0, 8.0], "gdp": [4.0, 2.0]}, index=["a", "b"])
    found = model_columns(cities, ["gdp", "log(size/gdp)", "size / gdp"])
    np.testing.assert_allclose(found["log(size/gdp)"], np.log([0.25, 4.0]))
    assert found["size / gdp"].tolist() == [0.25, 4.0]


@pytest.mark.parametrize(
    ("term", "message"),
    [
        ("gpd", r"no numeric column 'gpd'\. Did you mean 'gdp'\?"),
        ("log(zero)", r"what stands in 'log\(zero\)' must be positive; 1 of 2 cities have 0 or less: a"),
        ("gdp/zero", r"zero in 'gdp/zero' must be positive"),
        ("gdp**2", r"'gdp\*\*2' is no term of a model"),
        ("log(gdp", "is no term of a model"),
    ],
)
def test_term_that_cannot_be_made_says_why(term, message):
    cities = pd.DataFrame({"gdp": [1.0, 2.0], "zero": [0.0, 1.0]}, index=["a", "b"])
    with pytest.raises(StatisticError, match=message):
        model_columns(cities, [term])


def test_missing_stays_missing_and_has_a_reason():
    cities = pd.DataFrame({"size": [np.nan, 2.0], "gdp": [1.0, 2.0]}, index=["a", "b"])
    assert missing_reasons(model_columns(cities, ["gdp", "size/gdp"])) == {"a": "no value of size/gdp"}


def test_core_is_looked_for_in_its_own_cluster_first():
    clusters = pd.DataFrame({"cluster": ["x", "y"], "core": ["b", " b ; c"]}, index=["C1", "C2"])
    cities = pd.DataFrame({"city": ["b", "b"], "cluster_id": ["C2", "C1"]}, index=["1", "2"])
    found = core_cities(clusters, cities)
    assert found["adcode"].fillna("none").tolist() == ["2", "1", "none"]
    assert tuple(found.columns) == columns.CORES


def test_nearest_core_is_the_smaller_distance(line_of_cities):
    km = nearest_core_km(line_of_cities, ["a", "g"])
    assert km.round(0).tolist() == [0, 111, 223, 334, 223, 111, 0]
    assert core_km(line_of_cities, ["a"])["a"].is_monotonic_increasing


def test_core_that_is_no_city_is_named(line_of_cities):
    with pytest.raises(StatisticError, match=r"1 of 2 cores are not among the 7 cities: z"):
        core_km(line_of_cities, ["a", "z"])
