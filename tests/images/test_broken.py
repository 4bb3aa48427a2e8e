"""Broken files: the message names the file and the reason, and never a plane is silently missing."""

from __future__ import annotations

import io
import os
import zipfile

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_unets.images import (
    EmptyImageError,
    ImageError,
    ImageNotFoundError,
    UnreadableImageError,
    UnsupportedImageError,
    as_stack,
    open_stack,
)

STACK = np.random.default_rng(0).integers(0, 255, (6, 40, 50)).astype(np.uint8)


def _tiff(**settings):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, STACK, photometric="minisblack", **settings)
    return buffer.getvalue()


def _pages():
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as file:
        for plane in STACK:
            file.write(plane, metadata=None, contiguous=False)
    return buffer.getvalue()


def _picture(kind, **settings):
    buffer = io.BytesIO()
    Image.fromarray(STACK[0]).save(buffer, kind, **settings)
    return buffer.getvalue()


WHOLE = {
    "bare.tif": _tiff(),
    "deflated.tif": _tiff(compression="zlib"),
    "tiled-ome.tif": _tiff(tile=(16, 16), compression="zlib", ome=True, metadata={"axes": "ZYX"}),
    "imagej.tif": _tiff(imagej=True, metadata={"axes": "ZYX"}),
    "big.tif": _tiff(bigtiff=True, compression="zlib"),
    "pages.tif": _pages(),
    "fax.tif": _picture("TIFF"),
    "a.png": _picture("PNG"),
    "a.jpg": _picture("JPEG"),
    "a.webp": _picture("WEBP", lossless=True),
    "a.bmp": _picture("BMP"),
}


@pytest.mark.parametrize("name", WHOLE)
def test_whole_files_are_read(tmp_path, name):
    (tmp_path / name).write_bytes(WHOLE[name])
    with open_stack(tmp_path / name) as stack:
        assert stack[...].shape[1:3] == (40, 50)


@pytest.mark.parametrize("part", [0.001, 0.02, 0.2, 0.5, 0.8, 0.97])
@pytest.mark.parametrize("name", WHOLE)
def test_truncated_files(tmp_path, name, part):
    path = tmp_path / name
    path.write_bytes(WHOLE[name][: int(len(WHOLE[name]) * part) + 1])
    with pytest.raises(ImageError, match=name) as caught, open_stack(path) as stack:
        stack[...]
    assert isinstance(caught.value, UnreadableImageError | UnsupportedImageError)


@pytest.mark.parametrize("name", WHOLE)
def test_empty_files(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(EmptyImageError, match=f"{name}: the file is empty"):
        open_stack(tmp_path / name)


@pytest.mark.parametrize("name", WHOLE)
def test_something_else_under_a_known_name(tmp_path, name):
    (tmp_path / name).write_bytes(b"<html>404 not found</html>" * 20)
    with pytest.raises(UnsupportedImageError, match=f"{name}.*whatever its name says"):
        open_stack(tmp_path / name)


@pytest.mark.parametrize("name", ["deflated.tif", "tiled-ome.tif", "a.png"])
def test_damage_in_the_middle(tmp_path, name):
    path = tmp_path / name
    data = bytearray(WHOLE[name])
    middle = len(data) // 2
    data[middle : middle + 400] = bytes(400)
    path.write_bytes(data)
    with pytest.raises(UnreadableImageError, match=name), open_stack(path) as stack:
        stack[...]


def test_nothing_there(tmp_path):
    with pytest.raises(ImageNotFoundError, match="no such file or folder"):
        open_stack(tmp_path / "missing.tif")


@pytest.mark.parametrize("name", ["a.docx", "a.npy", "a", "a.npz", "a.pkl"])
def test_unsupported_formats(tmp_path, name):
    (tmp_path / name).write_bytes(b"%PDF-1.7 /Encrypt")
    with pytest.raises(UnsupportedImageError, match="TIFF, OME-Zarr"):
        open_stack(tmp_path / name)


def test_archive_with_a_password(tmp_path):
    """A zip file, locked or not, is no image, not even under an image's name."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.tif", WHOLE["bare.tif"])
    locked = bytearray((tmp_path / "a.zip").read_bytes())
    locked[6] |= 1  # the flag "encrypted"
    for name in ("a.zip", "a.tif", "a.png", "a.h5"):
        (tmp_path / name).write_bytes(locked)
        with pytest.raises(UnsupportedImageError, match=name):
            open_stack(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_file_that_may_not_be_read(tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(WHOLE["bare.tif"])
    path.chmod(0)
    with pytest.raises(UnreadableImageError, match="may not read"):
        open_stack(path)


def test_file_that_vanishes(tmp_path):
    (tmp_path / "a.png").write_bytes(WHOLE["a.png"])
    stack = open_stack(tmp_path / "a.png")
    (tmp_path / "a.png").unlink()
    with pytest.raises(UnreadableImageError, match=r"a.png"):
        stack.plane(0)


def test_directories_that_go_round_in_a_circle(tmp_path):
    data = bytearray(WHOLE["pages.tif"])
    first = int.from_bytes(data[4:8], "little")
    entries = int.from_bytes(data[first : first + 2], "little")
    data[first + 2 + 12 * entries : first + 6 + 12 * entries] = first.to_bytes(4, "little")
    (tmp_path / "a.tif").write_bytes(data)
    assert open_stack(tmp_path / "a.tif").n_planes == 1  # it ends


def test_an_empty_path_is_not_the_current_folder(tmp_path, monkeypatch):
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "a.png")
    monkeypatch.chdir(tmp_path)
    assert open_stack(".").shape == (1, 8, 8)
    with pytest.raises(UnreadableImageError, match="the path is empty"):
        open_stack("")


@pytest.mark.parametrize("given", [np.zeros((2, 3)), as_stack(np.zeros((2, 3))), [1, 2], None, b"a.tif"])
def test_what_is_no_path_is_not_opened(given):
    with pytest.raises(UnsupportedImageError, match="not the path of a file or folder; arrays and stacks"):
        open_stack(given)
