"""Labels layers as clean documents: what they call ink, black on white or in its own colour, page by page."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from napari_unets.images import Stack, UnsupportedImageError, as_stack, create_page_writer
from napari_unets.images.ink import ink_in_colour
from napari_unets.jobs.outputs.record import edited
from napari_unets.widgets.parts.result_layers import METADATA_KEY

__all__ = ["clean_pages", "write_clean_pages"]

_INK = 1


def write_clean_pages(path: str, data: Any, meta: Mapping[str, Any]) -> list[str]:
    """Write each plane of a labels layer as a page: class 1 black, everything else white. napari's writer.

    Parameters
    ----------
    path : str
        The target, a ``.pdf``, ``.tif`` or ``.png``. napari has already asked whether it may be replaced.
    data : array-like
        Class ids; of a multiscale layer, the finest level is written.
    meta : mapping
        The layer's keywords. Sizes and resolutions of pages are taken from its metadata, ``pages`` or ``dpi``.

    Returns
    -------
    list of str
        What was written.
    """
    if meta.get("multiscale") or isinstance(data, list | tuple):
        data = data[0]
    stack = as_stack(data, rgb=False, name=str(meta.get("name", "layer")))
    for _ in clean_pages(path, stack, meta.get("metadata") or {}):
        pass
    return [path]


def clean_pages(
    path: str | Path,
    ids: Stack,
    metadata: Mapping[str, Any],
    *,
    picture: Stack | None = None,
    planes: Sequence[int] | None = None,
    cancel: Callable[[], bool] = lambda: False,
) -> Generator[int, None, bool]:
    """Write planes of class ids as the pages of a document, each in its own size and resolution.

    Parameters
    ----------
    path : str or Path
        The target, a ``.pdf``, ``.tif`` or ``.png``; it is replaced when all pages are written.
    ids : Stack
        Class ids; 1 is ink.
    metadata : mapping
        The layer's: ``pages`` (or else ``dpi``) tells sizes and resolutions, and ``napari_unets`` is kept in the file.
    picture : Stack, optional
        What the ink keeps its colour of; without it, ink is black, one bit a pixel.
    planes : sequence of int, optional
        Which pages; all by default.
    cancel : callable, optional
        Asked before each page; at True nothing is written.

    Yields
    ------
    int
        How many pages are written.

    Returns
    -------
    bool
        Whether the document is complete.

    Raises
    ------
    UnsupportedImageError
        If several pages are to go into one PNG.
    ImageError
        If the document cannot be written.
    """
    chosen = range(ids.n_planes) if planes is None else planes
    if len(chosen) > 1 and Path(path).suffix.lower() == ".png":
        raise UnsupportedImageError(f"{path}: one PNG holds one page; save the page shown, or write a .pdf or .tif")
    about = metadata.get("pages")
    if not isinstance(about, list) or len(about) != ids.n_planes:
        about = [{"size": ids.plane_shape, "dpi": metadata.get("dpi")}] * ids.n_planes
    made = edited(metadata).get(METADATA_KEY)
    noted = {} if made is None else {METADATA_KEY: {**made, "output": "clean pages", "colour": picture is not None}}
    with create_page_writer(path, metadata=noted, overwrite=Path(path).exists()) as writer:
        for done, number in enumerate(chosen, 1):
            if cancel():
                writer.abort()
                return False
            height, width = about[number]["size"]
            window = slice(0, height), slice(0, width)
            ink = np.asarray(ids.plane(number, window)) == _INK
            page = ~ink if picture is None else ink_in_colour(np.asarray(picture.plane(number, window)), ink)
            writer.write(page, dpi=about[number].get("dpi"))
            yield done
    return True
