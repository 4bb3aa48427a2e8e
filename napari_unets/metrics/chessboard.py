"""Chessboard distance: how many steps a king needs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_unets.metrics._compiled import compiled

__all__ = ["chessboard_distance"]

_FAR = 2**30


@compiled
def chessboard_distance(feature: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Distance of every pixel to the nearest one that is set, max(|Δy|, |Δx|).

    Parameters
    ----------
    feature : bool, (y, x)
        Where the distance is 0.

    Returns
    -------
    int32, (y, x)
        At least 2³⁰ where nothing is set.
    """
    height, width = feature.shape
    distance = np.empty((height, width), dtype=np.int32)
    # exact in two sweeps, from the top left and from the bottom right
    for y in range(height):
        for x in range(width):
            nearest = _FAR
            if feature[y, x]:
                nearest = 0
            else:
                if x > 0:
                    nearest = min(nearest, distance[y, x - 1] + 1)
                if y > 0:
                    for column in range(max(x - 1, 0), min(x + 2, width)):
                        nearest = min(nearest, distance[y - 1, column] + 1)
            distance[y, x] = nearest
    for y in range(height - 1, -1, -1):
        for x in range(width - 1, -1, -1):
            nearest = distance[y, x]
            if x < width - 1:
                nearest = min(nearest, distance[y, x + 1] + 1)
            if y < height - 1:
                for column in range(max(x - 1, 0), min(x + 2, width)):
                    nearest = min(nearest, distance[y + 1, column] + 1)
            distance[y, x] = nearest
    return distance
