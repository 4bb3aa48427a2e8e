"""Objects of a slice by merging small regions over weak borders."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.graph import merge_hierarchical, rag_boundary
from skimage.segmentation import watershed

from napari_unets.inference.instances import without_small

__all__ = ["merged_instances"]

_SMOOTHING = 1.5  # pixels; a seed every few pixels otherwise, where the probability is flat


def merged_instances(
    probability_of_membrane: npt.NDArray[np.floating],
    threshold: float = 0.5,
    min_size: int = 64,
    *,
    merge_below: float = 0.3,
) -> npt.NDArray[np.uint32]:
    """Separate the objects of one slice by merging the regions of a watershed on the probability itself.

    Every basin of the smoothed probability is a region at first, borders running along the ridges, also where these
    are far below the threshold. Then the two neighbours with the lowest mean probability along their border are
    merged, and the borders of the new region averaged by their lengths, until no border is below ``merge_below`` [1]_.
    A faint membrane thus separates along its whole length, or not at all, where thresholding leaves holes. It takes
    two to three times as long as :func:`~napari_unets.inference.membrane_instances`.

    Parameters
    ----------
    probability_of_membrane : ndarray, shape (y, x)
        In [0, 1].
    threshold : float
        Pixels whose probability is above this belong to no object in the end.
    min_size : int
        Objects of fewer pixels are left out.
    merge_below : float
        Mean probability of a border, below which it is none.

    Returns
    -------
    ndarray of uint32, shape (y, x)
        0 on the membrane, and the numbers 1 to n for the n objects.

    References
    ----------
    .. [1] Nunez-Iglesias et al., Machine learning of hierarchical clustering to segment 2D and 3D images,
       PLoS ONE 8:e71715, 2013: merging by the mean boundary probability is its base line.
    """
    probability = np.asarray(probability_of_membrane, np.float32)
    smooth = ndimage.gaussian_filter(probability, _SMOOTHING)
    seeds, count = ndimage.label((smooth <= ndimage.minimum_filter(smooth, 7)) & (probability <= threshold))
    if count == 0:
        return np.zeros(probability.shape, np.uint32)
    regions = watershed(smooth, seeds)  # type: ignore[no-untyped-call]
    if count > 1:
        graph = rag_boundary(regions, probability.astype(np.float64))  # type: ignore[no-untyped-call]
        regions = (
            merge_hierarchical(  # type: ignore[no-untyped-call]
                regions,
                graph,
                thresh=merge_below,
                rag_copy=False,
                in_place_merge=True,
                merge_func=_keep_nodes,
                weight_func=_mean_border,
            )
            + 1
        )
    return without_small(np.where(probability <= threshold, regions, 0), min_size)


def _keep_nodes(graph: Any, source: int, target: int) -> None:
    """Nothing is kept of a region but its borders."""


def _mean_border(graph: Any, source: int, target: int, neighbour: int) -> dict[str, float]:
    """Mean along the border of two merged regions with a third, weighted by length."""
    nothing = {"weight": 0.0, "count": 0}
    one, two = graph[source].get(neighbour, nothing), graph[target].get(neighbour, nothing)
    count = one["count"] + two["count"]
    return {"count": count, "weight": (one["count"] * one["weight"] + two["count"] * two["weight"]) / count}
