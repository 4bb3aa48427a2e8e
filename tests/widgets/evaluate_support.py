"""Layers to be scored, and what the tests do with the Evaluate widget."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import Qt

from napari_unets.inference import class_ids
from napari_unets.metrics import evaluate
from napari_unets.widgets.evaluate.score_choice import PRESETS

PATIENCE = 60_000
EM = PRESETS["em"]


def cells(planes=3, size=24):
    """Truth of square cells, 0 and 255, and the probability of a membrane, nearly right."""
    truth = np.full((planes, size, size), 255, np.uint8)
    truth[:, ::8] = truth[:, :, ::8] = 0
    noise = np.random.default_rng(0).uniform(-0.4, 0.4, truth.shape)
    return truth, np.clip(np.where(truth > 0, 0.35, 0.75) + noise, 0, 1).astype(np.float32)


TRUTH, MEMBRANE = cells()
CLASSES = np.stack([class_ids(plane, 0.5) for plane in MEMBRANE])


def made_by_us(output, classes=("membrane", "cell")):
    infos = [{"id": i + 1, "name": name} for i, name in enumerate(classes)]
    return {"napari_unets": {"output": output, "model": "tiny", "classes": infos, "class_axis": False}}


def press(qtbot, button):
    assert button.isEnabled()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def run(qtbot, widget):
    with qtbot.waitSignal(widget.run_ended, timeout=PATIENCE):
        press(qtbot, widget.run_panel.run)
    return widget.results.sheet


def read(qtbot, widget):
    """Wait until what is chosen was read."""
    qtbot.waitUntil(lambda: "ositive" in widget.form.rule.text(), timeout=PATIENCE)


def message(widget):
    return widget.run_panel.message.text()


def table(widget):
    view = widget.results.table.model()
    return [[view.index(r, c).data() for c in range(view.columnCount())] for r in range(view.rowCount())]


def expected(output):
    """What `evaluate` says of one of the two predictions."""
    if output == "p":
        return evaluate(MEMBRANE, TRUTH, EM, per_slice=True, probability_of="background")
    return evaluate(CLASSES, TRUTH, EM, per_slice=True)
