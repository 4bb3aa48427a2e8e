"""Axes that OME-Zarr has, and the order in which it has them."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from napari_unets.images import UnsupportedImageError, as_stack, open_stack, save_stack
from napari_unets.images.ome_axes import check_ome_axes, in_ome_order

VALUES = np.arange(2 * 3 * 4 * 5 * 6).reshape(2, 3, 4, 5, 6).astype(np.uint16)


@pytest.mark.parametrize("axes", ["yx", "tyx", "czyx", "tczyx"])
def test_axes_of_ome_zarr(axes):
    check_ome_axes(axes, Path("v.ome.zarr"))
    stack = as_stack(VALUES[0, 0, 0] if axes == "yx" else VALUES[(0,) * (5 - len(axes))], axes=axes)
    assert in_ome_order(stack) is stack


@pytest.mark.parametrize("axes", ["zcyx", "cczyx", "ctzyx", "qzyx", "xyz"])
def test_other_axes_are_refused(axes):
    with pytest.raises(UnsupportedImageError, match=rf"v\.ome\.zarr: OME-Zarr has no axes '{axes}'"):
        check_ome_axes(axes, Path("v.ome.zarr"))


def test_planes_in_its_order(tmp_path):
    path = save_stack(tmp_path / "v.tif", VALUES, axes="ztcyx", voxel_size_nm=(30, 4, 4), metadata={"a": 1})
    with in_ome_order(open_stack(path)) as stack:
        assert (stack.axes, stack.shape, stack.dtype) == ("tczyx", (3, 4, 2, 5, 6), np.uint16)
        assert (stack.name, stack.path, stack.voxel_size_nm, stack.metadata) == ("v", path, (30, 4, 4), {"a": 1})
        expected = VALUES.transpose(1, 2, 0, 3, 4)
        np.testing.assert_array_equal(stack[...], expected)
        np.testing.assert_array_equal(stack[1, :, 0, 1:3, ::-1], expected[1, :, 0, 1:3, ::-1])
        np.testing.assert_array_equal(stack.plane(5, (slice(1, 3), slice(2, 4))), expected[0, 2, 1, 1:3, 2:4])
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(stack))[...], expected)


def test_colour_and_unknown_axes_stay():
    stack = in_ome_order(as_stack(np.zeros((2, 3, 5, 6, 3), np.uint8), axes="ztyxs"))
    assert (stack.axes, stack.shape) == ("tzyxs", (3, 2, 5, 6, 3))
    assert in_ome_order(as_stack(VALUES[0], axes="zqyx")).axes == "zqyx"
