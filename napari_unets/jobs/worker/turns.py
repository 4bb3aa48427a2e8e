"""First come, first served."""

from __future__ import annotations

import threading
from collections.abc import Callable

__all__ = ["Turns"]

_MOMENT_S = 1.0


class Turns:
    """A queue of threads, of which the first may go.

    Jobs wait here, and not in Dask's queue, because Dask holds a dying worker against every task
    that waits for it.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._queue: dict[int, str] = {}  # in order
        self._next = 0

    def draw(self, name: str = "") -> int:
        """Take a place at the end of the queue, under a name that those behind are told."""
        with self._changed:
            self._next += 1
            self._queue[self._next] = name
            return self._next

    def wait(self, place: int, given_up: Callable[[], bool], on_wait: Callable[[str], None] | None = None) -> bool:
        """Wait until a place is the first; return False if `given_up` says so before. See `look`.

        If that takes longer than a moment, `on_wait` is called with the name of the first; and again, with none, when
        that is over.
        """

        def is_over() -> bool:
            return given_up() or next(iter(self._queue)) == place

        with self._changed:
            at_once = self._changed.wait_for(is_over, _MOMENT_S)
            first = next(iter(self._queue.values()))
        if not at_once and on_wait is not None:
            on_wait(first)
        with self._changed:
            self._changed.wait_for(is_over)
            goes = not given_up()
        if goes and not at_once and on_wait is not None:
            on_wait("")
        return goes

    def look(self) -> None:
        """Let all that wait look again whether they have given up."""
        with self._changed:
            self._changed.notify_all()

    def leave(self, place: int) -> None:
        """Give a place up, used or not."""
        with self._changed:
            del self._queue[place]
            self._changed.notify_all()
