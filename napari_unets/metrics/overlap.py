"""The table of overlaps between the segments of a truth and those of a prediction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_unets.metrics._compiled import compiled

__all__ = ["Overlap", "compact", "overlap"]


@dataclass(frozen=True)
class Overlap:
    """How many pixels the segments of two segmentations share.

    Only pixels where the truth is not zero (and that are not left out) are counted. Pixels where the prediction
    is zero, its lines, are in ``truth_sizes`` and ``lines`` but in no pair.

    Attributes
    ----------
    n : int
        Pixels counted.
    lines : int
        Those of them where the prediction is zero.
    truth_sizes, predicted_sizes : int64, 1-D
        Counted pixels of each segment; entry 0 is unused and zero.
    truth, predicted, count : 1-D
        One entry for each pair of segments that overlap: which segment of the truth (index into
        ``truth_sizes``), which of the prediction (index into ``predicted_sizes``), how many pixels.
    truth_ids, predicted_ids : int64, 1-D
        The segments' ids in the images given.
    """

    n: int
    lines: int
    truth_sizes: NDArray[np.int64]
    predicted_sizes: NDArray[np.int64]
    truth: NDArray[np.int64]
    predicted: NDArray[np.int64]
    count: NDArray[np.int64]
    truth_ids: NDArray[np.int64]
    predicted_ids: NDArray[np.int64]


_LARGEST_TABLE = 2**20


@compiled
def _fill(table: NDArray[np.int64], truth: NDArray[np.int32], predicted: NDArray[np.int32]) -> None:
    for i in range(truth.size):
        if truth[i] > 0:
            table[truth[i], predicted[i]] += 1


@compiled
def _sort_by_prediction(
    truth: NDArray[np.int32], predicted: NDArray[np.int32], start: NDArray[np.int64]
) -> NDArray[np.int32]:
    """Truth ids of the counted pixels, ordered by their predicted id; ``start`` receives where each id begins."""
    for i in range(truth.size):
        if truth[i] > 0:
            start[predicted[i] + 1] += 1
    for j in range(1, start.size):
        start[j] += start[j - 1]
    after = start.copy()
    ordered = np.empty(start[-1], dtype=np.int32)
    for i in range(truth.size):
        if truth[i] > 0:
            ordered[after[predicted[i]]] = truth[i]
            after[predicted[i]] += 1
    return ordered


@compiled
def _count_pairs(
    ordered: NDArray[np.int32], start: NDArray[np.int64], n_truth: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sizes of the truth's segments, and rows of (truth, predicted, count) for the predicted ids from 1."""
    sizes = np.zeros(n_truth + 1, dtype=np.int64)
    for i in range(ordered.size):
        sizes[ordered[i]] += 1
    counts = np.zeros(n_truth + 1, dtype=np.int64)
    n_pairs = 0
    pairs = np.empty((1024, 3), dtype=np.int64)
    for j in range(1, start.size - 1):
        for i in range(start[j], start[j + 1]):
            counts[ordered[i]] += 1
        for i in range(start[j], start[j + 1]):
            label = ordered[i]
            if counts[label] > 0:
                if n_pairs == pairs.shape[0]:
                    longer = np.empty((2 * n_pairs, 3), dtype=np.int64)
                    longer[:n_pairs] = pairs
                    pairs = longer
                pairs[n_pairs, 0] = label
                pairs[n_pairs, 1] = j
                pairs[n_pairs, 2] = counts[label]
                n_pairs += 1
                counts[label] = 0
    return sizes, pairs[:n_pairs]


def compact(labels: NDArray[np.generic]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Flatten ids, into int32 that index tables no longer than the image, and give the id behind each index."""
    flat = np.ascontiguousarray(labels).reshape(-1)
    largest = int(flat.max(initial=0))
    if int(flat.min(initial=0)) < 0 or largest > max(flat.size, 65535):
        ids, index = np.unique(flat, return_inverse=True)
        if 0 not in ids:
            ids, index = np.concatenate([[0], ids]), index + 1
        zero = int(np.flatnonzero(ids == 0)[0])
        # zero has to stay zero; negative ids, which come before it, move up by one
        index = np.where(index == zero, 0, np.where(index < zero, index + 1, index))
        ids = np.concatenate([ids[zero : zero + 1], np.delete(ids, zero)])
        return index.astype(np.int32), ids.astype(np.int64)
    return flat.astype(np.int32, copy=False), np.arange(largest + 1, dtype=np.int64)


_Counts = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


def _count_in_table(truth: NDArray[np.int32], predicted: NDArray[np.int32], n_truth: int, n_predicted: int) -> _Counts:
    """Sizes on both sides and the pairs, for few segments: one pass, but memory for every pair there could be."""
    table = np.zeros((n_truth, n_predicted), dtype=np.int64)
    _fill(table, truth, predicted)
    rows, columns = np.nonzero(table[:, 1:])
    pairs = np.stack([rows, columns + 1, table[rows, columns + 1]], axis=1)
    return table.sum(axis=1), table.sum(axis=0), pairs


def _count_by_sorting(
    truth: NDArray[np.int32], predicted: NDArray[np.int32], n_truth: int, n_predicted: int
) -> _Counts:
    """Sizes on both sides and the pairs, for many segments: memory only for the pairs there are."""
    start = np.zeros(n_predicted + 1, dtype=np.int64)
    ordered = _sort_by_prediction(truth, predicted, start)
    sizes, pairs = _count_pairs(ordered, start, n_truth - 1)
    return sizes, np.diff(start), pairs


def overlap(truth: ArrayLike, predicted: ArrayLike, mask: NDArray[np.bool_] | None = None) -> Overlap:
    """Count the pixels that segments of two label images share.

    Parameters
    ----------
    truth, predicted : integers, same shape
        Segment ids; 0 is no segment.
    mask : bool, same shape, optional
        True where pixels count.

    Returns
    -------
    Overlap
    """
    truth_labels, truth_ids = compact(np.asarray(truth))
    predicted_labels, predicted_ids = compact(np.asarray(predicted))
    if mask is not None:
        truth_labels = np.where(mask.reshape(-1), truth_labels, np.int32(0))
    n_truth, n_predicted = truth_ids.size, predicted_ids.size
    count = _count_in_table if n_truth * n_predicted <= _LARGEST_TABLE else _count_by_sorting
    sizes, predicted_sizes, pairs = count(truth_labels, predicted_labels, n_truth, n_predicted)
    lines = int(predicted_sizes[0])
    predicted_sizes[0] = 0
    return Overlap(
        n=int(sizes.sum()),
        lines=lines,
        truth_sizes=sizes,
        predicted_sizes=predicted_sizes,
        truth=pairs[:, 0],
        predicted=pairs[:, 1],
        count=pairs[:, 2],
        truth_ids=truth_ids,
        predicted_ids=predicted_ids,
    )
