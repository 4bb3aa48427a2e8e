"""Ctrl-C and SIGTERM that end the program wherever they arrive."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer, main_thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

__all__ = ["interrupts_arrive"]

#: Long enough for the callback that the signal came into to be over.
_SECONDS = 0.1


@contextmanager
def interrupts_arrive() -> Iterator[None]:
    """Let SIGTERM clean up as Ctrl-C does, and neither of them be lost.

    Python drops what is raised in a callback of its garbage collector (Dask adds one) and in ``__del__``,
    so a signal that arrives there is sent again.
    """
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))  # a cluster ends jobs this way
    before = sys.unraisablehook

    def take(dropped: UnraisableHookArgs) -> None:
        if isinstance(dropped.exc_value, KeyboardInterrupt):
            _send_again(signal.SIGINT)
        elif isinstance(dropped.exc_value, SystemExit) and dropped.exc_value.code == 128 + signal.SIGTERM:
            _send_again(signal.SIGTERM)
        else:
            before(dropped)

    sys.unraisablehook = take
    try:
        yield
    finally:
        sys.unraisablehook = before


def _send_again(number: signal.Signals) -> None:
    def send() -> None:
        if sys.platform == "win32":
            signal.raise_signal(number)
        else:  # to the thread that takes it, which may be waiting
            signal.pthread_kill(main_thread().ident or 0, number)

    timer = Timer(_SECONDS, send)
    timer.daemon = True
    timer.start()
