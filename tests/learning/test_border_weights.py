"""The weights of the U-Net paper, against its formula evaluated object by object on the whole plane."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_unets.learning.border_weights import border_weights
from napari_unets.learning.losses import create_loss


def by_the_formula(annotations: np.ndarray) -> np.ndarray:
    objects, count = ndimage.label(annotations == 2)
    distances = np.sort([ndimage.distance_transform_edt(objects != n + 1) for n in range(count)], axis=0)
    weights = 1 + 10 * np.exp(-((distances[0] + distances[1]) ** 2) / (2 * 25))
    return np.where(objects > 0, 1.0, weights)


def test_it_is_the_papers_formula() -> None:
    rng = np.random.default_rng(0)
    field = ndimage.gaussian_filter(rng.normal(size=(90, 120)), 4)
    annotations = np.where(np.abs(field) < 0.01, 1, 2)
    np.testing.assert_allclose(border_weights(annotations), by_the_formula(annotations), atol=0.12)


def test_the_gap_between_two_cells_weighs_most() -> None:
    annotations = np.ones((40, 60), np.uint8)
    annotations[:, :28], annotations[:, 31:50] = 2, 2
    weights = border_weights(annotations)
    assert weights[20, 29] == pytest.approx(1 + 10 * np.exp(-(4**2) / 50), rel=1e-3)
    assert weights[20, 55] < weights[20, 29]
    assert (weights[annotations == 2] == 1).all()


def test_nothing_to_separate() -> None:
    assert (border_weights(np.ones((8, 8), np.uint8)) == 1).all()
    one = np.ones((8, 8), np.uint8)
    one[2:4, 2:4] = 2
    assert (border_weights(one) == 1).all()


def test_the_loss_follows_the_weights() -> None:
    annotations = torch.full((1, 16, 32), 2)
    annotations[:, :, 15:17] = 1
    missed = torch.full((1, 1, 16, 32), -2.0)  # everything called cell
    assert create_loss("border")(missed, annotations) > 2 * create_loss("bce")(missed, annotations)
