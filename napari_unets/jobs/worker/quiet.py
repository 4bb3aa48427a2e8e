"""Keep Dask's remarks about our own scheduler out of the user's console."""

from __future__ import annotations

import logging

__all__ = ["hush", "unhush"]

_LOGGERS = (
    "distributed.batched",
    "distributed.client",
    "distributed.comm.tcp",
    "distributed.core",
    "distributed.http.proxy",
    "distributed.scheduler",
    "distributed.utils",
)
_OURS = logging.getLogger("napari_unets.jobs")


class _Hush(logging.Filter):
    """Turns the records of one thread into debug messages of our own logger."""

    def __init__(self, thread: int) -> None:
        super().__init__()
        self.thread = thread

    def filter(self, record: logging.LogRecord) -> bool:
        if record.thread != self.thread:
            return True
        try:
            said = record.getMessage()
        except (TypeError, ValueError):  # arguments that do not fit, which a handler would survive, and so must the run
            said = str(record.msg)
        _OURS.debug("%s: %s", record.name, said)
        return False


def hush(thread: int) -> None:
    """Send what Dask logs in one thread to ``napari_unets.jobs`` at level debug.

    A worker that dies is news to us and to the user, who gets a message that says what it means;
    Dask's own warnings about it are for people who run a cluster. Clusters that the user runs in
    other threads of this process keep theirs.

    Parameters
    ----------
    thread : int
        The identity of the thread (`threading.get_ident`).
    """
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_Hush(thread))


def unhush(thread: int) -> None:
    """Undo `hush`; the system may give the thread's identity to another one."""
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        for known in list(logger.filters):
            if isinstance(known, _Hush) and known.thread == thread:
                logger.removeFilter(known)
