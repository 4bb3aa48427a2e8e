"""V_info, the information score of segments after border thinning."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_unets.metrics.curve import ISBI_THRESHOLDS, ScoreCurve
from napari_unets.metrics.overlap import Overlap
from napari_unets.metrics.stack_scores import score_stack

__all__ = ["info_scores", "v_info"]


def _sum_p_log_p(counts: NDArray[np.int64], n: int) -> float:
    p = counts[counts > 0] / n
    return float(np.dot(p, np.log(p)))


def info_scores(table: Overlap) -> tuple[float, float, float]:
    """V_info, split score and merge score of one table of overlaps; NaN without any pixel.

    With S the prediction and T the truth: split score I(S; T) / H(S), merge score I(S; T) / H(T), and V_info their
    harmonic mean. A truth of one segment has H(T) = 0: merge score 0, split score 1; a prediction of one
    segment the other way round. Where both scores are 0, V_info is 0.
    """
    if table.n == 0:
        return np.nan, np.nan, np.nan
    lines = table.lines / table.n * np.log(table.n)
    s_truth = _sum_p_log_p(table.truth_sizes, table.n)
    s_predicted = _sum_p_log_p(table.predicted_sizes, table.n) - lines
    information = _sum_p_log_p(table.count, table.n) - lines - s_truth - s_predicted
    merge, split = 0.0, 1.0
    if s_truth != 0.0:
        merge = -information / s_truth
        if s_predicted != 0.0:
            split = -information / s_predicted
    if s_predicted == 0.0:
        merge, split = 1.0, 0.0
    total = merge + split
    return (2.0 * merge * split / total if total > 0.0 else 0.0), split, merge


def v_info(
    prediction: ArrayLike,
    truth: ArrayLike,
    *,
    thresholds: Sequence[float] = ISBI_THRESHOLDS,
    mask: ArrayLike | None = None,
    volume: bool = False,
    threads: int | None = None,
) -> ScoreCurve:
    """V_info of a stack, every slice scored on its own, at every threshold.

    Parameters are those of `v_rand`, which has the same segments.

    Returns
    -------
    ScoreCurve
        ``.score``, ``.threshold``, ``.split`` and ``.merge``, ``.values`` over the thresholds, ``.per_slice``.
    """
    scores = score_stack(info_scores, prediction, truth, thresholds, mask=mask, volume=volume, threads=threads)
    used = tuple(thresholds) if np.asarray(prediction).dtype.kind == "f" else ()
    return ScoreCurve(used, scores)
