"""Annotations whose layer takes no ids, or is given another array, and copies of what a model has made."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from napari.layers import Labels
from widgets.annotate.driving import (
    PATIENCE,
    QUICK,
    STACK,
    fine_tune,
    message,
    new_annotations,
    paint,
    press,
    previews,
    settle,
    wait_for_end,
    wait_for_step,
)

from napari_unets.widgets.annotate.widget import AnnotateWidget
from napari_unets.widgets.parts.store_news import store_news

pytestmark = pytest.mark.usefixtures("one_worker")


def test_revert_leaves_the_copy_of_a_preview_that_somebody_has_made(qtbot, widget, viewer):
    new_annotations(qtbot, widget)
    paint(widget)
    settle(qtbot, widget)
    fine_tune(qtbot, widget)
    wait_for_end(qtbot, widget)
    (preview,) = previews(viewer)
    data, about, kind = preview.as_layer_data_tuple()  # as napari's *Duplicate* does
    copy = viewer.add_layer(Labels.create(data.copy(), {**about, "name": "to be corrected"}, kind))
    copy.paint((1, 5, 5), 1)
    press(qtbot, widget.panel.revert)
    assert preview not in viewer.layers
    assert copy in viewer.layers


def test_strokes_that_come_back_after_the_widget_was_opened_again_count(qtbot, widget, viewer):
    layer = new_annotations(qtbot, widget)
    paint(widget)
    settle(qtbot, widget)
    counts = widget.session.record.counts
    layer.data_setitem(np.nonzero(layer.data), 0)
    qtbot.waitUntil(lambda: widget.session.record.counts == {}, timeout=PATIENCE)
    widget.close()
    again = AnnotateWidget(viewer)
    viewer.window.add_dock_widget(again, name="Annotate again")
    qtbot.waitUntil(lambda: again.session.record is not None and again.session.record.is_settled, timeout=PATIENCE)
    assert again.session.record.counts == {}
    layer.undo()
    qtbot.waitUntil(lambda: again.session.record.counts == counts, timeout=PATIENCE)
    again.close()


def test_planes_that_an_array_no_longer_has_are_forgotten(qtbot, widget, viewer):
    layer = new_annotations(qtbot, widget)
    paint(widget, plane=1)
    paint(widget, plane=2)
    settle(qtbot, widget)
    viewer.layers["sections"].data = STACK[:2, :90]
    layer.data = layer.data[:2, :90].copy()
    qtbot.waitUntil(lambda: widget.session.record.is_settled and widget.session.record.is_known, timeout=PATIENCE)
    annotations = widget.session.record.snapshot()
    assert {number: plane.shape for number, plane in annotations.by_plane.items()} == {1: (90, 160)}
    fine_tune(qtbot, widget)
    wait_for_end(qtbot, widget)
    assert "10 steps" in message(widget)


def test_an_image_is_given_data_of_other_axes_while_a_model_learns(qtbot, widget, viewer):
    new_annotations(qtbot, widget)
    paint(widget)
    settle(qtbot, widget)
    fine_tune(qtbot, widget, steps=10_000)
    wait_for_step(qtbot, widget, 5)
    viewer.layers["sections"].data = STACK[None]
    qtbot.wait(500)  # until it is asked what to show
    press(qtbot, widget.panel.run_panel.stop)
    wait_for_end(qtbot, widget)
    assert "Stopped after" in message(widget)


@pytest.mark.parametrize("kind", ["read from a file", "read-only"])
def test_a_prediction_for_labels_that_take_none_is_refused(qtbot, widget, viewer, kind):
    ids = np.broadcast_to(np.zeros(STACK.shape[1:], np.uint8), STACK.shape)
    viewer.add_labels(ids if kind == "read-only" else da.from_array(ids.copy()), name="mine")
    widget.annotations.choose(viewer.layers["mine"])
    qtbot.waitUntil(lambda: widget.tools.from_prediction.isEnabled(), timeout=PATIENCE)
    press(qtbot, widget.tools.from_prediction)
    assert widget.tools.message.text().startswith("mine: nothing can be written into these labels")
    assert not widget.helper.is_busy


def test_annotations_are_given_another_array_while_a_slice_is_segmented(qtbot, widget):
    layer = new_annotations(qtbot, widget)
    press(qtbot, widget.tools.from_prediction)
    layer.data = np.zeros((2, 20, 20), np.uint8)
    qtbot.waitUntil(lambda: not widget.helper.is_busy, timeout=PATIENCE)
    assert "another array" in widget.tools.message.text()
    assert not layer.data.any()


def test_another_model_is_chosen_while_what_one_has_learnt_is_saved(qtbot, widget, make_model, own_store):
    make_model("other")
    store_news().changed.emit()
    new_annotations(qtbot, widget)
    paint(widget)
    settle(qtbot, widget)
    learnt = {}
    for name in ("other", "tiny"):
        widget.model.choose(name)
        for setting, value in QUICK.items():
            widget.panel.form.set(setting, value)
        fine_tune(qtbot, widget)
        wait_for_end(qtbot, widget)
        learnt[name] = widget.control.tuned
    press(qtbot, widget.panel.save)
    widget.model.choose("other")
    assert widget.control.tuned is learnt["other"]
    qtbot.waitUntil(lambda: widget.panel.saved.text().startswith("Saved as tiny-tuned"), timeout=PATIENCE)
    widget.model.choose("tiny")
    assert widget.control.tuned is None, "it is saved"
    widget.model.choose("other")
    assert widget.control.tuned is learnt["other"], "nobody has saved it"
