"""TIFF files of every kind, as other programs write them."""

from __future__ import annotations

import pickle
import tracemalloc

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_unets.images import (
    MixedSizesError,
    UnknownDatasetError,
    UnknownLevelError,
    UnsupportedImageError,
    open_pages,
    open_stack,
    save_stack,
)

RNG = np.random.default_rng(0)
STACK = RNG.integers(0, 255, (5, 40, 50)).astype(np.uint8)


def _read(path, **keywords):
    with open_stack(path, **keywords) as stack:
        return stack, stack[...]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"compression": "zlib"},
        {"compression": "lzw", "predictor": True},
        {"tile": (16, 16), "compression": "zlib"},
        {"rowsperstrip": 8},
        {"byteorder": ">"},
        {"bigtiff": True},
        {"ome": True, "metadata": {"axes": "ZYX"}},
        {"imagej": True, "metadata": {"axes": "ZYX"}},
        {"metadata": None},
    ],
    ids=str,
)
def test_layouts(tmp_path, settings):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, STACK, photometric="minisblack", **settings)
    with open_stack(path) as stack:
        assert (stack.axes, stack.shape, stack.dtype, stack.name) == ("zyx", STACK.shape, STACK.dtype, "a")
        np.testing.assert_array_equal(stack, STACK)
        np.testing.assert_array_equal(stack[3:0:-2, 5:9, ::7], STACK[3:0:-2, 5:9, ::7])
        np.testing.assert_array_equal(stack.plane(4, (slice(3, 30), slice(7, 9))), STACK[4, 3:30, 7:9])
        np.testing.assert_array_equal(stack.as_dask()[1].compute(), STACK[1])


@pytest.mark.parametrize("dtype", ["?", "u1", "i1", "u2", ">u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", ">f4", "f8"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_types_of_pixels(tmp_path, dtype, compression):
    array = (RNG.uniform(0, 100, (3, 20, 30)) > 50 if dtype == "?" else RNG.uniform(0, 100, (3, 20, 30))).astype(dtype)
    path = tmp_path / "a.tif"
    order = ">" if dtype[0] == ">" else None
    tifffile.imwrite(path, array, photometric="minisblack", byteorder=order, compression=compression)
    stack, read = _read(path)
    assert stack.dtype == array.dtype.newbyteorder("=")
    assert read.dtype.isnative
    np.testing.assert_array_equal(read, array)


def test_single_image_is_a_stack_of_one(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", STACK[0])
    stack, read = _read(tmp_path / "a.tif")
    assert stack.shape == (1, 40, 50)
    np.testing.assert_array_equal(read[0], STACK[0])


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("samples", [3, 4])
def test_colour(tmp_path, planar, samples):
    array = RNG.integers(0, 255, (2, 20, 30, samples)).astype(np.uint8)
    array[..., 3:] = 255  # nothing is transparent
    stored = array if planar == "contig" else np.moveaxis(array, -1, 1)
    extra = ["unassalpha"] if samples == 4 else None
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", planarconfig=planar, extrasamples=extra)
    stack, read = _read(tmp_path / "a.tif")
    assert (stack.axes, stack.shape) == ("zyxs", array.shape)
    np.testing.assert_array_equal(read, array)
    np.testing.assert_array_equal(stack.shape, read.shape)


@pytest.mark.filterwarnings("ignore:.* are stored as RGB:DeprecationWarning")
@pytest.mark.parametrize("planes", [3, 4])
def test_few_planes_are_no_colours_because_nobody_said_what_they_are(tmp_path, planes):
    path = tmp_path / "a.tif"
    sections = RNG.integers(0, 255, (planes, 40, 50)).astype(np.uint8)
    tifffile.imwrite(path, sections)
    stack, read = _read(path)
    assert (stack.axes, stack.shape) == ("zyx", (planes, 40, 50))
    np.testing.assert_array_equal(read, sections)
    assert f"its {planes} planes are taken for planes" in stack.metadata["remarks"][0]
    with open_stack(path, axes="syx") as colours:
        assert (colours.axes, colours.shape) == ("zyxs", (1, 40, 50, planes))
        assert "remarks" not in colours.metadata
    with open_pages(path) as pages:
        assert [page.shape for page in pages] == [(1, 40, 50, planes)]


def test_pages_one_by_one(tmp_path):
    """As scanners and microscopes write: bare pages with directories between them."""
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as file:
        for plane in STACK:
            file.write(plane, metadata=None, contiguous=False)
    with open_stack(path) as stack:
        np.testing.assert_array_equal(stack, STACK)
        np.testing.assert_array_equal(stack[1::2, 4:8, 3], STACK[1::2, 4:8, 3])
        assert stack[2:2].shape == (0, 40, 50)


def test_imagej_calibration(tmp_path):
    metadata = {"spacing": 0.05, "unit": "um", "axes": "ZYX"}
    tifffile.imwrite(tmp_path / "a.tif", STACK, imagej=True, resolution=(250, 125), metadata=metadata)
    stack, _ = _read(tmp_path / "a.tif")
    assert stack.voxel_size_nm == pytest.approx((50, 8, 4))


@pytest.mark.parametrize("spacing", [float("nan"), float("inf"), 0])
def test_imagej_distance_that_is_none(tmp_path, spacing):
    metadata = {"spacing": spacing, "unit": "um", "axes": "ZYX"}
    tifffile.imwrite(tmp_path / "a.tif", STACK, imagej=True, resolution=(250, 125), metadata=metadata)
    stack, _ = _read(tmp_path / "a.tif")
    assert stack.voxel_size_nm == pytest.approx((8, 8, 4))
    assert open_stack(save_stack(tmp_path / "b.tif", stack)).voxel_size_nm == stack.voxel_size_nm


def test_imagej_hyperstack(tmp_path):
    array = RNG.integers(0, 999, (2, 3, 4, 20, 30)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", array, imagej=True)
    stack, read = _read(tmp_path / "a.tif")
    assert stack.axes == "tzcyx"
    np.testing.assert_array_equal(read, array)


def test_imagej_without_calibration(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", STACK, imagej=True)
    assert _read(tmp_path / "a.tif")[0].voxel_size_nm is None


@pytest.mark.parametrize(("unit", "factor"), [("nm", 1), ("µm", 1000), ("Å", 0.1)])
def test_ome_physical_size(tmp_path, unit, factor):
    sizes = {f"PhysicalSize{axis}": value for axis, value in zip("ZYX", (40, 5, 4), strict=True)}
    units = {f"PhysicalSize{axis}Unit": unit for axis in "ZYX"}
    tifffile.imwrite(tmp_path / "a.ome.tif", STACK, metadata={"axes": "ZYX", **sizes, **units})
    stack, _ = _read(tmp_path / "a.ome.tif")
    assert stack.voxel_size_nm == pytest.approx((40 * factor, 5 * factor, 4 * factor))
    assert stack.name == "a"


def test_ome_without_a_length(tmp_path):
    tifffile.imwrite(tmp_path / "a.ome.tif", STACK, metadata={"axes": "ZYX"})
    assert _read(tmp_path / "a.ome.tif")[0].voxel_size_nm is None


@pytest.mark.parametrize(("size", "expected"), [("0,004", (4, 4, 4)), ("four", None), ("INF", None)])
def test_ome_length_with_a_comma_or_none(tmp_path, size, expected):
    xml = tifffile.OmeXml()
    xml.addimage("uint8", STACK.shape, (5, 1, 1, 40, 50, 1), axes="ZYX", PhysicalSizeX=7, PhysicalSizeY=7)
    text = xml.tostring().replace('"7"', f'"{size}"')
    assert text.count(size) == 2
    tifffile.imwrite(tmp_path / "a.ome.tif", STACK, description=text, metadata=None, photometric="minisblack")
    assert _read(tmp_path / "a.ome.tif")[0].voxel_size_nm == (None if expected is None else pytest.approx(expected))


def test_resolution_tag_of_a_microscope(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", STACK[0], resolution=(2.5e6, 1.25e6), resolutionunit="CENTIMETER")
    assert _read(tmp_path / "a.tif")[0].voxel_size_nm == pytest.approx((8, 8, 4))


def test_resolution_tag_of_a_scanner_is_no_voxel_size(tmp_path):
    Image.fromarray(STACK[0]).save(tmp_path / "a.tif", dpi=(300, 300))
    stack, _ = _read(tmp_path / "a.tif")
    assert stack.voxel_size_nm is None
    assert stack.metadata["dpi"] == pytest.approx((300, 300))


def test_resolution_tag_that_is_no_number(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", STACK[0], resolution=(300, 300), resolutionunit="INCH")
    data = bytearray((tmp_path / "a.tif").read_bytes())
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        at = file.pages[0].tags["XResolution"].valueoffset
    data[at : at + 8] = (1).to_bytes(4, "little") + bytes(4)  # 1/0
    (tmp_path / "a.tif").write_bytes(data)
    assert "dpi" not in open_stack(tmp_path / "a.tif").metadata


def test_what_is_given_wins(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", STACK, imagej=True, resolution=(250, 250), metadata={"unit": "um"})
    stack, read = _read(tmp_path / "a.tif", axes="tyx", voxel_size_nm=(1, 2, 3))
    assert (stack.axes, stack.voxel_size_nm) == ("tyx", (1, 2, 3))
    swapped, read = _read(tmp_path / "a.tif", axes="XYZ")
    assert swapped.shape == (50, 40, 5)
    np.testing.assert_array_equal(read, STACK.T)


@pytest.mark.parametrize("photometric", ["miniswhite", "minisblack"])
def test_one_bit_scans(tmp_path, photometric):
    page = STACK[0] > 100
    tifffile.imwrite(tmp_path / "a.tif", page, photometric=photometric)
    stored = ~page if photometric == "miniswhite" else page
    stack, read = _read(tmp_path / "a.tif")
    assert stack.dtype == bool
    np.testing.assert_array_equal(read[0], stored)


def test_fax_compression_is_upright(tmp_path):
    page = STACK[0] > 100
    Image.fromarray(page).save(tmp_path / "a.tif", compression="group4")
    np.testing.assert_array_equal(_read(tmp_path / "a.tif")[1][0], page)


def test_white_is_zero_in_grey(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", STACK, photometric="miniswhite")
    np.testing.assert_array_equal(_read(tmp_path / "a.tif")[1], 255 - STACK)


@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
def test_palettes_become_colours(tmp_path, compression):
    picture = Image.fromarray(RNG.integers(0, 255, (30, 40, 3)).astype(np.uint8)).quantize(16)
    picture.save(tmp_path / "a.tif", compression=compression)
    stack, read = _read(tmp_path / "a.tif")
    assert stack.axes == "zyxs"
    np.testing.assert_array_equal(read[0], np.asarray(picture.convert("RGB")))
    with open_stack(tmp_path / "a.tif") as stack:
        np.testing.assert_array_equal(stack.plane(0, (slice(3, 5), slice(7, 20))), read[0, 3:5, 7:20])


def test_palettes_of_values_up_to_255(tmp_path):
    """TIFF's colours go up to 65535, but some programs write what they have."""
    colours = RNG.integers(0, 256, (3, 256)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", STACK[0], photometric="palette", colormap=colours)
    np.testing.assert_array_equal(_read(tmp_path / "a.tif")[1][0], colours.T[STACK[0]])


def test_palettes_of_two_colours(tmp_path):
    bits = RNG.random((8, 64)) > 0.5
    tifffile.imwrite(tmp_path / "a.tif", bits, extratags=[(320, "H", 6, (0, 65535, 0, 0, 257 * 9, 65535), True)])
    data = bytearray((tmp_path / "a.tif").read_bytes())
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        data[file.pages[0].tags[262].valueoffset] = 3  # PALETTE, which tifffile does not write of bits
    (tmp_path / "a.tif").write_bytes(data)
    colours = np.array([[0, 0, 9], [255, 0, 255]], np.uint8)
    np.testing.assert_array_equal(_read(tmp_path / "a.tif")[1][0], colours[bits.astype(int)])


def test_jpeg_scans_become_rgb(tmp_path):
    smooth = np.full((64, 64, 3), (200, 100, 50), np.uint8)
    Image.fromarray(smooth).save(tmp_path / "a.tif", compression="jpeg")
    assert np.abs(_read(tmp_path / "a.tif")[1][0].astype(int) - smooth).max() < 12


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])
def test_printing_inks_become_colours(tmp_path, compression):
    inks = np.random.default_rng(0).integers(0, 256, (70, 60, 4)).astype(np.uint8)
    picture = Image.fromarray(inks, mode="CMYK")
    picture.save(tmp_path / "a.tif", compression=compression)
    colours = np.asarray(picture.convert("RGB"))
    stack = open_stack(tmp_path / "a.tif")
    assert (stack.axes, stack.shape, stack.dtype) == ("zyxs", (1, 70, 60, 3), np.uint8)
    np.testing.assert_array_equal(stack[0], colours)
    np.testing.assert_array_equal(stack[0, 3:20, 5:9, 1:], colours[3:20, 5:9, 1:])
    tifffile.imwrite(
        tmp_path / "deep.tif", inks.astype(np.uint16) * 257, photometric="separated", planarconfig="contig"
    )
    assert np.abs(open_stack(tmp_path / "deep.tif")[0] / 257 - colours).max() <= 0.5


def test_other_colours_are_refused(tmp_path):
    Image.fromarray(STACK[0]).convert("RGB").convert("LAB").save(tmp_path / "a.tif")
    with pytest.raises(UnsupportedImageError, match=r"a.tif.*CIELAB"):
        open_stack(tmp_path / "a.tif")
    inks = np.zeros((4, 40, 50), np.uint8)
    tifffile.imwrite(tmp_path / "b.tif", inks, photometric="separated", planarconfig="separate")
    with pytest.raises(UnsupportedImageError, match=r"b.tif.*SEPARATED"):
        open_stack(tmp_path / "b.tif")


def test_complex_pixels_are_refused(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", STACK.astype(np.complex64), photometric="minisblack")
    with pytest.raises(UnsupportedImageError, match=r"a.tif.*complex64"):
        open_stack(tmp_path / "a.tif")


def test_pages_of_mixed_sizes(tmp_path):
    path = tmp_path / "scans.tif"
    with tifffile.TiffWriter(path) as file:
        for height in (40, 30):
            file.write(STACK[0, :height], metadata=None)
    with pytest.raises(MixedSizesError, match=r"scans.tif.*30×50.*40×50"):
        open_stack(path)
    assert open_stack(path, dataset="1").shape == (1, 30, 50)
    with pytest.raises(UnknownDatasetError, match=r"no series '7'.*\(40, 50\)"):
        open_stack(path, dataset="7")


def _write_one_by_one(path, images, **settings):
    with tifffile.TiffWriter(path) as file:
        for image in images:
            file.write(image, **settings)


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("planes", [STACK, np.stack([STACK] * 3, axis=-1)], ids=["grey", "colour"])
def test_planes_that_were_written_in_a_loop_are_a_stack(tmp_path, planes, compression):
    """Tifffile says of each that it is an image of its own."""
    path = tmp_path / "loop.tif"
    _write_one_by_one(path, planes, photometric="rgb" if planes.ndim == 4 else "minisblack", compression=compression)
    stack, pixels = _read(path)
    assert stack.axes == ("zyxs" if planes.ndim == 4 else "zyx")
    np.testing.assert_array_equal(pixels, planes)
    np.testing.assert_array_equal(_read(path, dataset=2)[1], planes[2:3])


def test_stacks_of_one_size_are_told_apart(tmp_path):
    _write_one_by_one(tmp_path / "two.tif", [STACK, STACK + 1], photometric="minisblack")
    with pytest.raises(MixedSizesError, match=r"two.tif.*they are several stacks \(40×50 uint8\).*dataset, 0 to 1"):
        open_stack(tmp_path / "two.tif")
    np.testing.assert_array_equal(_read(tmp_path / "two.tif", dataset=1)[1], STACK + 1)


def test_pyramid(tmp_path):
    path = tmp_path / "a.ome.tif"
    metadata = {"axes": "ZYX", "PhysicalSizeX": 4, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 4}
    metadata |= {"PhysicalSizeYUnit": "nm", "PhysicalSizeZ": 50, "PhysicalSizeZUnit": "nm"}
    with tifffile.TiffWriter(path) as file:
        file.write(STACK, subifds=1, tile=(16, 16), metadata=metadata)
        file.write(STACK[:, ::2, ::2], subfiletype=1, tile=(16, 16))
    full, small = open_stack(path), open_stack(path, level=1)
    assert (full.levels, small.levels) == (2, 2)
    assert full.voxel_size_nm == (50, 4, 4)
    assert small.voxel_size_nm == (50, 8, 8)
    np.testing.assert_array_equal(small, STACK[:, ::2, ::2])
    with pytest.raises(UnknownLevelError, match="2 resolution level"):
        open_stack(path, level=2)


def test_opens_again_in_another_process(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", STACK)
    stack = open_stack(tmp_path / "a.tif", voxel_size_nm=(50, 4, 4), axes="tyx")
    again = pickle.loads(pickle.dumps(stack))
    assert (again.path, again.axes, again.voxel_size_nm) == (tmp_path / "a.tif", "tyx", (50, 4, 4))
    np.testing.assert_array_equal(again[2], STACK[2])


@pytest.mark.parametrize("settings", [{}, {"tile": (256, 256), "compression": "zlib"}], ids=["bare", "tiled"])
def test_memory_stays_flat_on_a_huge_plane(tmp_path, settings):
    path = tmp_path / "huge.tif"
    tifffile.imwrite(path, shape=(4096, 4096), dtype=np.uint16, data=None if not settings else _tiles(), **settings)
    with open_stack(path) as stack:
        stack.plane(0, (slice(0, 300), slice(0, 300)))
        tracemalloc.start()
        for top in range(0, 4096, 512):
            assert stack.plane(0, (slice(top, top + 256), slice(1000, 1256))).shape == (256, 256)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 4e6  # of 33.5 MB


def _tiles():
    for i in range(256):
        yield np.full((256, 256), i, np.uint16)
