"""Names of layers without what they have in common."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["short_names"]

_BETWEEN = " · "


def short_names(names: Sequence[str]) -> list[str]:
    """Leave out the parts at the beginning that all names share; of a single name nothing is left.

    Examples
    --------
    >>> short_names(["sections · a · segmentation", "sections · b · segmentation"])
    ['a · segmentation', 'b · segmentation']
    """
    parts = [name.split(_BETWEEN) for name in names]
    if len(parts) < 2:
        return [""] * len(parts)
    while all(len(part) > 1 and part[0] == parts[0][0] for part in parts):
        parts = [part[1:] for part in parts]
    return [_BETWEEN.join(part) for part in parts]
