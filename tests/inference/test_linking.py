from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from napari_unets.images import UnsupportedImageError, as_stack
from napari_unets.images.synthetic import synthetic_em_volume
from napari_unets.inference import (
    InferenceError,
    LinkSettings,
    OutputError,
    SliceLinker,
    block_tables,
    link_slices,
    membrane_instances,
    merged_instances,
    predict,
    segment,
)
from napari_unets.inference.linking import partners
from napari_unets.inference.shifts import overlapping, slice_shift
from napari_unets.metrics.v_rand import v_rand

from .shared import STRICT, image, small_model

STILL = LinkSettings(max_shift=0)


@pytest.fixture(scope="module")
def tissue():
    """Neurites, and the objects of each slice by itself, in an order of their own."""
    truth = synthetic_em_volume(12, 160, seed=3).neurites
    slices = np.stack([membrane_instances((plane == 0).astype(np.float32), min_size=0) for plane in truth])
    return truth, slices


def boxes(*parts):
    """A slice of 20 × 40 pixels with boxes (number, y, x)."""
    labels = np.zeros((20, 40), np.uint32)
    for number, y, x in parts:
        labels[slice(*y), slice(*x)] = number
    return labels


def test_objects_are_linked_if_each_is_the_others_best():
    above = boxes((1, (0, 10), (0, 20)), (2, (10, 20), (0, 20)), (3, (0, 5), (30, 35)))
    # 5 covers all of 1 and half of 2; 2's best is 5, but 5's best is 1
    below = boxes((5, (0, 15), (0, 20)), (4, (0, 5), (30, 35)))
    np.testing.assert_array_equal(partners(above, below, STILL), [0, 0, 0, 0, 3, 1])
    np.testing.assert_array_equal(partners(below, above, STILL), [0, 5, 0, 4])


@pytest.mark.parametrize(("least", "linked"), [(0.25, True), (0.26, False)])
def test_the_overlap_has_to_reach_the_limit(least, linked):
    above, below = boxes((1, (0, 10), (0, 10))), boxes((1, (0, 10), (6, 16)))  # 40 of 160 pixels
    found = partners(above, below, LinkSettings(min_overlap=least, max_shift=0))
    assert found[1] == linked


def test_what_does_not_touch_is_never_linked():
    above, below = boxes((1, (0, 10), (0, 10))), boxes((1, (0, 10), (10, 20)))
    assert partners(above, below, LinkSettings(min_overlap=0, max_shift=0))[1] == 0
    assert partners(above, np.zeros_like(above)).tolist() == [0]


def test_of_equal_partners_the_first_in_the_slice_is_taken_whatever_its_number():
    one = boxes((1, (0, 10), (0, 20)))
    for left, right in ((1, 2), (2, 1)):
        halves = boxes((left, (0, 10), (0, 10)), (right, (0, 10), (10, 20)))
        assert partners(one, halves, STILL)[[left, right]].tolist() == [1, 0]
        assert partners(halves, one, STILL)[1] == left


def test_ids_are_final_and_count_on():
    linker = SliceLinker(STILL)
    first = linker.add(boxes((1, (0, 10), (0, 10)), (2, (0, 10), (20, 30))))
    second = linker.add(boxes((2, (0, 10), (0, 10)), (1, (12, 20), (20, 30))))
    third = linker.add(boxes((1, (0, 10), (0, 10))))
    assert first.dtype == np.uint32
    assert (first[5, 5], first[5, 25], second[5, 5], second[15, 25], third[5, 5]) == (1, 2, 1, 3, 1)
    assert linker.count == 3
    linker.restart()
    assert linker.add(boxes((1, (0, 10), (0, 10))))[5, 5] == 4


@pytest.mark.parametrize("shift", [(0, 0), (9, -14), (-3, 16)])
def test_slices_are_moved_upon_each_other(tissue, shift):
    labels = tissue[1][0]
    moved = np.roll(labels, shift, (0, 1))
    assert slice_shift(labels, moved, 20) == shift
    assert slice_shift(labels, moved, 0) == (0, 0)
    found = partners(labels, moved, LinkSettings(min_overlap=0.9, max_shift=20))
    y, x = (overlapping(n, s)[1] for n, s in zip(labels.shape, shift, strict=True))
    whole = [n for n in np.unique(moved[y, x]) if n and (moved[y, x] == n).sum() == (moved == n).sum()]
    assert len(whole) > 3
    assert [found[n] for n in whole] == whole


def test_large_slices_are_compared_smaller():
    rng = np.random.default_rng(0)
    blocks = np.kron(rng.integers(0, 2, (50, 130)), np.ones((12, 12), int))
    assert slice_shift(blocks, np.roll(blocks, (4, -8), (0, 1)), 16) == (4, -8)
    assert slice_shift(blocks, np.zeros_like(blocks), 16) == (0, 0)


def test_perfect_slices_of_known_neurites_are_linked_to_them(tissue):
    truth, slices = tissue
    linked = link_slices(slices)
    assert v_rand(linked.astype(int), truth.astype(int), volume=True, threads=1).score > 0.999
    separate = np.stack([np.where(s, s + 1000 * z, 0) for z, s in enumerate(slices.astype(int))])
    assert v_rand(separate, truth.astype(int), volume=True, threads=1).score < 0.5
    assert set(np.unique(linked)) == set(range(linked.max() + 1))
    np.testing.assert_array_equal(linked == 0, slices == 0)


def test_every_kind_of_array_and_of_numbers_gives_the_same(tissue):
    slices = tissue[1][:4]
    expected = link_slices(slices)
    stored = zarr.create_array(store=zarr.storage.MemoryStore(), shape=slices.shape, chunks=(2, 50, 60), dtype="int64")
    stored[...] = np.where(slices, slices.astype(np.int64) * 10**10, 0)
    out = zarr.create_array(store=zarr.storage.MemoryStore(), shape=slices.shape, chunks=(1, 64, 64), dtype="uint32")
    assert link_slices(stored, out=out) is out
    np.testing.assert_array_equal(out[...], expected)
    negative = np.where(slices, slices.astype(np.int64) - 2**40, 0)
    np.testing.assert_array_equal(link_slices(negative), expected)
    own = slices.copy()
    np.testing.assert_array_equal(link_slices(own, out=own), expected)  # in place
    np.testing.assert_array_equal(link_slices(slices.tolist()), expected)


def test_what_cannot_be_linked_is_told():
    labels = np.ones((2, 4, 5), np.uint8)
    for wrong, said in (("a.tif", "is a path, not pixels"), (np.ma.masked_array(labels, mask=labels), "are masked")):
        with pytest.raises(UnsupportedImageError, match=f"slices to be linked: .*{said}"):
            link_slices(wrong)
    for shape in ((4, 5), (2, 0, 5)):
        with pytest.raises(InferenceError, match="slices to be linked are integers"):
            link_slices(np.ones(shape, int))


@settings(max_examples=25, deadline=None)
@given(cuts=st.sets(st.integers(1, 11)), numbers=st.randoms(use_true_random=False))
def test_blocks_joined_are_the_whole(tissue, cuts, numbers):
    slices = tissue[1]
    expected = link_slices(slices)
    edges = [0, *sorted(cuts), len(slices)]
    blocks = [link_slices(slices[a:b]) for a, b in pairwise(edges)]
    tables = list(block_tables((b[0], b[-1], int(b.max())) for b in blocks))
    joined = np.concatenate([table[block] for table, block in zip(tables, blocks, strict=True)])
    np.testing.assert_array_equal(joined, expected)


def test_deep_chunks_are_written_once(tissue):
    writes = []

    class Stored:
        shape, dtype, chunks = tissue[1].shape, np.dtype(np.uint32), (5, 32, 32)

        def __setitem__(self, index, values):
            writes.append((index[0], values.copy()))

    link_slices(tissue[1], out=Stored())
    assert [len(values) for _, values in writes] == [len(tissue[1][i : i + 5]) for i in range(0, len(tissue[1]), 5)]
    np.testing.assert_array_equal(np.concatenate([values for _, values in writes]), link_slices(tissue[1]))


def test_what_cannot_be_linked_is_refused():
    with pytest.raises(InferenceError, match=r"integers \(z, y, x\), not float64 of shape \(2, 3, 4\)"):
        link_slices(np.zeros((2, 3, 4)))
    with pytest.raises(InferenceError, match=r"integers \(z, y, x\), not int64 of shape \(3, 4\)"):
        link_slices(np.zeros((3, 4), np.int64))
    for narrow in ("u1", "i2"):
        with pytest.raises(OutputError, match="at least 4 bytes"):
            link_slices(np.zeros((2, 3, 4), int), out=np.zeros((2, 3, 4), narrow))
    with pytest.raises(OutputError, match="must hold integers, not float16"):
        link_slices(np.zeros((2, 3, 4), int), out=np.zeros((2, 3, 4), np.float16))
    with pytest.raises(OutputError, match=r"has the shape \(2, 3, 4\), but out has \(2, 3, 5\)"):
        link_slices(np.zeros((2, 3, 4), int), out=np.zeros((2, 3, 5), int))
    linker = SliceLinker()
    linker.add(np.zeros((3, 4), int))
    with pytest.raises(InferenceError, match=r"\(3, 4\) and \(4, 4\) pixels cannot be linked"):
        linker.add(np.zeros((4, 4), int))
    with pytest.raises(ValidationError):
        LinkSettings(min_overlap=1.5)


def test_segment_links_the_objects_of_planes():
    model, planes = small_model(), image(4, 60, 70)
    model = small_model(threshold=float(np.quantile(predict(model, planes, settings=STRICT), 0.2)))
    separate = segment(model, planes, instances=True, min_size=5, settings=STRICT)
    linked = segment(model, planes, instances="3d", min_size=5, settings=STRICT)
    np.testing.assert_array_equal(linked, link_slices(separate))
    assert 4 < linked.max() < separate.max()
    strict = LinkSettings(min_overlap=1)
    assert segment(model, planes, instances="3d", min_size=5, linking=strict, settings=STRICT).max() == separate.max()
    two = segment(model, planes.reshape(2, 2, 60, 70), instances="3d", min_size=5, settings=STRICT)
    assert not set(np.unique(two[0])) & set(np.unique(two[1])) - {0}  # two volumes
    with pytest.raises(InferenceError, match=r"False, True .* or '3d', not '4d'"):
        segment(model, planes, instances="4d")


@pytest.mark.parametrize("how", [{"instances": "3d"}, {"ortho": True}])
def test_planes_that_do_not_lie_behind_one_another_are_refused(how):
    model, values = small_model(), image(6, 30, 40)
    with pytest.raises(InferenceError, match=r"which is c and not z in zcyx; bring the axes into the order czyx"):
        segment(model, as_stack(values.reshape(2, 3, 30, 40), axes="zcyx"), settings=STRICT, **how)
    with pytest.raises(InferenceError, match=r"its planes are channels \(cyx\)"):
        segment(model, as_stack(values, axes="cyx"), settings=STRICT, **how)
    assert segment(model, as_stack(values, axes="tyx"), settings=STRICT, **how).shape == (6, 30, 40)


def test_segment_merges_over_weak_borders_before_linking():
    model, planes = small_model(threshold=0.6), image(2, 60, 70)
    merging = LinkSettings(merge_below=0.5)
    probability = predict(model, planes, settings=STRICT)
    expected = link_slices(np.stack([merged_instances(p, 0.6, 5, merge_below=0.5) for p in probability]))
    found = segment(model, planes, instances="3d", min_size=5, linking=merging, settings=STRICT)
    np.testing.assert_array_equal(found, expected)
