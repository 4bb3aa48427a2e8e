"""A layer in another unit changes the viewer's coordinates, and nothing that a widget does."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_unets.widgets.parts.slice_position import go_to_slice, shown_slice
from napari_unets.widgets.parts.view import current_plane
from napari_unets.widgets.parts.world import begin_alike, layer_to_viewer, lie_alike, viewer_to_layer

SHAPE = (20, 40, 50)


@pytest.fixture
def viewer():
    """An image in µm, with labels in nm beside it: napari counts in nm."""
    made = ViewerModel()
    made.add_image(np.zeros(SHAPE), name="um", scale=(0.05, 0.004, 0.004), units=("um",) * 3)
    made.add_labels(np.zeros(SHAPE, np.uint8), name="nm", scale=(50, 4, 4), units=("nm",) * 3)
    return made


@pytest.mark.parametrize("name", ["um", "nm"])
def test_the_plane_that_napari_shows_is_the_current_one(viewer, name):
    layer = viewer.layers[name]
    viewer.dims.set_current_step(0, 5)
    assert current_plane(viewer, layer, SHAPE) == 5
    assert shown_slice(viewer, layer, SHAPE) == (5,)
    go_to_slice(viewer, layer, (7,))
    assert viewer.dims.current_step[0] == 7


@pytest.mark.parametrize("name", ["um", "nm"])
def test_there_and_back(viewer, name):
    layer = viewer.layers[name]
    point = layer_to_viewer(viewer, layer, (7, 10, 30))
    np.testing.assert_allclose(point, (350, 40, 120))
    np.testing.assert_allclose(viewer_to_layer(viewer, layer, point), (7, 10, 30))


def test_units_that_cannot_be_converted_are_taken_as_they_are(viewer):
    del viewer.layers["nm"]
    gone = ViewerModel().add_image(np.zeros((3, 4, 5, 6)), scale=(2, 2, 2, 2))
    np.testing.assert_allclose(layer_to_viewer(viewer, gone, (1, 2, 3, 4)), (2, 4, 6, 8))
    np.testing.assert_allclose(viewer_to_layer(viewer, gone, (2, 4, 6)), (0, 1, 2, 3))


@pytest.mark.parametrize(
    ("placed", "alike"),
    [
        ({"scale": (50, 4, 4), "units": ("nm",) * 3}, True),
        ({"scale": (50, 4, 4), "units": ("nm",) * 3, "translate": (0, 1.9, 0)}, True),
        ({"scale": (50, 4, 4), "units": ("nm",) * 3, "translate": (0, 2.1, 0)}, False),
        ({"scale": (50, 4, 4.1), "units": ("nm",) * 3}, False),
        ({"scale": (50, 4, -4), "units": ("nm",) * 3}, False),
        ({"scale": (50, 4, 4), "units": ("nm",) * 3, "rotate": [[1, 0, 0], [0, 0.8, -0.6], [0, 0.6, 0.8]]}, False),
        ({}, False),
    ],
    ids=["nm", "moved a little", "moved", "larger", "flipped", "turned", "in pixels"],
)
def test_layers_that_lie_on_each_other(viewer, placed, alike):
    other = viewer.add_labels(np.zeros(SHAPE, np.uint8), **placed)
    assert lie_alike(viewer, viewer.layers["um"], other, SHAPE) is alike
    assert lie_alike(viewer, other, viewer.layers["um"], SHAPE) is alike


@pytest.mark.parametrize(
    ("placed", "alike"),
    [
        ({}, True),
        ({"scale": (50, 4, 4.1), "units": ("nm",) * 3}, True),
        ({"scale": (50, 4, 4), "units": ("nm",) * 3, "translate": (0, 0, 1.9)}, True),
        ({"scale": (50, 4, 4), "units": ("nm",) * 3, "translate": (0, 0, 2.1)}, False),
        ({"scale": (50, 4, -4), "units": ("nm",) * 3}, False),
        ({"scale": (50, 4, 4), "units": ("nm",) * 3, "rotate": [[1, 0, 0], [0, 0, -1], [0, 1, 0]]}, False),
    ],
    ids=["in pixels", "larger", "moved a little", "moved", "flipped", "turned"],
)
def test_layers_that_begin_alike(viewer, placed, alike):
    other = viewer.add_labels(np.zeros(SHAPE, np.uint8), **placed)
    plane = viewer.add_labels(np.zeros(SHAPE[-2:], np.uint8))
    assert begin_alike(viewer, viewer.layers["um"], other) is alike
    assert begin_alike(viewer, other, viewer.layers["um"]) is alike
    assert begin_alike(viewer, plane, other) is begin_alike(viewer, other, plane) is alike
