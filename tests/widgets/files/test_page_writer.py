"""Ink of a labels layer as a PDF, from napari's File → Save."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pikepdf
import pytest
from napari.components import ViewerModel
from npe2 import PluginManager, PluginManifest

import napari_unets
from napari_unets.images import create_page_writer, open_pages
from napari_unets.models import load_model
from napari_unets.widgets.files.page_writer import write_clean_pages
from napari_unets.widgets.files.readers import read_stack
from napari_unets.widgets.parts.result_layers import result_layer

RNG = np.random.default_rng(0)
SIZES = [(60, 50), (40, 80)]


@pytest.fixture
def pdf(tmp_path):
    path = tmp_path / "scans.pdf"
    with create_page_writer(path) as writer:
        for size, dpi in zip(SIZES, (100, 200), strict=True):
            writer.write(RNG.random(size) > 0.5, dpi=(dpi, dpi))
    return path


def test_pages_get_their_size_back(pdf, tmp_path):
    (data,) = read_stack(str(pdf))
    viewer = ViewerModel()
    image = viewer.add_image(data[0], **data[1])
    result = result_layer(viewer, image, load_model("sauvola").card, "segmentation", {})
    result.array[:] = RNG.integers(0, 3, result.array.shape)
    keywords = {**result.layer.as_layer_data_tuple()[1]}
    target = tmp_path / "clean.pdf"
    assert write_clean_pages(str(target), result.layer.data, keywords) == [str(target)]
    with open_pages(target) as pages:
        for i, (page, size) in enumerate(zip(pages, SIZES, strict=True)):
            assert page.plane_shape == size
            np.testing.assert_array_equal(page.plane(0)[..., 0] == 0, result.array[i, : size[0], : size[1]] == 1)
    with pikepdf.open(target) as clean, pikepdf.open(pdf) as scans:
        for one, other in zip(clean.pages, scans.pages, strict=True):
            assert [float(n) for n in one.mediabox] == pytest.approx([float(n) for n in other.mediabox], abs=1e-3)


def test_a_layer_that_knows_nothing_of_pages(tmp_path):
    ids = RNG.integers(0, 3, (70, 60)).astype(np.uint8)
    target = tmp_path / "clean.pdf"
    target.write_bytes(b"to be replaced")
    write_clean_pages(str(target), [ids, ids[::2, ::2]], {"multiscale": True, "metadata": {"dpi": [150, 150]}})
    with open_pages(target) as pages:
        np.testing.assert_array_equal(pages[0].plane(0)[..., 0] == 0, ids == 1)
        assert pages[0].metadata["dpi"] == pytest.approx((150, 150))


def test_napari_finds_the_writer():
    plugins = PluginManager()
    plugins.register(PluginManifest.from_file(Path(napari_unets.__file__).parent / "napari.yaml"))
    writer, path = plugins.get_writer("a.pdf", ["labels"])
    assert (writer.command, path) == ("napari-unets.write_clean_pages", "a.pdf")
