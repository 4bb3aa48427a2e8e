"""Blocks of a volume: together they are what the whole would be."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from tests_support import tiny_model

from napari_unets.images import as_stack, open_stack, save_stack
from napari_unets.inference import InferenceSettings, predict, segment
from napari_unets.jobs.volumes.block_size import choose_block
from napari_unets.jobs.volumes.blocks import BlockRecord, VolumeJob, plan_blocks, run_block
from napari_unets.jobs.volumes.errors import LedgerMismatchError, SourceChangedError, VolumeError
from napari_unets.jobs.volumes.process import close_volume
from napari_unets.jobs.volumes.writing import scratch_folder
from napari_unets.models import load_model, save_model
from tests.jobs.volume_support import SHAPE, blobs, contents, plan, save_volume

FP32 = InferenceSettings(precision="fp32", backend="torch")


@pytest.fixture(autouse=True)
def _closed():
    yield
    close_volume()


def _run(job):
    job.store.create(job.output, scratch_folder(job.output))
    return [run_block(job, block) for block in plan_blocks(job)]


@pytest.mark.parametrize("kind", ["segmentation", "probabilities"])
def test_parts_of_planes_make_what_whole_planes_make(tmp_path, kind):
    large = np.tile(blobs((3, 260, 260)), (1, 5, 4))[:, :1100]  # 1100 × 1040
    source = save_volume(tmp_path / "in.ome.zarr", large)
    made = tiny_model(width=4, narrow=4, depth=1)
    folder = save_model(made.network, made.card, tmp_path / "tiny")
    settings = FP32.model_copy(update={"halo": "exact"})
    job = plan(source, tmp_path / "out.ome.zarr", folder, block=(2, 1024, 1024), settings=settings, kind=kind)
    assert len(plan_blocks(job)) == 8
    _run(job)
    how = segment if kind == "segmentation" else predict
    whole = how(load_model(folder), open_stack(source), settings=settings)
    result = np.asarray(open_stack(job.output))
    if kind == "probabilities":
        np.testing.assert_allclose(result, whole, atol=1e-5)
    else:
        assert np.mean(result != whole) < 1e-5


def test_every_voxel_is_in_one_block(tmp_path):
    source = save_volume(tmp_path / "in.ome.zarr", blobs((2, 5, 40, 50)))
    job = plan(source, tmp_path / "out.ome.zarr", block=(2, 40, 50))
    seen = np.zeros(job.shape, int)
    for number, block in enumerate(plan_blocks(job)):
        seen[(*block.before, block.z, *block.window)] += 1
        assert block.number == number
    assert (seen == 1).all()


def test_a_job_is_the_same_after_a_journey(tmp_path):
    job = plan(save_volume(tmp_path / "in.ome.zarr"), tmp_path / "out.ome.zarr", kind="probabilities")
    assert pickle.loads(pickle.dumps(job)) == job
    again = VolumeJob.model_validate_json(job.model_dump_json())
    assert (again, again.key) == (job, job.key)
    block = plan_blocks(job)[-1]
    assert pickle.loads(pickle.dumps(block)) == block
    assert str(block) == "z 8:9, y 0:90, x 0:110"


def test_a_block_that_is_run_twice_gives_the_same_bytes(tmp_path):
    job = plan(save_volume(tmp_path / "in.ome.zarr"), tmp_path / "out.ome.zarr", kind="probabilities")
    first = _run(job)
    before = contents(job.output)
    again = run_block(job, plan_blocks(job)[1])
    assert contents(job.output) == before
    assert again.files == first[1].files
    assert BlockRecord.from_json(again.to_json()).files == again.files


def test_classes_have_an_axis(tmp_path):
    made = tiny_model(width=4, narrow=4, depth=1, out_channels=1)
    three = made.card.model_dump() | {
        "classes": [{"id": i, "name": str(i), "color": "#000000"} for i in (1, 2, 3)],
        "network_config": made.card.network_config | {"out_channels": 3},
    }
    from napari_unets.networks import create_network

    network = create_network("sf-net", width=4, narrow=4, depth=1, out_channels=3)
    folder = save_model(network, type(made.card)(**three), tmp_path / "three")
    source = save_volume(tmp_path / "in.ome.zarr")
    job = plan(source, tmp_path / "out.ome.zarr", folder, settings=FP32, kind="probabilities")
    _run(job)
    stack = open_stack(job.output)
    assert (stack.axes, stack.shape) == ("czyx", (3, *SHAPE))
    whole = predict(load_model(folder), open_stack(source), all_classes=True, settings=FP32)
    np.testing.assert_allclose(stack, whole, atol=1e-6)


def test_each_plane_has_its_own_threshold(tmp_path):
    """Otsu's is of the whole plane, whatever part of it a block has."""
    rising = np.arange(1, 4)[:, None, None] * np.tile(blobs((3, 130, 130)) // 4, (1, 9, 9))
    source = save_volume(tmp_path / "in.ome.zarr", rising.astype(np.uint8))
    job = plan(source, tmp_path / "out.ome.zarr", "otsu", block=(2, 1024, 1024))
    _run(job)
    np.testing.assert_array_equal(open_stack(job.output), segment(load_model("otsu"), open_stack(source)))


def test_series_and_colour(tmp_path):
    colour = np.stack([blobs((2, 5, 60, 70), seed) for seed in range(3)], axis=-1)
    source = save_stack(tmp_path / "in.tif", as_stack(colour, axes="tzyxs"))
    job = plan(source, tmp_path / "out.ome.zarr", block=(2, 60, 70))
    assert (job.axes, job.shape) == ("tzyx", (2, 5, 60, 70))
    _run(job)
    np.testing.assert_array_equal(open_stack(job.output), segment(load_model("otsu"), open_stack(source)))


def test_blocks_are_as_large_as_memory_and_halo_want():
    assert choose_block((64, 4096, 4096), 1) == (4, 4096, 4096)
    assert choose_block((64, 4096, 4096), 4) == (1, 4096, 4096)
    assert choose_block((30, 512, 512), 1) == (16, 512, 512)
    assert choose_block((3, 512, 512), 1) == (4, 512, 512)
    assert choose_block((30000, 30000, 30000), 1) == (4, 4096, 4096)
    assert choose_block((10, 5000, 3000), 2) == (2, 3072, 3000)
    assert choose_block((10, 5000, 9000), 4, whole_planes=True) == (1, 5000, 9000)


@pytest.mark.parametrize(
    ("block", "what", "message"),
    [
        ((2, 1000, 1024), {}, "multiples of 1024"),
        ((3, 2048, 2048), {}, "power of two"),
        ((0, 1, 1), {}, "three sides"),
        ((2, 1024, 1024), {"kind": "instances"}, "whole planes"),
        (None, {"ortho": True}, "not made block by block"),
    ],
)
def test_what_cannot_be_planned(tmp_path, block, what, message):
    source = save_volume(tmp_path / "in.ome.zarr", np.zeros((9, 1100, 1100), np.uint8))
    with pytest.raises(VolumeError, match=message):
        plan(source, tmp_path / "out.ome.zarr", block=block, **what)
    with pytest.raises(VolumeError, match="is an input"):
        plan(source, source)


def test_another_model_of_the_same_name_is_refused(tmp_path):
    made = tiny_model(width=4, narrow=4, depth=1)
    folder = save_model(made.network, made.card, tmp_path / "tiny")
    job = plan(save_volume(tmp_path / "in.ome.zarr"), tmp_path / "out.ome.zarr", folder, settings=FP32)
    save_model(made.network, made.card.model_copy(update={"threshold": 0.7}), folder, overwrite=True)
    with pytest.raises(LedgerMismatchError, match="is not the model"):
        run_block(job, plan_blocks(job)[0])


def test_missing_chunks_of_a_volume_that_is_gone_are_not_zeros(tmp_path):
    source = save_volume(tmp_path / "in.ome.zarr")
    job = plan(source, tmp_path / "out.ome.zarr")
    job.store.create(job.output, scratch_folder(job.output))
    run_block(job, plan_blocks(job)[0])
    source.rename(tmp_path / "moved.ome.zarr")
    with pytest.raises(SourceChangedError, match="no longer there"):
        run_block(job, plan_blocks(job)[1])
