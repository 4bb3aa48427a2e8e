"""``open_stack``: any file or folder of images, as a stack."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from napari_unets.images.axes import check_axes
from napari_unets.images.channels import choose_channel
from napari_unets.images.chosen_planes import choose_planes
from napari_unets.images.errors import (
    ImageNotFoundError,
    IncompleteImageError,
    MixedSizesError,
    UnknownDatasetError,
    UnknownLevelError,
    UnsupportedImageError,
)
from napari_unets.images.inverted import inverted
from napari_unets.images.page_stack import PagesSource
from napari_unets.images.pdf import PDF_SUFFIXES
from napari_unets.images.pictures import PICTURE_SUFFIXES
from napari_unets.images.remote import place_of
from napari_unets.images.source import FileImage, check_pixels, check_plane
from napari_unets.images.stack import Stack
from napari_unets.images.suffixes import HDF5_SUFFIXES, MRC_SUFFIXES, TIFF_SUFFIXES
from napari_unets.images.units import known_voxel_size, voxel_size

__all__ = ["HDF5_SUFFIXES", "MRC_SUFFIXES", "TIFF_SUFFIXES", "is_zarr", "open_stack", "stack_name"]

_ZARR_MARKS = ("zarr.json", ".zgroup", ".zarray")
_UNDERSTOOD = "TIFF, OME-Zarr, Zarr, HDF5, MRC, PNG, JPEG, PDF, or a folder of images"


def open_stack(
    path: str | Path,
    *,
    axes: str | None = None,
    voxel_size_nm: Sequence[float] | None = None,
    level: int = 0,
    dataset: str | int | None = None,
    channel: str | int | None = None,
    pages: str | Sequence[int] | None = None,
    dpi: float | None = None,
    invert: bool = False,
) -> Stack:
    """Open a file or a folder of images without reading its pixels.

    Parameters
    ----------
    path : str or Path
        TIFF, BigTIFF, ImageJ or OME-TIFF; OME-Zarr 0.4 or 0.5; a Zarr or HDF5 array; MRC; PNG, JPEG; PDF; or a
        folder of images, each one plane, in natural order. Or the address of an OME-Zarr or Zarr array elsewhere:
        ``https://…``, ``s3://…``, what fsspec understands. Pages of different sizes are no stack: see
        :func:`~napari_unets.images.open_pages`.
    axes : str, optional
        One letter for each axis as stored (``"xyz"``, ``"tzyx"``, ``"zyxs"`` ...), where the file
        does not say or is wrong.
    voxel_size_nm : sequence of 3 float, optional
        Nanometres along z, y, x, where the file does not say or is wrong.
    level : int
        Resolution level of a pyramid, 0 being the full one.
    dataset : str or int, optional
        Which array of a Zarr group or an HDF5 file, or which series of a TIFF file.
    channel : str or int, optional
        Which of the channels, by its name in the file or its number from 1. All by default.
    pages : str or sequence of int, optional
        Which pages of a PDF, or planes of anything else, from 1: ``"1-3,7"``. Pages of a TIFF file or a folder need
        to be of one size among themselves only.
    dpi : float, optional
        Pixels per inch in which a PDF is rendered: by default those of a scan, and 300 otherwise.
    invert : bool
        Exchange bright and dark: of sections whose membranes are bright, and of negatives.

    Returns
    -------
    Stack
        Close it, or use it in a ``with`` statement, to give the file back.

    Raises
    ------
    ImageError
        One of its subclasses says what is wrong, and names the file.

    Examples
    --------
    >>> with open_stack("sections.tif", voxel_size_nm=(50, 4, 4)) as stack:  # doctest: +SKIP
    ...     plane = stack.plane(0)
    """
    place = place_of(path)
    given_size = voxel_size(voxel_size_nm)
    if not hasattr(level, "__index__"):  # what numbers have
        raise UnknownLevelError(f"{place}: levels are numbered from 0, the full resolution; {level!r} is no number")
    dataset = None if dataset is None else str(dataset)  # messages give the series of a TIFF file by number
    image = _open(place, level, dataset, pages, dpi, axes_known=axes is not None)
    path = str(place)
    try:
        check_pixels(image.source.shape, image.source.dtype, path)
        if axes is not None:
            image = replace(image, axes=check_axes(axes, len(image.source.shape), path))
        if channel is not None:
            image = choose_channel(image, channel, path)
        if pages is not None and not isinstance(image.source, PagesSource):
            image = choose_planes(image, pages, path)
        if invert:
            image = inverted(image, path)
        stack = Stack(
            image.source,
            image.axes,
            name=stack_name(Path(path)),
            path=place if isinstance(place, Path) else None,
            voxel_size_nm=given_size or known_voxel_size(image.voxel_size_nm),
            metadata=image.metadata,
            is_labels=image.is_labels,
            levels=image.levels,
            files=image.files,
            reopen=partial(
                open_stack,
                path,
                axes=axes,
                voxel_size_nm=voxel_size_nm,
                level=level,
                dataset=dataset,
                channel=channel,
                pages=pages,
                dpi=dpi,
                invert=invert,
            ),
        )
        check_plane(stack.plane_shape, path)
        return stack
    except BaseException:
        image.source.close()
        raise


def stack_name(path: Path) -> str:
    """Name a stack after its file, without the suffix.

    Examples
    --------
    >>> stack_name(Path("/data/brain.ome.zarr")), stack_name(Path("/data/run.3"))
    ('brain', 'run.3')
    """
    name = path.name or path.resolve().name
    suffixes = (*TIFF_SUFFIXES, *HDF5_SUFFIXES, *MRC_SUFFIXES, *PICTURE_SUFFIXES, *PDF_SUFFIXES, ".zarr")
    for suffix in suffixes:
        if name.lower().endswith(suffix) and len(name) > len(suffix):
            name = name[: -len(suffix)]
            break
    return name[:-4] if name.lower().endswith(".ome") and len(name) > 4 else name


def is_zarr(folder: Path) -> bool:
    """Whether a folder is, or claims to be, a Zarr array or group; one that may not be looked into is none."""
    if folder.suffix.lower() == ".zarr":
        return True
    return any(os.path.exists(folder / mark) for mark in _ZARR_MARKS)  # noqa: PTH110 - Path.exists raises there


def _open(
    place: Path | str,
    level: int,
    dataset: str | None,
    pages: str | Sequence[int] | None,
    dpi: float | None,
    *,
    axes_known: bool,
) -> FileImage:
    """Open a place; of what is no stack as a whole, the pages that are asked for."""
    if isinstance(place, str):
        return _open_address(place, level, dataset, pages, dpi)
    try:
        return _opener(place, level, dataset, pages, dpi, axes_known)()
    except (MixedSizesError, IncompleteImageError):
        if pages is None or level or dataset is not None:
            raise
        from napari_unets.images.pages import open_pages

        return open_pages(place, pages=pages).as_image()


def _open_address(
    address: str, level: int, dataset: str | None, pages: str | Sequence[int] | None, dpi: float | None
) -> FileImage:
    if pages is not None or dpi is not None:
        raise UnsupportedImageError(
            f"{address}: only OME-Zarr and Zarr are read from elsewhere, and they have no pages"
        )
    from napari_unets.images.zarr_files import open_zarr

    return open_zarr(address, level=level, dataset=dataset)


def _opener(
    path: Path,
    level: int,
    dataset: str | None,
    pages: str | Sequence[int] | None,
    dpi: float | None,
    axes_known: bool,
) -> Callable[[], FileImage]:
    """Choose what opens a path; the libraries are imported when they are needed."""
    suffix = path.suffix.lower()
    if not path.exists():
        raise ImageNotFoundError(f"{path}: there is no such file or folder")
    if (path.is_file() and suffix in PDF_SUFFIXES) or dpi is not None:
        if level or dataset is not None:
            raise UnknownDatasetError(f"{path}: has pages, and neither levels nor datasets to choose from")
        from napari_unets.images.pages import open_pages

        return open_pages(path, pages=pages, dpi=dpi).as_image
    if path.is_dir() and is_zarr(path):
        from napari_unets.images.zarr_files import open_zarr

        return partial(open_zarr, path, level=level, dataset=dataset)
    if path.is_file() and suffix in TIFF_SUFFIXES:
        from napari_unets.images.tiff import open_tiff

        return partial(open_tiff, path, level=level, dataset=dataset, planes_not_colours=not axes_known)
    if level:
        raise UnknownLevelError(f"{path}: is no pyramid, there is no level {level}")
    if path.is_file() and suffix in HDF5_SUFFIXES:
        from napari_unets.images.hdf5 import open_hdf5

        return partial(open_hdf5, path, dataset=dataset)
    if dataset is not None:
        raise UnknownDatasetError(f"{path}: this format has no datasets to choose from, leave {dataset!r} out")
    if path.is_dir():
        from napari_unets.images.folder import image_files, open_folder
        from napari_unets.images.pages import open_pages, page_files

        if page_files(path) and not image_files(path):  # documents only
            return open_pages(path, pages=pages).as_image
        return partial(open_folder, path)
    if suffix in MRC_SUFFIXES:
        from napari_unets.images.mrc import open_mrc

        return partial(open_mrc, path)
    if suffix in PICTURE_SUFFIXES:
        from napari_unets.images.pictures import open_picture

        return partial(open_picture, path)
    raise UnsupportedImageError(f"{path}: files of type {suffix or 'unknown'} are not supported; use {_UNDERSTOOD}")
