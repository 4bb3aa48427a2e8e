"""What a job needs of a Dask cluster, the same for our own worker process and for any cluster."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import dask
from distributed import Client
from distributed.scheduler import KilledWorker

from napari_unets.jobs.errors import JobError, WorkerDiedError, WorkerStartError
from napari_unets.jobs.worker.arguments import PackedCall
from napari_unets.jobs.worker.exchange import Exchange
from napari_unets.jobs.worker.packets import Packet
from napari_unets.jobs.worker.running import TOPIC, request_stop, run_job, take

__all__ = ["Connection", "Running", "connect"]

_BATCH = 16 << 20  # bytes fetched at once; with the outbox and one batch in flight this bounds the memory
_GIVE_UP_S = 1.0
_PATIENCE_S = 10.0  # a fetch without an answer returns after this, and is repeated


@dataclass(frozen=True)
class Running:
    """A job that a worker has taken."""

    job: str
    name: str
    worker: str
    task: Any  # a `distributed.Future`


class Connection(ABC):
    """A Dask client in our own event loop. All methods are coroutines of that loop."""

    exchange: Exchange | None = None
    pid: int | None = None  # of the process, where it is ours
    client: Any  # a `distributed.Client`, most of which has no types

    def __init__(self) -> None:
        self._taken: dict[str, asyncio.Future[str]] = {}

    @property
    def is_ready(self) -> bool:
        """Whether a job could begin at once, as far as is known here."""
        return True

    @abstractmethod
    async def open(self) -> None:
        """Connect, and start what is ours to start."""

    @abstractmethod
    async def close(self) -> None:
        """Disconnect, and end what is ours to end."""

    @abstractmethod
    async def kill(self, running: Running) -> None:
        """End the process in which a job hangs, and see to it that another takes its place."""

    @abstractmethod
    async def why_died(self, worker: str) -> tuple[str, str]:
        """Say how the worker at an address ended, and what it wrote last."""

    async def ready(self) -> None:
        """Wait until there is a worker."""
        await self.client.wait_for_workers(1)

    async def hopeless(self) -> JobError:
        """Wait until there will never be a worker, and return why. For ever, if there is always hope."""
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    async def begin(self, job: str, name: str, packed: PackedCall, idle_release_s: float) -> Running:
        """Submit a job and wait until a worker has taken it.

        Raises
        ------
        asyncio.CancelledError
            The job was cancelled while it waited.
        """
        await self.ready()
        arrays = await self._send(packed.arrays)
        taken = self._taken[job] = asyncio.get_running_loop().create_future()
        # Dask graphs among the arguments may be some MB large; that is no mistake to warn about.
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GB"}):
            task = self.client.submit(
                run_job, job, packed.call, arrays, idle_release_s, key=f"{name}-{job}", pure=False, fifo_timeout="0ms"
            )
        ended = asyncio.ensure_future(_ended(task))
        hopeless = asyncio.ensure_future(self.hopeless())
        try:
            await asyncio.wait((taken, ended, hopeless), return_when=asyncio.FIRST_COMPLETED)
            if hopeless.done():
                raise hopeless.result()
            if not taken.done():
                await self._explain(task, name)
        except (asyncio.CancelledError, JobError):
            await task.cancel()
            raise
        finally:
            ended.cancel()
            hopeless.cancel()
            self._taken.pop(job, None)
        return Running(job, name, taken.result(), task)

    async def fetch(self, running: Running) -> list[Packet]:
        """Return what a job has put out since the last time; wait until there is something.

        Raises
        ------
        WorkerDiedError
            There will never be anything: the worker has died.
        """
        while True:
            asked = asyncio.ensure_future(self._ask(running, take, _BATCH, _PATIENCE_S))
            failed = asyncio.ensure_future(_failed(running.task))
            try:
                await asyncio.wait((asked, failed), return_when=asyncio.FIRST_COMPLETED)
                if not asked.done():
                    raise await self._died(running.name, running.worker)
                packets: list[Packet] = asked.result()
            except OSError as error:  # Dask's CommClosedError among them
                raise await self._died(running.name, running.worker) from error
            finally:
                asked.cancel()
                failed.cancel()
            if packets:
                return packets

    async def stop(self, running: Running, grace_s: float) -> None:
        """Ask a job to end; if it has not after `grace_s`, end the process."""
        end = asyncio.ensure_future(_ended(running.task))
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(grace_s):
                await self._ask(running, request_stop)
                await asyncio.shield(end)
        if not end.done():
            end.cancel()
            await self.kill(running)

    async def release(self, running: Running) -> None:
        """Let Dask forget a job."""
        running.task.release()

    async def _listen(self) -> None:
        """Be told which worker has taken a job."""

        def hear(event: tuple[float, dict[str, str]]) -> None:
            note = event[1]
            taken = self._taken.get(note["job"])
            if taken is not None and not taken.done():
                taken.set_result(note["worker"])

        self.client.subscribe_topic(TOPIC, hear)

    async def _send(self, arrays: list[Any]) -> list[Any]:
        if not arrays:
            return []
        sent: list[Any] = await self.client.scatter(arrays, direct=False, hash=False)
        return sent

    async def _ask(self, running: Running, function: Any, *args: Any) -> Any:
        answers = await self.client.run(function, running.job, *args, workers=[running.worker])
        return answers[running.worker]

    async def _explain(self, task: Any, name: str) -> None:
        """Raise the error of a task that ended before it could say a word."""
        try:
            await task
        except KilledWorker as error:
            raise await self._died(name, error.last_worker.address) from error
        except ImportError as error:
            raise WorkerStartError(
                f"The Dask cluster cannot run '{name}': {error}. Install the same version of napari-unets where its "
                "scheduler and its workers run."
            ) from error

    async def _died(self, name: str, worker: str) -> WorkerDiedError:
        how, log = await self.why_died(worker)
        return WorkerDiedError(
            f"The worker process ended while it ran '{name}': {how}. Another one has taken its place: run it again. If "
            "that happens again, use smaller tiles or a smaller batch, and close what else uses memory.",
            log,
        )


async def _ended(task: Any) -> None:
    """Wait until a task has ended, well or not."""
    with suppress(asyncio.CancelledError):
        await task.exception()


async def _failed(task: Any) -> None:
    """Wait until a task has failed or was cancelled, and for ever if it does well."""
    if await task.exception() is None:
        await asyncio.Event().wait()


async def connect(address: str, **options: Any) -> Any:
    """Make a client of our loop, which Dask computations elsewhere in this process do not take for theirs."""
    make: Any = Client
    client = make(address, asynchronous=True, set_as_default=False, **options)
    try:
        return await client
    except BaseException:  # cancelled, too: a client that is not closed closes itself in vain when it is collected
        with suppress(OSError, TimeoutError):
            await client.close(timeout=_GIVE_UP_S)
        raise
