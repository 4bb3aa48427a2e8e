"""Errors that an image, or what is asked of it, can cause."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_unets.errors import NapariUnetsError

__all__ = [
    "AxesError",
    "ChannelsError",
    "EmptyImageError",
    "EncryptedImageError",
    "ImageError",
    "ImageExistsError",
    "ImageNotFoundError",
    "ImageWriteError",
    "IncompleteImageError",
    "MissingExtraError",
    "MixedSizesError",
    "PageChoiceError",
    "UnknownDatasetError",
    "UnknownLevelError",
    "UnreadableImageError",
    "UnsupportedImageError",
    "VoxelSizeError",
    "explain_read_errors",
]


class ImageError(NapariUnetsError):
    """Anything that is wrong with an image; the message names the file or the layer."""


class ImageNotFoundError(ImageError):
    """A path at which there is nothing."""


class UnreadableImageError(ImageError):
    """A file that is broken, truncated, or may not be read."""


class IncompleteImageError(UnreadableImageError):
    """A file of which planes are missing, while those that it has can be read."""


class EncryptedImageError(UnreadableImageError):
    """A document that opens with a password only."""


class UnsupportedImageError(ImageError):
    """A kind of file, of pixel, or of output that is not handled here."""


class EmptyImageError(ImageError):
    """A file without an image, an image without pixels, or a folder without images."""


class MixedSizesError(ImageError):
    """Planes that cannot be stacked, because their sizes or types differ."""


class PageChoiceError(ImageError):
    """Pages that a document does not have, or a resolution that it cannot be shown in."""


class AxesError(ImageError):
    """Axes that do not fit the image."""


class VoxelSizeError(ImageError):
    """A voxel size that is not three positive numbers."""


class UnknownDatasetError(ImageError):
    """A dataset that the file does not have, or no choice where there are several; the message lists them."""


class UnknownLevelError(ImageError):
    """A resolution level that the image does not have."""


class MissingExtraError(ImageError):
    """A format whose optional library is not installed; the message says how to install it."""


class ChannelsError(ImageError):
    """An image whose channels are not those that a model takes, or that were asked for."""


class ImageExistsError(ImageError):
    """An output that is already there and was not to be overwritten."""


class ImageWriteError(ImageError):
    """An output that could not be written: a full disk, a missing right."""


@contextmanager
def explain_read_errors(path: Path, *errors: type[Exception]) -> Iterator[None]:
    """Turn what a library raises on a broken file into an :class:`UnreadableImageError` that names the file.

    Parameters
    ----------
    path : Path
        The file.
    *errors : type
        What the library raises besides ``OSError`` and ``EOFError``.
    """
    try:
        yield
    except ImageError:
        raise
    except PermissionError as error:
        raise UnreadableImageError(f"{path}: you may not read this file ({error.strerror})") from error
    except (OSError, EOFError, *errors) as error:  # type: ignore[misc]  # mypy does not see through the star
        reason = str(error).strip() or type(error).__name__
        raise UnreadableImageError(
            f"{path}: cannot be read, it may be damaged or incomplete ({reason}); copy or export it again"
        ) from error
