"""Sections through the strokes of a page: how wide the ink, or the paper between two strokes, is at a pixel.

All images here have a frame of one pixel that belongs to nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_unets.metrics._compiled import compiled
from napari_unets.metrics.chessboard import carry_largest, carry_last_visitor, chessboard_distance, ways_back

__all__ = ["normalise", "raise_ridge", "spread"]


@compiled
def raise_ridge(distance: NDArray[np.int32], ridge: NDArray[np.bool_]) -> None:
    """Add one on skeleton pixels whose four neighbours are as far from the contour as they are, in raster order.

    Parameters
    ----------
    distance : int32, (y, x)
        Distance to the contour; changed in place.
    ridge : bool, (y, x)
        The skeleton.
    """
    height, width = distance.shape
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            here = distance[y, x]
            if (
                ridge[y, x]
                and here > 0
                and distance[max(y - 1, 1), x] == here
                and distance[min(y + 1, height - 2), x] == here
                and distance[y, max(x - 1, 1)] == here
                and distance[y, min(x + 1, width - 2)] == here
            ):
                distance[y, x] = here + 1


@compiled
def _continue_ends(factor: NDArray[np.int32], ridge: NDArray[np.bool_]) -> None:
    """Give the end of a line, where no section can be drawn, the factor of its one neighbour plus 1."""
    height, width = factor.shape
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            if not ridge[y, x]:
                continue
            neighbours = -1  # the pixel itself
            of_neighbour = 0
            for row in range(y - 1, y + 2):
                for column in range(x - 1, x + 2):
                    if ridge[row, column]:
                        neighbours += 1
                        if row != y or column != x:
                            of_neighbour = factor[row, column]
            if neighbours == 1:
                factor[y, x] = of_neighbour + 1


@compiled
def _even_out(normaliser: NDArray[np.int32]) -> None:
    """Let a pixel whose normaliser differs from those of all four neighbours take over the left one's."""
    height, width = normaliser.shape
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            here, left = normaliser[y, x], normaliser[y, max(x - 1, 1)]
            up, down = normaliser[max(y - 1, 1), x], normaliser[min(y + 1, height - 2), x]
            right = normaliser[y, min(x + 1, width - 2)]
            if here == 0 or up == 0 or down == 0 or left == 0 or right == 0:
                continue
            if here != up and here != down and here != left and here != right:
                normaliser[y, x] = left


def normalise(
    distance: NDArray[np.int32], ridge: NDArray[np.bool_], on_contour: NDArray[np.bool_], farthest: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Sum of the distances over the section of the stroke that a pixel lies on.

    Parameters
    ----------
    distance : int32, (y, x)
        Distance to the contour, D; 0 where nothing is weighed.
    ridge : bool, (y, x)
        The skeleton.
    on_contour : bool, (y, x)
        Contour pixels of the ink.
    farthest : int
        Pixels farther from the skeleton get no normaliser.

    Returns
    -------
    factor : int32, (y, x)
        On the skeleton D where the section has an odd number of pixels and D + 1 where it has an even one, so that D ×
        factor is the sum of D over it; half of the stroke's width. What sees the pixel last in raster order decides.
    normaliser : int32, (y, x)
        For every pixel with a distance, the largest D × factor over the skeleton pixels nearest to it.
    """
    to_ridge = chessboard_distance(ridge)
    weighed = (distance > 0) & (to_ridge <= farthest)
    order = ways_back(to_ridge, weighed)
    last = np.zeros(distance.shape, dtype=np.int64)
    carry_last_visitor(last, weighed, to_ridge, order)
    at = np.flatnonzero(ridge)
    visitor = last.reshape(-1)[at]
    inside = ridge.reshape(-1)[visitor] & ~on_contour.reshape(-1)[visitor]
    even = np.where(inside, 1, to_ridge.reshape(-1)[visitor]) >= distance.reshape(-1)[at]
    factor, normaliser = np.zeros(distance.shape, dtype=np.int32), np.zeros(distance.shape, dtype=np.int32)
    factor.reshape(-1)[at] = np.where(visitor > 0, distance.reshape(-1)[at] + even, 1)
    _continue_ends(factor, ridge)
    normaliser.reshape(-1)[at] = distance.reshape(-1)[at] * factor.reshape(-1)[at]
    carry_largest(normaliser, to_ridge, order)
    normaliser[~weighed] = 0
    _even_out(normaliser)
    return factor, normaliser


@compiled
def spread(
    distance: NDArray[np.int32], reach: NDArray[np.int32], area: NDArray[np.int32], to_gap: NDArray[np.int32]
) -> NDArray[np.float64]:
    """Weight of every paper pixel, its distance over the stroke's width or over the gap between two strokes, ≤ 2.

    Parameters
    ----------
    distance : int32, (y, x)
        Distance to the contour; 0 where nothing is weighed.
    reach : int32, (y, x)
        Stroke width of the nearest component.
    area : int32, (y, x)
        Normaliser of the paper, about the square of half of its width there.
    to_gap : int32, (y, x)
        Chessboard distance to where two components are equally near.
    """
    height, width = distance.shape
    weights = np.zeros((height, width), dtype=np.float64)
    for y in range(height):
        for x in range(width):
            here, normaliser = distance[y, x], reach[y, x]
            if here <= 0:
                continue
            slack = normaliser - here
            if slack > 0 and to_gap[y, x] <= slack and area[y, x] > 0:
                normaliser = min(normaliser, np.int32(np.floor(np.sqrt(area[y, x]) + 0.5)))
            if normaliser > 0:
                weights[y, x] = min(here / normaliser, 2.0)
    return weights
