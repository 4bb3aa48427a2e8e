from __future__ import annotations

import numpy as np
import pytest

from napari_unets.inference import membrane_instances


def scene() -> np.ndarray:
    """Membrane around and between two cells of 20 × 14 and 20 × 15 pixels."""
    p = np.zeros((22, 32))
    p[[0, -1], :] = p[:, [0, -1]] = 1
    p[:, 15] = 1
    return p


def test_cells_between_membranes():
    labels = membrane_instances(scene())
    assert labels.dtype == np.uint32
    assert set(np.unique(labels)) == {0, 1, 2}
    np.testing.assert_array_equal(labels == 0, scene() == 1)
    assert (labels[1:-1, 1:15] == labels[5, 5]).all()
    assert (labels[1:-1, 16:-1] == labels[5, 20]).all()


def test_a_gap_in_the_membrane_is_closed_where_it_is():
    p = scene()
    p[9:13, 15] = 0
    labels = membrane_instances(p)
    assert labels.max() == 2
    assert (labels[1:-1, 1:14] == labels[5, 5]).all()
    assert (labels[1:-1, 17:-1] == labels[5, 20]).all()
    assert labels[10, 15] > 0  # the gap belongs to one of them


@pytest.mark.parametrize(("doubt", "count"), [(0.1, 1), (0.3, 2)])
def test_a_wide_gap_with_some_sign_of_a_membrane_is_closed(doubt, count):
    p = scene()
    p[6:16, 14:17] = doubt
    labels = membrane_instances(p)
    assert labels.max() == count
    assert (labels[1:-1, 1:15] == labels[5, 5]).all()
    assert (labels[1:-1, 16:-1] == labels[5, 20]).all()
    assert (labels[6:16, 15] > 0).all()  # there is no membrane: the pixels belong to one of the two


def test_what_is_nowhere_sure_is_kept_whole():
    p = scene()
    p[p == 0] = 0.4
    labels = membrane_instances(p)
    assert set(np.unique(labels)) == {0, 1, 2}
    np.testing.assert_array_equal(labels == 0, scene() == 1)


def test_a_passage_that_is_wide_is_no_gap():
    p = scene()
    p[6:16, 15] = 0
    assert membrane_instances(p).max() == 1


def test_a_long_object_of_changing_width_stays_one():
    p = np.ones((40, 200))
    for x in range(5, 195):
        half = int(9 + 4 * np.sin(x / 6))
        p[20 - half : 20 + half, x] = 0
    assert membrane_instances(p).max() == 1


def test_thin_objects_are_kept_whole():
    p = np.ones((20, 60))
    p[9:12, 5:55] = 0
    labels = membrane_instances(p)
    assert labels.max() == 1
    assert (labels > 0).sum() == 150


@pytest.mark.parametrize(("min_size", "count"), [(0, 3), (12, 3), (13, 2), (281, 1), (10_000, 0)])
def test_small_objects_are_left_out_and_numbers_have_no_gaps(min_size, count):
    p = np.ones((22, 42))
    p[1:21, 1:15] = 0  # 280
    p[2:5, 20:24] = 0  # 12
    p[1:21, 26:41] = 0  # 300
    labels = membrane_instances(p, min_size=min_size)
    assert set(np.unique(labels)) == set(range(count + 1))


def test_threshold():
    p = np.full((20, 20), 0.4)
    assert membrane_instances(p, 0.5).max() == 1
    assert membrane_instances(p, 0.3).max() == 0
    assert membrane_instances(p, 0.4).max() == 1  # membrane is above the threshold


def test_no_membrane_at_all_is_one_object():
    assert (membrane_instances(np.zeros((30, 40))) == 1).all()
