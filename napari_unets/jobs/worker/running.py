"""The worker's side of a job: run it, give out its events, hear the call to stop.

This is all that a Dask worker, ours or one on a cluster, executes. A job is one Dask task
(`run_job`). Beside the task the submitting process talks to the worker by `distributed.Client.run`,
which goes through the scheduler, reaches every worker that the scheduler reaches, is answered by
the worker's event loop while the job computes, and carries arrays without copying them. The
scheduler's event log (`Worker.log_event`) would be the alternative for streaming; but it keeps
what passes, has no back-pressure and refuses arrays. It is used for one short note a job: which
worker took it.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import dask
from distributed import Worker, get_worker

from napari_unets.jobs.worker.arguments import Call
from napari_unets.jobs.worker.kept import KEPT
from napari_unets.jobs.worker.outbox import Outbox
from napari_unets.jobs.worker.packets import Packet, encode, encode_error

__all__ = ["TOPIC", "request_stop", "run_job", "take"]

TOPIC = "napari-unets-jobs"

_OUTBOXES: dict[str, Outbox] = {}


def run_job(job: str, call: Call, arrays: list[Any], idle_release_s: float) -> None:
    """Run one job to its end; what it yields waits in its outbox. The task that Dask is given.

    Parameters
    ----------
    job : str
        The job's id.
    call : Call
        Function and arguments. A generator function's values are the events and its return value
        is the result; any other function's return value is the result. If it has a parameter
        ``cancel``, it is given a callable that is True once the job is to end, and is expected to
        return soon after; otherwise it is ended at its next ``yield``.
    arrays : list of array
        Arrays that came through Dask, which `call` refers to.
    idle_release_s : float
        Seconds after the job's end until the memory of kept predictors is given back.
    """
    worker = get_worker()
    outbox = _open_outbox(worker, job)
    worker.log_event(TOPIC, {"job": job, "worker": worker.address})
    KEPT.hold()
    try:
        # Dask arrays inside are to be read in this process, not sent to the cluster that runs us.
        with dask.config.set(scheduler="threads"):
            # When a worker dies, Dask runs its task again elsewhere. But a job may have written files
            # and shown events, so it is for its owner to decide: nobody comes for the second one.
            if outbox.wait_until_wanted():
                _put_all(outbox, call, arrays)
            else:
                outbox.put(encode("stopped", None))
    finally:
        KEPT.release_after(idle_release_s)


def _put_all(outbox: Outbox, call: Call, arrays: list[Any]) -> None:
    try:
        function, args, kwargs = call.load(arrays)
        if "cancel" in inspect.signature(function).parameters:
            kwargs["cancel"] = outbox.stop_requested
            result = _forward(outbox, function(*args, **kwargs), lambda: False)
        else:
            result = _forward(outbox, function(*args, **kwargs), outbox.stop_requested)
        end = encode("stopped" if outbox.stop_requested() else "done", result)
    except BaseException as error:  # noqa: BLE001 - whatever it is, the submitting process is to know
        end = encode_error(error)
    outbox.put(end)


def _forward(outbox: Outbox, value: Any, close_now: Callable[[], bool]) -> Any:
    if not inspect.isgenerator(value):
        return value
    events: Iterator[Any] = value
    while not close_now():
        try:
            outbox.put(encode("event", next(events)))
        except StopIteration as end:
            return end.value
    value.close()
    return None


def _open_outbox(worker: Worker, job: str) -> Outbox:
    key = worker.get_current_task()

    def given_up() -> bool:
        # Dask cannot interrupt a running task; it marks it when its client has gone or cancels it.
        task = worker.state.tasks.get(key)
        return task is None or task.state == "cancelled"

    for name, old in list(_OUTBOXES.items()):
        if old.given_up():
            del _OUTBOXES[name]
    loop: Any = worker.loop  # tornado's wrapper of the loop
    outbox = Outbox(loop.asyncio_loop, given_up)
    _OUTBOXES[job] = outbox
    return outbox


async def take(job: str, nbytes: int, patience_s: float) -> list[Packet]:
    """Fetch what `job` has put out. Called by the submitting process through `Client.run`."""
    packets = await _OUTBOXES[job].take(nbytes, patience_s)
    if packets and packets[-1].kind != "event":
        del _OUTBOXES[job]
    return packets


async def request_stop(job: str) -> None:
    """Ask `job` to end. Called by the submitting process through `Client.run`."""
    await asyncio.sleep(0)
    if job in _OUTBOXES:
        _OUTBOXES[job].request_stop()
