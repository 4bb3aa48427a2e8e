"""Images whose bright and dark are exchanged."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unets.images.normalise import guessed_white
from napari_unets.images.sampling import sampled_windows
from napari_unets.images.source import ArraySource, FileImage, Region, Source
from napari_unets.images.stack import Stack

__all__ = ["inverted", "inverted_stack"]

_SAMPLED_PLANES = 8


def inverted(image: FileImage, name: str) -> FileImage:
    """Exchange bright and dark of an image that was opened.

    Parameters
    ----------
    image : FileImage
        The image. Nothing of it is read before a part of the result is.
    name : str
        Of the file, for messages.

    Returns
    -------
    FileImage
        Of unsigned integers white minus the value, where white is what it is for the normalisation ``range``; of other
        numbers the value with the other sign. Transparency stays. Closing it closes the image.
    """
    return replace(image, source=_Inverted(image.source, image.axes, name), is_labels=False)


def inverted_stack(stack: Stack) -> Stack:
    """Exchange bright and dark of a stack, as :func:`inverted` does; closing it leaves the stack open.

    Parameters
    ----------
    stack : Stack
        Read when the result is.

    Returns
    -------
    Stack
    """
    image = inverted(FileImage(ArraySource(stack), stack.axes), stack.name)
    return Stack(
        image.source,
        stack.axes,
        name=stack.name,
        path=stack.path,
        voxel_size_nm=stack.voxel_size_nm,
        metadata=stack.metadata,
    )


class _Inverted:
    """A source with bright and dark exchanged."""

    def __init__(self, source: Source, axes: str, name: str) -> None:
        self._source, self._axes, self._name = source, axes, name
        self.shape, self.dtype, self.chunks = source.shape, source.dtype, source.chunks

    @cached_property
    def _white(self) -> int:
        if self.dtype == np.uint8:
            return 255
        stack = Stack(_Lent(self._source), self._axes, name=self._name)
        return guessed_white(stack, sampled_windows(stack, _SAMPLED_PLANES))

    def read(self, region: Region) -> NDArray[Any]:
        """Read a region; the result has all axes."""
        data = self._source.read(region)
        if (axis := self._axes.find("s")) >= 0 and self.shape[axis] in (2, 4):
            samples = range(*region[axis].indices(self.shape[axis]))
            colour = [sample < self.shape[axis] - 1 for sample in samples]
            return np.where(np.expand_dims(colour, [i for i in range(data.ndim) if i != axis]), self._of(data), data)
        return self._of(data)

    def close(self) -> None:
        """Give the file back."""
        self._source.close()

    def _of(self, data: NDArray[Any]) -> NDArray[Any]:
        exchanged: NDArray[Any]
        if data.dtype.kind == "u":
            white = data.dtype.type(self._white)
            exchanged = np.subtract(white, np.minimum(data, white), dtype=data.dtype)
        elif data.dtype.kind == "f":
            exchanged = np.negative(data)
        else:  # of signed integers -1 - x, as the lowest one has no counterpart
            exchanged = np.invert(data)
        return exchanged


class _Lent:
    """A source that stays open when the stack that looks at it goes."""

    def __init__(self, source: Source) -> None:
        self.shape, self.dtype, self.chunks, self.read = source.shape, source.dtype, source.chunks, source.read

    def close(self) -> None:
        """Leave it open: it is another's."""
