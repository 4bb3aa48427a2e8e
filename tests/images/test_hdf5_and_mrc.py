"""HDF5 and MRC."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from napari_unets.images import (
    EmptyImageError,
    MissingExtraError,
    UnknownDatasetError,
    UnreadableImageError,
    UnsupportedImageError,
    open_stack,
)

h5py = pytest.importorskip("h5py")
mrcfile = pytest.importorskip("mrcfile")

RNG = np.random.default_rng(0)
ARRAY = RNG.integers(0, 255, (4, 20, 30)).astype(np.uint8)


def _write(path, name="volumes/raw", array=ARRAY, **attributes):
    with h5py.File(path, "a") as file:
        dataset = file.create_dataset(name, data=array, chunks=True, compression="gzip")
        dataset.attrs.update(attributes)
    return path


def test_only_dataset(tmp_path):
    with open_stack(_write(tmp_path / "a.h5")) as stack:
        assert (stack.axes, stack.shape, stack.dtype) == ("zyx", ARRAY.shape, np.uint8)
        np.testing.assert_array_equal(stack, ARRAY)
        np.testing.assert_array_equal(stack[::-2, 3, 5:9], ARRAY[::-2, 3, 5:9])


def test_a_stack_that_was_closed_is_not_said_to_be_damaged(tmp_path):
    with open_stack(_write(tmp_path / "a.h5")) as stack:
        pass
    with pytest.raises(UnreadableImageError, match=r"a\.h5: the stack was closed; open it again"):
        stack.plane(0)


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ({"element_size_um": [0.05, 0.004, 0.008]}, (50, 4, 8)),
        ({"element_size_um": [0, 0.004, 0.008]}, (4, 4, 8)),
        ({"element_size_um": [np.inf, 0, 0.008]}, None),
        ({"resolution": [40, 4, 5]}, (40, 4, 5)),
        ({}, None),
    ],
)
def test_voxel_size(tmp_path, attributes, size):
    with open_stack(_write(tmp_path / "a.hdf5", **attributes)) as stack:
        assert stack.voxel_size_nm == (None if size is None else pytest.approx(size))


def test_dataset_is_chosen(tmp_path):
    path = _write(tmp_path / "a.h5")
    _write(path, "volumes/labels", ARRAY.astype(np.uint64))
    with pytest.raises(UnknownDatasetError, match=r"choose a dataset; .*volumes/raw \(4, 20, 30\) uint8"):
        open_stack(path)
    with pytest.raises(UnknownDatasetError, match="no dataset 'x'; it has volumes/labels"):
        open_stack(path, dataset="x")
    with open_stack(path, dataset="/volumes/labels") as stack:
        assert stack.dtype == np.uint64


def test_dimension_labels(tmp_path):
    path = _write(tmp_path / "a.h5")
    with h5py.File(path, "a") as file:
        for dimension, label in zip(file["volumes/raw"].dims, "xyz", strict=True):
            dimension.label = label
    with open_stack(path) as stack:
        np.testing.assert_array_equal(stack, ARRAY.T)


def test_axis_tags_of_ilastik(tmp_path):
    tags = json.dumps({"axes": [{"key": key} for key in "zyxc"]})
    colour = RNG.integers(0, 255, (2, 20, 30, 3)).astype(np.uint8)
    with open_stack(_write(tmp_path / "a.h5", array=colour, axistags=tags)) as stack:
        assert stack.axes == "zyxs"
        np.testing.assert_array_equal(stack, colour)


def test_objects_are_no_image(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("texts", data=[["a", "b"], ["c", "d"]], dtype=h5py.string_dtype())
    with pytest.raises(UnsupportedImageError, match="no image"):
        open_stack(tmp_path / "a.h5")


def test_not_hdf5(tmp_path):
    (tmp_path / "a.h5").write_bytes(b"something else" * 100)
    with pytest.raises(UnsupportedImageError, match="not an HDF5 file"):
        open_stack(tmp_path / "a.h5")


def test_truncated_hdf5(tmp_path):
    path = _write(tmp_path / "a.h5", array=RNG.integers(0, 255, (20, 100, 100)))
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(UnreadableImageError, match=r"a.h5"):
        open_stack(path)[...]


@pytest.mark.parametrize(("module", "name"), [("h5py", "a.h5"), ("mrcfile", "a.mrc")])
def test_library_that_is_not_installed(tmp_path, monkeypatch, module, name):
    (tmp_path / name).write_bytes(b"123")
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=rf'{name}.*pip install "napari-unets\[formats\]"'):
        open_stack(tmp_path / name)


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.uint16, np.float32, np.float16])
@pytest.mark.parametrize("suffix", [".mrc", ".rec"])
def test_mrc(tmp_path, dtype, suffix):
    array = ARRAY.astype(dtype) // 2
    with mrcfile.new(tmp_path / f"a{suffix}", array) as file:
        file.voxel_size = (40, 50, 500)  # x, y, z in ångström
    stack = open_stack(tmp_path / f"a{suffix}")
    assert (stack.axes, stack.shape, stack.name) == ("zyx", ARRAY.shape, "a")
    assert stack.dtype == np.dtype(dtype)
    assert stack.voxel_size_nm == pytest.approx((50, 5, 4))
    np.testing.assert_array_equal(stack, array)
    np.testing.assert_array_equal(stack.plane(2, (slice(3, 7), slice(2, None))), array[2, 3:7, 2:])


def test_mrc_without_a_grid(tmp_path):
    """Of a header with mx = 0, the size of a voxel is infinite."""
    with mrcfile.new(tmp_path / "a.mrc", data=np.zeros((3, 20, 30), np.int16)) as file:
        file.voxel_size = (40, 50, 500)
        file.header.mx = 0
    assert open_stack(tmp_path / "a.mrc").voxel_size_nm is None


def test_single_micrograph(tmp_path):
    mrcfile.new(tmp_path / "a.mrc", ARRAY[0].astype(np.int16)).close()
    stack = open_stack(tmp_path / "a.mrc")
    assert stack.shape == (1, 20, 30)
    assert stack.voxel_size_nm is None


@pytest.mark.parametrize(("flags", "dtype"), [(0, np.uint8), (1, np.int8)])
def test_unsigned_bytes_of_imod(tmp_path, flags, dtype):
    with mrcfile.new(tmp_path / "a.mrc", ARRAY.view(np.int8)) as file:
        stamp = np.array([1146047817, flags], "<i4").tobytes()
        extra = bytearray(file.header.extra2.tobytes().ljust(84, b"\0"))
        extra[40:48] = stamp
        file.header.extra2 = np.frombuffer(bytes(extra), file.header.extra2.dtype)[()]
    stack = open_stack(tmp_path / "a.mrc")
    assert stack.dtype == dtype
    np.testing.assert_array_equal(stack, ARRAY.view(dtype))


def test_complex_mrc(tmp_path):
    mrcfile.new(tmp_path / "a.mrc", ARRAY.astype(np.complex64)).close()
    with pytest.raises(UnsupportedImageError, match=r"a.mrc.*complex64"):
        open_stack(tmp_path / "a.mrc")


@pytest.mark.parametrize("kept", [10, 1000, 2000])
def test_truncated_mrc(tmp_path, kept):
    mrcfile.new(tmp_path / "a.mrc", ARRAY.astype(np.int16)).close()
    path = tmp_path / "a.mrc"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(UnreadableImageError, match=r"a.mrc"):
        open_stack(path)


def test_not_mrc(tmp_path):
    (tmp_path / "a.mrc").write_bytes(b"something else" * 1000)
    with pytest.raises(UnsupportedImageError, match=r"a.mrc: is not an MRC file"):
        open_stack(tmp_path / "a.mrc")


def test_empty_files(tmp_path):
    for name in ("a.mrc", "a.h5"):
        (tmp_path / name).touch()
        with pytest.raises(EmptyImageError, match=f"{name}: the file is empty"):
            open_stack(tmp_path / name)


def test_a_file_without_images_offers_none_to_choose(tmp_path):
    with h5py.File(tmp_path / "times.h5", "w") as file:
        file["times"] = np.arange(5)
    with pytest.raises(UnknownDatasetError, match=r"has no dataset that could be an image; it has times \(5,\)"):
        open_stack(tmp_path / "times.h5")


def test_a_dataset_whose_name_is_a_number(tmp_path):
    _write(tmp_path / "a.h5", "0")
    with open_stack(_write(tmp_path / "a.h5", "1", ARRAY[:2]), dataset=1) as stack:
        assert stack.shape == (2, 20, 30)
