"""The Evaluate widget in a window of its own, with layers that are nearly alike."""

from __future__ import annotations

import pytest

from napari_unets.widgets.evaluate.widget import EvaluateWidget
from tests.widgets.evaluate_support import CLASSES, MEMBRANE, TRUTH, made_by_us


@pytest.fixture
def viewer(make_napari_viewer):
    return make_napari_viewer()


@pytest.fixture
def widget(viewer):
    made = EvaluateWidget(viewer)
    viewer.window.add_dock_widget(made, name="Evaluate")
    return made


@pytest.fixture
def compared(viewer, widget):
    """The widget with a truth, and two predictions of our own that are checked."""
    where = {"scale": (50, 4, 4), "units": ("nm",) * 3}
    viewer.add_labels(TRUTH, name="truth", **where)
    viewer.add_image(MEMBRANE, name="p", metadata=made_by_us("probabilities"), **where)
    viewer.add_labels(CLASSES.copy(), name="s", metadata=made_by_us("segmentation"), **where)
    return widget
