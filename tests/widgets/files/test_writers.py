"""Writers: what of a layer is in the file."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image, Labels

from napari_unets.images import UnsupportedImageError, open_stack
from napari_unets.widgets.files.writers import write_image, write_labels

STACK = np.random.default_rng(0).integers(0, 255, (4, 40, 50)).astype(np.uint8)


def _save(layer, path):
    data, meta, kind = layer.as_layer_data_tuple()
    write = {"image": write_image, "labels": write_labels}[kind]
    assert write(str(path), data, meta) == [str(path)]
    return open_stack(path)


@pytest.mark.parametrize("name", ["a.tif", "a.ome.zarr", "folder"])
@pytest.mark.parametrize("kind", [Image, Labels])
def test_layer_comes_back(tmp_path, name, kind):
    layer = kind(
        STACK,
        scale=(0.05, 0.004, 0.005),
        units=("um", "um", "um"),
        axis_labels=("z", "y", "x"),
        metadata={"model": "m", "viewer": object(), "size": (1, 2)},
    )
    stack = _save(layer, tmp_path / name)
    assert stack.voxel_size_nm == pytest.approx((50, 4, 5))
    assert stack.metadata == {"model": "m", "size": [1, 2]}
    assert stack.is_labels is (kind is Labels)
    assert stack.axes == "zyx"
    np.testing.assert_array_equal(stack, STACK)


def test_pixels_are_no_length(tmp_path):
    stack = _save(Image(STACK, scale=(2, 1, 1)), tmp_path / "a.tif")
    assert stack.voxel_size_nm is None
    assert stack.axes == "zyx"


def test_flat_layer(tmp_path):
    layer = Labels(STACK[0], scale=(4, 5), units=("nm", "nm"), axis_labels=("y", "x"))
    stack = _save(layer, tmp_path / "a.tif")
    assert (stack.shape, stack.voxel_size_nm) == ((1, 40, 50), (4, 4, 5))


def test_colour_and_time(tmp_path):
    colour = np.random.default_rng(0).integers(0, 255, (2, 40, 50, 3)).astype(np.uint8)
    layer = Image(colour, rgb=True, axis_labels=("t", "y", "x"), units=("pixel", "nm", "nm"), scale=(1, 4, 4))
    stack = _save(layer, tmp_path / "a.tif")
    assert (stack.axes, stack.voxel_size_nm) == ("tyxs", (4, 4, 4))
    np.testing.assert_array_equal(stack, colour)


def test_multiscale_layer_at_full_resolution(tmp_path):
    layer = Image([STACK, STACK[:, ::2, ::2]], multiscale=True)
    np.testing.assert_array_equal(_save(layer, tmp_path / "a.tif"), STACK)


@pytest.mark.parametrize(
    ("largest", "dtype"), [(3, np.uint16), (2**16 - 1, np.uint16), (2**16, np.uint32), (2**32 - 1, np.uint32)]
)
def test_ids_of_64_bits_shrink(tmp_path, largest, dtype):
    ids = np.zeros((2, 4, 5), np.int64)
    ids[1, 2, 3] = largest
    stack = _save(Labels(ids), tmp_path / "a.tif")
    assert stack.dtype == dtype
    np.testing.assert_array_equal(stack, ids)


def test_ids_that_do_not_fit(tmp_path):
    ids = np.full((2, 4, 5), 2**32, np.int64)
    with pytest.raises(UnsupportedImageError, match="Use OME-Zarr"):
        _save(Labels(ids), tmp_path / "a.tif")
    np.testing.assert_array_equal(_save(Labels(ids), tmp_path / "a.ome.zarr"), ids)


def test_saved_again(tmp_path):
    _save(Labels(STACK), tmp_path / "a.tif")
    np.testing.assert_array_equal(_save(Labels(STACK // 2), tmp_path / "a.tif"), STACK // 2)
