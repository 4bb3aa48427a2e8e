"""Between the viewer's coordinates and those of a layer.

napari measures its sliders and its canvas in the smallest of the layers' units, and each layer in its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pint
from numpy.typing import NDArray

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

__all__ = ["begin_alike", "layer_to_viewer", "lie_alike", "pixel_size_nm", "viewer_to_layer"]


def viewer_to_layer(viewer: ViewerModel, layer: Layer, point: Sequence[float]) -> NDArray[np.float64]:
    """Where in a layer's data a point of the viewer lies.

    Parameters
    ----------
    viewer : ViewerModel
        Whose coordinates are given.
    layer : Layer
        The layer.
    point : sequence of float
        Along the viewer's axes; those that the layer has not are left out.

    Returns
    -------
    position : ndarray
        Along the layer's axes, in pixels.
    """
    known = np.asarray(point, float)[-layer.ndim :]
    world = np.zeros(layer.ndim)  # a layer that was removed may have more axes than the viewer
    world[layer.ndim - len(known) :] = known
    return np.asarray(layer.world_to_data(world / _ratios(viewer, layer)), float)


def layer_to_viewer(viewer: ViewerModel, layer: Layer, position: Sequence[float] | NDArray[Any]) -> NDArray[np.float64]:
    """Where in the viewer a position in a layer's data lies: along the layer's axes, which are the viewer's last.

    Parameters
    ----------
    viewer : ViewerModel
        Whose coordinates are wanted.
    layer : Layer
        The layer; it need not be in the viewer any more.
    position : sequence of float, or ndarray
        Along the layer's axes, in pixels.

    Returns
    -------
    point : ndarray
        In the viewer's units.
    """
    return np.asarray(layer.data_to_world(position), float) * _ratios(viewer, layer)


def lie_alike(viewer: ViewerModel, one: Layer, other: Layer, shape: Sequence[int]) -> bool:
    """Whether the pixels of two layers lie on each other, to half a pixel at every corner.

    Parameters
    ----------
    viewer : ViewerModel
        Whose coordinates count.
    one, other : Layer
        The layers.
    shape : sequence of int
        Of both, in pixels.
    """
    corners = np.array([np.zeros(len(shape)), *np.diag(np.asarray(shape, float) - 1)])  # they say all of what is affine
    there = [viewer_to_layer(viewer, other, list(layer_to_viewer(viewer, one, corner))) for corner in corners]
    return bool(np.all(np.abs(np.array(there) - corners) < 0.5))


def begin_alike(viewer: ViewerModel, one: Layer, other: Layer) -> bool:
    """Whether the first pixels of two layers lie on each other, and their axes point the same way.

    Layers of which only one knows the size of its pixels may do so; two crops of one image do not.

    Parameters
    ----------
    viewer : ViewerModel
        Whose coordinates count.
    one, other : Layer
        The layers; the last axes of the one with more of them are compared.
    """
    ndim = min(one.ndim, other.ndim)

    def corner(layer: Layer) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        first = layer_to_viewer(viewer, layer, np.zeros(layer.ndim))
        return first[-ndim:], (layer_to_viewer(viewer, layer, np.ones(layer.ndim)) - first)[-ndim:]

    (first, step), (other_first, other_step) = corner(one), corner(other)
    half = np.maximum(np.abs(step), np.abs(other_step)) / 2
    return bool(np.all(np.abs(first - other_first) <= half) and np.all(np.sign(step) == np.sign(other_step)))


def _ratios(viewer: ViewerModel, layer: Layer) -> NDArray[np.float64]:
    """How many of the viewer's units one of the layer's is, along each axis of the layer; 1 where neither is known."""
    units: Sequence[Any] = getattr(viewer.dims, "units", None) or ()  # before napari 0.7 there were none
    ratios = np.ones(layer.ndim)
    for axis in range(1, min(len(units), layer.ndim) + 1):
        own, shown = layer.units[-axis], units[-axis]
        if own.is_compatible_with(shown):
            ratios[-axis] = (1.0 * own).to(shown).magnitude
    return ratios


def pixel_size_nm(layer: Layer) -> float | None:
    """Size of a layer's pixels along x in nanometres, or None if it has no length for a unit."""
    try:
        size = float(layer.scale[-1]) * layer.units[-1]
        return abs(float((1.0 * size).to("nanometer").magnitude))  # negative where the axis is flipped
    except pint.DimensionalityError:
        return None
