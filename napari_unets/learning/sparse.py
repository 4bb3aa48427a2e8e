"""Annotations as what they mostly are: a few planes of a stack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

__all__ = ["SparseAnnotations"]


@dataclass(frozen=True)
class SparseAnnotations:
    """Class ids of the annotated planes only, which can be copied, kept and sent where a whole stack cannot.

    Parameters
    ----------
    shape : tuple of int
        Of the whole annotations: plane axes, y, x; an image of its own is ``(1, y, x)``.
    by_plane : mapping of int to ndarray
        Class ids ``(y, x)`` of each annotated plane, counted over every axis before y; 0 = not annotated.
    name : str
        For messages.
    """

    shape: tuple[int, ...]
    by_plane: Mapping[int, npt.NDArray[np.uint8]]
    name: str = "annotations"
    dtype: np.dtype[np.uint8] = field(default_factory=lambda: np.dtype(np.uint8), init=False)

    @property
    def n_planes(self) -> int:
        """Number of planes, annotated or not."""
        return int(np.prod(self.shape[:-2], dtype=np.int64))

    def plane(self, number: int) -> npt.NDArray[np.uint8]:
        """Class ids ``(y, x)`` of any plane."""
        known = self.by_plane.get(number)
        return np.zeros(self.shape[-2:], np.uint8) if known is None else known
