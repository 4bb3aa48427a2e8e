"""napari's readers: files and folders that are dropped on the viewer or named on its command line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from napari_unets.images import MixedSizesError, Stack, UnsupportedImageError, open_pages, open_stack
from napari_unets.images.opening import HDF5_SUFFIXES, MRC_SUFFIXES, TIFF_SUFFIXES, is_zarr
from napari_unets.images.pages import page_files
from napari_unets.images.pdf import PDF_SUFFIXES
from napari_unets.images.pictures import PICTURE_SUFFIXES
from napari_unets.widgets.files.stack_layer import LiveArray, stack_layer_data

__all__ = ["READ_AT_ONCE", "LayerData", "get_reader", "open_padded", "read_stack"]

LayerData = tuple[Any, dict[str, Any], str]

_SUFFIXES = (*TIFF_SUFFIXES, *HDF5_SUFFIXES, *MRC_SUFFIXES, *PICTURE_SUFFIXES, *PDF_SUFFIXES)
READ_AT_ONCE = 2**27  # bytes; less is quicker in memory than read section by section


def get_reader(path: str | Sequence[str]) -> Callable[[str | Sequence[str]], list[LayerData]] | None:
    """Say whether a path can be opened here; nothing is read.

    Parameters
    ----------
    path : str or sequence of str
        A file or a folder; napari gives a list when it was asked for a stack.

    Returns
    -------
    callable or None
        What makes the layers; None if the path is no image.
    """
    if not isinstance(path, str):
        return get_reader(path[0]) if len(path) == 1 else None
    place = Path(path)
    if place.is_dir():
        return read_stack if is_zarr(place) or page_files(place) else None
    return read_stack if place.suffix.lower() in _SUFFIXES else None


def read_stack(path: str | Sequence[str]) -> list[LayerData]:
    """Open a file or a folder as one layer.

    Parameters
    ----------
    path : str or sequence of one str
        The file or folder.

    Returns
    -------
    list of tuple
        Data, keywords and type of the layer. Small stacks are in memory, large ones are read section by section,
        and a volume that is still being written whenever it is looked at; all levels of a pyramid are given. Pages
        of different sizes are padded with white, and the layer's metadata list them under ``pages``.

    Raises
    ------
    ImageError
        One of its subclasses says what is wrong, and names the file.
    """
    stack = open_padded(path if isinstance(path, str) else path[0])
    data, keywords, kind = stack_layer_data(stack)
    if stack.levels > 1:
        levels = [open_stack(str(stack.path), level=i) for i in range(1, stack.levels)]
        coarser = [stack_layer_data(level)[0] for level in levels]
        return [([data, *coarser], {**keywords, "multiscale": True}, kind)]
    if stack.nbytes <= READ_AT_ONCE and not isinstance(data, LiveArray):
        with stack:
            data = data.compute()
    return [(data, keywords, kind)]


def open_padded(path: str | Path, **keywords: Any) -> Stack:
    """Open a file or folder, pages of different sizes at the top left of planes of the largest size.

    Parameters
    ----------
    path : str or Path
        As for :func:`napari_unets.open_stack`.
    **keywords
        Its keywords.

    Raises
    ------
    ImageError
        One of its subclasses says what is wrong, and names the file.
    """
    try:
        return open_stack(path, **keywords)
    except MixedSizesError as error:
        about: dict[str, Any] = {name: keywords[name] for name in ("pages", "dpi", "invert") if name in keywords}
        if any(value for name, value in keywords.items() if name not in about):
            raise
        try:
            return open_pages(path, **about).as_stack(pad=True)
        except UnsupportedImageError:
            raise error from None
