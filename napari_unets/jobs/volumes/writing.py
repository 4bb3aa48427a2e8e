"""The files of a block, put where they belong."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from napari_unets.images.volume_store import VolumeStore
from napari_unets.jobs.outputs.safe_files import write_safely
from napari_unets.jobs.volumes.errors import BlockWriteError

__all__ = ["checksum", "is_unfinished", "scratch_folder", "write_block"]


def scratch_folder(output: Path) -> Path:
    """Where unfinished files of a volume are; removed when it is finished."""
    return output.with_name(f".{output.name}.parts")


def is_unfinished(output: Path) -> bool:
    """Whether a folder is a volume that a run is writing, or will go on with."""
    return scratch_folder(output).is_dir()


def write_block(
    output: Path, store: VolumeStore, start: Sequence[int], values: NDArray[Any], name: str
) -> dict[str, str]:
    """Write the files of a block, each as a whole.

    Parameters
    ----------
    output : Path
        The volume.
    store : VolumeStore
        Its layout.
    start : sequence of int
        Where the block begins, on all axes.
    values : ndarray
        Its voxels.
    name : str
        Of the block, for messages.

    Returns
    -------
    dict
        Of each file its checksum.

    Raises
    ------
    BlockWriteError
        If the disk is full, for instance.
    """
    checks = {}
    for path, content in store.files(start, values).items():
        try:
            if not (output / "zarr.json").exists():  # or a volume without a description would be made anew
                raise FileNotFoundError(f"{output} is no longer there")
            write_safely(output / path, content, scratch_folder(output))
        except OSError as error:
            raise BlockWriteError(
                f"{output}: the block at {name} could not be written ({error.strerror or error}). What was written "
                "before is valid; make room, or see to the cause, and go on with --resume"
            ) from error
        checks[path] = checksum(content)
    return checks


def checksum(content: bytes | memoryview) -> str:
    """First 16 digits of the SHA-256."""
    return hashlib.sha256(content).hexdigest()[:16]
