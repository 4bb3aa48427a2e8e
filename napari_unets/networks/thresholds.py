"""Classical binarisation of documents, written as networks without weights: Otsu, Niblack, Sauvola, Wolf.

A pixel is ink where it is darker than a threshold. The logit is how much darker, divided by :attr:`softness`, so
that the probability is above 0.5 exactly where the formula says ink, and says how clear the case is. What a formula
needs to know of the whole page is in how the page is normalised (``normalisation`` on the model's card).
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import torch
from torch import Tensor

from napari_unets.networks.base import Network
from napari_unets.networks.errors import NetworkSettingsError
from napari_unets.networks.geometry import Span
from napari_unets.networks.registry import register

__all__ = ["Niblack", "Otsu", "Sauvola", "Wolf"]


class _Threshold(Network):
    """A threshold from mean and standard deviation of the square around each pixel.

    The result is smaller than the image by half a square on each side, so whoever runs it mirrors the page at its
    border, and tiles of any size give what the whole page gives.
    """

    has_weights: ClassVar[bool] = False

    def __init__(self, in_channels: int, out_channels: int, *, window: int, softness: float, **settings: float) -> None:
        super().__init__(in_channels, out_channels, window=window, softness=softness, **settings)
        if (in_channels, out_channels) != (1, 1):
            raise NetworkSettingsError(f"{self.name} takes grey and gives ink: one channel in, one out")
        if window < 1 or window % 2 == 0:
            raise NetworkSettingsError(f"{self.name} needs a window of an odd number of pixels, not {window}")
        if softness <= 0:
            raise NetworkSettingsError(f"{self.name} needs a softness above 0, not {softness}")
        self.window = window
        self.softness = softness

    @property
    def margin(self) -> int:
        """Half the window: pixels that the result is smaller by on each side."""
        return self.window // 2

    def input_span(self, first: int, last: int) -> Span:
        """Input pixels that output pixels depend on."""
        return first - self.margin, last + self.margin

    def next_valid_size(self, size: int) -> int:
        """Any size from one window up."""
        return max(size, self.window)

    def logits(self, x: Tensor) -> Tensor:
        """How much darker than its threshold each pixel is."""
        x = x.double()  # sums over thousands of pixels, and their difference
        height, width = x.shape[2:]
        centre = x[..., self.margin : height - self.margin, self.margin : width - self.margin]
        mean = _box_mean(x, self.window)
        deviation = (_box_mean(x.square(), self.window) - mean.square()).clamp_(min=0).sqrt_()
        return ((self._threshold(mean, deviation) - centre) / self.softness).float()

    @abstractmethod
    def _threshold(self, mean: Tensor, deviation: Tensor) -> Tensor:
        """Threshold of each pixel."""


@register
class Otsu(_Threshold):
    """One threshold for the page: the one that makes the grey values on either side of it most alike.

    It is found before, as the zero of the normalised grey values (``normalisation`` "otsu").

    Parameters
    ----------
    softness : float
        Difference from the threshold, in parts of the range of grey values, that makes a logit of 1.
    """

    name: ClassVar[str] = "otsu"
    paper: ClassVar[str] = "N. Otsu, A threshold selection method from gray-level histograms, IEEE Trans. SMC 9, 1979"

    def __init__(self, in_channels: int = 1, out_channels: int = 1, softness: float = 0.03) -> None:
        super().__init__(in_channels, out_channels, window=1, softness=softness)
        del self._settings["window"]

    def _threshold(self, mean: Tensor, deviation: Tensor) -> Tensor:  # noqa: ARG002 - the page is all that counts
        return torch.zeros_like(mean)

    def logits(self, x: Tensor) -> Tensor:
        """How much darker than the page's threshold each pixel is."""
        return -x / self.softness


@register
class Niblack(_Threshold):
    """Mean less ``k`` standard deviations of the square around a pixel.

    Parameters
    ----------
    window : int
        Side of the square, in pixels; odd.
    k : float
        How far below the mean.
    softness : float
        As in :class:`Otsu`.
    """

    name: ClassVar[str] = "niblack"
    paper: ClassVar[str] = "W. Niblack, An Introduction to Digital Image Processing, Prentice-Hall, 1986"

    def __init__(
        self, in_channels: int = 1, out_channels: int = 1, window: int = 101, k: float = 1.1, softness: float = 0.03
    ) -> None:
        super().__init__(in_channels, out_channels, window=window, softness=softness, k=k)
        self.k = k

    def _threshold(self, mean: Tensor, deviation: Tensor) -> Tensor:
        return mean - self.k * deviation


@register
class Sauvola(_Threshold):
    """Mean of the square around a pixel, lowered where there is little contrast: ``m (1 + k (s / r - 1))``.

    Parameters
    ----------
    window, softness
        As in :class:`Niblack`.
    k : float
        How far the threshold falls where nothing is written.
    r : float
        Largest standard deviation to be expected, in parts of the range of grey values.
    """

    name: ClassVar[str] = "sauvola"
    paper: ClassVar[str] = "J. Sauvola, M. Pietikäinen, Adaptive document image binarization, Pattern Recogn. 33, 2000"

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 1,
        window: int = 51,
        k: float = 0.2,
        r: float = 0.5,
        softness: float = 0.03,
    ) -> None:
        super().__init__(in_channels, out_channels, window=window, softness=softness, k=k, r=r)
        if r <= 0:
            raise NetworkSettingsError(f"{self.name} needs an r above 0, not {r}")
        self.k, self.r = k, r

    def _threshold(self, mean: Tensor, deviation: Tensor) -> Tensor:
        return mean * (1 + self.k * (deviation / self.r - 1))


@register
class Wolf(_Threshold):
    """Sauvola's threshold, measured against the darkest pixel and the largest contrast of the page.

    With ``M`` the darkest value of the page and ``R`` the largest standard deviation of any square in it, the paper's
    threshold is ``m - k (1 - s / R) (m - M)``. Grey values that were normalised to ``(x - M) / R`` (``normalisation``
    "wolf") make it the ``m (1 - k (1 - s))`` that is computed here.

    Parameters
    ----------
    window, k
        As in :class:`Sauvola`; the normalisation takes the same window.
    softness : float
        Difference from the threshold, in parts of the largest contrast, that makes a logit of 1.
    """

    name: ClassVar[str] = "wolf"
    paper: ClassVar[str] = "C. Wolf, J.-M. Jolion, Extraction and recognition of artificial text, PAA 6, 2004"

    def __init__(
        self, in_channels: int = 1, out_channels: int = 1, window: int = 51, k: float = 0.3, softness: float = 0.12
    ) -> None:
        super().__init__(in_channels, out_channels, window=window, softness=softness, k=k)
        self.k = k

    def _threshold(self, mean: Tensor, deviation: Tensor) -> Tensor:
        return mean * (1 - self.k * (1 - deviation))


def _box_mean(x: Tensor, window: int) -> Tensor:
    """Mean of every whole square of a float64 image, by running sums: the window's size costs nothing."""
    for axis in (2, 3):
        sums = torch.nn.functional.pad(x.cumsum(axis), (1, 0) if axis == 3 else (0, 0, 1, 0))
        length = sums.shape[axis]
        x = sums.narrow(axis, window, length - window) - sums.narrow(axis, 0, length - window)
    return x / window**2
