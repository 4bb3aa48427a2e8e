"""A user who paints: seeded scribbles along the true classes of a section, as wide as a brush."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

__all__ = ["scribble"]

_TURN = 0.6  # radians; how much a hand may turn from one step to the next


def scribble(
    truth: npt.NDArray[np.uint8], share: float, rng: np.random.Generator, *, brush: int = 5, length: int = 60
) -> npt.NDArray[np.uint8]:
    """Paint strokes on a section until ``share`` of its pixels is annotated, as much of each class as of the others.

    A stroke begins on a random pixel of the class and follows the class for ``length`` steps of one pixel. The user
    is a careful one: what the brush would put beyond the class's border is not painted.

    Parameters
    ----------
    truth : ndarray, shape (y, x)
        Class ids.
    share : float
        Share of the section's pixels to annotate.
    rng : Generator
        Makes the user's choices.
    brush : int
        Width of the strokes in pixels.
    length : int
        Length of a stroke in pixels.

    Returns
    -------
    ndarray of uint8, shape (y, x)
        Class ids; 0 = not annotated.
    """
    painted = np.zeros_like(truth)
    line = np.arange(brush) - brush // 2
    disc = (line[:, None] ** 2 + line**2) <= (brush / 2) ** 2
    for class_id in np.unique(truth[truth > 0]):
        inside = truth == class_id
        depth = ndimage.distance_transform_edt(inside)
        starts = np.argwhere(inside)
        wanted = share * truth.size / 2
        while np.count_nonzero(painted == class_id) < min(wanted, len(starts) / 2):
            path = np.zeros(truth.shape, bool)
            path[tuple(_walk(depth, starts[rng.integers(len(starts))], length, rng).T)] = True
            painted[ndimage.binary_dilation(path, disc) & inside] = class_id
    return painted


def _walk(
    depth: npt.NDArray[np.float64], start: npt.NDArray[np.int64], length: int, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Follow a class from a pixel of it, keeping towards its middle; ends where the class does."""
    where, angle = start.astype(float), rng.uniform(0, 2 * np.pi)
    path = [start]
    for _ in range(length):
        turns = _TURN * np.array([0, -1, 1, -2, 2])
        angles = angle + turns
        places = where + np.stack([np.sin(angles), np.cos(angles)], 1)
        pixels = np.clip(places.round().astype(int), 0, np.array(depth.shape) - 1)
        # Deep inside a cell the hand goes on as it went; beside the border it turns away from it.
        worth = np.minimum(depth[tuple(pixels.T)], 4) - np.abs(turns) + rng.uniform(0, 1, 5)
        best = int(worth.argmax())
        if depth[tuple(pixels[best])] == 0:
            break
        where, angle = places[best], angles[best]
        path.append(pixels[best])
    return np.stack(path)
