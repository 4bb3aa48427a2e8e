"""Learn the membranes of ISBI 2012 for so many seconds, and be scored on the sections that were held out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unets.images import Stack, Statistics, compute_statistics, open_stack, prepare_plane
from napari_unets.inference import InferenceSettings, Predictor, choose_device, iter_tiles
from napari_unets.learning import AnnotatedPlane, FitSettings, PatchSampler, StoppedEvent
from napari_unets.learning.fit import fit
from napari_unets.metrics import evaluate
from napari_unets.models import ClassInfo, Model, ModelCard
from napari_unets.networks import Network

__all__ = ["Sections", "Trained", "clock_of", "train"]


def clock_of(device: str) -> Callable[[], float]:
    """Seconds of computing on a CPU, which others may use as well; of the wall clock on a GPU."""
    return time.process_time if choose_device(device).name == "cpu" else time.monotonic


@dataclass(frozen=True)
class Trained:
    """What a run came to."""

    steps: int
    seconds: float


@dataclass
class Sections:
    """The sections, their normalisation, and their true classes: 1 = membrane, 2 = cell."""

    stack: Stack
    truth: npt.NDArray[np.uint8]
    statistics: Statistics

    @classmethod
    def read(cls, folder: Path) -> Sections:
        """Read ``image/`` and ``label/`` of a folder."""
        stack = open_stack(folder / "image")
        with open_stack(folder / "label") as labels:
            truth = np.where(np.asarray(labels) == 0, 1, 2).astype(np.uint8)
        return cls(stack, truth, compute_statistics(stack, "zscore"))

    def plane(self, number: int, annotations: npt.NDArray[np.uint8] | None = None) -> AnnotatedPlane:
        """Give a section to learn from, with all of its truth unless told."""
        image = prepare_plane(self.stack.plane(number), 1, self.statistics)
        return AnnotatedPlane(image, self.truth[number] if annotations is None else annotations)

    def predict(self, network: Network, device: str, planes: tuple[int, ...]) -> tuple[npt.NDArray[np.float32], float]:
        """Probability of membrane on some sections, and how many pixels a second of :func:`clock_of` that took."""
        model = Model(_card(network), network=network)
        membrane = np.zeros((len(planes), *self.stack.plane_shape), np.float32)
        clock = clock_of(device)
        with Predictor(model, InferenceSettings(device=device)) as predictor:
            run = {"statistics": self.statistics, "predictor": predictor}
            list(iter_tiles(model, self.stack, planes=list(planes[:1]), **run))  # what is paid once
            start = clock()
            for tile in iter_tiles(model, self.stack, planes=list(planes), **run):
                membrane[planes.index(tile.plane), tile.y, tile.x] = tile.probabilities
            seconds = clock() - start
        return membrane, membrane.size / seconds

    def scores(self, membrane: npt.NDArray[np.float32], planes: tuple[int, ...]) -> dict[str, float]:
        """V_rand at its best threshold, and Dice of the cells at 0.5."""
        cells = np.where(self.truth[list(planes)] == 2, 255, 0).astype(np.uint8)
        chosen = np.where(membrane > 0.5, 1, 2).astype(np.uint8)
        return {
            "v_rand": float(evaluate(1 - membrane, cells, metrics=["v_rand"])["v_rand"]),
            "dice": float(evaluate(chosen, cells, metrics=["dice"])["dice"]),
        }


def train(
    network: Network, planes: list[AnnotatedPlane], settings: Mapping[str, Any], seconds: float, seed: int, device: str
) -> Trained:
    """Train a network in place for so many seconds of :func:`clock_of`; it ends with the average of its weights."""
    chosen = FitSettings.model_validate({**settings, "minutes": seconds / 60, "seed": seed})
    sampler = PatchSampler(planes, chosen.patch, chosen.augment, seed)
    where = choose_device(device).name
    *_, stopped = fit(network, sampler, chosen, device=where, clock=clock_of(device))
    assert isinstance(stopped, StoppedEvent)
    return Trained(stopped.step, stopped.seconds)


def _card(network: Network) -> ModelCard:
    return ModelCard(
        name="benchmark",
        title="Benchmark",
        summary="For the benchmark",
        network=network.name,
        network_config=network.config,
        classes=[ClassInfo(id=1, name="membrane", color="#d1495b"), ClassInfo(id=2, name="cell", color="#3a86c8")],
        weights_sha256="0" * 64,
        task="em",
        licence="BSD-3-Clause",
        halo=64,
    )
