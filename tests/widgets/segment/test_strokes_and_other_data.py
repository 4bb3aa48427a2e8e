"""The Segment widget while somebody paints across its planes, or gives an image other data."""

from __future__ import annotations

import numpy as np
import pytest
from widgets.segment.test_segment_widget import (
    EXACT,
    RNG,
    make_widget,
    message,
    press,
    results_of,
    run,
    slow_run,
    wait_for_end,
)

from napari_unets.inference import segment
from napari_unets.models import load_model

pytestmark = pytest.mark.usefixtures("one_worker")


@pytest.fixture
def widget(make_napari_viewer, store):
    return make_widget(make_napari_viewer())


def test_strokes_across_planes_are_not_drawn_over(qtbot, widget):
    stack = RNG.integers(0, 255, (5, 60, 70)).astype(np.uint8)
    widget._viewer.add_image(stack)
    expected = segment(load_model("tiny"), stack, **EXACT)
    press(qtbot, widget.scope.buttons["stack"])
    widget._viewer.dims.order = (1, 0, 2)
    widget._viewer.dims.set_point(1, 20)
    press(qtbot, widget.run_panel.run)
    result = results_of(widget)["segmentation"]
    result.brush_size = 3
    result.paint((3, 20, 30), 7)  # before the first tile can have come
    wait_for_end(qtbot, widget)
    stroke = result.data == 7
    assert np.flatnonzero(stroke.any((1, 2))).tolist() == [2, 3, 4]
    np.testing.assert_array_equal(result.data[~stroke], expected[~stroke])


def test_an_image_given_data_of_other_axes_is_segmented_anew(qtbot, widget):
    slow_run(qtbot, widget)
    stack = RNG.integers(0, 255, (2, 60, 70)).astype(np.uint8)
    widget._viewer.layers["large"].data = stack
    press(qtbot, widget.run_panel.stop)
    wait_for_end(qtbot, widget)
    made = run(qtbot, widget)
    assert "2 tiles in" in message(widget)
    expected = segment(load_model("tiny"), stack, **{**EXACT, "tile": 96, "batch": 1})
    np.testing.assert_array_equal(made["segmentation"].data, expected)
