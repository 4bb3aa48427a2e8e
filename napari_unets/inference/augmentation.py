"""Test-time augmentation: the mean over the eight ways to turn and mirror an image."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

__all__ = ["eightfold"]

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
