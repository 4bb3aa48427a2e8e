"""Everything that takes long, in a worker process of this machine or on a Dask cluster."""

from __future__ import annotations

from napari_unets.jobs.errors import (
    BlockDeadlyError,
    HandOverError,
    JobCrashedError,
    JobError,
    MissingDaskError,
    OutputNotSharedError,
    SchedulerLostError,
    SchedulerUnreachableError,
    WorkerClosedError,
    WorkerDiedError,
    WorkerMismatchError,
    WorkerStartError,
)
from napari_unets.jobs.worker.inbox import Inbox
from napari_unets.jobs.worker.job import Job
from napari_unets.jobs.worker.worker import Worker

__all__ = [
    "BlockDeadlyError",
    "HandOverError",
    "Inbox",
    "Job",
    "JobCrashedError",
    "JobError",
    "MissingDaskError",
    "OutputNotSharedError",
    "SchedulerLostError",
    "SchedulerUnreachableError",
    "Worker",
    "WorkerClosedError",
    "WorkerDiedError",
    "WorkerMismatchError",
    "WorkerStartError",
]
