"""Rigid motions of a line on the sphere, and the convex hull that it must not leave."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ._polyline import center_of
from .errors import BoundaryError

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    BoolArray = npt.NDArray[np.bool_]

__all__ = ["hull_normals", "inside_hull", "move_line"]

_NEAR_ZERO = 1e-15


def hull_normals(vectors: FloatArray) -> FloatArray:
    """Find the convex hull of points on the sphere.

    Parameters
    ----------
    vectors : numpy.ndarray of shape (n, 3)
        Unit vectors within 80 degrees of their middle, not all on one great circle.

    Returns
    -------
    numpy.ndarray of shape (n_edges, 3)
        Unit normals of the great circles of the hull; a point is inside if no product with them is negative.

    Raises
    ------
    BoundaryError
        If there are fewer than three points, they lie on one line, or are too far apart.

    Examples
    --------
    >>> from geo_cdei._polyline import unit_vectors
    >>> hull_normals(unit_vectors([0.0, 10.0, 5.0, 5.0], [0.0, 0.0, 8.0, 2.0])).shape
    (3, 3)
    """
    from scipy.spatial import ConvexHull, QhullError

    middle = center_of(vectors)
    east, north = _axes(middle)
    depth = vectors @ middle
    # the gnomonic plane shows great circles as straight lines, so its hull is the hull on the sphere
    plane = np.column_stack([vectors @ east, vectors @ north]) / depth[:, None]
    try:
        corners = ConvexHull(plane).vertices
    except (QhullError, ValueError) as error:
        raise BoundaryError(
            f"the {len(vectors)} points have no convex hull: at least three that are not on one line are "
            "needed. Add cities, or correct their points."
        ) from error
    corner = vectors[corners]
    normal = np.cross(corner, np.roll(corner, -1, axis=0))
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    return np.asarray(normal)


def inside_hull(lines: FloatArray, normals: FloatArray) -> BoolArray:
    """Say which lines lie wholly within a convex hull.

    Parameters
    ----------
    lines : numpy.ndarray of shape (n_lines, n_vertices, 3)
        Unit vectors.
    normals : numpy.ndarray of shape (n_edges, 3)
        Result of :func:`hull_normals`.

    Returns
    -------
    numpy.ndarray of bool, shape (n_lines,)
        True where every vertex is inside, and so the whole line.

    Examples
    --------
    >>> from geo_cdei._polyline import unit_vectors
    >>> hull = hull_normals(unit_vectors([0.0, 10.0, 5.0], [0.0, 0.0, 8.0]))
    >>> inside_hull(unit_vectors([4.0, 5.0, 4.0, 9.0], [1.0, 2.0, 1.0, 9.0]).reshape(2, 2, 3), hull).tolist()
    [True, False]
    """
    flat = lines.reshape(-1, 3)
    held = np.ones(len(flat), dtype=np.bool_)
    for normal in normals:
        held &= flat @ normal >= -1e-12  # a corner of the hull itself is inside
    return np.asarray(held.reshape(lines.shape[:2]).all(axis=1))


def move_line(line: FloatArray, uniform: FloatArray, middle: FloatArray, radius: float) -> FloatArray:
    """Rotate, reflect and shift a line at random over a cap of the sphere.

    Parameters
    ----------
    line : numpy.ndarray of shape (n_vertices, 3)
        Unit vectors.
    uniform : numpy.ndarray of shape (n_moves, 4)
        Numbers in [0, 1): two for the place, one for the direction, one for the reflection.
    middle : numpy.ndarray of shape (3,)
        Middle of the cap on which the line's own middle is placed, uniformly by area.
    radius : float
        Radius of the cap, radians.

    Returns
    -------
    numpy.ndarray of shape (n_moves, n_vertices, 3)
        The moved lines, of the same shape and length.

    Examples
    --------
    >>> from geo_cdei._polyline import unit_vectors
    >>> line = unit_vectors([0.0, 10.0], [0.0, 0.0])
    >>> moved = move_line(line, np.array([[0.3, 0.2, 0.6, 0.9]]), line[0], 0.4)
    >>> bool(np.isclose(moved[0, 0] @ moved[0, 1], line[0] @ line[1]))
    True
    """
    own = center_of(line)
    own_east, own_north = _axes(own)
    x, y, z = line @ own_east, line @ own_north, line @ own
    east, north = _axes(middle)
    cosine = 1.0 - uniform[:, 0] * (1.0 - np.cos(radius))
    sine, azimuth = np.sqrt(1.0 - cosine**2), 2.0 * np.pi * uniform[:, 1]
    place = np.outer(sine * np.cos(azimuth), east) + np.outer(sine * np.sin(azimuth), north)
    place += np.outer(cosine, middle)
    right = np.cross(north, place)
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    up = np.cross(place, right)
    turn = 2.0 * np.pi * uniform[:, 2]
    flip = np.where(uniform[:, 3] < 0.5, 1.0, -1.0)
    along = np.cos(turn)[:, None] * right + np.sin(turn)[:, None] * up
    aside = flip[:, None] * (np.cos(turn)[:, None] * up - np.sin(turn)[:, None] * right)
    moved = x[:, None] * along[:, None] + y[:, None] * aside[:, None] + z[:, None] * place[:, None]
    return np.asarray(moved)


def _axes(point: FloatArray) -> tuple[FloatArray, FloatArray]:
    """East and north at a point; at a pole any two directions."""
    pole = np.array([0.0, 0.0, 1.0]) if abs(point[2]) < 1 - 1e-12 else np.array([1.0, 0.0, 0.0])
    east = np.cross(pole, point)
    east /= np.linalg.norm(east)
    return east, np.cross(point, east)
