"""What was understood of a file, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_unets.images import Stack

__all__ = ["bytes_in_words", "stack_summary"]


def stack_summary(stack: Stack) -> dict[str, str]:
    """Describe a stack: size, axes, type, voxel size, resolution levels; a line each."""
    height, width = stack.plane_shape
    planes = "1 plane" if stack.n_planes == 1 else f"{stack.n_planes} planes"
    colour = {3: ", RGB", 4: ", RGBA"}.get(stack.shape[-1], ", grey and alpha") if stack.is_rgb else ""
    lines = {
        "Size": f"{width} × {height} pixels, {planes}",
        "Axes": ", ".join(f"{axis} {n}" for axis, n in zip(stack.axes, stack.shape, strict=True)),
        "Type": f"{stack.dtype}{colour}{', ids' if stack.is_labels else ''} · {bytes_in_words(stack.nbytes)}",
        "Voxel": "not in the file",
    }
    if stack.voxel_size_nm is not None:
        lines["Voxel"] = " × ".join(f"{size:g}" for size in reversed(stack.voxel_size_nm)) + " nm (x × y × z)"
    if stack.levels > 1:
        lines["Levels"] = f"{stack.levels} resolutions"
    return lines


def bytes_in_words(size: float) -> str:
    """Size of a file or array: ``"6.3 MB"``."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"
