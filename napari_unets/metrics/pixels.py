"""Scores that compare pixel by pixel: Dice, Jaccard, precision, recall, pixel error."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["PIXEL_SCORES", "class_scores", "confusion", "pixel_error"]

PIXEL_SCORES = ("dice", "jaccard", "precision", "recall")
"""Scores that every class has."""


def confusion(
    truth: ArrayLike, predicted: ArrayLike, n_classes: int, mask: NDArray[np.bool_] | None = None
) -> NDArray[np.int64]:
    """Count the pixels of every pair of classes.

    Parameters
    ----------
    truth, predicted : integers in [0, n_classes), same shape
        Class of each pixel.
    n_classes : int
        Number of classes, 0 included.
    mask : bool, same shape, optional
        True where pixels count.

    Returns
    -------
    int64, (n_classes, n_classes)
        Rows are the truth's classes, columns the prediction's.
    """
    code = np.asarray(truth).astype(np.intp) * n_classes
    code += np.asarray(predicted)
    code = code.reshape(-1) if mask is None else code[mask]
    return np.bincount(code, minlength=n_classes**2).reshape(n_classes, n_classes)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


def class_scores(counts: NDArray[np.int64], label: int) -> dict[str, float]:
    """Dice, Jaccard, precision and recall of one class, from the table of `confusion`.

    NaN where the denominator is zero: Dice and Jaccard of a class that neither image has, precision of one that the
    prediction, recall of one that the truth does not have.
    """
    both = float(counts[label, label])
    in_truth, in_prediction = float(counts[label].sum()), float(counts[:, label].sum())
    return {
        "dice": _ratio(2.0 * both, in_truth + in_prediction),
        "jaccard": _ratio(both, in_truth + in_prediction - both),
        "precision": _ratio(both, in_prediction),
        "recall": _ratio(both, in_truth),
    }


def pixel_error(counts: NDArray[np.int64]) -> float:
    """Share of the pixels whose classes differ, from the table of `confusion`; NaN without pixels."""
    total = float(counts.sum())
    return _ratio(total - float(np.trace(counts)), total)
