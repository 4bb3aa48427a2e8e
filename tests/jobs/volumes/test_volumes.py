"""Volumes from beginning to end, and what comes between."""

from __future__ import annotations

import errno
import os
import shutil

import numpy as np
import pytest

from napari_unets.images import ImageError, ImageExistsError, ImageWriteError, open_stack, save_stack
from napari_unets.images.volume_store import VolumeStore
from napari_unets.inference import Cancelled, InferenceSettings, LinkSettings, Predictor, predict, segment
from napari_unets.jobs.outputs import safe_files
from napari_unets.jobs.volumes import process
from napari_unets.jobs.volumes.blocks import plan_blocks, run_block
from napari_unets.jobs.volumes.errors import BlockWriteError, LedgerError, SourceChangedError
from napari_unets.jobs.volumes.job import plan_volume
from napari_unets.jobs.volumes.ledger import Ledger, ledger_path
from napari_unets.jobs.volumes.objects import TABLES
from napari_unets.jobs.volumes.run import run_volume
from napari_unets.jobs.volumes.writing import scratch_folder
from napari_unets.models import load_model, new_model, save_model
from tests.jobs.volume_support import blobs, contents, plan, save_volume

FP32 = InferenceSettings(precision="fp32", backend="torch")


@pytest.fixture
def source(tmp_path):
    return save_volume(tmp_path / "in.ome.zarr")


@pytest.fixture
def expected(source, tmp_path):
    """Files of the volume that an undisturbed run makes."""
    job = plan(source, tmp_path / "undisturbed" / "out.ome.zarr")
    run_volume(job)
    return contents(job.output)


def test_a_run(source, tmp_path):
    events = []
    job = plan(source, tmp_path / "new" / "out.ome.zarr")
    report = run_volume(job, on_event=events.append)
    np.testing.assert_array_equal(open_stack(job.output), segment(load_model("otsu"), open_stack(source)))
    assert (report.blocks, report.resumed, report.objects) == (3, 0, 0)
    assert min(report.reading, report.computing, report.writing) > 0
    done = [event.done for event in events]
    assert done == sorted(done)
    assert (done[0], done[-1], events[-1].total, events[-1].seconds_left) == (0, 3, 3, 0)
    assert sorted(path.name for path in job.output.parent.iterdir()) == ["out.ome.zarr", "out.ome.zarr.ledger.jsonl"]
    stack = open_stack(job.output)
    assert stack.metadata["napari_unets"]["model"] == "otsu"
    assert (stack.voxel_size_nm, stack.is_labels) == ((30, 4, 4), True)


def test_it_can_be_looked_at_while_it_grows(source, tmp_path):
    job = plan(source, tmp_path / "out.ome.zarr")
    planes = []

    def look(event):
        if event.done in (1, 2) and (job.output / "zarr.json").exists():
            planes.append(np.asarray(open_stack(job.output)).any(axis=(1, 2)).sum())

    def one_by_one(job, blocks):
        for block in reversed(blocks):
            yield run_block(job, block)
        process.close_volume()

    run_volume(job, execute=one_by_one, on_event=look)
    assert planes == [1, 5]  # the last block has one plane, the one before it four


@pytest.mark.parametrize("link", [False, True])
def test_objects_have_the_ids_that_the_whole_at_once_gives(source, tmp_path, link):
    job = plan(source, tmp_path / "out.ome.zarr", kind="instances", link=link)
    report = run_volume(job)
    how = {"instances": "3d", "linking": LinkSettings()} if link else {"instances": True}
    whole = segment(load_model("otsu"), open_stack(source), **how)
    np.testing.assert_array_equal(open_stack(job.output), whole)
    assert report.objects == whole.max()
    if link:
        assert len(np.intersect1d(whole[3], whole[4])) > 3, "nothing goes on over the end of a block"


def test_objects_of_several_volumes_share_no_id(tmp_path):
    source = save_volume(tmp_path / "in.ome.zarr", blobs((2, 5, 90, 110)))
    job = plan(source, tmp_path / "out.ome.zarr", kind="instances", link=True)
    run_volume(job)
    result = np.asarray(open_stack(job.output))
    np.testing.assert_array_equal(result, segment(load_model("otsu"), open_stack(source), instances="3d"))
    assert np.intersect1d(result[0], result[1]).tolist() == [0]


def test_what_is_there_is_not_replaced_unasked(source, tmp_path):
    job = plan(source, tmp_path / "out.ome.zarr")
    run_volume(job)
    before = contents(job.output)
    with pytest.raises(ImageExistsError, match="--resume"):
        run_volume(job)
    assert run_volume(job, resume=True).resumed == 3
    assert contents(job.output) == before
    again = run_volume(job, overwrite=True)
    assert (again.resumed, contents(job.output)) == (0, before)
    ledger_path(job.output).unlink()
    with pytest.raises(LedgerError, match=r"no out\.ome\.zarr\.ledger\.jsonl"):
        run_volume(job, resume=True)
    with pytest.raises(ImageExistsError):
        run_volume(job)
    run_volume(job, overwrite=True)


def test_killed_while_a_volume_is_removed(source, tmp_path, monkeypatch):
    job = plan(source, tmp_path / "out.ome.zarr")
    run_volume(job)
    before = contents(job.output)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", _killed)
        with pytest.raises(KeyboardInterrupt):
            run_volume(job, overwrite=True)
    assert not job.output.exists()
    run_volume(job, resume=True)
    assert contents(job.output) == before
    assert set(tmp_path.iterdir()) == {source, job.output, ledger_path(job.output)}


def _killed(*_, **__):
    raise KeyboardInterrupt


def test_only_volumes_are_overwritten(source, tmp_path):
    (tmp_path / "out.ome.zarr").write_text("a letter")
    with pytest.raises(ImageExistsError, match="something else"):
        run_volume(plan(source, tmp_path / "out.ome.zarr"), overwrite=True)
    assert (tmp_path / "out.ome.zarr").read_text() == "a letter"


@pytest.mark.parametrize("kind", ["segmentation", "probabilities"])
def test_axes_come_in_the_order_of_ome_zarr(tmp_path, kind):
    """ImageJ's hyperstacks have t, z, c."""
    values = blobs((2, 3, 2, 90, 110))
    source = save_stack(tmp_path / "in.tif", values, axes="tzcyx")
    job = plan(source, tmp_path / "out.ome.zarr", kind=kind)
    run_volume(job)
    function = segment if kind == "segmentation" else predict
    with open_stack(job.output) as out:
        assert (out.axes, out.shape) == ("tczyx", (2, 2, 3, 90, 110))
        np.testing.assert_allclose(out, function(load_model("otsu"), values.swapaxes(1, 2)), atol=1e-6)


@pytest.fixture
def three(tmp_path):
    """A model of three classes."""
    made = new_model("three", "unet", ("a", "b", "c"), settings={"width": 4, "depth": 1})
    return save_model(made.network, made.card, tmp_path / "three")


def test_classes_of_channels_are_refused(tmp_path, three):
    source = save_stack(tmp_path / "in.tif", blobs((2, 3, 90, 110)), axes="czyx")
    with pytest.raises(ImageError, match=r"in\.tif: has channels"):
        plan(source, tmp_path / "out.ome.zarr", three, kind="probabilities")


@pytest.mark.parametrize(("shape", "axes"), [((2, 3, 90, 110), "tzyx"), ((5, 90, 110), "tyx")])
def test_classes_come_behind_the_time(tmp_path, three, shape, axes):
    values = blobs(shape)
    source = save_stack(tmp_path / "in.tif", values, axes=axes)
    job = plan(source, tmp_path / "out.ome.zarr", three, block=(2, 90, 110), kind="probabilities", settings=FP32)
    run_volume(job)
    whole = predict(load_model(three), values, all_classes=True, settings=FP32)
    with open_stack(job.output) as out:
        assert out.axes == f"tc{axes[1:]}"
        np.testing.assert_allclose(out, whole.swapaxes(0, 1), atol=1e-5)


@pytest.mark.parametrize(("axes", "planes"), [("zyx", 2), ("tyx", 3), ("cyx", 3)])
def test_levels_never_join_times_or_channels(tmp_path, axes, planes):
    values = np.zeros((3, 60, 2100), np.uint8)
    source = save_stack(tmp_path / "in.tif", values, axes=axes, voxel_size_nm=(4, 4, 4))
    job = plan(source, tmp_path / "out.ome.zarr", block=(4, 60, 2100))
    run_volume(job)
    with open_stack(job.output, level=1) as out:
        assert (out.shape, out.voxel_size_nm) == ((planes, 30, 1050), (8 if axes == "zyx" else 4, 8, 8))


def test_a_volume_that_cannot_be_begun_leaves_the_way_free(source, tmp_path, monkeypatch):
    job = plan(source, tmp_path / "out.ome.zarr")

    def full(*_, **__):
        raise ImageWriteError("no room")

    with monkeypatch.context() as patch:
        patch.setattr(VolumeStore, "create", full)
        with pytest.raises(ImageWriteError):
            run_volume(job)
    assert not ledger_path(job.output).exists()
    run_volume(job)


@pytest.mark.parametrize("left", ["nothing", "ledger"])
def test_ids_that_another_run_has_settled_are_not_taken(source, tmp_path, left):
    """Of a run that was killed the volume was removed by hand, but not the hidden folder beside it."""
    other = plan(save_volume(tmp_path / "other.ome.zarr", blobs(seed=1)), tmp_path / "out.ome.zarr", kind="instances")

    def kill(event):
        if event.stage == "objects" and event.done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_volume(other, on_event=kill)
    assert (scratch_folder(other.output) / TABLES).exists()
    shutil.rmtree(other.output)
    if left == "nothing":
        ledger_path(other.output).unlink()
    job = plan(source, other.output, kind="instances", link=True)
    run_volume(job, overwrite=left == "ledger")
    whole = segment(load_model("otsu"), open_stack(source), instances="3d", linking=LinkSettings())
    np.testing.assert_array_equal(open_stack(job.output), whole)


@pytest.mark.parametrize("when", [0.2, 0.7, 1.2])
def test_stop_and_go_on(source, tmp_path, expected, when):
    job = plan(source, tmp_path / "out.ome.zarr")
    reached = []
    with pytest.raises(Cancelled):
        run_volume(job, on_event=lambda e: reached.append(e.done), cancel=lambda: bool(reached) and reached[-1] >= when)
    job = plan(source, job.output, resume=True)
    run_volume(job, resume=True)
    assert contents(job.output) == expected


@pytest.mark.parametrize("link", [False, True])
@pytest.mark.parametrize("after", [0, 1, 2])
def test_stop_while_objects_are_numbered_and_go_on(source, tmp_path, link, after):
    job = plan(source, tmp_path / "out.ome.zarr", kind="instances", link=link)
    reached = []
    with pytest.raises(Cancelled, match="objects of"):
        run_volume(
            job,
            on_event=lambda e: reached.append(e.done) if e.stage == "objects" else None,
            cancel=lambda: bool(reached) and reached[-1] >= after,
        )
    run_volume(job, resume=True)
    whole = segment(load_model("otsu"), open_stack(source), instances="3d" if link else True)
    np.testing.assert_array_equal(open_stack(job.output), whole)


def test_stopped_while_the_image_is_measured(source, tmp_path):
    settings = InferenceSettings(device="cpu", backend="torch")
    with (
        Predictor(load_model("em-membranes-fast"), settings) as predictor,
        pytest.raises(Cancelled, match="grey values"),
    ):
        plan_volume(source, tmp_path / "out.ome.zarr", predictor, cancel=lambda: True)
    assert [path.name for path in tmp_path.iterdir()] == ["in.ome.zarr"]


def test_a_resumed_run_keeps_what_was_settled(source, tmp_path):
    """Blocks and windows may be chosen otherwise on another day."""
    job = plan(source, tmp_path / "out.ome.zarr", "sauvola")
    with pytest.raises(Cancelled):
        run_volume(job, cancel=lambda: True)
    other = plan(source, job.output, "sauvola", block=(8, 90, 110))
    assert run_volume(other, resume=True).blocks == 3
    with Ledger(job.output) as ledger:
        assert ledger.job == job


def test_blocks_that_were_lost_are_made_again(source, tmp_path, expected):
    job = plan(source, tmp_path / "out.ome.zarr")
    run_volume(job)
    (job.output / "0" / "c" / "1" / "0" / "0").unlink()
    assert run_volume(job, resume=True).resumed == 2
    assert contents(job.output) == expected
    shutil.rmtree(job.output)
    assert run_volume(job, resume=True).resumed == 0
    assert contents(job.output) == expected


def test_objects_whose_block_was_lost_are_found_again(source, tmp_path):
    job = plan(source, tmp_path / "out.ome.zarr", kind="instances", link=True)
    run_volume(job)
    before = contents(job.output)
    (job.output / "0" / "c" / "1" / "0" / "0").unlink()
    run_volume(job, resume=True)
    assert contents(job.output) == before


@pytest.mark.parametrize("after", range(1, 8))
def test_a_full_disk(source, tmp_path, expected, monkeypatch, after):
    job = plan(source, tmp_path / "out.ome.zarr")
    real, calls = os.fsync, []

    def fsync(number):
        calls.append(number)
        if len(calls) > after:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(number)

    with monkeypatch.context() as patch:
        patch.setattr(safe_files.os, "fsync", fsync)
        with pytest.raises(BlockWriteError, match=r"No space left.*--resume|cannot be begun"):
            run_volume(job)
    if job.output.exists():
        values = np.asarray(open_stack(job.output))
        assert set(np.unique(values)) <= {0, 1, 2}
        assert not list(scratch_folder(job.output).glob("*"))
    run_volume(job, resume=True)
    assert contents(job.output) == expected


def test_an_input_that_vanishes(source, tmp_path, expected):
    job = plan(source, tmp_path / "out.ome.zarr")

    def vanish(event):
        if event.done >= 1 and source.exists():
            source.rename(tmp_path / "gone")

    with pytest.raises(SourceChangedError, match="bring the input back"):
        run_volume(job, on_event=vanish)
    (tmp_path / "gone").rename(source)
    assert run_volume(job, resume=True).resumed >= 1
    assert contents(job.output) == expected


def test_an_input_that_changes(source, tmp_path):
    job = plan(source, tmp_path / "out.ome.zarr")
    with pytest.raises(SourceChangedError, match="nobody knows"):
        run_volume(job, on_event=lambda event: os.utime(source / "zarr.json", (1, 1)))


def test_labels_in_the_image_that_they_are_made_from(source):
    (source / "labels").mkdir()
    job = plan(source, source / "labels" / "membranes.ome.zarr")
    run_volume(job, on_event=lambda event: (source / ".DS_Store").touch())
    assert run_volume(plan(source, job.output, resume=True), resume=True).resumed == 3


def test_an_output_that_vanishes(source, tmp_path):
    job = plan(source, tmp_path / "out.ome.zarr")

    def vanish(event):
        if event.done >= 1 and job.output.exists():
            shutil.rmtree(job.output)

    with pytest.raises(BlockWriteError, match="no longer there"):
        run_volume(job, on_event=vanish)


def test_a_record_that_is_missing_is_not_taken_for_done(source, tmp_path):
    job = plan(source, tmp_path / "out.ome.zarr")

    def lazy(job, blocks):
        yield run_block(job, blocks[0])
        process.close_volume()

    with pytest.raises(Cancelled, match="1 of 3"):
        run_volume(job, execute=lazy)
    assert len(plan_blocks(job)) == 3
