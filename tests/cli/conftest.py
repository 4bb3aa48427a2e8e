"""Running the program inside the tests' process."""

from __future__ import annotations

from typing import NamedTuple

import pytest
import torch

from napari_unets.cli import main
from napari_unets.models import ModelCard, save_model
from napari_unets.networks import create_network


class Result(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def program(capsys, monkeypatch, tmp_path):
    """Runs ``napari-unets`` with arguments and returns its exit code and what it printed."""
    monkeypatch.setenv("NAPARI_UNETS_MODELS", str(tmp_path / "user-models"))

    def run(*arguments: object) -> Result:
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main([str(argument) for argument in arguments])
        return Result(end.value.code or 0, *capsys.readouterr())

    return run


@pytest.fixture
def own_model(tmp_path):
    """Folder of a very small model, ``mine``, in the user's store."""
    torch.manual_seed(0)
    network = create_network("sf-net", width=4, narrow=4, depth=1)
    card = ModelCard(
        name="mine",
        title="Mine",
        summary="Finds what I painted.",
        network=network.name,
        network_config=network.config,
        classes=[{"id": 1, "name": "membrane", "color": "#ff0000"}, {"id": 2, "name": "cell", "color": "#00ff00"}],
        halo=8,
        weights_sha256="0" * 64,
        licence="CC0-1.0",
        scores=[{"data": "my held-out slice", "values": {"v_rand": 0.9}}],
    )
    return save_model(network, card, tmp_path / "user-models" / "mine")
