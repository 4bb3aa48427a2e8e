"""V_rand and V_info of the segments of one plane or volume, from the overlaps with those of its truth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_unets.metrics.overlap import Overlap

__all__ = ["info_scores", "rand_scores", "rand_terms"]


def rand_terms(table: Overlap) -> tuple[float, float, float]:
    """Probabilities that two pixels share a segment: in the truth (A), the prediction (B), in both (AB).

    Each pixel on a line is a segment of its own. A pixel paired with itself counts. NaN without any pixel.
    """
    if table.n == 0:
        return np.nan, np.nan, np.nan
    pairs = float(table.n) ** 2
    in_truth = _pairs_within(table.truth_sizes) / pairs
    in_prediction = (_pairs_within(table.predicted_sizes) + table.lines) / pairs
    in_both = (_pairs_within(table.count) + table.lines) / pairs
    return in_truth, in_prediction, in_both


def _pairs_within(sizes: NDArray[np.int64]) -> float:
    """Sum of the squares, as floats: that of a segment above 3e9 pixels is no 64-bit integer."""
    real = sizes.astype(np.float64)
    return float(np.dot(real, real))


def rand_scores(terms: NDArray[np.float64], alpha: float = 0.5) -> NDArray[np.float64]:
    """V_rand, split score and merge score from the terms A, B and AB.

    Parameters
    ----------
    terms : float64, (..., 3)
        A, B, AB of `rand_terms`.
    alpha : float
        Weight of B: V_α = AB / (α B + (1 − α) A). 1 gives the merge score, 0 the split score.

    Returns
    -------
    float64, (..., 3)
        V_α, split score AB / A, merge score AB / B.
    """
    A, B, AB = terms[..., 0], terms[..., 1], terms[..., 2]
    return np.stack([AB / (alpha * B + (1.0 - alpha) * A), AB / A, AB / B], axis=-1)


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
