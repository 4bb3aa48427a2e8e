"""Scores of each class, where there are more than two."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtWidgets import QFileDialog

from napari_unets.metrics import evaluate
from tests.widgets.evaluate_support import PATIENCE, made_by_us, press, run

pytestmark = pytest.mark.usefixtures("one_worker")


def test_more_than_two_classes_have_columns_of_their_own(qtbot, viewer, widget, tmp_path, monkeypatch):
    truth = np.repeat(np.uint8([1, 2, 3]), 8)[None].repeat(24, 0)
    truth = np.stack([truth, np.where(truth == 3, 2, truth)])  # on the second slice there is no dark body
    found = truth.copy()
    found[0, :6, 16:] = 2
    viewer.add_labels(truth, name="truth")
    viewer.add_labels(found, name="s", metadata=made_by_us("segmentation", ("membrane", "cell", "dark body")))
    qtbot.waitUntil(lambda: widget.run_panel.run.isEnabled(), timeout=PATIENCE)
    widget.form.scores.choose(["dice"])
    sheet = run(qtbot, widget)
    assert [sheet.column_name(column) for column in sheet.columns] == [
        "Dice",
        "Dice,\nmembrane",
        "Dice,\ncell",
        "Dice,\ndark body",
    ]
    wanted = evaluate(found, truth, "dice", per_class=True, per_slice=True)
    dark = sheet.columns[-1]
    assert sheet.value(0, dark) == wanted["per_class"]["3"]["dice"]
    assert sheet.value(1, dark) == wanted["per_slice"][0]["per_class"]["3"]["dice"] == pytest.approx(2 * 18 / 42)
    assert sheet.value(2, dark) is None
    assert "no pixel of this class" in sheet.reason(2, dark)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "s.csv"), ""))
    press(qtbot, widget.results.save)
    assert "Dice, dark body" in (tmp_path / "s.csv").read_text()
