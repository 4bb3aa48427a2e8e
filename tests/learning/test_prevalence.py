"""How frequent the classes are in the images, as against among what is painted."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from napari_unets.learning.prevalence import class_shares, mean_probabilities, painted_excess, share_of_first
from napari_unets.networks import create_network


@pytest.mark.parametrize("share", [0.05, 0.3, 0.9])
def test_the_share_of_a_mixture(share):
    """Whatever a network gives for either class, and however wrong, their mixture tells how much there is of each."""
    for first, second in ((1.0, 0.0), (0.7, 0.3), (0.99, 0.6)):
        assert share_of_first(share * first + (1 - share) * second, first, second) == pytest.approx(share)


def test_no_share_where_the_classes_look_alike():
    assert share_of_first(0.5, 0.55, 0.45) is None
    assert share_of_first(0.5, float("nan"), 0.1) is None
    assert share_of_first(2.0, 0.9, 0.1) == 0.98  # never all of it


def test_the_shares_of_a_mixture_of_three():
    of_classes = np.array([[0.7, 0.2, 0.1], [0.3, 0.5, 0.2], [0.1, 0.2, 0.7]])
    for shares in ([0.1, 0.3, 0.6], [0.8, 0.15, 0.05]):
        assert class_shares(np.array(shares) @ of_classes, of_classes) == pytest.approx(np.array(shares))
    none_of_the_second = class_shares(of_classes[0], of_classes)
    assert none_of_the_second == pytest.approx(np.array([1, 0.02, 0.02]) / 1.04)


def test_no_shares_where_two_of_three_look_alike():
    of_classes = np.array([[0.8, 0.1, 0.1], [0.1, 0.45, 0.45], [0.1, 0.45, 0.45]])
    assert class_shares(of_classes.mean(0), of_classes) is None
    of_classes[1] = np.nan
    assert class_shares(of_classes[0], of_classes) is None


def test_probabilities_of_more_classes_add_up():
    network = create_network("unet", in_channels=1, out_channels=3, width=2, depth=1).eval()
    crops = [np.ones((1, 8, 8), np.float32), np.zeros((1, 16, 8), np.float32)]
    means = mean_probabilities(network, crops)
    assert means.shape == (3,)
    assert means.sum() == pytest.approx(1)


def brightness(gain: float) -> nn.Module:
    """A network whose probability of class 1 depends on the pixel's brightness alone."""
    network = create_network("unet", in_channels=1, out_channels=1, width=2, depth=1)
    network.logits = lambda x: gain * x
    return network.eval()


def test_painted_excess_is_the_difference_of_log_odds():
    rng = np.random.default_rng(0)
    truth = rng.random((64, 64)) < 0.1
    crop = np.where(truth, 4, -4).astype(np.float32)[None]
    image = torch.tensor([[4.0] * 30 + [-4.0] * 30]).expand(20, 60).reshape(1, 1, 20, 60)
    annotations = torch.where(image[:, 0] > 0, 1, 2)
    annotations[:, :5] = 0
    network = brightness(1.0)
    assert mean_probabilities(network, [crop])[0] == pytest.approx(truth.mean() * 0.964 + 0.018, abs=1e-3)
    share = truth.mean()
    found = painted_excess(network, [crop], image, annotations)
    assert found == pytest.approx(0 - math.log(share / (1 - share)), abs=0.01)


def test_no_excess_where_it_cannot_be_told():
    image = torch.zeros(1, 1, 8, 8)
    crop = np.zeros((1, 8, 8), np.float32)
    both = torch.ones(1, 8, 8, dtype=torch.int64)
    both[:, 4:] = 2
    assert painted_excess(brightness(1.0), [crop], image, both) == 0  # the network sees no difference
    assert painted_excess(brightness(1.0), [crop], image, torch.ones_like(both)) == 0  # one class only
