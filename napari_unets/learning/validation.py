"""Scores on planes that training never sees."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from napari_unets.images import Stack, Statistics
from napari_unets.inference import InferenceSettings, Predictor, iter_tiles
from napari_unets.metrics import evaluate
from napari_unets.models import Model, ModelCard
from napari_unets.networks import Network

__all__ = ["HeldOutPlanes"]

_SMALLEST = 1e-6


class HeldOutPlanes:
    """Annotated planes kept aside; calling it with a network gives the network's scores on them.

    Parameters
    ----------
    card : ModelCard
        Of the model in the making: classes, normalisation, threshold, halo.
    stack : Stack
        Holds the planes.
    annotations : dict of int to ndarray
        Class ids ``(y, x)`` of each held-out plane; 0 = not annotated, and left out of every score.
    statistics : Statistics
        Those that training normalises the stack with.
    settings : InferenceSettings
        How to run the network.

    Notes
    -----
    Scores: ``dice`` (the mean over the classes), ``cross_entropy``, and, for two-class EM planes that are
    annotated as a whole, ``v_rand`` at its best threshold.
    """

    def __init__(
        self,
        card: ModelCard,
        stack: Stack,
        annotations: dict[int, npt.NDArray[np.uint8]],
        statistics: Statistics,
        settings: InferenceSettings,
    ) -> None:
        self._card = card
        self._stack = stack
        self._annotations = annotations
        self._statistics = statistics
        self._settings = settings

    def __call__(self, network: Network) -> dict[str, float]:
        """Score a network in eval mode; higher is better but for ``cross_entropy``."""
        probabilities = self._predict(network)
        truth = np.stack(list(self._annotations.values()))
        known = truth > 0
        ids = range(1, len(self._card.classes) + 1)
        chosen = _segmentation(probabilities, self._card.threshold)
        scores = {
            "dice": float(np.nanmean([_dice(chosen[known] == c, truth[known] == c) for c in ids])),
            "cross_entropy": _cross_entropy(probabilities, truth),
        }
        if self._card.task == "em" and len(probabilities) == 2 and known.all():
            cells = np.where(truth == 2, 255, 0).astype(np.uint8)
            scores["v_rand"] = float(evaluate(probabilities[1], cells, metrics=["v_rand"])["v_rand"])
        return scores

    def dice_at(self, network: Network, thresholds: Sequence[float]) -> npt.NDArray[np.float64]:
        """Dice (mean over both classes) of a two-class network at each threshold of class 1's probability."""
        probabilities, ids = self.annotated(network)
        p, first = probabilities[0], ids == 1
        return np.array([np.nanmean([_dice(p > t, first), _dice(p <= t, ~first)]) for t in thresholds])

    def annotated(self, network: Network) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
        """Probabilities ``(classes, pixels)`` of the annotated pixels, and their class ids ``(pixels,)``."""
        truth = np.stack(list(self._annotations.values()))
        return self._predict(network)[:, truth > 0], truth[truth > 0]

    def _predict(self, network: Network) -> npt.NDArray[np.float32]:
        """Probabilities ``(classes, planes, y, x)``; 0 outside of what is annotated."""
        shape = (network.out_channels, len(self._annotations), *self._stack.plane_shape)
        result = np.zeros(shape, np.float32)
        model = Model(self._card, network=network)
        with Predictor(model, self._settings) as predictor:
            for index, (number, ids) in enumerate(self._annotations.items()):
                if not ids.any():
                    continue
                for event in iter_tiles(
                    model,
                    self._stack,
                    planes=[number],
                    window=_around(ids),
                    predictor=predictor,
                    statistics=self._statistics,
                ):
                    result[:, index, event.y, event.x] = event.probabilities
        return np.concatenate([result, 1 - result]) if network.out_channels == 1 else result


def _around(annotations: npt.NDArray[np.uint8]) -> tuple[slice, slice]:
    """Smallest region of a plane that holds all annotations."""
    rows, columns = (np.flatnonzero(annotations.any(axis)) for axis in (1, 0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _segmentation(probabilities: npt.NDArray[np.float32], threshold: float) -> npt.NDArray[np.uint8]:
    if len(probabilities) == 2:
        return np.where(probabilities[0] > threshold, 1, 2).astype(np.uint8)
    ids: npt.NDArray[np.uint8] = (probabilities.argmax(0) + 1).astype(np.uint8)
    return ids


def _dice(chosen: npt.NDArray[np.bool_], true: npt.NDArray[np.bool_]) -> float:
    total = int(chosen.sum()) + int(true.sum())
    return 2 * int((chosen & true).sum()) / total if total else float("nan")


def _cross_entropy(probabilities: npt.NDArray[np.float32], truth: npt.NDArray[np.uint8]) -> float:
    parts: Sequence[npt.NDArray[np.float32]] = [p[truth == c] for c, p in enumerate(probabilities, start=1)]
    values = np.concatenate(parts)
    return float(-np.log(np.clip(values, _SMALLEST, None)).mean()) if values.size else float("nan")
