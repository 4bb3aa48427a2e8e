"""The Open widget, with its real buttons."""

from __future__ import annotations

import time

import numpy as np
import pytest
import tifffile
from napari.layers import Image, Labels
from qtpy.compat import isalive
from qtpy.QtCore import QLocale, QMimeData, QPointF, Qt, QUrl
from qtpy.QtGui import QDropEvent

from napari_unets.widgets.files.stack_summary import bytes_in_words
from napari_unets.widgets.opening import widget as open_widget
from napari_unets.widgets.opening.widget import OpenWidget
from napari_unets.widgets.parts.notes import time_in_words


@pytest.fixture
def tiff(tmp_path):
    path = tmp_path / "cells.tif"
    pixels = np.arange(3 * 40 * 50, dtype=np.uint16).reshape(3, 40, 50)
    tifffile.imwrite(
        path,
        pixels,
        imagej=True,
        resolution=(1e3 / 4, 1e3 / 4),
        metadata={"axes": "ZYX", "spacing": 0.05, "unit": "um"},
    )
    return path, pixels


@pytest.fixture
def widget(make_napari_viewer, qtbot):
    viewer = make_napari_viewer()
    made = OpenWidget(viewer)
    viewer.window.add_dock_widget(made, name="Open")
    return made


def type_path(qtbot, widget, path):
    widget.path.line.clear()
    qtbot.keyClicks(widget.path.line, str(path))
    qtbot.keyClick(widget.path.line, Qt.Key.Key_Return)


def wait_understood(qtbot, widget):
    qtbot.waitUntil(lambda: widget.open.isEnabled(), timeout=10_000)


def press_open(qtbot, widget):
    before = len(widget._viewer.layers)
    qtbot.mouseClick(widget.open, Qt.MouseButton.LeftButton)
    assert len(widget._viewer.layers) == before + 1
    return widget._viewer.layers[-1]


def test_a_typed_path_is_described_and_opened_lazily(qtbot, widget, tiff):
    path, pixels = tiff
    assert not widget.open.isEnabled()
    type_path(qtbot, widget, path)
    wait_understood(qtbot, widget)
    text = widget.understood.text()
    for part in ("50 × 40 pixels, 3 planes", "z 3, y 40, x 50", "uint16", "12 kB", "4 × 4 × 50 nm"):
        assert part in text
    layer = press_open(qtbot, widget)
    assert isinstance(layer, Image)
    assert type(layer.data).__module__.startswith("dask")
    np.testing.assert_array_equal(layer.data[1], pixels[1])
    np.testing.assert_allclose(layer.scale, (50, 4, 4))
    assert [str(unit) for unit in layer.units] == ["nanometer"] * 3
    assert layer.axis_labels == ("z", "y", "x")
    assert layer.name == "cells"
    assert layer.metadata["path"] == str(path)


def test_numbers_that_the_files_of_a_folder_leave_out(qtbot, widget, tmp_path):
    for number in (1, 2, 4, 5):
        tifffile.imwrite(tmp_path / f"s{number}.tif", np.zeros((20, 30), np.uint8))
    type_path(qtbot, widget, tmp_path)
    wait_understood(qtbot, widget)
    assert "the names of its files leave out 3" in widget.understood.text()


def test_corrections_change_what_is_opened(qtbot, widget, tiff):
    path, pixels = tiff
    type_path(qtbot, widget, path)
    wait_understood(qtbot, widget)
    widget.corrections.axes.setText("xyz")
    widget.corrections.axes.editingFinished.emit()
    wait_understood(qtbot, widget)
    assert "3 × 40 pixels, 50 planes" in widget.understood.text()
    for line, size in zip(widget.corrections.voxel, ("40", "8", "8"), strict=True):
        line.setText(size)
        line.editingFinished.emit()
    qtbot.waitUntil(lambda: "8 × 8 × 40 nm" in widget.understood.text(), timeout=10_000)
    layer = press_open(qtbot, widget)
    np.testing.assert_allclose(layer.scale, (40, 8, 8))
    np.testing.assert_array_equal(np.asarray(layer.data), pixels.transpose(2, 1, 0))


def test_a_channel_alone(qtbot, widget, tiff, tmp_path):
    pixels = np.arange(3 * 2 * 40 * 50, dtype=np.uint16).reshape(3, 2, 40, 50)
    tifffile.imwrite(tmp_path / "channels.tif", pixels, imagej=True, metadata={"axes": "ZCYX"})
    type_path(qtbot, widget, tmp_path / "channels.tif")
    wait_understood(qtbot, widget)
    assert not widget.corrections.channel.isHidden()
    widget.corrections.channel.setText("2")
    widget.corrections.channel.editingFinished.emit()
    wait_understood(qtbot, widget)
    np.testing.assert_array_equal(np.asarray(press_open(qtbot, widget).data), pixels[:, 1])
    type_path(qtbot, widget, tiff[0])
    wait_understood(qtbot, widget)
    assert widget.corrections.channel.isHidden()
    assert widget.corrections.keywords()["channel"] is None


def test_bright_and_dark_exchanged(qtbot, widget, tiff):
    path, pixels = tiff  # 0 to 5999 of 16 bits, whose white is 65535
    type_path(qtbot, widget, path)
    wait_understood(qtbot, widget)
    np.testing.assert_array_equal(np.asarray(press_open(qtbot, widget).data), pixels)
    widget.corrections.invert.click()
    wait_understood(qtbot, widget)
    np.testing.assert_array_equal(np.asarray(press_open(qtbot, widget).data), 65535 - pixels)
    type_path(qtbot, widget, path)
    wait_understood(qtbot, widget)
    assert not widget.corrections.invert.isChecked()


@pytest.fixture(params=["de_DE", "en_US"])
def language(request):
    before = QLocale()
    QLocale.setDefault(QLocale(request.param))
    yield request.param
    QLocale.setDefault(before)


@pytest.mark.usefixtures("language")
@pytest.mark.parametrize("typed", ["4.5", "4,5", "4.500"])
def test_decimals_are_the_same_in_every_language(qtbot, widget, tiff, typed):
    type_path(qtbot, widget, tiff[0])
    wait_understood(qtbot, widget)
    for line in widget.corrections.voxel[1:]:
        qtbot.keyClicks(line, typed)
        qtbot.keyClick(line, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "4.5 × 4.5 × 50 nm" in widget.understood.text(), timeout=10_000)
    assert widget.corrections.missing.text() == ""
    qtbot.keyClicks(widget.pages.dpi, typed)
    assert widget.pages.keywords() == {"dpi": 4.5}


def test_voxel_sizes_that_the_file_does_not_say_are_all_needed(qtbot, widget, tmp_path):
    tifffile.imwrite(tmp_path / "bare.tif", np.zeros((5, 40, 50), np.uint8))
    type_path(qtbot, widget, tmp_path / "bare.tif")
    wait_understood(qtbot, widget)
    z, y, x = widget.corrections.voxel
    for line in (z, y):
        qtbot.keyClicks(line, "50")
        qtbot.keyClick(line, Qt.Key.Key_Return)
        assert "give all three" in widget.corrections.missing.text()
    qtbot.keyClicks(x, "4")
    qtbot.keyClick(x, Qt.Key.Key_Return)
    assert widget.corrections.missing.text() == ""
    qtbot.waitUntil(lambda: "4 × 50 × 50 nm" in widget.understood.text(), timeout=10_000)


def test_an_error_is_shown_and_nothing_can_be_opened(qtbot, widget, tmp_path, tiff):
    type_path(qtbot, widget, tmp_path / "nowhere.tif")
    qtbot.waitUntil(lambda: "nowhere.tif" in widget.understood.text(), timeout=10_000)
    assert not widget.open.isEnabled()
    type_path(qtbot, widget, tiff[0])
    wait_understood(qtbot, widget)
    widget.corrections.axes.setText("q")
    widget.corrections.axes.editingFinished.emit()
    qtbot.waitUntil(lambda: "3 axes" in widget.understood.text(), timeout=10_000)
    assert not widget.open.isEnabled()


def test_enter_looks_again(qtbot, widget, tmp_path, tiff):
    path = tmp_path / "later.tif"
    type_path(qtbot, widget, path)
    qtbot.waitUntil(lambda: "later.tif" in widget.understood.text(), timeout=10_000)
    path.write_bytes(tiff[0].read_bytes())
    qtbot.keyClick(widget.path.line, Qt.Key.Key_Return)
    wait_understood(qtbot, widget)


def test_ids_can_be_opened_as_labels(qtbot, widget, tiff):
    type_path(qtbot, widget, tiff[0])
    wait_understood(qtbot, widget)
    widget.as_labels.setChecked(True)
    layer = press_open(qtbot, widget)
    assert isinstance(layer, Labels)
    assert isinstance(layer.data, np.ndarray), "somebody may want to paint on them"
    np.testing.assert_array_equal(layer.data, tiff[1])


def test_ids_that_can_no_longer_be_read_are_told(qtbot, widget, tiff):
    type_path(qtbot, widget, tiff[0])
    wait_understood(qtbot, widget)
    widget.as_labels.setChecked(True)
    tiff[0].write_bytes(tiff[0].read_bytes()[:3000])
    qtbot.mouseClick(widget.open, Qt.MouseButton.LeftButton)
    assert not widget._viewer.layers
    assert str(tiff[0]) in widget.understood.text()


def test_a_name_that_begins_with_a_tilde_is_told_like_any_other(qtbot, widget):
    type_path(qtbot, widget, "~nobody.tif")
    qtbot.waitUntil(lambda: "~nobody.tif" in widget.understood.text(), timeout=10_000)


@pytest.mark.parametrize("kind", ["file", "address"])
def test_what_is_dropped_is_opened_if_it_is_a_file(qtbot, widget, tiff, kind):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tiff[0])) if kind == "file" else QUrl("https://example.org/cells.tif")])
    event = QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier(0))
    widget.path.dropEvent(event)
    assert widget.path.line.text() == (str(tiff[0]) if kind == "file" else "")
    if kind == "file":
        wait_understood(qtbot, widget)


def test_a_colour_picture_and_a_folder(qtbot, widget, tmp_path):
    import imageio.v3 as iio

    folder = tmp_path / "pages"
    folder.mkdir()
    for i in range(2):
        iio.imwrite(folder / f"{i}.png", np.full((40, 50, 3), 60 * i, np.uint8))
    type_path(qtbot, widget, folder / "1.png")
    wait_understood(qtbot, widget)
    assert not widget.as_labels.isEnabled()
    layer = press_open(qtbot, widget)
    assert layer.rgb
    assert layer.data.shape == (40, 50, 3)
    type_path(qtbot, widget, folder)
    qtbot.waitUntil(lambda: "2 planes" in widget.understood.text(), timeout=10_000)
    layer = press_open(qtbot, widget)
    assert layer.data.shape == (2, 40, 50, 3)


def test_level_and_dataset_are_offered_where_there_are_any(qtbot, widget, tmp_path, tiff):
    import h5py

    with h5py.File(tmp_path / "volumes.h5", "w") as file:
        file["raw"] = np.zeros((3, 40, 50), np.uint8)
        file["labels"] = np.ones((3, 20, 25), np.uint8)
    widget.path.choose(tmp_path / "volumes.h5")
    qtbot.waitUntil(lambda: widget.understood.text() not in ("", "Looking …"), timeout=10_000)
    assert not widget.corrections.dataset.isHidden()
    widget.corrections.dataset.setText("labels")
    widget.corrections.dataset.editingFinished.emit()
    qtbot.waitUntil(lambda: "25 × 20 pixels" in widget.understood.text(), timeout=10_000)
    type_path(qtbot, widget, tiff[0])
    wait_understood(qtbot, widget)
    assert widget.corrections.dataset.isHidden()
    assert widget.corrections.level.isHidden()
    assert widget.corrections.dataset.text() == ""


def test_figures_in_words():
    assert [bytes_in_words(n) for n in (5, 6_300_000, 2.5e12)] == ["5 bytes", "6.3 MB", "2.5 TB"]
    assert [time_in_words(s) for s in (0.2, 8, 100, 3600 * 2 + 600)] == ["1 s", "8 s", "2 min", "2 h 10 min"]


def test_a_widget_that_is_closed_while_it_looks_is_told_nothing(qtbot, widget, tiff, monkeypatch):
    looked, found = [], open_widget.open_padded

    def look(*path, **keywords):
        while isalive(widget):
            time.sleep(0.01)
        looked.append(found(*path, **keywords))
        return looked[0]

    monkeypatch.setattr(open_widget, "open_padded", look)
    widget.path.choose(tiff[0])
    widget._viewer.window.remove_dock_widget("all")
    with qtbot.captureExceptions() as errors:
        qtbot.waitUntil(lambda: bool(looked), timeout=10_000)
        qtbot.wait(200)
    assert not errors
