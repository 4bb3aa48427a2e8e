"""What can go wrong between this process and the one that does the work."""

from __future__ import annotations

from napari_unets.errors import NapariUnetsError

__all__ = [
    "BlockDeadlyError",
    "HandOverError",
    "JobCrashedError",
    "JobError",
    "MissingDaskError",
    "OutputNotSharedError",
    "SchedulerLostError",
    "SchedulerUnreachableError",
    "WorkerClosedError",
    "WorkerDiedError",
    "WorkerMismatchError",
    "WorkerStartError",
]


class JobError(NapariUnetsError):
    """A job did not come to its end, and not because of what it was given to do."""


class WorkerDiedError(JobError):
    """The worker process ended in the middle of a job; another one takes its place.

    Attributes
    ----------
    log : str
        The last lines that the process wrote, for a bug report; empty for a remote worker.
    """

    def __init__(self, message: str, log: str = "") -> None:
        super().__init__(message)
        self.log = log


class WorkerStartError(JobError):
    """The worker process ended before it was ready.

    Attributes
    ----------
    log : str
        The last lines that the process wrote, for a bug report.
    """

    def __init__(self, message: str, log: str = "") -> None:
        super().__init__(message)
        self.log = log


class WorkerClosedError(JobError):
    """The worker was closed while the job ran, or before it was submitted."""


class SchedulerUnreachableError(JobError):
    """Nobody answers at the address of the Dask scheduler."""


class MissingDaskError(JobError):
    """``dask.distributed`` is not installed."""


class SchedulerLostError(JobError):
    """The connection to the Dask scheduler broke off in the middle of a run, or somebody cancelled its tasks."""


class WorkerMismatchError(JobError):
    """A worker of the cluster has another version of this package than the process that gives it work, or none."""


class OutputNotSharedError(JobError):
    """A worker of the cluster does not see, or may not write to, the folder that the result goes to."""


class BlockDeadlyError(JobError):
    """One worker after the other died while it had a certain block of the volume.

    Attributes
    ----------
    log : str
        The last lines that one of them wrote, for a bug report; empty for remote workers.
    """

    def __init__(self, message: str, log: str = "") -> None:
        super().__init__(message)
        self.log = log


class HandOverError(JobError):
    """An array cannot be given to the worker process: no room for the copy."""


class JobCrashedError(Exception):
    """A programming error in the worker process: a bug to report, nothing that the user did.

    Attributes
    ----------
    traceback_text : str
        The traceback as the worker process would have printed it.
    """

    def __init__(self, summary: str, traceback_text: str) -> None:
        super().__init__(f"{summary}\n\nIn the worker process:\n{traceback_text}")
        self.summary = summary
        self.traceback_text = traceback_text
