"""From the viewer's sliders to a slice of a layer, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_unets.images.plane_names import plane_index
from napari_unets.widgets.parts.view import current_plane
from napari_unets.widgets.parts.world import layer_to_viewer

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

__all__ = ["go_to_slice", "shown_slice"]


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
    return plane_index(current_plane(viewer, layer, shape), shape[:-2])


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
    world = layer_to_viewer(viewer, layer, point)
    first = viewer.dims.ndim - layer.ndim
    for axis in range(before - len(index), before):
        if first + axis >= 0:
            viewer.dims.set_point(first + axis, float(world[axis]))
