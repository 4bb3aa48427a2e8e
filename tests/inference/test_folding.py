from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from napari_unets.inference.folding import fold_batch_norm
from napari_unets.networks import Network, network_names

from .shared import SMALL, randomise, small_network


def norms(module):
    return [m for m in module.modules() if isinstance(m, nn.BatchNorm2d)]


def test_every_network_is_among_the_small_ones():
    assert {name for name, _ in SMALL.values()} == set(network_names())


@pytest.mark.parametrize("name", SMALL)
def test_folded_gives_the_same_logits(name):
    network = small_network(name, 3, 2).double()
    before = copy.deepcopy(network.state_dict())
    folded = fold_batch_norm(network)
    side = network.next_valid_size(2 * network.margin + 40)
    x = torch.randn(2, 3, side, network.next_valid_size(side + 1), generator=torch.Generator().manual_seed(1)).double()
    with torch.inference_mode():
        logits = network(x)
        torch.testing.assert_close(folded(x), logits, rtol=1e-10, atol=1e-10)
        single = fold_batch_norm(network.float())(x.float())
        torch.testing.assert_close(single.sigmoid(), logits.float().sigmoid(), rtol=0, atol=1e-5)
        network.double()
    assert not norms(folded)
    after = network.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)


class Odd(Network):
    """Batch normalisations that must not be folded, and one that can be, after a convolution in groups."""

    name = "odd"
    paper = "none"

    def __init__(self):
        super().__init__(4, 4)
        self.shared = nn.Conv2d(4, 4, 3, padding=1)
        self.norm_a, self.norm_b = nn.BatchNorm2d(4), nn.BatchNorm2d(4)
        self.forked, self.norm_c = nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4)
        self.grouped_up, self.norm_d = nn.ConvTranspose2d(4, 4, 1, groups=2), nn.BatchNorm2d(4)
        self.grouped, self.norm_e = nn.Conv2d(4, 4, 3, padding=1, groups=2, bias=False), nn.BatchNorm2d(4)
        self.up, self.norm_f = nn.ConvTranspose2d(4, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4)
        self.norm_first = nn.BatchNorm2d(4)

    def input_span(self, first, last):
        return first - 9, last + 9

    def logits(self, x):
        x = self.norm_first(x)
        x = self.norm_b(self.shared(self.norm_a(self.shared(x))))
        y = self.forked(x)
        x = self.norm_c(y) + y
        x = self.norm_d(self.grouped_up(x))
        return self.norm_f(self.up(self.norm_e(self.grouped(x))))


def test_only_what_can_be_folded_is():
    network = randomise(Odd())
    network.norm_e = nn.BatchNorm2d(4, affine=False).eval()
    folded = fold_batch_norm(network)
    x = torch.randn(1, 4, 9, 9)
    with torch.inference_mode():
        torch.testing.assert_close(folded(x), network(x), rtol=1e-5, atol=1e-5)
    assert len(norms(network)) == 7
    assert len(norms(folded)) == 5


def test_training_mode_is_refused():
    with pytest.raises(ValueError, match="training mode"):
        fold_batch_norm(small_network("sf-net").train())
