"""Images that lie elsewhere: the addresses that fsspec understands."""

from __future__ import annotations

import time
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from napari_unets.images.errors import ImageError, MissingExtraError, UnreadableImageError, UnsupportedImageError

__all__ = ["is_address", "open_store", "patiently", "place_of"]

_T = TypeVar("_T")

#: Pauses before a read is tried again, in seconds: a night's run does not end because a server was busy.
PAUSES = (0.5, 2.0, 8.0)
#: What is read is no image, or may not be read: waiting does not help.
_WILL_NOT_PASS = (KeyError, TypeError, ValueError, PermissionError, FileNotFoundError)


def is_address(path: str | Path) -> bool:
    """Whether something is an address, such as ``https://…`` or ``s3://…``, and no path."""
    return isinstance(path, str) and "://" in path


def place_of(path: str | Path) -> Path | str:
    """Return the path of what lies on this computer, ``file://`` or not, and the address of anything else.

    Raises
    ------
    UnreadableImageError
        If it is empty: a variable that is not set, and not the current folder.
    UnsupportedImageError
        If it is no path, but pixels for instance.
    """
    if not isinstance(path, str | PathLike):
        raise UnsupportedImageError(
            f"what is to be opened is of type {type(path).__name__}, and not the path of a file or folder; "
            "arrays and stacks are taken as they are wherever an image is wanted; "
            "as_stack(array) of napari_unets.images makes a stack of an array"
        )
    if path == "":
        raise UnreadableImageError("the path is empty, which would be the current folder; name a file or a folder")
    if not is_address(path):
        return Path(path).expanduser()
    parts = urlsplit(str(path))
    return Path(url2pathname(unquote(parts.path))) if parts.scheme == "file" else str(path)


def open_store(address: str) -> Any:
    """Open a folder elsewhere for reading, as a store of zarr's.

    Parameters
    ----------
    address : str
        Any that fsspec understands, with the settings and passwords of fsspec's own configuration files.

    Raises
    ------
    MissingExtraError
        If fsspec is not installed, or what it needs for this kind of address.
    UnreadableImageError
        If fsspec does not know this kind of address.
    """
    try:
        from zarr.storage import FsspecStore

        return FsspecStore.from_url(address, read_only=True)
    except ImportError as error:
        raise MissingExtraError(
            f'{address}: reading from there needs more ({error}); try pip install "napari-unets[formats]", and for '
            "clouds the package that the message names, such as s3fs or gcsfs"
        ) from error
    except ValueError as error:
        raise UnreadableImageError(f"{address}: is no address that fsspec understands ({error})") from error


def patiently(address: str, read: Callable[[], _T]) -> _T:
    """Read from elsewhere, some times over if it fails.

    Parameters
    ----------
    address : str
        For the message.
    read : callable
        Reads.

    Raises
    ------
    UnreadableImageError
        If it fails to the end.
    """
    for pause in (*PAUSES, None):
        try:
            return read()
        except ImageError:
            raise
        except Exception as error:  # every library of a protocol has errors of its own
            if pause is None or isinstance(error, _WILL_NOT_PASS):
                reason = str(error).strip() or type(error).__name__
                raise UnreadableImageError(
                    f"{address}: cannot be read ({reason}); see whether the address is right, the server answers, "
                    "and a Zarr is there"
                ) from error
            time.sleep(pause)
    raise AssertionError("the last attempt returns or raises")
