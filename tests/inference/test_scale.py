"""Images that the network sees larger or smaller than they are."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch.nn import functional

from napari_unets.inference import InferenceError, Predictor
from napari_unets.inference.augmentation import at_scale
from napari_unets.inference.planning import resolve_halo

from .shared import STRICT, image, small_model


@pytest.mark.parametrize("scale", [Fraction(1, 4), Fraction(3, 4), Fraction(7, 4), Fraction(4)])
def test_there_and_back_again(scale):
    shapes = []

    def watched(batch):
        shapes.append(batch.shape)
        return batch

    y, x = np.mgrid[:64, :48].astype(np.float32)
    smooth = np.stack([np.sin(y / 20), np.cos(x / 15)])[None]
    result = at_scale(watched, smooth, scale)
    assert shapes == [(1, 2, 64 * scale, 48 * scale)]
    np.testing.assert_allclose(result[:, :, 8:-8, 8:-8], smooth[:, :, 8:-8, 8:-8], atol=0.03)


def test_what_becomes_smaller_is_averaged():
    checks = (np.indices((8, 8)).sum(0)[None, None] % 2).astype(np.float32)
    seen = []
    at_scale(lambda batch: seen.append(batch) or batch, checks, Fraction(1, 4))
    np.testing.assert_allclose(seen[0], 0.5, atol=0.1)


def test_the_network_sees_the_image_enlarged():
    model = small_model()
    batch = gaussian_filter(image(1, 1, 64, 64), (0, 0, 2, 2)) * 5
    with Predictor(model, STRICT) as plain:
        twice = plain.with_settings(STRICT.model_copy(update={"scale": 2.0}))
        larger = functional.interpolate(torch.from_numpy(batch), scale_factor=2, mode="bilinear").numpy()
        expected = plain(larger).reshape(1, 1, 64, 2, 64, 2).mean((3, 5))  # not quite how it is brought back
        found = twice(batch)
        assert np.abs(found - expected).mean() < 0.2 * np.abs(found - plain(batch)).mean()
        assert twice.bytes_per_pixel > 3.5 * plain.bytes_per_pixel
        assert twice.with_settings(STRICT).geometry == plain.geometry


def test_the_cards_halo_is_in_pixels_that_the_network_sees():
    halos = {}
    for scale in (0.5, 1.0, 2.0):
        with Predictor(small_model(halo=6), STRICT.model_copy(update={"scale": scale})) as predictor:
            halos[scale] = resolve_halo(predictor)
    assert halos == {0.5: 12, 1.0: 6, 2.0: 3}


def test_unpadded_networks_see_no_other_size():
    with pytest.raises(InferenceError, match=r"'small' has unpadded convolutions.*leave the scale at 1"):
        Predictor(small_model("unet-valid"), STRICT.model_copy(update={"scale": 2.0}))
