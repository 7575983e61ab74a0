"""Estimation by spreg, with its printing and its warnings caught: arrays in, arrays out.

spreg's classes end with products of squares of all cities, for three traces of the information matrix: 2 seconds and
half a gigabyte a model where there are 3,000 cities. Of more than 1,000 cities the same likelihoods of spreg are
maximized in the same way, and the traces come from blocks of columns (:mod:`geo_cdei._traces`).
"""

from __future__ import annotations

import contextlib
import io
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ._traces import information_traces
from .errors import StatisticError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt
    from scipy import sparse

    FloatArray = npt.NDArray[np.float64]

__all__ = ["Fit", "fit_error", "fit_lag", "fit_ols"]

# sparse: needs no dense determinant, and is not slowed when other work competes for the threads of dense algebra
_METHOD = "LU"
_MANY = 1000  # cities
_EPSILON = 1e-7  # spreg's own
_TESTS = {"lm_lag": "lml", "lm_error": "lme", "rlm_lag": "rlml", "rlm_error": "rlme"}


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Estimates of a regression.

    Attributes
    ----------
    estimate : numpy.ndarray of shape (k,)
        Constant, columns in their order, then the spatial parameter if there is one.
    covariance : numpy.ndarray of shape (k, k)
        Of the same.
    loglik : float
        Maximized log-likelihood.
    residuals : numpy.ndarray of shape (n,)
        Innovations.
    tests : dict of str to float
        Lagrange multiplier tests and Moran's I of least-squares residuals; empty for the other models.
    """

    estimate: FloatArray
    covariance: FloatArray
    loglik: float
    residuals: FloatArray
    tests: dict[str, float] = field(default_factory=dict)


def fit_ols(y: FloatArray, x: FloatArray, weights: sparse.csr_array) -> Fit:
    """Fit by least squares and test the residuals for what space left in them.

    Parameters
    ----------
    y : numpy.ndarray of shape (n,)
        Explained variable.
    x : numpy.ndarray of shape (n, k)
        Columns without the constant.
    weights : scipy.sparse.csr_array of shape (n, n)
        Row-standardized, no diagonal.

    Returns
    -------
    Fit
        With the tests.
    """
    n = len(y)
    with _quiet():
        import spreg

        model = spreg.OLS(y[:, None], x, nonspat_diag=False, spat_diag=False)
        w = _as_w(weights)
        found = spreg.LMtests(model, w, tests=list(_TESTS.values()))
        moran = spreg.MoranRes(model, w, z=True)
    tests = {"moran_I": float(moran.I), "moran_p": float(moran.p_norm)}
    for ours, theirs in _TESTS.items():
        statistic, p = getattr(found, theirs)
        tests |= {ours: float(np.squeeze(statistic)), f"{ours}_p": float(np.squeeze(p))}
    residuals = np.ravel(model.u)
    loglik = -n / 2.0 * (np.log(2.0 * np.pi * float(residuals @ residuals) / n) + 1.0)
    return Fit(np.ravel(model.betas), np.asarray(model.vm), float(loglik), residuals, tests)


def fit_lag(y: FloatArray, x: FloatArray, weights: sparse.csr_array) -> Fit:
    """Fit the model with the neighbors' mean of the explained variable, by maximum likelihood.

    Parameters
    ----------
    y, x, weights
        As for :func:`fit_ols`.

    Returns
    -------
    Fit
        ρ is the last parameter.
    """
    with _quiet():
        import spreg

        if len(y) > _MANY:
            return _lag_of_many(y[:, None], np.column_stack([np.ones(len(y)), x]), weights)
        model = spreg.ML_Lag(y[:, None], x, _as_w(weights), method=_METHOD, spat_impacts=None, spat_diag=False)
    return Fit(np.ravel(model.betas), np.asarray(model.vm), float(model.logll), np.ravel(model.u))


def fit_error(y: FloatArray, x: FloatArray, weights: sparse.csr_array) -> Fit:
    """Fit the model with autoregressive errors, by maximum likelihood.

    Parameters
    ----------
    y, x, weights
        As for :func:`fit_ols`.

    Returns
    -------
    Fit
        λ is the last parameter; the residuals are filtered, u − λWu.
    """
    with _quiet():
        import spreg

        if len(y) > _MANY:
            return _error_of_many(y[:, None], np.column_stack([np.ones(len(y)), x]), weights)
        model = spreg.ML_Error(y[:, None], x, _as_w(weights), method=_METHOD)
    loglik = float(np.squeeze(model.logll))
    return Fit(np.ravel(model.betas), np.asarray(model.vm), loglik, np.ravel(model.e_filtered))


def _lag_of_many(y: FloatArray, x: FloatArray, weights: sparse.csr_array) -> Fit:
    """Estimate as spreg.ML_Lag does; step by step the same numbers, but for the last digits of the traces."""
    from scipy import sparse
    from spreg import inverse_prod
    from spreg.ml_lag import lag_c_loglik_sp

    n, lag = len(y), sparse.csr_matrix(weights)
    inner = np.linalg.inv(x.T @ x)
    own, around = inner @ (x.T @ y), inner @ (x.T @ (lag @ y))
    e_own, e_around = y - x @ own, lag @ y - x @ around
    rho, loglik = _maximize(lag_c_loglik_sp, n, e_own, e_around, sparse.identity(n), lag)
    beta, u = own - rho * around, e_own - rho * e_around
    sig2 = (u.T @ u).item() / n
    expected = lag @ inverse_prod(lag, x @ beta, rho, inv_method="power_exp", threshold=_EPSILON)
    first, square, cross = information_traces(weights, rho)
    side, corner = x.T @ expected / sig2, square + cross + expected.T @ expected / sig2
    zero, tail = np.zeros((x.shape[1], 1)), np.array([[first / sig2]])
    information = np.block(
        [[x.T @ x / sig2, side, zero], [side.T, corner, tail], [zero.T, tail, np.array([[n / (2.0 * sig2**2)]])]]
    )
    return Fit(np.append(beta, rho), np.linalg.inv(information)[:-1, :-1], loglik, u.ravel())


def _error_of_many(y: FloatArray, x: FloatArray, weights: sparse.csr_array) -> Fit:
    """Estimate as spreg.ML_Error does; step by step the same numbers, but for the last digits of the traces."""
    from scipy import sparse
    from spreg.ml_error import err_c_loglik_sp

    n, lag = len(y), sparse.csr_matrix(weights)
    y_lag, x_lag = lag @ y, lag @ x
    lam, loglik = _maximize(err_c_loglik_sp, n, y, y_lag, x, x_lag, sparse.identity(n), lag)
    filtered = x - lam * x_lag
    inner = np.linalg.inv(filtered.T @ filtered)
    beta = inner @ (filtered.T @ (y - lam * y_lag))
    u = y - x @ beta
    e = u - lam * (lag @ u)
    sig2 = (e.T @ e).item() / n
    first, square, cross = information_traces(weights, lam)
    information = np.array([[square + cross, first / sig2], [first / sig2, n / (2.0 * sig2**2)]])
    covariance = np.zeros((x.shape[1] + 1, x.shape[1] + 1))
    covariance[:-1, :-1], covariance[-1, -1] = sig2 * inner, np.linalg.inv(information)[0, 0]
    return Fit(np.append(beta, lam), covariance, loglik, e.ravel())


def _maximize(minus: Any, n: int, *given: Any) -> tuple[float, float]:
    """Find the maximum of one of spreg's concentrated likelihoods, as spreg does, and give it its constants."""
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        minus, 0.0, bounds=(-1.0, 1.0), args=(n, *given), method="bounded", options={"xatol": _EPSILON}
    )
    loglik = -found.fun - n / 2.0 * np.log(2.0 * np.pi) - n / 2.0
    return float(np.squeeze(found.x)), float(np.squeeze(loglik))


def _as_w(weights: sparse.csr_array) -> Any:
    """Give the weights as the object that all of spreg takes."""
    from libpysal.weights import WSP
    from scipy import sparse

    return WSP(sparse.csr_matrix(weights)).to_W()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep spreg's printing and its internal warnings away, and turn its failures into our error."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except Exception as error:  # where a series does not converge, spreg raises a plain Exception
            raise StatisticError(
                f"The model could not be estimated ({error}). Look for columns that nearly repeat each other."
            ) from error
