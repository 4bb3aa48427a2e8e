"""The filters beside the features that pixel classifiers use, and what a network needs of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.feature import multiscale_basic_features

from napari_unets.networks import NetworkSettingsError
from napari_unets.networks.filters import DerivativeFilters

SCALES = [2.0, 4.0]


def test_they_are_what_scikit_image_gives_a_random_forest():
    image = np.random.default_rng(0).normal(size=(96, 80)).astype(np.float32)
    features = multiscale_basic_features(image, sigma_min=2, sigma_max=4)  # smoothed, Sobel, eigenvalues, a scale each
    found = DerivativeFilters(1, SCALES)(torch.from_numpy(image)[None, None])[0].numpy()
    assert np.array_equal(found[0], image)
    inner = (slice(20, -20), slice(20, -20))  # they treat the border in other ways
    for ours, theirs in zip(found[1:], features.transpose(2, 0, 1), strict=True):
        assert np.corrcoef(ours[inner].ravel(), theirs[inner].ravel())[0, 1] > 0.98


def test_a_dark_line_is_high_in_the_larger_eigenvalue_whatever_its_direction():
    y, x = np.mgrid[:64, :64] - 32.0
    for angle in (0, 0.4, 1.5):
        line = -np.exp(-0.5 * ((np.cos(angle) * x + np.sin(angle) * y) / 2) ** 2).astype(np.float32)
        found = DerivativeFilters(1, [2.0])(torch.from_numpy(line)[None, None])[0, :, 32, 32]
        assert found[3] == pytest.approx(2**-1.5, rel=0.03)  # of a Gaussian line, at its own scale
        assert abs(found[4]) < 0.01


def test_nothing_where_the_image_is_flat_and_gradients_that_are_numbers():
    filters = DerivativeFilters(1, SCALES).double()
    flat = torch.full((1, 1, 20, 20), 3.0, dtype=torch.float64, requires_grad=True)
    found = filters(flat)
    torch.testing.assert_close(found[:, [2, 3, 4, 6, 7, 8]].abs().max().item(), 0.0, rtol=0, atol=1e-5)
    found.sum().backward()
    assert flat.grad.isfinite().all()


def test_each_channel_by_itself():
    image = torch.randn(2, 3, 24, 20, generator=torch.Generator().manual_seed(0))
    both, alone = DerivativeFilters(3, SCALES), DerivativeFilters(1, SCALES)
    found = both(image).reshape(2, 3, 9, 24, 20)
    assert both.out_channels == 27
    for n in range(2):
        for channel in range(3):
            torch.testing.assert_close(found[n, channel], alone(image[n : n + 1, channel : channel + 1])[0])


def test_sixteen_bits_leave_the_second_derivatives():
    image = torch.randn(1, 1, 96, 96, generator=torch.Generator().manual_seed(0))
    filters = DerivativeFilters(1, [8.0])
    exact = filters(image)
    with torch.autocast("cpu", torch.bfloat16):
        rough = filters(image)
    assert ((rough - exact).std((0, 2, 3)) < 0.05 * exact.std((0, 2, 3))).all()


@pytest.mark.parametrize("scale", [0, 0.4, 33, float("nan")])
def test_scales_that_cannot_be(scale: float):
    with pytest.raises(NetworkSettingsError, match=r"0\.5 to 32 pixels"):
        DerivativeFilters(1, [1.0, scale])
