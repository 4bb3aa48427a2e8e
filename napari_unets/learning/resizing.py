"""Bring planes and their labels to another size."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from skimage import transform

__all__ = ["resized"]


def resized(array: npt.NDArray[Any], shape: tuple[int, ...], *, smooth: bool) -> npt.NDArray[Any]:
    """Resize an array; its type stays.

    Parameters
    ----------
    array : ndarray
        Images or class ids, with any axes around y and x.
    shape : tuple of int
        The new shape; axes that stay as long as they are stay as they are.
    smooth : bool
        Values bilinearly, blurred before where they shrink; otherwise as the nearest pixel has them (class ids).

    Returns
    -------
    ndarray
    """
    shrinks = any(new < old for new, old in zip(shape, array.shape, strict=True))
    how: dict[str, Any] = {"order": 1, "anti_aliasing": shrinks} if smooth else {"order": 0, "anti_aliasing": False}
    result = np.asarray(transform.resize(array, shape, preserve_range=True, **how))  # type: ignore[no-untyped-call]
    whole_numbers = array.dtype.kind in "bui"
    return (result.round() if whole_numbers else result).astype(array.dtype)
