from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_unets.images import Statistics, as_stack
from napari_unets.inference import reading
from napari_unets.inference.reading import PlaneReader, mirrored

IDENTITY = Statistics(np.zeros(1), np.ones(1))


@given(st.integers(1, 9), st.integers(0, 40), st.integers(0, 40))
def test_mirrored_is_repeated_reflection(length, before, after):
    expected = np.pad(np.arange(length), (before, after), mode="reflect")
    np.testing.assert_array_equal(mirrored(-before, length + after, length), expected)


class Counting:
    """An array that remembers what was read of it."""

    def __init__(self, values):
        self._values = values
        self.shape, self.dtype = values.shape, values.dtype
        self.read: list[tuple[slice, ...]] = []

    def __getitem__(self, index):
        self.read.append(index)
        return self._values[index]


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("by_rows", [True, False])
@given(y=st.integers(-30, 40), x=st.integers(-30, 40), height=st.integers(1, 40), width=st.integers(1, 40))
def test_windows_are_those_of_the_endlessly_mirrored_plane(whole, by_rows, y, x, height, width):
    values = np.arange(2 * 11 * 13, dtype=np.float32).reshape(2, 11, 13)
    before = reading.WHOLE_PLANE_PIXELS
    reading.WHOLE_PLANE_PIXELS = before if whole else 0
    try:
        reader = PlaneReader(as_stack(values), 1, IDENTITY, by_rows=by_rows)
        window = reader.window(1, (y, y + height), (x, x + width))
    finally:
        reading.WHOLE_PLANE_PIXELS = before
    endless = np.pad(values[1], 100, mode="reflect")
    np.testing.assert_array_equal(window[0], endless[100 + y :, 100 + x :][:height, :width])
    assert window.dtype == np.float32
    assert window.flags.c_contiguous


def rows_read(source):
    return [(index[-2].start, index[-2].stop, index[-1].start, index[-1].stop) for index in source.read]


def test_a_plane_of_usual_size_is_read_once(monkeypatch):
    source = Counting(np.zeros((3, 40, 50), np.uint8))
    reader = PlaneReader(as_stack(source), 1, IDENTITY)
    for plane in (0, 0, 2, 2):
        for x in (-4, 20):
            reader.window(plane, (0, 16), (x, x + 16))
    assert rows_read(source) == [(0, 40, 0, 50)] * 2


def test_a_huge_plane_is_read_in_strips(monkeypatch):
    monkeypatch.setattr(reading, "WHOLE_PLANE_PIXELS", 1000)
    source = Counting(np.zeros((40, 50), np.uint8))
    reader = PlaneReader(as_stack(source), 1, IDENTITY)
    for y in (-4, 10):
        for x in (-4, 20):
            reader.window(0, (y, y + 16), (x, x + 16))
    assert rows_read(source) == [(0, 12, 0, 50), (10, 26, 0, 50)]


def test_a_huge_plane_seen_from_a_point_is_read_window_by_window(monkeypatch):
    monkeypatch.setattr(reading, "WHOLE_PLANE_PIXELS", 1000)
    source = Counting(np.zeros((40, 50), np.uint8))
    reader = PlaneReader(as_stack(source), 1, IDENTITY, by_rows=False)
    reader.window(0, (10, 26), (20, 36))
    assert rows_read(source) == [(10, 26, 20, 36)]


def test_statistics_and_colour_are_applied():
    values = np.random.default_rng(0).integers(0, 255, (40, 50, 3), np.uint8)
    statistics = Statistics(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 8.0]))
    window = PlaneReader(as_stack(values), 3, statistics).window(0, (-2, 4), (0, 5))
    expected = (values[mirrored(-2, 4, 40)][:, :5] - statistics.offset) / statistics.scale
    np.testing.assert_allclose(window, np.moveaxis(expected, -1, 0), rtol=1e-6)
