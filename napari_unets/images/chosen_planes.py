"""Some planes of a stack, as a stack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unets.images.page_numbers import chosen_pages
from napari_unets.images.source import FileImage, Region
from napari_unets.images.stack import Stack

__all__ = ["choose_planes"]


def choose_planes(image: FileImage, pages: str | Sequence[int], name: str) -> FileImage:
    """Choose planes of an image that was opened.

    Parameters
    ----------
    image : FileImage
        The image.
    pages : str or sequence of int
        Numbers of planes from 1, over all axes before y, the last one running fastest: ``"1-3,7"``.
    name : str
        Of the file, for the message.

    Returns
    -------
    FileImage
        Its planes have one axis: that of the image, or z where it has several. Closing it closes the image.

    Raises
    ------
    PageChoiceError
        If it has no such planes.
    """
    stack = Stack(image.source, image.axes, name=name)
    numbers = chosen_pages(pages, stack.n_planes, name)
    axis = stack.axes[0] if stack.plane_axes == 1 else "z"
    files = tuple(image.files[number - 1] for number in numbers) if len(image.files) == stack.n_planes else ()
    axes = axis + stack.axes[stack.plane_axes :]
    return replace(image, source=_ChosenPlanes(stack, numbers), axes=axes, files=files)


class _ChosenPlanes:
    """Planes of a stack; it keeps those last read itself."""

    chunks: tuple[int, ...] | None = None

    def __init__(self, stack: Stack, numbers: Sequence[int]) -> None:
        self._stack, self._numbers = stack, numbers
        self.shape = (len(numbers), *stack.shape[stack.plane_axes :])
        self.dtype = stack.dtype

    def read(self, region: Region) -> NDArray[Any]:
        """Read a region; the result has all axes."""
        planes = [self._stack.plane(number - 1, (region[1], region[2])) for number in self._numbers[region[0]]]
        inner = tuple(len(range(*part.indices(n))) for part, n in zip(region[1:], self.shape[1:], strict=True))
        samples = (slice(None), slice(None), *region[3:])
        return np.array([plane[samples] for plane in planes], self.dtype).reshape(len(planes), *inner)

    def close(self) -> None:
        """Give the file back."""
        self._stack.close()
