"""Names on printed maps: the first ones first, never one over another."""

from __future__ import annotations

import numpy as np
import pytest

from geo_cdei.outputs.labels import GAP, PADDING, place_labels

FRAME = (0.0, 0.0, 10.0, 10.0)


def boxes(points, sizes, **how):
    dots = np.ones(len(points), dtype=bool)
    placed = place_labels(np.asarray(points, float), np.asarray(sizes, float), dots=dots, frame=FRAME, **how)
    return {i: (x, y, x + sizes[i][0], y + sizes[i][1]) for i, x, y in placed}


def overlap(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def test_a_name_stands_right_of_its_point_where_there_is_room():
    """By hand: the gap to the right, centred upwards."""
    assert boxes([(5, 5)], [(1, 0.2)])[0] == pytest.approx((5 + GAP, 4.9, 6 + GAP, 5.1))


def test_a_name_at_the_right_edge_stands_on_the_left():
    assert boxes([(9.9, 5)], [(1, 0.2)])[0][2] == pytest.approx(9.9 - GAP)


def test_no_two_of_many_names_overlap():
    rng = np.random.default_rng(5)
    found = list(boxes(rng.uniform(0, 10, (300, 2)), np.c_[rng.uniform(0.3, 1.5, 300), np.full(300, 0.2)]).values())
    assert len(found) > 40
    assert not any(overlap(a, b) for k, a in enumerate(found) for b in found[:k])


def test_a_name_covers_no_point_that_has_a_name():
    rng = np.random.default_rng(6)
    points = rng.uniform(0, 10, (200, 2))
    found = boxes(points, np.full((200, 2), (0.9, 0.2)))
    inside = [
        (i, k) for i, (a, b, c, d) in found.items() for k in found
        if k < i and a < points[k, 0] < c and b < points[k, 1] < d
    ]  # fmt: skip
    assert inside == []


def test_the_first_of_two_names_for_one_place_wins():
    """There is room for one name only between the walls."""
    taken = [(0, 5.2, 10, 10), (0, 0, 10, 4.8), (0, 4.8, 4.9, 5.2)]
    assert set(boxes([(5, 5), (5.01, 5)], [(1, 0.2), (1, 0.2)], taken=taken)) == {0}


def test_what_is_taken_stays_free():
    taken = [(0.0, 0.0, 10.0, 6.0)]
    assert boxes([(5, 5)], [(1, 0.2)], taken=taken) == {}


def test_every_name_stays_inside_the_frame():
    rng = np.random.default_rng(7)
    found = boxes(rng.uniform(0, 10, (100, 2)), np.full((100, 2), (2.0, 0.2))).values()
    assert all(a >= PADDING - 1e-9 and c <= 10 and b >= 0 and d <= 10 for a, b, c, d in found)


def test_a_name_without_a_dot_is_centred():
    ((_, x, y),) = place_labels(np.array([[5.0, 5.0]]), np.array([[1.0, 0.2]]), dots=np.array([False]), frame=FRAME)
    assert (x, y) == pytest.approx((4.5, 4.9))
