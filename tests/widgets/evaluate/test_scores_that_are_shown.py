"""What can be done with the scores in the table goes on being about them, whatever is scored meanwhile."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtWidgets import QFileDialog

from napari_unets.widgets.evaluate.score_export import ScoresNotSavedError, save_scores
from napari_unets.widgets.parts import announce as announcing
from tests.widgets.evaluate_support import CLASSES, PATIENCE, message, press, run

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
