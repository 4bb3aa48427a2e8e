"""Errors that somebody who asks for scores can cause."""

from __future__ import annotations

from itertools import permutations

from napari_unets.errors import NapariUnetsError

__all__ = ["MetricError", "ScoreSettingError", "ShapeMismatchError", "TruthError", "UnknownMetricError"]


class MetricError(NapariUnetsError):
    """Anything that keeps scores from being computed."""


class UnknownMetricError(MetricError):
    """A name that no score has; the message lists the valid ones."""


class ScoreSettingError(MetricError):
    """A setting of a score outside its range."""


class TruthError(MetricError):
    """A ground truth that cannot be read as one."""


class ShapeMismatchError(MetricError):
    """Prediction and truth have different shapes.

    Parameters
    ----------
    prediction, truth : tuple of int
        The two shapes.

    Attributes
    ----------
    axes : tuple of int or None
        The transposition of the prediction that fits, if there is one.
    crop : tuple of slice or None
        What to take of the larger one, from its middle, if neither is larger on one axis and smaller on another.
    crop_of : {"prediction", "truth", None}
        Which one is the larger.
    """

    def __init__(self, prediction: tuple[int, ...], truth: tuple[int, ...]) -> None:
        self.prediction, self.truth = tuple(prediction), tuple(truth)
        self.axes = _transposition(self.prediction, self.truth)
        self.crop: tuple[slice, ...] | None = None
        self.crop_of: str | None = None
        if self.axes is None and len(self.prediction) == len(self.truth):
            for name, large, small in (
                ("prediction", self.prediction, self.truth),
                ("truth", self.truth, self.prediction),
            ):
                if all(a >= b for a, b in zip(large, small, strict=True)):
                    self.crop_of = name
                    self.crop = tuple(slice((a - b) // 2, (a - b) // 2 + b) for a, b in zip(large, small, strict=True))
        super().__init__(self._message())

    def _message(self) -> str:
        said = f"The prediction has shape {self.prediction}, the truth {self.truth}."
        if self.axes is not None:
            return f"{said} Transposing the prediction to axes {self.axes} would fit: prediction.transpose{self.axes}."
        if self.crop is not None:
            part = ", ".join(f"{part.start}:{part.stop}" for part in self.crop)
            return f"{said} The {self.crop_of} is the larger one; its middle would fit: {self.crop_of}[{part}]."
        return f"{said} No crop or transposition fits: choose the layers or files that belong together."


def _transposition(shape: tuple[int, ...], wanted: tuple[int, ...]) -> tuple[int, ...] | None:
    if len(shape) != len(wanted) or shape == wanted:
        return None
    for axes in permutations(range(len(shape))):
        if tuple(shape[axis] for axis in axes) == wanted:
            return axes
    return None
