"""Which parts of a stack its statistics are measured on: so many that they are sure, so few that it takes seconds."""

from __future__ import annotations

from collections.abc import Iterator
from math import isqrt

import numpy as np

from napari_unets.images.decoded import Window
from napari_unets.images.stack import Stack

__all__ = ["LARGEST_BLOCK", "LARGEST_SAMPLE", "bands", "sampled_windows"]

#: Pixels that are looked at together.
LARGEST_BLOCK = 2**22
#: Pixels that are looked at in all: 32 planes of 2048² pixels.
LARGEST_SAMPLE = 2**27
#: Side of the squares that are read of larger planes; chunks and tiles of files are rarely of another size than this,
#: its half or its double.
_SQUARE = 512


def sampled_windows(stack: Stack, max_planes: int) -> list[tuple[int, Window]]:
    """Choose evenly spread planes, and of planes that are too large in all, evenly spread squares; always the same.

    Parameters
    ----------
    stack : Stack
        The stack. Nothing of it is read.
    max_planes : int
        The most planes.

    Returns
    -------
    list of (int, window)
        Plane and region, of at most 2²² pixels each and about 2²⁷ in all.
    """
    n = min(max_planes, stack.n_planes)
    numbers = np.unique(np.linspace(0, stack.n_planes - 1, n).round().astype(int)).tolist()
    height, width = stack.plane_shape
    share = LARGEST_SAMPLE // len(numbers)
    parts = list(bands(height, width) if height * width <= share else _squares(height, width, share))
    return [(i, part) for i in numbers for part in parts]


def bands(height: int, width: int) -> Iterator[Window]:
    """Cut a plane into bands of rows where it is large."""
    rows = max(1, LARGEST_BLOCK // width)
    for top in range(0, height, rows):
        yield slice(top, min(top + rows, height)), slice(0, width)


def _squares(height: int, width: int, pixels: int) -> Iterator[Window]:
    """Of a plane cut into squares, as many as hold so many pixels."""
    down, across = -(-height // _SQUARE), -(-width // _SQUARE)
    wanted = max(1, pixels // _SQUARE**2)
    rows = min(down, max(1, isqrt(wanted * down // across)))
    for row in _spread(down, rows):
        for column in _spread(across, min(across, max(1, wanted // rows))):
            yield _side(row, height), _side(column, width)


def _spread(n: int, count: int) -> list[int]:
    """So many of the numbers below n, each in the middle of its share."""
    return [(2 * i + 1) * n // (2 * count) for i in range(count)]


def _side(i: int, length: int) -> slice:
    return slice(i * _SQUARE, min((i + 1) * _SQUARE, length))
