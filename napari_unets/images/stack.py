"""A stack of planes that is read only where it is looked at."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from functools import partial
from math import prod
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from napari_unets.images.arrays import check_named_axes, chunks_of, first_level, indexable
from napari_unets.images.axes import check_axes, default_axes, stack_axes
from napari_unets.images.decoded import DecodedPlanes, Window
from napari_unets.images.errors import UnsupportedImageError
from napari_unets.images.indexing import index_keys
from napari_unets.images.source import ArraySource, Source, UnsqueezedSource, check_pixels
from napari_unets.images.units import VoxelSize, voxel_size

if TYPE_CHECKING:
    import dask.array as da

__all__ = ["Stack", "as_stack"]

_LARGEST_DASK_CHUNK = 2**25  # bytes


class Stack:
    """Planes ``(z, y, x)`` or ``(z, y, x, s)``, with further axes before y where there are any.

    Made by :func:`~napari_unets.images.open_stack` and :func:`as_stack`. It is indexed as a numpy array is,
    by numbers, slices and ``...``, and reads only what is asked for. Use it as a context manager, or
    :meth:`close` it, to give a file back.

    Parameters
    ----------
    source : Source
        Where the pixels come from.
    axes : str
        One letter for each axis of the source.
    name : str
        For messages and layers.
    path : Path, optional
        The file or folder.
    voxel_size_nm : tuple of 3 float, optional
        Nanometres along z, y, x.
    metadata : mapping, optional
        What the file tells besides.
    is_labels : bool
        Whether the pixels are ids.
    levels : int
        Number of resolution levels that the file has.
    files : sequence of str
        Names of the files along the first axis of the source, where each is a plane.
    reopen : partial, optional
        Opens the same stack again, in another process for instance.
    """

    def __init__(
        self,
        source: Source,
        axes: str,
        *,
        name: str,
        path: Path | None = None,
        voxel_size_nm: VoxelSize | None = None,
        metadata: Mapping[str, Any] | None = None,
        is_labels: bool = False,
        levels: int = 1,
        files: Sequence[str] = (),
        reopen: partial[Stack] | None = None,
    ) -> None:
        self.axes = stack_axes(axes)
        if len(self.axes) > len(axes):  # a single image
            source, axes = UnsqueezedSource(source, (True, *(False,) * len(axes))), f"z{axes}"
        self._source = source
        self._source_axes = axes
        self.name = name
        self.path = path
        self.voxel_size_nm = voxel_size_nm
        self.metadata: dict[str, Any] = dict(metadata or {})
        self.is_labels = is_labels
        self.levels = levels
        #: Names of the files of a folder, one a plane; empty of anything else.
        self.files = tuple(files) if self.axes[0] == axes[0] and self.plane_axes == 1 else ()
        self._reopen = reopen
        self._order = tuple(axes.index(letter) for letter in self.axes)
        self.shape: tuple[int, ...] = tuple(source.shape[i] for i in self._order)
        self.dtype = source.dtype
        chunks = None if source.chunks is None else tuple(source.chunks[i] for i in self._order)
        self._decoded = DecodedPlanes(self.shape, self.plane_axes, self.dtype.itemsize, chunks)
        weakref.finalize(self, source.close)  # a stack that nobody closed, such as one behind a layer
        if self.is_rgb and self.shape[-1] > 4:
            raise UnsupportedImageError(
                f"{name}: {self.shape[-1]} samples a pixel; one (grey), three (RGB) and either with transparency "
                "are understood. If they are channels, call their axis c"
            )

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def nbytes(self) -> int:
        """Size of all pixels in memory, in bytes."""
        return prod(self.shape) * self.dtype.itemsize

    @property
    def is_rgb(self) -> bool:
        """Whether the last axis holds the samples of a colour."""
        return self.axes.endswith("s")

    @property
    def plane_axes(self) -> int:
        """Number of axes before y."""
        return self.axes.index("y")

    @property
    def plane_shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.shape[self.plane_axes], self.shape[self.plane_axes + 1]

    @property
    def n_planes(self) -> int:
        """Number of planes: the product of all axes before y."""
        return prod(self.shape[: self.plane_axes])

    def plane(self, i: int, window: Window | None = None) -> NDArray[Any]:
        """Read one plane, or a window of it.

        Parameters
        ----------
        i : int
            Number of the plane; over all axes before y, the last one running fastest.
        window : tuple of two slices, optional
            Rows and columns; all by default. Only they are read where the format allows.

        Returns
        -------
        ndarray
            ``(y, x)`` or ``(y, x, s)``.
        """
        if not -self.n_planes <= i < self.n_planes:
            raise IndexError(f"{self.name} has {self.n_planes} planes, there is no plane {i}")
        i %= self.n_planes
        place = tuple(int(n) for n in np.unravel_index(i, self.shape[: self.plane_axes]))
        return self._decoded.plane(self.__getitem__, place, window)

    def as_dask(self) -> da.Array:
        """Return the stack as a lazy Dask array.

        Returns
        -------
        dask.array.Array
            Of the stack's shape; a chunk is one plane, or a window of it where planes are very large.
        """
        import dask.array as da

        height, width = self.plane_shape
        samples = self.shape[-1] if self.is_rgb else 1
        while height * width * samples * self.dtype.itemsize > _LARGEST_DASK_CHUNK and max(height, width) > 512:
            height, width = (-(-height // 2), width) if height >= width else (height, -(-width // 2))
        chunks = (*(1,) * self.plane_axes, height, width, *((samples,) if self.is_rgb else ()))
        meta = np.empty((0,) * self.ndim, self.dtype)
        lazy: da.Array = da.from_array(self, chunks=chunks, name=False, asarray=True, fancy=False, meta=meta)  # type: ignore[no-untyped-call]
        return lazy

    def close(self) -> None:
        """Give the file back. An array is left alone."""
        self._decoded.clear()
        self._source.close()

    def __getitem__(self, index: Any) -> NDArray[Any]:
        keys = index_keys(index, self.shape)
        region = [slice(None)] * self.ndim
        for key, i in zip(keys, self._order, strict=True):
            region[i] = key.region
        data = self._source.read(tuple(region)).transpose(self._order)
        final = tuple(0 if key.drop else slice(None, None, -1 if key.reverse else None) for key in keys)
        return data[final]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("a stack is read from its source: that is a copy")
        return self[...].astype(self.dtype if dtype is None else dtype, copy=False)

    def __len__(self) -> int:
        return self.shape[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        size = "unknown voxel size" if self.voxel_size_nm is None else f"{self.voxel_size_nm} nm"
        return f"<Stack {self.name!r}: {self.axes} {self.shape}, {self.dtype}, {size}>"

    def __reduce__(self) -> tuple[Any, ...]:
        if self._reopen is not None:
            return self._reopen, ()
        make = partial(
            Stack,
            self._source,
            self._source_axes,
            name=self.name,
            path=self.path,
            voxel_size_nm=self.voxel_size_nm,
            metadata=self.metadata,
            is_labels=self.is_labels,
        )
        return make, ()


def as_stack(
    data: Any,
    *,
    axes: str | None = None,
    rgb: bool | None = None,
    name: str = "image",
    voxel_size_nm: Sequence[float] | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Stack:
    """See an array as a stack.

    Parameters
    ----------
    data : array-like or Stack
        A numpy, Dask or Zarr array, or anything with ``shape``, ``dtype`` and numpy's indexing; 2-D to 5-D,
        and one more for colour. Nothing is copied. Of an image in several resolutions (the data of a multiscale
        layer, a list from the largest on) the first is taken. A stack is returned as it is, if nothing else is given.
    axes : str, optional
        One letter for each axis, as stored. By default yx, zyx, tzyx or tczyx, and s for colour.
    rgb : bool, optional
        Whether the last axis is colour; guessed by default (length 3 or 4, behind sides of 30 or more).
    name : str
        For messages.
    voxel_size_nm : sequence of 3 float, optional
        Nanometres along z, y, x.
    metadata : mapping, optional
        Kept as the stack's ``metadata``.

    Returns
    -------
    Stack

    Raises
    ------
    AxesError, VoxelSizeError, UnsupportedImageError, MixedSizesError, EmptyImageError
        See there.
    """
    if isinstance(data, Stack) and axes is None and rgb is None and voxel_size_nm is None and metadata is None:
        return data
    array = indexable(first_level(data, name), name)
    source = ArraySource(array, chunks_of(array), name)
    check_pixels(source.shape, source.dtype, name)
    if axes is None:
        if rgb is None:  # a layer of napari, of which that is known, is seen as it is shown
            check_named_axes(array, name)
        axes = data.axes if isinstance(data, Stack) and rgb is None else default_axes(source.shape, name, rgb)
    return Stack(
        source,
        check_axes(axes, len(source.shape), name),
        name=name,
        voxel_size_nm=voxel_size(voxel_size_nm),
        metadata=metadata,
    )
