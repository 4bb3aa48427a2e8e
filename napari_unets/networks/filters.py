"""What pixel classifiers look at: an image smoothed at several scales, and its derivatives."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own short name
from torch import Tensor, nn

from napari_unets.networks.errors import NetworkSettingsError

__all__ = ["DerivativeFilters"]

#: Kernels end at this many standard deviations, where a Gaussian has fallen to 1.1 % of its peak.
_TRUNCATE = 3.0
#: Under the roots, against their endless slope where an image is flat.
_FLAT = 1e-6


class DerivativeFilters(nn.Module):
    """Fixed filters at several scales: smoothed image, gradient magnitude, and the eigenvalues of the Hessian.

    They are what ilastik and scikit-image's ``multiscale_basic_features`` give a random forest. The larger eigenvalue
    is high along dark lines, such as membranes, however faint they are, which a network that begins with random
    weights would have to find out from strokes. Derivatives are multiplied by sigma, second ones by its square, so
    that they are of the same size at all scales (Lindeberg, 1998).

    Parameters
    ----------
    in_channels : int
        Channels of the image; each is filtered by itself.
    scales : sequence of float
        Standard deviations of the Gaussians, in pixels.

    Attributes
    ----------
    out_channels : int
        Channels of the result: the image's own, then four a scale and channel.
    radius : int
        How far the filters reach, in pixels.

    Raises
    ------
    NetworkSettingsError
        If a scale is not between 0.5 and 32.

    References
    ----------
    .. [1] T. Lindeberg: "Feature Detection with Automatic Scale Selection", IJCV 30:79-116, 1998.
    """

    def __init__(self, in_channels: int, scales: Sequence[float]) -> None:
        super().__init__()
        for sigma in scales:
            if not 0.5 <= sigma <= 32:
                raise NetworkSettingsError(f"the scale of a filter is 0.5 to 32 pixels, not {sigma}")
        self.scales = tuple(float(sigma) for sigma in scales)
        self.out_channels = in_channels * (1 + 4 * len(self.scales))
        self.radius = max(math.ceil(_TRUNCATE * sigma) for sigma in self.scales)
        for index, sigma in enumerate(self.scales):
            self.register_buffer(f"kernels_{index}", _kernels(sigma), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(n, out_channels, height, width)`` of an image batch ``(n, in_channels, height, width)``."""
        n, channels, height, width = x.shape
        found = [plane := x.reshape(n * channels, 1, height, width)]
        for index in range(len(self.scales)):
            found += _at_scale(plane, self.get_buffer(f"kernels_{index}"))
        return torch.cat(found, 1).reshape(n, self.out_channels, height, width)


def _at_scale(plane: Tensor, kernels: Tensor) -> list[Tensor]:
    """Smoothed plane, gradient magnitude, larger and smaller eigenvalue of the Hessian."""
    reach = kernels.shape[-1] // 2
    plane = F.pad(plane, (reach,) * 4, mode="replicate")
    # Convolved with the derivatives themselves: differences of a smoothed image would be lost in 16 bits.
    along_y = F.conv2d(plane, kernels.unsqueeze(-1)).chunk(3, 1)
    smooth, x, xx = F.conv2d(along_y[0], kernels.unsqueeze(-2)).chunk(3, 1)
    y, yx = F.conv2d(along_y[1], kernels[:2].unsqueeze(-2)).chunk(2, 1)
    yy = F.conv2d(along_y[2], kernels[:1].unsqueeze(-2))
    middle, apart = (yy + xx) / 2, _root((yy - xx).square() / 4 + yx.square())
    return [smooth, _root(y.square() + x.square()), middle + apart, middle - apart]


def _root(squared: Tensor) -> Tensor:
    """Square root that is 0 at 0 and has a gradient there."""
    return (squared + _FLAT).sqrt() - math.sqrt(_FLAT)


def _kernels(sigma: float) -> Tensor:
    """Gaussian and its first and second derivative times sigma and sigma squared, ``(3, 1, taps)``."""
    reach = math.ceil(_TRUNCATE * sigma)
    line = torch.arange(-reach, reach + 1, dtype=torch.float64) / sigma
    gaussian = torch.exp(-0.5 * line.square())
    gaussian /= gaussian.sum()
    second = (line.square() - 1) * gaussian
    second -= second.mean()  # cut off, it would answer to an even grey as well
    return torch.stack([gaussian, line * gaussian, second]).float()[:, None]
