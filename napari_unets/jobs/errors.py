"""What can go wrong between this process and the one that does the work."""

from __future__ import annotations

from napari_unets.errors import NapariUnetsError

__all__ = [
    "HandOverError",
    "JobCrashedError",
    "JobError",
    "SchedulerUnreachableError",
    "WorkerClosedError",
    "WorkerDiedError",
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
