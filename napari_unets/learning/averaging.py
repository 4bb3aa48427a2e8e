"""The running average of a run's weights: what is shown, validated and kept."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import compress

import torch
from torch import Tensor, nn

__all__ = ["update_average"]


@torch.no_grad()
def update_average(
    average: nn.Module,
    network: nn.Module,
    decay: float,
    step: int,
    start_weights: Mapping[str, Tensor] | None = None,
    start_share: float = 0.0,
) -> None:
    """Move the average towards the weights as they are now.

    Parameters
    ----------
    average, network : Module
        Of the same structure; ``average`` is changed in place.
    decay : float
        How much of the average stays; less in the first steps, so that it does not keep random weights.
    step : int
        Steps done so far, this one included.
    start_weights : mapping of str to Tensor, optional
        The weights that the average began with.
    start_share : float
        Their share in what is averaged. Weights between those before and those after fine-tuning are nearly as good
        as the latter on what was learnt from, and better on the rest [1]_.

    References
    ----------
    .. [1] M. Wortsman, G. Ilharco, J. W. Kim, M. Li, S. Kornblith, R. Roelofs, R. Gontijo-Lopes, H. Hajishirzi,
       A. Farhadi, H. Namkoong, L. Schmidt: "Robust fine-tuning of zero-shot models", CVPR 2022, equation 1.
    """
    decay = min(decay, (1 + step) / (10 + step))
    weights = network.state_dict()
    mine, theirs = list(average.state_dict().values()), list(weights.values())
    real = [tensor.is_floating_point() for tensor in mine]
    targets = list(compress(theirs, real))
    if start_weights and start_share:
        began = list(compress((start_weights[name] for name in weights), real))
        targets = list(torch._foreach_lerp(targets, began, start_share))
    # All at once: a small network has a hundred tensors, and a call for each would be a good part of a step.
    torch._foreach_lerp_(list(compress(mine, real)), targets, 1 - decay)
    for count, newer in zip(mine, theirs, strict=True):
        if not count.is_floating_point():
            count.copy_(newer)
