"""How far a slice lies beside the one before it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy

__all__ = ["overlapping", "slice_shift"]

_SIDE = 1024  # pixels; larger slices are looked at smaller
_SMOOTHING = 2.0  # pixels; membranes move a little by themselves


def slice_shift(previous: npt.NDArray[np.integer], following: npt.NDArray[np.integer], largest: int) -> tuple[int, int]:
    """Find the shift at which the membranes of two slices lie best upon each other.

    Parameters
    ----------
    previous, following : ndarray of int, shape (y, x)
        Objects of the slices; 0 is membrane.
    largest : int
        Farthest shift along y and x, in pixels.

    Returns
    -------
    tuple of int
        (dy, dx): what is at (y, x) in ``previous`` is near (y + dy, x + dx) in ``following``. Exact to a pixel, and of
        slices of more than 1024 pixels a side to as many as the smaller image's pixel holds.
    """
    step = -(-max(previous.shape) // _SIDE)
    reach = largest // step
    if reach == 0:
        return 0, 0
    one, two = (_spectrum(labels, step) for labels in (previous, following))
    shape = tuple(-(-n // step) for n in previous.shape)
    likeness = scipy.fft.irfft2(np.conj(one) * two, s=shape)
    rows, columns = (np.arange(-min(reach, (n - 1) // 2), min(reach, (n - 1) // 2) + 1) for n in shape)
    near = likeness[rows[:, None], columns]
    row, column = np.unravel_index(int(near.argmax()), near.shape)
    if near[row, column] <= likeness[0, 0]:  # nothing is better than no shift: an empty slice, for instance
        return 0, 0
    return int(rows[row]) * step, int(columns[column]) * step


def _spectrum(labels: npt.NDArray[np.integer], step: int) -> npt.NDArray[np.complexfloating]:
    membrane = scipy.ndimage.gaussian_filter((labels[::step, ::step] == 0).astype(np.float32), _SMOOTHING)
    spectrum: npt.NDArray[np.complexfloating] = scipy.fft.rfft2(membrane - membrane.mean())
    return spectrum


def overlapping(size: int, shift: int) -> tuple[slice, slice]:
    """Return the parts of an axis of two slices that lie upon each other."""
    return slice(max(0, -shift), min(size, size - shift)), slice(max(0, shift), min(size, size + shift))
