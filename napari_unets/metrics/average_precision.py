"""Average precision of objects: how many are found, at a given overlap."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from napari_unets.metrics.overlap import overlap

__all__ = ["average_precision", "iou_table"]


def iou_table(
    truth: ArrayLike, predicted: ArrayLike, mask: NDArray[np.bool_] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], int, int]:
    """Intersection over union of all pairs of objects that overlap.

    Parameters
    ----------
    truth, predicted : integers, same shape
        Object ids, 0 = no object.
    mask : bool, same shape, optional
        True where pixels count.

    Returns
    -------
    truth_index, predicted_index : int64
        The pairs.
    iou : float64
        Their intersection over union.
    n_truth, n_predicted : int
        Number of objects.
    """
    table = overlap(truth, predicted, mask)
    true_sizes = table.truth_sizes
    # the table counts inside the truth's objects only, but a union needs the whole objects of the prediction
    counted = np.asarray(predicted) if mask is None else np.where(mask, np.asarray(predicted), 0)
    ids, sizes = np.unique(counted, return_counts=True)
    predicted_ids, predicted_sizes = ids[ids != 0], sizes[ids != 0]
    index = np.searchsorted(predicted_ids, table.predicted_ids[table.predicted])
    union = true_sizes[table.truth] + predicted_sizes[index] - table.count
    present = np.flatnonzero(true_sizes)
    return (
        np.searchsorted(present, table.truth),
        index.astype(np.int64),
        table.count / union,
        int(present.size),
        int(predicted_ids.size),
    )


def average_precision(
    truth: ArrayLike, predicted: ArrayLike, thresholds: Sequence[float], mask: NDArray[np.bool_] | None = None
) -> list[float]:
    """Average precision of objects, TP / (TP + FP + FN), at each overlap asked for.

    An object is found where its intersection over union with an object of the prediction exceeds the threshold.
    From 0.5 on, that object is the only one possible; below, objects are matched one to one so that as many as
    possible are found.

    Parameters
    ----------
    truth, predicted : integers, same shape
        Object ids, 0 = no object.
    thresholds : sequence of float
        Intersection over union, in [0, 1).
    mask : bool, same shape, optional
        True where pixels count.

    Returns
    -------
    list of float
        NaN where there is no object in either image.
    """
    rows, columns, iou, n_truth, n_predicted = iou_table(truth, predicted, mask)
    scores = []
    for threshold in thresholds:
        found = iou > threshold
        matched = int(found.sum())
        if threshold < 0.5 and matched:
            possible = np.zeros((n_truth, n_predicted), dtype=bool)
            possible[rows[found], columns[found]] = True
            matched = int(possible[scipy.optimize.linear_sum_assignment(possible, maximize=True)].sum())
        objects = n_truth + n_predicted - matched
        scores.append(matched / objects if objects else float("nan"))
    return scores
