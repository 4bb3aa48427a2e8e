"""First come, first served."""

from __future__ import annotations

import threading
from collections.abc import Callable

__all__ = ["Turns"]


class Turns:
    """A queue of threads, of which the first may go.

    Jobs wait here, and not in Dask's queue, because Dask holds a dying worker against every task
    that waits for it.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._queue: list[int] = []
        self._next = 0

    def draw(self) -> int:
        """Take a place at the end of the queue."""
        with self._changed:
            self._next += 1
            self._queue.append(self._next)
            return self._next

    def wait(self, place: int, given_up: Callable[[], bool]) -> bool:
        """Wait until a place is the first; return False if `given_up` says so before. See `look`."""
        with self._changed:
            self._changed.wait_for(lambda: given_up() or self._queue[0] == place)
            return not given_up()

    def look(self) -> None:
        """Let all that wait look again whether they have given up."""
        with self._changed:
            self._changed.notify_all()

    def leave(self, place: int) -> None:
        """Give a place up, used or not."""
        with self._changed:
            self._queue.remove(place)
            self._changed.notify_all()
