from __future__ import annotations

from typing import ClassVar

import pytest
import torch

from napari_unets.networks import FusionNet, NetworkSettingsError

from .shared import NetworkTests


class TestFusionNet(NetworkTests):
    name = "fusionnet"
    small: ClassVar = {"width": 2, "depth": 2}
    deep: ClassVar = {"width": 1}
    radius = 245
    counts: ClassVar = {(1, 1): 75_033_857}

    def test_skip_connections_are_summed(self):
        x, skip = torch.randn(2, 1, 4, 4, 4)
        assert torch.equal(FusionNet(width=1, depth=1).join(x, skip, 0), x + skip)

    def test_widths_of_the_table(self):
        with torch.device("meta"):
            net = FusionNet()
        assert net.level_widths == [64, 128, 256, 512]
        assert net.bridge[0][0].out_channels == 1024

    @pytest.mark.parametrize("setting", ["width", "depth"])
    def test_nothing_less_than_one(self, setting: str):
        with pytest.raises(NetworkSettingsError, match="at least 1"):
            FusionNet(**{setting: 0})
