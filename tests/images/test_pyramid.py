"""Levels of a pyramid, and how blocks become smaller."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unets.images.pyramid import Pyramid, halved


def test_labels_take_the_most_frequent_value():
    plane = np.array([[1, 2, 3, 3, 5], [2, 2, 4, 4, 5], [7, 8, 9, 1, 6], [9, 8, 9, 9, 6], [1, 2, 3, 4, 5]], np.uint8)
    # 2 three times; 3 and 4 as often, so the first; 5, continued at the border; 8 twice; 9 three times; ...
    expected = [[2, 3, 5], [8, 9, 6], [1, 3, 5]]
    assert halved(plane[None], (1, 2, 2), is_labels=True)[0].tolist() == expected


@pytest.mark.parametrize(
    "square",
    [[[1, 1], [2, 3]], [[1, 2], [1, 3]], [[1, 2], [3, 1]], [[2, 1], [1, 3]], [[2, 1], [3, 1]], [[2, 3], [1, 1]]],
)
def test_any_two_that_are_alike_win(square):
    assert halved(np.array([square]), (1, 2, 2), is_labels=True).item() == 1


def test_labels_take_the_first_plane():
    labels = np.stack([np.full((4, 4), i, np.uint32) for i in (1, 2, 3)])
    assert halved(labels, (2, 2, 2), is_labels=True)[:, 0, 0].tolist() == [1, 3]
    assert halved(labels, (2, 1, 1), is_labels=True).shape == (2, 4, 4)


def test_probabilities_take_the_mean():
    values = np.array([[[0.0, 1.0, 0.5], [0.0, 1.0, 0.5]], [[1.0, 1.0, 0.1], [1.0, 1.0, 0.1]]], np.float32)
    small = halved(values[None], (2, 2, 2), is_labels=False)
    assert small.dtype == np.float32
    np.testing.assert_allclose(small, np.array([0.75, 0.3], np.float32)[None, None, None], rtol=1e-6)
    small = halved(values, (1, 2, 2), is_labels=False)
    np.testing.assert_allclose(small[:, 0, 0], [0.5, 1.0])


def test_levels_end_where_a_plane_fits_a_screen():
    pyramid = Pyramid((64, 30000, 20001), (4, 4096, 4096))
    assert [level.shape[1:] for level in pyramid.levels] == [
        (30000, 20001),
        (15000, 10001),
        (7500, 5001),
        (3750, 2501),
        (1875, 1251),
        (938, 626),
    ]
    assert all(level.shape[0] == 64 for level in pyramid.levels)  # nothing is known of the voxels' depth


def test_every_block_has_files_of_its_own_in_every_level():
    pyramid = Pyramid((10, 5000, 9000), (4, 2048, 3072), voxel_size_nm=(8, 4, 4))
    for level in pyramid.levels:
        for side, factor, shard in zip(pyramid.block, level.factor, level.shards, strict=True):
            assert side == factor * shard
        assert all(s % c == 0 for s, c in zip(level.shards, level.chunks, strict=True))


def test_voxels_become_cubes_first():
    pyramid = Pyramid((64, 8192, 8192), (16, 8192, 8192), voxel_size_nm=(16, 4, 4))
    assert [level.factor for level in pyramid.levels] == [(1, 1, 1), (1, 2, 2), (1, 4, 4), (2, 8, 8)]
    cubes = Pyramid((64, 4096, 4096), (2, 4096, 4096), voxel_size_nm=(4, 4, 4))
    assert [level.factor for level in cubes.levels] == [(1, 1, 1), (2, 2, 2), (2, 4, 4)]  # blocks have two planes


def test_small_planes_have_one_level_in_one_file_a_block():
    (level,) = Pyramid((20, 100, 70), (16, 100, 70)).levels
    assert (level.chunks, level.shards) == ((1, 100, 70), (16, 100, 70))


def test_classes_share_a_file():
    level = Pyramid((3, 5, 2, 200, 200), (2, 200, 200), class_axis=True).levels[0]
    assert (level.chunks, level.shards) == ((1, 1, 1, 200, 200), (3, 1, 2, 200, 200))


@pytest.mark.parametrize("block", [(4, 1000, 2048), (3, 2048, 2048)])
def test_blocks_that_would_share_files_are_refused(block):
    with pytest.raises(ValueError, match=r"no (multiples|power)"):
        Pyramid((10, 5000, 5000), block)
