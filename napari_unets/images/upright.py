"""Pictures turned upright, as the tag that a scanner or camera writes says."""

from __future__ import annotations

from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_unets.images.source import Region, Source

__all__ = ["ORIENTATION_TAG", "QUARTER_TURNS", "Upright", "tiff_orientation", "turned_upright"]

#: Orientations that swap height and width.
QUARTER_TURNS = range(5, 9)

#: Number of the tag, in TIFF and EXIF.
ORIENTATION_TAG = 274
#: Axes that are turned round, after height and width were swapped where they are.
_FLIPPED: dict[int, tuple[int, ...]] = {2: (1,), 3: (0, 1), 4: (0,), 6: (1,), 7: (0, 1), 8: (0,)}


def tiff_orientation(page: tifffile.TiffPage) -> int:
    """Orientation (1 to 8, as in EXIF) of a TIFF page; 1 if it is upright or does not say."""
    orientation = page.tags.valueof(ORIENTATION_TAG, 1)
    return orientation if orientation in range(1, 9) else 1


def turned_upright(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Turn a picture upright.

    Parameters
    ----------
    pixels : ndarray
        The picture as stored, ``(y, x)`` or ``(y, x, s)``.
    orientation : int
        1 to 8, as in EXIF; anything else is taken for 1.

    Returns
    -------
    ndarray
        A view.
    """
    if orientation in QUARTER_TURNS:
        pixels = pixels.swapaxes(0, 1)
    return np.flip(pixels, _FLIPPED.get(orientation, ()))


class Upright:
    """A picture turned upright; it is read as a whole.

    Parameters
    ----------
    source : Source
        The picture as stored, ``(y, x)`` or ``(y, x, s)``.
    orientation : int
        1 to 8, as in EXIF.
    """

    def __init__(self, source: Source, orientation: int) -> None:
        self._source, self._orientation = source, orientation
        height, width = source.shape[:2]
        turned = (width, height) if orientation in QUARTER_TURNS else (height, width)
        self.shape = (*turned, *source.shape[2:])
        self.dtype = source.dtype
        self.chunks: tuple[int, ...] | None = self.shape

    def read(self, region: Region) -> NDArray[Any]:
        """Read a region; the result has all axes."""
        pixels = self._source.read((slice(None),) * len(self.shape))
        return np.ascontiguousarray(turned_upright(pixels, self._orientation)[region])

    def close(self) -> None:
        """Give the file back."""
        self._source.close()
