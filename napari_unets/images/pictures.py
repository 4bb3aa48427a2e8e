"""PNG, JPEG and the like: one picture is a stack of one plane."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from napari_unets.images.errors import EmptyImageError, UnsupportedImageError, explain_read_errors
from napari_unets.images.note import NOTE_KEY, Note
from napari_unets.images.on_white import mixed_with_white
from napari_unets.images.source import FileImage, Region
from napari_unets.images.suffixes import PICTURE_SUFFIXES
from napari_unets.images.upright import ORIENTATION_TAG, QUARTER_TURNS, turned_upright

__all__ = ["PICTURE_SUFFIXES", "PictureInfo", "open_picture", "picture_info", "read_picture"]


_PNG = b"\x89PNG\r\n\x1a\n"
_DEEP_COLOUR = {2: 3, 6: 4, 4: 2}  # colour type of a PNG header: samples a pixel
#: What Pillow and libpng raise on broken files.
_ERRORS = (ValueError, SyntaxError, RuntimeError, IndexError, TypeError)
_pillow = threading.Lock()


class PictureInfo(NamedTuple):
    """What the head of a picture says; the shape is that of the picture held upright."""

    #: ``(y, x)`` or ``(y, x, s)``.
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    note: Note | None
    #: Pixels per inch along x and y.
    dpi: tuple[float, float] | None


def open_picture(path: Path) -> FileImage:
    """Open a picture.

    Parameters
    ----------
    path : Path
        PNG, JPEG, BMP or WebP. The camera's orientation (EXIF) is honoured, palettes become colours.

    Returns
    -------
    FileImage

    Raises
    ------
    UnreadableImageError, UnsupportedImageError, EmptyImageError
        See there.
    """
    info = picture_info(path)
    metadata: dict[str, Any] = {} if info.dpi is None else {"dpi": info.dpi}
    axes = "yxs"[: len(info.shape)]
    source = _PictureSource(path, info)
    if info.note is not None:
        return FileImage(source, axes, info.note.voxel_size_nm, metadata | info.note.metadata, info.note.is_labels)
    return FileImage(source, axes, metadata=metadata)


def picture_info(path: Path) -> PictureInfo:
    """Read the head of a picture, not its pixels.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    PictureInfo
    """
    with _opened(path) as image:
        width, height = image.size
        dpi = image.info.get("dpi")
        if _orientation(path, image) in QUARTER_TURNS:
            width, height = height, width
            dpi = None if dpi is None else (dpi[1], dpi[0])
        mode = _target_mode(path, image)
        note = image.info.get(NOTE_KEY)
        deep = _deep_samples(path)
    samples = deep or {"RGB": 3, "RGBA": 4, "LA": 2}.get(mode, 0)
    depth = "u2" if deep or mode == "I;16" else {"1": "?", "I": "i4", "F": "f4"}.get(mode, "u1")
    return PictureInfo(
        shape=(height, width, samples) if samples else (height, width),
        dtype=np.dtype(depth),
        note=Note.parse(note) if note is not None else None,
        dpi=(float(dpi[0]), float(dpi[1])) if dpi is not None and min(dpi) > 1 else None,
    )


def read_picture(path: Path) -> NDArray[Any]:
    """Read a picture.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    ndarray
        ``(y, x)`` or ``(y, x, s)``, upright. Colours are those that are seen on white paper, where a part is
        transparent: ink on a transparent page is often stored as black in black. What this package has written is
        read as it was.
    """
    with _opened(path) as image:
        orientation = _orientation(path, image)
        ours = NOTE_KEY in image.info
        if _deep_samples(path):  # Pillow would halve the depth of such colours
            pixels = np.asarray(imagecodecs.png_decode(path.read_bytes()))
        else:
            mode = _target_mode(path, image)
            pixels = np.array(image if image.mode == mode else image.convert(mode))
    if pixels.ndim == 3 and pixels.shape[-1] in {2, 4} and not ours:
        pixels = _on_white(pixels)
    return np.ascontiguousarray(turned_upright(pixels, orientation), pixels.dtype.newbyteorder("="))


def _on_white(pixels: NDArray[Any]) -> NDArray[Any]:
    """Mix colours with white by their transparency; a picture that is all transparent stays as it is."""
    return mixed_with_white(pixels) if pixels[..., -1].any() else pixels


class _PictureSource:
    """A picture, decoded as a whole for each read; stacks keep the last ones."""

    def __init__(self, path: Path, info: PictureInfo) -> None:
        self._path = path
        self.shape, self.dtype = info.shape, info.dtype
        self.chunks: tuple[int, ...] | None = info.shape

    def read(self, region: Region) -> NDArray[Any]:
        """Read a region; the result has all axes."""
        return read_picture(self._path)[region]

    def close(self) -> None:
        """Nothing is kept open."""


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Open with Pillow, without its limit on the number of pixels: large scans are legitimate here."""
    with explain_read_errors(path, *_ERRORS):
        if path.stat().st_size == 0:
            raise EmptyImageError(f"{path}: the file is empty")
        try:
            with _pillow, warnings.catch_warnings():
                warnings.simplefilter("ignore", Image.DecompressionBombWarning)
                limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
                try:
                    image = Image.open(path)
                finally:
                    Image.MAX_IMAGE_PIXELS = limit
        except UnidentifiedImageError:
            raise UnsupportedImageError(
                f"{path}: is no picture that can be read, whatever its name says; save it again as PNG or TIFF"
            ) from None
        with image:
            yield image


def _target_mode(path: Path, image: Image.Image) -> str:
    """Pillow's mode to which a picture is converted."""
    if image.mode in {"1", "L", "RGB", "RGBA", "LA", "I", "F"}:
        return image.mode
    if image.mode.startswith("I;16"):
        return "I;16"
    if image.mode in {"P", "PA"}:
        return "RGBA" if "transparency" in image.info or image.mode == "PA" else "RGB"
    if image.mode in {"CMYK", "YCbCr", "LAB", "HSV"}:
        return "RGB"
    raise UnsupportedImageError(f"{path}: pixels of kind {image.mode} are not supported; save it as grey or RGB")


def _orientation(path: Path, image: Image.Image) -> int:
    """Orientation (EXIF) of a picture, 1 if it does not say."""
    if image.format == "PNG" and "exif" not in image.info:
        # it may come behind the pixels, all of which Pillow would decode to look for it
        image.info["exif"] = _png_chunk(path, b"eXIf")
    return int(image.getexif().get(ORIENTATION_TAG, 1))


def _png_chunk(path: Path, kind: bytes) -> bytes | None:
    with path.open("rb") as file:
        file.seek(len(_PNG))
        while len(head := file.read(8)) == 8:
            length = int.from_bytes(head[:4], "big")
            if head[4:] == kind:
                return file.read(length)
            file.seek(length + 4, os.SEEK_CUR)  # and the check sum
    return None


def _deep_samples(path: Path) -> int:
    """Count the samples a pixel of a PNG with several of 16 bits each; 0 for anything else."""
    with path.open("rb") as file:
        head = file.read(26)
    if not head.startswith(_PNG) or len(head) < 26 or head[24] != 16:
        return 0
    return _DEEP_COLOUR.get(head[25], 0)
