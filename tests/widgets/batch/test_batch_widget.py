"""The Batch widget: its real buttons, a real worker process, real small files, one of them broken."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
from pathlib import Path

import numpy as np
import pytest
from napari.layers import Image, Labels
from PIL import Image as Picture
from qtpy.QtCore import QMimeData, QPointF, Qt, QUrl
from qtpy.QtGui import QDropEvent
from qtpy.QtWidgets import QFileDialog
from skimage.data import page

from napari_unets.images import open_stack, save_stack
from napari_unets.inference import segment
from napari_unets.models import load_model
from napari_unets.widgets.batch.rows import BatchRows
from napari_unets.widgets.batch.sources import BatchSources
from napari_unets.widgets.batch.widget import BatchWidget
from napari_unets.widgets.parts.session import shared_worker

pytestmark = pytest.mark.usefixtures("one_worker")

EXACT = {"backend": "torch", "precision": "fp32"}
PATIENCE = 120_000


@pytest.fixture
def inputs(tmp_path) -> Path:
    """Two stacks and, between them, a file that is none."""
    folder = tmp_path / "inputs"
    folder.mkdir()
    for i, name in enumerate("ac"):
        values = np.random.default_rng(i).integers(0, 255, (2, 40, 48), dtype=np.uint8)
        save_stack(folder / f"{name}.tif", values, axes="zyx", voxel_size_nm=(50, 4, 4))
    (folder / "b.tif").write_bytes(b"II*\0nonsense")
    return folder


@pytest.fixture
def out(tmp_path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def widget(make_napari_viewer, store, out):
    return make_widget(make_napari_viewer(), out)


def make_widget(viewer, out):
    made = BatchWidget(viewer)
    viewer.window.add_dock_widget(made, name="Batch")
    made.model.choose("tiny")
    made.outputs.folder.setText(str(out))
    for name, value in EXACT.items():
        made.advanced.inference.set(name, value)
    return made


def press(qtbot, button):
    assert button.isEnabled()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def add(qtbot, widget, text, count):
    """Type a path or a pattern, press Add, wait for the rows."""
    widget.sources.line.setText(str(text))
    press(qtbot, widget.sources.add)
    qtbot.waitUntil(lambda: widget.rows.rowCount() == count, timeout=PATIENCE)


def run(qtbot, widget, button=None):
    press(qtbot, button or widget.run_panel.run)
    wait_for_end(qtbot, widget)
    return states(widget)


def wait_for_end(qtbot, widget):
    qtbot.waitUntil(lambda: not widget.control.is_busy, timeout=PATIENCE)


def states(widget):
    return {Path(row.item.sources[0]).name: row.status for row in widget.rows.rows}


def message(widget):
    return widget.run_panel.message.text()


def cell(widget, row, column=1, role=Qt.ItemDataRole.DisplayRole):
    return widget.rows.data(widget.rows.index(row, column), role)


def test_what_is_missing_is_said(qtbot, widget, inputs):
    widget.outputs.folder.clear()
    assert "Add what" in widget.missing.text()
    add(qtbot, widget, inputs / "a.tif", 1)
    assert widget.missing.text() == "Choose a folder for the results."
    assert not widget.run_panel.run.isEnabled()
    widget.outputs.folder.setText("out")
    assert widget.missing.isHidden()
    assert widget.run_panel.run.isEnabled()


def test_one_bad_file_does_not_stop_the_others(qtbot, widget, inputs, out):
    assert not widget.run_panel.run.isEnabled()
    add(qtbot, widget, inputs / "*.tif", 3)
    assert widget.outputs.example.text() == "a.tif → a_tiny.tif"
    assert run(qtbot, widget) == {"a.tif": "done", "b.tif": "failed", "c.tif": "done"}
    assert sorted(path.name for path in out.iterdir()) == ["a_tiny.tif", "c_tiny.tif"]
    with open_stack(inputs / "c.tif") as image, open_stack(out / "c_tiny.tif") as result:
        np.testing.assert_array_equal(result[...], segment(load_model("tiny"), image, **EXACT))
        assert result.voxel_size_nm == (50, 4, 4)
    assert message(widget).startswith("2 done, 1 failed in ")
    assert "cpu (torch, fp32)" in message(widget)
    assert cell(widget, 0).startswith("done in ")
    assert cell(widget, 1).startswith("failed: the file")
    assert cell(widget, 1, role=Qt.ItemDataRole.ToolTipRole).startswith(f"{inputs / 'b.tif'}: ")
    widget.table.view.selectRow(1)
    assert widget.table.note.text().startswith(f"{inputs / 'b.tif'}: ")
    widget.table.view.selectRow(2)
    assert widget.table.note.text() == str(out / "c_tiny.tif")


def test_retry_failed_runs_those_only(qtbot, widget, inputs, out):
    add(qtbot, widget, inputs / "*.tif", 3)
    assert not widget.buttons.retry.isEnabled()
    run(qtbot, widget)
    made = (out / "a_tiny.tif").stat().st_mtime_ns
    shutil.copy(inputs / "c.tif", inputs / "b.tif")
    assert run(qtbot, widget, widget.buttons.retry) == {"a.tif": "done", "b.tif": "done", "c.tif": "done"}
    assert message(widget).startswith("1 done in ")
    assert (out / "a_tiny.tif").stat().st_mtime_ns == made
    assert not widget.buttons.retry.isEnabled()


def test_what_is_there(qtbot, widget, inputs, out):
    (inputs / "b.tif").unlink()
    add(qtbot, widget, inputs / "*.tif", 2)
    run(qtbot, widget)
    assert run(qtbot, widget) == {"a.tif": "skipped", "c.tif": "skipped"}
    shutil.copy(inputs / "c.tif", inputs / "a.tif")
    assert run(qtbot, widget) == {"a.tif": "done", "c.tif": "skipped"}
    assert cell(widget, 0, role=Qt.ItemDataRole.ToolTipRole) == "made anew: a.tif has changed"
    widget.advanced.output.set("threshold", 0.25)
    assert run(qtbot, widget) == {"a.tif": "done", "c.tif": "done"}
    assert "threshold was not set and is 0.25" in cell(widget, 1, role=Qt.ItemDataRole.ToolTipRole)
    widget.outputs.choose(existing="refuse")
    assert run(qtbot, widget) == {"a.tif": "queued", "c.tif": "queued"}
    assert message(widget).startswith("a_tiny.tif, c_tiny.tif are there already, nothing was computed.")
    widget.outputs.choose(existing="overwrite")
    assert run(qtbot, widget) == {"a.tif": "done", "c.tif": "done"}


def test_open_result_adds_the_image_and_its_result(qtbot, widget, inputs):
    viewer = widget._viewer
    add(qtbot, widget, inputs / "a.tif", 1)
    run(qtbot, widget)
    assert not widget.buttons.open.isEnabled()
    widget.table.view.selectRow(0)
    press(qtbot, widget.buttons.open)
    qtbot.waitUntil(lambda: len(viewer.layers) == 2, timeout=PATIENCE)
    image, result = viewer.layers
    assert (type(image), type(result)) == (Image, Labels)
    assert result.name == "a_tiny"
    assert list(result.features["class"]) == ["not annotated", "kind 1", "kind 2"]
    np.testing.assert_allclose(result.colormap.map(1), [228 / 255, 87 / 255, 46 / 255, 1], atol=1e-6)
    assert tuple(result.scale) == tuple(image.scale) == (50, 4, 4)
    widget.table.row_opened.emit(0)  # as a double click does
    qtbot.waitUntil(lambda: len(viewer.layers) == 3, timeout=PATIENCE)  # the image is there already
    assert isinstance(viewer.layers[-1], Labels)


def test_clean_pages_of_a_folder(qtbot, widget, tmp_path, out):
    folder = tmp_path / "scans"
    folder.mkdir()
    for i in range(2):
        Picture.fromarray(page()[60 * i : 60 * i + 60, :80]).save(folder / f"{i}.png")
    add(qtbot, widget, folder, 1)
    widget.outputs.choose(kind="clean")
    assert run(qtbot, widget) == {"0.png": "done", "1.png": "done"}
    with Picture.open(out / "1_tiny.png") as clean:
        assert (clean.mode, clean.size) == ("1", (80, 60))


def test_how_the_inputs_are_opened(qtbot, widget, inputs, out):
    add(qtbot, widget, inputs / "a.tif", 1)
    widget.opening.set("invert", True)
    widget.opening.set("axes", "zxy")
    assert run(qtbot, widget) == {"a.tif": "done"}
    with open_stack(out / "a_tiny.tif") as result, open_stack(inputs / "a.tif", axes="zxy", invert=True) as stack:
        np.testing.assert_array_equal(result[...], segment(load_model("tiny"), stack, **EXACT))
    widget.outputs.choose(kind="clean")
    run(qtbot, widget)
    assert message(widget) == "clean pages are made of pages, which have none of axes"


@pytest.mark.parametrize(("kind", "dtype"), [("probabilities", np.float32), ("instances", np.uint32)])
def test_other_kinds(qtbot, widget, inputs, out, kind, dtype):
    add(qtbot, widget, inputs / "a.tif", 1)
    widget.outputs.choose(kind=kind)
    widget.outputs.pattern.setText("{kind}/{stem}.ome.zarr")
    assert run(qtbot, widget) == {"a.tif": "done"}
    with open_stack(out / kind / "a.ome.zarr") as result:
        assert result.dtype == dtype


def test_what_fails_is_still_said_when_another_search_ends(qtbot, monkeypatch):
    may_end = threading.Event()

    def find(names, **_):
        if names == ["fails"]:
            raise FileNotFoundError("fails matches nothing")
        assert may_end.wait(PATIENCE / 1000)
        return ["found.tif"]

    monkeypatch.setattr("napari_unets.widgets.batch.sources.find_sources", find)
    sources = BatchSources()
    qtbot.addWidget(sources)
    sources.look(["fails"])
    sources.look(["slow"])
    qtbot.waitUntil(lambda: "matches nothing" in sources.note.text(), timeout=PATIENCE)
    with qtbot.waitSignal(sources.found, timeout=PATIENCE) as found:
        may_end.set()
    assert found.args == [["found.tif"]]
    assert "matches nothing" in sources.note.text()
    with qtbot.waitSignal(sources.found, timeout=PATIENCE):
        sources.look(["slow"])
    assert sources.note.text() == ""


def test_folders_are_stacks_or_many_images_and_dropped_files_are_taken(qtbot, widget, inputs):
    add(qtbot, widget, inputs, 1)
    widget.sources.as_images.setChecked(True)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(inputs))])
    event = QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier(0))
    widget.dropEvent(event)
    qtbot.waitUntil(lambda: widget.rows.rowCount() == 4, timeout=PATIENCE)
    assert list(states(widget)) == ["inputs", "a.tif", "b.tif", "c.tif"]
    add(qtbot, widget, inputs / "a.tif", 4)  # not twice
    widget.table.view.selectRow(0)
    press(qtbot, widget.buttons.remove)
    assert list(states(widget)) == ["a.tif", "b.tif", "c.tif"]
    widget.sources.line.setText(str(inputs / "*.png"))
    press(qtbot, widget.sources.add)
    qtbot.waitUntil(lambda: "matches nothing" in widget.sources.note.text(), timeout=PATIENCE)


def test_an_input_of_several_names_is_one_row(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = BatchRows()
    assert rows.add(["b.tif", "a.tif", "./b.tif", "https://example.org/x.zarr"]) == 3
    assert rows.add([str(tmp_path / "a.tif"), f"../{tmp_path.name}/b.tif", "https://example.org/x.zarr"]) == 0
    assert rows.sources == [str(tmp_path / "b.tif"), str(tmp_path / "a.tif"), "https://example.org/x.zarr"]


def test_files_are_picked(qtbot, widget, inputs, monkeypatch):
    monkeypatch.setattr(
        QFileDialog, "getOpenFileNames", lambda *_: ([str(inputs / "a.tif"), str(inputs / "c.tif")], "")
    )
    press(qtbot, widget.sources.files)
    qtbot.waitUntil(lambda: widget.rows.rowCount() == 2, timeout=PATIENCE)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(inputs))
    press(qtbot, widget.sources.folder)
    qtbot.waitUntil(lambda: widget.rows.rowCount() == 3, timeout=PATIENCE)
    press(qtbot, widget.outputs.pick)
    assert widget.outputs.place == inputs


def test_a_pattern_that_gives_no_names_is_told(qtbot, widget, inputs):
    add(qtbot, widget, inputs / "a.tif", 1)
    widget.outputs.pattern.setText("{name}.tif")
    assert "{name} is unknown" in widget.outputs.example.text()
    press(qtbot, widget.run_panel.run)
    assert "{name} is unknown" in message(widget)
    assert not widget.control.is_busy


def test_the_report_is_saved(qtbot, widget, inputs, tmp_path, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "r.json"), ""))
    assert not widget.buttons.save.isEnabled()
    add(qtbot, widget, inputs / "*.tif", 3)
    run(qtbot, widget)
    press(qtbot, widget.buttons.save)
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["counts"] == {"done": 2, "failed": 1}
    assert (report["backend"], report["inputs"][1]["status"]) == ("torch", "failed")


def slow_inputs(folder):
    """Stacks, of which the first takes long enough to be stopped in the middle."""
    folder.mkdir()
    for name, planes in {"x": 60, "y": 1, "z": 1}.items():
        values = np.random.default_rng(0).integers(0, 255, (planes, 96, 96), dtype=np.uint8)
        save_stack(folder / f"{name}.tif", values, axes="zyx")


def begin_slowly(qtbot, widget, folder):
    slow_inputs(folder)
    add(qtbot, widget, folder / "*.tif", 3)
    widget.advanced.inference.set("batch", 1)
    widget.advanced.inference.set("tta", True)
    press(qtbot, widget.run_panel.run)
    qtbot.waitUntil(lambda: any(0 < row.fraction < 1 for row in widget.rows.rows), timeout=PATIENCE)


def test_stop_stops_and_run_goes_on(qtbot, widget, tmp_path, out):
    begin_slowly(qtbot, widget, tmp_path / "slow")
    assert cell(widget, 0).endswith("%")
    assert 0 < cell(widget, 0, role=Qt.ItemDataRole.UserRole) < 1
    assert not widget.buttons.remove.isEnabled()
    qtbot.waitUntil(lambda: 0 < widget.run_panel.bar.value() < widget.run_panel.bar.maximum() / 3, timeout=PATIENCE)
    assert message(widget).startswith("0 of 3 inputs")
    press(qtbot, widget.run_panel.stop)
    wait_for_end(qtbot, widget)
    assert states(widget) == {"x.tif": "stopped", "y.tif": "queued", "z.tif": "queued"}
    assert message(widget).startswith("Stopped. ")
    assert not list(out.iterdir())
    widget.advanced.inference.set("tta", False)
    assert set(run(qtbot, widget).values()) == {"done"}


def test_a_worker_that_dies_fails_one_input_and_the_others_go_on(qtbot, widget, tmp_path, out):
    begin_slowly(qtbot, widget, tmp_path / "slow")
    os.kill(shared_worker().pid, signal.SIGKILL)
    wait_for_end(qtbot, widget)
    assert states(widget) == {"x.tif": "failed", "y.tif": "done", "z.tif": "done"}
    assert "SIGKILL" in widget.rows.rows[0].reason
    assert sorted(path.name for path in out.iterdir() if not path.name.startswith(".")) == ["y_tiny.tif", "z_tiny.tif"]


def test_a_window_that_is_closed_ends_the_batch(qtbot, widget, tmp_path):
    begin_slowly(qtbot, widget, tmp_path / "slow")
    job = widget.control._run._job
    widget.deleteLater()
    qtbot.waitUntil(lambda: job.done, timeout=PATIENCE)
    assert job.stopped
    qtbot.wait(300)  # longer than the clock of the progress takes; an exception in the event loop fails the test


def test_a_model_that_cannot_be_loaded_is_told(qtbot, make_napari_viewer, own_store, inputs, out):
    widget = make_widget(make_napari_viewer(), out)
    add(qtbot, widget, inputs / "*.tif", 3)
    weights = own_store / "tiny" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    assert list(run(qtbot, widget).values()) == ["failed", "queued", "queued"]
    assert "the weights are not those of the card" in message(widget)
