"""Colour pages seen as grey ones, or as black and white."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_unets.images.normalise import luminance_of
from napari_unets.images.stack import Stack

if TYPE_CHECKING:
    from napari_unets.images.source import Region

__all__ = ["as_grey"]


def as_grey(stack: Stack, *, white_only: bool = False) -> Stack:
    """See a colour stack without its axis of samples, or the white of a page; grey is returned as it is.

    Parameters
    ----------
    stack : Stack
        Read when the result is.
    white_only : bool
        Tell white, True, from everything else, as on a clean page whose ink kept its colour or grey; otherwise pixels
        become their luminance, in the type they have.

    Returns
    -------
    Stack
    """
    if not stack.is_rgb and (not white_only or stack.dtype == bool):
        return stack
    return Stack(
        _Grey(stack, white_only),
        stack.axes.removesuffix("s"),
        name=stack.name,
        path=stack.path,
        voxel_size_nm=stack.voxel_size_nm,
        metadata=stack.metadata,
        reopen=partial(as_grey, stack, white_only=white_only),
    )


class _Grey:
    """Source of a stack's luminance, or of what is white in it."""

    def __init__(self, stack: Stack, white_only: bool) -> None:
        self._stack = stack
        self._white_only = white_only
        self.shape: tuple[int, ...] = stack.shape[: stack.plane_axes + 2]
        self.dtype: np.dtype[Any] = np.dtype(bool) if white_only else stack.dtype
        self.chunks: tuple[int, ...] | None = (*(1,) * stack.plane_axes, *stack.plane_shape)

    def read(self, region: Region) -> NDArray[Any]:
        """Read a region; the result has all axes."""
        colour = self._stack[region] if self._stack.is_rgb else self._stack[region][..., np.newaxis]
        samples = colour[..., : colour.shape[-1] - (colour.shape[-1] in (2, 4))]
        if self._white_only:
            white: Any = np.iinfo(colour.dtype).max if colour.dtype.kind in "iu" else 1
            return np.asarray((samples == white).all(axis=-1))
        grey = luminance_of(samples)
        return (grey if self.dtype.kind == "f" else np.rint(grey)).astype(self.dtype)

    def close(self) -> None:
        """Give the file back."""
        self._stack.close()
