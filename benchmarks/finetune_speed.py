"""What a step of fine-tuning costs: ours, with its defaults, beside the loop of a tutorial, in turn."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch

from napari_unets.learning import tuning_settings
from napari_unets.learning.augment import AugmentSettings
from napari_unets.learning.fit import fit
from napari_unets.learning.samples import AnnotatedPlane, PatchSampler
from napari_unets.networks import create_network

__all__ = ["step_speed"]


class _Fixed:
    """The same batch again and again: what is timed is the step."""

    def __init__(self, images: torch.Tensor, classes: torch.Tensor) -> None:
        self.generator = torch.Generator()
        self._batch = images, classes

    def draw(self, _n: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self._batch


def step_speed(
    network: str, settings: dict[str, Any], *, batch: int = 8, patch: int = 128, rounds: int = 12
) -> dict[str, float]:
    """Seconds a step of both loops, the median of rounds that alternate, and their ratio."""
    plane = torch.rand(1, 2 * patch, 2 * patch).numpy()
    ids = (plane[0] > 0.5).astype("uint8") + 1
    sampler = PatchSampler([AnnotatedPlane(plane, ids)], patch, AugmentSettings(), 0)
    images, classes = sampler.draw(batch)
    ways = {
        "ours": _ours(network, settings, images, classes, rounds),
        "eager fp32": _eager(network, settings, images, classes),
    }
    times: dict[str, list[float]] = {way: [] for way in ways}
    for round_ in range(rounds):
        for way, step in ways.items():
            start = time.perf_counter()
            step()
            if round_ >= 2:  # the first ones prepare kernels and memory
                times[way].append(time.perf_counter() - start)
    found = {way: statistics.median(seconds) for way, seconds in times.items()}
    return {**found, "ratio": found["eager fp32"] / found["ours"]}


def _ours(
    network: str, settings: dict[str, Any], images: torch.Tensor, classes: torch.Tensor, rounds: int
) -> Callable[[], Any]:
    batch, _, patch, _ = images.shape
    run = fit(
        create_network(network, **settings),
        _Fixed(images, classes),
        tuning_settings(steps=rounds + 1, batch=batch, patch=patch),
    )
    return lambda: next(run)


def _eager(network: str, settings: dict[str, Any], images: torch.Tensor, classes: torch.Tensor) -> Callable[[], Any]:
    net = create_network(network, **settings).train()
    optimiser = torch.optim.AdamW(net.parameters())
    target = (classes == 1).float()[:, None]

    def step() -> None:
        optimiser.zero_grad()
        torch.nn.functional.binary_cross_entropy_with_logits(net(images), target).backward()
        optimiser.step()

    return step
