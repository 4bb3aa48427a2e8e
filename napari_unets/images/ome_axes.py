"""The axes of OME-Zarr, and images seen with theirs in its order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unets.images.errors import UnsupportedImageError
from napari_unets.images.source import Region
from napari_unets.images.stack import Stack

__all__ = ["check_ome_axes", "in_ome_order"]

_ORDER = "tczyx"


def check_ome_axes(axes: str, path: Path) -> None:
    """Refuse axes that OME-Zarr does not have.

    Parameters
    ----------
    axes : str
        One letter an axis.
    path : Path
        The OME-Zarr to be, for the message.

    Raises
    ------
    UnsupportedImageError
        If they are not among t, c, z, y, x, each at most once and in this order.
    """
    if not set(axes) <= set(_ORDER) or "".join(sorted(set(axes), key=_ORDER.index)) != axes:
        raise UnsupportedImageError(
            f"{path}: OME-Zarr has no axes {axes!r}, but among {_ORDER!r}, each once and in this order; choose .tif"
        )


def in_ome_order(stack: Stack) -> Stack:
    """See a stack with the axes before y in the order of OME-Zarr: t, c, z.

    Parameters
    ----------
    stack : Stack
        The image.

    Returns
    -------
    Stack
        The same if it has this order already, or an axis that OME-Zarr does not have. Closing it closes the other.
    """
    planes = stack.axes[: stack.plane_axes]
    if not set(planes) <= set(_ORDER) or (wanted := "".join(sorted(planes, key=_ORDER.index))) == planes:
        return stack
    order = [stack.axes.index(letter) for letter in wanted] + list(range(stack.plane_axes, stack.ndim))
    return Stack(
        _Reordered(stack, order),
        wanted + stack.axes[stack.plane_axes :],
        name=stack.name,
        path=stack.path,
        voxel_size_nm=stack.voxel_size_nm,
        metadata=stack.metadata,
        is_labels=stack.is_labels,
        levels=stack.levels,
    )


class _Reordered:
    """A stack as the source of another one, whose axes come in another order."""

    chunks = None

    def __init__(self, stack: Stack, order: list[int]) -> None:
        self._stack, self._order = stack, order
        self.shape = tuple(stack.shape[i] for i in order)
        self.dtype = stack.dtype

    def read(self, region: Region) -> NDArray[Any]:
        return self._stack[tuple(region[i] for i in np.argsort(self._order))].transpose(self._order)

    def close(self) -> None:
        self._stack.close()
