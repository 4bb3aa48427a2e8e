"""Scores of segmentations against a ground truth: V_rand, Dice, average precision, the DIBCO measures."""

from __future__ import annotations

from napari_unets.metrics.curve import ISBI_THRESHOLDS, ScoreCurve
from napari_unets.metrics.error_layer import DOCUMENT_ERRORS, SEGMENT_ERRORS, error_layer
from napari_unets.metrics.errors import (
    MetricError,
    ScoreSettingError,
    ShapeMismatchError,
    TruthError,
    UnknownMetricError,
)
from napari_unets.metrics.evaluation import Evaluation, evaluate
from napari_unets.metrics.report import to_json
from napari_unets.metrics.settings import METRICS, EvaluationSettings
from napari_unets.metrics.slice_scores import SliceScores
from napari_unets.metrics.v_info import v_info
from napari_unets.metrics.v_rand import v_rand

__all__ = [
    "DOCUMENT_ERRORS",
    "ISBI_THRESHOLDS",
    "METRICS",
    "SEGMENT_ERRORS",
    "Evaluation",
    "EvaluationSettings",
    "MetricError",
    "ScoreCurve",
    "ScoreSettingError",
    "ShapeMismatchError",
    "SliceScores",
    "TruthError",
    "UnknownMetricError",
    "error_layer",
    "evaluate",
    "to_json",
    "v_info",
    "v_rand",
]
