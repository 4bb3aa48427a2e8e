"""A Dask scheduler in our own process, for worker processes of this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from distributed import Scheduler
from distributed.security import Security

__all__ = ["OPEN", "start_scheduler"]

#: Whatever Dask's configuration demands of clusters elsewhere: nothing of ours leaves this machine.
OPEN: Any = Security(require_encryption=False)  # type: ignore[no-untyped-call]  # Dask's has no types


async def start_scheduler(folder: Path, *, allowed_failures: int) -> tuple[Any, str, str]:
    """Start a scheduler that listens on the loopback interface only.

    Parameters
    ----------
    folder : Path
        For Dask's own files.
    allowed_failures : int
        Workers that may die over one task before it counts as failed.

    Returns
    -------
    scheduler : distributed.Scheduler
    ours : str
        Its address for a client of this process: one journey less for every array.
    theirs : str
        Its address for worker processes.
    """
    scheduler: Any = Scheduler
    started = await scheduler(
        protocol=["inproc", "tcp"],
        host=[None, "127.0.0.1"],
        port=[0, 0],
        dashboard=False,
        dashboard_address="127.0.0.1:0",
        allowed_failures=allowed_failures,
        local_directory=str(folder),
        security=OPEN,
    )
    ours, theirs = (listener.contact_address for listener in started.listeners)
    return started, ours, theirs
