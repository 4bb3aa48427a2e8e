"""What a stack reads from: an array, or a file that is opened as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_unets.images.arrays import check_unmasked
from napari_unets.images.errors import EmptyImageError, UnsupportedImageError
from napari_unets.images.units import VoxelSize

__all__ = ["ArraySource", "FileImage", "Region", "Source", "UnsqueezedSource", "check_pixels", "check_plane"]

#: A slice of positive step and within bounds for each axis.
Region = tuple[slice, ...]


class Source(Protocol):
    """Pixels that are read region by region."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis as stored."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels, in the machine's byte order."""

    @property
    def chunks(self) -> tuple[int, ...] | None:
        """What is decoded at once; None if any region can be had at no extra cost."""

    def read(self, region: Region) -> NDArray[Any]:
        """Read a region; the result has all axes."""

    def close(self) -> None:
        """Give the file back."""


@dataclass(frozen=True)
class FileImage:
    """A file that was opened, and what it says of itself."""

    source: Source
    #: One letter for each axis as stored.
    axes: str
    voxel_size_nm: VoxelSize | None = None
    #: What was given to the writer, where we wrote it; ``dpi`` of a scan.
    metadata: Mapping[str, Any] = field(default_factory=dict)
    #: Whether the pixels are ids.
    is_labels: bool = False
    #: Number of resolution levels.
    levels: int = 1
    #: Names of the channels, where the file has any.
    channels: tuple[str, ...] = ()
    #: Names of the files along the first axis, where each is a plane.
    files: tuple[str, ...] = ()


class ArraySource:
    """Anything with ``shape``, ``dtype`` and numpy's basic indexing: numpy, Dask, Zarr, h5py, ...

    Parameters
    ----------
    array : array-like
        The array.
    chunks : tuple of int, optional
        What is decoded at once.
    name : str
        For messages.
    """

    def __init__(self, array: Any, chunks: tuple[int, ...] | None = None, name: str = "image") -> None:
        self._array, self._name = array, name
        self.shape: tuple[int, ...] = tuple(int(n) for n in array.shape)
        self.dtype: np.dtype[Any] = np.dtype(array.dtype).newbyteorder("=")
        self.chunks = chunks

    def read(self, region: Region) -> NDArray[Any]:
        """Read a region; the result has all axes."""
        part = self._array[region]
        check_unmasked(part, self._name)  # variables of netCDF4 mask what they read
        return np.asarray(part, dtype=self.dtype)

    def close(self) -> None:
        """Let go of the array."""


class UnsqueezedSource:
    """A source with axes of length 1 put in.

    Parameters
    ----------
    source : Source
        The source.
    inserted : tuple of bool
        For each axis of the result, whether it is put in.
    """

    def __init__(self, source: Source, inserted: tuple[bool, ...]) -> None:
        self._source, self._inserted = source, inserted
        self.dtype = source.dtype
        self.shape = self._spread(source.shape)
        self.chunks = None if source.chunks is None else self._spread(source.chunks)

    def read(self, region: Region) -> NDArray[Any]:
        """Read a region; the result has all axes."""
        pairs = list(zip(region, self._inserted, strict=True))
        data = self._source.read(tuple(part for part, new in pairs if not new))
        data = np.expand_dims(data, tuple(i for i, new in enumerate(self._inserted) if new))
        return data[tuple(part if new else slice(None) for part, new in pairs)]

    def close(self) -> None:
        """Give the file back."""
        self._source.close()

    def _spread(self, lengths: tuple[int, ...]) -> tuple[int, ...]:
        given = iter(lengths)
        return tuple(1 if new else next(given) for new in self._inserted)


def check_pixels(shape: tuple[int, ...], dtype: np.dtype[Any], name: str) -> None:
    """Refuse what is no image.

    Parameters
    ----------
    shape, dtype
        Of the data.
    name : str
        File or layer, for the message.

    Raises
    ------
    UnsupportedImageError
        For pixels that are neither truth values, integers nor real numbers.
    EmptyImageError
        If an axis is of length 0.
    """
    if dtype.kind not in "biuf":
        raise UnsupportedImageError(
            f"{name}: pixels of type {dtype} are not supported; integers, real numbers and truth values are"
        )
    if 0 in shape:
        raise EmptyImageError(f"{name}: there are no pixels in it, its shape is {shape}")


def check_plane(plane_shape: tuple[int, int], name: str) -> None:
    """Refuse planes of a single pixel: what a failed scan or export leaves.

    Parameters
    ----------
    plane_shape : tuple of int
        Height and width.
    name : str
        File, for the message.

    Raises
    ------
    EmptyImageError
        If there is a single pixel.
    """
    if plane_shape == (1, 1):
        raise EmptyImageError(f"{name}: is a single pixel, with nothing to be seen in it; scan or export it again")
