"""A function that calls back, as a generator of what it says."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["emitted"]

_E = TypeVar("_E")
_R = TypeVar("_R")

_WAITING = 64  # events; a function that is further ahead of its reader is held
_LOOK_S = 0.1


def emitted(
    function: Callable[[Callable[[_E], None], Callable[[], bool]], _R], cancel: Callable[[], bool] | None = None
) -> Generator[_E, None, _R]:
    """Run a function in a thread and yield what it says.

    Parameters
    ----------
    function : callable
        Called with two functions: the first takes an event, the second says whether to end.
    cancel : callable, optional
        True once the function is to end; it is also to end when the generator is closed.

    Yields
    ------
    object
        The events, in order.

    Returns
    -------
    object
        What the function returns. What it raises is raised here.
    """
    events: queue.Queue[_E] = queue.Queue(_WAITING)
    closed = threading.Event()

    def emit(event: _E) -> None:
        while not closed.is_set():
            try:
                events.put(event, timeout=_LOOK_S)
            except queue.Full:
                continue
            return

    def asked_to_end() -> bool:
        return closed.is_set() or (cancel is not None and cancel())

    with ThreadPoolExecutor(1, "napari-unets") as thread:
        running = thread.submit(function, emit, asked_to_end)
        try:
            while not (running.done() and events.empty()):
                try:
                    yield events.get(timeout=_LOOK_S)
                except queue.Empty:
                    continue
        finally:
            closed.set()
        return running.result()
