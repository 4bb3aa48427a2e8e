"""What several test files need."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import torch

from napari_unets.cli import main
from napari_unets.models import ClassInfo, Model, ModelCard
from napari_unets.networks import create_network

__all__ = ["run_program", "tiny_model"]


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


def run_program(arguments: Sequence[str], folder: Path, environment: dict[str, str], printed: Path) -> None:
    """Run ``napari-unets`` in a folder, in a process that was made for it; what it prints goes to a file."""
    target = os.open(printed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(target, stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    main(arguments)
