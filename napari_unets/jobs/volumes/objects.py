"""Ids of objects that were found block by block, made those of the whole volume."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr
from numpy.typing import NDArray

from napari_unets.inference import Cancelled, InferenceError, LinkSettings, block_tables
from napari_unets.jobs.outputs.safe_files import write_safely
from napari_unets.jobs.volumes.blocks import Block, BlockRecord
from napari_unets.jobs.volumes.errors import BlockWriteError
from napari_unets.jobs.volumes.writing import checksum, scratch_folder, write_block

if TYPE_CHECKING:
    from napari_unets.jobs.volumes.job import VolumeJob

__all__ = ["TABLES", "number_objects", "settle_objects"]

#: Name of the file, among the unfinished ones, that has the final id of every object of every block.
TABLES = "objects.npy"

_Ids = NDArray[np.uint32]


def number_objects(
    job: VolumeJob,
    blocks: Sequence[Block],
    records: dict[int, BlockRecord],
    ids: _Ids,
    report: Callable[[int, int], None],
    cancel: Callable[[], bool] | None = None,
) -> int:
    """Give every object the id that it has in the whole volume.

    Blocks are changed one file after the other. A file that is still as it was computed is known by its checksum, so
    whatever was interrupted goes on where it was.

    Parameters
    ----------
    job : VolumeJob
        All of whose blocks are written.
    blocks : sequence of Block
        In order.
    records : dict of int to BlockRecord
        Of each block.
    ids : ndarray of uint32
        Of :func:`settle_objects`.
    report : callable
        Told how many of how many blocks are done.
    cancel : callable, optional
        Asked between blocks; True stops.

    Returns
    -------
    int
        Number of objects; their ids are 1 to this.

    Raises
    ------
    BlockWriteError
        If the disk is full, for instance.
    Cancelled
        If ``cancel`` said True.
    """
    ends = np.cumsum([records[block.number].objects for block in blocks])
    for done, (block, end) in enumerate(zip(_until(cancel, blocks), ends, strict=True), start=1):
        record = records[block.number]
        _renumber(job, block, record, ids[end - record.objects : end])
        report(done, len(blocks))
    return int(ids.max(initial=0))


def settle_objects(
    job: VolumeJob,
    blocks: Sequence[Block],
    records: dict[int, BlockRecord],
    cancel: Callable[[], bool] | None = None,
) -> _Ids:
    """Compare the slices at which blocks meet, and write down the final id of every object.

    Nothing may have been changed by :func:`number_objects` yet, unless the ids are still written down.

    Parameters
    ----------
    job, blocks, records, cancel
        As for :func:`number_objects`.

    Returns
    -------
    ndarray of uint32
        Final ids of the objects of the first block, of the second, and so on.

    Raises
    ------
    InferenceError
        If there are more than 2³² - 1.
    BlockWriteError
        If the disk is full, for instance.
    Cancelled
        If ``cancel`` said True.
    """
    scratch = scratch_folder(job.output)
    known = scratch / TABLES
    if known.exists():
        ids: _Ids = np.load(known, allow_pickle=False)
        return ids
    total = sum(records[block.number].objects for block in blocks)
    if total > np.iinfo(np.uint32).max:
        raise InferenceError("more than 2³² - 1 objects: segment the volume in parts, or raise min_size")
    if job.what.link:
        ids = np.concatenate([np.zeros(0, np.uint32), *_linked(job, _until(cancel, blocks), records)])
    else:
        ids = np.arange(1, total + 1, dtype=np.uint32)
    content = io.BytesIO()
    np.save(content, ids)
    try:
        write_safely(known, content.getbuffer(), scratch)
    except OSError as error:
        raise BlockWriteError(
            f"{known}: cannot be written ({error.strerror}); make room and go on with --resume"
        ) from error
    return ids


def _linked(job: VolumeJob, blocks: Iterator[Block], records: dict[int, BlockRecord]) -> Iterator[_Ids]:
    """Ids of the objects of each block, linked over the blocks of a volume; several volumes share no id."""
    array = _array(job)
    settings = LinkSettings(merge_below=job.what.merge_below)
    given = 0
    for _, volume in itertools.groupby(blocks, key=lambda block: block.before):
        ends = ((array[_planes(b, 0)], array[_planes(b, -1)], records[b.number].objects) for b in volume)
        largest = given
        for table in block_tables(ends, settings):
            largest = max(largest, given + int(table.max(initial=0)))
            yield table[1:] + np.uint32(given)
        given = largest


def _until(cancel: Callable[[], bool] | None, blocks: Sequence[Block]) -> Iterator[Block]:
    """Yield blocks as long as nobody wants to end."""
    for done, block in enumerate(blocks):
        if cancel is not None and cancel():
            raise Cancelled(f"stopped after the objects of {done} of {len(blocks)} blocks")
        yield block


def _planes(block: Block, which: int) -> tuple[Any, ...]:
    return (*block.before, range(*block.z.indices(block.stop[0]))[which])


def _renumber(job: VolumeJob, block: Block, record: BlockRecord, ids: _Ids) -> None:
    found = {path: _checksum_of(job.output / path) for path in record.files}
    if all(found[path] != check for path, check in record.files.items()):
        return
    place = (*block.before, *(slice(a, b) for a, b in zip(block.start, block.stop, strict=True)))
    values: _Ids = np.asarray(_array(job)[place])
    full = next(path for path in record.files if path.startswith("0/"))
    if found[full] == record.files[full]:
        values = np.append(np.zeros(1, np.uint32), ids)[values]
    start = (*block.before, *block.start)
    write_block(job.output, job.store, start, values.reshape((1,) * len(block.before) + block.shape), str(block))


def _checksum_of(path: Path) -> str:
    return checksum(path.read_bytes())


def _array(job: VolumeJob) -> Any:
    return zarr.open_array(job.output / "0", mode="r")
