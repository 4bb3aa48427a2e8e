"""Files, folders and globs, as a person names them, to the inputs of a batch."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from natsort import natsorted

from napari_unets.errors import NapariUnetsError
from napari_unets.images.folder import image_files
from napari_unets.images.opening import HDF5_SUFFIXES, MRC_SUFFIXES, TIFF_SUFFIXES, is_zarr
from napari_unets.images.pages import page_files
from napari_unets.images.pdf import PDF_SUFFIXES
from napari_unets.images.pictures import PICTURE_SUFFIXES
from napari_unets.images.remote import is_address

__all__ = ["IMAGE_SUFFIXES", "SourceError", "find_sources", "holds_documents", "is_folder", "is_image", "is_single"]

#: Of files that can be opened.
IMAGE_SUFFIXES = (*TIFF_SUFFIXES, *HDF5_SUFFIXES, *MRC_SUFFIXES, *PICTURE_SUFFIXES, *PDF_SUFFIXES)


class SourceError(NapariUnetsError):
    """A pattern or a folder in which there is no image."""


def find_sources(names: str | Path | Sequence[str | Path], *, each: bool = False, pages: bool = False) -> list[str]:
    """Find the inputs that are meant.

    Parameters
    ----------
    names : str, Path, or a sequence of them
        Files, folders, addresses, and globs such as ``scans/*.tif`` or ``data/**/*.ome.zarr`` that no shell has
        expanded. What exists under a name is that, whatever signs the name has.
    each : bool
        Take each image in a folder as an input of its own; otherwise a folder is one input, a stack.
    pages : bool
        Only documents and pictures count as images, for clean pages; means ``each``.

    Returns
    -------
    list of str
        Globs and folders in natural order (2 before 10), nothing twice, whichever way it is named. A file that does
        not exist is among them: it fails when its turn comes, and the others do not.

    Raises
    ------
    SourceError
        If a glob or a folder leads to nothing.
    """
    names = [names] if isinstance(names, str | Path) else names
    found: dict[str, str] = {}
    folders: dict[Path, Path] = {}  # as they are without links and "..", asked for once
    for source in chain.from_iterable(_found(str(name), each or pages, pages) for name in names):
        path = Path(source)
        if is_address(source):
            place = source
        else:
            parent = folders.get(path.parent) or folders.setdefault(path.parent, path.parent.resolve())
            place = str(parent / path.name)
        found.setdefault(place, source)
    return list(found.values())


def _found(name: str, each: bool, pages: bool) -> Iterator[str]:
    path = Path(name).expanduser()
    if is_address(name):
        yield name
    elif not glob.has_magic(name) or path.exists():
        yield from _inside(path, pages) if each and is_folder(path) else [str(path)]
    else:
        matches = natsorted(glob.glob(str(path), recursive=True))  # noqa: PTH207 - Path.glob takes no absolute patterns
        images = [match for match in matches if is_image(Path(match))]
        if not images:
            what = "matches nothing" if not matches else "matches no images"
            raise SourceError(f"{name}: {what}; check the folder and the pattern")
        for match in images:
            yield from _inside(Path(match), pages) if each and is_folder(Path(match)) else [match]


def _inside(folder: Path, pages: bool) -> list[str]:
    files = page_files(folder) if pages else [path for path in folder.iterdir() if is_single(path)]
    if not files:
        raise SourceError(f"{folder}: there are no images in this folder")
    return [str(path) for path in natsorted(files, key=lambda path: path.name)]


def holds_documents(source: str) -> bool:
    """Whether an input is a PDF, or a folder that is opened as PDFs since it has no other images."""
    path = Path(source)
    if path.suffix.lower() in PDF_SUFFIXES:
        return True
    if is_address(source) or not is_folder(path):
        return False
    return any(file.suffix.lower() in PDF_SUFFIXES for file in page_files(path)) and not image_files(path)


def is_folder(path: Path) -> bool:
    """Whether it is a folder of images, and not a Zarr array or group."""
    # where nothing may be looked up, Path.is_dir would raise
    return os.path.isdir(path) and not is_zarr(path)  # noqa: PTH112


def is_single(path: Path) -> bool:
    """Whether it is an image that is no folder of others, by its name; hidden ones are none."""
    if path.name.startswith("."):
        return False
    return is_zarr(path) if path.is_dir() else path.suffix.lower() in IMAGE_SUFFIXES


def is_image(path: Path) -> bool:
    """Whether it is an image, or a folder of images."""
    return is_single(path) or (path.is_dir() and bool(page_files(path)))
