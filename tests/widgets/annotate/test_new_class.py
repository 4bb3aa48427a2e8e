"""Classes that a model does not know, added in the Annotate & fine-tune widget."""

from __future__ import annotations

import pytest
from widgets.annotate.driving import fine_tune, new_annotations, paint, settle, wait_for_end

from napari_unets.widgets.annotate import widget as annotate

pytestmark = pytest.mark.usefixtures("one_worker")


def test_a_new_class_is_learnt(qtbot, widget, viewer):
    layer = new_annotations(qtbot, widget)
    paint(widget)
    widget.add_class("mitochondria")
    assert layer.selected_label == 3
    layer.paint((1, 50, 60), 3)
    settle(qtbot, widget)
    assert "mitochondria [key 3]" in widget.tools.counts.text()
    fine_tune(qtbot, widget, 2)
    wait_for_end(qtbot, widget)
    assert [c.name for c in widget.control.card.classes] == ["kind 1", "kind 2", "mitochondria"]


def test_a_class_of_a_name_that_is_there_is_refused(qtbot, widget, viewer, monkeypatch):
    layer = new_annotations(qtbot, widget)
    said = []
    monkeypatch.setattr("napari_unets.widgets.parts.announce.show_error", said.append)
    monkeypatch.setattr(annotate.QInputDialog, "getText", lambda *_: (" kind 2 ", True))
    widget.tools.add_class.click()
    assert "not 'kind 2'" in said[0]
    assert len(widget.session.classes) == 2
    assert layer.selected_label == 1
