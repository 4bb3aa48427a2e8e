"""What happens around the network: images made larger or smaller, and the mean over eight ways to turn them."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

__all__ = ["at_scale", "eightfold"]

_Floats = npt.NDArray[np.float32]


def eightfold(predict: Callable[[_Floats], _Floats], batch: _Floats) -> _Floats:
    """Mean prediction over the eight symmetries of the square.

    Parameters
    ----------
    predict : callable
        From images (B, C, H, W) to maps (B, n, h, w); it must take (B, C, W, H) as well.
    batch : ndarray of float32, shape (B, C, H, W)

    Returns
    -------
    ndarray of float32, shape (B, n, h, w)
        The same for a turned or mirrored batch, turned or mirrored.
    """
    total: _Floats | None = None
    for turns in range(4):
        for mirror in (False, True):
            seen = np.rot90(batch, turns, axes=(2, 3))
            seen = seen[..., ::-1] if mirror else seen
            result = predict(np.ascontiguousarray(seen))
            result = result[..., ::-1] if mirror else result
            result = np.rot90(result, -turns, axes=(2, 3))
            if total is None:
                total = np.array(result)
            else:
                total += result
    assert total is not None  # noqa: S101 - the loop ran
    total /= 8
    return total


def at_scale(predict: Callable[[_Floats], _Floats], batch: _Floats, scale: Fraction) -> _Floats:
    """Predict from images that are made larger or smaller first, and bring the result back to their size.

    Both ways are linear between pixels; what becomes smaller is averaged over what a new pixel covers.

    Parameters
    ----------
    predict : callable
        From images (B, C, H, W) to maps (B, n, H, W).
    batch : ndarray of float32, shape (B, C, H, W)
        ``scale`` times H and W are whole numbers.
    scale : Fraction
        How many times as large.

    Returns
    -------
    ndarray of float32, shape (B, n, H, W)
    """
    if scale == 1:
        return predict(batch)
    height, width = batch.shape[2:]
    seen = predict(_resized(batch, int(height * scale), int(width * scale)))
    return _resized(seen, height, width)


def _resized(batch: _Floats, height: int, width: int) -> _Floats:
    smaller = height < batch.shape[2]
    x = torch.from_numpy(np.ascontiguousarray(batch))
    resized: _Floats = functional.interpolate(x, (height, width), mode="bilinear", antialias=smaller).numpy()
    return resized
