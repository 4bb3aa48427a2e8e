"""Writers: a stack goes to disk plane by plane or window by window, and appears there as a whole or not at all."""

from __future__ import annotations

import errno
import os
from abc import abstractmethod
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from napari_unets.images.axes import check_axes, stack_axes
from napari_unets.images.decoded import Window
from napari_unets.images.errors import AxesError, EmptyImageError
from napari_unets.images.note import Note
from napari_unets.images.unfinished import Unfinished

__all__ = ["PlaneWriter", "Scratch", "allocate"]


class PlaneWriter(Unfinished):
    """Writes a stack, which is at its place once the writer is closed. A writer is for one thread.

    Parameters
    ----------
    path : Path
        The target.
    shape : tuple of int
        Of the stack: plane axes, y, x, and s if there is colour.
    dtype : dtype
        Of the pixels.
    note : Note
        Axes, voxel size and metadata, kept in the file.
    overwrite : bool
        Whether a target that is there is replaced.

    Raises
    ------
    ImageExistsError, ImageWriteError
        See :class:`~napari_unets.images.unfinished.Unfinished`.
    AxesError, EmptyImageError
        If axes and shape do not go together, or there are no pixels.
    """

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: DTypeLike, note: Note, *, overwrite: bool) -> None:
        self.shape = tuple(int(n) for n in shape)
        self.dtype = np.dtype(dtype)
        self.note = note
        if stack_axes(check_axes(note.axes, len(self.shape), str(path))) != note.axes:
            raise AxesError(f"{path}: the axes {note.axes!r} are not those of a stack, which end in 'yx' or 'yxs'")
        if 0 in self.shape:
            raise EmptyImageError(f"{path}: there are no pixels to write, the shape is {self.shape}")
        super().__init__(path, overwrite=overwrite)

    @property
    def plane_shape(self) -> tuple[int, ...]:
        """Shape of one plane: ``(y, x)`` or ``(y, x, s)``."""
        return self.shape[self.note.axes.index("y") :]

    @property
    def n_planes(self) -> int:
        """Number of planes."""
        return prod(self.shape[: self.note.axes.index("y")])

    def write(self, plane: int, window: Window | None, array: NDArray[Any]) -> None:
        """Write a plane or a window of it. What is never written is 0.

        Parameters
        ----------
        plane : int
            Number of the plane, over all axes before y, the last one running fastest.
        window : tuple of two slices, or None
            Rows and columns; None for all.
        array : ndarray
            Pixels of the window.
        """
        rows, columns = window or (slice(None), slice(None))
        region = (_within(rows, self.plane_shape[0]), _within(columns, self.plane_shape[1]))
        shape = (*(part.stop - part.start for part in region), *self.plane_shape[2:])
        if not self._open or not 0 <= plane < self.n_planes or array.shape != shape:
            raise ValueError(
                f"cannot write {array.shape} to {shape} of plane {plane} of {self.n_planes}"
                + ("" if self._open else ": the writer is closed")
            )
        with self._explained():
            self._write(plane, region, np.asarray(array, self.dtype))

    @abstractmethod
    def _write(self, plane: int, region: Window, array: NDArray[Any]) -> None:
        """Write a window, whose slices have a start and a stop."""


class Scratch:
    """Planes that are not complete yet, in a sparse file beside the target: their windows come in any order.

    Parameters
    ----------
    path : Path
        The scratch file.
    shape : tuple of int
        ``(planes, y, x)`` or ``(planes, y, x, s)``.
    dtype : dtype
        Of the pixels.
    """

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self._path, self._shape, self._dtype = path, shape, dtype
        self._bytes = prod(shape[1:]) * dtype.itemsize
        self.planes: set[int] = set()

    def write(self, plane: int, region: Window, array: NDArray[Any]) -> None:
        """Write a window of a plane."""
        if not self.planes:
            with self._path.open("wb") as file:
                file.truncate(self._bytes * self._shape[0])
        if plane not in self.planes:
            with self._path.open("r+b") as file:
                allocate(file, plane * self._bytes, self._bytes)
        self.planes.add(plane)
        mapped = self._mapped(plane, "r+")
        mapped[region] = array
        mapped.flush()

    def read(self, plane: int) -> NDArray[Any]:
        """Read a plane; what was never written is 0."""
        if plane not in self.planes:
            return np.zeros(self._shape[1:], self._dtype)
        return self._mapped(plane, "r")

    def remove(self) -> None:
        """Delete the file."""
        self.planes.clear()
        self._path.unlink(missing_ok=True)

    def _mapped(self, plane: int, mode: Any) -> np.memmap[Any, Any]:
        return np.memmap(self._path, self._dtype, mode=mode, offset=plane * self._bytes, shape=self._shape[1:])


def allocate(file: IO[bytes], start: int, length: int) -> None:
    """Get room on the disk for part of a file that is to be mapped into memory.

    Whoever writes into the map of a file with holes when the disk is full is ended by the system, without a word.

    Parameters
    ----------
    file : binary file
        Open for writing.
    start, length : int
        Which bytes.

    Raises
    ------
    OSError
        If there is no room. Where the system cannot reserve any (macOS, Windows), nothing is done.
    """
    if not hasattr(os, "posix_fallocate"):
        return
    try:
        os.posix_fallocate(file.fileno(), start, length)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):  # file systems that cannot
            raise


def _within(part: slice, length: int) -> slice:
    start, stop, step = part.indices(length)
    if step != 1:
        raise ValueError("windows are written without steps")
    return slice(start, max(start, stop))
