"""What other processes do: a block that takes no time, and computing without anything else."""

from __future__ import annotations

from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unets.inference import InferenceSettings, Predictor, keep_freed_memory, segment
from napari_unets.models import load_model

__all__ = ["Nothing", "Part", "do_nothing", "only_compute"]


@dataclass(frozen=True)
class Nothing:
    """A job of which only the place is known."""

    output: Path


@dataclass(frozen=True)
class Part:
    """One of its blocks."""

    number: int


def do_nothing(_job: Nothing, part: Part) -> Part:
    """Return at once."""
    return part


def only_compute(model: str, settings: InferenceSettings, planes: NDArray[Any], barrier: Barrier) -> None:
    """Run a model over planes in memory, from one meeting with the other processes to the next."""
    keep_freed_memory()
    chosen = load_model(model)
    with Predictor(chosen, settings) as predictor:
        segment(chosen, planes[:1], predictor=predictor)
        barrier.wait()
        segment(chosen, planes, out=np.empty(planes.shape, np.uint8), predictor=predictor)
        barrier.wait()
