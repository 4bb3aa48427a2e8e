"""What a pixel costs: floating-point operations, counted by torch as they happen and by formula from the layers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from napari_unets.networks import Network, create_network

__all__ = ["kflop_a_pixel"]

_SIDE = 512


def kflop_a_pixel(name: str, settings: dict[str, Any]) -> dict[str, float]:
    """Thousands of operations (a multiplication and an addition are two) a pixel of the result.

    Nothing is computed: the network is on torch's meta device, where tensors have shapes only.

    Parameters
    ----------
    name : str
        Of the network.
    settings : dict
        It is built with.

    Returns
    -------
    dict of str to float
        "kflop" as counted by torch while the network runs, "kflop_formula" as worked out from its layers.
    """
    with torch.device("meta"):
        network = create_network(name, **settings).eval()
        side = network.next_valid_size(_SIDE)
        image = torch.zeros(1, network.in_channels, side, side)
    pixels = (side - 2 * network.margin) ** 2
    by_layers = _Formula(network)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(image)
    return {
        "kflop": counter.get_total_flops() / pixels / 1000,
        "kflop_formula": by_layers.operations / pixels / 1000,
    }


class _Formula:
    """Twice the weights of a convolution, for each position that they are laid on, as the network runs."""

    def __init__(self, network: Network) -> None:
        self.operations = 0
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                layer.register_forward_hook(self._count)

    def _count(self, layer: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        # A convolution's kernel is laid on each pixel of its result, a transposed one's on each of its input.
        laid_on = inputs[0] if isinstance(layer, nn.ConvTranspose2d) else output
        weights = layer.weight.numel()
        self.operations += 2 * weights * laid_on.shape[0] * laid_on.shape[-2] * laid_on.shape[-1]
