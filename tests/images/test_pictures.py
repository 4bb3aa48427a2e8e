"""PNG, JPEG and the like, alone and as the planes of a folder."""

from __future__ import annotations

import struct
import zlib

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageFile

from napari_unets.images import (
    EmptyImageError,
    MixedSizesError,
    UnknownDatasetError,
    UnknownLevelError,
    open_stack,
    save_stack,
)

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 255, (40, 50)).astype(np.uint8)
COLOUR = RNG.integers(0, 255, (40, 50, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    ("array", "axes"),
    [
        (GREY, "zyx"),
        (GREY > 100, "zyx"),
        (GREY.astype(np.uint16) * 200, "zyx"),
        (COLOUR, "zyxs"),
        (np.dstack([COLOUR, np.full_like(GREY, 255)]), "zyxs"),
    ],
    ids=["grey", "1 bit", "16 bit", "RGB", "RGBA"],
)
def test_png(tmp_path, array, axes):
    Image.fromarray(array).save(tmp_path / "a.png")
    stack = open_stack(tmp_path / "a.png")
    assert (stack.axes, stack.shape, stack.dtype, stack.name) == (axes, (1, *array.shape), array.dtype, "a")
    np.testing.assert_array_equal(stack[0], array)
    np.testing.assert_array_equal(stack.plane(0, (slice(3, 9), slice(40, None))), array[3:9, 40:])


def test_deep_colour_keeps_its_depth(tmp_path):
    deep = RNG.integers(0, 65535, (20, 30, 3)).astype(np.uint16)
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(deep))
    stack = open_stack(tmp_path / "a.png")
    assert stack.dtype == np.uint16
    np.testing.assert_array_equal(stack[0], deep)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_deep_colour_is_held_upright(tmp_path, orientation):
    """As the same colours of 8 bits are."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(COLOUR).save(tmp_path / "a.png", exif=exif)
    deep = imagecodecs.png_encode(COLOUR.astype(np.uint16) * 257)
    stored = exif.tobytes().removeprefix(b"Exif\0\0")
    (tmp_path / "b.png").write_bytes(_with_chunk(deep, b"eXIf", stored, last=False))
    np.testing.assert_array_equal(open_stack(tmp_path / "b.png"), open_stack(tmp_path / "a.png")[...] * np.uint16(257))


@pytest.mark.parametrize("transparent", [False, True])
def test_palettes_become_colours(tmp_path, transparent):
    picture = Image.fromarray(COLOUR).quantize(16)
    picture.save(tmp_path / "a.png", **({"transparency": 3} if transparent else {}))
    stack = open_stack(tmp_path / "a.png")
    assert stack.shape == (1, 40, 50, 4 if transparent else 3)
    seen = (np.asarray(picture) != 3) | (not transparent)
    expected = np.where(seen[..., None], np.asarray(picture.convert("RGB")), 255)
    np.testing.assert_array_equal(stack[0, ..., :3], expected)


@pytest.mark.parametrize("colours", [1, 3])
@pytest.mark.parametrize("deep", [False, True])
def test_what_is_transparent_lies_on_white(tmp_path, colours, deep):
    """Black ink on a transparent page is often black in black, of which nothing would be seen."""
    stored = np.zeros((20, 30, colours + 1), np.uint8)
    stored[5:10, :, -1] = 255
    stored[10, :, -1] = 51
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(stored * np.uint16(257) if deep else stored))
    white = 65535 if deep else 255
    expected = np.full((20, 30, colours), white)
    expected[5:10] = 0
    expected[10] = white * 4 // 5
    np.testing.assert_array_equal(open_stack(tmp_path / "a.png")[0, ..., :-1], expected)


def test_a_picture_of_which_nothing_would_be_seen_stays_as_it_is(tmp_path):
    stored = np.dstack([COLOUR, np.zeros_like(GREY)])
    Image.fromarray(stored).save(tmp_path / "a.png")
    np.testing.assert_array_equal(open_stack(tmp_path / "a.png")[0], stored)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_jpeg(tmp_path, mode):
    Image.new("RGB", (50, 40), (200, 90, 30)).convert(mode).save(tmp_path / "a.jpg", quality=95)
    stack = open_stack(tmp_path / "a.jpg")
    assert stack.shape == ((1, 40, 50) if mode == "L" else (1, 40, 50, 3))
    expected = 116 if mode == "L" else (200, 90, 30)
    assert np.abs(stack[0].astype(int) - expected).max() <= 4


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_orientation_of_the_camera(tmp_path, orientation, suffix):
    """The corner that is bright on a picture held upright is the top left one."""
    upright = np.zeros((32, 64), np.uint8)
    upright[:16, :16] = 250
    undo = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].T,
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(undo)).save(tmp_path / f"a{suffix}", exif=exif)
    stack = open_stack(tmp_path / f"a{suffix}")
    assert stack.shape == (1, 32, 64)
    assert np.abs(stack[0].astype(int) - upright).max() < 12


def _with_chunk(png, kind, data, *, last):
    """A PNG with one chunk more, behind the header or before the end."""
    chunk = struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    at = len(png) - 12 if last else 33
    return png[:at] + chunk + png[at:]


def test_orientation_behind_the_pixels(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(GREY).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(
        _with_chunk((tmp_path / "a.png").read_bytes(), b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"), last=True)
    )
    np.testing.assert_array_equal(open_stack(tmp_path / "b.png")[0], np.rot90(GREY, -1))


def test_opening_reads_no_pixels(tmp_path, monkeypatch):
    Image.fromarray(GREY).save(tmp_path / "a.png")
    with monkeypatch.context() as patched:
        patched.setattr(Image.Image, "load", None)
        patched.setattr(ImageFile.ImageFile, "load", None)
        stack = open_stack(tmp_path / "a.png")
    np.testing.assert_array_equal(stack[0], GREY)


def test_resolution_of_a_scan(tmp_path):
    Image.fromarray(GREY).save(tmp_path / "a.png", dpi=(300, 300))
    stack = open_stack(tmp_path / "a.png")
    assert stack.metadata["dpi"] == pytest.approx((300, 300), rel=1e-3)
    assert stack.voxel_size_nm is None


def test_scans_beyond_pillows_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 500)  # our scan has 2000 pixels: more than twice the limit
    Image.fromarray(GREY).save(tmp_path / "a.png")
    np.testing.assert_array_equal(open_stack(tmp_path / "a.png")[0], GREY)
    assert Image.MAX_IMAGE_PIXELS == 500


def _folder(folder, names, planes):
    folder.mkdir()
    for name, plane in zip(names, planes, strict=True):
        if name.endswith("tif"):
            tifffile.imwrite(folder / name, plane)
        else:
            Image.fromarray(plane).save(folder / name)
    return folder


def test_natural_order(tmp_path):
    names = ["slice1.png", "slice2.png", "slice10.png", "slice100.png"]
    planes = [GREY + i for i in range(4)]
    folder = _folder(tmp_path / "run.7", names[::-1], planes[::-1])
    for other in ("Thumbs.db", ".hidden.png", "notes.txt"):
        (folder / other).write_text("no image")
    (folder / "more.png").mkdir()
    stack = open_stack(folder)
    assert (stack.axes, stack.shape, stack.name) == ("zyx", (4, 40, 50), "run.7")
    np.testing.assert_array_equal(stack, planes)
    np.testing.assert_array_equal(stack[::-2, 3:5, 7], np.array(planes)[::-2, 3:5, 7])
    assert stack[1:1].shape == (0, 40, 50)
    assert stack.as_dask()[2].compute().sum() == planes[2].sum()


def test_folder_of_tiff_files(tmp_path):
    planes = [GREY.astype(np.uint16) + i for i in range(3)]
    stack = open_stack(_folder(tmp_path / "a", ["1.tif", "2.tif", "3.tif"], planes))
    assert stack.dtype == np.uint16
    np.testing.assert_array_equal(stack, planes)


def test_folder_of_big_tiff_files(tmp_path):
    for i in range(2):
        save_stack(tmp_path / "section.tif", GREY[None] + i, voxel_size_nm=(50, 4, 4))
        (tmp_path / "section.tif").rename(tmp_path / f"{i}.btf")
    stack = open_stack(tmp_path)
    assert stack.voxel_size_nm == (50, 4, 4)  # of a document there is none
    np.testing.assert_array_equal(stack, [GREY, GREY + 1])


def test_folder_of_mixed_formats(tmp_path):
    stack = open_stack(_folder(tmp_path / "a", ["1.tif", "2.png"], [GREY, GREY + 1]))
    np.testing.assert_array_equal(stack, [GREY, GREY + 1])


def test_folder_of_colour(tmp_path):
    stack = open_stack(_folder(tmp_path / "a", ["1.png", "2.png"], [COLOUR, COLOUR]))
    assert (stack.axes, stack.shape) == ("zyxs", (2, 40, 50, 3))


def test_folder_of_colour_in_planes(tmp_path):
    """TIFF may store red, green and blue as a plane each."""
    (tmp_path / "a").mkdir()
    for name in "12":
        planes = np.moveaxis(COLOUR, -1, 0)
        tifffile.imwrite(tmp_path / "a" / f"{name}.tif", planes, photometric="rgb", planarconfig="separate")
    stack = open_stack(tmp_path / "a")
    assert (stack.axes, stack.shape) == ("zyxs", (2, 40, 50, 3))
    np.testing.assert_array_equal(stack, [COLOUR, COLOUR])


def test_folder_of_our_own_tiff_files(tmp_path):
    """Such as segmenting each section of a folder makes: an axis z of length 1."""
    (tmp_path / "a").mkdir()
    for i in range(2):
        save_stack(tmp_path / "a" / f"{i}.tif", GREY[None] + i, labels=True, voxel_size_nm=(50, 4, 4))
    stack = open_stack(tmp_path / "a")
    assert (stack.axes, stack.is_labels, stack.voxel_size_nm) == ("zyx", True, (50, 4, 4))
    np.testing.assert_array_equal(stack, [GREY, GREY + 1])


@pytest.mark.parametrize("other", [GREY[:, 1:], GREY.astype(np.uint16), COLOUR], ids=["size", "type", "colour"])
def test_folder_of_mixed_images(tmp_path, other):
    folder = _folder(tmp_path / "a", ["1.png", "2.png", "odd.png"], [GREY, GREY, other])
    with pytest.raises(MixedSizesError, match=r"odd.png: is .*, but 1.png is 40×50 uint8"):
        open_stack(folder)


def test_image_that_changes_after_opening(tmp_path):
    folder = _folder(tmp_path / "a", ["1.png", "2.png"], [GREY, GREY])
    stack = open_stack(folder)
    Image.fromarray(GREY[1:]).save(folder / "2.png")
    with pytest.raises(MixedSizesError, match=r"2.png"):
        stack.plane(1)


def test_folder_with_a_stack_in_it(tmp_path):
    folder = _folder(tmp_path / "a", ["1.png"], [GREY])
    tifffile.imwrite(folder / "2.tif", np.zeros((3, 40, 50), np.uint8), photometric="minisblack")
    with pytest.raises(MixedSizesError, match=r"2.tif: has more than one plane"):
        open_stack(folder)


def test_folder_without_images(tmp_path):
    (tmp_path / "image").mkdir()
    (tmp_path / "readme.txt").write_text("nothing here")
    with pytest.raises(EmptyImageError, match="there are folders in it: image"):
        open_stack(tmp_path)


def test_no_levels_and_no_datasets(tmp_path):
    Image.fromarray(GREY).save(tmp_path / "a.png")
    with pytest.raises(UnknownLevelError, match="no level 1"):
        open_stack(tmp_path / "a.png", level=1)
    with pytest.raises(UnknownDatasetError, match="no datasets"):
        open_stack(tmp_path / "a.png", dataset="x")


def test_real_sections(shared_data):
    with (
        open_stack(shared_data / "isbi2012" / "image") as stack,
        open_stack(shared_data / "isbi2012" / "label") as truth,
    ):
        assert (stack.axes, stack.shape, stack.dtype) == ("zyx", (24, 512, 512), np.uint8)
        assert 100 < stack.plane(7).mean() < 150
        np.testing.assert_array_equal(stack[7, 100:200], np.asarray(Image.open(stack.path / "08.png"))[100:200])
        assert set(np.unique(truth.plane(3))) == {0, 255}


def test_real_scans(shared_data):
    for path in sorted((shared_data / "dibco" / "2011").glob("*.png"))[:6]:
        with open_stack(path) as stack:
            assert stack.n_planes == 1
            assert stack.plane(0, (slice(0, 10), slice(0, 10))).shape[:2] == (10, 10)
