"""The Annotate & fine-tune widget beside others: their results, models that go, runs that are first."""

from __future__ import annotations

import subprocess
import sys
from operator import attrgetter

import pytest
from widgets.annotate.driving import PATIENCE, message, new_annotations, paint, press, settle

from napari_unets.widgets.parts.result_layers import result_layer
from napari_unets.widgets.parts.session import shared_worker

pytestmark = pytest.mark.usefixtures("one_worker")


def test_a_corrected_segmentation_is_annotations_as_it_stands(qtbot, widget, viewer):
    image, card = viewer.layers["sections"], widget.model.card
    made = result_layer(viewer, image, card, "segmentation", {}).layer
    result_layer(viewer, image, card, "instances", {})
    assert [widget.annotations.itemData(i) for i in range(widget.annotations.count())] == [made]
    assert widget.annotations.layer is None, "it has to be picked"
    made.data[1], made.data[1, 20:40] = 2, 1
    widget.annotations.choose(made)
    settle(qtbot, widget)
    assert sorted(widget.session.record.counts[1]) == [1, 2]
    assert widget.panel.run_panel.run.isEnabled()
    assert result_layer(viewer, image, card, "segmentation", {}).layer is not made, "the next run leaves it alone"


@pytest.mark.parametrize("button", ["panel.run_panel.run", "tools.from_prediction", "tools.suggest_slice", "a stroke"])
def test_a_model_that_was_renamed_is_told_and_no_longer_chosen(qtbot, widget, own_store, button):
    new_annotations(qtbot, widget)
    paint(widget)
    settle(qtbot, widget)
    qtbot.waitUntil(lambda: "s here: about" in widget.panel.preflight.text(), timeout=PATIENCE)
    (own_store / "tiny").rename(own_store / "renamed")
    if button == "a stroke":
        paint(widget, plane=2)
        settle(qtbot, widget)
        qtbot.waitUntil(lambda: widget.model.name != "tiny", timeout=PATIENCE)
    else:
        press(qtbot, attrgetter(button)(widget))
        assert "no model 'tiny'" in message(widget) + widget.tools.message.text()
    assert widget.model.name != "tiny"
    assert widget.control.card is widget.model.card
    assert not widget.control.is_running


def test_what_waits_for_another_run_says_so_and_can_be_stopped(qtbot, widget):
    new_annotations(qtbot, widget)
    assert widget.tools.stop.isHidden()
    other = shared_worker().submit(subprocess.run, [sys.executable, "-c", "import time; time.sleep(5)"])
    press(qtbot, widget.tools.from_prediction)
    qtbot.waitUntil(lambda: "Waiting until another run is over" in widget.tools.message.text(), timeout=PATIENCE)
    press(qtbot, widget.tools.stop)
    qtbot.waitUntil(lambda: widget.tools.message.text() == "Stopped.", timeout=PATIENCE)
    assert widget.tools.stop.isHidden()
    assert widget.tools.from_prediction.isEnabled()
    other.stop()


def test_what_has_waited_says_what_it_does_now(qtbot, widget):
    new_annotations(qtbot, widget)
    said = []
    widget.helper.progressed.connect(said.append)
    shared_worker().submit(subprocess.run, [sys.executable, "-c", "import time; time.sleep(2)"])
    press(qtbot, widget.tools.from_prediction)
    qtbot.waitUntil(lambda: not widget.helper.is_busy, timeout=PATIENCE)
    assert said[:3] == ["Segmenting slice 1 …", "Waiting until another run is over …", "Segmenting slice 1 …"]
