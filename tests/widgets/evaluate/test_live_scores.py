"""Live scores of the Evaluate widget, while somebody paints."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from napari_unets.jobs.tasks.evaluation import Candidate
from napari_unets.metrics import evaluate
from napari_unets.widgets.evaluate import widget as evaluate_widget
from napari_unets.widgets.evaluate.reader import EvaluateReader
from napari_unets.widgets.evaluate.run import EvaluateRequest
from tests.widgets.evaluate_support import (
    CLASSES,
    EM,
    PATIENCE,
    TRUTH,
    expected,
    made_by_us,
    read,
    run,
)

pytestmark = pytest.mark.usefixtures("one_worker")


def live_on(qtbot, widget):
    widget.live.setChecked(True)
    qtbot.waitUntil(lambda: "V_rand" in widget.live_note.text(), timeout=PATIENCE)


def painted(qtbot, widget, paint):
    """Paint, and wait for other scores."""
    before = widget.live_note.text()
    paint()
    qtbot.waitUntil(lambda: widget.live_note.text() not in (before, ""), timeout=PATIENCE)


def test_live_scores_follow_strokes_and_undo(qtbot, viewer, compared):
    viewer.dims.set_current_step(0, 1)
    run(qtbot, compared)
    live_on(qtbot, compared)
    layer = viewer.layers["s"]
    layer.brush_size = 6
    painted(qtbot, compared, lambda: layer.paint((1, 12, 12), 1))
    wanted = evaluate(np.asarray(layer.data), TRUTH, EM, per_slice=True)
    qtbot.waitUntil(lambda: compared.results.sheet.scores[0] == wanted, timeout=PATIENCE)
    assert f"{wanted['per_slice'][1]['dice']:.5f} (-" in compared.live_note.text()
    assert compared.results.sheet.scores[1] == expected("p")
    painted(qtbot, compared, layer.undo)
    qtbot.waitUntil(lambda: compared.results.sheet.scores[0] == expected("s"), timeout=PATIENCE)
    compared.live.setChecked(False)
    assert compared.live_note.text() == ""


def test_live_scores_follow_the_truth_and_the_slider(qtbot, viewer, compared):
    viewer.layers["truth"].data = TRUTH.copy()
    viewer.dims.set_current_step(0, 0)
    live_on(qtbot, compared)
    painted(qtbot, compared, lambda: viewer.layers["truth"].paint((0, 12, 12), 0))
    wanted = evaluate(CLASSES[0], viewer.layers["truth"].data[0], EM)
    assert f"V_rand {wanted['v_rand']:.5f}" in compared.live_note.text()
    painted(qtbot, compared, lambda: viewer.dims.set_current_step(0, 2))
    assert f"V_rand {expected('s')['per_slice'][2]['v_rand']:.5f}" in compared.live_note.text()


def test_live_scores_read_again_when_a_new_value_is_painted(qtbot, viewer, widget):
    viewer.add_labels(np.zeros((24, 24), np.uint8), name="truth")
    viewer.add_labels(CLASSES[0], name="s", metadata=made_by_us("segmentation"))
    widget.live.setChecked(True)
    truth = viewer.layers["truth"]
    qtbot.waitUntil(lambda: bool(widget.live_note.text()), timeout=PATIENCE)
    truth.brush_size = 8
    for value, place in ((1, (4, 4)), (2, (16, 16))):
        truth.selected_label = value
        painted(qtbot, widget, lambda place=place, value=value: truth.paint(place, value))
    wanted = evaluate(CLASSES[0], truth.data, ["dice"])["dice"]
    qtbot.waitUntil(lambda: f"Dice {wanted:.5f}" in widget.live_note.text(), timeout=PATIENCE)
    assert "class ids 1, 2" in widget.form.rule.text()


class HeldArray:
    """An array that gives nothing out until it is let go."""

    def __init__(self, values):
        self._values, self.shape, self.dtype = values, values.shape, values.dtype
        self.go = threading.Event()

    def __getitem__(self, index):
        assert self.go.wait(60)
        return self._values[index]


def test_questions_that_come_fast_are_answered_once(qtbot):
    reader, held = EvaluateReader(), HeldArray(CLASSES)
    request = EvaluateRequest([Candidate("s", held)], TRUTH, "truth", {"metrics": ("dice",)})
    answers = []
    reader.scored.connect(answers.append)
    held.go.set()
    with qtbot.waitSignal(reader.read, timeout=PATIENCE):
        reader.ask_for_reading(request)
    held.go.clear()
    for _ in range(10):
        reader.ask_for_scores((0,))
    reader.ask_for_scores((2,))
    held.go.set()
    qtbot.waitUntil(lambda: any(one[0].slices[0].index == (2,) for one in answers), timeout=PATIENCE)
    assert len(answers) <= 2
    assert answers[-1][0].scores["dice"] == evaluate(CLASSES[2], TRUTH[2], "dice")["dice"]
    reader.close()


def test_what_cannot_be_read_is_told(qtbot):
    class Broken(HeldArray):
        def __getitem__(self, index):
            raise OSError("the disk is gone")

    reader = EvaluateReader()
    request = EvaluateRequest([Candidate("s", Broken(CLASSES))], TRUTH, "truth", {"metrics": ("dice",)})
    with qtbot.waitSignal(reader.failed, timeout=PATIENCE) as failed:
        reader.ask_for_reading(request)
    assert "the disk is gone" in str(failed.args[0])
    reader.close()


def test_huge_layers_are_not_read_unasked(monkeypatch, qtbot, compared):
    monkeypatch.setattr(evaluate_widget, "_LARGEST_READ", 10)
    compared.form.scores.choose(["dice"])
    assert "Too large" in compared.form.rule.text()
    assert run(qtbot, compared).scores[0]["dice"] == expected("s")["dice"]


def test_a_closed_dock_hears_nothing(qtbot, viewer, compared):
    read(qtbot, compared)
    live_on(qtbot, compared)
    with qtbot.waitSignal(compared.destroyed):
        viewer.window.remove_dock_widget(compared)
    viewer.layers["s"].paint((1, 5, 5), 1)
    viewer.theme = "light"
    viewer.dims.set_current_step(0, 0)
    viewer.layers.clear()
