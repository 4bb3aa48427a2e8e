"""The weight maps of the pseudo-F-measure: what a missed or a spurious pixel costs, by where it lies."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from napari_unets.metrics.chessboard import carry_largest, chessboard_distance, ways_back
from napari_unets.metrics.skeleton import skeleton
from napari_unets.metrics.stroke_sections import normalise, raise_ridge, spread

__all__ = ["pseudo_f_measure", "pseudo_weights"]

_EIGHT = np.ones((3, 3), dtype=bool)


@dataclass(frozen=True)
class _Ink:
    components: NDArray[np.int32]
    boxes: list[tuple[slice, slice]]
    contour: NDArray[np.bool_]
    to_contour: NDArray[np.int32]
    widths: NDArray[np.int32]


def _complete_skeleton(mask: NDArray[np.bool_], components: NDArray[np.int32], n: int) -> NDArray[np.bool_]:
    """Skeleton of a mask in which a component that was thinned away keeps the pixel at its centroid."""
    lines = skeleton(mask)
    has_line = np.zeros(n + 1, dtype=bool)
    has_line[components[lines]] = True
    lost = np.flatnonzero(~has_line[1:]) + 1
    if lost.size:
        boxes = scipy.ndimage.find_objects(components)
        for label in lost:
            box = boxes[label - 1]
            ys, xs = np.nonzero(components[box] == label)
            y, x = int(np.floor(ys.mean() + 0.5)), int(np.floor(xs.mean() + 0.5))
            if components[box][y, x] != label:
                y, x = int(ys[0]), int(xs[0])
            lines[box][y, x] = True
    return lines


def _recall_weights(ink: NDArray[np.bool_]) -> tuple[NDArray[np.float64], _Ink]:
    cross = scipy.ndimage.generate_binary_structure(2, 1)
    contour = ink & ~scipy.ndimage.binary_erosion(ink, cross)
    to_contour = chessboard_distance(contour)
    components, n = scipy.ndimage.label(ink, structure=_EIGHT, output=np.int32)
    ridge = _complete_skeleton(ink, components, n)
    distance = np.where(ink, to_contour, 0)
    distance[contour & ridge] = 1
    raise_ridge(distance, ridge)
    factor, normaliser = normalise(distance, ridge, contour, max(ink.shape))
    weights = np.divide(distance, normaliser, out=np.zeros(ink.shape), where=normaliser > 0)
    of_ridge = components[ridge]
    totals = np.bincount(of_ridge, weights=factor[ridge], minlength=n + 1)
    lengths = np.bincount(of_ridge, minlength=n + 1)
    widths = (2 * (totals.astype(np.int64) // np.maximum(lengths, 1))).astype(np.int32)
    return weights, _Ink(components, scipy.ndimage.find_objects(components), contour, to_contour, widths)


def _clear(image: NDArray[np.bool_], width: int) -> None:
    """Unset a frame of some pixels."""
    image[:width] = image[-width:] = False
    image[:, :width] = image[:, -width:] = False


def _paper_skeleton(ink: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Middle lines of the paper; the frame of the page is none of it."""
    paper = ~ink
    _clear(paper, 1)
    components, n = scipy.ndimage.label(paper, structure=_EIGHT, output=np.int32)
    _clear(paper, 2)
    return _complete_skeleton(paper, components, n)


def _precision_weights(ink: NDArray[np.bool_], ridge: NDArray[np.bool_], found: _Ink) -> NDArray[np.float64]:
    near = np.zeros(ink.shape, dtype=bool)
    for label, (rows, columns) in enumerate(found.boxes, start=1):
        margin = int(2 * found.widths[label])
        top, left = max(rows.start - margin, 0), max(columns.start - margin, 0)
        near[top : rows.stop + margin, left : columns.stop + margin] = True
    near &= ~ink
    _clear(near, 1)
    distance = np.where(near, found.to_contour, 0)
    raise_ridge(distance, ridge)
    widest = int(found.widths.max(initial=0))
    distance[distance > widest] = 0
    order = ways_back(found.to_contour, distance > 0)
    labels = np.where(found.contour, found.components, 0)
    reach, lowest = found.widths[labels], -labels
    for values in (reach, labels, lowest):
        carry_largest(values, found.to_contour, order)
    # beyond the reach of the nearest stroke nothing is weighed, and no skeleton matters
    distance[distance > reach] = 0
    _, area = normalise(distance, ridge, found.contour, 2 * widest)
    to_gap = chessboard_distance((labels != -lowest) & (area > 0))
    return spread(distance, reach, area, to_gap)


def pseudo_weights(truth: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights of the ink for pseudo-recall, and of the paper for pseudo-precision.

    Parameters
    ----------
    truth : bool, (y, x)
        True on ink.

    Returns
    -------
    recall : float64, (y, x)
        RW: over every section of a stroke the weights add up to 1 (of one three pixels wide to 1/2), so that a broken
        stroke costs the same whatever its width; 0 on most border pixels, and on paper.
    precision : float64, (y, x)
        PW, up to 2: grows from the border of a stroke to as far as the stroke is wide, or to the middle of the gap
        where another stroke is near, so that ink joining two letters costs most; 0 on ink and far from any.

    References
    ----------
    .. [1] K. Ntirogiannis, B. Gatos, I. Pratikakis, Performance evaluation methodology for historical document image
       binarization, IEEE Transactions on Image Processing 22(2), 2013.
    """
    # a frame that is neither ink nor paper spares all loops the question whether a neighbour is on the page
    ink = np.pad(np.asarray(truth, dtype=bool), 1)
    with ThreadPoolExecutor(1, thread_name_prefix="scores") as pool:
        paper_skeleton = pool.submit(_paper_skeleton, ink)
        recall, found = _recall_weights(ink)
        precision = _precision_weights(ink, paper_skeleton.result(), found)
    return recall[1:-1, 1:-1], precision[1:-1, 1:-1]


def pseudo_f_measure(predicted: ArrayLike, truth: ArrayLike, mask: NDArray[np.bool_] | None = None) -> float:
    """Pseudo-F-measure of a page in percent, 200 P' R' / (P' + R').

    Parameters
    ----------
    predicted, truth : bool, (y, x)
        True on ink.
    mask : bool, same shape, optional
        True where pixels count.

    Returns
    -------
    float
        NaN where neither has any ink.
    """
    result, ink = np.asarray(predicted, dtype=bool), np.asarray(truth, dtype=bool)
    counted = np.ones(ink.shape, dtype=bool) if mask is None else mask
    result, ink_counted = result & counted, ink & counted
    if not result.any():
        return 0.0 if ink_counted.any() else float("nan")
    recall_weights, precision_weights = pseudo_weights(ink)
    hit = result & ink_counted
    of_ink = float(recall_weights[ink_counted].sum())
    recall = float(recall_weights[hit].sum()) / of_ink if of_ink else 0.0
    precision = float((1.0 + precision_weights[hit]).sum()) / float((1.0 + precision_weights[result]).sum())
    return 200.0 * precision * recall / (precision + recall) if precision + recall > 0.0 else 0.0
