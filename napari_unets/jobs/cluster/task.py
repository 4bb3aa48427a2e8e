"""The worker's side of a volume's run: one block, as one Dask task."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dask

from napari_unets.jobs.cluster.probe import Probe
from napari_unets.jobs.worker.packets import Packet, encode, encode_error

__all__ = ["do_block"]


def do_block(run: Callable[[Any, Any], Any], job: Any, block: Any, probe: Probe) -> Packet:
    """Compute a block and write it; return its record, or what went wrong.

    Parameters
    ----------
    run : callable
        ``run(job, block)`` writes the block and returns its record.
    job, block : object
        What it is given.
    probe : Probe
        Whose checks this process must pass. When its file has gone, the run has ended and nothing is done.

    Returns
    -------
    Packet
        ``done`` with the record, ``error``, or ``stopped``. Errors do not go through Dask, which would
        need to pickle them.
    """
    try:
        probe.check()
        if not probe.is_there:
            return encode("stopped", None)
        # Dask arrays inside are to be read in this process, not sent to the cluster that runs us.
        with dask.config.set(scheduler="threads"):
            return encode("done", run(job, block))
    except BaseException as error:  # noqa: BLE001 - whatever it is, the submitting process is to know
        return encode_error(error)
