"""The Annotate & fine-tune widget: its real buttons, real strokes, a real worker process, a network of width 8."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from widgets.annotate.driving import (
    PATIENCE,
    QUICK,
    STACK,
    camera,
    fine_tune,
    message,
    new_annotations,
    paint,
    press,
    settle,
    wait_for_end,
    wait_for_step,
)

from napari_unets.images import open_stack
from napari_unets.inference import segment
from napari_unets.models import ModelStore, load_model
from napari_unets.widgets.annotate.autosave import read_autosave
from napari_unets.widgets.annotate.widget import AnnotateWidget
from napari_unets.widgets.parts.notes import time_in_words
from napari_unets.widgets.parts.session import shared_worker

pytestmark = pytest.mark.usefixtures("one_worker")


def test_new_annotations_have_the_models_classes_and_the_brush_in_hand(qtbot, widget, viewer):
    layer = new_annotations(qtbot, widget)
    assert layer.data.shape == STACK.shape
    assert not layer.data.any()
    assert list(layer.features["class"]) == ["not annotated", "kind 1", "kind 2"]
    np.testing.assert_allclose(layer.get_color(1)[:3], np.array([0xE4, 0x57, 0x2E]) / 255, atol=1e-2)
    assert layer.mode == "paint"
    assert viewer.layers.selection.active is layer
    for key, label in (("2", 2), ("0", 0), ("1", 1)):
        viewer.window._qt_viewer.canvas.native.setFocus()
        next(f for k, f in layer.keymap.items() if str(k) == key)(layer)
        assert layer.selected_label == label
    assert not widget.panel.save.isEnabled()


def test_the_model_that_learns_quickly_is_proposed(qtbot, viewer):
    widget = AnnotateWidget(viewer)
    qtbot.addWidget(widget)
    assert widget.model.name == widget.control.card.name == "em-membranes-fast"
    page = viewer.add_image(np.zeros((40, 50, 3), np.uint8), rgb=True, name="page")
    widget.image.choose(page)
    assert widget.model.name == widget.control.card.name == "document-ink"
    widget.model.choose("tiny")
    widget.image.choose(viewer.layers["sections"])
    assert widget.model.name == "tiny", "somebody has chosen it"
    widget.close()


def test_preflight_says_what_a_step_takes(qtbot, widget):
    new_annotations(qtbot, widget)
    paint(widget)
    said, patch = widget.panel.preflight.text, widget.panel.step_size["patch"]
    widget.panel.unit.setCurrentText("minutes")
    widget.panel.length.setValue(2)
    qtbot.waitUntil(lambda: "s here: about" in said(), timeout=PATIENCE)
    assert re.search(
        rf"A step takes \d patch(es)? of {patch} pixels and about [\d.e-]+ s here: about \d+ in 2 min", said()
    )
    (known,) = widget.clock._known.values()
    widget.panel.unit.setCurrentText("steps")
    widget.panel.length.setValue(100_000)
    assert f"100000 steps about {time_in_words(100_000 * known)}" in said()
    widget.panel.unit.setCurrentText("minutes")
    widget.clock._known = dict.fromkeys(widget.clock._known, 7.0)  # as it is of a large network on a slow machine
    widget.panel.length.setValue(4)
    assert "about 7 s here: about 34 in 4 min, which is few: learn for longer" in said()
    widget.panel.form.set("patch", 2 * patch)  # another question
    assert said().split("\n")[1].endswith(f" of {2 * patch} pixels")
    qtbot.waitUntil(lambda: "s here: about" in said(), timeout=PATIENCE)


def test_closing_the_widget_ends_the_timing_of_a_step(qtbot, widget):
    first = shared_worker().submit(subprocess.run, [sys.executable, "-c", "import time; time.sleep(30)"])
    new_annotations(qtbot, widget)
    paint(widget)
    qtbot.waitUntil(lambda: widget.clock._job is not None, timeout=PATIENCE)
    timing = widget.clock._job
    widget.close()
    qtbot.waitUntil(lambda: timing.done, timeout=PATIENCE)
    assert timing.stopped
    assert not first.done
    first.stop()


def test_painted_pixels_are_counted_saved_and_checked(qtbot, widget, viewer, data):
    layer = new_annotations(qtbot, widget)
    layer.selected_label = 1
    layer.paint((2, 30, 40), 1)
    settle(qtbot, widget)
    pixels = int(np.count_nonzero(layer.data))
    assert f"kind 1 [key 1]: {pixels:,} px on slice 2" in widget.tools.counts.text()
    qtbot.waitUntil(lambda: "another class too" in widget.panel.preflight.text(), timeout=PATIENCE)
    (file,) = (data / "annotations").glob("*.npz")
    about, kept = read_autosave(file)
    assert (about.image, about.shape, about.pixels) == ("sections", STACK.shape, pixels)
    np.testing.assert_array_equal(kept.by_plane[2], layer.data[2])
    paint(widget)
    qtbot.waitUntil(lambda: "Ready to learn" in widget.panel.preflight.text(), timeout=PATIENCE)
    assert set(widget.session.record.counts) == {1, 2}
    for _ in range(5):
        layer.undo()
    qtbot.waitUntil(lambda: not widget.session.record.counts and widget.session.record.is_settled, timeout=PATIENCE)
    widget.session._saves[widget.session.layer].wait()
    assert not file.exists()
    layer.redo()
    settle(qtbot, widget)
    assert file.exists()


def test_annotations_of_a_napari_that_died_are_offered_and_restored(qtbot, widget, viewer, data):
    painted = np.zeros((96, 160), np.uint8)
    painted[10:20] = 2
    script = (
        "import sys, os, signal, numpy as np\n"
        "from pathlib import Path\n"
        "from napari_unets.widgets.annotate.autosave import Autosave\n"
        "from napari_unets.learning import SparseAnnotations\n"
        "from napari_unets.models import ClassInfo\n"
        "plane = np.zeros((96, 160), np.uint8); plane[10:20] = 2\n"
        "save = Autosave(Path(sys.argv[1]), 'sections')\n"
        "save.save(SparseAnnotations((3, 96, 160), {1: plane}), [ClassInfo(id=1, name='a', color='#ff0000')])\n"
        "save.wait()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run([sys.executable, "-c", script, str(data / "annotations")], check=False)
    assert ended.returncode == -signal.SIGKILL
    viewer.add_image(STACK[:, :50], name="another")
    widget.image.choose(viewer.layers["another"])
    assert widget.offer.isHidden()
    widget.image.choose(viewer.layers["sections"])
    assert "1,600 pixels" in widget.offer.note.text()
    press(qtbot, widget.offer.restore)
    np.testing.assert_array_equal(widget.session.layer.data[1], painted)
    assert widget.offer.isHidden()
    settle(qtbot, widget)
    (file,) = (data / "annotations").glob("*.npz")  # the old file has gone, the new one is there
    assert read_autosave(file)[0].pid == os.getpid()


def test_paint_learn_look_save(qtbot, widget, viewer, own_store):
    new_annotations(qtbot, widget)
    paint(widget)
    viewer.dims.set_current_step(0, 1)
    before = widget.session.layer.data.copy()
    fine_tune(qtbot, widget, 25)
    wait_for_end(qtbot, widget)
    assert message(widget).startswith("25 steps in"), message(widget)
    np.testing.assert_array_equal(widget.session.layer.data, before)
    assert len(widget.control._before.losses) == 25
    assert [step for step, _ in widget.control._before.scores] == [0, 5, 10, 15, 20, 25]
    widget.model.choose("em-membranes")
    assert widget.control.tuned is None
    assert "choose tiny again" in message(widget)
    widget.model.choose("tiny")
    assert widget.control.card.parent.startswith("tiny (")
    assert widget.panel.name.text() == "tiny-tuned"
    assert not widget.panel.curves.isHidden()
    (curve,) = widget.panel.curves.score.curves
    assert curve.x[curve.best] == widget.control._before.kept  # what is kept is marked
    assert not widget.panel.resume.isEnabled()
    widget.panel.name.setText("My model")
    press(qtbot, widget.panel.save)
    qtbot.waitUntil(lambda: "Saved as my-model" in widget.panel.saved.text(), timeout=PATIENCE)
    cards, _ = ModelStore().list()
    assert cards["my-model"].title == "My model"
    assert cards["my-model"].parent.startswith("tiny (")
    assert cards["my-model"].training.annotated_pixels["kind 1"] == np.count_nonzero(before == 1)
    assert segment(load_model("my-model"), STACK, backend="torch").shape == STACK.shape
    press(qtbot, widget.panel.save)
    qtbot.waitUntil(lambda: "there is a model 'my-model' already" in widget.panel.saved.text(), timeout=PATIENCE)
    widget.model.choose("em-membranes")
    assert "again" not in message(widget), "it is saved"
    widget.model.choose("tiny")
    assert widget.control.tuned is None, "what is saved is chosen by its name"


def test_killed_worker_loses_neither_annotations_nor_checkpoint(qtbot, widget, viewer):
    layer = new_annotations(qtbot, widget)
    paint(widget)
    fine_tune(qtbot, widget, 5000)
    wait_for_step(qtbot, widget, 12)
    painted = layer.data.copy()
    os.kill(shared_worker().pid, signal.SIGKILL)
    wait_for_end(qtbot, widget)
    assert "press Resume" in message(widget)
    np.testing.assert_array_equal(layer.data, painted)
    folder, before = widget.control.unfinished, widget.control._before
    assert folder.checkpoint.is_file()
    press(qtbot, widget.panel.resume)
    wait_for_step(qtbot, widget, 11)
    assert widget.control.run.losses[0] is before.losses[0]  # from the checkpoint, not from the start
    assert [step for step, _ in widget.control.run.losses] == list(range(1, len(widget.control.run.losses) + 1))
    press(qtbot, widget.panel.run_panel.stop)
    wait_for_end(qtbot, widget)
    assert message(widget).startswith("Stopped after")


def test_napari_is_killed_while_it_learns(qtbot, viewer, data, tmp_path):
    np.save(tmp_path / "stack.npy", STACK)
    script = Path(__file__).parent / "napari_that_dies.py"
    ended = subprocess.run([sys.executable, str(script), str(tmp_path / "stack.npy")], check=False, timeout=120)
    assert ended.returncode == -signal.SIGKILL
    widget = AnnotateWidget(viewer)
    qtbot.addWidget(widget)
    assert "has not come to its end" in message(widget)
    assert "Annotations of sections" in widget.offer.note.text()
    press(qtbot, widget.offer.restore)
    assert set(np.unique(widget.session.layer.data[1])) == {0, 1, 2}
    settle(qtbot, widget)
    press(qtbot, widget.panel.resume)
    wait_for_step(qtbot, widget, 11)
    assert widget.control.run.losses[0][0] >= 11
    press(qtbot, widget.panel.run_panel.stop)
    wait_for_end(qtbot, widget)
    assert message(widget).startswith("Stopped after"), message(widget)
    widget.close()


def test_closing_the_widget_stops_the_run_and_the_next_one_offers_to_resume(qtbot, widget, viewer):
    new_annotations(qtbot, widget)
    paint(widget)
    fine_tune(qtbot, widget, 5000)
    wait_for_step(qtbot, widget, 12)
    run = widget.control.run
    widget.close()
    qtbot.waitUntil(lambda: run._job.done, timeout=PATIENCE)
    again = AnnotateWidget(viewer)
    qtbot.addWidget(again)
    assert "has not come to its end" in message(again)
    again.close()


def test_the_cross_of_the_dock_stops_the_run_and_the_widget_opened_again_offers_to_resume(qtbot, viewer, data):
    widget = AnnotateWidget(viewer)
    dock = viewer.window.add_dock_widget(widget, name="Annotate")
    widget.model.choose("tiny")
    for name, value in QUICK.items():
        widget.panel.form.set(name, value)
    layer = new_annotations(qtbot, widget)
    paint(widget)
    fine_tune(qtbot, widget, 5000)
    wait_for_step(qtbot, widget, 12)
    job, file = widget.control.run._job, widget.session._saves[layer].path
    layer.paint((2, 30, 40), 1)
    painted = layer.data[2].copy()
    dock.title.close_button.click()
    np.testing.assert_array_equal(read_autosave(file)[1].by_plane[2], painted)
    again = AnnotateWidget(viewer)
    viewer.window.add_dock_widget(again, name="Annotate")
    again.model.choose("tiny")
    again.annotations.choose(layer)
    qtbot.waitUntil(lambda: job.done, timeout=PATIENCE)
    assert job.stopped
    settle(qtbot, again)
    press(qtbot, again.panel.resume)
    wait_for_step(qtbot, again, 11)
    assert again.control.run.losses[0][0] >= 11
    again.close()


def test_from_prediction_fills_what_is_not_painted_and_can_be_undone(qtbot, widget, viewer):
    layer = new_annotations(qtbot, widget)
    layer.paint((1, 30, 40), 2)
    mine = layer.data[1].copy()
    viewer.dims.set_current_step(0, 1)
    press(qtbot, widget.tools.from_prediction)
    qtbot.waitUntil(lambda: "come from the model" in widget.tools.message.text(), timeout=PATIENCE)
    expected = segment(load_model("tiny"), STACK, backend="torch", precision="fp32")[1]
    free = mine == 0
    assert (layer.data[1][free] == expected[free]).mean() > 0.99
    assert (layer.data[1][~free] == 2).all()
    assert not layer.data[[0, 2]].any()
    layer.undo()
    np.testing.assert_array_equal(layer.data[1], mine)


def test_from_prediction_sees_a_page_alone(qtbot, widget, viewer):
    viewer.layers["sections"].metadata["pages"] = [{"size": [96, 160]}, {"size": [40, 64]}, {"size": [96, 160]}]
    layer = new_annotations(qtbot, widget)
    viewer.dims.set_current_step(0, 1)
    press(qtbot, widget.tools.from_prediction)
    qtbot.waitUntil(lambda: "come from the model" in widget.tools.message.text(), timeout=PATIENCE)
    expected = segment(load_model("tiny"), STACK[1, :40, :64], backend="torch", precision="fp32")
    assert (layer.data[1, :40, :64] == expected).mean() > 0.99
    assert not layer.data[1, 40:].any()
    assert not layer.data[1, :, 64:].any()


def test_suggestions_go_where_nothing_is_painted(qtbot, widget, viewer):
    new_annotations(qtbot, widget)
    viewer.dims.set_current_step(0, 1)
    paint(widget, plane=1)
    press(qtbot, widget.tools.suggest_slice)
    qtbot.waitUntil(lambda: "least sure of" in widget.tools.message.text(), timeout=PATIENCE)
    assert viewer.dims.current_step[0] in (0, 2)
    zoom = camera(viewer).zoom
    press(qtbot, widget.tools.suggest_spot)
    qtbot.waitUntil(lambda: "a spot on slice" in widget.tools.message.text(), timeout=PATIENCE)
    assert camera(viewer).zoom > zoom


def test_what_is_wrong_is_said(qtbot, widget, viewer):
    layer = new_annotations(qtbot, widget)
    layer.paint((1, 30, 40), 1)
    fine_tune(qtbot, widget, 2)
    wait_for_end(qtbot, widget)
    assert "paint some pixels of another class too" in message(widget)
    viewer.add_labels(np.zeros((5, 5), np.uint8), name="small")
    widget.annotations.choose(viewer.layers["small"])
    assert "another shape" in widget.tools.counts.text()
    assert not widget.panel.run_panel.run.isEnabled()


def test_export(qtbot, widget, tmp_path):
    layer = new_annotations(qtbot, widget)
    paint(widget)
    for name in ("strokes.tif", "strokes.ome.zarr"):
        widget.export(str(tmp_path / name))
        with open_stack(tmp_path / name) as stack:
            np.testing.assert_array_equal(np.asarray(stack), layer.data)
    widget.export(str(tmp_path / "missing" / "strokes.tif"))
    assert "does not exist" in widget.tools.message.text()


def test_a_single_image(qtbot, widget, viewer):
    viewer.layers.clear()
    viewer.add_image(STACK[0], name="page")
    layer = new_annotations(qtbot, widget)
    layer.paint((10, 20), 2)
    layer.paint((40, 60), 1)
    settle(qtbot, widget)
    fine_tune(qtbot, widget, 2)
    wait_for_end(qtbot, widget)
    assert message(widget).startswith("2 steps in"), message(widget)
