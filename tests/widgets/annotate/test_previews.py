"""The previews of a fine-tuning: what they show, when they go, and to whom they belong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from widgets.annotate.driving import (
    PATIENCE,
    STACK,
    fine_tune,
    message,
    new_annotations,
    paint,
    press,
    previews,
    wait_for_end,
    wait_for_step,
)

from napari_unets.models import load_model
from napari_unets.widgets.annotate.tune_outcome import tuning_in_words

pytestmark = pytest.mark.usefixtures("one_worker")


def test_revert_takes_the_preview_away(qtbot, widget, viewer):
    new_annotations(qtbot, widget)
    paint(widget)
    fine_tune(qtbot, widget, 5)
    wait_for_end(qtbot, widget)
    press(qtbot, widget.panel.revert)
    assert widget.control.card.name == "tiny"
    assert not previews(viewer)


def test_revert_leaves_a_preview_that_was_painted_on(qtbot, widget, viewer):
    new_annotations(qtbot, widget)
    paint(widget)
    fine_tune(qtbot, widget, 5)
    wait_for_end(qtbot, widget)
    (layer,) = previews(viewer)
    layer.paint((1, 30, 40), 1)
    painted = layer.data.copy()
    press(qtbot, widget.panel.revert)
    assert previews(viewer) == [layer]
    np.testing.assert_array_equal(layer.data, painted)
    fine_tune(qtbot, widget, 5)
    wait_for_end(qtbot, widget)
    np.testing.assert_array_equal(layer.data, painted)
    press(qtbot, widget.panel.revert)
    assert previews(viewer) == [layer], "the preview of the second run alone is taken away"


def test_a_preview_that_is_painted_on_while_it_learns_is_left_alone(qtbot, widget, viewer):
    new_annotations(qtbot, widget)
    paint(widget)
    fine_tune(qtbot, widget, 5000)
    (layer,) = previews(viewer)
    qtbot.waitUntil(lambda: widget.control.run is None or layer.data[1].any(), timeout=PATIENCE)
    layer.selected_label = 1
    layer.paint((1, 30, 40), 1)
    assert widget.control.run is not None, message(widget)
    qtbot.waitUntil(lambda: widget.control.run.preview.layer is not layer, timeout=PATIENCE)
    painted, anew = layer.data.copy(), widget.control.run.preview.layer
    assert not anew.data[2].any()
    viewer.dims.set_current_step(0, 2)
    qtbot.waitUntil(lambda: widget.control.run is None or anew.data[2].any(), timeout=PATIENCE)
    press(qtbot, widget.panel.run_panel.stop)
    wait_for_end(qtbot, widget)
    np.testing.assert_array_equal(layer.data, painted)
    assert previews(viewer) == [layer, anew]


def test_slices_without_a_preview_are_told(qtbot, widget, viewer):
    new_annotations(qtbot, widget)
    paint(widget)
    viewer.dims.set_current_step(0, 1)
    fine_tune(qtbot, widget, 5)
    wait_for_end(qtbot, widget)
    (layer,) = previews(viewer)
    assert [bool(plane.any()) for plane in layer.data] == [False, True, False]
    run = widget.control._before
    assert not run.all_shown
    learnt = replace(widget.control.tuned, card=load_model("tiny").card)  # whatever it has learnt in five steps
    unseen = "Slices that were not looked at meanwhile have no preview of it."
    assert unseen in tuning_in_words(learnt, all_shown=False)
    assert unseen not in tuning_in_words(learnt, all_shown=True)


def test_previews_come_while_it_learns_and_stop_can_be_resumed(qtbot, widget, viewer):
    new_annotations(qtbot, widget)
    paint(widget)
    viewer.dims.set_current_step(0, 2)
    fine_tune(qtbot, widget, 5000)
    (layer,) = previews(viewer)
    assert layer.name == "sections · tiny-tuned preview · segmentation"
    qtbot.waitUntil(lambda: widget.control.run is None or layer.data[2].any(), timeout=PATIENCE)
    assert set(np.unique(layer.data[2])) <= {1, 2}
    assert not layer.data[:2].any()
    viewer.dims.set_current_step(0, 0)
    qtbot.waitUntil(lambda: widget.control.run is None or layer.data[0].any(), timeout=PATIENCE)
    press(qtbot, widget.panel.run_panel.stop)
    wait_for_end(qtbot, widget)
    assert message(widget).startswith("Stopped after"), message(widget)
    stopped_at = widget.control.tuned.step
    assert load_model(widget.control.tuned.model).card.name == "tiny-tuned"
    assert widget.panel.save.isEnabled()
    other = viewer.add_image(STACK, name="other")
    widget.image.choose(other)
    assert not widget.panel.resume.isEnabled(), "the run was not on this image"
    widget.image.choose(viewer.layers["sections"])
    press(qtbot, widget.panel.resume)
    wait_for_step(qtbot, widget, stopped_at + 1)
    assert [step for step, _ in widget.control.run.losses] == list(range(1, len(widget.control.run.losses) + 1))
    press(qtbot, widget.panel.run_panel.stop)
    wait_for_end(qtbot, widget)
    assert widget.control.tuned.step > stopped_at
