"""Batch-norm statistics of the stack at hand, before or after training."""

from __future__ import annotations

import copy
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from napari_unets.images import Stack, Statistics, prepare_plane
from napari_unets.networks import Network

__all__ = ["adapt_batch_norm", "has_batch_norm", "spread_crops"]

#: Crops that the statistics are taken from, and their side in pixels.
_CROPS, _SIDE = 4, 512

_BatchNorm = nn.modules.batchnorm._BatchNorm


def adapt_batch_norm(network: Network, images: Iterable[npt.NDArray[np.float32]]) -> Network:
    """Give a copy of a network the batch-norm statistics that it has on new images.

    A network that was trained on other microscopes' sections meets features of another mean and spread on these.
    Taking both from the images themselves needs no annotation, and one pass over a few of them. It also undoes that
    the statistics of a training are those of *augmented* patches.

    Parameters
    ----------
    network : Network
        Stays as it is.
    images : iterable of ndarray
        Normalised, ``(channels, height, width)``, at least one; each counts the same.

    Returns
    -------
    Network
        A copy in eval mode; without batch norm it is the same network.

    References
    ----------
    .. [1] Y. Li, N. Wang, J. Shi, J. Liu, X. Hou: "Revisiting Batch Normalization for Practical Domain Adaptation",
       ICLR workshop 2017.
    """
    adapted = copy.deepcopy(network).eval()
    layers = _batch_norms(adapted)
    if not layers:
        return adapted
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # the mean over all that is seen, whatever the layer's own habit
        layer.train()
    device = next(adapted.parameters()).device
    with torch.no_grad():
        for image in images:
            adapted(torch.from_numpy(np.ascontiguousarray(image))[None].to(device))
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    return adapted.eval()


def has_batch_norm(network: Network) -> bool:
    """Whether there is anything that :func:`adapt_batch_norm` would change."""
    return bool(_batch_norms(network))


def _batch_norms(network: Network) -> list[_BatchNorm]:
    return [module for module in network.modules() if isinstance(module, _BatchNorm)]


def spread_crops(
    network: Network, stack: Stack, statistics: Statistics, planes: Iterable[int] = ()
) -> list[npt.NDArray[np.float32]]:
    """Read a few crops from all over a stack, for :func:`adapt_batch_norm`.

    Parameters
    ----------
    network : Network
        What the crops are for: it says how many channels they have and which sizes it takes.
    stack : Stack
        What the network shall run on.
    statistics : Statistics
        What the stack is normalised with.
    planes : iterable of int
        Planes that are among those read, such as the annotated ones: they are worth something to their user.

    Returns
    -------
    list of ndarray
        ``(channels, height, width)`` each, float32, about 512 pixels a side. Smaller images are mirrored at their
        border to the next size that the network takes.
    """
    wanted = list(dict.fromkeys(planes))[: _CROPS // 2]
    others = np.linspace(0, stack.n_planes - 1, _CROPS).round().astype(int).tolist()
    chosen = [*wanted, *(plane for plane in dict.fromkeys(others) if plane not in wanted)][:_CROPS]
    # Two pixels at the bottom of the U: of a single one there is no spread.
    smallest = 2 * network.stride + 2 * network.margin
    crops = []
    for number, plane in enumerate(chosen):
        windows, missing = [], [(0, 0)]
        for length in stack.plane_shape:
            side = network.next_valid_size(max(min(_SIDE, length), smallest))
            first = max(0, length - side) * (2 * (number % 2) + 1) // 4  # a quarter or three quarters of the way
            windows.append(slice(first, min(first + side, length)))
            lack = max(0, side - length)
            missing.append((lack // 2, lack - lack // 2))
        image = prepare_plane(stack.plane(plane, (windows[0], windows[1])), network.in_channels, statistics)
        crops.append(np.pad(image, missing, "symmetric"))
    return crops
