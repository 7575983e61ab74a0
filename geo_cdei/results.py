"""Frozen answers: what a run found, and single numbers with their circumstances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    import geopandas as gpd
    from scipy import sparse
    from shapely import MultiLineString

    from geo_cdei.config import Settings

__all__ = ["Analysis", "GlobalGeary", "GlobalGetis", "GlobalMoran", "Notice", "SpatialModel"]


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a planner should know that stopped nothing: a skipped step, a reading in another encoding.

    Parameters
    ----------
    step : str
        The step it belongs to.
    message : str
        One sentence.
    """

    step: str
    message: str


@dataclass(frozen=True, slots=True)
class GlobalMoran:
    """Moran's I of all cities, with its circumstances.

    Parameters
    ----------
    I, EI : float
        Observed value and its expectation.
    z_norm, p_norm : float
        Standardized by the analytic moments under normality, and its normal p.
    z_rand, p_rand : float
        The same under randomization.
    EI_sim, z_sim, p_sim : float
        Mean of the simulated values, the observed one standardized by them, and its pseudo p.
    permutations, seed : int
        Circumstances of the simulation.
    alternative : str
        "two-sided", "greater" or "less", for every p.
    n, n_isolates : int
        Cities with a value, and those of them without a neighbor.
    """

    I: float  # noqa: E741
    EI: float
    z_norm: float
    p_norm: float
    z_rand: float
    p_rand: float
    EI_sim: float
    z_sim: float
    p_sim: float
    permutations: int
    seed: int
    alternative: str
    n: int
    n_isolates: int

    def __str__(self) -> str:
        """Write the value, its p and the number of cities in one line."""
        return (
            f"Moran's I = {self.I:.3f}, p = {self.p_sim:.3g} "
            f"({self.alternative}, {self.permutations} permutations, n = {self.n})"
        )


@dataclass(frozen=True, slots=True)
class GlobalGeary:
    """Geary's C of all cities, with its circumstances; below 1 neighbors are alike.

    Parameters
    ----------
    C, EC : float
        Observed value and its expectation.
    z_norm, p_norm : float
        Standardized by the analytic moments under normality, and its normal p.
    z_rand, p_rand : float
        The same under randomization.
    EC_sim, z_sim, p_sim : float
        Mean of the simulated values, the observed one standardized by them, and its pseudo p.
    permutations, seed : int
        Circumstances of the simulation.
    alternative : str
        "two-sided", "greater" or "less", for every p.
    n, n_isolates : int
        Cities with a value, and those of them without a neighbor.
    """

    C: float
    EC: float
    z_norm: float
    p_norm: float
    z_rand: float
    p_rand: float
    EC_sim: float
    z_sim: float
    p_sim: float
    permutations: int
    seed: int
    alternative: str
    n: int
    n_isolates: int

    def __str__(self) -> str:
        """Write the value, its p and the number of cities in one line."""
        return (
            f"Geary's C = {self.C:.3f}, p = {self.p_sim:.3g} "
            f"({self.alternative}, {self.permutations} permutations, n = {self.n})"
        )


@dataclass(frozen=True, slots=True)
class GlobalGetis:
    """General G of Getis and Ord of all cities, with its circumstances.

    Parameters
    ----------
    G, EG : float
        Observed value and its expectation.
    z_norm, p_norm : float
        Standardized by the analytic moments under randomization, and its normal p.
    EG_sim, z_sim, p_sim : float
        Mean of the simulated values, the observed one standardized by them, and its pseudo p.
    permutations, seed : int
        Circumstances of the simulation.
    alternative : str
        "two-sided", "greater" or "less", for every p.
    n, n_isolates : int
        Cities with a value, and those of them without a neighbor.
    """

    G: float
    EG: float
    z_norm: float
    p_norm: float
    EG_sim: float
    z_sim: float
    p_sim: float
    permutations: int
    seed: int
    alternative: str
    n: int
    n_isolates: int

    def __str__(self) -> str:
        """Write the value, its p and the number of cities in one line."""
        return (
            f"General G = {self.G:.3f}, p = {self.p_sim:.3g} "
            f"({self.alternative}, {self.permutations} permutations, n = {self.n})"
        )


@dataclass(frozen=True, slots=True, eq=False)
class SpatialModel:
    """A fitted spatial regression of one cross-section: associations, not causes.

    Parameters
    ----------
    y : str
        Name of the explained variable.
    x, lagged : tuple of str
        Explaining columns, and those of them whose neighbors' mean is in the model too.
    kind : str
        "ols", "slx", "lag", "error" or "durbin".
    coefficients : pandas.DataFrame
        Indexed by term ("constant", x, "W x", "rho" or "lam"), columns ``estimate``, ``se`` and ``p`` (normal).
        Group effects are in the model and not listed.
    covariance : pandas.DataFrame
        Of the same terms.
    diagnostics : mapping of str to float
        ``lm_lag lm_error rlm_lag rlm_error`` and their ``_p`` (of the "ols" and "slx" residuals only),
        ``moran_I moran_p`` of the residuals, ``loglik``, ``aic`` (counting the variance), ``condition``.
    residuals : pandas.Series
        Innovations of the model, indexed by ``adcode`` as *y* was; NaN for the cities left out.
    weights : scipy.sparse.csr_array of shape (n, n)
        The row-standardized graph among the cities in the model, in the order of their sorted ids.
    n, n_parameters : int
        Cities in the model; coefficients, group effects, the spatial parameter and the variance.
    left_out : mapping of str to str
        Code and reason of every city that is not in the model.
    """

    y: str
    x: tuple[str, ...]
    lagged: tuple[str, ...]
    kind: str
    coefficients: pd.DataFrame
    covariance: pd.DataFrame
    diagnostics: Mapping[str, float]
    residuals: pd.Series[float]
    weights: sparse.csr_array
    n: int
    n_parameters: int
    left_out: Mapping[str, str]

    def __str__(self) -> str:
        """Write kind, columns, spatial parameter and fit in one line."""
        terms = self.coefficients["estimate"]
        spatial = "".join(f", {name} = {terms[name]:.3f}" for name in ("rho", "lam") if name in terms)
        aic = self.diagnostics["aic"]
        return f"{self.y} on {', '.join(self.x)}: {self.kind}{spatial}, AIC = {aic:.1f}, n = {self.n}"


@dataclass(frozen=True, slots=True)
class Analysis:
    """All that a run found; read it top to bottom and you have the corridor.

    Parameters
    ----------
    settings : Settings
        What was asked for.
    units : geopandas.GeoDataFrame
        Every prefecture-level unit, scored or not, indexed by ``adcode``; EPSG:4326.
    provinces : geopandas.GeoDataFrame
        Outlines of the provinces, indexed by ``adcode``.
    dash_line : shapely.MultiLineString
        The nine-dash line, degrees.
    cities : geopandas.GeoDataFrame
        The scored cities in the order of the scores, with ``lon``, ``lat`` and polygons.
    members : pandas.DataFrame
        Every membership, with what it contributes.
    clusters : geopandas.GeoDataFrame
        One row per cluster, with its score and outline; empty when the study has no clusters.
    national : mapping of str to float
        ``weighted`` and ``unweighted`` mean score of the nation.
    weights : str
        The weighting that was used.
    tables : mapping of str to pandas.DataFrame
        Every table that is written to ``data/derived``, by name.
    layers : mapping of str to geopandas.GeoDataFrame
        Further layers of the GeoPackage: lines and polygons that the analysis made.
    base_graph : str
        Name of the study's graph, such as ``"knn6"``; empty when no step needed one.
    facts : mapping of str to mapping
        What a step tells beside its tables: the basis of the flows, the numbers of a statement.
    seconds : mapping of str to float
        Wall time of each step.
    notices : tuple of Notice
        What was skipped or read in an unusual way, and why.
    """

    settings: Settings
    units: gpd.GeoDataFrame
    provinces: gpd.GeoDataFrame
    dash_line: MultiLineString
    cities: gpd.GeoDataFrame
    members: pd.DataFrame
    clusters: gpd.GeoDataFrame
    national: Mapping[str, float]
    weights: str
    tables: Mapping[str, pd.DataFrame]
    layers: Mapping[str, gpd.GeoDataFrame] = field(default_factory=dict)
    base_graph: str = ""
    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()
