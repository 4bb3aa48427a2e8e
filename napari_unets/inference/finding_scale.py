"""How large a model wants to see an image whose pixel size nobody knows, found from the image itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_unets.images import Stack, Statistics, as_stack
from napari_unets.inference.errors import Cancelled, InferenceError
from napari_unets.inference.predictor import Predictor, predictor_for
from napari_unets.inference.reading import PlaneReader
from napari_unets.inference.tiles import stack_statistics
from napari_unets.models import check_model

if TYPE_CHECKING:
    from napari_unets.inference.settings import InferenceSettings
    from napari_unets.models import Model

__all__ = ["SCALES", "FoundScale", "find_scale"]

_Floats = npt.NDArray[np.float32]

#: What is tried, as far as it gets better.
SCALES = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)
#: Where the search begins, and goes on from the best of them.
_FIRST = (0.5, 1.0, 2.0)
#: The disagreement must fall by this share for an image to be seen larger or smaller than it is.
_GAIN = 0.15
#: Below this agreement a model does not know what it sees: right scales give 0.84 to 0.96 (pages the lowest), sections
#: and pages whose bright and dark are exchanged up to 0.71 at the best of all scales.
_SURE = 0.8
#: How many squares of the image are looked at, and their side in pixels.
_SQUARES, _SIDE = 6, 192
#: How often another place in a plane is tried where there is nothing to be seen.
_TRIES = 8
#: Share of the pixels that has to be found to be class 1 for the agreement to mean anything.
_LEAST = 0.005


@dataclass(frozen=True)
class FoundScale:
    """The scale at which a model agrees best with itself.

    Attributes
    ----------
    scale : float
        For the setting ``scale``: how many times as large the network should see the image.
    agreement : mapping of float to float
        For each scale that was tried, how well what is found in a square and what is found in the square turned by 90°
        agree: the Jaccard index of both, less what is there by chance, up to 1. NaN where next to nothing is found;
        empty of an empty image.
    invert : bool
        Whether that is so with bright and dark exchanged only, as ``open_stack(..., invert=True)`` does it.
    """

    scale: float
    agreement: Mapping[float, float]
    invert: bool = False

    @property
    def is_sure(self) -> bool:
        """Whether the model agrees with itself well enough at any scale for it to know such images."""
        return any(value >= _SURE for value in self.agreement.values())


def find_scale(
    model: Model,
    stack: Any,
    *,
    settings: InferenceSettings | None = None,
    statistics: Statistics | None = None,
    cancel: Callable[[], bool] | None = None,
    predictor: Predictor | None = None,
    **overrides: Any,
) -> FoundScale:
    """Find how many times as large a model should see an image, without annotations and without a pixel size.

    What a section shows does not depend on how it lies under the microscope. A network that sees cells as large as
    those it has learnt from finds the same in a square and in the same square turned by 90°; where they are too
    large or too small it guesses, and guesses differ. So the scale is taken at which both agree best, by the Jaccard
    index of the probabilities, ``Σ min(p, q) / Σ max(p, q)``, corrected for chance as Cohen's kappa is. If that
    gains little, or they agree nowhere, it is 1. Where they agree nowhere, the image is also looked at with bright and
    dark exchanged.

    Parameters
    ----------
    model : Model
        With weights.
    stack : Stack or array
        Anything that :func:`napari_unets.images.as_stack` takes. Six squares of 192 pixels are read.
    settings : InferenceSettings, optional
        Where and how to run; ``overrides`` replace single settings. The scale among them is left aside.
    statistics : Statistics, optional
        Of the stack, if known already.
    cancel : callable, optional
        Asked between squares; True stops.
    predictor : Predictor, optional
        One made before from the same model, to be used again.

    Returns
    -------
    FoundScale

    Raises
    ------
    InferenceError
        If the model is a formula without weights, which agrees with itself always, or its convolutions are unpadded.
    Cancelled
        If ``cancel`` said so.
    NotAModelError, InferenceSettingError, DeviceError, BackendError, WindowMemoryError
        As :func:`napari_unets.inference.predict`.

    Notes
    -----
    Measured on ISBI 2012 brought to 1.33 to 16 nm a pixel: ``benchmarks/scale.py``.
    """
    check_model(model)
    if not model.card.has_weights:
        raise InferenceError(f"{model.name} is a formula, which sees an image at any scale as it does at every other")
    stack = as_stack(stack)
    own = predictor is None
    predictor = predictor_for(model, settings, overrides, predictor)
    try:
        squares = list(_squares(predictor, stack, statistics, cancel))
        if not squares:
            return FoundScale(1.0, {})
        with predictor.running():
            return _found(predictor, squares, cancel)
    finally:
        if own:
            predictor.close()


def _found(predictor: Predictor, squares: list[_Floats], cancel: Callable[[], bool] | None) -> FoundScale:
    as_it_is = _Search(predictor, squares, cancel)
    if as_it_is.begun().is_sure:
        return as_it_is.best()
    # 0 to 1 becomes 1 to 0; what has a mean of 0, the same with the other sign
    top = 0 if predictor.model.card.normalisation.method == "zscore" else 1
    exchanged = _Search(predictor, [np.subtract(top, square, dtype=np.float32) for square in squares], cancel)
    if exchanged.begun().is_sure:
        return replace(exchanged.best(), invert=True)
    found = as_it_is.best()
    return found if found.is_sure else replace(found, scale=1.0)


def _squares(
    predictor: Predictor, stack: Stack, statistics: Statistics | None, cancel: Callable[[], bool] | None
) -> Iterator[_Floats]:
    """Squares (channels, side, side) from all over a stack, where it is not empty; always the same."""
    statistics = statistics or stack_statistics(predictor.model, stack, cancel=cancel)
    reader = PlaneReader(stack, predictor.model.card.in_channels, statistics, by_rows=False)
    side = max(_at(predictor, scale).geometry.side(_SIDE) for scale in SCALES)
    generator = np.random.default_rng(0)
    for plane in np.linspace(0, stack.n_planes - 1, _SQUARES).round().astype(int).tolist():
        for _ in range(_TRIES):
            y, x = (int(generator.integers(0, max(0, length - side) + 1)) for length in stack.plane_shape)
            square = reader.window(plane, (y, y + side), (x, x + side))
            if not _is_empty(square):
                yield square
                break


def _is_empty(square: _Floats) -> bool:
    """Whether nearly all of it has one value, as the margin around a mosaic has."""
    return float((square == np.median(square)).mean()) > 0.9


def _at(predictor: Predictor, scale: float) -> Predictor:
    return predictor.with_settings(predictor.settings.model_copy(update={"scale": scale, "tta": False}))


class _Search:
    """Tries scales from the middle outwards, as long as they get better."""

    def __init__(self, predictor: Predictor, squares: list[_Floats], cancel: Callable[[], bool] | None) -> None:
        self._predictor = predictor
        self._squares = squares
        self._cancel = cancel
        self._disagreement: dict[float, float] = {}

    def begun(self) -> FoundScale:
        """Try the scales in the middle."""
        for scale in _FIRST:
            self._try(scale)
        return self._so_far()

    def best(self) -> FoundScale:
        """Go on from the best of them, and return what was found."""
        while neighbours := self._untried_beside(self._least()):
            for scale in neighbours:
                self._try(scale)
        return self._so_far()

    def _so_far(self) -> FoundScale:
        least = self._least()
        gains = self._disagreement[least] <= (1 - _GAIN) * self._disagreement[1.0]
        agreement = {s: 1 / (1 + value) if np.isfinite(value) else np.nan for s, value in self._disagreement.items()}
        return FoundScale(least if gains else 1.0, dict(sorted(agreement.items())))

    def _least(self) -> float:
        return min(self._disagreement, key=lambda scale: (self._disagreement[scale], abs(np.log(scale))))

    def _untried_beside(self, scale: float) -> list[float]:
        place = SCALES.index(scale)
        return [s for s in SCALES[max(0, place - 1) : place + 2] if s not in self._disagreement]

    def _try(self, scale: float) -> None:
        """Measure the disagreement, ``1 / J - 1`` of the mean J over the classes; infinite if nothing is found."""
        at_scale = _at(self._predictor, scale)
        turned, elsewhere = _Overlap(), _Overlap()
        for square in self._squares:
            if self._cancel is not None and self._cancel():
                raise Cancelled("stopped while the scale was looked for")
            p, q = at_scale(np.ascontiguousarray(np.stack([square, np.rot90(square, axes=(1, 2))])))
            q = np.rot90(q, -1, axes=(1, 2))
            turned.add(p, q)
            elsewhere.add(p, np.roll(q, [n // 2 for n in q.shape[1:]], axis=(1, 2)))
        found = turned.common >= _LEAST * len(self._squares)
        agreement = 0.0
        if found.any():
            # As Cohen's kappa: a map that is the same everywhere agrees with itself wherever it is laid.
            by_chance = elsewhere.jaccard(found)
            agreement = (turned.jaccard(found) - by_chance) / max(1 - by_chance, 1e-6)
        self._disagreement[scale] = 1 / agreement - 1 if agreement > 0 else np.inf


class _Overlap:
    """What two maps have in common, and what either has, by class."""

    def __init__(self) -> None:
        self.common: npt.NDArray[np.float64] = np.zeros(1)
        self._either: npt.NDArray[np.float64] = np.zeros(1)

    def add(self, p: _Floats, q: _Floats) -> None:
        """Add a square's maps, (classes, y, x)."""
        self.common = self.common + np.minimum(p, q).mean((1, 2), dtype=np.float64)
        self._either = self._either + np.maximum(p, q).mean((1, 2), dtype=np.float64)

    def jaccard(self, classes: npt.NDArray[np.bool_]) -> float:
        """Mean Jaccard index of some classes."""
        return float((self.common[classes] / self._either[classes]).mean())
