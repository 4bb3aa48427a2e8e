"""TIFF, BigTIFF, ImageJ and OME-TIFF, opened lazily."""

from __future__ import annotations

import contextlib
import logging
import struct
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import zarr
from numpy.typing import NDArray

from napari_unets.images.axes import tidy_axes
from napari_unets.images.errors import (
    EmptyImageError,
    MixedSizesError,
    UnknownDatasetError,
    UnknownLevelError,
    UnreadableImageError,
    UnsupportedImageError,
    explain_read_errors,
)
from napari_unets.images.source import FileImage, Region
from napari_unets.images.tiff_metadata import tiff_metadata

__all__ = ["TIFF_ERRORS", "open_tiff"]

#: What tifffile and imagecodecs raise on broken files (TiffFileError is a ValueError, a codec's a RuntimeError).
TIFF_ERRORS = (ValueError, RuntimeError, struct.error, IndexError, KeyError)

_GREY_OR_RGB = (tifffile.PHOTOMETRIC.MINISWHITE, tifffile.PHOTOMETRIC.MINISBLACK, tifffile.PHOTOMETRIC.RGB)


def open_tiff(path: Path, *, level: int = 0, dataset: str | None = None) -> FileImage:
    """Open a TIFF file.

    Parameters
    ----------
    path : Path
        The file.
    level : int
        Resolution level of a pyramid.
    dataset : str, optional
        Number or name of a series, where a file has several of different sizes.

    Returns
    -------
    FileImage

    Raises
    ------
    UnreadableImageError, UnsupportedImageError, EmptyImageError, MixedSizesError, UnknownDatasetError, UnknownLevelError
        See there.
    """
    _check_directories(path)
    with explain_read_errors(path, *TIFF_ERRORS), _quiet():
        tif = tifffile.TiffFile(path)
    try:
        with explain_read_errors(path, *TIFF_ERRORS), _quiet():
            series = _choose_series(path, tif, dataset)
            if not 0 <= level < len(series.levels):
                raise UnknownLevelError(
                    f"{path}: has {len(series.levels)} resolution level(s), there is no level {level}"
                )
            chosen = series.levels[level]
            _check_length(path, tif, chosen)
            source = _TiffSource(path, tif, chosen)
            axes = tidy_axes(chosen.axes + "S" * (len(source.shape) - len(chosen.axes)))
            if not {"y", "x"} <= set(axes):
                raise UnsupportedImageError(f"{path}: its axes are {chosen.axes}; an image needs y and x")
            info = tiff_metadata(tif, series)
    except BaseException:
        tif.close()
        raise
    size = info.voxel_size_nm
    if size is not None and level:
        shrunk = [series.shape[series.axes.index(a)] / chosen.shape[chosen.axes.index(a)] for a in "YX"]
        size = (size[0], size[1] * shrunk[0], size[2] * shrunk[1])
    return FileImage(
        source, info.axes or axes, size, metadata=info.metadata, is_labels=info.is_labels, levels=len(series.levels)
    )


class _TiffSource:
    """A series of a TIFF file: mapped where its pixels lie bare in the file, otherwise decoded chunk by chunk."""

    def __init__(self, path: Path, tif: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> None:
        self._path, self._tif, self._series = path, tif, series
        page = series.keyframe
        self._stored: tuple[int, ...] = tuple(series.shape)
        self._stored_dtype = np.dtype(series.dtype)
        self._offset: int | None = series.dataoffset
        self._palette = _palette(tif, page)
        self._white = _white(page)
        self._zarr: zarr.Array[Any] | None = None
        self.chunks: tuple[int, ...] | None = None
        if self._offset is None:
            self._store = series.aszarr(level=0)
            self._zarr = zarr.open_array(self._store, mode="r")
            self.chunks = tuple(self._zarr.chunks)
            self._bare_pages = self._are_pages_bare()
            if self._bare_pages:
                self.chunks = None
        if page.photometric not in _GREY_OR_RGB and self._palette is None and not _is_decoded_to_rgb(page):
            name = getattr(page.photometric, "name", page.photometric)
            raise UnsupportedImageError(f"{path}: its colours are {name}; save it as grey or RGB")
        self.shape = self._stored if self._palette is None else (*self._stored, 3)
        self.dtype = np.dtype(np.uint8) if self._palette is not None else self._stored_dtype.newbyteorder("=")

    def read(self, region: Region) -> NDArray[Any]:
        """Read a region; the result has all axes."""
        region, colours = region[: len(self._stored)], region[len(self._stored) :]
        with explain_read_errors(self._path, *TIFF_ERRORS):
            data = self._read_stored(region)
        data = data.astype(self._stored_dtype.newbyteorder("="), copy=False)
        if self._palette is not None:
            return self._palette[data][(..., *colours)]
        if self._white is not None:
            return np.logical_not(data) if self.dtype == bool else (self._white - data).astype(self.dtype)
        return data

    def close(self) -> None:
        """Close the file."""
        self._tif.close()

    def _read_stored(self, region: Region) -> NDArray[Any]:
        if self._offset is not None:
            return np.array(self._mapped(self._offset, self._stored)[region])
        if self._bare_pages:
            return self._read_bare_pages(region)
        assert self._zarr is not None
        return np.asarray(self._zarr[region])

    def _mapped(self, offset: int, shape: tuple[int, ...]) -> NDArray[Any]:
        """Map pixels that lie bare in the file; anew for each read, so that what was read does not stay resident."""
        dtype = self._tif.byteorder + self._stored_dtype.char
        return np.memmap(self._path, dtype, mode="r", offset=offset, shape=shape)

    def _are_pages_bare(self) -> bool:
        """Whether each plane's pixels lie bare in the file, though not next to the other planes'."""
        keyframe, n = self._series.keyframe, len(self._series)
        return bool(
            n > 1
            and keyframe.is_memmappable
            and n * prod(keyframe.shape) == prod(self._stored)
            and self._stored[-len(keyframe.shape) :] == keyframe.shape
            and all(self._series[i] is not None and self._series[i].is_contiguous for i in range(n))
        )

    def _read_bare_pages(self, region: Region) -> NDArray[Any]:
        shape = self._series.keyframe.shape
        before = len(self._stored) - len(shape)
        numbers = np.arange(len(self._series)).reshape(self._stored[:before])[region[:before]]
        planes = [
            np.array(self._mapped(self._series[int(i)].dataoffsets[0], shape)[region[before:]]) for i in numbers.flat
        ]
        return np.stack(planes).reshape(numbers.shape + planes[0].shape)


def _choose_series(path: Path, tif: tifffile.TiffFile, dataset: str | None) -> tifffile.TiffPageSeries:
    """Take the series that is asked for, or the only one, or the first of a format that has thumbnails."""
    series = [s for s in tif.series if prod(s.shape)]
    if not series:
        raise EmptyImageError(f"{path}: there is no image in this file")
    if dataset is not None:
        for i, candidate in enumerate(series):
            if dataset in (str(i), candidate.name):
                return candidate
        listed = ", ".join(f"{i} ({s.name or 'unnamed'}, {s.shape})" for i, s in enumerate(series))
        raise UnknownDatasetError(f"{path}: has no series {dataset!r}; it has {listed}")
    sizes = {(s.shape[s.axes.find("Y")], s.shape[s.axes.find("X")], str(s.dtype)) for s in series}
    if len(series) > 1 and series[0].kind in {"generic", "uniform", "shaped"}:
        listed = ", ".join(f"{h}×{w} {dtype}" for h, w, dtype in sorted(sizes))
        raise MixedSizesError(
            f"{path}: its pages cannot be stacked, they differ in size or type ({listed}); "
            f"choose some with dataset='0' … '{len(series) - 1}', or split the file"
        )
    return series[0]


def _palette(tif: tifffile.TiffFile, page: tifffile.TiffPage) -> NDArray[np.uint8] | None:
    """Colours of a palette image, ``(n, 3)``. ImageJ's are a matter of display: there the stored values count."""
    if page.photometric != tifffile.PHOTOMETRIC.PALETTE or tif.is_imagej or page.colormap is None:
        return None
    return np.asarray(page.colormap.T >> 8, dtype=np.uint8)


def _white(page: tifffile.TiffPage) -> int | None:
    """Stored value of black, where 0 is stored for white."""
    if page.photometric != tifffile.PHOTOMETRIC.MINISWHITE or page.dtype.kind not in "bu":
        return None
    return int(2**page.bitspersample - 1)


def _is_decoded_to_rgb(page: tifffile.TiffPage) -> bool:
    """Whether the codec turns the colours into RGB, or they are none (ImageJ's palettes, masks)."""
    photometric, jpeg = tifffile.PHOTOMETRIC, tifffile.COMPRESSION
    if page.photometric in (photometric.PALETTE, photometric.MASK):
        return True
    codecs = (jpeg.OJPEG, jpeg.JPEG, jpeg.APERIO_JP2000_RGB, jpeg.APERIO_JP2000_YCBC)
    return page.photometric == photometric.YCBCR and page.compression in codecs


def _check_length(path: Path, tif: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> None:
    """Refuse a file that ends before its pixels do."""
    end = 0
    if series.dataoffset is not None:
        end = series.dataoffset + prod(series.shape) * np.dtype(series.dtype).itemsize
    for page in (series[0], series[len(series) - 1]):
        if page is not None:
            segments = zip(page.dataoffsets, page.databytecounts, strict=False)
            end = max(end, *(offset + count for offset, count in segments), 0)
    size = tif.filehandle.size
    if end > size:
        raise UnreadableImageError(
            f"{path}: the file is truncated, it has {size:,} of at least {end:,} bytes; copy or export it again"
        )


def _check_directories(path: Path) -> None:
    """Refuse a file whose chain of image directories is cut: tifffile would silently show fewer planes."""
    with explain_read_errors(path, struct.error), path.open("rb") as file:
        size = path.stat().st_size
        head = file.read(16)
        if size == 0:
            raise EmptyImageError(f"{path}: the file is empty")
        order = {b"II": "<", b"MM": ">"}.get(head[:2], "")
        version = struct.unpack(order + "H", head[2:4])[0] if order and len(head) >= 8 else 0
        if version not in (42, 43):
            raise UnsupportedImageError(f"{path}: is not a TIFF file, whatever its name says")
        big = version == 43
        count_format, tag, offset_format = (order + "Q", 20, order + "Q") if big else (order + "H", 12, order + "I")
        offset = struct.unpack(offset_format, head[8:16] if big else head[4:8])[0]
        count_size, offset_size = struct.calcsize(count_format), struct.calcsize(offset_format)
        seen: set[int] = set()
        while offset and offset not in seen:
            seen.add(offset)
            file.seek(offset)
            head = file.read(count_size)
            if len(head) < count_size:
                raise UnreadableImageError(
                    f"{path}: the file is truncated, plane {len(seen)} is missing; copy or export it again"
                )
            file.seek(struct.unpack(count_format, head)[0] * tag, 1)
            tail = file.read(offset_size)
            if len(tail) < offset_size:
                raise UnreadableImageError(
                    f"{path}: the file is truncated within plane {len(seen)}; copy or export it again"
                )
            offset = struct.unpack(offset_format, tail)[0]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep tifffile's log quiet: what matters of it is raised here."""
    log = logging.getLogger("tifffile")
    before = log.disabled
    log.disabled = True
    try:
        yield
    finally:
        log.disabled = before
