"""The whole loop on real sections, with the mouse: paint, fine-tune, stop, resume, save, segment with the new model."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QApplication

from napari_unets.images import open_stack
from napari_unets.inference import segment
from napari_unets.models import load_model
from napari_unets.widgets.annotate.widget import AnnotateWidget
from napari_unets.widgets.parts.result_layers import is_result
from napari_unets.widgets.parts.session import close_worker
from napari_unets.widgets.segment.widget import SegmentWidget

PATIENCE = 180_000
PLANES = slice(6, 9)
PICTURES = os.environ.get("NAPARI_UNETS_PICTURES")  # a folder: what the window looks like after each step


@pytest.fixture
def sections(shared_data) -> tuple[np.ndarray, np.ndarray]:
    """Image, and true classes: 1 = membrane, 2 = cell."""
    folder = shared_data / "isbi2012"
    with open_stack(folder / "image") as image, open_stack(folder / "label") as label:
        return image[PLANES], np.where(label[PLANES] == 0, 1, 2).astype(np.uint8)


def drag(viewer, points: list[tuple[float, float]]) -> None:
    """Press the left button on the canvas, draw a line through points (y, x) of the image, and let go."""
    canvas = viewer.window._qt_viewer.canvas
    camera = getattr(viewer, "scene", viewer).camera
    centre = np.array(canvas.size) / 2
    places = [centre + (np.array(point) - camera.center[-2:]) * camera.zoom for point in points]
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    kinds = [QEvent.Type.MouseButtonPress, *[QEvent.Type.MouseMove] * len(places), QEvent.Type.MouseButtonRelease]
    for kind, (y, x) in zip(kinds, [places[0], *places, places[-1]], strict=True):
        moving, released = kind == QEvent.Type.MouseMove, kind == QEvent.Type.MouseButtonRelease
        where = QPointF(x, y)
        event = QMouseEvent(
            kind,
            where,
            QPointF(canvas.native.mapToGlobal(where.toPoint())),
            none if moving else left,
            none if released else left,
            Qt.KeyboardModifier.NoModifier,
        )
        QApplication.sendEvent(canvas.native, event)
        QApplication.processEvents()


def strokes(truth: np.ndarray, class_id: int, count: int) -> list[list[tuple[float, float]]]:
    """Short lines along x, each within one class and two pixels from its border."""
    inside = np.lib.stride_tricks.sliding_window_view(truth == class_id, (3, 24)).all(axis=(2, 3))
    places = np.argwhere(inside[40:-40, 40:-40]) + 40
    chosen = places[np.random.default_rng(0).choice(len(places), min(count, len(places)), replace=False)]
    return [[(y + 1, x + i) for i in range(2, 22, 3)] for y, x in chosen]


def look(viewer, name: str) -> None:
    if PICTURES:
        QApplication.processEvents()
        viewer.screenshot(str(Path(PICTURES) / f"{name}.png"), canvas_only=False, flash=False)


@pytest.mark.slow
def test_the_loop_with_the_mouse(qtbot, make_napari_viewer, sections, own_store, tmp_path, monkeypatch):
    monkeypatch.setenv("NAPARI_UNETS_DATA", str(tmp_path / "data"))
    image, truth = sections
    viewer = make_napari_viewer(show=True)
    viewer.window._qt_window.resize(1300, 900)
    viewer.add_image(image, name="sections")
    widget = AnnotateWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Annotate")
    qtbot.waitExposed(viewer.window._qt_window)
    widget.model.choose("tiny")
    widget.panel.form.set("patch", 64)

    def press(button):
        assert button.isEnabled()
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)

    press(widget.tools.new)
    layer = widget.session.layer
    viewer.dims.set_current_step(0, 1)
    viewer.reset_view()
    layer.brush_size = 3
    for class_id in (1, 2):
        layer.selected_label = class_id
        before = np.count_nonzero(layer.data == class_id)
        for line in strokes(truth[1], class_id, 12):
            drag(viewer, line)
        assert np.count_nonzero(layer.data[1] == class_id) > before + 200, "the mouse painted nothing"
    assert not layer.data[[0, 2]].any()
    painted = layer.data.copy()
    assert (truth[1][painted[1] > 0] == painted[1][painted[1] > 0]).mean() > 0.9  # where the mouse was, not elsewhere
    qtbot.waitUntil(lambda: "Ready to learn" in widget.panel.preflight.text(), timeout=PATIENCE)
    look(viewer, "1-painted")

    press(widget.panel.run_panel.run)  # for minutes, as it is preset
    preview = widget.control.run.preview.array
    qtbot.waitUntil(lambda: widget.control.run is None or preview.any(), timeout=PATIENCE)
    look(viewer, "2-learning")
    press(widget.panel.run_panel.stop)
    qtbot.waitUntil(lambda: not widget.control.is_running, timeout=PATIENCE)
    stopped_at = widget.control.tuned.step
    look(viewer, "3-stopped")
    press(widget.panel.resume)
    qtbot.waitUntil(
        lambda: widget.control.run.last is not None and widget.control.run.last.step > stopped_at + 5, timeout=PATIENCE
    )
    press(widget.panel.run_panel.stop)
    qtbot.waitUntil(lambda: not widget.control.is_running, timeout=PATIENCE)
    assert widget.control.tuned.step > stopped_at
    look(viewer, "4-resumed")
    widget.panel.name.setText("of-my-sections")
    press(widget.panel.save)
    qtbot.waitUntil(lambda: "Saved as of-my-sections" in widget.panel.saved.text(), timeout=PATIENCE)
    look(viewer, "5-saved")
    press(widget.panel.revert)
    assert widget.control.card.name == "tiny"
    look(viewer, "6-reverted")
    np.testing.assert_array_equal(layer.data, painted)
    widget.close()

    segmenting = SegmentWidget(viewer)
    viewer.window.add_dock_widget(segmenting, name="Segment")
    segmenting.model.choose("of-my-sections")
    segmenting.advanced.inference.set("backend", "torch")
    segmenting.advanced.inference.set("precision", "fp32")
    with qtbot.waitSignal(segmenting.run_ended, timeout=PATIENCE):
        press(segmenting.run_panel.run)
    look(viewer, "7-segmented")
    (result,) = (layer for layer in viewer.layers if is_result(layer))
    expected = segment(load_model("of-my-sections"), image, backend="torch", precision="fp32", device="cpu")
    scope = segmenting.scope.scope
    shown = slice(None) if scope == "stack" else slice(1, 2)
    assert (result.data[shown] == expected[shown]).mean() > 0.999
    close_worker()
