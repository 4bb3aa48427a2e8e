"""Results written into arrays: straight away into memory, in strips or slabs into anything that is stored."""

from __future__ import annotations

from math import prod
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from napari_unets.inference.errors import OutputError

__all__ = ["PlaneSink", "check_out", "sink_for"]

_KINDS = {"f": "real numbers (such as float32)", "iu": "integers"}

#: Rows and planes are held back up to this many bytes so that whole chunks are written.
_HELD_BYTES = 256 * 2**20

_Array = npt.NDArray[Any]


def check_out(out: Any, shape: tuple[int, ...], kinds: str, name: str, *, least: int = 1) -> None:
    """Refuse an array that cannot hold the result.

    Parameters
    ----------
    out : array
        What the result is to be written into.
    shape : tuple of int
        Of the result.
    kinds : {"f", "iu"}
        Kinds of numbers that may hold it.
    name : str
        Of the image, for the message.
    least : int
        Bytes that a number needs at least.

    Raises
    ------
    OutputError
        If it is no array that is written into region by region, is read-only, or has another shape or type.
    """
    if not all(hasattr(out, part) for part in ("shape", "dtype", "__setitem__")) or hasattr(out, "__dask_graph__"):
        raise OutputError(f"{name}: out must be a numpy or Zarr array, to be written into, not {type(out).__name__}")
    if getattr(out, "read_only", False) or (isinstance(out, np.ndarray) and not out.flags.writeable):
        raise OutputError(f"{name}: out is read-only; give an array that can be written to")
    if tuple(out.shape) != shape:
        raise OutputError(f"{name}: the result has the shape {shape}, but out has {tuple(out.shape)}")
    try:
        dtype = np.dtype(out.dtype)
    except TypeError:
        raise OutputError(f"{name}: out must be a numpy or Zarr array, and {out.dtype} is no type of theirs") from None
    if dtype.kind not in kinds:
        raise OutputError(f"{name}: out must hold {_KINDS[kinds]}, not {dtype}")
    if dtype.itemsize < least:
        raise OutputError(
            f"{name}: out must hold integers of at least {least} bytes (such as uint32), since the numbers of objects "
            f"do not end at {np.iinfo(dtype).max}, which is as far as {dtype} goes"
        )


class PlaneSink(Protocol):
    """Takes regions of planes, row by row; all planes whose last region has come are written once it is closed."""

    def write(self, plane: int, y: slice, x: slice, values: _Array) -> None:
        """Put values, (y, x) or (classes, y, x), where they belong."""

    def close(self) -> None:
        """Write the planes that are held back."""


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
    if isinstance(out, np.ndarray):
        return _ArraySink(out, planes)
    # of a sharded array, a shard is what is written as a whole
    whole = getattr(out, "shards", None) or getattr(out, "chunks", None) or (1,) * len(out.shape)
    plane_bytes = prod(out.shape) // prod(planes) * np.dtype(out.dtype).itemsize
    depth = min(int(whole[-3]), planes[-1], _HELD_BYTES // plane_bytes) if planes else 1
    return _SlabSink(out, planes, int(whole[-3]), depth) if depth > 1 else _StripSink(out, planes, int(whole[-2]))


class _ArraySink:
    """Memory, or what looks like it: every region at once."""

    def __init__(self, out: _Array, planes: tuple[int, ...]) -> None:
        self._out, self._planes = out, planes

    def write(self, plane: int, y: slice, x: slice, values: _Array) -> None:
        self._out[_place(plane, self._planes, values, y, x)] = values

    def close(self) -> None:
        """Nothing is held back."""


class _SlabSink:
    """Storage in chunks of several planes: planes are collected until those of a chunk are complete.

    Each plane by itself would have all its chunks read, decoded and written again. Where memory does not allow for all
    planes of a chunk, as many are collected as it allows for.
    """

    def __init__(self, out: Any, planes: tuple[int, ...], chunk: int, depth: int) -> None:
        self._out, self._planes = out, planes
        self._chunk, self._depth = chunk, depth
        self._end = tuple(int(n) for n in out.shape[-2:])
        classes = out.shape[: len(out.shape) - len(planes) - 2]
        self._slab: _Array = np.empty((*classes, depth, *self._end), np.dtype(out.dtype))
        self._first = 0
        self._complete = 0

    def write(self, plane: int, y: slice, x: slice, values: _Array) -> None:
        z = plane % self._planes[-1]
        first = plane - z % self._chunk % self._depth
        if first != self._first:
            self.close()
            self._first = first
        self._slab[..., plane - first, y, x] = values
        if (y.stop, x.stop) == self._end:
            self._complete = plane - first + 1

    def close(self) -> None:
        count, self._complete = self._complete, 0
        if count:
            *before, z = np.unravel_index(self._first, self._planes)
            numbers = (*(int(n) for n in before), slice(int(z), int(z) + count))
            classes = (slice(0, n) for n in self._slab.shape[:-3])
            self._out[(*classes, *numbers, *(slice(0, n) for n in self._end))] = self._slab[..., :count, :, :]


class _StripSink:
    """Storage in chunks: rows are collected over the width of the plane and written when they are final.

    Regions must come row by row: then nothing above a region's first row changes any more, unless the plane begins
    anew. As far as memory allows, whole rows of chunks are written, so that none is compressed twice.
    """

    def __init__(self, out: Any, planes: tuple[int, ...], rows: int) -> None:
        self._out, self._planes = out, planes
        self._height, self._width = (int(n) for n in out.shape[-2:])
        self._plane = -1
        self._top = 0
        self._rows: _Array = np.empty((0, 0, 0))
        self._step = rows if rows * self._width * np.dtype(out.dtype).itemsize <= _HELD_BYTES else 1

    def write(self, plane: int, y: slice, x: slice, values: _Array) -> None:
        if plane != self._plane or y.start < self._top:  # another plane, or the same begins anew
            self._plane, self._top, self._rows = plane, y.start, self._rows[..., :0, :].copy()
        elif (final := y.start // self._step * self._step) > self._top:
            self._flush(final)
        self._make_room(y.stop - self._top, values)
        self._rows[..., y.start - self._top : y.stop - self._top, x] = values
        if (y.stop, x.stop) == (self._height, self._width):
            self._flush(self._height)

    def close(self) -> None:
        """Nothing is held back of a plane that is complete."""

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
