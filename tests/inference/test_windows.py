from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from napari_unets.inference.geometry import Geometry
from napari_unets.inference.windows import Span, fit_axis, fit_windows

from .shared import SMALL, small_network

geometries = st.builds(
    Geometry,
    stride=st.sampled_from([1, 2, 4, 16, 32]),
    smallest=st.integers(1, 40),
    margin=st.integers(0, 20),
    exact_halo=st.integers(0, 60),
)
regions = st.one_of(st.none(), st.tuples(st.floats(0, 1), st.floats(0, 1)))


def region_of(fractions: tuple[float, float] | None, length: int) -> tuple[int, int] | None:
    if fractions is None:
        return None
    first, last = sorted(int(f * length) for f in fractions)
    return min(first, length - 1), max(last, min(first, length - 1) + 1)


def check(spans: list[Span], length: int, geometry: Geometry, halo: int, region: tuple[int, int] | None) -> None:
    """What must hold of any covering of an axis."""
    first, last = region or (0, length)
    whole = geometry.side(length)
    assert {span.size for span in spans} == {geometry.side(spans[0].size)}
    total = np.zeros(length)
    covering = np.zeros(length, int)
    cut = geometry.exact_halo if halo >= geometry.exact_halo else halo // 2
    for span in spans:
        assert span.start % geometry.stride == 0
        assert 0 <= span.start <= span.first < span.last
        assert span.stop <= whole
        # What is used lies far enough from an edge that is not the whole image's own edge.
        assert span.start == 0 or span.first >= span.start + cut
        assert span.stop == whole or span.last <= span.stop - cut
        assert (span.weights > 0).all()
        total[span.first : span.last] += span.weights
        covering[span.first : span.last] += 1
    inside = slice(first, last)
    np.testing.assert_allclose(total[inside], 1, atol=1e-6)
    assert covering[inside].max() <= 2
    assert not covering[:first].any()
    assert not covering[last:].any()


@given(st.integers(1, 700), geometries, st.integers(0, 70), st.integers(1, 9), regions)
def test_windows_of_an_axis_cover_it_with_weights_that_sum_to_one(length, geometry, halo, count, fractions):
    region = region_of(fractions, length)
    try:
        spans = fit_axis(length, geometry, halo, count, region)
    except ValueError:
        assume(False)
    assert len(spans) <= count
    check(spans, length, geometry, halo, region)


@given(
    st.integers(1, 500), st.integers(1, 500), geometries, st.integers(0, 40), st.integers(1, 90_000), regions, regions
)
def test_chosen_windows_respect_the_pixels_there_is_memory_for(height, width, geometry, halo, pixels, ys, xs):
    y, x = region_of(ys, height) or (0, height), region_of(xs, width) or (0, width)
    grid = fit_windows(height, width, geometry, halo, pixels=pixels, region=(slice(*y), slice(*x)))
    check(list(grid.rows), height, geometry, halo, y)
    check(list(grid.columns), width, geometry, halo, x)
    side = geometry.side(3 * halo + geometry.stride) + 2 * geometry.margin
    read = (grid.shape[0] + 2 * geometry.margin) * (grid.shape[1] + 2 * geometry.margin)
    assert read <= max(pixels, side**2)


@given(st.integers(1, 600), geometries, st.integers(0, 40), st.integers(1, 400))
def test_no_window_is_larger_than_the_tile_asked_for_if_the_halo_leaves_room(length, geometry, halo, tile):
    grid = fit_windows(length, length, geometry, halo, largest=tile)
    if tile >= geometry.side(2 * halo + geometry.stride):
        assert max(grid.shape) <= tile
    else:
        assert max(grid.shape) <= geometry.side(3 * halo + geometry.stride)


def test_fitted_windows_compute_little_more_than_the_image():
    # A fixed window of 1024 with this halo would need 3 x 3 windows, 2.25 times the image.
    geometry = Geometry(16, 16, 0, 170)
    grid = fit_windows(2048, 2048, geometry, 64, largest=1100)
    assert grid.shape == (1088, 1088)
    assert len(grid) == 4
    assert grid.pixels / 2048**2 == pytest.approx(1.129, abs=1e-3)


def test_windows_need_not_be_square():
    geometry = Geometry(16, 16, 0, 170)
    assert fit_windows(64, 4096, geometry, 32, pixels=64 * 2200).shape == (64, 2080)
    # Two rows of three compute fewer pixels than three rows of three.
    assert len(fit_windows(2048, 2048, geometry, 64, pixels=1_000_000)) == 6


def test_a_hair_finer_halo_than_exact_blends_and_exact_throws_away():
    geometry = Geometry(1, 1, 0, 10)
    exact = fit_axis(100, geometry, 10, 2)
    assert [(s.start, s.stop, s.first, s.last) for s in exact] == [(0, 60, 0, 50), (40, 100, 50, 100)]
    coarse = fit_axis(100, geometry, 8, 2)  # overlap 16, of which 4 on each side are thrown away
    assert [(s.start, s.stop, s.first, s.last) for s in coarse] == [(0, 58, 0, 54), (42, 100, 46, 100)]
    np.testing.assert_allclose(coarse[0].weights[46:54], 1 - (np.arange(8) + 0.5) / 8)
    wide = fit_axis(100, geometry, 12, 2)  # exact on both sides for 4 pixels, which are blended
    assert [(s.start, s.stop, s.first, s.last) for s in wide] == [(0, 62, 0, 52), (38, 100, 48, 100)]


def test_order():
    geometry = Geometry(1, 1, 0, 0)
    grid = fit_windows(30, 30, geometry, 0, largest=10)
    assert grid.order() == [(i, j) for i in range(3) for j in range(3)]
    nearest = grid.order((25, 12))
    assert nearest[0] == (2, 1)
    assert nearest[-1] in ((0, 0), (0, 2))
    assert sorted(nearest) == grid.order()


def test_large_planes_are_planned_in_no_time():
    grid = fit_windows(30_000, 30_000, Geometry(1, 1, 0, 0), 0, pixels=100)
    assert grid.window_pixels <= 100


def test_too_many_windows():
    with pytest.raises(ValueError, match="cannot be covered by 40 windows"):
        fit_axis(32, Geometry(4, 4, 0, 0), 0, 40)


@pytest.mark.parametrize("name", SMALL)
def test_geometry_names_sizes_that_the_network_takes(name):
    network = small_network(name)
    geometry = Geometry.of(network)
    for pixels in range(1, 40):
        side = geometry.side(pixels)
        assert side >= pixels
        network.check_size(side + 2 * network.margin, side + 2 * network.margin)
    assert geometry.side(geometry.smallest + 1) == geometry.smallest + geometry.stride
