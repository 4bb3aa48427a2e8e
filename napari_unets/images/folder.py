"""A folder of images, each one plane, as a stack in natural order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from natsort import natsorted
from numpy.typing import NDArray

from napari_unets.images.errors import EmptyImageError, MixedSizesError, UnreadableImageError
from napari_unets.images.note import Note
from napari_unets.images.numbering import left_out
from napari_unets.images.pdf import PDF_SUFFIXES
from napari_unets.images.pictures import PICTURE_SUFFIXES, picture_info, read_picture
from napari_unets.images.source import FileImage, Region
from napari_unets.images.stack import Stack
from napari_unets.images.suffixes import TIFF_SUFFIXES, UNREAD_SUFFIXES
from napari_unets.images.tiff import open_tiff
from napari_unets.images.units import VoxelSize

__all__ = ["files_of", "first_few", "folder_remarks", "image_files", "open_folder", "unread_images"]

_MOST_NAMED = 5
_MOST_CHECKED = 2000  # files whose heads are read at once; the others when they are read


class _Plane(NamedTuple):
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    voxel_size_nm: VoxelSize | None
    note: Note | None


def image_files(folder: Path) -> list[Path]:
    """List the images in a folder in natural order (2 before 10); hidden and other files are left out.

    Parameters
    ----------
    folder : Path
        The folder; its sub-folders are not searched.

    Returns
    -------
    list of Path
    """
    return files_of(folder, (*PICTURE_SUFFIXES, *TIFF_SUFFIXES))


def files_of(folder: Path, suffixes: Sequence[str]) -> list[Path]:
    """List the files of some kinds in a folder, as `image_files` does."""
    try:
        files = [f for f in folder.iterdir() if f.suffix.lower() in suffixes and f.name[0] != "." and f.is_file()]
    except OSError as error:
        raise UnreadableImageError(f"{folder}: the folder cannot be listed ({error.strerror})") from error
    return list(natsorted(files, key=lambda path: path.name))


def folder_remarks(folder: Path) -> list[str]:
    """List what a person may want to know of a folder that is read as a stack: what is not in it.

    Parameters
    ----------
    folder : Path
        The folder.

    Returns
    -------
    list of str
        In words.
    """
    files = image_files(folder)
    remarks = []
    if gaps := left_out([path.stem for path in files]):
        remarks.append(f"the names of its files leave out {first_few(gaps)}")
    names = [path.name for path in folder.iterdir() if path.suffix.lower() in PDF_SUFFIXES]
    documents = natsorted(name for name in names if not name.startswith("."))
    if files and documents:
        remarks.append(f"PDFs beside images are left out: {first_few(documents)}")
    return remarks + unread_images(folder)


def unread_images(folder: Path) -> list[str]:
    """Name the images in a folder whose formats are not read, in one remark; none, if there are none."""
    names = [path.name for path in files_of(folder, UNREAD_SUFFIXES)]
    if not names:
        return []
    return [f"formats that are not read are left out, convert them to TIFF or PNG: {first_few(names)}"]


def first_few(names: Sequence[object]) -> str:
    """Name the first of many, and say how many more there are."""
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(str(name) for name in names[:_MOST_NAMED]) + more


def open_folder(folder: Path) -> FileImage:
    """Open a folder of images as a stack.

    Parameters
    ----------
    folder : Path
        PNG, JPEG, BMP, WebP or one-page TIFF files, all of one size and type.

    Returns
    -------
    FileImage
        ``remarks`` in the metadata has those of :func:`folder_remarks`.

    Raises
    ------
    EmptyImageError
        If there is no image in the folder.
    MixedSizesError
        If sizes or types differ, or a file has several planes.
    """
    try:
        files = image_files(folder)
        inner = [path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
    except OSError as error:
        raise UnreadableImageError(f"{folder}: the folder cannot be listed ({error.strerror})") from error
    if not files:
        hint = f"; there are folders in it: {', '.join(natsorted(inner)[:8])}" if inner else ""
        raise EmptyImageError(f"{folder}: there are no PNG, JPEG or TIFF images in this folder{hint}")
    first = _look(files[0])
    step = -(-len(files) // _MOST_CHECKED)
    for path in files[1::step]:
        _check_same(files[0], first.shape, first.dtype, path, *_look(path)[:2])
    axes = "zyxs"[: 1 + len(first.shape)]
    remarks = folder_remarks(folder)
    metadata: dict[str, Any] = {"remarks": remarks} if remarks else {}
    note = first.note
    if note is not None:
        axes = note.axes if len(note.axes) == len(axes) else axes
        metadata = note.metadata | metadata
        size, is_labels = note.voxel_size_nm, note.is_labels
    else:
        size, is_labels = first.voxel_size_nm, False
    names = tuple(path.name for path in files)
    return FileImage(_FolderSource(files, first), axes, size, metadata, is_labels, files=names)


class _FolderSource:
    """Planes, each read from its file."""

    def __init__(self, files: list[Path], first: _Plane) -> None:
        self._files = files
        self.shape = (len(files), *first.shape)
        self.dtype = first.dtype
        self.chunks: tuple[int, ...] | None = (1, *first.shape)

    def read(self, region: Region) -> NDArray[Any]:
        """Read a region; the result has all axes."""
        files = self._files[region[0]]
        planes = [self._read_plane(path)[region[1:]] for path in files]
        return np.stack(planes) if planes else np.empty((0, *self.shape[1:]), self.dtype)[(slice(None), *region[1:])]

    def close(self) -> None:
        """Nothing is kept open."""

    def _read_plane(self, path: Path) -> NDArray[Any]:
        if path.suffix.lower() in TIFF_SUFFIXES:
            with _one_plane(path) as stack:
                plane = stack.plane(0)
        else:
            plane = read_picture(path)
        _check_same(self._files[0], self.shape[1:], self.dtype, path, plane.shape, plane.dtype)
        return plane


def _look(path: Path) -> _Plane:
    """Read the head of a file."""
    if path.suffix.lower() not in TIFF_SUFFIXES:
        info = picture_info(path)
        size = None if info.note is None else info.note.voxel_size_nm
        return _Plane(info.shape, info.dtype, size, info.note)
    with _one_plane(path) as stack:
        note = Note(stack.axes, stack.voxel_size_nm, stack.is_labels, stack.metadata) if stack.is_labels else None
        return _Plane(stack.shape[stack.plane_axes :], stack.dtype, stack.voxel_size_nm, note)


def _one_plane(path: Path) -> Stack:
    """Open a TIFF file that is a single plane, however its axes are stored."""
    image = open_tiff(path)
    stack = Stack(
        image.source,
        image.axes,
        name=str(path),
        voxel_size_nm=image.voxel_size_nm,
        metadata=image.metadata,
        is_labels=image.is_labels,
    )
    if stack.n_planes > 1:
        stack.close()
        raise MixedSizesError(
            f"{path}: has more than one plane ({stack.axes}, {stack.shape}); in a folder each file "
            "is one plane. Open this file by itself"
        )
    return stack


def _check_same(
    first: Path, shape: tuple[int, ...], dtype: np.dtype[Any], path: Path, its: tuple[int, ...], its_type: np.dtype[Any]
) -> None:
    if its != shape or its_type != dtype:
        raise MixedSizesError(
            f"{path}: is {_describe(its)} {its_type}, but {first.name} is {_describe(shape)} {dtype}; "
            "the images of a folder must be of one size and type to be a stack"
        )


def _describe(shape: tuple[int, ...]) -> str:
    return "×".join(str(n) for n in shape[:2]) + (f" with {shape[2]} colour samples" if len(shape) > 2 else "")
