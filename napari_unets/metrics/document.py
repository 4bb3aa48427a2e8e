"""The DIBCO measures of a binarised page, but for the weighted one: F-measure, PSNR, NRM, DRD."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_unets.metrics._compiled import compiled

__all__ = ["distance_reciprocal_distortion", "f_measure", "negative_rate_metric", "peak_signal_to_noise"]


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan


def f_measure(tp: int, fp: int, fn: int) -> float:
    """F-measure in percent, 200 P R / (P + R), from the counts of ink pixels; NaN without any ink."""
    return 200.0 * _ratio(tp, 2 * tp + fp + fn)


def peak_signal_to_noise(wrong: int, pixels: int) -> float:
    """PSNR in decibels, 10 log10(pixels / wrong pixels); infinite where no pixel is wrong."""
    if not pixels:
        return math.nan
    return 10.0 * math.log10(pixels / wrong) if wrong else math.inf


def negative_rate_metric(tp: int, fp: int, fn: int, tn: int) -> float:
    """NRM, the mean of the shares of ink missed and of paper inked; NaN where the truth lacks one of the two."""
    return (_ratio(fn, fn + tp) + _ratio(fp, fp + tn)) / 2.0


def _weights() -> NDArray[np.float64]:
    steps = np.arange(-2, 3)
    distance = np.hypot(steps[:, None], steps[None, :])
    weights = np.divide(1.0, distance, out=np.zeros_like(distance), where=distance > 0)
    normalised: NDArray[np.float64] = weights / weights.sum()
    return normalised


@compiled
def _distortion(
    result: NDArray[np.bool_],
    ink: NDArray[np.bool_],
    ys: NDArray[np.intp],
    xs: NDArray[np.intp],
    weights: NDArray[np.float64],
) -> float:
    height, width = ink.shape
    total = 0.0
    for i in range(ys.size):
        for dy in range(-2, 3):
            for dx in range(-2, 3):
                y, x = ys[i] + dy, xs[i] + dx
                if 0 <= y < height and 0 <= x < width and ink[y, x] != result[ys[i], xs[i]]:
                    total += weights[dy + 2, dx + 2]
    return total


def distance_reciprocal_distortion(
    predicted: ArrayLike, truth: ArrayLike, mask: NDArray[np.bool_] | None = None
) -> float:
    """DRD of a page: how visible its wrong pixels are.

    Each wrong pixel costs the weighted share of its 5×5 neighbourhood in the truth that differs from it, nearer
    pixels weighing more (1 / distance); the sum is divided by the number of 8×8 blocks of the truth that hold both
    ink and paper. Neighbours outside the page cost nothing; blocks cut off at the right and bottom are dropped.

    Parameters
    ----------
    predicted, truth : bool, (y, x)
        True on ink.
    mask : bool, same shape, optional
        True where wrong pixels count.

    Returns
    -------
    float
        NaN where no block of the truth holds both.

    References
    ----------
    .. [1] H. Lu, A. C. Kot, Y. Q. Shi, Distance-reciprocal distortion measure for binary document images,
       IEEE Signal Processing Letters 11(2), 2004.
    """
    result, ink = np.asarray(predicted, dtype=bool), np.asarray(truth, dtype=bool)
    height, width = ink.shape[0] // 8 * 8, ink.shape[1] // 8 * 8
    inked = ink[:height, :width].reshape(height // 8, 8, width // 8, 8).sum(axis=(1, 3))
    blocks = int(np.count_nonzero((inked > 0) & (inked < 64)))
    wrong = result != ink
    if mask is not None:
        wrong &= mask
    if not blocks:
        return math.nan
    ys, xs = np.nonzero(wrong)
    return float(_distortion(result, ink, ys, xs, _weights())) / blocks
