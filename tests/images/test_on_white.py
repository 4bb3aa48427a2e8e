"""TIFF files that are transparent in places look as they do on white paper."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_unets.images import open_pages, open_stack

INK = np.random.default_rng(0).integers(0, 256, (600, 40), dtype=np.uint8)
INK[:300] = 0


def save(path, colours, alpha, extra="unassalpha", **how):
    samples = colours if colours.ndim == 3 else np.stack([colours] * 3, -1)
    stored = np.concatenate([samples, alpha[..., None]], -1)
    tifffile.imwrite(path, stored, photometric="rgb", extrasamples=[extra], **how)
    return path


def colours_of(path):
    with open_stack(path) as stack, open_pages(path) as pages, pages[0] as page:
        np.testing.assert_array_equal(page[...], stack[...])
        np.testing.assert_array_equal(stack.plane(0, (slice(310, 320), slice(3, 9))), stack.plane(0)[310:320, 3:9])
        np.testing.assert_array_equal(stack[0, 2:5, 3:9, :2], stack.plane(0)[2:5, 3:9, :2])
        return stack.plane(0)[..., :-1]


@pytest.mark.parametrize("extra", ["unassalpha", "assocalpha"])
@pytest.mark.parametrize("compression", [None, "lzw"])
def test_black_ink_on_nothing(tmp_path, extra, compression):
    path = save(tmp_path / "a.tif", np.zeros_like(INK), INK, extra, compression=compression)
    np.testing.assert_array_equal(colours_of(path), np.repeat(255 - INK[..., None], 3, -1))


def test_colours_that_are_mixed_with_black_already(tmp_path):
    path = save(tmp_path / "a.tif", INK // 2, INK, "assocalpha")
    np.testing.assert_array_equal(colours_of(path)[..., 0], 255 - INK + INK // 2)


def test_deep_grey(tmp_path):
    stored = np.dstack([np.zeros_like(INK), INK]) * np.uint16(257)
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="minisblack", extrasamples=[2], planarconfig="contig")
    np.testing.assert_array_equal(colours_of(tmp_path / "a.tif")[..., 0], 65535 - INK * np.uint16(257))


@pytest.mark.parametrize(("alpha", "extra"), [(0, "unassalpha"), (255, "unassalpha"), (9, "unspecified")])
def test_what_is_not_transparent_in_places_stays_as_it_is(tmp_path, alpha, extra):
    path = save(tmp_path / "a.tif", INK, np.full_like(INK, alpha), extra)
    np.testing.assert_array_equal(colours_of(path)[..., 0], INK)
