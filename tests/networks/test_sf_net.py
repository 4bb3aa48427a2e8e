from __future__ import annotations

from typing import ClassVar

import pytest

from napari_unets.networks import NetworkSettingsError, SFNet

from .shared import NetworkTests


class TestSFNet(NetworkTests):
    name = "sf-net"
    small: ClassVar = {"width": 4, "narrow": 2, "depth": 2}
    deep: ClassVar = {"width": 1, "narrow": 1}
    radius = 245
    counts: ClassVar = {(1, 1): 1_590_305}

    def test_weights_keep_their_names(self):
        # Trained weights are stored under these names: renaming a module would orphan every model.
        keys = list(SFNet(width=2, narrow=2, depth=1).state_dict())
        stages = {key.rsplit(".", 1)[0] for key in keys}
        parts = [f"{unit}.{layer}" for unit in ("0", "1.body.0", "1.body.1", "1.body.2", "2", "3") for layer in (0, 1)]
        expected = {f"{stage}.{part}" for stage in ("down.0", "bridge", "merge.0") for part in parts}
        assert stages == expected | {"up.0.0", "up.0.1", "head"}

    @pytest.mark.parametrize("setting", ["width", "narrow", "depth"])
    def test_nothing_less_than_one(self, setting: str):
        with pytest.raises(NetworkSettingsError, match="at least 1"):
            SFNet(**{setting: 0})
