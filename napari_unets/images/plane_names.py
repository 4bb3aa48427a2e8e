"""What a plane is called: by its number, or by one number an axis, as sliders show it."""

from __future__ import annotations

import numpy as np

__all__ = ["plane_index", "plane_name"]


def plane_index(plane: int, before: tuple[int, ...]) -> tuple[int, ...]:
    """Return the index of a plane along each axis before y.

    Parameters
    ----------
    plane : int
        Its number, counted over all of these axes, the last one running fastest.
    before : tuple of int
        Lengths of the axes.
    """
    return tuple(int(i) for i in np.unravel_index(plane, before)) if before else ()


def plane_name(plane: int, before: tuple[int, ...]) -> str:
    """Return what a plane is called: ``"5"``, or ``"(2, 5)"`` where there are several axes before y.

    Parameters
    ----------
    plane, before
        As in :func:`plane_index`.
    """
    index = plane_index(plane, before)
    return f"({', '.join(str(i) for i in index)})" if len(index) > 1 else str(plane)
