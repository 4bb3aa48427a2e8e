"""Several worker processes on this machine, for the blocks of a volume."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import suppress
from typing import Any

from distributed.diagnostics.plugin import SchedulerPlugin

from napari_unets.jobs.cluster.size import WorkerPlan
from napari_unets.jobs.errors import WorkerStartError
from napari_unets.jobs.worker.connection import connect
from napari_unets.jobs.worker.exchange import Exchange
from napari_unets.jobs.worker.own_scheduler import OPEN, start_scheduler
from napari_unets.jobs.worker.process import WorkerProcess

__all__ = ["LocalWorkers"]

_DEATHS = 2  # workers that may die over one block before the run is given up: the third one ends it
_TRIES = 2  # processes that may end in a row without having registered
_END_S = 5.0


class LocalWorkers:
    """Worker processes that are started again when they die, and end with this process, however it ends.

    Parameters
    ----------
    plan : WorkerPlan
        How many, and what each may use.
    tasks : int
        Blocks that each has in hand at once.
    """

    client: Any  # a `distributed.Client`

    def __init__(self, plan: WorkerPlan, tasks: int = 1) -> None:
        self._plan = plan
        self._tasks = tasks
        self._names = itertools.count(1)
        self._processes: dict[int, WorkerProcess] = {}  # by place
        self._exited: set[str] = set()
        self._failures = 0
        self._closing = False
        self._last_end = ("", "")

    async def open(self) -> None:
        """Start the scheduler, connect to it, and begin to start the processes."""
        self._exchange = Exchange()
        self._scheduler, ours, self._address = await start_scheduler(self._exchange.folder, allowed_failures=_DEATHS)
        self._scheduler.add_plugin(_Arrivals(self), name="napari-unets-arrivals")
        self.client = await connect(ours, security=OPEN)
        for place in range(self._plan.workers):
            self._start(place)

    def check(self) -> None:
        """Raise the reason why there will never be a worker, if there is one.

        Raises
        ------
        WorkerStartError
            The processes end before they are ready.
        """
        if self._failures >= _TRIES:
            how, log = self._last_end
            raise WorkerStartError(
                f"The worker processes could not be started: {how}. Last words of one:\n{log or '(none)'}", log
            )

    def last_death(self) -> tuple[str, str]:
        """Say how a process ended last, and what it had written."""
        return self._last_end

    async def close(self) -> None:
        """End the processes, then the scheduler; remove the files."""
        self._closing = True
        for process in self._processes.values():
            process.let_go()
        with suppress(TimeoutError):
            async with asyncio.timeout(_END_S):
                while not self._exited.issuperset(process.name for process in self._processes.values()):
                    await asyncio.sleep(0.02)
        for process in self._processes.values():
            process.kill()
        await self.client.close()
        await self._scheduler.close()
        self._exchange.close()

    def arrived(self, address: str, name: str) -> None:
        """Take note that a worker has registered at the scheduler."""
        for process in self._processes.values():
            if process.name == name:
                process.address = address
                self._failures = 0

    def _start(self, place: int) -> None:
        loop = asyncio.get_running_loop()

        def on_exit(process: WorkerProcess) -> None:
            with suppress(RuntimeError):  # the loop has been closed: nobody wants to know
                loop.call_soon_threadsafe(self._ended, place, process)

        self._processes[place] = WorkerProcess(
            self._address,
            f"napari-unets-{next(self._names)}",
            self._exchange,
            self._plan.threads,
            (),
            on_exit,
            tasks=self._tasks,
            environment=self._plan.environment(place),
        )

    def _ended(self, place: int, process: WorkerProcess) -> None:
        self._exited.add(process.name)
        if self._closing:
            return
        self._last_end = process.how_it_ended(), process.log_tail()
        if process.address is None:
            self._failures += 1
        if self._failures < _TRIES:
            self._start(place)


class _Arrivals(SchedulerPlugin):
    def __init__(self, workers: LocalWorkers) -> None:
        self._workers = workers

    async def add_worker(self, scheduler: Any, worker: str) -> None:
        self._workers.arrived(worker, str(scheduler.workers[worker].name))
