"""The threshold of a tuned model."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unets.learning.operating_point import choose_threshold, threshold_for
from napari_unets.networks import create_network


@pytest.mark.parametrize("share", [0.05, 0.2, 0.7])
def test_strokes_of_both_classes_alike_and_an_image_that_is_not(share):
    """Grey values of two classes overlap; a classifier learnt from as many of each, and its errors are the fewest."""
    rng = np.random.default_rng(1)

    def probability(ids):
        grey = np.where(ids == 1, 1.0, -1.0) + rng.normal(0, 1, ids.shape)
        return 1 / (1 + np.exp(-2 * grey))  # Bayes' rule for these two, equally frequent

    strokes = np.repeat([1, 2], 20_000)
    image = np.where(rng.random(100_000) < share, 1, 2)
    p = probability(image)
    threshold = threshold_for(float(p.mean()), probability(strokes), strokes)
    assert threshold == pytest.approx(1 - share, abs=0.03)
    wrong = {t: np.mean((p > t) != (image == 1)) for t in (*np.arange(0.02, 1, 0.02), threshold)}
    assert wrong[threshold] <= min(wrong.values()) + 0.002


def test_a_class_is_not_lost_to_a_network_that_is_not_sure_yet():
    ids = np.repeat([1, 2], 50)
    threshold = threshold_for(0.32, np.where(ids == 1, 0.6, 0.3), ids)  # Bayes' rule alone: 0.92
    assert 0.3 <= threshold < 0.6


def test_where_strokes_cannot_say():
    ids = np.repeat([1, 2], 50)
    assert threshold_for(0.2, np.full(100, 0.4), ids) is None
    assert threshold_for(0.2, np.full(100, 0.4), np.ones(100, int)) is None


def test_without_annotations_kept_aside_the_default_stays():
    network = create_network("unet", in_channels=1, out_channels=1, width=2, depth=1)
    assert choose_threshold(network, [], [], list, 0.37) == 0.37
