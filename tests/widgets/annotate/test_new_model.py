"""From a model with random weights to one that has learnt: the dialog, strokes, a real worker process."""

from __future__ import annotations

import pytest
from qtpy.QtWidgets import QDialogButtonBox
from widgets.annotate.driving import PATIENCE, fine_tune, new_annotations, paint, press, settle, wait_for_end

pytestmark = pytest.mark.usefixtures("one_worker")


def test_a_model_that_begins_with_nothing(qtbot, widget):
    press(qtbot, widget.new_model)
    dialog = widget.new_model.dialog
    qtbot.keyClicks(dialog.name, "fresh")
    dialog.features.setValue(8)
    with qtbot.waitSignal(widget.new_model.made, timeout=PATIENCE):
        press(qtbot, dialog.buttons.button(QDialogButtonBox.StandardButton.Ok))
    assert (widget.model.name, widget.model.card.is_untrained) == ("fresh", True)
    layer = new_annotations(qtbot, widget)
    assert list(layer.features["class"]) == ["not annotated", "object", "background"]
    paint(widget)
    settle(qtbot, widget)
    fine_tune(qtbot, widget, steps=30)
    assert not widget.new_model.isEnabled()
    wait_for_end(qtbot, widget)
    card = widget.control.card
    assert (card.name, card.title) == ("fresh-tuned", "fresh-tuned")
    assert card.parent.startswith("fresh (")
    assert card.training.settings["learning_rate"] == pytest.approx(3e-3)
    assert not card.is_untrained
    assert widget.new_model.isEnabled()
