"""A stack reads what numpy would give, whatever lies under it."""

from __future__ import annotations

import pickle
from pathlib import Path

import dask.array as da
import numpy as np
import pytest
import torch
import zarr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from images.spied_source import SpiedSource

from napari_unets.images import AxesError, EmptyImageError, MixedSizesError, UnsupportedImageError, as_stack
from napari_unets.images.stack import Stack


@pytest.mark.parametrize(
    ("shape", "axes"),
    [((7, 9), "zyx"), ((3, 7, 9), "zyx"), ((2, 3, 7, 9), "tzyx"), ((2, 1, 3, 7, 9), "tczyx")],
)
def test_axes_of_plain_arrays(shape, axes):
    stack = as_stack(np.zeros(shape))
    assert stack.axes == axes
    assert stack.shape == ((1, *shape) if len(shape) == 2 else shape)
    assert stack.n_planes == np.prod(stack.shape[:-2])
    assert not stack.is_rgb


@pytest.mark.parametrize(("shape", "is_rgb"), [((40, 50, 3), True), ((2, 40, 50, 4), True), ((40, 20, 3), False)])
def test_colour_is_guessed_as_napari_does(shape, is_rgb):
    stack = as_stack(np.zeros(shape, np.uint8))
    assert stack.is_rgb is is_rgb
    assert stack.plane_shape == (shape[-3:-1] if is_rgb else shape[-2:])


def test_colour_can_be_said():
    assert as_stack(np.zeros((4, 5, 3)), rgb=True).axes == "zyxs"
    assert as_stack(np.zeros((40, 50, 3)), rgb=False).axes == "zyx"


def test_axes_are_reordered():
    array = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    stack = as_stack(array, axes="xsyz")
    assert stack.axes == "zyxs"
    np.testing.assert_array_equal(stack, array.transpose(3, 2, 0, 1))
    np.testing.assert_array_equal(stack.plane(1), array[:, :, :, 1].transpose(2, 0, 1))


class _Named:
    """As much of an xarray.DataArray as is asked for."""

    def __init__(self, array, dims):
        self._array, self.dims = array, dims
        self.shape, self.dtype = array.shape, array.dtype

    def __getitem__(self, index):
        return _Named(self._array[index], self.dims)

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self._array, dtype)


def test_axes_whose_names_say_that_the_planes_are_elsewhere(tmp_path):
    array = np.arange(2 * 3 * 4).reshape(4, 3, 2)
    stored = zarr.create_array(tmp_path / "a.zarr", data=array, dimension_names=("x", "y", "z"))
    for named in (_Named(array, ("x", "y", "z")), stored):
        with pytest.raises(AxesError, match=r"cells: its axes are called x, y, z, .*axes="):
            as_stack(named, name="cells")
        np.testing.assert_array_equal(as_stack(named, axes="xyz")[...], array.T)
        assert as_stack(named, rgb=False).shape == (4, 3, 2)  # as napari shows it
    for names in (("time", "lat", "lon"), ("z", "y", "x"), ("c", "x", "y"), ("y", "x", "s")):
        assert as_stack(_Named(array, names)).shape == (4, 3, 2)


@pytest.mark.parametrize("axes", ["yx", "zzyx"[:3], "zya", "z1x"])
def test_wrong_axes(axes):
    with pytest.raises(AxesError, match="the axes 3 are no letters"):
        as_stack(np.zeros((3, 4)), axes=3)
    with pytest.raises(AxesError, match="sections"):
        as_stack(np.zeros((2, 3, 4)), axes=axes, name="sections")


@pytest.mark.parametrize("shape", [(5,), (1, 1, 1, 1, 4, 5)])
def test_too_few_or_too_many_axes(shape):
    with pytest.raises(AxesError, match="2 to 5 axes"):
        as_stack(np.zeros(shape))


def test_no_pixels():
    with pytest.raises(EmptyImageError, match="layer 7"):
        as_stack(np.zeros((0, 4, 5)), name="layer 7")


@pytest.mark.parametrize("dtype", [object, "U3", complex, "M8[s]"])
def test_what_is_no_image(dtype):
    with pytest.raises(UnsupportedImageError, match="layer 7"):
        as_stack(np.zeros((4, 5), dtype), name="layer 7")


@pytest.mark.parametrize("path", ["a.tif", Path("a.tif")])
def test_a_path_is_no_image_yet(path):
    with pytest.raises(UnsupportedImageError, match=r"'a.tif' is a path, not pixels; .* open_stack\('a.tif'\)"):
        as_stack(path)


def test_a_group_of_arrays_is_no_image():
    group = zarr.open_group(zarr.storage.MemoryStore(), mode="w")
    group.create_array("raw", data=np.zeros((4, 5)))
    for several in (group, {"raw": np.zeros((4, 5))}):
        with pytest.raises(UnsupportedImageError, match="give one of them, there are: raw"):
            as_stack(several)


def test_an_array_whose_shape_is_not_known_yet():
    array = da.from_array(np.zeros((4, 5, 6)))
    chosen = array[da.from_array(np.array([True, False, True, True]))]
    with pytest.raises(UnsupportedImageError, match=r"\(nan, 5, 6\) is not known yet; .*compute_chunk_sizes\(\)"):
        as_stack(chosen)
    assert as_stack(chosen.compute_chunk_sizes()).shape == (3, 5, 6)


def test_too_many_samples():
    with pytest.raises(UnsupportedImageError, match="call their axis c"):
        as_stack(np.zeros((4, 5, 6)), axes="yxs")


@pytest.mark.parametrize("wrap", [np.asarray, da.from_array, zarr.array, lambda a: a.tolist(), as_stack])
def test_kinds_of_arrays(wrap):
    array = np.arange(60.0).reshape(3, 4, 5)
    stack = as_stack(wrap(array))
    assert stack.dtype == np.float64
    np.testing.assert_array_equal(stack[1:, 2], array[1:, 2])


def test_big_endian_becomes_native():
    stack = as_stack(np.arange(6, dtype=">u2").reshape(2, 3))
    assert stack.dtype.isnative
    assert stack[...].dtype.isnative
    np.testing.assert_array_equal(stack[0], [[0, 1, 2], [3, 4, 5]])


def test_a_stack_stays_itself():
    stack = as_stack(np.zeros((4, 5)))
    assert as_stack(stack) is stack
    assert as_stack(stack, voxel_size_nm=(1, 2, 3)).voxel_size_nm == (1, 2, 3)


@given(hnp.basic_indices((4, 5, 6), allow_newaxis=False))
def test_indexing_is_numpys(index):
    array = np.arange(4 * 5 * 6).reshape(4, 5, 6)
    stack = as_stack(array.transpose(2, 1, 0), axes="xyz")
    np.testing.assert_array_equal(stack[index], array[index])


@pytest.mark.parametrize("index", [(0, 0, 0, 0), 4, (0, -6), [0, 1], None, np.array([True]), 1.5])
def test_what_cannot_be_an_index(index):
    with pytest.raises(IndexError):
        as_stack(np.zeros((4, 5, 6)))[index]


def test_iterates_over_planes():
    assert [plane.shape for plane in as_stack(np.zeros((4, 5, 6)))] == [(5, 6)] * 4


@given(st.integers(-6, 5), st.integers(0, 6), st.integers(0, 6))
def test_plane_counts_over_all_axes(i, top, left):
    array = np.arange(2 * 3 * 5 * 6).reshape(2, 3, 5, 6)
    window = (slice(top, top + 3), slice(left, None))
    np.testing.assert_array_equal(as_stack(array).plane(i), array.reshape(6, 5, 6)[i])
    np.testing.assert_array_equal(as_stack(array).plane(i, window), array.reshape(6, 5, 6)[i][window])


def test_no_such_plane():
    with pytest.raises(IndexError, match="4 planes"):
        as_stack(np.zeros((4, 5, 6))).plane(4)


def test_chunks_of_arrays_are_known():
    loads = []

    def load(block_info=None):
        loads.append(1)
        return np.full((32, 40, 50), len(loads), np.uint8)

    lazy = da.map_blocks(load, dtype=np.uint8, meta=np.empty((0, 0, 0), np.uint8), chunks=((32, 32), (40,), (50,)))
    stack = as_stack(lazy)
    assert len({int(stack.plane(i)[0, 0]) for i in range(64)}) == 2
    assert len(loads) == 2


def test_of_several_resolutions_the_first_is_taken():
    levels = [np.ones((4, 40, 50)), np.zeros((4, 20, 25)), np.zeros((4, 10, 13))]
    for data in (levels, tuple(levels), [da.from_array(level) for level in levels]):
        stack = as_stack(data)
        assert stack.shape == (4, 40, 50)
        assert stack.plane(0).min() == 1
    assert as_stack(levels[:1] * 3).shape == (3, 4, 40, 50)  # no levels: volumes of one size
    for wrong in (levels[::-1], [levels[0], levels[1][0]]):
        with pytest.raises(MixedSizesError, match=r"cells: a list of arrays of the shapes .* give one of the arrays"):
            as_stack(wrong, name="cells")


def test_the_data_of_a_multiscale_layer():
    from napari.layers import Image

    layer = Image([np.ones((4, 40, 50)), np.zeros((4, 20, 25))], multiscale=True)
    assert as_stack(layer.data).shape == (4, 40, 50)
    assert as_stack(layer.data).plane(0).min() == 1


def test_tensors():
    tensor = torch.arange(6).reshape(2, 3)
    np.testing.assert_array_equal(as_stack(tensor).plane(0), tensor.numpy())
    with pytest.raises(UnsupportedImageError, match=r"cells: a Tensor is no image here .*numpy, Dask or Zarr"):
        as_stack(torch.ones(2, 3, requires_grad=True), name="cells")


def test_dask_is_lazy_and_right():
    array = np.arange(3 * 50 * 60).reshape(3, 50, 60)
    spy = SpiedSource(array)
    lazy = Stack(spy, "zyx", name="spy").as_dask()
    assert spy.regions == []
    assert lazy.chunks == ((1, 1, 1), (50,), (60,))
    np.testing.assert_array_equal(lazy[1].compute(), array[1])
    assert {region[0][:2] for region in spy.regions} == {(1, 2)}


def test_dask_chunks_of_huge_planes_are_windows():
    huge = as_stack(np.broadcast_to(np.uint8(3), (2, 20000, 20000)))
    assert np.prod(huge.as_dask().chunksize) <= 2**25
    assert huge.as_dask()[1, 100:110, 19990:].compute().shape == (10, 10)


def test_survives_pickling():
    stack = as_stack(np.arange(24).reshape(2, 3, 4), axes="xyz", voxel_size_nm=(1, 2, 3), metadata={"a": 1})
    again = pickle.loads(pickle.dumps(stack))
    assert (again.axes, again.voxel_size_nm, again.metadata) == ("zyx", (1, 2, 3), {"a": 1})
    np.testing.assert_array_equal(again, stack)
    single = pickle.loads(pickle.dumps(as_stack(np.ones((3, 4)))))
    assert single.shape == (1, 3, 4)


def test_numpy_conversion():
    stack = as_stack(np.arange(6, dtype=np.uint8).reshape(2, 3))
    assert np.asarray(stack, dtype=np.float32).dtype == np.float32
    with pytest.raises(ValueError, match="copy"):
        np.asarray(stack, copy=False)


def test_says_what_it_is():
    text = repr(as_stack(np.zeros((2, 3, 4), np.uint8), name="a", voxel_size_nm=(50, 4, 4)))
    assert text == "<Stack 'a': zyx (2, 3, 4), uint8, (50.0, 4.0, 4.0) nm>"


def test_masked_pixels_are_not_taken_for_pixels():
    masked = np.ma.masked_greater(np.arange(12).reshape(3, 4), 5)
    for data in (masked, da.from_array(masked)):
        with pytest.raises(UnsupportedImageError, match=r"scan: some of its pixels are masked.*filled\(0\)"):
            as_stack(data, name="scan")
    with pytest.raises(UnsupportedImageError, match="some of its pixels are masked"):
        as_stack([masked, masked])
    np.testing.assert_array_equal(as_stack(np.ma.masked_array(masked.data))[0], masked.data)
    meanwhile = np.ma.masked_array(np.zeros((3, 4)))
    stack = as_stack(meanwhile, name="scan")  # or what masks as it reads, such as a variable of netCDF4
    meanwhile[0, 0] = np.ma.masked
    with pytest.raises(UnsupportedImageError, match="scan: some of its pixels are masked"):
        stack.plane(0)
