"""Which version of a file or folder something was made from: its size and its time."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from napari_unets.images import ImageNotFoundError, UnreadableImageError
from napari_unets.images.folder import image_files
from napari_unets.images.opening import is_zarr
from napari_unets.images.pages import page_files
from napari_unets.images.remote import place_of

__all__ = ["fingerprint", "holds_labels"]


#: What file managers leave in folders.
_CLUTTER = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})


def fingerprint(source: str | Path, *, dataset: str | None = None) -> dict[str, Any]:
    """Return what tells a version of an image's file from a later one, without reading the pixels.

    Parameters
    ----------
    source : str or Path
        A file; an OME-Zarr with all that is in it but its labels; a folder of images; or an address elsewhere.
    dataset : str, optional
        Which array of a Zarr is read, if it is not the image; labels count then.

    Returns
    -------
    dict
        JSON-able: ``name``, ``bytes`` and ``modified_ns``; of a folder the sum and the latest, the number of ``files``,
        and ``listing``, a hash over the name, size and time of each. Of an address the name only: nothing is
        fetched for it.

    Raises
    ------
    ImageNotFoundError, UnreadableImageError
        If there is no such file or folder, or it may not be looked at.
    """
    path = place_of(source)
    if isinstance(path, str):
        return {"name": path}
    try:
        about = path.stat()
        if not path.is_dir():
            return {"name": path.name, "bytes": about.st_size, "modified_ns": about.st_mtime_ns}
        files = sorted(_files(path, labels=dataset is not None) if is_zarr(path) else _images(path))
    except FileNotFoundError:
        raise ImageNotFoundError(f"{path}: there is no such file or folder") from None
    except OSError as error:
        raise UnreadableImageError(f"{path}: cannot be looked at ({error.strerror})") from error
    return {
        "name": path.resolve().name,
        "bytes": sum(size for _, size, _ in files),
        "modified_ns": max((modified for _, _, modified in files), default=0),
        "files": len(files),
        "listing": hashlib.sha256(repr(files).encode()).hexdigest(),
    }


def _images(folder: Path) -> Iterator[tuple[str, int, int]]:
    """Name, size and time of the images in a folder, which is all that is read of it."""
    for path in {*image_files(folder), *page_files(folder)}:
        about = path.stat()
        yield path.name, about.st_size, about.st_mtime_ns


def _files(folder: Path, prefix: str = "", *, labels: bool) -> Iterator[tuple[str, int, int]]:
    """Name, size and time of every file of a Zarr, labels made of its images only if they are asked for."""
    with os.scandir(folder) as entries:
        for entry in entries:
            name = f"{prefix}{entry.name}"
            if entry.is_dir():
                if labels or not holds_labels(Path(entry.path)):
                    yield from _files(Path(entry.path), f"{name}/", labels=labels)
            elif entry.name not in _CLUTTER and not entry.name.startswith("._"):
                about = entry.stat()
                yield name, about.st_size, about.st_mtime_ns


def holds_labels(folder: Path) -> bool:
    """Whether a folder is where an image of OME-Zarr keeps its labels: beside its levels. It need not be there yet."""
    descriptions = (folder.with_name(name) for name in ("zarr.json", ".zattrs"))
    return folder.name == "labels" and any(
        b'"multiscales"' in path.read_bytes() for path in descriptions if path.exists()
    )
