"""napari's writer of documents: what a labels layer calls ink, black on white, as a PDF."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from napari_unets.images import as_stack, create_page_writer

__all__ = ["write_clean_pages"]

_INK = 1


def write_clean_pages(path: str, data: Any, meta: Mapping[str, Any]) -> list[str]:
    """Write each plane of a labels layer as a page: class 1 black, everything else white.

    Parameters
    ----------
    path : str
        The target, a ``.pdf``. napari has already asked whether it may be replaced.
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
    metadata = meta.get("metadata") or {}
    stack = as_stack(data, rgb=False, name=str(meta.get("name", "layer")))
    about = metadata.get("pages")
    if not isinstance(about, list) or len(about) != stack.n_planes:
        about = [{"size": stack.plane_shape, "dpi": metadata.get("dpi")}] * stack.n_planes
    made = metadata.get("napari_unets")
    with create_page_writer(
        path, metadata={} if made is None else {"napari_unets": made}, overwrite=Path(path).exists()
    ) as writer:
        for i, page in enumerate(about):
            height, width = page["size"]
            plane = stack.plane(i, (slice(0, height), slice(0, width)))
            writer.write(np.asarray(plane != _INK), dpi=page.get("dpi"))
    return [str(writer.path)]
