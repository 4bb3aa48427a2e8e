"""The Annotate & fine-tune widget's tests: a stack of two textures, and what a person does with the widget."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import Qt

from napari_unets.widgets.parts.result_layers import is_result

RNG = np.random.default_rng(0)
TRUTH = np.full((3, 96, 160), 2, np.uint8)
TRUTH[:, 20:70, 30:120] = 1
STACK = (np.where(TRUTH == 1, 60, 180) + RNG.normal(0, 15, TRUTH.shape)).clip(0, 255).astype(np.uint8)
QUICK = {"patch": 32, "batch": 1, "validate_every": 5}
PATIENCE = 120_000


def press(qtbot, button):
    assert button.isEnabled()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def paint(widget, plane=1):
    """Stroke both classes with the brush on a slice."""
    layer = widget.session.layer
    layer.brush_size = 5
    for row, columns in ((10, (10, 150)), (45, (40, 110)), (60, (40, 110)), (85, (10, 150))):
        layer.selected_label = int(TRUTH[plane, row, columns[0]])
        with layer.block_history():
            for column in range(*columns, 3):
                layer.paint((plane, row, column), layer.selected_label)


def new_annotations(qtbot, widget):
    press(qtbot, widget.tools.new)
    assert widget.session.layer is widget.annotations.layer
    return widget.session.layer


def settle(qtbot, widget):
    """Wait until what was painted is counted and saved."""
    qtbot.waitUntil(lambda: widget.session.record.is_settled and bool(widget.session.record.counts), timeout=PATIENCE)
    widget.session._saves[widget.session.layer].wait()


def fine_tune(qtbot, widget, steps=10):
    widget.panel.unit.setCurrentText("steps")
    widget.panel.length.setValue(steps)
    press(qtbot, widget.panel.run_panel.run)
    assert widget.control.is_running


def wait_for_end(qtbot, widget):
    qtbot.waitUntil(lambda: not widget.control.is_running, timeout=PATIENCE)


def wait_for_step(qtbot, widget, step):
    def reached():
        run = widget.control.run
        return run is None or (run.last is not None and run.last.step >= step)

    qtbot.waitUntil(reached, timeout=PATIENCE)
    assert widget.control.run is not None, message(widget)


def message(widget):
    return widget.panel.run_panel.message.text()


def camera(viewer):
    return getattr(viewer, "scene", viewer).camera


def previews(viewer):
    return [layer for layer in viewer.layers if is_result(layer)]
