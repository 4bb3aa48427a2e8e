"""The chain of image directories of a TIFF file: one a page, each pointing at the next."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from napari_unets.images.errors import (
    EmptyImageError,
    UnreadableImageError,
    UnsupportedImageError,
    explain_read_errors,
)

__all__ = ["check_directories"]

_SIZES = np.array([0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8])  # bytes of a value of each type
#: Description, and where the pixels are: the other tags may be damaged without harm.
_ESSENTIAL = (270, 273, 279, 324, 325)


class _Layout(NamedTuple):
    """How TIFF or BigTIFF lays out a directory."""

    count_format: str
    offset_format: str
    entry: np.dtype[Any]


def check_directories(path: Path) -> None:
    """Refuse a file whose chain of directories is cut: tifffile would silently show fewer planes.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    EmptyImageError
        If the file has no bytes.
    UnsupportedImageError
        If it is not TIFF.
    UnreadableImageError
        If a directory, or what it needs, is missing or damaged.
    """
    with explain_read_errors(path, struct.error), path.open("rb") as file:
        size = path.stat().st_size
        if size == 0:
            raise EmptyImageError(f"{path}: the file is empty")
        layout, offset = _start(path, file)
        seen: set[int] = set()
        while offset and offset not in seen:
            seen.add(offset)
            file.seek(offset)
            following = _next(file, layout, size)
            if following is None:
                raise UnreadableImageError(
                    f"{path}: the file is truncated or damaged at plane {len(seen)}; copy or export it again"
                )
            offset = following


def _start(path: Path, file: BinaryIO) -> tuple[_Layout, int]:
    """Read the head of the file: its layout, and where the first directory is."""
    head = file.read(16)
    order = {b"II": "<", b"MM": ">"}.get(head[:2], "")
    version = struct.unpack(order + "H", head[2:4])[0] if order and len(head) >= 8 else 0
    if version not in (42, 43):
        raise UnsupportedImageError(f"{path}: is not a TIFF file, whatever its name says")
    word = order + ("u8" if version == 43 else "u4")
    entry = np.dtype([("code", order + "u2"), ("type", order + "u2"), ("count", word), ("value", word)])
    if version == 43:
        return _Layout(order + "Q", order + "Q", entry), struct.unpack(order + "Q", head[8:16])[0]
    return _Layout(order + "H", order + "I", entry), struct.unpack(order + "I", head[4:8])[0]


def _next(file: BinaryIO, layout: _Layout, size: int) -> int | None:
    """Read the directory here, and return where the next one is; None if something is missing."""
    head = file.read(struct.calcsize(layout.count_format))
    if len(head) < struct.calcsize(layout.count_format):
        return None
    count = struct.unpack(layout.count_format, head)[0]
    body = file.read(min(count, 2**16) * layout.entry.itemsize)
    tail = file.read(struct.calcsize(layout.offset_format))
    if not 0 < count < 2**16 or len(tail) < struct.calcsize(layout.offset_format):
        return None
    entries = np.frombuffer(body, layout.entry)
    entries = entries[np.isin(entries["code"], _ESSENTIAL) & (entries["type"] < len(_SIZES))]
    lengths = _SIZES[entries["type"]] * entries["count"].astype(np.int64)
    elsewhere = lengths > layout.entry["value"].itemsize
    if np.any(elsewhere & (entries["value"].astype(np.int64) + lengths > size)):
        return None
    return int(struct.unpack(layout.offset_format, tail)[0])
