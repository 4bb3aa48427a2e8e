"""What several test files need."""

from __future__ import annotations

import torch

from napari_unets.models import ClassInfo, Model, ModelCard
from napari_unets.networks import create_network

__all__ = ["tiny_model"]


def tiny_model(**settings) -> Model:
    """Make a two-class EM model with random weights that runs in a blink."""
    torch.manual_seed(0)
    network = create_network("sf-net", **({"width": 8, "narrow": 8, "depth": 2} | settings))
    card = ModelCard(
        name="tiny",
        title="Tiny",
        summary="For tests",
        task="em",
        network="sf-net",
        network_config=network.config,
        classes=[ClassInfo(id=1, name="membrane", color="#ff0000"), ClassInfo(id=2, name="cell", color="#00ff00")],
        halo=16,
        weights_sha256="0" * 64,
        licence="BSD-3-Clause",
    )
    return Model(card, network=network)
