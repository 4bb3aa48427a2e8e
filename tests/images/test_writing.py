"""What is written comes back, and an output is there as a whole or not at all."""

from __future__ import annotations

import errno
import os
import time
import tracemalloc
from pathlib import Path

import numpy as np
import ome_zarr_models.v05
import ome_zarr_models.v05.image_label
import pytest
import tifffile
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from napari_unets.images import (
    AxesError,
    EmptyImageError,
    ImageExistsError,
    ImageWriteError,
    UnsupportedImageError,
    VoxelSizeError,
    create_writer,
    open_stack,
    save_stack,
)
from napari_unets.images.note import Note
from napari_unets.images.write_tiff import TiffWriter
from napari_unets.images.write_zarr import OmeZarrWriter

RNG = np.random.default_rng(0)
STACK = RNG.integers(0, 255, (4, 40, 50)).astype(np.uint8)
TARGETS = ["a.tif", "a.ome.zarr", "folder"]
METADATA = {"model": "em-membranes", "threshold": 0.5, "note": "größer ∞", "list": [1, None, {"a": True}]}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("labels", [False, True])
def test_everything_comes_back(tmp_path, target, labels):
    path = save_stack(
        tmp_path / target, STACK, voxel_size_nm=(50, 4.25, 4), metadata=METADATA, labels=labels, axes="tyx"
    )
    with open_stack(path) as stack:
        assert stack.axes == "tyx"
        assert stack.voxel_size_nm == (50, 4.25, 4)
        assert stack.metadata == METADATA
        assert stack.is_labels is labels
        np.testing.assert_array_equal(stack, STACK)
    assert [entry.name for entry in tmp_path.iterdir()] == [target]


@pytest.mark.parametrize("target", TARGETS)
def test_what_a_killed_process_left_behind_goes_a_day_later(tmp_path, target):
    of_today, of_last_week = (tmp_path / f".{target}.{name}.part" for name in ("0123abcd", "89abcdef"))
    others = tmp_path / ".another.tif.0123abcd.part"
    for path in (of_today, of_last_week, others):
        path.mkdir()
        (path / "chunk").write_bytes(b"...")
    beside = [tmp_path / f".{target}.{name}" for name in ("0123abcd.scratch", "89abcdef.scratch", "89abcdef.old")]
    for path in beside:
        path.write_bytes(b"...")
    (tmp_path / f".{target}.89abcdef.pages").mkdir()
    for path in (of_last_week, others, *beside[1:], tmp_path / f".{target}.89abcdef.pages"):
        os.utime(path, (1, time.time() - 7 * 24 * 3600))
    save_stack(tmp_path / target, STACK)
    kept = {of_today.name, others.name, beside[0].name, beside[2].name}
    assert {path.name for path in tmp_path.iterdir()} == {target, *kept}


@pytest.mark.parametrize("target", ["a.tif", "a.ome.zarr"])
@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8"])
def test_types(tmp_path, target, dtype):
    array = RNG.uniform(0, 120, (2, 20, 30)).astype(dtype)
    with open_stack(save_stack(tmp_path / target, array)) as stack:
        assert stack.dtype == array.dtype
        assert stack.voxel_size_nm is None
        np.testing.assert_array_equal(stack, array)


@pytest.mark.parametrize("target", TARGETS)
def test_truth_values(tmp_path, target):
    with open_stack(save_stack(tmp_path / target, STACK > 99)) as stack:
        assert stack.dtype == bool
        np.testing.assert_array_equal(stack, STACK > 99)


@pytest.mark.parametrize(
    ("shape", "axes"), [((2, 1, 20, 30), "tzyx"), ((1, 1, 20, 30), "czyx"), ((2, 3, 2, 20, 30), "tczyx")]
)
@pytest.mark.parametrize("target", ["a.tif", "a.ome.zarr"])
def test_axes_of_length_one_are_kept(tmp_path, target, shape, axes):
    array = RNG.integers(0, 9, shape).astype(np.uint16)
    with open_stack(save_stack(tmp_path / target, array, axes=axes)) as stack:
        assert (stack.axes, stack.shape) == (axes, shape)
        np.testing.assert_array_equal(stack, array)
        np.testing.assert_array_equal(stack.as_dask()[-1].compute(), array[-1])


@pytest.mark.parametrize("target", ["a.tif", "folder"])
@pytest.mark.parametrize("samples", [3, 4])
def test_colour(tmp_path, target, samples):
    array = RNG.integers(0, 255, (2, 40, 50, samples)).astype(np.uint8)
    array[..., 3:] = 255  # nothing is transparent
    with open_stack(save_stack(tmp_path / target, array)) as stack:
        assert stack.axes == "zyxs"
        np.testing.assert_array_equal(stack, array)


@pytest.mark.parametrize("target", ["a.tif", "a.png"])
def test_resolution_of_a_scan_is_for_other_programs_too(tmp_path, target):
    path = save_stack(tmp_path / target, STACK[0], metadata={"dpi": [300, 200]})
    assert open_stack(path).metadata == {"dpi": [300, 200]}
    with Image.open(path) as picture:
        assert picture.info["dpi"] == pytest.approx((300, 200), rel=1e-3)
    save_stack(path, STACK[0], metadata={"dpi": "none"}, overwrite=True)
    assert open_stack(path).metadata == {"dpi": "none"}


def test_single_picture(tmp_path):
    with open_stack(save_stack(tmp_path / "page.png", STACK[:1], metadata=METADATA)) as stack:
        assert (stack.shape, stack.metadata) == ((1, 40, 50), METADATA)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "page.png")), STACK[0])


def test_other_programs_read_the_tiff(tmp_path):
    save_stack(tmp_path / "a.tif", STACK, voxel_size_nm=(50, 4, 4))
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.is_ome
        assert file.series[0].axes == "ZYX"
        pixels = tifffile.xml2dict(file.ome_metadata)["OME"]["Image"]["Pixels"]
        assert (pixels["PhysicalSizeZ"], pixels["PhysicalSizeX"], pixels["PhysicalSizeXUnit"]) == (50, 4, "nm")
        assert file.pages.first.compression == tifffile.COMPRESSION.ADOBE_DEFLATE
    with Image.open(tmp_path / "a.tif") as picture:
        assert picture.n_frames == 4
        picture.seek(2)
        np.testing.assert_array_equal(np.asarray(picture), STACK[2])


@pytest.mark.parametrize(("labels", "axes"), [(False, "zyx"), (True, "zyx"), (False, "tyx")])
def test_ome_zarr_is_valid(tmp_path, labels, axes):
    path = save_stack(tmp_path / "a.ome.zarr", STACK, axes=axes, labels=labels, voxel_size_nm=(50, 4, 4))
    group = zarr.open_group(path, mode="r")
    kind = ome_zarr_models.v05.image_label.ImageLabel if labels else ome_zarr_models.v05.Image
    multiscale = kind.from_zarr(group).ome_attributes.multiscales[0]
    assert [(axis.name, axis.unit) for axis in multiscale.axes][1:] == [("y", "nanometer"), ("x", "nanometer")]
    assert multiscale.datasets[0].coordinateTransformations[0].scale == [50 if axes == "zyx" else 1, 4, 4]


def test_chunks_and_shards(tmp_path):
    note = Note("zyx")
    with OmeZarrWriter(tmp_path / "a.zarr", (2, 64, 50), "u1", note, chunk=16, shard=2) as writer:
        writer.write(1, (slice(10, 40), slice(0, 50)), np.ones((30, 50), np.uint8))
    array = zarr.open_group(tmp_path / "a.zarr", mode="r")["0"]
    assert (array.chunks, array.shards) == ((1, 16, 16), (1, 32, 32))
    assert array[1].sum() == array[...].sum() == 1500


def test_names_of_files(tmp_path):
    with create_writer(tmp_path / "out", STACK.shape, "u1", names=["d", "c", "b", "a"]) as writer:
        for i, plane in enumerate(STACK):
            writer.write(i, None, plane)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png", "b.png", "c.png", "d.png"]
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "out" / "c.png")), STACK[1])


def test_numbers_sort_naturally(tmp_path):
    save_stack(tmp_path / "out", np.zeros((11, 4, 5), np.uint8))
    assert sorted(path.name for path in (tmp_path / "out").iterdir())[:3] == ["00.png", "01.png", "02.png"]


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), target=st.sampled_from(TARGETS))
def test_windows_in_any_order(tmp_path, data, target):
    """Each plane whole or in four windows, all in any order; one is left out."""
    expected = STACK.copy()
    parts = []
    for i in range(len(STACK)):
        y, x = data.draw(st.integers(1, 39)), data.draw(st.integers(1, 49))
        windows = [(a, b) for a in (slice(0, y), slice(y, 40)) for b in (slice(0, x), slice(x, None))]
        parts += [(i, window) for window in (windows if data.draw(st.booleans()) else [None])]
    parts = data.draw(st.permutations(parts))
    missing, window = parts.pop()
    expected[missing][window or slice(None)] = 0
    with create_writer(tmp_path / target, STACK.shape, "u1", overwrite=True) as writer:
        for i, window in parts:
            writer.write(i, window, STACK[i][window or slice(None)])
    np.testing.assert_array_equal(open_stack(tmp_path / target), expected)
    assert not [entry for entry in tmp_path.iterdir() if entry.name.startswith(".")]


def test_big_tiff(tmp_path):
    for big in (True, False):
        path = tmp_path / f"{big}.tif"
        with TiffWriter(path, STACK.shape, "u1", Note("zyx"), big=big) as writer:
            writer.write(2, None, STACK[2])
        with tifffile.TiffFile(path) as file:
            assert file.is_bigtiff is big
        np.testing.assert_array_equal(open_stack(path)[2], STACK[2])


def test_more_than_two_gigabytes_are_bigtiff(tmp_path):
    for planes, version in ((2**18, 42), (2**20, 43)):
        writer = create_writer(tmp_path / "a.tif", (planes, 64, 64), "u1")
        writer.write(0, None, np.zeros((64, 64), np.uint8))
        writer._file.filehandle.flush()
        assert writer._temporary.read_bytes()[2] == version
        writer.abort()


@pytest.mark.parametrize("target", ["a.tif", "a.zarr"])
def test_memory_stays_flat(tmp_path, target):
    side, step = 2048, 256
    with create_writer(tmp_path / target, (2, side, side), np.float32) as writer:
        tracemalloc.start()
        for plane in range(2):
            for top in range(0, side, step):
                for left in range(0, side, step):
                    window = (slice(top, top + step), slice(left, left + step))
                    writer.write(plane, window, np.full((step, step), top + left, np.float32))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 2**24 + 2**22  # a chunk of 1024 and its compressed copy, where a plane has 16 MiB and the stack 32
    with open_stack(tmp_path / target) as stack:
        assert stack.plane(1, (slice(600, 601), slice(300, 301))).item() == 512 + 256


def test_large_pages_are_tiled(tmp_path):
    save_stack(tmp_path / "a.tif", np.zeros((1, 2100, 2100), np.uint8))
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.pages.first.tile == (512, 512)


@pytest.mark.parametrize("target", [*TARGETS, "a.png"])
class TestWholeOrNothing:
    def _writer(self, path, **keywords):
        return create_writer(path, (1, 40, 50), "u1", **keywords)

    def _content(self, folder):
        return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    def test_not_there_before_it_is_closed(self, tmp_path, target):
        writer = self._writer(tmp_path / target)
        writer.write(0, None, STACK[0])
        assert not (tmp_path / target).exists()
        assert writer.close() == tmp_path / target
        assert (tmp_path / target).exists()
        assert writer.close() == tmp_path / target  # once is enough

    @pytest.mark.parametrize("existing", [False, True])
    def test_nothing_remains_of_an_aborted_one(self, tmp_path, target, existing):
        if existing:
            save_stack(tmp_path / target, STACK[:1])
        before = self._content(tmp_path)
        writer = self._writer(tmp_path / target, overwrite=True)

        def fail():
            with writer:
                writer.write(0, None, STACK[0])
                raise RuntimeError("stop")

        with pytest.raises(RuntimeError, match="stop"):
            fail()
        assert self._content(tmp_path) == before
        assert [path.name for path in tmp_path.iterdir()] == ([target] if existing else [])
        writer.abort()  # once is enough
        with pytest.raises(ValueError, match="closed"):
            writer.write(0, None, STACK[0])

    def test_aborted_amid_windows(self, tmp_path, target):
        writer = self._writer(tmp_path / target)
        writer.write(0, (slice(0, 10), slice(0, 10)), STACK[0, :10, :10])
        writer.abort()
        assert list(tmp_path.iterdir()) == []

    def test_existing_is_refused(self, tmp_path, target):
        save_stack(tmp_path / target, STACK[:1])
        before = self._content(tmp_path)
        with pytest.raises(ImageExistsError, match="is there already; choose another name, or overwrite it"):
            self._writer(tmp_path / target)
        assert self._content(tmp_path) == before

    def test_existing_is_replaced(self, tmp_path, target):
        save_stack(tmp_path / target, STACK[:1])
        save_stack(tmp_path / target, STACK[1:2], overwrite=True)
        np.testing.assert_array_equal(open_stack(tmp_path / target)[0], STACK[1])
        assert [path.name for path in tmp_path.iterdir()] == [target]

    def test_full_disk(self, tmp_path, target, monkeypatch):
        def fail(*_, **__):
            raise OSError(errno.ENOSPC, "No space left on device")

        save_stack(tmp_path / target, STACK[:1])
        before = self._content(tmp_path)
        writer = self._writer(tmp_path / target, overwrite=True)
        monkeypatch.setattr(tifffile.TiffWriter, "write", fail)
        monkeypatch.setattr(zarr.Array, "__setitem__", fail)
        monkeypatch.setattr(Image.Image, "save", fail)
        with pytest.raises(ImageWriteError, match="No space left on device"):
            writer.write(0, None, STACK[0])
        assert self._content(tmp_path) == before
        assert [path.name for path in tmp_path.iterdir()] == [target]

    def test_disk_too_full_for_windows(self, tmp_path, target, monkeypatch):
        if target.endswith(".zarr"):
            pytest.skip("its windows are written as they come")

        def fail(*_):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "posix_fallocate", fail, raising=False)
        writer = self._writer(tmp_path / target)
        with pytest.raises(ImageWriteError, match="No space left on device"):
            writer.write(0, (slice(0, 3), slice(0, 4)), STACK[0, :3, :4])
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("room", ["none", "invalid", "unsupported"])
    def test_systems_that_reserve_no_room(self, tmp_path, target, monkeypatch, room):
        def refuse(*_):
            raise OSError(errno.EINVAL if room == "invalid" else errno.EOPNOTSUPP, "no")

        if room == "none":
            monkeypatch.delattr(os, "posix_fallocate", raising=False)
        else:
            monkeypatch.setattr(os, "posix_fallocate", refuse, raising=False)
        with self._writer(tmp_path / target) as writer:
            writer.write(0, (slice(0, 3), slice(0, 4)), STACK[0, :3, :4])
        np.testing.assert_array_equal(open_stack(tmp_path / target)[0, :3, :4], STACK[0, :3, :4])

    def test_folder_that_is_missing(self, tmp_path, target):
        with pytest.raises(ImageWriteError, match="no/where does not exist"):
            self._writer(tmp_path / "no" / "where" / target)


@pytest.mark.parametrize("path", [np.zeros((2, 4, 5)), None])
def test_what_is_no_target_is_told(path):
    with pytest.raises(ImageWriteError, match=r"save_stack\(path, image\); the first is a (ndarray|NoneType)$"):
        save_stack(path, np.zeros((2, 4, 5)))


def test_wrong_calls(tmp_path):
    writer = create_writer(tmp_path / "a.tif", (2, 4, 5), "u1")
    for plane, window, array in [
        (2, None, np.zeros((4, 5))),
        (-1, None, np.zeros((4, 5))),
        (0, None, np.zeros((5, 4))),
        (0, (slice(0, 2), slice(0, 2)), np.zeros((2, 3))),
        (0, (slice(0, 4, 2), slice(None)), np.zeros((2, 5))),
    ]:
        with pytest.raises(ValueError, match=r"cannot write|without steps"):
            writer.write(plane, window, array)
    writer.write(0, None, np.zeros((4, 5)))
    with pytest.raises(ValueError, match="was written as a whole"):
        writer.write(0, None, np.ones((4, 5)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "shape", "dtype", "keywords", "error"),
    [
        ("a.tif", (2, 4, 5), "i8", {}, UnsupportedImageError),
        ("a.tif", (2, 4, 5), "u1", {"axes": "pyx"}, UnsupportedImageError),
        ("a.tif", (2, 4, 5), "u1", {"axes": "yxz"}, AxesError),
        ("a.tif", (2, 4, 5), "u1", {"axes": "yx"}, AxesError),
        ("a.tif", (0, 4, 5), "u1", {}, EmptyImageError),
        ("a.tif", (2, 4, 5), "u1", {"voxel_size_nm": (1, 2)}, VoxelSizeError),
        ("a.zarr", (2, 2, 4, 5), "u1", {"axes": "ztyx"}, UnsupportedImageError),
        ("a.zarr", (2, 4, 5, 3), "u1", {"axes": "zyxs"}, UnsupportedImageError),
        ("a.zarr", (2, 4, 5), "f4", {"labels": True}, UnsupportedImageError),
        ("folder", (2, 4, 5), "f4", {}, UnsupportedImageError),
        ("folder", (2, 4, 5, 3), "u2", {"axes": "zyxs"}, UnsupportedImageError),
        ("folder", (2, 2, 4, 5), "u1", {}, UnsupportedImageError),
        ("a.png", (2, 4, 5), "u1", {}, UnsupportedImageError),
        ("a.jpg", (2, 4, 5), "u1", {}, UnsupportedImageError),
    ],
)
def test_what_cannot_be_written(tmp_path, name, shape, dtype, keywords, error):
    with pytest.raises(error):
        create_writer(tmp_path / name, shape, dtype, **keywords)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("target", ["folder", "a.zarr"])
def test_other_folders_are_never_replaced(tmp_path, target):
    (tmp_path / target).mkdir()
    (tmp_path / target / "thesis.docx").write_text("three years")
    with pytest.raises(ImageExistsError, match="is not replaced"):
        save_stack(tmp_path / target, STACK, overwrite=True)
    assert Path(tmp_path / target / "thesis.docx").read_text() == "three years"


def test_a_stack_keeps_what_it_is(tmp_path):
    save_stack(tmp_path / "a.tif", STACK, voxel_size_nm=(50, 4, 4), metadata=METADATA, labels=True)
    with open_stack(tmp_path / "a.tif") as stack:
        save_stack(tmp_path / "b.ome.zarr", stack)
    copy = open_stack(tmp_path / "b.ome.zarr")
    assert (copy.voxel_size_nm, copy.metadata, copy.is_labels) == ((50, 4, 4), METADATA, True)
