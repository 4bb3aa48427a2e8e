"""The running average of the weights, and the share in it of those that a run began with."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from napari_unets.learning.averaging import update_average


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


def test_the_start_has_its_share_in_the_average_at_every_step() -> None:
    torch.manual_seed(0)
    start = network(2.0)
    weights = {name: weight.clone() for name, weight in start.state_dict().items()}
    plain, anchored = copy.deepcopy(start), copy.deepcopy(start)
    for step in range(1, 20):
        newer = network(float(torch.randn(())))
        update_average(plain, newer, 0.8, step)
        update_average(anchored, newer, 0.8, step, weights, 0.25)
        for name, value in anchored.named_parameters():
            expected = 0.25 * weights[name] + 0.75 * plain.get_parameter(name)
            torch.testing.assert_close(value, expected)
