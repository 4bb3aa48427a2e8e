"""The made-up page: the same for a seed, with a truth that is where the ink is, and hard for a single threshold."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unets.images import synthetic_page
from napari_unets.images.normalise import luminance_of


@pytest.fixture(scope="module")
def page():
    return synthetic_page(400, 500, seed=1)


def test_shape_and_types(page):
    assert page.image.shape == (400, 500, 3)
    assert page.image.dtype == page.truth.dtype == np.uint8
    assert set(np.unique(page.truth)) == {0, 255}
    assert 0.02 < (page.truth == 0).mean() < 0.3


def test_a_seed_gives_a_page(page):
    again, other = synthetic_page(400, 500, seed=1), synthetic_page(400, 500, seed=2)
    np.testing.assert_array_equal(again.image, page.image)
    np.testing.assert_array_equal(again.truth, page.truth)
    assert (other.truth != page.truth).any()


def test_the_truth_is_where_the_ink_is(page):
    """Darker than around it, and nowhere better aligned than where it is."""
    grey = luminance_of(page.image)
    ink = page.truth == 0
    contrast = {
        (dy, dx): grey[~np.roll(ink, (dy, dx), (0, 1))].mean() - grey[np.roll(ink, (dy, dx), (0, 1))].mean()
        for dy in (-2, -1, 0, 1, 2)
        for dx in (-2, -1, 0, 1, 2)
    }
    assert contrast[0, 0] > 30
    assert max(contrast, key=contrast.get) == (0, 0)


def test_the_page_is_degraded(page):
    """No threshold tells ink from paper: the lightest ink is lighter than the darkest paper by far."""
    grey, ink = luminance_of(page.image), page.truth == 0
    assert np.percentile(grey[ink], 95) > np.percentile(grey[~ink], 5)
    scores = [200 * (ink & (grey < t)).sum() / (ink.sum() + (grey < t).sum()) for t in range(40, 240, 5)]
    assert max(scores) < 85


def test_a_page_without_room_is_refused():
    with pytest.raises(ValueError, match="64×64"):
        synthetic_page(20, 500)
    assert synthetic_page(64, 64).truth.shape == (64, 64)
