"""Follow one job from its submission to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_unets.jobs.errors import WorkerDiedError
from napari_unets.jobs.worker.job import Job, State
from napari_unets.jobs.worker.loop import LoopThread
from napari_unets.jobs.worker.packets import Packet, decode, decode_error

if TYPE_CHECKING:
    from napari_unets.jobs.worker.arguments import PackedCall
    from napari_unets.jobs.worker.connection import Connection, Running

__all__ = ["drive"]


def drive(
    job: Job, packed: PackedCall, connection: Connection, loop: LoopThread, idle_release_s: float
) -> tuple[State, Any]:
    """Submit a job, pass its events on, and return how it ended, with its result.

    Parameters
    ----------
    job : Job
        Whose ``on_event`` is called.
    packed : PackedCall
        What to run.
    connection, loop : Connection, LoopThread
        Where, and the loop that the connection belongs to.
    idle_release_s : float
        See `Worker`.

    Raises
    ------
    Exception
        The error that the job raised in the worker, that the worker ended with, or that
        ``on_event`` raised.
    concurrent.futures.CancelledError
        The job was stopped before it began, or the loop has ended.
    """
    begun = loop.start(connection.begin(job.id, job.name, packed, idle_release_s))
    job.obey_with(begun.cancel)
    running = begun.result()
    job.state = "running"
    job.obey_with(lambda: loop.start(connection.stop(running, job.grace_s)))
    try:
        end = _follow(job, connection, loop, running)
    except WorkerDiedError:
        if not job.stop_requested:
            raise
        job.killed = True
        return "stopped", None
    finally:
        loop.start(connection.release(running))
    if end.kind == "error":
        raise decode_error(end)
    return "stopped" if end.kind == "stopped" else "done", decode(end)


def _follow(job: Job, connection: Connection, loop: LoopThread, running: Running) -> Packet:
    """Pass events on until the last packet, and return that."""
    failure: Exception | None = None
    while True:
        for packet in loop.call(connection.fetch(running)):
            if packet.kind != "event":
                if failure is not None:
                    raise failure
                return packet
            if failure is None and job.callbacks.on_event is not None:
                try:
                    job.callbacks.on_event(decode(packet))
                except Exception as error:  # noqa: BLE001 - raised again once the worker has stopped
                    failure = error
                    job.stop()
