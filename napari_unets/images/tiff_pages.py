"""The pages of a TIFF file one by one, whatever their sizes."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any

import tifffile

from napari_unets.images.axes import tidy_axes
from napari_unets.images.chosen_planes import choose_planes
from napari_unets.images.errors import EmptyImageError, UnsupportedImageError, explain_read_errors
from napari_unets.images.on_white import tiff_on_white
from napari_unets.images.source import FileImage
from napari_unets.images.tiff import open_tiff, quiet
from napari_unets.images.tiff_directories import check_directories
from napari_unets.images.tiff_metadata import pixels_per_inch, tiff_note
from napari_unets.images.tiff_source import TIFF_ERRORS, TiffSource
from napari_unets.images.upright import QUARTER_TURNS, Upright, tiff_orientation

__all__ = ["find_tiff_pages", "open_tiff_page"]


def find_tiff_pages(path: Path) -> list[int | None]:
    """Find the pages of a TIFF file; reduced copies of pages do not count, planes without a directory of their own do.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    list of int or None
        Of each page, the place of its directory among those of the file; None of planes that have none of their own.

    Raises
    ------
    UnreadableImageError, UnsupportedImageError, EmptyImageError
        See there.
    """
    check_directories(path)
    with explain_read_errors(path, *TIFF_ERRORS), quiet(), tifffile.TiffFile(path) as tif:
        page = tif.pages.first
        found: list[int | None]
        if _is_in_one_piece(tif) and page.size:
            found = [None] * (prod(tif.series[0].shape) // page.size)
        else:
            found = list(_places(tif))
    if not found:
        raise EmptyImageError(f"{path}: there is no image in this file")
    return found


def open_tiff_page(path: Path, number: int, place: int | None = None) -> FileImage:
    """Open one page of a TIFF file, upright as its orientation tag says.

    Parameters
    ----------
    path : Path
        The file.
    number : int
        From 1.
    place : int, optional
        What :func:`find_tiff_pages` says of it. It is looked for otherwise, which takes long in files of many pages.

    Returns
    -------
    FileImage
        Axes ``yx`` or ``yxs``, or with an axis of length 1 before them.

    Raises
    ------
    UnreadableImageError, UnsupportedImageError
        See there.
    """
    with explain_read_errors(path, *TIFF_ERRORS), quiet():
        tif = tifffile.TiffFile(path)
        try:
            if place is None and _is_in_one_piece(tif):
                tif.close()
                return choose_planes(open_tiff(path), [number], str(path))
            page: Any = tif.pages[_places(tif)[number - 1] if place is None else place]
            series = tifffile.TiffPageSeries([page], page.shape, page.dtype, page.axes)
            source = tiff_on_white(TiffSource(path, tif, series), page)
            axes = tidy_axes(page.axes + "S" * (len(source.shape) - len(page.axes)))
            if axes not in ("yx", "yxs", "syx"):
                raise UnsupportedImageError(f"{path}: page {number} is no plain picture, its axes are {axes}")
            note, dpi = tiff_note(tif), pixels_per_inch(page)
        except BaseException:
            tif.close()
            raise
    orientation = tiff_orientation(page) if axes != "syx" else 1
    if orientation != 1:
        source = Upright(source, orientation)
        dpi = dpi[::-1] if dpi is not None and orientation in QUARTER_TURNS else dpi
    metadata = ({} if note is None else note.metadata) | ({} if dpi is None else {"dpi": dpi})
    return FileImage(source, axes, metadata=metadata, is_labels=note is not None and note.is_labels)


def _is_in_one_piece(tif: tifffile.TiffFile) -> bool:
    """Whether a single directory describes several planes, as in large files of ImageJ."""
    return len(tif.pages) == 1 and bool(tif.series) and tif.series[0].is_truncated


def _places(tif: tifffile.TiffFile) -> list[int]:
    pages: list[Any] = [tif.pages[i] for i in range(len(tif.pages))]
    return [i for i, page in enumerate(pages) if not page.is_reduced]
