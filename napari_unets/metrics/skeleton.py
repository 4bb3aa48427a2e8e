"""Thinning to a skeleton that costs one visit a pixel, however wide the strokes (or the paper between them) are."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_unets.metrics._compiled import compiled

__all__ = ["skeleton"]


def _removable() -> NDArray[np.bool_]:
    """For both sub-iterations, which of the 256 neighbourhoods lose their centre.

    Bit k of a neighbourhood is its k-th pixel, clockwise from the north.
    """
    codes = np.arange(256)
    ring = ((codes[:, None] >> np.arange(8)) & 1).astype(bool)
    following = np.roll(ring, -1, axis=1)
    neighbours = ring.sum(axis=1)
    once_entered = (~ring & following).sum(axis=1) == 1
    candidate = (neighbours >= 2) & (neighbours <= 6) & once_entered
    north, east, south, west = ring[:, 0], ring[:, 2], ring[:, 4], ring[:, 6]
    south_east = ~(north & east & south) & ~(east & south & west)
    north_west = ~(north & east & west) & ~(north & south & west)
    return np.stack([candidate & south_east, candidate & north_west])


def _simple() -> NDArray[np.bool_]:
    """Which neighbourhoods stay in one piece without their centre, and hold more than one pixel.

    Counted with Yokoi's number for 8-connected objects: the paper's runs that touch the centre by an edge.
    """
    codes = np.arange(256)
    paper = 1 - ((codes[:, None] >> np.arange(8)) & 1)
    runs = sum(paper[:, k] * (1 - paper[:, k + 1] * paper[:, (k + 2) % 8]) for k in (0, 2, 4, 6))
    return np.asarray((runs == 1) & (paper.sum(axis=1) <= 6))


_REMOVABLE = _removable()
_SIMPLE = _simple()


@compiled
def _thin(image: NDArray[np.bool_], width: int, removable: NDArray[np.bool_]) -> None:
    """Thin a flat image with a frame of False in place.

    A pixel can only go once something around it is not set. So the border is looked at first, and then only the
    neighbours of removed pixels, each in the next sub-iteration of both kinds.
    """
    steps = np.array([-width, 1 - width, 1, 1 + width, width, width - 1, -1, -1 - width])
    looks_left = np.zeros(image.size, dtype=np.uint8)
    n_set = np.count_nonzero(image)
    front, following = np.empty(n_set, dtype=np.int64), np.empty(n_set, dtype=np.int64)
    removed = np.empty(n_set, dtype=np.int64)
    n_front = 0
    for pixel in range(width, image.size - width):
        if image[pixel]:
            for step in steps:
                if not image[pixel + step]:
                    front[n_front] = pixel
                    n_front += 1
                    looks_left[pixel] = 2
                    break
    sub_iteration = 0
    while n_front > 0:
        n_removed = 0
        for i in range(n_front):
            pixel = front[i]
            code = 0
            for k in range(8):
                if image[pixel + steps[k]]:
                    code |= 1 << k
            if removable[sub_iteration, code]:
                removed[n_removed] = pixel
                n_removed += 1
        for i in range(n_removed):
            image[removed[i]] = False
            looks_left[removed[i]] = 0
        n_following = 0
        for i in range(n_front):
            pixel = front[i]
            if looks_left[pixel] > 0:
                looks_left[pixel] -= 1
                if looks_left[pixel] > 0:
                    following[n_following] = pixel
                    n_following += 1
        for i in range(n_removed):
            for step in steps:
                pixel = removed[i] + step
                if image[pixel]:
                    if looks_left[pixel] == 0:
                        following[n_following] = pixel
                        n_following += 1
                    looks_left[pixel] = 2
        front, following = following, front
        n_front = n_following
        sub_iteration = 1 - sub_iteration


@compiled
def _tidy(image: NDArray[np.bool_], width: int, simple: NDArray[np.bool_]) -> None:
    """Remove the corners of staircases from a flat skeleton with a frame of False, one by one in raster order."""
    steps = np.array([-width, 1 - width, 1, 1 + width, width, width - 1, -1, -1 - width])
    lines = np.flatnonzero(image)
    changed = True
    while changed:
        changed = False
        for pixel in lines:
            if not image[pixel]:
                continue
            code = 0
            for k in range(8):
                if image[pixel + steps[k]]:
                    code |= 1 << k
            if simple[code]:
                image[pixel] = False
                changed = True


def skeleton(mask: ArrayLike) -> NDArray[np.bool_]:
    """Thin a mask to lines one pixel wide: Zhang and Suen's two sub-iterations, then no staircases.

    Parameters
    ----------
    mask : bool, (y, x)
        What is outside the image counts as False.

    Returns
    -------
    bool, (y, x)
        A small symmetric blob, as a square of 2×2, may vanish.

    References
    ----------
    .. [1] T. Y. Zhang, C. Y. Suen, A fast parallel algorithm for thinning digital patterns, CACM 27(3), 1984.
    .. [2] H.-J. Lee, B. Chen, Recognition of handwritten Chinese characters via short line segments, Pattern
       Recognition 25(5), 1992: the skeleton of the DIBCO evaluation is tidied in this way.
    """
    framed = np.pad(np.asarray(mask, dtype=bool), 1)
    _thin(framed.reshape(-1), framed.shape[1], _REMOVABLE)
    _tidy(framed.reshape(-1), framed.shape[1], _SIMPLE)
    return np.ascontiguousarray(framed[1:-1, 1:-1])
