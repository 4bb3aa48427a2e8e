"""Windows that are fitted to an image instead of having a fixed size."""

from __future__ import annotations

import bisect
import itertools
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from napari_unets.inference.geometry import Geometry

__all__ = ["Grid", "Span", "covered", "fit_axis", "fit_windows"]

#: Number of windows along an axis and their size.
_Choice: TypeAlias = tuple[int, int]


@dataclass(frozen=True)
class Span:
    """One window along one axis, in pixels of the plane.

    Attributes
    ----------
    start, stop : int
        What the network answers for. May reach beyond the plane, where its mirror image lies.
    first, last : int
        The part of it that is used.
    weights : ndarray of float32, shape (last - first,)
        1, and falling linearly where the next window takes over; the weights of all windows sum to 1.
    """

    start: int
    stop: int
    first: int
    last: int
    weights: npt.NDArray[np.float32] = field(repr=False, compare=False)

    @property
    def size(self) -> int:
        """Pixels that the network answers for."""
        return self.stop - self.start


def fit_axis(
    length: int, geometry: Geometry, halo: int, count: int, region: tuple[int, int] | None = None
) -> list[Span]:
    """Cover an axis by ``count`` windows of one size, as small as the halo lets it be.

    With ``n`` windows that overlap by two halos the size is ``(length + 2 * halo * (n - 1)) / n``, rounded up to
    what the network takes. Windows start at multiples of the stride and the outermost end where the whole
    image ends, so that a halo of :attr:`Geometry.exact_halo` makes tiled equal whole.

    Parameters
    ----------
    length : int
        Pixels of the plane along this axis. The "whole" that windows are measured against is the plane,
        mirrored at its end up to the next admissible size.
    geometry : Geometry
        Of the network.
    halo : int
        Half of what neighbouring windows overlap by, at least.
    count : int
        Number of windows wanted.
    region : tuple of int, optional
        Only ``[first, last)`` of the axis is wanted; the windows then take their halo from the plane.

    Returns
    -------
    list of Span
        As many as asked for, less those of which nothing is used.

    Raises
    ------
    ValueError
        If so many windows could not differ by a stride each.
    """
    first, last = region or (0, length)
    begin, end = covered(length, geometry, halo, first, last)
    size = _fitted_size(end - begin, geometry, halo, count)
    if size is None:
        raise ValueError(f"{length} pixels cannot be covered by {count} windows with a halo of {halo}")
    steps = (end - begin - size) // geometry.stride
    starts = [begin + geometry.stride * (i * steps // max(1, count - 1)) for i in range(count)]
    return _blend_between(starts, size, _cut(halo, geometry), first, last)


def covered(length: int, geometry: Geometry, halo: int, first: int, last: int) -> tuple[int, int]:
    """Part of an axis that windows must compute for ``[first, last)``; both ends keep the stride's phase."""
    whole = geometry.side(length)
    begin = min(max(0, geometry.below(first - halo)), whole - geometry.smallest)
    return begin, begin + geometry.side(min(last + halo, whole) - begin)


def _fitted_size(total: int, geometry: Geometry, halo: int, count: int) -> int | None:
    if count == 1:
        return total
    size = geometry.side(-(-(total + 2 * halo * (count - 1)) // count))
    while size < total:
        step = -(-((total - size) // geometry.stride) // (count - 1)) * geometry.stride
        if step <= size - 2 * halo:
            return size if (total - size) // geometry.stride >= count - 1 else None
        size += geometry.stride
    return None


def _cut(halo: int, geometry: Geometry) -> int:
    """Pixels at a window's edge that are thrown away rather than blended.

    From the exact halo on, only values that are exact on both sides are blended. A smaller halo has errors
    that fade with the distance from the edge: half of it is thrown away and the blending done in the rest.
    """
    return geometry.exact_halo if halo >= geometry.exact_halo else halo // 2


def _blend_between(starts: list[int], size: int, cut: int, first: int, last: int) -> list[Span]:
    # Twice the middle of each overlap keeps everything whole numbers.
    middles = [a + size + b for a, b in itertools.pairwise(starts)]
    ramps: list[tuple[int, int]] = []
    for i, (middle, right) in enumerate(zip(middles, starts[1:], strict=True)):
        left_end = starts[i] + size
        half = max(0, (left_end - right) // 2 - cut)
        # Never more than two windows at a pixel: a ramp ends before the next one begins.
        room = [abs(middle - middles[k]) // 4 for k in (i - 1, i + 1) if 0 <= k < len(middles)]
        half = min([half, *room])
        ramps.append((middle // 2 - half, middle // 2 + half))
    spans = []
    for i, start in enumerate(starts):
        low = ramps[i - 1] if i > 0 else (first, first)
        high = ramps[i] if i < len(ramps) else (last, last)
        spans.append(_span(start, start + size, low, high, first, last))
    return [s for s in spans if s.last > s.first]


def _span(start: int, stop: int, low: tuple[int, int], high: tuple[int, int], first: int, last: int) -> Span:
    begin, end = max(low[0], first), min(high[1], last)
    where = np.arange(begin, max(begin, end)) + 0.5
    rise = np.ones_like(where)
    if low[1] > low[0]:
        rise = np.clip((where - low[0]) / (low[1] - low[0]), 0, 1)
    if high[1] > high[0]:
        rise = rise * np.clip(1 - (where - high[0]) / (high[1] - high[0]), 0, 1)
    return Span(start, stop, begin, end, rise.astype(np.float32))


@dataclass(frozen=True)
class Grid:
    """The windows of a plane: every pair of a row and a column.

    Attributes
    ----------
    rows, columns : tuple of Span
        Windows along y and along x.
    """

    rows: tuple[Span, ...]
    columns: tuple[Span, ...]

    def __len__(self) -> int:
        return len(self.rows) * len(self.columns)

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Height and width of every window, in pixels of the result."""
        return self.rows[0].size, self.columns[0].size

    @property
    def window_pixels(self) -> int:
        """Pixels of one window."""
        return self.shape[0] * self.shape[1]

    @property
    def pixels(self) -> int:
        """Pixels that the network computes for the plane."""
        return len(self) * self.window_pixels

    def order(self, focus: tuple[float, float] | None = None) -> list[tuple[int, int]]:
        """(row, column) of every window: row by row, or nearest to a point (y, x) first."""
        everything = list(itertools.product(range(len(self.rows)), range(len(self.columns))))
        if focus is None:
            return everything

        def distance(window: tuple[int, int]) -> float:
            row, column = self.rows[window[0]], self.columns[window[1]]
            y, x = (row.first + row.last) / 2, (column.first + column.last) / 2
            return (y - focus[0]) ** 2 + (x - focus[1]) ** 2

        return sorted(everything, key=distance)


def fit_windows(
    height: int,
    width: int,
    geometry: Geometry,
    halo: int,
    *,
    largest: int | None = None,
    pixels: int | None = None,
    region: tuple[slice, slice] | None = None,
) -> Grid:
    """Choose the windows of a plane that make the network compute the fewest pixels.

    Parameters
    ----------
    height, width : int
        Of the plane.
    geometry : Geometry
        Of the network.
    halo : int
        Half the overlap of neighbouring windows, in pixels.
    largest : int, optional
        Largest side of a window; three halos where it leaves no room between two.
    pixels : int, optional
        Most pixels that a window reads; likewise.
    region : tuple of slice, optional
        Part of the plane that is wanted (y, x).

    Returns
    -------
    Grid
    """
    ys, xs = ((0, height), (0, width)) if region is None else ((r.start, r.stop) for r in region)
    rows = _choices(height, geometry, halo, largest, ys)
    columns = _choices(width, geometry, halo, largest, xs)
    if pixels is not None:
        # The input is larger than the result by the margin, and memory goes with the input.
        border = 2 * geometry.margin
        pixels = max(pixels, (rows[-1][1] + border) * (columns[-1][1] + border))
        pairs = [
            (row, column)
            for row in rows
            if (column := _first_up_to(columns, pixels // (row[1] + border) - border)) is not None
        ]
    else:
        pairs = [(rows[0], columns[0])]
    (n_rows, _), (n_columns, _) = min(pairs, key=_computed_pixels)
    return Grid(
        tuple(fit_axis(height, geometry, halo, n_rows, ys)), tuple(fit_axis(width, geometry, halo, n_columns, xs))
    )


def _computed_pixels(pair: tuple[_Choice, _Choice]) -> tuple[int, int]:
    (n_rows, height), (n_columns, width) = pair
    return n_rows * height * n_columns * width, n_rows * n_columns


def _choices(length: int, geometry: Geometry, halo: int, largest: int | None, region: tuple[int, int]) -> list[_Choice]:
    """Numbers of windows worth considering, with their ever smaller sizes, none above ``largest``."""
    begin, end = covered(length, geometry, halo, *region)
    # Below three halos most of a window is overlap: only who asks for it gets it.
    enough = geometry.side(3 * halo + geometry.stride)
    if largest is not None:
        if largest < geometry.side(2 * halo + geometry.stride):
            largest = enough
        enough = min(enough, largest)
    choices: list[_Choice] = []
    smallest = end - begin + 1
    for count in range(1, 2 + (end - begin) // geometry.stride):
        size = _fitted_size(end - begin, geometry, halo, count)
        if size is None or size >= smallest:
            continue
        smallest = size
        if largest is None or size <= largest:
            choices.append((count, size))
        if size <= enough:
            break
    return choices


def _first_up_to(choices: list[_Choice], size: int) -> _Choice | None:
    """Return the fewest windows whose size is not larger than ``size``."""
    position = bisect.bisect_left(choices, -size, key=lambda choice: -choice[1])
    return choices[position] if position < len(choices) else None
