"""What can be done with the scores in the table goes on being about them, whatever is scored meanwhile."""

from __future__ import annotations

import math

import numpy as np
import pytest
from qtpy.QtWidgets import QFileDialog

from napari_unets.widgets.evaluate.live_note import LiveNote
from napari_unets.widgets.evaluate.score_export import ScoresNotSavedError, save_scores
from napari_unets.widgets.parts import announce as announcing
from tests.widgets.evaluate_support import CLASSES, PATIENCE, TRUTH, made_by_us, message, press, read, run

pytestmark = pytest.mark.usefixtures("one_worker")


def test_errors_are_those_of_the_table_after_a_run_that_scored_nothing(qtbot, compared, viewer):
    names = [result.name for result in run(qtbot, compared).results]
    assert names == ["s", "p"]
    other = viewer.add_labels(np.ones((5, 7, 7), np.uint8), name="other")
    compared.form.predictions.set_checked(other)
    for name in names:
        compared.form.predictions.set_checked(viewer.layers[name], False)
    run(qtbot, compared)
    assert "No crop or transposition fits" in message(compared)
    assert [result.name for result in compared.results.sheet.results] == names
    compared.results.which.setCurrentIndex(1)
    press(qtbot, compared.results.errors)
    qtbot.waitUntil(lambda: "marked" in message(compared), timeout=PATIENCE)
    assert viewer.layers["p · errors"].data.shape == CLASSES.shape


def test_errors_of_the_table_wait_until_another_run_is_over(qtbot, compared, viewer):
    run(qtbot, compared)
    compared.results.which.setCurrentIndex(1)
    compared.form.predictions.set_checked(viewer.layers["p"], False)
    with qtbot.waitSignal(compared.run_ended, timeout=PATIENCE):
        press(qtbot, compared.run_panel.run)
        press(qtbot, compared.results.errors)
    assert [result.name for result in compared.results.sheet.results] == ["s"]


def test_scores_that_cannot_be_written_are_told(qtbot, compared, tmp_path, monkeypatch):
    sheet = run(qtbot, compared)
    target = tmp_path / "nowhere" / "scores.csv"
    with pytest.raises(ScoresNotSavedError, match="cannot be written"):
        save_scores(target, sheet, "truth")
    told = []
    monkeypatch.setattr(announcing, "show_error", told.append)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    press(qtbot, compared.results.save)
    (text,) = told
    assert text.startswith(f"{target}: the scores cannot be written")


def test_a_prediction_that_begins_elsewhere_is_told(qtbot, viewer, widget):
    viewer.add_labels(TRUTH, name="truth")
    crop = viewer.add_labels(CLASSES.copy(), name="crop", metadata=made_by_us("segmentation"))
    read(qtbot, widget)
    assert "same indices" not in widget.form.rule.text()
    crop.translate = (0, 8, 8)
    widget.form.changed.emit()
    qtbot.waitUntil(lambda: "Not where truth begins: crop." in widget.form.rule.text(), timeout=PATIENCE)


def test_live_scores_that_are_not_defined_look_as_in_the_table(qtbot):
    note = LiveNote()
    qtbot.addWidget(note)
    note.tell((0,), ["s"], [{"dice": math.nan}])
    assert note.text() == "<b>This slice</b>: Dice –"
    note.tell((0,), ["s"], [{"dice": 0.5}])
    assert note.text() == "<b>This slice</b>: Dice 0.50000"
    note.tell((0,), ["s"], [{"dice": 0.25}])
    assert note.text() == "<b>This slice</b>: Dice 0.25000 (-0.25000)"
