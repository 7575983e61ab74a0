"""Spatial regressions of one cross-section: estimated by spreg, checked and described here.

One cross-section gives associations, not causes. Weights are always row-standardized; a city without a neighbor
in the graph has no lag, so it is left out and named. Effects of a change in a column, own and of the neighbors,
are simulated from the estimates and their covariance (:mod:`geo_cdei._multipliers`).
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._aligned import name_some
from .._design import ILL_CONDITIONED, add_lags, build_design, condition_number
from .._multipliers import mean_diagonal
from .._pvalues import normal_p
from .._spreg import Fit, fit_error, fit_lag, fit_ols
from ..columns import SPILLOVER_MODELS
from ..errors import GeoCdeiWarning, StatisticError
from ..results import SpatialModel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt
    from libpysal.graph import Graph
    from scipy import sparse

    from .._design import Design

    FloatArray = npt.NDArray[np.float64]

__all__ = ["KINDS", "fit_models", "model_table", "spatial_effects", "spatial_model"]

KINDS = ("ols", "slx", "lag", "error", "durbin")
_SPATIAL = {"lag": ("rho", fit_lag), "durbin": ("rho", fit_lag), "error": ("lam", fit_error)}


def spatial_model(
    y: pd.Series[float],
    x: pd.DataFrame,
    graph: Graph,
    *,
    kind: str = "lag",
    groups: pd.Series[Any] | None = None,
    left_out: Mapping[str, str] | None = None,
) -> SpatialModel:
    """Explain a variable of the cities by columns of their own, and by their neighbors.

    Parameters
    ----------
    y : pandas.Series of shape (n_cities,)
        Explained variable, indexed by ``adcode`` in the order of *graph*.
    x : pandas.DataFrame of shape (n_cities, n_columns)
        Explaining columns, numeric, same index.
    graph : libpysal.graph.Graph
        Any graph without self-weights; it is row-standardized among the cities in the model.
    kind : {"ols", "slx", "lag", "error", "durbin"}, default "lag"
        No spatial term; neighbors' *x*; neighbors' *y*; neighbors' errors; neighbors' *y* and *x*.
    groups : pandas.Series of shape (n_cities,), optional
        A group per city, such as its cluster; adds one effect per group. Missing is a group of its own.
    left_out : mapping of str to str, optional
        Code and reason of cities that are not to be in the model.

    Returns
    -------
    SpatialModel
        Estimates, diagnostics, innovations, and who was left out. The lag of a column that its neighbors'
        mean only repeats (r of .95 or more) is not put in.

    Raises
    ------
    AlignmentError
        If the tables list other cities than the graph, or another order.
    StatisticError
        If a value is missing or infinite, a column is constant, two columns correlate by .95 or more, columns
        depend on each other, or there are fewer cities than parameters.

    Warns
    -----
    GeoCdeiWarning
        If the condition number is over 30, or a lag was not put in.

    Notes
    -----
    Condition number: that of the constant, the columns and their lags, each scaled to length 1 (Belsley).
    ``moran_p`` is exact for "ols" and "slx" residuals; for the others it is the normal approximation that
    takes the innovations as given.

    References
    ----------
    Anselin, L. (1988). Spatial Econometrics: Methods and Models. Kluwer. Anselin, L., Bera, A. K., Florax, R. and
    Yoon, M. J. (1996). Simple diagnostic tests for spatial dependence. Regional Science and Urban Economics,
    26(1), 77-104.

    Examples
    --------
    >>> from libpysal.graph import Graph
    >>> ids, rng = [f"{i:02d}" for i in range(40)], np.random.default_rng(0)
    >>> ring = Graph.from_arrays(ids + ids, ids[1:] + ids[:1] + ids[-1:] + ids[:-1], [1] * 80)
    >>> x = pd.DataFrame({"size": rng.normal(size=40)}, index=ids)
    >>> y = (2 * x["size"] + rng.normal(size=40)).rename("score")
    >>> print(spatial_model(y, x, ring, kind="lag"))
    score on size: lag, rho = 0.077, AIC = 127.3, n = 40
    """
    if kind not in KINDS:
        raise StatisticError(f"kind must be one of {', '.join(KINDS)}; got {kind!r}.")
    design = build_design(y, x, graph, groups=groups, left_out=left_out or {})
    lagged: tuple[str, ...] = ()
    if kind in ("slx", "durbin"):
        design, lagged = add_lags(design)
    condition = condition_number(design, spatial=int(kind in _SPATIAL))
    if condition > ILL_CONDITIONED:
        warnings.warn(
            f"The condition number is {condition:.0f}, over {ILL_CONDITIONED:.0f}: coefficients hang on small "
            "differences between the columns.",
            GeoCdeiWarning,
            stacklevel=2,
        )
    spatial, fit = _SPATIAL.get(kind, ("", fit_ols))
    found = fit(design.y, np.column_stack([design.x.to_numpy(), design.dummies]), design.weights)
    coefficients, covariance = _terms(design, found, spatial)
    return SpatialModel(
        y=str(y.name),
        x=tuple(map(str, x.columns)),
        lagged=lagged,
        kind=kind,
        coefficients=coefficients,
        covariance=covariance,
        diagnostics=_diagnostics(design, found, condition),
        residuals=pd.Series(found.residuals, index=design.ids, name="residual").reindex(y.index),
        weights=design.weights,
        n=len(design.ids),
        n_parameters=len(found.estimate) + 1,
        left_out=design.left_out,
    )


def fit_models(
    y: pd.Series[float],
    x: pd.DataFrame,
    graphs: Mapping[str, Graph],
    *,
    kinds: Sequence[str] = KINDS,
    groups: pd.Series[Any] | None = None,
    left_out: Mapping[str, str] | None = None,
) -> dict[tuple[str, str, str], SpatialModel]:
    """Fit every kind of model over every graph.

    Parameters
    ----------
    y, x, groups, left_out
        As for :func:`spatial_model`.
    graphs : mapping of str to libpysal.graph.Graph
        For instance :func:`geo_cdei.analysis.graphs.sensitivity_graphs`; the first one must allow every kind.
    kinds : sequence of str, default all
        Kinds of models.

    Returns
    -------
    dict of (graph, kind, groups) to SpatialModel
        ``groups`` is the name of the group column, or "".

    Raises
    ------
    AlignmentError, StatisticError
        As for :func:`spatial_model`, over the first graph.

    Warns
    -----
    GeoCdeiWarning
        One warning that gathers those of all models, and names the further graphs over which a kind could not
        be fitted, and why.

    Examples
    --------
    >>> from libpysal.graph import Graph
    >>> ids, rng = [f"{i:02d}" for i in range(40)], np.random.default_rng(0)
    >>> ring = Graph.from_arrays(ids + ids, ids[1:] + ids[:1] + ids[-1:] + ids[:-1], [1] * 80)
    >>> x = pd.DataFrame({"size": rng.normal(size=40)}, index=ids)
    >>> list(fit_models((x["size"] ** 2).rename("score"), x, {"ring": ring}, kinds=["ols", "error"]))
    [('ring', 'ols', ''), ('ring', 'error', '')]
    """
    models: dict[tuple[str, str, str], SpatialModel] = {}
    notes: dict[str, list[str]] = {}
    name = "" if groups is None else str(groups.name)
    for position, (label, graph) in enumerate(graphs.items()):
        for kind in kinds:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                try:
                    models[label, kind, name] = spatial_model(
                        y, x, graph, kind=kind, groups=groups, left_out=left_out
                    )
                except StatisticError as error:
                    if position == 0:
                        raise
                    notes.setdefault(f"not fitted: {error}", []).append(f"{label} {kind}")
            for warning in caught:
                notes.setdefault(str(warning.message), []).append(f"{label} {kind}")
    if notes:
        text = " ".join(f"[{name_some(who, limit=4)}] {note}" for note, who in notes.items())
        warnings.warn(text, GeoCdeiWarning, stacklevel=2)
    return models


def spatial_effects(model: SpatialModel, *, draws: int = 1000, seed: int) -> pd.DataFrame:
    """Split what goes with a unit more of each column into the city's own part and its neighbors'.

    Parameters
    ----------
    model : SpatialModel
        A fitted model.
    draws : int, default 1000
        Simulated sets of coefficients for the intervals.
    seed : int
        Seed of the draws.

    Returns
    -------
    pandas.DataFrame of shape (n_columns, 9)
        ``direct``, ``indirect`` and ``total``, each with ``_low`` and ``_high``: 2.5 and 97.5 % of the draws
        with ρ between -1 and 1. Direct and indirect add up to the total. "ols" and "error" have no indirect
        effect by assumption: it is 0.

    Notes
    -----
    With S = (I − ρW)⁻¹ and θ the coefficient of the lag, the effects of a column are those of S(Iβ + Wθ): the
    mean of its diagonal is direct, the mean row sum total. The feedback that reaches back to the city itself is
    direct, for the lags of the columns too.

    References
    ----------
    LeSage, J. and Pace, R. K. (2009). Introduction to Spatial Econometrics. CRC Press, chapter 2.

    Examples
    --------
    >>> from libpysal.graph import Graph
    >>> ids, rng = [f"{i:02d}" for i in range(40)], np.random.default_rng(0)
    >>> ring = Graph.from_arrays(ids + ids, ids[1:] + ids[:1] + ids[-1:] + ids[:-1], [1] * 80)
    >>> x = pd.DataFrame({"size": rng.normal(size=40)}, index=ids)
    >>> model = spatial_model((2 * x["size"] + rng.normal(size=40)).rename("score"), x, ring, kind="slx")
    >>> spatial_effects(model, seed=1)[["direct", "indirect", "total"]].round(2).to_numpy().tolist()
    [[1.84, 0.35, 2.18]]
    """
    terms = model.coefficients.index
    estimate = model.coefficients["estimate"].to_numpy(dtype=np.float64)
    rng = np.random.default_rng(seed)
    drawn = rng.multivariate_normal(estimate, model.covariance.to_numpy(), size=draws, method="eigh")
    sets = np.vstack([estimate, drawn])
    rho = sets[:, terms.get_loc("rho")] if "rho" in terms else np.zeros(len(sets))
    stable = np.abs(rho) < 1
    sets, rho = sets[stable], rho[stable]
    feedback = mean_diagonal(model.weights, rho) if "rho" in terms else np.zeros(len(sets))
    rows = {}
    for name in model.x:
        own = sets[:, terms.get_loc(name)]
        around = sets[:, terms.get_loc(f"W {name}")] if name in model.lagged else np.zeros(len(sets))
        direct = own * (1.0 + rho * feedback) + around * feedback
        total = (own + around) / (1.0 - rho)
        effects = {"direct": direct, "indirect": total - direct, "total": total}
        rows[name] = {
            key: value for part, values in effects.items() for key, value in _interval(part, values).items()
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("x")


def model_table(models: Mapping[tuple[str, str, str], SpatialModel], *, draws: int = 1000, seed: int) -> pd.DataFrame:
    """List the estimates, effects and diagnostics of many models.

    Parameters
    ----------
    models : mapping of (graph, kind, groups) to SpatialModel
        Result of :func:`fit_models`, or several of them merged.
    draws, seed
        As for :func:`spatial_effects`.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`geo_cdei.columns.SPILLOVER_MODELS`; one row per model and explaining column.

    Examples
    --------
    >>> from libpysal.graph import Graph
    >>> ids, rng = [f"{i:02d}" for i in range(40)], np.random.default_rng(0)
    >>> ring = Graph.from_arrays(ids + ids, ids[1:] + ids[:1] + ids[-1:] + ids[:-1], [1] * 80)
    >>> x = pd.DataFrame({"size": rng.normal(size=40)}, index=ids)
    >>> models = fit_models((x["size"] ** 2).rename("score"), x, {"ring": ring}, kinds=["lag"])
    >>> model_table(models, seed=1)[["x", "graph", "kind", "n"]].to_numpy().tolist()
    [['size', 'ring', 'lag', 40]]
    """
    rows: list[dict[str, object]] = []
    for (graph, kind, groups), model in models.items():
        effects = spatial_effects(model, draws=draws, seed=seed)
        shared = {
            "y": model.y, "columns": ";".join(model.x), "graph": graph, "kind": kind, "groups": groups,
            **model.diagnostics, "n": model.n, "n_parameters": model.n_parameters,
            "n_left_out": len(model.left_out), "draws": draws, "seed": seed,
            "left_out": ";".join(f"{code}: {why}" for code, why in sorted(model.left_out.items())),
            **_term_columns(model, "rho", "rho"), **_term_columns(model, "lam", "lam"),
        }  # fmt: skip
        for name in model.x:
            rows.append(
                shared
                | {"x": name, **{str(key): value for key, value in effects.loc[name].items()}}
                | _term_columns(model, name, "coefficient")
                | _term_columns(model, f"W {name}", "coefficient_lag")
            )
    return pd.DataFrame(rows, columns=list(SPILLOVER_MODELS))


def _term_columns(model: SpatialModel, term: str, prefix: str) -> dict[str, float]:
    tail = prefix.removeprefix("coefficient")
    names = (prefix, f"se{tail}", f"p{tail}") if tail != prefix else (prefix, f"{prefix}_se", f"{prefix}_p")
    if term not in model.coefficients.index:
        return dict.fromkeys(names, np.nan)
    values = model.coefficients.loc[term, ["estimate", "se", "p"]].to_numpy(dtype=np.float64)
    return dict(zip(names, values.tolist(), strict=True))


def _interval(part: str, values: FloatArray) -> dict[str, float]:
    low, high = np.quantile(values[1:], [0.025, 0.975]) if len(values) > 1 else (np.nan, np.nan)
    return {part: float(values[0]), f"{part}_low": float(low), f"{part}_high": float(high)}


def _terms(design: Design, found: Fit, spatial: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Name the estimates; group effects stay unnamed and are not listed."""
    names = ["constant", *map(str, design.x.columns)]
    places = list(range(len(names)))
    if spatial:
        names.append(spatial)
        places.append(len(found.estimate) - 1)
    estimate, covariance = found.estimate[places], found.covariance[np.ix_(places, places)]
    se = np.sqrt(np.diagonal(covariance))
    p = [normal_p(value) for value in estimate / se]
    index = pd.Index(names, name="term")
    table = pd.DataFrame({"estimate": estimate, "se": se, "p": p}, index=index)
    return table, pd.DataFrame(covariance, index=index, columns=index)


def _diagnostics(design: Design, found: Fit, condition: float) -> dict[str, float]:
    tests = found.tests or _moran_of_innovations(found.residuals, design.weights)
    fit = {"loglik": found.loglik, "aic": 2.0 * (len(found.estimate) + 1) - 2.0 * found.loglik}
    return tests | fit | {"condition": condition}


def _moran_of_innovations(u: FloatArray, weights: sparse.csr_array) -> dict[str, float]:
    """Moran's I with its moments under normality, for rows that sum to 1."""
    n, total = len(u), float(len(u))
    moran = float(u @ (weights @ u)) / float(u @ u)
    both = weights + weights.T
    s1 = float((both.multiply(both)).sum()) / 2.0
    s2 = float(((1.0 + np.asarray(weights.sum(axis=0)).ravel()) ** 2).sum())
    expected = -1.0 / (n - 1)
    variance = (n**2 * s1 - n * s2 + 3.0 * total**2) / ((n**2 - 1) * total**2) - expected**2
    return {"moran_I": moran, "moran_p": normal_p((moran - expected) / np.sqrt(variance))}
