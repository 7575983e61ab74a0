"""Where names are written on a printed map: beside their points, and never over another name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["Box", "place_labels"]

Box = tuple[float, float, float, float]

# Inches from a point to its name, and between two names.
GAP, PADDING = 0.033, 0.012
# Right of the point first, where a name is looked for; then left, above, below and the corners.
_SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1))

# A name without a dot stands in the middle of its area, or a little beside.
_AROUND = ((0, 0), (0, 0.8), (0, -0.8), (0.3, 0), (-0.3, 0), (0.3, 0.8), (-0.3, 0.8), (0, 1.5), (0, -1.5))


def place_labels(
    points: np.ndarray,
    sizes: np.ndarray,
    *,
    dots: np.ndarray,
    frame: Box,
    taken: Sequence[Box] = (),
) -> list[tuple[int, float, float]]:
    """Place names beside their points, the first ones first, and leave out what finds no room.

    Parameters
    ----------
    points : numpy.ndarray of shape (n, 2)
        Where the points are, in inches.
    sizes : numpy.ndarray of shape (n, 2)
        Width and height of each name, in inches too.
    dots : numpy.ndarray of shape (n,)
        Whether there is a dot at the point, which its name stands beside; otherwise the name is centred.
    frame : tuple of float
        Left, bottom, right, top, within which names stay.
    taken : sequence of tuple of float
        Boxes that stay free of names.

    Returns
    -------
    list of tuple
        Position in `points`, and left and bottom of the name, of those that found room.

    Examples
    --------
    >>> points, sizes = np.array([[1.0, 1.0], [1.1, 1.0]]), np.array([[0.5, 0.1], [9.0, 0.1]])
    >>> [i for i, _, _ in place_labels(points, sizes, dots=np.array([True, True]), frame=(0, 0, 2, 2))]
    [0]
    """
    boxes = np.asarray(taken, dtype=float).reshape(-1, 4)
    placed: list[tuple[int, float, float]] = []
    marked: list[int] = []
    for i, ((x, y), (width, height)) in enumerate(zip(points, sizes, strict=True)):
        if dots[i] and _covers_any((x - GAP, y - GAP, x + GAP, y + GAP), boxes):
            continue
        others = points[marked]
        for across, up in _SIDES if dots[i] else _AROUND:
            left = x + across * GAP + (across - 1) * width / 2
            bottom = y + up * GAP + (up - 1) * height / 2
            box = (left - PADDING, bottom - PADDING, left + width + PADDING, bottom + height + PADDING)
            if _inside(box, frame) and not _covers_any(box, boxes) and not _holds_any(box, others):
                placed.append((i, float(left), float(bottom)))
                if dots[i]:
                    marked.append(i)
                boxes = np.vstack([boxes, box])
                break
    return placed


def _inside(box: Box, frame: Box) -> bool:
    return box[0] >= frame[0] and box[1] >= frame[1] and box[2] <= frame[2] and box[3] <= frame[3]


def _covers_any(box: Box, boxes: np.ndarray) -> bool:
    if not len(boxes):
        return False
    apart = (boxes[:, 2] <= box[0]) | (boxes[:, 0] >= box[2]) | (boxes[:, 3] <= box[1]) | (boxes[:, 1] >= box[3])
    return bool((~apart).any())


def _holds_any(box: Box, points: np.ndarray) -> bool:
    x, y = points[:, 0], points[:, 1]
    return bool(((x > box[0]) & (x < box[2]) & (y > box[1]) & (y < box[3])).any())
