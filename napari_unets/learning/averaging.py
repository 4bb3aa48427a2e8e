"""Averages of weights: over the steps of a run, and of what a run began with and what it learnt."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from itertools import compress

import torch
from torch import Tensor

from napari_unets.networks import Network

__all__ = ["mixed", "update_average"]


@torch.no_grad()
def update_average(average: Network, network: Network, decay: float, step: int) -> None:
    """Move the average towards the weights as they are now.

    Parameters
    ----------
    average, network : Network
        Of the same structure; ``average`` is changed in place.
    decay : float
        How much of the average stays; less in the first steps, so that it does not keep random weights.
    step : int
        Steps done so far, this one included.
    """
    decay = min(decay, (1 + step) / (10 + step))
    mine, theirs = list(average.state_dict().values()), list(network.state_dict().values())
    real = [tensor.is_floating_point() for tensor in mine]
    # All at once: a small network has a hundred tensors, and a call for each would be a good part of a step.
    torch._foreach_lerp_(list(compress(mine, real)), list(compress(theirs, real)), 1 - decay)
    for count, newer in zip(mine, theirs, strict=True):
        if not count.is_floating_point():
            count.copy_(newer)


@torch.no_grad()
def mixed(network: Network, weights: Mapping[str, Tensor], share: float) -> Network:
    """Return a copy of a network between its weights and others, of which it has that share.

    Between the weights before and after fine-tuning lie some that are nearly as good as the latter on what was learnt
    from, and better on the rest [1]_.

    References
    ----------
    .. [1] M. Wortsman, G. Ilharco, J. W. Kim, M. Li, S. Kornblith, R. Roelofs, R. Gontijo-Lopes, H. Hajishirzi,
       A. Farhadi, H. Namkoong, L. Schmidt: "Robust fine-tuning of zero-shot models", CVPR 2022, equation 1.
    """
    result = copy.deepcopy(network)
    for name, weight in result.state_dict().items():
        if weight.is_floating_point():
            weight.lerp_(weights[name].to(weight), share)
    return result
