"""Training steps with frozen batch-norm statistics: the normalisation is part of the convolution before it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from napari_unets.inference.folding import fold_batch_norm, foldable
from napari_unets.learning.ranks import TrainingOutputs
from napari_unets.networks import Network

__all__ = ["frozen_outputs"]


def frozen_outputs(network: Network) -> Callable[[Tensor], list[Tensor]]:
    """Return a network's training outputs, computed with the batch-norm statistics that it has.

    With constant statistics a normalisation is linear, so it goes into the weights of the convolution before it, as
    at inference; but here anew at each call, as a function of the weights of both, which therefore learn as they
    would have. What is saved is every pass over the features that normalising takes, forward and back: a quarter of
    the time of a step of a small U-Net.

    Parameters
    ----------
    network : Network
        On the device where it trains. Its weights may change between calls; its statistics must not.

    Returns
    -------
    callable
        From images ``(n, channels, h, w)`` to the outputs of ``network.training_outputs`` in training mode, but for
        the normalisations.
    """
    was_training = network.training
    pairs = foldable(network.eval())
    shell = TrainingOutputs(fold_batch_norm(network))
    network.train(was_training)
    for module in shell.train().modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):  # one that no convolution takes
            module.eval()
    for placeholder in shell.parameters():  # each call brings its own
        placeholder.data = placeholder.data.new_empty(0)
    norms = {norm for _, norm in pairs}

    def outputs(x: Tensor) -> list[Tensor]:
        weights: dict[str, Tensor] = {
            f"network.{name}": weight
            for name, weight in network.named_parameters()
            if name.rpartition(".")[0] not in norms
        }
        for convolution, norm in pairs:
            weight, bias = _folded(network.get_submodule(convolution), network.get_submodule(norm))
            weights |= {f"network.{convolution}.weight": weight, f"network.{convolution}.bias": bias}
        result: list[Tensor] = functional_call(shell, weights, (x,))
        return result

    return outputs


def _folded(convolution: Any, norm: Any) -> tuple[Tensor, Tensor]:
    scale = torch.rsqrt(norm.running_var + norm.eps)
    if norm.weight is not None:
        scale = scale * norm.weight
    shift = -norm.running_mean if convolution.bias is None else convolution.bias - norm.running_mean
    bias = shift * scale if norm.bias is None else shift * scale + norm.bias
    transposed = isinstance(convolution, nn.ConvTranspose2d)
    return convolution.weight * scale.reshape((1, -1, 1, 1) if transposed else (-1, 1, 1, 1)), bias
