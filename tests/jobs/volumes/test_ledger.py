"""The record of a run: kept whatever happens, and believed only where it can be."""

from __future__ import annotations

import errno
import json
import os
import shutil

import pytest

from napari_unets.jobs.volumes.beginning import _begin
from napari_unets.jobs.volumes.blocks import BlockRecord
from napari_unets.jobs.volumes.errors import BlockWriteError, LedgerError, LedgerInUseError, LedgerMismatchError
from napari_unets.jobs.volumes.ledger import Ledger, ledger_path
from napari_unets.jobs.volumes.writing import scratch_folder
from tests.jobs.volume_support import plan, save_volume

RECORDS = [BlockRecord(n, {f"0/c/{n}/0/0": "0123456789abcdef"}, (0.1, 0.2, 0.3), 5, "cpu") for n in range(3)]


@pytest.fixture
def job(tmp_path):
    job = plan(save_volume(tmp_path / "in.ome.zarr"), tmp_path / "out.ome.zarr")
    job.store.create(job.output, scratch_folder(job.output))
    (job.output / "0" / "c").mkdir()
    return job


def _have_files(job, *numbers):
    for number in numbers:
        folder = job.output / "0" / "c" / str(number) / "0"
        folder.mkdir(parents=True)
        (folder / "0").touch()


def test_what_is_noted_is_there_afterwards(job):
    with Ledger.create(job) as ledger:
        for record in RECORDS:
            ledger.append(record)
        ledger.note(finished=True)
    with Ledger(job.output) as ledger:
        assert ledger.job == job
        assert list(ledger.records.values()) == RECORDS
        assert ledger.notes == {"finished": True}


def test_what_was_before_a_new_beginning_does_not_count(job):
    with Ledger.create(job) as ledger:
        ledger.append(RECORDS[0])
        ledger.note(finished=True)
        ledger.begin_again()
        ledger.append(RECORDS[1])
        assert (list(ledger.records), ledger.notes) == ([1], {})
    with Ledger(job.output) as ledger:
        assert (list(ledger.records), ledger.notes) == ([1], {})


def test_only_blocks_whose_files_are_there_are_done(job):
    _have_files(job, 0, 2)
    with Ledger.create(job) as ledger:
        for record in RECORDS:
            ledger.append(record)
        ledger.append(BlockRecord(5, {}, (0, 0, 0)))  # nothing but zeros
        ledger.note(finished=True)
        assert ledger.done() == {0, 2, 5}
        assert not ledger.is_finished


def test_a_torn_line_is_as_good_as_not_written(job):
    _have_files(job, 0, 1, 2)
    with Ledger.create(job) as ledger:
        ledger.append(RECORDS[0])
    path = ledger_path(job.output)
    whole = path.read_bytes()
    line = json.dumps(RECORDS[1].to_json()).encode()
    for length in (1, len(line) // 2, len(line)):
        path.write_bytes(whole + line[:length])
        with Ledger(job.output) as ledger:
            assert ledger.done() == {0}
            ledger.append(RECORDS[2])
        with Ledger(job.output) as ledger:
            assert ledger.done() == {0, 2}


@pytest.mark.parametrize("content", [b"", b"{}\n", b"no\n", b'{"ledger": 1, "job": {}}\n', b"\xff\n", b"[]\n"])
def test_a_ledger_that_says_nothing(job, content):
    ledger_path(job.output).write_bytes(content)
    with pytest.raises(LedgerError, match="is damaged"):
        Ledger(job.output)


def test_a_damaged_line_in_the_middle(job):
    with Ledger.create(job) as ledger:
        ledger.append(RECORDS[0])
    with ledger_path(job.output).open("ab") as file:
        file.write(b'{"block": 1}\n')
    with pytest.raises(LedgerError, match="is damaged"):
        Ledger(job.output)


def test_a_later_version_is_not_guessed_at(job):
    ledger_path(job.output).write_bytes(b'{"ledger": 99, "job": {}}\n')
    with pytest.raises(LedgerError, match="later version"):
        Ledger(job.output)


def test_there_is_none(job):
    with pytest.raises(LedgerError, match=r"there is no out\.ome\.zarr\.ledger\.jsonl"):
        Ledger(job.output)


@pytest.mark.skipif(os.name == "nt", reason="needs fcntl")
def test_two_runs_do_not_write_one_volume(job):
    with Ledger.create(job), pytest.raises(LedgerInUseError, match="another process"):
        Ledger(job.output)
    Ledger(job.output).close()


@pytest.mark.parametrize("links", [True, False])
def test_of_two_runs_that_begin_at_one_moment_the_first_goes_on(job, monkeypatch, links):
    def no_links(*_):
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    if not links:  # as on file systems of memory cards
        monkeypatch.setattr(os, "link", no_links)
    with Ledger.create(job) as ledger:
        unfinished = scratch_folder(job.output) / "block"
        unfinished.touch()
        with pytest.raises(LedgerInUseError, match="has just begun it"):
            _begin(job)
        assert unfinished.exists()
        ledger.append(RECORDS[0])
    with Ledger(job.output) as ledger:
        assert set(ledger.records) == {0}
    assert [path.name for path in scratch_folder(job.output).iterdir()] == ["block"]


def test_a_full_disk_leaves_no_half_line(job, monkeypatch):
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def fsync(_):
        raise full

    _have_files(job, 0, 1)
    with Ledger.create(job) as ledger:
        ledger.append(RECORDS[0])
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", fsync)
            with pytest.raises(BlockWriteError, match="No space left"):
                ledger.append(RECORDS[1])
        assert ledger.done() == {0}
        ledger.append(RECORDS[2])
    with Ledger(job.output) as ledger:
        assert set(ledger.records) == {0, 2}


def test_what_changed_is_said(job, tmp_path):
    source = tmp_path / "in.ome.zarr"
    with Ledger.create(job) as ledger:
        ledger.matches(plan(source, job.output).origin)
        for other, reason in (
            (plan(source, job.output, "sauvola"), "the model is another one"),
            (plan(source, job.output, kind="probabilities"), "kind was segmentation and is probabilities"),
            (plan(source, job.output, threshold=0.7), "threshold was not set and is 0.7"),
        ):
            with pytest.raises(LedgerMismatchError, match=reason):
                ledger.matches(other.origin)
        os.utime(source / "zarr.json", (1, 1))
        with pytest.raises(LedgerMismatchError, match=r"in\.ome\.zarr has changed"):
            ledger.matches(plan(source, job.output).origin)


def test_what_took_the_place_of_the_volume_is_not_taken_for_it(job):
    with Ledger.create(job) as ledger:
        shutil.rmtree(job.output)
        ledger.matches(job.origin)  # a volume that is gone is made again
        save_volume(job.output)
        with pytest.raises(LedgerMismatchError, match="took its place"):
            ledger.matches(job.origin)


def test_a_volume_can_be_moved_with_its_ledger(job, tmp_path):
    Ledger.create(job).close()
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    job.output.rename(moved / "new.ome.zarr")
    ledger_path(job.output).rename(ledger_path(moved / "new.ome.zarr"))
    with Ledger(moved / "new.ome.zarr") as ledger:
        assert ledger.job.output == moved / "new.ome.zarr"
