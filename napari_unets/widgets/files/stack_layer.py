"""A stack as the data of a napari layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from napari_unets.images.opening import is_zarr
from napari_unets.models import ClassInfo
from napari_unets.widgets.parts.result_layers import METADATA_KEY, class_colormap, class_features

if TYPE_CHECKING:
    from napari_unets.images import Stack

__all__ = ["LiveArray", "stack_layer_data"]


class LiveArray:
    """A stack that is read anew whenever it is looked at, for files that are still being written.

    napari keeps what it has once computed of a Dask array.

    Parameters
    ----------
    stack : Stack
        An open stack.
    place : tuple of int
        Taken of its first axes.
    """

    def __init__(self, stack: Stack, place: tuple[int, ...] = ()) -> None:
        self._stack, self._place = stack, place
        self.shape = stack.shape[len(place) :]
        self.ndim = len(self.shape)
        self.dtype = stack.dtype

    def __getitem__(self, index: Any) -> NDArray[Any]:
        return self._stack[(*self._place, *(index if isinstance(index, tuple) else (index,)))]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self[...], dtype)


def stack_layer_data(
    stack: Stack, kind: Literal["image", "labels"] | None = None
) -> tuple[Any, dict[str, Any], Literal["image", "labels"]]:
    """Lazy data, keywords and type of the layer that shows a stack.

    Voxel sizes become the layer's scale in nanometres, axes its labels; ``path`` in its metadata is the file. A single
    plane without a thickness of its own becomes a 2-D layer. What this package has made is shown in the classes'
    colours, and a volume that is still being written is a :class:`LiveArray`.

    Parameters
    ----------
    stack : Stack
        An open stack; the layer reads from it.
    kind : str, optional
        Type of the layer; by default what the file is.
    """
    live = _is_growing(stack)
    data: Any = LiveArray(stack) if live else stack.as_dask()
    axes = stack.axes.removesuffix("s") if stack.is_rgb else stack.axes
    if axes == "zyx" and stack.n_planes == 1:
        data, axes = LiveArray(stack, (0,)) if live else data[0], "yx"
    kind = kind or ("labels" if stack.is_labels else "image")
    keywords: dict[str, Any] = {
        "name": stack.name,
        "axis_labels": tuple(axes),
        "metadata": dict(stack.metadata) | ({} if stack.path is None else {"path": str(stack.path)}),
    }
    if stack.voxel_size_nm is not None:
        sizes = dict(zip("zyx", stack.voxel_size_nm, strict=True))
        keywords["scale"] = tuple(sizes.get(axis, 1.0) for axis in axes)
        keywords["units"] = tuple("nm" if axis in sizes else "pixel" for axis in axes)
    if kind == "image":
        keywords["rgb"] = stack.is_rgb
    return data, {**keywords, **_look(stack, kind)}, kind


def _is_growing(stack: Stack) -> bool:
    if stack.path is None or not is_zarr(stack.path):
        return False
    from napari_unets.jobs.volumes.writing import is_unfinished  # slow, and not needed of a picture

    return is_unfinished(stack.path)


def _look(stack: Stack, kind: str) -> dict[str, Any]:
    """Colours and names of classes, the range of probabilities: as the widgets' own layers have them."""
    about = stack.metadata.get(METADATA_KEY)
    if not isinstance(about, dict):
        return {}
    made = about.get("output")
    if made == "probabilities" and kind == "image":
        return {"contrast_limits": (0.0, 1.0), "colormap": "magma"}
    if made != "segmentation" or kind != "labels":
        return {}
    try:
        classes = [ClassInfo.model_validate(c) for c in about["classes"]]
    except (KeyError, TypeError, ValidationError):  # written by hand, or by another version
        return {}
    return {"colormap": class_colormap(classes), "features": class_features(classes)}
