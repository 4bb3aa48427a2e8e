"""The Evaluate widget: its real buttons, a real worker process, tiny layers."""

from __future__ import annotations

import csv
import json

import dask.array as da
import numpy as np
import pytest
from napari.layers import Labels
from qtpy.QtCore import Qt
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QFileDialog

from napari_unets.inference import class_ids
from napari_unets.metrics import DOCUMENT_ERRORS, SEGMENT_ERRORS, error_layer, evaluate
from napari_unets.widgets.evaluate.score_choice import PRESETS
from napari_unets.widgets.parts.shared_threshold import membrane_threshold, shared_threshold
from napari_unets.widgets.segment.widget import SegmentWidget
from tests.widgets.evaluate_support import (
    CLASSES,
    EM,
    MEMBRANE,
    PATIENCE,
    TRUTH,
    expected,
    made_by_us,
    message,
    press,
    read,
    run,
    table,
)

pytestmark = pytest.mark.usefixtures("one_worker")


def test_what_is_missing_is_said(qtbot, viewer, widget):
    assert not widget.run_panel.run.isEnabled()
    assert "ground truth" in widget.form.rule.text()
    viewer.add_labels(TRUTH, name="truth")
    assert "prediction" in widget.form.rule.text()
    viewer.add_labels(CLASSES, name="s", metadata=made_by_us("segmentation"))
    assert widget.run_panel.run.isEnabled()
    widget.form.scores.choose([])
    assert "score" in widget.form.rule.text()
    assert not widget.run_panel.run.isEnabled()


def test_layers_are_offered_where_they_make_sense(viewer, widget):
    viewer.add_image(np.zeros((3, 24, 24, 3), np.uint8), name="colour", rgb=True)
    viewer.add_points(np.zeros((1, 3)), name="points")
    viewer.add_image(np.zeros((3, 24, 24), np.float32), name="raw")
    viewer.add_labels(TRUTH, name="ground truth")
    viewer.add_labels(CLASSES, name="s", metadata=made_by_us("segmentation"))
    assert widget.form.truth.layer is viewer.layers["ground truth"]
    assert {widget.form.truth.itemText(i) for i in range(widget.form.truth.count())} == {"s", "ground truth", "colour"}
    listed = [widget.form.predictions.item(i).text() for i in range(widget.form.predictions.count())]
    assert listed == ["s", "raw", "colour"]
    assert [layer.name for layer in widget.form.predictions.layers] == ["s"]
    widget.form.predictions.set_checked(viewer.layers["raw"])
    viewer.layers["raw"].name = "renamed"
    assert [layer.name for layer in widget.form.predictions.layers] == ["s", "renamed"]


def test_neither_annotations_nor_previews_are_compared_unasked(viewer, widget):
    truth = viewer.add_labels(TRUTH, name="cells")
    annotations = viewer.add_labels(CLASSES, name="annotations", metadata={"napari_unets": {"annotations": True}})
    made = made_by_us("segmentation")
    made["napari_unets"]["settings"] = {"preview": True}
    viewer.add_labels(CLASSES, name="preview", metadata=made)
    assert widget.form.truth.layer is truth
    assert widget.form.predictions.layers == []
    viewer.layers.remove(truth)
    assert widget.form.truth.layer is annotations


def test_a_corrected_segmentation_can_be_the_truth_but_is_not_by_itself(viewer, widget):
    made = viewer.add_labels(CLASSES.copy(), name="s", metadata=made_by_us("segmentation"))
    assert widget.form.truth.isEnabled()
    assert widget.form.truth.layer is None
    assert widget.form.predictions.layers == [made]
    widget.form.truth.choose(made)
    assert widget.form.truth.layer is made
    assert widget.form.predictions.layers == []
    viewer.add_labels(CLASSES.copy(), name="errors of s", metadata=made_by_us("errors"))
    assert widget.form.truth.count() == 1


def test_the_choice_of_many_scores_needs_no_more_room(widget):
    widget.form.scores.choose(["dice"])
    narrow = widget.minimumSizeHint().width()
    widget.form.scores.choose(list(widget.form.scores.boxes))
    assert widget.minimumSizeHint().width() == narrow <= widget.sizeHint().width()
    assert widget.form.scores.text().endswith("V_rand, V_info, Dice, Jaccard and 11 more")
    assert "DRD" in widget.form.scores.toggleButton().toolTip()


def test_figures_are_those_of_evaluate(qtbot, compared):
    sheet = run(qtbot, compared)
    assert [result.name for result in sheet.results] == ["s", "p"]
    assert sheet.scores == [expected("s"), expected("p")]
    assert message(compared) == "6 slices scored"
    rows = table(compared)
    assert [row[0] for row in rows] == ["mean", "0", "1", "2"]
    assert rows[0][1] == f"{expected('s')['v_rand']:.5f}"
    assert rows[2][-1] == f"{expected('p')['per_slice'][1]['pixel_error']:.5f}"
    head = compared.results.table.model()
    titles = [head.headerData(c, Qt.Orientation.Horizontal) for c in range(head.columnCount())]
    assert titles[:3] == ["slice", "A V_rand", "A V_rand\nsplit"]
    assert titles[-1] == "B pixel error"


def test_the_rule_is_told(qtbot, compared):
    # What the second prediction is comes a little after the first.
    qtbot.waitUntil(lambda: compared.form.rule.text().count("<br>") == 2, timeout=PATIENCE)
    text = compared.form.rule.text()
    assert "Positive are cells: 255 in the truth" in text
    assert "probabilities of membrane (class 1); cells: 1 − p" in text
    assert "class ids 1, 2: 1 is membrane, 2 cells" in text


def test_probabilities_that_are_turned_round_are_doubted_until_it_is_said_what_they_are_of(qtbot, viewer, widget):
    viewer.add_labels(TRUTH, name="truth")
    ours = viewer.add_image(MEMBRANE, name="p", metadata=made_by_us("probabilities"))
    assert widget.form.probability_of.isHidden()
    widget.form.predictions.set_checked(viewer.add_image((TRUTH == 0).astype(np.float32), name="elsewhere"))
    assert not widget.form.probability_of.isHidden()
    run(qtbot, widget)
    assert message(widget).startswith("elsewhere: the probabilities are higher where the truth is 0")
    widget.form.probability_of.setCurrentIndex(widget.form.probability_of.findData("background"))
    sheet = run(qtbot, widget)
    assert message(widget) == "6 slices scored"
    assert [scores["dice"] for scores in sheet.scores] == [1.0, expected("p")["dice"]]
    widget.form.predictions.set_checked(viewer.layers["elsewhere"], False)
    assert widget.form.predictions.layers == [ours]
    assert widget.form.probability_of.isHidden()
    assert "probability_of" not in widget.form.request().settings


def test_kind_can_be_overridden(qtbot, compared):
    read(qtbot, compared)
    compared.form.kind.setCurrentIndex(compared.form.kind.findData("document"))
    assert compared.form.scores.metrics == PRESETS["document"]
    qtbot.waitUntil(lambda: "Positive is ink: 0" in compared.form.rule.text(), timeout=PATIENCE)
    assert "You have chosen" in compared.form.rule.text()
    sheet = run(qtbot, compared)
    assert sheet.scores[0] == evaluate(CLASSES, TRUTH, PRESETS["document"], per_slice=True, kind="document")
    # what is chosen by hand stays
    compared.form.scores.boxes["nrm"].click()
    assert "NRM" not in compared.form.scores.text()
    compared.form.kind.setCurrentIndex(0)
    assert compared.form.scores.metrics == PRESETS["document"][:-1]


def test_a_model_that_knows_ink_makes_them_pages(qtbot, viewer, widget):
    viewer.add_labels(TRUTH[0], name="truth")
    record = made_by_us("probabilities", ("ink", "paper"))
    viewer.add_image(MEMBRANE[0], name="page", metadata=record)
    qtbot.waitUntil(lambda: widget.form.scores.metrics == PRESETS["document"], timeout=PATIENCE)
    assert "The model knows ink" in widget.form.rule.text()
    sheet = run(qtbot, widget)
    wanted = {"kind": "document", "probability_of": "background", "per_slice": True}
    assert sheet.scores == [evaluate(MEMBRANE[0], TRUTH[0], PRESETS["document"], **wanted)]


def test_objects_are_scored_by_average_precision(qtbot, viewer, widget):
    ids = np.repeat(np.repeat(np.arange(1, 10, dtype=np.uint32).reshape(3, 3), 8, 0), 8, 1)
    viewer.add_labels(ids, name="truth")
    viewer.add_labels(np.roll(ids, 1, 0), name="objects", metadata=made_by_us("instances"))
    qtbot.waitUntil(lambda: widget.form.scores.metrics == PRESETS["instances"], timeout=PATIENCE)
    scores = run(qtbot, widget).scores[0]
    assert scores["ap50"] == evaluate(np.roll(ids, 1, 0), ids, "ap50", kind="instances")["ap50"]


@pytest.mark.parametrize("form", ["2d", "4d", "dask", "multiscale", "first axis of one"])
def test_every_form_of_layer(qtbot, viewer, widget, form):
    truth, membrane = {
        "2d": (TRUTH[0], MEMBRANE[0]),
        "4d": (np.stack([TRUTH] * 2), np.stack([MEMBRANE, MEMBRANE[::-1]])),
        "dask": (da.from_array(TRUTH, chunks=(1, 24, 24)), da.from_array(MEMBRANE, chunks=(1, 24, 24))),
        "multiscale": (TRUTH, [MEMBRANE, MEMBRANE[:, ::2, ::2]]),
        "first axis of one": (TRUTH[None], MEMBRANE),
    }[form]
    viewer.add_labels(truth, name="truth")
    viewer.add_image(membrane, name="p", metadata=made_by_us("probabilities"), multiscale=form == "multiscale")
    sheet = run(qtbot, widget)
    finest = membrane[0] if form == "multiscale" else np.asarray(membrane)
    wanted = evaluate(finest, np.asarray(truth), EM, per_slice=True, probability_of="background")
    assert sheet.scores == [wanted]
    if form == "4d":
        assert [row[0] for row in table(widget)][:3] == ["mean", "0, 0", "0, 1"]
    with qtbot.waitSignal(widget.run_ended, timeout=PATIENCE):
        press(qtbot, widget.results.errors)
    errors = viewer.layers["p · errors"]
    threshold = wanted["v_rand_threshold"]
    marked = error_layer(finest, np.asarray(truth), threshold, probability_of="background")
    np.testing.assert_array_equal(errors.data, marked)


def test_different_shapes_are_told_with_what_would_fit(qtbot, viewer, widget):
    viewer.add_labels(TRUTH, name="truth")
    viewer.add_image(MEMBRANE[:, :-2], name="cut", metadata=made_by_us("probabilities"))
    qtbot.waitUntil(lambda: "its middle would fit" in widget.form.rule.text(), timeout=PATIENCE)
    run(qtbot, widget)
    assert "its middle would fit" in message(widget)
    assert widget.results.isHidden()
    viewer.add_labels(CLASSES, name="s", metadata=made_by_us("segmentation"))
    sheet = run(qtbot, widget)
    assert sheet.scores[0] == expected("s")
    assert sheet.scores[1] == {}
    assert "its middle would fit" in message(widget)
    assert "its middle would fit" in widget.results.legend.text()


def test_undefined_scores_say_why(qtbot, viewer, widget):
    truth = TRUTH.copy()
    truth[1] = 0
    viewer.add_labels(truth, name="truth")
    viewer.add_labels(truth > 0, name="s")
    widget.form.predictions.set_checked(viewer.layers["s"])
    run(qtbot, widget)
    rows = table(widget)
    assert rows[2][1] == "–"
    index = widget.results.table.model().index(2, 1)
    assert index.data(Qt.ItemDataRole.ToolTipRole) == "the truth has no segment"
    mean = widget.results.table.model().index(0, 1)
    assert mean.data(Qt.ItemDataRole.ToolTipRole) == "the truth has no segment (1 of 3 slices)"
    widget.results.table.sortByColumn(1, Qt.SortOrder.AscendingOrder)
    assert [row[0] for row in table(widget)][::3] == ["mean", "1"]


def test_table_is_sorted_with_the_mean_on_top(qtbot, compared):
    run(qtbot, compared)
    scores = [row["v_rand"] for row in expected("s")["per_slice"]]
    for order, names in (
        (Qt.SortOrder.AscendingOrder, np.argsort(scores)),
        (Qt.SortOrder.DescendingOrder, np.argsort(scores)[::-1]),
    ):
        compared.results.table.sortByColumn(1, order)
        assert [row[0] for row in table(compared)] == ["mean", *map(str, names)]


def test_a_click_goes_to_the_slice(qtbot, viewer, compared):
    viewer.dims.set_current_step(0, 0)
    run(qtbot, compared)
    view = compared.results.table
    view.clicked.emit(view.model().index(3, 0))
    assert viewer.dims.point[0] == 100  # nm: the third slice
    viewer.dims.set_current_step(0, 1)
    assert view.currentIndex().row() == 2
    compared.results.slice_plot.slice_clicked.emit(0)
    assert viewer.dims.current_step[0] == 0


def test_plots(qtbot, viewer, compared):
    run(qtbot, compared)
    results = compared.results
    results.tabs.setCurrentWidget(results.slice_plot)
    curves = results.slice_plot.plot.curves
    assert [list(c.y) for c in curves] == [[row["v_rand"] for row in expected(o)["per_slice"]] for o in ("s", "p")]
    results.slice_plot.box.setCurrentIndex(results.slice_plot.box.findData("dice"))
    assert results.slice_plot.plot.curves[0].y[2] == expected("s")["per_slice"][2]["dice"]
    results.tabs.setCurrentWidget(results.threshold_plot)
    score, split, merge = results.threshold_plot.plot.curves
    assert score.x[score.best] == expected("p")["v_rand_threshold"]
    assert score.y[score.best] == expected("p")["v_rand"]
    assert (split.y[score.best], merge.y[score.best]) == (expected("p")["v_rand_split"], expected("p")["v_rand_merge"])
    background = results.threshold_plot.plot.backgroundBrush().color()
    viewer.theme = "light"
    assert results.threshold_plot.plot.backgroundBrush().color().lightness() > background.lightness() + 100


def test_error_layer_lies_on_the_prediction(qtbot, viewer, compared):
    viewer.layers["s"].translate = (0, 8, 12)
    run(qtbot, compared)
    for _ in range(2):  # the second takes the place of the first
        with qtbot.waitSignal(compared.run_ended, timeout=PATIENCE):
            press(qtbot, compared.results.errors)
    assert len(viewer.layers) == 4
    layer = viewer.layers["s · errors"]
    assert isinstance(layer, Labels)
    np.testing.assert_array_equal(layer.data, error_layer(CLASSES, TRUTH))
    np.testing.assert_allclose(layer.scale, (50, 4, 4))
    np.testing.assert_allclose(layer.translate, (0, 8, 12))
    assert layer.units == viewer.layers["s"].units
    for value, (words, colour) in SEGMENT_ERRORS.items():
        rgb = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        np.testing.assert_allclose(layer.get_color(value)[:3], rgb, atol=0.01)
        assert words in list(layer.features["error"])
        assert words.partition(":")[0] in compared.results.errors_legend.text()
    assert message(compared) == f"{np.count_nonzero(layer.data)} pixels are marked."
    assert "s · errors" not in [layer.name for layer in compared.form.predictions.layers]
    assert compared.form.truth.findText("s · errors") < 0


def test_errors_of_a_page(qtbot, viewer, compared):
    compared.form.kind.setCurrentIndex(compared.form.kind.findData("document"))
    run(qtbot, compared)
    with qtbot.waitSignal(compared.run_ended, timeout=PATIENCE):
        press(qtbot, compared.results.errors)
    expected_marks = error_layer(CLASSES, TRUTH, kind="document")
    np.testing.assert_array_equal(viewer.layers["s · errors"].data, expected_marks)
    assert DOCUMENT_ERRORS[1][0] in compared.results.errors_legend.text()


def test_a_prediction_that_was_removed_cannot_be_marked(qtbot, viewer, compared):
    run(qtbot, compared)
    viewer.layers.remove("s")
    press(qtbot, compared.results.errors)
    assert "was removed" in message(compared)


def test_copy_and_save(qtbot, monkeypatch, tmp_path, compared):
    run(qtbot, compared)
    press(qtbot, compared.results.copy_tsv)
    lines = [line.split("\t") for line in QGuiApplication.clipboard().text().splitlines()]
    assert lines[0][:3] == ["slice", "s: V_rand", "s: V_rand split"]
    assert [line[0] for line in lines[1:]] == ["0", "1", "2", "mean"]
    assert float(lines[-1][1]) == expected("s")["v_rand"]
    press(qtbot, compared.results.copy_markdown)
    markdown = QGuiApplication.clipboard().text().splitlines()
    assert markdown[0].startswith("| slice | s: V_rand |")
    assert markdown[1].startswith("| --- | ---: |")
    assert f"{expected('p')['dice']:.5f}" in markdown[-1]
    for name, chosen in (("scores.csv", "CSV"), ("scores", "JSON, with all details (*.json)")):
        monkeypatch.setattr(
            QFileDialog, "getSaveFileName", lambda *_, name=name, chosen=chosen: (str(tmp_path / name), chosen)
        )
        press(qtbot, compared.results.save)
    with (tmp_path / "scores.csv").open(newline="") as file:
        assert list(csv.reader(file)) == lines
    saved = json.loads((tmp_path / "scores.json").read_text())
    assert [(one["prediction"], one["truth"]) for one in saved] == [("s", "truth"), ("p", "truth")]
    assert saved[1]["v_rand_threshold"] == expected("p")["v_rand_threshold"]
    assert saved[0]["per_slice"] == expected("s")["per_slice"]


def test_the_best_threshold_goes_to_the_segment_widget(qtbot, viewer, store, compared):
    before = SegmentWidget(viewer)
    viewer.window.add_dock_widget(before)
    run(qtbot, compared)
    assert not compared.results.threshold.isEnabled()  # class ids have none
    compared.results.which.setCurrentIndex(1)
    press(qtbot, compared.results.threshold)
    best = expected("p")["v_rand_threshold"]
    assert before.advanced.output.value().threshold == membrane_threshold(best)
    assert before.model.name == "tiny"
    after = SegmentWidget(viewer)
    viewer.window.add_dock_widget(after)
    assert after.advanced.output.value().threshold == membrane_threshold(best)
    assert f"{membrane_threshold(best):g}" in message(compared)


def test_threshold_of_membrane_cuts_where_that_of_cells_does():
    membrane = MEMBRANE**2
    scores = evaluate(membrane, TRUTH, ["v_rand"], probability_of="background")
    threshold = membrane_threshold(scores["v_rand_threshold"])
    assert threshold != scores["v_rand_threshold"]
    cut = np.stack([class_ids(plane, threshold) for plane in membrane])
    assert evaluate(cut, TRUTH, ["v_rand"])["v_rand"] == scores["v_rand"]
    assert membrane_threshold(0.1 + 0.2) == 0.7


def test_each_viewer_has_its_own_threshold(make_napari_viewer):
    first, second = make_napari_viewer(), make_napari_viewer()
    shared_threshold(first).set(0.3)
    assert shared_threshold(first).value == 0.3
    assert shared_threshold(second).value is None
