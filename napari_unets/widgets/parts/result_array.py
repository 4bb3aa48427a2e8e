"""Arrays that results are written into: in memory while they are small, else in a temporary file."""

from __future__ import annotations

import math
import tempfile
from typing import Any

import numpy as np
import psutil
from numpy.typing import DTypeLike, NDArray

__all__ = ["new_result_array", "pyramid"]

#: The largest plane, in pixels, that is shown at one resolution: uploading it takes the window a few milliseconds.
_LARGEST_FLAT_PLANE = 4096 * 4096
_SMALLEST_LEVEL = 1024
_SHARE_OF_MEMORY = 0.25


def new_result_array(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Array of zeros that takes no memory until it is written to.

    An array of more than a quarter of the memory that is free lies in an unnamed temporary file, mapped
    into memory: the system writes it out as it must, and the file is gone with the array. Against a
    Zarr store that costs no compression in the window's process and keeps every slice one read.

    Parameters
    ----------
    shape : tuple of int
        Any shape.
    dtype : dtype-like
        Type of the elements.
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size <= _SHARE_OF_MEMORY * psutil.virtual_memory().available:
        return np.zeros(shape, dtype)
    with tempfile.TemporaryFile(prefix="napari-unets-") as file:
        file.truncate(size)
        return np.memmap(file, dtype=dtype, mode="r+", shape=shape)


def pyramid(array: NDArray[Any]) -> list[NDArray[Any]]:
    """Levels of a result for the viewer: the array itself and, of a huge one, every 2nd, 4th ... pixel.

    The levels are views, so that they follow what is written to the array. With them the viewer draws
    the part on the canvas instead of the whole plane, however large that is.

    Parameters
    ----------
    array : ndarray, shape (..., y, x)

    Returns
    -------
    list of ndarray
        One level where the plane is small enough to be drawn whole.
    """
    levels = [array]
    if math.prod(array.shape[-2:]) > _LARGEST_FLAT_PLANE:
        while max(levels[-1].shape[-2:]) > _SMALLEST_LEVEL:
            levels.append(levels[-1][..., ::2, ::2])
    return levels
