"""The flooding of border thinning against its definition, written out pixel by pixel."""

from collections import deque

import numpy as np
import pytest
from scipy import ndimage

from napari_unets.metrics.components import connected_components
from napari_unets.metrics.thinning import thin_borders, thinned_segments

LEFT, UP, RIGHT, DOWN = (0, 0, -1), (0, -1, 0), (0, 0, 1), (0, 1, 0)
PREVIOUS, NEXT = (-1, 0, 0), (1, 0, 0)


def thin_by_definition(labels):
    """The rules of the ISBI 2012 evaluation as they are stated, slowly; (z, y, x)."""
    depth, height, width = labels.shape
    state = {index: int(labels[index]) or None for index in np.ndindex(labels.shape)}
    if not any(state.values()):
        return np.ones_like(labels)
    queued = set()

    def neighbours(index):
        for step in (LEFT, UP, RIGHT, DOWN, PREVIOUS, NEXT):
            at = tuple(a + b for a, b in zip(index, step, strict=True))
            if at in state:
                yield at

    queue = deque(
        (z, y, x)
        for z in range(depth)
        for x in range(width)
        for y in range(height)
        if state[z, y, x] is None and any(state[at] for at in neighbours((z, y, x)))
    )
    queued.update(queue)
    while queue:
        pixel = queue.popleft()
        basin, second, line = None, False, False
        for at in neighbours(pixel):
            if state[at] is None:
                if at not in queued:
                    queued.add(at)
                    queue.append(at)
            elif state[at] == 0:
                line = True
            elif basin is None:
                basin = state[at]
            elif state[at] != basin:
                second = True
        assert basin or line
        state[pixel] = 0 if second or basin is None else basin
    return np.array([state[index] for index in np.ndindex(labels.shape)]).reshape(labels.shape)


@pytest.mark.parametrize("share_of_cell", [0.05, 0.3, 0.5, 0.8])
@pytest.mark.parametrize("shape", [(1, 1), (1, 23), (17, 1), (12, 19), (31, 26)])
def test_flooding_follows_the_definition_to_the_pixel(shape, share_of_cell):
    rng = np.random.default_rng(shape[0] * 100 + int(100 * share_of_cell))
    for _ in range(8):
        labels, _ = connected_components(rng.random(shape) < share_of_cell)
        assert np.array_equal(thin_borders(labels), thin_by_definition(labels[None])[0])


def test_flooding_of_smooth_shapes_with_wide_walls():
    rng = np.random.default_rng(3)
    for sigma in (1.0, 2.0, 4.0):
        field = ndimage.gaussian_filter(rng.random((48, 61)), sigma)
        labels, n = connected_components(field > np.quantile(field, 0.75))
        assert n > 1
        assert np.array_equal(thin_borders(labels), thin_by_definition(labels[None])[0])


def test_volume_is_flooded_over_faces():
    rng = np.random.default_rng(4)
    for share in (0.05, 0.2, 0.6):
        labels, _ = connected_components(rng.random((5, 9, 8)) < share)
        assert np.array_equal(thin_borders(labels), thin_by_definition(labels))


def test_wall_of_two_pixels_keeps_the_line_on_the_side_that_is_popped_last():
    assert thinned_segments(np.array([[1, 0, 0, 1]])).tolist() == [[1, 1, 0, 2]]


def test_line_in_the_middle_of_an_odd_wall():
    assert thinned_segments(np.array([[1, 0, 0, 0, 1]])).tolist() == [[1, 1, 0, 2, 2]]


def test_membrane_that_ends_in_the_open_vanishes():
    cell = np.ones((9, 9), dtype=bool)
    cell[:6, 4] = False
    assert np.array_equal(thinned_segments(cell), np.ones((9, 9)))


def test_all_membrane_is_one_segment():
    assert np.array_equal(thinned_segments(np.zeros((4, 5))), np.ones((4, 5)))


@pytest.mark.parametrize("shape", [(1, 1), (37, 41), (6, 13, 11)])
@pytest.mark.parametrize("share", [0.0, 0.4, 0.6, 1.0])
def test_components_and_their_numbers_are_those_of_scipy(shape, share):
    mask = np.random.default_rng(5).random(shape) < share
    expected, n = ndimage.label(mask)
    labels, count = connected_components(mask)
    assert count == n
    assert np.array_equal(labels, expected)


def test_components_are_numbered_by_their_first_pixel():
    mask = np.array([[0, 0, 1], [1, 0, 1], [1, 1, 0], [0, 0, 1]])
    assert connected_components(mask)[0].tolist() == [[0, 0, 1], [2, 0, 1], [2, 2, 0], [0, 0, 3]]


def test_u_shape_is_one_component():
    mask = np.array([[1, 0, 1, 0, 1], [1, 0, 1, 0, 1], [1, 1, 1, 1, 1]])
    labels, count = connected_components(mask)
    assert count == 1
    assert np.array_equal(labels, mask)
