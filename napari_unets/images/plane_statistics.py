"""What the classical binarisations must know of a whole page before they look at any part of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import scipy
import skimage
from numpy.typing import NDArray

from napari_unets.images.collectors import has_value
from napari_unets.images.normalise import Statistics, luminance_of
from napari_unets.images.sampling import bands
from napari_unets.images.stack import Stack

__all__ = ["PlaneStatistics"]

_BINS = 256


def _none() -> NDArray[np.float64]:
    return np.empty(0)


@dataclass(frozen=True, eq=False)
class PlaneStatistics(Statistics):
    """Statistics that each plane has of its own, worked out when a plane is first asked for.

    Attributes
    ----------
    method : {"otsu", "wolf"}
        ``otsu``: the plane's threshold by Otsu's method becomes 0, and the range of its type (of real numbers: of the
        plane) 1. ``wolf``: the darkest value becomes 0, and the largest standard deviation of any square 1.
    window : int
        Side of the squares of ``wolf``, in pixels.
    """

    offset: NDArray[np.float64] = field(default_factory=_none)
    scale: NDArray[np.float64] = field(default_factory=_none)
    method: Literal["otsu", "wolf"] = "otsu"
    window: int = 1
    _known: dict[int, Statistics] = field(default_factory=dict, repr=False)

    def of_plane(self, stack: Stack, plane: int) -> Statistics:
        """Return what holds for one plane of the stack; always the same stack, whose colour counts as luminance."""
        if plane not in self._known:
            pair = _otsu(stack, plane) if self.method == "otsu" else _wolf(stack, plane, self.window)
            self._known[plane] = Statistics(np.array(pair[:1]), np.array([pair[1] if pair[1] > 0 else 1.0]))
        return self._known[plane]


def _otsu(stack: Stack, plane: int) -> tuple[float, float]:
    """Value between ink and paper, and the range of values."""
    integers = stack.dtype.kind in "bu" and stack.dtype.itemsize <= 2
    largest = 1 if stack.dtype.kind == "b" else 2 ** (8 * stack.dtype.itemsize) - 1
    low, high = (0.0, float(largest)) if integers else _extremes(stack, plane)
    edges = np.arange(largest + 2) - 0.5 if integers else np.linspace(low, high, _BINS + 1)
    counts = np.zeros(len(edges) - 1, np.int64)
    if high > low:
        for band, _ in _bands(stack, plane):
            counts += _histogram(band, edges)
    used = np.flatnonzero(counts)
    if len(used) < 2:  # a blank page: all of it is paper
        return (float(edges[used[0]]) if len(used) else low - 1.0), high - low
    if len(used) == 2:  # nothing to choose
        return float(edges[used[0] + 1]), high - low
    middles = (edges[1:] + edges[:-1]) / 2
    threshold = float(skimage.filters.threshold_otsu(hist=(counts, middles)))  # type: ignore[no-untyped-call]
    # The threshold is the middle of the last class that is ink; whole numbers are told apart half-way to the next.
    return threshold + (0.5 if integers else 0.0), high - low


def _histogram(band: NDArray[Any], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    if band.dtype.kind in "bu" and band.dtype.itemsize <= 2:
        return np.bincount(band.ravel(), minlength=len(edges) - 1)
    return np.histogram(band[has_value(band)], edges)[0]


def _wolf(stack: Stack, plane: int, window: int) -> tuple[float, float]:
    """Darkest value, and the largest standard deviation of a square."""
    darkest, largest = np.inf, 0.0
    for band, core in _bands(stack, plane, window // 2):
        values = band.astype(np.float64)
        valid = has_value(values)
        if not valid.all():
            values[~valid] = values[valid].mean() if valid.any() else 0.0
        mean = scipy.ndimage.uniform_filter(values, window, mode="mirror")
        square = scipy.ndimage.uniform_filter(values * values, window, mode="mirror")
        darkest = min(darkest, float(values.min()))
        largest = max(largest, float((square - mean * mean)[core].max()))
    return darkest, float(np.sqrt(largest))


def _extremes(stack: Stack, plane: int) -> tuple[float, float]:
    low, high = np.inf, -np.inf
    for band, _ in _bands(stack, plane):
        values = band[has_value(band)]
        if values.size:
            low, high = min(low, float(values.min())), max(high, float(values.max()))
    return (low, high) if low <= high else (0.0, 0.0)


def _bands(stack: Stack, plane: int, halo: int = 0) -> Iterator[tuple[NDArray[Any], slice]]:
    """Luminance of a plane, in bands of rows where it is large, and which rows of a band are no halo."""
    height, width = stack.plane_shape
    for rows, columns in bands(height, width):
        first, last = max(0, rows.start - halo), min(height, rows.stop + halo)
        band = stack.plane(plane, (slice(first, last), columns))
        yield luminance_of(band) if stack.is_rgb else band, slice(rows.start - first, rows.stop - first)
