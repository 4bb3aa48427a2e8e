"""Scores on planes that training never sees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_unets.images import Stack, Statistics
from napari_unets.inference import InferenceSettings, Predictor, iter_tiles
from napari_unets.metrics import evaluate
from napari_unets.models import Model, ModelCard
from napari_unets.networks import Network

__all__ = ["HeldOutPlanes", "scoring_settings"]

_SMALLEST = 1e-6
#: Annotations in squares of this side that touch one another are computed together.
_SQUARE = 64


def scoring_settings(device: str) -> InferenceSettings:
    """How a network in the making is run: by torch, as converting it at each validation costs more than it saves."""
    return InferenceSettings(device=device, backend="torch")


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
        parts = list(self._predict(network))
        probabilities, truth = _joined(parts)
        ids = range(1, len(self._card.classes) + 1)
        chosen = _segmentation(probabilities, self._card.threshold)
        scores = {
            "dice": float(np.nanmean([_dice(chosen == c, truth == c) for c in ids])),
            "cross_entropy": _cross_entropy(probabilities, truth),
        }
        is_whole = all(plane.all() for plane in self._annotations.values())
        if self._card.task == "em" and len(probabilities) == 2 and is_whole:
            cells = np.stack([np.where(part.ids == 2, 255, 0).astype(np.uint8) for part in parts])
            p = np.stack([part.probabilities[1] for part in parts])
            scores["v_rand"] = float(evaluate(p, cells, metrics=["v_rand"], probability_of="foreground")["v_rand"])
        return scores

    def dice_at(self, network: Network, thresholds: Sequence[float]) -> npt.NDArray[np.float64]:
        """Dice (mean over both classes) of a two-class network at each threshold of class 1's probability."""
        probabilities, ids = self.annotated(network)
        p, first = probabilities[0], ids == 1
        return np.array([np.nanmean([_dice(p > t, first), _dice(p <= t, ~first)]) for t in thresholds])

    def annotated(self, network: Network) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
        """Probabilities ``(classes, pixels)`` of the annotated pixels, and their class ids ``(pixels,)``."""
        return _joined(self._predict(network))

    def _predict(self, network: Network) -> Iterator[_Part]:
        """Compute what is annotated, and little around it: strokes may lie far apart on a large plane."""
        model = Model(self._card, network=network)
        with Predictor(model, self._settings) as predictor:
            for number, annotations in self._annotations.items():
                for window, ids in _groups(annotations):
                    p = np.zeros((network.out_channels, *ids.shape), np.float32)
                    for event in iter_tiles(
                        model,
                        self._stack,
                        planes=[number],
                        window=window,
                        predictor=predictor,
                        statistics=self._statistics,
                    ):
                        y, x = (
                            slice(part.start - start.start, part.stop - start.start)
                            for part, start in zip((event.y, event.x), window, strict=True)
                        )
                        p[:, y, x] = event.probabilities
                    yield _Part(np.concatenate([p, 1 - p]) if network.out_channels == 1 else p, ids)


class _Part(NamedTuple):
    """Probabilities ``(classes, y, x)`` of a part of a plane, and class ids ``(y, x)``; 0 = not annotated."""

    probabilities: npt.NDArray[np.float32]
    ids: npt.NDArray[np.uint8]


def _joined(parts: Iterable[_Part]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
    """Probabilities ``(classes, pixels)`` of what is annotated, and its class ids."""
    found = [(part.probabilities[:, part.ids > 0], part.ids[part.ids > 0]) for part in parts]
    return np.concatenate([p for p, _ in found], axis=1), np.concatenate([ids for _, ids in found])


def _groups(annotations: npt.NDArray[np.uint8]) -> Iterator[tuple[tuple[slice, slice], npt.NDArray[np.uint8]]]:
    """Find neighbouring annotations: the smallest region that holds each group, and the group's class ids in it."""
    height, width = annotations.shape
    rows, columns = range(0, height, _SQUARE), range(0, width, _SQUARE)
    # Twice, a line at a time: padding a large plane to whole squares would copy it.
    lines = np.stack([annotations[y : y + _SQUARE].any(0) for y in rows])
    squares = np.stack([lines[:, x : x + _SQUARE].any(1) for x in columns], axis=1)
    numbers, _ = ndimage.label(squares, np.ones((3, 3)))
    for number, (y, x) in enumerate(ndimage.find_objects(numbers), start=1):
        top, left = y.start * _SQUARE, x.start * _SQUARE
        ids = annotations[top : y.stop * _SQUARE, left : x.stop * _SQUARE]
        mine = (numbers[y, x] == number).repeat(_SQUARE, 0).repeat(_SQUARE, 1)[: ids.shape[0], : ids.shape[1]]
        ids = np.where(mine, ids, np.uint8(0))
        inner = tuple(
            slice(int(where[0]), int(where[-1]) + 1) for where in (np.flatnonzero(ids.any(axis)) for axis in (1, 0))
        )
        window = tuple(slice(at + i.start, at + i.stop) for at, i in zip((top, left), inner, strict=True))
        yield (window[0], window[1]), ids[inner]


def _segmentation(probabilities: npt.NDArray[np.float32], threshold: float) -> npt.NDArray[np.uint8]:
    if len(probabilities) == 2:
        return np.where(probabilities[0] > threshold, 1, 2).astype(np.uint8)
    ids: npt.NDArray[np.uint8] = (probabilities.argmax(0) + 1).astype(np.uint8)
    return ids


def _dice(chosen: npt.NDArray[np.bool_], true: npt.NDArray[np.bool_]) -> float:
    total = int(chosen.sum()) + int(true.sum())
    return 2 * int((chosen & true).sum()) / total if total else float("nan")


def _cross_entropy(probabilities: npt.NDArray[np.float32], truth: npt.NDArray[np.uint8]) -> float:
    values = np.concatenate([p[truth == c] for c, p in enumerate(probabilities, start=1)])
    return float(-np.log(np.clip(values, _SMALLEST, None)).mean()) if values.size else float("nan")
