"""A score over thresholds and slices, and its best threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["ISBI_THRESHOLDS", "ScoreCurve", "mean_of_defined"]

ISBI_THRESHOLDS: tuple[float, ...] = tuple(np.cumsum([0.0] + [0.1] * 10).tolist())
"""The 11 thresholds of the ISBI 2012 evaluation, added up as it does: 0.30000000000000004, not 0.3."""


def mean_of_defined(values: NDArray[np.float64], axis: int = 0) -> NDArray[np.float64]:
    """Mean over an axis that leaves NaN out; NaN where nothing is left."""
    defined = ~np.isnan(values)
    count = defined.sum(axis=axis)
    total = np.where(defined, values, 0.0).sum(axis=axis)
    mean: NDArray[np.float64] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return mean


@dataclass(frozen=True)
class ScoreCurve:
    """V_rand or V_info of a stack at every threshold.

    Attributes
    ----------
    thresholds : tuple of float
        Empty where the prediction had nothing to be thresholded: the arrays then have one entry on that axis.
    per_slice : float64, (slices, thresholds, 3)
        Score, split score and merge score; NaN for a slice in which the truth has no segment.
    """

    thresholds: tuple[float, ...]
    per_slice: NDArray[np.float64]

    @property
    def means(self) -> NDArray[np.float64]:
        """Score, split score and merge score, mean over slices; (thresholds, 3)."""
        return mean_of_defined(self.per_slice)

    @property
    def values(self) -> NDArray[np.float64]:
        """The score at each threshold, mean over slices."""
        values: NDArray[np.float64] = self.means[:, 0]
        return values

    @property
    def best(self) -> int:
        """Index of the threshold with the highest score; the first on ties."""
        return int(np.argmax(np.nan_to_num(self.values, nan=-np.inf)))

    @property
    def score(self) -> float:
        """The score at the best threshold: what papers quote."""
        return float(self.means[self.best, 0])

    @property
    def split(self) -> float:
        """The split score at the best threshold: falls with cells cut in pieces."""
        return float(self.means[self.best, 1])

    @property
    def merge(self) -> float:
        """The merge score at the best threshold: falls with cells joined."""
        return float(self.means[self.best, 2])

    @property
    def threshold(self) -> float | None:
        """The best threshold; None where nothing was thresholded."""
        return self.thresholds[self.best] if self.thresholds else None
