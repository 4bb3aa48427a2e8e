"""Files, folders and globs, as a person names them, to the inputs of a batch."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from pathlib import Path

from natsort import natsorted

from napari_unets.errors import NapariUnetsError
from napari_unets.images.opening import HDF5_SUFFIXES, MRC_SUFFIXES, TIFF_SUFFIXES, is_zarr
from napari_unets.images.pages import page_files
from napari_unets.images.pdf import PDF_SUFFIXES
from napari_unets.images.pictures import PICTURE_SUFFIXES
from napari_unets.images.remote import is_address

__all__ = ["SourceError", "find_sources"]

_SUFFIXES = (*TIFF_SUFFIXES, *HDF5_SUFFIXES, *MRC_SUFFIXES, *PICTURE_SUFFIXES, *PDF_SUFFIXES)


class SourceError(NapariUnetsError):
    """A pattern or a folder in which there is no image."""


def find_sources(names: Sequence[str | Path], *, each: bool = False, pages: bool = False) -> list[str]:
    """Find the inputs that are meant.

    Parameters
    ----------
    names : sequence of str or Path
        Files, folders, addresses, and globs such as ``scans/*.tif`` or ``data/**/*.ome.zarr`` that no shell has
        expanded. What exists under a name is that, whatever signs the name has.
    each : bool
        Take each image in a folder as an input of its own; otherwise a folder is one input, a stack.
    pages : bool
        Only documents and pictures count as images, for clean pages; means ``each``.

    Returns
    -------
    list of str
        Globs and folders in natural order (2 before 10), nothing twice. A file that is named and does not exist
        is among them: it fails when its turn comes, and the others do not.

    Raises
    ------
    SourceError
        If a glob or a folder leads to nothing.
    """
    found: dict[str, None] = {}
    for name in names:
        found |= dict.fromkeys(_found(str(name), each or pages, pages))
    return list(found)


def _found(name: str, each: bool, pages: bool) -> Iterator[str]:
    path = Path(name).expanduser()
    if is_address(name):
        yield name
    elif path.exists() or not glob.has_magic(name):
        yield from _inside(path, pages) if each and _is_folder(path) else [str(path)]
    else:
        matches = natsorted(glob.glob(str(path), recursive=True))  # noqa: PTH207 - Path.glob takes no absolute patterns
        images = [match for match in matches if _is_image(Path(match))]
        if not images:
            what = "matches nothing" if not matches else "matches no images"
            raise SourceError(f"{name}: {what}; check the folder and the pattern")
        for match in images:
            yield from _inside(Path(match), pages) if each and _is_folder(Path(match)) else [match]


def _inside(folder: Path, pages: bool) -> list[str]:
    files = page_files(folder) if pages else [path for path in folder.iterdir() if _is_single(path)]
    if not files:
        raise SourceError(f"{folder}: there are no images in this folder")
    return [str(path) for path in natsorted(files, key=lambda path: path.name)]


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not is_zarr(path)


def _is_single(path: Path) -> bool:
    """Whether it is an image that is no folder of others."""
    if path.name.startswith("."):
        return False
    return is_zarr(path) if path.is_dir() else path.suffix.lower() in _SUFFIXES


def _is_image(path: Path) -> bool:
    return _is_single(path) or (path.is_dir() and bool(page_files(path)))
