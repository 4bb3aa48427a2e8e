"""What people give as an image, as something that has a shape, a numpy type and numpy's indexing."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import pairwise
from numbers import Integral
from os import PathLike
from typing import Any

import numpy as np

from napari_unets.images.errors import AxesError, MixedSizesError, UnsupportedImageError

__all__ = ["check_named_axes", "check_unmasked", "chunks_of", "first_level", "indexable"]


def first_level(data: Any, name: str = "image") -> Any:
    """Return the full resolution of an image that is given in several, and anything else as it is.

    Parameters
    ----------
    data : array-like
        Levels are a sequence of arrays that grow smaller: a list, or the data of a multiscale layer in napari.
    name : str
        For messages.

    Raises
    ------
    MixedSizesError
        If it is a list of arrays of several sizes that are no levels of one image.
    """
    if not isinstance(data, Sequence) or not data or not all(hasattr(part, "shape") for part in data):
        return data
    shapes = [tuple(part.shape) for part in data]
    if isinstance(data, list | tuple) and len(set(shapes)) == 1:
        return data  # planes, or volumes, of one size
    for larger, smaller in pairwise(shapes):
        if len(larger) != len(smaller) or any(a < b for a, b in zip(larger, smaller, strict=True)):
            raise MixedSizesError(
                f"{name}: a list of arrays of the shapes {', '.join(map(str, shapes))} is neither planes of one size "
                "nor an image in several resolutions from the largest on; give one of the arrays"
            )
    return data[0]


def indexable(data: Any, name: str) -> Any:
    """Return data as it is if it has a shape, a numpy type and numpy's indexing, else as a numpy array.

    Parameters
    ----------
    data : array-like
        Anything.
    name : str
        For messages.

    Raises
    ------
    UnsupportedImageError
        If it is the path of an image, a group of arrays, of a shape that is not known, has masked pixels, or numpy can
        make nothing of it.
    """
    if isinstance(data, str | PathLike):
        raise UnsupportedImageError(
            f"{name}: {os.fspath(data)!r} is a path, not pixels; open it first: open_stack({os.fspath(data)!r})"
        )
    try:
        if all(hasattr(data, part) for part in ("shape", "dtype", "__getitem__")):
            np.dtype(data.dtype)
            _check_shape(data.shape, name)
            check_unmasked(data, name)
            return data
    except TypeError:  # a type of another library's own
        pass
    if hasattr(data, "keys") and not hasattr(data, "shape"):  # numpy would make an image of the names
        there = ", ".join(map(str, data.keys())) or "none"
        raise UnsupportedImageError(
            f"{name}: a {type(data).__name__} of arrays is no image; give one of them, there are: {there}"
        )
    check_unmasked(data, name)
    try:
        return np.asarray(data)
    except (TypeError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UnsupportedImageError(
            f"{name}: a {type(data).__name__} is no image here ({reason}); give a numpy, Dask or Zarr array"
        ) from error


def _check_shape(shape: Sequence[object], name: str) -> None:
    if not all(isinstance(side, Integral) for side in shape):
        raise UnsupportedImageError(
            f"{name}: its shape {tuple(shape)} is not known yet; of a Dask array, call compute_chunk_sizes() first"
        )


def check_unmasked(data: Any, name: str) -> None:
    """Refuse what has masked pixels: what lies under the mask would be read as if it were none."""
    lazy = isinstance(getattr(data, "_meta", None), np.ma.MaskedArray)  # of Dask
    parts = data if isinstance(data, list | tuple) else [data]
    if lazy or any(np.ma.is_masked(part) for part in parts):
        raise UnsupportedImageError(
            f"{name}: some of its pixels are masked, and all pixels of an image count here; say what they are, as "
            "data.filled(0) does (dask.array.ma.filled(data, 0) of a Dask array)"
        )


def chunks_of(array: Any) -> tuple[int, ...] | None:
    """Lengths of what an array that says so (Zarr, HDF5, Dask) decodes or computes at once; of several, the largest."""
    chunks = getattr(array, "chunks", None)
    if not isinstance(chunks, tuple) or len(chunks) != len(array.shape):
        return None
    return tuple(max(1, *(int(n) for n in (side if isinstance(side, tuple) else (side,)))) for side in chunks)


def check_named_axes(array: Any, name: str) -> None:
    """See that an array whose axes have names, as those of xarray do and Zarr's may, ends with those of its planes.

    Raises
    ------
    AxesError
        If it has y and x elsewhere: by their place, other planes would be taken than those that are meant.
    """
    names = getattr(array, "dims", None) or getattr(getattr(array, "metadata", None), "dimension_names", None)
    if not isinstance(names, tuple) or not {"y", "x"} <= set(names):
        return
    planes = names[:-1] if names[-1] == "s" else names
    if set(planes[-2:]) != {"y", "x"}:
        said = ", ".join(map(str, names))
        raise AxesError(
            f"{name}: its axes are called {said}, and planes are along the last two; say as_stack(array, axes=...) "
            "with a letter for each axis, as stored, or transpose it"
        )
