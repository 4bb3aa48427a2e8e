"""Work on the slices of a stack in threads."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from napari_unets.cores import usable_cores

__all__ = ["map_in_order"]

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def map_in_order(
    function: Callable[[_Item], _Result], items: Iterable[_Item], threads: int | None = None
) -> Iterator[_Result]:
    """Apply a function to items in threads, and yield the results in the items' order.

    Items are taken (read) in the calling thread and only a few ahead, so a lazy stack stays lazy. Closing the
    iterator drops what has not begun.
    """
    n_threads = usable_cores() if threads is None else max(1, threads)
    pending: deque[Future[_Result]] = deque()
    pool = ThreadPoolExecutor(n_threads, thread_name_prefix="scores")
    try:
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) > n_threads:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
