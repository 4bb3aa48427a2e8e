from __future__ import annotations

from typing import ClassVar

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch import nn

from napari_unets.networks import NetworkSettingsError, SegNet
from napari_unets.networks.unpooling import max_pool_with_places, max_unpool

from .shared import NetworkTests


class TestSegNet(NetworkTests):
    name = "segnet"
    small: ClassVar = {"widths": [3, 4], "convolutions": [2, 3]}
    deep: ClassVar = {"widths": [1, 1, 1, 1, 1]}
    radius = 211
    # Unpooling leaves three of four pixels dark, so that a bright column need not light the very last one.
    tightness = 0.9
    counts: ClassVar = {(1, 1): 29_434_497, (3, 11): 29_441_419}

    def test_the_encoder_is_vgg16s(self):
        with torch.device("meta"):
            net = SegNet(3)
        convolutions = [m for m in net.encoder.modules() if isinstance(m, nn.Conv2d)]
        assert len(convolutions) == 13
        with_biases = sum(m.weight.numel() + m.out_channels for m in convolutions)
        assert with_biases == 14_714_688
        assert sum(p.numel() for p in net.encoder.parameters()) == 14_718_912

    def test_one_convolution_more_or_less(self):
        net = SegNet(2, 3, widths=[2, 3, 4], convolutions=[1, 1, 2]).eval()
        assert net(torch.zeros(1, 2, 8, 16)).shape == (1, 3, 8, 16)

    @pytest.mark.parametrize(
        "wrong", [{"widths": []}, {"widths": [4, 4]}, {"widths": [4, 0], "convolutions": [1, 1]}], ids=str
    )
    def test_settings_that_cannot_be(self, wrong: dict[str, list[int]]):
        with pytest.raises(NetworkSettingsError, match="as many widths as convolutions"):
            SegNet(**wrong)


class TestUnpooling:
    # Few different values, so that most cells have equal maxima.
    @settings(deadline=None)
    @given(
        st.tuples(st.integers(1, 2), st.integers(1, 3), st.integers(1, 4), st.integers(1, 4)).flatmap(
            lambda s: hnp.arrays(
                "float32", (s[0], s[1], 2 * s[2], 2 * s[3]), elements=st.sampled_from([0.0, 1.0, -2.0])
            )
        )
    )
    def test_equals_torchs_indices_even_among_equals(self, array):
        x = torch.from_numpy(array)
        expected, indices = nn.MaxPool2d(2, return_indices=True)(x)
        pooled, places = max_pool_with_places(x)
        assert torch.equal(pooled, expected)
        values = torch.randn(pooled.shape)
        assert torch.equal(max_unpool(values, places), nn.MaxUnpool2d(2)(values, indices))

    def test_gradients_equal_torchs(self):
        # The values of the pooling and of the unpooling both depend on x here.
        x = torch.randn(1, 2, 8, 6, dtype=torch.float64, requires_grad=True)
        y = x.detach().clone().requires_grad_()
        pooled, places = max_pool_with_places(x)
        expected, indices = nn.MaxPool2d(2, return_indices=True)(y)
        weights = torch.randn(x.shape, dtype=torch.float64)
        (max_unpool(pooled**2, places) * weights).sum().backward()
        (nn.MaxUnpool2d(2)(expected**2, indices) * weights).sum().backward()
        torch.testing.assert_close(x.grad, y.grad, rtol=0, atol=0)

    def test_worked_case(self):
        x = torch.tensor([[[[1.0, 5.0, 0.0, 0.0], [2.0, 3.0, 0.0, 7.0]]]])
        pooled, places = max_pool_with_places(x)
        assert pooled.tolist() == [[[[5.0, 7.0]]]]
        assert max_unpool(pooled, places).tolist() == [[[[0.0, 5.0, 0.0, 0.0], [0.0, 0.0, 0.0, 7.0]]]]
