"""The worker process that all widgets of this napari share."""

from __future__ import annotations

from napari_unets.jobs import Worker

__all__ = ["close_worker", "shared_worker"]

_shared: list[Worker] = []


def shared_worker() -> Worker:
    """Return the worker; the first call starts it in the background. It ends with napari.

    Torch is imported in it while the user still chooses what to run.
    """
    if not _shared:
        _shared.append(Worker(preload=("napari_unets.inference",)))
    _shared[0].start()
    return _shared[0]


def close_worker() -> None:
    """End the worker process and whatever runs in it; the next use starts another."""
    while _shared:
        _shared.pop().close()
