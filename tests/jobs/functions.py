"""Job functions for the tests. A module of its own, since the worker process has to import it."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from napari_unets.errors import NapariUnetsError
from napari_unets.jobs.worker.kept import KEPT


class OddError(NapariUnetsError):
    """Made from other arguments than its message."""

    def __init__(self, file: Path, *, reason: str) -> None:
        super().__init__(f"{file} is bad: {reason}")
        self.file = file


class Closing:
    """Stands for a predictor."""

    def __init__(self, note=None) -> None:
        self.number = time.monotonic_ns()
        self.note = note

    def close(self) -> None:
        if self.note is not None:
            Path(self.note).write_text("closed")


def count(n, shape=(4,)):
    """Yield n arrays, each the same one, changed."""
    array = np.empty(shape, np.float32)
    for i in range(n):
        array[:] = i
        yield i, array
    return f"{n} done"


def for_ever(started=None):
    """Yield until it is closed."""
    i = 0
    while True:
        yield i
        i += 1
        time.sleep(0.01)


def until_cancelled(cancel):
    """Return soon after `cancel` says so."""
    i = 0
    yield "begun"
    while not cancel():
        time.sleep(0.01)
        i += 1
    yield "last"
    return i


def deaf(path=None):
    """Never listen."""
    yield "begun"
    threading.Event().wait()


def fast(path, n, nbytes):
    """Yield n arrays and write down how far it has come."""
    for i in range(n):
        Path(path).write_text(str(i + 1))
        yield np.zeros(nbytes, np.uint8)


def raise_odd(path):
    yield 1
    raise OddError(path, reason="so it is")


def divide(x):
    return 1 / x


def yield_unpicklable():
    yield threading.Lock()


def surroundings():
    import torch

    return {"modules": sorted(sys.modules), "threads": torch.get_num_threads()}


def pid():
    return os.getpid()


def total(array, factor=1):
    """Sum of anything array-like; what type it was; whether it may be written to."""
    name = type(array).__name__
    values = np.asarray(array)
    return float(values.sum()) * factor, name, values.flags.writeable


def totals(arrays) -> Iterator[float]:
    for array in arrays:
        yield float(np.asarray(array).sum())


def borrow(key, note=None):
    with KEPT.borrow(key, lambda: Closing(note)) as kept:
        yield kept.number


def exit_now():
    os._exit(7)
