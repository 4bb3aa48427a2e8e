"""Names of images without what tells their format."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["plain_name"]


def plain_name(path: Path) -> str:
    """Name of a file or folder, without ``.tif``, ``.ome.zarr`` and the like."""
    name = os.path.basename(os.path.abspath(path))  # noqa: PTH100, PTH119 - asks no file system, which may be slow
    for suffix in (".ome.tiff", ".ome.tif", ".ome.zarr"):
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    is_folder = os.path.isdir(path)  # noqa: PTH112 - Path.is_dir raises where nothing may be looked up
    return name if is_folder and path.suffix != ".zarr" else Path(name).stem
