"""MRC files (.mrc, .rec, .st, ...) of electron microscopes and of IMOD, mapped into memory."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unets.images.errors import (
    EmptyImageError,
    MissingExtraError,
    UnreadableImageError,
    UnsupportedImageError,
    explain_read_errors,
)
from napari_unets.images.source import FileImage, Region
from napari_unets.images.units import VoxelSize

__all__ = ["open_mrc"]

_IMOD_STAMP = 1146047817
_IMOD_STAMP_AT = 40  # byte of the header's field extra2; the flags follow
_SIGNED_FLAG = 1
_LARGEST_SIZE = 2**24
_LARGEST_MODE = 101  # of 4-bit integers; the others are up to 12


def open_mrc(path: Path) -> FileImage:
    """Open an MRC file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    FileImage
        With the voxel size that the header has in ångström.

    Raises
    ------
    MissingExtraError, UnreadableImageError, UnsupportedImageError, EmptyImageError
        See there.
    """
    try:
        import mrcfile
    except ImportError as error:
        raise MissingExtraError(
            f'{path}: MRC files need mrcfile; install it with: pip install "napari-unets[formats]"'
        ) from error
    if path.stat().st_size == 0:
        raise EmptyImageError(f"{path}: the file is empty")
    if not _looks_like_mrc(path):
        raise UnsupportedImageError(f"{path}: is not an MRC file, whatever its name says")
    with explain_read_errors(path, ValueError), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # what mrcfile warns of is checked here
        file = mrcfile.mmap(path, mode="r", permissive=True)
        try:
            header, data = file.header, file.data
            if header is None or data is None:
                raise UnreadableImageError(
                    f"{path}: its pixels cannot be read: the file is truncated, or their kind is not supported; "
                    "copy or export it again"
                )
            axes = "zyx"[-data.ndim :] if data.ndim <= 3 else "tzyx"
            size = _voxel_size(file)
            offset, shape = int(data.offset), tuple(data.shape)
            dtype = np.dtype(np.uint8).newbyteorder("=") if _has_unsigned_bytes(header) else data.dtype
        finally:
            file.close()
    if dtype.kind not in "biuf":
        raise UnsupportedImageError(f"{path}: pixels of type {dtype} (MRC mode {int(header.mode)}) are not supported")
    return FileImage(_MrcSource(path, offset, shape, dtype), axes, size)


class _MrcSource:
    """Pixels that lie bare in the file."""

    def __init__(self, path: Path, offset: int, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self._path, self._offset, self._stored = path, offset, dtype
        self.shape = shape
        self.dtype = dtype.newbyteorder("=")
        self.chunks: tuple[int, ...] | None = None

    def read(self, region: Region) -> NDArray[Any]:
        """Read a region; the result has all axes."""
        with explain_read_errors(self._path, ValueError):
            mapped = np.memmap(self._path, self._stored, mode="r", offset=self._offset, shape=self.shape)
            return np.array(mapped[region], dtype=self.dtype)

    def close(self) -> None:
        """Nothing is kept open."""


def _looks_like_mrc(path: Path) -> bool:
    """Whether the head holds three sensible sizes and a mode, in either byte order; not all programs sign it."""
    with explain_read_errors(path), path.open("rb") as file:
        head = file.read(16)
    if len(head) < 16:
        raise UnreadableImageError(f"{path}: the file is truncated, it has {len(head)} bytes; copy or export it again")
    for order in "<>":
        *sizes, mode = np.frombuffer(head, f"{order}i4").tolist()
        if all(0 < size < _LARGEST_SIZE for size in sizes) and 0 <= mode <= _LARGEST_MODE:
            return True
    return False


def _voxel_size(file: Any) -> VoxelSize:
    size = file.voxel_size
    return float(size.z) / 10, float(size.y) / 10, float(size.x) / 10


def _has_unsigned_bytes(header: Any) -> bool:
    """Whether bytes are unsigned: so in files of IMOD that lack its "signed" flag."""
    if int(header.mode) != 0:
        return False
    order = "<" if header.machst[0] == 0x44 else ">"
    stamp, flags = np.frombuffer(header.extra2.tobytes()[_IMOD_STAMP_AT : _IMOD_STAMP_AT + 8], dtype=f"{order}i4")
    return bool(stamp == _IMOD_STAMP and not flags & _SIGNED_FLAG)
