"""From the values or colours in a label image to class ids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["class_ids"]


def class_ids(labels: npt.NDArray[np.generic], classes: Mapping[Any, int]) -> npt.NDArray[np.uint8]:
    """Class id of each pixel.

    Parameters
    ----------
    labels : ndarray, shape (..., y, x) or (..., y, x, 3 or 4)
        Numbers, or colours where ``classes`` names colours. Of colours where it names numbers the first channel counts.
        Bools, as of files of one bit, are 0 and 1; 0 and 255 where ``classes`` names 255 and not 1.
    classes : mapping
        Class id of each number, of each colour (``"#ff00ff"``), and of all ``"other"`` ones. What is not named is not
        annotated.

    Returns
    -------
    ndarray of uint8
        0 = not annotated; without the axis of the colours.
    """
    if labels.dtype == bool and 255 in classes and 1 not in classes:
        labels = np.where(labels, np.uint8(255), np.uint8(0))
    colours = any(str(key).startswith("#") for key in classes)
    has_samples = labels.ndim > 2 and labels.shape[-1] in (3, 4)
    if colours:
        rgb = labels[..., :3] if has_samples else np.stack([labels] * 3, -1)
        values = (rgb.astype(np.int64) * (1 << 16, 1 << 8, 1)).sum(-1)
    else:
        values = labels[..., 0] if has_samples else labels
    ids = np.full(values.shape, classes.get("other", 0), np.uint8)
    for key, class_id in classes.items():
        if key != "other":
            ids[values == (int(key[1:], 16) if isinstance(key, str) else key)] = class_id
    return ids
