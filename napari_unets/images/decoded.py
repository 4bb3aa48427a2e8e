"""Planes that were decoded to give a part of them, kept for the next part."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from math import prod
from typing import Any

from numpy.typing import NDArray

__all__ = ["DecodedPlanes", "Window"]

#: Rows and columns.
Window = tuple[slice, slice]

#: Reads what numpy's index says of a stack.
_Read = Callable[[tuple[int | slice, ...]], NDArray[Any]]

_CACHED_PLANES = 2
_LARGEST_CACHED_PLANE = 2**28  # bytes
#: A plane that its format can only decode in whole (PNG, JPEG, one strip of CCITT) takes this much each time anyway;
#: decoded again for each window, a scan of 20,000 × 14,000 pixels would take twice as long.
_LARGEST_DECODED_PLANE = 2**31
#: Planes that lie in the same chunks are kept together up to so many bytes: one after the other is asked for, and each
#: would otherwise have all of them decoded.
_LARGEST_SLAB = 2**28


class DecodedPlanes:
    """Reads planes, or windows of them, so that no chunk of the file is decoded more often than it need be.

    Threads may share it.

    Parameters
    ----------
    shape : tuple of int
        Of the stack.
    plane_axes : int
        Number of its axes before y.
    itemsize : int
        Bytes a sample.
    chunks : tuple of int, optional
        What is decoded in one go, along each of the stack's axes; None where any part can be had by itself.
    """

    def __init__(self, shape: tuple[int, ...], plane_axes: int, itemsize: int, chunks: tuple[int, ...] | None) -> None:
        self._sides = shape[plane_axes], shape[plane_axes + 1]
        self._bytes = prod(shape[plane_axes:]) * itemsize
        self._chunk = None if chunks is None else (chunks[plane_axes], chunks[plane_axes + 1])
        together = 1 if chunks is None else min(chunks[plane_axes - 1], shape[plane_axes - 1])
        self._slab_planes = together if together * self._bytes <= _LARGEST_SLAB else 1
        self._planes: OrderedDict[tuple[int, ...], NDArray[Any]] = OrderedDict()
        self._slab: tuple[int, ...] = ()
        self._slab_windows: dict[tuple[tuple[int, int, int], ...], NDArray[Any]] = {}
        self._lock = threading.Lock()

    def plane(self, read: _Read, place: tuple[int, ...], window: Window | None) -> NDArray[Any]:
        """Return a plane, or a window of it.

        Parameters
        ----------
        read : callable
            Reads from the stack.
        place : tuple of int
            Where the plane is, along all axes before y.
        window : tuple of two slices, optional
            Rows and columns.

        Returns
        -------
        ndarray
            The caller's own.
        """
        whole = window is not None and self._is_worth_caching(window)
        if self._slab_planes > 1:
            height, width = self._sides
            rows, columns = window or (slice(0, height), slice(0, width))
            if not whole:
                return self._in_slab(read, place, (rows, columns)).copy()
            return self._in_slab(read, place, (slice(0, height), slice(0, width)))[rows, columns].copy()
        if window is None or not whole:
            return read((*place, *(window or ())))
        with self._lock:
            plane = self._planes.pop(place, None)
            if plane is None:
                while len(self._planes) >= (_CACHED_PLANES if self._bytes <= _LARGEST_CACHED_PLANE else 1):
                    self._planes.popitem(last=False)
                plane = read(place)
            self._planes[place] = plane
        return plane[window].copy()

    def clear(self) -> None:
        """Let go of all that is kept."""
        self._planes.clear()
        self._slab_windows.clear()

    def _in_slab(self, read: _Read, place: tuple[int, ...], window: Window) -> NDArray[Any]:
        """Read a window of a plane together with those of all planes that lie in the same chunks, and keep them."""
        *before, z = place
        first = z - z % self._slab_planes
        sides = tuple(part.indices(n) for part, n in zip(window, self._sides, strict=True))
        with self._lock:
            if self._slab != (*before, first):
                self._slab = (*before, first)
                self._slab_windows.clear()
            pixels = self._slab_windows.get(sides)
            if pixels is None:
                pixels = read((*before, slice(first, first + self._slab_planes), *window))
                kept = sum(other.nbytes for other in self._slab_windows.values())
                if kept + pixels.nbytes > _LARGEST_SLAB:  # windows that overlap
                    self._slab_windows.clear()
                self._slab_windows[sides] = pixels
        plane: NDArray[Any] = pixels[z - first]
        return plane

    def _is_worth_caching(self, window: Window) -> bool:
        """Whether windows of a plane are had cheaper by decoding the plane once."""
        if self._chunk is None:
            return False
        whole = all(chunk >= side for chunk, side in zip(self._chunk, self._sides, strict=True))
        if self._bytes > (_LARGEST_DECODED_PLANE if whole else _LARGEST_CACHED_PLANE):
            return False
        return any(
            len(range(*part.indices(side))) < chunk / 2
            for part, side, chunk in zip(window, self._sides, self._chunk, strict=True)
        )
