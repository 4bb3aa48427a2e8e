"""Statistics of values that come block by block."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Collector", "Extremes", "Histogram", "Moments", "Sample", "has_value"]

_BINS = 2**16
_NO_VALUE = np.float32(1e30)  # -3.4e38 and 9.97e36, among others, are written where there is none


def has_value(pixels: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell pixels of real numbers from NaN, infinity and the numbers that programs write where there is no value.

    Parameters
    ----------
    pixels : ndarray
        Of any type of number.

    Returns
    -------
    ndarray of bool, of the same shape
        True where the size of the number is less than 1e30.
    """
    return np.abs(pixels) < _NO_VALUE if pixels.dtype.kind == "f" else np.ones(pixels.shape, bool)


class Collector(Protocol):
    """Takes values block by block and says by what they are to be shifted and divided."""

    def add(self, values: NDArray[Any]) -> None:
        """Take a block of values; those that :func:`has_value` rules out count for nothing."""

    def result(self) -> tuple[float, float]:
        """Return offset and scale of all values so far."""


class Moments:
    """Mean and deviation of blocks that come one by one, in float64 (Chan et al. 1979)."""

    def __init__(self) -> None:
        self._n, self._mean, self._squares = 0, 0.0, 0.0

    def add(self, values: NDArray[Any]) -> None:
        """Take a block of values."""
        kept = _of(values).astype(np.float64)
        if not kept.size:
            return
        mean = float(kept.mean())
        squares = float(np.square(kept - mean).sum())
        total = self._n + kept.size
        self._squares += squares + (mean - self._mean) ** 2 * self._n * kept.size / total
        self._mean += (mean - self._mean) * kept.size / total
        self._n = total

    def result(self) -> tuple[float, float]:
        """Return offset and scale."""
        return self._mean, float(np.sqrt(self._squares / max(self._n, 1)))


class Histogram:
    """Exact percentiles of integers of up to 16 bits."""

    def __init__(self, low: float, high: float) -> None:
        self._wanted = (low, high)
        self._counts = np.zeros(_BINS, np.int64)
        self._lowest = 0

    def add(self, values: NDArray[Any]) -> None:
        """Take a block of values."""
        self._lowest = np.iinfo(values.dtype).min if values.dtype.kind == "i" else 0
        shifted = values.astype(np.int64).ravel() - self._lowest
        self._counts += np.bincount(shifted, minlength=_BINS)

    def result(self) -> tuple[float, float]:
        """Return offset and scale."""
        cumulative = np.cumsum(self._counts)
        ranks = [q / 100 * (int(cumulative[-1]) - 1) for q in self._wanted]
        low, high = (self._at(cumulative, rank) for rank in ranks)
        return low, high - low

    def _at(self, cumulative: NDArray[np.int64], rank: float) -> float:
        """Interpolate linearly between the two values next to the rank, as numpy.percentile does."""
        below, above = np.searchsorted(cumulative, [np.floor(rank), np.ceil(rank)], side="right")
        return float(below + (above - below) * (rank - np.floor(rank)) + self._lowest)


class Sample:
    """Percentiles of every n-th value."""

    def __init__(self, low: float, high: float, step: int) -> None:
        self._wanted, self._step = (low, high), step
        self._kept: list[NDArray[Any]] = []

    def add(self, values: NDArray[Any]) -> None:
        """Take a block of values."""
        self._kept.append(_of(values.reshape(-1)[:: self._step]).astype(np.float64))

    def result(self) -> tuple[float, float]:
        """Return offset and scale."""
        values = np.concatenate(self._kept)
        if not values.size:
            return 0.0, 1.0
        low, high = np.percentile(values, self._wanted)
        return float(low), float(high - low)


class Extremes:
    """Smallest and largest value."""

    def __init__(self) -> None:
        self._low, self._high = np.inf, -np.inf

    def add(self, values: NDArray[Any]) -> None:
        """Take a block of values."""
        kept = _of(values)
        if kept.size:
            self._low, self._high = min(self._low, float(kept.min())), max(self._high, float(kept.max()))

    def result(self) -> tuple[float, float]:
        """Return offset and scale."""
        return (self._low, self._high - self._low) if self._high >= self._low else (0.0, 1.0)


def _of(values: NDArray[Any]) -> NDArray[Any]:
    flat = values.reshape(-1)
    return flat[has_value(flat)] if flat.dtype.kind == "f" else flat
