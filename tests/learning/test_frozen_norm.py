"""Steps with frozen batch-norm statistics are those of a network whose normalisations are in eval mode."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from napari_unets.learning.adapting import adapt_batch_norm
from napari_unets.learning.events import StepEvent
from napari_unets.learning.fit import fit
from napari_unets.learning.frozen_norm import frozen_outputs
from napari_unets.learning.samples import AnnotatedPlane, PatchSampler
from napari_unets.learning.settings import FitSettings
from napari_unets.networks import Network, create_network

NETWORKS = {
    "unet": {"width": 4, "depth": 2, "batch_norm": True, "dropout": 0.0},
    "unet-plus-plus": {"width": 4, "depth": 2, "batch_norm": True},
    "segnet": {},
    "unet without": {"width": 4, "depth": 2, "batch_norm": False, "dropout": 0.0},
}


def network(name: str) -> Network:
    """A network whose statistics and whose normalisations' weights are not those of the start."""
    torch.manual_seed(0)
    made = create_network(name.split()[0], **NETWORKS[name])
    for module in made.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 2)
            torch.nn.init.uniform_(module.bias, -1, 1)
    side = made.next_valid_size(64)
    rng = np.random.default_rng(0)
    return adapt_batch_norm(made, [rng.normal(1, 2, (1, side, side)).astype(np.float32)])


def with_norms_in_eval_mode(net: Network):
    net.train()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eval()
    return net.training_outputs


@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_and_gradients(name: str) -> None:
    net = network(name).double()
    plain = copy.deepcopy(net)
    side = net.next_valid_size(64)
    x = torch.randn(2, 1, side, side, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    torch.manual_seed(3)
    found = frozen_outputs(net)(x)
    torch.manual_seed(3)
    wanted = with_norms_in_eval_mode(plain)(x)
    assert len(found) == len(wanted)
    for mine, theirs in zip(found, wanted, strict=True):
        torch.testing.assert_close(mine, theirs)
    torch.stack([one.square().mean() for one in found]).sum().backward()
    torch.stack([one.square().mean() for one in wanted]).sum().backward()
    for (key, mine), theirs in zip(net.named_parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad, msg=lambda m, key=key: f"{key}: {m}")


def test_the_weights_of_now_count() -> None:
    net = network("unet").double()
    outputs = frozen_outputs(net)
    x = torch.randn(1, 1, 32, 32, dtype=torch.float64)
    before = outputs(x)[0]
    with torch.no_grad():
        for weight in net.parameters():
            weight.mul_(1.5)
    after = outputs(x)[0]
    assert not torch.allclose(before, after)
    torch.testing.assert_close(after, with_norms_in_eval_mode(net)(x)[0])


def test_the_network_keeps_its_mode_and_its_statistics() -> None:
    net = network("unet").train()
    before = copy.deepcopy(net.state_dict())
    frozen_outputs(net)(torch.randn(1, 1, 32, 32))
    assert all(module.training for module in net.modules())
    for key, value in net.state_dict().items():
        assert torch.equal(value, before[key]), key


def test_dropout_stays() -> None:
    torch.manual_seed(0)
    net = create_network("unet", width=4, depth=2, batch_norm=True, dropout=0.5)
    outputs = frozen_outputs(net.eval())
    x = torch.randn(1, 1, 32, 32)
    assert not torch.equal(outputs(x)[0], outputs(x)[0])


def test_a_run_learns_all_weights_but_not_the_statistics() -> None:
    net = network("unet")
    before = copy.deepcopy(net.state_dict())
    rng = np.random.default_rng(0)
    ids = rng.integers(1, 3, (64, 64), dtype=np.uint8)
    plane = AnnotatedPlane(rng.normal(size=(1, 64, 64)).astype(np.float32), ids)
    settings = FitSettings(steps=3, batch=2, patch=32, freeze_batch_norm=True, precision="fp32", ema=0.0)
    events = list(fit(net, PatchSampler([plane], 32, settings.augment, 0), settings))
    assert sum(isinstance(event, StepEvent) for event in events) == 3
    learnt = {key for key, value in net.state_dict().items() if not torch.equal(value, before[key])}
    assert learnt == {key for key, _ in net.named_parameters()}
