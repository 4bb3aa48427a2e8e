"""The scores of one slice (or one volume)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unets.metrics.average_precision import average_precision
from napari_unets.metrics.document import (
    distance_reciprocal_distortion,
    f_measure,
    negative_rate_metric,
    peak_signal_to_noise,
)
from napari_unets.metrics.document_weights import pseudo_f_measure
from napari_unets.metrics.pixels import PIXEL_SCORES, class_scores, confusion, pixel_error
from napari_unets.metrics.planes import Pair
from napari_unets.metrics.segment_scores import info_scores, rand_terms
from napari_unets.metrics.segments import overlaps
from napari_unets.metrics.settings import (
    DOCUMENT_METRICS,
    PIXEL_METRICS,
    V_INFO_METRICS,
    V_RAND_METRICS,
    EvaluationSettings,
)

__all__ = ["SliceScores", "score_pair"]

_MOST_CLASSES = 256

_WHY = {
    "dice": "neither the truth nor the prediction has any {what}",
    "jaccard": "neither the truth nor the prediction has any {what}",
    "precision": "the prediction has no {what}",
    "recall": "the truth has no {what}",
    "pixel_error": "no pixel counts",
    "f_measure": "neither the truth nor the prediction has any ink",
    "pseudo_f_measure": "neither the truth nor the prediction has any ink",
    "nrm": "the truth lacks ink or paper",
    "drd": "no 8×8 block of the truth holds both ink and paper",
    "v_rand": "the truth has no segment",
    "v_info": "the truth has no segment",
}


@dataclass
class SliceScores:
    """What was computed for one slice.

    Attributes
    ----------
    index : tuple of int
        Which slice, along the axes before y (and z, for volumes).
    rand_terms : float64 (thresholds, 3) or None
        A, B and AB of V_rand at each threshold.
    info : float64 (thresholds, 3) or None
        V_info, split and merge score at each threshold.
    scores : dict
        Every other score.
    classes : dict
        Dice, Jaccard, precision and recall of each class, by its id.
    reasons : dict
        Why a score is NaN or infinite.
    contrast : float
        By how much foreground is more probable where the truth has foreground than where it has none; below 0 of a
        prediction that is turned round, NaN of a slice that is all the one or all the other.
    """

    index: tuple[int, ...]
    rand_terms: NDArray[np.float64] | None = None
    info: NDArray[np.float64] | None = None
    scores: dict[str, float] = field(default_factory=dict)
    classes: dict[int, dict[str, float]] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    contrast: float = math.nan


def _contrast(pair: Pair) -> float:
    predicted = pair.prediction if pair.form == "probabilities" else pair.predicted_foreground(0.5)
    counted = True if pair.counted is None else pair.counted
    inside, outside = predicted[pair.foreground & counted], predicted[~pair.foreground & counted]
    return float(inside.mean() - outside.mean()) if inside.size and outside.size else math.nan


def _undefined(result: SliceScores, settings: EvaluationSettings, n_thresholds: int, reason: str) -> SliceScores:
    """Everything NaN, for one reason."""
    nowhere = np.full((n_thresholds, 3), np.nan)
    if settings.wants(*V_RAND_METRICS):
        result.rand_terms = nowhere
        result.reasons["v_rand"] = reason
    if settings.wants(*V_INFO_METRICS):
        result.info = nowhere
        result.reasons["v_info"] = reason
    for metric in settings.metrics:
        if metric not in (*V_RAND_METRICS, *V_INFO_METRICS):
            result.scores[metric] = math.nan
            result.reasons[metric] = reason
    return result


def _score_segments(result: SliceScores, pair: Pair, settings: EvaluationSettings) -> None:
    tables = overlaps(
        pair.for_segments,
        pair.truth_objects,
        settings.thresholds,
        ids=pair.form == "instances",
        mask=pair.counted,
    )
    if settings.wants(*V_RAND_METRICS):
        result.rand_terms = np.array([rand_terms(table) for table in tables])
        if not tables[0].n:
            result.reasons["v_rand"] = _WHY["v_rand"]
    if settings.wants(*V_INFO_METRICS):
        result.info = np.array([info_scores(table) for table in tables])
        if not tables[0].n:
            result.reasons["v_info"] = _WHY["v_info"]


def _score_pixels(result: SliceScores, pair: Pair, settings: EvaluationSettings, positive: int | None) -> None:
    true, predicted = pair.truth_classes, pair.predicted_classes(settings.threshold)
    n_classes = 1 + max(int(true.max(initial=0)), int(predicted.max(initial=0)))
    if n_classes > _MOST_CLASSES:
        for metric in settings.metrics:
            if metric in PIXEL_METRICS:
                result.scores[metric] = math.nan
                result.reasons[metric] = f"a value of {n_classes - 1} cannot be a class"
        return
    counts = confusion(true, predicted, n_classes, pair.counted)
    present = [label for label in range(1, n_classes) if counts[label].any() or counts[:, label].any()]
    result.classes = {label: class_scores(counts, label) for label in present}
    if positive is None:
        chosen = list(result.classes.values())
    else:
        chosen = [result.classes.get(positive, dict.fromkeys(PIXEL_SCORES, math.nan))]
    for name in PIXEL_SCORES:
        values = [scores[name] for scores in chosen if not math.isnan(scores[name])]
        result.scores[name] = sum(values) / len(values) if values else math.nan
    result.scores["pixel_error"] = pixel_error(counts)


def _score_objects(result: SliceScores, pair: Pair, settings: EvaluationSettings, of_objects: bool) -> None:
    wanted = settings.iou_thresholds
    if of_objects:
        values = average_precision(
            pair.truth_objects, pair.predicted_objects(settings.threshold), list(wanted.values()), pair.counted
        )
        reason = "neither the truth nor the prediction has any object"
    else:
        iou = result.scores["jaccard"]
        values = [math.nan if math.isnan(iou) else float(iou > threshold) for threshold in wanted.values()]
        reason = "the image has no intersection over union"
    for metric, value in zip(wanted, values, strict=True):
        result.scores[metric] = value
        if math.isnan(value):
            result.reasons[metric] = reason


def _score_document(result: SliceScores, pair: Pair, settings: EvaluationSettings, ink_class: int) -> None:
    ink: NDArray[Any] = pair.truth_classes == ink_class
    page: NDArray[Any] = pair.predicted_classes(settings.threshold) == ink_class
    counts = confusion(ink, page, 2, pair.counted)
    (tn, fp), (fn, tp) = counts.tolist()
    if settings.wants("f_measure"):
        result.scores["f_measure"] = f_measure(tp, fp, fn)
    if settings.wants("psnr"):
        result.scores["psnr"] = peak_signal_to_noise(fp + fn, tp + fp + fn + tn)
    if settings.wants("nrm"):
        result.scores["nrm"] = negative_rate_metric(tp, fp, fn, tn)
    if settings.wants("drd"):
        result.scores["drd"] = distance_reciprocal_distortion(page, ink, pair.counted)
    if settings.wants("pseudo_f_measure"):
        result.scores["pseudo_f_measure"] = pseudo_f_measure(page, ink, pair.counted)


def score_pair(
    pair: Pair, index: tuple[int, ...], settings: EvaluationSettings, *, positive: int | None, of_objects: bool
) -> SliceScores:
    """Compute the scores asked for of one plane or volume.

    Parameters
    ----------
    pair : Pair
        Prediction and truth.
    index : tuple of int
        Where it lies in the stack; handed on.
    settings : EvaluationSettings
        Which scores.
    positive : int or None
        Class that is positive (1 background, 2 foreground, or a class id); None: the mean over classes.
    of_objects : bool
        Average precision is of objects, and not of images.
    """
    result = SliceScores(index)
    if pair.not_probabilities:
        return _undefined(result, settings, len(settings.thresholds), pair.not_probabilities)
    result.contrast = _contrast(pair)
    if settings.wants(*V_RAND_METRICS, *V_INFO_METRICS):
        _score_segments(result, pair, settings)
    image_ap = bool(settings.iou_thresholds) and not of_objects
    if settings.wants(*PIXEL_METRICS) or settings.per_class or image_ap:
        _score_pixels(result, pair, settings, positive)
    if settings.iou_thresholds:
        _score_objects(result, pair, settings, of_objects)
    if settings.wants(*DOCUMENT_METRICS):
        _score_document(result, pair, settings, 1 if positive is None else positive)
    what = "pixel of the positive class" if positive is not None else "class"
    for metric, value in result.scores.items():
        if metric not in settings.metrics:
            continue
        if math.isnan(value):
            result.reasons.setdefault(metric, _WHY.get(metric, "undefined").format(what=what))
        elif math.isinf(value):
            result.reasons[metric] = "infinite: no pixel is wrong"
    return result
