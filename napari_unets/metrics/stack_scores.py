"""Score the slices of a stack in threads."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_unets.metrics.errors import ShapeMismatchError
from napari_unets.metrics.overlap import Overlap
from napari_unets.metrics.segments import has_ids, overlaps, truth_segments

__all__ = ["available_threads", "map_in_order", "score_stack"]

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def available_threads() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def map_in_order(
    function: Callable[[_Item], _Result], items: Iterable[_Item], threads: int | None = None
) -> Iterator[_Result]:
    """Apply a function to items in threads, and yield the results in the items' order.

    Items are taken (read) in the calling thread and only a few ahead, so a lazy stack stays lazy. Closing the
    iterator drops what has not begun.
    """
    n_threads = available_threads() if threads is None else max(1, threads)
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


def score_stack(
    score: Callable[[Overlap], tuple[float, float, float]],
    prediction: ArrayLike,
    truth: ArrayLike,
    thresholds: Sequence[float],
    *,
    mask: ArrayLike | None,
    volume: bool,
    threads: int | None,
) -> NDArray[np.float64]:
    """Three figures for each slice and threshold; (slices, thresholds, 3)."""
    predicted, true = np.asarray(prediction), np.asarray(truth)
    counted = None if mask is None else np.asarray(mask, dtype=bool)
    if predicted.shape != true.shape or (counted is not None and counted.shape != true.shape):
        raise ShapeMismatchError(predicted.shape, true.shape)
    predicted_ids, true_ids = has_ids(predicted), has_ids(true)

    def of_slice(index: tuple[int, ...]) -> list[tuple[float, float, float]]:
        tables = overlaps(
            predicted[index],
            truth_segments(true[index], ids=true_ids),
            thresholds,
            ids=predicted_ids,
            mask=None if counted is None else counted[index],
        )
        return [score(table) for table in tables]

    slices = [()] if volume else list(np.ndindex(true.shape[:-2]))
    return np.array(list(map_in_order(of_slice, slices, threads)), dtype=np.float64)
