"""What several test files need."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from napari_unets.cli import main
from napari_unets.models import UNSAVED, ClassInfo, Model, ModelCard
from napari_unets.networks import Network, create_network

__all__ = ["card_of", "run_program", "tiny_model"]


def card_of(network: Network, **fields: Any) -> ModelCard:
    """Make a network's card, with what a card must say and what is given."""
    n_classes = max(2, network.out_channels)
    needed = {
        "name": "tiny",
        "title": "Tiny",
        "summary": "For tests",
        "network": network.name,
        "network_config": network.config,
        "classes": [ClassInfo(id=i, name=f"class {i}", color=f"#{i}02030") for i in range(1, n_classes + 1)],
        "halo": 8,
        "weights_sha256": UNSAVED,
        "licence": "CC0-1.0",
    }
    return ModelCard(**{**needed, **fields})


def tiny_model(**settings) -> Model:
    """Make a two-class EM model with random weights that runs in a blink."""
    torch.manual_seed(0)
    network = create_network("sf-net", **({"width": 8, "narrow": 8, "depth": 2} | settings))
    classes = [ClassInfo(id=1, name="membrane", color="#ff0000"), ClassInfo(id=2, name="cell", color="#00ff00")]
    return Model(card_of(network, task="em", classes=classes, halo=16), network=network)


def run_program(command: Sequence[str] | str, folder: Path, environment: dict[str, str], printed: Path) -> None:
    """Run ``napari-unets`` with arguments, or code, in a process made for it; what is printed goes to a file."""
    target = os.open(printed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(target, stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    if isinstance(command, str):
        exec(compile(command, "<code>", "exec"), {"__name__": "__main__"})
    else:
        main(command)
