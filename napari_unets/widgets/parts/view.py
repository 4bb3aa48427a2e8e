"""Which plane of a layer the viewer shows, and which part of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_unets.widgets.parts.image_source import image_source
from napari_unets.widgets.parts.world import viewer_to_layer

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Layer

__all__ = ["View", "current_plane", "current_view"]


@dataclass(frozen=True)
class View:
    """What of an image layer lies before the user's eyes.

    Attributes
    ----------
    plane : int
        Index of the plane, counted over every axis before y.
    window : (slice, slice)
        Rows and columns on the canvas, within the image.
    focus : (int, float, float)
        Plane, row and column of the canvas' middle: where tiles are wanted first.
    """

    plane: int
    window: tuple[slice, slice]
    focus: tuple[int, float, float]


def current_plane(viewer: ViewerModel, layer: Layer, shape: tuple[int, ...]) -> int:
    """Index of the plane that the sliders point at, counted over every axis of ``shape`` before y.

    Where the sliders point beside the layer, the nearest plane counts.
    """
    point = viewer_to_layer(viewer, layer, viewer.dims.point)[-len(shape) : -2]
    index = [int(np.clip(np.round(p), 0, n - 1)) for p, n in zip(point, shape, strict=False)]
    return int(np.ravel_multi_index(index, shape[:-2])) if index else 0


def current_view(viewer: ViewerModel, layer: Image) -> View:
    """Plane, window and focus of an image layer in the canvas.

    An axis of the plane that the canvas does not show (after rolling the axes, say) counts as visible
    in full, and so does an image that has been moved out of sight.
    """
    source = image_source(layer)
    corners = np.asarray(layer.corner_pixels, dtype=float)
    if layer.multiscale:
        corners = corners * layer.downsample_factors[layer.data_level]
    axes = range(len(source.shape) - 2, len(source.shape))
    displayed = {d - (viewer.dims.ndim - layer.ndim) for d in viewer.dims.displayed}
    window = []
    for axis in axes:
        size = source.shape[axis]
        start, stop = 0, size
        if axis in displayed and corners.shape[1] == layer.ndim:  # else it was given data of other axes just now
            first = int(np.clip(corners[0, axis], 0, size))
            last = int(np.clip(np.ceil(corners[1, axis]) + 1, 0, size))
            if last - first > 1:
                start, stop = first, last
        window.append(slice(start, stop))
    rows, columns = window
    plane = current_plane(viewer, layer, source.shape)
    focus = (plane, (rows.start + rows.stop) / 2, (columns.start + columns.stop) / 2)
    return View(plane=plane, window=(rows, columns), focus=focus)
