"""Writers: a stack goes to disk plane by plane or window by window, and appears there as a whole or not at all."""

from __future__ import annotations

import shutil
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from napari_unets.images.axes import check_axes, stack_axes
from napari_unets.images.errors import AxesError, EmptyImageError, ImageExistsError, ImageWriteError
from napari_unets.images.note import Note
from napari_unets.images.stack import Window

__all__ = ["PlaneWriter", "Scratch", "put_in_place", "remove_all"]


class PlaneWriter(ABC):
    """Writes a stack beside its target, under a hidden name, and moves it there when it is closed.

    As a context manager it closes itself, or aborts on an error. A writer is for one thread.

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
        Whether a target that is there is replaced; it stays untouched until :meth:`close`.

    Raises
    ------
    ImageExistsError
        If the target is there and ``overwrite`` is False, or if it is something else than this writer makes.
    ImageWriteError
        If nothing can be written there.
    AxesError, EmptyImageError
        If axes and shape do not go together, or there are no pixels.
    """

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: DTypeLike, note: Note, *, overwrite: bool) -> None:
        self.path = path
        self.shape = tuple(int(n) for n in shape)
        self.dtype = np.dtype(dtype)
        self.note = note
        if stack_axes(check_axes(note.axes, len(self.shape), str(path))) != note.axes:
            raise AxesError(f"{path}: the axes {note.axes!r} are not those of a stack, which end in 'yx' or 'yxs'")
        if 0 in self.shape:
            raise EmptyImageError(f"{path}: there are no pixels to write, the shape is {self.shape}")
        if not path.parent.is_dir():
            raise ImageWriteError(f"{path}: the folder {path.parent} does not exist; create it first")
        if path.exists() and not (overwrite and self._may_replace()):
            what = "is something else and is not replaced" if overwrite else "is there already"
            raise ImageExistsError(f"{path}: {what}; choose another name" + ("" if overwrite else ", or overwrite it"))
        self._temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
        self._open = True

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

    def close(self) -> Path:
        """Finish the file and move it to its place.

        Returns
        -------
        Path
            The target.
        """
        if self._open:
            with self._explained():
                self._finish()
                put_in_place(self._temporary, self.path)
            self._open = False
        return self.path

    def abort(self) -> None:
        """Remove what was written; the target stays as it was. Does nothing after :meth:`close`."""
        if self._open:
            self._open = False
            try:
                self._let_go()
            finally:
                remove_all(self._temporary)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self.abort()

    @abstractmethod
    def _write(self, plane: int, region: Window, array: NDArray[Any]) -> None:
        """Write a window, whose slices have a start and a stop."""

    @abstractmethod
    def _finish(self) -> None:
        """Complete what is under the temporary name, and let go of it."""

    @abstractmethod
    def _let_go(self) -> None:
        """Close all files, whatever their state."""

    def _may_replace(self) -> bool:
        """Whether what is at the target is of the kind that this writer makes."""
        return self.path.is_file()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.abort()
            reason = error.strerror or str(error)
            raise ImageWriteError(f"{self.path}: could not be written ({reason}); nothing was changed there") from error
        except BaseException:
            self.abort()
            raise


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


def _within(part: slice, length: int) -> slice:
    start, stop, step = part.indices(length)
    if step != 1:
        raise ValueError("windows are written without steps")
    return slice(start, max(start, stop))


def put_in_place(temporary: Path, target: Path) -> None:
    """Put a finished file or folder in its place; a folder that is replaced is first moved aside."""
    if not target.is_dir():
        temporary.replace(target)
        return
    aside = temporary.with_suffix(".old")
    target.replace(aside)
    try:
        temporary.replace(target)
    except BaseException:
        aside.replace(target)
        raise
    remove_all(aside)


def remove_all(path: Path) -> None:
    """Delete a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
