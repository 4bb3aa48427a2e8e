"""The Open widget with documents: pages, resolution, and what is wrong with a PDF."""

from __future__ import annotations

import numpy as np
import pikepdf
import pytest
import tifffile
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog

from napari_unets.images import create_page_writer
from napari_unets.widgets.opening.widget import OpenWidget

RNG = np.random.default_rng(0)
SCANS = [RNG.random(size) > 0.5 for size in ((60, 50), (40, 80), (60, 50))]


@pytest.fixture
def pdf(tmp_path):
    path = tmp_path / "scans.pdf"
    with create_page_writer(path) as writer:
        for scan, dpi in zip(SCANS, (100, 200, 100), strict=True):
            writer.write(scan, dpi=(dpi, dpi))
    return path


@pytest.fixture
def widget(make_napari_viewer):
    viewer = make_napari_viewer()
    made = OpenWidget(viewer)
    viewer.window.add_dock_widget(made, name="Open")
    return made


def choose(qtbot, widget, path, said):
    widget.path.choose(path)
    wait(qtbot, widget, said)


def wait(qtbot, widget, said):
    qtbot.waitUntil(lambda: said in widget.understood.text(), timeout=20_000)


def fill(line, text):
    line.setText(text)
    line.editingFinished.emit()


def open_layer(qtbot, widget):
    assert widget.open.isEnabled()
    qtbot.mouseClick(widget.open, Qt.MouseButton.LeftButton)
    return widget._viewer.layers[-1]


def test_pages_and_resolution_of_a_pdf(qtbot, widget, pdf, monkeypatch):
    offered = []

    def answer(_parent, _title, _path, filters):
        offered.append(filters)
        return str(pdf), ""

    monkeypatch.setattr(QFileDialog, "getOpenFileName", answer)
    assert widget.pages.isHidden()
    qtbot.mouseClick(widget.path.file, Qt.MouseButton.LeftButton)
    wait(qtbot, widget, "3 planes")
    assert "*.pdf" in offered[0]
    assert not widget.pages.isHidden()
    assert not widget.pages.dpi.isHidden()
    assert widget.pages.pages.placeholderText() == "all: 1-3"
    for part in ("80 × 60 pixels", "of 2 sizes, white around the smaller ones", "100 to 200 dpi"):
        assert part in widget.understood.text()
    layer = open_layer(qtbot, widget)
    assert layer.data.shape == (3, 60, 80, 3)
    assert [page["size"] for page in layer.metadata["pages"]] == [[60, 50], [40, 80], [60, 50]]
    np.testing.assert_array_equal(np.asarray(layer.data[1])[:40, :, 0] > 0, SCANS[1])

    fill(widget.pages.pages, "1, 3")
    wait(qtbot, widget, "50 × 60 pixels, 2 planes")
    assert widget.pages.pages.placeholderText() == "all: 1-3"
    fill(widget.pages.dpi, "50")
    wait(qtbot, widget, "25 × 30 pixels, 2 planes")
    assert "50 dpi" in widget.understood.text()
    assert open_layer(qtbot, widget).data.shape == (2, 30, 25, 3)
    for line, text, said in (
        (widget.pages.pages, "4", "has 3 pages, there is no page 4"),
        (widget.pages.pages, "a", "'a' are no pages"),
    ):
        fill(line, text)
        wait(qtbot, widget, said)
        assert not widget.open.isEnabled()
    fill(widget.pages.pages, "")
    fill(widget.pages.dpi, "2")
    wait(qtbot, widget, "2 dpi is no resolution")


def test_a_tiff_of_several_pages_and_what_has_none(qtbot, widget, pdf, tmp_path):
    path = tmp_path / "fax.tif"
    with create_page_writer(path) as writer:
        for scan in SCANS:
            writer.write(scan, dpi=(200, 200))
    choose(qtbot, widget, path, "3 planes")
    assert not widget.pages.isHidden()
    assert widget.pages.dpi.isHidden()
    fill(widget.pages.pages, "2")
    wait(qtbot, widget, "80 × 40 pixels, 1 plane")
    np.testing.assert_array_equal(np.asarray(open_layer(qtbot, widget).data), SCANS[1])

    stack = tmp_path / "sections.tif"
    sections = np.zeros((3, 40, 50), np.uint8)
    tifffile.imwrite(stack, sections, imagej=True, resolution=(250, 250), metadata={"axes": "ZYX", "unit": "um"})
    choose(qtbot, widget, stack, "Voxel")
    assert widget.pages.isHidden()
    assert widget.pages.pages.text() == ""
    assert widget.pages.keywords() == {}
    choose(qtbot, widget, pdf, "3 planes")
    assert not widget.pages.isHidden()
    folder = tmp_path / "folder"
    folder.mkdir()
    pdf.rename(folder / "a.pdf")
    choose(qtbot, widget, folder, "80 × 60 pixels, 3 planes")
    assert not widget.pages.dpi.isHidden()


def test_what_is_wrong_with_a_pdf_is_said(qtbot, widget, pdf, tmp_path):
    with pikepdf.open(pdf) as document:
        document.save(tmp_path / "locked.pdf", encryption=pikepdf.Encryption(owner="a", user="b"))
    with pikepdf.new() as document:
        document.save(tmp_path / "none.pdf")
    (tmp_path / "broken.pdf").write_bytes(pdf.read_bytes()[:200])
    (tmp_path / "empty.pdf").write_bytes(b"")
    for name, said in {
        "locked.pdf": "opens with a password only; save a copy of it without",
        "none.pdf": "there is no page in this document",
        "broken.pdf": "damaged, incomplete or no PDF",
        "empty.pdf": "the file is empty",
    }.items():
        choose(qtbot, widget, tmp_path / name, said)
        assert str(tmp_path / name) in widget.understood.text()
        assert not widget.open.isEnabled()
