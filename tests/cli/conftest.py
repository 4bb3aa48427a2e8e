"""Running the program inside the tests' process."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from tests_support import card_of

from napari_unets.cli import main
from napari_unets.models import save_model
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
        terminate = signal.getsignal(signal.SIGTERM)
        try:
            with pytest.raises(SystemExit) as end:
                main([str(argument) for argument in arguments])
        finally:
            signal.signal(signal.SIGTERM, terminate)
        return Result(end.value.code or 0, *capsys.readouterr())

    return run


@pytest.fixture
def save_own_model(tmp_path):
    """Puts a very small model of a name and a number of classes into the user's store."""

    def save(name: str, classes: int = 2) -> Path:
        torch.manual_seed(0)
        network = create_network("sf-net", out_channels=1 if classes == 2 else classes, width=4, narrow=4, depth=1)
        names = ("membrane", "cell", "nucleus")[:classes]
        card = card_of(
            network,
            name=name,
            title="Mine",
            summary="Finds what I painted.",
            classes=[{"id": i, "name": name, "color": f"#{i}00000"} for i, name in enumerate(names, 1)],
            scores=[{"data": "my held-out slice", "values": {"v_rand": 0.9}}],
        )
        return save_model(network, card, tmp_path / "user-models" / name)

    return save


@pytest.fixture
def own_model(save_own_model):
    """Folder of a very small model, ``mine``, in the user's store."""
    return save_own_model("mine")
