"""Border thinning: membranes are flooded from the cells until only lines between two cells are left."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_unets.metrics._compiled import compiled
from napari_unets.metrics.components import connected_components

__all__ = ["thin_borders", "thinned_segments"]

_LINE = 0
_UNVISITED = -1
_QUEUED = -2
_OUTSIDE = -3
_BETWEEN = -4


@compiled
def _queue_front(labels: NDArray[np.int32], queue: NDArray[np.int64]) -> int:
    """Queue the membrane pixels beside a basin, plane by plane, column by column; return how many.

    ``labels`` has a frame of one pixel. The pixels are found row by row and then sorted by column: a scan down the
    columns of a large plane would miss the cache at every pixel.
    """
    depth, height, width = labels.shape
    flat = labels.ravel()
    found = np.empty(queue.size, dtype=np.int64)
    queued = 0
    for z in range(depth):
        n_found = 0
        in_column = np.zeros(width + 1, dtype=np.int64)
        for y in range(height):
            for x in range(width):
                at = (z * height + y) * width + x
                if flat[at] == _UNVISITED and (
                    flat[at - 1] > 0
                    or flat[at + 1] > 0
                    or flat[at - width] > 0
                    or flat[at + width] > 0
                    or (depth > 1 and (flat[at - width * height] > 0 or flat[at + width * height] > 0))
                ):
                    found[n_found] = at
                    n_found += 1
                    in_column[x + 1] += 1
        place = queued + np.cumsum(in_column)
        for i in range(n_found):
            column = found[i] % width
            queue[place[column]] = found[i]
            place[column] += 1
        queued += n_found
    for i in range(queued):
        flat[queue[i]] = _QUEUED
    return queued


@compiled
def _flood(labels: NDArray[np.int32], offsets: NDArray[np.int64], n_membrane: int) -> None:
    """Flood the unvisited pixels of ``labels`` (framed) from the basins, first in, first out."""
    queue = np.empty(n_membrane, dtype=np.int64)
    end = _queue_front(labels, queue)
    flat = labels.ravel()
    at = 0
    while at < end:
        pixel = queue[at]
        at += 1
        label = _QUEUED
        for offset in offsets:
            neighbour = pixel + offset
            seen = flat[neighbour]
            if seen > 0:
                if label > 0:
                    if label != seen:
                        label = _BETWEEN  # two basins: line for good
                elif label != _BETWEEN:
                    label = seen  # the first basin; it also takes a pixel back that was line for touching one
            elif seen == _LINE:
                if label == _QUEUED:
                    label = _LINE
            elif seen == _UNVISITED:
                flat[neighbour] = _QUEUED
                queue[end] = neighbour
                end += 1
        flat[pixel] = label if label > 0 else _LINE


def thin_borders(labels: ArrayLike) -> NDArray[np.int32]:
    """Grow segments over the zeros between them until they meet.

    The thinning of the ISBI 2012 evaluation, to the pixel: the zeros are flooded first in, first out, over
    4-neighbours. The queue starts with the zeros that touch a segment, column by column. A pixel looks left, up,
    right, down: it takes the first segment it sees, becomes a line (0) where it sees a second one, and also where
    it sees nothing but a line. So a membrane that ends in the open vanishes, and both its sides are one segment.

    Parameters
    ----------
    labels : integers, (y, x) or (z, y, x)
        Segments > 0; a volume is flooded over 6-neighbours (left, up, right, down, previous, next plane),
        starting plane by plane.

    Returns
    -------
    int32, shape of ``labels``
        The grown segments, 0 on the lines. Without any segment, everything is segment 1.
    """
    array = np.asarray(labels)
    volume = array.reshape((1, *array.shape)) if array.ndim == 2 else array
    n_membrane = int(np.count_nonzero(volume == 0))
    if n_membrane == volume.size:
        return np.ones(array.shape, dtype=np.int32)
    depth, height, width = (size + 2 for size in volume.shape)
    framed = np.full((depth, height, width) if array.ndim == 3 else (1, height, width), _OUTSIDE, dtype=np.int32)
    inner = framed[1:-1, 1:-1, 1:-1] if array.ndim == 3 else framed[:, 1:-1, 1:-1]
    inner[...] = volume
    inner[inner == 0] = _UNVISITED
    offsets = [-1, -width, 1, width]
    if array.ndim == 3:
        offsets += [-height * width, height * width]
    _flood(framed, np.array(offsets, dtype=np.int64), n_membrane)
    return np.ascontiguousarray(inner).reshape(array.shape)


def thinned_segments(interior: ArrayLike) -> NDArray[np.int32]:
    """Segments of a map of cell interiors: its components, grown until only lines are left between them.

    Parameters
    ----------
    interior : bool, (y, x) or (z, y, x)
        True in cells, False on membranes.

    Returns
    -------
    int32, shape of ``interior``
        Segment ids from 1, and 0 on the lines where two segments meet.
    """
    labels, _ = connected_components(interior)
    return thin_borders(labels)
