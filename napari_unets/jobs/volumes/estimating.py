"""How long a volume will take and how large it will be, from one block of it that is really computed."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, prod
from pathlib import Path
from typing import TYPE_CHECKING

from napari_unets.jobs.volumes.blocks import compute_whole_block, plan_blocks, read_block
from napari_unets.jobs.volumes.job import plan_volume
from napari_unets.jobs.volumes.process import OpenVolume

if TYPE_CHECKING:
    from napari_unets.inference import Predictor
    from napari_unets.jobs.outputs.opening import Opening
    from napari_unets.jobs.outputs.settings import OutputSettings

__all__ = ["VolumeEstimate", "estimate_volume"]

_QUICK_S = 2.0  # a block that is computed faster is computed again: the first one of a process takes longer


@dataclass(frozen=True)
class VolumeEstimate:
    """What a run will take, if all blocks are like the one that was computed.

    Attributes
    ----------
    shape : tuple of int
        Of the output.
    block : tuple of int
        Of its blocks, along z, y, x.
    blocks : int
        How many.
    reading, computing : float
        Seconds for all blocks, by one process.
    input_bytes, output_bytes : int
        Of the voxels that are read, uncompressed, and of the files that are written, with all levels.
    """

    shape: tuple[int, ...]
    block: tuple[int, int, int]
    blocks: int
    reading: float
    computing: float
    input_bytes: int
    output_bytes: int

    def seconds(self, workers: int = 1) -> float:
        """Return the time that so many processes take, each as fast as this one and reading beside computing.

        Parameters
        ----------
        workers : int
            Processes.
        """
        rounds = ceil(self.blocks / workers)
        return rounds * max(self.reading, self.computing) / self.blocks


def estimate_volume(
    source: str | Path,
    output: str | Path,
    predictor: Predictor,
    what: OutputSettings | None = None,
    *,
    opening: Opening | None = None,
) -> VolumeEstimate:
    """Compute a plane of the block in the middle of a volume; nothing is written.

    Parameters
    ----------
    source, output, predictor, what, opening
        See :func:`~napari_unets.jobs.volumes.job.plan_volume`.

    Returns
    -------
    VolumeEstimate

    Raises
    ------
    VolumeError, ImageError, InferenceError
        As planning, reading and computing raise.
    """
    job = plan_volume(source, output, predictor, what, opening=opening)
    blocks = plan_blocks(job)
    thin = job.model_copy(update={"block": (1, *job.block[1:])})
    parts = plan_blocks(thin)
    part = parts[len(parts) // 2]
    volume = OpenVolume(thin, predictor)
    try:
        pixels = read_block(volume, part)
        computed = compute_whole_block(volume, part, pixels)
        if computed.seconds < _QUICK_S:
            computed = compute_whole_block(volume, part, pixels)
        start = (*((0,) if thin.class_axis else ()), *part.before, *part.start)
        written = sum(content.nbytes for content in volume.store.files(start, computed.values).values())
        itemsize = volume.stack.dtype.itemsize * (volume.stack.shape[-1] if volume.stack.is_rgb else 1)
    finally:
        volume.close()
    voxels = prod(job.shape[1:] if job.class_axis else job.shape)
    share = voxels / prod(part.shape)
    return VolumeEstimate(
        shape=job.shape,
        block=job.block,
        blocks=len(blocks),
        reading=pixels.seconds * share,
        computing=computed.seconds * share,
        input_bytes=voxels * itemsize,
        output_bytes=round(written * share),
    )
