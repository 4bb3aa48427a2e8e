"""From a plane or a volume to the segments that V_rand and V_info compare."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from napari_unets.metrics.overlap import Overlap, overlap
from napari_unets.metrics.thinning import thinned_segments

__all__ = ["overlaps", "predicted_segments"]


def predicted_segments(
    prediction: NDArray[np.generic], thresholds: Sequence[float], *, ids: bool
) -> Iterator[NDArray[np.integer]]:
    """Segments of a prediction, one image for each threshold.

    Parameters
    ----------
    prediction : array, (y, x) or (z, y, x)
        Probability of cell (floats), a mask of cells, or segment ids.
    thresholds : sequence of float
        Used with probabilities only; a pixel is interior where its probability, as float32, exceeds the threshold.
    ids : bool
        The prediction has segment ids: they are used as they are, without thinning.
    """
    if ids:
        yield prediction.astype(np.int64, copy=False)
    elif prediction.dtype.kind == "f":
        probability = prediction.astype(np.float32, copy=False).astype(np.float64)
        for threshold in thresholds:
            yield thinned_segments(probability > threshold)
    else:
        yield thinned_segments(prediction != 0)


def overlaps(
    prediction: NDArray[np.generic],
    truth: NDArray[np.integer],
    thresholds: Sequence[float],
    *,
    ids: bool,
    mask: NDArray[np.bool_] | None = None,
) -> list[Overlap]:
    """Tables of overlaps of a prediction with the segments of a truth, one for each threshold."""
    return [overlap(truth, segments, mask) for segments in predicted_segments(prediction, thresholds, ids=ids)]
