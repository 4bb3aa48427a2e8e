"""One run of a function in the worker, from the button to its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QObject, QTimer, Signal

from napari_unets.jobs import Job, Worker
from napari_unets.widgets.parts.job_signals import JobSignals

__all__ = ["JobRun"]

_LOOK_MS = 100


class JobRun(QObject):
    """Sends a function to the worker, and looks from time to time at what has come of it.

    Parameters
    ----------
    worker : Worker
        Does the work.
    look_ms : int
        How often it is looked, in milliseconds.
    """

    #: It cannot begin yet: what it waits for, in words; empty once it begins.
    waiting = Signal(str)
    #: It has failed: the error.
    failed = Signal(object)

    def __init__(self, worker: Worker, *, look_ms: int = _LOOK_MS) -> None:
        super().__init__()
        self._job: Job | None = None
        self._signals = JobSignals(worker)
        self._signals.waiting.connect(self.waiting)
        self._signals.done.connect(self._end)
        self._signals.failed.connect(self._failed)
        self._timer = QTimer(self)
        self._timer.setInterval(look_ms)
        self._timer.timeout.connect(self._look)

    def stop(self) -> None:
        """End as soon as may be; what is there stays."""
        if self._job is not None:
            self._job.stop()

    @property
    def _stopped(self) -> bool:
        """Whether it was stopped before its end."""
        return self._job is not None and self._job.stopped

    def _submit(self, function: Callable[..., Any], *args: Any, **keywords: Any) -> None:
        """Begin; returns at once."""
        self._job = self._signals.submit(function, *args, on_event=self._take, **keywords)
        self._timer.start()

    def _take(self, event: Any) -> None:
        """Note what has come; in the job's thread, so that the window is not held up."""
        raise NotImplementedError

    def _look(self) -> None:
        """Tell what was noted; in the window's thread."""
        raise NotImplementedError

    def _done(self, result: Any) -> None:
        """Tell the end; in the window's thread."""
        raise NotImplementedError

    def _end(self, result: Any) -> None:
        self._finish()
        self._done(result)

    def _failed(self, error: Exception) -> None:
        self._finish()
        self.failed.emit(error)

    def _finish(self) -> None:
        """Look no more."""
        self._timer.stop()
