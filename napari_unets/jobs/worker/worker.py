"""The worker: give it jobs, get events; whatever happens in it, this process lives."""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import threading
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from napari_unets.jobs.errors import JobError, WorkerClosedError
from napari_unets.jobs.worker.job import Callbacks, Job, State
from napari_unets.jobs.worker.loop import LoopThread
from napari_unets.jobs.worker.quiet import hush, unhush
from napari_unets.jobs.worker.turns import Turns

if TYPE_CHECKING:
    from napari_unets.jobs.worker.connection import Connection

__all__ = ["Worker"]

_CLOSE_S = 15.0


class Worker:
    """Runs jobs in a process of their own, on this machine or on a Dask cluster.

    Parameters
    ----------
    address : str, optional
        A Dask scheduler's address, such as ``tcp://gpu-server:8786``. None: one worker process on
        this machine, which is started again whenever it dies and ends with this process.
    threads : int, optional
        Threads that torch uses in the local process; default: the number of cores.
    idle_release_s : float
        After so many seconds without a job the worker gives back GPU memory and what it kept for
        the next job.
    preload : sequence of str
        Modules that the local process imports while it waits for its first job.

    Examples
    --------
    >>> with Worker() as worker:                                           # doctest: +SKIP
    ...     job = worker.submit(segment_stack, "em-membranes", "sections.tif", on_event=show)
    ...     job.wait()
    """

    def __init__(
        self,
        address: str | None = None,
        *,
        threads: int | None = None,
        idle_release_s: float = 60.0,
        preload: Sequence[str] = (),
    ) -> None:
        self.address = address
        self.idle_release_s = idle_release_s
        self._threads = threads
        self._preload = preload
        self._lock = threading.Lock()
        self._loop: LoopThread | None = None
        self._opening: concurrent.futures.Future[Connection] | None = None
        self._closed = False
        self._turns = Turns()
        self._jobs: weakref.WeakSet[Job] = weakref.WeakSet()

    def __enter__(self) -> Worker:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Begin to start in the background; returns at once. `submit` does it too."""
        with self._lock:
            if self._closed:
                raise WorkerClosedError("This worker was closed. Make a new one.")
            if self._opening is not None and not _has_failed(self._opening):
                return
            if self._loop is None:
                self._loop = LoopThread("napari-unets jobs")
                hush(self._loop.thread_id)
                atexit.register(self.close)
            self._opening = self._loop.start(self._open())

    @property
    def ready(self) -> bool:
        """Whether the local process runs, or the scheduler has answered."""
        opening = self._opening
        return opening is not None and opening.done() and not _has_failed(opening) and opening.result().is_ready

    @property
    def pid(self) -> int | None:
        """The id of the local worker process, if there is one at the moment."""
        if not self.ready or self._opening is None:
            return None
        return self._opening.result().pid

    def wait_ready(self, timeout: float | None = None) -> None:
        """Start, and wait until the local process runs, or the scheduler answers.

        Raises
        ------
        WorkerStartError, SchedulerUnreachableError
            They never will.
        TimeoutError
            Not within `timeout` seconds.
        """
        self.start()
        assert self._opening is not None  # noqa: S101 - `start` has set it
        assert self._loop is not None  # noqa: S101
        connection = self._opening.result(timeout)
        if self.address is None:
            self._loop.call(connection.ready(), timeout)

    def submit(
        self,
        function: Callable[..., Any],
        *args: Any,
        on_event: Callable[[Any], None] | None = None,
        on_done: Callable[[Any], None] | None = None,
        on_error: Callable[[Exception], None] | None = None,
        on_wait: Callable[[str], None] | None = None,
        grace_s: float = 5.0,
        **kwargs: Any,
    ) -> Job:
        """Run a function in the worker; returns at once.

        Parameters
        ----------
        function : callable
            A generator function: what it yields are the events, what it returns is the result. Or
            any other function. If it has a parameter ``cancel``, it is given a callable that is
            True once the job is to end; otherwise it is ended at a ``yield``.
        *args, **kwargs
            Its arguments. Large arrays, wherever in them, reach the worker with at most one copy,
            made in the background: leave them as they are until the job runs. In the worker they
            are arrays as well; arrays backed by a file go by the file's name.
        on_event : callable, optional
            Called with each event, in order. The job waits when it is far ahead: a callback that
            takes its time holds the job and not the memory. `Inbox.put` is made for it.
        on_done : callable, optional
            Called with the result after the last event, also if the job was stopped.
        on_error : callable, optional
            Called instead if the job failed: with the `NapariUnetsError` that it raised, with a
            `JobError` if the worker is at fault, or with a `JobCrashedError` for a bug.
        on_wait : callable, optional
            Called if another job keeps this one from beginning, with that one's name: that of its function; and once
            more, with an empty name, when it begins after all.
        grace_s : float
            Seconds that the job has to obey `Job.stop`.

        Returns
        -------
        Job

        Notes
        -----
        All callbacks of a job come from one background thread of its own. The local worker runs one
        job at a time, in the order of submission.
        """
        self.start()
        job = Job(getattr(function, "__name__", "job"), Callbacks(on_event, on_done, on_error, on_wait), grace_s)
        self._jobs.add(job)
        threading.Thread(
            target=self._drive,
            args=(job, self._turns.draw(job.name), function, args, kwargs),
            name=f"job {job.name}",
            daemon=True,
        ).start()
        return job

    def close(self) -> None:
        """Stop what runs, end the process or the connection, remove temporary files.

        No callback begins after this: the windows that they would tell may be gone.
        """
        with self._lock:
            if self._closed:
                return
            self._closed = True
            loop, opening = self._loop, self._opening
        atexit.unregister(self.close)
        for job in list(self._jobs):
            job.mute()
            job.stop()
        if self.address is not None and opening is not None:
            opening.cancel()  # if it still waits for an answer
        if loop is not None and opening is not None:
            with suppress(TimeoutError, JobError):
                loop.call(_close(opening), timeout=_CLOSE_S)
            loop.end()
            unhush(loop.thread_id)

    def _drive(
        self, job: Job, place: int, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        state: State = "stopped"
        result: Any = None
        failure: Exception | None = None
        try:
            state, result = self._run(job, place, function, args, kwargs)
        except concurrent.futures.CancelledError:
            pass
        except Exception as error:  # noqa: BLE001 - whatever it is, it is handed to `on_error`
            state, failure = "failed", error
        finally:
            self._turns.leave(place)
        job.end(state, result, failure)

    def _run(
        self, job: Job, place: int, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[State, Any]:
        assert self._opening is not None  # noqa: S101 - `submit` has called `start`
        assert self._loop is not None  # noqa: S101
        connection = self._opening.result()
        from napari_unets.jobs.worker.arguments import pack_call
        from napari_unets.jobs.worker.driver import drive

        packed = pack_call(function, args, kwargs, connection.exchange)
        try:
            if self.address is None:  # a cluster has its own queue
                job.obey_with(self._turns.look)
                if not self._turns.wait(place, lambda: job.stop_requested, job.callbacks.on_wait):
                    return "stopped", None
            return drive(job, packed, connection, self._loop, self.idle_release_s)
        finally:
            packed.discard()

    async def _open(self) -> Connection:
        # These imports take Dask's second, in this thread and not in the one that shows the window.
        from napari_unets.jobs.worker.local import LocalConnection
        from napari_unets.jobs.worker.remote import RemoteConnection

        connection: Connection
        if self.address is None:
            connection = LocalConnection(self._threads, self._preload)
        else:
            connection = RemoteConnection(self.address)
        await connection.open()
        return connection


def _has_failed(opening: concurrent.futures.Future[Connection]) -> bool:
    return opening.done() and (opening.cancelled() or opening.exception() is not None)


async def _close(opening: concurrent.futures.Future[Connection]) -> None:
    if not _has_failed(opening):
        connection = await asyncio.wrap_future(opening)
        await connection.close()
