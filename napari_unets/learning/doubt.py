"""How unsure a model is of the planes of a stack, and which of them to paint next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["PlaneUncertainty", "best_slice", "spread_planes"]


@dataclass(frozen=True)
class PlaneUncertainty:
    """How unsure a model is of one plane, where nothing is annotated.

    Attributes
    ----------
    plane : int
        Counted over every axis before y.
    score : float
        Mean uncertainty of the plane's pixels that are not annotated, in bits; 0 if all are.
    spot : (slice, slice) or None
        The square with the highest mean; None if there is none that is free of annotations.
    spot_score : float
        That mean.
    annotated : bool
        Whether anything is painted on this plane.
    done, total : int
        Planes looked at, and to be looked at.
    """

    plane: int
    score: float
    spot: tuple[slice, slice] | None
    spot_score: float
    annotated: bool
    done: int
    total: int


def spread_planes(n_planes: int, annotated: Iterable[int], most: int = 24) -> list[int]:
    """Choose planes worth looking at: evenly spread, none annotated nor, if others are left, next to one.

    Neighbours are alike: what was painted on a section teaches most about the next one too.
    """
    taken = set(annotated)
    free = [n for n in range(n_planes) if n not in taken]
    far = [n for n in free if n - 1 not in taken and n + 1 not in taken]
    candidates = far or free
    chosen = np.unique(np.linspace(0, len(candidates) - 1, min(most, len(candidates))).round().astype(int))
    return [candidates[i] for i in chosen]


def best_slice(found: Sequence[PlaneUncertainty]) -> PlaneUncertainty | None:
    """Plane of which the model is least sure, among those without annotations if there are any."""
    fresh = [one for one in found if not one.annotated] or list(found)
    return max(fresh, key=lambda one: one.score, default=None)
