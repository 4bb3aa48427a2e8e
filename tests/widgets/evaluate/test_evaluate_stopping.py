"""The Evaluate widget: what is stopped, closed or removed while it is scored."""

from __future__ import annotations

import pytest

from napari_unets.metrics import evaluate
from napari_unets.widgets.evaluate.run import EvaluateRun
from tests.widgets.evaluate_support import (
    EM,
    PATIENCE,
    cells,
    made_by_us,
    message,
    press,
    table,
)

pytestmark = pytest.mark.usefixtures("one_worker")


def slow_run(qtbot, widget):
    """Begin a run of many slices, and wait for the first of them."""
    truth, membrane = cells(300, 160)
    widget._viewer.add_labels(truth, name="truth")
    widget._viewer.add_image(membrane, name="p", metadata=made_by_us("probabilities"))
    press(qtbot, widget.run_panel.run)
    qtbot.waitUntil(lambda: message(widget).endswith(" of 300 slices"), timeout=PATIENCE)
    return truth, membrane


def test_what_takes_its_time_before_the_first_score_is_said(qtbot, viewer, widget, monkeypatch):
    take, said = EvaluateRun._take, []

    def take_and_look(run, progress):  # as if each took so long that somebody looks
        take(run, progress)
        run._look()

    monkeypatch.setattr(EvaluateRun, "_take", take_and_look)
    say = widget.run_panel.say
    widget.run_panel.say = lambda text: (said.append(text), say(text))
    slow_run(qtbot, widget)
    press(qtbot, widget.run_panel.stop)
    assert "Reading truth and p …" in said
    assert said.index("Reading truth and p …") < said.index("Scoring the first of 300 slices …")
    qtbot.waitUntil(lambda: message(widget).startswith("Stopped"), timeout=PATIENCE)


def test_stop_keeps_what_is_done(qtbot, widget):
    truth, membrane = slow_run(qtbot, widget)
    with qtbot.waitSignal(widget.run_ended, timeout=PATIENCE) as ended:
        press(qtbot, widget.run_panel.stop)
    assert ended.args == [False]
    (result,) = widget.results.sheet.results
    done = len(result.slices)
    assert 0 < done < 300
    assert message(widget) == f"Stopped. {done} of 300 slices are done."
    assert f"{done} of 300 slices" in widget.results.legend.text()
    assert result.scores == evaluate(membrane[:done], truth[:done], EM, per_slice=True, probability_of="background")


def test_closing_the_dock_stops_the_scoring(qtbot, viewer, widget):
    slow_run(qtbot, widget)
    job = widget._run._job
    viewer.window.remove_dock_widget(widget)
    qtbot.waitUntil(lambda: job.done, timeout=PATIENCE)
    assert job.stopped


def test_layers_may_go_while_they_are_scored(qtbot, viewer, widget):
    slow_run(qtbot, widget)
    viewer.layers.clear()
    press(qtbot, widget.run_panel.stop)
    qtbot.waitUntil(lambda: message(widget).startswith("Stopped"), timeout=PATIENCE)
    assert len(table(widget)) > 1
    assert not widget.run_panel.run.isEnabled()
    widget.results.table.slice_clicked.emit(0)
    viewer.dims.set_current_step(0, 0)
    press(qtbot, widget.results.errors)
    assert "was removed" in message(widget)


def test_removing_the_error_layer_ends_the_marking(qtbot, viewer, widget):
    slow_run(qtbot, widget)
    with qtbot.waitSignal(widget.run_ended, timeout=PATIENCE):
        press(qtbot, widget.run_panel.stop)
    with qtbot.waitSignal(widget.run_ended, timeout=PATIENCE) as ended:
        press(qtbot, widget.results.errors)
        viewer.layers.remove("p · errors")
    assert ended.args == [False]
