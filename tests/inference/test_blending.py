from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from napari_unets.inference.blending import Blender
from napari_unets.inference.geometry import Geometry
from napari_unets.inference.windows import fit_windows

GEOMETRY = Geometry(stride=2, smallest=2, margin=0, exact_halo=30)
GRID = fit_windows(70, 61, GEOMETRY, 6, largest=26)
RNG = np.random.default_rng(0)
VALUES = {w: RNG.random((2, *GRID.shape), dtype=np.float32) for w in GRID.order()}


def consume(order):
    """What somebody who writes every region has in the end."""
    blender = Blender(GRID)
    image = np.full((2, 70, 61), np.nan, np.float32)
    for row, column in order:
        y, x, blended = blender.add(row, column, VALUES[row, column])
        image[:, y, x] = blended
    return image


def test_regions_written_in_turn_end_as_the_weighted_mean():
    assert len(GRID) > 9
    total = np.zeros((2, 70, 61))
    for row, column in GRID.order():
        r, c = GRID.rows[row], GRID.columns[column]
        values = VALUES[row, column][:, r.first - r.start : r.last - r.start, c.first - c.start : c.last - c.start]
        weights = r.weights[:, None].astype(float) * c.weights
        total[:, r.first : r.last, c.first : c.last] += weights * values
    np.testing.assert_allclose(consume(GRID.order()), total, atol=1e-6)


@given(st.permutations(GRID.order()))
def test_the_order_of_arrival_changes_no_bit(order):
    np.testing.assert_array_equal(consume(order), consume(GRID.order()))


def test_before_the_neighbours_come_a_window_is_shown_as_it_is():
    row, column = GRID.order((35, 30))[0]
    y, x, blended = Blender(GRID).add(row, column, VALUES[row, column])
    r, c = GRID.rows[row], GRID.columns[column]
    assert (y, x) == (slice(r.first, r.last), slice(c.first, c.last))
    own = VALUES[row, column][:, r.first - r.start : r.last - r.start, c.first - c.start : c.last - c.start]
    np.testing.assert_allclose(blended, own, rtol=1e-6)


def test_in_row_order_no_more_than_two_rows_are_kept():
    blender = Blender(GRID)
    most = 0
    for row, column in itertools.product(range(len(GRID.rows)), range(len(GRID.columns))):
        blender.add(row, column, VALUES[row, column])
        most = max(most, len(blender._kept))
    assert most <= len(GRID.columns) + 2
    assert not blender._kept


def test_a_blend_of_equal_values_is_that_value():
    blender = Blender(GRID)
    for window in GRID.order():
        *_, blended = blender.add(*window, np.full((1, *GRID.shape), 0.3, np.float32))
        np.testing.assert_allclose(blended, 0.3, rtol=1e-6)
