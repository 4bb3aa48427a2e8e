"""A stack as the data of a napari layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from napari_unets.images import Stack

__all__ = ["stack_layer_data"]


def stack_layer_data(
    stack: Stack, kind: Literal["image", "labels"] | None = None
) -> tuple[Any, dict[str, Any], Literal["image", "labels"]]:
    """Lazy data, keywords and type of the layer that shows a stack.

    Voxel sizes become the layer's scale in nanometres, axes its labels. A single plane without a
    thickness of its own becomes a 2-D layer.

    Parameters
    ----------
    stack : Stack
        An open stack; the layer reads from it.
    kind : str, optional
        Type of the layer; by default what the file is.
    """
    data: Any = stack.as_dask()
    axes = stack.axes.removesuffix("s") if stack.is_rgb else stack.axes
    if axes == "zyx" and stack.n_planes == 1:
        data, axes = data[0], "yx"
    kind = kind or ("labels" if stack.is_labels else "image")
    keywords: dict[str, Any] = {
        "name": stack.name,
        "axis_labels": tuple(axes),
        "metadata": dict(stack.metadata),
    }
    if stack.voxel_size_nm is not None:
        sizes = dict(zip("zyx", stack.voxel_size_nm, strict=True))
        keywords["scale"] = tuple(sizes.get(axis, 1.0) for axis in axes)
        keywords["units"] = tuple("nm" if axis in sizes else "pixel" for axis in axes)
    if kind == "image":
        keywords["rgb"] = stack.is_rgb
    return data, keywords, kind
