"""Resolution levels of a volume, cut so that what one block of it writes, no other block touches."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import count
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unets.images.units import VoxelSize

__all__ = ["Level", "Pyramid", "halved"]

#: Height and width of a chunk, in pixels.
CHUNK = 1024
#: A level whose planes are no larger than this is the last one.
_SMALLEST = 1024
#: Blocks beside each other are multiples of this, so that they are whole chunks, and whole pixels of every level.
BLOCK_STEP = 1024
#: Voxels that are at most so many times as deep as wide are halved along z too.
_DEEPEST = 1.5


@dataclass(frozen=True)
class Level:
    """One array of the pyramid.

    Attributes
    ----------
    path : str
        Its name in the group.
    factor : tuple of int
        Voxels of level 0 in one of this level, along z, y, x.
    shape, chunks, shards : tuple of int
        Of all axes. A shard is a file; it holds what one block has in this level.
    """

    path: str
    factor: tuple[int, int, int]
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    shards: tuple[int, ...]

    @property
    def is_sharded(self) -> bool:
        """Whether a file holds more than one chunk."""
        return self.chunks != self.shards


@dataclass(frozen=True)
class Pyramid:
    """How a volume is stored, at full resolution and smaller ones.

    Attributes
    ----------
    shape : tuple of int
        Of level 0. The last three axes are z, y, x (z: the last axis before y); classes, if any, come first.
    block : tuple of int
        Largest extent of a block along z, y, x. Where several blocks lie beside each other it is a multiple of 1024
        along y and x, and along z a power of two.
    class_axis : bool
        Whether the first axis numbers classes; a block holds all of them.
    voxel_size_nm : tuple of float, optional
        Says when levels are smaller along z too; never, if it is unknown.
    """

    shape: tuple[int, ...]
    block: tuple[int, int, int]
    class_axis: bool = False
    voxel_size_nm: VoxelSize | None = None

    def __post_init__(self) -> None:
        for length, side in zip(self.shape[-2:], self.block[1:], strict=True):
            if side < length and side % BLOCK_STEP:
                raise ValueError(f"blocks of {self.block} voxels are no multiples of {BLOCK_STEP} along y and x")
        if self.block[0] < self.shape[-3] and self.block[0] & (self.block[0] - 1):
            raise ValueError(f"blocks of {self.block} voxels have no power of two along z")

    @cached_property
    def levels(self) -> tuple[Level, ...]:
        """All levels, the full resolution first."""
        found = [self._level(0, (1, 1, 1))]
        while max(found[-1].shape[-2:]) > _SMALLEST and self._can_be_halved(found[-1].factor):
            z, y, x = found[-1].factor
            found.append(self._level(len(found), (z * self._next_along_z(z, y), y * 2, x * 2)))
        return tuple(found)

    def steps(self, level: int) -> tuple[int, int, int]:
        """Voxels of the level before in one of this level, along z, y, x."""
        one, other = self.levels[level - 1].factor, self.levels[level].factor
        return other[0] // one[0], other[1] // one[1], other[2] // one[2]

    def _can_be_halved(self, factor: tuple[int, int, int]) -> bool:
        """Whether each block keeps at least 64 whole pixels of a level that is half as large."""
        sides = [side // f for side, f in zip(self.block[1:], factor[1:], strict=True)]
        several = [side < length for side, length in zip(self.block[1:], self.shape[-2:], strict=True)]
        return all(side >= 128 for side, more in zip(sides, several, strict=True) if more)

    def _next_along_z(self, z: int, y: int) -> int:
        size = self.voxel_size_nm
        if size is None or size[0] * z > _DEEPEST * size[1] * y or self.shape[-3] < 2 * z:
            return 1
        return 2 if self.block[0] % (2 * z) == 0 else 1

    def _level(self, number: int, factor: tuple[int, int, int]) -> Level:
        small = [-(-n // f) for n, f in zip(self.shape[-3:], factor, strict=True)]
        chunks, shards = [1], [min(small[0], max(1, self.block[0] // factor[0]))]
        for n, side, length, f in zip(small[1:], self.block[1:], self.shape[-2:], factor[1:], strict=True):
            chunks.append(min(CHUNK, n) if side >= length else _divisor(side // f))
            shards.append(ceil((n if side >= length else side // f) / chunks[-1]) * chunks[-1])
        before = len(self.shape) - 3
        first = [self.shape[0]] if self.class_axis else []
        ones = [1] * (before - len(first))
        return Level(
            str(number),
            factor,
            (*self.shape[:-3], *small),
            (*[1] * before, *chunks),
            (*first, *ones, *shards),
        )


def _divisor(side: int) -> int:
    """Largest chunk that divides the side of a block into equal parts."""
    return next(side // parts for parts in count(ceil(side / CHUNK)) if side % parts == 0)


def halved(values: NDArray[Any], steps: tuple[int, int, int], *, is_labels: bool) -> NDArray[Any]:
    """Make a block smaller by 1 or 2 along each axis.

    Parameters
    ----------
    values : ndarray, shape (..., z, y, x)
        An odd side is continued by its last voxel.
    steps : tuple of int
        1 or 2 along z, y, x.
    is_labels : bool
        Labels: the most frequent of the four voxels of a plane, of equally frequent ones the first; along z the first
        plane. Otherwise the mean.

    Returns
    -------
    ndarray
        Of the same type.
    """
    z, y, x = steps
    odd = [(0, 0)] * (values.ndim - 3) + [(0, -n % step) for n, step in zip(values.shape[-3:], steps, strict=True)]
    if any(after for _, after in odd):
        values = np.pad(values, odd, mode="edge")
    if is_labels:
        values = values[..., ::z, :, :]
        return _most_frequent(values) if (y, x) == (2, 2) else values[..., ::y, ::x]
    parts = [values[..., i::z, j::y, k::x] for i in range(z) for j in range(y) for k in range(x)]
    total: NDArray[Any] = parts[0].astype(np.float32 if values.dtype.itemsize <= 4 else np.float64)
    for part in parts[1:]:
        np.add(total, part, out=total)
    np.divide(total, len(parts), out=total)
    return total.astype(values.dtype, copy=False)


def _most_frequent(values: NDArray[Any]) -> NDArray[Any]:
    a, b, c, d = (values[..., j::2, k::2] for j in range(2) for k in range(2))
    rest = np.where((b == c) | (b == d), b, np.where(c == d, c, a))
    return np.where((a == b) | (a == c) | (a == d), a, rest)
