"""Ink on white, in the colour that it has on the page."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ink_in_colour"]

_WHITE = 255
_ROWS = 1024  # looked at together, so that no second copy of a large page is made


def ink_in_colour(pixels: NDArray[Any], ink: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Keep a page where there is ink, and make it white elsewhere.

    Parameters
    ----------
    pixels : ndarray, shape (y, x) or (y, x, s)
        The page: grey or colour of any type; transparency is left out. Wider integers become 8 bits by the range of
        their type, real numbers by their largest value.
    ink : ndarray of bool, shape (y, x)
        Where there is ink.

    Returns
    -------
    ndarray of uint8, shape (y, x) or (y, x, 3)
    """
    if pixels.ndim == 3:
        pixels = pixels[..., :3] if pixels.shape[2] > 2 else pixels[..., 0]
    page = np.full(pixels.shape, _WHITE, np.uint8)
    factor = None if pixels.dtype == np.uint8 else 255 / _largest(pixels)
    for top in range(0, len(page), _ROWS):
        rows = slice(top, top + _ROWS)
        kept = pixels[rows][ink[rows]]
        if factor is not None:
            kept = np.nan_to_num(kept * factor).clip(0, 255).round()
        page[rows][ink[rows]] = kept
    return page


def _largest(pixels: NDArray[Any]) -> float:
    if pixels.dtype.kind == "b":
        return 1.0
    return float(np.iinfo(pixels.dtype).max if pixels.dtype.kind in "iu" else np.nanmax(pixels, initial=1))
