"""Grey values to what a network expects: statistics of the whole stack, applied plane by plane."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from napari_unets.images.collectors import Collector, Extremes, Histogram, Moments, Sample, has_value
from napari_unets.images.decoded import Window
from napari_unets.images.errors import ChannelsError
from napari_unets.images.sampling import sampled_windows
from napari_unets.images.stack import Stack

__all__ = [
    "LUMINANCE",
    "Statistics",
    "StatisticsMethod",
    "compute_statistics",
    "guessed_white",
    "luminance_of",
    "prepare_plane",
]

StatisticsMethod = Literal["zscore", "percentile", "range", "otsu", "wolf"]

#: Red, green, blue to luminance (ITU-R BT.601, as in JPEG).
LUMINANCE = (0.299, 0.587, 0.114)
_LARGEST_SAMPLE = 2**24  # values that percentiles of anything but short integers are taken from
_WHITES = (255, 1023, 4095, 65535)  # of cameras and scanners of 8 to 16 bits, all of which are stored in 16


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
    between: Callable[[], None] | None = None,
) -> Statistics:
    """Work out how to normalise a stack, from evenly spread planes of it; of huge ones, from evenly spread parts.

    Parameters
    ----------
    stack : Stack
        The stack.
    method : {"zscore", "percentile", "range", "otsu", "wolf"}
        ``zscore``: to mean 0 and deviation 1. ``percentile``: ``low`` to 0 and ``high`` to 1. ``range``: 0 to 0 and
        white to 1. White is 1 of truth values, 255 of uint8, and of uint16 the first of 255, 1023, 4095 and 65535
        that nothing exceeds. All other types do not say what white is: the extremes become 0 and 1.
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
    between : callable, optional
        Called before each part that is read; what it raises ends the work.

    Returns
    -------
    Statistics
        Of one channel, or of three if the stack is RGB and ``luminance`` is False. The scale of a constant
        image is 1. NaN, infinity and numbers beyond 1e30, which stand for no value, count for nothing.
    """
    if method in ("otsu", "wolf"):
        from napari_unets.images.plane_statistics import PlaneStatistics  # it builds on this module

        return PlaneStatistics(method=method, window=window)
    colours = stack.is_rgb and not luminance and stack.shape[-1] >= 3
    channels = 3 if colours else 1
    windows = sampled_windows(stack, max_planes)
    if method == "range" and stack.dtype in (np.bool_, np.uint8, np.uint16):
        white = {"bool": 1, "uint8": 255}.get(stack.dtype.name) or guessed_white(stack, windows, between)
        return Statistics(np.zeros(channels), np.full(channels, float(white)))
    collectors = [_collector(stack, method, low, high, windows) for _ in range(channels)]
    for block in _blocks(stack, windows, between):
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
        Contiguous. NaN, infinity and numbers beyond 1e30 become 0, which is the mean under ``zscore``.

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
    valid = has_value(values) if plane.dtype.kind == "f" else None
    with np.errstate(over="ignore"):  # of what is no value
        values -= statistics.offset.reshape(-1, 1, 1).astype(precise)
        values /= statistics.scale.reshape(-1, 1, 1).astype(precise)
    if valid is not None:
        values[~valid] = 0
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


def _blocks(
    stack: Stack, windows: Sequence[tuple[int, Window]], between: Callable[[], None] | None
) -> Iterator[NDArray[Any]]:
    for plane, window in windows:
        if between is not None:
            between()
        yield stack.plane(plane, window)


def guessed_white(
    stack: Stack, windows: Sequence[tuple[int, Window]], between: Callable[[], None] | None = None
) -> int:
    """Guess of unsigned integers how many of their bits are used; of colours it is the same for all.

    Parameters
    ----------
    stack : Stack
        The stack.
    windows : sequence of (int, window)
        Planes and regions that are looked at.
    between : callable, optional
        Called before each of them; what it raises ends the work.

    Returns
    -------
    int
        The first of 255, 1023, 4095 and 65535 that nothing exceeds, and otherwise the largest value.
    """
    largest = 0
    for block in _blocks(stack, windows, between):
        opaque = block[..., : block.shape[-1] - (block.shape[-1] in (2, 4))] if stack.is_rgb else block
        largest = max(largest, int(opaque.max()))
    return next((white for white in _WHITES if largest <= white), largest)


def _collector(stack: Stack, method: str, low: float, high: float, windows: Sequence[tuple[int, Window]]) -> Collector:
    short = stack.dtype.kind in "biu" and stack.dtype.itemsize <= 2 and not stack.is_rgb
    if method == "zscore":
        return Moments()
    if method == "percentile" and short:
        return Histogram(low, high)
    if method == "percentile":
        pixels = sum((y.stop - y.start) * (x.stop - x.start) for _, (y, x) in windows)
        return Sample(low, high, step=-(-pixels // _LARGEST_SAMPLE))
    if method == "range":
        return Extremes()
    raise ValueError(f"there is no method {method!r}; there are zscore, percentile, range, otsu and wolf")
