from __future__ import annotations

from typing import ClassVar

import pytest
import torch

from napari_unets.networks import NetworkSettingsError, UNet

from .shared import NetworkTests, randomise


class TestUNet(NetworkTests):
    name = "unet"
    small: ClassVar = {"width": 3, "depth": 2}
    deep: ClassVar = {"width": 1}
    radius = 107
    counts: ClassVar = {(1, 1): 31_030_593, (1, 2): 31_030_658}

    def test_widths_double(self):
        assert UNet(width=2, depth=3).level_widths == [2, 4, 8]

    def test_dropout_at_the_end_of_the_contracting_path_only(self):
        net = UNet(width=1, depth=3)
        places = [name for name, module in net.named_modules() if isinstance(module, torch.nn.Dropout)]
        assert places == ["down.2.2", "bridge.2"]

    @pytest.mark.parametrize(
        ("settings", "complaint"),
        [
            ({"width": 0}, "at least 1"),
            ({"depth": 0}, "at least 1"),
            ({"padding": "reflect"}, "'same' or 'valid', not 'reflect'"),
            ({"dropout": 1.0}, "probability"),
            ({"filter_scales": [1.0, 0.0]}, "0.5 to 32 pixels, not 0"),
            ({"filter_scales": [1.0], "padding": "valid"}, "filter_scales are for padding 'same'"),
        ],
    )
    def test_settings_that_cannot_be(self, settings: dict[str, object], complaint: str):
        with pytest.raises(NetworkSettingsError, match=complaint):
            UNet(**settings)


class TestUNetWithBatchNorm(NetworkTests):
    name = "unet"
    variant: ClassVar = {"batch_norm": True}
    small: ClassVar = {"width": 2, "depth": 1}
    deep: ClassVar = {"width": 1}
    radius = 107
    counts: ClassVar = {(1, 1): 31_037_441}


class TestUNetWithFilters(NetworkTests):
    name = "unet"
    variant: ClassVar = {"batch_norm": True, "filter_scales": [1.0, 2.0, 4.0, 8.0]}
    small: ClassVar = {"width": 2, "depth": 1}
    deep: ClassVar = {"width": 1}
    radius = 131
    counts: ClassVar = {(1, 1): 31_046_657}


class TestUnpaddedUNet(NetworkTests):
    name = "unet"
    variant: ClassVar = {"padding": "valid"}
    small: ClassVar = {"width": 2, "depth": 2}
    deep: ClassVar = {"width": 1}
    radius = 107
    counts: ClassVar = {(1, 2): 31_030_658}

    def test_figure_1(self):
        net = UNet(width=1, padding="valid").eval()
        assert net.margin == 92
        with torch.no_grad():
            assert net(torch.zeros(1, 1, 572, 572)).shape == (1, 1, 388, 388)

    def test_next_valid_sizes_of_the_paper(self):
        net = UNet(width=1, padding="valid")
        assert [net.next_valid_size(size) for size in (1, 188, 189, 556, 557, 572)] == [188, 188, 204, 556, 572, 572]

    def test_tiles_agree_without_a_halo(self):
        # The paper's reason for it: what lies in the result was computed from the image alone, wherever the tile lay.
        net = randomise(UNet(width=2, depth=2, padding="valid").double())
        size = net.next_valid_size(90)
        x = torch.randn(1, 1, size, size + 8 * net.stride, dtype=torch.float64)
        shift = 3 * net.stride
        with torch.no_grad():
            whole, tile = net(x), net(x[..., shift : shift + size])
        torch.testing.assert_close(tile, whole[..., shift : shift + tile.shape[-1]])
