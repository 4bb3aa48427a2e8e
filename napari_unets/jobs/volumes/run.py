"""Volumes that are larger than the memory: begun, gone on with after whatever happened, and finished."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from napari_unets.images import ImageError
from napari_unets.jobs.outputs.fingerprint import fingerprint
from napari_unets.jobs.volumes.beginning import ledger_of
from napari_unets.jobs.volumes.blocks import Block, BlockRecord, VolumeJob, plan_blocks
from napari_unets.jobs.volumes.errors import SourceChangedError
from napari_unets.jobs.volumes.in_process import in_process
from napari_unets.jobs.volumes.ledger import Ledger
from napari_unets.jobs.volumes.objects import TABLES, number_objects, settle_objects
from napari_unets.jobs.volumes.progress import Teller, VolumeEvent
from napari_unets.jobs.volumes.writing import scratch_folder

if TYPE_CHECKING:
    from napari_unets.inference import Predictor

__all__ = ["Execute", "VolumeReport", "begun_job", "run_volume"]

#: Has blocks of a job computed and yields their records, in any order.
Execute = Callable[[VolumeJob, Sequence[Block]], Iterator[BlockRecord]]


@dataclass(frozen=True)
class VolumeReport:
    """What was done.

    Attributes
    ----------
    output : Path
        The volume.
    blocks : int
        Of which it consists.
    resumed : int
        Of them, how many were done before this run.
    seconds : float
        This run took.
    reading, computing, writing : float
        Seconds spent on the blocks of this run, some of them at the same time.
    objects : int
        Number of objects, if that is what was made.
    """

    output: Path
    blocks: int
    resumed: int
    seconds: float
    reading: float = 0.0
    computing: float = 0.0
    writing: float = 0.0
    objects: int = 0


def begun_job(output: str | Path) -> VolumeJob:
    """Return the job that a volume was begun with.

    Raises
    ------
    LedgerError
        If there is no ledger beside it, it is damaged, or in use.
    """
    with Ledger(Path(output).expanduser().absolute()) as ledger:
        return ledger.job


def run_volume(
    job: VolumeJob,
    *,
    execute: Execute | None = None,
    resume: bool = False,
    overwrite: bool = False,
    on_event: Callable[[VolumeEvent], None] | None = None,
    cancel: Callable[[], bool] | None = None,
    predictor: Predictor | None = None,
) -> VolumeReport:
    """Compute a volume block by block.

    The output is a valid OME-Zarr from the beginning, 0 where nothing is written yet. Whatever ends the run, the same
    call with ``resume`` goes on, and the result is the same to the byte.

    Parameters
    ----------
    job : VolumeJob
        What to do; of :func:`~napari_unets.jobs.volumes.blocks.plan_volume`.
    execute : callable, optional
        Has the blocks computed; in this process by default.
    resume : bool
        Go on with what was begun, if anything was, with the statistics, windows and blocks settled then.
    overwrite : bool
        Replace what is there.
    on_event : callable, optional
        Told the progress.
    cancel : callable, optional
        Asked often; True ends the run.
    predictor : Predictor, optional
        One that is ready to run the job's model, for the run in this process.

    Returns
    -------
    VolumeReport

    Raises
    ------
    ImageExistsError
        If the output is there, and neither ``resume`` nor ``overwrite`` is asked for.
    LedgerError, LedgerMismatchError
        If what was begun cannot be gone on with.
    SourceChangedError
        If the input is gone, or has changed in the meantime.
    BlockWriteError
        If the disk is full, for instance.
    Cancelled
        If ``cancel`` said True.
    ImageError, InferenceError, ModelError, JobError
        As reading, computing, or the cluster's workers raise.
    """
    began = time.monotonic()
    tell = Teller(on_event)
    with ledger_of(job, resume=resume, overwrite=overwrite) as ledger:
        job = ledger.job.run_where(job.source, job.output, job.model, job.settings)
        blocks, done, seconds = plan_blocks(job), _usable(ledger), [0.0, 0.0, 0.0]
        before = len(done)
        if not ledger.is_finished:
            _tidy(job.output, keep=[TABLES] if ledger.notes.get("numbered") else [])
            if not (job.output / "zarr.json").exists():
                job.store.create(job.output, scratch_folder(job.output))
            tell.start("blocks", before, len(blocks))
            left = [block for block in blocks if block.number not in done]
            run = execute or partial(
                in_process, cancel=cancel, predictor=predictor, report=lambda n: tell.at(before + n, len(blocks))
            )
            for number, record in enumerate(run(job, left) if left else (), start=before + 1):
                ledger.append(record)
                seconds = [a + b for a, b in zip(seconds, record.seconds, strict=True)]
                tell.at(number, len(blocks))
            _check_complete(ledger, blocks)
            _check_source(job)
            objects = 0
            if job.what.kind == "instances":
                tell.start("objects", 0, len(blocks))
                ids = settle_objects(job, blocks, ledger.records, cancel)
                ledger.note(numbered=True)
                objects = number_objects(job, blocks, ledger.records, ids, tell.at, cancel)
            ledger.note(finished=True, objects=objects)
        shutil.rmtree(scratch_folder(job.output), ignore_errors=True)
        reading, computing, writing = seconds
        return VolumeReport(
            output=job.output,
            blocks=len(blocks),
            resumed=before,
            seconds=time.monotonic() - began,
            reading=reading,
            computing=computing,
            writing=writing,
            objects=int(ledger.notes.get("objects", 0)),
        )


def _usable(ledger: Ledger) -> set[int]:
    """Return the blocks that need not be made again.

    Once ids of objects were made those of the whole volume, a block that is lost cannot be given its own any more
    without those that were settled; all blocks are then made again.
    """
    settled = scratch_folder(ledger.job.output) / TABLES
    if ledger.notes.get("numbered") and not ledger.is_finished and not settled.exists():
        ledger.begin_again()
    return ledger.done()


def _check_complete(ledger: Ledger, blocks: Sequence[Block]) -> None:
    """See that no block is missing: a run that was cancelled may simply end."""
    from napari_unets.inference import Cancelled

    if (count := len(ledger.done())) < len(blocks):
        raise Cancelled(f"stopped after {count} of {len(blocks)} blocks")


def _check_source(job: VolumeJob) -> None:
    """See that the input is still what the blocks were computed from."""
    try:
        same = [fingerprint(job.source, dataset=job.opening.dataset)] == list(job.origin.sources)
    except ImageError:
        same = False
    if not same:
        raise SourceChangedError(
            f"{job.source}: has changed, or was removed, while {job.output} was made from it, so nobody knows what the "
            "result is of; see that the input stays, and make it anew with --overwrite"
        )


def _tidy(output: Path, keep: Sequence[str]) -> None:
    """Remove what unfinished files a run that was killed has left."""
    for path in scratch_folder(output).glob("*"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name not in keep:
            path.unlink(missing_ok=True)
