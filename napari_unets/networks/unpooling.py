"""2×2 max-pooling that remembers where, and the unpooling that puts values back there."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

__all__ = ["max_pool_with_places", "max_unpool"]


def max_pool_with_places(x: Tensor) -> tuple[Tensor, Tensor]:
    """Maximum of each 2×2 cell, and where in the cell it was.

    Parameters
    ----------
    x : Tensor
        Features ``(batch, channels, height, width)`` of even height and width.

    Returns
    -------
    pooled : Tensor
        Maxima ``(batch, channels, height / 2, width / 2)``.
    places : Tensor of bool
        ``(batch, channels, 4, height / 2, width / 2)``: true at the one of the cell's four pixels, in reading
        order, that holds the maximum; the first of equals, as in :class:`torch.nn.MaxPool2d`.

    Notes
    -----
    Torch's own index form (``return_indices=True`` and ``MaxUnpool2d``) has no counterpart in the ONNX exporter
    or in OpenVINO. Within cells of 2×2 the same thing is a choice among four, which every back end can express.
    """
    pooled = F.max_pool2d(x, 2)
    places = []
    free = torch.ones_like(pooled, dtype=torch.bool)
    for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)):
        here = (x[..., row::2, column::2] == pooled) & free
        places.append(here)
        free = free & ~here
    return pooled, torch.stack(places, dim=2)


def max_unpool(x: Tensor, places: Tensor) -> Tensor:
    """Put each value at its place in a 2×2 cell of zeros.

    Parameters
    ----------
    x : Tensor
        Values ``(batch, channels, height, width)``.
    places : Tensor of bool
        As :func:`max_pool_with_places` returns them, for the same shape.

    Returns
    -------
    Tensor
        ``(batch, channels, 2 * height, 2 * width)``.
    """
    cells = torch.where(places, x.unsqueeze(2), torch.zeros((), dtype=x.dtype, device=x.device))
    return F.pixel_shuffle(cells.flatten(1, 2), 2)
