"""Where a segmentation is wrong, as a label image to be laid over the picture."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unets.metrics._compiled import compiled
from napari_unets.metrics.evaluation import Evaluation
from napari_unets.metrics.overlap import Overlap, compact, overlap
from napari_unets.metrics.planes import Pair
from napari_unets.metrics.segments import predicted_segments
from napari_unets.metrics.thinning import thin_borders

__all__ = ["DOCUMENT_ERRORS", "SEGMENT_ERRORS", "error_layer", "errors_of_slice"]

SEGMENT_ERRORS: dict[int, tuple[str, str]] = {
    1: ("split: a membrane that is none", "#ff3030"),
    2: ("merge: a border between two cells that is lost", "#3070ff"),
    3: ("gap: where the lost border has no membrane", "#00e0ff"),
}
"""Values of the error layer of cells and objects: what they mean, and a colour."""

DOCUMENT_ERRORS: dict[int, tuple[str, str]] = {
    1: ("missed ink", "#ff3030"),
    2: ("spurious ink", "#3070ff"),
}
"""Values of the error layer of pages: what they mean, and a colour."""


@compiled
def _inner_borders(labels: NDArray[np.int32], partner: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Borders between two segments that have the same partner: lines, and pixels where two segments touch."""
    height, width = labels.shape
    border = np.zeros((height, width), dtype=np.bool_)
    around = np.empty(9, dtype=np.int64)
    for y in range(height):
        for x in range(width):
            here = labels[y, x]
            count = 0
            if here == 0:
                for row in range(max(y - 1, 0), min(y + 2, height)):
                    for column in range(max(x - 1, 0), min(x + 2, width)):
                        if labels[row, column] > 0:
                            around[count] = labels[row, column]
                            count += 1
            else:
                around[0], count = here, 1
                if x + 1 < width and labels[y, x + 1] > 0:
                    around[count] = labels[y, x + 1]
                    count += 1
                if y + 1 < height and labels[y + 1, x] > 0:
                    around[count] = labels[y + 1, x]
                    count += 1
            for i in range(count):
                for j in range(i + 1, count):
                    if around[i] != around[j] and partner[around[i]] > 0 and partner[around[i]] == partner[around[j]]:
                        border[y, x] = True
    return border


def _partners(of: NDArray[np.int64], other: NDArray[np.int64], count: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """For every segment the one of the other image that it shares most pixels with; 0 for none."""
    partner = np.zeros(n, dtype=np.int64)
    order = np.argsort(count, kind="stable")
    partner[of[order]] = other[order]  # the largest comes last and stays
    return partner


def _segment_errors(pair: Pair, threshold: float) -> NDArray[np.uint8]:
    ids = pair.form == "instances"
    raw = next(predicted_segments(pair.for_segments, (threshold,), ids=ids))
    predicted = thin_borders(compact(raw)[0].reshape(raw.shape)) if ids else raw.astype(np.int32)
    # the truth's borders are thinned as well, so that a lost one is a line, and not a band
    true = thin_borders(compact(pair.truth_objects)[0].reshape(raw.shape))
    table: Overlap = overlap(np.where(pair.foreground, true, 0), predicted, pair.counted)
    split = _inner_borders(predicted, _partners(table.predicted, table.truth, table.count, int(predicted.max()) + 1))
    merged = _inner_borders(true, _partners(table.truth, table.predicted, table.count, int(true.max()) + 1))
    errors = np.zeros(true.shape, dtype=np.uint8)
    errors[split & pair.foreground] = 1
    errors[merged] = 2
    errors[merged & pair.predicted_foreground(threshold)] = 3
    return errors


def _document_errors(pair: Pair, threshold: float, ink_class: int) -> NDArray[np.uint8]:
    ink = pair.truth_classes == ink_class
    page = pair.predicted_classes(threshold) == ink_class
    return np.where(ink & ~page, np.uint8(1), np.where(page & ~ink, np.uint8(2), np.uint8(0)))


def error_layer(
    prediction: Any, truth: Any, threshold: float = 0.5, *, mask: Any = None, **options: Any
) -> NDArray[np.uint8]:
    """Mark the errors of a segmentation.

    Of cells and objects: the lines that cut a true segment into pieces of the same segment (splits), and the borders
    between true segments of which the prediction made one (merges), both after thinning. A membrane that runs a few
    pixels beside the true one is neither. Of pages: ink that was missed, and ink that is none.

    Parameters
    ----------
    prediction, truth : array, (y, x), (z, y, x) or more
        As for `evaluate`.
    threshold : float
        Where probabilities are cut: 0.5, or the best threshold of V_rand.
    mask : bool, same shape, optional
        True where errors count.
    **options
        As for `evaluate`: ``kind``, ``ignore``, ``probability_of``, ….

    Returns
    -------
    uint8, shape of the truth
        0 where nothing is wrong; `SEGMENT_ERRORS`, or for ``kind="document"`` `DOCUMENT_ERRORS`, say what
        the other values are.
    """
    evaluation = Evaluation(prediction, truth, mask=mask, **options)
    errors = np.zeros(evaluation.shape, dtype=np.uint8)
    for index in np.ndindex(evaluation.shape[:-2]):
        errors[index] = errors_of_slice(evaluation, index, threshold)
    return errors


def errors_of_slice(evaluation: Evaluation, index: tuple[int, ...], threshold: float = 0.5) -> NDArray[np.uint8]:
    """Mark the errors of one slice, as `error_layer` does.

    Parameters
    ----------
    evaluation : Evaluation
        Of the prediction and its truth.
    index : tuple of int
        The slice, along the axes before y.
    threshold : float
        Where probabilities (of what is not 0 in the truth) are cut.

    Returns
    -------
    uint8, (y, x)
    """
    pair = evaluation.pair(index)
    if evaluation.settings.of_documents:
        errors = _document_errors(pair, threshold, evaluation.positive or 1)
    else:
        errors = _segment_errors(pair, threshold)
    if pair.counted is not None:
        errors = np.where(pair.counted, errors, np.uint8(0))
    if errors.shape == evaluation.shape[-2:]:
        return errors
    plane = np.zeros(evaluation.shape[-2:], np.uint8)  # beside a page there is nothing
    plane[: errors.shape[0], : errors.shape[1]] = errors
    return plane
