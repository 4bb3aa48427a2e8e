"""The generated sample: exact truth, and enough like the real thing."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_unets.images import open_stack, synthetic_em_stack
from napari_unets.images.synthetic import synthetic_em_volume


@pytest.fixture(scope="module")
def volume():
    return synthetic_em_volume(4, 256, seed=3)


def test_shapes_and_types(volume):
    assert volume.image.shape == volume.truth.shape == volume.neurites.shape == (4, 256, 256)
    assert (volume.image.dtype, volume.truth.dtype, volume.neurites.dtype) == (np.uint8, np.uint8, np.uint16)
    assert set(np.unique(volume.truth)) == {0, 255}


def test_the_same_each_time(volume):
    image, truth = synthetic_em_stack(4, 256, seed=3)
    np.testing.assert_array_equal(image, volume.image)
    np.testing.assert_array_equal(truth, volume.truth)
    fewer, _ = synthetic_em_stack(2, 256, seed=3)
    np.testing.assert_array_equal(fewer, volume.image[:2])
    other, _ = synthetic_em_stack(1, 256, seed=4)
    assert np.mean(other[0] == volume.image[0]) < 0.1


def test_membranes_part_the_neurites(volume):
    """No two neurites touch: every label of the truth is one neurite."""
    np.testing.assert_array_equal(volume.truth == 0, volume.neurites == 0)
    for truth, neurites in zip(volume.truth, volume.neurites, strict=True):
        cells, n = ndimage.label(truth)
        assert n > 20
        low = ndimage.minimum(neurites, cells, np.arange(1, n + 1))
        high = ndimage.maximum(neurites, cells, np.arange(1, n + 1))
        np.testing.assert_array_equal(low, high)


def test_membranes_are_dark_lines(volume):
    membrane = volume.truth == 0
    assert 0.12 < membrane.mean() < 0.35
    assert volume.image[~membrane].mean() - volume.image[membrane].mean() > 40
    widest = ndimage.distance_transform_edt(membrane[0]).max()
    assert widest < 12


def test_neurites_go_on_in_the_next_section(volume):
    both = (volume.neurites[0] > 0) & (volume.neurites[1] > 0)
    assert np.mean(volume.neurites[0][both] == volume.neurites[1][both]) > 0.85
    assert np.any(volume.neurites[0] != volume.neurites[1])


@pytest.mark.parametrize("size", [1, 2, 33])
def test_small_images(size):
    image, truth = synthetic_em_stack(1, size)
    assert image.shape == truth.shape == (1, size, size)


@pytest.mark.parametrize(("planes", "size"), [(0, 64), (1, 0)])
def test_no_image(planes, size):
    with pytest.raises(ValueError, match="at least one"):
        synthetic_em_stack(planes, size)


def test_is_like_the_real_sections(shared_data):
    """Grey values, share of membrane and number of cells are of the same order."""
    image, truth = synthetic_em_stack(2)
    with (
        open_stack(shared_data / "isbi2012" / "image") as stack,
        open_stack(shared_data / "isbi2012" / "label") as real,
    ):
        for measure, tolerance in ((np.mean, 0.2), (np.std, 0.25)):
            assert measure(image) == pytest.approx(measure(stack[...]), rel=tolerance)
        assert np.mean(truth == 0) == pytest.approx(np.mean(real[...] == 0), rel=0.3)
        cells = np.mean([ndimage.label(plane)[1] for plane in truth])
        assert 0.5 < cells / np.mean([ndimage.label(plane)[1] for plane in real]) < 2
