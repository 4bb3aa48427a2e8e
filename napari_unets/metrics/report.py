"""From the scores of slices to the scores of a stack."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from napari_unets.metrics.curve import ScoreCurve, mean_of_defined
from napari_unets.metrics.pixels import PIXEL_SCORES
from napari_unets.metrics.segment_scores import rand_scores
from napari_unets.metrics.settings import V_INFO_METRICS, V_RAND_METRICS, EvaluationSettings
from napari_unets.metrics.slice_scores import SliceScores

__all__ = ["stack_curves", "summarise", "to_json"]


def stack_curves(slices: Sequence[SliceScores], thresholds: tuple[float, ...], alpha: float) -> dict[str, ScoreCurve]:
    """V_rand and V_info over the thresholds, under these names, as far as they were computed.

    Parameters
    ----------
    slices : sequence of SliceScores
        Slices of one stack.
    thresholds : tuple of float
        Empty for predictions that had nothing to be thresholded.
    alpha : float
        Weight of V_rand.
    """
    curves = {}
    terms = [scores.rand_terms for scores in slices if scores.rand_terms is not None]
    if terms:
        curves["v_rand"] = ScoreCurve(thresholds, rand_scores(np.array(terms), alpha))
    info = [scores.info for scores in slices if scores.info is not None]
    if info:
        curves["v_info"] = ScoreCurve(thresholds, np.array(info))
    return curves


def _curve_scores(name: str, curve: ScoreCurve, index: int | None = None) -> dict[str, Any]:
    """Score, split, merge (and for the stack the threshold) at the stack's best threshold."""
    values = curve.means[curve.best] if index is None else curve.per_slice[index, curve.best]
    scores: dict[str, Any] = {
        name: float(values[0]),
        f"{name}_split": float(values[1]),
        f"{name}_merge": float(values[2]),
    }
    if curve.threshold is not None:
        scores[f"{name}_threshold"] = curve.threshold if math.isfinite(curve.score) else math.nan
    return scores


def _wanted(scores: Mapping[str, float], settings: EvaluationSettings) -> dict[str, float]:
    return {metric: scores[metric] for metric in settings.metrics if metric in scores}


def _mean(values: Sequence[float]) -> float:
    return float(mean_of_defined(np.array(values, dtype=np.float64)))


def _reasons(slices: Sequence[SliceScores]) -> dict[str, str]:
    """Why a score of the stack lacks slices, the reason of the first such slice for all."""
    reasons: dict[str, str] = {}
    for metric in dict.fromkeys(metric for scores in slices for metric in scores.reasons):
        said = [scores.reasons[metric] for scores in slices if metric in scores.reasons]
        where = "" if len(slices) == 1 else f" ({len(said)} of {len(slices)} slices)"
        reasons[metric] = f"{said[0]}{where}"
    return reasons


def _per_class(slices: Sequence[SliceScores], names: Mapping[int, str]) -> dict[str, dict[str, float]]:
    labels = sorted({label for scores in slices for label in scores.classes})
    return {
        names.get(label, str(label)): {
            name: _mean([scores.classes[label][name] for scores in slices if label in scores.classes])
            for name in PIXEL_SCORES
        }
        for label in labels
    }


def _alpha_scan(
    slices: Sequence[SliceScores], thresholds: tuple[float, ...], alphas: Sequence[float]
) -> list[list[float | None]]:
    scan: list[list[float | None]] = []
    for alpha in alphas:
        curve = stack_curves(slices, thresholds, alpha)["v_rand"]
        scan.append([alpha, curve.score, curve.threshold])
    return scan


def summarise(
    slices: Sequence[SliceScores],
    settings: EvaluationSettings,
    *,
    thresholds: tuple[float, ...],
    class_names: Mapping[int, str],
) -> dict[str, Any]:
    """Scores of a stack: means over the slices, NaN left out; V_rand and V_info at their best threshold.

    Parameters
    ----------
    slices : sequence of SliceScores
        In order.
    settings : EvaluationSettings
        What was asked for.
    thresholds : tuple of float
        Empty for predictions that had nothing to be thresholded.
    class_names : mapping
        What to call a class in ``per_class``, where its id will not do.
    """
    curves = stack_curves(slices, thresholds, settings.alpha)
    result: dict[str, Any] = {}
    for name, curve in curves.items():
        result.update(_curve_scores(name, curve))
    names = [m for m in settings.metrics if m not in (*V_RAND_METRICS, *V_INFO_METRICS)]
    result.update({name: _mean([scores.scores.get(name, math.nan) for scores in slices]) for name in names})
    if settings.curve:
        for name, curve in curves.items():
            rows = zip(curve.thresholds, curve.means.tolist(), strict=False)
            result[f"{name}_curve"] = [[threshold, *values] for threshold, values in rows]
    if settings.alphas and "v_rand" in curves:
        result["v_rand_alphas"] = _alpha_scan(slices, thresholds, settings.alphas)
    if settings.per_class:
        result["per_class"] = _per_class(slices, class_names)
    if settings.per_slice:
        result["per_slice"] = [_of_slice(scores, i, curves, settings, class_names) for i, scores in enumerate(slices)]
    if reasons := _reasons(slices):
        result["undefined"] = reasons
    return result


def _of_slice(
    scores: SliceScores,
    index: int,
    curves: Mapping[str, ScoreCurve],
    settings: EvaluationSettings,
    class_names: Mapping[int, str],
) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, curve in curves.items():
        result.update(_curve_scores(name, curve, index))
    result.update(_wanted(scores.scores, settings))
    if settings.per_class:
        result["per_class"] = _per_class([scores], class_names)
    if scores.reasons:
        result["undefined"] = dict(scores.reasons)
    return result


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def to_json(scores: Mapping[str, Any], indent: int | None = 2) -> str:
    """Scores as strict JSON: NaN and infinite ones become null, and ``undefined`` says why."""
    return json.dumps(_finite(dict(scores)), indent=indent, allow_nan=False)
