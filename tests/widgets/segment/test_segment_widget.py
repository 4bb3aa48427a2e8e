"""The Segment widget: its real buttons, a real worker process, a network of width 8."""

from __future__ import annotations

import os
import signal

import dask.array as da
import numpy as np
import pytest
from napari.layers import Image, Labels
from qtpy.QtCore import Qt

from napari_unets.inference import predict, segment
from napari_unets.models import load_model
from napari_unets.widgets.parts.result_layers import METADATA_KEY
from napari_unets.widgets.parts.session import shared_worker
from napari_unets.widgets.parts.shared_threshold import shared_threshold
from napari_unets.widgets.segment.widget import SegmentWidget

pytestmark = pytest.mark.usefixtures("one_worker")

EXACT = {"backend": "torch", "precision": "fp32"}
RNG = np.random.default_rng(0)
STACK = RNG.integers(0, 255, (3, 60, 70)).astype(np.uint8)


@pytest.fixture
def widget(make_napari_viewer, store):
    return make_widget(make_napari_viewer())


@pytest.fixture
def own_widget(make_napari_viewer, own_store):
    """A widget whose models the test may change."""
    return make_widget(make_napari_viewer())


def make_widget(viewer):
    made = SegmentWidget(viewer)
    viewer.window.add_dock_widget(made, name="Segment")
    made.model.choose("tiny")
    for name, value in EXACT.items():
        made.advanced.inference.set(name, value)
    return made


def press(qtbot, button):
    assert button.isEnabled()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def run(qtbot, widget, scope="stack", outputs=("segmentation",)):
    """Press Run and wait for the end; returns the layers made, by output."""
    press(qtbot, widget.scope.buttons[scope])
    for output, box in widget.outputs.boxes.items():
        box.setChecked(output in outputs)
    press(qtbot, widget.run_panel.run)
    wait_for_end(qtbot, widget)
    return results_of(widget)


def wait_for_end(qtbot, widget):
    qtbot.waitUntil(lambda: widget.run_panel.run.isEnabled() and widget.run_panel.bar.isHidden(), timeout=60_000)


def results_of(widget):
    layers = widget._viewer.layers
    return {layer.metadata[METADATA_KEY]["output"]: layer for layer in layers if METADATA_KEY in layer.metadata}


def message(widget):
    return widget.run_panel.message.text()


def slow_run(qtbot, widget):
    """Begin a run of many tiles and wait for the first of them."""
    widget._viewer.add_image(RNG.integers(0, 255, (1500, 1500)).astype(np.uint8), name="large")
    widget.image.choose(widget._viewer.layers["large"])
    widget.advanced.inference.set("tile", 96)
    widget.advanced.inference.set("batch", 1)
    press(qtbot, widget.scope.buttons["stack"])
    press(qtbot, widget.run_panel.run)
    qtbot.waitUntil(lambda: "tiles" in message(widget) or widget.run_panel.run.isEnabled(), timeout=60_000)
    assert "tiles" in message(widget)


def test_without_an_image_there_is_nothing_to_run(widget):
    assert not widget.run_panel.run.isEnabled()
    assert "Open an image" in widget.image_note.text()
    widget._viewer.add_labels(np.zeros((9, 9), int))
    assert not widget.run_panel.run.isEnabled()
    widget._viewer.add_image(STACK, name="sections")
    assert widget.run_panel.run.isEnabled()
    assert widget.image_note.text() == "70 × 60, 3 planes · uint8"
    widget._viewer.layers.clear()
    assert not widget.run_panel.run.isEnabled()


def test_model_is_described_with_its_classes(widget):
    text = widget.model.summary.text()
    assert "Quick and knows nothing." in text
    assert "kind&nbsp;1" in text.replace("kind 1", "kind&nbsp;1")
    assert "#e4572e" in text


def test_device_is_shown_with_the_reason(qtbot, widget):
    qtbot.waitUntil(lambda: widget.device.box.count() > 1, timeout=60_000)
    names = [widget.device.box.itemData(i) for i in range(widget.device.box.count())]
    assert names[0] == "auto"
    assert names[-1] == "cpu"
    assert widget.device.reason.text().startswith(("CPU: ", "GPU: ", "Apple GPU"))


@pytest.mark.parametrize("kind", ["2d", "3d", "4d", "dask", "multiscale"])
def test_whole_stack_equals_a_run_in_python(qtbot, widget, kind):
    data = {
        "2d": STACK[0],
        "3d": STACK,
        "4d": np.stack([STACK, 255 - STACK]),
        "dask": da.from_array(STACK, chunks=(1, 60, 70)),
        "multiscale": [STACK, STACK[:, ::2, ::2]],
    }[kind]
    finest = data[0] if kind == "multiscale" else data
    widget._viewer.add_image(data, multiscale=kind == "multiscale")
    layer = run(qtbot, widget)["segmentation"]
    assert isinstance(layer, Labels)
    assert layer.data.shape == finest.shape
    np.testing.assert_array_equal(layer.data, segment(load_model("tiny"), finest, **EXACT))
    tiles = int(np.prod(finest.shape[:-2]))
    assert message(widget).startswith(f"{tiles} {'tile' if tiles == 1 else 'tiles'} in")
    assert "cpu (torch, fp32)" in message(widget)


def test_rgb(qtbot, widget):
    image = RNG.integers(0, 255, (60, 70, 3)).astype(np.uint8)
    widget._viewer.add_image(image, rgb=True)
    layer = run(qtbot, widget)["segmentation"]
    np.testing.assert_array_equal(layer.data, segment(load_model("tiny"), image, **EXACT))


def test_the_model_follows_the_image_until_somebody_chooses_one(qtbot, make_napari_viewer, store):
    widget = SegmentWidget(make_napari_viewer())
    qtbot.addWidget(widget)
    sections = widget._viewer.add_image(STACK, name="sections")
    assert widget.model.card.task == "em"
    page = widget._viewer.add_image(RNG.integers(0, 255, (60, 70, 3)).astype(np.uint8), rgb=True, name="page")
    widget.image.choose(page)
    assert widget.model.name == "document-ink"
    widget.image.choose(sections)
    assert widget.model.card.task == "em"
    widget.model.box.setFocus()
    qtbot.keyClick(widget.model.box, Qt.Key.Key_End)  # as a person does: the last of the list
    chosen = widget.model.name
    widget.image.choose(page)
    assert widget.model.name == chosen != "document-ink"


def test_every_output_and_its_metadata(qtbot, widget):
    widget._viewer.add_image(STACK, name="sections", scale=(50, 4, 4), units=("nm",) * 3)
    widget.advanced.output.set("threshold", 0.45)
    widget.advanced.output.set("min_size", 5)
    results = run(qtbot, widget, outputs=("segmentation", "probabilities", "instances"))
    model = load_model("tiny")
    probabilities = predict(model, STACK, **EXACT)
    np.testing.assert_allclose(results["probabilities"].data, probabilities, atol=1e-6)
    np.testing.assert_array_equal(results["segmentation"].data, segment(model, STACK, threshold=0.45, **EXACT))
    objects = segment(model, STACK, instances=True, threshold=0.45, min_size=5, **EXACT)
    np.testing.assert_array_equal(results["instances"].data > 0, objects > 0)
    assert isinstance(results["probabilities"], Image)
    assert [name for name, layer in results.items() if layer.visible] == ["instances"]
    for layer in results.values():
        np.testing.assert_allclose(layer.scale, (50, 4, 4))
        about = layer.metadata[METADATA_KEY]
        assert about["model"] == "tiny"
        assert about["settings"]["threshold"] == 0.45
        assert about["settings"]["backend"] == "torch"
        assert about["weights_sha256"] == model.card.weights_sha256
    # results are no images to be segmented
    assert [widget.image.itemText(i) for i in range(widget.image.count())] == ["sections"]


def test_slice_and_view_leave_the_rest_alone(qtbot, widget):
    viewer = widget._viewer
    image = viewer.add_image(STACK)
    viewer.dims.set_current_step(0, 2)
    layer = run(qtbot, widget, "slice")["segmentation"]
    whole = segment(load_model("tiny"), STACK, **EXACT)
    np.testing.assert_array_equal(layer.data[2], whole[2])
    assert not layer.data[:2].any()
    viewer.dims.set_current_step(0, 0)
    image.corner_pixels = np.array([[0, 10, 20], [0, 29, 49]])
    run(qtbot, widget, "view")
    assert layer.data[0, 10:30, 20:50].all()
    assert np.count_nonzero(layer.data[0]) == 20 * 30
    assert (layer.data[0, 10:30, 20:50] == whole[0, 10:30, 20:50]).mean() > 0.99


def test_second_run_updates_the_layer(qtbot, widget):
    image = widget._viewer.add_image(STACK)
    first = run(qtbot, widget)["segmentation"]
    image.name = "another name"
    widget.advanced.output.set("threshold", 1.0)
    again = run(qtbot, widget)["segmentation"]
    assert again is first
    assert len(widget._viewer.layers) == 2
    assert (first.data == 2).all()
    assert first.metadata[METADATA_KEY]["settings"]["threshold"] == 1.0


def test_a_run_shows_a_result_that_was_hidden(qtbot, widget):
    widget._viewer.add_image(STACK)
    both = ("segmentation", "probabilities")
    results = run(qtbot, widget, outputs=both)
    for before, after in (((False, False), (True, False)), ((False, True), (False, True))):
        for output, visible in zip(both, before, strict=True):
            results[output].visible = visible
        run(qtbot, widget, outputs=both)
        assert tuple(results[output].visible for output in both) == after


@pytest.mark.parametrize("again", [False, True])
def test_strokes_during_a_run_are_not_drawn_over(qtbot, widget, again):
    widget._viewer.add_image(STACK)
    expected = segment(load_model("tiny"), STACK, **EXACT)
    if again:
        run(qtbot, widget)["segmentation"].data[1] = 2  # as an earlier run may have left it
    press(qtbot, widget.scope.buttons["stack"])
    widget._viewer.dims.set_point(0, 1)
    press(qtbot, widget.run_panel.run)
    result = results_of(widget)["segmentation"]
    result.brush_size = 5
    result.paint((1, 20, 20), 7)  # before the first tile can have come
    wait_for_end(qtbot, widget)
    stroke = result.data == 7
    assert stroke.sum() > 10
    assert stroke[1].sum() == stroke.sum()
    np.testing.assert_array_equal(result.data[[0, 2]], expected[[0, 2]])
    np.testing.assert_array_equal(result.data[1][~stroke[1]], 2 if again else expected[1][~stroke[1]])


def test_objects_of_separate_runs_have_separate_numbers(qtbot, widget):
    widget._viewer.add_image(STACK)
    widget.advanced.output.set("min_size", 1)
    for step in (0, 1):
        widget._viewer.dims.set_current_step(0, step)
        layer = run(qtbot, widget, "slice", ("instances",))["instances"]
    first, second = (set(np.unique(layer.data[step])) - {0} for step in (0, 1))
    assert first
    assert second
    assert not first & second


def test_many_classes(qtbot, make_model, own_widget):
    widget = own_widget
    make_model("three", classes=3)
    widget.model.choose("three")
    widget._viewer.add_image(STACK)
    results = run(qtbot, widget, outputs=("segmentation", "probabilities"))
    assert results["probabilities"].data.shape == (3, *STACK.shape)
    np.testing.assert_allclose(results["probabilities"].data.sum(axis=0), 1, atol=1e-5)
    np.testing.assert_array_equal(results["segmentation"].data, results["probabilities"].data.argmax(axis=0) + 1)


def test_stop_ends_at_once_and_keeps_what_is_done(qtbot, widget):
    slow_run(qtbot, widget)
    pid = shared_worker().pid
    press(qtbot, widget.run_panel.stop)
    wait_for_end(qtbot, widget)
    assert shared_worker().pid == pid  # it has obeyed; who does not is killed after five seconds
    assert message(widget).startswith("Stopped.")
    layer = results_of(widget)["segmentation"]
    assert layer.data.any()
    assert not layer.data.all()
    assert widget.run_panel.run.isEnabled()


def test_closing_the_dock_stops_the_run(qtbot, make_napari_viewer, store):
    viewer = make_napari_viewer()
    widget = make_widget(viewer)
    slow_run(qtbot, widget)
    job = widget._run._job
    viewer.window.remove_dock_widget(widget)
    qtbot.waitUntil(lambda: job.done, timeout=60_000)
    assert job.stopped


def test_removing_the_result_stops_the_run(qtbot, widget):
    slow_run(qtbot, widget)
    widget._viewer.layers.remove(results_of(widget)["segmentation"])
    wait_for_end(qtbot, widget)
    assert "removed" in message(widget)


def test_removing_the_image_leaves_the_run_alone(qtbot, widget):
    slow_run(qtbot, widget)
    widget._viewer.layers.remove("large")
    done = widget.run_panel.bar.value()
    qtbot.waitUntil(lambda: widget.run_panel.bar.value() > done + 10, timeout=60_000)
    press(qtbot, widget.run_panel.stop)
    qtbot.waitUntil(lambda: message(widget).startswith("Stopped."), timeout=20_000)
    assert not widget.run_panel.run.isEnabled()


def test_a_killed_worker_is_told_and_the_next_run_works(qtbot, widget):
    slow_run(qtbot, widget)
    os.kill(shared_worker().pid, signal.SIGKILL)
    wait_for_end(qtbot, widget)
    assert "worker process" in message(widget)
    widget._viewer.add_image(STACK, name="small")
    widget.image.choose(widget._viewer.layers["small"])
    run(qtbot, widget)
    assert "tiles in" in message(widget)


def test_errors_are_shown_and_the_next_run_works(qtbot, own_widget, own_store):
    widget = own_widget
    widget._viewer.add_image(STACK)
    (own_store / "tiny" / "weights.safetensors").write_bytes(b"damaged")
    run(qtbot, widget)
    assert "weights of model 'tiny'" in message(widget) or "weights are not those" in message(widget)
    assert widget.run_panel.message.textFormat() is Qt.TextFormat.PlainText
    assert "&" not in message(widget)
    widget.advanced.output["threshold"].value = "7"
    press(qtbot, widget.run_panel.run)
    assert message(widget).startswith("Threshold: ")
    widget.outputs.boxes["segmentation"].setChecked(False)
    press(qtbot, widget.run_panel.run)
    assert "at least one output" in message(widget)


def test_rolled_axes_are_told(widget):
    widget._viewer.add_image(STACK)
    dims = widget._viewer.dims
    assert widget.rolled.text() == ""
    dims.order = (1, 0, 2)
    assert "other axes" in widget.rolled.text()
    widget.scope.choose("stack")
    assert widget.rolled.text() == ""
    widget.scope.choose("view")
    assert "other axes" in widget.rolled.text()
    dims.order = (0, 2, 1)
    assert widget.rolled.text() == "", "the same plane, turned"
    dims.ndisplay = 3
    assert "other axes" in widget.rolled.text()


def test_a_threshold_that_was_found_for_a_model_goes_with_it(own_widget, make_model):
    make_model("other")
    threshold = own_widget.advanced.output["threshold"]
    shared = shared_threshold(own_widget._viewer)
    shared.set(0.2, "tiny")
    assert threshold.value == "0.2"
    own_widget.model.choose("other")
    assert threshold.value == ""
    shared.set(0.2, "tiny")
    assert own_widget.model.name == "tiny"
    own_widget.advanced.output.set("threshold", 0.3)  # by hand
    own_widget.model.choose("other")
    assert threshold.value == "0.3"


def test_a_damaged_card_is_listed_but_cannot_be_chosen(own_widget, own_store):
    widget = own_widget
    (own_store / "broken").mkdir()
    (own_store / "broken" / "card.json").write_text("{")
    widget.model.refill()
    index = widget.model.box.findData("broken")
    assert index >= 0
    assert not widget.model.box.model().item(index).isEnabled()
    assert widget.model.name == "tiny"
