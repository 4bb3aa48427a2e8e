"""The blocks of a volume in this process: the next one is read and the last one written while one is computed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from napari_unets.jobs.volumes.blocks import Block, BlockRecord, Computed, compute_block, read_block, write_computed
from napari_unets.jobs.volumes.job import VolumeJob
from napari_unets.jobs.volumes.process import OpenVolume, Pixels

if TYPE_CHECKING:
    from napari_unets.inference import Predictor

__all__ = ["in_process"]


def in_process(
    job: VolumeJob,
    blocks: Sequence[Block],
    *,
    cancel: Callable[[], bool] | None = None,
    predictor: Predictor | None = None,
    report: Callable[[float], None] | None = None,
) -> Iterator[BlockRecord]:
    """Compute blocks one after the other.

    In memory are at most the image of two blocks and the result of two.

    Parameters
    ----------
    job : VolumeJob
        The volume.
    blocks : sequence of Block
        Those to be done.
    cancel : callable, optional
        Asked between windows; True ends the run.
    predictor : Predictor, optional
        One that is ready to run the job's model; it stays open.
    report : callable, optional
        Told after each window how many blocks are computed, and how much of the next one.

    Yields
    ------
    BlockRecord
        Of each block, as soon as it is on the disk.

    Raises
    ------
    Cancelled
        If ``cancel`` said True.
    NapariUnetsError
        As reading, computing and writing raise. The block before is written to its end.
    """
    volume = OpenVolume(job, predictor)
    try:
        with ThreadPoolExecutor(1, "reading") as reader, ThreadPoolExecutor(1, "writing") as writer:
            behind: Future[BlockRecord] | None = None
            try:
                for number, (block, pixels) in enumerate(_read_ahead(volume, blocks, reader)):
                    steps = compute_block(volume, block, pixels, cancel)
                    while not isinstance(computed := next(steps), Computed):
                        if report is not None:
                            report(number + computed)
                        if behind is not None and behind.done():
                            yield behind.result()
                            behind = None
                    if behind is not None:
                        yield behind.result()
                    behind = writer.submit(write_computed, volume, block, pixels.seconds, computed)
            except Exception:
                if behind is not None and behind.exception() is None:
                    yield behind.result()  # whatever happened to this block, the one before is on the disk
                raise
            if behind is not None:
                yield behind.result()
    finally:
        volume.close()


def _read_ahead(
    volume: OpenVolume, blocks: Sequence[Block], reader: ThreadPoolExecutor
) -> Iterator[tuple[Block, Pixels]]:
    """Yield blocks with what was read of them, while the next one is being read."""
    following: Future[Pixels] | None = None
    for block, after in itertools.zip_longest(blocks, blocks[1:]):
        pixels = read_block(volume, block) if following is None else following.result()
        following = None if after is None else reader.submit(read_block, volume, after)
        yield block, pixels
        del pixels  # or it would be kept while the next one is waited for
