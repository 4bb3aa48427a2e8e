"""Batch-norm statistics of the stack at hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_unets.images import as_stack, compute_statistics
from napari_unets.learning.adapting import adapt_batch_norm, spread_crops
from napari_unets.networks import Network, create_network


def network(**settings) -> Network:
    torch.manual_seed(0)
    return create_network("unet", **({"width": 4, "depth": 2, "batch_norm": True, "dropout": 0.0} | settings)).eval()


def images(n: int = 3) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [rng.normal(2, 3, (1, 64, 64)).astype(np.float32) for _ in range(n)]


def test_the_first_layers_statistics_are_those_of_its_features() -> None:
    net = network()
    adapted = adapt_batch_norm(net, images())
    convolution, norm = [m for m in adapted.modules() if isinstance(m, torch.nn.Conv2d | torch.nn.BatchNorm2d)][:2]
    with torch.no_grad():
        features = [convolution(torch.from_numpy(image)[None]) for image in images()]
    means = torch.stack([f.mean((0, 2, 3)) for f in features]).mean(0)
    variances = torch.stack([f.var((0, 2, 3)) for f in features]).mean(0)
    torch.testing.assert_close(norm.running_mean, means)
    torch.testing.assert_close(norm.running_var, variances)


def test_the_parent_stays_and_the_weights_stay() -> None:
    net = network()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    adapted = adapt_batch_norm(net, images())
    assert not adapted.training
    assert {m.momentum for m in adapted.modules() if isinstance(m, torch.nn.BatchNorm2d)} == {0.1}
    for name, value in net.state_dict().items():
        assert torch.equal(value, before[name])
    for name, value in adapted.named_parameters():
        assert torch.equal(value, before[name])


def test_a_network_without_batch_norm_stays_the_same() -> None:
    net = network(batch_norm=False)
    adapted = adapt_batch_norm(net, images())
    x = torch.from_numpy(images()[0])[None]
    with torch.no_grad():
        assert torch.equal(adapted(x), net(x))


def test_it_undoes_another_brightness() -> None:
    net = adapt_batch_norm(network(), images())
    brighter = [5 + 3 * image for image in images()]
    adapted = adapt_batch_norm(net, brighter)
    with torch.no_grad():
        here, there = (n(torch.from_numpy(x)[None]) for n, x in ((net, images()[0]), (adapted, brighter[0])))
        lost = net(torch.from_numpy(brighter[0])[None])
    inner = (..., slice(16, -16), slice(16, -16))  # zero padding is no brighter
    assert (here - there)[inner].abs().max() < 0.1 * (here - lost)[inner].abs().max()


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("shape", [(9, 700, 600), (2, 30, 70), (1, 1, 1)])
def test_crops_fit_the_network_whatever_the_stack(padding: str, shape: tuple[int, int, int]) -> None:
    net = network(padding=padding)
    stack = as_stack(np.random.default_rng(0).integers(0, 255, shape, dtype=np.uint8))
    statistics = compute_statistics(stack, "zscore", luminance=False)
    crops = spread_crops(net, stack, statistics, planes=[0])
    assert 1 <= len(crops) <= 4
    for crop in crops:
        net.check_size(*crop.shape[1:])
        assert np.isfinite(crop).all()
    adapt_batch_norm(net, crops)


def test_annotated_planes_are_among_the_crops() -> None:
    stack = as_stack(np.arange(20, dtype=np.uint8)[:, None, None] * np.ones((1, 64, 64), np.uint8))
    statistics = compute_statistics(stack, "range", luminance=False)
    seen = {round(float(crop.mean()) * 255) for crop in spread_crops(network(), stack, statistics, planes=[7, 8, 9])}
    assert seen == {7, 8, 0, 6}
