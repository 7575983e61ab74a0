"""Directed modelled flows: what every city sends to every other one.

:mod:`geo_cdei._interaction` has the flow of a pair in both directions together; who sends and who receives needs
the directions apart. In both models every city sends exactly its mass, so the totals are the masses and the
models compare. Modelled flows are never observed ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ._interaction import gravity_flow
from ._parallel import LOCAL, THREADS
from .errors import StatisticError

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

__all__ = ["gravity_sent", "radiation_sent"]

_ROWS = 128  # cities that send at a time: what they need stays near the processor


def gravity_sent(mass: FloatArray, cost: FloatArray, beta: float = 2.0) -> FloatArray:
    """Let every city send its mass to the others in proportion to their mass over a power of the distance.

    Parameters
    ----------
    mass : numpy.ndarray of shape (n,)
        Positive masses.
    cost : numpy.ndarray of shape (n, n)
        Distances or travel times, positive off the diagonal.
    beta : float, default 2.0
        Positive exponent of the distance.

    Returns
    -------
    numpy.ndarray of shape (n, n)
        From row to column; row sums are the masses, the diagonal is 0.

    Raises
    ------
    StatisticError
        If a mass, a distance or *beta* is not positive, or the shapes do not fit.

    References
    ----------
    Wilson, A. G. (1971). A family of spatial interaction models. Environment and Planning A, 3(1), 1-32.

    Examples
    --------
    >>> km = np.array([[0.0, 1.0, 2.0], [1.0, 0.0, 1.0], [2.0, 1.0, 0.0]])
    >>> gravity_sent(np.array([1.0, 1.0, 2.0]), km).round(3).tolist()
    [[0.0, 0.667, 0.333], [0.333, 0.0, 0.667], [0.4, 1.6, 0.0]]
    """
    _check(mass, cost)
    flow = gravity_flow(mass, cost, beta)
    flow *= (mass / flow.sum(axis=1))[:, None]
    return flow


def radiation_sent(mass: FloatArray, cost: FloatArray) -> FloatArray:
    """Let every city send its mass outwards until the opportunities on the way have taken it up.

    Parameters
    ----------
    mass, cost
        As for :func:`gravity_sent`: a mass is what a city sends, and the opportunities it offers.

    Returns
    -------
    numpy.ndarray of shape (n, n)
        ``m_i / (1 - m_i / M) * m_i m_j / ((m_i + s_ij) (m_i + m_j + s_ij))``, where s_ij is the mass of the
        other cities nearer to i than j is; row sums are the masses. Of two cities at the same distance the one
        listed first is nearer.

    Raises
    ------
    StatisticError
        As for :func:`gravity_sent`.

    References
    ----------
    Simini, F., González, M. C., Maritan, A. and Barabási, A.-L. (2012). A universal model for mobility and
    migration patterns. Nature, 484, 96-100. The factor of a finite system: Masucci, A. P., Serras, J.,
    Johansson, A. and Batty, M. (2013). Physical Review E, 88, 022812.

    Examples
    --------
    >>> km = np.array([[0.0, 1.0, 2.0], [1.0, 0.0, 1.0], [2.0, 1.0, 0.0]])
    >>> radiation_sent(np.array([1.0, 1.0, 2.0]), km).round(3).tolist()
    [[0.0, 0.667, 0.333], [0.667, 0.0, 0.333], [0.667, 1.333, 0.0]]
    """
    _check(mass, cost)
    sent = np.empty(cost.shape)
    starts = range(0, len(mass), _ROWS)
    for start, rows in zip(starts, LOCAL.map(_radiate, starts, mass, cost, threads=THREADS), strict=True):
        sent[start : start + len(rows)] = rows
    return sent


def _radiate(mass: FloatArray, cost: FloatArray, start: int) -> FloatArray:
    """Send from some cities to all."""
    distance = np.array(cost[start : start + _ROWS], dtype=np.float64, order="C")
    own = np.arange(len(distance)), np.arange(start, start + len(distance))
    distance[own] = -1.0  # the city itself stands first
    order = np.argsort(distance, axis=1, kind="stable")
    upto = np.empty_like(distance)
    np.put_along_axis(upto, order, np.cumsum(mass[order], axis=1), axis=1)  # m_i + s_ij + m_j
    before = upto - mass[None, :]
    before[own] = 1.0
    sender = mass[own[1], None]
    sent = sender**2 * mass[None, :] / (before * upto)
    sent[own] = 0.0
    return np.asarray(sent / (1.0 - sender / mass.sum()))


def _check(mass: FloatArray, cost: FloatArray) -> None:
    n = len(mass)
    if n < 2 or cost.shape != (n, n):
        raise StatisticError(
            f"Flows need two cities or more and a square matrix of distances; got {n} masses and distances "
            f"of shape {cost.shape}."
        )
    bad = np.flatnonzero(~(np.isfinite(mass) & (mass > 0)))
    if len(bad):
        raise StatisticError(
            f"Masses must be positive; {len(bad)} of {n} are not (first at position {bad[0]}). Leave those "
            "cities out, and say so."
        )
    touching = ~(np.isfinite(cost) & (cost > 0))
    np.fill_diagonal(touching, False)
    close = int(np.count_nonzero(touching))
    if close:
        raise StatisticError(
            f"Distances between different cities must be positive; {close} of {n * (n - 1)} are not."
        )
