from __future__ import annotations

from typing import ClassVar

import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from napari_unets.networks import FCN8s, NetworkSettingsError

from .shared import NetworkTests


class TestFCN8s(NetworkTests):
    name = "fcn-8s"
    small: ClassVar = {"widths": [2, 2, 3, 3, 3], "hidden": 4, "batch_norm": True}
    deep: ClassVar = {"widths": [1, 1, 1, 1, 1], "hidden": 1}
    radius = 245
    fading = 4
    counts: ClassVar = {(1, 1): 134_264_291, (3, 21): 134_376_863}

    def test_layers_of_vgg16(self):
        with torch.device("meta"):
            net = FCN8s(3, 21)
        vgg = sum(p.numel() for p in net.stages.parameters()) + sum(p.numel() for p in net.classifier[:3].parameters())
        assert vgg == 138_357_544 - 1000 * 4097  # VGG16's without its last layer, of 1000 classes

    def test_upsamplings_start_bilinear(self):
        net = FCN8s(1, 3, widths=[1] * 5, hidden=1)
        x = torch.randn(1, 3, 8, 8)
        with torch.no_grad():
            for layer, factor in ((net.upscore_2, 2), (net.upscore_pool4, 2), (net.upscore_8, 8)):
                inner = slice(factor, -factor)  # the border fades, because nothing is beyond it
                expected = F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
                torch.testing.assert_close(layer(x)[..., inner, inner], expected[..., inner, inner])

    def test_the_last_upsampling_stays_bilinear(self):
        net = FCN8s(widths=[1] * 5, hidden=1)
        frozen = [name for name, parameter in net.named_parameters() if not parameter.requires_grad]
        assert frozen == ["upscore_8.weight"]

    def test_sets_out_from_the_coarse_scores(self):
        net = FCN8s(widths=[2] * 5, hidden=2).eval()
        x = torch.randn(1, 1, 32, 64)
        with torch.no_grad():
            coarse = net.upscore_8(net.upscore_pool4(net.upscore_2(net.classifier(_through(net.stages, x)))))
            torch.testing.assert_close(net(x), coarse)

    @pytest.mark.parametrize("wrong", [{"widths": [1, 2]}, {"widths": [1] * 4 + [0]}, {"hidden": 0}], ids=str)
    def test_widths_that_cannot_be(self, wrong: dict[str, object]):
        with pytest.raises(NetworkSettingsError, match="five widths and hidden"):
            FCN8s(**wrong)

    def test_dropout_that_cannot_be(self):
        with pytest.raises(NetworkSettingsError, match="probability"):
            FCN8s(dropout=1.5)


def _through(stages, x):
    for stage in stages:
        x = stage(x)
    return x
