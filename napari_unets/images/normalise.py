"""Grey values to what a network expects: statistics of the whole stack, applied plane by plane."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from napari_unets.images.collectors import Collector, Extremes, Histogram, Moments, Sample
from napari_unets.images.errors import ChannelsError
from napari_unets.images.stack import Stack

__all__ = ["LUMINANCE", "Statistics", "StatisticsMethod", "compute_statistics", "luminance_of", "prepare_plane"]

StatisticsMethod = Literal["zscore", "percentile", "range", "otsu", "wolf"]

#: Red, green, blue to luminance (ITU-R BT.601, as in JPEG).
LUMINANCE = (0.299, 0.587, 0.114)
LARGEST_BLOCK = 2**22  # pixels that are looked at together
_LARGEST_SAMPLE = 2**24  # values that percentiles of anything but short integers are taken from


@dataclass(frozen=True, eq=False)
class Statistics:
    """What is subtracted from the values of each channel, and by what they are then divided.

    Parameters
    ----------
    offset, scale : ndarray of float64, shape (channels,)
        Normalised = (value - offset) / scale. One channel stands for any number of them.
    """

    offset: NDArray[np.float64]
    scale: NDArray[np.float64]

    def of_plane(self, stack: Stack, plane: int) -> Statistics:  # noqa: ARG002 - all planes are alike
        """Return what holds for one plane of the stack."""
        return self

    def to_json(self) -> dict[str, list[float]]:
        """Return lists of numbers, which JSON can hold without loss."""
        return {"offset": self.offset.tolist(), "scale": self.scale.tolist()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_json` returned."""
        return cls(np.asarray(values["offset"], np.float64), np.asarray(values["scale"], np.float64))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Statistics):
            return NotImplemented
        return np.array_equal(self.offset, other.offset) and np.array_equal(self.scale, other.scale)

    def __hash__(self) -> int:
        return hash((self.offset.tobytes(), self.scale.tobytes()))


def compute_statistics(
    stack: Stack,
    method: StatisticsMethod = "zscore",
    *,
    max_planes: int = 32,
    low: float = 1.0,
    high: float = 99.0,
    window: int = 1,
    luminance: bool = True,
) -> Statistics:
    """Work out how to normalise a stack, from evenly spread planes of it.

    Parameters
    ----------
    stack : Stack
        The stack.
    method : {"zscore", "percentile", "range", "otsu", "wolf"}
        ``zscore``: to mean 0 and deviation 1. ``percentile``: ``low`` to 0 and ``high`` to 1. ``range``: of
        integers, 0 to 0 and the largest of the type to 1; of real numbers, the extremes of the sampled planes.
        ``otsu`` and ``wolf`` are those of each plane by itself: see
        :class:`~napari_unets.images.plane_statistics.PlaneStatistics`.
    max_planes : int
        The most planes that are read; the same ones each time.
    low, high : float
        Percentiles.
    window : int
        Side of the squares whose contrast ``wolf`` looks at, in pixels.
    luminance : bool
        Whether colour counts as its luminance (for a network of one channel) or by channel.

    Returns
    -------
    Statistics
        Of one channel, or of three if the stack is RGB and ``luminance`` is False. The scale of a constant
        image is 1. Values that are not finite count for nothing.
    """
    if method in ("otsu", "wolf"):
        from napari_unets.images.plane_statistics import PlaneStatistics  # it builds on this module

        return PlaneStatistics(method=method, window=window)
    colours = stack.is_rgb and not luminance and stack.shape[-1] >= 3
    channels = 3 if colours else 1
    if method == "range" and stack.dtype.kind in "biu":
        largest = 1 if stack.dtype.kind == "b" else np.iinfo(stack.dtype).max
        return Statistics(np.zeros(channels), np.full(channels, float(largest)))
    numbers = np.unique(np.linspace(0, stack.n_planes - 1, min(max_planes, stack.n_planes)).round().astype(int))
    collectors = [_collector(stack, method, low, high, len(numbers)) for _ in range(channels)]
    for block in _blocks(stack, numbers):
        values = block if colours else luminance_of(block)[..., None] if stack.is_rgb else block[..., None]
        for channel, collector in enumerate(collectors):
            collector.add(values[..., channel])
    pairs = np.array([collector.result() for collector in collectors], dtype=np.float64)
    return Statistics(pairs[:, 0].copy(), np.where(pairs[:, 1] > 0, pairs[:, 1], 1.0))


def prepare_plane(plane: NDArray[Any], channels: int, statistics: Statistics) -> NDArray[np.float32]:
    """Turn a plane into a network's input.

    Parameters
    ----------
    plane : ndarray, shape (y, x) or (y, x, s)
        Pixels of any type; colour samples last.
    channels : int
        Channels that the network takes. Colour becomes luminance for one, grey is repeated for three.
        Transparency is left out.
    statistics : Statistics
        Of the stack.

    Returns
    -------
    ndarray of float32, shape (channels, y, x)
        Contiguous. What is not finite becomes 0, which is the mean under ``zscore``.

    Raises
    ------
    ChannelsError
        If there is no way from the plane's channels to those of the network.
    """
    samples = 1 if plane.ndim == 2 else plane.shape[2] - (plane.shape[2] in (2, 4))
    precise = np.float32 if plane.dtype.itemsize <= 2 or plane.dtype == np.float32 else np.float64
    if plane.ndim == 3 and samples == 3 and channels == 1:
        values = luminance_of(plane)[None]
    elif plane.ndim == 3 and samples == channels:
        values = np.moveaxis(plane[..., :samples], -1, 0)
    elif samples == 1 and channels in (1, 3):
        grey = plane if plane.ndim == 2 else plane[..., 0]
        values = np.broadcast_to(grey, (channels, *grey.shape))
    else:
        raise ChannelsError(f"the image has {samples} channel(s) a pixel, but the model takes {channels}")
    values = values.astype(precise)  # a copy, so that the caller's plane is left alone
    values -= statistics.offset.reshape(-1, 1, 1).astype(precise)
    values /= statistics.scale.reshape(-1, 1, 1).astype(precise)
    if plane.dtype.kind == "f":
        values[~np.isfinite(values)] = 0
    return np.ascontiguousarray(values, dtype=np.float32)


def luminance_of(colour: NDArray[Any]) -> NDArray[np.float32]:
    """Luminance of colour (ITU-R BT.601), or grey without its transparency.

    Parameters
    ----------
    colour : ndarray, shape (..., s)
        1 or 2 samples (grey, and transparency) or 3 or 4 (red, green, blue, and transparency).

    Returns
    -------
    ndarray of float32, shape (...)
        In the units of the samples.
    """
    if colour.shape[-1] < 3:
        return colour[..., 0].astype(np.float32)
    red, green, blue = (colour[..., i].astype(np.float32) * np.float32(LUMINANCE[i]) for i in range(3))
    return np.asarray(red + green + blue, dtype=np.float32)


def _blocks(stack: Stack, numbers: NDArray[np.int_]) -> Iterator[NDArray[Any]]:
    """Planes, in bands of rows where they are large."""
    height, width = stack.plane_shape
    rows = max(1, LARGEST_BLOCK // width)
    for i in numbers:
        for top in range(0, height, rows):
            yield stack.plane(int(i), (slice(top, top + rows), slice(0, width)))


def _collector(stack: Stack, method: str, low: float, high: float, n_planes: int) -> Collector:
    short = stack.dtype.kind in "biu" and stack.dtype.itemsize <= 2 and not stack.is_rgb
    if method == "zscore":
        return Moments()
    if method == "percentile" and short:
        return Histogram(low, high)
    if method == "percentile":
        pixels = n_planes * stack.plane_shape[0] * stack.plane_shape[1]
        return Sample(low, high, step=-(-pixels // _LARGEST_SAMPLE))
    if method == "range":
        return Extremes()
    raise ValueError(f"there is no method {method!r}; there are zscore, percentile, range, otsu and wolf")
