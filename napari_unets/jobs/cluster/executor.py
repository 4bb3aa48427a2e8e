"""The blocks of a volume on several processes of this machine, or on any Dask cluster.

Workers write the blocks themselves; only records come back. A block is a Dask task that gives the
same bytes however often it is run, so a dead worker costs its blocks' time and nothing else.
"""

from __future__ import annotations

import concurrent.futures
import queue
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from napari_unets.jobs.cluster.blocks import BlockPump, Members
from napari_unets.jobs.cluster.lanes import run_block_in_lane
from napari_unets.jobs.cluster.local import LocalWorkers
from napari_unets.jobs.cluster.probe import probe_beside
from napari_unets.jobs.cluster.size import plan_workers
from napari_unets.jobs.volumes.blocks import VolumeJob
from napari_unets.jobs.worker.loop import LoopThread
from napari_unets.jobs.worker.quiet import hush, unhush
from napari_unets.jobs.worker.remote import RemoteConnection
from napari_unets.models.store import BUNDLED

__all__ = ["Execute", "on_cluster"]

#: Has blocks of a job computed and yields their records, in no order; closing it ends the run.
Execute = Callable[[Any, Sequence[Any]], Iterator[Any]]

#: Blocks that a worker process has in hand: while one is computed, the other is written and the next one read.
_LANES = 2
_CLOSE_S = 15.0
_LOOK_S = 0.2  # between two looks whether the run is to end


@contextmanager
def on_cluster(
    address: str | None = None,
    *,
    workers: int | Literal["auto"] | None = None,
    run: Callable[[Any, Any], Any] | None = None,
    cancel: Callable[[], bool] | None = None,
    tell: Callable[[str], None] | None = None,
) -> Iterator[Execute]:
    """Have blocks computed by several processes.

    Parameters
    ----------
    address : str, optional
        A Dask scheduler's address, ``tcp://host:port``; with TLS ``tls://host:port``, and the
        certificates in Dask's configuration.
    workers : int or "auto", optional
        So many processes of this machine, which share its cores and its GPUs; without an address
        only. They end with this process, however it ends.
    run : callable, optional
        ``run(job, block)``, which workers can import; by default what
        `napari_unets.jobs.volumes.blocks.run_block` does, with reading and writing beside computing.
    cancel : callable, optional
        True once the run is to end; blocks that workers have begun are then left to themselves.
    tell : callable, optional
        Is told in words what the run waits for.

    Yields
    ------
    Execute
        ``execute(job, blocks)``, an iterator of records. ``job.output`` says where the result goes.

    Raises
    ------
    ValueError
        Unless exactly one of `address` and `workers` is given.
    SchedulerUnreachableError
        Nobody answers at the address.
    """
    if (address is None) == (workers is None):
        raise ValueError("give either the address of a scheduler or a number of workers")
    members: LocalWorkers | _RemoteWorkers
    if address is not None:
        threads, members = None, _RemoteWorkers(address)
    else:
        plan = plan_workers(workers or "auto")
        threads, members = plan.threads, LocalWorkers(plan, _LANES)
    loop = LoopThread("napari-unets cluster")
    hush(loop.thread_id)
    try:
        loop.call(members.open())
        try:
            yield _executor(loop, members, run or run_block_in_lane, threads, cancel or _never, tell or _ignore)
        finally:
            loop.call(members.close(), _CLOSE_S)
    finally:
        loop.end()
        unhush(loop.thread_id)


def _executor(
    loop: LoopThread,
    members: Members,
    run: Callable[[Any, Any], Any],
    threads: int | None,
    cancel: Callable[[], bool],
    tell: Callable[[str], None],
) -> Execute:
    def execute(job: Any, blocks: Sequence[Any]) -> Iterator[Any]:
        records: queue.SimpleQueue[Any] = queue.SimpleQueue()
        with probe_beside(Path(job.output)) as probe:

            async def pump() -> None:
                await BlockPump(members, run, _for_workers(job, threads), probe, records.put, tell).pump(blocks)

            pumping = loop.start(pump())
            pumping.add_done_callback(lambda _: records.put(_END))
            try:
                yield from _until_end(records, cancel)
                if pumping.done():
                    pumping.result()
            finally:
                pumping.cancel()
                concurrent.futures.wait([pumping], _CLOSE_S)

    return execute


def _for_workers(job: Any, threads: int | None) -> Any:
    """Say what workers cannot know: their share of the cores, and that a bundled model is wherever they have it."""
    if not isinstance(job, VolumeJob):
        return job
    changes: dict[str, Any] = {}
    if threads is not None and job.settings.threads is None:
        changes["settings"] = job.settings.model_copy(update={"threads": threads})
    if Path(job.model).parent == BUNDLED:
        changes["model"] = Path(job.model).name
    return job.model_copy(update=changes)


_END = object()


def _until_end(records: queue.SimpleQueue[Any], cancel: Callable[[], bool]) -> Iterator[Any]:
    while not cancel():
        try:
            record = records.get(timeout=_LOOK_S)
        except queue.Empty:
            continue
        if record is _END:
            return
        yield record


class _RemoteWorkers(RemoteConnection):
    def check(self) -> None:
        """There is always hope: the scheduler may get workers later."""

    def last_death(self) -> tuple[str, str]:
        """Nothing is known of how they ended."""
        return "", ""


def _never() -> bool:
    return False


def _ignore(_: str) -> None:
    pass
