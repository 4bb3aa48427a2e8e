"""Zarr and OME-Zarr of both versions."""

from __future__ import annotations

import pickle

import numcodecs
import numpy as np
import pytest
import zarr

from napari_unets.images import (
    UnknownDatasetError,
    UnknownLevelError,
    UnreadableImageError,
    UnsupportedImageError,
    open_stack,
)

ARRAY = np.random.default_rng(0).integers(0, 60000, (2, 8, 40, 50)).astype(np.uint16)
SMALL = ARRAY[:, :, ::2, ::2]


def _multiscale(unit="micrometer"):
    axes = [{"name": "c", "type": "channel"}] + [{"name": a, "type": "space", "unit": unit} for a in "zyx"]

    def level(path, factor):
        transform = {"type": "scale", "scale": [1, 0.05, 0.004 * factor, 0.004 * factor]}
        return {"path": path, "coordinateTransformations": [transform]}

    return {"axes": axes, "datasets": [level("s0", 1), level("s1", 2)]}


def _write(path, version, multiscale):
    if version == "0.4":
        attributes, zarr_format = {"multiscales": [multiscale | {"version": "0.4"}]}, 2
    else:
        attributes, zarr_format = {"ome": {"version": "0.5", "multiscales": [multiscale]}}, 3
    group = zarr.create_group(path, zarr_format=zarr_format, attributes=attributes)
    for name, array in (("s0", ARRAY), ("s1", SMALL)):
        group.create_array(name, shape=array.shape, dtype=array.dtype, chunks=(1, 2, 16, 16))[...] = array
    return group


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_ome_zarr(tmp_path, version):
    path = tmp_path / "brain.ome.zarr"
    _write(path, version, _multiscale())
    stack = open_stack(path)
    assert (stack.axes, stack.shape, stack.dtype, stack.levels) == ("czyx", ARRAY.shape, np.uint16, 2)
    assert stack.voxel_size_nm == pytest.approx((50, 4, 4))
    assert (stack.name, stack.is_labels) == ("brain", False)
    np.testing.assert_array_equal(stack[1, 2:4, ::-1, 5], ARRAY[1, 2:4, ::-1, 5])
    np.testing.assert_array_equal(stack.plane(9), ARRAY[1, 1])
    small = open_stack(path, level=1)
    assert small.voxel_size_nm == pytest.approx((50, 8, 8))
    np.testing.assert_array_equal(small, SMALL)
    with pytest.raises(UnknownLevelError, match=r"levels are numbered from 0, .* '0' is no number"):
        open_stack(path, level="0")
    with pytest.raises(UnknownLevelError, match="2 resolution level"):
        open_stack(path, level=2)


def test_scale_of_all_levels(tmp_path):
    multiscale = _multiscale("nanometer")
    multiscale["coordinateTransformations"] = [{"type": "scale", "scale": [1, 1000, 1000, 1000]}]
    _write(tmp_path / "a.zarr", "0.4", multiscale)
    assert open_stack(tmp_path / "a.zarr").voxel_size_nm == pytest.approx((50, 4, 4))


def test_a_unit_without_a_scale_is_no_voxel_size(tmp_path):
    multiscale = _multiscale()
    for level in multiscale["datasets"]:
        del level["coordinateTransformations"]
    _write(tmp_path / "a.zarr", "0.5", multiscale)
    assert open_stack(tmp_path / "a.zarr").voxel_size_nm is None


def test_planes_without_a_distance(tmp_path):
    multiscale = _multiscale()
    multiscale["datasets"][0]["coordinateTransformations"][0]["scale"][1] = 0
    _write(tmp_path / "a.zarr", "0.5", multiscale)
    assert open_stack(tmp_path / "a.zarr").voxel_size_nm == pytest.approx((4, 4, 4))


@pytest.mark.parametrize("unit", ["", None, "parsec"])
def test_units_that_are_no_length_here(tmp_path, unit):
    multiscale = _multiscale(unit)
    if unit is None:
        for axis in multiscale["axes"]:
            axis.pop("unit", None)
    _write(tmp_path / "a.zarr", "0.4", multiscale)
    assert open_stack(tmp_path / "a.zarr").voxel_size_nm is None


def test_labels_inside_an_image(tmp_path):
    group = _write(tmp_path / "a.zarr", "0.4", _multiscale())
    multiscale = {"axes": _multiscale()["axes"][1:], "datasets": [{"path": "0"}]}
    cells = group.create_group("labels/cells", attributes={"multiscales": [multiscale], "image-label": {}})
    cells.create_array("0", shape=(8, 40, 50), dtype=np.uint32)[...] = 3
    for stack in (
        open_stack(tmp_path / "a.zarr", dataset="labels/cells"),
        open_stack(tmp_path / "a.zarr/labels/cells"),
    ):
        assert (stack.axes, stack.is_labels, stack.name[-5:]) == ("zyx", True, stack.name[-5:])
        assert stack[...].max() == 3
    assert open_stack(tmp_path / "a.zarr/s1").shape == SMALL.shape


def test_converted_microscope_files(tmp_path):
    root = zarr.create_group(tmp_path / "a.zarr", zarr_format=2, attributes={"bioformats2raw.layout": 3})
    inner = root.create_group("0", attributes={"multiscales": [{"axes": list("zyx"), "datasets": [{"path": "0"}]}]})
    inner.create_array("0", shape=(3, 4, 5), dtype=np.uint8)[...] = 9
    stack = open_stack(tmp_path / "a.zarr")
    assert (stack.axes, stack.shape) == ("zyx", (3, 4, 5))


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_plain_array(tmp_path, zarr_format):
    zarr.create_array(tmp_path / "a.zarr", data=ARRAY[0], zarr_format=zarr_format, chunks=(1, 16, 16))
    stack = open_stack(tmp_path / "a.zarr")
    assert stack.axes == "zyx"
    np.testing.assert_array_equal(stack, ARRAY[0])
    (tmp_path / "a.zarr").rename(tmp_path / "no-suffix")
    np.testing.assert_array_equal(open_stack(tmp_path / "no-suffix", axes="tyx"), ARRAY[0])


def test_names_of_dimensions(tmp_path):
    zarr.create_array(tmp_path / "a.zarr", data=ARRAY[0], dimension_names=["x", "y", "z"])
    np.testing.assert_array_equal(open_stack(tmp_path / "a.zarr"), ARRAY[0].T)


def test_group_of_arrays(tmp_path):
    group = zarr.create_group(tmp_path / "a.zarr")
    group.create_array("raw/em", data=ARRAY[0])
    assert open_stack(tmp_path / "a.zarr").shape == ARRAY[0].shape  # the only one
    group.create_array("raw/other", data=SMALL[0])
    with pytest.raises(UnknownDatasetError, match=r"choose a dataset; .*raw/em \(8, 40, 50\)"):
        open_stack(tmp_path / "a.zarr")
    assert open_stack(tmp_path / "a.zarr", dataset="raw/other").shape == SMALL[0].shape
    with pytest.raises(UnknownDatasetError, match=r"no dataset 'no'; .*raw/other"):
        open_stack(tmp_path / "a.zarr", dataset="no")


def test_dataset_of_an_array(tmp_path):
    zarr.create_array(tmp_path / "a.zarr", data=ARRAY[0])
    with pytest.raises(UnknownDatasetError, match="an array itself"):
        open_stack(tmp_path / "a.zarr", dataset="x")


class _Bomb:
    """Goes off when it is unpickled."""

    def __reduce__(self):
        return pytest.fail, ("a pickle was loaded",)


def test_pickles_are_never_loaded(tmp_path):
    zarr.create_array(
        tmp_path / "a.zarr", shape=(4, 5), chunks=(4, 5), dtype="u1", zarr_format=2, compressors=numcodecs.Pickle()
    )
    (tmp_path / "a.zarr" / "0.0").write_bytes(pickle.dumps(_Bomb()))
    with pytest.raises((UnsupportedImageError, UnreadableImageError), match=r"never loaded|pickle"):
        open_stack(tmp_path / "a.zarr")


def test_texts_are_no_image(tmp_path):
    zarr.create_array(tmp_path / "a.zarr", shape=(4, 5), dtype="S3", zarr_format=2)
    with pytest.raises(UnsupportedImageError, match="no image"):
        open_stack(tmp_path / "a.zarr")


def test_broken_chunk(tmp_path):
    _write(tmp_path / "a.zarr", "0.5", _multiscale())
    stack = open_stack(tmp_path / "a.zarr")
    chunk = tmp_path / "a.zarr" / "s0" / "c" / "0" / "0" / "0" / "0"
    chunk.write_bytes(chunk.read_bytes()[:50])
    assert stack[1].shape == ARRAY.shape[1:]
    with pytest.raises(UnreadableImageError, match=r"a.zarr"):
        stack[0, 0]


@pytest.mark.parametrize("mark", ["zarr.json", ".zarray", ".zgroup"])
@pytest.mark.parametrize("text", ["", "{", "{}", '{"zarr_format": 9}'])
def test_broken_description(tmp_path, mark, text):
    folder = tmp_path / "a.zarr"
    folder.mkdir()
    (folder / mark).write_text(text)
    with pytest.raises((UnreadableImageError, UnknownDatasetError), match=r"a.zarr"):
        open_stack(folder)


def test_description_that_does_not_fit(tmp_path):
    multiscale = _multiscale()
    multiscale["axes"] = multiscale["axes"][1:]
    _write(tmp_path / "a.zarr", "0.5", multiscale)
    with pytest.raises(UnreadableImageError, match="described by the axes"):
        open_stack(tmp_path / "a.zarr")


def test_missing_level(tmp_path):
    group = _write(tmp_path / "a.zarr", "0.5", _multiscale())
    del group["s1"]
    assert open_stack(tmp_path / "a.zarr").levels == 2
    with pytest.raises(UnreadableImageError, match=r"a.zarr"):
        open_stack(tmp_path / "a.zarr", level=1)


def test_empty_folder_called_zarr(tmp_path):
    (tmp_path / "a.zarr").mkdir()
    with pytest.raises(UnreadableImageError, match="no Zarr array or group"):
        open_stack(tmp_path / "a.zarr")


def test_a_group_without_images_offers_none_to_choose(tmp_path):
    zarr.create_group(tmp_path / "g.zarr").create_array("times", data=np.arange(5))
    with pytest.raises(UnknownDatasetError, match=r"has no dataset that could be an image; it has times \(5,\)"):
        open_stack(tmp_path / "g.zarr")


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_a_description_of_an_array_that_is_not_there(tmp_path, version):
    multiscale = _multiscale()
    multiscale["datasets"][0]["path"] = "full"
    _write(tmp_path / "a.ome.zarr", version, multiscale)
    with pytest.raises(UnreadableImageError, match=r"names the array 'full', which is not there \(it has .*s0 \("):
        open_stack(tmp_path / "a.ome.zarr")
    with open_stack(tmp_path / "a.ome.zarr", dataset="s0") as stack:
        np.testing.assert_array_equal(stack[...], ARRAY)


def test_a_description_without_axes_of_less_than_five(tmp_path):
    multiscale = _multiscale() | {"version": "0.4"}
    del multiscale["axes"]
    group = zarr.create_group(tmp_path / "a.zarr", zarr_format=2, attributes={"multiscales": [multiscale]})
    for name, array in (("s0", ARRAY[0]), ("s1", SMALL[0])):
        group.create_array(name, data=array)
    for level, array in enumerate((ARRAY[0], SMALL[0])):
        with open_stack(tmp_path / "a.zarr", level=level) as stack:
            assert (stack.axes, stack.voxel_size_nm, stack.levels) == ("zyx", None, 2)
            np.testing.assert_array_equal(stack[...], array)
