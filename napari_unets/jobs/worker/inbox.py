"""Events on their way from a job's thread to the thread that shows them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["Inbox"]

T = TypeVar("T")


class Inbox(Generic[T]):
    """A short queue that holds the job, and not the memory, when its reader is busy.

    A Qt signal from another thread puts every event into Qt's own queue, which has no end. So give
    `put` to the job as ``on_event``, let `notify` emit a signal without arguments, and fetch with
    `take_all` in the slot.

    Parameters
    ----------
    notify : callable, optional
        Called in the job's thread when something arrives in the empty box.
    capacity : int
        Events that may wait.
    """

    def __init__(self, notify: Callable[[], object] | None = None, capacity: int = 16) -> None:
        self._notify = notify
        self._capacity = capacity
        self._events: deque[T] = deque()
        self._changed = threading.Condition()
        self._closed = False

    def put(self, event: T) -> None:
        """Add an event; wait while the box is full."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._events) < self._capacity)
            if self._closed:
                return
            self._events.append(event)
            first = len(self._events) == 1
        if first and self._notify is not None:
            self._notify()

    def take_all(self) -> list[T]:
        """Return what has arrived, in order; never waits."""
        with self._changed:
            events = list(self._events)
            self._events.clear()
            self._changed.notify_all()
        return events

    def close(self) -> None:
        """Let go of the job's thread for good: what comes from now on is dropped. For a window that closes."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
