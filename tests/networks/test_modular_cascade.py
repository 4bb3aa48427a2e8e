from __future__ import annotations

import itertools
from typing import ClassVar

import pytest
import torch

from napari_unets.networks import ModularCascade, NetworkSettingsError, SFNet, UNet, create_network

from .shared import NetworkTests, make_positive, randomise

TINY = {"width": 2, "depth": 1}


class TestModularCascade(NetworkTests):
    name = "modular-cascade"
    small: ClassVar = {
        "modules": ["otsu", {"task": "canny", "network": "sf-net", "width": 3, "narrow": 2, "depth": 1}, "otsu"],
        "width": 2,
        "depth": 2,
    }
    deep: ClassVar = {"modules": ["dilation", "otsu", "dilation", "otsu", "canny"], "width": 1}
    radius = 491
    counts: ClassVar = {(1, 1): 2_454_415}

    def test_the_receptive_field_is_no_larger_than_needed(self, monkeypatch: pytest.MonkeyPatch):
        # The squeeze to 0 … 1 reaches no farther than its pixel, but it would hide how much is squeezed.
        monkeypatch.setattr(ModularCascade, "image_of", staticmethod(lambda logits: logits))
        super().test_the_receptive_field_is_no_larger_than_needed()

    def test_five_modules_fit_in_ten_megabytes(self):
        with torch.device("meta"):
            assert 4 * ModularCascade().n_parameters < 10e6

    def test_any_order_any_subset_any_count(self):
        tasks = ["otsu", "erosion", "canny"]
        for count in (1, 2, 3):
            for chosen in itertools.permutations(tasks, count):
                net = ModularCascade(modules=chosen, **TINY)
                assert net.tasks == list(chosen)
                assert len(net.glue) == count - 1
        assert ModularCascade(modules=["otsu"] * 7, **TINY).tasks == ["otsu"] * 7

    def test_a_module_is_the_network_it_is_alone(self):
        trained = randomise(create_network("unet", 1, 1, width=2, depth=1, batch_norm=True))
        net = ModularCascade(modules=["otsu", "canny"], **TINY).eval()
        net.load_module(1, trained.state_dict())
        x = torch.randn(1, 1, 8, 8)
        with torch.no_grad():
            torch.testing.assert_close(net.modules_in_order[1](x), trained(x), rtol=0, atol=0)

    def test_modules_begin_as_they_were_alone(self):
        # Fresh glue must change nothing: the second module's features are those of its running on the first's image.
        net = randomise(ModularCascade(modules=["otsu", "canny"], **TINY))
        for link in net.glue.parameters():
            torch.nn.init.zeros_(link)
        x = torch.randn(1, 1, 8, 8)
        first, second = net.modules_in_order
        with torch.no_grad():
            image = first(x).sigmoid()
            features = second.decoder_features(image)[0]
            result = second(image).sigmoid()
            torch.testing.assert_close(net(x), net.head(torch.cat([features, result], dim=1)))

    def test_fresh_glue_is_zero(self):
        assert all(not link.any() for link in ModularCascade(**TINY).glue.parameters())

    def test_glue_joins_each_scale_of_every_pair(self):
        net = ModularCascade(modules=["otsu", {"task": "small", "width": 3, "depth": 1}, "canny"], width=2, depth=2)
        shapes = [[tuple(link.weight.shape[:2]) for link in pair.links] for pair in net.glue]
        assert shapes == [[(3, 2)], [(2, 3)]]

    def test_glue_carries_what_the_images_do_not(self):
        # With the first module's head cut, only the glue can tell the second of the image.
        def difference(skips: bool) -> float:
            net = make_positive(ModularCascade(modules=["otsu", "canny"], skips=skips, **TINY).double(), growing=False)
            torch.nn.init.zeros_(net.modules_in_order[0].head.weight)
            with torch.no_grad():
                x = torch.rand(1, 1, 8, 8, dtype=torch.float64)
                return (net(x) - net(torch.zeros_like(x))).abs().max().item()

        assert difference(skips=True) > 0
        assert difference(skips=False) == 0

    def test_without_skips_the_rest_is_the_same(self):
        with_skips, without = ModularCascade(**TINY), ModularCascade(skips=False, **TINY)
        assert len(without.glue) == 0
        assert set(without.state_dict()) == {key for key in with_skips.state_dict() if not key.startswith("glue.")}

    def test_the_head_takes_the_features_of_all_modules(self):
        net = randomise(ModularCascade(modules=["otsu", "canny"], head="all", skips=False, **TINY))
        x = torch.randn(1, 1, 8, 8)
        first, second = net.modules_in_order
        with torch.no_grad():
            before = first.decoder_features(x)[0]
            image = first.head(before).sigmoid()
            after = second.decoder_features(image)[0]
            result = second.head(after).sigmoid()
            torch.testing.assert_close(net(x), net.head(torch.cat([before, after, result], dim=1)))
        assert ModularCascade(**net.config).head.weight.shape == net.head.weight.shape == (1, 2 + 2 + 1, 1, 1)

    def test_modules_of_residual_blocks(self):
        net = ModularCascade(modules=["otsu", "canny"], network="fusionnet", **TINY)
        assert [module.name for module in net.modules_in_order] == ["fusionnet", "fusionnet"]
        assert ModularCascade(**net.config).config == net.config

    def test_colour_and_grey_modules_in_one_cascade(self):
        grey = {"task": "canny", "in_channels": 1, **TINY}
        colour = {"task": "otsu", "in_channels": 3, "out_channels": 3, **TINY}
        for modules in itertools.permutations([grey, colour, "dilation"]):
            net = ModularCascade(3, 2, modules=modules, **TINY).eval()
            assert net(torch.zeros(1, 3, 8, 8)).shape == (1, 2, 8, 8)

    @pytest.mark.parametrize(
        ("modules", "complaint"),
        [
            ([], "at least one module"),
            ([{"task": "edges", "network": "segnet"}], "module 'edges' is not a padded U-shaped network"),
            ([{"task": "edges", "padding": "valid"}], "module 'edges' is not a padded U-shaped network"),
            ([{"widht": 3}], "no setting widht"),
            ([{"task": "two", "in_channels": 2}], "takes 2 channels, but the cascade's image has 3"),
            (
                [{"task": "a", "out_channels": 2}, {"task": "b", "in_channels": 3}],
                "module 'b' takes 3 channels, but what module 'a' makes has 2",
            ),
        ],
    )
    def test_modules_that_cannot_be(self, modules: list[object], complaint: str):
        with pytest.raises(NetworkSettingsError, match=complaint):
            ModularCascade(3, modules=modules)

    def test_a_head_that_cannot_be(self):
        with pytest.raises(NetworkSettingsError, match="head is 'last' or 'all', not 'both'"):
            ModularCascade(head="both")

    def test_weights_of_another_network(self):
        net = ModularCascade(modules=["otsu"], **TINY)
        with pytest.raises(NetworkSettingsError, match=r"do not fit module 0 \(otsu\)"):
            net.load_module(0, UNet(width=3, depth=1, batch_norm=True).state_dict())
        with pytest.raises(NetworkSettingsError, match=r"do not fit module 0 \(otsu\)"):
            net.load_module(0, SFNet(width=2, narrow=2, depth=1).state_dict())

    def test_no_such_module(self):
        with pytest.raises(NetworkSettingsError, match="modules 0 to 0, not 1"):
            ModularCascade(modules=["otsu"], **TINY).load_module(1, {})
