"""Connected objects between membranes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.segmentation import watershed

__all__ = ["membrane_instances"]


def membrane_instances(
    probability_of_membrane: npt.NDArray[np.floating],
    threshold: float = 0.5,
    min_size: int = 64,
    *,
    neck: float = 3.0,
) -> npt.NDArray[np.uint32]:
    """Separate the objects of one slice by a seeded watershed on the distance to the membrane.

    Seeds are what is left of the objects where the membrane is farther than ``neck``: two objects that touch through
    a gap in their membrane narrower than twice that have a seed each, and the watershed draws the border where the
    gap is narrowest. Taking every local maximum of the distance as a seed instead would cut long neurites to pieces.
    Objects too thin for a seed are kept whole.

    On the annotated membranes of ISBI 2012 (4 nm a pixel) 3 pixels cost 0.0025 to 0.008 of V_rand against plain
    connected components, and won back 0.08 to 0.22 on three of four sections in which 40 holes of 5 pixels had been
    torn at random.

    Parameters
    ----------
    probability_of_membrane : ndarray, shape (y, x)
        In [0, 1].
    threshold : float
        Membrane is where the probability is above this.
    min_size : int
        Objects of fewer pixels are left out (0, as the membrane).
    neck : float
        Half the width, in pixels, of the widest gap in a membrane that is closed.

    Returns
    -------
    ndarray of uint32, shape (y, x)
        0 on the membrane, and the numbers 1 to n for the n objects.
    """
    inside = np.asarray(probability_of_membrane) <= threshold
    distance = ndimage.distance_transform_edt(np.pad(inside, 1, mode="edge")).astype(np.float32)[1:-1, 1:-1]
    seeds, n_seeds = ndimage.label(distance > neck)
    objects, n_objects = ndimage.label(inside)
    has_seed = np.zeros(n_objects + 1, bool)
    has_seed[objects[seeds > 0]] = True
    thin = inside & ~has_seed[objects]
    seeds[thin] = n_seeds + objects[thin]
    labels = watershed(-distance, seeds, mask=inside)  # type: ignore[no-untyped-call]
    sizes = np.bincount(labels.ravel())
    keep = sizes >= max(min_size, 1)
    keep[0] = False
    numbers = np.zeros(len(sizes), np.uint32)
    numbers[keep] = np.arange(1, np.count_nonzero(keep) + 1, dtype=np.uint32)
    result: npt.NDArray[np.uint32] = numbers[labels]
    return result
