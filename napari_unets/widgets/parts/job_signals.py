"""From the background thread of a job to the thread of the window."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QObject, Signal

from napari_unets.jobs import Job, Worker

__all__ = ["JobSignals"]

#: What the functions do that take their time.
_WORDS = {
    "segment_stack": "a segmentation",
    "segment_pages": "a segmentation",
    "run_batch": "a batch",
    "tune": "a fine-tuning",
    "look_for_doubt": "the search for what to paint",
    "look_for_scale": "the search for the scale",
    "score_predictions": "an evaluation",
    "mark_errors": "an evaluation",
}


class JobSignals(QObject):
    """Submits functions to a worker; their ends arrive as Qt signals in the thread that made this object.

    Connect the signals to methods of QObjects: those that no longer exist are then left out.

    Parameters
    ----------
    worker : Worker
        Runs the functions.
    """

    #: A function has ended, or was stopped: its result.
    done = Signal(object)
    #: A function has failed: its error.
    failed = Signal(object)
    #: A function cannot begin yet: what it waits for, in words; empty once it begins after all.
    waiting = Signal(str)

    def __init__(self, worker: Worker) -> None:
        super().__init__()  # no parent: jobs may outlive the widget that asked for them
        self._worker = worker

    def submit(
        self, function: Callable[..., Any], *args: Any, on_event: Callable[[Any], None] | None = None, **keywords: Any
    ) -> Job:
        """Run a function in the worker; ``on_event`` is called in the job's thread, not in the window's."""
        return self._worker.submit(
            function,
            *args,
            on_event=on_event,
            on_done=lambda result: self.done.emit(result),  # a closure keeps this object for as long as the job runs
            on_error=lambda error: self.failed.emit(error),
            on_wait=lambda name: self.waiting.emit(_waits_for(name)),
            **keywords,
        )


def _waits_for(name: str) -> str:
    return name and f"Waiting until {_WORDS.get(name, 'another run')} is over …"
