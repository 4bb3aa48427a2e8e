from __future__ import annotations

import errno
import os

import numpy as np
import pytest
import zarr

from napari_unets.images import ImageWriteError, as_stack
from napari_unets.inference import (
    AnisotropicError,
    Cancelled,
    InferenceError,
    PlaneObjects,
    Predictor,
    membrane_instances,
    ortho_blocks,
    predict,
    segment,
)
from napari_unets.inference.ortho import scratch_volume
from napari_unets.models import load_model

from .shared import STRICT, image, small_model

EXACT = STRICT.model_copy(update={"halo": "exact"})


@pytest.fixture(scope="module")
def model():
    return small_model("unet", threshold=0.5)


@pytest.fixture(scope="module")
def volume():
    """At most 32 planes a side, so that statistics are of all voxels whichever the orientation."""
    return image(26, 32, 30)


@pytest.fixture(scope="module")
def naive(model, volume):
    def seen(order):
        turned = predict(model, np.ascontiguousarray(volume.transpose(order)), settings=EXACT)
        return turned.transpose(np.argsort(order))

    return (seen((0, 1, 2)) + seen((1, 0, 2)) + seen((2, 0, 1))) / 3


def test_the_mean_of_three_orientations(model, volume, naive):
    found = predict(model, volume, ortho=True, settings=EXACT)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, naive, atol=1e-5)
    assert np.abs(found - predict(model, volume, settings=EXACT)).max() > 0.01


@pytest.mark.parametrize("voxels", [6000, 900])
def test_blocks_give_the_same(model, volume, naive, voxels):
    found = np.full(volume.shape, np.nan, np.float32)
    sizes = []
    for block in ortho_blocks(model, as_stack(volume), settings=EXACT, block_voxels=voxels):
        assert np.isnan(found[block.place]).all()  # each voxel once
        found[block.place] = block.probabilities[0]
        sizes.append(block.probabilities.size)
    assert len(sizes) > 3
    assert max(sizes) <= voxels
    np.testing.assert_allclose(found, naive, atol=1e-5)


class Watched:
    """An array that notes how much of it is read at once."""

    def __init__(self, values):
        self.values, self.shape, self.dtype, self.largest = values, values.shape, values.dtype, 0

    def __getitem__(self, index):
        part = self.values[index]
        self.largest = max(self.largest, part.size)
        return part


def test_no_more_is_read_at_once_than_a_block_and_its_halo():
    model, watched = small_model("sliding-window"), Watched(image(40, 80, 80))
    for _ in ortho_blocks(model, as_stack(watched), settings=STRICT, halo=0, block_voxels=16**3):
        pass
    assert 80 * 80 <= watched.largest <= 46**3


def test_it_is_written_into_zarr_and_axes_are_kept(model, volume, naive):
    out = zarr.create_array(store=zarr.storage.MemoryStore(), shape=volume.shape, chunks=(8, 16, 16), dtype="float32")
    assert predict(model, volume, ortho=True, out=out, settings=EXACT) is out
    np.testing.assert_allclose(out[...], naive, atol=1e-5)
    half = volume[:13]
    each = predict(model, half, ortho=True, settings=EXACT)
    twice = predict(model, np.stack([half, half]), ortho=True, settings=EXACT)
    np.testing.assert_allclose(twice, [each, each], atol=1e-5)


def test_classes(model, volume, naive):
    both = predict(model, volume, ortho=True, all_classes=True, settings=EXACT)
    np.testing.assert_allclose(both, [naive, 1 - naive], atol=1e-5)
    mean = predict(model, volume, ortho=True, settings=EXACT)
    np.testing.assert_array_equal(segment(model, volume, ortho=True, settings=EXACT), np.where(mean > 0.5, 1, 2))
    three = small_model(out_channels=3)
    every = predict(three, volume[:8], ortho=True, all_classes=True, settings=EXACT)
    np.testing.assert_allclose(every.sum(axis=0), 1, atol=1e-5)
    np.testing.assert_array_equal(segment(three, volume[:8], ortho=True, settings=EXACT), every.argmax(axis=0) + 1)


def test_objects_of_the_mean(model, volume):
    threshold = float(np.quantile(predict(model, volume, ortho=True, settings=EXACT), 0.3))
    mean = predict(model, volume, ortho=True, settings=EXACT)
    found = segment(model, volume, ortho=True, instances=True, threshold=threshold, min_size=4, settings=EXACT)
    number = PlaneObjects(threshold, 4)
    np.testing.assert_array_equal(found, [number(z, plane) for z, plane in enumerate(mean)])
    assert found.max() > len(volume)
    np.testing.assert_array_equal(found[0], membrane_instances(mean[0], threshold, 4))


def test_large_volumes_lie_in_a_file_meanwhile():
    with scratch_volume((3, 4, 5), in_memory=59) as volume:
        assert isinstance(volume, np.memmap)
        volume[1] = 2
        assert volume.sum() == 40
    with scratch_volume((3, 4, 5), in_memory=60) as volume:
        assert not isinstance(volume, np.memmap)


def test_no_room_for_the_file(monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", fail, raising=False)
    with (
        pytest.raises(ImageWriteError, match=r"has no room for .* GB .*No space left on device.*TMPDIR"),
        scratch_volume((3, 4, 5), in_memory=59),
    ):
        pass


def test_long_voxels_are_refused(model, volume):
    sections = as_stack(volume, voxel_size_nm=(50, 4, 4), name="sections")
    for run in (predict, segment):
        with pytest.raises(AnisotropicError, match=r"sections: its voxels of 50 × 4 × 4 nm .* 12\.5 times as long"):
            run(model, sections, ortho=True)
    assert predict(model, sections, ortho="force", settings=STRICT).shape == volume.shape
    nearly = as_stack(volume, voxel_size_nm=(6, 4, 4))
    assert predict(model, nearly, ortho=True, settings=STRICT).shape == volume.shape
    with pytest.raises(InferenceError, match="is a single plane; ortho needs a volume"):
        predict(model, volume[0], ortho=True)


@pytest.mark.parametrize("name", ["otsu", "wolf"])
def test_thresholds_of_pages_are_refused(volume, name):
    formula = load_model(name)
    with pytest.raises(InferenceError, match=f"model '{name}' finds its threshold on each page by itself"):
        next(ortho_blocks(formula, as_stack(volume)))
    for instances in (False, True):
        with pytest.raises(InferenceError, match="leave ortho out"):
            segment(formula, volume, ortho=True, instances=instances)
    assert predict(load_model("sauvola"), volume, ortho=True).shape == volume.shape


def test_progress_and_stop(model, volume):
    events = []
    with Predictor(model, STRICT) as predictor:
        predict(model, volume, ortho=True, predictor=predictor, on_event=events.append)
        assert [event.done for event in events] == list(range(1, sum(volume.shape) + 1))
        assert {event.total for event in events} == {sum(volume.shape)}
        assert all(event.probabilities.size == 0 for event in events)
        assert events[-1].seconds_left == 0
        with pytest.raises(Cancelled):
            predict(model, volume, ortho=True, predictor=predictor, cancel=lambda: True)
        told = []
        with pytest.raises(Cancelled, match="objects of 0 of"):  # all is computed, and objects are being found
            segment(
                model,
                volume,
                instances=True,
                ortho=True,
                predictor=predictor,
                on_event=told.append,
                cancel=lambda: len(told) == len(events),
            )
