"""Parts of planes as a network wants them: normalised, and mirrored at the border."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_unets.images import Stack, Statistics, prepare_plane

__all__ = ["PlaneReader", "mirrored"]

#: Planes of up to so many pixels are read as a whole.
WHOLE_PLANE_PIXELS = 4096 * 4096


def mirrored(start: int, stop: int, length: int) -> npt.NDArray[np.intp]:
    """Return the indices ``start`` to ``stop`` of an axis that is continued by its mirror image, again and again.

    The border pixel is not repeated (``c b a b c`` around ``a``), and ``start`` and ``stop`` may lie any number of
    lengths outside.
    """
    if length == 1:
        return np.zeros(stop - start, np.intp)
    period = 2 * length - 2
    index = np.arange(start, stop) % period
    return np.minimum(index, period - index).astype(np.intp)


class PlaneReader:
    """Read windows of a stack's planes, no more of it at a time than needed.

    Parameters
    ----------
    stack : Stack
        The image.
    channels : int
        Channels that the network takes.
    statistics : Statistics
        Of the whole stack.
    by_rows : bool
        Whether windows come row by row: of planes too large to be held, a strip as high as a window is then
        read at once and kept for the windows beside each other. Otherwise each window is read by itself.
    extent : tuple of slice, optional
        Part of the planes that all windows together need; all by default. Nothing is read outside of it.
    """

    def __init__(
        self,
        stack: Stack,
        channels: int,
        statistics: Statistics,
        *,
        by_rows: bool = True,
        extent: tuple[slice, slice] | None = None,
    ) -> None:
        self._stack = stack
        self._channels = channels
        self._statistics = statistics
        self._height, self._width = stack.plane_shape
        self._rows, self._columns = extent or (slice(0, self._height), slice(0, self._width))
        pixels = (self._rows.stop - self._rows.start) * (self._columns.stop - self._columns.start)
        self._whole = pixels <= WHOLE_PLANE_PIXELS
        self._by_rows = by_rows
        self._held: tuple[int, slice, slice] | None = None
        self._pixels: npt.NDArray[np.generic] = np.empty((0, 0))

    def window(self, plane: int, y: tuple[int, int], x: tuple[int, int]) -> npt.NDArray[np.float32]:
        """Pixels ``y[0]:y[1], x[0]:x[1]`` of a plane as (channels, height, width); both may reach outside."""
        rows, columns = mirrored(*y, self._height), mirrored(*x, self._width)
        inside = slice(int(rows.min()), int(rows.max()) + 1), slice(int(columns.min()), int(columns.max()) + 1)
        pixels, (top, left) = self._read(plane, *inside)
        part = pixels[inside[0].start - top : inside[0].stop - top, inside[1].start - left : inside[1].stop - left]
        prepared = prepare_plane(part, self._channels, self._statistics.of_plane(self._stack, plane))
        if y[0] >= 0 and x[0] >= 0 and y[1] <= self._height and x[1] <= self._width:
            return prepared
        return np.ascontiguousarray(prepared[:, (rows - inside[0].start)[:, None], columns - inside[1].start])

    def _read(self, plane: int, y: slice, x: slice) -> tuple[npt.NDArray[np.generic], tuple[int, int]]:
        """Pixels that contain the window, and where they begin."""
        if self._whole:
            y = self._rows
        if self._whole or self._by_rows:
            x = self._columns
        if self._held != (plane, y, x):
            self._held = None
            self._pixels = np.empty((0, 0))  # let go of the last strip before the next one is read
            self._pixels = np.asarray(self._stack.plane(plane, window=(y, x)))
            self._held = plane, y, x
        return self._pixels, (y.start, x.start)
