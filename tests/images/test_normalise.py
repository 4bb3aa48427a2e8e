"""Statistics of a stack, and planes as a network's input."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_unets.images import ChannelsError, Statistics, as_stack, compute_statistics, open_stack, prepare_plane
from napari_unets.images.collectors import Histogram, Moments

RNG = np.random.default_rng(0)
UNCHANGED = Statistics(np.zeros(1), np.ones(1))


@pytest.mark.parametrize("dtype", ["?", "u1", "i1", "u2", "i2", "u4", "i4", "f2", "f4", "f8"])
def test_zscore(dtype):
    array = RNG.integers(0, 2 if dtype == "?" else 100, (5, 40, 50)).astype(dtype)
    found = compute_statistics(as_stack(array), "zscore")
    np.testing.assert_allclose(found.offset, [array.mean(dtype=np.float64)], rtol=1e-12)
    np.testing.assert_allclose(found.scale, [array.std(dtype=np.float64)], rtol=1e-12)
    planes = [prepare_plane(plane, 1, found) for plane in as_stack(array)]
    assert np.mean(planes) == pytest.approx(0, abs=1e-5)
    assert np.std(planes) == pytest.approx(1, rel=1e-5)


@pytest.mark.parametrize("dtype", ["?", "u1", "i1", "u2", "i2", "i4", "f4"])
@pytest.mark.parametrize(("low", "high"), [(1, 99), (0, 100), (30, 31)])
def test_percentile(dtype, low, high):
    array = RNG.integers(0, 2 if dtype == "?" else 100, (3, 40, 51)).astype(dtype)
    found = compute_statistics(as_stack(array), "percentile", low=low, high=high)
    bottom, top = np.percentile(array.astype(float), [low, high])
    assert found.offset[0] == pytest.approx(bottom)
    assert found.scale[0] == pytest.approx((top - bottom) or 1)


@given(hnp.arrays(np.int16, st.integers(1, 40)), st.floats(0, 100), st.floats(0, 100))
@settings(deadline=None)
def test_histogram_is_numpys_percentile(values, low, high):
    histogram = Histogram(low, high)
    histogram.add(values[: len(values) // 2])
    histogram.add(values[len(values) // 2 :])
    bottom, top = np.percentile(values.astype(np.float64), [low, high])
    offset, scale = histogram.result()
    assert offset == pytest.approx(bottom, abs=1e-6)
    assert scale == pytest.approx(top - bottom, abs=1e-6)


@given(st.lists(hnp.arrays(np.float64, st.integers(0, 20), elements=st.floats(-1e6, 1e6)), min_size=1, max_size=6))
def test_moments_of_blocks_are_those_of_the_whole(blocks):
    moments = Moments()
    for block in blocks:
        moments.add(block)
    whole = np.concatenate(blocks)
    offset, scale = moments.result()
    assert offset == pytest.approx(whole.mean() if whole.size else 0, abs=1e-6)
    assert scale == pytest.approx(whole.std() if whole.size else 0, abs=1e-6)


def test_moments_do_not_cancel():
    values = 1e9 + RNG.normal(0, 1e-2, 10_000)
    moments = Moments()
    for block in np.split(values, 100):
        moments.add(block)
    assert moments.result()[1] == pytest.approx(values.std(), rel=1e-6)


@pytest.mark.parametrize(
    ("dtype", "brightest", "white"),
    [("?", 1, 1), ("u1", 1, 255), ("u2", 200, 255), ("u2", 256, 1023), ("u2", 4095, 4095), ("u2", 4096, 65535)],
)
def test_range_of_pixels_whose_white_is_known(dtype, brightest, white):
    array = np.zeros((2, 40, 50), dtype)
    array[1, 3, 4] = brightest
    found = compute_statistics(as_stack(array), "range")
    assert (found.offset[0], found.scale[0]) == (0, white)


@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "i8", "u4", "u8"])
def test_range_of_pixels_whose_white_is_not_known(dtype):
    array = RNG.integers(3, 90, (2, 40, 50))
    found = compute_statistics(as_stack(array.astype(dtype)), "range")
    assert found == compute_statistics(as_stack(array.astype(np.float64)), "range")


def test_range_of_colours_of_16_bits_is_that_of_the_brightest_without_transparency():
    colour = np.full((2, 40, 50, 4), 65535, np.uint16)
    colour[..., :3] = 255, 100, 1023
    for luminance, scale in ((True, [1023]), (False, [1023] * 3)):
        assert compute_statistics(as_stack(colour), "range", luminance=luminance).scale.tolist() == scale
    white = np.full((1, 40, 50, 3), 255, np.uint16)
    assert compute_statistics(as_stack(white), "range").scale.tolist() == [255]  # rounding lifts luminance above


def test_range_of_real_numbers():
    found = compute_statistics(as_stack(np.array([[-2, np.nan], [6, np.inf]])), "range")
    assert (found.offset[0], found.scale[0]) == (-2, 8)


@pytest.mark.parametrize("method", ["zscore", "percentile", "range"])
@pytest.mark.parametrize("value", [0.0, 7.5, np.nan])
def test_constant_and_empty_images_are_harmless(method, value):
    array = np.full((2, 40, 50), value)
    found = compute_statistics(as_stack(array), method)
    assert found.scale[0] == 1
    assert np.all(prepare_plane(array[0], 1, found) == 0)


def test_planes_are_spread_evenly():
    array = np.zeros((100, 4, 5))
    array[[0, 33, 66, 99]] = 4
    found = compute_statistics(as_stack(array), max_planes=4)
    assert found.offset[0] == 4
    assert compute_statistics(as_stack(array), max_planes=1).offset[0] == 4


def test_large_planes_are_read_in_bands():
    array = RNG.integers(0, 255, (1, 3000, 2000)).astype(np.uint8)
    found = compute_statistics(as_stack(array))
    assert found.offset[0] == pytest.approx(array.mean(), rel=1e-12)


class Huge:
    """An array too large to be read, in which each pixel is the number of its plane and square."""

    def __init__(self, *shape):
        self.shape, self.dtype, self.read = shape, np.dtype(np.float32), []

    def __getitem__(self, index):
        lengths = [len(range(*part.indices(n))) for part, n in zip(index, self.shape, strict=True)]
        self.read.append((index[-3].start, index[-2].start // 512, index[-1].start // 512, int(np.prod(lengths))))
        return np.full(lengths, index[-2].start, self.dtype)


@pytest.mark.parametrize("shape", [(100, 16384, 16384), (1, 100_000, 100_000), (40, 300, 2**20)])
def test_of_huge_planes_a_part_is_read_evenly_spread(shape, monkeypatch):
    monkeypatch.setattr("napari_unets.images.sampling.LARGEST_SAMPLE", 2**24)
    huge = Huge(*shape)
    compute_statistics(as_stack(huge))
    planes, rows, columns, sizes = zip(*huge.read, strict=True)
    assert 2**22 <= sum(sizes) <= 2**24
    assert max(sizes) <= 2**22
    assert len(set(planes)) == min(32, shape[0])
    first = [(y, x) for z, y, x, _ in huge.read if z == 0]
    assert [(y, x) for z, y, x, _ in huge.read if z == planes[-1]] == first
    for part, n in ((rows, shape[1]), (columns, shape[2])):
        steps = np.diff([-1, *sorted(set(part)), -(-n // 512)])
        assert steps.max() <= 2 * steps[1:-1].min(initial=steps.max())
    again = Huge(*shape)
    compute_statistics(as_stack(again))
    assert again.read == huge.read


def test_the_sample_of_a_huge_plane_is_enough(monkeypatch):
    monkeypatch.setattr("napari_unets.images.sampling.LARGEST_SAMPLE", 2**20)
    array = RNG.normal(5, 2, (2, 2000, 1500)).astype(np.float32)
    for method, offset, scale in (("zscore", 5, 2), ("percentile", 5 - 2 * 2.326, 4 * 2.326)):
        found = compute_statistics(as_stack(array), method)
        np.testing.assert_allclose([found.offset[0], found.scale[0]], [offset, scale], rtol=0.05)


def test_what_is_raised_between_parts_ends_the_work():
    class StoppedError(Exception):
        pass

    asked = []

    def between():
        asked.append(1)
        if len(asked) == 3:
            raise StoppedError

    huge = Huge(40, 50, 60)
    with pytest.raises(StoppedError):
        compute_statistics(as_stack(huge), between=between)
    assert len(huge.read) == 2


def test_unknown_method():
    with pytest.raises(ValueError, match="zscore, percentile, range, otsu and wolf"):
        compute_statistics(as_stack(np.zeros((4, 5))), "magic")


def test_statistics_of_colour():
    array = RNG.integers(0, 255, (2, 40, 50, 3)).astype(np.uint8)
    by_channel = compute_statistics(as_stack(array), luminance=False)
    np.testing.assert_allclose(by_channel.offset, array.mean((0, 1, 2)))
    np.testing.assert_allclose(by_channel.scale, array.std((0, 1, 2)))
    grey = array @ [0.299, 0.587, 0.114]
    together = compute_statistics(as_stack(array), luminance=True)
    assert together.offset.shape == (1,)
    assert together.offset[0] == pytest.approx(grey.mean(), rel=1e-6)
    assert compute_statistics(as_stack(array), "range", luminance=False).scale.tolist() == [255] * 3


def test_json_loses_nothing():
    statistics = Statistics(np.array([0.1, 1 / 3, 1e-30]), np.array([1.0, np.pi, 7]))
    again = Statistics.from_json(json.loads(json.dumps(statistics.to_json())))
    assert again == statistics
    assert hash(again) == hash(statistics)
    assert statistics != Statistics(np.zeros(3), np.ones(3))
    assert statistics != "something else"


def test_grey_for_one_and_three_channels():
    plane = np.arange(20, dtype=np.uint8).reshape(4, 5)
    statistics = Statistics(np.array([10.0]), np.array([2.0]))
    one, three = prepare_plane(plane, 1, statistics), prepare_plane(plane, 3, statistics)
    np.testing.assert_array_equal(one, [(plane - 10.0) / 2])
    np.testing.assert_array_equal(three, np.repeat(one, 3, axis=0))
    assert one.dtype == three.dtype == np.float32
    assert three.flags.c_contiguous
    assert three.flags.writeable


@pytest.mark.parametrize("samples", [3, 4])
def test_colour_for_one_and_three_channels(samples):
    plane = RNG.integers(0, 255, (4, 5, samples)).astype(np.uint8)
    three = prepare_plane(plane, 3, Statistics(np.array([1.0, 2, 3]), np.array([1.0, 2, 4])))
    np.testing.assert_array_equal(three, np.moveaxis((plane[..., :3] - [1.0, 2, 3]) / [1, 2, 4], -1, 0))
    assert three.flags.c_contiguous
    one = prepare_plane(plane, 1, UNCHANGED)
    np.testing.assert_allclose(one[0], plane[..., :3] @ [0.299, 0.587, 0.114], rtol=1e-6)


def test_grey_with_transparency():
    plane = RNG.integers(0, 255, (4, 5, 2)).astype(np.uint8)
    np.testing.assert_array_equal(prepare_plane(plane, 1, UNCHANGED)[0], plane[..., 0])
    np.testing.assert_array_equal(prepare_plane(plane, 3, UNCHANGED), np.stack([plane[..., 0]] * 3))


@pytest.mark.parametrize(("shape", "channels"), [((4, 5), 2), ((4, 5, 3), 2), ((4, 5), 4)])
def test_channels_that_do_not_fit(shape, channels):
    with pytest.raises(ChannelsError, match=f"the model takes {channels}"):
        prepare_plane(np.zeros(shape), channels, UNCHANGED)


def test_what_is_not_finite_becomes_the_mean():
    plane = np.array([[1.0, np.nan], [np.inf, -np.inf]])
    np.testing.assert_array_equal(prepare_plane(plane, 1, Statistics(np.ones(1), np.ones(1)))[0], np.zeros((2, 2)))


@pytest.mark.parametrize("method", ["zscore", "percentile", "range", "otsu", "wolf"])
@pytest.mark.parametrize("number", [-3.4028235e38, 9.96921e36, -1.7e308, np.nan])
def test_numbers_that_stand_for_no_value_count_for_nothing(method, number):
    pixels = np.random.default_rng(0).random((2, 40, 50))
    holes = np.zeros(pixels.shape, bool)
    holes[:, 5:15, 20:30] = True
    missing = np.where(holes, np.nan, pixels)
    written = np.where(holes, number, pixels).astype(np.float64 if abs(number) > 1e300 else np.float32)
    expected, found = (compute_statistics(as_stack(each), method, window=9) for each in (missing, written))
    for plane in range(2):
        one, other = expected.of_plane(as_stack(missing), plane), found.of_plane(as_stack(written), plane)
        np.testing.assert_allclose(other.offset, one.offset, rtol=1e-5)
        np.testing.assert_allclose(other.scale, one.scale, rtol=1e-5)
        prepared = prepare_plane(written[plane], 1, other)
        np.testing.assert_allclose(prepared, prepare_plane(missing[plane], 1, one), atol=1e-5)
        assert np.all(prepared[0][holes[plane]] == 0)


def test_large_integers_keep_their_differences():
    plane = np.array([[2**31, 2**31 + 1]], dtype=np.uint32)
    prepared = prepare_plane(plane, 1, Statistics(np.array([2.0**31]), np.ones(1)))
    np.testing.assert_array_equal(prepared[0], [[0, 1]])


def test_the_plane_is_left_alone():
    plane = np.ones((4, 5), np.float32)
    prepare_plane(plane, 1, Statistics(np.ones(1), np.ones(1)))[:] = 9
    assert plane.max() == plane.min() == 1


def test_real_sections(shared_data):
    with open_stack(shared_data / "isbi2012" / "image") as stack:
        found = compute_statistics(stack)
        array = stack[...]
    assert found.offset[0] == pytest.approx(array.mean())
    assert found.scale[0] == pytest.approx(array.std())
