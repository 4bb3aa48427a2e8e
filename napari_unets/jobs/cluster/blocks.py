"""Hand the blocks of a volume to a Dask cluster, a window of them at a time."""

from __future__ import annotations

import asyncio
import concurrent.futures
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol

from distributed.scheduler import KilledWorker

from napari_unets.jobs.cluster.probe import Probe
from napari_unets.jobs.cluster.task import do_block
from napari_unets.jobs.errors import BlockDeadlyError, JobCrashedError, SchedulerLostError, WorkerMismatchError
from napari_unets.jobs.worker.packets import Packet, decode, decode_error

__all__ = ["BlockPump", "Members"]

#: Blocks under way for each that is being computed: the next one waits at the worker, and one more at the scheduler.
_AHEAD = 3
_LOOK_S = 2.0  # for workers that came or went
_FIRST_LOOK_S = 0.1


class Members(Protocol):
    """The workers: those of this machine, or those of somebody's scheduler."""

    client: Any

    def check(self) -> None:
        """Raise, if there will never be a worker."""

    def last_death(self) -> tuple[str, str]:
        """Say how a worker ended last, and what it had written, as far as is known."""


class BlockPump:
    """Submits blocks, no more than the workers need to be busy, and passes their records on.

    Parameters
    ----------
    members : Members
        Who computes.
    run : callable
        ``run(job, block)``, a function that workers can import; returns the block's record.
    job : object
        Its first argument.
    probe : Probe
        What every worker checks before its first block.
    put : callable
        Is given each record as it comes in, in no order.
    tell : callable
        Is told in words when there are no workers, and when there are again.
    """

    def __init__(
        self,
        members: Members,
        run: Callable[[Any, Any], Any],
        job: Any,
        probe: Probe,
        put: Callable[[Any], None],
        tell: Callable[[str], None],
    ) -> None:
        self._members = members
        self._run = run
        self._job = job
        self._probe = probe
        self._put = put
        self._tell = tell
        self._slots = asyncio.Semaphore(0)
        self._n_slots = 0

    async def pump(self, blocks: Sequence[Any]) -> None:
        """Have every block computed.

        Raises
        ------
        NapariUnetsError
            What a worker raised.
        JobCrashedError
            A programming error in a worker.
        BlockDeadlyError, SchedulerLostError, WorkerMismatchError, WorkerStartError
            See there.
        """
        try:
            async with asyncio.TaskGroup() as group:
                watch = group.create_task(self._watch())
                async with asyncio.TaskGroup() as flying:
                    for block in blocks:
                        await self._slots.acquire()
                        flying.create_task(self._one(block))
                watch.cancel()
        except BaseExceptionGroup as several:
            raise _first(several) from None

    async def _one(self, block: Any) -> None:
        key = f"napari-unets-block-{self._probe.token}-{block.number}"
        future = self._members.client.submit(
            do_block, self._run, self._job, block, self._probe, key=key, pure=False, fifo_timeout="0ms"
        )
        try:
            packet = await self._packet(future, block)
        finally:
            if not future.done():
                with suppress(OSError):  # the scheduler has gone
                    await future.cancel()
            future.release()
        if packet.kind == "error":
            raise decode_error(packet)
        if packet.kind == "stopped":
            raise SchedulerLostError(f"The file {self._probe.path}, which says that the run goes on, was removed.")
        self._put(decode(packet))
        self._slots.release()

    async def _packet(self, future: Any, block: Any) -> Packet:
        error: BaseException | None = None
        try:
            error = await future.exception()
            if future.status == "finished":
                packet: Packet = await future
                return packet
        except (OSError, asyncio.CancelledError, concurrent.futures.CancelledError) as broken:
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise  # it is we who are cancelled, and not the block
            raise _lost() from broken
        if isinstance(error, KilledWorker):
            raise self._deadly(block, error.allowed_failures + 1)
        if isinstance(error, ImportError | AttributeError):
            raise WorkerMismatchError(
                f"The Dask cluster cannot run this: {error}. Install the same version of napari-unets where its "
                "scheduler and its workers run."
            ) from error
        if isinstance(error, Exception) and not isinstance(error, concurrent.futures.CancelledError):
            raise JobCrashedError(repr(error), "".join(traceback.format_exception(error)))
        raise _lost() from error

    def _deadly(self, block: Any, deaths: int) -> BlockDeadlyError:
        how, log = self._members.last_death()
        return BlockDeadlyError(
            f"{deaths} workers died one after the other while they had block {block.number} "
            f"({block}){how and ': '}{how}. Most often that is too little memory: choose a smaller --tile, or fewer "
            "--workers. Blocks that are finished stay; --resume goes on with the others.",
            log,
        )

    async def _watch(self) -> None:
        """Let as many blocks go as keep all workers busy, whenever some come or go."""
        had_workers = None
        while True:
            self._members.check()
            try:
                threads = sum((await self._members.client.nthreads()).values())
            except (OSError, AttributeError) as error:  # the connection is closed
                raise _lost() from error
            for _ in range(_AHEAD * threads - self._n_slots):
                self._slots.release()
                self._n_slots += 1
            if had_workers is not None or not threads:
                self._tell_change(had_workers, threads > 0)
            had_workers = threads > 0
            await asyncio.sleep(_LOOK_S if threads else _FIRST_LOOK_S)

    def _tell_change(self, had: bool | None, has: bool) -> None:
        if has and had is False:
            self._tell("There are workers; the run goes on.")
        elif not has and had is not False:
            self._tell("The scheduler has no workers at the moment; waiting for one.")


def _lost() -> SchedulerLostError:
    return SchedulerLostError(
        "The connection to the Dask scheduler broke off, or somebody cancelled its tasks. Blocks that are "
        "finished stay: run the same command with --resume once the scheduler is there again."
    )


def _first(several: BaseExceptionGroup[BaseException]) -> BaseException:
    first: BaseException = several
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first
