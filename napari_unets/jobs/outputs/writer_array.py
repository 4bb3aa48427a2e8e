"""A writer of planes as the array that the inference writes into."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from napari_unets.images.writing import PlaneWriter

__all__ = ["WriterArray"]


class WriterArray:
    """A writer as an array that can only be written to, region by region, as ``out=`` of the inference.

    Parameters
    ----------
    writer : PlaneWriter
        Takes the pixels.
    class_axis : int, optional
        Where the writer has the axis of classes, which is the first one for the inference.
    """

    def __init__(self, writer: PlaneWriter, class_axis: int = 0) -> None:
        self._writer = writer
        self._numbers = np.moveaxis(np.arange(writer.n_planes).reshape(writer.shape[:-2]), class_axis, 0)
        self.shape = (*self._numbers.shape, *writer.plane_shape)
        self.dtype = writer.dtype
        #: A plane is best written as a whole, so that is what the inference holds back where memory allows.
        self.chunks = (*(1,) * (len(self.shape) - 2), *self.shape[-2:])

    def __setitem__(self, index: tuple[int | slice, ...], values: NDArray[np.generic]) -> None:
        *planes, y, x = index
        numbers = self._numbers[tuple(planes)].ravel()
        regions: Any = values.reshape(len(numbers), *values.shape[-2:])
        for number, region in zip(numbers, regions, strict=True):
            self._writer.write(int(number), (y, x), region)  # type: ignore[arg-type]
