"""Documents out: one bit a pixel, sizes and resolutions kept, all of it or nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pikepdf
import pytest
import tifffile
from PIL import Image

from napari_unets.images import (
    EmptyImageError,
    ImageExistsError,
    ImageWriteError,
    MissingExtraError,
    UnsupportedImageError,
    create_page_writer,
    open_stack,
)

RNG = np.random.default_rng(0)
PAPER = RNG.random((301, 203)) > 0.1
COLOUR = RNG.integers(0, 255, (40, 61, 3), dtype=np.uint8)


def test_pdf_holds_g4_at_the_size_of_the_page(tmp_path):
    with create_page_writer(tmp_path / "a.pdf", metadata={"model": "größer"}) as writer:
        writer.write(PAPER, dpi=(300.7, 150))
        writer.write(COLOUR, dpi=(72, 72))
        writer.write(PAPER[:20, :20])
    assert [path.name for path in tmp_path.iterdir()] == ["a.pdf"]
    with pikepdf.open(tmp_path / "a.pdf") as document:
        sizes = [[float(n) for n in page.mediabox][2:] for page in document.pages]
        assert sizes[0] == pytest.approx((203 / 300.7 * 72, 301 / 150 * 72), abs=1e-3)
        assert sizes[1] == pytest.approx((61, 40), abs=1e-3)
        filters = [next(iter(page.Resources.XObject.values())).Filter for page in document.pages]
        assert [("CCITTFaxDecode" in str(f), "FlateDecode" in str(f)) for f in filters[:2]] == [
            (True, False),
            (False, True),
        ]
        assert json.loads(str(document.docinfo["/Keywords"])) == {"model": "größer"}


def test_tiff_is_g4_and_keeps_the_resolution(tmp_path):
    with create_page_writer(tmp_path / "a.tif", metadata={"model": "größer"}) as writer:
        writer.write(PAPER, dpi=(300, 200))
        writer.write(PAPER[:50], dpi=(100, 100))
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        assert [page.compression for page in tif.pages] == [tifffile.COMPRESSION.CCITT_T6] * 2
        assert [page.bitspersample for page in tif.pages] == [1, 1]
        assert [page.resolution for page in tif.pages] == [(300, 200), (100, 100)]
        np.testing.assert_array_equal(tif.pages[0].asarray(), PAPER)
    with Image.open(tmp_path / "a.tif") as image:  # another reader agrees on what is black
        np.testing.assert_array_equal(np.array(image), PAPER)


def test_png_is_one_bit_and_keeps_the_resolution(tmp_path):
    with create_page_writer(tmp_path / "a.png", metadata={"model": "m"}) as writer:
        writer.write(PAPER, dpi=(300, 200))
    with Image.open(tmp_path / "a.png") as image:
        assert image.mode == "1"
        assert image.info["dpi"] == pytest.approx((300, 200), abs=0.02)
    with open_stack(tmp_path / "a.png") as stack:
        np.testing.assert_array_equal(stack.plane(0), PAPER)
        assert stack.metadata["model"] == "m"
        assert stack.metadata["dpi"] == pytest.approx((300, 200), abs=0.02)


def test_class_ids_stay_class_ids(tmp_path):
    ids = RNG.integers(1, 3, (40, 50), dtype=np.uint8)
    with create_page_writer(tmp_path / "a.tif", labels=True) as writer:
        writer.write(ids)
    with open_stack(tmp_path / "a.tif") as stack:
        assert stack.is_labels
        np.testing.assert_array_equal(stack.plane(0), ids)
    with pytest.raises(UnsupportedImageError, match="class ids"):
        create_page_writer(tmp_path / "a.pdf", labels=True)


@pytest.mark.parametrize("name", ["a.pdf", "a.tif", "a.png"])
def test_all_or_nothing(tmp_path, name):
    target = tmp_path / name
    target.write_bytes(b"mine")
    with pytest.raises(ImageExistsError, match=name):
        create_page_writer(target)

    def interrupted():
        with create_page_writer(target, overwrite=True) as writer:
            writer.write(PAPER)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with pytest.raises(EmptyImageError, match=name), create_page_writer(target, overwrite=True):
        pass
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert target.read_bytes() == b"mine"
    with create_page_writer(target, overwrite=True) as writer:
        writer.write(PAPER)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    with open_stack(target) as stack:
        assert stack.plane_shape == PAPER.shape


@pytest.mark.parametrize("name", ["a.pdf", "a.tif", "a.png"])
def test_a_full_disk_is_told(tmp_path, capfd, name):
    """Of a file that may not grow, libtiff says as little as of a full disk."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    noise = np.random.default_rng(0).random((300, 300)) > 0.5
    writer = create_page_writer(tmp_path / name)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
        with pytest.raises(ImageWriteError, match=rf"{name}.*File too large"):
            writer.write(noise)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.iterdir())
    assert capfd.readouterr().err == ""


def test_a_name_need_not_be_text(tmp_path):
    path = tmp_path / os.fsdecode(b"M\xfcller.pdf")
    with create_page_writer(path) as writer:
        writer.write(PAPER)
    with path.open("rb") as file, pikepdf.open(file) as document:
        assert str(document.docinfo.Title) == "M\ufffdller"
    with open_stack(path) as stack:
        np.testing.assert_array_equal(stack.plane(0)[..., 0] == 255, PAPER)


def test_mistakes(tmp_path, monkeypatch):
    with pytest.raises(UnsupportedImageError, match=r"a.jpg.*\.pdf"):
        create_page_writer(tmp_path / "a.jpg")
    with pytest.raises(ImageWriteError, match="none does not exist"):
        create_page_writer(tmp_path / "none" / "a.pdf")
    writer = create_page_writer(tmp_path / "a.png")
    writer.write(PAPER)
    with pytest.raises(UnsupportedImageError, match="several pages"):
        writer.write(PAPER)
    writer = create_page_writer(tmp_path / "a.tif")
    with pytest.raises(ValueError, match="float64"):
        writer.write(PAPER.astype(np.float64))
    writer.abort()
    writer = create_page_writer(tmp_path / "a.png")
    with pytest.raises(UnsupportedImageError, match=r"a.png: real numbers are written to .tif files only"):
        writer.write(PAPER.astype(np.float32))
    writer = create_page_writer(tmp_path / "a.pdf")
    with pytest.raises(UnsupportedImageError, match=r"a.pdf: page 1 has 1×1 pixels.*\.tif"):
        writer.write(PAPER[:1, :1], dpi=(300, 300))
    monkeypatch.setitem(sys.modules, "img2pdf", None)
    with pytest.raises(MissingExtraError, match=r"a.pdf.*napari-unets\[documents\]"):
        create_page_writer(tmp_path / "a.pdf")
    assert not list(tmp_path.iterdir())


def test_pages_are_written_without_the_rest():
    """Neither torch nor the PDF libraries are needed for a list of what there is."""
    code = "import sys, napari_unets.images; print({'torch', 'img2pdf', 'pypdfium2', 'skimage'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
