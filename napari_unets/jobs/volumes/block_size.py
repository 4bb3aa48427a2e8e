"""How large the blocks of a volume are."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, prod

from napari_unets.images.pyramid import BLOCK_STEP, Pyramid
from napari_unets.jobs.volumes.errors import VolumeError

__all__ = ["checked_block", "choose_block"]

#: Planes of up to this many pixels a side are one block: then no halo is computed twice.
_LARGEST_SIDE = 4096
#: Bytes of a block as read or as written, whichever is more, and the most planes that share one.
_BLOCK_BYTES = 2**26
_MOST_PLANES = 16


def choose_block(shape: Sequence[int], bytes_per_pixel: int, *, whole_planes: bool = False) -> tuple[int, int, int]:
    """Choose the extent of blocks along z, y and x.

    Planes of up to 4096 pixels a side are not cut, so that no halo is computed twice; larger ones are cut into parts
    of about that size. As many planes as fit into 64 MiB share a block, at most 16.

    Parameters
    ----------
    shape : sequence of int
        Of the volume; the last three axes are cut.
    bytes_per_pixel : int
        As read or as written, whichever is more.
    whole_planes : bool
        Never cut planes.
    """
    sides = [n if whole_planes or n <= _LARGEST_SIDE else _fitted(n) for n in shape[-2:]]
    planes = 1
    while planes < min(_MOST_PLANES, shape[-3]) and 2 * planes * prod(sides) * bytes_per_pixel <= _BLOCK_BYTES:
        planes *= 2
    return planes, sides[0], sides[1]


def checked_block(block: Sequence[int], shape: tuple[int, ...], *, whole_planes: bool = False) -> tuple[int, int, int]:
    """Refuse an extent of blocks that is not possible.

    Parameters
    ----------
    block : sequence of int
        Wanted, along z, y, x.
    shape : tuple of int
        Of the volume.
    whole_planes : bool
        Whether planes may not be cut.

    Raises
    ------
    VolumeError
        If two blocks would share a file, or planes be cut.
    """
    if len(block) != 3 or min(block) < 1:
        raise VolumeError(f"a block has three sides (z, y, x) of at least 1, not {tuple(block)}")
    z, y, x = (int(n) for n in block)
    if whole_planes and (y < shape[-2] or x < shape[-1]):
        raise VolumeError("objects are found in whole planes; blocks must be as large as a plane along y and x")
    try:
        Pyramid(shape, (z, y, x))
    except ValueError as error:
        raise VolumeError(str(error)) from error
    return z, y, x


def _fitted(length: int) -> int:
    """Side of equal parts of an axis, as large as allowed."""
    parts = ceil(length / _LARGEST_SIDE)
    return ceil(length / parts / BLOCK_STEP) * BLOCK_STEP
