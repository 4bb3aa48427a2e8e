"""numpy's basic indexing, in terms of slices that any file format can read."""

from __future__ import annotations

from operator import index as as_int
from types import EllipsisType
from typing import Any, NamedTuple

__all__ = ["Key", "index_keys"]


class Key(NamedTuple):
    """What is taken of one axis."""

    #: Forward, and within bounds.
    region: slice
    #: Whether it is to be turned round afterwards.
    reverse: bool
    #: Whether the axis is to be dropped afterwards.
    drop: bool


def index_keys(index: Any, shape: tuple[int, ...]) -> list[Key]:
    """Work out what numpy's basic indexing takes of each axis.

    Parameters
    ----------
    index : int, slice, ``...`` or tuple of them
        The index.
    shape : tuple of int
        What is indexed.

    Returns
    -------
    list of Key
        One for each axis.

    Raises
    ------
    IndexError
        If there are too many, one is out of bounds, or is of another kind.
    """
    parts = list(index) if isinstance(index, tuple) else [index]
    if dots := [i for i, part in enumerate(parts) if isinstance(part, EllipsisType)]:
        parts[dots[0] : dots[0] + 1] = [slice(None)] * (len(shape) - len(parts) + 1)
    if len(parts) > len(shape):
        raise IndexError(f"too many indices: a stack of shape {shape} was asked for {index!r}")
    parts += [slice(None)] * (len(shape) - len(parts))
    return [_key(part, length, axis) for axis, (part, length) in enumerate(zip(parts, shape, strict=True))]


def _key(part: Any, length: int, axis: int) -> Key:
    if isinstance(part, slice):
        taken = range(*part.indices(length))
        if not taken:
            return Key(slice(0, 0), reverse=False, drop=False)
        low, high = min(taken[0], taken[-1]), max(taken[0], taken[-1])
        return Key(slice(low, high + 1, abs(taken.step)), reverse=taken.step < 0, drop=False)
    try:
        i = as_int(part)
    except TypeError:
        raise IndexError(f"a stack is indexed by numbers, slices and '...', not by {type(part).__name__}") from None
    if not -length <= i < length:
        raise IndexError(f"index {i} is out of bounds: axis {axis} has length {length}")
    return Key(slice(i % length, i % length + 1), reverse=False, drop=True)
