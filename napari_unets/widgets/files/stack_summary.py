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
    }
    if stack.voxel_size_nm is not None:
        lines["Voxel"] = " × ".join(f"{size:g}" for size in reversed(stack.voxel_size_nm)) + " nm (x × y × z)"
    lines |= _of_pages(stack) or ({} if "Voxel" in lines else {"Voxel": "not in the file"})
    if stack.levels > 1:
        lines["Levels"] = f"{stack.levels} resolutions"
    if isinstance(remarks := stack.metadata.get("remarks"), list):
        lines["Note"] = "; ".join(remarks)
    return lines


def _of_pages(stack: Stack) -> dict[str, str]:
    """Sizes and resolutions of pages; empty of what says nothing of them."""
    lines = {}
    pages = stack.metadata.get("pages")
    pages = pages if isinstance(pages, list) else [{"size": stack.plane_shape, "dpi": stack.metadata.get("dpi")}]
    if (sizes := len({tuple(page["size"]) for page in pages})) > 1:
        lines["Pages"] = f"of {sizes} sizes, white around the smaller ones"
    if found := sorted({round(float(page["dpi"][0])) for page in pages if page.get("dpi")}):
        lines["Resolution"] = f"{found[0]} dpi" if len(found) == 1 else f"{found[0]} to {found[-1]} dpi"
    return lines


def bytes_in_words(size: float) -> str:
    """Size of a file or array: ``"6.3 MB"``."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"
