"""Inputs, a model and ears for the tests of batches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from tests_support import card_of

from napari_unets.images import save_stack
from napari_unets.inference.settings import InferenceSettings
from napari_unets.jobs.batch.events import BatchItem, BatchJob, BatchLog
from napari_unets.jobs.outputs.settings import OutputSettings
from napari_unets.models import ClassInfo, save_model
from napari_unets.networks import create_network

SETTINGS = InferenceSettings(device="cpu", backend="torch", precision="fp32")


def save_tiny(folder: Path, seed: int = 0, **card) -> Path:
    """Save a very small model of two classes; another seed is another model."""
    torch.manual_seed(seed)
    network = create_network("sf-net", width=4, narrow=4, depth=1)
    classes = [ClassInfo(id=i, name=name, color="#ff0000") for i, name in enumerate(("membrane", "cell"), 1)]
    save_model(network, card_of(network, **{"name": folder.name, "classes": classes, **card}), folder)
    return folder


def save_image(path: Path, seed: int = 0, shape: tuple[int, ...] = (2, 40, 48)) -> str:
    """Save noise as a stack; returns the path as a batch takes it."""
    values = np.random.default_rng(seed).integers(0, 255, shape, dtype=np.uint8)
    save_stack(path, values, axes="zyx", overwrite=True)
    return str(path)


def batch(model: Path, out: Path, *sources: str, existing="refuse", settings=SETTINGS, **output) -> BatchJob:
    """Make a batch of TIFFs."""
    items = tuple(BatchItem((source,), out / f"{Path(source).stem}.tif") for source in sources)
    return BatchJob(model, items, OutputSettings(**output), settings, existing)


class Heard(BatchLog):
    """A log that keeps the events, too."""

    def __init__(self) -> None:
        super().__init__()
        self.events = []

    def __call__(self, event) -> None:
        self.events.append(event)
        self.take(event)

    @property
    def statuses(self) -> list[str]:
        return [row.status for row in self.rows]
