"""Windows of a plane, put together without seams and in any order."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt

from napari_unets.inference.windows import Grid

__all__ = ["Blender"]

_Floats = npt.NDArray[np.float32]


class Blender:
    """Blend the overlapping windows of one plane as they arrive.

    Each window that is added gives back the region that it changed, with the best values known so far: where a
    neighbour is still missing, those of the windows that are there. A pixel is given for the last time when the last
    window that covers it arrives, and its value then does not depend, to the bit, on the order of arrival.

    Parameters
    ----------
    grid : Grid
        The windows.

    Notes
    -----
    A window is kept until its eight neighbours have come: in row order one row of windows, in an order that grows
    from a point the rim of what is done. No array of the plane's size is made.
    """

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self._kept: dict[tuple[int, int], _Floats] = {}
        self._done: set[tuple[int, int]] = set()

    def add(self, row: int, column: int, values: _Floats) -> tuple[slice, slice, _Floats]:
        """Take a window's values and return what they change.

        Parameters
        ----------
        row, column : int
            Which window of the grid.
        values : ndarray of float32, shape (channels, height, width)
            Its values, of the whole window.

        Returns
        -------
        y, x : slice
            Region of the plane.
        blended : ndarray of float32, shape (channels, y, x)
        """
        rows, columns = self._grid.rows[row], self._grid.columns[column]
        used = values[:, *(slice(s.first - s.start, s.last - s.start) for s in (rows, columns))]
        self._kept[row, column] = used
        self._done.add((row, column))
        region = slice(rows.first, rows.last), slice(columns.first, columns.last)
        blended = self._blend(row, column)
        self._forget(row, column)
        return *region, blended

    def _neighbours(self, row: int, column: int) -> list[tuple[int, int]]:
        """List the window and those around it, row by row."""
        n_rows, n_columns = len(self._grid.rows), len(self._grid.columns)
        around = itertools.product(range(row - 1, row + 2), range(column - 1, column + 2))
        return [(r, c) for r, c in around if 0 <= r < n_rows and 0 <= c < n_columns]

    def _blend(self, row: int, column: int) -> _Floats:
        y0, x0 = self._grid.rows[row].first, self._grid.columns[column].first
        used = self._kept[row, column]
        total = np.zeros_like(used)
        weights = np.zeros(used.shape[1:], np.float32)
        # Always in the same order, so that sums round alike whichever window came last.
        for r, c in self._neighbours(row, column):
            if (r, c) not in self._kept:
                continue
            rows, columns = self._grid.rows[r], self._grid.columns[c]
            top, bottom = max(y0, rows.first), min(y0 + used.shape[1], rows.last)
            left, right = max(x0, columns.first), min(x0 + used.shape[2], columns.last)
            if top >= bottom or left >= right:
                continue
            theirs = slice(top - rows.first, bottom - rows.first), slice(left - columns.first, right - columns.first)
            ours = slice(top - y0, bottom - y0), slice(left - x0, right - x0)
            weight = rows.weights[theirs[0], None] * columns.weights[None, theirs[1]]
            total[:, *ours] += weight * self._kept[r, c][:, *theirs]
            weights[ours] += weight
        return np.divide(total, weights, out=total)

    def _forget(self, row: int, column: int) -> None:
        for window in self._neighbours(row, column):
            if window in self._kept and all(n in self._done for n in self._neighbours(*window)):
                del self._kept[window]
