"""Bright and dark exchanged."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_unets.images import compute_statistics, open_page, open_pages, open_stack, prepare_plane, save_stack

RNG = np.random.default_rng(0)


def stack_of(dtype, high):
    values = RNG.integers(0, high, (3, 40, 50)).astype(dtype)
    values[1, 3, 4] = high
    return values


@pytest.mark.parametrize(
    ("dtype", "high", "expected"),
    [
        ("uint8", 200, lambda x: 255 - x),
        ("uint16", 900, lambda x: 1023 - x),
        ("uint16", 4095, lambda x: 4095 - x),
        ("uint32", 10**9, lambda x: 10**9 - x),
        ("int16", 30000, lambda x: -1 - x),
        ("float32", 100, lambda x: -x),
        ("bool", 1, np.logical_not),
    ],
)
def test_every_type(tmp_path, dtype, high, expected):
    values = stack_of(dtype, high)
    path = tmp_path / "a.h5" if dtype == "bool" else save_stack(tmp_path / "a.tif", values, axes="zyx")
    if dtype == "bool":
        import h5py

        h5py.File(path, "w")["raw"] = values
    with open_stack(path, invert=True) as stack, open_stack(path) as plain:
        assert (stack.dtype, stack.axes, stack.shape) == (plain.dtype, plain.axes, plain.shape)
        np.testing.assert_array_equal(stack[...], expected(values))
        np.testing.assert_array_equal(stack.plane(1, (slice(2, 9), slice(4, 7))), expected(values)[1, 2:9, 4:7])
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(stack))[2], expected(values)[2])
        np.testing.assert_array_equal(stack.as_dask()[1].compute(), expected(values)[1])


def test_values_beyond_what_was_sampled_are_black(tmp_path):
    values = np.full((40, 20, 30), 800, np.uint16)
    values[3] = 5000  # none of the planes that are looked at
    with open_stack(save_stack(tmp_path / "a.tif", values, axes="zyx"), invert=True) as stack:
        assert set(np.unique(stack[...])) == {0, 223}


def test_what_a_model_sees_has_the_other_sign(tmp_path):
    path = save_stack(tmp_path / "a.tif", stack_of("uint16", 4000), axes="zyx")
    with open_stack(path) as plain, open_stack(path, invert=True) as inverted:
        seen = [prepare_plane(s.plane(1), 1, compute_statistics(s, "zscore")) for s in (plain, inverted)]
        np.testing.assert_allclose(seen[0], -seen[1], atol=1e-4)
        seen = [prepare_plane(s.plane(1), 1, compute_statistics(s, "range")) for s in (plain, inverted)]
        np.testing.assert_allclose(seen[0], 1 - seen[1], atol=1e-6)


def test_with_channels_axes_and_pages(tmp_path):
    values = RNG.integers(0, 255, (2, 3, 40, 50), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", values, imagej=True, metadata={"axes": "ZCYX"})
    with open_stack(tmp_path / "a.tif", channel=2, pages="2", voxel_size_nm=(9, 4, 4), invert=True) as stack:
        np.testing.assert_array_equal(stack[0], 255 - values[1, 1])
        assert stack.voxel_size_nm == (9, 4, 4)


def test_colour_but_not_transparency(tmp_path):
    values = RNG.integers(0, 255, (40, 50, 4), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb", extrasamples=["unassalpha"])
    with open_stack(tmp_path / "a.tif", invert=True) as stack, open_stack(tmp_path / "a.tif") as plain:
        found, before = stack[0], plain[0]
        np.testing.assert_array_equal(found[..., :3], 255 - before[..., :3])
        np.testing.assert_array_equal(found[..., 3:], before[..., 3:])
        np.testing.assert_array_equal(stack[0, 3:9, :, 1:], found[3:9, :, 1:])


def test_pages_of_several_sizes(tmp_path):
    pages = [RNG.integers(0, 255, shape, dtype=np.uint8) for shape in ((40, 50), (30, 60))]
    for number, page in enumerate(pages):
        Image.fromarray(page).save(tmp_path / f"{number}.png")
    with open_pages(tmp_path, invert=True) as document:
        for page, expected in zip(document, pages, strict=True):
            np.testing.assert_array_equal(page[0], 255 - expected)
            np.testing.assert_array_equal(pickle.loads(pickle.dumps(page))[0], 255 - expected)
        padded = document.as_stack(pad=True)
        np.testing.assert_array_equal(padded[1, :30], 255 - pages[1])
        assert (padded[1, 30:] == 255).all(), "what is beside a page stays white"
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(padded))[...], padded[...])
    with open_page(tmp_path / "0.png", 1, invert=True) as page:
        np.testing.assert_array_equal(page[0], 255 - pages[0])
