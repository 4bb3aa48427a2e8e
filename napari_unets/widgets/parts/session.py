"""The worker process that all widgets of this napari share, and connections to workers elsewhere."""

from __future__ import annotations

from napari_unets.jobs import Worker

__all__ = ["close_worker", "remote_worker", "shared_worker"]

_shared: list[Worker] = []
_remote: dict[str, Worker] = {}


def shared_worker() -> Worker:
    """Return the worker; the first call starts it in the background. It ends with napari.

    Torch is imported in it while the user still chooses what to run.
    """
    if not _shared:
        _shared.append(Worker(preload=("napari_unets.inference",)))
    _shared[0].start()
    return _shared[0]


def remote_worker(address: str) -> Worker:
    """Return the connection to a Dask cluster; the first call begins to connect. It ends with napari.

    Parameters
    ----------
    address : str
        Of the scheduler.
    """
    if address not in _remote:
        _remote[address] = Worker(address)
    _remote[address].start()
    return _remote[address]


def close_worker() -> None:
    """End the worker process and whatever runs in it, and all connections; the next use begins anew."""
    while _shared:
        _shared.pop().close()
    while _remote:
        _remote.popitem()[1].close()
