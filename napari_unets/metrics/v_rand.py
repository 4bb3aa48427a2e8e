"""V_rand, the Rand score of segments after border thinning."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_unets.metrics.curve import ISBI_THRESHOLDS, ScoreCurve
from napari_unets.metrics.overlap import Overlap
from napari_unets.metrics.stack_scores import score_stack

__all__ = ["rand_scores", "rand_terms", "v_rand"]


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


def v_rand(
    prediction: ArrayLike,
    truth: ArrayLike,
    *,
    thresholds: Sequence[float] = ISBI_THRESHOLDS,
    alpha: float = 0.5,
    mask: ArrayLike | None = None,
    volume: bool = False,
    threads: int | None = None,
) -> ScoreCurve:
    """V_rand of a stack, every slice scored on its own, at every threshold.

    Parameters
    ----------
    prediction : array, (y, x) or (z, y, x)
        Floats: the probability of *cell* (not membrane). Integers with 0 and one other value, or bools: a mask of
        cells. Other integers: segment ids, used as they are; 0 is a line, of which each pixel is a segment.
    truth : array, same shape
        0 = membrane, one other value = cell; or segment ids.
    thresholds : sequence of float
        Used with probabilities only. Default: the 11 of the ISBI 2012 evaluation.
    alpha : float
        Weight between merge and split score; 0.5 is the measure of the challenge.
    mask : bool, same shape, optional
        True where pixels count.
    volume : bool
        Compare segments in 3-D (6-connected) and the stack as a whole, instead of slice by slice.
    threads : int, optional
        Default: the cores that this process may use.

    Returns
    -------
    ScoreCurve
        ``.score``, ``.threshold``, ``.split`` and ``.merge``, ``.values`` over the thresholds, ``.per_slice``.

    References
    ----------
    .. [1] Arganda-Carreras et al., Crowdsourcing the creation of image segmentation algorithms for connectomics,
       Frontiers in Neuroanatomy 9:142, 2015.
    """
    terms = score_stack(rand_terms, prediction, truth, thresholds, mask=mask, volume=volume, threads=threads)
    used = tuple(thresholds) if np.asarray(prediction).dtype.kind == "f" else ()
    return ScoreCurve(used, rand_scores(terms, alpha))
