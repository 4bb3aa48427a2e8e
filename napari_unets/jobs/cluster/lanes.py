"""A block on a worker that has several in hand: one is computed while others are read and written."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from napari_unets.jobs.volumes.blocks import (
    Block,
    BlockRecord,
    VolumeJob,
    compute_whole_block,
    read_block,
    write_computed,
)
from napari_unets.jobs.volumes.process import opened

__all__ = ["run_block_in_lane"]

#: A predictor runs in one thread at a time; and two at once would need twice the memory.
_COMPUTING = threading.Lock()


def run_block_in_lane(job: VolumeJob, block: Block) -> BlockRecord:
    """Read, compute and write a block, as `napari_unets.jobs.volumes.blocks.run_block` does; for several threads.

    Parameters
    ----------
    job : VolumeJob
        The volume, whose output was created.
    block : Block
        One of its blocks.

    Returns
    -------
    BlockRecord

    Raises
    ------
    SourceChangedError, BlockWriteError, ImageError, InferenceError, ModelError
        See there.
    """
    with _USERS.of(job.key):
        volume = opened(job)
        pixels = read_block(volume, block)
        with _COMPUTING:
            computed = compute_whole_block(volume, block, pixels)
        return write_computed(volume, block, pixels.seconds, computed)


class _Users:
    """Threads of one job at a time: what a process keeps open for it is closed for another job's."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._key: str | None = None
        self._count = 0

    @contextmanager
    def of(self, key: str) -> Iterator[None]:
        """Wait until no thread works on another job."""
        with self._changed:
            self._changed.wait_for(lambda: self._key in (None, key))
            self._key = key
            self._count += 1
        try:
            yield
        finally:
            with self._changed:
                self._count -= 1
                if not self._count:
                    self._key = None
                    self._changed.notify_all()


_USERS = _Users()
