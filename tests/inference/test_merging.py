from __future__ import annotations

import numpy as np
import pytest

from napari_unets.inference import membrane_instances, merged_instances


def faint(strength: float) -> np.ndarray:
    """Two cells of 20 × 14 and 20 × 15 pixels, and a membrane between them that is below the threshold."""
    p = np.zeros((22, 32), np.float32)
    p[[0, -1], :] = p[:, [0, -1]] = 1
    p[:, 14:17] = np.float32([0.6, 1, 0.6]) * strength
    return p


@pytest.mark.parametrize(("strength", "cells"), [(0.1, 1), (0.45, 2), (0.9, 2)])
def test_a_faint_membrane_separates_where_a_threshold_does_not(strength, cells):
    labels = merged_instances(faint(strength), merge_below=0.25)
    assert labels.dtype == np.uint32
    assert labels.max() == cells
    assert (labels[10, 7] == labels[10, 24]) == (cells == 1)


def test_the_mean_along_the_border_counts():
    p = faint(0.9)
    p[8:14, 14:17] = 0  # a wide gap in a good membrane
    assert membrane_instances(p, neck=2).max() == 1
    assert merged_instances(p, merge_below=0.3).max() == 2
    assert merged_instances(p, merge_below=0.9).max() == 1


def test_membrane_and_small_objects_are_zero():
    p = faint(0.9)
    labels = merged_instances(p, min_size=0)
    np.testing.assert_array_equal(labels == 0, p > 0.5)
    assert merged_instances(p, min_size=275).max() == 1  # 13 and 14 columns, 20 rows
    assert set(np.unique(merged_instances(p, min_size=500))) == {0}


@pytest.mark.parametrize(("value", "found"), [(0.0, 1), (1.0, 0)])
def test_nothing_but_cell_or_membrane(value, found):
    assert (merged_instances(np.full((30, 40), value)) == found).all()
