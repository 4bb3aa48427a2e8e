"""From the viewer's sliders to a slice of a layer, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_unets.widgets.parts.view import current_plane
from napari_unets.widgets.parts.world import layer_to_viewer

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

__all__ = ["go_to_slice", "plane_index", "shown_slice", "slice_name"]


def plane_index(plane: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Index, along the axes of ``shape`` before y, of a plane that is counted over all of them."""
    return tuple(int(i) for i in np.unravel_index(plane, shape[:-2])) if len(shape) > 2 else ()


def slice_name(plane: int, shape: tuple[int, ...]) -> str:
    """Return a plane's number as the sliders show it: ``"5"``, or ``"(2, 5)"`` where there are several."""
    index = plane_index(plane, shape)
    return f"({', '.join(str(i) for i in index)})" if len(index) > 1 else str(plane)


def shown_slice(viewer: ViewerModel, layer: Layer, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Index, along the axes before y, of the slice that the viewer shows of a layer.

    Parameters
    ----------
    viewer : ViewerModel
        Whose sliders count.
    layer : Layer
        The layer.
    shape : tuple of int
        Its last axes, y and x among them.
    """
    return plane_index(current_plane(viewer, layer, shape), shape)


def go_to_slice(viewer: ViewerModel, layer: Layer, index: tuple[int, ...]) -> None:
    """Move the viewer's sliders to a slice of a layer.

    Parameters
    ----------
    viewer : ViewerModel
        Whose sliders to move.
    layer : Layer
        The layer; it need not be in the viewer any more.
    index : tuple of int
        Along the last axes before y.
    """
    point = np.zeros(layer.ndim)
    before = layer.ndim - 2
    point[before - len(index) : before] = index
    world = layer_to_viewer(viewer, layer, [float(p) for p in point])
    first = viewer.dims.ndim - layer.ndim
    for axis in range(before - len(index), before):
        if first + axis >= 0:
            viewer.dims.set_point(first + axis, float(world[axis]))
