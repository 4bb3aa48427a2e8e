"""What the Annotate & fine-tune widget does with layers: takes over none unasked, loses none, writes over none."""

from __future__ import annotations

import threading

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
    settle,
    wait_for_end,
)

from napari_unets.images import open_stack
from napari_unets.widgets.annotate import annotation_record
from napari_unets.widgets.annotate import widget as annotate
from napari_unets.widgets.annotate.widget import AnnotateWidget
from napari_unets.widgets.parts.result_layers import result_layer

pytestmark = pytest.mark.usefixtures("one_worker")


def test_labels_of_somebody_else_are_left_alone_until_they_are_picked(qtbot, viewer, data):
    truth = viewer.add_labels(np.ones(STACK.shape, np.int32), name="truth")
    widget = AnnotateWidget(viewer)
    qtbot.addWidget(widget)
    assert widget.annotations.layer is None
    assert not truth.metadata
    assert not truth.keymap
    assert "Make new annotations" in widget.panel.preflight.text()
    widget.annotations.choose(truth)
    settle(qtbot, widget)
    assert "px on slices 0, 1, 2" in widget.tools.counts.text()
    widget.close()


def test_labels_are_looked_through_without_holding_up_the_window(qtbot, widget, viewer, monkeypatch):
    go_on, readers, read = threading.Event(), set(), annotation_record.plane_of

    def slowly(layer, number):
        readers.add(threading.current_thread())
        assert go_on.wait(PATIENCE / 1000)
        return read(layer, number)

    monkeypatch.setattr(annotation_record, "plane_of", slowly)
    viewer.add_labels(np.ones(STACK.shape, np.int32), name="cells")
    widget.annotations.choose(viewer.layers["cells"])
    qtbot.waitUntil(lambda: bool(readers), timeout=PATIENCE)
    assert widget.panel.preflight.text() == "Looking through cells …"
    for button in (widget.tools.suggest_slice, widget.panel.run_panel.run):
        assert not button.isEnabled()
    go_on.set()
    settle(qtbot, widget)
    assert threading.main_thread() not in readers
    assert widget.tools.suggest_slice.isEnabled()


def test_annotations_that_were_removed_are_offered_again(qtbot, widget, viewer):
    layer = new_annotations(qtbot, widget)
    paint(widget)
    settle(qtbot, widget)
    painted = layer.data.copy()
    assert widget.offer.isHidden()
    viewer.layers.remove(layer)
    assert not widget.offer.isHidden()
    press(qtbot, widget.offer.restore)
    np.testing.assert_array_equal(widget.annotations.layer.data, painted)
    assert widget.offer.isHidden()


def test_an_image_with_other_data_has_no_annotations_any_more(qtbot, widget, viewer):
    new_annotations(qtbot, widget)
    assert widget.tools.from_prediction.isEnabled()
    image = viewer.layers["sections"]
    whole, image.data = image.data, image.data[:1]
    assert "another shape than the image" in widget.tools.counts.text()
    assert not widget.tools.from_prediction.isEnabled()
    assert not widget.panel.run_panel.run.isEnabled()
    image.data = whole
    assert widget.tools.from_prediction.isEnabled()


def test_labels_that_lie_elsewhere_than_the_image_are_told(qtbot, widget, viewer):
    image = viewer.layers["sections"]
    image.scale, image.translate = (50, 4, 4), (0, 8, 0)
    new_annotations(qtbot, widget)
    assert widget.elsewhere.text() == ""
    mine = viewer.add_labels(np.zeros(STACK.shape, np.uint8), name="mine")
    widget.annotations.choose(mine)
    assert "lie elsewhere than the image" in widget.elsewhere.text()
    mine.scale, mine.translate = image.scale, (0, 9, 0)
    paint(widget)
    settle(qtbot, widget)
    assert widget.elsewhere.text() == "", "a quarter of a pixel"


def test_a_data_folder_that_cannot_be_written_to_is_told(qtbot, widget, data):
    data.write_text("a file, so that no folder can be made here")
    new_annotations(qtbot, widget)
    paint(widget)
    qtbot.waitUntil(lambda: "cannot be kept here" in widget.tools.message.text(), timeout=PATIENCE)
    press(qtbot, widget.panel.run_panel.run)
    assert "the state of a fine-tuning cannot be kept" in message(widget)
    assert not widget.control.is_running


def test_several_axes_before_y_are_named_as_the_sliders_show_them(qtbot, widget, viewer):
    viewer.layers.clear()
    viewer.add_image(np.stack([STACK, STACK]), name="4d")
    layer = new_annotations(qtbot, widget)
    layer.paint((1, 2, 20, 20), 1)
    settle(qtbot, widget)
    assert "on slice (1, 2)" in widget.tools.counts.text()
    qtbot.waitUntil(lambda: "annotated" in widget.panel.preflight.text(), timeout=PATIENCE)
    viewer.dims.set_current_step(0, 1)
    viewer.dims.set_current_step(1, 1)
    press(qtbot, widget.tools.from_prediction)
    qtbot.waitUntil(lambda: "come from the model" in widget.tools.message.text(), timeout=PATIENCE)
    assert "pixels of slice (1, 1) come" in widget.tools.message.text()


@pytest.mark.parametrize(("chosen", "suffix"), [("TIFF (*.tif)", ".tif"), ("OME-Zarr (*.ome.zarr)", ".ome.zarr")])
def test_export_writes_what_the_dialogue_was_asked_for(qtbot, widget, tmp_path, monkeypatch, chosen, suffix):
    layer = new_annotations(qtbot, widget)
    layer.paint((1, 30, 40), 2)
    monkeypatch.setattr(annotate.QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "notes"), chosen))
    press(qtbot, widget.tools.export)
    with open_stack(tmp_path / f"notes{suffix}") as stack:
        np.testing.assert_array_equal(np.asarray(stack), layer.data)


def test_previews_leave_the_results_of_segment_alone(qtbot, widget, viewer):
    card = widget.control.card.model_copy(update={"name": "tiny-tuned"})
    image = viewer.layers["sections"]
    made = result_layer(viewer, image, card, "segmentation", {}).layer
    new_annotations(qtbot, widget)
    paint(widget)
    fine_tune(qtbot, widget, 2)
    wait_for_end(qtbot, widget)
    assert len(previews(viewer)) == 2
    press(qtbot, widget.panel.revert)
    assert previews(viewer) == [made]
