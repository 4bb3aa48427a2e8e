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
            along_y, along_x = _kernels(sigma)
            self.register_buffer(f"along_y_{index}", along_y, persistent=False)
            self.register_buffer(f"along_x_{index}", along_x, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(n, out_channels, height, width)`` of an image batch ``(n, in_channels, height, width)``."""
        found = []
        for channel in range(x.shape[1]):
            found.append(plane := x[:, channel : channel + 1])
            for index in range(len(self.scales)):
                found += _at_scale(plane, self.get_buffer(f"along_y_{index}"), self.get_buffer(f"along_x_{index}"))
        return torch.cat(found, 1)


def _at_scale(plane: Tensor, along_y: Tensor, along_x: Tensor) -> list[Tensor]:
    """Smoothed plane, gradient magnitude, larger and smaller eigenvalue of the Hessian."""
    # Convolved with the derivatives themselves: differences of a smoothed image would be lost in 16 bits.
    columns = F.conv2d(_repeated(plane, 2, along_y.shape[2] // 2), along_y)
    found = F.conv2d(_repeated(columns, 3, along_x.shape[3] // 2), along_x)
    smooth, x, xx, y, yx, yy = found.chunk(6, 1)
    middle, apart = (yy + xx) / 2, _root((yy - xx).square() / 4 + yx.square())
    return [smooth, _root(y.square() + x.square()), middle + apart, middle - apart]


def _repeated(x: Tensor, axis: int, count: int) -> Tensor:
    """Repeat the first and the last row (axis 2) or column (axis 3), in operations that do not depend on the size."""
    times = [1, 1, 1, 1]
    times[axis] = count
    first, last = (x[:, :, :1], x[:, :, -1:]) if axis == 2 else (x[..., :1], x[..., -1:])
    return torch.cat([first.repeat(times), x, last.repeat(times)], axis)


def _root(squared: Tensor) -> Tensor:
    """Square root that is 0 at 0 and has a gradient there."""
    return (squared + _FLAT).sqrt() - math.sqrt(_FLAT)


def _kernels(sigma: float) -> tuple[Tensor, Tensor]:
    """Gaussian and its derivatives, times powers of sigma: 3 kernels along y, and 6 that take these on along x.

    The six give the smoothed image and its derivatives along x, x and x, y, y and x, y and y. Half of their weights are
    zero; one convolution is quicker than three all the same.
    """
    reach = math.ceil(_TRUNCATE * sigma)
    line = torch.arange(-reach, reach + 1, dtype=torch.float64) / sigma
    gaussian = torch.exp(-0.5 * line.square())
    gaussian /= gaussian.sum()
    second = (line.square() - 1) * gaussian
    second -= second.mean()  # cut off, it would answer to an even grey as well
    kernels = torch.stack([gaussian, line * gaussian, second]).float()
    along_x = torch.zeros(6, 3, 1, len(line))
    for row, (before, then) in enumerate([(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (2, 0)]):
        along_x[row, before, 0] = kernels[then]
    return kernels[:, None, :, None].clone(), along_x
