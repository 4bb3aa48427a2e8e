"""Whether the files of two folders belong together one by one, as far as their names say so."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise, takewhile
from pathlib import PurePath

from napari_unets.images.stack import Stack

__all__ = ["unpaired"]

_NUMBER = re.compile(r"(\d+)")
_NAMED = 3

_Numbers = list[tuple[int, ...]]


def unpaired(first: Stack, second: Stack) -> str:
    """Say which planes of two folders of images do not belong together; empty if all may.

    Taken in their order, ``01, 02, 04`` and ``01, 02, 03`` would make pairs of which the last is none. Names that have
    nothing in common say nothing, and neither does a count from 0 beside any numbers without gaps.

    Parameters
    ----------
    first, second : Stack
        Only those that were opened from folders have file names.

    Returns
    -------
    str
        In words, and what to do.
    """
    if not first.files or not second.files:
        return ""
    keys = _keys([PurePath(file).stem for file in first.files], [PurePath(file).stem for file in second.files])
    if keys is None or keys[0] == keys[1]:
        return ""
    lonely = [
        f"{_few([file for file, key in zip(files, mine, strict=True) if key not in theirs])} only in {stack.path}"
        for stack, files, mine, theirs in (
            (first, first.files, *keys),
            (second, second.files, keys[1], keys[0]),
        )
        if set(mine) - set(theirs)
    ]
    wrong = " and ".join(lonely) or "they are in another order"
    return (
        f"{first.path} and {second.path} are paired file by file, but the names of the files say otherwise: {wrong}; "
        "take out what has no partner, or rename the files so that pairs have the same number or name"
    )


def _keys(first: list[str], second: list[str]) -> tuple[list[object], list[object]] | None:
    """Return what of the names says which file is which; None if nothing does, or if it cannot be compared."""
    numbers = _numbers(first), _numbers(second)
    mine, theirs = numbers
    if mine and theirs and len(mine[0]) == len(theirs[0]) > 0:
        running = [(i,) for i in range(len(mine))]
        counted = len(mine) == len(theirs) and running in numbers and _evenly(mine) and _evenly(theirs)
        return None if counted else ([*mine], [*theirs])
    if set(first) & set(second):
        return [*first], [*second]
    cores = _cores(first), _cores(second)
    return ([*cores[0]], [*cores[1]]) if set(cores[0]) & set(cores[1]) - {""} else None


def _numbers(names: list[str]) -> _Numbers:
    """Return the numbers of each name that differ; empty if the names differ in more than in numbers."""
    parts = [_NUMBER.split(name) for name in names]
    if len({tuple(part[::2]) for part in parts}) > 1:
        return []
    columns = [column for column in zip(*(map(int, part[1::2]) for part in parts), strict=True) if len(set(column)) > 1]
    return list(zip(*columns, strict=True))


def _evenly(numbers: _Numbers) -> bool:
    return len({after[0] - before[0] for before, after in pairwise(numbers)}) <= 1


def _cores(names: list[str]) -> list[str]:
    """Return names without what all of them begin and end with."""
    head = _shared(names)
    tail = _shared([name[head:][::-1] for name in names])
    return [name[head : len(name) - tail] for name in names]


def _shared(names: list[str]) -> int:
    """Count the letters that all names begin with."""
    alike = takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))
    return sum(1 for _ in alike)


def _few(files: Sequence[str]) -> str:
    more = f" and {len(files) - _NAMED} more are" if len(files) > _NAMED else " is" if len(files) == 1 else " are"
    return f"{', '.join(files[:_NAMED])}{more}"
