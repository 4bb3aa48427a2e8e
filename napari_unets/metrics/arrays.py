"""The arrays that are compared: read slice by slice, without axes that only one of them has."""

from __future__ import annotations

import math
import os
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unets.metrics.errors import ScoreSettingError, ShapeMismatchError, TruthError

__all__ = ["PageSizes", "Planes", "same_axes"]

#: Height and width of each page, in the order of the planes.
PageSizes = tuple[tuple[int, int], ...]


class Planes:
    """An array whose leading axes of length 1 beyond a number of axes are left out; read only where it is indexed.

    Parameters
    ----------
    array : array
        Anything with a shape, a type, and numpy's indexing.
    ndim : int
        Number of axes to keep.
    pages : sequence of (int, int), optional
        Height and width of each plane's page, which lies at its top left; the rest of the plane is not read.
    """

    def __init__(self, array: Any, ndim: int, pages: PageSizes | None = None) -> None:
        self._array = array
        self._zeros = (0,) * (len(array.shape) - ndim)
        self._pages = pages
        self.shape: tuple[int, ...] = tuple(array.shape)[len(self._zeros) :]
        self.dtype = np.dtype(array.dtype)

    def __getitem__(self, index: tuple[int, ...]) -> NDArray[Any]:
        page: tuple[slice, ...] = ()
        if self._pages is not None:
            number = int(np.ravel_multi_index(index, self.shape[:-2])) if index else 0
            page = tuple(slice(0, size) for size in self._pages[number])
        part = self._array[(*self._zeros, *index, *page)]
        _check_unmasked(part)  # variables of netCDF4 mask what they read
        return np.asarray(part)


def same_axes(prediction: Any, truth: Any, *masks: Any, pages: PageSizes | None = None) -> list[Planes]:
    """See arrays as what has the same shape, if they have it.

    Parameters
    ----------
    prediction, truth, *masks : array
        Two axes or more.
    pages : sequence of (int, int), optional
        As for :class:`Planes`.

    Raises
    ------
    TruthError
        If there is nothing to compare.
    ShapeMismatchError
        If the shapes of prediction and truth differ.
    ScoreSettingError
        If a mask has another shape, or the sizes of pages do not fit the planes.
    """
    arrays = [_array(data) for data in (prediction, truth, *masks)]
    for array in arrays:
        if len(array.shape) < 2:
            raise TruthError(f"An image has at least two axes (y, x); this one has shape {tuple(array.shape)}.")
    shapes = [tuple(array.shape) for array in arrays]
    if len(set(predicted_and_true := _without_ones(shapes[:2]))) > 1:
        raise ShapeMismatchError(*predicted_and_true)
    if len(set(_without_ones(shapes))) > 1:
        raise ScoreSettingError(f"The mask has shape {shapes[2]}, the images {predicted_and_true[1]}.")
    ndim = min(map(len, shapes))
    planes = [Planes(array, ndim, pages) for array in arrays]
    if 0 in planes[1].shape:
        raise TruthError(f"There is nothing to score: the images have shape {planes[1].shape}.")
    if pages is not None:
        _check_pages(pages, planes[1].shape)
    return planes


def _array(data: Any) -> Any:
    """Whatever has a shape, a type and can be indexed stays as it is (NumPy, Dask, Zarr, a stack)."""
    if isinstance(data, str | PathLike):
        raise TruthError(f"{os.fspath(data)!r} is a path, not pixels; open it first: open_stack({os.fspath(data)!r}).")
    for part in data if isinstance(data, list | tuple) else [data]:
        _check_unmasked(part)
    try:
        if all(hasattr(data, name) for name in ("shape", "dtype", "__getitem__")):
            np.dtype(data.dtype)
            return data
    except TypeError:  # a type of another library's own
        pass
    return np.asarray(data)


def _check_unmasked(data: Any) -> None:
    if isinstance(getattr(data, "_meta", None), np.ma.MaskedArray) or np.ma.is_masked(data):  # the former is of Dask
        raise TruthError(
            "An array to be scored has masked pixels, which would count like all others; "
            "give its data, and mask= an array that is True where pixels count."
        )


def _without_ones(shapes: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Leave out leading axes of length 1 beyond those that all have; where others are beyond, leave all as they are."""
    ndim = min(map(len, shapes))
    if any(size != 1 for shape in shapes for size in shape[: len(shape) - ndim]):
        return shapes
    return [shape[len(shape) - ndim :] for shape in shapes]


def _check_pages(pages: PageSizes, shape: tuple[int, ...]) -> None:
    planes = math.prod(shape[:-2])
    if len(pages) != planes:
        raise ScoreSettingError(f"There are sizes of {len(pages)} pages, but the images have {planes} planes.")
    for number, (height, width) in enumerate(pages, 1):
        if not (0 < height <= shape[-2] and 0 < width <= shape[-1]):
            raise ScoreSettingError(
                f"Page {number} is said to have {height}×{width} pixels; its plane has {shape[-2]}×{shape[-1]}."
            )
