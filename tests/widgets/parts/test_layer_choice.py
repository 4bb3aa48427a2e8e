"""The list of layers to choose from: what it follows of the layer that is chosen."""

from __future__ import annotations

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image

from napari_unets.widgets.parts.layer_choice import LayerChoice


def test_data_of_another_shape_are_told_as_another_layer_is(qtbot):
    viewer = ViewerModel()
    first, second = (viewer.add_image(np.zeros((3, 40, 50)), name=name) for name in ("first", "second"))
    choice = LayerChoice(viewer, lambda layer: isinstance(layer, Image), "none")
    qtbot.addWidget(choice)
    told = []
    choice.layer_changed.connect(told.append)
    choice.choose(first)
    first.data = np.ones((3, 40, 50))
    second.data = np.zeros((2, 40, 50))
    assert told == [first], "neither what is as large as before, nor a layer that is not chosen"
    first.data = np.zeros((4, 40, 50))
    assert told == [first, first]
    choice.choose(second)
    first.data = np.zeros((5, 40, 50))
    assert told == [first, first, second]
