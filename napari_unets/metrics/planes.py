"""One plane (or volume) of a prediction and of its truth, in the form in which scores compare them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unets.metrics.components import connected_components
from napari_unets.metrics.reading import Reading

__all__ = ["Pair", "make_pair"]

Labels = NDArray[Any]


@dataclass(frozen=True)
class Pair:
    """A plane or volume of a prediction with its truth.

    Foreground is what the truth marks with a value that is not 0: cells, objects, paper. Of class ids, 1 is the
    background (membrane, ink) and every other class foreground.

    Attributes
    ----------
    truth : integers
        The truth's values; what is left out is 0.
    foreground : bool
        Where the truth has foreground.
    counted : bool or None
        Where pixels count; None: everywhere.
    truth_form : {"mask", "classes", "instances"}
        What the truth's values are.
    prediction : array
        Probability of foreground (float32), or labels.
    form : {"probabilities", "mask", "classes", "instances"}
        What the prediction's values are.
    """

    truth: Labels
    foreground: NDArray[np.bool_]
    counted: NDArray[np.bool_] | None
    truth_form: str
    prediction: NDArray[Any]
    form: str

    def predicted_foreground(self, threshold: float) -> NDArray[np.bool_]:
        """Where the prediction has foreground; the threshold is for probabilities."""
        if self.form == "probabilities":
            # in float64, as the thresholds are: in float32, 0.1 would round up to the value of a pixel
            return self.prediction.astype(np.float64) > threshold
        return self.prediction >= 2 if self.form == "classes" else self.prediction != 0

    def predicted_classes(self, threshold: float) -> Labels:
        """Class ids of the prediction, or else 1 on its background and 2 on its foreground."""
        return self.prediction if self.form == "classes" else self.predicted_foreground(threshold) + np.uint8(1)

    @property
    def truth_classes(self) -> Labels:
        """Class ids of the truth, or else 1 on its background and 2 on its foreground."""
        return self.truth if self.truth_form == "classes" else self.foreground + np.uint8(1)

    @cached_property
    def truth_objects(self) -> Labels:
        """The truth's ids of objects, or else the components of its foreground."""
        return self.truth if self.truth_form == "instances" else connected_components(self.foreground)[0]

    def predicted_objects(self, threshold: float) -> Labels:
        """Take the prediction's ids of objects, or else the components of its foreground (without thinning)."""
        if self.form == "instances":
            return self.prediction
        return connected_components(self.predicted_foreground(threshold))[0]

    @property
    def for_segments(self) -> NDArray[Any]:
        """What V_rand takes as a prediction: probabilities, a mask of the foreground, or ids."""
        return self.prediction >= 2 if self.form == "classes" else self.prediction

    @property
    def not_probabilities(self) -> str | None:
        """Why the values cannot be probabilities, or None."""
        if self.form != "probabilities" or not self.prediction.size:
            return None
        low, high = float(self.prediction.min()), float(self.prediction.max())
        if np.isnan(low):
            return "the prediction has values that are not numbers"
        if low < -1e-3 or high > 1.0 + 1e-3:
            return f"the prediction's values go from {low:g} to {high:g}: not probabilities"
        return None


def make_pair(
    prediction: NDArray[Any],
    truth: NDArray[Any],
    prediction_reading: Reading,
    truth_reading: Reading,
    *,
    mask: NDArray[np.bool_] | None = None,
    ignore: tuple[int, ...] = (),
    of_background: bool = False,
) -> Pair:
    """Bring a plane (or volume) and its truth into comparable form.

    Parameters
    ----------
    prediction, truth : array, (y, x) or (z, y, x)
        As they come from the files or layers.
    prediction_reading, truth_reading : Reading
        What their values are.
    mask : bool, same shape, optional
        True where pixels count.
    ignore : tuple of int
        Values of the truth that are left out.
    of_background : bool
        The probabilities are of the background (class 1: membrane, ink), as ``predict`` gives them.
    """
    left_out = np.isin(truth, ignore) if ignore else np.zeros(truth.shape, dtype=bool)
    if truth.dtype.kind == "f":
        left_out |= np.isnan(truth)
        truth = np.where(left_out, 0, truth).astype(np.int64)
    elif truth.dtype.kind == "b":
        truth = truth.view(np.uint8)
    if truth_reading.form == "classes":
        left_out |= truth == 0
        foreground = truth >= 2
    else:
        foreground = truth > truth_reading.level
    if left_out.any():
        truth = np.where(left_out, 0, truth)
        foreground &= ~left_out
        mask = ~left_out if mask is None else mask & ~left_out
    if prediction_reading.form == "probabilities":
        prediction = prediction.astype(np.float32)
        if prediction_reading.scale != 1.0:
            prediction /= np.float32(prediction_reading.scale)
        if of_background:
            prediction = np.float32(1.0) - prediction
    elif prediction.dtype.kind == "b":
        prediction = prediction.view(np.uint8)
    elif prediction.dtype.kind == "f":
        prediction = np.maximum(np.nan_to_num(prediction, posinf=0, neginf=0).astype(np.int64), 0)
    elif prediction_reading.form == "classes" and prediction.dtype.kind == "i":
        prediction = np.maximum(prediction, 0)  # -1 and the like: no class
    return Pair(truth, foreground, mask, truth_reading.form, prediction, prediction_reading.form)
