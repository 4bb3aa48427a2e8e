"""The events of one job in the worker process, until the other side fetches them."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable

from napari_unets.jobs.worker.packets import Packet

__all__ = ["Outbox"]

_LOOK_AGAIN_S = 1.0  # a job held by a full outbox looks this often whether anyone still wants it


class Outbox:
    """A queue in order, bounded in bytes: the job's thread puts, the event loop takes.

    A job that is faster than the window that shows its results is held in `put`; so neither side's
    memory grows, however slow the window is.

    Parameters
    ----------
    loop : asyncio.AbstractEventLoop
        The loop that `take` runs in.
    given_up : callable
        True once nobody will take anything any more.
    capacity : int
        Bytes that may wait; one packet may always, however large.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, given_up: Callable[[], bool], capacity: int = 32 << 20) -> None:
        self._loop = loop
        self.given_up = given_up
        self._capacity = capacity
        self._packets: deque[Packet] = deque()
        self._nbytes = 0
        self._room = threading.Condition()
        self._arrived = asyncio.Event()
        self._stop = threading.Event()
        self._wanted = False

    def request_stop(self) -> None:
        """Ask the job to end; wakes it if it waits for room."""
        self._stop.set()
        with self._room:
            self._room.notify_all()

    def stop_requested(self) -> bool:
        """Return whether the job is to end: it was asked to, or nobody wants it any more."""
        return self._stop.is_set() or self.given_up()

    def wait_until_wanted(self) -> bool:
        """Wait for the first `take`; return False if the job is to end before anyone came."""
        with self._room:
            while not self._wanted and not self.stop_requested():
                self._room.wait(_LOOK_AGAIN_S)
            return self._wanted

    def put(self, packet: Packet) -> None:
        """Add a packet; wait for room first, unless the job is to end anyway."""
        with self._room:
            while self._packets and self._nbytes + packet.nbytes > self._capacity and not self.stop_requested():
                self._room.wait(_LOOK_AGAIN_S)
            self._packets.append(packet)
            self._nbytes += packet.nbytes
        self._loop.call_soon_threadsafe(self._arrived.set)

    async def take(self, nbytes: int, patience_s: float) -> list[Packet]:
        """Return what has come, up to about `nbytes` and at least one packet, or nothing after `patience_s`."""
        if not self._wanted:
            with self._room:
                self._wanted = True
                self._room.notify_all()
        if not self._packets:
            self._arrived.clear()
            try:
                await asyncio.wait_for(self._arrived.wait(), patience_s)
            except TimeoutError:
                return []
        taken: list[Packet] = []
        with self._room:
            while self._packets and (not taken or nbytes >= self._packets[0].nbytes):
                packet = self._packets.popleft()
                nbytes -= packet.nbytes
                self._nbytes -= packet.nbytes
                taken.append(packet)
            self._room.notify_all()
        return taken
