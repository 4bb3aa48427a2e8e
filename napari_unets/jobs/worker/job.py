"""What the submitting side holds of a job."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Callbacks", "Job", "State"]

State = Literal["waiting", "running", "done", "stopped", "failed"]


@dataclass(frozen=True)
class Callbacks:
    """Whom to call; see `Worker.submit`."""

    on_event: Callable[[Any], None] | None = None
    on_done: Callable[[Any], None] | None = None
    on_error: Callable[[Exception], None] | None = None
    on_wait: Callable[[str], None] | None = None


class Job:
    """A job that was submitted to a `Worker`.

    Attributes
    ----------
    id : str
        Unique in the world.
    name : str
        The function's name.
    state : {"waiting", "running", "done", "stopped", "failed"}
        Where it is.
    result : object
        What the function returned, once it is done; may be None of a stopped job.
    error : Exception or None
        Why it failed.
    killed : bool
        True if it did not stop when asked, and the worker process was ended.
    """

    def __init__(self, name: str, callbacks: Callbacks, grace_s: float) -> None:
        self.id = uuid.uuid4().hex
        self.name = name
        self.state: State = "waiting"
        self.result: Any = None
        self.error: Exception | None = None
        self.killed = False
        self.callbacks = callbacks
        self.grace_s = grace_s
        self._lock = threading.Lock()
        self._stop_requested = False
        self._obey: Callable[[], object] | None = None
        self._finished = threading.Event()

    def __repr__(self) -> str:
        return f"<Job {self.name} {self.state}>"

    @property
    def done(self) -> bool:
        """Whether the job has ended in any way and its last callback has returned."""
        return self._finished.is_set()

    @property
    def stopped(self) -> bool:
        """Whether it ended because it was asked to."""
        return self.state == "stopped"

    @property
    def stop_requested(self) -> bool:
        """Whether `stop` was called."""
        return self._stop_requested

    def stop(self) -> None:
        """Ask the job to end, and return at once.

        A job that waits never begins. One that runs ends within one window or step; if it has not
        after its grace period, the worker process is ended and started again.
        """
        with self._lock:
            first, self._stop_requested = not self._stop_requested, True
            obey = self._obey
        if first and obey is not None:
            obey()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the job has ended and its last callback has returned.

        Not for the thread that shows windows, and never inside a callback: it would wait for itself.

        Returns
        -------
        bool
            False if `timeout` seconds passed before.
        """
        return self._finished.wait(timeout)

    def obey_with(self, obey: Callable[[], object]) -> None:
        """Set what `stop` does at the job's present stage, and do it now if it was called before."""
        with self._lock:
            self._obey = obey
            late = self._stop_requested
        if late:
            obey()

    def mute(self) -> None:
        """Call nobody back any more."""
        self.callbacks = Callbacks()

    def end(self, state: State, result: Any = None, error: Exception | None = None) -> None:
        """Set how it ended, call back, and then let those go on who `wait`."""
        self.state, self.result, self.error = state, result, error
        try:
            if error is None and self.callbacks.on_done is not None:
                self.callbacks.on_done(result)
            if error is not None and self.callbacks.on_error is not None:
                self.callbacks.on_error(error)
        finally:
            self._finished.set()
