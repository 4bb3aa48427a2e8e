"""An asyncio loop in a background thread."""

from __future__ import annotations

import asyncio
import concurrent.futures
import sys
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["LoopThread"]

T = TypeVar("T")


class LoopThread:
    """Runs coroutines for the other threads. A daemon: it never keeps a program from ending."""

    def __init__(self, name: str) -> None:
        self._running = threading.Event()
        self._lock = threading.Lock()
        self._ended = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()
        self._running.wait()

    @property
    def thread_id(self) -> int:
        """The thread's identity, as log records carry it."""
        return self._thread.ident or 0

    def start(self, coroutine: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Start a coroutine, from any thread; once the loop has ended, the future is a cancelled one."""
        with self._lock:
            if self._loop is not None and not self._ended:
                return asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        coroutine.close()
        future: concurrent.futures.Future[T] = concurrent.futures.Future()
        future.cancel()
        return future

    def call(self, coroutine: Coroutine[Any, Any, T], timeout: float | None = None) -> T:
        """Run a coroutine and wait for its result, from any thread but the loop's own."""
        return self.start(coroutine).result(timeout)

    def end(self, timeout: float = 5.0) -> None:
        """End the loop, cancelling what still runs in it, and its thread."""
        with self._lock:
            if self._loop is None or self._end is None or self._ended:
                return
            self._ended = True
            self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(timeout)

    def _run(self) -> None:
        # Dask's sockets want a selector loop; Windows' default is another.
        factory = asyncio.SelectorEventLoop if sys.platform == "win32" else None
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(self._wait_for_end())

    async def _wait_for_end(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._end = asyncio.Event()
        self._running.set()
        await self._end.wait()
