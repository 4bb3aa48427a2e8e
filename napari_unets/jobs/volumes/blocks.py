"""Blocks of a volume: each is read, computed and written by itself, in any order, by any process."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from napari_unets.jobs.volumes.job import VolumeJob, plan_volume
from napari_unets.jobs.volumes.process import OpenVolume, Pixels, opened
from napari_unets.jobs.volumes.writing import write_block

__all__ = [
    "Block",
    "BlockRecord",
    "Computed",
    "VolumeJob",
    "compute_block",
    "compute_whole_block",
    "plan_blocks",
    "plan_volume",
    "read_block",
    "run_block",
    "write_computed",
]


@dataclass(frozen=True)
class Block:
    """A part of the output that is written as a whole: in each resolution level it is a file of its own.

    Attributes
    ----------
    number : int
        From 0, as :func:`plan_blocks` counts.
    before : tuple of int
        Index along the axes before z; the axis of classes is not among them.
    start, stop : tuple of int
        Along z, y, x.
    """

    number: int
    before: tuple[int, ...]
    start: tuple[int, int, int]
    stop: tuple[int, int, int]

    @property
    def z(self) -> slice:
        """Planes."""
        return slice(self.start[0], self.stop[0])

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns."""
        return slice(self.start[1], self.stop[1]), slice(self.start[2], self.stop[2])

    @property
    def shape(self) -> tuple[int, int, int]:
        """Extent along z, y, x."""
        z, y, x = (b - a for a, b in zip(self.start, self.stop, strict=True))
        return z, y, x

    def __str__(self) -> str:
        sides = [f"{a} {i}:{j}" for a, i, j in zip("zyx", self.start, self.stop, strict=True)]
        return ", ".join([*map(str, self.before), *sides])


@dataclass(frozen=True)
class BlockRecord:
    """What is known of a block that is safely on the disk.

    Attributes
    ----------
    number : int
        Of the block.
    files : mapping of str to str
        Of each file by its path in the output, the first 16 digits of its SHA-256.
    seconds : tuple of float
        Spent on reading, computing, writing.
    objects : int
        Ids in the block, which are 1 to this; 0 if it holds no objects.
    engine : str
        What computed it: device, back end and precision.
    """

    number: int
    files: Mapping[str, str]
    seconds: tuple[float, float, float]
    objects: int = 0
    engine: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {
            "block": self.number,
            "files": dict(self.files),
            "seconds": [round(s, 3) for s in self.seconds],
            "objects": self.objects,
            "engine": self.engine,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_json` returned.

        Raises
        ------
        KeyError, TypeError, ValueError
            If it is none.
        """
        read, compute, write = (float(s) for s in values["seconds"])
        files = {str(path): str(check) for path, check in values["files"].items()}
        return cls(int(values["block"]), files, (read, compute, write), int(values["objects"]), str(values["engine"]))


@dataclass(frozen=True)
class Computed:
    """Voxels of a block, with all axes of the output, the ids in it, and the time they took."""

    values: NDArray[Any]
    objects: int
    seconds: float


def plan_blocks(job: VolumeJob) -> list[Block]:
    """Cut a volume into its blocks, row by row and plane by plane.

    Parameters
    ----------
    job : VolumeJob
        The volume.

    Returns
    -------
    list of Block
        Every voxel of the output is in one of them.
    """
    before = job.shape[1 if job.class_axis else 0 : -3]
    starts = [range(0, n, side) for n, side in zip(job.shape[-3:], job.block, strict=True)]
    places = itertools.product(np.ndindex(*before), itertools.product(*starts))
    blocks = []
    for number, (index, (z, y, x)) in enumerate(places):
        ends = (min(a + side, n) for a, side, n in zip((z, y, x), job.block, job.shape[-3:], strict=True))
        stop_z, stop_y, stop_x = ends
        blocks.append(Block(number, tuple(int(i) for i in index), (z, y, x), (stop_z, stop_y, stop_x)))
    return blocks


def run_block(job: VolumeJob, block: Block) -> BlockRecord:
    """Read, compute and write a block. Done again, it gives the same bytes.

    The process keeps the model and the image open for the next block of the same job.

    Parameters
    ----------
    job : VolumeJob
        The volume, whose output was created.
    block : Block
        One of :func:`plan_blocks`.

    Returns
    -------
    BlockRecord

    Raises
    ------
    SourceChangedError, BlockWriteError, ImageError, InferenceError, ModelError
        See there.
    """
    volume = opened(job)
    pixels = read_block(volume, block)
    return write_computed(volume, block, pixels.seconds, compute_whole_block(volume, block, pixels))


def read_block(volume: OpenVolume, block: Block) -> Pixels:
    """Read the image of a block, with the halo around it."""
    return volume.read(block.before, block.z, block.window)


def compute_block(
    volume: OpenVolume, block: Block, pixels: Pixels, cancel: Callable[[], bool] | None = None
) -> Iterator[float | Computed]:
    """Compute a block, and pause after each window.

    Parameters
    ----------
    volume : OpenVolume
        Runs the model.
    block : Block
        What to compute.
    pixels : Pixels
        What :func:`read_block` has read of it.
    cancel : callable, optional
        Asked between windows; True stops.

    Yields
    ------
    float or Computed
        After each window how much of the block is done, up to 1, and at last the result.

    Raises
    ------
    Cancelled, WindowMemoryError
        See there.
    """
    from napari_unets.jobs.volumes.values import values_for

    seconds = 0.0
    since = time.monotonic()
    values = values_for(volume, block.shape, block.window)
    for event in volume.tiles(pixels, block.window, cancel):
        values.add(event)
        seconds += time.monotonic() - since
        yield event.done / event.total
        since = time.monotonic()
    result = values.finish()
    seconds += time.monotonic() - since
    lead = (1,) * len(block.before)
    shape = (*result.shape[: result.ndim - 3], *lead, *result.shape[-3:])
    yield Computed(result.reshape(shape), values.objects, seconds)


def compute_whole_block(volume: OpenVolume, block: Block, pixels: Pixels) -> Computed:
    """Compute a block without a pause."""
    *_, computed = compute_block(volume, block, pixels)
    assert isinstance(computed, Computed)  # noqa: S101 - held by compute_block
    return computed


def write_computed(volume: OpenVolume, block: Block, reading: float, computed: Computed) -> BlockRecord:
    """Put a block on the disk; ``reading`` is the time that its image took."""
    since = time.monotonic()
    start = (*((0,) if volume.job.class_axis else ()), *block.before, *block.start)
    files = write_block(volume.job.output, volume.store, start, computed.values, str(block))
    seconds = (reading, computed.seconds, time.monotonic() - since)
    return BlockRecord(block.number, files, seconds, computed.objects, volume.engine)
