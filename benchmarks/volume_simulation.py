"""A cluster of any size, simulated from what a block was measured to take: what limits it?

Blocks go through four stations. The scheduler (one for all) hands a block out; the storage (one for all, with a
bandwidth for all and one for each machine) is read from; the worker computes (one block at a time; a second one is in
its hands meanwhile); the storage is written to. Each station serves in the order of arrival.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Block", "Cluster", "Outcome", "simulate"]

_LANES = 2


@dataclass(frozen=True)
class Block:
    """What a block takes: bytes read and written, and seconds that blocks were measured to compute, taken in turn."""

    read_bytes: float
    write_bytes: float
    compute_s: Sequence[float]


@dataclass(frozen=True)
class Cluster:
    """Workers, seconds of the scheduler for a block, bytes a second of the storage for all and for one machine."""

    workers: int
    scheduler_s: float
    bandwidth: float
    client_bandwidth: float


@dataclass(frozen=True)
class Outcome:
    """Seconds for all blocks, and how much of that time each station was busy."""

    seconds: float
    workers_busy: float
    scheduler_busy: float
    storage_busy: float

    @property
    def bottleneck(self) -> str:
        """The station that is busy most."""
        busy = {"workers": self.workers_busy, "scheduler": self.scheduler_busy, "storage": self.storage_busy}
        return max(busy, key=busy.__getitem__)


def simulate(cluster: Cluster, block: Block, blocks: int) -> Outcome:
    """Play a run of so many blocks."""
    computing = itertools.cycle(block.compute_s)
    scheduler_free = storage_free = end = computed = stored = 0.0
    worker_free = [0.0] * cluster.workers
    left = blocks
    order = itertools.count()
    events = [(0.0, next(order), worker, "ask") for _ in range(_LANES) for worker in range(cluster.workers)]
    heapq.heapify(events)
    while events:
        now, _, worker, stage = heapq.heappop(events)
        if stage == "ask":
            end = max(end, now)
            if not left:
                continue
            left -= 1
            scheduler_free = max(now, scheduler_free) + cluster.scheduler_s
            then, following = scheduler_free, "read"
        elif stage == "compute":
            seconds = next(computing)
            worker_free[worker] = max(now, worker_free[worker]) + seconds
            computed += seconds
            then, following = worker_free[worker], "write"
        else:
            nbytes = block.read_bytes if stage == "read" else block.write_bytes
            begun = max(now, storage_free)
            storage_free = begun + nbytes / cluster.bandwidth
            stored += nbytes / cluster.bandwidth
            then = max(storage_free, begun + nbytes / cluster.client_bandwidth)
            following = "compute" if stage == "read" else "ask"
        heapq.heappush(events, (then, next(order), worker, following))
    return Outcome(
        seconds=end,
        workers_busy=computed / (end * cluster.workers),
        scheduler_busy=blocks * cluster.scheduler_s / end,
        storage_busy=stored / end,
    )
