"""The pixels of a TIFF series, read region by region."""

from __future__ import annotations

import struct
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import zarr
from numpy.typing import NDArray

from napari_unets.images.errors import UnsupportedImageError, explain_read_errors
from napari_unets.images.source import ArraySource, Region

__all__ = ["TIFF_ERRORS", "TiffSource"]

#: What tifffile and imagecodecs raise on broken files (TiffFileError is a ValueError, a codec's a RuntimeError).
TIFF_ERRORS = (ValueError, RuntimeError, struct.error, IndexError, KeyError)

_GREY_OR_RGB = (tifffile.PHOTOMETRIC.MINISWHITE, tifffile.PHOTOMETRIC.MINISBLACK, tifffile.PHOTOMETRIC.RGB)


class TiffSource:
    """A series of a TIFF file: mapped where its pixels lie bare in the file, otherwise decoded chunk by chunk.

    Palettes become colours (not ImageJ's: there they are a matter of display, and the stored values count), and
    where a file stores white as 0, its values are turned round. Printing inks (CMYK) become red, green and blue.

    Parameters
    ----------
    path : Path
        The file.
    tif : tifffile.TiffFile
        The same, open.
    series : tifffile.TiffPageSeries
        One level of a series of it.

    Raises
    ------
    UnsupportedImageError
        If the colours are neither grey, RGB, CMYK nor a palette.
    """

    def __init__(self, path: Path, tif: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> None:
        self._path, self._tif = path, tif
        page = series.keyframe
        self._palette = _palette(tif, page)
        self._white = _white(page)
        self._full = _full_ink(page)
        known = page.photometric in _GREY_OR_RGB or self._palette is not None or self._full is not None
        if not known and not _is_decoded(page):
            name = getattr(page.photometric, "name", page.photometric)
            raise UnsupportedImageError(f"{path}: its colours are {name}; save it as grey or RGB")
        self._pixels = _pixels(path, tif, series)
        self.chunks, self.shape, self.dtype = self._pixels.chunks, self._pixels.shape, self._pixels.dtype
        if self._palette is not None:
            self.chunks = None if self.chunks is None else (*self.chunks, 3)
            self.shape, self.dtype = (*self.shape, 3), self._palette.dtype
        if self._full is not None:
            self.chunks = None if self.chunks is None else (*self.chunks[:-1], 3)
            self.shape = (*self.shape[:-1], 3)

    def read(self, region: Region) -> NDArray[Any]:
        """Read a region; the result has all axes."""
        if self._full is not None:
            return self._printed(region)
        stored, colours = region[: len(self._pixels.shape)], region[len(self._pixels.shape) :]
        with explain_read_errors(self._path, *TIFF_ERRORS):
            data = self._pixels.read(stored)
        if self._palette is not None:
            numbers = data.view(np.uint8) if data.dtype == bool else data  # truth values would choose, not look up
            return np.asarray(self._palette[numbers][(..., *colours)])
        if self._white is not None:
            return np.logical_not(data) if self.dtype == bool else (self._white - data).astype(self.dtype)
        return data

    def _printed(self, region: Region) -> NDArray[Any]:
        """Read inks as what they leave of white light."""
        assert self._full is not None  # noqa: S101 - asked before
        with explain_read_errors(self._path, *TIFF_ERRORS):
            inks = self._pixels.read((*region[:-1], slice(None)))
        left = self._full - inks.astype(np.uint32)
        light = (left[..., :3] * left[..., 3:] + self._full // 2) // self._full
        return np.asarray(light[..., region[-1]], dtype=self.dtype)

    def close(self) -> None:
        """Close the file."""
        self._tif.close()


class _BarePixels:
    """Pixels that lie bare in the file: all in one piece, or each page in a piece of its own.

    They are mapped anew for each read, so that what was read does not stay resident.
    """

    chunks: tuple[int, ...] | None = None

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: np.dtype[Any], offsets: NDArray[np.int64]) -> None:
        self._path, self._offsets, self._stored = path, offsets, dtype
        self.shape = (*offsets.shape, *shape)
        self.dtype = dtype.newbyteorder("=")

    def read(self, region: Region) -> NDArray[Any]:
        """Read a region; the result has all axes."""
        before = self._offsets.ndim
        offsets = self._offsets[region[:before]]
        pages = [self._read_page(int(offset), region[before:]) for offset in offsets.flat]
        inner = tuple(len(range(*part.indices(n))) for part, n in zip(region, self.shape, strict=True))[before:]
        return np.array(pages, self.dtype).reshape(offsets.shape + inner)

    def close(self) -> None:
        """Nothing is kept open."""

    def _read_page(self, offset: int, region: Region) -> NDArray[Any]:
        shape = self.shape[self._offsets.ndim :]
        return np.array(np.memmap(self._path, self._stored, mode="r", offset=offset, shape=shape)[region])


def _pixels(path: Path, tif: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> ArraySource | _BarePixels:
    """Find the fastest way to the pixels."""
    dtype = np.dtype(tif.byteorder + np.dtype(series.dtype).char)
    shape = tuple(series.shape)
    if series.dataoffset is not None and not series.is_multifile:
        return _BarePixels(path, shape, dtype, np.array(series.dataoffset))
    page = tuple(series.keyframe.shape)
    pages = [series[i] for i in range(len(series))]
    if (
        not series.is_multifile
        and series.keyframe.is_memmappable
        and len(pages) * prod(page) == prod(shape)
        and shape[-len(page) :] == page
        and all(each is not None and each.is_contiguous for each in pages)
    ):
        offsets = np.array([each.dataoffsets[0] for each in pages if each is not None], np.int64)
        return _BarePixels(path, page, dtype, offsets.reshape(shape[: -len(page)]))
    array = zarr.open_array(series.aszarr(level=0), mode="r")
    return ArraySource(array, tuple(array.chunks))


def _palette(tif: tifffile.TiffFile, page: tifffile.TiffPage) -> NDArray[np.uint8] | None:
    """Colours of a palette image, ``(n, 3)``."""
    if page.photometric != tifffile.PHOTOMETRIC.PALETTE or tif.is_imagej or page.colormap is None:
        return None
    colours = page.colormap.T
    deep = colours.max(initial=0) > 255  # as TIFF wants it; some programs write 0 to 255 all the same
    return np.asarray(colours >> 8 if deep else colours, dtype=np.uint8)


def _white(page: tifffile.TiffPage) -> int | None:
    """Return the stored value of black, where 0 is stored for white."""
    if page.photometric != tifffile.PHOTOMETRIC.MINISWHITE or page.sampleformat not in (1, None):
        return None
    return int(2**page.bitspersample - 1)


def _full_ink(page: tifffile.TiffPage) -> int | None:
    """Return the stored value of all of an ink, where pixels are cyan, magenta, yellow and black, side by side."""
    other_inks = page.tags.valueof("InkSet", 1) != 1
    if page.photometric != tifffile.PHOTOMETRIC.SEPARATED or other_inks or page.axes[-1:] != "S":
        return None
    plain = page.shape[-1] == 4 and page.dtype in (np.uint8, np.uint16)
    return int(np.iinfo(page.dtype).max) if plain and page.compression != tifffile.COMPRESSION.JPEG else None


def _is_decoded(page: tifffile.TiffPage) -> bool:
    """Whether the codec turns the colours into RGB, or the values are to be taken as they are."""
    photometric, codec = tifffile.PHOTOMETRIC, tifffile.COMPRESSION
    if page.photometric in (photometric.PALETTE, photometric.MASK):
        return True
    to_rgb = (codec.OJPEG, codec.JPEG, codec.APERIO_JP2000_RGB, codec.APERIO_JP2000_YCBC)
    return page.photometric == photometric.YCBCR and page.compression in to_rgb
