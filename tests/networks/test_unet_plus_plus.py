from __future__ import annotations

from typing import ClassVar

import pytest
import torch

from napari_unets.networks import NetworkSettingsError, UNetPlusPlus

from .shared import NetworkTests, randomise


class TestUNetPlusPlus(NetworkTests):
    name = "unet-plus-plus"
    small: ClassVar = {"width": 3, "depth": 2}
    deep: ClassVar = {"width": 1}
    radius = 107
    counts: ClassVar = {(1, 1): 9_041_700}

    def test_the_papers_count_is_without_deep_supervision(self):
        with torch.device("meta"):
            assert UNetPlusPlus(deep_supervision=False).n_parameters == 9_041_601

    def test_every_node_of_the_nest(self):
        # Figure 1a of the paper: fifteen nodes, and ten ways up.
        net = UNetPlusPlus(width=1)
        assert sorted(net.nodes) == [f"{i}_{j}" for i in range(5) for j in range(5 - i)]
        assert sorted(net.ups) == [f"{i}_{j}" for i in range(4) for j in range(1, 5 - i)]
        # X^{1,2} sees X^{1,0}, X^{1,1} and the node below, each of level 1's width after its up-convolution.
        assert net.nodes["1_2"][0][0].in_channels == 3 * 2

    def test_deep_supervision_has_an_output_a_column(self):
        assert len(UNetPlusPlus(width=1, depth=3).training_outputs(torch.zeros(1, 1, 8, 8))) == 3
        assert (
            len(UNetPlusPlus(width=1, depth=3, deep_supervision=False).training_outputs(torch.zeros(1, 1, 8, 8))) == 1
        )

    @pytest.mark.parametrize("level", [1, 2, 3])
    def test_pruned_gives_what_its_column_gave(self, level: int):
        net = randomise(UNetPlusPlus(2, 3, width=2, depth=3, batch_norm=True))
        x = torch.randn(1, 2, 16, 24)
        small = net.pruned(level)
        with torch.no_grad():
            torch.testing.assert_close(small(x), net.training_outputs(x)[level - 1], rtol=0, atol=1e-6)
        assert small.stride == 2**level
        assert not small.training
        assert small.config == {**net.config, "depth": level}

    def test_pruning_copies_and_shrinks(self):
        net = UNetPlusPlus(width=2, depth=3).double()
        sizes = [net.pruned(level).n_parameters for level in (1, 2, 3)]
        assert sizes == sorted(set(sizes))
        assert sizes[-1] == net.n_parameters
        small = net.pruned(1)
        assert next(small.parameters()).dtype == torch.float64
        assert small.training
        with torch.no_grad():
            next(small.parameters()).zero_()
        assert next(net.parameters()).abs().sum() > 0

    @pytest.mark.parametrize("level", [0, 4])
    def test_pruning_to_no_level(self, level: int):
        with pytest.raises(NetworkSettingsError, match="levels 1 to 3"):
            UNetPlusPlus(width=1, depth=3).pruned(level)

    def test_pruning_needs_deep_supervision(self):
        with pytest.raises(NetworkSettingsError, match="deep_supervision"):
            UNetPlusPlus(width=1, depth=3, deep_supervision=False).pruned(2)

    def test_nothing_less_than_one(self):
        with pytest.raises(NetworkSettingsError, match="at least 1"):
            UNetPlusPlus(depth=0)


class TestAveragingUNetPlusPlus(NetworkTests):
    """The paper's accurate mode."""

    name = "unet-plus-plus"
    variant: ClassVar = {"average": True}
    small: ClassVar = {"width": 2, "depth": 2, "batch_norm": True}
    deep: ClassVar = {"width": 1}
    radius = 107
    counts: ClassVar = {(1, 1): 9_041_700}

    def test_training_outputs_end_with_the_result(self):
        # Here the result is none of them but their mean.
        outputs = self.network(1, 2).training_outputs(self.image())
        torch.testing.assert_close(sum(outputs) / len(outputs), self.network(1, 2)(self.image()))

    def test_needs_deep_supervision(self):
        with pytest.raises(NetworkSettingsError, match="deep_supervision"):
            UNetPlusPlus(average=True, deep_supervision=False)
