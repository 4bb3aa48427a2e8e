"""Weights that make a network learn the thin borders between touching objects."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

__all__ = ["border_weights"]


def border_weights(
    annotations: npt.NDArray[np.integer], object_class: int = 2, *, strength: float = 10.0, sigma: float = 5.0
) -> npt.NDArray[np.float32]:
    """Weight map of equation 2 of the U-Net paper: large where two objects nearly touch.

    ``1 + strength * exp(-(d1 + d2)² / (2 sigma²))`` off the objects, where d1 and d2 are the distances to the
    nearest and the second nearest object; 1 on them. The paper's ``w_c``, which balances the classes, is left
    to the choice of patches.

    Parameters
    ----------
    annotations : ndarray of int, shape (y, x)
        Class ids; 0 = not annotated.
    object_class : int
        Class whose connected components (4-neighbours) are the objects.
    strength : float
        ``w0`` of the paper (10).
    sigma : float
        In pixels (about 5 in the paper).

    Returns
    -------
    ndarray of float32, shape (y, x)

    References
    ----------
    .. [1] Ronneberger, Fischer, Brox, U-Net: Convolutional networks for biomedical image segmentation, MICCAI 2015.
    """
    objects, _ = ndimage.label(annotations == object_class)
    # Beyond three sigmas for both distances together the weight is 1 to two digits.
    reach = int(np.ceil(3 * sigma))
    nearest = np.full(annotations.shape, np.inf)
    second = np.full(annotations.shape, np.inf)
    for number, box in enumerate(ndimage.find_objects(objects), start=1):
        around = tuple(slice(max(0, part.start - reach), part.stop + reach) for part in box)
        distance = ndimage.distance_transform_edt(objects[around] != number)
        first, other = nearest[around], second[around]  # views
        np.minimum(other, np.maximum(first, distance), out=other)
        np.minimum(first, distance, out=first)
    both = nearest + second
    weights = 1 + strength * np.exp(-(both**2) / (2 * sigma**2))
    return np.where(objects > 0, 1.0, weights).astype(np.float32)
