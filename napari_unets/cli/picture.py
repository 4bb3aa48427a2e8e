"""A picture of a segmentation without a window: the image, and beside it the image with the classes' colours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from napari_unets.models import ClassInfo

__all__ = ["save_picture"]

_OPACITY = 0.45


def save_picture(
    path: Path, image: NDArray[np.uint8], labels: NDArray[np.integer], classes: Sequence[ClassInfo]
) -> None:
    """Write a PNG.

    Parameters
    ----------
    path : Path
        The file; replaced if it exists.
    image : ndarray of uint8, shape (y, x)
        Grey values.
    labels : ndarray of int, shape (y, x)
        Class ids; 0 stays uncoloured.
    classes : sequence of ClassInfo
        Their colours.
    """
    import imageio.v3 as iio
    import numpy as np

    grey = np.repeat(image[..., None].astype(np.float32), 3, axis=-1)
    coloured = grey.copy()
    for info in classes:
        colour = np.array([int(info.color[i : i + 2], 16) for i in (1, 3, 5)], np.float32)
        here = labels == info.id
        coloured[here] = (1 - _OPACITY) * grey[here] + _OPACITY * colour
    gap = np.full((len(grey), 8, 3), 255, np.float32)
    iio.imwrite(path, np.concatenate([grey, gap, coloured], axis=1).round().astype(np.uint8))
