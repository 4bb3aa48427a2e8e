"""The widgets with a model of documents: a PDF in, Sauvola's ink and paper in every widget, a clean PDF out."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Layer
from qtpy.QtCore import Qt

from napari_unets.images import create_page_writer, open_pages, synthetic_page
from napari_unets.inference import segment
from napari_unets.metrics import evaluate
from napari_unets.models import load_model
from napari_unets.widgets.annotate.widget import AnnotateWidget
from napari_unets.widgets.evaluate.widget import EvaluateWidget
from napari_unets.widgets.files.page_writer import write_clean_pages
from napari_unets.widgets.files.readers import read_stack
from napari_unets.widgets.parts.result_layers import METADATA_KEY
from napari_unets.widgets.segment.widget import SegmentWidget

pytestmark = pytest.mark.usefixtures("one_worker")

PAGE = synthetic_page(200, 300, seed=3)
PATIENCE = 120_000


@pytest.fixture
def pdf(tmp_path):
    path = tmp_path / "scan.pdf"
    with create_page_writer(path) as writer:
        writer.write(PAGE.image, dpi=(150, 150))
    return path


@pytest.fixture
def viewer(make_napari_viewer, pdf, store, tmp_path, monkeypatch):
    monkeypatch.setenv("NAPARI_UNETS_DATA", str(tmp_path / "data"))
    made = make_napari_viewer()
    made.add_layer(Layer.create(*read_stack(str(pdf))[0]))
    return made


def docked(viewer, made, name):
    viewer.window.add_dock_widget(made, name=name)
    if hasattr(made, "model"):
        made.model.choose("sauvola")
        assert "■</span>&nbsp;ink&nbsp;(1)" in made.model.summary.text()
        assert "paper&nbsp;(2)" in made.model.summary.text()
    return made


def press(qtbot, button):
    assert button.isEnabled()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def run_sauvola(qtbot, viewer, outputs):
    widget = docked(viewer, SegmentWidget(viewer), "Segment")
    press(qtbot, widget.scope.buttons["stack"])
    for output, box in widget.outputs.boxes.items():
        box.setChecked(output in outputs)
    press(qtbot, widget.run_panel.run)
    qtbot.waitUntil(lambda: widget.run_panel.run.isEnabled() and widget.run_panel.bar.isHidden(), timeout=PATIENCE)
    return {layer.metadata[METADATA_KEY]["output"]: layer for layer in viewer.layers if METADATA_KEY in layer.metadata}


def test_from_a_pdf_to_a_clean_pdf_and_its_score(qtbot, viewer, tmp_path):
    made = run_sauvola(qtbot, viewer, ("segmentation", "probabilities"))
    labels = made["segmentation"]
    np.testing.assert_array_equal(labels.data, segment(load_model("sauvola"), PAGE.image))
    assert list(labels.features["class"]) == ["not annotated", "ink", "paper"]

    (path,) = write_clean_pages(str(tmp_path / "clean.pdf"), labels.data, labels.as_layer_data_tuple()[1])
    with open_pages(path) as pages:
        np.testing.assert_array_equal(pages[0].plane(0)[..., 0] == 0, labels.data == 1)
        assert pages[0].metadata["dpi"] == pytest.approx((150, 150))

    viewer.add_labels(PAGE.truth, name="ground truth")
    widget = docked(viewer, EvaluateWidget(viewer), "Evaluate")
    qtbot.waitUntil(lambda: "ink" in widget.form.rule.text(), timeout=PATIENCE)
    widget.form.scores.choose(["f_measure", "psnr"])
    with qtbot.waitSignal(widget.run_ended, timeout=PATIENCE):
        press(qtbot, widget.run_panel.run)
    view = widget.results.table.model()
    table = [[view.index(r, c).data() for c in range(view.columnCount())] for r in range(view.rowCount())]
    expected = evaluate(labels.data, PAGE.truth, ["f_measure"], kind="document")["f_measure"]
    assert any(f"{expected:.5f}" in str(cell) for row in table for cell in row), (table, expected)


def test_a_first_annotation_that_another_model_can_learn_from(qtbot, viewer):
    widget = docked(viewer, AnnotateWidget(viewer), "Annotate")
    press(qtbot, widget.tools.new)
    layer = widget.session.layer
    assert list(layer.features["class"]) == ["not annotated", "ink", "paper"]
    press(qtbot, widget.tools.from_prediction)
    qtbot.waitUntil(lambda: bool(np.asarray(layer.data).any()) and not widget.helper.is_busy, timeout=PATIENCE)
    np.testing.assert_array_equal(layer.data, segment(load_model("sauvola"), PAGE.image))

    qtbot.waitUntil(lambda: bool(widget.session.record.counts), timeout=PATIENCE)
    assert "sauvola is a formula without weights" in widget.panel.preflight.text()
    assert not widget.panel.run_panel.run.isEnabled()

    widget.model.choose("tiny")
    assert widget.session.layer is layer
    qtbot.waitUntil(lambda: "Ready to learn" in widget.panel.preflight.text(), timeout=PATIENCE)
    widget.panel.unit.setCurrentText("steps")
    widget.panel.length.setValue(2)
    qtbot.waitUntil(widget.panel.run_panel.run.isEnabled, timeout=PATIENCE)
    widget.close()


def test_pages_of_two_sizes_become_what_the_shell_makes_of_them(qtbot, make_napari_viewer, store, tmp_path):
    """A page does not see the white that lies beside it on its plane."""
    scans = [PAGE.image, synthetic_page(120, 340, seed=4).image]
    with create_page_writer(tmp_path / "two.pdf") as writer:
        for scan in scans:
            writer.write(scan, dpi=(150, 150))
    viewer = make_napari_viewer()
    viewer.add_layer(Layer.create(*read_stack(str(tmp_path / "two.pdf"))[0]))
    labels = run_sauvola(qtbot, viewer, ("segmentation",))["segmentation"]
    (path,) = write_clean_pages(str(tmp_path / "clean.pdf"), labels.data, labels.as_layer_data_tuple()[1])
    with open_pages(path) as pages:
        for page, scan in zip(pages, scans, strict=True):
            np.testing.assert_array_equal(page.plane(0)[..., 0] == 0, segment(load_model("sauvola"), scan) == 1)
