"""No chunk is decoded more often than it need be, and what comes is what is there."""

from __future__ import annotations

import numpy as np
from images.spied_source import SpiedSource

from napari_unets.images import decoded
from napari_unets.images.stack import Stack


def test_only_the_window_is_read():
    spy = SpiedSource(np.zeros((4, 50, 60)))
    Stack(spy, "zyx", name="spy").plane(2, (slice(10, 20), slice(30, 35)))
    assert spy.regions == [((2, 3, None), (10, 20, 1), (30, 35, 1))]


def test_whole_chunks_are_decoded_once():
    array = np.arange(3 * 50 * 60).reshape(3, 50, 60)
    spy = SpiedSource(array, chunks=(1, 50, 60))
    stack = Stack(spy, "zyx", name="spy")
    for top in range(0, 50, 10):
        window = (slice(top, top + 10), slice(5, 25))
        np.testing.assert_array_equal(stack.plane(1, window), array[1][window])
    assert len(spy.regions) == 1


def test_large_planes_that_can_only_be_decoded_whole_are_kept_one_at_a_time(monkeypatch):
    monkeypatch.setattr(decoded, "_LARGEST_CACHED_PLANE", 100)
    pixels = np.arange(3 * 20 * 30, dtype=np.uint8).reshape(3, 20, 30)
    whole, strips = SpiedSource(pixels, chunks=(1, 20, 30)), SpiedSource(pixels, chunks=(1, 8, 30))
    for spy, reads in ((whole, 4), (strips, 5)):
        stack = Stack(spy, "zyx", name="a")
        for plane, rows in ((0, slice(0, 3)), (0, slice(3, 6)), (1, slice(0, 3)), (0, slice(0, 3)), (2, slice(0, 3))):
            np.testing.assert_array_equal(stack.plane(plane, (rows, slice(0, 30))), pixels[plane, rows])
        assert len(spy.regions) == reads
    monkeypatch.setattr(decoded, "_LARGEST_DECODED_PLANE", 100)
    spy = SpiedSource(pixels, chunks=(1, 20, 30))
    stack = Stack(spy, "zyx", name="a")
    for _ in range(2):
        stack.plane(0, (slice(0, 3), slice(0, 30)))
    assert len(spy.regions) == 2


def test_planes_in_the_same_chunks_are_decoded_together(monkeypatch):
    array = np.arange(2 * 7 * 20 * 30).reshape(2, 7, 20, 30)
    spy = SpiedSource(array, chunks=(1, 3, 8, 8))
    stack = Stack(spy, "tzyx", name="spy")
    for i in range(14):
        np.testing.assert_array_equal(stack.plane(i), array[divmod(i, 7)])
    assert len(spy.regions) == 6
    spy.regions.clear()
    windows = [(slice(top, top + 9), slice(3, None)) for top in range(0, 20, 7)]
    for _ in range(2):  # as for statistics, and then again
        for i in range(3):
            for window in windows:
                np.testing.assert_array_equal(stack.plane(i, window), array[0, i][window])
    assert len(spy.regions) == 3
    with monkeypatch.context() as patch:  # windows that overlap are more than the planes
        patch.setattr(decoded, "_LARGEST_SLAB", 3 * 20 * 30 * 8)
        for window in ((slice(0, 20), slice(1, 30)), *windows):
            np.testing.assert_array_equal(stack.plane(1, window), array[0, 1][window])
        assert sum(pixels.nbytes for pixels in stack._decoded._slab_windows.values()) <= 3 * 20 * 30 * 8
    spy.regions.clear()
    for left in (0, 4, 8):  # less than half a chunk: the planes are decoded as a whole
        small = (slice(0, 20), slice(left, left + 3))
        np.testing.assert_array_equal(stack.plane(4, small), array[0, 4][small])
    assert len(spy.regions) == 1
    assert Stack(spy, "tzyx", name="spy").plane(0).base is None


def test_slabs_that_are_too_large_are_not_kept(monkeypatch):
    array = np.arange(6 * 20 * 30).reshape(6, 20, 30)
    for most, reads in ((3 * 20 * 30 * 8, 2), (3 * 20 * 30 * 8 - 1, 6)):
        monkeypatch.setattr(decoded, "_LARGEST_SLAB", most)
        spy = SpiedSource(array, chunks=(3, 20, 30))
        stack = Stack(spy, "zyx", name="spy")
        for i in range(6):
            np.testing.assert_array_equal(stack.plane(i), array[i])
        assert len(spy.regions) == reads


def test_slabs_of_axes_in_any_order():
    array = np.arange(20 * 5 * 30).reshape(20, 5, 30)
    spy = SpiedSource(array, chunks=(10, 4, 30))
    stack = Stack(spy, "yzx", name="spy")
    for i in range(5):
        np.testing.assert_array_equal(stack.plane(i), array[:, i])
    assert len(spy.regions) == 2


def test_what_is_returned_may_be_changed():
    stack = Stack(SpiedSource(np.zeros((1, 50, 60)), chunks=(1, 50, 60)), "zyx", name="spy")
    window = (slice(0, 10), slice(0, 10))
    stack.plane(0, window)[:] = 7
    assert stack.plane(0, window).max() == 0
