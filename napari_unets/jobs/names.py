"""Names of images without what tells their format."""

from __future__ import annotations

from pathlib import Path

__all__ = ["plain_name"]


def plain_name(path: Path) -> str:
    """Name of a file or folder, without ``.tif``, ``.ome.zarr`` and the like."""
    name = path.resolve().name
    for suffix in (".ome.tiff", ".ome.tif", ".ome.zarr"):
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return name if path.is_dir() and path.suffix != ".zarr" else Path(name).stem
