"""What is scored of a layer."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image

from napari_unets.widgets.evaluate.layers import layer_array

VALUES = np.random.default_rng(0).random((2, 3, 4, 30, 40), np.float32)


@pytest.mark.parametrize(("labels", "axis"), [("tczyx", 1), ("ctzyx", 0), (("class", "c", "z", "y", "x"), 0), ((), 0)])
def test_of_classes_the_first_wherever_they_are(labels, axis):
    record = {"napari_unets": {"output": "probabilities", "class_axis": True}}
    layer = Image(VALUES, metadata=record, axis_labels=tuple(labels) or None, rgb=False)
    np.testing.assert_array_equal(layer_array(layer), VALUES.take(0, axis))
