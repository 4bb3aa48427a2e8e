"""V_rand or V_info of segments at every threshold."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_unets.metrics.curve import ScoreCurve
from napari_unets.metrics.evaluation import Evaluation
from napari_unets.metrics.reading import Form

__all__ = ["segment_curve"]


def segment_curve(
    metric: Literal["v_rand", "v_info"], prediction: ArrayLike, truth: ArrayLike, **options: Any
) -> ScoreCurve:
    """Score a stack whose values are segments, or masks of cells, and never class ids.

    Parameters
    ----------
    metric : {"v_rand", "v_info"}
        Which score.
    prediction, truth : array
        As for `v_rand`.
    **options
        As for `evaluate`.
    """
    predicted, true = np.asarray(prediction), np.asarray(truth)
    of_truth = "instances" if _has_ids(true) else "mask"
    evaluation = Evaluation(
        predicted, true, metrics=(metric,), prediction_is=_form(predicted), truth_is=of_truth, **options
    )
    for _ in evaluation.run():
        pass
    return evaluation.curves[metric]


def _form(prediction: NDArray[np.generic]) -> Form:
    if prediction.dtype.kind == "f":
        return "probabilities"
    return "instances" if _has_ids(prediction) else "mask"


def _has_ids(labels: NDArray[np.generic]) -> bool:
    """Whether integers are ids of segments, and not a mask of 0 and one other value."""
    if labels.dtype.kind not in "iu":
        return False
    largest = labels.max(initial=0)
    return bool(np.any((labels != 0) & (labels != largest)))
