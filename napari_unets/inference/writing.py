"""Results written into arrays: straight away into memory, in strips into anything that is stored."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["PlaneSink", "sink_for"]

#: Rows are held back up to this many bytes so that whole chunks are written.
_HELD_BYTES = 256 * 2**20

_Array = npt.NDArray[Any]


class PlaneSink(Protocol):
    """Takes regions of planes."""

    def write(self, plane: int, y: slice, x: slice, values: _Array) -> None:
        """Put values, (y, x) or (classes, y, x), where they belong."""

    def finish(self) -> None:
        """Write what is still held back."""


def sink_for(out: Any, planes: tuple[int, ...]) -> PlaneSink:
    """Choose how to write into an array.

    Parameters
    ----------
    out : array
        numpy, memory map, Zarr array, HDF5 data set: what has ``shape``, ``dtype`` and assignment to regions.
        (…planes, y, x), or (classes, …planes, y, x).
    planes : tuple of int
        Lengths of the axes that number the planes.
    """
    return _ArraySink(out, planes) if isinstance(out, np.ndarray) else _StripSink(out, planes)


class _ArraySink:
    """Memory, or what looks like it: every region at once."""

    def __init__(self, out: _Array, planes: tuple[int, ...]) -> None:
        self._out, self._planes = out, planes

    def write(self, plane: int, y: slice, x: slice, values: _Array) -> None:
        self._out[_place(plane, self._planes, values, y, x)] = values

    def finish(self) -> None:
        pass


class _StripSink:
    """Storage in chunks: rows are collected over the width of the plane and written when they are final.

    Regions must come row by row: then nothing above a region's first row changes any more, unless the plane begins
    anew. As far as memory allows, whole rows of chunks are written, so that none is compressed twice.
    """

    def __init__(self, out: Any, planes: tuple[int, ...]) -> None:
        self._out, self._planes = out, planes
        self._height, self._width = (int(n) for n in out.shape[-2:])
        self._plane = -1
        self._top = 0
        self._rows: _Array = np.empty((0, 0, 0))
        chunks = getattr(out, "chunks", None)
        rows = int(chunks[-2]) if chunks else 1
        self._step = rows if rows * self._width * np.dtype(out.dtype).itemsize <= _HELD_BYTES else 1

    def write(self, plane: int, y: slice, x: slice, values: _Array) -> None:
        if plane != self._plane:
            self.finish()
            self._plane = plane
        if y.start < self._top:  # the plane begins anew
            self._top, self._rows = y.start, self._rows[..., :0, :]
        elif (final := y.start // self._step * self._step) > self._top:
            self._flush(final)
        self._make_room(y.stop - self._top, values)
        self._rows[..., y.start - self._top : y.stop - self._top, x] = values

    def finish(self) -> None:
        if self._plane >= 0:
            self._flush(self._top + self._rows.shape[-2])
        self._plane, self._top, self._rows = -1, 0, self._rows[..., :0, :].copy()

    def _make_room(self, height: int, values: _Array) -> None:
        missing = height - self._rows.shape[-2]
        if missing > 0 or self._rows.shape[:-2] != values.shape[:-2] or self._rows.dtype != values.dtype:
            rows = np.zeros((*values.shape[:-2], height, self._width), values.dtype)
            if self._rows.shape[-2]:
                rows[..., : self._rows.shape[-2], :] = self._rows
            self._rows = rows

    def _flush(self, stop: int) -> None:
        """Write the rows from the top to ``stop``, which are then the new top."""
        count = stop - self._top
        if count > 0:
            rows = np.ascontiguousarray(self._rows[..., :count, :])
            y, x = slice(self._top, stop), slice(0, self._width)
            self._out[_place(self._plane, self._planes, rows, y, x)] = rows
        self._rows = self._rows[..., count:, :].copy()
        self._top = stop


def _place(plane: int, planes: tuple[int, ...], values: _Array, y: slice, x: slice) -> tuple[int | slice, ...]:
    numbers = tuple(int(n) for n in np.unravel_index(plane, planes)) if planes else ()
    return (*(slice(0, n) for n in values.shape[:-2]), *numbers, y, x)
