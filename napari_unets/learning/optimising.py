"""Which optimiser moves the weights, and how fast at each point of a run."""

from __future__ import annotations

import math

import torch

from napari_unets.learning.settings import FitSettings
from napari_unets.networks import Network

__all__ = ["create_optimiser", "rate_at"]

#: The first steps of a warm-up are not taken with no rate at all.
_LEAST = 1e-3


def create_optimiser(network: Network, settings: FitSettings) -> torch.optim.Optimizer:
    """Make the optimiser that the settings name, over all weights that learn.

    Parameters
    ----------
    network : Network
        Whose weights it moves.
    settings : FitSettings
        ``optimiser``, ``learning_rate``, ``weight_decay`` and, for "sgd", ``momentum``.

    Returns
    -------
    Optimizer
        AdamW takes the weight decay apart from the gradient, Adam and SGD add it to the gradient, as their papers do.
    """
    weights = [p for p in network.parameters() if p.requires_grad]
    decay = settings.weight_decay
    if settings.optimiser == "sgd":
        return torch.optim.SGD(weights, settings.learning_rate, momentum=settings.momentum, weight_decay=decay)
    kind = torch.optim.Adam if settings.optimiser == "adam" else torch.optim.AdamW
    # One pass over a tensor instead of seven: half the time for a small network on a CPU.
    fused = all(weight.device.type in ("cpu", "cuda") and weight.is_floating_point() for weight in weights)
    return kind(weights, settings.learning_rate, weight_decay=decay, fused=fused)


def rate_at(done: float, settings: FitSettings) -> float:
    """Learning rate at a point of the run.

    Parameters
    ----------
    done : float
        Share of the run, 0 to 1.
    settings : FitSettings
        ``schedule``, ``warm_up`` and ``learning_rate``, which is the peak.
    """
    if done < settings.warm_up:
        return settings.learning_rate * max(done / settings.warm_up, _LEAST)
    if settings.schedule == "constant":
        return settings.learning_rate
    falling = min(1.0, (done - settings.warm_up) / (1 - settings.warm_up))
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * falling))
