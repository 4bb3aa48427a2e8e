"""Give a function with its arguments to another process, large arrays apart.

The arguments are pickled, so they may be nested in any way. But large arrays are not: of each only
a reference is written, and its values lie in a file that both processes map (a worker on this
machine) or go through Dask (a worker elsewhere). Arrays that lie in a file already are not copied
at all, arrays in memory once. Lazy arrays (Dask, Zarr) go as their recipe; those that cannot be
pickled (HDF5 datasets, TIFF views) are written to such a file part by part.
"""

from __future__ import annotations

import io
import math
import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
from numpy.typing import NDArray

from napari_unets.jobs.errors import HandOverError
from napari_unets.jobs.worker.exchange import Exchange

__all__ = ["Call", "pack_call"]

_SMALL = 256 << 10  # bytes: below this an array simply goes along in the pickle
_PART = 256 << 20  # bytes of a lazy array that are read at once
_SEND = 1 << 30  # bytes of a lazy array up to which its values are sent to another machine, and not its recipe


@dataclass(frozen=True)
class Call:
    """A function and its arguments as bytes; large arrays are only referred to."""

    data: bytes

    def load(self, arrays: list[Any]) -> tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]:
        """Return function, arguments and keyword arguments.

        Parameters
        ----------
        arrays : list of array
            Those that came through Dask.
        """
        loaded: tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]] = _loads(self.data, arrays)
        return loaded


@dataclass
class PackedCall:
    """What `pack_call` made: the call, the files written for it, and the arrays to be sent by Dask."""

    call: Call
    files: list[Path]
    arrays: list[NDArray[Any]]
    #: By identity: every array that was met, which keeps it alive and its identity its own, and its reference.
    known: dict[int, tuple[Any, tuple[Any, ...]]] = field(default_factory=dict)

    def discard(self) -> None:
        """Remove the files. A worker that still maps one keeps what it maps (on Windows: the file)."""
        for file in self.files:
            try:
                file.unlink(missing_ok=True)
            except PermissionError:  # Windows, while the worker maps it: goes with the exchange's folder
                continue


def pack_call(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], exchange: Exchange | None
) -> PackedCall:
    """Pickle a call.

    Parameters
    ----------
    function : callable
        Functions of importable modules go by name, those of a script or notebook by value.
    args, kwargs : tuple, dict
        Anything that can be pickled, and arrays.
    exchange : Exchange or None
        Where to put the values of large arrays; None if the worker does not share our disk.

    Raises
    ------
    HandOverError
        There is no room for a copy of an array.
    """
    packed = PackedCall(Call(b""), [], [])
    try:
        packed.call = Call(_dumps((function, args, kwargs), packed, exchange))
    except BaseException:
        packed.discard()
        raise
    return packed


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # cloudpickle has no types
    def __init__(self, file: io.BytesIO, packed: PackedCall, exchange: Exchange | None, recipe_of: Any) -> None:
        super().__init__(file, protocol=5)
        self._recipe_of = recipe_of  # the lazy array to be pickled itself
        self._packed = packed
        self._exchange = exchange

    def persistent_id(self, value: Any) -> tuple[Any, ...] | None:
        """Return the reference to write in place of `value`, or None for anything but a large array."""
        if value is self._recipe_of or not (_is_large_array(value) or _is_lazy_array(value)):
            return None
        known = self._packed.known
        if id(value) not in known:
            reference = (self._mapped(value) or self._written(value)) if _is_large_array(value) else self._lazy(value)
            known[id(value)] = value, reference
        return known[id(value)][1]

    def _mapped(self, array: NDArray[Any]) -> tuple[Any, ...] | None:
        """Refer to a file that `array` is a view of, if it is a view of one."""
        root: Any = array
        while isinstance(root, np.ndarray) and isinstance(root.base, np.ndarray):
            root = root.base
        shared = isinstance(root, np.memmap) and root.filename is not None and root.mode in ("r", "r+", "w+")
        if not shared or self._exchange is None or min(array.strides) < 0 or not Path(root.filename).is_file():
            return None
        offset = root.offset + array.ctypes.data - root.ctypes.data
        return "file", str(root.filename), offset, array.dtype, array.shape, array.strides

    def _written(self, array: Any) -> tuple[Any, ...]:
        """Write the values into a file of the exchange, or line them up for Dask."""
        if self._exchange is None:
            self._packed.arrays.append(np.asarray(array))
            return "sent", len(self._packed.arrays) - 1
        dtype = np.dtype(array.dtype)
        path = self._exchange.new_file(math.prod(array.shape) * dtype.itemsize)
        self._packed.files.append(path)
        try:
            with path.open("wb") as file:
                for part in _parts(array, dtype.itemsize):
                    file.write(np.ascontiguousarray(part).data)
        except OSError as error:
            raise HandOverError(f"The image could not be copied for the worker process to {path}: {error}") from error
        strides = tuple(dtype.itemsize * math.prod(array.shape[axis + 1 :]) for axis in range(len(array.shape)))
        return "file", str(path), 0, dtype, tuple(array.shape), strides

    def _lazy(self, array: Any) -> tuple[Any, ...]:
        if self._exchange is None and math.prod(array.shape) * np.dtype(array.dtype).itemsize <= _SEND:
            return self._written(array)  # who knows whether its file can be seen there
        n_arrays = len(self._packed.arrays)
        try:
            return "pickle", _dumps(array, self._packed, self._exchange, recipe_of=array)
        except (TypeError, AttributeError, NotImplementedError, pickle.PicklingError, ValueError):
            del self._packed.arrays[n_arrays:]
            return self._written(array)


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, arrays: list[Any]) -> None:
        super().__init__(file)
        self._arrays = arrays

    def persistent_load(self, reference: Any) -> Any:
        kind, *rest = reference
        if kind == "sent":
            return self._arrays[rest[0]]
        if kind == "pickle":
            return _visible(_loads(rest[0], self._arrays))
        path, offset, dtype, shape, strides = rest
        extent = sum((n - 1) * step for n, step in zip(shape, strides, strict=True)) + dtype.itemsize
        # Copy-on-write: a job cannot change its input, yet torch gets the writable array it asks for.
        values = np.memmap(path, dtype=np.uint8, mode="c", offset=offset, shape=(extent,))
        return np.ndarray(shape, dtype, buffer=values, strides=strides)


def _dumps(value: Any, packed: PackedCall, exchange: Exchange | None, recipe_of: Any = None) -> bytes:
    file = io.BytesIO()
    _Pickler(file, packed, exchange, recipe_of).dump(value)
    return file.getvalue()


def _loads(data: bytes, arrays: list[Any]) -> Any:
    return _Unpickler(io.BytesIO(data), arrays).load()


def _visible(array: Any) -> Any:
    """Make sure that a Zarr array's files are there: where they are not, Zarr would read zeros without a word."""
    if type(array).__module__.partition(".")[0] == "zarr":
        import zarr

        try:
            zarr.open_array(array.store_path, mode="r")
        except FileNotFoundError as error:
            raise HandOverError(
                f"The worker cannot see {array.store_path}. Put the image into a folder that has the same path on the "
                "workers' machines."
            ) from error
    return array


def _is_large_array(value: Any) -> bool:
    """Whether this is a numpy array worth the trouble; subclasses (masked arrays) hold more than values."""
    return type(value) in (np.ndarray, np.memmap) and value.nbytes >= _SMALL and not value.dtype.hasobject


def _is_lazy_array(value: Any) -> bool:
    """Dask, Zarr, HDF5 and other arrays from outside this package; ours know how to be pickled."""
    kind = type(value)
    package = kind.__module__.partition(".")[0]
    return package not in ("builtins", "numpy", "torch", "napari_unets") and all(
        hasattr(kind, name) for name in ("shape", "dtype", "__getitem__")
    )


def _parts(array: Any, itemsize: int) -> Iterator[NDArray[Any]]:
    """Yield `array` in parts along its first axis, a chunk thick unless that is too much at once."""
    thickness = array.shape[0]
    chunks = getattr(array, "chunks", None)
    if len(array.shape) > 2:
        thickness = max(1, _PART // (math.prod(array.shape[1:]) * itemsize))
        if chunks:
            thickness = min(thickness, int(np.max(chunks[0])))
    for start in range(0, array.shape[0], thickness):
        yield np.asarray(array[start : start + thickness])
