"""Chessboard distance (how many steps a king needs), and what is at the other end of it.

All images here have a frame of one pixel that belongs to nothing, so that every pixel inside has eight neighbours.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_unets.metrics._compiled import compiled

__all__ = ["carry_largest", "carry_last_visitor", "chessboard_distance", "ways_back"]

_FAR = 2**30
_FRAME = -9  # neither a distance nor beside one


@compiled
def _steps(width: int) -> NDArray[np.int64]:
    return np.array([-width - 1, -width, -width + 1, -1, 1, width - 1, width, width + 1])


@compiled
def chessboard_distance(feature: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Distance of every pixel to the nearest one that is set, max(|Δy|, |Δx|).

    Parameters
    ----------
    feature : bool, (y, x)
        Where the distance is 0; nowhere on the frame.

    Returns
    -------
    int32, (y, x)
        At least 2³⁰ where nothing is set; negative on the frame.
    """
    height, width = feature.shape
    distance = np.empty((height, width), dtype=np.int32)
    distance[0], distance[-1], distance[:, 0], distance[:, -1] = _FAR, _FAR, _FAR, _FAR
    # exact in two sweeps, from the top left and from the bottom right
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            above = min(distance[y - 1, x - 1], distance[y - 1, x], distance[y - 1, x + 1])
            distance[y, x] = 0 if feature[y, x] else min(above, distance[y, x - 1], _FAR) + 1
    for y in range(height - 2, 0, -1):
        for x in range(width - 2, 0, -1):
            below = min(distance[y + 1, x - 1], distance[y + 1, x], distance[y + 1, x + 1])
            distance[y, x] = min(distance[y, x], min(below, distance[y, x + 1]) + 1)
    distance[0], distance[-1], distance[:, 0], distance[:, -1] = _FRAME, _FRAME, _FRAME, _FRAME
    return distance


@compiled
def ways_back(distance: NDArray[np.int32], needed: NDArray[np.bool_]) -> NDArray[np.int64]:
    """All pixels that a king may cross on his shortest ways from where an answer is needed to his nearest features.

    Parameters
    ----------
    distance : int32, (y, x)
        Of `chessboard_distance`.
    needed : bool, (y, x)
        Where an answer is needed; nowhere on the frame.

    Returns
    -------
    int64, (n,)
        Flat indices, nearest first.
    """
    flat, met = distance.ravel(), needed.ravel().copy()
    steps = _steps(distance.shape[1])
    pixels = np.flatnonzero(met)
    farthest = -1
    for pixel in pixels:
        farthest = max(farthest, flat[pixel])
    start = np.zeros(farthest + 2, dtype=np.int64)
    for pixel in pixels:
        start[flat[pixel] + 1] += 1
    start = np.cumsum(start)
    by_distance, place = np.empty_like(pixels), start.copy()
    for pixel in pixels:
        by_distance[place[flat[pixel]]] = pixel
        place[flat[pixel]] += 1
    order = np.empty(flat.size, dtype=np.int64)
    begin, end = 0, 0
    for level in range(farthest, -1, -1):
        before, begin = begin, end
        for i in range(before, begin):
            for step in steps:
                pixel = order[i] + step
                if flat[pixel] == level and not met[pixel]:
                    met[pixel] = True
                    order[end] = pixel
                    end += 1
        for i in range(start[level], start[level + 1]):
            order[end] = by_distance[i]
            end += 1
    return order[:end][::-1].copy()


@compiled
def carry_largest(values: NDArray[np.int32], distance: NDArray[np.int32], order: NDArray[np.int64]) -> None:
    """Give every pixel the largest value among all the features that are nearest to it.

    A king at distance d from his nearest features gets to each of them over a neighbour at distance d − 1, and what is
    nearest to such a neighbour is nearest to him. So the answer is carried along, from the nearest to the farthest.

    Parameters
    ----------
    values : int32, (y, x)
        Read at the features; changed in place on the ways back to them.
    distance : int32, (y, x)
        Of `chessboard_distance`.
    order : int64, (n,)
        Of `ways_back`.
    """
    flat_distance, flat_values = distance.ravel(), values.ravel()
    steps = _steps(distance.shape[1])
    for pixel in order:
        before = flat_distance[pixel] - 1
        if before < 0:
            continue  # a feature itself
        largest = np.iinfo(np.int32).min
        for step in steps:
            if flat_distance[pixel + step] == before:
                largest = max(largest, flat_values[pixel + step])
        flat_values[pixel] = largest


@compiled
def carry_last_visitor(
    last: NDArray[np.int64], visits: NDArray[np.bool_], distance: NDArray[np.int32], order: NDArray[np.int64]
) -> None:
    """Give every feature the last pixel in raster order among those that it is a nearest feature of.

    Parameters
    ----------
    last : int64, (y, x)
        Zeros; receives the flat index of that pixel on the ways back, 0 for none.
    visits : bool, (y, x)
        Which pixels count.
    distance : int32, (y, x)
        Of `chessboard_distance`.
    order : int64, (n,)
        Of `ways_back`.
    """
    flat_visits, flat_distance, flat_last = visits.ravel(), distance.ravel(), last.ravel()
    steps = _steps(distance.shape[1])
    for i in range(order.size - 1, -1, -1):
        pixel = order[i]
        latest = pixel if flat_visits[pixel] else 0
        after = flat_distance[pixel] + 1
        for step in steps:
            if flat_distance[pixel + step] == after:
                latest = max(latest, flat_last[pixel + step])
        flat_last[pixel] = latest
