"""Clean pages out of the Segment widget, with its real buttons."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
from napari.layers import Layer
from npe2 import PluginManager, PluginManifest
from PIL import Image
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog

import napari_unets
from napari_unets.images import create_page_writer, open_pages
from napari_unets.models import load_model
from napari_unets.widgets.files.readers import read_stack
from napari_unets.widgets.parts.result_layers import result_layer
from napari_unets.widgets.segment import clean_pages
from napari_unets.widgets.segment.clean_pages import CleanPages, holds_ink, picture_of

RNG = np.random.default_rng(0)
SIZES = [(60, 50), (40, 80)]
DPI = [100, 200]
SCANS = [RNG.integers(0, 255, (*size, 3)).astype(np.uint8) for size in SIZES]


@pytest.fixture
def pdf(tmp_path):
    path = tmp_path / "scans.pdf"
    with create_page_writer(path) as writer:
        for scan, dpi in zip(SCANS, DPI, strict=True):
            writer.write(scan, dpi=(dpi, dpi))
    return path


@pytest.fixture
def viewer(make_napari_viewer, pdf):
    made = make_napari_viewer()
    made.add_layer(Layer.create(*read_stack(str(pdf))[0]))
    return made


@pytest.fixture
def widget(viewer):
    made = CleanPages(viewer)
    viewer.window.add_dock_widget(made, name="Clean pages")
    return made


def segmented(viewer):
    """Ids as a run of Sauvola on the document would leave them."""
    result = result_layer(viewer, viewer.layers[0], load_model("sauvola").card, "segmentation", {})
    result.array[:] = RNG.integers(1, 3, result.array.shape)
    return result.array


def press_save(qtbot, monkeypatch, widget, name, chosen=""):
    asked = []

    def answer(_parent, _title, suggested, filters):
        asked.append((Path(suggested), filters))
        return str(name), chosen

    monkeypatch.setattr(QFileDialog, "getSaveFileName", answer)
    with qtbot.waitSignal(widget.saved, timeout=20_000) as ended:
        assert widget.panel.run.isEnabled()
        qtbot.mouseClick(widget.panel.run, Qt.MouseButton.LeftButton)
    return ended.args[0], asked[0]


def ink_of(ids):
    return [plane[: size[0], : size[1]] == 1 for plane, size in zip(ids, SIZES, strict=True)]


def test_there_is_nothing_to_save_before_there_is_ink(viewer, widget):
    assert not widget.panel.run.isEnabled()
    viewer.add_labels(np.ones((2, 60, 80), int))
    assert not widget.panel.run.isEnabled()
    segmented(viewer)
    assert widget.panel.run.isEnabled()
    viewer.layers.clear()
    assert not widget.panel.run.isEnabled()


@pytest.mark.parametrize("suffix", [".pdf", ".tif"])
def test_all_pages_with_size_and_resolution(qtbot, monkeypatch, viewer, widget, tmp_path, suffix):
    ids = segmented(viewer)
    target = tmp_path / "out"
    filters = {".pdf": "PDF (*.pdf)", ".tif": "TIFF, one bit a pixel: CCITT G4 (*.tif)"}
    complete, (suggested, offered) = press_save(qtbot, monkeypatch, widget, target, filters[suffix])
    assert complete
    assert suggested == tmp_path / "scans-clean.pdf"
    assert filters[suffix] in offered
    target = target.with_suffix(suffix)
    assert str(target) in widget.panel.message.text()
    with open_pages(target) as pages:
        for page, ink, dpi in zip(pages, ink_of(ids), DPI, strict=True):
            white = page.plane(0)[..., 0] if page.is_rgb else page.plane(0)
            np.testing.assert_array_equal(white == 0, ink)
            assert page.metadata["dpi"] == pytest.approx((dpi, dpi), rel=1e-3)
    if suffix == ".tif":
        with tifffile.TiffFile(target) as tif:
            assert {page.compression for page in tif.pages} == {tifffile.COMPRESSION.CCITT_T6}


def test_ink_keeps_its_colour(qtbot, monkeypatch, viewer, widget, tmp_path):
    ids = segmented(viewer)
    widget.colour.setChecked(True)
    assert press_save(qtbot, monkeypatch, widget, tmp_path / "colour.pdf")[0]
    with open_pages(tmp_path / "colour.pdf") as pages:
        for page, ink, scan in zip(pages, ink_of(ids), SCANS, strict=True):
            np.testing.assert_array_equal(page.plane(0), np.where(ink[..., None], scan, 255))


def test_one_page_as_png(qtbot, monkeypatch, viewer, widget, tmp_path):
    ids = segmented(viewer)
    complete, _ = press_save(qtbot, monkeypatch, widget, tmp_path / "all.png")
    assert not complete
    assert "one PNG holds one page" in widget.panel.message.text()
    viewer.dims.set_current_step(0, 1)
    widget.which.setCurrentText("the page shown")
    assert press_save(qtbot, monkeypatch, widget, tmp_path / "one.png")[0]
    with Image.open(tmp_path / "one.png") as page:
        assert page.mode == "1"
        np.testing.assert_array_equal(~np.asarray(page), ink_of(ids)[1])
        assert page.info["dpi"] == pytest.approx((200, 200), abs=0.1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.png", "scans.pdf"]


def test_an_error_and_a_stop_leave_what_was_there(qtbot, monkeypatch, viewer, widget, tmp_path):
    segmented(viewer)
    assert not press_save(qtbot, monkeypatch, widget, tmp_path / "nowhere" / "a.pdf")[0]
    assert "does not exist" in widget.panel.message.text()
    (tmp_path / "a.pdf").write_bytes(b"mine")

    def held_up(path, ids, metadata, *, cancel, **keywords):
        """Write when the stop has come."""
        while not cancel():
            time.sleep(0.005)
        return (yield from write(path, ids, metadata, cancel=cancel, **keywords))

    write = clean_pages.clean_pages
    monkeypatch.setattr(clean_pages, "clean_pages", held_up)
    with qtbot.waitSignal(widget.saved, timeout=20_000) as ended:
        widget.save(tmp_path / "a.pdf")
        qtbot.mouseClick(widget.panel.stop, Qt.MouseButton.LeftButton)
    assert ended.args == [False]
    assert widget.panel.message.text() == "Stopped. Nothing was written."
    assert (tmp_path / "a.pdf").read_bytes() == b"mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.pdf", "scans.pdf"]


def test_a_picture_without_pages(qtbot, monkeypatch, make_napari_viewer, tmp_path):
    viewer = make_napari_viewer()
    viewer.add_image(SCANS[0][..., 0], name="grey", metadata={"dpi": (150, 150)})
    made = viewer.add_labels(np.where(SCANS[0][..., 0] < 90, 1, 2), features={"class": ["none", "ink", "paper"]})
    assert holds_ink(made)
    widget = CleanPages(viewer)
    viewer.window.add_dock_widget(widget, name="Clean pages")
    widget.colour.setChecked(True)
    assert press_save(qtbot, monkeypatch, widget, tmp_path / "grey.tif")[0]
    with open_pages(tmp_path / "grey.tif") as pages:
        np.testing.assert_array_equal(pages[0].plane(0), np.where(SCANS[0][..., 0] < 90, SCANS[0][..., 0], 255))
        assert pages[0].metadata["dpi"] == pytest.approx((150, 150))


def test_napari_keeps_ids_by_default_and_offers_ink():
    plugins = PluginManager()
    plugins.register(PluginManifest.from_file(Path(napari_unets.__file__).parent / "napari.yaml"))
    for suffix in (".tif", ".png"):
        assert plugins.get_writer(f"a{suffix}", ["labels"])[0].command == "napari-unets.write_labels"
        offered = [writer.command for writer in plugins.iter_compatible_writers(["labels"])]
        assert "napari-unets.write_clean_pages" in offered


def test_the_picture_is_the_one_that_was_segmented_whatever_its_name(viewer):
    document = viewer.layers[0]
    other = Layer.create(*document.as_layer_data_tuple())
    other.name = "another scan of this size"
    viewer.add_layer(other)
    segmented(viewer)
    widget = CleanPages(viewer)
    result = widget.layer.layer
    assert picture_of(viewer, result) is document
    document.name = "letter of 1790"
    assert picture_of(viewer, result) is document
    assert widget.colour.toolTip() == "letter of 1790"
    viewer.layers.remove(document)
    assert picture_of(viewer, result) is other
