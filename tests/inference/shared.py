"""Small models of every network, and predictors that do as they are told."""

from __future__ import annotations

from typing import Any

import numpy as np
from tests_support import card_of

from napari_unets.inference import InferenceSettings, Predictor, WindowMemoryError
from napari_unets.models import Model
from napari_unets.networks import Network, create_network

from ..networks.shared import randomise  # noqa: TID252 - the same random networks as there

#: Every network, with and without padding where there is a choice, of next to no width and as few levels as it can.
SMALL: dict[str, tuple[str, dict[str, Any]]] = {
    "unet": ("unet", {"width": 3, "depth": 2}),
    "unet-valid": ("unet", {"width": 2, "depth": 2, "padding": "valid"}),
    "unet-norm": ("unet", {"width": 2, "depth": 1, "batch_norm": True}),
    "unet-plus-plus": ("unet-plus-plus", {"width": 3, "depth": 2, "batch_norm": True}),
    "fusionnet": ("fusionnet", {"width": 2, "depth": 1}),
    "sf-net": ("sf-net", {"width": 4, "narrow": 2, "depth": 1}),
    "modular-cascade": ("modular-cascade", {"modules": ["otsu", "canny"], "width": 2, "depth": 1}),
    "segnet": ("segnet", {"widths": [3, 4], "convolutions": [2, 3]}),
    "fcn-8s": ("fcn-8s", {"widths": [1, 1, 2, 2, 2], "hidden": 2, "batch_norm": True}),
    "sliding-window": ("sliding-window", {"width": 3, "hidden": 4, "kernels": [4, 5]}),
    "sliding-window-valid": ("sliding-window", {"width": 3, "hidden": 4, "kernels": [4, 5], "padding": "valid"}),
}

#: Strict arithmetic, for comparing to the last digits.
STRICT = InferenceSettings(device="cpu", backend="torch", precision="fp32")


def small_network(name: str, in_channels: int = 1, out_channels: int = 1) -> Network:
    network, settings = SMALL[name]
    return randomise(create_network(network, in_channels, out_channels, **settings))


def model_of(network: Network, **card: Any) -> Model:
    """A model in memory, with a card that says what a card must."""
    return Model(card_of(network, **{"name": "small", **card}), network=network)


def small_model(name: str = "sf-net", in_channels: int = 1, out_channels: int = 1, **card: Any) -> Model:
    return model_of(small_network(name, in_channels, out_channels), **card)


def image(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


class Limited(Predictor):
    """Runs out of memory above a number of pixels in a call."""

    def __init__(self, model: Model, settings: InferenceSettings | None = None, *, pixels: int) -> None:
        super().__init__(model, settings or STRICT)
        self.pixels = pixels
        self.shapes: list[tuple[int, ...]] = []

    def __call__(self, batch):
        self.shapes.append(batch.shape)
        if batch.shape[0] * batch.shape[2] * batch.shape[3] > self.pixels:
            raise WindowMemoryError("that is too much")
        return super().__call__(batch)
