"""What is transparent in places, as it looks on white paper."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_unets.images.source import Region, Source

__all__ = ["mixed_with_white", "tiff_on_white"]

_ROWS = 256  # looked at together
_MIXED, _UNMIXED = 1, 2  # what TIFF says of transparency: colours are mixed with black by it, or not mixed yet


def mixed_with_white(pixels: NDArray[Any], *, from_black: bool = False) -> NDArray[Any]:
    """Mix colours with white by their transparency, which is kept.

    Parameters
    ----------
    pixels : ndarray of unsigned integers, shape (..., s)
        Grey or colour, and the opacity as the last sample.
    from_black : bool
        The colours are already mixed with black.

    Returns
    -------
    ndarray
        The same where nothing is transparent.
    """
    opaque = np.iinfo(pixels.dtype).max
    colours, alpha = np.split(pixels, [-1], axis=-1)
    if alpha.min(initial=opaque) == opaque:
        return pixels
    seen = alpha / np.float32(opaque)
    mixed = (colours if from_black else colours * seen) + opaque * (1 - seen)
    return np.concatenate([np.rint(mixed).clip(0, opaque).astype(pixels.dtype), alpha], axis=-1)


def tiff_on_white(source: Source, page: tifffile.TiffPage) -> Source:
    """See a TIFF image on white, if its file says that one of its samples is the opacity.

    Parameters
    ----------
    source : Source
        The image as stored.
    page : tifffile.TiffPage
        The first page of it.

    Returns
    -------
    Source
        The same if it has none.
    """
    extra = tuple(page.extrasamples)
    known = page.photometric in (tifffile.PHOTOMETRIC.RGB, tifffile.PHOTOMETRIC.MINISBLACK)
    if not known or extra not in ((_MIXED,), (_UNMIXED,)) or source.dtype.kind != "u":
        return source
    # samples one after the other are left alone: so tifffile stores four planes of a stack, if it is not told better
    if page.axes[-3:] != "YXS" or source.shape[-1] not in (2, 4):
        return source
    return _OnWhite(source, from_black=extra == (_MIXED,))


class _OnWhite:
    """An image on white; one of which nothing would be seen stays as it is."""

    def __init__(self, source: Source, *, from_black: bool) -> None:
        self._source, self._from_black = source, from_black
        self.shape, self.dtype = source.shape, source.dtype
        self.chunks: tuple[int, ...] | None = source.chunks

    def read(self, region: Region) -> NDArray[Any]:
        """Read a region; the result has all axes."""
        pixels = self._source.read((*region[:-1], slice(None)))
        if self._is_seen:
            pixels = mixed_with_white(pixels, from_black=self._from_black)
        return pixels[..., region[-1]]

    def close(self) -> None:
        """Give the file back."""
        self._source.close()

    @cached_property
    def _is_seen(self) -> bool:
        """Whether anything is not transparent: some programs write 0 everywhere, and mean nothing by it."""
        opacities = slice(self.shape[-1] - 1, None)
        for place in np.ndindex(self.shape[:-3]):  # most images are seen in the first rows
            for top in range(0, self.shape[-3], _ROWS):
                rows = slice(top, top + _ROWS)
                plane = tuple(slice(i, i + 1) for i in place)
                if self._source.read((*plane, rows, slice(None), opacities)).any():
                    return True
        return False
