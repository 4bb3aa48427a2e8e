from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
import torch
import zarr

from napari_unets.images import as_stack
from napari_unets.inference import (
    Cancelled,
    InferenceError,
    InferenceSettingError,
    OutputError,
    Predictor,
    class_ids,
    membrane_instances,
    predict,
    segment,
    writing,
)
from napari_unets.models import Model, NotAModelError

from .shared import STRICT, image, small_model

TILED = STRICT.model_copy(update={"tile": 40, "halo": "exact"})


@pytest.fixture(scope="module")
def model():
    return small_model(threshold=0.6)


@pytest.fixture(scope="module")
def planes():
    return image(3, 70, 85)


@pytest.fixture(scope="module")
def expected(model, planes):
    return predict(model, planes, settings=TILED)


def zarr_array(shape, chunks, dtype="float32"):
    return zarr.create_array(store=zarr.storage.MemoryStore(), shape=shape, chunks=chunks, dtype=dtype)


def test_every_kind_of_array_gives_the_same(model, planes, expected):
    stored = zarr_array(planes.shape, (1, 32, 32))
    stored[...] = planes
    for stack in (da.from_array(planes, chunks=(1, 50, 50)), stored, as_stack(planes)):
        np.testing.assert_array_equal(predict(model, stack, settings=TILED), expected)
    assert expected.dtype == np.float32
    assert 0 <= expected.min() < expected.max() <= 1


def test_of_several_resolutions_the_first_is_seen(model, planes, expected):
    np.testing.assert_array_equal(predict(model, [planes, planes[:, ::2, ::2]], settings=TILED), expected)
    flat = predict(model, [planes[0], planes[0, ::2, ::2]], settings=STRICT)
    np.testing.assert_array_equal(flat, predict(model, planes[0], settings=STRICT))


def test_the_axes_of_the_image_are_kept_less_colour(model, planes, expected):
    four = planes.reshape(3, 1, 70, 85)
    np.testing.assert_array_equal(predict(model, four, settings=TILED), expected.reshape(3, 1, 70, 85))
    flat = predict(model, planes[0], settings=TILED)
    assert flat.shape == (70, 85)
    np.testing.assert_array_equal(predict(model, as_stack(planes[0]), settings=TILED), flat[None])
    colour = np.random.default_rng(0).integers(0, 255, (2, 40, 50, 3), np.uint8)
    assert predict(model, colour, settings=STRICT).shape == (2, 40, 50)
    assert predict(model, colour[0], settings=STRICT).shape == (40, 50)
    assert predict(small_model(in_channels=3), colour[0], settings=STRICT).shape == (40, 50)
    assert predict(small_model(in_channels=3), planes[0], settings=STRICT).shape == (70, 85)


@pytest.mark.parametrize("chunks", [(1, 32, 32), (2, 70, 85), (1, 9, 85), (1, 1, 85)])
def test_out_is_written_in_place(model, planes, expected, chunks):
    for out in (np.zeros(planes.shape, np.float32), zarr_array(planes.shape, chunks)):
        assert predict(model, planes, out=out, settings=TILED) is out
        np.testing.assert_array_equal(out[...], expected)
    half = np.zeros(planes.shape, np.float16)
    np.testing.assert_allclose(predict(model, planes, out=half, settings=TILED), expected, atol=1e-3)


class Counting:
    """An array in chunks that counts how often each pixel is written, and where writing began."""

    def __init__(self, shape, chunks):
        self.values = np.full(shape, np.nan, np.float32)
        self.writes = np.zeros(shape, int)
        self.tops: list[int] = []
        self.shape, self.chunks, self.dtype = shape, chunks, self.values.dtype

    def __setitem__(self, index, values):
        self.values[index] = values
        self.writes[index] += 1
        self.tops.append(index[-2].start)


@pytest.mark.parametrize(("rows", "held"), [(16, 2**28), (16, 0), (14, 2**28)])
def test_stored_rows_are_written_once_and_in_whole_chunks(model, planes, expected, rows, held, monkeypatch):
    monkeypatch.setattr(writing, "_HELD_BYTES", held)
    out = Counting(planes.shape, (1, rows, 85))
    predict(model, planes, out=out, settings=TILED)
    np.testing.assert_array_equal(out.values, expected)
    assert (out.writes == 1).all()
    assert len(out.tops) >= 6
    assert all(top % rows == 0 for top in out.tops) == (held > 0)


@pytest.mark.parametrize(
    ("depth", "held", "writes"), [(2, 2**28, 3), (5, 2**28, 1), (5, 3 * 70 * 85 * 4, 2), (5, 70 * 85 * 4, 5)]
)
def test_deep_chunks_are_written_once_as_far_as_memory_allows(model, depth, held, writes, monkeypatch):
    monkeypatch.setattr(writing, "_HELD_BYTES", held)
    planes = image(5, 70, 85)
    out = Counting(planes.shape, (depth, 70, 85))
    predict(model, planes, out=out, settings=STRICT)
    np.testing.assert_array_equal(out.values, predict(model, planes, settings=STRICT))
    assert (out.writes == 1).all()
    assert len(out.tops) == writes


def test_deep_chunks_of_several_volumes_and_classes():
    model, planes = small_model(out_channels=3), image(6, 40, 50).reshape(2, 3, 40, 50)
    every = predict(model, planes, settings=STRICT, all_classes=True)
    out = zarr_array(every.shape, (3, 1, 2, 20, 50))
    predict(model, planes, out=out, settings=STRICT, all_classes=True)
    np.testing.assert_array_equal(out[...], every)


def test_shards_are_written_once(model, planes, expected):
    class Watched(zarr.storage.MemoryStore):
        written = 0

        async def set(self, key, value, *more):
            Watched.written += "c/" in key
            await super().set(key, value, *more)

    out = zarr.create_array(
        store=Watched(), shape=planes.shape, chunks=(1, 32, 96), shards=(4, 96, 96), dtype="float32"
    )
    predict(model, planes, out=out, settings=TILED)
    np.testing.assert_array_equal(out[...], expected)
    assert Watched.written == 1


def test_out_that_cannot_hold_the_result(model, planes):
    with pytest.raises(OutputError, match=r"the result has the shape \(3, 70, 85\), but out has \(3, 70, 86\)"):
        predict(model, planes, out=np.zeros((3, 70, 86), np.float32))
    with pytest.raises(OutputError, match=r"must hold real numbers .* not uint8"):
        predict(model, planes, out=np.zeros(planes.shape, np.uint8))
    with pytest.raises(OutputError, match="must hold integers, not float32"):
        segment(model, planes, out=np.zeros(planes.shape, np.float32))


def test_out_that_is_read_only(model, planes, tmp_path):
    zarr.save_array(tmp_path / "a.zarr", np.zeros(planes.shape, np.float32))
    for out in (np.broadcast_to(np.float32(0), planes.shape), zarr.open_array(tmp_path / "a.zarr", mode="r")):
        with pytest.raises(OutputError, match="out is read-only"):
            predict(model, planes, out=out, on_event=pytest.fail)


@pytest.mark.parametrize("instances", [True, "3d"])
@pytest.mark.parametrize("dtype", ["u1", "u2", "i2"])
def test_objects_are_not_written_into_narrow_integers(model, planes, instances, dtype):
    for out in (np.zeros(planes.shape, dtype), zarr_array(planes.shape, (1, 32, 32), dtype)):
        with pytest.raises(OutputError, match=r"at least 4 bytes \(such as uint32\).* do not end at \d+"):
            segment(model, planes, instances=instances, out=out, on_event=pytest.fail)


@pytest.mark.parametrize(
    "out", [[1], da.zeros((3, 70, 85), dtype=np.float32), torch.zeros((3, 70, 85))], ids=["list", "dask", "torch"]
)
def test_out_that_is_no_array_to_write_into(model, planes, out):
    with pytest.raises(OutputError, match="out must be a numpy or Zarr array"):
        predict(model, planes, out=out)


def test_segment_compares_class_1_with_the_threshold(model, planes, expected):
    ids = segment(model, planes, settings=TILED)
    assert ids.dtype == np.uint8
    np.testing.assert_array_equal(ids, np.where(expected > 0.6, 1, 2))
    np.testing.assert_array_equal(segment(model, planes, settings=TILED, threshold=0.3), np.where(expected > 0.3, 1, 2))
    out = zarr_array(planes.shape, (1, 32, 32), "uint8")
    segment(model, planes, out=out, settings=TILED)
    np.testing.assert_array_equal(out[...], ids)
    with pytest.raises(InferenceError, match="threshold is a probability between 0 and 1, not 128"):
        segment(model, planes, threshold=128)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"threshold": "0.5"}, "the threshold is a probability between 0 and 1, not '0.5'"),
        ({"threshold": [0.2, 0.5]}, r"a probability between 0 and 1, not \[0\.2, 0\.5\]"),
        ({"min_size": "5"}, "min_size is a number of pixels from 0 on, not '5'"),
        ({"min_size": -1}, "min_size is a number of pixels from 0 on, not -1"),
        ({"instances": "3d", "linking": {"min_overlap": 0.2}}, "is said by LinkSettings, not by {'min_overlap': 0.2}"),
        ({"predictor": "em-membranes"}, "predictor= is what a Predictor makes of a model, not 'em-membranes'"),
    ],
)
def test_settings_that_are_of_another_kind(model, planes, wrong, said):
    with pytest.raises(InferenceSettingError, match=said):
        segment(model, planes, **({"instances": True} | wrong))


def test_one_number_of_any_type_is_a_threshold(model, planes, expected):
    for threshold in (np.float32(0.25), np.array(0.25)):
        found = segment(model, planes, threshold=threshold, settings=TILED)
        np.testing.assert_array_equal(found, np.where(expected > 0.25, 1, 2))


def test_a_predictor_runs_no_other_model_than_its_own(model, planes):
    with Predictor(model, TILED) as predictor:
        reworded = Model(model.card.model_copy(update={"title": "Another title"}), network=model.network)
        np.testing.assert_array_equal(
            predict(reworded, planes, predictor=predictor), predict(model, planes, predictor=predictor)
        )
        for other in (small_model(), small_model(out_channels=3)):
            with pytest.raises(InferenceSettingError, match="the predictor that was given runs 'small', and not this"):
                predict(other, planes, predictor=predictor)


def test_several_classes(planes):
    model = small_model(out_channels=3)
    every = predict(model, planes, settings=TILED, all_classes=True)
    assert every.shape == (3, *planes.shape)
    np.testing.assert_allclose(every.sum(axis=0), 1, atol=1e-5)
    np.testing.assert_array_equal(predict(model, planes, settings=TILED), every[0])
    np.testing.assert_array_equal(segment(model, planes, settings=TILED), every.argmax(axis=0) + 1)
    out = zarr_array(every.shape, (3, 1, 32, 32))
    predict(model, planes, out=out, settings=TILED, all_classes=True)
    np.testing.assert_array_equal(out[...], every)
    assert predict(model, planes[0], settings=TILED, all_classes=True).shape == (3, 70, 85)


def test_two_classes_of_one_channel(model, planes, expected):
    both = predict(model, planes, settings=TILED, all_classes=True)
    np.testing.assert_array_equal(both, np.stack([expected, 1 - expected]))


def test_two_channels_are_two_classes(planes):
    model = small_model(out_channels=2)
    assert predict(model, planes, settings=TILED).shape == planes.shape
    assert set(np.unique(segment(model, planes, settings=TILED))) <= {1, 2}


def test_instances_are_numbered_through_the_stack(model, planes, expected):
    objects = segment(model, planes, instances=True, min_size=5, settings=TILED)
    assert objects.dtype == np.uint32
    start = 0
    for plane, labels in zip(expected, objects, strict=True):
        alone = membrane_instances(plane, 0.6, 5).astype(int)
        np.testing.assert_array_equal(labels, np.where(alone, alone + start, 0))
        start += alone.max()
    assert start > 2
    out = zarr_array(planes.shape, (1, 32, 32), "uint32")
    segment(model, planes, instances=True, min_size=5, out=out, settings=TILED)
    np.testing.assert_array_equal(out[...], objects)


def test_cancelling_leaves_what_was_written(model, planes, expected):
    out = np.full(planes.shape, np.nan, np.float32)
    events = []
    with pytest.raises(Cancelled):
        predict(
            model, planes, out=out, settings=TILED, batch=1, on_event=events.append, cancel=lambda: len(events) == 9
        )
    written = np.isfinite(out)
    assert 0 < written.sum() < out.size


@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("kind", ["probabilities", "segmentation", "objects"])
def test_planes_told_as_done_are_written_when_the_run_is_stopped(model, planes, kind, depth):
    dtype = {"probabilities": "float32", "segmentation": "uint8", "objects": "uint32"}[kind]
    out = zarr_array(planes.shape, (depth, 32, 32), dtype)
    events = []

    def run(**how):
        if kind == "probabilities":
            return predict(model, planes, settings=TILED, batch=1, **how)
        return segment(model, planes, instances=kind == "objects", min_size=5, settings=TILED, batch=1, **how)

    def last_of_plane_1_told():
        return bool(events) and events[-1].plane == 1 and (events[-1].y.stop, events[-1].x.stop) == (70, 85)

    with pytest.raises(Cancelled):
        run(out=out, on_event=events.append, cancel=last_of_plane_1_told)
    np.testing.assert_array_equal(out[:2], run()[:2])


def test_stopped_while_statistics_are_measured(model):
    class Slow:
        shape, dtype, reads = (40, 64, 64), np.dtype(np.uint8), 0

        def __getitem__(self, index):
            Slow.reads += 1
            return np.zeros([len(range(*part.indices(n))) for part, n in zip(index, self.shape, strict=True)], np.uint8)

    for ortho in (False, True):
        with pytest.raises(Cancelled, match="grey values"):
            predict(model, Slow(), ortho=ortho, settings=STRICT, cancel=lambda: Slow.reads >= 3)
        assert Slow.reads == 3


@pytest.mark.parametrize("ortho", [False, True])
def test_settings_beside_a_predictor(model, planes, ortho):
    with Predictor(model, TILED) as predictor:
        for wrong in ({"tta": True}, {"settings": STRICT}, {"tille": 40}):
            with pytest.raises(InferenceSettingError, match=r"tta|tile, halo|tille"):
                predict(model, planes, ortho=ortho, predictor=predictor, **wrong)
        same = predict(model, planes, ortho=ortho, predictor=predictor, settings=TILED, tta=False)
        np.testing.assert_array_equal(same, predict(model, planes, ortho=ortho, predictor=predictor))


def test_overrides_replace_settings(model, planes):
    turned = predict(model, planes, settings=TILED, tta=True)
    assert not np.allclose(turned, predict(model, planes, settings=TILED), atol=1e-3)


@pytest.mark.parametrize("run", [predict, segment])
def test_a_name_or_a_network_is_no_model(run, model, planes):
    with pytest.raises(NotAModelError, match=r"load_model\('em-membranes'\)"):
        run("em-membranes", planes)
    with pytest.raises(NotAModelError, match="SFNet is no model"):
        run(model.network, planes)


def test_class_ids_of_a_tie_is_the_second_class():
    np.testing.assert_array_equal(class_ids(np.array([[0.5, 0.51]], np.float32), 0.5), [[2, 1]])


@pytest.mark.parametrize("settings", [{"tile": 64}, "cpu"])
def test_settings_of_another_kind_are_named(settings):
    with pytest.raises(InferenceSettingError, match="settings are InferenceSettings, not "):
        predict(small_model(), np.zeros((8, 8)), settings=settings)
