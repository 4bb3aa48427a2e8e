"""Scores of segmentations against a ground truth: V_rand, Dice, average precision, the DIBCO measures."""

from __future__ import annotations

from napari_unets.metrics.v_info import v_info
from napari_unets.metrics.v_rand import v_rand

__all__ = ["v_info", "v_rand"]
