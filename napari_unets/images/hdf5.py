"""HDF5 datasets."""

from __future__ import annotations

import json
import threading
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unets.images.axes import default_axes, tidy_axes
from napari_unets.images.errors import (
    EmptyImageError,
    MissingExtraError,
    UnknownDatasetError,
    UnreadableImageError,
    UnsupportedImageError,
    explain_read_errors,
)
from napari_unets.images.source import ArraySource, FileImage, Region
from napari_unets.images.units import VoxelSize

__all__ = ["open_hdf5"]

_ERRORS = (ValueError, KeyError, RuntimeError, TypeError)


def open_hdf5(path: Path, *, dataset: str | None = None) -> FileImage:
    """Open an array of an HDF5 file.

    Parameters
    ----------
    path : Path
        The file.
    dataset : str, optional
        Path of the dataset; may be left out where only one could be an image.

    Returns
    -------
    FileImage
        With the voxel size of ``element_size_um`` (Fiji) or ``resolution`` in nanometres (CREMI), and the axes
        of the dimension labels or ``axistags`` (ilastik), where there are any.

    Raises
    ------
    MissingExtraError, UnreadableImageError, UnsupportedImageError, UnknownDatasetError
        See there.
    """
    try:
        import h5py
    except ImportError as error:
        raise MissingExtraError(
            f'{path}: HDF5 files need h5py; install it with: pip install "napari-unets[formats]"'
        ) from error
    if path.stat().st_size == 0:
        raise EmptyImageError(f"{path}: the file is empty")
    with explain_read_errors(path, *_ERRORS):
        if not h5py.is_hdf5(path):
            raise UnsupportedImageError(f"{path}: is not an HDF5 file, whatever its name says")
        file = h5py.File(path, "r")
    try:
        with explain_read_errors(path, *_ERRORS):
            array = _choose(path, file, dataset, h5py.Dataset)
            source = _Hdf5Source(path, file, array)
            return FileImage(source, _axes(path, array), _voxel_size(array))
    except BaseException:
        file.close()
        raise


class _Hdf5Source(ArraySource):
    def __init__(self, path: Path, file: Any, array: Any) -> None:
        if array.dtype.kind not in "biuf":
            raise UnsupportedImageError(f"{path}: the dataset {array.name} holds {array.dtype}, that is no image")
        super().__init__(array, array.chunks)
        self._path, self._file = path, file
        self._lock = threading.Lock()

    def read(self, region: Region) -> NDArray[Any]:
        """Read a region; the result has all axes."""
        if not self._file:  # h5py's way to say closed
            raise UnreadableImageError(f"{self._path}: the stack was closed; open it again")
        with explain_read_errors(self._path, *_ERRORS), self._lock:
            return super().read(region)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _choose(path: Path, file: Any, dataset: str | None, kind: type) -> Any:
    arrays: dict[str, Any] = {}
    file.visititems(lambda name, node: arrays.update({name: node}) if isinstance(node, kind) else None)
    if dataset is not None and dataset.strip("/") in arrays:
        return arrays[dataset.strip("/")]
    images = [array for array in arrays.values() if len(array.shape or ()) >= 2 and prod(array.shape)]
    if dataset is None and len(images) == 1:
        return images[0]
    listed = ", ".join(f"{name} {array.shape} {array.dtype}" for name, array in arrays.items()) or "none at all"
    if dataset is None:
        wrong = "choose a dataset" if images else "has no dataset that could be an image"
    else:
        wrong = f"has no dataset {dataset!r}"
    raise UnknownDatasetError(f"{path}: {wrong}; it has {listed}")


def _axes(path: Path, array: Any) -> str:
    labels = [dimension.label for dimension in array.dims]
    tags = array.attrs.get("axistags")
    if not all(labels) and tags is not None:
        labels = [axis.get("key", "") for axis in json.loads(tags).get("axes", [])]
    if len(labels) == array.ndim and all(labels):
        axes = tidy_axes(labels)
        if {"y", "x"} <= set(axes):
            if axes.endswith("c") and array.shape[-1] in (3, 4):
                axes = axes[:-1] + "s"  # channels after y and x are the samples of a colour
            return axes
    return default_axes(array.shape, str(path))


def _voxel_size(array: Any) -> VoxelSize | None:
    for name, unit in (("element_size_um", 1000.0), ("resolution", 1.0)):
        values = np.ravel(array.attrs.get(name, ()))
        if values.size == 3 and values.dtype.kind in "iuf":
            z, y, x = (float(value) * unit for value in values)
            return z, y, x
    return None
