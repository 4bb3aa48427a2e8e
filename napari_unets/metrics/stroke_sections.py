"""Sections through the strokes of a page: how wide the ink, or the paper between two strokes, is at a pixel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_unets.metrics._compiled import compiled

__all__ = ["combine", "nearest_strokes", "normalise", "raise_ridge"]


@compiled
def _on_ring(feature: NDArray[np.bool_], y: int, x: int, radius: int, hits: NDArray[np.int64]) -> int:
    """Write the flat indices of the feature's pixels on a square ring into ``hits``; return how many."""
    height, width = feature.shape
    found = 0
    left, right = max(x - radius, 0), min(x + radius, width - 1)
    for row in (y - radius, y + radius):
        if 0 <= row < height:
            for column in range(left, right + 1):
                if feature[row, column]:
                    hits[found] = row * width + column
                    found += 1
        if radius == 0:
            return found
    top, bottom = max(y - radius + 1, 0), min(y + radius - 1, height - 1)
    for column in (x - radius, x + radius):
        if 0 <= column < width:
            for row in range(top, bottom + 1):
                if feature[row, column]:
                    hits[found] = row * width + column
                    found += 1
    return found


@compiled
def raise_ridge(distance: NDArray[np.int32], ridge: NDArray[np.bool_]) -> None:
    """Add one on skeleton pixels whose four neighbours are as far from the contour as they are, in raster order."""
    height, width = distance.shape
    for y in range(height):
        for x in range(width):
            here = distance[y, x]
            if (
                ridge[y, x]
                and here > 0
                and distance[max(y - 1, 0), x] == here
                and distance[min(y + 1, height - 1), x] == here
                and distance[y, max(x - 1, 0)] == here
                and distance[y, min(x + 1, width - 1)] == here
            ):
                distance[y, x] = here + 1


@compiled
def _factors(
    distance: NDArray[np.int32],
    ridge: NDArray[np.bool_],
    to_ridge: NDArray[np.int32],
    on_contour: NDArray[np.bool_],
    farthest: int,
) -> NDArray[np.int32]:
    """Factor of every skeleton pixel, so that D times it is the sum of D over the section of the stroke there.

    D where the section has an odd number of pixels, D + 1 where it has an even one; what a pixel beside
    the skeleton sees last in raster order decides.
    """
    height, width = distance.shape
    factor = np.zeros((height, width), dtype=np.int32)
    flat_factor, flat_distance = factor.ravel(), distance.ravel()
    hits = np.empty(8 * farthest + 8, dtype=np.int64)
    for y in range(height):
        for x in range(width):
            if ridge[y, x]:
                factor[y, x] = max(factor[y, x], 1)
            radius = to_ridge[y, x]
            if distance[y, x] <= 0 or radius > farthest:
                continue
            reach = 1 if ridge[y, x] and not on_contour[y, x] else radius
            for i in range(_on_ring(ridge, y, x, radius, hits)):
                at = hits[i]
                flat_factor[at] = flat_distance[at] + (1 if reach >= flat_distance[at] else 0)
    return factor


@compiled
def _continue_ends(factor: NDArray[np.int32], ridge: NDArray[np.bool_]) -> None:
    """Give the end of a line, where no section can be drawn, the factor of its one neighbour plus 1."""
    height, width = factor.shape
    for y in range(height):
        for x in range(width):
            if not ridge[y, x]:
                continue
            neighbours = -1  # the pixel itself
            of_neighbour = 0
            for row in range(max(y - 1, 0), min(y + 2, height)):
                for column in range(max(x - 1, 0), min(x + 2, width)):
                    if ridge[row, column]:
                        neighbours += 1
                        if row != y or column != x:
                            of_neighbour = factor[row, column]
            if neighbours == 1:
                factor[y, x] = of_neighbour + 1


@compiled
def _even_out(normaliser: NDArray[np.int64], distance: NDArray[np.int32]) -> None:
    """Let a pixel whose normaliser differs from those of all four neighbours take over the left one's."""
    height, width = normaliser.shape
    for y in range(height):
        for x in range(width):
            if distance[y, x] <= 0:
                continue
            here, left = normaliser[y, x], normaliser[y, max(x - 1, 0)]
            up, down = normaliser[max(y - 1, 0), x], normaliser[min(y + 1, height - 1), x]
            right = normaliser[y, min(x + 1, width - 1)]
            if up == 0 or down == 0 or left == 0 or right == 0:
                continue
            if here != up and here != down and here != left and here != right:
                normaliser[y, x] = left


@compiled
def normalise(
    distance: NDArray[np.int32],
    ridge: NDArray[np.bool_],
    to_ridge: NDArray[np.int32],
    on_contour: NDArray[np.bool_],
    farthest: int,
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Sum of the distances over the section of the stroke that a pixel lies on.

    Parameters
    ----------
    distance : int32, (y, x)
        Distance to the contour, D; 0 where nothing is weighed.
    ridge : bool, (y, x)
        The skeleton.
    to_ridge : int32, (y, x)
        Chessboard distance to the skeleton.
    on_contour : bool, (y, x)
        Contour pixels of the ink.
    farthest : int
        Pixels farther from the skeleton are passed over.

    Returns
    -------
    factor : int32, (y, x)
        On the skeleton: D or D + 1, half of the stroke's width.
    normaliser : int64, (y, x)
        For every pixel with a distance, the largest D × factor over the skeleton pixels nearest to it.
    """
    height, width = distance.shape
    factor = _factors(distance, ridge, to_ridge, on_contour, farthest)
    _continue_ends(factor, ridge)
    normaliser = np.zeros((height, width), dtype=np.int64)
    flat_factor, flat_distance = factor.ravel(), distance.ravel()
    hits = np.empty(8 * farthest + 8, dtype=np.int64)
    for y in range(height):
        for x in range(width):
            if distance[y, x] <= 0 or to_ridge[y, x] > farthest:
                continue
            for i in range(_on_ring(ridge, y, x, to_ridge[y, x], hits)):
                at = hits[i]
                normaliser[y, x] = max(normaliser[y, x], flat_distance[at] * flat_factor[at])
    _even_out(normaliser, distance)
    return factor, normaliser


@compiled
def nearest_strokes(
    distance: NDArray[np.int32],
    contour: NDArray[np.bool_],
    to_contour: NDArray[np.int32],
    components: NDArray[np.int32],
    widths: NDArray[np.int64],
    farthest: int,
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Stroke width of the nearest component of every paper pixel, and whether two components are as near."""
    height, n_columns = distance.shape
    reach = np.zeros((height, n_columns), dtype=np.int32)
    between = np.zeros((height, n_columns), dtype=np.bool_)
    flat = components.ravel()
    hits = np.empty(8 * farthest + 8, dtype=np.int64)
    for y in range(height):
        for x in range(n_columns):
            radius = to_contour[y, x]
            if distance[y, x] <= 0 or radius > farthest:
                continue
            first = 0
            for i in range(_on_ring(contour, y, x, radius, hits)):
                label = flat[hits[i]]
                reach[y, x] = max(reach[y, x], widths[label])
                if first == 0:
                    first = label
                elif label != first:
                    between[y, x] = True
    return reach, between


@compiled
def combine(
    distance: NDArray[np.int32], reach: NDArray[np.int32], area: NDArray[np.int64], to_gap: NDArray[np.int32]
) -> NDArray[np.float64]:
    """Weight of every paper pixel, its distance over the stroke's width or over the gap between two strokes, ≤ 2.

    Parameters
    ----------
    distance : int32, (y, x)
        Distance to the contour; 0 where nothing is weighed.
    reach : int32, (y, x)
        Stroke width of the nearest component.
    area : int64, (y, x)
        Normaliser of the paper, about the square of half of its width there.
    to_gap : int32, (y, x)
        Chessboard distance to where two components are equally near.
    """
    height, width = distance.shape
    weights = np.zeros((height, width), dtype=np.float64)
    for y in range(height):
        for x in range(width):
            here, normaliser = distance[y, x], np.int64(reach[y, x])
            if here <= 0:
                continue
            slack = normaliser - here
            if slack > 0 and to_gap[y, x] <= slack:
                normaliser = min(normaliser, np.int64(np.floor(np.sqrt(area[y, x]) + 0.5)))
            if normaliser > 0:
                weights[y, x] = min(here / normaliser, 2.0)
    return weights
