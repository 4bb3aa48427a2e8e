"""Which numbers are left out in the names of files that are numbered."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

__all__ = ["left_out"]

_NUMBERED = re.compile(r"(.*?)(\d+)(\D*)")


def left_out(names: Sequence[str]) -> list[int]:
    """Numbers that a series of names leaves out.

    Parameters
    ----------
    names : sequence of str
        Names of files without suffixes. They are a series if they differ in their last number only, which mostly grows
        by the same step.

    Returns
    -------
    list of int
        In order; empty of names that are no series, as times and catalogue numbers are none.

    Examples
    --------
    >>> left_out(["s_000", "s_001", "s_003", "s_004"]), left_out(["a", "b"])
    ([2], [])
    """
    found = [_NUMBERED.fullmatch(name) for name in names]
    parts = [match.groups() for match in found if match is not None]
    if len(parts) < len(names) or len({(before, after) for before, _, after in parts}) != 1:
        return []
    numbers = sorted({int(number) for _, number, _ in parts})
    steps = Counter(after - before for before, after in pairwise(numbers))
    step, often = steps.most_common(1)[0] if steps else (0, 0)
    if 2 * often <= steps.total() or any(other % step for other in steps):
        return []
    if (numbers[-1] - numbers[0]) // step > 2 * len(numbers):  # more gaps than files
        return []
    return [number for a, b in pairwise(numbers) for number in range(a + step, b, step)]
