"""The averages of weights, over steps and of two networks."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from napari_unets.learning.averaging import mixed, update_average


def network(value: float) -> nn.Module:
    net = nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1))
    with torch.no_grad():
        for weight in net.parameters():
            weight.fill_(value)
    return net


def test_it_follows_the_weights_with_a_short_memory_at_first() -> None:
    average = network(0.0)
    update_average(average, network(1.0), decay=0.9, step=1)
    assert average[0].weight.item() == pytest.approx(1 - 2 / 11)
    update_average(average, network(1.0), decay=0.1, step=1000)
    assert average[0].weight.item() == pytest.approx(1 - 0.2 / 11)


def test_counts_are_taken_over() -> None:
    average, newer = network(0.0), network(1.0)
    newer[1].num_batches_tracked.fill_(7)
    update_average(average, newer, decay=0.9, step=5)
    assert average[1].num_batches_tracked.item() == 7


def test_a_mixture_has_its_share_of_both_and_is_a_copy() -> None:
    net = network(1.0)
    before = {name: weight.clone() for name, weight in net.state_dict().items()}
    between = mixed(net, network(3.0).state_dict(), 0.25)
    assert between[0].weight.item() == pytest.approx(1.5)
    assert between[1].bias.item() == pytest.approx(1.5)
    assert between[1].num_batches_tracked.item() == before["1.num_batches_tracked"].item()
    for name, weight in net.state_dict().items():
        assert torch.equal(weight, before[name])
