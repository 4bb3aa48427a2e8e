"""The Evaluate widget with documents whose pages have several sizes."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Layer
from PIL import Image
from qtpy.QtCore import Qt

from napari_unets.images import create_page_writer
from napari_unets.metrics import evaluate
from napari_unets.models import load_model
from napari_unets.widgets.files.readers import read_stack
from napari_unets.widgets.parts.result_layers import result_layer

pytestmark = pytest.mark.usefixtures("one_worker")

SIZES = ((60, 50), (40, 80))
PATIENCE = 60_000
RNG = np.random.default_rng(0)
TRUTHS = [np.kron(RNG.random((h // 5, w // 5)) > 0.3, np.ones((5, 5), bool)) for h, w in SIZES]
IDS = [np.where(truth ^ (RNG.random(truth.shape) < 0.1), 2, 1) for truth in TRUTHS]
METRICS = ["f_measure", "psnr"]


def save_truths(folder, truths):
    folder.mkdir()
    for i, truth in enumerate(truths):
        Image.fromarray(np.where(truth, 255, 0).astype(np.uint8)).save(folder / f"{i}.png")
    return folder


@pytest.fixture
def viewer(make_napari_viewer, tmp_path):
    """A document of two sizes and what Sauvola would have made of it, all ink beside the pages."""
    made = make_napari_viewer()
    with create_page_writer(tmp_path / "scans.pdf") as writer:
        for truth in TRUTHS:
            writer.write(truth, dpi=(100, 100))
    image = made.add_layer(Layer.create(*read_stack(str(tmp_path / "scans.pdf"))[0]))
    result = result_layer(made, image, load_model("sauvola").card, "segmentation", {})
    result.array[:] = 1
    for plane, ids in zip(result.array, IDS, strict=True):
        plane[: ids.shape[0], : ids.shape[1]] = ids
    return made


def add_truth(viewer, folder):
    viewer.add_layer(Layer.create(*read_stack(str(folder))[0]))


def press(qtbot, button):
    assert button.isEnabled()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_pages_are_scored_in_their_own_size(qtbot, viewer, widget, tmp_path):
    add_truth(viewer, save_truths(tmp_path / "truth", TRUTHS))
    qtbot.waitUntil(lambda: "ositive" in widget.form.rule.text(), timeout=PATIENCE)
    assert "Positive is ink" in widget.form.rule.text()
    widget.form.scores.choose(METRICS)
    with qtbot.waitSignal(widget.run_ended, timeout=PATIENCE):
        press(qtbot, widget.run_panel.run)
    (scores,) = widget.results.sheet.scores
    alone = [evaluate(ids, truth, METRICS) for ids, truth in zip(IDS, TRUTHS, strict=True)]
    assert scores["per_slice"] == alone
    assert scores["psnr"] == pytest.approx(np.mean([page["psnr"] for page in alone]))

    with qtbot.waitSignal(widget.run_ended, timeout=PATIENCE):
        widget.results.errors_wanted.emit(0)
    errors = np.asarray(next(layer for layer in viewer.layers if layer.name.endswith("errors")).data)
    for plane, ids, truth in zip(errors, IDS, TRUTHS, strict=True):
        height, width = truth.shape
        np.testing.assert_array_equal(plane[:height, :width] > 0, (ids == 1) == truth)
        assert not plane[height:].any()
        assert not plane[:, width:].any()


def test_pages_that_do_not_fit_are_told(qtbot, viewer, widget, tmp_path):
    wrong = [TRUTHS[0], TRUTHS[1][:, :70], np.ones((5, 80), bool)]
    add_truth(viewer, save_truths(tmp_path / "wrong", wrong))
    assert "has 2 pages, wrong has 3" in widget.form.rule.text()
    assert not widget.run_panel.run.isEnabled()
    viewer.layers.remove("wrong")
    add_truth(viewer, save_truths(tmp_path / "narrow", [np.ones((60, 80), bool), TRUTHS[1]]))
    assert (
        "Page 1 of scans · sauvola · segmentation has 50 × 60 pixels, that of narrow 80 × 60" in widget.form.rule.text()
    )
    assert not widget.run_panel.run.isEnabled()
    viewer.layers.remove("narrow")
    add_truth(viewer, save_truths(tmp_path / "right", TRUTHS))
    qtbot.waitUntil(widget.run_panel.run.isEnabled, timeout=PATIENCE)


@pytest.mark.parametrize("samples", [(3,), ()], ids=["colour", "grey"])
def test_black_and_white_pictures_in_colour(qtbot, viewer, widget, tmp_path, samples):
    """What other programs write and napari's own reader opens; our clean page with coloured or grey ink beside it."""
    result, truth = viewer.layers[-1], TRUTHS[0]
    found = IDS[0] == 1
    ink = RNG.integers(0, 250, (*truth.shape, *samples))
    colour = np.where(found[..., None] if samples else found, ink, 255).astype(np.uint8)
    made = {"output": "clean pages", "colour": True, "classes": result.metadata["napari_unets"]["classes"]}
    with create_page_writer(tmp_path / "clean.png", metadata={"napari_unets": made}) as writer:
        writer.write(colour)
    viewer.layers.clear()
    viewer.add_image(np.repeat(np.where(truth, 255, 0).astype(np.uint8)[..., None], 3, axis=2), name="truth", rgb=True)
    black = np.dstack([np.where(found, 0, 255).astype(np.uint8)] * 3 + [np.full(truth.shape, 255, np.uint8)])
    viewer.add_image(black, name="other program", rgb=True)
    clean = viewer.add_layer(Layer.create(*read_stack(str(tmp_path / "clean.png"))[0]))
    clean.name = "clean"
    for layer in viewer.layers[1:]:
        widget.form.predictions.set_checked(layer)
    widget.form.kind.setCurrentIndex(widget.form.kind.findData("document"))
    widget.form.scores.choose(METRICS)
    qtbot.waitUntil(widget.run_panel.run.isEnabled, timeout=PATIENCE)
    press(qtbot, widget.run_panel.run)
    qtbot.waitUntil(lambda: "scored" in widget.run_panel.message.text(), timeout=PATIENCE)
    expected = evaluate(np.where(found, 1, 2).astype(np.uint8), truth, METRICS, kind="document")
    by_name = dict(zip([one.name for one in widget.results.sheet.results], widget.results.sheet.scores, strict=True))
    assert sorted(by_name) == ["clean", "other program"]
    for scores in by_name.values():
        assert {metric: scores[metric] for metric in METRICS} == pytest.approx({m: expected[m] for m in METRICS})
