"""The pages of a document as one stack."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_unets.images.errors import MixedSizesError
from napari_unets.images.source import Region

if TYPE_CHECKING:
    from napari_unets.images.pages import Pages
    from napari_unets.images.stack import Stack

__all__ = ["PagesSource"]


class PagesSource:
    """Pages as planes of one size; each is opened for as long as it is read.

    Parameters
    ----------
    pages : Pages
        The pages; closed with the source.
    pad : bool
        As for :meth:`~napari_unets.images.pages.Pages.as_stack`.

    Raises
    ------
    MixedSizesError
        If they are not of one size and ``pad`` is False, or not of one type.
    """

    def __init__(self, pages: Pages, *, pad: bool) -> None:
        self._pages = pages
        first = pages[0]
        about, shapes, dtypes = [], [], []
        for page in self._each():
            shapes.append((*page.plane_shape, *page.shape[3:]))
            dtypes.append(page.dtype)
            about.append({"name": page.name, "size": list(page.plane_shape), "dpi": page.metadata.get("dpi")})
        height, width = (max(shape[axis] for shape in shapes) for axis in (0, 1))
        if len({*zip(shapes, dtypes, strict=True)}) > 1:
            self._refuse(shapes, dtypes, pad=pad)
        grey = all(len(shape) == 2 for shape in shapes)
        samples = shapes[0][2:] if len(set(shapes)) == 1 or grey else (3,)
        self.shape: tuple[int, ...] = (len(pages), height, width, *samples)
        self.dtype: np.dtype[Any] = np.dtype(np.uint8) if len(set(dtypes)) > 1 else dtypes[0]
        self.chunks: tuple[int, ...] | None = (1, *self.shape[1:])
        self.is_labels = first.is_labels
        self.metadata: dict[str, Any] = {**first.metadata, "pages": about}
        first.close()

    def read(self, region: Region) -> NDArray[Any]:
        """Read a region; the result has all axes."""
        numbers = range(*region[0].indices(self.shape[0]))
        planes = [self._read_page(i, region[1], region[2]) for i in numbers]
        shape = (0, *(len(range(*part.indices(n))) for part, n in zip(region[1:3], self.shape[1:3], strict=True)))
        pixels = np.stack(planes) if planes else np.empty((*shape, *self.shape[3:]), self.dtype)
        return pixels[(slice(None),) * 3 + region[3:]]

    def close(self) -> None:
        """Close the document."""
        self._pages.close()

    def _each(self) -> Iterator[Stack]:
        for i in range(len(self._pages)):
            with self._pages[i] as page:
                yield page

    def _read_page(self, i: int, rows: slice, columns: slice) -> NDArray[Any]:
        with self._pages[i] as page:
            pixels = page.plane(0, (rows, columns))
        if pixels.dtype != self.dtype:  # black and white among grey
            pixels = pixels * np.uint8(255)
        colour = self.shape[3:]
        if pixels.shape[2:] != colour:
            pixels = _in_colour(pixels)
        wanted = tuple(len(range(*part.indices(n))) for part, n in zip((rows, columns), self.shape[1:3], strict=True))
        if pixels.shape[:2] == wanted:
            return pixels
        plane = np.full((*wanted, *colour), 0 if self.is_labels else _white(self.dtype), self.dtype)
        plane[: pixels.shape[0], : pixels.shape[1]] = pixels
        return plane

    def _refuse(self, shapes: list[tuple[int, ...]], dtypes: list[np.dtype[Any]], *, pad: bool) -> None:
        """Say which page is not like the first, if that is in the way."""
        alike = {dtypes[0]} | ({np.dtype(bool), np.dtype(np.uint8)} if pad and dtypes[0] in (bool, np.uint8) else set())
        for i, (shape, dtype) in enumerate(zip(shapes, dtypes, strict=True)):
            if dtype in alike and (pad or shape == shapes[0]):
                continue
            first, other = _described(shapes[0], dtypes[0]), _described(shape, dtype)
            raise MixedSizesError(
                f"{self._pages.path}: its pages differ: {self._pages.names[0]!r} is {first}, {self._pages.names[i]!r} "
                f"{other}. Take them one by one, or choose pages that are alike"
            )


def _in_colour(pixels: NDArray[Any]) -> NDArray[Any]:
    """RGB of grey or colour, without transparency."""
    if pixels.ndim == 3 and pixels.shape[2] > 2:
        return pixels[..., :3]
    grey = pixels if pixels.ndim == 2 else pixels[..., 0]
    return np.stack([grey] * 3, axis=-1)


def _white(dtype: np.dtype[Any]) -> Any:
    if dtype.kind == "f":
        return 1.0
    return True if dtype.kind == "b" else np.iinfo(dtype).max


def _described(shape: tuple[int, ...], dtype: np.dtype[Any]) -> str:
    return f"{shape[0]}×{shape[1]}{' in colour' if len(shape) > 2 else ''} ({dtype})"
