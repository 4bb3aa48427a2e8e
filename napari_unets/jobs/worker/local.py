"""One worker process on this machine, with its scheduler in our own process.

The parts are Dask's (`Scheduler`, `Client`, `Worker`); only the starting is ours, for three reasons
that speak against `LocalCluster`: it spawns workers by `multiprocessing`, which imports the parent's
main module again (see `child`); its nanny lets a worker that lost its parent live on until the
connection times out; and stopping a hanging job needs the process itself. `SubprocessCluster` does
not exist for Windows and needs a second process for the scheduler.

The scheduler listens on the loopback interface only. As with every Dask cluster without TLS, other
users of the same machine could submit tasks to it.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from contextlib import suppress

from distributed import Scheduler
from distributed.diagnostics.plugin import SchedulerPlugin

from napari_unets.jobs.errors import WorkerStartError
from napari_unets.jobs.worker.arguments import PackedCall
from napari_unets.jobs.worker.connection import Connection, Running, connect
from napari_unets.jobs.worker.exchange import Exchange
from napari_unets.jobs.worker.own_scheduler import OPEN, start_scheduler
from napari_unets.jobs.worker.process import WorkerProcess

__all__ = ["LocalConnection"]

_TRIES = 2  # processes that may end in a row without having begun a job
_END_S = 5.0  # from the closing of a worker's socket to the end of its process


class LocalConnection(Connection):
    """A worker process that is started again whenever it ends.

    Parameters
    ----------
    threads : int or None
        Threads of torch in the worker; None for the number of cores.
    preload : sequence of str
        Modules that the worker imports once it is ready.
    """

    exchange: Exchange

    def __init__(self, threads: int | None = None, preload: Sequence[str] = ()) -> None:
        super().__init__()
        self._threads = threads
        self._preload = preload
        self._names = (f"napari-unets-{number}" for number in itertools.count(1))
        self._process: WorkerProcess | None = None
        self._failures = 0
        self._closing = False
        self._gone = asyncio.Event()
        self._ends: dict[str | None, tuple[str, str]] = {}  # by address
        self._last_end = ("", "")
        self._notes: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Condition()

    @property
    def is_ready(self) -> bool:
        """Whether the worker process has registered at the scheduler."""
        return self._process is not None and self._process.address is not None

    async def open(self) -> None:
        """Start the scheduler and connect to it; start the worker process."""
        self.exchange = Exchange()
        self._scheduler, ours, self._address = await start_scheduler(self.exchange.folder, allowed_failures=0)
        self._scheduler.add_plugin(_Arrivals(self), name="napari-unets-arrivals")
        self.client = await connect(ours, security=OPEN)
        await self._listen()
        self._start_process()

    async def ready(self) -> None:
        """Wait for the worker process; start it again if it had been given up.

        Raises
        ------
        WorkerStartError
            It ended before it was ready, more than once.
        """
        if self._process is None:
            self._failures = 0
            self._start_process()
        async with self._changed:
            await self._changed.wait_for(self._is_settled)
        if self._process is None:
            raise self._start_error()

    async def hopeless(self) -> WorkerStartError:
        """Wait until the worker process has been given up, and return why."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._process is None)
        return self._start_error()

    async def begin(self, job: str, name: str, packed: PackedCall, idle_release_s: float) -> Running:
        """Submit a job and wait until the worker has taken it; see `Connection.begin`."""
        running = await super().begin(job, name, packed, idle_release_s)
        self._failures = 0
        return running

    async def close(self) -> None:
        """End the process, then the scheduler; remove the files."""
        self._closing = True
        if self._process is not None:
            self._process.let_go()
            try:
                async with asyncio.timeout(_END_S):
                    await self._gone.wait()
            except TimeoutError:
                self._process.kill()
        self._process = self.pid = None
        await self.client.close()
        await self._scheduler.close()
        self.exchange.close()

    async def kill(self, running: Running) -> None:
        """Kill the process; another one is started when it has ended."""
        if self._process is not None and self._process.address == running.worker:
            self._process.kill()

    async def why_died(self, worker: str) -> tuple[str, str]:
        """Wait for the end of the process, which comes a moment after that of its connection."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_END_S), self._changed:
                await self._changed.wait_for(lambda: worker in self._ends)
        return self._ends.get(worker, ("it no longer answers", ""))

    async def arrived(self, address: str, name: str) -> None:
        """Take note that a worker has registered at the scheduler."""
        if self._process is not None and self._process.name == name:
            async with self._changed:
                self._process.address = address
                self.pid = self._process.pid
                self._changed.notify_all()

    def _start_error(self) -> WorkerStartError:
        how, log = self._last_end
        return WorkerStartError(
            f"The worker process could not be started: {how}. Its last words:\n{log or '(none)'}", log
        )

    def _is_settled(self) -> bool:
        return self._process is None or self._process.address is not None

    def _start_process(self) -> None:
        loop = asyncio.get_running_loop()

        def on_exit(process: WorkerProcess) -> None:
            with suppress(RuntimeError):  # the loop has been closed: nobody wants to know
                loop.call_soon_threadsafe(self._note_end, process)

        self._process = WorkerProcess(
            self._address, next(self._names), self.exchange, self._threads, self._preload, on_exit, gives_way=True
        )

    def _note_end(self, process: WorkerProcess) -> None:
        note = asyncio.ensure_future(self._ended(process))
        self._notes.add(note)
        note.add_done_callback(self._notes.discard)

    async def _ended(self, process: WorkerProcess) -> None:
        if self._closing:
            self._gone.set()
            return
        async with self._changed:
            self._last_end = self._ends[process.address] = process.how_it_ended(), process.log_tail()
            self._process = self.pid = None
            self._failures += 1
            if self._failures < _TRIES:  # else the next job tries again
                self._start_process()
            self._changed.notify_all()


class _Arrivals(SchedulerPlugin):
    def __init__(self, connection: LocalConnection) -> None:
        self._connection = connection

    async def add_worker(self, scheduler: Scheduler, worker: str) -> None:
        await self._connection.arrived(worker, str(scheduler.workers[worker].name))
