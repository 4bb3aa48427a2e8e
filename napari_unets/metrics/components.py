"""Connected components over faces, numbered in raster order."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_unets.metrics._compiled import compiled

__all__ = ["connected_components"]


@compiled
def _root(parents: NDArray[np.int32], label: int) -> int:
    while parents[label] != label:
        parents[label] = parents[parents[label]]
        label = parents[label]
    return label


@compiled
def _label(mask: NDArray[np.bool_], labels: NDArray[np.int32]) -> int:
    """Fill ``labels`` (z, y, x) and return the number of components.

    Two passes with a union-find: the root of a component is its first provisional label, so that renumbering
    the roots in their order numbers the components by their first pixel.
    """
    depth, height, width = mask.shape
    parents = np.empty(mask.size // 2 + 2, dtype=np.int32)
    used = 0
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                if not mask[z, y, x]:
                    labels[z, y, x] = 0
                    continue
                label = 0
                if x > 0 and mask[z, y, x - 1]:
                    label = _root(parents, labels[z, y, x - 1])
                for axis in range(2):
                    if axis == 0:
                        if y == 0 or not mask[z, y - 1, x]:
                            continue
                        other = _root(parents, labels[z, y - 1, x])
                    else:
                        if z == 0 or not mask[z - 1, y, x]:
                            continue
                        other = _root(parents, labels[z - 1, y, x])
                    if label == 0 or label == other:
                        label = other
                    elif label < other:
                        parents[other] = label
                    else:
                        parents[label] = other
                        label = other
                if label == 0:
                    used += 1
                    label = used
                    parents[used] = used
                labels[z, y, x] = label
    count = 0
    for label in range(1, used + 1):
        # a root is smaller than its members, so what a member points to has its final number already
        if parents[label] == label:
            count += 1
            parents[label] = count
        else:
            parents[label] = parents[parents[label]]
    flat = labels.ravel()
    for i in range(flat.size):
        if flat[i] > 0:
            flat[i] = parents[flat[i]]
    return count


def connected_components(mask: ArrayLike) -> tuple[NDArray[np.int32], int]:
    """Label the components of a mask: 4-connected in 2-D, 6-connected in 3-D.

    Parameters
    ----------
    mask : array, (y, x) or (z, y, x)
        What is not zero belongs to a component.

    Returns
    -------
    labels : int32, shape of ``mask``
        1, 2, … in the raster order of the components' first pixels; 0 where the mask is zero.
    count : int
        The number of components.
    """
    array = np.ascontiguousarray(np.asarray(mask) != 0)
    volume = array.reshape((1, *array.shape)) if array.ndim == 2 else array
    labels = np.empty(volume.shape, dtype=np.int32)
    count = int(_label(volume, labels))
    return labels.reshape(array.shape), count
