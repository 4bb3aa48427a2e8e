"""Pages of several sizes, each segmented as if it were alone."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from skimage.data import page

from napari_unets.inference import InferenceError, segment
from napari_unets.jobs.tasks.page_segmentation import segment_pages
from napari_unets.models import load_model

SCAN = page()
PAGES = [SCAN[:120, :150], SCAN[:90, 20:180], SCAN[50:, 200:]]
SIZES = [scan.shape for scan in PAGES]


@pytest.fixture
def planes():
    stack = np.full((3, 141, 184), 255, np.uint8)
    for plane, scan in zip(stack, PAGES, strict=True):
        plane[: scan.shape[0], : scan.shape[1]] = scan
    return stack


def run(*arguments, **keywords):
    """Tiles put together, the tiles, and the summary."""
    ids, tiles = np.zeros((3, 141, 184), np.uint8), []
    job = segment_pages(*arguments, rgb=keywords.pop("rgb", False), **keywords)
    while True:
        try:
            tile = next(job)
        except StopIteration as end:
            return ids, tiles, end.value
        tiles.append(tile)
        ids[tile.plane, tile.y, tile.x] = tile.values["segmentation"]


@pytest.mark.parametrize("model", ["otsu", "sauvola"])
@pytest.mark.parametrize("kind", ["grey", "colour", "dask"])
def test_each_page_is_what_it_is_alone(planes, model, kind):
    image = {"grey": planes, "colour": np.stack([planes] * 3, -1), "dask": da.from_array(planes, chunks=(1, 70, 184))}[
        kind
    ]
    ids, tiles, summary = run(model, image, SIZES, rgb=kind == "colour", settings={"tile": 64})
    for plane, scan in zip(ids, PAGES, strict=True):
        height, width = scan.shape
        np.testing.assert_array_equal(plane[:height, :width], segment(load_model(model), scan))
        assert not plane[height:].any()
        assert not plane[:, width:].any()
    assert [tile.done for tile in tiles] == list(range(1, len(tiles) + 1))
    assert all(tile.done <= tile.total for tile in tiles)
    assert tiles[-1].total == summary.total == summary.done == len(tiles)
    assert summary.model == model


def test_the_page_in_sight_comes_first_and_planes_can_be_chosen(planes):
    _, tiles, _ = run("otsu", planes, SIZES, focus=(1, 10.0, 10.0))
    assert [tile.plane for tile in tiles] == [1, 0, 2]
    ids, tiles, _ = run("otsu", planes, SIZES, planes=[2])
    assert {tile.plane for tile in tiles} == {2}
    assert not ids[:2].any()


def test_a_window_ends_with_the_page(planes):
    window = slice(80, 141), slice(100, 184)
    ids, _, _ = run("sauvola", planes, SIZES, planes=[1], window=window)
    expected = np.zeros_like(ids)
    expected[1, 80:90, 100:160] = segment(load_model("sauvola"), PAGES[1])[80:90, 100:160]
    np.testing.assert_array_equal(ids, expected)
    with pytest.raises(InferenceError, match="nothing of a page in view"):
        run("sauvola", planes, SIZES, planes=[1], window=(slice(95, 141), slice(0, 184)))


def test_stopping_leaves_the_other_pages(planes):
    asked = []

    def cancel():
        asked.append(True)
        return len(asked) > 1

    ids, tiles, summary = run("otsu", planes, SIZES, settings={"tile": 64, "batch": 1}, cancel=cancel)
    assert {tile.plane for tile in tiles} == {0}
    assert summary.done < summary.total
    assert not ids[1:].any()


def test_a_single_page_has_no_axis_of_planes():
    job = segment_pages("otsu", PAGES[0], SIZES[:1], rgb=False)
    (tile,) = job
    assert tile.plane == 0
    np.testing.assert_array_equal(tile.values["segmentation"], segment(load_model("otsu"), PAGES[0]))
